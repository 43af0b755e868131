//! Reads values out of the text that `/metrics` gives.

/// The sum of all samples of a name whose labels contain a text (`""`: all of them).
#[must_use]
pub fn sum(text: &str, name: &str, labels: &str) -> f64 {
    text.lines().filter_map(|line| sample(line, name, labels)).fold(0.0, |sum, value| sum + value)
}

fn sample(line: &str, name: &str, labels: &str) -> Option<f64> {
    let rest = line.strip_prefix(name)?;
    let (had, value) = match rest.strip_prefix('{') {
        Some(rest) => rest.split_once("} ")?,
        None => ("", rest.strip_prefix(' ')?),
    };
    if had.contains(labels) { value.split(' ').next()?.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# TYPE auth_login counter\n\
        auth_login_total{result=\"ok\"} 3\n\
        auth_login_total{result=\"locked\"} 4 # {trace=\"x\"} 1\n\
        auth_login_totals 9\nauth_hash_queued 2\n";

    #[test]
    fn samples_are_summed_by_name_and_labels() {
        assert_eq!(sum(TEXT, "auth_login_total", "").to_string(), "7");
        assert_eq!(sum(TEXT, "auth_login_total", "result=\"ok\"").to_string(), "3");
        assert_eq!(sum(TEXT, "auth_hash_queued", "").to_string(), "2");
        assert_eq!(sum(TEXT, "auth_hash", "").to_string(), "0");
    }
}
