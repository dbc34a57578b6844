//! WebSockets as RFC 6455 has them: what a client's bytes mean, and what a server may say.

/// How a client's bytes end.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// They just end, perhaps within a frame.
    Open,
    /// They end within a frame that is wrong already, so that the server may say so: with one of these codes.
    Doubtful(Vec<u16>),
    /// With a violation, to be answered with one of these codes.
    Violation(Vec<u16>),
    /// With a close of this code, if any.
    Close(Option<u16>),
}

/// What a client's bytes mean.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    /// The whole messages: whether it is text, and the bytes.
    pub messages: Vec<(bool, Vec<u8>)>,
    /// What its pings have in them.
    pub pings: Vec<Vec<u8>>,
    /// How it ends.
    pub end: End,
}

/// A frame, unmasked.
struct Frame {
    fin: bool,
    reserved: bool,
    opcode: u8,
    masked: bool,
    /// The length that it claims to have.
    len: u64,
    /// Absent when the bytes end before it does.
    payload: Option<Vec<u8>>,
}

impl Frame {
    fn is_control(&self) -> bool {
        self.opcode & 8 != 0
    }
}

/// The next frame. `None` when not even its length is there.
fn frame(rest: &mut &[u8]) -> Option<Frame> {
    let head = take(rest, 2)?;
    let masked = head[1] & 0x80 != 0;
    let len = match head[1] & 0x7f {
        126 => number(take(rest, 2)?),
        127 => number(take(rest, 8)?),
        len => u64::from(len),
    };
    let mask = if masked { take(rest, 4)? } else { &[0; 4] };
    let payload = usize::try_from(len).ok().and_then(|len| take(rest, len));
    let unmasked = payload.map(|payload| {
        let pairs = payload.iter().zip(mask.iter().cycle());
        pairs.map(|(byte, mask)| byte ^ mask).collect()
    });
    Some(Frame {
        fin: head[0] & 0x80 != 0,
        reserved: head[0] & 0x70 != 0,
        opcode: head[0] & 0x0f,
        masked,
        len,
        payload: unmasked,
    })
}

/// What a client's bytes mean to a server that takes messages of at most `limit` bytes.
pub fn client(bytes: &[u8], limit: usize) -> Said {
    let mut rest = bytes;
    let mut said = Said {
        messages: Vec::new(),
        pings: Vec::new(),
        end: End::Open,
    };
    let mut partial: Option<(bool, Vec<u8>)> = None;
    loop {
        // A frame whose head is cut may be wrong in what is there of it.
        let cut = rest
            .first()
            .is_some_and(|first| first & 0x70 != 0 || !matches!(first & 0x0f, 0..=2 | 8..=10));
        let Some(frame) = frame(&mut rest) else {
            if cut {
                said.end = End::Doubtful(vec![1002]);
            }
            return said;
        };
        let mut wrong = head_violations(&frame, partial.as_ref(), limit);
        let Some(payload) = &frame.payload else {
            if !wrong.is_empty() {
                said.end = End::Doubtful(wrong);
            }
            return said;
        };
        if wrong.is_empty() {
            match frame.opcode {
                8 => match close(payload) {
                    Ok(code) => {
                        said.end = End::Close(code);
                        return said;
                    }
                    Err(code) => wrong.push(code),
                },
                9 => said.pings.push(payload.clone()),
                10 => {}
                _ => {
                    let (text, mut data) =
                        partial.take().unwrap_or((frame.opcode == 1, Vec::new()));
                    data.extend_from_slice(payload);
                    if text && !may_be_text(&data, frame.fin) {
                        wrong.push(1007);
                    } else if frame.fin {
                        said.messages.push((text, data));
                    } else {
                        partial = Some((text, data));
                    }
                }
            }
        }
        if !wrong.is_empty() {
            // Of several violations any may be named.
            if str::from_utf8(payload).is_err() {
                wrong.push(1007);
            }
            said.end = End::Violation(wrong);
            return said;
        }
    }
}

/// What is wrong with a frame before its payload is looked at.
fn head_violations(frame: &Frame, partial: Option<&(bool, Vec<u8>)>, limit: usize) -> Vec<u16> {
    let mut wrong = Vec::new();
    let known = matches!(frame.opcode, 0..=2 | 8..=10);
    let misplaced = match frame.opcode {
        0 => partial.is_none(),
        1 | 2 => partial.is_some(),
        _ => false,
    };
    let unfit = frame.is_control() && (!frame.fin || frame.len > 125);
    if frame.reserved || !known || !frame.masked || misplaced || unfit {
        wrong.push(1002);
    }
    let before = partial.map_or(0, |(_, data)| data.len() as u64);
    let total = if frame.opcode == 0 {
        before.saturating_add(frame.len)
    } else {
        frame.len
    };
    if total > limit as u64 {
        wrong.push(1011);
    }
    wrong
}

/// Whether this is UTF-8, or may still become it.
fn may_be_text(data: &[u8], whole: bool) -> bool {
    match str::from_utf8(data) {
        Ok(_) => true,
        Err(error) => !whole && error.error_len().is_none(),
    }
}

fn close(payload: &[u8]) -> Result<Option<u16>, u16> {
    match payload {
        [] => Ok(None),
        [_] => Err(1002),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                Err(1002)
            } else if str::from_utf8(reason).is_err() {
                Err(1007)
            } else {
                Ok(Some(code))
            }
        }
    }
}

/// What a server has said.
#[derive(Debug, Default)]
pub struct Answered {
    /// Its messages: whether it is text, and the bytes.
    pub messages: Vec<(bool, Vec<u8>)>,
    /// What its pongs have in them.
    pub pongs: Vec<Vec<u8>>,
    /// Its close: the code, if there is one.
    pub close: Option<Option<u16>>,
}

/// Reads what a server has said.
///
/// # Panics
/// When it breaks a rule.
pub fn server(mut rest: &[u8]) -> Answered {
    let mut answered = Answered::default();
    while !rest.is_empty() {
        assert!(answered.close.is_none(), "something behind the close");
        let Some(frame) = frame(&mut rest) else {
            break;
        };
        assert!(frame.fin && !frame.reserved && !frame.masked);
        assert!(!frame.is_control() || frame.len <= 125);
        // What it was writing when the client was gone may be cut.
        let Some(payload) = frame.payload else {
            break;
        };
        match frame.opcode {
            opcode @ (1 | 2) => {
                assert!(opcode == 2 || str::from_utf8(&payload).is_ok());
                answered.messages.push((opcode == 1, payload));
            }
            8 => answered.close = Some(close(&payload).expect("a close that may be sent")),
            9 => {}
            10 => answered.pongs.push(payload),
            opcode => panic!("opcode {opcode}"),
        }
    }
    answered
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, behind) = rest.split_at_checked(len)?;
    *rest = behind;
    Some(taken)
}
