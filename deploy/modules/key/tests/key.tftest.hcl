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
}

variables {
  name       = "finance"
  raw_bucket = "finance-raw"
}

run "services_may_use_the_key_each_for_its_own_source" {
  command = plan

  assert {
    condition     = aws_kms_key.this.enable_key_rotation
    error_message = "the key is rotated"
  }
  assert {
    condition     = [for s in jsondecode(aws_kms_key.this.policy).Statement : s.Condition.ArnEquals["aws:SourceArn"] if s.Sid == "BucketToQueue"] == ["arn:aws:s3:::finance-raw"]
    error_message = "S3, for the raw bucket's notifications alone"
  }
  assert {
    condition     = [for s in jsondecode(aws_kms_key.this.policy).Statement : can(s.Condition) if s.Sid == "RulesToQueueAndTopic"] == [false]
    error_message = "EventBridge passes no source on to KMS: a condition would drop events silently"
  }
  assert {
    condition     = [for s in jsondecode(aws_kms_key.this.policy).Statement : s.Condition.StringEquals["aws:SourceAccount"] if s.Sid == "AlarmsToTopic"] == ["123456789012"]
    error_message = "CloudWatch, for this account's alarms"
  }
  assert {
    condition     = [for s in jsondecode(aws_kms_key.this.policy).Statement : s.Principal.AWS if s.Sid == "Account"] == ["arn:aws:iam::123456789012:root"]
    error_message = "the account keeps the key"
  }
}
