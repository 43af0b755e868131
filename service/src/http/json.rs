//! Says what is wrong with JSON without repeating any value: bodies hold passwords, tokens and hashes.

/// Where and why a text is not the JSON that is expected. Names of members are repeated, values never.
pub(crate) fn misread(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let place = format!("line {} column {}", error.line(), error.column());
    let told = error.to_string();
    let names = ["unknown field ", "missing field ", "duplicate field "];
    match error.classify() {
        Category::Data if names.iter().any(|name| told.starts_with(name)) => told,
        Category::Data => format!("a member is not of the documented type, at {place}"),
        Category::Eof => format!("the JSON ends too early, at {place}"),
        Category::Syntax | Category::Io => format!("the body is no JSON, at {place}"),
    }
}
