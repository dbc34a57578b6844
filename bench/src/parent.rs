//! The end of the program that started a server: its standard input ends with it.

use std::io::Read;

use tokio::sync::oneshot;

/// Resolves when standard input ends.
pub(crate) fn end() -> oneshot::Receiver<()> {
    let (told, end) = oneshot::channel();
    std::thread::spawn(move || {
        // An error is an end, too.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = told.send(());
    });
    end
}
