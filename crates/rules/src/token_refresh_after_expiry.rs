//! A token that is renewed later than it ends, or so early that it is renewed without end. Compares
//! only what one group of settings says of one token.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{Environment, FailureMode, Finding, Fleet, GroupView, Knob, Level, Setting, Subject, pretty};

use crate::owners::Owners;
use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "token-refresh-after-expiry",
    summary: "a token ends before it is renewed",
    mode: FailureMode::ExpiredCredential,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("token_refresh_after_expiry.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let owners = Owners::of(fleet, environment);
    let mut said = BTreeSet::new();
    for group in environment.groups(fleet) {
        // Of several tokens there is no telling which one is renewed.
        let Some((life, ends)) = only(group, Knob::TokenLife) else { continue };
        let skew = only(group, Knob::ClockSkew);
        let judged = [Knob::TokenRefresh, Knob::TokenLead].into_iter().filter_map(|knob| {
            let (renewal, length) = only(group, knob)?;
            let late = match knob {
                Knob::TokenRefresh => length + skew.map_or(Duration::ZERO, |(_, skew)| skew) >= ends,
                _ => length >= ends,
            };
            (late && said.insert(&renewal.value.origin)).then_some((knob, renewal, length))
        });
        for (knob, renewal, length) in judged {
            let owner = owners.name(group.id());
            found.report(finding(owner, (life, ends), (knob, renewal, length), skew));
        }
    }
}

/// The only setting of a knob in a group, with its length.
fn only(group: GroupView<'_>, knob: Knob) -> Option<(&Setting, Duration)> {
    let mut settings = group.settings().filter(|setting| setting.knob == knob);
    let setting = settings.next().filter(|_| settings.next().is_none())?;
    Some((setting, setting.length()?))
}

fn finding(
    owner: Option<&str>,
    (life, ends): (&Setting, Duration),
    (knob, renewal, length): (Knob, &Setting, Duration),
    skew: Option<(&Setting, Duration)>,
) -> Finding {
    let whose = owner.map_or_else(String::new, |name| format!(" of {name}"));
    // Where the interval alone fits, it is the clocks that may make it late.
    let skew = skew.filter(|_| knob == Knob::TokenRefresh && length < ends);
    let (at_renewal, title) = match (knob, skew) {
        (Knob::TokenRefresh, None) => (
            "between two renewals",
            format!(
                "the token{whose} is renewed every {}, but ends after {}: between them every call is refused",
                pretty(length),
                pretty(ends)
            ),
        ),
        (Knob::TokenRefresh, Some((_, skew))) => (
            "between two renewals",
            format!(
                "the token{whose} is renewed {} before its end, but clocks may differ by {}: calls are refused in between",
                pretty(ends - length),
                pretty(skew)
            ),
        ),
        _ => (
            "renewed so long before its end",
            format!(
                "the token{whose} is to be renewed {} before its end, but lives {}: it is due as soon as it is issued",
                pretty(length),
                pretty(ends)
            ),
        ),
    };
    let mut places = vec![labels::at(renewal, at_renewal), labels::at(life, "ends after it")];
    places.extend(skew.map(|(setting, _)| labels::at(setting, "by so much clocks may differ")));
    let sum = match skew {
        Some((_, skew)) => format!("{} + {} >= {}", pretty(length), pretty(skew), pretty(ends)),
        None => format!("{} >= {}", pretty(length), pretty(ends)),
    };
    // A renewal that fails can then be tried again while the old token still holds.
    let (share, of) = if knob == Knob::TokenRefresh { (ends / 2, "half") } else { (ends / 3, "a third") };
    let mut assumptions = labels::guesses_of(&[life, renewal]);
    assumptions.extend(skew.iter().flat_map(|(setting, _)| labels::guesses(setting)));
    Finding {
        rule: RULE.name,
        level: if skew.is_some() { Level::Warning } else { Level::Error },
        basis: labels::basis(&places),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: owner
            .map_or_else(|| Subject::Setting(renewal.key.clone()), |name| Subject::Service(name.to_owned())),
        title,
        labels: places,
        arithmetic: vec![sum],
        help: format!("set `{}` to at most {}, {of} of the token's life", renewal.key, pretty(share)),
        assumptions,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn renewed_after_its_end() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth
              token_ttl      token-life     5m
              token_refresh  token-refresh  10m
        "), @r"
        error (in file, expired-credential, auth): the token of auth is renewed every 10 min, but ends after 5 min: between them every call is refused
          auth.toml:3 token_refresh = 10m -- between two renewals
          auth.toml:2 token_ttl = 5m -- ends after it
          sum: 10 min >= 5 min
          help: set `token_refresh` to at most 2.5 min, half of the token's life
        ");
    }

    #[test]
    fn clocks_that_differ_count() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth
              token_ttl      token-life     5m
              token_refresh  token-refresh  280s
              clock_skew     clock-skew     30s
        "), @r"
        warning (in file, expired-credential, auth): the token of auth is renewed 20 s before its end, but clocks may differ by 30 s: calls are refused in between
          auth.toml:3 token_refresh = 280s -- between two renewals
          auth.toml:2 token_ttl = 5m -- ends after it
          auth.toml:4 clock_skew = 30s -- by so much clocks may differ
          sum: 280 s + 30 s >= 5 min
          help: set `token_refresh` to at most 2.5 min, half of the token's life
        ");
    }

    #[test]
    fn due_at_once() {
        insta::assert_snapshot!(run(&RULE, "
            cert.yaml: auth
              duration      token-life  24h
              renew_before  token-lead  24h
        "), @r"
        error (in file, expired-credential, auth): the token of auth is to be renewed 24 h before its end, but lives 24 h: it is due as soon as it is issued
          cert.yaml:3 renew_before = 24h -- renewed so long before its end
          cert.yaml:2 duration = 24h -- ends after it
          sum: 24 h >= 24 h
          help: set `renew_before` to at most 8 h, a third of the token's life
        ");
    }

    #[test]
    fn quiet_where_it_fits_or_the_token_is_not_known() {
        for text in [
            "a: auth
               token_ttl      token-life     1h
               token_refresh  token-refresh  30m",
            "a: auth
               access_token_ttl   token-life     5m
               refresh_token_ttl  token-life     30d
               token_refresh      token-refresh  10m",
            "a: auth
               token_ttl      token-life     never
               token_refresh  token-refresh  10m",
            "a: auth
               token_refresh  token-refresh  10m
             b: auth
               token_ttl      token-life     5m",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
