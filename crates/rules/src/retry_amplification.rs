//! Retries of several layers multiply: one request at the top can become so many at the bottom,
//! and does so just when the bottom is in trouble.

use std::collections::BTreeMap;

use model::{
    Attempts, CallId, CallView, Environment, FailureMode, Finding, Fleet, Label, Level, ServiceId, Setting,
    Subject,
};

use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "retry-amplification",
    summary: "retries of several layers multiply",
    mode: FailureMode::RetryStorm,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("retry_amplification.md"),
    check: Check::Environment(check),
};

/// Longer chains of calls are not followed: 3 attempts at each of 16 hops are 43 million.
const MOST_HOPS: usize = 16;

/// One call that is repeated.
#[derive(Clone, Copy)]
struct Hop<'f> {
    call: CallView<'f>,
    attempts: u64,
    by: Option<&'f Setting>,
}

/// Calls one below the other, and how many requests one request becomes at the end.
#[derive(Clone)]
struct Path<'f> {
    hops: Vec<Hop<'f>>,
    product: u64,
}

impl<'f> Path<'f> {
    /// This path and one call more; `None` where it would come back to a service it has passed.
    fn then(&self, hop: Hop<'f>) -> Option<Self> {
        let to = hop.call.call().to;
        let passed = self.hops.iter().any(|known| known.call.call().from == to);
        if passed || hop.call.call().from == to || self.hops.len() == MOST_HOPS {
            return None;
        }
        let mut hops = self.hops.clone();
        hops.push(hop);
        Some(Self { hops, product: self.product.saturating_mul(hop.attempts) })
    }

    fn end(&self) -> Option<ServiceId> {
        self.hops.last().map(|hop| hop.call.call().to)
    }

    /// The hops that multiply.
    fn retrying(&self) -> impl Iterator<Item = &Hop<'f>> {
        self.hops.iter().filter(|hop| hop.attempts > 1)
    }

    /// Whether another path has all the hops that multiply here.
    fn lies_in(&self, other: &Path<'_>) -> bool {
        let holds = |call: CallId| other.retrying().any(|hop| hop.call.id() == call);
        self.retrying().all(|hop| holds(hop.call.id()))
    }
}

fn check(fleet: &Fleet, environment: &Environment, margins: &Margins, found: &mut Found) {
    let mut worst: Vec<Path<'_>> = worst_paths(fleet, environment)
        .into_values()
        .filter(|path| {
            let first = path.retrying().find_map(|hop| hop.by);
            first.is_some_and(|s| path.product > margins.at(&s.value.origin).attempts_warning)
        })
        .collect();
    worst.sort_by_key(|path| (std::cmp::Reverse(path.product), path.hops.len(), path.end()));
    // Reported paths by the calls that multiply in them: only those that share a call can hold another.
    let mut said: BTreeMap<CallId, Vec<&Path<'_>>> = BTreeMap::new();
    for path in &worst {
        let last = path.retrying().last().map(|hop| hop.call.id());
        let longer = last.and_then(|call| said.get(&call));
        if longer.is_some_and(|longer| longer.iter().any(|longer| path.lies_in(longer))) {
            continue;
        }
        found.report(finding(path, margins));
        for hop in path.retrying() {
            said.entry(hop.call.id()).or_default().push(path);
        }
    }
}

/// The path with the largest product to each service. Grows paths by one hop at a time and keeps
/// the worst to each service, so that its cost is hops times calls and not the number of paths. In
/// a fleet without cycles this is exact; where a cycle makes the worst path come back to itself, a
/// lesser one stands for it.
fn worst_paths<'f>(fleet: &'f Fleet, environment: &'f Environment) -> BTreeMap<ServiceId, Path<'f>> {
    let hops: Vec<Hop<'f>> = environment
        .calls(fleet)
        .map(|call| {
            let (attempts, by) = Attempts::of(call);
            Hop { call, attempts: attempts.0, by }
        })
        .collect();
    let none = Path { hops: Vec::new(), product: 1 };
    let mut worst: BTreeMap<ServiceId, Path<'f>> = BTreeMap::new();
    let mut grown: BTreeMap<ServiceId, Path<'f>> = BTreeMap::new();
    for length in 0..MOST_HOPS {
        let mut longer: BTreeMap<ServiceId, Path<'f>> = BTreeMap::new();
        for hop in &hops {
            // A path starts where it first multiplies.
            let start = if hop.attempts > 1 && length == 0 { Some(&none) } else { None };
            let Some(path) = start.or_else(|| grown.get(&hop.call.call().from)) else { continue };
            // Most paths are no worse than one already found, and those need no copy.
            let product = path.product.saturating_mul(hop.attempts);
            if longer.get(&hop.call.call().to).is_some_and(|known| known.product >= product) {
                continue;
            }
            if let Some(path) = path.then(*hop) {
                longer.insert(hop.call.call().to, path);
            }
        }
        for (&end, path) in &longer {
            // And ends where it last does.
            let multiplies = path.hops.last().is_some_and(|hop| hop.attempts > 1);
            if multiplies && worst.get(&end).is_none_or(|known| known.product < path.product) {
                worst.insert(end, path.clone());
            }
        }
        grown = longer;
    }
    worst
}

fn finding(path: &Path<'_>, margins: &Margins) -> Finding {
    let hops: Vec<&Hop<'_>> = path.retrying().collect();
    let (top, bottom) = (hops[0].call.from().name(), hops[hops.len() - 1].call.to().name());
    let labels: Vec<Label> = hops
        .iter()
        .filter_map(|hop| {
            let (from, to) = (hop.call.from().name(), hop.call.to().name());
            Some(labels::at(
                hop.by?,
                format!("{} from {from} to {to}", labels::counted(hop.attempts, "attempt")),
            ))
        })
        .collect();
    let set = margins.at(&labels[0].origin);
    let (level, bound) = if path.product > set.attempts_error {
        (Level::Error, set.attempts_error)
    } else {
        (Level::Warning, set.attempts_warning)
    };
    // Retries that products bring along are few, and most of them wait for another server: worth knowing.
    let chosen = hops.iter().filter_map(|hop| hop.by).any(|setting| !setting.value.origin.is_default());
    let level = if chosen { level } else { Level::Note };
    let factors: Vec<String> = hops.iter().map(|hop| hop.attempts.to_string()).collect();
    let help = if hops.len() > 1 {
        format!(
            "retry at one layer only: keep the retries next to {bottom} and set `{}` to no retry",
            hops[0].by.map_or("", |s| &s.key)
        )
    } else {
        format!("lower `{}`, or bound the retries by a budget", hops[0].by.map_or("", |s| &s.key))
    };
    let mut assumptions: Vec<String> =
        hops.iter().filter_map(|hop| hop.by).flat_map(labels::guesses).collect();
    assumptions.extend(path.hops.iter().flat_map(|hop| hop.call.call().assumptions.iter().cloned()));
    let sum = if hops.len() > 1 { format!("{} = ", factors.join(" x ")) } else { String::new() };
    Finding {
        rule: RULE.name,
        level,
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: Subject::Call(top.to_owned(), bottom.to_owned()),
        title: format!(
            "one request of {top} can become {} at {bottom} when {bottom} is in trouble",
            path.product
        ),
        labels,
        arithmetic: vec![format!("{sum}{} > {bound}", path.product)],
        help,
        assumptions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::run;

    #[test]
    fn three_layers_multiply() {
        insta::assert_snapshot!(run(&RULE, r#"
            edge.yaml: edge -> auth
              num_retries   retries   3
            auth.toml: auth -> tokens
              timeout       attempt   1s
            tokens.yaml: tokens -> ledger
              max-attempts  attempts  3
            ledger.toml: ledger -> store
              retries       retries   2  default "Toy retries"
        "#), @r"
        error (across files, retry-storm, edge -> store): one request of edge can become 36 at store when store is in trouble
          edge.yaml:2 num_retries = 3 -- 4 attempts from edge to auth
          tokens.yaml:6 max-attempts = 3 -- 3 attempts from tokens to ledger
          ledger.toml:8 retries = 2 -- 3 attempts from ledger to store; 2 is the default of Toy retries, not set here
          sum: 4 x 3 x 3 = 36 > 10
          help: retry at one layer only: keep the retries next to store and set `num_retries` to no retry
        ");
    }

    #[test]
    fn what_products_repeat_of_their_own_accord_is_a_note() {
        insta::assert_snapshot!(run(&RULE, r#"
            mesh.yaml: web -> auth
              attempts  retries  2  default "Toy retries"
            mesh.yaml: auth -> users
              attempts  retries  2  default "Toy retries"
        "#), @r"
        note (in file, retry-storm, web -> users): one request of web can become 9 at users when users is in trouble
          mesh.yaml:2 attempts = 2 -- 3 attempts from web to auth; 2 is the default of Toy retries, not set here
          mesh.yaml:4 attempts = 2 -- 3 attempts from auth to users; 2 is the default of Toy retries, not set here
          sum: 3 x 3 = 9 > 4
          help: retry at one layer only: keep the retries next to users and set `attempts` to no retry
        ");
    }

    #[test]
    fn one_layer_that_repeats_very_often() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth -> directory
              retries  retries  5
            auth.toml: directory -> users
              retries  retries  0
        "), @r"
        warning (in file, retry-storm, auth -> directory): one request of auth can become 6 at directory when directory is in trouble
          auth.toml:2 retries = 5 -- 6 attempts from auth to directory
          sum: 6 > 4
          help: lower `retries`, or bound the retries by a budget
        ");
    }

    #[test]
    fn cycles_end() {
        insta::assert_snapshot!(run(&RULE, "
            a.toml: a -> b
              retries  retries  2
            b.toml: b -> a
              retries  retries  2
            b.toml: b -> b
              retries  retries  9
            b.toml: b -> c
              retries  retries  2
        "), @r"
        warning (across files, retry-storm, a -> c): one request of a can become 9 at c when c is in trouble
          a.toml:2 retries = 2 -- 3 attempts from a to b
          b.toml:8 retries = 2 -- 3 attempts from b to c
          sum: 3 x 3 = 9 > 4
          help: retry at one layer only: keep the retries next to c and set `retries` to no retry
        ");
    }

    #[test]
    fn quiet_where_one_layer_repeats_a_little() {
        for text in [
            "e: edge -> auth
               retries  retries  3
             a: auth -> directory
               retries  retries  0",
            // Beside each other, not one below the other.
            "a: auth -> directory
               retries  retries  3
             a: auth -> sessions
               retries  retries  3",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }

    #[test]
    fn dense_fleets_are_quick() {
        let mut text = String::new();
        for from in 0..40 {
            for to in (0..40).filter(|to| *to != from) {
                text += &format!("f: s{from} -> s{to}\n r retries 2\n");
            }
        }
        assert!(run(&RULE, &text).starts_with("error"));
    }
}
