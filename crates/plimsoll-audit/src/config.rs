//! One `plimsoll.toml`: data, read with places; whatever is wrong is an error with a span.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use plimsoll_model::near::nearest;
use plimsoll_model::purpose::PurposeKind;
use toml_edit::{Document, Item, TableLike};

use crate::Severity;

/// What one file says. Paths are relative to the directory that it stands in.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// `root = true`: nothing above it counts.
    pub root: bool,
    /// `extends`: another file, read before this one; and where that is said.
    pub extends: Option<(String, Range<usize>)>,
    /// `edition`: checks of later versions only report.
    pub edition: Option<Edition>,
    /// `exclude`: gitignore-style patterns.
    pub exclude: Vec<String>,
    /// `registries`: those whose images are trusted.
    pub registries: Vec<String>,
    /// `base-images`: images of one's own that are vouched for.
    pub base_images: Vec<String>,
    /// `areas`: the only ones that are asked about.
    pub areas: Option<Vec<String>>,
    /// `disable`: checks that are not asked.
    pub disable: Vec<String>,
    /// `[severity]`: by check.
    pub severity: BTreeMap<String, Severity>,
    /// `fail-on`.
    pub fail_on: Option<Threshold>,
    /// `fail-on-unknown`.
    pub fail_on_unknown: Option<Threshold>,
    /// `min-coverage`, in per cent.
    pub min_coverage: Option<f64>,
    /// `min-score`, 0 to 100.
    pub min_score: Option<f64>,
    /// `[[service]]` entries.
    pub services: Vec<ServiceHint>,
    /// `[[accept]]` entries.
    pub accept: Vec<Accept>,
}

/// At which severity a run fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// At none.
    Never,
    /// At this one and worse.
    At(Severity),
}

impl Threshold {
    /// Whether something of this severity fails a run.
    #[must_use]
    pub fn reached(self, severity: Severity) -> bool {
        matches!(self, Self::At(threshold) if severity <= threshold)
    }
}

/// A version of Plimsoll whose checks may fail a run: major, minor, patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edition([u32; 3]);

impl Edition {
    /// Reads `1`, `1.2` or `1.2.3`; what is left out is zero.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = [0; 3];
        let mut given = text.split('.');
        for (at, part) in parts.iter_mut().enumerate() {
            match given.next() {
                Some(number) if number.bytes().all(|b| b.is_ascii_digit()) => {
                    *part = number.parse().ok()?;
                }
                None if at > 0 => {}
                _ => return None,
            }
        }
        given.next().is_none().then_some(Self(parts))
    }

    /// That of this build.
    #[must_use]
    pub fn current() -> Self {
        Self::parse(env!("CARGO_PKG_VERSION")).unwrap_or(Self([0; 3]))
    }
}

/// A day, as `2027-01-31`; days compare as their text does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(String);

impl Date {
    /// Reads `YYYY-MM-DD`, a day of the calendar.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let number = |range: Range<usize>| {
            let digits = text.get(range)?;
            digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<u32>().ok())?
        };
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = match month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        (1..=last).contains(&day).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the user knows of a service and the tree does not say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceHint {
    /// Its name, as reports write it.
    pub name: Option<String>,
    /// Its directory.
    pub path: Option<String>,
    /// The directory that its image is built from.
    pub context: Option<String>,
    /// What it listens on.
    pub ports: Vec<u16>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// What it is for.
    pub purpose: Option<PurposeKind>,
}

/// A finding that the user accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accept {
    /// The check's id.
    pub check: String,
    /// Only for this service (name), if given.
    pub service: Option<String>,
    /// Only evidence at this path or below it, if given.
    pub path: Option<String>,
    /// Why; never empty.
    pub reason: String,
    /// Who accepted it.
    pub owner: Option<String>,
    /// The last day that it holds.
    pub until: Option<Date>,
    /// Where it stands in its file.
    pub at: Range<usize>,
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

/// Every key of the file, and those of its entries.
pub(crate) const KEYS: [&str; 15] = [
    "root",
    "extends",
    "edition",
    "exclude",
    "registries",
    "base-images",
    "areas",
    "disable",
    "severity",
    "fail-on",
    "fail-on-unknown",
    "min-coverage",
    "min-score",
    "service",
    "accept",
];
pub(crate) const ACCEPT_KEYS: [&str; 6] = ["check", "reason", "service", "path", "owner", "until"];
pub(crate) const SERVICE_KEYS: [&str; 6] = ["name", "path", "context", "ports", "owner", "purpose"];
pub(crate) const PURPOSES: [(&str, PurposeKind); 5] = [
    ("production", PurposeKind::Production),
    ("development", PurposeKind::Development),
    ("test", PurposeKind::Test),
    ("example", PurposeKind::Example),
    ("vendored", PurposeKind::Vendored),
];

impl Config {
    /// Reads a `plimsoll.toml`.
    ///
    /// # Errors
    /// Every mistake in it, in text order; nothing is silently left out.
    pub fn parse(text: &str) -> Result<Self, Vec<PolicyError>> {
        let document = Document::parse(text).map_err(|error| {
            let range = error.span().unwrap_or(0..0);
            let message = error.message().to_owned();
            // The ids of checks are the keys that people forget to quote.
            let help = message.contains("unquoted key").then(|| {
                "a key that holds a `/` stands in quotes: `\"image/pinned-digest\" = \"low\"`"
                    .to_owned()
            });
            vec![PolicyError { range, message, help }]
        })?;
        let mut reader = Reader::default();
        let mut config = Self::default();
        for (key, item) in document.as_table() {
            match key {
                "root" => config.root = reader.boolean(key, item),
                "extends" => {
                    let at = item.span().unwrap_or_default();
                    config.extends = Some((reader.path(key, item), at));
                }
                "edition" => config.edition = reader.edition(item),
                "exclude" => config.exclude = reader.texts(key, item),
                "registries" | "base-images" => {
                    let names = reader.registries(key, item);
                    match key {
                        "registries" => config.registries = names,
                        _ => config.base_images = names,
                    }
                }
                "areas" => config.areas = Some(reader.areas(item)),
                "disable" => config.disable = reader.checks(item),
                "severity" => config.severity = reader.severities(item),
                "fail-on" => config.fail_on = reader.threshold(key, item),
                "fail-on-unknown" => config.fail_on_unknown = reader.threshold(key, item),
                "min-coverage" => config.min_coverage = reader.percent(key, item),
                "min-score" => config.min_score = reader.percent(key, item),
                "service" => config.services = reader.services(item),
                "accept" => config.accept = reader.accepts(item),
                _ => reader.unknown_key(document.as_table(), key, &KEYS),
            }
        }
        reader.conflicts(&document, &config);
        if reader.errors.is_empty() {
            return Ok(config);
        }
        reader.errors.sort_by_key(|error| (error.range.start, error.range.end));
        Err(reader.errors)
    }
}

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

    /// One word of a list.
    fn word<'a>(&mut self, key: &str, item: &Item, known: &[&'a str]) -> Option<&'a str> {
        let text = self.text(key, item);
        if text.is_empty() {
            return None;
        }
        let found = known.iter().find(|word| **word == text);
        if found.is_none() {
            let help = nearest(&text, known).map_or_else(
                || format!("it is one of {}", list(known)),
                |near| format!("did you mean `{near}`?"),
            );
            self.error(item.span(), format!("`{key}` cannot be `{text}`"), Some(help));
        }
        found.copied()
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

    /// A path relative to the file's directory, with `/` between its parts.
    fn path(&mut self, key: &str, item: &Item) -> String {
        let path = self.text(key, item);
        if path.trim_start().starts_with('/') || path.contains('\\') {
            let help = "write it relative to this file, with `/`: `services/payment`";
            self.error(item.span(), format!("`{key}` must be relative"), Some(help.to_owned()));
        }
        path
    }

    fn texts(&mut self, key: &str, item: &Item) -> Vec<String> {
        self.texts_at(key, item).into_iter().map(|(text, _)| text).collect()
    }

    fn texts_at(&mut self, key: &str, item: &Item) -> Vec<(String, Range<usize>)> {
        let Some(values) = item.as_array() else {
            self.wrong_type(key, item.span(), "an array of strings", item.type_name());
            return Vec::new();
        };
        let mut texts = Vec::new();
        for value in values {
            let at = value.span();
            match value.as_str() {
                Some(text) if !text.trim().is_empty() => {
                    texts.push((text.to_owned(), at.unwrap_or_default()));
                }
                Some(_) => self.error(at, format!("`{key}` holds an empty string"), None),
                None => {
                    let is = value.type_name();
                    self.wrong_type(key, at, "an array of strings", is);
                }
            }
        }
        texts
    }

    fn registries(&mut self, key: &str, item: &Item) -> Vec<String> {
        let names = self.texts_at(key, item);
        for (name, at) in &names {
            let (message, help) = if name.contains("://") {
                (
                    format!("`{name}` is a URL"),
                    "write the host and what follows it: `registry.example/team`",
                )
            } else if !is_image_name(name, key == "registries") {
                let help = "write it without tag and digest: `registry.example/base/node`";
                (format!("`{name}` is no name of images"), help)
            } else {
                continue;
            };
            self.error(Some(at.clone()), message, Some(help.to_owned()));
        }
        names.into_iter().map(|(name, _)| name).collect()
    }

    fn edition(&mut self, item: &Item) -> Option<Edition> {
        let text = self.text("edition", item);
        if text.is_empty() {
            return None;
        }
        let now = env!("CARGO_PKG_VERSION");
        let Some(edition) = Edition::parse(&text) else {
            let message = format!("`{text}` is no version");
            self.error(item.span(), message, Some(format!("this is Plimsoll `{now}`")));
            return None;
        };
        if edition > Edition::current() {
            let message = format!("edition `{text}` is newer than this Plimsoll, {now}");
            let help = "update Plimsoll, or name an edition that it knows";
            self.error(item.span(), message, Some(help.to_owned()));
        }
        Some(edition)
    }

    fn percent(&mut self, key: &str, item: &Item) -> Option<f64> {
        let number = item.as_float().or_else(|| {
            let number = item.as_integer()?;
            i32::try_from(number).ok().map(f64::from).or(Some(f64::INFINITY))
        });
        match number {
            Some(number) if (0.0..=100.0).contains(&number) => Some(number),
            Some(_) => {
                self.error(item.span(), format!("`{key}` lies between 0 and 100"), None);
                None
            }
            None => {
                self.wrong_type(key, item.span(), "a number", item.type_name());
                None
            }
        }
    }

    fn threshold(&mut self, key: &str, item: &Item) -> Option<Threshold> {
        match self.word(key, item, &["critical", "high", "medium", "low", "never"])? {
            "never" => Some(Threshold::Never),
            word => severity(word).map(Threshold::At),
        }
    }

    fn severities(&mut self, item: &Item) -> BTreeMap<String, Severity> {
        let Some(table) = item.as_table_like() else {
            self.wrong_type("severity", item.span(), "a table `[severity]`", item.type_name());
            return BTreeMap::new();
        };
        let mut found = BTreeMap::new();
        for (id, item) in table.iter() {
            let at = table.get_key_value(id).and_then(|(key, item)| key.span().or(item.span()));
            self.known_check(id, at);
            let word = self.word(id, item, &["critical", "high", "medium", "low"]);
            found.extend(word.and_then(severity).map(|severity| (id.to_owned(), severity)));
        }
        found
    }

    fn areas(&mut self, item: &Item) -> Vec<String> {
        let areas: BTreeSet<&str> = crate::all().iter().map(|check| check.area()).collect();
        let areas: Vec<&str> = areas.into_iter().collect();
        let asked = self.texts_at("areas", item);
        if item.as_array().is_some_and(|values| values.is_empty()) {
            let help = "leave `areas` out to be asked about all";
            let message = "`areas` names none, so nothing would be asked".to_owned();
            self.error(item.span(), message, Some(help.to_owned()));
        }
        for (area, at) in asked.iter().filter(|(area, _)| !areas.contains(&&**area)) {
            let help = nearest(area, &areas).map_or_else(
                || format!("there are {}", list(&areas)),
                |near| format!("did you mean `{near}`?"),
            );
            self.error(Some(at.clone()), format!("there is no area `{area}`"), Some(help));
        }
        asked.into_iter().map(|(area, _)| area).collect()
    }

    fn checks(&mut self, item: &Item) -> Vec<String> {
        let asked = self.texts_at("disable", item);
        let mut seen = BTreeSet::new();
        for (id, at) in &asked {
            self.known_check(id, Some(at.clone()));
            if !seen.insert(id) {
                let message = format!("`{id}` is disabled twice");
                self.error(Some(at.clone()), message, Some("take one out".to_owned()));
            }
        }
        asked.into_iter().map(|(id, _)| id).collect()
    }

    /// `[[name]]` tables or inline ones, each with its place.
    fn tables<T>(
        &mut self,
        name: &str,
        item: &Item,
        read: impl Fn(&mut Self, &dyn TableLike, Option<Range<usize>>) -> T,
    ) -> Vec<T> {
        if let Some(tables) = item.as_array_of_tables() {
            return tables.iter().map(|table| read(self, table, table.span())).collect();
        }
        let Some(values) = item.as_array() else {
            let wanted = format!("written `[[{name}]]`");
            self.wrong_type(name, item.span(), &wanted, item.type_name());
            return Vec::new();
        };
        let mut found = Vec::new();
        for value in values {
            match value.as_inline_table() {
                Some(table) => found.push(read(self, table, value.span())),
                None => {
                    let is = value.type_name();
                    self.wrong_type(name, value.span(), "an array of tables", is);
                }
            }
        }
        found
    }

    fn accepts(&mut self, item: &Item) -> Vec<Accept> {
        self.tables("accept", item, Self::accept)
    }

    fn accept(&mut self, table: &dyn TableLike, at: Option<Range<usize>>) -> Accept {
        let mut accept = Accept {
            check: String::new(),
            service: None,
            path: None,
            reason: String::new(),
            owner: None,
            until: None,
            at: at.clone().unwrap_or_default(),
        };
        for (key, item) in table.iter() {
            match key {
                "check" => {
                    accept.check = self.text("check", item);
                    if !accept.check.is_empty() {
                        self.known_check(&accept.check, item.span());
                    }
                }
                "reason" => accept.reason = self.text(key, item),
                "service" => accept.service = Some(self.text(key, item)),
                "path" => accept.path = Some(self.path(key, item)),
                "owner" => accept.owner = Some(self.text(key, item)),
                "until" => accept.until = self.date(item),
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

    /// A date, bare or quoted.
    fn date(&mut self, item: &Item) -> Option<Date> {
        let text = match (item.as_datetime(), item.as_str()) {
            (Some(date), _) => date.to_string(),
            (None, Some(text)) => text.to_owned(),
            (None, None) => {
                self.wrong_type("until", item.span(), "a date", item.type_name());
                return None;
            }
        };
        let date = Date::parse(&text);
        if date.is_none() {
            let help = "write the last day that it holds: `until = 2027-01-31`";
            self.error(item.span(), format!("`{text}` is no date"), Some(help.to_owned()));
        }
        date
    }

    fn services(&mut self, item: &Item) -> Vec<ServiceHint> {
        let found = self
            .tables("service", item, |reader, table, at| (reader.service(table, at.clone()), at));
        let mut seen: BTreeSet<(Option<&str>, Option<&str>)> = BTreeSet::new();
        for (hint, at) in &found {
            let key = (hint.name.as_deref(), hint.path.as_deref());
            if key != (None, None) && !seen.insert(key) {
                let message = "this service has an entry already".to_owned();
                self.error(at.clone(), message, Some("put both into one".to_owned()));
            }
        }
        found.into_iter().map(|(hint, _)| hint).collect()
    }

    fn service(&mut self, table: &dyn TableLike, at: Option<Range<usize>>) -> ServiceHint {
        let mut hint = ServiceHint::default();
        for (key, item) in table.iter() {
            match key {
                "name" => hint.name = Some(self.text(key, item)),
                "path" => hint.path = Some(self.path(key, item)),
                "context" => hint.context = Some(self.path(key, item)),
                "ports" => hint.ports = self.ports(item),
                "owner" => hint.owner = Some(self.text(key, item)),
                "purpose" => {
                    let words = PURPOSES.map(|(word, _)| word);
                    let word = self.word(key, item, &words);
                    let kind = PURPOSES.iter().find(|(known, _)| Some(*known) == word);
                    hint.purpose = kind.map(|(_, kind)| *kind);
                }
                _ => self.unknown_key(table, key, &SERVICE_KEYS),
            }
        }
        if !table.contains_key("name") && !table.contains_key("path") {
            let help = "say which service: `name = \"payment\"` or `path = \"services/payment\"`";
            let message = "this entry has neither `name` nor `path`".to_owned();
            self.error(at, message, Some(help.to_owned()));
        } else if table.contains_key("context") && !table.contains_key("path") {
            let help = "name the directory of its Dockerfile: `path = \"services/payment\"`";
            let message = "`context` needs the service's `path`".to_owned();
            self.error(at, message, Some(help.to_owned()));
        }
        hint
    }

    fn ports(&mut self, item: &Item) -> Vec<u16> {
        let Some(values) = item.as_array() else {
            self.wrong_type("ports", item.span(), "an array of numbers", item.type_name());
            return Vec::new();
        };
        let mut ports = Vec::new();
        for value in values {
            match value.as_integer().map(u16::try_from) {
                Some(Ok(port)) if port > 0 => ports.push(port),
                Some(_) => {
                    self.error(value.span(), "a port lies between 1 and 65535".to_owned(), None);
                }
                None => {
                    let is = value.type_name();
                    self.wrong_type("ports", value.span(), "an array of numbers", is);
                }
            }
        }
        ports
    }

    fn known_check(&mut self, id: &str, at: Option<Range<usize>>) {
        if let Some(help) = no_such_check(id) {
            self.error(at, format!("there is no check `{id}`"), Some(help));
        }
    }

    /// What cannot be meant together.
    fn conflicts(&mut self, document: &Document<&str>, config: &Config) {
        let table = document.as_table();
        let severity = table.get("severity").and_then(Item::as_table_like);
        for id in &config.disable {
            if let Some((key, item)) = severity.and_then(|table| table.get_key_value(id)) {
                let message = format!("`{id}` has a severity and is disabled");
                let help = "a check that is not asked needs none: take one of the two out";
                self.error(key.span().or(item.span()), message, Some(help.to_owned()));
            }
            for accept in config.accept.iter().filter(|accept| accept.check == *id) {
                let message = format!("`{id}` is accepted and disabled");
                let help = "a check that is not asked finds nothing: take one of the two out";
                self.error(Some(accept.at.clone()), message, Some(help.to_owned()));
            }
        }
    }
}

fn severity(word: &str) -> Option<Severity> {
    Severity::ALL.into_iter().find(|severity| severity.name() == word)
}

/// Whether a text names images as references do: a host (with a port), a path, neither tag nor
/// digest. Only a registry may be a host with a port alone: elsewhere that is a tag.
fn is_image_name(text: &str, is_registry: bool) -> bool {
    let text = text.strip_suffix('/').unwrap_or(text);
    let is_part = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || matches!(c, ':' | '@'))
    };
    let (host, rest) = text.split_once('/').map_or((text, None), |(host, rest)| (host, Some(rest)));
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let host = match host.split_once(':') {
        Some((host, port)) if is_port(port) && (is_registry || rest.is_some()) => host,
        _ => host,
    };
    is_part(host) && rest.is_none_or(|rest| rest.split('/').all(is_part))
}

/// What helps, where there is no check of this id.
pub(crate) fn no_such_check(id: &str) -> Option<String> {
    (!crate::all().iter().any(|check| check.id == id)).then(|| near_checks(id))
}

/// What helps one who names a check that is not there: what another tool's rule is here, or the
/// checks that are called something like it.
#[must_use]
pub fn near_checks(name: &str) -> String {
    const MAX_SHOWN: usize = 5;
    let ids: Vec<&str> = crate::all().iter().map(|check| check.id).collect();
    let theirs: Vec<&str> = crate::comment::answering(name).iter().map(|c| c.id).collect();
    if !theirs.is_empty() {
        return format!("that rule of another tool is here {}", list(&theirs));
    }
    if let Some(near) = nearest(name, &ids) {
        return format!("did you mean `{near}`?");
    }
    let last = |id: &str| id.rsplit_once('/').map_or(0, |(area, _)| area.len() + 1);
    let word = name.get(last(name)..).unwrap_or(name);
    let names: Vec<&str> = ids.iter().filter_map(|id| id.get(last(id)..)).collect();
    let near = nearest(word, &names);
    let is_near = |id: &&str| {
        near.is_some_and(|near| id.get(last(id)..) == Some(near))
            || near.is_none() && word.len() > 2 && id.contains(word)
    };
    let found: Vec<&str> = ids.into_iter().filter(is_near).take(MAX_SHOWN).collect();
    match *found {
        [] => "`plimsoll checks` lists them".to_owned(),
        [one] => format!("did you mean `{one}`?"),
        _ => format!("did you mean one of {}?", list(&found)),
    }
}

fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn with_article(name: &str) -> String {
    let article = if name.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mistakes of a configuration: the text they stand on, the message, the help.
    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str, &str)]) {
        let errors = Config::parse(text).err().unwrap_or_default();
        let found: Vec<_> = errors
            .iter()
            .map(|e| (&text[e.range.clone()], &*e.message, e.help.as_deref().unwrap_or("")))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_policy_is_read() {
        let policy = Config::parse(
            "root = true\nexclude = [\"vendor/\"]\nregistries = ['registry.example/team']\n\
             [[accept]]\ncheck = \"image/pinned-digest\"\nreason = \"mirror\"\nservice = \"a\"\n",
        )
        .expect("it is right");
        assert!(policy.root);
        assert_eq!(policy.exclude, ["vendor/"]);
        assert_eq!(policy.registries, ["registry.example/team"]);
        let accept = Accept {
            check: "image/pinned-digest".to_owned(),
            service: Some("a".to_owned()),
            path: None,
            reason: "mirror".to_owned(),
            owner: None,
            until: None,
            at: 73..83,
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
                "the keys here are `root`, `extends`, `edition`, `exclude`, `registries`, \
                 `base-images`, `areas`, `disable`, `severity`, `fail-on`, `fail-on-unknown`, \
                 `min-coverage`, `min-score`, `service`, `accept`",
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
                    "'https://r.example'",
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
        let errors = Config::parse("root = true\nexclude = [\n").expect_err("unclosed");
        assert_eq!(errors.len(), 1);
        assert!(errors[0].range.start >= 12, "{errors:?}");
    }

    #[test]
    fn every_value_is_checked() {
        check(
            "edition = '9.0'\nareas = ['imag']\ndisable = ['build/copies-not-adds', \
             'build/copies-not-adds']\nfail-on = 'hgih'\nmin-coverage = 101\nmin-score = 'all'\n\
             [severity]\n'image/pinned-digest' = 'worst'\n'image/none' = 'low'\n",
            &[
                (
                    "'9.0'",
                    &format!(
                        "edition `9.0` is newer than this Plimsoll, {}",
                        env!("CARGO_PKG_VERSION")
                    ),
                    "update Plimsoll, or name an edition that it knows",
                ),
                ("'imag'", "there is no area `imag`", "did you mean `image`?"),
                (
                    "'build/copies-not-adds'",
                    "`build/copies-not-adds` is disabled twice",
                    "take one out",
                ),
                ("'hgih'", "`fail-on` cannot be `hgih`", "did you mean `high`?"),
                ("101", "`min-coverage` lies between 0 and 100", ""),
                ("'all'", "`min-score` must be a number, not a string", ""),
                (
                    "'worst'",
                    "`image/pinned-digest` cannot be `worst`",
                    "it is one of `critical`, `high`, `medium`, `low`",
                ),
                ("'image/none'", "there is no check `image/none`", NONE),
            ],
        );
    }

    const NONE: &str = "did you mean one of `packages/none-deprecated`, `secrets/none-committed`, \
        `secrets/none-in-build-args`, `secrets/none-in-build-context`, `secrets/none-in-ci`?";

    #[test]
    fn who_names_no_check_is_helped() {
        for (name, help) in [
            ("runtime/nonroot", "did you mean `runtime/non-root`?"),
            ("non-root", "did you mean `runtime/non-root`?"),
            ("image/none", NONE),
            ("DL3002", "that rule of another tool is here `runtime/non-root`"),
            ("zzz", "`plimsoll checks` lists them"),
            ("", "`plimsoll checks` lists them"),
        ] {
            assert_eq!(near_checks(name), help, "{name}");
        }
    }

    #[test]
    fn images_are_named_without_tags() {
        for (name, is_registry, expected) in [
            ("h", true, true),
            ("h:5000", true, true),
            ("h:5000/a/", true, true),
            ("h/a:1", true, false),
            ("h:5000/a", false, true),
            ("a", false, true),
            ("a:1", false, false),
            ("h/a:1", false, false),
            ("a@b", false, false),
            ("a b", false, false),
            ("a//b", false, false),
        ] {
            assert_eq!(is_image_name(name, is_registry), expected, "{name}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_shown() {
        check(
            "disable = ['build/copies-not-adds']\n[severity]\n'build/copies-not-adds' = 'low'\n\
             [[accept]]\ncheck = 'build/copies-not-adds'\nreason = 'x'\n\
             [[service]]\nname = 'a'\n[[service]]\nname = 'a'\n",
            &[
                (
                    "'build/copies-not-adds'",
                    "`build/copies-not-adds` has a severity and is disabled",
                    "a check that is not asked needs none: take one of the two out",
                ),
                (
                    "[[accept]]",
                    "`build/copies-not-adds` is accepted and disabled",
                    "a check that is not asked finds nothing: take one of the two out",
                ),
                ("[[service]]", "this service has an entry already", "put both into one"),
            ],
        );
    }

    #[test]
    fn services_and_dates_are_read() {
        let config = Config::parse(
            "edition = '0.1'\n[[service]]\npath = 'pay'\nports = [8080]\npurpose = 'test'\n\
             [[accept]]\ncheck = 'build/copies-not-adds'\nreason = 'x'\nuntil = 2027-01-31\n",
        )
        .expect("it is right");
        assert_eq!(config.services[0].ports, [8080]);
        assert_eq!(config.services[0].purpose, Some(PurposeKind::Test));
        assert_eq!(config.accept[0].until, Date::parse("2027-01-31"));
        check(
            "service = [{ context = '/x', ports = [0, 'a'], purpose = 'prod' }]\n\
             accept = [{ check = 'build/copies-not-adds', reason = 'x', until = '2027-02-29' }]",
            &[
                (
                    "{ context = '/x', ports = [0, 'a'], purpose = 'prod' }",
                    "this entry has neither `name` nor `path`",
                    "say which service: `name = \"payment\"` or `path = \"services/payment\"`",
                ),
                (
                    "'/x'",
                    "`context` must be relative",
                    "write it relative to this file, with `/`: `services/payment`",
                ),
                ("0", "a port lies between 1 and 65535", ""),
                ("'a'", "`ports` must be an array of numbers, not a string", ""),
                (
                    "'prod'",
                    "`purpose` cannot be `prod`",
                    "it is one of `production`, `development`, `test`, `example`, `vendored`",
                ),
                (
                    "'2027-02-29'",
                    "`2027-02-29` is no date",
                    "write the last day that it holds: `until = 2027-01-31`",
                ),
            ],
        );
    }
}
