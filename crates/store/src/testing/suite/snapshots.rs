//! Snapshots take the place of commits.

use super::{Subject, awake, image, ok, snapshot};
use crate::{StoreError, testing::commit};

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
