mock_provider "aws" {
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
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.password == null
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
    condition     = !aws_db_instance.this.publicly_accessible && aws_db_instance.this.storage_encrypted && aws_db_instance.this.deletion_protection
    error_message = "private, encrypted, protected"
  }
  assert {
    condition     = [for p in aws_db_parameter_group.this.parameter : p.value if p.name == "rds.force_ssl"] == ["1"]
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
