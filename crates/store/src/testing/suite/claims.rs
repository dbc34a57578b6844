//! Whoever has loaded an actor last writes to it, and nobody else.

use bytes::Bytes;

use super::{Subject, awake, bodies, image, ok, snapshot};
use crate::{
    Epoch, StoreError,
    testing::{commit, new_actor},
};

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
