//! # No administration endpoint is open to the world
//!
//! Caddy's `admin` stays on this machine; nginx's `stub_status`, and paths like `/metrics` and
//! `/actuator` that a public site passes on, are behind a list of addresses or a password; Traefik does
//! not run with `api.insecure`.
//!
//! Who reaches Caddy's endpoint writes its configuration. Metrics and actuators tell how a system is
//! built, and some of them dump its memory, passwords included.
//!
//! Bind it to `localhost:2019`, or `admin off`; `allow 10.0.0.0/8; deny all;` in the location.
//!
//! ## Fails
//!
//! `Caddyfile`:
//! ```caddyfile
//! {
//!   admin 0.0.0.0:2019 # <- every address
//! }
//! shop.org {
//!   reverse_proxy web:3000
//! }
//! ```
//!
//! Or:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   server_name shop.org;
//!   location /nginx_status {
//!     stub_status; # <- nobody is kept out
//!   }
//! }
//! ```
//!
//! Or:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   proxy:
//!     image: traefik:v3.3.4
//!     command:
//!       - --api.insecure=true # <- without a password
//!     ports: ["80:80", "8080:8080"]
//! ```
//!
//! By a matcher of one line:
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   reverse_proxy /metrics web:3000 # <- nobody is kept out
//! }
//! ```
//!
//! ## Fixed
//!
//! `Caddyfile`:
//! ```caddyfile
//! {
//!   admin localhost:2019 # <- this machine
//! }
//! shop.org {
//!   reverse_proxy web:3000
//! }
//! ```
//!
//! Or:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   server_name shop.org;
//!   location /nginx_status {
//!     allow 127.0.0.1;
//!     deny all;
//!     stub_status; # <- kept
//!   }
//! }
//! ```
//!
//! ## Passes
//!
//! `Caddyfile`:
//! ```caddyfile
//! {
//!   admin off # <- off
//! }
//! shop.org {
//!   reverse_proxy web:3000
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
use crate::conditions::HAS_ADMIN_ENDPOINT;
use crate::proxies::admins;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "network/admin-endpoints-private",
    section: Section::Proxy,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CC6.6"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "PXY012", relation: Relation::Same }],
    }],
    when: &[&HAS_ADMIN_ENDPOINT],
    source: include_str!("admin_endpoints_private.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for (span, says, open) in admins(cx) {
        match open {
            true => answers.bad(span, says),
            false => answers.good(span, says),
        }
    }
    answers.verdict(
        cx,
        "an administration endpoint is open to the world: bind it, or keep others out",
        "no administration endpoint is open to the world",
        "it cannot be told who reaches the endpoint",
    )
}
