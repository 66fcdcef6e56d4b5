//! Which rows of the catalogues of `../shared/catalog` have a check, and why the others wait.

use plimsoll_audit::{Check, Part, Relation};
use serde_json::Value;

use super::cell;

pub(super) const PATH: &str = "docs/coverage.md";

/// Why the rows of a catalogue wait that have no check: catalogue, the beginning of a row's
/// category, section or question, and the reason. The first that fits counts.
const WAITS: &[(&str, &str, &str)] = &[
    (
        "operations-checks",
        "network/host-firewall",
        "no tree says what a host lets through: what compose publishes is judged",
    ),
    (
        "operations-checks",
        "",
        "not written yet: it needs what scripts, workflows and documents say together",
    ),
    (
        "dockerfile-rules",
        "syntax",
        "the builder's own errors and matters of layout: what does not parse is `build/files-parse` already",
    ),
    (
        "dockerfile-rules",
        "from-and-stages",
        "how stages are written: a build that breaks says so itself",
    ),
    ("dockerfile-rules", "variables", "needs what each command does with a variable"),
    (
        "dockerfile-rules",
        "user-and-permissions",
        "needs the image's files with owners and modes, of which only those of RUN and COPY are known",
    ),
    (
        "dockerfile-rules",
        "copy-add",
        "how a file comes in; what comes in is judged by `build` and `secrets`",
    ),
    (
        "dockerfile-rules",
        "dockerignore",
        "whether each pattern does something; what it lets through is judged",
    ),
    (
        "dockerfile-rules",
        "run-shell",
        "a linter's ground: style and robustness of shell in RUN, after what a report asks",
    ),
    (
        "dockerfile-rules",
        "packages",
        "each package manager's options; those that change what ships are judged",
    ),
    (
        "dockerfile-rules",
        "runtime-instructions",
        "single instructions that rarely decide whether a service is safe",
    ),
    ("dockerfile-rules", "labels", "labels say nothing about whether a service is safe to ship"),
    (
        "dockerfile-rules",
        "suppressions",
        "`policy/acceptances-current` asks it of our own acceptances; other tools ask it of theirs",
    ),
    ("compose-rules", "release/compose-", "order, layout, or what `docker compose` says itself"),
    (
        "compose-rules",
        "",
        "not written yet: entries are read and merged, and what threatens more is asked first",
    ),
    ("kubernetes-rules", "runtime/rbac-", "needs who is bound to which role, across namespaces"),
    (
        "kubernetes-rules",
        "",
        "Kubernetes manifests are read; what only they can say comes after compose",
    ),
    (
        "pipeline-rules",
        "A. ",
        "needs the flow of untrusted values through expressions, steps and jobs",
    ),
    ("pipeline-rules", "B. ", "needs which events run untrusted code, and with which rights"),
    ("pipeline-rules", "C. ", "needs where each credential of a pipeline goes"),
    (
        "pipeline-rules",
        "D. ",
        "many need the network: what an action is at a commit, whether it is archived or known bad",
    ),
    ("pipeline-rules", "E. ", "not written yet: jobs, steps and permissions are read"),
    ("pipeline-rules", "F. ", "not written yet: jobs, steps and permissions are read"),
    (
        "pipeline-rules",
        "G. ",
        "a schema checker's ground: a workflow that is wrong does not run, and the forge says so",
    ),
    ("pipeline-rules", "H. ", "settings of the forge: no tree tells them"),
    (
        "ops-script-rules",
        "release/deploys-logged",
        "what a line of a log must hold is a matter of taste: the forge and the journal keep who and when",
    ),
    (
        "ops-script-rules",
        "scripts/portable-shebang",
        "a shell linter's ground: what is no shell at all is `build/files-parse` already",
    ),
    (
        "ops-script-rules",
        "",
        "not written yet: scripts are read as programs, and what threatens more is asked first",
    ),
    ("proxy-rules", "", "not written yet: sites and upstreams are read"),
];

/// The page; nothing where the catalogues are not there.
///
/// # Errors
/// A catalogue that cannot be read, or a row without a reason to wait.
pub(super) fn text() -> Result<Option<String>, String> {
    let folder = crate::root().join("../shared/catalog");
    if !folder.is_dir() {
        return Ok(None);
    }
    let mut sums = String::new();
    let mut tables = String::new();
    for name in crate::catalogue::NAMES {
        let rows = crate::catalogue::rows(name)?;
        let mut answered = 0;
        let mut table = String::new();
        for row in &rows {
            let id = row["slug"].as_str().or(row["id"].as_str()).or(row["truth_id"].as_str());
            let id = id.unwrap_or_default();
            let question = crate::catalogue::question(name, row);
            let found = answers(name, id, question, row);
            answered += usize::from(!found.is_empty());
            let says =
                if found.is_empty() { waits(name, question, row)? } else { found.join("; ") };
            table.push_str(&format!(
                "| {} | {} | {} |\n",
                cell(id),
                cell(question.unwrap_or("")),
                cell(&says)
            ));
        }
        sums.push_str(&format!(
            "| {name} | {} | {answered} | {} |\n",
            rows.len(),
            rows.len() - answered
        ));
        tables.push_str(&format!(
            "\n## {name}\n\n| row | question | check, or why it waits |\n|---|---|---|\n{table}"
        ));
    }
    Ok(Some(format!(
        "# Which questions are asked

Every row of the catalogues that Plimsoll is built from, and the check that answers it. «in part»: the row fires on more than the check does; «and more»: the check asks more than the row. A row that several tools ask in different words may share its check with others.

Made by `cargo xtask docs`.

| catalogue | rows | answered | waiting |
|---|---|---|---|
{sums}{tables}"
    )))
}

/// The checks that answer a row, with the part and how far.
fn answers(catalogue: &str, id: &str, question: Option<&str>, row: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for check in plimsoll_audit::all() {
        let claimed = claims(check, id, row);
        if claimed.is_empty() {
            if question == Some(check.id) {
                found.push(link(check));
            }
            continue;
        }
        // A rule of a peer is no reason alone: it may be another row's as well.
        if question != Some(check.id) && !claimed.iter().any(|(_, _, by_row)| *by_row) {
            continue;
        }
        let far = match &claimed[..] {
            [(_, Relation::Wider, true)] => " (in part)",
            [(_, Relation::Narrower, true)] if !catalogue.ends_with("checks") => " (and more)",
            _ => "",
        };
        let mut parts: Vec<&str> = claimed.iter().map(|(part, ..)| part.name).collect();
        parts.retain(|name| !name.is_empty());
        parts.dedup();
        let parts =
            if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
        found.push(format!("{}{parts}{far}", link(check)));
    }
    found
}

/// The parts of a check that name a row, or, where none does, a peer's rule of that row.
fn claims<'a>(check: &'a Check, id: &str, row: &Value) -> Vec<(&'a Part, Relation, bool)> {
    let of = |wanted: &dyn Fn(&str, &str) -> bool| -> Vec<(&'a Part, Relation)> {
        let parts = check.parts.iter();
        let all = parts.flat_map(|part| part.equivalents.iter().map(move |e| (part, e)));
        all.filter(|(_, e)| wanted(e.tool, e.rule)).map(|(part, e)| (part, e.relation)).collect()
    };
    let by_row = of(&|tool, rule| tool == "catalogue" && rule == id);
    if !by_row.is_empty() {
        return by_row.into_iter().map(|(part, relation)| (part, relation, true)).collect();
    }
    // Only which of several parts it is can be learnt from peers.
    if check.parts.len() < 2 {
        return Vec::new();
    }
    let peers = row["peers"].to_string();
    let by_peer = of(&|tool, rule| tool != "catalogue" && peers.contains(rule));
    by_peer.into_iter().map(|(part, relation)| (part, relation, false)).collect()
}

fn link(check: &Check) -> String {
    format!("[{id}](checks/{id}.md)", id = check.id)
}

/// Why a row waits.
fn waits(catalogue: &str, question: Option<&str>, row: &Value) -> Result<String, String> {
    if question.is_none() {
        return Ok("a summary of other rows, never decided alone".to_owned());
    }
    let texts = [row["category"].as_str(), row["section"].as_str(), question];
    let fits = |begin: &str| texts.iter().flatten().any(|text| text.starts_with(begin));
    WAITS
        .iter()
        .find(|(of, begin, _)| *of == catalogue && fits(begin))
        .map(|(_, _, why)| format!("waits: {why}"))
        .ok_or_else(|| format!("{catalogue}: a row that waits has no reason: {question:?}"))
}
