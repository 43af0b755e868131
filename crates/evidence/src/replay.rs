//! How often a test would raise an alarm where nothing is wrong: counts that are fine, of history or of a
//! share that moves as history says, go through the detector and the test of recovery.

use crate::dispersion::{Moving, log_deviation};
use crate::random::Stream;
use crate::ratio::{Detector, Mixture};
use crate::recovery::Recovery;

/// Peaks are taken of stretches of so many counts, an hour of minutes: longer than most alarms last.
const BLOCK: usize = 60;
/// The peaks that the tail is fitted to: few enough to be of the tail, enough to know its slope by 15 %.
const UPPER: usize = 50;
/// So many alarms are counted rather than extrapolated to.
const COUNTED: u64 = 10;
/// ... and this many are enough.
const ENOUGH: u64 = 60;
/// A share of this part of the guard is far from an alarm; the detector is not asked then.
const FAR: f64 = 0.8;

/// What is tried.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The mixtures, one for each kind of stretch.
    pub mixtures: &'a [Mixture],
    /// The logarithm of the evidence that is enough.
    pub threshold: f64,
    /// How often a stretch is looked at.
    pub looks: usize,
    /// For how many looks of the test one of these stands: fewer are quicker to simulate.
    pub stands_for: f64,
}

/// A stretch of time of history.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// So many failed
    pub k: u64,
    /// of so many.
    pub n: u64,
    /// The share that is usual then, over the mean share.
    pub usual: f64,
    /// Which of the mixtures holds then.
    pub mixture: usize,
}

/// What came of a trial.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// Alarms, each ended by a recovery before the next.
    pub alarms: u64,
    /// Stretches that were tried.
    pub stretches: u64,
    /// The highest logarithms of evidence, of blocks of stretches.
    peaks: Vec<f64>,
    blocks: u64,
}

impl Outcome {
    /// Alarms in so many stretches. Where too few came to be counted, the upper peaks go on as an
    /// exponential tail, as those of a detector do whose counts forget.
    #[must_use]
    pub fn expected(&self, stretches: f64, threshold: f64) -> f64 {
        if self.stretches == 0 {
            return 0.0;
        }
        let times = stretches / self.stretches as f64;
        if self.alarms >= COUNTED {
            return self.alarms as f64 * times;
        }
        let mut peaks = self.peaks.clone();
        peaks.sort_unstable_by(|a, b| b.total_cmp(a));
        let upper = UPPER.min(peaks.len() / 4);
        if upper < 10 {
            return self.alarms as f64 * times;
        }
        let from = peaks[upper];
        let excess = peaks[..upper].iter().map(|peak| peak - from).sum::<f64>() / upper as f64;
        upper as f64 * (-(threshold - from).max(0.0) / excess.max(1e-9)).exp() * times
    }
}

/// A test under trial.
struct Trial<'a> {
    setting: Setting<'a>,
    detector: Detector,
    facing: usize,
    ending: Option<Recovery>,
    highest: f64,
    outcome: Outcome,
}

impl<'a> Trial<'a> {
    fn new(setting: Setting<'a>) -> Option<Self> {
        let first = *setting.mixtures.first()?;
        let (detector, outcome) = (Detector::new(first), Outcome::default());
        Some(Self { setting, detector, facing: 0, ending: None, highest: 0.0, outcome })
    }

    fn face(&mut self, mixture: usize) {
        if mixture != self.facing && mixture < self.setting.mixtures.len() {
            self.facing = mixture;
            self.detector.face(self.setting.mixtures[mixture]);
        }
    }

    fn look(&mut self, k: u64, n: u64) {
        if let Some(ending) = &mut self.ending {
            if ending.look(k, n, self.detector.mixture().guard()) {
                self.ending = None;
            }
            return;
        }
        let evidence = self.detector.look_once_for(self.setting.stands_for, 0, k, n);
        self.highest = self.highest.max(evidence);
        if evidence > 1.0 && evidence.ln() >= self.setting.threshold {
            self.outcome.alarms += 1;
            let guard = self.detector.mixture().guard();
            self.ending = Some(Recovery::of_share(&self.detector.standing(), guard));
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.detector = Detector::new(self.setting.mixtures[self.facing]);
    }

    fn end_stretch(&mut self) {
        self.outcome.stretches += 1;
        if self.outcome.stretches.is_multiple_of(BLOCK as u64) {
            self.outcome.blocks += 1;
            if self.highest > 0.0 {
                self.outcome.peaks.push(self.highest.ln());
            }
            self.highest = 0.0;
        }
    }
}

/// Replays history as it was counted. Within a stretch failures come at random, as if they were
/// independent; from stretch to stretch they hang together as they did.
#[must_use]
pub fn history(stretches: &[Stretch], setting: Setting<'_>, stream: &mut Stream) -> Outcome {
    let Some(mut trial) = Trial::new(setting) else { return Outcome::default() };
    let mut looks = vec![(0u64, 0u64); setting.looks.max(1)];
    for stretch in stretches {
        trial.face(stretch.mixture);
        scatter(stretch.k, stretch.n, &mut looks, stream);
        for &(k, n) in &looks {
            trial.look(k, n);
        }
        trial.end_stretch();
    }
    trial.outcome
}

/// Lays requests into looks at random, and failures among them.
fn scatter(k: u64, n: u64, looks: &mut [(u64, u64)], stream: &mut Stream) {
    let count = looks.len();
    spread(n, looks, stream);
    let (mut failures, mut requests) = (k.min(n), n);
    if failures <= count as u64 {
        for _ in 0..failures {
            looks[stream.below(count)].0 += 1;
        }
        return;
    }
    for look in looks {
        if requests > 0 {
            look.0 = stream.binomial(failures, (look.1 as f64 / requests as f64).min(1.0));
            failures -= look.0;
            requests -= look.1.min(requests);
        }
    }
}

/// Few requests come to looks by chance; of many about the same number comes to each.
fn spread(n: u64, looks: &mut [(u64, u64)], stream: &mut Stream) {
    let count = looks.len() as u64;
    let even = if n / count < 4 { 0 } else { n / count };
    looks.fill((0, even));
    for _ in 0..n - even * count {
        looks[stream.below(count as usize)].1 += 1;
    }
}

/// Invents a long time in which the share moves as it did in history: a lognormal share, shifted so that
/// its skewness is what was seen, whose deviations last as long as they did. Ends after so many stretches,
/// after so many looks, or when alarms enough have come.
#[must_use]
pub fn invented(
    history: &[Stretch],
    moving: &Moving,
    setting: Setting<'_>,
    most: (u64, u64),
    stream: &mut Stream,
) -> Outcome {
    let Some(mut trial) = Trial::new(setting) else { return Outcome::default() };
    let mut share = Wandering::new(moving, stream);
    let mut looks = vec![(0u64, 0u64); setting.looks.max(1)];
    let (mut left, mut skipped) = (most.1, false);
    let far = far(history, moving, setting.mixtures, &share);
    for (stretch, _) in history.iter().cycle().zip(0..most.0) {
        share.pass(stream);
        trial.face(stretch.mixture);
        let is_far = far.get(stretch.mixture).is_some_and(|far| share.normal < *far);
        if is_far && trial.ending.is_none() {
            if !skipped {
                trial.forget();
            }
            skipped = true;
        } else {
            skipped = false;
            let share = (moving.mean * stretch.usual * share.over_mean()).min(1.0);
            spread(stretch.n, &mut looks, stream);
            for &(_, n) in &looks {
                trial.look(stream.binomial(n, share), n);
            }
            left = left.saturating_sub(setting.looks as u64);
        }
        trial.end_stretch();
        if left == 0 || trial.outcome.alarms >= ENOUGH {
            break;
        }
    }
    trial.outcome
}

/// For each mixture where the wandering number is so low that the share is far from its guard.
fn far(history: &[Stretch], moving: &Moving, mixtures: &[Mixture], share: &Wandering) -> Vec<f64> {
    let mut far = vec![f64::NEG_INFINITY; mixtures.len()];
    for stretch in history {
        if let Some(mixture) = mixtures.get(stretch.mixture) {
            far[stretch.mixture] = share.reaches(FAR * mixture.guard() / (moving.mean * stretch.usual));
        }
    }
    far
}

/// A share over its mean that wanders.
struct Wandering {
    /// A number of the standard normal distribution, which the share is a function of.
    normal: f64,
    /// The next innovation, since they come in pairs.
    spare: Option<f64>,
    keeps: f64,
    moves_by: f64,
    log_deviation: f64,
    /// The deviation of the share over that of the lognormal number.
    scale: f64,
}

impl Wandering {
    fn new(moving: &Moving, stream: &mut Stream) -> Self {
        let log_deviation = log_deviation(moving.skewness);
        let of_lognormal = log_deviation.powi(2).exp_m1().sqrt();
        let keeps = (-1.0 / moving.persistence).exp();
        let [normal, spare] = stream.normals();
        Self {
            normal,
            spare: Some(spare),
            keeps,
            moves_by: (1.0 - keeps * keeps).sqrt(),
            log_deviation,
            scale: if moving.moves { moving.deviation / of_lognormal } else { 0.0 },
        }
    }

    fn pass(&mut self, stream: &mut Stream) {
        if self.scale > 0.0 {
            let innovation = self.spare.take().unwrap_or_else(|| {
                let [innovation, spare] = stream.normals();
                self.spare = Some(spare);
                innovation
            });
            self.normal = self.keeps * self.normal + self.moves_by * innovation;
        }
    }

    fn over_mean(&self) -> f64 {
        let lognormal = (self.log_deviation * (self.normal - self.log_deviation / 2.0)).exp();
        (1.0 + self.scale * (lognormal - 1.0)).max(0.0)
    }

    /// The normal number at which the share over its mean is this; none is low enough if it does not move.
    fn reaches(&self, over_mean: f64) -> f64 {
        if self.scale == 0.0 {
            return f64::NEG_INFINITY;
        }
        let lognormal = 1.0 + (over_mean - 1.0) / self.scale;
        if lognormal <= 0.0 {
            return f64::NEG_INFINITY;
        }
        lognormal.ln() / self.log_deviation + self.log_deviation / 2.0
    }
}
