//! Looking at schedules, and turning them on and off.

use aws_config::SdkConfig;
use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::types::ScheduleState;
use millrace_retry::RequestError;

pub(crate) const GET: &str = "scheduler:GetSchedule";
pub(crate) const LIST: &str = "scheduler:ListSchedules";
pub(crate) const UPDATE: &str = "scheduler:UpdateSchedule";

/// The schedules of one group.
#[derive(Debug, Clone)]
pub struct Timetable {
    pub(crate) client: Client,
    pub(crate) group: String,
}

/// A schedule as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleEntry {
    /// Its name.
    pub name: String,
    /// `rate(…)`, `cron(…)` or `at(…)`.
    pub expression: String,
    /// IANA name of the time zone that it is reckoned in.
    pub timezone: String,
    /// Whether it fires.
    pub enabled: bool,
    /// ARN of what it sends to.
    pub target: String,
    /// What it sends.
    pub input: String,
    /// Seconds since 1970 at which it was changed last: where a rate counts from,
    /// unless it has a start of its own.
    pub counts_from: Option<i64>,
}

impl Timetable {
    /// The schedules of `group`, reached as the SDK configuration says.
    pub fn new(config: &SdkConfig, group: impl Into<String>) -> Self {
        Self { client: Client::new(config), group: group.into() }
    }

    /// All schedules, by name; none where there is no such group.
    ///
    /// # Errors
    /// [`RequestError`] if Scheduler did not say.
    pub async fn list(&self) -> Result<Vec<ScheduleEntry>, RequestError> {
        let mut entries = Vec::new();
        for name in self.names().await? {
            // One that is gone meanwhile is none.
            entries.extend(self.get(&name).await?);
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    pub(crate) async fn names(&self) -> Result<Vec<String>, RequestError> {
        let what = format!("schedule group `{}`", self.group);
        let mut names = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let request = self.client.list_schedules().group_name(&self.group);
            let page = request.set_next_token(next).send().await;
            let page = match page.map_err(|error| RequestError::of(LIST, &what, &error)) {
                Err(RequestError::NotFound { .. }) => return Ok(Vec::new()),
                page => page?,
            };
            names.extend(
                page.schedules().iter().filter_map(|found| found.name()).map(str::to_owned),
            );
            next = page.next_token().map(str::to_owned);
            if next.is_none() {
                return Ok(names);
            }
        }
    }

    /// A schedule by name, if it is there.
    ///
    /// # Errors
    /// [`RequestError`] if Scheduler did not say.
    pub async fn get(&self, name: &str) -> Result<Option<ScheduleEntry>, RequestError> {
        Ok(self.look(name).await?.map(|found| entry(name, &found)))
    }

    pub(crate) async fn look(&self, name: &str) -> Result<Option<GetScheduleOutput>, RequestError> {
        let request = self.client.get_schedule().group_name(&self.group).name(name);
        match request.send().await.map_err(|error| RequestError::of(GET, &self.named(name), &error))
        {
            Ok(found) => Ok(Some(found)),
            Err(RequestError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Turns a schedule on or off and leaves everything else as it is; answers
    /// what it was.
    ///
    /// # Errors
    /// [`RequestError::NotFound`] if it is not there, or why it was not changed.
    pub async fn set_enabled(
        &self,
        name: &str,
        enabled: bool,
    ) -> Result<ScheduleEntry, RequestError> {
        let found = self.look(name).await?;
        let found = found.ok_or_else(|| RequestError::NotFound { what: self.named(name) })?;
        let before = entry(name, &found);
        if before.enabled == enabled {
            return Ok(before);
        }
        let state = if enabled { ScheduleState::Enabled } else { ScheduleState::Disabled };
        // An update replaces the whole schedule ("UpdateSchedule", EventBridge
        // Scheduler API Reference): what is not said goes back to its default.
        let request = self
            .client
            .update_schedule()
            .name(name)
            .group_name(&self.group)
            .set_schedule_expression(found.schedule_expression)
            .set_schedule_expression_timezone(found.schedule_expression_timezone)
            .set_start_date(found.start_date)
            .set_end_date(found.end_date)
            .set_description(found.description)
            .set_kms_key_arn(found.kms_key_arn)
            .set_target(found.target)
            .set_flexible_time_window(found.flexible_time_window)
            .set_action_after_completion(found.action_after_completion)
            .state(state);
        request
            .send()
            .await
            .map_err(|error| RequestError::of(UPDATE, &self.named(name), &error))?;
        Ok(before)
    }

    /// How errors name a schedule.
    pub(crate) fn named(&self, name: &str) -> String {
        format!("schedule `{}/{name}`", self.group)
    }
}

fn entry(name: &str, found: &GetScheduleOutput) -> ScheduleEntry {
    let target = found.target();
    let counts_from = found.start_date().or(found.last_modification_date());
    ScheduleEntry {
        name: name.to_owned(),
        expression: found.schedule_expression().unwrap_or_default().to_owned(),
        timezone: found.schedule_expression_timezone().unwrap_or("UTC").to_owned(),
        enabled: found.state() != Some(&ScheduleState::Disabled),
        target: target.map(|target| target.arn().to_owned()).unwrap_or_default(),
        input: target.and_then(|target| target.input()).unwrap_or_default().to_owned(),
        counts_from: counts_from.map(|at| at.secs()),
    }
}
