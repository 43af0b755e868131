//! Changing a configuration while it is in force, on virtual time and over a source that is scripted.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authd::config::directory::DirectoryConfig;
use authd::config::document::{self, Config};
use authd::config::environment::Environment;
use authd::config::front::FrontConfig;
use authd::config::live::Live;
use authd::config::reload::{self, Followed, Source};
use authd::metrics::Metrics;
use tokio::sync::mpsc;

const FRONT: &str = "[server]\nlisten = \"127.0.0.1:8080\"\n\
                     [directory]\nurl = \"http://localhost:8081\"\nrequest_timeout = \"1s\"\n";

/// A file that the test writes.
#[derive(Default)]
struct Paper(Mutex<Option<String>>);

impl Paper {
    fn says(&self, text: &str) {
        *self.0.lock().unwrap() = Some(text.to_owned());
    }
    fn is_gone(&self) {
        *self.0.lock().unwrap() = None;
    }
}

impl Source for Paper {
    fn text(&self) -> io::Result<String> {
        self.0.lock().unwrap().clone().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

struct Running<T> {
    paper: Arc<Paper>,
    live: Live<T>,
    hangup: mpsc::Sender<()>,
    told: Arc<Mutex<Vec<String>>>,
    metrics: Arc<Metrics>,
}

impl<T: Config> Running<T> {
    async fn on(text: &str) -> Self {
        let paper = Arc::new(Paper::default());
        paper.says(text);
        let config: T = document::read("auth.toml", text, &Environment::default()).unwrap();
        let (sender, live) = Live::new(config);
        let metrics = Arc::new(Metrics::new());
        let (name, environment) = ("auth.toml".to_owned(), Environment::default());
        let followed = Followed::new(name, text.to_owned(), environment, live.now(), sender, metrics.clone());
        let (hangup, asked) = mpsc::channel(1);
        let told = Arc::new(Mutex::new(Vec::new()));
        let lines = told.clone();
        let tell = move |report: &reload::Report| {
            lines.lock().unwrap().push(format!("{}: {report}", report.event()));
        };
        tokio::spawn(reload::follow(followed, paper.clone(), asked, Box::new(tell)));
        let running = Self { paper, live, hangup, told, metrics };
        running.after_seconds(1).await;
        running
    }

    async fn after_seconds(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds) + Duration::from_millis(1)).await;
    }

    /// What was told since the last time.
    fn told(&self) -> String {
        self.told.lock().unwrap().drain(..).collect::<Vec<_>>().join("\n")
    }

    fn counted(&self, accepted: &str) -> bool {
        self.metrics.text().contains(&format!("auth_config_reloads_total{{accepted=\"{accepted}\"}} 1"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_is_taken_within_three_seconds_and_said_key_by_key() {
    let running = Running::<FrontConfig>::on(FRONT).await;
    let changed = FRONT.replace("\"1s\"", "\"300ms\"").replace(":8080", ":9090");
    running.paper.says(&format!("{changed}[directory.pool]\nmax_lifetime = \"10m\"\n"));
    running.after_seconds(3).await;
    assert_eq!(running.live.now().directory.request_timeout.to_string(), "300ms");
    insta::assert_snapshot!(running.told(), @"configuration taken: directory.pool.max_lifetime nothing -> 10m; directory.request_timeout 1s -> 300ms; server.listen 127.0.0.1:8080 -> 127.0.0.1:9090 (after a restart)");
    assert!(running.counted("yes"));
    running.after_seconds(60).await;
    assert_eq!(running.told(), "");
}

#[tokio::test(start_paused = true)]
async fn what_tokens_say_changes_at_once_and_whether_keys_are_kept_at_the_next_start() {
    let running = Running::<FrontConfig>::on(&format!("{FRONT}[tokens]\naudience = \"a\"\n")).await;
    running.paper.says(&format!("{FRONT}[tokens]\naudience = \"b\"\nkeys = \"/keys\"\n"));
    running.after_seconds(3).await;
    insta::assert_snapshot!(running.told(), @"configuration taken: tokens.audience a -> b; tokens.keys nothing -> /keys (after a restart)");
    running.paper.says(&format!("{FRONT}[tokens]\naudience = \"b\"\nkeys = \"/others\"\n"));
    running.after_seconds(3).await;
    insta::assert_snapshot!(running.told(), @"configuration taken: tokens.keys /keys -> /others");
}

#[tokio::test(start_paused = true)]
async fn a_refused_file_leaves_the_old_one_in_force_and_is_said_once() {
    let running = Running::<FrontConfig>::on(FRONT).await;
    running.paper.says(&FRONT.replace("\"1s\"", "\"100ms\""));
    running.after_seconds(60).await;
    assert_eq!(running.live.now().directory.request_timeout.to_string(), "1s");
    insta::assert_snapshot!(running.told(), @r"
    configuration refused: the one before stays in force:
    error: auth.toml:5:19: directory.request_timeout: connecting (100ms) and waiting for a connection (50ms) may take 100ms + 50ms = 150ms, longer than the whole call (100ms)
      with directory.connect_timeout = 100ms (the default)
      with directory.pool.acquire_timeout = 50ms (the default)
      help: above 150ms, by as much as the directory needs to answer
    ");
    assert!(running.counted("no"));
    running.hangup.send(()).await.unwrap();
    running.after_seconds(0).await;
    assert!(running.told().starts_with("configuration refused: "));
    running.paper.says(&FRONT.replace("\"1s\"", "\"900ms\""));
    running.after_seconds(0).await;
    running.hangup.send(()).await.unwrap();
    running.after_seconds(3).await;
    assert_eq!(running.told(), "configuration taken: directory.request_timeout 1s -> 900ms");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_being_written_is_not_taken_before_it_is_whole() {
    let running = Running::<FrontConfig>::on(FRONT).await;
    let whole = format!("{FRONT}max_attempts = 2\n[directory.pool]\nsize = 7\n");
    // Each part is a configuration by itself, and none is meant.
    for end in [FRONT.len(), whole.find("[directory.pool]").unwrap(), whole.find("size").unwrap()] {
        running.paper.says(&whole[..end]);
        running.after_seconds(1).await;
    }
    running.paper.says(&whole);
    assert_eq!(running.live.now().directory.max_attempts, 1);
    running.after_seconds(3).await;
    assert_eq!(running.live.now().directory.pool.size, 7);
    insta::assert_snapshot!(running.told(), @"configuration taken: directory.max_attempts 1 -> 2; directory.pool.size 64 -> 7");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_away_for_a_moment_is_no_event_and_one_that_stays_away_is() {
    let running = Running::<FrontConfig>::on(FRONT).await;
    running.paper.is_gone();
    running.after_seconds(1).await;
    running.paper.says(FRONT);
    running.after_seconds(5).await;
    assert_eq!(running.told(), "");
    running.paper.is_gone();
    running.after_seconds(30).await;
    insta::assert_snapshot!(running.told(), @"configuration refused: the one before stays in force: auth.toml cannot be read: entity not found");
    running.paper.says(&FRONT.replace("\"1s\"", "\"900ms\""));
    running.after_seconds(3).await;
    assert_eq!(running.live.now().directory.request_timeout.to_string(), "900ms");
}

#[tokio::test(start_paused = true)]
async fn a_signal_is_answered_at_once_even_where_nothing_changed() {
    let running = Running::<FrontConfig>::on(FRONT).await;
    running.hangup.send(()).await.unwrap();
    running.after_seconds(0).await;
    assert_eq!(running.told(), "configuration unchanged: the file says what is in force");
    running.paper.says(&format!("{FRONT}# a comment\n"));
    running.hangup.send(()).await.unwrap();
    running.after_seconds(0).await;
    assert_eq!(running.told(), "configuration taken: no value is another one");
}

#[tokio::test(start_paused = true)]
async fn passwords_in_urls_are_not_said() {
    let text = |password: &str| {
        format!("[server]\nlisten = \"127.0.0.1:8081\"\n[database]\nurl = \"postgres://u:{password}@db/d\"\n")
    };
    let running = Running::<DirectoryConfig>::on(&text("hunter1")).await;
    running.paper.says(&text("hunter2"));
    running.after_seconds(3).await;
    insta::assert_snapshot!(running.told(), @"configuration taken: database.url postgres://u:***@db/d -> postgres://u:***@db/d (after a restart)");
}

/// As Kubernetes replaces a mounted ConfigMap: a link to a link to a directory, turned in one step.
#[cfg(unix)]
#[test]
fn links_are_followed_anew() {
    use std::os::unix::fs::symlink;
    let root =
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("links-{}", std::process::id()));
    for (version, text) in [("1", "one"), ("2", "two")] {
        std::fs::create_dir_all(root.join(version)).unwrap();
        std::fs::write(root.join(version).join("auth.toml"), text).unwrap();
    }
    symlink("1", root.join("data")).unwrap();
    symlink("data/auth.toml", root.join("auth.toml")).unwrap();
    let file = root.join("auth.toml");
    assert_eq!(file.text().unwrap(), "one");
    symlink("2", root.join("next")).unwrap();
    std::fs::rename(root.join("next"), root.join("data")).unwrap();
    assert_eq!(file.text().unwrap(), "two");
    std::fs::remove_dir_all(root).unwrap();
}
