//! From what arrived to the tables of `docs/bench/detect.md`.

use std::fmt::Write as _;

use super::groups::{BASES, GROUPS, Group, Service};

/// What a notice says, whoever sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It fails.
    Opened,
    /// What was told to fail is no longer known.
    Unknown,
    /// What was told to fail does so no longer.
    Ended,
    /// Something else is wrong.
    Beside,
}

/// A notice that arrived.
#[derive(Debug, Clone)]
pub(super) struct Notice {
    /// Who sent it, by the place in the list of systems.
    pub(super) system: usize,
    pub(super) service: String,
    pub(super) kind: Kind,
    /// When it arrived, in seconds after the source began.
    pub(super) at: f64,
}

/// Something that watches the services.
#[derive(Debug)]
pub(super) struct System {
    pub(super) name: String,
    /// It is Forewarn, which has bars.
    pub(super) ours: bool,
    /// It has a rule only for services of the lower base.
    pub(super) quiet_only: bool,
}

/// What one process cost.
#[derive(Debug, Clone)]
pub(super) struct Cost {
    pub(super) name: String,
    /// What it watched.
    pub(super) what: String,
    /// In bytes.
    pub(super) peak: u64,
    /// Of one core.
    pub(super) share: f64,
    /// It is held to the bar of 24 services at 1 s.
    pub(super) barred: bool,
}

/// A bar, and whether it was met.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) what: String,
    pub(super) bar: String,
    pub(super) figure: String,
    pub(super) met: bool,
}

impl Held {
    pub(super) fn most(what: &str, figure: Option<f64>, bar: f64, unit: &str) -> Self {
        Self {
            what: what.to_owned(),
            bar: format!("<= {bar} {unit}"),
            figure: figure.map_or("not all seen".to_owned(), |figure| format!("{figure:.1} {unit}")),
            met: figure.is_some_and(|figure| figure <= bar),
        }
    }
}

/// Everything that the run saw.
pub(super) struct Run {
    pub(super) systems: Vec<System>,
    pub(super) services: Vec<Vec<Service>>,
    pub(super) notices: Vec<Notice>,
    /// When the source was killed and when the run ended, in seconds after the source began.
    pub(super) killed: f64,
    pub(super) ended: f64,
    pub(super) costs: Vec<Cost>,
}

/// A value that so large a share of the sorted values does not exceed (nearest rank).
pub(super) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let rank = (share * sorted.len() as f64).ceil().max(1.0);
    sorted.get(rank as usize - 1).copied()
}

/// What a system made of some services.
struct Delays {
    /// From onset to the first notice after it, sorted.
    seen: Vec<f64>,
    services: usize,
    /// Alarms that arrived before the onset, or were about something else than the fault.
    early: usize,
}

impl Run {
    fn delays<'a>(&self, system: usize, services: impl Iterator<Item = &'a Service>) -> Delays {
        let mut delays = Delays { seen: Vec::new(), services: 0, early: 0 };
        for service in services {
            delays.services += 1;
            let opened = self.notices.iter().filter(|notice| {
                notice.system == system && notice.service == service.name && notice.kind == Kind::Opened
            });
            let (early, after): (Vec<f64>, Vec<f64>) =
                opened.map(|notice| notice.at).partition(|&at| at < service.onset);
            let beside = self.notices.iter().filter(|notice| {
                notice.system == system
                    && notice.service == service.name
                    && notice.kind == Kind::Beside
                    && notice.at < self.killed
            });
            delays.early += early.len() + beside.count();
            let first = after.into_iter().filter(|&at| at < self.killed).min_by(f64::total_cmp);
            delays.seen.extend(first.map(|at| at - service.onset));
        }
        delays.seen.sort_unstable_by(f64::total_cmp);
        delays
    }

    /// The bars of delays, by group.
    pub(super) fn bars(&self) -> Vec<Held> {
        let mut held = Vec::new();
        let Some(ours) = self.systems.iter().position(|system| system.ours) else { return held };
        let mut early = 0;
        for (group, services) in GROUPS.iter().zip(&self.services) {
            let delays = self.delays(ours, services.iter());
            early += delays.early;
            let all = delays.seen.len() == delays.services;
            for (name, bar, share) in [("median", group.bar.median, 0.5), ("longest", group.bar.most, 1.0)] {
                if let Some(bar) = bar {
                    let figure = quantile(&delays.seen, share).filter(|_| all);
                    held.push(Held::most(&format!("{}: {name} delay", group.what), figure, bar, "s"));
                }
            }
        }
        held.push(Held {
            what: "alarms before onset or beside the fault, all groups".to_owned(),
            bar: "0".to_owned(),
            figure: early.to_string(),
            met: early == 0,
        });
        held.extend(self.bars_of_the_kill(ours));
        held.extend(self.bars_of_cost());
        held
    }

    fn bars_of_the_kill(&self, ours: usize) -> [Held; 3] {
        /// Two looks of a second, and what the notice takes to arrive.
        const TWO_LOOKS: f64 = 2.5;
        let kill = self.kill(ours);
        [
            Held {
                what: "outages in progress, told as ended after the source died".to_owned(),
                bar: format!("0 of {}", kill.open),
                figure: kill.ended.to_string(),
                met: kill.ended == 0,
            },
            Held {
                what: "open alerts told as unknown".to_owned(),
                bar: format!("{} of {}", kill.open, kill.open),
                figure: kill.unknown.len().to_string(),
                met: kill.open > 0 && kill.unknown.len() == kill.open,
            },
            Held::most(
                "death of the source to \"unknown\": two looks of 1 s and 0.5 s for the notice",
                quantile(&kill.unknown, 1.0),
                TWO_LOOKS,
                "s",
            ),
        ]
    }

    fn bars_of_cost(&self) -> Vec<Held> {
        let ours = || self.costs.iter().filter(|cost| cost.barred);
        let memory = ours().map(|cost| cost.peak as f64 / 1e6).max_by(f64::total_cmp);
        let share = ours().map(|cost| 100.0 * cost.share).max_by(f64::total_cmp);
        vec![
            Held::most("memory, 24 services at 1 s, the most of all groups", memory, 40.0, "MB"),
            Held::most("of a core, 24 services at 1 s, the most of all groups", share, 1.0, "%"),
        ]
    }

    /// The table of one group.
    pub(super) fn table(&self, place: usize, group: &Group) -> String {
        let services = &self.services[place];
        let mut text = format!(
            "| {} | p0 = 1 %: p50 / p95 / longest | seen | too early | p0 = 0.05 %: p50 / p95 / longest | seen | too early |\n\
             |---|---:|---:|---:|---:|---:|---:|\n",
            group.what
        );
        for (number, system) in self.systems.iter().enumerate() {
            let _ = write!(text, "| {} |", system.name);
            for base in BASES {
                if system.quiet_only && base > 0.001 {
                    text += " no such rule | | |";
                    continue;
                }
                let of_base = services.iter().filter(|service| service.base.total_cmp(&base).is_eq());
                let delays = self.delays(number, of_base);
                let _ = write!(
                    text,
                    " {} | {} of {} | {} |",
                    three(&delays.seen),
                    delays.seen.len(),
                    delays.services,
                    delays.early
                );
            }
            text += "\n";
        }
        text
    }

    fn kill(&self, system: usize) -> Kill {
        let mut kill = Kill { open: 0, ended: 0, unknown: Vec::new(), resolved: Vec::new() };
        for service in self.services.iter().flatten() {
            let of_service = || {
                self.notices.iter().filter(|notice| notice.system == system && notice.service == service.name)
            };
            let last = of_service()
                .filter(|notice| notice.at < self.killed && matches!(notice.kind, Kind::Opened | Kind::Ended))
                .max_by(|a, b| a.at.total_cmp(&b.at));
            if last.is_none_or(|last| last.kind == Kind::Ended) {
                continue;
            }
            kill.open += 1;
            let first = |kind| {
                let after = of_service().filter(|notice| notice.at >= self.killed && notice.kind == kind);
                after.map(|notice| notice.at - self.killed).min_by(f64::total_cmp)
            };
            kill.unknown.extend(first(Kind::Unknown));
            if let Some(at) = first(Kind::Ended) {
                kill.ended += 1;
                kill.resolved.push(at);
            }
        }
        kill.unknown.sort_unstable_by(f64::total_cmp);
        kill.resolved.sort_unstable_by(f64::total_cmp);
        kill
    }

    /// The table of what happened after the source was killed.
    pub(super) fn kill_table(&self) -> String {
        let mut text = String::from(
            "| | outages that it had told | of these told as ended | after, p50 / p95 / longest | told as unknown | after, p50 / p95 / longest |\n\
             |---|---:|---:|---:|---:|---:|\n",
        );
        for (number, system) in self.systems.iter().enumerate() {
            let kill = self.kill(number);
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} |",
                system.name,
                kill.open,
                kill.ended,
                three(&kill.resolved),
                kill.unknown.len(),
                three(&kill.unknown)
            );
        }
        text
    }

    pub(super) fn cost_table(&self) -> String {
        let mut text =
            String::from("| process | watches | memory at most | of one core |\n|---|---|---:|---:|\n");
        for cost in &self.costs {
            let (memory, share) = (cost.peak as f64 / 1e6, 100.0 * cost.share);
            let _ = writeln!(text, "| {} | {} | {memory:.1} MB | {share:.2} % |", cost.name, cost.what);
        }
        text
    }
}

/// What a system said after the source was killed.
struct Kill {
    /// Services whose alert was open.
    open: usize,
    ended: usize,
    unknown: Vec<f64>,
    resolved: Vec<f64>,
}

fn three(sorted: &[f64]) -> String {
    let at = |share| quantile(sorted, share).map_or("-".to_owned(), |value| format!("{value:.1}"));
    if sorted.is_empty() { "-".to_owned() } else { format!("{} / {} / {} s", at(0.5), at(0.95), at(1.0)) }
}

/// The table of bars.
pub(super) fn bar_table(held: &[Held]) -> String {
    let mut text = String::from("| Forewarn | figure | bar | |\n|---|---:|---:|---|\n");
    for one in held {
        let met = if one.met { "met" } else { "missed" };
        let _ = writeln!(text, "| {} | {} | {} | {met} |", one.what, one.figure, one.bar);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let sorted: Vec<f64> = (1..=24).map(f64::from).collect();
        let at = |share| quantile(&sorted, share).map(|value| value as u32);
        assert_eq!([at(0.0), at(0.5), at(0.95), at(1.0)], [Some(1), Some(12), Some(23), Some(24)]);
        assert_eq!(quantile(&[], 0.5), None);
    }
}
