//! # A list of addresses that may come in keeps the rest out
//!
//! A block of nginx with `allow` has `deny all` behind it.
//!
//! Without it the list means nothing: who is on it comes in, and who is not comes in too.
//!
//! End the list with `deny all;`.
//!
//! ## Fails
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   location /admin {
//!     allow 10.0.0.0/8; # <- the rest
//!     proxy_pass http://api:8000;
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
//!   location /admin {
//!     allow 10.0.0.0/8;
//!     deny all; # <- keeps the rest out
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
//!   allow 10.0.0.0/8;
//!   deny all; # <- keeps the rest out
//!   location / { proxy_pass http://api:8000; }
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

use plimsoll_model::proxy::Server;

use crate::answers::Answers;
use crate::conditions::NGINX_ALLOWS;
use crate::proxies::asked;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "network/allow-lists-deny-rest",
    section: Section::Proxy,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CC6.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "PXY011", relation: Relation::Same },
            Equivalent { tool: "gixy-ng", rule: "allow_without_deny", relation: Relation::Same },
        ],
    }],
    when: &[&NGINX_ALLOWS],
    source: include_str!("allow_lists_deny_rest.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx).filter(|proxy| proxy.server == Server::Nginx) {
        for at in 0..proxy.nodes.len() {
            let mut allows = proxy.within(at, "allow").filter(|node| node.first() != "all");
            let Some(first) = allows.next() else { continue };
            match proxy.within(at, "deny").find(|node| node.first() == "all") {
                Some(deny) => answers.good(deny.head, "keeps the rest out"),
                None => answers.bad(first.head, "the rest comes in too: no `deny all` follows"),
            }
        }
    }
    answers.verdict(
        cx,
        "a list of addresses keeps nobody out: end it with `deny all`",
        "lists of addresses keep the rest out",
        "it cannot be told whom the list keeps out",
    )
}
