//! The three encodings.

use crate::EventFrame;

/// How messages and values are written, chosen by the client per request or connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// JSON text, with `$` escapes for what JSON lacks.
    #[default]
    Json,
    /// CBOR; values from clients are plain, values to clients are in compat form.
    Cbor,
    /// BARE messages around CBOR values in compat form.
    Bare,
}

const _: () = assert!(Encoding::ALL.len() <= EventFrame::SLOTS);

impl Encoding {
    /// All of them, by [`Encoding::slot`].
    pub const ALL: [Self; 3] = [Self::Json, Self::Cbor, Self::Bare];

    /// The encoding called `name`: `json`, `cbor` or `bare`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|encoding| encoding.name() == name)
    }

    /// The encoding of an HTTP request with this `x-rivet-encoding` header; JSON when it is missing
    /// or unknown.
    pub fn from_header(value: Option<&str>) -> Self {
        value
            .and_then(|value| Self::from_name(value.trim()))
            .unwrap_or_default()
    }

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Cbor => "cbor",
            Self::Bare => "bare",
        }
    }

    /// The slot of [`EventFrame::encoded`] that holds frames of this encoding.
    pub fn slot(self) -> usize {
        self as usize
    }

    /// The `content-type` of its HTTP bodies. Clients tell JSON errors by it.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Cbor | Self::Bare => "application/octet-stream",
        }
    }

    /// Whether its WebSocket frames are text frames.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Json)
    }

    /// Whether values from clients are in compat form, with `$` escapes inside.
    pub fn is_compat(self) -> bool {
        match self {
            Self::Json | Self::Bare => true,
            Self::Cbor => false,
        }
    }
}
