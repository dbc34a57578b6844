//! Hashing ids.

use std::hash::{BuildHasherDefault, Hasher};

/// For maps whose keys are numbers that we count up. No client can make them collide, so the standard library's hasher,
/// which is made against that, would be paid for nothing. Not for actors' ids: a request may name any. See [`SeededHash`].
pub type IdHash = BuildHasherDefault<IdHasher>;

/// For maps whose keys are actors' ids. Callers may make up ids, but do not know the seed, which is another one in each
/// process, and learn nothing from the order of a map: a hash that is quick and made for that is enough.
pub type SeededHash = foldhash::fast::RandomState;

/// Spreads an id over all bits. See [`IdHash`] for where it may be used.
#[derive(Clone, Debug, Default)]
pub struct IdHasher(u64);

/// 2⁶⁴ divided by the golden ratio: what follows each other comes to lie far apart.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut number = [0; 8];
            number[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(number));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        // Of the whole product: its lower half has nothing of an id's high bits in its low ones.
        let product = u128::from(self.0 ^ number) * u128::from(SPREAD);
        self.0 = product as u64 ^ (product >> 64) as u64;
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, hash::BuildHasher};

    use super::*;

    #[test]
    fn ids_spread_over_the_bits_that_tables_look_at() {
        let numbers = (0..1024_u32).map(|number| IdHash::default().hash_one(number));
        let hashes: Vec<_> = numbers.collect();
        let places: HashSet<_> = hashes.iter().map(|hash| hash % 2048).collect();
        assert!(places.len() > 512, "{} places of 2048", places.len());
        let tags: HashSet<_> = hashes.iter().map(|hash| hash >> 57).collect();
        assert!(tags.len() > 64, "{} tags of 128", tags.len());
    }
}
