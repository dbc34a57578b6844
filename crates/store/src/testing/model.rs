//! Random programs against an engine and a model, compared after every step.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use greenroom_types::{ActorId, ActorKey};

use super::{actor_key, commit, new_actor};
use crate::{
    AlarmChange, Created, DueAlarm, Epoch, ListQuery, NewActor, Snapshot, Store, StoreError,
    TailEntry,
};

/// Keys that the programs fight over. Few, so that they meet.
const KEYS: u64 = 6;

/// Runs a program of `steps` random steps. `reopen` gets the store that is in use (nothing at
/// first), lets go of it as it likes, and gives the store as it comes up again.
///
/// # Panics
/// When the engine does something that the model does not; the message has the seed.
pub async fn run(
    seed: u64,
    steps: usize,
    mut reopen: impl FnMut(Option<Arc<dyn Store>>) -> Arc<dyn Store>,
) {
    let _report = ReportSeed(seed);
    let mut program = Program {
        store: reopen(None),
        random: Random(seed),
        actors: BTreeMap::new(),
        gone: Vec::new(),
        next_id: 1,
        last_epoch: Epoch(0),
    };
    for _ in 0..steps {
        match program.random.below(20) {
            0..3 => program.create().await,
            3..6 => program.load().await,
            6..12 => program.append().await,
            12..14 => program.append_wrongly().await,
            14..16 => program.snapshot().await,
            16 => program.destroy().await,
            17 => program.release(),
            18 => {
                let Program { store, .. } = program;
                let store = reopen(Some(store));
                for actor in program.actors.values_mut() {
                    actor.claim = None;
                }
                program = Program { store, ..program };
            }
            _ => program.compare().await,
        }
    }
    program.compare().await;
}

/// Random numbers from a seed (SplitMix64), the same everywhere and for ever.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 up to, and not including, `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next_u64() % end
    }
}

/// Says which seed it was when a test fails.
struct ReportSeed(u64);

impl Drop for ReportSeed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the failing program has seed {}", self.0);
        }
    }
}

struct Program {
    store: Arc<dyn Store>,
    random: Random,
    actors: BTreeMap<ActorId, Actor>,
    gone: Vec<NewActor>,
    next_id: u64,
    last_epoch: Epoch,
}

struct Actor {
    record: NewActor,
    snapshot: Option<Snapshot>,
    tail: Vec<TailEntry>,
    alarm: Option<i64>,
    claim: Option<Epoch>,
}

impl Actor {
    fn snapshot_seq(&self) -> u64 {
        self.snapshot.as_ref().map_or(0, |snapshot| snapshot.seq)
    }

    fn last_seq(&self) -> u64 {
        self.tail
            .last()
            .map_or(self.snapshot_seq(), |entry| entry.seq)
    }
}

impl Program {
    async fn create(&mut self) {
        let number = self.random.below(KEYS);
        let mut actor = new_actor(self.next_id, "thing", &["model", &number.to_string()]);
        if self.random.below(2) == 0 {
            actor.input = Some(self.body());
        }
        self.next_id += 1;
        let created = self
            .store
            .create(actor.clone())
            .await
            .expect("creating works");
        let owner = self
            .actors
            .values()
            .find(|other| other.record.key == actor.key);
        match owner {
            Some(owner) => assert_eq!(created, Created::Existing(owner.record.clone())),
            None => {
                assert_eq!(created, Created::New);
                let new = Actor {
                    record: actor,
                    snapshot: None,
                    tail: vec![],
                    alarm: None,
                    claim: None,
                };
                self.actors.insert(new.record.id, new);
            }
        }
    }

    async fn load(&mut self) {
        let Some(id) = self.pick() else { return };
        let image = self
            .store
            .load(id)
            .await
            .expect("loading works")
            .expect("the model has it");
        let actor = self.actors.get_mut(&id).expect("it was picked");
        assert!(
            image.epoch > self.last_epoch,
            "epochs rise, also across restarts"
        );
        self.last_epoch = image.epoch;
        assert_eq!(image.record, actor.record);
        assert_eq!(image.snapshot, actor.snapshot);
        assert_eq!(image.tail, actor.tail);
        assert_eq!(image.alarm, actor.alarm);
        actor.claim = Some(image.epoch);
    }

    /// Hands in a few commits at once.
    async fn append(&mut self) {
        let Some((id, epoch)) = self.pick_claimed() else {
            return;
        };
        let mut answers = Vec::new();
        for _ in 0..=self.random.below(4) {
            let body = self.body();
            let alarm = match self.random.below(4) {
                0 => Some(AlarmChange::Set(self.random.below(50) as i64 - 25)),
                1 => Some(AlarmChange::Clear),
                _ => None,
            };
            let actor = self.actors.get_mut(&id).expect("it was picked");
            let seq = actor.last_seq() + 1;
            answers.push(self.store.append(crate::Commit {
                alarm,
                ..commit(id, epoch, seq, body.clone())
            }));
            actor.tail.push(TailEntry { seq, body });
            match alarm {
                Some(AlarmChange::Set(due_ms)) => actor.alarm = Some(due_ms),
                Some(AlarmChange::Clear) => actor.alarm = None,
                None => {}
            }
        }
        for answer in answers {
            answer.await.expect("appending works");
        }
    }

    async fn append_wrongly(&mut self) {
        let Some(id) = self.pick() else { return };
        let actor = self.actors.get_mut(&id).expect("it was picked");
        let expected = actor.last_seq() + 1;
        let wrong_epoch = self.random.below(2) == 0;
        match actor.claim {
            Some(epoch) if !wrong_epoch => {
                actor.claim = None;
                let got = (expected + 1).wrapping_sub(2 * self.random.below(2));
                let result = self.store.append(commit(id, epoch, got, "wrong")).await;
                assert_eq!(
                    result,
                    Err(StoreError::OutOfOrder {
                        actor: id,
                        expected,
                        got
                    })
                );
                self.store.release(id, epoch);
            }
            claim => {
                let epoch = claim.map_or(self.last_epoch, |epoch| Epoch(epoch.0 - 1));
                let result = self
                    .store
                    .append(commit(id, epoch, expected, "wrong"))
                    .await;
                assert_eq!(result, Err(StoreError::Fenced { actor: id }));
            }
        }
    }

    async fn snapshot(&mut self) {
        let Some((id, epoch)) = self.pick_claimed() else {
            return;
        };
        let body = self.body();
        let actor = self.actors.get_mut(&id).expect("it was picked");
        let first = actor.snapshot_seq();
        let seq = first + self.random.below(actor.last_seq() - first + 1);
        let snapshot = Snapshot { seq, body };
        self.store
            .snapshot(id, epoch, snapshot.clone())
            .await
            .expect("making a snapshot works");
        actor.tail.retain(|entry| entry.seq > seq);
        actor.snapshot = Some(snapshot);
    }

    async fn destroy(&mut self) {
        let Some((id, epoch)) = self.pick_claimed() else {
            return;
        };
        let actor = self.actors.remove(&id).expect("it was picked");
        let last = crate::Commit {
            destroy: true,
            ..commit(id, epoch, actor.last_seq() + 1, "")
        };
        self.store.append(last).await.expect("destroying works");
        self.gone.push(actor.record);
    }

    fn release(&mut self) {
        let Some((id, epoch)) = self.pick_claimed() else {
            return;
        };
        self.store.release(id, epoch);
        self.actors.get_mut(&id).expect("it was picked").claim = None;
    }

    /// Compares everything that can be asked for.
    async fn compare(&mut self) {
        for (id, actor) in &self.actors {
            let record = &actor.record;
            assert_eq!(self.store.record(*id).await, Ok(Some(record.clone())));
            assert_eq!(
                self.store.lookup(&record.name, &record.key).await,
                Ok(Some(record.clone()))
            );
            assert_eq!(
                self.store.read(*id).await,
                Ok(Some((actor.snapshot.clone(), actor.tail.clone())))
            );
        }
        for record in &self.gone {
            assert_eq!(self.store.record(record.id).await, Ok(None));
            assert_eq!(self.store.read(record.id).await, Ok(None));
        }
        let due = |(id, actor): (&ActorId, &Actor)| {
            actor.alarm.map(|due_ms| DueAlarm { actor: *id, due_ms })
        };
        let mut alarms: Vec<_> = self.actors.iter().filter_map(due).collect();
        alarms.sort_by_key(|alarm| (alarm.due_ms, alarm.actor));
        let first: Vec<_> = alarms.first().copied().into_iter().collect();
        assert_eq!(self.store.due_alarms(i64::MAX, 1).await, Ok(first));
        let now_ms = self.random.below(60) as i64 - 30;
        alarms.retain(|alarm| alarm.due_ms <= now_ms);
        assert_eq!(self.store.due_alarms(now_ms, usize::MAX).await, Ok(alarms));
        let prefix = actor_key(&["model"]);
        let name = new_actor(0, "thing", &[]).name;
        let query = ListQuery {
            name,
            prefix,
            cursor: None,
            limit: KEYS as usize,
        };
        let listed = self.store.list(query).await.expect("listing works");
        let mut keys: Vec<ActorKey> = self
            .actors
            .values()
            .map(|actor| actor.record.key.clone())
            .collect();
        keys.sort_by_key(ActorKey::to_storage);
        assert_eq!(
            listed
                .actors
                .into_iter()
                .map(|actor| actor.key)
                .collect::<Vec<_>>(),
            keys
        );
    }

    fn pick(&mut self) -> Option<ActorId> {
        let count = self.actors.len() as u64;
        let index = (count > 0).then(|| self.random.below(count))?;
        self.actors.keys().nth(index as usize).copied()
    }

    fn pick_claimed(&mut self) -> Option<(ActorId, Epoch)> {
        let id = self.pick()?;
        Some((id, self.actors[&id].claim?))
    }

    /// Mostly small, sometimes large enough to be kept apart.
    fn body(&mut self) -> Bytes {
        let len = if self.random.below(10) == 0 {
            20_000
        } else {
            self.random.below(40)
        };
        (0..len)
            .map(|_| self.random.next_u64() as u8)
            .collect::<Vec<_>>()
            .into()
    }
}
