output "url" {
  description = "Where images are pushed to, without a tag."
  value       = aws_ecr_repository.this.repository_url
}

output "arn" {
  description = "The repository's ARN, which execution roles pull from."
  value       = aws_ecr_repository.this.arn
}
