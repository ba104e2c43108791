output "bucket_arns" {
  description = "ARNs of the raw and the curated bucket."
  value       = { for which, bucket in aws_s3_bucket.this : which => bucket.arn }
}

output "rule_arn" {
  description = "The rule that announces objects over EventBridge, or null."
  value       = var.delivery == "eventbridge" ? local.rule_arn : null
}
