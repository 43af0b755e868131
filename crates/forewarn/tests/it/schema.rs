//! What `--format json` prints is what `schema/check-v1.json` promises.
//!
//! The validator knows the keywords our schema uses and refuses any other, so that a schema that
//! grows past it is noticed: a full validator would bring half as many packages as the whole project.

use serde_json::Value;

use crate::runs::SIGN_IN;
use crate::workbench::Workbench;

const SCHEMA: &str = include_str!("../../../../schema/check-v1.json");

#[test]
fn real_output_is_valid_under_the_published_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let bench = Workbench::with(SIGN_IN);
    bench.write("broken.yaml", "a: 1\n\tb: [\n");
    bench.write("logo.svg", "<svg/>\n");
    let ran = bench.run(&["check", "--format", "json"]);
    let report: Value = serde_json::from_str(&ran.stdout).expect("the output is JSON");
    let mut wrong = Vec::new();
    validate(&schema, &schema, &report, "$", &mut wrong);
    assert_eq!(wrong, Vec::<String>::new(), "{}", ran.stdout);
    assert!(report["findings"].as_array().is_some_and(|findings| !findings.is_empty()));
    assert_eq!(report["version"], 1);
}

#[test]
fn the_validator_refuses_what_the_schema_does_not_allow() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let ran = Workbench::with(SIGN_IN).run(&["check", "--format", "json"]);
    let good: Value = serde_json::from_str(&ran.stdout).expect("the output is JSON");
    for (pointer, value) in [
        ("/version", Value::from(2)),
        ("/findings/0/level", Value::from("fatal")),
        ("/findings/0/labels/0/start/line", Value::from(0)),
        ("/findings/0/title", Value::Null),
        ("/findings/0/subject", serde_json::json!({"kind": "call", "from": "a"})),
        ("/summary", serde_json::json!({})),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).expect("there") = value;
        let mut wrong = Vec::new();
        validate(&schema, &schema, &bad, "$", &mut wrong);
        assert!(!wrong.is_empty(), "{pointer}");
    }
}

/// Fails where a document is not valid under a schema.
pub(crate) fn is_valid(schema: &str, document: &Value) {
    let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    let mut wrong = Vec::new();
    validate(&schema, &schema, document, "$", &mut wrong);
    assert_eq!(wrong, Vec::<String>::new(), "{document}");
}

/// Notes every place at which a value breaks a schema.
fn validate(root: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    let Some(keywords) = schema.as_object() else { return };
    for (keyword, rule) in keywords {
        let holds = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" => true,
            "$ref" => {
                let pointer = rule.as_str().expect("a reference").trim_start_matches('#');
                validate(root, root.pointer(pointer).expect("a definition"), value, at, wrong);
                true
            }
            "type" => match rule {
                Value::Array(types) => types.iter().any(|name| is_of_type(value, name)),
                name => is_of_type(value, name),
            },
            "const" => value == rule,
            "enum" => rule.as_array().is_some_and(|allowed| allowed.contains(value)),
            "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().expect("a number")),
            "required" => value.as_object().is_none_or(|object| {
                rule.as_array()
                    .expect("names")
                    .iter()
                    .all(|name| object.contains_key(name.as_str().expect("a name")))
            }),
            "properties" => {
                for (name, inner) in rule.as_object().expect("properties") {
                    if let Some(field) = value.get(name) {
                        validate(root, inner, field, &format!("{at}.{name}"), wrong);
                    }
                }
                true
            }
            "items" => {
                for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                    validate(root, rule, item, &format!("{at}[{number}]"), wrong);
                }
                true
            }
            "oneOf" => {
                let fits = |inner: &&Value| {
                    let mut inside = Vec::new();
                    validate(root, inner, value, at, &mut inside);
                    inside.is_empty()
                };
                rule.as_array().expect("a list").iter().filter(fits).count() == 1
            }
            other => panic!("the schema uses `{other}`: teach this validator"),
        };
        if !holds {
            wrong.push(format!("{at}: {keyword}"));
        }
    }
}

fn is_of_type(value: &Value, name: &Value) -> bool {
    match name.as_str().expect("a type") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the schema uses type `{other}`: teach this validator"),
    }
}
