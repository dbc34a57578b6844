//! What runs the actors of a node: the third implementation of [`ActorHost`], after the one for JavaScript
//! and those of the tests.
//!
//! It looks at an event at once or a little later, so that calls overtake each other as they do when user
//! code awaits something.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use greenroom_core::{ActorHost, HostEvent, Instance, Output, Runtime, StopReason, Turn};
use greenroom_types::{ActorError, ActorId};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use crate::{
    Plant, actor::Actor, book::Book, env::WallClock, hands::Hands, plan::HostPlan, rng::Rng,
};

/// The runtime's end of it.
pub(crate) struct SimHost {
    events: mpsc::UnboundedSender<(Instance, HostEvent)>,
    delivered: Mutex<Vec<(Instance, HostEvent)>>,
}

impl ActorHost for SimHost {
    fn deliver(&self, instance: Instance, event: HostEvent) {
        self.delivered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((instance, event));
    }

    fn flush(&self) {
        let mut delivered = self
            .delivered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for event in delivered.drain(..) {
            // At the end of a node nobody listens.
            let _ = self.events.send(event);
        }
    }
}

/// Something that is to be done with an instance.
enum Job {
    Event(HostEvent),
    /// A message is to be handled.
    Consume(u64),
}

/// The end of it that runs the actors.
pub(crate) struct Troupe {
    book: Book,
    clock: WallClock,
    plan: HostPlan,
    rng: Rng,
    node: String,
    hands: Hands,
    plant: Option<Plant>,
    actors: BTreeMap<Instance, Actor>,
    /// Which actors went to sleep with which instance.
    sleeping: BTreeMap<Instance, ActorId>,
    later: BTreeMap<(Instant, u64), (Instance, Job)>,
    jobs: u64,
}

impl Troupe {
    pub(crate) fn new(
        book: Book,
        clock: WallClock,
        plan: HostPlan,
        rng: Rng,
        node: String,
        plant: Option<Plant>,
    ) -> Self {
        let mut rng = rng;
        let hands = Hands::new(plant, Rng::new(rng.next()));
        Self {
            book,
            clock,
            plan,
            rng,
            node,
            hands,
            plant,
            actors: BTreeMap::new(),
            sleeping: BTreeMap::new(),
            later: BTreeMap::new(),
            jobs: 0,
        }
    }

    /// The host, and what runs its actors once it knows the runtime.
    pub(crate) fn host() -> (SimHost, mpsc::UnboundedReceiver<(Instance, HostEvent)>) {
        let (events, receiver) = mpsc::unbounded_channel();
        let host = SimHost {
            events,
            delivered: Mutex::default(),
        };
        (host, receiver)
    }

    /// Runs until the node ends.
    pub(crate) async fn run(
        mut self,
        mut events: mpsc::UnboundedReceiver<(Instance, HostEvent)>,
        runtime: oneshot::Receiver<Runtime>,
    ) {
        let Ok(runtime) = runtime.await else {
            return;
        };
        self.hands.take(runtime);
        loop {
            let next = self.later.keys().next().map(|&(at, _)| at);
            let at = next.unwrap_or_else(|| Instant::now() + std::time::Duration::from_secs(3600));
            tokio::select! {
                biased;
                event = events.recv() => match event {
                    Some((instance, event)) => self.arrived(instance, event),
                    None => return,
                },
                () = sleep_until(at), if next.is_some() => {
                    if let Some((_, (instance, job))) = self.later.pop_first() {
                        self.work(instance, job);
                    }
                }
            }
        }
    }

    /// Looks at an event, or puts it off.
    fn arrived(&mut self, instance: Instance, event: HostEvent) {
        if let HostEvent::Alarm(event) = &event
            && !self.plan.split
            && self.book.pages().cancelled.contains(&event.alarm.id)
        {
            let id = &event.alarm.id;
            self.book
                .violation(format!("alarms: {id} is told although it was cancelled"));
        }
        match event {
            HostEvent::Call(_) | HostEvent::Alarm(_) | HostEvent::Publish(_)
                if self.rng.chance(self.plan.slow_percent) =>
            {
                self.put_off(instance, Job::Event(event));
            }
            HostEvent::Start(_) if self.rng.chance(self.plan.slow_percent) => {
                self.put_off(instance, Job::Event(event));
            }
            event => self.work(instance, Job::Event(event)),
        }
    }

    fn put_off(&mut self, instance: Instance, job: Job) {
        let at = Instant::now() + self.rng.pause(0, self.plan.slow_ms);
        self.jobs += 1;
        self.later.insert((at, self.jobs), (instance, job));
    }

    fn work(&mut self, instance: Instance, job: Job) {
        let event = match job {
            Job::Consume(message) => {
                let turn = self
                    .actors
                    .get_mut(&instance)
                    .and_then(|actor| actor.consume(message));
                return self.hand_over(instance, turn);
            }
            Job::Event(event) => event,
        };
        match event {
            HostEvent::Start(start) => self.start(instance, *start),
            HostEvent::Stop(reason) => self.stop(instance, reason),
            HostEvent::Drop => {
                self.book
                    .note(format!("{} {instance:?} is dropped", self.node));
                // It has not got as far as sleep.
                if let Some(id) = self.sleeping.remove(&instance) {
                    self.book.pages().asleep.remove(&id);
                }
                self.forget(instance);
            }
            event => self.tell(instance, event),
        }
    }

    fn start(&mut self, instance: Instance, start: greenroom_core::StartEvent) {
        if self.rng.chance(self.plan.failing_starts_percent) {
            let error = ActorError::new("user", "stage_fright", "the actor does not want to start");
            let turn = Turn {
                outputs: vec![Output::StartFailed(error)],
                ..Turn::default()
            };
            self.book.fault(
                "failed start",
                format!("of actor {} {instance:?}", start.id),
            );
            return self.hand_over(instance, Some(turn));
        }
        if !self.plan.split {
            self.book.life(&self.node, start.id, start.generation);
        }
        let (actor, turn) = Actor::start(self.book.clone(), self.clock.clone(), start);
        for message in actor.waiting() {
            self.put_off(instance, Job::Consume(message));
        }
        self.actors.insert(instance, actor);
        self.hand_over(instance, Some(turn));
    }

    fn tell(&mut self, instance: Instance, event: HostEvent) {
        let Some(actor) = self.actors.get_mut(&instance) else {
            return;
        };
        let turn = match event {
            HostEvent::Call(call) => {
                if self.plant == Some(Plant::ForgetCall) && self.rng.chance(2) {
                    return;
                }
                Some(actor.call(&call))
            }
            HostEvent::Alarm(alarm) => Some(actor.alarm(&alarm)),
            HostEvent::Publish(publish) => {
                let (turn, message) = actor.publish(&publish);
                self.put_off(instance, Job::Consume(message));
                Some(turn)
            }
            HostEvent::Connect(connect) => Some(actor.connect(&connect)),
            HostEvent::Saved(token) => actor.saved(token),
            HostEvent::Kv(answer) => {
                actor.counted(&answer);
                None
            }
            // Nobody here looks at these.
            HostEvent::Cancel(_) | HostEvent::Credit { .. } | HostEvent::Disconnect(_) => None,
            HostEvent::Start(_)
            | HostEvent::Stop(_)
            | HostEvent::Drop
            | HostEvent::Subscribe(_)
            | HostEvent::SocketConnect(_)
            | HostEvent::SocketMessage(..)
            | HostEvent::SocketClosed(..)
            | HostEvent::Fetch(_)
            | HostEvent::BodyData(..)
            | HostEvent::BodyEnd(_)
            | HostEvent::BodyAbort(_)
            | HostEvent::BodyCredit(..) => unreachable!("no client of a run asks for {event:?}"),
        };
        self.hand_over(instance, turn);
    }

    /// Finishes what is under way, as an instance must before it stops.
    fn stop(&mut self, instance: Instance, reason: StopReason) {
        self.book
            .note(format!("{} {instance:?} stops: {reason:?}", self.node));
        for job in self.take_jobs(instance) {
            if let Job::Event(event) = job {
                self.tell(instance, event);
            }
        }
        let Some(actor) = self.actors.get(&instance) else {
            return;
        };
        // With two nodes, another one may know better what becomes of the actor.
        if reason == StopReason::Destroy && !self.plan.split {
            let log = actor.log().to_vec();
            self.book.pages().ends.insert(actor.id(), log);
        }
        if reason == StopReason::Sleep && !self.plan.split {
            let (id, view) = (actor.id(), actor.view("-"));
            self.book.pages().asleep.insert(id, view);
            self.sleeping.insert(instance, id);
        }
        let turn = Turn {
            outputs: vec![Output::Stopped],
            ..Turn::default()
        };
        self.hand_over(instance, Some(turn));
        self.forget(instance);
    }

    fn take_jobs(&mut self, instance: Instance) -> Vec<Job> {
        let of_it: Vec<_> = self
            .later
            .iter()
            .filter(|(_, (other, _))| *other == instance)
            .map(|(&at, _)| at)
            .collect();
        let taken = of_it.iter().filter_map(|at| self.later.remove(at));
        taken.map(|(_, job)| job).collect()
    }

    fn forget(&mut self, instance: Instance) {
        self.take_jobs(instance);
        self.actors.remove(&instance);
        self.hands.forget(instance);
    }

    fn hand_over(&mut self, instance: Instance, turn: Option<Turn>) {
        if let Some(turn) = turn {
            self.hands.hand_over(instance, turn);
        }
    }
}
