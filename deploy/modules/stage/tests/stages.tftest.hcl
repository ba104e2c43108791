# Every stage beside a file's journey, out of the plan of deploy/policies' pipeline,
# which has all of them: queue and dead-letter queue, redrive, service, scaling and
# alarms are the plan's, as for the stages of the journey.

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
  override_resource {
    target = aws_sqs_queue.this
    values = { arn = "arn:aws:sqs:us-east-1:000000000000:shop-queue" }
  }
  override_resource {
    target = aws_sqs_queue.dead_letter
    values = { arn = "arn:aws:sqs:us-east-1:000000000000:shop-dead-letters" }
  }
}

variables {
  pipeline      = "shop"
  raw_bucket    = "shop-raw"
  image         = "000000000000.dkr.ecr.us-east-1.amazonaws.com/millrace:1.0.0"
  cluster       = { arn = "arn:aws:ecs:us-east-1:000000000000:cluster/shop", name = "shop" }
  network       = { subnet_ids = ["subnet-1", "subnet-2"], security_group_ids = ["sg-1"] }
  kms_key_arn   = "arn:aws:kms:us-east-1:000000000000:key/11111111-1111-1111-1111-111111111111"
  alarm_actions = ["arn:aws:sns:us-east-1:000000000000:shop-alerts"]
}

run "export" {
  variables {
    queue   = one([for q in jsondecode(file("../../policies/plan.json")).queues : q if q.stage == "export"])
    service = one([for s in jsondecode(file("../../policies/plan.json")).services : s if s.stage == "export"])
  }
  assert {
    condition     = [aws_sqs_queue.this.name, aws_sqs_queue.dead_letter.name] == ["shop-export", "shop-export-dlq"]
    error_message = "the stage's own queue and dead-letter queue"
  }
  assert {
    condition     = [aws_sqs_queue.this.visibility_timeout_seconds, aws_sqs_queue.this.message_retention_seconds, aws_sqs_queue.dead_letter.message_retention_seconds] == [5, 345600, 1209600]
    error_message = "visibility and retention are the plan's"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.this.redrive_policy) == { deadLetterTargetArn = aws_sqs_queue.dead_letter.arn, maxReceiveCount = 5 }
    error_message = "what fails too often goes to the stage's own dead-letter queue"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_allow_policy.this.redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = [aws_sqs_queue.this.arn] }
    error_message = "and nothing else goes there"
  }
  assert {
    condition     = aws_ecs_service.this.name == "shop-export" && slice(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].command, 0, 2) == ["worker", "export"]
    error_message = "a service that runs the stage's worker"
  }
  assert {
    condition     = [aws_appautoscaling_target.this.min_capacity, aws_appautoscaling_target.this.max_capacity] == [1, 1] && aws_appautoscaling_target.this.resource_id == "service/shop/shop-export"
    error_message = "its service is scaled within the plan's bounds"
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.queue) > 0 && alltrue([for alarm in aws_cloudwatch_metric_alarm.queue : contains(["shop-export", "shop-export-dlq"], alarm.dimensions["QueueName"])])
    error_message = "alarms watch its queues"
  }
  assert {
    condition     = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.queue), [aws_cloudwatch_metric_alarm.errors, aws_cloudwatch_metric_alarm.missing_tasks]) : alarm.alarm_actions == toset(var.alarm_actions)])
    error_message = "all alarms tell the same topic"
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.task.policy).Statement : s if s.Sid == "ReadVersion"] == []
    error_message = "versions are read by who hears of them"
  }
}

run "derive" {
  variables {
    queue   = one([for q in jsondecode(file("../../policies/plan.json")).queues : q if q.stage == "derive"])
    service = one([for s in jsondecode(file("../../policies/plan.json")).services : s if s.stage == "derive"])
  }
  assert {
    condition     = [aws_sqs_queue.this.name, aws_sqs_queue.dead_letter.name] == ["shop-derive", "shop-derive-dlq"]
    error_message = "the stage's own queue and dead-letter queue"
  }
  assert {
    condition     = [aws_sqs_queue.this.visibility_timeout_seconds, aws_sqs_queue.this.message_retention_seconds, aws_sqs_queue.dead_letter.message_retention_seconds] == [5, 345600, 1209600]
    error_message = "visibility and retention are the plan's"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.this.redrive_policy) == { deadLetterTargetArn = aws_sqs_queue.dead_letter.arn, maxReceiveCount = 5 }
    error_message = "what fails too often goes to the stage's own dead-letter queue"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_allow_policy.this.redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = [aws_sqs_queue.this.arn] }
    error_message = "and nothing else goes there"
  }
  assert {
    condition     = aws_ecs_service.this.name == "shop-derive" && slice(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].command, 0, 2) == ["worker", "derive"]
    error_message = "a service that runs the stage's worker"
  }
  assert {
    condition     = [aws_appautoscaling_target.this.min_capacity, aws_appautoscaling_target.this.max_capacity] == [1, 1] && aws_appautoscaling_target.this.resource_id == "service/shop/shop-derive"
    error_message = "its service is scaled within the plan's bounds"
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.queue) > 0 && alltrue([for alarm in aws_cloudwatch_metric_alarm.queue : contains(["shop-derive", "shop-derive-dlq"], alarm.dimensions["QueueName"])])
    error_message = "alarms watch its queues"
  }
  assert {
    condition     = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.queue), [aws_cloudwatch_metric_alarm.errors, aws_cloudwatch_metric_alarm.missing_tasks]) : alarm.alarm_actions == toset(var.alarm_actions)])
    error_message = "all alarms tell the same topic"
  }
}

run "report" {
  variables {
    queue   = one([for q in jsondecode(file("../../policies/plan.json")).queues : q if q.stage == "report"])
    service = one([for s in jsondecode(file("../../policies/plan.json")).services : s if s.stage == "report"])
  }
  assert {
    condition     = [aws_sqs_queue.this.name, aws_sqs_queue.dead_letter.name] == ["shop-report", "shop-report-dlq"]
    error_message = "the stage's own queue and dead-letter queue"
  }
  assert {
    condition     = [aws_sqs_queue.this.visibility_timeout_seconds, aws_sqs_queue.this.message_retention_seconds, aws_sqs_queue.dead_letter.message_retention_seconds] == [5, 345600, 1209600]
    error_message = "visibility and retention are the plan's"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.this.redrive_policy) == { deadLetterTargetArn = aws_sqs_queue.dead_letter.arn, maxReceiveCount = 5 }
    error_message = "what fails too often goes to the stage's own dead-letter queue"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_allow_policy.this.redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = [aws_sqs_queue.this.arn] }
    error_message = "and nothing else goes there"
  }
  assert {
    condition     = aws_ecs_service.this.name == "shop-report" && slice(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].command, 0, 2) == ["worker", "report"]
    error_message = "a service that runs the stage's worker"
  }
  assert {
    condition     = [aws_appautoscaling_target.this.min_capacity, aws_appautoscaling_target.this.max_capacity] == [1, 1] && aws_appautoscaling_target.this.resource_id == "service/shop/shop-report"
    error_message = "its service is scaled within the plan's bounds"
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.queue) > 0 && alltrue([for alarm in aws_cloudwatch_metric_alarm.queue : contains(["shop-report", "shop-report-dlq"], alarm.dimensions["QueueName"])])
    error_message = "alarms watch its queues"
  }
  assert {
    condition     = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.queue), [aws_cloudwatch_metric_alarm.errors, aws_cloudwatch_metric_alarm.missing_tasks]) : alarm.alarm_actions == toset(var.alarm_actions)])
    error_message = "all alarms tell the same topic"
  }
}

run "maintain" {
  variables {
    queue   = one([for q in jsondecode(file("../../policies/plan.json")).queues : q if q.stage == "maintain"])
    service = one([for s in jsondecode(file("../../policies/plan.json")).services : s if s.stage == "maintain"])
  }
  assert {
    condition     = [aws_sqs_queue.this.name, aws_sqs_queue.dead_letter.name] == ["shop-maintain", "shop-maintain-dlq"]
    error_message = "the stage's own queue and dead-letter queue"
  }
  assert {
    condition     = [aws_sqs_queue.this.visibility_timeout_seconds, aws_sqs_queue.this.message_retention_seconds, aws_sqs_queue.dead_letter.message_retention_seconds] == [5, 345600, 1209600]
    error_message = "visibility and retention are the plan's"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.this.redrive_policy) == { deadLetterTargetArn = aws_sqs_queue.dead_letter.arn, maxReceiveCount = 5 }
    error_message = "what fails too often goes to the stage's own dead-letter queue"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_allow_policy.this.redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = [aws_sqs_queue.this.arn] }
    error_message = "and nothing else goes there"
  }
  assert {
    condition     = aws_ecs_service.this.name == "shop-maintain" && slice(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].command, 0, 2) == ["worker", "maintain"]
    error_message = "a service that runs the stage's worker"
  }
  assert {
    condition     = [aws_appautoscaling_target.this.min_capacity, aws_appautoscaling_target.this.max_capacity] == [1, 1] && aws_appautoscaling_target.this.resource_id == "service/shop/shop-maintain"
    error_message = "its service is scaled within the plan's bounds"
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.queue) > 0 && alltrue([for alarm in aws_cloudwatch_metric_alarm.queue : contains(["shop-maintain", "shop-maintain-dlq"], alarm.dimensions["QueueName"])])
    error_message = "alarms watch its queues"
  }
  assert {
    condition     = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.queue), [aws_cloudwatch_metric_alarm.errors, aws_cloudwatch_metric_alarm.missing_tasks]) : alarm.alarm_actions == toset(var.alarm_actions)])
    error_message = "all alarms tell the same topic"
  }
}

run "collect" {
  variables {
    queue   = one([for q in jsondecode(file("../../policies/plan.json")).queues : q if q.stage == "collect"])
    service = one([for s in jsondecode(file("../../policies/plan.json")).services : s if s.stage == "collect"])
  }
  assert {
    condition     = [aws_sqs_queue.this.name, aws_sqs_queue.dead_letter.name] == ["shop-collect", "shop-collect-dlq"]
    error_message = "the stage's own queue and dead-letter queue"
  }
  assert {
    condition     = [aws_sqs_queue.this.visibility_timeout_seconds, aws_sqs_queue.this.message_retention_seconds, aws_sqs_queue.dead_letter.message_retention_seconds] == [5, 345600, 1209600]
    error_message = "visibility and retention are the plan's"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.this.redrive_policy) == { deadLetterTargetArn = aws_sqs_queue.dead_letter.arn, maxReceiveCount = 5 }
    error_message = "what fails too often goes to the stage's own dead-letter queue"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_allow_policy.this.redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = [aws_sqs_queue.this.arn] }
    error_message = "and nothing else goes there"
  }
  assert {
    condition     = aws_ecs_service.this.name == "shop-collect" && slice(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].command, 0, 2) == ["worker", "collect"]
    error_message = "a service that runs the stage's worker"
  }
  assert {
    condition     = [aws_appautoscaling_target.this.min_capacity, aws_appautoscaling_target.this.max_capacity] == [1, 10] && aws_appautoscaling_target.this.resource_id == "service/shop/shop-collect"
    error_message = "its service is scaled within the plan's bounds"
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.queue) > 0 && alltrue([for alarm in aws_cloudwatch_metric_alarm.queue : contains(["shop-collect", "shop-collect-dlq"], alarm.dimensions["QueueName"])])
    error_message = "alarms watch its queues"
  }
  assert {
    condition     = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.queue), [aws_cloudwatch_metric_alarm.errors, aws_cloudwatch_metric_alarm.missing_tasks]) : alarm.alarm_actions == toset(var.alarm_actions)])
    error_message = "all alarms tell the same topic"
  }
}
