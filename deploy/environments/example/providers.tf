provider "aws" {
  region = var.region

  default_tags {
    tags = { pipeline = local.plan.pipeline, managed-by = "terraform" }
  }
}
