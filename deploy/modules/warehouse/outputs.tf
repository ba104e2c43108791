output "environment" {
  description = "Environment variables for the workers: the URL, without the password."
  value = {
    DATABASE_URL = "postgres://millrace@${aws_db_instance.this.address}:${aws_db_instance.this.port}/${var.database}?sslmode=require"
  }
}

output "secrets" {
  description = "Environment variables from the secret: the password."
  value = {
    PGPASSWORD = "${aws_db_instance.this.master_user_secret[0].secret_arn}:password::"
  }
}

output "identifier" {
  description = "The instance, for dashboards."
  value       = aws_db_instance.this.identifier
}
