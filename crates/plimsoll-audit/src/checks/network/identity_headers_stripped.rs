//! # No header of the request says who someone is
//!
//! A site with a public name does not decide by a header like `X-Auth-MFA`, `X-Break-Glass-Token` or
//! `Remote-User` that any client can send, unless the proxy takes it away first, believes it only of
//! known addresses, or gets it from `forward_auth`. A value that only the operator knows (a placeholder)
//! is a shared secret, and not asked here.
//!
//! `curl -H 'X-Auth-MFA: true'` is all that such a lock costs. It looks like a second factor, and is
//! none.
//!
//! Let `forward_auth` ask who it is; `request_header -X-Auth-MFA` around everything else.
//!
//! ## Fails
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   handle /admin/* {
//!     @no_mfa not header X-Auth-MFA "true" # <- any client
//!     respond @no_mfa 403
//!     reverse_proxy api:8000
//!   }
//! }
//! ```
//!
//! A way around a list of addresses, in a snippet:
//!
//! `Caddyfile`:
//! ```caddyfile
//! (admin) {
//!   @glass header X-Break-Glass-Token * # <- any client
//!   reverse_proxy @glass api:8000
//! }
//! shop.org {
//!   import admin
//! }
//! ```
//!
//! Or:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 443 ssl;
//!   server_name shop.org;
//!   location /admin {
//!     if ($http_x_user_role != admin) { # <- any client
//!       return 403;
//!     }
//!     proxy_pass http://api:8000;
//!   }
//! }
//! ```
//!
//! ## Fixed
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   handle /admin/* {
//!     request_header -X-Auth-MFA
//!     forward_auth sso:9091 {
//!       uri /verify
//!       copy_headers X-Auth-MFA
//!     }
//!     @no_mfa not header X-Auth-MFA "true" # <- asked first
//!     respond @no_mfa 403
//!     reverse_proxy api:8000
//!   }
//! }
//! ```
//!
//! ## Passes
//!
//! Of a known address only:
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   @ops {
//!     header X-Admin-User *
//!     remote_ip 10.8.0.0/16
//!   }
//!   reverse_proxy @ops api:8000
//! }
//! ```
//!
//! ## Does not apply
//!
//! A secret, and a header that says nothing of people:
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   @edge header X-Edge-Token {env.EDGE_TOKEN}
//!   @socket header Connection *Upgrade*
//!   reverse_proxy @edge api:8000
//! }
//! ```

use plimsoll_model::proxy::Proxy;

use crate::answers::Answers;
use crate::conditions::AUTHORISES_BY_HEADER;
use crate::proxies::{asked, by_address, claims, is_public};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "network/identity-headers-stripped",
    section: Section::Proxy,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent {
            tool: "catalogue",
            rule: "network/identity-headers-stripped",
            relation: Relation::Same,
        }],
    }],
    when: &[&AUTHORISES_BY_HEADER],
    source: include_str!("identity_headers_stripped.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx) {
        for (at, node) in proxy.nodes.iter().enumerate() {
            let Some(header) = claims(proxy, at, node) else { continue };
            let Some(site) = proxy.site_of(at) else { continue };
            if !site.hosts.iter().any(|host| is_public(host)) {
                answers.good(node.head, "no public site");
            } else if is_settled(proxy, at, &header) {
                answers.good(node.head, "taken away, or asked first");
            } else {
                answers.bad(node.head, format!("any client can send `{header}`"));
            }
        }
    }
    answers.verdict(
        cx,
        "a header that any client can send says who someone is: ask an identity provider",
        "no header of the request says who someone is",
        "it cannot be told who may send the header",
    )
}

/// Whether a header is another's by the time it is looked at: it is deleted there or around it and
/// not written again, asked of a provider, or believed of known addresses only.
fn is_settled(proxy: &Proxy, at: usize, header: &str) -> bool {
    let around: Vec<usize> = proxy.above(at).map(|(at, _)| at).collect();
    let is = |text: &str| text.eq_ignore_ascii_case(header);
    let known = std::iter::once(at).chain(around.iter().copied()).any(|at| {
        let Some(node) = proxy.nodes.get(at) else { return false };
        let matcher = proxy
            .nodes
            .iter()
            .enumerate()
            .find(|(_, n)| node.first().starts_with('@') && n.name == node.first());
        (node.name.starts_with('@') && by_address(proxy, at, node))
            || matcher.is_some_and(|(at, matcher)| by_address(proxy, at, matcher))
    });
    known
        || around.iter().any(|at| {
            let asks = proxy.within(*at, "forward_auth").next().is_some();
            let mut settled = false;
            for node in proxy.within(*at, "request_header") {
                let name = node.first();
                if name.strip_prefix('-').is_some_and(is) {
                    settled = true;
                } else if is(name.trim_start_matches('+')) && !node.arg(1).contains('{') {
                    settled = false;
                }
            }
            asks || settled
        })
}
