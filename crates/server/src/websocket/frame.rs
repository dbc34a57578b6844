//! Framing what the server sends (RFC 6455, 5.2): whole messages, never masked, never fragmented.

use bytes::{BufMut, Bytes, BytesMut};
use fastwebsockets::OpCode;

/// Longest head of an unmasked frame.
const HEAD: usize = 10;

/// One frame with head and payload in one piece, ready to be shared and written.
pub(crate) fn frame(opcode: OpCode, payload: &[u8]) -> Bytes {
    const FIN: u8 = 0x80;
    let mut out = BytesMut::with_capacity(HEAD + payload.len());
    out.put_u8(FIN | opcode as u8);
    match payload.len() {
        len @ 0..=125 => out.put_u8(len as u8),
        len @ 126..=0xffff => {
            out.put_u8(126);
            out.put_u16(len as u16);
        }
        len => {
            out.put_u8(127);
            out.put_u64(len as u64);
        }
    }
    out.put_slice(payload);
    out.freeze()
}

/// The payload's length of a frame made by [`frame`].
pub(crate) fn payload_len(frame: &[u8]) -> usize {
    let head = match frame.get(1) {
        None => 0,
        Some(126) => 4,
        Some(127) => HEAD,
        Some(_) => 2,
    };
    frame.len().saturating_sub(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_as_short_as_they_can_be() {
        for (len, head) in [
            (0, vec![0x82, 0]),
            (125, vec![0x82, 125]),
            (126, vec![0x82, 126, 0, 126]),
            (65_535, vec![0x82, 126, 0xff, 0xff]),
            (65_536, vec![0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let framed = frame(OpCode::Binary, &vec![7; len]);
            assert_eq!(&framed[..head.len()], head, "{len}");
            assert_eq!(framed.len(), head.len() + len);
            assert_eq!(payload_len(&framed), len);
        }
        assert_eq!(&frame(OpCode::Text, b"hi")[..], b"\x81\x02hi");
        assert_eq!(&frame(OpCode::Close, b"")[..], b"\x88\x00");
    }
}
