mock_provider "aws" {
  mock_resource "aws_rds_cluster" {
    defaults = {
      endpoint           = "finance.cluster.example.com"
      port               = 3306
      master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!cluster-1", kms_key_id = "k", secret_status = "active" }]
    }
  }
  mock_resource "aws_db_instance" {
    defaults = {
      address            = "finance.example.com"
      port               = 5432
      master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-1", kms_key_id = "k", secret_status = "active" }]
    }
  }
}

variables {
  name                      = "finance"
  vpc_id                    = "vpc-1"
  subnet_ids                = ["subnet-1", "subnet-2"]
  client_security_group_ids = { workers = "sg-1" }
  kms_key_arn               = "arn:aws:kms:eu-west-1:123456789012:key/11111111-1111-1111-1111-111111111111"
  alarm_actions             = ["arn:aws:sns:eu-west-1:123456789012:finance-alerts"]
}

run "the_password_is_made_kept_and_rotated_by_rds" {
  assert {
    condition     = aws_db_instance.this[0].manage_master_user_password && aws_db_instance.this[0].password == null
    error_message = "no password in the state"
  }
  assert {
    condition     = output.environment.DATABASE_URL == "postgres://millrace@finance.example.com:5432/millrace?sslmode=require"
    error_message = "the URL has no password, and wants TLS"
  }
  assert {
    condition     = output.secrets.PGPASSWORD == "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-1:password::"
    error_message = "the password is one field of the secret"
  }
  assert {
    condition     = aws_secretsmanager_secret_rotation.this.rotation_rules[0].automatically_after_days == 30
    error_message = "it is rotated"
  }
}

run "it_is_private_encrypted_and_watched" {
  assert {
    condition     = !aws_db_instance.this[0].publicly_accessible && aws_db_instance.this[0].storage_encrypted && aws_db_instance.this[0].deletion_protection
    error_message = "private, encrypted, protected"
  }
  assert {
    condition     = [for p in aws_db_parameter_group.this[0].parameter : p.value if p.name == "rds.force_ssl"] == ["1"]
    error_message = "the server refuses connections without TLS"
  }
  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.this)) == toset(["connections", "latency", "storage"]) && alltrue([for a in aws_cloudwatch_metric_alarm.this : a.alarm_actions == toset(var.alarm_actions)])
    error_message = "connections, latency and storage alarm the topic"
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.clients["workers"].from_port == 5432
    error_message = "the workers get in"
  }
}

run "one_subnet_is_too_few" {
  command = plan
  variables {
    subnet_ids = ["subnet-1"]
  }
  expect_failures = [var.subnet_ids]
}

run "mysql_is_reached_by_its_own_means" {
  variables {
    engine = "mysql"
  }
  assert {
    condition     = output.environment.DATABASE_URL == "mysql://millrace@finance.example.com:5432/millrace?ssl-mode=REQUIRED" && keys(output.secrets) == ["MYSQL_PWD"]
    error_message = "a MySQL URL that wants TLS, and the password beside it"
  }
  assert {
    condition     = aws_db_parameter_group.this[0].family == "mysql8.4" && [for p in aws_db_parameter_group.this[0].parameter : p.value if p.name == "require_secure_transport"] == ["ON"]
    error_message = "the server refuses connections without TLS"
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.clients["workers"].from_port == 3306 && aws_db_instance.this[0].enabled_cloudwatch_logs_exports == toset(["error", "slowquery"])
    error_message = "MySQL's port and logs"
  }
}

run "aurora_stands_in_for_an_instance" {
  variables {
    engine         = "aurora-mysql"
    engine_version = "8.0.mysql_aurora.3.08.0"
  }
  assert {
    condition     = length(aws_db_instance.this) == 0 && length(aws_rds_cluster_instance.this) == 2
    error_message = "a cluster with a writer and one to take over"
  }
  assert {
    condition     = aws_rds_cluster.this[0].storage_encrypted && aws_rds_cluster.this[0].deletion_protection && aws_rds_cluster.this[0].manage_master_user_password && aws_rds_cluster.this[0].master_password == null
    error_message = "encrypted, protected, no password in the state"
  }
  assert {
    condition     = output.environment.DATABASE_URL == "mysql://millrace@finance.cluster.example.com:3306/millrace?ssl-mode=REQUIRED" && output.secrets.MYSQL_PWD == "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!cluster-1:password::"
    error_message = "the cluster's endpoint and secret"
  }
  assert {
    condition     = aws_rds_cluster_parameter_group.this[0].family == "aurora-mysql8.0" && output.identifier == "finance-warehouse-1"
    error_message = "the family of its version"
  }
  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.this)) == toset(["connections", "latency"]) && aws_secretsmanager_secret_rotation.this.secret_id == "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!cluster-1"
    error_message = "its storage grows by itself; its password is rotated"
  }
}

run "aurora_postgresql_has_postgresqls_family" {
  command = plan
  variables {
    engine   = "aurora-postgresql"
    multi_az = false
  }
  assert {
    condition     = aws_rds_cluster_parameter_group.this[0].family == "aurora-postgresql16" && length(aws_rds_cluster_instance.this) == 1
    error_message = "one instance, without a second zone"
  }
}

run "an_unknown_engine_is_noticed" {
  command = plan
  variables {
    engine = "oracle"
  }
  expect_failures = [var.engine]
}
