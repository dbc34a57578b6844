//! What every engine must do, case by case. Each case gets an empty store.

use std::sync::Arc;

use bytes::Bytes;

use greenroom_types::ActorId;

use super::{actor_key, commit, new_actor};
use crate::{
    AlarmChange, Commit, Created, DueAlarm, Epoch, Image, ListQuery, NewActor, Snapshot, Store,
    StoreError,
};

/// Makes one test per case of the [suite](crate::testing::suite), in a module of the given name.
///
/// `$open` is called for every test. It gives what must stay alive for the test's duration, such
/// as a directory, and the store as `Arc<dyn Store>`.
#[macro_export]
macro_rules! store_suite {
    ($module:ident, $open:expr) => {
        $crate::store_suite!(@cases $module, $open,
            a_created_actor_is_found,
            of_racing_creations_one_wins,
            commits_come_back_in_order,
            many_commits_at_once_keep_their_order,
            dropped_futures_do_not_stop_commits,
            a_newer_claim_fences_the_older,
            a_load_waits_for_commits_under_way,
            epochs_rise,
            out_of_order_commits_end_the_claim,
            a_released_claim_cannot_write,
            releasing_an_old_claim_does_nothing,
            loading_what_does_not_exist_claims_nothing,
            a_snapshot_replaces_what_it_contains,
            snapshots_in_the_wrong_place_are_refused,
            a_snapshot_of_commits_under_way_is_fine,
            destroy_removes_everything,
            destroy_in_a_batch_with_its_neighbours,
            a_destroyed_key_can_be_created_again,
            alarms_are_set_moved_and_cleared,
            alarms_before_earlier_ones_are_found,
            alarms_are_paged_by_time_and_actor,
            listing_goes_by_prefix_and_page,
            large_bodies_survive,
            a_closed_store_answers_closed,
        );
    };
    (@cases $module:ident, $open:expr, $($case:ident,)+) => {
        mod $module {
            use super::*;
            $(
                #[test]
                fn $case() {
                    $crate::testing::block_on(async {
                        let (_alive, store) = ($open)();
                        $crate::testing::suite::$case(store).await;
                    });
                }
            )+
        }
    };
}

type Subject = Arc<dyn Store>;

/// The answer, which is not an error.
async fn ok<T>(answer: impl Future<Output = Result<T, StoreError>>) -> T {
    answer.await.expect("the store answers")
}

/// Creates an actor and loads it.
async fn awake(store: &Subject, number: u64) -> (NewActor, Epoch) {
    let actor = new_actor(number, "room", &[&number.to_string()]);
    assert_eq!(ok(store.create(actor.clone())).await, Created::New);
    let epoch = image(store, &actor).await.epoch;
    (actor, epoch)
}

async fn image(store: &Subject, actor: &NewActor) -> Image {
    ok(store.load(actor.id)).await.expect("the actor exists")
}

fn bodies(image: &Image) -> Vec<(u64, Bytes)> {
    image
        .tail
        .iter()
        .map(|entry| (entry.seq, entry.body.clone()))
        .collect()
}

fn with_alarm(mut commit: Commit, alarm: AlarmChange) -> Commit {
    commit.alarm = Some(alarm);
    commit
}

fn last(mut commit: Commit) -> Commit {
    commit.destroy = true;
    commit
}

fn snapshot(seq: u64, body: &'static str) -> Snapshot {
    Snapshot {
        seq,
        body: Bytes::from_static(body.as_bytes()),
    }
}

/// Record, lookup and load agree with what was created.
pub async fn a_created_actor_is_found(store: Subject) {
    let mut actor = new_actor(1, "room", &["a", "", "b/c\\"]);
    actor.created_at_ms = -5;
    actor.input = Some(Bytes::from_static(b"\x01\x02"));
    assert_eq!(ok(store.lookup(&actor.name, &actor.key)).await, None);
    assert_eq!(ok(store.record(actor.id)).await, None);
    assert_eq!(ok(store.create(actor.clone())).await, Created::New);
    assert_eq!(
        ok(store.lookup(&actor.name, &actor.key)).await,
        Some(actor.clone())
    );
    assert_eq!(ok(store.record(actor.id)).await, Some(actor.clone()));
    let other = new_actor(2, "room", &["a", "", "b", "c\\"]);
    assert_eq!(ok(store.lookup(&other.name, &other.key)).await, None);
    let image = image(&store, &actor).await;
    assert_eq!(image.record, actor);
    assert_eq!(
        (image.snapshot, image.tail, image.alarm),
        (None, vec![], None)
    );
    assert_eq!(ok(store.read(actor.id)).await, Some((None, vec![])));
}

/// A key has one owner, also among creations that are under way together.
pub async fn of_racing_creations_one_wins(store: Subject) {
    let contenders: Vec<_> = (1..=20)
        .map(|number| new_actor(number, "room", &["same"]))
        .collect();
    let answers: Vec<_> = contenders
        .iter()
        .map(|actor| store.create(actor.clone()))
        .collect();
    let mut results = Vec::new();
    for answer in answers {
        results.push(ok(answer).await);
    }
    assert_eq!(
        results[0],
        Created::New,
        "creations take effect in the order of the calls"
    );
    for result in &results[1..] {
        assert_eq!(*result, Created::Existing(contenders[0].clone()));
    }
    for loser in &contenders[1..] {
        assert_eq!(ok(store.record(loser.id)).await, None);
    }
    let namesake = new_actor(30, "hall", &["same"]);
    assert_eq!(
        ok(store.create(namesake)).await,
        Created::New,
        "another name is another actor"
    );
}

/// A load gives all commits, in order, byte for byte.
pub async fn commits_come_back_in_order(store: Subject) {
    let (actor, epoch) = awake(&store, 1).await;
    let (other, other_epoch) = awake(&store, 2).await;
    for (seq, body) in [(1, "one"), (2, ""), (3, "three")] {
        ok(store.append(commit(actor.id, epoch, seq, body))).await;
    }
    ok(store.append(commit(other.id, other_epoch, 1, "other"))).await;
    let expected = [(1, "one"), (2, ""), (3, "three")].map(|(seq, body)| (seq, Bytes::from(body)));
    assert_eq!(bodies(&image(&store, &actor).await), expected);
    assert_eq!(
        bodies(&image(&store, &other).await),
        [(1, Bytes::from("other"))]
    );
    let (snapshot, tail) = ok(store.read(actor.id)).await.expect("it exists");
    assert_eq!((snapshot, tail.len()), (None, 3));
}

/// Commits that are handed in without waiting are all applied, in order.
pub async fn many_commits_at_once_keep_their_order(store: Subject) {
    let (first, first_epoch) = awake(&store, 1).await;
    let (second, second_epoch) = awake(&store, 2).await;
    let mut answers = Vec::new();
    for seq in 1..=500 {
        answers.push(store.append(commit(first.id, first_epoch, seq, seq.to_string())));
        answers.push(store.append(commit(second.id, second_epoch, seq, seq.to_string())));
    }
    // The last answer comes last, so it speaks for all of them.
    ok(answers.pop().expect("there are some")).await;
    for actor in [&first, &second] {
        let expected: Vec<_> = (1..=500)
            .map(|seq: u64| (seq, Bytes::from(seq.to_string())))
            .collect();
        assert_eq!(bodies(&image(&store, actor).await), expected);
    }
    for answer in answers {
        ok(answer).await;
    }
}

/// Work starts at the call, whether anybody waits for it or not.
pub async fn dropped_futures_do_not_stop_commits(store: Subject) {
    let (actor, epoch) = awake(&store, 1).await;
    drop(store.append(commit(actor.id, epoch, 1, "a")));
    drop(store.append(commit(actor.id, epoch, 2, "b")));
    ok(store.append(commit(actor.id, epoch, 3, "c"))).await;
    assert_eq!(image(&store, &actor).await.tail.len(), 3);
    drop(store.create(new_actor(2, "room", &["dropped"])));
    let again = new_actor(3, "room", &["dropped"]);
    assert!(matches!(
        ok(store.create(again)).await,
        Created::Existing(_)
    ));
}

/// Only the newest claim writes.
pub async fn a_newer_claim_fences_the_older(store: Subject) {
    let (actor, old) = awake(&store, 1).await;
    ok(store.append(commit(actor.id, old, 1, "old"))).await;
    let new = image(&store, &actor).await.epoch;
    let fenced = Err(StoreError::Fenced { actor: actor.id });
    assert_eq!(
        store.append(commit(actor.id, old, 2, "stale")).await,
        fenced
    );
    assert_eq!(
        store.snapshot(actor.id, old, snapshot(1, "stale")).await,
        fenced
    );
    ok(store.append(commit(actor.id, new, 2, "new"))).await;
    let expected = [(1, Bytes::from("old")), (2, Bytes::from("new"))];
    assert_eq!(bodies(&image(&store, &actor).await), expected);
}

/// A new owner sees the commits that were handed in before it came.
pub async fn a_load_waits_for_commits_under_way(store: Subject) {
    let (actor, old) = awake(&store, 1).await;
    let answers: Vec<_> = (1..=100)
        .map(|seq| store.append(commit(actor.id, old, seq, "x")))
        .collect();
    let late = store.load(actor.id);
    let latest = store.load(actor.id);
    let late = ok(late).await.expect("it exists");
    let latest = ok(latest).await.expect("it exists");
    assert_eq!((late.tail.len(), latest.tail.len()), (100, 100));
    for answer in answers {
        ok(answer).await;
    }
    ok(store.append(commit(actor.id, latest.epoch, 101, "y"))).await;
    assert!(
        store
            .append(commit(actor.id, late.epoch, 101, "z"))
            .await
            .is_err()
    );
}

/// Every load gives a higher epoch.
pub async fn epochs_rise(store: Subject) {
    let (actor, mut last) = awake(&store, 1).await;
    for _ in 0..5 {
        let next = image(&store, &actor).await.epoch;
        assert!(next > last, "{next:?} after {last:?}");
        last = next;
    }
}

/// A gap or a repetition is refused, and with it all that follows, but nothing before it.
pub async fn out_of_order_commits_end_the_claim(store: Subject) {
    let (actor, mut epoch) = awake(&store, 1).await;
    ok(store.append(commit(actor.id, epoch, 1, "one"))).await;
    for (wrong, good) in [(4, 2), (2, 3), (0, 4)] {
        let before = store.append(commit(actor.id, epoch, good, "good"));
        let refused = store.append(commit(actor.id, epoch, wrong, "wrong"));
        let behind = store.append(commit(actor.id, epoch, good + 1, "behind"));
        ok(before).await;
        let error = StoreError::OutOfOrder {
            actor: actor.id,
            expected: good + 1,
            got: wrong,
        };
        assert_eq!(refused.await, Err(error));
        assert_eq!(behind.await, Err(StoreError::Fenced { actor: actor.id }));
        let image = image(&store, &actor).await;
        assert_eq!(image.tail.len() as u64, good);
        epoch = image.epoch;
    }
}

/// A claim that was given back is no claim.
pub async fn a_released_claim_cannot_write(store: Subject) {
    let (actor, epoch) = awake(&store, 1).await;
    let before = store.append(commit(actor.id, epoch, 1, "before"));
    store.release(actor.id, epoch);
    let fenced = Err(StoreError::Fenced { actor: actor.id });
    assert_eq!(
        store.append(commit(actor.id, epoch, 2, "after")).await,
        fenced
    );
    ok(before).await;
    let image = image(&store, &actor).await;
    assert_eq!(image.tail.len(), 1);
    ok(store.append(commit(actor.id, image.epoch, 2, "again"))).await;
}

/// A late release does not hurt the claim that came after.
pub async fn releasing_an_old_claim_does_nothing(store: Subject) {
    let (actor, old) = awake(&store, 1).await;
    let new = image(&store, &actor).await.epoch;
    store.release(actor.id, old);
    ok(store.append(commit(actor.id, new, 1, "fine"))).await;
}

/// There is nothing to write to.
pub async fn loading_what_does_not_exist_claims_nothing(store: Subject) {
    let (_, epoch) = awake(&store, 1).await;
    let nobody = new_actor(2, "room", &["nobody"]);
    assert!(ok(store.load(nobody.id)).await.is_none());
    assert_eq!(ok(store.read(nobody.id)).await, None);
    for epoch in [epoch, Epoch(epoch.0 + 1), Epoch(epoch.0 + 2)] {
        let refused = store.append(commit(nobody.id, epoch, 1, "x")).await;
        assert_eq!(refused, Err(StoreError::Fenced { actor: nobody.id }));
    }
}

/// A snapshot takes the place of the commits up to its position, and only of those.
pub async fn a_snapshot_replaces_what_it_contains(store: Subject) {
    let (actor, epoch) = awake(&store, 1).await;
    for seq in 1..=5 {
        ok(store.append(commit(actor.id, epoch, seq, seq.to_string()))).await;
    }
    ok(store.snapshot(actor.id, epoch, snapshot(3, "1 to 3"))).await;
    let (found, tail) = ok(store.read(actor.id)).await.expect("it exists");
    assert_eq!(found, Some(snapshot(3, "1 to 3")));
    assert_eq!(
        tail.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
        [4, 5]
    );
    ok(store.append(commit(actor.id, epoch, 6, "6"))).await;
    let reloaded = image(&store, &actor).await;
    assert_eq!(reloaded.snapshot, Some(snapshot(3, "1 to 3")));
    assert_eq!(reloaded.tail.len(), 3);
    let epoch = reloaded.epoch;
    ok(store.snapshot(actor.id, epoch, snapshot(6, "all"))).await;
    ok(store.snapshot(actor.id, epoch, snapshot(6, "all, again"))).await;
    let reloaded = image(&store, &actor).await;
    assert_eq!(
        (reloaded.snapshot, reloaded.tail),
        (Some(snapshot(6, "all, again")), vec![])
    );
    ok(store.append(commit(actor.id, reloaded.epoch, 7, "7"))).await;
}

/// Neither back in time nor ahead of it; and the claim lives on.
pub async fn snapshots_in_the_wrong_place_are_refused(store: Subject) {
    let (actor, epoch) = awake(&store, 1).await;
    let wrong = |expected, got| {
        Err(StoreError::OutOfOrder {
            actor: actor.id,
            expected,
            got,
        })
    };
    for seq in 1..=3 {
        ok(store.append(commit(actor.id, epoch, seq, "x"))).await;
    }
    assert_eq!(
        store.snapshot(actor.id, epoch, snapshot(4, "ahead")).await,
        wrong(3, 4)
    );
    ok(store.snapshot(actor.id, epoch, snapshot(2, "two"))).await;
    assert_eq!(
        store.snapshot(actor.id, epoch, snapshot(1, "back")).await,
        wrong(2, 1)
    );
    ok(store.append(commit(actor.id, epoch, 4, "x"))).await;
    let reloaded = image(&store, &actor).await;
    assert_eq!(reloaded.snapshot, Some(snapshot(2, "two")));
    let stale = store
        .snapshot(actor.id, reloaded.epoch, snapshot(1, "back"))
        .await;
    assert_eq!(stale, wrong(2, 1), "a new claim knows what is stored");
}

/// A snapshot may contain commits that are not durable yet: it becomes durable after them.
pub async fn a_snapshot_of_commits_under_way_is_fine(store: Subject) {
    let (actor, epoch) = awake(&store, 1).await;
    let mut answers: Vec<_> = (1..=50)
        .map(|seq| store.append(commit(actor.id, epoch, seq, "x")))
        .collect();
    answers.push(store.snapshot(actor.id, epoch, snapshot(49, "most")));
    answers.push(store.append(commit(actor.id, epoch, 51, "x")));
    for answer in answers {
        ok(answer).await;
    }
    let image = image(&store, &actor).await;
    assert_eq!(image.snapshot, Some(snapshot(49, "most")));
    assert_eq!(
        image.tail.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
        [50, 51]
    );
}

/// Record, key, journal, snapshot and alarm go together, and the claim with them.
pub async fn destroy_removes_everything(store: Subject) {
    let (actor, epoch) = awake(&store, 1).await;
    let (neighbour, _) = awake(&store, 2).await;
    ok(store.append(with_alarm(
        commit(actor.id, epoch, 1, "x"),
        AlarmChange::Set(10),
    )))
    .await;
    ok(store.append(commit(actor.id, epoch, 2, "x"))).await;
    ok(store.snapshot(actor.id, epoch, snapshot(1, "one"))).await;
    ok(store.append(last(commit(actor.id, epoch, 3, "gone")))).await;
    let after = store.append(commit(actor.id, epoch, 4, "x")).await;
    assert_eq!(after, Err(StoreError::Fenced { actor: actor.id }));
    assert_eq!(ok(store.record(actor.id)).await, None);
    assert_eq!(ok(store.lookup(&actor.name, &actor.key)).await, None);
    assert!(ok(store.load(actor.id)).await.is_none());
    assert_eq!(ok(store.read(actor.id)).await, None);
    assert_eq!(ok(store.next_alarm()).await, None);
    let query = ListQuery {
        name: actor.name,
        prefix: actor_key(&[]),
        cursor: None,
        limit: 10,
    };
    assert_eq!(ok(store.list(query)).await.actors, [neighbour]);
}

/// A destruction takes along what was handed in just before it, and nothing of what comes after.
pub async fn destroy_in_a_batch_with_its_neighbours(store: Subject) {
    let (actor, epoch) = awake(&store, 1).await;
    let successor = NewActor {
        id: new_actor(2, "room", &[]).id,
        ..actor.clone()
    };
    let answers = [
        store.append(with_alarm(
            commit(actor.id, epoch, 1, "x"),
            AlarmChange::Set(10),
        )),
        store.snapshot(actor.id, epoch, snapshot(1, "one")),
        store.append(with_alarm(
            commit(actor.id, epoch, 2, "x"),
            AlarmChange::Set(20),
        )),
        store.append(last(commit(actor.id, epoch, 3, "gone"))),
    ];
    let created = store.create(successor.clone());
    let found = store.load(actor.id);
    for answer in answers {
        ok(answer).await;
    }
    assert_eq!(ok(created).await, Created::New);
    assert!(ok(found).await.is_none());
    assert_eq!(ok(store.next_alarm()).await, None);
    assert_eq!(
        ok(store.lookup(&actor.name, &actor.key)).await,
        Some(successor.clone())
    );
    assert_eq!(image(&store, &successor).await.tail, []);
}

/// The key is free afterwards, and its next owner starts from nothing.
pub async fn a_destroyed_key_can_be_created_again(store: Subject) {
    let (actor, epoch) = awake(&store, 1).await;
    ok(store.append(commit(actor.id, epoch, 1, "x"))).await;
    ok(store.append(last(commit(actor.id, epoch, 2, "")))).await;
    // Even the same id, which the runtime never reuses, must not find leftovers.
    assert_eq!(ok(store.create(actor.clone())).await, Created::New);
    let image = image(&store, &actor).await;
    assert!(image.epoch > epoch);
    assert_eq!(
        (image.snapshot, image.tail, image.alarm),
        (None, vec![], None)
    );
    ok(store.append(commit(actor.id, image.epoch, 1, "y"))).await;
}

/// An actor has one alarm: the one that was set last.
pub async fn alarms_are_set_moved_and_cleared(store: Subject) {
    let (a, a_epoch) = awake(&store, 1).await;
    let (b, b_epoch) = awake(&store, 2).await;
    let due = |actor: &NewActor, due_ms| DueAlarm {
        actor: actor.id,
        due_ms,
    };
    assert_eq!(ok(store.next_alarm()).await, None);
    ok(store.append(with_alarm(
        commit(a.id, a_epoch, 1, ""),
        AlarmChange::Set(100),
    )))
    .await;
    ok(store.append(with_alarm(
        commit(b.id, b_epoch, 1, ""),
        AlarmChange::Set(-7),
    )))
    .await;
    assert_eq!(ok(store.next_alarm()).await, Some(-7));
    assert_eq!(ok(store.due_alarms(99, 10)).await, [due(&b, -7)]);
    assert_eq!(
        ok(store.due_alarms(100, 10)).await,
        [due(&b, -7), due(&a, 100)]
    );
    assert_eq!(ok(store.due_alarms(100, 1)).await, [due(&b, -7)]);
    assert_eq!(image(&store, &b).await.alarm, Some(-7));
    let a_epoch = image(&store, &a).await.epoch;
    let moves = [
        store.append(with_alarm(
            commit(a.id, a_epoch, 2, ""),
            AlarmChange::Set(-50),
        )),
        store.append(with_alarm(
            commit(a.id, a_epoch, 3, ""),
            AlarmChange::Set(-60),
        )),
        store.append(with_alarm(
            commit(a.id, a_epoch, 4, ""),
            AlarmChange::Set(-60),
        )),
        store.append(commit(a.id, a_epoch, 5, "")),
    ];
    for answer in moves {
        ok(answer).await;
    }
    assert_eq!(
        ok(store.due_alarms(1000, 10)).await,
        [due(&a, -60), due(&b, -7)]
    );
    assert_eq!(image(&store, &a).await.alarm, Some(-60));
    let b_epoch = image(&store, &b).await.epoch;
    ok(store.append(with_alarm(commit(b.id, b_epoch, 2, ""), AlarmChange::Clear))).await;
    ok(store.append(with_alarm(commit(b.id, b_epoch, 3, ""), AlarmChange::Clear))).await;
    assert_eq!(ok(store.due_alarms(1000, 10)).await, [due(&a, -60)]);
    assert_eq!(image(&store, &b).await.alarm, None);
}

/// Looking for the next alarm must not hide one that is set earlier afterwards.
pub async fn alarms_before_earlier_ones_are_found(store: Subject) {
    let (actor, epoch) = awake(&store, 1).await;
    for (seq, due_ms) in [
        (1, 1000),
        (2, 500),
        (3, 2000),
        (4, i64::MIN),
        (5, i64::MAX),
        (6, 3),
    ] {
        ok(store.append(with_alarm(
            commit(actor.id, epoch, seq, ""),
            AlarmChange::Set(due_ms),
        )))
        .await;
        assert_eq!(ok(store.next_alarm()).await, Some(due_ms));
        assert_eq!(ok(store.next_alarm()).await, Some(due_ms), "asked twice");
        assert_eq!(
            ok(store.due_alarms(due_ms, 5)).await,
            [DueAlarm {
                actor: actor.id,
                due_ms
            }]
        );
        if let Some(before) = due_ms.checked_sub(1) {
            assert_eq!(ok(store.due_alarms(before, 5)).await, []);
        }
    }
}

/// Pages go on behind the last alarm of the page before, also among alarms of the same time.
pub async fn alarms_are_paged_by_time_and_actor(store: Subject) {
    let mut expected = Vec::new();
    for (index, due_ms) in [(1, 7), (2, i64::MAX), (3, 7), (4, -7), (5, 7)] {
        let (actor, epoch) = awake(&store, index).await;
        ok(store.append(with_alarm(
            commit(actor.id, epoch, 1, ""),
            AlarmChange::Set(due_ms),
        )))
        .await;
        expected.push(DueAlarm {
            actor: actor.id,
            due_ms,
        });
    }
    expected.sort_by_key(|alarm| (alarm.due_ms, alarm.actor));
    let before_all = DueAlarm {
        actor: ActorId::from_bytes([0xff; 16]),
        due_ms: -8,
    };
    assert_eq!(ok(store.alarms_after(before_all, 9)).await, expected);
    let mut paged = Vec::new();
    while paged.len() < expected.len() {
        let after = paged.last().copied().unwrap_or(before_all);
        let page = ok(store.alarms_after(after, 2)).await;
        assert!(!page.is_empty());
        paged.extend(page);
    }
    assert_eq!(paged, expected);
    let end = DueAlarm {
        actor: ActorId::from_bytes([0xff; 16]),
        due_ms: i64::MAX,
    };
    assert_eq!(ok(store.alarms_after(end, 9)).await, []);
}

/// A prefix is a number of whole parts; pages are neither short, nor do they overlap.
pub async fn listing_goes_by_prefix_and_page(store: Subject) {
    let keys: [&[&str]; 9] = [
        &[],
        &["a"],
        &["a", "b"],
        &["a", "b", "c"],
        &["a", "c"],
        &["a!"],
        &["ab"],
        &["b"],
        &["", "a"],
    ];
    for (number, key) in (1..).zip(keys) {
        ok(store.create(new_actor(number, "room", key))).await;
        ok(store.create(new_actor(number + 100, "rooms", key))).await;
    }
    for prefix in [
        &[][..],
        &["a"],
        &["a", "b"],
        &["a", "b", "c"],
        &["a", "x"],
        &["b"],
        &[""],
    ] {
        let prefix = actor_key(prefix);
        let mut expected: Vec<_> = keys
            .iter()
            .map(|key| actor_key(key))
            .filter(|key| key.parts().starts_with(prefix.parts()))
            .collect();
        expected.sort_by_key(|key| key.to_storage());
        for limit in [1, 2, 3, 100] {
            let mut found = Vec::new();
            let mut cursor = None;
            loop {
                let name = new_actor(0, "room", &[]).name;
                let query = ListQuery {
                    name,
                    prefix: prefix.clone(),
                    cursor,
                    limit,
                };
                let page = ok(store.list(query)).await;
                assert!(
                    page.actors.len() == limit || page.next.is_none(),
                    "only the last page is short"
                );
                found.extend(page.actors);
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert!(found.iter().all(|actor| actor.name.as_str() == "room"));
            let found: Vec<_> = found.into_iter().map(|actor| actor.key).collect();
            assert_eq!(found, expected, "prefix {prefix:?}, limit {limit}");
        }
    }
}

/// Bodies beyond the size of a batch are taken one by one.
pub async fn large_bodies_survive(store: Subject) {
    let (actor, epoch) = awake(&store, 1).await;
    let large = |byte: u8| Bytes::from(vec![byte; 9 * 1024 * 1024]);
    let answers: Vec<_> = (1..=4)
        .map(|seq| store.append(commit(actor.id, epoch, seq, large(seq as u8))))
        .collect();
    for answer in answers {
        ok(answer).await;
    }
    let snapshot = Snapshot {
        seq: 3,
        body: Bytes::from(vec![9; 20 * 1024 * 1024]),
    };
    ok(store.snapshot(actor.id, epoch, snapshot.clone())).await;
    let image = image(&store, &actor).await;
    assert!(image.snapshot == Some(snapshot));
    assert!(bodies(&image) == [(4, large(4))]);
}

/// After closing nothing is done, and saying so is all that happens.
pub async fn a_closed_store_answers_closed(store: Subject) {
    let (actor, epoch) = awake(&store, 1).await;
    let before = store.append(commit(actor.id, epoch, 1, "x"));
    ok(store.close()).await;
    ok(before).await;
    ok(store.close()).await;
    assert_eq!(
        store.append(commit(actor.id, epoch, 2, "x")).await,
        Err(StoreError::Closed)
    );
    assert_eq!(store.create(actor.clone()).await, Err(StoreError::Closed));
    assert_eq!(store.record(actor.id).await, Err(StoreError::Closed));
    assert_eq!(
        store.lookup(&actor.name, &actor.key).await,
        Err(StoreError::Closed)
    );
    assert_eq!(store.load(actor.id).await.err(), Some(StoreError::Closed));
    assert_eq!(
        store.snapshot(actor.id, epoch, snapshot(1, "x")).await,
        Err(StoreError::Closed)
    );
    assert_eq!(store.read(actor.id).await, Err(StoreError::Closed));
    assert_eq!(store.next_alarm().await, Err(StoreError::Closed));
    assert_eq!(store.due_alarms(0, 1).await, Err(StoreError::Closed));
    store.release(actor.id, epoch);
}
