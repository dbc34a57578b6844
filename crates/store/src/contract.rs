//! What every engine promises.

use std::{future::Future, pin::Pin};

use bytes::Bytes;
use greenroom_types::{ActorId, ActorKey, ActorName};

use crate::StoreError;

/// The answer of a store, on its way.
pub type StoreFuture<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// Which claim of an actor a writer holds. Every [`Store::load`] gives a higher one; only the
/// highest may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// Who an actor is. Written once when it is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorRecord {
    /// The actor's id.
    pub id: ActorId,
    /// The name of its type.
    pub name: ActorName,
    /// Its key.
    pub key: ActorKey,
    /// Creation time in milliseconds since the Unix epoch.
    pub created_at_ms: i64,
    /// What the creator passed as input: one CBOR value in compat form.
    pub input: Option<Bytes>,
}

/// An actor that is to be created.
pub type NewActor = ActorRecord;

/// What came of [`Store::create`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// The actor was created, durably.
    New,
    /// The key was taken by this actor; nothing was written.
    Existing(ActorRecord),
}

/// An actor whose creation is under way, and which is claimed already.
pub struct Birth {
    /// The claim. The first commit is number 1.
    pub epoch: Epoch,
    /// What came of the creation.
    pub created: StoreFuture<Created>,
}

/// A change to an actor's one alarm: the time at which it wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmChange {
    /// Wake it at this time, in milliseconds since the Unix epoch.
    Set(i64),
    /// It needs no waking.
    Clear,
}

/// One atomic step of one actor's journal.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Whose journal.
    pub actor: ActorId,
    /// The writer's claim.
    pub epoch: Epoch,
    /// Position in the journal: one more than the last, starting at 1.
    pub seq: u64,
    /// What happened; opaque to the store.
    pub body: Bytes,
    /// A change of the alarm, if any.
    pub alarm: Option<AlarmChange>,
    /// Ends the actor: its record, key, journal, snapshot and alarm are removed in the same step,
    /// `body` and `alarm` are not kept, and the claim is over.
    pub destroy: bool,
}

/// The fold of a journal's beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The last commit that it contains.
    pub seq: u64,
    /// The folded journal; opaque to the store.
    pub body: Bytes,
}

/// One commit of the tail, as loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TailEntry {
    /// Position in the journal.
    pub seq: u64,
    /// What happened.
    pub body: Bytes,
}

/// All that is needed to wake an actor.
#[derive(Clone, Debug)]
pub struct Image {
    /// The claim that this load made. Commits under an older one are refused from now on.
    pub epoch: Epoch,
    /// Who the actor is.
    pub record: ActorRecord,
    /// The newest snapshot, if one was ever made.
    pub snapshot: Option<Snapshot>,
    /// The commits after the snapshot, in order and without a gap.
    pub tail: Vec<TailEntry>,
    /// When the actor wants to be woken, in milliseconds since the Unix epoch.
    pub alarm: Option<i64>,
}

/// An actor whose alarm is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueAlarm {
    /// The actor to wake.
    pub actor: ActorId,
    /// The time that it asked for, in milliseconds since the Unix epoch.
    pub due_ms: i64,
}

/// Which actors to list, in the order of their keys' storage form.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// Only actors of this type.
    pub name: ActorName,
    /// Only keys that start with these parts.
    pub prefix: ActorKey,
    /// Continue after this position, as given by [`ListPage::next`].
    pub cursor: Option<Bytes>,
    /// At most this many; 0 means 1.
    pub limit: usize,
}

/// One page of a listing.
#[derive(Clone, Debug)]
pub struct ListPage {
    /// The actors of this page.
    pub actors: Vec<ActorRecord>,
    /// Where the next page starts; absent on the last.
    pub next: Option<Bytes>,
}

/// What an engine holds in memory on its own account, in bytes. Both parts have a bound, and change with what was
/// written and read lately, not with how much is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreMemory {
    /// Tables of rows that are in a log, and in no file of their own yet. One that has gone to a file does not count any
    /// more, although an engine may let go of it later.
    pub tables: u64,
    /// What was read from files lately.
    pub cache: u64,
}

/// A place that keeps actors.
///
/// Promises:
/// - a completed [`append`](Store::append), [`create`](Store::create) (also a
///   [claimed](Store::create_claimed) one) or [`snapshot`](Store::snapshot) survives a crash of the process and of the machine;
/// - each of them is atomic, and the writes to one actor take effect in the order in which the
///   methods were called, however their futures are polled or dropped (work starts at the call);
/// - reads see what is durable and nothing else: never a write that is still under way;
/// - a commit of a claim that is no longer the actor's is refused with [`StoreError::Fenced`], one
///   whose `seq` is not the next with [`StoreError::OutOfOrder`]; a refused commit changes nothing,
///   and ends its claim: every later commit of that claim, also one that was already under way, is
///   refused as well;
/// - after a failed sync the store refuses all writes with [`StoreError::Failed`] until it is
///   opened anew; when the medium is full, or more is waiting to be written than the store is
///   willing to hold, it answers [`StoreError::Full`] and works again when there is room.
///
/// A write that was answered with [`StoreError::Failed`], or whose answer never came, may or may
/// not be found when the store is opened anew. One that was answered with [`StoreError::Full`] is
/// not there, unless it was the last before the store failed.
pub trait Store: Send + Sync + 'static {
    /// Creates an actor unless its key is taken. Name and key become findable with the same
    /// atomic step that stores the record. Of several creations of one key at once, one wins and
    /// the others get its record.
    fn create(&self, actor: NewActor) -> StoreFuture<Created>;

    /// As [`create`](Store::create), and claims the actor at once, as if it had been loaded: what is appended
    /// before the answer is there is written behind the creation, and with the same sync if it comes in time. If the
    /// actor is not created, all commits of the claim are refused with [`StoreError::Fenced`].
    ///
    /// A [`load`](Store::load) of the actor waits for the answer.
    ///
    /// # Errors
    /// Why the store takes no writes; then nothing is claimed.
    fn create_claimed(&self, actor: NewActor) -> Result<Birth, StoreError>;

    /// Finds an actor by name and key.
    fn lookup(&self, name: &ActorName, key: &ActorKey) -> StoreFuture<Option<ActorRecord>>;

    /// Finds an actor by id.
    fn record(&self, id: ActorId) -> StoreFuture<Option<ActorRecord>>;

    /// Claims an actor and reads what is needed to wake it. `None` when it does not exist; then
    /// nothing is claimed. Earlier claims end with the call. Commits of theirs that are under way
    /// are waited for, and the image contains those that made it.
    ///
    /// # Cancel safety
    /// Dropping the future before it is done gives the new claim back.
    fn load(&self, id: ActorId) -> StoreFuture<Option<Image>>;

    /// Appends one commit to the actor's journal. The commits of a claim are handed in without
    /// waiting for each other; several that arrive during one sync share the next.
    fn append(&self, commit: Commit) -> StoreFuture<()>;

    /// Replaces the journal up to and including `snapshot.seq` by the snapshot, in one step.
    /// Commits after it are untouched. Fenced like a commit. One that is older than the stored
    /// snapshot, or newer than the last commit handed in, is refused with
    /// [`StoreError::OutOfOrder`]; a refused snapshot does not end the claim.
    fn snapshot(&self, id: ActorId, epoch: Epoch, snapshot: Snapshot) -> StoreFuture<()>;

    /// Reads snapshot and tail without claiming the actor, for folding in the background.
    /// `None` when the actor does not exist.
    fn read(&self, id: ActorId) -> StoreFuture<Option<(Option<Snapshot>, Vec<TailEntry>)>>;

    /// Gives the claim back when the actor goes to sleep. An old claim is ignored. Writes that were
    /// handed in before are not affected.
    fn release(&self, id: ActorId, epoch: Epoch);

    /// The actors whose alarm is at or before `now_ms`, earliest first, at most `limit`. Asked whenever an alarm was set
    /// for a sleeping actor, so it must not cost more the more alarms have passed, or were moved or cleared.
    fn due_alarms(&self, now_ms: i64, limit: usize) -> StoreFuture<Vec<DueAlarm>>;

    /// The alarms behind `after` in the order of time, and of id within a time; at most `limit`.
    fn alarms_after(&self, after: DueAlarm, limit: usize) -> StoreFuture<Vec<DueAlarm>>;

    /// Lists actors by name and key prefix, a page at a time.
    fn list(&self, query: ListQuery) -> StoreFuture<ListPage>;

    /// Why the store takes no more writes until it is opened anew: a [`StoreError::Failed`], or
    /// `None` while it works. A medium that is full is no failure.
    fn failure(&self) -> Option<StoreError>;

    /// What the engine holds in memory; `None` if it does not know, or is closed.
    fn memory(&self) -> Option<StoreMemory> {
        None
    }

    /// Finishes all writes under way and closes the store. Later calls are answered
    /// [`StoreError::Closed`]. Closing twice is fine. When the future is done, the store can be
    /// opened again.
    fn close(&self) -> StoreFuture<()>;
}
