//! What a client repeats, read from the words with which products say it. The words mean the same
//! wherever they are used: methods of HTTP, status names of gRPC, conditions of proxies.

/// On what failures, and of which requests, a client tries again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryOn {
    /// Which requests are repeated.
    pub methods: Methods,
    /// Only failures before anything was sent: the callee has not seen the request.
    pub only_unsent: bool,
    /// The callee's report that the deadline of the call has passed.
    pub deadline: bool,
}

/// Requests by whether doing them twice has the effect of once; the harmless come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Methods {
    /// No method is named.
    Unnamed,
    /// Methods are named, all of them idempotent.
    Idempotent,
    /// A method is named that is not idempotent, or requests that are not are named in words.
    Others,
}

impl RetryOn {
    /// What a list of words says; `None` where there is no word.
    pub fn of(text: &str) -> Option<Self> {
        let mut words = text
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
            .filter(|word| !word.is_empty())
            .peekable();
        words.peek()?;
        let mut on = Self { methods: Methods::Unnamed, only_unsent: true, deadline: false };
        for word in words {
            // Methods are case-sensitive and in capitals (RFC 9110, section 9.1). The safe ones, PUT and
            // DELETE are idempotent (section 9.2.2); LOCK is not (RFC 4918, section 9.10).
            let named = match word {
                "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PUT" | "DELETE" => Methods::Idempotent,
                "POST" | "PATCH" | "LOCK" | "non_idempotent" | "non-idempotent" => Methods::Others,
                _ => Methods::Unnamed,
            };
            on.methods = on.methods.max(named);
            on.only_unsent &= matches!(
                word,
                "connect-failure"
                    | "conn-failure"
                    | "connection-failure"
                    | "refused-stream"
                    | "reset-before-request"
            );
            // A status of gRPC (its core status codes), and the name proxies give the same.
            on.deadline |= word.replace('-', "_").eq_ignore_ascii_case("deadline_exceeded");
        }
        Some(on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_what_is_repeated() {
        let of = |text| RetryOn::of(text).map(|on| (on.methods, on.only_unsent, on.deadline));
        assert_eq!(of(" , "), None);
        assert_eq!(of("GET,HEAD"), Some((Methods::Idempotent, false, false)));
        assert_eq!(of("GET POST"), Some((Methods::Others, false, false)));
        assert_eq!(of("POST GET"), Some((Methods::Others, false, false)));
        assert_eq!(of("error timeout non_idempotent"), Some((Methods::Others, false, false)));
        assert_eq!(of("connect-failure,refused-stream"), Some((Methods::Unnamed, true, false)));
        assert_eq!(of("UNAVAILABLE DEADLINE_EXCEEDED"), Some((Methods::Unnamed, false, true)));
        assert_eq!(of("5xx,deadline-exceeded"), Some((Methods::Unnamed, false, true)));
        assert_eq!(of("get"), Some((Methods::Unnamed, false, false)));
    }
}
