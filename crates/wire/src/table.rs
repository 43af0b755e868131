//! What `forewarn show --format json` prints: a list of objects, one a row, with the columns as keys.

use serde_json::{Map, Value};

/// Rows as JSON with a final line break. Every row has a cell for every column; an empty cell is
/// `null`.
pub fn json(columns: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let cell =
                |cell: &String| if cell.is_empty() { Value::Null } else { Value::String(cell.clone()) };
            Value::Object(
                columns
                    .iter()
                    .zip(row)
                    .map(|(name, text)| ((*name).to_owned(), cell(text)))
                    .collect::<Map<_, _>>(),
            )
        })
        .collect();
    crate::printed(serde_json::to_string_pretty(&rows).unwrap_or_default())
}
