//! Secrets on command lines: what follows the flags that client programs take a password with, and
//! any flag whose name is a secret's. A flag of one letter counts beside its program alone: `-p 8080`
//! of another is a port. Must not know keys and values: that is the work of assignments.

use std::ops::Range;

use super::names::{Secrecy, runs_a_secret_command, secrecy};
use super::{Line, Marks};

/// A family of programs and how they take a password.
#[derive(Debug)]
struct Client {
    names: &'static [&'static str],
    /// Flags with the secret right behind them: `-pWORD`.
    attached: &'static [&'static str],
    /// Flags and commands with the secret in the next word.
    next: &'static [&'static str],
    /// The word is `name:password`; without a `:` it is a name alone.
    is_pair: bool,
}

/// As the manual page of each program has it. MySQL's `-p` takes no word behind a blank.
const CLIENTS: &[Client] = &[
    Client {
        names: &[
            "mysql",
            "mysqladmin",
            "mysqlcheck",
            "mysqldump",
            "mysqlimport",
            "mysqlshow",
            "mariadb",
            "mariadb-admin",
            "mariadb-check",
            "mariadb-dump",
        ],
        attached: &["-p"],
        next: &[],
        is_pair: false,
    },
    Client {
        names: &["redis-cli", "valkey-cli"],
        attached: &[],
        next: &["-a", "auth", "AUTH"],
        is_pair: false,
    },
    Client {
        names: &[
            "mongo",
            "mongosh",
            "mongodump",
            "mongoexport",
            "mongoimport",
            "mongorestore",
            "mongostat",
            "mongotop",
            "sshpass",
            "cqlsh",
            "rabbitmqadmin",
            // `docker login -p`, and that of its kin.
            "login",
        ],
        attached: &["-p"],
        next: &["-p"],
        is_pair: false,
    },
    LDAP,
    Client { names: &["sqlcmd", "bcp"], attached: &["-P"], next: &["-P"], is_pair: false },
    Client {
        names: &["mosquitto_pub", "mosquitto_sub", "mosquitto_rr"],
        attached: &[],
        next: &["-P"],
        is_pair: false,
    },
    Client {
        names: &["curl"],
        attached: &["-u", "-U"],
        next: &["-u", "-U", "--user", "--proxy-user"],
        is_pair: true,
    },
    Client { names: &["vault", "bao"], attached: &[], next: &["login", "unseal"], is_pair: false },
];

const LDAP: Client = Client {
    names: &["ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldapmodrdn", "ldapcompare", "ldapwhoami"],
    attached: &["-w"],
    next: &["-w"],
    is_pair: false,
};

/// What is known of the command that a line stands in; it may go on in the next one.
#[derive(Debug, Default)]
pub(super) struct Command<'t> {
    client: Option<&'static Client>,
    /// The next word is a secret.
    awaits: Option<Awaited>,
    /// The last word that is no secret.
    before: &'t str,
    /// The line ended with a sign that more is to come.
    is_open: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Secret,
    /// `name:password`.
    Pair,
    /// Options and `key=value` may come first.
    Operand,
}

/// A value of the line, which may reach beyond its word.
struct Value {
    range: Range<usize>,
    is_secret: bool,
}

impl<'t> Command<'t> {
    /// Hides the secrets of a line's words.
    pub(super) fn read(&mut self, line: Line<'t>, marks: &mut Marks) {
        let text = line.text;
        if !self.is_open && !looks_like_more(text) {
            *self = Self::default();
        }
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            if is_blank(c) {
                at += c.len_utf8();
                continue;
            }
            if matches!(c, ';' | '|' | '&') && self.awaits.is_none() {
                *self = Self::default();
                at += 1;
                continue;
            }
            let behind = at + c.len_utf8();
            let end = text[behind..].find(ends_word).map_or(text.len(), |i| behind + i);
            let word = &text[at..end];
            // A value is left behind as a whole, so that no byte is looked at twice.
            at = match self.value(text, at, end) {
                Some(Value { range: Range { start, end }, is_secret: true }) => {
                    marks.add(line.start + start..line.start + end);
                    self.awaits = None;
                    self.before = "";
                    end
                }
                Some(Value { range, .. }) => {
                    self.learn(word);
                    range.end
                }
                None => {
                    self.learn(word);
                    end
                }
            };
        }
        self.is_open = text.trim_end().ends_with(['\\', ',', '[']);
    }

    /// What stands where a secret may: it reaches up to a blank or a quote.
    fn value(&self, text: &str, at: usize, end: usize) -> Option<Value> {
        let word = &text[at..end];
        match self.awaits {
            _ if word == "-" => return None, // The mark of a list's item.
            Some(Awaited::Secret) if word.starts_with("--") => return None,
            Some(Awaited::Operand) if word.starts_with('-') => return None,
            Some(awaited) => {
                let range = at..value_end(text, at);
                let value = &text[range.clone()];
                let is_secret = match awaited {
                    Awaited::Secret => !is_port_mapping(value),
                    Awaited::Pair => value.contains(':'),
                    Awaited::Operand => !value.contains('='),
                };
                return Some(Value { range, is_secret });
            }
            None => {}
        }
        if let Some((name, _)) = word.split_once('=').filter(|(name, _)| runs_a_secret_command(name)) {
            // The secret is among the words of the command.
            let start = at + name.len() + 1;
            let range = start..text[start..].find(['"', '\'', '`']).map_or(text.len(), |i| start + i);
            return (!range.is_empty()).then_some(Value { range, is_secret: true });
        }
        let client = self.client?;
        let flag = client.attached.iter().find(|flag| word.starts_with(**flag))?;
        let start = at + flag.len();
        let range = [r#"\""#, "\"", "'"]
            .into_iter()
            // `-p'a b'`; but in `"-p"` the quote closes what came before the flag.
            .find(|quote| text[start..].starts_with(quote) && !text[..at].ends_with(quote))
            .map(|quote| {
                let inner = start + quote.len();
                inner..text[inner..].find(quote).map_or(text.len(), |i| inner + i)
            })
            .unwrap_or_else(|| start..unquoted_end(text, start));
        let value = &text[range.clone()];
        if value.trim_matches([',', ']', ')', '\\']).is_empty() {
            return None;
        }
        let is_secret = !is_port_mapping(value) && (!client.is_pair || value.contains(':'));
        Some(Value { range, is_secret })
    }

    /// Takes a word that is no secret for what it says of those to come.
    fn learn(&mut self, word: &'t str) {
        if word == "-" {
            return;
        }
        if self.awaits != Some(Awaited::Operand) {
            self.awaits = None;
        }
        let flag = word.trim_start_matches('-');
        let names_a_secret =
            flag.len() < word.len() && !word.contains(['=', ':']) && secrecy(flag) == Some(Secrecy::Always);
        if names_a_secret {
            self.awaits = Some(Awaited::Secret);
        } else if let Some(client) = self.client.filter(|client| client.next.contains(&word)) {
            self.awaits = Some(match word {
                _ if client.is_pair => Awaited::Pair,
                "login" | "unseal" => Awaited::Operand,
                _ => Awaited::Secret,
            });
        } else if let Some(client) = client(word, self.before) {
            self.client = Some(client);
        } else if self.before == "-D" && is_distinguished_name(word) {
            self.client = Some(&LDAP); // The program may be an image's entry point.
        }
        self.before = word;
    }
}

/// The client program that a word names where it stands, which is none behind an option or a key
/// that takes a name.
fn client(word: &str, before: &str) -> Option<&'static Client> {
    let word = word.strip_prefix("\\n").unwrap_or(word);
    let (key, path) = word.rsplit_once('=').unwrap_or((before, word));
    let name = path.rsplit('/').next().unwrap_or(path);
    let found = CLIENTS.iter().find(|client| client.names.contains(&name))?;
    let is_option =
        key.starts_with('-') && !matches!(key, "-c" | "-ec" | "-lc" | "-it" | "-ti" | "-i" | "-t");
    let takes_a_name = || {
        let key = key.trim_end_matches(':').to_lowercase();
        ["name", "image", "host", "service", "container"].iter().any(|end| key.ends_with(end))
    };
    let is_separator = matches!(key, "-" | "--");
    (is_separator || !(is_option || takes_a_name())).then_some(found)
}

fn is_distinguished_name(word: &str) -> bool {
    let (attribute, _) = word.split_once('=').unwrap_or_default();
    ["cn", "uid", "dc", "ou"].iter().any(|known| attribute.eq_ignore_ascii_case(known))
}

/// `8080:80`, with an address before it or a protocol behind.
fn is_port_mapping(value: &str) -> bool {
    let value = value.trim_end_matches([',', ']', ')']);
    let value = value.strip_suffix("/tcp").or_else(|| value.strip_suffix("/udp")).unwrap_or(value);
    let mut parts = value.split(':');
    value.contains(':')
        && parts.all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

/// Whether a line may go on with the command above it: as the next item or string of a list, as
/// flags, as the arguments beside a command.
fn looks_like_more(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with(['-', '"', '\'', '[']) || line.starts_with("args")
}

/// What stands between words.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | '[' | ']' | '(' | ')')
}

fn ends_word(c: char) -> bool {
    is_blank(c) || matches!(c, ';' | '|' | '&')
}

/// Where a value that starts here ends: at the quote that opened it, else at a blank.
fn value_end(text: &str, start: usize) -> usize {
    match text[..start].chars().next_back().filter(|c| matches!(c, '"' | '\'')) {
        Some(quote) => text[start..].find(quote).map_or(text.len(), |i| start + i),
        None => unquoted_end(text, start),
    }
}

/// A separator of commands counts with a blank or an end behind it alone: passwords hold such signs.
fn unquoted_end(text: &str, start: usize) -> usize {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`');
    let end = text[start..].find(ends).map_or(text.len(), |i| start + i);
    start + text[start..end].trim_end_matches([';', '|', '&']).len()
}
