//! Gates whose failure is lost: scans, tests and linters that the pipeline runs and does not heed.
//!
//! Only what is lost for certain counts. A report that a later command reads, a variable that keeps
//! the failure, a stricter run of the same tool: those may well be heeded.

use std::collections::BTreeSet;

use plimsoll_source::{Span, TextRange};
use plimsoll_syntax::shell::{CommandKind, Connector, Item, ListId, PartKind, Script, WordId};

use crate::flow::Heed;
use crate::lower::calls::Call;
use crate::lower::roles;
use crate::pipeline::{JobStep, Loss, LostGate, RoleKind};

/// The gates of a job whose failure is lost, for each of its steps. `always` is where the job says
/// that its failure does not matter, `by_hand` where it says that it waits for somebody, and nothing
/// for it.
pub(super) fn lost(
    steps: &[JobStep],
    calls: &[Vec<Call>],
    always: Option<(Span, bool)>,
    by_hand: Option<Span>,
) -> Vec<Vec<LostGate>> {
    let all: Vec<&Call> = calls.iter().flatten().collect();
    let of_step = |(step, own): (&JobStep, &Vec<Call>)| {
        let mut lost = of_step(step, own, &all, always);
        lost.extend(input_off(step, steps));
        // Tests that somebody starts may be a choice; a scan that nobody starts finds nothing.
        let scan = step.roles.iter().find(|role| scans(role.kind)).filter(|_| lost.is_empty());
        lost.extend(scan.zip(by_hand).map(|(role, span)| LostGate {
            kind: role.kind,
            span,
            gate: role.span,
            how: Loss::ByHand,
        }));
        lost
    };
    steps.iter().zip(calls).map(of_step).collect()
}

/// A scan by an action that is told to find nothing wrong, where no other step runs it in earnest.
/// A report for the forge (SARIF) is one on purpose.
fn input_off(step: &JobStep, steps: &[JobStep]) -> Option<LostGate> {
    let name = |step: &JobStep| {
        let (uses, _) = step.uses.as_ref()?;
        uses.split('@').next().map(str::to_ascii_lowercase)
    };
    let off = |step: &JobStep| {
        let is_off = |(key, value, _): &&(String, String, Span)| {
            matches!(
                (&*key.to_ascii_lowercase(), value.trim()),
                ("exit-code", "0") | ("fail-build" | "fail_build", "false")
            )
        };
        step.with.iter().find(is_off).map(|(.., span)| *span)
    };
    let role = step.roles.iter().find(|role| scans(role.kind))?;
    let span = off(step)?;
    let report = step.with.iter().any(|(_, value, _)| value.trim().eq_ignore_ascii_case("sarif"));
    let earnest = steps.iter().any(|other| name(other) == name(step) && off(other).is_none());
    let lost = LostGate { kind: role.kind, span, gate: role.span, how: Loss::Flag };
    (!report && !earnest).then_some(lost)
}

fn scans(kind: RoleKind) -> bool {
    matches!(kind, RoleKind::ScanImage { .. } | RoleKind::ScanFiles | RoleKind::ScanSecrets)
}

fn is_gate(kind: RoleKind) -> bool {
    use RoleKind as K;
    matches!(
        kind,
        K::ScanImage { blocking: true }
            | K::ScanFiles
            | K::ScanSecrets
            | K::Lint
            | K::Typecheck
            | K::Test
    )
}

/// What a command would find out, if it is a gate.
fn gate(call: &Call) -> Option<RoleKind> {
    roles::of_call(call).into_iter().map(|done| done.role.kind).find(|kind| is_gate(*kind))
}

fn of_step(
    step: &JobStep,
    own: &[Call],
    all: &[&Call],
    always: Option<(Span, bool)>,
) -> Vec<LostGate> {
    let mut found: Vec<LostGate> = Vec::new();
    let says = |word: &str| {
        let text = step.run.as_ref().map_or(&b""[..], |(text, _)| text.text());
        memchr::memmem::find(text, word.as_bytes()).is_some()
    };
    let around = step.continue_on_error.or(always);
    for role in step.roles.iter().filter(|role| is_gate(role.kind)) {
        let unclear = (role.heed != Heed::Taken).then_some(role.span);
        let Some(span) = role.masked.or(unclear) else { continue };
        // What mends is no gate.
        let checks = role.words.iter().any(|word| word.starts_with("--check"));
        let mends = |word: &String| {
            word.contains("fix")
                || word == "--write"
                || !checks && matches!(&**word, "fmt" | "format")
        };
        if role.kind == RoleKind::Lint && role.words.iter().any(mends) {
            continue;
        }
        let call = own.iter().find(|call| call.span == role.span);
        let kept = |call: &&Call| call.stdout.as_deref().is_some_and(|f| is_read(f, call, all));
        let stricter = |call: &&Call| all.iter().any(|other| is_stricter(other, call));
        let how = if let Some((_, surely)) = around.filter(|(at, _)| *at == span) {
            if surely { Loss::Masked } else { Loss::Unclear }
        } else if call.is_some_and(|call| kept(&call)) {
            continue;
        } else if call.is_some_and(|call| pipes(step, call)) {
            if says("PIPESTATUS") || says("set +e") { Loss::Unclear } else { Loss::Pipe }
        } else {
            match role.heed {
                Heed::Lost => Loss::Masked,
                Heed::Unclear if call.is_some_and(|call| stricter(&call)) => continue,
                Heed::Unclear => Loss::Unclear,
                Heed::Taken => continue,
            }
        };
        found.push(LostGate { kind: role.kind, span, gate: role.span, how });
    }
    for call in own {
        let done =
            || roles::of_call(call).into_iter().map(|done| done.role.kind).find(|k| scans(*k));
        let Some(kind) = gate(call).or_else(|| done().filter(|_| has_losing_flag(&call.words)))
        else {
            found.extend(find_exec(step, call));
            continue;
        };
        if has_losing_flag(&call.words) && !all.iter().any(|other| is_stricter(other, call)) {
            let how = Loss::Flag;
            found.push(LostGate { kind, span: call.span, gate: call.span, how });
        }
    }
    if let Some((text, script)) = &step.run {
        for (test, gate_at) in one_code(script, text.text()) {
            let place = text.span(gate_at);
            if let Some(kind) = own.iter().filter(|call| call.span == place).find_map(gate) {
                let span = text.span(test);
                found.push(LostGate { kind, span, gate: place, how: Loss::OneCode });
            }
        }
    }
    let sure = |lost: &LostGate| lost.how != Loss::Unclear;
    let certain: BTreeSet<Span> = found.iter().filter(|l| sure(l)).map(|l| l.gate).collect();
    found.retain(|lost| sure(lost) || !certain.contains(&lost.gate));
    found.sort_by_key(|lost| (lost.span, lost.kind));
    found.dedup_by_key(|lost| (lost.span, lost.kind));
    found
}

/// Whether a command stands in a pipe, not last.
fn pipes(step: &JobStep, call: &Call) -> bool {
    let Some((text, script)) = &step.run else { return false };
    // What only passes the text on; another program may be the gate itself.
    const PASSES: [&str; 11] =
        ["tee", "cat", "tail", "head", "sed", "awk", "sort", "ts", "cut", "tr", "column"];
    script.lists.iter().flat_map(|list| &list.items).any(|item| {
        let last = item.pipeline.last().and_then(|&id| script.argv(id)).and_then(<[_]>::first);
        let last = last.and_then(|&word| script.literal(word)).unwrap_or_default();
        if !PASSES.contains(&&*last) {
            return false;
        }
        let before = item.pipeline.len().saturating_sub(1);
        item.pipeline
            .iter()
            .take(before)
            .any(|&id| text.span(script.command(id).range) == call.span)
    })
}

/// Whether another command reads what a gate wrote.
fn is_read(file: &str, call: &Call, all: &[&Call]) -> bool {
    const READERS: [&str; 9] =
        ["jq", "python", "python3", "node", "grep", "awk", "bash", "sh", "ruby"];
    let name = file.rsplit('/').next().unwrap_or(file);
    all.iter().any(|other| {
        let reads = READERS.contains(&other.program()) || other.words[0].contains('/');
        reads
            && other.span != call.span
            && (other.words.iter().skip(1).any(|word| word.contains(name))
                || other.stdin.as_deref().is_some_and(|file| file.contains(name)))
    })
}

/// Whether a flag says that whatever is found is no failure.
fn has_losing_flag(words: &[String]) -> bool {
    let zero = |flag: &str| {
        words.windows(2).any(|pair| pair[0] == flag && pair[1] == "0")
            || words.iter().any(|word| word.strip_prefix(flag) == Some("=0"))
    };
    let program = words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
    words.iter().skip(1).any(|word| matches!(&**word, "--exit-zero" | "--soft-fail" | "--no-fail"))
        || (program == "gitleaks" && zero("--exit-code"))
        || (program == "trivy" && zero("--exit-code") && !is_report(words))
        || (program == "golangci-lint" && zero("--issues-exit-code"))
}

/// Whether a scan is asked for something that a program reads.
fn is_report(words: &[String]) -> bool {
    let flags = ["--format", "-f", "--template", "-t"];
    let format = words.windows(2).find(|pair| flags.contains(&&*pair[0])).map(|pair| &*pair[1]);
    let format = format.or_else(|| words.iter().find_map(|word| word.strip_prefix("--format=")));
    format.is_some_and(|format| format != "table")
}

/// Whether another command runs the same tool, and heeds it.
fn is_stricter(other: &Call, call: &Call) -> bool {
    other.program() == call.program()
        && other.masked.is_none()
        && gate(other).is_some()
        && !has_losing_flag(&other.words)
}

/// `find … -exec checker … ;`: its exit status does not tell what the checker said.
fn find_exec(step: &JobStep, call: &Call) -> Option<LostGate> {
    let words = &call.words;
    if call.program() != "find" || pipes(step, call) {
        return None;
    }
    let at = words.iter().position(|word| matches!(&**word, "-exec" | "-execdir"))?;
    let end = words.iter().skip(at).position(|word| matches!(&**word, ";" | "\\;"))? + at;
    let inner: Vec<&str> = words.get(at + 1..end)?.iter().map(String::as_str).collect();
    let parses = matches!(
        inner.as_slice(),
        ["bash" | "sh" | "dash" | "zsh", "-n", ..]
            | ["php", "-l", ..]
            | ["node", "--check" | "-c", ..]
            | ["python" | "python3", "-m", "json.tool" | "py_compile", ..]
            | ["jq" | "xmllint" | "kubeconform" | "kubeval", ..]
    );
    let nested = gate(&call.with_words(at + 1));
    let kind = if parses { Some(RoleKind::Lint) } else { nested };
    Some(LostGate { kind: kind?, span: call.span, gate: call.span, how: Loss::FindExec })
}

/// Places where a command's exit status is compared with one number, all others being taken for
/// success: the test, and the command.
fn one_code(script: &Script, text: &[u8]) -> Vec<(TextRange, TextRange)> {
    let mut found = Vec::new();
    for list in &script.lists {
        for (at, pair) in list.items.windows(2).enumerate() {
            let [gate, next] = pair else { continue };
            let (Some(&gate), Connector::Seq) = (gate.pipeline.last(), gate.then) else { continue };
            let (name, from) = match status_name(script, next) {
                Some(name) => (name, at + 2),
                None => ("?".to_owned(), at + 1),
            };
            // The status of a command is gone after the next one.
            let rest = list.items.get(from..).unwrap_or_default();
            let tests = rest.iter().take(if name == "?" { 1 } else { 8 });
            let hit = tests.enumerate().find_map(|(n, item)| {
                let test = only_test(script, item, &name)?;
                let later = rest.get(n + 1..).unwrap_or_default();
                (!later.iter().any(|item| mentions(item.range, text, &name))).then_some(test)
            });
            found.extend(hit.map(|test| (test, script.command(gate).range)));
        }
    }
    found
}

/// `name=$?`.
fn status_name(script: &Script, item: &Item) -> Option<String> {
    let [id] = item.pipeline.as_slice() else { return None };
    let CommandKind::Simple { assignments, words } = &script.command(*id).kind else { return None };
    let [assignment] = assignments.as_slice() else { return None };
    let value = assignment.value.filter(|_| words.is_empty())?;
    (variable(script, value)? == "?").then(|| assignment.name.clone())
}

fn variable(script: &Script, word: WordId) -> Option<&str> {
    match script.word(word).parts.as_slice() {
        [part] => match &part.kind {
            PartKind::Variable { name, op: None, length: false } => Some(name),
            _ => None,
        },
        _ => None,
    }
}

/// An `if` that asks only whether a variable is one number, and takes the rest for success.
fn only_test(script: &Script, item: &Item, name: &str) -> Option<TextRange> {
    let [id] = item.pipeline.as_slice() else { return None };
    let CommandKind::If { branches, otherwise } = &script.command(*id).kind else { return None };
    let [(condition, _)] = branches.as_slice() else { return None };
    let [test] = script.list(*condition).items.as_slice() else { return None };
    let [test_id] = test.pipeline.as_slice() else { return None };
    let words: &[WordId] = match &script.command(*test_id).kind {
        CommandKind::Simple { words, .. } => match script.literal(*words.first()?)?.as_str() {
            "[" | "test" => &words[1..],
            _ => return None,
        },
        CommandKind::Test(words) => {
            let skip = usize::from(
                words.first().and_then(|w| script.literal(*w)).as_deref() == Some("[["),
            );
            words.get(skip..)?
        }
        _ => return None,
    };
    let [left, op, right, ..] = words else { return None };
    let number: u32 = script.literal(*right)?.parse().ok()?;
    let compares = matches!(&*script.literal(*op)?, "-eq" | "==" | "=");
    let fails = otherwise.is_some_and(|list| ends_badly(script, list));
    (variable(script, *left)? == name && compares && number != 0 && !test.negated && !fails)
        .then_some(test.range)
}

/// Whether a branch fails, or keeps that something failed for later.
fn ends_badly(script: &Script, list: ListId) -> bool {
    script.list(list).items.iter().flat_map(|item| &item.pipeline).any(|&id| {
        match &script.command(id).kind {
            CommandKind::Simple { words, .. } => {
                let literal = |at: usize| words.get(at).and_then(|&word| script.literal(word));
                match literal(0).as_deref() {
                    Some("exit" | "return") => literal(1).as_deref() != Some("0"),
                    Some("false") => true,
                    _ => false,
                }
            }
            CommandKind::If { .. } | CommandKind::Case { .. } => true,
            _ => false,
        }
    })
}

fn mentions(range: TextRange, text: &[u8], name: &str) -> bool {
    let has = |words: &str| memchr::memmem::find(range.slice(text), words.as_bytes()).is_some();
    name != "?" && (has(&format!("${name}")) || has(&format!("${{{name}")))
}
