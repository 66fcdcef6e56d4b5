//! `cargo xtask prove [services] [linters] [registry] [image] [--required] [--rust IMAGE]`: what only
//! other programs can show: that what Plimsoll mends holds, seen and not concluded.
//!
//! - `services`: copies of small services with the usual faults are mended by `plimsoll fix
//!   --review`, built by Docker Engine without a network and run as their compose file says.
//! - `linters`: ShellCheck, hadolint and zizmor find nothing in what was written or edited.
//! - `registry`: `fix --resolve` asks a real registry, on loopback.
//! - `image`: Plimsoll's own image is built and run. It needs registries, so it is only done when
//!   named; IMAGE stands for the builder's Rust image where none can be reached.
//!
//! Without a name, all but the image. What cannot be done here is said aloud as SKIPPED; with
//! `--required` it is a failure. Containers, images, volumes and directories are taken away again,
//! also after a failure; only the build cache of an engine that was there before keeps its entries.

mod bases;
mod engine;
mod linters;
mod own;
mod registry;
mod repository;
mod services;
mod workflow;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use engine::Engine;

/// What can be proved; the last only when it is named.
const PARTS: [&str; 4] = ["services", "linters", "registry", "image"];

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let mut named = Vec::new();
    let (mut required, mut rust) = (false, None);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match &**word {
            "--required" => required = true,
            "--rust" => rust = Some(&**words.next().ok_or("--rust needs an image")?),
            part if PARTS.contains(&part) => named.push(part),
            other => return Err(format!("{other}: no part; there are {}", PARTS.join(", "))),
        }
    }
    let wanted = |part: &str| match &*named {
        [] => part != "image",
        named => named.contains(&part),
    };
    let mut skipped = Vec::new();
    if wanted("linters") {
        println!("== what linters say of what is written");
        skipped.extend(linters::prove()?);
    }
    if wanted("linters") {
        println!("== what zizmor says of a new workflow");
        skipped.extend(workflow::prove()?);
    }
    if wanted("registry") {
        println!("== what a registry says");
        skipped.extend(registry::prove()?);
    }
    if wanted("services") || wanted("image") {
        match Engine::find(wanted("image"))? {
            Ok(engine) => {
                println!("== {}", engine.is);
                if wanted("services") {
                    services::prove(&engine)?;
                }
                if wanted("image") {
                    own::prove(&engine, rust)?;
                }
            }
            Err(why) => skipped.push(format!("nothing was built or run: {why}")),
        }
    }
    for what in &skipped {
        println!("prove: SKIPPED: {what}");
    }
    match skipped.is_empty() {
        true => println!("prove: all holds"),
        false if required => return Err(format!("not proved: {}", skipped.join("; "))),
        false => println!("prove: what was looked at holds"),
    }
    Ok(())
}

/// A line of the proof, printed as soon as it is seen.
fn seen(what: impl std::fmt::Display) {
    println!("  {what}");
}

/// What a command said, where it ended as it should.
///
/// # Errors
/// The command, how it ended, and the end of what it said.
fn said(command: &mut Command, code: i32) -> Result<String, String> {
    let output = command.stdin(std::process::Stdio::null()).output();
    let output = output.map_err(|why| format!("{}: {why}", name(command)))?;
    ended(&output, code).map_err(|why| {
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        format!("{} {}: {why}", name(command), words.join(" "))
    })
}

/// The same of a command that has ended.
fn ended(output: &Output, code: i32) -> Result<String, String> {
    if output.status.code() == Some(code) {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    let both = String::from_utf8_lossy(&both);
    let lines: Vec<&str> = both.lines().filter(|line| !line.trim().is_empty()).collect();
    let end = lines.get(lines.len().saturating_sub(12)..).unwrap_or_default().join("\n    ");
    Err(format!("expected {code}, ended with {}:\n    {end}", output.status))
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

/// Every program of that name on the path, and where `pip install --user` puts some.
fn installed(name: &str) -> impl Iterator<Item = PathBuf> + use<'_> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<PathBuf> = std::env::split_paths(&path).collect();
    dirs.extend(std::env::home_dir().map(|home| home.join(".local/bin")));
    dirs.into_iter().map(move |dir| dir.join(name)).filter(|file| file.is_file())
}

/// A directory that goes when it is done with.
struct Scratch(PathBuf);

impl Scratch {
    /// Makes one; its path is short, since a socket lies in it.
    fn new(what: &str) -> Result<Self, String> {
        let dir = std::env::temp_dir().join(format!("plimsoll-{what}-{}", std::process::id()));
        std::fs::create_dir(&dir).map_err(|why| format!("{}: {why}", dir.display()))?;
        Ok(Self(dir))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(why) = std::fs::remove_dir_all(&self.0) {
            eprintln!("prove: {} stays: {why}", self.0.display());
        }
    }
}
