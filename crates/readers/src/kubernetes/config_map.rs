//! A ConfigMap or a Secret: files that are read in their own dialect, and flat entries that are variables.
//! Of a Secret no value but amounts and the hosts of addresses may leave this module.

use text::NodeKind;

use super::{Absent, KUBERNETES, Object, component_of};
use crate::variables::{Variable, variables};
use crate::{ComponentKind, Context, Fragment, Owner, embedded};

/// Reads a ConfigMap or a Secret. A manifest among its entries is nobody's configuration yet and is left alone.
pub(crate) fn config_map(
    context: &Context<'_>,
    object: &Object<'_>,
    absent: Absent,
    fragment: &mut Fragment,
) {
    let component = fragment.components.len();
    fragment.components.push(component_of(object, ComponentKind::Config, absent));
    let Some(path) = object.kind.stored() else { return };
    let Some(data) = object.node.entry(path).filter(|data| data.value.kind() == NodeKind::Map) else {
        return;
    };
    let mut flat = Vec::new();
    for entry in data.value.entries() {
        let Some(value) = entry.value.scalar() else { continue };
        let name = entry.key.text();
        match embedded::tree(name, value) {
            Some(tree) if !(KUBERNETES.speaks)(context, &tree) => {
                embedded::absorb(context, name, &format!("{path}[{name}]"), &tree, component, fragment);
            }
            Some(_) => {}
            // A script or a certificate.
            None if value.text().trim_end().contains('\n') => {}
            None => flat.push(Variable { name: entry.key, value }),
        }
    }
    if !flat.is_empty() {
        let owner = Owner::Component(component);
        let (groups, ignored) = variables(owner, path, data.key.span(), &flat, context.declared);
        fragment.groups.extend(groups);
        fragment.ignored.extend(ignored);
    }
}
