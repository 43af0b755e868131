//! Which names of keys stand for a secret. A name that only tells of one (`token_timeout`,
//! `secretName`) does not: those are the settings people come to see.

/// How sure a name makes us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrecy {
    /// It ends in the secret's noun: whatever stands there is one.
    Always,
    /// The noun is somewhere in it: a number or a length of time is none.
    UnlessAmount,
}

/// Words that name a secret only where they stand alone; the last two as addresses of cloud storage
/// carry them.
const NOUNS: &[&str] = &["pw", "authorization", "bearer", "sig", "signature"];
/// Nouns that also count where they are run together with the word before, `sslpassword` or `dbpass`.
const ENDINGS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passwort",
    "pwd",
    "pass",
    "secret",
    "token",
    "credential",
    "apikey",
    "privatekey",
    "accesskey",
    "secretkey",
];
/// Words of English and of signal processing that merely end so.
const OTHER_WORDS: &[&str] = &[
    "compass",
    "encompass",
    "bypass",
    "trespass",
    "surpass",
    "overpass",
    "underpass",
    "lowpass",
    "highpass",
    "bandpass",
    "multipass",
    "twopass",
];
/// Plurals of the nouns, which also count things.
const PLURALS: &[&str] =
    &["passwords", "secrets", "tokens", "credentials", "creds", "apikeys", "passphrases"];
/// Words that make a secret of a following `key`.
const KEY_OF: &[&str] =
    &["api", "private", "access", "secret", "signing", "encryption", "master", "shared", "account", "jwt"];
/// Words that make a directive of a following `pass`: `proxy_pass` of NGINX and its kin.
const PASSES_ON: &[&str] = &["proxy", "fastcgi", "uwsgi", "scgi", "grpc", "memcached", "tunnel"];
/// Last words of names that tell of a secret and hold none.
const TELLS_OF: &[&str] = &[
    "timeout",
    "ttl",
    "interval",
    "period",
    "seconds",
    "secs",
    "sec",
    "ms",
    "millis",
    "minutes",
    "expiry",
    "expiration",
    "expires",
    "lifetime",
    "duration",
    "age",
    "url",
    "uri",
    "endpoint",
    "host",
    "port",
    "path",
    "file",
    "name",
    "ref",
    "enabled",
    "length",
    "size",
    "count",
    "retries",
    "attempts",
    "max",
    "min",
    "limit",
    "burst",
    "rate",
    "type",
    "method",
    "provider",
    "policy",
    "header",
    "claim",
    "issuer",
    "audience",
    "algorithm",
    "cost",
    "rounds",
    "version",
    "service",
    "servers",
    "store",
    "cache",
    "backend",
    "mount",
    "engine",
    "role",
    "namespace",
    "in",
    "after",
    "delay",
    "refresh",
];

/// What every name of a secret holds somewhere: each noun, ending, plural and kind of key above has one
/// of them in it.
const STEMS: &[&str] = &["pass", "pw", "secret", "token", "cred", "key", "authorization", "bearer", "sig"];

/// Whether a key's name stands for a secret.
pub(super) fn secrecy(name: &str) -> Option<Secrecy> {
    if !may_name_a_secret(name) {
        return None;
    }
    let words = words(name);
    let last = words.last()?.as_str();
    let before = words.len().checked_sub(2).map(|i| words[i].as_str());
    if last == "pass" && before.is_some_and(|word| PASSES_ON.contains(&word)) {
        return None;
    }
    let is_key = (last == "key" || last == "keys") && before.is_some_and(|word| KEY_OF.contains(&word));
    if is_noun(last) || is_key {
        return Some(Secrecy::Always);
    }
    if TELLS_OF.contains(&last) {
        return None;
    }
    let pairs = words.windows(2).any(|pair| KEY_OF.contains(&pair[0].as_str()) && pair[1] == "key");
    let any = words.iter().any(|word| is_noun(word) || PLURALS.contains(&word.as_str()));
    // `pass` and `pw` inside a name are too often another word: `proxy_pass_header`.
    let weak = words.iter().all(|word| !is_noun(word) || is_weak(word));
    let plural = words.iter().any(|word| PLURALS.contains(&word.as_str()));
    (pairs || (any && (!weak || plural))).then_some(Secrecy::UnlessAmount)
}

/// A quick look at a name, before it is split.
fn may_name_a_secret(name: &str) -> bool {
    holds_any(STEMS, name)
}

/// A quick look at a line: whether anything in it may tell of a secret. Beside the names of secrets these
/// are the words behind which one stands although they name none.
pub(super) fn may_tell(line: &str) -> bool {
    const TELLING: &[&str] =
        &["pass", "pw", "secret", "token", "cred", "key", "auth", "bearer", "sig", "user", "-u"];
    holds_any(TELLING, line)
}

/// Whether a text holds one of some words, in letters of any size. Letters beyond ASCII can have one of
/// ASCII as their small letter: where there are any, it may.
fn holds_any(words: &[&str], text: &str) -> bool {
    let bytes = text.as_bytes();
    let begins = |rest: &[u8], word: &str| {
        rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
    };
    let firsts = words.iter().fold(0u128, |firsts, word| firsts | 1 << (word.as_bytes()[0] & 0x7f));
    !text.is_ascii()
        || bytes.iter().enumerate().any(|(at, byte)| {
            firsts >> byte.to_ascii_lowercase() & 1 == 1
                && words.iter().any(|word| begins(&bytes[at..], word))
        })
}

fn is_noun(word: &str) -> bool {
    let ends_in_one = || ENDINGS.iter().any(|noun| word.ends_with(noun)) && !OTHER_WORDS.contains(&word);
    NOUNS.contains(&word) || ends_in_one()
}

fn is_weak(word: &str) -> bool {
    matches!(word, "pw") || word.ends_with("pass") || word.ends_with("pwd")
}

/// Whether a name stands for a command that gives a secret: `ssl_passphrase_command`.
pub(super) fn runs_a_secret_command(name: &str) -> bool {
    (name.ends_with("command") || name.ends_with("cmd")) && secrecy(name).is_some()
}

/// Whether a name ends in an extension of configuration's files.
pub(super) fn ends_like_a_file(name: &str) -> bool {
    const EXTENSIONS: &[&str] = &[
        "yaml",
        "yml",
        "json",
        "toml",
        "conf",
        "cfg",
        "cnf",
        "ini",
        "env",
        "properties",
        "xml",
        "service",
        "tf",
        "hcl",
        "txt",
        "rb",
        "py",
        "js",
        "ts",
        "go",
        "rs",
        "java",
        "sh",
        "tpl",
        "template",
        "j2",
    ];
    name.rsplit_once('.').is_some_and(|(stem, end)| !stem.is_empty() && EXTENSIONS.contains(&end))
}

/// Whether a value is a number, a length of time or a flag that a name of this kind may well have.
pub(super) fn is_harmless_amount(value: &str, secrecy: Secrecy) -> bool {
    let value = value.trim_end_matches([',', ';', '}', ' ']).trim_matches(['"', '\'']);
    let is_flag =
        matches!(value, "true" | "false" | "null" | "~" | "yes" | "no" | "on" | "off" | "True" | "False");
    if is_flag {
        return true;
    }
    let number = value.trim_end_matches(|c: char| c.is_alphabetic() || c == ' ');
    let unit = value[number.len()..].trim();
    secrecy == Secrecy::UnlessAmount
        && number.parse::<f64>().is_ok()
        && matches!(unit, "" | "ns" | "us" | "ms" | "s" | "m" | "min" | "h" | "d" | "seconds" | "minutes")
}

/// The words of a name, lower case: split at signs and where a capital follows a small letter.
/// Trailing digits are dropped (`password2`).
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut small_before = false;
    for c in name.chars().chain(std::iter::once('_')) {
        let splits = !c.is_alphanumeric();
        if splits || (c.is_uppercase() && small_before) {
            let plain = word.trim_end_matches(|c: char| c.is_ascii_digit());
            if !plain.is_empty() {
                words.push(plain.to_lowercase());
            }
            word.clear();
        }
        if !splits {
            word.push(c);
        }
        small_before = c.is_lowercase();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_that_names_a_secret_is_seen_at_a_quick_look() {
        for word in NOUNS.iter().chain(ENDINGS).chain(PLURALS).chain(["key", "keys"].iter()) {
            assert!(may_name_a_secret(word), "{word}");
            assert!(may_name_a_secret(&format!("my{}_max", word.to_uppercase())), "{word}");
        }
        assert!(STEMS.iter().all(|stem| may_tell(&stem.to_uppercase())));
        assert!(may_name_a_secret("API\u{212a}EY"));
        assert!(!may_name_a_secret("request_timeout"));
    }
}
