mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { name = "eu-west-1" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/finance-flow-log" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:123456789012:log-group:flow" }
  }
}

variables {
  name                 = "finance"
  zones                = ["eu-west-1a", "eu-west-1b"]
  flow_log_kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-1111-1111-1111-111111111111"
}

run "aws_is_reached_by_endpoints_alone" {
  assert {
    condition     = toset([for e in aws_vpc_endpoint.interface : e.service_name]) == toset([for s in ["ecr.api", "ecr.dkr", "logs", "sqs", "secretsmanager", "kms"] : "com.amazonaws.eu-west-1.${s}"])
    error_message = "an endpoint for each service that the workers call"
  }
  assert {
    condition     = alltrue([for e in aws_vpc_endpoint.interface : e.private_dns_enabled])
    error_message = "SDKs find the endpoints by the names they know"
  }
  assert {
    condition     = jsondecode(aws_vpc_endpoint.s3.policy).Statement[0].Condition.StringEquals["aws:ResourceAccount"] == "123456789012"
    error_message = "nobody carries data to another account's bucket"
  }
  assert {
    condition     = length(aws_subnet.private) == 2 && alltrue([for s in aws_subnet.private : s.map_public_ip_on_launch != true])
    error_message = "private subnets in two zones"
  }
  assert {
    condition     = aws_vpc_security_group_egress_rule.endpoints.to_port == 443 && aws_vpc_security_group_egress_rule.s3.to_port == 443
    error_message = "workers speak TLS and nothing else"
  }
}

run "one_zone_is_too_few" {
  command = plan
  variables {
    zones = ["eu-west-1a"]
  }
  expect_failures = [var.zones]
}
