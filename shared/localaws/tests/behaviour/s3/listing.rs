//! Lists of objects.

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::EncodingType;

use crate::aws::Aws;

impl Aws {
    async fn bucket_with(&self, keys: &[&str]) -> String {
        let bucket = self.bucket().await;
        for key in keys {
            self.put(&bucket, key, "x").await;
        }
        bucket
    }
}

fn keys(list: &ListObjectsV2Output) -> Vec<&str> {
    list.contents().iter().filter_map(|object| object.key()).collect()
}

/// Keys are listed in UTF-8 binary order. (User Guide, Listing object keys
/// programmatically)
#[tokio::test]
async fn keys_are_in_binary_order() {
    let aws = Aws::start().await;
    let bucket = aws.bucket_with(&["b", "\u{e9}", "a/1", "B", "a-1", "a"]).await;
    let list = aws.s3.list_objects_v2().bucket(&bucket).send().await.unwrap();
    assert_eq!(keys(&list), ["B", "a", "a-1", "a/1", "b", "\u{e9}"]);
}

/// Keys that are the same up to the delimiter are one common prefix, which
/// counts as one key. (ListObjectsV2, CommonPrefixes)
#[tokio::test]
async fn a_delimiter_makes_folders() {
    let aws = Aws::start().await;
    let bucket = aws.bucket_with(&["in/a/1", "in/a/2", "in/b/1", "in/c", "out/1"]).await;
    let request = aws.s3.list_objects_v2().bucket(&bucket).prefix("in/").delimiter("/");
    let list = request.send().await.unwrap();
    let folders: Vec<_> = list.common_prefixes().iter().map(|p| p.prefix().unwrap()).collect();
    assert_eq!((folders, keys(&list)), (vec!["in/a/", "in/b/"], vec!["in/c"]));
    assert_eq!(list.key_count, Some(3));
}

/// A list goes on from its continuation token until it is not truncated, with
/// common prefixes counted against `MaxKeys`. (ListObjectsV2)
#[tokio::test]
async fn a_list_goes_on_from_its_token() {
    let aws = Aws::start().await;
    let bucket = aws.bucket_with(&["a/1", "a/2", "b", "c/1", "d"]).await;
    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let request = aws.s3.list_objects_v2().bucket(&bucket).delimiter("/").max_keys(2);
        let page = request.set_continuation_token(token).send().await.unwrap();
        let folders = page.common_prefixes().iter().map(|p| p.prefix().unwrap().to_owned());
        let mut names: Vec<_> = folders.chain(keys(&page).into_iter().map(str::to_owned)).collect();
        names.sort();
        seen.push(names);
        if page.is_truncated != Some(true) || seen.len() > 3 {
            break;
        }
        token = page.next_continuation_token;
    }
    assert_eq!(seen, [vec!["a/", "b"], vec!["c/", "d"]]);
}

/// `StartAfter` begins after a key, whether there is one or not.
/// (ListObjectsV2, StartAfter)
#[tokio::test]
async fn a_list_can_start_after_a_key() {
    let aws = Aws::start().await;
    let bucket = aws.bucket_with(&["a", "b", "d"]).await;
    for (after, rest) in [("a", vec!["b", "d"]), ("c", vec!["d"])] {
        let request = aws.s3.list_objects_v2().bucket(&bucket).start_after(after);
        assert_eq!(keys(&request.send().await.unwrap()), rest);
    }
}

/// The older list goes on from the last key of a page as its marker.
/// (ListObjects, Marker)
#[tokio::test]
async fn the_older_list_has_markers() {
    let aws = Aws::start().await;
    let bucket = aws.bucket_with(&["a", "b", "c"]).await;
    let list = |marker: Option<String>| {
        aws.s3.list_objects().bucket(&bucket).max_keys(2).set_marker(marker).send()
    };
    let first = list(None).await.unwrap();
    assert_eq!((first.contents().len(), first.is_truncated), (2, Some(true)));
    let second = list(first.contents()[1].key.clone()).await.unwrap();
    assert_eq!(second.contents()[0].key(), Some("c"));
    assert_eq!(second.is_truncated, Some(false));
}

/// With the encoding type `url` keys are listed URL-encoded. (ListObjectsV2,
/// EncodingType)
#[tokio::test]
async fn keys_can_be_listed_encoded() {
    let aws = Aws::start().await;
    let bucket = aws.bucket_with(&["a&b=\u{e9}"]).await;
    let request = aws.s3.list_objects_v2().bucket(&bucket).encoding_type(EncodingType::Url);
    let list = request.send().await.unwrap();
    assert_eq!(keys(&list), ["a%26b%3D%C3%A9"]);
}
