//! Writes CBOR: definite lengths, shortest heads.

use bytes::BufMut;

use super::Major;

/// Writes a head of the shortest form. For [`Major::Simple`], `arg` is a simple value.
pub fn put_head(out: &mut impl BufMut, major: Major, arg: u64) {
    let first = (major as u8) << 5;
    if arg < 24 {
        out.put_u8(first | arg as u8);
    } else if let Ok(byte) = u8::try_from(arg) {
        out.put_u8(first | 24);
        out.put_u8(byte);
    } else if let Ok(short) = u16::try_from(arg) {
        out.put_u8(first | 25);
        out.put_u16(short);
    } else if let Ok(word) = u32::try_from(arg) {
        out.put_u8(first | 26);
        out.put_u32(word);
    } else {
        out.put_u8(first | 27);
        out.put_u64(arg);
    }
}

/// Writes a number from 0 up in the shortest form. From 2^32 on that form is a bigint to
/// JavaScript clients; see [`put_number`].
pub fn put_uint(out: &mut impl BufMut, number: u64) {
    put_head(out, Major::Uint, number);
}

/// Writes an integer in the shortest form, with the same caveat as [`put_uint`].
pub fn put_int(out: &mut impl BufMut, number: i64) {
    match u64::try_from(number) {
        Ok(number) => put_head(out, Major::Uint, number),
        Err(_) => put_head(out, Major::Nint, !number as u64),
    }
}

/// Writes a bigint from 0 up: always 8 bytes.
pub fn put_wide_uint(out: &mut impl BufMut, number: u64) {
    out.put_u8(0x1b);
    out.put_u64(number);
}

/// Writes a bigint: always 8 bytes.
pub fn put_wide_int(out: &mut impl BufMut, number: i64) {
    match u64::try_from(number) {
        Ok(number) => put_wide_uint(out, number),
        Err(_) => {
            out.put_u8(0x3b);
            out.put_u64(!number as u64);
        }
    }
}

/// Writes a JavaScript number: an integer of up to 32 bits in the shortest form, everything else
/// (fractions, wider integers, -0, NaN, infinities) as a float of 8 bytes.
pub fn put_number(out: &mut impl BufMut, number: f64) {
    const BOUND: f64 = 4_294_967_296.0;
    let integer = number.trunc() == number && (-BOUND..BOUND).contains(&number);
    if integer && !(number == 0.0 && number.is_sign_negative()) {
        put_int(out, number as i64);
    } else {
        put_f64(out, number);
    }
}

/// Writes a float of 8 bytes, whatever its value.
pub fn put_f64(out: &mut impl BufMut, number: f64) {
    out.put_u8(0xfb);
    out.put_f64(number);
}

/// Writes a text.
pub fn put_text(out: &mut impl BufMut, text: &str) {
    put_head(out, Major::Text, text.len() as u64);
    out.put_slice(text.as_bytes());
}

/// Writes a byte string.
pub fn put_bytes(out: &mut impl BufMut, bytes: &[u8]) {
    put_head(out, Major::Bytes, bytes.len() as u64);
    out.put_slice(bytes);
}

/// Writes the head of an array; `len` items have to follow.
pub fn put_array(out: &mut impl BufMut, len: usize) {
    put_head(out, Major::Array, len as u64);
}

/// Writes the head of a map; `pairs` keys and values have to follow, in turn.
pub fn put_map(out: &mut impl BufMut, pairs: usize) {
    put_head(out, Major::Map, pairs as u64);
}

/// Writes a tag; the tagged item has to follow.
pub fn put_tag(out: &mut impl BufMut, tag: u64) {
    put_head(out, Major::Tag, tag);
}

/// Writes a boolean.
pub fn put_bool(out: &mut impl BufMut, value: bool) {
    out.put_u8(if value { 0xf5 } else { 0xf4 });
}

/// Writes `null`.
pub fn put_null(out: &mut impl BufMut) {
    out.put_u8(0xf6);
}

/// Writes `undefined`.
pub fn put_undefined(out: &mut impl BufMut) {
    out.put_u8(0xf7);
}
