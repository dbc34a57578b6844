//! Who a connection is across the sockets that it is made of.
//!
//! A client that may come back is given a *proof* with its first connection: text that nobody can guess and that only
//! it knows. Whoever shows the proof is its successor: it gets what was sent to that connection alone, and takes its
//! place. The proof holds a part of the actor's id as well, so that one of an actor that was destroyed does not fit
//! the next actor of that key, whose events have other numbers.

use std::{fmt, hint::black_box};

use greenroom_types::ActorId;

/// Bytes of the actor's id that a proof repeats: the last of its random ones.
const ACTOR: usize = 8;
const SESSION: usize = 16;
/// A proof in hexadecimal digits.
const PROOF_TEXT: usize = 2 * (ACTOR + SESSION);

/// Identifies a connection across reconnects, and cannot be guessed.
#[derive(Clone, Copy)]
pub struct Session([u8; SESSION]);

impl Session {
    /// The session with exactly these bytes: random ones, or as read back from a journal.
    pub fn from_bytes(bytes: [u8; SESSION]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; SESSION] {
        &self.0
    }

    /// What its client shows when it comes back to `actor`.
    pub(crate) fn proof(self, actor: ActorId) -> String {
        let (_, actor) = actor.as_bytes().split_at(16 - ACTOR);
        let bytes = actor.iter().chain(&self.0);
        bytes.map(|byte| format!("{byte:02x}")).collect()
    }
}

impl PartialEq for Session {
    /// In a time that says nothing about how much is the same: clients may claim any session.
    fn eq(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        pairs.fold(0, |found, (a, b)| black_box(found | (a ^ b))) == 0
    }
}

impl Eq for Session {}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(…)")
    }
}

/// What a client says that comes back: who it was, and the last event that it knows of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResumeClaim {
    actor: [u8; ACTOR],
    session: Session,
    last: u64,
}

impl ResumeClaim {
    /// Reads `{proof}.{number}`. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        // A number has at most 20 digits.
        let (proof, last) = text
            .split_once('.')
            .filter(|_| text.len() <= PROOF_TEXT + 21)?;
        let is_number = !last.is_empty() && last.bytes().all(|digit| digit.is_ascii_digit());
        let last = last.parse().ok().filter(|_| is_number)?;
        if proof.len() != PROOF_TEXT || !proof.is_ascii() {
            return None;
        }
        let mut bytes = [0; ACTOR + SESSION];
        for (byte, digits) in bytes.iter_mut().zip(proof.as_bytes().chunks(2)) {
            let digits = str::from_utf8(digits).ok()?;
            *byte = u8::from_str_radix(digits, 16)
                .ok()
                .filter(|_| !digits.starts_with('+'))?;
        }
        let (actor, session) = bytes.split_at(ACTOR);
        Some(Self {
            actor: actor.try_into().ok()?,
            session: Session(session.try_into().ok()?),
            last,
        })
    }

    /// The last event that the client knows of.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// The session and the last number, if the claim is one on `actor`.
    pub(crate) fn of(&self, actor: ActorId) -> Option<(Session, u64)> {
        let (_, tail) = actor.as_bytes().split_at(16 - ACTOR);
        (self.actor == tail).then_some((self.session, self.last))
    }
}

/// What a client that connects wants with the events that it may have missed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Resuming {
    /// Nothing: it could not come back to them.
    #[default]
    Never,
    /// It may come back later, or does so now, and says in a moment what it had subscribed to
    /// ([`Connection::resume`](crate::Connection::resume)). Until then, whoever comes back hears no event.
    Later(Option<ResumeClaim>),
}

#[cfg(test)]
mod tests {
    use greenroom_types::ShardId;

    use super::*;

    fn actor(fill: u8) -> ActorId {
        ActorId::new(ShardId::new(7), [fill; 13])
    }

    #[test]
    fn a_proof_is_of_one_session_with_one_actor() {
        let session = Session([0xa5; SESSION]);
        let text = format!("{}.18446744073709551615", session.proof(actor(1)));
        let claim = ResumeClaim::parse(&text).expect("it is one");
        assert_eq!(claim.of(actor(1)), Some((session, u64::MAX)));
        assert_eq!(claim.of(actor(2)), None);
        assert_eq!(format!("{claim:?}").matches("a5").count(), 0);
    }

    #[test]
    fn whatever_is_no_claim_is_refused() {
        let proof = Session([1; SESSION]).proof(actor(1));
        for text in [
            "",
            ".",
            "3",
            &proof,
            &format!("{proof}."),
            &format!("{proof}.-1"),
            &format!("{proof}.+1"),
            &format!("{proof}.1.2"),
            &format!("{proof}.18446744073709551616"),
            &format!("{proof}.{}", "0".repeat(4000)),
            &format!("{}.1", &proof[1..]),
            &format!("{}g.1", &proof[1..]),
            &format!("+{}.1", &proof[1..]),
            &format!("{}é.1", &proof[2..]),
            &format!("{proof}00.1"),
        ] {
            assert_eq!(ResumeClaim::parse(text), None, "{text}");
        }
    }
}
