//! Batches of fixes: the order in which they come does not matter, whole trees get no worse, and a
//! second run finds nothing to do.
#![allow(clippy::disallowed_methods, reason = "tests read fixtures and the environment")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use plimsoll_audit::{Offer, Outcome, Policy, Report, audit, batch, mend, offers};
use plimsoll_source::Tree;
use proptest::prelude::*;

/// An example of this repository, as a tree of its own.
fn example(name: &str) -> Tree {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    let files = walk(&root).into_iter().filter_map(|path| {
        let below = path.strip_prefix(&root).ok()?.to_str()?.replace('\\', "/");
        let told = ["README.md", "expected.json"].contains(&&*below);
        (!told).then(|| (below, std::fs::read(&path).expect("readable")))
    });
    Tree::from_memory(files.collect::<BTreeMap<_, _>>())
}

/// Every file below a directory.
fn walk(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).expect("listed").map(|entry| entry.expect("entry").path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

fn contents(tree: &Tree) -> Vec<(String, Vec<u8>)> {
    let bytes = |id| tree.read(id).expect("in memory").to_vec();
    tree.entries().map(|(id, entry)| (entry.path.to_string(), bytes(id))).collect()
}

struct Offered {
    tree: Tree,
    offers: Vec<Offer>,
}

static TICKETING: LazyLock<Offered> = LazyLock::new(|| {
    let tree = example("ticketing");
    let offers = offers(&audit(&tree, &Policy::default(), &()));
    let offers: Vec<Offer> = offers.into_iter().filter(Offer::can_apply).collect();
    assert!(offers.len() > 20, "{} fixes to choose from", offers.len());
    Offered { tree, offers }
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Any permutation of any subset gives the same bytes.
    #[test]
    fn the_order_of_fixes_does_not_matter(
        chosen in prop::sample::subsequence((0..TICKETING.offers.len()).collect::<Vec<_>>(), 0..=TICKETING.offers.len())
            .prop_flat_map(|chosen| (Just(chosen.clone()), Just(chosen).prop_shuffle()))
    ) {
        let Offered { tree, offers } = &*TICKETING;
        let of = |chosen: &[usize]| {
            let chosen: Vec<Offer> = chosen.iter().map(|&at| offers[at].clone()).collect();
            contents(&tree.apply(&batch(&chosen)).expect("a batch applies"))
        };
        prop_assert_eq!(of(&chosen.0), of(&chosen.1));
    }
}

fn outcomes(report: &Report) -> BTreeMap<(&'static str, String), Outcome> {
    let key = |f: &plimsoll_audit::Finding| (f.check.id, report.subject_name(f.subject).to_owned());
    report.findings.iter().map(|f| (key(f), f.outcome)).collect()
}

/// All fixes of an example: none is refused, no verdict gets worse, three audits are enough, and a
/// second run changes nothing.
#[track_caller]
fn check(name: &str) -> BTreeMap<(&'static str, String), Outcome> {
    let tree = example(name);
    let policy = Policy::default();
    let mended = mend(&tree, &policy, &(), &mut |_, _| true).expect("in memory");
    let refused: Vec<String> =
        mended.refused.iter().map(|(offer, why)| format!("{}: {why}", offer.check.id)).collect();
    assert_eq!(refused, Vec::<String>::new());
    assert!(!mended.applied.is_empty() && mended.audits <= 3, "{} audits", mended.audits);
    let (before, after) = (outcomes(&mended.before), outcomes(&mended.after));
    for (key, now) in &after {
        let wrong = matches!(now, Outcome::Fail | Outcome::Partial);
        let was = before.get(key);
        assert!(!wrong || matches!(was, Some(Outcome::Fail | Outcome::Partial)), "{key:?}");
        assert!(*now != Outcome::Fail || was == Some(&Outcome::Fail), "{key:?}");
    }
    for offer in &mended.applied {
        let key = (offer.check.id, offer.subject.clone());
        assert!(!matches!(after.get(&key), Some(Outcome::Unknown)), "{key:?}");
    }
    assert_eq!(contents(&tree.apply(&mended.patch).expect("applies")), contents(&mended.tree));
    let again = mend(&mended.tree, &policy, &(), &mut |_, _| true).expect("in memory");
    let more: Vec<&str> = again.applied.iter().map(|offer| offer.check.id).collect();
    assert_eq!(more, Vec::<&str>::new(), "a second run finds more to do");
    assert!(again.patch.is_empty());
    after
}

#[test]
fn ticketing_is_mended_in_three_audits() {
    let after = check("ticketing");
    // Where what TypeScript emits follows from imports, the script starts what the image starts.
    let start = after.get(&("packages/start-script", "ticket-service".to_owned()));
    assert_eq!(start, Some(&Outcome::Pass));
}

#[test]
fn booking_is_mended_in_three_audits() {
    check("booking");
}

/// What one check's fixes make of a tree, in files that are as expected; `None` where they make nothing.
#[track_caller]
fn mended(check: &str, files: &[(&str, &str)], path: &str, expected: Option<&str>) {
    let tree = Tree::from_memory(files.iter().map(|(path, text)| (*path, *text)));
    let wants = &mut |offer: &Offer, _: &Tree| offer.check.id == check;
    let mended = mend(&tree, &Policy::default(), &(), wants).expect("in memory");
    let refused: Vec<&String> = mended.refused.iter().map(|(_, why)| why).collect();
    assert_eq!(refused, Vec::<&String>::new());
    let file = mended.tree.find(path).expect("it is there");
    let text = mended.tree.read(file).expect("in memory");
    let text = String::from_utf8_lossy(&text);
    assert_eq!((!mended.patch.is_empty()).then_some(&*text), expected);
}

const IMAGE: (&str, &str) =
    ("Dockerfile", "FROM node:20-alpine\nUSER node\nCMD [\"node\", \"main.js\"]\n");

#[test]
fn what_can_be_mended_is_where_the_rest_stays_open() {
    let own = "services:\n  web:\n    image: acme/web:1.2.0\n";
    let other = "services:\n  api:\n    image: acme/api:1.2.0\n    security_opt: [\"${OPTION}\"]\n";
    mended(
        "runtime/no-new-privileges",
        &[("compose.yaml", own), ("b/compose.yaml", other)],
        "compose.yaml",
        Some(&format!("{own}    security_opt:\n      - no-new-privileges:true\n")),
    );
}

#[test]
fn what_goes_and_what_stands_behind_it_are_mended_one_after_the_other() {
    let tree = Tree::from_memory([(
        "compose.yaml",
        "services:\n  web:\n    image: acme/web:1.2.0\n    security_opt:\n      - label=disable\n",
    )]);
    let wants = &mut |offer: &Offer, _: &Tree| {
        ["runtime/no-new-privileges", "runtime/selinux-enabled"].contains(&offer.check.id)
    };
    let mended = mend(&tree, &Policy::default(), &(), wants).expect("in memory");
    assert!(mended.refused.is_empty());
    let file = mended.tree.find("compose.yaml").expect("it is there");
    let text = mended.tree.read(file).expect("in memory");
    assert_eq!(
        String::from_utf8_lossy(&text),
        "services:\n  web:\n    image: acme/web:1.2.0\n    security_opt:\n      - no-new-privileges:true\n"
    );
}

#[test]
fn secrets_become_files_where_the_image_reads_them_and_nothing_else_does() {
    let compose = |password: &str, more: &str| {
        format!(
            "services:\n  api:\n    build: .\n\n  db:\n    image: mysql:8.4.6\n    environment:\n      \
             - MYSQL_USER=app\n      - {password}\n      - MYSQL_ROOT_PASSWORD=${{ROOT:?set it}}\n{more}\
             \nvolumes:\n  db:\n"
        )
    };
    let check = |password: &str, more: &str, expected: Option<&str>| {
        let before = compose(password, more);
        let files = [IMAGE, ("compose.yaml", &*before)];
        mended("secrets/delivered-as-files", &files, "compose.yaml", expected);
    };
    let both = "services:\n  api:\n    build: .\n\n  db:\n    image: mysql:8.4.6\n    environment:\n      \
                - MYSQL_USER=app\n      - MYSQL_PASSWORD_FILE=/run/secrets/mysql_password\n      \
                - MYSQL_ROOT_PASSWORD_FILE=/run/secrets/root\n    secrets:\n      - mysql_password\n      \
                - root\n\nvolumes:\n  db:\n\nsecrets:\n  mysql_password:\n    environment: \
                MYSQL_PASSWORD\n  root:\n    environment: ROOT\n";
    check("MYSQL_PASSWORD", "", Some(both));
    // The health check of the image's own shell reads both; compose cannot copy into a read-only root.
    let health =
        "    healthcheck:\n      test: mysqladmin -p$$MYSQL_PASSWORD -p$${MYSQL_ROOT_PASSWORD}\n";
    check("MYSQL_PASSWORD", health, None);
    check("MYSQL_PASSWORD", "    read_only: true\n", None);
    check("MYSQL_PASSWORD", "    entrypoint: [mysqld]\n", None);
    // A default is lost as a file, and one that is written out is another finding.
    let one =
        both.replace("MYSQL_PASSWORD_FILE=/run/secrets/mysql_password", "MYSQL_PASSWORD=${P:-x}");
    let one = one.replace("      - mysql_password\n", "");
    let one = one.replace("  mysql_password:\n    environment: MYSQL_PASSWORD\n", "");
    check("MYSQL_PASSWORD=${P:-x}", "", Some(&one));
}

#[test]
fn datastores_get_a_network_of_their_own_unless_that_would_cut_something() {
    let compose = |api: &str, db: &str, more: &str| {
        format!(
            "services:\n  proxy:\n    image: caddy:2.10.0\n    ports: [\"443:443\"]\n  api:\n    image: \
             acme/api:1.2.0\n{api}  grafana:\n    image: grafana/grafana:12.1.0\n  db:\n    image: \
             postgres:17.2\n{db}{more}"
        )
    };
    let check = |before: &str, expected: Option<&str>| {
        let files = [("compose.yaml", before), ("Caddyfile", "example.org\nreverse_proxy api\n")];
        mended("network/segmented", &files, "compose.yaml", expected);
    };
    let join = "    networks:\n      - default\n      - data\n";
    let network = "networks:\n  data:\n    internal: true\n";
    let own = "    networks:\n      - data\n";
    check(&compose("", "", ""), Some(&compose(join, own, network)));
    let reads = "    environment:\n      GF_DATABASE_HOST: db:5432\n";
    let before = compose("", "", "").replace("12.1.0\n", &format!("12.1.0\n{reads}"));
    let after = compose(join, own, network).replace("12.1.0\n", &format!("12.1.0\n{reads}{join}"));
    check(&before, Some(&after));
    for (api, db, more) in [
        ("", "    ports: [\"5432:5432\"]\n", ""),
        ("", "    labels:\n      traefik.enable: \"true\"\n", ""),
        ("    network_mode: host\n", "", ""),
        ("", "    networks: [all]\n", "networks:\n  all:\n"),
    ] {
        check(&compose(api, db, more), None);
    }
    // The proxy itself is sent there.
    let door =
        compose("", "", "").replace("caddy:2.10.0\n", "caddy:2.10.0\n    depends_on: [db]\n");
    check(&door, None);
}

#[test]
fn what_a_job_verifies_is_what_the_job_before_it_published() {
    let image = "FROM node:22-alpine\nCMD [\"node\", \"main.js\"]\n";
    let workflow = |output: &str| {
        format!(
            "on: push\njobs:\n  b:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: docker push \
             acme/worker:2\n  a:\n    runs-on: ubuntu-24.04\n    outputs:\n      image: ${{{{ \
             steps.{output}.outputs.image }}}}\n    steps:\n      - id: push\n        run: docker push \
             acme/orders:1\n  deploy:\n    needs: [a, b]\n    environment: live\n    runs-on: ubuntu-24.04\n    steps:\n      - \
             run: cosign verify --certificate-identity \"$ME\" --certificate-oidc-issuer \"$ISSUER\" \
             \"$IMAGE\"\n        env:\n          IMAGE: ${{{{ needs.a.outputs.image }}}}\n      - run: \
             docker compose up --detach --wait\n"
        )
    };
    for (output, expected) in [("push", Outcome::Pass), ("other", Outcome::Unknown)] {
        let files = [
            ("compose.yaml", "services:\n  orders:\n    build: orders\n".to_owned()),
            ("orders/Dockerfile", image.to_owned()),
            ("worker/Dockerfile", image.to_owned()),
            (".github/workflows/ci.yml", workflow(output)),
        ];
        let report = audit(&Tree::from_memory(files), &Policy::default(), &());
        let verified = report.findings.iter().find(|finding| {
            finding.check.id == "supply/signature-verified"
                && finding.outcome != Outcome::NotApplicable
        });
        assert_eq!(verified.map(|finding| finding.outcome), Some(expected), "{output}");
    }
}

#[test]
fn a_service_that_no_workflow_covers_gets_a_whole_one_that_our_own_checks_pass() {
    let package = "{\"name\":\"api\",\"version\":\"1.0.0\",\"private\":true,\"scripts\":{\"start\":\"node \
                   main.js\",\"test\":\"node --test\"}}\n";
    let lock = "{\"name\":\"api\",\"version\":\"1.0.0\",\"lockfileVersion\":3,\"packages\":{\"\":{\"name\":\
                \"api\",\"version\":\"1.0.0\"}}}\n";
    let files = |dir: &str| {
        let at = |path: &str| format!("{dir}{path}");
        BTreeMap::from([
            (at("Dockerfile"), IMAGE.1.to_owned()),
            (at("package.json"), package.to_owned()),
            (at("package-lock.json"), lock.to_owned()),
            (at("main.js"), "console.log(1)\n".to_owned()),
        ])
    };
    let covers = |offer: &Offer| offer.check.id == "pipeline/covers-service";
    for (dir, name) in [("", "service"), ("services/api/", "api")] {
        let mut files = files(dir);
        files.insert(
            "compose.yaml".to_owned(),
            format!("services:\n  {name}:\n    build: ./{dir}\n"),
        );
        let tree = Tree::from_memory(files.clone());
        let wants = &mut |offer: &Offer, _: &Tree| covers(offer);
        let mended = mend(&tree, &Policy::default(), &(), wants).expect("in memory");
        assert!(mended.refused.is_empty(), "{:?}", mended.refused.first().map(|(_, why)| why));
        let [made] = &mended.paths.iter().collect::<Vec<_>>()[..] else { panic!("one file") };
        let after = outcomes(&mended.after);
        let wrong: Vec<_> = after
            .iter()
            .filter(|((id, _), now)| {
                let own =
                    ["pipeline/", "supply/", "secrets/scanned"].iter().any(|a| id.starts_with(a));
                // How it is deployed is left to a human, who verifies there.
                let left = *id == "supply/signature-verified" && **now == Outcome::Partial;
                own && !left && !matches!(now, Outcome::Pass | Outcome::NotApplicable)
            })
            .collect();
        assert_eq!(wrong, Vec::new(), "{made}");

        // Another forge's pipeline, or one that tests it already, is not joined by a second one.
        for (path, text) in [
            (".gitlab-ci.yml", "build:\n  script: make\n".to_owned()),
            (
                ".github/workflows/ci.yml",
                format!(
                    "on: push\njobs:\n  t:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: npm test\n        \
                     working-directory: ./{dir}\n"
                ),
            ),
        ] {
            let mut files = files.clone();
            files.insert(path.to_owned(), text);
            let report = audit(&Tree::from_memory(files), &Policy::default(), &());
            assert!(
                !offers(&report).iter().any(|offer| covers(offer) && offer.can_apply()),
                "{path}"
            );
        }
    }
}

#[test]
fn workflows_are_mended_where_they_say_it() {
    let ci = ".github/workflows/ci.yml";
    let check = |id: &str, path: &str, before: &str, expected: Option<&str>| {
        mended(id, &[(path, before)], path, expected);
    };
    let release = |uses: &str| {
        format!(
            "on: {{ release: {{ types: [published] }} }}\njobs:\n  publish:\n    runs-on: \
             ubuntu-latest\n    steps:\n      - uses: actions/checkout@v5\n{uses}      - run: npm publish\n"
        )
    };
    let node = "      - uses: actions/setup-node@v4\n        with:\n          node-version: 22\n";
    let isolated = "pipeline/release-cache-isolated";
    check(isolated, ci, &release(&format!("{node}          cache: npm\n")), Some(&release(node)));
    let uv =
        "      - uses: astral-sh/setup-uv@v7\n        with:\n          enable-cache: true # fast\n";
    check(isolated, ci, &release(uv), Some(&release(&uv.replace("true", "false"))));
    let go = "      - uses: actions/setup-go@v6\n";
    let off = format!("{go}        with:\n          cache: false\n");
    check(isolated, ci, &release(go), Some(&release(&off)));
    let rust = "      - uses: Swatinem/rust-cache@v2\n        with:\n          key: x\n";
    check(isolated, ci, &release(rust), Some(&release("")));
    // What is written to the cache goes with what is read, unless another image is built from it.
    let build = |cache: &str| {
        format!(
            "      - uses: docker/build-push-action@v6\n        with:\n          context: .\n          push: \
             true\n{cache}"
        )
    };
    let both = "          cache-from: type=gha\n          cache-to: type=gha,mode=max\n";
    check(isolated, ci, &release(&build(both)), Some(&release(&build(""))));
    let other = "          cache-from: type=registry,ref=a/b\n          cache-to: type=gha\n";
    check(isolated, ci, &release(&build(other)), None);
    let asked =
        "      - uses: actions/cache@v4\n        id: cache\n        with: { path: a, key: b }\n";
    check(isolated, ci, &release(asked), None);

    let proposal = |event: &str| {
        format!(
            "on:\n  {event}:\n    branches: [main]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    \
             steps:\n      - uses: actions/checkout@v5\n        with:\n          ref: ${{{{ \
             github.event.pull_request.head.sha }}}}\n      - run: npm test\n"
        )
    };
    let own = proposal("pull_request");
    check("pipeline/no-untrusted-checkout", ci, &proposal("pull_request_target"), Some(&own));
    check("pipeline/no-untrusted-checkout", ci, &proposal("issue_comment"), None);

    let gitlab = |line: &str| format!("test:\n  script:\n    - {line}\n    - make\n");
    let quoted = "pipeline/gitlab-variables-quoted";
    for (before, after) in [
        ("echo $CI_COMMIT_TITLE", Some("echo \"$CI_COMMIT_TITLE\"")),
        ("\"echo $CI_COMMIT_TITLE: x\"", Some("\"echo \\\"$CI_COMMIT_TITLE\\\": x\"")),
        ("'echo a-${CI_COMMIT_TAG}-b'", Some("'echo a-\"${CI_COMMIT_TAG}\"-b'")),
        ("eval $CI_COMMIT_TITLE", None),
    ] {
        let after = after.map(gitlab);
        check(quoted, ".gitlab-ci.yml", &gitlab(before), after.as_deref());
    }
}

#[test]
fn a_script_that_asks_for_a_status_goes_on_behind_failures() {
    let check = |rest: &str, expected: Option<&str>| {
        let before = format!("#!/bin/bash\ngit pull\ndocker compose up -d\n{rest}");
        let files = [("ops/deploy.sh", &*before)];
        mended("scripts/fail-fast", &files, "ops/deploy.sh", expected);
    };
    let mended = "#!/bin/bash\nset -euo pipefail\ngit pull\ndocker compose up -d\necho '$?'\n";
    check("echo '$?'\n", Some(mended));
    check("[ $? -eq 0 ] || echo no\n", None);
    check("x=$(( $? + 1 ))\n", None);
    check("uncalled() { while [ ${?} -ne 0 ]; do sleep 1; done; }\n", None);
    check("uncalled() { echo \"${PIPESTATUS[0]}\"; }\n", None);
}

#[test]
fn defaults_of_secrets_are_asked_for() {
    let compose = |env: &str| {
        format!("services:\n  api:\n    image: acme/api:1.2.0\n    environment:\n{env}")
    };
    let check = |before: &str, expected: Option<&str>| {
        let (before, expected) = (compose(before), expected.map(compose));
        let files = [("compose.yaml", &*before)];
        mended("secrets/none-in-compose", &files, "compose.yaml", expected.as_deref());
    };
    check(
        "      DB_PASSWORD: ${DB_PASSWORD:-postgres} # for now\n",
        Some("      DB_PASSWORD: ${DB_PASSWORD:?set it} # for now\n"),
    );
    check(
        "      - DB_URL=postgres://app:${DB_PASSWORD-hunter2}@db/${DB:-app}\n",
        Some("      - DB_URL=postgres://app:${DB_PASSWORD:?set it}@db/${DB:-app}\n"),
    );
    // What is written out, only its owner has elsewhere.
    check("      DB_PASSWORD: Tr0ub4dor\n", None);
}

#[test]
fn scans_fail_on_what_they_find() {
    let ci = ".github/workflows/ci.yml";
    let workflow = |step: &str| {
        format!(
            "on: push\njobs:\n  image:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: docker build \
             --tag acme/orders:1 .\n{step}"
        )
    };
    let check = |before: &str, expected: Option<&str>| {
        let (before, expected) = (workflow(before), expected.map(workflow));
        let files = [IMAGE, (ci, &*before)];
        mended("supply/image-scanned", &files, ci, expected.as_deref());
    };
    check(
        "      - run: trivy image acme/orders:1 || true\n",
        Some("      - run: trivy image --exit-code 1 --severity CRITICAL,HIGH acme/orders:1\n"),
    );
    check(
        "      - run: trivy image --severity CRITICAL acme/orders:1\n",
        Some("      - run: trivy image --exit-code 1 --severity CRITICAL acme/orders:1\n"),
    );
    check(
        "      - run: grype acme/orders:1\n",
        Some("      - run: grype --fail-on high acme/orders:1\n"),
    );
    let action = "      - uses: aquasecurity/trivy-action@0.33.1\n        with:\n          image-ref: acme/orders:1\n";
    let gate = format!("{action}          exit-code: \"1\"\n          severity: CRITICAL,HIGH\n");
    check(action, Some(&gate));
}

#[test]
fn what_a_workflow_pushes_is_scanned_signed_and_listed_there() {
    let ci = ".github/workflows/ci.yml";
    let scan = "anchore/scan-action@e1165082ffb1fe366ebaf02d8526e7c4989ea9d2 # v7.4.0";
    let cosign = "sigstore/cosign-installer@398d4b0eeef1380460a10c8013a76f728fb906ac # v3.9.1";
    // The job's permissions, the name of the step, what else it is given, and the steps behind it.
    let workflow = |may: &str, id: &str, with: &str, then: &str| {
        format!(
            "on: push\npermissions:\n  contents: read\njobs:\n  image:\n    runs-on: ubuntu-24.04\n{may}    \
             steps:\n      - uses: docker/setup-buildx-action@v3\n      - uses: docker/build-push-action@v6\n{id}        \
             with:\n          push: true\n          tags: registry.example/acme/orders:${{{{ github.sha }}}}\n{with}{then}\
             \n      # The end.\n      - run: echo done\n"
        )
    };
    let id = "        id: build\n";
    let scans = format!(
        "      - name: Scan the image\n        uses: {scan}\n        with:\n          image: \
         registry.example/acme/orders@${{{{ steps.build.outputs.digest }}}}\n          fail-build: true\n          \
         severity-cutoff: high\n"
    );
    let signs = format!(
        "      - uses: {cosign}\n      - name: Sign the image by its digest\n        env:\n          IMAGE: \
         registry.example/acme/orders\n          DIGEST: ${{{{ steps.build.outputs.digest }}}}\n        run: |\n          \
         cosign sign --yes \"$IMAGE@$DIGEST\"\n"
    );
    let may = "    permissions:\n      contents: read\n      id-token: write\n";
    let check = |id: &str, before: &str, expected: Option<&str>| {
        mended(id, &[IMAGE, (ci, before)], ci, expected);
    };
    let before = workflow("", "", "", "");
    check("supply/image-scanned", &before, Some(&workflow("", id, "", &scans)));
    check("supply/image-signed", &before, Some(&workflow(may, id, "", &signs)));
    let sbom = "          sbom: true\n";
    check("supply/sbom-generated", &before, Some(&workflow("", "", sbom, "")));
    // All of them: what is pushed is scanned before it is signed.
    let tree = Tree::from_memory([IMAGE, (ci, &*before)]);
    let wants = &mut |offer: &Offer, _: &Tree| {
        ["supply/image-scanned", "supply/image-signed", "supply/sbom-generated"]
            .contains(&offer.check.id)
    };
    let all = mend(&tree, &Policy::default(), &(), wants).expect("in memory");
    assert_eq!(all.refused.len(), 0);
    let text = all.tree.read(all.tree.find(ci).expect("it is there")).expect("in memory");
    let expected = workflow(may, id, sbom, &format!("{scans}{signs}"));
    assert_eq!(String::from_utf8_lossy(&text), expected);
    // What else a job may do has to be known, and whether what is scanned is what was pushed.
    let open = before.replace("permissions:\n  contents: read\n", "");
    check("supply/image-signed", &open, None);
    for (there, instead) in [
        ("push: true", "push: ${{ github.event_name == 'push' }}"),
        ("@v6\n", "@v6\n        if: github.ref == 'refs/heads/main'\n"),
        ("    steps:", "    strategy:\n      matrix:\n        node: [20, 22]\n    steps:"),
    ] {
        let before = before.replace(there, instead);
        check("supply/image-scanned", &before, None);
        check("supply/image-signed", &before, None);
    }
    // A builder that keeps no list with an image makes none.
    let plain = before.replace("      - uses: docker/setup-buildx-action@v3\n", "");
    check("supply/sbom-generated", &plain, None);
}

#[test]
fn what_a_workflow_only_builds_is_scanned_and_listed_behind_that() {
    let ci = ".github/workflows/ci.yml";
    let workflow = |build: &str, then: &str| {
        format!(
            "on: push\njobs:\n  image:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: {build}\n{then}      - run: \
             echo done\n"
        )
    };
    let scans = |image: &str| {
        format!(
            "      - name: Scan the image\n        uses: \
             anchore/scan-action@e1165082ffb1fe366ebaf02d8526e7c4989ea9d2 # v7.4.0\n        with:\n          image: \
             {image}\n          fail-build: true\n          severity-cutoff: high\n"
        )
    };
    let lists = |image: &str| {
        format!(
            "      - name: List what the image holds\n        uses: \
             anchore/sbom-action@e22c389904149dbc22b58101806040fa8d37a610 # v0.24.0\n        with:\n          image: \
             {image}\n          format: spdx-json\n"
        )
    };
    let check = |build: &str, image: Option<&str>| {
        let before = workflow(build, "");
        let files = [IMAGE, (ci, &*before)];
        let with = |then: &dyn Fn(&str) -> String| image.map(|image| workflow(build, &then(image)));
        mended("supply/image-scanned", &files, ci, with(&scans).as_deref());
        mended("supply/sbom-generated", &files, ci, with(&lists).as_deref());
    };
    check("docker build -t acme/orders:1 .", Some("acme/orders:1"));
    let commit = Some("acme/orders:${{ github.sha }}");
    check("docker build --tag acme/orders:${{ github.sha }} .", commit);
    check("docker build --tag acme/orders:$GITHUB_SHA .", commit);
    // Under which name it is there, or whether it is, is not known.
    check("docker build --tag acme/orders:$VERSION .", None);
    check("docker build --tag acme/orders:1 --tag acme/orders:2 .", None);
    check("docker build --tag acme/orders:1 --push .", None);
    check("docker build --tag acme/orders:1 . || true", None);
    check("if test -f Dockerfile; then docker build --tag acme/orders:1 .; fi", None);
    check("test -f skip || docker build --tag acme/orders:1 .", None);
}

#[test]
fn what_a_package_has_lints_it() {
    let check = |declares: &str, config: (&str, &str), expected: Option<&str>| {
        let manifest = |scripts: &str| {
            format!(
                "{{\n  \"name\": \"api\",\n  \"scripts\": {{\n    \"start\": \"node main.js\"{scripts}\n  }},\n  \
                 \"devDependencies\": {{ \"{declares}\": \"2.3.0\" }}\n}}\n"
            )
        };
        let before = manifest("");
        let program = declares.rsplit('/').next().unwrap_or_default();
        let lock = format!(
            "{{\"name\":\"api\",\"lockfileVersion\":3,\"packages\":{{\"\":{{\"name\":\"api\",\
             \"devDependencies\":{{\"{declares}\":\"2.3.0\"}}}},\"node_modules/{declares}\":{{\"version\":\
             \"2.3.0\",\"dev\":true,\"bin\":{{\"{program}\":\"bin/it.js\"}}}}}}}}\n"
        );
        let files = [
            IMAGE,
            ("main.js", "console.log(1)\n"),
            ("package.json", &before),
            ("package-lock.json", &lock),
            config,
        ];
        let after = expected.map(|lint| manifest(&format!(",\n    \"lint\": \"{lint}\"")));
        mended("packages/lint-script", &files, "package.json", after.as_deref());
    };
    check("@biomejs/biome", ("biome.json", "{}\n"), Some("biome lint ."));
    check("eslint", ("eslint.config.js", "module.exports = [];\n"), Some("eslint ."));
    // Without a configuration it lints nothing, and another tool is not brought in.
    check("eslint", ("README.md", "\n"), None);
    check("prettier", ("eslint.config.js", "module.exports = [];\n"), None);
}

#[test]
fn the_port_that_is_served_is_exposed() {
    let check = |main: &str, compose: &str, expected: Option<&str>| {
        let dockerfile = |line: &str| {
            format!(
                "FROM node:20-alpine\nWORKDIR /app\nCOPY . .\nUSER node\n{line}CMD [\"node\", \"main.js\"]\n"
            )
        };
        let before = dockerfile("");
        let files = [
            ("Dockerfile", &*before),
            (
                "package.json",
                "{ \"name\": \"api\", \"dependencies\": { \"express\": \"4.21.2\" } }\n",
            ),
            ("main.js", main),
            ("compose.yaml", compose),
        ];
        let after = expected.map(dockerfile);
        mended("runtime/only-required-ports", &files, "Dockerfile", after.as_deref());
    };
    let main = "const app = require(\"express\")();\napp.listen(3000);\n";
    let compose = "services:\n  api:\n    build: .\n";
    check(main, compose, Some("EXPOSE 3000\n"));
    let by_variable = main.replace("3000", "process.env.PORT");
    let port = |port: u16| format!("    environment:\n      PORT: {port}\n");
    let given = format!("{compose}{}", port(4000));
    check(&by_variable, &given, Some("EXPOSE 4000\n"));
    // Two of one image, each with a port of its own.
    let two = format!("{given}  other:\n    build: .\n{}", port(5000));
    check(&by_variable, &two, None);
}

#[test]
fn what_somebody_meant_stays() {
    // The history is asked for, so that it is not kept out.
    let check = |id: &str, files: &[(&str, &str)], path: &str, expected: Option<&str>| {
        mended(id, files, path, expected);
    };
    let copies = ("Dockerfile", "FROM alpine:3.22\nCOPY . /src\nCMD [\"/src/run\"]\n");
    let before = "*\n!.git\n!src\n";
    let after = format!("{before}**/.env\n**/.env.*\n**/*.pem\n**/*.key\n");
    let files = [copies, ("src/run", ""), (".dockerignore", before)];
    check("build/effective-dockerignore", &files, ".dockerignore", Some(&after));

    // An address may come with the variable.
    let compose = |more: &str| format!("services:\n  api:\n    image: acme/api:1.2.0\n{more}");
    let ports = |port: &str| compose(&format!("    ports:\n      - \"{port}\"\n"));
    for (before, after) in [
        ("$API_BIND:80/tcp", None),
        ("${LISTEN_ADDR}:80", None),
        ("${API_PORT}:80", Some("127.0.0.1:${API_PORT}:80")),
    ] {
        let (before, after) = (ports(before), after.map(ports));
        let files = [("compose.yaml", &*before)];
        check("network/no-ports-on-all-interfaces", &files, "compose.yaml", after.as_deref());
    }

    // A service that others merge is theirs, too, and one log that grows is enough.
    let anchored = "services:\n  api: &api\n    image: acme/api:1.2.0\n  jobs:\n    <<: *api\n    command: jobs\n";
    check("runtime/bounded-logs", &[("compose.yaml", anchored)], "compose.yaml", None);

    // What it writes belongs to whoever made it on the host.
    let node = "FROM node:20-alpine\nCMD [\"node\", \"main.js\"]\n";
    let built =
        |volume: &str| format!("services:\n  api:\n    build: .\n    volumes: [\"{volume}\"]\n");
    let user = "FROM node:20-alpine\nUSER 1000:1000\nCMD [\"node\", \"main.js\"]\n";
    for (volume, after) in [("./data:/data", None), ("./config:/config:ro", Some(user))] {
        let compose = built(volume);
        let files = [("Dockerfile", node), ("compose.yaml", &*compose)];
        check("runtime/non-root", &files, "Dockerfile", after);
    }

    // What another image is built upon runs nothing.
    let base = "FROM node:20-alpine\nRUN apk add --no-cache curl\n";
    let files = [("Dockerfile", base), ("package.json", "{\"name\": \"a\"}\n"), ("main.js", "")];
    check("runtime/production-mode", &files, "Dockerfile", None);

    // Of two words that begin alike another is meant.
    let event = |name: &str| {
        format!(
            "on:\n  pull_request:\n    types: [{name}]\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    \
             steps:\n      - run: make\n"
        )
    };
    let ci = ".github/workflows/ci.yml";
    for (before, after) in
        [("review_submitted", None), ("review_requestd", Some("review_requested"))]
    {
        let (before, after) = (event(before), after.map(event));
        check("pipeline/events-valid", &[(ci, &before)], ci, after.as_deref());
    }
}

#[test]
fn a_build_is_added_where_a_script_runs_what_it_makes() {
    let package = "{\n  \"name\": \"a\",\n  \"scripts\": {\n    \"start\": \"node dist/main.js\"\n  },\n  \
                   \"devDependencies\": { \"typescript\": \"5.9.2\" }\n}\n";
    let with = package
        .replace("dist/main.js\"\n", "dist/main.js\",\n    \"build\": \"tsc -p tsconfig.json\"\n");
    let image = "FROM node:20-alpine\nWORKDIR /app\nCMD [\"node\", \"dist/main.js\"]\n";
    let lock = "{\"name\":\"a\",\"lockfileVersion\":3,\"packages\":{\"\":{\"name\":\"a\",\"devDependencies\":\
                {\"typescript\":\"5.9.2\"}},\"node_modules/typescript\":{\"version\":\"5.9.2\",\"dev\":true,\
                \"bin\":{\"tsc\":\"bin/tsc\"}}}}\n";
    let config = "{ \"compilerOptions\": { \"outDir\": \"dist\", \"rootDir\": \"src\" }, \"include\": [\"src\"] }\n";
    let direct = package.replace("node dist/main.js", "node src/main.ts");
    for (package, after) in [(package, Some(&*with)), (&*direct, None)] {
        let files = [
            ("Dockerfile", image),
            ("package.json", package),
            ("package-lock.json", lock),
            ("tsconfig.json", config),
            ("src/main.ts", ""),
        ];
        mended("packages/build-script", &files, "package.json", after);
    }
}

#[test]
fn a_script_moves_out_of_the_image_only_where_the_context_is_known() {
    let dockerfile = |copy: &str, start: &str| {
        format!(
            "FROM node:20-alpine\nWORKDIR /app\nCOPY {copy} .\n{start}\nUSER node\nENTRYPOINT \
             [\"/app/start.sh\"]\nCMD [\"node\", \"main.js\"]\n"
        )
    };
    let written = "RUN printf '#!/bin/sh\\nset -e\\nexec \"$@\"\\n' > /app/start.sh && chmod +x /app/start.sh";
    let moved = "COPY --chmod=0755 docker-entrypoint.sh /app/start.sh";
    let check = |copy: &str, expected: Option<&str>| {
        let before = dockerfile(copy, written);
        let after = expected.map(|start| dockerfile(copy, start));
        let files = [("Dockerfile", &*before), ("main.js", "console.log(1)\n")];
        mended("runtime/exec-form-entrypoint", &files, "Dockerfile", after.as_deref());
    };
    check("main.js", Some(moved));
    // The directory that has both is another, above.
    check("main.js services/api/package.json", None);
}

#[test]
fn what_set_a_line_off_goes_with_it() {
    let check = |before: &str, expected: &str| {
        let files = [("compose.yaml", before)];
        mended("release/no-obsolete-compose-version", &files, "compose.yaml", Some(expected));
    };
    let services = "services:\n  web:\n    image: acme/web:1\n";
    check(&format!("version: '3'\n\n{services}"), services);
    check(&format!("# Ours\n\nversion: '3'\n\n\n{services}"), &format!("# Ours\n\n{services}"));
    check(&format!("# Ours\nversion: '3'\n\n{services}"), &format!("# Ours\n\n{services}"));
    check(&format!("version: '3'\r\n\r\n{services}"), services);
}
