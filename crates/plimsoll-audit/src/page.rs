//! Pages: the `//!` head of a check's file, cut into title, paragraphs, and examples that are tests.
//!
//! The grammar is small on purpose. `# ` is the title, `## ` a section, a paragraph «Given: name»
//! names a base. In the sections of [`Page::SECTIONS`] that expect an outcome, a line
//! «`` `path`: ``» and the fence after it are a file; files that follow each other are one
//! repository, and a line of prose between them («Or:») begins the next. In a fence,
//! `# <- words` or `// <- words` at a line's end (whatever the language) expects evidence on that
//! line; a line `<- words` below a fence expects evidence without a place. A fence that holds
//! nothing is an empty file, one that holds only `(absent)` takes the base's file away.

use crate::Outcome;

/// A check's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The first line: what holds when all is well.
    pub title: String,
    /// The paragraphs before the first section (what, why, what to do), each on one line.
    pub intro: Vec<String>,
    /// The sections in order: heading and Markdown body.
    pub sections: Vec<(String, String)>,
    /// The base named in a line «Given: name», laid under every example.
    pub given: Option<String>,
}

/// One example: a small repository and what the check must say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The section it stands in: `Fails`, `Fixed`, `Passes` …
    pub section: String,
    /// What that section expects.
    pub outcome: Outcome,
    /// Its ordinal in that section, from 0.
    pub index: usize,
    /// Its files, marks removed.
    pub files: Vec<ExampleFile>,
    /// The evidence it expects.
    pub expected: Vec<Expectation>,
}

/// A file of an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleFile {
    /// Its path.
    pub path: String,
    /// Its text; `None` where the base's file is taken away.
    pub text: Option<String>,
}

/// Evidence that an example expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The file and 1-based line; `None` for evidence without a place.
    pub at: Option<(String, u32)>,
    /// Words that its `says` must contain.
    pub says: String,
}

/// A line of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Prose, or nothing.
    Prose(&'a str),
    /// The path of the file that follows.
    Path(&'a str),
    /// A line of it, and what is expected there.
    Code(&'a str, Vec<&'a str>),
    /// That file is taken away.
    Absent,
    /// What is expected without a place.
    Says(&'a str),
}

impl Page {
    /// The sections that a page may have, in their order, with the outcome that their examples
    /// expect.
    pub const SECTIONS: [(&'static str, Option<Outcome>); 7] = [
        ("Fails", Some(Outcome::Fail)),
        ("Fixed", Some(Outcome::Pass)),
        ("Passes", Some(Outcome::Pass)),
        ("Partial", Some(Outcome::Partial)),
        ("Cannot tell", Some(Outcome::Unknown)),
        ("Does not apply", Some(Outcome::NotApplicable)),
        ("See also", None),
    ];

    /// Cuts the page out of a check's source text.
    #[must_use]
    pub fn of(source: &str) -> Self {
        let mut page =
            Self { title: String::new(), intro: Vec::new(), sections: Vec::new(), given: None };
        let mut paragraph = String::new();
        let mut fence = Fence::default();
        for line in head(source) {
            let inside = fence.step(line) != Line::Prose;
            if let Some((_, body)) = page.sections.last_mut() {
                match line.strip_prefix("## ").filter(|_| !inside) {
                    Some(heading) => page.sections.push((heading.trim().to_owned(), String::new())),
                    None => {
                        body.push_str(line);
                        body.push('\n');
                    }
                }
            } else if let Some(heading) = line.strip_prefix("## ") {
                page.paragraph(&mut paragraph);
                page.sections.push((heading.trim().to_owned(), String::new()));
            } else if let Some(title) = line.strip_prefix("# ").filter(|_| page.title.is_empty()) {
                title.trim().clone_into(&mut page.title);
            } else if line.trim().is_empty() {
                page.paragraph(&mut paragraph);
            } else {
                if !paragraph.is_empty() {
                    paragraph.push(' ');
                }
                paragraph.push_str(line.trim());
            }
        }
        page.paragraph(&mut paragraph);
        for (_, body) in &mut page.sections {
            *body = body.trim_matches('\n').to_owned();
        }
        page
    }

    /// Takes a finished paragraph of the introduction.
    fn paragraph(&mut self, text: &mut String) {
        let text = std::mem::take(text);
        if let Some(name) = text.strip_prefix("Given: ") {
            self.given = Some(name.trim_matches(['`', ' ', '.']).to_owned());
        } else if !text.is_empty() {
            self.intro.push(text);
        }
    }

    /// A section's body as a reader wants it: fences gone, what is expected apart from the code.
    #[must_use]
    pub fn pieces(body: &str) -> Vec<Piece<'_>> {
        let mut fence = Fence::default();
        let piece = |line| match fence.step(line) {
            Line::Open | Line::Close => None,
            Line::Inside if line == "(absent)" => Some(Piece::Absent),
            Line::Inside => {
                let (code, says) = without_marks(line);
                Some(Piece::Code(code, says))
            }
            Line::Prose => Some(match (path_line(line), line.strip_prefix("<- ")) {
                (Some(path), _) => Piece::Path(path),
                (None, Some(says)) => Piece::Says(says),
                (None, None) => Piece::Prose(line),
            }),
        };
        body.trim_end().lines().filter_map(piece).collect()
    }

    /// The examples of the page, in order.
    #[must_use]
    pub fn examples(&self) -> Vec<Example> {
        let mut examples = Vec::new();
        for (heading, body) in &self.sections {
            let outcome = Self::SECTIONS.iter().find(|(name, _)| name == heading);
            if let Some((_, Some(outcome))) = outcome {
                examples.extend(examples_of(heading, *outcome, body));
            }
        }
        examples
    }
}

/// The lines of the `//!` head, marker and one blank taken off.
fn head(source: &str) -> impl Iterator<Item = &str> {
    source
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
}

fn examples_of(section: &str, outcome: Outcome, body: &str) -> Vec<Example> {
    let mut done: Vec<Example> = Vec::new();
    let mut open = false;
    let mut path: Option<&str> = None;
    let mut fence = Fence::default();
    for line in body.lines() {
        match fence.step(line) {
            Line::Open => {
                let Some(path) = path.take() else { continue };
                if !open {
                    done.push(Example {
                        section: section.to_owned(),
                        outcome,
                        index: done.len(),
                        files: Vec::new(),
                        expected: Vec::new(),
                    });
                    open = true;
                }
                if let Some(example) = done.last_mut() {
                    let text = Some(String::new());
                    example.files.push(ExampleFile { path: path.to_owned(), text });
                }
                fence.kept = true;
            }
            Line::Inside if fence.kept => {
                if let Some(example) = done.last_mut() {
                    example.line(line);
                }
            }
            Line::Close if fence.kept => {
                fence.kept = false;
                if let Some(file) = done.last_mut().and_then(|e| e.files.last_mut()) {
                    file.text.take_if(|text| text == "(absent)\n");
                }
            }
            Line::Inside | Line::Close => {}
            Line::Prose if line.trim().is_empty() => {}
            Line::Prose => {
                if let Some(found) = path_line(line) {
                    path = Some(found);
                } else if let (Some(says), true) = (line.strip_prefix("<- "), open) {
                    if let Some(example) = done.last_mut() {
                        let says = says.trim().to_owned();
                        example.expected.push(Expectation { at: None, says });
                    }
                } else {
                    (open, path) = (false, None);
                }
            }
        }
    }
    done
}

impl Example {
    /// Takes a line of its last file, marks cut off and kept.
    fn line(&mut self, line: &str) {
        let Some(ExampleFile { path, text: Some(text) }) = self.files.last_mut() else { return };
        let number = u32::try_from(text.lines().count() + 1).unwrap_or(u32::MAX);
        let (line, marks) = without_marks(line);
        text.push_str(line);
        text.push('\n');
        self.expected.extend(
            marks.into_iter().map(|says| Expectation {
                at: Some((path.clone(), number)),
                says: says.to_owned(),
            }),
        );
    }
}

/// `` `path`: ``
fn path_line(line: &str) -> Option<&str> {
    let path = line.trim_end().strip_prefix('`')?.strip_suffix("`:")?;
    (!path.is_empty() && !path.contains('`')).then_some(path)
}

/// A line without the marks at its end and the blanks before them, and their words in order.
fn without_marks(mut line: &str) -> (&str, Vec<&str>) {
    let mut marks = Vec::new();
    while let Some((at, lead)) = line
        .rfind("# <- ")
        .map(|at| (at, "# <- ".len()))
        .max(line.rfind("// <- ").map(|at| (at, "// <- ".len())))
        .filter(|&(at, _)| at == 0 || line[..at].ends_with([' ', '\t']))
    {
        marks.push(line[at + lead..].trim());
        line = line[..at].trim_end_matches([' ', '\t']);
    }
    marks.reverse();
    (line, marks)
}

/// What a line is to a fenced text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Open,
    Inside,
    Close,
    Prose,
}

/// Follows fences of three backticks or more; one closes at a line of as many, or more.
#[derive(Default)]
struct Fence {
    ticks: usize,
    /// Whether its lines belong to a file.
    kept: bool,
}

impl Fence {
    fn step(&mut self, line: &str) -> Line {
        let ticks = line.bytes().take_while(|&b| b == b'`').count();
        if self.ticks > 0 {
            if ticks >= self.ticks && line[ticks..].trim().is_empty() {
                self.ticks = 0;
                return Line::Close;
            }
            return Line::Inside;
        }
        if ticks >= 3 && !line[ticks..].contains('`') {
            self.ticks = ticks;
            return Line::Open;
        }
        Line::Prose
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A head of these lines.
    fn page(lines: &str) -> Page {
        let head: String = lines.lines().map(|line| format!("//! {line}\n")).collect();
        Page::of(&format!("{head}\nuse nothing;\n//! not the head\n"))
    }

    /// The examples of one section as text: `path=text|path=text => path:line says, says`.
    #[track_caller]
    fn check(body: &str, expected: &[&str]) {
        let found: Vec<String> = page(&format!("# T\n\n## Fails\n\n{body}"))
            .examples()
            .iter()
            .enumerate()
            .map(|(i, e)| {
                assert_eq!((e.index, e.outcome), (i, Outcome::Fail));
                let file =
                    |f: &ExampleFile| format!("{}={}", f.path, f.text.as_deref().unwrap_or("gone"));
                let files: Vec<_> = e.files.iter().map(file).collect();
                let mark = |x: &Expectation| match &x.at {
                    Some((path, line)) => format!("{path}:{line} {}", x.says),
                    None => x.says.clone(),
                };
                let marks: Vec<_> = e.expected.iter().map(mark).collect();
                format!("{} => {}", files.join("|"), marks.join(", ")).replace('\n', "/")
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_head_is_cut_into_title_paragraphs_base_and_sections() {
        let page = page(
            "# Everything is well\n\nWhat it\nis.\n\nWhy.\n\nGiven: `node-service`\n\n## Fails\n\n```text\n## no heading\n```\n## See also\n\n- a\n",
        );
        assert_eq!(page.title, "Everything is well");
        assert_eq!(page.intro, ["What it is.", "Why."]);
        assert_eq!(page.given.as_deref(), Some("node-service"));
        assert_eq!(
            page.sections,
            [
                ("Fails".to_owned(), "```text\n## no heading\n```".to_owned()),
                ("See also".to_owned(), "- a".to_owned())
            ]
        );
    }

    #[test]
    fn files_that_follow_each_other_are_one_repository_and_prose_begins_the_next() {
        check(
            "`a`:\n```text\n1\n\n2\n```\n\n`b`:\n\n```json\n```\n\nOr, worse:\n\n`a`:\n```text\n3\n```\n",
            &["a=1//2/|b= => ", "a=3/ => "],
        );
    }

    #[test]
    fn marks_are_cut_off_and_kept() {
        check(
            "`D`:\n```dockerfile\nFROM node  # <- one # <- two\nRUN x # y\n  // <- three\n```\n<- nowhere\n",
            &["D=FROM node/RUN x # y// => D:1 one, D:1 two, D:3 three, nowhere"],
        );
        // Neither a comment that only holds an arrow nor a word that ends in a hash is a mark.
        check("`D`:\n```text\na <- b\na# <- b\n```\n", &["D=a <- b/a# <- b/ => "]);
    }

    #[test]
    fn a_longer_fence_holds_a_shorter_one_and_files_can_be_absent() {
        check("`R.md`:\n````markdown\n```sh\nls\n```\n````\n", &["R.md=```sh/ls/```/ => "]);
        check("`a`:\n```text\n(absent)\n```\n", &["a=gone => "]);
    }

    #[test]
    fn a_section_is_cut_into_what_is_shown() {
        let body = "Or:\n\n`a`:\n```text\nx # <- one\n```\n<- two\n`b`:\n```text\n(absent)\n```\n";
        let expected = [
            Piece::Prose("Or:"),
            Piece::Prose(""),
            Piece::Path("a"),
            Piece::Code("x", vec!["one"]),
            Piece::Says("two"),
            Piece::Path("b"),
            Piece::Absent,
        ];
        assert_eq!(Page::pieces(body), expected);
    }

    #[test]
    fn a_fence_without_a_path_is_no_file() {
        check("```text\nx\n```\n\n`a`:\n```text\ny\n```\n", &["a=y/ => "]);
    }
}
