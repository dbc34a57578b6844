//! Results for people: Markdown.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context, Result};

use crate::{
    results::{Results, SystemEntry, WorkloadEntry},
    statistics::Summary,
};

/// What stands where a system has no figure.
const NOTHING: &str = "–";

/// All tables, with the machine before them.
pub(crate) fn markdown(results: &Results) -> String {
    let mut out = conditions(results);
    let mut line = |text: &str| writeln!(out, "{text}").expect("a string takes everything");
    for workload in &results.workloads {
        line("");
        line(&table(results, workload));
    }
    out
}

/// Writes all tables as a page of the documentation, with the pictures that lie beside it.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write_page(results: &Results, folder: &Path) -> Result<()> {
    let mut page = Vec::from([
        format!("# Results of {}\n", date(results.unix_seconds)),
        "Written by `cargo xtask bench table`. [How to read them](README.md).\n".to_owned(),
        conditions(results),
        "## The systems\n\n| system | what it is |\n|---|---|".to_owned(),
    ]);
    for system in &results.systems {
        page.push(format!("| {} | {} |", system.name, system.about));
    }
    page.push("\n## All workloads\n\nMedians of the figures to compare.\n".to_owned());
    page.push(overview(results));
    for workload in &results.workloads {
        page.push(format!("\n## {}\n", workload.name));
        page.push(table(results, workload));
        let picture = format!("{}.svg", workload.name);
        if folder.join(&picture).is_file() {
            page.push(format!("\n![{}]({picture})", workload.about));
        }
    }
    let path = folder.join("results.md");
    fs::write(&path, page.join("\n") + "\n")
        .with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("wrote {}", path.display());
    Ok(())
}

/// The machine, and how it was measured.
fn conditions(results: &Results) -> String {
    let workers = results.workers.as_ref().map_or(String::new(), |workers| {
        format!("With `GREENROOM_WORKERS={workers}`.\n")
    });
    format!(
        "{}\n{} round(s) of {} s after {} s of warm-up, systems interleaved; medians, (least–most).\n{workers}",
        results.machine.describe(),
        results.rounds,
        results.measured_seconds,
        results.warm_up_seconds
    )
}

/// A row for each figure that is worth a picture, a column for each system.
fn overview(results: &Results) -> String {
    let systems: Vec<&str> = results.systems.iter().map(|s| s.name.as_str()).collect();
    let mut lines = vec![
        format!("| workload | figure | {} |", systems.join(" | ")),
        format!("|---|---|{}", "---:|".repeat(systems.len())),
    ];
    for workload in &results.workloads {
        for metric in workload.metrics.iter().filter(|metric| metric.plotted) {
            let cells = results.systems.iter().map(|system| {
                results
                    .summary(workload, system, metric)
                    .map_or(NOTHING.to_owned(), |summary| {
                        format!("{:.*}", metric.digits, summary.median)
                    })
            });
            let cells: Vec<String> = cells.collect();
            let (name, title) = (&workload.name, &metric.title);
            lines.push(format!("| {name} | {title} | {} |", cells.join(" | ")));
        }
    }
    lines.join("\n")
}

/// One workload: a row for each system, and below it why figures are missing.
fn table(results: &Results, workload: &WorkloadEntry) -> String {
    let mut lines = vec![format!("**{}**: {}\n", workload.name, workload.about)];
    let titles: Vec<&str> = workload
        .metrics
        .iter()
        .map(|metric| metric.title.as_str())
        .collect();
    lines.push(format!("| system | {} |", titles.join(" | ")));
    lines.push(format!("|---|{}", "---:|".repeat(titles.len())));
    let mut reasons = Vec::new();
    for system in &results.systems {
        lines.push(row(results, workload, system));
        if let Some(gap) = results.gap(workload, system) {
            let failed = gap
                .failed_in
                .map_or(String::new(), |round| format!("failed in round {round}: "));
            reasons.push(format!("- {}: {failed}{}", system.name, gap.reason));
        }
    }
    if !reasons.is_empty() {
        lines.push(String::new());
        lines.append(&mut reasons);
    }
    lines.join("\n")
}

fn row(results: &Results, workload: &WorkloadEntry, system: &SystemEntry) -> String {
    let cells = workload.metrics.iter().map(|metric| {
        results
            .summary(workload, system, metric)
            .map_or(NOTHING.to_owned(), |summary| cell(summary, metric.digits))
    });
    let cells: Vec<String> = cells.collect();
    format!("| {} | {} |", system.name, cells.join(" | "))
}

/// The median and, if rounds differ in what is shown, the spread.
fn cell(summary: Summary, digits: usize) -> String {
    let [median, min, max] =
        [summary.median, summary.min, summary.max].map(|value| format!("{value:.digits$}"));
    if min == max {
        median
    } else {
        format!("**{median}** ({min}–{max})")
    }
}

/// The day in UTC as `2026-11-23`, counted from the first of March, so that leap days come last.
fn date(unix_seconds: u64) -> String {
    let days = unix_seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::{date, markdown, write_page};
    use crate::results::{Gap, tests::example};

    #[test]
    fn a_table_has_medians_spreads_and_reasons() {
        let mut results = example();
        results.gaps.push(Gap {
            workload: "work".to_owned(),
            system: "slow".to_owned(),
            reason: "it broke".to_owned(),
            failed_in: Some(2),
        });
        let expected = "\
2 × Abacus, 24 GiB, Linux 6.18, Node.js v20, Bun 1.4; append + fdatasync p50 114 µs, p99 474 µs.
3 round(s) of 2 s after 1 s of warm-up, systems interleaved; medians, (least–most).

**work**: what work does

| system | cost µs | other load |
|---|---:|---:|
| quick | **11.0** (10.0–12.0) | 0.5 |
| slow | **300.0** (200.0–400.0) | 0.5 |

- slow: failed in round 2: it broke

**rest**: what rest does

| system | cost µs | other load |
|---|---:|---:|
| quick | 0.0 | 0.5 |
| slow | – | – |

- slow: it never rests
";
        assert_eq!(markdown(&results), expected);
    }

    #[test]
    fn the_number_of_threads_is_said_where_it_was_chosen() {
        let mut results = example();
        results.workers = Some("2".to_owned());
        let text = markdown(&results);
        assert!(text.contains("\nWith `GREENROOM_WORKERS=2`.\n"), "{text}");
    }

    #[test]
    fn the_page_says_what_was_measured_and_shows_the_pictures_that_are_there() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("work.svg"), "").unwrap();
        write_page(&example(), folder.path()).unwrap();
        let page = std::fs::read_to_string(folder.path().join("results.md")).unwrap();
        assert!(page.starts_with("# Results of 2023-11-14\n"), "{page}");
        for part in [
            "\n| quick | what quick is |\n",
            "\n| workload | figure | quick | slow |\n|---|---|---:|---:|\n",
            "\n| work | cost µs | 11.0 | 300.0 |\n| rest | cost µs | 0.0 | – |\n",
            "\n## work\n\n**work**: what work does\n",
            "\n\n![what work does](work.svg)\n",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("rest.svg"), "{page}");
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_399), "2000-02-28");
        assert_eq!(date(951_782_400), "2000-02-29");
        assert_eq!(date(951_868_800), "2000-03-01");
        assert_eq!(date(1_795_391_999), "2026-11-22");
        assert_eq!(date(1_798_761_600), "2027-01-01");
    }
}
