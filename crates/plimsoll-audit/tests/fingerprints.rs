//! Fingerprints stay when files are moved, reordered and reformatted: a baseline outlives a change
//! that makes nothing worse.

use std::collections::BTreeSet;

use plimsoll_audit::{Baseline, Policy, audit};
use plimsoll_source::Tree;
use proptest::prelude::*;

const DOCKERFILE: &[&str] = &[
    "FROM node:20",
    "WORKDIR /app",
    "ADD package.json /app/",
    "ADD src /app/src",
    "COPY .env* /app/",
    "ENV API_TOKEN=not-a-real-token-but-long-enough",
    "RUN apt-get update && apt-get install -y curl \\\n    && npm install",
    "USER root",
    "CMD npm start",
];

const COMPOSE: &[(&str, &[&str])] = &[
    ("api", &["build: ./api", "privileged: true", "ports: [\"3000:3000\", \"9229:9229\"]"]),
    ("worker", &["build: ./worker", "restart: always"]),
    ("db", &["image: postgres", "environment: {POSTGRES_PASSWORD: hunter2hunter2}"]),
];

const WORKFLOW: &[&str] = &["test", "deploy"];

/// How a tree is written down.
#[derive(Clone, Debug)]
struct Form {
    /// Before each line: nothing, a blank line, a comment, or both.
    gaps: Vec<u8>,
    /// Columns of a level in compose.
    indent: usize,
    /// The order of what has no order.
    order: Vec<usize>,
    /// Where the services lie.
    below: &'static str,
}

fn gap(form: &Form, at: usize, indent: &str) -> String {
    match form.gaps.get(at % form.gaps.len().max(1)).copied().unwrap_or(0) % 4 {
        0 => String::new(),
        1 => "\n".to_owned(),
        2 => format!("{indent}# a remark\n"),
        _ => format!("\n{indent}# a remark\n{indent}# and another\n"),
    }
}

fn tree(form: &Form) -> Tree {
    let below = form.below;
    let mut files = Vec::new();
    for service in ["api", "worker"] {
        let mut text = String::new();
        for (at, line) in DOCKERFILE.iter().enumerate() {
            text += &gap(form, at, "");
            // A continued line may be broken elsewhere, and remarks may stand in between.
            let pad = " ".repeat(form.indent);
            text += &line
                .replace("\\\n    ", &format!("\\\n{}{pad}", gap(form, at + 1, "").trim_start()));
            text += "\n";
        }
        files.push((format!("{below}{service}/Dockerfile"), text));
        let package = "{\"name\": \"x\", \"scripts\": {\"start\": \"node src/main.js\"}}";
        files.push((format!("{below}{service}/package.json"), package.to_owned()));
        files.push((format!("{below}{service}/src/main.js"), String::new()));
        let first = ["PORT=3000", "NAME=x"][form.indent % 2];
        let settings = format!("{}{first}\nLEVEL=info\n", gap(form, 0, ""));
        files.push((format!("{below}{service}/.env.example"), settings));
    }
    let mut compose = "services:\n".to_owned();
    let mut order: Vec<usize> = form.order.clone();
    order.extend(0..COMPOSE.len());
    let mut seen = BTreeSet::new();
    for (at, index) in order.into_iter().filter(|i| seen.insert(i % COMPOSE.len())).enumerate() {
        let (name, lines) = COMPOSE[index % COMPOSE.len()];
        let one = " ".repeat(form.indent);
        let two = " ".repeat(form.indent * 2);
        compose += &format!("{}{one}{name}:\n", gap(form, at, &one));
        for (inner, line) in lines.iter().enumerate() {
            let line = line.replace("./", &format!("./{below}"));
            compose += &format!("{}{two}{line}\n", gap(form, at + inner, &two));
        }
    }
    files.push(("docker-compose.yml".to_owned(), compose));
    let mut workflow = "on: push\njobs:\n".to_owned();
    let jobs: Vec<&&str> = if form.indent.is_multiple_of(2) {
        WORKFLOW.iter().collect()
    } else {
        WORKFLOW.iter().rev().collect()
    };
    for (at, job) in jobs.iter().enumerate() {
        workflow += &format!(
            "{}  {job}:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      \
             - run: npm {job}\n",
            gap(form, at, "  ")
        );
    }
    files.push((".github/workflows/ci.yml".to_owned(), workflow));
    Tree::from_memory(files)
}

fn fingerprints(tree: &Tree) -> BTreeSet<(String, String, String)> {
    let report = audit(tree, &Policy::default(), &());
    let instances = Baseline::of(&report).instances.into_iter();
    instances.map(|i| (i.check, i.subject, i.fingerprint)).collect()
}

fn form() -> impl Strategy<Value = Form> {
    let gaps = proptest::collection::vec(0_u8..4, 1..12);
    let order = proptest::collection::vec(0_usize..3, 0..4);
    let below = prop_oneof![Just(""), Just("backend/"), Just("apps/all/")];
    (gaps, 2_usize..6, order, below).prop_map(|(gaps, indent, order, below)| Form {
        gaps,
        indent,
        order,
        below,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn a_form_changes_no_fingerprint(form in form()) {
        let plain = Form { gaps: vec![0], indent: 2, order: vec![0, 1, 2], below: "" };
        let (before, after) = (fingerprints(&tree(&plain)), fingerprints(&tree(&form)));
        prop_assert!(before.len() > 20, "{} instances", before.len());
        let gone: Vec<_> = before.difference(&after).collect();
        let new: Vec<_> = after.difference(&before).collect();
        prop_assert!(gone.is_empty() && new.is_empty(), "gone {gone:#?}, new {new:#?}");
    }
}

#[test]
fn what_is_worse_is_new() {
    let plain = Form { gaps: vec![0], indent: 2, order: vec![0, 1, 2], below: "" };
    let before = tree(&plain);
    let read = |path: &str| {
        let bytes = before.read(before.find(path).expect("it is there")).expect("it is readable");
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let text = read("api/Dockerfile").replace("WORKDIR /app", "WORKDIR /app\nADD tests /app/tests");
    let files = before.entries().map(|(_, entry)| {
        let path = &*entry.path;
        (path.to_owned(), if path == "api/Dockerfile" { text.clone() } else { read(path) })
    });
    let after = fingerprints(&Tree::from_memory(files));
    let before = fingerprints(&before);
    let new: Vec<&str> = after.difference(&before).map(|(check, ..)| &**check).collect();
    assert!(new.contains(&"build/copies-not-adds"), "{new:?}");
    assert!(before.is_subset(&after));
}
