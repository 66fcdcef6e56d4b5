//! # A canary gets the share of requests that was meant
//!
//! Where requests are split between a version that is tried and the rest, the proxy has weights
//! (`lb_policy weighted_round_robin`), or upstreams that are written more than once under `round_robin`
//! or `random`.
//!
//! `random_choose` and `least_conn` send a request where the load is least, whatever is written how
//! often: the new version gets more than its share when it is quick to fail, and the share that a
//! decision is made on is another than the one in the report.
//!
//! Write `lb_policy weighted_round_robin 9 1` (Caddy 2.8 and later).
//!
//! ## Fails
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   reverse_proxy web:3000 web:3000 web:3000 web-canary:3000 {
//!     lb_policy random_choose 2 # <- goes by load
//!   }
//! }
//! ```
//!
//! Or:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! upstream api {
//!   least_conn; # <- goes by load
//!   server api:8000;
//!   server api:8000;
//!   server api-canary:8000;
//! }
//! server {
//!   listen 80;
//!   location / { proxy_pass http://api; }
//! }
//! ```
//!
//! ## Fixed
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   reverse_proxy web:3000 web-canary:3000 {
//!     lb_policy weighted_round_robin 3 1 # <- by weight
//!   }
//! }
//! ```
//!
//! ## Passes
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   reverse_proxy web:3000 web:3000 web:3000 web-canary:3000 { # <- by how often
//!     lb_policy round_robin
//!   }
//! }
//! ```
//!
//! ## Does not apply
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   reverse_proxy web-1:3000 web-2:3000 {
//!     lb_policy least_conn
//!   }
//! }
//! ```

use crate::answers::Answers;
use crate::conditions::SPLITS_FOR_A_CANARY;
use crate::proxies::{asked, is_canary};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/canary-weighted",
    section: Section::Proxy,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent {
            tool: "catalogue",
            rule: "release/canary-weighted",
            relation: Relation::Same,
        }],
    }],
    when: &[&SPLITS_FOR_A_CANARY],
    source: include_str!("canary_weighted.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx) {
        for route in proxy.routes.iter().filter(|route| is_canary(cx, proxy, route)) {
            let mut options = ["lb_policy", "least_conn", "least_time", "ip_hash", "hash"]
                .into_iter()
                .flat_map(|name| proxy.within(route.options, name));
            let Some(policy) = options.next() else {
                answers.good(route.head, "by how often an upstream is written");
                continue;
            };
            let name = if policy.name == "lb_policy" { policy.first() } else { &policy.name };
            match name {
                "weighted_round_robin" => answers.good(policy.head, "by weight"),
                "round_robin" | "random" => {
                    answers.good(route.head, "by how often an upstream is written");
                }
                "random_choose" | "least_conn" | "least_time" => {
                    answers.bad(policy.head, format!("`{name}` goes by load, not by share"));
                }
                _ => answers.bad(policy.head, format!("`{name}` knows no share")),
            }
        }
    }
    answers.verdict(
        cx,
        "a canary gets what the load gives it: use `lb_policy weighted_round_robin`",
        "a canary gets the share of requests that was meant",
        "it cannot be told which share a canary gets",
    )
}
