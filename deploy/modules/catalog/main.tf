resource "aws_glue_catalog_database" "this" {
  name         = replace(var.name, "-", "_")
  location_uri = "s3://${var.lake_bucket}/"
}

# Its own workgroup, which clients can't override: results are encrypted and a
# careless query can't read the whole lake.
resource "aws_athena_workgroup" "this" {
  name          = var.name
  force_destroy = true # it holds history of queries, no data

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.scan_limit_bytes

    result_configuration {
      output_location = "s3://${var.lake_bucket}/_athena/"

      encryption_configuration {
        encryption_option = "SSE_KMS"
        kms_key_arn       = var.kms_key_arn
      }
    }
  }
}
