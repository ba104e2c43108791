mock_provider "aws" {}

variables {
  name        = "my-finance"
  lake_bucket = "finance-lake"
  kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-1111-1111-1111-111111111111"
}

run "queries_are_bounded_and_their_results_encrypted" {
  command = plan

  assert {
    condition     = aws_glue_catalog_database.this.name == "my_finance"
    error_message = "hyphens would have to be quoted in SQL"
  }
  assert {
    condition     = aws_athena_workgroup.this.configuration[0].enforce_workgroup_configuration
    error_message = "clients can't override the workgroup"
  }
  assert {
    condition     = aws_athena_workgroup.this.configuration[0].result_configuration[0].encryption_configuration[0].encryption_option == "SSE_KMS"
    error_message = "results are encrypted by the pipeline's key"
  }
  assert {
    condition     = aws_athena_workgroup.this.configuration[0].bytes_scanned_cutoff_per_query == 1099511627776
    error_message = "one TiB is the most a query reads"
  }
}
