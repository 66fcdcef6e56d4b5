//! # No password stands on a command line
//!
//! No command of a pipeline's job or of an operational script is given a password as a word: `docker login -p`, `curl -u user:password`, `mysql
//! -pSECRET`, `--password=…`, be it by a variable.
//!
//! Every process of the machine sees the words of every other, and tools repeat them in their logs and in error
//! messages. A shared runner is a machine of many.
//!
//! Give it on standard input (`docker login --password-stdin`), in a file, or in the variable that the tool
//! reads itself (`MYSQL_PWD`, `SSHPASS` with `sshpass -e`).
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   push:
//!     runs-on: ubuntu-latest
//!     env: { TOKEN: "${{ secrets.TOKEN }}" }
//!     steps:
//!       - run: docker login -u ci -p "$TOKEN" registry.example # <- a password among its words
//! ```
//!
//! GitLab's:
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! push:
//!   script:
//!     - docker login --username ci --password $CI_JOB_TOKEN registry.example # <- a password among its words
//! ```
//!
//! A script's:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! mysqldump -uapp -p"$DB_PASSWORD" app > app.sql # <- a password among its words
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   push:
//!     runs-on: ubuntu-latest
//!     env: { TOKEN: "${{ secrets.TOKEN }}" }
//!     steps:
//!       - run: printf %s "$TOKEN" | docker login -u ci --password-stdin registry.example
//! ```
//!
//! GitLab's:
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! push:
//!   script:
//!     - printf %s "$CI_JOB_TOKEN" | docker login --username ci --password-stdin registry.example
//! ```
//!
//! In a script:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! MYSQL_PWD="$DB_PASSWORD" mysqldump -uapp app > app.sql
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: docker run -p 8080:80 acme/web:1.2.0
//!       - run: mysql -u root -p db < dump.sql
//!       - run: tool --password-file /run/secrets/password
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No workflow.
//! ```

use crate::conditions::RUNS_COMMANDS;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, Severity, Status, Verdict, consent, mending, passwords, scripts, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "secrets/none-on-command-lines",
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
            Equivalent { tool: "catalogue", rule: "sec-docker-login", relation: Relation::Wider },
            Equivalent { tool: "catalogue", rule: "OPS027", relation: Relation::Wider },
        ],
    }],
    when: &[&RUNS_COMMANDS],
    source: include_str!("none_on_command_lines.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let steps = workflows::steps(workflows::live(cx));
    let commands = steps.flat_map(|(.., step)| &step.commands);
    let bad = commands.filter(|command| passwords::of_command(&command.words).is_some());
    let of_steps = bad.map(|command| command.span);
    // What runs in a container is seen by none but those who see all of the host.
    let asked = cx.operational_scripts().filter(|script| {
        !scripts::runs_inside(cx, script.program) && !consent::is_play(cx, script.program)
    });
    let all = asked.flat_map(|script| scripts::commands(script.program));
    let told = all.filter(|c| c.is_run() && passwords::of_command(&c.words).is_some());
    let bad = of_steps.chain(told.map(|command| command.span));
    let bad = bad.map(|at| Evidence::contradicts(at, "a password among its words"));
    let bad = scripts::once(bad.collect());
    let wrong = "a command is given a password as a word: give it on standard input";
    workflows::none(cx, bad, wrong, "no command is given a password as a word")
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let edits = mending::workflows::commands(cx, finding, passwords::handed_over);
    let does = "give the password where no list of processes shows it";
    let sample = mending::scripts::sample(
        cx,
        finding,
        "printf %s \"$PASSWORD\" | docker login -u \"$LOGIN\" --password-stdin\n",
    );
    Some(Fix::of_edits(does, Safety::Review, sample, edits))
}
