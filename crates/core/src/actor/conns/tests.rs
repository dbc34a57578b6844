use bytes::Bytes;
use greenroom_types::{EventFrame, limits};

use super::*;
use crate::{WhenSlow, outbox, outbox::Broadcast, outbox_with_limit};

fn event(name: &str) -> Broadcast {
    let frame = EventFrame::new(name.to_owned(), Bytes::from_static(&[0x80]));
    Broadcast::new(frame, WhenSlow::Disconnect)
}

#[test]
fn events_reach_subscribers_only_and_removal_leaves_no_trace() {
    let mut conns = Conns::default();
    let (first, mut first_reader) = outbox();
    let (second, _second_reader) = outbox();
    let a = conns.add(
        "a".into(),
        ClientInfo::default(),
        first,
        Resuming::Never,
        None,
    );
    let b = conns.add(
        "b".into(),
        ClientInfo::default(),
        second,
        Resuming::Never,
        None,
    );
    conns.subscribe(a, "tick".into(), true, 0).unwrap();
    conns.subscribe(a, "tick".into(), true, 0).unwrap();
    assert!(conns.tell(None, event("tick")).is_empty());
    assert!(conns.tell(None, event("tock")).is_empty());
    conns.subscribe(a, "tick".into(), false, 0).unwrap();
    conns.subscribe(b, "tick".into(), true, 0).unwrap();
    conns.tell(None, event("tick"));
    conns.remove(a);
    conns.remove(b);
    assert!(conns.subscribers.is_empty() && conns.is_empty());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        assert!(matches!(
            first_reader.recv().await,
            Some(ClientMessage::Event(_))
        ));
        assert!(first_reader.recv().await.is_none());
    });
}

#[test]
fn a_slow_connection_is_named_and_the_others_are_served() {
    let mut conns = Conns::default();
    let (slow, _slow_reader) = outbox_with_limit(1000);
    let (fast, _fast_reader) = outbox();
    let slow = conns.add(
        "slow".into(),
        ClientInfo::default(),
        slow,
        Resuming::Never,
        None,
    );
    let fast = conns.add(
        "fast".into(),
        ClientInfo::default(),
        fast,
        Resuming::Never,
        None,
    );
    for key in [slow, fast] {
        conns.subscribe(key, "tick".into(), true, 0).unwrap();
    }
    assert!(conns.tell(None, event("tick")).is_empty());
    assert_eq!(conns.tell(None, event("tick")), [slow]);
}

#[test]
fn subscriptions_are_bounded() {
    let mut conns = Conns::default();
    let (outbox, _reader) = outbox();
    let key = conns.add(
        "a".into(),
        ClientInfo::default(),
        outbox,
        Resuming::Never,
        None,
    );
    for i in 0..limits::SUBSCRIPTIONS_PER_CONN {
        conns.subscribe(key, i.to_string(), true, 0).unwrap();
    }
    assert_eq!(
        conns
            .subscribe(key, "more".into(), true, 0)
            .unwrap_err()
            .code,
        "overloaded"
    );
    conns.subscribe(key, "0".into(), true, 0).unwrap();
}
