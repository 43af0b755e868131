//! What the postmortem says that this drill tells anew: an outage of an authentication service from
//! 9 November 2023, 20:00 UTC to 10 November, 02:00. Where it gives no time, none is said here either.

/// A stage of the outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Before: how the change came in.
    Change,
    /// People are hit.
    Outage,
    /// Somebody is told.
    Detection,
    /// The cause is known.
    Cause,
    /// The good value is in force again.
    Repair,
    /// It is known to be over.
    End,
}

/// What the document says of a stage.
#[must_use]
pub fn then(stage: Stage) -> &'static str {
    match stage {
        Stage::Change => "neither checked nor tested; both are among the measures that the postmortem lists",
        Stage::Outage => "20:00; sign-ins fail for about 20 % of the users, down for two hours",
        Stage::Detection => "20:00, on a spike of failed sign-ins; how long after the first one is not said",
        Stage::Cause => "no time is given; the network, the database and an attack were suspected first",
        Stage::Repair => "no time is given; the timeout was corrected and deployed",
        Stage::End => "02:00 the next day, six hours after 20:00",
    }
}
