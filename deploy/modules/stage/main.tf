# A stage: its queue with a dead-letter queue, and the worker service that
# drains it. Scaling is in scaling.tf, alarms in alarms.tf, permissions in
# roles.tf.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name

  # By name rather than from the resources, so that stages can name each other's
  # queues without a circle.
  sqs               = "arn:${local.partition}:sqs:${local.region}:${local.account}"
  queue_arn         = "${local.sqs}:${var.queue.name}"
  dead_letter_arn   = "${local.sqs}:${var.queue.dead_letter_queue}"
  sends_to_arns     = [for name in var.service.sends_to : "${local.sqs}:${name}"]
  log_group         = "/millrace/${var.pipeline}/${var.queue.stage}"
  in_flight_maximum = 120000 # of a standard queue; SQS refuses receives beyond

  queue_policies = {
    queue       = { arn = local.queue_arn, announcers = var.announcers }
    dead_letter = { arn = local.dead_letter_arn, announcers = [] }
  }

  queue_policy = {
    for which, queue in local.queue_policies : which => {
      Version = "2012-10-17"
      Statement = concat(
        [{
          Sid       = "TlsOnly"
          Effect    = "Deny"
          Principal = { AWS = "*" }
          Action    = ["sqs:*"]
          Resource  = queue.arn
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        }],
        [for announcer in queue.announcers : {
          Sid       = "Announce${title(split(".", announcer.service)[0])}"
          Effect    = "Allow"
          Principal = { Service = announcer.service }
          Action    = ["sqs:SendMessage"]
          Resource  = queue.arn
          Condition = {
            StringEquals = { "aws:SourceAccount" = local.account }
            ArnEquals    = { "aws:SourceArn" = announcer.source_arns }
          }
        }],
      )
    }
  }
}

resource "aws_sqs_queue" "this" {
  name                              = var.queue.name
  visibility_timeout_seconds        = var.queue.visibility_seconds
  message_retention_seconds         = var.queue.retention_seconds
  receive_wait_time_seconds         = 20
  kms_master_key_id                 = var.kms_key_arn
  kms_data_key_reuse_period_seconds = 3600

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter.arn
    maxReceiveCount     = var.queue.max_receive_count
  })
}

resource "aws_sqs_queue" "dead_letter" {
  name                              = var.queue.dead_letter_queue
  message_retention_seconds         = var.queue.dead_letter_retention_seconds
  kms_master_key_id                 = var.kms_key_arn
  kms_data_key_reuse_period_seconds = 3600
}

resource "aws_sqs_queue_redrive_allow_policy" "this" {
  queue_url = aws_sqs_queue.dead_letter.id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.this.arn]
  })
}

resource "aws_sqs_queue_policy" "this" {
  queue_url = aws_sqs_queue.this.id
  policy    = jsonencode(local.queue_policy.queue)
}

resource "aws_sqs_queue_policy" "dead_letter" {
  queue_url = aws_sqs_queue.dead_letter.id
  policy    = jsonencode(local.queue_policy.dead_letter)
}

resource "aws_cloudwatch_log_group" "this" {
  name              = local.log_group
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

locals {
  # What Fargate offers by CPU units, in MiB (Amazon ECS, "Task CPU and memory").
  offered = {
    256  = [512, 1024, 2048]
    512  = [for gib in range(1, 5) : gib * 1024]
    1024 = [for gib in range(2, 9) : gib * 1024]
    2048 = [for gib in range(4, 17) : gib * 1024]
    4096 = [for gib in range(8, 31) : gib * 1024]
  }
  wanted   = ceil(var.service.memory / 1048576)
  fitting  = [for mib in local.offered[var.cpu] : mib if mib >= local.wanted]
  memory   = length(local.fitting) > 0 ? local.fitting[0] : 0
  no_space = "Fargate has no task with ${var.cpu} CPU units and ${local.wanted} MiB: raise cpu of stage ${var.queue.stage}."

  container = merge(
    {
      name      = "worker"
      image     = var.image
      essential = true
      command   = ["worker", var.queue.stage]

      environment = [
        for name, value in merge({ MILLRACE_LOG_FORMAT = "json" }, var.environment) : { name = name, value = value }
      ]
      secrets = [for name, arn in var.secrets : { name = name, valueFrom = arn }]

      user                   = "65532:65532"
      readonlyRootFilesystem = true
      privileged             = false
      linuxParameters        = { capabilities = { add = [], drop = ["ALL"] } }
      # SQL beyond its memory and files being taken apart go here; the volume is
      # the only place a worker can write to.
      mountPoints = [{ sourceVolume = "tmp", containerPath = "/tmp", readOnly = false }]

      stopTimeout    = var.stop_seconds
      portMappings   = []
      volumesFrom    = []
      systemControls = []

      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = local.log_group
          awslogs-region        = local.region
          awslogs-stream-prefix = "worker"
          # A log store that is slow must not hold up the work.
          mode            = "non-blocking"
          max-buffer-size = "4m"
        }
      }
    },
    var.health_check == null ? {} : {
      healthCheck = { command = var.health_check, interval = 30, timeout = 5, retries = 3, startPeriod = 30 }
    },
  )
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.service.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = local.memory
  task_role_arn            = aws_iam_role.task.arn
  execution_role_arn       = aws_iam_role.execution.arn
  container_definitions    = jsonencode([local.container])

  # An old revision stays there for a rollback.
  skip_destroy = true

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }

  volume {
    name = "tmp"
  }

  lifecycle {
    precondition {
      condition     = local.memory > 0
      error_message = local.no_space
    }
  }
}

resource "aws_ecs_service" "this" {
  name            = var.service.name
  cluster         = var.cluster.arn
  task_definition = aws_ecs_task_definition.this.arn
  desired_count   = local.min
  propagate_tags  = "SERVICE"

  # Workers share a queue, so a new one may start beside an old one, and an old
  # one may go before its successor is there: nothing is served meanwhile.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  capacity_provider_strategy {
    capacity_provider = "FARGATE"
    base              = var.spot_weight == 100 ? 0 : 1
    weight            = 100 - var.spot_weight
  }

  dynamic "capacity_provider_strategy" {
    for_each = var.spot_weight > 0 ? [var.spot_weight] : []

    content {
      capacity_provider = "FARGATE_SPOT"
      weight            = capacity_provider_strategy.value
    }
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  # A new version that starts well and then fails on its work is taken back too.
  alarms {
    enable      = true
    rollback    = true
    alarm_names = [aws_cloudwatch_metric_alarm.errors.alarm_name]
  }

  network_configuration {
    subnets          = var.network.subnet_ids
    security_groups  = var.network.security_group_ids
    assign_public_ip = false
  }

  lifecycle {
    # From the first deployment on the number belongs to scaling.
    ignore_changes = [desired_count]
  }

  depends_on = [aws_iam_role_policy.task, aws_iam_role_policy.execution, aws_cloudwatch_log_group.this]
}
