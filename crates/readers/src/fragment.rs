//! What one file contributes: components, groups of settings, addresses of other components, and
//! what was left out. `audit::join` makes a fleet of fragments; nothing here looks at two files.

use model::monitor::Monitor;
use model::{GroupKind, Knob, Setting, Sourced, TimeUnit};
use text::{FileId, Problem, Source, Span};

/// What one file (with the files it includes) says.
#[derive(Debug, Clone, Default)]
pub struct Fragment {
    /// The dialect it was read as, e.g. "kubernetes"; empty where only known keys were looked for.
    pub dialect: &'static str,
    /// What runs or is addressed here.
    pub components: Vec<Component>,
    /// Parts of the configuration of services that lie over or under parts written elsewhere.
    pub layers: Vec<Layer>,
    /// Settings that act together.
    pub groups: Vec<Group>,
    /// Files and ConfigMaps that components take their configuration from.
    pub mounts: Vec<Mount>,
    /// The file is a kustomization.
    pub kustomization: Option<Kustomization>,
    /// Files that were read as part of this one (NGINX `include`); they do not stand alone.
    pub included: Vec<FileId>,
    /// Files whose variables were put into the values here.
    pub interpolated: Vec<FileId>,
    /// The file only forwards requests: its own service, if it becomes one, is a proxy.
    pub forwards: bool,
    /// Parts of the file whose every key the dialect knows: there is nothing left to guess in them.
    pub read_whole: Vec<Span>,
    /// Keys of our topics that are no setting, and why.
    pub ignored: Vec<Ignored>,
    /// What disturbed the parser.
    pub problems: Vec<Problem>,
    /// The file describes a deployment on a platform of its own, beside which another one may describe the
    /// same services; `None` for the cluster.
    pub platform: Option<Platform>,
    /// Namespaces of which the file says whether what runs in them has a proxy beside it.
    pub sidecars: Vec<(String, bool)>,
    /// What watches the services.
    pub monitor: Monitor,
}

/// A platform that runs the services of whole files. Of several that run together, the paths of all start
/// where the first lies (docs.docker.com, "Merge Compose files").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// Its name.
    pub name: &'static str,
    /// What the file is to the others of its directory.
    pub role: Role,
}

/// What a file is to the others of its directory that describe the same deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// It says what runs.
    Ordinary,
    /// It is put on the ordinary one.
    Extension,
    /// It is called as the ordinary one with this word behind: an extension where the word names an
    /// environment, else an alternative.
    Called(String),
    /// It stands beside the ordinary one.
    Variant,
}

/// Something that runs, or a name or a store that stands for something that runs.
#[derive(Debug, Clone)]
pub struct Component {
    /// Its name, where it is written.
    pub name: Sourced<String>,
    /// What it is within its deployment: `Deployment/NAMESPACE/NAME`, `compose/NAME`. Two files that give
    /// the same identity speak of the same thing, and the later in precedence overrides.
    pub identity: String,
    /// What kind of thing.
    pub kind: ComponentKind,
    /// Further host names under which it is addressed, without port.
    pub aliases: Vec<String>,
    /// Ports it listens on, where they are written.
    pub ports: Vec<u16>,
    /// Labels of its instances, for [`ComponentKind::Name`] to select by.
    pub labels: Vec<(String, String)>,
    /// It only forwards requests.
    pub forwards: bool,
    /// It does its work once and ends: it serves no requests.
    pub finishes: bool,
    /// The part of its deployment that it lies in, where names are its own.
    pub namespace: Option<String>,
    /// Whether its calls pass a proxy beside it; `None` where the file does not say.
    pub sidecar: Option<bool>,
    /// It says part of what a component of the same identity says elsewhere (a patch), and stands for
    /// nothing alone.
    pub partial: bool,
    /// The part of the file it is written in: its document or block. Settings in there that no
    /// dialect claims are its own.
    pub extent: Span,
}

/// Kinds of component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComponentKind {
    /// It runs.
    Workload,
    /// A name that leads to the workloads with these labels (a Kubernetes Service).
    Name {
        /// Labels that a workload must all have.
        selector: Vec<(String, String)>,
    },
    /// Stored configuration (a ConfigMap); its groups belong to whoever mounts it.
    Config,
    /// It stands at the edge and forwards what is addressed to its aliases. Its own name is no host, and
    /// several files may each add routes to it.
    Gateway {
        /// It is a proxy of a mesh: settings that a [`ComponentKind::Route`] gives to a host hold for its
        /// calls too.
        of_mesh: bool,
    },
    /// It stands in the way of calls to these hosts: a route of a mesh, which the proxy beside the
    /// caller carries out.
    Route {
        /// All names of each host.
        hosts: Vec<String>,
        /// It says where the calls go. Else only with which settings, and a route that says where wins.
        decides: bool,
    },
}

/// Part of the configuration of a service: a file, or a document of one. What runs merges all layers
/// of its service key by key, however a key is spelled (letters of either case, with or without `-` and
/// `_`); the more specific wins.
#[derive(Debug, Clone)]
pub struct Layer {
    /// The name by which the service calls itself, where this layer says it.
    pub name: Option<Sourced<String>>,
    /// What the name of the file says about whose configuration it is.
    pub of: LayerOf,
    /// It holds only where one of these profiles is active; always where there are none.
    pub profiles: Vec<String>,
    /// Its rank among the layers of one service that hold under the same condition and lie in the same
    /// place; the higher wins.
    pub rank: u8,
    /// The part of the file it is written in.
    pub extent: Span,
}

/// Whose configuration a layer is, as its file is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayerOf {
    /// Of the service that lives in its directory; of every service that has a file of its own in this
    /// directory, where there are such files.
    Directory,
    /// Of the service of this name, after which the file is called. It may end with a `-` and a profile.
    Named(String),
    /// Of nothing that runs: it is read in tests.
    Tests,
}

/// Whose settings a group holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// The service that this file configures; which one that is, `join` finds out.
    File,
    /// A component of the same fragment, by index.
    Component(usize),
    /// The service that a layer of the same fragment configures; the layer, by index.
    Layer(usize),
}

/// A way on which a service makes calls: a client library with settings for all calls on it, or for
/// those to one name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    /// Its name, equal where settings and calls go together.
    pub name: &'static str,
    /// The name that is called, in the words of this way; `None` for all.
    pub to: Option<String>,
}

/// Settings that act together, and where their calls go.
#[derive(Debug, Clone)]
pub struct Group {
    /// As its operator would name it.
    pub label: String,
    /// What kind of thing its settings configure.
    pub kind: GroupKind,
    /// Whose they are.
    pub owner: Owner,
    /// Which of the owner's processes they are of, where it can have several: a container's name.
    pub process: Option<String>,
    /// Where the block stands.
    pub at: Span,
    /// The settings. Keys are unique in the owner: the same key of the same owner in a file of
    /// higher precedence overrides.
    pub settings: Vec<Setting>,
    /// Whom calls made with these settings reach. Empty: no call is known.
    pub targets: Vec<Target>,
    /// The settings are those of all calls of the owner on this way.
    pub governs: Option<Way>,
    /// Whether what is called may be repeated; `None` where the file does not say.
    pub idempotent: Option<bool>,
    /// The caller passes an absolute deadline that the callee honours.
    pub passes_deadline: bool,
}

impl Group {
    /// One without settings, that makes no call.
    pub fn new(label: String, kind: GroupKind, owner: Owner, at: Span) -> Self {
        Self {
            label,
            kind,
            owner,
            process: None,
            at,
            settings: Vec::new(),
            targets: Vec::new(),
            governs: None,
            idempotent: None,
            passes_deadline: false,
        }
    }
}

/// An address written somewhere.
#[derive(Debug, Clone)]
pub struct Target {
    /// The address.
    pub address: Address,
    /// The names to look its host up by, the most telling first; empty where it is as written.
    pub names: Vec<String>,
    /// The key it stands at.
    pub key: String,
    /// Where the host is written.
    pub span: Span,
    /// What had to be guessed to take it for a call, in words.
    pub assumptions: Vec<String>,
    /// The ways on which it is called: the settings that govern them hold for the call, those for its
    /// name before those for all.
    pub ways: Vec<Way>,
}

/// Host and port, as written. User names, passwords and query strings are never kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// `http`, `postgresql`, `redis`, ...; `None` for a bare `host:port`.
    pub scheme: Option<String>,
    /// Host name or IP address, lower case.
    pub host: String,
    /// Port, where it is written.
    pub port: Option<u16>,
}

impl Address {
    /// Schemes of data stores and brokers.
    const STORES: [&str; 18] = [
        "amqp",
        "amqps",
        "cassandra",
        "kafka",
        "ldap",
        "ldaps",
        "mariadb",
        "memcached",
        "mongodb",
        "mongodb+srv",
        "mysql",
        "nats",
        "oracle",
        "postgres",
        "postgresql",
        "redis",
        "rediss",
        "sqlserver",
    ];

    /// Whether it is that of a data store or a broker, which is called by whoever names it.
    pub fn is_store(&self) -> bool {
        self.scheme.as_deref().is_some_and(|scheme| Self::STORES.contains(&scheme))
    }
}

/// A source of configuration of a component.
#[derive(Debug, Clone)]
pub struct Mount {
    /// The component, by index.
    pub component: usize,
    /// What is mounted.
    pub what: MountKind,
    /// Where that is written.
    pub span: Span,
}

/// What a component takes its configuration from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MountKind {
    /// A file or directory, relative to the directory of this file.
    Path(String),
    /// A file of environment variables, relative to the directory of this file.
    EnvFile(String),
    /// The directory it is built from, relative to the directory of this file.
    Build(String),
    /// A ConfigMap of the same deployment, by name.
    ConfigMap(String),
    /// A Secret of the same deployment, by name.
    Secret(String),
}

/// What a kustomization says about other files. Paths are relative to its directory.
#[derive(Debug, Clone, Default)]
pub struct Kustomization {
    /// Files and directories it is built from (`resources`, `bases`, `components`).
    pub resources: Vec<String>,
    /// Files with patches: partial manifests that override. Defaults in them do not count.
    pub patches: Vec<String>,
    /// ConfigMaps generated from files: name and file.
    pub generated: Vec<(String, String)>,
    /// Prefix and suffix of all names.
    pub name_prefix: String,
    /// See `name_prefix`.
    pub name_suffix: String,
    /// Namespace given to all objects.
    pub namespace: Option<String>,
}

/// A key of our topics that is no setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// The key with its path.
    pub key: String,
    /// Where key or value stand.
    pub span: Span,
    /// Why not.
    pub reason: Reason,
}

/// Why a key of our topics is no setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Its value is an expression of a template engine.
    Template,
    /// Its value refers to something that is not known here (a variable without default).
    Reference,
    /// Its value is neither a number, a length of time, nor a known word.
    NotAnAmount,
    /// The key only looks like one of ours: a port, a version, a path, a description.
    NotOurs,
    /// Its value is null or empty, so the product's default applies and is not known.
    Empty,
    /// It describes settings (a schema, an example) and sets nothing.
    Description,
    /// The same key is set again further down, and that counts.
    Replaced,
}

/// A key whose meaning `forewarn.toml` declares for the file at hand.
#[derive(Debug, Clone)]
pub struct Declared {
    /// The key with its path, as [`Setting::key`] names it; `*` stands for one path segment.
    pub key: String,
    /// What it controls.
    pub knob: Knob,
    /// The unit of a bare number.
    pub unit: Option<TimeUnit>,
    /// 0 means no limit.
    pub zero_is_never: bool,
    /// Where it is declared.
    pub span: Span,
}

/// Whether a key with its path is meant by a declared one: segments are compared between dots, `*`
/// stands for any one.
pub fn key_matches(declared: &str, key: &str) -> bool {
    let (mut wanted, mut found) = (declared.split('.'), key.split('.'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted == "*" || wanted == found => {}
            _ => return false,
        }
    }
}

/// Other sources of the audit, for readers whose files include others.
pub trait Neighbours: Sync {
    /// The sources that a path or glob, written in `from`, names; by path. Absolute paths of the
    /// machine the file is meant for are matched by their last parts.
    fn find(&self, from: FileId, pattern: &str) -> Vec<&Source>;
}

/// No neighbours: for tests of one file.
impl Neighbours for () {
    fn find(&self, _: FileId, _: &str) -> Vec<&Source> {
        Vec::new()
    }
}
