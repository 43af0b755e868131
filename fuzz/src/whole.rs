//! What must hold for a whole audit, whatever stands in a file: nothing fails, every place lies
//! inside its source, every format can be written, no secret and no control character comes out.

use std::num::NonZeroUsize;

use audit::render::{self, Detail, Style, Table};
use audit::{Error, FileStatus, Outcome, Request, audit_texts};
use model::{Origin, Span};
use text::Source;

/// Names under which the arbitrary text is read, one for every dialect and syntax.
const NAMES: &[&str] = &[
    "k8s/auth.yaml",
    "compose.yaml",
    "kustomization.yaml",
    "auth/application.yml",
    "auth/appsettings.json",
    "auth/auth.toml",
    "auth/application.properties",
    "auth/pgbouncer.ini",
    "auth/.env",
    "edge/nginx.conf",
    "overlays/production/values.yaml",
    "forewarn.toml",
];

/// What is planted in the known file and behind the arbitrary text.
const SECRET: &str = "Kq7vSecretMarker";

/// The known file: a service with an address, a limit and a secret beside them.
const BESIDE: &str = "
services:
  directory:
    image: directory
    environment:
      DATABASE_URL: postgres://users:Kq7vSecretMarker@db:5432/users?connect_timeout=0
      DATABASE_TIMEOUT_MS: 0
    healthcheck: {test: curl --token Kq7vSecretMarker http://localhost, interval: 1s, timeout: 5s}
";

/// Audits an arbitrary file: the first byte picks its name, the rest is its text.
pub(crate) fn check(input: &[u8]) {
    let Some((pick, rest)) = input.split_first() else { return };
    let name = NAMES[usize::from(*pick) % NAMES.len()];
    let mut text = String::from_utf8_lossy(rest).into_owned();
    // Who writes the marker where no secret stands sees it again.
    if text.contains("SecretMarker") {
        return;
    }
    text.push_str(match name.rsplit('.').next() {
        Some("json") => "\n\"password\": \"Kq7vSecretMarker\"\n",
        Some("toml") => "\npassword = \"Kq7vSecretMarker\"\n",
        Some("conf") => "\nproxy_set_header X-Api-Key Kq7vSecretMarker;\n",
        Some("yaml" | "yml") => "\npassword: Kq7vSecretMarker\n",
        _ => "\npassword=Kq7vSecretMarker\n",
    });
    let files = [(name, text.as_str()), ("directory/compose.yaml", BESIDE)];
    let request = Request { threads: NonZeroUsize::new(1), ..Request::default() };
    match audit_texts(&files, &request) {
        Ok(outcome) => check_outcome(&outcome),
        Err(error) => {
            if let Error::Mistakes { source, mistakes } = &error {
                mistakes.iter().for_each(|mistake| check_span(source, mistake.span));
            }
            check_shown(&render::error(&error, Style::default()));
        }
    }
}

fn check_outcome(outcome: &Outcome) {
    for file in &outcome.files {
        if let FileStatus::NotEvaluated(why) | FileStatus::Unreadable(why) = &file.status {
            assert!(!why.contains("bug"), "{}: {why}", file.path);
        }
    }
    for missing in &outcome.not_evaluated {
        assert!(!missing.needs.contains("bug"), "{}: {}", missing.rule, missing.needs);
    }
    for finding in outcome.findings.iter().flat_map(audit::Reported::all) {
        assert!(!finding.title.is_empty() && !finding.labels.is_empty(), "{}", finding.rule);
        finding.labels.iter().for_each(|label| check_origin(outcome, &label.origin));
    }
    for setting in &outcome.fleet.settings {
        check_origin(outcome, &setting.value.origin);
    }
    for environment in &outcome.fleet.environments {
        environment.services.iter().for_each(|service| check_origin(outcome, &service.origin));
        environment.calls(&outcome.fleet).for_each(|call| check_origin(outcome, &call.call().origin));
    }
    for &(span, _) in &outcome.problems {
        check_span(outcome.sources.get(span.file), span);
    }
    for ignored in &outcome.ignored {
        check_span(outcome.sources.get(ignored.span.file), ignored.span);
    }
    check_shown(&render::text(outcome, Style::default()));
    check_shown(&render::text(outcome, Style { colour: false, width: 60 }));
    check_shown(&render::short(outcome));
    check_shown(&render::json(outcome));
    check_shown(&render::summary(outcome, Detail::Brief));
    check_shown(&render::summary(outcome, Detail::Full));
    let tables: [fn(&Outcome) -> Table; 4] =
        [render::files, render::services, render::calls, render::settings];
    for table in tables.map(|table| table(outcome)) {
        check_shown(&table.text());
        check_shown(&table.json());
    }
}

fn check_origin(outcome: &Outcome, origin: &Origin) {
    if let Origin::Derived(parts) = origin {
        parts.iter().for_each(|part| check_origin(outcome, part));
    } else if let Some(span) = origin.span() {
        check_span(outcome.sources.get(span.file), span);
    }
}

fn check_span(source: &Source, span: Span) {
    assert!(span.start <= span.end, "{span:?} runs backwards");
    let range = span.start as usize..span.end as usize;
    assert!(source.text().get(range).is_some(), "{span:?} is no range of characters of {}", source.path());
}

fn check_shown(shown: &str) {
    assert!(!shown.contains(SECRET), "a secret is shown:\n{shown}");
    let control = shown.chars().find(|c| c.is_control() && *c != '\n');
    assert!(control.is_none(), "{control:?} is shown:\n{shown}");
}
