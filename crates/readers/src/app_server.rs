//! Servers that a command line starts with their limits as flags: gunicorn, uvicorn, uWSGI, Redis. A flag
//! counts, and a default holds, only where the command itself shows the server.

use std::time::Duration;

use model::{Covers, GroupKind, Knob, Limit, Origin, Span, TimeUnit, Topic, Unheeded, Value};
use text::{Scalar, Tree};

use crate::flags::Words;
use crate::{Group, Ignored, Meaning, Owner, Zero, setting};

/// One flag of a server.
struct Flag {
    /// As the command line spells it, the name it is reported under first.
    names: &'static [&'static str],
    knob: Knob,
    /// The unit of its number; `None` for a count.
    unit: Option<TimeUnit>,
    zero: Zero,
    default: Option<Default>,
    /// The server does not heed it; why. What holds instead is 0.
    unheeded: Option<&'static str>,
}

/// What holds without the flag.
#[derive(Clone, Copy)]
struct Default {
    value: Held,
    of: &'static str,
    version: &'static str,
}

#[derive(Clone, Copy)]
enum Held {
    Seconds(u64),
    Count(u64),
    Never,
}

impl Held {
    fn value(self) -> Value {
        match self {
            Self::Seconds(seconds) => Value::Time(Limit::After(Duration::from_secs(seconds))),
            Self::Count(count) => Value::Count(count),
            Self::Never => Value::Time(Limit::Never),
        }
    }
}

const S: Option<TimeUnit> = Some(TimeUnit::Seconds);

const fn seconds(names: &'static [&'static str], covers: Covers, zero: Zero) -> Flag {
    Flag { names, knob: Knob::Timeout(covers), unit: S, zero, default: None, unheeded: None }
}

const fn count(names: &'static [&'static str], knob: Knob) -> Flag {
    Flag { names, knob, unit: None, zero: Zero::Literal, default: None, unheeded: None }
}

impl Flag {
    const fn or(self, value: Held, of: &'static str, version: &'static str) -> Self {
        Self { default: Some(Default { value, of, version }), ..self }
    }
}

/// Where gunicorn's flags and defaults stand.
const GUNICORN: &str = "gunicorn documentation, Settings (19 to 23)";
const UVICORN: &str = "uvicorn documentation, Settings (0.22 and newer; keep-alive since 0.2)";
const REDIS: &str = "all versions, redis.conf";

/// A worker that answers one request at a time.
static SYNC: [Flag; 5] = [
    // A worker that has not reported for so long is killed with its request; 0 switches it off.
    seconds(&["--timeout", "-t"], Covers::Handler, Zero::Never).or(
        Held::Seconds(30),
        "gunicorn timeout",
        GUNICORN,
    ),
    seconds(&["--graceful-timeout"], Covers::Drain, Zero::Literal).or(
        Held::Seconds(30),
        "gunicorn graceful_timeout",
        GUNICORN,
    ),
    Flag {
        unheeded: Some(
            "sync workers close each connection after its answer (gunicorn documentation, keepalive)",
        ),
        ..seconds(&["--keep-alive"], Covers::Idle, Zero::Literal)
    },
    count(&["--workers", "-w"], Knob::Processes).or(Held::Count(1), "gunicorn workers", GUNICORN),
    count(&["--threads"], Knob::Workers).or(Held::Count(1), "gunicorn threads", GUNICORN),
];

/// A worker that reports whatever its requests do.
static OTHER: [Flag; 5] = [
    Flag { knob: Knob::Other(Topic::Timeout), ..seconds(&["--timeout", "-t"], Covers::Unknown, Zero::Never) },
    seconds(&["--graceful-timeout"], Covers::Drain, Zero::Literal).or(
        Held::Seconds(30),
        "gunicorn graceful_timeout",
        GUNICORN,
    ),
    seconds(&["--keep-alive"], Covers::Idle, Zero::Literal).or(
        Held::Seconds(2),
        "gunicorn keepalive",
        GUNICORN,
    ),
    count(&["--workers", "-w"], Knob::Processes).or(Held::Count(1), "gunicorn workers", GUNICORN),
    count(&["--threads"], Knob::Workers),
];

static UVICORN_FLAGS: [Flag; 3] = [
    seconds(&["--timeout-keep-alive"], Covers::Idle, Zero::Literal).or(
        Held::Seconds(5),
        "uvicorn timeout_keep_alive",
        UVICORN,
    ),
    // Without it a stop waits for every request.
    seconds(&["--timeout-graceful-shutdown"], Covers::Drain, Zero::Literal),
    count(&["--workers"], Knob::Processes),
];

static UWSGI_FLAGS: [Flag; 4] = [
    // Off unless told (uWSGI documentation, Glossary: harakiri).
    seconds(&["--harakiri", "-t"], Covers::Handler, Zero::Never),
    Flag { knob: Knob::Other(Topic::Timeout), ..seconds(&["--http-timeout"], Covers::Unknown, Zero::Never) },
    count(&["--processes", "--workers", "-p"], Knob::Processes),
    count(&["--threads"], Knob::Workers),
];

static REDIS_FLAGS: [Flag; 2] = [
    seconds(&["--timeout"], Covers::Idle, Zero::Never).or(Held::Never, "Redis timeout", REDIS),
    count(&["--maxclients"], Knob::ConnectionLimit),
];

/// A server and what its binaries are called.
struct Product {
    name: &'static str,
    programs: &'static [&'static str],
    /// Flags that name a file with settings: what holds by default is then not known.
    files: &'static [&'static str],
    flags: fn(&[Scalar<'_>]) -> &'static [Flag],
}

static PRODUCTS: [Product; 4] = [
    Product { name: "gunicorn", programs: &["gunicorn"], files: &["-c", "--config"], flags: gunicorn },
    Product { name: "uvicorn", programs: &["uvicorn"], files: &[], flags: |_| &UVICORN_FLAGS },
    Product { name: "uwsgi", programs: &["uwsgi"], files: &["--ini", "--yaml"], flags: |_| &UWSGI_FLAGS },
    Product {
        name: "redis-server",
        programs: &["redis-server", "valkey-server"],
        files: &[],
        flags: |_| &REDIS_FLAGS,
    },
];

/// gunicorn's flags by the class of its workers: one with several threads is another class.
fn gunicorn(words: &[Scalar<'_>]) -> &'static [Flag] {
    let is = |names: &[&str], plain: &str| {
        let value = value_of(words, names);
        value.as_ref().and_then(Tree::scalar).is_none_or(|value| value.text() == plain)
    };
    let is_sync = is(&["--worker-class", "-k"], "sync") && is(&["--threads"], "1");
    if is_sync { &SYNC } else { &OTHER }
}

/// What a command line says of the server it starts.
pub(crate) struct Said {
    pub(crate) group: Group,
    pub(crate) ignored: Vec<Ignored>,
    /// The values that were read.
    pub(crate) taken: Vec<Span>,
}

/// Reads the server that a command line starts, if it is one of these.
pub(crate) fn read(owner: Owner, path: &str, at: Span, words: &Words) -> Option<Said> {
    let words: Vec<Scalar<'_>> = words.words().filter_map(Tree::scalar).collect();
    let (product, words) = PRODUCTS.iter().find_map(|product| Some((product, behind(product, &words)?)))?;
    let path = format!("{path}{}", product.name);
    let mut said = Said {
        group: Group::new(product.name.to_owned(), GroupKind::Server, owner, at),
        ignored: Vec::new(),
        taken: Vec::new(),
    };
    // A file named first is Redis's configuration.
    let has_file = value_of(words, product.files).is_some()
        || words.first().is_some_and(|word| word.text().ends_with(".conf") || word.text().ends_with(".ini"));
    for flag in (product.flags)(words) {
        let key = format!("{path}.{}", flag.names[0]);
        match value_of(words, flag.names) {
            Some(value) => said.written(flag, key, &value),
            None if has_file => {}
            None => said.group.settings.extend(flag.default.map(|default| {
                let Default { value, of, version } = default;
                let origin = Origin::Default { near: at, of, version };
                let mut setting = setting::stated(key, flag.knob, value.value(), origin);
                setting.assumptions.push(format!("that no file in the image configures {}", product.name));
                setting
            })),
        }
    }
    (!said.group.settings.is_empty()).then_some(said)
}

impl Said {
    fn written(&mut self, flag: &Flag, key: String, value: &Tree<'static>) {
        let Some(value) = value.scalar() else { return };
        let meaning = Meaning { knob: flag.knob, bare: flag.unit, zero: flag.zero, elsewhere: None };
        self.taken.push(value.span());
        match setting::documented(key.clone(), &meaning, value) {
            Ok(mut setting) => {
                if let Some(why) = flag.unheeded {
                    setting.unheeded = Some(Unheeded {
                        at: value.span(),
                        text: value.text().to_owned(),
                        why: why.to_owned(),
                    });
                    setting.value.value = Value::Time(Limit::After(Duration::ZERO));
                }
                self.group.settings.push(setting);
            }
            Err(reason) => self.ignored.push(Ignored { key, span: value.span(), reason }),
        }
    }
}

/// The words behind a program up to the end of its command, where it is what is started and no argument.
fn behind<'w, 't>(product: &Product, words: &'w [Scalar<'t>]) -> Option<&'w [Scalar<'t>]> {
    const BEFORE: [&str; 14] =
        ["exec", "&&", "||", ";", "|", "run", "-m", "--", "-c", "-ec", "-lc", "tini", "dumb-init", "then"];
    let file = |word: &str| word.rsplit('/').next().unwrap_or(word).to_owned();
    let starts = |at: usize| {
        at == 0 || {
            let before = words[at - 1].text();
            BEFORE.contains(&file(before).as_str())
                || before.ends_with(';')
                || before.contains('=')
                || before.contains("entrypoint")
        }
    };
    let at = (0..words.len())
        .find(|&at| product.programs.contains(&file(words[at].text()).as_str()) && starts(at))?;
    let rest = &words[at + 1..];
    let end = rest.iter().position(|word| matches!(word.text(), "&&" | "||" | ";" | "|" | "&"));
    Some(&rest[..end.unwrap_or(rest.len())])
}

/// The value of the last flag of these names: `--flag=value`, `--flag value`, `-f value`, `-f4`.
fn value_of(words: &[Scalar<'_>], names: &[&str]) -> Option<Tree<'static>> {
    let mut found = None;
    for (at, word) in words.iter().enumerate() {
        let text = word.text();
        for name in names {
            let Some(rest) = text.strip_prefix(name) else { continue };
            let start = text.len() - rest.len();
            if rest.is_empty() {
                let next = words.get(at + 1).filter(|next| !next.text().starts_with('-'));
                found = next.map(|next| next.piece(0..next.text().len())).or(found);
            } else if rest.starts_with('=') {
                found = Some(word.piece(start + 1..text.len()));
            } else if name.len() == 2 && rest.bytes().all(|byte| byte.is_ascii_digit()) {
                found = Some(word.piece(start..text.len()));
            }
        }
    }
    found
}
