//! Where the core's log goes: to stderr, once per process.

use std::{
    fmt::Write as _,
    io::{self, Stderr, Write, stderr},
    sync::Once,
};

use tracing::level_filters::LevelFilter;

/// Starts logging at `level`. Only the first call of the process has an effect: the registries of
/// one process share a log.
pub(crate) fn init(level: LevelFilter) {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(|| OneLine(stderr()))
            .with_ansi(false)
            .finish();
        // An error means that something else in this copy of the addon logs already.
        let _ = tracing::subscriber::set_global_default(subscriber);
    });
}

/// Writes each entry as one line without control characters, so that nothing a client says, and an error repeats, looks
/// like an entry of its own or moves a terminal's cursor.
struct OneLine(Stderr);

impl Write for OneLine {
    /// Takes an entry as a whole, which is how the subscriber writes them.
    fn write(&mut self, entry: &[u8]) -> io::Result<usize> {
        self.0.write_all(one_line(entry).as_bytes())?;
        Ok(entry.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn one_line(entry: &[u8]) -> String {
    let entry = String::from_utf8_lossy(entry);
    let text = entry.strip_suffix('\n').unwrap_or(&entry);
    let mut line = String::with_capacity(text.len() + 1);
    for char in text.chars() {
        match char {
            '\t' => line.push(char),
            '\n' => line.push_str("\\n"),
            _ if is_unprintable(char) => {
                write!(line, "\\u{:04x}", u32::from(char)).expect("a String takes everything")
            }
            _ => line.push(char),
        }
    }
    line.push('\n');
    line
}

/// What ends a line, moves a cursor, or turns the direction of what follows.
fn is_unprintable(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_one_line_each_whatever_is_in_them() {
        let entry = "DEBUG failed error=no `a\nERROR forged\r\x1b[2J\u{9b}2J\u{202e}` ü\t\u{7f}\n";
        let line = one_line(entry.as_bytes());
        assert_eq!(
            line,
            "DEBUG failed error=no `a\\nERROR forged\\u000d\\u001b[2J\\u009b2J\\u202e` ü\t\\u007f\n"
        );
        assert_eq!(one_line(b"\xff\n"), "\u{fffd}\n");
    }
}
