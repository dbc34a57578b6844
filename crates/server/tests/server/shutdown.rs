//! The end of a server.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::{PATIENCE, site, site_with};

#[tokio::test]
async fn shutdown_closes_sockets_and_the_port_and_may_be_asked_twice() {
    let site = site().await;
    let mut socket = site.connect("k").await;
    let mut idle = site.tcp().await;
    idle.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut buffer = vec![0; 4096];
    assert_ne!(idle.read(&mut buffer).await.unwrap(), 0);
    let address = site.server.local_addr();

    let (first, second) = (Arc::clone(&site.server), Arc::clone(&site.server));
    let ending = tokio::spawn(async move { tokio::join!(first.shutdown(), second.shutdown()) });
    assert_eq!(socket.closed().await, "1001 ws.going_away");
    drop(socket);
    assert_eq!(
        tokio::time::timeout(PATIENCE, idle.read(&mut buffer))
            .await
            .unwrap()
            .unwrap(),
        0
    );
    tokio::time::timeout(PATIENCE, ending)
        .await
        .expect("an end in time")
        .unwrap();
    assert!(TcpStream::connect(address).await.is_err());
    site.server.shutdown().await;
}

#[tokio::test]
async fn a_draining_server_says_so_and_turns_clients_to_its_successor() {
    let site = site_with(|config| config.shutdown_grace = Duration::from_millis(500)).await;
    // Holds the drain up: the actor waits for the call to end, up to its grace.
    let mut hanging = site.connect("k").await;
    hanging.action(0, "hang", "[]").await;
    hanging.action(1, "getCount", "[]").await;
    assert_eq!(hanging.json().await["body"]["tag"], "ActionResponse");
    let server = Arc::clone(&site.server);
    let ending = tokio::spawn(async move { server.shutdown().await });
    let draining = async {
        loop {
            let health = site.get("/health").await;
            if health.status == 503 {
                return health;
            }
        }
    };
    let health = tokio::time::timeout(PATIENCE, draining)
        .await
        .expect("the drain begins");
    assert_eq!(health.json()["status"], "draining");
    assert_eq!(
        site.call("k", "getCount", "[]").await.gateway_error(),
        "503 actor.stopping"
    );
    assert_eq!(
        site.get("/actors?name=counter").await.gateway_error(),
        "503 actor.stopping"
    );
    let mut late = site.socket(&crate::harness::connect_to("k"), "rivet").await;
    assert_eq!(late.closed().await, "1011 actor.stopping");
    drop(late);
    ending.abort();
}

#[tokio::test]
async fn dropping_the_server_ends_its_connections() {
    let site = site().await;
    let mut tcp = site.tcp().await;
    tcp.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut buffer = vec![0; 4096];
    assert_ne!(tcp.read(&mut buffer).await.unwrap(), 0);
    drop(site);
    let end = tokio::time::timeout(PATIENCE, tcp.read(&mut buffer))
        .await
        .expect("an end in time");
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
}
