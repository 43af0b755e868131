//! Fields of our topics that no group has taken: their topic is known, what they limit is not, so
//! no rule compares them.

use model::{GroupKind, Knob, Setting, Topic, Value};
use text::{Entry, Node, NodeKind};

use super::Reader;
use crate::protobuf;
use crate::setting::{self, Place};
use crate::{Context, Ignored, Reason, Zero, key_matches};

impl<'t> Reader<'t, '_> {
    /// Adds what is left in a document.
    pub(super) fn rest(&mut self, context: &Context<'_>, document: Node<'t>) {
        let mut left = Vec::new();
        self.left(context, document, &mut Vec::new(), &mut left);
        let Some(first) = left.first() else { return };
        let at = first.value.origin.span().unwrap_or_else(|| document.span());
        self.group("envoy".to_owned(), GroupKind::Loose, at, left, Vec::new());
    }

    fn left(
        &mut self,
        context: &Context<'_>,
        node: Node<'t>,
        path: &mut Vec<String>,
        into: &mut Vec<Setting>,
    ) {
        match node.kind() {
            NodeKind::Map => {
                for entry in node.entries() {
                    if entry.value.kind() == NodeKind::Scalar {
                        into.extend(self.candidate(context, entry, path));
                    } else {
                        path.push(entry.key.text().to_owned());
                        self.left(context, entry.value, path, into);
                        path.pop();
                    }
                }
            }
            NodeKind::List => {
                for (index, item) in node.items().enumerate() {
                    path.push(format!("[{index}]"));
                    self.left(context, item, path, into);
                    path.pop();
                }
            }
            NodeKind::Scalar => {}
        }
    }

    fn candidate(&mut self, context: &Context<'_>, entry: Entry<'t>, path: &[String]) -> Option<Setting> {
        let value = entry.value;
        let leaf = entry.key.text();
        if !crate::keys::is_suspect(leaf) && context.declared.is_empty() || self.used.contains(&value.span())
        {
            return None;
        }
        let parents: Vec<&str> = path.iter().map(String::as_str).collect();
        let place = Place { file: context.source.path(), product: None, parents: &parents, leaf };
        let known = match setting::known(&place, context.declared)? {
            Ok(known) => known,
            Err(reason) => {
                return self.take(value, Err(setting::ignored(&place, entry.key.span(), reason)));
            }
        };
        let key = place.key();
        let text = value.scalar()?;
        if context.declared.iter().any(|declared| key_matches(&declared.key, &key)) {
            let read = setting::read(&place, &known, text);
            return self.take(value, read.map_err(|reason| setting::ignored(&place, value.span(), reason)));
        }
        let knob = match known.knob() {
            knob @ (Knob::Interval | Knob::RetryOn) => knob,
            knob => Knob::Other(knob.topic()),
        };
        let read = protobuf::setting(key.clone(), knob, Zero::Literal, value).and_then(|setting| {
            // A switch is no limit.
            let is_switch = matches!(setting.value.value, Value::Flag(_)) && knob.topic() == Topic::Timeout;
            if is_switch {
                Err(Ignored { key, span: value.span(), reason: Reason::NotOurs })
            } else {
                Ok(setting)
            }
        });
        self.take(value, read)
    }
}
