//! Packages as text.

use std::fmt::Write as _;

use plimsoll_source::{Span, Tree};

use crate::fact::Fact;
use crate::lower::cx::Cx;
use crate::package::{LockKind, Package};

fn packages(tree: &Tree) -> Vec<Package> {
    super::read(&Cx::new(tree))
}

/// What a span shows, on one line.
fn shown(tree: &Tree, span: Span) -> String {
    let bytes = tree.read(span.file).expect("readable");
    let text = String::from_utf8_lossy(span.range.slice(&bytes)).into_owned();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn fact<T: std::fmt::Debug>(tree: &Tree, fact: &Fact<T>) -> String {
    match fact {
        Fact::Known { value, at, .. } => {
            let at = at.span.map(|s| shown(tree, s)).unwrap_or_default();
            format!("{value:?} at `{}`", at.chars().take(60).collect::<String>())
        }
        Fact::Absent => "absent".to_owned(),
        Fact::Unknown(why, _) => format!("unknown: {}", why.name()),
    }
}

fn dump(tree: &Tree) -> String {
    let mut out = String::new();
    for p in packages(tree) {
        let name = p.name.as_deref().unwrap_or("-");
        let _ = write!(out, "{} {:?} {name}", tree.path(p.manifest), p.ecosystem);
        let _ = writeln!(out, "{}", if p.broken { " broken" } else { "" });
        if let Some(root) = &p.workspace {
            let _ = writeln!(out, "  in {root:?}");
        }
        for d in &p.dependencies {
            let local = d.local.as_ref().map(|l| format!(" -> {l}")).unwrap_or_default();
            let _ = writeln!(out, "  {:?} {} {}{local}", d.kind, d.name, d.requirement);
        }
        for s in &p.scripts {
            let _ = writeln!(out, "  script {}", shown(tree, s.span));
        }
        if let Some(ts) = &p.typescript {
            let _ = writeln!(
                out,
                "  {}: out {}, root {}{}",
                tree.path(ts.config),
                fact(tree, &ts.out_dir),
                fact(tree, &ts.root_dir),
                if ts.extends_missing.is_some() { ", extends nothing" } else { "" },
            );
        }
        let Some(lock) = &p.lockfile else { continue };
        let _ = writeln!(out, "  {}: {}", tree.path(lock.file), fact(tree, &lock.in_sync));
        for d in &lock.deprecated {
            let development = if d.development { " dev" } else { "" };
            let _ = writeln!(
                out,
                "    deprecated {} {} {:?}{development}",
                d.name, d.version, d.direct
            );
        }
        for (bin, owners) in &*lock.bins {
            let _ = writeln!(out, "    bin {bin} of {}", owners.join(" "));
        }
        for (from, to, _) in &lock.links {
            let _ = writeln!(out, "    link {from} -> {to}");
        }
    }
    out
}

#[track_caller]
fn check(files: &[(&str, &str)], expected: &str) {
    let tree = Tree::from_memory(files.iter().copied());
    let expected: Vec<&str> = expected.lines().filter(|line| !line.trim().is_empty()).collect();
    let indent = expected.first().map_or(0, |l| l.len() - l.trim_start().len());
    let expected: Vec<&str> = expected.iter().map(|l| l.get(indent..).unwrap_or(l)).collect();
    assert_eq!(dump(&tree).trim_end(), expected.join("\n").trim_end());
}

#[test]
fn a_manifest_with_its_lockfile() {
    check(
        &[
            (
                "s/package.json",
                r#"{"name": "s", "scripts": {"build": "tsc -p ."}, "dependencies":
                {"a": "^1.0.0", "shared": "file:../shared"}, "devDependencies": {"typescript": "5"}}"#,
            ),
            (
                "s/tsconfig.json",
                r#"{"compilerOptions": {"outDir": "./dist", /* */ "rootDir": "src",}}"#,
            ),
            ("shared/package.json", "{}"),
            ("node_modules/a/package.json", "{}"),
            (
                "s/package-lock.json",
                r#"{"lockfileVersion": 3, "packages": {
                "": {"dependencies": {"a": "^1.0.0", "shared": "file:../shared"}, "devDependencies": {"typescript": "5"}},
                "../shared": {"bin": {"share": "x"}},
                "../shared/node_modules/old": {"version": "0.1.0", "deprecated": "old", "bin": {"old": "x"}},
                "node_modules/a": {"version": "1.2.0", "deprecated": "gone", "bin": "cli.js"},
                "node_modules/a/node_modules/rimraf": {"version": "2.0.0", "bin": {"rimraf": "x"}},
                "node_modules/shared": {"resolved": "../shared", "link": true},
                "node_modules/typescript": {"version": "5.0.0", "dev": true, "bin": {"tsc": "x", "tsserver": "y"}}}}"#,
            ),
        ],
        r#"
        s/package.json Node s
          Production a ^1.0.0
          Production shared file:../shared -> shared
          Development typescript 5
          script "build": "tsc -p ."
          s/tsconfig.json: out "dist" at `"./dist"`, root "src" at `"src"`
          s/package-lock.json: true at `"": {"dependencies"`
            deprecated old 0.1.0 None
            deprecated a 1.2.0 Some(Production)
            bin a of a
            bin share of shared
            bin tsc of typescript
            bin tsserver of typescript
            link node_modules/shared -> ../shared
        shared/package.json Node -
        "#,
    );
}

#[test]
fn the_root_of_what_is_compiled_where_none_is_said() {
    let check = |version: &str, lock: &str, expected: &str| {
        let manifest = format!(
            r#"{{"scripts": {{"build": "tsc"}}, "devDependencies": {{"typescript": "{version}"}}}}"#
        );
        let tree = Tree::from_memory([
            ("package.json", &*manifest),
            ("tsconfig.json", r#"{"compilerOptions": {"outDir": "dist"}}"#),
            ("src/main.ts", ""),
            ("package-lock.json", lock),
        ]);
        let packages = packages(&tree);
        let built = packages[0].typescript.as_ref().expect("a build");
        assert_eq!(fact(&tree, &built.root_dir), expected, "{version}");
    };
    let pinned = |version: &str| {
        format!(
            r#"{{"lockfileVersion": 3, "packages": {{"node_modules/typescript": {{"version": "{version}"}}}}}}"#
        )
    };
    check("5.9.3", "{}", r#""src" at ``"#);
    check("^6.0.0", "{}", r#""" at ``"#);
    check(">=5", "{}", "unknown: needs-build");
    check(">=5", &pinned("5.9.3"), r#""src" at ``"#);
    check(">=5", &pinned("6.0.2"), r#""" at ``"#);
}

#[track_caller]
fn check_sync(manifest: &str, lock: (&str, &str), expected: &str) {
    let tree = Tree::from_memory([("package.json", manifest), lock]);
    let packages = packages(&tree);
    let lock = packages[0].lockfile.as_ref().expect("a lockfile");
    assert_eq!(fact(&tree, &lock.in_sync), expected);
}

#[test]
fn a_lockfile_out_of_sync_shows_where() {
    let lock = |body: &'static str| ("package-lock.json", body);
    check_sync(
        r#"{"dependencies": {"a": "^2.0.0"}}"#,
        lock(r#"{"packages": {"": {"dependencies": {"a": "^1.0.0"}}}}"#),
        r#"false at `"a": "^2.0.0"`"#,
    );
    check_sync(
        r#"{"dependencies": {}}"#,
        lock(r#"{"packages": {"": {"devDependencies": {"a": "^1.0.0"}}}}"#),
        r#"false at `"a": "^1.0.0"`"#,
    );
    // npm folds a name under two keys into one.
    check_sync(
        r#"{"dependencies": {"a": "1"}, "optionalDependencies": {"a": "1"}, "peerDependencies": {"p": "1"}}"#,
        lock(r#"{"packages": {"": {"optionalDependencies": {"a": "1"}}}}"#),
        r#"true at `""`"#,
    );
    let v1 = lock(r#"{"lockfileVersion": 1, "dependencies": {"a": {"version": "1.4.0"}}}"#);
    check_sync(
        r#"{"dependencies": {"a": "^1.0.0"}}"#,
        v1,
        r#"true at `{"lockfileVersion": 1, "dependencies": {"a": {"version": "1.`"#,
    );
    check_sync(r#"{"dependencies": {"a": "^2.0.0"}}"#, v1, r#"false at `"a": "^2.0.0"`"#);
    check_sync(r#"{"dependencies": {"a": "1 || 2"}}"#, v1, "unknown: unsupported");
    check_sync(r#"{"dependencies": {"b": "1"}}"#, v1, r#"false at `"b": "1"`"#);
    check_sync("{}", lock(r#"{"packages": {"#), "unknown: unparsed");
    check_sync("{}", ("bun.lock", "{}"), "unknown: unsupported");
}

#[test]
fn yarn_and_pnpm_pin_what_is_asked_for() {
    let manifest = r#"{"dependencies": {"a": "^1.0.0", "@s/b": "2.x"}}"#;
    let v1 = "# yarn lockfile v1\n\n\n\"@s/b@2.x\", \"@s/b@^2.0.0\":\n  version \"2.1.0\"\n\na@^1.0.0:\n  version \"1.0.1\"\n  dependencies:\n    c \"*\"\n";
    check_sync(manifest, ("yarn.lock", v1), "true at `# yarn lockfile v1`");
    check_sync(
        r#"{"dependencies": {"a": "^1.1.0"}}"#,
        ("yarn.lock", v1),
        r#"false at `"a": "^1.1.0"`"#,
    );
    let berry = "__metadata:\n  version: 8\n\n\"a@npm:^1.0.0\":\n  version: 1.0.1\n  bin:\n    acli: x.js\n\n\"@s/b@npm:2.x\":\n  version: 2.0.0\n";
    check_sync(manifest, ("yarn.lock", berry), "true at `__metadata:`");
    let pnpm9 = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        specifier: ^1.0.0\n        version: 1.0.1\n      '@s/b':\n        specifier: 2.x\n        version: 2.0.0(a@1.0.1)\npackages:\n  '@s/b@2.0.0':\n    deprecated: gone\n";
    check_sync(manifest, ("pnpm-lock.yaml", pnpm9), "true at `lockfileVersion: '9.0'`");
    let pnpm5 = "lockfileVersion: 5.4\nspecifiers:\n  a: ^1.0.0\n  '@s/b': 1.x\ndependencies:\n  a: 1.0.1\n  '@s/b': 2.0.0\n";
    check_sync(manifest, ("pnpm-lock.yaml", pnpm5), r#"false at `"@s/b": "2.x"`"#);
    let over = pnpm9.replace("importers", "overrides:\n  a: 1.0.1\n  '@s/b@2': 2.0.9\nimporters");
    let own = r#"{"dependencies": {"a": "^0.9.0", "@s/b": "2.x"}}"#;
    let taken = over.replace("^1.0.0", "1.0.1").replace("specifier: 2.x", "specifier: 2.0.9");
    check_sync(own, ("pnpm-lock.yaml", &taken), "true at `lockfileVersion: '9.0'`");
    check_sync(own, ("pnpm-lock.yaml", &over), r#"false at `"a": "^0.9.0"`"#);
    check(
        &[("package.json", manifest), ("pnpm-lock.yaml", pnpm9)],
        "
        package.json Node -
          Production a ^1.0.0
          Production @s/b 2.x
          pnpm-lock.yaml: true at `lockfileVersion: '9.0'`
            deprecated @s/b 2.0.0 Some(Production)
        ",
    );
    check(
        &[("package.json", manifest), ("yarn.lock", berry)],
        "
        package.json Node -
          Production a ^1.0.0
          Production @s/b 2.x
          yarn.lock: true at `__metadata:`
            bin acli of a
        ",
    );
}

#[test]
fn members_read_the_lockfile_of_their_workspace() {
    check(
        &[
            ("package.json", r#"{"workspaces": ["packages/*", "!packages/z"]}"#),
            ("packages/a/package.json", r#"{"name": "a", "dependencies": {"b": "*", "c": "1"}}"#),
            ("packages/b/package.json", r#"{"name": "b", "dependencies": {"a": "workspace:^"}}"#),
            ("packages/z/package.json", r#"{"name": "z"}"#),
            (
                "package-lock.json",
                r#"{"packages": {"": {}, "packages/a": {"dependencies": {"b": "*", "c": "1"}},
                "node_modules/b": {"resolved": "packages/b", "link": true},
                "node_modules/c": {"version": "1.0.0", "dependencies": {"d": "1"}, "bin": {"c": "x"}},
                "node_modules/d": {"version": "1.0.0", "deprecated": "x"},
                "packages/b": {"dependencies": {"a": "workspace:^"}}}}"#,
            ),
        ],
        r#"
        package.json Node -
          package-lock.json: true at `""`
            bin c of c
            link node_modules/b -> packages/b
        packages/a/package.json Node a
          in ""
          Production b * -> packages/b
          Production c 1
          package-lock.json: true at `"packages/a": {"dependencies"`
            deprecated d 1.0.0 None
            bin c of c
            link node_modules/b -> ../b
        packages/b/package.json Node b
          in ""
          Production a workspace:^ -> packages/a
          package-lock.json: true at `"packages/b": {"dependencies"`
            bin c of c
            link node_modules/b -> .
        packages/z/package.json Node z
        "#,
    );
}

#[test]
fn configurations_extend_one_another() {
    let package = (
        "s/package.json",
        r#"{"scripts": {"build": "npm run clean && tsc -p x.json", "clean": "rm -rf dist"}}"#,
    );
    check(
        &[
            package,
            (
                "s/x.json",
                r#"{"extends": ["../a", "@tsconfig/node20/tsconfig.json"], "include": ["src"]}"#,
            ),
            (
                "a.json",
                r#"{"extends": "./s/x.json", "compilerOptions": {"outDir": "out", "composite": true}}"#,
            ),
        ],
        r#"
        s/package.json Node -
          script "build": "npm run clean && tsc -p x.json"
          script "clean": "rm -rf dist"
          s/x.json: out "../out" at `"out"`, root "" at ``
        "#,
    );
    check(
        &[
            package,
            ("s/x.json", r#"{"extends": "./gone", "compilerOptions": {"outDir": "../../x"}}"#),
        ],
        r#"
        s/package.json Node -
          script "build": "npm run clean && tsc -p x.json"
          script "clean": "rm -rf dist"
          s/x.json: out unknown: out-of-tree, root absent, extends nothing
        "#,
    );
}

#[test]
fn other_ecosystems_are_noticed() {
    check(
        &[
            ("py/pyproject.toml", ""),
            ("py/requirements.txt", ""),
            ("py/poetry.lock", ""),
            ("go/go.mod", ""),
            ("rs/Cargo.toml", ""),
            ("Cargo.lock", ""),
            ("vendor/x/go.mod", ""),
        ],
        "
        go/go.mod Go -
        py/pyproject.toml Python -
          py/poetry.lock: unknown: unsupported
        rs/Cargo.toml Rust -
          Cargo.lock: unknown: unsupported
        ",
    );
}

#[test]
fn hostile_manifests_are_survived() {
    check(
        &[
            ("a/package.json", "[1, 2]"),
            ("b/package.json", ""),
            (
                "c/package.json",
                r#"{"scripts": ["x"], "dependencies": "y", "name": 3, "engines": [], "workspaces": {"packages": 3}}"#,
            ),
            (
                "d/package.json",
                r#"{"scripts": {"a": 1, "b": null, "c": {"d": "e"}, "f": "g"}, "dependencies": {"x": {}, "y": "file:../../.."}}"#,
            ),
            ("d/package-lock.json", r#"{"packages": [], "dependencies": 7}"#),
            ("e/package.json", r#"{"dependencies": {"x": "1"}}"#),
            (
                "e/package-lock.json",
                r#"{"packages": {"": 1, "node_modules/": {}, "node_modules/x": {"bin": [1], "link": true, "resolved": "node_modules/x", "dependencies": {"x": 1}}}}"#,
            ),
        ],
        r#"
        a/package.json Node - broken
        b/package.json Node - broken
        c/package.json Node -
        d/package.json Node -
          Production y file:../../..
          script "f": "g"
          d/package-lock.json: false at `"y": "file:../../.."`
        e/package.json Node -
          Production x 1
          e/package-lock.json: false at `"x": "1"`
            bin x of x
            link node_modules/x -> node_modules/x
        "#,
    );
    let many: Vec<String> =
        (0..100_000).map(|i| format!(r#""s{i}": "npm run s{}""#, i + 1)).collect();
    let manifest = format!(r#"{{"scripts": {{{}}}}}"#, many.join(","));
    let tree = Tree::from_memory([("package.json", manifest)]);
    assert_eq!(packages(&tree)[0].scripts.len(), 100_000);
}

#[test]
fn a_package_manager_names_its_lockfile() {
    let manifest = r#"{"packageManager": "pnpm@9.1.0"}"#;
    let tree = Tree::from_memory([
        ("package.json", manifest),
        ("package-lock.json", "{}"),
        ("pnpm-lock.yaml", "importers:\n  .: {}\n"),
    ]);
    assert_eq!(packages(&tree)[0].lockfile.as_ref().map(|l| l.kind), Some(LockKind::Pnpm));
}
