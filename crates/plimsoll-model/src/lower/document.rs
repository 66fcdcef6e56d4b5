//! Documents: the headings and fenced blocks of Markdown, found line by line.
//!
//! Source of the rules: CommonMark 0.31, «ATX headings», «Setext headings», «Fenced code blocks».
//! A fence may stand at any depth of indentation, since lists indent them.

use plimsoll_source::{FileId, Span, TextRange, Tracking};
use rayon::prelude::*;

use super::cx::Cx;
use super::purpose;
use crate::document::{Code, Document, DocumentKind, Fence};

/// Larger documents are listed without headings and fences: nobody follows a runbook of 2 MiB.
const MAX_DOCUMENT: u64 = 2 * 1024 * 1024;

/// Words of a path or a title that make a document a report on the code.
const REPORT: &[&str] = &["audit", "audits", "review", "reviews", "findings", "assessment"];
/// Words that make it notes.
const NOTES: &[&str] =
    &["research", "brainstorm", "brainstorming", "notes", "ideas", "proposal", "proposals"];

/// Every document of the tree, in path order.
pub(super) fn read(cx: &Cx<'_>) -> Vec<Document> {
    let files: Vec<FileId> = cx
        .tree
        .entries()
        .filter(|(_, entry)| {
            entry.tracking != Tracking::Ignored
                && is_document(&entry.path)
                && !purpose::is_vendored(&entry.path)
        })
        .map(|(file, _)| file)
        .collect();
    files.into_par_iter().map(|file| document(cx, file)).collect()
}

fn is_document(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let (dirs, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    if is_markdown(name) {
        return true;
    }
    (name.ends_with(".rst") || name.ends_with(".txt"))
        && !name.starts_with("requirements")
        && (name.starts_with("readme")
            || dirs.split('/').any(|part| matches!(part, "docs" | "doc" | "runbooks" | "runbook")))
}

fn is_markdown(name: &str) -> bool {
    [".md", ".mdx", ".markdown"].iter().any(|end| name.to_ascii_lowercase().ends_with(end))
}

fn document(cx: &Cx<'_>, file: FileId) -> Document {
    let entry = cx.tree.entry(file);
    let (mut headings, mut fences, mut code) = (Vec::new(), Vec::new(), Vec::new());
    // A document that cannot be read is no broken delivery file: it is listed, empty.
    if is_markdown(&entry.path)
        && entry.len <= MAX_DOCUMENT
        && let Ok(bytes) = cx.bytes(file)
    {
        (headings, fences, code) = outline(file, &bytes);
    }
    let kind = kind(&entry.path, headings.first().map_or("", |(_, text, _)| text));
    Document { file, headings, fences, code, kind }
}

fn kind(path: &str, title: &str) -> DocumentKind {
    let text = format!("{path} {title}").to_lowercase();
    let has = |words: &[&str]| {
        text.split(|c: char| !c.is_alphanumeric()).any(|word| words.contains(&word))
    };
    if has(REPORT) {
        DocumentKind::Report
    } else if has(NOTES) {
        DocumentKind::Notes
    } else {
        DocumentKind::Guide
    }
}

/// An open fence: its character, its length, its language, where its content starts.
struct Open {
    mark: u8,
    len: usize,
    language: String,
    start: usize,
}

type Headings = Vec<(u8, String, Span)>;

fn outline(file: FileId, text: &[u8]) -> (Headings, Vec<Fence>, Vec<Code>) {
    let (mut headings, mut fences): (Headings, Vec<Fence>) = (Vec::new(), Vec::new());
    let mut code: Vec<Code> = Vec::new();
    let span = |start, end| Span::new(file, TextRange::of(start, end));
    let mut open: Option<Open> = None;
    // The text of the line before, when a line of `=` or `-` would make it a heading.
    let mut before: Option<(usize, usize)> = None;
    let mut at = 0;
    while at < text.len() {
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |n| at + n);
        let (start, line) = (at, &text[at..end]);
        at = end + 1;
        let trimmed = line.trim_ascii();
        let indent = line.len() - line.trim_ascii_start().len();
        if let Some(fence) = open.take_if(|fence| closes(fence, trimmed)) {
            let heading = headings.len().checked_sub(1);
            fences.push(Fence {
                language: fence.language,
                span: span(fence.start, start),
                heading,
            });
            before = None;
            continue;
        }
        if let Some(fence) = &open {
            if COMMANDS.contains(&&*fence.language)
                && let Some((text, from)) = command_of(trimmed)
            {
                let from = start + indent + from;
                let heading = headings.len().checked_sub(1);
                code.push(Code {
                    span: span(from, from + text.len()),
                    text,
                    fenced: true,
                    heading,
                });
            }
            continue;
        }
        let paragraph = before.take();
        if !trimmed.starts_with(b"```") {
            let heading = headings.len().checked_sub(1);
            code.extend(inline(line).map(|(from, to)| Code {
                text: String::from_utf8_lossy(&line[from..to]).into_owned(),
                span: span(start + from, start + to),
                fenced: false,
                heading,
            }));
        }
        if let Some(fence) = opens(trimmed, at.min(text.len())) {
            open = Some(fence);
        } else if indent <= 3 && trimmed.first() == Some(&b'#') {
            let level = trimmed.iter().take_while(|&&b| b == b'#').count();
            let rest = &trimmed[level..];
            if level <= 6 && (rest.is_empty() || rest[0].is_ascii_whitespace()) {
                let title = String::from_utf8_lossy(rest.trim_ascii());
                let title = title.trim_end_matches('#').trim_end().to_owned();
                let level = u8::try_from(level).unwrap_or(6);
                headings.push((level, title, span(start + indent, start + indent + trimmed.len())));
            }
        } else if let Some((from, to)) = paragraph
            && let Some(level) = underline(trimmed)
        {
            let title = String::from_utf8_lossy(&text[from..to]).into_owned();
            headings.push((level, title, span(from, to)));
        } else if indent <= 3 && !trimmed.is_empty() && !matches!(trimmed[0], b'>' | b'|' | b'-') {
            before = Some((start + indent, start + indent + trimmed.len()));
        }
    }
    if let Some(fence) = open {
        let heading = headings.len().checked_sub(1);
        fences.push(Fence {
            language: fence.language,
            span: span(fence.start, text.len()),
            heading,
        });
    }
    (headings, fences, code)
}

/// Languages of fences that hold commands.
const COMMANDS: [&str; 10] = [
    "",
    "sh",
    "bash",
    "shell",
    "console",
    "zsh",
    "terminal",
    "shell-session",
    "shellscript",
    "cron",
];

/// The command of a fence's line without its prompt, and where it begins; `None` for a comment.
fn command_of(trimmed: &[u8]) -> Option<(String, usize)> {
    let from = if trimmed.starts_with(b"$ ") { 2 } else { 0 };
    let text = std::str::from_utf8(trimmed.get(from..)?).ok()?;
    (!text.is_empty() && !text.starts_with('#')).then(|| (text.to_owned(), from))
}

/// What stands between single backticks of a line: offsets.
fn inline(line: &[u8]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let from = at + memchr::memchr(b'`', line.get(at..)?)? + 1;
        let to = from + memchr::memchr(b'`', line.get(from..)?)?;
        at = to + 1;
        Some((from, to))
    })
    .filter(|(from, to)| from < to)
}

fn opens(trimmed: &[u8], start: usize) -> Option<Open> {
    let &mark = trimmed.first().filter(|b| matches!(b, b'`' | b'~'))?;
    let len = trimmed.iter().take_while(|&&b| b == mark).count();
    let info = trimmed[len..].trim_ascii();
    // Backticks in the info string make it inline code.
    if len < 3 || (mark == b'`' && info.contains(&b'`')) {
        return None;
    }
    let info = String::from_utf8_lossy(info);
    let language = info.split(|c: char| c.is_whitespace() || matches!(c, '{' | ',')).next();
    Some(Open { mark, len, language: language.unwrap_or_default().to_lowercase(), start })
}

fn closes(fence: &Open, trimmed: &[u8]) -> bool {
    trimmed.len() >= fence.len && trimmed.iter().all(|&b| b == fence.mark)
}

/// The level that a line of `=` or `-` gives the paragraph above it.
fn underline(trimmed: &[u8]) -> Option<u8> {
    match trimmed.first()? {
        b'=' if trimmed.iter().all(|&b| b == b'=') => Some(1),
        b'-' if trimmed.iter().all(|&b| b == b'-') => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use plimsoll_source::Tree;

    use super::*;

    fn check(path: &str, text: &str, expected: &str) {
        let tree = Tree::from_memory([(path, text)]);
        let mut dump = String::new();
        for document in read(&Cx::new(&tree)) {
            let _ = writeln!(dump, "{} {:?}", tree.path(document.file), document.kind);
            for (level, title, span) in &document.headings {
                let at = String::from_utf8_lossy(span.range.slice(text.as_bytes()));
                let _ = writeln!(dump, "{level} {title:?} at {at:?}");
            }
            for fence in &document.fences {
                let body = String::from_utf8_lossy(fence.span.range.slice(text.as_bytes()));
                let _ = writeln!(dump, "{:?} under {:?} {body:?}", fence.language, fence.heading);
            }
        }
        assert_eq!(dump.trim_end(), expected.trim_end());
    }

    #[test]
    fn headings_and_fences_are_found_and_what_stands_in_fences_is_no_heading() {
        check(
            "docs/runbook.md",
            "# Roll back #\r\n\nSteps\n-----\n- a\n  ```bash title=x\n  # no heading\n  kubectl x\n  ```\n\
             ~~~\n```\n~~~\n####### no\n#no\n`` `inline` ``\n",
            "docs/runbook.md Guide\n\
             1 \"Roll back\" at \"# Roll back #\"\n\
             2 \"Steps\" at \"Steps\"\n\
             \"bash\" under Some(1) \"  # no heading\\n  kubectl x\\n\"\n\
             \"\" under Some(1) \"```\\n\"",
        );
    }

    #[test]
    fn an_open_fence_runs_to_the_end() {
        check("a.md", "```\nx", "a.md Guide\n\"\" under None \"x\"");
    }

    #[test]
    fn reports_and_notes_are_told_by_path_and_title() {
        check("audits/x.md", "", "audits/x.md Report");
        check(
            "x.md",
            "# Security Review",
            "x.md Report\n1 \"Security Review\" at \"# Security Review\"",
        );
        check("docs/research/x.md", "", "docs/research/x.md Notes");
        check("docs/preview.md", "", "docs/preview.md Guide");
        check("docs/requirements.txt", "", "");
        check("docs/install.txt", "# a", "docs/install.txt Guide");
        check("node_modules/a/README.md", "", "");
    }
}
