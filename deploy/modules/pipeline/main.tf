# A pipeline from its plan: buckets, a stage for each queue, alerts, schedules and
# a dashboard. A stage that is new in the plan needs no change here.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  name      = var.plan.pipeline
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name
  sqs       = "arn:${local.partition}:sqs:${local.region}:${local.account}"
  raw       = var.plan.buckets[0].name

  queues   = { for queue in var.plan.queues : queue.stage => queue }
  services = { for service in var.plan.services : service.stage => service }

  announced = toset([for notification in var.plan.notifications : notification.queue])
  announcer = {
    sqs         = { service = "s3.amazonaws.com", source_arns = ["arn:${local.partition}:s3:::${local.raw}"] }
    eventbridge = { service = "events.amazonaws.com", source_arns = ["arn:${local.partition}:events:${local.region}:${local.account}:rule/${local.raw}-objects"] }
  }[var.delivery]

  # Alerts of the workers go to the topic of the alarms, unless the pipeline file
  # names another, which has its subscribers.
  own_topic         = try(var.plan.alerts.topic, "") == "${local.name}-alerts"
  topic_environment = local.own_topic ? { MILLRACE_ALERTS_TOPIC = module.alerts.topic_arn } : {}
  planned_subscriptions = local.own_topic ? {
    for s in var.plan.alerts.subscriptions : "${s.protocol}-${s.endpoint}" => s
  } : {}

  # Those of the pipeline file, and those of whoever deploys it.
  schedules = merge(
    { for s in var.plan.schedules : s.name => { expression = s.expression, timezone = s.timezone, stage = s.stage, input = s.input, enabled = true } },
    var.schedules,
  )

  # Every variable that the workers need has to come from somewhere.
  unset = setsubtract(
    toset(flatten([for service in var.plan.services : service.variables])),
    toset(concat(keys(var.environment), keys(var.secrets))),
  )
}

resource "aws_ecs_cluster" "this" {
  name = local.name

  # Scaling and two alarms live on its task counts.
  setting {
    name  = "containerInsights"
    value = "enabled"
  }

  lifecycle {
    precondition {
      condition     = length(local.unset) == 0
      error_message = "The workers need ${join(", ", local.unset)}: set it in environment or secrets."
    }
  }
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]
}

module "stage" {
  source   = "../stage"
  for_each = local.queues

  pipeline       = local.name
  queue          = each.value
  service        = local.services[each.key]
  raw_bucket     = local.raw
  cpu            = try(var.stages[each.key].cpu, 512)
  spot_weight    = try(var.stages[each.key].spot_weight, 0)
  scaling        = try(var.stages[each.key].scaling, {})
  architecture   = var.architecture
  image          = var.image
  repository_arn = var.repository_arn
  health_check   = var.health_check
  environment    = merge(var.environment, local.topic_environment)
  secrets        = var.secrets
  cluster        = { arn = aws_ecs_cluster.this.arn, name = aws_ecs_cluster.this.name }
  network        = var.network
  kms_key_arn    = var.kms_key_arn
  announcers     = contains(local.announced, each.value.name) ? [local.announcer] : []
  alarm_actions  = [module.alerts.topic_arn]

  secrets_kms_key_arns = var.secrets_kms_key_arns
  log_retention_days   = var.log_retention_days

  depends_on = [aws_ecs_cluster_capacity_providers.this]
}

module "lake" {
  source = "../lake"

  buckets       = { raw = local.raw, curated = var.plan.buckets[1].name }
  kms_key_arn   = var.kms_key_arn
  delivery      = var.delivery
  force_destroy = var.force_destroy
  notifications = [for notification in var.plan.notifications : {
    prefix    = notification.prefix
    queue_arn = one([for stage in module.stage : stage.queue.arn if stage.queue.name == notification.queue])
  }]
}

module "alerts" {
  source = "../alerts"

  name          = local.name
  kms_key_arn   = var.kms_key_arn
  subscriptions = merge(local.planned_subscriptions, var.alert_subscriptions)
  rule_arns     = [aws_cloudwatch_event_rule.stopped.arn]
}

module "schedules" {
  source = "../schedules"
  count  = length(local.schedules) > 0 ? 1 : 0

  name        = local.name
  kms_key_arn = var.kms_key_arn
  schedules = { for name, schedule in local.schedules : name => {
    expression = schedule.expression
    timezone   = schedule.timezone
    input      = schedule.input
    enabled    = schedule.enabled
    queue_arn  = module.stage[schedule.stage].queue.arn
    # A dead letter is read by its own stage.
    dead_letter_queue_arn = module.stage[schedule.stage].queue.dead_letter_arn
  } }
}

# A worker that ended by itself, was killed for its memory, or never started.
# Scaling in and deployments end workers with 0.
resource "aws_cloudwatch_event_rule" "stopped" {
  name        = "${local.name}-stopped"
  description = "Tasks of ${local.name} that ended otherwise than asked"

  event_pattern = jsonencode({
    source        = ["aws.ecs"]
    "detail-type" = ["ECS Task State Change"]
    detail = {
      clusterArn = [aws_ecs_cluster.this.arn]
      lastStatus = ["STOPPED"]
      stopCode   = ["EssentialContainerExited", "TaskFailedToStart"]
    }
  })
}

resource "aws_cloudwatch_event_target" "stopped" {
  rule = aws_cloudwatch_event_rule.stopped.name
  arn  = module.alerts.topic_arn

  input_transformer {
    input_paths = {
      group  = "$.detail.group"
      reason = "$.detail.stoppedReason"
      task   = "$.detail.taskArn"
    }
    input_template = "\"A task of <group> ended: <reason> (<task>). Its messages are visible again after their timeout; its last log lines say why.\""
  }
}
