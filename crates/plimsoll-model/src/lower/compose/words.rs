//! Words of a command line as compose splits it: quotes and backslashes, no expansion.

use std::ops::Range;

/// The words of a line, each with its bytes in the line. What is not closed ends with the line.
pub(super) fn split(line: &str) -> Vec<(String, Range<usize>)> {
    let mut words = Vec::new();
    let mut word: Option<(String, usize)> = None;
    let mut quote = None;
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (None, c) if c.is_ascii_whitespace() => {
                words.extend(word.take().map(|(text, start)| (text, start..at)));
                continue;
            }
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert((String::new(), at));
                continue;
            }
            (Some(open), c) if c == open => {
                quote = None;
                continue;
            }
            _ => {}
        }
        let text = &mut word.get_or_insert((String::new(), at)).0;
        if c == '\\' && quote != Some('\'') {
            match chars.next() {
                // Within double quotes a backslash escapes these only.
                Some((_, next)) if quote.is_some() && !matches!(next, '"' | '\\' | '$' | '`') => {
                    text.extend(['\\', next]);
                }
                Some((_, next)) => text.push(next),
                None => text.push('\\'),
            }
        } else {
            text.push(c);
        }
    }
    words.extend(word.map(|(text, start)| (text, start..line.len())));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_into_words() {
        let check = |line: &str, expected: &[&str]| {
            let words = split(line);
            let texts: Vec<_> = words.iter().map(|(word, _)| &**word).collect();
            assert_eq!(texts, expected, "{line}");
            for (_, range) in words {
                assert!(line.get(range).is_some(), "{line}");
            }
        };
        check("  a  b\tc ", &["a", "b", "c"]);
        check(r#"sh -c "echo \"hi\" \n 'x'" ''"#, &["sh", "-c", r#"echo "hi" \n 'x'"#, ""]);
        check(r"a\ b 'c\d'e", &["a b", r"c\de"]);
        check("'open é", &["open é"]);
        check("end\\", &["end\\"]);
        check("", &[]);
    }
}
