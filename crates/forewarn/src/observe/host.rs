//! Where: the processor's name, as a measurement states it.

/// The processor's name where the system tells it, else its architecture.
#[expect(clippy::disallowed_methods, reason = "it is the host that is measured, not configuration")]
pub(super) fn processor() -> String {
    let listed = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    named(&listed).unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// The first name in a list as Linux has it.
fn named(listed: &str) -> Option<String> {
    listed.lines().find_map(|line| {
        let (key, name) = line.split_once(':')?;
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        (key.trim() == "model name" && !name.is_empty()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_a_processor_counts() {
        let listed = "processor\t: 0\nmodel name\t: Some  CPU @ 2.50GHz\nmodel name\t: Other\n";
        assert_eq!(named(listed).as_deref(), Some("Some CPU @ 2.50GHz"));
        assert_eq!(named("CPU part : 0xd0c\n"), None);
    }
}
