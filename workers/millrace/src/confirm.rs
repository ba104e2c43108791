//! Asking before something is done that is not easily undone.

use std::io::{BufRead, IsTerminal, Write};

use crate::exit::Usage;

/// Whether to go on: said by `yes`, or by a person at the terminal. Without a
/// terminal nobody is asked.
///
/// # Errors
/// [`Usage`] if there is nobody to ask.
#[expect(clippy::print_stderr, reason = "a question has no newline")]
pub(crate) fn confirm(question: &str, yes: bool) -> anyhow::Result<bool> {
    if yes {
        return Ok(true);
    }
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Err(Usage(format!(
            "{question} Say so with `--yes`: there is no terminal to ask at"
        ))
        .into());
    }
    eprint!("{question} [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
