//! Platforms of others through which requests reach a service: routers, load balancers and gateways
//! that no file here configures, with the limits their makers document. Who uses one declares it.

use std::time::Duration;

use model::{Covers, GroupKind, Knob, Limit, Origin, Value};
use text::Span;

use crate::{Group, Owner, setting};

/// A platform whose limits are known.
#[derive(Debug)]
pub struct Platform {
    /// Its name, as `forewarn.toml` says it.
    pub name: &'static str,
    limits: &'static [PlatformLimit],
    /// The document that states the limits, with its date where it has one.
    source: &'static str,
}

#[derive(Debug)]
struct PlatformLimit {
    key: &'static str,
    covers: Covers,
    seconds: u64,
    /// As a finding names it.
    of: &'static str,
}

const fn limit(key: &'static str, covers: Covers, seconds: u64, of: &'static str) -> PlatformLimit {
    PlatformLimit { key, covers, seconds, of }
}

/// All platforms, by name.
pub static PLATFORMS: &[Platform] = &[
    Platform {
        name: "aws-alb",
        limits: &[
            limit("idle_timeout", Covers::BetweenBytes, 60, "AWS Application Load Balancer idle_timeout"),
            limit("idle_timeout", Covers::Idle, 60, "AWS Application Load Balancer idle_timeout"),
        ],
        source: "attribute idle_timeout.timeout_seconds, 60 s unless changed (AWS, Edit attributes for your Application Load Balancer)",
    },
    Platform {
        name: "aws-api-gateway-http",
        limits: &[limit("timeout", Covers::WholeCall, 30, "AWS API Gateway HTTP API integration timeout")],
        source: "not adjustable (Amazon API Gateway quotas)",
    },
    Platform {
        name: "aws-api-gateway-rest",
        limits: &[limit("timeout", Covers::WholeCall, 29, "AWS API Gateway REST API integration timeout")],
        source: "unless raised for a regional or private API, possible since June 2024 (Amazon API Gateway quotas)",
    },
    Platform {
        name: "aws-nlb",
        limits: &[limit("idle_timeout", Covers::Idle, 350, "AWS Network Load Balancer TCP idle timeout")],
        source: "attribute tcp.idle_timeout.seconds, 350 s unless changed (AWS, Update the TCP idle timeout for your Network Load Balancer listener)",
    },
    Platform {
        name: "cloudflare",
        limits: &[
            limit("connect", Covers::Connect, 19, "Cloudflare Complete TCP Connection"),
            limit("read", Covers::BetweenBytes, 120, "Cloudflare Proxy Read Timeout"),
            limit("idle", Covers::Idle, 900, "Cloudflare Proxy Idle Timeout"),
        ],
        source: "Cloudflare Fundamentals, Connection limits, 23 July 2026",
    },
    Platform {
        name: "heroku",
        limits: &[limit("first_byte", Covers::FirstByte, 30, "Heroku router, initial response")],
        source: "not configurable (Heroku Dev Center, Request Timeout, 7 May 2024)",
    },
];

impl Platform {
    /// The group of settings with which the platform makes its calls, as declared at `at`.
    pub fn client(&self, at: Span) -> Group {
        let settings = self.limits.iter().map(|limit| {
            let key = format!("{}.{}", self.name, limit.key);
            let length = Value::Time(Limit::After(Duration::from_secs(limit.seconds)));
            let origin = Origin::Default { near: at, of: limit.of, version: self.source };
            setting::stated(key, Knob::Timeout(limit.covers), length, origin)
        });
        Group {
            settings: settings.collect(),
            ..Group::new(self.name.to_owned(), GroupKind::Client, Owner::File, at)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_sorted_and_name_their_document() {
        assert!(PLATFORMS.is_sorted_by(|a, b| a.name < b.name));
        assert!(
            PLATFORMS.iter().all(|platform| platform.source.contains(' ') && !platform.limits.is_empty())
        );
    }
}
