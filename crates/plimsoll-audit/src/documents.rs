//! What documents tell people to run, and whether it is there.

use std::collections::BTreeSet;

use plimsoll_model::document::{Code, Document, DocumentKind};
use plimsoll_model::script::Program;
use plimsoll_source::normalize_path;

use crate::Cx;

/// Documents that tell people what to do.
pub(crate) fn guides<'a>(cx: &Cx<'a>) -> impl Iterator<Item = &'a Document> + use<'a> {
    cx.delivery.documents.iter().filter(|document| document.kind == DocumentKind::Guide)
}

/// The words of a command that a document writes, up to what it pipes into or joins with.
fn words(code: &Code) -> impl Iterator<Item = &str> {
    let quote = |c: char| matches!(c, '"' | '\'' | '(' | ')' | ',' | ';');
    code.text.split_whitespace().map(move |word| word.trim_matches(quote))
}

/// Whether a command takes the work tree to a release of the past: not to a branch's head.
pub(crate) fn goes_back(code: &Code) -> bool {
    const BRANCHES: [&str; 6] = ["main", "master", "HEAD", "--", "develop", "-b"];
    code.text.split("&&").flat_map(|part| part.split(';')).any(|part| {
        let words: Vec<&str> = part.split_whitespace().collect();
        let rest = match words.as_slice() {
            ["git", "reset", "--hard", rest @ ..] => rest,
            ["git", "checkout", rest @ ..] => rest,
            ["git", "switch", "--detach", rest @ ..] => rest,
            _ => return false,
        };
        let target = rest.iter().find(|word| !word.starts_with("--")).copied();
        target.is_some_and(|t| !BRANCHES.contains(&t) && !t.starts_with("origin/"))
            && !rest.iter().any(|word| BRANCHES[3..].contains(word))
    })
}

/// The script of the repository that a command runs.
pub(crate) fn script<'a>(cx: &Cx<'a>, document: &Document, code: &Code) -> Option<&'a Program> {
    const RUNNERS: [&str; 5] = ["sudo", "bash", "sh", "source", "."];
    let is_name =
        |word: &&str| !RUNNERS.contains(word) && !word.contains('=') && !word.starts_with('-');
    // The last of `cd … && ./x`.
    let last = code.text.rsplit("&&").next().unwrap_or(&code.text);
    let word = last.split_whitespace().find(is_name)?;
    let word = word.trim_matches(['"', '\'', '`']);
    let path = resolve(cx, document, word)?;
    let file = cx.delivery.tree.find(&path)?;
    cx.delivery.programs.iter().find(|program| program.file == file && program.target.is_none())
}

/// The file of the tree that a path in a document names: from the root, from the document, or below
/// a directory elsewhere at which the repository lies.
fn resolve(cx: &Cx<'_>, document: &Document, word: &str) -> Option<String> {
    let tree = &cx.delivery.tree;
    if !word.contains('/') && !word.ends_with(".sh") {
        return None;
    }
    if let Some(absolute) = word.strip_prefix('/') {
        let mut rest = absolute;
        while let Some((_, below)) = rest.split_once('/') {
            if below.contains('/') && tree.find(below).is_some() {
                return Some(below.to_owned());
            }
            rest = below;
        }
        return None;
    }
    let dir = cx.path(document.file).rsplit_once('/').map_or("", |(dir, _)| dir);
    let from_root = normalize_path(word);
    let beside = normalize_path(&format!("{dir}/{word}"));
    from_root.into_iter().chain(beside).find(|path| tree.find(path).is_some())
}

/// The directories elsewhere at which the repository lies, by documents: what follows them is there.
pub(crate) fn homes(cx: &Cx<'_>) -> BTreeSet<String> {
    const MAX_PARTS: usize = 6;
    let mut homes = BTreeSet::new();
    for document in guides(cx) {
        for word in document.code.iter().flat_map(words).filter(|word| word.starts_with('/')) {
            for (at, _) in word.match_indices('/').skip(1).take(MAX_PARTS) {
                let (home, rest) = (&word[..at], &word[at + 1..]);
                let known = rest.contains('/') && cx.delivery.tree.find(rest).is_some();
                if known && home.len() > 1 {
                    homes.insert(home.to_owned());
                }
            }
        }
    }
    homes
}

/// A script that a document names.
pub(crate) struct Named<'a> {
    /// Where.
    pub(crate) code: &'a Code,
    /// Its path in the tree.
    pub(crate) path: String,
    /// Whether it is there.
    pub(crate) exists: bool,
}

/// Scripts that fences name by a path below a directory of the repository.
pub(crate) fn scripts<'a>(cx: &Cx<'a>, homes: &BTreeSet<String>) -> Vec<Named<'a>> {
    const ENDS: [&str; 7] = [".sh", ".bash", ".py", ".rb", ".pl", ".js", ".ts"];
    let tree = &cx.delivery.tree;
    let mut found = Vec::new();
    for document in guides(cx) {
        let dir = cx.path(document.file).rsplit_once('/').map_or("", |(dir, _)| dir);
        let fenced = || document.code.iter().filter(|code| code.fenced);
        // What the document itself brings, and what it leaves the repository for.
        let made: BTreeSet<&str> = fenced()
            .filter(|code| {
                let text = &code.text;
                text.contains(" > ")
                    || text.contains(">>")
                    || text.contains(" -o ")
                    || text.contains("-O ")
                    || text.starts_with("vim ")
                    || text.starts_with("nano ")
                    || text.starts_with("cp ")
                    || text.starts_with("touch ")
            })
            .flat_map(words)
            .collect();
        let mut away: Option<Option<usize>> = None;
        for code in fenced() {
            if code.text.starts_with("git clone") {
                away = Some(code.heading);
            }
            if let Some(to) = code.text.strip_prefix("cd ") {
                let to = to.split("&&").next().unwrap_or(to).trim();
                let ours = homes.contains(to.trim_end_matches('/'))
                    || tree.is_dir(to.trim_start_matches("./").trim_end_matches('/'))
                    || to.starts_with("..");
                away = if ours { None } else { Some(code.heading) };
            }
            for word in words(code) {
                if !ENDS.iter().any(|end| word.ends_with(end))
                    || word.contains(['<', '>', '$', '*', '{', '=', '~', '`', '|'])
                    || word.contains("://")
                    || made.contains(word)
                {
                    continue;
                }
                let below = homes.iter().find_map(|home| word.strip_prefix(&format!("{home}/")));
                let path = match below {
                    Some(rest) => normalize_path(rest),
                    None if word.starts_with('/') || away == Some(code.heading) => None,
                    None if word.starts_with("./") && word[2..].contains('/') => {
                        normalize_path(word)
                    }
                    None => None,
                };
                let Some(path) = path else { continue };
                let beside = normalize_path(&format!("{dir}/{path}"));
                let exists = tree.find(&path).is_some()
                    || beside.is_some_and(|path| tree.find(&path).is_some());
                let top = path.split('/').next().unwrap_or("");
                // Within a directory of a part of the repository the same path may start elsewhere.
                let suffix = || {
                    let end = format!("/{path}");
                    tree.entries().any(|(_, entry)| entry.path.ends_with(&end))
                };
                if exists || below.is_some() || (tree.is_dir(top) && !suffix()) {
                    found.push(Named { code, path, exists });
                }
            }
        }
    }
    found
}

/// Where documents call a script of the repository after they took the work tree to a release of the
/// past: the call, and the script.
pub(crate) fn returns<'a>(cx: &Cx<'a>) -> Vec<(&'a Code, &'a Program)> {
    /// How many commands may stand between the two.
    const NEAR: usize = 6;
    let mut found = Vec::new();
    for document in guides(cx) {
        for (at, _) in document.code.iter().enumerate().filter(|(_, code)| goes_back(code)) {
            let heading = document.code[at].heading;
            let after = document.code.iter().skip(at).take(NEAR + 1);
            let after = after.take_while(|code| code.heading == heading);
            let mut called = after.enumerate().filter_map(|(step, code)| {
                // In the line itself only behind the `&&`.
                (step > 0 || code.text.contains("&&")).then_some(())?;
                Some((code, script(cx, document, code)?))
            });
            found.extend(called.next());
        }
    }
    found
}
