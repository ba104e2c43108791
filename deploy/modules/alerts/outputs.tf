output "topic_arn" {
  description = "The topic that alarms publish to."
  value       = aws_sns_topic.this.arn
}
