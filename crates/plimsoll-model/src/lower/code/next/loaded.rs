//! What Next's server loads: pages, layouts, handlers and all that they import, by their text. What
//! their functions do is not followed; what they import and read of the environment is known.

use std::collections::BTreeSet;

use plimsoll_source::{FileId, Span, TextRange};
use plimsoll_syntax::program::{Entry, Exported, ExprId, ExprKind, Key, Module};

use super::super::eval::{Eval, Phase};
use super::super::graph::Target;
use super::super::host;
use super::ENDS;
use crate::Why;
use crate::code::Hides;
use crate::package::{DependencyKind, Package};
use crate::path;

/// Files of `app` that Next loads by their names.
const NAMED: [&str; 19] = [
    "page",
    "layout",
    "template",
    "route",
    "error",
    "global-error",
    "loading",
    "not-found",
    "global-not-found",
    "default",
    "forbidden",
    "unauthorized",
    "sitemap",
    "robots",
    "manifest",
    "opengraph-image",
    "twitter-image",
    "icon",
    "apple-icon",
];
/// Files beside `app` and `pages`, and of the package.
const BESIDE: [&str; 5] =
    ["middleware", "proxy", "instrumentation", "instrumentation-client", "mdx-components"];
const SENTRY: [&str; 3] = ["sentry.server.config", "sentry.edge.config", "sentry.client.config"];
/// What Next brings along, or takes for its own.
const OWN: [&str; 3] = ["server-only", "client-only", "styled-jsx"];
/// What of the configuration makes other files of what is imported.
const OTHERWISE: [&str; 7] =
    ["alias", "pageExtensions", "loader", "rules", "plugins", "entry", "resolve.modules"];
/// Modules that are read for one service.
const MAX_MODULES: usize = 5_000;

/// The files of `app` and `pages` that Next loads by itself, and those beside them.
fn roots(eval: &Eval<'_>, package: &Package, above: &str) -> Vec<FileId> {
    let tree = eval.graph.cx.tree;
    let dir = |name: &str| path::join(&package.dir, &format!("{above}{name}"));
    let mut found = Vec::new();
    for (name, in_app) in [("app", true), ("pages", false)] {
        let Some(root) = dir(name) else { continue };
        for file in tree.under(&root) {
            let name = path::name(tree.path(file));
            let Some(stem) = ENDS.iter().find_map(|end| name.strip_suffix(end)) else { continue };
            let test = [".d", ".test", ".spec", ".stories"].iter().any(|end| stem.ends_with(end));
            // `icon1.tsx`
            let own = stem.trim_end_matches(|c: char| c.is_ascii_digit());
            if !test && (!in_app || NAMED.contains(&own)) {
                found.push(file);
            }
        }
    }
    let sentry = SENTRY.iter().flat_map(|name| ENDS.iter().map(move |end| format!("{name}{end}")));
    found.extend(sentry.filter_map(|name| tree.find(&path::join(&package.dir, &name)?)));
    let beside = BESIDE.iter().flat_map(|name| ENDS.iter().map(move |end| format!("{name}{end}")));
    found.extend(beside.filter_map(|name| tree.find(&dir(&name)?)));
    found
}

impl Eval<'_> {
    /// Reads what Next's server loads, and notes what it imports and reads.
    pub(super) fn next_loads(
        &mut self,
        package: &Package,
        above: &str,
        config: Option<(FileId, &str)>,
        start: Span,
    ) {
        let mut todo = roots(self, package, above);
        // What of its configuration is built in is not read when it starts.
        if let Some((file, text)) = config {
            todo.extend((!text.contains("standalone")).then_some(file));
            if OTHERWISE.iter().any(|word| text.contains(word)) {
                let at = Span::new(file, TextRange::new(0, 0));
                self.gap(Why::Unsupported, at, Hides::Deeds);
            }
        }
        let mut met: BTreeSet<FileId> = todo.iter().copied().collect();
        let mut read = Vec::new();
        while let Some(file) = todo.pop() {
            if read.len() >= MAX_MODULES {
                self.gap(Why::TooLarge, start, Hides::Deeds);
                break;
            }
            let module = match self.graph.module(file) {
                Ok(module) => module,
                Err((why, at)) => {
                    self.gap(why, at, Hides::Deeds);
                    continue;
                }
            };
            read.push(file);
            let mut connects = false;
            for (specifier, at) in specifiers(&module) {
                match self.graph.resolve(file, &specifier) {
                    Target::File(other) => {
                        if let Some(name) = self.graph.package_named(file, other, &specifier) {
                            self.facts.package(&name, file, at);
                        }
                        if met.insert(other) {
                            todo.push(other);
                        }
                    }
                    Target::Package(name, _) => {
                        connects |= host::connects(&name);
                        self.facts.package(&name, file, at);
                    }
                    Target::Missing => self.gap(Why::NeedsBuild, at, Hides::Deeds),
                    Target::Platform(_) | Target::Data => {}
                }
            }
            self.next_reads(&module, connects);
        }
        // What was loaded to see what its handlers answer was noted then.
        for file in read {
            if let Ok(module) = self.graph.module(file) {
                if self.scope_of(file).is_none() {
                    self.facts.syntax(&module);
                    self.order.push(file);
                }
                self.facts.written_reads(&module);
            }
        }
        // What the build writes into it is not read when it runs.
        let written = config.map(|(file, _)| self.next_env(file)).unwrap_or_default();
        self.facts.environment.retain(|read| {
            !read.name.starts_with("NEXT_PUBLIC_") && !written.contains(&*read.name)
        });
        self.facts.imports.retain(|import| {
            !OWN.contains(&&*import.package) || package.dependency(&import.package).is_some()
        });
        // Whether the build takes it in, or it is looked up where it runs.
        let development = self.facts.imports.iter().find(|import| {
            let all = package.dependencies.iter();
            let mut own = all.filter(|own| own.name == import.package).peekable();
            own.peek().is_some() && own.all(|one| one.kind == DependencyKind::Development)
        });
        if let Some(at) = development.map(|import| import.at) {
            self.gap(Why::NeedsBuild, at, Hides::Imports);
        }
    }

    /// The variables that the build writes into the program: the keys of a configuration's `env`.
    fn next_env(&self, config: FileId) -> BTreeSet<String> {
        let Ok(module) = self.graph.module(config) else { return BTreeSet::new() };
        let entries = |id: ExprId| match &module.expr(id).kind {
            ExprKind::Object(entries) => &**entries,
            _ => &[],
        };
        let pairs = |entry: &Entry| match entry {
            Entry::Pair { key: Key::Fixed(key), value, .. } => Some((key.to_string(), *value)),
            _ => None,
        };
        let all = module.exprs().flat_map(|(id, _)| entries(id).iter().filter_map(pairs));
        let env = all.filter(|(key, _)| key == "env").map(|(_, value)| value);
        let keys = env.flat_map(|value| entries(value).iter().filter_map(pairs));
        keys.map(|(key, _)| key).collect()
    }

    /// What a module reads of the environment beside single variables, and what it connects to.
    fn next_reads(&mut self, module: &Module, connects: bool) {
        let env = |id| match &module.expr(id).kind {
            ExprKind::Member { object, name, .. } if &**name == "env" => {
                matches!(&module.expr(*object).kind, ExprKind::Name(name) if &**name == "process")
            }
            _ => false,
        };
        let mut single = BTreeSet::new();
        for (_, expr) in module.exprs() {
            match &expr.kind {
                ExprKind::Member { object, .. } => {
                    single.insert(*object);
                }
                ExprKind::Index { object, index } => {
                    single.insert(*object);
                    if env(*object) && !matches!(module.expr(*index).kind, ExprKind::Text(_)) {
                        self.gap(Why::Dynamic, module.span(expr.range), Hides::Environment);
                    }
                }
                _ => {}
            }
        }
        let whole = module.exprs().find(|(id, _)| env(*id) && !single.contains(id));
        let before = self.facts.environment.len();
        if connects || whole.is_some() {
            let gaps = self.facts.gaps.len();
            self.in_phase(Phase::Later, |eval| eval.load(module.file));
            for gap in self.facts.gaps.iter_mut().skip(gaps) {
                gap.hides = Hides::Deeds;
            }
        }
        if let Some((_, expr)) = whole
            && self.facts.environment.len() == before
        {
            self.gap(Why::Dynamic, module.span(expr.range), Hides::Environment);
        }
    }
}

/// What a module loads, wherever that stands.
fn specifiers(module: &Module) -> Vec<(String, Span)> {
    let imports = module.imports.iter().filter(|import| !import.type_only);
    let imports = imports.map(|import| (import.specifier.text.to_string(), import.range));
    let exports = module.exports.iter().filter_map(|export| match &export.what {
        Exported::From { specifier, .. } | Exported::All { specifier } => {
            Some((specifier.to_string(), export.range))
        }
        Exported::Local(_) => None,
    });
    let requires = module.requires.iter().map(|one| (one.text.to_string(), one.range));
    let all = imports.chain(exports).chain(requires);
    all.map(|(specifier, range)| (specifier, module.span(range))).collect()
}
