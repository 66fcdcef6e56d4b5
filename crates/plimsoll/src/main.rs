//! The binary: the only place that reads the environment, the clock and the terminal, and decides.

#![allow(clippy::disallowed_methods, reason = "the binary is where the outside world is met")]

mod audit;
mod baseline;
mod checks;
mod cli;
mod config;
mod date;
mod explain;
mod fix;
mod init;
mod man;
mod output;
mod resolve;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use cli::{Cli, Command};

/// An audit is many short strings made on several threads at once: what a system's allocator is
/// slow at, that of musl (the container image) most of all. `docs/performance.md` has the figures.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Nothing at or above the threshold.
const CLEAN: u8 = 0;
/// Findings at or above the threshold.
const FINDINGS: u8 = 1;
/// The request was wrong.
const USAGE: u8 = 2;
/// We are wrong.
const BUG: u8 = 3;

fn main() -> ExitCode {
    // A panic inside a check is caught and becomes UNKNOWN (internal): its message is noise then,
    // and might hold a secret.
    std::panic::set_hook(Box::new(|_| {}));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no mistakes.
            let code = if error.use_stderr() { USAGE } else { CLEAN };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let run = std::panic::catch_unwind(|| match &cli.command {
        Command::Audit(args) => audit::run(args),
        Command::Fix(args) => fix::run(args),
        Command::Explain(args) => explain::explain(args),
        Command::Checks(args) => checks::run(args),
        Command::Baseline(args) => baseline::run(args),
        Command::Init(args) => init::run(args),
        Command::Completions(args) => {
            let mut out = Vec::new();
            clap_complete::generate(args.shell, &mut Cli::command(), "plimsoll", &mut out);
            output::say(&out)
        }
        Command::Man => {
            let page =
                man::page().map_err(|e| format!("error: the page cannot be written: {e}"))?;
            output::say(&page)
        }
    });
    match run {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(message)) => {
            output::complain(&message);
            ExitCode::from(USAGE)
        }
        Err(_) => {
            output::complain(
                "error: this is a bug in Plimsoll: please report it with the command that you ran",
            );
            ExitCode::from(BUG)
        }
    }
}
