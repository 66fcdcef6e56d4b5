//! # The pipeline knows the machines that it logs in to
//!
//! No step connects by SSH without checking who answers (`StrictHostKeyChecking=no`, `UserKnownHostsFile=/dev/null`),
//! and none learns the key from whoever answers (`ssh-keyscan … >> known_hosts`) in the same run.
//!
//! Whoever can answer for that name gets the session: the commands of the deployment, files with secrets, a
//! forwarded agent.
//!
//! Put the machine's public key into a variable of the pipeline and write it to `~/.ssh/known_hosts`. Learning it
//! by `ssh-keyscan` is PARTIAL: it is checked at least within the run.
//!
//! ## Fails
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! deploy:
//!   script:
//!     - ssh -o StrictHostKeyChecking=no deploy@example.com ./deploy # <- is not checked
//! ```
//!
//! ## Fixed
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! deploy:
//!   script:
//!     - echo "$KNOWN_HOSTS" > ~/.ssh/known_hosts
//!     - ssh deploy@example.com ./deploy
//! ```
//!
//! ## Passes
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! deploy:
//!   script:
//!     - ssh -o StrictHostKeyChecking=yes deploy@example.com ./deploy
//! ```
//!
//! ## Partial
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! deploy:
//!   script:
//!     - ssh-keyscan example.com >> ~/.ssh/known_hosts # <- learns the key
//!     - ssh deploy@example.com ./deploy
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
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, Section, Severity,
    Status, Verdict, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/ssh-host-keys-verified",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
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
            Equivalent { tool: "catalogue", rule: "ssh-hostkey", relation: Relation::Same },
            Equivalent { tool: "glsec", rule: "GL030", relation: Relation::Narrower },
            Equivalent { tool: "glsec", rule: "GL047", relation: Relation::Narrower },
            Equivalent { tool: "glsec", rule: "GL048", relation: Relation::Narrower },
        ],
    }],
    when: &[&RUNS_PIPELINES],
    source: include_str!("ssh_host_keys_verified.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let (mut bad, mut learnt) = (Vec::new(), Vec::new());
    for (.., step) in workflows::steps(workflows::live(cx)) {
        for command in &step.commands {
            let program = command.words.first().map_or("", |word| &**word);
            let lower = command.words.join(" ").to_ascii_lowercase();
            let connects = matches!(program, "ssh" | "scp" | "sftp" | "rsync" | "git");
            let open = [
                "stricthostkeychecking=no",
                "stricthostkeychecking no",
                "userknownhostsfile=/dev/null",
            ];
            if connects && open.iter().any(|option| lower.contains(option)) {
                bad.push(Evidence::contradicts(command.span, "who answers is not checked"));
            } else if program == "ssh-keyscan" {
                let keeps =
                    command.stdout.as_deref().is_some_and(|file| file.contains("known_hosts"));
                let says = "learns the key from whoever answers";
                learnt
                    .extend(keeps.then(|| {
                        Evidence::contradicts(command.span, says).severity(Severity::Low)
                    }));
            }
        }
    }
    let right = "the pipeline knows the machines that it logs in to";
    if bad.is_empty() {
        let wrong = "a step learns a machine's key from whoever answers: keep it in a variable";
        return workflows::judged(cx, learnt, Verdict::partial, wrong, right, None);
    }
    bad.extend(learnt);
    workflows::none(cx, bad, "a step logs in without checking who answers: keep its key", right)
}
