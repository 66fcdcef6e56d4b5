//! What the user says, over a whole tree: every `plimsoll.toml` that counts, each for its directory.

use std::collections::BTreeSet;
use std::ops::Range;

use plimsoll_model::near::nearest;
use plimsoll_model::purpose::PurposeKind;
use plimsoll_model::reference::ImageRef;
use plimsoll_model::{Delivery, Hints};

use crate::config::{Config, Date, Edition, PolicyError, Threshold};
use crate::{Check, Severity};

/// The user's policy.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// The configurations, outermost first; what one extends stands before it.
    pub layers: Vec<Layer>,
    /// What is audited besides production; from the command line.
    pub purposes: BTreeSet<PurposeKind>,
    /// Today; without it, no acceptance expires.
    pub today: Option<Date>,
}

/// One configuration and what it holds for.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Its file, relative to the work tree's top.
    pub file: String,
    /// The directory that it holds for, relative to the audited root: `""` is all of it.
    pub dir: String,
    /// Where it stands above the audited root, the way from its directory down to that.
    pub way: String,
    /// Itself.
    pub config: Config,
}

/// A configuration that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    /// Its file, relative to the work tree's top.
    pub file: String,
    /// Its text.
    pub text: String,
    /// All that is wrong with it, in text order.
    pub errors: Vec<PolicyError>,
}

/// The name of a configuration.
pub const CONFIG_NAME: &str = "plimsoll.toml";

/// The most files that extend one another.
const MAX_EXTENDS: usize = 16;

/// Reads a file by its path from the work tree's top; `None` where there is none, an error in words
/// where it cannot be read.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<Option<String>, String>;

impl Policy {
    /// One configuration for all of a tree.
    #[must_use]
    pub fn of(config: Config) -> Self {
        let layer =
            Layer { file: CONFIG_NAME.to_owned(), dir: String::new(), way: String::new(), config };
        Self { layers: vec![layer], ..Self::default() }
    }

    /// Reads every configuration that counts for the directory `root` (relative to the work tree's
    /// top, `""` for the top itself): from it upwards until one says `root = true`, those that lie in
    /// the directories `nested` below it, and what each extends.
    ///
    /// # Errors
    /// Every file that is wrong, with all that is wrong with it.
    pub fn load(root: &str, nested: &[String], read: ReadFile<'_>) -> Result<Self, Vec<Misread>> {
        let mut loader = Loader { read, layers: Vec::new(), wrong: Vec::new() };
        let mut above: Vec<Vec<Layer>> = Vec::new();
        let mut dir = Some(root);
        while let Some(at) = dir {
            let way = root.get(at.len()..).unwrap_or_default().trim_start_matches('/');
            loader.directory(at, "", way);
            let found = std::mem::take(&mut loader.layers);
            let is_root = found.iter().any(|layer| layer.config.root);
            above.push(found);
            dir = match at.rsplit_once('/') {
                _ if is_root || at.is_empty() => None,
                Some((parent, _)) => Some(parent),
                None => Some(""),
            };
        }
        loader.layers = above.into_iter().rev().flatten().collect();
        let mut nested: Vec<&String> = nested.iter().filter(|dir| !dir.is_empty()).collect();
        nested.sort();
        for below in nested {
            loader.directory(&join(root, below), below, "");
        }
        if loader.wrong.is_empty() {
            return Ok(Self { layers: loader.layers, ..Self::default() });
        }
        Err(loader.wrong)
    }

    /// Whether the audited directory says that it is a root of its own.
    #[must_use]
    pub fn is_root(&self) -> bool {
        let own = |layer: &&Layer| layer.dir.is_empty() && layer.way.is_empty();
        self.layers.iter().filter(own).any(|layer| layer.config.root)
    }

    /// What is left out of the tree: patterns relative to the audited root, and those of directories
    /// so many levels above it.
    #[must_use]
    pub fn exclude(&self) -> (Vec<String>, Vec<(usize, String)>) {
        let (mut own, mut above) = (Vec::new(), Vec::new());
        for layer in &self.layers {
            let patterns = layer.config.exclude.iter();
            if layer.way.is_empty() {
                own.extend(patterns.map(|pattern| below(&layer.dir, pattern)));
            } else {
                let levels = layer.way.split('/').count();
                above.extend(patterns.map(|pattern| (levels, pattern.clone())));
            }
        }
        (own, above)
    }

    /// What the reading of the tree has to know.
    #[must_use]
    pub fn hints(&self) -> Hints {
        let of = |layer: &Layer| -> Vec<plimsoll_model::ServiceHint> {
            layer.config.services.iter().filter_map(|hint| layer.hint(hint)).collect()
        };
        Hints { services: self.layers.iter().flat_map(of).collect() }
    }

    /// `[[service]]` entries that no service of a tree is meant by, and contexts that are not there,
    /// in words.
    #[must_use]
    pub fn unmet(&self, delivery: &Delivery) -> Vec<String> {
        let names: Vec<&str> = delivery.services.iter().map(|s| &*s.name).collect();
        let mut found = Vec::new();
        // One above the audited directory may speak of what lies outside.
        for layer in self.layers.iter().filter(|layer| layer.way.is_empty()) {
            for given in &layer.config.services {
                let mut say = |says: &str| {
                    found.push(format!("{}: [[service]]: {says}", layer.file));
                };
                let Some(hint) = layer.hint(given) else {
                    say("a path in it leads out of what is audited: it does nothing");
                    continue;
                };
                if let (Some(dir), Some(context)) = (&hint.context, &given.context)
                    && !dir.is_empty()
                    && !delivery.tree.is_dir(dir)
                {
                    say(&format!("there is no directory `{context}` to build from"));
                }
                let builds = |image: &plimsoll_model::image::Image| {
                    let dir = image.path.rsplit_once('/').map_or("", |(dir, _)| dir);
                    hint.dir.as_deref() == Some(dir)
                };
                if delivery.services.iter().any(|service| hint.is_about(service))
                    || delivery.images.iter().any(builds)
                {
                    continue;
                }
                let says = match (&given.name, &given.path) {
                    (Some(name), _) if !names.contains(&&**name) => no_such_service(name, &names),
                    (_, Some(path)) => format!("no service lies at `{path}`"),
                    (name, None) => no_such_service(name.as_deref().unwrap_or(""), &names),
                };
                say(&says);
            }
        }
        found
    }

    /// What holds for a path of the tree.
    #[must_use]
    pub fn at(&self, path: &str) -> Settings<'_> {
        let mut layers: Vec<&Layer> = Vec::new();
        for layer in self.layers.iter().filter(|layer| is_at_or_below(path, &layer.dir)) {
            if layer.config.root {
                // Nothing above counts; what it extends itself does.
                layers.retain(|other| other.dir == layer.dir && other.way == layer.way);
            }
            layers.push(layer);
        }
        Settings { layers }
    }
}

/// What holds for one path: of several configurations the nearest decides, and lists add up.
#[derive(Clone, Debug)]
pub struct Settings<'a> {
    layers: Vec<&'a Layer>,
}

impl<'a> Settings<'a> {
    fn nearest<T>(&self, of: impl Fn(&'a Config) -> Option<T>) -> Option<T> {
        self.layers.iter().rev().find_map(|layer| of(&layer.config))
    }

    /// Whether a check is asked.
    #[must_use]
    pub fn asks(&self, check: &Check) -> bool {
        let disabled =
            |id: &str| self.layers.iter().any(|l| l.config.disable.iter().any(|other| other == id));
        let areas = self.nearest(|config| config.areas.as_ref());
        areas.is_none_or(|areas| areas.iter().any(|area| area == check.area()))
            && !disabled(check.id)
            && !check.within.is_some_and(disabled)
    }

    /// The worst that a failure of a check can be.
    #[must_use]
    pub fn severity(&self, check: &Check) -> Severity {
        self.nearest(|config| config.severity.get(check.id).copied()).unwrap_or(check.severity)
    }

    /// Whether a check is of a later version than the edition: then it only reports.
    #[must_use]
    pub fn is_newer(&self, check: &Check) -> bool {
        let edition = self.nearest(|config| config.edition);
        edition.is_some_and(|edition| Edition::parse(check.since).is_some_and(|s| s > edition))
    }

    /// At which severity a run fails.
    #[must_use]
    pub fn fail_on(&self) -> Option<Threshold> {
        self.nearest(|config| config.fail_on)
    }

    /// At which severity a question without an answer fails a run.
    #[must_use]
    pub fn fail_on_unknown(&self) -> Option<Threshold> {
        self.nearest(|config| config.fail_on_unknown)
    }

    /// The least coverage of a service, in per cent.
    #[must_use]
    pub fn min_coverage(&self) -> Option<f64> {
        self.nearest(|config| config.min_coverage)
    }

    /// The least score of a service.
    #[must_use]
    pub fn min_score(&self) -> Option<f64> {
        self.nearest(|config| config.min_score)
    }

    /// Whether an image lies in a registry of the user's, or is one that the user vouches for.
    #[must_use]
    pub fn trusts(&self, image: &ImageRef) -> bool {
        let mut registries = self.layers.iter().flat_map(|layer| &layer.config.registries);
        registries.any(|name| plimsoll_model::base::is_below(image, name)) || self.vouches(image)
    }

    /// Whether the user vouches for an image: it is one of `base-images`.
    #[must_use]
    pub fn vouches(&self, image: &ImageRef) -> bool {
        let mut images = self.layers.iter().flat_map(|layer| &layer.config.base_images);
        images.any(|name| plimsoll_model::base::is_below(image, name))
    }
}

/// What to say of a service that is not there.
pub(crate) fn no_such_service(name: &str, names: &[&str]) -> String {
    let near = nearest(name, names).map(|near| format!(": did you mean `{near}`?"));
    format!("there is no service `{name}`{}", near.unwrap_or_default())
}

impl Layer {
    /// What the reading of the tree has to know of a service; nothing of one that lies outside of
    /// the audited directory.
    fn hint(&self, hint: &crate::ServiceHint) -> Option<plimsoll_model::ServiceHint> {
        let resolved = |path: &Option<String>| match path {
            Some(path) => self.resolve(path).map(Some),
            None => Some(None),
        };
        Some(plimsoll_model::ServiceHint {
            name: hint.name.clone(),
            dir: resolved(&hint.path)?,
            context: resolved(&hint.context)?,
            ports: hint.ports.clone(),
            owner: hint.owner.clone(),
            purpose: hint.purpose,
        })
    }

    /// A path that this configuration names, relative to the audited root. `None` for one that lies
    /// outside of that.
    #[must_use]
    pub fn resolve(&self, path: &str) -> Option<String> {
        let path = plimsoll_source::normalize_path(&join(&self.dir, path))?;
        if self.way.is_empty() || is_at_or_below(&self.way, &path) {
            return Some(if self.way.is_empty() { path } else { String::new() });
        }
        Some(path.strip_prefix(&*self.way)?.strip_prefix('/')?.to_owned())
    }
}

struct Loader<'a> {
    read: ReadFile<'a>,
    layers: Vec<Layer>,
    wrong: Vec<Misread>,
}

impl Loader<'_> {
    /// The configuration of a directory (`at`, from the top), if it has one.
    fn directory(&mut self, at: &str, dir: &str, way: &str) {
        let file = join(at, CONFIG_NAME);
        match (self.read)(&file) {
            Ok(Some(text)) => self.file(&file, text, dir, way, &mut Vec::new()),
            Ok(None) => {}
            Err(why) => self.wrong(&file, "", 0..0, &format!("cannot be read: {why}"), None),
        }
    }

    /// A file and, before it, what it extends.
    fn file(&mut self, file: &str, text: String, dir: &str, way: &str, open: &mut Vec<String>) {
        let mut config = match Config::parse(&text) {
            Ok(config) => config,
            Err(errors) => {
                self.wrong.push(Misread { file: file.to_owned(), text, errors });
                return;
            }
        };
        open.push(file.to_owned());
        if let Some((path, at)) = &config.extends {
            let from = file.rsplit_once('/').map_or("", |(dir, _)| dir);
            let target = plimsoll_source::normalize_path(&join(from, path));
            match target {
                None => {
                    self.wrong(file, &text, at.clone(), "this leaves the work tree", None);
                }
                Some(target) if open.contains(&target) => {
                    let mut chain = open.clone();
                    chain.push(target);
                    let chain = chain.join(" extends ").escape_debug().to_string();
                    let help = format!("{chain}: take one link out");
                    let message = "this configuration extends itself";
                    self.wrong(file, &text, at.clone(), message, Some(help));
                }
                Some(_) if open.len() >= MAX_EXTENDS => {
                    let message = format!("more than {MAX_EXTENDS} files extend one another");
                    self.wrong(file, &text, at.clone(), &message, None);
                }
                Some(target) => match (self.read)(&target) {
                    Ok(Some(below)) => self.file(&target, below, dir, way, open),
                    Ok(None) => {
                        let message = format!("there is no file `{target}`");
                        let help = "write the path relative to this file";
                        self.wrong(file, &text, at.clone(), &message, Some(help.to_owned()));
                    }
                    Err(why) => {
                        let message = format!("`{path}` cannot be read: {why}");
                        self.wrong(file, &text, at.clone(), &message, None);
                    }
                },
            }
        }
        open.pop();
        // What is extended is a list of settings, no place.
        config.root &= open.is_empty();
        let (dir, way) = (dir.to_owned(), way.to_owned());
        self.layers.push(Layer { file: file.to_owned(), dir, way, config });
    }

    fn wrong(
        &mut self,
        file: &str,
        text: &str,
        range: Range<usize>,
        message: &str,
        help: Option<String>,
    ) {
        let error = PolicyError { range, message: message.to_owned(), help };
        let (file, text) = (file.to_owned(), text.to_owned());
        self.wrong.push(Misread { file, text, errors: vec![error] });
    }
}

/// A gitignore-style pattern of a directory, for the directory around all.
fn below(dir: &str, pattern: &str) -> String {
    if dir.is_empty() {
        return pattern.to_owned();
    }
    let (not, pattern) = match pattern.strip_prefix('!') {
        Some(rest) => ("!", rest),
        None => ("", pattern),
    };
    let mut escaped = String::new();
    for c in dir.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    // One with a slash before its end is anchored, any other matches at every depth.
    let anchored = pattern.trim_end_matches('/').contains('/');
    let between = if anchored { "" } else { "**/" };
    format!("{not}/{escaped}/{between}{}", pattern.trim_start_matches('/'))
}

fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

/// Whether a path is a directory or lies below it; `""` is the root.
pub(crate) fn is_at_or_below(path: &str, dir: &str) -> bool {
    let dir = dir.trim_end_matches('/');
    let rest = path.strip_prefix(dir);
    rest.is_some_and(|rest| dir.is_empty() || rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loads the configurations of a work tree, audited at `root`.
    fn load(root: &str, nested: &[&str], files: &[(&str, &str)]) -> Result<Policy, Vec<Misread>> {
        let read = |path: &str| {
            let found = files.iter().find(|(name, _)| *name == path);
            Ok(found.map(|(_, text)| (*text).to_owned()))
        };
        let nested: Vec<String> = nested.iter().map(|dir| (*dir).to_owned()).collect();
        Policy::load(root, &nested, &read)
    }

    /// What is wrong, as `file: «text» message | help`.
    #[track_caller]
    fn check_wrong(files: &[(&str, &str)], expected: &[&str]) {
        let wrong = load("", &[], files).expect_err("something is wrong");
        let shown: Vec<String> = wrong
            .iter()
            .flat_map(|w| w.errors.iter().map(move |e| (w, e)))
            .map(|(w, e)| {
                let text = w.text.get(e.range.clone()).unwrap_or_default();
                let help = e.help.as_deref().unwrap_or_default();
                format!("{}: «{text}» {} | {help}", w.file, e.message)
            })
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn configurations_are_found_upwards_until_a_root() {
        let files = [
            ("plimsoll.toml", "fail-on = 'low'\nregistries = ['far.example']"),
            ("a/plimsoll.toml", "root = true\nmin-score = 50\nexclude = ['/b/c/old', 'dist/']"),
            ("a/b/c/plimsoll.toml", "fail-on = 'medium'\nexclude = ['x']"),
        ];
        let policy = load("a/b/c", &[], &files).expect("they are right");
        let here = policy.at("any/where");
        assert_eq!(here.fail_on(), Some(Threshold::At(Severity::Medium)));
        assert_eq!(here.min_score(), Some(50.0));
        assert_eq!(policy.layers.len(), 2, "nothing above the root counts");
        assert!(!policy.is_root());
        let above = vec![(2, "/b/c/old".to_owned()), (2, "dist/".to_owned())];
        assert_eq!(policy.exclude(), (vec!["x".to_owned()], above));
        assert!(load("a", &[], &files).expect("they are right").is_root());
    }

    #[test]
    fn nested_configurations_hold_below_them() {
        let files = [
            ("plimsoll.toml", "fail-on = 'low'\ndisable = ['image/pinned-digest']"),
            ("s/plimsoll.toml", "fail-on = 'never'\nexclude = ['gen/', 'a/b']\nareas = ['build']"),
            ("s/own/plimsoll.toml", "root = true"),
        ];
        let policy = load("", &["s", "s/own"], &files).expect("they are right");
        let check =
            |id: &str| crate::all().into_iter().find(|check| check.id == id).expect("it exists");
        let (digest, adds) = (check("image/pinned-digest"), check("build/copies-not-adds"));
        let version = check("image/pinned-version");
        let asks = |at: &str| [digest, adds, version].map(|check| policy.at(at).asks(check));
        assert_eq!(asks("t"), [false, true, true]);
        assert_eq!(asks("s/x"), [false, true, false]);
        assert_eq!(asks("s/own/x"), [true, true, true]);
        assert_eq!(policy.at("s/x").fail_on(), Some(Threshold::Never));
        assert_eq!(policy.at("sx").fail_on(), Some(Threshold::At(Severity::Low)));
        assert_eq!(policy.at("s/own").fail_on(), None);
        let exclude = ["/s/**/gen/".to_owned(), "/s/a/b".to_owned()];
        assert_eq!(policy.exclude(), (exclude.to_vec(), Vec::new()));
    }

    #[test]
    fn a_configuration_extends_another() {
        let files = [
            ("plimsoll.toml", "extends = 'ci/base.toml'\nfail-on = 'low'"),
            ("ci/base.toml", "root = true\nfail-on = 'high'\nmin-coverage = 70"),
        ];
        let policy = load("", &[], &files).expect("they are right");
        assert_eq!(policy.at("").fail_on(), Some(Threshold::At(Severity::Low)));
        assert_eq!(policy.at("").min_coverage(), Some(70.0));
        assert!(!policy.is_root());
    }

    #[test]
    fn what_extends_itself_is_shown() {
        check_wrong(
            &[("plimsoll.toml", "extends = 'a.toml'"), ("a.toml", "extends = './plimsoll.toml'")],
            &["a.toml: «'./plimsoll.toml'» this configuration extends itself | \
               plimsoll.toml extends a.toml extends plimsoll.toml: take one link out"],
        );
        check_wrong(
            &[("plimsoll.toml", "extends = '../x.toml'")],
            &["plimsoll.toml: «'../x.toml'» this leaves the work tree | "],
        );
        check_wrong(
            &[("plimsoll.toml", "extends = 'x.toml'")],
            &["plimsoll.toml: «'x.toml'» there is no file `x.toml` | \
               write the path relative to this file"],
        );
    }

    #[test]
    fn an_edition_lets_later_checks_only_report() {
        let config = Config::parse("edition = '0.0.9'").expect("it is right");
        let policy = Policy::of(config);
        let check = crate::all()[0];
        assert!(policy.at("").is_newer(check));
        assert!(!Policy::default().at("").is_newer(check));
    }

    #[test]
    fn paths_are_resolved_from_where_they_stand() {
        let layer = |dir: &str, way: &str| Layer {
            file: String::new(),
            dir: dir.to_owned(),
            way: way.to_owned(),
            config: Config::default(),
        };
        let check = |dir, way, path: &str, expected: Option<&str>| {
            assert_eq!(layer(dir, way).resolve(path).as_deref(), expected, "{dir} {way} {path}");
        };
        check("s", "", "./x", Some("s/x"));
        check("", "a/b", "a/b/c", Some("c"));
        check("", "a/b", "a", Some(""));
        check("", "a/b", "z", None);
        check("", "", "../x", None);
    }

    #[test]
    fn paths_are_accepted_with_what_is_below_them() {
        assert!(is_at_or_below("a/b/c", "a/b") && is_at_or_below("a/b", "a/b/"));
        assert!(!is_at_or_below("a/bc", "a/b"));
        assert!(is_at_or_below("a", ""));
    }
}
