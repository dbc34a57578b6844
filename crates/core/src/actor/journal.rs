//! The writing end of one actor's journal: what waits for a commit, what is under way, and how
//! much there would be to replay.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use greenroom_store::{
    AlarmChange, Birth, Commit, Created, Epoch, Image, Store, StoreError, StoreFuture,
};
use greenroom_types::ActorId;
use tokio::time::Instant;

use super::snapshot::SnapshotSize;
use crate::{
    AlarmUpdate, QueueUpdate,
    image::journal::{Changes, encode_commit, encode_state_commit},
    kv,
    mark::{LATEST_ALARM_MS, Mark},
};

/// Below this size a tail is never worth a snapshot while the actor is awake.
const TAIL_BYTES: u64 = 64 * 1024;
/// A tail with more commits than this is folded however few bytes it has: it bounds the time to wake.
const TAIL_COMMITS: u64 = 1024;
/// A tail with more commits than this is folded when the actor goes to sleep.
const TAIL_COMMITS_ASLEEP: u64 = 64;
/// A new snapshot may cost as many bytes for each commit that it takes out of the tail. So the larger a snapshot is,
/// the more commits follow it before it is made anew, and what is written stays a small multiple of what changes. A
/// commit takes the store more than this, whatever is in it.
const SNAPSHOT_BYTES_PER_COMMIT: u64 = 80;
/// A tail with more commits than this is folded however large the snapshot is. Each of them is replayed at the next
/// wake, and taken out of the store one by one when it is folded, while all other writes wait. So what is written stays
/// below three times what changes up to a snapshot of 1.3 MB, and grows with larger ones: with commits of 100 bytes to
/// seven times at 10 MB.
const MOST_TAIL_COMMITS: u64 = 16 * 1024;
/// Changes that ask for no commit are committed all the same when there are more bytes of them.
const PENDING_BYTES: usize = 64 * 1024;

/// What is under way before the first commit of a new actor: its creation.
pub(crate) const CREATION: u64 = 0;

/// A claimed journal.
pub(crate) struct Journal {
    store: Arc<dyn Store>,
    actor: ActorId,
    epoch: Epoch,
    /// The last commit handed to the store.
    last: u64,
    /// Changes that no commit contains yet.
    pending: Changes,
    /// When the store believes that the actor wants to be woken, and when it does. A mark stands in
    /// for the time.
    alarm_stored: Option<i64>,
    alarm_wanted: Option<i64>,
    /// What the store has of it for certain: commits that are under way may change that, or fail.
    alarm_durable: Option<i64>,
    mark: Option<Mark>,
    deadline: Option<Instant>,
    under_way: VecDeque<UnderWay>,
    /// Bytes and commits since the journal was loaded, and the same at the newest snapshot.
    written: Weight,
    folded: Weight,
    snapshot_bytes: u64,
    state: StateSize,
}

/// What the state weighs, as far as that is known without looking at it.
#[derive(Clone, Copy, Debug, Default)]
struct StateSize {
    /// The image, when it was last seen.
    image: u64,
    /// Changes since then, those that are being folded included.
    changes: u64,
    /// Changes that are being folded.
    folding: u64,
}

/// A commit on its way.
struct UnderWay {
    seq: u64,
    alarm: Option<AlarmChange>,
    append: StoreFuture<()>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Weight {
    bytes: u64,
    commits: u64,
}

impl Journal {
    /// The journal that `image` was loaded from, claimed under its epoch.
    pub(crate) fn new(store: Arc<dyn Store>, image: &Image) -> Self {
        let at_snapshot = image.snapshot.as_ref().map_or(0, |s| s.seq);
        let written = Weight {
            bytes: image.tail.iter().map(|entry| entry.body.len() as u64).sum(),
            commits: image.tail.len() as u64,
        };
        Self {
            store,
            actor: image.record.id,
            epoch: image.epoch,
            last: image.tail.last().map_or(at_snapshot, |entry| entry.seq),
            pending: Changes::default(),
            alarm_stored: image.alarm,
            alarm_wanted: image.alarm,
            alarm_durable: image.alarm,
            mark: image.alarm.and_then(Mark::of_alarm_ms),
            deadline: None,
            under_way: VecDeque::new(),
            written,
            folded: Weight::default(),
            snapshot_bytes: image.snapshot.as_ref().map_or(0, |s| s.body.len() as u64),
            state: StateSize::default(),
        }
    }

    /// The journal of an actor whose creation is under way. That is waited for like a commit, the one with
    /// number [`CREATION`].
    pub(crate) fn of_new(store: Arc<dyn Store>, actor: ActorId, birth: Birth) -> Self {
        let Birth { epoch, created } = birth;
        let append: StoreFuture<()> = Box::pin(async move {
            match created.await? {
                Created::New => Ok(()),
                // Another node was faster. It is the writer.
                Created::Existing(_) => Err(StoreError::Fenced { actor }),
            }
        });
        let creation = UnderWay {
            seq: CREATION,
            alarm: None,
            append,
        };
        Self {
            store,
            actor,
            epoch,
            last: 0,
            pending: Changes::default(),
            alarm_stored: None,
            alarm_wanted: None,
            alarm_durable: None,
            mark: None,
            deadline: None,
            under_way: VecDeque::from([creation]),
            written: Weight::default(),
            folded: Weight::default(),
            snapshot_bytes: 0,
            state: StateSize::default(),
        }
    }

    /// Whether it is not yet certain that the actor is created.
    pub(crate) fn is_being_created(&self) -> bool {
        let oldest = self.under_way.front();
        oldest.is_some_and(|commit| commit.seq == CREATION)
    }

    /// Notes the size of the state's image as it was loaded.
    pub(crate) fn loaded(&mut self, state_bytes: usize) {
        self.state.image = state_bytes as u64;
    }

    /// The bytes of the state: of its image when it was last seen, and of the changes since.
    pub(crate) fn state_bytes(&self) -> u64 {
        self.state.image + self.state.changes
    }

    /// The bytes of the commits behind the last snapshot.
    pub(crate) fn tail_bytes(&self) -> u64 {
        self.written.bytes - self.folded.bytes
    }

    /// The claim under which this journal writes.
    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The last commit handed to the store; 0 when there never was one.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Keeps changes for the next commit, which is to happen by `deadline` if one is given.
    pub(crate) fn buffer(&mut self, changes: &[u8], deadline: Option<Instant>) {
        self.pending.state.extend_from_slice(changes);
        self.state.changes += changes.len() as u64;
        self.commit_by(deadline);
    }

    /// Keeps updates of the alarms for the next commit. `earliest_ms` is when the actor wants to be
    /// woken after them.
    pub(crate) fn buffer_alarms(&mut self, updates: &[AlarmUpdate], earliest_ms: Option<i64>) {
        for update in updates {
            update.encode(&mut self.pending.schedule);
        }
        self.want_alarm(earliest_ms);
    }

    fn want_alarm(&mut self, earliest_ms: Option<i64>) {
        self.alarm_wanted = earliest_ms.map(|due_ms| due_ms.min(LATEST_ALARM_MS));
    }

    /// The mark that the store has, or is to get with the next commit.
    pub(crate) fn mark(&self) -> Option<Mark> {
        self.mark
    }

    /// The mark that the store may have if the instance is lost at this moment: one that is to go may
    /// still be there, and keeps the time at which the actor wants to be woken from being found.
    pub(crate) fn mark_left_behind(&self) -> Option<Mark> {
        let under_way = self.under_way.iter().rev();
        let on_their_way = under_way.filter_map(|commit| match commit.alarm {
            Some(AlarmChange::Set(alarm_ms)) => Mark::of_alarm_ms(alarm_ms),
            Some(AlarmChange::Clear) | None => None,
        });
        let durable = self.alarm_durable.and_then(Mark::of_alarm_ms);
        self.mark
            .into_iter()
            .chain(on_their_way)
            .chain(durable)
            .next()
    }

    /// Puts a mark instead of the time at which the actor wants to be woken, or `earliest_ms` back.
    /// If that changes what is stored, it has to be by `deadline`.
    pub(crate) fn set_mark(
        &mut self,
        mark: Option<Mark>,
        earliest_ms: Option<i64>,
        deadline: Instant,
    ) {
        self.mark = mark;
        self.want_alarm(earliest_ms);
        if self.alarm() != self.alarm_stored {
            self.deadline = Some(self.deadline.map_or(deadline, |d| d.min(deadline)));
        }
    }

    fn alarm(&self) -> Option<i64> {
        self.mark.map(Mark::to_alarm_ms).or(self.alarm_wanted)
    }

    /// Keeps a put of key-value pairs for the next commit.
    pub(crate) fn buffer_put(&mut self, pairs: &[(Bytes, Bytes)]) {
        for (key, value) in pairs {
            kv::encode_put(&mut self.pending.kv, key, value);
        }
    }

    /// Keeps a delete of key-value pairs for the next commit.
    pub(crate) fn buffer_delete(&mut self, keys: &[Bytes]) {
        for key in keys {
            kv::encode_delete(&mut self.pending.kv, key);
        }
    }

    /// Keeps a delete of a range of key-value pairs for the next commit.
    pub(crate) fn buffer_delete_range(&mut self, start: &[u8], end: &[u8]) {
        kv::encode_delete_range(&mut self.pending.kv, start, end);
    }

    /// Keeps updates of the queues for the next commit.
    pub(crate) fn buffer_queue(&mut self, updates: &[QueueUpdate]) {
        for update in updates {
            update.encode(&mut self.pending.queue);
        }
    }

    /// Where the records of calls that run once are kept for the next commit.
    pub(crate) fn pending_calls(&mut self) -> &mut Vec<u8> {
        &mut self.pending.calls
    }

    /// Keeps the version of the state for the next commit.
    pub(crate) fn buffer_state_version(&mut self, version: u32) {
        self.pending.state_version = Some(version);
    }

    /// Keeps events, and what is forgotten of them, for the next commit: `encode` appends them in stored form.
    pub(crate) fn buffer_events(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        encode(&mut self.pending.events);
    }

    /// Asks for what waits to be committed by `deadline`.
    pub(crate) fn commit_by(&mut self, deadline: Option<Instant>) {
        if !self.pending.is_empty() {
            self.deadline = [self.deadline, deadline].into_iter().flatten().min();
        }
    }

    /// When what waits has to be committed.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether what waits has to be committed now.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// Whether changes wait that have to be committed, sooner or later.
    pub(crate) fn owes(&self) -> bool {
        self.deadline.is_some()
    }

    /// Whether changes wait for a commit, asked for or not.
    pub(crate) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Whether so many changes wait that they should be committed though nobody asked.
    pub(crate) fn pending_is_large(&self) -> bool {
        self.pending.len() > PENDING_BYTES
    }

    /// Hands over what has to be committed, if there still is anything.
    pub(crate) fn commit_owed(&mut self) {
        if self.has_pending() || self.alarm() != self.alarm_stored {
            self.commit(&[]);
        } else {
            self.deadline = None;
        }
    }

    /// Hands what waits, followed by `changes`, to the store as one commit.
    pub(crate) fn commit(&mut self, changes: &[u8]) {
        self.state.changes += changes.len() as u64;
        let body = if self.pending.is_empty() {
            encode_state_commit(changes)
        } else {
            let mut pending = std::mem::take(&mut self.pending);
            pending.state.extend_from_slice(changes);
            encode_commit(&pending)
        };
        self.append(body, false);
    }

    /// Forgets what waits for a commit.
    pub(crate) fn discard(&mut self) {
        self.pending = Changes::default();
        self.deadline = None;
    }

    /// Ends the journal and the actor with it. What waits is not worth writing any more.
    pub(crate) fn commit_destroy(&mut self) {
        self.pending = Changes::default();
        self.append(Bytes::new(), true);
    }

    fn append(&mut self, body: Bytes, destroy: bool) {
        self.deadline = None;
        self.last += 1;
        self.written.bytes += body.len() as u64;
        self.written.commits += 1;
        let commit = Commit {
            actor: self.actor,
            epoch: self.epoch,
            seq: self.last,
            body,
            alarm: self.alarm_change(),
            destroy,
        };
        self.under_way.push_back(UnderWay {
            seq: self.last,
            alarm: commit.alarm,
            append: self.store.append(commit),
        });
    }

    /// What the next commit has to tell the store of the actor's alarm.
    fn alarm_change(&mut self) -> Option<AlarmChange> {
        let alarm = self.alarm();
        if alarm == self.alarm_stored {
            return None;
        }
        self.alarm_stored = alarm;
        Some(alarm.map_or(AlarmChange::Clear, AlarmChange::Set))
    }

    /// Gives back the room that nothing is in.
    pub(crate) fn trim(&mut self) {
        self.under_way.shrink_to_fit();
    }

    /// Whether commits are under way.
    pub(crate) fn is_writing(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Waits for the oldest commit under way. Pending for ever when there is none.
    pub(crate) fn poll_durable(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<(u64, Result<(), StoreError>)> {
        let Some(UnderWay { seq, alarm, append }) = self.under_way.front_mut() else {
            return Poll::Pending;
        };
        let (seq, alarm) = (*seq, *alarm);
        append.as_mut().poll(cx).map(|result| {
            self.under_way.pop_front();
            match alarm.filter(|_| result.is_ok()) {
                Some(AlarmChange::Set(alarm_ms)) => self.alarm_durable = Some(alarm_ms),
                Some(AlarmChange::Clear) => self.alarm_durable = None,
                None => {}
            }
            (seq, result)
        })
    }

    /// Whether the tail outweighs the snapshot so far that folding it pays.
    pub(crate) fn is_worth_folding(&self, going_to_sleep: bool) -> bool {
        let bytes = self.written.bytes - self.folded.bytes;
        let commits = self.written.commits - self.folded.commits;
        let commit_limit = if going_to_sleep {
            TAIL_COMMITS_ASLEEP
        } else {
            TAIL_COMMITS
        };
        let by_size = self.snapshot_bytes / SNAPSHOT_BYTES_PER_COMMIT;
        let commit_limit = commit_limit.max(by_size.min(MOST_TAIL_COMMITS));
        // A quarter more than the snapshot: if everything that is added stays, the next one holds both.
        let byte_limit = TAIL_BYTES.max(self.snapshot_bytes + self.snapshot_bytes / 4);
        commits > commit_limit || bytes > byte_limit
    }

    /// Notes that everything written so far is being folded.
    pub(crate) fn folding(&mut self) {
        self.folded = self.written;
        self.state.folding = self.state.changes;
    }

    /// Notes what came of it.
    pub(crate) fn folded(&mut self, snapshot: SnapshotSize) {
        self.snapshot_bytes = snapshot.total;
        self.state.image = snapshot.state;
        self.state.changes -= std::mem::take(&mut self.state.folding);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use greenroom_store::{ActorRecord, MemoryStore};
    use greenroom_types::{ActorKey, ActorName};

    use super::*;

    /// Bytes written for each byte that changes, in a state that has `state` bytes and grows by 100 with each commit.
    /// Its actor sleeps again and again if `sleeps`.
    async fn amplification(state: u64, sleeps: bool) -> f64 {
        const CHANGE: usize = 100;
        let by_size = state / SNAPSHOT_BYTES_PER_COMMIT;
        let commits = 2 * by_size.clamp(TAIL_COMMITS, MOST_TAIL_COMMITS + 1);
        let store = Arc::new(MemoryStore::new());
        let record = ActorRecord {
            id: ActorId::from_bytes([1; 16]),
            name: ActorName::new("list").expect("a valid name"),
            key: ActorKey::new(Vec::new()).expect("a valid key"),
            created_at_ms: 0,
            input: None,
        };
        let id = record.id;
        store.create(record).await.expect("the store works");
        let image = store.load(id).await.expect("the store works");
        let image = image.expect("it was created");
        let mut journal = Journal::new(store, &image);
        let (mut size, mut snapshots, mut tail) = (state, 0, 0);
        let fold = |journal: &mut Journal, size| {
            journal.folding();
            journal.folded(SnapshotSize {
                total: size,
                state: size,
            });
        };
        fold(&mut journal, size);
        for commit in 0..commits {
            journal.commit(&[0; CHANGE]);
            let (_, durable) = poll_fn(|cx| journal.poll_durable(cx)).await;
            durable.expect("the store works");
            size += CHANGE as u64;
            tail += 1;
            if journal.is_worth_folding(sleeps && commit % 10 == 0) {
                snapshots += size;
                tail = 0;
                fold(&mut journal, size);
            }
            assert!(tail <= MOST_TAIL_COMMITS, "{tail} commits to replay");
        }
        (journal.written.bytes + snapshots) as f64 / (commits * CHANGE as u64) as f64
    }

    #[tokio::test]
    async fn what_is_written_is_a_small_multiple_of_what_changes() {
        for state in [10_000, 100_000, 1_000_000] {
            for sleeps in [false, true] {
                let times = amplification(state, sleeps).await;
                assert!(times <= 3.0, "{times} times with {state} bytes");
            }
        }
    }

    /// What that bound costs: between 10 and 13 MB eight or nine times what changes, where three would be enough without it.
    #[tokio::test]
    async fn the_tail_of_a_large_state_is_bounded() {
        for sleeps in [false, true] {
            let times = amplification(10_000_000, sleeps).await;
            assert!((8.0..9.0).contains(&times), "{times} times");
        }
    }
}
