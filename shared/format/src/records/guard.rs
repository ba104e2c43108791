//! Readers of foreign crates over bytes that anyone may have written: a panic of
//! theirs is an error of the file's, and says nothing on its own.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use super::unreadable;
use crate::FormatError;

thread_local! {
    /// Whether a panic on this thread is about to become an error.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Does something that reads bytes which anyone may have written, and makes an
/// error of a panic: what is panicked over are the bytes. `name` is what they
/// should be.
pub(super) fn guarded<T>(name: &str, work: impl FnOnce() -> T) -> Result<T, FormatError> {
    hush();
    let before = GUARDED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(before);
    outcome.map_err(|panic| {
        let said = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("its reader gave up");
        unreadable(format!("the {name} is corrupt: {said}"))
    })
}

/// Leaves it to the error to say what was wrong: no message and no backtrace for
/// panics that are guarded.
fn hush() {
    static HUSHED: Once = Once::new();
    HUSHED.call_once(|| {
        let hook = take_hook();
        set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                hook(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_of_the_file() {
        let error = guarded("sheet", || -> () { panic!("no row {}", 7) }).expect_err("panics");
        assert_eq!(error.to_string(), "unreadable at byte 0: the sheet is corrupt: no row 7");
        assert!(guarded("sheet", || 1).is_ok_and(|one| one == 1));
    }
}
