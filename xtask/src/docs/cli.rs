//! The command line as a page, from the one definition that the binary reads.

use clap::CommandFactory;

use super::cell;

#[path = "../../../crates/plimsoll/src/cli.rs"]
mod definition;

pub(super) const PATH: &str = "docs/cli.md";

const AFTER: &str = "
## Exit codes

| code | says |
|---|---|
| 0 | nothing at or above the threshold |
| 1 | findings at or above it, or a service below `--min-score` or `--min-coverage` |
| 2 | the request is wrong: the command line, the configuration, the baseline, a file that cannot be written; nothing was written |
| 3 | a bug in Plimsoll |
";

/// The page.
pub(super) fn text() -> String {
    let mut root = definition::Cli::command();
    root.build();
    let mut text = format!(
        "# The command line\n\n{}\n\nMade by `cargo xtask docs` from the definition that the program reads; `plimsoll COMMAND --help` says the same.\n",
        about(&root)
    );
    for command in root.get_subcommands().filter(|command| command.get_name() != "help") {
        text.push_str(&of(command));
    }
    text.push_str(AFTER);
    text
}

fn about(command: &clap::Command) -> String {
    let about = command.get_long_about().or(command.get_about());
    about.map(ToString::to_string).unwrap_or_default()
}

fn of(command: &clap::Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let mut text = format!(
        "\n## plimsoll {}\n\n{}\n\n```text\n{usage}\n```\n",
        command.get_name(),
        about(command)
    );
    let mut rows = String::new();
    for argument in command.get_arguments().filter(|a| a.get_id() != "help" && !a.is_hide_set()) {
        rows.push_str(&format!("| {} | {} |\n", cell(&name(argument)), cell(&says(argument))));
    }
    if !rows.is_empty() {
        text.push_str(&format!("\n| argument | says |\n|---|---|\n{rows}"));
    }
    text
}

/// An argument as one writes it: `--fail-on SEVERITY`.
fn name(argument: &clap::Arg) -> String {
    let values = argument.get_value_names().unwrap_or_default();
    let value = values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let takes = argument.get_action().takes_values();
    let flags = [
        argument.get_short().map(|short| format!("-{short}")),
        argument.get_long().map(|long| format!("--{long}")),
    ];
    let flags: Vec<String> = flags.into_iter().flatten().collect();
    match (flags.is_empty(), takes) {
        (true, _) => format!("`{value}`"),
        (false, true) => format!("`{} {value}`", flags.join(", ")),
        (false, false) => format!("`{}`", flags.join("`, `")),
    }
}

/// What it does, what it takes, and what holds without it.
fn says(argument: &clap::Arg) -> String {
    let mut says = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let values: Vec<String> = if argument.get_action().takes_values() {
        let values = argument.get_possible_values();
        let of = |value: &clap::builder::PossibleValue| match value.get_help() {
            Some(help) => format!("`{}`: {help}", value.get_name()),
            None => format!("`{}`", value.get_name()),
        };
        values.iter().map(of).collect()
    } else {
        Vec::new()
    };
    if !values.is_empty() {
        says.push_str(&format!(". {}", values.join(", ")));
    }
    let defaults: Vec<String> =
        argument.get_default_values().iter().map(|v| format!("`{}`", v.display())).collect();
    if !defaults.is_empty() && argument.get_action().takes_values() {
        says.push_str(&format!("; else {}", defaults.join(", ")));
    }
    says
}
