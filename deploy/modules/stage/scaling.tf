# A task can work off so many messages within the latency that is acceptable:
#
#   target = latency_seconds / seconds_per_message * concurrency
#
# and the backlog per task, waiting and in flight, is kept at that. What is in
# flight counts: a stage that has taken all its messages is not idle. No
# function computes it; CloudWatch does, every minute.

locals {
  min = coalesce(var.scaling.min, var.service.workers)
  max = max(coalesce(var.scaling.max, var.service.max_workers), local.min)

  backlog_target = max(1, floor(var.scaling.latency_seconds / var.scaling.seconds_per_message * var.service.concurrency))

  # A queue without traffic for six hours, and a service without tasks, report
  # nothing: FILL makes that a zero. With no task running the backlog counts as
  # one task's.
  backlog          = "FILL(visible, 0) + FILL(in_flight, 0)"
  tasks            = "IF(FILL(running, 0) < 1, 1, FILL(running, 0))"
  backlog_per_task = "(${local.backlog}) / ${local.tasks}"

  queue_metrics = {
    visible   = "ApproximateNumberOfMessagesVisible"
    in_flight = "ApproximateNumberOfMessagesNotVisible"
  }
  service_dimensions = { ClusterName = var.cluster.name, ServiceName = var.service.name }
}

resource "aws_appautoscaling_target" "this" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${var.cluster.name}/${aws_ecs_service.this.name}"
  min_capacity       = local.min
  max_capacity       = local.max
}

resource "aws_appautoscaling_policy" "backlog" {
  name               = "${var.service.name}-backlog"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  resource_id        = aws_appautoscaling_target.this.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = local.backlog_target
    scale_in_cooldown  = var.scaling.scale_in_seconds
    scale_out_cooldown = var.scaling.scale_out_seconds

    customized_metric_specification {
      dynamic "metrics" {
        for_each = local.queue_metrics

        content {
          id          = metrics.key
          return_data = false

          metric_stat {
            stat = "Average"

            metric {
              namespace   = "AWS/SQS"
              metric_name = metrics.value

              dimensions {
                name  = "QueueName"
                value = var.queue.name
              }
            }
          }
        }
      }

      metrics {
        id          = "running"
        return_data = false

        metric_stat {
          stat = "Average"

          metric {
            namespace   = "ECS/ContainerInsights"
            metric_name = "RunningTaskCount"

            dynamic "dimensions" {
              for_each = local.service_dimensions

              content {
                name  = dimensions.key
                value = dimensions.value
              }
            }
          }
        }
      }

      metrics {
        id          = "backlog_per_task"
        expression  = local.backlog_per_task
        label       = "Backlog per task"
        return_data = true
      }
    }
  }
}

# From zero, target tracking would wait for a backlog above the target. One
# message is enough to start the first task; the policy above adds the others.
# That nobody works is seen in the queue's own metrics: a service without tasks
# has none that an expression could be sure of.
resource "aws_appautoscaling_policy" "wake" {
  count = local.min == 0 ? 1 : 0

  name               = "${var.service.name}-wake"
  policy_type        = "StepScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  resource_id        = aws_appautoscaling_target.this.resource_id

  step_scaling_policy_configuration {
    adjustment_type = "ChangeInCapacity"
    cooldown        = var.scaling.scale_out_seconds

    step_adjustment {
      metric_interval_lower_bound = 0
      scaling_adjustment          = 1
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "wake" {
  count = local.min == 0 ? 1 : 0

  alarm_name          = "${var.service.name}-wake"
  alarm_description   = "Starts the first task of ${var.service.name}; nothing to do about it."
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_appautoscaling_policy.wake[0].arn]

  dynamic "metric_query" {
    for_each = local.queue_metrics

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/SQS"
        metric_name = metric_query.value
        period      = 60
        stat        = "Maximum"
        dimensions  = { QueueName = var.queue.name }
      }
    }
  }

  metric_query {
    id          = "waiting"
    expression  = "IF(in_flight < 1, visible, 0)"
    label       = "Messages that nobody works on"
    return_data = true
  }
}
