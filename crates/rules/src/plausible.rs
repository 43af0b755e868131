//! Which lengths of time a setting can sensibly have, and what a number would be in another unit:
//! the table behind the rules about units.
//!
//! A value is called misread only where three things hold: its unit was not written beside it, it is
//! implausible as it stands, and in another unit it is a number people write. So an extreme that
//! somebody chose (a day for a stream, 1 ms on purpose with its unit) is no mistake here. What is
//! called misread is not known to the rules that reckon with values ([`trusted`]).

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use model::{
    Covers, Fleet, GroupKind, GroupView, Knob, Level, ProbeField, Setting, SettingId, TimeUnit, Unit, Value,
    Written,
};

use crate::stage::Stage;

/// What is plausible for one kind of setting.
pub(crate) struct Bounds {
    /// Shorter than this is a mistake; none where short values are harmless.
    pub(crate) floor: Option<(Duration, Level, &'static str)>,
    /// Longer than this is one; none where long values are harmless.
    pub(crate) ceiling: Option<(Duration, Level, &'static str)>,
    /// Very long is a legal choice (streams), so a power of ten is taken as "as good as for ever".
    long_by_choice: bool,
}

/// From here up to its ceiling a limit on one read or one statement is suspect where its number is
/// a whole thousand: 5000 is how one writes 5 s in milliseconds, and nobody writes 83 min so.
/// Up to an hour people do wait for reports, and 3600 is written as often as "1h".
fn suspect_from(knob: Knob) -> Option<Duration> {
    match knob {
        Knob::Timeout(Covers::BetweenBytes | Covers::Statement) => Some(hours(1)),
        _ => None,
    }
}

const fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

const fn hours(number: u64) -> Duration {
    Duration::from_secs(number * 3_600)
}

const NO_ANSWER_SO_FAST: &str = "no call over a network that does work is so fast";
const AS_GOOD_AS_NEVER: &str = "whoever waits has given up long before";

/// Bounds by what a setting controls. Each line says why; levels follow what the mistake costs.
pub(crate) fn bounds(knob: Knob, kind: GroupKind) -> Option<Bounds> {
    let bounds = |floor, ceiling, long_by_choice| Some(Bounds { floor, ceiling, long_by_choice });
    match knob {
        // 100 ms is above what one disk write or one round trip between regions takes; a bare number
        // below it in a product that counts milliseconds is a number of seconds. Long polls, uploads
        // and streams live for hours, so the ceiling is a warning and powers of ten are let pass.
        Knob::Timeout(
            Covers::WholeCall
            | Covers::Attempt
            | Covers::FirstByte
            | Covers::BetweenBytes
            | Covers::ResponseWrite,
        ) => bounds(
            Some((ms(100), Level::Error, NO_ANSWER_SO_FAST)),
            Some((hours(2), Level::Warning, AS_GOOD_AS_NEVER)),
            true,
        ),
        // Nothing legitimate holds a worker or a statement of a service for hours.
        Knob::Timeout(Covers::Handler | Covers::Statement) => bounds(
            Some((ms(100), Level::Error, "work of the size of a request is cut")),
            Some((hours(2), Level::Error, "what hangs holds its worker for as long")),
            true,
        ),
        // One round trip is below 1 ms in a rack and 50 ms across a continent. Upwards the kernel
        // ends it: Linux gives up on SYN after about two minutes (tcp_syn_retries in ip-sysctl).
        Knob::Timeout(Covers::Connect | Covers::Tls) => bounds(
            Some((ms(50), Level::Error, "one delayed packet fails it")),
            Some((Duration::from_secs(600), Level::Warning, "the kernel gives up after about two minutes")),
            false,
        ),
        // Opening one connection takes longer than the floor, so a pool that grows fails its callers.
        Knob::Timeout(Covers::PoolWait) => bounds(
            Some((ms(100), Level::Error, "opening one connection takes longer")),
            Some((hours(1), Level::Error, AS_GOOD_AS_NEVER)),
            false,
        ),
        // A client that drops idle connections within a second has no use of them. On a server it may
        // be on purpose: the HAProxy manual names 1 ms for very large sites.
        Knob::Timeout(Covers::Idle) => bounds(
            match kind {
                GroupKind::Client | GroupKind::Pool => {
                    Some((ms(1_000), Level::Warning, "connections are closed before they are reused"))
                }
                _ => None,
            },
            Some((hours(12), Level::Warning, "connections of clients long gone are kept")),
            true,
        ),
        // HikariCP takes nothing below 30 s (its README); a third of it leaves other pools room.
        Knob::Timeout(Covers::Lifetime) => bounds(
            Some((ms(10_000), Level::Warning, "connections are replaced faster than they are used")),
            Some((hours(120), Level::Warning, "longer than what lies between keeps a connection")),
            false,
        ),
        Knob::Timeout(Covers::Drain) => bounds(
            Some((ms(100), Level::Error, "requests in flight are cut")),
            Some((hours(2), Level::Warning, "what stops the process does not wait so long")),
            false,
        ),
        Knob::Grace => {
            bounds(None, Some((hours(2), Level::Warning, "a process that hangs is kept for as long")), true)
        }
        Knob::PreStop => {
            bounds(None, Some((hours(1), Level::Error, "the kill comes before the signal")), false)
        }
        Knob::Probe(_, ProbeField::Timeout) => bounds(
            Some((ms(100), Level::Error, "a busy server does not answer so fast")),
            Some((Duration::from_secs(1_000), Level::Error, "what hangs is never noticed")),
            false,
        ),
        Knob::Probe(_, ProbeField::Period) => bounds(
            Some((ms(100), Level::Warning, "the checks themselves are load")),
            Some((Duration::from_secs(1_000), Level::Warning, "what fails is noticed too late")),
            false,
        ),
        Knob::Probe(_, ProbeField::InitialDelay) => bounds(
            None,
            Some((Duration::from_secs(1_000), Level::Warning, "nothing is checked until then")),
            false,
        ),
        Knob::BackoffBase => {
            bounds(None, Some((Duration::from_secs(600), Level::Warning, AS_GOOD_AS_NEVER)), false)
        }
        _ => None,
    }
}

/// Which way a value is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Off {
    /// Far too short.
    Short,
    /// Far too long.
    Long,
}

/// A number that makes sense in another unit than the one it is read in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Misread {
    /// The number as written.
    pub(crate) number: f64,
    /// The unit it is read in.
    pub(crate) read_as: TimeUnit,
    /// How long that is.
    pub(crate) length: Duration,
    /// The unit in which it makes sense.
    pub(crate) meant: TimeUnit,
    /// How long that would be.
    pub(crate) would_be: Duration,
    /// Which way it is off.
    pub(crate) off: Off,
    /// What the mistake costs.
    pub(crate) level: Level,
    /// Why the value as read makes no sense.
    pub(crate) why: &'static str,
    /// It could be meant as it stands; only its whole thousands speak against it.
    pub(crate) is_suspicion: bool,
}

/// The misread number of a setting, if it is one. `strictness` is the share of the floor, and of a
/// ceiling's inverse, that counts: 1 where nobody saw the unit, less where the key names it.
pub(crate) fn misread(setting: &Setting, kind: GroupKind) -> Option<Misread> {
    let written = setting.written?;
    if written.suffix.is_some() || written.number <= 0.0 {
        return None;
    }
    let read_as = match setting.unit {
        Unit::Product => written.bare?,
        Unit::InName => written.name?,
        _ => return None,
    };
    let length = setting.length()?;
    let bounds = bounds(setting.knob, kind)?;
    let (floor, ceiling) =
        (bounds.floor.map(|(floor, ..)| floor), bounds.ceiling.map(|(ceiling, ..)| ceiling));
    let is_suspect = suspect_from(setting.knob).is_some_and(|from| length > from)
        && read_as == TimeUnit::Seconds
        && written.number % 1_000.0 == 0.0;
    let (off, (beyond, level, why)) = match (bounds.floor, bounds.ceiling) {
        (Some(short), _) if length < short.0 => (Off::Short, short),
        (_, Some(long)) if length > long.0 || is_suspect => (Off::Long, long),
        _ => return None,
    };
    let is_suspicion = off == Off::Long && length <= beyond;
    let level = if is_suspicion { Level::Warning } else { level };
    if off == Off::Long && bounds.long_by_choice && is_power_of_ten(written.number) {
        return None;
    }
    let sensible = |unit: TimeUnit| {
        let would_be = unit.times(written.number);
        let within =
            floor.is_none_or(|floor| would_be >= floor) && ceiling.is_none_or(|ceiling| would_be <= ceiling);
        let towards = match off {
            Off::Short => unit.nanos() > read_as.nanos(),
            Off::Long => unit.nanos() < read_as.nanos(),
        };
        (towards && within && is_written(would_be)).then_some((unit, would_be))
    };
    let near = [TimeUnit::Seconds, TimeUnit::Milliseconds, TimeUnit::Minutes];
    let (meant, would_be) =
        written.elsewhere.and_then(sensible).or_else(|| near.into_iter().find_map(sensible))?;
    Some(Misread { number: written.number, read_as, length, meant, would_be, off, level, why, is_suspicion })
}

/// Whether other keys of the group whose names state the same unit hold to it: a number that makes
/// sense as it stands and is at least a hundred times larger (or smaller) than this one.
pub(crate) fn siblings<'f>(group: GroupView<'f>, setting: &Setting, misread: &Misread) -> Vec<&'f Setting> {
    let Some(name) = setting.written.and_then(|written| written.name) else { return Vec::new() };
    let kind = group.group().kind;
    group
        .settings()
        .filter(|other| !std::ptr::eq(*other, setting))
        .filter(|other| {
            other.written.is_some_and(|w| w.name == Some(name) && w.suffix.is_none_or(|s| s == name))
        })
        .filter(|other| self::misread(other, kind).is_none())
        .filter(|other| {
            let Some(length) = other.length().filter(|length| !length.is_zero()) else { return false };
            let ratio = length.as_secs_f64() / misread.length.as_secs_f64();
            match misread.off {
                Off::Short => ratio >= 100.0,
                Off::Long => ratio <= 0.01,
            }
        })
        .collect()
}

/// Whether the rules about size report a misread number, not the one about drivers or about names.
pub(crate) fn is_about_size(group: GroupView<'_>, setting: &Setting, misread: &Misread) -> bool {
    if is_about_driver(setting, misread) {
        return false;
    }
    if setting.unit != Unit::InName {
        return true;
    }
    // Whoever wrote the number saw the unit in the key's name; only what cannot be meant counts.
    let beyond = match misread.off {
        Off::Short => misread.length.as_millis() < 10,
        Off::Long => misread.read_as != TimeUnit::Milliseconds,
    };
    beyond && siblings(group, setting, misread).is_empty()
}

/// Whether the unit in which a number makes sense is the one that another product gives its key.
pub(crate) fn is_about_driver(setting: &Setting, misread: &Misread) -> bool {
    setting.written.and_then(|written| written.elsewhere) == Some(misread.meant)
}

/// The unit in a key's name and the other one written behind its number.
pub(crate) fn contradiction(written: Written) -> Option<(TimeUnit, TimeUnit)> {
    let (name, suffix) = (written.name?, written.suffix?);
    (name != suffix && written.number != 0.0).then_some((name, suffix))
}

/// Whether a rule about units reports a setting: what it is set to is then not known.
fn is_doubted(group: GroupView<'_>, setting: &Setting) -> bool {
    if setting.written.and_then(contradiction).is_some() {
        return true;
    }
    let Some(misread) = misread(setting, group.group().kind) else { return false };
    match setting.unit {
        Unit::InName => {
            is_about_size(group, setting, &misread) || !siblings(group, setting, &misread).is_empty()
        }
        _ => true,
    }
}

/// The fleet as rules see it that reckon with values: a number that a rule about units reports has
/// no known unit there. Else one mistake would be told again in every sum that it spoils.
pub(crate) fn trusted(fleet: &Fleet) -> Cow<'_, Fleet> {
    let doubted: BTreeSet<SettingId> = fleet
        .environments
        .iter()
        // What is extreme in a test is there to be extreme.
        .filter(|environment| Stage::of(&environment.name) != Stage::Apart)
        .flat_map(|environment| environment.groups(fleet))
        .flat_map(|group| group.group().settings.iter().map(move |&id| (group, id)))
        .filter(|&(group, id)| is_doubted(group, fleet.setting(id)))
        .map(|(_, id)| id)
        .collect();
    if doubted.is_empty() {
        return Cow::Borrowed(fleet);
    }
    let mut trusted = fleet.clone();
    for id in doubted {
        let setting = &mut trusted.settings[id.0 as usize];
        let number = setting.written.unwrap_or_default().number;
        setting.value.value = Value::UnitUnknown(number);
        setting.unit = Unit::Unknown;
    }
    Cow::Owned(trusted)
}

/// Whether people write such a length: the round numbers of seconds and minutes, and round parts of
/// a second. 17.5 s or 3 217 ms in another unit prove nothing.
fn is_written(length: Duration) -> bool {
    const SECONDS: &[u64] = &[
        1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 90, 100, 110,
        120, 150, 180, 200, 240, 250, 300, 350, 360, 400, 450, 500, 550, 600, 610, 620, 650, 660, 720, 750,
        800, 900, 1_000, 1_200, 1_500, 1_740, 1_800, 2_400, 2_700, 3_000, 3_600, 5_400, 7_200,
    ];
    match (length.as_secs(), length.subsec_millis(), length.subsec_nanos() % 1_000_000) {
        (seconds, 0, 0) => SECONDS.contains(&seconds),
        (seconds, part, 0) => seconds < 10 && part % 100 == 0 || seconds == 0 && part % 50 == 0,
        _ => false,
    }
}

fn is_power_of_ten(number: f64) -> bool {
    number >= 10.0 && number.log10().fract() == 0.0
}
