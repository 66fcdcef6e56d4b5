//! Dockerfiles: instructions put in their place, flags added, commands added to a RUN.

use plimsoll_source::{Edit, Span, Tree};
use plimsoll_syntax::dockerfile::{Instruction, Keyword};

use super::{Text, after, offset, whole};
use crate::image::{Image, Stage, Step, StepKind};
use crate::purpose::Purpose;

/// Whether an image's text is a file of its own, and so can be edited line by line: a whole one, and
/// none whose path says that it is for developers or tests.
#[must_use]
pub fn is_editable(image: &Image) -> bool {
    !image.broken && !image.path.contains('#') && Purpose::of_path(&image.path).is_production()
}

/// Puts instructions, a line each, before another one: above the comment that belongs to it.
#[must_use]
pub fn insert_before(tree: &Tree, image: &Image, at: &Instruction, lines: &[&str]) -> Option<Edit> {
    if !is_editable(image) {
        return None;
    }
    let text = Text::of(tree, at.span.file)?;
    let start = with_comment(&text, image, at);
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    Some(text.insert(start, whole(&lines, text.eol())))
}

/// Where the lines of an instruction begin, with the comment right above it.
fn with_comment(text: &Text, image: &Image, at: &Instruction) -> u32 {
    let mut start = text.line_start(at.span.range.start);
    while start > 0 {
        let above = text.line_start(start - 1);
        let is_comment = image
            .syntax
            .comments
            .iter()
            .any(|comment| comment.range.start >= above && comment.range.start < start);
        if !is_comment {
            break;
        }
        start = above;
    }
    start
}

/// Puts instructions, a line each, behind another one.
#[must_use]
pub fn insert_after(tree: &Tree, image: &Image, at: &Instruction, lines: &[&str]) -> Option<Edit> {
    if !is_editable(image) {
        return None;
    }
    let text = Text::of(tree, at.span.file)?;
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    Some(text.lines_after(last_byte(at.span), &lines))
}

/// The instruction of the final stage before which settings of the image stand: its first
/// ENTRYPOINT or CMD, which end most Dockerfiles; `None` where it has neither.
#[must_use]
pub fn command<'i>(image: &'i Image, stage: &Stage) -> Option<&'i Instruction> {
    let own = image.syntax.instructions.get(stage.first..stage.end)?;
    own.iter().find(|one| matches!(one.keyword, Keyword::Entrypoint | Keyword::Cmd))
}

/// The last instruction of a stage.
#[must_use]
pub fn last<'i>(image: &'i Image, stage: &Stage) -> Option<&'i Instruction> {
    image.syntax.instructions.get(stage.first..stage.end)?.last()
}

/// Puts settings of the image where they are read best: before ENTRYPOINT and CMD, else at the
/// stage's end.
#[must_use]
pub fn settle(tree: &Tree, image: &Image, stage: &Stage, lines: &[&str]) -> Option<Edit> {
    match command(image, stage) {
        Some(command) => insert_before(tree, image, command, lines),
        None => insert_after(tree, image, last(image, stage)?, lines),
    }
}

/// Puts variables where those of the stage are, if nothing that runs follows these and would see them,
/// else where settings stand.
#[must_use]
pub fn settle_env(tree: &Tree, image: &Image, stage: &Stage, lines: &[&str]) -> Option<Edit> {
    let own = image.syntax.instructions.get(stage.first..stage.end)?;
    let after_runs = own.iter().rposition(|one| one.keyword == Keyword::Run).map_or(0, |at| at + 1);
    let last = own.iter().skip(after_runs).rfind(|one| one.keyword == Keyword::Env);
    match last {
        Some(last) => insert_after(tree, image, last, lines),
        None => settle(tree, image, stage, lines),
    }
}

/// Adds `--name=value` behind the flags that an instruction has.
#[must_use]
pub fn add_flag(image: &Image, at: &Instruction, flag: &str) -> Option<Edit> {
    let place = at.flags.last().map_or(at.keyword_span, |last| last.span);
    is_editable(image).then(|| after(place, format!(" {flag}")))
}

/// Takes an instruction out, its line ends with it.
#[must_use]
pub fn remove(tree: &Tree, image: &Image, at: &Instruction) -> Option<Edit> {
    let text = Text::of(tree, at.span.file).filter(|_| is_editable(image))?;
    Some(out(&text, at, text.line_start(at.span.range.start)))
}

/// The same with the comment right above it, which speaks of it.
#[must_use]
pub fn remove_whole(tree: &Tree, image: &Image, at: &Instruction) -> Option<Edit> {
    let text = Text::of(tree, at.span.file).filter(|_| is_editable(image))?;
    Some(out(&text, at, with_comment(&text, image, at)))
}

fn out(text: &Text, at: &Instruction, start: u32) -> Edit {
    let end = text.next_line(last_byte(at.span)).unwrap_or(offset(text.bytes.len()));
    let span = Span::new(at.span.file, plimsoll_source::TextRange::new(start, end));
    super::replace(span, "")
}

/// Adds a command behind the last of a RUN, which it follows only when that succeeds. `None` for an
/// array, a here-document and what ends in a comment.
#[must_use]
pub fn append_command(tree: &Tree, image: &Image, step: &Step, command: &str) -> Option<Edit> {
    let StepKind::Run(run) = &step.kind else { return None };
    let instruction = image.instruction(step)?;
    if !is_editable(image)
        || run.exec
        || !instruction.heredocs.is_empty()
        || !run.script.comments.is_empty()
        || !run.script.errors.is_empty()
    {
        return None;
    }
    let text = Text::of(tree, step.span.file)?;
    let (start, end) = (step.span.range.start, step.span.range.end);
    let last_line = text.line_start(last_byte(step.span));
    if last_line <= start {
        return Some(text.insert(end, format!(" && {command}")));
    }
    // In the way of the lines that are there: `&& …` at their indentation.
    let escape = char::from(image.syntax.escape);
    let indent = text.indent(last_byte(step.span));
    let line = text.slice(last_line, end).trim_ascii_start();
    // Lines that end in `&& \` are continued in that way.
    let above = text.slice(start, last_line).trim_ascii_end();
    let above = above.strip_suffix(&[image.syntax.escape]).unwrap_or(above).trim_ascii_end();
    let eol = text.eol();
    let joined = match !line.starts_with(b"&&") && above.ends_with(b"&&") {
        true => format!(" && {escape}{eol}{indent}{command}"),
        false => format!(" {escape}{eol}{indent}&& {command}"),
    };
    Some(text.insert(end, joined))
}

/// The last byte of a span, for its line.
const fn last_byte(span: Span) -> u32 {
    let end = span.range.end;
    if end > span.range.start { end - 1 } else { end }
}

#[cfg(test)]
mod tests {
    use super::super::tests::edited;
    use super::*;

    #[track_caller]
    fn check(before: &str, make: fn(&Tree, &Image) -> Option<Edit>, expected: Option<&str>) {
        let tree = Tree::from_memory([("Dockerfile", before)]);
        let delivery = crate::lower(&tree);
        let edit = make(&tree, &delivery.images[0]);
        assert_eq!(edited(&tree, edit.map(|edit| vec![edit])).as_deref(), expected);
    }

    fn user(tree: &Tree, image: &Image) -> Option<Edit> {
        settle(tree, image, image.final_stage()?, &["USER 1001:1001"])
    }

    #[test]
    fn settings_stand_before_the_command_and_its_comment() {
        let before = "FROM alpine\n# starts\n# it\nENTRYPOINT [\"a\"]\nCMD [\"b\"]\n";
        let after =
            "FROM alpine\nUSER 1001:1001\n# starts\n# it\nENTRYPOINT [\"a\"]\nCMD [\"b\"]\n";
        check(before, user, Some(after));
        check("FROM a\r\nCMD b\r\n", user, Some("FROM a\r\nUSER 1001:1001\r\nCMD b\r\n"));
        check("FROM a\nRUN x", user, Some("FROM a\nRUN x\nUSER 1001:1001"));
        check(
            "FROM a AS b\nCMD x\n\nFROM b\nRUN y \\\n  z\n\n# end\n",
            user,
            Some("FROM a AS b\nCMD x\n\nFROM b\nRUN y \\\n  z\nUSER 1001:1001\n\n# end\n"),
        );
    }

    #[test]
    fn variables_stand_with_others_that_no_run_sees() {
        let env = |tree: &Tree, image: &Image| {
            settle_env(tree, image, image.final_stage()?, &["ENV A=1"])
        };
        check(
            "FROM a\nRUN b\nENV B=1\nEXPOSE 1\n\nCMD c\n",
            env,
            Some("FROM a\nRUN b\nENV B=1\nENV A=1\nEXPOSE 1\n\nCMD c\n"),
        );
        check(
            "FROM a\nENV B=1\nRUN b\nCMD c\n",
            env,
            Some("FROM a\nENV B=1\nRUN b\nENV A=1\nCMD c\n"),
        );
        check("FROM a\nCMD c\n", env, Some("FROM a\nENV A=1\nCMD c\n"));
    }

    #[test]
    fn what_is_taken_out_takes_its_comment_along() {
        let run = |tree: &Tree, image: &Image| {
            remove_whole(tree, image, image.syntax.instructions.get(1)?)
        };
        let before = "FROM a\n# b\n\n# c\n# d\nRUN e \\\n  f\n# g\nCMD h\n";
        check(before, run, Some("FROM a\n# b\n\n# g\nCMD h\n"));
        check("FROM a\r\nRUN e\r\nCMD h\r\n", run, Some("FROM a\r\nCMD h\r\n"));
    }

    fn clean(tree: &Tree, image: &Image) -> Option<Edit> {
        let steps = &image.final_stage()?.steps;
        let run = steps.iter().find(|step| matches!(step.kind, StepKind::Run(_)))?;
        append_command(tree, image, run, "clean")
    }

    #[test]
    fn commands_follow_in_the_way_of_the_run() {
        check("FROM a\nRUN x\nCMD y\n", clean, Some("FROM a\nRUN x && clean\nCMD y\n"));
        check(
            "FROM a\nRUN x \\\n    && y\n",
            clean,
            Some("FROM a\nRUN x \\\n    && y \\\n    && clean\n"),
        );
        check(
            "FROM a\r\nRUN x && \\\r\n    y\r\n",
            clean,
            Some("FROM a\r\nRUN x && \\\r\n    y && \\\r\n    clean\r\n"),
        );
        check("FROM a\nRUN [\"x\"]\n", clean, None);
        check("FROM a\nRUN <<E\nx\nE\n", clean, None);
    }

    #[test]
    fn flags_follow_those_that_are_there() {
        let flag = |_: &Tree, image: &Image| {
            add_flag(image, image.syntax.instructions.get(1)?, "--chown=1:1")
        };
        check("FROM a\nCOPY a b\n", flag, Some("FROM a\nCOPY --chown=1:1 a b\n"));
        check("FROM a\nCOPY --link a b\n", flag, Some("FROM a\nCOPY --link --chown=1:1 a b\n"));
    }
}
