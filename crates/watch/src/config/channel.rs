//! `[[watch.channel]]` and `[watch.heartbeat]`: who is told, and who hears that Forewarn lives.

use std::time::Duration;

use model::declared::{Mistakes, Table};
use text::Node;

use super::{access, positive};
use crate::plan::{Channel, ChannelKind, Heartbeat};

pub(super) const CHANNEL: &[&str] =
    &["name", "kind", "url", "file", "again", "timeout", "bearer_file", "basic", "ca", "server_name"];
pub(super) const HEARTBEAT: &[&str] = &["url", "every", "bearer_file", "basic", "ca", "server_name"];

/// How long an attempt may take where the file does not say; as long as Alertmanager gives a webhook.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often an open alert is sent to Alertmanager again where the file does not say; as Prometheus'
/// `--rules.alert.resend-delay` has it.
const AGAIN: Duration = Duration::from_secs(60);
/// Alertmanager holds an alert that nobody repeats for ended after its `resolve_timeout`, by default five
/// minutes; one lost message must not be enough.
const AGAIN_AT_MOST: Duration = Duration::from_secs(150);
/// How often the heartbeat beats where the file does not say.
const BEAT: Duration = Duration::from_secs(60);

/// How a channel is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Webhook,
    Alertmanager,
    Lines,
}

pub(super) const KINDS: &[(&str, Kind)] =
    &[("webhook", Kind::Webhook), ("alertmanager", Kind::Alertmanager), ("lines", Kind::Lines)];

/// All channels.
pub(super) fn read(node: Option<Node<'_>>, m: &mut Mistakes) -> Vec<Channel> {
    let mut channels: Vec<Channel> = Vec::new();
    for table in Table::list(node, "[[watch.channel]]", CHANNEL, m) {
        let Some(channel) = channel(&table, m) else { continue };
        if channels.iter().any(|other| other.name == channel.name) {
            let what = format!("a second channel `{}`", channel.name);
            m.add(table.place("name"), what, "name each channel once");
        }
        channels.push(channel);
    }
    channels
}

fn channel(table: &Table<'_>, m: &mut Mistakes) -> Option<Channel> {
    let name = table.needed_text("name", m);
    if table.get("kind").is_none() {
        m.add(
            table.span(),
            "[[watch.channel]] without `kind`",
            "add `kind = \"webhook\"`, `alertmanager` or `lines`",
        );
    }
    let access = access::read(table, m);
    let timeout = positive(table, "timeout", m).unwrap_or(TIMEOUT);
    let kind = table.word("kind", KINDS, m)?;
    let (mine, other): (&str, &[&str]) = match kind {
        Kind::Webhook => ("webhook", &["file", "again"]),
        Kind::Alertmanager => ("alertmanager", &["file"]),
        Kind::Lines => ("lines", &["url", "again", "timeout", "bearer_file", "basic", "ca", "server_name"]),
    };
    for key in other.iter().filter(|key| table.get(key).is_some()) {
        let what = format!("`{key}` does not belong to `kind = \"{mine}\"`");
        m.add(table.place(key), what, "remove it");
    }
    let kind = match kind {
        Kind::Webhook => ChannelKind::Webhook(access::needed_url(table, "url", m)?),
        Kind::Alertmanager => {
            let url = access::needed_url(table, "url", m);
            ChannelKind::Alertmanager { url: base(table, url?, m), again: again(table, m) }
        }
        Kind::Lines => ChannelKind::Lines(table.needed_text("file", m)?.to_owned()),
    };
    Some(Channel { name: name?.to_owned(), kind, access, timeout })
}

/// The base URL, so that the path of the API is added once.
fn base(table: &Table<'_>, url: String, m: &mut Mistakes) -> String {
    let url = url.trim_end_matches('/').to_owned();
    if let Some((base, _)) = url.split_once("/api/") {
        m.add(
            table.place("url"),
            "`url` names Alertmanager's API",
            format!("write its base URL: \"{base}\""),
        );
    }
    url
}

fn again(table: &Table<'_>, m: &mut Mistakes) -> Duration {
    let again = positive(table, "again", m).unwrap_or(AGAIN);
    if again > AGAIN_AT_MOST {
        m.add(
            table.place("again"),
            format!("`again` is {again:?}: Alertmanager would hold an open alert for ended"),
            "write at most \"150s\": half of its `resolve_timeout`, five minutes by default",
        );
    }
    again
}

/// The heartbeat.
pub(super) fn heartbeat(node: Node<'_>, m: &mut Mistakes) -> Option<Heartbeat> {
    let table = Table::new(node, "[watch.heartbeat]", HEARTBEAT, m)?;
    let every = positive(&table, "every", m).unwrap_or(BEAT);
    if every < Duration::from_secs(1) {
        m.add(table.place("every"), "`every` is below a second", "write \"1s\" or more");
    }
    let access = access::read(&table, m);
    Some(Heartbeat { url: access::needed_url(&table, "url", m)?, every, access })
}
