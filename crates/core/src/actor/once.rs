//! Calls that run once: which of them run, and what becomes of those that are made again.
//!
//! A call that is made again while it runs waits for its answer along with whoever made it before.
//! Afterwards it gets the answer that was kept ([`once`](crate::once)), behind the commits before it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use greenroom_types::{
    ActorError, limits,
    once::{CallerId, OnceCall, OnceId},
};
use tokio::time::Instant;

use super::{
    live::{Caller, Release},
    message::{Message, OnceWord},
    task::{ActorTask, Phase},
};
use crate::{
    CallId, CallRecordLimits, ClientMessage, CloseReason, ConnKey, HostEvent, Output, StreamPart,
    once::{Answer, CallWindow, OnceIndex},
};

/// Larger answers of turns that store nothing are not kept, and errors neither: whoever asks again gets a new
/// answer, and after an error that passes perhaps a better one.
const RECENT_ANSWER: usize = 16 * 1024;
/// What all of them may have together, as a part of what those that are stored may have.
const RECENT_SHARE: usize = 4;

/// The calls of an instance that run once.
pub(crate) struct OnceCalls {
    limits: CallRecordLimits,
    /// Absent while there are none, as in many actors.
    known: Option<Box<Known>>,
}

/// What is known of such calls.
#[derive(Default)]
struct Known {
    /// What is stored along with the effects.
    stored: CallWindow,
    /// Answers that came with no change of what is stored. They go with the instance, as do the effects that
    /// such turns may have: events, variables, messages to others.
    recent: CallWindow,
    running: BTreeMap<CallId, Running>,
    ids: OnceIndex<CallId>,
    /// Those that have gone on beyond a turn, or stream, and of which nothing is stored: few, so that a turn need not
    /// look at all that run.
    unstored: BTreeSet<CallId>,
    /// Calls without a caller, and until when they are left alone.
    orphans: VecDeque<(Instant, CallId)>,
}

struct Running {
    once: OnceCall,
    digest: u64,
    /// Who else waits.
    joined: Vec<Caller>,
    progress: Progress,
    is_orphan: bool,
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Its action has not begun, or has not gone on beyond a turn.
    Young,
    /// Whatever is stored may be of it.
    GoesOn,
    /// Something was stored meanwhile, and that it has begun along with it.
    Begun,
    /// Its result streams. Nobody else can have that.
    Streams { begun: bool },
    /// Its answer is in the turn that is looked at.
    Answered,
}

/// What is to become of a call.
enum Verdict {
    Run,
    Join,
    Answered(Result<Bytes, ActorError>),
    Refused(ActorError),
}

impl OnceCalls {
    pub(crate) fn new(stored: CallWindow, limits: CallRecordLimits) -> Self {
        let known = (!stored.is_pristine()).then(|| {
            Box::new(Known {
                stored,
                ..Known::default()
            })
        });
        Self { limits, known }
    }

    /// Gives back the room that a burst of calls has left empty.
    pub(crate) fn trim(&mut self) {
        let Some(known) = &mut self.known else {
            return;
        };
        known.trim();
        if known.is_forgettable() {
            self.known = None;
        }
    }

    fn judge(&self, call: &OnceCall, digest: u64, now_ms: i64) -> Verdict {
        let limits = &self.limits;
        match &self.known {
            Some(known) => known.judge(limits, call, digest, now_ms),
            None => Known::default().judge(limits, call, digest, now_ms),
        }
    }

    fn started(&mut self, call: CallId, once: OnceCall, digest: u64) {
        let known = self.known.get_or_insert_default();
        known.started(call, once, digest);
    }

    /// Looks at a turn before it is committed, and appends what is to be stored with it to `out`.
    /// `changes` says whether it stores anything by itself.
    pub(crate) fn settle(
        &mut self,
        outputs: &[Output],
        changes: bool,
        now_ms: i64,
        out: &mut Vec<u8>,
    ) {
        if let Some(known) = &mut self.known
            && !known.running.is_empty()
        {
            known.settle(&self.limits, outputs, changes, now_ms, out);
        }
    }

    fn by_id(&mut self, id: &OnceId) -> Option<&mut Running> {
        let known = self.known.as_mut()?;
        known.running.get_mut(known.ids.get(id)?)
    }

    /// The number of a call that is in progress.
    fn running(&self, id: &OnceId) -> Option<CallId> {
        self.known.as_ref()?.ids.get(id).copied()
    }

    /// The call is answered. Gives those who had joined it.
    pub(crate) fn end(&mut self, call: CallId) -> Vec<Caller> {
        let known = self.known.as_mut();
        known.map_or_else(Vec::new, |known| known.end(call))
    }

    /// Those who have joined a call, which they are not to wait for any more.
    fn leave(&mut self, call: CallId) -> Vec<Caller> {
        let running = self.known.as_mut();
        let running = running.and_then(|known| known.running.get_mut(&call));
        running.map_or_else(Vec::new, |running| std::mem::take(&mut running.joined))
    }

    /// Gives up all calls. Gives those who had joined them.
    pub(crate) fn take_joined(&mut self) -> Vec<Caller> {
        let known = self.known.as_mut();
        known.map_or_else(Vec::new, |known| known.take_joined())
    }

    /// The caller of a call is gone. `false` if the call is to be told at once.
    pub(crate) fn orphaned(&mut self, call: CallId, now: Instant) -> bool {
        let known = self.known.as_mut();
        known.is_some_and(|known| known.orphaned(call, now))
    }

    /// When a call without a caller is told so.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let orphan = self.known.as_ref()?.orphans.front();
        orphan.map(|&(at, _)| at)
    }

    /// The calls for which nobody has come back in time.
    pub(crate) fn abandoned(&mut self, now: Instant) -> Vec<CallId> {
        let known = self.known.as_mut();
        known.map_or_else(Vec::new, |known| known.abandoned(now))
    }

    /// The call that an action of a client has joined.
    pub(crate) fn by_joined(&self, conn: ConnKey, id: u64) -> Option<CallId> {
        self.known.as_ref()?.by_joined(conn, id)
    }

    /// All calls, in the order in which they began.
    fn calls(&self) -> Vec<CallId> {
        let running = self.known.iter().flat_map(|known| known.running.keys());
        running.copied().collect()
    }
}

impl Known {
    /// Gives back the room that nothing is in. A tree keeps room for its first entries when it has none.
    fn trim(&mut self) {
        self.stored.trim();
        self.recent.trim();
        self.orphans.shrink_to_fit();
        if self.running.is_empty() {
            self.running = BTreeMap::new();
            self.ids = OnceIndex::default();
            self.unstored = BTreeSet::new();
        }
    }

    /// Whether nothing is known that anybody could ask for.
    fn is_forgettable(&self) -> bool {
        self.running.is_empty()
            && self.orphans.is_empty()
            && self.recent.is_empty()
            && self.stored.is_pristine()
    }

    fn judge(
        &self,
        limits: &CallRecordLimits,
        call: &OnceCall,
        digest: u64,
        now_ms: i64,
    ) -> Verdict {
        let running = self.ids.get(&call.id);
        if let Some(running) = running.and_then(|call| self.running.get(call)) {
            return match running.progress {
                _ if running.digest != digest => Verdict::Refused(ActorError::call_mismatch()),
                Progress::Streams { .. } => Verdict::Refused(ActorError::call_interrupted()),
                _ => Verdict::Join,
            };
        }
        let known = self.stored.find(&call.id);
        if let Some((known, answer)) = known.or_else(|| self.recent.find(&call.id)) {
            return match answer {
                _ if known != digest => Verdict::Refused(ActorError::call_mismatch()),
                Answer::Begun => Verdict::Refused(ActorError::call_interrupted()),
                Answer::TooLarge => Verdict::Refused(ActorError::call_expired()),
                Answer::Given(result) => Verdict::Answered(result.clone()),
            };
        }
        if self.stored.is_over(&call.id) || self.recent.is_over(&call.id) {
            return Verdict::Refused(ActorError::call_expired());
        }
        let waited_ms = i64::try_from(call.waited_ms).unwrap_or(i64::MAX);
        let made_ms = now_ms.saturating_sub(waited_ms);
        let is_repeat = waited_ms > 0;
        if is_repeat && (limits.count == 0 || self.stored.may_have_forgotten(made_ms)) {
            return Verdict::Refused(ActorError::call_expired());
        }
        Verdict::Run
    }

    fn started(&mut self, call: CallId, once: OnceCall, digest: u64) {
        self.ids.insert(&once.id, call);
        let running = Running {
            digest,
            joined: Vec::new(),
            progress: Progress::Young,
            is_orphan: false,
            once,
        };
        self.running.insert(call, running);
    }

    fn settle(
        &mut self,
        limits: &CallRecordLimits,
        outputs: &[Output],
        changes: bool,
        now_ms: i64,
        out: &mut Vec<u8>,
    ) {
        for output in outputs {
            match output {
                Output::GoesOn { call } => self.progress(*call, Progress::Young, Progress::GoesOn),
                Output::Reply { call, result } => {
                    self.answered(limits, *call, result, changes, now_ms, out)
                }
                Output::Stream { call, part } if *part == StreamPart::Start => {
                    let begun = Progress::Streams { begun: true };
                    self.progress(*call, Progress::Begun, begun);
                    let fresh = Progress::Streams { begun: false };
                    self.progress(*call, Progress::Young, fresh);
                    self.progress(*call, Progress::GoesOn, fresh);
                }
                _ => {}
            }
        }
        if changes && limits.count > 0 {
            self.begun(limits, now_ms, out);
        }
    }

    fn progress(&mut self, call: CallId, from: Progress, to: Progress) {
        if let Some(running) = self.running.get_mut(&call)
            && running.progress == from
        {
            running.progress = to;
            if matches!(to, Progress::GoesOn | Progress::Streams { begun: false }) {
                self.unstored.insert(call);
            }
        }
    }

    fn answered(
        &mut self,
        limits: &CallRecordLimits,
        call: CallId,
        result: &Result<Bytes, ActorError>,
        changes: bool,
        now_ms: i64,
        out: &mut Vec<u8>,
    ) {
        let Some(running) = self.running.get_mut(&call) else {
            return;
        };
        let before = std::mem::replace(&mut running.progress, Progress::Answered);
        let is_stored = match before {
            Progress::Begun => true,
            Progress::Young | Progress::GoesOn => changes,
            // Nobody can have what was streamed again.
            Progress::Streams { .. } | Progress::Answered => return,
        };
        if limits.count == 0 {
            return;
        }
        let (once, digest) = (&running.once, running.digest);
        // Copied, or a small answer would keep the whole batch in memory that it came in.
        let kept = || match result {
            Ok(value) => Answer::Given(Ok(Bytes::copy_from_slice(value))),
            Err(error) => Answer::Given(Err(error.clone())),
        };
        if is_stored {
            self.stored
                .keep(once, digest, kept(), now_ms, limits, Some(out));
        } else if result
            .as_ref()
            .is_ok_and(|value| value.len() <= RECENT_ANSWER)
        {
            let limits = CallRecordLimits {
                size: limits.size / RECENT_SHARE,
                ..*limits
            };
            self.recent
                .keep(once, digest, kept(), now_ms, &limits, None);
        }
    }

    /// Notes of all calls that go on beyond a turn which stores something that they have begun.
    fn begun(&mut self, limits: &CallRecordLimits, now_ms: i64, out: &mut Vec<u8>) {
        for call in std::mem::take(&mut self.unstored) {
            let Some(running) = self.running.get_mut(&call) else {
                continue;
            };
            running.progress = match running.progress {
                Progress::GoesOn => Progress::Begun,
                Progress::Streams { begun: false } => Progress::Streams { begun: true },
                Progress::Young
                | Progress::Begun
                | Progress::Streams { begun: true }
                | Progress::Answered => continue,
            };
            let (once, digest) = (&running.once, running.digest);
            self.stored
                .keep(once, digest, Answer::Begun, now_ms, limits, Some(out));
        }
    }

    fn end(&mut self, call: CallId) -> Vec<Caller> {
        let Some(running) = self.running.remove(&call) else {
            return Vec::new();
        };
        self.ids.remove(&running.once.id);
        self.unstored.remove(&call);
        running.joined
    }

    fn take_joined(&mut self) -> Vec<Caller> {
        self.ids.clear();
        self.unstored.clear();
        self.orphans.clear();
        let running = std::mem::take(&mut self.running).into_values();
        running.flat_map(|running| running.joined).collect()
    }

    fn orphaned(&mut self, call: CallId, now: Instant) -> bool {
        let Some(running) = self.running.get_mut(&call) else {
            return false;
        };
        if matches!(running.progress, Progress::Streams { .. }) {
            return false;
        }
        if running.joined.is_empty() && !running.is_orphan {
            running.is_orphan = true;
            self.orphans.push_back((now + limits::CALLER_RETURN, call));
        }
        true
    }

    fn abandoned(&mut self, now: Instant) -> Vec<CallId> {
        let mut abandoned = Vec::new();
        while let Some(&(at, call)) = self.orphans.front()
            && at <= now
        {
            self.orphans.pop_front();
            if let Some(running) = self.running.get_mut(&call)
                && std::mem::take(&mut running.is_orphan)
            {
                abandoned.push(call);
            }
        }
        abandoned
    }

    fn by_joined(&self, conn: ConnKey, id: u64) -> Option<CallId> {
        let wanted = (conn, id);
        let is_it =
            |caller: &Caller| matches!(caller, Caller::Conn { conn, id } if (*conn, *id) == wanted);
        let mut running = self.running.iter();
        let found = running.find(|(_, running)| running.joined.iter().any(is_it));
        found.map(|(&call, _)| call)
    }
}

/// What the client of a connection says of its calls that run once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnCaller {
    caller: CallerId,
    next: u64,
    /// When its first call below `next` was made.
    made: Instant,
    first: u64,
}

impl ConnCaller {
    /// What `before` comes to by a word of the client.
    pub(crate) fn told(before: Option<Self>, word: OnceWord, now: Instant) -> Option<Self> {
        match word {
            OnceWord::Caller {
                caller,
                next,
                waited_ms,
            } => Some(Self {
                caller,
                next,
                made: now
                    .checked_sub(Duration::from_millis(waited_ms))
                    .unwrap_or(now),
                first: 0,
            }),
            OnceWord::Answered { first } => before.map(|before| Self {
                first: before.first.max(first),
                ..before
            }),
        }
    }

    /// Whose calls they are.
    pub(crate) fn caller(&self) -> CallerId {
        self.caller
    }

    /// How long ago the action `id` may have been called for the first time, in milliseconds.
    fn waited_ms(&self, id: u64) -> u64 {
        match id < self.next {
            true => u64::try_from(self.made.elapsed().as_millis()).map_or(u64::MAX, |ms| ms.max(1)),
            false => 0,
        }
    }

    /// The action `id` of a client that has said this, or has said nothing but a key.
    pub(crate) fn call(told: Option<&Self>, id: u64, key: Option<Box<str>>) -> Option<OnceCall> {
        let waited_ms = told.map_or(0, |told| told.waited_ms(id));
        if let Some(key) = key {
            return Some(OnceCall {
                id: OnceId::Key(key),
                first: 0,
                waited_ms,
            });
        }
        told.map(|told| OnceCall {
            id: OnceId::Numbered {
                caller: told.caller,
                number: id,
            },
            // A caller waits at least for the call that it makes.
            first: told.first.min(id),
            waited_ms,
        })
    }
}

impl ActorTask {
    /// Begins a call, unless it is one that is made again and need not run.
    pub(super) fn begin_once(
        &mut self,
        caller: Caller,
        once: OnceCall,
        digest: u64,
    ) -> Option<CallId> {
        let now_ms = self.shared.env.now_ms();
        let Phase::Live(live) = &mut self.phase else {
            return None;
        };
        if live.calls.is_full() {
            self.answer(caller, Err(ActorError::overloaded()));
            return None;
        }
        match live.once.judge(&once, digest, now_ms) {
            Verdict::Run => {
                let call = live.calls.begin(caller);
                live.once.started(call, once, digest);
                return Some(call);
            }
            Verdict::Join => {
                if let Some(running) = live.once.by_id(&once.id) {
                    running.is_orphan = false;
                    running.joined.push(caller);
                    live.calls.join();
                }
            }
            Verdict::Answered(result) => {
                // The commit that the answer is in may be under way.
                let last = live.journal.last();
                self.let_out(Release::Reply(caller, result), last);
            }
            Verdict::Refused(error) => self.answer(caller, Err(error)),
        }
        None
    }

    /// Tells those who have joined `call` what it came to.
    pub(super) fn answer_joined(
        &mut self,
        call: CallId,
        result: &Result<Bytes, ActorError>,
        after: u64,
    ) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        let joined = live.once.end(call);
        live.calls.unjoin(joined.len());
        for caller in joined {
            self.let_out(Release::Reply(caller, result.clone()), after);
        }
    }

    /// Those who have joined `call` cannot have its answer, or not in time.
    pub(super) fn refuse_joined(&mut self, call: CallId, error: &ActorError) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        let joined = live.once.leave(call);
        live.calls.unjoin(joined.len());
        for caller in joined {
            self.answer(caller, Err(error.clone()));
        }
    }

    /// The caller of `call` is gone, or just its connection. Tells the instance, at once or when nobody has come
    /// back.
    pub(super) fn caller_gone(&mut self, call: CallId) {
        if let Phase::Live(live) = &mut self.phase
            && !live.calls.is_given_up(call)
            && !live.once.orphaned(call, Instant::now())
        {
            self.shared
                .host
                .deliver(live.instance, HostEvent::Cancel(call));
        }
    }

    /// The caller of a call says that it does not wait any more, and that it will not come back: nobody is waited
    /// for. A call that waits for the actor to wake never runs. `false` if there is no such call.
    pub(super) fn give_up_once(&mut self, id: &OnceId) -> bool {
        let is_it = |message: &Message| {
            matches!(message, Message::Call { request, .. }
                if request.once.as_ref().is_some_and(|once| once.id == *id))
        };
        if let Some(index) = self.waiting.iter().position(is_it)
            && let Some(Message::Call { token, reply, .. }) = self.waiting.remove(index)
        {
            let caller = Caller::Stateless { token, reply };
            self.answer(caller, Err(ActorError::aborted()));
            return true;
        }
        let Phase::Live(live) = &mut self.phase else {
            return false;
        };
        let Some(call) = live.once.running(id) else {
            return false;
        };
        if let Some(running) = live.once.by_id(id) {
            running.is_orphan = false;
        }
        if live.calls.give_up(call) {
            self.shared
                .host
                .deliver(live.instance, HostEvent::Cancel(call));
        }
        true
    }

    /// A client says something of its calls that run once. Nothing that it asks over another connection, which it
    /// has left, runs behind that.
    pub(super) fn tell_once(&mut self, conn: ConnKey, word: OnceWord) {
        if let Some(left) = self.conns.tell_once(conn, word) {
            self.conns
                .send(left, ClientMessage::Close(CloseReason::Replaced));
            self.gone(left, None);
        }
    }

    /// A connection is gone, and with it the caller of its calls, who may come back for them, or not (`for_good`).
    pub(super) fn callers_gone(&mut self, conn: ConnKey, for_good: bool) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        // The last first: a call that waits for another must not begin because that one is given up.
        for call in live.once.calls().into_iter().rev() {
            let caller = live.calls.caller(call);
            if !matches!(caller, Some(Caller::Conn { conn: of, .. }) if *of == conn)
                || live.calls.is_given_up(call)
            {
                continue;
            }
            if !for_good {
                live.once.orphaned(call, Instant::now());
            } else if live.calls.give_up(call) {
                self.shared
                    .host
                    .deliver(live.instance, HostEvent::Cancel(call));
            }
        }
    }

    /// Tells the instance of calls for which nobody has come back.
    pub(super) fn give_up_orphans(&mut self, now: Instant) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        for call in live.once.abandoned(now) {
            self.shared
                .host
                .deliver(live.instance, HostEvent::Cancel(call));
        }
    }
}
