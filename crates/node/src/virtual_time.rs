//! Time that stands still until a test moves it, for registries that live in memory.
//!
//! Timers and the wall clock of such a registry run on tokio's paused time, on one thread. Left alone,
//! tokio would jump to the next timer whenever nothing else is to be done; here that is allowed for one
//! jump at a time, and only while a test asks for it. A jump never passes the time that was asked for,
//! and none is made while JavaScript has events to handle, so that everything happens at its own time.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
    time::Duration,
};

use greenroom_core::Env;
use greenroom_server::SystemEnv;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    time::Instant,
};

use crate::host::JsHost;

/// What is called when a step is over, with the time that it has become.
type Stepped = Box<dyn FnOnce(i64) + Send>;

/// See the module.
pub(crate) struct VirtualTime {
    /// Events for JavaScript end a step.
    host: Arc<JsHost>,
    /// Milliseconds since the Unix epoch.
    now_ms: AtomicI64,
    threads: OnceLock<Handle>,
    /// A sync lock: the runtime's thread and JavaScript's meet here for a few lines.
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// The runtime's time when it began, and in milliseconds since the epoch.
    origin: Option<(Instant, i64)>,
    /// The time of the last look.
    seen: Option<Instant>,
    /// Keeps tokio from jumping for as long as it exists.
    brake: Option<mpsc::Sender<()>>,
    step: Option<Step>,
    over: bool,
}

struct Step {
    target_ms: i64,
    done: Stepped,
}

impl VirtualTime {
    /// Time that stands still at `now_ms`, in milliseconds since the Unix epoch.
    pub(crate) fn new(host: Arc<JsHost>, now_ms: i64) -> Arc<Self> {
        Arc::new(Self {
            host,
            now_ms: AtomicI64::new(now_ms),
            threads: OnceLock::new(),
            inner: Mutex::default(),
        })
    }

    /// A tokio runtime whose time this is.
    ///
    /// # Errors
    /// When the operating system does not give what it takes.
    pub(crate) fn runtime(self: &Arc<Self>) -> std::io::Result<Runtime> {
        let (parking, waking) = (Arc::clone(self), Arc::clone(self));
        let threads = Builder::new_current_thread()
            .thread_name("greenroom-core")
            .enable_all()
            .start_paused(true)
            .on_thread_park(move || parking.idle())
            .on_thread_unpark(move || waking.woken())
            .build()?;
        // Set once: a runtime has its own time.
        let _ = self.threads.set(threads.handle().clone());
        let within = threads.enter();
        let start = Instant::now();
        let mut inner = self.lock();
        inner.origin = Some((start, self.now_ms()));
        inner.seen = Some(start);
        self.pull_brake(&mut inner);
        drop(inner);
        drop(within);
        Ok(threads)
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::Acquire)
    }

    /// Lets the runtime do what it has to do, and lets time pass up to `target_ms` for as long as that
    /// gives JavaScript nothing to do. Then calls `done`. A step that has not ended gives way.
    pub(crate) fn step(self: &Arc<Self>, target_ms: i64, done: impl FnOnce(i64) + Send + 'static) {
        let mut inner = self.lock();
        let Some(threads) = self.threads.get().filter(|_| !inner.over) else {
            drop(inner);
            return done(self.now_ms());
        };
        let step = Step {
            target_ms,
            done: Box::new(done),
        };
        let before = inner.step.replace(step);
        let until = inner.origin.map(|(start, origin_ms)| {
            let ms = target_ms.saturating_sub(origin_ms);
            start + Duration::from_millis(u64::try_from(ms).unwrap_or(0))
        });
        drop(inner);
        if let Some(before) = before {
            (before.done)(self.now_ms());
        }
        // A timer at the target keeps a jump from passing it. Spawning wakes the runtime as well.
        threads.spawn(async move {
            if let Some(until) = until {
                tokio::time::sleep_until(until).await;
            }
        });
    }

    /// Time is over: nothing waits for it any more.
    pub(crate) fn end(&self) {
        let mut inner = self.lock();
        inner.over = true;
        inner.brake = None;
        let step = inner.step.take();
        drop(inner);
        if let Some(step) = step {
            (step.done)(self.now_ms());
        }
    }

    /// The runtime has nothing to do until the next timer.
    fn idle(&self) {
        let mut inner = self.lock();
        let Some(step) = &inner.step else {
            return;
        };
        let arrived = self.now_ms() >= step.target_ms || self.host.has_events();
        if !arrived {
            // Without the brake tokio is about to jump already.
            inner.brake = None;
            return;
        }
        self.pull_brake(&mut inner);
        let step = inner.step.take();
        drop(inner);
        if let Some(step) = step {
            (step.done)(self.now_ms());
        }
    }

    /// The runtime goes on: perhaps because it has jumped.
    fn woken(&self) {
        let mut inner = self.lock();
        let now = Instant::now();
        let (Some(seen), Some((start, origin_ms))) = (inner.seen, inner.origin) else {
            return;
        };
        if now > seen && !inner.over {
            inner.seen = Some(now);
            let passed = i64::try_from((now - start).as_millis()).unwrap_or(i64::MAX);
            self.now_ms
                .store(origin_ms.saturating_add(passed), Ordering::Release);
            self.pull_brake(&mut inner);
        }
    }

    /// Keeps tokio from jumping: it never does while a blocking task runs.
    fn pull_brake(&self, inner: &mut Inner) {
        if inner.brake.is_some() || inner.over {
            return;
        }
        let Some(threads) = self.threads.get() else {
            return;
        };
        let (brake, released) = mpsc::channel();
        threads.spawn_blocking(move || {
            // Ends when the brake is dropped.
            let _ = released.recv();
        });
        inner.brake = Some(brake);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The outside world of a registry with virtual time.
pub(crate) struct VirtualEnv(pub(crate) Arc<VirtualTime>);

impl Env for VirtualEnv {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }

    fn random(&self, bytes: &mut [u8]) {
        SystemEnv.random(bytes);
    }

    /// In place: elsewhere, time could pass meanwhile.
    fn offload(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }

    fn is_steady(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `work` on virtual time that begins at 0, while the test takes steps.
    fn run<F: Future<Output = ()> + Send + 'static>(
        host: &Arc<JsHost>,
        work: impl FnOnce() -> F + Send + 'static,
    ) -> Arc<VirtualTime> {
        let time = VirtualTime::new(Arc::clone(host), 0);
        let threads = time.runtime().expect("a runtime");
        let ending = Arc::clone(&time);
        std::thread::spawn(move || {
            threads.block_on(async { tokio::spawn(work()).await.expect("no panic") });
            ending.end();
        });
        time
    }

    fn step(time: &Arc<VirtualTime>, target_ms: i64) -> i64 {
        let (sender, stepped) = mpsc::channel();
        time.step(target_ms, move |now| sender.send(now).expect("it waits"));
        stepped
            .recv_timeout(Duration::from_secs(20))
            .expect("a step ends")
    }

    #[test]
    fn timers_fire_at_their_own_time_and_no_earlier_than_asked_for() {
        let (sender, log) = mpsc::channel::<(u64, u128)>();
        let time = run(&Arc::default(), || async move {
            let start = Instant::now();
            for each in [30_u64, 10, 20] {
                let sender = sender.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_secs(each)).await;
                    let _ = sender.send((each, start.elapsed().as_millis()));
                });
            }
            std::future::pending::<()>().await;
        });
        assert_eq!(step(&time, 0), 0);
        assert_eq!(step(&time, 9_999), 9_999);
        assert!(log.try_recv().is_err());
        assert_eq!(step(&time, 25_000), 25_000);
        assert_eq!(
            log.try_iter().collect::<Vec<_>>(),
            [(10, 10_000), (20, 20_000)]
        );
        assert_eq!(step(&time, 3_600_000), 3_600_000);
        assert_eq!(log.try_iter().collect::<Vec<_>>(), [(30, 30_000)]);
    }

    #[test]
    fn a_step_stops_where_javascript_has_something_to_do() {
        let host: Arc<JsHost> = Arc::default();
        let delivering = Arc::clone(&host);
        let time = run(&host, || async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            greenroom_core::ActorHost::deliver(
                &*delivering,
                greenroom_core::Instance(1),
                greenroom_core::HostEvent::Drop,
            );
            std::future::pending::<()>().await;
        });
        assert_eq!(step(&time, 60_000), 5_000);
        assert_eq!(step(&time, 60_000), 5_000);
        drop(host.take());
        assert_eq!(step(&time, 60_000), 60_000);
    }

    #[test]
    fn nothing_moves_by_itself_and_the_end_ends_steps() {
        let time = run(&Arc::default(), || async {
            tokio::time::sleep(Duration::from_millis(1)).await;
        });
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(time.now_ms(), 0);
        time.end();
        assert_eq!(step(&time, 1_000), 0);
    }
}
