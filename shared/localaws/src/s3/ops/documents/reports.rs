//! Inventory, analytics, metrics and tiering: configurations of which a bucket
//! can have several, each by an id. They are kept; nothing is reported.

use std::sync::Arc;

use s3s::xml::{DeserializeContent, SerializeContent};
use s3s::{S3Request, S3Result, dto};

use super::{delete, get, put};
use crate::s3::document;
use crate::s3::error;
use crate::s3::ops::{Answer, answer};
use crate::s3::store::Store;

fn name(kind: &str, id: &str) -> String {
    format!("{kind}/{id}")
}

fn find<T: for<'xml> DeserializeContent<'xml>>(
    store: &Store,
    bucket: &str,
    kind: &str,
    id: &str,
) -> S3Result<T> {
    let kept = get(store, bucket, &name(kind, id))?;
    kept.ok_or_else(|| {
        error::not_found("NoSuchConfiguration", "The specified configuration does not exist.")
    })
}

fn keep<T: SerializeContent>(
    store: &Store,
    bucket: &str,
    kind: &str,
    (id, own_id): (&str, &str),
    document: &T,
) -> S3Result<()> {
    if id != own_id {
        return Err(s3s::s3_error!(
            InvalidArgument,
            "The id of the request, `{id}`, is not that of the configuration, `{own_id}`"
        ));
    }
    put(store, bucket, &name(kind, id), document)
}

fn remove(store: &Store, bucket: &str, kind: &str, id: &str) -> S3Result<()> {
    let bucket_name = bucket;
    let known = store.bucket(bucket)?;
    let name = name(kind, id);
    match known.read(|index| index.settings.documents.text(&name).is_some()) {
        true => delete(store, bucket_name, &name),
        false => Err(error::not_found(
            "NoSuchConfiguration",
            "The specified configuration does not exist.",
        )),
    }
}

fn all<T: for<'xml> DeserializeContent<'xml>>(
    store: &Store,
    bucket: &str,
    kind: &str,
) -> S3Result<Option<Vec<T>>> {
    let bucket = store.bucket(bucket)?;
    let prefix = name(kind, "");
    let all: Vec<T> = bucket.read(|index| {
        let documents = index.settings.documents.beginning_with(&prefix);
        documents.filter_map(document::parse).collect()
    });
    Ok((!all.is_empty()).then_some(all))
}

/// The four operations on one kind of configuration.
macro_rules! reports {
    ($($kind:literal, $field:ident, $list:ident:
        $get:ident($GetInput:ident) -> $GetOutput:ident,
        $put:ident($PutInput:ident) -> $PutOutput:ident,
        $delete:ident($DeleteInput:ident) -> $DeleteOutput:ident,
        $all:ident($AllInput:ident) -> $AllOutput:ident;)*) => {$(
        #[doc = concat!("Gives one ", $kind, " configuration.")]
        pub(in crate::s3) async fn $get(
            store: &Arc<Store>,
            request: S3Request<dto::$GetInput>,
        ) -> Answer<dto::$GetOutput> {
            let input = request.input;
            let found = find(store, &input.bucket, $kind, &input.id)?;
            answer(dto::$GetOutput { $field: Some(found) })
        }

        #[doc = concat!("Sets one ", $kind, " configuration.")]
        pub(in crate::s3) async fn $put(
            store: &Arc<Store>,
            request: S3Request<dto::$PutInput>,
        ) -> Answer<dto::$PutOutput> {
            let input = request.input;
            let ids = (input.id.as_str(), input.$field.id.as_str());
            keep(store, &input.bucket, $kind, ids, &input.$field)?;
            answer(dto::$PutOutput::default())
        }

        #[doc = concat!("Removes one ", $kind, " configuration.")]
        pub(in crate::s3) async fn $delete(
            store: &Arc<Store>,
            request: S3Request<dto::$DeleteInput>,
        ) -> Answer<dto::$DeleteOutput> {
            remove(store, &request.input.bucket, $kind, &request.input.id)?;
            answer(dto::$DeleteOutput::default())
        }

        #[doc = concat!("Gives every ", $kind, " configuration.")]
        pub(in crate::s3) async fn $all(
            store: &Arc<Store>,
            request: S3Request<dto::$AllInput>,
        ) -> Answer<dto::$AllOutput> {
            let $list = all(store, &request.input.bucket, $kind)?;
            answer(dto::$AllOutput { $list, is_truncated: Some(false), ..Default::default() })
        }
    )*};
}

reports! {
    "inventory", inventory_configuration, inventory_configuration_list:
        get_inventory(GetBucketInventoryConfigurationInput)
            -> GetBucketInventoryConfigurationOutput,
        put_inventory(PutBucketInventoryConfigurationInput)
            -> PutBucketInventoryConfigurationOutput,
        delete_inventory(DeleteBucketInventoryConfigurationInput)
            -> DeleteBucketInventoryConfigurationOutput,
        list_inventories(ListBucketInventoryConfigurationsInput)
            -> ListBucketInventoryConfigurationsOutput;
    "analytics", analytics_configuration, analytics_configuration_list:
        get_analytics(GetBucketAnalyticsConfigurationInput)
            -> GetBucketAnalyticsConfigurationOutput,
        put_analytics(PutBucketAnalyticsConfigurationInput)
            -> PutBucketAnalyticsConfigurationOutput,
        delete_analytics(DeleteBucketAnalyticsConfigurationInput)
            -> DeleteBucketAnalyticsConfigurationOutput,
        list_analytics(ListBucketAnalyticsConfigurationsInput)
            -> ListBucketAnalyticsConfigurationsOutput;
    "metrics", metrics_configuration, metrics_configuration_list:
        get_metrics(GetBucketMetricsConfigurationInput) -> GetBucketMetricsConfigurationOutput,
        put_metrics(PutBucketMetricsConfigurationInput) -> PutBucketMetricsConfigurationOutput,
        delete_metrics(DeleteBucketMetricsConfigurationInput)
            -> DeleteBucketMetricsConfigurationOutput,
        list_metrics(ListBucketMetricsConfigurationsInput) -> ListBucketMetricsConfigurationsOutput;
    "intelligent-tiering", intelligent_tiering_configuration,
    intelligent_tiering_configuration_list:
        get_tiering(GetBucketIntelligentTieringConfigurationInput)
            -> GetBucketIntelligentTieringConfigurationOutput,
        put_tiering(PutBucketIntelligentTieringConfigurationInput)
            -> PutBucketIntelligentTieringConfigurationOutput,
        delete_tiering(DeleteBucketIntelligentTieringConfigurationInput)
            -> DeleteBucketIntelligentTieringConfigurationOutput,
        list_tierings(ListBucketIntelligentTieringConfigurationsInput)
            -> ListBucketIntelligentTieringConfigurationsOutput;
}
