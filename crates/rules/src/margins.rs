//! How much is enough: the distances and bounds with which rules compare, by file.

use std::collections::BTreeMap;
use std::time::Duration;

use model::FileId;
use model::Origin;

/// The distances and bounds of one part of the tree. `forewarn.toml` can change each.
#[derive(Debug, Clone, PartialEq)]
pub struct MarginSet {
    /// A caller's limit shall be longer than its callee's by at least this: 100 ms
    /// covers what the answer needs on its way back, even between regions.
    pub chain: Duration,
    /// ... and by at least this share of the callee's limit.
    pub chain_share: f64,
    /// A server shall keep an idle connection longer than its client by at least this.
    pub keepalive: Duration,
    /// More attempts of one request than this at the last service are a warning.
    pub attempts_warning: u64,
    /// More than this are an error.
    pub attempts_error: u64,
    /// A setting may differ between environments by at most this factor.
    pub drift: f64,
    /// The acceptable share of calls that a timeout cuts although they would succeed.
    pub false_timeouts: f64,
    /// An outage that fails this share of all requests shall be noticed: the outage that Forewarn was
    /// founded on failed a fifth of all sign-ins for hours.
    pub plausible_failure: f64,
    /// Within this an alert that calls a person shall reach them; where nobody says, [`MarginSet::DETECT_WITHIN`].
    pub detect_within: Option<Duration>,
}

impl Default for MarginSet {
    fn default() -> Self {
        Self {
            chain: Duration::from_millis(100),
            chain_share: 0.05,
            keepalive: Duration::from_secs(1),
            attempts_warning: 4,
            attempts_error: 10,
            drift: 2.0,
            false_timeouts: 0.001,
            plausible_failure: 0.2,
            detect_within: None,
        }
    }
}

impl MarginSet {
    /// How soon a person is called where nobody says how soon they shall be: what burn-rate alerts are
    /// built to keep for a whole outage (Google, The Site Reliability Workbook, "Alerting on SLOs").
    pub const DETECT_WITHIN: Duration = Duration::from_secs(300);

    /// The distance to keep from a limit along a chain.
    pub fn chain(&self, limit: Duration) -> Duration {
        self.chain.max(limit.mul_f64(self.chain_share.clamp(0.0, 1e3)))
    }
}

/// Margins by file.
#[derive(Debug, Clone, Default)]
pub struct Margins {
    /// Where no file says otherwise.
    pub default: MarginSet,
    /// Files with margins of their own.
    pub files: BTreeMap<FileId, MarginSet>,
}

impl Margins {
    /// The margins that hold at a place.
    pub fn at(&self, origin: &Origin) -> &MarginSet {
        origin.span().and_then(|span| self.files.get(&span.file)).unwrap_or(&self.default)
    }
}
