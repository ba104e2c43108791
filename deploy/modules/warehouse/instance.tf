# The warehouse as an instance of RDS, with a standby in another zone.

resource "aws_db_parameter_group" "this" {
  count = local.is_aurora ? 0 : 1

  name_prefix = "${var.name}-warehouse-"
  family      = local.family

  dynamic "parameter" {
    for_each = local.parameters

    content {
      name  = parameter.key
      value = parameter.value
    }
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
  count = local.is_aurora ? 0 : 1

  identifier     = "${var.name}-warehouse"
  engine         = var.engine
  engine_version = local.version
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
  parameter_group_name   = aws_db_parameter_group.this[0].name

  backup_retention_period    = var.backup_days
  copy_tags_to_snapshot      = true
  auto_minor_version_upgrade = true
  deletion_protection        = var.deletion_protection
  final_snapshot_identifier  = "${var.name}-warehouse-final"
  skip_final_snapshot        = !var.deletion_protection

  enabled_cloudwatch_logs_exports = local.logs
  performance_insights_enabled    = true
  performance_insights_kms_key_id = var.kms_key_arn
}

# Before there was a choice of engines, there was one instance.
moved {
  from = aws_db_instance.this
  to   = aws_db_instance.this[0]
}

moved {
  from = aws_db_parameter_group.this
  to   = aws_db_parameter_group.this[0]
}
