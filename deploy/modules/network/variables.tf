variable "name" {
  description = "Name of the network."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,47}$", var.name))
    error_message = "A name is lower-case letters, digits and hyphens, at most 48."
  }
}

variable "cidr" {
  description = "Addresses of the VPC; each zone gets a sixteenth."
  type        = string
  default     = "10.40.0.0/20"

  validation {
    condition     = can(cidrsubnet(var.cidr, 4, 15))
    error_message = "cidr is a block like 10.40.0.0/20, at least sixteen times as big as the smallest subnet (/28)."
  }
}

variable "zones" {
  description = "Availability zones; two outlive the loss of one. Each costs one address per interface endpoint."
  type        = list(string)

  validation {
    condition     = length(var.zones) >= 2 && length(var.zones) <= 6
    error_message = "Name two to six availability zones; a database needs two."
  }
}

variable "interface_endpoints" {
  description = "AWS services reached without the internet. Workers need the defaults; sns, events and glue when stages use them."
  type        = set(string)
  default     = ["ecr.api", "ecr.dkr", "logs", "sqs", "secretsmanager", "kms"]
}

variable "flow_log_kms_key_arn" {
  description = "Key that encrypts the flow log."
  type        = string
}

variable "flow_log_days" {
  description = "How long the flow log is kept."
  type        = number
  default     = 365
}
