//! Which package of the tree an image starts: where its process works, and the files that its
//! command names, traced back through the COPYs that brought them.

use std::collections::BTreeSet;

use super::service::Packages;
use crate::delivery::Delivery;
use crate::image::{Base, Copy, CopyFrom, Image, StepKind};
use crate::package::{Ecosystem, Package};
use crate::path;

/// The most COPYs that a path is traced through.
const MAX_COPIES: usize = 64;
/// Runners of package managers, which start what the package at hand says or brings.
const RUNNERS: [&str; 6] = ["npm", "pnpm", "yarn", "bun", "npx", "bunx"];
/// Words with which a runner is sent to another package than the one at hand.
const ELSEWHERE: [&str; 11] = [
    "--filter",
    "-F",
    "-w",
    "--workspace",
    "workspace",
    "--prefix",
    "--cwd",
    "-C",
    "--dir",
    "turbo",
    "nx",
];

/// How many stages a path is traced through.
const MAX_DEPTH: usize = 4;

/// A directory of a stage that holds what a directory of the tree, or of another stage, holds.
struct Brought {
    to: String,
    from: String,
    of: Option<usize>,
}

/// The directory of the package that the image starts; `None` where its last stage does not tell.
///
/// A command may name a file of a package (`node apps/web/server.js`), stand in its directory
/// (`WORKDIR /app/services/web`) or send its runner there (`pnpm --filter web start`). One that does
/// none of these where the context's own manifest lies starts that package, if it has what is
/// started.
pub(super) fn dir(delivery: &Delivery, image: &Image, packages: &Packages<'_>) -> Option<String> {
    let context = image.context.known()?;
    let config = &image.final_stage()?.config;
    let workdir = config.workdir.as_deref()?;
    let mut stages: Vec<Vec<Brought>> = Vec::new();
    for stage in &image.stages {
        let mut all = Vec::new();
        for copy in stage.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Copy(copy) => Some(copy),
            _ => None,
        }) {
            match copy.from {
                CopyFrom::Context => brought(delivery, context, copy, packages, &mut all),
                CopyFrom::Stage(of) => from_stage(copy, of, &mut all),
                _ => {}
            }
        }
        all.truncate(MAX_COPIES);
        stages.push(all);
    }
    let target = image.target?;
    let package_of = |at: &str| {
        let mut dirs = Vec::new();
        trace(image, &stages, target, at, 0, &mut dirs);
        let found = dirs.iter().filter_map(|dir| holder(dir, packages));
        found.max_by_key(|dir| dir.len())
    };
    let words = words(image);
    let deeper = |dir: &String| dir != context;
    let named = words.iter().filter(|word| is_path(word));
    let named = named.filter_map(|word| package_of(&super::absolute(workdir, word)));
    let named: BTreeSet<String> = named.filter(deeper).collect();
    match named.len() {
        0 => {}
        1 => return named.into_iter().next(),
        // Several programs at once, or what one of them reads.
        _ => return None,
    }
    let runs = words.iter().position(|word| RUNNERS.contains(&word.as_str()));
    if let Some(found) = runs.and_then(|at| sent_to(delivery, context, words.get(at..)?)) {
        return Some(found);
    }
    let standing = package_of(workdir);
    if let Some(dir) = standing.filter(deeper) {
        return Some(dir);
    }
    let mut own = packages.get(&**context)?.iter().map(|&id| &delivery[id]);
    let own = own.find(|package| package.ecosystem == Ecosystem::Node)?;
    // A file that no member brings.
    let is_module = |word: &&String| [".js", ".mjs", ".cjs"].iter().any(|end| word.ends_with(end));
    let mut files = words.iter().filter(is_module).filter(|_| runs.is_none());
    let is_own = files.any(|word| package_of(&super::absolute(workdir, word)).is_some());
    (is_own || has_started(own, words.get(runs?..)?)).then(|| context.clone())
}

/// Where in the tree a path of a stage comes from, as far as COPYs of directories tell.
fn trace(
    image: &Image,
    stages: &[Vec<Brought>],
    stage: usize,
    at: &str,
    depth: usize,
    out: &mut Vec<String>,
) {
    if depth > MAX_DEPTH || out.len() > MAX_COPIES {
        return;
    }
    for found in stages.get(stage).into_iter().flatten() {
        let Some(rest) = below(at, &found.to) else { continue };
        match found.of {
            None => out.push(put(&found.from, rest)),
            Some(of) => {
                trace(image, stages, of, &put(&found.from, rest), depth + 1, out);
            }
        }
    }
    if let Some(Base::Stage(base)) = image.stages.get(stage).map(|stage| &stage.base) {
        trace(image, stages, *base, at, depth + 1, out);
    }
}

/// What a COPY from the context brings: directories, and manifests, which say where their
/// directory's program is to lie.
fn brought(
    delivery: &Delivery,
    context: &str,
    copy: &Copy,
    packages: &Packages<'_>,
    out: &mut Vec<Brought>,
) {
    let Some(dest) = copy.dest.known() else { return };
    let to = dest.trim_end_matches('/');
    for source in copy.sources.iter().filter(|source| !source.remote && !source.dynamic) {
        let Some(from) = plimsoll_source::normalize_path(&format!("{context}/{}", source.path))
        else {
            continue;
        };
        if delivery.tree.is_dir(&from) || from.is_empty() {
            out.push(Brought { to: to.to_owned(), from, of: None });
            continue;
        }
        let (dir, name) = from.rsplit_once('/').unwrap_or(("", &from));
        let is_manifest = name == "package*.json"
            || packages.get(dir).is_some_and(|all| {
                all.iter().any(|&id| delivery.tree.path(delivery[id].manifest) == from)
            });
        if is_manifest {
            let to = if dest.ends_with('/') { to } else { path::parent(to) };
            out.push(Brought { to: to.to_owned(), from: dir.to_owned(), of: None });
        }
    }
}

fn from_stage(copy: &Copy, of: usize, out: &mut Vec<Brought>) {
    let Some(dest) = copy.dest.known() else { return };
    for source in copy.sources.iter().filter(|source| !source.dynamic) {
        let to = dest.trim_end_matches('/').to_owned();
        let from = super::absolute("/", &source.path);
        // `turbo prune --docker` lays out what stands at the root in these.
        let pruned = from.strip_suffix("/out/full").or_else(|| from.strip_suffix("/out/json"));
        let from = pruned.unwrap_or(&from).trim_end_matches('/').to_owned();
        out.push(Brought { to, from, of: Some(of) });
    }
}

/// What of a path lies below a directory: `""` for the directory itself.
fn below<'p>(at: &'p str, dir: &str) -> Option<&'p str> {
    let rest = at.strip_prefix(dir)?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
}

fn put(dir: &str, rest: &str) -> String {
    if rest.is_empty() || dir.is_empty() { format!("{dir}{rest}") } else { format!("{dir}/{rest}") }
}

/// The nearest directory at or above one that holds a package.
fn holder(dir: &str, packages: &Packages<'_>) -> Option<String> {
    let mut at = dir;
    loop {
        if packages.contains_key(at) {
            return Some(at.to_owned());
        }
        if at.is_empty() {
            return None;
        }
        at = path::parent(at);
    }
}

/// The words of what the last stage starts, the entrypoint's first.
fn words(image: &Image) -> Vec<String> {
    let Some(stage) = image.final_stage() else { return Vec::new() };
    let both = [&stage.config.entrypoint, &stage.config.cmd];
    let lines = both.into_iter().flatten().flat_map(|exec| &exec.words);
    let parts = lines.flat_map(|(line, _)| line.split([' ', '\t', '"', '\'', ';', '&', '|']));
    // `--workspace=web` is two words to who looks for one of them; a file behind `=` is read, not run.
    let parts = parts.flat_map(|word| match word.split_once('=') {
        Some((name, value)) if !is_path(value) || ELSEWHERE.contains(&name) => [name, value],
        Some((name, _)) => [name, ""],
        None => [word, ""],
    });
    parts.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn is_path(word: &str) -> bool {
    word.contains('/') && !word.starts_with(['-', '@']) && !word.contains([':', '$', '*'])
}

/// The package that a runner is sent to by its name or its directory.
fn sent_to(delivery: &Delivery, context: &str, words: &[String]) -> Option<String> {
    let at = words.iter().position(|word| ELSEWHERE.contains(&word.as_str()))?;
    let to = words.get(at + 1)?.trim_end_matches('.').trim_end_matches('/');
    let dir = plimsoll_source::normalize_path(&format!("{context}/{to}"));
    let mut found = delivery.packages.iter().filter(|package| {
        path::below(context, &package.dir).is_some()
            && package.dir != context
            && (package.name.as_deref() == Some(to) || dir.as_deref() == Some(&package.dir))
    });
    let first = found.next()?;
    found.all(|other| other.dir == first.dir).then(|| first.dir.clone())
}

/// Whether a package has what a runner starts: a script that stays here, or what brings a program.
fn has_started(package: &Package, words: &[String]) -> bool {
    let mut rest = words.iter().skip(1).filter(|word| !word.starts_with('-'));
    let first = rest.next().map(String::as_str);
    let name = match first {
        Some("run" | "run-script" | "exec") => rest.next().map(String::as_str),
        other => other,
    };
    let Some(name) = name else { return false };
    let brings = package.dependencies.iter().any(|on| on.name == name);
    package.scripts.iter().find(|script| script.name == name).map_or(brings, |script| {
        !script.command.split_whitespace().any(|w| ELSEWHERE.contains(&w) || w == "cd")
    })
}

#[cfg(test)]
mod tests {
    use plimsoll_source::Tree;

    /// The directory of the service that a Dockerfile at the root makes, in a tree with a package
    /// there, one of a program and one of a library.
    #[track_caller]
    fn check(dockerfile: &str, expected: &str) {
        let root = r#"{"name": "root", "scripts": {"start": "next start", "all": "turbo start"}, "dependencies": {"next": "15"}}"#;
        let files = [
            ("Dockerfile", dockerfile),
            ("package.json", root),
            ("apps/web/package.json", r#"{"name": "@acme/web"}"#),
            ("apps/web/server.js", "\n"),
            ("packages/lib/package.json", r#"{"name": "@acme/lib"}"#),
        ];
        let delivery = crate::lower(&Tree::from_memory(files));
        let dirs: Vec<&str> = delivery.services.iter().map(|service| &*service.dir).collect();
        assert_eq!(dirs, [expected], "{dockerfile}");
    }

    #[test]
    fn what_the_command_starts_is_the_service() {
        let manifests = "FROM node:22\nWORKDIR /app\nCOPY package.json ./\nCOPY packages/lib/package.json ./packages/lib/\n";
        for command in ["[\"npx\", \"next\", \"start\"]", "[\"npm\", \"start\"]", "npm run start"] {
            check(&format!("{manifests}CMD {command}\n"), "");
        }
        // A root that only starts its members is none of them.
        check(&format!("{manifests}CMD npm run all\n"), "packages/lib");
        check(&format!("{manifests}CMD [\"vite\"]\n"), "packages/lib");
        check(&format!("{manifests}COPY . .\nCMD [\"node\", \"server.js\"]\n"), "");
        let all = "FROM node:22 AS builder\nWORKDIR /app\nCOPY . .\nFROM node:22\nWORKDIR /srv\n";
        for rest in [
            "COPY --from=builder /app /srv\nCMD [\"node\", \"apps/web/server.js\"]\n",
            "COPY --from=builder /app/apps/web/dist ./\nCMD [\"node\", \"./dist/main.js\"]\n",
            "COPY --from=builder /app .\nWORKDIR /srv/apps/web\nCMD [\"node\", \"server.js\"]\n",
            "COPY --from=builder /app .\nCMD [\"pnpm\", \"--filter\", \"@acme/web\", \"start\"]\n",
            "COPY --from=builder /app .\nCMD yarn workspace @acme/web start\n",
            "COPY --from=builder /app .\nCMD npm start --workspace=apps/web\n",
        ] {
            check(&format!("{all}{rest}"), "apps/web");
        }
        // Of two, neither.
        let two = "COPY --from=builder /app .\nCMD [\"sh\", \"-c\", \"node packages/lib/x.js & node apps/web/server.js\"]\n";
        check(&format!("{all}{two}"), "");
    }

    #[test]
    fn a_directory_of_the_image_is_not_one_of_the_tree_by_its_name() {
        let files = [
            (
                "Dockerfile",
                "FROM node:22\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"/app/main.js\"]\n",
            ),
            ("package.json", r#"{"name": "root"}"#),
            ("app/package.json", r#"{"name": "app"}"#),
        ];
        let delivery = crate::lower(&Tree::from_memory(files));
        assert_eq!(delivery.services[0].dir, "");
    }

    #[test]
    fn the_same_path_in_another_stage_is_another() {
        let dockerfile = "FROM node:22 AS pages\nWORKDIR /app\nCOPY frontend .\nRUN npm run build\n\
                          FROM python:3.13\nWORKDIR /app\nCOPY pyproject.toml ./\nCOPY api api\n\
                          COPY --from=pages /app/dist /pages\nCOPY start.sh run.sh\nCMD [\"/app/run.sh\"]\n";
        let files = [
            ("docker/Dockerfile", dockerfile),
            (
                "compose.yaml",
                "services: {api: {build: {context: ., dockerfile: docker/Dockerfile}}}\n",
            ),
            ("pyproject.toml", "[project]\nname = \"api\"\n"),
            ("api/main.py", "\n"),
            ("frontend/package.json", r#"{"name": "pages"}"#),
        ];
        let delivery = crate::lower(&Tree::from_memory(files));
        assert_eq!(delivery.services[0].dir, "");
    }

    #[test]
    fn an_argument_with_a_default_names_the_service() {
        let dockerfile = "ARG NAME=web\nFROM node:22 AS builder\nWORKDIR /app\nCOPY package*.json ./\nCOPY apps/${NAME} apps/${NAME}\nFROM node:22\nARG NAME\nCOPY --from=builder /app /app\nWORKDIR /app/apps/${NAME}\nCMD [\"node\", \"server.js\"]\n";
        check(dockerfile, "apps/web");
    }
}
