//! A host that does nothing by itself: the test is told what the runtime wants and answers by hand.

use std::{num::NonZeroU32, sync::Arc};

use bytes::Bytes;
use greenroom_core::{
    ActorHost, ActorOptions, CallId, ClientInfo, ConnKey, ConnRequest, HostEvent, Instance,
    OutboxReader, Output, Resuming, Runtime, StopReason, Turn, outbox,
};
use greenroom_store::Store;
use greenroom_types::ActorId;
use tokio::sync::mpsc;

use crate::host::{TestEnv, name, one, replace_root, request, start, uint};

/// Panics when it is to run an action of this name.
pub(crate) const PANIC: &str = "panic in the host";

struct Forwarder {
    events: mpsc::UnboundedSender<(Instance, HostEvent)>,
    lanes: NonZeroU32,
}

impl ActorHost for Forwarder {
    fn deliver(&self, instance: Instance, event: HostEvent) {
        if let HostEvent::Call(call) = &event {
            assert_ne!(call.name, PANIC, "this is what the test asked for");
        }
        // After the test nobody listens.
        let _ = self.events.send((instance, event));
    }

    fn lanes(&self) -> NonZeroU32 {
        self.lanes
    }

    fn flush(&self) {}
}

/// A runtime whose host is the test.
pub(crate) struct Manual {
    pub(crate) runtime: Runtime,
    events: mpsc::UnboundedReceiver<(Instance, HostEvent)>,
}

impl Manual {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self::with_options(store, ActorOptions::default())
    }

    pub(crate) fn with_options(store: Arc<dyn Store>, options: ActorOptions) -> Self {
        Self::on_lanes(store, options, NonZeroU32::MIN)
    }

    /// With a host of so many threads.
    pub(crate) fn on_lanes(
        store: Arc<dyn Store>,
        options: ActorOptions,
        lanes: NonZeroU32,
    ) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let forwarder = Forwarder {
            events: sender,
            lanes,
        };
        let runtime = start(
            store,
            Arc::new(forwarder),
            Arc::new(TestEnv::new()),
            options,
        );
        Self { runtime, events }
    }

    pub(crate) async fn actor(&self) -> ActorId {
        self.actor_of("a").await
    }

    /// The actor with this key.
    pub(crate) async fn actor_of(&self, key: &str) -> ActorId {
        let (name, key) = (name(), one(key));
        let created = self.runtime.get_or_create(&name, &key, None).await;
        created.expect("created").0.id
    }

    /// The next thing that the runtime wants.
    pub(crate) async fn next(&mut self) -> (Instance, HostEvent) {
        self.events.recv().await.expect("the runtime runs")
    }

    /// What the runtime wants at the moment, if anything.
    pub(crate) async fn now(&mut self) -> Option<HostEvent> {
        settle().await;
        self.events.try_recv().ok().map(|(_, event)| event)
    }

    /// Expects a start and completes it with `changes`.
    pub(crate) async fn started(&mut self, changes: Bytes) -> Instance {
        let (instance, event) = self.next().await;
        assert!(matches!(event, HostEvent::Start(_)), "{event:?}");
        self.turn(instance, changes, [Output::Started]);
        instance
    }

    /// An actor that is awake and has answered.
    pub(crate) async fn awake(&mut self) -> (ActorId, Instance) {
        let (runtime, id) = (self.runtime.clone(), self.actor().await);
        let first = tokio::spawn(async move { runtime.call(id, request("wake")).await });
        let instance = self.started(replace_root(0)).await;
        let (_, call) = self.called().await;
        self.say(instance, reply(call));
        first.await.expect("it runs").expect("it is answered");
        (id, instance)
    }

    /// Expects a call and gives its number.
    pub(crate) async fn called(&mut self) -> (Instance, CallId) {
        match self.next().await {
            (instance, HostEvent::Call(call)) => (instance, call.call),
            (_, other) => panic!("expected a call, got {other:?}"),
        }
    }

    /// Expects a client that wants to connect.
    pub(crate) async fn connecting(&mut self) -> (Instance, ConnKey) {
        match self.next().await {
            (instance, HostEvent::Connect(connect)) => (instance, connect.conn),
            (_, other) => panic!("expected a connection, got {other:?}"),
        }
    }

    /// Expects to be stopped for `reason`.
    pub(crate) async fn stopping(&mut self, reason: StopReason) -> Instance {
        let (instance, event) = self.next().await;
        assert!(
            matches!(event, HostEvent::Stop(other) if other == reason),
            "{event:?}"
        );
        instance
    }

    /// Hands over a strict turn.
    pub(crate) fn turn(
        &self,
        instance: Instance,
        changes: Bytes,
        outputs: impl IntoIterator<Item = Output>,
    ) {
        let turn = Turn {
            changes,
            outputs: outputs.into_iter().collect(),
            ..Turn::default()
        };
        self.runtime.turn(instance, turn);
    }

    /// Hands over a turn that changes nothing.
    pub(crate) fn say(&self, instance: Instance, output: Output) {
        self.turn(instance, Bytes::new(), [output]);
    }
}

/// The answer 0 to a call.
pub(crate) fn reply(call: CallId) -> Output {
    Output::Reply {
        call,
        result: Ok(uint(0)),
    }
}

pub(crate) fn client() -> (ConnRequest, OutboxReader) {
    let (outbox, reader) = outbox();
    (
        ConnRequest {
            client: ClientInfo::default(),
            streams: true,
            resuming: Resuming::Never,
            raw: false,
            outbox,
        },
        reader,
    )
}

/// Lets every other task run until none has anything to do.
pub(crate) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}
