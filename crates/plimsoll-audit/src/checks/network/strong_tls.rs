//! # TLS of nginx is sound
//!
//! `ssl_protocols` names no SSLv2, SSLv3, TLSv1 or TLSv1.1, and `ssl_ciphers` no cipher that is broken.
//!
//! Whoever sits between a browser and an old protocol reads along. What nginx speaks where nothing is
//! said depends on its version: since 1.23.4 only TLSv1.2 and TLSv1.3.
//!
//! Write `ssl_protocols TLSv1.2 TLSv1.3;`. Caddy refuses older protocols by itself.
//!
//! ## Fails
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 443 ssl;
//!   server_name shop.org;
//!   ssl_protocols TLSv1 TLSv1.2; # <- TLSv1 is broken
//!   ssl_ciphers RC4:HIGH:!aNULL; # <- RC4 is broken
//!   location / { proxy_pass http://api:8000; }
//! }
//! ```
//!
//! In a file of any name that is included:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 443 ssl;
//!   include snippets/tls;
//!   location / { proxy_pass http://api:8000; }
//! }
//! ```
//! `nginx/snippets/tls`:
//! ```nginx
//! ssl_protocols SSLv3 TLSv1.2; # <- SSLv3 is broken
//! ```
//!
//! ## Fixed
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 443 ssl;
//!   server_name shop.org;
//!   ssl_protocols TLSv1.2 TLSv1.3; # <- no old protocol
//!   ssl_ciphers HIGH:!aNULL; # <- no broken cipher
//!   location / { proxy_pass http://api:8000; }
//! }
//! ```
//!
//! ## Passes
//!
//! The default of a version that is known:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 443 ssl; # <- default of nginx 1.27.3
//!   location / { proxy_pass http://api:8000; }
//! }
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   proxy:
//!     image: nginx:1.27.3-alpine
//!     volumes:
//!       - ./nginx/nginx.conf:/etc/nginx/nginx.conf:ro
//! ```
//!
//! What a server says takes the place of what stands around it:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! http {
//!   ssl_protocols TLSv1 TLSv1.2;
//!   server {
//!     listen 443 ssl;
//!     ssl_protocols TLSv1.2 TLSv1.3; # <- no old protocol
//!     location / { proxy_pass http://api:8000; }
//!   }
//! }
//! ```
//!
//! ## Cannot tell
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 443 ssl; # <- default of the version
//!   location / { proxy_pass http://api:8000; }
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

use std::collections::BTreeSet;

use plimsoll_model::mend::replace;
use plimsoll_model::proxy::{Node, Proxy, Server, Site};
use plimsoll_model::reference::ImageRef;
use plimsoll_source::{Edit, Span};

use crate::answers::Answers;
use crate::conditions::NGINX_SPEAKS_TLS;
use crate::proxies::asked;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Finding, Fix, Part, Relation, Run, Safety, Section,
    Severity, Status, Verdict, Why, mending,
};

pub(super) static CHECK: Check = Check {
    id: "network/strong-tls",
    section: Section::Proxy,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CC6.7"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "PXY001", relation: Relation::Same },
            Equivalent {
                tool: "nginx-lint",
                rule: "deprecated-ssl-protocol",
                relation: Relation::Narrower,
            },
            Equivalent {
                tool: "nginx-lint",
                rule: "weak-ssl-ciphers",
                relation: Relation::Narrower,
            },
            Equivalent {
                tool: "semgrep",
                rule: "insecure-ssl-version",
                relation: Relation::Narrower,
            },
            Equivalent {
                tool: "semgrep",
                rule: "missing-ssl-version",
                relation: Relation::Narrower,
            },
        ],
    }],
    when: &[&NGINX_SPEAKS_TLS],
    source: include_str!("strong_tls.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

const OLD: [&str; 4] = ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1"];
const BROKEN: [&str; 10] =
    ["RC4", "DES", "3DES", "MD5", "NULL", "EXP", "EXPORT", "ADH", "aNULL", "LOW"];

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx).filter(|proxy| proxy.server == Server::Nginx) {
        let speaks = |site: &&Site| site.listens.iter().any(|listen| listen.tls == Some(true));
        // A file that only holds settings has no site that takes others.
        let alone = !proxy.sites.iter().any(|site| speaks(&site));
        let of = |name| -> Vec<&Node> {
            let sites = proxy.sites.iter().filter(speaks).filter_map(|site| site.node);
            let in_effect = sites.flat_map(|at| proxy.in_effect(at, name));
            let all = proxy.named(name).filter(|_| alone);
            in_effect.chain(all).collect()
        };
        for node in of("ssl_protocols") {
            match node.args.iter().find(|word| OLD.contains(&&*word.text)) {
                Some(old) => answers.bad(node.head, format!("{} is broken", old.text)),
                None => answers.good(node.head, "no old protocol"),
            }
        }
        for node in of("ssl_ciphers") {
            let mut ciphers = node.first().split([':', ' ', ',']);
            let is_broken = |cipher: &&str| cipher.split(['-', '+']).any(|c| BROKEN.contains(&c));
            match ciphers.find(|c| !c.starts_with(['!', '-']) && is_broken(c)) {
                Some(broken) => answers.bad(node.head, format!("{broken} is broken")),
                None => answers.good(node.head, "no broken cipher"),
            }
        }
        for site in &proxy.sites {
            let Some(listen) = site.listens.iter().find(|listen| listen.tls == Some(true)) else {
                continue;
            };
            if site.node.is_some_and(|at| !proxy.in_effect(at, "ssl_protocols").is_empty()) {
                continue;
            }
            let version = proxy.mounts.iter().find_map(|mount| {
                let image = ImageRef::parse(cx.delivery[mount.container].image.known()?)?;
                let tag = image.tag.filter(|_| image.repository.ends_with("nginx"))?;
                tag.split('-').next().map(str::to_owned)
            });
            let parts = |version: &str| -> Option<Vec<u32>> {
                version.split('.').map(|part| part.parse().ok()).collect()
            };
            match version.as_deref().and_then(|v| Some((v, parts(v)?))) {
                Some((version, parts)) if parts >= vec![1, 23, 4] => {
                    answers.good(listen.span, format!("the default of nginx {version} is sound"));
                }
                _ => answers.unsure(
                    Why::NeedsBuild,
                    listen.span,
                    "no `ssl_protocols`: the default of the version counts",
                ),
            }
        }
    }
    answers.verdict(
        cx,
        "nginx speaks broken TLS: write `ssl_protocols TLSv1.2 TLSv1.3`",
        "nginx speaks no broken TLS",
        "nginx's protocols are its version's default: write `ssl_protocols`",
    )
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let places: Vec<Span> = mending::against(finding).collect();
    let nodes = asked(cx).flat_map(|proxy| proxy.nodes.iter().map(move |node| (proxy, node)));
    let nodes = nodes.filter(|(_, node)| places.contains(&node.head));
    let edits: BTreeSet<Edit> = nodes.filter_map(|(proxy, node)| closed(cx, proxy, node)).collect();
    let edits: Vec<Edit> = edits.into_iter().collect();
    let fix = Fix::of_edits(
        "speak no protocol and no cipher that is broken: what is older cannot connect",
        Safety::Review,
        None,
        edits,
    );
    fix.patch.is_some().then_some(fix)
}

/// A directive without what is broken.
fn closed(_: &Cx<'_>, _: &Proxy, node: &Node) -> Option<Edit> {
    let (first, last) = (node.args.first()?.span, node.args.last()?.span);
    if node.name == "ssl_protocols" {
        return Some(replace(first.cover(last), "TLSv1.2 TLSv1.3"));
    }
    let is_broken = |cipher: &str| {
        !cipher.starts_with(['!', '-']) && cipher.split(['-', '+']).any(|c| BROKEN.contains(&c))
    };
    let kept: Vec<&str> = node.first().split(':').filter(|cipher| !is_broken(cipher)).collect();
    let names = kept.iter().any(|cipher| !cipher.starts_with(['!', '-', '@']));
    let plain = first.range.len() as usize == node.first().len() && node.args.len() == 1;
    (names && plain).then(|| replace(first, kept.join(":")))
}
