//! Reading: the engine's keyspaces as typed tables.

use std::ops::Bound;

use bytes::Bytes;
use fjall::{
    Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, OwnedWriteBatch, PersistMode,
    Readable,
};
use greenroom_types::{ActorId, ActorKey, ActorName};

use super::layout::{self, Table};
use crate::{
    ActorRecord, DueAlarm, ListPage, ListQuery, Snapshot, StoreError, StoreMemory, TailEntry,
};

/// Values from this size on are kept outside of the snapshot tree, so that merging it does not
/// copy them.
const SEPARATE_FROM: u32 = 4 * 1024;

/// The open database. Cheap reads, no claims, no checks of its own beyond checksums.
pub(crate) struct Tables {
    database: Database,
    keyspaces: [Keyspace; Table::ALL.len()],
}

/// What is stored about one actor's journal.
pub(crate) struct StoredJournal {
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) tail: Vec<TailEntry>,
}

/// Everything that is stored about one actor.
pub(crate) struct StoredActor {
    pub(crate) record: ActorRecord,
    pub(crate) journal: StoredJournal,
    pub(crate) alarm: Option<i64>,
}

impl StoredJournal {
    /// What the snapshot contains, 0 without one.
    pub(crate) fn snapshot_seq(&self) -> u64 {
        self.snapshot.as_ref().map_or(0, |snapshot| snapshot.seq)
    }

    /// The last commit's position, 0 before the first.
    pub(crate) fn last_seq(&self) -> u64 {
        self.tail
            .last()
            .map_or(self.snapshot_seq(), |entry| entry.seq)
    }
}

impl Tables {
    /// Whether the database has all keyspaces.
    pub(crate) fn are_in(database: &Database) -> bool {
        Table::ALL
            .iter()
            .all(|table| database.keyspace_exists(table.name()))
    }

    /// Opens all keyspaces of a database. Those that it has not are created, as for the empty one that others are copies of.
    pub(crate) fn new(database: Database) -> fjall::Result<Self> {
        let mut keyspaces = Vec::new();
        for table in Table::ALL {
            keyspaces.push(database.keyspace(table.name(), || options(table))?);
        }
        let keyspaces = keyspaces
            .try_into()
            .ok()
            .expect("one keyspace was opened per table");
        Ok(Self {
            database,
            keyspaces,
        })
    }

    /// What the engine says of its memory.
    pub(crate) fn memory(&self) -> StoreMemory {
        StoreMemory {
            tables: self.database.write_buffer_size(),
            cache: self.database.cache_size(),
        }
    }

    /// The keyspace of a table.
    pub(crate) fn keyspace(&self, table: Table) -> &Keyspace {
        &self.keyspaces[table as usize - 1]
    }

    /// An empty batch that is synced to disk when it is committed.
    pub(crate) fn batch(&self, rows: usize) -> OwnedWriteBatch {
        let batch = OwnedWriteBatch::with_capacity(self.database.clone(), rows);
        batch.durability(Some(PersistMode::SyncData))
    }

    /// The verified payload of one row.
    pub(crate) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        get(&self.database.snapshot(), self, table, key)
    }

    /// The keys of all rows that start with `prefix`.
    pub(crate) fn keys(&self, table: Table, prefix: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        let rows = self
            .database
            .snapshot()
            .prefix(self.keyspace(table), prefix);
        rows.map(|row| row.key().map(|key| key.to_vec()).map_err(read_error))
            .collect()
    }

    /// Finds an actor by id.
    pub(crate) fn record(&self, id: ActorId) -> Result<Option<ActorRecord>, StoreError> {
        record(&self.database.snapshot(), self, id)
    }

    /// Finds an actor by name and key.
    pub(crate) fn lookup(
        &self,
        name: &ActorName,
        key: &ActorKey,
    ) -> Result<Option<ActorRecord>, StoreError> {
        let view = self.database.snapshot();
        let key = layout::index_key(name, &key.to_storage());
        match get(&view, self, Table::Key, &key)? {
            Some(payload) => indexed_record(&view, self, &key, &payload).map(Some),
            None => Ok(None),
        }
    }

    /// Reads all that is stored about an actor, at one point in time.
    pub(crate) fn actor(&self, id: ActorId) -> Result<Option<StoredActor>, StoreError> {
        let view = self.database.snapshot();
        let Some(record) = record(&view, self, id)? else {
            return Ok(None);
        };
        let alarm = get(&view, self, Table::Alarm, id.as_bytes())?;
        let alarm = alarm
            .map(|payload| layout::parse_alarm(id, &payload))
            .transpose()?;
        let journal = journal(&view, self, id)?;
        Ok(Some(StoredActor {
            record,
            journal,
            alarm,
        }))
    }

    /// Reads an actor's snapshot and tail, at one point in time.
    pub(crate) fn journal(&self, id: ActorId) -> Result<Option<StoredJournal>, StoreError> {
        let view = self.database.snapshot();
        if record(&view, self, id)?.is_none() {
            return Ok(None);
        }
        journal(&view, self, id).map(Some)
    }

    /// The alarms behind `after`, earliest first.
    pub(crate) fn alarms_after(
        &self,
        after: Bound<(i64, ActorId)>,
        limit: usize,
    ) -> Result<Vec<DueAlarm>, StoreError> {
        let view = self.database.snapshot();
        let after = after.map(|(due_ms, actor)| layout::due_key(due_ms, actor));
        view.range(self.keyspace(Table::Due), (after, Bound::Unbounded))
            .take(limit)
            .map(|row| {
                let (key, value) = row.into_inner().map_err(read_error)?;
                layout::open(Table::Due, &key, &value)?;
                let (due_ms, actor) = layout::parse_due_key(&key)?;
                Ok(DueAlarm { actor, due_ms })
            })
            .collect()
    }

    /// One page of a listing.
    pub(crate) fn list(&self, query: &ListQuery) -> Result<ListPage, StoreError> {
        let view = self.database.snapshot();
        let limit = query.limit.max(1);
        let mut rows = Vec::new();
        for (from, until) in list_ranges(query) {
            let found = view
                .range(self.keyspace(Table::Key), from..until)
                .take(limit + 1 - rows.len());
            for row in found {
                let (key, value) = row.into_inner().map_err(read_error)?;
                let payload = layout::open(Table::Key, &key, &value)?;
                rows.push(indexed_record(&view, self, &key, payload)?);
            }
        }
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows
            .last()
            .filter(|_| more)
            .map(|record| Bytes::from(record.key.to_storage()));
        Ok(ListPage {
            actors: rows,
            next: last,
        })
    }
}

/// The ranges of [`Table::Key`] that a query asks for, in order: the prefix itself, then what is
/// below it. Keys in between start with the same text, but with another part.
fn list_ranges(query: &ListQuery) -> Vec<(Vec<u8>, Vec<u8>)> {
    let ranges = if query.prefix.parts().is_empty() {
        let all = layout::index_key(&query.name, "");
        vec![(all.clone(), prefix_end(all))]
    } else {
        let exact = layout::index_key(&query.name, &query.prefix.to_storage());
        let below = [exact.as_slice(), b"/"].concat();
        let after_exact = [exact.as_slice(), b"\0"].concat();
        vec![(exact, after_exact), (below.clone(), prefix_end(below))]
    };
    let Some(cursor) = &query.cursor else {
        return ranges;
    };
    let after = [query.name.as_str().as_bytes(), &[0], cursor, &[0]].concat();
    let cut = |(from, until): (Vec<u8>, Vec<u8>)| (from.max(after.clone()), until);
    ranges
        .into_iter()
        .map(cut)
        .filter(|(from, until)| from < until)
        .collect()
}

/// The first key after all that start with `prefix`, which ends in a byte below 0xff.
fn prefix_end(mut prefix: Vec<u8>) -> Vec<u8> {
    *prefix.last_mut().expect("the prefix has a separator") += 1;
    prefix
}

fn get(
    view: &fjall::Snapshot,
    tables: &Tables,
    table: Table,
    key: &[u8],
) -> Result<Option<Bytes>, StoreError> {
    let Some(value) = view.get(tables.keyspace(table), key).map_err(read_error)? else {
        return Ok(None);
    };
    let value = Bytes::from(value);
    let payload = layout::open(table, key, &value)?;
    Ok(Some(value.slice_ref(payload)))
}

fn record(
    view: &fjall::Snapshot,
    tables: &Tables,
    id: ActorId,
) -> Result<Option<ActorRecord>, StoreError> {
    let payload = get(view, tables, Table::Record, id.as_bytes())?;
    payload
        .map(|payload| layout::parse_record(id, &payload))
        .transpose()
}

fn indexed_record(
    view: &fjall::Snapshot,
    tables: &Tables,
    key: &[u8],
    payload: &[u8],
) -> Result<ActorRecord, StoreError> {
    let id = layout::parse_id(key, payload)?;
    let missing = || {
        layout::corrupt(
            Table::Record,
            id.as_bytes(),
            "its key is there and it is not",
        )
    };
    record(view, tables, id)?.ok_or_else(missing)
}

fn journal(
    view: &fjall::Snapshot,
    tables: &Tables,
    id: ActorId,
) -> Result<StoredJournal, StoreError> {
    let snapshot = get(view, tables, Table::Snapshot, id.as_bytes())?;
    let snapshot = snapshot
        .map(|payload| layout::parse_snapshot(id, payload))
        .transpose()?;
    let mut last = snapshot.as_ref().map_or(0, |snapshot| snapshot.seq);
    let mut tail = Vec::new();
    let range = layout::journal_key(id, last + 1)..=layout::journal_key(id, u64::MAX);
    for row in view.range(tables.keyspace(Table::Journal), range) {
        let (key, value) = row.into_inner().map_err(read_error)?;
        let body = Bytes::copy_from_slice(layout::open(Table::Journal, &key, &value)?);
        let seq = layout::journal_seq(&key)?;
        if seq != last + 1 {
            return Err(layout::corrupt(
                Table::Journal,
                &key,
                &format!("commit {} is missing", last + 1),
            ));
        }
        last = seq;
        tail.push(TailEntry { seq, body });
    }
    Ok(StoredJournal { snapshot, tail })
}

fn read_error(error: fjall::Error) -> StoreError {
    match error {
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => {
            StoreError::Unreadable(error.to_string())
        }
        other => StoreError::Corrupt(other.to_string()),
    }
}

/// Memory per table before it is written out, by how much traffic it gets. All of them together
/// are what a crash has to read again from the engine's log.
///
/// A keyspace keeps those that it was created with, so they get into stores by way of the empty database
/// ([`creation`](super::creation)).
fn options(table: Table) -> KeyspaceCreateOptions {
    const MIB: u64 = 1024 * 1024;
    let options = KeyspaceCreateOptions::default();
    match table {
        Table::Meta => options.max_memtable_size(MIB),
        Table::Journal => options.max_memtable_size(32 * MIB),
        Table::Snapshot => options.max_memtable_size(16 * MIB).with_kv_separation(Some(
            KvSeparationOptions::default().separation_threshold(SEPARATE_FROM),
        )),
        Table::Record | Table::Key | Table::Alarm => options.max_memtable_size(8 * MIB),
        Table::Due => options.max_memtable_size(4 * MIB),
    }
}
