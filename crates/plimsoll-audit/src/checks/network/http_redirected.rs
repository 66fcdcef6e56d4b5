//! # Plain HTTP is sent to HTTPS
//!
//! A site with a public name answers plain HTTP with a redirect, and with nothing else. Caddy does so by
//! itself, unless `http://` or `auto_https off` takes that away.
//!
//! On plain HTTP everyone on the way reads passwords and cookies, and writes into pages.
//!
//! Write `return 301 https://$host$request_uri;` into nginx's server on port 80 (a location for ACME may
//! stay); take `http://` off the address of a Caddyfile. Sites without a name are asked where the proxy
//! speaks TLS on 443 or is published on 80 or 443; of others something in front may speak TLS.
//!
//! ## Fails
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80; # <- serves plain HTTP
//!   server_name shop.org;
//!   location / { proxy_pass http://web:3000; }
//! }
//! ```
//!
//! Or:
//!
//! `Caddyfile`:
//! ```caddyfile
//! http://shop.org { # <- serves plain HTTP
//!   reverse_proxy web:3000
//! }
//! ```
//!
//! For every name, beside TLS:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80; # <- serves plain HTTP
//!   listen 443 ssl;
//!   location / { proxy_pass http://web:3000; }
//! }
//! ```
//!
//! ## Fixed
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80; # <- only redirects
//!   server_name shop.org;
//!   location /.well-known/acme-challenge/ { root /var/www/acme; }
//!   location / { return 301 https://$host$request_uri; }
//! }
//! server {
//!   listen 443 ssl;
//!   server_name shop.org;
//!   location / { proxy_pass http://web:3000; }
//! }
//! ```
//!
//! Or:
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org { # <- Caddy redirects
//!   reverse_proxy web:3000
//! }
//! ```
//!
//! ## Passes
//!
//! By a test of the scheme:
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80; # <- only redirects
//!   listen 443 ssl;
//!   server_name shop.org;
//!   if ($scheme = http) { return 301 https://$server_name$request_uri; }
//!   location / { proxy_pass http://web:3000; }
//! }
//! ```
//!
//! By a site of its own:
//!
//! `Caddyfile`:
//! ```caddyfile
//! http://shop.org { # <- only redirects
//!   redir https://shop.org{uri}
//! }
//! shop.org { # <- Caddy redirects
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
//!   location / { proxy_pass http://web:3000; }
//! }
//! ```

use plimsoll_model::proxy::{Node, Proxy, Server, Site};

use crate::answers::Answers;
use crate::conditions::HAS_PUBLIC_SITE;
use crate::proxies::{asked, is_public_site, serves};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "network/http-redirected",
    section: Section::Proxy,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CC6.7"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "PXY002", relation: Relation::Same },
            Equivalent { tool: "semgrep", rule: "insecure-redirect", relation: Relation::Narrower },
        ],
    }],
    when: &[&HAS_PUBLIC_SITE],
    source: include_str!("http_redirected.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx) {
        let off = proxy.named("auto_https").find(|node| {
            proxy.server == Server::Caddy && (node.has("off") || node.has("disable_redirects"))
        });
        for site in proxy.sites.iter().filter(|site| is_public_site(cx, proxy, site)) {
            let plain: Vec<_> = site.listens.iter().filter(|l| l.tls == Some(false)).collect();
            let nginx = proxy.server == Server::Nginx;
            let place = plain.first().map_or(site.head, |listen| listen.span);
            if plain.is_empty() && nginx && !site.listens.is_empty() {
                continue;
            }
            // Without `listen` nginx takes port 80.
            let plain = !plain.is_empty() || nginx;
            match (plain, off) {
                (true, _) if answers_plainly(proxy, site) => {
                    answers.bad(place, "serves plain HTTP");
                }
                (true, _) => answers.good(place, "only redirects"),
                (false, Some(off)) => answers.bad(off.head, "Caddy no longer redirects"),
                (false, None) => answers.good(site.head, "Caddy redirects by itself"),
            }
        }
    }
    answers.verdict(
        cx,
        "a public site answers plain HTTP: redirect to HTTPS",
        "plain HTTP is only redirected",
        "it cannot be told whether plain HTTP is redirected",
    )
}

/// Whether something but a redirect or a challenge of ACME is answered.
fn answers_plainly(proxy: &Proxy, site: &Site) -> bool {
    let top = proxy.flat(&site.body).filter_map(|at| proxy.nodes.get(at));
    let mut tests = top.filter(|node| node.name == "if" && redirects(proxy, node));
    serves(proxy, site)
        && !tests.any(|node| node.args.iter().any(|word| asks_for_tls(&word.text)))
        && proxy.below(&site.body).any(|node| {
            let passes = matches!(
                &*node.name,
                "reverse_proxy"
                    | "file_server"
                    | "php_fastcgi"
                    | "proxy_pass"
                    | "fastcgi_pass"
                    | "uwsgi_pass"
                    | "grpc_pass"
                    | "try_files"
            );
            let root = proxy.server == Server::Nginx && node.name == "root";
            let acme = node.parent.and_then(|at| proxy.nodes.get(at)).is_some_and(|above| {
                above.args.iter().any(|word| word.text.contains("well-known"))
            });
            let away = node.parent.and_then(|at| proxy.nodes.get(at)).is_some_and(|above| {
                let mut children = above.children.iter().filter_map(|at| proxy.nodes.get(*at));
                children.any(|n| n.name == "return" && n.first().starts_with('3'))
            });
            let elsewhere = root
                && proxy
                    .below(&site.body)
                    .any(|n| n.name == "location" && n.first() == "/" && redirects(proxy, n));
            (passes || root) && !acme && !away && !elsewhere
        })
}

/// Whether a test asks if TLS is spoken.
fn asks_for_tls(text: &str) -> bool {
    let names = ["$scheme", "$https", "$server_port", "$http_x_forwarded_proto"];
    names.iter().any(|name| text.contains(name))
}

fn redirects(proxy: &Proxy, node: &Node) -> bool {
    let mut children = node.children.iter().filter_map(|at| proxy.nodes.get(*at));
    children.any(|n| {
        n.name == "return" && (n.first().starts_with('3') || n.first().starts_with("https:"))
            || n.name == "rewrite" && n.arg(1).starts_with("https:")
    })
}
