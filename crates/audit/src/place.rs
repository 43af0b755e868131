//! Arithmetic of relative paths with `/`, as files write them. Never asks the disk.

/// `path` as written in a file of `directory`: `..` and `.` resolved, an absolute path as it is
/// without its slash.
pub(crate) fn join_paths(directory: &str, path: &str) -> String {
    let start = if path.starts_with('/') { "" } else { directory };
    let mut parts: Vec<&str> = start.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_resolved() {
        assert_eq!(join_paths("deploy/overlays/prod", "../../base"), "deploy/base");
        assert_eq!(join_paths("", "./auth/auth.toml"), "auth/auth.toml");
        assert_eq!(join_paths("a", "../../b"), "b");
        assert_eq!(join_paths("a", "/etc/nginx"), "etc/nginx");
    }
}
