use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use greenroom_types::EventFrame;

use super::*;
use crate::{WhenSlow, outbox::Broadcast};

const NO_LIMIT: usize = usize::MAX;

fn event(name: &str, about: Option<&str>, number: u8) -> (ClientMessage, Kind) {
    let frame = EventFrame::new(name.to_owned(), Bytes::copy_from_slice(&[0x81, number]));
    let when_slow = match about {
        Some(about) => WhenSlow::Coalesce {
            about: about.to_owned(),
        },
        None => WhenSlow::Disconnect,
    };
    let kind = Broadcast::new(frame.clone(), when_slow).kind(true);
    (ClientMessage::Event(frame), kind)
}

fn optional(number: u8) -> (ClientMessage, Kind) {
    (event("tick", None, number).0, Kind::Optional)
}

fn push(
    backlog: &mut Backlog,
    (message, kind): (ClientMessage, Kind),
    limit: usize,
) -> Result<(), OutboxClosed> {
    backlog.push(message, kind, limit).map(Wake::wake)
}

/// Everything that waits, as the names and the numbers of events, and counts it as written.
fn drain(backlog: &mut Backlog) -> Vec<String> {
    let mut seen = Vec::new();
    let mut cx = Context::from_waker(Waker::noop());
    let mut messages = Vec::new();
    while let Poll::Ready(Some(taken)) = backlog.poll_take(&mut cx, &mut messages, 7, 4096) {
        seen.extend(messages.drain(..).map(|message| match message {
            ClientMessage::Event(event) => format!("{} {}", event.name(), event.args()[1]),
            ClientMessage::Resync(resync) => resync.reason.name().to_owned(),
            other => format!("{other:?}"),
        }));
        backlog.written(taken);
    }
    assert_eq!(backlog.holes, 0);
    assert!(backlog.latest.is_empty());
    seen
}

#[test]
fn the_newest_about_a_topic_takes_its_turn_at_the_end() {
    let mut backlog = Backlog::default();
    for message in [
        event("cursor", Some("ann"), 1),
        event("chat", None, 2),
        event("cursor", Some("bob"), 3),
        event("cursor", Some("ann"), 4),
        event("chat", None, 5),
        event("pointer", Some("ann"), 6),
        event("cursor", Some("ann"), 7),
    ] {
        push(&mut backlog, message, NO_LIMIT).unwrap();
    }
    assert_eq!(
        drain(&mut backlog),
        ["chat 2", "cursor 3", "chat 5", "pointer 6", "cursor 7"]
    );
    assert_eq!(backlog.bytes(), 0);
}

#[test]
fn what_was_taken_is_not_replaced() {
    let mut backlog = Backlog::default();
    push(&mut backlog, event("cursor", Some(""), 1), NO_LIMIT).unwrap();
    assert_eq!(drain(&mut backlog), ["cursor 1"]);
    push(&mut backlog, event("cursor", Some(""), 2), NO_LIMIT).unwrap();
    assert_eq!(drain(&mut backlog), ["cursor 2"]);
}

#[test]
fn a_topic_takes_the_room_of_one_message_however_often_it_changes() {
    let mut backlog = Backlog::default();
    let one = weight(&event("cursor", Some("ann"), 0).0);
    push(&mut backlog, event("chat", None, 9), NO_LIMIT).unwrap();
    for round in 0..10_000 {
        let about = ["ann", "bob", "cyd"][round % 3];
        let number = u8::try_from(round % 256).unwrap();
        push(&mut backlog, event("cursor", Some(about), number), 10 * one).unwrap();
        assert!(backlog.waiting.len() <= 2 * FEW_HOLES + 8);
    }
    let last = |back: usize| format!("cursor {}", (10_000 - back) % 256);
    assert_eq!(
        drain(&mut backlog),
        ["chat 9".to_owned(), last(3), last(2), last(1)]
    );
    assert_eq!(backlog.bytes(), 0);
}

#[test]
fn beyond_the_limit_only_the_goodbye_is_left() {
    let mut backlog = Backlog::default();
    let one = weight(&event("chat", None, 0).0);
    for number in 0..3 {
        push(&mut backlog, event("chat", None, number), 3 * one).unwrap();
    }
    for number in 3..5 {
        let refused = push(&mut backlog, event("chat", None, number), 3 * one);
        assert_eq!(refused, Err(OutboxClosed::TooSlow));
    }
    assert_eq!(drain(&mut backlog), ["Close(TooSlow)"]);
    assert_eq!(backlog.bytes(), 0);
}

#[test]
fn what_is_being_written_counts_and_one_message_always_has_room() {
    let mut backlog = Backlog::default();
    let mut cx = Context::from_waker(Waker::noop());
    let mut messages = Vec::new();
    let one = weight(&event("chat", None, 0).0);
    push(&mut backlog, event("chat", None, 1), 1).unwrap();
    let taken = backlog.poll_take(&mut cx, &mut messages, 7, 4096);
    assert!(matches!(taken, Poll::Ready(Some(1..))));
    push(&mut backlog, event("chat", None, 2), 2 * one).unwrap();
    assert_eq!(
        push(&mut backlog, event("chat", None, 3), 3 * one - 1),
        Err(OutboxClosed::TooSlow)
    );
}

#[test]
fn a_batch_ends_with_the_message_that_fills_it() {
    let mut backlog = Backlog::default();
    let mut cx = Context::from_waker(Waker::noop());
    let mut messages = Vec::new();
    for number in 0..5 {
        push(&mut backlog, event("chat", None, number), NO_LIMIT).unwrap();
    }
    let full = weight(&event("chat", None, 0).0) + 1;
    let _ = backlog.poll_take(&mut cx, &mut messages, 7, full);
    assert_eq!(messages.len(), 2);
}

#[test]
fn a_burst_leaves_no_memory_behind() {
    let mut backlog = Backlog::default();
    for _ in 0..1000 {
        push(&mut backlog, event("chat", None, 1), NO_LIMIT).unwrap();
    }
    assert_eq!(drain(&mut backlog).len(), 1000);
    assert!(backlog.waiting.capacity() <= KEPT);
}

#[test]
fn the_oldest_that_may_be_are_left_out_and_the_gap_is_told_of_once() {
    let mut backlog = Backlog::default();
    let one = weight(&optional(0).0);
    push(&mut backlog, event("chat", None, 200), 8 * one).unwrap();
    for number in 0..100 {
        push(&mut backlog, optional(number), 8 * one).unwrap();
        if number == 50 {
            push(&mut backlog, event("chat", None, 201), 8 * one).unwrap();
        }
        assert!(backlog.bytes() <= 8 * one);
        assert!(backlog.waiting.len() <= 2 * FEW_HOLES + 10);
    }
    assert_eq!(
        drain(&mut backlog),
        [
            "chat 200", "slow", "chat 201", "tick 95", "tick 96", "tick 97", "tick 98", "tick 99"
        ]
    );
    assert_eq!(backlog.bytes(), 0);
}

#[test]
fn a_gap_is_told_of_anew_once_the_one_before_was_taken() {
    let mut backlog = Backlog::default();
    let one = weight(&optional(0).0);
    for round in 0..3 {
        for number in 0..20 {
            push(&mut backlog, optional(number), 4 * one).unwrap();
        }
        let seen = drain(&mut backlog);
        assert_eq!(seen[0], "slow", "round {round}");
        assert_eq!(seen.last().unwrap(), "tick 19");
    }
}

#[test]
fn where_nothing_may_be_left_out_any_more_the_client_is_too_slow() {
    let mut backlog = Backlog::default();
    let one = weight(&optional(0).0);
    for number in 0..4 {
        push(&mut backlog, optional(number), 4 * one).unwrap();
    }
    let mut pushed = 0;
    while push(&mut backlog, event("chat", None, 1), 4 * one).is_ok() {
        pushed += 1;
    }
    assert_eq!(pushed, 3);
    assert_eq!(drain(&mut backlog), ["Close(TooSlow)"]);
    assert_eq!(backlog.bytes(), 0);
}
