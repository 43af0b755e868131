//! Keys of objects that are settings: what each controls, its unit, and what holds where it is absent.

use model::{Knob, Setting, TimeUnit, Unheeded, Value};
use text::{Node, NodeKind, Span};

use super::Absent;
use crate::protobuf::Default;
use crate::{Ignored, Meaning, Reason, Zero, measure, setting};

/// One key of an object.
#[derive(Clone, Copy)]
pub(super) struct Key {
    /// Its path below the map it is looked for in.
    pub(super) path: &'static [&'static str],
    /// What it controls.
    pub(super) knob: Knob,
    /// The unit of a bare number; `None` where the API takes none.
    pub(super) bare: Option<TimeUnit>,
    /// What 0 means.
    pub(super) zero: Zero,
    /// What holds where it is absent.
    pub(super) default: Option<Default>,
}

/// Reads keys of one map into settings.
pub(super) struct Amounts<'f> {
    /// What stands before every key.
    pub(super) path: String,
    pub(super) absent: Absent,
    pub(super) ignored: &'f mut Vec<Ignored>,
}

impl Amounts<'_> {
    /// The keys that are written, and the defaults of those that are not, near a place.
    pub(super) fn all(&mut self, map: Node<'_>, keys: &[Key], near: Span) -> Vec<Setting> {
        keys.iter().filter_map(|key| self.one(map, key, near)).collect()
    }

    /// One key.
    pub(super) fn one(&mut self, map: Node<'_>, key: &Key, near: Span) -> Option<Setting> {
        let name = self.name(key);
        let written = entry(map, key.path).filter(|entry| super::is_set(entry.value));
        let Some(entry) = written else {
            let default = key.default.as_ref().filter(|_| self.absent == Absent::Default)?;
            return Some(default.setting(name, key.knob, near));
        };
        match amount(name.clone(), key, entry.value) {
            Ok(setting) => Some(setting),
            Err(reason) => {
                self.ignored.push(Ignored { key: name, span: super::whole(&entry), reason });
                None
            }
        }
    }

    /// A key that is written where its product does not heed it.
    pub(super) fn unheeded(
        &mut self,
        map: Node<'_>,
        key: &Key,
        instead: &Default,
        near: Span,
        why: &str,
    ) -> Option<Setting> {
        let entry = entry(map, key.path).filter(|entry| super::is_set(entry.value))?;
        let mut setting = instead.setting(self.name(key), key.knob, near);
        setting.unheeded = Some(Unheeded {
            at: crate::embedded::place(entry.value),
            text: entry.value.text().unwrap_or_default().to_owned(),
            why: why.to_owned(),
        });
        Some(setting)
    }

    /// Keys that look like ours and are not.
    pub(super) fn leave(&mut self, map: Node<'_>, names: &[&str]) {
        for name in names {
            if let Some(entry) = map.entry(name) {
                let key = format!("{}{name}", self.path);
                self.ignored.push(Ignored { key, span: super::whole(&entry), reason: Reason::NotOurs });
            }
        }
    }

    fn name(&self, key: &Key) -> String {
        format!("{}{}", self.path, key.path.join("."))
    }
}

/// The entry at a path.
fn entry<'t>(map: Node<'t>, path: &[&str]) -> Option<text::Entry<'t>> {
    let (last, above) = path.split_last()?;
    map.at(above)?.entry(last)
}

/// Reads a value.
fn amount(name: String, key: &Key, value: Node<'_>) -> Result<Setting, Reason> {
    let meaning = Meaning { knob: key.knob, bare: key.bare, zero: key.zero, elsewhere: None };
    let text = value.text().filter(|_| value.kind() == NodeKind::Scalar).ok_or(Reason::NotAnAmount)?;
    let measured = measure(text, &meaning, None)?;
    // A length without a unit is refused by the API server.
    if matches!(measured.value, Value::UnitUnknown(_) | Value::Flag(_)) {
        return Err(Reason::NotAnAmount);
    }
    Ok(setting::measured(name, key.knob, measured, crate::embedded::place(value)))
}
