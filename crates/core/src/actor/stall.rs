//! Waiting for a host that runs nothing: its thread is blocked by somebody's code. Such a host does not
//! count the time that calls take, so the actor does, as long as that lasts. Otherwise it costs nothing.

use std::collections::VecDeque;

use greenroom_types::ActorError;
use tokio::time::Instant;

use super::task::{ActorTask, Phase};
use crate::{CallId, ConnKey, HostEvent, Instance as HostInstance};

/// What was there at moments at which the host was known to be blocked, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Stall {
    moments: VecDeque<Moment>,
}

#[derive(Clone, Copy, Debug)]
struct Moment {
    at: Instant,
    /// Calls belong to an instance.
    instance: HostInstance,
    last_call: CallId,
    last_conn: ConnKey,
}

impl ActorTask {
    /// The host is blocked: notes who waits, and answers those who have waited for too long.
    pub(super) fn on_stalled(&mut self) {
        let Some(limit) = self.options.action_timeout else {
            return;
        };
        let Phase::Live(live) = &self.phase else {
            return;
        };
        let now = Instant::now();
        let moment = Moment {
            at: now,
            instance: live.instance,
            last_call: live.calls.last(),
            last_conn: self.conns.last(),
        };
        self.stall.moments.push_back(moment);
        while let Some(oldest) = self.stall.moments.front().copied()
            && now - oldest.at >= limit
        {
            self.stall.moments.pop_front();
            self.give_up_since(oldest);
        }
    }

    /// Answers whoever has waited since then. Their actions may have run, or may run later.
    fn give_up_since(&mut self, moment: Moment) {
        let error = ActorError::action_timed_out_blocked();
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        if live.instance == moment.instance {
            let instance = live.instance;
            for call in live.calls.awaited_up_to(moment.last_call) {
                let Phase::Live(live) = &mut self.phase else {
                    return;
                };
                let Some(caller) = live.end_call(call) else {
                    continue;
                };
                self.shared.host.deliver(instance, HostEvent::Cancel(call));
                self.answer(caller, Err(error.clone()));
                self.refuse_joined(call, &error);
            }
        }
        for conn in self.conns.undecided() {
            if conn <= moment.last_conn {
                self.refuse(conn, &error);
                self.disconnected(conn);
            }
        }
    }
}
