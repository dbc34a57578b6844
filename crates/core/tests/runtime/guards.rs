//! Events that only those hear whom the instance allows it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use greenroom_core::{
    ActorOptions, ClientMessage, CloseReason, ConnKey, Connection, HostEvent, Instance,
    OutboxReader, Output, StopReason, WhenSlow,
};
use greenroom_store::{MemoryStore, Store, StoreError, testing::FaultStore};
use greenroom_types::{ActorError, ActorId, limits};

use crate::{
    host::replace_root,
    manual::{Manual, client, settle},
};

/// An awake actor with one connection, and `secret` as a guarded event.
struct Guarded {
    manual: Manual,
    id: ActorId,
    instance: Instance,
    conn: ConnKey,
    connection: Connection,
    reader: OutboxReader,
}

async fn guarded(store: Arc<dyn Store>) -> Guarded {
    let mut options = ActorOptions::default();
    options.guarded_events = Arc::new(BTreeSet::from(["secret".to_owned()]));
    let mut manual = Manual::with_options(store, options);
    let id = manual.actor().await;
    let (request, mut reader) = client();
    let runtime = manual.runtime.clone();
    let connecting = tokio::spawn(async move { runtime.connect(id, request).await });
    let instance = manual.started(replace_root(0)).await;
    let (_, conn) = manual.connecting().await;
    manual.say(instance, Output::Accept { conn });
    let connection = connecting.await.unwrap().unwrap();
    assert!(matches!(
        reader.recv().await,
        Some(ClientMessage::Init { .. })
    ));
    Guarded {
        manual,
        id,
        instance,
        conn,
        connection,
        reader,
    }
}

async fn in_memory() -> Guarded {
    guarded(Arc::new(MemoryStore::new())).await
}

fn event(name: &str) -> Output {
    Output::Event {
        to: None,
        name: name.to_owned(),
        args: Bytes::from_static(&[0x80]),
        when_slow: WhenSlow::Disconnect,
    }
}

impl Guarded {
    async fn subscribe(&self, event: &str, on: bool) {
        self.connection
            .subscribe(event.to_owned(), on)
            .await
            .unwrap();
    }

    /// Expects to be asked about `secret`, and gives the ticket.
    async fn asked(&mut self) -> u32 {
        match self.manual.next().await {
            (instance, HostEvent::Subscribe(ask)) => {
                assert_eq!((ask.conn, &*ask.event), (self.conn, "secret"));
                self.instance = instance;
                ask.ticket
            }
            (_, other) => panic!("expected a question, got {other:?}"),
        }
    }

    fn allow(&self, ticket: u32) -> Output {
        Output::Subscribe {
            conn: self.conn,
            ticket,
        }
    }

    fn say(&self, outputs: impl IntoIterator<Item = Output>) {
        self.manual.turn(self.instance, Bytes::new(), outputs);
    }

    /// The names of the events that have arrived.
    async fn heard(&mut self) -> Vec<String> {
        settle().await;
        let mut messages = Vec::new();
        let take = self.reader.recv_many(&mut messages, 100);
        let _ = tokio::time::timeout(Duration::ZERO, take).await;
        let name = |message: ClientMessage| match message {
            ClientMessage::Event(event) => event.name().to_owned(),
            other => format!("{other:?}"),
        };
        messages.into_iter().map(name).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_heard_before_the_instance_allows_it() {
    let mut guarded = in_memory().await;
    guarded.subscribe("secret", true).await;
    guarded.subscribe("open", true).await;
    let ticket = guarded.asked().await;
    guarded.say([event("secret"), event("open")]);
    assert_eq!(guarded.heard().await, ["open"], "not asked about");
    // In one turn: from here on.
    guarded.say([event("secret"), guarded.allow(ticket), event("secret")]);
    assert_eq!(guarded.heard().await, ["secret"]);
    // Twice is once, and is not asked again.
    guarded.subscribe("secret", true).await;
    assert!(guarded.manual.now().await.is_none());
    guarded.say([event("secret")]);
    assert_eq!(guarded.heard().await, ["secret"]);
    guarded.subscribe("secret", false).await;
    settle().await;
    guarded.say([event("secret")]);
    assert_eq!(guarded.heard().await, [""; 0]);
    guarded.subscribe("secret", true).await;
    assert_ne!(guarded.asked().await, ticket);
}

#[tokio::test(start_paused = true)]
async fn a_decision_waits_for_the_commit_that_it_depends_on() {
    let store = Arc::new(FaultStore::new());
    let mut guarded = guarded(Arc::clone(&store) as Arc<dyn Store>).await;
    guarded.subscribe("secret", true).await;
    let ticket = guarded.asked().await;
    store.pause_syncs();
    let outputs = [guarded.allow(ticket), event("secret")];
    guarded
        .manual
        .turn(guarded.instance, replace_root(1), outputs);
    store.until_held(1).await;
    assert_eq!(guarded.heard().await, [""; 0]);
    store.release_syncs();
    while guarded.heard().await != ["secret"] {}
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_and_costs_the_subscription_only() {
    let mut guarded = in_memory().await;
    guarded.subscribe("secret", true).await;
    guarded.subscribe("open", true).await;
    let ticket = guarded.asked().await;
    let refuse = Output::RefuseSubscription {
        conn: guarded.conn,
        ticket,
        error: ActorError::forbidden("no"),
    };
    guarded.say([refuse]);
    assert!(matches!(
        guarded.reader.recv().await,
        Some(ClientMessage::Error { id: None, error }) if error.code == "forbidden"
    ));
    guarded.say([event("secret"), event("open")]);
    assert_eq!(guarded.heard().await, ["open"]);
    // Another try is another question.
    guarded.subscribe("secret", true).await;
    guarded.asked().await;
}

#[tokio::test(start_paused = true)]
async fn answers_that_nobody_waits_for_any_more_change_nothing() {
    let mut guarded = in_memory().await;
    guarded.subscribe("secret", true).await;
    let first = guarded.asked().await;
    guarded.subscribe("secret", true).await;
    assert!(guarded.manual.now().await.is_none(), "asked already");
    guarded.subscribe("secret", false).await;
    guarded.subscribe("secret", true).await;
    let second = guarded.asked().await;
    let stranger = Output::Subscribe {
        conn: ConnKey(4711),
        ticket: second,
    };
    guarded.say([guarded.allow(first), guarded.allow(second + 1), stranger]);
    guarded.say([event("secret")]);
    assert_eq!(guarded.heard().await, [""; 0]);
    guarded.say([
        guarded.allow(second),
        guarded.allow(second),
        event("secret"),
    ]);
    assert_eq!(guarded.heard().await, ["secret"]);
    // And one about a connection that is gone.
    guarded.subscribe("secret", false).await;
    guarded.subscribe("secret", true).await;
    let third = guarded.asked().await;
    let Guarded { connection, .. } = guarded;
    drop(connection);
    assert!(matches!(
        guarded.manual.next().await,
        (_, HostEvent::Disconnect(_))
    ));
    let allow = Output::Subscribe {
        conn: guarded.conn,
        ticket: third,
    };
    let outputs = [allow, event("secret")];
    guarded.manual.turn(guarded.instance, Bytes::new(), outputs);
    settle().await;
    assert!(guarded.reader.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_actor_stays_awake_while_it_decides_and_subscriptions_outlive_its_sleep() {
    let mut guarded = in_memory().await;
    guarded.subscribe("secret", true).await;
    let ticket = guarded.asked().await;
    tokio::time::sleep(limits::SLEEP_TIMEOUT * 2).await;
    assert!(guarded.manual.now().await.is_none(), "it does not sleep");
    guarded.say([guarded.allow(ticket)]);
    let instance = guarded.manual.stopping(StopReason::Sleep).await;
    guarded.manual.say(instance, Output::Stopped);
    settle().await;
    // Nothing to ask, so nothing to wake up for.
    guarded.subscribe("secret", true).await;
    guarded.subscribe("open", true).await;
    assert!(guarded.manual.now().await.is_none());
    guarded.subscribe("secret", false).await;
    guarded.subscribe("secret", true).await;
    let woken = guarded.manual.started(Bytes::new()).await;
    assert_ne!(woken, instance);
    let ticket = guarded.asked().await;
    guarded.say([guarded.allow(ticket), event("secret"), event("open")]);
    assert_eq!(guarded.heard().await, ["secret", "open"]);
}

#[tokio::test(start_paused = true)]
async fn what_an_instance_leaves_undecided_the_next_one_decides() {
    let mut guarded = in_memory().await;
    guarded.subscribe("secret", true).await;
    let first = guarded.asked().await;
    guarded.say([Output::Sleep]);
    // It sleeps when its grace period is over.
    let instance = guarded.manual.stopping(StopReason::Sleep).await;
    guarded.manual.say(instance, Output::Stopped);
    guarded.manual.started(Bytes::new()).await;
    let second = guarded.asked().await;
    assert_ne!(first, second);
    guarded.manual.say(instance, guarded.allow(first));
    guarded.say([event("secret")]);
    assert_eq!(guarded.heard().await, [""; 0]);
    guarded.say([guarded.allow(second), event("secret")]);
    assert_eq!(guarded.heard().await, ["secret"]);
}

#[tokio::test(start_paused = true)]
async fn who_takes_back_what_waits_for_the_next_instance_hears_nothing() {
    let mut guarded = in_memory().await;
    let (request, mut reader) = client();
    let (runtime, id) = (guarded.manual.runtime.clone(), guarded.id);
    let connecting = tokio::spawn(async move { runtime.connect(id, request).await });
    let (instance, conn) = guarded.manual.connecting().await;
    let connection = connecting.await.unwrap().unwrap();
    // Said before the actor lets it in, which it does as it goes to sleep.
    connection.subscribe("secret".into(), true).await.unwrap();
    connection.subscribe("secret".into(), false).await.unwrap();
    settle().await;
    guarded.say([Output::Sleep]);
    guarded.manual.stopping(StopReason::Sleep).await;
    guarded.say([Output::Accept { conn }, Output::Stopped]);
    guarded.manual.started(Bytes::new()).await;
    (guarded.instance, guarded.conn) = (instance, conn);
    let ticket = guarded.asked().await;
    guarded.say([guarded.allow(ticket), event("secret")]);
    std::mem::swap(&mut guarded.reader, &mut reader);
    let heard = guarded.heard().await;
    assert!(heard.iter().all(|name| name != "secret"), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_whose_question_is_lost_has_to_connect_again() {
    let store = Arc::new(FaultStore::new());
    let mut guarded = guarded(Arc::clone(&store) as Arc<dyn Store>).await;
    guarded.subscribe("secret", true).await;
    let ticket = guarded.asked().await;
    store.fail_append(1, StoreError::Full("no space".into()));
    let outputs = [guarded.allow(ticket), event("secret")];
    guarded
        .manual
        .turn(guarded.instance, replace_root(1), outputs);
    assert!(matches!(
        guarded.reader.recv().await,
        Some(ClientMessage::Error { id: None, error }) if error.code == "store_unavailable"
    ));
    assert!(matches!(
        guarded.reader.recv().await,
        Some(ClientMessage::Close(CloseReason::Refused(_)))
    ));
    assert!(guarded.reader.recv().await.is_none());
    assert_eq!(guarded.manual.runtime.live_actors(), 0, "{}", guarded.id);
}

#[tokio::test(start_paused = true)]
async fn questions_count_as_subscriptions() {
    let mut guarded = in_memory().await;
    for index in 0..limits::SUBSCRIPTIONS_PER_CONN - 1 {
        guarded.subscribe(&index.to_string(), true).await;
    }
    guarded.subscribe("secret", true).await;
    let ticket = guarded.asked().await;
    guarded.subscribe("one more", true).await;
    let refused = guarded.heard().await;
    assert!(
        refused.len() == 1 && refused[0].contains("overloaded"),
        "{refused:?}"
    );
    guarded.say([guarded.allow(ticket), event("secret"), event("one more")]);
    assert_eq!(guarded.heard().await, ["secret"]);
}
