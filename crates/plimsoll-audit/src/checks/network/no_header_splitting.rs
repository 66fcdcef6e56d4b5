//! # No decoded path is written into a header
//!
//! `return`, redirects by `rewrite`, `add_header` and `proxy_set_header` take `$request_uri` or fixed
//! texts, not `$uri` or `$document_uri`.
//!
//! These two hold the path with its escapes resolved: `%0d%0a` in it ends the header, and what follows
//! is a header, or a whole answer, that the client wrote.
//!
//! Write `return 301 https://$host$request_uri;`.
//!
//! ## Fails
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   return 301 https://shop.org$uri; # <- `$uri`
//! }
//! ```
//!
//! ## Fixed
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   return 301 https://shop.org$request_uri; # <- no decoded path
//! }
//! ```
//!
//! ## Passes
//!
//! A rewrite within nginx writes no header:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   rewrite ^/old$ /index.php?path=$uri last; # <- no decoded path
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
use crate::conditions::NGINX_WRITES_HEADERS;
use crate::proxies::{asked, variables};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "network/no-header-splitting",
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
            Equivalent { tool: "catalogue", rule: "PXY007", relation: Relation::Same },
            Equivalent { tool: "gixy", rule: "http_splitting", relation: Relation::Same },
            Equivalent { tool: "semgrep", rule: "header-injection", relation: Relation::Wider },
        ],
    }],
    when: &[&NGINX_WRITES_HEADERS],
    source: include_str!("no_header_splitting.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx).filter(|proxy| proxy.server == Server::Nginx) {
        for node in &proxy.nodes {
            let from = match &*node.name {
                "return" => 0,
                "add_header" | "proxy_set_header" => 1,
                // Without a redirect it stays within nginx.
                "rewrite" if node.has("permanent") || node.has("redirect") => 1,
                "rewrite" if node.arg(1).starts_with("http") => 1,
                "rewrite" => usize::MAX,
                _ => continue,
            };
            let mut names = node.args.iter().skip(from).flat_map(|word| variables(&word.text));
            match names.find(|name| matches!(*name, "uri" | "document_uri")) {
                Some(name) => answers.bad(node.head, format!("`${name}` may hold a line's end")),
                None => answers.good(node.head, "no decoded path"),
            }
        }
    }
    answers.verdict(
        cx,
        "a decoded path is written into a header: take `$request_uri`",
        "no decoded path is written into a header",
        "it cannot be told what is written into headers",
    )
}
