mock_provider "aws" {}

variables {
  name = "millrace"
}

run "images_are_immutable_scanned_and_expire" {
  command = plan

  assert {
    condition     = aws_ecr_repository.this.image_tag_mutability == "IMMUTABLE"
    error_message = "a tag must never mean another image later"
  }
  assert {
    condition     = aws_ecr_repository.this.image_scanning_configuration[0].scan_on_push
    error_message = "images are scanned when they are pushed"
  }
  assert {
    condition     = one([for r in jsondecode(aws_ecr_lifecycle_policy.this.policy).rules : r.selection.countNumber if r.selection.tagStatus == "any"]) == 20
    error_message = "twenty images are kept"
  }
}

run "one_image_is_too_few" {
  command = plan
  variables {
    keep = 1
  }
  expect_failures = [var.keep]
}
