//! # What the pipeline fetches comes over verified TLS
//!
//! No step switches the check of certificates off: `curl -k`, `wget --no-check-certificate`,
//! `NODE_TLS_REJECT_UNAUTHORIZED=0`, `GIT_SSL_NO_VERIFY`, `pip --trusted-host`, `npm config set strict-ssl false`.
//!
//! Without it whoever stands in between answers in the server's place: with another package, another script, and
//! the token in hand.
//!
//! Give the runner the authority's certificate (`--cacert`, `NODE_EXTRA_CA_CERTS`, `PIP_CERT`). Requests to the
//! runner itself are left out.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     env: { NODE_TLS_REJECT_UNAUTHORIZED: "0" } # <- switches
//!     steps:
//!       - run: |
//!           curl -fsSLk https://example.com/tool.tgz -o tool.tgz # <- `-k`
//!           pip install --trusted-host example.com tool # <- `--trusted-host`
//!           git -c http.sslVerify=false clone https://example.com/x.git # <- `http.sslVerify`
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: |
//!           curl -fsSL --cacert ca.pem https://example.com/tool.tgz -o tool.tgz
//!           pip install tool
//!           git clone https://example.com/x.git
//! ```
//!
//! ## Passes
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! smoke:
//!   script: curl -k https://localhost:8443/health
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No pipeline.
//! ```

use crate::conditions::RUNS_PIPELINES;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Section,
    Severity, Status, Verdict, mending, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/tls-verified",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "tls-off", relation: Relation::Same },
            Equivalent { tool: "glsec", rule: "GL042", relation: Relation::Narrower },
            Equivalent { tool: "glsec", rule: "GL016", relation: Relation::Narrower },
            Equivalent { tool: "glsec", rule: "GL040", relation: Relation::Narrower },
        ],
    }],
    when: &[&RUNS_PIPELINES],
    source: include_str!("tls_verified.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let names = ["GIT_SSL_NO_VERIFY", "PYTHONHTTPSVERIFY", "NODE_TLS_REJECT_UNAUTHORIZED"];
    let mut bad = Vec::new();
    for job in workflows::live(cx).flat_map(|pipeline| &pipeline.jobs) {
        let steps = job.steps.iter().flat_map(|step| &step.env);
        for (name, value, span) in job.env.iter().chain(steps) {
            let value = value.known().map_or("", |value| value.trim());
            // The one says what not to do, the others what to do.
            let off = match &**name == names[0] {
                true => !matches!(value, "" | "0" | "false"),
                false => names.contains(&&**name) && value == "0",
            };
            if off {
                bad.push((*span, format!("`{name}` switches the check off")));
            }
        }
    }
    for (.., step) in workflows::steps(workflows::live(cx)) {
        for command in &step.commands {
            if let Some(flag) = unverified(&command.words) {
                bad.push((command.span, format!("`{flag}` switches the check off")));
            }
        }
    }
    bad.sort();
    bad.dedup();
    let bad = bad.into_iter().map(|(span, says)| Evidence::contradicts(span, says)).collect();
    let wrong = "a step does not check certificates: give it the authority's";
    workflows::none(cx, bad, wrong, "what the pipeline fetches comes over verified TLS")
}

/// The flag by which a command does not check certificates.
fn unverified(words: &[String]) -> Option<&str> {
    let program = words.first()?.rsplit('/').next()?;
    let near = ["localhost", "127.0.0.1", "0.0.0.0"];
    if words.iter().any(|word| near.iter().any(|near| word.contains(near))) {
        return None;
    }
    let args = || words.iter().skip(1).map(String::as_str);
    let has =
        |flags: &[&'static str]| flags.iter().copied().find(|flag| args().any(|w| w == *flag));
    match program {
        "curl" => has(&["-k", "--insecure"]).or_else(|| {
            let joined = |word: &str| {
                word.starts_with('-')
                    && !word.starts_with("--")
                    && word.contains('k')
                    && word.bytes().skip(1).all(|b| b"fsSLkOgvi".contains(&b))
            };
            args().any(joined).then_some("-k")
        }),
        "wget" => has(&["--no-check-certificate"]),
        "pip" | "pip3" => {
            args().find(|w| w.starts_with("--trusted-host")).map(|_| "--trusted-host")
        }
        "git" => args()
            .find(|w| {
                let lower = w.to_ascii_lowercase();
                lower.starts_with("http.sslverify=") && lower.ends_with("false")
            })
            .map(|_| "http.sslVerify")
            .or_else(|| {
                let off = args().any(|w| w == "false" || w == "0");
                (off && args().any(|w| w.eq_ignore_ascii_case("http.sslverify")))
                    .then_some("http.sslVerify")
            }),
        "npm" | "yarn" | "pnpm" => {
            let off = args().any(|w| w == "false");
            (args().any(|w| w == "--strict-ssl=false" || w == "strict-ssl=false")
                || off && args().any(|w| matches!(w, "strict-ssl" | "--strict-ssl")))
            .then_some("strict-ssl")
        }
        "helm" | "kubectl" | "argocd" => has(&["--insecure-skip-tls-verify"]),
        "docker" => has(&["--insecure-registry"]),
        _ => None,
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "trust the authority that made the certificate, and verify it";
    let text = "export CURL_CA_BUNDLE=ca.pem GIT_SSL_CAINFO=ca.pem NODE_EXTRA_CA_CERTS=ca.pem\n";
    mending::sketched(cx, finding, does, "sh", text)
}
