//! # Clients do not choose what a connection becomes
//!
//! `proxy_set_header Upgrade` and `Connection` have fixed values, or values of a `map` that lets only
//! WebSockets through: not `$http_upgrade`, not `$http_connection`.
//!
//! A client that sends `Upgrade: h2c` through such a proxy speaks HTTP/2 to the application behind it,
//! past every rule that the proxy has.
//!
//! Write `proxy_set_header Upgrade websocket;` in the one location that serves WebSockets. A location of
//! a narrower path than `/` is MEDIUM.
//!
//! ## Fails
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   location / {
//!     proxy_set_header Upgrade $http_upgrade; # <- the client's
//!     proxy_set_header Connection "upgrade";
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
//!   location / {
//!     proxy_set_header Upgrade websocket; # <- fixed
//!     proxy_set_header Connection "upgrade"; # <- fixed
//!     proxy_pass http://api:8000;
//!   }
//! }
//! ```
//!
//! ## Passes
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! map $http_upgrade $upgrade {
//!   websocket websocket;
//!   default "";
//! }
//! server {
//!   listen 80;
//!   location / {
//!     proxy_set_header Upgrade $upgrade; # <- fixed
//!     proxy_pass http://api:8000;
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
use crate::conditions::NGINX_PASSES_UPGRADES;
use crate::proxies::{asked, variables};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, Section, Severity,
    Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "network/no-h2c-smuggling",
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
            Equivalent { tool: "catalogue", rule: "PXY017", relation: Relation::Same },
            Equivalent {
                tool: "semgrep",
                rule: "possible-nginx-h2c-smuggling",
                relation: Relation::Narrower,
            },
        ],
    }],
    when: &[&NGINX_PASSES_UPGRADES],
    source: include_str!("no_h2c_smuggling.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx).filter(|proxy| proxy.server == Server::Nginx) {
        for (at, node) in proxy.nodes.iter().enumerate() {
            let header = node.first().to_ascii_lowercase();
            if node.name != "proxy_set_header" || !matches!(&*header, "upgrade" | "connection") {
                continue;
            }
            let location = proxy.above(at).find(|(_, above)| above.name == "location");
            let narrow = location.is_some_and(|(_, location)| location.first() != "/");
            let theirs =
                variables(node.arg(1)).any(|v| v.starts_with("http_") || of_client(proxy, v));
            match theirs {
                true if narrow => answers.push_bad(
                    Evidence::contradicts(node.head, "the client's value, below one path")
                        .severity(Severity::Medium),
                ),
                true => answers.bad(node.head, "the client's value"),
                false => answers.good(node.head, "fixed, or chosen by a map"),
            }
        }
    }
    answers.verdict(
        cx,
        "a client chooses what its connection becomes: fix `Upgrade` to websocket",
        "clients do not choose what a connection becomes",
        "it cannot be told what a connection becomes",
    )
}

/// Whether a `map` hands the client's value on as it is.
fn of_client(proxy: &Proxy, name: &str) -> bool {
    let maps = proxy.named("map").filter(|map| map.arg(1).strip_prefix('$') == Some(name));
    let mut entries =
        maps.flat_map(|map| map.children.iter().filter_map(|at| proxy.nodes.get(*at)));
    entries.any(|entry| variables(entry.first()).any(|v| v.starts_with("http_")))
}
