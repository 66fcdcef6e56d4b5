//! # Where nginx passes requests is not the client's choice
//!
//! The host of a `proxy_pass` is written out, an `upstream`, or a variable with values that are written
//! out. It is no part of the request: not `$arg_…`, not `$http_…`, not `$uri`.
//!
//! Otherwise whoever asks makes the proxy ask for him: services without a password behind it, and the
//! cloud's metadata with its credentials.
//!
//! Name the upstream, or choose it with a `map` of names that are allowed. An `internal` location is
//! reached by nginx's own redirects only.
//!
//! ## Fails
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   location /fetch {
//!     proxy_pass http://$arg_host/; # <- `$arg_host` is the client's
//!   }
//! }
//! ```
//!
//! What a location's expression captures:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   location ~ ^/fetch/(.+)$ {
//!     proxy_pass http://$1; # <- `$1` is the client's
//!   }
//! }
//! ```
//!
//! ## Fixed
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   location /fetch {
//!     proxy_pass http://files:9000/; # <- written out
//!   }
//! }
//! ```
//!
//! ## Passes
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   location /api {
//!     set $backend http://api:8000;
//!     proxy_pass $backend; # <- written out
//!   }
//! }
//! ```
//!
//! The path may be the client's; and words that are written out are chosen from:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   set $backend api;
//!   location / { proxy_pass http://$backend:8000$request_uri; } # <- written out
//!   location ~ ^/(red|blue)/ { proxy_pass http://$1:8000; } # <- written out
//! }
//! ```
//!
//! ## Cannot tell
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   location /api {
//!     proxy_pass http://$backend; # <- `$backend`
//!   }
//! }
//! ```
//!
//! ## Does not apply
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   root /srv;
//! }
//! ```

use plimsoll_model::proxy::{Proxy, Server};

use crate::answers::Answers;
use crate::conditions::NGINX_PASSES;
use crate::proxies::{asked, variables};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
    Why,
};

pub(super) static CHECK: Check = Check {
    id: "network/no-proxy-ssrf",
    section: Section::Proxy,
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
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "PXY006", relation: Relation::Same },
            Equivalent { tool: "gixy", rule: "ssrf", relation: Relation::Same },
            Equivalent { tool: "semgrep", rule: "dynamic-proxy-host", relation: Relation::Wider },
            Equivalent { tool: "semgrep", rule: "dynamic-proxy-scheme", relation: Relation::Wider },
            Equivalent { tool: "semgrep", rule: "missing-internal", relation: Relation::Wider },
        ],
    }],
    when: &[&NGINX_PASSES],
    source: include_str!("no_proxy_ssrf.rs"),
    run: Run::Repository(run),
    fix: None,
};

/// Variables that the client fills.
const CLIENTS: [&str; 8] =
    ["uri", "document_uri", "request_uri", "args", "query_string", "host", "is_args", "request"];
const PREFIXES: [&str; 3] = ["arg_", "http_", "cookie_"];

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx).filter(|proxy| proxy.server == Server::Nginx) {
        for (at, node) in proxy.nodes.iter().enumerate().filter(|(_, n)| n.name == "proxy_pass") {
            let host = host(node.first());
            let inside =
                proxy.above(at).any(|(at, _)| proxy.within(at, "internal").next().is_some());
            let names: Vec<&str> = variables(host).collect();
            let taken = |name: &str| captured(proxy, at, name);
            let theirs = names.iter().find(|name| is_theirs(name) || taken(name) == Some(true));
            let written = |name: &&str| {
                let values: Vec<&str> = proxy.values_of(name).collect();
                !values.is_empty() && !values.iter().any(|value| value.contains('$'))
                    || taken(name) == Some(false)
            };
            match (theirs, names.iter().find(|name| !written(name))) {
                _ if inside => answers.good(node.head, "reached by nginx's own redirects only"),
                (Some(name), _) => answers.bad(node.head, format!("`${name}` is the client's")),
                (None, Some(name)) => {
                    let mut values = proxy.values_of(name);
                    match values.find(|v| variables(v).any(is_theirs)) {
                        Some(_) => answers.bad(node.head, format!("`${name}` is the client's")),
                        None => answers.unsure(
                            Why::Dynamic,
                            node.head,
                            format!("nothing here says what `${name}` holds"),
                        ),
                    }
                }
                (None, None) => answers.good(node.head, "its host is written out"),
            }
        }
    }
    answers.verdict(
        cx,
        "the client chooses where nginx passes requests: name the upstream",
        "where nginx passes requests is written out",
        "where nginx passes requests depends on a variable",
    )
}

/// What of an address says where a request goes: all before its path. nginx writes the path itself
/// where one of these variables begins.
fn host(address: &str) -> &str {
    const PATHS: [&str; 5] =
        ["$request_uri", "$uri", "$document_uri", "$is_args", "${request_uri}"];
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or(host);
    let ends = PATHS.iter().filter_map(|path| host.find(path).filter(|at| *at > 0));
    &host[..ends.min().unwrap_or(host.len())]
}

/// Whether what an expression of the location captured under a name is the client's: not where it
/// only lets words through that are written out. `None` where nothing here captures it.
fn captured(proxy: &Proxy, at: usize, name: &str) -> Option<bool> {
    let location = proxy.above(at).map(|(_, node)| node).find(|node| node.name == "location")?;
    let expression = location.args.get(1).filter(|_| location.first().starts_with('~'))?;
    let groups: Vec<&str> = expression.text.split('(').skip(1).collect();
    let group = match name.parse::<usize>() {
        Ok(index) => {
            let counts = |group: &&&str| !group.starts_with('?') || group.starts_with("?<");
            groups.iter().filter(counts).nth(index.checked_sub(1)?)?
        }
        Err(_) => groups.iter().find_map(|group| {
            let rest = group.strip_prefix("?<").or_else(|| group.strip_prefix("?P<"))?;
            rest.strip_prefix(name)?.strip_prefix('>').is_some().then_some(group)
        })?,
    };
    let body = group.split_once('>').filter(|_| group.starts_with('?')).map_or(*group, |(_, b)| b);
    let (body, _) = body.split_once(')')?;
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '|');
    Some(!body.chars().all(word))
}

fn is_theirs(name: &str) -> bool {
    CLIENTS.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}
