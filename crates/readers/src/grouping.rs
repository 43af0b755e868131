//! Which settings of one block act together, and whom their calls reach: by the words their keys
//! start with (`DIRECTORY_URL`, `DIRECTORY_TIMEOUT_MS`). Looks at keys, never at values.

use model::{GroupKind, Knob, Limit, Setting, Topic, Unit, Value};
use text::Span;

use crate::address::Located;
use crate::keys::{Side, stem_of_address, stem_of_setting};
use crate::{Group, Owner, Target};

/// The settings and addresses of one block, gathered in the order they are written.
pub(crate) struct Grouping<'a> {
    owner: Owner,
    label: String,
    at: Span,
    /// Settings that reach nobody form one group for the block, not one for each common prefix.
    block: bool,
    callees: Vec<Callee<'a>>,
    members: Vec<Member<'a>>,
}

/// A setting with the key it stands at.
pub(crate) struct Member<'a> {
    /// The key, without its path.
    pub(crate) name: &'a str,
    /// Whose side its words name.
    pub(crate) side: Option<Side>,
    /// The setting.
    pub(crate) setting: Setting,
}

/// Addresses whose keys start with the same words.
struct Callee<'a> {
    stem: &'a str,
    targets: Vec<Target>,
    settings: Vec<Setting>,
    /// Another block names it, so without settings here there is nothing to say.
    borrowed: bool,
}

impl<'a> Grouping<'a> {
    /// Flat keys, such as environment variables.
    pub(crate) fn flat(owner: Owner, label: String, at: Span) -> Self {
        Self { owner, label, at, block: false, callees: Vec::new(), members: Vec::new() }
    }

    /// The keys of one block.
    pub(crate) fn block(owner: Owner, label: String, at: Span) -> Self {
        Self { block: true, ..Self::flat(owner, label, at) }
    }

    /// Adds a setting; one of the same key that was added before no longer counts.
    pub(crate) fn add(&mut self, member: Member<'a>) {
        self.members.retain(|earlier| earlier.setting.key != member.setting.key);
        self.members.push(member);
    }

    /// Adds what stands at the key `name`.
    pub(crate) fn address(&mut self, name: &'a str, located: Located) {
        let stem = stem_of_address(name);
        let callee = match self.callees.iter().position(|callee| callee.stem.eq_ignore_ascii_case(stem)) {
            Some(known) => &mut self.callees[known],
            None => {
                self.callees.push(Callee {
                    stem,
                    targets: Vec::new(),
                    settings: Vec::new(),
                    borrowed: false,
                });
                self.callees.last_mut().expect("bug: one was just added")
            }
        };
        callee.targets.extend(located.targets);
        callee.settings.extend(located.settings);
    }

    /// The callees, where the block names exactly one.
    pub(crate) fn only_targets(&self) -> Option<&[Target]> {
        match self.callees.as_slice() {
            [only] => Some(&only.targets),
            _ => None,
        }
    }

    /// Whether the block names any address.
    pub(crate) fn has_targets(&self) -> bool {
        !self.callees.is_empty()
    }

    /// Takes the callees of the block around it. They are a guess unless this block is a part of
    /// that one, such as `retry` in a client's block.
    pub(crate) fn borrow_targets(&mut self, mut targets: Vec<Target>, certain: bool) {
        if !certain {
            for target in &mut targets {
                let host = &target.address.host;
                target
                    .assumptions
                    .push(format!("that the settings in `{}` are used for calls to {host}", self.label));
            }
        }
        self.callees.push(Callee { stem: "", targets, settings: Vec::new(), borrowed: true });
    }

    /// Which callee a setting belongs to, and whether that is a guess.
    fn callee_of(&self, member: &Member<'_>) -> Option<(usize, bool)> {
        if member.side == Some(Side::Server) {
            return None;
        }
        let stem = stem_of_setting(member.name);
        if let [only] = self.callees.as_slice() {
            if only.stem.is_empty() {
                return Some((0, false));
            }
            if stem.is_empty() {
                return Some((0, true));
            }
        }
        let mut best: Option<(usize, usize)> = None;
        let mut tie = false;
        for (index, callee) in self.callees.iter().enumerate() {
            let common = common_prefix(stem, callee.stem);
            if common == 0 || common < stem.len().min(callee.stem.len()) {
                continue;
            }
            match best {
                Some((_, length)) if length > common => {}
                Some((_, length)) if length == common => tie = true,
                _ => (best, tie) = (Some((index, common)), false),
            }
        }
        best.filter(|_| !tie).map(|(index, _)| (index, false))
    }

    /// Numbers without unit take the one on which the other settings of the block agree.
    fn settle_units(&mut self) {
        let mut agreed = None;
        for setting in self.members.iter().map(|member| &member.setting) {
            let Some(written) = setting.written else { continue };
            let unit = match setting.unit {
                Unit::InName => written.name,
                Unit::Product | Unit::Declared => written.bare,
                _ => None,
            };
            match (agreed, unit) {
                (Some(one), Some(other)) if one != other => return,
                (None, Some(_)) => agreed = unit,
                _ => {}
            }
        }
        let Some(unit) = agreed else { return };
        for Member { name, setting, .. } in &mut self.members {
            if let Value::UnitUnknown(number) = setting.value.value {
                setting.value.value = Value::Time(Limit::After(unit.times(number)));
                setting.unit = Unit::Siblings;
                setting
                    .assumptions
                    .push(format!("that `{name}` is in {}, as the keys beside it are", unit.name()));
            }
        }
    }

    /// The groups, those with callees first.
    ///
    /// With `calls` an address is a call even where no setting goes with it.
    pub(crate) fn groups(mut self, calls: bool) -> Vec<Group> {
        self.settle_units();
        let mut rest: Vec<Member<'a>> = Vec::new();
        for mut member in std::mem::take(&mut self.members) {
            match self.callee_of(&member) {
                Some((callee, guessed)) => {
                    if guessed {
                        let to = self.callees[callee].targets.first().map_or("", |t| t.address.host.as_str());
                        let guess = format!("that `{}` is used for calls to {to}", member.name);
                        member.setting.assumptions.push(guess);
                    }
                    self.callees[callee].settings.push(member.setting);
                }
                None => rest.push(member),
            }
        }
        let mut groups: Vec<Group> = Vec::new();
        for callee in std::mem::take(&mut self.callees) {
            if callee.settings.is_empty()
                && (callee.borrowed || !calls || !callee.targets.iter().any(is_internal))
            {
                continue;
            }
            groups.push(self.group(callee.stem, callee.settings, callee.targets, None));
        }
        let mut loose: Vec<(&str, Option<Side>, Vec<Setting>)> = Vec::new();
        for member in rest {
            let stem = if self.block { "" } else { stem_of_setting(member.name) };
            let same = |other: &&mut (&str, Option<Side>, Vec<Setting>)| {
                other.0.eq_ignore_ascii_case(stem) && other.1 == member.side
            };
            match loose.iter_mut().find(same) {
                Some((_, _, settings)) => settings.push(member.setting),
                None => loose.push((stem, member.side, vec![member.setting])),
            }
        }
        for (stem, side, settings) in loose {
            groups.push(self.group(stem, settings, Vec::new(), side));
        }
        groups
    }

    fn group(&self, stem: &str, settings: Vec<Setting>, targets: Vec<Target>, side: Option<Side>) -> Group {
        let label = match (self.label.as_str(), stem) {
            (label, "") => label.to_owned(),
            ("", stem) => stem.to_owned(),
            (label, stem) => format!("{label} {stem}"),
        };
        let kind = if targets.is_empty() { kind_of(&settings, side) } else { GroupKind::Client };
        Group {
            label,
            kind,
            owner: self.owner,
            at: self.at,
            settings,
            targets,
            idempotent: None,
            passes_deadline: false,
        }
    }
}

/// What settings that reach nobody configure.
fn kind_of(settings: &[Setting], side: Option<Side>) -> GroupKind {
    let all = |topic: Topic| settings.iter().all(|setting| setting.knob.topic() == topic);
    match side {
        Some(Side::Server) => GroupKind::Server,
        Some(Side::Client) => GroupKind::Client,
        None if all(Topic::Pool) => GroupKind::Pool,
        None if all(Topic::Probe) => GroupKind::Probe,
        None if all(Topic::Lifecycle) => GroupKind::Lifecycle,
        None if settings.iter().any(|setting| setting.knob == Knob::PoolSize) => GroupKind::Pool,
        None => GroupKind::Loose,
    }
}

/// Whether an address alone, without any setting, is worth a call: a public web address is a link
/// as often as a callee.
fn is_internal(target: &Target) -> bool {
    let host = target.address.host.as_str();
    let web = matches!(target.address.scheme.as_deref(), Some("http" | "https") | None);
    let last = host.rsplit('.').next().unwrap_or(host);
    let private = ["local", "internal", "svc", "lan", "localhost"].contains(&last);
    !web || !host.contains('.') || private || last.bytes().all(|byte| byte.is_ascii_digit())
}

/// How many bytes two stems share, in whole words.
fn common_prefix(a: &str, b: &str) -> usize {
    let common = a.bytes().zip(b.bytes()).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
    let whole = |text: &str| {
        common == text.len()
            || !text.as_bytes()[common].is_ascii_alphanumeric()
            || text.as_bytes()[common].is_ascii_uppercase()
                && !text.as_bytes()[common - 1].is_ascii_uppercase()
    };
    if common > 0 && whole(a) && whole(b) { common } else { 0 }
}
