//! # Configurations for one host keep the same people out
//!
//! Where several configurations answer for one public host (one a way of deploying), a path that asks
//! for a password, another's word or a known address in one of them asks for it in all.
//!
//! Whoever switches to the other file, at night, in an incident, takes a lock off that he does not see.
//!
//! Put what guards a path into a snippet that all of them import.
//!
//! ## Fails
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   handle /admin/* {
//!     @office remote_ip 10.8.0.0/16
//!     basic_auth @office {
//!       ops {env.HASH}
//!     }
//!     reverse_proxy web:3000
//!   }
//!   reverse_proxy web:3000
//! }
//! ```
//! `Caddyfile.canary`:
//! ```caddyfile
//! shop.org {
//!   handle /admin/* { # <- a list of addresses
//!     basic_auth {
//!       ops {env.HASH}
//!     }
//!     reverse_proxy web:3000
//!   }
//!   reverse_proxy web:3000 web-canary:3000
//! }
//! ```
//!
//! Without the route:
//!
//! `nginx/a.conf`:
//! ```nginx
//! server {
//!   listen 443 ssl;
//!   server_name shop.org;
//!   location /admin/ {
//!     auth_basic ops;
//!     proxy_pass http://web:3000;
//!   }
//!   location / { proxy_pass http://web:3000; }
//! }
//! ```
//! `nginx/b.conf`:
//! ```nginx
//! server { # <- a password
//!   listen 443 ssl;
//!   server_name shop.org;
//!   location / { proxy_pass http://web:3000; }
//! }
//! ```
//!
//! ## Fixed
//!
//! `Caddyfile.canary`:
//! ```caddyfile
//! shop.org { # <- keeps the same people out
//!   handle /admin/* {
//!     @office remote_ip 10.8.0.0/16
//!     basic_auth @office {
//!       ops {env.HASH}
//!     }
//!     reverse_proxy web:3000
//!   }
//!   reverse_proxy web:3000 web-canary:3000
//! }
//! ```
//!
//! ## Passes
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org { # <- keeps the same people out
//!   reverse_proxy web:3000
//! }
//! ```
//! `Caddyfile.blue`:
//! ```caddyfile
//! shop.org { # <- keeps the same people out
//!   reverse_proxy web-blue:3000
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

use crate::answers::Answers;
use crate::conditions::HAS_SIBLING_PROXIES;
use crate::proxies::{locks, siblings};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "network/proxy-configs-agree",
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
            rule: "network/proxy-configs-agree",
            relation: Relation::Same,
        }],
    }],
    when: &[&HAS_SIBLING_PROXIES],
    source: include_str!("proxy_configs_agree.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for (proxy, site, other, twin) in siblings(cx) {
        let own = locks(proxy, site);
        let mut agrees = true;
        for lock in locks(other, twin) {
            let same = own.iter().find(|own| own.paths.iter().any(|p| lock.paths.contains(p)));
            let has = same.map_or(&[][..], |same| &same.guards);
            let Some(lost) = lock.guards.iter().find(|guard| !has.contains(guard)) else {
                continue;
            };
            agrees = false;
            let place = same.map_or(site.head, |same| same.head);
            let path = lock.paths.first().map_or("/", |path| path);
            let says = format!("`{path}` asks for {lost} in {}", cx.path(other.file));
            answers.bad(place, says);
            answers.context(lock.head, "asks for it here");
        }
        if agrees {
            answers.good(site.head, "keeps the same people out");
        }
    }
    answers.verdict(
        cx,
        "one configuration keeps people out that another lets in: share a snippet",
        "configurations for one host keep the same people out",
        "it cannot be told whom the configurations keep out",
    )
}
