# A pipeline that has every stage there is: that of deploy/policies. A file of its
# own, since mocks keep the ARNs of the runs before.

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
    defaults = { arn = "arn:aws:iam::123456789012:role/finance" }
  }
  mock_resource "aws_appautoscaling_policy" {
    defaults = { arn = "arn:aws:autoscaling:eu-west-1:123456789012:scalingPolicy:1" }
  }
  mock_resource "aws_ecs_task_definition" {
    defaults = { arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/finance:1" }
  }
  mock_resource "aws_ecs_cluster" {
    defaults = { arn = "arn:aws:ecs:eu-west-1:123456789012:cluster/finance" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-1:123456789012:shop-queue" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-west-1:123456789012:finance-alerts" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-west-1:123456789012:rule/finance-stopped" }
  }
}

variables {
  image       = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/millrace:1.0.0"
  kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-1111-1111-1111-111111111111"
  network     = { subnet_ids = ["subnet-1", "subnet-2"], security_group_ids = ["sg-1"] }
}

run "a_pipeline_with_every_stage_has_a_service_and_a_queue_for_each" {
  variables {
    plan = jsondecode(file("../../policies/plan.json"))
  }
  override_resource {
    target = module.stage["export"].aws_sqs_queue.this
    values = { arn = "arn:aws:sqs:eu-west-1:123456789012:shop-export" }
  }
  override_resource {
    target = module.stage["export"].aws_sqs_queue.dead_letter
    values = { arn = "arn:aws:sqs:eu-west-1:123456789012:shop-export-dlq" }
  }
  override_resource {
    target = module.stage["report"].aws_sqs_queue.this
    values = { arn = "arn:aws:sqs:eu-west-1:123456789012:shop-report" }
  }
  override_resource {
    target = module.stage["report"].aws_sqs_queue.dead_letter
    values = { arn = "arn:aws:sqs:eu-west-1:123456789012:shop-report-dlq" }
  }
  override_resource {
    target = module.stage["maintain"].aws_sqs_queue.this
    values = { arn = "arn:aws:sqs:eu-west-1:123456789012:shop-maintain" }
  }
  override_resource {
    target = module.stage["maintain"].aws_sqs_queue.dead_letter
    values = { arn = "arn:aws:sqs:eu-west-1:123456789012:shop-maintain-dlq" }
  }
  assert {
    condition     = { for stage, queue in output.queues : stage => [queue.name, queue.dead_letter] } == { for stage in ["ingest", "transform", "load", "export", "derive", "report", "maintain", "collect", "catalog"] : stage => ["shop-${stage}", "shop-${stage}-dlq"] }
    error_message = "a queue and a dead-letter queue for each stage"
  }
  assert {
    condition     = { for stage, service in output.services : stage => service.name } == { for stage in keys(output.queues) : stage => "shop-${stage}" }
    error_message = "and a service"
  }
  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets) == 28
    error_message = "three widgets a stage, and the dead letters"
  }
  assert {
    condition = module.schedules[0].targets == { for name, stage in { orders = "export", sales = "report", maintain-reconcile = "maintain", maintain-compact = "maintain", maintain-retention = "maintain" } :
      name => { queue = "arn:aws:sqs:eu-west-1:123456789012:shop-${stage}", dead_letter = "arn:aws:sqs:eu-west-1:123456789012:shop-${stage}-dlq" }
    }
    error_message = "each schedule sends to the queue of its stage"
  }
}
