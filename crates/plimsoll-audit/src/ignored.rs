//! What an ignore file keeps out of a build context, and at which depth.

use plimsoll_model::package::Package;
use plimsoll_source::Span;
use plimsoll_syntax::ignorefile::IgnoreFile;

use crate::{Cx, ImageSubject, owner};

/// What is to be kept out: what to call it, and files that show whether it is. All of them, or
/// one, must be kept out.
struct Class {
    name: &'static str,
    probes: &'static [&'static str],
    all: bool,
    /// Only at the context's root.
    at_root: bool,
}

const NODE_MODULES: &str = "`node_modules`";

const CLASSES: [Class; 5] = [
    Class { name: "`.git`", probes: &[".git/HEAD"], all: true, at_root: true },
    Class { name: "`.env`", probes: &[".env"], all: true, at_root: false },
    Class {
        name: "`.env.*`",
        probes: &[".env.local", ".env.production"],
        all: true,
        at_root: false,
    },
    Class {
        name: "keys",
        probes: &[
            "server.pem",
            "server.key",
            "id_rsa",
            "wallet.json",
            "keypair.json",
            "credentials.json",
        ],
        all: false,
        at_root: false,
    },
    Class { name: NODE_MODULES, probes: &["node_modules/a/index.js"], all: true, at_root: false },
];

/// How a class is kept out.
pub(crate) enum Kept {
    /// At any depth, by these patterns.
    Anywhere(Vec<Span>),
    /// At the context's root only, by this one.
    AtRoot(Span),
    Not,
}

/// What an ignore file keeps out, class by class.
pub(crate) fn judge_classes(
    cx: &Cx<'_>,
    image: ImageSubject<'_>,
    patterns: &IgnoreFile,
) -> Vec<(&'static str, Kept)> {
    // Where to look: the root, somewhere below it, and what an allow-list lets in.
    let dirs: Vec<String> = [String::new(), "a/b/".to_owned()]
        .into_iter()
        .chain(let_in(cx, image, patterns).map(|dir| format!("{dir}/")))
        .collect();
    let is_before = |package: &Package, end: &str| cx.path(package.manifest) < end;
    let has_node = image.context.known().is_some_and(|context| {
        owner::below(&cx.delivery.packages, context, is_before).iter().any(Package::is_node)
    });
    let classes = CLASSES.iter().filter(|class| has_node || class.name != NODE_MODULES);
    classes.map(|class| (class.name, class.kept(patterns, &dirs))).collect()
}

impl Class {
    fn kept(&self, patterns: &IgnoreFile, dirs: &[String]) -> Kept {
        let at = |dir: &str, probe: &str| excluded(patterns, &format!("{dir}{probe}"));
        let dirs = if self.at_root { dirs.get(..1).unwrap_or_default() } else { dirs };
        let deep = |probe: &&str| dirs.iter().map(|dir| at(dir, probe)).collect();
        let found: Vec<Option<Vec<Span>>> = self.probes.iter().map(deep).collect();
        let holds = match self.all {
            true => found.iter().all(Option::is_some),
            false => found.iter().any(Option::is_some),
        };
        match self.probes.iter().find_map(|probe| at("", probe)) {
            _ if holds => Kept::Anywhere(found.into_iter().flatten().flatten().collect()),
            Some(span) => Kept::AtRoot(span),
            None => Kept::Not,
        }
    }
}

/// The pattern that keeps a path out.
pub(crate) fn excluded(patterns: &IgnoreFile, path: &str) -> Option<Span> {
    patterns.deciding(path).filter(|pattern| !pattern.negated).map(|pattern| pattern.span)
}

/// Directories of the context that `!` patterns bring back whole; bounded, for files with thousands.
fn let_in<'a>(
    cx: &'a Cx<'_>,
    image: ImageSubject<'a>,
    patterns: &'a IgnoreFile,
) -> impl Iterator<Item = &'a str> {
    let context = image.image.context.known().map_or("", |context| context);
    let negated = patterns.patterns.iter().filter(|pattern| pattern.negated).take(64);
    negated.map(|pattern| &*pattern.text).filter(move |dir| match context {
        "" => cx.delivery.tree.is_dir(dir),
        context => cx.delivery.tree.is_dir(&format!("{context}/{dir}")),
    })
}
