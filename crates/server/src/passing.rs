//! What a client says over its connection, on the way to the actor.

use greenroom_core::{Connection, Passing};
use greenroom_types::{ActorError, limits, protocol::ClientFrame};

/// How a message goes to the actor. It is looked up before anything waits: a future has room for all that its ways need,
/// and most of them are the same one.
enum Way<'a> {
    Mailbox(Passing<'a>),
    Cancel { id: u64 },
    Credit { id: u64, items: u32 },
}

/// Passes a message on, once there is room for it in the actor's mailbox.
///
/// # Errors
/// Only when the connection is closed.
pub(crate) fn pass(
    connection: &Connection,
    frame: ClientFrame,
) -> impl Future<Output = Result<(), ActorError>> + Send {
    let mut way = way(connection, frame);
    async move {
        // Matched where it is: taken out of there, it would have its place twice.
        match &mut way {
            Way::Mailbox(passing) => passing.await,
            Way::Cancel { id } => Box::pin(connection.cancel(*id)).await,
            Way::Credit { id, items } => {
                Box::pin(connection.credit(*id, *items)).await;
                Ok(())
            }
        }
    }
}

fn way(connection: &Connection, frame: ClientFrame) -> Way<'_> {
    Way::Mailbox(match frame {
        ClientFrame::Action {
            id,
            name,
            args,
            compat,
            key,
        } => connection.keyed_action(id, name, args, compat, key),
        ClientFrame::Caller {
            caller,
            next,
            waited_ms,
        } => connection.calls_of(caller, next, waited_ms),
        ClientFrame::Answered { first } => connection.answered(first),
        ClientFrame::Subscribe { event, on } => connection.subscribe(event, on),
        ClientFrame::Resume { events } => {
            let more = events.len() == limits::RESUMED_AT_ONCE;
            connection.resume(events, more)
        }
        ClientFrame::Cancel { id } => return Way::Cancel { id },
        ClientFrame::Credit { id, items } => return Way::Credit { id, items },
    })
}
