//! What is known of products by their documents: which series and which lines are requests, and which are
//! failures of which reason. A key that the file writes wins over the preset's.

use model::TimeUnit;

/// A product whose counts are known.
#[derive(Debug)]
pub struct Preset {
    /// As the file writes it.
    pub name: &'static str,
    /// Its series, where it shows any.
    pub(super) scrape: Option<ScrapePreset>,
    /// Its access log, where it has one that tells enough.
    pub(super) log: Option<LogPreset>,
}

/// The series of a product.
#[derive(Debug)]
pub(super) struct ScrapePreset {
    /// All requests.
    pub(super) requests: &'static str,
    /// Failures that count, by reason; disjoint.
    pub(super) failed: &'static [(&'static str, &'static str)],
    /// Failures of the user's own.
    pub(super) user: &'static [(&'static str, &'static str)],
    /// The histogram of durations, and the unit of its bounds.
    pub(super) durations: (&'static str, TimeUnit),
    /// The label that tells what belongs to one service, where an endpoint shows several.
    pub(super) label: Option<&'static str>,
}

/// The access log of a product.
#[derive(Debug)]
pub(super) struct LogPreset {
    /// The word of its format.
    pub(super) format: &'static str,
    /// Where it usually is.
    pub(super) path: Option<&'static str>,
    /// Failures that count, by reason; the first that holds wins.
    pub(super) failed: &'static [(&'static str, Known)],
}

/// What a line must be to fail for a reason.
#[derive(Debug, Clone, Copy)]
pub(super) enum Known {
    /// Status codes, ends included.
    Status(u16, u16),
    /// Any of these words in the field that tells why.
    Flags(&'static [&'static str]),
}

/// All of them.
pub const PRESETS: &[Preset] = &[
    Preset {
        // `service/src/metrics.rs`. A wrong password and a locked account are the user's own; a sign-in that
        // was throttled is not: the same word stands for a queue of password hashes that is full.
        name: "authd",
        scrape: Some(ScrapePreset {
            requests: "auth_login_total",
            failed: &[
                ("timeout", r#"auth_login_total{result="timeout"}"#),
                ("unreachable", r#"auth_login_total{result="unreachable"}"#),
                ("dependency_error", r#"auth_login_total{result="dependency_error"}"#),
                ("internal", r#"auth_login_total{result="internal"}"#),
                ("throttled", r#"auth_login_total{result="throttled"}"#),
            ],
            user: &[
                ("bad_credentials", r#"auth_login_total{result="bad_credentials"}"#),
                ("locked", r#"auth_login_total{result="locked"}"#),
            ],
            durations: (r#"auth_request_duration_seconds{route="/login"}"#, TimeUnit::Seconds),
            label: None,
        }),
        log: None,
    },
    Preset {
        // nginx.org ngx_http_log_module; 499 is NGINX's own code of a client that closed the connection
        // before the answer. It counts: whoever gave up got no answer.
        name: "nginx",
        scrape: None,
        log: Some(LogPreset {
            format: "nginx",
            path: Some("/var/log/nginx/access.log"),
            failed: &[
                ("timeout", Known::Status(504, 504)),
                ("bad_gateway", Known::Status(502, 502)),
                ("unavailable", Known::Status(503, 503)),
                ("client_closed", Known::Status(499, 499)),
                ("server_error", Known::Status(500, 599)),
            ],
        }),
    },
    Preset {
        // envoyproxy.io, cluster statistics (`upstream_rq_<code>` shows as the label `envoy_response_code`;
        // `upstream_rq_time` is in milliseconds) and access log response flags.
        name: "envoy",
        scrape: Some(ScrapePreset {
            requests: "envoy_cluster_upstream_rq",
            failed: &[
                ("timeout", r#"envoy_cluster_upstream_rq{envoy_response_code="504"}"#),
                ("unavailable", r#"envoy_cluster_upstream_rq{envoy_response_code="503"}"#),
                (
                    "server_error",
                    r#"envoy_cluster_upstream_rq{envoy_response_code=~"5..",envoy_response_code!~"503|504"}"#,
                ),
            ],
            user: &[],
            durations: ("envoy_cluster_upstream_rq_time", TimeUnit::Milliseconds),
            label: Some("envoy_cluster_name"),
        }),
        log: Some(LogPreset {
            format: "envoy",
            path: None,
            failed: &[
                ("timeout", Known::Flags(&["UT", "SI", "UMSDR"])),
                ("unreachable", Known::Flags(&["UH", "UF", "UC", "UR"])),
                ("overload", Known::Flags(&["UO"])),
                ("client_closed", Known::Flags(&["DC"])),
                ("server_error", Known::Status(500, 599)),
            ],
        }),
    },
];

/// The words of them, for [`model::declared::Table::word`].
pub(super) fn words() -> Vec<(&'static str, &'static Preset)> {
    PRESETS.iter().map(|preset| (preset.name, preset)).collect()
}
