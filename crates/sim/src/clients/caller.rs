//! A client without a connection: it asks for one thing after the other, or for several at once, and sometimes
//! does not wait for the answer.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{Link, Repeater};
use crate::{
    book::Book,
    history::{Kind, Outcome},
    rng::Rng,
};

/// How long a client waits for an answer that may have got lost on its way.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// What the world wants of its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Will {
    /// Work.
    Chaos,
    /// Begin nothing any more.
    Quiet,
    /// Look at every actor, and get an answer.
    Final,
}

/// See the top of the file.
pub(crate) struct Caller {
    pub(crate) name: String,
    pub(crate) book: Book,
    pub(crate) link: Link,
    /// Makes its calls again until they are answered, if it does.
    pub(crate) repeater: Option<Repeater>,
    pub(crate) keys: Vec<String>,
    pub(crate) rng: Rng,
    /// Whether it waits for each answer, and leaves alarms alone.
    pub(crate) is_calm: bool,
    /// Alarms that it has set.
    pub(crate) alarms: Vec<(String, String)>,
}

impl Caller {
    /// Works until it is told to stop, or has had enough.
    pub(crate) async fn run(mut self, operations: u64, will: watch::Receiver<Will>) {
        let mut left = operations;
        while left > 0 && *will.borrow() == Will::Chaos {
            let burst = match self.rng.chance(25) {
                true if !self.is_calm => self.rng.between(2, 6),
                _ => 1,
            };
            left = left.saturating_sub(burst);
            let wishes: Vec<_> = (0..burst).map(|_| self.next_wish()).collect();
            join_all(
                wishes
                    .into_iter()
                    .map(|(key, kind, patience)| self.ask(key, kind, patience)),
            )
            .await;
            sleep(self.rng.pause(0, 1_000)).await;
        }
        self.book.pages().retired += 1;
    }

    /// Reads every actor, again and again until it answers.
    pub(crate) async fn finish(self) {
        for key in &self.keys {
            loop {
                if self.ask(key.clone(), Kind::Read, None).await {
                    break;
                }
                sleep(Duration::from_millis(200)).await;
            }
        }
    }

    /// Asks for something, and says whether it has happened for certain.
    async fn ask(&self, key: String, kind: Kind, patience: Option<Duration>) -> bool {
        let pending = self.book.begin(&self.name, &key, kind.clone());
        let is_call = !matches!(kind, Kind::Publish { .. } | Kind::Destroy);
        let outcome = match &self.repeater {
            Some(repeater) if is_call => repeater.act(&key, &kind).await,
            _ => {
                let act = self.link.act(&key, &kind);
                match patience.or(self.link.loses().then_some(PATIENCE)) {
                    None => act.await,
                    Some(patience) => timeout(patience, act)
                        .await
                        .unwrap_or_else(|_| Outcome::Unknown("gave up".to_owned())),
                }
            }
        };
        let is_done = matches!(outcome, Outcome::Done(..));
        pending.end(outcome);
        is_done
    }

    fn next_wish(&mut self) -> (String, Kind, Option<Duration>) {
        loop {
            let (key, kind, patience) = self.wish();
            let takes_time = matches!(
                kind,
                Kind::Schedule(..) | Kind::Cancel(_) | Kind::Publish { wait: false, .. }
            );
            match self.is_calm {
                true if takes_time => {}
                true => return (key, kind, None),
                false => return (key, kind, patience),
            }
        }
    }

    /// What it wants next, of whom, and how long it waits for that.
    fn wish(&mut self) -> (String, Kind, Option<Duration>) {
        let rng = &mut self.rng;
        let key = self.keys[rng.below(self.keys.len() as u64) as usize].clone();
        let book = &self.book;
        let kind = match rng.below(100) {
            0..30 => Kind::Append(book.new_entry('a')),
            30..45 => Kind::Read,
            45..56 => Kind::Loose(book.new_entry('l')),
            56..59 => Kind::Faint(book.new_entry('f')),
            59..63 => Kind::Save,
            63..75 => {
                let alarm = book.new_entry('s');
                self.alarms.push((key.clone(), alarm.clone()));
                Kind::Schedule(alarm, rng.pick(&[0, 1, 80, 700, 3_000]))
            }
            75..82 if !self.alarms.is_empty() => {
                let index = rng.below(self.alarms.len() as u64) as usize;
                let (key, alarm) = self.alarms.remove(index);
                return (key, Kind::Cancel(alarm), None);
            }
            75..96 => Kind::Publish {
                entry: book.new_entry('q'),
                resumes: rng.chance(40),
                wait: rng.chance(40),
            },
            96..99 => Kind::Sleep,
            _ => Kind::Destroy,
        };
        let patience = rng.chance(10).then(|| rng.pause(0, 200));
        (key, kind, patience)
    }
}
