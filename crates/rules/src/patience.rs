//! How long a caller waits for an answer before it gives up, and which setting says so. Most rules
//! about time limits compare with it.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Attempts, CallView, Covers, ServiceId, ServiceView, Setting, patience, pretty};

use crate::{Margins, labels, round};

/// What ends a caller's wait for an answer first.
#[derive(Clone, Copy)]
pub(crate) struct Patience<'f> {
    /// The setting that decides.
    pub(crate) setting: &'f Setting,
    /// What it covers: the whole call, an attempt, the first byte or a gap.
    pub(crate) covers: Covers,
    /// How long.
    pub(crate) limit: Duration,
    call: CallView<'f>,
}

impl<'f> Patience<'f> {
    /// The patience of a call; `None` where no finite limit is known.
    pub(crate) fn of(call: CallView<'f>) -> Option<Self> {
        let (setting, covers, limit) = patience(call)?;
        Some(Self { setting, covers, limit, call })
    }

    /// What to say at the setting.
    pub(crate) fn words(&self) -> String {
        let attempts = Attempts::of(self.call).0.0;
        match self.covers {
            Covers::WholeCall => format!("covers the whole call, {}", labels::counted(attempts, "attempt")),
            Covers::Attempt if attempts > 1 => format!("covers one attempt of {attempts}"),
            covers => format!("covers {}", covers.words()),
        }
    }

    /// What had to be guessed to say that the caller may wait this long.
    pub(crate) fn guesses(&self) -> Vec<String> {
        let mut guesses = labels::guesses(self.setting);
        guesses.extend(self.call.call().assumptions.iter().cloned());
        guesses
    }

    /// What had to be guessed to say that the caller waits no longer.
    pub(crate) fn guesses_as_end(&self) -> Vec<String> {
        let mut guesses = self.guesses();
        if self.covers == Covers::BetweenBytes {
            let to = self.call.to().name();
            guesses.push(format!("that {to} sends nothing before its answer is complete"));
        }
        guesses
    }

    /// The callers' patience with a service, one for each caller. Of something that only forwards
    /// the most patient route counts: the routes reach different parts of the service, and the
    /// longest may be meant for the slowest. Callers that pass their deadline down are left out.
    pub(crate) fn of_callers(service: ServiceView<'f>) -> Vec<(CallView<'f>, Self)> {
        let mut callers: Vec<(CallView<'f>, Self)> = Vec::new();
        let mut by_caller: BTreeMap<ServiceId, usize> = BTreeMap::new();
        for call in service.callers().filter(|call| !call.call().passes_deadline) {
            let Some(patience) = Self::of(call) else { continue };
            let first = *by_caller.entry(call.call().from).or_insert(callers.len());
            match callers.get_mut(first) {
                Some(known) if known.0.from().service().forwards => {
                    if known.1.limit < patience.limit {
                        *known = (call, patience);
                    }
                }
                _ => callers.push((call, patience)),
            }
        }
        callers
    }
}

/// Advice on how long a service may wait at a setting without outwaiting its own callers: the longest
/// round limit that leaves them the margin, where it is known how long they wait.
pub(crate) fn within_callers(setting: &Setting, service: ServiceView<'_>, margins: &Margins) -> String {
    let name = service.name();
    let callers = Patience::of_callers(service);
    let shortest = callers.iter().min_by_key(|(_, patience)| patience.limit);
    let fitting = shortest.and_then(|(outer, patience)| {
        let margins = margins.at(&patience.setting.value.origin);
        let fits = |length: Duration| length.saturating_add(margins.chain(length)) <= patience.limit;
        Some((outer, patience, round::at_most(setting, fits)?))
    });
    match fitting {
        Some((outer, patience, longest)) => {
            format!("at most {longest}: {} waits {} for {name}", outer.from().name(), pretty(patience.limit))
        }
        None => format!("a little less than {name}'s own callers wait"),
    }
}
