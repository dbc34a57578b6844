//! What runs on the machines: a node with clients of its own process, and clients on the other side of a
//! network.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::watch;

use crate::{
    Plant,
    book::Book,
    clients::{Caller, Far, Link, Near, Repeater, Talker, Will},
    node::Machine,
    plan::Plan,
    rng::Rng,
};

/// A node, until it is asked to end.
pub(crate) async fn node(machine: Machine, will: watch::Receiver<Will>) -> turmoil::Result {
    let mut process = machine.boot();
    process.serve(&machine.plan).await?;
    let crowd = Crowd {
        machine: machine.name.to_owned(),
        process: process.name.clone(),
        book: machine.book.clone(),
        plan: Arc::clone(&machine.plan),
        link: Link::Near(Near::new(process.runtime.clone())),
        rng: process.rng.clone(),
    };
    crowd.begin((machine.plan.callers, machine.plan.talkers), will);
    process.obey().await;
    Ok(())
}

/// The part of a machine of clients that outlives its process.
pub(crate) struct FarMachine {
    name: &'static str,
    server: &'static str,
    seed: u64,
    book: Book,
    plan: Arc<Plan>,
    plant: Option<Plant>,
    incarnation: AtomicU64,
}

impl FarMachine {
    pub(crate) fn new(
        name: &'static str,
        server: &'static str,
        seed: u64,
        book: Book,
        plan: Arc<Plan>,
        plant: Option<Plant>,
    ) -> Self {
        Self {
            name,
            server,
            seed,
            book,
            plan,
            plant,
            incarnation: AtomicU64::new(0),
        }
    }

    /// The clients of a new process.
    pub(crate) fn boot(&self) -> Crowd {
        let incarnation = self.incarnation.fetch_add(1, Ordering::Relaxed) + 1;
        let process = format!("{}.{incarnation}", self.name);
        self.book.note(format!("{process} starts"));
        Crowd {
            machine: self.name.to_owned(),
            rng: Rng::of(self.seed, &process),
            process,
            book: self.book.clone(),
            plan: Arc::clone(&self.plan),
            link: Link::Far(Far::new(self.server, self.plant)),
        }
    }
}

/// Clients on a machine of their own, until it is gone.
pub(crate) async fn far(crowd: Crowd, will: watch::Receiver<Will>) -> turmoil::Result {
    let numbers = crowd.plan.far_clients;
    crowd.begin(numbers, will);
    std::future::pending().await
}

/// The clients of one process.
pub(crate) struct Crowd {
    machine: String,
    process: String,
    book: Book,
    plan: Arc<Plan>,
    link: Link,
    rng: Rng,
}

impl Crowd {
    /// Lets so many callers and talkers begin, and one who looks at everything at the end.
    fn begin(mut self, (callers, talkers): (u64, u64), will: watch::Receiver<Will>) {
        for number in 0..callers {
            let caller = self.caller(&format!("caller {number}"));
            tokio::spawn(caller.run(self.plan.operations, will.clone()));
        }
        for number in 0..talkers {
            let talker = Talker {
                name: format!("{} talker {number}", self.process),
                book: self.book.clone(),
                link: self.link.clone(),
                keys: self.plan.keys.clone(),
                rng: Rng::new(self.rng.next()),
            };
            tokio::spawn(talker.run(will.clone()));
        }
        let closer = self.caller("closer");
        let (book, machine, mut will) = (self.book, self.machine, will);
        tokio::spawn(async move {
            // The world outlives its machines.
            if will.wait_for(|will| *will == Will::Final).await.is_ok() {
                closer.finish().await;
                book.pages().finished.insert(machine);
            }
        });
    }

    fn caller(&mut self, name: &str) -> Caller {
        let mut rng = Rng::new(self.rng.next());
        let repeater = match &self.link {
            Link::Far(far) if rng.chance(60) => Some(Repeater::new(far.clone(), &mut rng)),
            Link::Far(_) | Link::Near(_) => None,
        };
        Caller {
            name: format!("{} {name}", self.process),
            book: self.book.clone(),
            link: self.link.clone(),
            keys: self.plan.keys.clone(),
            repeater,
            rng,
            alarms: Vec::new(),
            is_calm: self.plan.calm,
        }
    }
}
