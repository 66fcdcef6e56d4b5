//! Any files of a repository: an audit ends, no check panics, and every excerpt is in its file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_audit::{Policy, Why};
use plimsoll_fuzz::tree;

fuzz_target!(|data: &str| {
    let report = plimsoll_audit::audit(&tree(data), &Policy::default(), &());
    assert!(report.findings.iter().all(|finding| finding.unknown != Some(Why::Internal)));
});
