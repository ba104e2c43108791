# The policies of the roles of deploy/policies' pipeline are those that lie there
# in files. The workers' recorded calls are held to these files by the tests of the
# workspace, which so need no Terraform.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { name = "us-east-1" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::000000000000:role/shop" }
  }
  mock_resource "aws_appautoscaling_policy" {
    defaults = { arn = "arn:aws:autoscaling:us-east-1:000000000000:scalingPolicy:1" }
  }
  mock_resource "aws_ecs_task_definition" {
    defaults = { arn = "arn:aws:ecs:us-east-1:000000000000:task-definition/shop:1" }
  }
  mock_resource "aws_ecs_cluster" {
    defaults = { arn = "arn:aws:ecs:us-east-1:000000000000:cluster/shop" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:us-east-1:000000000000:shop-queue" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:us-east-1:000000000000:shop-alerts" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:us-east-1:000000000000:rule/shop-stopped" }
  }
}

run "policies_are_those_that_the_workers_are_held_to" {
  variables {
    plan        = jsondecode(file("../../policies/plan.json"))
    image       = "000000000000.dkr.ecr.us-east-1.amazonaws.com/millrace:1.0.0"
    kms_key_arn = "arn:aws:kms:us-east-1:000000000000:key/11111111-1111-1111-1111-111111111111"
    network     = { subnet_ids = ["subnet-1", "subnet-2"], security_group_ids = ["sg-1"] }
  }
  assert {
    condition = alltrue([
      for stage, role in output.task_roles :
      jsonencode(role.policy) == jsonencode(jsondecode(file("../../policies/${stage}.json")))
    ])
    error_message = "write the files anew with deploy/policies/render"
  }
}
