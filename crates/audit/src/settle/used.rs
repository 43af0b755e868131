//! Which suppressions hide something, and what is to be said of those that do not and of what is left
//! of a baseline. Hides nothing itself.

use std::collections::BTreeSet;

use model::Finding;

use crate::allow::{Allow, Scope};
use crate::baseline::Baseline;
use crate::date::Date;
use crate::notice::{Notice, NoticeKind};

/// The rules of suppressions that covered a finding: number of the suppression, number of the rule in it.
#[derive(Debug, Default)]
pub(super) struct Used(BTreeSet<(usize, usize)>);

impl Used {
    /// The suppressions in force that cover a finding in some environment, by number.
    pub(super) fn covering(
        &mut self,
        allows: &[Allow],
        finding: &Finding,
        path: &str,
        key: &str,
        today: Option<Date>,
    ) -> Vec<usize> {
        let mut covering = Vec::new();
        for (number, allow) in allows.iter().enumerate() {
            let Some(rule) = allow.covers(finding, path, key) else { continue };
            let environments = &finding.environments;
            let holds = match environments.is_empty() {
                true => allow.holds_in(None),
                false => environments.iter().any(|name| allow.holds_in(Some(name))),
            };
            if holds {
                self.0.insert((number, rule));
                if allow.acts(today) {
                    covering.push(number);
                }
            }
        }
        covering
    }

    /// What is to be said of suppressions that no longer act or hide nothing.
    pub(super) fn notices(
        &self,
        allows: &[Allow],
        today: Option<Date>,
        ran: &dyn Fn(&str) -> bool,
        whole: bool,
    ) -> Vec<Notice> {
        let mut notices = Vec::new();
        for (number, allow) in allows.iter().enumerate() {
            for (index, (rule, span)) in allow.rules.iter().enumerate() {
                let is_used = self.0.contains(&(number, index));
                // Of what `forewarn.toml` describes the rest of the tree may hold an example.
                let is_judged = ran(rule) && (whole || matches!(allow.scope, Scope::Part(_)));
                match allow.until {
                    Some(until) if !allow.acts(today) => notices.push(Notice::new(
                        NoticeKind::SuppressionExpired,
                        *span,
                        format!("this suppression of `{rule}` ended on {until}"),
                        match is_used {
                            true => "repair what it hid, or give it a new day and reason",
                            false if is_judged => "remove it: it would hide nothing",
                            false => "remove it, or give it a new day and reason",
                        },
                    )),
                    _ if is_judged && !is_used => notices.push(Notice::new(
                        NoticeKind::SuppressionUnused,
                        *span,
                        format!("this suppression of `{rule}` hides nothing"),
                        "remove it: the finding is gone, or it never stood here",
                    )),
                    _ => {}
                }
            }
        }
        notices
    }
}

/// What is to be said of the entries that are left of a baseline after all findings were looked up.
pub(super) fn gone(left: &Baseline, ran: &dyn Fn(&str) -> bool) -> Option<Notice> {
    let is_known = |rule: &str| rules::RULES.iter().any(|known| known.name == rule);
    let gone = left.entries().filter(|(identity, ..)| !is_known(&identity.rule) || ran(&identity.rule));
    let (mut all, mut first) = (0_usize, None);
    for (_, count, span) in gone {
        all = all.saturating_add(count);
        first = first.min(span).or(span);
    }
    let (findings, occur) = if all == 1 { ("finding", "occurs") } else { ("findings", "occur") };
    first.map(|span| {
        let title = format!("{all} {findings} of the baseline no longer {occur}");
        Notice::new(NoticeKind::BaselineGone, span, title, "`forewarn baseline` takes out what is gone")
    })
}
