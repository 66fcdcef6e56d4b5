//! # The builder reads an ignore file that keeps secrets out
//!
//! The builder reads one ignore file: `<Dockerfile>.dockerignore` beside the Dockerfile or, without
//! one, `.dockerignore` at the root of the build context. There is one, and it keeps out `.git`,
//! `.env` and `.env.*`, keys or credentials and, where a Node package is in the context,
//! `node_modules`: at any depth, so with `**/`.
//!
//! Without it a COPY of a directory brings whatever lies there: the history, local settings, keys,
//! and modules built for another machine. An ignore file anywhere else is never read, though it
//! looks as if it were.
//!
//! Write it where the builder looks: the context is what `build:` in a compose file or the last
//! argument of `docker build` says, not the Dockerfile's directory.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build:
//!       context: . # <- the context is `.`
//!       dockerfile: api/Dockerfile
//! ```
//! `api/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY api /app # <- copies from a context without an ignore file
//! CMD ["node", "/app/main.js"]
//! ```
//! `api/.dockerignore`:
//! ```text
//! **/.env # <- never read
//! **/.env.*
//! **/*.pem
//! .git
//! ```
//!
//! An example of settings lies in the context:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! COPY . /app # <- copies from a context without an ignore file
//! CMD ["python", "/app/main.py"]
//! ```
//! `.env.example`:
//! ```sh
//! PORT=3000
//! ```
//!
//! ## Fixed
//!
//! `.dockerignore`:
//! ```text
//! .git # <- keeps `.git` out
//! **/.env # <- keeps `.env` out
//! **/.env.* # <- keeps `.env.*` out
//! !**/.env.example
//! **/*.pem # <- keeps keys out
//! **/*.key
//! ```
//!
//! Or:
//!
//! `.dockerignore`:
//! ```text
//! .git
//! **/.env
//! **/.env.*
//! **/*.pem
//! **/*.key
//! ```
//!
//! ## Passes
//!
//! The Dockerfile's own is read in place of the context's; an allow-list keeps out what it does not
//! name:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26
//! COPY go.mod main.go /src/
//! RUN go build -o /app /src
//! CMD ["/app"]
//! ```
//! `Dockerfile.dockerignore`:
//! ```text
//! ** # <- keeps `.env` out
//! !go.mod
//! !main.go
//! ```
//! `go.mod`:
//! ```text
//! module example.test/app
//! ```
//! `main.go`:
//! ```go
//! package main
//! ```
//!
//! ## Partial
//!
//! A pattern without `**/` matches at the context's root only:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! COPY . /app
//! CMD ["python", "/app/main.py"]
//! ```
//! `.dockerignore`:
//! ```text
//! .git
//! .env # <- at the context's root only
//! .env.*
//! **/*.key
//! ```
//!
//! ## Cannot tell
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   image:
//!     runs-on: ubuntu-24.04
//!     steps:
//!       - uses: actions/checkout@v5
//!       - run: docker build --file Dockerfile "$SOURCE"
//! ```
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY . /app
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM nginx:1.29-alpine
//! EXPOSE 8080
//! ```
//!
//! ## See also
//!
//! - `secrets/none-in-build-context`: what a COPY brings that should not be there.

use plimsoll_model::image::{Effect, EffectKind, Ignore};
use plimsoll_model::mend::ignore;
use plimsoll_model::secret::SecretKind;
use plimsoll_source::{Create, FileId, Patch, Tracking};
use plimsoll_syntax::ignorefile::{IgnoreFile, glob_match};

use crate::conditions::COPIES_FROM_CONTEXT;
use crate::context::{context_copies, in_context};
use crate::ignored::{Kept, excluded, judge_classes};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, ImageSubject, Part, Relation,
    Run, Safety, Section, Severity, Status, Verdict, Why, mending,
};

pub(super) static CHECK: Check = Check {
    id: "build/effective-dockerignore",
    section: Section::BuildSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "droast", rule: "DF033", relation: Relation::Narrower }],
    }],
    when: &[&COPIES_FROM_CONTEXT],
    source: include_str!("effective_dockerignore.rs"),
    run: Run::EachImage(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    let place = context_copies(image.image).next().map(|(_, span, _)| span);
    let place = place.unwrap_or_else(|| cx.start_of(image.file));
    match &image.ignore {
        Ignore::Effective { file, patterns } => judge(cx, image, *file, patterns),
        Ignore::None { looked, .. }
            if looked.iter().any(|p| cx.delivery.tree.unlisted(p).is_some()) =>
        {
            let evidence =
                Evidence::context(place, "where an ignore file would stand is not listed");
            Verdict::unknown(Why::Unreadable, "the tree does not list the context's root", evidence)
        }
        Ignore::None { looked, unread } => {
            let mut copies = context_copies(image.image).map(|(_, span, _)| {
                Evidence::contradicts(span, "copies from a context without an ignore file")
            });
            let Some(first) = copies.next() else { return cx.unparsed(image) };
            let message = match unread {
                Some(_) => {
                    "the ignore file beside the Dockerfile is not read: move it to the context's root"
                }
                None => "the builder finds no ignore file: write one at the context's root",
            };
            let context = image.context.known().filter(|c| !c.is_empty()).map_or(".", |c| c);
            let builds = image
                .builds
                .iter()
                .map(|build| Evidence::context(build.span, format!("the context is `{context}`")));
            let missing = looked.iter().rev();
            Verdict::fail(message, first)
                .and_all(missing.map(|p| Evidence::missing_file(p, "the builder looks here")))
                .and_all(builds)
                .and_all(unread.map(|file| Evidence::context(cx.start_of(file), "never read")))
                .and_all(copies)
        }
        Ignore::Unknown => {
            let (why, at) = image.context.unknown().unwrap_or((Why::Unreadable, None));
            let evidence = Evidence::context(at.unwrap_or(place), why.decide());
            Verdict::unknown(why, "which ignore file the builder reads is not known", evidence)
        }
    }
}

fn judge(cx: &Cx<'_>, image: ImageSubject<'_>, file: FileId, patterns: &IgnoreFile) -> Verdict {
    let (mut missed, mut lost, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for (name, found) in judge_classes(cx, image, patterns) {
        match found {
            Kept::Anywhere(spans) => {
                let says = |span| Evidence::shows(span, format!("keeps {name} out"));
                kept.extend(spans.into_iter().map(says));
                continue;
            }
            Kept::AtRoot(span) => lost.push(Evidence::contradicts(
                span,
                format!("keeps {name} out at the context's root only"),
            )),
            Kept::Not => lost
                .push(Evidence::missing_in(cx.start_of(file), format!("nothing keeps {name} out"))),
        }
        missed.push(name);
    }
    // A secret that lies in the context counts more than any pattern.
    let secrets = cx.delivery.secrets.files.iter().filter(|s| s.kind != SecretKind::Example);
    for secret in secrets {
        let path = cx.path(secret.file);
        if in_context(image.image, path).is_some_and(|inside| excluded(patterns, inside).is_none())
        {
            missed.push("a secret file");
            lost.push(Evidence::contradicts(secret.span, format!("nothing keeps `{path}` out")));
            break;
        }
    }
    kept.sort_by_key(|evidence: &Evidence| evidence.says.to_string());
    kept.dedup_by(|a, b| a.place == b.place && a.says == b.says);
    let mut lost = lost.into_iter();
    match (lost.next(), kept.is_empty()) {
        (Some(first), _) => {
            let message =
                format!("the ignore file does not keep out, at any depth: {}", missed.join(", "));
            Verdict::partial(message, first).and_all(lost)
        }
        (None, false) => {
            let first = kept.remove(0);
            Verdict::pass("the builder reads an ignore file that keeps secrets out", first)
                .and_all(kept)
        }
        (None, true) => cx.unparsed(image),
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let subjects = service.images.iter().map(|&id| ImageSubject {
        id,
        image: &cx.delivery[id],
        service: Some(service),
    });
    let mut patch = Patch::default();
    let mut safety = Safety::Safe;
    let mut shown = None;
    for image in subjects.clone() {
        let lines = lacking(cx, image);
        let lines: Vec<&str> = lines.iter().map(|line| &**line).collect();
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let path = match &image.ignore {
            _ if lines.is_empty() => continue,
            Ignore::Effective { file, .. } => {
                patch.edits.extend(ignore::append(&cx.delivery.tree, *file, &lines));
                cx.path(*file).to_owned()
            }
            Ignore::None { looked, .. } => {
                let path = looked.last()?.clone();
                let bytes = text.clone().into_bytes();
                let create = Create { path: path.clone(), bytes, executable: false };
                if !patch.create.iter().any(|other| other.path == create.path) {
                    patch.create.push(create);
                }
                path
            }
            Ignore::Unknown => continue,
        };
        let examples = has_example(cx, image) && !lines.contains(&"!**/.env.example");
        if examples || may_be_missed(cx, image) {
            safety = Safety::Review;
        }
        shown = shown.or_else(|| mending::snippet(&path, "text", text));
    }
    shown.as_ref()?;
    Some(Fix {
        does: "keep the history, settings, keys and local modules out of the build context".into(),
        safety,
        snippet: shown,
        patch: Some(patch),
    })
}

/// The patterns that the ignore file lacks, or a whole one.
fn lacking(cx: &Cx<'_>, image: ImageSubject<'_>) -> Vec<String> {
    let none = IgnoreFile::default();
    let patterns = match &image.ignore {
        Ignore::Effective { patterns, .. } => patterns,
        _ => &none,
    };
    let mut lines = Vec::new();
    for (name, kept) in judge_classes(cx, image, patterns) {
        if matches!(kept, Kept::Anywhere(_)) {
            continue;
        }
        let add: &[&str] = match name {
            "`.git`" => &[".git"],
            "`.env`" => &["**/.env"],
            // What is kept out already stays out.
            "`.env.*`" if excluded(patterns, ".env.example").is_some() => &["**/.env.*"],
            // An example that lies there is copied for nothing, unless a COPY asks for it.
            "`.env.*`" if has_example(cx, image) && !wants_example(cx, image) => &["**/.env.*"],
            "`.env.*`" => &["**/.env.*", "!**/.env.example"],
            "keys" => &["**/*.pem", "**/*.key"],
            _ => &["**/node_modules"],
        };
        lines.extend(add.iter().map(|line| (*line).to_owned()));
    }
    // Secrets that lie there: their kind, where their names say it, else themselves.
    let secrets = cx.delivery.secrets.files.iter().filter(|s| s.kind != SecretKind::Example);
    for secret in secrets {
        let Some(path) = in_context(image.image, cx.path(secret.file)) else { continue };
        let name = path.rsplit('/').next().unwrap_or(path);
        let covers = |line: &String| {
            let pattern = line.strip_prefix("**/").unwrap_or(line);
            line == path || line.starts_with("**/") && glob_match(pattern, name) == Some(true)
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
        if excluded(patterns, path).is_some()
            || lines.iter().any(covers)
            || !path.chars().all(plain)
        {
            continue;
        }
        let kind = ["wallet", "keypair"].into_iter().find(|kind| name.contains(kind));
        lines.push(match kind.filter(|_| name.ends_with(".json")) {
            Some(kind) => format!("**/*{kind}*.json"),
            None => path.to_owned(),
        });
    }
    // What is brought back is meant.
    let back = |line: &str| patterns.patterns.iter().any(|p| p.negated && p.text == line);
    lines.retain(|line| !back(line.trim_start_matches("**/")));
    // What a COPY names is wanted.
    let wanted: Vec<&str> = context_copies(image.image)
        .flat_map(|(_, _, copy)| copy.sources.iter().map(|source| &*source.path))
        .collect();
    lines.retain(|line| {
        let name = line.trim_start_matches("**/");
        let is_it = |path: &&str| {
            path.trim_end_matches('/').rsplit('/').next() == Some(name)
                || path.split('/').any(|part| part == name)
        };
        line.starts_with('!') || !wanted.iter().any(is_it)
    });
    lines
}

/// Whether an `.env.example` lies in the context.
fn has_example(cx: &Cx<'_>, image: ImageSubject<'_>) -> bool {
    let mut examples = cx.delivery.secrets.files.iter().map(|secret| cx.path(secret.file));
    examples.any(|path| path.ends_with(".env.example") && in_context(image.image, path).is_some())
}

/// Whether an image that is built from the same context names one in a COPY.
fn wants_example(cx: &Cx<'_>, image: ImageSubject<'_>) -> bool {
    let same = cx.delivery.images.iter().filter(|one| one.context.known() == image.context.known());
    same.flat_map(context_copies)
        .flat_map(|(_, _, copy)| &*copy.sources)
        .any(|source| source.path.ends_with(".env.example"))
}

/// Whether a build may miss what is kept out: files of the repository that it copied until now, or
/// the history, which a RUN asks git for.
fn may_be_missed(cx: &Cx<'_>, image: ImageSubject<'_>) -> bool {
    let ends = [".pem", ".key"];
    let kept = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        name == ".env"
            || name.starts_with(".env.") && name != ".env.example"
            || ends.iter().any(|end| name.ends_with(end))
            || name.ends_with(".json") && (name.contains("wallet") || name.contains("keypair"))
            || path.split('/').any(|part| part == "node_modules")
    };
    let context = image.context.known().map_or("", |context| context);
    let tree = &cx.delivery.tree;
    let tracked = |file| tree.entry(file).tracking != Tracking::Ignored;
    let has_some = || tree.under(context).any(|file| tracked(file) && kept(cx.path(file)));
    let asks_git = image.stages_built().into_iter().any(|stage| {
        let words = |effect: &Effect| match &effect.kind {
            EffectKind::Other(words) | EffectKind::Build { words } => {
                words.first().is_some_and(|word| word == "git")
            }
            _ => false,
        };
        image.effects(stage).iter().any(|(_, effect)| words(effect))
    });
    asks_git || mending::of_context(cx, context, has_some)
}
