# What a pipeline's stack is made of, as Terraform's AWS provider creates it.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" {
  type = string
}

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "local"
  secret_key                  = "local"
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = false

  endpoints {
    cloudwatch     = var.endpoint
    ecs            = var.endpoint
    events         = var.endpoint
    s3             = var.endpoint
    scheduler      = var.endpoint
    secretsmanager = var.endpoint
    sns            = var.endpoint
    sqs            = var.endpoint
    sts            = var.endpoint
  }

  default_tags {
    tags = { pipeline = "shop" }
  }
}

data "aws_caller_identity" "this" {}

# Queues

resource "aws_sqs_queue" "dead" {
  for_each                  = toset(["ingest", "load"])
  name                      = "shop-${each.key}-dlq"
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue" "stage" {
  for_each                   = toset(["ingest", "load"])
  name                       = "shop-${each.key}"
  visibility_timeout_seconds = 60
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead[each.key].arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  for_each  = aws_sqs_queue.dead
  queue_url = each.value.id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.stage[each.key].arn]
  })
}

resource "aws_sqs_queue" "ordered" {
  name                        = "shop-ordered.fifo"
  fifo_queue                  = true
  content_based_deduplication = true
}

resource "aws_sqs_queue_policy" "ingest" {
  queue_url = aws_sqs_queue.stage["ingest"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = ["s3.amazonaws.com", "events.amazonaws.com"] }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.stage["ingest"].arn
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.this.account_id } }
    }]
  })
}

# Buckets

resource "aws_s3_bucket" "lake" {
  for_each      = toset(["shop-raw", "shop-lake"])
  bucket        = each.key
  force_destroy = true
}

resource "aws_s3_bucket_versioning" "lake" {
  for_each = aws_s3_bucket.lake
  bucket   = each.value.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "lake" {
  for_each                = aws_s3_bucket.lake
  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "lake" {
  for_each = aws_s3_bucket.lake
  bucket   = each.value.id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "raw" {
  bucket = aws_s3_bucket.lake["shop-raw"].id
  rule {
    id     = "old"
    status = "Enabled"
    filter {
      prefix = "raw/"
    }
    noncurrent_version_expiration {
      noncurrent_days = 30
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket_policy" "raw" {
  bucket = aws_s3_bucket.lake["shop-raw"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyTLS"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.lake["shop-raw"].arn, "${aws_s3_bucket.lake["shop-raw"].arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

resource "aws_s3_bucket_notification" "raw" {
  bucket      = aws_s3_bucket.lake["shop-raw"].id
  eventbridge = true
  queue {
    queue_arn     = aws_sqs_queue.stage["ingest"].arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = "raw/"
  }
  depends_on = [aws_sqs_queue_policy.ingest]
}

resource "aws_s3_object" "sample" {
  bucket  = aws_s3_bucket.lake["shop-raw"].id
  key     = "raw/a b.csv"
  content = "id\n1\n"
}

# Topics

resource "aws_sns_topic" "alerts" {
  name = "shop-alerts"
}

resource "aws_sns_topic_subscription" "queue" {
  topic_arn            = aws_sns_topic.alerts.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.stage["load"].arn
  raw_message_delivery = true
  filter_policy        = jsonencode({ kind = ["dead_letter", { prefix = "late" }] })
}

resource "aws_sns_topic_subscription" "email" {
  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "email"
  endpoint  = "ops@example.com"
}

# Events and schedules

resource "aws_cloudwatch_event_bus" "shop" {
  name = "shop"
}

resource "aws_cloudwatch_event_rule" "uploaded" {
  name = "shop-uploaded"
  event_pattern = jsonencode({
    source        = ["aws.s3"]
    "detail-type" = ["Object Created"]
    detail        = { bucket = { name = [aws_s3_bucket.lake["shop-raw"].id] } }
  })
}

resource "aws_cloudwatch_event_target" "uploaded" {
  rule = aws_cloudwatch_event_rule.uploaded.name
  arn  = aws_sqs_queue.stage["ingest"].arn
  dead_letter_config {
    arn = aws_sqs_queue.dead["ingest"].arn
  }
  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 10
  }
  input_transformer {
    input_paths    = { key = "$.detail.object.key" }
    input_template = "{\"key\": <key>}"
  }
}

resource "aws_cloudwatch_event_rule" "nightly" {
  name                = "shop-nightly"
  schedule_expression = "cron(0 2 * * ? *)"
}

resource "aws_scheduler_schedule_group" "shop" {
  name = "shop"
}

resource "aws_scheduler_schedule" "export" {
  name                         = "export"
  group_name                   = aws_scheduler_schedule_group.shop.name
  schedule_expression          = "cron(0 7 * * ? *)"
  schedule_expression_timezone = "Europe/London"
  flexible_time_window {
    mode                      = "FLEXIBLE"
    maximum_window_in_minutes = 15
  }
  target {
    arn      = aws_sqs_queue.stage["load"].arn
    role_arn = "arn:aws:iam::${data.aws_caller_identity.this.account_id}:role/scheduler"
    input    = jsonencode({ export = "orders" })
    dead_letter_config {
      arn = aws_sqs_queue.dead["load"].arn
    }
  }
}

# Secrets, services, alarms

resource "aws_secretsmanager_secret" "warehouse" {
  name                    = "shop/warehouse"
  recovery_window_in_days = 0
}

resource "aws_secretsmanager_secret_version" "warehouse" {
  secret_id     = aws_secretsmanager_secret.warehouse.id
  secret_string = "postgres://shop:pass@db/shop"
}

resource "aws_ecs_cluster" "shop" {
  name = "shop"
}

resource "aws_ecs_task_definition" "load" {
  family                   = "shop-load"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  container_definitions = jsonencode([{
    name        = "worker"
    image       = "millrace"
    essential   = true
    entryPoint  = ["sleep"]
    command     = ["600"]
    stopTimeout = 5
    environment = [{ name = "RUST_LOG", value = "info" }]
    secrets     = [{ name = "DATABASE_URL", valueFrom = aws_secretsmanager_secret.warehouse.arn }]
  }])
}

resource "aws_ecs_service" "load" {
  name                  = "shop-load"
  cluster               = aws_ecs_cluster.shop.id
  task_definition       = aws_ecs_task_definition.load.arn
  desired_count         = 1
  launch_type           = "FARGATE"
  wait_for_steady_state = true
  network_configuration {
    subnets = ["subnet-0123456789abcdef0"]
  }
  depends_on = [aws_secretsmanager_secret_version.warehouse]
}

resource "aws_cloudwatch_metric_alarm" "dead" {
  alarm_name          = "shop-load-dead-letters"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  threshold           = 0
  alarm_actions       = [aws_sns_topic.alerts.arn]
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead["load"].name }
  period              = 60
  statistic           = "Maximum"
}
