//! How deep a JavaScript text nests, told before a recursive parser sees it.
//!
//! Two bounds, either of which is enough for the parser's stack. Few openers: however they nest, the
//! stack holds them; nothing about strings or comments has to be right. Many openers: strings,
//! comments, templates and regular expressions are skipped, brackets and what nests without them
//! (`!!!!x`, `a ? b : c ? d`, `a = b = c`, `if … else if`, `<T<T>>`) are counted.

use crate::MAX_DEPTH;

/// So many openers fit into the stack, whatever they mean.
const FEW: usize = 12_000;
/// So many levels may stand within one statement without brackets.
const CHAIN: usize = 4096;
/// So many `name<` may stand open at once: the parser tries each as type arguments and goes back.
const ANGLES: usize = 24;

/// Whether the text nests deeper than the parser may follow. Linear.
pub(super) fn is_too_deep(text: &[u8]) -> bool {
    let depth = measure(text);
    depth.brackets > MAX_DEPTH
        || depth.template > 64
        || depth.angles > ANGLES
        || (depth.all > CHAIN && openers(text) > FEW)
}

/// Whether so little may begin a level that a thread's usual stack is enough: half a MiB of it.
pub(super) fn is_shallow(text: &[u8]) -> bool {
    text.len() <= 1024 && openers(text) <= 48
}

/// Bytes and words that may begin a level.
fn openers(text: &[u8]) -> usize {
    let mut count = 0usize;
    let mut index = 0;
    while let Some(&byte) = text.get(index) {
        if byte.is_ascii_alphabetic() {
            let start = index;
            while text.get(index).is_some_and(|&b| is_word(b)) {
                index += 1;
            }
            count += usize::from(is_prefix(&text[start..index]));
            continue;
        }
        count += usize::from(is_opener(byte));
        index += 1;
    }
    count
}

fn is_opener(byte: u8) -> bool {
    matches!(
        byte,
        b'(' | b'[' | b'{' | b'<' | b'!' | b'~' | b'?' | b'=' | b'*' | b':' | b'+' | b'-' | b'@'
    )
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// Words that begin a level without a bracket.
fn is_prefix(word: &[u8]) -> bool {
    matches!(
        word,
        b"typeof"
            | b"void"
            | b"delete"
            | b"await"
            | b"yield"
            | b"new"
            | b"if"
            | b"else"
            | b"for"
            | b"while"
            | b"do"
            | b"with"
            | b"keyof"
            | b"unique"
            | b"readonly"
            | b"infer"
            | b"extends"
            | b"async"
            | b"import"
            | b"asserts"
            | b"function"
            | b"class"
            | b"case"
    )
}

#[derive(Default)]
struct Depth {
    brackets: usize,
    template: usize,
    angles: usize,
    all: usize,
}

/// The deepest nesting, as a lexer that guesses at regular expressions sees it.
fn measure(text: &[u8]) -> Depth {
    let mut most = Depth::default();
    // What is open: its bracket (`$` for `${`), and the levels without brackets in it.
    let mut open: Vec<(u8, usize)> = vec![(b' ', 0)];
    let (mut all, mut templates, mut angles) = (0usize, 0usize, 0usize);
    // Whether a value stands before: a slash then divides.
    let mut value = false;
    // No regular expression ends before here.
    let mut no_regex = 0;
    let mut index = 0;
    while let Some(&byte) = text.get(index) {
        index += 1;
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => continue,
            b'/' if text.get(index) == Some(&b'/') => {
                index = memchr::memchr(b'\n', &text[index..]).map_or(text.len(), |at| index + at);
                continue;
            }
            b'/' if text.get(index) == Some(&b'*') => {
                let end = memchr::memmem::find(&text[index..], b"*/");
                index = end.map_or(text.len(), |at| index + at + 2);
                continue;
            }
            b'/' if !value => {
                if index >= no_regex {
                    match regex_end(text, index) {
                        Ok(end) => index = end,
                        Err(line) => no_regex = line,
                    }
                }
                value = true;
                continue;
            }
            b'"' | b'\'' => {
                index = string_end(text, index, byte);
                value = true;
                continue;
            }
            b'`' => {
                let (end, inside) = template_end(text, index);
                index = end;
                if inside {
                    open.push((b'$', 0));
                    templates += 1;
                }
                value = !inside;
            }
            b'(' | b'[' | b'{' => {
                open.push((byte, 0));
                value = false;
            }
            b')' | b']' | b'}' => {
                let template = open.last().is_some_and(|(bracket, _)| *bracket == b'$');
                if open.len() > 1
                    && let Some((_, levels)) = open.pop()
                {
                    all -= levels;
                }
                value = true;
                if byte == b'}' && template {
                    let (end, inside) = template_end(text, index);
                    index = end;
                    if inside {
                        open.push((b'$', 0));
                        value = false;
                    } else {
                        templates = templates.saturating_sub(1);
                    }
                }
            }
            b'<' if index > 1 && text.get(index - 2).is_some_and(|&b| is_word(b)) => {
                angles += 1;
                value = false;
            }
            b'>' if index > 1 && text.get(index - 2) != Some(&b'=') => {
                angles = angles.saturating_sub(1);
                value = true;
            }
            b';' => {
                angles = 0;
                if let Some((_, levels)) = open.last_mut() {
                    all -= *levels;
                    *levels = 0;
                }
                value = false;
            }
            byte if is_word(byte) => {
                let start = index - 1;
                while text.get(index).is_some_and(|&b| is_word(b)) {
                    index += 1;
                }
                let word = &text[start..index];
                if is_prefix(word) {
                    all += 1;
                    if let Some((_, levels)) = open.last_mut() {
                        *levels += 1;
                    }
                }
                value = !is_prefix(word) && !matches!(word, b"return" | b"throw" | b"in" | b"of");
            }
            byte => {
                if is_opener(byte) {
                    all += 1;
                    if let Some((_, levels)) = open.last_mut() {
                        *levels += 1;
                    }
                }
                value = false;
            }
        }
        most.brackets = most.brackets.max(open.len() - 1);
        most.template = most.template.max(templates);
        most.angles = most.angles.max(angles);
        most.all = most.all.max(all + open.len());
    }
    most
}

/// Past the end of a string that began before `at`; strings end with their line.
fn string_end(text: &[u8], mut at: usize, quote: u8) -> usize {
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'\\' => at += 1,
            b'\n' => return at,
            byte if byte == quote => return at,
            _ => {}
        }
    }
    text.len()
}

/// Past the end of a regular expression, where one ends on this line; else the line's end.
fn regex_end(text: &[u8], mut at: usize) -> Result<usize, usize> {
    let mut class = false;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'\\' => at += 1,
            b'\n' => return Err(at),
            b'[' => class = true,
            b']' => class = false,
            b'/' if !class => return Ok(at),
            _ => {}
        }
    }
    Err(text.len())
}

/// Past the end of a template's text, and whether a `${` ended it.
fn template_end(text: &[u8], mut at: usize) -> (usize, bool) {
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'\\' => at += 1,
            b'`' => return (at, false),
            b'$' if text.get(at) == Some(&b'{') => return (at + 1, true),
            _ => {}
        }
    }
    (text.len(), false)
}

#[cfg(test)]
mod tests {
    use plimsoll_source::FileId;

    use super::is_shallow;
    use crate::javascript::read_here;

    /// On the stack that a test has, 2 MiB.
    #[test]
    fn what_is_shallow_needs_no_stack_of_its_own() {
        for level in ["(", "[", "{a:", "!", "-", "a?", "`${", "a=>", "if(a)", "a<", "new ", "@"] {
            let most = (1..200).map(|n| level.repeat(n)).rfind(|t| is_shallow(t.as_bytes()));
            let text = most.expect("one level is shallow");
            let _ = read_here("x.ts", FileId(0), text.as_bytes());
        }
        assert!(!is_shallow("(".repeat(49).as_bytes()) && !is_shallow(&[b' '; 1025]));
    }
}
