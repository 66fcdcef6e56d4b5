//! A copy of an example as a repository of its own, mended by the binary that cargo builds.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{Scratch, said};
use crate::root;

/// The copy; it goes when it is done with.
pub(super) struct Repository {
    dir: Scratch,
}

impl Repository {
    /// Copies `example` (a path of this repository), adds `files` (path, text), and commits it.
    pub(super) fn of(example: &str, files: &[(&str, &str)]) -> Result<Self, String> {
        let name = example.rsplit('/').next().unwrap_or(example);
        let dir = Scratch::new(name)?;
        let from = root().join(example).join(".");
        said(Command::new("cp").arg("--recursive").arg(from).arg(dir.path()), 0)?;
        for (path, text) in files {
            let path = dir.path().join(path);
            std::fs::write(&path, text).map_err(|why| format!("{}: {why}", path.display()))?;
        }
        let repository = Self { dir };
        repository.git(&["init", "--quiet"])?;
        repository.git(&["add", "--all", "--force"])?;
        let name = ["-c", "user.name=prove", "-c", "user.email=prove@localhost"];
        let commit = ["-c", "commit.gpgsign=false", "commit", "--quiet", "--message=as it was"];
        repository.git(&[&name[..], &commit].concat())?;
        Ok(repository)
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Mends it; returns the last line of what was said: how much.
    pub(super) fn mend(&self) -> Result<String, String> {
        let plimsoll = binary()?;
        let said = said(Command::new(plimsoll).args(["fix", "--review"]).arg(self.path()), 0)?;
        Ok(said.lines().last().unwrap_or_default().to_owned())
    }

    /// The files that mending wrote: path, and whether it is new.
    pub(super) fn touched(&self) -> Result<Vec<(String, bool)>, String> {
        let status = self.git(&["status", "--porcelain", "--untracked-files=all"])?;
        let files =
            status.lines().filter_map(|line| Some((line.get(3..)?, line.starts_with("??"))));
        Ok(files.map(|(path, new)| (path.to_owned(), new)).collect())
    }

    /// A file as it was committed.
    pub(super) fn before(&self, path: &str) -> Result<String, String> {
        self.git(&["show", &format!("HEAD:{path}")])
    }

    fn git(&self, arguments: &[&str]) -> Result<String, String> {
        said(Command::new("git").arg("-C").arg(self.path()).args(arguments), 0)
    }
}

/// Builds Plimsoll as `cargo test` does, once; where it lies.
pub(super) fn binary() -> Result<PathBuf, String> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let build = ["build", "--quiet", "--package", "plimsoll"];
        said(Command::new(env!("CARGO")).current_dir(root()).args(build), 0)?;
        let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        Ok(root().join(target).join("debug/plimsoll"))
    });
    built.clone()
}
