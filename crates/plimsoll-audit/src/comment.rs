//! Comments that accept findings: found in every format that has comments, ours and those of other
//! tools, with the construct that each speaks of.
//!
//! Ours is `plimsoll: accept CHECK[, CHECK…] [until YYYY-MM-DD] [by OWNER] -- REASON`, first in its
//! comment. On a line of its own it speaks of the next construct (a line, what continues it and what
//! is indented below it), behind something of the construct that begins on its line; `accept-file`,
//! above all else in a file, of the file.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_source::{Derived, FileId, Span, TextRange};
use plimsoll_syntax::{toml, yaml};

use crate::config::{Date, no_such_check};

/// A comment that accepts something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Comment {
    /// The comment, from its opener on.
    pub(crate) at: TextRange,
    /// What it accepts.
    pub(crate) accepts: Accepts,
    /// Of what: the bytes in which evidence begins; `None` is the whole file.
    pub(crate) construct: Option<TextRange>,
    /// Why.
    pub(crate) reason: String,
    /// Who accepted it.
    pub(crate) owner: Option<String>,
    /// The last day that it holds.
    pub(crate) until: Option<Date>,
}

/// What a comment accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Accepts {
    /// A check of ours, by id.
    Check(String),
    /// Rules of another tool; none named is all of them.
    Rules(&'static str, Vec<String>),
}

/// A comment of ours that says nothing that could be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// The comment.
    pub(crate) at: TextRange,
    /// What is wrong with it, and what to write.
    pub(crate) says: String,
}

/// The most comments of a file that are read, and the most lines that a construct has: both are far
/// beyond what people write, and keep hostile files from costing more than they are long.
const MAX_COMMENTS: usize = 500;
const MAX_CONSTRUCT: usize = 2_000;

/// How a format writes comments.
#[derive(Clone, Copy)]
struct Style {
    /// What opens one and, where it does not end with its line, what closes it.
    forms: &'static [(&'static str, &'static str)],
    /// A comment has a line of its own.
    alone: bool,
    /// A construct is a paragraph.
    prose: bool,
    dockerfile: bool,
}

/// The style of a file, by its name; `None` where it can hold no comments.
fn style(path: &str) -> Option<Style> {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let of = |forms| Style { forms, alone: false, prose: false, dockerfile: false };
    if is_dockerfile(path) {
        return Some(Style { alone: true, dockerfile: true, ..of(&[("#", "")]) });
    }
    Some(match extension {
        "md" | "markdown" | "html" | "htm" | "xml" | "vue" | "svelte" => {
            Style { prose: true, ..of(&[("<!--", "-->")]) }
        }
        "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" | "go" | "java" | "kt"
        | "kts" | "rs" | "c" | "h" | "cc" | "cpp" | "cs" | "swift" | "scala" | "groovy"
        | "gradle" | "dart" | "json5" | "jsonc" | "css" | "scss" | "less" => {
            of(&[("//", ""), ("/*", "*/")])
        }
        "php" | "tf" | "hcl" => of(&[("#", ""), ("//", ""), ("/*", "*/")]),
        "sql" => of(&[("--", ""), ("/*", "*/")]),
        "ini" | "cfg" | "conf" | "properties" => of(&[("#", ""), (";", "")]),
        "mod" | "work" if name.starts_with("go.") => of(&[("//", "")]),
        "txt" if path.contains("requirements") || name.starts_with("constraints") => {
            of(&[("#", "")])
        }
        "json" | "lock" | "svg" | "png" | "jpg" | "ico" | "pdf" | "txt" => return None,
        _ if name == "jenkinsfile" => of(&[("//", ""), ("/*", "*/")]),
        // A pattern may hold a `#`.
        _ => Style { alone: extension.ends_with("ignore"), ..of(&[("#", "")]) },
    })
}

/// Whether a file of this name is a Dockerfile.
pub(crate) fn is_dockerfile(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    (name.contains("dockerfile") || name.contains("containerfile"))
        && !matches!(extension, "dockerignore" | "md")
}

impl Style {
    /// The form of a comment that a line begins with, where it begins with one.
    fn opens(self, line: &str) -> bool {
        let line = line.trim_start();
        self.forms.iter().any(|(opener, _)| line.starts_with(opener))
    }
}

/// First words of the comments that are read.
const MARKERS: [&str; 8] = [
    "plimsoll:",
    "hadolint ",
    "check=",
    "trivy:ignore:",
    "checkov:skip=",
    "kics-scan ",
    "nosem",
    "zizmor:",
];

/// Whether a file of this name can hold comments.
pub(crate) fn may_stand_in(path: &str) -> bool {
    style(path).is_some()
}

/// Whether a text is worth a second look.
pub(crate) fn may_hold(text: &[u8]) -> bool {
    MARKERS.iter().any(|marker| memchr::memmem::find(text, marker.as_bytes()).is_some())
}

/// The comments of a file that accept something, and those of ours that are wrong.
pub(crate) fn read(path: &str, text: &[u8]) -> (Vec<Comment>, Vec<Trouble>) {
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    let Some(style) = style(path) else { return (found, wrong) };
    let lines = lines(text);
    // Whether nothing but comments stood so far, and nothing but the builder's directives.
    let (mut head, mut directives) = (true, style.dockerfile);
    for (index, &(start, line)) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let is_comment = style.opens(line);
        directives &= is_directive(trimmed) || index == 0 && trimmed.starts_with("#!");
        if let Some((at, content)) = marked(line, style) {
            let own_line = line.get(..at).is_some_and(|before| matches!(before.trim(), "" | "{"));
            let end = start + line.trim_end().len();
            let place = TextRange::of(start + at, end);
            let target = if own_line { next(&lines, index, style) } else { Some(index) };
            let near = target.map(|target| construct(&lines, target, style));
            if found.len() + wrong.len() >= MAX_COMMENTS {
                let says = "one of too many acceptances in this file: put them into plimsoll.toml";
                wrong.push(Trouble { at: place, says: says.to_owned() });
                break;
            }
            if let Some(rest) = content.strip_prefix("plimsoll:") {
                match ours(rest, head && own_line) {
                    Ok(our) => found.extend(our.checks.into_iter().map(|check| Comment {
                        at: place,
                        accepts: Accepts::Check(check),
                        construct: match near {
                            _ if our.file => None,
                            // What a whole file lacks is shown at its first line, which may be this
                            // comment, or a `#!`.
                            Some(near) if head && own_line => Some(TextRange::new(0, near.end)),
                            Some(near) => Some(near),
                            // One at a file's end speaks of nothing.
                            None => Some(TextRange::of(end, end)),
                        },
                        reason: our.reason.clone(),
                        owner: our.owner.clone(),
                        until: our.until.clone(),
                    })),
                    Err(says) => wrong.push(Trouble { at: place, says }),
                }
            } else {
                let top = Top { head, directives };
                found.extend(theirs(content, style, own_line, top).into_iter().filter_map(
                    |their| {
                        let construct = match their.scope {
                            Scope::File => None,
                            Scope::Construct => Some(near?),
                            Scope::Below => Some(near.filter(|_| target == Some(index + 1))?),
                            Scope::Line => {
                                let (start, line) = *lines.get(target?)?;
                                Some(TextRange::of(start, start + line.len()))
                            }
                        };
                        let reason = format!("`{}`, a comment for {}", clip(content), their.tool);
                        Some(Comment {
                            at: place,
                            accepts: Accepts::Rules(their.tool, their.rules),
                            construct,
                            reason,
                            owner: None,
                            until: their.until,
                        })
                    },
                ));
            }
        }
        head &= is_comment || trimmed.trim_end().is_empty() || matches!(trimmed.trim(), "---");
    }
    (found, wrong)
}

/// Every line with its offset; what is not UTF-8 ends the text.
fn lines(text: &[u8]) -> Vec<(usize, &str)> {
    let valid = match str::from_utf8(text) {
        Ok(text) => text,
        Err(error) => {
            text.get(..error.valid_up_to()).and_then(|t| str::from_utf8(t).ok()).unwrap_or("")
        }
    };
    let mut at = 0;
    let mut lines = Vec::new();
    for line in valid.split_inclusive('\n') {
        lines.push((at, line));
        at += line.len();
    }
    lines
}

/// Whether a line is a directive of the builder: `# name=value`.
fn is_directive(line: &str) -> bool {
    let name = line.strip_prefix('#').and_then(|rest| rest.split_once('=')).map(|(name, _)| name);
    name.is_some_and(|name| {
        let name = name.trim();
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// The first comment of a line that begins with a marker: where its opener stands, and what it says.
fn marked(line: &str, style: Style) -> Option<(usize, &str)> {
    let of = |&(opener, closer): &(&str, &str)| {
        let mut from = 0;
        while let Some(found) = line.get(from..)?.find(opener) {
            let at = from + found;
            let before = line.get(..at)?;
            let content = line.get(at + opener.len()..)?.trim();
            let alone = before.trim().is_empty();
            // `#` within a word is no comment; JSX has `{/* … */}`.
            let apart = alone || before.ends_with(|c: char| c.is_whitespace() || c == '{');
            if apart && MARKERS.iter().any(|marker| content.starts_with(marker)) {
                let end = if closer.is_empty() { None } else { content.find(closer) };
                let content = content.get(..end.unwrap_or(content.len()))?.trim();
                return (alone || !style.alone).then_some((at, content));
            }
            from = at + opener.len();
        }
        None
    };
    style.forms.iter().filter_map(of).min_by_key(|(at, _)| *at)
}

/// The line after a comment that is neither blank nor a comment.
fn next(lines: &[(usize, &str)], index: usize, style: Style) -> Option<usize> {
    let rest = lines.iter().enumerate().skip(index + 1).take(MAX_CONSTRUCT);
    rest.filter(|(_, (_, line))| !line.trim().is_empty())
        .find(|(_, (_, line))| !style.opens(line))
        .map(|(index, _)| index)
}

/// The construct that begins on a line: what continues the line, and what is indented below it.
fn construct(lines: &[(usize, &str)], first: usize, style: Style) -> TextRange {
    let Some(&(start, line)) = lines.get(first) else { return TextRange::default() };
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_item = |line: &str| line.trim_start().starts_with("- ");
    let own = indent(line);
    let fence = line.trim_start().starts_with("```");
    let document = if style.dockerfile { here_document(line) } else { None };
    let mut last = first;
    let mut continued = continues(line);
    for (index, (_, below)) in lines.iter().enumerate().skip(first + 1).take(MAX_CONSTRUCT) {
        let text = below.trim();
        if style.prose {
            if if fence { text.starts_with("```") } else { text.is_empty() } {
                last = if fence { index } else { last };
                break;
            }
        } else if let Some(word) = document {
            last = index;
            if text == word {
                break;
            }
            continue;
        } else if text.is_empty() || style.opens(text) {
            continue;
        } else if !(continued
            || indent(below) > own
            || !style.dockerfile && indent(below) == own && is_item(below) && !is_item(line))
        {
            break;
        }
        last = index;
        continued = continues(below);
    }
    let end = lines.get(last).map_or(start, |(at, line)| at + line.len());
    TextRange::of(start, end)
}

fn continues(line: &str) -> bool {
    line.trim_end().ends_with('\\')
}

/// The word that ends the here-document that an instruction opens.
fn here_document(line: &str) -> Option<&str> {
    let (_, after) = line.split_once("<<")?;
    let word = after.trim_start_matches('-').trim_start_matches(['"', '\'']);
    let end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(word.len());
    word.get(..end).filter(|word| !word.is_empty())
}

/// What a comment of ours says.
struct Ours {
    checks: Vec<String>,
    file: bool,
    owner: Option<String>,
    until: Option<Date>,
    reason: String,
}

const GRAMMAR: &str = "write `plimsoll: accept CHECK [until YYYY-MM-DD] [by OWNER] -- REASON`";

fn ours(text: &str, at_top: bool) -> Result<Ours, String> {
    let (head, reason) = match text.split_once(" -- ") {
        Some((head, reason)) => (head, reason.trim()),
        None => (text.strip_suffix("--").unwrap_or(text), ""),
    };
    let mut words = head.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty());
    let file = match words.next() {
        Some("accept") => false,
        Some("accept-file") => true,
        _ => return Err(format!("neither `accept` nor `accept-file`: {GRAMMAR}")),
    };
    let (mut checks, mut owner, mut until) = (Vec::new(), None, None);
    while let Some(word) = words.next() {
        match word {
            "until" => {
                let day = words.next().unwrap_or_default();
                until = Some(Date::parse(day).ok_or_else(|| {
                    format!("`{}` is no date: write the last day, `2027-01-31`", clip(day))
                })?);
            }
            "by" => {
                let name = words.next().ok_or("`by` names nobody: write `by @team`")?;
                owner = Some(name.to_owned());
            }
            id => match no_such_check(id) {
                Some(help) => return Err(format!("there is no check `{}`: {help}", clip(id))),
                None => checks.push(id.to_owned()),
            },
        }
    }
    if checks.is_empty() {
        return Err(format!("it names no check: {GRAMMAR}"));
    }
    if reason.is_empty() {
        return Err("it gives no reason: end it with ` -- ` and why".to_owned());
    }
    if file && !at_top {
        return Err("`accept-file` stands at the top of a file, above all else".to_owned());
    }
    Ok(Ours { checks, file, owner, until, reason: reason.to_owned() })
}

enum Scope {
    File,
    Construct,
    /// The construct on the very next line.
    Below,
    Line,
}

/// What stands above a comment.
#[derive(Clone, Copy)]
struct Top {
    /// Nothing but comments.
    head: bool,
    /// Nothing but directives of the builder, as the comment itself is.
    directives: bool,
}

/// What a comment for another tool says.
struct Theirs {
    tool: &'static str,
    rules: Vec<String>,
    scope: Scope,
    until: Option<Date>,
}

fn theirs(content: &str, style: Style, own_line: bool, top: Top) -> Vec<Theirs> {
    // `a,b, c` and then a blank: what follows that is prose.
    let list = |text: &str| -> Vec<String> {
        let mut ids = Vec::new();
        for part in text.split(',') {
            let mut words = part.split_whitespace();
            ids.extend(words.next().map(str::to_owned));
            if words.next().is_some() {
                break;
            }
        }
        ids
    };
    let one = |tool, rules: Vec<String>, scope| vec![Theirs { tool, rules, scope, until: None }];
    let named = |tool, rules: Vec<String>, scope| {
        if rules.is_empty() { Vec::new() } else { one(tool, rules, scope) }
    };
    if let Some(rest) = content.strip_prefix("hadolint ") {
        let rest = rest.trim_start();
        let (rest, scope) = match rest.strip_prefix("global ") {
            Some(rest) => (rest.trim_start(), Scope::File),
            None => (rest, Scope::Below),
        };
        let rules = rest.strip_prefix("ignore=").filter(|_| style.dockerfile);
        return rules.map_or_else(Vec::new, |rules| named("hadolint", list(rules), scope));
    }
    if let Some(rest) = content.strip_prefix("check=").filter(|_| top.directives) {
        let skip = rest.split(';').find_map(|part| part.trim().strip_prefix("skip="));
        return skip.map_or_else(Vec::new, |skip| match list(skip) {
            rules if rules.iter().any(|rule| rule == "all") => {
                one("buildkit", Vec::new(), Scope::File)
            }
            rules => named("buildkit", rules, Scope::File),
        });
    }
    if content.starts_with("trivy:ignore:") {
        let marks = content.split("trivy:ignore:").skip(1);
        return marks
            .filter_map(|mark| {
                let word = mark.split_whitespace().next()?;
                let mut parts = word.split(':');
                let rule = parts.next().filter(|rule| !rule.is_empty())?.to_owned();
                let until = match parts.next() {
                    Some("exp") => Some(Date::parse(parts.next()?)?),
                    _ => None,
                };
                Some(Theirs { tool: "trivy", rules: vec![rule], scope: Scope::Construct, until })
            })
            .collect();
    }
    if let Some(rest) = content.strip_prefix("checkov:skip=") {
        let rule = rest.split([':', ' ']).next().unwrap_or_default();
        let scope = if style.dockerfile { Scope::File } else { Scope::Construct };
        return named("checkov", list(rule), scope);
    }
    if let Some(rest) = content.strip_prefix("kics-scan ") {
        let rest = rest.trim();
        return match rest.strip_prefix("disable=") {
            Some(rules) if top.head => named("kics", list(rules), Scope::File),
            Some(_) => Vec::new(),
            None => match rest.split_whitespace().next() {
                Some("ignore") if top.head => one("kics", Vec::new(), Scope::File),
                Some("ignore-line") => one("kics", Vec::new(), Scope::Line),
                Some("ignore-block") => one("kics", Vec::new(), Scope::Construct),
                _ => Vec::new(),
            },
        };
    }
    if let Some(rest) = content.strip_prefix("nosemgrep").or(content.strip_prefix("nosem")) {
        return match rest.strip_prefix(':') {
            Some(rules) => {
                let rules = rules.split(',').filter_map(|id| id.split_whitespace().next());
                named("semgrep", rules.map(str::to_owned).collect(), Scope::Line)
            }
            None if rest.trim().is_empty() => one("semgrep", Vec::new(), Scope::Line),
            None => Vec::new(),
        };
    }
    if let Some(rest) = content.strip_prefix("zizmor:") {
        let rules = rest.trim_start().strip_prefix("ignore[").and_then(|r| r.split_once(']'));
        let scope = if own_line { Scope::Construct } else { Scope::Line };
        let rules = rules.map(|(rules, _)| rules.split(',').map(|id| id.trim().to_owned()));
        return rules.map_or_else(Vec::new, |rules| named("zizmor", rules.collect(), scope));
    }
    Vec::new()
}

/// The checks that answer a rule of another tool, named as `DL3002` or `hadolint:DL3002`.
#[must_use]
pub fn answering(rule: &str) -> Vec<&'static crate::Check> {
    let is_it = |theirs: &crate::Equivalent| {
        let of_tool = rule.strip_prefix(theirs.tool).and_then(|rest| rest.strip_prefix(':'));
        is_rule(theirs.tool, of_tool.unwrap_or(rule), theirs.rule)
    };
    let answers =
        |check: &&crate::Check| check.parts.iter().flat_map(|part| part.equivalents).any(is_it);
    crate::all().into_iter().filter(answers).collect()
}

/// Rules that a file of another tool's settings switches off.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Of which files it speaks.
    pub(crate) files: Files,
    /// As if it stood at the top of each of them, or at the line that it names.
    pub(crate) comment: Comment,
}

/// The files that a setting speaks of.
#[derive(Debug)]
pub(crate) enum Files {
    All,
    Dockerfiles,
    /// The one at this path.
    One(String),
    /// Those that any of these matches.
    Globs(Vec<String>),
}

impl Files {
    /// Whether a file at this path is among them.
    pub(crate) fn hold(&self, path: &str) -> bool {
        match self {
            Self::All => true,
            Self::Dockerfiles => is_dockerfile(path),
            Self::One(one) => one == path,
            Self::Globs(globs) => globs.iter().any(|glob| plimsoll_model::glob(glob, path)),
        }
    }
}

/// The most globs of one setting, and the most bytes of one: each is asked of each piece of evidence.
const MAX_GLOBS: usize = 50;
const MAX_GLOB: usize = 300;

/// What other tools' settings at the top of a tree switch off: `.hadolint.yaml` (`ignored`),
/// `.checkov.yaml` (`skip-check`), `.trivyignore` (an id a line, with `exp:` its last day),
/// `.trivyignore.yaml`, `zizmor.yml` (there or in `.github`), `kics.config`.
pub(crate) fn settings(read: impl Fn(&str) -> Option<Arc<[u8]>>) -> Vec<Setting> {
    let mut found = Vec::new();
    for (file, tool, key, dockerfiles) in [
        (".hadolint.yaml", "hadolint", "ignored", true),
        (".hadolint.yml", "hadolint", "ignored", true),
        (".checkov.yaml", "checkov", "skip-check", false),
        (".checkov.yml", "checkov", "skip-check", false),
    ] {
        let Some(parsed) = settings_file(&read, file) else { continue };
        let list = parsed.root().and_then(|root| root.get(key));
        let rules = list.iter().flat_map(|list| list.items()).filter_map(|item| item.text());
        let files = || if dockerfiles { Files::Dockerfiles } else { Files::All };
        let rules = rules.take(MAX_COMMENTS);
        found.extend(rules.map(|rule| setting(files(), file, tool, rule, None)));
    }
    let text = read(".trivyignore");
    for (_, line) in lines(text.as_deref().unwrap_or_default()).into_iter().take(MAX_COMMENTS) {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let Some(rule) = words.next() else { continue };
        let until = match words.next().map(|word| word.strip_prefix("exp:").and_then(Date::parse)) {
            None => None,
            Some(Some(day)) => Some(day),
            // Something else stands there: what it means is not known.
            Some(None) => continue,
        };
        found.push(setting(Files::All, ".trivyignore", "trivy", rule, until));
    }
    for file in [".trivyignore.yaml", ".trivyignore.yml"] {
        found.extend(trivy(&read, file));
    }
    for file in ["zizmor.yml", "zizmor.yaml", ".github/zizmor.yml", ".github/zizmor.yaml"] {
        found.extend(zizmor(&read, file));
    }
    found.extend(kics(&read));
    found
}

fn setting(
    files: Files,
    file: &str,
    tool: &'static str,
    rule: &str,
    until: Option<Date>,
) -> Setting {
    let comment = Comment {
        at: TextRange::default(),
        accepts: Accepts::Rules(tool, vec![rule.to_owned()]),
        construct: None,
        reason: format!("`{}` in `{file}`, for {tool}", clip(rule)),
        owner: None,
        until,
    };
    Setting { files, comment }
}

/// A file of settings in YAML or JSON.
fn settings_file(read: &impl Fn(&str) -> Option<Arc<[u8]>>, file: &str) -> Option<yaml::Yaml> {
    let text = read(file)?;
    let whole = Span::new(FileId(0), TextRange::of(0, text.len()));
    Some(yaml::parse(Derived::verbatim(text.to_vec(), whole)).tree)
}

/// `.trivyignore.yaml`: ids by kind, each with the globs and the last day of it.
fn trivy(read: &impl Fn(&str) -> Option<Arc<[u8]>>, file: &str) -> Vec<Setting> {
    let Some(parsed) = settings_file(read, file) else { return Vec::new() };
    let root = parsed.root();
    let entries = root.and_then(|root| root.get("misconfigurations"));
    let of = |entry: yaml::Value<'_>| {
        let rule = entry.get("id")?.text()?;
        let until = match entry.get("expired_at") {
            // A day, or a time of it.
            Some(day) => Some(Date::parse(day.text()?.get(..10)?)?),
            None => None,
        };
        let files = match entry.get("paths") {
            Some(paths) => Files::Globs(globs(paths.items().filter_map(|path| path.text()))),
            None => Files::All,
        };
        Some(setting(files, file, "trivy", rule, until))
    };
    let entries = entries.iter().flat_map(|list| list.items()).take(MAX_COMMENTS);
    entries.filter_map(of).collect()
}

/// `zizmor.yml`: of each rule whether it is switched off, or the workflows, by the name of their
/// file, or the lines of them in which it is.
fn zizmor(read: &impl Fn(&str) -> Option<Arc<[u8]>>, file: &str) -> Vec<Setting> {
    let Some(parsed) = settings_file(read, file) else { return Vec::new() };
    let rules = parsed.root().and_then(|root| root.get("rules"));
    let rules = rules.map(|rules| rules.entries()).unwrap_or_default();
    let mut found = Vec::new();
    let mut workflows: BTreeMap<String, Vec<TextRange>> = BTreeMap::new();
    for (rule, of) in rules {
        let Some(rule) = rule.text() else { continue };
        if of.get("disable").and_then(|disable| disable.bool()) == Some(true) {
            found.push(setting(Files::All, file, "zizmor", rule, None));
        }
        let ignored = of.get("ignore");
        for place in ignored.iter().flat_map(|list| list.items()).filter_map(|item| item.text()) {
            if found.len() >= MAX_COMMENTS {
                return found;
            }
            // `name`, `name:line` or `name:line:column`.
            let mut parts = place.split(':');
            let path = format!(".github/workflows/{}", parts.next().unwrap_or_default());
            let line = match parts.next().map(str::parse::<usize>) {
                None => None,
                Some(Ok(line)) => Some(line),
                Some(Err(_)) => continue,
            };
            let mut setting = setting(Files::One(path.clone()), file, "zizmor", rule, None);
            if let Some(line) = line {
                let ranges = workflows.entry(path).or_insert_with_key(|path| {
                    let text = read(path);
                    let lines = lines(text.as_deref().unwrap_or_default()).into_iter();
                    lines.map(|(at, line)| TextRange::of(at, at + line.len())).collect()
                });
                let Some(range) = line.checked_sub(1).and_then(|line| ranges.get(line)) else {
                    continue;
                };
                setting.comment.construct = Some(*range);
                setting.comment.reason = format!("`{}` in `{file}`, for zizmor", clip(place));
            }
            found.push(setting);
        }
    }
    found
}

/// `kics.config`, in any of the formats in which KICS reads it: queries that are not asked, and
/// files of which none is.
fn kics(read: &impl Fn(&str) -> Option<Arc<[u8]>>) -> Vec<Setting> {
    const FILE: &str = "kics.config";
    let listed = |key: &str| -> Vec<String> {
        // A list, or one text with commas.
        let divide = |text: &str| -> Vec<String> {
            text.split(',').map(|part| part.trim().to_owned()).filter(|p| !p.is_empty()).collect()
        };
        let parsed = settings_file(read, FILE);
        let root = parsed.as_ref().and_then(|parsed| parsed.root());
        if let Some(value) = root.and_then(|root| root.get(key)) {
            let items = value.items().filter_map(|item| item.text()).flat_map(divide);
            return value.text().map(divide).into_iter().flatten().chain(items).collect();
        }
        let Some(text) = read(FILE) else { return Vec::new() };
        let whole = Span::new(FileId(0), TextRange::of(0, text.len()));
        // Its HCL is TOML, too: names, `=`, texts and lists.
        let parsed = toml::parse(&Derived::verbatim(text.to_vec(), whole));
        let Some(value) = parsed.tree.root().at(&[key]) else { return Vec::new() };
        let items = value.items().filter_map(|item| item.text()).flat_map(divide);
        value.text().map(divide).into_iter().flatten().chain(items).collect()
    };
    let queries = listed("exclude-queries").into_iter().take(MAX_COMMENTS);
    let mut found: Vec<Setting> =
        queries.map(|query| setting(Files::All, FILE, "kics", &query, None)).collect();
    let paths = listed("exclude-paths");
    if !paths.is_empty() {
        let below = paths.iter().map(|path| format!("{}/**", path.trim_end_matches('/')));
        let below: Vec<String> = below.take(MAX_GLOBS).collect();
        let globs = globs(paths.iter().take(MAX_GLOBS).chain(&below).map(|path| &**path));
        let mut of_files = setting(Files::Globs(globs), FILE, "kics", "exclude-paths", None);
        of_files.comment.accepts = Accepts::Rules("kics", Vec::new());
        found.push(of_files);
    }
    found
}

fn globs<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<String> {
    let short = paths.filter(|path| path.len() <= MAX_GLOB);
    short.take(2 * MAX_GLOBS).map(str::to_owned).collect()
}

/// Whether a rule that somebody names is the one that we know as `ours`: each tool has ways to
/// write its ids.
pub(crate) fn is_rule(tool: &str, given: &str, ours: &str) -> bool {
    match tool {
        // `AVD-DS-0002`, `DS-0002` and `DS002` are one.
        "trivy" => {
            let key = |id: &str| {
                let id = id.to_ascii_uppercase();
                let id = id.strip_prefix("AVD-").unwrap_or(&id).replace('-', "");
                let digits = id.find(|c: char| c.is_ascii_digit())?;
                let (letters, number) = id.split_at_checked(digits)?;
                Some((letters.to_owned(), number.parse::<u32>().ok()?))
            };
            key(given).is_some() && key(given) == key(ours)
        }
        // The first eight digits name a query.
        "kics" => given == ours || ours.len() >= 8 && given.starts_with(ours),
        "semgrep" => given.rsplit('.').next() == ours.rsplit('.').next(),
        _ => given.eq_ignore_ascii_case(ours),
    }
}

/// A word of a comment, cut to what a message has room for.
fn clip(text: &str) -> String {
    const MAX: usize = 40;
    if text.chars().count() <= MAX {
        return text.to_owned();
    }
    format!("{}…", text.chars().take(MAX - 1).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The comments of a text, a line each: `what @ lines: reason (until day)`; what is wrong last.
    fn shown(path: &str, text: &str) -> String {
        let (found, wrong) = read(path, text.as_bytes());
        let line = |at: u32| text[..at as usize].matches('\n').count() + 1;
        let mut out = String::new();
        for comment in found {
            let what = match &comment.accepts {
                Accepts::Check(id) => id.clone(),
                Accepts::Rules(tool, rules) => format!("{tool}:{}", rules.join("+")),
            };
            let lines = match comment.construct {
                None => "all".to_owned(),
                Some(range) if range.is_empty() => "nothing".to_owned(),
                Some(range) => format!("{}-{}", line(range.start), line(range.end - 1)),
            };
            let until = comment.until.map(|day| format!(" until {day}")).unwrap_or_default();
            let ours = matches!(comment.accepts, Accepts::Check(_));
            let why = if ours { format!(": {}", comment.reason) } else { String::new() };
            out += &format!("{what} @ {lines}{why}{until}\n");
        }
        for trouble in wrong {
            out += &format!("! {}: {}\n", line(trouble.at.start), trouble.says);
        }
        out
    }

    #[track_caller]
    fn check(path: &str, text: &str, expected: &[&str]) {
        let shown = shown(path, text);
        assert_eq!(shown.lines().collect::<Vec<_>>(), expected);
    }

    const ADDS: &str = "build/copies-not-adds";

    #[test]
    fn a_comment_speaks_of_the_next_construct() {
        check(
            "Dockerfile",
            "FROM a\n# plimsoll: accept build/copies-not-adds, image/pinned-digest -- one -- two\n\n\
             # more\nRUN x \\\n  # in between\n\n  && y\nRUN z # plimsoll: accept x -- no comment here\n",
            &["build/copies-not-adds @ 5-8: one -- two", "image/pinned-digest @ 5-8: one -- two"],
        );
        check(
            "Dockerfile",
            "# plimsoll: accept build/copies-not-adds -- x\nRUN <<EOF\na\n\nb\nEOF\nRUN c\n",
            &["build/copies-not-adds @ 1-6: x"],
        );
        check(
            "compose.yaml",
            "services:\n  # plimsoll: accept build/copies-not-adds until 2027-01-31 by @a -- x\n  a:\n    \
             image: b\n\n    ports:\n    - 80 # plimsoll: accept image/pinned-digest -- y\n  c:\n",
            &["build/copies-not-adds @ 3-7: x until 2027-01-31", "image/pinned-digest @ 7-7: y"],
        );
        check(
            "a.sh",
            "#!/bin/sh\n# plimsoll: accept build/copies-not-adds -- x\nls\n",
            &["build/copies-not-adds @ 1-3: x"],
        );
        check(
            "a.sh",
            "ls\n# plimsoll: accept build/copies-not-adds -- x\n",
            &["build/copies-not-adds @ nothing: x"],
        );
    }

    #[test]
    fn every_format_has_its_comments() {
        let of = |opener: &str, closer: &str| {
            format!("x\n{opener} plimsoll: accept {ADDS} -- why{closer}\ny\nz\n")
        };
        for path in [
            ".env",
            "a.toml",
            "Makefile",
            "a.sh",
            "a.yml",
            "nginx.conf",
            "Caddyfile",
            "Dockerfile.dev",
        ] {
            check(path, &of("#", ""), &["build/copies-not-adds @ 3-3: why"]);
            check(path, &of("//", ""), &[]);
        }
        for path in ["a.ts", "b.js"] {
            check(path, &of("//", ""), &["build/copies-not-adds @ 3-3: why"]);
        }
        for path in ["a.ts", "b.css", "c.sql", "d.tf", "Jenkinsfile"] {
            check(path, &of("/*", " */"), &["build/copies-not-adds @ 3-3: why"]);
        }
        for path in ["a.py", "requirements.txt", "requirements/base.txt", ".dockerignore"] {
            check(path, &of("#", ""), &["build/copies-not-adds @ 3-3: why"]);
        }
        check("go.mod", &of("//", ""), &["build/copies-not-adds @ 3-3: why"]);
        check("pgbouncer.ini", &of(";", ""), &["build/copies-not-adds @ 3-3: why"]);
        check("notes.txt", &of("#", ""), &[]);
        let behind = |opener: &str| format!("x {opener} plimsoll: accept {ADDS} -- why\n");
        check(".dockerignore", &behind("#"), &[]);
        check("a.py", &behind("#"), &["build/copies-not-adds @ 1-1: why"]);
        check(
            "a.tsx",
            &format!("{{/* plimsoll: accept {ADDS} -- why */}}\n<a/>\n"),
            &["build/copies-not-adds @ 1-2: why"],
        );
        check("a.sql", &of("--", ""), &["build/copies-not-adds @ 3-3: why"]);
        check("a.md", &of("<!--", " -->"), &["build/copies-not-adds @ 3-4: why"]);
        check("a.json", &of("#", ""), &[]);
        check("a.sh", &of("echo a#", ""), &[]);
    }

    #[test]
    fn a_file_is_accepted_at_its_top() {
        check(
            "Dockerfile",
            "# syntax=docker/dockerfile:1\n\n# plimsoll: accept-file build/copies-not-adds -- x\nFROM a\n\
             # plimsoll: accept-file build/copies-not-adds -- y\n",
            &[
                "build/copies-not-adds @ all: x",
                "! 5: `accept-file` stands at the top of a file, above all else",
            ],
        );
    }

    #[test]
    fn what_cannot_be_followed_is_said() {
        for (comment, says) in [
            ("accept build/copies-not-adds", "it gives no reason: end it with ` -- ` and why"),
            ("accept build/copies-not-adds --", "it gives no reason: end it with ` -- ` and why"),
            ("accept build/copies-not-adds -- ", "it gives no reason: end it with ` -- ` and why"),
            (
                "accept build/copy-not-adds -- x",
                "there is no check `build/copy-not-adds`: did you mean `build/copies-not-adds`?",
            ),
            (
                "accept build/copies-not-adds until soon -- x",
                "`soon` is no date: write the last day, `2027-01-31`",
            ),
            (
                "accept -- x",
                "it names no check: write `plimsoll: accept CHECK [until YYYY-MM-DD] [by OWNER] -- REASON`",
            ),
            (
                "ignore a -- x",
                "neither `accept` nor `accept-file`: write `plimsoll: accept CHECK [until YYYY-MM-DD] [by OWNER] -- REASON`",
            ),
        ] {
            check("a.sh", &format!("# plimsoll: {comment}\nls\n"), &[&format!("! 1: {says}")]);
        }
    }

    #[test]
    fn comments_for_other_tools_are_read() {
        check(
            "Dockerfile",
            "# check=skip=JSONArgsRecommended,StageNameCasing;error=true\n# hadolint global ignore=DL3003\n\
             FROM a\n# hadolint ignore=DL3008, SC2086 # why\nRUN b\n# trivy:ignore:AVD-DS-0002:exp:2027-01-01\n\
             USER c\n#checkov:skip=CKV_DOCKER_3:because\n",
            &[
                "buildkit:JSONArgsRecommended+StageNameCasing @ all",
                "hadolint:DL3003 @ all",
                "hadolint:DL3008+SC2086 @ 5-5",
                "trivy:AVD-DS-0002 @ 7-7 until 2027-01-01",
                "checkov:CKV_DOCKER_3 @ all",
            ],
        );
        check(
            ".github/workflows/a.yml",
            "# kics-scan disable=bb9ac4f7-e13b-423d\non: push\njobs:\n  # kics-scan ignore-block\n  a:\n    b: c\n\
             # kics-scan ignore-line\n  d: e # zizmor: ignore[artipacked,template-injection]\n\
             f: g # nosemgrep: x.y.z, w\nh: i # nosemgrep\n",
            &[
                "kics:bb9ac4f7-e13b-423d @ all",
                "kics: @ 5-6",
                "kics: @ 8-8",
                "zizmor:artipacked+template-injection @ 8-8",
                "semgrep:x.y.z+w @ 9-9",
                "semgrep: @ 10-10",
            ],
        );
    }

    /// What the tool itself would not follow silences nothing.
    #[test]
    fn comments_that_their_tool_does_not_follow_are_none() {
        // Directives end at the first line that is none.
        check("Dockerfile", "# hello\n# check=skip=all\nFROM a\n", &[]);
        check("Dockerfile", "\n# check=skip=all\nFROM a\n", &[]);
        check(
            "Dockerfile",
            "# syntax=docker/dockerfile:1\n# check=skip=all\nFROM a\n",
            &["buildkit: @ all"],
        );
        // hadolint looks at the line above an instruction only.
        check("Dockerfile", "FROM a\n# hadolint ignore=DL3008\n\nRUN b\n", &[]);
        check("Dockerfile", "FROM a\n# hadolint ignore=DL3008\n# why\nRUN b\n", &[]);
        // KICS reads commands for a file above all else in it.
        check("a.yml", "a: b\n# kics-scan disable=bb9ac4f7\nc: d\n", &[]);
        check("a.yml", "a: b # nosemble\n", &[]);
    }

    #[test]
    fn settings_of_other_tools_are_read() {
        let files = [
            (".hadolint.yaml", "ignored:\n  - DL3008\n  - [DL3009]\noverride:\n  info: [DL3002]\n"),
            (".checkov.yml", "skip-check: [CKV_DOCKER_3]\n"),
            (
                ".trivyignore",
                "# why\nAVD-DS-0002\nDS-0005 exp:2027-01-31 # x\nDS-0009 until:then\n\n",
            ),
            (
                ".trivyignore.yaml",
                "misconfigurations:\n  - id: DS-0001\n    paths: [a/Dockerfile, 'b/**']\n    \
                 expired_at: 2027-01-31\n  - id: DS-0002\n    expired_at: soon\n  - statement: x\n\
                 vulnerabilities:\n  - id: CVE-2024-1\n",
            ),
            (
                ".github/zizmor.yml",
                "rules:\n  artipacked:\n    disable: true\n  unpinned-uses:\n    ignore:\n      \
                 - a.yml:2\n      - a.yml:9\n      - b.yml\n      - c.yml:x\n",
            ),
            (".github/workflows/a.yml", "on: push\njobs: {}\n"),
            (
                "kics.config",
                "exclude-queries = \"f1, f2\"\n\"exclude-paths\" = [\"tests/\", \"./x.yml\"]\n",
            ),
        ];
        let read = |name: &str| {
            let found = files.iter().find(|(file, _)| *file == name);
            found.map(|(_, text)| Arc::from(text.as_bytes()))
        };
        let shown = |of: &Setting| {
            let Accepts::Rules(tool, rules) = &of.comment.accepts else { return String::new() };
            let until = of.comment.until.as_ref().map(|day| format!(" until {day}"));
            let only = match &of.files {
                Files::All => String::new(),
                Files::Dockerfiles => " in Dockerfiles".to_owned(),
                Files::One(path) => format!(" in {path}"),
                Files::Globs(globs) => format!(" in {}", globs.join(" ")),
            };
            let only = match of.comment.construct {
                Some(at) => format!("{only} at {}-{}", at.start, at.end),
                None => only,
            };
            format!("{tool}:{}{}{only}", rules.join("+"), until.unwrap_or_default())
        };
        let found: Vec<String> = settings(read).iter().map(shown).collect();
        assert_eq!(
            found,
            [
                "hadolint:DL3008 in Dockerfiles",
                "checkov:CKV_DOCKER_3",
                "trivy:AVD-DS-0002",
                "trivy:DS-0005 until 2027-01-31",
                "trivy:DS-0001 until 2027-01-31 in a/Dockerfile b/**",
                "zizmor:artipacked",
                "zizmor:unpinned-uses in .github/workflows/a.yml at 9-18",
                "zizmor:unpinned-uses in .github/workflows/b.yml",
                "kics:f1",
                "kics:f2",
                "kics: in tests/ ./x.yml tests/** ./x.yml/**",
            ]
        );
        for text in [
            "{\"exclude-queries\": [\"f1,f2\"], \"exclude-paths\": \"tests/\"}",
            "exclude-queries:\n  - f1\n  - f2\nexclude-paths: tests/\n",
        ] {
            let read = |name: &str| (name == "kics.config").then(|| Arc::from(text.as_bytes()));
            let found: Vec<String> = settings(read).iter().map(shown).collect();
            assert_eq!(found, ["kics:f1", "kics:f2", "kics: in tests/ tests/**"], "{text}");
        }
        assert!(settings(|_| Some(Arc::from(&b"\xff: ["[..]))).len() < 2);
    }

    #[test]
    fn ids_have_several_forms() {
        for (tool, given, ours) in [
            ("trivy", "AVD-DS-0002", "DS-0002"),
            ("trivy", "ds002", "DS-0002"),
            ("kics", "bb9ac4f7-e13b-423d-a010-c74a1bfbe492", "bb9ac4f7"),
            ("semgrep", "dockerfile.security.missing-user", "missing-user"),
            ("hadolint", "dl3008", "DL3008"),
        ] {
            assert!(is_rule(tool, given, ours), "{tool} {given}");
        }
        assert!(!is_rule("trivy", "DS-0020", "DS-0002") && !is_rule("kics", "bb", "bb9ac4f7"));
    }

    #[test]
    fn no_text_is_too_odd() {
        let deep: String = (0..3_000)
            .map(|i| {
                format!(
                    "{}# plimsoll: accept x -- y\n{}a:\n",
                    " ".repeat(i % 90),
                    " ".repeat(i % 90)
                )
            })
            .collect();
        let (found, _) = read("a.yml", deep.as_bytes());
        assert!(found.is_empty());
        for cut in 0..3 {
            let bytes = &deep.as_bytes()[..deep.len() - cut];
            read("a.yml", bytes);
        }
        read("Dockerfile", b"# plimsoll: accept\xff build -- x\nRUN <<\xff");
        read("Dockerfile", "RUN <<é\n# plimsoll: accept-file é -- é".as_bytes());
    }
}
