//! What two Dockerfiles do, compared instruction by instruction.

use std::collections::BTreeSet;

use plimsoll_model::image::{Base, CopyFrom, Image, Step, StepKind};
use plimsoll_source::Span;
use plimsoll_syntax::dockerfile::Keyword;

use crate::Cx;

/// What the instructions of the stages that are built do, one text each, and where.
pub(crate) fn does(cx: &Cx<'_>, image: &Image) -> Vec<(String, Span)> {
    let mut found = Vec::new();
    for stage in image.stages_built().into_iter().filter_map(|at| image.stages.get(at)) {
        let base = match &stage.base {
            Base::External(reference) => reference.written.clone(),
            other => format!("{other:?}"),
        };
        found.push((format!("FROM {base}"), stage.from));
        for step in &stage.steps {
            found.extend(step_does(cx, image, step).map(|text| (text, step.span)));
        }
    }
    found
}

fn step_does(cx: &Cx<'_>, image: &Image, step: &Step) -> Option<String> {
    let instruction = image.instruction(step)?;
    if matches!(instruction.keyword, Keyword::Label | Keyword::Maintainer) {
        return None;
    }
    if let StepKind::Copy(copy) = &step.kind
        && let Some(dest) = copy.dest.known()
    {
        // From two contexts, two paths may be one file.
        let context = image.context.known().filter(|_| copy.from == CopyFrom::Context);
        let path = |path: &str| match context {
            Some(context) => plimsoll_source::normalize_path(&format!("{context}/{path}")),
            None => Some(path.to_owned()),
        };
        let sources = copy.sources.iter().map(|s| path(&s.path).unwrap_or_else(|| s.path.clone()));
        let sources: Vec<String> = sources.collect();
        let owner = copy.chown.as_ref().map(|(owner, _)| owner);
        let mode = copy.chmod.as_ref().map(|(mode, _)| mode);
        let dest = dest.trim_end_matches('/');
        return Some(format!("COPY {:?} {sources:?} {dest} {owner:?} {mode:?}", copy.from));
    }
    let bytes = cx.delivery.tree.read(instruction.span.file).ok()?;
    let text = String::from_utf8_lossy(instruction.span.range.slice(&bytes)).into_owned();
    let document = !instruction.heredocs.is_empty();
    let lines = text.lines().filter(|line| document || !line.trim_start().starts_with('#'));
    let words = lines.flat_map(str::split_whitespace).filter(|word| *word != "\\");
    Some(words.collect::<Vec<_>>().join(" "))
}

/// The places of what one does and the other does not.
pub(crate) fn lacks(one: &[(String, Span)], other: &[(String, Span)]) -> Vec<Span> {
    let known: BTreeSet<&String> = other.iter().map(|(text, _)| text).collect();
    one.iter().filter(|(text, _)| !known.contains(text)).map(|(_, at)| *at).collect()
}
