//! Actions, from the bytes of the request to those of the reply: server, mailbox, actor task, host, commit, gate.

use anyhow::{Context, Result, ensure};
use bytes::BytesMut;
use greenroom_types::{
    cbor::{Reader, put_uint},
    protocol::{BareReader, Encoding},
};

use crate::{
    http::HttpClient,
    measure::measured,
    path::Path,
    socket::Socket,
    world::{World, gateway},
};

/// Requests that are on their way at once, where it is more than one.
const IN_FLIGHT: u32 = 16;

pub(super) const PATHS: &[Path] = &[
    Path {
        name: "action-ws-bare",
        operations: 512,
        about: "action with a durable write over a WebSocket in BARE, 16 in flight",
        run: |operations| over_socket(operations, Encoding::Bare, "increment", IN_FLIGHT),
    },
    Path {
        name: "action-ws-once",
        operations: 512,
        about: "the same with the ids of our own client, so that it runs once",
        run: |operations| over_our_socket(operations, "increment", IN_FLIGHT),
    },
    Path {
        name: "action-ws-cbor",
        operations: 512,
        about: "the same in CBOR",
        run: |operations| over_socket(operations, Encoding::Cbor, "increment", IN_FLIGHT),
    },
    Path {
        name: "action-ws-json",
        operations: 512,
        about: "the same in JSON",
        run: |operations| over_socket(operations, Encoding::Json, "increment", IN_FLIGHT),
    },
    Path {
        name: "action-ws-alone",
        operations: 512,
        about: "the same in BARE, one in flight",
        run: |operations| over_socket(operations, Encoding::Bare, "increment", 1),
    },
    Path {
        name: "read-ws-bare",
        operations: 512,
        about: "read-only action over a WebSocket in BARE, 16 in flight",
        run: |operations| over_socket(operations, Encoding::Bare, "getCount", IN_FLIGHT),
    },
    Path {
        name: "action-http-json",
        operations: 256,
        about: "action with a durable write over HTTP, one in flight, the actor found by its key",
        run: over_http,
    },
];

/// Calls of one action, so many at a time.
fn over_socket(operations: u32, encoding: Encoding, action: &str, in_flight: u32) -> Result<()> {
    let world = World::new()?;
    let socket = world.run(Socket::open(&world, "a", encoding))?;
    count_calls(&world, socket, operations, encoding, action, in_flight)
}

/// The same of a client that calls as ours does.
fn over_our_socket(operations: u32, action: &str, in_flight: u32) -> Result<()> {
    let world = World::new()?;
    let encoding = Encoding::Bare;
    let mut socket = world.run(Socket::open(&world, "a", encoding))?;
    world.run(socket.call_once())?;
    count_calls(&world, socket, operations, encoding, action, in_flight)
}

fn count_calls(
    world: &World,
    mut socket: Socket,
    operations: u32,
    encoding: Encoding,
    action: &str,
    in_flight: u32,
) -> Result<()> {
    world.run(call_often(&mut socket, action, in_flight, in_flight))?;
    let last = measured(|| world.run(call_often(&mut socket, action, operations, in_flight)))?;
    let calls = if action == "increment" {
        u64::from(operations + in_flight)
    } else {
        0
    };
    check_reply(encoding, &last, calls)
}

/// Calls so often, and gives the last reply.
async fn call_often(
    socket: &mut Socket,
    action: &str,
    operations: u32,
    in_flight: u32,
) -> Result<BytesMut> {
    let mut last = BytesMut::new();
    for _ in 0..operations / in_flight {
        for _ in 0..in_flight {
            socket.call(action).await?;
        }
        for _ in 0..in_flight {
            last = socket.message().await?;
        }
    }
    Ok(last)
}

/// Whether the reply says that the counter is at `count`.
fn check_reply(encoding: Encoding, reply: &[u8], count: u64) -> Result<()> {
    let expected = match encoding {
        Encoding::Json => format!(r#""output":{count}}}"#).into_bytes(),
        Encoding::Cbor => {
            let mut expected = b"foutput".to_vec();
            put_uint(&mut expected, count);
            expected
        }
        Encoding::Bare => {
            let mut reader = BareReader::new(reply);
            reader.version()?;
            ensure!(reader.uint()? == 2, "not the reply to an action");
            reader.uint()?;
            let actual = Reader::new(reader.data()?).uint()?;
            ensure!(actual == count, "the counter is at {actual}, not {count}");
            return Ok(());
        }
    };
    let found = reply
        .windows(expected.len())
        .any(|window| window == expected);
    ensure!(found, "no count of {count} in {}", reply.escape_ascii());
    Ok(())
}

/// Calls over one keep-alive connection, one after the other.
fn over_http(operations: u32) -> Result<()> {
    let world = World::new()?;
    let request = http_request("a", "increment");
    let mut client = HttpClient::new(world.connect()?);
    let mut ask = |times: u32| -> Result<Vec<u8>> {
        world.run(async {
            for _ in 1..times {
                client.ask(&request).await?;
            }
            client.ask(&request).await.map(<[u8]>::to_vec)
        })
    };
    ask(8)?;
    let last = measured(|| ask(operations))?;
    let expected = format!(r#"{{"output":{}}}"#, operations + 8);
    ensure!(
        last == expected.as_bytes(),
        "{} is not {expected}",
        last.escape_ascii()
    );
    Ok(())
}

/// A whole request for an action without arguments, as `fetch` sends it.
pub(super) fn http_request(key: &str, action: &str) -> Vec<u8> {
    format!(
        "POST {} HTTP/1.1\r\nhost: localhost:6420\r\nconnection: keep-alive\r\n\
         content-type: application/json\r\nx-rivet-encoding: json\r\naccept: */*\r\n\
         accept-language: *\r\nsec-fetch-mode: cors\r\nuser-agent: node\r\n\
         accept-encoding: gzip, deflate\r\ncontent-length: 11\r\n\r\n{{\"args\":[]}}",
        gateway(&format!("action/{action}"), key),
    )
    .into_bytes()
}

/// The count in the JSON body of a reply.
pub(super) fn count_in(body: &[u8]) -> Result<u64> {
    let text = std::str::from_utf8(body)?;
    let count = text
        .strip_prefix(r#"{"output":"#)
        .and_then(|rest| rest.strip_suffix('}'))
        .with_context(|| format!("not a count: {text}"))?;
    Ok(count.parse()?)
}
