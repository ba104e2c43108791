variable "name" {
  description = "Name of the pipeline; the topic is `<name>-alerts`."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,47}$", var.name))
    error_message = "A name is lower-case letters, digits and hyphens, at most 48."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the topic; its policy lets CloudWatch and EventBridge use it."
  type        = string
}

variable "subscriptions" {
  description = "Who hears of alerts, by a name of your choice. Email subscribers confirm by a link."
  type        = map(object({ protocol = string, endpoint = string }))
  default     = {}

  validation {
    condition     = alltrue([for s in values(var.subscriptions) : contains(["email", "email-json", "https", "lambda", "sms", "sqs"], s.protocol)])
    error_message = "A protocol is email, email-json, https, lambda, sms or sqs; plain http is not encrypted."
  }
}

variable "rule_arns" {
  description = "EventBridge rules that publish to the topic."
  type        = list(string)
  default     = []
}
