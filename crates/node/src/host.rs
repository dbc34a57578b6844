//! The way to one thread of JavaScript: one batch of waiting events, and one bell.

use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use greenroom_core::{ActorHost, HostEvent, Instance};
use tokio::{sync::Notify, task::yield_now};

use crate::{batch::EventWriter, in_process::Answer};

/// A drained batch is kept for reuse unless it grew beyond this many bytes.
const KEPT_CAPACITY: usize = 1024 * 1024;

/// Collects the events of the thread's instances until it takes them.
#[derive(Default)]
pub(crate) struct JsHost {
    /// A sync lock, held while one event is encoded or two vectors change places.
    waiting: Mutex<Waiting>,
    /// Whether events were added since somebody has promised to ring the bell.
    unannounced: AtomicBool,
    /// Wakes [`JsHost::announce`], if that runs.
    announcer: OnceLock<Notify>,
}

#[derive(Default)]
struct Waiting {
    batch: Vec<u8>,
    /// Emptied, with the room that it had.
    spare: Vec<u8>,
    bell: Option<Arc<Bell>>,
    /// How often the events were forgotten.
    era: u32,
}

/// Calls JavaScript, but not again before the last call has begun.
pub(crate) struct Bell {
    ring: Box<dyn Fn() + Send + Sync>,
    ringing: Arc<AtomicBool>,
}

impl Bell {
    /// A bell that calls `ring`. Whoever answers must clear `ringing` before it takes the events.
    pub(crate) fn new(ring: impl Fn() + Send + Sync + 'static, ringing: Arc<AtomicBool>) -> Self {
        Self {
            ring: Box::new(ring),
            ringing,
        }
    }

    /// Rings unless a call is on its way already: that one will see what was added before.
    fn ring(&self) {
        if !self.ringing.swap(true, Ordering::AcqRel) {
            (self.ring)();
        }
    }
}

impl JsHost {
    /// Rings `bell` from now on when events wait, and at once if some have come before it.
    pub(crate) fn attach(&self, bell: Bell) {
        self.lock().bell = Some(Arc::new(bell));
        self.unannounced.store(true, Ordering::Release);
        self.flush();
    }

    /// Lets go of the bell, and with it of what keeps the process alive.
    pub(crate) fn detach(&self) {
        let bell = self.lock().bell.take();
        // Dropped without the lock: releasing the callback takes locks of its own.
        drop(bell);
    }

    /// Appends records that somebody has encoded.
    pub(crate) fn append(&self, records: &[u8]) {
        self.lock().batch.extend_from_slice(records);
        self.unannounced.store(true, Ordering::Release);
        self.flush();
    }

    /// Whether somebody is there who is not on the way here already.
    pub(crate) fn is_calm(&self) -> bool {
        let waiting = self.lock();
        let bell = waiting.bell.as_ref();
        bell.is_some_and(|bell| !bell.ringing.load(Ordering::Acquire))
    }

    /// Whether somebody is called when events wait.
    pub(crate) fn is_attached(&self) -> bool {
        self.lock().bell.is_some()
    }

    /// Drops the events that wait: those that they are for are gone. Begins another era.
    pub(crate) fn forget(&self) {
        let mut waiting = self.lock();
        waiting.batch = Vec::new();
        waiting.era = waiting.era.wrapping_add(1);
    }

    /// Which thread of those that have been called here requests are from that begin now.
    pub(crate) fn era(&self) -> u32 {
        self.lock().era
    }

    /// Asks JavaScript to come by, whether there is anything for it or not.
    pub(crate) fn ring(&self) {
        let bell = self.lock().bell.clone();
        if let Some(bell) = bell {
            bell.ring();
        }
    }

    /// Tells JavaScript what has come of one of its requests. Says nothing in another era than the request's: that
    /// number may be another request's by now.
    pub(crate) fn answer(&self, era: u32, request: u32, answer: &Answer) {
        let mut waiting = self.lock();
        if waiting.era != era {
            return;
        }
        EventWriter::new(&mut waiting.batch).answer(request, answer);
        drop(waiting);
        self.unannounced.store(true, Ordering::Release);
        self.flush();
    }

    /// Rings the bell from now on instead of those who deliver events, as soon as the core's thread has
    /// nothing else to do, or after some dozens of other tasks. Many actors that have something to say share
    /// one ring then: waking JavaScript for each of them costs both sides more than what they say.
    pub(crate) async fn announce(self: Arc<Self>) {
        let announcer = self.announcer.get_or_init(Notify::new);
        loop {
            announcer.notified().await;
            // Goes on behind everything that is ready to run by now.
            yield_now().await;
            self.ring_for_events();
        }
    }

    fn ring_for_events(&self) {
        let bell = {
            let waiting = self.lock();
            // JavaScript may have come by itself, to hand over turns, and taken everything.
            if waiting.batch.is_empty() {
                None
            } else {
                waiting.bell.clone()
            }
        };
        if let Some(bell) = bell {
            bell.ring();
        }
    }

    /// Whether events wait.
    pub(crate) fn has_events(&self) -> bool {
        !self.lock().batch.is_empty()
    }

    /// All events that wait. Give the batch back with [`JsHost::recycle`].
    pub(crate) fn take(&self) -> Vec<u8> {
        let mut waiting = self.lock();
        let empty = std::mem::take(&mut waiting.spare);
        std::mem::replace(&mut waiting.batch, empty)
    }

    /// Returns a batch whose bytes are no longer needed.
    pub(crate) fn recycle(&self, mut batch: Vec<u8>) {
        if batch.capacity() <= KEPT_CAPACITY {
            batch.clear();
            self.lock().spare = batch;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Encoding can panic only before it has written a length, at 4 GiB; the batch is of no use
        // to anybody then, but the process goes on.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ActorHost for JsHost {
    fn deliver(&self, instance: Instance, event: HostEvent) {
        EventWriter::new(&mut self.lock().batch).event(instance, &event);
        self.unannounced.store(true, Ordering::Release);
    }

    fn flush(&self) {
        // Looked at first: where there are several threads, everybody flushes all of them, and most of the time
        // there is nothing.
        if !self.unannounced.load(Ordering::Acquire)
            || !self.unannounced.swap(false, Ordering::AcqRel)
        {
            return;
        }
        match self.announcer.get() {
            Some(announcer) => announcer.notify_one(),
            None => self.ring_for_events(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn host_with_bell() -> (JsHost, Arc<AtomicUsize>, Arc<AtomicBool>) {
        let host = JsHost::default();
        let (rung, ringing) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let count = Arc::clone(&rung);
        let ring = move || {
            count.fetch_add(1, Ordering::Relaxed);
        };
        host.attach(Bell::new(ring, Arc::clone(&ringing)));
        (host, rung, ringing)
    }

    #[test]
    fn one_wake_for_everything_that_waits() {
        let (host, rung, ringing) = host_with_bell();
        host.deliver(Instance(1), HostEvent::Drop);
        host.deliver(Instance(2), HostEvent::Saved(7));
        assert_eq!(rung.load(Ordering::Relaxed), 0);
        host.flush();
        host.flush();
        assert_eq!(rung.load(Ordering::Relaxed), 1);
        assert_eq!(host.take(), [8, 1, 0, 0, 0, 6, 2, 0, 0, 0, 7, 0, 0, 0]);
        // The wake has not run yet: it will find this one too.
        host.deliver(Instance(3), HostEvent::Drop);
        host.flush();
        assert_eq!(rung.load(Ordering::Relaxed), 1);
        ringing.store(false, Ordering::Release);
        assert_eq!(host.take(), [8, 3, 0, 0, 0]);
        assert!(host.take().is_empty());
        host.deliver(Instance(4), HostEvent::Drop);
        host.flush();
        assert_eq!(rung.load(Ordering::Relaxed), 2);
        // Taken before the bell was needed: nobody is called for nothing.
        ringing.store(false, Ordering::Release);
        host.deliver(Instance(5), HostEvent::Drop);
        drop(host.take());
        host.flush();
        assert_eq!(rung.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn batches_are_reused() {
        let (host, _, _) = host_with_bell();
        host.deliver(Instance(1), HostEvent::Drop);
        let batch = host.take();
        let place = batch.as_ptr();
        host.recycle(batch);
        // What was given back comes out after one exchange: two batches take turns.
        drop(host.take());
        host.deliver(Instance(2), HostEvent::Drop);
        let batch = host.take();
        assert_eq!(batch, [8, 2, 0, 0, 0]);
        assert_eq!(batch.as_ptr(), place);
    }

    #[test]
    fn what_came_before_the_bell_is_announced_with_it() {
        let host = JsHost::default();
        host.deliver(Instance(1), HostEvent::Drop);
        host.flush();
        let rung = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&rung);
        let ring = move || {
            count.fetch_add(1, Ordering::Relaxed);
        };
        host.attach(Bell::new(ring, Arc::default()));
        assert_eq!(rung.load(Ordering::Relaxed), 1);
        assert_eq!(host.take(), [8, 1, 0, 0, 0]);
    }

    #[test]
    fn what_a_lost_thread_has_asked_for_is_not_told_to_the_next() {
        let (host, rung, _) = host_with_bell();
        let before = host.era();
        host.forget();
        host.answer(before, 1, &Answer::Taken(7));
        assert!(host.take().is_empty());
        assert_eq!(rung.load(Ordering::Relaxed), 0);
        host.answer(host.era(), 1, &Answer::Taken(7));
        assert!(!host.take().is_empty());
        assert_eq!(rung.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn nothing_rings_after_detaching() {
        let (host, rung, _) = host_with_bell();
        host.detach();
        host.deliver(Instance(1), HostEvent::Drop);
        host.flush();
        assert_eq!(rung.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn actors_that_are_ready_at_the_same_time_share_a_ring() {
        let (host, rung, ringing) = host_with_bell();
        let host = Arc::new(host);
        let threads = tokio::runtime::Builder::new_current_thread();
        let threads = { threads }.build().expect("a runtime");
        // Delivers, and tells how often the bell has been rung by then.
        let deliver = |instance| {
            let (host, rung) = (Arc::clone(&host), Arc::clone(&rung));
            tokio::spawn(async move {
                host.deliver(Instance(instance), HostEvent::Drop);
                host.flush();
                rung.load(Ordering::Relaxed)
            })
        };
        let rest = async || {
            for _ in 0..10 {
                yield_now().await;
            }
        };
        threads.block_on(async {
            tokio::spawn(Arc::clone(&host).announce());
            rest().await;
            for task in [deliver(1), deliver(2), deliver(3)] {
                assert_eq!(task.await.expect("it delivers"), 0);
            }
            rest().await;
            assert_eq!(rung.load(Ordering::Relaxed), 1);
            assert_eq!(host.take().len(), 15);
            // What JavaScript has fetched by itself meanwhile is not announced.
            ringing.store(false, Ordering::Release);
            let delivered = deliver(4);
            delivered.await.expect("it delivers");
            drop(host.take());
            rest().await;
            assert_eq!(rung.load(Ordering::Relaxed), 1);
        });
    }
}
