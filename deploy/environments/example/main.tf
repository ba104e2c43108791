# The whole of a pipeline. Take out a module and pass in your own network,
# database, key or repository instead.

locals {
  plan = jsondecode(file("${path.module}/${var.plan}"))
}

module "key" {
  source = "../../modules/key"

  name       = local.plan.pipeline
  raw_bucket = local.plan.buckets[0].name
}

module "registry" {
  source = "../../modules/registry"

  name         = "millrace/${local.plan.pipeline}"
  kms_key_arn  = module.key.arn
  force_delete = !var.protect
}

module "network" {
  source = "../../modules/network"

  name                 = local.plan.pipeline
  zones                = var.network_zones
  flow_log_kms_key_arn = module.key.arn
}

module "warehouse" {
  source = "../../modules/warehouse"

  name                      = local.plan.pipeline
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.subnet_ids
  client_security_group_ids = { workers = module.network.workers_security_group_id }
  kms_key_arn               = module.key.arn
  alarm_actions             = [module.pipeline.topic_arn]
  deletion_protection       = var.protect
}

module "catalog" {
  source = "../../modules/catalog"

  name        = local.plan.pipeline
  lake_bucket = local.plan.buckets[1].name
  kms_key_arn = module.key.arn
}

module "pipeline" {
  source = "../../modules/pipeline"

  plan           = local.plan
  image          = "${module.registry.url}:${var.image_tag}"
  repository_arn = module.registry.arn
  kms_key_arn    = module.key.arn
  network = {
    subnet_ids         = module.network.subnet_ids
    security_group_ids = [module.network.workers_security_group_id]
  }
  environment          = module.warehouse.environment
  secrets              = module.warehouse.secrets
  secrets_kms_key_arns = [module.key.arn]
  database_identifier  = module.warehouse.identifier
  force_destroy        = !var.protect

  # Measured times of a message belong here: `duration_ms` in the logs.
  stages = {
    ingest    = { cpu = 256, scaling = { latency_seconds = 60, seconds_per_message = 0.05 } }
    transform = { cpu = 1024, spot_weight = 70, scaling = { latency_seconds = 300, seconds_per_message = 6 } }
    load      = { cpu = 512, scaling = { latency_seconds = 300, seconds_per_message = 2 } }
  }

  schedules = var.schedules

  alert_subscriptions = merge(
    var.alert_email == null ? {} : { email = { protocol = "email", endpoint = var.alert_email } },
    var.alert_queue_arn == null ? {} : { queue = { protocol = "sqs", endpoint = var.alert_queue_arn } },
  )
}
