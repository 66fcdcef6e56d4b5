//! # No block drops the headers of the one around it
//!
//! A block of nginx with an `add_header` of its own repeats those of the blocks around it.
//!
//! nginx takes the headers of the outer block only where the inner one adds none: one
//! `add_header Cache-Control` in a location, and its answers lose HSTS and all the rest.
//!
//! Repeat them in the inner block, by an `include` of a file that holds them, or put all of them there.
//!
//! ## Fails
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   add_header X-Content-Type-Options nosniff;
//!   location /static/ {
//!     add_header Cache-Control "max-age=600"; # <- drops `X-Content-Type-Options`
//!     root /srv;
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
//!   add_header X-Content-Type-Options nosniff;
//!   location /static/ {
//!     add_header X-Content-Type-Options nosniff; # <- repeats
//!     add_header Cache-Control "max-age=600";
//!     root /srv;
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
//!   location /static/ {
//!     add_header Cache-Control "max-age=600"; # <- nothing around it
//!     root /srv;
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

use plimsoll_model::proxy::{Node, Server};

use crate::answers::Answers;
use crate::conditions::NGINX_ADDS_HEADERS;
use crate::proxies::asked;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "network/headers-inherited",
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
            Equivalent { tool: "catalogue", rule: "PXY004", relation: Relation::Same },
            Equivalent { tool: "gixy", rule: "add_header_redefinition", relation: Relation::Same },
            Equivalent { tool: "semgrep", rule: "header-redefinition", relation: Relation::Same },
            Equivalent {
                tool: "nginx-lint",
                rule: "directive-inheritance",
                relation: Relation::Wider,
            },
        ],
    }],
    when: &[&NGINX_ADDS_HEADERS],
    source: include_str!("headers_inherited.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx).filter(|proxy| proxy.server == Server::Nginx) {
        for at in 0..proxy.nodes.len() {
            let own: Vec<&Node> = proxy.within(at, "add_header").collect();
            let Some(first) = own.first() else { continue };
            if !proxy.nodes[at].block {
                continue;
            }
            let is_own = |name: &str| own.iter().any(|n| n.first().eq_ignore_ascii_case(name));
            // Only the nearest block that adds any is inherited from.
            let outer = proxy.above(at).find_map(|(above, _)| {
                let added: Vec<&Node> = proxy.within(above, "add_header").collect();
                (!added.is_empty()).then_some(added)
            });
            let Some(outer) = outer else {
                answers.good(first.head, "nothing around it adds headers");
                continue;
            };
            match outer.iter().find(|node| !is_own(node.first())) {
                Some(lost) => answers.bad(first.head, format!("drops `{}`", lost.first())),
                None => answers.good(first.head, "repeats those around it"),
            }
        }
    }
    answers.verdict(
        cx,
        "a block drops the headers around it: repeat them where it adds its own",
        "no block drops the headers around it",
        "it cannot be told which headers are inherited",
    )
}
