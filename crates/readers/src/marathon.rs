//! Applications of Marathon, the orchestrator of DC/OS: what runs, with its variables and the time it has to
//! stop. Must not know which other platforms describe the same services: `audit::join` does.

use model::{GroupKind, Knob, Setting, Sourced, TimeUnit};
use text::{Entry, Node, NodeKind, Syntax, Tree};

use crate::variables::{Variable, variables};
use crate::{
    Component, ComponentKind, Context, Dialect, Fragment, Group, Meaning, Owner, Platform, Role, Zero,
    setting,
};

/// The dialect.
pub(crate) static MARATHON: Dialect =
    Dialect { name: "marathon", docs: include_str!("marathon.md"), speaks, read };

/// What an application takes of the cluster: with its `id` they tell an application from other JSON.
const RESOURCES: [&str; 3] = ["instances", "cpus", "mem"];

fn speaks(_: &Context<'_>, tree: &Tree<'_>) -> bool {
    tree.syntax() == Syntax::Json && application(tree).is_some()
}

/// The application, with the place of its path.
fn application<'t>(tree: &'t Tree<'t>) -> Option<(Node<'t>, Entry<'t>)> {
    let root = tree.documents().next().filter(|root| root.kind() == NodeKind::Map)?;
    let id = root.entry("id").filter(|id| name(id.value).is_some())?;
    let has = |key: &str| root.get(key).is_some_and(|value| value.kind() == NodeKind::Scalar);
    let image = root.at(&["container", "docker", "image"]).and_then(Node::text);
    let resources = RESOURCES.iter().filter(|key| has(key)).count();
    (image.is_some() && resources > 0 || has("cmd") && resources > 1).then_some((root, id))
}

/// The last part of an application's path, by which it is called.
fn name(id: Node<'_>) -> Option<&str> {
    id.text()?.trim_matches('/').rsplit('/').next().filter(|name| !name.is_empty())
}

fn read(context: &Context<'_>, tree: &Tree<'_>, fragment: &mut Fragment) {
    let Some((root, id)) = application(tree) else { return };
    let (Some(called), Some(path)) = (name(id.value), id.value.text()) else { return };
    fragment.platform = Some(Platform { name: MARATHON.name, role: Role::Variant });
    let component = fragment.components.len();
    fragment.components.push(Component {
        name: Sourced::written(called.to_owned(), id.value.span()),
        identity: format!("marathon/{}", path.trim_matches('/')),
        kind: ComponentKind::Workload,
        // Its names in the network hold the cluster's name too, which no file says.
        aliases: Vec::new(),
        ports: Vec::new(),
        labels: Vec::new(),
        forwards: false,
        finishes: false,
        namespace: None,
        sidecar: None,
        partial: false,
        extent: root.span(),
    });
    let owner = Owner::Component(component);
    let settings: Vec<Setting> =
        [("taskKillGracePeriodSeconds", Knob::Grace), ("instances", Knob::Instances)]
            .into_iter()
            .filter_map(|(key, knob)| {
                let bare = (knob == Knob::Grace).then_some(TimeUnit::Seconds);
                let meaning = Meaning { knob, bare, zero: Zero::Literal, elsewhere: None };
                setting::documented(key.to_owned(), &meaning, root.get(key)?.scalar()?).ok()
            })
            .collect();
    if let Some(at) = settings.first().and_then(|setting| setting.value.origin.span()) {
        fragment.groups.push(Group {
            settings,
            ..Group::new(format!("life of {called}"), GroupKind::Lifecycle, owner, at)
        });
    }
    if let Some(env) = root.entry("env") {
        let all: Vec<Variable<'_>> = env
            .value
            .written_entries()
            .filter_map(|entry| Some(Variable { name: entry.key, value: entry.value.scalar()? }))
            .collect();
        let (groups, ignored) = variables(owner, "env", env.key.span(), &all, context.declared);
        fragment.groups.extend(groups);
        fragment.ignored.extend(ignored);
    }
}
