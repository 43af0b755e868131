//! `authd serve`: the front, put together.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use super::role::{self, Means, Role};
use crate::clock::Clock as _;
use crate::config::front::FrontConfig;
use crate::config::live::Live;
use crate::front::throttle::Throttle;
use crate::front::{self, Front, Pseudonyms};
use crate::hash::Hasher;
use crate::hash::breached::Breached;
use crate::hop::pool::Pool;
use crate::http::log::Level;
use crate::material;
use crate::token::keys::{KeyDirectory, KeyRing};

/// Runs the front.
pub(super) fn run(file: &Path) -> ExitCode {
    role::run::<FrontConfig>("serve", file, build)
}

fn build(means: &Means<FrontConfig>) -> Result<Role, String> {
    let config = means.config.now();
    let pool = Pool::new(means.config.clone(), means.metrics.clone(), means.entropy.clone())?;
    let breached = config
        .passwords
        .breached
        .as_deref()
        .map(|path| Breached::open(path).map_err(|error| format!("passwords.breached: {error}")));
    let front = Front {
        config: means.config.clone(),
        transport: Arc::new(pool),
        keys: keys(&config, means)?,
        hasher: Hasher::new(&config.passwords, means.metrics.clone(), means.entropy.clone()),
        breached: breached.transpose()?,
        clock: means.clock.clone(),
        entropy: means.entropy.clone(),
        metrics: means.metrics.clone(),
        throttle: Throttle::default(),
        pseudonyms: Pseudonyms::drawn(&*means.entropy),
    };
    Ok(Role { router: front::router(Arc::new(front)), always: front::ALWAYS, turned: front::turned })
}

/// The keys that sign tokens, which follow their directory. Whether there is one is decided here, for
/// good.
fn keys(config: &FrontConfig, means: &Means<FrontConfig>) -> Result<Live<KeyRing>, String> {
    let Some(first) = config.tokens.keys.clone() else {
        let why = "tokens.keys is not set: tokens end with this process, and no other replica knows them";
        means.log.event(Level::Warning, "signing key drawn", why);
        return Ok(Live::fixed(KeyRing::ephemeral(&*means.entropy, means.clock.now())));
    };
    let config = means.config.clone();
    let named = move || config.now().tokens.keys.clone().map(KeyDirectory);
    material::follow(KeyDirectory(first), named, role::asked()?, &means.log)
        .map_err(|why| format!("tokens.keys: {why}"))
}
