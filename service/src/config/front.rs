//! The configuration of the front, `authd serve`. What is not written has the default stated here.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::length::Length;
use super::range;

/// `front.toml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontConfig {
    /// How it is reached.
    pub server: ServerConfig,
    /// What it issues.
    #[serde(default)]
    pub tokens: TokensConfig,
    /// How it hashes and judges passwords.
    #[serde(default)]
    pub passwords: PasswordsConfig,
    /// How often one address may ask.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// The directory it asks.
    pub directory: UpstreamConfig,
}

/// How a role is reached; the same keys for both.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Where it listens.
    #[serde(deserialize_with = "range::address")]
    pub listen: SocketAddr,
    /// How long a request may take, from its head to the answer.
    #[serde(default = "ServerConfig::request_timeout", deserialize_with = "range::some_time")]
    pub request_timeout: Length,
    /// How long a connection may stand idle between requests.
    #[serde(default = "ServerConfig::keep_alive_timeout", deserialize_with = "range::some_time")]
    pub keep_alive_timeout: Length,
    /// How long the head of a request may take to arrive.
    #[serde(default = "ServerConfig::header_timeout", deserialize_with = "range::some_time")]
    pub header_timeout: Length,
    /// How long requests in flight may take to end after a signal to stop.
    #[serde(default = "ServerConfig::shutdown_timeout")]
    pub shutdown_timeout: Length,
    /// Connections at a time; further ones wait in the kernel's queue.
    #[serde(default = "ServerConfig::max_connections", deserialize_with = "range::one_or_more")]
    pub max_connections: u32,
    /// Requests at a time; further ones get 503 and `Retry-After` at once.
    #[serde(default = "ServerConfig::max_in_flight", deserialize_with = "range::one_or_more")]
    pub max_in_flight: u32,
    /// The largest body of a request, in bytes.
    #[serde(default = "ServerConfig::max_body_bytes", deserialize_with = "range::one_or_more")]
    pub max_body_bytes: u32,
    /// Proxies whose `X-Forwarded-For` is believed.
    #[serde(default, deserialize_with = "range::networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// Certificate and key, where it speaks TLS.
    pub tls: Option<TlsConfig>,
}

/// TLS of a server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// What the front issues.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokensConfig {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// The `aud` of its access tokens.
    pub audience: String,
    /// How long an access token is valid.
    #[serde(deserialize_with = "range::some_time")]
    pub access_ttl: Length,
    /// How long a session lasts, counted from the sign-in.
    #[serde(deserialize_with = "range::some_time")]
    pub refresh_ttl: Length,
    /// How far clocks of other hosts may be off, when tokens are verified.
    pub clock_skew: Length,
    /// A directory with signing keys, `KID.pem`, made by `authd keys`, and followed while it runs.
    /// Without it a key is drawn at the start: then tokens end with the process, and replicas do not
    /// know each other's.
    pub keys: Option<PathBuf>,
}

/// How the front hashes and judges passwords.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PasswordsConfig {
    /// argon2id: memory in KiB.
    #[serde(deserialize_with = "range::one_or_more")]
    pub memory_kib: u32,
    /// argon2id: passes.
    #[serde(deserialize_with = "range::one_or_more")]
    pub iterations: u32,
    /// argon2id: lanes.
    #[serde(deserialize_with = "range::one_or_more")]
    pub lanes: u32,
    /// Hashes at a time; one a processor where it is not written.
    #[serde(deserialize_with = "range::one_or_more_if_written")]
    pub hash_threads: Option<u32>,
    /// Hashes that may wait; further sign-ins get 503 and `Retry-After`.
    pub hash_queue: u32,
    /// The shortest password, in characters.
    #[serde(deserialize_with = "range::one_or_more")]
    pub min_length: u32,
    /// The longest password, in bytes.
    #[serde(deserialize_with = "range::one_or_more")]
    pub max_bytes: u32,
    /// SHA-1 hashes of breached passwords, sorted, one a line (`HASH` or `HASH:COUNT`).
    pub breached: Option<PathBuf>,
    /// A refusal is answered at the next multiple of this after its arrival, so that unknown logins,
    /// wrong passwords, locked accounts and older schemes take the same time.
    #[serde(deserialize_with = "range::some_time")]
    pub refusal_step: Length,
}

/// How often one address may ask; a replica counts for itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Sign-ins and registrations that an address may make at once. 0: no limit.
    pub address_burst: u32,
    /// How long it takes until an address may make one more.
    #[serde(deserialize_with = "range::some_time")]
    pub address_interval: Length,
}

/// A component that is asked, and how patiently.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamConfig {
    /// Its address: `http://` or `https://`, host and port.
    pub url: String,
    /// How long a connection may take to be made, TLS included.
    #[serde(default = "UpstreamConfig::connect_timeout", deserialize_with = "range::some_time")]
    pub connect_timeout: Length,
    /// How long a call may take: the wait for a connection, making one, and all attempts.
    #[serde(default = "UpstreamConfig::request_timeout", deserialize_with = "range::some_time")]
    pub request_timeout: Length,
    /// How often a call is tried at most.
    #[serde(default = "UpstreamConfig::max_attempts", deserialize_with = "range::one_or_more")]
    pub max_attempts: u32,
    /// The wait before the second attempt; doubled before each further one, and drawn between half of
    /// it and all of it.
    #[serde(default = "UpstreamConfig::backoff")]
    pub backoff: Length,
    /// Its connections.
    #[serde(default)]
    pub pool: PoolConfig,
    /// Certificates that its own must come from, PEM; for `https://`.
    pub ca: Option<PathBuf>,
    /// A file with the secret that it asks for.
    pub secret_file: Option<PathBuf>,
}

/// Connections to one upstream.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PoolConfig {
    /// Connections at most; each carries one request at a time.
    #[serde(deserialize_with = "range::one_or_more")]
    pub size: u32,
    /// How long a call may wait for one.
    #[serde(deserialize_with = "range::some_time")]
    pub acquire_timeout: Length,
    /// How long one may stand idle; to stay below the callee's `keep_alive_timeout`.
    #[serde(deserialize_with = "range::some_time")]
    pub idle_timeout: Length,
    /// How old one may become; for ever where it is not written.
    #[serde(deserialize_with = "range::some_time_if_written")]
    pub max_lifetime: Option<Length>,
}

impl ServerConfig {
    fn request_timeout() -> Length {
        Length::seconds(3)
    }
    fn keep_alive_timeout() -> Length {
        Length::seconds(65)
    }
    fn header_timeout() -> Length {
        Length::seconds(5)
    }
    fn shutdown_timeout() -> Length {
        Length::seconds(10)
    }
    fn max_connections() -> u32 {
        1024
    }
    fn max_in_flight() -> u32 {
        256
    }
    fn max_body_bytes() -> u32 {
        16 * 1024
    }
}

impl Default for TokensConfig {
    fn default() -> Self {
        Self {
            issuer: "authd".to_owned(),
            audience: "authd".to_owned(),
            access_ttl: Length::seconds(600),
            refresh_ttl: Length::seconds(30 * 86_400),
            clock_skew: Length::seconds(5),
            keys: None,
        }
    }
}

impl Default for PasswordsConfig {
    fn default() -> Self {
        Self {
            // The minimum of the OWASP Password Storage Cheat Sheet for argon2id.
            memory_kib: 19_456,
            iterations: 2,
            lanes: 1,
            hash_threads: None,
            hash_queue: 64,
            // NIST SP 800-63B-4, 3.1.1.2: 15 where a password is the only factor.
            min_length: 15,
            max_bytes: 1024,
            breached: None,
            refusal_step: Length::millis(250),
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self { address_burst: 20, address_interval: Length::seconds(3) }
    }
}

impl UpstreamConfig {
    fn connect_timeout() -> Length {
        Length::millis(100)
    }
    fn request_timeout() -> Length {
        Length::seconds(1)
    }
    fn max_attempts() -> u32 {
        1
    }
    fn backoff() -> Length {
        Length::millis(50)
    }
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            size: 64,
            acquire_timeout: Length::millis(50),
            idle_timeout: Length::seconds(30),
            max_lifetime: None,
        }
    }
}
