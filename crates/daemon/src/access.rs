//! Files that are read again when they change: secrets, certificates, lists of targets. A file that was
//! replaced (a rotated token, a mounted secret that was swapped) is seen at its next use.
//!
//! Nothing here shows what is in a file.

use std::fs::{self, Metadata};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::header::HeaderValue;
use watch::plan::Access;

/// The largest secret, in bytes. A signed token with many claims has about 4 KiB.
const LARGEST_SECRET: u64 = 64 * 1024;

/// What tells one version of a file from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    changed: Option<SystemTime>,
    length: u64,
    node: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let node = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let node = 0;
        Self { changed: metadata.modified().ok(), length: metadata.len(), node }
    }
}

/// A file, and what was made of its present version.
#[derive(Debug)]
pub(crate) struct Reread<T> {
    path: PathBuf,
    most: u64,
    last: Mutex<Option<(Stamp, Made<T>)>>,
}

/// What was made of a file, or why nothing could be.
type Made<T> = Result<Arc<T>, String>;

impl<T> Reread<T> {
    pub(crate) fn new(path: PathBuf, most: u64) -> Self {
        Self { path, most, last: Mutex::new(None) }
    }

    /// What is made of the file as it is now; read only where it has changed since the last time.
    ///
    /// # Errors
    ///
    /// Says what keeps it from being read, with its name.
    pub(crate) fn get(&self, make: impl FnOnce(Vec<u8>) -> Result<T, String>) -> Made<T> {
        let named = |why: &dyn std::fmt::Display| format!("{}: {why}", self.path.display());
        let metadata = fs::metadata(&self.path).map_err(|error| named(&error))?;
        let stamp = Stamp::of(&metadata);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((seen, made)) = last.as_ref()
            && *seen == stamp
        {
            return made.clone();
        }
        let made =
            read(&self.path, &metadata, self.most).and_then(make).map(Arc::new).map_err(|why| named(&why));
        *last = Some((stamp, made.clone()));
        made
    }
}

/// The bytes of a file, at most so many.
fn read(path: &Path, metadata: &Metadata, most: u64) -> Result<Vec<u8>, String> {
    // Opening a pipe would wait for somebody to write into it.
    if !metadata.is_file() {
        return Err("is no regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > most) {
        return Err(format!("has more than {most} bytes"));
    }
    Ok(bytes)
}

/// How a request says who sends it.
#[derive(Debug)]
pub(crate) enum Credentials {
    /// Not at all.
    None,
    /// By a token.
    Bearer(Reread<HeaderValue>),
    /// By a user's name and password.
    Basic(String, Reread<HeaderValue>),
}

impl Credentials {
    /// Those that the plan names, by files relative to `base`.
    pub(crate) fn of(access: &Access, base: &Path) -> Self {
        let secret = |file: &str| Reread::new(base.join(file), LARGEST_SECRET);
        match (&access.bearer_file, &access.basic) {
            (Some(file), _) => Self::Bearer(secret(file)),
            (None, Some((user, file))) => Self::Basic(user.clone(), secret(file)),
            (None, None) => Self::None,
        }
    }

    /// The value of the `Authorization` header.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the file, never what is in it.
    pub(crate) fn header(&self) -> Result<Option<HeaderValue>, String> {
        let value = match self {
            Self::None => return Ok(None),
            Self::Bearer(file) => file.get(|bytes| sensitive(format!("Bearer {}", secret(&bytes)?)))?,
            Self::Basic(user, file) => file.get(|bytes| {
                let both = format!("{user}:{}", secret(&bytes)?);
                sensitive(format!("Basic {}", BASE64.encode(both)))
            })?,
        };
        Ok(Some((*value).clone()))
    }
}

/// The secret of a file; white space around it is not part of it.
fn secret(bytes: &[u8]) -> Result<&str, String> {
    match std::str::from_utf8(bytes).map(str::trim) {
        Ok("") => Err("is empty".to_owned()),
        Ok(secret) => Ok(secret),
        Err(_) => Err("is not UTF-8".to_owned()),
    }
}

fn sensitive(value: String) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::try_from(value).map_err(|_| "holds what no header can carry".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}
