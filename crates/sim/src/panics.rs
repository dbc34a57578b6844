//! Panics are bugs, wherever they are caught: each becomes a violation of the run in which it happens.

use std::{cell::RefCell, panic, sync::Once};

thread_local! {
    static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

static WATCH: Once = Once::new();

/// Notes panics from now on instead of printing them, those of this thread since the last
/// [`take`] apart from all others.
pub(crate) fn watch() {
    WATCH.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if turmoil::sim_elapsed().is_none() {
                return print(info);
            }
            let text = info.to_string().replace('\n', " ");
            SEEN.with_borrow_mut(|seen| seen.push(text));
        }));
    });
}

/// The panics of this thread since the last time.
pub(crate) fn take() -> Vec<String> {
    SEEN.take()
}
