//! # Certificates are real, and looked at
//!
//! No public site of Caddy has `tls internal`; nobody skips the check of an upstream's certificate:
//! `tls_insecure_skip_verify`, `proxy_ssl_verify off`. nginx checks none unless `proxy_ssl_verify on`
//! says so: an upstream with `https://` without it is LOW.
//!
//! A certificate of Caddy's own authority makes every visitor click a warning away, which he will do for
//! the forged one as well. TLS without a look at the certificate protects from nobody in between.
//!
//! Leave `tls` to Caddy, or name the files; trust the authority of the upstream
//! (`tls_trust_pool`, `proxy_ssl_trusted_certificate`) rather than everyone.
//!
//! ## Fails
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   tls internal # <- no browser trusts
//!   reverse_proxy https://web:3000 {
//!     transport http {
//!       tls_insecure_skip_verify # <- not looked at
//!     }
//!   }
//! }
//! ```
//!
//! Or:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   location / {
//!     proxy_pass https://api:8443;
//!     proxy_ssl_verify off; # <- not looked at
//!   }
//! }
//! ```
//!
//! ## Fixed
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   tls ops@shop.org # <- real
//!   reverse_proxy https://web:3000 # <- looked at
//! }
//! ```
//!
//! Or:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   location / {
//!     proxy_pass https://api:8443; # <- looked at
//!     proxy_ssl_verify on;
//!     proxy_ssl_trusted_certificate /etc/ssl/ca.pem;
//!   }
//! }
//! ```
//!
//! ## Passes
//!
//! `Caddyfile`:
//! ```caddyfile
//! localhost {
//!   tls internal # <- no public site
//!   reverse_proxy web:3000
//! }
//! ```
//!
//! ## Does not apply
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   location / { proxy_pass http://api:8000; }
//! }
//! ```

use plimsoll_model::proxy::{Server, Upstream};

use crate::answers::Answers;
use crate::conditions::PROXY_MEETS_TLS;
use crate::proxies::{asked, is_public};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, Section, Severity,
    Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "network/proxy-tls-verified",
    section: Section::Proxy,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CC6.7"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "PXY020", relation: Relation::Same }],
    }],
    when: &[&PROXY_MEETS_TLS],
    source: include_str!("proxy_tls_verified.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx) {
        for (at, node) in proxy.nodes.iter().enumerate() {
            match &*node.name {
                "tls" if node.has("internal") => {
                    let hosts = proxy.site_of(at).map_or(&[][..], |site| &site.hosts);
                    match hosts.iter().any(|host| is_public(host)) {
                        true => answers.bad(node.head, "no browser trusts Caddy's own authority"),
                        false => answers.good(node.head, "no public site"),
                    }
                }
                "tls" if proxy.server == Server::Caddy => {
                    answers.good(node.head, "a real certificate");
                }
                "tls_insecure_skip_verify" => answers.bad(node.head, "is not looked at"),
                "proxy_ssl_verify" if node.first() == "off" => {
                    answers.bad(node.head, "is not looked at");
                }
                _ => {}
            }
        }
        for route in &proxy.routes {
            let tls = |u: &Upstream| u.scheme.as_deref() == Some("https");
            if !route.upstreams.iter().any(tls) {
                continue;
            }
            let around = proxy.above(route.node).map(|(at, _)| at);
            let mut around = around.flat_map(|at| proxy.within(at, "proxy_ssl_verify"));
            let skips = proxy.nodes.get(route.node).is_some_and(|node| {
                proxy.below(&node.children).any(|n| n.name == "tls_insecure_skip_verify")
            });
            match (around.next(), proxy.server) {
                (Some(says), _) if says.first() == "on" => answers.good(route.head, "looked at"),
                (Some(_), _) => {}
                (None, Server::Nginx) => answers.push_bad(
                    Evidence::contradicts(route.head, "nginx looks at no certificate by itself")
                        .severity(Severity::Low),
                ),
                (None, Server::Caddy) if !skips => answers.good(route.head, "looked at"),
                (None, Server::Caddy) => {}
            }
        }
    }
    answers.verdict(
        cx,
        "a certificate is not real, or not looked at: trust its authority instead",
        "certificates are real, and looked at",
        "it cannot be told which certificates are looked at",
    )
}
