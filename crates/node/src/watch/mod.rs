//! Watches a thread of JavaScript from a thread of its own: how late it comes by, and who keeps it.
//!
//! Promises that code which blocks the thread is named in the log while it does, even if it never comes to
//! its end, and that the runtime knows of it, so that callers are not left waiting. Costs a wake of the
//! thread about every 50 ms while actors are awake, and three stores for each event.

mod desk;
mod labels;
mod record;
mod sight;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use greenroom_core::{Identity, Lane, Runtime};
use tracing::warn;

pub(crate) use self::record::Record;
use self::{
    desk::{Desk, Piece},
    labels::Labels,
    record::Counted,
    sight::{Answer, Blame, News, Sight},
};
use crate::{host::JsHost, seats::ForAnybody};

/// How long JavaScript may be blocked before the runtime counts the time of calls, and how often it is told
/// so.
const STALLED: Duration = Duration::from_secs(1);
/// How often the heap is looked at.
const HEAP_PAUSE: Duration = Duration::from_secs(5);
/// Between two entries of the log that say that the loop cannot keep up.
const BEHIND_PAUSE: Duration = Duration::from_secs(60);
/// Most suspects that are named.
const NAMED: usize = 8;

/// When JavaScript last came by. Written on its thread, read on ours.
#[derive(Debug)]
pub(crate) struct Pulse {
    began: Instant,
    pub(crate) desk: Arc<Desk>,
    pub(crate) labels: Labels,
    /// Written last.
    count: AtomicU64,
    at_us: AtomicU64,
    seq: AtomicU32,
}

impl Pulse {
    /// One whose time is counted from `began`, as that of others.
    pub(crate) fn since(began: Instant) -> Self {
        Self {
            began,
            desk: Arc::default(),
            labels: Labels::default(),
            count: AtomicU64::new(0),
            at_us: AtomicU64::new(0),
            seq: AtomicU32::new(0),
        }
    }

    /// JavaScript comes by. Called on its thread.
    pub(crate) fn beat(&self) {
        let at_us = self.now().as_micros();
        self.at_us
            .store(u64::try_from(at_us).unwrap_or(u64::MAX), Relaxed);
        self.seq.store(self.desk.seq(), Relaxed);
        self.count
            .fetch_add(1, std::sync::atomic::Ordering::Release);
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn answer(&self) -> Answer {
        Answer {
            count: self.count.load(std::sync::atomic::Ordering::Acquire),
            at: Duration::from_micros(self.at_us.load(Relaxed)),
            seq: self.seq.load(Relaxed),
        }
    }
}

/// A thread that watches. Dropping this ends it.
pub(crate) struct Watch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Watches from here on.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(crate) fn start(watched: Watched) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let watcher = Watcher {
            sight: Sight::new(watched.threshold),
            watched,
            stalled_at: None,
            heap_at: Duration::ZERO,
            behind_at: None,
            blocked: None,
        };
        let thread = std::thread::Builder::new()
            .name("greenroom-watch".to_owned())
            .spawn(move || watcher.run(&stopped))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // One that has panicked has said so.
            let _ = thread.join();
        }
    }
}

/// What is watched, and who hears of it.
pub(crate) struct Watched {
    pub(crate) threshold: Duration,
    pub(crate) lane: Lane,
    /// Whether there are other threads, which go on when this one is blocked.
    pub(crate) is_alone: bool,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) record: Arc<Record>,
    pub(crate) host: Arc<JsHost>,
    /// What this thread can answer as well as others.
    pub(crate) questions: Arc<ForAnybody>,
    pub(crate) runtime: Runtime,
}

struct Watcher {
    sight: Sight,
    watched: Watched,
    /// When the runtime was last told that JavaScript runs nothing.
    stalled_at: Option<Duration>,
    heap_at: Duration,
    behind_at: Option<Duration>,
    /// Whom the block of this moment is blamed on.
    blocked: Option<(Blame, Named)>,
}

impl Watcher {
    fn run(mut self, stopped: &Receiver<()>) {
        while stopped.recv_timeout(self.sight.pause()) == Err(RecvTimeoutError::Timeout) {
            self.look();
        }
    }

    fn look(&mut self) {
        let now = self.watched.pulse.now();
        let news = self
            .sight
            .look(now, self.watched.pulse.answer(), &self.watched.pulse.desk);
        for news in news {
            self.tell(now, news);
        }
        if let Some(lasts) = self.sight.blocked_for(now)
            && let Some((_, named)) = &self.blocked
        {
            self.watched
                .record
                .blocked(self.watched.lane, named.counted(), lasts);
        }
        if let Some(lasts) = self.sight.blocked_for(now)
            && lasts >= STALLED
            && self.stalled_at.is_none_or(|at| now - at >= STALLED)
        {
            self.stalled_at = Some(now);
            self.watched.runtime.stalled(self.watched.lane);
        }
        // Where no actor is awake, nobody is kept waiting, but by a question whose thread does not come for it.
        let is_needed =
            self.watched.runtime.live_actors() > 0 || self.watched.questions.are_there();
        if !self.sight.is_waiting() && is_needed {
            if now >= self.heap_at {
                self.heap_at = now + HEAP_PAUSE;
                self.watched.pulse.desk.want_heap();
            }
            self.sight.ask(now, self.watched.pulse.answer());
            self.watched.host.ring();
        }
    }

    fn tell(&mut self, now: Duration, news: News) {
        match news {
            News::Lag(lag) => self.watched.record.lag(now, lag),
            News::Blocked(blame, lasts) => {
                let named = self.name(&blame);
                self.watched
                    .record
                    .blocked(self.watched.lane, named.counted(), lasts);
                named.log(&self.watched, Moment::Begins, lasts);
                self.blocked = Some((blame, named));
            }
            News::StillBlocked(blame, lasts) => {
                self.named(&blame).log(&self.watched, Moment::Lasts, lasts);
            }
            News::Unblocked(blame, lasted) => {
                let named = self.named(&blame);
                self.blocked = None;
                self.watched
                    .record
                    .unblocked(self.watched.lane, named.counted(), lasted);
                named.log(&self.watched, Moment::Ends, lasted);
                if self.stalled_at.take().is_some() {
                    self.watched.runtime.recovered(self.watched.lane);
                }
            }
            News::Behind(lag) => {
                if self.behind_at.is_none_or(|at| now - at >= BEHIND_PAUSE) {
                    self.behind_at = Some(now);
                    let thread = (!self.watched.is_alone).then_some(self.watched.lane.0);
                    warn!(
                        lag_ms = millis(lag),
                        thread,
                        "the event loop cannot keep up: there is much to do, none of it long"
                    );
                }
            }
        }
    }

    /// The names of those who were blamed before, unless it is somebody else by now: an actor that was lost
    /// meanwhile has no name any more.
    fn named(&self, blame: &Blame) -> Named {
        match &self.blocked {
            Some((before, named)) if before == blame => named.clone(),
            Some(_) | None => self.name(blame),
        }
    }

    fn name(&self, blame: &Blame) -> Named {
        match blame {
            Blame::Certain(piece) | Blame::Likely(piece) => Named::One {
                identity: self.watched.runtime.identity(piece.instance),
                action: self.watched.pulse.labels.name(piece.label),
                is_certain: matches!(blame, Blame::Certain(_)),
            },
            Blame::Unknown(pieces) if pieces.is_empty() => Named::Nobody {
                in_progress: self.in_progress(),
            },
            Blame::Unknown(pieces) => Named::Some(
                pieces
                    .iter()
                    .map(|piece| self.text_of(*piece))
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
        }
    }

    fn text_of(&self, piece: Piece) -> String {
        let action = self.watched.pulse.labels.name(piece.label);
        match self.watched.runtime.identity(piece.instance) {
            Some(who) => format!("{} {action}", place(&who)),
            None => action,
        }
    }

    /// Some of the actors that have calls in progress.
    fn in_progress(&self) -> String {
        let weights = self.watched.runtime.weights().into_iter();
        let busy = weights.filter(|(who, weight)| {
            weight.calls > 0 && self.watched.runtime.lane_of(who.id) == self.watched.lane
        });
        let places: Vec<String> = busy.take(NAMED).map(|(who, _)| place(&who)).collect();
        places.join(", ")
    }
}

/// Where a block is in its life.
#[derive(Clone, Copy)]
enum Moment {
    Begins,
    Lasts,
    Ends,
}

/// Whom a block is blamed on, in words.
#[derive(Clone)]
enum Named {
    One {
        /// Absent if the actor was lost meanwhile.
        identity: Option<Arc<Identity>>,
        action: String,
        is_certain: bool,
    },
    /// One of several.
    Some(String),
    Nobody {
        in_progress: String,
    },
}

impl Named {
    fn counted(&self) -> Counted {
        match self {
            Self::One {
                identity, action, ..
            } => Counted {
                actor: identity
                    .as_ref()
                    .map_or_else(String::new, |who| who.name.to_string()),
                action: action.clone(),
            },
            Self::Some(_) | Self::Nobody { .. } => Counted::default(),
        }
    }

    fn log(&self, watched: &Watched, moment: Moment, lasts: Duration) {
        let blocked_ms = millis(lasts);
        let thread = (!watched.is_alone).then_some(watched.lane.0);
        let meanwhile = if watched.is_alone {
            "no other code runs in this process until it returns"
        } else {
            "no other code runs on this thread until it returns"
        };
        let (verb, rest) = match moment {
            Moment::Begins => ("blocks", meanwhile),
            Moment::Lasts => ("still blocks", meanwhile),
            Moment::Ends => ("has blocked", "it is over"),
        };
        match self {
            Self::One {
                identity,
                action,
                is_certain,
            } => {
                let who = identity.as_deref();
                let name = who.map(|who| who.name.as_str());
                let key = who.map(|who| who.key.to_storage());
                let id = who.map(|who| who.id.to_string());
                let an_actor = if *is_certain {
                    "an actor"
                } else {
                    "probably an actor"
                };
                warn!(
                    actor = name,
                    key, id, action, blocked_ms, thread, "{an_actor} {verb} the event loop: {rest}"
                );
            }
            Self::Some(suspects) => warn!(
                suspects,
                thread, blocked_ms, "one of several actors {verb} the event loop: {rest}"
            ),
            Self::Nobody { in_progress } => warn!(
                in_progress,
                blocked_ms,
                thread,
                "a timer, a promise or a listener {verb} the event loop: {rest}"
            ),
        }
    }
}

/// `name/key id`.
fn place(who: &Identity) -> String {
    format!("{}/{} ({})", who.name, who.key.to_storage(), who.id)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
