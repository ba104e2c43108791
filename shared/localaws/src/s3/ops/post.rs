//! `POST Object`: a browser's form upload.

use std::sync::Arc;

use hyper::header::{ETAG, HeaderMap, HeaderName, HeaderValue, LOCATION};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode, Uri};
use s3s::dto::{
    ObjectCannedACL, PutObjectInput, PutObjectOutput, ServerSideEncryption, StorageClass,
    StreamingBlob, Tagging, Timestamp, TimestampFormat,
};
use s3s::xml::{Deserialize, Deserializer};
use s3s::{Body, S3Error, S3Request, S3Result, s3_error};

use super::put::put_object;
use crate::s3::error;
use crate::s3::form::{Form, FormError};
use crate::s3::incoming::RequestBody;
use crate::s3::permit;
use crate::s3::store::Store;
use crate::s3::wire::RequestId;

const MAX_KEY: usize = 1024;

/// Stores the file of a form, and answers as the form wishes.
///
/// # Errors
/// If it is not a form, its policy forbids it, or it can't be stored.
pub(in crate::s3) async fn post_object(
    store: &Arc<Store>,
    parts: &Parts,
    bucket: &str,
    boundary: &str,
    body: RequestBody,
    id: RequestId,
) -> S3Result<Response<Body>> {
    store.bucket(bucket)?;
    let mut form = Form::read(body, boundary).await.map_err(refusal)?;
    if let Some((least, most)) = permit::check(&form, bucket, store.sequence.now())? {
        form.file.limit(least, most);
    }
    let wish = Wish::of(&form);
    let input = input(bucket, form)?;
    let key = input.key.clone();
    let mut request = S3Request {
        input,
        method: Method::POST,
        uri: parts.uri.clone(),
        headers: HeaderMap::new(),
        extensions: Default::default(),
        credentials: None,
        region: None,
        service: None,
        trailing_headers: None,
    };
    request.extensions.insert(id);
    let stored = put_object(store, request).await?.output;
    let host = parts.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let path = parts.uri.path().trim_end_matches('/');
    let location = format!("http://{host}{path}/{}", encoded(&key));
    wish.answer(&stored, bucket, &key, &location)
}

/// What goes wrong while a form is read, as S3 words it.
pub(in crate::s3) fn refusal(error: FormError) -> S3Error {
    match error {
        FormError::Malformed => s3_error!(
            MalformedPOSTRequest,
            "The body of your POST request is not well-formed multipart/form-data."
        ),
        FormError::FieldsTooLong => s3_error!(
            MaxPostPreDataLengthExceededError,
            "Your POST request fields preceding the upload file were too large."
        ),
        FormError::NoFile => {
            s3_error!(InvalidArgument, "POST requires exactly one file upload per request.")
        }
        FormError::FileTooLong => {
            s3_error!(EntityTooLarge, "Your proposed upload exceeds the maximum allowed size")
        }
        FormError::FileTooShort => s3_error!(
            EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size"
        ),
    }
}

/// The form as if it were a `PutObject`.
fn input(bucket: &str, form: Form) -> S3Result<PutObjectInput> {
    let Form { fields, filename, file } = form;
    let mut input = PutObjectInput { bucket: bucket.to_owned(), ..Default::default() };
    let mut key = None;
    for (name, value) in fields {
        match name.as_str() {
            "key" => key = Some(value),
            "acl" => input.acl = Some(ObjectCannedACL::from(value)),
            "content-type" => input.content_type = Some(value),
            "cache-control" => input.cache_control = Some(value),
            "content-disposition" => input.content_disposition = Some(value),
            "content-encoding" => input.content_encoding = Some(value),
            "expires" => {
                input.expires = Timestamp::parse(TimestampFormat::HttpDate, &value).ok();
            }
            "tagging" => input.tagging = Some(tagging(&value)?),
            "x-amz-storage-class" => input.storage_class = Some(StorageClass::from(value)),
            "x-amz-website-redirect-location" => input.website_redirect_location = Some(value),
            "x-amz-server-side-encryption" => {
                input.server_side_encryption = Some(ServerSideEncryption::from(value));
            }
            "x-amz-server-side-encryption-aws-kms-key-id" => input.ssekms_key_id = Some(value),
            "x-amz-checksum-crc32" => input.checksum_crc32 = Some(value),
            "x-amz-checksum-crc32c" => input.checksum_crc32c = Some(value),
            "x-amz-checksum-crc64nvme" => input.checksum_crc64nvme = Some(value),
            "x-amz-checksum-sha1" => input.checksum_sha1 = Some(value),
            "x-amz-checksum-sha256" => input.checksum_sha256 = Some(value),
            _ => {
                if let Some(name) = name.strip_prefix("x-amz-meta-") {
                    input.metadata.get_or_insert_default().insert(name.to_owned(), value);
                }
            }
        }
    }
    let key = key.ok_or_else(|| {
        s3_error!(
            InvalidArgument,
            "Bucket POST must contain a field named 'key'.  If it is \
            specified, please check the order of the fields."
        )
    })?;
    input.key = key.replace("${filename}", filename.as_deref().unwrap_or_default());
    if input.key.len() > MAX_KEY {
        return Err(s3_error!(KeyTooLongError, "Your key is too long"));
    }
    if input.key.is_empty() {
        return Err(s3_error!(InvalidArgument, "User key must have a length greater than 0."));
    }
    input.body = Some(StreamingBlob::new(file));
    Ok(input)
}

/// Tags are a document in a form, and a query string in a header.
fn tagging(xml: &str) -> S3Result<String> {
    let tagging = Tagging::deserialize(&mut Deserializer::new(xml.as_bytes()));
    let tagging = tagging.map_err(|_| error::malformed_xml())?;
    let mut header = form_urlencoded::Serializer::new(String::new());
    for tag in tagging.tag_set {
        header.append_pair(&tag.key.unwrap_or_default(), &tag.value.unwrap_or_default());
    }
    Ok(header.finish())
}

/// How the form wants to be answered.
struct Wish {
    redirect: Option<String>,
    status: StatusCode,
}

impl Wish {
    fn of(form: &Form) -> Self {
        let redirect = form.field("success_action_redirect").or_else(|| form.field("redirect"));
        let redirect =
            redirect.filter(|url| url.parse::<Uri>().is_ok_and(|url| url.host().is_some()));
        let status = match form.field("success_action_status") {
            Some("200") => StatusCode::OK,
            Some("201") => StatusCode::CREATED,
            Some(_) | None => StatusCode::NO_CONTENT,
        };
        Self { redirect: redirect.map(str::to_owned), status }
    }

    fn answer(
        self,
        stored: &PutObjectOutput,
        bucket: &str,
        key: &str,
        location: &str,
    ) -> S3Result<Response<Body>> {
        let etag = stored.e_tag.as_ref().map(|tag| format!("\"{}\"", tag.value()));
        let etag = etag.unwrap_or_default();
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        set(headers, ETAG, &etag);
        set(headers, LOCATION, location);
        if let Some(version) = &stored.version_id {
            set(headers, HeaderName::from_static("x-amz-version-id"), version);
        }
        if let Some(encryption) = &stored.server_side_encryption {
            let name = HeaderName::from_static("x-amz-server-side-encryption");
            set(headers, name, encryption.as_str());
        }
        if let Some(url) = self.redirect {
            let told = [("bucket", bucket), ("key", key), ("etag", &etag)];
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(told).finish();
            let separator = if url.contains('?') { '&' } else { '?' };
            set(headers, LOCATION, &format!("{url}{separator}{query}"));
            *response.status_mut() = StatusCode::SEE_OTHER;
            return Ok(response);
        }
        *response.status_mut() = self.status;
        if self.status == StatusCode::CREATED {
            set(response.headers_mut(), hyper::header::CONTENT_TYPE, "application/xml");
            *response.body_mut() = Body::from(created(location, bucket, key, &etag)?);
        }
        Ok(response)
    }
}

fn created(location: &str, bucket: &str, key: &str, etag: &str) -> S3Result<String> {
    let mut xml = Vec::new();
    let mut document = s3s::xml::Serializer::new(&mut xml);
    let written = document.decl().and_then(|()| {
        document.element("PostResponse", |document| {
            document.content("Location", location)?;
            document.content("Bucket", bucket)?;
            document.content("Key", key)?;
            document.content("ETag", etag)
        })
    });
    written.map_err(S3Error::internal_error)?;
    String::from_utf8(xml).map_err(S3Error::internal_error)
}

/// A key as a URL carries it.
fn encoded(key: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(key.as_bytes()).collect();
    encoded.replace('+', "%20").replace("%2F", "/")
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}
