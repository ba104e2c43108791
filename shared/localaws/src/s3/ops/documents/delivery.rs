//! How a bucket's objects are delivered and paid for: website, logging, request
//! payment, acceleration. All of them are kept and change nothing here.

use std::sync::Arc;

use s3s::dto::{
    AccelerateConfiguration, BucketAccelerateStatus, BucketLoggingStatus, DeleteBucketWebsiteInput,
    DeleteBucketWebsiteOutput, GetBucketAccelerateConfigurationInput,
    GetBucketAccelerateConfigurationOutput, GetBucketLoggingInput, GetBucketLoggingOutput,
    GetBucketRequestPaymentInput, GetBucketRequestPaymentOutput, GetBucketWebsiteInput,
    GetBucketWebsiteOutput, Payer, PutBucketAccelerateConfigurationInput,
    PutBucketAccelerateConfigurationOutput, PutBucketLoggingInput, PutBucketLoggingOutput,
    PutBucketRequestPaymentInput, PutBucketRequestPaymentOutput, PutBucketWebsiteInput,
    PutBucketWebsiteOutput, RequestPaymentConfiguration, WebsiteConfiguration,
};
use s3s::{S3Request, s3_error};

use super::{delete, get, put};
use crate::s3::document::{ACCELERATE, LOGGING, REQUEST_PAYMENT, WEBSITE};
use crate::s3::error;
use crate::s3::ops::{Answer, answer};
use crate::s3::store::Store;

/// Gives the website.
pub(in crate::s3) async fn get_website(
    store: &Arc<Store>,
    request: S3Request<GetBucketWebsiteInput>,
) -> Answer<GetBucketWebsiteOutput> {
    let kept: Option<WebsiteConfiguration> = get(store, &request.input.bucket, WEBSITE)?;
    let kept = kept.ok_or_else(|| {
        s3_error!(
            NoSuchWebsiteConfiguration,
            "The specified bucket does not have a website configuration"
        )
    })?;
    answer(GetBucketWebsiteOutput {
        error_document: kept.error_document,
        index_document: kept.index_document,
        redirect_all_requests_to: kept.redirect_all_requests_to,
        routing_rules: kept.routing_rules,
    })
}

/// Sets the website.
pub(in crate::s3) async fn put_website(
    store: &Arc<Store>,
    request: S3Request<PutBucketWebsiteInput>,
) -> Answer<PutBucketWebsiteOutput> {
    let input = request.input;
    let website = input.website_configuration;
    match (&website.index_document, &website.redirect_all_requests_to) {
        (Some(_), None) | (None, Some(_)) => {}
        (Some(_), Some(_)) | (None, None) => return Err(error::malformed_xml()),
    }
    put(store, &input.bucket, WEBSITE, &website)?;
    answer(PutBucketWebsiteOutput::default())
}

/// Removes the website.
pub(in crate::s3) async fn delete_website(
    store: &Arc<Store>,
    request: S3Request<DeleteBucketWebsiteInput>,
) -> Answer<DeleteBucketWebsiteOutput> {
    delete(store, &request.input.bucket, WEBSITE)?;
    answer(DeleteBucketWebsiteOutput::default())
}

/// Gives where access is logged.
pub(in crate::s3) async fn get_logging(
    store: &Arc<Store>,
    request: S3Request<GetBucketLoggingInput>,
) -> Answer<GetBucketLoggingOutput> {
    let kept: Option<BucketLoggingStatus> = get(store, &request.input.bucket, LOGGING)?;
    answer(GetBucketLoggingOutput { logging_enabled: kept.and_then(|kept| kept.logging_enabled) })
}

/// Sets where access is logged; the bucket to log to must be there.
pub(in crate::s3) async fn put_logging(
    store: &Arc<Store>,
    request: S3Request<PutBucketLoggingInput>,
) -> Answer<PutBucketLoggingOutput> {
    let input = request.input;
    store.bucket(&input.bucket)?;
    let status = input.bucket_logging_status;
    if let Some(logging) = &status.logging_enabled
        && store.bucket(&logging.target_bucket).is_err()
    {
        return Err(s3_error!(
            InvalidTargetBucketForLogging,
            "The target bucket for logging does not exist"
        ));
    }
    put(store, &input.bucket, LOGGING, &status)?;
    answer(PutBucketLoggingOutput::default())
}

/// Gives who pays for requests: the owner, unless it was set.
pub(in crate::s3) async fn get_request_payment(
    store: &Arc<Store>,
    request: S3Request<GetBucketRequestPaymentInput>,
) -> Answer<GetBucketRequestPaymentOutput> {
    let kept: Option<RequestPaymentConfiguration> =
        get(store, &request.input.bucket, REQUEST_PAYMENT)?;
    let payer = kept.map_or_else(|| Payer::from_static(Payer::BUCKET_OWNER), |kept| kept.payer);
    answer(GetBucketRequestPaymentOutput { payer: Some(payer) })
}

/// Sets who pays for requests.
pub(in crate::s3) async fn put_request_payment(
    store: &Arc<Store>,
    request: S3Request<PutBucketRequestPaymentInput>,
) -> Answer<PutBucketRequestPaymentOutput> {
    let input = request.input;
    let payment = input.request_payment_configuration;
    if ![Payer::BUCKET_OWNER, Payer::REQUESTER].contains(&payment.payer.as_str()) {
        return Err(error::malformed_xml());
    }
    put(store, &input.bucket, REQUEST_PAYMENT, &payment)?;
    answer(PutBucketRequestPaymentOutput::default())
}

/// Gives whether transfers are accelerated.
pub(in crate::s3) async fn get_accelerate(
    store: &Arc<Store>,
    request: S3Request<GetBucketAccelerateConfigurationInput>,
) -> Answer<GetBucketAccelerateConfigurationOutput> {
    let kept: Option<AccelerateConfiguration> = get(store, &request.input.bucket, ACCELERATE)?;
    answer(GetBucketAccelerateConfigurationOutput {
        status: kept.and_then(|kept| kept.status),
        ..Default::default()
    })
}

/// Sets whether transfers are accelerated.
pub(in crate::s3) async fn put_accelerate(
    store: &Arc<Store>,
    request: S3Request<PutBucketAccelerateConfigurationInput>,
) -> Answer<PutBucketAccelerateConfigurationOutput> {
    let input = request.input;
    let known = [BucketAccelerateStatus::ENABLED, BucketAccelerateStatus::SUSPENDED];
    let status = input.accelerate_configuration.status.as_ref();
    if !status.is_some_and(|status| known.contains(&status.as_str())) {
        return Err(error::malformed_xml());
    }
    if input.bucket.contains('.') {
        return Err(s3_error!(
            InvalidRequest,
            "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names"
        ));
    }
    put(store, &input.bucket, ACCELERATE, &input.accelerate_configuration)?;
    answer(PutBucketAccelerateConfigurationOutput::default())
}
