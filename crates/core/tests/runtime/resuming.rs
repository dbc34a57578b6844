//! Clients that come back to an actor that keeps its events.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use greenroom_core::{
    ActorOptions, ClientInfo, ClientMessage, CloseReason, ConnRequest, Connection, OutboxReader,
    ResumeClaim, ResumePoint, Resuming, ResyncReason, WindowLimits, outbox,
};
use greenroom_store::{MemoryStore, Store, testing::FaultStore};
use greenroom_types::ActorId;

use crate::{
    host::{World, read_uint, request},
    manual::settle,
};

fn keeping(max_events: usize) -> ActorOptions {
    let mut options = ActorOptions::default();
    let max_events = max_events.max(1);
    options.resume = Some(WindowLimits {
        max_events,
        ..WindowLimits::default()
    });
    options
}

fn world(store: &Arc<FaultStore>) -> World {
    World::with_options(Arc::clone(store) as Arc<dyn Store>, keeping(100))
}

/// A client that listens, and where it is.
struct Follower {
    connection: Connection,
    reader: OutboxReader,
    at: ResumePoint,
    /// What came with `Init` if it could not come back.
    refused: Option<ResyncReason>,
}

/// Something that a follower is told, in short.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// An event: its number, and what it says.
    Event(u64, u64),
    Subscribed(u64),
    Resync(ResyncReason, u64, u64),
    Replaced,
    Refused,
    Other(String),
}

impl Follower {
    async fn connect(world: &World, id: ActorId, claim: Option<String>) -> Self {
        let claim = claim.map(|claim| ResumeClaim::parse(&claim).expect("it is one"));
        let (sender, mut reader) = outbox();
        let request = ConnRequest {
            client: ClientInfo::default(),
            streams: true,
            resuming: Resuming::Later(claim),
            raw: false,
            outbox: sender,
        };
        let connection = world.runtime.connect(id, request).await.unwrap();
        let init = reader.recv().await.unwrap();
        let ClientMessage::Init {
            resume, refused, ..
        } = init
        else {
            panic!("expected an Init, got {init:?}");
        };
        let refused = refused.map(|resync| resync.reason);
        let at = resume.unwrap_or(ResumePoint {
            proof: String::new(),
            number: 0,
        });
        Self {
            connection,
            reader,
            at,
            refused,
        }
    }

    /// One that listens to `count`.
    async fn new(world: &World, id: ActorId) -> Self {
        let mut follower = Self::connect(world, id, None).await;
        follower
            .connection
            .subscribe("count".into(), true)
            .await
            .unwrap();
        let Told::Subscribed(number) = follower.next().await else {
            panic!("it has subscribed");
        };
        follower.at.number = number;
        follower
    }

    /// What it would say when it comes back.
    fn claim(&self) -> String {
        format!("{}.{}", self.at.proof, self.at.number)
    }

    /// Its successor, which says what it had subscribed to.
    async fn back(self, world: &World, id: ActorId) -> Self {
        let follower = Self::connect(world, id, Some(self.claim())).await;
        assert_eq!(follower.at, self.at, "it is who it was, and where it was");
        follower.resume().await;
        follower
    }

    async fn resume(&self) {
        // In two parts, of which the first is not all.
        self.connection.resume(vec![], true).await.unwrap();
        let events = vec!["count".into()];
        self.connection.resume(events, false).await.unwrap();
    }

    async fn next(&mut self) -> Told {
        let told = match self.reader.recv().await.expect("the connection goes on") {
            ClientMessage::Event(event) => {
                Told::Event(event.number().expect("it is kept"), read_uint(event.args()))
            }
            ClientMessage::Subscribed { number, .. } => Told::Subscribed(number),
            ClientMessage::Resync(resync) => Told::Resync(resync.reason, resync.from, resync.to),
            ClientMessage::Close(CloseReason::Replaced) => Told::Replaced,
            ClientMessage::Close(CloseReason::Refused(_)) => Told::Refused,
            other => Told::Other(format!("{other:?}")),
        };
        if let Told::Event(number, _) = told {
            assert!(number > self.at.number, "{number} after {}", self.at.number);
            self.at.number = number;
        }
        told
    }

    /// What it is told at the moment.
    async fn heard(&mut self) -> Vec<Told> {
        settle().await;
        let mut all = Vec::new();
        while let Ok(told) = tokio::time::timeout(Duration::ZERO, self.next()).await {
            all.push(told);
        }
        all
    }

    /// The same, of which everything has to be an event.
    async fn events(&mut self) -> Vec<u64> {
        let events = self.heard().await.into_iter().map(|told| match told {
            Told::Event(_, count) => count,
            other => panic!("expected an event, got {other:?}"),
        });
        events.collect()
    }
}

async fn tell(world: &World, id: ActorId, times: usize) {
    for _ in 0..times {
        world.call(id, "add_and_tell").await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_alone_is_a_commit_and_waits_for_it() {
    let store = Arc::new(FaultStore::new());
    let world = world(&store);
    let id = world.actor("a").await;
    let mut follower = Follower::new(&world, id).await;
    follower
        .connection
        .subscribe("told".into(), true)
        .await
        .unwrap();
    assert_eq!(follower.heard().await, [Told::Subscribed(0)]);
    store.pause_syncs();
    let runtime = world.runtime.clone();
    let call = tokio::spawn(async move { runtime.call(id, request("tell")).await });
    store.until_held(1).await;
    assert_eq!(follower.heard().await, []);
    assert!(!call.is_finished());
    store.release_syncs();
    assert_eq!(follower.next().await, Told::Event(1, 0));
    call.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_keeps_nothing_writes_nothing_for_its_events() {
    let store = Arc::new(FaultStore::new());
    let world = World::new(Arc::clone(&store) as Arc<dyn Store>);
    let id = world.actor("a").await;
    world.call(id, "get").await.unwrap();
    store.pause_syncs();
    let mut follower = Follower::connect(&world, id, None).await;
    assert_eq!(follower.at.proof, "");
    follower
        .connection
        .subscribe("told".into(), true)
        .await
        .unwrap();
    world.call(id, "tell").await.unwrap();
    assert_eq!(store.held(), 0);
    let told = follower.reader.recv().await.unwrap();
    assert!(matches!(told, ClientMessage::Event(event) if event.number().is_none()));
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_back_gets_what_it_missed_whatever_a_crash_kept() {
    for kept in 0..=4 {
        let store = Arc::new(FaultStore::new());
        let before = world(&store);
        let id = before.actor("a").await;
        let mut follower = Follower::new(&before, id).await;
        tell(&before, id, 2).await;
        assert_eq!(follower.events().await, [1, 2]);
        store.pause_syncs();
        for _ in 0..4 {
            let runtime = before.runtime.clone();
            tokio::spawn(async move { runtime.call(id, request("add_and_tell")).await });
        }
        store.until_held(4).await;
        assert_eq!(follower.heard().await, [], "nothing of it is durable");
        let after = world(&Arc::new(store.crash(kept)));
        let mut follower = follower.back(&after, id).await;
        let kept = kept as u64;
        assert_eq!(follower.events().await, (3..=2 + kept).collect::<Vec<_>>());
        tell(&after, id, 1).await;
        assert_eq!(follower.events().await, [3 + kept]);
        // Nor is there anything left for the next time.
        let mut follower = follower.back(&after, id).await;
        assert_eq!(follower.events().await, [0; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscription_begins_behind_what_is_told_though_more_is_stored() {
    let store = Arc::new(FaultStore::new());
    let world = world(&store);
    let id = world.actor("a").await;
    let (deaf, _) = (Follower::connect(&world, id, None).await, ());
    tell(&world, id, 1).await;
    store.pause_syncs();
    let runtime = world.runtime.clone();
    let lost = tokio::spawn(async move { runtime.call(id, request("add_and_tell")).await });
    store.until_held(1).await;
    // The commit makes it, its event is not let out by this instance.
    world.runtime.crash(id);
    lost.await.unwrap().unwrap_err();
    let mut listener = deaf;
    listener
        .connection
        .subscribe("count".into(), true)
        .await
        .unwrap();
    assert_eq!(listener.next().await, Told::Subscribed(1));
    store.release_syncs();
    world.call(id, "get").await.unwrap();
    assert_eq!(listener.next().await, Told::Event(2, 2));
    tell(&world, id, 1).await;
    assert_eq!(listener.next().await, Told::Event(3, 3));
}

#[tokio::test(start_paused = true)]
async fn until_it_has_said_what_it_heard_a_client_that_is_back_hears_nothing() {
    let world = world(&Arc::new(FaultStore::new()));
    let id = world.actor("a").await;
    let follower = Follower::new(&world, id).await;
    tell(&world, id, 1).await;
    let mut back = Follower::connect(&world, id, Some(follower.claim())).await;
    back.connection
        .subscribe("told".into(), true)
        .await
        .unwrap();
    world.call(id, "tell").await.unwrap();
    tell(&world, id, 1).await;
    assert_eq!(back.heard().await, []);
    back.resume().await;
    // The subscription that began meanwhile is confirmed behind what is older.
    let expected = [
        Told::Event(1, 1),
        Told::Event(2, 1),
        Told::Event(3, 2),
        Told::Subscribed(3),
    ];
    assert_eq!(back.heard().await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_connection_takes_the_place_of_the_one_before() {
    let world = world(&Arc::new(FaultStore::new()));
    let id = world.actor("a").await;
    let mut old = Follower::new(&world, id).await;
    let claim = old.claim();
    let mut new = Follower::connect(&world, id, Some(claim)).await;
    new.resume().await;
    assert_eq!(old.next().await, Told::Replaced);
    world.seen.wait_for("disconnect", 1).await;
    tell(&world, id, 1).await;
    assert_eq!(new.next().await, Told::Event(1, 1));
    assert!(old.reader.recv().await.is_none());
    // Its end is no news any more.
    drop(old);
    tell(&world, id, 1).await;
    assert_eq!(new.next().await, Told::Event(2, 2));
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_to_one_connection_is_for_its_successor_only() {
    let world = world(&Arc::new(FaultStore::new()));
    let id = world.actor("a").await;
    let (own, other) = (
        Follower::new(&world, id).await,
        Follower::new(&world, id).await,
    );
    let args = Bytes::from_static(&[0x80]);
    own.connection
        .action(1, "add_and_tell_me".into(), args, true)
        .await
        .unwrap();
    world.call(id, "get").await.unwrap();
    let mut other = other.back(&world, id).await;
    assert_eq!(other.heard().await, []);
    let mut own = own.back(&world, id).await;
    assert_eq!(own.heard().await, [Told::Event(1, 1)]);
}

#[tokio::test(start_paused = true)]
async fn whoever_was_never_here_hears_what_begins() {
    let world = world(&Arc::new(FaultStore::new()));
    let (id, other) = (world.actor("a").await, world.actor("b").await);
    tell(&world, id, 2).await;
    let stranger = Follower::new(&world, other).await;
    // A proof of another actor's.
    let mut back = Follower::connect(&world, id, Some(stranger.claim())).await;
    assert_eq!(back.refused, Some(ResyncReason::Unknown));
    assert_ne!(back.at.proof, stranger.at.proof);
    assert_eq!(back.at.number, 2);
    back.resume().await;
    assert_eq!(back.next().await, Told::Subscribed(2));
    tell(&world, id, 1).await;
    assert_eq!(back.next().await, Told::Event(3, 3));
    // A number that is not there yet.
    let ahead = format!("{}.{}", back.at.proof, u64::MAX);
    let mut back = Follower::connect(&world, id, Some(ahead)).await;
    back.at.number = 3;
    back.resume().await;
    assert_eq!(
        back.next().await,
        Told::Resync(ResyncReason::Unknown, u64::MAX, 3)
    );
    tell(&world, id, 1).await;
    assert_eq!(back.next().await, Told::Event(4, 4));
    // A session that nobody ever had.
    let digits = back.at.proof.len();
    let made_up = format!("{}{}.0", &back.at.proof[..digits - 32], "5".repeat(32));
    let mut back = Follower::connect(&world, id, Some(made_up)).await;
    back.resume().await;
    assert_eq!(back.events().await, [1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_one_resync_and_then_it_goes_on() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let world = World::with_options(Arc::clone(&store), keeping(2));
    let id = world.actor("a").await;
    let follower = Follower::new(&world, id).await;
    tell(&world, id, 3).await;
    let mut follower = follower.back(&world, id).await;
    let resync = Told::Resync(ResyncReason::Expired, 0, 3);
    assert_eq!(follower.heard().await, [resync]);
    tell(&world, id, 1).await;
    assert_eq!(follower.heard().await, [Told::Event(4, 4)]);
    // By age, though nothing has happened since.
    tell(&world, id, 1).await;
    let behind = follower.back(&world, id).await;
    world.env.jump(limits_age_ms() + 1);
    let claim = behind.claim();
    let mut late = Follower::connect(&world, id, Some(claim)).await;
    late.resume().await;
    let resync = Told::Resync(ResyncReason::Expired, 4, 5);
    assert_eq!(late.heard().await, [resync]);
}

fn limits_age_ms() -> i64 {
    let age = WindowLimits::default().max_age.as_millis();
    i64::try_from(age).expect("minutes")
}

#[tokio::test(start_paused = true)]
async fn a_time_without_keeping_is_a_gap_though_nothing_is_missing_now() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let world = World::with_options(Arc::clone(&store), keeping(100));
    let id = world.actor("a").await;
    let follower = Follower::new(&world, id).await;
    tell(&world, id, 1).await;
    world.runtime.crash(id);
    let off = World::with_options(Arc::clone(&store), ActorOptions::default());
    let claim = follower.claim();
    let back = Follower::connect(&off, id, Some(claim.clone())).await;
    assert_eq!(
        (back.refused, &*back.at.proof),
        (Some(ResyncReason::Off), "")
    );
    tell(&off, id, 1).await;
    off.runtime.crash(id);
    let on = World::with_options(Arc::clone(&store), keeping(100));
    let mut back = Follower::connect(&on, id, Some(claim)).await;
    back.resume().await;
    assert_eq!(
        back.heard().await,
        [Told::Resync(ResyncReason::Expired, 0, 2)]
    );
    tell(&on, id, 1).await;
    assert_eq!(back.heard().await, [Told::Event(3, 3)]);
}

#[tokio::test(start_paused = true)]
async fn any_number_of_missed_events_is_no_slow_client() {
    let mut options = keeping(2000);
    options.max_connection_backlog = 4096;
    let world = World::with_options(Arc::new(MemoryStore::new()), options);
    let id = world.actor("a").await;
    let follower = Follower::new(&world, id).await;
    let claim = follower.claim();
    drop(follower);
    tell(&world, id, 500).await;
    let mut back = Follower::connect(&world, id, Some(claim)).await;
    back.resume().await;
    tell(&world, id, 3).await;
    assert_eq!(back.events().await, (1..=503).collect::<Vec<_>>());
}

/// A random history of events, crashes, sleep and reconnections; what the client hears is what there was.
async fn run(seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut store = Arc::new(FaultStore::new());
    let mut here = world(&store);
    let id = here.actor("a").await;
    let mut follower = Some(Follower::new(&here, id).await);
    let mut claim = String::new();
    let mut log = Vec::new();
    for _ in 0..60 {
        if let Some(mut listener) = follower.take() {
            loop {
                settle().await;
                match tokio::time::timeout(Duration::ZERO, listener.next()).await {
                    Ok(Told::Event(_, count)) => log.push(count),
                    Ok(Told::Refused) => {
                        claim = listener.claim();
                        break;
                    }
                    Ok(other) => panic!("seed {seed}: {other:?}"),
                    Err(_) => {
                        claim = listener.claim();
                        follower = Some(listener);
                        break;
                    }
                }
            }
        }
        match random(12) {
            0..=5 => {
                let runtime = here.runtime.clone();
                let call =
                    tokio::spawn(async move { runtime.call(id, request("add_and_tell")).await });
                settle().await;
                drop(call);
            }
            6 => store.pause_syncs(),
            7 => store.release_syncs(),
            8 => here.runtime.crash(id),
            9 => here.runtime.sleep(id).unwrap(),
            10 => {
                let keep = random(6) as usize;
                follower = None;
                store = Arc::new(store.crash(keep));
                here = world(&store);
            }
            _ => {
                // Half of the time the connection before is still there.
                let old = follower.take().filter(|_| random(2) == 0);
                store.release_syncs();
                let back = Follower::connect(&here, id, Some(claim.clone())).await;
                back.resume().await;
                drop(old);
                follower = Some(back);
            }
        }
    }
    drop(follower);
    store.release_syncs();
    let total = here.call(id, "get").await.unwrap();
    let mut back = Follower::connect(&here, id, Some(claim)).await;
    back.resume().await;
    log.extend(back.events().await);
    assert_eq!(log, (1..=total).collect::<Vec<_>>(), "seed {seed}");
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_each_event_is_heard_once_and_in_order() {
    let seeds = std::env::var("RESUME_SEEDS").ok();
    let seeds = seeds.and_then(|seeds| seeds.parse().ok()).unwrap_or(150);
    for seed in 0..seeds {
        run(seed).await;
    }
}
