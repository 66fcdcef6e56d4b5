//! Makefiles: their targets, each as the shell program that its recipe is.
//!
//! Source of the rules: the GNU make manual, «Writing Rules», «Writing Recipes», «How to Use
//! Variables». Conditionals are read as if both sides held, and functions are not evaluated; a
//! reference that is not understood is left to the shell as a variable of that name.

use foldhash::HashMap;
use plimsoll_source::{Derived, DerivedBuilder, Span, TextRange};

/// The most targets that are read of one Makefile.
const MAX_TARGETS: usize = 2_000;
/// The most bytes a variable may grow to.
const MAX_VALUE: usize = 4 * 1024;

/// A target that has a recipe or prerequisites.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Its name.
    pub(super) name: String,
    /// What it needs, in order.
    pub(super) needs: Vec<String>,
    /// Its recipe as a shell program; lines that make guards with `-` end in `|| true`.
    pub(super) recipe: Derived,
}

/// A Makefile.
#[derive(Clone, Debug, Default)]
pub(super) struct Makefile {
    /// Its targets, in order.
    pub(super) targets: Vec<Target>,
    /// `.ONESHELL`: a recipe's lines share a shell.
    pub(super) one_shell: bool,
}

/// Whether a file of this name is a Makefile.
pub(super) fn is_makefile(name: &str) -> bool {
    matches!(name, "Makefile" | "makefile" | "GNUmakefile") || name.ends_with(".mk")
}

/// Reads a Makefile.
pub(super) fn parse(text: &Derived) -> Makefile {
    let bytes = text.text();
    let lines = logical_lines(bytes);
    let mut variables: HashMap<String, String> = HashMap::default();
    for line in &lines {
        if let Some((name, value, append)) = assignment(line.slice(bytes)) {
            let old = variables.entry(name).or_default();
            if append && old.len() + value.len() < MAX_VALUE {
                old.push(' ');
                old.push_str(&value);
            } else if !append {
                *old = value;
            }
        }
    }
    let mut file = Makefile::default();
    let mut current: Vec<(String, Vec<String>, Span)> = Vec::new();
    let mut recipe: Vec<TextRange> = Vec::new();
    let mut defining = false;
    for line in &lines {
        let content = line.slice(bytes);
        let words = content.trim_ascii();
        if defining || words.starts_with(b"define ") {
            defining = !words.starts_with(b"endef");
            continue;
        }
        if content.first() == Some(&b'\t') {
            if !current.is_empty() && !words.is_empty() {
                recipe.push(*line);
            }
            continue;
        }
        if words.is_empty() || words.starts_with(b"#") || assignment(content).is_some() {
            continue;
        }
        if words.starts_with(b".ONESHELL") {
            file.one_shell = true;
        }
        let Some(colon) = colon(content) else { continue };
        flush(&mut file, text, &mut current, &mut recipe, &variables);
        let rest = &content[colon..];
        let rest = rest.strip_prefix(b"::").or_else(|| rest.strip_prefix(b":")).unwrap_or(rest);
        let (needs, inline) = match memchr::memchr(b';', rest) {
            Some(at) => {
                (&rest[..at], Some(line.end - u32::try_from(rest.len() - at - 1).unwrap_or(0)))
            }
            None => (rest, None),
        };
        let needs = String::from_utf8_lossy(needs);
        let needs = needs.split('#').next().unwrap_or("");
        // `target: NAME = value` sets a variable for the target.
        let needs: Vec<String> = if needs.contains('=') {
            Vec::new()
        } else {
            needs
                .split_whitespace()
                .filter(|w| *w != "|" && *w != "\\")
                .map(str::to_owned)
                .collect()
        };
        let span = text.span(*line);
        let names = expand_text(&String::from_utf8_lossy(&content[..colon]), &variables, 0);
        current = names
            .split_whitespace()
            .filter(|name| !name.starts_with('.') && !name.contains('$'))
            .take(16)
            .map(|name| (name.to_owned(), needs.clone(), span))
            .collect();
        if let Some(start) = inline {
            recipe.push(TextRange::new(start.min(line.end), line.end));
        }
    }
    flush(&mut file, text, &mut current, &mut recipe, &variables);
    file
}

/// Lines with their continuations, without the last line end.
fn logical_lines(bytes: &[u8]) -> Vec<TextRange> {
    let mut lines = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', bytes).chain([bytes.len()]) {
        let line = bytes[start..end].strip_suffix(b"\r").unwrap_or(&bytes[start..end]);
        let slashes = line.iter().rev().take_while(|&&b| b == b'\\').count();
        if slashes % 2 == 0 || end == bytes.len() {
            lines.push(TextRange::of(start, end));
            start = (end + 1).min(bytes.len());
        }
    }
    lines
}

/// `NAME = value` and its kin: the name, the value, whether it appends.
fn assignment(line: &[u8]) -> Option<(String, String, bool)> {
    if line.first() == Some(&b'\t') {
        return None;
    }
    let equals = memchr::memchr(b'=', line)?;
    let head = &line[..equals];
    let append = head.ends_with(b"+");
    let name = String::from_utf8_lossy(head);
    let name = name.trim_end_matches(['+', '?', ':', '!']).trim();
    let name =
        name.strip_prefix("export ").or_else(|| name.strip_prefix("override ")).unwrap_or(name);
    let plain = !name.is_empty()
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let value = String::from_utf8_lossy(&line[equals + 1..]).replace("\\\n", " ");
    let value = value.split(" #").next().unwrap_or("").trim().to_owned();
    (plain && value.len() < MAX_VALUE).then(|| (name.trim().to_owned(), value, append))
}

/// The colon that ends a rule's targets.
fn colon(line: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    for (at, &byte) in line.iter().enumerate() {
        match byte {
            b'(' | b'{' => depth += 1,
            b')' | b'}' => depth = depth.saturating_sub(1),
            b'#' if depth == 0 => return None,
            b':' if depth == 0 => return (line.get(at + 1) != Some(&b'=')).then_some(at),
            _ => {}
        }
    }
    None
}

fn flush(
    file: &mut Makefile,
    text: &Derived,
    current: &mut Vec<(String, Vec<String>, Span)>,
    recipe: &mut Vec<TextRange>,
    variables: &HashMap<String, String>,
) {
    let lines = std::mem::take(recipe);
    for (name, needs, span) in current.drain(..) {
        if file.targets.len() >= MAX_TARGETS {
            return;
        }
        let mut builder = DerivedBuilder::new();
        for line in &lines {
            recipe_line(&mut builder, text, *line, &name, &needs, variables);
        }
        file.targets.push(Target { name, needs, recipe: builder.finish(span) });
    }
}

fn recipe_line(
    out: &mut DerivedBuilder,
    text: &Derived,
    line: TextRange,
    target: &str,
    needs: &[String],
    variables: &HashMap<String, String>,
) {
    let bytes = line.slice(text.text());
    let at = |offset: usize| line.start + u32::try_from(offset).unwrap_or(u32::MAX);
    let prefix =
        bytes.iter().take_while(|b| matches!(b, b'\t' | b' ' | b'@' | b'-' | b'+')).count();
    let ignores = bytes[..prefix].contains(&b'-');
    let mut from = prefix;
    let mut copied = prefix;
    while let Some(dollar) = memchr::memchr(b'$', &bytes[from..]).map(|n| from + n) {
        let Some(&next) = bytes.get(dollar + 1) else { break };
        let (end, value) = match next {
            b'$' => (dollar + 2, "$".to_owned()),
            b'@' => (dollar + 2, target.to_owned()),
            b'<' => (dollar + 2, needs.first().cloned().unwrap_or_default()),
            b'^' | b'+' | b'?' => (dollar + 2, needs.join(" ")),
            b'(' | b'{' => {
                let Some(end) = closing(&bytes[dollar + 1..]).map(|n| dollar + 1 + n) else {
                    break;
                };
                let name = String::from_utf8_lossy(&bytes[dollar + 2..end]).into_owned();
                (end + 1, reference(&name, variables, 0))
            }
            other => (dollar + 2, reference(&char::from(other).to_string(), variables, 0)),
        };
        out.append(text, TextRange::new(at(copied), at(dollar)));
        let place = text.span(TextRange::new(at(dollar), at(end)));
        out.computed(value.as_bytes(), place);
        (from, copied) = (end, end);
    }
    out.append(text, TextRange::new(at(copied), line.end));
    let end = text.span(TextRange::new(line.start, line.end));
    out.computed(if ignores { b" || true\n" } else { b"\n" }, end);
}

/// The index of the bracket that closes the one `bytes` starts with.
fn closing(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    for (at, byte) in bytes.iter().enumerate().take(4096) {
        match byte {
            b'(' | b'{' => depth += 1,
            b')' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// What `$(name)` stands for in a recipe.
fn reference(name: &str, variables: &HashMap<String, String>, depth: usize) -> String {
    if let Some(command) = name.strip_prefix("shell ") {
        return format!("$({})", expand_text(command, variables, depth + 1));
    }
    match (name, variables.get(name)) {
        ("MAKE", _) => "make".to_owned(),
        ("CURDIR", _) => "${PWD}".to_owned(),
        (_, Some(value)) if depth < 8 => expand_text(value, variables, depth + 1),
        _ => {
            let name: String =
                name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(64).collect();
            format!("${{{}}}", if name.is_empty() { "make" } else { &name })
        }
    }
}

fn expand_text(value: &str, variables: &HashMap<String, String>, depth: usize) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        let tail = &rest[dollar + 1..];
        let end = closing(tail.as_bytes()).filter(|_| tail.starts_with(['(', '{']));
        rest = match end {
            Some(end) if out.len() < MAX_VALUE => {
                out.push_str(&reference(&tail[1..end], variables, depth));
                &tail[end + 1..]
            }
            _ => {
                out.push('$');
                tail.strip_prefix('$').unwrap_or(tail)
            }
        };
        if out.len() > MAX_VALUE {
            return out;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use plimsoll_source::FileId;

    use super::*;

    fn check(text: &str, expected: &str) {
        let span = Span::new(FileId(0), TextRange::of(0, text.len()));
        let mut dump = String::new();
        for target in parse(&Derived::verbatim(text.as_bytes().to_vec(), span)).targets {
            let recipe = String::from_utf8_lossy(target.recipe.text());
            let _ = writeln!(dump, "{} <- {:?}\n{recipe}", target.name, target.needs);
        }
        assert_eq!(dump.trim_end(), expected.trim_end());
    }

    #[test]
    fn recipes_are_shell_programs_with_variables_put_in() {
        check(
            "IMAGE ?= acme/$(NAME)\nNAME := api\n.PHONY: build\nbuild test: deps | dir # x\n\t@docker build -t $(IMAGE) \\\n\t  $@ $$HOME\n\t-rm $(shell pwd)/x\ndeps: ; npm ci\nX: Y = 1\n",
            "build <- [\"deps\", \"dir\"]\ndocker build -t acme/api \\\n\t  build $HOME\nrm $(pwd)/x || true\n\n\
             test <- [\"deps\", \"dir\"]\ndocker build -t acme/api \\\n\t  test $HOME\nrm $(pwd)/x || true\n\n\
             deps <- []\nnpm ci\n\nX <- []",
        );
    }

    #[test]
    fn variables_that_name_themselves_end() {
        check("A = $(A)\nb:\n\techo $(A) $(foreach x,y,z\n", "b <- []\necho ${A} $(foreach x,y,z");
    }
}
