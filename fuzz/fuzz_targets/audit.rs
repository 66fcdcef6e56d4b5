//! Any files of a repository: an audit ends, and no check panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_audit::{Policy, Why};
use plimsoll_source::Tree;

fuzz_target!(|data: (&[u8], &[u8], &[u8], &[u8])| {
    let (dockerfile, compose, package, source) = data;
    let tree = Tree::from_memory([
        ("Dockerfile", dockerfile),
        ("compose.yaml", compose),
        ("package.json", package),
        ("index.js", source),
        ("entrypoint.sh", source),
        (".github/workflows/ci.yml", compose),
    ]);
    let report = plimsoll_audit::audit(&tree, &Policy::default(), &());
    assert!(report.findings.iter().all(|finding| finding.unknown != Some(Why::Internal)));
});
