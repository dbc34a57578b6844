use bytes::Bytes;
use greenroom_core::{
    ActorOptions, ClientFacts, ClientInfo, ClientMessage, CloseReason, ConnRequest, Resuming,
    outbox,
};
use std::{sync::Arc, time::Duration};

use greenroom_store::MemoryStore;

use crate::host::{World, act};

#[tokio::test(start_paused = true)]
async fn an_event_precedes_the_reply_of_its_action_and_reaches_subscribers_only() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    let (caller, mut to_caller) = world.connect(id).await;
    let (other, mut to_other) = world.connect(id).await;
    caller.subscribe("count".into(), true).await.unwrap();
    caller
        .action(5, "add_and_tell".into(), Bytes::from_static(&[0x80]), true)
        .await
        .unwrap();
    assert!(matches!(to_caller.recv().await, Some(ClientMessage::Event(e)) if e.name() == "count"));
    assert!(matches!(
        to_caller.recv().await,
        Some(ClientMessage::Response { id: 5, .. })
    ));
    assert_eq!(act(&other, &mut to_other, "get").await, Ok(1));
    caller.subscribe("count".into(), false).await.unwrap();
    assert_eq!(act(&caller, &mut to_caller, "add_and_tell").await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_is_told_why_and_closed() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    let (sender, mut reader) = outbox();
    let request = ConnRequest {
        raw: false,
        client: ClientInfo::from(ClientFacts {
            params: Some(Bytes::from_static(&[0xf4])),
            ..ClientFacts::default()
        }),
        streams: true,
        resuming: Resuming::Never,
        outbox: sender,
    };
    let connection = world.runtime.connect(id, request).await.unwrap();
    assert!(
        matches!(reader.recv().await, Some(ClientMessage::Error { id: None, error }) if error.code == "no_entry")
    );
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Close(CloseReason::Refused(_)))
    ));
    assert!(reader.recv().await.is_none());
    drop(connection);
    assert_eq!(world.call(id, "get").await, Ok(0));
    assert!(!world.seen.lines().contains(&"disconnect".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn connections_survive_sleep_and_wake_the_actor() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    let (connection, mut reader) = world.connect(id).await;
    connection.subscribe("count".into(), true).await.unwrap();
    world.seen.wait_for("sleep", 1).await;
    // No second Init; the subscription is still there.
    connection
        .action(1, "add_and_tell".into(), Bytes::from_static(&[0x80]), true)
        .await
        .unwrap();
    assert!(matches!(reader.recv().await, Some(ClientMessage::Event(_))));
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Response { .. })
    ));
    assert!(
        world
            .seen
            .lines()
            .contains(&r#"restored Some("conn state")"#.to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn closing_tells_the_actor_after_the_calls_made_before() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    let (connection, _reader) = world.connect(id).await;
    connection
        .action(1, "add".into(), Bytes::from_static(&[0x80]), true)
        .await
        .unwrap();
    drop(connection);
    world.seen.wait_for("disconnect", 1).await;
    assert_eq!(world.call(id, "get").await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn the_actor_can_disconnect_a_client() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    let (connection, mut reader) = world.connect(id).await;
    connection
        .action(1, "kick".into(), Bytes::from_static(&[0x80]), true)
        .await
        .unwrap();
    let expected = CloseReason::Disconnected("kicked".into());
    assert!(
        matches!(reader.recv().await, Some(ClientMessage::Close(reason)) if reason == expected)
    );
    world.seen.wait_for("disconnect", 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_dropped_and_does_not_hold_up_others() {
    let mut options = ActorOptions::default();
    options.max_connection_backlog = 2000;
    let world = World::with_options(Arc::new(MemoryStore::new()), options);
    let id = world.actor("a").await;
    let (sender, mut stalled) = outbox();
    let stalled_connection = world
        .runtime
        .connect(
            id,
            ConnRequest {
                client: ClientInfo::default(),
                streams: true,
                resuming: Resuming::Never,
                raw: false,
                outbox: sender,
            },
        )
        .await
        .unwrap();
    stalled_connection
        .subscribe("count".into(), true)
        .await
        .unwrap();
    let (fast, mut to_fast) = world.connect(id).await;
    fast.subscribe("count".into(), true).await.unwrap();
    for _ in 0..20 {
        fast.action(1, "add_and_tell".into(), Bytes::from_static(&[0x80]), true)
            .await
            .unwrap();
        assert!(matches!(
            to_fast.recv().await,
            Some(ClientMessage::Event(_))
        ));
        assert!(matches!(
            to_fast.recv().await,
            Some(ClientMessage::Response { .. })
        ));
    }
    world.seen.wait_for("disconnect", 1).await;
    let mut last = None;
    while let Some(message) = stalled.recv().await {
        last = Some(message);
    }
    assert!(matches!(
        last,
        Some(ClientMessage::Close(CloseReason::TooSlow))
    ));
    drop(stalled_connection);
}

#[tokio::test(start_paused = true)]
async fn an_asleep_actor_without_connections_has_no_task() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    assert_eq!(world.call(id, "add").await, Ok(1));
    assert_eq!(world.runtime.live_actors(), 1);
    world.seen.wait_for("sleep", 1).await;
    while world.runtime.live_actors() > 0 {
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    assert_eq!(world.call(id, "get").await, Ok(1));
}
