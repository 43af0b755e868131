//! What an account is: its login, its identifier, the hash of its password and its epoch.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest login in bytes: the longest address that mail can be sent to (RFC 5321, section
/// 4.5.3.1.3, without the angle brackets).
const LONGEST_LOGIN: usize = 254;

/// The name a person signs in by: 1 to 254 bytes without white space at its ends and without control
/// characters; ASCII letters count as small ones, so that `Ana@x.example` and `ana@x.example` are one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Login(String);

/// Why a text is no login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoLogin;

impl fmt::Display for NoLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a login has 1 to {LONGEST_LOGIN} bytes and no control characters")
    }
}

impl Login {
    /// The login as it is stored and compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Login {
    type Error = NoLogin;

    fn try_from(text: String) -> Result<Self, NoLogin> {
        text.parse()
    }
}

impl FromStr for Login {
    type Err = NoLogin;

    fn from_str(text: &str) -> Result<Self, NoLogin> {
        let text = text.trim();
        if text.is_empty() || text.len() > LONGEST_LOGIN || text.chars().any(char::is_control) {
            return Err(NoLogin);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl From<Login> for String {
    fn from(login: Login) -> Self {
        login.0
    }
}

/// Identifies something by 128 random bits, written as 32 hexadecimal digits.
macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub [u8; 16]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl FromStr for $name {
            type Err = NoIdentifier;

            fn from_str(text: &str) -> Result<Self, NoIdentifier> {
                hexadecimal(text).map(Self).ok_or(NoIdentifier)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NoIdentifier;

            fn try_from(text: String) -> Result<Self, NoIdentifier> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

identifier!(
    /// Identifies an account; the `sub` of its tokens.
    AccountId
);
identifier!(
    /// Identifies a session: all tokens that descend from one sign-in, called a family by RFC 9700,
    /// section 4.14.2; the `sid` of its tokens.
    SessionId
);
identifier!(
    /// Identifies a device that has signed in to an account before.
    DeviceId
);

/// Why a text is no identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoIdentifier;

impl fmt::Display for NoIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an identifier is 32 hexadecimal digits")
    }
}

fn hexadecimal(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    if digits.len() != 32 {
        return None;
    }
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16).and_then(|value| u8::try_from(value).ok());
        *byte = digit(0)? << 4 | digit(1)?;
    }
    Some(bytes)
}

/// Counts the changes of an account's password: whatever was issued under an earlier epoch is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Epoch(pub u32);

impl Epoch {
    /// The epoch after a new hash: the next one where the password was changed.
    #[must_use]
    pub fn after(self, changed: bool) -> Self {
        Self(self.0.saturating_add(u32::from(changed)))
    }
}

/// An account as the directory keeps it. Shown without the hash.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its identifier.
    pub id: AccountId,
    /// What its owner signs in by.
    pub login: Login,
    /// The password's hash with scheme, parameters and salt: a PHC string, or `$2b$...` of bcrypt.
    pub hash: String,
    /// How often its password was changed.
    pub epoch: Epoch,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, login, hash: _, epoch } = self;
        let mut shown = f.debug_struct("Account");
        shown.field("id", id).field("login", login).field("epoch", epoch).finish_non_exhaustive()
    }
}
