//! Baselines: the file of known instances, and revisions that are compared with.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use plimsoll_audit::{BASELINE_NAME, Baseline, Comparison, Date, Instance, Policy};
use plimsoll_source::OpenError;

use crate::cli::{AuditArgs, BaselineArgs};
use crate::config::{self, Ask};
use crate::{CLEAN, date, output};

/// What the report is compared with, and its name; nothing where the command line names none.
pub(crate) fn known(
    args: &AuditArgs,
    root: &Path,
    policy: &Policy,
    color: bool,
) -> Result<Option<(Baseline, String)>, String> {
    let mut known = Baseline::default();
    let mut names = Vec::new();
    if let Some(path) = &args.baseline {
        let read = read(path, color)?.ok_or_else(|| {
            format!(
                "error: {}: there is no baseline; `plimsoll baseline` writes one",
                path.display()
            )
        })?;
        known.instances.extend(read.instances);
        names.push(path.display().to_string());
    }
    if let Some(revision) = &args.since {
        known.instances.extend(at_revision(root, revision, policy)?.instances);
        names.push(revision.clone());
    }
    Ok((!names.is_empty()).then(|| (known, names.join(" and "))))
}

/// The instances where the history of a revision and ours part, by today's policy.
fn at_revision(root: &Path, revision: &str, policy: &Policy) -> Result<Baseline, String> {
    let options = config::options(policy, false);
    let opened = plimsoll_source::fork_point(root, revision)
        .and_then(|fork| plimsoll_source::open_revision(root, &fork, &options));
    match opened {
        Ok(tree) => Ok(Baseline::of(&plimsoll_audit::audit(&tree, policy, &()))),
        // What is new altogether is all new.
        Err(OpenError::NotInRevision(..)) => Ok(Baseline::default()),
        Err(error) => Err(format!("error: {error}")),
    }
}

/// Reads a baseline; `None` where there is no file.
fn read(path: &Path, color: bool) -> Result<Option<Baseline>, String> {
    let failed = |why: &dyn std::fmt::Display| format!("error: {}: {why}", path.display());
    let text = match std::fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| failed(&"it is not UTF-8"))?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    Baseline::parse(&text).map(Some).map_err(|errors| {
        // A link may lead out of the repository: of what is no baseline there, nothing is shown.
        let text = if path.is_symlink() { "" } else { &*text };
        let path = path.display().to_string();
        let shown: Vec<String> =
            errors.iter().take(5).map(|e| config::explain(&path, text, e, color)).collect();
        shown.join("\n\n")
    })
}

/// Writes a baseline where there is none; takes what is fixed out of one that is there.
pub(crate) fn run(args: &BaselineArgs) -> Result<u8, String> {
    let color = output::style(args.no_color).color;
    // `./x` and `x` are one: it is shown as one writes it.
    let beside = if args.path.as_os_str() == "." { PathBuf::new() } else { args.path.clone() };
    let file = args.file.clone().unwrap_or_else(|| beside.join(BASELINE_NAME));
    // A file that cannot be read is not written over.
    let before = read(&file, color)?;
    let ask = Ask { revision: None, tracked_only: args.tracked_only, color };
    let (tree, mut policy) = config::open(&args.path, ask)?;
    policy.today = Date::parse(&date::today(args.date.as_deref())?);
    let mut report = plimsoll_audit::audit(&tree, &policy, &());
    let now = Baseline::of(&report);
    let Some(before) = before else {
        write(&file, &now)?;
        let known = count(now.instances.len(), "instance");
        say(&format!("wrote {}: {known} known; commit it\n", file.display()));
        return Ok(CLEAN);
    };
    let Comparison { fixed, .. } = before.compare(&mut report, "");
    let known = prints(&before);
    let is_new = |instance: &Instance| !known.contains(&*instance.fingerprint);
    let new = now.instances.iter().filter(|i| is_new(i)).count();
    let mut kept = now;
    if !args.add {
        kept.instances.retain(|i| !is_new(i));
    }
    let mut out = String::new();
    let (stay, fixed) = (prints(&kept), fixed.into_iter().collect::<BTreeSet<Instance>>());
    let gone = before.instances.iter().filter(|i| !stay.contains(&*i.fingerprint));
    let gone: Vec<&Instance> = gone.collect();
    for instance in &gone {
        let why = if fixed.contains(*instance) { "fixed" } else { "accepted" };
        let line = format!("{why}: {} in {}: {}", instance.check, instance.path, instance.says);
        // What stands in a file is text of others.
        out.extend(line.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }));
        out.push('\n');
    }
    let of = file.display();
    if kept == before {
        out.push_str(&format!("{of} is as it was: "));
    } else {
        write(&file, &kept)?;
        out.push_str(&format!("wrote {of}: {} taken out, ", gone.len()));
    }
    out.push_str(&format!("{} known\n", count(kept.instances.len(), "instance")));
    if new > 0 {
        out.push_str(&if args.add {
            format!("{} taken in\n", count(new, "new instance"))
        } else {
            format!("{} not taken in: mend them, or say `--add`\n", count(new, "new instance"))
        });
    }
    say(&out);
    Ok(CLEAN)
}

fn prints(baseline: &Baseline) -> BTreeSet<&str> {
    baseline.instances.iter().map(|instance| &*instance.fingerprint).collect()
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Writes beside the file and moves that into place: no half a baseline.
fn write(file: &Path, baseline: &Baseline) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("error: {}: {error}", file.display());
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = PathBuf::from(name);
    std::fs::write(&beside, baseline.write()).map_err(failed)?;
    std::fs::rename(&beside, file).map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        failed(error)
    })
}

fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
