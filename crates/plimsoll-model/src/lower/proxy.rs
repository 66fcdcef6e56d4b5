//! Proxies: which files configure Caddy and nginx, what they import, which sites and upstreams they
//! have, and who is given them.
//!
//! Sources of the rules: Caddy's documentation, «Caddyfile Concepts», `import`, `reverse_proxy`;
//! nginx's documentation of `include`, `listen`, `server_name`, `upstream`, `proxy_pass`; the page of
//! the official image on `templates`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use plimsoll_source::{FileId, Span, Tracking};
use plimsoll_syntax::directives::{DirectiveId, Directives, Word};
use plimsoll_syntax::{caddyfile, nginx};

use super::cx::Cx;
use super::purpose;
use crate::ContainerId;
use crate::container::{Container, Mount};
use crate::delivery::Problem;
use crate::image::{CopyFrom, Image, StepKind};
use crate::path;
use crate::proxy::{Listen, Node, Proxy, ProxyMount, Route, Server, Site, Upstream, is_import};

/// Larger files configure nothing that people wrote.
const MAX_LEN: u64 = 512 * 1024;
/// How deep imports may lie in each other.
const MAX_IMPORTS: usize = 16;
/// The most directives that one configuration may come to.
const MAX_NODES: usize = 20_000;
/// The most files that one glob brings in.
const MAX_GLOB: usize = 64;

/// The most imports of one file whose files are looked for.
const MAX_INCLUDES: usize = 256;

/// Every configuration, in path order.
pub(super) fn read(cx: &Cx<'_>, containers: &[Container], images: &[Image]) -> Vec<Proxy> {
    let given = given(cx, containers, images);
    let mut files: BTreeMap<FileId, File> = BTreeMap::new();
    for (file, entry) in cx.tree.entries() {
        if entry.tracking == Tracking::Ignored
            || entry.len > MAX_LEN
            || purpose::is_vendored(&entry.path)
        {
            continue;
        }
        let targets = given.get(&file).map_or(&[][..], Vec::as_slice);
        let Some((server, sure)) = server(&entry.path, targets) else { continue };
        if let Some(read) = open(cx, file, server, sure) {
            files.insert(file, read);
        }
    }
    // What is included may have any name.
    let mut todo: Vec<(FileId, FileId)> = files.keys().map(|&file| (file, file)).collect();
    while let Some((top, file)) = todo.pop() {
        let Some(read) = files.get(&file) else { continue };
        let (server, mounts) = (read.server, given.get(&top).map_or(&[][..], Vec::as_slice));
        let wanted: BTreeSet<String> = included(read).take(MAX_INCLUDES).collect();
        for found in wanted.iter().flat_map(|w| resolve(cx, containers, mounts, file, w)) {
            let entry = cx.tree.entry(found);
            if !files.contains_key(&found)
                && entry.tracking != Tracking::Ignored
                && entry.len <= MAX_LEN
                && let Some(read) = open(cx, found, server, true)
            {
                files.insert(found, read);
                todo.push((top, found));
            }
        }
    }
    let mut proxies: Vec<Proxy> = files
        .iter()
        .map(|(&file, read)| {
            let mounts = given.get(&file).cloned().unwrap_or_default();
            lower(cx, &files, containers, file, read, mounts)
        })
        .collect();
    let includes: Vec<(FileId, Vec<FileId>)> = proxies
        .iter()
        .map(|proxy| (proxy.file, proxy.nodes.iter().map(|node| node.head.file).collect()))
        .collect();
    for proxy in &mut proxies {
        let others =
            includes.iter().filter(|(by, of)| *by != proxy.file && of.contains(&proxy.file));
        proxy.included_by = others.map(|(by, _)| *by).collect();
    }
    proxies
}

/// A file that was parsed.
struct File {
    server: Server,
    tree: Directives,
    broken: bool,
}

/// What a file imports, as written.
fn included(file: &File) -> impl Iterator<Item = String> + '_ {
    let imports = file.tree.all.iter().filter(|one| is_import(file.server, one.name()));
    let names = imports.filter_map(|one| Some(one.words.get(1)?.text.clone()));
    // What else Caddy imports is a snippet.
    names.filter(|name| file.server == Server::Nginx || name.contains(['/', '.', '*']))
}

/// The files that an import names: relative to its own, or where a mount puts them.
fn resolve(
    cx: &Cx<'_>,
    containers: &[Container],
    mounts: &[ProxyMount],
    file: FileId,
    wanted: &str,
) -> Vec<FileId> {
    let dir = path::parent(cx.tree.path(file));
    let mut found = matching(cx, path::join(dir, wanted));
    if found.is_empty() {
        let rest = wanted.strip_prefix("/etc/nginx/").or(wanted.strip_prefix("/etc/caddy/"));
        found = matching(cx, rest.and_then(|rest| path::join(dir, rest)));
    }
    for mount in mounts {
        if !found.is_empty() {
            break;
        }
        let Some(container) = containers.get(mount.container.0 as usize) else { continue };
        let added = mount.overlay.and_then(|index| container.optional.get(index));
        let added = added.map_or(&[][..], |overlay| &overlay.mounts);
        let target = |m: &Mount| {
            let rest = path::below(m.target.trim_end_matches('/'), wanted)?;
            path::join(m.tree_path.as_ref()?, rest)
        };
        let below = added.iter().chain(&container.mounts).find_map(target);
        found = matching(cx, below);
    }
    found.retain(|other| *other != file);
    found
}

/// The files of the tree that a path, or a pattern of one, names.
fn matching(cx: &Cx<'_>, wanted: Option<String>) -> Vec<FileId> {
    let Some(wanted) = wanted else { return Vec::new() };
    let Some(at) = wanted.find(['*', '?']) else {
        return cx.tree.find(&wanted).into_iter().collect();
    };
    let files = cx.tree.under(path::parent(&wanted[..at]));
    files.filter(|f| path::glob(&wanted, cx.tree.path(*f))).take(MAX_GLOB).collect()
}

/// Who reads the file at this path, as far as its name tells.
pub(crate) fn server_of_name(path: &str) -> Option<Server> {
    server(path, &[]).map(|(server, _)| server)
}

/// Who reads the file at this path, and whether its name alone says so.
fn server(path: &str, targets: &[ProxyMount]) -> Option<(Server, bool)> {
    let lower = path.to_ascii_lowercase();
    let name = path::name(&lower);
    if [".md", ".sh", ".py", ".yml", ".yaml", ".json", ".rs", ".go", ".js", ".ts", ".html"]
        .iter()
        .any(|end| name.ends_with(end))
    {
        return None;
    }
    if name == "caddyfile"
        || name.starts_with("caddyfile.")
        || name.ends_with(".caddyfile")
        || name.ends_with(".caddy")
        || targets.iter().any(|m| path::name(&m.target) == "Caddyfile")
    {
        return Some((Server::Caddy, true));
    }
    if name == "nginx.conf" {
        return Some((Server::Nginx, true));
    }
    let parts = || lower.split('/');
    let conf = [".conf", ".conf.template", ".conf.tmpl", ".template", ".nginx", ".vhost"]
        .iter()
        .any(|end| name.ends_with(end));
    let near = parts().any(|part| part.contains("nginx") || part.starts_with("sites-"))
        || targets.iter().any(|m| m.target.starts_with("/etc/nginx/"));
    (conf && near).then_some((Server::Nginx, false))
}

/// Parses a file; `None` where it turns out to be something else.
fn open(cx: &Cx<'_>, file: FileId, server: Server, sure: bool) -> Option<File> {
    const OURS: &[&str] =
        &["server", "http", "upstream", "location", "events", "proxy_pass", "map"];
    let what = match server {
        Server::Caddy => "Caddyfile",
        Server::Nginx => "nginx configuration",
    };
    let text = cx.text(file, what)?;
    let parsed = match server {
        Server::Caddy => caddyfile::parse(&text),
        Server::Nginx => nginx::parse(&text),
    };
    let known = |id: &DirectiveId| OURS.contains(&parsed.tree[*id].name());
    if server == Server::Nginx && !sure && !parsed.tree.roots.iter().any(known) {
        return None;
    }
    let bytes = text.text();
    let holds = |needle: &[u8]| memchr::memmem::find(bytes, needle).is_some();
    let template = holds(b"{%") || holds(b"{{");
    let broken = !parsed.errors.is_empty();
    if broken && !template {
        for error in &parsed.errors {
            cx.problem(Problem { span: error.span, message: error.message.clone(), what });
        }
    }
    Some(File { server, tree: parsed.tree, broken: broken || template && server == Server::Nginx })
}

/// Which files are given to containers, by their mounts and by the COPYs of their images.
fn given(
    cx: &Cx<'_>,
    containers: &[Container],
    images: &[Image],
) -> HashMap<FileId, Vec<ProxyMount>> {
    let mut found: HashMap<FileId, Vec<ProxyMount>> = HashMap::new();
    for (index, container) in containers.iter().enumerate() {
        let id = ContainerId(u32::try_from(index).unwrap_or(u32::MAX));
        let of_overlays = container.optional.iter().enumerate().flat_map(|(index, overlay)| {
            overlay.mounts.iter().map(move |mount| (Some(index), mount))
        });
        let own = container.mounts.iter().map(|mount| (None, mount));
        for (overlay, mount) in own.chain(of_overlays) {
            let Some(source) = &mount.tree_path else { continue };
            for (file, target) in placed(cx, source, &mount.target) {
                let mount = ProxyMount { container: id, span: mount.span, target, overlay };
                found.entry(file).or_default().push(mount);
            }
        }
        let image = container.image_id.and_then(|id| images.get(id.0 as usize));
        let Some((image, stage)) = image.and_then(|image| Some((image, image.final_stage()?)))
        else {
            continue;
        };
        let Some(context) = image.context.known() else { continue };
        for step in &stage.steps {
            let StepKind::Copy(copy) = &step.kind else { continue };
            let Some(dest) = copy.dest.known().filter(|_| copy.from == CopyFrom::Context) else {
                continue;
            };
            for source in copy.sources.iter().filter(|s| !s.remote && !s.dynamic) {
                let Some(source) = path::join(context, &source.path) else { continue };
                for (file, target) in placed(cx, &source, dest) {
                    let mount =
                        ProxyMount { container: id, span: step.span, target, overlay: None };
                    found.entry(file).or_default().push(mount);
                }
            }
        }
    }
    found
}

/// The files below a path of the tree, with where they are seen when it is put at `target`.
fn placed(cx: &Cx<'_>, source: &str, target: &str) -> Vec<(FileId, String)> {
    const PLACES: [&str; 4] = ["/etc/nginx", "/etc/caddy", "/usr/local/openresty", "/opt/nginx"];
    if !PLACES.iter().any(|place| path::below(place, target.trim_end_matches('/')).is_some())
        && path::name(target) != "Caddyfile"
    {
        return Vec::new();
    }
    if let Some(file) = cx.tree.find(source) {
        let target = match target.strip_suffix('/') {
            Some(dir) => format!("{dir}/{}", path::name(source)),
            None => target.to_owned(),
        };
        return vec![(file, target)];
    }
    let target = target.trim_end_matches('/');
    let files = cx.tree.under(source).take(MAX_GLOB);
    let files = files.filter_map(|file| {
        let rest = path::below(source, cx.tree.path(file))?;
        Some((file, format!("{target}/{rest}")))
    });
    files.collect()
}

fn lower(
    cx: &Cx<'_>,
    files: &BTreeMap<FileId, File>,
    containers: &[Container],
    file: FileId,
    read: &File,
    mounts: Vec<ProxyMount>,
) -> Proxy {
    let mut expansion = Expansion {
        cx,
        files,
        containers,
        mounts: &mounts,
        server: read.server,
        start: file,
        nodes: Vec::new(),
        snippets: HashMap::new(),
        unresolved: Vec::new(),
    };
    expansion.snippets(file, &read.tree);
    let roots = expansion.level(file, &read.tree.roots, None, false, &[], 0);
    let Expansion { nodes, unresolved, .. } = expansion;
    let path = cx.tree.path(file);
    let mut proxy = Proxy {
        file,
        server: read.server,
        purpose: purpose::of_path(path),
        nodes,
        roots,
        sites: Vec::new(),
        routes: Vec::new(),
        mounts,
        included_by: Vec::new(),
        unresolved,
        broken: read.broken,
    };
    proxy.sites = match proxy.server {
        Server::Caddy => caddy_sites(&proxy),
        Server::Nginx => nginx_sites(&proxy),
    };
    proxy.routes = routes(&proxy);
    proxy
}

/// Puts imports in their places.
struct Expansion<'a> {
    cx: &'a Cx<'a>,
    files: &'a BTreeMap<FileId, File>,
    containers: &'a [Container],
    mounts: &'a [ProxyMount],
    server: Server,
    start: FileId,
    nodes: Vec<Node>,
    /// Caddy's `(name) { … }`: the file, and what it holds.
    snippets: HashMap<String, (FileId, DirectiveId)>,
    unresolved: Vec<Span>,
}

impl Expansion<'_> {
    fn snippets(&mut self, file: FileId, tree: &Directives) {
        for &id in &tree.roots {
            if let Some(name) = snippet(tree[id].name()) {
                self.snippets.entry(name.to_owned()).or_insert((file, id));
            }
        }
    }

    /// Lowers directives of one level; their indices.
    fn level(
        &mut self,
        file: FileId,
        ids: &[DirectiveId],
        parent: Option<usize>,
        imported: bool,
        args: &[Word],
        depth: usize,
    ) -> Vec<usize> {
        let Some(read) = self.files.get(&file) else { return Vec::new() };
        let mut level = Vec::new();
        for &id in ids {
            if self.nodes.len() >= MAX_NODES || depth > plimsoll_syntax::MAX_DEPTH {
                break;
            }
            let directive = &read.tree[id];
            let mut words = directive.words.iter().map(|word| filled(word, args));
            let name = words.next().map(|word| word.text).unwrap_or_default();
            let at = self.nodes.len();
            self.nodes.push(Node {
                args: words.collect(),
                head: directive.head,
                whole: directive.whole,
                block: directive.block.is_some(),
                children: Vec::new(),
                parent,
                imported,
                name,
            });
            level.push(at);
            let children = if is_import(self.server, &self.nodes[at].name) {
                self.import(file, at, depth)
            } else {
                let block = directive.block.as_deref().unwrap_or_default();
                self.level(file, block, Some(at), imported, args, depth + 1)
            };
            self.nodes[at].children = children;
        }
        level
    }

    /// What an import brings.
    fn import(&mut self, file: FileId, at: usize, depth: usize) -> Vec<usize> {
        let (wanted, head) = (self.nodes[at].first().to_owned(), self.nodes[at].head);
        let above = std::iter::successors(Some(at), |at| self.nodes[*at].parent);
        let imports = above.filter(|at| is_import(self.server, &self.nodes[*at].name)).count();
        if imports > MAX_IMPORTS {
            self.unresolved.push(head);
            return Vec::new();
        }
        let args: Vec<Word> = self.nodes[at].args.iter().skip(1).cloned().collect();
        if let Some(&(from, id)) =
            self.snippets.get(&wanted).filter(|_| self.server == Server::Caddy)
        {
            let files = self.files;
            let block = files.get(&from).and_then(|read| read.tree[id].block.as_deref());
            return self.level(from, block.unwrap_or_default(), Some(at), true, &args, depth + 1);
        }
        let mut found = resolve(self.cx, self.containers, self.mounts, file, &wanted);
        found.retain(|other| *other != self.start && self.is_ours(*other));
        if found.is_empty() && !wanted.contains('*') && !is_stock(&wanted) {
            self.unresolved.push(head);
        }
        let mut level = Vec::new();
        for from in found {
            let files = self.files;
            let Some(read) = files.get(&from) else { continue };
            self.snippets(from, &read.tree);
            level.extend(self.level(from, &read.tree.roots, Some(at), true, &args, depth + 1));
        }
        level
    }

    fn is_ours(&self, file: FileId) -> bool {
        self.files.get(&file).is_some_and(|read| read.server == self.server)
    }
}

/// Files that come with nginx.
fn is_stock(wanted: &str) -> bool {
    let name = path::name(wanted);
    matches!(name, "mime.types" | "fastcgi_params" | "uwsgi_params" | "scgi_params")
        || matches!(name, "fastcgi.conf" | "proxy_params" | "koi-utf")
}

fn snippet(name: &str) -> Option<&str> {
    name.strip_prefix('(')?.strip_suffix(')')
}

/// A word of a snippet with the arguments of its import.
fn filled(word: &Word, args: &[Word]) -> Word {
    if args.is_empty() || !word.text.contains("{args") {
        return word.clone();
    }
    let mut text = word.text.clone();
    for (index, arg) in args.iter().enumerate().take(16) {
        text = text.replace(&format!("{{args[{index}]}}"), &arg.text);
        text = text.replace(&format!("{{args.{index}}}"), &arg.text);
    }
    Word { text, ..word.clone() }
}

fn caddy_sites(proxy: &Proxy) -> Vec<Site> {
    let roots: Vec<usize> = proxy.flat(&proxy.roots).collect();
    let mut sites = Vec::new();
    let plain = |at: &usize| !proxy.nodes[*at].block && proxy.nodes[*at].name != "import";
    // A file of one site may leave its braces out; one that others import is no site.
    if let Some(first) = roots.iter().position(|at| !proxy.nodes[*at].name.is_empty())
        && plain(&roots[first])
        && is_address(&proxy.nodes[roots[first]].name)
    {
        let node = &proxy.nodes[roots[first]];
        let words = addresses(node);
        sites.push(site_of(&words, node.head, None, roots[first + 1..].to_vec()));
        return sites;
    }
    for at in roots {
        let node = &proxy.nodes[at];
        let special = node.name.is_empty() || node.name.starts_with(['(', '&', '@']);
        if node.block && !special && is_address(&node.name) {
            sites.push(site_of(&addresses(node), node.head, Some(at), node.children.clone()));
        }
    }
    sites
}

/// Whether a word can be a site's address rather than a directive's name.
fn is_address(word: &str) -> bool {
    word.contains(['.', ':', '{', '*']) || word.trim_end_matches(',') == "localhost"
}

fn addresses(node: &Node) -> Vec<(String, Span)> {
    let first = std::iter::once((node.name.clone(), node.head));
    let words = first.chain(node.args.iter().map(|word| (word.text.clone(), word.span)));
    words
        .flat_map(|(text, span)| {
            let parts = text.split(',').map(|part| part.trim().to_owned());
            parts.filter(|part| !part.is_empty()).map(move |part| (part, span)).collect::<Vec<_>>()
        })
        .collect()
}

fn site_of(words: &[(String, Span)], head: Span, node: Option<usize>, body: Vec<usize>) -> Site {
    let (mut hosts, mut listens) = (Vec::new(), Vec::new());
    for (text, span) in words {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text.as_str()),
        };
        let rest = rest.split('/').next().unwrap_or(rest);
        let (host, port) = host_port(rest);
        if !host.is_empty() {
            hosts.push(host.to_ascii_lowercase());
        }
        let port = port.or(match scheme {
            Some("http") => Some(80),
            Some("https") => Some(443),
            _ => None,
        });
        let tls = match (scheme, port) {
            (Some("http"), _) | (None, Some(80)) => Some(false),
            (Some("https"), _) | (None, Some(443)) => Some(true),
            _ => None,
        };
        listens.push(Listen { port, tls, span: *span });
    }
    Site { hosts, listens, head, node, body }
}

/// A host and its port; a placeholder keeps its colon.
fn host_port(text: &str) -> (&str, Option<u16>) {
    if text.ends_with('}') {
        return (text, None);
    }
    match text.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => (host, port.parse().ok()),
        Some((host, port)) if port.starts_with('{') || port.starts_with('$') => (host, None),
        _ => (text, None),
    }
}

fn nginx_sites(proxy: &Proxy) -> Vec<Site> {
    let servers = proxy.nodes.iter().enumerate().filter(|(at, node)| {
        let upstream = proxy.above(*at).any(|(_, node)| node.name == "upstream");
        node.name == "server" && node.block && !upstream
    });
    servers
        .map(|(at, node)| {
            let hosts = proxy.within(at, "server_name").flat_map(|node| &node.args);
            let hosts = hosts.map(|word| word.text.to_ascii_lowercase());
            let listens = proxy.within(at, "listen").map(|node| {
                let (address, port) = host_port(node.first());
                let port = port.or_else(|| address.parse().ok());
                let port = port.or(if address.starts_with("unix:") { None } else { Some(80) });
                Listen { port, tls: Some(node.has("ssl") || node.has("quic")), span: node.head }
            });
            Site {
                hosts: hosts.filter(|host| host != "_" && !host.is_empty()).collect(),
                listens: listens.collect(),
                head: node.head,
                node: Some(at),
                body: node.children.clone(),
            }
        })
        .collect()
}

fn routes(proxy: &Proxy) -> Vec<Route> {
    const PASSES: [&str; 5] =
        ["proxy_pass", "grpc_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass"];
    let mut seen = std::collections::HashSet::new();
    let mut routes = Vec::new();
    for (at, node) in proxy.nodes.iter().enumerate() {
        let route = match proxy.server {
            Server::Caddy if node.name == "reverse_proxy" => caddy_route(proxy, at, node),
            Server::Nginx if PASSES.contains(&&*node.name) => nginx_route(proxy, at, node),
            _ => continue,
        };
        if seen.insert(node.head) {
            routes.push(route);
        }
    }
    routes
}

fn caddy_route(proxy: &Proxy, at: usize, node: &Node) -> Route {
    let matcher = |word: &&Word| word.text == "*" || word.text.starts_with(['/', '@']);
    let own = node.args.iter().skip_while(|word| matcher(word));
    let more = proxy.within(at, "to").flat_map(|to| &to.args);
    let words: Vec<&Word> = own.chain(more).collect();
    let open = proxy.within(at, "dynamic").next().is_some();
    let dynamic = open || words.iter().any(|word| word.text.contains(['{', '$']));
    let upstreams = words.iter().filter(|word| !word.text.contains(['{', '$']));
    let upstreams = upstreams.filter_map(|word| upstream(&word.text, word.span)).collect();
    Route { node: at, head: node.head, upstreams, dynamic, options: at }
}

fn nginx_route(proxy: &Proxy, at: usize, node: &Node) -> Route {
    let text = node.first();
    let span = node.args.first().map_or(node.head, |word| word.span);
    let empty =
        Route { node: at, head: node.head, upstreams: Vec::new(), dynamic: true, options: at };
    let Some(to) = upstream(text, span) else { return empty };
    if to.host.contains('$') || to.host.contains('{') {
        // `set $backend http://api:8000;` and `proxy_pass $backend;`.
        let Some(name) = text.strip_prefix('$').filter(|name| !name.contains(['$', '/'])) else {
            return empty;
        };
        let is_it = |node: &&Node| node.first().strip_prefix('$') == Some(name);
        let sets: Vec<&Node> = proxy.named("set").filter(is_it).collect();
        if sets.is_empty() || sets.iter().any(|set| set.arg(1).contains('$')) {
            return empty;
        }
        let upstreams = sets.iter().filter_map(|set| upstream(set.arg(1), set.args.get(1)?.span));
        return Route { upstreams: upstreams.collect(), dynamic: false, ..empty };
    }
    let named =
        proxy.nodes.iter().position(|node| node.name == "upstream" && node.first() == to.host);
    let Some(options) = named else {
        return Route { upstreams: vec![to], dynamic: false, ..empty };
    };
    let servers = proxy.within(options, "server");
    let servers: Vec<(&str, Span)> =
        servers.filter_map(|node| Some((node.first(), node.args.first()?.span))).collect();
    let dynamic = servers.iter().any(|(text, _)| text.contains(['$', '{']));
    let upstreams = servers.into_iter().filter_map(|(text, span)| upstream(text, span)).collect();
    Route { node: at, head: node.head, upstreams, dynamic, options }
}

fn upstream(text: &str, span: Span) -> Option<Upstream> {
    if text.is_empty() || text.starts_with("unix") || text.contains("unix:") {
        return None;
    }
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme.to_owned()), rest),
        None => (None, text),
    };
    let rest = rest.split('/').next().unwrap_or(rest);
    let (host, port) = host_port(rest);
    let port = port.or(match scheme.as_deref() {
        Some("http") => Some(80),
        Some("https") => Some(443),
        _ => None,
    });
    Some(Upstream { text: text.to_owned(), host: host.to_owned(), port, scheme, span })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use plimsoll_source::Tree;

    fn check(files: &[(&str, &str)], expected: &str) {
        let tree = Tree::from_memory(files.iter().copied());
        let delivery = crate::lower(&tree);
        let mut dump = String::new();
        for proxy in &delivery.proxies {
            let _ = writeln!(dump, "{} {:?}", tree.path(proxy.file), proxy.server);
            for site in &proxy.sites {
                let listens: Vec<String> = site
                    .listens
                    .iter()
                    .map(|l| format!("{:?}/{:?}", l.port.unwrap_or(0), l.tls))
                    .collect();
                let _ = writeln!(dump, "  site {} {}", site.hosts.join(" "), listens.join(" "));
            }
            for route in &proxy.routes {
                let to =
                    route.upstreams.iter().map(|u| format!("{}:{}", u.host, u.port.unwrap_or(0)));
                let to: Vec<String> = to.collect();
                let open = if route.dynamic { " …" } else { "" };
                let _ = writeln!(dump, "  to {}{open}", to.join(" "));
            }
            for mount in &proxy.mounts {
                let _ = writeln!(dump, "  in {}", delivery[mount.container].name);
            }
            if !proxy.unresolved.is_empty() {
                let _ = writeln!(dump, "  unresolved {}", proxy.unresolved.len());
            }
        }
        assert_eq!(dump.trim_end(), expected);
    }

    #[test]
    fn snippets_and_files_are_imported_where_mounts_put_them() {
        check(
            &[
                (
                    "compose.yaml",
                    "services:\n  caddy:\n    image: caddy:2\n    volumes:\n      - ./Caddyfile:/etc/caddy/Caddyfile\n      - ./up:/etc/caddy/up\n",
                ),
                (
                    "Caddyfile",
                    "{\n\tadmin off\n}\n(to) {\n\treverse_proxy /x {args[0]} b:2\n}\nimport /etc/caddy/up/a.caddy\nimport gone.caddy\na.com, http://b.com {\n\timport to c:3\n\timport api\n}\n",
                ),
                ("up/a.caddy", "(api) {\n\treverse_proxy api:8000\n}\n"),
            ],
            "Caddyfile Caddy\n  site a.com b.com 0/None 80/Some(false)\n  to b:2 …\n  to api:8000\n  in caddy\n  unresolved 1\n\
             up/a.caddy Caddy\n  to api:8000\n  in caddy",
        );
    }

    #[test]
    fn nginx_servers_includes_and_upstreams() {
        check(
            &[
                (
                    "nginx/nginx.conf",
                    "http { include conf.d/*.conf; include mime.types; upstream api { server a:1; server b:2 weight=3; } }",
                ),
                (
                    "nginx/conf.d/site.conf",
                    "server { listen 443 ssl; listen [::]:80; server_name x.org _; location / { proxy_pass http://api; } location /y { proxy_pass https://y.org/z; } location /z { proxy_pass $v; } }",
                ),
                ("other/x.conf", "server { listen 1; }"),
            ],
            "nginx/conf.d/site.conf Nginx\n  site x.org 443/Some(true) 80/Some(false)\n  to api:80\n  to y.org:443\n  to  …\n\
             nginx/nginx.conf Nginx\n  site x.org 443/Some(true) 80/Some(false)\n  to a:1 b:2\n  to y.org:443\n  to  …",
        );
    }

    #[test]
    fn what_is_included_may_have_any_name() {
        check(
            &[
                ("nginx.conf", "http { server { listen 443 ssl; include snippets/tls; } }"),
                ("snippets/tls", "ssl_protocols TLSv1;"),
            ],
            "nginx.conf Nginx\n  site  443/Some(true)\nsnippets/tls Nginx",
        );
    }

    #[test]
    fn imports_that_go_in_circles_end() {
        check(
            &[(
                "Caddyfile",
                "(a) {\n\timport b\n}\n(b) {\n\timport a\n}\nx.org {\n\timport a\n}\n",
            )],
            "Caddyfile Caddy\n  site x.org 0/None\n  unresolved 3",
        );
    }
}
