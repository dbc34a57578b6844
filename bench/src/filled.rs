//! A data directory with many actors in it, made once per run by the runtime itself and copied for each
//! measurement.

use std::{
    cell::OnceCell,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use greenroom_core::{ActorOptions, CallRequest, ClientInfo, Runtime};
use greenroom_types::{ActorKey, ActorName};
use tokio::task::JoinSet;

use crate::{rust_actor, server_process::Data};

/// Actors that are made at the same time.
const IN_FLIGHT: usize = 256;
/// The longest time for all of them.
const LIMIT: Duration = Duration::from_secs(900);
/// They sleep as soon as nothing is to do: this process does not hold all of them awake.
const SLEEP_TIMEOUT: Duration = Duration::from_millis(1);

/// The directories of one run. Dropping it deletes them.
#[derive(Default)]
pub(crate) struct Filled {
    made: OnceCell<(u32, Data)>,
}

impl Filled {
    /// A copy with this many actors of the type `counter`, whose keys are those of [`key`], each with
    /// one increment. The first call makes them.
    ///
    /// # Errors
    /// The disk is full, or another number was asked for before.
    pub(crate) fn copy(&self, actors: u32, parent: &Path) -> Result<Data> {
        if self.made.get().is_none() {
            let data = Data::fresh(parent)?;
            let began = Instant::now();
            fill(data.path(), actors).context("filling a directory with actors")?;
            eprintln!(
                "filled a directory with {actors} actors in {:?}",
                began.elapsed()
            );
            // Nobody else is here to have set it.
            let _ = self.made.set((actors, data));
        }
        let (present, from) = self.made.get().context("it was made")?;
        ensure!(
            *present == actors,
            "there is a directory with {present} actors, not {actors}"
        );
        let copy = Data::fresh(parent)?;
        copy_files(from.path(), copy.path())?;
        Ok(copy)
    }
}

/// The key of an actor.
pub(crate) fn key(number: u32) -> String {
    format!("stored-{number}")
}

fn fill(folder: &Path, actors: u32) -> Result<()> {
    let threads = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    threads.block_on(async {
        let mut options = ActorOptions::default();
        options.sleep_timeout = Some(SLEEP_TIMEOUT);
        let (runtime, host) = rust_actor::open(folder, options)?;
        let next = Arc::new(AtomicU32::new(0));
        let mut workers = JoinSet::new();
        for _ in 0..IN_FLIGHT {
            workers.spawn(work(runtime.clone(), Arc::clone(&next), actors));
        }
        let all = async {
            while let Some(ended) = workers.join_next().await {
                ended??;
            }
            anyhow::Ok(())
        };
        match tokio::time::timeout(LIMIT, all).await {
            Ok(done) => done?,
            Err(_) => bail!("no end after {LIMIT:?}"),
        }
        runtime.shutdown().await;
        host.abort();
        Ok(())
    })
}

async fn work(runtime: Runtime, next: Arc<AtomicU32>, actors: u32) -> Result<()> {
    let name = ActorName::new(rust_actor::NAME)?;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= actors {
            return Ok(());
        }
        let actor = ActorKey::new(vec![key(number)])?;
        let (record, is_new) = runtime.get_or_create(&name, &actor, None).await?;
        ensure!(is_new, "{} is there already", key(number));
        let call = CallRequest {
            name: "increment".to_owned(),
            args: Bytes::from_static(b"\x81\x01"),
            compat: true,
            client: ClientInfo::default(),
            once: None,
        };
        let count = runtime.call(record.id, call).await?;
        ensure!(&count[..] == b"\x01", "the first increment of a new actor");
    }
}

fn copy_files(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            copy_files(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)
                .with_context(|| format!("cannot copy to {}", target.display()))?;
            // So that the server's own syncs do not wait for what is copied here.
            fs::File::open(&target)?
                .sync_all()
                .with_context(|| format!("cannot sync {}", target.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Filled;

    #[test]
    fn each_copy_is_a_directory_of_its_own_with_everything_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let filled = Filled::default();
        let size = |path: &std::path::Path| std::fs::read_dir(path).unwrap().count();
        let one = filled.copy(300, folder.path()).unwrap();
        let other = filled.copy(300, folder.path()).unwrap();
        assert_ne!(one.path(), other.path());
        assert_eq!(size(one.path()), size(other.path()));
        assert!(size(one.path()) > 0);
        assert!(filled.copy(301, folder.path()).is_err());
        drop((one, other, filled));
        assert_eq!(size(folder.path()), 0, "all are gone");
    }
}
