//! What every adapter of the queue port must do, run on each of them: the one
//! in memory under a paused clock, SQS against the embedded endpoint.

#![allow(clippy::unwrap_used)]

mod batches;
mod delivery;
mod redrive;
mod setup;
mod visibility;
mod world;

/// Makes a test for each case on each adapter.
macro_rules! contract {
    ($($group:ident :: $case:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test(start_paused = true)]
            async fn $case() {
                crate::$group::$case(&crate::world::World::memory()).await;
            })*
        }

        mod sqs {
            $(#[tokio::test]
            async fn $case() {
                let (world, server, _data) = crate::world::World::sqs().await;
                crate::$group::$case(&world).await;
                server.stop().await;
            })*
        }
    };
}

contract! {
    delivery::a_message_arrives_as_it_was_sent,
    delivery::an_empty_queue_is_waited_for,
    delivery::a_poll_ends_when_a_message_arrives,
    delivery::a_delayed_message_arrives_later,
    delivery::a_deleted_message_never_comes_back,
    delivery::depth_counts_messages_by_state,
    visibility::a_message_that_is_not_deleted_comes_back,
    visibility::visibility_zero_hands_a_message_back_at_once,
    visibility::an_extended_message_stays_hidden,
    visibility::the_receipt_of_a_visible_message_has_expired,
    visibility::an_outdated_receipt_deletes_nothing,
    batches::more_than_ten_entries_are_split,
    batches::more_than_a_mebibyte_is_split,
    batches::a_message_that_is_too_large_fails_alone,
    batches::an_entry_that_is_refused_fails_alone,
    redrive::a_message_received_too_often_moves_to_the_dead_letter_queue,
    setup::a_queue_that_does_not_exist_is_not_found,
    setup::a_queue_is_found_once,
    setup::setting_a_queue_up_again_changes_what_differs,
}
