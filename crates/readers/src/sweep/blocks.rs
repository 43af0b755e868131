//! The blocks of a file: maps with keys of ours in them, how they nest, whose they are, and whose address
//! the settings of each are for. Must not read a key or a value.

use std::borrow::Cow;
use std::collections::HashMap;

use text::{Node, Span, Syntax};

use super::Surroundings;
use crate::grouping::Grouping;
use crate::{Fragment, Group, Owner, Target, keys};

/// The blocks of one file, those around others first.
pub(super) struct Blocks<'t> {
    syntax: Syntax,
    /// The parts of the file that components and layers are written in.
    extents: Vec<(Span, Owner)>,
    list: Vec<Block<'t>>,
}

/// One map, with the keys of ours in it.
struct Block<'t> {
    grouping: Grouping<'t>,
    /// The block around it.
    around: Option<usize>,
    /// How many keys deep it stands.
    depth: usize,
    /// Its own key, and the one above, name a topic (`timeouts`, `retry`): it is part of what stands
    /// around it.
    is_part: (bool, bool),
}

/// The blocks of the map being read, those that a key has needed so far.
pub(super) struct BlocksOfMap<'t> {
    pub(super) map: Node<'t>,
    around: Surroundings,
    /// By dotted prefix; the map's own has none.
    made: HashMap<&'t str, usize>,
}

impl<'t> BlocksOfMap<'t> {
    pub(super) fn new(map: Node<'t>, around: Surroundings) -> Self {
        Self { map, around, made: HashMap::new() }
    }

    /// The block of the map's own keys, if there is one.
    pub(super) fn own(&self) -> Option<usize> {
        self.made.get("").copied()
    }
}

impl<'t> Blocks<'t> {
    /// No block yet, in a file of which a dialect has read this.
    pub(super) fn new(syntax: Syntax, read: &Fragment) -> Self {
        let components = read.components.iter().map(|component| component.extent);
        let layers = read.layers.iter().map(|layer| layer.extent);
        let components = components.enumerate().map(|(index, extent)| (extent, Owner::Component(index)));
        let layers = layers.enumerate().map(|(index, extent)| (extent, Owner::Layer(index)));
        Self { syntax, extents: components.chain(layers).collect(), list: Vec::new() }
    }

    /// The owner whose part of the file holds a place, the innermost of several.
    pub(super) fn owner_of(&self, at: Span) -> Owner {
        self.extents
            .iter()
            .filter(|(extent, _)| extent.contains(at))
            .min_by_key(|(extent, _)| extent.end - extent.start)
            .map_or(Owner::File, |&(_, owner)| owner)
    }

    /// The block for keys of a map that stand behind a dotted prefix, made when the first key needs it.
    /// The prefixes nest as maps would.
    pub(super) fn of(
        &mut self,
        map: &mut BlocksOfMap<'t>,
        prefix: &'t str,
        path: &[Cow<'_, str>],
    ) -> &mut Grouping<'t> {
        let index = self.index(map, prefix, path);
        &mut self.list[index].grouping
    }

    fn index(&mut self, map: &mut BlocksOfMap<'t>, prefix: &'t str, path: &[Cow<'_, str>]) -> usize {
        if let Some(&index) = map.made.get(prefix) {
            return index;
        }
        let Surroundings { suspect, block, depth, nested, .. } = map.around;
        let outer = prefix.rsplit_once('.').map_or("", |(outer, _)| outer);
        let last = &prefix[outer.len()..];
        let around = if prefix.is_empty() { block } else { Some(self.index(map, outer, path)) };
        let (depth, is_part) = match around {
            Some(around) if !prefix.is_empty() => {
                let outer = &self.list[around];
                (outer.depth + 1, (keys::is_suspect(last), outer.is_part.0))
            }
            _ => (depth, suspect),
        };
        let at = map.map.span();
        let parts = path.iter().map(Cow::as_ref).chain(Some(prefix).filter(|prefix| !prefix.is_empty()));
        let label = label(self.syntax, parts);
        let make = if nested || !prefix.is_empty() { Grouping::block } else { Grouping::root };
        let grouping = make(self.owner_of(at), label, at);
        self.list.push(Block { grouping, around, depth, is_part });
        map.made.insert(prefix, self.list.len() - 1);
        self.list.len() - 1
    }

    /// Adds what stands in no other block and has none in it.
    pub(super) fn add(&mut self, grouping: Grouping<'t>) {
        self.list.push(Block { grouping, around: None, depth: 0, is_part: (false, false) });
    }

    /// Lends addresses to the blocks without one and gives the groups of all.
    pub(super) fn groups(mut self, calls: bool) -> Vec<Group> {
        for index in 0..self.list.len() {
            if self.list[index].grouping.has_targets() {
                continue;
            }
            if let Some((targets, certain)) = self.targets_around(index) {
                self.list[index].grouping.borrow_targets(targets, certain);
            }
        }
        self.join_hashes();
        self.list.into_iter().flat_map(|block| block.grouping.groups(calls)).collect()
    }

    /// What a block says of a password hash belongs to what stands around it: `argon2: { memory: ... }`
    /// beside `algorithm: argon2`.
    fn join_hashes(&mut self) {
        for index in (0..self.list.len()).rev() {
            let Some(around) = self.list[index].around else { continue };
            if self.list[index].grouping.is_hash() && self.list[around].grouping.has_hash() {
                let members = self.list[index].grouping.take();
                self.list[around].grouping.extend(members);
            }
        }
    }

    /// The callees of the nearest block around that has any, where it has just one; and whether no
    /// guess is needed, since the block is a topic's part of that one.
    fn targets_around(&self, index: usize) -> Option<(Vec<Target>, bool)> {
        /// Farther than so many keys an address is company, not context.
        const REACH: usize = 2;
        let Block { depth, is_part, .. } = self.list[index];
        let mut next = self.list[index].around;
        while let Some(around) = next {
            let Block { grouping, around, depth: outer, .. } = &self.list[around];
            let distance = depth - outer;
            if distance > REACH {
                return None;
            }
            if grouping.has_targets() {
                let certain = is_part.0 && (distance < 2 || is_part.1);
                let stem = self.list[index].grouping.key_below(grouping);
                return grouping.only_targets(stem).map(|targets| (targets.to_vec(), certain));
            }
            next = *around;
        }
        None
    }
}

/// As its operator would name a block: `[directory]` where the syntax has sections.
fn label<'p>(syntax: Syntax, path: impl Iterator<Item = &'p str>) -> String {
    let path = path.collect::<Vec<_>>().join(".").replace(".[", "[");
    match syntax {
        Syntax::Toml | Syntax::Ini if !path.is_empty() => format!("[{path}]"),
        _ => path,
    }
}
