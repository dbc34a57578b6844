//! Names of hosts and origins of pages, and patterns for them.

use std::net::{IpAddr, Ipv6Addr};

/// Which hosts are meant.
#[derive(Debug)]
pub(super) enum HostPattern {
    /// `*`: all of them.
    Any,
    /// `.example.com`: that one and all below it.
    Below(Box<str>),
    /// That one.
    Exact(Box<str>),
}

impl HostPattern {
    pub(super) fn new(text: &str) -> Self {
        match text.strip_prefix('.') {
            _ if text == "*" => Self::Any,
            Some(domain) => Self::Below(domain.into()),
            None => Self::Exact(text.into()),
        }
    }

    /// Whether `host` is one of them.
    pub(super) fn matches(&self, host: &str) -> bool {
        matches!(self, Self::Any) || self.names(host)
    }

    /// Whether `host` is one of them, and not just anybody.
    pub(super) fn names(&self, host: &str) -> bool {
        match self {
            Self::Any => false,
            Self::Below(domain) => host.eq_ignore_ascii_case(domain) || is_below(host, domain),
            Self::Exact(name) => host.eq_ignore_ascii_case(name),
        }
    }
}

/// Which origins are meant.
#[derive(Debug)]
pub(super) enum OriginPattern {
    /// `*`: all of them, `null` included.
    Any,
    /// `https://*.example.com[:port]`: all below that host.
    Below {
        scheme: Box<str>,
        /// With its port, if it has one.
        domain: Box<str>,
    },
    /// That one.
    Exact(Box<str>),
}

impl OriginPattern {
    pub(super) fn new(text: &str) -> Self {
        match text.split_once("://*.") {
            _ if text == "*" => Self::Any,
            Some((scheme, domain)) => Self::Below {
                scheme: scheme.into(),
                domain: domain.into(),
            },
            None => Self::Exact(text.into()),
        }
    }

    /// Whether `origin` is one of them.
    pub(super) fn matches(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Below { scheme, domain } => {
                origin.split_once("://").is_some_and(|(its, authority)| {
                    its.eq_ignore_ascii_case(scheme) && is_below(authority, domain)
                })
            }
            Self::Exact(known) => origin.eq_ignore_ascii_case(known),
        }
    }
}

/// Whether `name` ends with a dot and `domain`, and has something before.
fn is_below(name: &str, domain: &str) -> bool {
    let Some(at) = name
        .len()
        .checked_sub(domain.len() + 1)
        .filter(|at| *at > 0)
    else {
        return false;
    };
    let end = name.get(at..).and_then(|end| end.strip_prefix('.'));
    end.is_some_and(|end| end.eq_ignore_ascii_case(domain))
}

/// The host of `host[:port]`, without the dot that a complete name may end with.
pub(super) fn host_of_authority(authority: &str) -> &str {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => authority,
    };
    host.strip_suffix('.').unwrap_or(host)
}

/// The host of an origin, `scheme://host[:port]`; nothing for one that has none, such as `null`.
pub(super) fn host_of_origin(origin: &str) -> Option<&str> {
    let (_, authority) = origin.split_once("://")?;
    Some(host_of_authority(authority)).filter(|host| !host.is_empty())
}

/// The address that a host is, if it is not a name.
pub(super) fn ip_of(host: &str) -> Option<IpAddr> {
    match host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(v6) => v6.parse().map(|v6: Ipv6Addr| IpAddr::V6(v6)).ok(),
        None => host.parse().ok(),
    }
}

/// Whether a host is the machine of whoever says so. No stranger can have a page there.
pub(super) fn is_local(host: &str) -> bool {
    match ip_of(host).map(|ip| ip.to_canonical()) {
        Some(ip) => ip.is_loopback() || ip.is_unspecified(),
        None => host.eq_ignore_ascii_case("localhost") || is_below(host, "localhost"),
    }
}
