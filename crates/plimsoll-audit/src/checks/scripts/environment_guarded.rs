//! # Scripts say which cluster they change
//!
//! Each `kubectl` and `helm` call of a script that changes something names its context or kubeconfig, or the script
//! chose it before.
//!
//! Without it the call goes to whatever the shell was last pointed at. A clean-up meant for staging then runs in
//! production.
//!
//! Write `kubectl --context staging …`, `helm --kube-context staging …`, or `kubectl config use-context` at the
//! top. PARTIAL: only the namespace is named.
//!
//! ## Fails
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! kubectl apply -f app.yaml # <- goes wherever the shell points
//! ```
//!
//! ## Fixed
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! kubectl --context staging apply -f app.yaml # <- says where
//! ```
//!
//! ## Passes
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! aws eks update-kubeconfig --name production # <- says where
//! helm upgrade app ./chart
//! ```
//!
//! ## Partial
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! kubectl -n app delete pod app-0 # <- names the namespace alone
//! ```
//!
//! ## Does not apply
//!
//! `ops/look.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! kubectl get pods
//! ```

use crate::conditions::DEPLOYS_CLUSTER;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};
use crate::{releasing, scripts};

pub(super) static CHECK: Check = Check {
    id: "scripts/environment-guarded",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CC8.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS040", relation: Relation::Wider }],
    }],
    when: &[&DEPLOYS_CLUSTER],
    source: include_str!("environment_guarded.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let chosen = flow.commands.iter().find(|command| {
        let words = command.words.join(" ");
        ["use-context", "set-context", "current-context", "update-kubeconfig", "get-credentials"]
            .iter()
            .any(|word| words.contains(word))
            || matches!(command.program(), "kubectx" | "kind" | "minikube" | "k3d" | "doctl")
    });
    let set = flow.sets.iter().find(|set| set.name == "KUBECONFIG");
    let chosen = chosen.map(|command| command.span).or(set.map(|set| set.span));
    let (mut open, mut part, mut said) = (Vec::new(), Vec::new(), Vec::new());
    for command in scripts::commands(script.program).filter(|c| releasing::changes_cluster(c)) {
        let has = |names: &[&str]| {
            command.args().iter().any(|word| {
                names.iter().any(|name| word == name || word.starts_with(&format!("{name}=")))
            })
        };
        let given = command.env.iter().any(|(name, _)| name == "KUBECONFIG");
        let named =
            has(&["--context", "--kube-context", "--kubeconfig", "--server", "-s"]) || given;
        if let Some(at) = chosen {
            said.push(Evidence::shows(at, "says where"));
        } else if named {
            said.push(Evidence::shows(command.span, "says where"));
        } else if has(&["--namespace", "-n"]) {
            part.push(Evidence::shows(command.span, "names the namespace alone"));
        } else {
            open.push(Evidence::contradicts(command.span, "goes wherever the shell points"));
        }
    }
    let mut part = scripts::once(part).into_iter();
    if open.is_empty()
        && let Some(first) = part.next()
    {
        let message = "names a namespace, and not the cluster: give `--context`";
        return Verdict::partial(message, first).and_all(part);
    }
    let fails = "changes whatever cluster the shell points at: give `--context`";
    let none = || Evidence::context(script.text.whole(), "changes no cluster");
    scripts::verdict(open, fails, said, "scripts say which cluster they change", none)
}
