//! Formats for machines, read back by what describes them: SARIF by its schema and by what code
//! scanning asks beyond it, workflow commands by their grammar, JUnit by the elements and attributes
//! that servers know. All show the same findings.

use std::collections::{BTreeMap, BTreeSet};

use audit::render::{self, Style};
use audit::{Outcome, Request, audit_texts};
use model::Level;
use serde_json::Value;

/// The schema as OASIS publishes it; see the notice beside it.
const SCHEMA: &str = include_str!("../../../../schema/third-party/sarif-2.1.0.json");

/// Findings of three levels, several in one file, beyond ASCII, with marks that formats must escape.
const FILES: &[(&str, &str)] = &[
    (
        "auth/auth.toml",
        "[directory]\nurl = \"http://directory:8080\" # größe 😀\nrequest_timeout = \"300ms\"\n",
    ),
    ("auth/odd, 100%: [a](1).yaml", "mail:\n  url: http://mail:25\n  timeout: 0\n"),
    (
        "compose.yaml",
        "services:\n  auth: {image: auth, volumes: ['./auth:/etc/auth']}\n  directory: {image: directory, volumes: \
         ['./directory:/etc/directory'], healthcheck: {test: x, interval: 1s, timeout: 9s}}\n",
    ),
    ("directory/directory.toml", "[server]\nrequest_timeout = \"2s\"\n"),
    ("web/web.yaml", "auth: {title: \"😀😀\", url: 'http://auth:80', timeout: 0}\n"),
    ("k8s/edge.yaml", PROBED),
    ("broken/a.yaml", "a: {timeout: 3s\n"),
    (
        "forewarn.toml",
        "[[setting]]\nfiles = [\"**\"]\nkey = \"server.request_timeout\"\ncovers = \"handler\"\n\
         [rules]\nprobe-timeout-above-period = \"note\"\n",
    ),
];

/// A probe of 83 minutes (an error) and one that may outlast its period (a warning, lowered to a note).
const PROBED: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: edge}
spec:
  template:
    spec:
      containers:
      - name: edge
        image: edge
        livenessProbe: {httpGet: {path: /, port: 80}, timeoutSeconds: 5000, periodSeconds: 6000}
        readinessProbe: {httpGet: {path: /, port: 80}, timeoutSeconds: 9, periodSeconds: 1}
";

fn outcome(files: &[(&str, &str)]) -> Outcome {
    audit_texts(files, &Request::default()).expect("an audit")
}

/// A finding as every format tells it: rule, path, line. Few tell the subject too.
type Told = (String, String, u64);

fn of_text(text: &str) -> Vec<Told> {
    let mut told = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some((_, rest)) = line.split_once('[').filter(|(level, _)| is_level(level)) else { continue };
        let rule = rest.split(']').next().expect("a rule").to_owned();
        let place = lines.next().expect("a place").trim().strip_prefix("--> ").expect("a place");
        told.push(with_place(rule, place));
    }
    told
}

fn is_level(word: &str) -> bool {
    ["error", "warning", "note"].contains(&word)
}

/// From `path:line:column`.
fn with_place(rule: String, place: &str) -> Told {
    let (place, _) = place.rsplit_once(':').expect("a column");
    let (path, line) = place.rsplit_once(':').expect("a line");
    (rule, path.to_owned(), line.parse().expect("a number"))
}

fn of_short(text: &str) -> Vec<Told> {
    let line = |line: &str| {
        let levels = [": error[", ": warning[", ": note["];
        let (place, rest) = levels.iter().find_map(|level| line.split_once(level)).expect("a level");
        with_place(rest.split(']').next().expect("a rule").to_owned(), place)
    };
    text.lines().map(line).collect()
}

fn of_json(text: &str) -> Vec<(Told, String)> {
    let report: Value = serde_json::from_str(text).expect("JSON");
    let finding = |finding: &Value| {
        let label = &finding["labels"][0];
        let subject = &finding["subject"];
        let word = |name: &str| subject[name].as_str().expect("a name");
        let whom = match word("kind") {
            "call" => format!("{} -> {}", word("from"), word("to")),
            "service" => word("name").to_owned(),
            _ => word("key").to_owned(),
        };
        let line = label["start"]["line"].as_u64().expect("a line");
        ((string(&finding["rule"]), string(&label["path"]), line), whom)
    };
    report["findings"].as_array().expect("findings").iter().map(finding).collect()
}

fn string(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

fn of_sarif(text: &str) -> Vec<(Told, String)> {
    let log: Value = serde_json::from_str(text).expect("JSON");
    let result = |result: &Value| {
        let location = &result["locations"][0];
        let physical = &location["physicalLocation"];
        let path = decoded(physical["artifactLocation"]["uri"].as_str().expect("a path"));
        let line = physical["region"]["startLine"].as_u64().expect("a line");
        let whom = string(&location["logicalLocations"][0]["fullyQualifiedName"]);
        ((string(&result["ruleId"]), path, line), whom)
    };
    log["runs"][0]["results"].as_array().expect("results").iter().map(result).collect()
}

/// What percent-encoding stands for (RFC 3986, section 2.1).
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let digits = std::str::from_utf8(&tail[..2]).expect("two digits");
            bytes.push(u8::from_str_radix(digits, 16).expect("hexadecimal"));
            rest = &tail[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// A workflow command: name, properties, message.
#[derive(Debug)]
struct Command {
    name: String,
    properties: BTreeMap<String, String>,
    message: String,
}

/// Reads `::name key=value,key=value::message` as documented: a value holds no bare `:`, `,`, `%` or
/// break, a message no bare `%` or break.
fn command(line: &str) -> Result<Command, String> {
    let rest = line.strip_prefix("::").ok_or("no `::`")?;
    let (head, message) = rest.split_once("::").ok_or("no second `::`")?;
    let (name, properties) = head.split_once(' ').ok_or("no properties")?;
    let mut read = BTreeMap::new();
    for property in properties.split(',') {
        let (key, value) = property.split_once('=').ok_or_else(|| format!("no `=` in `{property}`"))?;
        if value.contains([':', ',']) || key.is_empty() || !key.chars().all(|c| c.is_ascii_alphabetic()) {
            return Err(format!("`{property}` is not escaped"));
        }
        if read.insert(key.to_owned(), unescaped(value, &["%25", "%0D", "%0A", "%3A", "%2C"])?).is_some() {
            return Err(format!("`{key}` twice"));
        }
    }
    let message = unescaped(message, &["%25", "%0D", "%0A"])?;
    Ok(Command { name: name.to_owned(), properties: read, message })
}

fn unescaped(text: &str, allowed: &[&str]) -> Result<String, String> {
    for (at, _) in text.match_indices('%') {
        if !allowed.iter().any(|escape| text[at..].starts_with(escape)) {
            return Err(format!("a bare `%` in `{text}`"));
        }
    }
    Ok(decoded(text))
}

fn of_github(text: &str) -> Vec<(Told, String)> {
    text.lines()
        .map(|line| {
            let command = command(line).unwrap_or_else(|why| panic!("{why}: {line}"));
            let property = |name: &str| command.properties[name].clone();
            let title = property("title");
            let (rule, whom) = title.split_once(": ").expect("rule and subject");
            (
                (rule.to_owned(), property("file"), property("line").parse().expect("a number")),
                whom.to_owned(),
            )
        })
        .collect()
}

fn of_junit(text: &str) -> Vec<(Told, String)> {
    let document = roxmltree::Document::parse(text).expect("XML");
    let mut told = Vec::new();
    for case in document.descendants().filter(|node| node.has_tag_name("testcase")) {
        let drawn = case.children().find(|node| ["failure", "system-out"].contains(&node.tag_name().name()));
        let Some(drawn) = drawn.and_then(|node| node.text()) else { continue };
        let [finding] = of_text(drawn).try_into().expect("one finding a case");
        let name = case.attribute("name").expect("a name");
        let number =
            name.rsplit_once(" (").filter(|(_, number)| number.trim_end_matches(')').parse::<u32>().is_ok());
        told.push((finding, number.map_or(name, |(name, _)| name).to_owned()));
    }
    told
}

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list
}

#[test]
fn every_format_tells_the_same_findings() {
    let outcome = outcome(FILES);
    let all = sorted(of_json(&render::json(&outcome)));
    let levels: BTreeSet<Level> = outcome.findings.iter().map(|reported| reported.finding.level).collect();
    assert_eq!(levels.len(), 3, "{all:#?}: the fixture has findings of every level");
    assert_eq!(sorted(of_sarif(&render::sarif(&outcome))), all);
    assert_eq!(sorted(of_github(&render::github(&outcome))), all);
    for fail_on in [Level::Note, Level::Warning, Level::Error] {
        assert_eq!(sorted(of_junit(&render::junit(&outcome, fail_on))), all);
    }
    let told: Vec<Told> = all.into_iter().map(|(told, _)| told).collect();
    assert_eq!(sorted(of_text(&render::text(&outcome, Style::default()))), told);
    assert_eq!(sorted(of_short(&render::short(&outcome))), told);
}

fn logs() -> Vec<Value> {
    let nothing: &[(&str, &str)] = &[("a.yaml", "name: a\n")];
    [FILES, nothing].map(|files| serde_json::from_str(&render::sarif(&outcome(files))).expect("JSON")).into()
}

#[test]
fn sarif_is_valid_under_the_schema_of_its_standard() {
    let mut schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    // Two patterns have a `]` too many, which no expression of today allows; we write no language.
    for definition in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][definition]["properties"]["language"];
        language.as_object_mut().and_then(|language| language.remove("pattern")).expect("a pattern");
    }
    let validator =
        jsonschema::options().should_validate_formats(true).build(&schema).expect("the schema can be used");
    for log in logs() {
        let wrong: Vec<String> =
            validator.iter_errors(&log).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert_eq!(wrong, Vec::<String>::new());
        // The validator does refuse what the schema does not allow.
        let mut bad = log.clone();
        bad["runs"][0]["columnKind"] = "bytes".into();
        assert!(!validator.is_valid(&bad));
    }
}

/// What GitHub's documentation asks of a log ("SARIF support for code scanning", tables of supported
/// properties and of limits).
#[test]
fn sarif_has_what_code_scanning_asks_for() {
    for log in logs() {
        assert!(log["$schema"].as_str().is_some_and(|uri| uri.starts_with("https://")));
        assert_eq!(log["runs"].as_array().map(Vec::len), Some(1));
        let driver = &log["runs"][0]["tool"]["driver"];
        for rule in driver["rules"].as_array().expect("rules") {
            for (pointer, most) in [
                ("/id", 255),
                ("/shortDescription/text", 1024),
                ("/fullDescription/text", 1024),
                ("/help/text", usize::MAX),
                ("/help/markdown", usize::MAX),
            ] {
                let text = rule.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
                assert!(!text.is_empty() && text.chars().count() <= most, "{} {pointer}", rule["id"]);
            }
            assert!(rule["properties"]["tags"].as_array().is_some_and(|tags| tags.len() <= 10));
            let severity = string(&rule["properties"]["problem.severity"]);
            assert!(["error", "warning", "recommendation"].contains(&severity.as_str()));
        }
        let mut fingerprints = BTreeSet::new();
        let results = log["runs"][0]["results"].as_array().expect("results");
        assert!(results.len() <= 5000);
        for result in results {
            let index = result["ruleIndex"].as_u64().expect("a number") as usize;
            assert_eq!(driver["rules"][index]["id"], result["ruleId"]);
            assert!(!string(&result["message"]["text"]).is_empty());
            assert_eq!(result["locations"].as_array().map(Vec::len), Some(1));
            let prints = result["partialFingerprints"].as_object().expect("fingerprints");
            assert!(prints.values().all(|print| fingerprints.insert(string(print))), "{result:#}");
            let related = result["relatedLocations"].as_array();
            for (number, location) in related.into_iter().flatten().enumerate() {
                assert_eq!(location["id"], number + 1);
                let link = format!("]({})", number + 1);
                assert!(string(&result["message"]["text"]).contains(&link), "{result:#}");
            }
            for location in result["locations"].as_array().into_iter().chain(related).flatten() {
                let physical = &location["physicalLocation"];
                assert_eq!(physical["artifactLocation"]["uriBaseId"], "%SRCROOT%");
                let uri = string(&physical["artifactLocation"]["uri"]);
                assert!(!uri.contains(':') && !uri.starts_with('/') && !uri.contains(".."), "{uri}");
                let number = |name: &str| physical["region"][name].as_u64().expect("a number");
                assert!(number("startLine") >= 1 && number("startColumn") >= 1);
                let (start, end) = ("startColumn", "endColumn");
                assert!(number("endLine") == number("startLine") && number(end) >= number(start));
            }
        }
    }
}

#[test]
fn columns_of_sarif_count_as_utf_16() {
    let outcome = outcome(&[("web/web.yaml", "a: {b: \"😀\", auth: {url: 'http://auth:80', timeout: 0}}\n")]);
    let log: Value = serde_json::from_str(&render::sarif(&outcome)).expect("JSON");
    let short = render::short(&outcome);
    let region = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"];
    let column = region["startColumn"].as_u64().expect("a number");
    assert!(short.starts_with(&format!("web/web.yaml:1:{}: ", column - 1)), "{column} {short}");
}

#[test]
fn fingerprints_stay_when_lines_and_values_change() {
    let prints = |text: &str| {
        let log: Value =
            serde_json::from_str(&render::sarif(&outcome(&[("k8s/edge.yaml", text)]))).expect("JSON");
        let results = log["runs"][0]["results"].as_array().expect("results").clone();
        assert!(!results.is_empty());
        results.iter().map(|result| result["partialFingerprints"].to_string()).collect::<Vec<_>>()
    };
    let after = format!("# moved\n\n{}", PROBED.replace("5000", "4000").replace(": 9", ": 8"));
    assert_eq!(prints(PROBED), prints(&after));
    assert_ne!(prints(PROBED), prints(&PROBED.replace("edge", "gate")));
}

/// The elements of `junit-10.xsd` (Jenkins' xUnit plugin) that are written: which stand inside which,
/// with which attributes (`!` required).
const JUNIT: &[(&str, &[&str], &[&str])] = &[
    ("testsuites", &["testsuite"], &["name", "tests", "failures", "errors"]),
    ("testsuite", &["testcase"], &["!name", "!tests", "!failures", "!errors", "skipped"]),
    ("testcase", &["failure", "skipped", "system-out"], &["!name", "classname"]),
    ("failure", &[], &["type", "message"]),
    ("skipped", &[], &["type", "message"]),
    ("system-out", &[], &[]),
];

#[test]
fn junit_has_the_elements_servers_know_and_counts_that_add_up() {
    let outcome = outcome(FILES);
    for fail_on in [Level::Note, Level::Warning, Level::Error] {
        let xml = render::junit(&outcome, fail_on);
        let document = roxmltree::Document::parse(&xml).expect("XML");
        assert!(document.root_element().has_tag_name("testsuites"));
        for node in document.descendants().filter(roxmltree::Node::is_element) {
            let name = node.tag_name().name();
            let (_, children, attributes) =
                JUNIT.iter().find(|(known, ..)| *known == name).unwrap_or_else(|| panic!("<{name}>"));
            for child in node.children().filter(roxmltree::Node::is_element) {
                assert!(children.contains(&child.tag_name().name()), "{name} > {}", child.tag_name().name());
            }
            let known: Vec<&str> = attributes.iter().map(|name| name.trim_start_matches('!')).collect();
            assert!(node.attributes().all(|attribute| known.contains(&attribute.name())), "{name}");
            let required = attributes.iter().filter_map(|name| name.strip_prefix('!'));
            required.for_each(|required| assert!(node.has_attribute(required), "{name} {required}"));
            let inside = |child: &str| node.descendants().filter(|node| node.has_tag_name(child)).count();
            for (attribute, child) in [("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")]
            {
                if let Some(count) = node.attribute(attribute) {
                    assert_eq!(count, inside(child).to_string(), "{name} {attribute}");
                }
            }
        }
        let failures = document.descendants().filter(|node| node.has_tag_name("failure")).count();
        let bad = outcome.findings.iter().filter(|reported| reported.finding.level >= fail_on).count();
        assert_eq!(failures, bad);
        let cases = || document.descendants().filter(|node| node.has_tag_name("testcase"));
        let names: BTreeSet<_> =
            cases().map(|case| (case.attribute("classname"), case.attribute("name"))).collect();
        assert_eq!(names.len(), cases().count(), "servers tell cases apart by name");
    }
}

#[test]
fn the_reader_of_commands_refuses_what_is_not_escaped() {
    assert!(command("::error file=a,line=1,title=b%3A c::d%0Ae: f, g").is_ok());
    for bad in [
        "error file=a::b",
        "::error::b",
        "::error file=a:b::c",
        "::error title=100%::c",
        "::error file=a::50%",
    ] {
        assert!(command(bad).is_err(), "{bad}");
    }
    let outcome = outcome(FILES);
    for line in render::github(&outcome).lines() {
        let command = command(line).expect("of its grammar");
        assert!(["error", "warning", "notice"].contains(&command.name.as_str()));
        assert!(command.message.contains("\nhelp: "), "{command:?}");
    }
}
