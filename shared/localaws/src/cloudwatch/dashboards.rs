//! Dashboards: kept and given back.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Inner;
use super::fault::Fault;
use super::series::seconds;
use super::state::Dashboard;

/// A dashboard that was asked for and is not there.
const MISSING: &str = "DashboardNotFoundError";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutDashboard {
    dashboard_name: String,
    dashboard_body: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    dashboard_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SeveralNamed {
    dashboard_names: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListDashboards {
    #[serde(default)]
    dashboard_name_prefix: String,
}

impl Inner {
    pub(super) fn put_dashboard(&self, request: PutDashboard) -> Result<Value, Fault> {
        let body: Result<Value, _> = serde_json::from_str(&request.dashboard_body);
        if !body.is_ok_and(|body| body.is_object()) {
            return Err(Fault::dashboard("The field DashboardBody must be a valid JSON object"));
        }
        let dashboard = Dashboard { body: request.dashboard_body, put_at: self.clock.now() };
        self.kept.change(|state| {
            state.dashboards.insert(request.dashboard_name, dashboard);
            Ok(json!({"DashboardValidationMessages": []}))
        })
    }

    pub(super) fn get_dashboard(&self, request: &Named) -> Result<Value, Fault> {
        let name = &request.dashboard_name;
        let state = self.kept.read();
        let dashboard = state.dashboards.get(name).ok_or_else(|| no_dashboard(name))?;
        Ok(json!({
            "DashboardArn": self.dashboard_arn(name),
            "DashboardBody": dashboard.body,
            "DashboardName": name,
        }))
    }

    pub(super) fn list_dashboards(&self, request: &ListDashboards) -> Result<Value, Fault> {
        let state = self.kept.read();
        let dashboards = state.dashboards.iter();
        let dashboards =
            dashboards.filter(|(name, _)| name.starts_with(&request.dashboard_name_prefix));
        let entries = dashboards.map(|(name, dashboard)| {
            json!({
                "DashboardName": name,
                "DashboardArn": self.dashboard_arn(name),
                "LastModified": seconds(dashboard.put_at),
                "Size": dashboard.body.len(),
            })
        });
        Ok(json!({"DashboardEntries": entries.collect::<Vec<_>>()}))
    }

    pub(super) fn delete_dashboards(&self, request: &SeveralNamed) -> Result<Value, Fault> {
        self.kept.change(|state| {
            // All of them, or none.
            for name in &request.dashboard_names {
                state.dashboards.remove(name).ok_or_else(|| no_dashboard(name))?;
            }
            Ok(json!({}))
        })
    }

    /// Dashboards belong to no region.
    fn dashboard_arn(&self, name: &str) -> String {
        format!("arn:aws:cloudwatch::{}:dashboard/{name}", self.account.id)
    }
}

fn no_dashboard(name: &str) -> Fault {
    Fault::missing(MISSING, format!("Dashboard {name} does not exist"))
}
