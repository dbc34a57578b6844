//! What an answer or an event says of an actor: how long its log is, and which one.

use std::fmt;

/// The identity of a list: its length, and a hash of all that is in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) len: usize,
    pub(crate) hash: u64,
}

impl Mark {
    /// The mark of the list with one entry more.
    #[must_use]
    pub(crate) fn and(self, entry: &str) -> Self {
        let mut hash = self.hash ^ 0xcbf2_9ce4_8422_2325;
        for byte in entry.bytes().chain([b'/']) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self {
            len: self.len + 1,
            hash,
        }
    }

    /// The mark of the first `len` entries of `list`.
    pub(crate) fn of(list: &[String]) -> Self {
        list.iter()
            .fold(Self::default(), |mark, entry| mark.and(entry))
    }

    /// Whether it is the mark of the beginning of `list`.
    pub(crate) fn begins(self, list: &[String]) -> bool {
        list.get(..self.len)
            .is_some_and(|beginning| Self::of(beginning) == self)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:016x}", self.len, self.hash)
    }
}

/// What an actor answers: the marks of its two logs, and what the action has to say beyond that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    /// The log of all that happened with strict durability.
    pub(crate) log: Mark,
    /// The log of what happened with less.
    pub(crate) loose: Mark,
    /// What the action has to say: `-` for nothing.
    pub(crate) word: String,
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.log, self.loose, self.word)
    }
}

impl View {
    /// Reads what [`View`] writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let log = parse_mark(words.next()?)?;
        let loose = parse_mark(words.next()?)?;
        let word = words.next()?.to_owned();
        Some(Self { log, loose, word })
    }
}

/// What an event says: the log with its newest entry, and that entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) log: Mark,
    pub(crate) entry: String,
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.log, self.entry)
    }
}

impl News {
    /// Reads what [`News`] writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (mark, entry) = text.split_once(' ')?;
        Some(Self {
            log: parse_mark(mark)?,
            entry: entry.to_owned(),
        })
    }
}

fn parse_mark(text: &str) -> Option<Mark> {
    let (len, hash) = text.split_once(':')?;
    Some(Mark {
        len: len.parse().ok()?,
        hash: u64::from_str_radix(hash, 16).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_a_mark_knows_its_list() {
        let list: Vec<_> = ["a1", "a2", "s3"].map(str::to_owned).into();
        let view = View {
            log: Mark::of(&list[..2]),
            loose: Mark::of(&[]),
            word: "-".to_owned(),
        };
        assert_eq!(View::parse(&view.to_string()), Some(view.clone()));
        assert!(view.log.begins(&list) && view.loose.begins(&list));
        assert!(!view.log.begins(&list[1..]) && !view.log.begins(&list[..1]));
        let news = News {
            log: Mark::of(&list),
            entry: "s3".to_owned(),
        };
        assert_eq!(News::parse(&news.to_string()), Some(news));
    }
}
