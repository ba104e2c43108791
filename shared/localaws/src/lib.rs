//! The embedded AWS endpoint: S3, SQS, SNS and STS on one port.

pub mod s3;
pub mod sink;
