//! A limit on the way of a sign-in that is shorter than the password hash it has to wait for. The cost
//! of a hash is measured, or estimated from a published measurement and then only ever assumed.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{
    Basis, Covers, Environment, FailureMode, Finding, Fleet, HashField, HashOf, HashSpec, HashTime, Knob,
    Label, Level, ServiceView, Setting, Sourced, Subject, pretty,
};

use crate::patience::Patience;
use crate::{Check, Found, Margins, Rule, labels, round};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "timeout-below-hash-cost",
    summary: "a sign-in is given less time than its password hash takes",
    mode: FailureMode::PrematureTimeout,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("timeout_below_hash_cost.md"),
    check: Check::Environment(check),
};

/// A limit below so many hashes has no room: a second sign-in on the same core doubles the time of
/// both, and the rest of the sign-in takes some too.
const ROOM: u32 = 2;

/// Published times of single hashes. Hosts differ from them, so a limit below half of one is reported,
/// and from four times of one on it is taken to be enough.
const PUBLISHED: [(HashSpec, Duration, &str); 2] = [
    (
        HashSpec::Argon2id { memory: 1 << 20, iterations: 1, lanes: 4 },
        Duration::from_secs(1),
        "RFC 9106, section 4: 1 GiB takes half a second on 2 cores of 2 GHz",
    ),
    (
        HashSpec::Bcrypt { cost: 12 },
        Duration::from_millis(195),
        "the README of rust-bcrypt: cost 12 takes 195 ms on a laptop of 2019",
    ),
];
const FASTEST: u32 = 2;
const SLOWEST: u32 = 4;

/// What a sign-in at a service has to wait for.
struct Hash<'f> {
    spec: HashSpec,
    settings: Vec<&'f Setting>,
    cost: Cost<'f>,
    /// Hashes that come one after the other where all workers sign somebody in, and the settings that
    /// say so.
    queue: Option<(u64, [&'f Setting; 2])>,
}

/// How long it takes.
enum Cost<'f> {
    Measured(&'f Sourced<HashTime>, Duration),
    Published(Duration, &'static str),
}

impl Hash<'_> {
    fn takes(&self) -> Duration {
        match self.cost {
            Cost::Measured(_, takes) | Cost::Published(takes, _) => takes,
        }
    }
}

/// What ends a sign-in.
struct End<'f> {
    setting: &'f Setting,
    limit: Duration,
    words: String,
    /// "edge waits 200 ms for auth".
    says: String,
    subject: Subject,
    guesses: Vec<String>,
}

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    for service in environment.services(fleet) {
        let ends = ends(service);
        if ends.is_empty() {
            continue;
        }
        let subject = || Subject::Service(service.name().to_owned());
        let mut hashes = Vec::new();
        for group in service.groups() {
            match HashOf::of(group) {
                Some(HashOf::Known(spec, settings)) => {
                    let queue = queue(service, group.knob(Knob::Hash(HashField::AtOnce)));
                    hashes.extend(cost(fleet, spec).map(|cost| Hash { spec, settings, cost, queue }));
                }
                Some(HashOf::Unknown(needs)) => found.needs(RULE.name, subject(), needs),
                None => {}
            }
        }
        // Of several schemes a user's password may have any.
        let Some(hash) = hashes.into_iter().max_by_key(Hash::takes) else { continue };
        let mut said = BTreeSet::new();
        for end in ends {
            if !said.insert(&end.setting.value.origin) {
                continue;
            }
            match judge(&hash, end.limit) {
                Verdict::Short(level) => found.report(finding(service, &hash, end, level)),
                Verdict::Unsure => found.needs(
                    RULE.name,
                    end.subject,
                    "how long one hash takes on the host: `forewarn observe hash` measures it for [[hash]]",
                ),
                Verdict::Enough => {}
            }
        }
    }
}

/// The limits on a request to the service: its own, and those of its callers.
fn ends<'f>(service: ServiceView<'f>) -> Vec<End<'f>> {
    let name = service.name();
    let own = service.limit(Covers::Handler).and_then(|(setting, limit)| {
        let limit = limit.finite()?;
        Some(End {
            setting,
            limit,
            words: "ends the request".to_owned(),
            says: format!("{name} ends the request after {}", pretty(limit)),
            subject: Subject::Service(name.to_owned()),
            guesses: labels::guesses(setting),
        })
    });
    let callers = Patience::of_callers(service);
    let is_only = callers.len() == 1;
    let of_callers = callers.into_iter().map(|(call, patience)| {
        let from = call.from().name();
        let mut guesses = patience.guesses_as_end();
        if !is_only {
            guesses.push(format!("that {from} signs users in at {name}"));
        }
        End {
            setting: patience.setting,
            limit: patience.limit,
            words: patience.words(),
            says: format!("{from} waits {} for {name}", pretty(patience.limit)),
            subject: labels::subject(call),
            guesses,
        }
    });
    own.into_iter().chain(of_callers).collect()
}

/// How long a hash takes: as measured with the same parameters, else with others, else as published.
fn cost(fleet: &Fleet, spec: HashSpec) -> Option<Cost<'_>> {
    let measured = |same: bool| {
        let times = fleet.hash_times.iter().filter(move |time| (time.value.spec == spec) == same);
        times.filter_map(|time| Some(Cost::Measured(time, time.value.scaled(spec)?))).next()
    };
    measured(true).or_else(|| measured(false)).or_else(|| {
        PUBLISHED.iter().find_map(|&(known, takes, source)| {
            let takes = takes.as_secs_f64() * spec.work_of(known)?;
            Some(Cost::Published(Duration::try_from_secs_f64(takes).ok()?, source))
        })
    })
}

/// How many hashes come one after the other where every worker checks a password.
fn queue<'f>(service: ServiceView<'f>, at_once: Option<&'f Setting>) -> Option<(u64, [&'f Setting; 2])> {
    let (at_once, workers) = (at_once?, service.knob(Knob::Workers)?);
    let waves = workers.count()?.div_ceil(at_once.count().filter(|&count| count > 0)?);
    (waves > 1).then_some((waves, [at_once, workers]))
}

enum Verdict {
    Short(Level),
    /// A measurement would tell.
    Unsure,
    Enough,
}

fn judge(hash: &Hash<'_>, limit: Duration) -> Verdict {
    let takes = hash.takes();
    match hash.cost {
        Cost::Measured(..) if limit < takes => Verdict::Short(Level::Error),
        Cost::Measured(..) if limit < takes.saturating_mul(ROOM) || limit < queued(hash) => {
            Verdict::Short(Level::Warning)
        }
        Cost::Measured(..) => Verdict::Enough,
        Cost::Published(..) if limit < takes / FASTEST => Verdict::Short(Level::Warning),
        Cost::Published(..) if limit < takes.saturating_mul(SLOWEST) || limit < queued(hash) => {
            Verdict::Unsure
        }
        Cost::Published(..) => Verdict::Enough,
    }
}

/// The hash and those before it.
fn queued(hash: &Hash<'_>) -> Duration {
    let waves = hash.queue.map_or(1, |(waves, _)| waves);
    hash.takes().saturating_mul(u32::try_from(waves).unwrap_or(u32::MAX))
}

fn finding(service: ServiceView<'_>, hash: &Hash<'_>, end: End<'_>, level: Level) -> Finding {
    let (name, takes, limit) = (service.name(), hash.takes(), end.limit);
    let mut places = vec![labels::at(end.setting, &end.words)];
    // Lanes do not change how much there is to compute.
    for setting in hash.settings.iter().filter(|setting| setting.knob != Knob::Hash(HashField::Lanes)) {
        let words = match setting.knob {
            Knob::Hash(HashField::Iterations) => "passes over it".to_owned(),
            _ => hash.spec.words(),
        };
        places.push(labels::at(setting, words));
    }
    let mut sums = Vec::new();
    let mut guesses = end.guesses;
    guesses.extend(labels::guesses_of(&hash.settings));
    let basis = match hash.cost {
        Cost::Measured(time, _) => {
            let HashTime { spec, window, runs, median, p99 } = &time.value;
            let seen =
                format!("measured {window}: median {}, p99 {}, {runs} runs", pretty(*median), pretty(*p99));
            if *spec != hash.spec {
                let times = factor(hash.spec.work_of(*spec));
                sums.push(format!(
                    "{} is {times} times the work of {}: {times} x {} = {}",
                    hash.spec.words(),
                    spec.words(),
                    pretty(*median),
                    pretty(takes)
                ));
                if matches!(spec, HashSpec::Argon2id { .. }) {
                    guesses.push("that argon2 takes time in proportion to memory and iterations".to_owned());
                }
            }
            places.push(Label { origin: time.origin.clone(), text: seen });
            Basis::Observed
        }
        Cost::Published(_, source) => {
            sums.push(format!("estimated from {source}"));
            guesses.push(format!("that one hash takes about {} on the host", pretty(takes)));
            Basis::Assumed
        }
    };
    let queued = queued(hash);
    let short = match (level, hash.queue) {
        (Level::Warning, Some((waves, settings))) if limit < queued && limit >= takes => {
            let [at_once, workers] = settings;
            places.push(labels::at(at_once, "hashes at once"));
            places.push(labels::at(workers, "requests at once"));
            guesses.extend(labels::guesses_of(&settings));
            sums.push(format!("{waves} x {} = {} > {}", pretty(takes), pretty(queued), pretty(limit)));
            format!("{waves} password hashes one after the other take {}", pretty(queued))
        }
        _ => {
            sums.push(match limit < takes {
                true => format!("{} > {}", pretty(takes), pretty(limit)),
                false => format!("{ROOM} x {} > {}", pretty(takes), pretty(limit)),
            });
            format!("one password hash takes {}", pretty(takes))
        }
    };
    let enough = round::at_least(end.setting, takes.saturating_mul(ROOM).max(queued));
    Finding {
        rule: RULE.name,
        level,
        basis,
        mode: RULE.mode,
        environments: Vec::new(),
        subject: end.subject,
        title: format!(
            "sign-ins at {name} {}: {}, but {short}",
            if limit < takes { "will time out" } else { "can time out" },
            end.says
        ),
        labels: places,
        arithmetic: sums,
        help: format!(
            "raise `{}` to at least {}; a cheaper hash is no way out below what the Password Storage Cheat Sheet names",
            end.setting.key, enough
        ),
        assumptions: guesses,
    }
}

/// "4", "0.25", "1.5".
fn factor(work: Option<f64>) -> String {
    let shown = format!("{:.2}", work.unwrap_or(1.0));
    shown.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn no_sign_in_can_succeed() {
        insta::assert_snapshot!(run(&RULE, "
            edge.yaml: edge -> auth
              timeout    whole-call      200ms
            auth.yaml: auth
              algorithm  hash-algorithm  bcrypt
              cost       hash-cost       12
            hash bcrypt 12: 20 runs, p50 250ms, p99 271ms
        "), @r"
        error (observed, premature-timeout, edge -> auth): sign-ins at auth will time out: edge waits 200 ms for auth, but one password hash takes 250 ms
          edge.yaml:2 timeout = 200ms -- covers the whole call, 1 attempt
          auth.yaml:5 cost = 12 -- bcrypt with cost 12
          forewarn.toml:6 [[hash]] -- measured 2026-11-22 on a host: median 250 ms, p99 271 ms, 20 runs
          sum: 250 ms > 200 ms
          help: raise `timeout` to at least 500 ms; a cheaper hash is no way out below what the Password Storage Cheat Sheet names
        ");
    }

    #[test]
    fn there_is_no_room_beside_the_hash() {
        insta::assert_snapshot!(run(&RULE, "
            auth.yaml: auth
              request_timeout  handler    400ms
              cost             hash-cost  12
            hash bcrypt 12: 20 runs, p50 250ms, p99 271ms
        "), @r"
        warning (observed, premature-timeout, auth): sign-ins at auth can time out: auth ends the request after 400 ms, but one password hash takes 250 ms
          auth.yaml:2 request_timeout = 400ms -- ends the request
          auth.yaml:3 cost = 12 -- bcrypt with cost 12
          forewarn.toml:4 [[hash]] -- measured 2026-11-22 on a host: median 250 ms, p99 271 ms, 20 runs
          sum: 2 x 250 ms > 400 ms
          help: raise `request_timeout` to at least 500 ms; a cheaper hash is no way out below what the Password Storage Cheat Sheet names
        ");
    }

    #[test]
    fn the_last_in_the_queue_is_cut() {
        insta::assert_snapshot!(run(&RULE, "
            auth.yaml: auth
              request_timeout  handler          1s
              workers          workers          16
              memory           hash-memory      131072
              iterations       hash-iterations  4
              lanes            hash-lanes       8
              threads          hashes-at-once   2
            hash argon2id 131072 4 8: 20 runs, p50 400ms, p99 430ms
        "), @r"
        warning (observed, premature-timeout, auth): sign-ins at auth can time out: auth ends the request after 1 s, but 8 password hashes one after the other take 3.2 s
          auth.yaml:2 request_timeout = 1s -- ends the request
          auth.yaml:4 memory = 131072 -- argon2id with 128 MiB, 4 iterations, 8 lanes
          auth.yaml:5 iterations = 4 -- passes over it
          forewarn.toml:8 [[hash]] -- measured 2026-11-22 on a host: median 400 ms, p99 430 ms, 20 runs
          auth.yaml:7 threads = 2 -- hashes at once
          auth.yaml:3 workers = 16 -- requests at once
          sum: 8 x 400 ms = 3.2 s > 1 s
          help: raise `request_timeout` to at least 3.2 s; a cheaper hash is no way out below what the Password Storage Cheat Sheet names
        ");
    }

    #[test]
    fn other_parameters_are_reckoned_from_those_measured() {
        insta::assert_snapshot!(run(&RULE, "
            edge.yaml: edge -> auth
              timeout     whole-call       300ms
            auth.yaml: auth
              memory      hash-memory      65536
              iterations  hash-iterations  3
            hash argon2id 65536 1 1: 20 runs, p50 120ms, p99 130ms
        "), @r"
        warning (assumed, premature-timeout, edge -> auth): sign-ins at auth will time out: edge waits 300 ms for auth, but one password hash takes 360 ms
          edge.yaml:2 timeout = 300ms -- covers the whole call, 1 attempt
          auth.yaml:4 memory = 65536 -- argon2id with 64 MiB, 3 iterations, 1 lane
          auth.yaml:5 iterations = 3 -- passes over it
          forewarn.toml:6 [[hash]] -- measured 2026-11-22 on a host: median 120 ms, p99 130 ms, 20 runs
          sum: argon2id with 64 MiB, 3 iterations, 1 lane is 3 times the work of argon2id with 64 MiB, 1 iteration, 1 lane: 3 x 120 ms = 360 ms
          sum: 360 ms > 300 ms
          help: raise `timeout` to at least 750 ms; a cheaper hash is no way out below what the Password Storage Cheat Sheet names
          assumed: that argon2 takes time in proportion to memory and iterations
        ");
    }

    #[test]
    fn a_cost_that_no_clock_can_count_is_no_failure() {
        let found = run(
            &RULE,
            "
            edge.yaml: edge -> auth
              timeout  whole-call  1s
            auth.yaml: auth
              cost  hash-cost  78
        ",
        );
        assert!(found.starts_with("warning (assumed"), "{found}");
    }

    #[test]
    fn nothing_measured() {
        insta::assert_snapshot!(run(&RULE, "
            edge.yaml: edge -> auth
              timeout  whole-call  80ms
            shop.yaml: shop -> auth
              timeout  whole-call  500ms
            auth.yaml: auth
              cost  hash-cost  12
        "), @r"
        warning (assumed, premature-timeout, edge -> auth): sign-ins at auth will time out: edge waits 80 ms for auth, but one password hash takes 195 ms
          edge.yaml:2 timeout = 80ms -- covers the whole call, 1 attempt
          auth.yaml:6 cost = 12 -- bcrypt with cost 12
          sum: estimated from the README of rust-bcrypt: cost 12 takes 195 ms on a laptop of 2019
          sum: 195 ms > 80 ms
          help: raise `timeout` to at least 400 ms; a cheaper hash is no way out below what the Password Storage Cheat Sheet names
          assumed: that edge signs users in at auth
          assumed: that one hash takes about 195 ms on the host
        not evaluated: shop -> auth: needs how long one hash takes on the host: `forewarn observe hash` measures it for [[hash]]
        ");
    }

    #[test]
    fn an_algorithm_that_is_not_known_is_not_judged() {
        insta::assert_snapshot!(run(&RULE, "
            auth.yaml: auth
              request_timeout  handler         1s
              algorithm        hash-algorithm  pbkdf2
        "), @r"
        not evaluated: auth: needs how long one pbkdf2 hash takes
        ");
    }

    #[test]
    fn quiet_where_there_is_time_or_nobody_waits() {
        for text in [
            "edge.yaml: edge -> auth
               timeout  whole-call  5s
             auth.yaml: auth
               cost  hash-cost  12
             hash bcrypt 12: 20 runs, p50 250ms, p99 271ms",
            "edge.yaml: edge -> auth
               timeout  whole-call  1s
             auth.yaml: auth
               cost  hash-cost  12",
            "auth.yaml: auth
               write_timeout  response-write  100ms
               cost           hash-cost       12
             hash bcrypt 12: 20 runs, p50 250ms, p99 271ms",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
