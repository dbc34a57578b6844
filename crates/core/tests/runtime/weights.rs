//! What actors weigh, as others see it.

use std::sync::Arc;

use bytes::Bytes;
use greenroom_core::{Output, QueueMessage, QueueUpdate, Turn, Weight, WhenSlow};
use greenroom_store::MemoryStore;

use crate::manual::{Manual, client, settle};

fn weight(world: &Manual) -> Weight {
    let weights = world.runtime.weights();
    assert_eq!(weights.len(), 1);
    weights[0].1
}

/// Replaces the state by a text of so many bytes.
fn state(len: u8) -> Bytes {
    let mut operation = vec![0x82, 7, 0x78, len];
    operation.extend(std::iter::repeat_n(b'x', usize::from(len)));
    operation.into()
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_grows_is_seen_growing() {
    let mut world = Manual::new(Arc::new(MemoryStore::new()));
    let id = world.actor().await;
    assert!(world.runtime.weights().is_empty());
    let (request, _reader) = client();
    let runtime = world.runtime.clone();
    let connecting = tokio::spawn(async move { runtime.connect(id, request).await });
    let instance = world.started(state(100)).await;
    let _connection = connecting.await.unwrap().unwrap();
    let (_, conn) = world.connecting().await;
    world.say(instance, Output::Accept { conn });
    settle().await;
    let before = weight(&world);
    assert!(before.awake && before.connections == 1, "{before:?}");
    assert!(before.state >= 100, "{before:?}");
    assert!(before.journal >= 100, "{before:?}");
    let put = |id| {
        QueueUpdate::Put(QueueMessage {
            id,
            body: Bytes::from_static(b"0123456789"),
        })
    };
    world.runtime.turn(
        instance,
        Turn {
            changes: state(200),
            queue: vec![put(1), put(2)],
            outputs: vec![Output::Event {
                to: Some(conn),
                name: "note".into(),
                args: Bytes::from_static(&[0x80]),
                when_slow: WhenSlow::Disconnect,
            }],
            ..Turn::default()
        },
    );
    settle().await;
    let after = weight(&world);
    assert!(after.state >= before.state + 200, "{after:?}");
    assert_eq!(after.queue, 20);
    assert!(after.outbox > before.outbox, "{after:?}");
    assert_eq!(
        after.total(),
        after.state + after.kv + after.queue + after.outbox
    );
    let identity = world.runtime.identity(instance).expect("it is awake");
    assert_eq!(identity.id, id);
    // Asleep, only what its connection costs is left.
    world.say(instance, Output::Sleep);
    let instance = world.stopping(greenroom_core::StopReason::Sleep).await;
    world.say(instance, Output::Stopped);
    settle().await;
    let asleep = weight(&world);
    assert_eq!((asleep.awake, asleep.state, asleep.queue), (false, 0, 0));
    assert_eq!(asleep.connections, 1);
    assert!(world.runtime.identity(instance).is_none());
}
