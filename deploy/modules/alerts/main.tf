data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id
  topic   = "arn:${data.aws_partition.current.partition}:sns:${data.aws_region.current.name}:${local.account}:${var.name}-alerts"

  policy = {
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid       = "TlsOnly"
          Effect    = "Deny"
          Principal = { AWS = "*" }
          Action    = ["sns:Publish"]
          Resource  = local.topic
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        },
        {
          # Alarms of this account's pipeline, and of no other account.
          Sid       = "Alarms"
          Effect    = "Allow"
          Principal = { Service = "cloudwatch.amazonaws.com" }
          Action    = ["sns:Publish"]
          Resource  = local.topic
          Condition = {
            StringEquals = { "aws:SourceAccount" = local.account }
            ArnLike      = { "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:cloudwatch:${data.aws_region.current.name}:${local.account}:alarm:${var.name}-*" }
          }
        },
      ],
      length(var.rule_arns) == 0 ? [] : [
        {
          Sid       = "Rules"
          Effect    = "Allow"
          Principal = { Service = "events.amazonaws.com" }
          Action    = ["sns:Publish"]
          Resource  = local.topic
          Condition = { ArnEquals = { "aws:SourceArn" = var.rule_arns } }
        },
      ],
    )
  }
}

resource "aws_sns_topic" "this" {
  name              = "${var.name}-alerts"
  kms_master_key_id = var.kms_key_arn
}

resource "aws_sns_topic_policy" "this" {
  arn    = aws_sns_topic.this.arn
  policy = jsonencode(local.policy)
}

resource "aws_sns_topic_subscription" "this" {
  for_each = var.subscriptions

  topic_arn = aws_sns_topic.this.arn
  protocol  = each.value.protocol
  endpoint  = each.value.endpoint
}
