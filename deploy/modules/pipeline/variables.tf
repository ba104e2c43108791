variable "plan" {
  description = "What follows from the pipeline file: `millrace plan -o json`, decoded."
  type = object({
    pipeline = string
    buckets  = list(object({ name = string, purpose = string }))
    queues = list(object({
      stage                         = string
      name                          = string
      dead_letter_queue             = string
      visibility_seconds            = number
      retention_seconds             = number
      dead_letter_retention_seconds = number
      max_receive_count             = number
    }))
    notifications = list(object({ bucket = string, prefix = string, queue = string }))
    services = list(object({
      stage       = string
      name        = string
      workers     = number
      max_workers = number
      concurrency = number
      memory      = number
      variables   = list(string)
      sends_to    = list(string)
      reads       = list(object({ bucket = string, prefix = string }))
      writes      = list(object({ bucket = string, prefix = string }))

      deletes        = optional(list(object({ bucket = string, prefix = string })), [])
      publishes_to   = optional(list(string), [])
      puts_events_to = optional(list(string), [])
      secrets        = optional(list(string), [])
      tables         = optional(object({ database = string, names = list(string) }))
    }))
    alerts = optional(object({
      topic         = string
      subscriptions = optional(list(object({ protocol = string, endpoint = string })), [])
    }))
    events = optional(object({ bus = string }))
    datasets = optional(list(object({
      name           = string
      raw_prefix     = string
      lake_prefix    = string
      rejects_prefix = string
    })), [])
    schedules = optional(list(object({
      name       = string
      stage      = string
      queue      = string
      expression = string
      timezone   = string
      input      = string
    })), [])
  })

  validation {
    condition     = length(var.plan.buckets) == 2
    error_message = "The plan has two buckets, the raw one first; write it anew with `millrace plan -o json`."
  }
  validation {
    condition     = toset([for q in var.plan.queues : q.stage]) == toset([for s in var.plan.services : s.stage])
    error_message = "Every stage has one queue and one service; write the plan anew with `millrace plan -o json`."
  }
  validation {
    condition     = alltrue([for n in var.plan.notifications : contains([for q in var.plan.queues : q.name], n.queue)])
    error_message = "A notification names a queue that isn't in the plan; write it anew with `millrace plan -o json`."
  }
  validation {
    condition     = alltrue([for s in var.plan.schedules : contains([for q in var.plan.queues : q.stage], s.stage)])
    error_message = "A schedule names a stage that isn't in the plan; write it anew with `millrace plan -o json`."
  }
}

variable "image" {
  description = "The image with its tag or digest; it holds the pipeline file."
  type        = string
}

variable "repository_arn" {
  description = "ECR repository of the image; null for a public registry."
  type        = string
  default     = null
}

variable "kms_key_arn" {
  description = "The pipeline's key (module `key`)."
  type        = string
}

variable "network" {
  description = "Private subnets and security groups of the workers: from module `network`, or your own. Workers need S3, SQS, logs, ECR, KMS, Secrets Manager and the database."
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
}

variable "environment" {
  description = "Environment variables of every worker: the URL of the database, from module `warehouse` or your own. Nothing secret."
  type        = map(string)
  default     = {}
}

variable "secrets" {
  description = "Environment variables from Secrets Manager, name to ARN: the database's password, or a URL that holds one."
  type        = map(string)
  default     = {}
}

variable "secrets_kms_key_arns" {
  description = "Keys that encrypt the secrets."
  type        = list(string)
  default     = []
}

variable "stages" {
  description = "By stage, what the plan doesn't know: CPU, Spot and what scaling starts from. A stage left out has the defaults of module `stage`."
  type = map(object({
    cpu         = optional(number, 512)
    spot_weight = optional(number, 0)
    scaling = optional(object({
      latency_seconds     = optional(number, 300)
      seconds_per_message = optional(number, 2)
      min                 = optional(number)
      max                 = optional(number)
      scale_in_seconds    = optional(number, 300)
      scale_out_seconds   = optional(number, 60)
    }), {})
  }))
  default = {}
}

variable "architecture" {
  description = "ARM64 or X86_64; the image has to have it."
  type        = string
  default     = "ARM64"
}

variable "health_check" {
  description = "The containers' health check, as a command; null has none."
  type        = list(string)
  default     = ["CMD", "/usr/local/bin/millrace", "healthcheck"]
}

variable "delivery" {
  description = "How new objects reach ingest: sqs or eventbridge."
  type        = string
  default     = "sqs"
}

variable "schedules" {
  description = "Schedules beside those of the plan, or in place of one of the same name: an expression, its time zone, the stage whose queue hears of it and the message."
  type = map(object({
    expression = string
    timezone   = optional(string, "UTC")
    stage      = string
    input      = string
    enabled    = optional(bool, true)
  }))
  default = {}
}

variable "alert_subscriptions" {
  description = "Who hears of alarms, by a name of your choice."
  type        = map(object({ protocol = string, endpoint = string }))
  default     = {}
}

variable "database_identifier" {
  description = "RDS instance to show on the dashboard; null shows none."
  type        = string
  default     = null
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 365
}

variable "force_destroy" {
  description = "Whether `destroy` removes buckets with all that is in them."
  type        = bool
  default     = false
}
