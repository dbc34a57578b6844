//! A client that makes its calls again until it has an answer, under the id of the first time, so that each has
//! its effect once.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep, timeout};

use super::{Far, far::Attempt};
use crate::{
    history::{Kind, Outcome},
    rng::Rng,
};

/// How long it waits for an answer before it makes the call again: often not long enough.
const PATIENCE: Duration = Duration::from_millis(150);
const PAUSE: Duration = Duration::from_millis(100);
/// When it has had enough.
const ENDURANCE: Duration = Duration::from_secs(15);

/// See the top of the file.
pub(crate) struct Repeater {
    far: Far,
    /// What it is known by, in hexadecimal digits.
    id: String,
    calls: Mutex<Calls>,
}

#[derive(Default)]
struct Calls {
    last: u64,
    /// Those that it may make again.
    open: BTreeSet<u64>,
}

impl Repeater {
    pub(crate) fn new(far: Far, rng: &mut Rng) -> Self {
        Self {
            far,
            id: format!("{:016x}{:016x}", rng.next(), rng.next()),
            calls: Mutex::default(),
        }
    }

    /// Does it, and waits for what comes of it.
    pub(crate) async fn act(&self, key: &str, kind: &Kind) -> Outcome {
        let number = self.begin();
        let outcome = self.repeat(number, key, kind).await;
        self.calls().open.remove(&number);
        outcome
    }

    async fn repeat(&self, number: u64, key: &str, kind: &Kind) -> Outcome {
        let start = Instant::now();
        // An actor of that key that comes later knows nothing of the call.
        let actor = loop {
            match timeout(PATIENCE, self.far.resolve(key)).await {
                Ok(Ok(actor)) => break actor,
                _ if start.elapsed() > ENDURANCE => return Outcome::Refused("gave up".to_owned()),
                _ => sleep(PAUSE).await,
            }
        };
        let mut waited = None;
        let begun = Instant::now();
        loop {
            let first = self.calls().open.first().copied().unwrap_or(number);
            let waited_ms = waited.map_or(0, |waited: Duration| waited.as_millis().max(1));
            let attempt = Attempt {
                actor,
                call: format!("{}.{number}.{first}.{waited_ms}", self.id),
                is_repeat: waited.is_some(),
            };
            let outcome = timeout(PATIENCE, self.far.attempt(&attempt, kind)).await;
            let is_over = start.elapsed() > ENDURANCE;
            match outcome {
                Ok(Outcome::Unknown(why)) if is_over || is_final(&why) => {
                    return Outcome::Unknown(why);
                }
                // The first time may have happened before its actor was destroyed.
                Ok(Outcome::Refused(why)) if waited.is_some() => return Outcome::Unknown(why),
                Ok(outcome @ (Outcome::Done(..) | Outcome::Refused(_))) => return outcome,
                Err(_) if is_over => return Outcome::Unknown("gave up".to_owned()),
                Ok(Outcome::Unknown(_) | Outcome::Open) | Err(_) => {}
            }
            sleep(PAUSE).await;
            waited = Some(begun.elapsed());
        }
    }

    fn begin(&self) -> u64 {
        let mut calls = self.calls();
        calls.last += 1;
        let number = calls.last;
        calls.open.insert(number);
        number
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether another attempt would come to the same.
fn is_final(why: &str) -> bool {
    matches!(
        why,
        "actor.call_interrupted" | "actor.call_expired" | "actor.call_mismatch"
    )
}
