//! What a run cannot show because of how it was staged: where what was measured ends, and what the proxies
//! could not tell apart. A report says it beside the verdict.

use model::percent;
use model::{Latency, Limit};

use crate::file::Test;
use crate::proxy::Counted;

/// What is to be said of a test and of what went through its proxies, by the names of dependencies.
#[must_use]
pub fn notes(test: &Test, counted: &[(String, Counted)]) -> Vec<String> {
    let mut notes = Vec::new();
    for dependency in &test.dependencies {
        let replayed = &dependency.replayed;
        let phases =
            [("connect", &replayed.connect), ("answer", &replayed.answer), ("request", &replayed.request)];
        for (phase, latency) in phases {
            let note = latency.as_ref().and_then(beyond);
            notes.extend(note.map(|note| format!("{}, {phase}: {note}", dependency.name)));
        }
        if replayed.connect.is_some() {
            notes.push(format!(
                "{}, connect: the kernel takes a connection at once, so its delay shows at the first byte: \
                 a limit on the TCP handshake alone is not tried, one that holds TLS or a first answer is",
                dependency.name
            ));
        }
    }
    for (name, counted) in counted {
        if counted.multiplexed > 0 {
            notes.push(format!(
                "{name}: {} of {} connections spoke HTTP/2, whose calls share turns: each was delayed as a \
                 whole",
                counted.multiplexed, counted.connections
            ));
        }
        if counted.tls > 0 {
            notes.push(format!(
                "{name}: {} of {} connections were TLS: turns are told by its records, and calls that share a \
                 connection, as those of HTTP/2 inside it do, are not told apart",
                counted.tls, counted.connections
            ));
        }
    }
    notes
}

/// What is drawn beyond what was measured.
fn beyond(latency: &Latency) -> Option<String> {
    let replay = latency.replay()?;
    let (share, at) = (replay.measured_up_to(), replay.measured_at());
    let rest = 1.0 - share;
    if let (Some(least), Some(Limit::After(limit))) = (replay.cut(), latency.in_force) {
        return Some(format!(
            "the timeout of {limit:?} then in force cut {} of the calls; they are replayed as at least \
             {least:?}, and nothing measured says how much longer they take",
            percent(rest)
        ));
    }
    (replay.longest() > at).then(|| {
        format!(
            "nothing was measured beyond {at:?}; the slowest {} are carried on along the same line, up to {:?}",
            percent(rest),
            rounded(replay.longest())
        )
    })
}

fn rounded(length: std::time::Duration) -> std::time::Duration {
    std::time::Duration::from_millis(length.as_millis().try_into().unwrap_or(u64::MAX)).max(MILLISECOND)
}

const MILLISECOND: std::time::Duration = std::time::Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use text::{FileId, Source};

    use super::*;

    fn test(answer: &str) -> Test {
        let text = format!(
            "kind = \"service\"\nname = \"n\"\ncandidate = {{ file = \"a.toml\" }}\n\
             [[process]]\nname = \"p\"\ncommand = [\"true\"]\nready = {{ ended = true }}\n\
             [[dependency]]\nname = \"db\"\naddress = \"127.0.0.1:1\"\n{answer}\n\
             [[step]]\nname = \"s\"\nurl = \"http://127.0.0.1:1/\"\n[load]\nrate = 1\n[objective]\ngood = \"99%\"\n"
        );
        let source = Source::new(FileId(0), "a.test.toml", text);
        crate::parse::parse(&source, &|name| Err(format!("no {name}"))).expect("no mistake")
    }

    #[test]
    fn where_what_was_measured_ends_is_said() {
        let quantiles = "quantiles = { p50 = \"222ms\", p99 = \"505ms\", \"p99.9\" = \"1s\" }";
        let cut = test(&format!("answer = {{ calls = 41200, timeout_in_force = \"1s\", {quantiles} }}"));
        let whole = test(&format!("answer = {{ calls = 41200, {quantiles} }}\nconnect = \"1ms\""));
        let counted = Counted { connections: 3, multiplexed: 1, tls: 2, ..Counted::default() };
        let all = [notes(&cut, &[]), notes(&whole, &[("db".to_owned(), counted)])].concat();
        insta::assert_snapshot!(all.join("\n"), @r"
        db, answer: the timeout of 1s then in force cut 1 % of the calls; they are replayed as at least 1s, and nothing measured says how much longer they take
        db, answer: nothing was measured beyond 1s; the slowest 0.1 % are carried on along the same line, up to 2.385s
        db, connect: the kernel takes a connection at once, so its delay shows at the first byte: a limit on the TCP handshake alone is not tried, one that holds TLS or a first answer is
        db: 1 of 3 connections spoke HTTP/2, whose calls share turns: each was delayed as a whole
        db: 2 of 3 connections were TLS: turns are told by its records, and calls that share a connection, as those of HTTP/2 inside it do, are not told apart
        ");
        assert_eq!(rounded(Duration::ZERO), MILLISECOND);
    }
}
