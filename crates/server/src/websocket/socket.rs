//! One WebSocket from admission to its last byte. Runs in the connection's own task: the read
//! side feeds the actor, the write side empties the outbox, and the end of either ends both.

use std::{
    net::IpAddr,
    pin::{Pin, pin},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use fastwebsockets::upgrade::UpgradeFut;
use greenroom_core::{
    ClientInfo, ConnRequest, Connection, OutboxReader, Resuming, SocketClose, SocketMessage, outbox,
};
use greenroom_types::{
    ActorError, limits,
    protocol::{ClientFrame, Encoding, decode_client_frame},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::mpsc,
    time::{Instant, Sleep, sleep, timeout},
};
use tracing::{debug, trace};

use super::{
    close::{Close, Refusal},
    read::{Inbound, MessageReader, ReadError},
    write::{Control, MessageWriter, WriteLimits},
};
use crate::{
    ServerConfig,
    access::{Intents, Seat, Visitor},
    app::App,
    gateway::Target,
    linger::{self, LingeringStream},
    stream::{TimedStream, Transport},
};

/// Control frames that may wait for the write side before the read side pauses. They are boxed, because the channel
/// keeps room for dozens, and few connections ever have one.
const CONTROL_QUEUE: usize = 8;

/// A WebSocket that is being opened, and what is to become of it.
pub(crate) struct Pending {
    pub(crate) upgrade: UpgradeFut,
    pub(crate) encoding: Encoding,
    /// Where it comes from, if that is known.
    pub(crate) address: Option<IpAddr>,
    /// Whether the client knows our extensions of the protocol.
    pub(crate) extended: bool,
    /// Where it leads, or the close that it gets instead.
    pub(crate) plan: Result<Plan, Close>,
}

/// Where a WebSocket leads.
pub(crate) struct Plan {
    pub(crate) target: Target,
    pub(crate) visitor: Visitor,
    /// Whether nothing is spoken there but what the actor itself says.
    pub(crate) is_raw: bool,
    /// Who wants to go there.
    pub(crate) client: ClientInfo,
    /// Whether it may come back to events that it missed, or does.
    pub(crate) resuming: Resuming,
}

/// Serves a WebSocket until both sides are done with it.
///
/// What is pending is boxed, and what is needed to the end is taken out of it: whatever this holds at any time, every
/// open connection has room for.
pub(crate) async fn run<T: Transport>(app: &App, pending: Box<Pending>) {
    let Pending {
        upgrade,
        encoding,
        address,
        extended,
        plan,
    } = unboxed(pending);
    let Some((mut stream, early)) = opened::<T>(upgrade).await else {
        return;
    };
    let is_raw = plan.as_ref().is_ok_and(|plan| plan.is_raw);
    let mut taken = BytesMut::new();
    // Dropping the attempt is the end of it, wherever it is.
    let admitted = tokio::select! {
        biased;
        admitted = admit(app, plan, extended) => admitted,
        () = stream.departure(&mut taken) => return debug!("websocket client left before it was let in"),
    };
    let came = joined(&early, taken);
    drop(early);
    let (mut read, write) = stream.halves();
    let limits = WriteLimits {
        message: app.config.max_outgoing_message,
        patience: app.config.write_timeout,
    };
    let mut writer = MessageWriter::new(write, encoding, extended, limits);
    if is_raw {
        writer.is_raw();
    }
    let refused = match admitted {
        Ok((connection, mut outbox, _seat)) => {
            writer.speaks_for(connection.actor(), connection.generation().clone());
            let reader = MessageReader::new(&mut read, came, app.config.max_incoming_message);
            let mut talk = Talk {
                config: &app.config,
                encoding,
                is_raw,
                connection: Some(connection),
                reader,
                heard: Instant::now(),
                alarm: Box::pin(sleep(app.config.ping_interval)),
            };
            talk.run(&mut writer, &mut outbox).await
        }
        Err(refusal) => Ok(Some(refusal)),
    };
    let written = match refused {
        Ok(Some(refusal)) => {
            debug!(close = ?refusal.close, "websocket refused");
            refuse(app, &mut writer, address, refusal).await
        }
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    match written {
        Ok(()) => linger(&mut read, app.config.close_timeout).await,
        Err(error) => debug!(%error, "websocket ended without a close"),
    }
}

/// What is in the box, whose memory is free when this returns; moved out of in place, it would live as long as the socket.
fn unboxed(pending: Box<Pending>) -> Pending {
    *pending
}

/// The raw stream behind an upgraded connection, and the bytes that HTTP had already read.
async fn opened<T: Transport>(upgrade: UpgradeFut) -> Option<(T, Bytes)> {
    let upgraded = match upgrade.await {
        Ok(socket) => socket.into_inner().into_inner(),
        Err(error) => {
            debug!(%error, "websocket was not opened");
            return None;
        }
    };
    match upgraded.downcast::<TokioIo<LingeringStream<TimedStream<T>>>>() {
        Ok(parts) => {
            let stream = parts.io.into_inner().into_inner().into_inner();
            Some((stream, parts.read_buf))
        }
        Err(_) => unreachable!("connections are served on no other kind of stream"),
    }
}

/// What has come before frames are read. A copy, for the buffer that it came in would live as long as the socket.
fn joined(early: &[u8], taken: BytesMut) -> BytesMut {
    if early.is_empty() {
        return taken;
    }
    let mut came = BytesMut::from(early);
    came.extend_from_slice(&taken);
    came
}

/// Tells a client that it does not get in. Clients that come back at once, again and again, are kept
/// for a while first.
async fn refuse<W: tokio::io::AsyncWrite + Unpin>(
    app: &App,
    writer: &mut MessageWriter<W>,
    address: Option<IpAddr>,
    refusal: Refusal,
) -> std::io::Result<()> {
    if let Some(error) = &refusal.error {
        writer.say(error).await?;
    }
    if !app.is_draining() {
        tokio::select! {
            biased;
            () = app.closing() => {}
            () = app.pacer.keep(address) => {}
        }
    }
    writer.refuse(&refusal.close).await
}

/// Finds the actor and asks it for a connection.
async fn admit(
    app: &App,
    plan: Result<Plan, Close>,
    extended: bool,
) -> Result<(Connection, OutboxReader, Option<Seat>), Refusal> {
    let Plan {
        target,
        visitor,
        is_raw,
        mut client,
        resuming,
    } = plan?;
    let intent = match is_raw {
        true => Intents::WEBSOCKET,
        false => Intents::CONNECT,
    };
    let entered = target.enter(app, &visitor, intent, client.params.as_ref());
    let mut entered = entered.await.map_err(Refusal::at_door)?;
    client.set_auth(entered.take_auth());
    let seat = entered.take_seat();
    let record = entered
        .resolve(app)
        .await
        .map_err(|error| Close::of_error(&error))?;
    let (sender, reader) = outbox();
    let request = ConnRequest {
        client,
        streams: extended,
        resuming,
        raw: is_raw,
        outbox: sender,
    };
    let connection = app
        .runtime
        .connect(record.id, request)
        .await
        .map_err(|error| Close::of_error(&error))?;
    debug!(actor = %record.id, conn = connection.id(), "websocket connected");
    Ok((connection, reader, seat))
}

/// A conversation between a client and an actor.
struct Talk<'a, R> {
    config: &'a ServerConfig,
    encoding: Encoding,
    is_raw: bool,
    /// Until the read side ends: then the actor learns that the client has left.
    connection: Option<Connection>,
    reader: MessageReader<R>,
    /// When the client last sent something.
    heard: Instant,
    /// Fires at the earliest time at which the client may have been silent for too long. Set anew
    /// only then, so that a message costs no more than reading the clock.
    alarm: Pin<Box<Sleep>>,
}

/// Why the read side stopped.
enum ReadEnd {
    /// The client is gone.
    Gone,
    /// A close has been handed to the write side.
    Closing,
}

impl<R: AsyncRead + Unpin> Talk<'_, R> {
    /// Runs both sides until a close is written, or until the actor turns the client away: then that
    /// is yet to be said.
    async fn run<W: tokio::io::AsyncWrite + Unpin>(
        &mut self,
        writer: &mut MessageWriter<W>,
        outbox: &mut OutboxReader,
    ) -> std::io::Result<Option<Refusal>> {
        let (sender, mut control) = mpsc::channel(CONTROL_QUEUE);
        let mut writing = pin!(writer.run(outbox, &mut control));
        let mut reading = pin!(self.read(&sender));
        let end = tokio::select! {
            biased;
            written = &mut writing => return written,
            end = &mut reading => end,
        };
        match end {
            ReadEnd::Gone => Err(std::io::ErrorKind::ConnectionReset.into()),
            ReadEnd::Closing => writing.await,
        }
    }

    async fn read(&mut self, control: &mpsc::Sender<Box<Control>>) -> ReadEnd {
        let mut said = None;
        loop {
            let close = match self.next(control).await {
                Ok(Inbound::Piece | Inbound::Pong) => continue,
                Ok(Inbound::Ping(payload)) => {
                    // Fails only when the write side has ended, which ends this side as well.
                    let _ = control.send(Box::new(Control::Pong(payload))).await;
                    continue;
                }
                Ok(Inbound::Text(message)) => match self.handle(true, message).await {
                    Ok(()) => continue,
                    Err(close) => close,
                },
                Ok(Inbound::Binary(message)) => match self.handle(false, message).await {
                    Ok(()) => continue,
                    Err(close) => close,
                },
                Ok(Inbound::Close(close)) => {
                    let code = close.as_ref().map(|close| close.code);
                    said = Some(close.unwrap_or_else(SocketClose::without_code));
                    Close::echo(code)
                }
                Err(ReadError::Violation(close)) => close,
                Err(ReadError::Gone) => return ReadEnd::Gone,
            };
            trace!(?close, "websocket closes");
            let _ = control.send(Box::new(Control::Close(close))).await;
            let connection = self.connection.take();
            if let (Some(connection), Some(said)) = (connection, said) {
                connection.closed_with(said);
            }
            return ReadEnd::Closing;
        }
    }

    /// The next thing from the client. One that is silent for long is asked for a sign of life,
    /// and taken for gone when it gives none; a frame that takes that long to arrive is silence.
    async fn next(&mut self, control: &mpsc::Sender<Box<Control>>) -> Result<Inbound, ReadError> {
        let (interval, patience) = (self.config.ping_interval, self.config.pong_timeout);
        let mut next = pin!(self.reader.next());
        loop {
            tokio::select! {
                biased;
                inbound = &mut next => {
                    self.heard = Instant::now();
                    return inbound;
                }
                () = self.alarm.as_mut() => {
                    let due = self.heard + interval;
                    if due <= Instant::now() {
                        break;
                    }
                    self.alarm.as_mut().reset(due);
                }
            }
        }
        // Fails only when the write side has ended, which ends this side as well.
        let _ = control.send(Box::new(Control::Ping)).await;
        let inbound = timeout(patience, next).await.unwrap_or_else(|_| {
            debug!("websocket client vanished");
            Err(ReadError::Gone)
        });
        self.heard = Instant::now();
        inbound
    }

    /// Passes a message on to the actor.
    async fn handle(&self, text: bool, message: Bytes) -> Result<(), Close> {
        let connection = self.connection.as_ref();
        let connection = connection.expect("it is there while messages are read");
        if self.is_raw {
            let data = message;
            let passed = connection.message(SocketMessage { text, data }).await;
            return self.passed(passed).await;
        }
        let frame = decode_client_frame(self.encoding, text, message).map_err(|error| {
            debug!(%error, "client sent a malformed message");
            Close::invalid_request()
        })?;
        let passed = match frame {
            ClientFrame::Action {
                id,
                name,
                args,
                compat,
                key,
            } => connection.keyed_action(id, name, args, compat, key).await,
            ClientFrame::Caller {
                caller,
                next,
                waited_ms,
            } => connection.calls_of(caller, next, waited_ms).await,
            ClientFrame::Answered { first } => connection.answered(first).await,
            ClientFrame::Subscribe { event, on } => connection.subscribe(event, on).await,
            ClientFrame::Resume { events } => {
                let more = events.len() == limits::RESUMED_AT_ONCE;
                connection.resume(events, more).await
            }
            ClientFrame::Cancel { id } => connection.cancel(id).await,
            ClientFrame::Credit { id, items } => {
                connection.credit(id, items).await;
                Ok(())
            }
        };
        self.passed(passed).await
    }

    async fn passed(&self, passed: Result<(), ActorError>) -> Result<(), Close> {
        if passed.is_err() {
            // The actor's own close is in the outbox or on its way there, and ends the write side
            // and with it this one. Leaving now would let go of the connection before that.
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

/// Takes and forgets what the client still sends, until it closes, `patience` ends or it is too much. Closing
/// with unread bytes would reset the connection, and the client might never see our close.
async fn linger(read: &mut (impl AsyncRead + Unpin), patience: Duration) {
    // Copying allocates its buffer only now, not for as long as the socket lives.
    let mut nowhere = tokio::io::sink();
    let mut rest = read.take(linger::MOST as u64);
    if timeout(patience, tokio::io::copy(&mut rest, &mut nowhere))
        .await
        .is_err()
    {
        debug!("websocket client did not finish its close in time");
    }
}
