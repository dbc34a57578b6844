//! From running to asleep or gone, in good order or because a commit failed.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use greenroom_store::StoreError;
use greenroom_types::ActorError;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::{
    live::{Opening, Release, Resumes, Stage},
    message::Message,
    task::{ActorTask, Phase},
};
use crate::{ClientMessage, CloseReason, ConnKey, HostEvent, SocketClose, StopReason, store_error};

/// What the host is given beyond the grace period, for a JavaScript thread that is busy with others.
const HOST_SLACK: Duration = Duration::from_secs(1);

impl ActorTask {
    pub(super) fn stop(&mut self, reason: StopReason) {
        // What has woken an actor must not be put off by its going back to sleep, or it could never come to
        // its turn. The end of the process leaves it to the next.
        if reason == StopReason::Sleep && !self.shutting_down {
            self.tell_due_alarms();
        }
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        // The host keeps to the grace period itself, and hands over what there is when it ends. Only one
        // that does not even do that is given up.
        let deadline = Instant::now() + self.options.sleep_grace_period + HOST_SLACK;
        live.stage = Stage::Stopping { reason, deadline };
        live.goes_on = self.shutting_down && (live.goes_on || live.resumes == Resumes::Yes);
        self.shared
            .host
            .deliver(live.instance, HostEvent::Stop(reason));
    }

    /// The instance is done, or not waited for any longer: write what is left.
    pub(super) fn on_stopped(&mut self) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        let Stage::Stopping { reason, .. } = live.stage else {
            return;
        };
        live.stage = Stage::Stopped { reason };
        match reason {
            StopReason::Destroy => live.journal.commit_destroy(),
            StopReason::Sleep => {
                self.mark_for_sleep();
                let Phase::Live(live) = &mut self.phase else {
                    return;
                };
                if live.journal.owes() {
                    live.journal.commit(&[]);
                }
            }
        }
    }

    /// Completes a stop once everything is written.
    pub(super) fn finish(&mut self, reason: StopReason) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        if live.journal.is_writing() || !live.gate.is_empty() || live.snapshotting {
            return;
        }
        let wants_destroy = live.wants == Some(StopReason::Destroy);
        if reason == StopReason::Sleep && live.journal.is_worth_folding(true) {
            return self.begin_snapshot();
        }
        self.abandon_calls(&ActorError::restarting());
        self.leave_instance();
        match reason {
            StopReason::Sleep => {
                if let Some(error) = self.refusal.take() {
                    return self.not_started(&error);
                }
                debug!(actor = %self.id, "actor sleeps");
                self.close_sockets(&CloseReason::Closed(SocketClose::going_away()));
                if wants_destroy {
                    // Asked for when the sleep had begun, and stored: it wakes up once more for its hook, here or
                    // in the next process.
                    self.revive(0);
                }
                self.shared.alarms_changed.notify_one();
            }
            StopReason::Destroy => {
                debug!(actor = %self.id, "actor destroyed");
                self.gone = true;
                if let Some(refusal) = self.refusal.take() {
                    self.fail_waiting(&refusal);
                }
                self.conns.close_all(&CloseReason::Destroyed);
                self.unregister();
                self.tell_destroyers();
            }
        }
    }

    /// The actor is removed, as some wanted. Those among them count as well who have come too late to be heard, or who
    /// wait for a start that was for this end only.
    fn tell_destroyers(&mut self) {
        let mut others = VecDeque::new();
        while let Some(message) = self.waiting.pop_front().or_else(|| self.mail.try_take()) {
            match message {
                Message::Destroy { done } => self.destroyers.push(done),
                other => others.push_back(other),
            }
        }
        self.waiting = others;
        for done in self.destroyers.drain(..) {
            let _ = done.send(Ok(()));
        }
    }

    /// Forgets the instance and gives the claim back. What it has not decided is for the next one.
    pub(super) fn leave_instance(&mut self) {
        for (conn, event) in self.conns.take_asks() {
            let on = true;
            self.wait_for_wake(Message::Subscribe { conn, event, on });
        }
        if let Phase::Live(live) = std::mem::replace(&mut self.phase, Phase::Asleep) {
            self.shared.remove_instance(live.instance);
            self.handle.scale.clear();
            self.shared.store.release(self.id, live.journal.epoch());
            if live.journal.is_being_created() {
                self.settling = Some(Box::new(live.journal));
            }
        }
    }

    /// Tells the host to forget the instance too.
    pub(super) fn drop_instance(&mut self) {
        if let Phase::Live(live) = &self.phase {
            self.shared.host.deliver(live.instance, HostEvent::Drop);
        }
        self.leave_instance();
    }

    /// The instance has lost track of its journal. Nothing that waits may leave; the next message
    /// loads the actor afresh.
    pub(super) fn poison(&mut self, cause: &StoreError) {
        warn!(actor = %self.id, %cause, "a commit failed, the instance is dropped");
        self.lose_instance(&store_error(cause));
    }

    /// Ends the instance as a crash of the process would. Commits that are under way may be found by the
    /// next one, but what waits for them is never sent. Whoever would have heard it cannot know, unless
    /// the connection ends: its client connects again and looks for itself.
    pub(super) fn crash(&mut self) {
        let Phase::Live(live) = &self.phase else {
            return;
        };
        let mut missing: BTreeSet<ConnKey> = BTreeSet::new();
        for release in live.gate.waiting() {
            match release {
                Release::Event { to: Some(conn), .. } | Release::SocketSend(conn, _) => {
                    missing.insert(*conn);
                }
                Release::Event { to: None, name, .. } => {
                    missing.extend(self.conns.subscribers(name));
                }
                Release::Recorded(event) => missing.extend(self.conns.listeners(event)),
                Release::Reply(..)
                | Release::Response(..)
                | Release::Piece(..)
                | Release::Open(_)
                | Release::Item(..)
                | Release::Accept(_)
                | Release::Refuse(..)
                | Release::Disconnect(..)
                | Release::SocketClose(..)
                | Release::SocketHandled(..)
                | Release::ConnState(..)
                | Release::Depart(_)
                | Release::Subscribe(..)
                | Release::RefuseSubscription(..)
                | Release::Saved(_) => {}
            }
        }
        let error = ActorError::restarting();
        self.lose_instance(&error);
        for conn in missing {
            let reason = CloseReason::Refused(error.clone());
            self.conns.send(conn, ClientMessage::Close(reason));
            self.departs_asleep(conn, None);
        }
    }

    /// Drops the instance and all that it has not stored. Whoever waits for it gets `error`.
    pub(super) fn lose_instance(&mut self, error: &ActorError) {
        self.refusal = None;
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        let waiting: Vec<_> = live.gate.drain().collect();
        for release in waiting {
            match release {
                Release::Reply(caller, _) => self.answer(caller, Err(error.clone())),
                // Whoever was to be let in, or turned away, can ask the next instance.
                Release::Accept(conn) | Release::Refuse(conn, _) => self.refuse(conn, error),
                Release::Open(Opening::Stateless { reply, .. }) => {
                    drop(reply.send(Err(error.clone())));
                }
                Release::Response(reply, _) => drop(reply.send(Err(error.clone()))),
                // Whoever takes a stream is told along with all other callers.
                Release::Open(Opening::Conn { .. })
                | Release::Item(..)
                | Release::Event { .. }
                // The next instance tells it, if it is durable.
                | Release::Recorded(_)
                | Release::Piece(..)
                | Release::Disconnect(..)
                | Release::SocketSend(..)
                | Release::SocketClose(..)
                | Release::SocketHandled(..)
                | Release::ConnState(..)
                | Release::Depart(_)
                | Release::Saved(_)
                // Undecided for as long as the decision was not let out.
                | Release::Subscribe(..)
                | Release::RefuseSubscription(..) => {}
            }
        }
        self.abandon_calls(error);
        for done in self.destroyers.drain(..) {
            let _ = done.send(Err(error.clone()));
        }
        self.revive_if_marked();
        self.drop_instance();
        self.close_sockets(&CloseReason::Refused(error.clone()));
        self.must_wake = self.wants_replay();
        // Those who wait for a start that has failed, or the next start would fail them again,
        // and so on for as long as the store does.
        for message in std::mem::take(&mut self.waiting) {
            self.fail(message, error);
        }
    }
}
