//! The one thread that writes.
//!
//! It takes what has arrived, up to [`COMMIT_BATCH`](greenroom_types::limits::COMMIT_BATCH) bytes, writes it as one batch of the
//! engine, syncs, and only then gives the answers, in the order of the calls. What arrives during
//! a sync is the next batch.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bytes::Bytes;
use greenroom_types::ActorId;
use tracing::{debug, error};

use super::{
    medium::{Medium, is_full},
    shared::{Batch, Engine, Shared},
    staging::Staging,
};
use crate::{
    Created, Epoch, StoreError,
    request::{Answer, Request},
};

/// The writer's state. It ends when the store is closed and no request is left.
pub(super) struct Writer {
    pub(super) engine: Arc<Engine>,
    pub(super) shared: Arc<Shared>,
    pub(super) medium: Medium,
}

/// An answer that waits for the sync.
enum Pending {
    Created(Answer<Created>, Created),
    /// With what was written.
    Done(Answer<()>, Bytes),
}

impl Pending {
    fn send(self, outcome: Result<(), StoreError>) {
        match self {
            Self::Created(answer, created) => answer.send(outcome.map(|()| created)),
            Self::Done(answer, written) => answer.send_back(outcome, written),
        }
    }
}

impl Writer {
    /// Works until the store is closed and everything that was accepted is answered.
    pub(super) fn run(self) {
        // A panic of the engine must not go unnoticed: what waits is answered with a failure, for
        // its answers are dropped, and nothing new is accepted.
        let finished = catch_unwind(AssertUnwindSafe(|| {
            while let Some(batch) = self.shared.next_batch() {
                self.process(batch);
            }
        }));
        if finished.is_err() {
            error!(
                "the store's writer has panicked, it takes no more writes until the process restarts"
            );
            self.shared.lose_writer(StoreError::Failed(
                "the store's writer has panicked".to_owned(),
            ));
        }
    }

    fn process(&self, batch: Batch) {
        let Batch {
            requests,
            weight,
            failure,
        } = batch;
        let touched: Vec<ActorId> = requests.iter().filter_map(writes_to).collect();
        let refusal = failure.or_else(|| self.refusal(weight));
        let answers = match refusal {
            Some(error) => self.refuse(requests, &error),
            None => self.write(requests),
        };
        let mut state = self.shared.lock();
        for id in touched {
            state.claims.settle(id);
        }
        state.drained(weight);
        drop(state);
        for (pending, outcome) in answers {
            pending.send(outcome);
        }
    }

    /// Why the disk does not take a batch of this many bytes, if so. What is not going to pass stops
    /// all writing.
    fn refusal(&self, bytes: usize) -> Option<StoreError> {
        let error = self.medium.check_room(bytes).err()?;
        if let StoreError::Failed(_) = error {
            error!(%error, "the store takes no more writes until the process restarts");
            self.shared.lock().fail(error.clone());
        }
        Some(error)
    }

    fn refuse(
        &self,
        batch: Vec<Request>,
        error: &StoreError,
    ) -> Vec<(Pending, Result<(), StoreError>)> {
        debug!(%error, writes = batch.len(), "writes refused");
        let refuse = |request| match request {
            Request::Create {
                actor,
                claim,
                answer,
            } => {
                self.unclaim(actor.id, claim);
                (Pending::Created(answer, Created::New), Err(error.clone()))
            }
            Request::Append { commit, answer } => {
                self.shared
                    .lock()
                    .claims
                    .break_claim(commit.actor, commit.epoch);
                (Pending::Done(answer, commit.body), Err(error.clone()))
            }
            Request::Snapshot {
                snapshot, answer, ..
            } => (Pending::Done(answer, snapshot.body), Err(error.clone())),
            Request::Barrier { answer } => (Pending::Done(answer, Bytes::new()), Ok(())),
        };
        batch.into_iter().map(refuse).collect()
    }

    fn write(&self, batch: Vec<Request>) -> Vec<(Pending, Result<(), StoreError>)> {
        let mut staging = Staging::new(&self.engine.tables);
        let mut answers: Vec<_> = batch
            .into_iter()
            .map(|request| self.stage(&mut staging, request))
            .collect();
        let alarms = staging.alarms();
        match (self.medium.write)(staging) {
            Ok(()) => {
                if !alarms.is_empty() {
                    self.shared.lock().due.apply(alarms);
                }
            }
            Err(error) => {
                let outcome = self.fail(&error);
                for (_, result) in &mut answers {
                    *result = result.clone().and(Err(outcome.clone()));
                }
            }
        }
        answers
    }

    fn stage(
        &self,
        staging: &mut Staging<'_>,
        request: Request,
    ) -> (Pending, Result<(), StoreError>) {
        match request {
            Request::Create {
                actor,
                claim,
                answer,
            } => {
                let staged = staging.create(&actor);
                if !matches!(staged, Ok(Created::New)) {
                    self.unclaim(actor.id, claim);
                }
                match staged {
                    Ok(created) => (Pending::Created(answer, created), Ok(())),
                    Err(error) => (Pending::Created(answer, Created::New), Err(error)),
                }
            }
            Request::Append { commit, answer } => {
                let admitted = self
                    .shared
                    .lock()
                    .claims
                    .admit_commit(commit.actor, commit.epoch);
                let staged = admitted.and_then(|()| staging.append(&commit));
                if staged.is_err() {
                    self.shared
                        .lock()
                        .claims
                        .break_claim(commit.actor, commit.epoch);
                }
                (Pending::Done(answer, commit.body), staged)
            }
            Request::Snapshot {
                id,
                epoch,
                snapshot,
                answer,
            } => {
                let admitted = self
                    .shared
                    .lock()
                    .claims
                    .admit_snapshot(id, epoch, snapshot.seq);
                let staged = admitted.map(|pruned| staging.snapshot(id, pruned, &snapshot));
                (Pending::Done(answer, snapshot.body), staged)
            }
            Request::Barrier { answer } => (Pending::Done(answer, Bytes::new()), Ok(())),
        }
    }

    /// Refuses the commits of an actor that was claimed when its creation was handed in, and is not created.
    fn unclaim(&self, id: ActorId, claim: Option<Epoch>) {
        if let Some(epoch) = claim {
            self.shared.lock().claims.break_claim(id, epoch);
        }
    }

    /// Stops all writing. Gives the error for those whose write failed.
    fn fail(&self, error: &fjall::Error) -> StoreError {
        error!(%error, "a write to the store failed, it takes no more until the process restarts");
        self.shared.lock().fail(StoreError::Failed(format!(
            "an earlier write failed: {error}"
        )));
        match error {
            fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error))
                if is_full(error) =>
            {
                StoreError::Full(error.to_string())
            }
            other => StoreError::Failed(other.to_string()),
        }
    }
}

fn writes_to(request: &Request) -> Option<ActorId> {
    match request {
        Request::Append { commit, .. } => Some(commit.actor),
        Request::Snapshot { id, .. } => Some(*id),
        Request::Create { actor, claim, .. } => claim.map(|_| actor.id),
        Request::Barrier { .. } => None,
    }
}
