//! Who asks, as far as the request says.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use hyper::{HeaderMap, Request};

use super::management::bearer;
use crate::{
    app::App,
    dispatch::{Origin, origin},
};

/// The header in which proxies write where a request came from.
const X_FORWARDED_FOR: &str = "x-forwarded-for";
/// The header in which clients send their token beside the URL.
const X_RIVET_TOKEN: &str = "x-rivet-token";

/// Who asks for something.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) origin: Origin,
    /// Where the request came from, if it is known.
    pub(crate) address: Option<IpAddr>,
    /// The token that came with it; only looked for if there is somebody to show it to.
    pub(crate) token: Option<String>,
    /// The request as actors see it, if anybody wants to see it.
    pub(crate) seen: Option<Bytes>,
}

impl Visitor {
    /// Reads a request that came from `peer`. `token` is what its URL or its handshake has, and `seen`
    /// makes what is shown of the request.
    pub(crate) fn of<B>(
        app: &App,
        peer: Option<IpAddr>,
        request: &Request<B>,
        token: Option<&String>,
        seen: impl FnOnce() -> Bytes,
    ) -> Self {
        let headers = request.headers();
        let has_gatekeeper = app.config.gatekeeper.is_some();
        Self {
            origin: origin(request),
            address: address(peer, headers, app.config.trusted_proxies),
            token: has_gatekeeper
                .then(|| token.cloned().or_else(|| token_in(headers)))
                .flatten(),
            seen: (has_gatekeeper || app.runtime.wants_requests()).then(seen),
        }
    }
}

fn token_in(headers: &HeaderMap) -> Option<String> {
    let sent = headers.get(X_RIVET_TOKEN).map(|value| value.as_bytes());
    let token = sent.or_else(|| bearer(headers))?;
    str::from_utf8(token).ok().map(str::to_owned)
}

/// Where a request came from. With `proxies` in front of the server, each of which adds the address of
/// whoever talks to it, that is so many places from the end of what they wrote; what stands before it
/// is only what the client says.
fn address(peer: Option<IpAddr>, headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    if proxies == 0 {
        return peer;
    }
    let lines = headers.get_all(X_FORWARDED_FOR);
    let written: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .collect();
    let place = written.len().checked_sub(proxies);
    place.and_then(|place| parse(written[place])).or(peer)
}

fn parse(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    bare.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn only_what_trusted_proxies_wrote_is_believed() {
        let peer: IpAddr = "10.0.0.1".parse().expect("an address");
        let check = |lines: &[&'static str], proxies, expected: &str| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(X_FORWARDED_FOR, HeaderValue::from_static(line));
            }
            let found = address(Some(peer), &headers, proxies);
            assert_eq!(found, expected.parse().ok(), "{lines:?} by {proxies}");
        };
        check(&["1.1.1.1"], 0, "10.0.0.1");
        check(&[], 1, "10.0.0.1");
        check(&["1.1.1.1"], 1, "1.1.1.1");
        // The first one is a lie of the client's.
        check(&["6.6.6.6, 1.1.1.1"], 1, "1.1.1.1");
        check(&["6.6.6.6", "1.1.1.1 ,2.2.2.2"], 2, "1.1.1.1");
        check(&["1.1.1.1"], 2, "10.0.0.1");
        check(&["1.1.1.1:80"], 1, "1.1.1.1");
        check(&["[2001:db8::1]:80"], 1, "2001:db8::1");
        check(&["2001:db8::1"], 1, "2001:db8::1");
        check(&["[2001:db8::1]"], 1, "2001:db8::1");
        check(&["unknown"], 1, "10.0.0.1");
    }
}
