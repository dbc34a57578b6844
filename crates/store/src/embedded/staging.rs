//! The rows of one batch, gathered before they are written.
//!
//! Requests of one batch may touch the same rows, and the engine gives all rows of a batch the
//! same age. So the batch is built here first, where the last change of a row wins and later
//! requests see what earlier ones staged.

use std::collections::BTreeMap;

use bytes::Bytes;
use greenroom_types::ActorId;

use super::{
    due_window::Change,
    layout::{self, Table},
    tables::Tables,
};
use crate::{ActorRecord, AlarmChange, Commit, Created, NewActor, Snapshot, StoreError};

/// Changes that are to be written with one sync.
pub(crate) struct Staging<'a> {
    tables: &'a Tables,
    /// The new payload, sealed, or `None` for a removal.
    rows: BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>,
}

impl<'a> Staging<'a> {
    /// An empty batch on top of what is stored.
    pub(crate) fn new(tables: &'a Tables) -> Self {
        Self {
            tables,
            rows: BTreeMap::new(),
        }
    }

    /// The alarms that the batch sets and removes.
    pub(crate) fn alarms(&self) -> Vec<Change> {
        self.rows
            .range((Table::Due, Vec::new())..)
            .take_while(|((table, _), _)| *table == Table::Due)
            .map(|((_, key), value)| {
                let (due_ms, actor) = layout::parse_due_key(key).expect("it was staged as one");
                match value {
                    Some(_) => Change::Set(due_ms, actor),
                    None => Change::Removed(due_ms, actor),
                }
            })
            .collect()
    }

    /// Stages a new actor, unless its key is taken.
    pub(crate) fn create(&mut self, actor: &NewActor) -> Result<Created, StoreError> {
        let key = layout::index_key(&actor.name, &actor.key.to_storage());
        if let Some(payload) = self.get(Table::Key, &key)? {
            let owner = layout::parse_id(&key, &payload)?;
            let missing = || {
                layout::corrupt(
                    Table::Record,
                    owner.as_bytes(),
                    "its key is there and it is not",
                )
            };
            return self
                .record(owner)?
                .map(Created::Existing)
                .ok_or_else(missing);
        }
        self.put(Table::Key, key, &[actor.id.as_bytes()]);
        self.put(
            Table::Record,
            actor.id.as_bytes().to_vec(),
            &[&layout::record_payload(actor)],
        );
        Ok(Created::New)
    }

    /// Stages one commit.
    pub(crate) fn append(&mut self, commit: &Commit) -> Result<(), StoreError> {
        if commit.destroy {
            return self.destroy(commit.actor);
        }
        match commit.alarm {
            Some(AlarmChange::Set(due_ms)) => self.move_alarm(commit.actor, Some(due_ms))?,
            Some(AlarmChange::Clear) => self.move_alarm(commit.actor, None)?,
            None => {}
        }
        self.put(
            Table::Journal,
            layout::journal_key(commit.actor, commit.seq).to_vec(),
            &[&commit.body],
        );
        Ok(())
    }

    /// Stages a snapshot and the removal of the commits that it contains, those after `pruned`.
    pub(crate) fn snapshot(&mut self, id: ActorId, pruned: u64, snapshot: &Snapshot) {
        self.put(
            Table::Snapshot,
            id.as_bytes().to_vec(),
            &[&snapshot.seq.to_be_bytes(), &snapshot.body],
        );
        for seq in pruned + 1..=snapshot.seq {
            self.remove(Table::Journal, layout::journal_key(id, seq).to_vec());
        }
    }

    /// Writes and syncs everything.
    pub(crate) fn commit(self) -> fjall::Result<()> {
        let mut batch = self.tables.batch(self.rows.len());
        for ((table, key), value) in self.rows {
            let keyspace = self.tables.keyspace(table);
            match value {
                Some(value) => batch.insert(keyspace, key, value),
                None => batch.remove(keyspace, key),
            }
        }
        batch.commit()
    }

    fn destroy(&mut self, id: ActorId) -> Result<(), StoreError> {
        // What can fail comes first: a refused request must not leave half of itself in the batch.
        let record = self.record(id)?;
        let mut doomed = self.tables.keys(Table::Journal, id.as_bytes())?;
        self.move_alarm(id, None)?;
        let staged = (Table::Journal, layout::journal_key(id, 0).to_vec())
            ..=(Table::Journal, layout::journal_key(id, u64::MAX).to_vec());
        doomed.extend(self.rows.range(staged).map(|((_, key), _)| key.clone()));
        if let Some(record) = record {
            self.remove(
                Table::Key,
                layout::index_key(&record.name, &record.key.to_storage()),
            );
        }
        for key in doomed {
            self.remove(Table::Journal, key);
        }
        self.remove(Table::Snapshot, id.as_bytes().to_vec());
        self.remove(Table::Record, id.as_bytes().to_vec());
        Ok(())
    }

    fn move_alarm(&mut self, id: ActorId, to: Option<i64>) -> Result<(), StoreError> {
        let stored = self.get(Table::Alarm, id.as_bytes())?;
        let from = stored
            .map(|payload| layout::parse_alarm(id, &payload))
            .transpose()?;
        if from == to {
            return Ok(());
        }
        if let Some(due_ms) = from {
            self.remove(Table::Due, layout::due_key(due_ms, id).to_vec());
        }
        match to {
            Some(due_ms) => {
                self.put(
                    Table::Alarm,
                    id.as_bytes().to_vec(),
                    &[&due_ms.to_be_bytes()],
                );
                self.put(Table::Due, layout::due_key(due_ms, id).to_vec(), &[]);
            }
            None => self.remove(Table::Alarm, id.as_bytes().to_vec()),
        }
        Ok(())
    }

    fn record(&self, id: ActorId) -> Result<Option<ActorRecord>, StoreError> {
        let payload = self.get(Table::Record, id.as_bytes())?;
        payload
            .map(|payload| layout::parse_record(id, &payload))
            .transpose()
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        match self.rows.get(&(table, key.to_vec())) {
            Some(Some(value)) => {
                layout::open(table, key, value).map(|payload| Some(Bytes::copy_from_slice(payload)))
            }
            Some(None) => Ok(None),
            None => self.tables.get(table, key),
        }
    }

    fn put(&mut self, table: Table, key: Vec<u8>, payload: &[&[u8]]) {
        let value = layout::seal(table, &key, payload);
        self.rows.insert((table, key), Some(value));
    }

    fn remove(&mut self, table: Table, key: Vec<u8>) {
        self.rows.insert((table, key), None);
    }
}
