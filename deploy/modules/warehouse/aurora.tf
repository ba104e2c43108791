# The warehouse as a cluster of Aurora, whose capacity follows the load.

resource "aws_rds_cluster_parameter_group" "this" {
  count = local.is_aurora ? 1 : 0

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

resource "aws_rds_cluster" "this" {
  #checkov:skip=CKV_AWS_139: protected by default; deletion_protection has to be turned off to destroy at all
  #checkov:skip=CKV_AWS_162: workers connect with the rotated password; tokens expire after 15 minutes, in the middle of a pool's life
  #checkov:skip=CKV_AWS_326: backups restore to any second; rewinding in place would take the ledger back unseen
  #checkov:skip=CKV2_AWS_8: Aurora backs itself up for backup_days
  #checkov:skip=CKV2_AWS_27: PostgreSQL's parameters log slow statements and changes of tables; checkov does not follow the dynamic block
  count = local.is_aurora ? 1 : 0

  cluster_identifier = "${var.name}-warehouse"
  engine             = var.engine
  engine_mode        = "provisioned"
  engine_version     = local.version
  database_name      = var.database
  master_username    = "millrace"

  manage_master_user_password   = true
  master_user_secret_kms_key_id = var.kms_key_arn

  storage_encrypted = true
  kms_key_id        = var.kms_key_arn

  db_subnet_group_name            = aws_db_subnet_group.this.name
  vpc_security_group_ids          = [aws_security_group.this.id]
  db_cluster_parameter_group_name = aws_rds_cluster_parameter_group.this[0].name

  backup_retention_period         = var.backup_days
  copy_tags_to_snapshot           = true
  deletion_protection             = var.deletion_protection
  final_snapshot_identifier       = "${var.name}-warehouse-final"
  skip_final_snapshot             = !var.deletion_protection
  enabled_cloudwatch_logs_exports = local.logs

  serverlessv2_scaling_configuration {
    min_capacity = var.aurora_capacity.min
    max_capacity = var.aurora_capacity.max
  }
}

# The first is written to; the second, in another zone, takes over.
resource "aws_rds_cluster_instance" "this" {
  #checkov:skip=CKV_AWS_118: performance insights show what enhanced monitoring would, without a role of its own
  count = local.is_aurora ? (var.multi_az ? 2 : 1) : 0

  identifier         = "${var.name}-warehouse-${count.index + 1}"
  cluster_identifier = aws_rds_cluster.this[0].id
  engine             = aws_rds_cluster.this[0].engine
  engine_version     = aws_rds_cluster.this[0].engine_version
  instance_class     = "db.serverless"

  publicly_accessible             = false
  auto_minor_version_upgrade      = true
  copy_tags_to_snapshot           = true
  performance_insights_enabled    = true
  performance_insights_kms_key_id = var.kms_key_arn
}
