//! # No directory is listed
//!
//! nginx says no `autoindex on`, Caddy no `file_server browse`.
//!
//! A listing shows what nobody meant to publish: backups, drafts, exports, forgotten archives.
//!
//! Take it away; where a listing is the purpose of the site, accept the finding. Whether files that
//! begin with a dot lie among those that are served is not asked here.
//!
//! ## Fails
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   root /srv;
//!   autoindex on; # <- lists
//! }
//! ```
//!
//! Or:
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   root * /srv
//!   file_server browse # <- lists
//! }
//! ```
//!
//! ## Fixed
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   root /srv; # <- not listed
//! }
//! ```
//!
//! Or:
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   root * /srv
//!   file_server # <- not listed
//! }
//! ```
//!
//! ## Passes
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   root /srv; # <- not listed
//!   location /files/ { autoindex off; }
//! }
//! ```
//!
//! ## Does not apply
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   reverse_proxy web:3000
//! }
//! ```

use std::collections::BTreeSet;

use plimsoll_model::mend::proxy::{without_line, without_word};
use plimsoll_model::proxy::{Node, Proxy, Server};
use plimsoll_source::{Edit, Span};

use crate::answers::Answers;
use crate::conditions::PROXY_SERVES_FILES;
use crate::proxies::asked;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Finding, Fix, Part, Relation, Run, Safety, Section,
    Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "network/no-directory-listing",
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
            Equivalent { tool: "catalogue", rule: "PXY013", relation: Relation::Wider },
            Equivalent {
                tool: "nginx-lint",
                rule: "autoindex-enabled",
                relation: Relation::Narrower,
            },
        ],
    }],
    when: &[&PROXY_SERVES_FILES],
    source: include_str!("no_directory_listing.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx) {
        for (at, node) in proxy.nodes.iter().enumerate() {
            let lists = match proxy.server {
                Server::Caddy if node.name == "file_server" => {
                    node.has("browse") || proxy.within(at, "browse").next().is_some()
                }
                Server::Nginx if node.name == "autoindex" => node.first() == "on",
                Server::Nginx if matches!(&*node.name, "root" | "alias") => false,
                _ => continue,
            };
            match lists {
                true => answers.bad(node.head, "lists directories"),
                false => answers.good(node.head, "what it serves is not listed"),
            }
        }
    }
    answers.verdict(
        cx,
        "a proxy lists directories: take `autoindex` or `browse` away",
        "no directory is listed",
        "it cannot be told whether directories are listed",
    )
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let places: Vec<Span> = mending::against(finding).collect();
    let nodes = asked(cx).flat_map(|proxy| proxy.nodes.iter().map(move |node| (proxy, node)));
    let nodes = nodes.filter(|(_, node)| places.contains(&node.head));
    let edits: BTreeSet<Edit> = nodes.filter_map(|(proxy, node)| closed(cx, proxy, node)).collect();
    let edits: Vec<Edit> = edits.into_iter().collect();
    let fix = Fix::of_edits("list no directory any more", Safety::Review, None, edits);
    fix.patch.is_some().then_some(fix)
}

/// A directive that lists nothing any more.
fn closed(cx: &Cx<'_>, proxy: &Proxy, node: &Node) -> Option<Edit> {
    let tree = &cx.delivery.tree;
    match proxy.server {
        Server::Nginx => without_line(tree, node.head),
        Server::Caddy => {
            let word = node.args.iter().find(|word| word.text == "browse" && !node.block)?;
            without_word(tree, word.span)
        }
    }
}
