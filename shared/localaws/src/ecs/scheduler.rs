//! Keeps every service at what it is to be: one loop that wakes when something
//! has changed, a wait is over or a protection lapses.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::Ecs;
use super::plan::{Member, Plan, Target, plan};
use super::services::deployment;
use super::state::{Cluster, Service, State};
use super::tasks::new_task;
use crate::answer::random_id;
use crate::clock::Millis;
use crate::service::ServiceError;

/// How long a task has to run until a deployment counts on it.
const SETTLED: Duration = Duration::from_secs(1);

/// When to look again although nothing was changed.
#[derive(Debug, Default)]
struct Wake {
    /// A wait before a restart is over, or a task has settled.
    at: Option<Instant>,
    /// A protection lapses.
    on: Option<Millis>,
}

impl Ecs {
    /// Runs until the endpoint stops.
    pub(super) async fn keep_services(self: Arc<Self>) {
        while !self.closing.is_cancelled() {
            let wake = self.reconcile();
            let timer = async {
                match wake.at {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.closing.cancelled() => return,
                () = self.changed.notified() => {}
                () = timer => {}
                () = self.clock.wait_until(wake.on.unwrap_or(Millis::MAX)) => {}
            }
        }
    }

    fn reconcile(self: &Arc<Self>) -> Wake {
        let now = self.clock.now();
        let mut launched = Vec::new();
        let changed = self.kept.change(|state| {
            state.forget_old_tasks(now);
            let names: Vec<(String, String)> = services(state);
            for (cluster, service) in names {
                let ids = self.bring_nearer(state, &cluster, &service, now);
                launched.extend(ids.into_iter().map(|id| (cluster.clone(), id)));
            }
            Ok::<_, ServiceError>(())
        });
        match changed {
            Ok(()) => {
                for (cluster, id) in launched {
                    self.launch(&cluster, &id);
                }
                self.stop_those_told_to();
            }
            Err(error) => tracing::error!(reason = error.message, "services can't be kept up"),
        }
        self.next_wake(now)
    }

    /// Starts and stops tasks of one service as far as can be done now; answers
    /// the ids of the new ones.
    fn bring_nearer(
        &self,
        state: &mut State,
        cluster: &str,
        name: &str,
        now: Millis,
    ) -> Vec<String> {
        let Some((target, plan)) = self.plan_of(state, cluster, name, now) else {
            return Vec::new();
        };
        let definition = state.definition(&target.1).map(|(_, _, definition)| definition);
        let template = definition.map(|definition| new_task(target.1.clone(), definition, now));
        let Some(cluster) = state.clusters.get_mut(cluster) else { return Vec::new() };
        let Cluster { services, tasks, .. } = cluster;
        let Some(service) = services.get_mut(name) else { return Vec::new() };
        let mut started = Vec::new();
        for _ in 0..plan.start {
            let Some(mut task) = template.clone() else { break };
            let id = random_id().simple().to_string();
            task.service = Some((name.to_owned(), target.0.clone()));
            task.tags = service.tags_for_tasks();
            task.given = service.given_to_tasks();
            tasks.insert(id.clone(), task);
            started.push(id);
        }
        for id in &plan.stop {
            if let Some(task) = tasks.get_mut(id) {
                let of = task.service.as_ref().map(|(_, of)| of.as_str()).unwrap_or_default();
                let reason = format!("Scaling activity initiated by (deployment {of})");
                task.stop(now, "ServiceSchedulerInitiated", &reason);
            }
        }
        service.tell_plan(now, name, &started, &plan);
        let has_tasks = |of: &str| {
            tasks.values().any(|task| is_member(task, name) && task_deployment(task) == of)
        };
        service.settle(now, name, &plan, has_tasks);
        let over = tasks.values().all(|task| !task.is_of(name) || task.last_status == "STOPPED");
        if service.status == "DRAINING" && over {
            service.status = "INACTIVE".to_owned();
        }
        started
    }

    /// The primary deployment (id and definition) and what to do.
    fn plan_of(
        &self,
        state: &mut State,
        cluster: &str,
        name: &str,
        now: Millis,
    ) -> Option<((String, String), Plan)> {
        let is_held = self.is_held(cluster, name);
        let cluster = state.clusters.get_mut(cluster)?;
        let service = cluster.services.get_mut(name)?;
        service.break_circuit(now, name);
        let primary = service.deployments.first()?;
        let desired = service.desired as usize;
        let share = |percent: u64, up: u64| (desired * percent as usize + up as usize) / 100;
        let target = Target {
            desired,
            minimum: share(service.percent("minimumHealthyPercent", 100), 99),
            maximum: share(service.percent("maximumPercent", 200), 0),
            primary: &primary.id,
        };
        let running = self.lock_running();
        let settled = |id: &str| {
            let since = running.get(id).and_then(|running| running.since);
            since.is_some_and(|since| since.elapsed() >= SETTLED)
        };
        let tasks = cluster.tasks.iter().filter(|(_, task)| is_member(task, name));
        let members: Vec<Member<'_>> = tasks
            .map(|(id, task)| Member {
                id,
                deployment: task_deployment(task),
                created_at: task.created_at,
                is_running: task.last_status == "RUNNING" && settled(id),
                is_protected: task.is_protected(now),
            })
            .collect();
        let mut plan = plan(&target, &members);
        if is_held || primary.rollout == "FAILED" {
            plan.start = 0;
        }
        Some(((primary.id.clone(), primary.definition.clone()), plan))
    }

    fn is_held(&self, cluster: &str, service: &str) -> bool {
        let holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
        let hold = holds.get(&(cluster.to_owned(), service.to_owned()));
        hold.is_some_and(|hold| hold.until > Instant::now())
    }

    fn next_wake(&self, now: Millis) -> Wake {
        let instant = Instant::now();
        let state = self.kept.read();
        let holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = holds.values().map(|hold| hold.until);
        let running = self.lock_running();
        let settled = running.values().filter_map(|running| Some(running.since? + SETTLED));
        let at = holds.chain(settled).filter(|at| *at > instant).min();
        let tasks = state.clusters.values().flat_map(|cluster| cluster.tasks.values());
        let on = tasks.filter_map(|task| task.protected_until).filter(|until| *until > now).min();
        Wake { at, on }
    }
}

impl Service {
    /// Says what is being done.
    fn tell_plan(&mut self, now: Millis, name: &str, started: &[String], plan: &Plan) {
        let listed = |ids: &[String]| {
            ids.iter().map(|id| format!("(task {id})")).collect::<Vec<_>>().join(" ")
        };
        if !started.is_empty() {
            let (count, list) = (started.len(), listed(started));
            self.tell(now, format!("(service {name}) has started {count} tasks: {list}."));
        }
        if !plan.stop.is_empty() {
            let (count, list) = (plan.stop.len(), listed(&plan.stop));
            self.tell(now, format!("(service {name}) has stopped {count} running tasks: {list}."));
        }
        if plan.blocked > self.blocked {
            let count = plan.blocked;
            let message = format!(
                "(service {name}) was unable to stop {count} tasks because they are protected \
                 from scale-in."
            );
            self.tell(now, message);
        }
        self.blocked = plan.blocked;
    }

    /// Completes the deployment if all is as it is to be.
    fn settle(&mut self, now: Millis, name: &str, plan: &Plan, has_tasks: impl Fn(&str) -> bool) {
        let mut position = 0;
        self.deployments.retain(|one| {
            position += 1;
            position == 1 || has_tasks(&one.id) || (one.rollout == "COMPLETED" && !plan.is_steady)
        });
        self.steady &= plan.is_steady;
        if !plan.is_steady || self.steady || self.status != "ACTIVE" {
            return;
        }
        self.steady = true;
        if let Some(primary) =
            self.deployments.first_mut().filter(|one| one.rollout == "IN_PROGRESS")
        {
            primary.rollout = "COMPLETED".to_owned();
            primary.reason = format!("ECS deployment {} completed.", primary.id);
            primary.updated_at = now;
            let message =
                format!("(service {name}) (deployment {}) deployment completed.", primary.id);
            self.tell(now, message);
        }
        self.tell(now, format!("(service {name}) has reached a steady state."));
    }

    /// Gives a deployment up whose tasks keep failing, if the service is set so;
    /// returns to the last that completed, if it is set so.
    fn break_circuit(&mut self, now: Millis, name: &str) {
        let breaker = self.given.get("deploymentConfiguration");
        let breaker = breaker.and_then(|one| one.get("deploymentCircuitBreaker"));
        let is_set = |member: &str| breaker.is_some_and(|one| one[member] == true);
        let (enabled, rolls_back) = (is_set("enable"), is_set("rollback"));
        let limit = self.desired.div_ceil(2).clamp(3, 200);
        let primary = self.deployments.first_mut();
        let primary = primary.filter(|one| one.rollout == "IN_PROGRESS" && one.failed >= limit);
        let Some(primary) = primary.filter(|_| enabled) else { return };
        primary.rollout = "FAILED".to_owned();
        primary.reason = "ECS deployment circuit breaker: tasks failed to start.".to_owned();
        primary.updated_at = now;
        let id = primary.id.clone();
        let message =
            format!("(service {name}) (deployment {id}) deployment failed: tasks failed to start.");
        self.tell(now, message);
        let last = self.deployments.iter().find(|one| one.rollout == "COMPLETED");
        if let Some(definition) = last.map(|one| one.definition.clone()).filter(|_| rolls_back) {
            let back = deployment(definition, now);
            self.tell(now, format!("(service {name}) rolling back to (deployment {}).", back.id));
            self.deployments.insert(0, back);
        }
    }

    fn tags_for_tasks(&self) -> super::state::Tags {
        let propagates = self.given.get("propagateTags").is_some_and(|from| from == "SERVICE");
        if propagates { self.tags.clone() } else { Default::default() }
    }

    fn given_to_tasks(&self) -> serde_json::Map<String, serde_json::Value> {
        let members = ["launchType", "platformVersion"];
        let member = |name: &str| Some((name.to_owned(), self.given.get(name)?.clone()));
        members.into_iter().filter_map(member).collect()
    }
}

fn services(state: &State) -> Vec<(String, String)> {
    let of = |(cluster, kept): (&String, &Cluster)| {
        let live = kept.services.iter().filter(|(_, service)| service.status != "INACTIVE");
        live.map(|(name, _)| (cluster.clone(), name.clone())).collect::<Vec<_>>()
    };
    state.clusters.iter().flat_map(of).collect()
}

fn is_member(task: &super::state::Task, service: &str) -> bool {
    !task.stopping && task.is_of(service)
}

fn task_deployment(task: &super::state::Task) -> &str {
    task.service.as_ref().map(|(_, deployment)| deployment.as_str()).unwrap_or_default()
}
