# Two roles: the execution role is ECS's, to pull the image, read secrets and
# open the log; the task role is the worker's. Each action names the call of the
# worker that needs it.

locals {
  trust = {
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = ["sts:AssumeRole"]
      # Tasks of this account's clusters here, and of nobody else's.
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:ecs:${local.region}:${local.account}:*" }
      }
    }]
  }

  s3            = "arn:${local.partition}:s3:::"
  reads_buckets = distinct([for read in var.service.reads : read.bucket])

  # A role's inline policies hold 10,240 characters. With so many datasets that
  # their prefixes don't fit, the buckets stand for them; they hold nothing else.
  # As the database of the catalog stands for its tables.
  tables       = try(var.service.tables.names, [])
  by_prefix    = length(var.service.reads) + length(var.service.writes) + length(local.tables) <= 80
  read_objects = distinct([for read in var.service.reads : "${local.s3}${read.bucket}/${local.by_prefix ? read.prefix : ""}*"])
  # What is published is read by the version that was announced, by the stage that
  # hears of it; others look at what is newest. What is in the lake has a name that
  # nothing else is written under.
  pins           = var.queue.stage == "transform"
  pinned_objects = [for object in local.read_objects : object if local.pins && startswith(object, "${local.s3}${var.raw_bucket}/")]
  write_objects  = distinct([for write in var.service.writes : "${local.s3}${write.bucket}/${local.by_prefix ? write.prefix : ""}*"])
  # Only prefixes: a bucket as a whole is never a worker's to empty.
  delete_objects = distinct([for delete in var.service.deletes : "${local.s3}${delete.bucket}/${delete.prefix}*"])
  # By name they are this account's; others are named by their ARN.
  sns        = "arn:${local.partition}:sns:${local.region}:${local.account}"
  events     = "arn:${local.partition}:events:${local.region}:${local.account}:event-bus"
  topic_arns = [for topic in var.service.publishes_to : startswith(topic, "arn:") ? topic : "${local.sns}:${topic}"]
  bus_arns   = [for bus in var.service.puts_events_to : startswith(bus, "arn:") ? bus : "${local.events}/${bus}"]

  # An operation on a table needs its permission on the catalog, the database and
  # the table.
  glue = "arn:${local.partition}:glue:${local.region}:${local.account}"
  glue_arns = var.service.tables == null ? [] : concat(
    ["${local.glue}:catalog", "${local.glue}:database/${var.service.tables.database}"],
    [for name in local.by_prefix ? local.tables : ["*"] : "${local.glue}:table/${var.service.tables.database}/${name}"],
  )

  touches_lake = length(local.read_objects) + length(local.write_objects) > 0
  via_services = concat(
    ["sqs.${local.region}.amazonaws.com"],
    local.touches_lake ? ["s3.${local.region}.amazonaws.com"] : [],
    length(local.topic_arns) > 0 ? ["sns.${local.region}.amazonaws.com"] : [],
  )
  secret_arns = distinct([for arn in values(var.secrets) : join(":", slice(split(":", arn), 0, 7))])

  # A secret's ARN ends in six random characters, which a name doesn't have.
  secrets_manager = "arn:${local.partition}:secretsmanager:${local.region}:${local.account}:secret"
  read_secrets = [for secret in var.service.secrets :
    !startswith(secret, "arn:") ? "${local.secrets_manager}:${secret}-??????" :
    can(regex("-[0-9A-Za-z]{6}$", secret)) ? secret : "${secret}-??????"
  ]
  # The keys of secrets: of those that ECS hands to tasks, and of those that
  # workers read themselves.
  secrets_keys = {
    Sid       = "SecretsKey"
    Effect    = "Allow"
    Action    = ["kms:Decrypt"]
    Resource  = var.secrets_kms_key_arns
    Condition = { StringEquals = { "kms:ViaService" = local.secret_regions } }
  }
  secret_regions = "secretsmanager.${local.region}.amazonaws.com"

  task_policy = {
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid    = "Drain"
          Effect = "Allow"
          Action = [
            "sqs:GetQueueUrl",             # once at the start, queues are known by name
            "sqs:ReceiveMessage",          # the consumer
            "sqs:DeleteMessage",           # settle, when the effect is committed
            "sqs:ChangeMessageVisibility", # heartbeats, back-off, handing back on SIGTERM
          ]
          Resource = [local.queue_arn]
        },
        {
          Sid    = "DeadLetters"
          Effect = "Allow"
          Action = [
            "sqs:GetQueueAttributes",      # every minute: is there more than on record?
            "sqs:ReceiveMessage",          # if there is: what SQS moved there by itself is recorded
            "sqs:DeleteMessage",           # what was dealt with leaves
            "sqs:ChangeMessageVisibility", # the rest is given back
          ]
          Resource = [local.dead_letter_arn]
        },
        {
          Sid    = "Send"
          Effect = "Allow"
          Action = [
            "sqs:GetQueueUrl", # queues are known by name
            "sqs:SendMessage", # the next stage's tasks; dead letters with their facts
          ]
          Resource = concat(local.sends_to_arns, [local.dead_letter_arn])
        },
        {
          # A worker at long work has its own task left alone by scaling in.
          Sid      = "ProtectTask"
          Effect   = "Allow"
          Action   = ["ecs:UpdateTaskProtection", "ecs:GetTaskProtection"]
          Resource = ["arn:${local.partition}:ecs:${local.region}:${local.account}:task/${var.cluster.name}/*"]
        },
        {
          Sid    = "Key"
          Effect = "Allow"
          Action = [
            "kms:Decrypt",         # receiving messages, reading objects, multipart uploads
            "kms:GenerateDataKey", # sending messages, writing objects
          ]
          Resource  = [var.kms_key_arn]
          Condition = { StringEquals = { "kms:ViaService" = local.via_services } }
        },
      ],
      length(local.read_objects) == 0 ? [] : [
        {
          Sid      = "Read"
          Effect   = "Allow"
          Action   = ["s3:GetObject"] # ranges of objects
          Resource = local.read_objects
        },
        {
          # Without it S3 answers 403 for an object that is gone, and a deleted
          # file could not be told from a missing permission. Transform also
          # probes the lake by it during an outage. S3 knows no narrower form:
          # the 404 wants it for the whole bucket.
          Sid      = "TellMissing"
          Effect   = "Allow"
          Action   = ["s3:ListBucket"]
          Resource = [for bucket in local.reads_buckets : "arn:${local.partition}:s3:::${bucket}"]
        },
      ],
      length(local.pinned_objects) == 0 ? [] : [
        {
          Sid      = "ReadVersion"
          Effect   = "Allow"
          Action   = ["s3:GetObjectVersion"] # pinned to the version that was announced
          Resource = local.pinned_objects
        },
      ],
      length(local.write_objects) == 0 ? [] : [
        {
          Sid    = "Write"
          Effect = "Allow"
          Action = [
            "s3:PutObject",            # whole objects and parts
            "s3:AbortMultipartUpload", # an output that is not wanted after all
          ]
          Resource = local.write_objects
        },
      ],
      length(local.delete_objects) == 0 ? [] : [
        {
          Sid      = "Remove"
          Effect   = "Allow"
          Action   = ["s3:DeleteObject"] # what an attempt that was cut short left behind
          Resource = local.delete_objects
        },
      ],
      length(local.topic_arns) == 0 ? [] : [
        {
          Sid      = "Alert"
          Effect   = "Allow"
          Action   = ["sns:Publish"] # dead letters, rejected files, outages
          Resource = local.topic_arns
        },
      ],
      length(local.bus_arns) == 0 ? [] : [
        {
          Sid      = "Events"
          Effect   = "Allow"
          Action   = ["events:PutEvents"] # what became of files
          Resource = local.bus_arns
        },
      ],
      length(local.glue_arns) == 0 ? [] : [
        {
          Sid    = "Catalog"
          Effect = "Allow"
          Action = [
            "glue:GetDatabase",          # is it there?
            "glue:CreateDatabase",       # if not
            "glue:GetTable",             # is it ours, and as it is to be?
            "glue:CreateTable",          # if it is not there
            "glue:UpdateTable",          # columns, comments, projection
            "glue:DeleteTable",          # partitioned by others: made anew
            "glue:BatchCreatePartition", # as files land
            "glue:BatchUpdatePartition", # columns that evolved
            "glue:BatchDeletePartition", # nothing lives there any more
          ]
          Resource = local.glue_arns
        },
      ],
      length(local.read_secrets) == 0 ? [] : [
        {
          Sid      = "Secrets"
          Effect   = "Allow"
          Action   = ["secretsmanager:GetSecretValue"] # the database's URL, again after a rotation
          Resource = local.read_secrets
        },
      ],
      length(local.read_secrets) == 0 || length(var.secrets_kms_key_arns) == 0 ? [] : [local.secrets_keys],
    )
  }

  execution_policy = {
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "Log"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = ["arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${local.log_group}:*"]
        },
      ],
      var.repository_arn == null ? [] : [
        {
          Sid      = "Pull"
          Effect   = "Allow"
          Action   = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
          Resource = [var.repository_arn]
        },
        {
          # A token for the registry as a whole: ECR knows no resource for it.
          Sid      = "Token"
          Effect   = "Allow"
          Action   = ["ecr:GetAuthorizationToken"]
          Resource = ["*"]
        },
      ],
      length(local.secret_arns) == 0 ? [] : [
        {
          Sid      = "Secrets"
          Effect   = "Allow"
          Action   = ["secretsmanager:GetSecretValue"]
          Resource = local.secret_arns
        },
      ],
      length(local.secret_arns) == 0 || length(var.secrets_kms_key_arns) == 0 ? [] : [local.secrets_keys],
    )
  }
}

resource "aws_iam_role" "task" {
  name               = "${var.service.name}-task"
  description        = "What the workers of ${var.service.name} may do"
  assume_role_policy = jsonencode(local.trust)
}

resource "aws_iam_role_policy" "task" {
  name   = "worker"
  role   = aws_iam_role.task.id
  policy = jsonencode(local.task_policy)
}

resource "aws_iam_role" "execution" {
  name               = "${var.service.name}-execution"
  description        = "What ECS needs to start ${var.service.name}"
  assume_role_policy = jsonencode(local.trust)
}

resource "aws_iam_role_policy" "execution" {
  name   = "start"
  role   = aws_iam_role.execution.id
  policy = jsonencode(local.execution_policy)
}
