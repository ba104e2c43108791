variable "name" {
  description = "Name of the pipeline; the database has underscores for its hyphens, as SQL likes it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,47}$", var.name))
    error_message = "A name is lower-case letters, digits and hyphens, at most 48."
  }
}

variable "lake_bucket" {
  description = "Bucket with the Parquet; results of queries go to `_athena/` in it."
  type        = string
}

variable "kms_key_arn" {
  description = "Key that encrypts the results."
  type        = string
}

variable "scan_limit_bytes" {
  description = "A query that would read more is cancelled: the bill's upper bound."
  type        = number
  default     = 1099511627776

  validation {
    condition     = var.scan_limit_bytes >= 10485760
    error_message = "Athena's smallest limit is 10485760 bytes (10 MiB)."
  }
}
