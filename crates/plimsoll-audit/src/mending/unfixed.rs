//! Why findings have no fix: what their checks would have to know, in groups.

use crate::Check;

/// What a fix would have to know, and the checks that have none for want of it, in order.
const REASONS: &[(&str, &[&str])] = &[
    (
        "the program would have to change, and what it does with it is its own",
        &[
            "build/respects-peer-dependencies",
            "health/endpoint-exists",
            "network/no-proxy-ssrf",
            "packages/none-deprecated",
            "release/smoke-asserts",
            "runtime/one-shot-jobs-end",
            "runtime/stops-gracefully",
            "scripts/no-interpolated-code",
        ],
    ),
    (
        "a name, a file or a key is wrong, and which is meant is not known here",
        &[
            "build/context-exists",
            "health/awaited-checks-exist",
            "image/reference-resolves",
            "network/ports-agree",
            "network/unique-published-ports",
            "network/upstreams-exist",
            "pipeline/expressions-valid",
            "pipeline/ids-unique",
            "pipeline/job-dependencies-valid",
            "release/compose-references-defined",
            "release/compose-schema-valid",
            "release/no-dependency-cycles",
            "release/no-ignored-deploy-keys",
            "release/project-name-set",
            "release/runbook-paths-exist",
            "runtime/unique-container-names",
            "runtime/valid-container-names",
            "scripts/names-match-deployment",
            "scripts/no-assumed-project-name",
            "scripts/no-unbound-variables",
        ],
    ),
    (
        "values that only you have are missing",
        &[
            "network/proxy-env-provided",
            "policy/acceptances-current",
            "release/compose-variables-defined",
        ],
    ),
    (
        "how it is built, released and taken back has to be decided",
        &[
            "image/allowed-registry",
            "image/platform-agrees",
            "migrations/backup-before-migrate",
            "migrations/run-before-start",
            "pipeline/artifacts-trusted",
            "pipeline/built-once",
            "pipeline/configs-validated",
            "pipeline/no-inert-workflows",
            "pipeline/tests-real-database",
            "release/blue-green",
            "release/canary-after-health",
            "release/canary-own-tag",
            "release/canary-weighted",
            "release/deploy-script-deploys",
            "release/deploys-what-ci-builds",
            "release/gate-on-readiness",
            "release/image-source-unambiguous",
            "release/images-published",
            "release/immutable-tags",
            "release/no-build-on-deploy",
            "release/no-source-mounts",
            "release/overrides-keep-hardening",
            "release/prebuilt-images",
            "release/proxy-survives-bad-reload",
            "release/rollback-checks-target-schema",
            "release/rollback-path-exists",
            "release/rollback-to-previous",
            "release/rollback-uses-recorded-digest",
            "release/runbook-agrees-with-scripts",
            "release/swarm-updates-roll-back",
            "release/whole-service-set-switched",
            "release/zero-downtime",
            "runtime/replicas-not-blocked-by-name",
            "runtime/shutdown-configured",
        ],
    ),
    (
        "how data is saved and brought back has to be decided, and tried",
        &[
            "recovery/backup-checksummed",
            "recovery/backup-consistent",
            "recovery/backup-encrypted",
            "recovery/backup-verified",
            "recovery/backups-not-in-app",
            "recovery/drill-can-succeed",
            "recovery/durable-datastore-volumes",
            "recovery/offsite-backup",
            "recovery/pitr-keeps-wal",
            "recovery/restore-counterpart-exists",
            "recovery/restore-guarded",
            "recovery/restore-tested",
            "recovery/restore-validates-first",
            "recovery/scripts-exercised",
            "recovery/sync-scheduled",
            "recovery/sync-target-is-remote",
            "recovery/volumes-backed-up",
            "recovery/wal-archive-safe",
            "runtime/named-volumes",
            "runtime/no-shared-writable-volumes",
        ],
    ),
    (
        "what a script is to do then is its author's to say",
        &[
            "release/no-destructive-clean",
            "release/no-destructive-git",
            "release/one-deploy-at-a-time",
            "release/untracked-runtime-state",
            "scripts/arguments-validated",
            "scripts/cleans-up",
            "scripts/destructive-commands-guarded",
            "scripts/env-files-sourced-safely",
            "scripts/environment-guarded",
            "scripts/failures-not-swallowed",
            "scripts/failures-notified",
            "scripts/idempotent",
            "scripts/network-timeouts",
            "scripts/no-state-lost-in-subshell",
            "scripts/waits-bounded",
        ],
    ),
    (
        "whether it needs that right is not known here: take it away and try",
        &[
            "network/no-host-network",
            "network/no-privileged-host-ports",
            "network/no-ssh-in-container",
            "runtime/no-dangerous-capabilities",
            "runtime/no-host-devices",
            "runtime/no-joined-namespaces",
            "runtime/no-privileged-hooks",
            "runtime/no-sensitive-host-mounts",
            "runtime/safe-sysctls",
            "runtime/third-party-non-root",
            "runtime/ulimits-bounded",
        ],
    ),
    (
        "what the proxy is to answer, and whom it is to believe, has to be decided",
        &[
            "network/admin-endpoints-private",
            "network/allow-lists-deny-rest",
            "network/data-tier-internal",
            "network/docker-api-uses-tls",
            "network/headers-inherited",
            "network/http-redirected",
            "network/identity-headers-stripped",
            "network/internal-resolver",
            "network/no-h2c-smuggling",
            "network/no-header-splitting",
            "network/no-unsafe-if",
            "network/origins-anchored",
            "network/proxy-configs-agree",
            "network/proxy-tls-verified",
            "network/requests-bounded",
            "network/security-headers",
            "network/trusted-proxies-narrow",
            "network/upstream-health-with-spare",
        ],
    ),
    (
        "who is trusted, and with what, has to be decided",
        &[
            "build/no-pipe-to-shell",
            "pipeline/containers-isolated",
            "pipeline/no-dangerous-triggers",
            "pipeline/self-hosted-not-for-forks",
            "pipeline/ssh-host-keys-verified",
            "pipeline/verified-installers",
            "secrets/context-not-dumped",
            "secrets/least-privilege-mounts",
            "secrets/none-in-ci",
            "secrets/none-in-commands-or-labels",
            "secrets/not-inherited",
            "supply/compose-includes-pinned",
            "supply/no-archived-actions",
            "supply/no-pipe-to-shell",
        ],
    ),
];

/// What is not known where a check that has a fix leaves a finding to a human all the same, in order.
const OPEN: &[(&str, &[&str])] = &[
    (
        "the tree has no digest of the image, and none is invented: `--resolve` asks the registry",
        &["image/pinned-digest"],
    ),
    (
        "which version is meant, or which one the tag names today, is not in the tree, and none is \
         invented",
        &["image/exact-version", "image/pinned-version", "supply/actions-pinned"],
    ),
    (
        "only the package manager can write it, from what the registry answers",
        &["packages/imports-declared", "packages/lockfile-in-sync"],
    ),
    (
        "the lockfile that the install would follow is not there, not in step or not all known here: only \
         the package manager can write it",
        &["build/lockfile-enforced", "build/reproducible-install"],
    ),
    (
        "nothing that is installed does it, or nothing configures it: which tool, and by which rules, \
         has to be chosen",
        &["packages/lint-script"],
    ),
    (
        "nothing that is installed measures it, or there is no test to measure: which tool has to be \
         chosen",
        &["packages/coverage-script"],
    ),
    (
        "what a build makes, and where, is not said: what is removed is gone",
        &["packages/clean-script"],
    ),
    (
        "what the script is to run is not there, or not known: to write it, to declare it or to drop the \
         script is its author's choice",
        &[
            "packages/build-script",
            "packages/migrate-script",
            "packages/script-targets-exist",
            "packages/start-script",
        ],
    ),
    (
        "there is no test, or nothing that runs one: what it has to hold is not in the tree",
        &["packages/test-script"],
    ),
    (
        "only a `package.json` that has no range is written to: other ranges were somebody's choice",
        &["packages/engine-pinned"],
    ),
    (
        "whether where it copies to is there is not known: what has always failed would end the build",
        &["build/unmasked-steps"],
    ),
    (
        "what of the package is needed when it runs, and where its build puts it, is not all in the tree",
        &[
            "build/local-dependency-built",
            "build/local-dependency-resolves",
            "build/multi-stage",
            "build/no-dev-dependencies",
            "build/one-dockerfile-per-service",
            "build/ships-only-artifacts",
            "packages/local-dependencies-resolve",
        ],
    ),
    (
        "what the address is to answer has to be known, and is not in the tree",
        &["build/copies-not-adds"],
    ),
    (
        "whether its image holds a program that asks, or which of several programs in one image is to be \
         asked, is not known: with a check that cannot succeed, nothing that waits for it would start",
        &["health/check-defined", "health/dependencies-awaited", "health/readiness-probed"],
    ),
    ("what deploys it, and what then waits, is not all in the tree", &["health/gates-deployment"]),
    (
        "what starts it, and so the release before it, is not in the tree",
        &["release/rollback-documented"],
    ),
    (
        "what it needs has to be measured: with too little memory it is killed",
        &["runtime/resource-limits"],
    ),
    (
        "what it writes, and which rights its start needs, is not known of its image: without them it \
         would not start",
        &[
            "runtime/capabilities-dropped",
            "runtime/explicit-uid-gid",
            "runtime/hardened",
            "runtime/immutable-code",
            "runtime/no-control-socket",
            "runtime/read-only-rootfs",
            "secrets/file-permissions",
        ],
    ),
    (
        "on which port it listens, whatever starts it, is not known here",
        &["runtime/only-required-ports"],
    ),
    (
        "what started at a failure until now, and whether it may start twice, has to be known",
        &["migrations/run-once", "runtime/restart-policy-set"],
    ),
    (
        "what would be lost, and where it is kept before, has to be decided",
        &["migrations/rollback-keeps-data", "recovery/atomic-backup", "recovery/backup-retention"],
    ),
    (
        "which of the workflows that run is to do it, or whether one that never ran is to run or to go, \
         has to be decided; a second one is not written beside those that run",
        &["pipeline/covers-service", "pipeline/workflow-runs"],
    ),
    (
        "which of the workflow's jobs is to do it, with which tools, and to which registry the image \
         goes, is not said there",
        &[
            "release/immutable-images",
            "supply/image-scanned",
            "supply/image-signed",
            "supply/sbom-generated",
            "supply/signature-verified",
        ],
    ),
    (
        "what the step needs and what it may do is not all said in the workflow, or its program is put \
         together elsewhere",
        &[
            "pipeline/environment-files-untainted",
            "pipeline/gates-fail-closed",
            "pipeline/inputs-not-expanded",
            "pipeline/least-privilege-and-timeouts",
            "pipeline/no-untrusted-expressions",
            "secrets/not-interpolated-in-scripts",
        ],
    ),
    (
        "it is valid elsewhere, and in the history: it has to be changed where it opens something first",
        &["secrets/none-committed", "secrets/none-in-compose"],
    ),
    (
        "who is to hand it over, and how, has to be decided by whoever builds or starts it",
        &[
            "release/required-environment-declared",
            "secrets/delivered-as-files",
            "secrets/delivery-documented",
            "secrets/none-in-build-args",
            "secrets/none-on-command-lines",
        ],
    ),
    (
        "what the program connects to, and by which certificates, is not all in the tree",
        &[
            "network/database-tls-verified",
            "network/segmented",
            "release/required-dependencies-declared",
        ],
    ),
    (
        "whether something relies on how the script goes on today is its author's to say",
        &[
            "runtime/exec-form-entrypoint",
            "scripts/artifacts-private",
            "scripts/exit-status-kept",
            "scripts/fail-fast",
            "scripts/http-failures-detected",
            "scripts/no-dead-error-branch",
            "scripts/one-stdin",
            "scripts/pipefail",
        ],
    ),
];

/// What is true of every other: what can be changed for sure is.
const OTHERWISE: &str = "what is written there cannot be changed without guessing";

/// Why a finding of a check has no fix: for want of knowledge, or because of how this one is written.
pub(crate) fn why(check: &Check) -> &'static str {
    let reason = REASONS.iter().find(|(_, checks)| checks.contains(&check.id));
    match reason {
        Some((reason, _)) => reason,
        None => open(check),
    }
}

/// What has to be known where the fix of a check is only a sketch.
pub(crate) fn open(check: &Check) -> &'static str {
    let reason = OPEN.iter().find(|(_, checks)| checks.contains(&check.id));
    reason.map_or(OTHERWISE, |(reason, _)| *reason)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn checks_without_a_fix_have_a_reason_and_others_none() {
        let listed: Vec<&str> = REASONS.iter().flat_map(|(_, checks)| *checks).copied().collect();
        let none = crate::all().into_iter().filter(|check| check.fix.is_none());
        let none: BTreeSet<&str> = none.map(|check| check.id).collect();
        let once: BTreeSet<&str> = listed.iter().copied().collect();
        assert_eq!(once, none);
        assert_eq!(listed.len(), once.len());
        assert!(REASONS.iter().chain(OPEN).all(|(_, checks)| checks.is_sorted()));
        let open: Vec<&str> = OPEN.iter().flat_map(|(_, checks)| *checks).copied().collect();
        let is_fixed = |id: &&str| {
            crate::all().into_iter().any(|check| check.id == *id && check.fix.is_some())
        };
        assert!(open.iter().all(is_fixed));
        assert_eq!(open.len(), open.iter().collect::<BTreeSet<_>>().len());
    }
}
