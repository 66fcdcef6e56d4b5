//! The settings of a Spring Boot program: its files, the words that start it, the environment.

use plimsoll_source::{Derived, FileId, Span};
use plimsoll_syntax::properties;
use plimsoll_syntax::yaml::{self, Value as Yaml};

use super::super::Set;
use crate::fact::Why;
use crate::lower::cx::Cx;

/// How deep placeholders are followed.
const DEEP: usize = 8;
/// Variables whose options the virtual machine takes by itself.
const OPTIONS: [&str; 3] = ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"];

/// How variables begin that say where more settings are, or what kind of program it is.
const ELSEWHERE: [&str; 6] = [
    "springapplicationjson",
    "springconfig",
    "springcloud",
    "springmain",
    "springprofilesinclude",
    "springprofilesgroup",
];
/// The most entries of a file.
const MAX_ENTRIES: usize = 10_000;

/// What a setting is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// The variables that may set it, in order of precedence.
    pub(super) variables: Vec<String>,
    /// What it is where none is set.
    pub(super) value: Result<Option<String>, Why>,
    /// Where that is written.
    pub(super) at: Option<Span>,
}

/// A document of a file.
struct Document {
    /// The profile that it is of, by its file's name.
    profile: Option<String>,
    entries: Vec<(String, Option<String>, Span)>,
}

/// The settings of a program.
pub(super) struct Settings<'s> {
    set: &'s Set,
    /// What the words that start it say.
    said: Vec<(String, String, Span)>,
    /// In rising precedence.
    documents: Vec<Document>,
    /// The profiles in force; unknown where that cannot be told.
    profiles: Result<Vec<String>, Why>,
    /// Why there may be more than what is read.
    pub(super) open: Option<Why>,
}

/// A name as Spring compares it.
pub(super) fn squash(name: &str) -> String {
    let plain = name.chars().filter(|c| !matches!(c, '-' | '_' | '.'));
    plain.collect::<String>().to_ascii_lowercase()
}

/// A key as files have it: `server.servlet.contextPath` is `server.servlet.context-path`.
fn canonical(key: &str) -> String {
    let plain = key.chars().filter(|c| !matches!(c, '-' | '_'));
    plain.collect::<String>().to_ascii_lowercase()
}

/// The variable that sets a key.
fn variable(key: &str) -> String {
    key.replace('-', "").replace('.', "_").to_ascii_uppercase()
}

impl<'s> Settings<'s> {
    /// Those of a program whose resources lie in a directory, and that these words start.
    pub(super) fn read(
        cx: &Cx<'_>,
        resources: &str,
        words: &[(String, Span)],
        set: &'s Set,
    ) -> Self {
        let mut settings = Self {
            set,
            said: Vec::new(),
            documents: Vec::new(),
            profiles: Ok(Vec::new()),
            open: None,
        };
        for (word, at) in words {
            settings.word(word, *at);
        }
        for name in OPTIONS {
            match set.values.get(name) {
                Some(Some(text)) if !text.contains("-D") && !text.contains('@') => {}
                Some(_) => settings.open = Some(Why::Dynamic),
                None => {}
            }
        }
        let others = set.values.keys().any(|name| {
            let name = squash(name);
            ELSEWHERE.iter().any(|one| name.starts_with(one))
        });
        if others {
            settings.open = Some(Why::Dynamic);
        }
        // Files for one profile are read over those for all.
        let mut profiled = Vec::new();
        for dir in [resources.to_owned(), format!("{resources}/config")] {
            for ending in ["yaml", "yml", "properties"] {
                for id in cx.tree.under(&dir) {
                    let Some(name) = cx.tree.path(id).strip_prefix(&format!("{dir}/")) else {
                        continue;
                    };
                    let stem = name.strip_suffix(ending).and_then(|name| name.strip_suffix('.'));
                    let of = match stem.and_then(|stem| stem.strip_prefix("application")) {
                        Some("") => None,
                        Some(rest) => match rest.strip_prefix('-') {
                            Some(profile) => Some(profile.to_owned()),
                            None => continue,
                        },
                        None => continue,
                    };
                    let Some(documents) = documents(cx, id, of.as_deref()) else {
                        settings.open = Some(Why::Unparsed);
                        continue;
                    };
                    match of {
                        Some(_) => profiled.extend(documents),
                        None => settings.documents.extend(documents),
                    }
                }
            }
        }
        settings.documents.extend(profiled);
        let elsewhere = |key: &str| {
            key.starts_with("spring.config.") && !key.starts_with("spring.config.activate")
                || key.starts_with("spring.profiles.include")
                || key.starts_with("spring.profiles.group")
                || key.starts_with("spring.main.")
                || key.starts_with("spring.cloud.config")
        };
        let harmless = [
            "spring.main.banner-mode",
            "spring.main.lazy-initialization",
            "spring.main.allow-bean-definition-overriding",
            "spring.main.allow-circular-references",
        ];
        let harmless = |key: &str| harmless.iter().any(|one| canonical(one) == key);
        let all = settings.documents.iter().flat_map(|one| &one.entries).map(|(key, ..)| key);
        let said = settings.said.iter().map(|(key, ..)| key);
        if all.chain(said).any(|key| elsewhere(key) && !harmless(key)) {
            settings.open = settings.open.or(Some(Why::Unsupported));
        }
        let active = settings.get("spring.profiles.active");
        settings.profiles = settings.settle(&active).map(|active| {
            let active = active.unwrap_or_else(|| "default".to_owned());
            active.split(',').map(|one| one.trim().to_owned()).collect()
        });
        settings
    }

    /// `-Dserver.port=8081`, `--server.port=8081`; what a variable holds may be one, too.
    fn word(&mut self, word: &str, at: Span) {
        let given = word.strip_prefix("-D").or_else(|| word.strip_prefix("--"));
        if let Some((key, value)) = given.and_then(|given| given.split_once('=')) {
            if key.contains('$') || value.contains('$') {
                self.open = Some(Why::Dynamic);
            }
            // Arguments win over what the virtual machine is told.
            let place = if word.starts_with("--") { 0 } else { self.said.len() };
            self.said.insert(place, (canonical(key), value.to_owned(), at));
            return;
        }
        if word.starts_with('@') {
            self.open = Some(Why::Unsupported);
        }
        let mut rest = word;
        while let Some((_, behind)) = rest.split_once('$') {
            let name = behind.trim_start_matches('{');
            let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let name = &name[..end.unwrap_or(name.len())];
            let says = self.set.values.get(name);
            let mild = says.is_some_and(|says| {
                says.as_ref().is_some_and(|text| !text.contains("-D") && !text.contains("--"))
            });
            if !mild && (says.is_some() || self.set.hidden.is_some() || !is_variable(name)) {
                self.open = Some(Why::Dynamic);
            }
            rest = behind;
        }
    }

    /// What a key is set to.
    pub(super) fn get(&self, key: &str) -> Setting {
        self.look(key, 0)
    }

    fn look(&self, key: &str, depth: usize) -> Setting {
        let own = canonical(key);
        if let Some((_, value, at)) = self.said.iter().find(|(said, ..)| *said == own) {
            return Setting {
                variables: Vec::new(),
                value: Ok(Some(value.clone())),
                at: Some(*at),
            };
        }
        let mut variables: Vec<String> =
            self.set.values.keys().filter(|name| squash(name) == squash(key)).cloned().collect();
        if variables.is_empty() {
            variables.push(variable(key));
        }
        let mut setting = Setting { variables, value: Ok(None), at: None };
        for document in &self.documents {
            let last = document.entries.iter().rev().find(|(name, ..)| *name == own);
            let listed = document
                .entries
                .iter()
                .find(|(name, ..)| name.strip_prefix(&*own).is_some_and(|n| n.starts_with('[')));
            let Some((name, value, at)) = last.or(listed) else { continue };
            match self.is_active(document) {
                Some(false) => continue,
                Some(true) => {}
                None => {
                    setting.value = Err(Why::Dynamic);
                    continue;
                }
            }
            setting.at = Some(*at);
            setting.value = match value {
                Some(value) if *name == own => self.expand(value, &mut setting.variables, depth),
                _ => Err(Why::Unsupported),
            };
        }
        if let Some(why) = self.open {
            setting.value = Err(why);
        }
        setting
    }

    /// Whether a key that begins so is set anywhere.
    pub(super) fn any(&self, prefix: &str) -> bool {
        let own = canonical(prefix);
        let entries = self.documents.iter().flat_map(|one| &one.entries).map(|(key, ..)| key);
        let mut all = entries.chain(self.said.iter().map(|(key, ..)| key));
        all.any(|key| key.starts_with(&own))
            || self.set.values.keys().any(|name| squash(name).starts_with(&squash(prefix)))
    }

    /// What a setting is as the descriptors have it.
    ///
    /// # Errors
    /// Why it is not known.
    pub(super) fn settle(&self, setting: &Setting) -> Result<Option<String>, Why> {
        for name in &setting.variables {
            match (self.set.values.get(name), self.set.hidden) {
                (Some(Some(text)), _) => return Ok(Some(text.trim().to_owned())),
                (Some(None), _) => return Err(Why::Dynamic),
                (None, Some((why, _))) => return Err(why),
                (None, None) => {}
            }
        }
        setting.value.clone()
    }

    /// A value that is a text, or one variable with a default: `${PORT:8080}`.
    fn expand(
        &self,
        value: &str,
        variables: &mut Vec<String>,
        depth: usize,
    ) -> Result<Option<String>, Why> {
        let value = value.trim();
        // What the build writes into it.
        if value.contains('@') || value.contains("#{") || depth > DEEP {
            return Err(Why::Dynamic);
        }
        let Some(inner) = value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
            let plain = !value.contains("${");
            return if plain { Ok(Some(value.to_owned())) } else { Err(Why::Dynamic) };
        };
        let (name, default) = match inner.split_once(':') {
            Some((name, default)) => (name.trim(), Some(default)),
            None => (inner.trim(), None),
        };
        if name.contains(['$', '{', '}']) {
            return Err(Why::Dynamic);
        }
        variables.push(name.to_owned());
        let other = self.look(name, depth + 1);
        variables.extend(other.variables.into_iter().filter(|one| one != name));
        match (other.value, default) {
            (Ok(None), Some(default)) => self.expand(default, variables, depth + 1),
            (Ok(None), None) => Err(Why::Dynamic),
            (value, _) => value,
        }
    }

    /// Whether a document is in force.
    fn is_active(&self, document: &Document) -> Option<bool> {
        let key = |name: &str| {
            document.entries.iter().find(|(key, ..)| *key == canonical(name)).map(|(_, v, _)| v)
        };
        if key("spring.config.activate.on-cloud-platform").is_some() {
            return None;
        }
        let within = key("spring.config.activate.on-profile").or(key("spring.profiles"));
        let within = match within {
            Some(Some(text)) => Some(text.clone()),
            Some(None) => return None,
            None => None,
        };
        if within.is_none() && document.profile.is_none() {
            return Some(true);
        }
        let Ok(active) = &self.profiles else { return None };
        let is = |name: &str| active.iter().any(|one| one == name.trim());
        if within.as_ref().is_some_and(|text| text.contains(['!', '&', '|', '(', '$'])) {
            return None;
        }
        let within = within.is_none_or(|text| text.split(',').any(is));
        // Of several profiles the last wins, whose files may be read before another's.
        if active.len() > 1 && document.profile.as_ref().is_some_and(|one| is(one)) {
            return None;
        }
        Some(within && document.profile.as_ref().is_none_or(|one| is(one)))
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The documents of a file.
fn documents(cx: &Cx<'_>, file: FileId, profile: Option<&str>) -> Option<Vec<Document>> {
    let bytes = cx.bytes(file).ok()?;
    let profile = profile.map(str::to_owned);
    if cx.tree.path(file).ends_with(".properties") {
        let all = properties::parse(&bytes);
        let last = all.last().map_or(0, |one| one.document);
        let of = |document: usize| {
            let own = all.iter().filter(move |one| one.document == document);
            own.map(|one| (canonical(&one.key), one.value.clone(), Span::new(file, one.range)))
                .collect()
        };
        let documents = (0..=last).map(|at| Document { profile: profile.clone(), entries: of(at) });
        return Some(documents.collect());
    }
    let whole = Span::new(file, plimsoll_source::TextRange::of(0, bytes.len()));
    let parsed = yaml::parse(Derived::verbatim(bytes, whole));
    if parsed.errors.iter().any(|error| error.fatal) {
        return None;
    }
    let documents = parsed.tree.roots().map(|root| {
        let mut entries = Vec::new();
        flat(root, "", &mut entries, 0);
        Document { profile: profile.clone(), entries }
    });
    Some(documents.collect())
}

/// The keys of a document with what is above them.
fn flat(
    value: Yaml<'_>,
    above: &str,
    entries: &mut Vec<(String, Option<String>, Span)>,
    depth: usize,
) {
    if depth > plimsoll_syntax::MAX_DEPTH || entries.len() > MAX_ENTRIES {
        return;
    }
    // What another place says is not looked up.
    if value.is_alias() {
        entries.push((canonical(above), None, value.span()));
    } else if value.is_map() {
        for (key, value) in value.pairs() {
            let name = key.text().unwrap_or("?");
            let name = if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
            flat(value, &name, entries, depth + 1);
        }
    } else if value.is_seq() {
        let items: Option<Vec<&str>> = value.items().map(Yaml::text).collect();
        entries.push((canonical(above), items.map(|items| items.join(",")), value.span()));
    } else {
        let text = if value.is_null() { Some("") } else { value.text() };
        entries.push((canonical(above), text.map(str::to_owned), value.span()));
    }
}
