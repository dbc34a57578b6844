//! Alarms are found in the order in which they are due.

use greenroom_types::ActorId;

use super::{Subject, awake, image, ok, with_alarm};
use crate::{AlarmChange, DueAlarm, NewActor, testing::commit};

/// An actor has one alarm: the one that was set last.
pub async fn alarms_are_set_moved_and_cleared(store: Subject) {
    let (a, a_epoch) = awake(&store, 1).await;
    let (b, b_epoch) = awake(&store, 2).await;
    let due = |actor: &NewActor, due_ms| DueAlarm {
        actor: actor.id,
        due_ms,
    };
    assert_eq!(ok(store.due_alarms(i64::MAX, 10)).await, []);
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
    assert_eq!(ok(store.due_alarms(i64::MAX, 1)).await, [due(&b, -7)]);
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

/// A search must not hide an alarm that is set earlier afterwards.
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
        let due = [DueAlarm {
            actor: actor.id,
            due_ms,
        }];
        assert_eq!(ok(store.due_alarms(i64::MAX, 5)).await, due);
        assert_eq!(ok(store.due_alarms(i64::MAX, 5)).await, due, "asked twice");
        assert_eq!(ok(store.due_alarms(due_ms, 5)).await, due);
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
