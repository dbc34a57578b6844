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
    /// Compute something that takes long.
    Compute,
    /// Send events to all WebSockets of an actor.
    Events,
    /// Let an actor sleep when asked, and wake it when it is called.
    Nap,
    /// Say how many actors are awake, without waking one.
    Awake,
    /// Have actors that sleep, whether asked or when nothing has happened for some time.
    Sleep,
    /// Say how often an actor was woken since the process began.
    Wakes,
    /// Have its state again after a kill, in a new process on the same directory.
    Restart,
    /// Use a directory that [`crate::filled`] has filled with actors.
    Filled,
    /// Collect its garbage when asked, and say how large its heap is.
    Heap,
    /// Be installed from npm.
    Install,
}
