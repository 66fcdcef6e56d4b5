//! # Health checks that take an upstream away leave another
//!
//! A `reverse_proxy` of Caddy that asks its upstreams for their health (`health_uri`) has more than one,
//! or `health_fails` above 1, or an `lb_try_duration` that waits.
//!
//! With one upstream, one slow answer to the health check is a 503 for the whole site, until the next
//! check: `health_fails` is 1 by default. What the check cannot do is send requests anywhere better.
//!
//! Add the second upstream, or `health_fails 3` and `lb_try_duration 5s`, or leave the check away.
//!
//! ## Fails
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   reverse_proxy web:3000 { # <- one upstream
//!     health_uri /healthz
//!     health_interval 5s
//!   }
//! }
//! ```
//!
//! A snippet that others import:
//!
//! `caddy/upstream.caddy`:
//! ```caddyfile
//! (api) {
//!   reverse_proxy { # <- one upstream
//!     to api:8000
//!     health_uri /healthz
//!     health_fails 1
//!   }
//! }
//! ```
//!
//! ## Fixed
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   reverse_proxy web:3000 { # <- 3 failures
//!     health_uri /healthz
//!     health_interval 5s
//!     health_fails 3
//!   }
//! }
//! ```
//!
//! ## Passes
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   reverse_proxy web-1:3000 web-2:3000 { # <- 2 upstreams
//!     health_uri /healthz
//!   }
//! }
//! ```
//!
//! ## Cannot tell
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   reverse_proxy {$UPSTREAMS} { # <- a variable
//!     health_uri /healthz
//!   }
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
use crate::conditions::CADDY_CHECKS_HEALTH;
use crate::proxies::{asked, is_probed};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
    Why,
};

pub(super) static CHECK: Check = Check {
    id: "network/upstream-health-with-spare",
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
            rule: "network/upstream-health-with-spare",
            relation: Relation::Same,
        }],
    }],
    when: &[&CADDY_CHECKS_HEALTH],
    source: include_str!("upstream_health_with_spare.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx) {
        for route in proxy.routes.iter().filter(|route| is_probed(proxy, route.options)) {
            let option = |name| proxy.within(route.options, name).next();
            let fails = option("health_fails").and_then(|n| n.first().parse::<u32>().ok());
            let count = route.upstreams.len();
            if let Some(fails) = fails.filter(|fails| *fails > 1) {
                answers.good(route.head, format!("taken away after {fails} failures"));
            } else if option("lb_try_duration").is_some() {
                answers.good(route.head, "requests wait for it to come back");
            } else if count > 1 {
                answers.good(route.head, format!("has {count} upstreams"));
            } else if route.dynamic {
                answers.unsure(Why::Dynamic, route.head, "its upstreams are a variable");
            } else if count == 1 {
                answers.bad(route.head, "one upstream, gone after one failed health check");
            }
        }
    }
    answers.verdict(
        cx,
        "one failed health check is a 503: add an upstream, `health_fails` or `lb_try_duration`",
        "health checks leave an upstream to go to",
        "it cannot be told how many upstreams there are",
    )
}
