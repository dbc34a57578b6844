//! `dist`: the files that can be published.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;

use crate::cli::DistPart;
use crate::packaging::{self, Made};
use crate::{repo, setup};

/// Builds what is published, makes the packages and says what it made.
pub(super) fn run(only: Option<DistPart>) -> Result<ExitCode> {
    let npm = if only == Some(DistPart::Crates) {
        Vec::new()
    } else {
        setup::packages()?;
        packaging::npm()?
    };
    let crates = if only == Some(DistPart::Npm) {
        Vec::new()
    } else {
        packaging::crates()?
    };
    let mut out = std::io::stdout().lock();
    for (title, made) in [("npm packages", npm), ("crates", crates)] {
        if !made.is_empty() {
            writeln!(out, "\n{title}, ready to be published:")?;
            for made in made {
                writeln!(out, "  {}", line(&made))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn line(made: &Made) -> String {
    let file = made.file.strip_prefix(repo::root()).unwrap_or(&made.file);
    let unpacked = made
        .unpacked
        .map(|size| format!(", {} unpacked", size_text(size)))
        .unwrap_or_default();
    format!(
        "{:<40} {}{unpacked}  {}",
        made.package,
        size_text(made.packed),
        file.display()
    )
}

/// Three digits at most: `512 B`, `60.6 kB`, `2.5 MB`.
fn size_text(bytes: u64) -> String {
    let thousands = bytes as f64 / 1e3;
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..100_000 => format!("{thousands:.1} kB"),
        100_000..1_000_000 => format!("{thousands:.0} kB"),
        _ => format!("{:.1} MB", thousands / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::size_text;

    #[test]
    fn sizes_are_short() {
        assert_eq!(size_text(512), "512 B");
        assert_eq!(size_text(60_550), "60.5 kB");
        assert_eq!(size_text(229_600), "230 kB");
        assert_eq!(size_text(2_480_000), "2.5 MB");
    }
}
