//! The fields of a batch's records, one after the other.

use std::net::IpAddr;

use bytes::Bytes;
use greenroom_core::{
    Alarm, CallId, ConnKey, KvQuery, KvRange, QueueMessage, ResponseHead, StreamPart,
};
use greenroom_server::Origin;
use greenroom_types::ActorError;

use super::{BODY_FOLLOWS, TRUSTED, TurnsError};
use crate::{
    batch::ABSENT,
    in_process::{Begin, BeginBody},
};

/// A position in a batch.
pub(super) struct Cursor {
    pub(super) rest: Bytes,
    at: usize,
}

impl Cursor {
    pub(super) fn new(batch: Bytes) -> Self {
        Self { rest: batch, at: 0 }
    }

    pub(super) fn error(&self, what: &'static str) -> TurnsError {
        TurnsError { at: self.at, what }
    }

    pub(super) fn take(&mut self, len: usize) -> Result<Bytes, TurnsError> {
        if len > self.rest.len() {
            return Err(self.error("the record ends early"));
        }
        self.at += len;
        Ok(self.rest.split_to(len))
    }

    pub(super) fn u8(&mut self) -> Result<u8, TurnsError> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn u32(&mut self) -> Result<u32, TurnsError> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes(
            bytes.as_ref().try_into().expect("four bytes were taken"),
        ))
    }

    pub(super) fn bytes(&mut self) -> Result<Bytes, TurnsError> {
        let len = self.u32()?;
        self.take(len as usize)
    }

    pub(super) fn section(&mut self) -> Result<Cursor, TurnsError> {
        let start = self.at + 4;
        Ok(Cursor {
            rest: self.bytes()?,
            at: start,
        })
    }

    pub(super) fn opt(&mut self) -> Result<Option<Bytes>, TurnsError> {
        let len = self.u32()?;
        if len == ABSENT {
            Ok(None)
        } else {
            self.take(len as usize).map(Some)
        }
    }

    pub(super) fn str(&mut self) -> Result<String, TurnsError> {
        let bytes = self.bytes()?;
        match str::from_utf8(&bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(self.error("a text is not UTF-8")),
        }
    }

    /// A time in whole milliseconds; JavaScript has no other number than this one.
    pub(super) fn time_ms(&mut self) -> Result<i64, TurnsError> {
        let bytes = self.take(8)?;
        let time = f64::from_le_bytes(bytes.as_ref().try_into().expect("eight bytes were taken"));
        if time.is_finite() {
            Ok(time as i64)
        } else {
            Err(self.error("a time is not a number"))
        }
    }

    pub(super) fn alarm(&mut self) -> Result<Alarm, TurnsError> {
        Ok(Alarm {
            id: self.str()?,
            due_ms: self.time_ms()?,
            attempt: self.u32()?,
            // Copied, because it stays in memory and would keep the whole batch there.
            body: Bytes::copy_from_slice(&self.bytes()?),
        })
    }

    pub(super) fn opt_u32(&mut self) -> Result<Option<u32>, TurnsError> {
        let number = self.u32()?;
        Ok((number != ABSENT).then_some(number))
    }

    /// A count and as many items.
    pub(super) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, TurnsError>,
    ) -> Result<Vec<T>, TurnsError> {
        let count = self.u32()?;
        // Grows with what is read: the count alone is no reason to take memory.
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    pub(super) fn kv_query(&mut self) -> Result<KvQuery, TurnsError> {
        match self.u8()? {
            0 => self.list(Self::bytes).map(KvQuery::Get),
            1 => Ok(KvQuery::List(KvRange {
                start: self.bytes()?,
                end: self.opt()?,
                reverse: self.u8()? != 0,
                limit: self.u32()? as usize,
            })),
            _ => Err(self.error("unknown query")),
        }
    }

    pub(super) fn u16(&mut self) -> Result<u16, TurnsError> {
        let bytes = self.take(2)?;
        Ok(u16::from_le_bytes(
            bytes.as_ref().try_into().expect("two bytes were taken"),
        ))
    }

    pub(super) fn begin_request(&mut self) -> Result<Begin, TurnsError> {
        let request = self.u32()?;
        let flags = self.u8()?;
        let method = self.str()?;
        let target = self.str()?;
        let mut headers = Vec::new();
        for _ in 0..self.u16()? {
            headers.push((self.str()?, self.str()?));
        }
        let body = self.opt()?;
        let peer = self.address()?;
        Ok(Begin {
            request,
            peer,
            origin: match flags & TRUSTED {
                0 => Origin::Public,
                _ => Origin::Trusted,
            },
            method,
            target,
            headers,
            body: match body {
                _ if flags & BODY_FOLLOWS != 0 => BeginBody::Follows,
                Some(body) => BeginBody::Whole(Bytes::copy_from_slice(&body)),
                None => BeginBody::Whole(Bytes::new()),
            },
            clearance: None,
        })
    }

    /// An address, if it is known. What is none, such as the path of a local socket, is not known.
    pub(super) fn address(&mut self) -> Result<Option<IpAddr>, TurnsError> {
        let text = self.opt()?;
        let address = text.and_then(|text| str::from_utf8(&text).ok()?.parse().ok());
        // Sockets for both versions of IP have the older one's addresses within the newer one's.
        Ok(address.map(|address: IpAddr| address.to_canonical()))
    }

    pub(super) fn response_head(&mut self) -> Result<ResponseHead, TurnsError> {
        let status = self.u16()?;
        let reason = self.str()?;
        // Copied, because they outlive the batch.
        let headers = self.list(|cursor| {
            let name = cursor.str()?;
            Ok((name, Bytes::copy_from_slice(&cursor.bytes()?)))
        })?;
        Ok(ResponseHead {
            status,
            reason,
            headers,
        })
    }

    pub(super) fn call(&mut self) -> Result<CallId, TurnsError> {
        self.u32().map(CallId)
    }

    /// A whole number; JavaScript counts no further than 2^53.
    pub(super) fn number(&mut self) -> Result<u64, TurnsError> {
        let bytes = self.take(8)?;
        let number = f64::from_le_bytes(bytes.as_ref().try_into().expect("eight bytes were taken"));
        if number >= 0.0 && number.fract() == 0.0 {
            Ok(number as u64)
        } else {
            Err(self.error("a number is not a whole one"))
        }
    }

    pub(super) fn message(&mut self) -> Result<QueueMessage, TurnsError> {
        Ok(QueueMessage {
            id: self.number()?,
            body: self.bytes()?,
        })
    }

    pub(super) fn stream_part(&mut self) -> Result<StreamPart, TurnsError> {
        Ok(match self.u8()? {
            0 => StreamPart::Start,
            1 => StreamPart::Item(self.bytes()?),
            2 => StreamPart::End,
            _ => return Err(self.error("unknown part of a stream")),
        })
    }

    pub(super) fn conn(&mut self) -> Result<ConnKey, TurnsError> {
        self.u32().map(ConnKey)
    }

    pub(super) fn opt_conn(&mut self) -> Result<Option<ConnKey>, TurnsError> {
        let conn = self.u32()?;
        Ok((conn != ABSENT).then_some(ConnKey(conn)))
    }

    pub(super) fn error_value(&mut self) -> Result<ActorError, TurnsError> {
        Ok(ActorError {
            group: self.str()?.into(),
            code: self.str()?.into(),
            message: self.str()?,
            metadata: self.opt()?,
        })
    }
}
