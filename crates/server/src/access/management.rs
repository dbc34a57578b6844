//! The management API: listing, destroying and putting to sleep whatever there is. It is for whoever
//! runs the server, not for its clients.

use std::net::SocketAddr;

use greenroom_types::ActorError;
use hyper::{
    HeaderMap,
    header::{AUTHORIZATION, ORIGIN},
};

use super::{
    Secret,
    site_names::{host_of_origin, is_local},
};
use crate::{ServerConfig, dispatch::Origin};

/// Who may use the management API.
#[derive(Debug)]
pub(crate) enum Management {
    /// Everybody but pages of other sites: only this machine reaches the server, and it is said to be in
    /// development. Browsers carry such pages to this machine.
    Open,
    /// Those who know the token.
    Token(Secret),
    /// Nobody.
    Closed,
}

impl Management {
    /// The rule for a server with this address; without one it is reached from within its process.
    pub(crate) fn of(config: &ServerConfig, address: Option<SocketAddr>) -> Self {
        match &config.management_token {
            Some(token) => Self::Token(token.clone()),
            None if config.development && address.is_some_and(|a| a.ip().is_loopback()) => {
                Self::Open
            }
            None => Self::Closed,
        }
    }

    /// Whether a request may use it. `true` if nobody else needs to be asked: it has the token, or
    /// comes out of this process.
    ///
    /// # Errors
    /// `auth.unauthorized` without the token, `auth.forbidden` when there is none.
    pub(crate) fn check(&self, origin: Origin, headers: &HeaderMap) -> Result<bool, ActorError> {
        match self {
            _ if origin == Origin::Trusted => Ok(true),
            Self::Open if is_foreign_page(headers) => Err(ActorError::forbidden(
                "a page of another site may manage nothing here without a token: give the server one \
                 with `setup({ token })` or `GREENROOM_TOKEN`",
            )),
            Self::Open => Ok(false),
            Self::Token(token) if bearer(headers).is_some_and(|claimed| token.is(claimed)) => {
                Ok(true)
            }
            Self::Token(_) => Err(ActorError::unauthorized(
                "this is for those who have the server's token: send it as `Authorization: Bearer <token>`",
            )),
            Self::Closed => Err(ActorError::forbidden(
                "this takes a token, and the server has none: give it one with `setup({ token })` or \
                 `GREENROOM_TOKEN` (none is needed in development on a loopback address)",
            )),
        }
    }
}

/// Whether a browser sends this for a page that does not come from this machine.
fn is_foreign_page(headers: &HeaderMap) -> bool {
    headers.get(ORIGIN).is_some_and(|origin| {
        let host = origin.to_str().ok().and_then(host_of_origin);
        !host.is_some_and(is_local)
    })
}

/// The token of an `Authorization` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn with(authorization: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(authorization))])
    }

    fn rule(token: Option<&str>, development: bool, address: Option<&str>) -> Management {
        let config = ServerConfig {
            management_token: token.map(Secret::new),
            development,
            ..ServerConfig::default()
        };
        Management::of(&config, address.map(|a| a.parse().expect("an address")))
    }

    #[test]
    fn without_a_token_only_loopback_in_development_is_open() {
        let cases = [
            (true, Some("127.0.0.1:1"), true),
            (true, Some("[::1]:1"), true),
            (false, Some("127.0.0.1:1"), false),
            (true, Some("0.0.0.0:1"), false),
            (true, Some("192.168.1.5:1"), false),
            (true, None, false),
        ];
        for (development, address, open) in cases {
            let answer = rule(None, development, address).check(Origin::Public, &HeaderMap::new());
            match answer {
                Ok(knows) => assert!(open && !knows, "{development} {address:?}"),
                Err(error) => assert!(!open && error.code == "forbidden", "{error}"),
            }
        }
    }

    #[test]
    fn pages_of_other_sites_manage_nothing_without_a_token() {
        let from = |origin: &'static str| {
            HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static(origin))])
        };
        let open = rule(None, true, Some("127.0.0.1:1"));
        for own in [
            "http://localhost",
            "http://localhost:5173",
            "http://app.localhost:80",
            "http://127.0.0.1:6420",
            "http://[::1]:6420",
            "http://[::1]",
        ] {
            assert!(open.check(Origin::Public, &from(own)).is_ok(), "{own}");
        }
        for foreign in [
            "https://page.test",
            "http://localhost.page.test",
            "http://127.0.0.1.page.test:80",
            "http://notlocalhost",
            "null",
            "",
        ] {
            let error = open.check(Origin::Public, &from(foreign));
            assert_eq!(error.expect_err(foreign).code, "forbidden");
        }
        let mut headers = from("https://page.test");
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer t0k"));
        let rule = rule(Some("t0k"), true, Some("127.0.0.1:1"));
        assert_eq!(rule.check(Origin::Public, &headers), Ok(true));
    }

    #[test]
    fn a_token_counts_everywhere_and_has_to_be_right() {
        for address in [Some("127.0.0.1:1"), Some("0.0.0.0:1"), None] {
            let rule = rule(Some("t0k"), true, address);
            for right in ["Bearer t0k", "bearer t0k", "BEARER t0k"] {
                assert_eq!(
                    rule.check(Origin::Public, &with(right)),
                    Ok(true),
                    "{right}"
                );
            }
            for wrong in [
                "",
                "Bearer",
                "Bearer ",
                "Bearer t0",
                "Basic t0k",
                "t0k",
                "Bearer t0k ",
            ] {
                let error = rule.check(Origin::Public, &with(wrong)).expect_err(wrong);
                assert_eq!(error.code, "unauthorized");
            }
            assert!(rule.check(Origin::Public, &HeaderMap::new()).is_err());
            assert_eq!(rule.check(Origin::Trusted, &HeaderMap::new()), Ok(true));
        }
    }
}
