//! Getting hold of the address to serve on.

use std::io;

use tokio::net::TcpListener;

use crate::BindError;

/// Listens on `host` (a name or an IP address) and `port` (0 for any free one).
///
/// # Errors
/// [`BindError`], with a text that says what to do.
pub async fn bind(host: &str, port: u16) -> Result<TcpListener, BindError> {
    // `lookup_host` takes IPv6 addresses bare when they come as a pair, so no brackets are needed.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    TcpListener::bind((host, port))
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::AddressInUse {
                host: host.to_owned(),
                port,
            },
            _ => BindError::AddressUnavailable {
                host: host.to_owned(),
                port,
                source,
            },
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn taken_port_is_said_to_be_taken() {
        let first = bind("127.0.0.1", 0).await.expect("a free port exists");
        let port = first.local_addr().expect("it is bound").port();
        let error = bind("127.0.0.1", port).await.expect_err("it is taken");
        assert!(matches!(error, BindError::AddressInUse { .. }), "{error:?}");
        assert!(
            error
                .to_string()
                .contains(&format!("port {port} on `127.0.0.1` is taken")),
            "{error}"
        );
    }

    #[tokio::test]
    async fn foreign_address_is_unavailable() {
        let error = bind("192.0.2.1", 0)
            .await
            .expect_err("a documentation address is never ours");
        assert!(
            matches!(error, BindError::AddressUnavailable { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains("`192.0.2.1`"), "{error}");
    }

    #[tokio::test]
    async fn ipv6_works_with_and_without_brackets() {
        for host in ["::1", "[::1]"] {
            match bind(host, 0).await {
                Ok(listener) => assert!(listener.local_addr().expect("it is bound").is_ipv6()),
                // A machine without IPv6 says so; it must not be a parse error.
                Err(BindError::AddressUnavailable { source, .. }) => {
                    assert_ne!(source.kind(), io::ErrorKind::InvalidInput)
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}
