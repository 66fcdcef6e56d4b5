//! `bench floor DIR`: the files that an audit of DIR opens, read and only parsed, on as many threads.

use std::path::Path;
use std::time::{Duration, Instant};

use plimsoll_source::{Derived, FileId, OpenOptions, Span, TextRange, Tree};
use plimsoll_syntax::shell::Dialect;
use plimsoll_syntax::{dockerfile, javascript, shell, yaml};
use rayon::prelude::*;

pub(super) fn run(arguments: &[String]) -> Result<(), String> {
    let dir = arguments.first().ok_or("name a directory")?;
    let (files, time) = time(Path::new(dir))?;
    println!("{files} files read and parsed in {time:.2?}");
    Ok(())
}

/// How many files an audit opens, and how long it takes to read and parse them.
pub(super) fn time(dir: &Path) -> Result<(usize, Duration), String> {
    let tree = plimsoll_source::open(dir, &OpenOptions::default()).map_err(|e| e.to_string())?;
    let files = plimsoll_model::lower(&tree).read;
    // The same files, not yet read by anyone.
    let tree = plimsoll_source::open(dir, &OpenOptions::default()).map_err(|e| e.to_string())?;
    let pool = rayon::ThreadPoolBuilder::new()
        .stack_size(javascript::STACK)
        .build()
        .map_err(|e| e.to_string())?;
    let start = Instant::now();
    pool.install(|| files.par_iter().for_each(|&file| parse(&tree, file)));
    Ok((files.len(), start.elapsed()))
}

fn parse(tree: &Tree, file: FileId) {
    let Ok(bytes) = tree.read(file) else { return };
    let path = tree.path(file);
    let name = path.rsplit('/').next().unwrap_or(path);
    let span = Span::new(file, TextRange::of(0, bytes.len()));
    let text = || Derived::verbatim(bytes.to_vec(), span);
    match name.rsplit('.').next().unwrap_or_default() {
        "yml" | "yaml" => drop(yaml::parse(text())),
        "json" => drop(yaml::parse_json(text())),
        "sh" => drop(shell::parse(&bytes, Dialect::Bash)),
        "js" | "cjs" | "mjs" | "jsx" | "ts" | "cts" | "mts" | "tsx" => {
            drop(javascript::read_here(name, file, &bytes));
        }
        _ if name.contains("Dockerfile") => drop(dockerfile::parse(&text())),
        _ => {}
    }
}
