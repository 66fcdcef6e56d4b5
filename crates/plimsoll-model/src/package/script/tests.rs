//! Scripts as text.

use std::fmt::Write as _;

use plimsoll_source::Tree;

use super::{FileState, Provided, commands};
use crate::lower::lower;

fn state(tree: &Tree, state: &FileState) -> String {
    match state {
        FileState::Exists(file) => format!("is {}", tree.path(*file)),
        FileState::Directory => "is a directory".to_owned(),
        FileState::Emitted(from) => format!("from {}", tree.path(*from)),
        FileState::Missing(_) => "MISSING".to_owned(),
        FileState::Unknown(why) => format!("unknown: {}", why.name()),
    }
}

fn provided(provided: &Provided) -> String {
    match provided {
        Provided::Builtin => "builtin".to_owned(),
        Provided::System => "system".to_owned(),
        Provided::Declared { package, hoisted, .. } => {
            format!("declared {package}{}", if *hoisted { " above" } else { "" })
        }
        Provided::Transitive { package, .. } => format!("transitive {package}"),
        Provided::Downloaded(name) => format!("downloaded {name}"),
        Provided::NotInstallable(_) => "NOT INSTALLABLE".to_owned(),
        Provided::File => "file".to_owned(),
        Provided::NoScript(name, _) => format!("NO SCRIPT {name}"),
        Provided::Unknown(why) => format!("unknown: {}", why.name()),
    }
}

fn dump(tree: &Tree, manifest: &str, script: &str) -> String {
    let delivery = lower(tree);
    let file = tree.find(manifest).expect("a manifest");
    let package = delivery.packages.iter().find(|p| p.manifest == file).expect("a package");
    let script = package.script(script).expect("a script");
    let mut out = String::new();
    for c in commands(tree, &delivery.packages, package, script) {
        let _ = writeln!(out, "{}: {}", c.words.join(" "), provided(&c.provided));
        for (module, by) in &c.modules {
            let _ = writeln!(out, "  {module}: {}", provided(by));
        }
        for f in &c.files {
            let _ = writeln!(out, "  {:?} {}: {}", f.role, f.written, state(tree, &f.state));
        }
    }
    out
}

/// Checks what the script `x` of `s/package.json` runs.
#[track_caller]
fn check(package: &str, files: &[(&str, &str)], expected: &str) {
    let package = [("s/package.json", package)];
    let tree = Tree::from_memory(package.iter().chain(files).copied());
    let expected: Vec<&str> = expected.lines().filter(|line| !line.trim().is_empty()).collect();
    let indent = expected.first().map_or(0, |l| l.len() - l.trim_start().len());
    let expected: Vec<&str> = expected.iter().map(|l| l.get(indent..).unwrap_or(l)).collect();
    assert_eq!(dump(&tree, "s/package.json", "x").trim_end(), expected.join("\n").trim_end());
}

const LOCK: (&str, &str) = (
    "s/package-lock.json",
    r#"{"packages": {"": {"devDependencies": {"typescript": "5", "eslint": "^8.0.0"}},
    "node_modules/typescript": {"version": "5.0.0", "bin": {"tsc": "x"}},
    "node_modules/eslint": {"version": "8.50.0", "bin": {"eslint": "x"}},
    "node_modules/rimraf": {"version": "3.0.0", "bin": {"rimraf": "x"}}}}"#,
);

fn with(script: &str) -> String {
    format!(
        r#"{{"scripts": {{"x": {script:?}, "other": "tsc"}}, "devDependencies": {{"typescript": "5", "eslint": "^8.0.0"}}}}"#
    )
}

#[test]
fn modules_that_are_loaded_first() {
    let start = |development: &str| {
        format!(
            r#"{{"name": "s", "scripts": {{"x": "nodemon --exec ts-node -r tsconfig-paths/register a.ts"}}, "devDependencies": {{"nodemon": "3", "ts-node": "10"{development}}}}}"#
        )
    };
    let root = ("package.json", r#"{"workspaces": ["s"]}"#);
    let lock = |more: &str| {
        format!(
            "lockfileVersion: '9.0'\nimporters:\n  s:\n    devDependencies:\n      nodemon:\n        specifier: '3'\n        version: 3.0.0\n      ts-node:\n        specifier: '10'\n        version: 10.0.0\npackages:\n  nodemon@3.0.0: {{}}\n  ts-node@10.0.0: {{}}\n{more}"
        )
    };
    let with = |development: &str, lock: &str, by: &str| {
        check(
            &start(development),
            &[root, ("pnpm-lock.yaml", lock), ("s/a.ts", "")],
            &format!(
                "
        nodemon: declared nodemon
        ts-node -r tsconfig-paths/register a.ts: declared ts-node
          tsconfig-paths/register: {by}
          Program a.ts: is s/a.ts
        "
            ),
        );
    };
    with(r#", "tsconfig-paths": "4""#, &lock(""), "declared tsconfig-paths");
    // The lockfile of the workspace has all that is installed, or may not have been written anew.
    with("", &lock(""), "NOT INSTALLABLE");
    with("", &lock("  tsconfig-paths@4.0.0: {}\n"), "transitive tsconfig-paths");
    with(r#", "new": "1""#, &lock(""), "unknown: needs-build");
}

#[test]
fn binaries_are_declared_transitive_or_nowhere() {
    check(
        &with("tsc --noEmit && rimraf dist; tsx a.ts || docker ps | cat"),
        &[LOCK, ("s/tsconfig.json", "{}"), ("s/a.ts", "")],
        "
        tsc --noEmit: declared typescript
          Config tsconfig.json: is s/tsconfig.json
        rimraf dist: transitive rimraf
        tsx a.ts: NOT INSTALLABLE
          Program a.ts: is s/a.ts
        docker ps: system
        cat: builtin
        ",
    );
    // Without a lockfile nothing is proved missing; with no dependency at all it is.
    check(
        &with("rimraf dist && tsc -v"),
        &[],
        "
        rimraf dist: unknown: needs-build
        tsc -v: declared typescript
        ",
    );
    check(r#"{"scripts": {"x": "rimraf dist"}}"#, &[], "rimraf dist: NOT INSTALLABLE");
    // yarn's first lockfile lists packages, not binaries.
    let yarn = (
        "s/yarn.lock",
        "rimraf@^3:\n  version \"3.0.0\"\n\ntypescript@5, eslint@^8.0.0:\n  version \"5.0.0\"\n",
    );
    check(
        &with("rimraf a; tsx b"),
        &[yarn],
        "
        rimraf a: transitive rimraf
        tsx b: unknown: needs-build
          Program b: MISSING
        ",
    );
    // A declared package that the lockfile does not have may bring anything.
    let more =
        r#"{"scripts": {"x": "zap; tsc -v"}, "devDependencies": {"typescript": "5", "new": "1"}}"#;
    check(
        more,
        &[LOCK],
        "
        zap: unknown: conflicting
        tsc -v: declared typescript
        ",
    );
}

#[test]
fn the_workspace_root_brings_binaries() {
    let root = ("package.json", r#"{"workspaces": ["s"], "devDependencies": {"typescript": "5"}}"#);
    check(r#"{"scripts": {"x": "tsc -v"}}"#, &[root], "tsc -v: declared typescript above");
    let outer = ("package.json", r#"{"devDependencies": {"typescript": "5"}}"#);
    check(r#"{"scripts": {"x": "tsc -v"}}"#, &[outer], "tsc -v: transitive typescript");
}

#[test]
fn emitted_files_are_traced_to_their_sources() {
    let rooted = (
        "s/tsconfig.json",
        r#"{"compilerOptions": {"rootDir": "src", "outDir": "dist"}, "include": ["src/**/*"]}"#,
    );
    let rootless =
        ("s/tsconfig.json", r#"{"compilerOptions": {"outDir": "dist"}, "include": ["src/**/*"]}"#);
    let source = ("s/src/index.ts", "");
    let node = with("node dist/index.js");
    check(
        &node,
        &[LOCK, rooted, source],
        "
        node dist/index.js: builtin
          Program dist/index.js: from s/src/index.ts
        ",
    );
    check(
        &with("node dist && node dist/server.js"),
        &[LOCK, rooted, source],
        "
        node dist: builtin
          Program dist: from s/src/index.ts
        node dist/server.js: builtin
          Program dist/server.js: MISSING
        ",
    );
    // Without a root it is what all sources share, which depends on what they import.
    check(
        &node,
        &[LOCK, rootless, source],
        "
        node dist/index.js: builtin
          Program dist/index.js: from s/src/index.ts
        ",
    );
    let outward = ("s/src/index.ts", "import '../../shared/log';\n");
    check(
        &node,
        &[LOCK, rootless, outward],
        "
        node dist/index.js: builtin
          Program dist/index.js: unknown: unsupported
        ",
    );
    check(
        &with("node dist/s/src/index.js"),
        &[LOCK, rootless, outward],
        "
        node dist/s/src/index.js: builtin
          Program dist/s/src/index.js: unknown: unsupported
        ",
    );
    check(
        &with("node dist/main.js"),
        &[LOCK, rootless, source],
        "
        node dist/main.js: builtin
          Program dist/main.js: MISSING
        ",
    );
    // Nothing is known of what a bundler makes.
    check(
        r#"{"scripts": {"x": "node dist/a.js", "build": "esbuild a.ts"}}"#,
        &[],
        "
        node dist/a.js: builtin
          Program dist/a.js: unknown: needs-build
        ",
    );
    // Not all that is compiled stands in `include`.
    check(
        &with("node dist/t.js"),
        &[
            LOCK,
            ("s/t.ts", ""),
            (
                "s/tsconfig.json",
                r#"{"compilerOptions": {"rootDir": ".", "outDir": "dist"}, "include": ["src"]}"#,
            ),
        ],
        "
        node dist/t.js: builtin
          Program dist/t.js: unknown: unsupported
        ",
    );
}

#[test]
fn named_files_must_exist_unless_something_makes_them() {
    check(
        &with(
            "node scripts/seed.js && ./setup.sh && docker-compose -f dev.yml up; node -r dotenv/config --env-file=.env run.mjs",
        ),
        &[LOCK, ("s/run.mjs", "")],
        "
        node scripts/seed.js: builtin
          Program scripts/seed.js: MISSING
        ./setup.sh: file
          Program ./setup.sh: MISSING
        docker-compose -f dev.yml up: system
          Input dev.yml: MISSING
        node -r dotenv/config --env-file=.env run.mjs: builtin
          dotenv/config: NOT INSTALLABLE
          Input .env: unknown: needs-run
          Program run.mjs: is s/run.mjs
        ",
    );
    check(
        &with(
            "curl -o tool.js example.test && node tool.js; cp a b && cat b; echo x > y && cat y z",
        ),
        &[LOCK],
        "
        curl -o tool.js example.test: system
        node tool.js: builtin
          Program tool.js: unknown: needs-build
        cp a b: builtin
          Input a: MISSING
        cat b: builtin
          Input b: unknown: needs-build
        echo x: builtin
        cat y z: builtin
          Input y: unknown: needs-build
          Input z: MISSING
        ",
    );
    check(
        &with(
            "cd sub && node a.js; cd $X && node b.js; (cd ../s/sub; cat a.js); cat ../../x /etc/y",
        ),
        &[LOCK, ("s/sub/a.js", "")],
        "
        cd sub: builtin
          Input sub: is a directory
        node a.js: builtin
          Program a.js: is s/sub/a.js
        cd …: builtin
        node b.js: builtin
          Program b.js: unknown: dynamic
        cd ../s/sub: builtin
          Input ../s/sub: unknown: dynamic
        cat a.js: builtin
          Input a.js: unknown: dynamic
        cat ../../x /etc/y: builtin
          Input ../../x: unknown: dynamic
          Input /etc/y: unknown: dynamic
        ",
    );
}

#[test]
fn scripts_run_scripts_and_wrappers_run_commands() {
    let package = r#"{"scripts": {
        "x": "npm run a -- --fix && yarn b && npm run gone; npm-run-all 'c:*'; npm test --if-present",
        "prea": "echo before", "a": "NODE_ENV=test cross-env A=b tsc -v", "b": "npx tsc -v; npx zap@2; npx --no zap",
        "c:1": "npm run x", "c:2": "sh -c 'node -e 1; true'", "c:3": "concurrently -n a,b 'npm:b' 'tsc -v'"
        }, "devDependencies": {"typescript": "5", "npm-run-all": "4"}}"#;
    check(
        package,
        &[],
        "
        echo before: builtin
        cross-env: unknown: needs-build
        tsc -v: declared typescript
        tsc -v: declared typescript
        zap@2: downloaded zap@2
        zap: unknown: needs-build
        npm run gone: NO SCRIPT gone
        npm-run-all: declared npm-run-all
        sh: builtin
        node -e 1: builtin
        true: builtin
        concurrently: unknown: needs-build
        tsc -v: declared typescript
        npm test --if-present: builtin
        ",
    );
}

#[test]
fn tools_need_their_configuration() {
    check(
        &with(
            "eslint src --ext .ts; knex migrate:latest; knex x --knexfile k.ts; tsc; tsc -p b.json",
        ),
        &[LOCK, ("s/src/a.ts", ""), ("knexfile.ts", "")],
        "
        eslint src --ext .ts: declared eslint
          Input src: is a directory
          Config .eslintrc: MISSING
        knex migrate:latest: NOT INSTALLABLE
          Config knexfile: is knexfile.ts
        knex x --knexfile k.ts: NOT INSTALLABLE
          Config k.ts: MISSING
        tsc: declared typescript
          Config tsconfig.json: MISSING
        tsc -p b.json: declared typescript
          Config b.json: MISSING
        ",
    );
    check(
        &with("eslint ."),
        &[LOCK, (".eslintrc.json", "")],
        "
        eslint .: declared eslint
          Input .: is a directory
          Config .eslintrc: is .eslintrc.json
        ",
    );
    let nine = r#"{"scripts": {"x": "eslint ."}, "devDependencies": {"eslint": "^9.1.0"}}"#;
    check(
        nine,
        &[(".eslintrc.json", "")],
        "
        eslint .: declared eslint
          Input .: is a directory
          Config eslint.config.js: MISSING
        ",
    );
    check(
        nine,
        &[("eslint.config.mjs", "")],
        "
        eslint .: declared eslint
          Input .: is a directory
          Config eslint.config.js: is eslint.config.mjs
        ",
    );
}

#[test]
fn hostile_scripts_end() {
    let fan: Vec<String> = (0..400)
        .map(|i| format!(r#""f{i}": "npm run f{} && npm run f{}""#, i + 1, i + 1))
        .collect();
    let package =
        format!(r#"{{"scripts": {{"x": "npm run f0 && npm run x", {}}}}}"#, fan.join(","));
    let tree = Tree::from_memory([("s/package.json", &*package)]);
    assert_eq!(dump(&tree, "s/package.json", "x"), "…: unknown: too-large\n");
    let deep = with(&format!("{}true{}", "( ".repeat(5_000), " )".repeat(5_000)));
    let wrapped = with(&format!("{}true", "exec env ".repeat(5_000)));
    for (package, expected) in [(deep, "unparsed"), (wrapped, "too-large")] {
        let tree = Tree::from_memory([("s/package.json", &*package)]);
        let found = dump(&tree, "s/package.json", "x");
        assert!(found.trim_end().ends_with(&format!("unknown: {expected}")), "{found}");
    }
}

#[test]
fn what_follows_a_script_is_its_command_where_it_hands_on() {
    let tree = Tree::from_memory([
        (
            "package.json",
            r#"{"name": "all", "workspaces": ["a", "b"], "scripts": {"api": "pnpm --filter @acme/a --", "all": "pnpm api build && pnpm api test", "loop": "pnpm loop loop --"}}"#,
        ),
        (
            "a/package.json",
            r#"{"name": "@acme/a", "scripts": {"build": "pnpm build:deps && tsc", "build:deps": "pnpm --filter @acme/b build", "test": "vitest"}}"#,
        ),
        ("b/package.json", r#"{"name": "@acme/b", "scripts": {"build": "node build.mjs"}}"#),
    ]);
    let delivery = lower(&tree);
    let root = delivery.packages.iter().find(|p| p.dir.is_empty()).expect("the root");
    let built = |line: &str| {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        super::builds_in(&delivery.packages, root, &words).join(" ")
    };
    for (line, expected) in [
        ("pnpm api build", "b a"),
        ("pnpm run api build", "b a"),
        ("pnpm --filter @acme/a -- build", "b a"),
        ("yarn all", "b a"),
        ("bun all", "b a"),
        ("pnpm api test", ""),
        ("pnpm api $(x)", ""),
        ("pnpm loop", ""),
    ] {
        assert_eq!(built(line), expected, "{line}");
    }
}
