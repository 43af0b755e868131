//! The course of a drill: what is done in which order, what is waited for, and for how long.

use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use prove::file::Test;
use prove::forecast::Forecast;
use prove::trial::{Kind, Trouble};
use serde_json::Value;
use tokio::time::sleep;

use crate::database::Database;
use crate::house::House;
use crate::ledger::Ledger;
use crate::notices::Lines;
use crate::people::People;
use crate::promise::{HEALTHY, OVER, TOLD};
use crate::record::{Cause, Count, Event, Left, Quiet, Record};
use crate::{command, scenario};

/// How often one looks.
const LOOK: Duration = Duration::from_millis(20);
/// How often the pulse is told.
const PULSE: Duration = Duration::from_millis(250);
/// How long a check may take, on a busy machine.
const CHECK: Duration = Duration::from_secs(30);
/// What the test of the edit may use.
const BUDGET: Duration = Duration::from_secs(60);
/// How long the service may take to look at its file.
const TAKEN: Duration = Duration::from_secs(15);
/// So long the fault lasts at least, that its share can be measured.
const LASTS: Duration = Duration::from_secs(8);
/// So long it stays where it is not repaired.
const STAYS: Duration = Duration::from_secs(25);
/// What the service logs when it took another configuration.
const CONFIGURATION_TAKEN: &str = "configuration taken";

/// How a drill is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Reproduces delays and arrivals.
    pub seed: u64,
    /// Sign-ins a second.
    pub rate: f64,
    /// Where the directory keeps its accounts.
    pub database: Database,
    /// The room stays after the end.
    pub keep: bool,
    /// The fault stays.
    pub stay: bool,
    /// The program that is run.
    pub forewarn: PathBuf,
    /// Below which directory the room is made.
    pub below: PathBuf,
}

/// What is told while it goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// Something happened.
    Event(Event),
    /// Sign-ins of the last second.
    Pulse(Count),
}

/// Whom it is told, with the time since the beginning.
pub type Teller<'t> = &'t mut (dyn FnMut(Duration, &Told) + Send);

/// Runs a drill. `stop` ends it early; then nothing is left either.
///
/// # Errors
/// What kept it from being had.
pub async fn run(
    options: &Options,
    tell: Teller<'_>,
    stop: impl Future<Output = ()>,
) -> Result<Record, Trouble> {
    let begun = Instant::now();
    let test = scenario::test(&options.database.in_test(scenario::TEST));
    let house = House::build(&test, options)?;
    let predicted = Forecast::of(&test, 1.0).map(|forecast| forecast.failed(scenario::LIMIT));
    let record = Record {
        seed: options.seed,
        rate: options.rate,
        database: options.database.name(),
        stay: options.stay,
        kept: options.keep.then(|| house.path().display().to_string()),
        good: test.objective.good,
        predicted: predicted.unwrap_or_default(),
        ..Record::default()
    };
    let mut course = Course {
        notices: Lines::of(house.notices()),
        log: Lines::of(house.log()),
        ledger: Ledger::default(),
        people: None,
        alert: None,
        pulsed: begun,
        options,
        test: &test,
        house,
        tell,
        begun,
        record,
    };
    let outcome = tokio::select! {
        outcome = course.go() => outcome,
        () = stop => Err(stopped()),
    };
    let (mut record, left) = course.close().await;
    match outcome {
        Ok(()) => {
            record.left = Some(left);
            record.took = begun.elapsed();
            Ok(record)
        }
        Err(trouble) => {
            let remains = remains(&left, record.kept.as_deref());
            Err(Trouble { help: format!("{remains}; {}", trouble.help), ..trouble })
        }
    }
}

/// What there is to say of what is left, of a drill that came to nothing.
fn remains(left: &Left, kept: Option<&str>) -> String {
    let names: Vec<&str> = left.names().collect();
    match kept {
        _ if !names.is_empty() => format!("end what is still there: {}", names.join(", ")),
        Some(path) => format!("its directory is kept: {path}"),
        None => "nothing is left of it".to_owned(),
    }
}

fn stopped() -> Trouble {
    Trouble::new(Kind::Stopped, "the drill", "was stopped", "run it again")
}

struct Course<'c> {
    options: &'c Options,
    test: &'c Test,
    house: House<'c>,
    ledger: Ledger,
    people: Option<People>,
    notices: Lines,
    log: Lines,
    /// The number of the alert about sign-ins.
    alert: Option<u64>,
    tell: Teller<'c>,
    begun: Instant,
    pulsed: Instant,
    record: Record,
}

impl Course<'_> {
    async fn go(&mut self) -> Result<(), Trouble> {
        let stage = &mut self.house.stage;
        stage.open().await?;
        stage.replay();
        let arrivals = stage.arrivals(self.options.seed);
        self.people = Some(People::come(arrivals, self.options.rate, self.ledger.clone()));
        self.tell(Event::Opened);
        self.house.watch().await?;
        self.tell(Event::Watched);
        self.refused().await?;
        self.deployed().await?;
        if self.options.stay { self.stays().await } else { self.repaired().await }
    }

    /// Act one.
    async fn refused(&mut self) -> Result<(), Trouble> {
        let from = Instant::now();
        self.tell(Event::Proposed);
        let begun = Instant::now();
        let code = self.command(&command::check(), CHECK).await?;
        let checked = command::checked(self.house.path(), code, begun.elapsed());
        self.record.checked = Some(checked.clone());
        self.tell(Event::Checked(checked));
        let begun = Instant::now();
        let code = self.command(&command::test(BUDGET), 2 * BUDGET).await?;
        let tested = command::tested(self.house.path(), code, begun.elapsed());
        self.record.tested = Some(tested.clone());
        self.tell(Event::Tested(tested));
        let rest = HEALTHY.saturating_sub(from.elapsed());
        self.wait(rest, |_| false).await?;
        let count = self.ledger.ended(from);
        let busy = count.share() > 1.0 - self.record.good;
        let quiet = Quiet { length: from.elapsed(), count, busy, ..self.record.quiet };
        self.record.quiet = quiet;
        self.tell(Event::Quiet(quiet));
        Ok(())
    }

    /// Runs a command of Forewarn's, and gives its exit code.
    async fn command(
        &mut self,
        process: &prove::file::Process,
        most: Duration,
    ) -> Result<Option<i32>, Trouble> {
        self.house.stage.begin(process)?;
        self.wait(most, |course| course.house.stage.has_last_ended()).await?;
        Ok(self.house.stage.end_last().await.and_then(|status| status.code()))
    }

    /// Act two, to the alert and the line.
    async fn deployed(&mut self) -> Result<(), Trouble> {
        self.house.deploy_bad()?;
        let deployed = Instant::now();
        self.record.deployed = Some(deployed - self.begun);
        self.tell(Event::Deployed);
        if self.wait(TAKEN, Self::has_taken).await? {
            self.record.taken = Some(self.now());
            self.tell(Event::Taken);
        }
        self.wait(TAKEN, Self::has_failed).await?;
        self.wait(TOLD, |course| course.record.alerted.is_some() && course.record.cause.is_some()).await?;
        let first = self.ledger.first_failed(deployed).unwrap_or(deployed);
        self.wait(LASTS.saturating_sub(first.elapsed()), |_| false).await?;
        Ok(())
    }

    /// Whether a sign-in has failed under the edit; notes when the first one did.
    fn has_failed(&mut self) -> bool {
        let Some(deployed) = self.record.deployed else { return false };
        if self.record.first_failed.is_none()
            && let Some(first) = self.ledger.first_failed(self.begun + deployed)
        {
            self.record.first_failed = Some(first - self.begun);
            self.tell(Event::Failing);
        }
        self.record.first_failed.is_some()
    }

    fn has_taken(&mut self) -> bool {
        self.log.new_ones().iter().any(|line| line.contains(CONFIGURATION_TAKEN))
    }

    async fn repaired(&mut self) -> Result<(), Trouble> {
        self.house.deploy_good()?;
        self.record.restored = Some(self.now());
        self.tell(Event::Restored);
        self.fault_over().await?;
        if self.wait(TAKEN, Self::has_taken).await? {
            self.tell(Event::TakenBack);
        }
        self.wait(OVER + TAKEN, |course| course.record.over.is_some()).await?;
        Ok(())
    }

    async fn stays(&mut self) -> Result<(), Trouble> {
        self.wait(STAYS, |_| false).await?;
        self.fault_over().await?;
        self.tell(Event::Stayed);
        Ok(())
    }

    /// Notes how people fared while the fault was in force: those who came after the first who was hit, and
    /// until now.
    async fn fault_over(&mut self) -> Result<(), Trouble> {
        let Some(first) = self.record.first_failed else { return Ok(()) };
        let (first, now) = (self.begun + first, Instant::now());
        self.record.lasted = now - first;
        self.wait(self.test.objective.within, |course| course.ledger.is_complete(now)).await?;
        self.record.hurt = self.ledger.begun(first, now);
        Ok(())
    }

    /// Waits until something is so, for a time; whether it is. Meanwhile the watch is heard, and whoever
    /// dies is found.
    async fn wait(&mut self, most: Duration, mut is: impl FnMut(&mut Self) -> bool) -> Result<bool, Trouble> {
        let end = Instant::now() + most;
        loop {
            self.hear();
            if let Some(trouble) = self.house.stage.dead() {
                return Err(trouble);
            }
            if is(self) {
                return Ok(true);
            }
            let now = Instant::now();
            if now >= end {
                return Ok(false);
            }
            if now - self.pulsed >= PULSE {
                self.pulsed = now;
                let count = self.ledger.ended(now - Duration::from_secs(1));
                (self.tell)(now - self.begun, &Told::Pulse(count));
            }
            sleep(LOOK.min(end - now)).await;
        }
    }

    /// Hears what the watch tells.
    fn hear(&mut self) {
        for line in self.notices.new_ones() {
            let Ok(notice) = serde_json::from_str::<Value>(&line) else { continue };
            self.heard(&notice);
        }
    }

    fn heard(&mut self, notice: &Value) {
        let title = notice["title"].as_str().unwrap_or_default().to_owned();
        let (event, alert) = (notice["event"].as_str().unwrap_or_default(), &notice["alert"]);
        if self.record.deployed.is_none() {
            self.record.quiet.notices += 1;
        }
        let kind = alert["symptom"]["kind"].as_str().unwrap_or_default();
        if kind == "failing" {
            // What is told is measured from there, and nobody may have looked yet.
            self.has_failed();
        }
        match (kind, event) {
            ("finding", "opened") => {
                self.record.found = Some(self.now());
                self.tell(Event::Found(title));
            }
            // One that was opened before the edit was deployed is of another fault.
            ("failing", "opened") if self.record.deployed.is_some() && self.record.alerted.is_none() => {
                self.alert = alert["id"].as_u64();
                self.record.alerted = Some(self.now());
                let after = self.record.detection().unwrap_or_default();
                self.tell(Event::Alerted { title, after });
                self.see_cause(alert);
            }
            ("failing", "ended") if self.alert.is_some() && alert["id"].as_u64() == self.alert => {
                self.ended(title);
            }
            ("failing", _) if self.record.deployed.is_some() => self.see_cause(alert),
            _ => {}
        }
    }

    fn see_cause(&mut self, alert: &Value) {
        let changes = alert["changes"].as_array().map_or(&[][..], Vec::as_slice);
        let Some(change) = changes.iter().find(|change| change["key"] == scenario::KEY) else { return };
        if self.record.cause.is_some() {
            return;
        }
        let word = |key: &str| change[key].as_str().unwrap_or_default().to_owned();
        let place = word("place");
        let now = self.now();
        let cause = Cause {
            place: place.rsplit('/').next().unwrap_or_default().to_owned(),
            key: word("key"),
            before: word("before"),
            after: word("after"),
            told: now.saturating_sub(self.record.first_failed.unwrap_or(now)),
        };
        self.record.cause = Some(cause.clone());
        self.tell(Event::Cause(cause));
    }

    fn ended(&mut self, title: String) {
        if self.record.restored.is_none() {
            self.record.false_ends += 1;
            return;
        }
        let from = self.begun + self.record.deployed.unwrap_or_default();
        self.record.last_failed = self.ledger.last_failed(from).map(|last| last - self.begun);
        self.record.over = Some(self.now());
        let after = self.record.recovery().unwrap_or_default();
        self.tell(Event::Over { title, after });
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn tell(&mut self, event: Event) {
        (self.tell)(self.begun.elapsed(), &Told::Event(event));
    }

    /// Stops everything, and looks for what is left.
    async fn close(self) -> (Record, Left) {
        drop(self.people);
        let traces = self.house.clear().await;
        let left = traces.left().await;
        (self.tell)(self.begun.elapsed(), &Told::Event(Event::Cleared(left.clone())));
        (self.record, left)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn an_alert_is_measured_from_the_first_failed_sign_in_though_nobody_looked_for_it_before() {
        let options = Options {
            seed: 1,
            rate: 1.0,
            database: Database::Sqlite,
            keep: false,
            stay: false,
            forewarn: PathBuf::from("forewarn"),
            below: std::env::temp_dir(),
        };
        let test = scenario::test(scenario::TEST);
        let house = House::build(&test, &options).unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&told);
        // The drill began a minute ago.
        let begun = Instant::now() - Duration::from_mins(1);
        let mut course = Course {
            notices: Lines::of(house.notices()),
            log: Lines::of(house.log()),
            ledger: Ledger::default(),
            people: None,
            alert: None,
            pulsed: begun,
            options: &options,
            test: &test,
            house,
            tell: &mut move |_, event| noted.lock().unwrap().push(event.clone()),
            begun,
            record: Record { deployed: Some(begun.elapsed()), ..Record::default() },
        };
        let sign_in = course.ledger.begin();
        course.ledger.end(sign_in, true);
        let change = json!({ "key": scenario::KEY, "place": "service/front.toml:20" });
        let alert = json!({ "id": 1, "symptom": { "kind": "failing" }, "changes": [change] });
        course.heard(&json!({ "event": "opened", "title": "sign-ins fail", "alert": alert }));
        let record = &course.record;
        let since = record.first_failed.unwrap();
        assert!(since >= Duration::from_mins(1));
        assert!(record.cause.as_ref().unwrap().told <= begun.elapsed() - since);
        let told = told.lock().unwrap();
        assert!(matches!(
            told.as_slice(),
            [
                Told::Event(Event::Failing),
                Told::Event(Event::Alerted { after, .. }),
                Told::Event(Event::Cause(_))
            ] if Some(*after) == record.detection()
        ));
    }
}
