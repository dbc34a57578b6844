//! Actors that have to be woken although nobody calls them and no alarm is due: because they were awake
//! when their instance, or the whole process, was lost, or because their end had begun.
//!
//! The store keeps one alarm per actor, the time at which to wake it. An actor whose instance may not
//! get lost unnoticed stores a *mark* there while it is awake: a number at the very end of time, for which
//! no search for due alarms ever asks. So a mark costs next to nothing while the actor lives. The actor
//! watches its own alarms meanwhile, and going to sleep puts the time back. What is left of a process
//! that died are its marks, and the next process looks for them once, when it begins.

use std::time::Duration;

/// The latest time for which an alarm can be stored. Whatever is later is a [`Mark`].
pub(crate) const LATEST_ALARM_MS: i64 = i64::MAX - 256;

/// The first pause before an actor is woken again that was lost twice in a row.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// An instance that lived for so long was no part of a crash loop.
pub(crate) const STEADY: Duration = Duration::from_secs(60);

/// An end that has cost so many instances in a row comes without its hook.
const MOST_LOST_AT_END: u8 = 3;

/// See the top of the file. Stored: [`Mark::Resume`] as `i64::MAX - 255`, [`Mark::Awake`] as
/// `i64::MAX - 254 + losses`, [`Mark::Destroy`] as `i64::MAX - 1 - losses`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The process was shut down in good order while the actor was at work: go on in the next.
    Resume,
    /// The actor is awake. Found in the store, it says that the instance was lost, after so many
    /// others before it had been lost in a row.
    Awake { losses: u8 },
    /// The actor has asked for its end, and whoever made it ask may have been told so. Found in the store, it says
    /// that the instance was lost at that, after so many others.
    Destroy { losses: u8 },
}

const DESTROY: i64 = LATEST_ALARM_MS + 255;

impl Mark {
    /// As the store keeps it.
    pub(crate) fn to_alarm_ms(self) -> i64 {
        match self {
            Self::Resume => LATEST_ALARM_MS + 1,
            Self::Awake { losses } => LATEST_ALARM_MS + 2 + i64::from(losses.min(MOST_LOSSES)),
            Self::Destroy { losses } => DESTROY - i64::from(losses.min(MOST_LOSSES)),
        }
    }

    /// What takes its place before the next instance starts, so that one that is lost as it starts counts as well.
    pub(crate) fn counted(self) -> Self {
        let losses = self.losses();
        match self {
            Self::Resume | Self::Awake { .. } => Self::Awake { losses },
            Self::Destroy { .. } => Self::Destroy { losses },
        }
    }

    /// Whether the actor is to be removed.
    pub(crate) fn is_end(self) -> bool {
        matches!(self, Self::Destroy { .. })
    }

    /// Whether the actor is to be removed and its hook has had its chances, for one who finds this in the store.
    pub(crate) fn is_end_without_hook(self) -> bool {
        self.is_end() && self.losses() >= MOST_LOST_AT_END
    }

    /// What a stored alarm says; `None` when it is a time.
    pub(crate) fn of_alarm_ms(alarm_ms: i64) -> Option<Self> {
        if (DESTROY - i64::from(MOST_LOSSES)..=DESTROY).contains(&alarm_ms) {
            return Some(Self::Destroy {
                losses: u8::try_from(DESTROY - alarm_ms).unwrap_or(MOST_LOSSES),
            });
        }
        match alarm_ms.checked_sub(LATEST_ALARM_MS) {
            Some(1) => Some(Self::Resume),
            Some(past) if past > 1 => Some(Self::Awake {
                losses: u8::try_from(past - 2).unwrap_or(MOST_LOSSES),
            }),
            Some(_) | None => None,
        }
    }

    /// How many instances were lost in a row, for one who finds this in the store.
    pub(crate) fn losses(self) -> u8 {
        match self {
            Self::Resume => 0,
            Self::Awake { losses } | Self::Destroy { losses } => {
                losses.saturating_add(1).min(MOST_LOSSES)
            }
        }
    }
}

/// Losses are not counted further: the pause does not grow any more.
const MOST_LOSSES: u8 = 32;

/// How long to wait before waking an actor that was lost so many times in a row: not at all after the
/// first time, then longer each time, so that a crash loop cannot spin.
pub(crate) fn pause_after(losses: u8) -> Duration {
    let Some(doublings) = losses.checked_sub(2) else {
        return Duration::ZERO;
    };
    FIRST_PAUSE
        .saturating_mul(1 << doublings.min(16))
        .min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_told_from_times() {
        for losses in 0..=MOST_LOSSES {
            for mark in [Mark::Awake { losses }, Mark::Destroy { losses }] {
                assert_eq!(Mark::of_alarm_ms(mark.to_alarm_ms()), Some(mark));
            }
        }
        let mark = Mark::Resume;
        assert_eq!(Mark::of_alarm_ms(mark.to_alarm_ms()), Some(mark));
        for time in [i64::MIN, 0, LATEST_ALARM_MS] {
            assert_eq!(Mark::of_alarm_ms(time), None);
        }
        // What no version of this code stores is a mark all the same, and not a time.
        assert!(Mark::of_alarm_ms(i64::MAX).is_some());
        let most = Mark::Awake { losses: u8::MAX };
        assert_eq!(most.losses(), MOST_LOSSES);
        assert!(Mark::of_alarm_ms(most.to_alarm_ms()).is_some());
    }

    #[test]
    fn every_start_counts_and_what_is_to_come_stays() {
        let awake = |losses| Mark::Awake { losses };
        assert_eq!(Mark::Resume.counted(), awake(0));
        assert_eq!(awake(0).counted(), awake(1));
        assert_eq!(awake(MOST_LOSSES).counted(), awake(MOST_LOSSES));
        let end = Mark::Destroy { losses: 1 }.counted();
        assert_eq!(end, Mark::Destroy { losses: 2 });
    }

    #[test]
    fn pauses_grow_up_to_a_limit() {
        let seconds: Vec<_> = (0..12)
            .map(|losses| pause_after(losses).as_secs())
            .collect();
        assert_eq!(seconds, [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert_eq!(pause_after(u8::MAX), LONGEST_PAUSE);
    }
}
