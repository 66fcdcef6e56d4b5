//! What the user says in `plimsoll.toml`: data, read with places.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use plimsoll_model::Hints;
use plimsoll_model::purpose::PurposeKind;
use toml_edit::{Document, Item, TableLike};

/// The user's policy.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// `root = true`: this directory is a root of its own.
    pub root: bool,
    /// `exclude`: gitignore-style patterns.
    pub exclude: Vec<String>,
    /// What changes the reading: `registries`.
    pub hints: Hints,
    /// `[[accept]]` entries.
    pub accept: Vec<Accept>,
    /// What is audited besides production; from the command line.
    pub purposes: BTreeSet<PurposeKind>,
}

/// A finding that the user accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accept {
    /// The check's id.
    pub check: String,
    /// Only for this service (name), if given.
    pub service: Option<String>,
    /// Only where all evidence against it is at this path or below it, if given.
    pub path: Option<String>,
    /// Why; never empty.
    pub reason: String,
}

/// What is wrong with a configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// Byte range in the configuration's text.
    pub range: Range<usize>,
    /// What is wrong, and what to do.
    pub message: String,
    /// The nearest right word, where one is near.
    pub help: Option<String>,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PolicyError {}

impl Policy {
    /// Reads a `plimsoll.toml`.
    ///
    /// # Errors
    /// Every mistake in it, in text order; nothing is silently left out.
    pub fn parse(text: &str) -> Result<Self, Vec<PolicyError>> {
        let document = Document::parse(text).map_err(|error| {
            let range = error.span().unwrap_or(0..0);
            vec![PolicyError { range, message: error.message().to_owned(), help: None }]
        })?;
        let mut reader = Reader::default();
        let mut policy = Self::default();
        for (key, item) in document.as_table() {
            match key {
                "root" => policy.root = reader.boolean(key, item),
                "exclude" => policy.exclude = reader.texts(key, item),
                "registries" => policy.hints.registries = reader.registries(key, item),
                "accept" => policy.accept = reader.accepts(item),
                _ => reader.unknown_key(document.as_table(), key, &KEYS),
            }
        }
        if reader.errors.is_empty() {
            return Ok(policy);
        }
        reader.errors.sort_by_key(|error| (error.range.start, error.range.end));
        Err(reader.errors)
    }
}

/// Every key, and those of an `[[accept]]`.
const KEYS: [&str; 4] = ["root", "exclude", "registries", "accept"];
const ACCEPT_KEYS: [&str; 4] = ["check", "reason", "service", "path"];

/// Reads values and keeps what is wrong with them.
#[derive(Default)]
struct Reader {
    errors: Vec<PolicyError>,
}

impl Reader {
    fn error(&mut self, range: Option<Range<usize>>, message: String, help: Option<String>) {
        self.errors.push(PolicyError { range: range.unwrap_or(0..0), message, help });
    }

    fn wrong_type(&mut self, key: &str, range: Option<Range<usize>>, wanted: &str, is: &str) {
        self.error(range, format!("`{key}` must be {wanted}, not {}", with_article(is)), None);
    }

    fn unknown_key(&mut self, table: &dyn TableLike, key: &str, known: &[&str]) {
        let at = table.get_key_value(key).and_then(|(key, item)| key.span().or(item.span()));
        let help = nearest(key, known).map_or_else(
            || format!("the keys here are {}", list(known)),
            |near| format!("did you mean `{near}`?"),
        );
        self.error(at, format!("unknown key `{key}`"), Some(help));
    }

    fn boolean(&mut self, key: &str, item: &Item) -> bool {
        item.as_bool().unwrap_or_else(|| {
            self.wrong_type(key, item.span(), "true or false", item.type_name());
            false
        })
    }

    fn text(&mut self, key: &str, item: &Item) -> String {
        match item.as_str() {
            Some(text) if !text.trim().is_empty() => text.to_owned(),
            Some(_) => {
                self.error(item.span(), format!("`{key}` must not be empty"), None);
                String::new()
            }
            None => {
                self.wrong_type(key, item.span(), "a string", item.type_name());
                String::new()
            }
        }
    }

    fn texts(&mut self, key: &str, item: &Item) -> Vec<String> {
        let Some(values) = item.as_array() else {
            self.wrong_type(key, item.span(), "an array of strings", item.type_name());
            return Vec::new();
        };
        let mut texts = Vec::new();
        for value in values {
            match value.as_str() {
                Some(text) if !text.trim().is_empty() => texts.push(text.to_owned()),
                Some(_) => self.error(value.span(), format!("`{key}` holds an empty string"), None),
                None => {
                    let is = value.type_name();
                    self.wrong_type(key, value.span(), "an array of strings", is);
                }
            }
        }
        texts
    }

    fn registries(&mut self, key: &str, item: &Item) -> Vec<String> {
        let registries = self.texts(key, item);
        if let Some(url) = registries.iter().find(|registry| registry.contains("://")) {
            let message = format!("`{url}` is a URL");
            let help = "write the host and what follows it: `registry.example/team`";
            self.error(item.span(), message, Some(help.to_owned()));
        }
        registries
    }

    fn accepts(&mut self, item: &Item) -> Vec<Accept> {
        if let Some(tables) = item.as_array_of_tables() {
            return tables.iter().map(|table| self.accept(table, table.span())).collect();
        }
        let inline = item.as_array().map(|values| values.iter().map(|v| (v.as_inline_table(), v)));
        let Some(values) = inline else {
            self.wrong_type("accept", item.span(), "written `[[accept]]`", item.type_name());
            return Vec::new();
        };
        let mut accepts = Vec::new();
        for (table, value) in values {
            match table {
                Some(table) => accepts.push(self.accept(table, value.span())),
                None => {
                    let is = value.type_name();
                    self.wrong_type("accept", value.span(), "an array of tables", is);
                }
            }
        }
        accepts
    }

    fn accept(&mut self, table: &dyn TableLike, at: Option<Range<usize>>) -> Accept {
        let mut accept =
            Accept { check: String::new(), service: None, path: None, reason: String::new() };
        for (key, item) in table.iter() {
            match key {
                "check" => accept.check = self.check(item),
                "reason" => accept.reason = self.text(key, item),
                "service" => accept.service = Some(self.text(key, item)),
                "path" => accept.path = Some(self.text(key, item)),
                _ => self.unknown_key(table, key, &ACCEPT_KEYS),
            }
        }
        for (key, help) in [
            ("check", "name the check that is accepted: `check = \"area/name\"`"),
            ("reason", "say why it is accepted, for those who read this later"),
        ] {
            if !table.contains_key(key) {
                let message = format!("this entry has no `{key}`");
                self.error(at.clone(), message, Some(help.to_owned()));
            }
        }
        accept
    }

    fn check(&mut self, item: &Item) -> String {
        let id = self.text("check", item);
        let ids: Vec<&str> = crate::all().iter().map(|check| check.id).collect();
        if !id.is_empty() && !ids.contains(&&*id) {
            let help = nearest(&id, &ids).map_or_else(
                || "`plimsoll checks` lists them".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            self.error(item.span(), format!("there is no check `{id}`"), Some(help));
        }
        id
    }
}

fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn with_article(name: &str) -> String {
    let article = if name.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {name}")
}

/// The word that `text` was most likely meant to be: at most a third of its letters differ.
fn nearest<'a>(text: &str, words: &[&'a str]) -> Option<&'a str> {
    let near = words.iter().map(|word| (distance(text, word), *word)).min()?;
    let allowed = near.1.chars().count().div_ceil(3);
    (near.0 <= allowed).then_some(near.1)
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

impl Policy {
    /// The reason of the entry that accepts a finding: its check, its service where one is named,
    /// and, where a path is named, all the evidence that speaks against it.
    pub(crate) fn accepted(
        &self,
        cx: &crate::Cx<'_>,
        check: &str,
        service: Option<&str>,
        evidence: &[crate::Evidence],
    ) -> Option<std::sync::Arc<str>> {
        let path_of = |place: &crate::Place| match place {
            crate::Place::Span(span) => cx.path(span.file).to_owned(),
            crate::Place::File(file) => cx.path(*file).to_owned(),
            crate::Place::AbsentPath(path) => path.clone(),
        };
        let against = || {
            evidence
                .iter()
                .filter(|e| matches!(e.role, crate::Role::Contradicts | crate::Role::Missing))
        };
        self.accept
            .iter()
            .find(|a| {
                a.check == check
                    && a.service.as_deref().is_none_or(|name| service == Some(name))
                    && a.path.as_deref().is_none_or(|path| {
                        against().next().is_some()
                            && against().all(|e| is_at_or_below(&path_of(&e.place), path))
                    })
            })
            .map(|a| a.reason.as_str().into())
    }
}

fn is_at_or_below(path: &str, dir: &str) -> bool {
    let rest = path.strip_prefix(dir.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mistakes of a configuration: the text they stand on, the message, the help.
    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str, &str)]) {
        let errors = Policy::parse(text).err().unwrap_or_default();
        let found: Vec<_> = errors
            .iter()
            .map(|e| (&text[e.range.clone()], &*e.message, e.help.as_deref().unwrap_or("")))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_policy_is_read() {
        let policy = Policy::parse(
            "root = true\nexclude = [\"vendor/\"]\nregistries = ['registry.example/team']\n\
             [[accept]]\ncheck = \"image/pinned-digest\"\nreason = \"mirror\"\nservice = \"a\"\n",
        )
        .expect("it is right");
        assert!(policy.root);
        assert_eq!(policy.exclude, ["vendor/"]);
        assert_eq!(policy.hints.registries, ["registry.example/team"]);
        let accept = Accept {
            check: "image/pinned-digest".to_owned(),
            service: Some("a".to_owned()),
            path: None,
            reason: "mirror".to_owned(),
        };
        assert_eq!(policy.accept, [accept]);
        check("", &[]);
    }

    #[test]
    fn wrong_keys_are_shown_with_the_nearest_right_one() {
        check("exlcude = []", &[("exlcude", "unknown key `exlcude`", "did you mean `exclude`?")]);
        check(
            "colour = 1",
            &[(
                "colour",
                "unknown key `colour`",
                "the keys here are `root`, `exclude`, `registries`, `accept`",
            )],
        );
        check(
            "accept = [{ check = 'build/copies-not-adds', raison = 'x', reason = 'y' }]",
            &[("raison", "unknown key `raison`", "did you mean `reason`?")],
        );
    }

    #[test]
    fn wrong_values_are_shown_in_text_order() {
        check(
            "root = 'yes'\nexclude = ['a', 1, '']\nregistries = ['https://r.example']\naccept = 1",
            &[
                ("'yes'", "`root` must be true or false, not a string", ""),
                ("1", "`exclude` must be an array of strings, not an integer", ""),
                ("''", "`exclude` holds an empty string", ""),
                (
                    "['https://r.example']",
                    "`https://r.example` is a URL",
                    "write the host and what follows it: `registry.example/team`",
                ),
                ("1", "`accept` must be written `[[accept]]`, not an integer", ""),
            ],
        );
    }

    #[test]
    fn an_acceptance_names_a_check_that_exists_and_a_reason() {
        check(
            "[[accept]]\ncheck = 'build/copy-not-adds'\nreason = ' '",
            &[
                (
                    "'build/copy-not-adds'",
                    "there is no check `build/copy-not-adds`",
                    "did you mean `build/copies-not-adds`?",
                ),
                ("' '", "`reason` must not be empty", ""),
            ],
        );
        check(
            "[[accept]]\nservice = 'a'",
            &[
                (
                    "[[accept]]",
                    "this entry has no `check`",
                    "name the check that is accepted: `check = \"area/name\"`",
                ),
                (
                    "[[accept]]",
                    "this entry has no `reason`",
                    "say why it is accepted, for those who read this later",
                ),
            ],
        );
    }

    #[test]
    fn what_is_no_toml_says_where() {
        let errors = Policy::parse("root = true\nexclude = [\n").expect_err("unclosed");
        assert_eq!(errors.len(), 1);
        assert!(errors[0].range.start >= 12, "{errors:?}");
    }

    #[test]
    fn paths_are_accepted_with_what_is_below_them() {
        assert!(is_at_or_below("a/b/c", "a/b") && is_at_or_below("a/b", "a/b/"));
        assert!(!is_at_or_below("a/bc", "a/b"));
    }
}
