//! One actor: a counter and a list of lines, and what its actions change.

use bytes::Bytes;
use greenroom_core::{Output, Turn, WhenSlow};
use greenroom_types::{
    ActorError,
    cbor::{self, Reader},
};

use crate::action::hash;

/// The length of the lines that `fill` makes.
const LINE: usize = 100;
/// More than any workload asks for.
const MAX_FILL: u64 = 100_000_000;
/// More than any workload asks for.
const MAX_ROUNDS: u64 = 10_000_000;
/// More than any workload asks for.
const MAX_PUBLISH: u64 = 10_000;

/// Opcodes of operations on the state; `greenroom_core::image` describes them.
const SET: u64 = 0;
const APPEND: u64 = 2;
const REPLACE_ROOT: u64 = 7;

/// The state, as the actor uses it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counter {
    count: u64,
    lines: Vec<String>,
}

/// What an action came to.
pub(super) type Outcome = Result<Bytes, ActorError>;

impl Counter {
    /// The state of an actor that was never here before, and the change that makes it.
    pub(super) fn create(turn: &mut Turn) -> Self {
        let mut change = Vec::new();
        cbor::put_array(&mut change, 2);
        cbor::put_uint(&mut change, REPLACE_ROOT);
        cbor::put_map(&mut change, 2);
        cbor::put_text(&mut change, "count");
        cbor::put_uint(&mut change, 0);
        cbor::put_text(&mut change, "lines");
        cbor::put_array(&mut change, 0);
        turn.changes = change.into();
        Self::default()
    }

    /// Reads what was stored.
    ///
    /// # Errors
    /// It is something else.
    pub(super) fn decode(state: &[u8]) -> Result<Self, cbor::CborError> {
        let mut counter = Self::default();
        let mut reader = Reader::new(state);
        let mut members = reader.map()?;
        while members.more(&mut reader)? {
            match reader.text()? {
                "count" => counter.count = reader.uint()?,
                _ => {
                    let mut lines = reader.array()?;
                    while lines.more(&mut reader)? {
                        counter.lines.push(reader.text()?.to_owned());
                    }
                }
            }
        }
        Ok(counter)
    }

    /// Runs an action: its changes and events go into the turn.
    pub(super) fn act(&mut self, name: &str, arguments: &[u8], turn: &mut Turn) -> Outcome {
        let mut arguments = Reader::new(arguments);
        arguments.array().map_err(bad_arguments)?;
        match name {
            "increment" => {
                let by = arguments.uint().map_err(bad_arguments)?;
                self.count = self.count.saturating_add(by);
                turn.changes = set_count(self.count);
                Ok(number(self.count))
            }
            "getCount" => Ok(number(self.count)),
            "append" => {
                let line = arguments.text().map_err(bad_arguments)?.to_owned();
                turn.changes = append_lines(std::slice::from_ref(&line));
                self.lines.push(line);
                Ok(number(self.lines.len() as u64))
            }
            "fill" => {
                let bytes = arguments.uint().map_err(bad_arguments)?.min(MAX_FILL);
                let present = self.lines.len();
                let lines = usize::try_from(bytes).unwrap_or(usize::MAX) / LINE;
                self.lines
                    .resize_with(lines.max(present), || "x".repeat(LINE));
                if lines > present {
                    turn.changes = append_lines(&self.lines[present..]);
                }
                Ok(number(self.lines.len() as u64))
            }
            "publish" => {
                let text = arguments.text().map_err(bad_arguments)?;
                let times = arguments.uint().map_err(bad_arguments)?.min(MAX_PUBLISH);
                let args = said(text);
                turn.outputs.extend((0..times).map(|_| Output::Event {
                    to: None,
                    name: "said".to_owned(),
                    args: args.clone(),
                    when_slow: WhenSlow::default(),
                }));
                Ok(number(times))
            }
            "compute" => {
                let rounds = arguments.uint().map_err(bad_arguments)?.min(MAX_ROUNDS);
                let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
                Ok(number(hash(rounds).into()))
            }
            "nap" => {
                turn.outputs.push(Output::Sleep);
                Ok(Bytes::from_static(b"\xf6"))
            }
            _ => Err(ActorError::action_not_found(name)),
        }
    }
}

fn bad_arguments(error: cbor::CborError) -> ActorError {
    ActorError::new("user", "bad_arguments", error.to_string())
}

fn number(value: u64) -> Bytes {
    let mut out = Vec::with_capacity(9);
    cbor::put_uint(&mut out, value);
    out.into()
}

fn said(text: &str) -> Bytes {
    let mut out = Vec::with_capacity(text.len() + 6);
    cbor::put_array(&mut out, 1);
    cbor::put_text(&mut out, text);
    out.into()
}

fn set_count(count: u64) -> Bytes {
    let mut out = Vec::with_capacity(24);
    cbor::put_array(&mut out, 4);
    cbor::put_uint(&mut out, SET);
    cbor::put_array(&mut out, 0);
    cbor::put_text(&mut out, "count");
    cbor::put_uint(&mut out, count);
    out.into()
}

fn append_lines(lines: &[String]) -> Bytes {
    let mut out = Vec::with_capacity(lines.len() * (LINE + 2) + 24);
    cbor::put_array(&mut out, 3);
    cbor::put_uint(&mut out, APPEND);
    cbor::put_array(&mut out, 1);
    cbor::put_text(&mut out, "lines");
    cbor::put_array(&mut out, lines.len());
    for line in lines {
        cbor::put_text(&mut out, line);
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use greenroom_core::{Turn, image::StateImage};

    use super::Counter;

    #[test]
    fn the_fold_of_its_changes_is_its_state() {
        let mut image = StateImage::empty();
        let mut turn = Turn::default();
        let mut counter = Counter::create(&mut turn);
        image.apply(&turn.changes).unwrap();
        let mut act = |name: &str, arguments: &[u8], answer: &[u8]| {
            let mut turn = Turn::default();
            let outcome = counter.act(name, arguments, &mut turn).unwrap();
            assert_eq!(&outcome[..], answer, "{name}");
            image.apply(&turn.changes).unwrap();
            turn.outputs.len()
        };
        assert_eq!(act("increment", b"\x81\x05", b"\x05"), 0);
        assert_eq!(act("append", b"\x81\x62hi", b"\x01"), 0);
        assert_eq!(act("fill", b"\x81\x19\x04\x00", b"\x0a"), 0);
        assert_eq!(act("fill", b"\x81\x01", b"\x0a"), 0);
        assert_eq!(act("publish", b"\x82\x62hi\x03", b"\x03"), 3);
        assert_eq!(act("compute", b"\x81\x01", b"\x1a\x05\x0c\x5d\x1f"), 0);
        assert_eq!(act("nap", b"\x80", b"\xf6"), 1);
        assert_eq!(act("getCount", b"\x80", b"\x05"), 0);
        let stored = image.encode().unwrap();
        assert_eq!(Counter::decode(&stored).unwrap(), counter);
        assert_eq!((counter.count, counter.lines.len()), (5, 10));
    }

    #[test]
    fn wrong_calls_are_refused_and_change_nothing() {
        let mut counter = Counter::default();
        for (name, arguments) in [
            ("increment", &b"\x80"[..]),
            ("append", b"\x81\x01"),
            ("increment", b"\x01"),
            ("increment", b""),
            ("absent", b"\x80"),
        ] {
            let mut turn = Turn::default();
            assert!(counter.act(name, arguments, &mut turn).is_err(), "{name}");
            assert!(turn.changes.is_empty(), "{name}");
        }
        assert_eq!(counter, Counter::default());
    }
}
