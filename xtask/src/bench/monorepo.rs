//! `bench monorepo [N]…`: what an audit costs a service as a repository grows, its peak memory, and
//! its time against reading and parsing alone.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{build, floor, ratio, target};
use crate::root;

/// How many services the generated repositories have, where nothing else is asked for.
const SIZES: [usize; 3] = [100, 1000, 10_000];
/// Source modules that are added to each service.
const MODULES: usize = 20;
/// About the size of each service's lockfile, in bytes.
const LOCKFILE: usize = 300 << 10;

pub(super) fn run(arguments: &[String]) -> Result<(), String> {
    build("plimsoll")?;
    let asked: Result<Vec<usize>, _> = arguments.iter().map(|n| n.parse()).collect();
    let asked = asked.map_err(|_| "sizes are numbers of services".to_owned())?;
    let sizes = if asked.is_empty() { SIZES.to_vec() } else { asked };
    let plimsoll = root().join(target()).join("release/plimsoll");
    println!(
        "services   text        a service   peak      JSON        peak      floor       text/floor"
    );
    for size in sizes {
        let dir = generate(size)?;
        // Once unmeasured, so that each of them finds the files in memory.
        run_on(&plimsoll, &dir, "text")?;
        let (text, text_peak) = run_on(&plimsoll, &dir, "text")?;
        let (json, json_peak) = run_on(&plimsoll, &dir, "json")?;
        let (_, parse) = floor::time(&dir)?;
        println!(
            "{size:>8}   {:<10}  {:<10}  {:>4} MiB  {:<10}  {:>4} MiB  {:<10}  {:.2}",
            format!("{text:.2?}"),
            format!("{:.2?}", text / u32::try_from(size).unwrap_or(1)),
            text_peak >> 10,
            format!("{json:.2?}"),
            json_peak >> 10,
            format!("{parse:.2?}"),
            ratio(text, parse),
        );
        std::fs::remove_dir_all(&dir).map_err(|e| e.to_string())?;
    }
    Ok(())
}

/// Wall time and peak memory (in KiB) of an audit whose output goes to a pipe.
fn run_on(plimsoll: &Path, dir: &Path, format: &str) -> Result<(Duration, u64), String> {
    let start = Instant::now();
    let mut child = Command::new(plimsoll)
        .args(["audit", "--fail-on", "never", "--format", format])
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| e.to_string())?;
    let mut out = child.stdout.take().ok_or("no pipe")?;
    let reader = std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 20];
        while matches!(out.read(&mut buffer), Ok(1..)) {}
    });
    let mut peak = 0;
    loop {
        peak = peak.max(high_water(child.id()));
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(status) if status.success() => break,
            Some(status) => return Err(format!("the audit ended with {status}")),
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    let time = start.elapsed();
    reader.join().map_err(|_| "the pipe's reader failed")?;
    Ok((time, peak))
}

/// The most memory that a process has held, in KiB; 0 where the system does not tell.
fn high_water(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// A repository of so many services: copies of the example, five services each, with more source
/// and larger lockfiles.
fn generate(services: usize) -> Result<PathBuf, String> {
    let said = |why: std::io::Error| why.to_string();
    let dir = root().join(target()).join("bench-monorepo");
    if dir.exists() {
        std::fs::remove_dir_all(&dir).map_err(said)?;
    }
    let example = root().join("examples/ticketing");
    let (mut made, mut cell) = (0, 0);
    while made < services {
        let to = dir.join(format!("cells/cell-{cell:05}"));
        copy(&example, &to)?;
        cell += 1;
        let mut all: Vec<PathBuf> = std::fs::read_dir(to.join("backend/services"))
            .map_err(said)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        all.sort();
        for service in all {
            if made == services {
                std::fs::remove_dir_all(&service).map_err(said)?;
                continue;
            }
            made += 1;
            grow(&service)?;
        }
    }
    Ok(dir)
}

/// Adds modules that the entry imports, and pads the lockfile.
fn grow(service: &Path) -> Result<(), String> {
    let said = |why: std::io::Error| why.to_string();
    let entry = service.join("src/index.ts");
    let mut imports = String::new();
    for module in 0..MODULES {
        let _ = writeln!(imports, "import {{ work{module} }} from './generated/module{module}';");
        let mut text = String::new();
        for function in 0..20 {
            let name =
                if function == 0 { format!("work{module}") } else { format!("part{function}") };
            let _ = writeln!(
                text,
                "export async function {name}(input: number): Promise<number> {{\n  \
                 const doubled = [input, {function}].map((value) => value * 2);\n  \
                 return doubled.reduce((sum, value) => sum + value, 0);\n}}\n"
            );
        }
        std::fs::create_dir_all(service.join("src/generated")).map_err(said)?;
        let path = service.join(format!("src/generated/module{module}.ts"));
        std::fs::write(path, text).map_err(said)?;
    }
    if let Ok(text) = std::fs::read_to_string(&entry) {
        std::fs::write(&entry, imports + &text).map_err(said)?;
    }
    let lockfile = service.join("package-lock.json");
    let text = std::fs::read_to_string(&lockfile).unwrap_or_else(|_| "{\n}\n".to_owned());
    let Some(end) = text.rfind("\n  }\n}") else { return Ok(()) };
    let mut grown = text[..end].to_owned();
    let mut index = 0;
    while grown.len() < LOCKFILE {
        let _ = write!(
            grown,
            ",\n    \"node_modules/generated-{index}\": {{\n      \"version\": \"1.{index}.0\",\n      \
             \"resolved\": \"https://registry.example/generated-{index}/-/generated-{index}-1.{index}.0.tgz\",\n      \
             \"license\": \"MIT\",\n      \"engines\": {{\n        \"node\": \">=18\"\n      }}\n    }}"
        );
        index += 1;
    }
    grown.push_str(&text[end..]);
    std::fs::write(lockfile, grown).map_err(said)
}

/// A directory with all below it, without what makes the example a root of its own.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let said = |why: std::io::Error| why.to_string();
    std::fs::create_dir_all(to).map_err(said)?;
    for entry in std::fs::read_dir(from).map_err(said)? {
        let entry = entry.map_err(said)?;
        let name = entry.file_name();
        if name == "plimsoll.toml" || name == "expected.json" {
            continue;
        }
        if entry.file_type().map_err(said)?.is_dir() {
            copy(&entry.path(), &to.join(name))?;
        } else {
            std::fs::copy(entry.path(), to.join(name)).map_err(said)?;
        }
    }
    Ok(())
}
