//! The configuration of the directory, `authd directory`. What is not written has the default stated
//! here.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::front::{PoolConfig, ServerConfig};
use super::length::Length;
use super::range;
use crate::lockout::Policy;

/// `directory.toml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryConfig {
    /// How it is reached.
    pub server: ServerConfig,
    /// Who may ask it.
    #[serde(default)]
    pub fronts: FrontsConfig,
    /// Where it keeps things.
    #[serde(default)]
    pub database: DatabaseConfig,
    /// When an account is locked.
    #[serde(default)]
    pub lockout: LockoutConfig,
    /// How sessions are kept.
    #[serde(default)]
    pub sessions: SessionsConfig,
}

/// Who may ask the directory.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FrontsConfig {
    /// A file with the secret that fronts send as a bearer token. It gives out password hashes, so it
    /// needs one wherever others can reach it.
    pub secret_file: Option<PathBuf>,
}

/// Where the directory keeps things.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// `sqlite:PATH` or `postgres://USER@HOST:PORT/DATABASE`.
    pub url: String,
    /// A file with the password, where the URL has none.
    pub password_file: Option<PathBuf>,
    /// How long a connection may take to be made. Not used by SQLite.
    #[serde(deserialize_with = "range::some_time")]
    pub connect_timeout: Length,
    /// How long a statement may take.
    #[serde(deserialize_with = "range::some_time")]
    pub statement_timeout: Length,
    /// Connections. With SQLite: those that read; one more writes.
    pub pool: PoolConfig,
}

/// When an account is locked; see [`crate::lockout`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LockoutConfig {
    /// Failures within the window that lock.
    #[serde(deserialize_with = "range::one_or_more")]
    pub threshold: u32,
    /// How long a failure counts.
    #[serde(deserialize_with = "range::some_time")]
    pub window: Length,
    /// How long the first lock lasts; each further one twice as long.
    #[serde(deserialize_with = "range::some_time")]
    pub duration: Length,
    /// The longest a lock lasts.
    #[serde(deserialize_with = "range::some_time")]
    pub longest: Length,
}

/// How sessions are kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionsConfig {
    /// How long after its use a refresh token gives the same successor again, for clients that lost the
    /// answer. A later use revokes the session.
    pub reuse_grace: Length,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: "sqlite:directory.db".to_owned(),
            password_file: None,
            connect_timeout: Length::millis(500),
            statement_timeout: Length::seconds(1),
            pool: PoolConfig {
                size: 8,
                acquire_timeout: Length::millis(200),
                idle_timeout: Length::seconds(600),
                max_lifetime: None,
            },
        }
    }
}

impl Default for LockoutConfig {
    fn default() -> Self {
        Self {
            threshold: 10,
            window: Length::seconds(15 * 60),
            duration: Length::seconds(60),
            longest: Length::seconds(15 * 60),
        }
    }
}

impl Default for SessionsConfig {
    fn default() -> Self {
        Self { reuse_grace: Length::seconds(10) }
    }
}

impl LockoutConfig {
    /// The same as the arithmetic takes it.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy {
            threshold: self.threshold,
            window: self.window.get(),
            duration: self.duration.get(),
            longest: self.longest.get(),
        }
    }
}
