//! Keeps the time: begins each request at the moment it is due, however many are still under way.

use std::future::Future;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::client::{Answer, Client, Unanswered};
use super::people::People;
use super::plan::{Due, Plan};
use super::report::{Outcome, Report, Tally};

/// How long a load lasts and how patient people are.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How long requests are due.
    pub during: Duration,
    /// How long after it was due a request is given up.
    pub patience: Duration,
}

/// Runs a plan until its end or until `stop`, and gives what came of it.
pub async fn run(
    plan: &Plan,
    bounds: Bounds,
    client: Arc<Client>,
    people: Arc<People>,
    stop: impl Future,
) -> Report {
    let tally = Arc::new(Mutex::new(Tally::default()));
    let start = Instant::now();
    let mut under_way = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    let mut stopped = false;
    for due in plan.arrivals().take_while(|due| due.at < bounds.during) {
        tokio::select! {
            biased;
            _ = &mut stop => { stopped = true; break }
            () = sleep_until(start + due.at) => {}
        }
        lock(&tally).began(Instant::now().duration_since(start + due.at));
        under_way.spawn(one(due, start, bounds.patience, client.clone(), people.clone(), tally.clone()));
        // What is over is forgotten, so that a long load takes no more memory than a short one.
        while under_way.try_join_next().is_some() {}
    }
    let mut during = start.elapsed();
    if !stopped {
        during = bounds.during;
        let ends = async { while under_way.join_next().await.is_some() {} };
        tokio::select! {
            biased;
            _ = &mut stop => {}
            () = ends => {}
        }
    }
    let until = start.elapsed();
    lock(&tally).report(plan.rate, during, until)
}

async fn one(
    due: Due,
    start: Instant,
    patience: Duration,
    client: Arc<Client>,
    people: Arc<People>,
    tally: Arc<Mutex<Tally>>,
) {
    let began = start + due.at;
    let deed = people.deed(&due);
    let kind = deed.kind;
    let sent = || lock(&tally).sent(began.elapsed());
    let left = patience.saturating_sub(began.elapsed());
    let answer = timeout(left, client.send(deed.request, sent)).await;
    let outcome = match &answer {
        Ok(answer) => outcome(answer.as_ref()),
        Err(_) => "gave_up",
    };
    lock(&tally).ended(kind, outcome, began.elapsed());
    people.answered(kind, deed.session, answer.ok().and_then(Result::ok).as_ref());
}

/// How a request ended, in a word.
fn outcome(answer: Result<&Answer, &Unanswered>) -> Outcome {
    match answer {
        Err(Unanswered::Connect) => "no_connection",
        Err(Unanswered::Broken) => "broken",
        Ok(answer) => match answer.status {
            status if status.is_success() => "ok",
            StatusCode::UNAUTHORIZED => "refused",
            StatusCode::TOO_MANY_REQUESTS => "throttled",
            StatusCode::SERVICE_UNAVAILABLE => "unavailable",
            StatusCode::GATEWAY_TIMEOUT => "timeout",
            status if status.is_client_error() => "request_error",
            _ => "server_error",
        },
    }
}

/// Makes the accounts of a plan's users; a login that is taken counts as made.
///
/// # Errors
/// The first refusal that does not pass by waiting.
pub async fn register(users: u32, connections: u32, client: &Arc<Client>) -> Result<(), String> {
    let mut under_way = JoinSet::new();
    let mut next = 0..users;
    loop {
        while under_way.len() < connections as usize
            && let Some(user) = next.next()
        {
            under_way.spawn(account(user, client.clone()));
        }
        match under_way.join_next().await {
            None => return Ok(()),
            Some(Ok(made)) => made?,
            Some(Err(_)) => return Err("a registration failed".to_owned()),
        }
    }
}

async fn account(user: u32, client: Arc<Client>) -> Result<(), String> {
    // An address may make 20 accounts at once by default and one more every three seconds.
    const TRIES: u32 = 30;
    let from = Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + user % (1 << 17));
    for _ in 0..TRIES {
        match client.send(People::registration(user, from), || {}).await {
            Ok(answer) if answer.status == StatusCode::CREATED || answer.status == StatusCode::CONFLICT => {
                return Ok(());
            }
            Ok(answer)
                if matches!(
                    answer.status,
                    StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
                ) =>
            {
                sleep(Duration::from_secs(1)).await;
            }
            Ok(answer) => return Err(format!("an account was refused with {}", answer.status)),
            Err(Unanswered::Connect) => return Err("no connection can be made".to_owned()),
            Err(Unanswered::Broken) => return Err("the connection broke".to_owned()),
        }
    }
    Err(format!(
        "an account was turned away {TRIES} times: trust this host's X-Forwarded-For in server.trusted_proxies, or set limits.address_burst = 0"
    ))
}

fn lock(tally: &Mutex<Tally>) -> std::sync::MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}
