//! The variables that set the export up.
//!
//! Source: "OpenTelemetry Protocol Exporter" and "Environment Variable
//! Specification", OpenTelemetry specification.

use std::time::Duration;

use percent_encoding::percent_decode_str;

/// How spans are exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where they are posted to, with the path.
    pub url: String,
    /// Headers of a request.
    pub headers: Vec<(String, String)>,
    /// How long a request may take.
    pub timeout: Duration,
    /// Attributes of what sends them, `service.name` among them.
    pub resource: Vec<(String, String)>,
    /// How long spans are gathered.
    pub delay: Duration,
    /// Spans in a request at most.
    pub batch: usize,
    /// Spans that may wait; more are dropped.
    pub queue: usize,
}

impl Settings {
    /// As the variables say; none if they name no endpoint, or say that nothing is
    /// to be exported. `service` is the name where they give none.
    pub fn from_environment(service: &str) -> Option<Self> {
        Self::read(|name| std::env::var(name).ok(), service)
    }

    fn read(variable: impl Fn(&str) -> Option<String>, service: &str) -> Option<Self> {
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let either = |name: &str| {
            set(&format!("OTEL_EXPORTER_OTLP_TRACES_{name}"))
                .or_else(|| set(&format!("OTEL_EXPORTER_OTLP_{name}")))
        };
        let is_off = set("OTEL_SDK_DISABLED")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
            || set("OTEL_TRACES_EXPORTER").is_some_and(|exporter| exporter == "none");
        if is_off {
            return None;
        }
        let base = set("OTEL_EXPORTER_OTLP_ENDPOINT");
        let base = base.map(|base| format!("{}/v1/traces", base.trim_end_matches('/')));
        let url = set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or(base)?;
        let number = |name: &str, default: u64| {
            set(name).and_then(|text| text.parse().ok()).unwrap_or(default)
        };
        let count = |name: &str, default: u64| {
            usize::try_from(number(name, default).max(1)).unwrap_or(usize::MAX)
        };
        let mut resource = pairs(&set("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default());
        if let Some(name) = set("OTEL_SERVICE_NAME") {
            resource.retain(|(key, _)| key != "service.name");
            resource.push(("service.name".to_owned(), name));
        } else if !resource.iter().any(|(key, _)| key == "service.name") {
            resource.push(("service.name".to_owned(), service.to_owned()));
        }
        let timeout = either("TIMEOUT").and_then(|text| text.parse().ok()).unwrap_or(10_000);
        Some(Self {
            url,
            headers: pairs(&either("HEADERS").unwrap_or_default()),
            timeout: Duration::from_millis(timeout),
            resource,
            delay: Duration::from_millis(number("OTEL_BSP_SCHEDULE_DELAY", 5_000)),
            batch: count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512),
            queue: count("OTEL_BSP_MAX_QUEUE_SIZE", 2_048),
        })
    }
}

/// `key=value,key=value`, the values percent-encoded.
fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        Some((key.trim().to_owned(), value.into_owned())).filter(|(key, _)| !key.is_empty())
    };
    text.split(',').filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Option<Settings> {
        let find = |name: &str| variables.iter().find(|(found, _)| *found == name);
        Settings::read(|name| find(name).map(|(_, value)| (*value).to_owned()), "finance-load")
    }

    #[test]
    fn without_an_endpoint_nothing_is_exported() {
        assert_eq!(read(&[]), None);
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318/");
        assert_eq!(read(&[endpoint, ("OTEL_SDK_DISABLED", "true")]), None);
        assert_eq!(read(&[endpoint, ("OTEL_TRACES_EXPORTER", "none")]), None);
    }

    #[test]
    fn the_path_is_added_to_the_endpoint_of_all_signals_only() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318/");
        let settings = read(&[endpoint]).expect("an endpoint");
        assert_eq!(settings.url, "http://127.0.0.1:4318/v1/traces");
        assert_eq!(settings.resource, [("service.name".to_owned(), "finance-load".to_owned())]);
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1/x");
        assert_eq!(read(&[endpoint, traces]).expect("an endpoint").url, "http://127.0.0.1:1/x");
    }

    #[test]
    fn headers_and_attributes_are_decoded() {
        let settings = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20abc, x = y,broken"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test,service.name=a"),
            ("OTEL_SERVICE_NAME", "b"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "250"),
        ]);
        let settings = settings.expect("an endpoint");
        let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        assert_eq!(settings.headers, [("authorization", "Basic abc"), ("x", "y")].map(owned));
        let resource = [("deployment.environment", "test"), ("service.name", "b")].map(owned);
        assert_eq!(settings.resource, resource);
        assert_eq!(settings.timeout, Duration::from_millis(250));
    }
}
