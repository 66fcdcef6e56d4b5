//! What a build brings out of its context: which COPY reaches a file, and what keeps it out.

use plimsoll_model::image::{Copy, Effect, EffectKind, Ignore, Image, StepKind};
use plimsoll_model::secret::{LiteralKind, has_sign, literal_secret};
use plimsoll_source::{Span, TextRange, Tree};
use plimsoll_syntax::ignorefile::glob_match;

use crate::conditions::reads_context;

/// The COPYs and ADDs of the stages that are built that read the context: stage, place, itself.
pub(crate) fn context_copies(image: &Image) -> impl Iterator<Item = (usize, Span, &Copy)> {
    image.stages_built().into_iter().flat_map(move |index| {
        let steps = image.stages.get(index).into_iter().flat_map(|stage| &stage.steps);
        steps.filter_map(move |step| match &step.kind {
            StepKind::Copy(copy) if reads_context(copy) => Some((index, step.span, &**copy)),
            _ => None,
        })
    })
}

/// A path of the tree as the context has it; `None` outside of it, or where none is known.
pub(crate) fn in_context<'p>(image: &Image, path: &'p str) -> Option<&'p str> {
    match &**image.context.known()? {
        "" => Some(path),
        context => path.strip_prefix(context)?.strip_prefix('/'),
    }
}

/// The same where it is certain: all that is copied from the context is there. One that lacks some may
/// be another, and lie above the tree, whoever names it.
pub(crate) fn surely_in_context<'p>(tree: &Tree, image: &Image, path: &'p str) -> Option<&'p str> {
    let dir = image.context.known()?;
    let there = |path: &str| {
        let joined = if dir.is_empty() { path.to_owned() } else { format!("{dir}/{path}") };
        plimsoll_source::normalize_path(&joined)
            .is_some_and(|path| tree.find(&path).is_some() || tree.is_dir(&path))
    };
    let mut sources = context_copies(image).flat_map(|(.., copy)| &copy.sources);
    let certain = sources.all(|source| {
        let path = source.path.trim_start_matches('/').trim_end_matches('/');
        source.remote || source.dynamic || path.contains(['*', '?', '[']) || there(path)
    });
    in_context(image, path).filter(|_| certain)
}

/// What happens to a file of the context.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    /// The COPYs that bring it: stage and place.
    pub(crate) by: Vec<(usize, Span)>,
    /// Those whose sources depend on a variable.
    pub(crate) perhaps: Vec<Span>,
    /// The pattern of the ignore file that keeps it from a COPY that would bring it.
    pub(crate) kept: Option<Span>,
}

/// Which COPY brings a file, whose path is relative to the context.
pub(crate) fn reach(image: &Image, path: &str) -> Reach {
    let mut found = Reach::default();
    for (stage, span, copy) in context_copies(image) {
        if brings(copy, path) {
            found.by.push((stage, span));
        } else if copy.sources.iter().any(|source| source.dynamic) {
            found.perhaps.push(span);
        }
    }
    if let Ignore::Effective { patterns, .. } = &image.ignore
        && let Some(pattern) = patterns.deciding(path).filter(|pattern| !pattern.negated)
    {
        let wanted = !found.by.is_empty();
        return Reach { kept: wanted.then_some(pattern.span), ..Reach::default() };
    }
    found
}

fn brings(copy: &Copy, path: &str) -> bool {
    copy.sources.iter().filter(|source| !source.remote && !source.dynamic).any(|source| {
        let Some(source) = plimsoll_source::normalize_path(source.path.trim_start_matches('/'))
        else {
            return false;
        };
        below(&source, path).is_some_and(|rest| !copy.exclude.iter().any(|e| excludes(e, rest)))
    })
}

/// What lies below a COPY source of a path: the builder's globs match part by part.
fn below<'p>(source: &str, path: &'p str) -> Option<&'p str> {
    if source.is_empty() {
        return Some(path);
    }
    let parts = source.split('/').count();
    let end = path.match_indices('/').nth(parts - 1).map_or(path.len(), |(at, _)| at);
    let (head, rest) = path.split_at_checked(end)?;
    (source == head || glob_match(source, head) == Some(true))
        .then_some(rest.strip_prefix('/').unwrap_or(rest))
}

/// Whether an `--exclude` keeps a path (relative to the source) out, or a directory around it.
fn excludes(pattern: &str, path: &str) -> bool {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    ends.filter_map(|end| path.get(..end)).any(|head| glob_match(pattern, head) == Some(true))
}

/// Whether a command compiles the sources beside it: what prepares the assets of an interpreted
/// language leaves sources that run.
pub(crate) fn compiles(effect: &Effect) -> bool {
    let EffectKind::Build { words } = &effect.kind else { return false };
    let program = words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
    !matches!(program, "rails" | "rake" | "bundle" | "php" | "python" | "python3" | "django-admin")
}

/// The last build of a stage that compiles: its place among the stage's effects, and the directory it runs in.
pub(crate) fn last_build(image: &Image, stage: usize) -> Option<(usize, &str)> {
    let effects = image.effects(stage);
    let at = effects.iter().rposition(|(_, effect)| compiles(effect))?;
    effects.get(at).map(|&(_, effect)| (at, &*effect.workdir))
}

/// Whether a path of an image (`/app`, `/app/.`, `/app/*`) is another, or a directory around it.
pub(crate) fn covers(path: &str, other: &str) -> bool {
    let path = path.trim_end_matches('*').trim_end_matches('.').trim_matches('/');
    let rest = other.trim_matches('/').strip_prefix(path);
    rest.is_some_and(|rest| path.is_empty() || rest.is_empty() || rest.starts_with('/'))
}

/// The secrets that the RUNs of an image spell out.
pub(crate) fn spelled(image: &Image) -> Vec<Span> {
    let steps = image.stages.iter().flat_map(|stage| &stage.steps);
    let runs = steps.filter_map(|step| match &step.kind {
        StepKind::Run(run) => Some(run),
        _ => None,
    });
    let mut found = Vec::new();
    for run in runs {
        let bytes = run.text.text();
        let by_form = has_sign(bytes);
        let mut at = 0;
        for word in bytes.split(|b| b.is_ascii_whitespace() || b";&|()".contains(b)) {
            let start = at;
            at += word.len() + 1;
            if !by_form && !word.contains(&b'=') {
                continue;
            }
            let Ok(text) = std::str::from_utf8(word) else { continue };
            let (name, value) = text.split_once('=').unwrap_or(("", text));
            let value = value.trim_matches(['"', '\'']);
            let literal = literal_secret(name.trim_start_matches(['-', '"', '\'']), value);
            if literal.is_some_and(|literal| !is_dummy(literal.kind, value)) {
                found.push(run.text.span(TextRange::of(start, start + word.len())));
            }
        }
    }
    found
}

/// `build-key`, `temporary_secret`: plain words, one of which says that it is for the build.
fn is_for_the_build(value: &str) -> bool {
    const BUILD: [&str; 8] =
        ["build", "temp", "temporary", "tmp", "collectstatic", "insecure", "notreal", "none"];
    const WORDS: [&str; 10] =
        ["key", "secret", "token", "password", "django", "only", "for", "time", "static", "not"];
    let mut words = value.split(['-', '_', ' ']);
    words.clone().any(|word| BUILD.contains(&word))
        && words.all(|word| BUILD.contains(&word) || WORDS.contains(&word))
}

/// Whether a value only fills a place while the image is built: `SECRET_KEY_BASE=dummy`, the
/// password of a database on the builder itself.
fn is_dummy(kind: LiteralKind, value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let fills = ["dummy", "fake", "placeholder", "unused", "notused", "not-used", "build-time"];
    match kind {
        LiteralKind::Form(_) => false,
        LiteralKind::UrlPassword => {
            ["@localhost", "@127.0.0.1"].iter().chain(&fills).any(|word| lower.contains(word))
        }
        LiteralKind::Named => {
            value.starts_with(['$', '`'])
                || fills.iter().any(|word| lower.contains(word))
                || matches!(&*lower, "test" | "build" | "x" | "ignored" | "secret")
                || is_for_the_build(&lower)
        }
    }
}
