//! Checks of the simulation itself: a seed is a run, and what is wrong is found.

use std::io::Write;

use anyhow::Result;
use greenroom_sim::Plant;

use crate::{cli::TIME_LIMIT, fleet::spawn};

/// Seeds that are run twice.
const TWICE: u64 = 10;

/// Runs seeds twice, and every planted bug until it is found. Says whether all is as it should be.
pub(crate) fn run() -> Result<bool> {
    let mut out = std::io::stdout();
    let mut is_fine = true;
    for seed in 1..=TWICE {
        let (first, second) = (
            spawn(seed, None, TIME_LIMIT)?,
            spawn(seed, None, TIME_LIMIT)?,
        );
        if first.output != second.output {
            is_fine = false;
            writeln!(out, "seed {seed} gives two different traces")?;
        }
    }
    writeln!(out, "{TWICE} seeds were run twice and compared")?;
    for (plant, limit) in Plant::ALL {
        let mut found = None;
        for seed in 1..=limit {
            let run = spawn(seed, Some(plant), TIME_LIMIT)?;
            if !run.holds {
                found = Some((seed, run.violations()));
                break;
            }
        }
        match found {
            Some((seed, violations)) => {
                let first = violations.first().map_or("", String::as_str);
                let short: String = first.chars().take(120).collect();
                writeln!(out, "{plant}: found by seed {seed} of {limit}: {short}")?;
            }
            None => {
                is_fine = false;
                writeln!(out, "{plant}: NOT found within {limit} seeds")?;
            }
        }
    }
    Ok(is_fine)
}
