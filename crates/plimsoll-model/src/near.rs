//! Words that someone may have meant.

/// The word that `text` was most likely meant to be: at most a third of its letters differ.
#[must_use]
pub fn nearest<'a>(text: &str, words: &[&'a str]) -> Option<&'a str> {
    let near = words.iter().map(|word| (distance(text, word), *word)).min()?;
    let allowed = near.1.chars().count().div_ceil(3);
    (near.0 <= allowed).then_some(near.1)
}

/// Whether a text is a word that was mistyped: it may be put right without asking what is meant.
#[must_use]
pub fn is_slip(text: &str, word: &str) -> bool {
    distance(text, word) <= 2
}

/// How many letters must be put in, taken out, changed or swapped with their neighbour. Texts
/// longer than any name of ours are all equally far.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len() > 100 {
        return usize::MAX;
    }
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let changed = rows[i][j] + usize::from(from != to);
            let mut best = changed.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *to && *from == b[j - 1] {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
