//! `mended TREE…`: what all fixes make of real repositories. Each is copied, mended and written, and
//! what became of it is read from `git diff` alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_audit::{Mended, Offer, Outcome, Policy, Report};
use plimsoll_model::mend::outside::{Changed, says_the_same};
use plimsoll_source::{OpenOptions, TextRange, Tree};

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    if arguments.is_empty() {
        return Err("name the trees, as git has them".to_owned());
    }
    println!(
        "| tree | fixes | files edited | new files | named by no finding | read otherwise outside \
         the edit | audits | refused | verdicts worse | changed by a second run |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let mut wrong = Vec::new();
    for tree in arguments {
        match seen(Path::new(tree)) {
            Ok(seen) => {
                println!("{}", seen.row);
                wrong.extend(seen.wrong.into_iter().map(|what| format!("{}: {what}", seen.name)));
            }
            Err(why) => wrong.push(format!("{tree}: {}", why.trim_end())),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("seen:\n  {}", wrong.join("\n  "))) }
}

struct Seen {
    name: String,
    row: String,
    /// What should not be.
    wrong: Vec<String>,
}

fn seen(from: &Path) -> Result<Seen, String> {
    let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let copy = Copy::of(from)?;
    let open =
        || plimsoll_source::open(&copy.0, &OpenOptions::default()).map_err(|why| why.to_string());
    let policy = Policy::default();
    let mend = |tree: &Tree| {
        plimsoll_audit::mend(tree, &policy, &(), &mut |_, _| true).map_err(|why| why.to_string())
    };
    let tree = open()?;
    let mended = mend(&tree)?;
    plimsoll_source::write(&copy.0, &tree, &mended.patch).map_err(|why| why.to_string())?;
    let again = mend(&open()?)?;

    git(&copy.0, &["add", "--intent-to-add", "."])?;
    let changes = changes(&copy.0)?;
    let named: BTreeSet<&String> = mended.applied.iter().flat_map(|offer| &offer.named).collect();
    let mut wrong = Vec::new();
    let mut unnamed = 0;
    for path in changes.keys().filter(|path| !named.contains(path)) {
        unnamed += 1;
        let by: BTreeSet<&str> = touching(&mended, path).map(|offer| offer.check.id).collect();
        wrong.push(format!("no finding names {path}, which {by:?} touch"));
    }
    let (mut edited, mut misread) = (0, 0);
    for (path, lines) in &changes {
        let Some(file) = tree.find(path) else { continue };
        edited += 1;
        let old = tree.read(file).map_err(|why| format!("{path}: {why:?}"))?;
        let new = std::fs::read(copy.0.join(path)).map_err(|why| format!("{path}: {why}"))?;
        let changed: Vec<Changed> = lines.iter().map(|lines| lines.in_bytes(&old, &new)).collect();
        if !says_the_same(path, &old, &new, &changed) {
            misread += 1;
            wrong.push(format!("{path} reads otherwise outside of what was changed"));
        }
    }
    let worse = worse(&mended.before, &mended.after);
    let again = again.paths.len();
    let (audits, refused) = (mended.audits, mended.refused.len());
    if audits > 3 && refused == 0 {
        wrong.push(format!("{audits} audits, and nothing was refused"));
    }
    if again > 0 {
        wrong.push(format!("a second run changes {again} files"));
    }
    wrong.extend(mended.refused.iter().map(|(offer, why)| format!("{}: {why}", offer.check.id)));
    wrong.extend(worse.iter().cloned());
    let row = format!(
        "| {name} | {} | {edited} | {} | {unnamed} | {misread} | {audits} | {refused} | {} | {again} |",
        mended.applied.len(),
        changes.len() - edited,
        worse.len(),
    );
    Ok(Seen { name, row, wrong })
}

/// The applied fixes that touch a file.
fn touching<'a>(mended: &'a Mended, path: &'a str) -> impl Iterator<Item = &'a Offer> {
    mended.applied.iter().filter(move |offer| offer.files.iter().any(|file| file == path))
}

/// The answers that are worse than they were.
fn worse(before: &Report, after: &Report) -> Vec<String> {
    let answers = |report: &Report| -> BTreeMap<(&str, String, String), Outcome> {
        let key = |finding: &plimsoll_audit::Finding| {
            let subject = finding.subject;
            let (name, path) = (report.subject_name(subject), report.subject_path(subject));
            (finding.check.id, name.to_owned(), path.to_owned())
        };
        report.findings.iter().map(|finding| (key(finding), finding.outcome)).collect()
    };
    let (was, is) = (answers(before), answers(after));
    let found = is.iter().filter(|(key, now)| match now {
        Outcome::Fail => was.get(key) != Some(&Outcome::Fail),
        Outcome::Partial => !matches!(was.get(key), Some(Outcome::Fail | Outcome::Partial)),
        Outcome::Unknown => was.get(key) == Some(&Outcome::Pass),
        Outcome::Pass | Outcome::NotApplicable => false,
    });
    found.map(|((id, name, _), now)| format!("{id} of {name} becomes {}", now.name())).collect()
}

/// Lines that `git diff` names: where they were and how many, where they are and how many.
struct Lines([usize; 4]);

impl Lines {
    fn in_bytes(&self, old: &[u8], new: &[u8]) -> Changed {
        let Self([was, gone, is, come]) = *self;
        Changed { old: bytes(old, was, gone), new: bytes(new, is, come) }
    }
}

/// The bytes of `count` lines from the line of a number; of none, the place behind that line.
fn bytes(text: &[u8], number: usize, count: usize) -> TextRange {
    let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let starts: Vec<usize> = std::iter::once(0).chain(ends).collect();
    let start = |line: usize| starts.get(line).copied().unwrap_or(text.len());
    let first = if count == 0 { number } else { number - 1 };
    TextRange::of(start(first), start(first + count))
}

/// The files that differ from what git has, with their lines.
fn changes(at: &Path) -> Result<BTreeMap<String, Vec<Lines>>, String> {
    let diff = git(at, &["-c", "core.quotePath=false", "diff", "--unified=0", "--no-renames"])?;
    let mut changes: BTreeMap<String, Vec<Lines>> = BTreeMap::new();
    let mut path = String::new();
    for line in diff.lines() {
        if let Some(names) = line.strip_prefix("diff --git a/") {
            path = names.split(" b/").next().unwrap_or_default().to_owned();
            changes.entry(path.clone()).or_default();
        } else if let Some(places) = line.strip_prefix("@@ -") {
            let places = places.split(" @@").next().unwrap_or_default();
            let numbers = places.split(" +").flat_map(|place| {
                let (line, count) = place.split_once(',').unwrap_or((place, "1"));
                [line, count].map(|number| number.parse().unwrap_or_default())
            });
            let lines = <[usize; 4]>::try_from(numbers.collect::<Vec<_>>());
            changes.entry(path.clone()).or_default().extend(lines.map(Lines));
        }
    }
    Ok(changes)
}

/// A clone of a repository that may be written to, with what its work tree holds.
struct Copy(PathBuf);

impl Copy {
    fn of(from: &Path) -> Result<Self, String> {
        let from = from.canonicalize().map_err(|why| why.to_string())?;
        let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let copy = Self(std::env::temp_dir().join(format!("mended-{}-{name}", std::process::id())));
        let at = copy.0.to_string_lossy().into_owned();
        let from = from.to_string_lossy();
        git(Path::new("/"), &["clone", "--quiet", "--shared", &from, &at])?;
        Ok(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // It lies among temporary files, where it may stay.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn git(at: &Path, arguments: &[&str]) -> Result<String, String> {
    let done = Command::new("git")
        .arg("-C")
        .arg(at)
        .args(arguments)
        .output()
        .map_err(|why| format!("git: {why}"))?;
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}
