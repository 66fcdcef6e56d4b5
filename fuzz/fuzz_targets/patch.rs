//! Any edits of any file: applied whole or not at all.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_source::{Create, Edit, Patch, Span, TextRange, Tree};

type Edits = Vec<(u16, u16, Vec<u8>)>;

fuzz_target!(|data: (Vec<u8>, Edits, Option<String>)| {
    let (text, edits, create) = data;
    let tree = Tree::from_memory([("a", &text)]);
    let file = tree.find("a").expect("it was put there");
    let edits: Vec<Edit> = edits
        .into_iter()
        .map(|(start, len, insert)| {
            let range = TextRange::new(start.into(), u32::from(start) + u32::from(len));
            Edit { span: Span::new(file, range), insert }
        })
        .collect();
    let grown: usize = edits.iter().map(|edit| edit.insert.len()).sum();
    let cut: usize = edits.iter().map(|edit| edit.span.range.slice(&text).len()).sum();
    let create = create.map(|path| Create { path, bytes: Vec::new(), executable: false });
    let patch = Patch { edits, create: create.into_iter().collect(), ..Patch::default() };
    if let Ok(patched) = tree.apply(&patch) {
        let now = patched.read(patched.find("a").expect("it stays")).expect("it is in memory");
        assert_eq!(now.len(), text.len() + grown - cut);
    }
    assert_eq!(&*tree.read(file).expect("it is in memory"), &*text, "a tree never changes");
});
