//! Frames that break the rules, sent byte by byte.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::{PATIENCE, Site, connect_to, site, site_with};

/// A socket on which bytes are sent as they are.
struct RawSocket(TcpStream);

impl RawSocket {
    /// Opens a connection and takes its Init.
    async fn open(site: &Site, encoding: &str) -> Self {
        Self::open_early(site, encoding, b"").await
    }

    /// As [`RawSocket::open`], with bytes right behind the request.
    async fn open_early(site: &Site, encoding: &str, early: &[u8]) -> Self {
        let mut tcp = site.tcp().await;
        let request = format!(
            "GET {} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: rivet, rivet_encoding.{encoding}\r\n\r\n",
            connect_to("k")
        );
        tcp.write_all(&[request.as_bytes(), early].concat())
            .await
            .unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(tcp.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        assert!(head.starts_with("http/1.1 101"), "{head}");
        // The example of RFC 6455, 1.3.
        assert!(
            head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
            "{head}"
        );
        let mut socket = Self(tcp);
        socket.frame().await.expect("Init");
        socket
    }

    async fn send(&mut self, bytes: &[u8]) {
        // The server may have closed before everything is out; its close is still to be read.
        let _ = self.0.write_all(bytes).await;
    }

    /// The next frame: opcode and payload. None at the end of the connection.
    async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let read = async {
            let mut head = [0; 2];
            self.0.read_exact(&mut head).await.ok()?;
            let len = match head[1] {
                126 => usize::from(self.0.read_u16().await.ok()?),
                127 => usize::try_from(self.0.read_u64().await.ok()?).unwrap(),
                len => usize::from(len),
            };
            let mut payload = vec![0; len];
            self.0.read_exact(&mut payload).await.ok()?;
            Some((head[0], payload))
        };
        tokio::time::timeout(PATIENCE, read)
            .await
            .expect("a frame or an end in time")
    }

    /// The close that the server sends, as `code reason`, after which it ends the connection.
    async fn closed(&mut self) -> String {
        while let Some((head, payload)) = self.frame().await {
            if head == 0x88 {
                assert_eq!(self.frame().await, None);
                let code = payload
                    .first_chunk()
                    .map_or(0, |code| u16::from_be_bytes(*code));
                return format!(
                    "{code} {}",
                    String::from_utf8_lossy(payload.get(2..).unwrap_or_default())
                );
            }
        }
        "no close".to_owned()
    }
}

/// A masked frame with the first byte `head`.
fn frame(head: u8, payload: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = [9, 8, 7, 6];
    let mut out = vec![head];
    match payload.len() {
        len @ 0..=125 => out.push(0x80 | u8::try_from(len).unwrap()),
        len @ 126..=0xffff => {
            out.push(0x80 | 126);
            out.extend(u16::try_from(len).unwrap().to_be_bytes());
        }
        len => {
            out.push(0x80 | 127);
            out.extend((len as u64).to_be_bytes());
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

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;

#[tokio::test]
async fn frames_that_break_the_websocket_protocol_are_answered_with_their_code() {
    let site = site().await;
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("unmasked", vec![0x81, 2, b'h', b'i'], "1002 unmasked frame"),
        ("reserved opcode", frame(0x83, b""), "1002 unknown opcode"),
        (
            "reserved control opcode",
            frame(0x8f, b""),
            "1002 unknown opcode",
        ),
        (
            "reserved bit",
            frame(0xc1, b"{}"),
            "1002 reserved bits are set",
        ),
        (
            "fragmented ping",
            frame(0x09, b""),
            "1002 fragmented control frame",
        ),
        (
            "long ping",
            frame(0x89, &[0; 126]),
            "1002 control frame too long",
        ),
        (
            "long pong",
            frame(0x8a, &[0; 200]),
            "1002 control frame too long",
        ),
        (
            "long close",
            frame(0x88, &[3; 126]),
            "1002 control frame too long",
        ),
        (
            "continuation of nothing",
            frame(0x80, b"x"),
            "1002 continuation of nothing",
        ),
        (
            "message in message",
            [frame(0x01, b"{"), frame(TEXT, b"{}")].concat(),
            "1002 new message inside a fragmented one",
        ),
        (
            "text that is not UTF-8",
            frame(TEXT, b"\"\xff\""),
            "1007 message.invalid_utf8",
        ),
        (
            "fragments that are not UTF-8",
            [frame(0x01, b"\xe2\x82"), frame(0x80, b"\x00")].concat(),
            "1007 message.invalid_utf8",
        ),
        (
            "close without a full code",
            frame(0x88, b"\x03"),
            "1002 close code of one byte",
        ),
        (
            "close with a reserved code",
            frame(0x88, b"\x03\xed"),
            "1002 close code out of range",
        ),
        (
            "close with bad text",
            frame(0x88, b"\x03\xe8\xff"),
            "1007 message.invalid_utf8",
        ),
        ("close without a code", frame(0x88, b""), "0 "),
        ("close", frame(0x88, b"\x0f\xa1bye"), "4001 "),
    ];
    for (what, bytes, expected) in cases {
        let mut socket = RawSocket::open(&site, "json").await;
        socket.send(&bytes).await;
        assert_eq!(socket.closed().await, expected, "{what}");
    }
    assert_eq!(site.count("k").await, 0);
}

#[tokio::test]
async fn messages_that_are_none_close_as_invalid_requests() {
    let site = site().await;
    let json: &[&[u8]] = &[
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        br#"{"body":{}}"#,
        br#"{"body":{"tag":"Nope","val":{}}}"#,
        br#"{"body":{"tag":"ActionRequest","val":{}}}"#,
        br#"{"body":{"tag":"ActionRequest","val":{"id":-1,"name":"x","args":[]}}}"#,
        br#"{"body":{"tag":"ActionRequest","val":{"id":["$BigInt","99999999999999999999"],"name":"x","args":[]}}}"#,
        br#"{"body":{"tag":"SubscriptionRequest","val":{"eventName":"x","subscribe":"yes"}}}"#,
    ];
    for message in json {
        let mut socket = RawSocket::open(&site, "json").await;
        socket.send(&frame(TEXT, message)).await;
        assert_eq!(
            socket.closed().await,
            "1011 actor.invalid_request",
            "{}",
            String::from_utf8_lossy(message)
        );
    }
    let bare: &[(u8, &[u8])] = &[
        (BINARY, b""),
        (BINARY, b"\x04"),
        (BINARY, b"\x00\x00\x00"),
        (BINARY, b"\x09\x00\x00\x00\x01x\x01\x80"),
        (BINARY, b"\x04\x00\x05"),
        (BINARY, b"\x04\x00\x00\x00\xff\xff\xff\xff\x0fx"),
        (BINARY, b"\x04\x00\x00\x00\x01x\x01\x9f"),
        (BINARY, b"\x04\x00\x01\x01x\x02"),
        (TEXT, b"{}"),
    ];
    for (head, message) in bare {
        let mut socket = RawSocket::open(&site, "bare").await;
        socket.send(&frame(*head, message)).await;
        assert_eq!(
            socket.closed().await,
            "1011 actor.invalid_request",
            "{message:?}"
        );
    }
    let deep = [
        &b"\xa1\x64body\xa2\x63tag\x6dActionRequest\x63val\xa3\x62id\x00\x64name\x61x\x64args"[..],
        &[0x81; 60_000],
        b"\x01",
    ]
    .concat();
    let mut socket = RawSocket::open(&site, "cbor").await;
    socket.send(&frame(BINARY, &deep)).await;
    assert_eq!(socket.closed().await, "1011 actor.invalid_request");
}

#[tokio::test]
async fn messages_are_limited_however_they_are_cut() {
    let site = site_with(|config| config.max_incoming_message = 1000).await;
    let whole = frame(TEXT, &[b' '; 1001]);
    let pieces = [
        frame(0x01, &[b' '; 500]),
        frame(0x00, &[b' '; 500]),
        frame(0x80, b" "),
    ]
    .concat();
    let huge = frame(BINARY, &vec![0; 3_000_000]);
    let lie = [&[BINARY, 0xff][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat();
    for (what, bytes) in [
        ("whole", whole),
        ("pieces", pieces),
        ("huge", huge),
        ("lie", lie),
    ] {
        let mut socket = RawSocket::open(&site, "json").await;
        socket.send(&bytes).await;
        assert_eq!(
            socket.closed().await,
            "1011 message.incoming_too_long",
            "{what}"
        );
    }
}

#[tokio::test]
async fn fragments_with_pings_between_them_are_one_message() {
    let site = site().await;
    let mut socket = RawSocket::open(&site, "json").await;
    let message = br#"{"body":{"tag":"ActionRequest","val":{"id":0,"name":"echo","args":["h\u00e9\u00e9"]}}}"#;
    let (first, rest) = message.split_at(20);
    let (second, third) = rest.split_at(30);
    let bytes = [
        frame(0x01, first),
        frame(0x89, b"p"),
        frame(0x00, second),
        frame(0x80, third),
    ]
    .concat();
    // Byte by byte, so that every cut is met.
    for byte in bytes {
        socket.send(&[byte]).await;
    }
    assert_eq!(socket.frame().await, Some((0x8a, b"p".to_vec())));
    let (head, reply) = socket.frame().await.expect("the reply");
    assert_eq!(head, TEXT);
    assert!(String::from_utf8(reply).unwrap().contains("héé"));
}

#[tokio::test]
async fn frames_right_behind_the_request_are_not_lost() {
    let site = site().await;
    let action = frame(BINARY, b"\x04\x00\x00\x00\x09increment\x02\x81\x04");
    let mut socket = RawSocket::open_early(&site, "bare", &action).await;
    let reply = b"\x04\x00\x02\x00\x01\x04";
    assert_eq!(socket.frame().await, Some((BINARY, reply.to_vec())));
}

#[tokio::test]
async fn a_flood_of_pings_is_answered_and_harms_nobody() {
    let site = site().await;
    let mut socket = RawSocket::open(&site, "json").await;
    socket.send(&frame(0x89, b"x").repeat(2000)).await;
    for _ in 0..2000 {
        assert_eq!(socket.frame().await, Some((0x8a, b"x".to_vec())));
    }
    assert_eq!(site.count("k").await, 0);
}

#[tokio::test]
async fn a_frame_that_never_ends_is_given_up() {
    let site = site_with(|config| {
        config.ping_interval = std::time::Duration::from_millis(100);
        config.pong_timeout = std::time::Duration::from_millis(100);
    })
    .await;
    let mut socket = RawSocket::open(&site, "json").await;
    socket.send(&[TEXT, 0xfe, 0x40]).await;
    assert_eq!(socket.frame().await, Some((0x89, Vec::new())));
    assert_eq!(socket.frame().await, None);
}

#[tokio::test]
async fn handshakes_that_are_none_are_refused() {
    let site = site().await;
    let upgrade = [("connection", "upgrade"), ("upgrade", "websocket")];
    let key = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    for extra in [
        vec![],
        vec![key],
        vec![key, ("sec-websocket-version", "8")],
        vec![("sec-websocket-version", "13")],
    ] {
        let headers = [&upgrade[..], &extra[..]].concat();
        let answer = site.http("GET", &connect_to("k"), &headers, b"").await;
        assert_eq!(answer.gateway_error(), "426 request.invalid", "{headers:?}");
        assert_eq!(answer.header("sec-websocket-version"), "13");
    }
}
