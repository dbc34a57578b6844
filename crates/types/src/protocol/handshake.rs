//! What a client says in `Sec-WebSocket-Protocol` when it opens a WebSocket.

use bytes::Bytes;

use super::{Encoding, conn_params_from_json};
use crate::{
    ActorError,
    percent::{self, Plus},
};

/// The offered subprotocols, taken apart. Entries that mean nothing here are ignored; of several
/// with the same meaning the first counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handshake {
    /// Whether `rivet` was offered. Answer with it if and only if it was.
    pub offers_rivet: bool,
    encoding: Option<String>,
    conn_params: Option<String>,
    /// What `rivet_target.` names; `actor` for a header-routed connection.
    pub target: Option<String>,
    /// The actor id of a header-routed connection.
    pub actor: Option<String>,
    /// The token of a header-routed connection.
    pub token: Option<String>,
    /// Whether the client does not want to wait for the actor to become ready.
    pub skip_ready_wait: bool,
    /// Whether `greenroom.1` was offered: the client knows our extensions of the protocol.
    pub extended: bool,
    /// What `greenroom_resume.` says: where a client was that comes back.
    pub resume: Option<String>,
}

impl Handshake {
    /// Takes the header's value apart. Several headers of that name count as one, joined by commas.
    pub fn parse(header: &str) -> Self {
        let mut handshake = Self::default();
        for entry in header.split(',').map(str::trim) {
            let (name, value) = entry.split_once('.').unwrap_or((entry, ""));
            let slot = match name {
                "rivet" if value.is_empty() => {
                    handshake.offers_rivet = true;
                    continue;
                }
                "greenroom" if value == "1" => {
                    handshake.extended = true;
                    continue;
                }
                "rivet_skip_ready_wait" => {
                    handshake.skip_ready_wait = true;
                    continue;
                }
                "rivet_encoding" => &mut handshake.encoding,
                "rivet_conn_params" => &mut handshake.conn_params,
                "greenroom_resume" => &mut handshake.resume,
                "rivet_target" => &mut handshake.target,
                "rivet_actor" => &mut handshake.actor,
                "rivet_token" => &mut handshake.token,
                _ => continue,
            };
            slot.get_or_insert_with(|| value.to_owned());
        }
        handshake
    }

    /// The encoding of the connection; JSON when none was asked for.
    ///
    /// # Errors
    /// `actor.unsupported_websocket_encoding` for an unknown one.
    pub fn encoding(&self) -> Result<Encoding, ActorError> {
        match &self.encoding {
            None => Ok(Encoding::default()),
            Some(name) => Encoding::from_name(name)
                .ok_or_else(|| ActorError::unsupported_websocket_encoding(name)),
        }
    }

    /// The connection's parameters in compat form.
    ///
    /// # Errors
    /// `encoding.invalid` for what is not percent-encoded JSON, `message.incoming_too_long`.
    pub fn conn_params(&self) -> Result<Option<Bytes>, ActorError> {
        let Some(encoded) = &self.conn_params else {
            return Ok(None);
        };
        let json = percent::decode(encoded, Plus::Plus).ok_or_else(|| {
            ActorError::invalid_encoding("`rivet_conn_params` is not percent-encoded UTF-8")
        })?;
        conn_params_from_json(json.as_bytes()).map(Some)
    }
}
