//! gRPC service configs: what ends and repeats the calls of each method. The services they name are
//! names of protobuf's, never hosts, so no call is known from them alone.

use model::{GroupKind, Knob, Limit, Setting, Sourced, Topic, Unheeded, Value};
use text::{Entry, Node, NodeKind, Syntax, Tree};

use crate::protobuf::{self, Constant, Default, entry, get, repeated, text};
use crate::{Context, Dialect, Fragment, Group, Ignored, Owner, Reason, Zero};

/// The dialect.
pub(crate) static GRPC: Dialect = Dialect { name: "grpc", docs: include_str!("grpc.md"), speaks, read };

/// More attempts than this are taken for this many (gRFC A6, "Limits on Retries and Hedges").
const MOST_ATTEMPTS: u64 = 5;

/// Generators of clients read these files too, and write all attempts into a loop of the client's own
/// (google-cloud-dotnet, `RetrySettings.FromExponentialBackoff` in the clients it generates).
const IN_A_CHANNEL: &str =
    "that a gRPC channel takes this file, and no generator of clients with retries of their own";

/// The waits are drawn from 0.8 to 1.2 of their length.
const JITTER: Default = Default {
    value: Constant::Number(0.2),
    of: "gRPC retry jitter",
    version: "gRFC A6, Exponential Backoff; by its first text from nothing to the whole wait",
};

fn speaks(_: &Context<'_>, tree: &Tree<'_>) -> bool {
    matches!(tree.syntax(), Syntax::Json | Syntax::Yaml)
        && tree.documents().any(|root| methods(root).is_some())
}

/// The list of method configs, if a document is a service config.
fn methods(root: Node<'_>) -> Option<Entry<'_>> {
    const OWN: [&str; 5] = ["name", "timeout", "retry_policy", "hedging_policy", "wait_for_ready"];
    let list = entry(root, "method_config").filter(|list| list.value.kind() == NodeKind::List)?;
    let is_method = |item: Node<'_>| OWN.iter().any(|field| get(item, field).is_some());
    (list.value.items().len() == 0 || list.value.items().any(is_method)).then_some(list)
}

fn read(_: &Context<'_>, tree: &Tree<'_>, fragment: &mut Fragment) {
    for root in tree.documents() {
        let Some(list) = methods(root) else { continue };
        for (index, method) in list.value.items().enumerate() {
            Reader { path: format!("{}[{index}]", list.key.text()), fragment }.method(method);
        }
        let mut reader = Reader { path: String::new(), fragment };
        reader.throttling(root);
    }
}

struct Reader<'f> {
    path: String,
    fragment: &'f mut Fragment,
}

impl Reader<'_> {
    fn method(&mut self, method: Node<'_>) {
        let mut found: Vec<Setting> = Vec::new();
        // Zero is a deadline that has passed.
        found.extend(self.amount(method, "", "timeout", Knob::Timeout(model::Covers::WholeCall)));
        if let Some(policy) = entry(method, "retry_policy") {
            found.extend(self.retries(policy));
        } else if let Some(policy) = entry(method, "hedging_policy") {
            found.extend(self.hedging(policy));
        }
        let Some(at) = found.first().and_then(|setting| setting.value.origin.span()) else { return };
        self.group(label(method), GroupKind::Client, at, found);
    }

    fn retries(&mut self, policy: Entry<'_>) -> Vec<Setting> {
        let path = format!("{}.", policy.key.text());
        let mut found: Vec<Setting> = Vec::new();
        found.extend(self.attempts(policy.value, &path));
        for (field, knob) in [
            ("initial_backoff", Knob::BackoffBase),
            ("max_backoff", Knob::BackoffMax),
            ("backoff_multiplier", Knob::BackoffFactor),
        ] {
            found.extend(self.amount(policy.value, &path, field, knob));
        }
        if found.iter().any(|setting| setting.knob == Knob::BackoffBase) {
            let key = format!("{}.{path}jitter", self.path);
            found.push(JITTER.setting(key, Knob::Jitter, policy.key.span()));
        }
        found.extend(self.codes(policy.value, &path, "retryable_status_codes"));
        found
    }

    /// Requests sent beside a first one that is slow.
    fn hedging(&mut self, policy: Entry<'_>) -> Vec<Setting> {
        let path = format!("{}.", policy.key.text());
        let mut found: Vec<Setting> = Vec::new();
        found.extend(self.attempts(policy.value, &path));
        found.extend(self.amount(policy.value, &path, "hedging_delay", Knob::Interval));
        found.extend(self.codes(policy.value, &path, "non_fatal_status_codes"));
        found
    }

    /// The attempts, of which gRPC takes between 2 and 5.
    fn attempts(&mut self, policy: Node<'_>, path: &str) -> Option<Setting> {
        let mut setting = self.amount(policy, path, "max_attempts", Knob::Attempts)?;
        let at = setting.value.origin.span()?;
        let written = get(policy, "max_attempts")?.text()?.to_owned();
        let (holds, why) = match setting.value.value {
            Value::Count(count) if count > MOST_ATTEMPTS => (
                MOST_ATTEMPTS,
                "more than 5 attempts are taken for 5 (gRFC A6, Limits on Retries and Hedges)",
            ),
            Value::Count(2..) => return Some(setting),
            _ => (
                1,
                "a service config in which it is not a whole number above 1 is refused \
                 (gRFC A6, Validation of retryPolicy)",
            ),
        };
        setting.value.value = Value::Count(holds);
        if holds == MOST_ATTEMPTS {
            setting.assumptions.push(IN_A_CHANNEL.to_owned());
        }
        setting.unheeded = Some(Unheeded { at, text: written, why: why.to_owned() });
        Some(setting)
    }

    fn codes(&mut self, policy: Node<'_>, path: &str, field: &str) -> Option<Setting> {
        let list = entry(policy, field)?;
        let codes: Vec<&str> = list.value.items().filter_map(Node::text).collect();
        let key = format!("{}.{path}{}", self.path, list.key.text());
        if codes.is_empty() {
            self.fragment.ignored.push(Ignored { key, span: list.value.span(), reason: Reason::Empty });
            return None;
        }
        let value = Sourced::written(Value::Text(codes.join(" ")), list.value.span());
        Some(Setting::new(key, Knob::RetryOn, value))
    }

    /// What keeps all methods from retrying too often.
    fn throttling(&mut self, root: Node<'_>) {
        let Some(policy) = entry(root, "retry_throttling") else { return };
        self.path = policy.key.text().to_owned();
        let mut found: Vec<Setting> = Vec::new();
        for field in ["max_tokens", "token_ratio"] {
            found.extend(self.amount(policy.value, "", field, Knob::Other(Topic::Retry)));
        }
        self.group("retry throttling".to_owned(), GroupKind::Loose, policy.key.span(), found);
    }

    /// A length of time or a number, if it is written.
    fn amount(&mut self, message: Node<'_>, path: &str, field: &str, knob: Knob) -> Option<Setting> {
        let written = entry(message, field)?;
        let key = format!("{}.{path}{}", self.path, written.key.text());
        match protobuf::setting(key, knob, Zero::Literal, written.value) {
            // A negative length is none: no limit is spelled by leaving the field out.
            Ok(setting) if setting.limit() == Some(Limit::Never) => {
                let Setting { key, .. } = setting;
                let reason = Reason::NotAnAmount;
                self.fragment.ignored.push(Ignored { key, span: written.value.span(), reason });
                None
            }
            Ok(setting) => Some(setting),
            Err(ignored) => {
                self.fragment.ignored.push(ignored);
                None
            }
        }
    }

    fn group(&mut self, label: String, kind: GroupKind, at: text::Span, settings: Vec<Setting>) {
        if settings.is_empty() {
            return;
        }
        self.fragment.groups.push(Group {
            settings,
            // `grpc-timeout` carries what is left of the deadline (gRPC over HTTP2).
            passes_deadline: true,
            ..Group::new(label, kind, Owner::File, at)
        });
    }
}

/// The methods that a config is for: the first of them, and how many more.
fn label(method: Node<'_>) -> String {
    let mut names =
        repeated(method, "name").map(|name| match (text(name, "service"), text(name, "method")) {
            (Some(service), Some(method)) => format!("{service}/{method}"),
            (Some(service), None) => service.to_owned(),
            (None, _) => "all methods".to_owned(),
        });
    // A config without names is for none (service_config.proto).
    let Some(first) = names.next() else { return "no method".to_owned() };
    match names.count() {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
