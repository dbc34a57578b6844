//! Raw WebSockets: what keeps an actor awake, what outlives its sleep, and which messages are told again.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use greenroom_core::{
    ActorOptions, ClientFacts, ClientInfo, ClientMessage, CloseReason, ConnKey, ConnRequest,
    Connection, HostEvent, Instance, OutboxReader, Output, Resuming, SocketClose, SocketMessage,
    StopReason, outbox,
};
use greenroom_store::{MemoryStore, Store, StoreError, testing::FaultStore};
use greenroom_types::{ActorId, limits};

use crate::{
    host::replace_root,
    manual::{Manual, settle},
};

/// Long after every actor that can sleep does.
const LONG: Duration = Duration::from_secs(3600);

fn on(store: Arc<dyn Store>) -> Manual {
    let mut options = ActorOptions::default();
    options.notices_departures = true;
    Manual::with_options(store, options)
}

fn memory() -> Manual {
    on(Arc::new(MemoryStore::new()))
}

fn text(text: &'static str) -> SocketMessage {
    SocketMessage {
        text: true,
        data: Bytes::from_static(text.as_bytes()),
    }
}

/// A socket, as everybody who has to do with it sees it.
struct Line {
    id: ActorId,
    instance: Instance,
    conn: ConnKey,
    connection: Connection,
    reader: OutboxReader,
}

/// A new actor with one admitted socket.
async fn open(manual: &mut Manual, hibernates: bool) -> Line {
    let id = manual.actor().await;
    let (outbox, mut reader) = outbox();
    let request = ConnRequest {
        client: ClientInfo::from(ClientFacts {
            request: Some(Bytes::from_static(b"request")),
            ..ClientFacts::default()
        }),
        streams: false,
        resuming: Resuming::Never,
        raw: true,
        outbox,
    };
    let runtime = manual.runtime.clone();
    let connecting = tokio::spawn(async move { runtime.connect(id, request).await.unwrap() });
    manual.started(replace_root(0)).await;
    let (instance, event) = manual.next().await;
    let HostEvent::SocketConnect(connect) = event else {
        panic!("expected a raw WebSocket, got {event:?}");
    };
    assert_eq!(connect.client.request.as_deref(), Some(&b"request"[..]));
    let conn = connect.conn;
    manual.say(instance, Output::AcceptSocket { conn, hibernates });
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Init { .. })
    ));
    Line {
        id,
        instance,
        conn,
        connection: connecting.await.unwrap(),
        reader,
    }
}

/// Expects a message and gives what it says.
async fn heard(manual: &mut Manual) -> String {
    match manual.next().await {
        (_, HostEvent::SocketMessage(_, message)) => {
            String::from_utf8(message.data.into()).unwrap()
        }
        (_, other) => panic!("expected a message, got {other:?}"),
    }
}

fn handled(conn: ConnKey, count: u32) -> Output {
    Output::SocketHandled { conn, count }
}

/// Expects to be put to sleep, and does so.
async fn sleeps(manual: &mut Manual) {
    let instance = manual.stopping(StopReason::Sleep).await;
    manual.say(instance, Output::Stopped);
    settle().await;
}

/// Expects a start with so many sockets, and completes it.
async fn wakes(manual: &mut Manual, sockets: usize) -> Instance {
    let (instance, event) = manual.next().await;
    let HostEvent::Start(start) = event else {
        panic!("expected a start, got {event:?}");
    };
    assert_eq!(start.conns.len(), sockets);
    for conn in &start.conns {
        assert!(conn.raw);
        assert_eq!(conn.client.request.as_deref(), Some(&b"request"[..]));
    }
    manual.say(instance, Output::Started);
    instance
}

#[tokio::test(start_paused = true)]
async fn a_socket_keeps_its_actor_awake_unless_it_hibernates() {
    let mut manual = memory();
    let line = open(&mut manual, false).await;
    tokio::time::sleep(LONG).await;
    assert!(manual.now().await.is_none());
    drop(line.connection);
    assert!(matches!(
        manual.now().await,
        Some(HostEvent::SocketClosed(conn, close)) if conn == line.conn && close == SocketClose::broken()
    ));
    sleeps(&mut manual).await;

    let mut manual = memory();
    let mut line = open(&mut manual, true).await;
    sleeps(&mut manual).await;
    line.connection.message(text("hello")).await.unwrap();
    let instance = wakes(&mut manual, 1).await;
    assert_eq!(heard(&mut manual).await, "hello");
    let conn = line.conn;
    let message = text("back");
    manual.say(instance, Output::SocketSend { conn, message });
    assert!(
        matches!(line.reader.recv().await, Some(ClientMessage::Raw(said)) if said == text("back"))
    );
    // What is not handled yet keeps it awake, too.
    tokio::time::sleep(LONG).await;
    assert!(manual.now().await.is_none());
    manual.say(instance, handled(conn, 1));
    sleeps(&mut manual).await;
}

#[tokio::test(start_paused = true)]
async fn a_sleep_that_is_asked_for_closes_the_sockets_that_do_not_hibernate() {
    let mut manual = memory();
    let mut line = open(&mut manual, false).await;
    manual.runtime.sleep(line.id).unwrap();
    sleeps(&mut manual).await;
    assert!(matches!(
        line.reader.recv().await,
        Some(ClientMessage::Close(CloseReason::Closed(close))) if close == SocketClose::going_away()
    ));
    assert!(line.connection.message(text("late")).await.is_err());
    drop(line.connection);
    assert!(manual.now().await.is_none(), "nobody is woken by that");
}

#[tokio::test(start_paused = true)]
async fn messages_are_told_again_until_they_are_handled_durably() {
    let store = Arc::new(FaultStore::new());
    let mut manual = on(Arc::clone(&store) as Arc<dyn Store>);
    let line = open(&mut manual, true).await;
    for said in ["one", "two", "three"] {
        line.connection.message(text(said)).await.unwrap();
        assert_eq!(heard(&mut manual).await, said);
    }
    manual.turn(line.instance, replace_root(1), [handled(line.conn, 1)]);
    settle().await;
    store.fail_append(1, StoreError::Full("no room".into()));
    manual.turn(line.instance, replace_root(2), [handled(line.conn, 1)]);
    assert!(matches!(manual.now().await, Some(HostEvent::Drop)));
    // It wakes by itself: a client waits for what comes of its message.
    let instance = wakes(&mut manual, 1).await;
    assert_eq!(heard(&mut manual).await, "two");
    assert_eq!(heard(&mut manual).await, "three");
    assert!(manual.now().await.is_none());
    // But not again and again when that does not help.
    store.fail_append(1, StoreError::Full("no room".into()));
    manual.turn(instance, replace_root(3), [handled(line.conn, 2)]);
    assert!(matches!(manual.now().await, Some(HostEvent::Drop)));
    tokio::time::sleep(LONG).await;
    assert!(manual.now().await.is_none());
    line.connection.message(text("four")).await.unwrap();
    let instance = wakes(&mut manual, 1).await;
    for said in ["two", "three", "four"] {
        assert_eq!(heard(&mut manual).await, said);
    }
    manual.turn(instance, replace_root(4), [handled(line.conn, 3)]);
    sleeps(&mut manual).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_instance_takes_the_sockets_along_that_do_not_hibernate() {
    let store = Arc::new(FaultStore::new());
    let mut manual = on(Arc::clone(&store) as Arc<dyn Store>);
    let mut line = open(&mut manual, false).await;
    settle().await;
    store.fail_append(1, StoreError::Full("no room".into()));
    let conn = line.conn;
    let message = text("never said");
    let say = Output::SocketSend { conn, message };
    manual.turn(line.instance, replace_root(1), [say]);
    assert!(matches!(
        line.reader.recv().await,
        Some(ClientMessage::Close(CloseReason::Refused(error))) if error.code == "store_unavailable"
    ));
}

#[tokio::test(start_paused = true)]
async fn what_is_said_on_a_socket_waits_for_its_commit() {
    let store = Arc::new(FaultStore::new());
    let mut manual = on(Arc::clone(&store) as Arc<dyn Store>);
    let mut line = open(&mut manual, true).await;
    settle().await;
    store.pause_syncs();
    let conn = line.conn;
    let close = SocketClose {
        code: 4000,
        reason: "bye".to_owned(),
    };
    let outputs = [
        Output::SocketSend {
            conn,
            message: text("said"),
        },
        Output::SocketClose {
            conn,
            close: close.clone(),
        },
    ];
    manual.turn(line.instance, replace_root(1), outputs);
    settle().await;
    let nothing = tokio::time::timeout(Duration::from_secs(1), line.reader.recv()).await;
    assert!(nothing.is_err());
    store.release_syncs();
    assert!(matches!(
        line.reader.recv().await,
        Some(ClientMessage::Raw(_))
    ));
    assert!(matches!(
        line.reader.recv().await,
        Some(ClientMessage::Close(CloseReason::Closed(said))) if said == close
    ));
    assert!(matches!(manual.now().await, Some(HostEvent::SocketClosed(_, told)) if told == close));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_too_much_is_held_up_until_it_is_heard() {
    let mut manual = memory();
    let line = open(&mut manual, true).await;
    let half = Bytes::from(vec![0; limits::SOCKET_WINDOW / 2]);
    let large = SocketMessage {
        text: false,
        data: half,
    };
    line.connection.message(large.clone()).await.unwrap();
    let more = line.connection.message(large);
    let mut more = Box::pin(more);
    assert!(
        tokio::time::timeout(Duration::from_secs(1), &mut more)
            .await
            .is_err()
    );
    assert_eq!(heard(&mut manual).await.len(), limits::SOCKET_WINDOW / 2);
    manual.say(line.instance, handled(line.conn, 1));
    more.await.unwrap();
    assert_eq!(heard(&mut manual).await.len(), limits::SOCKET_WINDOW / 2);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_the_actor_sleeps_is_told_of_when_it_wakes() {
    let mut manual = memory();
    let line = open(&mut manual, true).await;
    sleeps(&mut manual).await;
    // Nobody else is there: that is cause enough to wake up.
    let close = SocketClose {
        code: 4001,
        reason: "enough".to_owned(),
    };
    line.connection.closed_with(close.clone());
    wakes(&mut manual, 1).await;
    assert!(
        matches!(manual.now().await, Some(HostEvent::SocketClosed(conn, told)) if conn == line.conn && told == close)
    );
    sleeps(&mut manual).await;
    assert_eq!(manual.runtime.live_actors(), 0, "no task is left");
}

#[tokio::test(start_paused = true)]
async fn departures_do_not_make_an_actor_start_for_ever_that_cannot() {
    let mut manual = memory();
    let line = open(&mut manual, true).await;
    sleeps(&mut manual).await;
    drop(line.connection);
    let (instance, _) = manual.next().await;
    let error = greenroom_types::ActorError::internal();
    manual.say(instance, Output::StartFailed(error));
    settle().await;
    tokio::time::sleep(LONG).await;
    assert!(matches!(manual.now().await, Some(HostEvent::Drop) | None));
    assert!(manual.now().await.is_none());
    assert_eq!(manual.runtime.live_actors(), 0, "no task is left");
}

#[tokio::test(start_paused = true)]
async fn what_a_client_said_before_it_was_let_in_is_heard_though_it_has_left() {
    let mut manual = memory();
    let id = manual.actor().await;
    let (outbox, reader) = outbox();
    let request = ConnRequest {
        client: ClientInfo::default(),
        streams: false,
        resuming: Resuming::Never,
        raw: true,
        outbox,
    };
    let runtime = manual.runtime.clone();
    let connecting = tokio::spawn(async move { runtime.connect(id, request).await.unwrap() });
    let instance = manual.started(replace_root(0)).await;
    let Some(HostEvent::SocketConnect(connect)) = manual.now().await else {
        panic!("expected a raw WebSocket");
    };
    let connection = connecting.await.unwrap();
    for _ in 0..2 * limits::EARLY_MESSAGES {
        connection.message(text("early")).await.unwrap();
    }
    drop((connection, reader));
    settle().await;
    let conn = connect.conn;
    let hibernates = false;
    manual.say(instance, Output::AcceptSocket { conn, hibernates });
    for _ in 0..2 * limits::EARLY_MESSAGES {
        assert_eq!(heard(&mut manual).await, "early");
    }
    assert!(matches!(
        manual.now().await,
        Some(HostEvent::SocketClosed(..))
    ));
}
