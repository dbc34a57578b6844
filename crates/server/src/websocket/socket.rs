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
use greenroom_types::protocol::{Encoding, decode_client_frame};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    time::{Instant, Sleep, sleep, timeout},
};
use tracing::{debug, trace};

use super::{
    close::{Close, Refusal},
    control::{Control, ControlQueue},
    read::{Inbound, MessageReader, ReadError},
    write::{MessageWriter, WriteLimits},
};
use crate::{
    ServerConfig,
    access::{Intents, Seat, Visitor},
    app::App,
    gateway::Target,
    linger::{self, LingeringStream},
    passing,
    stream::{TimedStream, Transport},
};

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
/// Whatever this holds at any time, every open connection has room for. So what it needs to open and to end is boxed.
pub(crate) async fn run<T: Transport>(app: &App, pending: Box<Pending>) {
    let Some(mut session) = Box::pin(open::<T>(app, pending)).await else {
        return;
    };
    let refused = session.run().await;
    Box::pin(session.end(app, refused)).await;
}

/// Opens a WebSocket, and asks to be let in. `None` if that is all there was to it.
async fn open<T: Transport>(app: &App, pending: Box<Pending>) -> Option<Session<'_, T>> {
    let Pending {
        upgrade,
        encoding,
        address,
        extended,
        plan,
    } = *pending;
    let (mut stream, early) = opened::<T>(upgrade).await?;
    let is_raw = plan.as_ref().is_ok_and(|plan| plan.is_raw);
    let mut taken = BytesMut::new();
    // Dropping the attempt is the end of it, wherever it is.
    let admitted = tokio::select! {
        biased;
        admitted = admit(app, plan, extended) => admitted,
        () = stream.departure(&mut taken) => {
            debug!("websocket client left before it was let in");
            return None;
        }
    };
    let came = joined(&early, taken);
    drop(early);
    let (read, write) = stream.halves();
    let limits = WriteLimits {
        message: app.config.max_outgoing_message,
        patience: app.config.write_timeout,
    };
    let mut writer = MessageWriter::new(write, encoding, extended, limits);
    if is_raw {
        writer.is_raw();
    }
    let (connection, outbox, seat) = match admitted {
        Ok(admitted) => admitted,
        Err(refusal) => {
            end(app, read, writer, address, Ok(Some(refusal))).await;
            return None;
        }
    };
    writer.speaks_for(connection.actor(), connection.generation().clone());
    Some(Session {
        talk: Talk {
            config: &app.config,
            encoding,
            is_raw,
            connection: Some(connection),
            reader: MessageReader::new(read, came, app.config.max_incoming_message),
            heard: Instant::now(),
            alarm: Box::pin(sleep(app.config.ping_interval)),
        },
        seat,
        outbox,
        writer,
        address,
    })
}

/// A WebSocket whose client is let in.
struct Session<'a, T: Transport> {
    talk: Talk<'a, T::Read>,
    seat: Option<Seat>,
    outbox: OutboxReader,
    writer: MessageWriter<T::Write>,
    address: Option<IpAddr>,
}

impl<T: Transport> Session<'_, T> {
    fn run(&mut self) -> impl Future<Output = std::io::Result<Option<Refusal>>> + Send {
        self.talk.run(&mut self.writer, &mut self.outbox)
    }

    /// Ends the session, and then the socket.
    async fn end(self, app: &App, refused: std::io::Result<Option<Refusal>>) {
        let Self {
            talk,
            seat,
            outbox,
            writer,
            address,
        } = self;
        let Talk {
            connection, reader, ..
        } = talk;
        drop((connection, seat, outbox));
        end(app, reader.into_stream(), writer, address, refused).await;
    }
}

/// Says what is left to say, and waits for the client to end as well.
async fn end<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    app: &App,
    mut read: R,
    mut writer: MessageWriter<W>,
    address: Option<IpAddr>,
    refused: std::io::Result<Option<Refusal>>,
) {
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
async fn refuse<W: AsyncWrite + Unpin>(
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
    async fn run<W: AsyncWrite + Unpin>(
        &mut self,
        writer: &mut MessageWriter<W>,
        outbox: &mut OutboxReader,
    ) -> std::io::Result<Option<Refusal>> {
        let control = ControlQueue::default();
        let mut writing = pin!(writer.run(outbox, &control));
        let mut reading = pin!(self.read(&control));
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

    async fn read(&mut self, control: &ControlQueue) -> ReadEnd {
        let mut said = None;
        loop {
            let close = match self.next(control).await {
                Ok(Inbound::Piece | Inbound::Pong) => continue,
                Ok(Inbound::Ping(payload)) => {
                    control.send(Control::Pong(payload)).await;
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
            control.send(Control::Close(close)).await;
            let connection = self.connection.take();
            if let (Some(connection), Some(said)) = (connection, said) {
                connection.closed_with(said);
            }
            return ReadEnd::Closing;
        }
    }

    /// The next thing from the client. One that is silent for long is asked for a sign of life,
    /// and taken for gone when it gives none; a frame that takes that long to arrive is silence.
    async fn next(&mut self, control: &ControlQueue) -> Result<Inbound, ReadError> {
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
        control.send(Control::Ping).await;
        // Boxed: an idle connection has room for all that this may ever do.
        let inbound = Box::pin(timeout(patience, next)).await;
        let inbound = inbound.unwrap_or_else(|_| {
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
            return passed_on(passed.is_ok()).await;
        }
        let frame = decode_client_frame(self.encoding, text, message).map_err(|error| {
            debug!(%error, "client sent a malformed message");
            Close::invalid_request()
        })?;
        passed_on(passing::pass(connection, frame).await.is_ok()).await
    }
}

async fn passed_on(is_there: bool) -> Result<(), Close> {
    if !is_there {
        // The actor's own close is in the outbox or on its way there, and ends the write side
        // and with it this one. Leaving now would let go of the connection before that.
        std::future::pending::<()>().await;
    }
    Ok(())
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
