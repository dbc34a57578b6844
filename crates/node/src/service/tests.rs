use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, channel},
    },
};

use greenroom_core::{HostEvent, Instance};
use greenroom_server::ServerConfig;

use super::*;
use crate::seats::tests::somebody;

/// A service in memory that runs.
struct Running {
    stop: oneshot::Sender<()>,
    ended: Receiver<()>,
}

impl Running {
    /// Starts it, and lets the thread sit down that `bell` is of.
    fn start(service: &Arc<Service>, bell: Bell) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (told, started) = channel();
        let (done, ended) = channel();
        let config = Config {
            data_dir: "/nowhere".into(),
            host: "127.0.0.1".to_owned(),
            port: None,
            log_level: tracing::level_filters::LevelFilter::OFF,
            actors: BTreeMap::new(),
            server: ServerConfig::default(),
            auth_timeout: None,
            blocked_after: None,
            workers: service.seats.lanes(),
        };
        spawn(
            Arc::clone(service),
            config,
            (bell, service.pulse()),
            stopped,
            move |outcome| told.send(outcome.is_ok()).expect("the test waits"),
            move || done.send(()).expect("the test waits"),
        )
        .expect("a thread");
        assert!(started.recv().expect("an outcome"));
        Self { stop, ended }
    }

    fn end(self) {
        self.stop.send(()).expect("it runs");
        self.ended.recv().expect("an end");
    }
}

fn in_memory(threads: u32) -> Arc<Service> {
    let threads = NonZeroU32::new(threads).expect("there is one");
    let service = Arc::new(Service::new(threads));
    let time = VirtualTime::new(Arc::clone(&service.seats.main().host), 0);
    let store = MemoryStore::new();
    assert!(service.memory.set(Memory { store, time }).is_ok());
    service
}

/// A bell that nobody answers, and how often it was rung.
fn counted() -> (Bell, Arc<AtomicUsize>) {
    let rung = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&rung);
    let ring = move || {
        count.fetch_add(1, Ordering::Relaxed);
    };
    (Bell::new(ring, Arc::default()), rung)
}

#[test]
fn javascript_is_not_called_before_its_answers_have_somewhere_to_go() {
    let service = in_memory(1);
    let seat = service.seats.main();
    // As an actor does that an alarm wakes at once.
    seat.host.deliver(Instance(1), HostEvent::Saved(1));
    seat.host.flush();
    let rung = Arc::new(AtomicUsize::new(0));
    let (asking, count) = (Arc::downgrade(&service), Arc::clone(&rung));
    let ring = move || {
        let service = asking.upgrade().expect("it runs");
        assert!(service.runtime().is_some(), "a turn would be lost");
        assert!(
            service.seats.main().requests.is_open(),
            "a request would be lost"
        );
        count.fetch_add(1, Ordering::Relaxed);
    };
    let running = Running::start(&service, Bell::new(ring, Arc::default()));
    assert_eq!(rung.load(Ordering::Relaxed), 1);
    running.end();
}

#[test]
fn a_question_from_before_anybody_was_there_calls_the_first_who_is() {
    let service = in_memory(3);
    service.seats.ask(1, &somebody());
    let (bell, rung) = counted();
    let running = Running::start(&service, bell);
    assert_eq!(rung.load(Ordering::Relaxed), 1);
    running.end();
}

#[test]
fn a_question_does_not_wait_for_a_thread_that_has_gone() {
    let service = in_memory(2);
    let (main, main_rung) = counted();
    let running = Running::start(&service, main);
    let (other, other_rung) = counted();
    let number = service.sit(Lane(1), other, service.pulse());
    let number = number.expect("nothing fails").expect("it runs");
    service.seats.ask(1, &somebody());
    let rung = || {
        let rung = [&main_rung, &other_rung];
        rung.map(|rung| rung.load(Ordering::Relaxed))
    };
    assert_eq!(rung(), [0, 1]);
    service.lose(Lane(1), Some(number));
    assert_eq!(rung(), [1, 1]);
    running.end();
}

#[test]
fn a_question_does_not_wait_for_a_thread_that_does_not_answer_its_bell() {
    let service = in_memory(3);
    let running = Running::start(&service, counted().0);
    let threshold = Duration::from_secs(1);
    service.threshold.set(threshold).expect("it was not set");
    let (deaf, rung) = counted();
    let sits = service.sit(Lane(1), deaf, service.pulse());
    assert!(sits.expect("a thread that watches").is_some());
    let (called, calls) = channel();
    let ring = move || {
        // Later rings find the test over.
        let _ = called.send(());
    };
    let other = Bell::new(ring, Arc::default());
    let sits = service.sit(Lane(2), other, service.pulse());
    assert!(sits.expect("a thread that watches").is_some());
    service.seats.ask(1, &somebody());
    assert_eq!(rung.load(Ordering::Relaxed), 1);
    calls
        .recv_timeout(Duration::from_secs(30))
        .expect("another one is called");
    running.end();
}

#[test]
fn nothing_piles_up_where_nobody_sits() {
    let service = in_memory(2);
    let running = Running::start(&service, counted().0);
    let host = &service.seats.of(Lane(1)).host;
    let deliver = || service.seats.deliver(Instance(1), HostEvent::Drop);
    deliver();
    service.vacant(Lane(1));
    assert!(!host.has_events());
    let sits = service.sit(Lane(1), counted().0, service.pulse());
    assert!(sits.expect("nothing fails").is_some());
    deliver();
    service.vacant(Lane(1));
    assert!(host.has_events(), "somebody is there to take it");
    service.vacant(Lane(4711));
    running.end();
}

#[test]
fn who_sits_down_sends_away_who_sat_there() {
    let service = in_memory(2);
    let running = Running::start(&service, counted().0);
    let sit = || {
        let number = service.sit(Lane(1), counted().0, service.pulse());
        number.expect("nothing fails").expect("it runs")
    };
    let seat = service.seats.of(Lane(1));
    let first = sit();
    service.seats.deliver(Instance(1), HostEvent::Drop);
    let second = sit();
    assert!(!seat.is_taken_by(first));
    assert!(seat.is_taken_by(second));
    assert!(seat.host.take().is_empty(), "it was for the first one");
    running.end();
}
