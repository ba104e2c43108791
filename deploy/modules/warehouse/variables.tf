variable "name" {
  description = "Name of the pipeline; the database instance is `<name>-warehouse`."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,47}$", var.name))
    error_message = "A name is lower-case letters, digits and hyphens, at most 48."
  }
}

variable "database" {
  description = "Name of the database."
  type        = string
  default     = "millrace"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database))
    error_message = "database is lower-case letters, digits and underscores, at most 63."
  }
}

variable "engine" {
  description = "postgres or mysql on RDS, aurora-postgresql or aurora-mysql on Aurora Serverless v2."
  type        = string
  default     = "postgres"

  validation {
    condition     = contains(["postgres", "mysql", "aurora-postgresql", "aurora-mysql"], var.engine)
    error_message = "engine is postgres, mysql, aurora-postgresql or aurora-mysql."
  }
}

variable "engine_version" {
  description = "The engine's version, in full for Aurora MySQL (8.0.mysql_aurora.3.08.0); null takes one that is supported for long. Minor versions are applied in the maintenance window."
  type        = string
  default     = null
}

variable "aurora_capacity" {
  description = "Aurora's capacity units, of 2 GiB of memory each: at least, and at most."
  type        = object({ min = number, max = number })
  default     = { min = 0.5, max = 16 }

  validation {
    condition     = var.aurora_capacity.min >= 0 && var.aurora_capacity.max >= 1 && var.aurora_capacity.max <= 256 && var.aurora_capacity.min <= var.aurora_capacity.max
    error_message = "aurora_capacity is 0 to 256 units, max at least 1 and not less than min."
  }
}

variable "instance_class" {
  description = "Size of the instance, of RDS."
  type        = string
  default     = "db.t4g.medium"
}

variable "storage_gb" {
  description = "Storage of RDS at first, and what it may grow to by itself."
  type        = object({ first = number, most = number })
  default     = { first = 50, most = 1000 }

  validation {
    condition     = var.storage_gb.first >= 20 && var.storage_gb.most > var.storage_gb.first
    error_message = "storage_gb begins at 20 or more and has room to grow."
  }
}

variable "multi_az" {
  description = "A standby in another zone: twice the price, and a minute instead of an hour when a zone is lost."
  type        = bool
  default     = true
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets in two zones or more."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "A database needs subnets in two zones."
  }
}

variable "client_security_group_ids" {
  description = "Security groups that may connect, by a name of your choice."
  type        = map(string)
}

variable "kms_key_arn" {
  description = "Key that encrypts storage, the password and performance data."
  type        = string
}

variable "rotation_days" {
  description = "How often RDS changes the password."
  type        = number
  default     = 30

  validation {
    condition     = var.rotation_days >= 1 && var.rotation_days <= 1000
    error_message = "rotation_days is 1 to 1000."
  }
}

variable "backup_days" {
  description = "How far back the database can be restored."
  type        = number
  default     = 14

  validation {
    condition     = var.backup_days >= 7 && var.backup_days <= 35
    error_message = "backup_days is 7 to 35."
  }
}

variable "connections_alarm" {
  description = "Connections beyond which an alarm goes off. Every task holds at most 9 per database (18 in load)."
  type        = number
  default     = 300
}

variable "latency_alarm_seconds" {
  description = "Write latency beyond which an alarm goes off."
  type        = number
  default     = 0.05
}

variable "alarm_actions" {
  description = "Where alarms go: SNS topics."
  type        = list(string)
  default     = []
}

variable "deletion_protection" {
  description = "Whether the database refuses to be deleted; turn it off in an apply of its own before `destroy`."
  type        = bool
  default     = true
}
