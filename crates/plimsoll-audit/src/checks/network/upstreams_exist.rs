//! # Every upstream is a container of the deployment
//!
//! A host without a dot to which Caddy or nginx hands requests is the name of a service in compose, or
//! of a workload in Kubernetes, of this repository.
//!
//! A name that nothing answers to is a 502 for everyone; nginx does not even start: «host not found in
//! upstream».
//!
//! Correct the name, or add the service.
//!
//! ## Fails
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   reverse_proxy wep:3000 # <- `wep`
//! }
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   caddy:
//!     image: caddy:2.9.1
//!     volumes: ["./Caddyfile:/etc/caddy/Caddyfile:ro"]
//!   web:
//!     image: shop/web:1.4.2
//! ```
//!
//! By the port of the host, which is another within the network:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   location / { proxy_pass http://web:8080; } # <- the host's port
//! }
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   nginx:
//!     image: nginx:1.27.3
//!     volumes: ["./nginx/nginx.conf:/etc/nginx/nginx.conf:ro"]
//!   web:
//!     image: shop/web:1.4.2
//!     ports: ["8080:3000"]
//! ```
//!
//! ## Fixed
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   reverse_proxy web:3000 # <- `web`
//! }
//! ```
//!
//! By its own port:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   location / { proxy_pass http://web:3000; } # <- `web`
//! }
//! ```
//!
//! ## Passes
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! upstream api {
//!   server api-1:8000;
//!   server api-2:8000;
//! }
//! server {
//!   listen 80;
//!   location / { proxy_pass http://api; } # <- `api-1`
//! }
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   nginx:
//!     image: nginx:1.27.3
//!     volumes: ["./nginx/nginx.conf:/etc/nginx/nginx.conf:ro"]
//!   api-1:
//!     image: shop/api:1.4.2
//!   api-2:
//!     image: shop/api:1.4.2
//! ```
//!
//! By another name that the engine gives it:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   location / { proxy_pass http://shop_api:8000; } # <- `shop_api`
//!   location /web { proxy_pass http://front:3000; } # <- `front`
//! }
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   nginx:
//!     image: nginx:1.27.3
//!     volumes: ["./nginx/nginx.conf:/etc/nginx/nginx.conf:ro"]
//!   api:
//!     image: shop/api:1.4.2
//!     container_name: shop_api
//!   web:
//!     image: shop/web:1.4.2
//!     networks:
//!       default: { aliases: [front] }
//! ```
//!
//! ## Cannot tell
//!
//! Nothing here says who runs it:
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   reverse_proxy web:3000 # <- `web`
//! }
//! ```
//!
//! ## Does not apply
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   reverse_proxy localhost:3000
//! }
//! ```

use crate::answers::Answers;
use crate::conditions::HAS_UPSTREAMS;
use crate::ports::range;
use crate::proxies::{asked, is_called, is_deployed, is_inside};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
    Why,
};

pub(super) static CHECK: Check = Check {
    id: "network/upstreams-exist",
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
        equivalents: &[Equivalent {
            tool: "catalogue",
            rule: "PXY019",
            relation: Relation::Narrower,
        }],
    }],
    when: &[&HAS_UPSTREAMS],
    source: include_str!("upstreams_exist.rs"),
    run: Run::Repository(run),
    fix: None,
};

/// The container's own port, where requests go to the one that it is published at.
fn misdirected(cx: &Cx<'_>, host: &str, port: Option<u16>) -> Option<u16> {
    let wanted = port?;
    let holds = |ports: &str| range(ports).is_some_and(|(from, to)| (from..=to).contains(&wanted));
    let all = cx.delivery.containers.iter().filter(|container| is_called(container, host));
    let ports: Vec<_> = all.flat_map(|container| &container.ports).collect();
    if ports.iter().any(|port| holds(&port.container) || port.container.contains('$')) {
        return None;
    }
    let published = ports.iter().find(|port| port.host.as_deref().is_some_and(holds))?;
    range(&published.container).map(|(own, _)| own)
}

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx) {
        let deployed = !proxy.mounts.is_empty();
        for route in &proxy.routes {
            if route.dynamic && route.upstreams.is_empty() {
                answers.unsure(Why::Dynamic, route.head, "its upstream is a variable");
            }
            for upstream in route.upstreams.iter().filter(|u| is_inside(&u.host)) {
                let host = &upstream.host;
                if let Some(own) = misdirected(cx, host, upstream.port) {
                    let says = format!("the host's port: within the network it is {own}");
                    answers.bad(upstream.span, says);
                } else if is_deployed(cx, host) {
                    answers.good(route.head, format!("`{host}` is deployed here"));
                } else if deployed && cx.delivery.unsupported.is_empty() {
                    answers.bad(upstream.span, format!("nothing is called `{host}`"));
                } else {
                    let says = format!("nothing here is called `{host}`, and not all is read");
                    answers.unsure(Why::OutOfTree, upstream.span, says);
                }
            }
        }
    }
    answers.verdict(
        cx,
        "an upstream does not exist: correct its name, or add the service",
        "every upstream is a container of the deployment",
        "it cannot be told whether every upstream exists",
    )
}
