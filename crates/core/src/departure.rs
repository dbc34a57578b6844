//! What leaves an actor on another way than through the runtime: it has to wait for its commit, too.

use tokio::sync::mpsc;

/// The runtime's end: used up when the commit is durable, dropped when it never will be.
#[derive(Clone, Debug)]
pub struct Departure(mpsc::Sender<()>);

/// The end of whoever wants to leave.
#[derive(Debug)]
pub struct Clearance(mpsc::Receiver<()>);

/// A pair of ends: hand the first to the runtime in [`Output::Depart`](crate::Output::Depart).
pub fn departure() -> (Departure, Clearance) {
    let (sender, receiver) = mpsc::channel(1);
    (Departure(sender), Clearance(receiver))
}

impl Departure {
    pub(crate) fn clear(self) {
        // Whoever has given up does not listen any more.
        let _ = self.0.try_send(());
    }
}

impl Clearance {
    /// Waits until everything that went before is durable. False when that will not happen: the
    /// instance was lost, and with it what it had not yet stored.
    pub async fn granted(mut self) -> bool {
        self.0.recv().await.is_some()
    }
}
