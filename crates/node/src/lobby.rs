//! Where the threads of a process find the registry of one of them: addons are loaded once per thread, and share
//! nothing but this.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use crate::service::Service;

/// A sync lock, held for lines: threads ask once.
static LOBBY: Mutex<Lobby> = Mutex::new(Lobby {
    last: 0,
    open: BTreeMap::new(),
});

struct Lobby {
    last: u32,
    open: BTreeMap<u32, Weak<Service>>,
}

/// Lets others find `service` by a number for as long as somebody holds it.
pub(crate) fn enter(service: &Arc<Service>) -> u32 {
    let mut lobby = lobby();
    lobby.open.retain(|_, one| one.strong_count() > 0);
    lobby.last = lobby.last.wrapping_add(1);
    let token = lobby.last;
    lobby.open.insert(token, Arc::downgrade(service));
    token
}

/// The one with this number, if it is still there.
pub(crate) fn find(token: u32) -> Option<Arc<Service>> {
    lobby().open.get(&token).and_then(Weak::upgrade)
}

fn lobby() -> MutexGuard<'static, Lobby> {
    LOBBY.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn what_nobody_holds_is_not_found() {
        let first = Arc::new(Service::new(NonZeroU32::MIN));
        let second = Arc::new(Service::new(NonZeroU32::MIN));
        let tokens = (enter(&first), enter(&second));
        assert!(find(tokens.0).is_some_and(|found| Arc::ptr_eq(&found, &first)));
        drop(first);
        assert!(find(tokens.0).is_none());
        assert!(find(tokens.1).is_some());
    }
}
