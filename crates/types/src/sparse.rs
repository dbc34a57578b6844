//! Hash tables that give back room when most of their entries are gone.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash},
};

/// A smaller table is left as it is.
const SMALL: usize = 64;

/// Gives back room when seven eighths of the table are empty, and leaves as much empty as there are entries: to be called
/// after each removal. So many entries come or go between two changes of the size that what those cost is a small part of each.
pub fn shrink_sparse<K: Eq + Hash, V, S: BuildHasher>(table: &mut HashMap<K, V, S>) {
    let len = table.len();
    if table.capacity() > SMALL && len < table.capacity() / 8 {
        table.shrink_to(len * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_emptied_has_little_room_left_and_is_rarely_rebuilt() {
        const ENTRIES: usize = 10_000;
        let mut table: HashMap<usize, ()> = (0..ENTRIES).map(|entry| (entry, ())).collect();
        let mut rebuilt = 0;
        for entry in 0..ENTRIES {
            table.remove(&entry);
            let before = table.capacity();
            shrink_sparse(&mut table);
            rebuilt += usize::from(table.capacity() < before);
        }
        assert!(table.capacity() <= SMALL, "{}", table.capacity());
        assert!((2..=5).contains(&rebuilt), "{rebuilt} times");
    }
}
