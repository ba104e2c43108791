data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account    = data.aws_caller_identity.current.account_id
  bucket_arn = { for which, name in var.buckets : which => "arn:${data.aws_partition.current.partition}:s3:::${name}" }
  rule       = "${var.buckets.raw}-objects"
  rule_arn   = "arn:${data.aws_partition.current.partition}:events:${data.aws_region.current.name}:${local.account}:rule/${local.rule}"

  policy = {
    for which, arn in local.bucket_arn : which => {
      Version = "2012-10-17"
      Statement = [{
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = ["s3:*"]
        Resource  = [arn, "${arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }]
    }
  }
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18: who reads is in CloudTrail's data events, which an account turns on once for all
  #checkov:skip=CKV_AWS_144: a second region is a decision on cost and law, not a default
  #checkov:skip=CKV2_AWS_62: the raw bucket notifies (below); nobody listens to the curated one
  for_each = var.buckets

  bucket        = each.value
  force_destroy = var.force_destroy
}

# An event names a version, and so does a dead letter.
resource "aws_s3_bucket_versioning" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    bucket_key_enabled = true # a hundredth of the calls to KMS

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id
  policy = jsonencode(local.policy[each.key])

  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    id     = "leftovers"
    status = "Enabled"

    filter {}

    # A worker that was killed leaves its upload open.
    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }

    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_days
    }
  }

  dynamic "rule" {
    for_each = each.key == "curated" ? { "_rejects/" = var.rejects_days, "_athena/" = 7 } : {}

    content {
      id     = trim(rule.key, "_/")
      status = "Enabled"

      filter {
        prefix = rule.key
      }

      expiration {
        days = rule.value
      }
    }
  }

  dynamic "rule" {
    for_each = each.key == "raw" && var.raw_archive_days != null ? [var.raw_archive_days] : []

    content {
      id     = "archive"
      status = "Enabled"

      filter {}

      transition {
        days          = rule.value
        storage_class = "GLACIER_IR"
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_notification" "raw" {
  bucket      = aws_s3_bucket.this["raw"].id
  eventbridge = var.delivery == "eventbridge"

  dynamic "queue" {
    for_each = var.delivery == "sqs" ? var.notifications : []

    content {
      queue_arn     = queue.value.queue_arn
      events        = ["s3:ObjectCreated:*"]
      filter_prefix = queue.value.prefix == "" ? null : queue.value.prefix
    }
  }
}

resource "aws_cloudwatch_event_rule" "objects" {
  count = var.delivery == "eventbridge" ? 1 : 0

  name        = local.rule
  description = "New objects of ${var.buckets.raw}"

  event_pattern = jsonencode({
    source        = ["aws.s3"]
    "detail-type" = ["Object Created"]
    detail = {
      bucket = { name = [var.buckets.raw] }
      object = { key = [for notification in var.notifications : { prefix = notification.prefix }] }
    }
  })
}

resource "aws_cloudwatch_event_target" "objects" {
  for_each = var.delivery == "eventbridge" ? { for queue in distinct([for n in var.notifications : n.queue_arn]) : element(split(":", queue), 5) => queue } : {}

  rule = aws_cloudwatch_event_rule.objects[0].name
  arn  = each.value

  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }
}
