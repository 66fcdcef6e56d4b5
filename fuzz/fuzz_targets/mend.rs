//! Any files of a repository, mended: the change as a whole gives the mended tree, and a tree that is
//! mended stays as it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_audit::{Policy, mend};
use plimsoll_fuzz::tree;

fuzz_target!(|data: &str| {
    let (tree, policy) = (tree(data), Policy::default());
    let mended = mend(&tree, &policy, &(), &mut |_, _| true).expect("it is in memory");
    let applied = tree.apply(&mended.patch).expect("the change applies as a whole");
    for (id, entry) in mended.tree.entries() {
        let there = applied.find(&entry.path).expect("both have it");
        let (is, was) = (applied.read(there), mended.tree.read(id));
        assert_eq!(is.expect("it is in memory"), was.expect("it is in memory"));
    }
});
