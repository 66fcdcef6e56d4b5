//! The examples of every page as trees, and their findings as text.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use plimsoll_audit::{
    Check, Example, Finding, Located, Outcome, Page, Policy, Report, Resolver, audit,
};
use plimsoll_source::Tree;

/// The files of a repository.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// An example with the repository that it describes.
pub(crate) struct Case {
    /// The check whose page it stands on.
    pub(crate) check: &'static Check,
    /// The example.
    pub(crate) example: Example,
    /// Its files: the page's base, for «Fixed» the failing example that it mends, its own.
    pub(crate) files: Files,
}

impl Case {
    /// `build/copies-not-adds, Fails 1`.
    pub(crate) fn name(&self) -> String {
        format!("{}, {} {}", self.check.id, self.example.section, self.example.index + 1)
    }
}

/// Every example of every page; with CHECK set in the environment, of the checks whose id holds it.
pub(crate) fn cases() -> Vec<Case> {
    let wanted = std::env::var("CHECK").unwrap_or_default();
    let checks = plimsoll_audit::all().into_iter().filter(|check| check.id.contains(&*wanted));
    checks.flat_map(cases_of).collect()
}

fn cases_of(check: &'static Check) -> Vec<Case> {
    let page = Page::of(check.source);
    let base = page.given.as_deref().map(base).unwrap_or_default();
    let examples = page.examples();
    let mut cases = Vec::new();
    for example in &examples {
        let mut files = base.clone();
        if example.section == "Fixed" {
            let mended = examples.iter().find(|e| e.section == "Fails" && e.index == example.index);
            lay(&mut files, mended.expect("every Fixed mends a Fails"));
        }
        lay(&mut files, example);
        cases.push(Case { check, example: example.clone(), files });
    }
    cases
}

/// Lays an example's files over others.
fn lay(files: &mut Files, example: &Example) {
    for file in &example.files {
        match &file.text {
            Some(text) => files.insert(file.path.clone(), text.clone().into_bytes()),
            None => files.remove(&file.path),
        };
    }
}

/// The files of `fixtures/<name>`.
pub(crate) fn base(name: &str) -> Files {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    let mut files = Files::new();
    for path in walk(&root) {
        let below = path.strip_prefix(&root).expect("below its root");
        let name = below.to_str().expect("fixtures have plain names").replace('\\', "/");
        files.insert(name, std::fs::read(&path).expect("fixtures are readable"));
    }
    assert!(!files.is_empty(), "there is no base fixtures/{name}");
    files
}

/// Every file below a directory, sorted.
pub(crate) fn walk(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { todo.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// The report on these files.
pub(crate) fn report_on(files: &Files) -> Report {
    audit(&Tree::from_memory(files), &policy_of(files), &())
}

/// What the configuration among these files says.
pub(crate) fn policy_of(files: &Files) -> Policy {
    let read = |path: &str| {
        let text = files.get(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        Ok(text)
    };
    Policy::load("", &[], &read).expect("its configuration is right")
}

/// The findings of a check: one where the repository is asked, else one a service; where both are,
/// the worst of all, and of equals the first.
pub(crate) fn findings<'a>(report: &'a Report, check: &Check) -> Vec<&'a Finding> {
    let among = match check.run {
        run if !run.about_services() => report.shared(),
        run if run.about_repository() => &report.findings[..],
        _ => &report.findings[..report.shared],
    };
    let found = among.iter().filter(|finding| finding.check.id == check.id);
    if !(check.run.about_services() && check.run.about_repository()) {
        return found.collect();
    }
    use Outcome::{Fail, NotApplicable, Partial, Pass, Unknown};
    let worst = [Fail, Unknown, Partial, Pass, NotApplicable];
    let rank = |finding: &&Finding| worst.iter().position(|&one| one == finding.outcome);
    found.min_by_key(rank).into_iter().collect()
}

/// A finding's evidence with its places.
pub(crate) fn located(report: &Report, finding: &Finding) -> Vec<(Located, String)> {
    let places = Resolver::new(report).locate(report, finding);
    places.into_iter().zip(finding.evidence.iter().map(|e| e.says.to_string())).collect()
}

/// The first and last line of a place; a span that ends where a line starts does not touch it.
pub(crate) fn lines(place: &Located) -> Option<(u32, u32)> {
    let (start, end) = (place.start?, place.end?);
    let last = if end.column == 1 && end.line > start.line { end.line - 1 } else { end.line };
    Some((start.line, last))
}

/// A finding as readable text.
pub(crate) fn show(report: &Report, finding: &Finding) -> String {
    let mut text = format!("  got {}: {}\n", finding.outcome.name(), finding.message);
    if finding.outcome == Outcome::Unknown {
        text.push_str(&format!("  because {}\n", finding.unknown.map_or("?", |why| why.name())));
    }
    for ((place, says), evidence) in located(report, finding).iter().zip(&finding.evidence) {
        let lines = lines(place).map_or_else(String::new, |(a, b)| format!(":{a}-{b}"));
        let role = evidence.role.name();
        text.push_str(&format!("    {role:<11} {}{lines} {says}\n", place.path));
    }
    text
}
