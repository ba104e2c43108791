# PostgreSQL in private subnets. RDS makes the password, keeps it in Secrets
# Manager and rotates it; it never is in the state. The URL has no password:
# workers take that from PGPASSWORD, which ECS sets from the secret.

resource "aws_db_subnet_group" "this" {
  name       = "${var.name}-warehouse"
  subnet_ids = var.subnet_ids
}

resource "aws_security_group" "this" {
  name        = "${var.name}-warehouse"
  description = "The warehouse: it is called and never calls out"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = var.client_security_group_ids

  security_group_id            = aws_security_group.this.id
  description                  = "PostgreSQL from ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_egress_rule" "clients" {
  for_each = var.client_security_group_ids

  security_group_id            = each.value
  description                  = "PostgreSQL to the warehouse"
  referenced_security_group_id = aws_security_group.this.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_db_parameter_group" "this" {
  name_prefix = "${var.name}-warehouse-"
  family      = "postgres${split(".", var.engine_version)[0]}"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  # Statements that take long, with what they waited for, and changes of tables.
  parameter {
    name  = "log_min_duration_statement"
    value = "5000"
  }

  parameter {
    name  = "log_statement"
    value = "ddl"
  }

  parameter {
    name  = "log_lock_waits"
    value = "1"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "this" {
  #checkov:skip=CKV_AWS_118: performance insights show what enhanced monitoring would, without a role of its own
  #checkov:skip=CKV_AWS_157: two zones are the default; multi_az turns them off where an hour's loss is bearable
  #checkov:skip=CKV_AWS_293: protected by default; deletion_protection has to be turned off to destroy at all
  #checkov:skip=CKV_AWS_161: workers connect with the rotated password; tokens expire after 15 minutes, in the middle of a pool's life
  identifier     = "${var.name}-warehouse"
  engine         = "postgres"
  engine_version = var.engine_version
  instance_class = var.instance_class
  db_name        = var.database
  username       = "millrace"

  manage_master_user_password   = true
  master_user_secret_kms_key_id = var.kms_key_arn

  allocated_storage     = var.storage_gb.first
  max_allocated_storage = var.storage_gb.most
  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = var.kms_key_arn

  multi_az               = var.multi_az
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.this.id]
  publicly_accessible    = false
  parameter_group_name   = aws_db_parameter_group.this.name

  backup_retention_period    = var.backup_days
  copy_tags_to_snapshot      = true
  auto_minor_version_upgrade = true
  deletion_protection        = var.deletion_protection
  final_snapshot_identifier  = "${var.name}-warehouse-final"
  skip_final_snapshot        = !var.deletion_protection

  enabled_cloudwatch_logs_exports = ["postgresql", "upgrade"]
  performance_insights_enabled    = true
  performance_insights_kms_key_id = var.kms_key_arn
}

resource "aws_secretsmanager_secret_rotation" "this" {
  secret_id = aws_db_instance.this.master_user_secret[0].secret_arn

  # RDS makes the secret with its first password, and workers are restarted
  # after a rotation: not at once at the first apply.
  rotate_immediately = false

  rotation_rules {
    automatically_after_days = var.rotation_days
  }
}

locals {
  alarms = {
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
  dimensions          = { DBInstanceIdentifier = aws_db_instance.this.identifier }
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = "missing"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
}
