use std::{
    pin::Pin,
    task::{Context, Poll},
};

use greenroom_core::{CloseReason, outbox};

use super::*;

/// Takes a few bytes per call and remembers them.
#[derive(Default)]
struct Trickle {
    taken: Vec<u8>,
    calls: usize,
}

impl AsyncWrite for Trickle {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.calls += 1;
        let room = 1 + self.calls % 7;
        let step: Vec<u8> = bufs
            .iter()
            .flat_map(|buf| buf.iter().copied())
            .take(room)
            .collect();
        self.taken.extend(&step);
        Poll::Ready(Ok(step.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

const LIMITS: WriteLimits = WriteLimits {
    message: 64,
    patience: Duration::from_secs(5),
};

async fn written(encoding: Encoding, messages: Vec<ClientMessage>) -> Vec<u8> {
    let (sender, mut reader) = outbox();
    for message in messages {
        sender.send(message).unwrap();
    }
    drop(sender);
    let control = ControlQueue::default();
    let mut out = Trickle::default();
    MessageWriter::new(&mut out, encoding, false, LIMITS)
        .run(&mut reader, &control)
        .await
        .unwrap();
    out.taken
}

fn event(len: usize) -> ClientMessage {
    let mut args = vec![0x81, 0x78, u8::try_from(len).unwrap()];
    args.extend(vec![b'x'; len]);
    ClientMessage::Event(EventFrame::new("e".to_owned(), args.into()))
}

#[tokio::test]
async fn batches_survive_writers_that_take_a_few_bytes_at_a_time() {
    let messages = (0..200)
        .map(|_| event(24))
        .chain([ClientMessage::Close(CloseReason::Destroyed)])
        .collect();
    let bytes = written(Encoding::Bare, messages).await;
    let one = [
        &[0x82, 32][..],
        b"\x04\x00\x03\x01e\x1b\x81\x78\x18",
        &[b'x'; 24],
    ]
    .concat();
    let one = {
        let mut one = one;
        one[1] = u8::try_from(one.len() - 2).unwrap();
        one
    };
    assert_eq!(
        bytes,
        [one.repeat(200), b"\x88\x02\x03\xe8".to_vec()].concat()
    );
}

#[tokio::test]
async fn nothing_follows_a_close() {
    let messages = vec![ClientMessage::Close(CloseReason::ShuttingDown), event(24)];
    assert_eq!(
        written(Encoding::Bare, messages).await,
        b"\x88\x0f\x03\xe9ws.going_away"
    );
}

#[tokio::test]
async fn an_oversized_event_ends_the_connection() {
    assert_eq!(
        written(Encoding::Bare, vec![event(100)]).await,
        b"\x88\x1b\x03\xf3message.outgoing_too_long"
    );
}

#[tokio::test]
async fn an_oversized_result_becomes_an_error_and_the_connection_goes_on() {
    let output: Bytes = [&[0x78, 100][..], &[b'x'; 100]].concat().into();
    let messages = vec![
        ClientMessage::Response { id: 7, output },
        ClientMessage::Close(CloseReason::Destroyed),
    ];
    let bytes = written(Encoding::Json, messages).await;
    let text = String::from_utf8_lossy(&bytes);
    assert!(
        text.contains("outgoing_too_long") && text.contains(r#"["$BigInt","7"]"#),
        "{text}"
    );
    assert!(bytes.ends_with(b"\x88\x02\x03\xe8"), "{text}");
}

#[tokio::test]
async fn an_actor_that_lets_go_without_a_word_closes_with_a_retryable_reason() {
    assert_eq!(
        written(Encoding::Bare, Vec::new()).await,
        b"\x88\x12\x03\xf3actor.restarting"
    );
}

#[tokio::test]
async fn an_event_is_framed_once_per_encoding_for_all_its_receivers() {
    let shared = EventFrame::new("e".to_owned(), Bytes::from_static(b"\x81\x01"));
    let mut frames = Vec::new();
    for _ in 0..2 {
        let mut writer = MessageWriter::new(Trickle::default(), Encoding::Bare, false, LIMITS);
        writer.message(&ClientMessage::Event(shared.clone()));
        frames.append(&mut writer.frames);
    }
    assert_eq!(frames[0].as_ptr(), frames[1].as_ptr());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_reads_is_given_up() {
    let (client, server) = tokio::io::duplex(16);
    let (sender, mut reader) = outbox();
    sender.send(event(40)).unwrap();
    let control = ControlQueue::default();
    let mut writer = MessageWriter::new(server, Encoding::Bare, false, LIMITS);
    let error = writer
        .run(&mut reader, &control)
        .await
        .expect_err("nobody reads");
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    drop(client);
}
