//! # What is downloaded to be run is checked
//!
//! Each file that a script downloads and then runs, unpacks or installs is compared with a checksum or a
//! signature between.
//!
//! TLS says who sent it, not that it is what was meant: a release that was replaced, a mirror, an account that
//! was taken over.
//!
//! Write the checksum down beside the version: `echo "$SUM  tool.tar.gz" | sha256sum --check`. There is no PARTIAL
//! here.
//!
//! ## Fails
//!
//! `ops/setup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! curl -fsSLo tool.tar.gz https://example.com/tool-1.2.3.tar.gz # <- is used unchecked
//! tar xzf tool.tar.gz -C /usr/local/bin
//! ```
//!
//! Or:
//!
//! `ops/setup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! wget -O /usr/local/bin/tool https://example.com/tool # <- is used unchecked
//! chmod +x /usr/local/bin/tool
//! ```
//!
//! By a sum of its own, of another file, or without a consequence:
//!
//! `ops/own.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! curl -fsSLo tool.tar.gz https://example.com/tool-1.2.3.tar.gz # <- is used unchecked
//! sha256sum tool.tar.gz > tool.sum
//! sha256sum -c tool.sum
//! tar xzf tool.tar.gz -C /usr/local/bin
//! ```
//! `ops/other.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! curl -fsSLo tool.tar.gz https://example.com/tool-1.2.3.tar.gz # <- is used unchecked
//! echo "0a1b  other.tar.gz" | sha256sum --check
//! tar xzf tool.tar.gz -C /usr/local/bin
//! ```
//! `ops/vain.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! curl -fsSLo tool.tar.gz https://example.com/tool-1.2.3.tar.gz # <- is used unchecked
//! echo "0a1b  tool.tar.gz" | sha256sum --check
//! tar xzf tool.tar.gz -C /usr/local/bin
//! ```
//!
//! ## Fixed
//!
//! `ops/setup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! curl -fsSLo tool.tar.gz https://example.com/tool-1.2.3.tar.gz
//! echo "0a1b  tool.tar.gz" | sha256sum --check # <- is checked
//! tar xzf tool.tar.gz -C /usr/local/bin
//! ```
//!
//! ## Passes
//!
//! `ops/setup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! wget -O tool https://example.com/tool-1.2.3
//! wget -O tool.asc https://example.com/tool-1.2.3.asc
//! gpg --verify tool.asc tool # <- is checked
//! chmod +x tool
//! ```
//!
//! Compared by hand:
//!
//! `ops/setup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! curl -fsSLo tool.tar.gz https://example.com/tool-1.2.3.tar.gz
//! actual=$(sha256sum tool.tar.gz | cut -d " " -f 1) # <- is checked
//! if [ "$actual" != "0a1b" ]; then exit 1; fi
//! tar xzf tool.tar.gz -C /usr/local/bin
//! ```
//!
//! ## Does not apply
//!
//! `ops/data.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! curl -fsSLo data.json https://example.com/data.json
//! jq . data.json
//! ```

use crate::conditions::USES_DOWNLOADS;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run,
    ScriptSubject, Section, Severity, Status, Verdict, mending,
};
use crate::{downloads, scripts};

pub(super) static CHECK: Check = Check {
    id: "supply/downloads-verified",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["SLSA", "CICD-SEC-9"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS030", relation: Relation::Same }],
    }],
    when: &[&USES_DOWNLOADS],
    source: include_str!("downloads_verified.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut open, mut checked) = (Vec::new(), Vec::new());
    for fetch in scripts::commands(script.program).filter(|c| downloads::fetches(c)) {
        match downloads::used(flow, fetch) {
            Some((_, Some(check))) => checked.push(Evidence::shows(check.span, "is checked")),
            Some((by, None)) => {
                open.push(Evidence::contradicts(fetch.span, "is used unchecked"));
                open.push(Evidence::context(by.span, "uses it"));
            }
            None => {}
        }
    }
    let fails = "what is downloaded is run or installed unchecked: compare a checksum";
    let none = || Evidence::context(script.text.whole(), "uses no download");
    scripts::verdict(open, fails, checked, "downloads are checked before they are used", none)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "compare it with the checksum that its makers publish, which is written down here";
    let text = "printf '%s  %s\\n' \"$SHA256\" \"$FILE\" | sha256sum --check --strict\n";
    mending::sketched(cx, finding, does, "sh", text)
}
