//! Reads the bodies of requests: their type, their arrival, their form. Their size is limited by the
//! passage. What is wrong is said without repeating any value, since values here are passwords and
//! tokens.

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use super::refusal::Refusal;
use crate::http::json::misread;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// The JSON object that a request's body holds.
pub(super) async fn json<T: DeserializeOwned>(request: Request) -> Result<T, Refusal> {
    of_type(request.headers(), JSON)?;
    object(&whole(request).await?)
}

/// Reads a JSON object. A list would do for a derived type, its members taken in order; not here.
fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(Refusal::request("the body is a list, and no JSON object"));
    }
    serde_json::from_slice(body).map_err(|error| Refusal::request(misread(&error)))
}

/// The parameters that a request's body holds.
pub(super) async fn form(request: Request) -> Result<Form, Refusal> {
    of_type(request.headers(), FORM)?;
    Form::read(&whole(request).await?)
}

/// Compares media types without their parameters (RFC 9110, section 8.3.1).
fn of_type(headers: &HeaderMap, wanted: &'static str) -> Result<(), Refusal> {
    let told = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = told.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(wanted) { Ok(()) } else { Err(Refusal::media_type(wanted)) }
}

async fn whole(request: Request) -> Result<Bytes, Refusal> {
    Bytes::from_request(request, &()).await.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Refusal::too_large()
        } else {
            Refusal::request("the body broke off")
        }
    })
}

/// The parameters of a form.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Form(Vec<(String, String)>);

/// The names alone: a value can be a password.
impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Form {
    /// Reads `application/x-www-form-urlencoded`. RFC 6749, section 3.2: a parameter without a value is
    /// one that was left out, and none stands twice.
    fn read(body: &[u8]) -> Result<Self, Refusal> {
        let mut all: Vec<(String, String)> = Vec::new();
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let split = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let value = pair.get(split + 1..).unwrap_or_default();
            let (name, value) = (decoded(&pair[..split])?, decoded(value)?);
            if all.iter().any(|(other, _)| *other == name) {
                return Err(Refusal::request("a parameter stands twice"));
            }
            all.push((name, value));
        }
        all.retain(|(_, value)| !value.is_empty());
        Ok(Self(all))
    }

    /// The value of a parameter, if it has one.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that must be there.
    pub(super) fn need(&self, name: &'static str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::request(format!("the parameter `{name}` is missing")))
    }
}

/// Takes percent-encoding back. What is not UTF-8 is refused, not guessed at: two passwords must not
/// become one.
fn decoded(text: &[u8]) -> Result<String, Refusal> {
    let wrong = || Refusal::request("a parameter is not percent-encoded UTF-8");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(*rest.next()?).to_digit(16);
                let (high, low) = (digit().ok_or_else(wrong)?, digit().ok_or_else(wrong)?);
                u8::try_from(high << 4 | low).map_err(|_| wrong())?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        #[expect(dead_code, reason = "read by nobody, checked by serde")]
        password: String,
    }

    fn said(body: &str) -> String {
        object::<Asked>(body.as_bytes()).unwrap_err().problem.description.into_owned()
    }

    #[test]
    fn what_is_wrong_with_json_is_said_without_any_value() {
        assert_snapshot!(said(r#"{"password":"hunter2""#), @"the JSON ends too early, at line 1 column 21");
        assert_snapshot!(said(r#"{"password":hunter2}"#), @"the body is no JSON, at line 1 column 13");
        assert_snapshot!(said(r#"{"password":["hunter2"]}"#), @"a member is not of the documented type, at line 1 column 12");
        assert_snapshot!(said(r#"{"password":"hunter2","pasword":1}"#), @"unknown field `pasword`, expected `password` at line 1 column 31");
        assert_snapshot!(said(r#"{"password":"hunter2","password":"2"}"#), @"duplicate field `password` at line 1 column 32");
        assert_snapshot!(said("{}"), @"missing field `password` at line 1 column 2");
        assert_snapshot!(said(r#""hunter2""#), @"a member is not of the documented type, at line 1 column 9");
        assert_snapshot!(said(r#" ["hunter2"]"#), @"the body is a list, and no JSON object");
        assert_snapshot!(said(""), @"the JSON ends too early, at line 1 column 0");
    }

    #[test]
    fn a_form_is_decoded_and_empty_parameters_are_left_out() {
        let form = Form::read(b"grant_type=password&password=a+b%2B%C3%A9&scope=&&x").unwrap();
        assert_eq!(form.get("grant_type"), Some("password"));
        assert_eq!(form.get("password"), Some("a b+é"));
        assert_eq!((form.get("scope"), form.get("x")), (None, None));
    }

    #[test]
    fn a_form_with_repeated_or_broken_parameters_is_refused() {
        for body in ["a=1&a=2", "a=%", "a=%2", "a=%zz", "a=%ff", "%ff=a", "a=&a="] {
            assert!(Form::read(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn the_type_of_a_body_is_compared_without_its_parameters() {
        let told = |text: &'static str| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, text.parse().unwrap())]);
            of_type(&headers, JSON).is_ok()
        };
        assert!(told("application/json"));
        assert!(told("Application/JSON ; charset=utf-8"));
        assert!(!told("application/jsonp"));
        assert!(!told("text/plain"));
        assert!(of_type(&HeaderMap::new(), JSON).is_err());
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_read_back(value in "\\PC{1,20}") {
            let encoded: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let form = Form::read(format!("a={encoded}").as_bytes()).unwrap();
            prop_assert_eq!(form.get("a"), Some(value.as_str()));
        }

        #[test]
        fn no_bytes_make_reading_a_form_panic(body in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Form::read(&body);
        }
    }
}
