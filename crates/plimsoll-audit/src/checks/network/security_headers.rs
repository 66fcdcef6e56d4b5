//! # A site that the world reaches sets security headers
//!
//! It sets at least one of Strict-Transport-Security, X-Content-Type-Options, and X-Frame-Options or a
//! Content-Security-Policy with `frame-ancestors`. A site is asked when it has a public name, or when
//! its container publishes the port.
//!
//! They tell browsers to stay with HTTPS, not to guess types, and not to show the site in another's
//! frame. The proxy is the one place that every answer passes.
//!
//! Caddy: `header Strict-Transport-Security "max-age=31536000"`; nginx: `add_header
//! X-Content-Type-Options nosniff always;`. An application that sets them itself is not seen here.
//!
//! ## Fails
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org { # <- none of
//!   reverse_proxy web:3000
//! }
//! ```
//!
//! ## Fixed
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   header Strict-Transport-Security "max-age=31536000" # <- sets
//!   reverse_proxy web:3000
//! }
//! ```
//!
//! ## Passes
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! http {
//!   add_header X-Content-Type-Options nosniff always; # <- sets
//!   server {
//!     listen 443 ssl;
//!     server_name shop.org;
//!     location / { proxy_pass http://web:3000; }
//!   }
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

use plimsoll_model::proxy::{Node, Proxy, Server};

use crate::answers::Answers;
use crate::conditions::HAS_EDGE_SITE;
use crate::proxies::{asked, edge_sites};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "network/security-headers",
    section: Section::Proxy,
    domain: Domain::ContainerSecurity,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CC6.6"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "PXY003", relation: Relation::Same }],
    }],
    when: &[&HAS_EDGE_SITE],
    source: include_str!("security_headers.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx) {
        for site in edge_sites(cx, proxy) {
            let above = site.node.into_iter().flat_map(|at| proxy.above(at).map(|(at, _)| at));
            let above = above.flat_map(|at| proxy.within(at, "add_header"));
            let top = proxy.roots.iter().filter_map(|at| proxy.nodes.get(*at));
            let found =
                proxy.below(&site.body).chain(above).chain(top).find(|node| sets(proxy, node));
            match found {
                Some(node) => answers.good(node.head, "sets a security header"),
                None => answers.missing(site.head, "none of the security headers is set"),
            }
        }
    }
    answers.verdict(
        cx,
        "a public site sets no security header: add HSTS, nosniff, frame-ancestors",
        "public sites set security headers",
        "it cannot be told which headers are set",
    )
}

fn sets(proxy: &Proxy, node: &Node) -> bool {
    const NAMES: [&str; 3] =
        ["strict-transport-security", "x-content-type-options", "x-frame-options"];
    let of = |name: &str, value: &str| {
        let name = name.trim_start_matches(['+', '?', '>']).to_ascii_lowercase();
        NAMES.contains(&&*name)
            || name == "content-security-policy" && value.contains("frame-ancestors")
    };
    let within = node.parent.and_then(|at| proxy.nodes.get(at));
    match (&*node.name, proxy.server) {
        ("add_header" | "more_set_headers", Server::Nginx) => {
            of(node.first().trim_end_matches(':'), node.arg(1))
                || node.first().split_once(':').is_some_and(|(name, value)| of(name, value))
        }
        ("header", Server::Caddy) => {
            let at = usize::from(node.first().starts_with(['@', '/', '*']));
            of(node.arg(at), node.arg(at + 1))
        }
        (name, Server::Caddy) => {
            within.is_some_and(|above| above.name == "header") && of(name, node.first())
        }
        _ => false,
    }
}
