//! Next.js: the files that are routes, and what they answer. What pages load is read by its text
//! ([`loaded`]); what their functions do is not followed.

mod loaded;

use std::collections::BTreeSet;

use plimsoll_source::{FileId, Span, TextRange};
use plimsoll_syntax::program::{Entry, ExprKind, Key};

use super::eval::{Args, Eval, Phase, variable};
use super::facts::{Listening, known};
use super::graph::Graph;
use super::host::{Host, Kind};
use super::routes::judge;
use super::value::Value;
use crate::Why;
use crate::code::{Answers, Code, Guard, Hides, Language, Resource, Route};
use crate::fact::Fact;
use crate::package::Package;
use crate::path;

/// Files that are routes.
const MAX_ROUTES: usize = 1_000;
/// What `route.ts` may export.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const ENDS: [&str; 6] = [".ts", ".js", ".tsx", ".jsx", ".mjs", ".mts"];
const CONFIGS: [&str; 4] =
    ["next.config.js", "next.config.mjs", "next.config.ts", "next.config.cjs"];

/// The package whose manifest stands for a start by Next.
pub(super) fn package<'g>(graph: &Graph<'g>, entry: FileId) -> Option<&'g Package> {
    let name = path::name(graph.cx.tree.path(entry));
    let mut packages = graph.delivery.packages.iter();
    packages.find(|package| name == "package.json" && package.manifest == entry)
}

fn config(graph: &Graph<'_>, package: &Package) -> Option<(FileId, String)> {
    let tree = graph.cx.tree;
    let file = CONFIGS.iter().find_map(|name| tree.find(&path::join(&package.dir, name)?))?;
    Some((file, String::from_utf8_lossy(&graph.cx.bytes(file).ok()?).into_owned()))
}

/// Whether the build makes a server of its own: `output: 'standalone'`.
pub(super) fn stands_alone(graph: &Graph<'_>, package: &Package) -> bool {
    package.dependency("next").is_some()
        && config(graph, package).is_some_and(|(_, text)| text.contains("standalone"))
}

/// The program of a service that Next serves.
pub(super) fn read(
    graph: &Graph<'_>,
    package: &Package,
    entry: Fact<FileId>,
    words: &[String],
) -> Code {
    let mut eval = Eval::new(graph);
    let start = Span::new(package.manifest, TextRange::new(0, 0));
    let at = entry.span().unwrap_or(start);
    let server = eval.opens(Resource::Server, "server", at, None, None);
    let script = package.scripts.iter().find(|script| script.span == at);
    let words: Vec<&str> = match script {
        Some(script) => script.command.split_whitespace().collect(),
        None => words.iter().map(String::as_str).collect(),
    };
    // What its development server does then is not known.
    let verb = words.iter().skip_while(|word| path::name(word) != "next").nth(1);
    let is_next = words.iter().any(|word| path::name(word) == "next");
    if verb == Some(&"start") || !is_next {
        let handler = eval.handles("SIGTERM", Value::Undefined, at);
        eval.facts.closes(handler, server, at);
    }
    let port = port(&words, at);
    eval.facts.listens.push(Listening {
        port,
        host: Value::Undefined,
        tls: false,
        at,
        tries: Vec::new(),
        app: None,
        at_start: true,
        callback: None,
    });
    let routes = eval.next_routes(package, start);
    // What the functions of pages do is not followed.
    eval.gap(Why::Unsupported, start, Hides::Calls);
    // Of several that start side by side, which must have what is not told.
    if words.first() == Some(&"concurrently") {
        eval.facts.environment.clear();
        eval.gap(Why::Unsupported, at, Hides::Deeds);
    }
    let mut code = super::code(eval, entry, Language::JavaScript);
    code.routes = routes;
    code
}

/// `-p 4000`, `$PORT`, or 3000.
fn port(words: &[&str], at: Span) -> Value {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let value = match word.split_once('=') {
            Some(("-p" | "--port", value)) => Some(value),
            _ if matches!(*word, "-p" | "--port") => words.next().copied(),
            _ => None,
        };
        if let Some(value) = value {
            return value.parse().map_or(Value::Unknown, Value::Number);
        }
    }
    variable("PORT", at).depends(Value::Number(3000.0))
}

/// Whether a word after `next` is an option: its development server is what it runs by itself.
pub(super) fn option(word: &str) -> bool {
    word.starts_with('-')
}

impl Eval<'_> {
    fn next_routes(&mut self, package: &Package, start: Span) -> Vec<Route> {
        let tree = self.graph.cx.tree;
        let dir = |name: &str| path::join(&package.dir, name);
        let has = |name: &str| dir(name).is_some_and(|dir| tree.under(&dir).next().is_some());
        // `src/` counts only where the root has neither.
        let above = if has("app") || has("pages") { "" } else { "src/" };
        let config = config(self.graph, package);
        let text = config.as_ref().map_or("", |(_, text)| text);
        self.next_loads(package, above, config.as_ref().map(|(file, _)| (*file, text)), start);
        let says = |word: &str| text.contains(word);
        let prefix = match (&config, text.matches("basePath").count()) {
            (_, 0) => Some(String::new()),
            (Some((file, _)), 1) => self.next_says(*file, "basePath").and_then(|mut all| all.pop()),
            _ => None,
        };
        // What is led elsewhere before a file is asked: by these patterns, or it is not told.
        let leads = ["redirects", "beforeFiles"].iter().any(|word| says(word));
        let sources = match &config {
            Some((file, _)) if leads => self.next_leads(*file),
            _ => Some(Vec::new()),
        };
        // What is led elsewhere only where no file is, comes before patterns.
        let patterns = says("rewrites");
        let slash = says("trailingSlash");
        for word in ["rewrites", "redirects", "i18n", "pageExtensions", "trailingSlash"] {
            if let (Some((file, _)), true) = (&config, says(word)) {
                let at = Span::new(*file, TextRange::new(0, 0));
                self.gap(Why::Unsupported, at, Hides::Routes);
            }
        }
        let guards: Vec<FileId> = ["middleware", "proxy"]
            .iter()
            .flat_map(|name| ENDS.iter().map(move |end| format!("{above}{name}{end}")))
            .filter_map(|name| tree.find(&dir(&name)?))
            .collect();
        // It may answer by itself, or lead elsewhere.
        for &file in &guards {
            self.gap(Why::Dynamic, Span::new(file, TextRange::new(0, 0)), Hides::Routes);
        }
        let mut found: Vec<(FileId, String, bool)> = Vec::new();
        for (root, in_app) in [("app", true), ("pages", false)] {
            let Some(root) = dir(&format!("{above}{root}")) else { continue };
            for file in tree.under(&root) {
                let Some(below) = path::below(&root, tree.path(file)) else { continue };
                if let Some(at) = served(below, in_app) {
                    found.push((file, at, in_app));
                }
            }
        }
        if found.len() > MAX_ROUTES {
            self.gap(Why::TooLarge, start, Hides::Routes);
            found.truncate(MAX_ROUTES);
        }
        let mut routes = Vec::new();
        for (file, own, in_app) in found {
            let at = Span::new(file, TextRange::new(0, 0));
            let path = prefix.as_ref().map(|prefix| match (&**prefix, &*own) {
                ("", own) => own.to_owned(),
                (prefix, "/") => prefix.to_owned(),
                (prefix, own) => format!("{prefix}{own}"),
            });
            let led = sources
                .as_ref()
                .is_none_or(|all| all.iter().any(|source| !leaves_out(source, &own)));
            let guard = match &config {
                Some((file, _))
                    if led || slash && own != "/" || patterns && own.contains([':', '*']) =>
                {
                    let at = Span::new(*file, TextRange::new(0, 0));
                    Guard::Unknown(Why::Unsupported, at)
                }
                _ => self.next_guard(&guards, &own),
            };
            let name = path::name(tree.path(file));
            let is_route = in_app && name.starts_with("route.");
            let is_api = !in_app && (own == "/api" || own.starts_with("/api/"));
            let mut push = |method: &str, answers: Answers| {
                let path = path.clone();
                routes.push(Route {
                    loose: false,
                    method: method.to_owned(),
                    path: path.map_or(Fact::Unknown(Why::Dynamic, Some(at)), |p| known(p, at)),
                    at,
                    guard,
                    answers,
                });
            };
            if !is_route && !is_api {
                push("GET", Answers::Unknown(Why::Unsupported));
                continue;
            }
            self.in_phase(Phase::Later, |eval| eval.load(file));
            let of = self.commonjs(file).unwrap_or(Value::Namespace(file));
            if is_api {
                let handler = match &of {
                    Value::Namespace(_) | Value::Object(_) => self.member(&of, "default", None),
                    other => other.clone(),
                };
                let answers = self.next_answers(&handler, &own, at, true);
                push("*", answers);
                continue;
            }
            let exported: BTreeSet<&str> = METHODS
                .into_iter()
                .filter(|method| !matches!(self.member(&of, method, None), Value::Undefined))
                .collect();
            for method in exported {
                let handler = self.member(&of, method, None);
                let answers = self.next_answers(&handler, &own, at, false);
                push(method, answers);
            }
        }
        routes.sort_by(|a, b| (a.path.known(), a.at).cmp(&(b.path.known(), b.at)));
        routes
    }

    /// The texts that a configuration says for a key; nothing where one of them is no text.
    fn next_says(&self, file: FileId, key: &str) -> Option<Vec<String>> {
        let module = self.graph.module(file).ok()?;
        let mut found = Vec::new();
        for (_, expr) in module.exprs() {
            let ExprKind::Object(entries) = &expr.kind else { continue };
            for entry in entries {
                match entry {
                    Entry::Pair { key: Key::Fixed(name), value, .. } if **name == *key => {
                        let ExprKind::Text(text) = &module.expr(*value).kind else { return None };
                        found.push(text.to_string());
                    }
                    _ => {}
                }
            }
        }
        let written = self.graph.cx.bytes(file).ok()?;
        let count = memchr::memmem::find_iter(&written, key.as_bytes()).count();
        (count <= found.len()).then_some(found)
    }

    /// The patterns of what a configuration leads elsewhere, where all of it stands there.
    fn next_leads(&self, file: FileId) -> Option<Vec<String>> {
        let module = self.graph.module(file).ok()?;
        let own = module.imports.iter().filter(|import| !import.type_only);
        let own = own.map(|import| &import.specifier).chain(&module.requires);
        let others =
            own.filter(|specifier| specifier.text.starts_with(['.', '/', '@', '~'])).count();
        let found = self.next_says(file, "source")?;
        (others == 0 && !found.is_empty()).then_some(found)
    }

    fn next_answers(&mut self, handler: &Value, path: &str, at: Span, api: bool) -> Answers {
        if !matches!(handler, Value::Function(_) | Value::Bound(_)) {
            return Answers::Unknown(Why::Dynamic);
        }
        let nowhere = super::nowhere();
        let request = self.host(Host { kind: Kind::Request, at: nowhere, open: None });
        let second = match api {
            true => self.host(Host { kind: Kind::Reply, at: nowhere, open: None }),
            false => Value::Unknown,
        };
        let (answering, _) = self.answer(Some(path), handler, Args::of(vec![request, second]));
        judge(&answering, at)
    }

    /// Middleware stands before all that its matcher does not leave out.
    fn next_guard(&mut self, files: &[FileId], path: &str) -> Guard {
        let Some(&file) = files.first() else { return Guard::Open };
        let at = Span::new(file, TextRange::new(0, 0));
        self.in_phase(Phase::Later, |eval| eval.load(file));
        let config = self.member(&Value::Namespace(file), "config", None);
        let matcher = self.option(&config, "matcher");
        let all = self.items(&matcher).unwrap_or_else(|| vec![matcher.clone()]);
        let out = |one: &Value| one.as_text().is_some_and(|one| leaves_out(&one, path));
        match all.iter().all(out) && !all.is_empty() {
            true => Guard::Open,
            false => Guard::Unknown(Why::Dynamic, at),
        }
    }
}

/// Whether a pattern of `matcher` certainly does not match a path: `/dashboard/:path*`, and the
/// idiom `/((?!api|_next).*)`.
fn leaves_out(pattern: &str, path: &str) -> bool {
    let plain = |text: &str| !text.contains(['(', '[', '{', '?', '+', '|']);
    if let Some(names) = pattern.strip_prefix("/((?!").and_then(|rest| rest.strip_suffix(").*)")) {
        let rest = path.trim_start_matches('/');
        // Each is a prefix; one that is an expression of its own says nothing.
        return names.split('|').any(|name| {
            plain(name) && !name.contains(['*', '$', '\\', '.', ')']) && rest.starts_with(name)
        });
    }
    if !plain(pattern) {
        return false;
    }
    let fixed: String = pattern
        .split('/')
        .take_while(|part| !part.contains([':', '*']))
        .collect::<Vec<_>>()
        .join("/");
    match pattern.contains([':', '*']) {
        true => path != fixed && !path.starts_with(&format!("{}/", fixed.trim_end_matches('/'))),
        false => path != pattern,
    }
}

/// The path that a file of `app` or `pages` serves; `None` for one that is no route.
fn served(below: &str, in_app: bool) -> Option<String> {
    let (dir, name) = (path::parent(below), path::name(below));
    let stem = ENDS.iter().find_map(|end| name.strip_suffix(end))?;
    if name.ends_with(".d.ts") || stem.contains('.') {
        return None;
    }
    let mut parts: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
    if in_app {
        if !matches!(stem, "route" | "page") {
            return None;
        }
    } else {
        if stem.starts_with('_') || matches!(stem, "404" | "500") {
            return None;
        }
        if stem != "index" {
            parts.push(stem);
        }
    }
    let mut served = String::new();
    for part in parts {
        // Private folders and intercepted routes are none of their own.
        if in_app && (part.starts_with('_') || part.starts_with("(.")) {
            return None;
        }
        if in_app && ((part.starts_with('(') && part.ends_with(')')) || part.starts_with('@')) {
            continue;
        }
        served.push('/');
        match part.strip_prefix('[').and_then(|part| part.strip_suffix(']')) {
            Some(name) if name.contains("...") => served.push('*'),
            Some(name) => {
                served.push(':');
                served.push_str(name);
            }
            None => served.push_str(part),
        }
    }
    Some(if served.is_empty() { "/".to_owned() } else { served })
}
