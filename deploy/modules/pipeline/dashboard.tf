# One dashboard: a row for each stage (backlog, age, tasks, errors), then the
# dead letters of all, then the database.

locals {
  stages = [for queue in var.plan.queues : queue.stage]

  stage_widgets = flatten([
    for row, stage in local.stages : [
      {
        type = "metric", x = 0, y = row * 6, width = 8, height = 6
        properties = {
          title  = "${stage}: backlog per task (kept at ${module.stage[stage].scaling.target})"
          region = local.region, view = "timeSeries", period = 60, stat = "Average"
          metrics = [
            ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", local.queues[stage].name, { id = "visible" }],
            [".", "ApproximateNumberOfMessagesNotVisible", ".", ".", { id = "in_flight" }],
            ["ECS/ContainerInsights", "RunningTaskCount", "ClusterName", local.name, "ServiceName", local.services[stage].name, { id = "running", visible = false }],
            [{ id = "backlog_per_task", expression = module.stage[stage].scaling.expression, label = "backlog per task" }],
          ]
        }
      },
      {
        type = "metric", x = 8, y = row * 6, width = 8, height = 6
        properties = {
          title   = "${stage}: age of the oldest message"
          region  = local.region, view = "timeSeries", period = 60, stat = "Maximum"
          metrics = [["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", local.queues[stage].name]]
        }
      },
      {
        type = "metric", x = 16, y = row * 6, width = 8, height = 6
        properties = {
          title  = "${stage}: tasks and errors"
          region = local.region, view = "timeSeries", period = 60, stat = "Average"
          metrics = [
            ["ECS/ContainerInsights", "RunningTaskCount", "ClusterName", local.name, "ServiceName", local.services[stage].name],
            [".", "DesiredTaskCount", ".", ".", ".", "."],
            ["Millrace/${local.name}", "${stage}-errors", { stat = "Sum", yAxis = "right" }],
          ]
        }
      },
    ]
  ])

  dead_letter_widget = {
    type = "metric", x = 0, y = length(local.stages) * 6, width = 12, height = 6
    properties = {
      title   = "Dead letters"
      region  = local.region, view = "timeSeries", period = 60, stat = "Maximum"
      metrics = [for queue in var.plan.queues : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue.dead_letter_queue]]
    }
  }

  database_widgets = [for identifier in compact([var.database_identifier]) : {
    type = "metric", x = 12, y = length(local.stages) * 6, width = 12, height = 6
    properties = {
      title  = "Warehouse"
      region = local.region, view = "timeSeries", period = 60, stat = "Average"
      metrics = [
        ["AWS/RDS", "DatabaseConnections", "DBInstanceIdentifier", identifier],
        [".", "WriteLatency", ".", ".", { yAxis = "right" }],
      ]
    }
  }]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = local.name
  dashboard_body = jsonencode({ widgets = concat(local.stage_widgets, [local.dead_letter_widget], local.database_widgets) })
}
