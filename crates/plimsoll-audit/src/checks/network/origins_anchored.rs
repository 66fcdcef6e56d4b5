//! # Origins are matched from end to end
//!
//! An expression on `$http_origin` or `$http_referer` begins with `^` and ends with `$` (for a referer,
//! with the slash after its host), and `valid_referers` does not hold `none`.
//!
//! `shop.org` anywhere in the text is in `https://shop.org.evil.net` and in `https://evil.net/?shop.org`
//! too: the other site reads along with the visitor's cookies.
//!
//! Write `^https://(www\.)?shop\.org$`.
//!
//! ## Fails
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! map $http_origin $allowed {
//!   default "";
//!   "~*shop\.org" $http_origin; # <- not anchored
//! }
//! server {
//!   listen 80;
//!   root /srv;
//! }
//! ```
//!
//! ## Fixed
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! map $http_origin $allowed {
//!   default "";
//!   "~*^https://shop\.org$" $http_origin; # <- anchored
//! }
//! server {
//!   listen 80;
//!   root /srv;
//! }
//! ```
//!
//! ## Passes
//!
//! `nginx/nginx.conf`:
//! ```nginx
//! server {
//!   listen 80;
//!   if ($http_referer !~ ^https://shop\.org/) { # <- anchored
//!     return 403;
//!   }
//!   root /srv;
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

use plimsoll_model::proxy::Server;
use plimsoll_source::Span;

use crate::answers::Answers;
use crate::conditions::NGINX_TESTS_ORIGINS;
use crate::proxies::asked;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "network/origins-anchored",
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
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "PXY009", relation: Relation::Same },
            Equivalent { tool: "gixy", rule: "origins", relation: Relation::Narrower },
            Equivalent { tool: "gixy", rule: "valid_referers", relation: Relation::Narrower },
        ],
    }],
    when: &[&NGINX_TESTS_ORIGINS],
    source: include_str!("origins_anchored.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for proxy in asked(cx).filter(|proxy| proxy.server == Server::Nginx) {
        for node in &proxy.nodes {
            match &*node.name {
                "map" if tests(node.first()) => {
                    let entries = node.children.iter().filter_map(|at| proxy.nodes.get(*at));
                    for entry in entries {
                        match entry.name.strip_prefix('~') {
                            Some(pattern) => {
                                judge(&mut answers, entry.head, pattern.trim_start_matches('*'))
                            }
                            None => answers.good(entry.head, "anchored: a whole text"),
                        }
                    }
                }
                "if" if node.args.iter().any(|word| tests(&word.text)) => {
                    let words: Vec<&str> = node.args.iter().map(|word| &*word.text).collect();
                    let text = words.join(" ");
                    let text = text.strip_suffix(')').unwrap_or(&text);
                    match text.split_once('~') {
                        Some((_, pattern)) => {
                            judge(&mut answers, node.head, pattern.trim_start_matches('*').trim());
                        }
                        None => answers.good(node.head, "anchored: a whole text"),
                    }
                }
                "valid_referers" if node.has("none") => {
                    answers.bad(node.head, "`none` lets in whoever sends no referer");
                }
                "valid_referers" => answers.good(node.head, "anchored: without `none`"),
                _ => {}
            }
        }
    }
    answers.verdict(
        cx,
        "an origin is matched in part: anchor the expression with `^` and `$`",
        "origins are matched from end to end",
        "it cannot be told how origins are matched",
    )
}

fn judge(answers: &mut Answers, at: Span, pattern: &str) {
    match anchored(pattern) {
        true => answers.good(at, "anchored"),
        false => answers.bad(at, format!("`{pattern}` is not anchored")),
    }
}

fn tests(text: &str) -> bool {
    text.contains("$http_origin") || text.contains("$http_referer")
}

/// Whether an expression fixes both ends: a referer goes on after the slash behind its host.
fn anchored(pattern: &str) -> bool {
    let rest = pattern.trim_matches(['"', '\'']);
    let ends = rest.ends_with('$') || rest.trim_end_matches([')', '?']).ends_with('$');
    let host = rest.splitn(4, '/').nth(3).is_some() && rest.contains("//");
    rest.starts_with('^') && (ends || host)
}
