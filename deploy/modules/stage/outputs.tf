output "queue" {
  description = "The queue's name, URL and ARN, and those of its dead-letter queue."
  value = {
    name            = aws_sqs_queue.this.name
    url             = aws_sqs_queue.this.id
    arn             = aws_sqs_queue.this.arn
    dead_letter     = aws_sqs_queue.dead_letter.name
    dead_letter_url = aws_sqs_queue.dead_letter.id
    dead_letter_arn = aws_sqs_queue.dead_letter.arn
  }
  # Who announces to the queue has to wait for the permission.
  depends_on = [aws_sqs_queue_policy.this]
}

output "service" {
  description = "The service's name, and its log group."
  value       = { name = aws_ecs_service.this.name, log_group = aws_cloudwatch_log_group.this.name }
}

output "task_role" {
  description = "The workers' role."
  value       = { arn = aws_iam_role.task.arn, policy = local.task_policy }
}

output "execution_role_arn" {
  description = "The role ECS starts the tasks with."
  value       = aws_iam_role.execution.arn
}

output "scaling" {
  description = "Bounds, the backlog per task that scaling keeps, and the expressions, for dashboards."
  value = {
    min        = local.min
    max        = local.max
    target     = local.backlog_target
    expression = local.backlog_per_task
  }
}

output "alarm_arns" {
  description = "The stage's alarms."
  value = concat(
    [for alarm in aws_cloudwatch_metric_alarm.queue : alarm.arn],
    [aws_cloudwatch_metric_alarm.errors.arn, aws_cloudwatch_metric_alarm.missing_tasks.arn],
  )
}
