//! # Proxies do not tell their version
//!
//! nginx says `server_tokens off`; Caddy, on a site that the world reaches, takes the `Server` header
//! away.
//!
//! A version saves an attacker the search for what is broken in it. It mends nothing, and costs a line.
//!
//! Write `server_tokens off;` into nginx's `http` block, `header -Server` into a site of Caddy.
//!
//! ## Fails
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! http {
//!   server { # <- tells its version
//!     listen 80;
//!     root /srv;
//!   }
//! }
//! ```
//!
//! Hidden by all, told by one:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! http {
//!   server_tokens off;
//!   server {
//!     listen 80;
//!     server_tokens on; # <- tells its version
//!     root /srv;
//!   }
//! }
//! ```
//!
//! ## Fixed
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! http {
//!   server_tokens off; # <- hidden
//!   server {
//!     listen 80;
//!     root /srv;
//!   }
//! }
//! ```
//!
//! ## Passes
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   header -Server # <- taken away
//!   reverse_proxy web:3000
//! }
//! ```
//!
//! ## Cannot tell
//!
//! A part of a configuration that is not here:
//!
//! `nginx/conf.d/site.conf`:
//! ```nginx
//! server { # <- may say so
//!   listen 80;
//!   root /srv;
//! }
//! ```
//!
//! ## Does not apply
//!
//! `Caddyfile`:
//! ```caddyfile
//! :8080 {
//!   reverse_proxy web:3000
//! }
//! ```

use std::collections::BTreeSet;

use plimsoll_model::mend::proxy::line_above;
use plimsoll_model::proxy::{Node, Proxy, Server};
use plimsoll_source::Edit;

use crate::answers::Answers;
use crate::conditions::HAS_NGINX_OR_EDGE;
use crate::evidence::Place;
use crate::proxies::{asked, edge_sites};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Finding, Fix, Part, Relation, Run, Safety, Section,
    Severity, Status, Verdict, Why,
};

pub(super) static CHECK: Check = Check {
    id: "network/version-hidden",
    section: Section::Proxy,
    domain: Domain::ContainerSecurity,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "PXY010", relation: Relation::Same },
            Equivalent {
                tool: "gixy-ng",
                rule: "version_disclosure",
                relation: Relation::Narrower,
            },
            Equivalent {
                tool: "nginx-lint",
                rule: "server-tokens-enabled",
                relation: Relation::Narrower,
            },
        ],
    }],
    when: &[&HAS_NGINX_OR_EDGE],
    source: include_str!("version_hidden.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx) {
        match proxy.server {
            Server::Nginx => of_nginx(proxy, &mut answers),
            Server::Caddy => {
                for site in edge_sites(cx, proxy) {
                    match proxy.below(&site.body).find(|node| removes(proxy, node)) {
                        Some(node) => answers.good(node.head, "the header is taken away"),
                        None => answers.missing(site.head, "the `Server` header stays"),
                    }
                }
            }
        }
    }
    answers.verdict(
        cx,
        "a proxy tells what it is: `server_tokens off`, or `header -Server`",
        "proxies do not tell their version",
        "the configuration around this one is not here: it may say `server_tokens off`",
    )
}

fn of_nginx(proxy: &Proxy, answers: &mut Answers) {
    let whole = proxy.nodes.iter().any(|node| node.name == "http")
        || proxy.mounts.iter().any(|mount| mount.target.starts_with("/etc/nginx/conf.d/"));
    let cleared = proxy.named("more_clear_headers").find(|node| node.has("Server"));
    for site in &proxy.sites {
        let around = site.node.map(|at| proxy.in_effect(at, "server_tokens")).unwrap_or_default();
        let within = proxy.below(&site.body).filter(|node| node.name == "server_tokens");
        let said: Vec<&Node> = around.into_iter().chain(within).collect();
        let shown = said.iter().find(|node| matches!(node.first(), "on" | "build"));
        match (cleared, shown, said.first()) {
            (Some(node), ..) => answers.good(node.head, "hidden"),
            (None, Some(node), _) => answers.bad(node.head, "tells its version"),
            (None, None, Some(node)) => answers.good(node.head, "hidden"),
            (None, None, None) if whole => {
                answers.missing(site.head, "tells its version: nginx's default");
            }
            (None, None, None) => answers.unsure(
                Why::OutOfTree,
                site.head,
                "the configuration that brings it in may say so",
            ),
        }
    }
}

/// Whether a directive of Caddy takes the header away.
fn removes(proxy: &Proxy, node: &Node) -> bool {
    let is = |text: &str| text.eq_ignore_ascii_case("-server");
    let within = node.parent.and_then(|at| proxy.nodes.get(at));
    node.name == "header" && node.args.iter().any(|word| is(&word.text))
        || is(&node.name) && within.is_some_and(|above| above.name == "header")
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let open = finding.evidence.iter().filter(|e| e.is_against() && e.waived.is_none());
    let open: Vec<&Place> = open.map(|evidence| &evidence.place).collect();
    let mut edits = BTreeSet::new();
    for proxy in asked(cx) {
        for site in proxy.sites.iter().filter(|site| open.contains(&&Place::Span(site.head))) {
            let mut above = site.node.into_iter().flat_map(|at| proxy.above(at));
            let (block, line) = match proxy.server {
                Server::Nginx => {
                    let http = above.find(|(_, node)| node.name == "http").map(|(at, _)| at);
                    (http.or(site.node), "server_tokens off;")
                }
                Server::Caddy => (site.node, "header -Server"),
            };
            let inside = block.and_then(|at| proxy.nodes.get(at)?.children.first());
            let first = inside.or(site.body.first()).and_then(|&at| proxy.nodes.get(at));
            let tree = &cx.delivery.tree;
            edits.extend(first.and_then(|first| line_above(tree, first.head, line)));
        }
    }
    let does = "tell nobody what the proxy is";
    let edits: Vec<Edit> = edits.into_iter().collect();
    Some(Fix::of_edits(does, Safety::Review, None, edits)).filter(|fix| fix.patch.is_some())
}
