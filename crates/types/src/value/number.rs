//! Numbers as JavaScript prints them.

/// Appends `number` as `JSON.stringify` does: the shortest digits that read back as the same
/// number, an exponent only from 1e21 up and below 1e-6, `null` for what JSON cannot say.
pub(super) fn put_js_number(out: &mut Vec<u8>, number: f64) {
    if !number.is_finite() {
        out.extend_from_slice(b"null");
        return;
    }
    if number == 0.0 {
        out.push(b'0');
        return;
    }
    let (digits, point) = shortest(number.abs());
    if number < 0.0 {
        out.push(b'-');
    }
    match usize::try_from(point) {
        Ok(whole @ 1..=21) if digits.len() <= whole => {
            out.extend_from_slice(&digits);
            out.extend(std::iter::repeat_n(b'0', whole - digits.len()));
        }
        Ok(whole @ 1..=21) => {
            out.extend_from_slice(&digits[..whole]);
            out.push(b'.');
            out.extend_from_slice(&digits[whole..]);
        }
        _ if (-5..=0).contains(&point) => {
            out.extend_from_slice(b"0.");
            out.extend(std::iter::repeat_n(b'0', point.unsigned_abs() as usize));
            out.extend_from_slice(&digits);
        }
        _ => {
            out.push(digits[0]);
            if digits.len() > 1 {
                out.push(b'.');
                out.extend_from_slice(&digits[1..]);
            }
            out.extend_from_slice(format!("e{:+}", point - 1).as_bytes());
        }
    }
}

/// The digits of a positive number, neither starting nor ending with 0, and where its decimal point
/// is, counted in digits from the first one.
fn shortest(number: f64) -> (Vec<u8>, i32) {
    // Of two shortest texts that are equally close, JavaScript takes the one with the even digit.
    // So does serde_json, and the standard library does not.
    let text = serde_json::to_string(&number).expect("a number can be written");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().expect("the exponent is an integer");
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole.as_bytes(), fraction.as_bytes()].concat();
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let end = digits
        .iter()
        .rposition(|digit| *digit != b'0')
        .expect("the number is not 0")
        + 1;
    let point = exponent + whole.len() as i32 - zeros as i32;
    (digits[zeros..end].to_vec(), point)
}

/// The decimal digits of a big-endian number of any size. Quadratic: the caller bounds the size.
pub(super) fn decimal(big_endian: &[u8]) -> String {
    const CHUNK: u64 = 1_000_000_000;
    let mut words: Vec<u32> = big_endian
        .rchunks(4)
        .rev()
        .map(|chunk| {
            chunk
                .iter()
                .fold(0, |word, byte| word << 8 | u32::from(*byte))
        })
        .skip_while(|word| *word == 0)
        .collect();
    let mut chunks = Vec::new();
    while !words.is_empty() {
        let mut remainder = 0;
        for word in &mut words {
            let value = remainder << 32 | u64::from(*word);
            *word = (value / CHUNK) as u32;
            remainder = value % CHUNK;
        }
        chunks.push(remainder);
        let zeros = words.iter().take_while(|word| **word == 0).count();
        words.drain(..zeros);
    }
    let mut text = chunks.pop().unwrap_or(0).to_string();
    for chunk in chunks.iter().rev() {
        text.push_str(&format!("{chunk:09}"));
    }
    text
}

/// Adds one to a big-endian number of any size.
pub(super) fn increment(big_endian: &mut Vec<u8>) {
    for byte in big_endian.iter_mut().rev() {
        let (sum, carry) = byte.overflowing_add(1);
        *byte = sum;
        if !carry {
            return;
        }
    }
    big_endian.insert(0, 1);
}
