//! Starts `workerd` the way that systems are started: it says `listening <port>` and ends with
//! standard input, which `workerd` itself does not.

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::system;

/// Serves until standard input ends.
///
/// # Errors
/// The program is not installed, does not listen, or ends early.
pub(crate) fn serve() -> Result<()> {
    let folder = system::folder().join("peers/workerd");
    let data = env::var("BENCH_DATA_DIR").context("BENCH_DATA_DIR is not set")?;
    let platform = match env::consts::ARCH {
        "x86_64" => "workerd-linux-64",
        "aarch64" => "workerd-linux-arm64",
        other => bail!("there is no workerd for Linux on {other}"),
    };
    let program = folder.join(format!("node_modules/@cloudflare/{platform}/bin/workerd"));
    let mut child = Command::new(program)
        .arg("serve")
        .arg(folder.join("config.capnp"))
        .arg(format!("--directory-path=data={data}"))
        .arg("--control-fd=1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start workerd")?;
    let port = match port(&mut child) {
        Ok(port) => port,
        Err(error) => {
            // An error means that it has ended already.
            let _ = child.kill();
            let _ = child.wait();
            return Err(error);
        }
    };
    writeln!(std::io::stdout(), "listening {port}")?;
    // An error is an end, too.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    stop(&mut child)
}

/// Reads the event that tells where it listens.
fn port(child: &mut Child) -> Result<u64> {
    let stdout = child.stdout.take().expect("stdout was asked to be a pipe");
    for line in BufReader::new(stdout).lines() {
        let event: Value = serde_json::from_str(&line?)?;
        if let Some(port) = event["port"].as_u64() {
            return Ok(port);
        }
    }
    bail!("workerd did not say where it listens")
}

/// Asks it to end, which it does at once: nothing that it acknowledged waits to be written.
fn stop(child: &mut Child) -> Result<()> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.context("no process id")?, Signal::TERM)?;
    let status = child.wait()?;
    ensure!(
        status.code().is_none_or(|code| code == 0),
        "workerd ended with {status}"
    );
    Ok(())
}
