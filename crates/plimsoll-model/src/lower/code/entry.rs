//! The module that a service's container starts.

use plimsoll_source::{FileId, Span};

use super::graph::Graph;
use super::next;
use crate::entrypoint::Startup;
use crate::fact::{Fact, How, Origin, Why};
use crate::filesystem::{Filesystem, Found};
use crate::image::Image;
use crate::package::Package;
use crate::package::script;
use crate::path;
use crate::service::Service;
use crate::{ContainerId, Delivery};

/// Programs that run the module that they are given.
const RUNNERS: [&str; 16] = [
    "node",
    "nodejs",
    "ts-node",
    "ts-node-dev",
    "ts-node-esm",
    "tsx",
    "bun",
    "nodemon",
    "babel-node",
    "esno",
    "swc-node",
    "pm2-runtime",
    "pm2-docker",
    "forever",
    "node-dev",
    "deno",
];
/// Options of theirs that take a word.
const TAKES: [&str; 22] = [
    "-r",
    "--require",
    "--import",
    "--loader",
    "--experimental-loader",
    "-P",
    "--project",
    "-C",
    "--conditions",
    "--env-file",
    "-e",
    "--ext",
    "-w",
    "--watch",
    "-i",
    "--instances",
    "-n",
    "--name",
    "--tsconfig",
    "--conditions",
    "-c",
    "--config",
];
/// Options of package managers that say which package is meant: by name or directory.
const DIRECTS: [&str; 8] =
    ["--filter", "-F", "--prefix", "-C", "--dir", "--cwd", "-w", "--workspace"];
/// Package managers that run a script.
const MANAGERS: [&str; 4] = ["npm", "yarn", "pnpm", "bun"];

/// The entry module of a service, or of one of its containers; `None` where what it starts is no JavaScript.
pub(super) fn find(
    graph: &Graph<'_>,
    service: &Service,
    only: Option<ContainerId>,
) -> Option<Fact<FileId>> {
    let delivery = graph.delivery;
    let package = service.package.map(|id| &delivery[id]).filter(|package| package.is_node());
    let mut found: Option<Fact<FileId>> = None;
    for &id in &service.images {
        let image = &delivery[id];
        let containers: Vec<_> = service
            .containers
            .iter()
            .copied()
            .filter(|&one| delivery[one].image_id == Some(id) && !delivery[one].job)
            .filter(|&one| only.is_none_or(|only| only == one))
            .map(Some)
            .collect();
        if only.is_some() && containers.is_empty() {
            continue;
        }
        let containers = if containers.is_empty() { vec![None] } else { containers };
        for container in containers {
            let Some(startup) = delivery.startups.get(&(id, container)) else { continue };
            let one = of_startup(graph, image, package, startup);
            found = match (found, one) {
                (None, one) => one,
                (Some(Fact::Known { value: a, at, how }), Some(Fact::Known { value: b, .. })) => {
                    Some(if a == b {
                        Fact::Known { value: a, at, how }
                    } else {
                        Fact::Unknown(Why::Conflicting, at.span)
                    })
                }
                (found, _) => found,
            };
        }
    }
    found
}

fn of_startup(
    graph: &Graph<'_>,
    image: &Image,
    package: Option<&Package>,
    startup: &Startup,
) -> Option<Fact<FileId>> {
    let words: Vec<(String, Span)> = startup.app.clone();
    if words.is_empty() {
        let (why, at) = startup.unknown?;
        return package.map(|_| Fact::Unknown(why, Some(at)));
    }
    started(graph, image, package, &words, 0)
}

fn started(
    graph: &Graph<'_>,
    image: &Image,
    package: Option<&Package>,
    words: &[(String, Span)],
    depth: usize,
) -> Option<Fact<FileId>> {
    let ((first, at), rest) = words.split_first()?;
    let name = path::name(first);
    let unknown = |why| Some(Fact::Unknown(why, Some(*at)));
    if depth > 6 {
        return unknown(Why::TooLarge);
    }
    if matches!(
        name,
        "npx" | "bunx" | "dotenv" | "cross-env" | "env" | "dotenvx" | "doppler" | "infisical"
    ) {
        let at = rest
            .iter()
            .position(|(word, _)| !word.starts_with('-') && !word.contains('=') && word != "run")?;
        return started(graph, image, package, rest.get(at..)?, depth + 1);
    }
    if MANAGERS.contains(&name)
        && let Some(script) = script_name(name, rest)
    {
        let package = directed(graph, package?, rest);
        let Some(package) = package else { return unknown(Why::Dynamic) };
        let Some(script) = package.script(&script) else {
            return if name == "bun" {
                module(graph, image, Some(package), rest)
            } else {
                unknown(Why::NeedsBuild)
            };
        };
        let all = script::calls(&graph.delivery.packages, package, script);
        // What runs last is what stays.
        let Some(last) = all.last() else { return unknown(Why::Dynamic) };
        let package = last.package;
        let words: Option<Vec<(String, Span)>> =
            last.words.iter().map(|word| Some((word.clone()?, script.span))).collect();
        let Some(words) = words else { return unknown(Why::Dynamic) };
        return started(graph, image, Some(package), &words, depth + 1)
            .or_else(|| unknown(Why::Unsupported));
    }
    if name == "nest" {
        let found = package.and_then(|p| path::join(&p.dir, "src/main.ts"));
        return match found.and_then(|at| graph.cx.tree.find(&at)) {
            Some(file) => Some(known(file, *at)),
            None => unknown(Why::Unsupported),
        };
    }
    // A program by the path that its package has it at.
    let by_path = |word: &str| {
        let own = word.ends_with("next/dist/bin/next") || word.ends_with(".bin/next");
        own.then(|| "next".to_owned())
    };
    if RUNNERS.contains(&name)
        && let Some(index) = rest.iter().position(|(word, _)| !word.starts_with('-'))
        && let Some(program) = by_path(&rest[index].0)
    {
        let words = [&[(program, rest[index].1)], &rest[index + 1..]].concat();
        return started(graph, image, package, &words, depth + 1);
    }
    if name == "concurrently" {
        return together(graph, image, rest, *at, depth);
    }
    if RUNNERS.contains(&name) {
        return module(graph, image, package, rest).or_else(|| unknown(Why::NeedsRun));
    }
    if is_module(first) {
        return module(graph, image, package, words);
    }
    if name == "next"
        && rest
            .first()
            .is_none_or(|(verb, _)| verb == "start" || verb == "dev" || next::option(verb))
        && let Some(package) = package
    {
        return Some(known(package.manifest, *at));
    }
    if matches!(name, "next" | "nuxt" | "remix-serve" | "fastify" | "serve" | "sails" | "strapi") {
        return unknown(Why::Unsupported);
    }
    None
}

/// What several commands start side by side: the one that Next serves, `cd apps/web && next start`.
fn together(
    graph: &Graph<'_>,
    image: &Image,
    commands: &[(String, Span)],
    at: Span,
    depth: usize,
) -> Option<Fact<FileId>> {
    let delivery = graph.delivery;
    let served = commands.iter().find_map(|(command, _)| {
        let (dir, command) = command.strip_prefix("cd ")?.split_once("&&")?;
        let command = command.trim().trim_start_matches("exec ");
        let words: Vec<(String, Span)> =
            command.split_whitespace().map(|word| (word.to_owned(), at)).collect();
        let starts = words.first().is_some_and(|(word, _)| word == "next");
        let dir = dir.trim().trim_end_matches('/');
        let own = |package: &&Package| {
            package.is_node()
                && !package.dir.is_empty()
                && dir.ends_with(&format!("/{}", package.dir))
        };
        let package = delivery.packages.iter().find(own).filter(|_| starts)?;
        started(graph, image, Some(package), &words, depth + 1)
    });
    served.or(Some(Fact::Unknown(Why::Unsupported, Some(at))))
}

fn is_module(word: &str) -> bool {
    [".js", ".mjs", ".cjs", ".ts", ".mts"].iter().any(|end| word.ends_with(end))
}

/// The script that `npm start`, `yarn run serve` … name.
fn script_name(manager: &str, rest: &[(String, Span)]) -> Option<String> {
    let mut takes = false;
    let mut words = rest.iter().map(|(word, _)| &**word).filter(|word| {
        let value = std::mem::replace(&mut takes, DIRECTS.contains(word));
        !value && !word.starts_with('-')
    });
    let first = words.next()?;
    match first {
        "run" | "run-script" => words.next().map(str::to_owned),
        "start" | "test" => Some(first.to_owned()),
        "workspace" if manager == "yarn" => {
            words.next()?;
            let script = words.next()?;
            if script == "run" { words.next() } else { Some(script) }.map(str::to_owned)
        }
        "workspace" | "exec" | "dlx" | "node" => None,
        other if manager != "npm" => Some(other.to_owned()),
        _ => None,
    }
}

/// The package whose script is run: that of the working directory, or the one that is named.
fn directed<'p>(
    graph: &Graph<'p>,
    package: &'p Package,
    rest: &[(String, Span)],
) -> Option<&'p Package> {
    let given = rest.iter().enumerate().find_map(|(index, (word, _))| match word.split_once('=') {
        Some((option, value)) if DIRECTS.contains(&option) => Some(value),
        _ if DIRECTS.contains(&&**word) || (index == 0 && word == "workspace") => {
            rest.get(index + 1).map(|(value, _)| &**value)
        }
        _ => None,
    });
    let Some(given) = given else { return Some(package) };
    // A directory is named from the package's own, or from a workspace's root above it.
    let dirs: Vec<String> =
        path::ancestors(&package.dir).filter_map(|dir| path::join(dir, given)).collect();
    let mut packages = graph.delivery.packages.iter().filter(|package| package.is_node());
    packages.find(|package| package.name.as_deref() == Some(given) || dirs.contains(&package.dir))
}

/// The module among the words after a runner.
fn module(
    graph: &Graph<'_>,
    image: &Image,
    package: Option<&Package>,
    words: &[(String, Span)],
) -> Option<Fact<FileId>> {
    let mut index = 0;
    while let Some((word, at)) = words.get(index) {
        index += 1;
        if TAKES.contains(&&**word) {
            index += 1;
            continue;
        }
        if word.starts_with('-') || (matches!(&**word, "run" | "watch" | "start") && index == 1) {
            continue;
        }
        return Some(match locate(graph, image, package, word) {
            Some(file) => known(file, *at),
            // What `output: 'standalone'` makes.
            None if path::name(word) == "server.js"
                && let Some(package) = standing_alone(graph, package, word) =>
            {
                known(package.manifest, *at)
            }
            None => Fact::Unknown(Why::NeedsBuild, Some(*at)),
        });
    }
    None
}

/// The package whose `server.js` this is: in a workspace it lies below the package's directory.
fn standing_alone<'p>(
    graph: &Graph<'p>,
    package: Option<&'p Package>,
    word: &str,
) -> Option<&'p Package> {
    let dir = path::parent(word.trim_start_matches("./"));
    let named = |one: &&Package| one.is_node() && !dir.is_empty() && one.dir == dir;
    let found = graph.delivery.packages.iter().find(named).or(package);
    found.filter(|one| next::stands_alone(graph, one))
}

fn known(file: FileId, at: Span) -> Fact<FileId> {
    Fact::Known { value: file, at: Origin::at(at), how: How::Inferred }
}

/// The file of the tree behind a path in the image: itself, or the source that it is made of.
fn locate(
    graph: &Graph<'_>,
    image: &Image,
    package: Option<&Package>,
    word: &str,
) -> Option<FileId> {
    let delivery: &Delivery = graph.delivery;
    let stage = image.target?;
    let workdir = image
        .stages
        .get(stage)
        .and_then(|stage| stage.config.workdir.clone())
        .unwrap_or_else(|| "/".to_owned());
    let absolute = crate::lower::absolute(&workdir, word);
    let is_source = |file: FileId| is_module(delivery.tree.path(file));
    for ending in ["", ".js", "/index.js", ".ts", ".mjs", ".cjs"] {
        let at = format!("{}{ending}", absolute.trim_end_matches('/'));
        if let Found::File { file, .. } = Filesystem::new(delivery, image).find(stage, &at)
            && is_source(file)
        {
            return Some(file);
        }
    }
    let inside =
        absolute.strip_prefix(&*workdir).map_or(&*absolute, |rest| rest.trim_start_matches('/'));
    if let Some(package) = package {
        if inside.is_empty() {
            let (main, _) = package.main.as_ref()?;
            return graph.emitted(package, main);
        }
        if let Some(file) = graph.emitted(package, inside) {
            return Some(file);
        }
    }
    // From the root of a workspace: `node apps/api/dist/main.js`.
    let mut nearest: Vec<&Package> = delivery
        .packages
        .iter()
        .filter(|p| p.is_node() && !p.dir.is_empty() && path::below(&p.dir, inside).is_some())
        .collect();
    nearest.sort_by_key(|p| std::cmp::Reverse(p.dir.len()));
    nearest.iter().find_map(|p| graph.emitted(p, path::below(&p.dir, inside)?))
}
