//! A client with a connection: it hears the news or not, calls actions, reads slowly at times, leaves and
//! comes back, some of them to go on where they were.

use std::collections::BTreeMap;

use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{Link, Will, caller::PATIENCE, far::Bookmark, link::LinkConn, outcome};
use crate::{
    book::{Book, Pending},
    history::{Heard, Kind},
    rng::Rng,
};

/// See the top of the file.
pub(crate) struct Talker {
    pub(crate) name: String,
    pub(crate) book: Book,
    pub(crate) link: Link,
    pub(crate) keys: Vec<String>,
    pub(crate) rng: Rng,
}

/// One connection, and what its client knows.
struct Talk<'a> {
    book: &'a Book,
    name: &'a str,
    key: &'a str,
    number: usize,
    conn: LinkConn,
    actor: Option<greenroom_types::ActorId>,
    last_id: u64,
    waiting: BTreeMap<u64, Pending>,
    /// Whether it wants the news.
    wish: bool,
    /// Whether it may come back.
    returns: bool,
}

/// What a client goes on with.
struct Before {
    key: String,
    number: usize,
    bookmark: Bookmark,
    wish: bool,
}

impl Talker {
    /// Connects again and again until it is told to stop.
    pub(crate) async fn run(mut self, will: watch::Receiver<Will>) {
        let mut connections = 8;
        let returns = self.rng.chance(60);
        let mut before: Option<Before> = None;
        while *will.borrow() == Will::Chaos && connections > 0 {
            connections -= 1;
            let any = self.keys[self.rng.below(self.keys.len() as u64) as usize].clone();
            let key = before.as_ref().map_or(any, |before| before.key.clone());
            let bookmark = before.as_ref().map(|before| before.bookmark.clone());
            let connect = self.link.connect(&key, returns, bookmark);
            if let Ok(Ok(conn)) = timeout(PATIENCE, connect).await {
                let last = before.take();
                let number = last.as_ref().map(|before| before.number);
                let mut talk = Talk {
                    book: &self.book,
                    name: &self.name,
                    key: &key,
                    number: self.book.connect(&self.name, &key, number),
                    conn,
                    actor: None,
                    last_id: 0,
                    waiting: BTreeMap::new(),
                    returns,
                    wish: last.as_ref().is_some_and(|before| before.wish),
                };
                talk.run(last.is_some(), &mut self.rng, &will).await;
                let (number, wish) = (talk.number, talk.wish);
                // Most go on, some begin anew.
                before = talk
                    .conn
                    .bookmark()
                    .filter(|_| self.rng.chance(85))
                    .map(|bookmark| Before {
                        key: key.clone(),
                        number,
                        bookmark,
                        wish,
                    });
            }
            sleep(self.rng.pause(0, 500)).await;
        }
    }
}

impl Talk<'_> {
    async fn run(&mut self, is_back: bool, rng: &mut Rng, will: &watch::Receiver<Will>) {
        let mut steps = rng.between(3, 25);
        // Whoever comes back mostly waits for what it missed.
        let mut is_open =
            !is_back || (self.go_on().await && self.listen(rng.pause(0, 2_000)).await);
        let changes = if self.returns { 12 } else { 30 };
        while is_open && steps > 0 && *will.borrow() == Will::Chaos {
            steps -= 1;
            let sent = match rng.below(100) {
                dice if dice < changes => self.subscribe(rng.chance(65)).await,
                0..75 => self.act(Kind::Append(self.book.new_entry('a'))).await,
                75..90 => self.act(Kind::Read).await,
                _ => {
                    // It does not read for a while.
                    sleep(rng.pause(10, 800)).await;
                    true
                }
            };
            is_open = sent && self.listen(rng.pause(0, 400)).await;
        }
        // What is on its way is heard if it comes soon.
        self.listen(rng.pause(0, 300)).await;
        self.book
            .hear(self.number, Heard::Closed("by the client".to_owned()));
    }

    /// Says whether it wants the news, and asks for something behind that, so that it knows when.
    async fn subscribe(&mut self, on: bool) -> bool {
        let sent = timeout(PATIENCE, self.conn.subscribe(on)).await;
        if !matches!(sent, Ok(Ok(()))) {
            return false;
        }
        self.wish = on;
        let id = self.last_id + 1;
        self.book.hear(self.number, Heard::Asked { on, id });
        self.act(Kind::Read).await
    }

    /// Says what it had wanted when it comes back, and asks for something behind that.
    async fn go_on(&mut self) -> bool {
        let said = timeout(PATIENCE, self.conn.go_on(self.wish)).await;
        if !matches!(said, Ok(Ok(()))) {
            return false;
        }
        let (on, id) = (self.wish, self.last_id + 1);
        self.book.hear(self.number, Heard::Back { on, id });
        self.act(Kind::Read).await
    }

    async fn act(&mut self, kind: Kind) -> bool {
        self.last_id += 1;
        let pending = self.book.begin(self.name, self.key, kind.clone());
        self.waiting.insert(self.last_id, pending);
        let sent = timeout(PATIENCE, self.conn.act(self.last_id, &kind)).await;
        matches!(sent, Ok(Ok(())))
    }

    /// Hears what comes within this time. `false` at the end of the connection.
    async fn listen(&mut self, time: std::time::Duration) -> bool {
        let listening = async {
            while let Some(heard) = self.conn.next().await {
                let is_end = matches!(heard, Heard::Closed(_));
                let (actor, waiting) = (&mut self.actor, &mut self.waiting);
                let mut answered = |id: &u64, answer| {
                    if let (Some(pending), Some(actor)) = (waiting.remove(id), *actor) {
                        pending.end(outcome(actor, answer));
                    }
                };
                match &heard {
                    Heard::Init(id) => *actor = Some(*id),
                    Heard::Answer(id, view) => answered(id, Ok(view.to_string())),
                    Heard::Failed(id, error) => answered(id, Err(error.clone())),
                    Heard::Asked { .. }
                    | Heard::Back { .. }
                    | Heard::Event(_)
                    | Heard::Resync(..)
                    | Heard::Closed(_) => {}
                }
                self.book.hear(self.number, heard);
                if is_end {
                    return;
                }
            }
        };
        timeout(time, listening).await.is_err()
    }
}
