output "arns" {
  description = "The schedules' ARNs by name."
  value       = { for name, schedule in aws_scheduler_schedule.this : name => schedule.arn }
}

output "role_arn" {
  description = "The role that sends."
  value       = aws_iam_role.this.arn
}

output "targets" {
  description = "ARNs of the queues that schedules send to, and of those that take what can't be sent, by name."
  value = { for name, schedule in aws_scheduler_schedule.this : name => {
    queue       = schedule.target[0].arn
    dead_letter = schedule.target[0].dead_letter_config[0].arn
  } }
}
