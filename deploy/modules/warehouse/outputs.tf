output "environment" {
  description = "Environment variables for the workers: the URL, without the password."
  value = {
    DATABASE_URL = local.is_mysql ? "mysql://millrace@${local.server.host}:${local.server.port}/${var.database}?ssl-mode=REQUIRED" : "postgres://millrace@${local.server.host}:${local.server.port}/${var.database}?sslmode=require"
  }
}

output "secrets" {
  description = "Environment variables from the secret: the password."
  value = {
    (local.is_mysql ? "MYSQL_PWD" : "PGPASSWORD") = "${local.secret}:password::"
  }
}

output "identifier" {
  description = "The instance that is written to, for dashboards."
  value       = local.writer
}
