//! Events to many WebSockets of one actor. Each subscriber checks that it hears every event once and
//! in the order of its publisher.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};
use futures_util::{TryStreamExt, stream::FuturesUnordered};
use tokio::{sync::Notify, task::JoinSet};

use super::{Job, Target, recorder::Recorder, set, set_latencies, set_other_load};
use crate::{
    action::{Action, Answer},
    client::{Http, Socket},
    dialect::Message,
    metric,
    results::Values,
};

/// The actor that everybody is connected to.
const KEY: &str = "bench";
/// The length of an event's text.
const TEXT: usize = 100;

pub(super) fn measure(job: &Job<'_>, subscribers: usize, publishers: usize) -> Result<Values> {
    let measurement = job
        .windowed(async |target, recorder| work(target, recorder, subscribers, publishers).await)?;
    let deliveries = (measurement.latencies.len() * subscribers) as f64;
    let mut values = Values::new();
    let cpu = measurement.cpu.as_secs_f64() * 1e6 / deliveries;
    set(&mut values, metric::CPU_DELIVERY, cpu);
    let rate = deliveries / measurement.elapsed.as_secs_f64();
    set(&mut values, metric::DELIVERIES, rate);
    set_latencies(&mut values, &measurement.latencies, metric::ALL_P50, None);
    set_other_load(&mut values, &measurement);
    Ok(values)
}

async fn work(
    target: Target,
    recorder: &Recorder,
    subscribers: usize,
    publishers: usize,
) -> Result<()> {
    let Target {
        address, dialect, ..
    } = target;
    let actor = Http::connect(address, dialect).await?.find(KEY).await?;
    let audience = Arc::new(Audience {
        size: subscribers,
        heard: (0..publishers).map(|_| Heard::default()).collect(),
    });
    let mut listeners = JoinSet::new();
    for _ in 0..subscribers {
        let mut socket = Socket::open(address, dialect, &actor).await?;
        socket.subscribe().await?;
        // The subscription holds from this reply on.
        socket.run(Action::Read).await?;
        listeners.spawn(listen(socket, Arc::clone(&audience)));
    }
    let publishing: FuturesUnordered<_> = (0..publishers)
        .map(async |publisher| {
            let mut socket = Socket::open(address, dialect, &actor).await?;
            publish(&mut socket, publisher, &audience, recorder).await
        })
        .collect();
    tokio::select! {
        done = publishing.try_collect::<()>() => done,
        Some(ended) = listeners.join_next() => match ended? {
            Ok(never) => match never {},
            Err(error) => Err(error).context("a subscriber"),
        },
    }
}

/// Who has heard what.
struct Audience {
    /// Subscribers.
    size: usize,
    /// By publisher.
    heard: Vec<Heard>,
}

/// The event that a publisher has sent last.
#[derive(Default)]
struct Heard {
    /// By how many.
    by: AtomicUsize,
    by_all: Notify,
}

/// Sends an event, waits until all have heard it, and sends the next.
async fn publish(
    socket: &mut Socket,
    publisher: usize,
    audience: &Audience,
    recorder: &Recorder,
) -> Result<()> {
    let heard = &audience.heard[publisher];
    for number in 0.. {
        let text = text(publisher, number);
        let sent = Instant::now();
        let answer = ask(socket, &text).await?;
        ensure!(
            matches!(answer, Answer::Number(1) | Answer::Echo),
            "{answer:?} to the publisher of one event"
        );
        heard.by_all.notified().await;
        if !recorder.reply(sent)? {
            break;
        }
    }
    Ok(())
}

/// Where every WebSocket hears all events, the publisher's does, too.
async fn ask(socket: &mut Socket, text: &str) -> Result<Answer> {
    let id = socket.send(Action::Publish { text, times: 1 }).await?;
    loop {
        match socket.next().await? {
            Message::Reply {
                id: answered,
                answer,
            } => {
                ensure!(answered == id, "a reply to {answered} instead of {id}");
                return Ok(answer);
            }
            Message::Event(_) => {}
            Message::Greeting => bail!("a second greeting"),
        }
    }
}

/// Never ends well by itself.
async fn listen(mut socket: Socket, audience: Arc<Audience>) -> Result<std::convert::Infallible> {
    let mut next = vec![0; audience.heard.len()];
    loop {
        let publisher = match socket.next().await? {
            Message::Event(text) => check(&text, &mut next)?,
            other => bail!("{other:?} instead of an event"),
        };
        let heard = &audience.heard[publisher];
        // One thread: the order is that of the code.
        if heard.by.fetch_add(1, Ordering::Relaxed) + 1 == audience.size {
            heard.by.store(0, Ordering::Relaxed);
            heard.by_all.notify_one();
        }
    }
}

/// Gives the event's publisher.
fn check(text: &str, next: &mut [u64]) -> Result<usize> {
    let (publisher, number) = read(text).with_context(|| format!("the event says `{text}`"))?;
    let expected = next
        .get_mut(publisher)
        .with_context(|| format!("an event of publisher {publisher}, which is not there"))?;
    ensure!(
        number == *expected,
        "event {number} of publisher {publisher} instead of {expected}"
    );
    *expected += 1;
    Ok(publisher)
}

/// 100 bytes: who says it, and which of its events it is.
fn text(publisher: usize, number: u64) -> String {
    let start = format!("{publisher} {number} ");
    format!("{start:.<TEXT$}")
}

fn read(text: &str) -> Option<(usize, u64)> {
    if text.len() != TEXT {
        return None;
    }
    let (publisher, rest) = text.split_once(' ')?;
    let (number, _) = rest.split_once(' ')?;
    Some((publisher.parse().ok()?, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{check, read, text};

    #[test]
    fn an_event_says_who_and_which() {
        assert_eq!(text(15, 1_234_567).len(), 100);
        assert_eq!(read(&text(15, 1_234_567)), Some((15, 1_234_567)));
        assert_eq!(read("15 7 "), None);
    }

    #[test]
    fn lost_doubled_and_strange_events_are_noticed() {
        let mut next = [0, 0];
        assert_eq!(check(&text(1, 0), &mut next).unwrap(), 1);
        assert_eq!(check(&text(0, 0), &mut next).unwrap(), 0);
        assert_eq!(check(&text(1, 1), &mut next).unwrap(), 1);
        assert!(check(&text(1, 1), &mut next).is_err(), "doubled");
        assert!(check(&text(1, 3), &mut next).is_err(), "one lost");
        assert!(check(&text(2, 0), &mut next).is_err(), "nobody's");
        assert!(check("x", &mut next).is_err(), "something else");
    }
}
