variable "name" {
  description = "Name of the pipeline; the key's alias is `alias/<name>`."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,47}$", var.name))
    error_message = "A name is lower-case letters, digits and hyphens, at most 48."
  }
}

variable "raw_bucket" {
  description = "Bucket that notifies an encrypted queue."
  type        = string
}

variable "deletion_days" {
  description = "How long a deleted key can be restored. Without it nothing in the buckets can be read."
  type        = number
  default     = 30

  validation {
    condition     = var.deletion_days >= 7 && var.deletion_days <= 30
    error_message = "deletion_days is 7 to 30."
  }
}
