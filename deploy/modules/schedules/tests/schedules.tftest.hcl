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
    defaults = { arn = "arn:aws:iam::123456789012:role/finance-schedules" }
  }
}

variables {
  name        = "finance"
  kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-1111-1111-1111-111111111111"
  schedules = {
    users = {
      expression            = "cron(0 2 * * ? *)"
      timezone              = "Australia/Canberra"
      queue_arn             = "arn:aws:sqs:eu-west-1:123456789012:finance-export"
      dead_letter_queue_arn = "arn:aws:sqs:eu-west-1:123456789012:finance-export-dlq"
      input                 = "{\"export\":\"users\"}"
    }
  }
}

run "a_schedule_sends_in_its_time_zone_and_nothing_is_lost" {
  assert {
    condition     = aws_scheduler_schedule.this["users"].schedule_expression_timezone == "Australia/Canberra"
    error_message = "two o'clock is two o'clock there"
  }
  assert {
    condition     = aws_scheduler_schedule.this["users"].target[0].dead_letter_config[0].arn == "arn:aws:sqs:eu-west-1:123456789012:finance-export-dlq"
    error_message = "what can't be delivered is kept where its stage reads it"
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.this.policy).Statement[0].Resource == ["arn:aws:sqs:eu-west-1:123456789012:finance-export", "arn:aws:sqs:eu-west-1:123456789012:finance-export-dlq"]
    error_message = "the role sends to these queues and no other"
  }
  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/finance"
    error_message = "only this group's schedules take the role"
  }
}

run "an_expression_is_checked" {
  command = plan
  variables {
    schedules = { bad = { expression = "daily", queue_arn = "arn:aws:sqs:eu-west-1:123456789012:q", dead_letter_queue_arn = "arn:aws:sqs:eu-west-1:123456789012:d", input = "{}" } }
  }
  expect_failures = [var.schedules]
}
