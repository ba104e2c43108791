variable "name" {
  description = "Name of the repository."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]+([._/-][a-z0-9]+)*$", var.name))
    error_message = "A repository's name is lower-case letters, digits and single . _ / - between them."
  }
}

variable "keep" {
  description = "Images kept for a rollback; older ones expire."
  type        = number
  default     = 20

  validation {
    condition     = var.keep >= 2
    error_message = "Keep at least two images, or there is none to roll back to."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the images; null takes the account's key for ECR."
  type        = string
  default     = null
}

variable "force_delete" {
  description = "Whether `destroy` removes a repository that still holds images."
  type        = bool
  default     = false
}
