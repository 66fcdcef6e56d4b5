//! The schema of `plimsoll.toml`, for editors. What reads the file is `config.rs`; a test holds the
//! two to the same keys.

use std::collections::BTreeMap;

use schemars::JsonSchema;

/// What Plimsoll is to know and to ask in this directory and below it.
#[derive(JsonSchema)]
#[schemars(title = "plimsoll.toml", rename_all = "kebab-case", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct File {
    /// Nothing above this directory counts: it is audited as a repository of its own.
    root: Option<bool>,
    /// Another file, relative to this one, whose settings stand before these.
    extends: Option<String>,
    /// The version of Plimsoll whose checks may fail a run; later ones only report.
    #[schemars(regex(pattern = r"^\d+(\.\d+){0,2}$"))]
    edition: Option<String>,
    /// Gitignore-style patterns of what is left out.
    exclude: Option<Vec<String>>,
    /// Registries, and namespaces in them, whose images are trusted: `registry.example/team`.
    registries: Option<Vec<String>>,
    /// Base images of your own that you vouch for, as trusted and as minimal.
    base_images: Option<Vec<String>>,
    /// The only areas that are asked about: `image`, `build` …
    areas: Option<Vec<String>>,
    /// Checks that are not asked, by id. To keep a check and accept one finding, use `accept`.
    disable: Option<Vec<String>>,
    /// The worst that a failure of a check can be, by id. Its weight in scores stays.
    severity: Option<BTreeMap<String, Severity>>,
    /// The severity at which a run fails; a PARTIAL counts one lower.
    fail_on: Option<Threshold>,
    /// The severity at which a question without an answer fails a run.
    fail_on_unknown: Option<Threshold>,
    /// The least coverage of a service, in per cent.
    #[schemars(range(min = 0, max = 100))]
    min_coverage: Option<f64>,
    /// The least score of a service.
    #[schemars(range(min = 0, max = 100))]
    min_score: Option<f64>,
    /// What you know of a service and the tree does not say.
    service: Option<Vec<Service>>,
    /// Findings that you accept: they keep their outcome, and fail no run.
    accept: Option<Vec<Accept>>,
}

/// A severity.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
enum Severity {
    Critical,
    High,
    Medium,
    Low,
}

/// A severity, or never.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
enum Threshold {
    Critical,
    High,
    Medium,
    Low,
    Never,
}

/// What something is for.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
enum Purpose {
    Production,
    Development,
    Test,
    Example,
    Vendored,
}

/// A service, named by `name`, `path` or both.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Service {
    /// Its name, as reports write it.
    name: Option<String>,
    /// Its directory.
    path: Option<String>,
    /// The directory that its image is built from; needs `path`.
    context: Option<String>,
    /// What it listens on.
    #[schemars(inner(range(min = 1)))]
    ports: Option<Vec<u16>>,
    /// Who answers for it.
    owner: Option<String>,
    /// What it is for: only production is scored.
    purpose: Option<Purpose>,
}

/// An accepted finding.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Accept {
    /// The check's id.
    check: String,
    /// Why: for those who read this later.
    reason: String,
    /// Only of this service.
    service: Option<String>,
    /// Only what stands at this path or below it.
    path: Option<String>,
    /// Who accepted it.
    owner: Option<String>,
    /// The last day that it holds, `2027-01-31`; then the finding counts again.
    until: Option<String>,
}

/// The schema as JSON.
#[must_use]
pub fn config_schema() -> String {
    let schema = schemars::schema_for!(File);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::config::{ACCEPT_KEYS, KEYS, PURPOSES, SERVICE_KEYS};

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test reads the committed schema")]
    fn the_committed_schema_is_fresh() {
        let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/config.schema.json");
        let committed = std::fs::read_to_string(docs).unwrap_or_default();
        assert!(committed == super::config_schema(), "run `cargo xtask schema`");
    }

    /// The schema allows what is read, no more and no less.
    #[test]
    fn the_schema_has_the_keys_that_are_read() {
        let schema: serde_json::Value =
            serde_json::from_str(&super::config_schema()).expect("it is JSON");
        let check = |at: &str, keys: &[&str]| {
            let names = schema.pointer(at).and_then(|p| p.as_object()).expect("an object");
            let names: BTreeSet<&str> = names.keys().map(String::as_str).collect();
            assert_eq!(names, keys.iter().copied().collect(), "{at}");
        };
        check("/properties", &KEYS);
        check("/$defs/Accept/properties", &ACCEPT_KEYS);
        check("/$defs/Service/properties", &SERVICE_KEYS);
        let purposes = schema.pointer("/$defs/Purpose/enum").and_then(|p| p.as_array());
        let purposes: Vec<&str> =
            purposes.into_iter().flatten().filter_map(|p| p.as_str()).collect();
        assert_eq!(purposes, PURPOSES.map(|(word, _)| word));
    }
}
