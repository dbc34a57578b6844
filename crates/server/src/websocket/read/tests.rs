use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::ReadBuf;

use super::*;

/// A masked frame as a client sends it.
fn client(head: u8, payload: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = [0x12, 0x34, 0x56, 0x78];
    let mut out = vec![head];
    match payload.len() {
        len @ 0..=125 => out.push(0x80 | len as u8),
        len => {
            out.push(0x80 | 126);
            out.extend(u16::try_from(len).expect("tests stay small").to_be_bytes());
        }
    }
    out.extend(KEY);
    out.extend(
        payload
            .iter()
            .zip(KEY.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    out
}

/// Everything that comes of `bytes` when messages are limited to 16 bytes, up to the first error.
async fn read(bytes: &[u8]) -> (Vec<Inbound>, ReadError) {
    let mut reader = MessageReader::new(bytes, BytesMut::new(), 16);
    let mut got = Vec::new();
    loop {
        match reader.next().await {
            Ok(inbound) => got.push(inbound),
            Err(error) => return (got, error),
        }
    }
}

#[tokio::test]
async fn messages_and_control_frames_are_told_apart() {
    let bytes = [
        client(0x81, "hé".as_bytes()),
        client(0x82, &[1, 2]),
        client(0x89, b"ping"),
        client(0x8a, b""),
        client(0x88, b"\x03\xe8Disposed"),
    ]
    .concat();
    let (got, end) = read(&bytes).await;
    let expected = [
        Inbound::Text(Bytes::from("hé")),
        Inbound::Binary(Bytes::from_static(&[1, 2])),
        Inbound::Ping(Bytes::from_static(b"ping")),
        Inbound::Pong,
        Inbound::Close(Some(SocketClose {
            code: 1000,
            reason: "Disposed".to_owned(),
        })),
    ];
    assert_eq!(got, expected);
    assert_eq!(end, ReadError::Gone);
}

#[tokio::test]
async fn fragments_become_one_message_even_around_control_frames_and_inside_characters() {
    let bytes = [
        client(0x01, b"h\xc3"),
        client(0x89, b""),
        client(0x00, b"\xa9"),
        client(0x80, b"!"),
        client(0x81, b"next"),
    ]
    .concat();
    let (got, _) = read(&bytes).await;
    let expected = [
        Inbound::Piece,
        Inbound::Ping(Bytes::new()),
        Inbound::Piece,
        Inbound::Text(Bytes::from("hé!")),
        Inbound::Text(Bytes::from_static(b"next")),
    ];
    assert_eq!(got, expected);
}

#[tokio::test]
async fn what_breaks_the_protocol_is_a_violation() {
    let unmasked = vec![0x81, 2, b'h', b'i'];
    let huge = [vec![0x82, 0xff], vec![0xff; 8], vec![0; 4]].concat();
    let cases: Vec<(&str, Vec<u8>, Close)> = vec![
        (
            "unmasked",
            unmasked,
            Close::protocol_error("unmasked frame"),
        ),
        (
            "opcode 3",
            client(0x83, b""),
            Close::protocol_error("unknown opcode"),
        ),
        (
            "opcode 11",
            client(0x8b, b""),
            Close::protocol_error("unknown opcode"),
        ),
        (
            "rsv1",
            client(0xc1, b""),
            Close::protocol_error("reserved bits are set"),
        ),
        (
            "fragmented ping",
            client(0x09, b""),
            Close::protocol_error("fragmented control frame"),
        ),
        (
            "long pong",
            client(0x8a, &[0; 126]),
            Close::protocol_error("control frame too long"),
        ),
        (
            "long close",
            client(0x88, &[3; 126]),
            Close::protocol_error("control frame too long"),
        ),
        (
            "long ping",
            client(0x89, &[0; 126]),
            Close::protocol_error("control frame too long"),
        ),
        (
            "continuation first",
            client(0x80, b""),
            Close::protocol_error("continuation of nothing"),
        ),
        (
            "message in message",
            [client(0x01, b"a"), client(0x81, b"b")].concat(),
            Close::protocol_error("new message inside a fragmented one"),
        ),
        ("bad text", client(0x81, b"\xff"), Close::invalid_utf8()),
        (
            "bad text in pieces",
            [client(0x01, b"\xc3"), client(0x80, b"x")].concat(),
            Close::invalid_utf8(),
        ),
        (
            "bad text in a piece that is not the last",
            client(0x01, b"\xc3x"),
            Close::invalid_utf8(),
        ),
        (
            "bad text in pieces that are not the last",
            [
                client(0x01, b"a\xe2"),
                client(0x00, b"\x82"),
                client(0x00, b"!"),
            ]
            .concat(),
            Close::invalid_utf8(),
        ),
        (
            "text that ends inside a character",
            [client(0x01, b"a\xe2"), client(0x80, b"\x82")].concat(),
            Close::invalid_utf8(),
        ),
        (
            "message too long",
            client(0x82, &[0; 17]),
            Close::incoming_too_long(),
        ),
        (
            "pieces too long",
            [client(0x02, &[0; 16]), client(0x80, &[0])].concat(),
            Close::incoming_too_long(),
        ),
        ("length beyond memory", huge, Close::incoming_too_long()),
        (
            "close of one byte",
            client(0x88, b"\x03"),
            Close::protocol_error("close code of one byte"),
        ),
        (
            "close with a bad code",
            client(0x88, &1005u16.to_be_bytes()),
            Close::protocol_error("close code out of range"),
        ),
    ];
    for (what, bytes, close) in cases {
        let (_, error) = read(&bytes).await;
        assert_eq!(error, ReadError::Violation(close), "{what}");
    }
}

#[tokio::test]
async fn a_message_of_exactly_the_limit_passes() {
    let (got, _) = read(&client(0x82, &[9; 16])).await;
    assert_eq!(got, [Inbound::Binary(Bytes::from(vec![9; 16]))]);
}

#[tokio::test]
async fn torn_input_ends_quietly_wherever_it_is_torn() {
    let whole = [client(0x01, b"abc"), client(0x80, &[b'x'; 13])].concat();
    for len in 0..whole.len() {
        let (_, error) = read(&whole[..len]).await;
        assert_eq!(error, ReadError::Gone, "{len}");
    }
}

#[tokio::test]
async fn any_bytes_end_without_a_panic() {
    // A fixed multiplicative sequence: the same bytes on every run.
    let mut state: u32 = 0x9e37_79b9;
    for _ in 0..2000 {
        let bytes: Vec<u8> = (0..64)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        let _ = read(&bytes).await;
    }
}

/// Gives its bytes in pieces of one size.
struct InPieces<'a> {
    bytes: &'a [u8],
    size: usize,
}

impl AsyncRead for InPieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let len = self.size.min(self.bytes.len()).min(into.remaining());
        let (piece, rest) = self.bytes.split_at(len);
        into.put_slice(piece);
        self.bytes = rest;
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn frames_are_the_same_however_their_bytes_come() {
    let payload: Vec<u8> = (0..50_000u32).map(|at| (at % 251) as u8).collect();
    let lens = [0, 1, 7, 8, 9, 125, 126, 8191, 8192, 8193, 20_000, 50_000, 3];
    let bytes: Vec<u8> = lens
        .iter()
        .flat_map(|len| client(0x82, &payload[..*len]))
        .collect();
    for size in [1, 2, 5, 13, 1460, 8192, 65_536, 1 << 20] {
        // A part has come with the handshake.
        let (before, after) = bytes.split_at(size.min(bytes.len()));
        let stream = InPieces { bytes: after, size };
        let mut reader = MessageReader::new(stream, before.into(), 50_000);
        for len in lens {
            let got = reader.next().await;
            let expected = Bytes::copy_from_slice(&payload[..len]);
            assert!(
                got == Ok(Inbound::Binary(expected)),
                "{len} in pieces of {size}"
            );
        }
        assert_eq!(reader.next().await, Err(ReadError::Gone));
    }
}

#[tokio::test]
async fn a_small_message_does_not_keep_what_came_with_it_in_memory() {
    let bytes = [client(0x82, b"small"), client(0x82, &[7; 2000])].concat();
    let mut reader = MessageReader::new(&bytes[..], BytesMut::new(), 2000);
    let Ok(Inbound::Binary(small)) = reader.next().await else {
        panic!("it is a message");
    };
    assert_eq!(small, "small");
    assert!(small.is_unique());
    let large = Inbound::Binary(Bytes::from(vec![7; 2000]));
    assert_eq!(reader.next().await, Ok(large));
}
