//! From turns to commits, and from commits to what clients see.

use bytes::Bytes;
use greenroom_types::{ActorError, EventFrame};
use std::time::Duration;
use tokio::time::Instant;

use super::{
    events::RecordedEvents,
    kv,
    live::{Caller, Release, Stage},
    task::{ActorTask, Phase},
};
use crate::{
    ClientMessage, CloseReason, ConnKey, Durability, HostEvent, Instance, Output, SocketClose,
    StopReason, StreamPart, Turn, mark::Mark, outbox::Broadcast,
};

impl ActorTask {
    /// Takes one turn: its changes become a commit, its outputs wait for it.
    pub(super) fn on_turn(&mut self, instance: Instance, turn: Turn) {
        let interval = self.options.state_save_interval;
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        // What comes from an instance that is done, or was given up, is too late.
        if live.instance != instance || matches!(live.stage, Stage::Stopped { .. }) {
            return;
        }
        self.mark_if_destroyed(&turn.outputs);
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        let is_starting = matches!(live.stage, Stage::Starting { .. });
        let is_being_created = is_starting && live.journal.last() == 0;
        let writes_pairs = kv::run(live, &*self.shared.host, turn.kv, self.options.max_kv_size);
        let journal = &mut live.journal;
        let sets_alarms = !turn.alarms.is_empty();
        if sets_alarms {
            live.alarms.update(&turn.alarms);
            journal.buffer_alarms(&turn.alarms, live.alarms.earliest_ms());
        }
        if let Some(version) = turn.state_version {
            journal.buffer_state_version(version);
        }
        let mut recorded = self.record_events(&turn.outputs);
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        let journal = &mut live.journal;
        let changes_queue = !turn.queue.is_empty();
        if changes_queue {
            journal.buffer_queue(&turn.queue);
            live.queue.update(&turn.queue);
            self.mark_if_resuming(&turn.outputs);
        }
        let now_ms = self.shared.env.now_ms();
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        let journal = &mut live.journal;
        let records = !recorded.is_empty();
        let mut stores_more = sets_alarms || writes_pairs || changes_queue || records;
        let changes = stores_more || !turn.changes.is_empty() || turn.state_version.is_some();
        let calls = journal.pending_calls();
        let before = calls.len();
        live.once.settle(&turn.outputs, changes, now_ms, calls);
        stores_more |= !changes && calls.len() > before;
        // From the turn that asks for the actor's end on, whoever is told anything may rely on it.
        let ends = journal.mark().is_some_and(Mark::is_end);
        let durability = if changes_queue || records || ends {
            Durability::Strict
        } else {
            turn.durability
        };
        let after = match durability {
            // A start is committed as a whole, when it has succeeded, or never.
            _ if is_being_created => {
                journal.buffer(&turn.changes, None);
                journal.last() + 1
            }
            // A reply may show relaxed changes of before, so those have to be durable too.
            Durability::Strict if turn.changes.is_empty() && !stores_more && !journal.owes() => {
                journal.last()
            }
            Durability::Strict if is_starting => {
                journal.buffer(&turn.changes, Some(Instant::now()));
                journal.last() + 1
            }
            Durability::Strict => {
                journal.commit(&turn.changes);
                journal.last()
            }
            Durability::Relaxed => {
                journal.buffer(&turn.changes, Some(Instant::now() + interval));
                0
            }
            Durability::Ephemeral => {
                let deadline = stores_more.then(|| Instant::now() + interval);
                journal.buffer(&turn.changes, deadline);
                0
            }
        };
        if journal.pending_is_large() && !is_starting {
            journal.commit(&[]);
        }
        for output in turn.outputs {
            self.on_output(output, after, &mut recorded);
            // A start that has failed was taken back: what else it says waits for a commit that is never made.
            if self.refusal.is_some() {
                break;
            }
        }
    }

    fn on_output(&mut self, output: Output, after: u64, recorded: &mut RecordedEvents) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        let release = match output {
            Output::Started => return self.on_started(),
            Output::StartFailed(error) => return self.on_start_failed(&error),
            Output::StartRefused(error) => return self.on_start_refused(error),
            Output::Stopped => return self.on_stopped(),
            Output::Awake { held, resumes } => return self.on_awake(held, resumes),
            Output::Sleep => return self.want(StopReason::Sleep),
            Output::Destroy => return self.want(StopReason::Destroy),
            Output::SaveWithin { max_wait_ms } => {
                let deadline = Instant::now() + Duration::from_millis(u64::from(max_wait_ms));
                return live.journal.commit_by(Some(deadline));
            }
            Output::Save { token } => {
                if live.journal.has_pending() {
                    live.journal.commit(&[]);
                }
                let last = live.journal.last();
                return self.let_out(Release::Saved(token), last);
            }
            Output::Reply { call, result } => {
                let caller = live.end_call(call);
                self.answer_joined(call, &result, after);
                let (Phase::Live(live), Some(caller)) = (&mut self.phase, caller) else {
                    return;
                };
                if let Caller::Alarm { id } = caller {
                    return live.alarms.told(&id, self.shared.env.now_ms());
                }
                Release::Reply(caller, result)
            }
            Output::GoesOn { .. } => return,
            Output::ConnState { conn, state } => Release::ConnState(conn, state),
            Output::ResponseHead {
                call,
                head,
                has_body,
            } => match self.response_head(call, head, has_body) {
                Some(release) => release,
                None => return,
            },
            Output::ResponseData { call, data } => match self.response_data(call, &data) {
                Some(release) => release,
                None => return,
            },
            Output::ResponseEnd { call } => match self.response_end(call, true) {
                Some(release) => release,
                None => return,
            },
            Output::ResponseAbort { call } => match self.response_end(call, false) {
                Some(release) => release,
                None => return,
            },
            Output::RequestCredit { call, bytes } => {
                return self.request_credit(call, bytes as usize);
            }
            Output::Stream { call, part } => {
                live.idle_since = Instant::now();
                match part {
                    StreamPart::Start => match live.calls.begin_stream(call) {
                        Some(opening) => {
                            self.refuse_joined(call, &ActorError::call_interrupted());
                            Release::Open(opening)
                        }
                        None => return,
                    },
                    StreamPart::Item(item) => match live.calls.item(call) {
                        Some(to) => Release::Item(to.clone(), item),
                        None => return,
                    },
                    StreamPart::End => match live.calls.end(call) {
                        // The value is nobody's: what counts is that it is over.
                        Some(caller) => {
                            live.once.end(call);
                            Release::Reply(caller, Ok(Bytes::new()))
                        }
                        None => return,
                    },
                }
            }
            Output::Event {
                to,
                name,
                args,
                when_slow,
            } => match recorded.pop_front().flatten() {
                Some(event) => Release::Recorded(event),
                None => Release::Event {
                    to,
                    name,
                    args,
                    when_slow,
                },
            },
            Output::Accept { conn } if self.conns.admit(conn) => Release::Accept(conn),
            Output::AcceptSocket { conn, hibernates }
                if self.conns.admit_socket(conn, hibernates) =>
            {
                Release::Accept(conn)
            }
            Output::Accept { .. } | Output::AcceptSocket { .. } => return,
            Output::SocketSend { conn, message } => Release::SocketSend(conn, message),
            Output::SocketClose { conn, close } => Release::SocketClose(conn, close),
            Output::SocketHandled { conn, count } => Release::SocketHandled(conn, count),
            Output::Reject { conn, error } => Release::Refuse(conn, error),
            Output::Disconnect { conn, reason } => Release::Disconnect(conn, reason),
            Output::Depart(departure) => Release::Depart(departure),
            Output::Subscribe { conn, ticket } => Release::Subscribe(conn, ticket),
            Output::RefuseSubscription {
                conn,
                ticket,
                error,
            } => Release::RefuseSubscription(conn, ticket, error),
        };
        self.let_out(release, after);
    }

    /// Lets `release` out as soon as commit `after` is durable.
    pub(super) fn let_out(&mut self, release: Release, after: u64) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        let is_reply = release.is_reply();
        match live.gate.push(after, release) {
            Some(release) => self.release(release),
            None if is_reply => live.calls.hold_reply(),
            None => {}
        }
    }

    /// What happens at last.
    pub(super) fn release(&mut self, release: Release) {
        match release {
            Release::Reply(caller, result) => self.answer(caller, result),
            // Nobody who has gone away needs either.
            Release::Response(reply, response) => drop(reply.send(Ok(response))),
            Release::Piece(body, Some(piece)) => drop(body.send(piece)),
            Release::Piece(_, None) => {}
            Release::Open(opening) => self.open_stream(opening),
            Release::Item(to, item) => self.send_item(to, item),
            Release::Event {
                to,
                name,
                args,
                when_slow,
            } => {
                let event = Broadcast::new(EventFrame::new(name, args), when_slow);
                for conn in self.conns.tell(to, event) {
                    self.disconnect(conn);
                }
            }
            Release::Recorded(event) => self.tell(&event),
            Release::Accept(conn) => self.open(conn),
            Release::Refuse(conn, error) => self.refuse(conn, &error),
            Release::Disconnect(conn, reason) => {
                self.send(
                    conn,
                    ClientMessage::Close(CloseReason::Disconnected(reason)),
                );
                self.disconnect(conn);
            }
            Release::ConnState(conn, state) => self.conns.keep_state(conn, state),
            Release::Depart(departure) => departure.clear(),
            Release::Subscribe(conn, ticket) => {
                if let Some(event) = self.conns.asked(conn, ticket) {
                    self.subscribe(conn, event, true);
                }
                self.decided();
            }
            Release::RefuseSubscription(conn, ticket, error) => {
                if let Some(event) = self.conns.asked(conn, ticket) {
                    self.send(conn, ClientMessage::Error { id: None, error });
                    self.is_decided(conn, &event);
                }
                self.decided();
            }
            Release::SocketSend(conn, message) => self.send(conn, ClientMessage::Raw(message)),
            Release::SocketClose(conn, close) => {
                let reason = CloseReason::Closed(close.clone());
                self.send(conn, ClientMessage::Close(reason));
                self.disconnect_as(conn, Some(close));
            }
            Release::SocketHandled(conn, count) => self.socket_handled(conn, count as usize),
            Release::Saved(token) => {
                if let Phase::Live(live) = &self.phase {
                    self.shared
                        .host
                        .deliver(live.instance, HostEvent::Saved(token));
                }
            }
        }
    }

    /// The actor was busy with a decision until now.
    fn decided(&mut self) {
        if let Phase::Live(live) = &mut self.phase {
            live.idle_since = Instant::now();
        }
    }

    /// Notes what the actor asked for. Being destroyed outranks sleeping.
    pub(super) fn want(&mut self, reason: StopReason) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        match &mut live.stage {
            // The end must not have to wait for a beginning that takes longer than it does.
            Stage::Starting { deadline } if self.shutting_down => {
                *deadline = (Instant::now() + self.options.sleep_grace_period).min(*deadline);
            }
            Stage::Starting { .. } | Stage::Running => {}
            // A sleep under way is finished first.
            Stage::Stopping { .. } | Stage::Stopped { .. } if reason == StopReason::Destroy => {}
            Stage::Stopping { .. } | Stage::Stopped { .. } => return,
        }
        if live.wants != Some(StopReason::Destroy) {
            live.wants = Some(reason);
        }
    }

    /// Sends to one client, and drops the connection if that is no longer possible.
    pub(super) fn send(&mut self, conn: ConnKey, message: ClientMessage) {
        if !self.conns.send(conn, message) {
            self.disconnect(conn);
        }
    }

    /// Tells a client why it may not connect, and forgets it.
    pub(super) fn refuse(&mut self, conn: ConnKey, error: &ActorError) {
        self.conns.send(
            conn,
            ClientMessage::Error {
                id: None,
                error: error.clone(),
            },
        );
        self.conns.send(
            conn,
            ClientMessage::Close(CloseReason::Refused(error.clone())),
        );
        self.conns.remove(conn);
    }

    /// A connection is over, whether there is an instance to be told or not.
    pub(super) fn gone(&mut self, conn: ConnKey, close: Option<SocketClose>) {
        match self.phase {
            Phase::Asleep | Phase::Waking(_) => self.departs_asleep(conn, close),
            Phase::Live(_) => self.disconnect_as(conn, close),
        }
    }

    /// Forgets a connection and tells the instance.
    pub(super) fn disconnect(&mut self, conn: ConnKey) {
        self.disconnect_as(conn, None);
    }

    /// As [`ActorTask::disconnect`]. `close` is how its WebSocket has ended, if that is known.
    pub(super) fn disconnect_as(&mut self, conn: ConnKey, close: Option<SocketClose>) {
        if !self.conns.contains(conn) {
            return;
        }
        let is_socket = self.conns.is_socket(conn);
        self.conns.remove(conn);
        if is_socket {
            self.socket_closed(conn, close.unwrap_or_else(SocketClose::broken));
        } else {
            // Who says goodbye does not come back for the answers.
            let is_farewell = close.is_some_and(|close| close.code == SocketClose::NORMAL);
            self.departed(conn, is_farewell);
        }
    }

    /// Tells the instance that a connection is gone.
    pub(super) fn disconnected(&mut self, conn: ConnKey) {
        self.departed(conn, false);
    }

    fn departed(&mut self, conn: ConnKey, for_good: bool) {
        if let Phase::Live(live) = &mut self.phase {
            live.idle_since = Instant::now();
            self.shared
                .host
                .deliver(live.instance, HostEvent::Disconnect(conn));
            self.callers_gone(conn, for_good);
        }
    }
}
