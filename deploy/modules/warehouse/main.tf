# PostgreSQL or MySQL in private subnets, on RDS (instance.tf) or Aurora
# (aurora.tf). RDS makes the password, keeps it in Secrets Manager and rotates it;
# it never is in the state. The URL has no password: workers take that from
# PGPASSWORD or MYSQL_PWD, which ECS sets from the secret.

locals {
  is_aurora = startswith(var.engine, "aurora-")
  is_mysql  = endswith(var.engine, "mysql")
  protocol  = local.is_mysql ? "MySQL" : "PostgreSQL"
  port      = local.is_mysql ? 3306 : 5432

  default_version = {
    postgres          = "17"
    mysql             = "8.4"
    aurora-postgresql = "16"
    aurora-mysql      = "8.0"
  }[var.engine]
  version = coalesce(var.engine_version, local.default_version)
  family  = local.is_mysql ? "${var.engine}${local.minor}" : "${var.engine}${split(".", local.version)[0]}"
  # MySQL's families are named after two numbers, PostgreSQL's after one.
  minor = join(".", slice(concat(split(".", local.version), ["0"]), 0, 2))

  # Connections without TLS are refused; statements that take long are logged, in
  # PostgreSQL with what they waited for, and so are changes of tables.
  parameters = local.is_mysql ? {
    require_secure_transport = "ON"
    slow_query_log           = "1"
    long_query_time          = "5"
    } : {
    "rds.force_ssl"            = "1"
    log_min_duration_statement = "5000"
    log_statement              = "ddl"
    log_lock_waits             = "1"
  }
  logs = local.is_mysql ? ["error", "slowquery"] : local.is_aurora ? ["postgresql"] : ["postgresql", "upgrade"]

  server = one(local.is_aurora ? [for c in aws_rds_cluster.this : { host = c.endpoint, port = c.port }] : [for i in aws_db_instance.this : { host = i.address, port = i.port }])
  secret = one(flatten([
    for database in concat(aws_rds_cluster.this, aws_db_instance.this) : database.master_user_secret[*].secret_arn
  ]))
  # The instance that is written to.
  writer = local.is_aurora ? "${var.name}-warehouse-1" : one(aws_db_instance.this[*].identifier)
}

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
  description                  = "${local.protocol} from ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
}

resource "aws_vpc_security_group_egress_rule" "clients" {
  for_each = var.client_security_group_ids

  security_group_id            = each.value
  description                  = "${local.protocol} to the warehouse"
  referenced_security_group_id = aws_security_group.this.id
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
}

resource "aws_secretsmanager_secret_rotation" "this" {
  secret_id = local.secret

  # RDS makes the secret with its first password, and workers are restarted
  # after a rotation: not at once at the first apply.
  rotate_immediately = false

  rotation_rules {
    automatically_after_days = var.rotation_days
  }
}
