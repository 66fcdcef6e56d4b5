//! Bake files: what `docker buildx bake` builds, from targets that inherit from each other.
//!
//! Source of the rules: Docker's reference of bake files (later files win key by key; `context` is
//! relative to where the command runs, `dockerfile` to the context) and of docker/bake-action.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_source::{Span, normalize_path};
use plimsoll_syntax::hcl::{self, Block, Kind, Value};
use plimsoll_syntax::yaml;

use super::calls::{Call, positional_from};
use super::cx::Cx;
use super::link::BuildCall;
use crate::compose_call;
use crate::delivery::Problem;
use crate::fact::{Fact, Why};
use crate::image::{BuildArg, Builder};
use crate::pipeline::JobStep;

/// The files that are read where none is named, in order; compose files are read elsewhere.
const NAMES: [&str; 4] = [
    "docker-bake.json",
    "docker-bake.hcl",
    "docker-bake.override.json",
    "docker-bake.override.hcl",
];
/// Options of `bake` that take a value.
const VALUED: [&str; 11] = [
    "-f",
    "--file",
    "--set",
    "--builder",
    "--metadata-file",
    "--progress",
    "--sbom",
    "--provenance",
    "--call",
    "--allow",
    "--var",
];
/// The most combinations of a target's matrix.
const MAX_COMBINATIONS: usize = 128;
/// The longest way from a target to what it inherits, and from a group to its members.
const MAX_INHERITED: usize = 16;

type Settings = BTreeMap<String, Value>;

/// What some bake files say together.
#[derive(Default)]
struct Bake {
    /// Variables that have a default.
    variables: BTreeMap<String, String>,
    groups: BTreeMap<String, Vec<String>>,
    targets: BTreeMap<String, (Settings, Span)>,
}

/// Who calls for builds.
pub(super) struct Caller {
    /// What it is.
    pub(super) by: Builder,
    /// Where it calls; `None`: the target's own place.
    pub(super) at: Option<Span>,
}

/// The builds of the bake files that lie where `bake` looks for them, each seen from its directory.
pub(super) fn builds(cx: &Cx<'_>) -> Vec<BuildCall> {
    let paths = cx.tree.entries().map(|(_, entry)| &*entry.path);
    let dirs: BTreeSet<&str> = paths
        .filter_map(|path| {
            let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
            NAMES.contains(&name).then_some(dir)
        })
        .collect();
    let mut found = Vec::new();
    for dir in dirs {
        let bake = Bake::read(cx, &defaults(cx, dir));
        let inherited: BTreeSet<&str> =
            bake.targets.values().flat_map(|(of, _)| names(of, "inherits")).collect();
        let grouped: BTreeSet<&str> = bake.groups.values().flatten().map(String::as_str).collect();
        let own = bake.targets.keys().map(String::as_str).filter(|name| {
            grouped.contains(name) || !(inherited.contains(name) || name.starts_with('_'))
        });
        bake.build(cx, dir, own, &Caller { by: Builder::Bake, at: None }, &mut found);
    }
    found
}

/// The builds that a command calls for, where it is `bake`.
pub(super) fn of_call(
    cx: &Cx<'_>,
    call: &Call,
    starts: &[&str],
    by: Builder,
    out: &mut Vec<BuildCall>,
) {
    let Some(at) = bake_words(&call.words) else { return };
    let (mut files, mut wanted) = (Vec::new(), Vec::new());
    let mut words = call.words.get(at..).unwrap_or_default().iter();
    while let Some(word) = words.next() {
        match word.split_once('=') {
            Some(("-f" | "--file", file)) => files.push(file),
            _ if matches!(word.as_str(), "-f" | "--file") => {
                files.extend(words.next().map(String::as_str));
            }
            _ if VALUED.contains(&word.as_str()) => drop(words.next()),
            _ if !word.starts_with('-') => wanted.push(word.as_str()),
            _ => {}
        }
    }
    for start in starts {
        let Some(dir) = call.path_of(".", start) else { continue };
        let files: Option<Vec<String>> = match files.is_empty() {
            true => Some(defaults(cx, &dir)),
            false => files.iter().map(|file| call.path_of(file, start)).collect(),
        };
        let Some(files) = files.filter(|files| !files.is_empty()) else { continue };
        let caller = Caller { by, at: Some(call.span) };
        Bake::read(cx, &files).called(cx, &dir, &wanted, &caller, out);
    }
}

/// The builds of a step with docker/bake-action.
pub(super) fn of_action(
    cx: &Cx<'_>,
    step: &JobStep,
    put: &dyn Fn(&str) -> String,
    by: Builder,
    out: &mut Vec<BuildCall>,
) {
    let input = |key: &str| {
        let found = step.with.iter().find(|(name, ..)| name.eq_ignore_ascii_case(key));
        found.map_or_else(String::new, |(_, value, _)| put(value.trim()))
    };
    let list = |key: &str| -> Vec<String> {
        let text = input(key);
        let parts = text.split(['\n', ',']).map(|part| part.trim().to_owned());
        parts.filter(|part| !part.is_empty()).collect()
    };
    // The default source is the repository itself.
    let source = input("source");
    let below = source.strip_prefix("{{defaultContext}}").map(|rest| rest.trim_start_matches(':'));
    let Some(below) = below.or((source.is_empty() || source == ".").then_some("")) else { return };
    let Some(dir) = normalize_path(&format!("{}/{below}", input("workdir"))) else { return };
    let named: Option<Vec<String>> =
        list("files").iter().map(|file| normalize_path(&format!("{dir}/{file}"))).collect();
    let files = match named {
        Some(named) if named.is_empty() => defaults(cx, &dir),
        Some(named) => named,
        None => return,
    };
    let wanted = list("targets");
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let at = step.uses.as_ref().map_or(step.span, |(_, span)| *span);
    Bake::read(cx, &files).called(cx, &dir, &wanted, &Caller { by, at: Some(at) }, out);
}

/// Where the arguments of `bake` start.
fn bake_words(words: &[String]) -> Option<usize> {
    let program = words.first()?.rsplit('/').next()?;
    if !matches!(program, "docker" | "docker-buildx" | "buildx") {
        return None;
    }
    let first = positional_from(words, 1, compose_call::OPTIONS)?;
    match (program, words[first].as_str()) {
        ("docker-buildx" | "buildx" | "docker", "bake") => Some(first + 1),
        ("docker", "buildx") => {
            let second = positional_from(words, first + 1, compose_call::OPTIONS)?;
            (words[second] == "bake").then_some(second + 1)
        }
        _ => None,
    }
}

/// The files of a directory that are read where none is named.
fn defaults(cx: &Cx<'_>, dir: &str) -> Vec<String> {
    let paths = NAMES.iter().filter_map(|name| normalize_path(&format!("{dir}/{name}")));
    paths.filter(|path| cx.tree.find(path).is_some()).collect()
}

impl Bake {
    /// Several files, the later ones over the earlier.
    fn read(cx: &Cx<'_>, files: &[String]) -> Self {
        let mut bake = Self::default();
        for path in files {
            for block in blocks(cx, path) {
                bake.add(block);
            }
        }
        bake
    }

    fn add(&mut self, block: Block) {
        let name = block.labels.first().cloned().unwrap_or_default();
        let attributes = block.attributes;
        match &*block.kind {
            "variable" => {
                let default = attributes.iter().find(|(key, _)| key == "default");
                if let Some(text) = default.and_then(|(_, value)| value.text()) {
                    self.variables.insert(name, text.to_owned());
                }
            }
            "group" => {
                let listed = attributes.iter().find(|(key, _)| key == "targets");
                let listed = listed.map_or(&[][..], |(_, value)| value.list());
                let listed = listed.iter().filter_map(Value::text).map(str::to_owned);
                self.groups.insert(name, listed.collect());
            }
            "target" => {
                let (settings, span) =
                    self.targets.entry(name).or_insert_with(|| (Settings::new(), block.span));
                *span = block.span;
                merge(settings, attributes);
            }
            _ => {}
        }
    }

    /// The builds of the targets and groups that are wanted; of `default` where none is.
    fn called(
        &self,
        cx: &Cx<'_>,
        dir: &str,
        wanted: &[&str],
        caller: &Caller,
        out: &mut Vec<BuildCall>,
    ) {
        let mut names = BTreeSet::new();
        let wanted = if wanted.is_empty() { &["default"] } else { wanted };
        for name in wanted {
            self.members(name, 0, &mut names);
        }
        self.build(cx, dir, names.into_iter(), caller, out);
    }

    fn members<'b>(&'b self, name: &'b str, depth: usize, out: &mut BTreeSet<&'b str>) {
        match self.groups.get(name) {
            Some(members) if depth < MAX_INHERITED => {
                for member in members {
                    self.members(member, depth + 1, out);
                }
            }
            _ => out.extend(self.targets.get_key_value(name).map(|(name, _)| name.as_str())),
        }
    }

    /// A target's settings, over those of what it inherits.
    fn settings(&self, name: &str, depth: usize) -> Settings {
        let Some((own, _)) = self.targets.get(name).filter(|_| depth < MAX_INHERITED) else {
            return Settings::new();
        };
        let mut all = Settings::new();
        for parent in names(own, "inherits") {
            merge(&mut all, self.settings(parent, depth + 1));
        }
        merge(&mut all, own.clone());
        all
    }

    fn build<'b>(
        &self,
        cx: &Cx<'_>,
        dir: &str,
        names: impl Iterator<Item = &'b str>,
        caller: &Caller,
        out: &mut Vec<BuildCall>,
    ) {
        for name in names {
            let Some((_, span)) = self.targets.get(name) else { continue };
            let settings = self.settings(name, 0);
            if settings.contains_key("dockerfile-inline") {
                continue;
            }
            for values in combinations(&settings) {
                let put = |text: &str| put(text, &|name| values.get(name).copied());
                out.extend(self.call(cx, dir, &settings, *span, caller, &put));
            }
        }
    }

    /// One build. A variable may be set from outside: what it decides is taken for its default in a
    /// path, and for unknown in an argument.
    fn call(
        &self,
        cx: &Cx<'_>,
        dir: &str,
        settings: &Settings,
        span: Span,
        caller: &Caller,
        matrix: &dyn Fn(&str) -> String,
    ) -> Option<BuildCall> {
        let full =
            |text: &str| put(&matrix(text), &|name| self.variables.get(name).map(String::as_str));
        let text = |key: &str| settings.get(key).and_then(Value::text).map(&full);
        let context = match settings.get("context") {
            None => Fact::inferred(dir.to_owned(), Some(span)),
            Some(value) => match value.text().map(&full) {
                Some(text) if is_remote(&text) => return None,
                Some(text) => path(dir, &text)
                    .map_or(Fact::Unknown(Why::Dynamic, Some(value.span)), |path| {
                        Fact::declared(path, value.span)
                    }),
                None => Fact::Unknown(Why::Dynamic, Some(value.span)),
            },
        };
        let file = text("dockerfile").unwrap_or_else(|| "Dockerfile".to_owned());
        let dockerfile = path(context.known()?, &file)?;
        cx.tree.find(&dockerfile)?;
        let at = caller.at.unwrap_or(span);
        let args = settings.get("args").map_or(&[][..], Value::map).iter();
        let args = args.map(|(name, value)| {
            let text = value.text().map(matrix).filter(|text| !text.contains("${"));
            let unknown = Fact::Unknown(Why::Dynamic, Some(value.span));
            let value_of = text.map_or(unknown, |text| Fact::declared(text, value.span));
            BuildArg { name: name.clone(), value: value_of, refs: Vec::new(), span: value.span }
        });
        let tags = settings.get("tags").map_or(&[][..], Value::list).iter();
        Some(BuildCall {
            by: caller.by,
            span: at,
            dockerfile: Fact::declared(dockerfile, at),
            context,
            target: text("target").filter(|target| !target.is_empty()),
            tags: tags.filter_map(Value::text).map(&full).collect(),
            args: args.collect(),
        })
    }
}

/// The blocks of a file, whichever of the two forms it is in.
fn blocks(cx: &Cx<'_>, path: &str) -> Vec<Block> {
    let Some(file) = cx.tree.find(path) else { return Vec::new() };
    let is_json = path.ends_with(".json");
    if !is_json && !path.ends_with(".hcl") {
        return Vec::new();
    }
    let Some(text) = cx.text(file, "bake file") else { return Vec::new() };
    let (blocks, errors) = match is_json {
        true => {
            let parsed = yaml::parse_json(text);
            (parsed.tree.root().map(of_json).unwrap_or_default(), parsed.errors)
        }
        false => {
            let parsed = hcl::parse(&text);
            (parsed.tree.blocks, parsed.errors)
        }
    };
    for error in errors {
        cx.problem(Problem { span: error.span, message: error.message, what: "bake file" });
    }
    blocks
}

/// `{"target": {"app": {…}}}` as blocks.
fn of_json(root: yaml::Value<'_>) -> Vec<Block> {
    let entries = |value: yaml::Value<'_>| -> Vec<(String, Value)> {
        let pairs = value.pairs();
        pairs.filter_map(|(key, value)| Some((key.text()?.to_owned(), json(value, 0)))).collect()
    };
    let mut blocks = Vec::new();
    for (kind, named) in root.pairs() {
        for (name, body) in named.pairs() {
            let (Some(kind), Some(label)) = (kind.text(), name.text()) else { continue };
            blocks.push(Block {
                kind: kind.to_owned(),
                labels: vec![label.to_owned()],
                attributes: entries(body),
                span: name.span(),
            });
        }
    }
    blocks
}

fn json(value: yaml::Value<'_>, depth: usize) -> Value {
    let deeper = depth < MAX_INHERITED;
    let kind = match value.text() {
        Some(text) => Kind::Text(text.to_owned()),
        None if deeper && value.is_seq() => {
            Kind::List(value.items().map(|item| json(item, depth + 1)).collect())
        }
        None if deeper && value.is_map() => {
            let pairs = value.pairs();
            let pairs = pairs.filter_map(|(k, v)| Some((k.text()?.to_owned(), json(v, depth + 1))));
            Kind::Map(pairs.collect())
        }
        None => Kind::Other,
    };
    Value { kind, span: value.span() }
}

/// Lays settings over others: maps key by key, all else as a whole.
fn merge(over: &mut Settings, with: impl IntoIterator<Item = (String, Value)>) {
    for (key, value) in with {
        match (over.get_mut(&key), value.kind) {
            (Some(Value { kind: Kind::Map(known), .. }), Kind::Map(entries)) => {
                known.retain(|(name, _)| entries.iter().all(|(new, _)| new != name));
                known.extend(entries);
            }
            (_, kind) => drop(over.insert(key, Value { kind, span: value.span })),
        }
    }
}

fn names<'s>(settings: &'s Settings, key: &str) -> impl Iterator<Item = &'s str> {
    let values = settings.get(key).map_or(&[][..], Value::list);
    values.iter().filter_map(Value::text)
}

/// The ways through a target's matrix: one where it has none.
fn combinations(settings: &Settings) -> Vec<BTreeMap<&str, &str>> {
    let mut all = vec![BTreeMap::new()];
    for (name, values) in settings.get("matrix").map_or(&[][..], Value::map) {
        let values: Vec<&str> = values.list().iter().filter_map(Value::text).collect();
        if values.is_empty() || all.len() * values.len() > MAX_COMBINATIONS {
            continue;
        }
        let mut longer = Vec::new();
        for way in &all {
            for value in &values {
                let mut way = way.clone();
                way.insert(name.as_str(), *value);
                longer.push(way);
            }
        }
        all = longer;
    }
    all
}

/// A text with the variables that are known put in.
fn put<'v>(text: &str, of: &dyn Fn(&str) -> Option<&'v str>) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        done.push_str(before);
        match after.split_once('}').and_then(|(name, after)| Some((of(name)?, after))) {
            Some((value, after)) => {
                done.push_str(value);
                rest = after;
            }
            None => {
                done.push_str("${");
                rest = after;
            }
        }
    }
    done + rest
}

fn is_remote(context: &str) -> bool {
    context.contains("://") && !context.starts_with("cwd://") || context.starts_with("git@")
}

/// A path from a directory; `None` where a variable or something outside decides.
fn path(dir: &str, text: &str) -> Option<String> {
    if text.contains("${") || text.starts_with('/') {
        return None;
    }
    normalize_path(&format!("{dir}/{}", text.strip_prefix("cwd://").unwrap_or(text)))
}

#[cfg(test)]
mod tests {
    use plimsoll_source::Tree;

    use crate::image::Builder;

    /// Every image that has a build, with who builds it.
    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &str) {
        let delivery = crate::lower(&Tree::from_memory(files.iter().copied()));
        let shown = delivery.images.iter().flat_map(|image| {
            image.builds.iter().map(move |build| {
                let by = match build.by {
                    Builder::Bake => "bake",
                    Builder::Skaffold => "skaffold",
                    Builder::Pipeline(_) => "pipeline",
                    _ => "other",
                };
                let args: Vec<String> = image
                    .build_args
                    .iter()
                    .map(|arg| format!("{}={}", arg.name, arg.value.known().map_or("?", |v| v)))
                    .collect();
                format!(
                    "{by}: {} from {:?} to {:?} as {:?} with {args:?}",
                    image.path,
                    build.context.known(),
                    image.target,
                    image.names
                )
            })
        });
        assert_eq!(shown.collect::<Vec<_>>().join("\n"), expected.trim());
        let problems: Vec<_> = delivery.problems.iter().map(|p| &p.message).collect();
        assert!(problems.is_empty() || expected.is_empty(), "{problems:?}");
    }

    const DOCKERFILE: &str = "FROM alpine AS build\nFROM alpine AS prod\nCOPY a /a\n";

    #[test]
    fn targets_inherit_and_variables_have_defaults() {
        check(
            &[
                ("api/Dockerfile", DOCKERFILE),
                (
                    "docker-bake.hcl",
                    "variable \"TAG\" { default = \"1\" }\n\
                     target \"_base\" {\n  context = \"api\"\n  args = { A = \"1\", B = \"2\" }\n}\n\
                     target \"app\" {\n  inherits = [\"_base\"]\n  target = \"build\"\n  \
                     args = { B = \"3\", C = TAG }\n  tags = [\"app:${TAG}\"]\n}\n",
                ),
            ],
            r#"bake: api/Dockerfile from Some("api") to Some(0) as ["app:1"] with ["A=1", "B=3", "C=?"]"#,
        );
    }

    #[test]
    fn json_overrides_and_the_matrix() {
        check(
            &[
                ("a/Dockerfile", DOCKERFILE),
                ("b/Dockerfile", DOCKERFILE),
                (
                    "docker-bake.json",
                    r#"{"target": {"x": {"context": "lost", "matrix": {"dir": ["a", "b"]}}}}"#,
                ),
                ("docker-bake.override.json", r#"{"target": {"x": {"context": "./${dir}"}}}"#),
            ],
            r#"
bake: a/Dockerfile from Some("a") to Some(1) as [] with []
bake: b/Dockerfile from Some("b") to Some(1) as [] with []"#,
        );
    }

    #[test]
    fn steps_bake_the_targets_that_they_name() {
        let workflow = |step: &str| {
            format!(
                "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - {step}\n"
            )
        };
        let hcl = "group \"default\" { targets = [\"b\"] }\n\
                   target \"a\" { context = \"a\" }\ntarget \"b\" { context = \"b\" }\n";
        let files = |step: &str| {
            [
                ("a/Dockerfile".to_owned(), DOCKERFILE.to_owned()),
                ("b/Dockerfile".to_owned(), DOCKERFILE.to_owned()),
                ("ci/my.hcl".to_owned(), hcl.to_owned()),
                (".github/workflows/ci.yml".to_owned(), workflow(step)),
            ]
        };
        let told = |step: &str, expected: &str| {
            let files = files(step);
            let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (&**p, &**t)).collect();
            check(&files, expected);
        };
        told(
            "run: docker buildx bake -f ci/my.hcl --push",
            r#"pipeline: b/Dockerfile from Some("b") to Some(1) as [] with []"#,
        );
        told(
            "run: docker --context x buildx --builder y bake --file=ci/my.hcl --set *.platform=x a",
            r#"pipeline: a/Dockerfile from Some("a") to Some(1) as [] with []"#,
        );
        told(
            "{uses: docker/bake-action@v6, with: {files: ci/my.hcl, targets: 'a,b'}}",
            r#"
pipeline: a/Dockerfile from Some("a") to Some(1) as [] with []
pipeline: b/Dockerfile from Some("b") to Some(1) as [] with []"#,
        );
    }

    #[test]
    fn cycles_end() {
        let hcl = "group \"default\" { targets = [\"default\"] }\n\
                   target \"a\" { inherits = [\"b\"] }\ntarget \"b\" { inherits = [\"a\"] }\n";
        check(&[("docker-bake.hcl", hcl), ("x/Dockerfile", DOCKERFILE)], "");
    }
}
