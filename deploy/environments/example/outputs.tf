output "registry" {
  description = "Where to push the image."
  value       = module.registry.url
}

output "queues" {
  description = "By stage: queues and dead-letter queues."
  value       = module.pipeline.queues
}

output "scaling" {
  description = "By stage: bounds and the backlog per task that scaling keeps."
  value       = module.pipeline.scaling
}

output "task_roles" {
  description = "By stage: the workers' role and its policy."
  value       = module.pipeline.task_roles
}

output "dashboard" {
  description = "The dashboard's name."
  value       = module.pipeline.dashboard
}

output "topic_arn" {
  description = "The topic that alarms publish to."
  value       = module.pipeline.topic_arn
}
