//! The pool's settings: what the configuration says, as the driver and the pool take it.

use std::fs;
use std::str::FromStr as _;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, Pool, QueueMode, Runtime};
use tokio_postgres::config::SslMode;
use tokio_postgres::{Config, NoTls};

use crate::config::directory::DatabaseConfig;
use crate::store::Failure;

/// How long a connection is silent before the kernel asks whether the other end is still there, where
/// the URL does not say.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// What the driver takes where a URL does not say how long: two hours.
const KEEP_ALIVE_OF_THE_DRIVER: Duration = Duration::from_secs(2 * 60 * 60);

/// A pool that makes no connection yet.
pub(super) fn pool(config: &DatabaseConfig) -> Result<Pool, Failure> {
    let manager = Manager::new(driver(config)?, NoTls);
    let limits = &config.pool;
    let (idle, oldest) = (limits.idle_timeout.get(), limits.max_lifetime.map(|length| length.get()));
    let fresh = move |metrics: &deadpool_postgres::Metrics| {
        metrics.last_used() < idle && oldest.is_none_or(|oldest| metrics.age() < oldest)
    };
    let pool =
        Pool::builder(manager)
            .max_size(usize::try_from(limits.size).unwrap_or(usize::MAX))
            .wait_timeout(Some(limits.acquire_timeout.get()))
            .create_timeout(Some(config.connect_timeout.get()))
            .runtime(Runtime::Tokio1)
            // The one used last is used next, so that those beyond the need grow idle.
            .queue_mode(QueueMode::Lifo)
            .pre_recycle(Hook::sync_fn(move |_, metrics| {
                if fresh(metrics) { Ok(()) } else { Err(HookError::message("too old")) }
            }))
            .build()
            .map_err(|error| Failure::Refused(error.to_string()))?;
    tokio::spawn(close_idle(pool.weak(), idle, fresh));
    Ok(pool)
}

/// Closes connections that nobody takes, as long as there is a pool.
async fn close_idle(
    pool: deadpool_postgres::WeakPool,
    idle: Duration,
    fresh: impl Fn(&deadpool_postgres::Metrics) -> bool,
) {
    let mut turns = tokio::time::interval((idle / 4).max(Duration::from_millis(100)));
    loop {
        turns.tick().await;
        let Some(pool) = pool.upgrade() else { return };
        pool.retain(|_, metrics| fresh(&metrics));
    }
}

/// What each connection is made with.
fn driver(config: &DatabaseConfig) -> Result<Config, Failure> {
    // The driver's error names the option, not its value; the URL may hold a password.
    let mut driver = Config::from_str(&config.url)
        .map_err(|error| Failure::Refused(format!("`database.url` cannot be read: {error}")))?;
    match driver.get_ssl_mode() {
        SslMode::Disable => {}
        // What a URL that does not say `sslmode` means: without TLS if there is none.
        SslMode::Prefer => drop(driver.ssl_mode(SslMode::Disable)),
        _ => {
            return Err(Failure::Refused(
                "`database.url` asks for TLS, which is not supported: connect by a Unix socket or a tunnel, \
                 with `sslmode=disable`"
                    .to_owned(),
            ));
        }
    }
    if let (None, Some(path)) = (driver.get_password(), &config.password_file) {
        let password = fs::read_to_string(path).map_err(|error| {
            Failure::Refused(format!("`database.password_file`: `{}`: {error}", path.display()))
        })?;
        driver.password(password.trim_end_matches(['\r', '\n']));
    }
    if driver.get_application_name().is_none() {
        driver.application_name("authd");
    }
    let statement = config.statement_timeout.get();
    driver.connect_timeout(config.connect_timeout.get());
    if driver.get_tcp_user_timeout().is_none() {
        // What has not even been acknowledged by then is waited for by nobody.
        driver.tcp_user_timeout(statement);
    }
    if driver.get_keepalives_idle() == KEEP_ALIVE_OF_THE_DRIVER {
        driver.keepalives_idle(KEEP_ALIVE);
    }
    let options = options(driver.get_options().unwrap_or_default(), statement);
    driver.options(options);
    Ok(driver)
}

/// The server's own limits, after the options that the URL sets: those that come later hold.
fn options(written: &str, statement: Duration) -> String {
    let millis = statement.as_millis();
    // A transaction of ours is never idle for longer than a caller waits; one whose directory has
    // vanished must not keep its locks. And an answer means that it is on disk.
    let ours = format!(
        "-c statement_timeout={millis}ms -c idle_in_transaction_session_timeout={millis}ms \
         -c synchronous_commit=on"
    );
    format!("{written} {ours}").trim_start().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::length::Length;

    fn with(url: &str) -> DatabaseConfig {
        DatabaseConfig {
            url: url.to_owned(),
            statement_timeout: Length::millis(700),
            ..DatabaseConfig::default()
        }
    }

    #[test]
    fn the_limits_of_the_server_come_after_those_of_the_url() {
        let written = "postgres://ana@db.example/authd?options=-c%20statement_timeout%3D0";
        let driver = driver(&with(written)).unwrap();
        insta::assert_snapshot!(driver.get_options().unwrap_or_default(), @"-c statement_timeout=0 -c statement_timeout=700ms -c idle_in_transaction_session_timeout=700ms -c synchronous_commit=on");
        assert_eq!(driver.get_tcp_user_timeout(), Some(&Duration::from_millis(700)));
        assert_eq!(driver.get_keepalives_idle(), KEEP_ALIVE);
    }

    #[test]
    fn a_url_that_asks_for_tls_is_refused_and_one_that_is_none_is_not_repeated() {
        let refusal = |url: &str| driver(&with(url)).unwrap_err().to_string();
        let tls = refusal("postgres://ana:s3cret@db.example/authd?sslmode=require");
        assert!(tls.contains("asks for TLS"), "{tls}");
        for url in
            ["postgres://ana:s3cret@db.example:x/authd", "postgres://ana:s3cret@db?sslmode=verify-full"]
        {
            let refusal = refusal(url);
            assert!(
                refusal.starts_with("the database refused: `database.url` cannot be read: "),
                "{refusal}"
            );
            assert!(!refusal.contains("s3cret"), "{refusal}");
        }
    }

    #[test]
    fn the_password_comes_from_the_file_where_the_url_has_none() {
        let mut config = with("postgres://ana@db.example/authd");
        config.password_file = Some("/nonexistent/password".into());
        let refusal = driver(&config).unwrap_err().to_string();
        assert!(refusal.contains("`/nonexistent/password`"), "{refusal}");
        config.url = "postgres://ana:s3cret@db.example/authd".to_owned();
        assert_eq!(driver(&config).unwrap().get_password(), Some(&b"s3cret"[..]));
    }
}
