//! What JavaScript calls on a thread that runs a share of the actors of a registry that another thread has started.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use greenroom_core::Lane;
use napi::{
    Env,
    bindgen_prelude::{Function, Uint8ArraySlice, Uint32Array},
};
use napi_derive::napi;

use crate::{exports::invalid, lobby, service::Service, thread::Thread};

/// One thread's share of a registry.
#[napi]
pub struct NativeLane {
    service: Arc<Service>,
    lane: Lane,
    thread: Thread,
    /// Which thread it is of those that have sat there. 0 before it does.
    number: AtomicU32,
}

#[napi]
impl NativeLane {
    /// The share that `lane` is of the registry with this token (`NativeRegistry::token`).
    ///
    /// # Errors
    /// When there is no such registry in this process, or none with such a lane for another thread than its own.
    #[napi(constructor, catch_unwind)]
    pub fn new(token: u32, lane: u32) -> napi::Result<Self> {
        let service = lobby::find(token)
            .ok_or_else(|| invalid("no registry with this token runs in this process"))?;
        let lane = Lane(lane);
        if lane == Lane::default() || service.seats.get(lane).is_none() {
            return Err(invalid("the registry has no such lane for another thread"));
        }
        Ok(Self {
            thread: Thread::new(&service, lane),
            service,
            lane,
            number: AtomicU32::new(0),
        })
    }

    /// As `NativeRegistry::desk`, for this thread.
    ///
    /// # Errors
    /// The second time.
    #[napi(catch_unwind)]
    pub fn desk(&self, labels: Vec<String>) -> napi::Result<Uint32Array> {
        self.thread.desk(labels)
    }

    /// Begins to run actors; not before the registry has started. `wake` is called as that of
    /// `NativeRegistry::start`. To be called once.
    ///
    /// # Errors
    /// When the registry does not run, or the operating system gives no thread to watch over this one.
    #[napi(catch_unwind)]
    pub fn join(&self, wake: Function<'_, (), ()>) -> napi::Result<()> {
        if self.number.load(Relaxed) != 0 {
            return Err(invalid("this thread has joined the registry before"));
        }
        let bell = self.thread.bell(wake)?;
        let pulse = Arc::clone(&self.thread.pulse);
        let number = self
            .service
            .sit(self.lane, bell, pulse)
            .map_err(invalid)?
            .ok_or_else(|| invalid("the registry does not run"))?;
        self.number.store(number, Relaxed);
        Ok(())
    }

    /// Whether the registry has been told to shut down.
    #[napi(catch_unwind)]
    pub fn is_ending(&self) -> bool {
        self.service.is_ending.load(Relaxed)
    }

    /// As `NativeRegistry::exchange`, for this thread. Does nothing before it has joined, nor when it was given up:
    /// what waits at its place is for another one then.
    ///
    /// # Errors
    /// When the batch is malformed. The turns before the mistake have been handed over.
    #[napi(catch_unwind)]
    pub fn exchange<'env>(
        &self,
        env: &'env Env,
        outgoing: Option<Uint8ArraySlice<'_>>,
    ) -> napi::Result<Option<Uint8ArraySlice<'env>>> {
        let seat = self.service.seats.of(self.lane);
        if !seat.is_taken_by(self.number.load(Relaxed)) {
            return Ok(None);
        }
        self.thread.exchange(env, outgoing)
    }
}

impl Drop for NativeLane {
    /// The thread ends. Usually this is heard before the thread that started it is told so, which may be busy.
    fn drop(&mut self) {
        let number = self.number.load(Relaxed);
        if number != 0 {
            self.service.lose(self.lane, Some(number));
        }
    }
}
