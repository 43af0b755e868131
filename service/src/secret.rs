//! Secrets that are kept in files, apart from the configuration, so that it can be shown.

use std::path::Path;

/// The secret of a file; white space around it is not part of it.
///
/// # Errors
///
/// Says why there is none, with the name of the file.
pub fn of_file(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    match text.trim() {
        "" => Err(format!("{}: is empty", path.display())),
        secret => Ok(secret.to_owned()),
    }
}
