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
    defaults = { arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/finance-transform:1" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-1:123456789012:finance-transform" }
  }
  override_resource {
    target = aws_sqs_queue.dead_letter
    values = { arn = "arn:aws:sqs:eu-west-1:123456789012:finance-transform-dlq" }
  }
}

variables {
  pipeline = "finance"
  queue = {
    stage                         = "transform"
    name                          = "finance-transform"
    dead_letter_queue             = "finance-transform-dlq"
    visibility_seconds            = 300
    retention_seconds             = 345600
    dead_letter_retention_seconds = 1209600
    max_receive_count             = 5
  }
  service = {
    stage       = "transform"
    name        = "finance-transform"
    workers     = 1
    max_workers = 20
    concurrency = 4
    memory      = 1073741824
    sends_to    = ["finance-load"]
    reads       = [{ bucket = "finance-raw", prefix = "raw/Expenses/" }, { bucket = "finance-lake", prefix = "expenses/" }]
    writes      = [{ bucket = "finance-lake", prefix = "expenses/" }, { bucket = "finance-lake", prefix = "_rejects/expenses/" }]
  }
  raw_bucket     = "finance-raw"
  scaling        = { latency_seconds = 300, seconds_per_message = 6 }
  cpu            = 1024
  image          = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/millrace:1.0.0"
  repository_arn = "arn:aws:ecr:eu-west-1:123456789012:repository/millrace"
  environment    = { DATABASE_URL = "postgres://millrace@db:5432/millrace" }
  secrets        = { PGPASSWORD = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-1:password::" }
  cluster        = { arn = "arn:aws:ecs:eu-west-1:123456789012:cluster/finance", name = "finance" }
  network        = { subnet_ids = ["subnet-1", "subnet-2"], security_group_ids = ["sg-1"] }
  kms_key_arn    = "arn:aws:kms:eu-west-1:123456789012:key/11111111-1111-1111-1111-111111111111"
  alarm_actions  = ["arn:aws:sns:eu-west-1:123456789012:finance-alerts"]
}

run "what_fails_too_often_is_dead_lettered" {
  assert {
    condition     = jsondecode(aws_sqs_queue.this.redrive_policy) == { deadLetterTargetArn = "arn:aws:sqs:eu-west-1:123456789012:finance-transform-dlq", maxReceiveCount = 5 }
    error_message = "the redrive policy is the plan's"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_allow_policy.this.redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = ["arn:aws:sqs:eu-west-1:123456789012:finance-transform"] }
    error_message = "no other queue dead-letters here"
  }
  assert {
    condition     = aws_sqs_queue.dead_letter.message_retention_seconds == 1209600 && aws_sqs_queue.this.visibility_timeout_seconds == 300
    error_message = "retention and visibility are the plan's"
  }
  assert {
    condition     = aws_sqs_queue.this.kms_master_key_id == var.kms_key_arn && aws_sqs_queue.dead_letter.kms_master_key_id == var.kms_key_arn
    error_message = "both queues are encrypted"
  }
}

run "queues_speak_tls_and_take_from_nobody_else" {
  assert {
    condition     = alltrue([for p in [aws_sqs_queue_policy.this, aws_sqs_queue_policy.dead_letter] : [for s in jsondecode(p.policy).Statement : "${s.Effect} ${s.Condition.Bool["aws:SecureTransport"]}"] == ["Deny false"]])
    error_message = "without announcers the only statement denies plain HTTP"
  }
}

run "an_announcer_sends_for_its_source_alone" {
  variables {
    announcers = [{ service = "s3.amazonaws.com", source_arns = ["arn:aws:s3:::finance-raw"] }]
  }
  assert {
    condition     = jsondecode(aws_sqs_queue_policy.this.policy).Statement[1].Condition == { StringEquals = { "aws:SourceAccount" = "123456789012" }, ArnEquals = { "aws:SourceArn" = ["arn:aws:s3:::finance-raw"] } }
    error_message = "S3 sends for the raw bucket of this account"
  }
  assert {
    condition     = length(jsondecode(aws_sqs_queue_policy.dead_letter.policy).Statement) == 1
    error_message = "nobody announces to the dead-letter queue"
  }
}

run "a_worker_may_do_what_it_does_and_no_more" {
  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.task.policy).Statement : s.Sid => s.Resource } == {
      Drain       = ["arn:aws:sqs:eu-west-1:123456789012:finance-transform"]
      DeadLetters = ["arn:aws:sqs:eu-west-1:123456789012:finance-transform-dlq"]
      Send        = ["arn:aws:sqs:eu-west-1:123456789012:finance-load", "arn:aws:sqs:eu-west-1:123456789012:finance-transform-dlq"]
      ProtectTask = ["arn:aws:ecs:eu-west-1:123456789012:task/finance/*"]
      Key         = ["arn:aws:kms:eu-west-1:123456789012:key/11111111-1111-1111-1111-111111111111"]
      Read        = ["arn:aws:s3:::finance-raw/raw/Expenses/*", "arn:aws:s3:::finance-lake/expenses/*"]
      ReadVersion = ["arn:aws:s3:::finance-raw/raw/Expenses/*"]
      TellMissing = ["arn:aws:s3:::finance-raw", "arn:aws:s3:::finance-lake"]
      Write       = ["arn:aws:s3:::finance-lake/expenses/*", "arn:aws:s3:::finance-lake/_rejects/expenses/*"]
    }
    error_message = "each action on the resources of this stage"
  }
  assert {
    condition     = alltrue([for action in flatten([for s in jsondecode(aws_iam_role_policy.task.policy).Statement : s.Action]) : !strcontains(action, "*")])
    error_message = "no wildcard in an action"
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.task.policy).Statement : s.Condition.StringEquals["kms:ViaService"] if s.Sid == "Key"] == [["sqs.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com"]]
    error_message = "the key only through the services"
  }
  assert {
    condition     = jsondecode(aws_iam_role.task.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "only this account's tasks take the role"
  }
}

run "a_worker_that_removes_does_so_under_its_prefixes_alone" {
  variables {
    service = {
      stage       = "export"
      name        = "finance-export"
      workers     = 1
      max_workers = 4
      concurrency = 2
      memory      = 1073741824
      reads       = [{ bucket = "finance-lake", prefix = "exports/" }]
      writes      = [{ bucket = "finance-lake", prefix = "exports/" }]
      deletes     = [{ bucket = "finance-lake", prefix = "exports/" }]
    }
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.task.policy).Statement : s.Resource if s.Sid == "Remove"] == [["arn:aws:s3:::finance-lake/exports/*"]]
    error_message = "what it left behind, and nothing else"
  }
}

run "a_worker_that_tells_may_publish_to_its_topic_and_bus_alone" {
  variables {
    service = {
      stage          = "ingest"
      name           = "finance-ingest"
      workers        = 1
      max_workers    = 10
      concurrency    = 16
      memory         = 536870912
      publishes_to   = ["finance-alerts"]
      puts_events_to = ["default", "arn:aws:events:eu-west-1:210987654321:event-bus/company"]
    }
  }
  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.task.policy).Statement : s.Sid => [s.Action, s.Resource] if contains(["Alert", "Events"], s.Sid) } == {
      Alert  = [["sns:Publish"], ["arn:aws:sns:eu-west-1:123456789012:finance-alerts"]]
      Events = [["events:PutEvents"], ["arn:aws:events:eu-west-1:123456789012:event-bus/default", "arn:aws:events:eu-west-1:210987654321:event-bus/company"]]
    }
    error_message = "it publishes where the plan says"
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.task.policy).Statement : s.Condition.StringEquals["kms:ViaService"] if s.Sid == "Key"] == [["sqs.eu-west-1.amazonaws.com", "sns.eu-west-1.amazonaws.com"]]
    error_message = "an encrypted topic wants the key too"
  }
}

run "a_worker_that_keeps_tables_has_those_of_the_plan_alone" {
  variables {
    service = {
      stage       = "catalog"
      name        = "finance-catalog"
      workers     = 1
      max_workers = 1
      concurrency = 4
      memory      = 536870912
      tables      = { database = "finance", names = ["expenses"] }
    }
  }
  assert {
    condition = [for s in jsondecode(aws_iam_role_policy.task.policy).Statement : s.Resource if s.Sid == "Catalog"] == [[
      "arn:aws:glue:eu-west-1:123456789012:catalog",
      "arn:aws:glue:eu-west-1:123456789012:database/finance",
      "arn:aws:glue:eu-west-1:123456789012:table/finance/expenses",
    ]]
    error_message = "the catalog, its database and its tables, and no others"
  }
}

run "ingest_touches_no_object" {
  variables {
    service = { stage = "ingest", name = "finance-ingest", workers = 1, max_workers = 2, concurrency = 16, memory = 536870912, sends_to = ["finance-transform"] }
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.task.policy).Statement : s.Sid] == ["Drain", "DeadLetters", "Send", "ProtectTask", "Key"]
    error_message = "no S3 for a stage that reads events alone"
  }
}

run "a_worker_reads_the_secrets_of_its_databases_and_no_other" {
  variables {
    service = {
      stage = "load", name = "finance-load", workers = 1, max_workers = 2, concurrency = 4, memory = 536870912
      secrets = [
        "finance/warehouse",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-1-aB3dE6",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-1",
      ]
    }
    secrets_kms_key_arns = ["arn:aws:kms:eu-west-1:123456789012:key/22222222-2222-2222-2222-222222222222"]
  }
  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.task.policy).Statement : s.Sid => s.Resource if contains(["Secrets", "SecretsKey"], s.Sid) } == {
      Secrets = [
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:finance/warehouse-??????",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-1-aB3dE6",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-1-??????",
      ]
      SecretsKey = ["arn:aws:kms:eu-west-1:123456789012:key/22222222-2222-2222-2222-222222222222"]
    }
    error_message = "a name gets the six characters that Secrets Manager adds"
  }
}

run "many_datasets_fit_into_a_policy" {
  variables {
    service = {
      stage  = "transform", name = "finance-transform", workers = 1, max_workers = 2, concurrency = 4, memory = 536870912
      reads  = [for n in range(60) : { bucket = "finance-raw", prefix = "raw/a-dataset-with-a-long-name-${n}/" }]
      writes = [for n in range(60) : { bucket = "finance-lake", prefix = "a-dataset-with-a-long-name-${n}/" }]
    }
  }
  assert {
    condition     = length(aws_iam_role_policy.task.policy) <= 10240
    error_message = "IAM takes no more"
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.task.policy).Statement : s.Resource if s.Sid == "Write"] == [["arn:aws:s3:::finance-lake/*"]]
    error_message = "the bucket stands for its prefixes"
  }
}

run "many_tables_fit_into_a_policy" {
  variables {
    service = {
      stage  = "catalog", name = "finance-catalog", workers = 1, max_workers = 1, concurrency = 4, memory = 536870912
      reads  = [for n in range(39) : { bucket = "finance-lake", prefix = "_symlinks/a-dataset-with-a-long-name-${n}/" }]
      writes = [for n in range(39) : { bucket = "finance-lake", prefix = "_symlinks/a-dataset-with-a-long-name-${n}/" }]
      tables = { database = "finance", names = [for n in range(39) : "a_dataset_with_a_long_name_${n}"] }
    }
  }
  assert {
    condition     = length(aws_iam_role_policy.task.policy) <= 10240
    error_message = "IAM takes no more"
  }
  assert {
    condition = [for s in jsondecode(aws_iam_role_policy.task.policy).Statement : s.Resource if s.Sid == "Catalog"] == [[
      "arn:aws:glue:eu-west-1:123456789012:catalog",
      "arn:aws:glue:eu-west-1:123456789012:database/finance",
      "arn:aws:glue:eu-west-1:123456789012:table/finance/*",
    ]]
    error_message = "the database stands for its tables"
  }
}

run "ecs_may_start_the_task_and_no_more" {
  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s.Sid => s.Resource } == {
      Log     = ["arn:aws:logs:eu-west-1:123456789012:log-group:/millrace/finance/transform:*"]
      Pull    = ["arn:aws:ecr:eu-west-1:123456789012:repository/millrace"]
      Token   = ["*"]
      Secrets = ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-1"]
    }
    error_message = "logs, image and secret of this stage"
  }
}

run "the_container_is_locked_down" {
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].readonlyRootFilesystem && !jsondecode(aws_ecs_task_definition.this.container_definitions)[0].privileged && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].user == "65532:65532"
    error_message = "read-only, without privileges, not root"
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].command == ["worker", "transform"]
    error_message = "it runs the stage's worker"
  }
  assert {
    condition     = [for s in jsondecode(aws_ecs_task_definition.this.container_definitions)[0].secrets : s.name] == ["PGPASSWORD"]
    error_message = "the password comes by reference"
  }
  assert {
    condition     = aws_ecs_task_definition.this.cpu == "1024" && aws_ecs_task_definition.this.memory == "2048"
    error_message = "memory is raised to what Fargate offers"
  }
  assert {
    condition     = aws_ecs_service.this.deployment_circuit_breaker[0].rollback && aws_ecs_service.this.alarms[0].rollback && !aws_ecs_service.this.network_configuration[0].assign_public_ip
    error_message = "a bad deployment goes back by itself, and nothing is public"
  }
}

run "scaling_keeps_the_backlog_that_a_task_can_work_off" {
  assert {
    condition     = output.scaling.target == 200
    error_message = "300 s / 6 s * 4 at a time = 200 messages a task"
  }
  assert {
    condition     = output.scaling.expression == "(FILL(visible, 0) + FILL(in_flight, 0)) / IF(FILL(running, 0) < 1, 1, FILL(running, 0))"
    error_message = "waiting and in flight, over tasks, never over zero"
  }
  assert {
    condition     = aws_appautoscaling_target.this.min_capacity == 1 && aws_appautoscaling_target.this.max_capacity == 20
    error_message = "the plan's bounds"
  }
  assert {
    condition     = one([for m in aws_appautoscaling_policy.backlog.target_tracking_scaling_policy_configuration[0].customized_metric_specification[0].metrics : m.id if m.return_data]) == "backlog_per_task"
    error_message = "scaling follows the backlog per task"
  }
  assert {
    condition     = length(aws_appautoscaling_policy.wake) == 0
    error_message = "a stage that never sleeps needs no waking"
  }
}

run "a_stage_may_sleep_and_one_message_wakes_it" {
  variables {
    scaling = { min = 0 }
  }
  assert {
    condition     = aws_appautoscaling_target.this.min_capacity == 0 && aws_appautoscaling_policy.wake[0].step_scaling_policy_configuration[0].adjustment_type == "ChangeInCapacity"
    error_message = "from zero, one task starts"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.wake[0].threshold == 1
    error_message = "one message is enough"
  }
  assert {
    condition     = one([for q in aws_cloudwatch_metric_alarm.wake[0].metric_query : q.expression if q.id == "waiting"]) == "IF(in_flight < 1, visible, 0)"
    error_message = "messages that nobody works on"
  }
}

run "spot_takes_its_share_beyond_the_first" {
  variables {
    spot_weight = 70
  }
  assert {
    condition     = { for c in aws_ecs_service.this.capacity_provider_strategy : c.capacity_provider => c.weight } == { FARGATE = 30, FARGATE_SPOT = 70 }
    error_message = "seven of ten on Spot"
  }
}

run "alarms_reach_the_topic" {
  assert {
    condition     = { for name, a in aws_cloudwatch_metric_alarm.queue : name => a.threshold } == { dead-letters = 0, age = 600, in-flight = 100000 }
    error_message = "dead letters, age and messages in flight"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.queue["dead-letters"].dimensions.QueueName == "finance-transform-dlq"
    error_message = "the dead-letter queue is watched"
  }
  assert {
    condition     = alltrue([for a in concat(values(aws_cloudwatch_metric_alarm.queue), [aws_cloudwatch_metric_alarm.errors, aws_cloudwatch_metric_alarm.missing_tasks]) : a.alarm_actions == toset(var.alarm_actions)])
    error_message = "every alarm tells the topic"
  }
}

run "dead_letters_outlive_messages" {
  command = plan
  variables {
    queue = {
      stage                         = "load", name = "q", dead_letter_queue = "d", visibility_seconds = 60, max_receive_count = 5,
      retention_seconds             = 345600
      dead_letter_retention_seconds = 345600
    }
  }
  expect_failures = [var.queue]
}

run "fargate_has_no_such_task" {
  command = plan
  variables {
    cpu     = 256
    service = { stage = "load", name = "finance-load", workers = 1, max_workers = 2, concurrency = 4, memory = 8589934592 }
  }
  expect_failures = [aws_ecs_task_definition.this]
}

run "latest_is_no_version" {
  command = plan
  variables {
    image = "millrace:latest"
  }
  expect_failures = [var.image]
}
