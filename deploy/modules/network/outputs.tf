output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "subnet_ids" {
  description = "Private subnets, one per zone."
  value       = [for subnet in aws_subnet.private : subnet.id]
}

output "workers_security_group_id" {
  description = "The security group of the workers."
  value       = aws_security_group.workers.id
}
