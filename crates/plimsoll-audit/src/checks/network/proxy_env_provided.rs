//! # A proxy gets the variables that its configuration asks for
//!
//! Each `{$NAME}` and `{env.NAME}` of a Caddyfile, and each `${NAME}` of a template of nginx's image,
//! stands in the environment of the container that is given the file, unless it has a default there.
//!
//! Caddy puts an empty text in its place: a list of addresses without addresses, a password without a
//! hash, an address without a host; some of it starts and lets everyone in, some does not start at all.
//!
//! Give the container `environment:` or `env_file:`. Compose's own `.env` is not given to containers.
//!
//! ## Fails
//!
//! `Caddyfile`:
//! ```caddyfile
//! {$SITE} {
//!   @office remote_ip {env.OFFICE_IPS}
//!   reverse_proxy @office web:3000
//! }
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   caddy: # <- SITE
//!     image: caddy:2.9.1
//!     volumes:
//!       - ./Caddyfile:/etc/caddy/Caddyfile:ro
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   caddy:
//!     image: caddy:2.9.1
//!     environment:
//!       SITE: shop.org # <- SITE
//!       OFFICE_IPS: ${OFFICE_IPS:?}
//!     volumes:
//!       - ./Caddyfile:/etc/caddy/Caddyfile:ro
//! ```
//!
//! ## Passes
//!
//! A template of nginx's image:
//!
//! `nginx/site.conf.template`:
//! ```nginx
//! server {
//!   listen 80;
//!   location / { proxy_pass http://${API_HOST}:8000; }
//! }
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   nginx:
//!     image: nginx:1.27.3
//!     environment:
//!       - API_HOST=api # <- API_HOST
//!     volumes:
//!       - ./nginx/site.conf.template:/etc/nginx/templates/site.conf.template:ro
//! ```
//!
//! ## Cannot tell
//!
//! `Caddyfile`:
//! ```caddyfile
//! {$SITE} {
//!   reverse_proxy web:3000
//! }
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   caddy:
//!     image: caddy:2.9.1
//!     env_file: .env.caddy # <- is not here
//!     volumes:
//!       - ./Caddyfile:/etc/caddy/Caddyfile:ro
//! ```
//!
//! ## Does not apply
//!
//! `Caddyfile`:
//! ```caddyfile
//! {$SITE:shop.org} {
//!   reverse_proxy web:3000
//! }
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   caddy:
//!     image: caddy:2.9.1
//!     volumes:
//!       - ./Caddyfile:/etc/caddy/Caddyfile:ro
//! ```

use crate::answers::Answers;
use crate::conditions::PROXY_NEEDS_ENVIRONMENT;
use crate::delivered::from_files;
use crate::proxies::{asked, wanted};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "network/proxy-env-provided",
    section: Section::Proxy,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Critical,
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
            rule: "network/proxy-env-provided",
            relation: Relation::Same,
        }],
    }],
    when: &[&PROXY_NEEDS_ENVIRONMENT],
    source: include_str!("proxy_env_provided.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx) {
        let names = wanted(proxy);
        for mount in proxy.mounts.iter().filter(|_| !names.is_empty()) {
            let container = &cx.delivery[mount.container];
            if !container.purpose.is_production() {
                continue;
            }
            let added = mount.overlay.and_then(|index| container.optional.get(index));
            let added = added.map_or(&[][..], |overlay| &overlay.env);
            let image = container.image_id.and_then(|id| cx.delivery[id].final_stage());
            let of_image = image.map_or(&[][..], |stage| &stage.config.env);
            let given = |name: &str| {
                let own = container.env.iter().chain(added).find(|var| var.name == name);
                own.map(|var| var.span)
                    .or_else(|| {
                        from_files(container).find(|(n, ..)| *n == name).map(|(_, at, _)| at)
                    })
                    .or_else(|| of_image.iter().find(|set| set.name == name).map(|set| set.span))
            };
            let missing: Vec<&str> =
                names.iter().map(|(name, _)| &**name).filter(|n| given(n).is_none()).collect();
            if missing.is_empty() {
                for (name, at) in names.iter().filter_map(|(name, _)| Some((name, given(name)?))) {
                    answers.good(at, format!("{name} is given"));
                }
            } else if let Some((why, at)) = container.hides_variables() {
                answers.unsure(why, at, "what would say so is not here");
            } else {
                let more = if missing.len() > 3 { " …" } else { "" };
                let first: Vec<&str> = missing.into_iter().take(3).collect();
                let says = format!("is not given {}{more}", first.join(", "));
                answers.bad(container.span, says);
                answers.context(mount.span, "is given the configuration");
            }
        }
    }
    answers.verdict(
        cx,
        "a proxy is not given the variables of its configuration: set `environment:`",
        "proxies get the variables that their configurations ask for",
        "it cannot be told which variables the proxy gets",
    )
}
