//! What is made of looks at JavaScript's thread: whether it is blocked, since when, and by whom. Time and
//! looks come in, so that it can be tested.

use std::time::Duration;

use greenroom_core::Instance;

use super::desk::{Desk, Piece, Stage};

/// When JavaScript last came by, as its own thread has noted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Answer {
    /// How often it came by.
    pub(crate) count: u64,
    /// When it last did.
    pub(crate) at: Duration,
    /// How many pieces of work had begun by then.
    pub(crate) seq: u32,
}

/// Whom a block is blamed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// It is in this piece of work and does not return from it.
    Certain(Piece),
    /// It is in something that only this actor has set off.
    Likely(Piece),
    /// It is in something that one of these has set off; if there are none, in code of its own.
    Unknown(Vec<Piece>),
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// The thread came by so long after it was asked to.
    Lag(Duration),
    /// It has not come by for so long, and is blocked.
    Blocked(Blame, Duration),
    /// It is still blocked.
    StillBlocked(Blame, Duration),
    /// It has not come by for so long, but it has begun one piece of work after the other.
    Behind(Duration),
    /// A block is over: it lasted so long.
    Unblocked(Blame, Duration),
}

/// Between two reports of one block. The first comes after four times the threshold; each pause is four
/// times as long as the one before, up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// See the top of the file.
#[derive(Debug)]
pub(crate) struct Sight {
    threshold: Duration,
    /// When it was asked to come by, and how often it had by then.
    asked: Option<(Duration, u64)>,
    /// The newest piece of work, and when it was first seen.
    newest: (u32, Duration),
    block: Option<Block>,
    is_behind: bool,
}

#[derive(Debug)]
struct Block {
    blame: Blame,
    next_report: Duration,
}

impl Sight {
    /// Takes a thread for blocked that is in one piece of code for `threshold`.
    pub(crate) fn new(threshold: Duration) -> Self {
        Self {
            threshold,
            asked: None,
            newest: (0, Duration::ZERO),
            block: None,
            is_behind: false,
        }
    }

    /// How long to wait between two looks.
    pub(crate) fn pause(&self) -> Duration {
        (self.threshold / 4).clamp(Duration::from_millis(5), Duration::from_millis(50))
    }

    /// Whether the thread was asked to come by and has not.
    pub(crate) fn is_waiting(&self) -> bool {
        self.asked.is_some()
    }

    /// Notes that it was asked to come by.
    pub(crate) fn ask(&mut self, now: Duration, answer: Answer) {
        self.asked = Some((now, answer.count));
    }

    /// How long the thread is blocked at this moment.
    pub(crate) fn blocked_for(&self, now: Duration) -> Option<Duration> {
        let (at, _) = self.asked?;
        self.block.as_ref().map(|_| now.saturating_sub(at))
    }

    /// Looks once.
    pub(crate) fn look(&mut self, now: Duration, answer: Answer, desk: &Desk) -> Vec<News> {
        let seq = desk.seq();
        if self.newest.0 != seq {
            self.newest = (seq, now);
        }
        let Some((asked, before)) = self.asked else {
            return Vec::new();
        };
        if answer.count != before {
            return self.answered(answer.at.saturating_sub(asked), desk);
        }
        let waited = now.saturating_sub(asked);
        if waited < self.threshold {
            return Vec::new();
        }
        // Pieces are noted when they are seen, so one that has just been seen may be a little older.
        let in_one_piece = now.saturating_sub(self.newest.1.max(asked)) + self.pause();
        let news = match &mut self.block {
            Some(block) if waited >= block.next_report => {
                let pause = (block.next_report * 3).min(LONGEST_PAUSE);
                block.next_report = waited + pause;
                Some(News::StillBlocked(block.blame.clone(), waited))
            }
            Some(_) => None,
            None if in_one_piece >= self.threshold => {
                let blame = blame(desk, answer.seq);
                self.block = Some(Block {
                    blame: blame.clone(),
                    next_report: waited.max(self.threshold) * 4,
                });
                desk.raise_alarm();
                Some(News::Blocked(blame, waited))
            }
            None if waited >= self.threshold * 4 && !self.is_behind => {
                self.is_behind = true;
                Some(News::Behind(waited))
            }
            None => None,
        };
        news.into_iter().collect()
    }

    fn answered(&mut self, lag: Duration, desk: &Desk) -> Vec<News> {
        self.asked = None;
        self.is_behind = false;
        let mut news = vec![News::Lag(lag)];
        if let Some(block) = self.block.take() {
            let ended = desk.end_alarm();
            let blame = match (block.blame, ended) {
                (Blame::Unknown(_), Some(piece)) => Blame::Likely(piece),
                // The same actor, but perhaps another of its calls.
                (Blame::Likely(before), Some(piece)) if piece.instance == before.instance => {
                    Blame::Likely(piece)
                }
                (blame, _) => blame,
            };
            news.push(News::Unblocked(blame, lag));
        }
        news
    }
}

/// Who it is, as far as can be seen. `came_by_at`: how many pieces had begun when the thread last came by.
fn blame(desk: &Desk, came_by_at: u32) -> Blame {
    let recent: Vec<Piece> = match desk.stage() {
        Stage::Within => {
            let piece = desk.piece(desk.seq());
            if piece.instance != Instance(0) {
                return Blame::Certain(piece);
            }
            return Blame::Unknown(vec![piece]);
        }
        Stage::After => desk.pieces_since(came_by_at),
        Stage::Outside => Vec::new(),
    };
    let mut suspects: Vec<Piece> = Vec::new();
    for piece in recent {
        if !suspects.contains(&piece) {
            suspects.push(piece);
        }
    }
    match suspects.as_slice() {
        [only, rest @ ..]
            if only.instance.0 != 0 && rest.iter().all(|p| p.instance == only.instance) =>
        {
            Blame::Likely(*only)
        }
        _ => Blame::Unknown(suspects),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THRESHOLD: u64 = 200;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn piece(instance: u32, label: u32) -> Piece {
        Piece {
            instance: Instance(instance),
            label,
        }
    }

    /// A thread that was asked to come by at 0 and has not yet.
    fn asked() -> (Sight, Desk, Answer) {
        let mut sight = Sight::new(ms(THRESHOLD));
        let answer = Answer::default();
        sight.ask(ms(0), answer);
        (sight, Desk::default(), answer)
    }

    fn look(sight: &mut Sight, now: u64, answer: Answer, desk: &Desk) -> Vec<News> {
        sight.look(ms(now), answer, desk)
    }

    #[test]
    fn whoever_does_not_return_is_named_while_it_lasts_and_when_it_is_over() {
        let (mut sight, desk, answer) = asked();
        desk.enter(7, 70);
        for now in [50, 100, 150] {
            assert_eq!(look(&mut sight, now, answer, &desk), []);
        }
        let blame = Blame::Certain(piece(7, 70));
        assert_eq!(
            look(&mut sight, 200, answer, &desk),
            [News::Blocked(blame.clone(), ms(200))]
        );
        assert_eq!(sight.blocked_for(ms(250)), Some(ms(250)));
        assert_eq!(look(&mut sight, 400, answer, &desk), []);
        assert_eq!(
            look(&mut sight, 800, answer, &desk),
            [News::StillBlocked(blame.clone(), ms(800))]
        );
        assert_eq!(look(&mut sight, 3150, answer, &desk), []);
        assert_eq!(
            look(&mut sight, 3200, answer, &desk),
            [News::StillBlocked(blame.clone(), ms(3200))]
        );
        let back = Answer {
            count: 1,
            at: ms(3300),
            seq: 1,
        };
        assert_eq!(
            look(&mut sight, 3350, back, &desk),
            [News::Lag(ms(3300)), News::Unblocked(blame, ms(3300))]
        );
        assert_eq!(sight.blocked_for(ms(3400)), None);
        assert!(!sight.is_waiting());
    }

    #[test]
    fn many_short_pieces_are_no_block_of_any_of_them() {
        let (mut sight, desk, answer) = asked();
        for now in 1..=15_u64 {
            desk.enter(u32::try_from(now).expect("it is small"), 70);
            assert_eq!(look(&mut sight, now * 50, answer, &desk), []);
        }
        desk.enter(99, 70);
        assert_eq!(
            look(&mut sight, 800, answer, &desk),
            [News::Behind(ms(800))]
        );
        desk.enter(100, 70);
        assert_eq!(look(&mut sight, 850, answer, &desk), []);
        // The last of them does not come to its end.
        assert_eq!(look(&mut sight, 950, answer, &desk), []);
        assert_eq!(
            look(&mut sight, 1000, answer, &desk),
            [News::Blocked(Blame::Certain(piece(100, 70)), ms(1000))]
        );
    }

    #[test]
    fn what_follows_a_batch_is_blamed_on_its_only_actor() {
        let (mut sight, desk, mut answer) = asked();
        desk.enter(3, 30);
        // It came by after that: the piece is none of what follows.
        answer.seq = 1;
        desk.enter(7, 70);
        desk.enter(7, 71);
        desk.set_stage(2);
        look(&mut sight, 10, answer, &desk);
        assert_eq!(
            look(&mut sight, 210, answer, &desk),
            [News::Blocked(Blame::Likely(piece(7, 71)), ms(210))]
        );
    }

    #[test]
    fn of_several_nobody_is_blamed_before_one_of_them_ends() {
        let (mut sight, desk, answer) = asked();
        desk.enter(7, 70);
        desk.enter(8, 80);
        desk.enter(7, 70);
        desk.set_stage(2);
        look(&mut sight, 10, answer, &desk);
        let suspects = vec![piece(7, 70), piece(8, 80)];
        assert_eq!(
            look(&mut sight, 210, answer, &desk),
            [News::Blocked(Blame::Unknown(suspects.clone()), ms(210))]
        );
        let back = Answer {
            count: 1,
            at: ms(300),
            seq: 3,
        };
        assert_eq!(
            look(&mut sight, 310, back, &desk),
            [
                News::Lag(ms(300)),
                News::Unblocked(Blame::Unknown(suspects), ms(300))
            ]
        );
    }

    #[test]
    fn code_of_nobody_is_blamed_on_nobody() {
        let (mut sight, desk, answer) = asked();
        desk.enter(7, 70);
        desk.set_stage(0);
        look(&mut sight, 10, answer, &desk);
        assert_eq!(
            look(&mut sight, 210, answer, &desk),
            [News::Blocked(Blame::Unknown(Vec::new()), ms(210))]
        );
    }
}
