//! A second look at the engine's log before the engine reads it.
//!
//! The engine checks the rows of a batch with a checksum, but two kinds of damage get past it:
//! a changed sequence number gives a batch another age, so that old rows hide newer ones, and
//! damage in the middle can look like the torn end that a crash leaves, so that everything behind
//! it is dropped. Both are told apart here from what a crash can do: sequence numbers rise from
//! batch to batch, and behind a torn batch there is never a whole one, because a batch is only
//! written after the one before it was synced. For the same reason only the newest file can be
//! torn.
//!
//! The layout is that of format version 3 of the engine, integers little endian:
//!
//! ```text
//! batch  start, rows, end
//! start  1 u8 | number of rows u32 | sequence number u64
//! row    2 u8 | kind u8 | compression u8 | keyspace u64 | key length u16 | value length u32 |
//!        stored length u32 | key | stored value
//! end    3 u8 | XXH3-64 of all rows u64 | "FJL" 3
//! ```

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use xxhash_rust::xxh3::Xxh3;

const START: u8 = 1;
const ROW: u8 = 2;
const END: u8 = 3;
/// A row up to its key.
const ROW_HEAD: usize = 21;
const TRAILER: &[u8] = b"FJL\x03";

/// More than any number of batches between two that follow each other in the log.
const MAX_STEP: u64 = 1 << 32;

/// Checks the log files of a database. `Ok(Some(..))` says what is wrong.
pub(super) fn check(db: &Path) -> io::Result<Option<String>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(db)? {
        let path = entry?.path();
        let number = path
            .file_name()
            .and_then(|name| name.to_str()?.strip_suffix(".jnl")?.parse::<u64>().ok());
        files.extend(number.map(|number| (number, path)));
    }
    files.sort_unstable();
    let newest = files.last().map(|(number, _)| *number);
    let mut last = None;
    for (number, path) in files {
        let bytes = read_used(&mut File::open(&path)?)?;
        if let Some(problem) = check_file(&bytes, Some(number) == newest, &mut last) {
            return Ok(Some(format!("log file {}: {problem}", path.display())));
        }
    }
    Ok(None)
}

/// Checks what is used of one file. `last` is the sequence number of the batch before it.
fn check_file(bytes: &[u8], newest: bool, last: &mut Option<u64>) -> Option<String> {
    let mut at = 0;
    while let Some(batch) = read_batch(bytes, at) {
        if last.is_some_and(|last| batch.number <= last || batch.number - last > MAX_STEP) {
            return Some(format!(
                "the batch at byte {at} has a sequence number that is not its own"
            ));
        }
        *last = Some(batch.number);
        at = batch.end;
    }
    if !newest && at < bytes.len() {
        return Some(format!(
            "byte {at} and following are damaged, and there is a newer file"
        ));
    }
    let behind = find_batch(bytes, at)?;
    Some(format!(
        "byte {at} and following are damaged, and whole batches come behind them at byte {behind}"
    ))
}

struct Batch {
    number: u64,
    end: usize,
}

/// The whole and undamaged batch that starts at a position.
fn read_batch(bytes: &[u8], at: usize) -> Option<Batch> {
    let mut reader = Reader { bytes, at };
    if reader.u8()? != START {
        return None;
    }
    let rows = reader.u32().filter(|rows| *rows > 0)?;
    let number = reader.u64()?;
    let mut sum = Xxh3::new();
    for _ in 0..rows {
        read_row(&mut reader, &mut sum)?;
    }
    let whole = reader.u8()? == END
        && reader.u64()? == sum.digest()
        && reader.take(TRAILER.len())? == TRAILER;
    whole.then_some(Batch {
        number,
        end: reader.at,
    })
}

/// Steps over a row and adds it to the checksum.
fn read_row(reader: &mut Reader<'_>, sum: &mut Xxh3) -> Option<()> {
    let head = reader.take(ROW_HEAD)?;
    let compression = head[2];
    let key_len = u16::from_le_bytes([head[11], head[12]]);
    let (value_len, stored_len) = (&head[13..17], &head[17..21]);
    if head[0] != ROW {
        return None;
    }
    // Without compression the engine takes the stored length for both, and so must this, or the
    // two would disagree about which batch is the last.
    let value_len = if compression == 0 {
        stored_len
    } else {
        value_len
    };
    sum.update(&head[..13]);
    sum.update(value_len);
    sum.update(stored_len);
    sum.update(reader.take(usize::from(key_len))?);
    let stored_len = u32::from_le_bytes(stored_len.try_into().expect("it has four bytes"));
    sum.update(reader.take(stored_len as usize)?);
    Some(())
}

/// Where a whole batch starts behind a position.
fn find_batch(bytes: &[u8], from: usize) -> Option<usize> {
    // Almost all places are turned down after a byte or two.
    (from..bytes.len()).find(|at| bytes[*at] == START && read_batch(bytes, *at).is_some())
}

/// Reads a file without the zeros at its end: the engine reserves 64 MiB beforehand, and most of it may be free. A
/// batch ends in another byte.
fn read_used(file: &mut (impl Read + Seek)) -> io::Result<Vec<u8>> {
    const BLOCK: usize = 64 * 1024;
    let (zeros, mut block) = (vec![0; BLOCK], vec![0; BLOCK]);
    let mut end = file.seek(SeekFrom::End(0))?;
    while end > 0 {
        let block = &mut block[..BLOCK.min(end as usize)];
        let start = end - block.len() as u64;
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(block)?;
        if *block != zeros[..block.len()] {
            break;
        }
        end = start;
    }
    let mut bytes = vec![0; end as usize];
    file.rewind()?;
    file.read_exact(&mut bytes)?;
    let used = bytes.iter().rposition(|byte| *byte != 0);
    bytes.truncate(used.map_or(0, |last| last + 1));
    Ok(bytes)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(len)?)?;
        self.at += len;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    fn batch(number: u64, rows: &[&[u8]]) -> Vec<u8> {
        let mut out = vec![START];
        out.extend((rows.len() as u32).to_le_bytes());
        out.extend(number.to_le_bytes());
        let mut encoded = Vec::new();
        for value in rows {
            encoded.extend([ROW, 0, 0]);
            encoded.extend(1u64.to_le_bytes());
            encoded.extend(3u16.to_le_bytes());
            encoded.extend((value.len() as u32).to_le_bytes());
            encoded.extend((value.len() as u32).to_le_bytes());
            encoded.extend(b"key");
            encoded.extend(*value);
        }
        out.extend(&encoded);
        out.push(END);
        out.extend(xxh3_64(&encoded).to_le_bytes());
        out.extend(TRAILER);
        out
    }

    fn used(bytes: &[u8]) -> Vec<u8> {
        read_used(&mut io::Cursor::new(bytes)).expect("it is in memory")
    }

    fn problem(bytes: &[u8]) -> Option<String> {
        check_file(&used(bytes), true, &mut None)
    }

    #[test]
    fn zeros_at_the_end_are_not_read() {
        for len in [0, 1, 65_535, 65_536, 65_537, 200_000] {
            for padding in [0, 1, 65_536, 131_072, 200_000] {
                let mut bytes = vec![7; len];
                bytes.resize(len + padding, 0);
                assert_eq!(used(&bytes).len(), len, "{padding} zeros");
            }
        }
        assert_eq!(used(&[0, 1, 0]), [0, 1]);
    }

    #[test]
    fn only_the_newest_file_may_be_torn() {
        let mut older = [batch(1, &[b"a"]), batch(2, &[b"b"])].concat();
        older.resize(10_000, 0);
        let mut last = None;
        assert_eq!(check_file(&used(&older), false, &mut last), None);
        assert_eq!(check_file(&batch(3, &[b"c"]), true, &mut last), None);
        older[70] ^= 1;
        assert!(check_file(&used(&older), false, &mut None).is_some());
        assert_eq!(check_file(&used(&older), true, &mut None), None);
        assert!(check_file(&batch(3, &[b"again"]), true, &mut last).is_some());
    }

    #[test]
    fn a_torn_end_is_fine_and_damage_before_whole_batches_is_not() {
        let batches = [
            batch(1, &[b"a"]),
            batch(2, &[b"b", TRAILER]),
            batch(3, &[b"c"]),
        ];
        let log = batches.concat();
        let mut padded = log.clone();
        padded.resize(20_000, 0);
        assert_eq!(problem(&padded), None);
        for len in 0..log.len() {
            assert_eq!(problem(&log[..len]), None, "cut at {len}");
        }
        let before_last = log.len() - batches[2].len();
        for bit in 0..log.len() * 8 {
            let mut damaged = log.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // The sequence number of the first batch has nothing before it to be compared with, and
            // the length of a value that is not compressed is not used.
            let number = 5..13;
            let lengths = [26..30, 77..81, 102..106];
            let harmless = lengths
                .into_iter()
                .chain([number])
                .any(|range| range.contains(&(bit / 8)));
            if bit / 8 < before_last && !harmless {
                assert!(problem(&damaged).is_some(), "bit {bit} is flipped");
            }
        }
    }
}
