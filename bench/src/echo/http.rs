//! HTTP requests: echo the body, or become a WebSocket.

use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming};

use super::{committer::Committer, hub::Hub, socket};

pub(super) async fn answer(
    mut request: Request<Incoming>,
    hub: Arc<Hub>,
    committer: Option<Arc<Committer>>,
) -> Result<Response<Full<Bytes>>> {
    if fastwebsockets::upgrade::is_upgrade_request(&request) {
        let (response, upgrade) = fastwebsockets::upgrade::upgrade(&mut request)?;
        tokio::spawn(async move {
            if let Ok(frames) = upgrade.await {
                // The peer's going away is the usual end.
                let _ = match committer {
                    Some(committer) => socket::echo_durably(frames, &hub, &committer).await,
                    None => socket::echo(frames, &hub).await,
                };
            }
        });
        return Ok(response.map(|_| Full::default()));
    }
    let body = request.into_body().collect().await?.to_bytes();
    if let Some(committer) = committer {
        committer.submit(body.clone()).await?.await?;
    }
    Ok(Response::new(Full::new(body)))
}
