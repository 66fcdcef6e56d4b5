//! `bench compose TREE…`: an audit of the compose files of some trees against compose-lint's.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{fastest, installed, once, quiet, ratio, target};
use crate::root;

pub(super) fn run(trees: &[String]) -> Result<(), String> {
    if trees.is_empty() {
        return Err("usage: cargo xtask bench compose TREE…".to_owned());
    }
    let plimsoll = root().join(target()).join("release/plimsoll");
    let dir = root().join(target()).join("bench-compose");
    if dir.exists() {
        std::fs::remove_dir_all(&dir).map_err(|why| why.to_string())?;
    }
    let mut files = Vec::new();
    for (index, tree) in trees.iter().enumerate() {
        copy(Path::new(tree), &dir.join(format!("tree-{index}")), &mut files)?;
    }
    files.sort();
    println!("{} compose files of {} trees", files.len(), trees.len());
    let ours = fastest(|| {
        let ask = ["audit", "--show", "problems", "--fail-on", "never"];
        quiet(Command::new(&plimsoll).args(ask).arg(&dir))
    })?;
    println!("plimsoll audit           {ours:>10.2?}");
    let Some(linter) = installed("compose-lint") else {
        println!("compose-lint             not installed: `pip install compose-lint`");
        return Ok(());
    };
    // It ends with 1 where it finds something.
    let theirs = once(|| {
        let _ = quiet(Command::new(&linter).arg("check").args(&files));
        Ok(())
    })?;
    println!(
        "compose-lint             {theirs:>10.2?}   {:.1} times plimsoll",
        ratio(theirs, ours)
    );
    Ok(())
}

/// Copies the compose files of a tree, at their places in it.
fn copy(from: &Path, to: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let said = |why: std::io::Error| format!("{}: {why}", from.display());
    for entry in std::fs::read_dir(from).map_err(said)? {
        let entry = entry.map_err(said)?;
        let (path, name) = (entry.path(), entry.file_name());
        let text = name.to_string_lossy().to_lowercase();
        if path.is_symlink() {
            continue;
        } else if path.is_dir() {
            if text != ".git" && text != "node_modules" {
                copy(&path, &to.join(&name), files)?;
            }
        } else if text.contains("compose") && (text.ends_with(".yml") || text.ends_with(".yaml")) {
            std::fs::create_dir_all(to).map_err(said)?;
            std::fs::copy(&path, to.join(&name)).map_err(said)?;
            files.push(to.join(&name));
        }
    }
    Ok(())
}
