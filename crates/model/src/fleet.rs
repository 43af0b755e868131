//! What runs and who calls whom, one picture for each environment, and the views with which rules
//! walk it. A call never joins settings of different environments.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use text::Span;

use crate::monitor::Monitor;
use crate::{Covers, HashTime, Knob, Latency, Limit, Origin, Setting, SettingId, Sourced};

/// A service's number in its environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(pub u32);

/// A call's number in its environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u32);

/// A group's number in the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u32);

/// Everything one audit knows.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    /// All settings; environments share those that no overlay changes.
    pub settings: Vec<Setting>,
    /// All groups of settings.
    pub groups: Vec<Group>,
    /// The environments, by name. At least one where anything was read.
    pub environments: Vec<Environment>,
    /// How long password hashes were measured to take.
    pub hash_times: Vec<Sourced<HashTime>>,
}

/// One environment: production, staging, or the only one there is.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Its name; `default` where the files name none.
    pub name: String,
    /// Its services, by name.
    pub services: Vec<Service>,
    /// Its calls.
    pub calls: Vec<Call>,
    /// Every group in effect here, those of services and calls included.
    pub groups: Vec<GroupId>,
    /// What watches it.
    pub monitor: Monitor,
    /// Finds the calls of a service.
    pub ends: CallEnds,
    /// Finds the groups of a service that set a knob.
    pub setters: Setters,
}

/// The calls of an environment by caller and by callee. Made when a service is first asked for its
/// calls, from when on they must not change.
#[derive(Debug, Clone, Default)]
pub struct CallEnds(OnceLock<[Vec<(ServiceId, CallId)>; 2]>);

impl CallEnds {
    /// Which of the two lists: calls by who makes them.
    const FROM: usize = 0;
    /// Calls by whom they reach.
    const TO: usize = 1;

    fn at(&self, calls: &[Call], end: usize, service: ServiceId) -> &[(ServiceId, CallId)] {
        let ends = self.0.get_or_init(|| {
            let sorted = |end: fn(&Call) -> ServiceId| {
                let ids = (0..).map(CallId);
                let mut ends: Vec<_> = calls.iter().zip(ids).map(|(call, id)| (end(call), id)).collect();
                ends.sort_unstable();
                ends
            };
            [sorted(|call| call.from), sorted(|call| call.to)]
        });
        let ends = &ends[end];
        let first = ends.partition_point(|&(other, _)| other < service);
        let count = ends[first..].partition_point(|&(other, _)| other == service);
        &ends[first..first + count]
    }
}

/// The own groups of each service of an environment by the knobs they set, for a proxy has a group for
/// each of its thousands of routes. Made when a service is first asked for one of its own settings, from
/// when on neither services nor their groups may change.
#[derive(Debug, Clone, Default)]
pub struct Setters(OnceLock<Vec<BTreeMap<Knob, Vec<GroupId>>>>);

impl Setters {
    fn at(&self, fleet: &Fleet, services: &[Service], service: ServiceId, knob: Knob) -> &[GroupId] {
        let all = self.0.get_or_init(|| {
            let of = |service: &Service| {
                let mut setters: BTreeMap<Knob, Vec<GroupId>> = BTreeMap::new();
                for &group in &service.groups {
                    for setting in fleet.group(group).settings() {
                        let groups = setters.entry(setting.knob).or_default();
                        if groups.last() != Some(&group) {
                            groups.push(group);
                        }
                    }
                }
                setters
            };
            services.iter().map(of).collect()
        });
        all[service.0 as usize].get(&knob).map_or(&[], Vec::as_slice)
    }
}

/// Something that runs and answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Its name, unique in the environment.
    pub name: String,
    /// Where it is introduced.
    pub origin: Origin,
    /// Its own groups: server limits, probes, life cycle.
    pub groups: Vec<GroupId>,
    /// It only forwards: a reverse proxy, a gateway.
    pub forwards: bool,
    /// It does its work once and ends: a job, which serves no requests.
    pub finishes: bool,
    /// It is named by address alone; nothing of its configuration was read.
    pub external: bool,
}

/// One service calling another over the network.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The caller.
    pub from: ServiceId,
    /// The callee.
    pub to: ServiceId,
    /// Where the callee's address stands.
    pub origin: Origin,
    /// The settings with which the caller makes it.
    pub groups: Vec<GroupId>,
    /// The caller passes an absolute deadline that the callee honours.
    pub passes_deadline: bool,
    /// Whether repeating it does no harm; `None` where the files do not say.
    pub idempotent: Option<bool>,
    /// How often one request of the caller makes it, one after the other.
    pub per_request: u64,
    /// Measured latency.
    pub latency: Option<Sourced<Latency>>,
    /// What had to be guessed to see this call, in words.
    pub assumptions: Vec<String>,
}

/// Settings that act together: one client, one server, one pool, one probe.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// As its operator would name it: `[directory]`, `location /login`, `livenessProbe`.
    pub label: String,
    /// What kind of thing its settings configure.
    pub kind: GroupKind,
    /// Where it stands: the block, or the first key.
    pub at: Span,
    /// Which of the processes that run together as the service they are of: a container's name.
    /// `None` where nothing tells them apart.
    pub process: Option<String>,
    /// Its settings in effect.
    pub settings: Vec<SettingId>,
}

/// What the settings of a group configure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupKind {
    /// The caller's side of calls.
    Client,
    /// The side that accepts and answers.
    Server,
    /// A pool of connections.
    Pool,
    /// One probe.
    Probe,
    /// Start and stop.
    Lifecycle,
    /// Not known.
    Loose,
}

impl Fleet {
    /// A setting by number.
    pub fn setting(&self, id: SettingId) -> &Setting {
        &self.settings[id.0 as usize]
    }

    /// A group by number.
    pub fn group(&self, id: GroupId) -> GroupView<'_> {
        GroupView { fleet: self, id }
    }
}

/// A group with the fleet around it.
#[derive(Clone, Copy)]
pub struct GroupView<'f> {
    fleet: &'f Fleet,
    id: GroupId,
}

impl<'f> GroupView<'f> {
    /// Its number.
    pub fn id(self) -> GroupId {
        self.id
    }

    /// The group itself.
    pub fn group(self) -> &'f Group {
        &self.fleet.groups[self.id.0 as usize]
    }

    /// Its settings.
    pub fn settings(self) -> impl Iterator<Item = &'f Setting> + use<'f> {
        let fleet = self.fleet;
        self.group().settings.iter().map(move |&id| fleet.setting(id))
    }

    /// The setting of a knob.
    pub fn knob(self, knob: Knob) -> Option<&'f Setting> {
        in_effect(self.settings().filter(|setting| setting.knob == knob))
    }

    /// The setting that limits what `covers` says, with its limit.
    pub fn limit(self, covers: Covers) -> Option<(&'f Setting, Limit)> {
        limit_in_effect(self.settings(), covers)
    }
}

/// A service with its environment around it.
#[derive(Clone, Copy)]
pub struct ServiceView<'f> {
    fleet: &'f Fleet,
    environment: &'f Environment,
    id: ServiceId,
}

/// A call with its environment around it.
#[derive(Clone, Copy)]
pub struct CallView<'f> {
    fleet: &'f Fleet,
    environment: &'f Environment,
    id: CallId,
}

impl Environment {
    /// Its services.
    pub fn services<'f>(&'f self, fleet: &'f Fleet) -> impl Iterator<Item = ServiceView<'f>> {
        (0..self.services.len() as u32).map(move |id| ServiceView {
            fleet,
            environment: self,
            id: ServiceId(id),
        })
    }

    /// Its calls.
    pub fn calls<'f>(&'f self, fleet: &'f Fleet) -> impl Iterator<Item = CallView<'f>> {
        (0..self.calls.len() as u32).map(move |id| CallView { fleet, environment: self, id: CallId(id) })
    }

    /// Its groups.
    pub fn groups<'f>(&'f self, fleet: &'f Fleet) -> impl Iterator<Item = GroupView<'f>> {
        self.groups.iter().map(move |&id| fleet.group(id))
    }
}

impl<'f> ServiceView<'f> {
    /// Its number.
    pub fn id(self) -> ServiceId {
        self.id
    }

    /// The service itself.
    pub fn service(self) -> &'f Service {
        &self.environment.services[self.id.0 as usize]
    }

    /// Its name.
    pub fn name(self) -> &'f str {
        &self.service().name
    }

    /// Its own groups.
    pub fn groups(self) -> impl Iterator<Item = GroupView<'f>> + use<'f> {
        let fleet = self.fleet;
        self.service().groups.iter().map(move |&id| fleet.group(id))
    }

    /// The calls it makes.
    pub fn calls(self) -> impl Iterator<Item = CallView<'f>> + use<'f> {
        self.calls_at(CallEnds::FROM)
    }

    /// The calls made to it.
    pub fn callers(self) -> impl Iterator<Item = CallView<'f>> + use<'f> {
        self.calls_at(CallEnds::TO)
    }

    fn calls_at(self, end: usize) -> impl Iterator<Item = CallView<'f>> + use<'f> {
        let Self { fleet, environment, id } = self;
        let ends = environment.ends.at(&environment.calls, end, id);
        ends.iter().map(move |&(_, id)| CallView { fleet, environment, id })
    }

    /// The tightest of its own settings that limit what `covers` says.
    pub fn limit(self, covers: Covers) -> Option<(&'f Setting, Limit)> {
        let setters = self.setters(Knob::Timeout(covers));
        setters.filter_map(|group| group.limit(covers)).min_by_key(|&(_, limit)| limit)
    }

    /// Its own setting of a knob.
    pub fn knob(self, knob: Knob) -> Option<&'f Setting> {
        self.setters(knob).find_map(|group| group.knob(knob))
    }

    fn setters(self, knob: Knob) -> impl Iterator<Item = GroupView<'f>> {
        let Self { fleet, environment, id } = self;
        let groups = environment.setters.at(fleet, &environment.services, id, knob);
        groups.iter().map(move |&id| fleet.group(id))
    }
}

impl<'f> CallView<'f> {
    /// Its number.
    pub fn id(self) -> CallId {
        self.id
    }

    /// The call itself.
    pub fn call(self) -> &'f Call {
        &self.environment.calls[self.id.0 as usize]
    }

    /// The caller.
    pub fn from(self) -> ServiceView<'f> {
        ServiceView { fleet: self.fleet, environment: self.environment, id: self.call().from }
    }

    /// The callee.
    pub fn to(self) -> ServiceView<'f> {
        ServiceView { fleet: self.fleet, environment: self.environment, id: self.call().to }
    }

    /// The groups with which it is made.
    pub fn groups(self) -> impl Iterator<Item = GroupView<'f>> + use<'f> {
        let fleet = self.fleet;
        self.call().groups.iter().map(move |&id| fleet.group(id))
    }

    /// All settings with which it is made.
    pub fn settings(self) -> impl Iterator<Item = &'f Setting> + use<'f> {
        self.groups().flat_map(GroupView::settings)
    }

    /// The setting that limits what `covers` says, with its limit.
    pub fn limit(self, covers: Covers) -> Option<(&'f Setting, Limit)> {
        limit_in_effect(self.settings(), covers)
    }

    /// The setting of a knob.
    pub fn knob(self, knob: Knob) -> Option<&'f Setting> {
        in_effect(self.settings().filter(|setting| setting.knob == knob))
    }
}

/// The first setting that somebody wrote, else the first default: a driver's default holds only
/// where nothing is written, in whichever place that is.
pub fn in_effect<'f>(settings: impl Iterator<Item = &'f Setting>) -> Option<&'f Setting> {
    let mut default = None;
    for setting in settings {
        if !setting.value.origin.is_default() {
            return Some(setting);
        }
        default = default.or(Some(setting));
    }
    default
}

fn limit_in_effect<'f>(
    settings: impl Iterator<Item = &'f Setting>,
    covers: Covers,
) -> Option<(&'f Setting, Limit)> {
    let limits =
        settings.filter(|setting| setting.knob == Knob::Timeout(covers) && setting.limit().is_some());
    in_effect(limits).and_then(|setting| Some((setting, setting.limit()?)))
}
