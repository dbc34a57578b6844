//! What well-formed CBOR is, as close to appendix C of RFC 8949 as can be: an oracle, and no parser.

/// Where the first item ends, if it is well formed, its texts are UTF-8, and it has at most `levels` arrays, maps and
/// tags inside each other.
pub fn well_formed(bytes: &[u8], levels: usize) -> Option<usize> {
    let mut rest = bytes;
    item(&mut rest, levels)?;
    Some(bytes.len() - rest.len())
}

/// What an item's first bytes say.
struct Head {
    major: u8,
    info: u8,
    value: u64,
}

fn head(rest: &mut &[u8]) -> Option<Head> {
    let first = take(rest, 1)?[0];
    let (major, info) = (first >> 5, first & 31);
    let value = match info {
        0..=23 => u64::from(info),
        24..=27 => {
            let bytes = take(rest, 1 << (info - 24))?;
            bytes
                .iter()
                .fold(0, |value, byte| value << 8 | u64::from(*byte))
        }
        31 if matches!(major, 2..=5 | 7) => 0,
        _ => return None,
    };
    // Simple values below 32 have one byte only.
    (major != 7 || info != 24 || value >= 32).then_some(Head { major, info, value })
}

fn item(rest: &mut &[u8], levels: usize) -> Option<()> {
    let head = head(rest)?;
    let is_open = head.info == 31;
    match head.major {
        0 | 1 => Some(()),
        2 | 3 if is_open => loop {
            if rest.first() == Some(&0xff) {
                break take(rest, 1).map(drop);
            }
            let chunk = self::head(rest)?;
            if chunk.major != head.major || chunk.info == 31 {
                break None;
            }
            string(rest, &chunk)?;
        },
        2 | 3 => string(rest, &head),
        4 | 5 => {
            let levels = levels.checked_sub(1)?;
            let each = usize::from(head.major) - 3;
            let mut left = head.value;
            while is_open || left > 0 {
                if is_open && rest.first() == Some(&0xff) {
                    return take(rest, 1).map(drop);
                }
                for _ in 0..each {
                    item(rest, levels)?;
                }
                left = left.saturating_sub(1);
            }
            Some(())
        }
        6 => item(rest, levels.checked_sub(1)?),
        _ => (!is_open).then_some(()),
    }
}

fn string(rest: &mut &[u8], head: &Head) -> Option<()> {
    let bytes = take(rest, usize::try_from(head.value).ok()?)?;
    (head.major == 2 || str::from_utf8(bytes).is_ok()).then_some(())
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, behind) = rest.split_at_checked(len)?;
    *rest = behind;
    Some(taken)
}
