# What the database is watched by.

locals {
  alarms = merge(local.alarms_of_all, local.is_aurora ? {} : local.alarms_of_storage)

  alarms_of_all = {
    connections = {
      metric      = "DatabaseConnections"
      comparison  = "GreaterThanThreshold"
      threshold   = var.connections_alarm
      description = "The warehouse has many connections: lower max_workers of load, or take a bigger instance."
    }
    latency = {
      metric      = "WriteLatency"
      comparison  = "GreaterThanThreshold"
      threshold   = var.latency_alarm_seconds
      description = "Writes to the warehouse are slow: look for a missing index, a lock, or exhausted storage throughput."
    }
  }

  # Aurora's storage grows by itself.
  alarms_of_storage = {
    storage = {
      metric      = "FreeStorageSpace"
      comparison  = "LessThanThreshold"
      threshold   = 10 * 1024 * 1024 * 1024
      description = "Less than 10 GiB are free in the warehouse: raise storage_gb.most."
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-warehouse-${each.key}"
  alarm_description   = each.value.description
  namespace           = "AWS/RDS"
  metric_name         = each.value.metric
  dimensions          = { DBInstanceIdentifier = local.writer }
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = "missing"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
}
