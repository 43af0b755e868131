//! Lengths of time and counts of a service: health check, stop, restart policy.

use model::{Knob, Limit, Origin, Probe, ProbeField, Setting, Sourced, TimeUnit, Topic, Value};
use text::{Node, Scalar, Span};

use super::interpolate::Interpolation;
use crate::pieces::{Text, Traces};
use crate::{Ignored, Meaning, Reason, Zero, measure, setting};

/// What Compose does where a key is absent or 0.
pub(super) struct Default {
    value: Value,
    of: &'static str,
    version: &'static str,
}

impl Default {
    fn seconds(seconds: u32, of: &'static str, version: &'static str) -> Self {
        Self { value: Value::Time(Limit::After(TimeUnit::Seconds.times(f64::from(seconds)))), of, version }
    }

    /// The setting near the place where its key is absent.
    fn setting(self, key: String, knob: Knob, near: Span) -> Setting {
        let origin = Origin::Default { near, of: self.of, version: self.version };
        setting::stated(key, knob, self.value, origin)
    }
}

/// An absent field of a health check is the image's, or what the engine falls back to.
const HEALTH: &str = "docs.docker.com Dockerfile reference HEALTHCHECK, where the image sets none itself";
const STOP: &str = "docs.docker.com Compose file reference stop_grace_period";

/// Reads times out of one service.
pub(super) struct Times<'a, 'c> {
    pub(super) interpolation: &'a Interpolation<'c>,
    pub(super) ignored: &'a mut Vec<Ignored>,
}

impl Times<'_, '_> {
    /// The fields of a health check; `maps` are its maps, the one that decides first. `near` is where
    /// absent fields are pointed at, where defaults count.
    pub(super) fn health(&mut self, maps: &[Node<'_>], near: Option<Span>) -> Vec<Setting> {
        let fields = [
            ("timeout", ProbeField::Timeout, Default::seconds(30, "Docker health check timeout", HEALTH)),
            ("interval", ProbeField::Period, Default::seconds(30, "Docker health check interval", HEALTH)),
            (
                "retries",
                ProbeField::Failures,
                Default { value: Value::Count(3), of: "Docker health check retries", version: HEALTH },
            ),
            (
                "start_period",
                ProbeField::InitialDelay,
                Default::seconds(0, "Docker health check start_period", HEALTH),
            ),
        ];
        let mut settings = Vec::new();
        for (name, field, default) in fields {
            let knob = Knob::Probe(Probe::Health, field);
            let node = maps.iter().find_map(|map| map.get(name));
            settings.extend(self.read(format!("healthcheck.{name}"), knob, node, Some(default), near));
        }
        if let Some(test) = maps.iter().find_map(|map| map.entry("test")) {
            settings.push(Setting::new(
                "healthcheck.action".to_owned(),
                Knob::Probe(Probe::Health, ProbeField::Action),
                Sourced::written(Value::Text("exec".to_owned()), test.key.span()),
            ));
        }
        settings
    }

    /// How long a container has to stop.
    pub(super) fn stop(&mut self, node: Option<Node<'_>>, near: Option<Span>) -> Option<Setting> {
        let default = Default::seconds(10, "Compose stop_grace_period", STOP);
        self.read("stop_grace_period".to_owned(), Knob::Grace, node, Some(default), near)
    }

    /// How many instances run, where it is written.
    pub(super) fn instances(&mut self, key: &str, node: Node<'_>) -> Option<Setting> {
        self.read(key.to_owned(), Knob::Instances, Some(node), None, None)
    }

    /// The restart policy, where it is written.
    pub(super) fn restart(&mut self, policy: Node<'_>) -> Vec<Setting> {
        let mut settings = Vec::new();
        for name in ["delay", "max_attempts", "window"] {
            // Read as what it is, then named as what it is for: restarts are no retries of calls.
            let knob = if name == "max_attempts" { Knob::Attempts } else { Knob::Interval };
            let key = format!("deploy.restart_policy.{name}");
            if let Some(mut setting) = self.read(key, knob, policy.get(name), None, None) {
                setting.knob = Knob::Other(Topic::Lifecycle);
                settings.push(setting);
            }
        }
        settings
    }

    fn read(
        &mut self,
        key: String,
        knob: Knob,
        node: Option<Node<'_>>,
        default: Option<Default>,
        near: Option<Span>,
    ) -> Option<Setting> {
        let Some(node) = node else {
            return Some(default?.setting(key, knob, near?));
        };
        let Some(scalar) = node.scalar() else {
            self.ignored.push(Ignored { key, span: node.span(), reason: Reason::NotAnAmount });
            return None;
        };
        let mut traces = Traces::default();
        let text = self.interpolation.apply(scalar, &mut traces);
        let meaning = Meaning { knob, bare: None, zero: Zero::Literal, elsewhere: None };
        let measured = match measure(text.text(), &meaning, None) {
            // A length of time without a unit is refused by Compose.
            Ok(measured) if matches!(measured.value, Value::UnitUnknown(_)) => Err(Reason::NotAnAmount),
            other => other,
        };
        let place = match &text {
            Text::AsWritten(_) => crate::embedded::place(node),
            Text::Made(_) => text.scalar().map_or(node.span(), Scalar::span),
        };
        match measured {
            Ok(measured) => {
                let mut setting = setting::measured(key, knob, measured, place);
                traces.apply(&mut setting);
                // A health check's 0 is stored as "not set".
                let is_zero = setting.written.is_some_and(|written| written.number == 0.0);
                if let (true, Knob::Probe(..), Some(default)) = (is_zero, knob, default) {
                    let fallback = Origin::Default { near: place, of: default.of, version: default.version };
                    setting.value.origin = Origin::Derived(vec![setting.value.origin, fallback]);
                    setting.value.value = default.value;
                }
                Some(setting)
            }
            Err(reason) => {
                self.ignored.push(Ignored { key, span: place, reason });
                None
            }
        }
    }
}
