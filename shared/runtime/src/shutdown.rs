//! When to stop: ECS sends SIGTERM, a terminal sends SIGINT.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal as listen};

/// Resolves when the process is told to stop. From its first poll on, the
/// signals no longer end the process by themselves.
pub async fn signal() {
    match listeners() {
        Ok((mut terminate, mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        Err(error) => {
            tracing::warn!(%error, "signals can't be heard; the worker stops only when killed");
            std::future::pending().await
        }
    }
}

fn listeners() -> io::Result<(Signal, Signal)> {
    Ok((listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?))
}
