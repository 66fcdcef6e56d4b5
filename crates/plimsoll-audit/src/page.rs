//! Pages: the `//!` head of a check's file, cut into title, paragraphs, and examples that are tests.

/// A check's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The first line: what holds when all is well.
    pub title: String,
    /// The paragraphs before the first section: what, why, what to do.
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
    /// Its text.
    pub text: String,
}

/// Evidence that an example expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The file and 1-based line; `None` for evidence without a place.
    pub at: Option<(String, u32)>,
    /// Words that its `says` must contain.
    pub says: String,
}

impl Page {
    /// Cuts the page out of a check's source text.
    #[must_use]
    pub fn of(source: &str) -> Self {
        let _ = source;
        Self { title: String::new(), intro: Vec::new(), sections: Vec::new(), given: None }
    }

    /// The examples of the page, in order.
    #[must_use]
    pub fn examples(&self) -> Vec<Example> {
        Vec::new()
    }
}
