//! Schedules for a local stack, where Terraform makes those in the cloud. Again is
//! fine.

use aws_sdk_scheduler::error::ProvideErrorMetadata;
use aws_sdk_scheduler::types::{FlexibleTimeWindow, FlexibleTimeWindowMode, ScheduleState, Target};
use millrace_retry::RequestError;

use crate::timetable::UPDATE;
use crate::{ScheduleEntry, Timetable};

const CREATE_GROUP: &str = "scheduler:CreateScheduleGroup";
const CREATE: &str = "scheduler:CreateSchedule";
const DELETE: &str = "scheduler:DeleteSchedule";

/// A schedule as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleSpec {
    /// Its name.
    pub name: String,
    /// `rate(…)`, `cron(…)` or `at(…)`.
    pub expression: String,
    /// IANA name of the time zone that it is reckoned in.
    pub timezone: String,
    /// ARN of the queue it sends to.
    pub queue_arn: String,
    /// ARN of the role it sends as.
    pub role_arn: String,
    /// What it sends.
    pub input: String,
}

impl Timetable {
    /// Has these schedules in the group and no others. One that is there keeps
    /// whether it is enabled; one that is the same keeps when it fires next.
    ///
    /// # Errors
    /// [`RequestError`] if Scheduler refuses.
    pub async fn ensure(&self, specs: &[ScheduleSpec]) -> Result<(), RequestError> {
        if specs.is_empty() && self.names().await?.is_empty() {
            return Ok(());
        }
        self.ensure_group().await?;
        for spec in specs {
            self.ensure_schedule(spec).await?;
        }
        for name in self.names().await? {
            if !specs.iter().any(|spec| spec.name == name) {
                let request = self.client.delete_schedule().group_name(&self.group).name(&name);
                request
                    .send()
                    .await
                    .map_err(|error| RequestError::of(DELETE, &self.named(&name), &error))?;
            }
        }
        Ok(())
    }

    async fn ensure_group(&self) -> Result<(), RequestError> {
        let what = format!("schedule group `{}`", self.group);
        match self.client.create_schedule_group().name(&self.group).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("ConflictException") => Ok(()),
            Err(error) => Err(RequestError::of(CREATE_GROUP, &what, &error)),
        }
    }

    async fn ensure_schedule(&self, spec: &ScheduleSpec) -> Result<(), RequestError> {
        let what = self.named(&spec.name);
        let target = target(spec, &what)?;
        let on_time = window(&what)?;
        let Some(existing) = self.get(&spec.name).await? else {
            let request = self.client.create_schedule().group_name(&self.group).name(&spec.name);
            let request = request
                .schedule_expression(&spec.expression)
                .schedule_expression_timezone(&spec.timezone)
                .flexible_time_window(on_time)
                .target(target);
            request.send().await.map_err(|error| RequestError::of(CREATE, &what, &error))?;
            return Ok(());
        };
        if is_same(&existing, spec) {
            return Ok(());
        }
        let state = if existing.enabled { ScheduleState::Enabled } else { ScheduleState::Disabled };
        let request = self.client.update_schedule().group_name(&self.group).name(&spec.name);
        let request = request
            .schedule_expression(&spec.expression)
            .schedule_expression_timezone(&spec.timezone)
            .flexible_time_window(on_time)
            .target(target)
            .state(state);
        request.send().await.map_err(|error| RequestError::of(UPDATE, &what, &error))?;
        Ok(())
    }
}

fn is_same(existing: &ScheduleEntry, spec: &ScheduleSpec) -> bool {
    existing.expression == spec.expression
        && existing.timezone == spec.timezone
        && existing.target == spec.queue_arn
        && existing.input == spec.input
}

fn target(spec: &ScheduleSpec, what: &str) -> Result<Target, RequestError> {
    let target = Target::builder().arn(&spec.queue_arn).role_arn(&spec.role_arn);
    target.input(&spec.input).build().map_err(|error| incomplete(what, &error))
}

/// It fires when it is due, not some time after.
fn window(what: &str) -> Result<FlexibleTimeWindow, RequestError> {
    let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off);
    window.build().map_err(|error| incomplete(what, &error))
}

fn incomplete(what: &str, error: &impl std::fmt::Display) -> RequestError {
    let (what, reason) = (what.to_owned(), error.to_string());
    RequestError::Invalid { action: CREATE, what, reason }
}
