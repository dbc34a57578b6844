//! What can go wrong with a store, by what the caller should do.

use std::path::PathBuf;

use greenroom_types::ActorId;

/// Why a store did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The claim is over: someone else has claimed the actor since, it was released or destroyed,
    /// or an earlier commit of the claim was refused. Drop the instance.
    #[error("the claim on actor {actor} is over")]
    Fenced {
        /// The actor.
        actor: ActorId,
    },
    /// A commit came twice or one is missing. Drop the instance.
    #[error("commit {got} of actor {actor} is out of order, expected {expected}")]
    OutOfOrder {
        /// The actor.
        actor: ActorId,
        /// The position that would have been right.
        expected: u64,
        /// The position that came.
        got: u64,
    },
    /// No room left on the medium, or too much is waiting to be written. Not acknowledged, so treat
    /// it as not written; try again when there is room.
    #[error("the store is full: {0}")]
    Full(String),
    /// Stored bytes are not what was written. The actor cannot be used.
    #[error("stored data is corrupt: {0}")]
    Corrupt(String),
    /// Reading failed, which says nothing about the next attempt.
    #[error("the store cannot be read: {0}")]
    Unreadable(String),
    /// Writing or syncing failed. The store takes no more writes until the process restarts.
    #[error("the store has failed: {0}")]
    Failed(String),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

/// Why a store could not be opened. The message is meant for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error(
        "the data directory {} is in use by another process: stop that process, or give this one \
         another directory with GREENROOM_DATA_DIR", path.display()
    )]
    Locked {
        /// The data directory.
        path: PathBuf,
    },
    /// It was written by a version of Greenroom that this one cannot read.
    #[error(
        "the data directory {} has format version {found}, this build reads {supported}: use a \
         matching version of Greenroom", path.display()
    )]
    Version {
        /// The data directory.
        path: PathBuf,
        /// What it says.
        found: String,
        /// What this build understands.
        supported: u32,
    },
    /// It cannot be read or written.
    #[error(
        "the data directory {} cannot be used: {reason}; check that it is a folder that this user \
         may write to, or choose another one with GREENROOM_DATA_DIR", path.display()
    )]
    Unusable {
        /// The data directory.
        path: PathBuf,
        /// What the operating system or the engine says.
        reason: String,
    },
    /// The disk has no room for what a start writes.
    #[error(
        "the disk of the data directory {} is full: {reason}; make room and start again, nothing is lost",
        path.display()
    )]
    Full {
        /// The data directory.
        path: PathBuf,
        /// What the operating system says.
        reason: String,
    },
    /// Its contents are damaged.
    #[error(
        "the data directory {} is damaged and was left untouched: {reason}; restore it from a \
         backup, or move it away to start empty", path.display()
    )]
    Corrupt {
        /// The data directory.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}
