//! The same promises on several threads, where messages and endings really meet.

use std::{sync::Arc, time::Duration};

use greenroom_core::ActorOptions;
use greenroom_store::MemoryStore;
use tokio::{task::JoinSet, time::timeout};

use crate::host::{World, act, name, one};

/// Longest time that anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A world whose actors fall asleep whenever they can.
fn sleepy() -> Arc<World> {
    let mut options = ActorOptions::default();
    options.sleep_timeout = Some(Duration::ZERO);
    Arc::new(World::with_options(Arc::new(MemoryStore::new()), options))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_between_falling_asleep_and_waking() {
    let world = sleepy();
    let id = world.actor("a").await;
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let (calling, connecting) = (Arc::clone(&world), Arc::clone(&world));
        tasks.spawn(async move {
            for _ in 0..1000 {
                calling.call(id, "add").await.unwrap();
                calling.runtime.sleep(id).unwrap();
            }
        });
        tasks.spawn(async move {
            for _ in 0..250 {
                let (connection, mut reader) = connecting.connect(id).await;
                act(&connection, &mut reader, "add").await.unwrap();
                drop(connection);
                // The actor lets go of the connection as well.
                while reader.recv().await.is_some() {}
            }
        });
    }
    timeout(PATIENCE, tasks.join_all())
        .await
        .expect("all are answered");
    assert_eq!(world.call(id, "get").await, Ok(4 * 1250));
    let sleeps = world
        .seen
        .lines()
        .iter()
        .filter(|line| *line == "sleep")
        .count();
    assert!(sleeps > 100, "it slept {sleeps} times");
    world.runtime.shutdown().await;
    assert_eq!(world.runtime.live_actors(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_actor_begins_behind_the_back_of_a_shutdown() {
    for round in 0..200 {
        let mut options = ActorOptions::default();
        options.sleep_timeout = None;
        let world = World::with_options(Arc::new(MemoryStore::new()), options);
        let world = Arc::new(world);
        let mut tasks = JoinSet::new();
        for caller in 0..4 {
            let world = Arc::clone(&world);
            tasks.spawn(async move {
                for number in 0.. {
                    let key = one(&format!("{caller}-{number}"));
                    let found = world.runtime.get_or_create(&name(), &key, None).await;
                    let id = match found {
                        Ok((record, _)) => record.id,
                        Err(error) => {
                            assert_eq!(error.code, "stopping");
                            return;
                        }
                    };
                    if let Err(error) = world.call(id, "add").await {
                        assert!(matches!(&*error.code, "stopping" | "restarting"), "{error}");
                    }
                }
            });
        }
        while world.runtime.live_actors() < round % 8 {
            tokio::task::yield_now().await;
        }
        timeout(PATIENCE, world.runtime.shutdown())
            .await
            .expect("it ends");
        timeout(PATIENCE, tasks.join_all())
            .await
            .expect("all are answered");
        assert_eq!(world.runtime.live_actors(), 0);
    }
}

/// On the real clock, whose timers are coarse: an alarm must not wait for a moment of silence.
#[tokio::test]
async fn an_alarm_is_told_between_calls_that_never_pause() {
    let world = World::in_memory();
    let id = world.actor("a").await;
    world.call(id, "alarm 20").await.unwrap();
    let told = world.seen.wait_for("told alarm", 1);
    let calls = async {
        let end = std::time::Instant::now() + Duration::from_secs(5);
        while std::time::Instant::now() < end {
            world.call(id, "get").await.unwrap();
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    };
    tokio::select! {
        () = told => {}
        () = calls => panic!("the alarm was not told within 5 s"),
    }
}
