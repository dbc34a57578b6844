//! An actor of the simulation, written against the runtime's own seam: it keeps two logs, mirrors the length
//! of one of them in its key-value pairs, and has alarms and a queue. Whatever it does becomes an entry of a
//! log, so that the order of everything can be read from it afterwards.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use greenroom_core::{
    Alarm, AlarmEvent, AlarmUpdate, CallEvent, CallId, ConnectEvent, Durability, KvAnswer, KvQuery,
    KvRequest, KvResult, Output, PublishEvent, QueueMessage, QueueUpdate, StartEvent, Turn,
    WhenSlow,
};
use greenroom_types::{ActorError, ActorId};

use crate::{
    book::Book,
    env::WallClock,
    history::{cancelled, told},
    view::{Mark, News, View},
    wire::{self, Kept},
};

/// The event that says what was appended to the log.
pub(crate) const NEWS: &str = "news";
/// The queue whose messages are handled also if the actor is lost before that.
pub(crate) const RESUMED_QUEUE: &str = "resumed";

const COUNT_KEY: &[u8] = b"count";

/// See the top of the file.
pub(crate) struct Actor {
    book: Book,
    clock: WallClock,
    id: ActorId,
    log: Vec<String>,
    log_mark: Mark,
    loose: Mark,
    alarms: BTreeSet<String>,
    /// Messages that wait, and how many of them are to be handled in any case.
    messages: BTreeMap<u64, Message>,
    last_message: u64,
    /// Who waits for a save.
    saves: BTreeMap<u32, CallId>,
    /// The count that each question about the pairs has to be answered with.
    counts: BTreeMap<u32, usize>,
    last_token: u32,
}

struct Message {
    entry: String,
    /// Who waits until it is handled.
    sender: Option<CallId>,
    resumes: bool,
}

impl Actor {
    /// An instance begins, from what the journal says. Gives the turn that starts it.
    pub(crate) fn start(book: Book, clock: WallClock, start: StartEvent) -> (Self, Turn) {
        let kept = match &start.state {
            Some(image) => Kept::read(image).unwrap_or_else(|error| {
                book.violation(format!(
                    "state: the image of {} is damaged: {error}",
                    start.id
                ));
                Kept::default()
            }),
            None => Kept::default(),
        };
        if kept.count != kept.log.len() as u64 {
            book.violation(format!(
                "one turn, one commit: actor {} wakes with {} entries and a count of {}",
                start.id,
                kept.log.len(),
                kept.count
            ));
        }
        let mut turn = Turn::default();
        if start.state.is_none() {
            let mut changes = Vec::new();
            Kept::create(&mut changes);
            turn.changes = changes.into();
        }
        let mut actor = Self {
            book,
            clock,
            id: start.id,
            log_mark: Mark::of(&kept.log),
            log: kept.log,
            loose: Mark::of(&kept.loose),
            alarms: start.alarms.into_iter().map(|alarm| alarm.id).collect(),
            messages: BTreeMap::new(),
            last_message: start.last_message,
            saves: BTreeMap::new(),
            counts: BTreeMap::new(),
            last_token: 0,
        };
        let slept = actor.book.pages().asleep.remove(&actor.id);
        if slept
            .as_ref()
            .is_some_and(|slept| *slept != actor.view("-"))
        {
            actor.book.violation(format!(
                "hibernation is invisible: actor {} fell asleep as {slept:?} and wakes as {:?}",
                actor.id,
                actor.view("-")
            ));
        }
        for conn in start.conns {
            if conn.state.as_deref() != Some(conn.id.as_bytes()) {
                actor.book.violation(format!(
                    "hibernation is invisible: connection {} of actor {} is back with state {:?}",
                    conn.id, actor.id, conn.state
                ));
            }
        }
        for message in start.messages {
            actor.restore(message);
        }
        actor.check_count(&mut turn);
        turn.outputs.push(Output::Started);
        if !actor.messages.is_empty() {
            turn.outputs.push(actor.awake());
        }
        (actor, turn)
    }

    fn restore(&mut self, message: QueueMessage) {
        let body = wire::read_text(&message.body).unwrap_or_else(|error| {
            let id = self.id;
            self.book.violation(format!(
                "queue: a message of actor {id} is damaged: {error}"
            ));
            String::new()
        });
        let (entry, resumes) = match body.split_once(' ') {
            Some((entry, _)) => (entry.to_owned(), true),
            None => (body, false),
        };
        let message_id = message.id;
        let message = Message {
            entry,
            sender: None,
            resumes,
        };
        self.messages.insert(message_id, message);
    }

    /// The messages that wait to be handled.
    pub(crate) fn waiting(&self) -> Vec<u64> {
        self.messages.keys().copied().collect()
    }

    /// Which actor it is.
    pub(crate) fn id(&self) -> ActorId {
        self.id
    }

    /// The log, for those who look at it from outside.
    pub(crate) fn log(&self) -> &[String] {
        &self.log
    }

    fn awake(&self) -> Output {
        Output::Awake {
            held: !self.messages.is_empty(),
            resumes: self.messages.values().any(|message| message.resumes),
        }
    }

    /// What it is at the moment.
    pub(crate) fn view(&self, word: &str) -> View {
        View {
            log: self.log_mark,
            loose: self.loose,
            word: word.to_owned(),
        }
    }

    fn answer(&self, call: CallId, word: &str) -> Output {
        let result = Ok(wire::text(&self.view(word).to_string()));
        Output::Reply { call, result }
    }

    /// Appends to the log, in all the places that say so.
    fn append(&mut self, turn: &mut Turn, entry: &str) {
        self.log.push(entry.to_owned());
        self.log_mark = self.log_mark.and(entry);
        let count = self.log.len();
        let mut changes = turn.changes.to_vec();
        Kept::append(&mut changes, "log", entry);
        Kept::set_count(&mut changes, count);
        turn.changes = changes.into();
        let pair = (
            Bytes::from_static(COUNT_KEY),
            wire::text(&count.to_string()),
        );
        turn.kv.push(KvRequest::Put {
            pairs: vec![pair],
            token: None,
        });
        let news = News {
            log: self.log_mark,
            entry: entry.to_owned(),
        };
        turn.outputs.push(Output::Event {
            to: None,
            name: NEWS.to_owned(),
            args: wire::args(&news.to_string()),
            when_slow: WhenSlow::Disconnect,
        });
    }

    /// Asks for the count in the pairs, which must be the length of the log.
    fn check_count(&mut self, turn: &mut Turn) {
        self.last_token += 1;
        self.counts.insert(self.last_token, self.log.len());
        turn.kv.push(KvRequest::Read {
            token: self.last_token,
            query: KvQuery::Get(vec![Bytes::from_static(COUNT_KEY)]),
        });
    }

    /// The pairs have answered.
    pub(crate) fn counted(&mut self, answer: &KvAnswer) {
        let Some(expected) = self.counts.remove(&answer.token) else {
            return;
        };
        let found = match &answer.result {
            KvResult::Values(values) => values
                .first()
                .cloned()
                .flatten()
                .and_then(|value| wire::read_text(&value).ok())
                .map_or(0, |text| text.parse().unwrap_or(usize::MAX)),
            KvResult::Pairs(_) | KvResult::Put { .. } | KvResult::Full { .. } => usize::MAX,
        };
        if found != expected {
            self.book.violation(format!(
                "one turn, one commit: actor {} has {expected} entries, its pairs say {found}",
                self.id
            ));
        }
    }

    /// Runs an action.
    pub(crate) fn call(&mut self, call: &CallEvent) -> Turn {
        let mut turn = Turn::default();
        let argument = match wire::read_args(&call.args) {
            Ok(argument) => argument,
            Err(error) => {
                let text = format!("arguments: an actor is told something else: {error}");
                self.book.violation(text);
                String::new()
            }
        };
        let call_id = call.call;
        let mut word = "-";
        match call.name.as_str() {
            "append" => self.append(&mut turn, &argument),
            "loose" => {
                self.loose = self.loose.and(&argument);
                let mut changes = Vec::new();
                Kept::append(&mut changes, "loose", &argument);
                turn.changes = changes.into();
                turn.durability = Durability::Relaxed;
            }
            "faint" => {
                let mut changes = Vec::new();
                Kept::append(&mut changes, "faint", &argument);
                turn.changes = changes.into();
                turn.durability = Durability::Ephemeral;
            }
            "read" => self.check_count(&mut turn),
            "save" => {
                self.last_token += 1;
                self.saves.insert(self.last_token, call_id);
                turn.outputs.push(Output::Save {
                    token: self.last_token,
                });
                return turn;
            }
            "schedule" => {
                let (id, after_ms) = argument.split_once(' ').unwrap_or((&argument, "0"));
                let due_ms = self.clock.now_ms() + after_ms.parse::<i64>().unwrap_or(0);
                self.book.pages().due_ms.insert(id.to_owned(), due_ms);
                self.alarms.insert(id.to_owned());
                turn.alarms.push(AlarmUpdate::Set(Alarm {
                    id: id.to_owned(),
                    due_ms,
                    attempt: 0,
                    body: Bytes::new(),
                }));
                self.append(&mut turn, id);
            }
            "cancel" if self.alarms.remove(&argument) => {
                turn.alarms.push(AlarmUpdate::Remove(argument.clone()));
                self.append(&mut turn, &cancelled(&argument));
            }
            "cancel" => word = "no",
            "sleep" => turn.outputs.push(Output::Sleep),
            other => {
                let result = Err(ActorError::action_not_found(other));
                turn.outputs.push(Output::Reply {
                    call: call_id,
                    result,
                });
                return turn;
            }
        }
        turn.outputs.push(self.answer(call_id, word));
        turn
    }

    /// An alarm is told.
    pub(crate) fn alarm(&mut self, event: &AlarmEvent) -> Turn {
        let mut turn = Turn::default();
        let id = &event.alarm.id;
        let due_ms = self.book.pages().due_ms.get(id).copied();
        // The clock may have jumped back since the runtime has looked at it.
        let now_ms = event.now_ms;
        if due_ms.is_none_or(|due_ms| now_ms < due_ms) {
            self.book.violation(format!(
                "alarms: {id} is told at {now_ms}, it is due at {due_ms:?}"
            ));
        }
        // One that was cancelled meanwhile has no effect any more.
        if self.alarms.remove(id) {
            turn.alarms.push(AlarmUpdate::Remove(id.clone()));
            self.append(&mut turn, &told(id));
        }
        turn.outputs.push(self.answer(event.call, "-"));
        turn
    }

    /// Takes a message for a queue. Gives its number.
    pub(crate) fn publish(&mut self, event: &PublishEvent) -> (Turn, u64) {
        let mut turn = Turn::default();
        let entry = wire::read_text(&event.body).unwrap_or_else(|error| {
            let text = format!("arguments: a queue is sent something else: {error}");
            self.book.violation(text);
            String::new()
        });
        let resumes = event.queue == RESUMED_QUEUE;
        let body = match resumes {
            true => wire::text(&format!("{entry} resumes")),
            false => wire::text(&entry),
        };
        self.last_message += 1;
        let id = self.last_message;
        turn.queue.push(QueueUpdate::Put(QueueMessage { id, body }));
        let message = Message {
            entry,
            sender: event.wait.then_some(event.call),
            resumes,
        };
        self.messages.insert(id, message);
        turn.outputs.push(self.awake());
        if !event.wait {
            let result = Ok(Bytes::from_static(&[0x80]));
            turn.outputs.push(Output::Reply {
                call: event.call,
                result,
            });
        }
        (turn, id)
    }

    /// Handles a message. `None` when it is not there any more.
    pub(crate) fn consume(&mut self, id: u64) -> Option<Turn> {
        let message = self.messages.remove(&id)?;
        let mut turn = Turn::default();
        turn.queue.push(QueueUpdate::Remove(id));
        self.append(&mut turn, &message.entry);
        if let Some(call) = message.sender {
            let mut response = vec![0x81];
            response.extend(wire::text(&self.view("-").to_string()));
            turn.outputs.push(Output::Reply {
                call,
                result: Ok(response.into()),
            });
        }
        turn.outputs.push(self.awake());
        Some(turn)
    }

    /// A save is done.
    pub(crate) fn saved(&mut self, token: u32) -> Option<Turn> {
        let call = self.saves.remove(&token)?;
        let mut turn = Turn::default();
        turn.outputs.push(self.answer(call, "-"));
        Some(turn)
    }

    /// Lets a connection in.
    pub(crate) fn connect(&self, event: &ConnectEvent) -> Turn {
        let conn = event.conn;
        Turn {
            outputs: vec![
                Output::ConnState {
                    conn,
                    state: Bytes::from(event.id.clone()),
                },
                Output::Accept { conn },
            ],
            ..Turn::default()
        }
    }
}
