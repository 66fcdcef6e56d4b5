//! What a file is for, judged by its path alone: production unless a part of it says otherwise.

use crate::purpose::{Purpose, PurposeKind};

/// Directory names that say what lies below them. The first row that matches any part wins:
/// a vendored example is vendored.
const DIRECTORIES: &[(PurposeKind, &[&str])] = &[
    (PurposeKind::Vendored, VENDORED),
    (
        PurposeKind::Test,
        &[
            "test",
            "tests",
            "testing",
            "e2e",
            "cypress",
            "playwright",
            "__tests__",
            "__fixtures__",
            "fixtures",
            "fixture",
            "testdata",
            "test-data",
            "test-ledger",
            "test_data",
        ],
    ),
    (
        PurposeKind::Example,
        &[
            "example",
            "examples",
            "sample",
            "samples",
            "demo",
            "demos",
            "docs",
            "doc",
            "benchmark",
            "benchmarks",
            "tutorial",
            "tutorials",
            "playground",
        ],
    ),
    (
        PurposeKind::Development,
        &[
            ".devcontainer",
            "devcontainer",
            ".cursor",
            ".gitpod",
            ".codesandbox",
            "dev",
            "development",
            "local",
        ],
    ),
];

const VENDORED: &[&str] =
    &["vendor", "vendored", "third_party", "third-party", "node_modules", "site-packages"];

/// Endings of directory names that say the same: `load-tests`.
const TEST_ENDINGS: &[&str] = &["-tests", "_tests", "-test", "_test", "-e2e"];
const EXAMPLE_ENDINGS: &[&str] =
    &["-example", "_example", "-examples", "_examples", "-sample", "-samples", "-demo"];

/// Directories of a pipeline's own containers: what is described there is run to test; a script
/// there may well deploy.
const PIPELINES: &[&str] = &["ci", ".ci", ".github", ".gitlab", ".circleci", ".buildkite"];

/// Parts of a file's name between dots (and, for container files, dashes): `Dockerfile.dev`.
const NAME_PARTS: &[(PurposeKind, &[&str])] = &[
    (
        PurposeKind::Test,
        &["test", "tests", "testing", "ci", "e2e", "integration", "playwright", "cypress"],
    ),
    (PurposeKind::Example, &["example", "sample", "demo"]),
    (PurposeKind::Development, &["dev", "development", "develop", "local", "debug"]),
];

/// What the file at `path` (relative to the audited root) is for, by its path.
pub(crate) fn of_path(path: &str) -> Purpose {
    let lower = path.to_lowercase();
    let (dirs, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    // The forge runs them, whatever they are called.
    let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    let is_action = dirs.starts_with(".github/actions/") && name.starts_with("action.");
    if is_yaml && (dirs == ".github/workflows" || is_action) {
        return Purpose::production();
    }
    let because_dir = |kind, part: &str| Purpose {
        kind,
        because: format!("its path has the part `{part}`"),
        at: None,
    };
    for (kind, names) in DIRECTORIES {
        for part in dirs.split('/').filter(|part| !part.is_empty()) {
            let endings = match kind {
                PurposeKind::Test => TEST_ENDINGS,
                PurposeKind::Example => EXAMPLE_ENDINGS,
                _ => &[],
            };
            let ending = endings.iter().any(|ending| part.ends_with(ending));
            // `.examples`, too.
            let bare = match kind {
                PurposeKind::Example => part.trim_start_matches('.'),
                _ => part,
            };
            if names.contains(&bare) || ending {
                return because_dir(*kind, part);
            }
        }
    }
    let because_name = |kind, part: &str| Purpose {
        kind,
        because: format!("its name has the part `{part}`"),
        at: None,
    };
    let compose = name.starts_with("compose") || name.starts_with("docker-compose");
    // What an application offers its users to start from.
    if let Some(part) = dirs.split('/').find(|part| compose && *part == "templates") {
        return because_dir(PurposeKind::Example, part);
    }
    let container = compose || name.contains("dockerfile") || name.contains("containerfile");
    if container && let Some(part) = dirs.split('/').find(|part| PIPELINES.contains(part)) {
        return because_dir(PurposeKind::Test, part);
    }
    let parts: Vec<&str> = if container {
        name.split(['.', '-', '_']).collect()
    } else {
        name.split('.').skip(1).collect()
    };
    if compose && parts.contains(&"override") {
        // `docker compose` loads it beside the base file unless -f is given: the developer's layer.
        return because_name(PurposeKind::Development, "override");
    }
    for (kind, names) in NAME_PARTS {
        if let Some(part) = parts.iter().find(|part| names.contains(part)) {
            return because_name(*kind, part);
        }
    }
    Purpose::production()
}

/// What a script or a target of this name is for: what its path says, else its whole name. A part
/// of a name does not tell: `smoke-test.sh` gates a release, `restore-test.sh` proves a backup.
pub(super) fn of_script(path: &str, name: &str) -> Purpose {
    const TESTS: [&str; 8] = [
        "test",
        "tests",
        "run-tests",
        "unit-tests",
        "integration-tests",
        "test-all",
        "e2e",
        "watch",
    ];
    const DEVELOPS: [&str; 4] = ["dev", "develop", "development", "hot-reload"];
    let purpose = of_path(path);
    if !purpose.is_production() {
        return purpose;
    }
    if matches!(path.rsplit('/').next(), Some("mvnw" | "gradlew")) {
        let because = "a build tool writes it".to_owned();
        return Purpose { kind: PurposeKind::Vendored, because, at: None };
    }
    let name = name.to_ascii_lowercase().replace('_', "-");
    let develops = DEVELOPS.contains(&&*name) || name.starts_with("dev-") || name.ends_with("-dev");
    let kind = match TESTS.contains(&&*name) {
        true => PurposeKind::Test,
        false if develops => PurposeKind::Development,
        false => return purpose,
    };
    Purpose { kind, because: format!("it is called `{name}`"), at: None }
}

/// Whether the file at `path` was copied in from elsewhere: no reader opens it.
pub(super) fn is_vendored(path: &str) -> bool {
    // As `of_path` says, of the one kind that every file is asked for.
    let dirs = path.rsplit_once('/').map_or("", |(dirs, _)| dirs);
    let mut parts = dirs.as_bytes().split(|byte| *byte == b'/');
    parts.any(|part| VENDORED.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_a_script_is_for() {
        let check = |name: &str, kind: PurposeKind| {
            assert_eq!(of_script("ops/Makefile", name).kind, kind, "{name}");
        };
        check("test", PurposeKind::Test);
        check("run_tests", PurposeKind::Test);
        check("dev-up", PurposeKind::Development);
        check("restore-test", PurposeKind::Production);
        check("smoke-test", PurposeKind::Production);
        check("deploy", PurposeKind::Production);
    }

    #[test]
    fn a_path_says_what_a_file_is_for() {
        let check = |path: &str, kind: PurposeKind, because: &str| {
            let purpose = of_path(path);
            assert_eq!((purpose.kind, purpose.because.as_str()), (kind, because), "{path}");
        };
        let part = |part: &str| format!("its path has the part `{part}`");
        let name = |part: &str| format!("its name has the part `{part}`");
        check("api/Dockerfile", PurposeKind::Production, "nothing says otherwise");
        check("latest/Dockerfile", PurposeKind::Production, "nothing says otherwise");
        check("extra/templates/db/compose.yaml", PurposeKind::Example, &part("templates"));
        check("templates/Dockerfile", PurposeKind::Production, "nothing says otherwise");
        check("Examples/api/Dockerfile", PurposeKind::Example, &part("examples"));
        check("vendor/x/test/Dockerfile", PurposeKind::Vendored, &part("vendor"));
        check("load-tests/Dockerfile", PurposeKind::Test, &part("load-tests"));
        check("api/Dockerfile.dev", PurposeKind::Development, &name("dev"));
        check("docker-compose-ci.yml", PurposeKind::Test, &name("ci"));
        check("compose.override.yml", PurposeKind::Development, &name("override"));
        check("scripts/deploy-test.sh", PurposeKind::Production, "nothing says otherwise");
        check("values.local.yml", PurposeKind::Development, &name("local"));
        check(".cursor/Dockerfile", PurposeKind::Development, &part(".cursor"));
        check(".devcontainer/Dockerfile", PurposeKind::Development, &part(".devcontainer"));
        let dotted = ".examples";
        check(".examples/apache/compose.yaml", PurposeKind::Example, &part(dotted));
        let example = "devcontainer-example";
        check("devcontainer-example/compose.yml", PurposeKind::Example, &part(example));
        check("ci/backup/compose.yaml", PurposeKind::Test, &part("ci"));
        check(".gitlab/image/Dockerfile", PurposeKind::Test, &part(".gitlab"));
        check("ci/deploy.sh", PurposeKind::Production, "nothing says otherwise");
    }
}
