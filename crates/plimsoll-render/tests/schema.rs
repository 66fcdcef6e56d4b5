//! The schema is committed, and reports obey it.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test reads the committed schema"
)]

use std::path::Path;

use plimsoll_render::{Profile, Show, View};
use plimsoll_source::Tree;

#[test]
fn the_committed_schema_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/report.schema.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == plimsoll_render::schema(), "run `cargo xtask schema`");
}

#[test]
fn reports_obey_the_schema() {
    let schema: serde_json::Value = serde_json::from_str(&plimsoll_render::schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let dockerfile = "FROM node\nENV TOKEN=not-a-real-token\nCMD node main.js\n";
    for (tree, profile) in [
        (Tree::from_memory::<&str, &str>([]), Profile::Operations),
        (
            Tree::from_memory([("a/Dockerfile", dockerfile), ("b/Dockerfile", "FROM")]),
            Profile::Service,
        ),
        (Tree::from_memory([("a/Dockerfile", dockerfile)]), Profile::Operations),
    ] {
        let report = plimsoll_audit::audit(&tree, &plimsoll_audit::Policy::default(), &());
        let view = View {
            profile,
            show: Show::All,
            services: Vec::new(),
            areas: Default::default(),
            checks: Default::default(),
            severity: None,
            date: "2026-01-01".to_owned(),
            version: "0.1.0".to_owned(),
        };
        let mut bytes = Vec::new();
        plimsoll_render::json(&report, &view, &mut bytes).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&document)
            .map(|e| format!("{e} at {}", e.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}
