//! The schema of `plimsoll.toml`, for editors. What reads the file is `config.rs`; a test holds the
//! two to the same keys.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde_json::{Value, json};

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

/// What the types above cannot say, and `config.rs` asks for.
fn narrow(schema: &mut Value) {
    const TEXT: &str = r"\S";
    const PATH: &str = r"^\s*[^\s/\\][^\\]*$";
    const HOST: &str = r"^[^\s:@/]+(:[0-9]+)?(/[^\s:@/]+)*/?$";
    const IMAGE: &str = r"^([^\s:@/]+(:[0-9]+)?/)?[^\s:@/]+(/[^\s:@/]+)*/?$";
    let ids: Vec<&str> = crate::all().iter().map(|check| check.id).collect();
    let areas: BTreeSet<&str> = crate::all().iter().map(|check| check.area()).collect();
    let check = || json!({"$ref": "#/$defs/Check"});
    let rules = [
        ("/$defs", "Check", json!({"description": "A check, by id.", "enum": ids})),
        ("/properties/edition", "pattern", json!(r"^[0-9]+(\.[0-9]+){0,2}$")),
        ("/properties/extends", "pattern", json!(PATH)),
        ("/properties/exclude/items", "pattern", json!(TEXT)),
        ("/properties/registries/items", "pattern", json!(HOST)),
        ("/properties/base-images/items", "pattern", json!(IMAGE)),
        ("/properties/areas", "minItems", json!(1)),
        ("/properties/areas/items", "enum", json!(areas)),
        ("/properties/disable", "uniqueItems", json!(true)),
        ("/properties/disable", "items", check()),
        ("/properties/severity", "propertyNames", check()),
        ("/$defs/Accept/properties/check", "$ref", json!("#/$defs/Check")),
        ("/$defs/Accept/properties/reason", "pattern", json!(TEXT)),
        ("/$defs/Accept/properties/service", "pattern", json!(TEXT)),
        ("/$defs/Accept/properties/owner", "pattern", json!(TEXT)),
        ("/$defs/Accept/properties/path", "pattern", json!(PATH)),
        ("/$defs/Accept/properties/until", "format", json!("date")),
        ("/$defs/Service/properties/name", "pattern", json!(TEXT)),
        ("/$defs/Service/properties/owner", "pattern", json!(TEXT)),
        ("/$defs/Service/properties/path", "pattern", json!(PATH)),
        ("/$defs/Service/properties/context", "pattern", json!(PATH)),
        ("/$defs/Service", "anyOf", json!([{"required": ["name"]}, {"required": ["path"]}])),
        ("/$defs/Service", "dependentRequired", json!({"context": ["path"]})),
    ];
    for (at, key, rule) in rules {
        if let Some(object) = schema.pointer_mut(at).and_then(Value::as_object_mut) {
            object.insert(key.to_owned(), rule);
        }
    }
}

/// TOML has no null: what may be left out is only not required.
fn without_null(schema: &mut Value) {
    if let Value::Array(list) = schema {
        return list.iter_mut().for_each(without_null);
    }
    let Value::Object(object) = schema else { return };
    let kind = object.get_mut("type");
    if let Some((kind, list)) = kind.and_then(|k| k.as_array().cloned().map(|list| (k, list))) {
        *kind = list.into_iter().find(|word| word != "null").unwrap_or_default();
    }
    let some = object.get("anyOf").and_then(Value::as_array).and_then(|ways| match &**ways {
        [way, null] if *null == json!({"type": "null"}) => way.as_object().cloned(),
        _ => None,
    });
    if let Some(way) = some {
        object.remove("anyOf");
        object.extend(way);
    }
    object.values_mut().for_each(without_null);
}

/// The schema as JSON.
#[must_use]
pub fn config_schema() -> String {
    let mut schema = schemars::schema_for!(File).to_value();
    without_null(&mut schema);
    narrow(&mut schema);
    // A schema of its own writes its keys in the order in which people read them.
    let schema = schemars::Schema::try_from(schema).unwrap_or_default();
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use crate::config::{ACCEPT_KEYS, KEYS, PURPOSES, SERVICE_KEYS};

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test reads the committed schema")]
    fn the_committed_schema_is_fresh() {
        let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/config.schema.json");
        let committed = std::fs::read_to_string(docs).unwrap_or_default();
        let fresh = super::config_schema();
        let line = fresh.lines().zip(committed.lines()).find(|(new, old)| new != old);
        assert!(committed == fresh, "run `cargo xtask schema`: {line:?}");
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

    /// A TOML value as a schema sees it: a date is a text.
    fn json(value: &toml_edit::Value) -> Value {
        match value {
            toml_edit::Value::String(text) => text.value().as_str().into(),
            toml_edit::Value::Integer(number) => (*number.value()).into(),
            toml_edit::Value::Float(number) => (*number.value()).into(),
            toml_edit::Value::Boolean(is) => (*is.value()).into(),
            toml_edit::Value::Datetime(date) => date.value().to_string().into(),
            toml_edit::Value::Array(list) => list.iter().map(json).collect(),
            toml_edit::Value::InlineTable(table) => {
                table.iter().map(|(key, value)| (key.to_owned(), json(value))).collect()
            }
        }
    }

    const VALUES: &[&str] = &[
        "''",
        "' '",
        "'x'",
        "'a/b'",
        "'./a'",
        "'../a'",
        "' /a'",
        "'/a'",
        "'a\\b'",
        "'a b'",
        "'h:80/a'",
        "'a:1'",
        "'high'",
        "'never'",
        "'High'",
        "'test'",
        "'image'",
        "'0.1'",
        "'0'",
        "'0.1.0'",
        "'v0.1'",
        "'0.1.0.0'",
        "'2027-01-31'",
        "'2027-02-29'",
        "'2028-02-29'",
        "2027-01-31",
        "2027-01-31T10:00:00Z",
        "10:00:00",
        "0",
        "1",
        "100",
        "101",
        "-1",
        "65535",
        "65536",
        "0.5",
        "100.5",
        "true",
        "false",
        "[]",
        "['']",
        "['x']",
        "['a/b']",
        "['h:80']",
        "['h:80/a']",
        "['a:1']",
        "['h/a:1']",
        "['https://h/a']",
        "['a@b']",
        "['a b']",
        "['image']",
        "['imag']",
        "['image', 1]",
        "['image/pinned-digest']",
        "['image/pinned-digst']",
        "['image/pinned-digest', 'image/pinned-digest']",
        "[0]",
        "[1]",
        "[8080, 65535]",
        "[65536]",
        "[-1]",
        "[1.5]",
        "[true]",
        "[[]]",
        "[{}]",
        "[{ x = 1 }]",
        "[{ name = 'a' }]",
        "[{ path = 'a', context = '.' }]",
        "[{ name = 'a', context = '.' }]",
        "[{ check = 'image/pinned-digest' }]",
        "[{ reason = 'x' }]",
        "[{ check = 'image/pinned-digest', reason = 'x' }]",
        "{}",
        "{ x = 1 }",
        "{ x = 'low' }",
        "{ 'image/pinned-digest' = 'low' }",
        "{ 'image/pinned-digest' = 'never' }",
        "{ 'image/pinned-digest' = 1 }",
        "'image/pinned-digest'",
        "'image/pinned-digst'",
    ];

    /// Whatever stands at whichever key, the reader and the schema say the same of it.
    #[test]
    fn the_schema_and_the_reader_agree() {
        let schema: Value = serde_json::from_str(&super::config_schema()).expect("it is JSON");
        let validator = jsonschema::options()
            .should_validate_formats(true)
            .build(&schema)
            .expect("it is a schema");
        let mut right = std::collections::BTreeSet::new();
        let mut check = |of: &str, key: &str, text: &str| {
            let document = toml_edit::Document::parse(text).expect("it is TOML");
            let whole = document.as_table().iter().filter_map(|(key, item)| {
                let value = item.clone().into_value().ok()?;
                Some((key.to_owned(), json(&value)))
            });
            let read = crate::Config::parse(text);
            assert_eq!(read.is_ok(), validator.is_valid(&whole.collect()), "{text}\n{read:?}");
            if read.is_ok() {
                right.insert((of.to_owned(), key.to_owned()));
            }
        };
        for value in VALUES {
            // A schema takes a bare date for a text, and cannot refuse one where that is meant.
            let is_date = value.contains(":00") || value.starts_with("2027-");
            for key in KEYS.iter().chain(&["other"]).filter(|_| !is_date) {
                check("", key, &format!("{key} = {value}"));
            }
            for key in
                ACCEPT_KEYS.iter().chain(&["other"]).filter(|key| !is_date || **key == "until")
            {
                let rest = ["check = 'image/pinned-digest'", "reason = 'x'"];
                let rest = rest.iter().filter(|line| !line.starts_with(*key));
                let rest: Vec<String> = rest.map(|line| format!(", {line}")).collect();
                check("accept", key, &format!("accept = [{{ {key} = {value}{} }}]", rest.concat()));
            }
            for key in SERVICE_KEYS.iter().chain(&["other"]).filter(|_| !is_date) {
                let name = if *key == "path" { ", name = 'a'" } else { ", path = 'a'" };
                check("service", key, &format!("service = [{{ {key} = {value}{name} }}]"));
            }
        }
        // Each key has a value that is right.
        assert_eq!(right.len(), KEYS.len() + ACCEPT_KEYS.len() + SERVICE_KEYS.len());
    }
}
