use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::Wake,
    thread,
};

use proptest::prelude::*;

use super::*;

/// Counts how often it is woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Bell {
    fn rings(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

type Pending<'a> = Pin<Box<dyn Future<Output = Result<(), u32>> + 'a>>;

fn poll_once(
    reader: &mut InboxReader<u32, u32>,
    bell: &Arc<Bell>,
    takes_messages: bool,
) -> Poll<Mail<u32, u32>> {
    let waker = Waker::from(Arc::clone(bell));
    reader.poll_next(&mut Context::from_waker(&waker), takes_messages)
}

fn poll_send(send: &mut Pending<'_>) -> Poll<Result<(), u32>> {
    send.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn control_comes_before_messages_and_both_in_order() {
    let (inbox, mut reader) = inbox(4);
    let bell = Arc::new(Bell::default());
    inbox.try_send(1).expect("there is room");
    inbox.try_send(2).expect("there is room");
    inbox.tell(8);
    inbox.tell(9);
    let mut next = |takes| poll_once(&mut reader, &bell, takes);
    assert_eq!(next(true), Poll::Ready(Mail::Control(8)));
    assert_eq!(next(false), Poll::Ready(Mail::Control(9)));
    assert_eq!(next(false), Poll::Pending);
    assert_eq!(next(true), Poll::Ready(Mail::Message(1)));
    assert_eq!(next(true), Poll::Ready(Mail::Message(2)));
    assert_eq!(next(true), Poll::Pending);
}

#[test]
fn a_reader_that_takes_no_messages_is_not_woken_for_them() {
    let (inbox, mut reader) = inbox(4);
    let bell = Arc::new(Bell::default());
    assert_eq!(poll_once(&mut reader, &bell, false), Poll::Pending);
    inbox.try_send(1).expect("there is room");
    assert_eq!(bell.rings(), 0);
    inbox.tell(2);
    assert_eq!(bell.rings(), 1);
    inbox.tell(3);
    assert_eq!(bell.rings(), 1, "once is enough");
    for control in [2, 3] {
        let next = poll_once(&mut reader, &bell, false);
        assert_eq!(next, Poll::Ready(Mail::Control(control)));
    }
    let next = poll_once(&mut reader, &bell, true);
    assert_eq!(next, Poll::Ready(Mail::Message(1)));
    assert_eq!(poll_once(&mut reader, &bell, true), Poll::Pending);
    inbox.try_send(4).expect("there is room");
    assert_eq!(bell.rings(), 2);
}

#[test]
fn a_full_inbox_refuses_messages_and_takes_control() {
    let (inbox, mut reader) = inbox(2);
    let bell = Arc::new(Bell::default());
    inbox.try_send(1).expect("there is room");
    inbox.try_send(2).expect("there is room");
    assert_eq!(inbox.try_send(3), Err(Unsent::Full(3)));
    inbox.tell(4);
    let next = poll_once(&mut reader, &bell, true);
    assert_eq!(next, Poll::Ready(Mail::Control(4)));
    assert_eq!(inbox.try_send(3), Err(Unsent::Full(3)));
    assert_eq!(reader.try_take(), Some(1));
    inbox.try_send(3).expect("there is room");
}

#[test]
fn room_goes_to_those_who_wait_for_it_in_order() {
    let (inbox, mut reader) = inbox::<u32, u32>(1);
    inbox.try_send(1).expect("there is room");
    let mut second: Pending<'_> = Box::pin(inbox.send(2));
    let mut gives_up: Pending<'_> = Box::pin(inbox.send(3));
    let mut fourth: Pending<'_> = Box::pin(inbox.send(4));
    assert!(poll_send(&mut second).is_pending());
    assert!(poll_send(&mut gives_up).is_pending());
    assert!(poll_send(&mut fourth).is_pending());
    assert_eq!(reader.try_take(), Some(1));
    assert_eq!(inbox.try_send(5), Err(Unsent::Full(5)), "others wait");
    assert!(poll_send(&mut fourth).is_pending());
    assert_eq!(poll_send(&mut second), Poll::Ready(Ok(())));
    assert_eq!(reader.try_take(), Some(2));
    // Its place is its, and is free again when it does not come.
    drop(gives_up);
    assert_eq!(poll_send(&mut fourth), Poll::Ready(Ok(())));
    assert_eq!(reader.try_take(), Some(4));
}

#[test]
fn a_closed_inbox_gives_messages_back_and_what_is_there_can_be_taken() {
    let (inbox, mut reader) = inbox::<u32, u32>(1);
    let bell = Arc::new(Bell::default());
    inbox.try_send(1).expect("there is room");
    let mut waits: Pending<'_> = Box::pin(inbox.send(2));
    assert!(poll_send(&mut waits).is_pending());
    reader.close();
    assert_eq!(poll_send(&mut waits), Poll::Ready(Err(2)));
    assert_eq!(inbox.try_send(3), Err(Unsent::Closed(3)));
    assert!(!reader.is_empty());
    assert_eq!(reader.try_take(), Some(1));
    assert_eq!(reader.try_take(), None);
    inbox.tell(4);
    let next = poll_once(&mut reader, &bell, true);
    assert_eq!(next, Poll::Ready(Mail::Control(4)));
}

#[test]
fn what_nobody_takes_is_dropped_with_the_reader() {
    let (inbox, reader) = inbox(4);
    let held = Arc::new(());
    inbox.try_send(Arc::clone(&held)).expect("there is room");
    inbox.tell(Arc::clone(&held));
    assert_eq!(Arc::strong_count(&held), 3);
    drop(reader);
    assert_eq!(Arc::strong_count(&held), 1);
    let unsent = inbox.try_send(Arc::clone(&held));
    assert_eq!(unsent, Err(Unsent::Closed(Arc::clone(&held))));
    drop(unsent);
    inbox.tell(Arc::clone(&held));
    assert_eq!(Arc::strong_count(&held), 1);
}

/// Such as a body that tells the actor that nobody reads it: it must not find the inbox locked.
#[test]
fn what_is_dropped_may_use_the_inbox() {
    struct Tells(Arc<Inbox<Tells, u32>>);
    impl Drop for Tells {
        fn drop(&mut self) {
            self.0.tell(1);
        }
    }
    let (inbox, reader) = inbox(4);
    let message = Tells(Arc::clone(&inbox));
    assert!(inbox.try_send(message).is_ok());
    drop(reader);
    assert!(inbox.try_send(Tells(Arc::clone(&inbox))).is_err());
}

#[test]
fn an_inbox_has_no_room_to_spare_once_it_is_trimmed() {
    let (inbox, mut reader) = inbox::<u32, u32>(100);
    for number in 0..100 {
        inbox.try_send(number).expect("there is room");
        inbox.tell(number);
    }
    reader.trim();
    let bell = Arc::new(Bell::default());
    while poll_once(&mut reader, &bell, true).is_ready() {}
    assert!(inbox.lock().messages.capacity() >= 100);
    reader.trim();
    let queues = inbox.lock();
    assert_eq!(
        (queues.messages.capacity(), queues.control.capacity()),
        (0, 0)
    );
}

/// One step of a random life.
#[derive(Clone, Debug)]
enum Step {
    TrySend,
    /// Begins to wait for room if there is none.
    Send,
    /// Looks whether the one that has waited for so long has got its room.
    Look(prop::sample::Index),
    GiveUp(prop::sample::Index),
    Tell,
    Next {
        takes_messages: bool,
    },
    Take,
    Trim,
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::TrySend),
        6 => Just(Step::Send),
        4 => any::<prop::sample::Index>().prop_map(Step::Look),
        2 => any::<prop::sample::Index>().prop_map(Step::GiveUp),
        4 => Just(Step::Tell),
        10 => any::<bool>().prop_map(|takes_messages| Step::Next { takes_messages }),
        2 => Just(Step::Take),
        1 => Just(Step::Trim),
        1 => Just(Step::Close),
    ]
}

/// What an inbox is to be: queues, and who has been given a place without having taken it.
#[derive(Default)]
struct Model {
    messages: VecDeque<u32>,
    control: VecDeque<u32>,
    granted: usize,
    closed: bool,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Compared with queues of the standard library. Messages that wait for room are in the order of their places.
    #[test]
    fn an_inbox_is_two_queues(limit in 1usize..5, steps in prop::collection::vec(step(), 0..200)) {
        let (inbox, mut reader) = inbox::<u32, u32>(limit);
        let bell = Arc::new(Bell::default());
        let mut model = Model::default();
        // In the order in which they came: the first `granted` of them have their place.
        let mut waiting: Vec<(u32, Pending<'_>)> = Vec::new();
        let mut number = 0;
        for step in steps {
            number += 1;
            let has_room = model.messages.len() + model.granted < limit;
            match step {
                Step::TrySend => {
                    let expected = match (model.closed, has_room) {
                        (true, _) => Err(Unsent::Closed(number)),
                        (false, false) => Err(Unsent::Full(number)),
                        (false, true) => {
                            model.messages.push_back(number);
                            Ok(())
                        }
                    };
                    prop_assert_eq!(inbox.try_send(number), expected);
                }
                Step::Send => {
                    let mut send: Pending<'_> = Box::pin(inbox.send(number));
                    match poll_send(&mut send) {
                        Poll::Ready(Ok(())) => {
                            prop_assert!(has_room && !model.closed);
                            model.messages.push_back(number);
                        }
                        Poll::Ready(Err(back)) => {
                            prop_assert!(model.closed);
                            prop_assert_eq!(back, number);
                        }
                        Poll::Pending => {
                            prop_assert!(!has_room && !model.closed);
                            waiting.push((number, send));
                        }
                    }
                }
                Step::Look(index) if !waiting.is_empty() => {
                    let index = index.index(waiting.len());
                    let (sent, mut send) = waiting.remove(index);
                    match poll_send(&mut send) {
                        Poll::Ready(Ok(())) => {
                            prop_assert!(index < model.granted && !model.closed);
                            model.granted -= 1;
                            model.messages.push_back(sent);
                        }
                        Poll::Ready(Err(back)) => {
                            prop_assert!(model.closed);
                            prop_assert_eq!(back, sent);
                            model.granted -= usize::from(index < model.granted);
                        }
                        Poll::Pending => {
                            prop_assert!(index >= model.granted && !model.closed);
                            waiting.insert(index, (sent, send));
                        }
                    }
                }
                Step::GiveUp(index) if !waiting.is_empty() => {
                    let index = index.index(waiting.len());
                    drop(waiting.remove(index));
                    // Its place goes to the next one who waits.
                    if index < model.granted && waiting.len() < model.granted {
                        model.granted -= 1;
                    }
                }
                Step::Look(_) | Step::GiveUp(_) => {}
                Step::Tell => {
                    inbox.tell(number);
                    model.control.push_back(number);
                }
                Step::Next { takes_messages } => {
                    let expected = match model.control.pop_front() {
                        Some(control) => Poll::Ready(Mail::Control(control)),
                        None if takes_messages => match model.messages.pop_front() {
                            Some(message) => {
                                model.granted += usize::from(waiting.len() > model.granted);
                                Poll::Ready(Mail::Message(message))
                            }
                            None => Poll::Pending,
                        },
                        None => Poll::Pending,
                    };
                    prop_assert_eq!(poll_once(&mut reader, &bell, takes_messages), expected);
                }
                Step::Take => {
                    let expected = model.messages.pop_front();
                    if expected.is_some() {
                        model.granted += usize::from(waiting.len() > model.granted);
                    }
                    prop_assert_eq!(reader.try_take(), expected);
                }
                Step::Trim => reader.trim(),
                Step::Close => {
                    reader.close();
                    model.closed = true;
                }
            }
            prop_assert_eq!(reader.is_empty(), model.messages.is_empty());
        }
    }
}

/// Many threads at once: nothing is lost, doubled or held up, and what one thread sends comes in its order.
#[test]
fn threads_share_an_inbox() {
    const THREADS: u32 = 4;
    const EACH: u32 = 5_000;
    let (inbox, mut reader) = inbox::<(u32, u32), (u32, u32)>(8);
    let senders: Vec<_> = (0..THREADS)
        .map(|thread| {
            let inbox = Arc::clone(&inbox);
            thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                let runtime = runtime.expect("a runtime of tokio");
                runtime.block_on(async {
                    for number in 0..EACH {
                        match number % 3 {
                            0 => inbox.tell((thread, number)),
                            1 => inbox.send((thread, number)).await.expect("it is open"),
                            _ => {
                                if let Err(unsent) = inbox.try_send((thread, number)) {
                                    let Unsent::Full(message) = unsent else {
                                        panic!("it is open");
                                    };
                                    inbox.send(message).await.expect("it is open");
                                }
                            }
                        }
                    }
                });
            })
        })
        .collect();
    let (mut messages, mut control) = (vec![Vec::new(); 4], vec![Vec::new(); 4]);
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime of tokio").block_on(async {
        for taken in 0..THREADS * EACH {
            let mail = poll_fn(|cx| reader.poll_next(cx, true)).await;
            let (to, (thread, number)) = match mail {
                Mail::Message(from) => (&mut messages, from),
                Mail::Control(from) => (&mut control, from),
            };
            to[thread as usize].push(number);
            if taken % 1_000 == 0 {
                reader.trim();
            }
        }
    });
    for sender in senders {
        sender.join().expect("no thread panics");
    }
    for (messages, control) in messages.into_iter().zip(control) {
        assert!(messages.is_sorted() && control.is_sorted());
        let mut all: Vec<u32> = [messages, control].concat();
        all.sort();
        assert!(all.into_iter().eq(0..EACH));
    }
}
