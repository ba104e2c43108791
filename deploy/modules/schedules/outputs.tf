output "arns" {
  description = "The schedules' ARNs by name."
  value       = { for name, schedule in aws_scheduler_schedule.this : name => schedule.arn }
}

output "role_arn" {
  description = "The role that sends."
  value       = aws_iam_role.this.arn
}
