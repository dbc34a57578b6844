//! Where counting begins and ends.

/// Does the work. Callgrind counts between entry and exit of this function, which it knows by its name; hence it has no
/// generic parameter, and is never inlined.
#[inline(never)]
pub(crate) fn guard_measured(work: &mut dyn FnMut()) {
    work();
}

/// Does the work, counted, and gives what it came to.
pub(crate) fn measured<T>(work: impl FnOnce() -> T) -> T {
    let mut work = Some(work);
    let mut result = None;
    guard_measured(&mut || result = work.take().map(|work| work()));
    result.expect("the work was done")
}
