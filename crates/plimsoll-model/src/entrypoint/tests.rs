//! Startups as text: who is PID 1, what runs before the application, and what its failure does.

use std::fmt::Write as _;

use plimsoll_source::Tree;

use super::*;
use crate::lower::lower;

/// Files to the startup of their only image (with the container that runs it, where there is one).
fn dump(files: &[(&str, &str)]) -> String {
    let tree = Tree::from_memory(files.iter().copied());
    let delivery = lower(&tree);
    let image = delivery.images.first().expect("a Dockerfile");
    let container = delivery.containers.iter().find(|c| c.image_id.is_some());
    let package = delivery.packages.first();
    let Some(startup) = startup(&delivery, image, container, package) else {
        return "nothing\n".to_owned();
    };
    let line = |span: Span| {
        let bytes = tree.read(span.file).expect("in memory");
        let before = bytes.get(..span.range.start as usize).unwrap_or_default();
        let number = before.iter().filter(|b| **b == b'\n').count() + 1;
        format!("{}:{number}", tree.path(span.file))
    };
    let mut out = String::new();
    for phase in &startup.phases {
        let pid1 = match &phase.pid1 {
            Pid1::Init(name) => format!("init {name}"),
            Pid1::Shell => "shell".to_owned(),
            Pid1::App(name) => format!("app {name}"),
            Pid1::Unknown(why) => format!("unknown: {}", why.name()),
        };
        let long = if phase.runs_commands { ", runs commands" } else { "" };
        let _ = writeln!(out, "1 is {pid1}{long}");
    }
    for before in &startup.before {
        let failure = match &before.on_failure {
            OnFailure::Stops(at) => format!("stops by {}", line(*at)),
            OnFailure::Ignored(at) => format!("ignored at {}", line(*at)),
            OnFailure::Unknown(why) => format!("unknown: {}", why.name()),
        };
        let migrates = if before.migrates { " (migrates)" } else { "" };
        let _ = writeln!(out, "{}{migrates}: {failure}", before.words.join(" "));
    }
    let app: Vec<&str> = startup.app.iter().map(|(word, _)| &**word).collect();
    let _ = writeln!(out, "app {}", app.join(" "));
    if startup.below_shell.is_some() {
        out.push_str("below the shell\n");
    }
    if let Some(script) = &startup.script {
        let exec = script.exec.map_or_else(|| "no exec".to_owned(), line);
        let _ = writeln!(out, "script {}, {exec}", script.path);
    }
    out
}

#[track_caller]
fn check(files: &[(&str, &str)], expected: &str) {
    assert_eq!(dump(files), expected.trim_start_matches('\n'), "{files:?}");
}

/// A script that is started by ENTRYPOINT with `node app.js` as its arguments.
#[track_caller]
fn check_script(script: &str, expected: &str) {
    let dockerfile = "FROM node:20-alpine\nWORKDIR /app\nCOPY start.sh ./\n\
        ENTRYPOINT [\"./start.sh\"]\nCMD [\"node\", \"app.js\"]\n";
    check(&[("Dockerfile", dockerfile), ("start.sh", script)], expected);
}

#[track_caller]
fn check_dockerfile(text: &str, expected: &str) {
    check(&[("Dockerfile", &format!("FROM node:20-alpine\n{text}\n"))], expected);
}

#[test]
fn exec_and_shell_forms() {
    check_dockerfile(r#"CMD ["node", "a.js"]"#, "1 is app node\napp node a.js\n");
    check_dockerfile("CMD node a.js", "1 is shell\napp node a.js\n");
    check_dockerfile("CMD exec node a.js", "1 is app node\napp node a.js\n");
    check_dockerfile("ENTRYPOINT node a.js\nCMD [\"ignored\"]", "1 is shell\napp node a.js\n");
    check_dockerfile(
        r#"ENTRYPOINT ["/sbin/tini", "-e", "143", "--", "node"]
CMD ["a.js"]"#,
        "1 is init tini\napp node a.js\n",
    );
    check_dockerfile(
        r#"ENTRYPOINT ["dumb-init", "gosu", "node", "env", "A=1", "node", "a.js"]"#,
        "1 is init dumb-init\napp node a.js\n",
    );
    check_dockerfile(r#"CMD ["$NODE", "a.js"]"#, "1 is unknown: dynamic\napp \n");
    check_dockerfile("EXPOSE 1", "1 is app node\napp node\n");
    check(&[("Dockerfile", "FROM scratch\nCOPY a /a\n")], "nothing\n");
}

#[test]
fn a_line_for_the_shell_is_a_program() {
    check_dockerfile(
        r#"CMD ["sh", "-c", "npx knex migrate:latest && exec node a.js"]"#,
        "
1 is shell, runs commands
1 is app node
npx knex migrate:latest (migrates): stops by Dockerfile:2
app node a.js
",
    );
    check_dockerfile(
        "CMD npx knex migrate:latest; node a.js",
        "
1 is shell, runs commands
npx knex migrate:latest (migrates): ignored at Dockerfile:2
app node a.js
",
    );
    check_dockerfile(
        r#"CMD ["sh", "-ec", "npx knex migrate:latest; node a.js"]"#,
        "
1 is shell, runs commands
npx knex migrate:latest (migrates): stops by Dockerfile:2
app node a.js
",
    );
}

#[test]
fn a_failure_before_the_start_stops_it_or_not() {
    let cases = [
        ("set -e\nmigrate\n", "stops by start.sh:2"),
        ("set -eu -o pipefail\nmigrate\n", "stops by start.sh:2"),
        ("set -o errexit\nmigrate\n", "stops by start.sh:2"),
        ("set -e\nset +e\nmigrate\n", "ignored at start.sh:4"),
        ("set -e\nset +o errexit\nmigrate\n", "ignored at start.sh:4"),
        ("set -- -e\nmigrate\n", "ignored at start.sh:3"),
        ("migrate\n", "ignored at start.sh:2"),
        ("migrate || exit 1\n", "stops by start.sh:2"),
        ("migrate || exit 0\n", "ignored at start.sh:2"),
        ("set -e\nmigrate || true\n", "ignored at start.sh:3"),
        ("set -e\nmigrate || echo failed\n", "ignored at start.sh:3"),
        ("migrate || { echo failed >&2; exit 1; }\n", "stops by start.sh:2"),
        ("migrate || { echo failed >&2; exit $?; }\n", "ignored at start.sh:2"),
        ("migrate || (echo failed; exit 1)\n", "ignored at start.sh:2"),
        ("set -e\nmigrate || (echo failed; exit 1)\n", "stops by start.sh:3"),
        ("die() { echo \"$1\"; exit 1; }\nmigrate || die failed\n", "stops by start.sh:3"),
        ("migrate\nif [ $? -ne 0 ]; then\n  exit 1\nfi\n", "stops by start.sh:3"),
        ("migrate\nif [ $? -ne 0 ]; then\n  echo failed\nfi\n", "ignored at start.sh:2"),
        ("migrate\ncode=$?\nif [ $code -ne 0 ]; then exit $code; fi\n", "stops by start.sh:4"),
        ("migrate\n[ $? -eq 0 ] || exit 1\n", "stops by start.sh:3"),
        ("if ! migrate; then\n  exit 1\nfi\n", "stops by start.sh:3"),
        ("if ! migrate; then\n  echo failed\nfi\n", "ignored at start.sh:2"),
        ("if migrate; then echo done; else exit 1; fi\n", "stops by start.sh:2"),
        ("until migrate; do sleep 1; done\n", "stops by start.sh:2"),
        ("migrate &\n", "ignored at start.sh:2"),
        ("set -e\n! migrate\n", "ignored at start.sh:3"),
        ("set -e\nmigrate | tee log\n", "ignored at start.sh:3"),
        ("set -e -o pipefail\nmigrate | tee log\n", "stops by start.sh:2"),
        ("if [ -n \"$M\" ]; then\n  migrate\nfi\n", "ignored at start.sh:2"),
        ("set -e\nif [ -n \"$M\" ]; then\n  migrate\nfi\n", "stops by start.sh:2"),
        ("set -e\n[ -z \"$M\" ] || migrate\n", "stops by start.sh:2"),
        ("up() { migrate; }\nset -e\nup\n", "stops by start.sh:3"),
        ("up() { migrate; }\nset -e\nup || true\n", "ignored at start.sh:4"),
        ("up() { migrate || return 1; }\nup || exit 1\n", "stops by start.sh:3"),
        ("up() { migrate || return 1; }\nup\n", "ignored at start.sh:3"),
        ("{ migrate; } || exit 1\n", "stops by start.sh:2"),
        ("{ migrate; echo done; } || exit 1\n", "ignored at start.sh:2"),
    ];
    for (script, expected) in cases {
        let text = format!("#!/bin/sh\n{script}exec \"$@\"\n")
            .replace("migrate", "npx prisma migrate deploy");
        let dockerfile =
            "FROM node:20\nCOPY start.sh /\nENTRYPOINT [\"/start.sh\"]\nCMD [\"node\"]\n";
        let dump = dump(&[("Dockerfile", dockerfile), ("start.sh", &text)]);
        let found = dump.lines().find_map(|line| line.split_once(" (migrates): ")).map(|l| l.1);
        assert_eq!(found, Some(expected), "{text}\n{dump}");
    }
}

#[test]
fn a_script_hands_over_or_stays() {
    check_script(
        "#!/bin/sh\nset -e\nexec \"$@\"\n",
        "1 is shell\n1 is app node\napp node app.js\nscript /app/start.sh, start.sh:3\n",
    );
    check_script(
        "#!/bin/sh -e\nnpm run seed\nexec tini -- \"$@\"\n",
        "
1 is shell, runs commands
1 is init tini
npm run seed: stops by start.sh:1
app node app.js
script /app/start.sh, start.sh:3
",
    );
    check_script(
        "#!/bin/sh\n\"$@\"\n",
        "1 is shell\napp node app.js\nbelow the shell\nscript /app/start.sh, no exec\n",
    );
    // Both ways out hand over; the one that takes the arguments is the usual one.
    check_script(
        "#!/bin/sh\nif [ \"$1\" = shell ]; then\n  exec sh\nelse\n  exec \"$@\"\nfi\n",
        "
1 is shell
1 is app node
[ $1 = shell ]: ignored at start.sh:2
app node app.js
script /app/start.sh, start.sh:5
",
    );
    check_script(
        "#!/bin/sh\n[ \"$1\" = shell ] && exec sh\nexec 2>&1\nnode app.js || exit 1\n",
        "
1 is shell
[ $1 = shell ]: stops by start.sh:2
exec: ignored at start.sh:3
app node app.js
below the shell
script /app/start.sh, no exec
",
    );
    // Not a shell script, and one that calls itself.
    check_script("#!/usr/bin/env node\nrun()\n", "1 is app start.sh\napp ./start.sh node app.js\n");
    let endless = dump(&[
        ("Dockerfile", "FROM node:20\nCOPY start.sh /\nCMD [\"/start.sh\"]\n"),
        ("start.sh", "#!/bin/sh\nexec /start.sh\n"),
    ]);
    assert!(endless.contains("1 is unknown: too-large\n"), "{endless}");
}
