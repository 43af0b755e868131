//! When the configuration is audited: at the start, at the moments of `[audit]`, and soon after a file of it
//! changed. Runs what it was handed on a thread of its own; what an audit is, it does not know.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use croner::Cron;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{MissedTickBehavior, interval};
use watch::audits::Audited;
use watch::journal::Input;
use watch::plan::{Schedule, When};
use watch::time::At;

use crate::clock::Wall;
use crate::files::Files;
use crate::run::Host;

/// How often files and the time are looked at.
const POLL: Duration = Duration::from_secs(2);

/// Where files go on changing for so many looks, they are audited as they are: what never settles must not
/// keep an audit away for ever.
const LONGEST_DEPLOYMENT: u32 = 5;

/// An audit that was run.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    /// What it says.
    pub audited: Audited,
    /// What it read, and the directories it looked through: a change of one of them asks for another audit.
    pub files: Vec<PathBuf>,
}

/// Moments that come again, understood.
#[derive(Debug)]
pub(crate) enum Moments {
    Every(Duration),
    Cron(Box<Cron>, TimeZone),
}

impl Moments {
    /// Understands what the plan says.
    pub(crate) fn of(when: &When) -> Result<Self, String> {
        Ok(match when {
            When::Every(length) => Self::Every(*length),
            When::Cron { expression, zone } => {
                let cron = Cron::from_str(expression)
                    .map_err(|error| format!("`{expression}` is no cron expression: {error}"))?;
                let zone = TimeZone::get(zone).map_err(|_| format!("there is no time zone `{zone}`"))?;
                Self::Cron(Box::new(cron), zone)
            }
        })
    }

    /// The first of them after a moment; none where there is none, as on a 31st of February.
    pub(crate) fn after(&self, last: At) -> Option<At> {
        match self {
            Self::Every(length) => Some(last.after(*length)),
            Self::Cron(cron, zone) => {
                let last = Timestamp::from_millisecond(i64::try_from(last.0).ok()?).ok()?;
                let next = cron.find_next_occurrence(&last.to_zoned(zone.clone()), false).ok()?;
                u64::try_from(next.timestamp().as_millisecond()).ok().map(At)
            }
        }
    }
}

/// Audits for ever.
pub(crate) async fn keep(
    schedule: Schedule,
    moments: Moments,
    host: Arc<dyn Host>,
    wall: Wall,
    told: UnboundedSender<Input>,
) {
    let mut pace = interval(POLL);
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut files = Files::default();
    // The first audit is due at once: what changed while nobody watched is to be seen.
    let mut due = Some(wall());
    // A change waits until nothing changed for one look: a deployment writes more than one file.
    let mut unsettled = 0;
    loop {
        pace.tick().await;
        let looked = tokio::task::spawn_blocking(move || {
            let changed = files.changed();
            (files, changed)
        });
        let changed;
        (files, changed) = looked.await.unwrap_or_default();
        let settled = unsettled > 0 && (!changed || unsettled >= LONGEST_DEPLOYMENT);
        unsettled = if changed && schedule.on_change && !settled { unsettled + 1 } else { 0 };
        let now = wall();
        if !(settled || due.is_some_and(|due| due <= now)) {
            continue;
        }
        let runner = host.clone();
        let run = tokio::task::spawn_blocking(move || {
            let audit = runner.audit();
            // As they were before the audit, where they were known: what changes while it runs may or may
            // not have been read, and is audited again. Only of what is new to it that is not known.
            (audit.audited, files.go_on(audit.files))
        });
        let (audited, read) = run.await.unwrap_or_else(|_| {
            let stopped = Some("the audit failed, which is a bug of Forewarn's".to_owned());
            (Audited { stopped, ..Audited::default() }, Files::default())
        });
        files = read;
        // From when it began, or an audit that takes long would put off the next.
        due = moments.after(now);
        if told.send(Input::Audited(audited)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> At {
        At(u64::try_from(text.parse::<Timestamp>().unwrap().as_millisecond()).unwrap())
    }

    fn cron(expression: &str, zone: &str) -> Moments {
        Moments::of(&When::Cron { expression: expression.into(), zone: zone.into() }).unwrap()
    }

    #[test]
    fn a_cron_expression_holds_in_its_zone_whatever_its_clocks_do() {
        let mornings = cron("0 6 * * 1-5", "Europe/Rome");
        // Friday before the clocks go forward, then Monday.
        assert_eq!(mornings.after(at("2027-03-26T05:00:00Z")), Some(at("2027-03-29T04:00:00Z")));
        // A time that does not exist on the day the clocks go forward comes when it would have been over.
        let night = cron("30 2 * * *", "Europe/Rome");
        let next = night.after(at("2027-03-28T00:00:00Z")).unwrap();
        assert!(next > at("2027-03-28T00:00:00Z") && next < at("2027-03-29T01:00:00Z"), "{next:?}");
    }

    #[test]
    fn what_is_no_expression_or_no_zone_is_said() {
        let of = |expression: &str, zone: &str| {
            Moments::of(&When::Cron { expression: expression.into(), zone: zone.into() }).unwrap_err()
        };
        assert!(of("every day", "Europe/Rome").starts_with("`every day` is no cron expression"));
        assert_eq!(of("0 6 * * *", "Europe/Atlantis"), "there is no time zone `Europe/Atlantis`");
    }

    #[test]
    fn a_moment_that_never_comes_is_none() {
        assert_eq!(cron("0 0 31 2 *", "UTC").after(at("2027-01-01T00:00:00Z")), None);
    }
}
