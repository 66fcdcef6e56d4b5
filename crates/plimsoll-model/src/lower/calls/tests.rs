//! Programs as flows: text in, text out.

use std::fmt::Write as _;

use plimsoll_source::Tree;

use crate::Delivery;
use crate::flow::{After, Command, CommandKind, Flow, Output, RegionKind};

fn delivery(files: &[(&str, &str)]) -> Delivery {
    crate::lower(&Tree::from_memory(files.iter().copied()))
}

fn with_flow(text: &str, ask: impl FnOnce(&Flow) -> String) -> String {
    ask(&delivery(&[("run.sh", text)]).programs[0].flow)
}

fn around(flow: &Flow, command: &Command) -> String {
    let mut text = String::new();
    for (_, region) in flow.around(command.region) {
        let certain = if region.certain { "" } else { "?" };
        let _ = match &region.kind {
            RegionKind::Program => Ok(()),
            RegionKind::Function { name, .. } => write!(text, " {name}(){certain}"),
            RegionKind::Sourced(path) => write!(text, " source:{path}"),
            RegionKind::Nested { host } => write!(text, " in:{}", flow.commands[*host].program()),
            RegionKind::Trap(signals) => write!(text, " trap:{}", signals.join(",")),
            RegionKind::Subshell => write!(text, " ()"),
            RegionKind::Substitution => write!(text, " $()"),
            RegionKind::Background => write!(text, " &"),
            RegionKind::Pipe { position, length, .. } => write!(text, " {}/{length}", position + 1),
            RegionKind::Redirected(_) => write!(text, " >"),
            RegionKind::Branch(conditions) => {
                let conditions: Vec<String> = conditions
                    .iter()
                    .map(|c| {
                        let no = if c.succeeds { "" } else { "!" };
                        let of = &flow.commands[c.from..c.to];
                        let of: Vec<&str> = of.iter().map(Command::program).collect();
                        format!("{no}{}", of.join("+"))
                    })
                    .collect();
                write!(text, " if({}){certain}", conditions.join(","))
            }
            RegionKind::Arm { subject, patterns } => {
                write!(text, " case({subject}={}){certain}", patterns.join("|"))
            }
            RegionKind::LoopTest => write!(text, " test"),
            RegionKind::Loop { .. } => write!(text, " loop{certain}"),
            RegionKind::Rest => write!(text, " rest{certain}"),
        };
    }
    text
}

/// A line for each command but `echo`: its words, what becomes of its failure, what surrounds it.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let found = with_flow(text, |flow| {
        let mut lines = Vec::new();
        for command in &flow.commands {
            if command.program() == "echo" || command.program() == "set" {
                continue;
            }
            let after = match (command.if_fails, command.if_succeeds) {
                (After::GoesOn, After::GoesOn) => "",
                (After::Fails, After::GoesOn) => " | stops",
                (After::Ends, After::GoesOn) => " | ends",
                (After::GoesOn, _) => " | success ends",
                _ => " | ends all",
            };
            lines.push(format!("{}{after} |{}", command.words.join(" "), around(flow, command)));
        }
        lines.join("\n")
    });
    assert_eq!(found, expected.join("\n"));
}

#[test]
fn failures_are_followed() {
    check("a\nb", &["a |", "b | stops |"]);
    check("set -e\na\nb", &["a | stops |", "b | stops |"]);
    check("a || true\nb", &["a |", "true | if(!a)?", "b | stops |"]);
    check("a || exit 1\nb", &["a | stops |", "exit 1 | if(!a)?", "b | stops |"]);
    check(
        "die() { echo no; exit 1; }\nif ! a; then die; fi\n[ -n \"$X\" ] || die\nb",
        &[
            "a | stops |",
            "die | if(!a)?",
            "exit 1 | die() if(!a)?",
            "[ -n $X ] | stops |",
            "die | if(![)?",
            "exit 1 | die() if(![)?",
            "b | stops |",
        ],
    );
    check(
        "set -e\nif a; then exit 0; fi\nwhile ! b; do c; done\nd | e\nf &",
        &[
            "a | success ends |",
            "exit 0 | stops | if(a)?",
            "b | test",
            "c | stops | loop?",
            "d | 1/2",
            "e | stops | 2/2",
            "f | &",
        ],
    );
    check("set -eo pipefail\nd | e", &["d | stops | 1/2", "e | stops | 2/2"]);
    check("#!/usr/bin/env -S bash -eo pipefail\nd | e", &["d | stops | 1/2", "e | stops | 2/2"]);
    check(
        "d | e\n[ ${PIPESTATUS[0]} = 0 ] || exit 1\nb",
        &[
            "d | stops | 1/2",
            "e | stops | 2/2",
            "[ ${PIPESTATUS[0]} = 0 ] | stops |",
            "exit 1 | if(![)?",
            "b | stops |",
        ],
    );
}

#[test]
fn statuses_and_traps_are_followed() {
    // A status that is kept counts where it is asked for later.
    check(
        "a\nrc=$?\necho\n[ $rc -eq 0 ] || exit $rc\nb",
        &["a | stops |", "[ $? -eq 0 ] | stops |", "exit $? | if(![)?", "b | stops |"],
    );
    check("a\nrc=$?\necho $rc\nb", &["a |", "b | stops |"]);
    check(
        "a\n[ $? = 0 ] || exit 1\nb",
        &["a | stops |", "[ $? = 0 ] | stops |", "exit 1 | if(![)?", "b | stops |"],
    );
    // A trap on ERR ends the program, in functions only with -E.
    let trap = "trap 'exit 1' ERR\nf() { a; b; }\nf\nc\necho";
    check(
        trap,
        &[
            "trap exit 1 ERR |",
            "exit 1 | trap:ERR",
            "f | stops |",
            "a | f()",
            "b | stops | f()",
            "c | stops |",
        ],
    );
    check(
        &format!("set -E\n{trap}"),
        &[
            "trap exit 1 ERR |",
            "exit 1 | trap:ERR",
            "f | stops |",
            "a | stops | f()",
            "b | stops | f()",
            "c | stops |",
        ],
    );
    check("trap 'echo' ERR\na\nb", &["trap echo ERR |", "a |", "b | stops |"]);
}

#[test]
fn shells_that_read_their_program_are_followed() {
    let body = "<<'EOF'\na\nb\nEOF";
    for remote in ["", "bash", "'bash -s'", "sudo -u app bash -s", "'A=1 bash -l'", "bash -s x"] {
        check(
            &format!("ssh h {remote} {body}"),
            &[
                &format!("ssh h {} | stops |", remote.trim_matches('\'')).replace("h  |", "h |"),
                "a | in:ssh",
                "b | stops | in:ssh",
            ],
        );
    }
    check(
        &format!("ssh h 'bash -es' {body}"),
        &["ssh h bash -es | stops |", "a | stops | in:ssh", "b | stops | in:ssh"],
    );
    check(&format!("ssh h cat {body}"), &["ssh h cat | stops |", "cat | stops | in:ssh"]);
}

#[test]
fn functions_arrays_and_wrappers_are_followed() {
    check(
        "C=(docker compose)\nrun_cmd() { if [[ $DRY == 1 ]]; then return 0; fi; \"$@\"; }\nrun_cmd \
         \"${C[@]}\" exec -T db sh -c 'pg_dump x' | gzip > f",
        &[
            "run_cmd docker compose exec -T db sh -c pg_dump x | 1/2",
            "[[ $DRY == 1 ]] | run_cmd() 1/2",
            "return 0 | if([[)? run_cmd() 1/2",
            "docker compose exec -T db sh -c pg_dump x | rest? run_cmd() 1/2",
            "sh -c pg_dump x | in:docker rest? run_cmd() 1/2",
            "pg_dump x | in:sh in:docker rest? run_cmd() 1/2",
            "gzip | stops | 2/2",
        ],
    );
    check(
        "f() { local args=(\"-a\" \"b c\"); args+=(d); aws \"${args[@]}\"; }\nf\nsudo -u x $(which y) z",
        &[
            "f |",
            "local args=  -a b c | f()",
            "aws -a b c d | f()",
            "which y | $()",
            "$(which y) z | stops |",
        ],
    );
    check("${COMPOSE:-docker compose} up", &["docker compose up | stops |"]);
}

#[test]
fn files_are_sourced_without_end() {
    let files = [
        ("ops/run.sh", "cd \"$(dirname \"$0\")\"\n. ./lib.sh\nlog hello\nb"),
        ("ops/lib.sh", "source ./run.sh\nlog() { logger \"$1\"; }\na"),
    ];
    let delivery = delivery(&files);
    let flow = &delivery.programs[1].flow;
    let found: Vec<String> = flow
        .commands
        .iter()
        .map(|c| format!("{} |{}", c.words.join(" "), around(flow, c)))
        .collect();
    assert_eq!(
        found,
        [
            "dirname ./ops/run.sh | $()",
            "cd ./ops |",
            ". ./lib.sh |",
            "source ./run.sh | source:ops/lib.sh",
            "a | source:ops/lib.sh",
            "log hello |",
            "logger hello | log()",
            "b |",
        ]
    );
}

#[test]
fn ways_are_told_apart() {
    let passes = |text: &str| {
        with_flow(text, |flow| {
            let of = |name: &str| flow.commands.iter().find(|c| c.program() == name);
            let (Some(a), Some(b)) = (of("a"), of("b")) else { return "?".to_owned() };
            flow.passes(a, b).to_string()
        })
    };
    for (text, expected) in [
        ("a\nb", "true"),
        ("b\na", "false"),
        ("x && a\nb", "false"),
        ("a && b", "true"),
        ("f() { a; }\nf\nif x; then b; fi", "true"),
        ("f() { [ -n \"$1\" ] || return 0; a; }\nf\nb", "false"),
        ("if x; then a; fi\nb", "false"),
        ("if x; then a; else exit 1; fi\nb", "true"),
        ("if x; then a; b; fi", "true"),
        ("if x; then a; else b; fi", "false"),
        ("case $1 in x) a;; *) exit 2;; esac\nb", "true"),
        ("(a)\nssh host b", "true"),
        ("trap a EXIT\nb", "false"),
        ("for i in 1 2; do a; done\nb", "true"),
        ("for i in $x; do a; done\nb", "false"),
        ("while a; do sleep 1; done\nb", "true"),
    ] {
        assert_eq!(passes(text), expected, "{text}");
    }
}

#[test]
fn guards_are_found() {
    let guards = |text: &str| {
        with_flow(text, |flow| {
            let b = flow.commands.iter().find(|c| c.program() == "b").unwrap();
            let guards: Vec<String> = flow.guards(b).map(|c| c.words.join(" ")).collect();
            guards.join(", ")
        })
    };
    for (text, expected) in [
        ("if a; then b; fi", "a"),
        ("[[ $X == y ]] || exit 1\nb", "[[ $X == y ]]"),
        ("if [ $X != y ]; then echo no; exit 1; fi\nb", "[ $X != y ]"),
        ("set -e\na\nb", ""),
        ("f() { [ -n \"$1\" ] || exit 1; }\nf\nb", "[ -n $1 ]"),
    ] {
        assert_eq!(guards(text), expected, "{text}");
    }
}

#[test]
fn output_is_followed() {
    let output = |text: &str| {
        with_flow(text, |flow| {
            let a = flow.commands.iter().find(|c| c.program() == "a").unwrap();
            match flow.output(a) {
                Output::File(file) => format!("file {}", file.target),
                Output::Pipe { pipeline, position } => {
                    let to = flow.parts(pipeline, position..position + 1);
                    format!("pipe {}", to.map(Command::program).collect::<Vec<_>>().join(" "))
                }
                Output::Captured => "captured".to_owned(),
                Output::Inherited => "inherited".to_owned(),
            }
        })
    };
    for (text, expected) in [
        ("a > x", "file x"),
        ("a 2> x", "inherited"),
        ("docker exec db sh -c 'a | a2' > x", "pipe a2"),
        ("docker exec db sh -c 'b | a' > x", "file x"),
        ("docker exec db a | gzip > x", "pipe gzip"),
        ("f() { a; }\nf > x", "file x"),
        ("{ a; } > x", "file x"),
        ("x=$(a)", "captured"),
    ] {
        assert_eq!(output(text), expected, "{text}");
    }
}

#[test]
fn variables_are_noted() {
    let text = "set -u\nf() { local a=1; b=$c; }\nx=$(f)\necho \"${d:-e}\" $((n + 1)) ${g[0]}\n((n++))\n\
                eval \"$(cat env STATE)\"";
    let found = with_flow(text, |flow| {
        let lost = |region| if flow.lost_in(region).is_some() { "~" } else { "" };
        let reads = flow.reads.iter().map(|read| {
            let op = read.op.as_ref().map_or(String::new(), |(op, word)| format!("{op}{word}"));
            format!("{}{op}{}", read.name, lost(read.region))
        });
        let sets = flow.sets.iter().map(|set| {
            let local = if set.local { " local" } else { "" };
            format!("{}={}{local}{}", set.name, set.value, lost(set.region))
        });
        format!("{} / {}", reads.collect::<Vec<_>>().join(" "), sets.collect::<Vec<_>>().join(" "))
    });
    assert_eq!(found, "c~ d:-e n g n / a=1 local~ b=$c~ x=$(f) n= cat= env= STATE=");
}

#[test]
fn hostile_programs_cost_little() {
    let long = "a \"$x\" || b\nif c; then d; fi\nv=$(e)\nsh -c 'f $v'\n".repeat(12_000);
    let nested = format!("{}x{}", "(".repeat(5_000), ")".repeat(5_000));
    let explosive = (0..60).fold("f60() { a; }\n".to_owned(), |text, n| {
        format!("{text}f{n}() {{ f{}; f{}; }}\n", n + 1, n + 1)
    }) + "f0\n";
    let chain = "a || ".repeat(20_000) + "b";
    for text in [
        long.as_str(),
        nested.as_str(),
        explosive.as_str(),
        chain.as_str(),
        "f() { f; }\nf",
        "cat <<EOF\nnever ends $x",
        "echo \"never ends $(a",
        "eval \"$(eval \"$(eval x)\")\"",
    ] {
        let bounded = |flow: &Flow| flow.commands.len() <= 60_100 && flow.regions.len() <= 300_000;
        assert_eq!(with_flow(text, |flow| bounded(flow).to_string()), "true", "{text:.40}");
    }
    assert_eq!(with_flow(&explosive, |flow| flow.complete.to_string()), "false");
    let kinds = with_flow("echo x", |flow| format!("{:?}", flow.commands[0].kind));
    assert_eq!(kinds, format!("{:?}", CommandKind::Builtin));
}

#[test]
fn expansions_and_traces_are_noted() {
    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let shown = with_flow(text, |flow| {
            let one = |command: &Command| {
                let of = command.expansions.iter().map(|e| {
                    let (op, splits) =
                        (e.op.as_deref().unwrap_or(""), if e.splits { "*" } else { "" });
                    format!(" {}:{}{op}{splits}", e.word, e.name)
                });
                let traced = if command.xtrace { " x" } else { "" };
                format!("{}{}{traced}", command.program(), of.collect::<String>())
            };
            flow.commands.iter().map(one).collect::<Vec<_>>().join("\n")
        });
        assert_eq!(shown, expected.join("\n"));
    }
    check("a \"$x\" $y ${1:-z}", &["a 1:x 2:y* 3:1:-*"]);
    check("d=/srv\na $d $(b) $# ${#x}", &["b", "a 1:d 2:* 3:# 4:x"]);
    check("sudo -u app a $x", &["a 1:x*"]);
    check("set -x\na\nset +x\nb", &["set", "a x", "set x", "b"]);
    check("[ -n \"$D\" ] && set -x\na", &["[ 2:D", "set", "a"]);
}
