//! Acknowledged is durable, and every actor is linearizable.
//!
//! An actor's log has an entry for each thing that happened to it, and no entry is used twice. So the log at
//! the end is the order in which everything happened, and nothing has to be searched for: an answer fits if
//! what it shows is the beginning of that log, and if no answer shows less than one that was there before it
//! was asked for.

use std::collections::{BTreeMap, BTreeSet};

use greenroom_types::ActorId;

use super::Final;
use crate::{
    book::Pages,
    history::{Kind, Op, Outcome, cancelled, told},
    view::View,
};

/// Everything that does not hold. With two nodes on a store (`split`), only what is written has an order.
pub(super) fn check(pages: &Pages, end: &Final, split: bool) -> Vec<String> {
    let mut found = Vec::new();
    check_entries(pages, end, &mut found);
    let mut by_actor: BTreeMap<ActorId, Vec<(&Op, &View)>> = BTreeMap::new();
    for op in &pages.ops {
        if let Outcome::Done(actor, view) = &op.outcome {
            by_actor.entry(*actor).or_default().push((op, view));
        }
    }
    for (actor, mut ops) in by_actor {
        let log = end.actors.get(&actor).map(|kept| &kept.log);
        if let Some(log) = log.or_else(|| pages.ends.get(&actor)) {
            for (op, view) in &ops {
                check_answer(op, view, log, &mut found);
            }
        }
        if let Some(kept) = end.actors.get(&actor) {
            for (op, view) in &ops {
                // A relaxed answer may be taken back; a strict one shows what is durable.
                let is_strict = !matches!(op.kind, Kind::Loose(_) | Kind::Faint(_) | Kind::Destroy);
                if is_strict && !view.loose.begins(&kept.loose) {
                    found.push(format!(
                        "acked means durable: {op:?} has shown relaxed changes that are gone: {:?}",
                        kept.loose
                    ));
                }
            }
            if let Some((op, _)) = ops.iter().find(|(op, _)| op.kind == Kind::Destroy) {
                found.push(format!(
                    "acked means durable: {op:?}, and the actor is there"
                ));
            }
        }
        if split {
            // What has been read may be old.
            ops.retain(|(op, view)| op.kind.entry().is_some() && view.word != "no");
        }
        check_order(actor, &ops, &mut found);
    }
    found
}

/// Each entry is in one log, once; none is there that was refused; cancelled alarms stay silent.
fn check_entries(pages: &Pages, end: &Final, found: &mut Vec<String>) {
    let mut entries = BTreeSet::new();
    for (actor, kept) in &end.actors {
        for entry in kept.log.iter().chain(&kept.loose).chain(&kept.faint) {
            if !entries.insert(entry.as_str()) {
                found.push(format!(
                    "linearizability: {entry} has happened twice, again to {actor}"
                ));
            }
        }
        for (at, entry) in kept.log.iter().enumerate() {
            if let Some(alarm) = entry.strip_suffix(":cancelled")
                && kept.log[at..].contains(&told(alarm))
            {
                found.push(format!("alarms: {alarm} was told after it was cancelled"));
            }
        }
    }
    for op in &pages.ops {
        if let (Outcome::Refused(why), Some(entry)) = (&op.outcome, op.kind.entry())
            && entries.contains(entry.as_str())
            && !matches!(op.kind, Kind::Cancel(_))
        {
            found.push(format!(
                "linearizability: {entry} was refused ({why}) and has happened"
            ));
        }
    }
}

/// What the answer shows is the beginning of the log, and has the entry that it is about.
fn check_answer(op: &Op, view: &View, log: &[String], found: &mut Vec<String>) {
    if view.word == "-" && !view.log.begins(log) {
        found.push(format!(
            "output after commit: {op:?} has shown what is not the beginning of the log {log:?}"
        ));
        return;
    }
    let Some(entry) = op.kind.entry() else {
        return;
    };
    let shown = &log[..view.log.len.min(log.len())];
    let is_there = match &op.kind {
        Kind::Publish { wait: false, .. } => return,
        Kind::Cancel(_) if view.word == "no" => return,
        Kind::Cancel(alarm) => shown.contains(&cancelled(alarm)),
        Kind::Append(_) => shown.last() == Some(&entry),
        _ => shown.contains(&entry),
    };
    if !is_there {
        found.push(format!(
            "acked means durable: {op:?} is not in the log {log:?}"
        ));
    }
}

/// Whoever asks after an answer was there sees at least as much as that.
fn check_order(actor: ActorId, ops: &[(&Op, &View)], found: &mut Vec<String>) {
    let mut returns: Vec<_> = ops
        .iter()
        .filter(|(op, view)| shows_log(op, view))
        .filter_map(|(op, view)| op.returned.map(|returned| (returned, view.log.len, *op)))
        .collect();
    returns.sort_by_key(|(returned, ..)| *returned);
    let mut invokes: Vec<_> = ops
        .iter()
        .filter(|(op, view)| shows_log(op, view))
        .collect();
    invokes.sort_by_key(|(op, _)| op.invoked);
    let mut seen: Option<(usize, &Op)> = None;
    let mut next = 0;
    for (op, view) in invokes {
        while let Some(&(returned, len, before)) = returns.get(next)
            && returned < op.invoked
        {
            if seen.is_none_or(|(most, _)| most < len) {
                seen = Some((len, before));
            }
            next += 1;
        }
        let Some((most, before)) = seen else {
            continue;
        };
        let least = most + usize::from(matches!(op.kind, Kind::Append(_)));
        if view.log.len < least {
            found.push(format!(
                "linearizability: actor {actor} has answered {op:?}, and before that was asked {before:?}"
            ));
        }
    }
}

fn shows_log(op: &Op, view: &View) -> bool {
    let is_shown = match &op.kind {
        Kind::Publish { wait, .. } => *wait,
        Kind::Destroy => false,
        _ => true,
    };
    is_shown && (view.log.len > 0 || op.kind == Kind::Read)
}
