//! Wakes sleeping actors whose alarms are due, and at the beginning those that the last process left
//! behind. Awake ones watch their own alarms.

use std::{collections::HashMap, sync::Arc, time::Duration};

use greenroom_store::{DueAlarm, StoreError};
use greenroom_types::ActorId;
use tokio::time::Instant;
use tracing::warn;

use crate::{
    actor::Message,
    mark::{LATEST_ALARM_MS, Mark},
    shared::Shared,
};

/// Actors woken in one go.
const BATCH: usize = 256;
/// How long to wait at most without a look at the wall clock, which may jump.
const CLOCK_CHECK: Duration = Duration::from_secs(1);
/// An actor that was woken and whose alarm is still due after this long is woken again: it could not
/// start, or was put to sleep before it had done its work. Each further pause is twice as long,
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How long to wait when the store could not be read.
const STORE_RETRY: Duration = Duration::from_secs(5);

/// Runs until the runtime shuts down.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut clock = AlarmClock {
        shared: Arc::clone(&shared),
        woken: HashMap::new(),
        next_ms: None,
    };
    let mut revived = false;
    while shared.check_running().is_ok() {
        if !revived {
            revived = match revive(&shared).await {
                Ok(()) => true,
                Err(cause) => {
                    warn!(%cause, "the actors that were lost with the last process could not be read");
                    false
                }
            };
        }
        for (actor, mark) in shared.take_fallen() {
            let _ = shared.send(actor, Message::Revive(mark));
        }
        let wait = clock.wake_due().await.unwrap_or_else(|cause| {
            warn!(%cause, "the alarms of sleeping actors could not be read");
            STORE_RETRY
        });
        if wait.is_zero() {
            // Whoever was woken has a turn before the next ones are: the store answers from memory, and nothing here waits.
            tokio::task::yield_now().await;
            continue;
        }
        tokio::select! {
            biased;
            () = shared.stopped.notified() => {}
            () = shared.alarms_changed.notified() => {}
            () = clock.until_due(wait) => {}
        }
    }
}

/// Wakes the actors that were at work when the process before this one ended.
async fn revive(shared: &Arc<Shared>) -> Result<(), StoreError> {
    let mut after = DueAlarm {
        due_ms: LATEST_ALARM_MS,
        actor: ActorId::from_bytes([0xff; 16]),
    };
    loop {
        let page = shared.store.alarms_after(after, BATCH).await?;
        for alarm in &page {
            if let Some(mark) = Mark::of_alarm_ms(alarm.due_ms) {
                // One that cannot take the message has others, and wakes for those.
                let _ = shared.send(alarm.actor, Message::Revive(mark));
            }
        }
        match page.last() {
            Some(&last) if page.len() == BATCH => after = last,
            Some(_) | None => return Ok(()),
        }
    }
}

struct AlarmClock {
    shared: Arc<Shared>,
    /// What was woken and has not moved its alarm since.
    woken: HashMap<ActorId, Woken>,
    /// The earliest alarm that is not due yet.
    next_ms: Option<i64>,
}

/// An actor that was woken.
#[derive(Clone, Copy)]
struct Woken {
    /// For which alarm.
    due_ms: i64,
    /// How often for the same one.
    times: u32,
    /// When to wake it again.
    again_at: Instant,
}

impl Woken {
    fn new(due_ms: i64, times: u32, now: Instant) -> Self {
        let doublings = times.saturating_sub(1).min(16);
        let pause = FIRST_PAUSE
            .saturating_mul(1 << doublings)
            .min(LONGEST_PAUSE);
        Self {
            due_ms,
            times,
            again_at: now + pause,
        }
    }
}

impl AlarmClock {
    /// Wakes the actors whose alarms are due, and says when to look again at the latest.
    async fn wake_due(&mut self) -> Result<Duration, StoreError> {
        let now_ms = self.shared.env.now_ms();
        // Those that were woken may not have moved their alarms yet, and must not hide the others.
        let limit = self.woken.len() + BATCH;
        let alarms = self.shared.store.due_alarms(LATEST_ALARM_MS, limit).await?;
        let due = alarms.partition_point(|alarm| alarm.due_ms <= now_ms);
        self.next_ms = alarms.get(due).map(|alarm| alarm.due_ms);
        let now = Instant::now();
        let before = std::mem::take(&mut self.woken);
        for alarm in &alarms[..due] {
            let woken = before.get(&alarm.actor).copied();
            let woken = match woken.filter(|woken| woken.due_ms == alarm.due_ms) {
                Some(woken) if now < woken.again_at => woken,
                woken => {
                    // A mailbox that is full is a reason to look again soon, as for any other.
                    let _ = self.shared.send(alarm.actor, Message::Alarm);
                    let times = woken.map_or(0, |woken| woken.times).saturating_add(1);
                    Woken::new(alarm.due_ms, times, now)
                }
            };
            self.woken.insert(alarm.actor, woken);
        }
        let more_are_due = due == alarms.len() && due == limit;
        Ok(if more_are_due {
            Duration::ZERO
        } else {
            let next = self.woken.values().map(|woken| woken.again_at).min();
            next.map_or(LONGEST_PAUSE, |at| at - now).min(LONGEST_PAUSE)
        })
    }

    /// Waits until the next alarm is due by the wall clock, or for `at_most`.
    async fn until_due(&self, at_most: Duration) {
        let end = Instant::now() + at_most;
        loop {
            let now_ms = self.shared.env.now_ms();
            let left = self.next_ms.map(|next_ms| next_ms.saturating_sub(now_ms));
            if left.is_some_and(|left| left <= 0) {
                return;
            }
            let until_next = left
                .and_then(|left| u64::try_from(left).ok())
                .map_or(at_most, Duration::from_millis);
            let check = match self.shared.env.is_steady() {
                true => Duration::MAX,
                false => CLOCK_CHECK,
            };
            let wait = until_next.min(check).min(end - Instant::now());
            if wait.is_zero() {
                return;
            }
            tokio::time::sleep(wait).await;
        }
    }
}
