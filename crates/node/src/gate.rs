//! The gatekeeper in JavaScript: questions go out with the events, answers come with the turns.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use greenroom_core::Lane;
use greenroom_server::{AccessRequest, Gatekeeper, Verdict};
use greenroom_types::ActorError;
use tokio::sync::oneshot;

use crate::{batch::Answer, seats::Seats};

/// Most questions that JavaScript has not answered, those that nobody waits for any more included.
const UNANSWERED: usize = 16_384;

/// The questions that wait for JavaScript.
#[derive(Default)]
pub(crate) struct Questions(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    /// Which thread has taken each, if one has, and where the answer goes. The channels of those that nobody waits
    /// for any more are closed.
    open: HashMap<u32, (Option<Lane>, oneshot::Sender<Answer>)>,
    last: u32,
    /// Nobody answers any more.
    is_closed: bool,
}

impl Questions {
    /// A new question. `None` when there are too many, or nobody answers.
    fn begin(&self) -> Option<(u32, oneshot::Receiver<Answer>)> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_closed || waiting.open.len() >= UNANSWERED {
            return None;
        }
        loop {
            waiting.last = waiting.last.wrapping_add(1);
            if !waiting.open.contains_key(&waiting.last) {
                break;
            }
        }
        let question = waiting.last;
        let (sender, receiver) = oneshot::channel();
        waiting.open.insert(question, (None, sender));
        Some((question, receiver))
    }

    /// A thread takes some of them, to answer them.
    pub(crate) fn taken(&self, lane: Lane, questions: impl Iterator<Item = u32>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for question in questions {
            if let Some((by, _)) = waiting.open.get_mut(&question) {
                *by = Some(lane);
            }
        }
    }

    /// Passes an answer on. One to a question that was never asked is ignored.
    pub(crate) fn answer(&self, question: u32, answer: Answer) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, asker)) = waiting.open.remove(&question) {
            // Fails when the visitor has left.
            let _ = asker.send(answer);
        }
    }

    /// A thread is gone: whoever waits for its answers is told so.
    pub(crate) fn lost(&self, lane: Lane) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.open.retain(|_, (by, _)| *by != Some(lane));
    }

    /// What somebody is told whose question was dropped.
    fn unanswered(&self) -> ActorError {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_closed {
            ActorError::stopping()
        } else {
            ActorError::restarting()
        }
    }

    /// Nobody answers any more: whoever waits is told so.
    pub(crate) fn close(&self) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.is_closed = true;
        waiting.open.clear();
    }
}

/// Asks JavaScript, whichever thread has time.
pub(crate) struct JsGatekeeper {
    pub(crate) seats: Arc<Seats>,
    pub(crate) questions: Arc<Questions>,
    /// Time that JavaScript has to answer. It counts that itself, unless it is blocked; `None` for no limit.
    pub(crate) patience: Option<Duration>,
}

impl fmt::Debug for JsGatekeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsGatekeeper")
    }
}

impl Gatekeeper for JsGatekeeper {
    fn decide(&self, request: AccessRequest) -> Verdict {
        let Some((question, answer)) = self.questions.begin() else {
            return Box::pin(std::future::ready(Err(overloaded())));
        };
        self.seats.ask(question, &request);
        let questions = Arc::clone(&self.questions);
        let answered = async move { answer.await.unwrap_or_else(|_| Err(questions.unanswered())) };
        match self.patience {
            Some(patience) => Box::pin(async move {
                let in_time = tokio::time::timeout(patience, answered).await;
                in_time.unwrap_or_else(|_| Err(ActorError::action_timed_out_blocked()))
            }),
            None => Box::pin(answered),
        }
    }
}

fn overloaded() -> ActorError {
    let mut error = ActorError::overloaded();
    error.message = "too many requests wait for `onAuth`: retry later".to_owned();
    error
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn answers_reach_those_who_asked() {
        let questions = Questions::default();
        let (first, mut first_answer) = questions.begin().expect("there is room");
        let (second, second_answer) = questions.begin().expect("there is room");
        assert_ne!(first, second);
        drop(second_answer);
        questions.answer(second, Ok(None));
        questions.answer(4711, Ok(None));
        assert!(first_answer.try_recv().is_err());
        questions.answer(first, Ok(Some(Bytes::from_static(b"a"))));
        let answer = first_answer.try_recv().expect("answered");
        assert_eq!(answer, Ok(Some(Bytes::from_static(b"a"))));
    }

    #[test]
    fn questions_are_bounded_until_they_are_answered() {
        let questions = Questions::default();
        let all: Vec<_> = (0..UNANSWERED).map_while(|_| questions.begin()).collect();
        assert_eq!(all.len(), UNANSWERED);
        assert!(questions.begin().is_none());
        let first = all[0].0;
        drop(all);
        assert!(
            questions.begin().is_none(),
            "JavaScript still works on them"
        );
        questions.answer(first, Ok(None));
        assert!(questions.begin().is_some());
    }

    #[test]
    fn nobody_waits_for_a_thread_that_is_gone() {
        let questions = Questions::default();
        let (lost, mut gone) = questions.begin().expect("there is room");
        let (other, mut answer) = questions.begin().expect("there is room");
        let (free, mut open) = questions.begin().expect("there is room");
        questions.taken(Lane(1), [lost].into_iter());
        questions.taken(Lane(2), [other].into_iter());
        questions.lost(Lane(1));
        assert_eq!(gone.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert_eq!(questions.unanswered(), ActorError::restarting());
        questions.answer(other, Ok(None));
        assert_eq!(answer.try_recv(), Ok(Ok(None)));
        questions.answer(free, Ok(None));
        assert_eq!(open.try_recv(), Ok(Ok(None)), "nobody had taken it");
        questions.close();
        assert_eq!(questions.unanswered(), ActorError::stopping());
    }

    #[test]
    fn nobody_waits_after_the_end() {
        let questions = Questions::default();
        let (_, mut answer) = questions.begin().expect("there is room");
        questions.close();
        assert_eq!(answer.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert!(questions.begin().is_none());
    }
}
