//! The command line as a whole: every command has examples, and they are right.

use clap::CommandFactory;

use super::*;

/// Every command that does something, with the words it is called by.
fn leaves(command: &clap::Command, path: &str, found: &mut Vec<(String, clap::Command)>) {
    let mut below = command.get_subcommands().peekable();
    if below.peek().is_none() {
        found.push((path.to_owned(), command.clone()));
    }
    for command in below {
        leaves(command, &format!("{path} {}", command.get_name()), found);
    }
}

/// The words of a line as a shell tells them apart, up to what is for the shell.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for letter in line.chars().chain([' ']) {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted && !word.is_empty() => words.push(std::mem::take(&mut word)),
            ' ' if !quoted => {}
            letter => word.push(letter),
        }
    }
    let end = words.iter().position(|word| [">", ">>", "|", "&&"].contains(&word.as_str()));
    words.truncate(end.unwrap_or(words.len()));
    words
}

#[test]
fn the_command_line_is_consistent() {
    Args::command().debug_assert();
}

#[test]
fn every_command_has_examples_that_are_right() {
    let mut found = Vec::new();
    leaves(&Args::command(), "millrace", &mut found);
    assert!(found.len() > 25, "{}", found.len());
    for (path, mut command) in found {
        let help = command.render_long_help().to_string();
        let (_, examples) =
            help.split_once("Examples:").unwrap_or_else(|| panic!("{path}: {help}"));
        let examples: Vec<&str> =
            examples.lines().skip(1).take_while(|line| !line.is_empty()).collect();
        assert!(!examples.is_empty(), "{path}");
        for example in examples {
            let (call, _) = example.trim().split_once("   ").unwrap_or((example.trim(), ""));
            assert!(call.starts_with(&path), "{path}: {call}");
            if let Err(error) = Args::try_parse_from(words(call)) {
                panic!("{call}: {error}");
            }
        }
    }
}

#[test]
fn the_help_of_all_names_every_exit_code() {
    let help = Args::command().render_long_help().to_string();
    for code in [
        crate::exit::FAILED,
        crate::exit::USAGE,
        crate::exit::DEAD_LETTERED,
        crate::exit::INTERRUPTED,
    ] {
        assert!(help.lines().any(|line| line.trim().starts_with(&format!("{code} "))), "{code}");
    }
}
