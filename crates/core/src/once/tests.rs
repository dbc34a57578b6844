//! The window, and that what is stored comes to the same.

use std::{collections::BTreeMap, time::Duration};

use greenroom_types::once::CallerId;
use proptest::prelude::*;

use super::*;

const LIMITS: CallRecordLimits = CallRecordLimits {
    count: 4,
    size: 100_000,
    age: Duration::from_millis(1_000),
};

fn numbered(caller: u8, number: u64) -> OnceId {
    OnceId::Numbered {
        caller: CallerId([caller; 16]),
        number,
    }
}

fn call(caller: u8, number: u64, first: u64) -> OnceCall {
    OnceCall {
        id: numbered(caller, number),
        first,
        waited_ms: 0,
    }
}

fn value(bytes: &'static [u8]) -> Answer {
    Answer::Given(Ok(Bytes::from_static(bytes)))
}

/// A window, and the same from its journal.
#[derive(Default)]
struct Both {
    live: CallWindow,
    stored: CallWindow,
}

impl Both {
    fn keep(&mut self, call: &OnceCall, answer: Answer, now_ms: i64, limits: &CallRecordLimits) {
        let mut changes = Vec::new();
        let live = &mut self.live;
        live.keep(call, 7, answer, now_ms, limits, Some(&mut changes));
        self.stored.apply_stored(&changes).expect("well formed");
        assert_eq!(self.stored, self.live);
        let mut snapshot = CallWindow::default();
        snapshot
            .apply_stored(&self.live.encode())
            .expect("well formed");
        assert_eq!(snapshot, self.live);
    }
}

#[test]
fn what_a_caller_has_its_answer_of_is_forgotten_and_refused_from_then_on() {
    let mut both = Both::default();
    for number in 0..3 {
        both.keep(&call(1, number, 0), value(b"a"), 10, &LIMITS);
    }
    both.keep(&call(2, 0, 0), value(b"b"), 10, &LIMITS);
    both.keep(&call(1, 3, 2), value(b"c"), 11, &LIMITS);
    let window = &both.live;
    assert_eq!(window.len(), 3);
    assert!(window.is_over(&numbered(1, 1)) && !window.is_over(&numbered(1, 2)));
    assert!(window.find(&numbered(1, 1)).is_none());
    assert_eq!(window.find(&numbered(2, 0)), Some((7, &value(b"b"))));
    // Nobody may ask for them, so nothing was lost.
    assert!(!window.may_have_forgotten(0));
}

#[test]
fn the_oldest_goes_when_there_are_too_many_too_large_or_too_old_ones() {
    let mut both = Both::default();
    for caller in 0..6 {
        both.keep(
            &call(caller, 0, 0),
            value(b"a"),
            10 + i64::from(caller),
            &LIMITS,
        );
    }
    assert_eq!(both.live.len(), 4);
    assert!(both.live.find(&numbered(1, 0)).is_none());
    assert!(both.live.may_have_forgotten(11) && !both.live.may_have_forgotten(12));

    both.keep(&call(9, 0, 0), value(b"a"), 1_500, &LIMITS);
    assert_eq!(both.live.len(), 1);
    assert!(both.live.may_have_forgotten(15) && !both.live.may_have_forgotten(16));

    let small = CallRecordLimits {
        size: 3 * RECORD,
        ..LIMITS
    };
    for number in 0..3 {
        both.keep(&call(8, number, 0), value(&[0; 50]), 1_500, &small);
    }
    assert_eq!(both.live.len(), 2);
}

#[test]
fn an_answer_takes_the_place_of_the_beginning() {
    let mut both = Both::default();
    both.keep(&call(1, 0, 0), Answer::Begun, 10, &LIMITS);
    assert_eq!(both.live.find(&numbered(1, 0)), Some((7, &Answer::Begun)));
    let error = ActorError {
        metadata: Some(Bytes::from_static(b"\x01")),
        ..ActorError::new("user", "no", "it failed")
    };
    let answer = Answer::Given(Err(error));
    both.keep(&call(1, 0, 0), answer.clone(), 11, &LIMITS);
    assert_eq!(both.live.find(&numbered(1, 0)), Some((7, &answer)));
    assert_eq!(both.live.len(), 1);
}

#[test]
fn an_answer_that_is_too_large_is_known_to_be_given() {
    let mut both = Both::default();
    let limits = CallRecordLimits {
        size: 1_000,
        ..LIMITS
    };
    both.keep(&call(1, 0, 0), value(&[0; 1_000]), 10, &limits);
    assert_eq!(
        both.live.find(&numbered(1, 0)),
        Some((7, &Answer::TooLarge))
    );
}

#[test]
fn damage_is_an_error() {
    let mut changes = Vec::new();
    let mut window = CallWindow::default();
    window.keep(
        &call(1, 0, 0),
        7,
        value(b"a"),
        10,
        &LIMITS,
        Some(&mut changes),
    );
    for end in 1..changes.len() {
        assert!(
            CallWindow::default().apply_stored(&changes[..end]).is_err(),
            "{end}"
        );
    }
    for damaged in [
        &[0x80][..],
        &[0x01],
        &[0x82, 0x01, 0x20],
        &[
            0x82, 0x01, 0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        ],
        &[0x87, 0x01, 0x41, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf6],
        &[0x87, 0x01, 0x61, b'k', 0x00, 0x00, 0x00, 0x00, 0xf5],
        &[
            0x87, 0x01, 0x61, b'k', 0x00, 0x00, 0x00, 0x00, 0x83, 0x60, 0x60, 0x60,
        ],
    ] {
        assert!(
            CallWindow::default().apply_stored(damaged).is_err(),
            "{damaged:x?}"
        );
    }
}

proptest! {
    /// Whatever is kept: the window stays within its limits, its journal and its snapshots come to the
    /// same, and a call that is not there was never kept, is over, or counts as perhaps forgotten.
    #[test]
    fn a_window_forgets_nothing_unnoticed(
        steps in prop::collection::vec((0u8..4, 0u64..12, 0u64..12, 0i64..400, 0usize..60, any::<bool>()), 1..80)
    ) {
        let limits = CallRecordLimits { count: 5, size: 6 * RECORD, age: Duration::from_millis(900) };
        let mut both = Both::default();
        let mut now_ms = 0;
        let mut kept = BTreeMap::new();
        for (caller, number, back, pause, len, by_key) in steps {
            now_ms += pause;
            let id = match by_key {
                true => OnceId::Key(format!("key {caller} {number}").into()),
                false => numbered(caller, number),
            };
            if both.live.is_over(&id) {
                continue;
            }
            let first = if by_key { 0 } else { number.saturating_sub(back) };
            let once = OnceCall { id: id.clone(), first, waited_ms: 0 };
            let answer = Answer::Given(Ok(Bytes::from(vec![0; len])));
            both.keep(&once, answer.clone(), now_ms, &limits);
            kept.insert(id, (now_ms, answer));
            let window = &both.live;
            prop_assert!(window.len() <= limits.count && window.size <= limits.size);
            let size: usize = window.records.iter().map(|(_, record)| record.cost()).sum();
            prop_assert_eq!(size, window.size);
            prop_assert_eq!(window.places.len(), window.len());
            for (id, (at_ms, answer)) in &kept {
                match window.find(id) {
                    Some((_, found)) => prop_assert_eq!(found, answer),
                    None => prop_assert!(window.is_over(id) || window.may_have_forgotten(*at_ms)),
                }
            }
        }
    }
}
