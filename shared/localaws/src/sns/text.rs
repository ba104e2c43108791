//! Text messages to a phone number.

use crate::answer::random_id;
use crate::query::QueryError;

use super::fifo::Published;
use super::publication::Publication;
use super::{Sns, invalid};

impl Sns {
    /// Puts a message to a phone number into the mail folder.
    pub(super) fn text(
        &self,
        number: &str,
        publication: &Publication,
    ) -> Result<Published, QueryError> {
        check_number(number)?;
        let id = random_id().to_string();
        let message = publication.message_for("sms").unwrap_or_default();
        self.mail.sms(&id, number, &message, self.clock.now())?;
        Ok(Published { id, sequence: None })
    }
}

/// A phone number: a plus sign and up to 15 digits (E.164).
pub(super) fn check_number(number: &str) -> Result<(), QueryError> {
    let digits = number.strip_prefix('+').unwrap_or(number);
    let is_number =
        (4..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    match is_number {
        true => Ok(()),
        false => Err(invalid("PhoneNumber", &format!("{number} is not valid to publish to"))),
    }
}
