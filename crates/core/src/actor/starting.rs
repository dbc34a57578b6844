//! From asleep to running: waking up, starting an instance, or telling everybody why not.

use std::sync::Arc;

use greenroom_store::StoreError;
use greenroom_types::ActorError;
use tokio::time::Instant;
use tracing::debug;

use super::{
    alarms::Alarms,
    gate::OutputGate,
    journal::CREATION,
    live::{Calls, Live, Resumes, Stage},
    message::Message,
    once::OnceCalls,
    task::{ActorTask, Phase},
    wake::{Woken, wake},
};
use crate::{
    CloseReason, CrashPolicy, HostEvent, StartEvent, StopReason,
    mark::{Mark, STEADY},
    store_error,
    weight::{QueueSizes, WeightWatch},
};

impl ActorTask {
    /// Keeps `message` until the actor is awake.
    pub(super) fn wait_for_wake(&mut self, message: Message) {
        self.waiting.push_back(message);
    }

    pub(super) fn begin_waking(&mut self) {
        self.must_wake = false;
        if let Some(fresh) = self.fresh.take() {
            return self.on_woken(Ok(*fresh));
        }
        self.phase = Phase::Waking(Box::pin(wake(
            Arc::clone(&self.shared),
            self.id,
            !self.has_counted,
        )));
    }

    pub(super) fn on_woken(&mut self, result: Result<Woken, ActorError>) {
        self.phase = Phase::Asleep;
        let mut woken = match result {
            Ok(woken) => woken,
            Err(error) => {
                // What its clients were connected to does not exist any more.
                if error == ActorError::not_found() {
                    self.gone = true;
                    self.conns.close_all(&CloseReason::Destroyed);
                }
                self.try_again_later();
                self.forget_departed();
                return self.fail_waiting(&error);
            }
        };
        let Some(options) = self.shared.actors.get(&woken.record.name) else {
            self.shared.store.release(self.id, woken.journal.epoch());
            // There is nothing to try again for until the next process knows the type.
            self.revival = None;
            self.forget_departed();
            return self.fail_waiting(&ActorError::not_registered(woken.record.name.as_str()));
        };
        // What fails in good order from now on, and is tried again by this process, is no further loss of a process.
        self.has_counted |= woken.found.is_some();
        self.options = Arc::clone(options);
        self.handle.generation.set(woken.journal.epoch().0);
        self.handle.scale.identify(&woken.record);
        self.weight_watch = WeightWatch::new(self.options.weight_warning);
        self.record = Some(woken.record.clone());
        let is_being_created = woken.journal.is_being_created();
        if !is_being_created {
            self.shared.registry.remember_key(&woken.record);
        }
        let inbox = Arc::clone(&self.handle.inbox);
        let instance = self.shared.add_instance(self.id, inbox);
        let durable = woken.journal.last();
        let goes_on = woken.found.is_some() && self.options.crash_policy == CrashPolicy::Sleep;
        let losses = self.count_losses(woken.found);
        let is_doomed = woken.found.is_some_and(Mark::is_end);
        debug!(actor = %self.id, name = %woken.record.name, instance = instance.0, "actor starts");
        let alarms = Alarms::new(woken.schedule);
        let state_size = woken.state.as_ref().map_or(0, |state| state.len());
        woken.journal.loaded(state_size);
        let start = StartEvent {
            id: self.id,
            name: woken.record.name,
            key: woken.record.key,
            input: woken.record.input,
            state: woken.state,
            created: durable == 0,
            ending: is_doomed,
            generation: woken.journal.epoch().0,
            conns: self.conns.restored(),
            alarms: alarms.list(),
            kv_size: woken.kv.size(),
            state_version: woken.state_version,
            last_message: woken.queue.last(),
            messages: woken.queue.into_messages(),
        };
        let messages = start.messages.iter();
        let queue = QueueSizes::of(messages.map(|message| (message.id, message.body.len())));
        self.phase = Phase::Live(Box::new(Live {
            instance,
            stage: Stage::Starting {
                deadline: Instant::now() + self.options.start_timeout,
            },
            journal: woken.journal,
            gate: match is_being_created {
                true => OutputGate::of_new(),
                false => OutputGate::new(durable),
            },
            calls: Calls::default(),
            alarms,
            kv: woken.kv,
            window: None,
            queue,
            wants: is_doomed.then_some(StopReason::Destroy),
            is_doomed,
            idle_since: Instant::now(),
            held_awake: false,
            resumes: Resumes::Never,
            unmark_at: None,
            goes_on,
            losses,
            steady_at: None,
            snapshotting: false,
            once: OnceCalls::new(woken.calls, self.options.call_records),
        }));
        self.open_window(woken.events);
        self.shared
            .host
            .deliver(instance, HostEvent::Start(Box::new(start)));
    }

    /// The instance is ready for calls.
    pub(super) fn on_started(&mut self) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        if !matches!(live.stage, Stage::Starting { .. }) {
            return;
        }
        live.stage = Stage::Running;
        self.has_counted = false;
        live.idle_since = Instant::now();
        let now = live.idle_since;
        live.steady_at = (live.losses > 0).then(|| now + STEADY);
        self.revival = None;
        // An empty commit marks the end of the first life's beginning: from now on it is a wake.
        let is_created = live.journal.last() == 0;
        // At the end of the process nothing begins: what was left to do is left to the next.
        if !self.shutting_down {
            live.goes_on = false;
            self.update_mark(now);
        }
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        if is_created || live.journal.is_due(now) {
            live.journal.commit(&[]);
        }
        // It is awake for its last hook only. Whoever waits for it is told that it is gone.
        if live.is_doomed {
            return;
        }
        self.resume_sockets();
        self.catch_up_all();
        for message in std::mem::take(&mut self.waiting) {
            self.on_message(message);
        }
    }

    pub(super) fn on_start_failed(&mut self, error: &ActorError) {
        if let Phase::Live(live) = &mut self.phase
            && live.is_doomed
        {
            // Its end does not depend on its hook.
            self.shared.host.deliver(live.instance, HostEvent::Drop);
            live.stage = Stage::Stopped {
                reason: StopReason::Destroy,
            };
            return live.journal.commit_destroy();
        }
        if let Phase::Live(live) = &mut self.phase
            && live.journal.is_being_created()
        {
            // What a failed start says is an answer, too: it waits until there is an actor that cannot start.
            self.shared.host.deliver(live.instance, HostEvent::Drop);
            live.stage = Stage::Stopped {
                reason: StopReason::Sleep,
            };
            live.journal.discard();
            drop(live.gate.drain());
            self.refusal = Some(Box::new(error.clone()));
            return;
        }
        self.drop_instance();
        self.not_started(error);
    }

    /// Tells those who wait for the start that it has failed.
    pub(super) fn not_started(&mut self, error: &ActorError) {
        self.try_again_later();
        self.forget_departed();
        self.fail_waiting(error);
    }

    /// The creation is durable, or not to be.
    pub(super) fn on_created(&mut self, result: Result<(), StoreError>) {
        self.settling = None;
        if let Err(cause) = result {
            return self.on_not_created(&cause);
        }
        if let Some(record) = &self.record {
            self.shared.registry.remember_key(record);
        }
        if let Phase::Live(live) = &mut self.phase {
            live.gate.advance(CREATION);
            self.release_ready();
        }
    }

    /// There is no such actor, and nothing of what it did was ever let out.
    fn on_not_created(&mut self, cause: &StoreError) {
        debug!(actor = %self.id, %cause, "an actor was not created");
        let error = store_error(cause);
        self.leave_fresh();
        self.lose_instance(&error);
        self.conns.close_all(&CloseReason::Refused(error.clone()));
        self.gone = true;
        self.refusal = Some(Box::new(error));
    }

    /// Lets a new actor sleep that is created, and that nobody has said anything to meanwhile. With a message in its
    /// mailbox it starts without being loaded, however quick the store was.
    pub(super) fn rest_fresh(&mut self) {
        let is_created = |fresh: &Woken| !fresh.journal.is_being_created();
        if self.fresh.as_deref().is_some_and(is_created) && self.mail.is_empty() {
            self.leave_fresh();
        }
    }

    /// Gives up the claim of a new actor that has not started, if this is one.
    pub(super) fn leave_fresh(&mut self) -> Option<Box<Woken>> {
        let fresh = self.fresh.take()?;
        self.shared.store.release(self.id, fresh.journal.epoch());
        Some(fresh)
    }

    /// The instance refuses the input. An actor that never lived is removed; whoever waits for it is
    /// told once it is gone, so that the next attempt may create it from something else.
    pub(super) fn on_start_refused(&mut self, error: ActorError) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        if !matches!(live.stage, Stage::Starting { .. }) {
            return;
        }
        if live.journal.last() > 0 {
            return self.on_start_failed(&error);
        }
        live.stage = Stage::Stopped {
            reason: StopReason::Destroy,
        };
        live.journal.commit_destroy();
        self.refusal = Some(Box::new(error));
    }
}
