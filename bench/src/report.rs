//! Results for people (Markdown on standard output) and for programs (JSON in `bench/results`).

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{
    machine::Machine,
    run::{Plan, Results, Sample, results_folder},
    statistics::{Summary, summarize},
    workload::Workload,
};

/// Prints the table and writes the file.
///
/// # Errors
/// Either cannot be written.
pub(crate) fn publish(plan: &Plan, results: &Results) -> Result<()> {
    std::io::stdout().write_all(markdown(plan, results).as_bytes())?;
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let path = results_folder().join(format!("{seconds}.json"));
    let text = serde_json::to_string_pretty(&to_json(plan, results, seconds))?;
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("wrote {}", path.display());
    Ok(())
}

fn markdown(plan: &Plan, results: &Results) -> String {
    let mut out = String::new();
    machine_line(&mut out, &results.machine);
    writeln!(
        out,
        "{} round(s) of {:?} after {:?} of warm-up, systems interleaved; medians, (least–most).",
        plan.rounds, plan.window.measured, plan.window.warm_up
    )
    .expect("a string takes everything");
    for workload in &plan.workloads {
        workload_table(&mut out, plan, workload, &results.samples);
    }
    out
}

fn machine_line(out: &mut String, machine: &Machine) {
    writeln!(
        out,
        "{} × {}, {:.0} GiB, {}, Node.js {}, Bun {}; append + fdatasync p50 {:.0} µs, p99 {:.0} µs.",
        machine.processors,
        machine.processor,
        machine.memory as f64 / f64::from(1 << 30),
        machine.kernel,
        machine.node,
        machine.bun,
        micros(machine.sync_p50),
        micros(machine.sync_p99),
    )
    .expect("a string takes everything");
}

fn workload_table(out: &mut String, plan: &Plan, workload: &Workload, samples: &[Sample]) {
    let mut line = |text: String| writeln!(out, "{text}").expect("a string takes everything");
    line(format!("\n**{}**: {}\n", workload.name, workload.about));
    line("| system | server CPU µs/op | ops/s | p50 µs | p99 µs | other load |".to_owned());
    line("|---|---:|---:|---:|---:|---:|".to_owned());
    for system in &plan.systems {
        let of = |value: fn(&Sample) -> f64| {
            let rounds = samples
                .iter()
                .filter(|sample| sample.workload == workload.name && sample.system == system.name);
            summarize(rounds.map(value)).expect("every round has a sample")
        };
        line(format!(
            "| {} | {} | {} | {} | {} | {:.2} |",
            system.name,
            cell(of(|sample| sample.cpu_us), 1),
            cell(of(|sample| sample.per_second), 0),
            cell(of(|sample| sample.p50_us), 0),
            cell(of(|sample| sample.p99_us), 0),
            of(|sample| sample.others).median,
        ));
    }
}

fn cell(summary: Summary, digits: usize) -> String {
    let Summary { median, min, max } = summary;
    if min == max {
        format!("{median:.digits$}")
    } else {
        format!("**{median:.digits$}** ({min:.digits$}–{max:.digits$})")
    }
}

fn to_json(plan: &Plan, results: &Results, unix_seconds: u64) -> Value {
    let samples: Vec<Value> = results.samples.iter().map(sample_to_json).collect();
    let systems: Vec<Value> = plan
        .systems
        .iter()
        .map(|system| json!({ "name": system.name, "about": system.about }))
        .collect();
    let workloads: Vec<Value> = plan
        .workloads
        .iter()
        .map(|workload| json!({ "name": workload.name, "about": workload.about }))
        .collect();
    json!({
        "unix_seconds": unix_seconds,
        "machine": results.machine.to_json(),
        "rounds": plan.rounds,
        "warm_up_seconds": plan.window.warm_up.as_secs_f64(),
        "measured_seconds": plan.window.measured.as_secs_f64(),
        "max_operations": plan.window.max_operations,
        "systems": systems,
        "workloads": workloads,
        "samples": samples,
    })
}

fn sample_to_json(sample: &Sample) -> Value {
    json!({
        "workload": sample.workload,
        "system": sample.system,
        "round": sample.round,
        "operations": sample.operations,
        "operations_per_second": sample.per_second,
        "server_cpu_us_per_operation": sample.cpu_us,
        "latency_p50_us": sample.p50_us,
        "latency_p99_us": sample.p99_us,
        "other_processors_busy": sample.others,
        "server_resident_bytes": sample.resident,
    })
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
