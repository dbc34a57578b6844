//! What the key-value pairs of an awake actor are asked for, and told.

use bytes::Bytes;

use super::live::Live;
use crate::{ActorHost, HostEvent, KvAnswer, KvQuery, KvRequest, KvResult};

/// Runs the requests of a turn in order. Writes wait for the turn's commit, answers do not: they stay
/// within the actor, and what leaves it waits at the gate. Tells whether there was a write.
pub(super) fn run(
    live: &mut Live,
    host: &dyn ActorHost,
    requests: Vec<KvRequest>,
    max_size: usize,
) -> bool {
    let mut has_written = false;
    for request in requests {
        let (token, result) = match request {
            KvRequest::Read { token, query } => (token, read(live, query)),
            KvRequest::Put {
                pairs,
                token: Some(token),
            } => {
                let size = live.kv.size();
                let after = live.kv.size_with(&pairs);
                // What makes it smaller is never refused, even if the limit has been lowered.
                if after > max_size && after > size {
                    (token, KvResult::Full { size })
                } else {
                    put(live, pairs);
                    has_written = true;
                    (token, KvResult::Put { size: after })
                }
            }
            KvRequest::Put { pairs, token: None } => {
                put(live, pairs);
                has_written = true;
                continue;
            }
            KvRequest::Delete(keys) => {
                live.journal.buffer_delete(&keys);
                for key in &keys {
                    live.kv.delete(key);
                }
                has_written = true;
                continue;
            }
            KvRequest::DeleteRange { start, end } => {
                live.journal.buffer_delete_range(&start, &end);
                live.kv.delete_range(&start, &end);
                has_written = true;
                continue;
            }
        };
        host.deliver(live.instance, HostEvent::Kv(KvAnswer { token, result }));
    }
    has_written
}

fn read(live: &Live, query: KvQuery) -> KvResult {
    match query {
        KvQuery::Get(keys) => {
            KvResult::Values(keys.iter().map(|key| live.kv.get(key).cloned()).collect())
        }
        KvQuery::List(range) => KvResult::Pairs(live.kv.list(&range)),
    }
}

fn put(live: &mut Live, pairs: Vec<(Bytes, Bytes)>) {
    live.journal.buffer_put(&pairs);
    for (key, value) in pairs {
        // Copied, or a small pair would keep the whole batch that it came in.
        live.kv
            .put(Bytes::copy_from_slice(&key), Bytes::copy_from_slice(&value));
    }
}
