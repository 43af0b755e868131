//! Which settings of one block act together, and whom their calls reach: by the words their keys
//! start with (`DIRECTORY_URL`, `DIRECTORY_TIMEOUT_MS`). Looks at keys, never at values.

use std::collections::{BTreeMap, HashMap, HashSet};

use model::{Covers, GroupKind, Knob, Limit, Setting, Topic, Unit, Value};
use text::Span;

use crate::address::Located;
use crate::keys::{Side, stem_of_address, stem_of_setting};
use crate::words::pieces;
use crate::{Group, Owner, Target};

/// The settings and addresses of one block, gathered in the order they are written.
pub(crate) struct Grouping<'a> {
    owner: Owner,
    label: String,
    at: Span,
    /// Settings that reach nobody form one group for the block, not one for each common prefix.
    block: bool,
    /// The keys stand at the root of a file: they are the settings of a whole process.
    root: bool,
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
            root: false,
            callees: Vec::new(),
            by_stem: BTreeMap::new(),
            members: Vec::new(),
        }
    }

    /// The keys of one block.
    pub(crate) fn block(owner: Owner, label: String, at: Span) -> Self {
        Self { block: true, ..Self::flat(owner, label, at) }
    }

    /// The keys at the root of a file.
    pub(crate) fn root(owner: Owner, label: String, at: Span) -> Self {
        Self { root: true, ..Self::block(owner, label, at) }
    }

    /// Adds a setting; one of the same key that was added before no longer counts.
    pub(crate) fn add(&mut self, member: Member<'a>) {
        self.members.push(member);
    }

    /// Whether it says something of a password hash.
    pub(crate) fn has_hash(&self) -> bool {
        self.members.iter().any(|member| matches!(member.setting.knob, Knob::Hash(_)))
    }

    /// Whether it says nothing else.
    pub(crate) fn is_hash(&self) -> bool {
        self.has_hash() && self.members.iter().all(|member| matches!(member.setting.knob, Knob::Hash(_)))
    }

    /// Gives its settings away.
    pub(crate) fn take(&mut self) -> Vec<Member<'a>> {
        std::mem::take(&mut self.members)
    }

    /// Takes over the settings of a block inside it.
    pub(crate) fn extend(&mut self, members: Vec<Member<'a>>) {
        self.members.extend(members);
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

    /// The callees for a block inside this one, whose keys start with `stem`, where the block names
    /// exactly one. A flat root lends by the same prefix only.
    pub(crate) fn only_targets(&self, stem: &str) -> Option<&[Target]> {
        let [only] = self.callees.as_slice() else { return None };
        let shares = || self.callee_of_stem(stem).is_some() || self.store_of_stem(stem).is_some();
        (self.is_section() || shares()).then_some(only.targets.as_slice())
    }

    /// The first key of the way from a block around this one down to it.
    pub(crate) fn key_below(&self, outer: &Self) -> &str {
        let own = self.label.trim_matches(['[', ']']);
        let around = outer.label.trim_matches(['[', ']']);
        let below = own.get(around.len()..).unwrap_or(own).trim_start_matches([']', '.']);
        below.split(['.', '[']).next().unwrap_or(below)
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
    ///
    /// Flat keys share a prefix with their callee, or belong to none: beside the one address of a whole
    /// process stand its own limits as well. In a section, one address is what the section is about.
    fn callee_of(&self, member: &Member<'_>) -> Option<(usize, bool)> {
        if member.side == Some(Side::Server) || bounds_no_call(member.setting.knob) {
            return None;
        }
        let stem = stem_of_setting(member.name);
        if let [only] = self.callees.as_slice()
            && self.is_section()
            && !is_variable(member.name)
        {
            if only.stem.is_empty() {
                return Some((0, false));
            }
            if stem.is_empty() {
                return Some((0, true));
            }
        }
        self.callee_of_stem(stem).or_else(|| Some((self.store_of_stem(stem)?, false)))
    }

    /// A nested block, or a root whose only address has no name of its own (`url`): it is about that one.
    fn is_section(&self) -> bool {
        let nameless = || matches!(self.callees.as_slice(), [only] if only.stem.is_empty());
        self.block && (!self.root || nameless())
    }

    /// The callee whose stem starts with this one, in whole words, which is a guess where it goes on;
    /// else the one whose stem is the longest start of this one. Of several the first kind there is no
    /// telling which is meant.
    fn callee_of_stem(&self, stem: &str) -> Option<(usize, bool)> {
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
            let goes_on = self.callees[callee].stem.len() > stem.len();
            // `AUTH_TIMEOUT` is no limit of `AUTH_DATABASE_URL`: the whole application is called so.
            let is_whole = goes_on && Store::of_stem(self.callees[callee].stem).is_some();
            return (longer.next().is_none() && !is_whole).then_some((callee, goes_on));
        }
        let starts = (1..stem.len()).rev().filter(|&end| ends_word(stem, end));
        let found = starts.filter_map(|end| self.by_stem.get(stem_.get(..end)?).copied()).next();
        found.map(|callee| (callee, false))
    }

    /// The only store of the kind that a stem names in other words: `DB_POOL_SIZE` beside
    /// `DATABASE_URL`.
    fn store_of_stem(&self, stem: &str) -> Option<usize> {
        let (before, kind) = Store::of_stem(stem)?;
        let mut stores = self.callees.iter().enumerate().filter(|(_, callee)| {
            let by_stem = Store::of_stem(callee.stem);
            let before_ = by_stem.map_or("", |(before, _)| before);
            let is_kind = match Store::of_targets(&callee.targets) {
                Some(known) => known == kind,
                None => by_stem.is_some_and(|(_, own)| own == kind),
            };
            is_kind && before_.eq_ignore_ascii_case(before)
        });
        let (store, _) = stores.next()?;
        stores.next().is_none().then_some(store)
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
        Group { settings, targets, ..Group::new(label, kind, self.owner, self.at) }
    }
}

/// A store, in any of the words that keys name it by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Store {
    Database,
    Cache,
}

impl Store {
    /// The store that the last word of a stem names, and what stands before that word.
    fn of_stem(stem: &str) -> Option<(&str, Self)> {
        let last = pieces(stem).last()?;
        let store = match stem[last.clone()].to_ascii_lowercase().as_str() {
            "db" | "database" | "postgres" | "postgresql" | "pg" | "mysql" | "mariadb" | "sql" => {
                Self::Database
            }
            "redis" | "valkey" | "cache" => Self::Cache,
            _ => return None,
        };
        Some((stem[..last.start].trim_end_matches(|c: char| !c.is_ascii_alphanumeric()), store))
    }

    /// The store that the scheme of an address names.
    fn of_targets(targets: &[Target]) -> Option<Self> {
        let scheme = targets.first()?.address.scheme.as_deref()?;
        Some(match scheme.split(['+', ':']).next().unwrap_or(scheme) {
            "postgres" | "postgresql" | "mysql" | "mariadb" | "sqlserver" => Self::Database,
            "redis" | "rediss" | "valkey" => Self::Cache,
            _ => return None,
        })
    }
}

/// Whether a limit bounds what a process does for its own callers or when it stops, whatever stands
/// around it.
fn bounds_no_call(knob: Knob) -> bool {
    matches!(knob, Knob::Timeout(Covers::Drain | Covers::Handler) | Knob::Hash(_))
        || knob.topic() == Topic::Lifecycle
}

/// Whether a name is written as environment variables are.
fn is_variable(name: &str) -> bool {
    name.contains('_') && !name.bytes().any(|byte| byte.is_ascii_lowercase())
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
