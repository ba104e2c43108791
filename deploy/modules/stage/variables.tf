variable "pipeline" {
  description = "Name of the pipeline."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,47}$", var.pipeline))
    error_message = "A name is lower-case letters, digits and hyphens, at most 48."
  }
}

variable "queue" {
  description = "The stage's queue, as `millrace plan -o json` prints it under `queues`."
  type = object({
    stage                         = string
    name                          = string
    dead_letter_queue             = string
    visibility_seconds            = number
    retention_seconds             = number
    dead_letter_retention_seconds = number
    max_receive_count             = number
  })

  validation {
    condition     = var.queue.dead_letter_retention_seconds > var.queue.retention_seconds
    error_message = "A message keeps its age when it is dead-lettered, so the dead-letter queue has to keep it longer than the queue."
  }
  validation {
    condition     = var.queue.visibility_seconds >= 0 && var.queue.visibility_seconds <= 43200
    error_message = "SQS hides a message for at most 43200 seconds (12 hours)."
  }
}

variable "service" {
  description = "The stage's service, as `millrace plan -o json` prints it under `services`."
  type = object({
    stage       = string
    name        = string
    workers     = number
    max_workers = number
    concurrency = number
    memory      = number
    sends_to    = optional(list(string), [])
    reads       = optional(list(object({ bucket = string, prefix = string })), [])
    writes      = optional(list(object({ bucket = string, prefix = string })), [])

    deletes        = optional(list(object({ bucket = string, prefix = string })), [])
    publishes_to   = optional(list(string), [])
    puts_events_to = optional(list(string), [])
    secrets        = optional(list(string), [])
    tables         = optional(object({ database = string, names = list(string) }))
  })
}

variable "raw_bucket" {
  description = "The bucket that files are published to; its objects are read by version."
  type        = string
}

variable "scaling" {
  description = "What the scaling arithmetic starts from: how long a message may wait, how long one takes (measure it: duration_ms in the logs), and the bounds. min and max replace the plan's workers and max_workers."
  type = object({
    latency_seconds     = optional(number, 300)
    seconds_per_message = optional(number, 2)
    min                 = optional(number)
    max                 = optional(number)
    scale_in_seconds    = optional(number, 300)
    scale_out_seconds   = optional(number, 60)
  })
  default = {}

  validation {
    condition     = var.scaling.latency_seconds > 0 && var.scaling.seconds_per_message > 0
    error_message = "latency_seconds and seconds_per_message are more than 0."
  }
  validation {
    condition     = var.scaling.latency_seconds >= var.scaling.seconds_per_message
    error_message = "No number of workers makes a message wait less than it takes: raise latency_seconds."
  }
}

variable "cpu" {
  description = "CPU units of a task: 256, 512, 1024, 2048 or 4096. Memory follows from the plan, raised to what Fargate offers."
  type        = number
  default     = 512

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096], var.cpu)
    error_message = "cpu is 256, 512, 1024, 2048 or 4096."
  }
}

variable "architecture" {
  description = "ARM64 (a fifth cheaper) or X86_64; the image has to have it."
  type        = string
  default     = "ARM64"

  validation {
    condition     = contains(["ARM64", "X86_64"], var.architecture)
    error_message = "architecture is ARM64 or X86_64."
  }
}

variable "spot_weight" {
  description = "Of 100 tasks beyond the first, how many run on Fargate Spot. A reclaimed task gets SIGTERM two minutes before and hands its messages back."
  type        = number
  default     = 0

  validation {
    condition     = var.spot_weight >= 0 && var.spot_weight <= 100
    error_message = "spot_weight is 0 to 100."
  }
}

variable "image" {
  description = "The image with its tag or digest."
  type        = string

  validation {
    condition     = can(regex("(@sha256:[0-9a-f]{64}|:[^:/]+)$", var.image)) && !endswith(var.image, ":latest")
    error_message = "Name the image by digest or by a tag other than latest, or a rollback brings back nothing."
  }
}

variable "repository_arn" {
  description = "ECR repository of the image, which the execution role pulls from; null for a public registry."
  type        = string
  default     = null
}

variable "environment" {
  description = "Environment variables of the workers. Nothing secret."
  type        = map(string)
  default     = {}
}

variable "secrets" {
  description = "Environment variables from Secrets Manager: name to ARN, with `:key::` behind it for a field of a JSON secret."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for arn in values(var.secrets) : can(regex("^arn:[^:]+:secretsmanager:", arn))])
    error_message = "A secret is given by its Secrets Manager ARN, never by its value."
  }
}

variable "secrets_kms_key_arns" {
  description = "Keys that encrypt the secrets, where it isn't the account's default."
  type        = list(string)
  default     = []
}

variable "health_check" {
  description = "The container's health check, as a command; null has none. A worker that cannot go on ends by itself, and one that stands still fails this check: ECS replaces both."
  type        = list(string)
  default     = ["CMD", "/usr/local/bin/millrace", "healthcheck"]
}

variable "cluster" {
  description = "The ECS cluster."
  type        = object({ arn = string, name = string })
}

variable "network" {
  description = "Private subnets the tasks run in, and their security groups."
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })

  validation {
    condition     = length(var.network.subnet_ids) > 0
    error_message = "Name at least one subnet; two in different zones outlive the loss of a zone."
  }
}

variable "kms_key_arn" {
  description = "Key of queues, buckets and logs."
  type        = string
}

variable "announcers" {
  description = "What may send to the queue beside the pipeline's workers: a service principal and the ARNs it sends for."
  type        = list(object({ service = string, source_arns = list(string) }))
  default     = []

  validation {
    condition     = alltrue([for a in var.announcers : endswith(a.service, ".amazonaws.com") && length(a.source_arns) > 0])
    error_message = "An announcer is a service principal with at least one source ARN."
  }
}

variable "alarm_actions" {
  description = "Where alarms go: SNS topics."
  type        = list(string)
  default     = []
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 365

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, … days."
  }
}

variable "stop_seconds" {
  description = "How long a task may take to stop after SIGTERM. A worker takes at most 25 seconds to hand back what it holds."
  type        = number
  default     = 60

  validation {
    condition     = var.stop_seconds >= 30 && var.stop_seconds <= 120
    error_message = "30 to 120 seconds: workers need 25, Fargate gives 120."
  }
}
