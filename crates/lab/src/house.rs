//! What a drill adds to the stage of a test: the service's files as they are deployed and as they are
//! proposed, deployments, and the watch.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use daemon::http::Network;
use prove::file::{Process, Ready, Test};
use prove::room;
use prove::stage::Stage;
use prove::trial::Trouble;
use prove::words::Words;

use crate::course::Options;
use crate::database::{self, Database};
use crate::scenario;
use crate::traces::Traces;

/// The service's files, as they are deployed. What else is written stays outside of their folder, which the
/// watch looks at.
const SERVICE: &str = "config/service";
/// The same with the edit that is proposed.
const PROPOSED: &str = "config/proposed";
/// What the watch writes.
const WATCH: &str = "watch";
/// How long the watch may take to be ready, and to end.
const LONG: Duration = Duration::from_secs(20);

/// The house of a drill.
pub(crate) struct House<'t> {
    pub(crate) stage: Stage<'t>,
    kept: bool,
    /// The configuration in force when all began.
    good: String,
    /// The bad edit.
    bad: String,
}

impl<'t> House<'t> {
    /// Makes the room and its files; nothing runs yet but the proxy.
    pub(crate) fn build(test: &'t Test, options: &Options) -> Result<Self, Trouble> {
        let mut words = Words::default();
        words.set("forewarn", options.forewarn.to_string_lossy());
        let mut stage = Stage::below(&options.below, options.keep, test, words, Network::default())?;
        let service = stage.path().join(SERVICE);
        stage.set("base", service.to_string_lossy());
        stage.set("candidate", service.join(&test.candidate.file).to_string_lossy());
        stage.port(WATCH)?;
        stage.connect(options.seed)?;
        let (good, bad) = (stage.configured(scenario::FRONT)?, stage.configured(scenario::CANDIDATE)?);
        let house = Self { stage, kept: options.keep, good, bad };
        house.furnish(&options.database)?;
        Ok(house)
    }

    fn furnish(&self, database: &Database) -> Result<(), Trouble> {
        let watch = self.stage.words().fill(scenario::WATCH).expect("bug: the drill names what it has");
        let forewarn = format!("{}{watch}", scenario::FOREWARN);
        let test = database.in_test(scenario::TEST);
        for (folder, front) in [(SERVICE, &self.good), (PROPOSED, &self.bad)] {
            let folder = self.path().join(folder);
            made(&folder)?;
            written(&folder.join("front.toml"), front)?;
            written(&folder.join("directory.toml"), scenario::DIRECTORY)?;
            written(&folder.join("observed.toml"), scenario::OBSERVED)?;
            written(&folder.join("auth.test.toml"), &test)?;
            if let Database::Postgres(_) = database {
                written(&folder.join(database::SCRIPT_NAME), database::SCRIPT)?;
            }
            written(&folder.join("forewarn.toml"), &forewarn)?;
        }
        made(&self.path().join(WATCH))
    }

    /// Where all of it is.
    pub(crate) fn path(&self) -> &Path {
        self.stage.path()
    }

    /// The files in force.
    fn service(&self) -> PathBuf {
        self.path().join(SERVICE)
    }

    /// Where the watch tells.
    pub(crate) fn notices(&self) -> PathBuf {
        self.path().join(WATCH).join("notices.jsonl")
    }

    /// Where the service says that it took another configuration.
    pub(crate) fn log(&self) -> PathBuf {
        self.path().join("front.log")
    }

    /// Starts the watch.
    pub(crate) async fn watch(&mut self) -> Result<(), Trouble> {
        let command = ["${forewarn}", "watch", "--config", "${base}/forewarn.toml"];
        let watch = Process {
            name: WATCH.to_owned(),
            command: command.map(str::to_owned).to_vec(),
            environment: Vec::new(),
            directory: None,
            ready: Ready::Http("http://127.0.0.1:${port.watch}/healthz".to_owned()),
            pass: Vec::new(),
            ready_within: LONG,
            stop_within: LONG,
        };
        self.stage.start(&watch).await
    }

    /// Puts the bad edit in force, as a deployment does: the file is replaced as a whole.
    pub(crate) fn deploy_bad(&self) -> Result<(), Trouble> {
        self.deploy(&self.bad)
    }

    /// Puts the good value back.
    pub(crate) fn deploy_good(&self) -> Result<(), Trouble> {
        self.deploy(&self.good)
    }

    fn deploy(&self, text: &str) -> Result<(), Trouble> {
        let (beside, place) = (self.path().join("front.toml.new"), self.service().join("front.toml"));
        written(&beside, text)?;
        std::fs::rename(&beside, &place).map_err(|error| trouble(&place, &error))
    }

    /// Stops everything, the last one first, and gives what to look for afterwards.
    pub(crate) async fn clear(self) -> Traces {
        let traces = Traces {
            room: self.path().to_path_buf(),
            kept: self.kept,
            groups: self.stage.started().to_vec(),
            ports: self.stage.ports(),
        };
        // Who had to be killed is gone too; whether that is so is looked for.
        self.stage.clear().await;
        traces
    }
}

fn made(folder: &Path) -> Result<(), Trouble> {
    std::fs::create_dir_all(folder).map_err(|error| trouble(folder, &error))
}

fn written(path: &Path, text: &str) -> Result<(), Trouble> {
    std::fs::write(path, text).map_err(|error| trouble(path, &error))
}

fn trouble(path: &Path, error: &io::Error) -> Trouble {
    room::trouble(path.to_string_lossy(), error)
}
