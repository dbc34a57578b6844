//! The threads of JavaScript that run actors. Each sits on a seat, which has a way to it of its own; the seat stays
//! when its thread is lost, and what is for the actors there waits until another one has taken it.
//!
//! Seat 0 is that of the thread that has started the registry. There is one for each [`Lane`].

use std::{
    collections::VecDeque,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use greenroom_core::{ActorHost, HostEvent, Instance, Lane};
use greenroom_server::AccessRequest;
use tokio::time::Instant;

use crate::{
    batch::EventWriter,
    host::{Bell, JsHost},
    in_process::Requests,
    watch::Watch,
};

/// One seat.
#[derive(Default)]
pub(crate) struct Seat {
    pub(crate) host: Arc<JsHost>,
    /// What the thread asks of the server in its own process.
    pub(crate) requests: Arc<Requests>,
    /// A sync lock, held while a thread comes or goes.
    taken: Mutex<Taken>,
    /// The number of the thread that sits here; 0 while none does. Written under the lock.
    sits: AtomicU32,
}

#[derive(Default)]
struct Taken {
    /// Which thread was the last to take the seat. None has number 0.
    by: u32,
    watch: Option<Watch>,
    /// Nobody takes it any more.
    is_closed: bool,
}

/// All of them.
pub(crate) struct Seats {
    seats: Box<[Seat]>,
    pub(crate) for_anybody: Arc<ForAnybody>,
}

/// Questions about visitors, which any thread can answer: whoever comes by takes some. None waits for a thread that
/// is blocked, as long as another one comes by.
#[derive(Default)]
pub(crate) struct ForAnybody {
    /// Each with its number, encoded.
    questions: Mutex<VecDeque<(u32, Vec<u8>)>>,
    /// Whether there are any, to be looked at without the lock.
    are_there: AtomicBool,
}

/// So many questions a thread takes at once. What is left is for others.
const AT_ONCE: usize = 32;

impl Default for Seats {
    fn default() -> Self {
        Self::new(NonZeroU32::MIN)
    }
}

impl Seats {
    pub(crate) fn new(count: NonZeroU32) -> Self {
        Self {
            seats: (0..count.get()).map(|_| Seat::default()).collect(),
            for_anybody: Arc::default(),
        }
    }

    /// That of the thread that has started the registry.
    pub(crate) fn main(&self) -> &Seat {
        &self.seats[0]
    }

    /// That of a lane.
    ///
    /// # Panics
    /// If there is none: lanes come from [`ActorHost::lanes`].
    pub(crate) fn of(&self, lane: Lane) -> &Seat {
        &self.seats[lane.0 as usize]
    }

    pub(crate) fn get(&self, lane: Lane) -> Option<&Seat> {
        self.seats.get(lane.0 as usize)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter()
    }

    /// Asks about a visitor: the next thread that has time.
    pub(crate) fn ask(&self, question: u32, request: &AccessRequest) {
        let mut record = Vec::new();
        EventWriter::new(&mut record).authorize(question, request);
        if let [only] = &*self.seats {
            return only.host.append(&record);
        }
        self.for_anybody.questions().push_back((question, record));
        self.for_anybody.are_there.store(true, Ordering::Release);
        self.call_anybody(question);
    }

    /// The events that wait for the thread of a lane, and some of what anybody can do. Tells `taken` which questions
    /// are among them. Give the batch back with [`JsHost::recycle`].
    pub(crate) fn take(&self, lane: Lane, taken: impl FnOnce(&[u32])) -> Vec<u8> {
        let mut events = self.of(lane).host.take();
        if !self.for_anybody.are_there() {
            return events;
        }
        let mut questions = self.for_anybody.questions();
        let count = questions.len().min(AT_ONCE);
        let (numbers, records): (Vec<u32>, Vec<_>) = questions.drain(..count).unzip();
        let is_more = !questions.is_empty();
        self.for_anybody.are_there.store(is_more, Ordering::Release);
        taken(&numbers);
        drop(questions);
        records
            .iter()
            .for_each(|record| events.extend_from_slice(record));
        if is_more {
            self.call_anybody(lane.0 + 1);
        }
        events
    }

    /// Calls somebody if questions wait: whoever was called for them may have been nobody, or be gone.
    pub(crate) fn call_again(&self) {
        if self.for_anybody.are_there() {
            self.call_anybody(0);
        }
    }

    /// Waits for the end of all requests of all threads, and ends those that take longer than `grace`.
    pub(crate) async fn finish_requests(&self, grace: Duration) {
        let until = Instant::now() + grace;
        for seat in &self.seats {
            seat.requests.finish(until).await;
        }
    }

    /// Calls the first thread from `turn` on that is not on the way already. If all are, one of them will do.
    fn call_anybody(&self, turn: u32) {
        let count = self.seats.len();
        let first = turn as usize % count;
        let in_turn = (first..first + count).map(|at| &self.seats[at % count]);
        if let Some(seat) = in_turn.into_iter().find(|seat| seat.host.is_calm()) {
            seat.host.ring();
        }
    }
}

impl ForAnybody {
    /// Whether questions wait.
    pub(crate) fn are_there(&self) -> bool {
        self.are_there.load(Ordering::Acquire)
    }

    fn questions(&self) -> MutexGuard<'_, VecDeque<(u32, Vec<u8>)>> {
        self.questions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// A thread takes the seat: `bell` calls it, `watch` keeps an eye on it. Tells which one it is; `None` when
    /// nobody sits down any more.
    ///
    /// # Errors
    /// What `watch` gives.
    pub(crate) fn take(
        &self,
        bell: Bell,
        watch: impl FnOnce() -> std::io::Result<Option<Watch>>,
    ) -> std::io::Result<Option<u32>> {
        let mut taken = self.taken();
        if taken.is_closed {
            return Ok(None);
        }
        taken.watch = watch()?;
        taken.by = taken.by.wrapping_add(1);
        self.sits.store(taken.by, Ordering::Release);
        self.host.attach(bell);
        Ok(Some(taken.by))
    }

    /// The thread that sits here is gone. Does nothing if it is another one than `which`, if that is given, or if
    /// nobody sits here.
    ///
    /// Returns whether the seat has become free.
    pub(crate) fn lose(&self, which: Option<u32>) -> bool {
        let mut taken = self.taken();
        let is_this = which.is_none_or(|which| which == taken.by);
        if taken.is_closed || !is_this || !self.host.is_attached() {
            return false;
        }
        let watch = taken.watch.take();
        self.sits.store(0, Ordering::Release);
        self.host.detach();
        self.requests.end_all();
        self.host.forget();
        drop(taken);
        // Waits for the thread that watches.
        drop(watch);
        true
    }

    /// Whether the thread with this number sits here.
    pub(crate) fn is_taken_by(&self, number: u32) -> bool {
        number != 0 && self.sits.load(Ordering::Acquire) == number
    }

    /// Drops the events that wait here, if nobody sits here to take them. Returns whether that is so.
    pub(crate) fn vacate(&self) -> bool {
        let taken = self.taken();
        if taken.is_closed || self.host.is_attached() {
            return false;
        }
        self.host.forget();
        true
    }

    /// Nobody watches over the thread here any more.
    pub(crate) fn look_away(&self) {
        let watch = self.taken().watch.take();
        drop(watch);
    }

    /// Lets go of the thread, for good.
    pub(crate) fn close(&self) {
        let mut taken = self.taken();
        taken.is_closed = true;
        let watch = taken.watch.take();
        drop(taken);
        drop(watch);
        self.requests.close();
        self.host.detach();
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ActorHost for Seats {
    fn lanes(&self) -> NonZeroU32 {
        u32::try_from(self.seats.len())
            .ok()
            .and_then(NonZeroU32::new)
            .expect("they were made of such a number")
    }

    fn deliver(&self, instance: Instance, event: HostEvent) {
        let lane = Lane::of_instance(instance, self.lanes());
        self.of(lane).host.deliver(instance, event);
    }

    fn flush(&self) {
        for seat in &self.seats {
            seat.host.flush();
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::AtomicUsize;

    use greenroom_server::Intents;

    use super::*;

    fn three() -> Seats {
        Seats::new(NonZeroU32::new(3).expect("it is not 0"))
    }

    /// A visitor of whom nothing is known.
    pub(crate) fn somebody() -> AccessRequest {
        AccessRequest {
            intents: Intents::GET,
            name: None,
            key: None,
            id: None,
            params: None,
            token: None,
            address: None,
            request: bytes::Bytes::new(),
        }
    }

    fn sit(seat: &Seat) -> (Option<u32>, Arc<AtomicUsize>) {
        let rung = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&rung);
        let ring = move || {
            count.fetch_add(1, Ordering::Relaxed);
        };
        let bell = Bell::new(ring, Arc::default());
        let by = seat.take(bell, || Ok(None)).expect("nothing fails");
        (by, rung)
    }

    #[test]
    fn events_wait_at_the_seat_of_their_instance() {
        let seats = three();
        let (_, first) = sit(seats.of(Lane(0)));
        let (_, second) = sit(seats.of(Lane(1)));
        seats.deliver(Instance(4), HostEvent::Drop);
        seats.flush();
        assert_eq!(first.load(Ordering::Relaxed), 0);
        assert_eq!(second.load(Ordering::Relaxed), 1);
        assert!(seats.of(Lane(0)).host.take().is_empty());
        assert_eq!(seats.of(Lane(1)).host.take(), [8, 4, 0, 0, 0]);
        // Nobody sits there yet.
        seats.deliver(Instance(5), HostEvent::Drop);
        seats.flush();
        let (_, third) = sit(seats.of(Lane(2)));
        assert_eq!(third.load(Ordering::Relaxed), 1);
        assert_eq!(seats.of(Lane(2)).host.take(), [8, 5, 0, 0, 0]);
    }

    #[test]
    fn a_lost_thread_leaves_nothing_to_the_next() {
        let seats = three();
        let seat = seats.of(Lane(1));
        assert!(!seat.lose(None), "nobody is there");
        let (first, _) = sit(seat);
        seats.deliver(Instance(1), HostEvent::Drop);
        assert!(seat.lose(first));
        assert!(!seat.lose(None), "it is gone already");
        seats.deliver(Instance(4), HostEvent::Drop);
        let (second, _) = sit(seat);
        assert_ne!(first, second);
        assert_eq!(seat.host.take(), [8, 4, 0, 0, 0]);
        assert!(!seat.lose(first), "that is not who sits here");
        assert!(seat.is_taken_by(second.expect("it sits")));
        assert!(!seat.is_taken_by(first.expect("it sat")));
        assert!(seat.lose(None));
        assert!(!seat.is_taken_by(second.expect("it sat")));
        assert!(!seat.is_taken_by(0));
        seat.close();
        assert_eq!(sit(seat).0, None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_requests_of_all_threads_have_the_same_time_to_end() {
        let seats = three();
        for seat in seats.all() {
            seat.requests.begin_endless(1, 0);
        }
        let (began, grace) = (Instant::now(), Duration::from_secs(10));
        seats.finish_requests(grace).await;
        let took = began.elapsed();
        assert!(took >= grace && took < grace * 2, "{took:?}");
    }

    #[test]
    fn a_question_is_for_whoever_comes_by() {
        let seats = three();
        let (_, first) = sit(seats.of(Lane(0)));
        let (_, last) = sit(seats.of(Lane(2)));
        let ask = |question| seats.ask(question, &somebody());
        let take = |lane| {
            let mut taken = Vec::new();
            let events = seats.take(lane, |questions| taken = questions.to_vec());
            assert_eq!(events.is_empty(), taken.is_empty());
            taken
        };
        ask(2);
        assert_eq!(
            (first.load(Ordering::Relaxed), last.load(Ordering::Relaxed)),
            (0, 1)
        );
        // That one is blocked: the next question calls another, who takes both.
        ask(5);
        assert_eq!(
            (first.load(Ordering::Relaxed), last.load(Ordering::Relaxed)),
            (1, 1)
        );
        assert_eq!(take(Lane(0)), [2, 5]);
        assert!(take(Lane(2)).is_empty());
        let many = u32::try_from(AT_ONCE).expect("it is small") + 1;
        (0..many).for_each(ask);
        assert_eq!(take(Lane(2)).len(), AT_ONCE);
        assert_eq!(take(Lane(0)), [many - 1]);
    }
}
