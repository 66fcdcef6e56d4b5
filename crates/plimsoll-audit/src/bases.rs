//! What the bases of an image's stages are worth, joined into one verdict.

use std::borrow::Cow;

use plimsoll_model::Why;
use plimsoll_model::image::{Base, Image, Stage};
use plimsoll_model::reference::ImageRef;

use crate::{ContainerSubject, Cx, Evidence, ImageSubject, Verdict, datastores};

/// What a base is worth, and what is to be seen there.
#[derive(Debug)]
pub(crate) enum Standing {
    Good(Cow<'static, str>),
    /// Good as it is written, though not for sure.
    Partly(Cow<'static, str>),
    Bad(Cow<'static, str>),
    Open(Why, Cow<'static, str>),
}

/// What a verdict says.
pub(crate) struct Words {
    pub(crate) pass: &'static str,
    pub(crate) partial: &'static str,
    /// What to do, behind what is wrong.
    pub(crate) fail: &'static str,
    pub(crate) unknown: &'static str,
    /// Whether a builder's base fails as what ships does.
    pub(crate) strict: bool,
}

/// Judges the base of every stage that is built; `None` for one that the question is not about.
pub(crate) fn judge(
    cx: &Cx<'_>,
    image: ImageSubject<'_>,
    words: &Words,
    of: &dyn Fn(&Stage) -> Option<Standing>,
) -> Verdict {
    let built = image.stages_built().into_iter().filter_map(|index| image.stages.get(index));
    let is_ours = |stage: &Stage| stage.ours.is_some();
    // What another Dockerfile of the repository makes is judged there.
    let of = |stage: &Stage| match of(stage) {
        Some(_) if is_ours(stage) => Some(Standing::Good("is built here".into())),
        standing => standing,
    };
    let judged: Vec<(&Stage, Standing)> = built.filter_map(|s| Some((s, of(s)?))).collect();
    let ships = image.target.and_then(|target| image.root_base(target)).map(|stage| stage.from);
    let find = |wanted: &dyn Fn(bool, &Standing) -> bool| {
        judged.iter().find(|(s, standing)| wanted(Some(s.from) == ships, standing))
    };
    // What decides, worst first; a file that does not parse may hide all but a failure.
    let decides = find(&|ships, s| matches!(s, Standing::Bad(_)) && (ships || words.strict))
        .or_else(|| find(&|ships, s| matches!(s, Standing::Open(..)) && ships))
        .or_else(|| if image.broken { None } else { find(&|_, s| matches!(s, Standing::Bad(_))) })
        .or_else(|| find(&|_, s| matches!(s, Standing::Open(..))))
        .or_else(|| find(&|_, s| matches!(s, Standing::Partly(_))))
        .or_else(|| judged.first());
    let verdict = match decides {
        Some(decides @ (stage, Standing::Bad(says)))
            if words.strict || Some(stage.from) == ships =>
        {
            Verdict::fail(format!("{says}: {}", words.fail), evidence(decides))
        }
        _ if image.broken => return cx.unparsed(image),
        Some(decides @ (_, Standing::Bad(_))) => Verdict::partial(words.partial, evidence(decides)),
        Some(decides @ (_, Standing::Partly(says))) => {
            Verdict::partial(says.clone(), evidence(decides))
        }
        Some(decides @ (_, Standing::Open(why, _))) => {
            Verdict::unknown(*why, words.unknown, evidence(decides))
        }
        Some(decides) => Verdict::pass(words.pass, evidence(decides)),
        None => match image.final_stage() {
            Some(stage) => {
                Verdict::pass(words.pass, Evidence::shows(stage.from, "starts from nothing"))
            }
            None => cx.unparsed(image),
        },
    };
    let first = decides.map(|(stage, _)| stage.from);
    verdict.and_all(judged.iter().filter(|(s, _)| Some(s.from) != first).map(evidence))
}

fn evidence((stage, standing): &(&Stage, Standing)) -> Evidence {
    match standing {
        Standing::Good(says) => Evidence::shows(stage.base_span, says.clone()),
        Standing::Partly(says) | Standing::Bad(says) => {
            Evidence::contradicts(stage.base_span, says.clone())
        }
        Standing::Open(_, says) => Evidence::context(stage.base_span, says.clone()),
    }
}

/// Judges the image that a container names.
pub(crate) fn of_container(
    cx: &Cx<'_>,
    container: ContainerSubject<'_>,
    words: &Words,
    of: &dyn Fn(&Named) -> Standing,
) -> Verdict {
    let at = container.image.span().unwrap_or(container.span);
    let built = container.named.as_ref();
    let built = built.is_some_and(|named| cx.delivery.built.is_built_otherwise(named));
    let standing = match named_by(cx, container) {
        Some(_) if built => Standing::Good("is built here, which writes its tag".into()),
        Some(named) => of(&named),
        None => Standing::Open(Why::Dynamic, "depends on a variable".into()),
    };
    match standing {
        Standing::Good(says) => {
            Verdict::pass("every image says which one it is", Evidence::shows(at, says))
        }
        Standing::Partly(says) => Verdict::partial(says.clone(), Evidence::contradicts(at, says)),
        Standing::Bad(says) => {
            let message = format!("{says}: {}", words.fail);
            Verdict::fail(message, Evidence::contradicts(at, says))
        }
        Standing::Open(why, says) => {
            let message = "an image depends on a variable: give it a default";
            Verdict::unknown(why, message, Evidence::context(at, says))
        }
    }
}

/// What a container's image is called.
pub(crate) fn named_by(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Option<Named> {
    let Some(name) = container.image.known() else {
        return literal(&datastores::written(cx, &container)?);
    };
    let reference = ImageRef::parse(name)?;
    Some(Named {
        name: reference.name().to_owned(),
        tag: reference.tag.clone(),
        digest: reference.has_digest(),
        argument: false,
    })
}

/// What a base is called, as far as it can be read off.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// The last part of its repository; variables as written.
    pub(crate) name: String,
    pub(crate) tag: Option<String>,
    /// Whether it is pinned to a digest.
    pub(crate) digest: bool,
    /// Whether tag and digest come from an argument that a build may replace.
    pub(crate) argument: bool,
}

/// The name of a stage's base. A tag that is written out holds, whatever the variables around it
/// are (`${REGISTRY}/node:20`); `None` where it depends on one that nothing sets.
pub(crate) fn named(image: &Image, stage: &Stage) -> Option<Named> {
    let word = image.syntax.instructions.get(stage.first).and_then(|from| from.words.first());
    if let Some(named) = word.and_then(|word| literal(&word.text)) {
        return Some(named);
    }
    let Base::External(reference) = &stage.base else { return None };
    Some(Named {
        name: reference.name().to_owned(),
        tag: reference.tag.clone(),
        digest: reference.has_digest(),
        argument: stage.base_arg.is_some(),
    })
}

/// What is written out of a reference with variables: its tag, or the tag's version.
fn literal(written: &str) -> Option<Named> {
    if !written.contains('$') {
        return None;
    }
    let (mut depth, mut slash, mut colon) = (0usize, 0, None);
    for (at, byte) in written.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b'@' if depth == 0 => return None,
            b'/' if depth == 0 => (slash, colon) = (at + 1, None),
            b':' if depth == 0 && colon.is_none() => colon = Some(at),
            _ => {}
        }
    }
    let colon = colon?;
    let (name, tag) = (written.get(slash..colon)?, written.get(colon + 1..)?);
    let fixed = tag.split('$').next().unwrap_or(tag);
    let whole = fixed.len() == tag.len();
    let has_version = starts_with_version(fixed) && fixed.ends_with(['-', '.', '_']);
    (whole || has_version).then(|| Named {
        name: name.to_owned(),
        tag: Some(tag.to_owned()),
        digest: false,
        argument: false,
    })
}

/// Whether a tag begins with a version: `20-alpine`, `v3`.
pub(crate) fn starts_with_version(tag: &str) -> bool {
    tag.strip_prefix('v').unwrap_or(tag).starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a tag is one variable whose name says that it holds a version: `${GIT_SHA:?}`.
pub(crate) fn names_version(tag: &str) -> bool {
    const WORDS: [&str; 7] = ["SHA", "COMMIT", "DIGEST", "VERSION", "REVISION", "RELEASE", "BUILD"];
    let name = tag.to_ascii_uppercase();
    let plain = !name.contains(":-") && name.contains('$');
    plain && name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| WORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_out_of_a_reference() {
        let tag = |text| literal(text).and_then(|named| named.tag);
        assert_eq!(tag("${R}/node:20-alpine").as_deref(), Some("20-alpine"));
        assert_eq!(tag("${R:-a/b:5}/node:20").as_deref(), Some("20"));
        assert_eq!(tag("node:20-${V}").as_deref(), Some("20-${V}"));
        for open in ["node:20$V", "node:${V}", "$IMAGE", "$R:5000/node", "$R/node:20@sha256:0"] {
            assert_eq!(tag(open), None, "{open}");
        }
    }
}
