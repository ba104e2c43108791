# Each alarm says in its description what to look at first; the runbook in
# deploy/README.md has the rest.

locals {
  # Over 100,000 of the 120,000 that SQS allows there is still time to act.
  queue_alarms = {
    dead-letters = {
      queue       = var.queue.dead_letter_queue
      metric      = "ApproximateNumberOfMessagesVisible"
      threshold   = 0
      periods     = 1
      description = "There are dead letters in ${var.queue.dead_letter_queue}: `millrace status` and `millrace trace` say why."
    }
    # SQS leaves out messages that were received three times or more, so a file
    # that fails again and again doesn't show here: the alarm on dead letters
    # sees it.
    age = {
      queue       = var.queue.name
      metric      = "ApproximateAgeOfOldestMessage"
      threshold   = var.scaling.latency_seconds * 2
      periods     = 5
      description = "Messages of ${var.queue.name} wait more than twice what is acceptable: are tasks running, is max reached, is the database slow?"
    }
    in-flight = {
      queue       = var.queue.name
      metric      = "ApproximateNumberOfMessagesNotVisible"
      threshold   = floor(local.in_flight_maximum * 5 / 6)
      periods     = 1
      description = "${var.queue.name} nears ${local.in_flight_maximum} messages in flight, beyond which SQS gives out none: lower max or concurrency."
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "queue" {
  for_each = local.queue_alarms

  alarm_name          = "${var.service.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "AWS/SQS"
  metric_name         = each.value.metric
  dimensions          = { QueueName = each.value.queue }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = each.value.periods
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
}

# Workers log one line per error, at the boundary.
resource "aws_cloudwatch_log_metric_filter" "errors" {
  name           = "${var.service.name}-errors"
  log_group_name = aws_cloudwatch_log_group.this.name
  pattern        = "{ $.level = \"ERROR\" }"

  metric_transformation {
    namespace     = "Millrace/${var.pipeline}"
    name          = "${var.queue.stage}-errors"
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "${var.service.name}-errors"
  alarm_description   = "Workers of ${var.service.name} log errors minute after minute: read ${local.log_group}. A deployment under way is rolled back."
  namespace           = "Millrace/${var.pipeline}"
  metric_name         = "${var.queue.stage}-errors"
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "missing_tasks" {
  alarm_name          = "${var.service.name}-missing-tasks"
  alarm_description   = "Fewer tasks of ${var.service.name} run than should, for ten minutes: the service's events say why (image, secret, capacity, subnets)."
  evaluation_periods  = 10
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions

  dynamic "metric_query" {
    for_each = { desired = "DesiredTaskCount", running = "RunningTaskCount" }

    content {
      id = metric_query.key

      metric {
        namespace   = "ECS/ContainerInsights"
        metric_name = metric_query.value
        period      = 60
        stat        = "Minimum"
        dimensions  = local.service_dimensions
      }
    }
  }

  metric_query {
    id          = "missing"
    expression  = "FILL(desired, 0) - FILL(running, 0)"
    label       = "Tasks that should run and don't"
    return_data = true
  }
}
