//! # An `if` in a location only returns or rewrites
//!
//! In nginx an `if` within a location holds `return`, `rewrite`, `set` or `break`, and nothing else.
//!
//! Anything else makes it a location of its own that inherits in part: headers are lost, `try_files` is
//! skipped, `proxy_pass` loses its path.
//!
//! Return from it, rewrite to another location, or choose with a `map`.
//!
//! ## Fails
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   location / {
//!     if ($request_method = POST) { # <- `proxy_pass`
//!       proxy_pass http://api:8000;
//!     }
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
//!   location / {
//!     if ($request_method = POST) { # <- returns or rewrites
//!       rewrite ^ /api$request_uri last;
//!     }
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
//!   location / {
//!     if ($bad_bot) { # <- returns or rewrites
//!       return 403;
//!     }
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

use plimsoll_model::proxy::Server;

use crate::answers::Answers;
use crate::conditions::NGINX_HAS_IF;
use crate::proxies::asked;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "network/no-unsafe-if",
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
            Equivalent { tool: "catalogue", rule: "PXY015", relation: Relation::Narrower },
            Equivalent { tool: "gixy-ng", rule: "if_is_evil", relation: Relation::Same },
            Equivalent {
                tool: "nginx-lint",
                rule: "if-is-evil-in-location",
                relation: Relation::Same,
            },
        ],
    }],
    when: &[&NGINX_HAS_IF],
    source: include_str!("no_unsafe_if.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx).filter(|proxy| proxy.server == Server::Nginx) {
        for (at, node) in proxy.nodes.iter().enumerate().filter(|(_, node)| node.name == "if") {
            if !proxy.above(at).any(|(_, above)| above.name == "location") {
                continue;
            }
            let safe = |name: &str| matches!(name, "return" | "rewrite" | "set" | "break");
            let mut children = node.children.iter().filter_map(|at| proxy.nodes.get(*at));
            match children.find(|child| !safe(&child.name)) {
                Some(child) => answers.bad(node.head, format!("holds `{}`", child.name)),
                None => answers.good(node.head, "only returns or rewrites"),
            }
        }
    }
    answers.verdict(
        cx,
        "an `if` in a location does more than return: use a `map` or a location",
        "every `if` in a location only returns or rewrites",
        "it cannot be told what an `if` holds",
    )
}
