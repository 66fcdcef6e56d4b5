//! Secrets that a container gets as files: by which mounts, and what is written about them for
//! whoever runs the service.

use plimsoll_model::Why;
use plimsoll_model::container::{
    Container, EnvValue, EnvVar, Mount, MountKind, Overlay, SecretUse,
};
use plimsoll_model::document::{Document, DocumentKind};
use plimsoll_model::secret::{SecretKind, is_secret_name, literal_secret, names_secret_file};
use plimsoll_source::{EntryKind, FileId, Span, TextRange, Tracking};

use crate::{Cx, ServiceSubject, owner};

/// The most documents that are read for one service.
const MAX_DOCUMENTS: usize = 2000;
/// The longest document that is read.
const MAX_DOCUMENT: usize = 2 * 1024 * 1024;

/// One secret that a container gets as a file or a directory. Mounted in two ways (by the base
/// file and by one that operators add), it is one.
#[derive(Clone, Debug)]
pub(crate) struct Delivered {
    /// What it is called in messages: its path on the host, or its name.
    pub(crate) name: String,
    /// Where the container gets it.
    pub(crate) span: Span,
    /// What texts may call it on the host: a file or directory.
    host: Vec<String>,
    /// Container paths and variables.
    inside: Vec<String>,
    /// Given by a `secrets:` entry or a secret volume, which names it itself.
    pub(crate) entry: bool,
    /// The platform enforces owner and mode.
    pub(crate) enforced: bool,
    /// A mode keeps other users out.
    pub(crate) restricted: bool,
    /// The tracked file that it is, or a tracked secret in the directory that it is.
    pub(crate) tracked: Option<FileId>,
}

/// The secrets that a container gets as files.
pub(crate) fn secrets(cx: &Cx<'_>, container: &Container) -> Vec<Delivered> {
    let of_entry = |used: &SecretUse| Delivered {
        name: used.name.clone(),
        span: used.span,
        host: used.file.iter().map(|file| needle(file)).collect(),
        inside: vec![format!("/run/secrets/{}", used.name)],
        entry: true,
        enforced: used.enforced,
        restricted: used.restricted,
        tracked: used.file.as_deref().and_then(|file| tracked(cx, file)),
    };
    let entries = container.secrets.iter().filter(|used| used.as_file).map(of_entry);
    let mut found: Vec<Delivered> = entries.collect();
    for mount in &container.mounts {
        let tracked = secret_in(cx, mount);
        if !is_secret(mount, tracked) {
            continue;
        }
        let mut inside = vec![mount.target.clone()];
        inside.extend(variables(&container.env, &mount.target));
        found.push(Delivered {
            name: mount.source.clone(),
            span: mount.span,
            host: match mount.tree_path.as_deref() {
                Some(path) => vec![needle(path)],
                None => names(&mount.source),
            },
            inside,
            entry: false,
            enforced: false,
            restricted: false,
            tracked,
        });
    }
    for overlay in &container.optional {
        for delivered in &mut found {
            delivered.learn(overlay);
        }
    }
    found
}

impl Delivered {
    /// Another way to deliver the same secret: to the same path, or to where the same variable
    /// points.
    fn learn(&mut self, overlay: &Overlay) {
        for mount in overlay.mounts.iter().filter(|mount| is_secret(mount, None)) {
            let names: Vec<String> = variables(&overlay.env, &mount.target).collect();
            let same = self.inside.contains(&mount.target)
                || names.iter().any(|name| self.inside.contains(name));
            if same {
                self.host.push(needle(&mount.source));
                self.inside.push(mount.target.clone());
            }
        }
    }

    /// Whether a line names it as it is called on the host.
    pub(crate) fn is_named_in(&self, line: &str) -> bool {
        self.host.iter().any(|name| holds(line, name))
    }

    /// Whether a line names where the container finds it.
    pub(crate) fn is_placed_in(&self, line: &str) -> bool {
        self.inside.iter().any(|name| holds(line, name))
    }
}

/// Whether a bind mount brings a secret: a tracked one lies there, or its name says so.
fn is_secret(mount: &Mount, tracked: Option<FileId>) -> bool {
    mount.kind == MountKind::Bind
        && (tracked.is_some()
            || names_secret_file(&mount.source)
            || names_secret_file(&mount.target))
}

/// The variables whose value is a path or lies below it.
fn variables<'a>(env: &'a [EnvVar], target: &'a str) -> impl Iterator<Item = String> + 'a {
    env.iter().filter_map(move |var| {
        let value = match &var.value {
            EnvValue::Literal(text) => text,
            EnvValue::Interpolated { value, .. } => value.as_ref()?,
            _ => return None,
        };
        let rest = value.strip_prefix(target.trim_end_matches('/'))?;
        (rest.is_empty() || rest.starts_with('/')).then(|| var.name.clone())
    })
}

/// The secret that git tracks at a mount's source or below it. A mount of the sources themselves
/// is none of secrets.
pub(crate) fn secret_in(cx: &Cx<'_>, mount: &Mount) -> Option<FileId> {
    let path = mount.tree_path.as_deref().filter(|_| mount.kind == MountKind::Bind)?;
    let tree = &cx.delivery.tree;
    let all = &cx.delivery.secrets.files;
    let at = all.binary_search_by(|secret| tree.path(secret.file).cmp(path));
    let own = at.ok().and_then(|at| all.get(at));
    let holds_code = || {
        let services = &cx.delivery.services;
        services.binary_search_by(|service| (*service.dir).cmp(path)).is_ok()
            || !owner::below(services, path, |service, end| &*service.dir < end).is_empty()
    };
    let below = match path {
        "" => &[],
        _ => owner::below(all, path, |secret, end| tree.path(secret.file) < end),
    };
    let below = if below.is_empty() || holds_code() { &[] } else { below };
    let secrets = own.into_iter().chain(below).filter(|s| s.kind != SecretKind::Example);
    secrets.map(|secret| secret.file).find(|&file| tree.entry(file).tracking == Tracking::Tracked)
}

/// The tracked plain file at a path.
pub(crate) fn tracked(cx: &Cx<'_>, path: &str) -> Option<FileId> {
    let file = cx.delivery.tree.find(path)?;
    let entry = cx.delivery.tree.entry(file);
    let plain = matches!(entry.kind, EntryKind::File { .. }) && entry.len > 0;
    (plain && entry.tracking == Tracking::Tracked).then_some(file)
}

/// What a text would call a path: its last part, with its directory or a slash where that is a word
/// that could be anything.
fn needle(path: &str) -> String {
    let path = path.trim_end_matches('/');
    let (dir, last) = path.rsplit_once('/').unwrap_or(("", path));
    if last.contains(['.', '-', '_']) && last.len() > 4 {
        return last.to_owned();
    }
    match dir.rsplit('/').next().filter(|dir| !dir.is_empty() && !matches!(*dir, "." | ".." | "~"))
    {
        Some(dir) => format!("{dir}/{last}"),
        None => format!("{last}/"),
    }
}

/// What texts may call a source: its path, or the variables that hold it and their defaults.
fn names(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in source.split("${").skip(1) {
        let inner = part.split('}').next().unwrap_or(part);
        let end = inner.find([':', '-', '?', '+']).unwrap_or(inner.len());
        let (name, rest) = inner.split_at(end);
        found.push(name.to_owned());
        let default = rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-'));
        found.extend(default.filter(|default| !default.is_empty()).map(needle));
    }
    found.push(needle(source));
    found
}

/// Whether a line holds a name that no longer name swallows.
fn holds(line: &str, name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    !name.is_empty()
        && line.match_indices(name).any(|(at, _)| {
            let before = line.get(..at).and_then(|text| text.chars().next_back());
            let after = line.get(at + name.len()..).and_then(|text| text.chars().next());
            !before.is_some_and(part) && (name.ends_with('/') || !after.is_some_and(part))
        })
}

/// A text for whoever runs the service, line by line.
pub(crate) struct Text {
    /// Its lines with their places.
    pub(crate) lines: Vec<(Span, String)>,
    /// It is a comment of the file that mounts the secret, and shows the container's path itself.
    pub(crate) comment: bool,
    /// It reports on the code (an audit, notes), and tells no one what to do.
    pub(crate) report: bool,
}

/// The comments about a container, joined where they follow each other, those of files that an
/// operator may add included.
pub(crate) fn comments(cx: &Cx<'_>, container: &Container) -> Vec<Text> {
    let overlays = container.optional.iter().flat_map(|overlay| &overlay.comments);
    let mut texts: Vec<Text> = Vec::new();
    let mut seen: Vec<Span> = Vec::new();
    for &span in container.comments.iter().chain(overlays) {
        if seen.contains(&span) {
            continue;
        }
        seen.push(span);
        let Ok(bytes) = cx.delivery.tree.read(span.file) else { continue };
        let line = String::from_utf8_lossy(span.range.slice(&bytes)).into_owned();
        let follows = |text: &&mut Text| {
            text.lines.last().is_some_and(|(last, _)| {
                let gap = TextRange::new(last.range.end, span.range.start).slice(&bytes);
                last.file == span.file
                    && last.range.end <= span.range.start
                    && gap.trim_ascii().is_empty()
            })
        };
        match texts.last_mut().filter(follows) {
            Some(text) => text.lines.push((span, line)),
            None => texts.push(Text { lines: vec![(span, line)], comment: true, report: false }),
        }
    }
    texts
}

/// The documents of a service: below its directory, or about it and of no other service.
pub(crate) fn documents(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Vec<Text> {
    let below = |dir: &str, path: &str| {
        !dir.is_empty() && path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
    };
    let dir = &service.service.dir;
    let services = &cx.delivery.services;
    let mine = |path: &str| {
        let above = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        let mut others = above.filter(|other| **other != **dir && !below(other, dir));
        let is_service = |other| services.binary_search_by(|s| (*s.dir).cmp(other)).is_ok();
        below(dir, path) || !others.any(is_service)
    };
    let named = service.service.documents.iter().map(|&id| &cx.delivery[id]);
    // What lies at the root of a repository of one service is about it.
    let all = cx.delivery.documents.iter().filter(|_| dir.is_empty());
    let of = |document: &Document| (document.file, document.kind != DocumentKind::Guide);
    let mut files: Vec<(FileId, bool)> = named.chain(all).map(of).collect();
    files.sort_unstable();
    files.dedup_by_key(|(file, _)| *file);
    let files = files.into_iter().filter(|(file, _)| mine(cx.path(*file))).take(MAX_DOCUMENTS);
    files.filter_map(|(file, report)| Some(Text { report, ..text(cx, file)? })).collect()
}

/// The examples of settings beside a service and at the root.
pub(crate) fn examples(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Vec<Text> {
    let dir = &service.service.dir;
    let names = [".env.example", ".env.sample", ".env.template", "env.example"];
    let mut paths: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    if !dir.is_empty() {
        paths.extend(names.iter().map(|name| format!("{dir}/{name}")));
    }
    let files = paths.iter().filter_map(|path| cx.delivery.tree.find(path));
    files.filter_map(|file| text(cx, file)).collect()
}

fn text(cx: &Cx<'_>, file: FileId) -> Option<Text> {
    let bytes = cx.delivery.tree.read(file).ok().filter(|bytes| bytes.len() <= MAX_DOCUMENT)?;
    let mut lines = Vec::new();
    let mut at = 0;
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        let end = at + line.trim_ascii_end().len();
        let span = Span::new(file, TextRange::of(at, end));
        lines.push((span, String::from_utf8_lossy(line.trim_ascii_end()).into_owned()));
        at += line.len();
    }
    Some(Text { lines, comment: false, report: false })
}

/// The secrets that a container gets as environment variables: their names (empty for a whole
/// Secret of Kubernetes) and places.
pub(crate) fn as_variables(container: &Container) -> Vec<(String, Span)> {
    let mut found: Vec<(String, Span)> = Vec::new();
    for var in &container.env {
        let secret = match &var.value {
            EnvValue::Literal(text) => literal_secret(&var.name, text).is_some(),
            EnvValue::Interpolated { text, refs, .. } => {
                is_secret_name(&var.name) && !names_secret_file(text)
                    || refs.iter().any(|(name, _)| is_secret_name(name))
                    || literal_secret("", text).is_some()
            }
            EnvValue::Secret => true,
            EnvValue::Elsewhere | EnvValue::Caller => is_secret_name(&var.name),
        };
        if secret {
            found.push((var.name.clone(), var.span));
        }
    }
    let whole = container.secrets.iter().filter(|used| !used.as_file);
    for used in whole.filter(|used| !container.env.iter().any(|var| var.span == used.span)) {
        found.push((String::new(), used.span));
    }
    for (name, at, _) in from_files(container) {
        if is_secret_name(name) && !found.iter().any(|(known, _)| known == name) {
            found.push((name.to_owned(), at));
        }
    }
    found
}

/// A file of variables that is not in the tree, whose variables no one knows.
pub(crate) fn unread_variables(container: &Container) -> Option<(Why, Span)> {
    let is_file = |at: Span| container.env_files.iter().any(|(_, own)| *own == at);
    let mut files = container.given.iter().filter(|given| is_file(given.at));
    files.find_map(|given| Some((given.variables.unknown()?.0, given.at)))
}

/// The variables that a container takes whole from files and ConfigMaps: name, the place in the
/// descriptor, the value where it is known. Later ones win; what the descriptor itself says wins
/// over them.
pub(crate) fn from_files(
    container: &Container,
) -> impl DoubleEndedIterator<Item = (&str, Span, Option<&str>)> {
    let whole = container.given.iter().filter(|given| !given.single);
    whole.flat_map(|given| {
        let vars = given.variables.known().map(|vars| &**vars).unwrap_or_default();
        vars.iter().map(|var| (&*var.name, given.at, var.value.as_deref()))
    })
}
