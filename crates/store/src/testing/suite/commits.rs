//! Commits come back whole and in order, until the store is closed.

use bytes::Bytes;

use super::{Subject, awake, bodies, image, ok, snapshot};
use crate::{
    Created, Snapshot, StoreError,
    testing::{commit, new_actor},
};

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
    assert_eq!(store.due_alarms(0, 1).await, Err(StoreError::Closed));
    store.release(actor.id, epoch);
}
