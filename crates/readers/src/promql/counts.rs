//! What a series counts, by the words that metrics and labels are usually named with: failures, successes,
//! or nothing that is said. Client errors (4xx) are neither: they are their sender's.

use model::monitor::{Compare, Counts, Matcher};

/// Labels that hold a status code.
const CODES: [&str; 12] = [
    "code",
    "http_code",
    "http_response_status_code",
    "http_status",
    "http_status_code",
    "response_code",
    "response_code_class",
    "envoy_response_code_class",
    "status",
    "status_class",
    "status_code",
    "statuscode",
];
/// Labels that hold an outcome in a word.
const OUTCOMES: [&str; 12] = [
    "error",
    "error_type",
    "exception",
    "grpc_code",
    "grpc_status",
    "outcome",
    "result",
    "rpc_grpc_status_code",
    "state",
    "status",
    "status_code",
    "success",
];
const FAILURES: [&str; 17] = [
    "aborted",
    "dataloss",
    "deadlineexceeded",
    "error",
    "errors",
    "exception",
    "fail",
    "failed",
    "failure",
    "failures",
    "internal",
    "server_error",
    "status_code_error",
    "timeout",
    "unavailable",
    "unknown",
    "ko",
];
const SUCCESSES: [&str; 8] =
    ["ok", "passed", "succeeded", "success", "successes", "successful", "completed", "none"];
/// Words of the names of metrics.
const IN_NAMES: [&str; 9] =
    ["5xx", "err", "error", "errors", "errs", "fail", "failed", "failure", "failures"];

pub(super) fn counts(metric: &str, labels: &[Matcher]) -> Counts {
    let said = labels.iter().map(of_label).find(|counts| *counts != Counts::Unsaid);
    said.unwrap_or_else(|| {
        let words: Vec<String> = metric.split(['_', ':']).map(str::to_ascii_lowercase).collect();
        if words.iter().any(|word| IN_NAMES.contains(&word.as_str())) {
            Counts::Failures
        } else if words.iter().any(|word| word == "success" || word == "successes" || word == "succeeded") {
            Counts::Successes
        } else {
            Counts::Unsaid
        }
    })
}

fn of_label(matcher: &Matcher) -> Counts {
    let label = matcher.label.to_ascii_lowercase();
    let negated = matches!(matcher.compare, Compare::IsNot | Compare::MatchesNot);
    let value = matcher.value.trim_start_matches('^').trim_end_matches('$');
    let value = value.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(value);
    let words = || value.split('|').map(|word| word.trim().to_ascii_lowercase());
    let all = |is: &dyn Fn(&str) -> bool| words().all(|word| is(&word));
    let is_code = CODES.contains(&label.as_str());
    let is_outcome = OUTCOMES.contains(&label.as_str());
    let counts = if value.is_empty() {
        // `error=""` is what has no error.
        if matches!(label.as_str(), "error" | "error_type" | "exception") {
            Counts::Successes
        } else {
            return Counts::Unsaid;
        }
    } else if is_code && all(&|word| word.starts_with('5')) {
        Counts::Failures
    } else if is_code && !negated && all(&|word| word.starts_with(['2', '3'])) {
        Counts::Successes
    } else if is_outcome && all(&|word| is_failure(&label, word)) {
        Counts::Failures
    } else if is_outcome && all(&|word| is_success(&label, word)) {
        Counts::Successes
    } else {
        return Counts::Unsaid;
    };
    match (counts, negated) {
        (Counts::Failures, true) => Counts::Successes,
        (Counts::Successes, true) => Counts::Failures,
        (counts, _) => counts,
    }
}

fn is_failure(label: &str, word: &str) -> bool {
    match word {
        "true" => label == "error",
        "false" => label == "success",
        word => FAILURES.contains(&word),
    }
}

fn is_success(label: &str, word: &str) -> bool {
    match word {
        "true" => label == "success",
        "false" => label == "error",
        word => SUCCESSES.contains(&word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_tell_failures_from_successes() {
        use Compare::{Is, IsNot, Matches, MatchesNot};
        use Counts::{Failures, Successes, Unsaid};
        for (metric, label, compare, value, expected) in [
            ("http_requests_total", "code", Matches, "5..", Failures),
            ("http_requests_total", "status", Matches, "^5[0-9]{2}$", Failures),
            ("http_requests_total", "code", Matches, "(500|503)", Failures),
            ("http_requests_total", "code", MatchesNot, "5..", Successes),
            ("http_requests_total", "code", Matches, "2..|3..", Successes),
            ("http_requests_total", "code", Matches, "[45]..", Unsaid),
            ("http_requests_total", "code", Matches, "4..|5..", Unsaid),
            ("http_requests_total", "code", MatchesNot, "2..", Unsaid),
            ("login_total", "outcome", Is, "failure", Failures),
            ("login_total", "outcome", IsNot, "success", Failures),
            ("login_total", "outcome", Is, "success", Successes),
            ("grpc_server_handled_total", "grpc_code", MatchesNot, "OK", Failures),
            ("calls_total", "exception", IsNot, "None", Failures),
            ("calls_total", "error", IsNot, "", Failures),
            ("login_errors_total", "job", Is, "auth", Failures),
            ("login_total", "job", Is, "auth", Unsaid),
        ] {
            let labels = [Matcher { label: label.into(), compare, value: value.into() }];
            assert_eq!(counts(metric, &labels), expected, "{metric} {label} {value}");
        }
    }
}
