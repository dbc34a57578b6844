//! What the server sends over a connection.

use bytes::Bytes;

use super::{
    ActorRef, Encoding, bare,
    fields::{Field, Named, error_fields, put_fields},
};
use crate::{ActorError, ActorId, EventFrame, cbor, value::ValueError};

/// The extensions of the protocol that the server has, which it tells those who ask: of this version. What else
/// there is for a client follows behind a space.
pub const EXTENSIONS: &str = "1";

/// A message to a connected client, borrowed from whoever has it.
#[derive(Clone, Copy, Debug)]
pub enum ServerFrame<'a> {
    /// The connection is accepted. Always the first frame.
    Init {
        /// The actor that was reached.
        actor: ActorId,
        /// The connection's public id.
        conn_id: &'a str,
        /// What a client proves with that a message outside of this stream is of this connection.
        /// Only where messages to the server take another way than those of the server.
        token: Option<&'a str>,
        /// Whether the client has asked for the extensions of the protocol: it is told that the server
        /// has them. Others see nothing of it.
        extended: bool,
        /// What an extended client shows when it comes back, and the last event before those that it gets. Only
        /// where the actor keeps its events.
        resume: Option<(&'a str, u64)>,
    },
    /// An action failed or, without an id, the connection as a whole.
    Error {
        /// The client's id for the action.
        action_id: Option<u64>,
        /// What happened.
        error: &'a ActorError,
        /// Which actor it comes from, if known.
        actor: Option<&'a ActorRef>,
    },
    /// The answer to an action.
    Response {
        /// The client's id for the action.
        id: u64,
        /// A CBOR value in compat form.
        output: &'a [u8],
    },
    /// Extension: an action has begun to stream its result.
    StreamStart {
        /// The client's id for the action.
        id: u64,
    },
    /// Extension: one item of a stream.
    StreamItem {
        /// The client's id for the action.
        id: u64,
        /// A CBOR value in compat form.
        item: &'a [u8],
    },
    /// Extension: the stream has come to its end. A failure ends it with an error.
    StreamEnd {
        /// The client's id for the action.
        id: u64,
    },
    /// An event.
    Event {
        /// Its name.
        name: &'a str,
        /// One CBOR array in compat form.
        args: &'a [u8],
        /// Extension: its number.
        number: Option<u64>,
    },
    /// Extension: a subscription has begun.
    Subscribed {
        /// The last event before it, of whatever name.
        number: u64,
        /// The event's name.
        event: &'a str,
    },
    /// Extension: the client has missed events that nobody can tell it.
    Resync {
        /// What follows is after this event.
        number: u64,
        /// Why: `expired`, `unknown`, `off`, `too_large` or `slow`.
        reason: &'a str,
        /// The last event that it knows of.
        from: u64,
    },
}

/// The bytes of one WebSocket frame: text if [`Encoding::is_text`], else binary.
///
/// Outputs and arguments come from the host, which promises well-formed CBOR. Should it break its
/// word so that JSON cannot carry the value, the frame becomes an error frame: for the action, or
/// for the connection in case of an event.
pub fn encode_server_frame(encoding: Encoding, frame: ServerFrame<'_>) -> Bytes {
    try_encode(encoding, frame).unwrap_or_else(|_| {
        let action_id = match frame {
            ServerFrame::Response { id, .. }
            | ServerFrame::StreamStart { id }
            | ServerFrame::StreamItem { id, .. }
            | ServerFrame::StreamEnd { id } => Some(id),
            ServerFrame::Error { action_id, .. } => action_id,
            ServerFrame::Init { .. }
            | ServerFrame::Event { .. }
            | ServerFrame::Subscribed { .. }
            | ServerFrame::Resync { .. } => None,
        };
        let error = ActorError::internal();
        let frame = ServerFrame::Error {
            action_id,
            error: &error,
            actor: None,
        };
        try_encode(encoding, frame).expect("an error without metadata has no values")
    })
}

/// The frame of a shared event, encoded for the first client that needs it in this encoding: with its number, if it
/// has one, for `extended` clients.
pub fn encode_event(encoding: Encoding, extended: bool, event: &EventFrame) -> Bytes {
    event.encoded(encoding.slot(), extended, |name, args, number| {
        encode_server_frame(encoding, ServerFrame::Event { name, args, number })
    })
}

fn try_encode(encoding: Encoding, frame: ServerFrame<'_>) -> Result<Bytes, ValueError> {
    match frame {
        ServerFrame::Init {
            actor,
            conn_id,
            token,
            extended,
            resume,
        } => {
            let extensions = extended.then(|| match resume {
                Some((proof, number)) => format!("{EXTENSIONS} resume.{proof}.{number}"),
                None => EXTENSIONS.to_owned(),
            });
            let actor = actor.to_string();
            // In BARE nothing but the end can be left out.
            let token = match encoding {
                Encoding::Bare if extended => Some(token.unwrap_or_default()),
                Encoding::Json | Encoding::Cbor | Encoding::Bare => token,
            };
            let fields = [
                ("actorId", Field::Text(&actor)),
                ("connectionId", Field::Text(conn_id)),
                ("connectionToken", Field::OptionalText(token)),
                ("extensions", Field::OptionalText(extensions.as_deref())),
            ];
            envelope(encoding, 0, "Init", &fields, 0)
        }
        ServerFrame::Error {
            action_id,
            error,
            actor,
        } => {
            let [group, code, message, metadata] = error_fields(error);
            let id = ("actionId", Field::NullableId(action_id));
            let actor = ("actor", Field::OptionalActor(actor));
            let fields = [group, code, message, metadata, id, actor];
            envelope(encoding, 1, "Error", &fields, error.message.len())
        }
        ServerFrame::Response { id, output } => {
            let fields = [("id", Field::Id(id)), ("output", Field::Value(output))];
            envelope(encoding, 2, "ActionResponse", &fields, output.len())
        }
        ServerFrame::StreamStart { id } => {
            envelope(encoding, 32, "StreamStart", &[("id", Field::Id(id))], 0)
        }
        ServerFrame::StreamItem { id, item } => {
            let fields = [("id", Field::Id(id)), ("item", Field::Value(item))];
            envelope(encoding, 33, "StreamItem", &fields, item.len())
        }
        ServerFrame::StreamEnd { id } => {
            envelope(encoding, 34, "StreamEnd", &[("id", Field::Id(id))], 0)
        }
        ServerFrame::Event { name, args, number } => {
            let (name_field, args_field) = (Field::Text(name), Field::Value(args));
            let fields = [
                ("name", name_field),
                ("args", args_field),
                ("number", Field::Id(number.unwrap_or_default())),
            ];
            let present = if number.is_some() { 3 } else { 2 };
            let payload = name.len() + args.len();
            envelope(encoding, 3, "Event", &fields[..present], payload)
        }
        ServerFrame::Subscribed { number, event } => {
            let fields = [
                ("number", Field::Id(number)),
                ("eventName", Field::Text(event)),
            ];
            envelope(encoding, 35, "Subscribed", &fields, event.len())
        }
        ServerFrame::Resync {
            number,
            reason,
            from,
        } => {
            let fields = [
                ("number", Field::Id(number)),
                ("reason", Field::Text(reason)),
                ("from", Field::Id(from)),
            ];
            envelope(encoding, 36, "Resync", &fields, 0)
        }
    }
}

/// `{"body":{"tag":tag,"val":{fields}}}`, or in BARE version, number and fields. `payload` is about
/// how many bytes the fields hold.
fn envelope(
    encoding: Encoding,
    number: u64,
    tag: &str,
    fields: &[Named<'_>],
    payload: usize,
) -> Result<Bytes, ValueError> {
    const OVERHEAD: usize = 96;
    let mut out = Vec::with_capacity(OVERHEAD + payload);
    match encoding {
        Encoding::Json => {
            out.extend_from_slice(br#"{"body":{"tag":""#);
            out.extend_from_slice(tag.as_bytes());
            out.extend_from_slice(br#"","val":"#);
            put_fields(encoding, &mut out, fields)?;
            out.extend_from_slice(b"}}");
        }
        Encoding::Cbor => {
            cbor::put_map(&mut out, 1);
            cbor::put_text(&mut out, "body");
            cbor::put_map(&mut out, 2);
            cbor::put_text(&mut out, "tag");
            cbor::put_text(&mut out, tag);
            cbor::put_text(&mut out, "val");
            put_fields(encoding, &mut out, fields)?;
        }
        Encoding::Bare => {
            bare::put_version(&mut out);
            bare::put_uint(&mut out, number);
            put_fields(encoding, &mut out, fields)?;
        }
    }
    Ok(out.into())
}
