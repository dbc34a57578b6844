//! The requests that are under way.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use greenroom_server::{Body, Dispatcher, InProcessBody};
use greenroom_types::ActorError;
use http_body_util::{BodyExt, Full};
use hyper::{Response, body::Body as _};
use tokio::{
    runtime::Handle,
    sync::{Notify, Semaphore, mpsc},
    task::AbortHandle,
    time::Instant,
};
use tracing::warn;

use super::{
    Answer, Begin, BeginBody, Requested, WINDOW,
    body::{Part, PartBody},
    connection::Connection,
};
use crate::host::JsHost;

/// Answers requests for as long as it has a server.
#[derive(Default)]
pub(crate) struct Requests {
    /// A lock because JavaScript's thread begins what tasks on other threads end. Held for one
    /// operation on the map.
    inner: Mutex<Inner>,
    /// One of them has ended.
    ended: Notify,
}

#[derive(Default)]
struct Inner {
    server: Option<Server>,
    under_way: HashMap<u32, UnderWay>,
}

#[derive(Clone)]
pub(super) struct Server {
    pub(super) dispatcher: Dispatcher,
    threads: Handle,
    host: Arc<JsHost>,
    /// Of the host, when the request began.
    era: u32,
}

impl Server {
    /// Tells JavaScript what has come of a request, if the thread is still there that has made it.
    pub(super) fn tell(&self, request: u32, answer: &Answer) {
        self.host.answer(self.era, request, answer);
    }
}

/// What JavaScript can still do about a request.
struct UnderWay {
    /// The next thread counts from 1 again: its requests have the numbers of those before.
    era: u32,
    task: AbortHandle,
    parts: Option<mpsc::UnboundedSender<Part>>,
    /// How many bytes of the answer may be sent.
    room: Arc<Semaphore>,
}

impl Requests {
    /// From here on requests are answered, by tasks on the current tokio runtime.
    pub(crate) fn open(&self, dispatcher: Dispatcher, host: Arc<JsHost>) {
        let threads = Handle::current();
        self.lock().server = Some(Server {
            dispatcher,
            threads,
            era: host.era(),
            host,
        });
    }

    /// A request that has no end.
    #[cfg(test)]
    pub(crate) fn begin_endless(&self, id: u32, era: u32) {
        let request = UnderWay {
            era,
            task: tokio::spawn(std::future::pending::<()>()).abort_handle(),
            parts: None,
            room: Arc::new(Semaphore::new(0)),
        };
        self.lock().under_way.insert(id, request);
    }

    /// Whether requests are answered.
    #[cfg(test)]
    pub(crate) fn is_open(&self) -> bool {
        self.lock().server.is_some()
    }

    /// Waits for the end of all requests, and ends those that take longer than `until`. The server
    /// answers new ones with what it answers to everybody then.
    pub(crate) async fn finish(&self, until: Instant) {
        let all = async {
            loop {
                let ended = self.ended.notified();
                if self.lock().under_way.is_empty() {
                    return;
                }
                ended.await;
            }
        };
        if tokio::time::timeout_at(until, all).await.is_err() {
            warn!(
                requests = self.lock().under_way.len(),
                "cutting off requests of this process that did not end in time"
            );
        }
        self.close();
    }

    /// Ends everything. Further requests have no answer.
    pub(crate) fn close(&self) {
        let inner = std::mem::take(&mut *self.lock());
        for (_, request) in inner.under_way {
            request.task.abort();
        }
    }

    /// Ends all requests that are under way: those who have made them are gone.
    pub(crate) fn end_all(&self) {
        let under_way = std::mem::take(&mut self.lock().under_way);
        for (_, request) in under_way {
            request.task.abort();
        }
        self.ended.notify_waiters();
    }

    /// Takes what JavaScript has to say of a request. What is said of one that has ended is dropped.
    pub(crate) fn take(self: &Arc<Self>, requested: Requested) {
        match requested {
            Requested::Begin(begin) => self.begin(*begin),
            Requested::Connect { request, peer } => self.connect(request, peer),
            Requested::Part { request, part } => {
                if let Some(UnderWay {
                    parts: Some(parts), ..
                }) = self.lock().under_way.get(&request)
                {
                    // The server may have enough of it.
                    let _ = parts.send(Part::Data(part));
                }
            }
            Requested::End { request } => {
                if let Some(request) = self.lock().under_way.get_mut(&request)
                    && let Some(parts) = request.parts.take()
                {
                    let _ = parts.send(Part::End);
                }
            }
            Requested::GiveUp { request } => {
                if let Some(request) = self.lock().under_way.remove(&request) {
                    request.task.abort();
                }
                self.ended.notify_waiters();
            }
            Requested::Taken { request, bytes } => {
                if let Some(request) = self.lock().under_way.get(&request) {
                    request.room.add_permits(bytes as usize);
                }
            }
        }
    }

    fn begin(self: &Arc<Self>, begin: Begin) {
        let request = begin.request;
        self.spawn(request, |server, room| {
            let (body, parts) = body_of(&begin, &server);
            let exchange = Exchange {
                server,
                request,
                room,
            };
            (exchange.run(begin, body), parts)
        });
    }

    fn connect(self: &Arc<Self>, request: u32, peer: Option<IpAddr>) {
        self.spawn(request, |server, room| {
            let (sender, parts) = mpsc::unbounded_channel();
            let connection = Connection {
                server,
                request,
                peer,
                room,
            };
            (connection.run(parts), Some(sender))
        });
    }

    /// Runs what `begin` makes of the server and of the room that JavaScript has for an answer, until it
    /// ends or is given up.
    fn spawn<Work: Future<Output = ()> + Send + 'static>(
        self: &Arc<Self>,
        id: u32,
        begin: impl FnOnce(Server, Arc<Semaphore>) -> (Work, Option<mpsc::UnboundedSender<Part>>),
    ) {
        let mut inner = self.lock();
        // Without a server nobody is left to be told: JavaScript gives up all its requests itself.
        let Some(mut server) = inner.server.clone() else {
            return;
        };
        server.era = server.host.era();
        let era = server.era;
        let threads = server.threads.clone();
        let room = Arc::new(Semaphore::new(WINDOW));
        let (work, parts) = begin(server, Arc::clone(&room));
        let table = Arc::clone(self);
        // The lock is held until the request is in the table, so that its end finds it there.
        let task = threads.spawn(async move {
            work.await;
            table.remove(id, era);
            table.ended.notify_waiters();
        });
        let request = UnderWay {
            era,
            task: task.abort_handle(),
            parts,
            room,
        };
        inner.under_way.insert(id, request);
    }

    /// A request has ended that began in this era.
    fn remove(&self, id: u32, era: u32) {
        let mut inner = self.lock();
        if inner.under_way.get(&id).is_some_and(|one| one.era == era) {
            inner.under_way.remove(&id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn body_of(begin: &Begin, server: &Server) -> (InProcessBody, Option<mpsc::UnboundedSender<Part>>) {
    match &begin.body {
        BeginBody::Whole(body) => {
            let body = Full::new(body.clone());
            (body.map_err(|never| match never {}).boxed(), None)
        }
        BeginBody::Follows => {
            let (body, sender) = PartBody::new(begin.request, server.era, Arc::clone(&server.host));
            (body.boxed(), Some(sender))
        }
    }
}

/// One request and its answer.
struct Exchange {
    server: Server,
    request: u32,
    room: Arc<Semaphore>,
}

impl Exchange {
    async fn run(self, mut begin: Begin, body: InProcessBody) {
        if let Some(clearance) = begin.clearance.take()
            && !clearance.granted().await
        {
            return self.tell(&Answer::Failed(ActorError::restarting()));
        }
        match begin.request(body) {
            Ok(request) => {
                let dispatched = self
                    .server
                    .dispatcher
                    .dispatch(request, begin.origin, begin.peer);
                self.answer(dispatched.await).await;
            }
            Err(error) => self.tell(&Answer::Failed(error)),
        }
    }

    async fn answer(&self, answer: Response<Body>) {
        let (head, mut body) = answer.into_parts();
        let head = Box::new(head);
        // What is all there travels in one piece.
        let size = body.size_hint().exact();
        if size.is_some_and(|size| size <= WINDOW as u64)
            && let Ok(whole) = (&mut body).collect().await
        {
            let body = Some(whole.to_bytes());
            return self.tell(&Answer::Head { head, body });
        }
        self.tell(&Answer::Head { head, body: None });
        while let Some(frame) = body.frame().await {
            match frame.map(hyper::body::Frame::into_data) {
                Ok(Ok(data)) => self.part(data).await,
                // Trailers: `fetch` knows of none.
                Ok(Err(_)) => {}
                Err(error) => {
                    let error = ActorError::new(
                        "request",
                        "broken",
                        format!("the body of the answer broke off: {error}"),
                    );
                    return self.tell(&Answer::Failed(error));
                }
            }
        }
        self.tell(&Answer::End);
    }

    /// Sends a part of the body as soon as there is room for it.
    async fn part(&self, mut data: Bytes) {
        while !data.is_empty() {
            let piece = data.split_to(data.len().min(WINDOW));
            let bytes = u32::try_from(piece.len()).expect("a piece is no larger than the window");
            match self.room.acquire_many(bytes).await {
                Ok(permits) => permits.forget(),
                // It is never closed.
                Err(_) => return,
            }
            self.tell(&Answer::Part(piece));
        }
    }

    fn tell(&self, answer: &Answer) {
        self.server.tell(self.request, answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_of_a_lost_threads_request_is_not_that_of_the_next_with_its_number() {
        let requests = Requests::default();
        let numbers = || {
            requests
                .lock()
                .under_way
                .keys()
                .copied()
                .collect::<Vec<_>>()
        };
        requests.begin_endless(1, 0);
        requests.end_all();
        requests.begin_endless(1, 1);
        requests.remove(1, 0);
        assert_eq!(numbers(), [1]);
        requests.remove(1, 1);
        assert!(numbers().is_empty());
    }
}
