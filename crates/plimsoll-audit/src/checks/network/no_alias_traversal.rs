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

use std::collections::BTreeSet;

use plimsoll_model::mend::after;
use plimsoll_model::proxy::{Node, Proxy, Server};
use plimsoll_source::{Edit, Span};

use crate::answers::Answers;
use crate::conditions::NGINX_HAS_ALIAS;
use crate::proxies::asked;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Finding, Fix, Part, Relation, Run, Safety, Section,
    Severity, Status, Verdict, mending,
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
    fix: Some(fix),
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

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let places: Vec<Span> = mending::against(finding).collect();
    let nodes = asked(cx).flat_map(|proxy| proxy.nodes.iter().map(move |node| (proxy, node)));
    let nodes = nodes.filter(|(_, node)| places.contains(&node.head));
    let edits: BTreeSet<Edit> = nodes.filter_map(|(proxy, node)| closed(cx, proxy, node)).collect();
    let edits: Vec<Edit> = edits.into_iter().collect();
    let fix = Fix::of_edits(
        "end the location with a slash, as its alias does",
        Safety::Review,
        None,
        edits,
    );
    fix.patch.is_some().then_some(fix)
}

/// The location of an alias, ended by a slash.
fn closed(cx: &Cx<'_>, proxy: &Proxy, node: &Node) -> Option<Edit> {
    let at = proxy.nodes.iter().position(|other| std::ptr::eq(other, node))?;
    let (_, location) = proxy.above(at).find(|(_, above)| above.name == "location")?;
    let path = location.args.last()?;
    let plain = cx.text_of(path.span)? == path.text;
    plain.then(|| after(path.span, "/"))
}
