//! # Names are asked of a resolver of nginx's own network
//!
//! `resolver` names an address of this machine or of a private network (`127.0.0.11` in containers).
//!
//! Answers of a resolver on the internet can be forged on the way, by whoever guesses a number of 16
//! bits; and the names of containers are not known there.
//!
//! Write `resolver 127.0.0.11 valid=10s;`.
//!
//! ## Fails
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! http {
//!   resolver 8.8.8.8; # <- on the internet
//!   server { listen 80; root /srv; }
//! }
//! ```
//!
//! By its other address:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! http {
//!   resolver 127.0.0.11 [2001:4860:4860::8888]; # <- on the internet
//!   server { listen 80; root /srv; }
//! }
//! ```
//!
//! ## Fixed
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! http {
//!   resolver 127.0.0.11; # <- of its own network
//!   server { listen 80; root /srv; }
//! }
//! ```
//!
//! ## Passes
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! http {
//!   resolver kube-dns.kube-system.svc.cluster.local valid=10s; # <- of its own network
//!   server { listen 80; root /srv; }
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

use std::net::IpAddr;

use plimsoll_model::proxy::Server;

use crate::answers::Answers;
use crate::conditions::NGINX_HAS_RESOLVER;
use crate::proxies::asked;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "network/internal-resolver",
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
            Equivalent { tool: "catalogue", rule: "PXY016", relation: Relation::Same },
            Equivalent { tool: "gixy-ng", rule: "resolver_external", relation: Relation::Same },
        ],
    }],
    when: &[&NGINX_HAS_RESOLVER],
    source: include_str!("internal_resolver.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx).filter(|proxy| proxy.server == Server::Nginx) {
        for node in proxy.named("resolver") {
            let public = node.args.iter().find_map(|word| {
                let text = match word.text.strip_prefix('[') {
                    Some(rest) => rest.split(']').next()?,
                    None => word.text.split(':').next()?,
                };
                let ours = match text.parse::<IpAddr>().ok()? {
                    IpAddr::V4(it) => it.is_loopback() || it.is_private() || it.is_link_local(),
                    IpAddr::V6(it) => {
                        it.is_loopback() || it.is_unique_local() || it.is_unicast_link_local()
                    }
                };
                (!ours).then_some(text)
            });
            match public {
                Some(address) => answers.bad(node.head, format!("{address} is on the internet")),
                None => answers.good(node.head, "a resolver of its own network"),
            }
        }
    }
    answers.verdict(
        cx,
        "nginx asks a resolver on the internet: name one of its own network",
        "nginx asks a resolver of its own network",
        "it cannot be told which resolver is asked",
    )
}
