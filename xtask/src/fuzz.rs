//! `fuzz [TARGET] [SECONDS]`: runs the targets of `fuzz/`, each from what the examples hold, and says
//! how long each ran. Needs `cargo install cargo-fuzz` and a nightly compiler.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use plimsoll_audit::Page;

use crate::root;

/// Which files of the examples a target begins with, by a part of their name.
const KINDS: [(&str, &[&str]); 16] = [
    ("caddyfile", &["Caddyfile"]),
    ("dockerfile", &["Dockerfile"]),
    ("dotenv", &[".env"]),
    ("expression", &[".github/workflows/"]),
    ("ignorefile", &["ignore"]),
    ("javascript", &[".js", ".ts", ".mjs", ".cjs"]),
    ("json", &[".json"]),
    ("nginx", &["nginx", ".conf"]),
    ("patch", &["Dockerfile"]),
    ("properties", &[".properties"]),
    ("python", &[".py"]),
    ("shell", &[".sh"]),
    ("tokens", &[".go", ".java", ".rs"]),
    ("toml", &[".toml"]),
    ("xml", &[".xml"]),
    ("yaml", &[".yml", ".yaml"]),
];

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let seconds = arguments.iter().find_map(|argument| argument.parse::<u64>().ok()).unwrap_or(60);
    let only = arguments.iter().find(|argument| argument.parse::<u64>().is_err());
    let targets: Vec<String> =
        targets()?.into_iter().filter(|target| only.is_none_or(|only| only == target)).collect();
    if targets.is_empty() {
        return Err(format!("no such target: {}", only.map_or("", String::as_str)));
    }
    let mut failed = Vec::new();
    for target in targets {
        seed(&target)?;
        let begun = Instant::now();
        let mut fuzz = Command::new("cargo");
        // Nothing here is `unsafe`: a sanitizer would only be slower.
        fuzz.current_dir(root()).args([
            "+nightly",
            "fuzz",
            "run",
            "--sanitizer=none",
            &target,
            "--",
        ]);
        fuzz.args(["-timeout=20", "-rss_limit_mb=4096", "-verbosity=0", "-print_final_stats=1"]);
        fuzz.arg(format!("-max_total_time={seconds}"));
        let ended = fuzz.status().map_err(|why| format!("cargo fuzz: {why}"))?;
        println!("{target}: {} after {} s", ended, begun.elapsed().as_secs());
        if !ended.success() {
            failed.push(target);
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(format!("{} found something: see fuzz/artifacts", failed.join(", "))),
    }
}

/// The names of all targets.
fn targets() -> Result<Vec<String>, String> {
    let dir = root().join("fuzz/fuzz_targets");
    let mut names: Vec<String> = list(&dir)?
        .iter()
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// Puts what a target begins with into its corpus: the files of the pages' examples, whole
/// repositories for those that take one.
fn seed(target: &str) -> Result<(), String> {
    let dir = root().join("fuzz/corpus").join(target);
    std::fs::create_dir_all(&dir).map_err(|why| format!("{}: {why}", dir.display()))?;
    let kinds = KINDS.iter().find(|(name, _)| *name == target).map(|(_, kinds)| *kinds);
    for check in plimsoll_audit::all() {
        for (index, example) in Page::of(check.source).examples().iter().enumerate() {
            let name = format!("{}-{index}", check.id.replace('/', "-"));
            let files = example.files.iter().filter_map(|f| Some((&*f.path, f.text.as_deref()?)));
            let Some(kinds) = kinds else {
                let archive = files.map(|(path, text)| format!("-- {path} --\n{text}"));
                write(&dir.join(name), &archive.collect::<String>())?;
                continue;
            };
            for (nth, (path, text)) in files.enumerate() {
                if kinds.iter().any(|kind| path.contains(kind)) {
                    write(&dir.join(format!("{name}-{nth}")), text)?;
                }
            }
        }
    }
    Ok(())
}

fn list(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(dir).map_err(|why| format!("{}: {why}", dir.display()))?;
    Ok(entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|why| format!("{}: {why}", path.display()))
}
