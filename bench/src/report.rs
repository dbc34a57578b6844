//! Results for people: Markdown.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context, Result};

use crate::{
    goal::{Goal, Standing},
    results::{MetricEntry, Results, Role, SystemEntry, WorkloadEntry},
    statistics::Summary,
};

/// What stands where a system has no figure.
const NOTHING: &str = "–";
/// The floor that everything which runs under Node.js is compared with.
const FLOOR: &str = "ws-node";

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
        "## The systems\n\n| system | what it is | durability |\n|---|---|---|".to_owned(),
    ]);
    for system in &results.systems {
        let (name, about) = (&system.name, &system.about);
        let durability = system.durability.describe();
        page.push(format!("| {name} | {about} | {durability} |"));
    }
    if let Some(goals) = goals(results) {
        page.push("\n## Goals\n\nMedians of this run beside what they are to be.\n".to_owned());
        page.push(goals);
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
        "{}\nup to {} round(s) of {} s after {} s of warm-up, systems interleaved; medians, (least–most).\n{workers}",
        results.machine.describe(),
        results.rounds,
        results.measured_seconds,
        results.warm_up_seconds
    )
}

/// A row for each goal, a column for each system that has some. `None` without such systems.
fn goals(results: &Results) -> Option<String> {
    let systems = results.systems.iter();
    let systems: Vec<_> = systems.filter(|system| system.role == Role::Ours).collect();
    let mut rows = Vec::new();
    for workload in &results.workloads {
        for metric in &workload.metrics {
            for goal in Goal::of(workload, metric) {
                let cells = systems.iter().map(|system| {
                    let standing = goal.is_for(system).then(|| goal.standing(results, system));
                    let told = standing.flatten().map(|standing| {
                        format!(
                            "{:.*} {}",
                            metric.digits,
                            standing.median,
                            verdict(standing)
                        )
                    });
                    told.unwrap_or_else(|| NOTHING.to_owned())
                });
                let cells: Vec<String> = cells.collect();
                if cells.iter().all(|cell| cell == NOTHING) {
                    continue;
                }
                rows.push(format!(
                    "| {} | {} | {} for {} | {} |",
                    workload.name,
                    metric.title,
                    goal.describe(),
                    goal.whose(),
                    cells.join(" | ")
                ));
            }
        }
    }
    if rows.is_empty() {
        return None;
    }
    let names: Vec<_> = systems.iter().map(|system| system.name.as_str()).collect();
    let head = format!("| workload | figure | goal | {} |", names.join(" | "));
    let line = format!("|---|---|---|{}", "---:|".repeat(names.len()));
    Some(format!("{head}\n{line}\n{}", rows.join("\n")))
}

fn verdict(standing: Standing) -> &'static str {
    if standing.is_met() {
        "met"
    } else {
        "**missed**"
    }
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
    let floor = floor_median(results, workload);
    let mut heads: Vec<String> = workload.metrics.iter().map(|m| m.title.clone()).collect();
    heads.push("rounds".to_owned());
    if floor.is_some() {
        heads.push(format!("× {FLOOR}"));
    }
    let mut right = "---:|".repeat(heads.len());
    let has_goals = results
        .systems
        .iter()
        .any(|system| !standings(results, workload, system).is_empty());
    if has_goals {
        heads.push("goal".to_owned());
        right.push_str("---|");
    }
    lines.push(format!("| system | durability | {} |", heads.join(" | ")));
    lines.push(format!("|---|---|{right}"));
    let mut reasons = Vec::new();
    for system in &results.systems {
        let gap = results.gap(workload, system);
        let has_figures = |metric| results.summary(workload, system, metric).is_some();
        if gap.is_none() && !workload.metrics.iter().any(has_figures) {
            // It was not to be measured.
            continue;
        }
        let mut cells = cells(results, workload, system);
        cells.push(results.rounds_of(workload, system).to_string());
        if let Some(floor) = floor {
            let own = main_median(results, workload, system);
            cells.push(own.map_or(NOTHING.to_owned(), |own| format!("{:.2}", own / floor)));
        }
        if has_goals {
            cells.push(standings(results, workload, system));
        }
        lines.push(format!(
            "| {} | {} | {} |",
            system.name,
            system.durability.describe(),
            cells.join(" | ")
        ));
        if let Some(gap) = gap {
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

fn cells(results: &Results, workload: &WorkloadEntry, system: &SystemEntry) -> Vec<String> {
    let cells = workload.metrics.iter().map(|metric| {
        results
            .summary(workload, system, metric)
            .map_or(NOTHING.to_owned(), |summary| cell(summary, metric.digits))
    });
    cells.collect()
}

/// The figure to compare, of the floor; `None` where there is nothing to compare with.
fn floor_median(results: &Results, workload: &WorkloadEntry) -> Option<f64> {
    let floor = results.systems.iter().find(|system| system.name == FLOOR)?;
    main_median(results, workload, floor).filter(|median| *median > 0.0)
}

/// The median of the figure to compare.
fn main_median(results: &Results, workload: &WorkloadEntry, system: &SystemEntry) -> Option<f64> {
    let metric = workload.metrics.first()?;
    Some(results.summary(workload, system, metric)?.median)
}

/// All goals of a system for a workload, and whether they are met. Empty if there are none.
fn standings(results: &Results, workload: &WorkloadEntry, system: &SystemEntry) -> String {
    let of_metric = |(index, metric): (usize, &MetricEntry)| {
        let goals = Goal::of(workload, metric).filter(|goal| goal.is_for(system));
        let told = goals.filter_map(|goal| {
            let standing = goal.standing(results, system)?;
            // The first figure is the one that a row is about.
            let title = match index {
                0 => String::new(),
                _ => format!("{} ", metric.title),
            };
            let exact = format!("≤ {}", standing.limit);
            let limit = match goal.describe() {
                text if text == exact => text,
                text => format!("{text} (= {:.*})", metric.digits, standing.limit),
            };
            Some(format!("{title}{limit}: {}", verdict(standing)))
        });
        told.collect::<Vec<_>>()
    };
    let all = workload.metrics.iter().enumerate().flat_map(of_metric);
    all.collect::<Vec<_>>().join("; ")
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
    use crate::results::{
        Gap, Results,
        tests::{example, of_a_run},
    };

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
up to 3 round(s) of 2 s after 1 s of warm-up, systems interleaved; medians, (least–most).

**work**: what work does

| system | durability | cost µs | other load | rounds |
|---|---|---:|---:|---:|
| quick | stores nothing | **11.0** (10.0–12.0) | 0.5 | 3 |
| slow | stores nothing | **300.0** (200.0–400.0) | 0.5 | 3 |

- slow: failed in round 2: it broke

**rest**: what rest does

| system | durability | cost µs | other load | rounds |
|---|---|---:|---:|---:|
| quick | stores nothing | 0.0 | 0.5 | 1 |
| slow | stores nothing | – | – | 0 |

- slow: it never rests
";
        assert_eq!(markdown(&results), expected);
    }

    fn goals_of_a_run() -> Results {
        of_a_run(&[
            ("action-ws-64", "greenroom-node", "server_cpu_us", 12.0),
            ("action-ws-64", "rivetkit-2.0", "server_cpu_us", 40.0),
            ("action-ws-64", "ws-node", "server_cpu_us", 5.0),
            ("append-1m", "greenroom-node", "written_per_byte", 2.5),
        ])
    }

    #[test]
    fn goals_and_the_floor_stand_beside_the_figures() {
        let text = markdown(&goals_of_a_run());
        let nothing = "– | – | – | – |";
        for line in [
            "| system | durability | server CPU µs/op | ops/s | p50 µs | p99 µs | other load | rounds | × ws-node | goal |".to_owned(),
            "|---|---|---:|---:|---:|---:|---:|---:|---:|---|".to_owned(),
            format!(
                "| greenroom-node | durable | 12.0 | {nothing} 1 | 2.40 | \
                 ≤ 20: met; ≤ 1.6 × ws-node (= 8.0): **missed** |"
            ),
            format!("| rivetkit-2.0 | not durable | 40.0 | {nothing} 1 | 8.00 |  |"),
            "| greenroom-node | durable | – | – | 2.5 | – | – | – | 1 | bytes written per byte of change ≤ 3: met |".to_owned(),
        ] {
            assert!(text.lines().any(|one| one == line), "{line}: {text}");
        }
    }

    #[test]
    fn the_page_has_all_goals_in_one_table_and_every_row_as_many_cells_as_its_head() {
        let folder = tempfile::tempdir().unwrap();
        write_page(&goals_of_a_run(), folder.path()).unwrap();
        let page = std::fs::read_to_string(folder.path().join("results.md")).unwrap();
        let expected = "\
| workload | figure | goal | greenroom-node |
|---|---|---|---:|
| action-ws-64 | server CPU µs/op | ≤ 20 for TypeScript | 12.0 met |
| action-ws-64 | server CPU µs/op | ≤ 1.6 × ws-node for TypeScript | 12.0 **missed** |
| append-1m | bytes written per byte of change | ≤ 3 for TypeScript | 2.5 met |
";
        assert!(page.contains(expected), "{page}");
        let cells = |line: &str| line.matches('|').count();
        for block in page.split("\n\n").filter(|block| block.starts_with('|')) {
            let head = block.lines().next().unwrap();
            for line in block.lines() {
                assert_eq!(cells(line), cells(head), "{line}");
            }
        }
    }

    #[test]
    fn a_system_that_was_not_to_be_measured_has_no_row() {
        let mut results = example();
        results.samples.retain(|sample| sample.system == "quick");
        results.gaps.clear();
        let text = markdown(&results);
        assert!(
            text.contains("\n| quick |") && !text.contains("\n| slow |"),
            "{text}"
        );
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
            "\n| quick | what quick is | stores nothing |\n",
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
