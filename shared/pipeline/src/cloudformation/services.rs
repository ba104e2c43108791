//! The cluster, and a stage's log group, task definition and service.

use serde_json::{Map, Value, json};

use super::{Stage, TOPIC, reference, secret_parameter};

/// CPU units of a task, and the memory in MiB that Fargate offers with them in
/// steps of a GiB (Amazon ECS, "Task CPU and memory"): the smallest that fits is
/// taken.
const SIZES: [(u32, u64, u64); 4] =
    [(512, 1024, 4096), (1024, 2048, 8192), (2048, 4096, 16_384), (4096, 8192, 30_720)];

/// Seconds that a task has to stop after SIGTERM: a worker takes 25 at most.
const STOP_SECONDS: u32 = 60;

/// The cluster of a pipeline.
pub(super) fn cluster(pipeline: &str) -> Value {
    json!({
        "Type": "AWS::ECS::Cluster",
        "Properties": {
            "ClusterName": pipeline,
            "ClusterSettings": [{ "Name": "containerInsights", "Value": "enabled" }],
            "CapacityProviders": ["FARGATE", "FARGATE_SPOT"],
        },
    })
}

/// The service of a stage and what it needs.
pub(super) fn of(stage: &Stage<'_>) -> Map<String, Value> {
    let resources = [
        (stage.id("LogGroup"), log_group(stage)),
        (stage.id("TaskDefinition"), task_definition(stage)),
        (stage.id("Service"), service(stage)),
    ];
    resources.into_iter().collect()
}

fn log_group(stage: &Stage<'_>) -> Value {
    json!({
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "LogGroupName": stage.log_group(),
            "RetentionInDays": reference("LogRetentionDays"),
            "KmsKeyId": reference("KeyArn"),
        },
    })
}

fn task_definition(stage: &Stage<'_>) -> Value {
    let (cpu, memory) = size(stage.service.memory);
    json!({
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {
            "Family": stage.service.name,
            "RequiresCompatibilities": ["FARGATE"],
            "NetworkMode": "awsvpc",
            "Cpu": cpu.to_string(),
            "Memory": memory.to_string(),
            "TaskRoleArn": { "Fn::GetAtt": [stage.id("TaskRole"), "Arn"] },
            "ExecutionRoleArn": { "Fn::GetAtt": [stage.id("ExecutionRole"), "Arn"] },
            "RuntimePlatform": {
                "OperatingSystemFamily": "LINUX",
                "CpuArchitecture": reference("Architecture"),
            },
            "Volumes": [{ "Name": "tmp" }],
            "ContainerDefinitions": [container(stage)],
        },
    })
}

fn container(stage: &Stage<'_>) -> Value {
    let mut environment = vec![json!({ "Name": "MILLRACE_LOG_FORMAT", "Value": "json" })];
    if stage.plan.own_topic().is_some() {
        environment.push(json!({ "Name": "MILLRACE_ALERTS_TOPIC", "Value": reference(TOPIC) }));
    }
    let secrets = stage.service.variables.iter();
    let secrets = secrets
        .map(|name| json!({ "Name": name, "ValueFrom": reference(&secret_parameter(name)) }))
        .collect::<Vec<_>>();
    json!({
        "Name": "worker",
        "Image": reference("Image"),
        "Essential": true,
        "Command": ["worker", stage.queue.stage],
        "Environment": environment,
        "Secrets": secrets,
        "User": "65532:65532",
        "ReadonlyRootFilesystem": true,
        "Privileged": false,
        "LinuxParameters": { "Capabilities": { "Drop": ["ALL"] } },
        "MountPoints": [{ "SourceVolume": "tmp", "ContainerPath": "/tmp", "ReadOnly": false }],
        "StopTimeout": STOP_SECONDS,
        "HealthCheck": {
            "Command": ["CMD", "/usr/local/bin/millrace", "healthcheck"],
            "Interval": 30,
            "Timeout": 5,
            "Retries": 3,
            "StartPeriod": 30,
        },
        "LogConfiguration": {
            "LogDriver": "awslogs",
            "Options": {
                "awslogs-group": reference(&stage.id("LogGroup")),
                "awslogs-region": reference("AWS::Region"),
                "awslogs-stream-prefix": "worker",
                "mode": "non-blocking",
                "max-buffer-size": "4m",
            },
        },
    })
}

/// CPU units and MiB of the smallest task with so many bytes of memory; the largest
/// if none has.
fn size(memory: u64) -> (u32, u64) {
    let wanted = memory.div_ceil(1 << 30) * 1024;
    let fitting = SIZES.iter().find(|(_, _, most)| wanted <= *most);
    let (cpu, least, most) = *fitting.unwrap_or(&SIZES[SIZES.len() - 1]);
    (cpu, wanted.clamp(least, most))
}

fn service(stage: &Stage<'_>) -> Value {
    json!({
        "Type": "AWS::ECS::Service",
        // ECS starts tasks at once, which need what the policies let them have.
        "DependsOn": [stage.id("QueuePolicy"), stage.id("DeadLetterQueuePolicy")],
        "Properties": {
            "ServiceName": stage.service.name,
            "Cluster": reference("Cluster"),
            "TaskDefinition": reference(&stage.id("TaskDefinition")),
            "DesiredCount": stage.service.workers,
            "CapacityProviderStrategy": [{ "CapacityProvider": "FARGATE", "Weight": 1 }],
            "DeploymentConfiguration": {
                "MinimumHealthyPercent": 100,
                "MaximumPercent": 200,
                "DeploymentCircuitBreaker": { "Enable": true, "Rollback": true },
            },
            "NetworkConfiguration": {
                "AwsvpcConfiguration": {
                    "Subnets": reference("Subnets"),
                    "SecurityGroups": reference("SecurityGroups"),
                    "AssignPublicIp": "DISABLED",
                },
            },
            "PropagateTags": "SERVICE",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_the_smallest_that_fargate_offers() {
        const MIB: u64 = 1 << 20;
        for (memory, expected) in [
            (512 * MIB, (512, 1024)),
            (1024 * MIB, (512, 1024)),
            (1025 * MIB, (512, 2048)),
            (5 * 1024 * MIB, (1024, 5120)),
            (12 * 1024 * MIB, (2048, 12_288)),
            (64 * 1024 * MIB, (4096, 30_720)),
        ] {
            assert_eq!(size(memory), expected, "{memory}");
        }
    }
}
