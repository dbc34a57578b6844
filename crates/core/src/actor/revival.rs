//! What becomes of an actor whose instance is lost: which ones are woken again, and when.

use tokio::time::Instant;
use tracing::debug;

use super::{
    live::{Resumes, Stage},
    task::{ActorTask, Phase},
};
use crate::{
    CrashPolicy, Output, StopReason,
    mark::{Mark, pause_after},
};

/// An actor that is to wake without a caller.
#[derive(Clone, Copy, Debug)]
pub(super) struct Revival {
    /// How many instances were lost in a row, starts that failed included.
    losses: u8,
    /// When to wake it, unless somebody needs it earlier.
    pub(super) at: Instant,
}

impl Revival {
    pub(super) fn is_due(&self) -> bool {
        self.at <= Instant::now()
    }
}

impl ActorTask {
    /// The instance says what it is about besides its calls.
    pub(super) fn on_awake(&mut self, held: bool, resumes: bool) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        if live.held_awake && !held {
            live.idle_since = Instant::now();
        }
        live.held_awake = held;
        let is_first = resumes && live.resumes == Resumes::Never;
        live.resumes = match (resumes, live.resumes) {
            (true, _) => Resumes::Yes,
            (false, Resumes::Never) => Resumes::Never,
            (false, Resumes::NotNow | Resumes::Yes) => Resumes::NotNow,
        };
        // What its end is to leave behind was settled when it began to stop.
        if live.stage != Stage::Running {
            return;
        }
        // An instance that waits now and then would move its mark with every commit, so a mark that is
        // not needed any more stays for a while.
        let later = Instant::now() + self.options.state_save_interval;
        if !resumes {
            live.unmark_at = live.journal.mark().map(|_| later);
            return;
        }
        live.unmark_at = None;
        if is_first {
            self.update_mark(Instant::now());
            self.commit_owed();
        } else {
            self.update_mark(later);
        }
    }

    /// The mark has not been needed for a while.
    pub(super) fn unmark(&mut self) {
        if let Phase::Live(live) = &mut self.phase {
            live.unmark_at = None;
            self.update_mark(Instant::now());
            self.commit_owed();
        }
    }

    /// Somebody has taken a message and is to be woken if it gets lost: the commit that stores the message
    /// says so, and not a later one.
    pub(super) fn mark_if_resuming(&mut self, outputs: &[Output]) {
        let resumes = |output: &Output| matches!(output, Output::Awake { resumes: true, .. });
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        if live.stage == Stage::Running && outputs.iter().any(resumes) {
            live.resumes = Resumes::Yes;
            live.unmark_at = None;
            self.update_mark(Instant::now());
        }
    }

    /// The actor asks for its end: the commit of that turn, behind which its answers wait, says so. Whatever is lost
    /// from then on, the end comes.
    pub(super) fn mark_if_destroyed(&mut self, outputs: &[Output]) {
        if outputs
            .iter()
            .any(|output| matches!(output, Output::Destroy))
        {
            self.want(StopReason::Destroy);
            self.update_mark(Instant::now());
        }
    }

    /// Lets the store know by `deadline` whether the actor is to be woken if its instance is lost.
    pub(super) fn update_mark(&mut self, deadline: Instant) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        let is_marked = live.resumes == Resumes::Yes
            || live.unmark_at.is_some()
            || self.options.crash_policy != CrashPolicy::Sleep;
        let mark = match live.wants {
            Some(StopReason::Destroy) => Some(end_after(live.journal.mark())),
            Some(StopReason::Sleep) | None => is_marked.then_some(Mark::Awake {
                losses: live.losses,
            }),
        };
        let earliest_ms = live.alarms.earliest_ms();
        live.journal.set_mark(mark, earliest_ms, deadline);
    }

    fn commit_owed(&mut self) {
        if let Phase::Live(live) = &mut self.phase
            && live.journal.owes()
        {
            live.journal.commit_owed();
        }
    }

    /// The actor goes to sleep: only one that the end of the process interrupts goes on in the next.
    pub(super) fn mark_for_sleep(&mut self) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        let earliest_ms = live.alarms.earliest_ms();
        let mark = match live.wants {
            Some(StopReason::Destroy) => Some(end_after(live.journal.mark())),
            Some(StopReason::Sleep) | None => live.goes_on.then_some(Mark::Resume),
        };
        live.journal.set_mark(mark, earliest_ms, Instant::now());
    }

    /// The instance has lived for long enough to be no part of a crash loop.
    pub(super) fn forget_losses(&mut self) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        live.losses = 0;
        live.steady_at = None;
        self.update_mark(Instant::now() + self.options.state_save_interval);
    }

    /// The mark that the actor leaves behind if it is awake and lost now.
    pub(super) fn mark_if_live(&self) -> Option<Mark> {
        match &self.phase {
            Phase::Live(live) => live.journal.mark_left_behind().map(|mark| {
                // One that was left behind before does not know of those that were lost since.
                let before = match mark {
                    Mark::Awake { losses } | Mark::Destroy { losses } => losses,
                    Mark::Resume => 0,
                };
                let losses = before.max(live.losses);
                Mark::Awake { losses }
            }),
            Phase::Asleep | Phase::Waking(_) => None,
        }
    }

    /// The instance is lost: wakes the actor again if that is what its mark says.
    pub(super) fn revive_if_marked(&mut self) {
        if let Some(mark) = self.mark_if_live() {
            let before = self.revival.take();
            let failed_starts = before.map_or(0, |revival| revival.losses.saturating_add(1));
            self.revive(failed_starts.max(mark.losses()));
        }
    }

    /// Wakes the actor after so many losses in a row, after a pause that fits.
    pub(super) fn revive(&mut self, losses: u8) {
        let pause = pause_after(losses);
        debug!(actor = %self.id, losses, ?pause, "the actor was lost and is woken again");
        let at = Instant::now() + pause;
        self.revival.get_or_insert(Revival { losses, at });
    }

    /// A start has failed. An actor that was to be revived is not given up.
    pub(super) fn try_again_later(&mut self) {
        let Some(Revival { losses, .. }) = self.revival.take() else {
            return;
        };
        if !self.gone {
            self.revive(losses.saturating_add(1));
        }
    }

    /// How many instances were lost in a row before the one that starts now, given the mark that was
    /// found in the store. Also notes that a mark was found by somebody who came before the revival.
    pub(super) fn count_losses(&mut self, mark: Option<Mark>) -> u8 {
        let Some(mark) = mark else {
            self.revival = None;
            return 0;
        };
        let at = Instant::now();
        let found = mark.losses();
        let revival = self.revival.get_or_insert(Revival { losses: found, at });
        revival.losses = revival.losses.max(found);
        revival.losses
    }
}

/// The mark of an actor that is to be removed, given the one that it has: nothing takes that back, and the losses that
/// it counts go on.
fn end_after(mark: Option<Mark>) -> Mark {
    mark.filter(|mark| mark.is_end())
        .unwrap_or(Mark::Destroy { losses: 0 })
}
