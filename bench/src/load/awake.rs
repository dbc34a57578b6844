//! How many actors are awake, asked in a way that wakes none: the numbers for Prometheus.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;

use crate::client::Http;

/// The gauge, by actor type.
const AWAKE: &str = "greenroom_actors_awake{";
/// How often it is asked.
const POLL: Duration = Duration::from_millis(1);

/// Waits until exactly this many are awake.
///
/// # Errors
/// That does not come true in time, or the server does not say.
pub(super) async fn wait_for(http: &mut Http, awake: u64, limit: Duration) -> Result<()> {
    let deadline = Instant::now() + limit;
    loop {
        let request = Request::get("/metrics").header("host", "127.0.0.1");
        let page = http.send(request.body(Full::<Bytes>::default())?).await?;
        let now = read(&String::from_utf8_lossy(&page)).context("how many actors are awake")?;
        if now == awake {
            return Ok(());
        }
        ensure!(
            Instant::now() < deadline,
            "{now} actors are awake after {limit:?} instead of {awake}"
        );
        tokio::time::sleep(POLL).await;
    }
}

/// The sum over all types. Zero when there is no line: no actor was ever awake.
fn read(page: &str) -> Result<u64> {
    let lines = page.lines().filter(|line| line.starts_with(AWAKE));
    lines
        .map(|line| {
            let (_, value) = line.rsplit_once(' ').context("a line without a value")?;
            value
                .parse::<u64>()
                .with_context(|| format!("`{value}` is no number of actors"))
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn actors_of_all_types_are_added_up() {
        let page = "# HELP greenroom_actors_awake x\ngreenroom_actors_awake{actor=\"a\"} 3\n\
                    greenroom_actors_awake{actor=\"b c\"} 4\ngreenroom_actor_calls{actor=\"a\"} 9\n";
        assert_eq!(read(page).unwrap(), 7);
        assert_eq!(read("").unwrap(), 0);
        assert!(read("greenroom_actors_awake{actor=\"a\"} many\n").is_err());
    }
}
