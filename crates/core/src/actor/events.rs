//! Events that the actor keeps for clients that come back: numbering them, telling them, and telling them again to
//! those who missed them.
//!
//! What a client hears is in the order of the numbers, and nothing is told before its commit is durable. A client that
//! has come back hears nothing until it has said what it had subscribed to and the instance has allowed it again;
//! what happens meanwhile is part of what it missed.

use std::collections::VecDeque;

use greenroom_types::EventFrame;
use tokio::time::Instant;

use super::{
    conns::Conns,
    live::Live,
    task::{ActorTask, Phase},
};
use crate::{
    ClientMessage, CloseReason, ConnKey, Output, ResumePoint, Resync, ResyncReason, WhenSlow,
    outbox::Broadcast, session::Session, shared::Shared, window::Window,
};

/// An event that is kept, on its way to those who hear it.
#[derive(Clone, Debug)]
pub(crate) struct RecordedEvent {
    pub(super) to: Option<Session>,
    pub(super) frame: EventFrame,
    pub(super) when_slow: WhenSlow,
}

/// The events of a turn, in order. `None` stands for one that is not kept: it is for a client that cannot come back.
pub(super) type RecordedEvents = VecDeque<Option<RecordedEvent>>;

impl ActorTask {
    /// An actor that is awake has its events, or says in its journal that it does not keep them any more. Whoever is
    /// connected is told those that a lost instance had stored and not let out.
    pub(super) fn open_window(&mut self, stored: Option<Window>) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        if self.options.resume.is_none() {
            if stored.is_some_and(|window| !window.is_closed()) {
                live.journal.buffer_events(Window::encode_close);
                live.journal.commit_by(Some(Instant::now()));
            }
            return;
        }
        let mut window = stored.clone().unwrap_or_default();
        if stored.is_none_or(|window| window.is_closed()) {
            window.reopen();
            live.journal
                .buffer_events(|out| out.extend(window.encode()));
            live.journal.commit_by(Some(Instant::now()));
        }
        let told = self.told.unwrap_or(window.last());
        let untold: Vec<_> = window.after(told).cloned().collect();
        let gap = (window.floor() > told).then(|| window.floor());
        self.told = Some(window.last());
        live.window = Some(Box::new(window));
        if let Some(to) = gap {
            self.skip(told, to);
        }
        for event in untold {
            let (to, frame) = (event.to, event.frame);
            let when_slow = WhenSlow::default();
            self.deliver(&RecordedEvent {
                to,
                frame,
                when_slow,
            });
        }
    }

    /// Those who hear events cannot be told those up to `to`, as they are not kept any more.
    fn skip(&mut self, from: u64, to: u64) {
        let reason = ResyncReason::Expired;
        for conn in self.conns.following() {
            if self.conns.behind(conn).is_none() {
                self.send(conn, ClientMessage::Resync(Resync { from, to, reason }));
            }
        }
    }

    /// Numbers and keeps the events of a turn. Empty if there are none, or the actor keeps none.
    pub(super) fn record_events(&mut self, outputs: &[Output]) -> RecordedEvents {
        let mut recorded = RecordedEvents::new();
        let (Phase::Live(live), Some(limits)) = (&mut self.phase, &self.options.resume) else {
            return recorded;
        };
        let Live {
            window: Some(window),
            journal,
            ..
        } = &mut **live
        else {
            return recorded;
        };
        let now_ms = self.shared.env.now_ms();
        for output in outputs {
            let Output::Event {
                to,
                name,
                args,
                when_slow,
            } = output
            else {
                continue;
            };
            let to = match to {
                None => None,
                Some(conn) => match session_of(&mut self.conns, &self.shared, self.id, *conn) {
                    Some(session) => Some(session),
                    None => {
                        recorded.push_back(None);
                        continue;
                    }
                },
            };
            // Copied, or a small event would pin the whole batch that it came in.
            let args = bytes::Bytes::copy_from_slice(args);
            let event = window.record(now_ms, to, name.clone(), args);
            let frame = event.frame.clone();
            let when_slow = when_slow.clone();
            recorded.push_back(Some(RecordedEvent {
                to,
                frame,
                when_slow,
            }));
            journal.buffer_events(|out| window.encode_newest(out));
        }
        if recorded.iter().all(Option::is_none) {
            recorded.clear();
        } else if window.prune(limits, now_ms) {
            journal.buffer_events(|out| window.encode_floor(out));
        }
        recorded
    }

    /// An event is durable: all who hear it are told.
    pub(super) fn tell(&mut self, event: &RecordedEvent) {
        self.told = event.frame.number();
        self.deliver(event);
    }

    fn deliver(&mut self, event: &RecordedEvent) {
        let to = match event.to {
            Some(session) => match self.conns.of_session(session) {
                Some(conn) => Some(conn),
                None => return,
            },
            None => None,
        };
        let broadcast = Broadcast::new(event.frame.clone(), event.when_slow.clone());
        for conn in self.conns.tell(to, broadcast) {
            self.disconnect(conn);
        }
    }

    /// Tells a client that it is accepted, and where it is in the events.
    pub(super) fn open(&mut self, conn: ConnKey) {
        let told = self.told;
        let session = told.and_then(|_| session_of(&mut self.conns, &self.shared, self.id, conn));
        let resume = session.map(|session| {
            let last = self.conns.behind(conn).map(|behind| behind.last);
            ResumePoint {
                proof: session.proof(self.id),
                number: last.or(told).unwrap_or_default(),
            }
        });
        if let Some(session) = session
            && let Some(before) = self.conns.take_place(conn, session)
        {
            self.send(before, ClientMessage::Close(CloseReason::Replaced));
            self.disconnect(before);
        }
        let refused = self.conns.take_refused(conn).map(|from| Resync {
            from,
            to: told.unwrap_or_default(),
            reason: match told {
                Some(_) => ResyncReason::Unknown,
                None => ResyncReason::Off,
            },
        });
        let Some(early) = self.conns.open(conn, self.id, resume, refused) else {
            return self.disconnect(conn);
        };
        early.into_iter().for_each(|sent| self.on_message(sent));
    }

    /// A client says what it had subscribed to.
    pub(super) fn resume(&mut self, conn: ConnKey, events: Vec<String>, more: bool) {
        if let Some(behind) = self.conns.behind(conn) {
            behind.has_said = !more;
            let guarded = events
                .iter()
                .filter(|event| self.options.guarded_events.contains(*event));
            behind.undecided.extend(guarded.cloned());
        }
        for event in events {
            if self.needs_asking(conn, &event) {
                self.ask(conn, event);
            } else {
                self.begin_again(conn, event);
            }
        }
        self.catch_up(conn);
    }

    /// A subscription that a client had before goes on.
    fn begin_again(&mut self, conn: ConnKey, event: String) {
        let Some(behind) = self.conns.behind(conn) else {
            return self.subscribe(conn, event, true);
        };
        let last = behind.last;
        behind.undecided.remove(&event);
        if let Err(error) = self.conns.subscribe(conn, event, true, last) {
            self.send(conn, ClientMessage::Error { id: None, error });
        }
    }

    /// As [`ActorTask::subscribe`], for a client that may come back: it is told where a subscription begins.
    pub(super) fn subscribe_numbered(&mut self, conn: ConnKey, event: String, on: bool) {
        let was_asked = self
            .conns
            .behind(conn)
            .is_some_and(|behind| behind.undecided.contains(&event));
        if was_asked && on {
            self.begin_again(conn, event);
            return self.catch_up(conn);
        }
        let number = self.told.unwrap_or_default();
        if let Err(error) = self.conns.subscribe(conn, event.clone(), on, number) {
            return self.send(conn, ClientMessage::Error { id: None, error });
        }
        match self.conns.behind(conn) {
            _ if !on => self.is_decided(conn, &event),
            Some(behind) => *behind.begun.entry(event).or_default() += 1,
            None => self.send(conn, ClientMessage::Subscribed { event, number }),
        }
    }

    /// Nothing is to be decided about a subscription of `conn` any more.
    pub(super) fn is_decided(&mut self, conn: ConnKey, event: &str) {
        if let Some(behind) = self.conns.behind(conn)
            && behind.undecided.remove(event)
        {
            self.catch_up(conn);
        }
    }

    /// Tells all who came back what they missed, as far as that is known.
    pub(super) fn catch_up_all(&mut self) {
        for conn in self.conns.following() {
            self.catch_up(conn);
        }
    }

    /// Tells a client that came back what it missed, as soon as that is known.
    fn catch_up(&mut self, conn: ConnKey) {
        let (Phase::Live(live), Some(limits)) = (&mut self.phase, &self.options.resume) else {
            return;
        };
        let (Some(window), Some(session)) = (&mut live.window, self.conns.session(conn)) else {
            return;
        };
        let told = self.told.unwrap_or_default();
        let Some(behind) = self.conns.behind(conn).filter(|behind| behind.is_ready()) else {
            return;
        };
        let last = behind.last;
        let begun = std::mem::take(&mut behind.begun);
        window.prune(limits, self.shared.env.now_ms());
        let reason = if last > told {
            Some(ResyncReason::Unknown)
        } else {
            let reaches = window.reaches(last, session, self.conns.subscriptions(conn));
            (!reaches).then_some(ResyncReason::Expired)
        };
        let missed: Vec<EventFrame> = match reason {
            Some(_) => Vec::new(),
            None => window
                .after(last)
                .take_while(|event| event.frame.number() <= Some(told))
                .filter(|event| match (event.to, event.frame.number()) {
                    (Some(to), _) => to == session,
                    (None, number) => {
                        self.conns
                            .hears(conn, event.frame.name(), number.unwrap_or_default())
                    }
                })
                .map(|event| event.frame.clone())
                .collect(),
        };
        self.conns.caught_up(conn);
        if let Some(reason) = reason {
            let resync = Resync {
                from: last,
                to: told,
                reason,
            };
            self.send(conn, ClientMessage::Resync(resync));
        }
        // Or the client would be taken for a slow one, come back, and be told all of it again.
        self.conns.make_room(conn, &missed);
        for event in missed {
            self.send(conn, ClientMessage::Event(event));
        }
        for (event, count) in begun {
            for _ in 0..count {
                let event = event.clone();
                self.send(
                    conn,
                    ClientMessage::Subscribed {
                        event,
                        number: told,
                    },
                );
            }
        }
    }
}

impl Conns {
    /// Who hears an event.
    pub(super) fn listeners(&self, event: &RecordedEvent) -> Vec<ConnKey> {
        match event.to {
            Some(session) => self.of_session(session).into_iter().collect(),
            None => self.subscribers(event.frame.name()).collect(),
        }
    }
}

fn session_of(
    conns: &mut Conns,
    shared: &Shared,
    actor: greenroom_types::ActorId,
    conn: ConnKey,
) -> Option<Session> {
    conns.follow(conn, actor, || {
        let mut bytes = [0; 16];
        shared.env.random(&mut bytes);
        Session::from_bytes(bytes)
    })
}
