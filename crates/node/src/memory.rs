//! Gives memory back to the operating system that is not used any more.
//!
//! glibc keeps what is freed in the middle of its heaps, for ever: after ten thousand connections have come and
//! gone, the process would stay as large as it was with them. Asked to, it gives whole free pages back, so it
//! is asked once much is free and nothing grows. Other allocators (macOS, Windows, musl) do that by themselves,
//! and there is nothing to do here.
//!
//! How much is free and still in memory, no allocator says. So we look at what the process has in memory and
//! malloc does not account for: code, V8, and free pages. Of that only free pages come and go with load; what
//! else grows is noticed by trying, and then not tried for a while.

/// Gives memory back, again and again. Never returns where it has something to do.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) async fn give_back() {}

/// Bytes that malloc has given out and not got back, in the whole process; `None` where nobody knows.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn allocated() -> Option<u64> {
    None
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) use glibc::{allocated, give_back};

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc {
    use std::{
        mem::transmute,
        time::{Duration, Instant},
    };

    use tokio::time::{MissedTickBehavior, interval};
    use tracing::debug;

    use super::watch::Watch;

    /// How often we look.
    const PERIOD: Duration = Duration::from_secs(2);

    /// Gives memory back, again and again.
    pub(crate) async fn give_back() {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watch = Watch::default();
        loop {
            ticks.tick().await;
            let Some(resident) = resident() else {
                // Without /proc nobody knows.
                return;
            };
            if !watch.is_worth_a_look(resident) {
                continue;
            }
            // Both take locks of the allocator, one heap at a time: nothing for a thread that serves.
            let look = tokio::task::spawn_blocking(move || {
                if watch.look(resident, in_use()) {
                    let began = Instant::now();
                    trim();
                    let left = self::resident().unwrap_or(resident);
                    watch.trimmed(left, in_use());
                    debug!(before = resident, after = left, took = ?began.elapsed(), "gave memory back");
                }
                watch
            });
            match look.await {
                Ok(looked) => watch = looked,
                Err(_) => return,
            }
        }
    }

    /// Bytes that the process has in memory.
    fn resident() -> Option<u64> {
        let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
        let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
        Some(pages * page_size())
    }

    #[expect(unsafe_code, reason = "the size of pages is asked of libc")]
    fn page_size() -> u64 {
        // SAFETY: it has no preconditions.
        let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        u64::try_from(size).unwrap_or(4096)
    }

    /// Bytes that malloc has given out, modulo 2^32: newer systems have a function for all of them, which
    /// older ones could not even load.
    #[expect(unsafe_code, reason = "only libc knows")]
    fn in_use() -> u32 {
        // SAFETY: it has no preconditions, and locks what it reads.
        let info = unsafe { libc::mallinfo() };
        info.uordblks.wrapping_add(info.hblkhd).cast_unsigned()
    }

    /// Bytes that malloc has given out and not got back, in the whole process; `None` before glibc 2.33.
    #[expect(unsafe_code, reason = "only libc knows, and not all versions do")]
    pub(crate) fn allocated() -> Option<u64> {
        type Mallinfo2 = unsafe extern "C" fn() -> libc::mallinfo2;
        // SAFETY: it looks up a name that ends in a zero, in what is loaded anyway.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"mallinfo2".as_ptr()) };
        if found.is_null() {
            return None;
        }
        // SAFETY: it is not null, and glibc's function of that name has this signature.
        let mallinfo2 = unsafe { transmute::<*mut libc::c_void, Mallinfo2>(found) };
        // SAFETY: it has no preconditions, and locks what it reads.
        let info = unsafe { mallinfo2() };
        u64::try_from(info.uordblks + info.hblkhd).ok()
    }

    #[expect(unsafe_code, reason = "only libc can do it")]
    fn trim() {
        // SAFETY: it has no preconditions, may be called on any thread, and touches free memory only.
        unsafe { libc::malloc_trim(0) };
    }
}

#[cfg(any(test, all(target_os = "linux", target_env = "gnu")))]
mod watch {
    /// Less than this is not worth it.
    const WORTH: u64 = 16 * 1024 * 1024;
    /// What the process may grow by between two looks and still be called calm.
    const CALM: u64 = 2 * 1024 * 1024;
    /// Looks that are left out after a try that brought little: doubled each time, up to this many.
    const LONGEST_REST: u32 = 16;

    /// Decides when free memory is to be given back.
    #[derive(Debug, Default)]
    pub(super) struct Watch {
        /// What was in memory at the last look, in bytes.
        resident: u64,
        /// The least that was ever in memory.
        least: Option<u64>,
        /// What was in memory and not given out by malloc when there was nothing to gain: bytes modulo 2^32,
        /// of which only differences mean something.
        others: Option<u32>,
        /// Looks to leave out, and how many it were last time.
        rest: u32,
        rested: u32,
    }

    impl Watch {
        /// Whether the process has so much in memory that some of it may be free.
        pub(super) fn is_worth_a_look(&mut self, resident: u64) -> bool {
            let least = self.least.map_or(resident, |least| least.min(resident));
            self.least = Some(least);
            if self.rest > 0 {
                self.rest -= 1;
                self.resident = resident;
                return false;
            }
            self.others.is_none() || resident >= least + WORTH
        }

        /// Whether it is time to give memory back, when so much is in memory and malloc has given out so
        /// much of it, modulo 2^32.
        pub(super) fn look(&mut self, resident: u64, in_use: u32) -> bool {
            let before = std::mem::replace(&mut self.resident, resident);
            let others = others(resident, in_use);
            let usual = *self.others.get_or_insert(others);
            let more = others.wrapping_sub(usual).cast_signed();
            if more < 0 {
                self.others = Some(others);
            }
            i64::from(more) >= WORTH.cast_signed() && resident <= before + CALM
        }

        /// It was tried, and this is left.
        pub(super) fn trimmed(&mut self, resident: u64, in_use: u32) {
            let gained = self.resident.saturating_sub(resident);
            self.rested = if gained >= WORTH / 2 {
                0
            } else {
                (self.rested * 2).clamp(2, LONGEST_REST)
            };
            self.rest = self.rested;
            self.resident = resident;
            self.others = Some(others(resident, in_use));
        }
    }

    fn others(resident: u64, in_use: u32) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "modulo 2^32 is what is meant"
        )]
        let resident = resident as u32;
        resident.wrapping_sub(in_use)
    }
}

#[cfg(test)]
mod tests {
    use super::watch::Watch;

    const MB: u64 = 1024 * 1024;

    /// One look of a process with so many megabytes in memory and in use. Whether it gives memory back.
    fn look(watch: &mut Watch, resident: u64, in_use: u64) -> bool {
        let in_use = u32::try_from(in_use * MB % (1 << 32)).expect("modulo");
        watch.is_worth_a_look(resident * MB) && watch.look(resident * MB, in_use)
    }

    fn trimmed(watch: &mut Watch, resident: u64, in_use: u64) {
        let in_use = u32::try_from(in_use * MB % (1 << 32)).expect("modulo");
        watch.trimmed(resident * MB, in_use);
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn what_is_allocated_counts_until_it_is_freed() {
        const MUCH: usize = 64 * 1024 * 1024;
        let Some(before) = super::allocated() else {
            // An older system than we know anything of.
            return;
        };
        let block = vec![1_u8; MUCH];
        let with = super::allocated().expect("it was known before");
        assert!(with >= before + block.len() as u64);
        drop(block);
        let after = super::allocated().expect("it was known before");
        assert!(after <= with - MUCH as u64 / 2);
    }

    #[test]
    fn what_is_in_use_is_not_tried_and_what_is_free_is_once_it_is_calm() {
        for base in [80, 5000] {
            let mut watch = Watch::default();
            assert!(!look(&mut watch, base, base - 60));
            assert!(!look(&mut watch, base + 200, base + 140), "open");
            assert!(!look(&mut watch, base + 200, base + 140), "open and calm");
            assert!(
                !look(&mut watch, base + 220, base - 60),
                "closed, and something grows"
            );
            assert!(look(&mut watch, base + 220, base - 60), "calm");
            trimmed(&mut watch, base + 1, base - 60);
            assert!(!look(&mut watch, base + 1, base - 60));
            assert!(!look(&mut watch, base + 90, base + 30), "the next ones");
            assert!(look(&mut watch, base + 90, base - 60), "have gone, too");
        }
    }

    #[test]
    fn what_cannot_be_had_is_not_tried_all_the_time() {
        let mut watch = Watch::default();
        look(&mut watch, 80, 20);
        let mut resident = 80;
        let mut tries = Vec::new();
        for n in 0..3000 {
            // As V8 grows, of which malloc knows nothing.
            resident += 2;
            if look(&mut watch, resident, 20) {
                trimmed(&mut watch, resident, 20);
                tries.push(n);
            }
        }
        assert!(tries.len() <= 3000 / 16, "{tries:?}");
    }
}
