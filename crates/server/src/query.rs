//! Query strings: `name=value` pairs, form-decoded.

use percent_encoding::percent_decode_str;

/// The pairs of a query string in order. Bytes that are no UTF-8 become replacement characters.
pub(crate) fn pairs(query: Option<&str>) -> impl Iterator<Item = (String, String)> {
    let pieces = query
        .unwrap_or("")
        .split('&')
        .filter(|piece| !piece.is_empty());
    pieces.map(|piece| {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        (decode(name), decode(value))
    })
}

/// The first value of `name`, if it has one.
pub(crate) fn first(query: Option<&str>, name: &str) -> Option<String> {
    pairs(query)
        .find(|(candidate, _)| candidate == name)
        .map(|(_, value)| value)
}

fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_form_decoded() {
        let query = Some("a=1+2&b=%C3%A9%2B&c&&a=3&d=x=y");
        let all: Vec<_> = pairs(query)
            .map(|(name, value)| format!("{name}:{value}"))
            .collect();
        assert_eq!(all, ["a:1 2", "b:é+", "c:", "a:3", "d:x=y"]);
        assert_eq!(first(query, "a").as_deref(), Some("1 2"));
        assert_eq!(first(query, "z"), None);
        assert_eq!(pairs(None).count(), 0);
    }
}
