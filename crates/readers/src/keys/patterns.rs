//! The table of words: what keys hold, from the most to the least specific, and what that means. Words
//! alone; must name no product.

use model::{Covers, HashField, Knob, Topic};

use crate::words::{Any, Words, any, split_once};

/// What a pattern says of the keys it matches.
#[derive(Debug, Clone, Copy)]
pub(super) enum Says {
    /// The words say it.
    Knob(Knob),
    /// The likeliest meaning of words that leave it open.
    Guess(Knob),
    /// It only looks like one of ours.
    NotOurs,
}

/// What a key's words must be. It is written as words, all of which the key must hold. Alternatives
/// are joined with `|`; `!word` must be absent; `/word` must stand in one of the two nearest
/// enclosing keys; `word$` must be the last word (units left aside) and `=word` the only one.
pub(super) struct Pattern {
    wants: [Option<Want>; Pattern::MOST],
    pub(super) says: Says,
}

/// One of the demands of a pattern.
#[derive(Debug, Clone, Copy)]
enum Want {
    Held(Any),
    Absent(Any),
    Around(Any),
    Last(Any),
    Only(Any),
}

impl Pattern {
    /// No pattern has more demands.
    const MOST: usize = 6;

    const fn new(words: &'static str, says: Says) -> Self {
        let mut wants = [None; Self::MOST];
        let mut count = 0;
        let mut rest = Some(words);
        while let Some(words) = rest {
            let (want, behind) = split_once(words, " ");
            wants[count] = Some(Want::new(want));
            count += 1;
            rest = behind;
        }
        Self { wants, says }
    }

    /// The marks of the words of which a key must have one, by its first demand on them; none where it
    /// has no such demand.
    const fn first(&self) -> u64 {
        let mut at = 0;
        while at < Self::MOST {
            if let Some(Want::Held(any) | Want::Last(any) | Want::Only(any)) = self.wants[at] {
                return any.marks();
            }
            at += 1;
        }
        0
    }

    fn matches(&self, words: &Words, around: &Words) -> bool {
        self.wants.iter().flatten().all(|want| match *want {
            Want::Held(any) => words.has_any(any),
            Want::Absent(any) => !words.has_any(any),
            Want::Around(any) => around.has_any(any),
            Want::Last(any) => words.last_is(any),
            Want::Only(any) => words.only(any),
        })
    }
}

impl Want {
    const fn new(want: &'static str) -> Self {
        match want.as_bytes() {
            [b'!', ..] => Self::Absent(any(want.split_at(1).1)),
            [b'/', ..] => Self::Around(any(want.split_at(1).1)),
            [b'=', ..] => Self::Only(any(want.split_at(1).1)),
            [.., b'$'] => Self::Last(any(want.split_at(want.len() - 1).0)),
            _ => Self::Held(any(want)),
        }
    }
}

const fn knob(words: &'static str, knob: Knob) -> Pattern {
    Pattern::new(words, Says::Knob(knob))
}

const fn guess(words: &'static str, knob: Knob) -> Pattern {
    Pattern::new(words, Says::Guess(knob))
}

const fn not_ours(words: &'static str) -> Pattern {
    Pattern::new(words, Says::NotOurs)
}

const fn limit(words: &'static str, covers: Covers) -> Pattern {
    knob(words, Knob::Timeout(covers))
}

const fn likely(words: &'static str, covers: Covers) -> Pattern {
    guess(words, Knob::Timeout(covers))
}

/// The first pattern that the words of a key fit, with the words around it.
pub(super) fn find(words: &Words, around: &Words) -> Option<&'static Pattern> {
    let mut patterns = FIRST.iter().zip(PATTERNS);
    let may_fit = |first: u64| first == 0 || words.has_mark_of(first);
    let found = patterns.find(|&(&first, pattern)| may_fit(first) && pattern.matches(words, around));
    found.map(|(_, pattern)| pattern)
}

/// What each pattern asks of a key first, close together: most keys fail there at most patterns.
static FIRST: [u64; PATTERNS.len()] = {
    let mut first = [0; PATTERNS.len()];
    let mut at = 0;
    while at < first.len() {
        first[at] = PATTERNS[at].first();
        at += 1;
    }
    first
};

/// The meaning of words, most specific first.
const PATTERNS: &[Pattern] = &[
    // Password hashes: the words of the two algorithms stand for nothing else.
    guess("argon2|argon2id memory|m", Knob::Hash(HashField::Memory)),
    guess("=memory /argon2|argon2id", Knob::Hash(HashField::Memory)),
    knob("argon2|argon2id iterations|passes|time|t !timeout", Knob::Hash(HashField::Iterations)),
    knob("=iterations|passes /argon2|argon2id", Knob::Hash(HashField::Iterations)),
    knob("argon2|argon2id parallelism|lanes|threads|p", Knob::Hash(HashField::Lanes)),
    knob("=parallelism|lanes /argon2|argon2id", Knob::Hash(HashField::Lanes)),
    knob("bcrypt cost|rounds|strength", Knob::Hash(HashField::Cost)),
    knob("=cost|rounds|strength /bcrypt", Knob::Hash(HashField::Cost)),
    // Tokens.
    knob("clock skew|tolerance|leeway", Knob::ClockSkew),
    knob("token|jwt|tokens leeway|skew", Knob::ClockSkew),
    knob("token refresh|renewal|renew before|lead|margin|ahead|threshold", Knob::TokenLead),
    knob("token refresh|renewal|renew interval|period|every !reuse|lifetime|grace|rate", Knob::TokenRefresh),
    knob(
        "token ttl|lifetime|lifespan|expiry|expiration|expires|validity !max|idle|reuse|grace",
        Knob::TokenLife,
    ),
    knob("=ttl|lifetime|lifespan /token|tokens", Knob::TokenLife),
    knob("access|id|refresh ttl|lifetime|lifespan /token|tokens !max|idle|reuse|grace", Knob::TokenLife),
    knob("refresh|renew interval|period|every /token|tokens !reuse|grace|rate", Knob::TokenRefresh),
    knob("refresh|renew before|lead|margin|ahead /token|tokens", Knob::TokenLead),
    knob("=leeway|skew /token|tokens|jwt", Knob::ClockSkew),
    // Company of our keys: what is named, run, shown or stored, not how long or how often.
    not_ours("name|names|image|tag|version|path|file|dir|directory|url|uri|host|hostname|port|id|ids|uuid$"),
    not_ours("command|cmd|message|msg|text|description|title|label|labels|template|script|help|comment$"),
    not_ours("user|username|password|secret|class|type|kind|schema|namespace|metric|metrics|log|logs$"),
    not_ours("key|keys|cidr|cidrs|subnet|ip|ips|address|addr|prefix|suffix|expr|topic|exchange$"),
    knob("initial size /pool|pooling|datasource|dbcp|dbcp2|druid|tomcat", Knob::Other(Topic::Pool)),
    not_ours("size|bytes|buffer|memory|kb|mb !pool"),
    not_ours("login|failed|password|auth|otp|verification|signin|guess attempts|attempt"),
    // Wrong passwords and bans, not calls.
    not_ours(
        "retry|retries|attempts|attempt /login|signin|regulation|ban|bans|jail|lockout|bruteforce|fail2ban",
    ),
    // How often all clients together may retry.
    not_ours("=count|interval|percent /rate|budget|budgets"),
    not_ours("logging|log level"),
    // How often, not how long: memcached proxies count failures until a server is taken out.
    not_ours("timeout|timeouts until"),
    not_ours("time|timestamp|date$ last|first|next|created|updated !timeout"),
    // Conditions, then switches.
    knob(
        "retry|retries|retryable|retriable on|codes|code|status|statuses|methods|method|conditions",
        Knob::RetryOn,
    ),
    knob("retry|retries|retryable|retriable exceptions|errors|error|exception|when|if", Knob::RetryOn),
    knob("on|codes|statuses|methods|conditions /retry|retries|retrypolicy", Knob::RetryOn),
    knob("enable|enabled|disable|disabled|use|allow retry|retries", Knob::Other(Topic::Retry)),
    knob("enable|enabled|disable|disabled|use|allow keepalive", Knob::KeepAlive),
    knob("enable|enabled|disable|disabled|use|allow pool|pools|pooling", Knob::Other(Topic::Pool)),
    knob("enable|enabled|disable|disabled|use|allow timeout|deadline", Knob::Other(Topic::Timeout)),
    knob("enable|enabled|disable|disabled|use|allow backoff|jitter", Knob::Other(Topic::Backoff)),
    knob("=enable|enabled|disable|disabled /retry|retries", Knob::Other(Topic::Retry)),
    knob("=enable|enabled|disable|disabled /keepalive", Knob::KeepAlive),
    // One attempt of several.
    limit("per try timeout", Covers::Attempt),
    limit("try|attempt|attempts timeout", Covers::Attempt),
    // Back-off.
    knob("backoff limit", Knob::Retries),
    knob("jitter backoff|retry|retries", Knob::Jitter),
    knob("=jitter /retry|retries|backoff", Knob::Jitter),
    knob("backoff multiplier|factor|exponent|rate|coefficient", Knob::BackoffFactor),
    knob("retry|retries multiplier|factor|exponent", Knob::BackoffFactor),
    knob("multiplier|factor|exponent /retry|retries|backoff", Knob::BackoffFactor),
    limit("retry|retries|backoff elapsed|total max|time|timeout|duration", Covers::WholeCall),
    limit("elapsed max|time /retry|retries|backoff", Covers::WholeCall),
    knob("max|maximum|cap|ceiling backoff !retries|attempts", Knob::BackoffMax),
    knob("max|maximum retry interval|delay|wait|sleep|backoff|period", Knob::BackoffMax),
    knob("max|maximum interval|delay|wait|backoff|sleep /retry|retries|backoff", Knob::BackoffMax),
    knob("=max|maximum|cap /backoff", Knob::BackoffMax),
    knob("initial|base|min|minimum|start|first|delay|interval|period backoff", Knob::BackoffBase),
    knob("=initial|base|min|minimum|start|delay|interval|period|duration /backoff", Knob::BackoffBase),
    knob(
        "retry|retries interval|delay|wait|sleep|pause|period|step|spacing|every|backoff",
        Knob::BackoffBase,
    ),
    knob("initial|min|base interval|delay|wait|backoff|sleep /retry|retries|backoff", Knob::BackoffBase),
    knob("interval|delay|wait|pause|sleep /retry|retries|backoff !timeout", Knob::BackoffBase),
    guess("=backoff", Knob::BackoffBase),
    guess("backoff$", Knob::BackoffBase),
    knob("backoff", Knob::Other(Topic::Backoff)),
    // Retries and attempts.
    guess("retry|retries timeout|deadline", Knob::Timeout(Covers::WholeCall)),
    guess("retry after", Knob::BackoffBase),
    knob("attempts|attempt /retries", Knob::Retries),
    guess("retry attempts|attempt", Knob::Attempts),
    knob("max|maximum|num|number|count attempts|attempt", Knob::Attempts),
    knob("tries max|maximum|num|number|count|next", Knob::Attempts),
    guess("attempts$", Knob::Attempts),
    guess("=tries", Knob::Attempts),
    knob("max|maximum|num|number|count|limit|times|auto|nr|total retries|retry", Knob::Retries),
    knob("=max|maximum|count|limit|times|num /retry|retries", Knob::Retries),
    knob("retries", Knob::Retries),
    guess("retry$", Knob::Retries),
    knob("retry", Knob::Other(Topic::Retry)),
    knob("attempts|attempt", Knob::Other(Topic::Retry)),
    // Keep-alive and idle connections, before the pools and connects that share their words.
    knob("idle transaction timeout", Knob::Other(Topic::Timeout)),
    knob("max|maximum idle connections|connection", Knob::PoolIdle),
    knob("min|minimum idle !timeout !time", Knob::PoolFloor),
    knob(
        "idle max|maximum|min|size|count /pool|pooling|datasource|hikari|dbcp|dbcp2|druid|jedis|lettuce \
         !timeout !time",
        Knob::PoolIdle,
    ),
    knob("executor|executors|session|sessions|cache|cached idle timeout", Knob::Other(Topic::Timeout)),
    limit("idle timeout|time|duration|lifetime !check", Covers::Idle),
    limit("=idle /timeout|timeouts", Covers::Idle),
    limit("keepalive timeout", Covers::Idle),
    limit("timeout /keepalive", Covers::Idle),
    knob("keepalive interval|period|intvl|ping|every|time|idle", Knob::Interval),
    knob("interval|period|time|idle /keepalive", Knob::Interval),
    knob("keepalive probes|probe|count|cnt|retries", Knob::Other(Topic::KeepAlive)),
    knob("requests per connection", Knob::KeepAlive),
    knob("keepalive", Knob::KeepAlive),
    // Pools.
    limit("acquire|acquisition|acquiring|checkout|borrow|obtain timeout", Covers::PoolWait),
    limit("pool|queue wait timeout", Covers::PoolWait),
    limit("timeout /acquire|acquisition|checkout", Covers::PoolWait),
    limit("=acquire|acquisition|checkout|pool /timeout|timeouts", Covers::PoolWait),
    limit("wait max|maximum|timeout /pool|pooling", Covers::PoolWait),
    likely("pool timeout", Covers::PoolWait),
    likely("=timeout /pool", Covers::PoolWait),
    likely("timeout queue", Covers::PoolWait),
    likely("=queue /timeout|timeouts", Covers::PoolWait),
    limit("pool recycle|lifetime|age", Covers::Lifetime),
    limit("connection|connections lifetime|age", Covers::Lifetime),
    limit("max|maximum connection duration", Covers::Lifetime),
    limit(
        "max|maximum lifetime|age /pool|pooling|connection|connections|hikari|datasource",
        Covers::Lifetime,
    ),
    limit("max|maximum lifetime !session|token|cookie|login|refresh|cache|user", Covers::Lifetime),
    limit("keepalive age", Covers::Lifetime),
    knob(
        "thread|threads|worker|workers|executor|scheduler|memory|buffer|ip|address|node|storage pool|pools",
        Knob::Other(Topic::Pool),
    ),
    knob("pool initial !timeout", Knob::Other(Topic::Pool)),
    knob("pool min|minimum|core !timeout", Knob::PoolFloor),
    knob("pool idle !timeout", Knob::PoolIdle),
    knob("=initial /pool|pooling", Knob::Other(Topic::Pool)),
    knob("=min|minimum /pool|pooling", Knob::PoolFloor),
    knob("pool size|max|maximum|limit|capacity|connections", Knob::PoolSize),
    knob("=max|maximum|size|limit|capacity|connections /pool|pooling", Knob::PoolSize),
    knob(
        "max|maximum active|total|size|open /pool|pooling|datasource|dbcp|dbcp2|druid|jedis|lettuce",
        Knob::PoolSize,
    ),
    knob("max|maximum|limit|total connections", Knob::PoolSize),
    knob("max|maximum|limit|open connection !timeout !time !age", Knob::PoolSize),
    knob("=connections /limits|limit", Knob::PoolSize),
    guess("=pool|pools|poolsize", Knob::PoolSize),
    knob("pool|pools", Knob::Other(Topic::Pool)),
    // Start and stop.
    knob("termination|stop|kill|terminate grace", Knob::Grace),
    knob("prestop|stop delay|sleep|wait pre|prestop", Knob::PreStop),
    limit(
        "shutdown|drain|draining|grace|graceful|stop|termination|terminate timeout|deadline",
        Covers::Drain,
    ),
    limit("shutdown|drain|draining grace|graceful|period|time|delay|wait|duration|interval", Covers::Drain),
    limit("timeout|period|time|delay|wait|duration /shutdown|drain|draining|graceful", Covers::Drain),
    limit("deregistration delay", Covers::Drain),
    limit("=drain|shutdown /timeout|timeouts", Covers::Drain),
    // Time limits whose words name what they cover.
    knob(
        "lease|session|sessions|cache|token|cookie|lock|job|build|install|upgrade|rollout|deploy timeout",
        Knob::Other(Topic::Timeout),
    ),
    knob(
        "timeout /session|sessions|token|tokens|cookie|cookies|lease|webauthn|totp",
        Knob::Other(Topic::Timeout),
    ),
    // How long something may last in all: a job, a session.
    knob("active|absolute|webauthn|totp deadline|timeout", Knob::Other(Topic::Timeout)),
    knob(
        "otp|code|lockout|ban|invite|inactivity|heartbeat|election|rebalance|login timeout",
        Knob::Other(Topic::Timeout),
    ),
    knob("progress|startup|start|boot|wait|ready deadline|timeout", Knob::Other(Topic::Timeout)),
    limit("tls|ssl|handshake timeout", Covers::Tls),
    limit("connect|connecting|dial timeout|deadline", Covers::Connect),
    likely("connection timeout !read !request", Covers::Connect),
    limit("=connect|dial|connection /timeout|timeouts", Covers::Connect),
    limit("timeout /connect", Covers::Connect),
    limit("statement|query|sql timeout|deadline", Covers::Statement),
    limit("=statement|query /timeout|timeouts", Covers::Statement),
    limit("header|headers response timeout", Covers::FirstByte),
    limit("first byte timeout", Covers::FirstByte),
    knob("header|headers|body timeout", Knob::Timeout(Covers::Unknown)),
    limit("handler timeout|deadline", Covers::Handler),
    likely("worker timeout", Covers::Handler),
    likely("response timeout", Covers::FirstByte),
    likely("=response /timeout|timeouts", Covers::FirstByte),
    likely("read|receive|recv|socket timeout", Covers::BetweenBytes),
    likely("=read|receive|recv|socket /timeout|timeouts", Covers::BetweenBytes),
    knob("write|send timeout", Knob::Timeout(Covers::Unknown)),
    knob("=write|send /timeout|timeouts", Knob::Timeout(Covers::Unknown)),
    limit("whole|overall|total|call|operation timeout|deadline", Covers::WholeCall),
    limit("=whole|overall|total|call|operation /timeout|timeouts", Covers::WholeCall),
    likely("command timeout", Covers::Attempt),
    likely("request|http|api|rpc timeout|deadline", Covers::WholeCall),
    likely("=request|http /timeout|timeouts", Covers::WholeCall),
    likely("timeout|deadline", Covers::WholeCall),
];
