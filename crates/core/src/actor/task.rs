//! The actor task and its loop: what it waits for, and in which order. How an actor comes up and goes
//! down is in `starting` and `stopping`, what messages and turns do in `mail` and `turns`.
//!
//! The task exists while the actor is awake or has connections. It owns all of the actor's state
//! in the runtime; everybody else sends it messages.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use greenroom_store::{ActorRecord, Epoch, StoreError};
use greenroom_types::{ActorError, ActorId};
use tokio::{
    sync::oneshot,
    time::{Instant, Sleep},
};
use tracing::warn;

use super::{
    conns::Conns,
    journal::{CREATION, Journal},
    live::{Caller, Live, Stage},
    message::{Control, Message},
    revival::Revival,
    snapshot::{SnapshotSize, write_snapshot},
    stall::Stall,
    wake::Woken,
};
use crate::{
    ActorOptions, AlarmEvent, CloseReason, ConnKey, HostEvent, SocketClose, StopReason, Weight,
    inbox::{InboxReader, Mail},
    registry::{ActorHandle, Creating},
    shared::Shared,
    weight::WeightWatch,
};

/// How long a wait for an alarm goes on without a look at the clock.
const ALARM_CHECK: Duration = Duration::from_secs(5);
/// How long room that nothing is in is kept for what may come next. An actor at rest has none, and one with work does
/// not get it anew for each call.
const SPARE_ROOM: Duration = Duration::from_secs(1);

/// One actor, awake or kept by its connections.
pub(crate) struct ActorTask {
    pub(super) shared: Arc<Shared>,
    pub(super) id: ActorId,
    pub(super) options: Arc<ActorOptions>,
    /// Known from the first wake on.
    pub(super) record: Option<ActorRecord>,
    pub(super) mail: InboxReader<Message, Control>,
    /// The way to this task, for those who get it from here.
    pub(super) handle: ActorHandle,
    pub(super) conns: Conns,
    /// The last event that was let out, if the actor keeps its events. Known from the first wake on.
    pub(super) told: Option<u64>,
    pub(super) phase: Phase,
    /// A new actor, which starts with its first message.
    pub(super) fresh: Option<Box<Woken>>,
    /// The journal of an instance that was lost while the actor's creation was under way. Until that is settled the
    /// actor neither wakes nor rests, so nobody else creates it.
    pub(super) settling: Option<Box<Journal>>,
    /// Messages taken from the mailbox that wait until the actor is awake.
    pub(super) waiting: VecDeque<Message>,
    /// Connections that ended while the actor slept, and that it is to be told of.
    pub(super) departed: Vec<(ConnKey, Option<SocketClose>)>,
    /// It has messages to handle that its lost instance has left.
    pub(super) must_wake: bool,
    /// It has woken up for unhandled messages, and none has been handled since.
    pub(super) has_replayed: bool,
    pub(super) destroyers: Vec<oneshot::Sender<Result<(), ActorError>>>,
    /// The actor is to wake, or is waking, because an instance was lost.
    pub(super) revival: Option<Revival>,
    timer: Pin<Box<Sleep>>,
    /// When room that nothing is in is given back, if there may be some.
    trim_at: Option<Instant>,
    /// That it is about to start has been counted among the losses of processes, and it has not started since.
    pub(super) has_counted: bool,
    pub(super) shutting_down: bool,
    /// It was destroyed, or never existed: nobody finds it here any more.
    pub(super) gone: bool,
    /// Why it has not started, to be told when its creation is durable; or why it was not created, or will have
    /// been as if it had never been.
    pub(super) refusal: Option<Box<ActorError>>,
    /// What waits for a host that does not come to run anything.
    pub(super) stall: Stall,
    pub(super) weight_watch: WeightWatch,
}

type Waking = Pin<Box<dyn Future<Output = Result<Woken, ActorError>> + Send>>;

pub(super) enum Phase {
    Asleep,
    Waking(Waking),
    Live(Box<Live>),
}

/// How a task ends.
enum End {
    /// There is nothing to do. What has slipped into the mailbox goes to the next task.
    Rested,
    /// For good. Whoever still asks is told this.
    Over(ActorError),
}

enum Event {
    Durable(u64, Result<(), StoreError>),
    Mail(Mail<Message, Control>),
    Woken(Box<Result<Woken, ActorError>>),
    Timer,
}

impl ActorTask {
    pub(crate) fn new(
        shared: Arc<Shared>,
        id: ActorId,
        handle: ActorHandle,
        mail: InboxReader<Message, Control>,
        fresh: Option<Box<Woken>>,
    ) -> Self {
        let record = fresh.as_ref().map(|fresh| fresh.record.clone());
        Self {
            options: Arc::clone(&shared.default_options),
            shared,
            id,
            record,
            mail,
            conns: Conns::new(Arc::clone(&handle.scale)),
            handle,
            told: None,
            phase: Phase::Asleep,
            fresh,
            settling: None,
            waiting: VecDeque::new(),
            departed: Vec::new(),
            must_wake: false,
            has_replayed: false,
            destroyers: Vec::new(),
            revival: None,
            timer: Box::pin(tokio::time::sleep(Duration::from_secs(3600))),
            trim_at: None,
            has_counted: false,
            shutting_down: false,
            gone: false,
            refusal: None,
            stall: Stall::default(),
            weight_watch: WeightWatch::new(None),
        }
    }

    /// Runs the actor until nothing is left to do.
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` has room for its argument twice: where it was given, and where it is used"
    )]
    pub(crate) fn run(mut self) -> impl Future<Output = ()> + Send {
        async move { self.work().await }
    }

    async fn work(&mut self) {
        loop {
            if let Some(end) = self.step() {
                self.shared.host.flush();
                return self.end(&end);
            }
            let event = poll_fn(|cx| {
                let polled = self.poll_event(cx);
                if polled.is_pending() {
                    self.shared.host.flush();
                    self.weigh();
                }
                polled
            })
            .await;
            if self.trim_at.is_none() && !matches!(event, Event::Timer) {
                self.trim_at = Some(Instant::now() + SPARE_ROOM);
            }
            match event {
                Event::Durable(seq, result) => self.on_durable(seq, result),
                Event::Mail(Mail::Control(control)) => self.on_control(control),
                Event::Mail(Mail::Message(message)) => self.on_message(message),
                Event::Woken(result) => self.on_woken(*result),
                Event::Timer => self.on_timer(),
            }
        }
    }

    /// Takes the next thing to do. The order matters: durable commits release what callers wait
    /// for, the host's word ends calls, and only then comes new work.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let journal = match &mut self.phase {
            Phase::Live(live) => Some(&mut live.journal),
            Phase::Asleep => {
                let fresh = self.fresh.as_mut().map(|fresh| &mut fresh.journal);
                fresh.or(self.settling.as_deref_mut())
            }
            Phase::Waking(_) => None,
        };
        if let Some(journal) = journal
            && let Poll::Ready((seq, result)) = journal.poll_durable(cx)
        {
            return Poll::Ready(Event::Durable(seq, result));
        }
        // Messages are not taken while it wakes.
        let takes_messages = self.takes_messages();
        if let Poll::Ready(mail) = self.mail.poll_next(cx, takes_messages) {
            return Poll::Ready(Event::Mail(mail));
        }
        if let Phase::Waking(waking) = &mut self.phase
            && let Poll::Ready(result) = waking.as_mut().poll(cx)
        {
            return Poll::Ready(Event::Woken(Box::new(result)));
        }
        let deadlines = [self.next_deadline(), self.trim_at];
        if let Some(deadline) = deadlines.into_iter().flatten().min() {
            // Timers are coarse, and the deadline of an alarm that is due is always now: waiting
            // for a timer would put it off for as long as anything else happens.
            if deadline <= Instant::now() {
                return Poll::Ready(Event::Timer);
            }
            // The timer is only ever pulled forward; one that fires too early is armed anew.
            if self.timer.deadline() > deadline || self.timer.is_elapsed() {
                self.timer.as_mut().reset(deadline);
            }
            if self.timer.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Timer);
            }
        }
        Poll::Pending
    }

    fn takes_messages(&self) -> bool {
        match &self.phase {
            Phase::Asleep => !self.shutting_down && self.settling.is_none(),
            Phase::Waking(_) => false,
            Phase::Live(live) => {
                live.stage == Stage::Running && live.wants.is_none() && !self.shutting_down
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let live = match &self.phase {
            Phase::Live(live) => live,
            // It does not wake before that is settled, whatever is due.
            Phase::Asleep if self.settling.is_some() => return None,
            Phase::Asleep => return self.revival.map(|revival| revival.at),
            Phase::Waking(_) => return None,
        };
        let stage = match live.stage {
            Stage::Starting { deadline } | Stage::Stopping { deadline, .. } => Some(deadline),
            Stage::Running => [
                self.idle_deadline(live),
                live.steady_at,
                live.unmark_at,
                live.once.deadline(),
            ]
            .into_iter()
            .flatten()
            .min(),
            Stage::Stopped { .. } => None,
        };
        let alarm = self
            .tells_alarms()
            .then(|| self.alarm_deadline(live))
            .flatten();
        let commit = match live.stage {
            // What a start changes waits for its end.
            Stage::Starting { .. } => None,
            Stage::Running | Stage::Stopping { .. } | Stage::Stopped { .. } => {
                live.journal.deadline()
            }
        };
        [stage, commit, alarm].into_iter().flatten().min()
    }

    /// When to look for due alarms. The wall clock may jump, so never much later.
    fn alarm_deadline(&self, live: &Live) -> Option<Instant> {
        let wait_ms = live
            .alarms
            .next_ms()?
            .saturating_sub(self.shared.env.now_ms());
        let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0));
        let wait = match self.shared.env.is_steady() {
            // As far ahead as timers go.
            true => wait.min(Duration::from_secs(86_400 * 365)),
            false => wait.min(ALARM_CHECK),
        };
        Some(Instant::now() + wait)
    }

    /// Whether alarms that are due may be told: not while the actor stops, nor while it has too much
    /// to do.
    fn tells_alarms(&self) -> bool {
        self.takes_messages() && matches!(&self.phase, Phase::Live(live) if !live.calls.is_full())
    }

    /// Tells what is due, as far as there is room for it.
    pub(super) fn tell_due_alarms(&mut self) {
        let now_ms = self.shared.env.now_ms();
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        while !live.calls.is_full()
            && let Some(alarm) = live.alarms.take_due(now_ms)
        {
            let call = live.calls.begin(Caller::Alarm {
                id: alarm.id.clone(),
            });
            let event = AlarmEvent {
                call,
                alarm,
                now_ms,
            };
            self.shared
                .host
                .deliver(live.instance, HostEvent::Alarm(event));
        }
    }

    fn idle_deadline(&self, live: &Live) -> Option<Instant> {
        let timeout = self.options.sleep_timeout?;
        self.is_idle(live).then(|| live.idle_since + timeout)
    }

    /// Whether nobody waits for the instance, and it has nothing of its own to do.
    fn is_idle(&self, live: &Live) -> bool {
        live.calls.is_empty()
            && !live.held_awake
            && !self.conns.is_deciding()
            && !self.conns.keep_awake()
    }

    /// Moves on as far as nothing has to be waited for. Says when the task is to end.
    fn step(&mut self) -> Option<End> {
        if self.shutting_down {
            self.want(StopReason::Sleep);
        }
        if let Phase::Live(live) = &self.phase {
            match live.stage {
                Stage::Running => {
                    if let Some(reason) = live.wants {
                        self.stop(reason);
                    }
                }
                Stage::Stopped { reason } => self.finish(reason),
                Stage::Starting { .. } | Stage::Stopping { .. } => {}
            }
        }
        if !matches!(self.phase, Phase::Asleep) {
            return None;
        }
        if self.gone {
            let refusal = self.refusal.take();
            let refusal = refusal.map_or_else(ActorError::not_found, |refusal| *refusal);
            return Some(End::Over(refusal));
        }
        if self.shutting_down {
            self.conns.close_all(&CloseReason::ShuttingDown);
            return Some(End::Over(ActorError::stopping()));
        }
        if self.settling.is_some() {
            return None;
        }
        if !self.waiting.is_empty()
            || self.revival.is_some_and(|revival| revival.is_due())
            || self.must_wake
            || self.have_all_departed()
        {
            self.begin_waking();
            return None;
        }
        self.rest_fresh();
        let may_rest = self.conns.is_empty() && self.revival.is_none() && self.fresh.is_none();
        (may_rest && self.try_rest()).then_some(End::Rested)
    }

    /// Ends the task unless somebody has just sent something.
    fn try_rest(&mut self) -> bool {
        let mail = &self.mail;
        self.shared
            .registry
            .remove_if(self.id, self.record.as_ref(), || mail.is_empty())
    }

    /// Leaves nobody behind who has sent something to this task.
    fn end(&mut self, end: &End) {
        self.unregister();
        self.mail.close();
        if let End::Over(error) = end {
            for message in std::mem::take(&mut self.waiting) {
                self.fail(message, error);
            }
        }
        while let Some(message) = self.mail.try_take() {
            match end {
                End::Rested => Shared::redeliver(&self.shared, self.id, message),
                End::Over(error) => self.fail(message, error),
            }
        }
    }

    /// From here on the next message starts another task.
    pub(super) fn unregister(&self) {
        self.shared
            .registry
            .remove(self.id, &self.handle, self.record.as_ref());
    }

    // ---- events

    fn on_durable(&mut self, seq: u64, result: Result<(), StoreError>) {
        if seq == CREATION {
            return self.on_created(result);
        }
        if let Err(cause) = result {
            return self.poison(&cause);
        }
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        live.gate.advance(seq);
        self.release_ready();
        if let Phase::Live(live) = &self.phase
            && live.stage == Stage::Running
            && !live.snapshotting
            && live.journal.is_worth_folding(false)
        {
            self.begin_snapshot();
        }
    }

    pub(super) fn begin_snapshot(&mut self) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        live.snapshotting = true;
        live.journal.folding();
        let epoch = live.journal.epoch();
        let (store, env) = (Arc::clone(&self.shared.store), Arc::clone(&self.shared.env));
        let write = write_snapshot(store, env, self.id, epoch);
        let done = Arc::clone(&self.handle.inbox);
        self.shared.tasks.spawn(async move {
            done.tell(Control::Snapshotted(epoch, write.await));
        });
    }

    fn on_control(&mut self, control: Control) {
        match control {
            Control::Turn(instance, turn) => self.on_turn(instance, *turn),
            Control::Cancel(token) => self.cancel(token),
            Control::GiveUp { id, found } => {
                // Whoever asked may have gone.
                let _ = found.send(self.give_up_once(&id));
            }
            Control::Exchange(instance, call, event) => self.on_exchange(instance, call, event),
            Control::CancelAction { conn, id, word } => {
                self.cancel_action(conn, id);
                drop(word);
            }
            Control::Credit {
                stream,
                items,
                word,
            } => {
                self.credit(stream, items);
                drop(word);
            }
            Control::Disconnect(conn, close) => self.gone(conn, close),
            Control::Snapshotted(epoch, result) => self.on_snapshotted(epoch, result),
            Control::Stalled => self.on_stalled(),
            Control::Recovered => self.stall = Stall::default(),
            Control::Shutdown => self.shutting_down = true,
            Control::Crash => self.crash(),
        }
    }

    fn on_snapshotted(&mut self, epoch: Epoch, result: Result<Option<SnapshotSize>, StoreError>) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        // It may be of an instance that is gone.
        if live.journal.epoch() != epoch {
            return;
        }
        live.snapshotting = false;
        match result {
            Ok(Some(size)) => live.journal.folded(size),
            Ok(None) => {}
            Err(cause) => {
                warn!(actor = %self.id, %cause, "a snapshot was not written, the journal keeps growing");
            }
        }
    }

    fn on_timer(&mut self) {
        if self.tells_alarms() {
            self.tell_due_alarms();
        }
        let now = Instant::now();
        if self.trim_at.is_some_and(|at| at <= now) {
            self.trim();
        }
        self.give_up_orphans(now);
        let idle = self.idle_deadline_passed(now);
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        if live.journal.is_due(now) && !matches!(live.stage, Stage::Starting { .. }) {
            live.journal.commit_owed();
        }
        match live.stage {
            Stage::Starting { deadline } if deadline <= now => {
                warn!(actor = %self.id, "the actor did not start in time");
                self.on_start_failed(&ActorError::not_ready());
            }
            Stage::Stopping { deadline, .. } if deadline <= now => {
                warn!(actor = %self.id, "the actor did not stop in time");
                self.shared.host.deliver(live.instance, HostEvent::Drop);
                self.on_stopped();
            }
            Stage::Running if idle => self.stop(StopReason::Sleep),
            Stage::Running if live.unmark_at.is_some_and(|at| at <= now) => self.unmark(),
            Stage::Running if live.steady_at.is_some_and(|at| at <= now) => self.forget_losses(),
            Stage::Starting { .. }
            | Stage::Running
            | Stage::Stopping { .. }
            | Stage::Stopped { .. } => {}
        }
    }

    /// Gives back the room that nothing is in.
    fn trim(&mut self) {
        self.trim_at = None;
        self.mail.trim();
        self.waiting.shrink_to_fit();
        if let Phase::Live(live) = &mut self.phase {
            live.trim();
        }
    }

    /// Lets others see what the actor weighs, and says so if that is a lot.
    fn weigh(&mut self) {
        let Phase::Live(live) = &self.phase else {
            return;
        };
        let weight = Weight {
            state: live.journal.state_bytes(),
            kv: live.kv.size() as u64,
            queue: live.queue.total(),
            journal: live.journal.tail_bytes(),
            calls: live.calls.len() as u64,
            ..Weight::default()
        };
        self.handle.scale.put(live.instance, &weight);
        if self.weight_watch.is_news(weight.total())
            && let Some(record) = &self.record
        {
            warn!(
                actor = record.name.as_str(),
                key = record.key.to_storage(),
                id = self.id.to_string(),
                total_bytes = weight.total(),
                state_bytes = weight.state,
                kv_bytes = weight.kv,
                queue_bytes = weight.queue,
                limit_bytes = self.options.weight_warning,
                "an actor is large"
            );
        }
    }

    /// A hold on the actor's key, if its creation is under way.
    fn creating(&self) -> Option<Creating> {
        let fresh = self.fresh.as_deref().map(|fresh| &fresh.journal);
        let live = match &self.phase {
            Phase::Live(live) => Some(&live.journal),
            Phase::Asleep | Phase::Waking(_) => None,
        };
        let journal = live.or(fresh).or(self.settling.as_deref());
        journal.filter(|journal| journal.is_being_created())?;
        let record = self.record.as_ref()?;
        Some(self.shared.registry.creating(&record.name, &record.key))
    }

    fn idle_deadline_passed(&self, now: Instant) -> bool {
        let Phase::Live(live) = &self.phase else {
            return false;
        };
        self.idle_deadline(live)
            .is_some_and(|deadline| deadline <= now)
    }
}

impl Drop for ActorTask {
    /// A task that a panic ends, its own or the host's, leaves nothing behind that others would wait
    /// for: its callers are told as their channels go, and the next message starts another.
    fn drop(&mut self) {
        // Before its key is anybody's again.
        let creating = std::thread::panicking().then(|| self.creating()).flatten();
        self.unregister();
        let lost = self.mark_if_live().filter(|_| std::thread::panicking());
        if let Phase::Live(live) = &self.phase {
            let forget = || {
                self.shared.host.deliver(live.instance, HostEvent::Drop);
                self.shared.host.flush();
            };
            // A host that panics again is beyond help, and this must not take the process down.
            let _ = catch_unwind(AssertUnwindSafe(forget));
        }
        let fresh = self.leave_fresh();
        self.leave_instance();
        if let Some(mark) = lost {
            self.shared.report_fallen(self.id, mark);
        }
        let journal = fresh.map(|fresh| fresh.journal);
        let journal = journal.or(self.settling.take().map(|journal| *journal));
        if let (Some(creating), Some(mut journal)) = (creating, journal) {
            self.shared.tasks.spawn(async move {
                // Whatever comes of it: then the store knows whose the key is.
                let _ = poll_fn(|cx| journal.poll_durable(cx)).await;
                drop(creating);
            });
        }
    }
}
