# One key for everything of a pipeline: messages, objects, topic, logs, secrets.
# A key's own policy has to let services use it that act by themselves; roles get
# their share by their own policies.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name

  policy = {
    Version = "2012-10-17"
    Statement = [
      {
        # Without the account itself nobody could change the key any more, and
        # no role's policy would count. In a key's policy "*" is this key.
        Sid       = "Account"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = ["kms:*"]
        Resource  = "*"
      },
      {
        Sid       = "BucketToQueue"
        Effect    = "Allow"
        Principal = { Service = "s3.amazonaws.com" }
        Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource  = "*"
        Condition = {
          StringEquals = { "aws:SourceAccount" = local.account }
          ArnEquals    = { "aws:SourceArn" = "arn:${local.partition}:s3:::${var.raw_bucket}" }
        }
      },
      {
        # No condition on the source: EventBridge doesn't pass it on to KMS, and
        # an event for an encrypted queue or topic would be dropped without a
        # word. The policies of queue and topic name the rules.
        Sid       = "RulesToQueueAndTopic"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource  = "*"
      },
      {
        Sid       = "AlarmsToTopic"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      },
      {
        Sid       = "TopicToQueue"
        Effect    = "Allow"
        Principal = { Service = "sns.amazonaws.com" }
        Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource  = "*"
        Condition = {
          StringEquals = { "aws:SourceAccount" = local.account }
          ArnEquals    = { "aws:SourceArn" = "arn:${local.partition}:sns:${local.region}:${local.account}:${var.name}-alerts" }
        }
      },
      {
        Sid       = "Logs"
        Effect    = "Allow"
        Principal = { Service = "logs.${local.region}.amazonaws.com" }
        Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:DescribeKey"]
        Resource  = "*"
        Condition = {
          ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/millrace/${var.name}/*" }
        }
      },
    ]
  }
}

resource "aws_kms_key" "this" {
  description             = "Millrace pipeline ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = var.deletion_days
  policy                  = jsonencode(local.policy)
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}
