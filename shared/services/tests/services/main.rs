//! Services on the embedded ECS, whose tasks are real processes.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use millrace_localaws::{Config, Server};
use millrace_retry::{Classify, FailureClass};
use millrace_services::{Agent, AgentError, ServiceSpec, ServiceState, Services};

struct World {
    server: Server,
    services: Services,
    folder: tempfile::TempDir,
}

impl World {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(folder.path().join("aws"));
        config.bind.set_port(0);
        let server = Server::start(config).await.unwrap();
        let sdk = aws_config::defaults(aws_config::BehaviorVersion::latest())
            .endpoint_url(server.url())
            .region(aws_config::Region::new("us-east-1"))
            .credentials_provider(Credentials::new("k", "s", None, None, "test"))
            .load()
            .await;
        Self { services: Services::new(&sdk, "p"), server, folder }
    }

    /// Tasks that tell where their agent is, and then wait.
    fn spec(&self, workers: u32) -> ServiceSpec {
        let file = self.folder.path().join("agent");
        let script = format!("echo $ECS_AGENT_URI > {}; exec sleep 600", file.display());
        ServiceSpec {
            name: "p-load".into(),
            command: ["sh", "-c", &script].map(str::to_owned).into(),
            environment: vec![("B".into(), "2".into()), ("A".into(), "1".into())],
            stop_timeout: 1,
            workers,
        }
    }

    async fn steady(&self, workers: u32) -> ServiceState {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let found = self.services.describe(&["p-load".into()]).await.unwrap();
            let state = found.into_iter().next().flatten().expect("a service");
            if state.is_steady() && state.desired == workers {
                return state;
            }
            assert!(Instant::now() < deadline, "{state:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_none_and_cannot_be_scaled() {
    let world = World::start().await;
    let names = ["p-load".to_owned(), "p-ingest".to_owned()];
    assert_eq!(world.services.describe(&names).await.unwrap(), [None, None], "no cluster");
    let error = world.services.scale("p-load", 1).await.unwrap_err();
    assert_eq!(error.class(), FailureClass::Missing, "{error}");
    world.services.ensure_cluster().await.unwrap();
    assert_eq!(world.services.describe(&names).await.unwrap(), [None, None]);
    let error = world.services.scale("p-load", 1).await.unwrap_err();
    assert!(error.to_string().contains("service `p-load` in cluster `p`"), "{error}");
    world.server.stop().await;
}

#[tokio::test]
async fn a_service_has_as_many_tasks_as_it_is_scaled_to() {
    let world = World::start().await;
    world.services.ensure_cluster().await.unwrap();
    world.services.ensure_service(&world.spec(1)).await.unwrap();
    world.steady(1).await;
    assert_eq!(world.services.scale("p-load", 3).await.unwrap().desired, 3);
    world.steady(3).await;
    world.services.scale("p-load", 0).await.unwrap();
    world.steady(0).await;
    world.server.stop().await;
}

#[tokio::test]
async fn a_service_that_is_as_it_should_be_keeps_its_tasks() {
    let world = World::start().await;
    world.services.ensure_cluster().await.unwrap();
    world.services.ensure_service(&world.spec(1)).await.unwrap();
    world.steady(1).await;
    let file = world.folder.path().join("agent");
    let deadline = Instant::now() + Duration::from_secs(20);
    let agent = loop {
        let said = std::fs::read_to_string(&file).unwrap_or_default();
        if said.ends_with('\n') {
            break said;
        }
        assert!(Instant::now() < deadline, "the task said nothing");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    world.services.ensure_service(&world.spec(1)).await.unwrap();
    world.steady(1).await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), agent, "no other task was started");
    // Its agent protects it, and a service scaled in leaves it alone.
    let agent = Agent::at(agent.trim());
    agent.protect(Some(Duration::from_secs(90))).await.unwrap();
    assert_eq!(world.services.scale("p-load", 0).await.unwrap().desired, 0);
    let found = world.services.describe(&["p-load".into()]).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().running, 1);
    agent.protect(None).await.unwrap();
    world.steady(0).await;
    let error = agent.protect(Some(Duration::from_secs(60))).await.unwrap_err();
    assert!(matches!(error, AgentError::NotProtectable(_)), "{error}");
    world.server.stop().await;
}
