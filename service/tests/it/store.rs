//! What every store promises, asked of each of them: the one in memory, SQLite and PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use authd::account::{Account, AccountId, DeviceId, Epoch, Login, SessionId};
use authd::api::{Register, Revoke, SetHash, Status};
use authd::clock::Timestamp;
use authd::config::directory::DatabaseConfig;
use authd::config::length::Length;
use authd::lockout::{Policy, Subject};
use authd::session::{Presented, Rotation};
use authd::store::memory::Memory;
use authd::store::{self, Store};
use tokio::task::JoinSet;

use super::temporary::Directory;

/// Limits that a busy machine keeps; the tests of limits set their own.
pub(crate) fn patient() -> DatabaseConfig {
    let long = Length::seconds(20);
    let mut config =
        DatabaseConfig { connect_timeout: long, statement_timeout: long, ..DatabaseConfig::default() };
    config.pool.acquire_timeout = long;
    config.pool.size = 4;
    config
}

pub(crate) fn in_file(directory: &Directory) -> DatabaseConfig {
    DatabaseConfig { url: format!("sqlite:{}", directory.path().join("directory.db").display()), ..patient() }
}

const NOW: Timestamp = Timestamp(1_000_000);
const END: Timestamp = Timestamp(9_000_000);
const GRACE: Duration = Duration::from_secs(10);
const POLICY: Policy = Policy {
    threshold: 3,
    window: Duration::from_secs(60),
    duration: Duration::from_secs(10),
    longest: Duration::from_secs(60),
};
const ANA: AccountId = AccountId([0xa; 16]);
const SESSION: SessionId = SessionId([0x5; 16]);

type Shared = Arc<dyn Store>;

fn register(id: AccountId, login: &str) -> Register {
    Register { id, login: login.parse().unwrap(), hash: "$1".to_owned() }
}

fn subject(login: &str, device: Option<u8>) -> Subject {
    Subject { login: login.parse().unwrap(), device: device.map(|byte| DeviceId([byte; 16])) }
}

fn presented(generation: u32) -> Presented {
    Presented { session: SESSION, account: ANA, epoch: Epoch(0), generation, expires: END }
}

fn successor(generation: u32, rotated: Timestamp, replayed: bool) -> Rotation {
    Rotation::Successor { generation, rotated, replayed }
}

async fn with_ana(store: &Shared) {
    assert_eq!(store.register(register(ANA, "ana@x.example")).await, Ok(true));
}

async fn alive(store: &Shared, now: Timestamp) -> bool {
    let status = Status { session: SESSION, account: ANA, epoch: Epoch(0) };
    store.status(status, now).await.unwrap().active
}

async fn an_account_is_made_once_and_kept(store: Shared) {
    with_ana(&store).await;
    with_ana(&store).await;
    let other = AccountId([0xb; 16]);
    assert_eq!(store.register(register(other, "ana@x.example")).await, Ok(false));
    assert!(store.register(register(ANA, "ben@x.example")).await.is_err(), "the identifier is Ana's");
    let login: Login = "ana@x.example".parse().unwrap();
    let ana = Account { id: ANA, login, hash: "$1".to_owned(), epoch: Epoch(0) };
    assert_eq!(store.account(ANA).await, Ok(Some(ana.clone())));
    assert_eq!(store.account(other).await, Ok(None));
    assert_eq!(store.lookup(subject("ana@x.example", None)).await, Ok((Some(ana), None)));
    assert_eq!(store.lookup(subject("ben@x.example", None)).await, Ok((None, None)));
    assert_eq!(store.accounts().await, Ok(1));
    assert_eq!(store.ping().await, Ok(()));
}

async fn one_of_many_registrations_of_a_login_wins(store: Shared) {
    let mut all = JoinSet::new();
    for byte in 0..16 {
        let store = store.clone();
        all.spawn(async move { store.register(register(AccountId([byte; 16]), "ana@x.example")).await });
    }
    let made = all.join_all().await;
    assert_eq!(made.iter().filter(|made| **made == Ok(true)).count(), 1, "{made:?}");
    assert!(made.iter().all(Result::is_ok), "{made:?}");
    assert_eq!(store.accounts().await, Ok(1));
}

async fn a_hash_is_replaced_where_the_old_one_is_stored(store: Shared) {
    with_ana(&store).await;
    let change = |old: &str, new: &str, changed: bool| {
        store.set_hash(SetHash { account: ANA, old: old.to_owned(), new: new.to_owned(), changed })
    };
    assert_eq!(change("$1", "$2", true).await, Ok(Some(Epoch(1))));
    assert_eq!(change("$1", "$2", true).await, Ok(Some(Epoch(1))), "asked again");
    assert_eq!(change("$2", "$3", false).await, Ok(Some(Epoch(1))));
    assert_eq!(change("$2", "$4", true).await, Ok(None));
    let gone = SetHash { account: AccountId([0; 16]), old: String::new(), new: String::new(), changed: true };
    assert_eq!(store.set_hash(gone).await, Ok(None));
    let stored = store.account(ANA).await.unwrap().unwrap();
    assert_eq!((stored.hash.as_str(), stored.epoch), ("$3", Epoch(1)));
}

async fn failures_are_counted_a_subject_and_forgotten(store: Shared) {
    for _ in 0..3 {
        store.fail(subject("ana@x.example", None), NOW, POLICY).await.unwrap();
    }
    store.fail(subject("ana@x.example", Some(1)), NOW, POLICY).await.unwrap();
    let kept = async |device| store.lookup(subject("ana@x.example", device)).await.unwrap().1;
    assert!(kept(None).await.unwrap().holds(NOW), "three failures lock");
    assert_eq!(kept(Some(1)).await.map(|lockout| lockout.failures), Some(1));
    assert_eq!(kept(Some(2)).await, None);
    store.clear(subject("ana@x.example", None)).await.unwrap();
    store.clear(subject("ana@x.example", None)).await.unwrap();
    assert_eq!(kept(None).await, None);
    assert_eq!(kept(Some(1)).await.map(|lockout| lockout.failures), Some(1), "that of a device stays");
}

async fn no_concurrent_failure_is_lost(store: Shared) {
    let policy = Policy { threshold: 1000, ..POLICY };
    let mut all = JoinSet::new();
    for _ in 0..24 {
        let store = store.clone();
        all.spawn(
            async move { store.fail(subject("ana@x.example", None), NOW, policy).await.unwrap().failures },
        );
    }
    let mut counts = all.join_all().await;
    counts.sort_unstable();
    assert_eq!(counts, (1..=24).collect::<Vec<_>>());
}

async fn a_session_is_rotated_replayed_and_revoked_by_reuse(store: Shared) {
    with_ana(&store).await;
    let later = NOW.after(GRACE);
    let too_late = later.after(Duration::from_millis(1));
    assert_eq!(store.rotate(presented(0), NOW, GRACE).await, Ok(successor(1, NOW, false)));
    assert_eq!(store.rotate(presented(0), later, GRACE).await, Ok(successor(1, NOW, true)));
    assert_eq!(store.rotate(presented(1), later, GRACE).await, Ok(successor(2, later, false)));
    assert!(alive(&store, later).await);
    assert_eq!(store.rotate(presented(0), too_late, GRACE).await, Ok(Rotation::Reused));
    assert!(!alive(&store, too_late).await);
    assert_eq!(store.rotate(presented(2), too_late, GRACE).await, Ok(Rotation::Revoked));
}

async fn one_of_many_first_rotations_wins_and_the_others_get_the_same(store: Shared) {
    with_ana(&store).await;
    let mut all = JoinSet::new();
    for late in 0..16_u64 {
        let store = store.clone();
        let now = NOW.after(Duration::from_millis(late));
        all.spawn(async move { store.rotate(presented(0), now, GRACE).await.unwrap() });
    }
    let given = all.join_all().await;
    let first = given.iter().find_map(|rotation| match rotation {
        Rotation::Successor { rotated, replayed: false, .. } => Some(*rotated),
        _ => None,
    });
    let first = first.expect("one is the first");
    let same = |replayed| given.iter().filter(|one| **one == successor(1, first, replayed)).count();
    assert_eq!((same(false), same(true)), (1, 15), "{given:?}");
}

async fn a_revocation_holds_for_sessions_known_and_unknown(store: Shared) {
    with_ana(&store).await;
    assert!(alive(&store, NOW).await, "a session that was never written");
    let revoke = Revoke { session: SESSION, account: ANA, expires: END };
    store.revoke(revoke.clone(), NOW).await.unwrap();
    store.revoke(revoke, NOW).await.unwrap();
    assert!(!alive(&store, NOW).await);
    assert_eq!(store.rotate(presented(0), NOW, GRACE).await, Ok(Rotation::Revoked));
    let other = SessionId([6; 16]);
    let token = Presented { session: other, ..presented(0) };
    store.rotate(token, NOW, GRACE).await.unwrap();
    store.revoke(Revoke { session: other, account: ANA, expires: END }, NOW).await.unwrap();
    let token = Presented { generation: 1, ..token };
    assert_eq!(store.rotate(token, NOW, GRACE).await, Ok(Rotation::Revoked));
}

async fn what_was_issued_before_a_password_change_is_void(store: Shared) {
    with_ana(&store).await;
    assert_eq!(store.rotate(presented(0), NOW, GRACE).await, Ok(successor(1, NOW, false)));
    let change = SetHash { account: ANA, old: "$1".to_owned(), new: "$2".to_owned(), changed: true };
    store.set_hash(change).await.unwrap();
    assert!(!alive(&store, NOW).await);
    assert_eq!(store.rotate(presented(1), NOW, GRACE).await, Ok(Rotation::Revoked));
    let nobody = Presented { account: AccountId([0; 16]), session: SessionId([7; 16]), ..presented(0) };
    assert_eq!(store.rotate(nobody, NOW, GRACE).await, Ok(Rotation::Revoked));
}

async fn a_sweep_deletes_what_has_no_effect_and_nothing_else(store: Shared) {
    with_ana(&store).await;
    for byte in 0..3 {
        let session = SessionId([byte; 16]);
        let expires = if byte == 0 { END } else { NOW };
        store.revoke(Revoke { session, account: ANA, expires }, NOW).await.unwrap();
    }
    let past = Timestamp(NOW.0 - 60_000);
    store.fail(subject("long-ago", None), past, POLICY).await.unwrap();
    store.fail(subject("just-now", None), NOW, POLICY).await.unwrap();
    for _ in 0..3 {
        store.fail(subject("locked", None), past, POLICY).await.unwrap();
    }
    assert_eq!(store.sweep(NOW, POLICY).await, Ok(3));
    assert_eq!(store.sweep(NOW, POLICY).await, Ok(0));
    let kept = async |login| store.lookup(subject(login, None)).await.unwrap().1.is_some();
    assert!(!kept("long-ago").await);
    assert!(kept("just-now").await);
    assert!(kept("locked").await, "its end was less than a window ago");
    let kept = Presented { session: SessionId([0; 16]), ..presented(0) };
    assert_eq!(store.rotate(kept, NOW, GRACE).await, Ok(Rotation::Revoked));
}

async fn a_sweep_of_many_rows_leaves_none(store: Shared) {
    let mut all = JoinSet::new();
    for number in 0..1_200_u128 {
        let (store, session) = (store.clone(), SessionId(number.to_be_bytes()));
        all.spawn(async move { store.revoke(Revoke { session, account: ANA, expires: NOW }, NOW).await });
    }
    assert!(all.join_all().await.iter().all(Result::is_ok));
    assert_eq!(store.sweep(NOW, POLICY).await, Ok(1_200));
}

async fn logins_of_any_script_and_hashes_of_any_length_are_kept(store: Shared) {
    for (byte, login) in ["ána@x.example", "用户", "o'brien\"; drop--", "\u{1f600}"].into_iter().enumerate()
    {
        let id = AccountId([u8::try_from(byte).unwrap(); 16]);
        let new = Register { hash: "h".repeat(1000 * byte), ..register(id, login) };
        assert_eq!(store.register(new.clone()).await, Ok(true));
        let found = store.lookup(subject(login, None)).await.unwrap().0.unwrap();
        assert_eq!((found.id, found.login, found.hash), (new.id, new.login, new.hash));
    }
}

/// Every case as a test of the store in memory and of SQLite. PostgreSQL takes them in one test, because
/// runners that start a program for each test would start a server for each.
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        mod memory {
            use super::*;
            $(#[tokio::test]
            async fn $case() {
                super::$case(Arc::new(Memory::default())).await;
            })*
        }
        mod sqlite {
            use super::*;
            $(#[tokio::test]
            async fn $case() {
                let directory = Directory::new();
                super::$case(store::open(&in_file(&directory)).unwrap()).await;
            })*
        }
        #[tokio::test]
        async fn postgres_keeps_the_same_promises() {
            let name = "store::postgres_keeps_the_same_promises";
            let Some(server) = super::postgres::server(name) else { return };
            $(
                eprintln!("{}", stringify!($case));
                $case(store::open(&server.database().await).unwrap()).await;
            )*
        }
    };
}

cases!(
    an_account_is_made_once_and_kept,
    one_of_many_registrations_of_a_login_wins,
    a_hash_is_replaced_where_the_old_one_is_stored,
    failures_are_counted_a_subject_and_forgotten,
    no_concurrent_failure_is_lost,
    a_session_is_rotated_replayed_and_revoked_by_reuse,
    one_of_many_first_rotations_wins_and_the_others_get_the_same,
    a_revocation_holds_for_sessions_known_and_unknown,
    what_was_issued_before_a_password_change_is_void,
    a_sweep_deletes_what_has_no_effect_and_nothing_else,
    a_sweep_of_many_rows_leaves_none,
    logins_of_any_script_and_hashes_of_any_length_are_kept,
);
