//! # Only known proxies are believed about a client's address
//!
//! `set_real_ip_from` of nginx and `trusted_proxies` of Caddy name the ranges of the proxies in front,
//! not the whole internet.
//!
//! Who is believed writes the address that logs, limits and lists of addresses go by: trust everyone,
//! and everyone is whoever he likes.
//!
//! Name the load balancer's range; `trusted_proxies static private_ranges` where it is on the same
//! network.
//!
//! ## Fails
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! http {
//!   set_real_ip_from 0.0.0.0/0; # <- everyone
//!   real_ip_header X-Forwarded-For;
//!   server { listen 80; root /srv; }
//! }
//! ```
//!
//! Half and half is everyone, too:
//!
//! `Caddyfile`:
//! ```caddyfile
//! {
//!   servers {
//!     trusted_proxies static 0.0.0.0/1 128.0.0.0/1 # <- everyone
//!   }
//! }
//! shop.org {
//!   reverse_proxy web:3000
//! }
//! ```
//!
//! ## Fixed
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! http {
//!   set_real_ip_from 10.0.0.0/8; # <- named
//!   real_ip_header X-Forwarded-For;
//!   server { listen 80; root /srv; }
//! }
//! ```
//!
//! ## Passes
//!
//! `Caddyfile`:
//! ```caddyfile
//! {
//!   servers {
//!     trusted_proxies static private_ranges # <- named
//!   }
//! }
//! shop.org {
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
//!   root /srv;
//! }
//! ```

use crate::answers::Answers;
use crate::conditions::TRUSTS_PROXIES;
use crate::proxies::asked;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "network/trusted-proxies-narrow",
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
        equivalents: &[Equivalent { tool: "catalogue", rule: "PXY018", relation: Relation::Same }],
    }],
    when: &[&TRUSTS_PROXIES],
    source: include_str!("trusted_proxies_narrow.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx) {
        for node in &proxy.nodes {
            if !matches!(&*node.name, "set_real_ip_from" | "trusted_proxies") {
                continue;
            }
            // Half of all addresses is as good as all of them.
            let all = |text: &str| {
                let bits = text.split_once('/').and_then(|(_, bits)| bits.parse::<u8>().ok());
                bits.is_some_and(|bits| bits <= if text.contains(':') { 3 } else { 1 })
            };
            match node.args.iter().find(|word| all(&word.text)) {
                Some(word) => answers.bad(node.head, format!("`{}` is everyone", word.text)),
                None => answers.good(node.head, "names whom it trusts"),
            }
        }
    }
    answers.verdict(
        cx,
        "everyone is believed about a client's address: name the proxies in front",
        "only named proxies are believed about a client's address",
        "it cannot be told who is believed",
    )
}
