//! Workflows that build by compose what several services are.

use plimsoll_audit::{Policy, audit};
use plimsoll_source::Tree;

/// What the check says of `api` and `web`, where a workflow runs these commands.
#[track_caller]
fn check(commands: &[&str], expected: &[(&str, &str)]) {
    let steps: String = commands.iter().map(|run| format!("      - run: {run}\n")).collect();
    let workflow =
        format!("on: push\njobs:\n  e2e:\n    runs-on: ubuntu-latest\n    steps:\n{steps}");
    let tree = Tree::from_memory([
        ("api/Dockerfile", "FROM node:20-alpine\nCMD [\"node\", \"main.js\"]\n"),
        ("web/Dockerfile", "FROM nginx:1.29-alpine\n"),
        ("worker/Dockerfile", "FROM node:20-alpine\nCMD [\"node\", \"work.js\"]\n"),
        ("compose.ci.yaml", "services:\n  api:\n    build: ./api\n  web:\n    build: ./web\n"),
        (".github/workflows/ci.yml", &*workflow),
    ]);
    let report = audit(&tree, &Policy::default(), &());
    for (service, message) in expected {
        let mut of = report.findings.iter().filter(|finding| {
            let subject = report.subject_name(finding.subject);
            finding.check.id == "pipeline/workflow-runs" && subject == *service
        });
        assert_eq!(of.next().map(|finding| &*finding.message), Some(*message), "{service}");
    }
}

#[test]
fn compose_builds_what_its_files_say() {
    const UNTESTED: &str = "the workflow that runs does not test the service";
    const NEITHER: &str = "the workflow that runs neither builds nor tests the service";
    let logs = "docker compose -f compose.ci.yaml logs api web worker";
    check(
        &["docker compose -f compose.ci.yaml up --detach --build", logs],
        &[("api", UNTESTED), ("web", UNTESTED), ("worker", NEITHER)],
    );
    check(
        &["docker compose -f compose.ci.yaml up --build api", logs],
        &[("api", UNTESTED), ("web", NEITHER), ("worker", NEITHER)],
    );
}
