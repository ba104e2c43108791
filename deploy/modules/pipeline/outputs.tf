output "queues" {
  description = "By stage: the queue's name, URL and ARN, and those of its dead-letter queue."
  value       = { for name, stage in module.stage : name => stage.queue }
}

output "services" {
  description = "By stage: the service's name and its log group."
  value       = { for name, stage in module.stage : name => stage.service }
}

output "scaling" {
  description = "By stage: bounds and the backlog per task that scaling keeps."
  value       = { for name, stage in module.stage : name => stage.scaling }
}

output "task_roles" {
  description = "By stage: the workers' role and its policy."
  value       = { for name, stage in module.stage : name => stage.task_role }
}

output "buckets" {
  description = "ARNs of the raw and the curated bucket."
  value       = module.lake.bucket_arns
}

output "cluster" {
  description = "The ECS cluster."
  value       = aws_ecs_cluster.this.name
}

output "topic_arn" {
  description = "The topic that alarms publish to."
  value       = module.alerts.topic_arn
}

output "dashboard" {
  description = "The dashboard's name."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}
