//! What a workload may need of a system.

/// Something that not every system can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ability {
    /// Take actions over a WebSocket.
    Socket,
    /// Take actions over HTTP.
    Http,
    /// Keep a counter for each actor, so that answers and the final state can be checked.
    State,
    /// Keep a list beside it.
    Lines,
    /// Send events to all WebSockets of an actor.
    Events,
    /// Let an actor sleep when asked, and wake it when it is called.
    Nap,
    /// Say how many actors are awake, without waking one.
    Awake,
    /// Have its state again after a kill, in a new process on the same directory.
    Restart,
    /// Use a directory that [`crate::filled`] has filled with actors.
    Filled,
    /// Collect its garbage when asked, and say how large its heap is.
    Heap,
    /// Be installed from npm.
    Install,
}
