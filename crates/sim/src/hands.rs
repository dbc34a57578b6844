//! How turns get from the actors to the runtime: as they are, or spoilt by a planted bug.

use std::collections::BTreeMap;

use greenroom_core::{
    AlarmUpdate, Durability, Instance, KvRequest, Output, QueueUpdate, Runtime, Turn,
};

use crate::{Plant, rng::Rng, wire};

/// See the top of the file.
pub(crate) struct Hands {
    runtime: Option<Runtime>,
    plant: Option<Plant>,
    rng: Rng,
    /// What a planted bug keeps back until the instance's next turn.
    kept: BTreeMap<Instance, Kept>,
}

#[derive(Default)]
struct Kept {
    changes: Vec<u8>,
    queue: Vec<QueueUpdate>,
}

impl Hands {
    pub(crate) fn new(plant: Option<Plant>, rng: Rng) -> Self {
        Self {
            runtime: None,
            plant,
            rng,
            kept: BTreeMap::new(),
        }
    }

    /// Turns go to this runtime.
    pub(crate) fn take(&mut self, runtime: Runtime) {
        self.runtime = Some(runtime);
    }

    /// The instance has ended.
    pub(crate) fn forget(&mut self, instance: Instance) {
        self.kept.remove(&instance);
    }

    /// Hands one turn over.
    pub(crate) fn hand_over(&mut self, instance: Instance, mut turn: Turn) {
        let is_about_life = turn.outputs.iter().any(|output| {
            matches!(
                output,
                Output::Started | Output::StartFailed(_) | Output::Stopped
            )
        });
        match self.plant {
            Some(Plant::PublishBeforeCommit) if !is_about_life => {
                let outputs = std::mem::take(&mut turn.outputs);
                self.submit(
                    instance,
                    Turn {
                        outputs,
                        ..Turn::default()
                    },
                );
            }
            Some(Plant::TornTurn) if !turn.changes.is_empty() && !is_about_life => {
                let changes = std::mem::take(&mut turn.changes);
                self.submit(
                    instance,
                    Turn {
                        changes,
                        ..Turn::default()
                    },
                );
            }
            Some(Plant::RelaxStrict) if turn.queue.is_empty() && !is_about_life => {
                turn.durability = Durability::Relaxed;
            }
            Some(Plant::EarlyAlarm) => {
                for update in &mut turn.alarms {
                    if let AlarmUpdate::Set(alarm) = update {
                        alarm.due_ms -= 400;
                    }
                }
            }
            Some(Plant::DeafCancel) if cancels(&turn) => turn.alarms.clear(),
            Some(Plant::LateRemove) => {
                let (removed, rest) = std::mem::take(&mut turn.queue)
                    .into_iter()
                    .partition(|update| matches!(update, QueueUpdate::Remove(_)));
                let kept = &mut self.kept.entry(instance).or_default().queue;
                turn.queue = std::mem::replace(kept, removed);
                turn.queue.extend::<Vec<_>>(rest);
            }
            Some(Plant::DropEvent) => {
                let (outputs, rng) = (&mut turn.outputs, &mut self.rng);
                outputs.retain(|output| !matches!(output, Output::Event { .. }) || !rng.chance(5));
            }
            Some(Plant::LateEvent) => {
                if self.rng.chance(20) {
                    turn.outputs
                        .sort_by_key(|output| matches!(output, Output::Event { .. }));
                }
            }
            Some(Plant::ForgetAtSleep) => self.keep_relaxed(instance, &mut turn),
            Some(
                Plant::PublishBeforeCommit
                | Plant::TornTurn
                | Plant::RelaxStrict
                | Plant::DeafCancel
                | Plant::AckBeforeSync
                | Plant::SkipEpochCheck
                | Plant::DropAlarm
                | Plant::ForgetCommit
                | Plant::ForgetCall
                | Plant::TellAgain
                | Plant::SkipMissed
                | Plant::RunAgain,
            )
            | None => {}
        }
        self.submit(instance, turn);
    }

    /// Keeps relaxed changes back until something else comes, and drops them at the end.
    fn keep_relaxed(&mut self, instance: Instance, turn: &mut Turn) {
        let is_end = turn
            .outputs
            .iter()
            .any(|output| matches!(output, Output::Stopped));
        if is_end {
            return;
        }
        let kept = &mut self.kept.entry(instance).or_default().changes;
        kept.extend_from_slice(&turn.changes);
        turn.changes = match turn.durability {
            Durability::Relaxed => Vec::new().into(),
            Durability::Strict | Durability::Ephemeral => std::mem::take(kept).into(),
        };
    }

    fn submit(&self, instance: Instance, turn: Turn) {
        if let Some(runtime) = &self.runtime {
            runtime.turn(instance, turn);
        }
    }
}

/// Whether the turn takes an alarm back, and does not just complete it.
fn cancels(turn: &Turn) -> bool {
    let removes = turn
        .alarms
        .iter()
        .any(|update| matches!(update, AlarmUpdate::Remove(_)));
    let says_so = turn.outputs.iter().any(|output| match output {
        Output::Event { args, .. } => {
            wire::read_args(args).is_ok_and(|news| news.ends_with(":cancelled"))
        }
        _ => false,
    });
    removes && says_so && turn.kv.iter().all(|r| matches!(r, KvRequest::Put { .. }))
}
