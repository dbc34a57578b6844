//! A connection: any bytes, in pieces, to the whole server.
//!
//! The first byte says what the client does at the end; `\xff\xfe` separates what is said in one piece from the next.
//! Whatever it is, the server answers or closes, nobody else is disturbed, and everything can end afterwards.

#![no_main]

use greenroom_fuzz::site::{Ending, with_site};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((choice, said)) = input.split_first() else {
        return;
    };
    let ending = if choice % 2 == 0 {
        Ending::Finish
    } else {
        Ending::Stay
    };
    let pieces = pieces(said);
    with_site(async |site| {
        let heard = site.talk(&pieces, ending).await;
        // A stream of events goes on for whoever listens.
        let streams = contains(&heard.bytes, b"text/event-stream");
        assert!(
            heard.ended || ending == Ending::Stay || streams,
            "the client has finished, and waits"
        );
        assert!(
            heard.ended || !heard.bytes.is_empty(),
            "neither an answer nor a close"
        );
        if !heard.bytes.is_empty() {
            check_head(&heard.bytes);
        }
    });
});

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn pieces(said: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut rest = said;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"\xff\xfe") {
        pieces.push(&rest[..at]);
        rest = &rest[at + 2..];
    }
    pieces.push(rest);
    pieces
}

/// The first answer has a head that cannot be misunderstood, whatever of the request is in it.
fn check_head(bytes: &[u8]) {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let head = &bytes[..end.expect("the head of an answer is whole")];
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1."));
    let code = status.and_then(|status| status.split(' ').nth(1)?.parse::<u16>().ok());
    assert!(
        code.is_some_and(|code| (100..600).contains(&code)),
        "{head}"
    );
    for line in lines {
        let (name, value) = line
            .split_once(": ")
            .unwrap_or((line.trim_end_matches(':'), ""));
        let is_token = |c: char| c.is_ascii_alphanumeric() || c == '-';
        assert!(!name.is_empty() && name.chars().all(is_token), "{head}");
        assert!(
            !value.contains(|c: char| c.is_control() && c != '\t'),
            "{head}"
        );
    }
}
