//! Which settings of one block act together, and whom their calls reach: by the words their keys
//! start with (`DIRECTORY_URL`, `DIRECTORY_TIMEOUT_MS`). Looks at keys, never at values.

use std::collections::{BTreeMap, HashMap, HashSet};

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
    /// The callees by their stems in small letters.
    by_stem: BTreeMap<String, usize>,
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
        Self {
            owner,
            label,
            at,
            block: false,
            callees: Vec::new(),
            by_stem: BTreeMap::new(),
            members: Vec::new(),
        }
    }

    /// The keys of one block.
    pub(crate) fn block(owner: Owner, label: String, at: Span) -> Self {
        Self { block: true, ..Self::flat(owner, label, at) }
    }

    /// Adds a setting; one of the same key that was added before no longer counts.
    pub(crate) fn add(&mut self, member: Member<'a>) {
        self.members.push(member);
    }

    /// Leaves of the settings of one key the last.
    fn drop_replaced(&mut self) {
        let mut seen = HashSet::new();
        let mut counts: Vec<bool> =
            self.members.iter().rev().map(|member| seen.insert(&member.setting.key)).collect();
        self.members.retain(|_| counts.pop().unwrap_or(true));
    }

    /// Adds what stands at the key `name`.
    pub(crate) fn address(&mut self, name: &'a str, located: Located) {
        let stem = stem_of_address(name);
        let known = *self.by_stem.entry(stem.to_ascii_lowercase()).or_insert(self.callees.len());
        if known == self.callees.len() {
            self.callees.push(Callee { stem, targets: Vec::new(), settings: Vec::new(), borrowed: false });
        }
        let callee = &mut self.callees[known];
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
        self.callee_of_stem(stem).map(|callee| (callee, false))
    }

    /// The callee whose stem starts with this one, in whole words; else the one whose stem is the
    /// longest start of this one. Of several the first kind there is no telling which is meant.
    fn callee_of_stem(&self, stem: &str) -> Option<usize> {
        if stem.is_empty() || self.by_stem.is_empty() {
            return None;
        }
        let stem_ = stem.to_ascii_lowercase();
        let mut longer = self
            .by_stem
            .range(stem_.clone()..)
            .take_while(|(callee, _)| callee.starts_with(&stem_))
            .map(|(_, &callee)| callee)
            .filter(|&callee| ends_word(self.callees[callee].stem, stem.len()));
        if let Some(callee) = longer.next() {
            return longer.next().is_none().then_some(callee);
        }
        let starts = (1..stem.len()).rev().filter(|&end| ends_word(stem, end));
        starts.filter_map(|end| self.by_stem.get(stem_.get(..end)?).copied()).next()
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
        self.drop_replaced();
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
        let mut loose_by_stem: HashMap<(String, Option<Side>), usize> = HashMap::new();
        for member in rest {
            let stem = if self.block { "" } else { stem_of_setting(member.name) };
            let known = *loose_by_stem.entry((stem.to_ascii_lowercase(), member.side)).or_insert(loose.len());
            match loose.get_mut(known) {
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
        let kind = if targets.is_empty() { kind_of(&settings, side, self.block) } else { GroupKind::Client };
        Group {
            label,
            kind,
            owner: self.owner,
            process: None,
            at: self.at,
            settings,
            targets,
            idempotent: None,
            passes_deadline: false,
        }
    }
}

/// What settings that reach nobody configure.
fn kind_of(settings: &[Setting], side: Option<Side>, block: bool) -> GroupKind {
    let all = |topic: Topic| settings.iter().all(|setting| setting.knob.topic() == topic);
    match side {
        Some(Side::Server) => GroupKind::Server,
        Some(Side::Client) => GroupKind::Client,
        None if all(Topic::Pool) => GroupKind::Pool,
        None if all(Topic::Probe) => GroupKind::Probe,
        None if all(Topic::Lifecycle) => GroupKind::Lifecycle,
        None if settings.iter().any(|setting| setting.knob == Knob::PoolSize) => GroupKind::Pool,
        // Only callers repeat, and what one block says of repeating is one policy.
        None if block && settings.iter().any(|s| matches!(s.knob, Knob::Attempts | Knob::Retries)) => {
            GroupKind::Client
        }
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

/// Whether a word ends at a byte of a stem.
fn ends_word(stem: &str, at: usize) -> bool {
    let bytes = stem.as_bytes();
    at == bytes.len()
        || !bytes[at].is_ascii_alphanumeric()
        || bytes[at].is_ascii_uppercase() && !bytes[at - 1].is_ascii_uppercase()
}
