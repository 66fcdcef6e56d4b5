//! # What one client may take is bounded
//!
//! A site that the world reaches bounds the size of a body, the time that a request may take, and how
//! many requests a client may make: nginx's `client_max_body_size`, a `…_timeout`, `limit_req` or
//! `limit_conn`; Caddy's `request_body`, a timeout, a `rate_limit`.
//!
//! One client that sends slowly, or much, or often, takes what all others need.
//!
//! Write all three. Some of them make this PARTIAL.
//!
//! ## Fails
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server { # <- no bound
//!   listen 443 ssl;
//!   server_name shop.org;
//!   location / { proxy_pass http://web:3000; }
//! }
//! ```
//!
//! ## Fixed
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! limit_req_zone $binary_remote_addr zone=all:10m rate=20r/s;
//! client_body_timeout 10s;
//! server {
//!   listen 443 ssl;
//!   server_name shop.org;
//!   client_max_body_size 2m; # <- size
//!   limit_req zone=all burst=40;
//!   location / { proxy_pass http://web:3000; }
//! }
//! ```
//!
//! ## Passes
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! http {
//!   limit_req_zone $binary_remote_addr zone=all:10m rate=20r/s;
//!   client_max_body_size 2m; # <- size
//!   send_timeout 10s; # <- time
//!   limit_req zone=all burst=40; # <- rate
//!   server {
//!     listen 443 ssl;
//!     server_name shop.org;
//!     location / { proxy_pass http://web:3000; }
//!   }
//! }
//! ```
//!
//! ## Partial
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org { # <- rate
//!   request_body {
//!     max_size 2MB
//!   }
//!   reverse_proxy web:3000 {
//!     transport http {
//!       read_timeout 30s
//!     }
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
//!   location / { proxy_pass http://web:3000; }
//! }
//! ```

use plimsoll_model::proxy::Node;

use crate::answers::Answers;
use crate::conditions::HAS_EDGE_SITE;
use crate::proxies::{asked, edge_sites};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Outcome, Part, Relation, Run, Section, Severity, Status,
    Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "network/requests-bounded",
    section: Section::Proxy,
    domain: Domain::ContainerSecurity,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["A1.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "PXY014", relation: Relation::Same },
            Equivalent {
                tool: "nginx-lint",
                rule: "client-max-body-size-not-set",
                relation: Relation::Narrower,
            },
        ],
    }],
    when: &[&HAS_EDGE_SITE],
    source: include_str!("requests_bounded.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    let mut some = false;
    for proxy in asked(cx) {
        for site in edge_sites(cx, proxy) {
            let above = site.node.into_iter().flat_map(|at| proxy.above(at).map(|(at, _)| at));
            let above = above.flat_map(|at| &proxy.nodes[at].children).copied();
            let around: Vec<usize> = above.chain(proxy.roots.iter().copied()).collect();
            // Caddy's options stand in a block of their own.
            let level = around.iter().filter_map(|at| proxy.nodes.get(*at));
            let options = level.clone().filter(|n| n.name.is_empty());
            let options = options.flat_map(|node| proxy.below(&node.children));
            let all: Vec<&Node> = proxy.below(&site.body).chain(level).chain(options).collect();
            let missing: Vec<&str> = BOUNDS
                .iter()
                .filter(|(_, is)| !all.iter().any(|node| is(&node.name)))
                .map(|(what, _)| *what)
                .collect();
            let found = BOUNDS.iter().filter_map(|(what, is)| {
                Some((what, all.iter().find(|node| is(&node.name))?.head))
            });
            if missing.is_empty() {
                found.for_each(|(what, at)| answers.good(at, format!("bounds the {what}")));
            } else {
                some |= missing.len() < BOUNDS.len();
                answers.missing(site.head, format!("no bound of {}", missing.join(", ")));
            }
        }
    }
    let message = "a public site bounds no request: set size, timeouts and a rate";
    let verdict = answers.verdict(
        cx,
        message,
        "what one client may take is bounded",
        "it cannot be told what bounds requests",
    );
    if some && verdict.outcome() == Outcome::Fail {
        return verdict.in_part("a public site bounds only part: set size, timeouts and a rate");
    }
    verdict
}

/// What is bounded, and by which directives.
type Bound = (&'static str, fn(&str) -> bool);

const BOUNDS: [Bound; 3] = [
    ("size", |name| matches!(name, "client_max_body_size" | "request_body" | "max_size")),
    ("time", |name| {
        const TIMEOUTS: [&str; 9] = [
            "client_body_timeout",
            "client_header_timeout",
            "proxy_read_timeout",
            "send_timeout",
            "keepalive_timeout",
            "read_timeout",
            "timeouts",
            "response_header_timeout",
            "write_timeout",
        ];
        TIMEOUTS.contains(&name)
    }),
    ("rate", |name| matches!(name, "limit_req" | "limit_conn" | "rate_limit")),
];
