//! Who may do what, as far as that is decided before an actor is asked.

mod management;
mod secret;

pub(crate) use management::Management;
pub use secret::Secret;
