//! The keys that sign tokens and verify them: a directory with one file a key, `KID.pem`, a PKCS#8
//! private key as RFC 8410 has it for Ed25519. A line `From: TIME` before the key (RFC 7468, section
//! 5.2, lets text stand there) says from when on it signs; without the line it always has.
//!
//! The key in force is the latest whose time has come. So a new key is put beside the old one with a
//! time ahead, is published at once, and whoever keeps a copy of the key set knows it before it signs.
//! An old key verifies until its file is removed. A front that runs follows its directory.

use std::fmt;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, Signature, UnparsedPublicKey};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::entropy::Entropy;
use crate::material::Material;

/// From when on a key signs whose file does not say it.
pub const ALWAYS: Timestamp = Timestamp(i64::MIN);

/// What stands before the 32 bytes of a key in PKCS#8: version 0, the algorithm's identifier
/// 1.3.101.112, an octet string in an octet string (RFC 8410, section 7).
const PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// One key and from when on it signs.
#[derive(Debug)]
pub struct Key {
    kid: String,
    from: Timestamp,
    pair: Ed25519KeyPair,
}

impl Key {
    /// A key of 32 secret bytes, named by its public half.
    fn of(secret: &[u8; 32], from: Timestamp) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(secret).expect("bug: 32 bytes are a key");
        let kid = thumbprint(pair.public_key().as_ref());
        Self { kid, from, pair }
    }

    /// Its name, the `kid` of what it signs.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// From when on it signs.
    #[must_use]
    pub fn from(&self) -> Timestamp {
        self.from
    }

    pub(super) fn sign(&self, message: &[u8]) -> Signature {
        self.pair.sign(message)
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), ring::error::Unspecified> {
        UnparsedPublicKey::new(&ED25519, self.pair.public_key()).verify(message, signature)
    }

    fn jwk(&self) -> Value {
        json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "x": URL_SAFE_NO_PAD.encode(self.pair.public_key()),
            "kid": self.kid,
            "use": "sig",
            "alg": "EdDSA",
        })
    }
}

/// The first 64 bits of a public key's thumbprint (RFC 7638; its members for Ed25519 are those of
/// RFC 8037, appendix A.3), in digits that are at home in any file name and shell.
fn thumbprint(public: &[u8]) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, URL_SAFE_NO_PAD.encode(public));
    let digest = digest(&SHA256, members.as_bytes());
    digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// All keys that are known: at least one.
#[derive(Debug)]
pub struct KeyRing {
    /// By the time from which they sign.
    keys: Vec<Key>,
    warnings: Vec<String>,
}

impl KeyRing {
    /// A ring of one key that nobody else has and that ends with the process.
    #[must_use]
    pub fn ephemeral(entropy: &dyn Entropy, now: Timestamp) -> Self {
        let mut secret = [0; 32];
        entropy.fill(&mut secret);
        Self { keys: vec![Key::of(&secret, now)], warnings: Vec::new() }
    }

    /// The keys of a directory: its files `*.pem`, links followed, hidden ones left out.
    pub fn open(directory: &Path) -> Result<Self, KeyFault> {
        let mut ring = Self { keys: Vec::new(), warnings: Vec::new() };
        for path in files(directory)? {
            ring.warnings.extend(permissions(&path)?);
            ring.keys.push(read(&path)?);
        }
        if ring.keys.is_empty() {
            let why = "holds no key `KID.pem`: make one with `authd keys new`".to_owned();
            return Err(KeyFault { path: directory.to_owned(), why });
        }
        // Of two that begin at the same moment the name decides, the same on every replica.
        ring.keys.sort_by(|one, other| (one.from, &one.kid).cmp(&(other.from, &other.kid)));
        Ok(ring)
    }

    /// What is allowed but should not be, such as keys that a group may read.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// All keys, by the time from which they sign.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The key in force at a moment: the latest whose time has come, or the first where none has.
    #[must_use]
    pub fn active(&self, at: Timestamp) -> &Key {
        let come = self.keys.partition_point(|key| key.from <= at);
        &self.keys[come.saturating_sub(1)]
    }

    /// The key of a name.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// The public halves as a JWK set, the one in force first.
    pub(super) fn set(&self, now: Timestamp) -> Value {
        let active = self.active(now);
        let others = self.keys.iter().rev().filter(|key| key.kid != active.kid);
        let keys: Vec<Value> = std::iter::once(active).chain(others).map(Key::jwk).collect();
        json!({ "keys": keys })
    }
}

/// A directory with keys, `tokens.keys`.
#[derive(Debug, Clone)]
pub struct KeyDirectory(pub PathBuf);

impl Material for KeyDirectory {
    const NAME: &'static str = "signing keys";
    type Held = KeyRing;

    fn files(&self) -> Result<Vec<PathBuf>, String> {
        files(&self.0).map_err(|fault| fault.to_string())
    }

    fn read(&self) -> Result<KeyRing, String> {
        KeyRing::open(&self.0).map_err(|fault| fault.to_string())
    }

    fn told(&self, ring: &KeyRing) -> String {
        let kids: Vec<&str> = ring.keys.iter().map(Key::kid).collect();
        format!("{}: {}", self.0.display(), kids.join(", "))
    }

    fn warnings(ring: &KeyRing) -> &[String] {
        ring.warnings()
    }
}

/// The files with keys in a directory.
pub fn files(directory: &Path) -> Result<Vec<PathBuf>, KeyFault> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(|error| KeyFault::io(directory, &error))? {
        let path = entry.map_err(|error| KeyFault::io(directory, &error))?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|extension| extension == "pem") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Draws a key and writes its file into a directory, which is made where it is missing. Gives the
/// file's path.
pub fn draw(directory: &Path, from: Timestamp, entropy: &dyn Entropy) -> Result<PathBuf, KeyFault> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|error| KeyFault::io(directory, &error))?;
    let mut secret = [0; 32];
    entropy.fill(&mut secret);
    let key = Key::of(&secret, from);
    let path = directory.join(format!("{}.pem", key.kid));
    let der = STANDARD.encode([PKCS8.as_slice(), &secret].concat());
    let text = format!("From: {from}\n-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    let write = || -> io::Result<()> {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|error| KeyFault::io(&path, &error))?;
    Ok(path)
}

/// Others must not read a key, and nobody but its owner may change it. A group may read it, since
/// mounted secrets come that way, which is worth a warning.
fn permissions(path: &Path) -> Result<Option<String>, KeyFault> {
    let mode = std::fs::metadata(path).map_err(|error| KeyFault::io(path, &error))?.permissions().mode();
    if mode & 0o037 != 0 {
        let why = format!("may be read or changed by others (mode {:03o}): chmod 600 it", mode & 0o777);
        return Err(KeyFault { path: path.to_owned(), why });
    }
    Ok((mode & 0o040 != 0).then(|| format!("{}: a private key that its group may read", path.display())))
}

fn read(path: &Path) -> Result<Key, KeyFault> {
    let fault = |why: String| KeyFault { path: path.to_owned(), why };
    let kid = path.file_stem().and_then(|stem| stem.to_str()).filter(|kid| plain(kid));
    let kid = kid.ok_or_else(|| fault("is no name of a key: letters, digits, `.`, `_`, `-`".to_owned()))?;
    let text = std::fs::read_to_string(path).map_err(|error| KeyFault::io(path, &error))?;
    let der = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes())
        .map_err(|_| fault("holds no `-----BEGIN PRIVATE KEY-----` (PKCS#8)".to_owned()))?;
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der())
        .map_err(|_| fault("holds a key that is not one of Ed25519".to_owned()))?;
    let head = text.split("-----BEGIN").next().unwrap_or_default();
    let from = match head.lines().find_map(|line| line.strip_prefix("From:")) {
        Some(time) => time.trim().parse().map_err(|no| fault(format!("`From:` {no}")))?,
        None => ALWAYS,
    };
    Ok(Key { kid: kid.to_owned(), from, pair })
}

/// Whether a name needs no escape in JSON, and stays short.
fn plain(kid: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=64).contains(&kid.len()) && kid.chars().all(fine)
}

/// Why keys could not be read or written. Never holds anything of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFault {
    /// The file or directory.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

impl KeyFault {
    fn io(path: &Path, error: &io::Error) -> Self {
        Self { path: path.to_owned(), why: error.to_string() }
    }
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

impl std::error::Error for KeyFault {}
