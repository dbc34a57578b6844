//! The end of a server.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::{Answer, PATIENCE, Site, connect_to, site, site_with};

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
    let address = site.server.local_addr().unwrap();

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

/// Waits until `/health` says that the drain has begun.
async fn draining(site: &Site) -> Answer {
    let begun = async {
        loop {
            let health = site.get("/health").await;
            if health.status == 503 {
                return health;
            }
        }
    };
    tokio::time::timeout(PATIENCE, begun)
        .await
        .expect("the drain begins")
}

#[tokio::test]
async fn a_draining_server_answers_what_it_has_and_turns_the_rest_to_its_successor() {
    let site = Arc::new(site().await);
    let mut socket = site.connect("k").await;
    socket.action(0, "hang", "[]").await;
    let call = Arc::clone(&site);
    let call = tokio::spawn(async move { call.call("k", "hang", "[]").await });
    let both = async {
        while site.observed.hanging.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, both)
        .await
        .expect("both calls begin");
    let server = Arc::clone(&site.server);
    let ending = tokio::spawn(async move { server.shutdown().await });

    assert_eq!(draining(&site).await.json()["status"], "draining");
    assert_eq!(
        site.call("k", "getCount", "[]").await.gateway_error(),
        "503 actor.stopping"
    );
    assert_eq!(
        site.get("/actors?name=counter").await.gateway_error(),
        "503 actor.stopping"
    );
    let mut late = site.socket(&connect_to("k"), "rivet").await;
    assert_eq!(late.closed().await, "1011 actor.stopping");
    drop(late);
    assert!(!ending.is_finished() && !call.is_finished());

    site.observed.release.notify_one();
    assert_eq!(call.await.unwrap().text(), r#"{"output":0}"#);
    assert_eq!(socket.json().await["body"]["tag"], "ActionResponse");
    assert_eq!(socket.closed().await, "1001 ws.going_away");
    drop(socket);
    tokio::time::timeout(PATIENCE, ending)
        .await
        .expect("an end in time")
        .unwrap();
}

#[tokio::test]
async fn connections_that_do_not_end_are_cut_off() {
    let site = site_with(|config| config.shutdown_grace = Duration::from_millis(200)).await;
    // Half a request: neither idle nor answerable.
    let mut tcp = site.tcp().await;
    tcp.write_all(b"GET /hea").await.unwrap();
    tokio::time::timeout(PATIENCE, site.server.shutdown())
        .await
        .expect("an end in time");
    let end = tokio::time::timeout(PATIENCE, tcp.read(&mut [0; 64]))
        .await
        .expect("an end in time");
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
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
