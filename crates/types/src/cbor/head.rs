//! The first bytes of an item: its kind and its number.

/// The kind of an item, with CBOR's number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Major {
    /// A number from 0 up.
    Uint = 0,
    /// A number from -1 down: `-1 - arg`.
    Nint = 1,
    /// A byte string of `arg` bytes.
    Bytes = 2,
    /// A text of `arg` bytes.
    Text = 3,
    /// An array of `arg` items.
    Array = 4,
    /// A map of `arg` pairs of items.
    Map = 5,
    /// Tag number `arg`, followed by the tagged item.
    Tag = 6,
    /// A simple value, a float, or a break.
    Simple = 7,
}

/// The head of an item. What follows it (string bytes, array elements) is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The kind.
    pub major: Major,
    /// The low five bits of the first byte: 0-23 the number itself, 24-27 a number in 1, 2, 4 or 8
    /// more bytes, 31 an indefinite length (or, for [`Major::Simple`], a break). Never 28-30.
    pub info: u8,
    /// The number. For floats their bits, in the low 16, 32 or 64 bits; 0 for `info` 31.
    pub arg: u64,
}

impl Head {
    /// The number of an item without a length.
    pub const INDEFINITE: u8 = 31;

    /// Whether this starts a string, array or map that goes on up to a break.
    pub fn is_indefinite(self) -> bool {
        self.info == Self::INDEFINITE && !matches!(self.major, Major::Simple)
    }

    /// Whether this is the break that ends an indefinite item.
    pub fn is_break(self) -> bool {
        self.info == Self::INDEFINITE && matches!(self.major, Major::Simple)
    }

    /// Whether the number is written in 8 bytes. An integer written like that is a bigint to
    /// JavaScript clients.
    pub fn is_wide(self) -> bool {
        self.info == 27
    }

    /// Whether this is `null`.
    pub fn is_null(self) -> bool {
        matches!(self.major, Major::Simple) && self.info == 22
    }

    /// Whether this is `undefined`.
    pub fn is_undefined(self) -> bool {
        matches!(self.major, Major::Simple) && self.info == 23
    }

    /// The boolean, if it is one.
    pub fn boolean(self) -> Option<bool> {
        match (self.major, self.info) {
            (Major::Simple, 20) => Some(false),
            (Major::Simple, 21) => Some(true),
            _ => None,
        }
    }

    /// The float, if it is one of any width.
    pub fn float(self) -> Option<f64> {
        match (self.major, self.info) {
            (Major::Simple, 25) => Some(half(self.arg as u16)),
            (Major::Simple, 26) => Some(f64::from(f32::from_bits(self.arg as u32))),
            (Major::Simple, 27) => Some(f64::from_bits(self.arg)),
            _ => None,
        }
    }
}

/// The value of an IEEE 754 half-precision float.
fn half(bits: u16) -> f64 {
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff);
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (fraction + 1024.0) * 2f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}
