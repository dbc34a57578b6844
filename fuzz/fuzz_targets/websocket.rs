//! A WebSocket: frames of all kinds, and bytes that are none, to the whole server.
//!
//! A raw one leads to an actor that sends back what it gets, so each message is compared with what RFC 6455 makes of
//! the same bytes. One that speaks the client protocol has to be answered within the rules.

#![no_main]

use arbitrary::Arbitrary;
use greenroom_fuzz::{
    site::{Ending, MESSAGE_LIMIT, with_site},
    websocket::{self, End},
};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    talk: Talk,
    stays: bool,
    said: Vec<Piece<'a>>,
}

/// What the WebSocket is for.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
enum Talk {
    Raw,
    Json,
    Cbor,
    Bare,
}

#[derive(Arbitrary, Debug)]
enum Piece<'a> {
    /// A frame as it should be: its opcode, whether it is the last of its message, and what is in it.
    Frame(u8, bool, [u8; 4], &'a [u8]),
    /// A frame that may be anything: its first two bytes, and what comes behind.
    Any([u8; 2], &'a [u8]),
    /// A frame of a message that goes on.
    Fragment(u8, &'a [u8]),
    /// The client pauses.
    Pause,
}

fuzz_target!(|input: Input<'_>| {
    let pieces = encode(&input.said);
    let handshake = handshake(input.talk);
    let mut said = vec![handshake.as_bytes()];
    said.extend(pieces.iter().map(Vec::as_slice));
    let ending = if input.stays {
        Ending::Stay
    } else {
        Ending::Finish
    };
    let expected = websocket::client(&pieces.concat(), MESSAGE_LIMIT);
    with_site(async |site| {
        let heard = site.talk(&said, ending).await;
        assert!(heard.ended, "whoever is silent or has left is let go");
        let head = b"HTTP/1.1 101 ";
        assert!(
            heard.bytes.starts_with(head),
            "{}",
            heard.bytes.escape_ascii()
        );
        let end = heard
            .bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n");
        let answered = websocket::server(&heard.bytes[end.expect("a whole head") + 4..]);
        assert!(
            expected.pings.starts_with(&answered.pongs),
            "{expected:?} {answered:?}"
        );
        if input.talk == Talk::Raw {
            assert!(
                expected.messages.starts_with(&answered.messages),
                "{expected:?} {answered:?}"
            );
        }
        if input.stays && input.talk == Talk::Raw {
            check_end(&expected, &answered);
        }
    });
});

/// What is seen of the end by a client that stays to see it.
fn check_end(expected: &websocket::Said, answered: &websocket::Answered) {
    match (&expected.end, answered.close) {
        (End::Open | End::Doubtful(_), None) => {
            assert_eq!(answered.messages, expected.messages);
            assert_eq!(answered.pongs, expected.pings);
        }
        (End::Violation(codes) | End::Doubtful(codes), Some(Some(code))) => {
            assert!(codes.contains(&code), "{expected:?} {answered:?}");
        }
        (End::Close(code), Some(echoed)) => assert_eq!(echoed, *code),
        _ => panic!("{expected:?} {answered:?}"),
    }
}

fn encode(said: &[Piece<'_>]) -> Vec<Vec<u8>> {
    let mut pieces = vec![Vec::new()];
    for piece in said {
        let last = pieces.last_mut().expect("there is one at least");
        match piece {
            Piece::Frame(opcode, fin, mask, payload) => {
                // Of the six that there are.
                let opcode = [1, 2, 0, 9, 10, 8][usize::from(*opcode % 6)];
                put_frame(last, opcode | u8::from(*fin) << 7, *mask, payload);
            }
            Piece::Any(head, rest) => {
                last.extend(head);
                last.extend(*rest);
            }
            Piece::Fragment(opcode, payload) => put_frame(last, opcode % 3, [0; 4], payload),
            Piece::Pause => pieces.push(Vec::new()),
        }
    }
    pieces
}

fn put_frame(out: &mut Vec<u8>, first: u8, mask: [u8; 4], payload: &[u8]) {
    out.push(first);
    match u16::try_from(payload.len()) {
        Ok(len @ 0..=125) => out.push(0x80 | len as u8),
        Ok(len) => {
            out.push(0x80 | 126);
            out.extend(len.to_be_bytes());
        }
        Err(_) => {
            out.push(0x80 | 127);
            out.extend((payload.len() as u64).to_be_bytes());
        }
    }
    out.extend(mask);
    out.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
}

fn handshake(talk: Talk) -> String {
    let (path, protocols) = match talk {
        Talk::Raw => ("websocket/", "chat"),
        Talk::Json => ("connect", "rivet, rivet_encoding.json, greenroom.1"),
        Talk::Cbor => ("connect", "rivet, rivet_encoding.cbor, greenroom.1"),
        Talk::Bare => ("connect", "rivet, rivet_encoding.bare"),
    };
    format!(
        "GET /gateway/echo/{path}?rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=k HTTP/1.1\r\n\
         host: localhost\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: {protocols}\r\n\r\n"
    )
}
