//! One run: a node and its clients in simulated time, faults as the plan says, then silence, then a last look
//! at everything.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use greenroom_store::{StoreError, testing::FaultStore};
use tokio::sync::watch;
use turmoil::Sim;

use crate::{
    Plant, Report,
    book::Book,
    check::{self, Final},
    clients::Will,
    history::Op,
    node::{Machine, Request},
    panics,
    plan::{Fault, Plan},
    rng::Rng,
    software::{self, FarMachine},
};

const NODE: &str = "node";
/// The second node of those runs that have one.
const RIVAL: &str = "rival";
/// Longest time for every actor to answer a last question.
const LAST_WORD: Duration = Duration::from_secs(120);
/// Longest time for a node to end in good order.
const GOODBYE: Duration = Duration::from_secs(40);

/// Something that is to happen at a time.
#[derive(Clone, Copy, Debug)]
enum Event {
    Fault(Fault),
    /// The node comes back.
    Boot,
    /// Whoever looks after the node notices that it takes no writes.
    Restart {
        down_ms: u64,
    },
    ReleaseDisk,
    ReleaseLoads,
    /// The network between the node and a machine of clients works again.
    Repair {
        far: u64,
    },
    /// It lets through what it has held back.
    Release {
        far: u64,
    },
    /// The second node comes back.
    RivalBoot,
    /// A machine of clients comes back.
    FarBoot {
        far: u64,
    },
}

struct World<'a> {
    sim: Sim<'a>,
    machine: Machine,
    rival: Option<Machine>,
    rng: Rng,
    agenda: BTreeMap<(Duration, u64), Event>,
    entries: u64,
    /// The node ends in good order since this time, and is to be back so much later.
    stopping: Option<(Duration, u64)>,
    is_up: bool,
    /// What is left of a store whose sync has failed.
    survivor: Option<FaultStore>,
    /// Machines of clients whose network is disturbed, or that are gone.
    disturbed: BTreeSet<u64>,
    will: watch::Sender<Will>,
}

/// The name of a machine of clients.
fn far_name(far: u64) -> &'static str {
    ["far0", "far1", "far2"][far as usize]
}

/// Runs a plan to its end.
pub(crate) fn run(seed: u64, plan: Plan, plant: Option<Plant>) -> Report {
    panics::watch();
    let book = Book::default();
    let plan = Arc::new(plan);
    book.note(format!("seed {seed}: {plan:?}"));
    let mut world = World::new(seed, &book, &plan, plant);
    if let Err(error) = world.play(&plan) {
        book.violation(format!("the simulation broke off: {error}"));
    }
    if !world.has_failed() {
        check::everything(&book, &world.last_look(), &plan);
    }
    drop(world);
    Report::of(seed, &book)
}

impl World<'_> {
    fn new(seed: u64, book: &Book, plan: &Arc<Plan>, plant: Option<Plant>) -> Self {
        let machine = Machine::new(NODE, seed, book.clone(), Arc::clone(plan), plant);
        let mut sim = turmoil::Builder::new()
            .simulation_duration(Duration::from_secs(86_400))
            .epoch(std::time::UNIX_EPOCH)
            .tick_duration(Duration::from_millis(1))
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(Duration::from_millis(plan.latency_ms))
            // What was held arrives at once, and more connections than this in one go would be a panic.
            .tcp_capacity(256)
            .rng_seed(seed)
            .build();
        let will = watch::Sender::new(Will::Chaos);
        let (host, wills) = (machine.clone(), will.clone());
        sim.host(NODE, move || {
            software::node(host.clone(), wills.subscribe())
        });
        let rival = plan.split.then(|| machine.rival(RIVAL));
        if let Some(rival) = rival.clone() {
            let wills = will.clone();
            sim.host(RIVAL, move || {
                software::node(rival.clone(), wills.subscribe())
            });
        }
        for far in 0..plan.far {
            let name = far_name(far);
            let machine = FarMachine::new(name, NODE, seed, book.clone(), Arc::clone(plan), plant);
            let wills = will.clone();
            sim.host(name, move || {
                software::far(machine.boot(), wills.subscribe())
            });
        }
        let mut world = Self {
            sim,
            machine,
            rival,
            rng: Rng::of(seed, "world"),
            agenda: BTreeMap::new(),
            entries: 0,
            stopping: None,
            is_up: true,
            survivor: None,
            disturbed: BTreeSet::new(),
            will,
        };
        for &(at, fault) in &plan.faults {
            world.plan(at, Event::Fault(fault));
        }
        world
    }

    fn plan(&mut self, at: Duration, event: Event) {
        self.entries += 1;
        self.agenda.insert((at, self.entries), event);
    }

    fn plan_in(&mut self, ms: u64, event: Event) {
        self.plan(self.sim.elapsed() + Duration::from_millis(ms), event);
    }

    fn book(&self) -> Book {
        self.machine.book.clone()
    }

    fn play(&mut self, plan: &Plan) -> turmoil::Result {
        let is_over = |world: &Self| plan.calm && world.book().pages().retired > 0;
        while self.sim.elapsed() < plan.chaos && !is_over(self) {
            self.step()?;
        }
        // The last faults end as planned.
        while !self.agenda.is_empty() || self.stopping.is_some() || !self.is_up {
            self.step()?;
        }
        if self.rival.is_some() {
            self.take_over()?;
        }
        self.set_will(Will::Quiet);
        // What is acknowledged is durable at any time, so there is no need to wait for a run that has
        // failed.
        check::everything(&self.book(), &self.last_look(), plan);
        let patience = plan.patience();
        self.wait("what was promised has not happened", patience, |world| {
            let book = world.book();
            check::promises(&book, &world.last_look(), false).is_none()
        })?;
        self.set_will(Will::Final);
        self.wait("an actor does not answer", LAST_WORD, |world| {
            world.has_everybody_finished()
        })?;
        self.wait("messages are not handled", LAST_WORD, |world| {
            let book = world.book();
            check::promises(&book, &world.last_look(), true).is_none()
        })?;
        self.wait("calls are not answered", LAST_WORD, |world| {
            !world.book().pages().ops.iter().any(Op::is_open)
        })
    }

    /// Ends the life of two nodes on one store: both are gone, and the one that comes back looks after what
    /// either has left behind.
    fn take_over(&mut self) -> turmoil::Result {
        self.sim.crash(RIVAL);
        self.sim.crash(NODE);
        self.machine.parts().requests = None;
        self.is_up = false;
        self.plan_in(5, Event::Boot);
        while !self.is_up {
            self.step()?;
        }
        Ok(())
    }

    fn has_failed(&self) -> bool {
        !self.book().pages().violations.is_empty()
    }

    fn has_everybody_finished(&self) -> bool {
        let machines = 1 + self.machine.plan.far as usize;
        self.book().pages().finished.len() == machines
    }

    fn set_will(&self, will: Will) {
        self.book().note(format!("{will:?}"));
        self.will.send_replace(will);
    }

    /// Goes on until something holds.
    fn wait(
        &mut self,
        otherwise: &str,
        at_most: Duration,
        holds: impl Fn(&Self) -> bool,
    ) -> turmoil::Result {
        let end = self.sim.elapsed() + at_most;
        while !self.has_failed() && !holds(self) {
            if self.sim.elapsed() >= end {
                let book = self.book();
                let missing = check::promises(&book, &self.last_look(), true);
                let open = book.pages().ops.iter().find(|op| op.is_open()).cloned();
                book.violation(format!(
                    "liveness: {otherwise} within {at_most:?}: {missing:?} {open:?}"
                ));
                return Ok(());
            }
            for _ in 0..200 {
                self.step()?;
            }
        }
        Ok(())
    }

    fn step(&mut self) -> turmoil::Result {
        let now = self.sim.elapsed();
        self.machine.book.set_elapsed(now, false);
        while let Some((&(at, number), &event)) = self.agenda.first_key_value()
            && at <= now
        {
            self.agenda.remove(&(at, number));
            self.happen(event);
        }
        if let Some((since, down_ms)) = self.stopping {
            let has_ended = !self.sim.is_host_running(NODE);
            if has_ended || now > since + GOODBYE {
                self.stopped(has_ended, down_ms);
            }
        }
        self.machine.book.set_elapsed(now, true);
        let stepped = self.sim.step();
        self.machine.book.set_elapsed(self.sim.elapsed(), false);
        stepped?;
        for panic in panics::take() {
            self.machine.book.violation(format!("panic: {panic}"));
        }
        Ok(())
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Fault(fault) => self.fault(fault),
            Event::Boot => {
                self.is_up = true;
                self.sim.bounce(NODE);
            }
            Event::Restart { down_ms } => {
                if self.survivor.is_some() {
                    self.crash(down_ms, "restart after a failed sync");
                }
            }
            Event::ReleaseDisk => {
                self.machine.disk_stalls.send_replace(false);
            }
            Event::ReleaseLoads => self.store().release_loads(),
            Event::Repair { far } => {
                self.sim.repair(NODE, far_name(far));
                self.disturbed.remove(&far);
            }
            Event::Release { far } => {
                self.sim.release(NODE, far_name(far));
                self.disturbed.remove(&far);
            }
            Event::RivalBoot => self.sim.bounce(RIVAL),
            Event::FarBoot { far } => {
                self.sim.repair(NODE, far_name(far));
                self.sim.bounce(far_name(far));
                self.disturbed.remove(&far);
            }
        }
    }

    fn store(&self) -> Arc<FaultStore> {
        Arc::clone(&self.machine.parts().store)
    }

    fn fault(&mut self, fault: Fault) {
        match fault {
            Fault::Partition { far, .. }
            | Fault::OneWay { far, .. }
            | Fault::Hold { far, .. }
            | Fault::Vanish { far, .. } => {
                // The simulated network knows one disturbance at a time.
                if self.disturbed.insert(far) {
                    self.disturb(far, fault);
                }
            }
            fault => {
                if self.is_up {
                    self.harm_node(fault);
                }
            }
        }
    }

    fn disturb(&mut self, far: u64, fault: Fault) {
        let (book, name) = (self.book(), far_name(far));
        match fault {
            Fault::Partition { ms, .. } => {
                book.fault("partition", format!("of {name} for {ms} ms"));
                self.sim.partition(NODE, name);
                self.plan_in(ms, Event::Repair { far });
            }
            Fault::OneWay { to_node, ms, .. } => {
                let (from, to) = match to_node {
                    true => (name, NODE),
                    false => (NODE, name),
                };
                book.fault("one-way partition", format!("{from} to {to} for {ms} ms"));
                self.sim.partition_oneway(from, to);
                self.plan_in(ms, Event::Repair { far });
            }
            Fault::Hold { ms, .. } => {
                book.fault("held packets", format!("of {name} for {ms} ms"));
                self.sim.hold(NODE, name);
                self.plan_in(ms, Event::Release { far });
            }
            Fault::Vanish { silently, ms, .. } => {
                let how = if silently {
                    "silently"
                } else {
                    "with a farewell"
                };
                book.fault("vanished clients", format!("{name} {how} for {ms} ms"));
                if silently {
                    self.sim.partition(NODE, name);
                }
                self.sim.crash(name);
                self.plan_in(ms, Event::FarBoot { far });
            }
            other => unreachable!("{other:?} is about the node"),
        }
    }

    fn harm_node(&mut self, fault: Fault) {
        let book = self.book();
        let keys = &self.machine.plan.keys;
        match fault {
            Fault::Crash { down_ms } => self.crash(down_ms, "crash"),
            Fault::RivalCrash { down_ms } => {
                if self.sim.is_host_running(RIVAL) {
                    book.fault("crash of the second node", "");
                    self.sim.crash(RIVAL);
                    self.plan_in(down_ms, Event::RivalBoot);
                }
            }
            Fault::Restart { down_ms } => {
                if self.stopping.is_none() {
                    book.fault("restart", "");
                    self.machine.request(Request::Shutdown);
                    self.stopping = Some((self.sim.elapsed(), down_ms));
                }
            }
            Fault::SyncFails { until_restart_ms } => {
                if self.survivor.is_none() {
                    let store = self.store();
                    let held = store.held();
                    let kept = self.rng.below(held as u64 + 1) as usize;
                    book.fault("failed sync", format!("of {held} writes, {kept} are there"));
                    self.survivor = Some(store.after_crash(kept));
                    store.fail_syncs();
                    let down_ms = 5;
                    self.plan_in(until_restart_ms, Event::Restart { down_ms });
                }
            }
            Fault::DiskStalls { ms } => {
                book.fault("stalled disk", format!("for {ms} ms"));
                self.machine.disk_stalls.send_replace(true);
                self.plan_in(ms, Event::ReleaseDisk);
            }
            Fault::LoadsStall { ms } => {
                book.fault("stalled loads", format!("for {ms} ms"));
                self.store().pause_loads();
                self.plan_in(ms, Event::ReleaseLoads);
            }
            Fault::Full { nth } => {
                book.fault("full disk", format!("at commit {nth} from here"));
                let error = StoreError::Full("no space left".to_owned());
                self.store().fail_append(nth, error);
            }
            Fault::ClockJumps { ms } => {
                book.fault("clock jump", format!("by {ms} ms"));
                self.machine.clock.jump(ms);
            }
            Fault::InstanceLost { key } => {
                book.fault("lost instance", &keys[key]);
                self.machine
                    .request(Request::LoseInstance(keys[key].clone()));
            }
            Fault::Sleep { key } => {
                book.fault("sleep", &keys[key]);
                self.machine.request(Request::Sleep(keys[key].clone()));
            }
            Fault::Partition { .. }
            | Fault::OneWay { .. }
            | Fault::Hold { .. }
            | Fault::Vanish { .. } => unreachable!("{fault:?} is about the network"),
        }
    }

    /// The node is gone at once, and a part of what was not synced with it.
    fn crash(&mut self, down_ms: u64, why: &'static str) {
        let old = self.store();
        old.freeze();
        self.sim.crash(NODE);
        let held = old.held();
        let (kept, store) = match self.survivor.take() {
            Some(survivor) => (0, survivor),
            None => {
                let kept = self.rng.below(held as u64 + 1) as usize;
                (kept, old.crash(kept))
            }
        };
        let book = self.book();
        book.fault(
            why,
            format!("with {held} writes under way, {kept} are kept"),
        );
        book.pages().asleep.clear();
        self.stopping = None;
        self.replace(store, down_ms);
    }

    /// The node has ended as it was asked to, or has taken too long for that.
    fn stopped(&mut self, in_good_order: bool, down_ms: u64) {
        if !in_good_order {
            let book = self.book();
            if self.survivor.is_none() {
                book.violation("liveness: a node does not end although it was asked to");
            }
            return self.crash(down_ms, "kill after a shutdown that took too long");
        }
        self.stopping = None;
        let old = self.store();
        self.sim.crash(NODE);
        let held = old.held();
        let store = match self.survivor.take() {
            Some(survivor) => {
                self.book().pages().asleep.clear();
                survivor
            }
            None => {
                if held > 0 {
                    self.book().violation(format!(
                        "acked means durable: {held} writes are left behind by a shutdown"
                    ));
                }
                old.crash(usize::MAX)
            }
        };
        self.replace(store, down_ms);
    }

    fn replace(&mut self, store: FaultStore, down_ms: u64) {
        self.machine.parts().store = Arc::new(store);
        self.machine.parts().requests = None;
        self.is_up = false;
        self.plan_in(down_ms, Event::Boot);
    }

    /// What the store knows at this moment.
    fn last_look(&self) -> Final {
        Final::of(&self.store(), &self.machine.plan.keys)
    }
}
