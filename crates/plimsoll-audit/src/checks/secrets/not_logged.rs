//! # Scripts print no secrets
//!
//! No operational script prints a variable that holds a secret, logs in by a word of its command line, or reads a
//! secret while `set -x` prints each command.
//!
//! What a script prints stays: in the journal, in a pipeline's log, in the mail that cron sends, in a scrollback
//! that is shared.
//!
//! Say that it is set, not what it is: `echo "token: ${TOKEN:+set}"`. Turn tracing off around it (`set +x`).
//! Hand passwords over on standard input. LOW is what an installer prints to the person who runs it. There is no
//! PARTIAL here.
//!
//! ## Fails
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! echo "deploying with $API_TOKEN" # <- prints `API_TOKEN`
//! docker login -u ci -p "$REGISTRY_PASSWORD" registry.example.com # <- a password among its words
//! ```
//!
//! Traced:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -x
//! mysqldump --password="$DB_PASSWORD" app > app.sql # <- is traced with `DB_PASSWORD`
//! ```
//!
//! By a function, through a pipe, in a variable that holds it, in a text:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! log() { echo "[$(date)] $*" | tee -a /var/log/deploy.log; }
//! log "using $DB_PASSWORD" # <- prints `DB_PASSWORD`
//! check() { echo "asking $1"; curl -fsS -u "app:$2" "$1"; }
//! check https://example.com "$API_TOKEN"
//! DATABASE_URL="postgres://app:${DB_PASSWORD}@db/app"
//! echo "migrating $DATABASE_URL" # <- prints `DATABASE_URL`
//! cat <<END # <- prints `ADMIN_PASSWORD`
//! admin: $ADMIN_PASSWORD
//! END
//! ```
//!
//! ## Fixed
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! echo "deploying with ${API_TOKEN:+(set)}"
//! printf %s "$REGISTRY_PASSWORD" | docker login -u ci --password-stdin registry.example.com # <- is not printed
//! ```
//!
//! Or:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -x
//! set +x
//! mysqldump --password="$DB_PASSWORD" app > app.sql # <- is not printed
//! ```
//!
//! ## Passes
//!
//! To a file or a pipe, and its length:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! echo "$API_TOKEN" > /run/app/token # <- is not printed
//! echo "$API_TOKEN" | gh auth login --with-token
//! echo "length ${#API_TOKEN}"
//! ```
//!
//! The path of a file:
//!
//! `ops/standby.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! [ -s "$SSH_KEY" ] || { echo "$SSH_KEY is empty" >&2; exit 1; }
//! rsync -a -e "ssh -i $SSH_KEY" /opt/backups/ vault.example:/backups/
//! printf %s "$API_TOKEN" | gh auth login --with-token # <- is not printed
//! ```
//!
//! Where tracing is asked for:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! [ -n "$DEBUG" ] && set -x
//! curl -fsS -H "Authorization: Bearer $API_TOKEN" https://example.com # <- is not printed
//! ```
//!
//! ## Does not apply
//!
//! `ops/up.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -x
//! echo "$VERSION"
//! ```

use plimsoll_model::flow::{Command, CommandKind, Flow, RegionKind};
use plimsoll_model::mend::replace;
use plimsoll_source::Span;

use crate::conditions::HANDLES_SECRETS;
use crate::evidence::clip;
use crate::passwords::{self, secret_of};
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    ScriptSubject, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "secrets/not-logged",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CICD-SEC-6", "CC6.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS028", relation: Relation::Same }],
    }],
    when: &[&HANDLES_SECRETS],
    source: include_str!("not_logged.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    // Who installs is told what was made for them.
    let installs =
        scripts::is_named(cx, script.program, &["install", "installer", "setup", "init"]);
    let (mut open, mut fine) = (Vec::new(), Vec::new());
    for command in scripts::commands(script.program) {
        let name = secret_of(flow, command);
        let login = command.args().iter().any(|word| word == "login");
        if login && passwords::of_command(&command.words).is_some() {
            open.push(Evidence::contradicts(command.span, "a password among its words"));
        } else if let Some(name) = name {
            let printer = passwords::prints(command);
            let shown = passwords::is_shown(flow, command) || command.program() == "logger";
            if printer && shown || prints_arguments(flow, command) {
                let says = format!("prints `{}`", clip(name));
                let evidence = Evidence::contradicts(command.span, says);
                open.push(if installs { evidence.severity(Severity::Low) } else { evidence });
            } else if command.xtrace && command.kind != CommandKind::Function {
                let says = format!("is traced with `{}`", clip(name));
                open.push(Evidence::contradicts(command.span, says));
            } else {
                fine.push(Evidence::shows(command.span, "is not printed"));
            }
        }
    }
    let fails = "a secret is printed where logs keep it: say that it is set, not what it is";
    let none = || Evidence::context(script.text.whole(), "no secret in any word");
    scripts::verdict(open, fails, fine, "no secret is printed", none)
}

/// Whether a function is called that prints the secret which it is given: `log "using $TOKEN"`.
fn prints_arguments(flow: &Flow, call: &Command) -> bool {
    let held: Vec<String> =
        passwords::held(flow, call).map(|expansion| expansion.word.to_string()).collect();
    // What a function within it is given is that one's.
    let is_its_own = |command: &&Command| {
        let mut around = flow.around(command.region);
        let inner = around.find_map(|(_, region)| match region.kind {
            RegionKind::Function { call, .. } => Some(call),
            _ => None,
        });
        inner == Some(Some(call.at))
    };
    call.kind == CommandKind::Function
        && flow.commands.iter().skip(call.at).filter(is_its_own).any(|command| {
            let mut names = command.expansions.iter().map(|expansion| &*expansion.name);
            passwords::prints(command)
                && names.any(|name| matches!(name, "@" | "*") || held.iter().any(|at| at == name))
                && passwords::is_shown(flow, command)
        })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "say that it is set, not what it is; give passwords on standard input";
    let sample = mending::scripts::sample(cx, finding, "echo \"${API_TOKEN:+(set)}\"\n");
    let login = |words: &[(String, Span)]| {
        words.iter().any(|(word, _)| word == "login").then(|| passwords::handed_over(words))?
    };
    let mut edits = mending::workflows::commands(cx, finding, login);
    let said = mending::scripts::each(cx, finding, does, None, |program, _, at| {
        let flow = &program.flow;
        let command = mending::scripts::command(program, at)?;
        let printer = passwords::prints(command);
        // Where all is traced, that is what has to end.
        let name = secret_of(flow, command).filter(|_| printer && !command.xtrace)?;
        let own = command.expansions.iter().filter(|expansion| expansion.name == name);
        let plain = own.filter_map(|expansion| {
            let text = cx.text_of(expansion.span)?;
            let plain = text == format!("${name}") || text == format!("${{{name}}}");
            plain.then(|| replace(expansion.span, format!("${{{name}:+(set)}}")))
        });
        Some(plain.collect())
    });
    edits.extend(said.and_then(|fix| fix.patch).into_iter().flat_map(|patch| patch.edits));
    Some(Fix::of_edits(does, Safety::Review, sample, edits))
}
