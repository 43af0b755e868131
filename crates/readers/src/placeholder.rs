//! What placeholders with defaults, `${X:default}` and `${X:-default}`, have in common wherever they are
//! read. Knows no variable and no operator.

/// Defaults inside defaults are followed to this depth; real files have one or two levels.
pub(crate) const LEVELS: usize = 8;

/// Where the brace closes that opens at the second byte.
pub(crate) fn closing(text: &str) -> Option<usize> {
    let mut open = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if text[..at].ends_with('$') => open += 1,
            b'}' => {
                open -= 1;
                if open == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}
