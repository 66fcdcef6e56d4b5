//! Automation for those who work on Plimsoll: `cargo xtask COMMAND`.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a tool for this repository: it reads and writes files, runs commands, prints"
)]

mod accuracy;
mod bench;
mod catalogue;
mod conformance;
mod docs;
mod fuzz;
mod mended;
mod new_check;
mod prove;
mod ready;
mod schema;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A command takes its arguments and says what went wrong.
type Command = fn(&[String]) -> Result<(), String>;

/// Name, what it does, and the command.
const COMMANDS: [(&str, &str, Command); 11] = [
    (
        "accuracy",
        "TREE: compare our answers with what is true of the audited services",
        accuracy::run,
    ),
    (
        "bench",
        "[DIR], compose TREE…, monorepo [N]…, floor DIR: time audits against other tools and mere parsing",
        bench::run,
    ),
    ("catalogue", "say which rows of ../shared/catalog have a check", catalogue::run),
    ("docs", "write docs/checks, docs/coverage.md and docs/cli.md", docs::run),
    (
        "conformance",
        "[SUITE]…: compare our answers with the cases of other tools in ../shared/conformance",
        conformance::run,
    ),
    ("fuzz", "[TARGET] [SECONDS]: run the targets of fuzz/, a minute each", fuzz::run),
    (
        "mended",
        "TREE…: mend copies of git repositories, and see from their diffs that nothing else changed",
        mended::run,
    ),
    ("new-check", "AREA/NAME: write a check's file and its line in the registry", new_check::run),
    (
        "prove",
        "[services] [linters] [registry] [image] [--required]: see that mended services hold, built and run",
        prove::run,
    ),
    ("ready", "do what .ci/run does", ready::run),
    ("schema", "write docs/*.schema.json", schema::run),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let Some((_, _, command)) = COMMANDS.iter().find(|(known, _, _)| *known == name) else {
        eprintln!("usage: cargo xtask COMMAND");
        for (name, does, _) in COMMANDS {
            eprintln!("  {name:<13}{does}");
        }
        return ExitCode::from(2);
    };
    match command(&rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{name}: {why}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's root.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|why| format!("{}: {why}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|why| format!("{}: {why}", path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}
