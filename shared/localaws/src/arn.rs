//! Amazon Resource Names of what exists here.

/// The account and region that every resource here belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// Twelve digits.
    pub(crate) id: String,
    /// As in `us-east-1`.
    pub(crate) region: String,
}

impl Account {
    /// `arn:aws:<service>:<region>:<account>:<name>`.
    pub(crate) fn arn(&self, service: &str, name: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{name}", self.region, self.id)
    }

    /// The name in `arn` if it belongs to `service` in this account and region.
    pub(crate) fn name_in<'a>(&self, service: &str, arn: &'a str) -> Option<&'a str> {
        let mut parts = arn.splitn(6, ':');
        let ours = parts.next() == Some("arn")
            && parts.next() == Some("aws")
            && parts.next() == Some(service)
            && parts.next() == Some(&self.region)
            && parts.next() == Some(&self.id);
        parts.next().filter(|name| ours && !name.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_arns_have_a_name() {
        let account = Account { id: "000000000000".into(), region: "us-east-1".into() };
        let arn = account.arn("sqs", "orders");
        assert_eq!(arn, "arn:aws:sqs:us-east-1:000000000000:orders");
        assert_eq!(account.name_in("sqs", &arn), Some("orders"));
        for other in [
            "arn:aws:sns:us-east-1:000000000000:orders",
            "arn:aws:sqs:eu-west-1:000000000000:orders",
            "arn:aws:sqs:us-east-1:111111111111:orders",
            "arn:aws:sqs:us-east-1:000000000000:",
            "orders",
        ] {
            assert_eq!(account.name_in("sqs", other), None, "{other}");
        }
    }
}
