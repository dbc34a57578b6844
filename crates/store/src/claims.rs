//! Who may write to which actor, kept in memory and shared by the engines.
//!
//! A claim is made by [`Store::load`](crate::Store::load) and lives until it is released, lost to
//! a newer one, or broken by a refused commit. Commits are checked twice: when they are handed in
//! (so that their order is the order of the calls) and again when they are about to be written (so
//! that none is written after an earlier one of the same claim was refused).

use std::collections::HashMap;

use greenroom_types::{ActorId, SeededHash, shrink_sparse};

use crate::{Commit, Epoch, StoreError};

/// All claims of one open store.
#[derive(Debug)]
pub(crate) struct Claims {
    last_epoch: u64,
    /// Hashed with a seed: whoever calls may make up ids, and they are claimed before it is known that nobody has them.
    actors: HashMap<ActorId, Actor, SeededHash>,
}

#[derive(Debug, Default)]
struct Actor {
    /// The claim that may write, if any.
    claim: Option<Claim>,
    /// Writes that were accepted and are not settled yet, of this claim and of earlier ones.
    in_flight: usize,
    /// A commit of this epoch was refused when its turn came: those behind it are refused too.
    broken: Option<Epoch>,
    /// What the snapshot contains that is stored or about to be, 0 without one.
    snapshot_seq: u64,
}

#[derive(Debug)]
struct Claim {
    epoch: Epoch,
    /// The next commit's position. Unknown until the load that made the claim has read it.
    next_seq: Option<u64>,
    /// A commit was refused when it was handed in: nothing more is accepted.
    refused: bool,
}

impl Claims {
    /// An empty table. `incarnation` is higher than that of every earlier opening of the same
    /// store and becomes the high half of all epochs, so that they rise across restarts.
    pub(crate) fn new(incarnation: u32) -> Self {
        Self {
            last_epoch: u64::from(incarnation) << 32,
            actors: HashMap::default(),
        }
    }

    /// Claims an actor. The second value says whether writes of earlier claims are in flight, for
    /// which the reader has to wait.
    pub(crate) fn claim(&mut self, id: ActorId) -> (Epoch, bool) {
        self.last_epoch += 1;
        let epoch = Epoch(self.last_epoch);
        let actor = self.actors.entry(id).or_default();
        actor.claim = Some(Claim {
            epoch,
            next_seq: None,
            refused: false,
        });
        (epoch, actor.in_flight > 0)
    }

    /// Claims an actor whose creation is handed in. It counts as a write until it is settled.
    pub(crate) fn claim_new(&mut self, id: ActorId) -> Epoch {
        let (epoch, _) = self.claim(id);
        self.loaded(id, epoch, 0, 0);
        self.actors.entry(id).or_default().in_flight += 1;
        epoch
    }

    /// Completes a claim with what its load has read. Ignored when it was lost meanwhile.
    pub(crate) fn loaded(&mut self, id: ActorId, epoch: Epoch, last_seq: u64, snapshot_seq: u64) {
        if let Some(claim) = self.current(id, epoch) {
            claim.next_seq = Some(last_seq + 1);
            self.actors.entry(id).or_default().snapshot_seq = snapshot_seq;
        }
    }

    /// Gives a claim back. Ignored when it was lost meanwhile.
    pub(crate) fn release(&mut self, id: ActorId, epoch: Epoch) {
        if self.current(id, epoch).is_some() {
            self.end(id);
        }
    }

    /// Accepts a commit that is handed in, or refuses it and everything after it.
    pub(crate) fn accept_commit(&mut self, commit: &Commit) -> Result<(), StoreError> {
        let fenced = StoreError::Fenced {
            actor: commit.actor,
        };
        let Some(claim) = self.current(commit.actor, commit.epoch) else {
            return Err(fenced);
        };
        let Some(expected) = claim.next_seq.filter(|_| !claim.refused) else {
            return Err(fenced);
        };
        if commit.seq != expected {
            claim.refused = true;
            return Err(StoreError::OutOfOrder {
                actor: commit.actor,
                expected,
                got: commit.seq,
            });
        }
        claim.next_seq = Some(expected + 1);
        self.actors.entry(commit.actor).or_default().in_flight += 1;
        if commit.destroy {
            self.end(commit.actor);
        }
        Ok(())
    }

    /// Accepts a snapshot that is handed in. It may only contain commits that were accepted.
    pub(crate) fn accept_snapshot(
        &mut self,
        id: ActorId,
        epoch: Epoch,
        seq: u64,
    ) -> Result<(), StoreError> {
        let fenced = StoreError::Fenced { actor: id };
        let Some(claim) = self.current(id, epoch) else {
            return Err(fenced);
        };
        let Some(next) = claim.next_seq.filter(|_| !claim.refused) else {
            return Err(fenced);
        };
        if seq >= next {
            return Err(StoreError::OutOfOrder {
                actor: id,
                expected: next - 1,
                got: seq,
            });
        }
        self.actors.entry(id).or_default().in_flight += 1;
        Ok(())
    }

    /// Checks an accepted commit once more when it is about to be written.
    pub(crate) fn admit_commit(&self, id: ActorId, epoch: Epoch) -> Result<(), StoreError> {
        let broken = self.actors.get(&id).and_then(|actor| actor.broken);
        if broken.is_some_and(|broken| epoch <= broken) {
            Err(StoreError::Fenced { actor: id })
        } else {
            Ok(())
        }
    }

    /// Checks an accepted snapshot once more when it is about to be written. Gives the position
    /// after which commits are to be removed, and remembers the new one.
    pub(crate) fn admit_snapshot(
        &mut self,
        id: ActorId,
        epoch: Epoch,
        seq: u64,
    ) -> Result<u64, StoreError> {
        self.admit_commit(id, epoch)?;
        let actor = self
            .actors
            .get_mut(&id)
            .expect("an actor with writes in flight is in the table");
        if seq < actor.snapshot_seq {
            return Err(StoreError::OutOfOrder {
                actor: id,
                expected: actor.snapshot_seq,
                got: seq,
            });
        }
        Ok(std::mem::replace(&mut actor.snapshot_seq, seq))
    }

    /// Refuses all new commits of this claim; those that were accepted are still written.
    pub(crate) fn refuse_new(&mut self, id: ActorId, epoch: Epoch) {
        if let Some(claim) = self.current(id, epoch) {
            claim.refused = true;
        }
    }

    /// Refuses all commits of this claim that are still to be written, and all new ones.
    pub(crate) fn break_claim(&mut self, id: ActorId, epoch: Epoch) {
        self.refuse_new(id, epoch);
        let actor = self.actors.entry(id).or_default();
        actor.broken = actor.broken.max(Some(epoch));
        self.forget_if_idle(id);
    }

    /// Notes that an accepted write was answered, whatever the answer.
    pub(crate) fn settle(&mut self, id: ActorId) {
        let actor = self
            .actors
            .get_mut(&id)
            .expect("an actor with writes in flight is in the table");
        actor.in_flight -= 1;
        self.forget_if_idle(id);
    }

    fn current(&mut self, id: ActorId, epoch: Epoch) -> Option<&mut Claim> {
        self.actors
            .get_mut(&id)?
            .claim
            .as_mut()
            .filter(|claim| claim.epoch == epoch)
    }

    fn end(&mut self, id: ActorId) {
        if let Some(actor) = self.actors.get_mut(&id) {
            actor.claim = None;
        }
        self.forget_if_idle(id);
    }

    /// Sleeping actors cost no memory.
    fn forget_if_idle(&mut self, id: ActorId) {
        if self
            .actors
            .get(&id)
            .is_some_and(|actor| actor.claim.is_none() && actor.in_flight == 0)
        {
            self.actors.remove(&id);
            shrink_sparse(&mut self.actors);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn id() -> ActorId {
        ActorId::from_bytes([7; 16])
    }

    fn commit(epoch: Epoch, seq: u64, destroy: bool) -> Commit {
        Commit {
            actor: id(),
            epoch,
            seq,
            body: Bytes::new(),
            alarm: None,
            destroy,
        }
    }

    #[test]
    fn a_claim_that_ends_leaves_nothing_behind() {
        let mut claims = Claims::new(3);
        let (epoch, busy) = claims.claim(id());
        assert_eq!((epoch, busy), (Epoch((3 << 32) + 1), false));
        claims.loaded(id(), epoch, 0, 0);
        assert_eq!(claims.accept_commit(&commit(epoch, 1, false)), Ok(()));
        claims.release(id(), epoch);
        assert_eq!(claims.actors.len(), 1, "a write is in flight");
        assert!(claims.claim(id()).1, "the next owner has to wait for it");
        claims.release(id(), Epoch(epoch.0 + 1));
        claims.settle(id());
        assert_eq!(claims.actors.len(), 0);
    }

    #[test]
    fn a_commit_refused_late_takes_those_behind_it_along_even_after_a_new_claim() {
        let mut claims = Claims::new(1);
        let (old, _) = claims.claim(id());
        claims.loaded(id(), old, 0, 0);
        assert_eq!(claims.accept_commit(&commit(old, 1, false)), Ok(()));
        assert_eq!(claims.accept_commit(&commit(old, 2, false)), Ok(()));
        let (new, busy) = claims.claim(id());
        assert!(busy);
        claims.break_claim(id(), old);
        claims.settle(id());
        assert_eq!(
            claims.admit_commit(id(), old),
            Err(StoreError::Fenced { actor: id() })
        );
        claims.settle(id());
        claims.loaded(id(), new, 0, 0);
        assert_eq!(claims.accept_commit(&commit(new, 1, true)), Ok(()));
        assert_eq!(claims.admit_commit(id(), new), Ok(()));
        assert_eq!(
            claims.accept_commit(&commit(new, 2, false)),
            Err(StoreError::Fenced { actor: id() })
        );
        claims.settle(id());
        assert_eq!(claims.actors.len(), 0);
    }
}
