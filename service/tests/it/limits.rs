//! What a store answers when its database does not: the right failure, within its limits. Sockets and
//! threads know no virtual time, so the limits are real and short, and nothing here sleeps.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use authd::account::AccountId;
use authd::api::Register;
use authd::config::directory::DatabaseConfig;
use authd::config::length::Length;
use authd::store::{self, Failure, Store};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::store::{in_file, patient};
use super::temporary::Directory;

/// What a busy machine may add to a limit.
const SLACK: Duration = Duration::from_secs(5);

fn short(url: String) -> DatabaseConfig {
    let mut config = DatabaseConfig {
        url,
        connect_timeout: Length::millis(150),
        statement_timeout: Length::millis(150),
        ..DatabaseConfig::default()
    };
    config.pool.acquire_timeout = Length::millis(50);
    config.pool.size = 1;
    config
}

fn at(address: SocketAddr) -> String {
    format!("postgres://authd:s3cret@{address}/authd")
}

fn ana() -> Register {
    Register { id: AccountId([1; 16]), login: "ana@x.example".parse().unwrap(), hash: "$1".to_owned() }
}

async fn within<T>(limit: Duration, answer: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let answer = answer.await;
    assert!(began.elapsed() < limit + SLACK, "took {:?}", began.elapsed());
    answer
}

#[tokio::test]
async fn a_server_that_never_answers_is_a_connect_timeout_and_waiting_for_its_turn_a_pool_timeout() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let store = store::open(&short(at(silent.local_addr().unwrap()))).unwrap();
    let mut all = JoinSet::new();
    for _ in 0..2 {
        let store = store.clone();
        all.spawn(async move { store.ping().await });
    }
    let mut answers = within(Duration::from_millis(150), all.join_all()).await;
    answers.sort_by_key(|answer| answer.as_ref().map_err(Failure::reason).err());
    assert_eq!(answers, [Err(Failure::ConnectTimeout), Err(Failure::PoolTimeout)]);
}

#[tokio::test]
async fn a_port_that_refuses_is_unreachable() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let store = store::open(&short(at(address))).unwrap();
    let answer = within(Duration::ZERO, store.ping()).await;
    assert!(matches!(answer, Err(Failure::Unreachable(_))), "{answer:?}");
}

async fn until(swallowing: &mut watch::Receiver<bool>, wanted: bool) {
    let _ = swallowing.wait_for(|swallow| *swallow == wanted).await;
}

/// Carries bytes between clients and a server until it is told to swallow them.
async fn passage(server: SocketAddr) -> (SocketAddr, watch::Sender<bool>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (swallow, swallowing) = watch::channel(false);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut swallowing = swallowing.clone();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(server).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
                    () = until(&mut swallowing, true) => {}
                }
                // Both connections stay open and nothing passes any more.
                until(&mut swallowing, false).await;
            });
        }
    });
    (address, swallow)
}

#[tokio::test]
async fn a_connection_that_becomes_a_black_hole_holds_no_call() {
    let Some(server) =
        super::postgres::server("limits::a_connection_that_becomes_a_black_hole_holds_no_call")
    else {
        return;
    };
    let config = server.database().await;
    let (address, swallow) = passage(server.address()).await;
    let url = config.url.replace(&server.address().to_string(), &address.to_string());
    let mut config = DatabaseConfig { url, ..config };
    let store = store::open(&config).unwrap();
    assert_eq!(store.register(ana()).await, Ok(true));
    drop(store);
    config.statement_timeout = Length::millis(300);
    config.pool.size = 1;
    let store = store::open(&config).unwrap();
    assert_eq!(store.accounts().await, Ok(1));
    swallow.send_replace(true);
    let answer = within(Duration::from_millis(350), store.accounts()).await;
    assert_eq!(answer, Err(Failure::StatementTimeout));
    swallow.send_replace(false);
    assert_eq!(store.accounts().await, Ok(1), "on another connection");
}

#[tokio::test]
async fn a_lock_that_another_holds_is_a_statement_timeout_and_the_connection_stays() {
    let name = "limits::a_lock_that_another_holds_is_a_statement_timeout_and_the_connection_stays";
    let Some(server) = super::postgres::server(name) else { return };
    let mut config = server.database().await;
    config.statement_timeout = Length::millis(300);
    config.pool.size = 1;
    let store = store::open(&config).unwrap();
    assert_eq!(store.register(ana()).await, Ok(true));
    let other = server.client(&config).await;
    other.batch_execute("BEGIN; LOCK TABLE accounts").await.unwrap();
    let answer = within(Duration::from_millis(350), store.accounts()).await;
    assert_eq!(answer, Err(Failure::StatementTimeout));
    other.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(store.accounts().await, Ok(1));
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_crash_of_the_server_and_the_store_recovers() {
    let name = "limits::what_was_acknowledged_outlives_a_crash_of_the_server_and_the_store_recovers";
    let Some(server) = super::postgres::Server::alone(name) else { return };
    let store = store::open(&server.database().await).unwrap();
    assert_eq!(store.register(ana()).await, Ok(true));
    server.stop();
    let answer = store.ping().await;
    assert!(matches!(answer, Err(Failure::Unreachable(_))), "{answer:?}");
    server.start();
    assert_eq!(store.ping().await, Ok(()));
    assert!(store.account(ana().id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_file_that_another_process_writes_is_a_statement_timeout() {
    let directory = Directory::new();
    let mut config = in_file(&directory);
    config.statement_timeout = Length::millis(150);
    let store = store::open(&config).unwrap();
    let other = rusqlite::Connection::open(directory.path().join("directory.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = within(Duration::from_millis(150), store.register(ana())).await;
    assert_eq!(answer, Err(Failure::StatementTimeout));
    assert_eq!(store.accounts().await, Ok(0), "reading goes on");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.register(ana()).await, Ok(true));
}

#[tokio::test]
async fn a_write_whose_turn_does_not_come_in_time_is_a_pool_timeout_and_is_never_done() {
    let directory = Directory::new();
    let mut config = in_file(&directory);
    config.pool.acquire_timeout = Length::millis(100);
    config.statement_timeout = Length::seconds(2);
    let store = store::open(&config).unwrap();
    let other = rusqlite::Connection::open(directory.path().join("directory.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let second = async {
        // The first job has begun, and waits for the file; this one waits for its turn in vain.
        let answer = within(Duration::from_millis(100), store.register(ana())).await;
        other.execute_batch("ROLLBACK").unwrap();
        answer
    };
    let (first, second) = tokio::join!(biased; store.ping(), second);
    assert_eq!((first, second), (Ok(()), Err(Failure::PoolTimeout)));
    assert_eq!(store.ping().await, Ok(()));
    assert_eq!(store.accounts().await, Ok(0), "a caller that gave up left nothing behind");
}

#[tokio::test]
async fn what_is_written_to_a_file_is_there_when_it_is_opened_again() {
    let directory = Directory::new();
    let store = store::open(&in_file(&directory)).unwrap();
    assert_eq!(store.register(ana()).await, Ok(true));
    drop(store);
    let store: Arc<dyn Store> = store::open(&in_file(&directory)).unwrap();
    assert_eq!(store.accounts().await, Ok(1));
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = Directory::new();
    let store = store::open(&in_file(&directory)).unwrap();
    store.register(ana()).await.unwrap();
    let files = std::fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap());
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.path().display());
    }
}

#[tokio::test]
async fn tables_of_a_newer_program_are_refused() {
    let directory = Directory::new();
    drop(store::open(&in_file(&directory)).unwrap());
    let file = rusqlite::Connection::open(directory.path().join("directory.db")).unwrap();
    file.pragma_update(None, "user_version", 7).unwrap();
    let refusal = store::open(&in_file(&directory)).err().unwrap();
    insta::assert_snapshot!(refusal, @"the database refused: the tables have version 7; this program knows versions up to 1: use a newer one");
    let name = "limits::tables_of_a_newer_program_are_refused";
    let Some(server) = super::postgres::server(name) else { return };
    let config = server.database().await;
    store::open(&config).unwrap().ping().await.unwrap();
    server.client(&config).await.batch_execute("UPDATE authd_version SET version = 7").await.unwrap();
    let refusal = store::open(&config).unwrap().ping().await.unwrap_err();
    insta::assert_snapshot!(refusal, @"the database refused: the tables have version 7; this program knows versions up to 1: use a newer one");
}

#[tokio::test]
async fn a_url_of_no_known_database_is_refused_without_repeating_it() {
    for url in ["mysql://ana:s3cret@db/authd", "", "sqlite:", "sqlite"] {
        let refusal = store::open(&DatabaseConfig { url: url.to_owned(), ..patient() }).err().unwrap();
        assert!(refusal.to_string().contains("`database.url`"), "{refusal}");
        assert!(!refusal.to_string().contains("s3cret"), "{refusal}");
    }
}

/// The processes of the server that serve the store's connections.
async fn serving(observer: &tokio_postgres::Client) -> Vec<i32> {
    let select = "SELECT pid FROM pg_stat_activity \
                  WHERE datname = current_database() AND application_name = 'authd'";
    observer.query(select, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_connection_that_nobody_takes_is_closed() {
    let Some(server) = super::postgres::server("limits::a_connection_that_nobody_takes_is_closed") else {
        return;
    };
    let mut config = server.database().await;
    config.pool.idle_timeout = Length::millis(200);
    let observer = server.client(&config).await;
    let store = store::open(&config).unwrap();
    store.ping().await.unwrap();
    let closed = async { while !serving(&observer).await.is_empty() {} };
    within(Duration::from_millis(200), closed).await;
    assert_eq!(store.ping().await, Ok(()));
}

#[tokio::test]
async fn a_connection_that_is_always_in_use_is_replaced_once_it_is_old() {
    let name = "limits::a_connection_that_is_always_in_use_is_replaced_once_it_is_old";
    let Some(server) = super::postgres::server(name) else { return };
    let mut config = server.database().await;
    config.pool.size = 1;
    config.pool.max_lifetime = Some(Length::millis(200));
    let observer = server.client(&config).await;
    let store = store::open(&config).unwrap();
    store.ping().await.unwrap();
    let first = serving(&observer).await;
    assert_eq!(first.len(), 1);
    let replaced = async {
        while serving(&observer).await == first {
            store.ping().await.unwrap();
        }
    };
    within(Duration::from_millis(200), replaced).await;
}
