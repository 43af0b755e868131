//! Values that break what the comment beside them asks for.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use model::{
    Environment, FailureMode, Finding, Fleet, GroupId, Label, Level, Limit, Origin, Relation, Setting, Side,
    Subject, Value,
};

use crate::owners::Owners;
use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "value-against-comment",
    summary: "a comment asks for a value above or below that of another key, and it is not",
    mode: FailureMode::ConfigurationDrift,
    level: Level::Warning,
    since: "0.1",
    docs: include_str!("value_against_comment.md"),
    check: Check::Environment(check),
};

/// A setting and where it belongs.
#[derive(Clone, Copy)]
struct Place<'f> {
    setting: &'f Setting,
    group: GroupId,
    owner: Option<&'f str>,
}

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let owners = Owners::of(fleet, environment);
    let all: Vec<Place<'_>> = environment
        .groups(fleet)
        .flat_map(|group| {
            let place = (group.id(), owners.name(group.id()));
            group.settings().map(move |setting| Place { setting, group: place.0, owner: place.1 })
        })
        .collect();
    if all.iter().all(|place| place.setting.relations.is_empty()) {
        return;
    }
    let mut by_leaf: BTreeMap<&str, Vec<Place<'_>>> = BTreeMap::new();
    for place in &all {
        by_leaf.entry(leaf(&place.setting.key)).or_default().push(*place);
    }
    for place in &all {
        for relation in &place.setting.relations {
            let named = by_leaf.get(leaf(&relation.than)).map_or(&[][..], Vec::as_slice);
            let Some(other) = meant(*place, relation, named) else { continue };
            if let Some(broken) = Broken::of(place.setting, relation, other) {
                found.report(broken.finding(place.owner));
            }
        }
    }
}

/// The last part of a key.
fn leaf(key: &str) -> &str {
    key.rsplit(['.', ' ']).next().unwrap_or(key).trim_start_matches('-')
}

/// Whether a comment that names a key so can mean this one: the whole key, or its end.
fn is_named(key: &str, name: &str) -> bool {
    key.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with(['.', ' ', '-']))
        && (name.contains('.') || leaf(key) == name.trim_start_matches('-'))
}

/// Whether a name is telling enough to be one and the same thing all over an environment:
/// `WORKER_TIMEOUT_MS`, and not `read_timeout`, which any server may have.
fn is_telling(name: &str) -> bool {
    name.split(['_', '-', '.']).filter(|part| !part.is_empty()).count() >= 3
}

/// The other setting: the one of that name in the same block, else of the same service, else in the
/// same file, else of the environment. Where there are several values nobody knows which is meant.
fn meant<'f>(place: Place<'f>, relation: &Relation, named: &[Place<'f>]) -> Option<&'f Setting> {
    let candidates: Vec<&Place<'_>> = named
        .iter()
        .filter(|other| is_named(&other.setting.key, &relation.than))
        .filter(|other| !std::ptr::eq(other.setting, place.setting))
        .collect();
    let file = |place: &Place<'_>| place.setting.value.origin.span().map(|span| span.file);
    let near: [&dyn Fn(&Place<'_>) -> bool; 4] = [
        &|other| other.group == place.group,
        &|other| other.owner.is_some() && other.owner == place.owner,
        &|other| file(other) == file(&place),
        &|_| is_telling(&relation.than),
    ];
    let nearest = near.iter().find_map(|is_near| {
        let near: Vec<&&Place<'_>> = candidates.iter().filter(|other| is_near(other)).collect();
        (!near.is_empty()).then_some(near)
    })?;
    let (first, rest) = nearest.split_first()?;
    rest.iter().all(|other| other.setting.value.value == first.setting.value.value).then_some(first.setting)
}

/// A comment that does not hold.
struct Broken<'f> {
    setting: &'f Setting,
    relation: &'f Relation,
    other: &'f Setting,
    assumptions: Vec<String>,
}

impl<'f> Broken<'f> {
    fn of(setting: &'f Setting, relation: &'f Relation, other: &'f Setting) -> Option<Self> {
        let holds = match (compare(&setting.value.value, &other.value.value)?, relation.side) {
            (order, Side::Above) => order.is_gt(),
            (order, Side::AtLeast) => order.is_ge(),
            (order, Side::AtMost) => order.is_le(),
            (order, Side::Below) => order.is_lt(),
        };
        // What a value covers is the same on both sides of a comment; its length must not be a guess.
        let is_guess =
            |setting: &&Setting| setting.unit.is_assumed() || setting.limit() == Some(Limit::Never);
        let both = [setting, other].into_iter();
        let mut assumptions: Vec<String> = both.filter(is_guess).flat_map(labels::guesses).collect();
        if matches!(setting.value.value, Value::UnitUnknown(_)) {
            assumptions = vec![format!("that `{}` and `{}` are in one unit", setting.key, other.key)];
        }
        (!holds).then_some(Self { setting, relation, other, assumptions })
    }

    fn finding(self, owner: Option<&str>) -> Finding {
        let Self { setting, relation, other, assumptions } = self;
        let asked = match relation.side {
            Side::Above => "more than",
            Side::AtLeast => "at least",
            Side::AtMost => "at most",
            Side::Below => "less than",
        };
        let (value, limit) = (shown(setting), shown(other));
        let labels = vec![
            labels::at(setting, &value),
            labels::at(other, &limit),
            Label { origin: Origin::Written(relation.at), text: "what the comment asks for".to_owned() },
        ];
        Finding {
            rule: RULE.name,
            level: RULE.level,
            basis: labels::basis(&labels),
            mode: RULE.mode,
            environments: Vec::new(),
            subject: owner.map_or_else(
                || Subject::Setting(setting.key.clone()),
                |name| Subject::Service(name.to_owned()),
            ),
            title: format!(
                "the comment at `{}` asks for {asked} `{}`, and {value} is not {asked} {limit}",
                setting.key, relation.than
            ),
            labels,
            arithmetic: Vec::new(),
            help: format!(
                "give `{}` {asked} {limit}, change `{}`, or the comment if it no longer holds",
                setting.key, other.key
            ),
            assumptions,
        }
    }
}

/// A value, of which the unit may not be known.
fn shown(setting: &Setting) -> String {
    match &setting.value.value {
        Value::UnitUnknown(number) => number.to_string(),
        value => value.to_string(),
    }
}

fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        (Value::Count(a), Value::Count(b)) => Some(a.cmp(b)),
        (Value::Number(a), Value::Number(b)) | (Value::UnitUnknown(a), Value::UnitUnknown(b)) => {
            a.partial_cmp(b)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn the_outer_limit_is_not_longer() {
        insta::assert_snapshot!(run(&RULE, r#"
            front.yaml: front -> worker
              env.FRONT_TIMEOUT_MS  whole-call  10s  above=WORKER_TIMEOUT_MS
            worker.yaml: worker
              env.WORKER_TIMEOUT_MS  handler  10s
        "#), @r"
        warning (across files, configuration-drift, front): the comment at `env.FRONT_TIMEOUT_MS` asks for more than `WORKER_TIMEOUT_MS`, and 10 s is not more than 10 s
          front.yaml:2 env.FRONT_TIMEOUT_MS = 10s -- 10 s
          worker.yaml:4 env.WORKER_TIMEOUT_MS = 10s -- 10 s
          front.yaml:2 env.FRONT_TIMEOUT_MS = 10s -- what the comment asks for
          help: give `env.FRONT_TIMEOUT_MS` more than 10 s, change `env.WORKER_TIMEOUT_MS`, or the comment if it no longer holds
        ");
    }

    #[test]
    fn the_nearest_key_of_that_name_is_meant() {
        insta::assert_snapshot!(run(&RULE, r#"
            pools.yaml: auth [pool]
              users.max_idle   pool-idle  20  at-most=max_open
              users.max_open   pool-size  10
            pools.yaml: auth [pool]
              mail.max_open    pool-size  50
        "#), @r"
        warning (in file, configuration-drift, auth): the comment at `users.max_idle` asks for at most `max_open`, and 20 is not at most 10
          pools.yaml:2 users.max_idle = 20 -- 20
          pools.yaml:3 users.max_open = 10 -- 10
          pools.yaml:2 users.max_idle = 20 -- what the comment asks for
          help: give `users.max_idle` at most 10, change `users.max_open`, or the comment if it no longer holds
        ");
    }

    #[test]
    fn numbers_in_one_unknown_unit_are_compared() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.yaml: auth
              a.timeout  whole-call  9?  below=a.grace
              a.grace    whole-call  5?
        "#), @r"
        warning (assumed, configuration-drift, auth): the comment at `a.timeout` asks for less than `a.grace`, and 9 is not less than 5
          auth.yaml:2 a.timeout = 9? -- 9
          auth.yaml:3 a.grace = 5? -- 5
          auth.yaml:2 a.timeout = 9? -- what the comment asks for
          help: give `a.timeout` less than 5, change `a.grace`, or the comment if it no longer holds
          assumed: that `a.timeout` and `a.grace` are in one unit
        ");
    }

    #[test]
    fn what_holds_and_what_is_not_clear_is_quiet() {
        for fleet in [
            r#"
            front.yaml: front
              env.FRONT_TIMEOUT  handler  10s  above=WORKER_TIMEOUT_MS
            worker.yaml: worker
              env.WORKER_TIMEOUT_MS  handler  9s
            "#,
            // A name that any server may have.
            r#"
            front.yaml: front
              env.FRONT_TIMEOUT  handler  10s  above=read_timeout
            worker.yaml: worker
              env.read_timeout  handler  20s
            "#,
            r#"
            front.yaml: front
              env.FRONT_TIMEOUT  handler  10s  above=WORKER_TIMEOUT_MS
            a.yaml: a
              env.WORKER_TIMEOUT_MS  handler  20s
            b.yaml: b
              env.WORKER_TIMEOUT_MS  handler  30s
            "#,
            r#"
            front.yaml: front
              env.FRONT_TIMEOUT  handler  10s  above=WORKER_TIMEOUT
              env.X_WORKER_TIMEOUT  handler  20s
            "#,
            r#"
            front.yaml: front
              env.FRONT_TIMEOUT  handler  10s  above=WORKER_TIMEOUT
              env.WORKER_TIMEOUT  handler  20?
            "#,
        ] {
            assert_eq!(run(&RULE, fleet), "", "{fleet}");
        }
    }
}
