//! One thread of JavaScript, as the addon that is loaded on it knows it.

use std::sync::{
    Arc,
    atomic::{
        AtomicBool,
        Ordering::{self, Relaxed},
    },
};

use bytes::Bytes;
use greenroom_core::Lane;
use napi::{
    Env,
    bindgen_prelude::{Function, Uint8ArraySlice, Uint32Array},
    threadsafe_function::ThreadsafeFunctionCallMode::NonBlocking,
};

use crate::{batch::Turns, exports::invalid, host::Bell, service::Service, watch::Pulse};

/// See the top of the file.
pub(crate) struct Thread {
    service: Arc<Service>,
    /// One that exists.
    lane: Lane,
    /// What the thread says of itself.
    pub(crate) pulse: Arc<Pulse>,
    has_desk: AtomicBool,
}

impl Thread {
    /// A thread that is to run the actors of this lane, which has to be one of the service's.
    pub(crate) fn new(service: &Arc<Service>, lane: Lane) -> Self {
        Self {
            service: Arc::clone(service),
            lane,
            pulse: service.pulse(),
            has_desk: AtomicBool::new(false),
        }
    }

    /// Memory in which it notes what it is at.
    ///
    /// # Errors
    /// The second time.
    pub(crate) fn desk(&self, labels: Vec<String>) -> napi::Result<Uint32Array> {
        if self.has_desk.swap(true, Relaxed) {
            return Err(invalid("this registry has handed out its desk before"));
        }
        self.pulse.labels.learn(labels);
        Ok(self.pulse.desk.share())
    }

    /// Hands over turns and takes the events that wait.
    ///
    /// # Errors
    /// When the batch is malformed.
    pub(crate) fn exchange<'env>(
        &self,
        env: &'env Env,
        outgoing: Option<Uint8ArraySlice<'_>>,
    ) -> napi::Result<Option<Uint8ArraySlice<'env>>> {
        let seat = self.service.seats.of(self.lane);
        if let Some(outgoing) = outgoing {
            // The one copy: JavaScript may write to its buffer again as soon as this returns.
            let batch = Bytes::copy_from_slice(&outgoing);
            self.service
                .turns(seat, Turns::new(batch))
                .map_err(invalid)?;
        }
        let events = self.service.take(self.lane);
        let taken = if events.is_empty() {
            None
        } else {
            Some(Uint8ArraySlice::copy_from(env, &events)?)
        };
        seat.host.recycle(events);
        Ok(taken)
    }

    /// A bell that calls `wake` on this thread. It keeps the thread's loop alive until it is dropped.
    ///
    /// # Errors
    /// What the runtime gives.
    pub(crate) fn bell(&self, wake: Function<'_, (), ()>) -> napi::Result<Bell> {
        let ringing = Arc::new(AtomicBool::new(false));
        let (answered, pulse) = (Arc::clone(&ringing), Arc::clone(&self.pulse));
        let wake = wake
            .build_threadsafe_function::<()>()
            .callee_handled::<false>()
            .build_callback(move |_| {
                // From here on another ring is needed for what `wake` may no longer see.
                answered.store(false, Ordering::Release);
                pulse.beat();
                Ok(())
            })?;
        let ring = move || {
            // The only failure is that the environment is going away, and nobody is left to be told.
            let _ = wake.call((), NonBlocking);
        };
        Ok(Bell::new(ring, ringing))
    }
}
