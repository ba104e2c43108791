output "database" {
  description = "The Glue database."
  value       = aws_glue_catalog_database.this.name
}

output "workgroup" {
  description = "The Athena workgroup."
  value       = aws_athena_workgroup.this.name
}
