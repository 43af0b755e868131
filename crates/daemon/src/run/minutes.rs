//! What was counted of each service in each minute, so that guards can be learnt from it when the entries
//! are gone. A minute of which something could not be counted is left out: history is only what was seen.

use watch::State;
use watch::alert::Health;
use watch::history::Minute;
use watch::journal::Outline;
use watch::plan::Plan;
use watch::state::ServiceView;
use watch::tally::Tally;
use watch::time::At;

use crate::store::MinuteRow;

const MINUTE: u64 = 60_000;

/// Each service as it was at the last turn of a minute.
pub(super) struct Minutes {
    /// When the minute began.
    begun: u64,
    services: Vec<Open>,
}

struct Open {
    name: String,
    shape: u64,
    /// All that was counted until then, and could not be; nothing where the minute is not whole.
    before: Option<(Tally, u64)>,
}

impl Minutes {
    pub(super) fn of(plan: &Plan) -> Self {
        let open = |outline: Outline| Open { shape: shape(&outline), name: outline.name, before: None };
        Self { begun: 0, services: plan.outlines().into_iter().map(open).collect() }
    }

    /// The minutes that are over at a moment, from what the state has counted before it.
    pub(super) fn turn(&mut self, at: At, state: &State) -> Vec<MinuteRow> {
        let begun = at.0 - at.0 % MINUTE;
        if begun == self.begun {
            return Vec::new();
        }
        let follows = begun == self.begun + MINUTE;
        let start = At(std::mem::replace(&mut self.begun, begun));
        let mut over = Vec::new();
        for open in &mut self.services {
            // The journal may list its services in another order than the plan.
            let Some(service) = state.services().find(|service| service.name() == open.name) else {
                open.before = None;
                continue;
            };
            let now = (service.total().clone(), uncounted(&service));
            let Some((mut total, lost)) = open.before.replace(now) else { continue };
            let mut gained = Tally::empty(total.failed.len(), total.piled.len());
            let grew = total.advance(service.total(), &mut gained);
            let whole = follows && grew && lost == uncounted(&service) && service.health() != Health::Unknown;
            if whole {
                let body = encode(open.shape, &gained);
                over.push(MinuteRow { service: open.name.clone(), at: start, body });
            }
        }
        over
    }

    /// The minute that is on is no minute of the clock's.
    pub(super) fn spoil(&mut self) {
        self.services.iter_mut().for_each(|open| open.before = None);
    }
}

/// What could not be counted. What a target did not say at one look it says at the next.
fn uncounted(service: &ServiceView<'_>) -> u64 {
    let lost = service.lost();
    lost.first + lost.fell + lost.stray
}

/// What tells counts of one meaning from those of another: a reason that was added, another limit.
pub(super) fn shape(outline: &Outline) -> u64 {
    // FNV-1a (Fowler, Noll, Vo), since it is stored and the standard library's hash may change.
    let bytes = postcard::to_stdvec(outline).expect("bug: an outline is plain data");
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

fn encode(shape: u64, tally: &Tally) -> Vec<u8> {
    postcard::to_stdvec(&(shape, tally)).expect("bug: counts are plain data")
}

/// A minute as it was kept, if its counts mean what they would now.
pub(super) fn decode(at: At, body: &[u8], shape: u64) -> Option<Minute> {
    let (kept, tally) = postcard::from_bytes::<(u64, Tally)>(body).ok()?;
    (kept == shape).then_some(Minute { at, tally })
}
