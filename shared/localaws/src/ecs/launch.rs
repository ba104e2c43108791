//! From a task and its definition to the processes to start: program,
//! arguments, variables and secrets of each container.

use std::path::PathBuf;

use serde_json::Value;

use super::Ecs;
use super::process::{Launch, command};
use super::state::{State, Task};

/// Seconds a container has to end by itself where its definition does not say.
const STOP_TIMEOUT: u64 = 30;

impl Ecs {
    /// What to start for each container, or why the task can't start.
    pub(super) fn launches(
        &self,
        state: &State,
        id: &str,
        task: &Task,
    ) -> Result<Vec<Launch>, String> {
        let gone =
            || format!("ResourceInitializationError: no task definition `{}`", task.definition);
        let (family, _, definition) = state.definition(&task.definition).ok_or_else(gone)?;
        let containers = definition.given.get("containerDefinitions").and_then(Value::as_array);
        let logs = self.machine.logs.as_ref();
        let log = logs.map(|folder| folder.join(format!("{family}-{id}.log")));
        let launch = |container: &Value| self.launch_of(id, task, container, log.clone());
        containers.into_iter().flatten().map(launch).collect()
    }

    fn launch_of(
        &self,
        id: &str,
        task: &Task,
        container: &Value,
        log: Option<PathBuf>,
    ) -> Result<Launch, String> {
        let name = container["name"].as_str().unwrap_or_default();
        let overridden = overrides(task, name);
        let arguments = overridden.and_then(|one| one.get("command"));
        let arguments = arguments.unwrap_or(&container["command"]);
        let (program, arguments) =
            command(&texts(&container["entryPoint"]), &texts(arguments), &self.machine.worker);
        let mut environment = self.injected(id, task, name);
        environment.extend(pairs(&container["environment"], "value"));
        for (variable, reference) in pairs(&container["secrets"], "valueFrom") {
            let value = self.secrets.value_from(&reference).map_err(|error| {
                format!(
                    "ResourceInitializationError: unable to pull secrets or registry auth: \
                     `{reference}`: {}",
                    error.message
                )
            })?;
            environment.push((variable, value));
        }
        environment
            .extend(overridden.into_iter().flat_map(|one| pairs(&one["environment"], "value")));
        Ok(Launch {
            program,
            arguments,
            environment,
            log,
            stop_timeout: container["stopTimeout"].as_u64().unwrap_or(STOP_TIMEOUT),
            is_essential: container["essential"].as_bool().unwrap_or(true),
        })
    }

    /// What every container is given to find this endpoint and its agent. Its
    /// access key is the family of its definition, by which its calls are told
    /// from those of others.
    fn injected(&self, id: &str, task: &Task, container: &str) -> Vec<(String, String)> {
        let url = &self.machine.url;
        let agent = format!("{url}{}{id}", Self::AGENT);
        let (family, _) = super::name::definition(&task.definition);
        let variables = [
            ("AWS_ENDPOINT_URL", url.clone()),
            ("AWS_REGION", self.account.region.clone()),
            ("AWS_DEFAULT_REGION", self.account.region.clone()),
            ("AWS_ACCESS_KEY_ID", family.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("ECS_CONTAINER_METADATA_URI_V4", format!("{agent}/v4/{container}")),
            ("ECS_AGENT_URI", agent),
        ];
        variables.map(|(name, value)| (name.to_owned(), value)).into()
    }
}

/// What `RunTask` said of a container.
fn overrides<'a>(task: &'a Task, container: &str) -> Option<&'a Value> {
    let all = task.given.get("overrides")?.get("containerOverrides")?.as_array()?;
    all.iter().find(|one| one["name"] == *container)
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

/// Names and what belongs to them, of lists as `environment` and `secrets`.
fn pairs(list: &Value, value: &str) -> Vec<(String, String)> {
    let pair =
        |one: &Value| Some((one["name"].as_str()?.to_owned(), one[value].as_str()?.to_owned()));
    list.as_array().into_iter().flatten().filter_map(pair).collect()
}
