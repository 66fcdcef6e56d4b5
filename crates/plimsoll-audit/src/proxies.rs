//! What checks of reverse proxies share: which configurations are asked, which sites the world
//! reaches, and how answers about their directives become one.

use plimsoll_model::container::{Container, ContainerKind, Port};
use plimsoll_model::proxy::{Node, Proxy, Server, Site};
use plimsoll_model::{Fact, Why};
use plimsoll_source::Span;

use crate::Cx;
use crate::ports::is_door;

/// Production configurations. One that another brings in is judged there, in its place.
pub(crate) fn asked<'a>(cx: &Cx<'a>) -> impl Iterator<Item = &'a Proxy> + use<'a> {
    let all = &cx.delivery.proxies;
    let brings = |by: &Proxy, of: &Proxy| {
        let back = by.included_by.contains(&of.file);
        of.included_by.contains(&by.file) && !back
    };
    all.iter().filter(move |proxy| {
        let production = |proxy: &Proxy| proxy.purpose.is_production();
        production(proxy) && !all.iter().any(|by| production(by) && brings(by, proxy))
    })
}

/// The start of a configuration that is asked and not read to its end.
pub(crate) fn broken(cx: &Cx<'_>) -> Option<Span> {
    asked(cx).find(|proxy| proxy.broken).map(|proxy| cx.start_of(proxy.file))
}

/// Whether some directive of a configuration that is asked is of this kind.
pub(crate) fn some(cx: &Cx<'_>, is: impl Fn(&Proxy, usize, &Node) -> bool) -> Fact<bool> {
    let mut broken = None;
    for proxy in asked(cx) {
        let mut nodes = proxy.nodes.iter().enumerate();
        if let Some((_, node)) = nodes.find(|(at, node)| is(proxy, *at, node)) {
            return Fact::inferred(true, Some(node.head));
        }
        if proxy.broken {
            broken = Some(cx.start_of(proxy.file));
        }
    }
    match broken {
        Some(at) => Fact::Unknown(Why::Unparsed, Some(at)),
        None => Fact::inferred(false, None),
    }
}

/// Whether a host is a name that the world resolves.
pub(crate) fn is_public(host: &str) -> bool {
    const PRIVATE: [&str; 10] = [
        ".local",
        ".internal",
        ".test",
        ".localhost",
        ".example",
        ".invalid",
        ".lan",
        ".arpa",
        ".svc",
        ".localdomain",
    ];
    let address =
        host.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b':' | b'[' | b']'));
    let variable = host.starts_with("{$") || host.starts_with("${") || host.starts_with("{env.");
    variable
        || host.contains('.')
            && !address
            && !host.starts_with('~')
            && !PRIVATE.iter().any(|end| host.ends_with(end))
}

/// Whether the world reaches a site: by its name, or by a port that its container publishes.
pub(crate) fn is_edge(cx: &Cx<'_>, proxy: &Proxy, site: &Site) -> bool {
    let published = || {
        published(cx, proxy).any(|port| matches!(&*port.container, "80" | "443" | "8080" | "8443"))
    };
    is_public_site(cx, proxy, site) || (site.hosts.is_empty() && published())
}

/// The ports on which others than the host reach whoever is given a configuration.
fn published<'a>(cx: &Cx<'a>, proxy: &'a Proxy) -> impl Iterator<Item = &'a Port> {
    let local = |address: &str| address.starts_with("127.") || address == "localhost";
    let all = proxy.mounts.iter().flat_map(|mount| &cx.delivery[mount.container].ports);
    all.filter(move |port| port.host.is_some() && !port.address.as_deref().is_some_and(local))
}

/// Whether browsers find a site: it has a public name; or it answers for all names, and its proxy
/// speaks TLS on its port, or is published where browsers knock.
pub(crate) fn is_public_site(cx: &Cx<'_>, proxy: &Proxy, site: &Site) -> bool {
    let tls = |site: &Site| {
        site.listens.iter().any(|listen| listen.tls == Some(true) && listen.port == Some(443))
    };
    let open = || proxy.sites.iter().any(tls) || published(cx, proxy).any(is_door);
    site.hosts.iter().any(|host| is_public(host)) || (site.hosts.is_empty() && open())
}

/// Sites of one configuration that the world reaches and that do more than send elsewhere.
pub(crate) fn edge_sites<'a>(
    cx: &Cx<'a>,
    proxy: &'a Proxy,
) -> impl Iterator<Item = &'a Site> + use<'a> {
    let cx = *cx;
    proxy.sites.iter().filter(move |site| is_edge(&cx, proxy, site) && serves(proxy, site))
}

/// Whether a site answers by itself or passes on, rather than sending elsewhere.
pub(crate) fn serves(proxy: &Proxy, site: &Site) -> bool {
    const ANSWERS: [&str; 14] = [
        "reverse_proxy",
        "file_server",
        "php_fastcgi",
        "root",
        "alias",
        "proxy_pass",
        "grpc_pass",
        "fastcgi_pass",
        "uwsgi_pass",
        "scgi_pass",
        "try_files",
        "index",
        "forward_proxy",
        "invoke",
    ];
    // Whoever redirects at the server's own level answers nothing else.
    let flat = proxy.flat(&site.body).filter_map(|at| proxy.nodes.get(at));
    let all_away = proxy.server == Server::Nginx
        && flat.into_iter().any(|n| n.name == "return" && n.first().starts_with('3'));
    !all_away && proxy.below(&site.body).any(|node| ANSWERS.contains(&&*node.name))
}

/// Whether a host is one of the deployment: a name without a dot that is not this machine.
pub(crate) fn is_inside(host: &str) -> bool {
    let ours = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    ours && !host.is_empty() && host != "localhost" && !host.bytes().all(|b| b.is_ascii_digit())
}

/// Whether Caddy asks the upstreams of a route for their health by itself.
pub(crate) fn is_probed(proxy: &Proxy, options: usize) -> bool {
    proxy.server == Server::Caddy
        && (proxy.within(options, "health_uri").next().is_some()
            || proxy.within(options, "health_port").next().is_some())
}

/// Variables of the environment without a default that a configuration asks for, once each.
pub(crate) fn wanted(proxy: &Proxy) -> Vec<(String, Span)> {
    let mut found: Vec<(String, Span)> = Vec::new();
    let template = |proxy: &Proxy| {
        proxy.mounts.iter().any(|mount| mount.target.starts_with("/etc/nginx/templates/"))
    };
    for node in &proxy.nodes {
        let mut add = |name: String, span: Span| {
            if !found.iter().any(|(known, _)| *known == name) {
                found.push((name, span));
            }
        };
        match proxy.server {
            Server::Caddy => {
                let of_name = plimsoll_syntax::directives::Word {
                    text: node.name.clone(),
                    quoted: false,
                    span: node.head,
                };
                let named = plimsoll_syntax::caddyfile::placeholders(&of_name).into_iter();
                let named = named.map(|p| (p, node.head));
                for (placeholder, span) in named.chain(node.placeholders()) {
                    if placeholder.default.is_none() {
                        add(placeholder.name, span);
                    }
                }
            }
            Server::Nginx if template(proxy) => {
                for word in &node.args {
                    for part in word.text.split("${").skip(1) {
                        let name = part.split('}').next().unwrap_or("");
                        // nginx's own variables are written in small letters.
                        if !name.is_empty()
                            && name
                                .bytes()
                                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
                        {
                            add(name.to_owned(), word.span);
                        }
                    }
                }
            }
            Server::Nginx => {}
        }
    }
    found
}

/// The header that a matcher takes as proof of who someone is: its name. A value that only the
/// operator knows is a shared secret, and no such claim.
pub(crate) fn claims(proxy: &Proxy, at: usize, node: &Node) -> Option<String> {
    const WORDS: [&str; 20] = [
        "auth", "mfa", "user", "username", "admin", "role", "roles", "group", "groups", "token",
        "break", "identity", "internal", "verified", "verify", "subject", "email", "sso", "bypass",
        "scope",
    ];
    const CLIENTS: [&str; 3] = ["user-agent", "authorization", "proxy-authorization"];
    let (header, value) = match proxy.server {
        // `@name [not] header Field [value]`, and the same within the matcher's block.
        Server::Caddy => {
            let mut words: Vec<&str> = Vec::new();
            if !node.name.starts_with('@') {
                words.push(&node.name);
                let of_matcher = proxy
                    .above(at)
                    .next()
                    .is_some_and(|(_, above)| above.name.starts_with('@') || above.name == "not");
                if !of_matcher {
                    return None;
                }
            }
            words.extend(node.args.iter().map(|word| &*word.text));
            let words = words.strip_prefix(&["not"]).unwrap_or(&words);
            let rest = words.strip_prefix(&["header"])?;
            ((*rest.first()?).to_owned(), rest.get(1).map(|value| (*value).to_owned()))
        }
        // `if ($http_x_name = value)`.
        Server::Nginx if node.name == "if" => {
            let test = node.args.iter().map(|word| &*word.text).collect::<Vec<_>>().join(" ");
            let test = test.trim_start_matches('(').trim_end_matches(')').trim();
            let rest = test.strip_prefix("$http_")?;
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let name = &rest[..end.unwrap_or(rest.len())];
            let value = rest[name.len()..].trim_start_matches(['=', '!', '~', '*', ' ']).to_owned();
            (name.replace('_', "-"), Some(value).filter(|v| !v.is_empty()))
        }
        Server::Nginx => return None,
    };
    let lower = header.to_ascii_lowercase();
    if lower.starts_with(['!', '-']) || CLIENTS.contains(&&*lower) || lower.starts_with("sec-") {
        return None;
    }
    let says = lower.split(['-', '_']).any(|part| WORDS.contains(&part));
    let secret = value.as_deref().is_some_and(|v| v.contains(['{', '$']) || v.len() >= 16);
    (says && !secret).then_some(header)
}

/// Pairs of configurations that answer for the same host: this one and its site, that one and its.
pub(crate) fn siblings<'a>(cx: &Cx<'a>) -> Vec<(&'a Proxy, &'a Site, &'a Proxy, &'a Site)> {
    const MAX: usize = 24;
    let all: Vec<&Proxy> = asked(cx).take(MAX).collect();
    let mut pairs = Vec::new();
    for one in &all {
        for other in all.iter().filter(|p| p.file != one.file && p.server == one.server) {
            for site in &one.sites {
                let shares =
                    |s: &&Site| s.hosts.iter().any(|h| is_public(h) && site.hosts.contains(h));
                let plain = |s: &Site| s.listens.iter().all(|listen| listen.tls == Some(false));
                let twin = other.sites.iter().filter(shares).find(|s| plain(s) == plain(site));
                pairs.extend(twin.map(|twin| (*one, site, *other, twin)));
            }
        }
    }
    pairs
}

/// Whether a route splits requests between a version that is tried and the rest: its upstreams are
/// written more than once, or it is a canary's by name.
pub(crate) fn is_canary(cx: &Cx<'_>, proxy: &Proxy, route: &plimsoll_model::proxy::Route) -> bool {
    let mut seen = std::collections::HashSet::new();
    let doubled = route.upstreams.iter().any(|upstream| !seen.insert(&*upstream.text));
    let named = cx.path(proxy.file).to_ascii_lowercase().contains("canary");
    let tried = route.upstreams.iter().any(|upstream| upstream.host.contains("canary"));
    let policy = proxy.within(route.options, "lb_policy").next().is_some();
    doubled || (proxy.server == Server::Caddy && policy && (named || tried))
}

/// The names of nginx's variables in a text: `$name`, `${name}`.
pub(crate) fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split('$').skip(1).filter_map(|part| {
        let part = part.strip_prefix('{').unwrap_or(part);
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name = &part[..end.unwrap_or(part.len())];
        (!name.is_empty()).then_some(name)
    })
}

/// Whether something of the repository answers to a name within the deployment.
pub(crate) fn is_deployed(cx: &Cx<'_>, host: &str) -> bool {
    cx.delivery.containers.iter().any(|container| is_called(container, host))
}

/// Whether a container answers to a name within its deployment.
pub(crate) fn is_called(container: &Container, host: &str) -> bool {
    let workload = match &container.kind {
        ContainerKind::Kubernetes { name, .. } => name == host,
        ContainerKind::Compose { .. } => false,
    };
    let engine = &container.engine;
    container.name == host
        || workload
        || engine.container_name.known().is_some_and(|name| name == host)
        || engine.aliases.iter().any(|alias| alias == host)
}

/// Endpoints that administer or look into a proxy or what is behind it: where, in words, and
/// whether the world reaches them.
pub(crate) fn admins(cx: &Cx<'_>) -> Vec<(Span, &'static str, bool)> {
    const LOCAL: [&str; 4] = ["localhost", "127.", "[::1]", "unix/"];
    const PATHS: [&str; 5] =
        ["/metrics", "/actuator", "/nginx_status", "/server-status", "/stub_status"];
    let mut found = Vec::new();
    for proxy in asked(cx) {
        for (at, node) in proxy.nodes.iter().enumerate() {
            let edge = || proxy.site_of(at).is_some_and(|site| is_edge(cx, proxy, site));
            match (&*node.name, proxy.server) {
                ("admin", Server::Caddy) if proxy.above(at).all(|(_, n)| n.name.is_empty()) => {
                    let text = node.first();
                    let local = text == "off" || LOCAL.iter().any(|start| text.starts_with(start));
                    let says = if local { "off, or on this machine" } else { "on every address" };
                    if !text.is_empty() && !text.starts_with('{') {
                        found.push((node.head, says, !local));
                    }
                }
                ("stub_status", Server::Nginx) => {
                    let open = !is_guarded(proxy, at) && edge();
                    let says = if open { "nobody is kept out" } else { "kept from the world" };
                    found.push((node.head, says, open));
                }
                ("location", Server::Nginx)
                | ("handle" | "handle_path" | "route" | "reverse_proxy", Server::Caddy) => {
                    let names = |text: &str| {
                        PATHS.iter().any(|path| {
                            text.strip_prefix(path)
                                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '*']))
                        })
                    };
                    let answers = node.name == "reverse_proxy"
                        || proxy.below(&node.children).any(|n| {
                            matches!(&*n.name, "proxy_pass" | "reverse_proxy" | "metrics")
                        });
                    if node.args.iter().any(|word| names(&word.text)) && answers && edge() {
                        let first = node.children.first().copied().unwrap_or(at);
                        let open = !is_guarded(proxy, first);
                        let says = if open { "nobody is kept out" } else { "kept from the world" };
                        found.push((node.head, says, open));
                    }
                }
                _ => {}
            }
        }
    }
    let insecure = |text: &str| {
        text.strip_prefix("--api.insecure").is_some_and(|rest| rest.is_empty() || rest == "=true")
    };
    for container in &cx.delivery.containers {
        let words = container.command.iter().flat_map(|exec| &exec.words);
        for (text, span) in words.filter(|_| container.purpose.is_production()) {
            if text.split_whitespace().any(insecure) {
                found.push((*span, "without a password", true));
            }
        }
    }
    found
}

/// Whether who may come to a directive is restricted, there or around it: by address, password or
/// another's word.
pub(crate) fn is_guarded(proxy: &Proxy, at: usize) -> bool {
    let here = std::iter::once(at).chain(proxy.above(at).map(|(at, _)| at));
    here.into_iter().any(|at| {
        let level = proxy.nodes.get(at).map_or(&[][..], |node| &node.children);
        let mut level = proxy.flat(level).filter_map(|at| proxy.nodes.get(at));
        level.any(|node| guard(proxy, node).is_some())
            || proxy.nodes.get(at).is_some_and(|node| {
                let matcher = node.first();
                let by_address = |name: &str| {
                    let mut all = proxy.nodes.iter().enumerate().filter(|(_, n)| n.name == name);
                    all.any(|(at, n)| by_address(proxy, at, n))
                };
                matcher.starts_with('@') && by_address(matcher)
            })
    })
}

/// Whether a matcher of Caddy goes by the client's address.
pub(crate) fn by_address(proxy: &Proxy, at: usize, matcher: &Node) -> bool {
    let is = |text: &str| matches!(text, "remote_ip" | "client_ip");
    matcher.args.iter().any(|word| is(&word.text))
        || matcher.children.iter().any(|at| proxy.nodes.get(*at).is_some_and(|n| is(&n.name)))
        || proxy.within(at, "remote_ip").next().is_some()
}

/// What a directive demands of whoever comes.
pub(crate) fn guard(proxy: &Proxy, node: &Node) -> Option<&'static str> {
    match (&*node.name, proxy.server) {
        ("basicauth" | "basic_auth", Server::Caddy) => Some("a password"),
        ("forward_auth" | "authenticate" | "authorize", Server::Caddy) => Some("another's word"),
        ("deny", Server::Nginx) if node.first() == "all" => Some("a list of addresses"),
        ("auth_basic", Server::Nginx) if node.first() != "off" => Some("a password"),
        ("auth_request" | "auth_jwt", Server::Nginx) => Some("another's word"),
        ("internal", Server::Nginx) => Some("nginx's own redirect"),
        _ => None,
    }
}

/// What keeps people out of a part of a site.
pub(crate) struct Lock {
    /// Its paths, without a slash or a star at their end; none for the whole site.
    pub(crate) paths: Vec<String>,
    /// What is asked of whoever comes.
    pub(crate) guards: Vec<&'static str>,
    /// Where the part begins.
    pub(crate) head: Span,
}

/// The parts of a site that have a path of their own, with what each asks for.
pub(crate) fn locks(proxy: &Proxy, site: &Site) -> Vec<Lock> {
    const PARTS: [&str; 6] =
        ["handle", "handle_path", "route", "location", "basicauth", "basic_auth"];
    let whole = guards(proxy, &site.body, false);
    let mut locks = Vec::new();
    let mut left: Vec<usize> = site.body.iter().rev().copied().collect();
    while let Some(at) = left.pop() {
        let Some(node) = proxy.nodes.get(at) else { continue };
        let (paths, head) = match PARTS.contains(&&*node.name) {
            true => paths(proxy, at, node),
            false => (Vec::new(), node.head),
        };
        if paths.is_empty() {
            left.extend(node.children.iter().rev());
            continue;
        }
        let mut asked = guards(proxy, &node.children, true);
        asked.extend(guard(proxy, node));
        asked.extend(&whole);
        asked.sort_unstable();
        asked.dedup();
        locks.push(Lock { paths, guards: asked, head });
    }
    locks
}

/// What is asked for at a level, or (`deep`) anywhere below it.
fn guards(proxy: &Proxy, level: &[usize], deep: bool) -> Vec<&'static str> {
    let mut left: Vec<usize> = proxy.flat(level).collect();
    let mut found = Vec::new();
    while let Some(at) = left.pop() {
        let Some(node) = proxy.nodes.get(at) else { continue };
        let of_path = node.first().starts_with('/') && !deep;
        found.extend(guard(proxy, node).filter(|_| !of_path));
        if node.name.starts_with('@') && by_address(proxy, at, node) && deep {
            found.push("a list of addresses");
        }
        if deep {
            left.extend(&node.children);
        }
    }
    found
}

/// The paths that a directive is for, and where they are written.
fn paths(proxy: &Proxy, at: usize, node: &Node) -> (Vec<String>, Span) {
    let plain = |text: &str| {
        let text = text.trim_end_matches('*');
        if text == "/" { "/".to_owned() } else { text.trim_end_matches('/').to_owned() }
    };
    let first = node.first();
    if first.starts_with('/') {
        return (vec![plain(first)], node.head);
    }
    if matches!(first, "=" | "~" | "~*" | "^~") {
        return (vec![plain(node.arg(1))], node.head);
    }
    if !first.starts_with('@') {
        return (Vec::new(), node.head);
    }
    // The matcher of this name that is nearest.
    let levels = proxy.above(at).map(|(_, above)| &above.children[..]);
    let levels: Vec<&[usize]> = levels.chain(std::iter::once(&proxy.roots[..])).collect();
    let matcher = levels.iter().find_map(|level| {
        proxy.flat(level).find(|at| proxy.nodes.get(*at).is_some_and(|n| n.name == first))
    });
    let Some((at, matcher)) = matcher.and_then(|at| Some((at, proxy.nodes.get(at)?))) else {
        return (Vec::new(), node.head);
    };
    let own = (matcher.first() == "path").then(|| matcher.args.iter().skip(1));
    let inner = proxy.within(at, "path").flat_map(|node| &node.args);
    let mut paths: Vec<String> =
        own.into_iter().flatten().chain(inner).map(|word| plain(&word.text)).collect();
    paths.sort_unstable();
    paths.dedup();
    (paths, matcher.head)
}
