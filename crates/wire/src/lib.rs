//! The JSON that Forewarn publishes: types only, versioned, with a JSON Schema made from the same
//! types. Within a version fields are only ever added. Holds no logic.

pub mod check;
pub mod table;
