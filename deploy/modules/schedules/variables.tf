variable "name" {
  description = "Name of the pipeline: the schedules' group and their role."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,47}$", var.name))
    error_message = "A name is lower-case letters, digits and hyphens, at most 48."
  }
}

variable "schedules" {
  description = "Schedules by name: an EventBridge expression, its time zone, the queue that hears of it, the one for what could not be delivered after a day of attempts, and the message."
  type = map(object({
    expression            = string
    timezone              = optional(string, "UTC")
    queue_arn             = string
    dead_letter_queue_arn = string
    input                 = string
    enabled               = optional(bool, true)
  }))

  validation {
    condition     = alltrue([for s in values(var.schedules) : can(regex("^(rate|cron|at)\\(.+\\)$", s.expression))])
    error_message = "An expression is rate(…), cron(…) or at(…)."
  }
}

variable "kms_key_arn" {
  description = "Key of the queues."
  type        = string
}
