//! `authd directory`: the directory, put together.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use super::role::{self, Means, Role};
use crate::config::directory::DirectoryConfig;
use crate::directory::{self, Directory, sweep};
use crate::http::passage;
use crate::{secret, store};

/// Routes that are answered however much is going on.
const ALWAYS: &[&str] = &["/healthz", "/metrics"];

/// Runs the directory.
pub(super) fn run(file: &Path) -> ExitCode {
    role::run::<DirectoryConfig>("directory", file, build)
}

fn build(means: &Means<DirectoryConfig>) -> Result<Role, String> {
    let config = means.config.now();
    let secret = config.fronts.secret_file.as_deref().map(secret::of_file).transpose();
    let directory = Arc::new(Directory {
        store: store::open(&config.database).map_err(|failure| format!("database.url: {failure}"))?,
        config: means.config.clone(),
        clock: means.clock.clone(),
        metrics: means.metrics.clone(),
        secret: secret.map_err(|why| format!("fronts.secret_file: {why}"))?,
    });
    let swept = directory.clone();
    tokio::spawn(async move { sweep::run(&swept).await });
    Ok(Role { router: directory::router(directory), always: ALWAYS, turned: passage::untold })
}
