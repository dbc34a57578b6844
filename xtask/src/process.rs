//! Starting other programs, with errors that name the command.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::repo;

/// A command that starts in the repository's root.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(repo::root());
    command
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> Command {
    command(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
}

/// The npm that comes with Node.js.
pub(crate) fn npm() -> Command {
    command(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

/// A tool that npm installed, by the path of its JavaScript file inside `node_modules`.
pub(crate) fn node_tool(script: &str) -> Command {
    let mut node = command("node");
    node.arg(Path::new("node_modules").join(script));
    node
}

/// The command as it would be typed, for messages.
pub(crate) fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_stem()
        .unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// [`describe`], with the folder if that is not the repository's root.
fn describe_with_place(command: &Command) -> String {
    let name = describe(command);
    match command
        .get_current_dir()
        .and_then(|folder| folder.strip_prefix(repo::root()).ok())
    {
        Some(folder) if folder != Path::new("") => format!("{name}   ({})", folder.display()),
        _ => name,
    }
}

/// Runs to the end; its output goes where ours goes.
///
/// # Errors
/// The program is missing or did not succeed.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let name = describe_with_place(&command);
    eprintln!("$ {name}");
    let status = command
        .status()
        .with_context(|| format!("cannot start `{name}`"))?;
    if !status.success() {
        bail!("`{name}` failed ({status})");
    }
    Ok(())
}

/// Runs to the end and returns what it wrote to standard output; its standard error goes to ours.
///
/// # Errors
/// The program is missing, did not succeed, or did not write text.
pub(crate) fn output(mut command: Command) -> Result<String> {
    let name = describe(&command);
    command.stderr(std::process::Stdio::inherit());
    let output = command
        .output()
        .with_context(|| format!("cannot start `{name}`"))?;
    if !output.status.success() {
        bail!("`{name}` failed ({})", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{name}` did not write UTF-8"))
}

/// Whether the program starts and succeeds; its output is dropped.
pub(crate) fn succeeds(mut command: Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Becomes the program where the system can do that, so that signals and exit codes are its own; else runs it.
///
/// # Errors
/// The program is missing.
pub(crate) fn become_program(mut command: Command) -> Result<ExitCode> {
    let name = describe_with_place(&command);
    eprintln!("$ {name}");
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        let error = command.exec();
        Err(error).with_context(|| format!("cannot start `{name}`"))
    }
    #[cfg(not(unix))]
    {
        let status = command
            .status()
            .with_context(|| format!("cannot start `{name}`"))?;
        let code = status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(1);
        Ok(ExitCode::from(code))
    }
}
