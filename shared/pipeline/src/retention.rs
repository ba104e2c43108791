//! How long queues keep messages: the dead-letter queue has to outlive the queue it
//! belongs to. A message keeps its age when SQS dead-letters it ("Amazon SQS
//! dead-letter queues"), so that with equal retentions one that waited long would be
//! gone before anybody looks.

use std::time::Duration;

use crate::entry::Entry;
use crate::quantity::{duration, show_duration};

/// Fourteen days, the longest SQS keeps a message.
pub(crate) const DEAD_LETTERS: Duration = Duration::from_secs(14 * 86_400);

/// Four days, unless the file says otherwise: long enough for a weekend.
pub(crate) const DEFAULT: &str = "4d";

/// The shortest retention of SQS.
const SHORTEST: Duration = Duration::from_secs(60);

/// Time there has to be to look at a dead letter, however long it waited before.
const TIME_TO_LOOK: Duration = Duration::from_secs(86_400);

/// How long a stage's queue keeps its messages.
pub(crate) fn retention(entry: Option<&Entry<'_>>) -> Duration {
    let longest = DEAD_LETTERS.saturating_sub(TIME_TO_LOOK);
    let read = entry.and_then(|entry| {
        let wanted = entry.duration(SHORTEST..=Duration::MAX)?;
        if wanted > longest {
            let (longest, dead_letters) = (show_duration(longest), show_duration(DEAD_LETTERS));
            entry.note(format!(
                "`retention` is {}, but dead letters are kept {dead_letters}, which is the longest \
                 SQS has, and count from when they were first sent: set it to {longest} or less, \
                 so that they outlive the queue's messages",
                show_duration(wanted)
            ));
            return None;
        }
        Some(wanted)
    });
    read.or_else(|| duration(DEFAULT)).unwrap_or(longest)
}
