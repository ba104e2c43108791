variable "buckets" {
  description = "The buckets: files are published to raw, curated holds Parquet and rejects."
  type        = object({ raw = string, curated = string })

  validation {
    condition     = alltrue([for name in values(var.buckets) : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", name))])
    error_message = "A bucket's name is 3 to 63 lower-case letters, digits, hyphens and dots; change it in the pipeline file."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the objects."
  type        = string
}

variable "delivery" {
  description = "How new objects reach the queue: sqs (directly) or eventbridge (where others listen too)."
  type        = string
  default     = "sqs"

  validation {
    condition     = contains(["sqs", "eventbridge"], var.delivery)
    error_message = "delivery is sqs or eventbridge."
  }
}

variable "notifications" {
  description = "Prefixes of the raw bucket and the ARN of the queue that hears of new objects, as `millrace plan` prints them."
  type        = list(object({ prefix = string, queue_arn = string }))
}

variable "rejects_days" {
  description = "How long rejected rows are kept."
  type        = number
  default     = 90

  validation {
    condition     = var.rejects_days >= 1
    error_message = "rejects_days is at least 1."
  }
}

variable "noncurrent_days" {
  description = "How long replaced and deleted versions are kept. A message in a dead-letter queue names a version, so keep it at least the 14 days a dead letter lives."
  type        = number
  default     = 30

  validation {
    condition     = var.noncurrent_days >= 15
    error_message = "Dead letters live 14 days and name a version of an object: keep versions for at least 15."
  }
}

variable "raw_archive_days" {
  description = "When raw files move to Glacier Instant Retrieval; null never moves them."
  type        = number
  default     = null
}

variable "force_destroy" {
  description = "Whether `destroy` removes buckets with all that is in them."
  type        = bool
  default     = false
}
