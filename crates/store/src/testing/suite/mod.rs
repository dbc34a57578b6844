//! What every engine must do, case by case. Each case gets an empty store.

mod actors;
mod alarms;
mod claims;
mod commits;
mod snapshots;

use std::sync::Arc;

use bytes::Bytes;

pub use self::{
    actors::{
        a_claimed_creation_and_its_commits_come_back_together,
        a_claimed_creation_can_end_in_its_own_batch,
        a_claimed_creation_of_a_taken_key_writes_nothing, a_created_actor_is_found,
        a_destroyed_key_can_be_created_again, a_load_waits_for_a_claimed_creation,
        destroy_in_a_batch_with_its_neighbours, destroy_removes_everything,
        listing_goes_by_prefix_and_page, of_racing_creations_one_wins,
    },
    alarms::{
        alarms_are_paged_by_time_and_actor, alarms_are_set_moved_and_cleared,
        alarms_before_earlier_ones_are_found,
    },
    claims::{
        a_load_waits_for_commits_under_way, a_newer_claim_fences_the_older,
        a_released_claim_cannot_write, epochs_rise, loading_what_does_not_exist_claims_nothing,
        out_of_order_commits_end_the_claim, releasing_an_old_claim_does_nothing,
    },
    commits::{
        a_closed_store_answers_closed, commits_come_back_in_order,
        dropped_futures_do_not_stop_commits, large_bodies_survive,
        many_commits_at_once_keep_their_order,
    },
    snapshots::{
        a_snapshot_of_commits_under_way_is_fine, a_snapshot_replaces_what_it_contains,
        snapshots_in_the_wrong_place_are_refused,
    },
};
use super::new_actor;
use crate::{AlarmChange, Commit, Created, Epoch, Image, NewActor, Snapshot, Store, StoreError};

/// Makes one test per case of the [suite](crate::testing::suite), in a module of the given name.
///
/// `$open` is called for every test. It gives what must stay alive for the test's duration, such
/// as a directory, and the store as `Arc<dyn Store>`.
#[macro_export]
macro_rules! store_suite {
    ($module:ident, $open:expr) => {
        $crate::store_suite!(@cases $module, $open,
            a_created_actor_is_found,
            of_racing_creations_one_wins,
            a_claimed_creation_and_its_commits_come_back_together,
            a_claimed_creation_of_a_taken_key_writes_nothing,
            a_load_waits_for_a_claimed_creation,
            a_claimed_creation_can_end_in_its_own_batch,
            commits_come_back_in_order,
            many_commits_at_once_keep_their_order,
            dropped_futures_do_not_stop_commits,
            a_newer_claim_fences_the_older,
            a_load_waits_for_commits_under_way,
            epochs_rise,
            out_of_order_commits_end_the_claim,
            a_released_claim_cannot_write,
            releasing_an_old_claim_does_nothing,
            loading_what_does_not_exist_claims_nothing,
            a_snapshot_replaces_what_it_contains,
            snapshots_in_the_wrong_place_are_refused,
            a_snapshot_of_commits_under_way_is_fine,
            destroy_removes_everything,
            destroy_in_a_batch_with_its_neighbours,
            a_destroyed_key_can_be_created_again,
            alarms_are_set_moved_and_cleared,
            alarms_before_earlier_ones_are_found,
            alarms_are_paged_by_time_and_actor,
            listing_goes_by_prefix_and_page,
            large_bodies_survive,
            a_closed_store_answers_closed,
        );
    };
    (@cases $module:ident, $open:expr, $($case:ident,)+) => {
        mod $module {
            use super::*;
            $(
                #[test]
                fn $case() {
                    $crate::testing::block_on(async {
                        let (_alive, store) = ($open)();
                        $crate::testing::suite::$case(store).await;
                    });
                }
            )+
        }
    };
}

type Subject = Arc<dyn Store>;

/// The answer, which is not an error.
async fn ok<T>(answer: impl Future<Output = Result<T, StoreError>>) -> T {
    answer.await.expect("the store answers")
}

/// Creates an actor and loads it.
async fn awake(store: &Subject, number: u64) -> (NewActor, Epoch) {
    let actor = new_actor(number, "room", &[&number.to_string()]);
    assert_eq!(ok(store.create(actor.clone())).await, Created::New);
    let epoch = image(store, &actor).await.epoch;
    (actor, epoch)
}

async fn image(store: &Subject, actor: &NewActor) -> Image {
    ok(store.load(actor.id)).await.expect("the actor exists")
}

fn bodies(image: &Image) -> Vec<(u64, Bytes)> {
    image
        .tail
        .iter()
        .map(|entry| (entry.seq, entry.body.clone()))
        .collect()
}

fn with_alarm(mut commit: Commit, alarm: AlarmChange) -> Commit {
    commit.alarm = Some(alarm);
    commit
}

fn last(mut commit: Commit) -> Commit {
    commit.destroy = true;
    commit
}

fn snapshot(seq: u64, body: &'static str) -> Snapshot {
    Snapshot {
        seq,
        body: Bytes::from_static(body.as_bytes()),
    }
}
