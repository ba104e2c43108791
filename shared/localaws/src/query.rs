//! The AWS Query protocol: a form in, an XML document out.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Bound;

use hyper::Response;
use quick_xml::escape::escape;
use s3s::Body;

use crate::answer::{self, random_id};

/// The parameters of a request.
#[derive(Debug, Default)]
pub(crate) struct Form(BTreeMap<String, String>);

/// The parameters under one prefix, as in `Tags.member.1`.
#[derive(Debug, Clone)]
pub(crate) struct Group<'a> {
    form: &'a Form,
    prefix: String,
}

impl Form {
    /// Reads the parameters of the query string and the body.
    pub(crate) fn parse(query: &str, body: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(body));
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The operation.
    pub(crate) fn action(&self) -> &str {
        self.get("Action").unwrap_or_default()
    }

    /// A parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All parameters by ascending name.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The members of a list, as in `list("Tags.member")`.
    pub(crate) fn list(&self, name: &str) -> impl Iterator<Item = Group<'_>> {
        (1..).map_while(move |number| self.group(format!("{name}.{number}")))
    }

    /// The entries of a map, as in `map("Attributes.entry", "key", "value")`.
    pub(crate) fn map(&self, name: &str, key: &str, value: &str) -> BTreeMap<String, String> {
        let entry = |entry: Group<'_>| {
            let pair = (entry.get(key)?.to_owned(), entry.get(value)?.to_owned());
            Some(pair)
        };
        self.list(name).filter_map(entry).collect()
    }

    fn group(&self, prefix: String) -> Option<Group<'_>> {
        let from = (Bound::Included(prefix.as_str()), Bound::Unbounded);
        let (first, _) = self.0.range::<str, _>(from).next()?;
        let rest = first.strip_prefix(&prefix)?;
        (rest.is_empty() || rest.starts_with('.')).then_some(Group { form: self, prefix })
    }
}

impl<'a> Group<'a> {
    /// The parameter that is the prefix itself, of a list of plain values.
    pub(crate) fn value(&self) -> Option<&'a str> {
        self.form.get(&self.prefix)
    }

    /// A parameter in the group.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.form.get(&format!("{}.{name}", self.prefix))
    }

    /// The members of a list in the group.
    pub(crate) fn list(&self, name: &str) -> impl Iterator<Item = Group<'a>> {
        let (form, name) = (self.form, format!("{}.{name}", self.prefix));
        (1..).map_while(move |number| form.group(format!("{name}.{number}")))
    }
}

/// The XML namespace of a service's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Namespace(&'static str);

impl Namespace {
    /// SNS.
    pub(crate) const SNS: Self = Self("http://sns.amazonaws.com/doc/2010-03-31/");
    /// CloudWatch.
    pub(crate) const CLOUDWATCH: Self = Self("http://monitoring.amazonaws.com/doc/2010-08-01/");
    /// STS.
    pub(crate) const STS: Self = Self("https://sts.amazonaws.com/doc/2011-06-15/");
    /// Of no service in particular.
    pub(crate) const NONE: Self = Self("http://webservices.amazon.com/AWSFault/2005-15-09");

    /// The namespace of a service by its name.
    pub(crate) fn of(service: &str) -> Self {
        match service {
            "cloudwatch" => Self::CLOUDWATCH,
            "sns" => Self::SNS,
            "sts" => Self::STS,
            _ => Self::NONE,
        }
    }
}

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueryError {
    /// The service's namespace.
    pub(crate) namespace: Namespace,
    /// HTTP status.
    pub(crate) status: u16,
    /// The code SDKs know the error by.
    pub(crate) code: Cow<'static, str>,
    /// What went wrong.
    pub(crate) message: String,
}

impl QueryError {
    /// An error of this code.
    pub(crate) fn new(
        namespace: Namespace,
        status: u16,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self { namespace, status, code: code.into(), message: message.into() }
    }

    /// Whose fault it is.
    fn fault(&self) -> &'static str {
        if self.status < 500 { "Sender" } else { "Receiver" }
    }
}

/// An XML document, or a piece of one, as it is written.
#[derive(Debug, Default)]
pub(crate) struct Xml(String);

impl Xml {
    /// An element with text in it.
    pub(crate) fn text(&mut self, name: &str, text: &str) -> &mut Self {
        self.open(name);
        self.0.push_str(&escape(text));
        self.close(name)
    }

    /// An element with elements in it.
    pub(crate) fn within(&mut self, name: &str, write: impl FnOnce(&mut Self)) -> &mut Self {
        self.open(name);
        write(self);
        self.close(name)
    }

    /// An element with a piece written before in it.
    pub(crate) fn piece(&mut self, name: &str, piece: &Self) -> &mut Self {
        self.open(name);
        self.0.push_str(&piece.0);
        self.close(name)
    }

    /// A map as the Query protocol writes it.
    pub(crate) fn map<'a>(
        &mut self,
        name: &str,
        entries: impl IntoIterator<Item = (&'a String, &'a String)>,
    ) -> &mut Self {
        self.within(name, |xml| {
            for (key, value) in entries {
                xml.within("entry", |xml| {
                    xml.text("key", key).text("value", value);
                });
            }
        })
    }

    /// The document that has been written.
    pub(crate) fn document(self) -> String {
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", self.0)
    }

    fn open(&mut self, name: &str) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push('>');
    }

    fn close(&mut self, name: &str) -> &mut Self {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
        self
    }
}

/// The answer to `action`, with `result` in it.
pub(crate) fn accept(namespace: Namespace, action: &str, result: &Xml) -> Response<Body> {
    let mut document = String::with_capacity(result.0.len() + 320);
    let id = random_id();
    let Namespace(namespace) = namespace;
    let result = &result.0;
    // Writing to a string does not fail.
    let _ = write!(
        document,
        "<{action}Response xmlns=\"{namespace}\"><{action}Result>{result}</{action}Result>\
         <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{action}Response>"
    );
    answer::xml(200, document)
}

/// An error as an answer.
pub(crate) fn refuse(error: &QueryError) -> Response<Body> {
    let mut body = Xml::default();
    body.within("Error", |xml| {
        xml.text("Type", error.fault()).text("Code", &error.code).text("Message", &error.message);
    });
    body.text("RequestId", &random_id().to_string());
    let Namespace(namespace) = error.namespace;
    let document = format!("<ErrorResponse xmlns=\"{namespace}\">{}</ErrorResponse>", body.0);
    answer::xml(error.status, document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_maps_are_read_in_order() {
        let body = "Action=TagResource&Tags.member.1.Key=a&Tags.member.1.Value=1+2\
                    &Tags.member.2.Key=b&Tags.member.2.Value=%26&Keys.member.1=x&Keys.member.10=y";
        let form = Form::parse("", body.as_bytes());
        assert_eq!(form.action(), "TagResource");
        let tags = form.map("Tags.member", "Key", "Value");
        assert_eq!(tags["a"], "1 2");
        assert_eq!(tags["b"], "&");
        let keys: Vec<_> = form.list("Keys.member").filter_map(|key| key.value()).collect();
        assert_eq!(keys, ["x"]);
    }

    #[test]
    fn text_is_escaped() {
        let mut xml = Xml::default();
        xml.within("a", |xml| {
            xml.text("b", "<&>\"");
        });
        assert_eq!(xml.0, "<a><b>&lt;&amp;&gt;&quot;</b></a>");
    }
}
