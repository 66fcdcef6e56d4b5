//! Small repositories in, the pipelines and programs read out of them as text.

use std::fmt::Write as _;

use plimsoll_source::Tree;

use crate::lower::{cx::Cx, docker_cli, program};
use crate::pipeline::Role;

/// Files from a text: a line `== path` starts one.
fn tree(text: &str) -> Tree {
    let files = text.split("== ").skip(1).filter_map(|part| part.split_once('\n'));
    Tree::from_memory(files.map(|(path, body)| (path.trim(), body)))
}

fn roles(tree: &Tree, roles: &[Role], out: &mut String) {
    for role in roles {
        let bytes = tree.read(role.span.file).expect("a file of this tree");
        let at = String::from_utf8_lossy(role.span.range.slice(&bytes)).replace('\n', "\\n");
        let masked = if role.masked.is_some() { " MASKED" } else { "" };
        let file = tree.path(role.span.file);
        let place = if file.starts_with(".g") { String::new() } else { format!(" in {file}") };
        let _ = writeln!(out, "    {:?}{masked}: {at}{place}", role.kind);
    }
}

fn dump(tree: &Tree) -> String {
    let cx = Cx::new(tree);
    let pipelines = super::read(&cx);
    let programs = program::read(&cx);
    let mut out = String::new();
    for pipeline in &pipelines {
        let broken = if pipeline.broken { " BROKEN" } else { "" };
        let _ = writeln!(out, "{} {:?}{broken}", tree.path(pipeline.file), pipeline.runs);
        for (what, _) in &pipeline.unread {
            let _ = writeln!(out, " unread {what}");
        }
        for job in &pipeline.jobs {
            let calls = job.calls.map_or(String::new(), |id| format!(" calls {}", id.0));
            let _ = writeln!(out, " {}{calls}", job.id);
            for step in &job.steps {
                roles(tree, &step.roles, &mut out);
            }
        }
    }
    for program in &programs {
        let target = program.target.as_ref().map_or(String::new(), |t| format!(":{t}"));
        let _ = writeln!(out, "{}{target}", tree.path(program.file));
        roles(tree, &program.roles, &mut out);
    }
    for build in docker_cli::builds(&cx, &pipelines, &programs) {
        let known = |fact: &crate::Fact<String>| match fact {
            crate::Fact::Known { value, .. } => format!("{value:?}"),
            other => format!("{:?}", other.unknown().map(|(why, _)| why)),
        };
        let _ = writeln!(
            out,
            "build {} in {} target {:?} tags {:?}",
            known(&build.dockerfile),
            known(&build.context),
            build.target,
            build.tags
        );
    }
    out
}

fn check(text: &str, expected: &str) {
    let dump = dump(&tree(text));
    assert_eq!(dump.trim_end(), expected.trim(), "\n{dump}");
}

/// The roles of one script that a workflow runs.
fn steps(script: &str, expected: &str) {
    let body: String = script.lines().map(|line| format!("          {line}\n")).collect();
    let text = format!(
        "== .github/workflows/a.yml\non: push\njobs:\n  j:\n    environment: production\n    steps:\n      - run: |\n{body}"
    );
    let dump = dump(&tree(&text));
    let found: Vec<&str> = dump.lines().skip(2).map(str::trim).collect();
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    assert_eq!(found, expected, "\n{dump}");
}

#[test]
fn only_workflows_at_the_root_run() {
    check(
        "== .github/workflows/a.yml\non: [push]\njobs: {a: {steps: []}}\n\
         == .github/workflows/called.yml\non: workflow_call\njobs: {a: {uses: ./.github/workflows/a.yml}, b: {uses: o/r/.github/workflows/x.yml@v1}}\n\
         == backend/.github/workflows/ci.yml\non: push\njobs: {a: {}}\n",
        ".github/workflows/a.yml Yes\n a\n\
         .github/workflows/called.yml OnCall\n unread o/r/.github/workflows/x.yml@v1\n a calls 0\n b\n\
         backend/.github/workflows/ci.yml No(\"GitHub reads workflows only at the repository's root\")\n a",
    );
}

#[test]
fn commands_have_roles_and_masks() {
    steps(
        "npm ci\nnpx jest --ci || true\ntrivy image --exit-code 1 x",
        "Install: npm ci\nTest MASKED: npx jest --ci\nScanImage { blocking: true }: trivy image --exit-code 1 x",
    );
    steps("trivy image x", "ScanImage { blocking: false }: trivy image x");
    steps(
        "trivy image --exit-code=1 x | tee log",
        "ScanImage { blocking: true } MASKED: trivy image --exit-code=1 x",
    );
    steps(
        "set -o pipefail\ntrivy image --exit-code=1 x | tee log",
        "ScanImage { blocking: true }: trivy image --exit-code=1 x",
    );
    steps("go test ./... || { echo no; exit 1; }", "Test: go test ./...");
    steps("if ! go test ./...; then exit 1; fi", "Test: go test ./...");
    steps("if ! go test ./...; then echo no; fi", "Test MASKED: go test ./...");
    steps("set +e\ngo test ./...\necho done", "Test MASKED: go test ./...");
    steps("set +e\ngo test ./...\nstatus=$?\nexit $status", "Test: go test ./...");
    steps("go test ./... && echo ok || echo no", "Test MASKED: go test ./...");
    steps("exit 0\ngo test ./...", "");
    steps("tsc --noEmit", "Typecheck: tsc --noEmit");
    steps(
        "docker run --rm aquasec/trivy:0.50 image --exit-code 1 x",
        "ScanImage { blocking: true }: docker run --rm aquasec/trivy:0.50 image --exit-code 1 x",
    );
    steps(
        "sudo -E timeout 30 docker compose -f a.yml up -d --wait",
        "Deploy: sudo -E timeout 30 docker compose -f a.yml up -d --wait\nAwaitHealth: sudo -E timeout 30 docker compose -f a.yml up -d --wait",
    );
    steps(
        "ssh -i k host 'cd /x && docker compose up -d'",
        "Deploy: ssh -i k host 'cd /x && docker compose up -d'",
    );
    steps(
        "ssh host <<'EOF'\nset -e\nkubectl rollout undo deploy/x\nEOF",
        "RollBack: kubectl rollout undo deploy/x",
    );
    steps(
        "for i in 1 2 3; do curl -s http://x/health && break; sleep 1; done",
        "AwaitHealth: curl -s http://x/health",
    );
    steps(
        "wait_on() {\n  curl -fsS \"$1\"\n}\nwait_on http://x/readyz",
        "AwaitHealth: curl -fsS \"$1\"",
    );
    steps("scan() { trivy image --exit-code 1 x; }", "");
    steps("gunzip -c b.sql.gz | psql x\npg_dump x > y", "Restore: psql x\nBackup: pg_dump x > y");
    steps(
        "for i in 1 2; do if curl -fs http://x/health; then exit 0; fi; done; exit 1",
        "AwaitHealth: curl -fs http://x/health",
    );
    steps(
        "for i in a b; do if ! trivy image --exit-code 1 $i; then echo bad; fi; done",
        "ScanImage { blocking: true } MASKED: trivy image --exit-code 1 $i",
    );
    steps("eslint --version", "");
    steps("kubectl apply --dry-run=client -f x", "");
    steps("mvn -B verify -DskipTests", "Build: mvn -B verify -DskipTests");
    steps(
        "docker compose exec -T api alembic upgrade head",
        "Migrate: docker compose exec -T api alembic upgrade head",
    );
}

#[test]
fn signatures_are_told_by_digest_and_identity() {
    steps(
        "cosign sign --yes \"$IMAGE@$DIGEST\"",
        "Sign { by_digest: true }: cosign sign --yes \"$IMAGE@$DIGEST\"",
    );
    steps(
        "cosign sign --yes \"$IMAGE\"",
        "Sign { by_digest: false }: cosign sign --yes \"$IMAGE\"",
    );
    steps(
        "images=\"\"\nfor tag in ${TAGS}; do\n  images+=\"${tag}@${DIGEST} \"\ndone\ncosign sign --yes ${images}",
        "Sign { by_digest: true }: cosign sign --yes ${images}",
    );
    steps(
        "echo \"${TAGS}\" | xargs -I {} cosign sign --yes {}@${DIGEST}",
        "Sign { by_digest: true }: xargs -I {} cosign sign --yes {}@${DIGEST}",
    );
    steps(
        "cosign sign ${{ env.I }}@${{ steps.b.outputs.digest }}",
        "Sign { by_digest: true }: cosign sign ${{ env.I }}@${{ steps.b.outputs.digest }}",
    );
    steps("cosign verify x", "Verify { identity: false }: cosign verify x");
    steps(
        "cosign verify \\\n  --certificate-identity a \\\n  --certificate-oidc-issuer b x",
        "Verify { identity: true }: cosign verify \\\\n            --certificate-identity a \\\\n            --certificate-oidc-issuer b x",
    );
    steps(
        "cosign verify --certificate-identity-regexp '.*' --certificate-oidc-issuer b x",
        "Verify { identity: false }: cosign verify --certificate-identity-regexp '.*' --certificate-oidc-issuer b x",
    );
}

#[test]
fn scripts_targets_and_package_scripts_are_followed() {
    check(
        "== .github/workflows/a.yml\non: push\ndefaults: {run: {working-directory: api}}\njobs:\n  j:\n    steps:\n      - run: npm test\n      - run: make -C .. scan || true\n      - run: ../ci.sh\n      - run: npm run lint\n\
         == api/package.json\n{\"scripts\": {\"test\": \"npm run unit\", \"unit\": \"vitest run\", \"lint\": \"echo none\"}}\n\
         == Makefile\nIMAGE = a\nscan: build\n\ttrivy image --exit-code 1 $(IMAGE)\nbuild:\n\tdocker build api\n\
         == api/Dockerfile\nFROM x\n\
         == ci.sh\n#!/bin/sh\ncd \"$(dirname \"$0\")/api\"\ndocker build -t a --target=b . && ./ci.sh\n\
         == api/ci.sh\ngitleaks detect\n",
        ".github/workflows/a.yml Yes
 j
    Test: vitest run in api/package.json
    ScanImage { blocking: true } MASKED: trivy image --exit-code 1 $(IMAGE) in Makefile
    BuildImage MASKED: docker build api in Makefile
    BuildImage: docker build -t a --target=b . in ci.sh
    ScanSecrets: gitleaks detect in api/ci.sh
Makefile:scan
    ScanImage { blocking: true }: trivy image --exit-code 1 $(IMAGE) in Makefile
    BuildImage: docker build api in Makefile
Makefile:build
    BuildImage: docker build api in Makefile
api/ci.sh
    ScanSecrets: gitleaks detect in api/ci.sh
ci.sh
    BuildImage: docker build -t a --target=b . in ci.sh
    ScanSecrets: gitleaks detect in api/ci.sh
build \"api/Dockerfile\" in \"api\" target None tags []
build \"api/Dockerfile\" in \"api\" target Some(\"b\") tags [\"a\"]",
    );
}

#[test]
fn actions_have_roles_and_an_sbom_is_stored_when_something_keeps_it() {
    check(
        "== .github/workflows/a.yml\non: push\njobs:\n  j:\n    strategy: {matrix: {s: [a, b]}}\n    steps:\n      - uses: docker/build-push-action@v5\n        with: {context: ., file: 'svc/${{ matrix.s }}/Dockerfile', push: true, sbom: true, tags: x}\n      - uses: aquasecurity/trivy-action@v1\n        continue-on-error: true\n        with: {image-ref: x, exit-code: '1'}\n      - run: syft x -o spdx-json=out/s.json\n      - run: syft x -o spdx-json > lost.json\n      - uses: actions/upload-artifact@v4\n        with: {path: out/}\n      - uses: ./act\n  off:\n    if: false\n    steps: [{run: go test}]\n\
         == act/action.yml\nruns:\n  using: composite\n  steps:\n    - uses: gitleaks/gitleaks-action@v2\n    - uses: ./act\n\
         == svc/a/Dockerfile\nFROM x\n== svc/b/Dockerfile\nFROM x\n",
        ".github/workflows/a.yml Yes
 j
    BuildImage: docker/build-push-action@v5
    Push: docker/build-push-action@v5
    Sbom { stored: true }: docker/build-push-action@v5
    ScanImage { blocking: true } MASKED: aquasecurity/trivy-action@v1
    Sbom { stored: true }: syft x -o spdx-json=out/s.json
    Sbom { stored: false }: syft x -o spdx-json > lost.json
    Upload: actions/upload-artifact@v4
    ScanSecrets: gitleaks/gitleaks-action@v2 in act/action.yml
 off
act/action.yml OnCall
 runs
    ScanSecrets: gitleaks/gitleaks-action@v2 in act/action.yml
build \"svc/a/Dockerfile\" in \"\" target None tags [\"x\"]
build \"svc/b/Dockerfile\" in \"\" target None tags [\"x\"]",
    );
}

#[test]
fn gitlab_is_read_with_what_it_includes_and_extends() {
    check(
        "== .gitlab-ci.yml\ninclude:\n  - local: /ci/jobs.yml\n  - template: Security/Secret-Detection.gitlab-ci.yml\n.base:\n  before_script: [npm ci]\n  script: [\"false\"]\ntest:\n  extends: .base\n  script:\n    - !reference [.base, before_script]\n    - npx jest\n\
         == ci/jobs.yml\ninclude: /.gitlab-ci.yml\nscan:\n  allow_failure: true\n  script: |\n    trivy image --format cyclonedx --output s.json x\n    trivy image --exit-code 1 x\n  artifacts: {paths: [s.json]}\nnever:\n  rules: [{when: never}]\n  script: go test\n\
         == sub/.gitlab-ci.yml\na: {script: b}\n",
        ".gitlab-ci.yml Yes
 unread template: Security/Secret-Detection.gitlab-ci.yml
 test
    Install: npm ci
    Test: npx jest
 scan
    Sbom { stored: true } MASKED: trivy image --format cyclonedx --output s.json x in ci/jobs.yml
    ScanImage { blocking: true } MASKED: trivy image --exit-code 1 x in ci/jobs.yml
    Upload: {paths: [s.json]} in ci/jobs.yml
 never
sub/.gitlab-ci.yml No(\"GitLab reads `.gitlab-ci.yml` only at the repository's root\")
 a",
    );
}

/// Exponential and cubic readings of these take hours.
#[test]
fn hostile_files_end_soon() {
    let workflow = |body: &str| dump(&tree(&format!("== .github/workflows/a.yml\n{body}")));
    assert!(workflow("- a\n- b\n").contains("BROKEN"));
    assert!(workflow("on: push\njobs: 3\n").contains("BROKEN"));
    assert!(workflow("").contains("the file is empty"));
    workflow(
        "on: {push: 3}\npermissions: [a]\njobs: {a: 1, b: [], c: {steps: {a: b}, needs: {x: y}, env: 3, strategy: 4, uses: []}}\n",
    );
    let many: String = (0..10_000).map(|n| format!("      - run: npm test {n}\n")).collect();
    workflow(&format!("on: push\njobs:\n  j:\n    steps:\n{many}"));
    let deep =
        "f() { f; f; f; }\nf\n".to_owned() + &"(".repeat(5_000) + &"if a; then ".repeat(5_000);
    dump(&tree(&format!("== a.sh\n{deep}")));
    let calls: String =
        (0..60).map(|n| format!("f{n}() {{ f{m}; f{m}; f{m}; }}\n", m = n + 1)).collect();
    dump(&tree(&format!("== a.sh\n{calls}f0\n")));
    let nested = (0..200).fold(String::from("x"), |inner, _| format!("sh -c \"{inner}\" y"));
    dump(&tree(&format!("== a.sh\n{nested}\n")));
    let chain: String = (0..20_000).map(|_| "a && ").collect();
    dump(&tree(&format!("== a.sh\n{chain} b || true\n")));
    let grows = "a=x\n".to_owned() + &"a=$a$a$a$a\n".repeat(200);
    dump(&tree(&format!("== a.sh\n{grows}echo $a\n")));
    let ors: String = "f || f || f || ".repeat(1_000);
    dump(&tree(&format!("== a.sh\nf() {{ {ors} g; }}\n{ors} f\n")));
    let make: String =
        (0..300).map(|n| format!("t{n}: t{m}\n\tmake t{n}\n", m = (n + 1) % 300)).collect();
    dump(&tree(&format!("== Makefile\n{make}")));
}

#[test]
fn what_a_matrix_writes_out_is_followed() {
    let tree = tree(
        "== .github/workflows/a.yml\non: push\njobs:\n  j:\n    strategy: {matrix: {cmd: [./build.sh one, MODE=x ./build.sh two, go test ./...]}}\n    steps:\n      - run: ${{ matrix.cmd }}\n  k:\n    strategy: {matrix: {cmd: '${{ fromJSON(vars.X) }}'}}\n    steps:\n      - run: ${{ matrix.cmd }}\n\
         == build.sh\ndocker build -t app .\n== Dockerfile\nFROM x\n",
    );
    let text = dump(&tree);
    let (job, open) = text.split_once("\n k\n").expect("two jobs");
    assert!(job.contains("    BuildImage: ") && job.contains("    Test: "), "{text}");
    let open = open.split("build.sh\n").next().unwrap_or(open);
    assert!(!open.contains("BuildImage") && !open.contains("Test"), "{text}");
}

#[test]
fn what_gitlab_starts_elsewhere_is_no_part_of_the_pipeline() {
    check(
        "== .gitlab-ci.yml\na:\n  trigger: {project: o/r, branch: main}\nb:\n  trigger: o/r\nc:\n  trigger: {project: o/r, strategy: depend}\nd:\n  trigger: {include: x.yml}\n",
        ".gitlab-ci.yml Yes\n unread trigger\n unread trigger\n a\n b\n c\n d",
    );
}

#[test]
fn an_empty_workflow_runs_nothing() {
    let expected = ".github/workflows/a.yml No(\"the file is empty\")";
    check("== .github/workflows/a.yml\n", expected);
    check("== .github/workflows/a.yml\n# later\n", expected);
    check("== .github/workflows/a.yml\non: push\n", ".github/workflows/a.yml Yes BROKEN");
}

#[test]
fn gitlab_waits_for_earlier_stages() {
    let tree = tree(
        "== .gitlab-ci.yml\nstages: [check, ship]\na: {stage: check, script: b}\nc: {stage: ship, script: d}\ne: {stage: ship, needs: [], script: f}\ng: {stage: .pre, script: h}\n",
    );
    let pipelines = super::read(&Cx::new(&tree));
    let jobs = pipelines.iter().flat_map(|pipeline| &pipeline.jobs);
    let needs: Vec<String> =
        jobs.map(|job| format!("{} {}", job.id, job.needs.join(","))).collect();
    assert_eq!(needs, ["a g", "c a,g", "e ", "g "]);
}

#[test]
fn a_gate_that_a_later_step_closes_is_heeded() {
    let masked = |close: &str| {
        let text = format!(
            "== .github/workflows/a.yml\non: push\njobs:\n  j:\n    steps:\n      - id: scan\n        continue-on-error: true\n        run: go test ./...\n      - {close}\n"
        );
        dump(&tree(&text)).contains("MASKED")
    };
    assert!(!masked("{if: \"steps.scan.outcome=='failure'\", run: exit 1}"));
    assert!(!masked(
        "{if: \"always() && steps.scan.outcome != 'success'\", run: 'echo no; exit 1'}"
    ));
    assert!(!masked(
        "{if: \"${{ steps.scan.outcome=='failure' || steps.x.outcome=='failure' }}\", run: exit 2}"
    ));
    assert!(masked("{if: \"steps.other.outcome=='failure'\", run: exit 1}"));
    assert!(masked("{if: \"steps.scan.conclusion=='failure'\", run: exit 1}"));
    assert!(masked("{if: \"steps.scan.outcome=='failure'\", run: echo failed}"));
}

#[test]
fn what_a_retry_wraps_is_read() {
    let text = dump(&tree(
        "== .github/workflows/a.yml\non: push\njobs:\n  j:\n    strategy: {matrix: {s: [a]}}\n    steps:\n      - uses: Wandalen/wretry.action@v3\n        with:\n          action: docker/build-push-action@v6\n          with: |\n            file: ${{ matrix.s }}/Dockerfile\n            push: true\n            tags: |\n              acme/${{ matrix.s }}\n      - uses: nick-fields/retry@v3\n        with: {timeout_minutes: 5, command: npm ci && npx jest}\n      - uses: nick-fields/retry@v3\n        with: {shell: pwsh, command: go test}\n\
         == a/Dockerfile\nFROM x\n",
    ));
    for role in ["BuildImage", "Push", "Install: npm ci", "Test: npx jest"] {
        assert!(text.contains(role), "{role} in {text}");
    }
    assert!(!text.contains("go test"), "{text}");
}

#[test]
fn conditions_that_hold_on_a_failure() {
    let outcome = "steps.scan.outcome";
    for (condition, holds) in [
        ("steps.scan.outcome == 'failure'", true),
        ("${{ always() && steps.scan.outcome != 'success' }}", true),
        ("failure() || steps.scan.outcome == 'failure'", true),
        ("steps.scan.outcome == 'failure' && github.ref == 'refs/heads/main'", false),
        ("steps.scan.outcome == 'success'", false),
        ("always()", false),
    ] {
        assert_eq!(super::runs_on_failure(condition, outcome), holds, "{condition}");
    }
}
