//! What a process and its descendants have used, from `/proc`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

use anyhow::{Context, Result};

/// One tick of the times in `/proc/<pid>/stat`; Linux shows them in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);
/// The unit of `/proc/<pid>/statm`, in bytes; the usual one on the processors that we measure on.
const PAGE: u64 = 4096;

/// User and system time of the process, all its threads, its living descendants and the children
/// that it has waited for. Exact to 10 ms a process.
///
/// # Errors
/// The process is gone, or this is not Linux.
pub(crate) fn time(pid: u32) -> Result<Duration> {
    let stats = all_stats()?;
    anyhow::ensure!(
        stats.contains_key(&pid),
        "the server (process {pid}) is gone"
    );
    let ticks: u64 = family(&stats, pid).map(|(_, stat)| stat.ticks).sum();
    Ok(TICK * u32::try_from(ticks).context("CPU time beyond a year")?)
}

/// User and system time of this process alone.
///
/// # Errors
/// This is not Linux.
pub(crate) fn own_time() -> Result<Duration> {
    let line = fs::read_to_string("/proc/self/stat").context("needs Linux")?;
    let stat = parse(&line).context("unreadable /proc/self/stat")?;
    Ok(TICK * u32::try_from(stat.own_ticks).context("CPU time beyond a year")?)
}

/// Time that all processors together were busy since the machine started.
///
/// # Errors
/// This is not Linux.
pub(crate) fn machine() -> Result<Duration> {
    let text = fs::read_to_string("/proc/stat").context("needs Linux")?;
    let ticks = busy_ticks(&text).context("unreadable /proc/stat")?;
    Ok(TICK * u32::try_from(ticks).unwrap_or(u32::MAX))
}

/// User, nice, system, irq and softirq of the first line, which sums up all processors.
fn busy_ticks(text: &str) -> Option<u64> {
    let fields = text.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<u64> = fields
        .split_ascii_whitespace()
        .map_while(|field| field.parse().ok())
        .collect();
    let number = |index: usize| fields.get(index).copied();
    Some(number(0)? + number(1)? + number(2)? + number(5)? + number(6)?)
}

/// Memory of the process and its living descendants that is in RAM, in bytes.
///
/// # Errors
/// As [`time`].
pub(crate) fn resident(pid: u32) -> Result<u64> {
    let stats = all_stats()?;
    anyhow::ensure!(
        stats.contains_key(&pid),
        "the server (process {pid}) is gone"
    );
    Ok(family(&stats, pid)
        .map(|(_, stat)| stat.resident_pages * PAGE)
        .sum())
}

/// The process and its living descendants.
///
/// # Errors
/// This is not Linux.
pub(crate) fn descendants(pid: u32) -> Result<BTreeSet<u32>> {
    let stats = all_stats()?;
    Ok(family(&stats, pid).map(|(pid, _)| pid).collect())
}

/// The letter for what the process does, if it is there: `Z` if it has ended and waits for its
/// parent to notice.
pub(crate) fn state(pid: u32) -> Option<char> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    line.rsplit_once(')')?.1.trim_start().chars().next()
}

/// What of a line of `/proc/<pid>/stat` is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// `utime + stime + cutime + cstime`.
    ticks: u64,
    /// `utime + stime`.
    own_ticks: u64,
    resident_pages: u64,
}

fn all_stats() -> Result<BTreeMap<u32, Stat>> {
    let mut stats = BTreeMap::new();
    for entry in fs::read_dir("/proc").context("CPU time is read from /proc: needs Linux")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // Processes come and go while this runs.
        let Ok(line) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
            continue;
        };
        let stat = parse(&line).with_context(|| format!("unreadable /proc/{pid}/stat"))?;
        stats.insert(pid, stat);
    }
    Ok(stats)
}

/// The process itself and everything below it.
fn family(stats: &BTreeMap<u32, Stat>, root: u32) -> impl Iterator<Item = (u32, &Stat)> {
    let belongs = move |pid: u32| {
        let ancestors = std::iter::successors(Some(pid), |pid| {
            stats
                .get(pid)
                .map(|stat| stat.parent)
                .filter(|pid| *pid != 0)
        });
        // Process ids form a tree, but the lines were not read at one moment.
        ancestors.take(64).any(|pid| pid == root)
    };
    stats
        .iter()
        .filter(move |(pid, _)| belongs(**pid))
        .map(|(pid, stat)| (*pid, stat))
}

/// The name in parentheses may contain anything, so fields are counted from its last `)`.
fn parse(line: &str) -> Option<Stat> {
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat {
        parent: u32::try_from(number(1)?).ok()?,
        ticks: number(11)? + number(12)? + number(13)? + number(14)?,
        own_ticks: number(11)? + number(12)?,
        resident_pages: number(21)?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Stat, busy_ticks, family, parse, time};

    #[test]
    fn fields_are_counted_after_a_name_with_spaces_and_parentheses() {
        let line = "7 (a) b (c)) S 3 7 7 0 -1 4194560 1 2 3 4 50 20 7 3 20 0 11 0 99 1000 42 18446744073709551615";
        let expected = Stat {
            parent: 3,
            ticks: 80,
            own_ticks: 70,
            resident_pages: 42,
        };
        assert_eq!(parse(line), Some(expected));
        assert_eq!(parse("7 (a) S 3"), None);
    }

    #[test]
    fn waiting_is_not_being_busy() {
        let text = "cpu  1 20 300 9999 9999 4000 50000 7 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
        assert_eq!(busy_ticks(text), Some(54_321));
    }

    #[test]
    fn a_family_is_a_process_and_all_below_it() {
        let stat = |parent, ticks| Stat {
            parent,
            ticks,
            own_ticks: 0,
            resident_pages: 0,
        };
        let stats = BTreeMap::from([
            (1, stat(0, 1)),
            (10, stat(1, 10)),
            (11, stat(10, 100)),
            (12, stat(11, 1000)),
            (20, stat(1, 10_000)),
        ]);
        let ticks = |root| {
            family(&stats, root)
                .map(|(_, stat)| stat.ticks)
                .sum::<u64>()
        };
        assert_eq!(ticks(10), 1110);
        assert_eq!(ticks(12), 1000);
        assert_eq!(ticks(1), 11_111);
    }

    #[test]
    fn this_process_has_a_time_and_an_absent_one_has_none() {
        assert!(time(std::process::id()).is_ok());
        assert!(time(u32::MAX).is_err());
    }
}
