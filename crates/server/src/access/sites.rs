//! Whose pages may use the server, and under which names it may be reached.
//!
//! This is about browsers: they carry pages of strangers to servers that strangers cannot reach, above all to those on
//! the machine that they run on, and tell the truth about whose page it is. Programs can write what they like into
//! these headers; whom they may call is for the gatekeeper to say.
//!
//! | | name in `Host` | page that asks |
//! |---|---|---|
//! | in development, from this machine | names of this machine, IP addresses, [`ServerConfig::allowed_hosts`] | pages of this machine, of the same host, of allowed hosts and [`ServerConfig::allowed_origins`] |
//! | otherwise | any, unless hosts are given | any, unless origins are given |
//!
//! An IP address in `Host` is where the page itself was loaded from, so it can be no name that a stranger has turned
//! to this machine.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicU32, Ordering},
};

use greenroom_types::ActorError;
use hyper::{
    HeaderMap, Method, Request,
    header::{HOST, HeaderName, ORIGIN, REFERER},
};
use tracing::{debug, warn};

use super::site_names::{
    HostPattern, OriginPattern, host_of_authority, host_of_origin, ip_of, is_local,
};
use crate::ServerConfig;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
/// Refusals that the log warns of; further ones are for those who debug, so that nobody can fill the log.
const WARNINGS: u32 = 16;
/// Characters of a name that is shown.
const SHOWN: usize = 100;

/// What the server's settings say of sites.
#[derive(Debug)]
pub(crate) struct Sites {
    hosts: Vec<HostPattern>,
    /// `None`: nothing was said about origins.
    origins: Option<Vec<OriginPattern>>,
    development: bool,
    refusals: AtomicU32,
}

impl Sites {
    pub(crate) fn of(config: &ServerConfig) -> Self {
        let hosts = config.allowed_hosts.iter();
        let origins = config.allowed_origins.as_ref();
        Self {
            hosts: hosts.map(|host| HostPattern::new(host)).collect(),
            origins: origins.map(|all| all.iter().map(|one| OriginPattern::new(one)).collect()),
            development: config.development,
            refusals: AtomicU32::new(0),
        }
    }

    /// Whether the server may be reached under the name that the request has for it. `peer` is the other end of the
    /// connection, not what proxies say of it.
    ///
    /// # Errors
    /// `guard.host_not_allowed`.
    pub(crate) fn check_host(
        &self,
        peer: Option<IpAddr>,
        headers: &HeaderMap,
    ) -> Result<(), ActorError> {
        let is_near = self.is_near(peer);
        if !is_near && self.hosts.is_empty() {
            return Ok(());
        }
        for line in headers.get_all(HOST) {
            let name = String::from_utf8_lossy(line.as_bytes());
            let host = host_of_authority(&name);
            if is_local(host) || ip_of(host).is_some() || self.knows_host(host) {
                continue;
            }
            let name = self.noted("a name that is not allowed", host);
            return Err(host_not_allowed(&name, is_near));
        }
        Ok(())
    }

    /// Whether the page that makes the request, if it is one, may use the server.
    ///
    /// # Errors
    /// `guard.origin_not_allowed`.
    pub(crate) fn check_page<B>(
        &self,
        peer: Option<IpAddr>,
        request: &Request<B>,
    ) -> Result<(), ActorError> {
        let own_host = own_host(request.headers());
        let is_local_server =
            self.development && (self.is_near(peer) || own_host.is_some_and(is_local));
        if !is_local_server && self.origins.is_none() {
            return Ok(());
        }
        let Some(page) = page_of(request) else {
            return Ok(());
        };
        if self.is_welcome(page, own_host, is_local_server) {
            return Ok(());
        }
        let page = self.noted("a page that is not allowed", page);
        Err(ActorError::new(
            "guard",
            "origin_not_allowed",
            format!(
                "pages of `{page}` may not use this server: add their origin to `allowedOrigins` of setup or to \
                 GREENROOM_ALLOWED_ORIGINS"
            ),
        ))
    }

    /// Whether the settings name the origin of a page.
    pub(crate) fn names_origin(&self, origin: &str) -> bool {
        let mut origins = self.origins.iter().flatten();
        origins.any(|known| known.matches(origin))
    }

    fn is_welcome(&self, page: &str, own_host: Option<&str>, is_local_server: bool) -> bool {
        if self.names_origin(page) {
            return true;
        }
        let Some(host) = host_of_origin(page) else {
            return false;
        };
        let is_same_host = own_host.is_some_and(|own| own.eq_ignore_ascii_case(host));
        let is_named = self.hosts.iter().any(|known| known.names(host));
        is_same_host || is_named || (is_local_server && is_local(host))
    }

    /// Whether it comes from the machine of somebody who works on the server.
    fn is_near(&self, peer: Option<IpAddr>) -> bool {
        self.development && peer.is_some_and(|peer| peer.to_canonical().is_loopback())
    }

    fn knows_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|known| known.matches(host))
    }

    /// Notes a refusal, and gives what is shown of `name`.
    fn noted(&self, what: &'static str, name: &str) -> String {
        let name: String = name.chars().take(SHOWN).collect();
        // Debug writes what could move a terminal's cursor as an escape.
        if self.refusals.fetch_add(1, Ordering::Relaxed) < WARNINGS {
            warn!(?name, "refused a request: {what}");
        } else {
            debug!(?name, "refused a request: {what}");
        }
        name
    }
}

fn host_not_allowed(name: &str, is_near: bool) -> ActorError {
    let (rule, way_out) = match is_near {
        true => (
            "in development this server answers on its machine only to `localhost` and IP addresses",
            ", or set NODE_ENV to `production`",
        ),
        false => ("this server answers only to names that it was told", ""),
    };
    ActorError::new(
        "guard",
        "host_not_allowed",
        format!(
            "{rule}, not to `{name}`: add the name to `allowedHosts` of setup or to \
             GREENROOM_ALLOWED_HOSTS{way_out}"
        ),
    )
}

/// The host that a request has for the server.
fn own_host(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(HOST)?.to_str().ok()?;
    Some(host_of_authority(host))
}

/// The origin of the page that makes a request, as its browser says; `None` if no page of another site does.
///
/// Browsers name the origin of whatever could read the answer or change something. Of images, scripts and frames they
/// say only that another site asks for them; that site is perhaps in `Referer`. A link that somebody follows is a
/// request of theirs.
fn page_of<B>(request: &Request<B>) -> Option<&str> {
    let headers = request.headers();
    if let Some(origin) = headers.get(ORIGIN) {
        return Some(origin.to_str().unwrap_or("null"));
    }
    let is = |name: &HeaderName, text: &str| headers.get(name).is_some_and(|value| value == text);
    if !is(&SEC_FETCH_SITE, "cross-site") {
        return None;
    }
    let reads = request.method() == Method::GET || request.method() == Method::HEAD;
    if reads && is(&SEC_FETCH_MODE, "navigate") && is(&SEC_FETCH_DEST, "document") {
        return None;
    }
    let referrer = headers.get(REFERER).and_then(|value| value.to_str().ok());
    Some(referrer.map_or("another site", origin_of_url))
}

/// `scheme://host[:port]` of a URL.
fn origin_of_url(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let end = url[after_scheme..].find(['/', '?', '#']);
    end.map_or(url, |end| &url[..after_scheme + end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sites(development: bool, hosts: &[&str], origins: Option<&[&str]>) -> Sites {
        let texts = |all: &[&str]| all.iter().map(|&text| text.to_owned()).collect();
        Sites::of(&ServerConfig {
            development,
            allowed_hosts: texts(hosts),
            allowed_origins: origins.map(texts),
            ..ServerConfig::default()
        })
    }

    fn request(headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder().uri("/");
        for &(name, value) in headers {
            request = request.header(name, value);
        }
        request.body(()).expect("a request")
    }

    fn peer(address: &str) -> Option<IpAddr> {
        Some(address.parse().expect("an address"))
    }

    #[test]
    fn in_development_only_names_of_this_machine_lead_here() {
        let sites = sites(true, &["app.test", ".tunnel.test"], None);
        let check = |address: &str, host: &str| {
            let request = request(&[("host", host)]);
            sites.check_host(peer(address), request.headers()).is_ok()
        };
        for host in [
            "localhost",
            "localhost:6420",
            "LOCALHOST",
            "localhost.",
            "a.b.localhost:1",
            "127.0.0.1",
            "127.9.9.9:80",
            "[::1]:6420",
            "[::1]",
            "192.168.1.5:6420",
            "0.0.0.0:1",
            "app.test",
            "APP.test:80",
            "x.tunnel.test",
            "tunnel.test",
        ] {
            assert!(check("127.0.0.1", host), "{host}");
            assert!(check("::1", host), "{host}");
        }
        for host in [
            "evil.test",
            "localhost.evil.test",
            "notlocalhost",
            "127.0.0.1.evil.test",
            "x.app.test",
            "eviltunnel.test",
            "",
            "localhost@evil.test",
            "[::1].evil.test",
            "evil.test:localhost",
            ".localhost",
        ] {
            assert!(!check("127.0.0.1", host), "{host}");
            assert!(!check("::ffff:127.0.0.1", host), "{host}");
        }
        let bare = request(&[]);
        assert!(
            sites.check_host(peer("127.0.0.1"), bare.headers()).is_ok(),
            "no page can do without"
        );
        let two = request(&[("host", "localhost"), ("host", "evil.test")]);
        assert!(sites.check_host(peer("127.0.0.1"), two.headers()).is_err());
    }

    #[test]
    fn elsewhere_any_name_will_do_unless_names_are_given() {
        let host = request(&[("host", "example.test")]);
        let ok = |sites: &Sites, address| sites.check_host(address, host.headers()).is_ok();
        assert!(ok(&sites(true, &[], None), peer("10.0.0.1")));
        assert!(ok(&sites(true, &[], None), None));
        assert!(ok(&sites(false, &[], None), peer("127.0.0.1")));
        for given in [
            sites(false, &["other.test"], None),
            sites(true, &["other.test"], None),
        ] {
            assert!(!ok(&given, peer("10.0.0.1")) && !ok(&given, None));
        }
        assert!(ok(&sites(false, &["*"], None), peer("10.0.0.1")));
    }

    #[test]
    fn in_development_pages_of_strangers_are_refused() {
        let sites = sites(
            true,
            &["app.test"],
            Some(&["https://preview.test", "https://*.branch.test"]),
        );
        let from = |host: &str, page: &str| {
            let request = request(&[("host", host), ("origin", page)]);
            sites.check_page(peer("127.0.0.1"), &request).is_ok()
        };
        for page in [
            "http://localhost:5173",
            "http://127.0.0.1:5173",
            "https://localhost",
            "http://[::1]:3000",
            "http://a.localhost",
            "tauri://localhost",
            "http://app.test",
            "https://app.test:8443",
            "https://preview.test",
            "https://x.branch.test",
            "http://0.0.0.0:5173",
        ] {
            assert!(from("localhost:6420", page), "{page}");
        }
        for page in [
            "null",
            "",
            "http://evil.test",
            "http://localhost.evil.test",
            "http://127.0.0.1.evil.test",
            "http://evil.test:6420",
            "http://preview.test",
            "https://preview.test:444",
            "https://branch.test",
            "https://xbranch.test",
            "chrome-extension://abc",
            "http://6.6.6.6",
            "http://192.168.1.5:5173",
            "file://",
            "http://localhost@evil.test",
        ] {
            assert!(!from("localhost:6420", page), "{page}");
        }
        assert!(
            from("192.168.1.5:5173", "http://192.168.1.5:5173"),
            "its own page, through a proxy of this machine"
        );
        assert!(from("192.168.1.5:6420", "http://192.168.1.5:5173"));
        assert!(!from("192.168.1.5:6420", "http://192.168.1.6:5173"));
    }

    #[test]
    fn a_mounted_server_that_is_called_local_is_as_local() {
        let sites = sites(true, &[], None);
        let from = |host: &str| {
            let request = request(&[("host", host), ("origin", "http://evil.test")]);
            sites.check_page(None, &request).is_ok()
        };
        assert!(!from("localhost:3000") && !from("127.0.0.1"));
        assert!(
            from("example.test"),
            "it runs somewhere else, and is asked there"
        );
    }

    #[test]
    fn what_pages_load_without_reading_it_is_theirs_too() {
        let sites = sites(true, &[], None);
        let check = |headers: &[(&str, &str)]| {
            let with_host = [&[("host", "localhost:6420")], headers].concat();
            sites
                .check_page(peer("127.0.0.1"), &request(&with_host))
                .is_ok()
        };
        let cross = ("sec-fetch-site", "cross-site");
        let image = [
            cross,
            ("sec-fetch-mode", "no-cors"),
            ("sec-fetch-dest", "image"),
        ];
        assert!(!check(&image));
        assert!(!check(
            &[&image[..], &[("referer", "http://evil.test/localhost")]].concat()
        ));
        assert!(check(
            &[&image[..], &[("referer", "http://localhost:5173/x")]].concat()
        ));
        assert!(!check(&[
            cross,
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "iframe")
        ]));
        assert!(check(&[
            cross,
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document")
        ]));
        for site in ["same-origin", "same-site", "none"] {
            assert!(check(&[("sec-fetch-site", site)]), "{site}");
        }
        assert!(check(&[]), "no browser");
    }

    #[test]
    fn in_production_pages_are_asked_for_their_origin_only_if_origins_are_given() {
        let from = |sites: &Sites, page: &str| {
            let request = request(&[("host", "api.test"), ("origin", page)]);
            sites.check_page(peer("10.0.0.1"), &request).is_ok()
        };
        let open = sites(false, &[], None);
        assert!(from(&open, "https://anybody.test") && from(&open, "null"));
        let given = sites(false, &[], Some(&["https://app.test"]));
        assert!(from(&given, "https://app.test") && from(&given, "https://api.test"));
        for page in [
            "https://anybody.test",
            "http://app.test",
            "null",
            "http://localhost:5173",
        ] {
            assert!(!from(&given, page), "{page}");
        }
        assert!(from(&sites(false, &[], Some(&["*"])), "null"));
        let nobody = sites(false, &[], Some(&[]));
        assert!(!from(&nobody, "https://app.test") && from(&nobody, "https://api.test"));
    }

    #[test]
    fn what_is_shown_of_a_name_is_short() {
        let long = format!("http://{}.test", "x".repeat(5000));
        let request = request(&[("host", "localhost"), ("origin", &long)]);
        let error = sites(true, &[], None).check_page(peer("::1"), &request);
        assert!(error.expect_err("it is foreign").message.len() < 300);
    }
}
