//! Actors are created, found, listed and destroyed.

use bytes::Bytes;

use super::{Subject, awake, bodies, image, last, ok, snapshot, with_alarm};
use crate::{
    AlarmChange, Birth, Created, ListQuery, NewActor, StoreError,
    testing::{actor_key, commit, new_actor},
};

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
    assert_eq!(ok(store.due_alarms(i64::MAX, 1)).await, []);
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
    assert_eq!(ok(store.due_alarms(i64::MAX, 1)).await, []);
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

/// A new actor can be written to before it is durable.
pub async fn a_claimed_creation_and_its_commits_come_back_together(store: Subject) {
    let actor = new_actor(1, "room", &["a"]);
    let Birth { epoch, created } = store.create_claimed(actor.clone()).expect("it is taken");
    let first = store.append(commit(actor.id, epoch, 1, "one"));
    let second = store.append(commit(actor.id, epoch, 2, "two"));
    assert_eq!(ok(created).await, Created::New);
    ok(first).await;
    ok(second).await;
    let image = image(&store, &actor).await;
    assert!(image.epoch > epoch, "a load is a newer claim");
    assert_eq!(image.record, actor);
    assert_eq!(
        bodies(&image),
        [(1, Bytes::from("one")), (2, Bytes::from("two"))]
    );
}

/// What turns out to be there already is not written to.
pub async fn a_claimed_creation_of_a_taken_key_writes_nothing(store: Subject) {
    let owner = new_actor(1, "room", &["a"]);
    let late = new_actor(2, "room", &["a"]);
    let first = store.create(owner.clone());
    let Birth { epoch, created } = store.create_claimed(late.clone()).expect("it is taken");
    let behind = store.append(commit(late.id, epoch, 1, "one"));
    ok(first).await;
    assert_eq!(ok(created).await, Created::Existing(owner.clone()));
    let fenced = Err(StoreError::Fenced { actor: late.id });
    assert_eq!(behind.await, fenced);
    assert_eq!(store.append(commit(late.id, epoch, 2, "two")).await, fenced);
    store.release(late.id, epoch);
    assert_eq!(ok(store.record(late.id)).await, None);
    assert!(ok(store.load(late.id)).await.is_none());
    assert!(bodies(&image(&store, &owner).await).is_empty());
}

/// Whoever loads an actor that is being created waits for it.
pub async fn a_load_waits_for_a_claimed_creation(store: Subject) {
    let actor = new_actor(1, "room", &["a"]);
    let Birth { epoch, created } = store.create_claimed(actor.clone()).expect("it is taken");
    let loaded = ok(store.load(actor.id)).await.expect("it exists");
    assert_eq!(loaded.record, actor);
    assert_eq!(ok(created).await, Created::New);
    let fenced = Err(StoreError::Fenced { actor: actor.id });
    assert_eq!(
        store.append(commit(actor.id, epoch, 1, "old")).await,
        fenced
    );
    ok(store.append(commit(actor.id, loaded.epoch, 1, "new"))).await;
}

/// An actor may be over before it is durable.
pub async fn a_claimed_creation_can_end_in_its_own_batch(store: Subject) {
    let actor = new_actor(1, "room", &["a"]);
    let Birth { epoch, created } = store.create_claimed(actor.clone()).expect("it is taken");
    let end = store.append(last(commit(actor.id, epoch, 1, "")));
    assert_eq!(ok(created).await, Created::New);
    ok(end).await;
    assert_eq!(ok(store.lookup(&actor.name, &actor.key)).await, None);
    assert_eq!(ok(store.record(actor.id)).await, None);
}
