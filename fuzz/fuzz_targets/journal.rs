//! Journals: a snapshot and commits, as any bytes or with entries that are.
//!
//! Whatever folds can be kept as a snapshot, and folds to the same again.

#![no_main]

use arbitrary::Arbitrary;
use bytes::Bytes;
use greenroom_core::image::journal::{self, Changes, Folded};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    snapshot: Option<&'a [u8]>,
    commits: Vec<Body<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Body<'a> {
    Raw(&'a [u8]),
    Entries {
        state: &'a [u8],
        schedule: &'a [u8],
        kv: &'a [u8],
        queue: &'a [u8],
        events: &'a [u8],
        calls: &'a [u8],
        version: Option<u32>,
    },
}

fuzz_target!(|input: Input<'_>| {
    let snapshot = input.snapshot.map(Bytes::copy_from_slice);
    let commits: Vec<Bytes> = input.commits.iter().map(bytes).collect();
    let Ok(folded) = journal::fold(snapshot.clone(), commits.iter().cloned()) else {
        return;
    };
    let kept = journal::encode_snapshot(&folded);
    let again = journal::fold(Some(kept.clone()), []).expect("a snapshot of ours can be read");
    assert_eq!(normal(again), normal(folded), "kept as {kept:02x?}");
    // The same journal, read with a snapshot in between.
    for cut in 0..=commits.len() {
        let begun = journal::fold(snapshot.clone(), commits[..cut].iter().cloned());
        let kept = journal::encode_snapshot(&begun.expect("the beginning of what folds"));
        let whole = journal::fold(Some(kept.clone()), commits[cut..].iter().cloned());
        let whole = journal::encode_snapshot(&whole.expect("the rest of what folds"));
        let at_once = journal::fold(
            Some(journal::encode_snapshot(&whole_of(&snapshot, &commits))),
            [],
        );
        assert_eq!(
            whole,
            journal::encode_snapshot(&at_once.expect("a snapshot of ours")),
            "cut at {cut}"
        );
    }
});

fn whole_of(snapshot: &Option<Bytes>, commits: &[Bytes]) -> Folded {
    journal::fold(snapshot.clone(), commits.iter().cloned()).expect("it did before")
}

/// An entry without bytes is as good as none.
fn normal(mut folded: Folded) -> Folded {
    folded.state = folded.state.filter(|state| !state.is_empty());
    folded
}

fn bytes(body: &Body<'_>) -> Bytes {
    match body {
        Body::Raw(bytes) => Bytes::copy_from_slice(bytes),
        Body::Entries {
            state,
            schedule,
            kv,
            queue,
            events,
            calls,
            version,
        } => journal::encode_commit(&Changes {
            state: state.to_vec(),
            schedule: schedule.to_vec(),
            kv: kv.to_vec(),
            queue: queue.to_vec(),
            events: events.to_vec(),
            calls: calls.to_vec(),
            state_version: *version,
        }),
    }
}
