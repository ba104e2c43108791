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
    defaults = { arn = "arn:aws:sqs:eu-west-1:123456789012:finance-queue" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-west-1:123456789012:finance-alerts" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-west-1:123456789012:rule/finance-stopped" }
  }
}

variables {
  plan = {
    pipeline      = "finance"
    buckets       = [{ name = "finance-raw", purpose = "files are published here" }, { name = "finance-lake", purpose = "Parquet and rejects" }]
    notifications = [{ bucket = "finance-raw", prefix = "", queue = "finance-ingest" }]
    queues = [for stage in ["ingest", "transform", "load"] : {
      stage                         = stage
      name                          = "finance-${stage}"
      dead_letter_queue             = "finance-${stage}-dlq"
      visibility_seconds            = 60
      retention_seconds             = 345600
      dead_letter_retention_seconds = 1209600
      max_receive_count             = 5
    }]
    services = [
      { stage = "ingest", name = "finance-ingest", workers = 1, max_workers = 10, concurrency = 16, memory = 536870912, variables = ["DATABASE_URL"], sends_to = ["finance-transform"], reads = [], writes = [] },
      { stage = "transform", name = "finance-transform", workers = 1, max_workers = 4, concurrency = 2, memory = 1073741824, variables = ["DATABASE_URL"], sends_to = ["finance-load"], reads = [{ bucket = "finance-raw", prefix = "raw/" }], writes = [{ bucket = "finance-lake", prefix = "expenses/" }] },
      { stage = "load", name = "finance-load", workers = 1, max_workers = 10, concurrency = 4, memory = 536870912, variables = ["DATABASE_URL"], sends_to = [], reads = [{ bucket = "finance-lake", prefix = "expenses/" }], writes = [] },
    ]
  }
  image       = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/millrace:1.0.0"
  kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-1111-1111-1111-111111111111"
  network     = { subnet_ids = ["subnet-1", "subnet-2"], security_group_ids = ["sg-1"] }
  environment = { DATABASE_URL = "postgres://millrace@db:5432/millrace" }
}

run "every_stage_of_the_plan_is_there" {
  assert {
    condition     = toset(keys(output.services)) == toset(["ingest", "transform", "load"])
    error_message = "a service for each stage"
  }
  assert {
    condition     = { for stage, s in output.scaling : stage => s.max } == { ingest = 10, transform = 4, load = 10 }
    error_message = "bounds are the plan's"
  }
  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets) == 10
    error_message = "three widgets a stage, and the dead letters"
  }
  assert {
    condition     = [for s in output.task_roles["load"].policy.Statement : s.Sid] == ["Drain", "DeadLetters", "Send", "ProtectTask", "Key", "Read", "TellMissing"]
    error_message = "load writes no object"
  }
}

run "tasks_that_end_by_themselves_alert" {
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.stopped.event_pattern).detail.clusterArn == ["arn:aws:ecs:eu-west-1:123456789012:cluster/finance"]
    error_message = "of this cluster"
  }
  assert {
    condition     = aws_cloudwatch_event_target.stopped.arn == output.topic_arn
    error_message = "the topic hears of it"
  }
}

run "a_stage_is_tuned_alone" {
  variables {
    stages = { transform = { cpu = 1024, scaling = { latency_seconds = 600, seconds_per_message = 6, max = 40 } } }
  }
  assert {
    condition     = output.scaling["transform"].target == 200 && output.scaling["transform"].max == 40
    error_message = "600 s / 6 s * 2 at a time"
  }
  assert {
    condition     = output.scaling["load"].target == 600
    error_message = "the others keep the defaults: 300 s / 2 s * 4"
  }
}

run "schedules_send_to_their_stage" {
  variables {
    schedules = { nightly = { expression = "cron(0 2 * * ? *)", timezone = "Australia/Canberra", stage = "ingest", input = "{}" } }
  }
  assert {
    condition     = length(module.schedules) == 1
    error_message = "a schedule makes the group and its role"
  }
}

run "schedules_of_the_plan_send_to_their_stage" {
  variables {
    plan = {
      pipeline      = "finance"
      buckets       = [{ name = "finance-raw", purpose = "files are published here" }, { name = "finance-lake", purpose = "Parquet and rejects" }]
      notifications = [{ bucket = "finance-raw", prefix = "", queue = "finance-ingest" }]
      queues = [for stage in ["ingest", "transform", "load", "export", "maintain"] : {
        stage                         = stage
        name                          = "finance-${stage}"
        dead_letter_queue             = "finance-${stage}-dlq"
        visibility_seconds            = 60
        retention_seconds             = 345600
        dead_letter_retention_seconds = 1209600
        max_receive_count             = 5
      }]
      services = [for stage in ["ingest", "transform", "load", "export", "maintain"] : {
        stage       = stage
        name        = "finance-${stage}"
        workers     = 1
        max_workers = 4
        concurrency = 2
        memory      = 536870912
        variables   = ["DATABASE_URL"]
        sends_to    = []
        reads       = []
        writes      = []
        deletes     = stage == "export" ? [{ bucket = "finance-lake", prefix = "exports/" }] : []
      }]
      schedules = [{
        name       = "users"
        stage      = "export"
        queue      = "finance-export"
        expression = "cron(0 2 * * ? *)"
        timezone   = "Australia/Canberra"
        input      = "{\"export\":\"users\"}"
      }]
    }
  }
  assert {
    condition     = keys(module.schedules[0].arns) == ["users"]
    error_message = "the plan's schedule is made"
  }
  assert {
    condition     = contains(keys(module.stage), "export")
    error_message = "a stage that is new in the plan has its queue and service"
  }
}

run "a_database_without_a_url_is_noticed" {
  command = plan
  variables {
    environment = {}
  }
  expect_failures = [aws_ecs_cluster.this]
}

run "a_plan_of_another_version_is_noticed" {
  command = plan
  variables {
    plan = {
      pipeline = "finance", buckets = [], notifications = [], queues = [], services = []
    }
  }
  expect_failures = [var.plan]
}
