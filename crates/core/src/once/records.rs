//! Records in the order in which they are forgotten.

use std::collections::VecDeque;

use super::Record;

/// Fewer holes than this are not worth closing up.
const FEW_HOLES: usize = 32;

/// Records by place. New ones come at the end and old ones go from the front, or nearly so: what goes from the middle leaves
/// a hole until it is at the front, or until there are many.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    /// In the order of places. The first is never a hole.
    places: VecDeque<(u64, Option<Record>)>,
    holes: usize,
}

impl Records {
    pub(super) fn len(&self) -> usize {
        self.places.len() - self.holes
    }

    /// The record with the lowest place.
    pub(super) fn first(&self) -> Option<(u64, &Record)> {
        self.iter().next()
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Record)> {
        let places = self.places.iter();
        places.filter_map(|(place, record)| Some((*place, record.as_ref()?)))
    }

    pub(super) fn get(&self, place: u64) -> Option<&Record> {
        let index = self.search(place).ok()?;
        self.places[index].1.as_ref()
    }

    /// Adds a record at a place where there is none.
    pub(super) fn insert(&mut self, place: u64, record: Record) {
        match self.search(place) {
            Ok(index) => {
                let hole = self.places[index].1.replace(record);
                debug_assert!(hole.is_none(), "there is a record at {place}");
                self.holes -= 1;
            }
            Err(index) => self.places.insert(index, (place, Some(record))),
        }
    }

    pub(super) fn remove(&mut self, place: u64) -> Option<Record> {
        let index = self.search(place).ok()?;
        let record = self.places[index].1.take()?;
        self.holes += 1;
        while let Some((_, None)) = self.places.front() {
            self.places.pop_front();
            self.holes -= 1;
        }
        if self.holes > FEW_HOLES && self.holes * 2 > self.places.len() {
            self.places.retain(|(_, record)| record.is_some());
            self.holes = 0;
        }
        Some(record)
    }

    /// Gives most of the room back that nothing is in, if that is much.
    pub(super) fn trim(&mut self) {
        if self.places.capacity() > FEW_HOLES && self.places.capacity() / 4 > self.len() {
            self.places.retain(|(_, record)| record.is_some());
            self.holes = 0;
            self.places.shrink_to(2 * self.places.len());
        }
    }

    /// Where a place is, or would be.
    fn search(&self, place: u64) -> Result<usize, usize> {
        match self.places.back() {
            Some((last, _)) if *last >= place => self
                .places
                .binary_search_by_key(&place, |(place, _)| *place),
            _ => Err(self.places.len()),
        }
    }
}

/// Holes make no difference.
impl PartialEq for Records {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Records {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use greenroom_types::once::OnceId;
    use proptest::prelude::*;

    use super::{super::Answer, *};

    fn record(time_ms: i64) -> Record {
        Record {
            id: OnceId::Key("a".into()),
            time_ms,
            digest: 0,
            answer: Answer::Begun,
        }
    }

    proptest! {
        /// The same as a map, whatever comes and goes.
        #[test]
        fn records_are_a_map_by_place(changes in prop::collection::vec((0..200_u64, any::<bool>()), 0..600)) {
            let (mut records, mut map) = (Records::default(), BTreeMap::new());
            for (time_ms, (place, keep)) in (0..).zip(changes) {
                let known = map.remove(&place);
                prop_assert_eq!(records.get(place), known.as_ref());
                prop_assert_eq!(records.remove(place), known);
                if keep {
                    records.insert(place, record(time_ms));
                    map.insert(place, record(time_ms));
                }
                if place == 0 {
                    records.trim();
                }
                prop_assert_eq!(records.len(), map.len());
                let all: Vec<_> = map.iter().map(|(&place, record)| (place, record)).collect();
                prop_assert_eq!(records.first(), all.first().copied());
                prop_assert_eq!(records.iter().collect::<Vec<_>>(), all);
            }
        }
    }
}
