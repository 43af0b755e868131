//! Probes of a container: fields, defaults, and what the probe does.

use model::{Knob, Limit, Origin, Probe, ProbeField, Setting, Sourced, TimeUnit, Unit, Value, Written};
use text::{Entry, Node, Scalar, Span};

use crate::{Ignored, Reason};

/// Where the defaults stand: `SetDefaults_Probe`, and the API reference of `Probe`. The timeout of an
/// `exec` probe was not enforced before 1.20.
const VERSION: &str = "all versions, kubernetes.io API reference Probe v1 core; exec probes since 1.20";

/// The probe that a key of a container names.
pub(super) fn probe_of(key: &str) -> Option<Probe> {
    Some(match key {
        "livenessProbe" => Probe::Liveness,
        "readinessProbe" => Probe::Readiness,
        "startupProbe" => Probe::Startup,
        _ => return None,
    })
}

/// A field of a probe: its key, its default (`None` where absence means nothing of ours) and the
/// default's name.
struct Field {
    key: &'static str,
    field: ProbeField,
    default: u64,
    of: &'static str,
    /// Whether 0 is stored as the default. It is for all fields but the delay, whose default is 0.
    zero_is_default: bool,
}

const FIELDS: [Field; 4] = [
    Field {
        key: "timeoutSeconds",
        field: ProbeField::Timeout,
        default: 1,
        of: "Kubernetes probe timeoutSeconds",
        zero_is_default: true,
    },
    Field {
        key: "periodSeconds",
        field: ProbeField::Period,
        default: 10,
        of: "Kubernetes probe periodSeconds",
        zero_is_default: true,
    },
    Field {
        key: "failureThreshold",
        field: ProbeField::Failures,
        default: 3,
        of: "Kubernetes probe failureThreshold",
        zero_is_default: true,
    },
    Field {
        key: "initialDelaySeconds",
        field: ProbeField::InitialDelay,
        default: 0,
        of: "Kubernetes probe initialDelaySeconds",
        zero_is_default: false,
    },
];

/// The settings of a probe, keys beginning with `path`. With `defaults` the absent fields are there,
/// near the place given.
pub(super) fn settings(
    probe: Probe,
    path: &str,
    node: Node<'_>,
    defaults: Option<Span>,
    ignored: &mut Vec<Ignored>,
) -> Vec<Setting> {
    let mut settings = Vec::new();
    for field in &FIELDS {
        let entry = node.entry(field.key);
        let key = format!("{path}.{}", field.key);
        if let Some(entry) = entry.filter(|entry| super::is_set(entry.value)) {
            match written(probe, field, key.clone(), &entry) {
                Ok(setting) => settings.push(setting),
                Err(reason) => ignored.push(Ignored { key, span: super::whole(&entry), reason }),
            }
        } else if let Some(near) = entry.map(|entry| entry.key.span()).or(defaults) {
            settings.push(Setting {
                unit: unit(field),
                ..Setting::new(
                    key,
                    Knob::Probe(probe, field.field),
                    Sourced {
                        value: value(field, field.default),
                        origin: Origin::Default { near, of: field.of, version: VERSION },
                    },
                )
            });
        }
    }
    settings.extend(action(probe, path, node).into_iter().flatten());
    settings
}

/// One field by name, for a patch that names nothing but the field.
pub(super) fn field(
    probe: Probe,
    path: &str,
    key: &str,
    scalar: Scalar<'_>,
) -> Option<Result<Setting, Reason>> {
    let field = FIELDS.iter().find(|field| field.key == key)?;
    Some(written_scalar(probe, field, format!("{path}.{key}"), scalar, scalar.span()))
}

fn written(probe: Probe, field: &Field, key: String, entry: &Entry<'_>) -> Result<Setting, Reason> {
    let scalar = entry.value.scalar().ok_or(Reason::NotAnAmount)?;
    written_scalar(probe, field, key, scalar, crate::embedded::place(entry.value))
}

fn written_scalar(
    probe: Probe,
    field: &Field,
    key: String,
    scalar: Scalar<'_>,
    place: Span,
) -> Result<Setting, Reason> {
    let number = integer(scalar)?;
    let mut origin = Origin::Written(place);
    let mut effective = number;
    if number == 0 && field.zero_is_default {
        effective = field.default;
        let default = Origin::Default { near: place, of: field.of, version: VERSION };
        origin = Origin::Derived(vec![origin, default]);
    }
    let seconds = (field.field != ProbeField::Failures).then_some(TimeUnit::Seconds);
    Ok(Setting {
        unit: unit(field),
        written: Some(Written { number: number as f64, name: seconds, bare: seconds, ..Written::default() }),
        ..Setting::new(
            key,
            Knob::Probe(probe, field.field),
            Sourced { value: value(field, effective), origin },
        )
    })
}

fn value(field: &Field, number: u64) -> Value {
    match field.field {
        ProbeField::Failures => Value::Count(number),
        _ => Value::Time(Limit::After(TimeUnit::Seconds.times(number as f64))),
    }
}

fn unit(field: &Field) -> Unit {
    if field.field == ProbeField::Failures { Unit::None } else { Unit::Product }
}

/// What the probe does, and the mark of what exactly it asks, at the place of the action.
fn action(probe: Probe, path: &str, node: Node<'_>) -> Option<[Setting; 2]> {
    let (key, name) = [("httpGet", "http"), ("tcpSocket", "tcp"), ("grpc", "grpc"), ("exec", "exec")]
        .into_iter()
        .find(|(key, _)| node.get(key).is_some_and(super::is_set))?;
    let entry = node.entry(key)?;
    let at = |key: &str, field, text| {
        let (key, knob) = (format!("{path}.{key}"), Knob::Probe(probe, field));
        Setting::new(key, knob, Sourced::written(Value::Text(text), entry.key.span()))
    };
    let mut mark = Mark { so_far: FIRST_MARK, left: MOST_PARTS };
    mark.text(name);
    mark.under(entry.value);
    let mark = format!("{:08x}", mark.so_far);
    Some([at("action", ProbeField::Action, name.to_owned()), at("mark", ProbeField::Mark, mark)])
}

/// Where a mark begins, and by what it goes on: FNV-1a with 32 bits (draft-eastlake-fnv). A mark so short
/// gives nothing away of a command, and is long enough for the two probes of a container.
const FIRST_MARK: u32 = 0x811c_9dc5;
const NEXT_MARK: u32 = 0x0100_0193;

/// A probe of more parts is marked by these first ones: aliases can make any number of them.
const MOST_PARTS: u32 = 1000;

/// The mark of what a probe asks. The order of keys does not count, that of items does.
struct Mark {
    so_far: u32,
    left: u32,
}

impl Mark {
    fn text(&mut self, text: &str) {
        // No text contains the byte that ends one, so two texts do not run into each other.
        for byte in text.bytes().chain([0xff]) {
            self.so_far = (self.so_far ^ u32::from(byte)).wrapping_mul(NEXT_MARK);
        }
    }

    fn under(&mut self, node: Node<'_>) {
        let Some(left) = self.left.checked_sub(1) else { return };
        self.left = left;
        if let Some(text) = node.text() {
            return self.text(text);
        }
        for item in node.items() {
            self.text("-");
            self.under(item);
        }
        let mut entries = node.entries();
        entries.sort_by(|a, b| a.key.text().cmp(b.key.text()));
        for entry in entries {
            self.text(entry.key.text());
            self.under(entry.value);
        }
    }
}

/// A whole number, as the API server takes it: plain, not quoted, not negative.
pub(super) fn integer(scalar: Scalar<'_>) -> Result<u64, Reason> {
    let text = scalar.text().trim();
    if text.contains("{{") {
        Err(Reason::Template)
    } else if text.contains("${") || text.contains("$(") {
        Err(Reason::Reference)
    } else if scalar.style() != text::Style::Plain {
        Err(Reason::NotAnAmount)
    } else {
        text.parse().map_err(|_| Reason::NotAnAmount)
    }
}
