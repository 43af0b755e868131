//! Start and stop of a pod: grace period, `preStop`, and the rollout's own times.

use model::{Knob, Limit, Origin, Setting, Sourced, TimeUnit, Topic, Unit, Value, Written};
use text::{Node, NodeKind, Scalar, Span};

use super::probe::integer;
use crate::{Ignored, Reason};

/// The pod's time to stop. `SetDefaults_PodSpec`; 0 means that it is killed at once.
pub(super) fn grace(
    path: &str,
    spec: Node<'_>,
    near: Option<Span>,
    ignored: &mut Vec<Ignored>,
) -> Option<Setting> {
    let key = format!("{path}terminationGracePeriodSeconds");
    let entry = spec.entry("terminationGracePeriodSeconds");
    if let Some(entry) = entry.filter(|entry| super::is_set(entry.value)) {
        return match seconds(key.clone(), Knob::Grace, entry.value) {
            Ok(setting) => Some(setting),
            Err(reason) => {
                ignored.push(Ignored { key, span: super::whole(&entry), reason });
                None
            }
        };
    }
    let near = entry.map(|entry| entry.key.span()).or(near)?;
    Some(Setting {
        unit: Unit::Product,
        ..Setting::new(
            key,
            Knob::Grace,
            Sourced {
                value: Value::Time(Limit::After(TimeUnit::Seconds.times(30.0))),
                origin: Origin::Default {
                    near,
                    of: "Kubernetes terminationGracePeriodSeconds",
                    version: "all versions, kubernetes.io API reference PodSpec v1 core",
                },
            },
        )
    })
}

/// Times of the rollout or of the job, where they are written. What restarts a whole job retries no call.
pub(super) fn rollout(spec: Node<'_>, ignored: &mut Vec<Ignored>) -> Vec<Setting> {
    for name in ["backoffLimit", "startingDeadlineSeconds"] {
        if let Some(entry) = spec.entry(name) {
            let span = super::whole(&entry);
            ignored.push(Ignored { key: name.to_owned(), span, reason: Reason::NotOurs });
        }
    }
    let mut settings = Vec::new();
    for name in ["minReadySeconds", "progressDeadlineSeconds", "activeDeadlineSeconds"] {
        let Some(entry) = spec.entry(name).filter(|entry| super::is_set(entry.value)) else { continue };
        match seconds(name.to_owned(), Knob::Other(Topic::Lifecycle), entry.value) {
            Ok(setting) => settings.push(setting),
            Err(reason) => {
                ignored.push(Ignored { key: name.to_owned(), span: super::whole(&entry), reason });
            }
        }
    }
    settings
}

/// A key whose value is a whole number of seconds.
pub(crate) fn seconds(key: String, knob: Knob, node: Node<'_>) -> Result<Setting, Reason> {
    let number = integer(node.scalar().ok_or(Reason::NotAnAmount)?)? as f64;
    Ok(time(key, knob, number, Origin::Written(crate::embedded::place(node)), Some(TimeUnit::Seconds)))
}

fn time(key: String, knob: Knob, number: f64, origin: Origin, name: Option<TimeUnit>) -> Setting {
    Setting {
        unit: Unit::Product,
        written: Some(Written { number, name, bare: Some(TimeUnit::Seconds), ..Written::default() }),
        ..Setting::new(
            key,
            knob,
            Sourced { value: Value::Time(Limit::After(TimeUnit::Seconds.times(number))), origin },
        )
    }
}

/// The wait of a `preStop` hook, if it says one: `sleep.seconds`, or `sleep N` in a command.
pub(crate) fn pre_stop(path: &str, hook: Node<'_>) -> Option<Result<Setting, Ignored>> {
    if let Some(node) = hook.at(&["sleep", "seconds"]) {
        let key = format!("{path}.sleep.seconds");
        let ignored = |reason| Ignored { key: key.clone(), span: node.span(), reason };
        return Some(seconds(key.clone(), Knob::PreStop, node).map_err(ignored));
    }
    let command = hook.at(&["exec", "command"])?;
    let sleeps = match command.kind() {
        NodeKind::List => sleeps(command.items().filter_map(Node::scalar)),
        _ => sleeps(command.scalar().into_iter()),
    };
    let sum: f64 = sleeps.iter().map(|(number, _)| number).sum();
    let origin = match &sleeps[..] {
        [] => return None,
        [(_, span)] => Origin::Written(*span),
        all => Origin::Derived(all.iter().map(|(_, span)| Origin::Written(*span)).collect()),
    };
    Some(Ok(time(format!("{path}.exec.command"), Knob::PreStop, sum, origin, None)))
}

/// Every `sleep N` of a command, in seconds, with the place of N. Those of one script add up.
fn sleeps<'t>(arguments: impl Iterator<Item = Scalar<'t>>) -> Vec<(f64, Span)> {
    let mut found = Vec::new();
    let mut follows = false;
    for argument in arguments {
        for (start, word) in words(argument.text()) {
            let number = word.trim_end_matches(['s', 'm', 'h']);
            let unit = match &word[number.len()..] {
                "" | "s" => Some(1.0),
                "m" => Some(60.0),
                "h" => Some(3_600.0),
                _ => None,
            };
            if follows
                && let (Ok(amount), Some(unit)) = (number.parse::<f64>(), unit)
                && amount.is_finite()
                && amount >= 0.0
            {
                found.push((amount * unit, argument.part(start..start + word.len())));
            }
            follows = word == "sleep" || word.ends_with("/sleep");
        }
    }
    found
}

/// The words of a script with their offsets. Operators and quotes only separate.
fn words(script: &str) -> impl Iterator<Item = (usize, &str)> {
    let separates =
        |c: char| c.is_ascii_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')' | '\'' | '"' | '`');
    let mut next = 0;
    script.split(separates).filter_map(move |word| {
        let start = next;
        next += word.len() + 1; // Every separator is one byte.
        (!word.is_empty()).then_some((start, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use text::{FileId, PositionMap, Tree};

    fn slept(script: &str) -> Vec<(f64, &str)> {
        let tree = Tree::of_text(FileId(0), script.to_owned(), PositionMap::shifted(0));
        sleeps(tree.scalar().into_iter())
            .into_iter()
            .map(|(seconds, span)| (seconds, &script[span.start as usize..span.end as usize]))
            .collect()
    }

    #[test]
    fn a_sleep_is_a_word_with_a_number_behind_it() {
        assert_eq!(slept("sleep 15"), [(15.0, "15")]);
        assert_eq!(slept("/bin/sleep 0.5s && exit"), [(0.5, "0.5s")]);
        assert_eq!(slept("(sleep 2m;\nnginx -s quit); sleep 10"), [(120.0, "2m"), (10.0, "10")]);
    }

    #[test]
    fn other_words_and_numbers_are_no_sleep() {
        for script in
            ["", "sleep", "sleep $WAIT", "asleep 5", "sleep -5", "sleep inf", "timeout 5", "sleep 5x"]
        {
            assert!(slept(script).is_empty(), "{script}");
        }
    }
}
