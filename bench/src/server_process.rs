//! A system's processes: starting them, measuring them, ending them.

use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, ChildStdin, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::{cpu, family, system::System};

/// The longest time from start to `listening`.
const START: Duration = Duration::from_secs(60);
/// The longest time that an orderly end may take before the processes are killed.
const STOP: Duration = Duration::from_secs(20);
/// The longest time that the kernel may take to end what was killed.
const KILL: Duration = Duration::from_secs(10);
/// The longest time that collecting garbage may take.
const COLLECT: Duration = Duration::from_secs(20);
/// The longest time that its other processes may take to end after the first.
const LINGER: Duration = Duration::from_secs(2);
/// How often it is asked whether processes have ended; only after measuring.
const STOP_POLL: Duration = Duration::from_millis(5);

/// What tells a server's program where to store. It also marks the server's processes, however they
/// were started.
const DATA_VARIABLE: &str = "BENCH_DATA_DIR";

/// A directory for a server's data, which is deleted with this.
pub(crate) struct Data(TempDir);

impl Data {
    /// An empty one in `parent`.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn fresh(parent: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("data-")
            .tempdir_in(parent)
            .context("cannot make a data directory")?;
        Ok(Self(folder))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    fn mark(&self) -> String {
        format!("{DATA_VARIABLE}={}", self.0.path().display())
    }
}

/// A running server. Dropping it kills all its processes and deletes the data.
pub(crate) struct ServerProcess {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    child: Child,
    /// Held open: its end tells the server to stop, also when this process dies.
    stdin: Option<ChildStdin>,
    /// What the program says of its heap.
    heaps: mpsc::Receiver<u64>,
    /// Only [`ServerProcess::kill`] takes it out.
    data: Option<Data>,
}

impl ServerProcess {
    /// Starts the system on this data and waits until it listens.
    ///
    /// # Errors
    /// The program is missing, ends, or does not listen in time.
    pub(crate) fn start(system: &System, data: Data) -> Result<Self> {
        let mut child = system
            .command()?
            .env(DATA_VARIABLE, data.0.path())
            .current_dir(data.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{}`", system.name))?;
        let stdout = child.stdout.take().expect("stdout was asked to be a pipe");
        let stdin = child.stdin.take();
        let (tell, told) = mpsc::sync_channel(1);
        let (tell_heap, heaps) = mpsc::sync_channel(1);
        let mut server = Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            child,
            stdin,
            heaps,
            data: Some(data),
        };
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
            let port = lines.find_map(|line| line.strip_prefix("listening ")?.parse().ok());
            // Nobody listens any more when it took too long.
            let _ = tell.try_send(port);
            // The pipe stays open and empty, so that the server can go on writing.
            for line in lines {
                if let Some(Ok(bytes)) = line.strip_prefix("heap ").map(str::parse) {
                    // Likewise.
                    let _ = tell_heap.try_send(bytes);
                }
            }
        });
        let Ok(Some(port)) = told.recv_timeout(START) else {
            bail!("`{}` did not say `listening <port>`", system.name);
        };
        server.address.set_port(port);
        Ok(server)
    }

    /// The first process's id. All others descend from it: see [`ServerProcess::check_family`].
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks a program with JavaScript to collect garbage, and gives the bytes of its heap afterwards.
    ///
    /// # Errors
    /// It does not answer in time.
    pub(crate) fn collect_garbage(&mut self) -> Result<u64> {
        let stdin = self.stdin.as_mut().context("it is told to end")?;
        stdin.write_all(b"gc\n").context("the server is gone")?;
        self.heaps
            .recv_timeout(COLLECT)
            .context("the server did not say `heap <bytes>`")
    }

    /// Checks that the CPU time and memory of all processes that the server has started are counted,
    /// which those are that descend from the first.
    ///
    /// # Errors
    /// One has left the family.
    pub(crate) fn check_family(&self) -> Result<()> {
        let counted = family::descendants(self.pid())?;
        let strays: Vec<u32> = self.marked()?;
        for pid in strays {
            ensure!(
                counted.contains(&pid),
                "process {pid} of the server is not counted"
            );
        }
        Ok(())
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
    /// It does not end in time, not with success, or leaves a process behind.
    pub(crate) fn stop(mut self) -> Result<()> {
        drop(self.stdin.take());
        let deadline = Instant::now() + STOP;
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            ensure!(
                Instant::now() < deadline,
                "the server did not end within {STOP:?}"
            );
            std::thread::sleep(STOP_POLL);
        };
        ensure!(status.success(), "the server ended with {status}");
        let deadline = Instant::now() + LINGER;
        loop {
            let left = self.marked()?;
            if left.is_empty() {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "the server left processes behind: {left:?}"
            );
            std::thread::sleep(STOP_POLL);
        }
    }

    /// Ends all its processes at once, as a crash would, and keeps the data.
    ///
    /// # Errors
    /// The kernel does not end them.
    pub(crate) fn kill(mut self) -> Result<Data> {
        self.kill_all()?;
        self.data.take().context("killed once already")
    }

    fn kill_all(&mut self) -> Result<()> {
        let mut pids = family::descendants(self.pid())?;
        // These at once: looking for strays takes a while, in which a server could still save.
        for pid in &pids {
            family::kill(*pid);
        }
        let deadline = Instant::now() + KILL;
        loop {
            pids.extend(self.marked()?);
            pids.retain(|pid| family::is_alive(*pid));
            // Reaps the first process; the others are for their parents or init to reap.
            let ended = self.child.try_wait()?.is_some();
            if pids.is_empty() && ended {
                return Ok(());
            }
            for pid in &pids {
                family::kill(*pid);
            }
            ensure!(
                Instant::now() < deadline,
                "processes outlived being killed: {pids:?}"
            );
            std::thread::sleep(STOP_POLL);
        }
    }

    /// The living processes that were started for this data.
    fn marked(&self) -> Result<Vec<u32>> {
        match &self.data {
            Some(data) => family::with_variable(&data.mark()),
            None => Ok(Vec::new()),
        }
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Not after `kill`, which leaves nothing, not even data.
        if self.data.is_some()
            && let Err(error) = self.kill_all()
        {
            eprintln!("a server may still run: {error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{Data, ServerProcess};
    use crate::{family, system::System};

    /// Says that it listens, having started a process that does not descend from it and would
    /// outlive it.
    const WITH_A_STRAY: System =
        System::shell("setsid sh -c 'sleep 100 & exec true'; echo listening 1; read line; true");
    const WITH_A_CHILD: System = System::shell("sleep 100 & echo listening 1; read line; true");

    fn start(system: &System) -> (ServerProcess, String) {
        let data = Data::fresh(&std::env::temp_dir()).expect("a directory");
        let mark = data.mark();
        (ServerProcess::start(system, data).expect("a server"), mark)
    }

    fn runs(mark: &str) -> bool {
        !family::with_variable(mark).expect("a look").is_empty()
    }

    #[test]
    fn a_process_that_would_not_be_counted_is_noticed() {
        let (server, _) = start(&WITH_A_CHILD);
        server.check_family().expect("a child is counted");
        let (server, _) = start(&WITH_A_STRAY);
        let error = server.check_family().expect_err("a stray");
        assert!(error.to_string().contains("is not counted"), "{error}");
    }

    #[test]
    fn dropping_ends_all_processes_and_deletes_the_data() {
        for system in [WITH_A_CHILD, WITH_A_STRAY] {
            let (server, mark) = start(&system);
            assert!(runs(&mark));
            drop(server);
            assert!(!runs(&mark));
            let (_, folder) = mark.split_once('=').expect("a variable");
            assert!(!Path::new(folder).exists());
        }
    }

    #[test]
    fn an_orderly_end_that_leaves_a_process_behind_is_none() {
        let (server, mark) = start(&WITH_A_CHILD);
        let error = server.stop().expect_err("a process is left");
        assert!(error.to_string().contains("left processes"), "{error}");
        assert!(!runs(&mark));
    }

    #[test]
    fn a_kill_keeps_the_data() {
        let (server, mark) = start(&System::shell("echo x > kept; echo listening 1; read line"));
        let data = server.kill().expect("a kill");
        assert!(!runs(&mark));
        assert!(fs::exists(data.0.path().join("kept")).expect("a look"));
    }
}
