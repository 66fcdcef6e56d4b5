//! # Upstreams get a host name that nginx has looked at
//!
//! `proxy_set_header Host` passes `$host`, a name that is written out, or nothing is said.
//!
//! `$http_host` is what the client sent, whatever it is: an application that builds links from it
//! (to reset a password) builds them for the attacker's site.
//!
//! Write `proxy_set_header Host $host;`.
//!
//! ## Fails
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   location / {
//!     proxy_set_header Host $http_host; # <- what the client sent
//!     proxy_pass http://api:8000;
//!   }
//! }
//! ```
//!
//! By a variable of its own:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! http {
//!   map $http_host $up { default $http_host; }
//!   server {
//!     listen 80;
//!     location / {
//!       proxy_set_header Host $up; # <- what the client sent
//!       proxy_pass http://api:8000;
//!     }
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
//!   location / {
//!     proxy_set_header Host $host; # <- looked at
//!     proxy_pass http://api:8000;
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
//!   location / {
//!     proxy_pass http://api:8000; # <- the upstream's own name
//!   }
//! }
//! ```
//!
//! Headers that a block sets take the place of those around it:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! http {
//!   proxy_set_header Host $http_host;
//!   server {
//!     listen 80;
//!     proxy_set_header X-Real-IP $remote_addr;
//!     location / { proxy_pass http://api:8000; } # <- the upstream's own name
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

use std::collections::BTreeSet;

use plimsoll_model::mend::replace;
use plimsoll_model::proxy::{Node, Proxy, Server};
use plimsoll_source::{Edit, Span};

use crate::answers::Answers;
use crate::conditions::NGINX_PASSES;
use crate::proxies::{asked, variables};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Finding, Fix, Part, Relation, Run, Safety, Section,
    Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "network/host-header-not-spoofable",
    section: Section::Proxy,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "PXY008", relation: Relation::Same },
            Equivalent { tool: "gixy", rule: "host_spoofing", relation: Relation::Same },
            Equivalent { tool: "semgrep", rule: "request-host-used", relation: Relation::Same },
            Equivalent {
                tool: "nginx-lint",
                rule: "proxy-missing-host-header",
                relation: Relation::Wider,
            },
        ],
    }],
    when: &[&NGINX_PASSES],
    source: include_str!("host_header_not_spoofable.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx).filter(|proxy| proxy.server == Server::Nginx) {
        let is_host = |node: &&Node| node.first().eq_ignore_ascii_case("host");
        let mut judge = |node: &Node| match is_sent(proxy, node.arg(1)) {
            true => answers.bad(node.head, "passes on what the client sent"),
            false => answers.good(node.head, "a name that nginx has looked at"),
        };
        let passes = proxy.nodes.iter().enumerate().filter(|(_, n)| n.name == "proxy_pass");
        let mut plain = Vec::new();
        for (at, pass) in passes {
            // Headers that an inner block sets take the place of all those around it.
            match proxy.in_effect(at, "proxy_set_header").into_iter().rfind(is_host) {
                Some(node) => judge(node),
                None => plain.push(pass.head),
            }
        }
        if proxy.named("proxy_pass").next().is_none() {
            proxy.named("proxy_set_header").filter(is_host).for_each(judge);
        }
        plain.into_iter().for_each(|at| answers.good(at, "gets the upstream's own name"));
    }
    answers.verdict(
        cx,
        "upstreams get the client's Host header unseen: pass `$host`",
        "upstreams get a host name that nginx has looked at",
        "it cannot be told which host name upstreams get",
    )
}

/// Whether a text holds what the client sent as the host: by itself, by `set`, by a `map`.
fn is_sent(proxy: &Proxy, text: &str) -> bool {
    const MAX_NAMES: usize = 32;
    let mut todo: Vec<&str> = variables(text).collect();
    let mut seen = BTreeSet::new();
    while let Some(name) = todo.pop() {
        if name == "http_host" {
            return true;
        }
        if seen.len() < MAX_NAMES && seen.insert(name) {
            todo.extend(proxy.values_of(name).flat_map(variables));
        }
    }
    false
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let places: Vec<Span> = mending::against(finding).collect();
    let nodes = asked(cx).flat_map(|proxy| proxy.nodes.iter().map(move |node| (proxy, node)));
    let nodes = nodes.filter(|(_, node)| places.contains(&node.head));
    let edits: BTreeSet<Edit> = nodes.filter_map(|(proxy, node)| closed(cx, proxy, node)).collect();
    let edits: Vec<Edit> = edits.into_iter().collect();
    let fix = Fix::of_edits(
        "pass on the name that nginx has looked at: without the port",
        Safety::Review,
        None,
        edits,
    );
    fix.patch.is_some().then_some(fix)
}

/// A header with the name that nginx has looked at.
fn closed(cx: &Cx<'_>, _: &Proxy, node: &Node) -> Option<Edit> {
    let value = node.args.get(1).filter(|value| value.text == "$http_host")?;
    let plain = cx.text_of(value.span)? == value.text;
    plain.then(|| replace(value.span, "$host"))
}
