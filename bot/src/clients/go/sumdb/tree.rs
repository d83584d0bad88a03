//! The tree of hashes over all records, and proofs of what is in it. Pure.
//!
//! The tree is that of Certificate Transparency (RFC 6962, section 2.1). Proofs are asked for as ranges of records whose hash is
//! needed; where these hashes come from does not matter, because wrong ones do not add up.

use sha2::{Digest as _, Sha256};

/// A node's hash.
pub(super) type Hash = [u8; 32];

/// A hash that the database has stored: that of `2^level` records from number `index * 2^level` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Stored {
    pub(super) level: u32,
    pub(super) index: u64,
}

/// Where a range's hash belongs on the way up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// A range of records, `from` included and `to` not; never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) from: u64,
    pub(super) to: u64,
}

/// What has to be hashed together to get to the root, from the bottom up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path(Vec<(Side, Range)>);

/// The hash of a record.
pub(super) fn of_record(text: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(text).finalize().into()
}

/// The hash of two nodes.
pub(super) fn of_nodes(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The largest power of two below a number of at least 2.
fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

impl Range {
    /// The stored hashes that the range's is made of.
    pub(super) fn stored(self) -> Vec<Stored> {
        let (mut from, mut stored) = (self.from, Vec::new());
        while from < self.to {
            let level = (self.to - from).ilog2();
            stored.push(Stored { level, index: from >> level });
            from += 1 << level;
        }
        stored
    }
}

/// The hash of a range, from its stored hashes in order; nothing for an empty one.
pub(super) fn of_range(stored: &[Hash]) -> Option<Hash> {
    let (last, before) = stored.split_last()?;
    Some(before.iter().rev().fold(*last, |right, left| of_nodes(left, &right)))
}

impl Path {
    /// From a record to the root of a tree of so many; nothing where it is not in the tree.
    pub(super) fn of_record(number: u64, size: u64) -> Option<Self> {
        let mut steps = Vec::new();
        let (mut from, mut to) = (0, size);
        if number >= size {
            return None;
        }
        while to - from > 1 {
            let middle = from + split(to - from);
            if number < middle {
                steps.push((Side::Right, Range { from: middle, to }));
                to = middle;
            } else {
                steps.push((Side::Left, Range { from, to: middle }));
                from = middle;
            }
        }
        steps.reverse();
        Some(Self(steps))
    }

    /// The ranges whose hashes are needed, in order.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range> {
        self.0.iter().map(|(_, range)| *range)
    }

    /// The root that a record's hash and these hashes add up to.
    pub(super) fn root(&self, record: Hash, hashes: &[Hash]) -> Option<Hash> {
        (hashes.len() == self.0.len()).then(|| {
            self.0.iter().zip(hashes).fold(record, |node, ((side, _), hash)| match side {
                Side::Left => of_nodes(hash, &node),
                Side::Right => of_nodes(&node, hash),
            })
        })
    }
}

/// What shows that a tree is the beginning of a larger one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Growth {
    /// What both have in common at the bottom; nothing where that is all of the smaller one.
    base: Option<Range>,
    path: Path,
}

impl Growth {
    /// From a tree of `old` records to one of `new`; nothing where that is no growth.
    pub(super) fn new(old: u64, new: u64) -> Option<Self> {
        if old == 0 || old > new {
            return None;
        }
        let mut steps = Vec::new();
        let (mut from, mut to) = (0, new);
        while old != to {
            let middle = from + split(to - from);
            if old <= middle {
                steps.push((Side::Right, Range { from: middle, to }));
                to = middle;
            } else {
                steps.push((Side::Left, Range { from, to: middle }));
                from = middle;
            }
        }
        steps.reverse();
        Some(Self { base: (from > 0).then_some(Range { from, to }), path: Path(steps) })
    }

    /// The ranges whose hashes are needed, in order.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range> {
        self.base.into_iter().chain(self.path.ranges())
    }

    /// Whether the hashes show that the tree with the root `old` is the beginning of the one with the root `new`.
    pub(super) fn holds(&self, old: Hash, new: Hash, hashes: &[Hash]) -> bool {
        let (base, rest) = match (&self.base, hashes.split_first()) {
            (None, _) => (old, hashes),
            (Some(_), Some((base, rest))) => (*base, rest),
            (Some(_), None) => return false,
        };
        if rest.len() != self.path.0.len() {
            return false;
        }
        let roots = self.path.0.iter().zip(rest).fold((base, base), |(old, new), ((side, _), hash)| match side {
            Side::Left => (of_nodes(hash, &old), of_nodes(hash, &new)),
            Side::Right => (old, of_nodes(&new, hash)),
        });
        roots == (old, new)
    }
}

/// The tile that a stored hash is computed from: 2^8 hashes of one level of tiles, as far as the tree has them.
///
/// <https://go.dev/design/25530-sumdb#checksum-database>
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Tile {
    level: u32,
    index: u64,
    /// How many hashes it has: at most 256.
    pub(super) width: u64,
}

impl Tile {
    /// The tile of a stored hash in a tree of so many records, and which of its hashes that one is over; nothing where the tree
    /// does not have it.
    pub(super) fn of(stored: Stored, size: u64) -> Option<(Self, std::ops::Range<usize>)> {
        let (level, rest) = (stored.level / 8, stored.level % 8);
        let first = stored.index.checked_mul(1 << rest)?;
        let (index, offset) = (first >> 8, usize::try_from(first & 255).ok()?);
        let width = (size.checked_shr(level * 8)?).checked_sub(index << 8)?.min(256);
        let covered = offset..offset + (1 << rest);
        (covered.end as u64 <= width).then_some((Self { level, index, width }, covered))
    }

    /// Where the database has it.
    pub(super) fn address(self) -> String {
        let mut rest = self.index;
        let mut number = format!("{:03}", rest % 1000);
        while rest >= 1000 {
            rest /= 1000;
            number = format!("x{:03}/{number}", rest % 1000);
        }
        let part = if self.width < 256 { format!(".p/{}", self.width) } else { String::new() };
        format!("tile/8/{}/{number}{part}", self.level)
    }
}

/// The hash over neighbours in a tile, a power of two of them.
pub(super) fn of_tile(hashes: &[Hash]) -> Option<Hash> {
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        level = level.chunks_exact(2).map(|pair| of_nodes(&pair[0], &pair[1])).collect();
    }
    level.first().copied()
}

#[cfg(test)]
mod tests {
    use super::{Growth, Hash, Path, Range, Stored, Tile, of_nodes, of_range, of_record, of_tile};

    fn records(count: u64) -> Vec<Hash> {
        (0..count).map(|number| of_record(&number.to_le_bytes())).collect()
    }

    /// The definition, which needs no cleverness.
    fn root(records: &[Hash]) -> Hash {
        if let [one] = records {
            *one
        } else {
            let middle = records.len().next_power_of_two() / 2;
            of_nodes(&root(&records[..middle]), &root(&records[middle..]))
        }
    }

    fn hash(records: &[Hash], range: Range) -> Hash {
        let stored: Vec<Hash> = range
            .stored()
            .iter()
            .map(|Stored { level, index }| {
                let from = usize::try_from(index << level).unwrap();
                of_tile(&records[from..from + (1 << level)]).unwrap()
            })
            .collect();
        of_range(&stored).unwrap()
    }

    #[test]
    fn every_record_of_every_small_tree_is_proved_and_no_other() {
        for size in 1..40_u64 {
            let records = records(size);
            let root = root(&records);
            assert_eq!(hash(&records, Range { from: 0, to: size }), root);
            for number in 0..size {
                let path = Path::of_record(number, size).unwrap();
                let mut hashes: Vec<Hash> = path.ranges().map(|range| hash(&records, range)).collect();
                let index = usize::try_from(number).unwrap();
                assert_eq!(path.root(records[index], &hashes), Some(root));
                assert_ne!(path.root([0; 32], &hashes), Some(root));
                hashes.push(root);
                assert_eq!(path.root(records[index], &hashes), None);
            }
            assert_eq!(Path::of_record(size, size), None);
        }
    }

    #[test]
    fn every_growth_is_proved_and_no_fork() {
        for new in 1..30_u64 {
            let all = records(new);
            for old in 1..=new {
                let growth = Growth::new(old, new).unwrap();
                let hashes: Vec<Hash> = growth.ranges().map(|range| hash(&all, range)).collect();
                let old_root = root(&all[..usize::try_from(old).unwrap()]);
                assert!(growth.holds(old_root, root(&all), &hashes), "{old} {new}");
                assert!(!growth.holds([0; 32], root(&all), &hashes) || old_root == [0; 32]);
                assert!(!growth.holds(old_root, [0; 32], &hashes));
            }
            assert_eq!(Growth::new(new + 1, new), None);
            assert_eq!(Growth::new(0, new), None);
        }
    }

    #[test]
    fn tiles_are_addressed_as_the_database_has_them() {
        let tile = |level, index, size| Tile::of(Stored { level, index }, size).map(|(tile, at)| (tile.address(), at));
        assert_eq!(tile(0, 0, 1), Some(("tile/8/0/000.p/1".to_owned(), 0..1)));
        assert_eq!(tile(3, 1, 300), Some(("tile/8/0/000".to_owned(), 8..16)));
        assert_eq!(tile(0, 299, 300), Some(("tile/8/0/001.p/44".to_owned(), 43..44)));
        assert_eq!(tile(8, 0, 300), Some(("tile/8/1/000.p/1".to_owned(), 0..1)));
        assert_eq!(tile(0, 1_234_067 << 8, u64::MAX >> 16), Some(("tile/8/0/x001/x234/067".to_owned(), 0..1)));
        assert_eq!(tile(0, 300, 300), None);
        assert_eq!(tile(200, u64::MAX, 300), None);
    }
}
