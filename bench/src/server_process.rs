//! A system's child process: starting it, measuring it, ending it.

use std::{
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, ChildStdin, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::{cpu, system::System};

/// The longest time from start to `listening`.
const START: Duration = Duration::from_secs(20);
/// The longest time that an orderly end may take before the process is killed.
const STOP: Duration = Duration::from_secs(5);
/// How often it is asked whether the process has ended; only after measuring.
const STOP_POLL: Duration = Duration::from_millis(5);

/// A running server with a fresh data directory. Dropping it kills the process and deletes the data.
pub(crate) struct ServerProcess {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    child: Child,
    /// Held open: its end tells the server to stop, also when this process dies.
    stdin: Option<ChildStdin>,
    _data: TempDir,
}

impl ServerProcess {
    /// Starts the system and waits until it listens. Its data lies under `data_parent`.
    ///
    /// # Errors
    /// The program is missing, ends, or does not listen in time.
    pub(crate) fn start(system: &System, data_parent: &Path) -> Result<Self> {
        let data = tempfile::Builder::new()
            .prefix("data-")
            .tempdir_in(data_parent)
            .context("cannot make a data directory")?;
        let mut child = system
            .command()?
            .env("BENCH_DATA_DIR", data.path())
            .current_dir(data.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{}`", system.name))?;
        let stdout = child.stdout.take().expect("stdout was asked to be a pipe");
        let stdin = child.stdin.take();
        let mut server = Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            child,
            stdin,
            _data: data,
        };
        let (tell, told) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
            let port = lines.find_map(|line| line.strip_prefix("listening ")?.parse().ok());
            // Nobody listens any more when it took too long.
            let _ = tell.try_send(port);
            // The pipe stays open and empty, so that the server can go on writing.
            lines.for_each(drop);
        });
        let Ok(Some(port)) = told.recv_timeout(START) else {
            bail!("`{}` did not say `listening <port>`", system.name);
        };
        server.address.set_port(port);
        Ok(server)
    }

    /// The process's id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Memory of the process and its descendants that is in RAM, in bytes.
    ///
    /// # Errors
    /// The process is gone.
    pub(crate) fn resident(&self) -> Result<u64> {
        cpu::resident(self.pid())
    }

    /// Ends it in an orderly way: what it does at its end counts as working, too.
    ///
    /// # Errors
    /// It does not end in time, or not with success.
    pub(crate) fn stop(mut self) -> Result<()> {
        drop(self.stdin.take());
        let deadline = Instant::now() + STOP;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                if !status.success() {
                    bail!("the server ended with {status}");
                }
                return Ok(());
            }
            std::thread::sleep(STOP_POLL);
        }
        bail!("the server did not end within {STOP:?}");
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
