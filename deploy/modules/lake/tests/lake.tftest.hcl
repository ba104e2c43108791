mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { name = "eu-west-1" }
  }
}

variables {
  buckets       = { raw = "finance-raw", curated = "finance-lake" }
  kms_key_arn   = "arn:aws:kms:eu-west-1:123456789012:key/11111111-1111-1111-1111-111111111111"
  notifications = [{ prefix = "", queue_arn = "arn:aws:sqs:eu-west-1:123456789012:finance-ingest" }]
}

run "new_objects_are_announced_to_the_queue" {
  assert {
    condition     = aws_s3_bucket_notification.raw.queue[0].queue_arn == "arn:aws:sqs:eu-west-1:123456789012:finance-ingest" && tolist(aws_s3_bucket_notification.raw.queue[0].events) == tolist(["s3:ObjectCreated:*"])
    error_message = "every kind of creation reaches ingest"
  }
  assert {
    condition     = !aws_s3_bucket_notification.raw.eventbridge && length(aws_cloudwatch_event_rule.objects) == 0
    error_message = "one way of delivery, not two"
  }
}

run "or_over_eventbridge" {
  variables {
    delivery = "eventbridge"
  }
  assert {
    condition     = aws_s3_bucket_notification.raw.eventbridge && length(aws_s3_bucket_notification.raw.queue) == 0
    error_message = "one way of delivery, not two"
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.objects[0].event_pattern).detail.bucket.name == ["finance-raw"]
    error_message = "objects of the raw bucket alone"
  }
  assert {
    condition     = aws_cloudwatch_event_target.objects["finance-ingest"].arn == "arn:aws:sqs:eu-west-1:123456789012:finance-ingest"
    error_message = "they go to ingest"
  }
}

run "buckets_are_private_encrypted_versioned_and_tls_only" {
  assert {
    condition     = alltrue([for b in aws_s3_bucket_public_access_block.this : b.block_public_acls && b.block_public_policy && b.ignore_public_acls && b.restrict_public_buckets])
    error_message = "nothing is public"
  }
  assert {
    condition     = alltrue([for e in aws_s3_bucket_server_side_encryption_configuration.this : one(e.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == var.kms_key_arn])
    error_message = "objects are encrypted by the pipeline's key"
  }
  assert {
    condition     = alltrue([for v in aws_s3_bucket_versioning.this : v.versioning_configuration[0].status == "Enabled"])
    error_message = "events name versions"
  }
  assert {
    condition     = alltrue([for p in aws_s3_bucket_policy.this : jsondecode(p.policy).Statement[0].Effect == "Deny" && jsondecode(p.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"])
    error_message = "plain HTTP is denied"
  }
  assert {
    condition     = { for r in aws_s3_bucket_lifecycle_configuration.this["curated"].rule : r.id => try(r.expiration[0].days, null) }["rejects"] == 90
    error_message = "rejects expire"
  }
}

run "versions_outlive_dead_letters" {
  command = plan
  variables {
    noncurrent_days = 7
  }
  expect_failures = [var.noncurrent_days]
}
