//! What logs call a person: a keyed hash of the login. Lines of one process can be linked; nobody can
//! be named by them, not even by trying all likely logins, since the key is drawn at the start and kept
//! nowhere.

use ring::hmac;

use crate::account::Login;
use crate::entropy::Entropy;

/// Bytes of the hash that are told: enough that two people of a service are hardly ever taken for one.
const TOLD: usize = 8;

/// Gives people names for logs.
#[derive(Debug)]
pub struct Pseudonyms(hmac::Key);

impl Pseudonyms {
    /// Names under a key that is drawn now.
    #[must_use]
    pub fn drawn(entropy: &dyn Entropy) -> Self {
        let mut key = [0; 32];
        entropy.fill(&mut key);
        Self(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    /// The name of a login's owner.
    #[must_use]
    pub fn of(&self, login: &Login) -> String {
        let tag = hmac::sign(&self.0, login.as_str().as_bytes());
        tag.as_ref().iter().take(TOLD).map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn a_name_links_lines_of_one_process_and_of_no_other() {
        let login: Login = "ana@x.example".parse().unwrap();
        let one = Pseudonyms::drawn(&SeededEntropy::new(1));
        let other = Pseudonyms::drawn(&SeededEntropy::new(2));
        assert_eq!(one.of(&login), one.of(&"Ana@X.example".parse().unwrap()));
        assert_eq!(one.of(&login).len(), 2 * TOLD);
        assert_ne!(one.of(&login), other.of(&login));
    }
}
