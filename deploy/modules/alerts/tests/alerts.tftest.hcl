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
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-west-1:123456789012:finance-alerts" }
  }
}

variables {
  name        = "finance"
  kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-1111-1111-1111-111111111111"
}

run "the_topic_takes_alarms_of_this_account_over_tls" {
  variables {
    subscriptions = { ops = { protocol = "email", endpoint = "ops@example.com" } }
    rule_arns     = ["arn:aws:events:eu-west-1:123456789012:rule/finance-stopped"]
  }

  assert {
    condition     = aws_sns_topic.this.kms_master_key_id == var.kms_key_arn
    error_message = "the topic is encrypted"
  }
  assert {
    condition     = [for s in jsondecode(aws_sns_topic_policy.this.policy).Statement : s.Condition.Bool["aws:SecureTransport"] if s.Effect == "Deny"] == ["false"]
    error_message = "publishing without TLS is denied"
  }
  assert {
    condition     = [for s in jsondecode(aws_sns_topic_policy.this.policy).Statement : s.Condition.StringEquals["aws:SourceAccount"] if s.Sid == "Alarms"] == ["123456789012"]
    error_message = "no other account's alarms"
  }
  assert {
    condition     = [for s in jsondecode(aws_sns_topic_policy.this.policy).Statement : s.Condition.ArnEquals["aws:SourceArn"] if s.Sid == "Rules"] == [["arn:aws:events:eu-west-1:123456789012:rule/finance-stopped"]]
    error_message = "only the named rules publish"
  }
  assert {
    condition     = aws_sns_topic_subscription.this["ops"].endpoint == "ops@example.com"
    error_message = "the subscriber hears of it"
  }
}

run "plain_http_is_refused" {
  command = plan
  variables {
    subscriptions = { hook = { protocol = "http", endpoint = "http://example.com" } }
  }
  expect_failures = [var.subscriptions]
}
