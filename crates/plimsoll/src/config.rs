//! `plimsoll.toml`: found from the audited directory upwards and below it, read, and explained when
//! it is wrong; and the tree that it leaves.

use std::path::Path;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use plimsoll_audit::{CONFIG_NAME, Policy, PolicyError};
use plimsoll_source::{OpenOptions, Tracking, Tree};

/// What is asked of a tree, on the command line.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// The revision, else what is on disk.
    pub(crate) revision: Option<&'a str>,
    /// Only what git tracks.
    pub(crate) tracked_only: bool,
    /// Whether errors are coloured.
    pub(crate) color: bool,
}

/// The tree at `root` and the policy that holds for it. Both come from the revision, where one is
/// asked for.
pub(crate) fn open(root: &Path, ask: Ask<'_>) -> Result<(Tree, Policy), String> {
    let plain = |error: plimsoll_source::OpenError| format!("error: {error}");
    if !root.is_dir() {
        let name = root.display().to_string();
        let name = name.escape_debug();
        return Err(if root.exists() {
            format!(
                "error: {name}: this is a file: name the directory that it is to be judged with"
            )
        } else {
            format!("error: {name}: there is no such directory")
        });
    }
    let (top, way) = plimsoll_source::work_tree_of(root).map_err(plain)?;
    // The configurations of a revision may lie above the audited directory.
    let all = ask.revision.map(|revision| {
        plimsoll_source::open_revision(&top, revision, &OpenOptions::default()).map_err(plain)
    });
    let all = all.transpose()?;
    let read = |path: &str| match &all {
        Some(tree) => match tree.find(path) {
            None => Ok(None),
            Some(file) => match tree.read(file) {
                Ok(bytes) => text(&bytes).map(Some),
                Err(_) => Err("it is no file of this revision".to_owned()),
            },
        },
        None => read(&top, path),
    };
    let load = |nested: &[String]| {
        Policy::load(&way, nested, &read).map_err(|wrong| {
            let errors = wrong.iter().flat_map(|w| w.errors.iter().map(move |e| (w, e)));
            let shown: Vec<String> =
                errors.map(|(w, e)| explain(&w.file, &w.text, e, ask.color)).collect();
            shown.join("\n\n")
        })
    };
    let list = |policy: &Policy| {
        let options = options(policy, ask.tracked_only);
        match ask.revision {
            Some(revision) => plimsoll_source::open_revision(root, revision, &options),
            None => plimsoll_source::open(root, &options),
        }
        .map_err(plain)
    };
    let policy = load(&[])?;
    let tree = list(&policy)?;
    let nested: Vec<String> = tree
        .entries()
        .filter(|(_, entry)| entry.tracking != Tracking::Ignored)
        .filter_map(|(_, entry)| entry.path.strip_suffix(CONFIG_NAME)?.strip_suffix('/'))
        .map(str::to_owned)
        .collect();
    if nested.is_empty() {
        return Ok((tree, policy));
    }
    // A configuration further down may leave more out.
    let all = load(&nested)?;
    let tree = if all.exclude() == policy.exclude() { tree } else { list(&all)? };
    Ok((tree, all))
}

/// How the tree is listed by a policy.
pub(crate) fn options(policy: &Policy, tracked_only: bool) -> OpenOptions {
    let (exclude, exclude_above) = policy.exclude();
    OpenOptions { tracked_only, exclude, exclude_above, is_root: policy.is_root() }
}

/// A configuration on disk. A link that leads out of the work tree is none: what it says comes from
/// elsewhere, and its text, of which errors show lines, may be nobody's business.
fn read(top: &Path, path: &str) -> Result<Option<String>, String> {
    let file = top.join(path);
    match std::fs::symlink_metadata(&file) {
        Ok(found) if found.is_dir() => return Err("it is a directory".to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    }
    let real = file.canonicalize().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "it is a link to nothing".to_owned(),
        _ => error.to_string(),
    })?;
    let top = top.canonicalize().map_err(|error| error.to_string())?;
    if !real.starts_with(&top) {
        return Err("it is a link that leaves the work tree".to_owned());
    }
    text(&std::fs::read(&real).map_err(|error| error.to_string())?).map(Some)
}

fn text(bytes: &[u8]) -> Result<String, String> {
    str::from_utf8(bytes).map(str::to_owned).map_err(|_| "it is not UTF-8".to_owned())
}

/// An error with the lines that it stands on.
pub(crate) fn explain(path: &str, text: &str, error: &PolicyError, color: bool) -> String {
    let end = error.range.end.min(text.len());
    let range = error.range.start.min(end)..end;
    let path = path.escape_debug().to_string();
    let snippet = Snippet::source(text).path(path).annotation(AnnotationKind::Primary.span(range));
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut group = Level::ERROR.primary_title(&*error.message).element(snippet);
    if let Some(help) = &error.help {
        group = group.element(Level::HELP.message(&**help));
    }
    renderer.render(&[group]).to_string()
}
