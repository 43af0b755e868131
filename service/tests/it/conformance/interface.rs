//! The OpenAPI document against the router and against every answer that the scenarios get.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use authd::front::{OPENAPI, operations};
use axum::http::Method;
use serde_json::{Value, json};

use super::stage::{Seen, Stage};
use super::{Answer, accounts, faults, requests, sign_in, tokens};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(OPENAPI).unwrap());

/// The name of a documented operation: its method and path.
pub(super) fn operation(method: &Method, path: &str) -> Option<String> {
    let method = method.as_str().to_ascii_lowercase();
    DOCUMENT["paths"][path].get(&method).map(|_| format!("{method} {path}"))
}

fn described(operation: &str) -> &'static Value {
    let (method, path) = operation.split_once(' ').unwrap();
    &DOCUMENT["paths"][path][method]
}

/// What a `$ref` stands for.
fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(pointer) => DOCUMENT.pointer(pointer.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// Holds an answer against the document.
pub(super) fn documented(operation: &str, answer: &Answer) {
    let response = &described(operation)["responses"][answer.status.to_string()];
    assert!(!response.is_null(), "{operation} answers {} unannounced: {:?}", answer.status, answer.body);
    let response = resolved(response);
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        assert!(header["required"] != true || answer.header(name).is_some(), "{operation} lacks {name}");
    }
    let Some((media, content)) = response["content"].as_object().and_then(|content| content.iter().next())
    else {
        assert!(answer.body.is_empty(), "{operation} has a body: {:?}", answer.body);
        return;
    };
    let told = answer.header("content-type").unwrap_or_default();
    assert_eq!(told.split(';').next(), Some(media.as_str()), "{operation}");
    let told =
        if media.ends_with("json") { answer.json() } else { String::from_utf8_lossy(&answer.body).into() };
    check(&content["schema"], &told);
}

fn check(schema: &Value, told: &Value) {
    let whole = json!({"allOf": [schema], "components": DOCUMENT["components"]});
    let schema = jsonschema::validator_for(&whole).unwrap();
    let errors: Vec<String> = schema.iter_errors(told).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{told}: {errors:?}");
}

#[test]
fn the_document_and_the_router_have_the_same_operations() {
    let routed: BTreeSet<String> = operations()
        .map(|(method, path)| format!("{} {path}", method.as_str().to_ascii_lowercase()))
        .collect();
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let documented: BTreeSet<String> = paths
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| format!("{method} {path}"))
        })
        .collect();
    assert_eq!(routed, documented);
}

#[tokio::test(start_paused = true)]
async fn every_operation_is_routed() {
    let service = Stage::in_memory().service();
    for (method, path) in operations() {
        let request = axum::http::Request::builder().method(method).uri(path);
        let answer = service.send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert!(![404, 405].contains(&answer.status), "{path}");
    }
}

#[test]
fn every_documented_status_is_answered_in_some_scenario() {
    let seen = Seen::default();
    super::run(async {
        accounts::play(&seen).await;
        faults::play(&seen).await;
        requests::play(&seen).await;
        sign_in::play(&seen).await;
        tokens::play(&seen).await;
    });
    let seen = seen.lock().unwrap().clone();
    let mut missing = Vec::new();
    for (path, methods) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            for status in operation["responses"].as_object().unwrap().keys() {
                let answer = (format!("{method} {path}"), status.parse().unwrap());
                if !seen.contains(&answer) {
                    missing.push(answer);
                }
            }
        }
    }
    assert_eq!(missing, []);
}

#[test]
fn examples_of_requests_are_told_apart_by_their_schemas() {
    let valid = |name: &str, value: Value| {
        let whole =
            json!({"$ref": format!("#/components/schemas/{name}"), "components": DOCUMENT["components"]});
        jsonschema::validator_for(&whole).unwrap().is_valid(&value)
    };
    assert!(valid("Credentials", json!({"login": "ana", "password": "p"})));
    assert!(valid("Credentials", json!({"login": "ana", "password": "p", "device_token": null})));
    assert!(!valid("Credentials", json!({"login": "ana"})));
    assert!(!valid("Credentials", json!({"login": "ana", "password": "p", "remember": true})));
    assert!(valid("Introspection", json!({"active": false})));
    assert!(!valid("Introspection", json!({"active": true})));
}
