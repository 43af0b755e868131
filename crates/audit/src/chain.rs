//! The chain of time budgets: from an edge, which nothing here calls, down to the last dependency, how
//! long each caller waits at most and what that leaves of the time its own caller gives it for one
//! request. Says nothing of right and wrong; `rules` do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use model::{
    Attempts, Budget, CallView, Covers, Environment, Fleet, GroupView, Limit, Origin, ServiceId, ServiceView,
    Setting, patience,
};

/// More hops than anyone reads in one picture.
const MOST_HOPS: usize = 48;

/// More attempts than can be told apart in a picture.
const MOST_PIECES: u64 = 12;

/// An edge and everything that its requests reach.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// The environment.
    pub environment: String,
    /// The edge first, then each callee behind its caller.
    pub hops: Vec<Hop>,
    /// Hops that were left out.
    pub left_out: usize,
}

/// A service in a chain, and the wait of its caller.
#[derive(Debug, Clone, PartialEq)]
pub struct Hop {
    /// The service.
    pub service: String,
    /// How many callers are before it; 0 at the edge.
    pub depth: usize,
    /// The caller's hop; itself at the edge.
    pub caller: usize,
    /// When it can be called at the latest, from the request's arrival at the edge: calls that a service
    /// makes come one after the other, of something that only forwards each request makes one.
    pub start: Duration,
    /// How long its caller waits; `None` at the edge, and where no setting of the call limits the wait.
    pub wait: Option<Wait>,
    /// The limit of its own work on a request.
    pub own: Option<(Limit, Origin)>,
    /// What was measured of the call, and where that stands.
    pub observed: Vec<(f64, Duration)>,
    /// Calls with the same budget that this hop stands for, itself included.
    pub calls: usize,
    /// What had to be guessed to see this call and its wait.
    pub assumptions: Vec<String>,
    /// It stands above with all it calls.
    pub again: bool,
}

impl Hop {
    /// When it has the request at the latest: where its caller connects first, after that. Its own
    /// limits and its calls run from here.
    pub fn reached(&self) -> Duration {
        self.start.saturating_add(self.wait.as_ref().map_or(Duration::ZERO, |wait| wait.connect))
    }

    /// How long it has for one request, until its caller or its own limit ends that.
    pub fn has(&self) -> Limit {
        let waited = self.wait.as_ref().map_or(Limit::Never, |wait| wait.answer);
        self.own.as_ref().map_or(waited, |(own, _)| waited.min(*own))
    }
}

/// How long a caller waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// At most, with all attempts.
    pub most: Limit,
    /// The connect of an attempt, before the callee has the request.
    pub connect: Duration,
    /// How long the callee has to answer one request, which is one attempt: the next asks it again.
    pub answer: Limit,
    /// The sum it is made of, or the one limit.
    pub sum: String,
    /// The setting that ends it: its key and its place.
    pub key: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Attempts and waits between them, in their order, as far as they can run.
    pub pieces: Vec<Piece>,
    /// What the caller has left when it gives up; `None` where either has no end or no limit is known.
    pub slack: Option<Slack>,
}

/// A stretch of a wait.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Piece {
    /// The connect of an attempt, where it has a limit of its own.
    Connect(Duration),
    /// One attempt.
    Attempt(Duration),
    /// The wait before the next.
    Backoff(Duration),
}

impl Piece {
    /// How long it takes.
    pub fn length(self) -> Duration {
        match self {
            Self::Connect(length) | Self::Attempt(length) | Self::Backoff(length) => length,
        }
    }

    fn with_length(self, length: Duration) -> Self {
        match self {
            Self::Connect(_) => Self::Connect(length),
            Self::Attempt(_) => Self::Attempt(length),
            Self::Backoff(_) => Self::Backoff(length),
        }
    }
}

/// What is left of the budget above.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Slack {
    /// So much.
    Left(Duration),
    /// The caller's own budget ends so much earlier.
    Over(Duration),
}

/// The chains of an environment: of every edge, or of those that lead to one service; those with the
/// most waits that are known first.
pub fn chains(fleet: &Fleet, environment: &Environment, service: Option<&str>) -> Vec<Chain> {
    let target = service.and_then(|name| environment.services(fleet).find(|s| s.name() == name));
    if service.is_some() && target.is_none() {
        return Vec::new();
    }
    // What else calls the same dependencies is on no way through the service.
    let before = target.map(leads_to);
    let wanted = target.map(|target| before.iter().flatten().copied().chain(reached_from(target)).collect());
    let edges = |service: &ServiceView<'_>| {
        let called = service.callers().any(|call| call.call().from != service.id());
        let calls = service.calls().next().is_some();
        calls && !called && before.as_ref().is_none_or(|before| before.contains(&service.id()))
    };
    let mut roots: Vec<ServiceView<'_>> = environment.services(fleet).filter(edges).collect();
    // Where all call each other there is no edge: the service itself is one.
    if roots.is_empty() {
        roots.extend(target);
    }
    let walk = |root: ServiceView<'_>| {
        let mut walk = Walk { wanted: wanted.as_ref(), done: BTreeSet::new(), hops: Vec::new(), left_out: 0 };
        walk.edge(root);
        Chain { environment: environment.name.clone(), hops: walk.hops, left_out: walk.left_out }
    };
    let mut chains: Vec<Chain> = roots.into_iter().map(walk).collect();
    // Those that say most come first; the order of names is kept among the rest.
    let known = |chain: &Chain| chain.hops.iter().filter(|hop| hop.wait.is_some()).count();
    chains.sort_by_key(|chain| std::cmp::Reverse(known(chain)));
    chains
}

/// Everything a service reaches, itself included.
fn reached_from(service: ServiceView<'_>) -> BTreeSet<ServiceId> {
    closure(service, |service| service.calls().map(CallView::to).collect())
}

/// Everything that reaches a service, itself included.
fn leads_to(service: ServiceView<'_>) -> BTreeSet<ServiceId> {
    closure(service, |service| service.callers().map(CallView::from).collect())
}

fn closure<'f>(
    first: ServiceView<'f>,
    next: impl Fn(ServiceView<'f>) -> Vec<ServiceView<'f>>,
) -> BTreeSet<ServiceId> {
    let mut seen = BTreeSet::from([first.id()]);
    let mut open = vec![first];
    while let Some(service) = open.pop() {
        open.extend(next(service).into_iter().filter(|service| seen.insert(service.id())));
    }
    seen
}

struct Walk<'w> {
    /// The services to show; all where `None`.
    wanted: Option<&'w BTreeSet<ServiceId>>,
    done: BTreeSet<ServiceId>,
    hops: Vec<Hop>,
    left_out: usize,
}

impl Walk<'_> {
    fn edge(&mut self, service: ServiceView<'_>) {
        let own = own_limit(service);
        self.hops.push(Hop {
            service: service.name().to_owned(),
            depth: 0,
            caller: 0,
            start: Duration::ZERO,
            wait: None,
            own: own.clone(),
            observed: Vec::new(),
            calls: 1,
            assumptions: Vec::new(),
            again: false,
        });
        self.below(service, 0, own.map_or(Limit::Never, |(limit, _)| limit));
    }

    /// The calls of a hop, which has until `end`.
    fn below(&mut self, service: ServiceView<'_>, caller: usize, end: Limit) {
        self.done.insert(service.id());
        let mut start = self.hops[caller].reached();
        for (call, calls) in alike(service) {
            if self.wanted.is_some_and(|wanted| !wanted.contains(&call.call().to)) {
                continue;
            }
            if self.hops.len() >= MOST_HOPS {
                self.left_out += calls;
                continue;
            }
            let callee = call.to();
            let own = own_limit(callee);
            let wait = wait(call, start, end);
            let most = wait.as_ref().map_or(Limit::Never, |wait| wait.most);
            let again = self.done.contains(&callee.id()) && callee.calls().next().is_some();
            let mut assumptions = call.call().assumptions.clone();
            assumptions.extend(call.settings().flat_map(|setting| setting.assumptions.iter().cloned()));
            assumptions.sort();
            assumptions.dedup();
            let observed = call.call().latency.as_ref().map(|latency| latency.value.visible().to_vec());
            let index = self.hops.len();
            self.hops.push(Hop {
                service: callee.name().to_owned(),
                depth: self.hops[caller].depth + 1,
                caller,
                start,
                wait,
                own,
                observed: observed.unwrap_or_default(),
                calls,
                assumptions,
                again,
            });
            if !again {
                let hop = &self.hops[index];
                let end = Limit::After(hop.reached()).then(hop.has());
                self.below(callee, index, end);
            }
            if let (false, Some(takes)) = (service.service().forwards, most.finite()) {
                start = start.saturating_add(takes);
            }
        }
    }
}

/// The calls of a service, one for each callee and budget, and how many it stands for. What only forwards
/// takes one route for each request: of those to one callee the most patient comes first, and what the
/// callee does in turn is shown within that.
fn alike(service: ServiceView<'_>) -> Vec<(CallView<'_>, usize)> {
    type Key = (ServiceId, Option<(Limit, String)>);
    let mut calls: Vec<(Key, CallView<'_>, usize)> = Vec::new();
    for call in service.calls().filter(|call| call.call().to != service.id()) {
        let budget = wait(call, Duration::ZERO, Limit::Never).map(|wait| (wait.most, wait.sum));
        let key = (call.call().to, budget);
        match calls.iter_mut().find(|(known, ..)| *known == key) {
            Some((.., count)) => *count += 1,
            None => calls.push((key, call, 1)),
        }
    }
    if service.service().forwards {
        let mut first: BTreeMap<ServiceId, usize> = BTreeMap::new();
        for (index, ((to, _), ..)) in calls.iter().enumerate() {
            first.entry(*to).or_insert(index);
        }
        calls.sort_by_cached_key(|((to, budget), ..)| {
            let finite = budget.as_ref().and_then(|(limit, _)| limit.finite());
            (first.get(to).copied(), std::cmp::Reverse(finite))
        });
    }
    calls.into_iter().map(|(_, call, count)| (call, count)).collect()
}

/// The limit of a service's own work on a request.
fn own_limit(service: ServiceView<'_>) -> Option<(Limit, Origin)> {
    let (setting, limit) = service
        .groups()
        .filter_map(|group: GroupView<'_>| group.limit(Covers::Handler))
        .min_by_key(|l| l.1)?;
    Some((limit, setting.value.origin.clone()))
}

/// How long a caller waits in a call that starts at `start`, of which it has until `end`.
fn wait(call: CallView<'_>, start: Duration, end: Limit) -> Option<Wait> {
    let mut budget = Budget::of(call);
    // Systems end a connect of their own accord; a sum with it would have no end.
    budget.connect = budget.connect.filter(|(_, limit)| *limit != Limit::Never);
    let all = budget.attempt.map(|_| budget.all_attempts());
    let (by, one): (&Setting, Limit) = match (budget.overall, all) {
        (Some((_, overall)), Some(all)) if all < overall => (budget.attempt?.0, all),
        (Some((setting, overall)), _) => (setting, overall),
        (None, Some(all)) => (budget.attempt?.0, all),
        (None, None) => return None,
    };
    let by_overall = budget.overall.is_some_and(|(setting, _)| std::ptr::eq(setting, by));
    let mut sum = match budget.written().filter(|_| !by_overall) {
        Some(sum) => sum,
        None => one.to_string(),
    };
    let times = call.call().per_request;
    let most = one.times(times);
    if times != 1 {
        sum = format!("{times} times {sum}");
    }
    let ends = Limit::After(start).then(most);
    let slack = ends.finite().zip(end.finite()).map(|(ends, end)| match end.checked_sub(ends) {
        Some(left) => Slack::Left(left),
        None => Slack::Over(ends.saturating_sub(end)),
    });
    let pieces = pieces(&budget, one, times);
    let answer = patience(call).map_or(Limit::Never, |(.., limit)| Limit::After(limit));
    // Where the call ends as a whole before both have run out, the connect is no wait of its own.
    let connect = match pieces.first() {
        Some(&Piece::Connect(connect)) if Limit::After(connect).then(answer) <= one => connect,
        _ => Duration::ZERO,
    };
    Some(Wait {
        most,
        connect,
        answer,
        sum,
        key: by.key.clone(),
        origin: by.value.origin.clone(),
        pieces,
        slack,
    })
}

/// Attempts and waits in their order, cut where the call as a whole ends.
fn pieces(budget: &Budget<'_>, one: Limit, times: u64) -> Vec<Piece> {
    let Some(end) = one.finite() else { return Vec::new() };
    let attempts = budget.attempts.0.0;
    let length = |limit: Option<(&Setting, Limit)>| limit.and_then(|(_, limit)| limit.finite());
    let attempt = length(budget.attempt).unwrap_or(end);
    // A connect that the call's end may come before is no wait of its own.
    let connect = length(budget.connect).filter(|_| budget.one_attempt() <= one).unwrap_or_default();
    let mut pieces = Vec::new();
    if attempts.saturating_mul(times) > MOST_PIECES || attempt.is_zero() {
        return vec![Piece::Attempt(end.saturating_mul(u32::try_from(times).unwrap_or(u32::MAX)))];
    }
    for _ in 0..times {
        let mut left = end;
        for done in 0..attempts {
            let before = budget.waits(Attempts(done + 1)).saturating_sub(budget.waits(Attempts(done.max(1))));
            for piece in [Piece::Backoff(before), Piece::Connect(connect), Piece::Attempt(attempt)] {
                let length = piece.length().min(left);
                left -= length;
                if !length.is_zero() {
                    pieces.push(piece.with_length(length));
                }
            }
        }
    }
    pieces
}
