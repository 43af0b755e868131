//! `authd load`: arguments, and what is printed.

use std::io::Write;
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use crate::config::length::Length;
use crate::load::client::{Client, Target};
use crate::load::people::People;
use crate::load::plan::{Kind, Mix, Origin, Plan};
use crate::load::report::Report;
use crate::load::run::{self, Bounds};

/// Arguments of `load`.
///
/// Requests come as they do from many people: at random moments (Poisson), whether or not earlier ones
/// were answered. Times run from the moment a request was due, so that they hold what a person would
/// have waited. Each person comes from an address of 198.18.0.0/15 in X-Forwarded-For, which a front
/// believes whose server.trusted_proxies has the address of this generator.
#[derive(Debug, Args)]
pub struct LoadArguments {
    /// The front, `http://HOST:PORT`
    #[arg(long, value_name = "URL")]
    url: Target,
    /// Requests a second, on average
    #[arg(long, value_name = "N", default_value = "10", value_parser = rate)]
    rate: f64,
    /// How long
    #[arg(long, value_name = "LENGTH", default_value = "10s")]
    duration: Length,
    /// How many people there are
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    users: u32,
    /// How much more often some come than others: the exponent of Zipf's law
    #[arg(long, value_name = "N", default_value = "1", value_parser = skew)]
    skew: f64,
    /// What they ask for, in shares: login, refresh, verify, guess
    #[arg(long, value_name = "MIX", default_value = "login=80,refresh=15,verify=5")]
    mix: Mix,
    /// Try wrong passwords instead
    #[arg(long, value_name = "FROM", conflicts_with_all = ["mix", "skew"])]
    stuffing: Option<Stuffing>,
    /// Connections at most; requests wait for one, and the wait counts
    #[arg(long, value_name = "N", default_value = "256")]
    connections: NonZeroU32,
    /// How long after it was due a request is given up
    #[arg(long, value_name = "LENGTH", default_value = "30s")]
    patience: Length,
    /// Make the accounts first
    #[arg(long)]
    register: bool,
    /// The same requests at the same moments for the same seed
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Where wrong passwords come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stuffing {
    /// Many users from one address
    Users,
    /// Many users from a thousand addresses
    Addresses,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("a rate is a number above 0".to_owned()),
    }
}

fn skew(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(skew) if (0.0..=10.0).contains(&skew) => Ok(skew),
        _ => Err("a skew is a number of 0 to 10".to_owned()),
    }
}

impl LoadArguments {
    fn plan(&self) -> Plan {
        let (users, seed, rate) = (self.users, self.seed, self.rate);
        let (mix, skew, origin) = match self.stuffing {
            None => (self.mix.clone(), self.skew, Origin::Own),
            Some(Stuffing::Users) => (Mix::only(Kind::Guess), 0.0, Origin::One),
            Some(Stuffing::Addresses) => (Mix::only(Kind::Guess), 0.0, Origin::Many),
        };
        Plan { rate, users, skew, mix, origin, seed }
    }
}

/// Runs `authd load`.
pub(super) fn run(arguments: &LoadArguments) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return stopped(&error.to_string()),
    };
    match runtime.block_on(load(arguments)) {
        Ok(report) => {
            let text = match arguments.json {
                true => serde_json::to_string_pretty(&report).unwrap_or_default() + "\n",
                false => report.table(),
            };
            // Whoever closes the pipe has read enough.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(why) => stopped(&why),
    }
}

async fn load(arguments: &LoadArguments) -> Result<Report, String> {
    let connections = arguments.connections.get();
    let client = Arc::new(Client::new(Arc::new(arguments.url.clone()), connections));
    if arguments.register {
        run::register(arguments.users, connections, &client).await?;
    }
    let bounds = Bounds { during: arguments.duration.get(), patience: arguments.patience.get() };
    let people = Arc::new(People::new(arguments.seed));
    let interrupt = tokio::signal::ctrl_c();
    Ok(run::run(&arguments.plan(), bounds, client, people, interrupt).await)
}

fn stopped(why: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "authd load: {why}");
    ExitCode::from(2)
}
