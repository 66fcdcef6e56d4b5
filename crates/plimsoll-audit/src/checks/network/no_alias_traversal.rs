//! # No location leads out of its alias
//!
//! A `location` that ends without a slash has no `alias` that ends with one.
//!
//! `location /img` with `alias /srv/img/` takes `/img../secret` for `/srv/img/../secret`: whoever asks
//! reads what lies beside the directory.
//!
//! End both with a slash: `location /img/ { alias /srv/img/; }`.
//!
//! ## Fails
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   location /img {
//!     alias /srv/img/; # <- `/img` has no slash
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
//!   location /img/ {
//!     alias /srv/img/; # <- agree
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
//!   location = /favicon.ico {
//!     alias /srv/img/favicon.ico; # <- agree
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

use plimsoll_model::proxy::Server;

use crate::answers::Answers;
use crate::conditions::NGINX_HAS_ALIAS;
use crate::proxies::asked;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "network/no-alias-traversal",
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
            Equivalent { tool: "catalogue", rule: "PXY005", relation: Relation::Same },
            Equivalent { tool: "gixy", rule: "alias_traversal", relation: Relation::Same },
            Equivalent { tool: "semgrep", rule: "alias-path-traversal", relation: Relation::Same },
            Equivalent {
                tool: "nginx-lint",
                rule: "alias-location-slash-mismatch",
                relation: Relation::Wider,
            },
        ],
    }],
    when: &[&NGINX_HAS_ALIAS],
    source: include_str!("no_alias_traversal.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx).filter(|proxy| proxy.server == Server::Nginx) {
        for (at, node) in proxy.nodes.iter().enumerate().filter(|(_, node)| node.name == "alias") {
            let Some((_, location)) = proxy.above(at).find(|(_, n)| n.name == "location") else {
                continue;
            };
            let path = match location.first() {
                "^~" => location.arg(1),
                // Neither an exact path nor an expression takes more than it says.
                "=" | "~" | "~*" => {
                    answers.good(node.head, "location and alias agree");
                    continue;
                }
                path => path,
            };
            if node.first().ends_with('/') && !path.ends_with('/') && !path.starts_with('@') {
                answers.bad(node.head, format!("`{path}` has no slash at its end"));
            } else {
                answers.good(node.head, "location and alias agree");
            }
        }
    }
    answers.verdict(
        cx,
        "a location leads out of its alias: end both with a slash",
        "locations and aliases agree on the slash at their end",
        "it cannot be told which alias counts",
    )
}
