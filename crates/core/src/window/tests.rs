use proptest::prelude::*;

use super::*;

const LIMITS: WindowLimits = WindowLimits {
    max_events: 4,
    max_bytes: 10_000,
    max_age: Duration::from_millis(100),
};

fn session(fill: u8) -> Session {
    Session::from_bytes([fill; 16])
}

fn broadcast(window: &mut Window, at_ms: i64, name: &str) -> u64 {
    let event = window.record(at_ms, None, name.to_owned(), Bytes::from_static(b"\x80"));
    event.frame.number().expect("it is numbered")
}

fn numbers(window: &Window, last: u64) -> Vec<u64> {
    let events = window.after(last);
    events.filter_map(|event| event.frame.number()).collect()
}

/// Whether a client that has heard everything up to `last`, and subscribed to `names`, misses nothing.
fn reaches(window: &Window, last: u64, names: &[&str]) -> bool {
    window.reaches(last, session(9), names.iter().map(|name| (*name, 0)))
}

fn stored_and_read(window: &Window) -> Window {
    let mut read = Window::default();
    read.apply_stored(&window.encode())
        .expect("it is what was written");
    read
}

#[test]
fn events_are_numbered_from_one_without_gaps() {
    let mut window = Window::default();
    assert_eq!((window.last(), window.floor()), (0, 0));
    for number in 1..=6 {
        assert_eq!(broadcast(&mut window, 10, "a"), number);
        window.prune(&LIMITS, 10);
    }
    assert_eq!((window.last(), window.floor(), window.len()), (6, 2, 4));
    assert_eq!(numbers(&window, 0), [3, 4, 5, 6]);
    assert_eq!(numbers(&window, 4), [5, 6]);
    assert_eq!(numbers(&window, 6), [0; 0]);
    assert_eq!(numbers(&window, u64::MAX), [0; 0]);
}

#[test]
fn what_exceeds_a_limit_is_forgotten_oldest_first() {
    let mut window = Window::default();
    broadcast(&mut window, 0, "a");
    broadcast(&mut window, 50, "a");
    assert!(!window.prune(&LIMITS, 100));
    assert!(window.prune(&LIMITS, 101));
    assert_eq!(numbers(&window, 0), [2]);
    let bytes = WindowLimits {
        max_bytes: 2 * (OVERHEAD + 2),
        ..LIMITS
    };
    broadcast(&mut window, 101, "a");
    broadcast(&mut window, 101, "a");
    assert!(window.prune(&bytes, 101));
    assert_eq!(numbers(&window, 0), [3, 4]);
    // One that is larger than everything together leaves nothing, and still counts.
    window.record(101, None, "a".to_owned(), vec![0; 1000].into());
    window.prune(&bytes, 101);
    assert_eq!((window.floor(), window.len(), window.bytes), (5, 0, 0));
}

#[test]
fn a_clock_that_goes_back_does_not_disturb_the_order() {
    let mut window = Window::default();
    broadcast(&mut window, 1000, "a");
    broadcast(&mut window, 10, "a");
    let times: Vec<_> = window.after(0).map(|event| event.at_ms).collect();
    assert_eq!(times, [1000, 1000]);
    assert!(!window.prune(&LIMITS, 10));
}

#[test]
fn only_what_is_gone_for_a_client_is_missing() {
    let mut window = Window::default();
    broadcast(&mut window, 0, "rare");
    window.record(0, Some(session(9)), "own".to_owned(), Bytes::new());
    for _ in 0..10 {
        broadcast(&mut window, 0, "frequent");
        window.prune(&LIMITS, 0);
    }
    assert_eq!(window.floor(), 8);
    assert!(!reaches(&window, 0, &["rare"]));
    assert!(!reaches(&window, 1, &["rare"]), "its own event is gone");
    assert!(reaches(&window, 2, &["rare"]));
    assert!(!reaches(&window, 2, &["rare", "frequent"]));
    assert!(reaches(&window, 8, &["rare", "frequent"]));
    // One whose subscription began later has missed less.
    assert!(window.reaches(2, session(9), [("frequent", 8)].into_iter()));
    assert!(!window.reaches(2, session(9), [("frequent", 7)].into_iter()));
}

#[test]
fn names_without_end_are_forgotten_together() {
    let limits = WindowLimits {
        max_events: 1,
        ..LIMITS
    };
    let mut window = Window::default();
    for name in 0..3000 {
        broadcast(&mut window, 0, &format!("n{name}"));
        window.prune(&limits, 0);
    }
    assert_eq!(window.forgotten.by_key.len(), REMEMBERED);
    assert_eq!(window.forgotten.by_number.len(), REMEMBERED);
    // The last is kept, and those before it are known one by one.
    assert!(reaches(&window, 2999 - REMEMBERED as u64, &["nobody"]));
    assert!(
        !reaches(&window, 2998 - REMEMBERED as u64, &["nobody"]),
        "it may have been one of those"
    );
    assert!(!reaches(&window, 2997, &["n2997"]));
    assert!(reaches(&window, 2998, &["n2997"]));
    assert_eq!(stored_and_read(&window), window);
}

#[test]
fn a_time_without_window_is_a_gap_for_everybody() {
    let mut window = Window::default();
    broadcast(&mut window, 0, "a");
    window.close();
    assert!(window.is_closed() && stored_and_read(&window).is_closed());
    assert_eq!(window.last(), 2);
    window.reopen();
    assert!(!reaches(&window, 1, &["a"]) && !reaches(&window, 1, &[]));
    assert!(reaches(&window, 2, &["a"]));
    assert_eq!(broadcast(&mut window, 0, "a"), 3);
}

#[test]
fn damage_is_an_error() {
    let event = [0x83, 0x00, 0x61, b'a', 0x40];
    for damaged in [
        &[0x01][..],
        &[0x80],
        &[0x82, 0x00, 0x00],
        &[0x83, 0x00, 0x40, 0x40],
        &[
            0x83, 0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x61, b'a', 0x40,
        ],
        &[0x84, 0x00, 0x61, b'a', 0x40, 0x41, 0x00],
        &[0x85, 0x00, 0x00, 0x81, 0x81, 0x00, 0x80, 0x00],
        &[0x85, 0x00, 0x00, 0x80, 0x81, 0x82, 0x41, 0x00, 0x00, 0x00],
        &[0x9f, 0x00, 0x61, b'a', 0x40, 0xff],
        &[0xf5],
        &[0x19],
        &[&event[..], &[0x02]].concat(),
        // After the last number there is none.
        &[
            &[
                0x85, 0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x80, 0x80, 0x00,
            ],
            &event[..],
        ]
        .concat(),
        &[
            0x85, 0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x80, 0x80, 0x00,
            0xf6,
        ],
    ] {
        let result = Window::default().apply_stored(damaged);
        assert!(result.is_err(), "{damaged:x?}");
    }
}

/// An event that was: its number, and whose it was, by name or session. A gap is everybody's.
type Was = (u64, Option<(String, Option<u8>)>);

/// What may happen to a window.
#[derive(Clone, Debug)]
enum Step {
    Event {
        name: u8,
        to: Option<u8>,
        size: usize,
    },
    Wait(i64),
    /// A snapshot is made, and commits follow it.
    Snapshot,
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..4u8, proptest::option::weighted(0.2, 0..3u8), 0..200usize)
            .prop_map(|(name, to, size)| Step::Event { name, to, size }),
        2 => (0..80i64).prop_map(Step::Wait),
        1 => Just(Step::Snapshot),
        1 => Just(Step::Close),
    ]
}

proptest! {
    /// The fold of what is stored is the window in memory, and what it says of a client is what a list of all events
    /// that ever were says.
    #[test]
    fn what_is_stored_folds_to_the_same(steps in proptest::collection::vec(step(), 0..120)) {
        let limits = WindowLimits { max_events: 6, max_bytes: 1200, max_age: Duration::from_millis(100) };
        let (mut window, mut now_ms) = (Window::default(), 0);
        let (mut snapshot, mut commits) = (Window::default().encode(), Vec::new());
        let mut all: Vec<Was> = Vec::new();
        for step in steps {
            match step {
                Step::Event { name, to, size } => {
                    let name = format!("n{name}");
                    let event = window.record(now_ms, to.map(session), name.clone(), vec![0; size].into());
                    all.push((event.frame.number().expect("it has one"), Some((name, to))));
                    window.encode_newest(&mut commits);
                    if window.prune(&limits, now_ms) {
                        window.encode_floor(&mut commits);
                    }
                }
                Step::Wait(ms) => now_ms += ms,
                Step::Snapshot => {
                    snapshot = window.encode();
                    commits.clear();
                }
                Step::Close => {
                    window.close();
                    Window::encode_close(&mut commits);
                    all.push((window.last(), None));
                }
            }
            let mut folded = Window::default();
            folded.apply_stored(&snapshot).expect("it is a snapshot");
            folded.apply_stored(&commits).expect("they are commits");
            prop_assert_eq!(&folded, &window);
            prop_assert!(window.len() <= limits.max_events && window.bytes <= limits.max_bytes);
        }
        for last in 0..=window.last() {
            for (who, names) in [(0u8, &["n0"][..]), (1, &["n1", "n2"]), (2, &[]), (7, &["n0", "n3"])] {
                let missed: Vec<u64> = all
                    .iter()
                    .filter(|(number, event)| *number > last && event.as_ref().is_none_or(|(name, to)| match to {
                        Some(to) => *to == who,
                        None => names.contains(&name.as_str()),
                    }))
                    .map(|(number, _)| *number)
                    .collect();
                let told: Vec<u64> = window
                    .after(last)
                    .filter(|event| match event.to {
                        Some(to) => to == session(who),
                        None => names.contains(&event.frame.name()),
                    })
                    .filter_map(|event| event.frame.number())
                    .collect();
                let reaches = window.reaches(last, session(who), names.iter().map(|name| (*name, 0)));
                prop_assert_eq!(reaches, missed == told, "last {}, who {}", last, who);
            }
        }
    }
}
