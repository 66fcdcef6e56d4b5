//! Deployments by scripts: which scripts deploy, and what each command does to the source, the
//! images, what runs, and what requests reach.

use std::collections::BTreeSet;
use std::sync::Arc;

use plimsoll_model::container::{Container, ContainerKind};
use plimsoll_model::flow::{Command, Flow, RegionKind};
use plimsoll_model::purpose::Purpose;
use plimsoll_model::script::Program;
use plimsoll_source::{Span, TextRange, normalize_path};

use crate::proxies::{self, is_inside};
use crate::scripts::{commands, is_named};
use crate::{Cx, ScriptSubject};

/// Words of a file's name that make it a script that deploys, if it starts anything.
const DEPLOYS: [&str; 9] = [
    "deploy",
    "deployment",
    "redeploy",
    "rollout",
    "rollback",
    "promote",
    "canary",
    "bluegreen",
    "green",
];
/// Words that make it one if it also gets a new version: other source, or images.
const MAY_DEPLOY: [&str; 7] =
    ["release", "upgrade", "update", "production", "prod", "live", "restart"];
/// Words that make it something else: a test, a tool for developers, a restore.
const OTHERS: [&str; 22] = [
    "e2e",
    "test",
    "tests",
    "ci",
    "dev",
    "develop",
    "development",
    "local",
    "debug",
    "load",
    "chaos",
    "bench",
    "demo",
    "example",
    "playground",
    "restore",
    "pitr",
    "drill",
    "staging",
    "backup",
    "setup",
    "install",
];

/// Whether a script deploys to where it runs: it starts containers, and by its name or by what it
/// does to the source it is no developer's.
pub(crate) fn is_deployer(cx: &Cx<'_>, program: &Program) -> bool {
    let fetches = || {
        commands(program).any(|command| {
            let pulled = command.compose().is_some_and(|compose| compose.verb == "pull");
            let docker = command.program() == "docker"
                && command.args().first().is_some_and(|first| first == "pull");
            pulled || docker || moves_source(command)
        })
    };
    let moves = || program.target.is_none() && commands(program).any(moves_source);
    !is_named(cx, program, &OTHERS)
        && commands(program).any(starts)
        && (is_named(cx, program, &DEPLOYS)
            || moves()
            || is_named(cx, program, &MAY_DEPLOY) && fetches())
}

/// Whether a script is, by its name, a test, a developer's tool or a restore.
pub(crate) fn is_others(cx: &Cx<'_>, program: &Program) -> bool {
    is_named(cx, program, &OTHERS)
}

/// Production scripts that deploy.
pub(crate) fn deployers<'a>(cx: &Cx<'a>) -> impl Iterator<Item = ScriptSubject<'a>> + use<'a> {
    let cx = *cx;
    cx.operational_scripts().filter(move |script| is_deployer(&cx, script))
}

/// The verb of `git` and the words behind it.
pub(crate) fn git(command: &Command) -> Option<(&str, &[String])> {
    if command.program() != "git" || !command.is_run() {
        return None;
    }
    let args = command.args();
    let mut at = 0;
    while let Some(word) = args.get(at).filter(|word| word.starts_with('-')) {
        at +=
            if matches!(word.as_str(), "-C" | "-c" | "--git-dir" | "--work-tree") { 2 } else { 1 };
    }
    Some((args.get(at)?, args.get(at + 1..).unwrap_or_default()))
}

/// Whether a command puts other source into the work tree.
pub(crate) fn moves_source(command: &Command) -> bool {
    let Some((verb, args)) = git(command) else { return false };
    let has = |word: &str| args.iter().any(|arg| arg == word);
    match verb {
        "pull" | "merge" => !has("--abort"),
        "reset" => has("--hard"),
        "checkout" | "switch" => {
            !has("--") && !has("-b") && !has("-c") && args.iter().any(|arg| !arg.starts_with('-'))
        }
        _ => false,
    }
}

/// Whether what a command takes the source to is the head of a remote branch.
pub(crate) fn moves_to_remote(command: &Command) -> bool {
    let Some((verb, args)) = git(command) else { return false };
    let remote =
        args.iter().any(|arg| arg.starts_with("origin/") || arg == "FETCH_HEAD" || arg == "@{u}");
    match verb {
        "pull" => true,
        "reset" | "checkout" | "merge" | "switch" => remote && moves_source(command),
        _ => false,
    }
}

/// Whether changes of the work tree, or files that git does not know, are lost by a command.
pub(crate) fn destroys(command: &Command) -> Option<&'static str> {
    let (verb, args) = git(command)?;
    let has = |word: &str| args.iter().any(|arg| arg == word);
    // `-e.env` is no bundle of letters.
    let short = |c: char| {
        let mut bundles =
            args.iter().filter(|arg| !arg.starts_with("--") && !arg.starts_with("-e"));
        bundles.any(|arg| arg.starts_with('-') && arg.contains(c))
    };
    let dry = has("--dry-run") || short('n');
    match verb {
        "reset" if has("--hard") => Some("changes on the host are lost"),
        "clean" if dry => None,
        "clean" if short('x') || short('X') => Some("files that git does not know are lost"),
        "clean" if (short('f') || has("--force")) && short('d') => {
            Some("files that git does not know are lost")
        }
        "checkout" if short('f') || has("--force") => Some("changes on the host are lost"),
        "checkout" | "restore" if has(".") => Some("changes on the host are lost"),
        _ => None,
    }
}

/// Whether a script works on a copy of its own: it clones, or makes a directory for a while.
pub(crate) fn works_on_a_copy(program: &Program, command: &Command) -> bool {
    let elsewhere = command.words.windows(2).any(|pair| {
        pair[0] == "-C"
            && (pair[1].to_ascii_lowercase().contains("tmp") || pair[1].contains("mktemp"))
    });
    // A clone that is only made where there is none is the work tree itself.
    let earlier = commands(program).take_while(|earlier| earlier.at < command.at);
    elsewhere
        || earlier.filter(|earlier| program.flow.passes(earlier, command)).any(|earlier| {
            git(earlier).is_some_and(|(verb, _)| matches!(verb, "clone" | "init" | "worktree"))
        })
}

/// The text of a place in a script: of what is in memory, since reading a file again costs.
pub(crate) fn text_at(cx: &Cx<'_>, at: Span) -> Option<String> {
    let mut programs = cx.delivery.programs.iter();
    let script = programs.find(|program| program.file == at.file && program.target.is_none());
    let Some(script) = script else { return cx.text_of(at) };
    Some(String::from_utf8_lossy(at.range.slice(script.text.text())).into_owned())
}

/// Where a command is said: a wrapper's `"$@"` is said by whoever calls the wrapper.
pub(crate) fn place(cx: &Cx<'_>, flow: &Flow, command: &Command) -> Span {
    lifted(cx, flow, command).0
}

/// The same, and where the function that says it is called.
fn lifted(cx: &Cx<'_>, flow: &Flow, command: &Command) -> (Span, Option<Span>) {
    let passes_on = |span: Span| {
        text_at(cx, span).is_some_and(|text| {
            let text = text.trim_start_matches(['"', '$', '{']);
            text.starts_with('@') || text.starts_with('*')
        })
    };
    let mut at = command.span;
    let calls = flow.around(command.region).filter_map(|(_, region)| match region.kind {
        RegionKind::Function { call: Some(call), .. } => flow.commands.get(call),
        _ => None,
    });
    for call in calls {
        if !passes_on(at) {
            return (at, Some(call.span));
        }
        at = call.span;
    }
    (at, None)
}

/// The commands by which a script rolls back: all of one that is called so, else those of its
/// functions that are, called or set as a trap.
pub(crate) fn way_back<'a>(
    cx: &Cx<'_>,
    program: &'a Program,
) -> impl Iterator<Item = &'a Command> + use<'a> {
    let whole = is_named(cx, program, &["rollback", "revert"]);
    let flow = &program.flow;
    flow.commands.iter().filter(move |command| {
        let back = |region: &RegionKind| match region {
            RegionKind::Function { name, .. } => {
                let name = name.to_ascii_lowercase().replace(['_', '-'], "");
                name.contains("rollback") || name.contains("revert")
            }
            _ => false,
        };
        match whole {
            true => !flow.is_aside(command),
            false => {
                let idle =
                    |kind: &RegionKind| matches!(kind, RegionKind::Function { call: None, .. });
                flow.around(command.region).any(|(_, region)| back(&region.kind))
                    && !flow.around(command.region).any(|(_, region)| idle(&region.kind))
            }
        }
    })
}

/// Whether a command takes a platform back to the revision before.
pub(crate) fn undoes(command: &Command) -> bool {
    let has = |word: &str| command.args().iter().any(|arg| arg == word);
    command.is_run()
        && match command.program() {
            "kubectl" => has("rollout") && has("undo"),
            "helm" => has("rollback"),
            "docker" => has("service") && (has("rollback") || has("--rollback")),
            _ => false,
        }
}

/// Whether a command builds an image.
pub(crate) fn builds(command: &Command) -> bool {
    if !command.is_run() {
        return false;
    }
    if let Some(compose) = command.compose() {
        let has = |word: &str| compose.args.iter().any(|arg| arg == word);
        return compose.verb == "build" || compose.verb == "up" && has("--build");
    }
    match (command.program(), command.args()) {
        ("docker" | "podman", [first, second, ..]) if first == "buildx" || first == "image" => {
            matches!(second.as_str(), "build" | "bake")
        }
        ("docker" | "podman" | "nerdctl", [first, ..]) => first == "build",
        ("buildah", [first, ..]) => first == "bud" || first == "build",
        _ => false,
    }
}

/// Whether a command starts containers, the new ones in the place of the old.
pub(crate) fn starts(command: &Command) -> bool {
    if !command.is_run() {
        return false;
    }
    if let Some(compose) = command.compose() {
        // In the foreground it is a developer's.
        let detached = |arg: &String| {
            let short = arg.starts_with('-') && !arg.starts_with("--") && arg.contains('d');
            short || matches!(arg.as_str(), "--detach" | "--wait")
        };
        return compose.verb == "up" && compose.args.iter().any(detached);
    }
    match (command.program(), command.args()) {
        ("docker", [first, second, ..]) if first == "stack" || first == "service" => {
            matches!(second.as_str(), "deploy" | "update")
        }
        ("docker", [first, ..]) if first == "rollout" => true,
        ("docker" | "podman", [first, rest @ ..]) if first == "run" => {
            rest.iter().any(|arg| arg == "-d" || arg == "--detach")
        }
        _ => false,
    }
}

/// The colour, or what else tells a copy of a service from the other; without it, its name.
pub(crate) fn split_colour(name: &str) -> Option<(&str, &str)> {
    let (base, colour) = name.rsplit_once(['-', '_'])?;
    matches!(colour, "blue" | "green" | "canary" | "a" | "b").then_some((base, colour))
}

/// Whether a word names a copy of a service: by its colour, or by a variable at its end.
pub(crate) fn is_coloured(word: &str) -> bool {
    split_colour(word).is_some_and(|(_, colour)| matches!(colour, "blue" | "green" | "canary"))
        || word.contains("-$")
        || word.contains("_$")
        || word.ends_with('}') && word.contains("-${")
}

/// Services of compose that stand in two colours: the name they share.
pub(crate) fn pairs(cx: &Cx<'_>) -> Arc<BTreeSet<String>> {
    cx.once(|once| &once.pairs, || Arc::new(pairs_of(cx)))
}

fn pairs_of(cx: &Cx<'_>) -> BTreeSet<String> {
    let names: BTreeSet<&str> =
        cx.delivery.containers.iter().map(|container| &*container.name).collect();
    let bases = names.iter().filter_map(|name| split_colour(name)).filter(|(base, colour)| {
        let other = |colour: &str| {
            ['-', '_'].iter().any(|c| names.contains(&*format!("{base}{c}{colour}")))
        };
        matches!(*colour, "blue" | "a") && (other("green") || *colour == "a" && other("b"))
    });
    bases.map(|(base, _)| base.to_owned()).collect()
}

/// Whether a command makes a proxy read its configuration again.
pub(crate) fn reloads(command: &Command) -> bool {
    let words: Vec<&str> =
        command.words.iter().map(|word| word.rsplit('/').next().unwrap_or(word)).collect();
    let follows = |first: &str, second: &str| {
        words.windows(2).any(|pair| pair[0] == first && pair[1] == second)
    };
    if !command.is_run() {
        return false;
    }
    follows("caddy", "reload")
        || follows("-s", "reload")
        || words
            .iter()
            .any(|word| word.contains("nginx -s reload") || word.contains("caddy reload"))
        || matches!(command.program(), "systemctl" | "service")
            && words.contains(&"reload")
            && words.iter().any(|word| is_proxy_name(word))
}

/// Whether a name is one of a proxy.
pub(crate) fn is_proxy_name(name: &str) -> bool {
    const NAMES: [&str; 8] =
        ["caddy", "nginx", "traefik", "haproxy", "proxy", "envoy", "gateway", "ingress"];
    let name = name.trim_end_matches(".service").to_ascii_lowercase();
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| NAMES.contains(&part))
        || name.contains("nginx")
}

/// Whether a command stops a proxy and starts it again.
pub(crate) fn restarts_proxy(command: &Command) -> bool {
    if !command.is_run() {
        return false;
    }
    let proxy = |words: &[String]| words.iter().any(|word| is_proxy_name(word));
    if let Some(compose) = command.compose() {
        let forced = compose.args.iter().any(|arg| arg == "--force-recreate");
        return (compose.verb == "restart" || compose.verb == "up" && forced)
            && (proxy(compose.args) || compose.services().is_empty());
    }
    match (command.program(), command.args()) {
        ("docker" | "podman", [first, rest @ ..]) => first == "restart" && proxy(rest),
        ("systemctl", [first, rest @ ..]) => first == "restart" && proxy(rest),
        ("service", [name, verb, ..]) => verb == "restart" && is_proxy_name(name),
        _ => false,
    }
}

/// Services that requests reach: those that a proxy's configuration names, and where there is none,
/// those that publish a port.
pub(crate) fn reached(cx: &Cx<'_>) -> BTreeSet<String> {
    let routes = proxies::asked(cx).flat_map(|proxy| &proxy.routes);
    let hosts = routes.flat_map(|route| &route.upstreams).map(|upstream| &upstream.host);
    let found: BTreeSet<String> = hosts.filter(|host| is_inside(host)).cloned().collect();
    if !found.is_empty() {
        return found;
    }
    composed(cx)
        .filter(|container| container.ports.iter().any(|port| port.host.is_some()))
        .filter(|container| container.keeps.is_none())
        .map(|container| container.name.clone())
        .collect()
}

/// Production containers of compose.
pub(crate) fn composed<'a>(cx: &Cx<'a>) -> impl Iterator<Item = &'a Container> + use<'a> {
    let all = cx.delivery.containers.iter();
    all.filter(|c| matches!(c.kind, ContainerKind::Compose { .. }) && c.purpose.is_production())
}

/// The container of compose that a word names; `$` in it stands for anything.
pub(crate) fn container<'a>(cx: &Cx<'a>, word: &str) -> Option<&'a Container> {
    let known = word.split('$').next().unwrap_or(word);
    let mut all =
        cx.delivery.containers.iter().filter(|c| matches!(c.kind, ContainerKind::Compose { .. }));
    match known == word {
        true => all.find(|container| container.name == word),
        false if known.len() > 1 => all.find(|container| container.name.starts_with(known)),
        false => None,
    }
}

/// Where the program that a command stands in sets about it: the innermost call of a function that
/// is no wrapper, or itself.
pub(crate) fn nearest_call(cx: &Cx<'_>, flow: &Flow, command: &Command) -> Span {
    let (at, call) = lifted(cx, flow, command);
    call.unwrap_or(at)
}

/// The function that a command stands in, by the place of its call; `None` for the program itself.
pub(crate) fn function(flow: &Flow, command: &Command) -> Option<(String, usize)> {
    flow.around(command.region).find_map(|(_, region)| match &region.kind {
        RegionKind::Function { name, call: Some(call) } => Some((name.clone(), *call)),
        _ => None,
    })
}

/// A path of the tree that a text of a script names: `./x` from the root, or as its command sees it.
pub(crate) fn tree_path(cx: &Cx<'_>, command: &Command, text: &str, start: &str) -> Option<String> {
    if let Some(rest) = text.strip_prefix("./").filter(|rest| !rest.contains(['$', '`']))
        && let Some(path) = normalize_path(rest.trim_start_matches('/'))
        && (cx.delivery.tree.find(&path).is_some() || rest.starts_with('/'))
    {
        return Some(path);
    }
    command.path_of(text, start)
}

/// The files of the tree that a script writes, by redirections, `tee`, `cp`, `sed -i`: each with the
/// command.
pub(crate) fn writes<'a>(cx: &Cx<'_>, program: &'a Program) -> Vec<(String, &'a Command)> {
    let dir = cx.path(program.file).rsplit_once('/').map_or("", |(dir, _)| dir);
    let mut found: Vec<(String, &Command)> = Vec::new();
    for command in commands(program) {
        let redirects = program.flow.redirects(command).filter(|redirect| redirect.writes());
        let files = redirects.map(|redirect| redirect.target.as_str()).chain(edited(command));
        for file in files {
            let Some(path) = tree_path(cx, command, file, dir) else { continue };
            if !found.iter().any(|(known, _)| *known == path) {
                found.push((path, command));
            }
        }
    }
    found
}

/// The file that a command writes by its own arguments.
fn edited(command: &Command) -> Option<&str> {
    let in_place = command.args().iter().any(|w| w.starts_with("-i") || w == "--in-place");
    match command.program() {
        "tee" | "cp" | "mv" | "install" => {}
        "sed" | "perl" | "yq" if in_place => {}
        _ => return None,
    }
    let file = command.args().last().filter(|file| !file.starts_with('-'));
    file.filter(|_| command.is_run()).map(String::as_str)
}

/// Whether a command looks whether something that was started is well.
pub(crate) fn waits(command: &Command) -> bool {
    const STATES: [&str; 5] = ["/health", "/ready", "/livez", "/ping", "/status"];
    let text = |needle: &str| command.words.iter().any(|word| word.contains(needle));
    let asks = matches!(command.program(), "curl" | "wget" | "http" | "nc")
        || text("urlopen")
        || text("wget")
        || text("curl")
        || text("fetch(");
    let inspects =
        command.program() == "docker" && (text("inspect") && (text("Health") || text("Status")));
    let listed =
        command.compose().is_some_and(|c| c.verb == "ps" && (text("json") || text("healthy")));
    let wait = command.compose().is_some_and(|c| {
        c.verb == "wait" || c.verb == "up" && c.args.iter().any(|arg| arg == "--wait")
    });
    (asks && STATES.iter().any(|state| text(state))) || inspects || listed || wait
}

/// The commands of a script that write a proxy's configuration, by themselves or by a script that
/// they run.
pub(crate) fn switches<'a>(cx: &Cx<'a>, program: &'a Program) -> Vec<&'a Command> {
    let configures = |program: &Program| {
        writes(cx, program).into_iter().find_map(|(path, command)| {
            let proxies = &cx.delivery.proxies;
            proxies.iter().any(|proxy| cx.path(proxy.file) == path).then_some(command.at)
        })
    };
    let dir = cx.path(program.file).rsplit_once('/').map_or("", |(dir, _)| dir);
    let own = |command: &Command| {
        let mut redirects = program.flow.redirects(command).filter(|redirect| redirect.writes());
        redirects.any(|redirect| {
            let path = tree_path(cx, command, &redirect.target, dir);
            path.is_some_and(|p| cx.delivery.proxies.iter().any(|x| cx.path(x.file) == p))
        })
    };
    let by_script = |command: &Command| {
        let called = crate::scripts::called(cx, program, command);
        called.is_some_and(|other| other.file != program.file && configures(other).is_some())
    };
    commands(program).filter(|command| own(command) || by_script(command)).collect()
}

/// Where some production script takes the work tree back to what is committed.
pub(crate) fn resets(cx: &Cx<'_>) -> Option<Span> {
    cx.operational_scripts().find_map(|script| {
        let mut all = commands(script.program);
        let found = all.find(|c| moves_source(c) && !works_on_a_copy(script.program, c));
        found.map(|command| command.span)
    })
}

/// Whether a command asks something over HTTP.
pub(crate) fn is_client(command: &Command) -> bool {
    let inner = |name: &str| command.words.iter().any(|word| word.rsplit('/').next() == Some(name));
    command.is_run()
        && (matches!(command.program(), "curl" | "wget" | "http" | "xh" | "httpie")
            || command
                .compose()
                .is_some_and(|c| c.verb == "exec" && (inner("curl") || inner("wget"))))
}

/// The first line of source below a directory that registers a route of one of these paths: the
/// path, quoted, in a call or a decorator. For programs that cannot be followed.
pub(crate) fn registered(cx: &Cx<'_>, dir: &str, paths: &[&str]) -> Option<(String, Span)> {
    const ENDS: [&str; 10] =
        [".py", ".js", ".ts", ".mjs", ".cjs", ".go", ".rb", ".rs", ".java", ".php"];
    const CALLS: [&str; 8] =
        ["get(", "route(", "path(", "handle", "mapping(", "any(", "use(", "all("];
    const MAX_FILES: usize = 2_000;
    const MAX_LEN: u64 = 128 * 1024;
    let tree = &cx.delivery.tree;
    let is_source = |path: &str| {
        ENDS.iter().any(|end| path.ends_with(end)) && Purpose::of_path(path).is_production()
    };
    let files = tree.under(dir).filter(|file| is_source(tree.path(*file))).take(MAX_FILES);
    for file in files.filter(|file| tree.entry(*file).len <= MAX_LEN) {
        let Ok(bytes) = tree.read(file) else { continue };
        let Ok(text) = std::str::from_utf8(&bytes) else { continue };
        if !paths.iter().any(|path| text.contains(path)) {
            continue;
        }
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let found = paths.iter().find(|path| {
                ['"', '\'', '`'].iter().any(|quote| line.contains(&format!("{quote}{path}{quote}")))
            });
            if let Some(path) = found
                && !line.trim_start().starts_with(['#', '/', '*'])
                && CALLS.iter().any(|call| line.to_ascii_lowercase().contains(call))
            {
                let range = TextRange::of(start, start + line.trim_end().len());
                return Some(((*path).to_owned(), Span::new(file, range)));
            }
            start += line.len();
        }
    }
    None
}

/// Whether a command changes what runs in a cluster.
pub(crate) fn changes_cluster(command: &Command) -> bool {
    const VERBS: [&str; 14] = [
        "apply",
        "delete",
        "set",
        "replace",
        "patch",
        "scale",
        "create",
        "drain",
        "cordon",
        "edit",
        "upgrade",
        "install",
        "rollback",
        "uninstall",
    ];
    let verb = command.args().iter().any(|word| VERBS.contains(&word.as_str()));
    let restarts = command
        .args()
        .windows(2)
        .any(|pair| pair[0] == "rollout" && matches!(pair[1].as_str(), "restart" | "undo"));
    command.is_run()
        && matches!(command.program(), "kubectl" | "oc" | "helm" | "helmfile")
        && (verb || restarts)
        && !command.args().iter().any(|word| word.starts_with("--dry-run"))
}

/// Tags that are moved to each new version.
pub(crate) const MOVING: [&str; 6] = ["latest", "stable", "main", "master", "prod", "production"];

/// The images that a command deploys by their names: `docker pull`, `docker run -d`, `docker service
/// update --image`, `kubectl set image`, a chart's tag.
pub(crate) fn images(command: &Command) -> Vec<&str> {
    if !command.is_run() {
        return Vec::new();
    }
    let args: Vec<&str> = command.args().iter().map(String::as_str).collect();
    match (command.program(), args.as_slice()) {
        ("docker" | "podman", ["pull", rest @ ..]) => {
            rest.iter().copied().filter(|word| !word.starts_with('-')).collect()
        }
        ("docker" | "podman", ["run", ..]) if starts(command) => {
            command.run_image().into_iter().collect()
        }
        ("docker", ["service", "update", rest @ ..]) => {
            let at = rest.iter().position(|word| *word == "--image");
            let long = rest.iter().find_map(|word| word.strip_prefix("--image="));
            at.and_then(|at| rest.get(at + 1).copied()).or(long).into_iter().collect()
        }
        ("kubectl", ["set", "image", rest @ ..]) => {
            rest.iter().filter_map(|word| Some(word.split_once('=')?.1)).collect()
        }
        _ => Vec::new(),
    }
}
