variable "region" {
  description = "Region to deploy to."
  type        = string
  default     = "eu-west-1"
}

variable "plan" {
  description = "The plan: `millrace plan -o json > plan.json`."
  type        = string
  default     = "plan.json"
}

variable "image_tag" {
  description = "Tag of the image in the repository that this environment makes."
  type        = string
  default     = "0.1.0"
}

variable "network_zones" {
  description = "Availability zones of the network."
  type        = list(string)
  default     = ["eu-west-1a", "eu-west-1b"]

  validation {
    condition     = length(var.network_zones) >= 2
    error_message = "Name two availability zones or more."
  }
}

variable "alert_email" {
  description = "Who gets the alarms; null for nobody yet."
  type        = string
  default     = null
}

variable "alert_queue_arn" {
  description = "A queue that hears of alarms too; null for none."
  type        = string
  default     = null
}

variable "schedules" {
  description = "Schedules by name: an EventBridge expression, its time zone, the stage whose queue hears of it and the message."
  type = map(object({
    expression = string
    timezone   = optional(string, "UTC")
    stage      = string
    input      = string
    enabled    = optional(bool, true)
  }))
  default = {}
}

variable "protect" {
  description = "Whether what holds data refuses to be destroyed."
  type        = bool
  default     = true
}
