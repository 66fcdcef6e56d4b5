//! Health checks where several files say something: Kubernetes beside an image, jobs, pipelines.

use plimsoll_audit::{Policy, audit};
use plimsoll_source::Tree;

const DOCKERFILE: &str = "FROM node:20-alpine\nEXPOSE 3000\nCMD [\"node\", \"main.js\"]\n";
const PROBE: &str = "httpGet: {path: /health, port: 3000}";

/// What a check says of the only service of these files.
#[track_caller]
fn check(id: &str, files: &[(&str, &str)], outcome: &str, says: &str) {
    let report = audit(&Tree::from_memory(files.iter().copied()), &Policy::default(), &());
    let of_services = report.findings[..report.shared].iter();
    let of_check: Vec<_> = of_services.filter(|f| f.check.id == id).collect();
    let [finding] = of_check[..] else { panic!("{} findings", of_check.len()) };
    assert_eq!(finding.outcome.name(), outcome, "{}", finding.message);
    assert!(finding.message.contains(says), "{}", finding.message);
}

fn deployment(container: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: api}}\nspec:\n  template:\n    \
         spec:\n      containers:\n        - name: api\n          image: acme/api:1.0.0\n\
         {container}"
    )
}

#[test]
fn kubernetes_needs_both_probes() {
    let of = |container: &str, outcome: &str, says: &str| {
        let manifest = deployment(container);
        let files = [("api/Dockerfile", DOCKERFILE), ("k8s/api.yaml", &*manifest)];
        check("health/check-defined", &files, outcome, says);
    };
    let live = format!("          livenessProbe: {{{PROBE}}}\n");
    let ready = format!("          readinessProbe: {{{PROBE}}}\n");
    of("", "fail", "no health check");
    of(&live, "partial", "no readinessProbe");
    of(&ready, "partial", "no livenessProbe");
    of(&format!("{live}{ready}"), "pass", "");
    of(&format!("{live}{ready}").replace("3000", "9999"), "partial", "port 9999");
}

#[test]
fn kubernetes_runs_no_healthcheck() {
    let dockerfile =
        format!("{DOCKERFILE}HEALTHCHECK --interval=5s CMD wget -q http://127.0.0.1:3000/\n");
    let manifest = deployment("");
    let files = [("api/Dockerfile", &*dockerfile), ("k8s/api.yaml", &*manifest)];
    check("health/check-defined", &files, "partial", "Kubernetes runs no HEALTHCHECK");
    check("health/interval", &files, "pass", "");
    check("health/timeout", &files, "fail", "--timeout");
}

#[test]
fn a_readiness_probe_gates_and_a_liveness_probe_does_not() {
    let of = |probe: &str, outcome: &str| {
        let manifest = deployment(&format!("          {probe}: {{{PROBE}}}\n"));
        let files = [("api/Dockerfile", DOCKERFILE), ("k8s/api.yaml", &*manifest)];
        check("health/gates-deployment", &files, outcome, "");
    };
    of("readinessProbe", "pass");
    of("livenessProbe", "unknown");
}

#[test]
fn a_script_gates_that_waits_for_the_service_and_rolls_back() {
    let of = |wait: &str, back: &str, outcome: &str| {
        let script = format!("#!/bin/sh\nset -e\ndocker compose up -d api\n{wait}\n{back}\n");
        let compose = "services:\n  api:\n    build: api\n    ports: [\"3000:3000\"]\n";
        let files = [
            ("api/Dockerfile", DOCKERFILE),
            ("compose.yaml", compose),
            ("scripts/deploy.sh", &*script),
        ];
        check("health/gates-deployment", &files, outcome, "");
    };
    let wait = "until curl -fsS http://localhost:3000/health; do sleep 1; done";
    let back = "[ $? = 0 ] || kubectl rollout undo deploy/api";
    of(wait, back, "pass");
    of(wait, "", "unknown");
    of("", back, "unknown");
    of(&wait.replace("3000", "4000"), back, "unknown");
}

#[test]
fn compose_wins_key_by_key_over_the_image() {
    let dockerfile =
        format!("{DOCKERFILE}HEALTHCHECK --interval=5s CMD wget -q http://127.0.0.1:3000/\n");
    let of = |id: &str, health: &str, outcome: &str| {
        let compose = format!("services:\n  api:\n    build: api\n    healthcheck: {health}\n");
        let files = [("api/Dockerfile", &*dockerfile), ("compose.yaml", &*compose)];
        check(id, &files, outcome, "");
    };
    of("health/interval", "{timeout: 3s}", "pass");
    of("health/timeout", "{timeout: 3s}", "pass");
    of("health/retries", "{timeout: 3s}", "fail");
    of("health/check-defined", "{timeout: 3s}", "pass");
    of("health/check-defined", "{test: [CMD, curl, \"http://127.0.0.1:3000/\"]}", "partial");
    of("health/check-defined", "{test: [NONE]}", "fail");
    of("health/interval", "{disable: true}", "not-applicable");
}
