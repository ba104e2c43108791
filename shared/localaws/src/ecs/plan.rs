//! How many tasks of a service to start and which to stop: the rules of rolling
//! deployments and of scaling in, with no side effects.
//!
//! Source: "Amazon ECS rolling deployments" and "Protect your Amazon ECS tasks
//! from being terminated by scale-in events", ECS Developer Guide.

/// What a service is to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    /// Tasks wanted.
    pub(super) desired: usize,
    /// Tasks that must keep running while a deployment goes on.
    pub(super) minimum: usize,
    /// Tasks that may run at once while a deployment goes on.
    pub(super) maximum: usize,
    /// The deployment that tasks are started for.
    pub(super) primary: &'a str,
}

/// A task that was not told to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member<'a> {
    /// Its id.
    pub(super) id: &'a str,
    /// Its deployment.
    pub(super) deployment: &'a str,
    /// When it was asked for.
    pub(super) created_at: u64,
    /// Whether all its processes run.
    pub(super) is_running: bool,
    /// Whether scaling in leaves it alone.
    pub(super) is_protected: bool,
}

/// What to do now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Tasks of the primary deployment to start.
    pub(super) start: usize,
    /// Ids of tasks to stop.
    pub(super) stop: Vec<String>,
    /// Protected tasks that would be stopped otherwise.
    pub(super) blocked: usize,
    /// Whether it is as it is to be.
    pub(super) is_steady: bool,
}

/// What brings `members` nearer to the `target`.
pub(super) fn plan(target: &Target<'_>, members: &[Member<'_>]) -> Plan {
    let (mut new, mut old): (Vec<Member<'_>>, Vec<Member<'_>>) =
        members.iter().partition(|member| member.deployment == target.primary);
    let missing = target.desired.saturating_sub(new.len());
    let room = target.maximum.max(1).saturating_sub(members.len());
    let mut plan = Plan { start: missing.min(room), ..Plan::default() };

    let surplus = new.len().saturating_sub(target.desired);
    take_newest(&mut new, surplus, &mut plan);

    // Those that don't run keep nothing up; of the others as many as are spare.
    let running = members.iter().filter(|member| member.is_running).count();
    let idle = old.iter().filter(|member| !member.is_running).count();
    let spare = running.saturating_sub(target.minimum.min(target.desired));
    let enough = missing == 0 && new.iter().all(|member| member.is_running);
    let surplus = if enough || target.desired == 0 { old.len() } else { idle + spare };
    take_newest(&mut old, surplus, &mut plan);

    plan.is_steady = plan.start == 0
        && plan.stop.is_empty()
        && old.is_empty()
        && new.len() == target.desired
        && new.iter().all(|member| member.is_running);
    plan
}

/// Takes the `surplus` out of `members`: first what does not run yet, then the
/// newest; what is protected stays.
fn take_newest(members: &mut Vec<Member<'_>>, surplus: usize, plan: &mut Plan) {
    let surplus = surplus.min(members.len());
    members.sort_by_key(|member| (member.is_running, u64::MAX - member.created_at));
    let free = members.iter().filter(|member| !member.is_protected);
    let stop: Vec<String> = free.take(surplus).map(|member| member.id.to_owned()).collect();
    plan.blocked += surplus - stop.len();
    members.retain(|member| !stop.iter().any(|id| id == member.id));
    plan.stop.extend(stop);
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

    /// Tasks `a`, `b`, … each newer than the one before.
    fn members(deployments: &[&'static str]) -> Vec<Member<'static>> {
        let member = |(at, deployment): (usize, &&'static str)| Member {
            id: IDS[at],
            deployment,
            created_at: at as u64,
            is_running: true,
            is_protected: false,
        };
        deployments.iter().enumerate().map(member).collect()
    }

    fn target(desired: usize) -> Target<'static> {
        Target { desired, minimum: desired, maximum: 2 * desired, primary: "new" }
    }

    #[test]
    fn what_is_missing_is_started() {
        assert_eq!(plan(&target(3), &members(&["new"])).start, 2);
        assert!(plan(&target(1), &members(&["new"])).is_steady);
        assert!(plan(&target(0), &[]).is_steady);
    }

    #[test]
    fn the_newest_are_stopped_first() {
        assert_eq!(plan(&target(1), &members(&["new", "new", "new"])).stop, ["c", "b"]);
    }

    #[test]
    fn protected_tasks_outlive_scaling_in() {
        let mut tasks = members(&["new", "new", "new"]);
        tasks[2].is_protected = true;
        let scaled = plan(&target(1), &tasks);
        assert_eq!((scaled.stop, scaled.blocked), (vec!["b".to_owned(), "a".to_owned()], 0));
        let none = plan(&target(0), &tasks);
        assert_eq!((none.stop.len(), none.blocked, none.is_steady), (2, 1, false));
    }

    #[test]
    fn a_deployment_starts_the_new_before_it_stops_the_old() {
        let first = plan(&target(2), &members(&["old", "old"]));
        assert_eq!((first.start, first.stop.len()), (2, 0));
        let then = plan(&target(2), &members(&["old", "old", "new", "new"]));
        assert_eq!((then.start, then.stop), (0, vec!["b".to_owned(), "a".to_owned()]));
    }

    #[test]
    fn with_no_room_a_deployment_stops_the_old_first() {
        let tight = Target { desired: 2, minimum: 1, maximum: 2, primary: "new" };
        let first = plan(&tight, &members(&["old", "old"]));
        assert_eq!((first.start, first.stop), (0, vec!["b".to_owned()]));
        let then = plan(&tight, &members(&["old"]));
        assert_eq!((then.start, then.stop.len()), (1, 0));
    }

    #[test]
    fn a_deployment_waits_for_protected_tasks() {
        let mut tasks = members(&["old", "new"]);
        tasks[0].is_protected = true;
        let waits = plan(&target(1), &tasks);
        assert_eq!((waits.stop.len(), waits.blocked, waits.is_steady), (0, 1, false));
    }
}
