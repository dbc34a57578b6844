//! Bugs that are put in on purpose, to see whether the checkers find them. They live in the simulation's
//! own store, host and network: nothing of them is in the product.

use std::{fmt, str::FromStr};

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// The store answers a commit before it is synced.
    AckBeforeSync,
    /// The store takes commits of claims that are over.
    SkipEpochCheck,
    /// The store forgets now and then when an actor wants to be woken.
    DropAlarm,
    /// The store forgets the newest commit now and then when an actor is loaded.
    ForgetCommit,
    /// What a turn puts out leaves before the turn is committed.
    PublishBeforeCommit,
    /// A turn is committed in two steps: state first, the rest later.
    TornTurn,
    /// A change that was to be durable is committed some time later.
    RelaxStrict,
    /// An alarm is told before it is due.
    EarlyAlarm,
    /// A cancelled alarm is only taken off the list of those who ask for it.
    DeafCancel,
    /// A message is removed from its queue some time after it was handled.
    LateRemove,
    /// An event is left out now and then.
    DropEvent,
    /// Some events change places with the answer that follows.
    LateEvent,
    /// A call is forgotten now and then.
    ForgetCall,
    /// An actor that goes to sleep leaves behind what waits to be committed.
    ForgetAtSleep,
    /// Who comes back is told once more now and then what it has heard last.
    TellAgain,
    /// Who comes back is not told the first event that it missed now and then.
    SkipMissed,
    /// A call that is made again runs again.
    RunAgain,
}

impl Plant {
    /// All of them, with the number of seeds within which each has to be found.
    pub const ALL: [(Self, u64); 17] = [
        (Self::AckBeforeSync, 20),
        (Self::SkipEpochCheck, 20),
        // One seed in five sees it.
        (Self::DropAlarm, 40),
        (Self::ForgetCommit, 20),
        (Self::PublishBeforeCommit, 20),
        (Self::TornTurn, 20),
        (Self::RelaxStrict, 20),
        (Self::EarlyAlarm, 20),
        (Self::DeafCancel, 20),
        (Self::LateRemove, 20),
        (Self::DropEvent, 20),
        (Self::LateEvent, 20),
        (Self::ForgetCall, 20),
        (Self::ForgetAtSleep, 20),
        (Self::TellAgain, 20),
        (Self::SkipMissed, 20),
        (Self::RunAgain, 20),
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::AckBeforeSync => "ack-before-sync",
            Self::SkipEpochCheck => "skip-epoch-check",
            Self::DropAlarm => "drop-alarm",
            Self::ForgetCommit => "forget-commit",
            Self::PublishBeforeCommit => "publish-before-commit",
            Self::TornTurn => "torn-turn",
            Self::RelaxStrict => "relax-strict",
            Self::EarlyAlarm => "early-alarm",
            Self::DeafCancel => "deaf-cancel",
            Self::LateRemove => "late-remove",
            Self::DropEvent => "drop-event",
            Self::LateEvent => "late-event",
            Self::ForgetCall => "forget-call",
            Self::ForgetAtSleep => "forget-at-sleep",
            Self::TellAgain => "tell-again",
            Self::SkipMissed => "skip-missed",
            Self::RunAgain => "run-again",
        }
    }
}

impl fmt::Display for Plant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Plant {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL
            .into_iter()
            .find(|(plant, _)| plant.name() == name);
        found.map(|(plant, _)| plant).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|(plant, _)| plant.name()).collect();
            anyhow::anyhow!("no planted bug `{name}`; there are: {}", names.join(", "))
        })
    }
}
