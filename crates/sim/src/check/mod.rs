//! What must hold, looked at when a run is over. What can be noticed while it goes on is checked where it
//! happens: by the actors themselves, and by the witness of the store.

mod events;
mod logs;
mod promises;

use std::collections::BTreeMap;

use greenroom_core::image::journal;
use greenroom_store::{
    ListQuery, Store,
    testing::{FaultStore, block_on},
};
use greenroom_types::{ActorId, ActorKey};

pub(crate) use promises::promises;

use crate::{book::Book, node::actor_name, plan::Plan, wire::Kept};

/// What the store has at the end: each actor with what it keeps.
pub(crate) struct Final {
    pub(crate) actors: BTreeMap<ActorId, Kept>,
    /// What could not be read.
    pub(crate) damaged: Vec<String>,
}

impl Final {
    /// Reads the journals of all actors, and folds them.
    pub(crate) fn of(store: &FaultStore, keys: &[String]) -> Self {
        let mut found = Self {
            actors: BTreeMap::new(),
            damaged: Vec::new(),
        };
        let query = ListQuery {
            name: actor_name(),
            prefix: ActorKey::new(Vec::new()).expect("no key is a key"),
            cursor: None,
            limit: keys.len() + 1,
        };
        // A store that was closed has nothing to say until the node is back.
        let Ok(page) = block_on(store.list(query)) else {
            return found;
        };
        for record in page.actors {
            let Ok(Some((snapshot, tail))) = block_on(store.read(record.id)) else {
                continue;
            };
            let bodies = tail.into_iter().map(|entry| entry.body);
            let kept = journal::fold(snapshot.map(|s| s.body), bodies)
                .map_err(|error| error.to_string())
                .and_then(|folded| match folded.state {
                    Some(image) => Kept::read(&image).map_err(|error| error.to_string()),
                    None => Ok(Kept::default()),
                });
            match kept {
                Ok(kept) => drop(found.actors.insert(record.id, kept)),
                Err(error) => found.damaged.push(format!("{}: {error}", record.id)),
            }
        }
        found
    }
}

/// Writes down whatever does not hold.
pub(crate) fn everything(book: &Book, end: &Final, plan: &Plan) {
    for damage in &end.damaged {
        book.violation(format!(
            "state: the journal of an actor does not fold: {damage}"
        ));
    }
    let found = {
        let pages = book.pages();
        let mut found = logs::check(&pages, end, plan.split);
        found.extend(events::check(&pages, end, plan.split, plan.kept_events));
        found
    };
    for violation in found {
        book.violation(violation);
    }
}
