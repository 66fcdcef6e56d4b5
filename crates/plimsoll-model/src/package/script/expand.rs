//! From a script's text to the commands it runs: wrappers taken off, other scripts gone into.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_source::FileId;
use plimsoll_syntax::shell::{self, CommandKind, Dialect, ListId, RedirectOp, Script};

use crate::fact::Why;
use crate::package::{Package, PackageScript};
use crate::path;

/// Scripts within scripts within scripts.
const MAX_VIA: usize = 16;
/// Commands of one script.
const MAX_CALLS: usize = 1_000;
/// Wrappers around wrappers, shells within shells.
const MAX_WRAPPERS: usize = 16;

/// What Bun does itself, whatever scripts there are.
const BUN: [&str; 20] = [
    "add", "audit", "build", "create", "exec", "info", "init", "install", "i", "link", "outdated",
    "patch", "pm", "publish", "remove", "repl", "test", "unlink", "update", "upgrade",
];

/// A command as it is run.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    /// Its words; `None` for one that is computed.
    pub(crate) words: Vec<Option<String>>,
    /// Where it runs, relative to the root; `None` where that is computed or out of the tree.
    pub(crate) cwd: Option<String>,
    /// The scripts gone through.
    pub(crate) via: Vec<String>,
    /// The package whose script it is.
    pub(crate) package: &'a Package,
    /// The script in which it stands.
    pub(crate) script: &'a PackageScript,
    /// Files that redirections write.
    pub(crate) writes: Vec<String>,
    /// `npx` and the like fetch it where it is not installed.
    pub(crate) download: bool,
    /// `npx -p PACKAGE`: what brings it.
    pub(crate) from: Option<String>,
    /// A script of this name was asked for, and there is none.
    pub(crate) no_script: Option<String>,
    /// It cannot be read.
    pub(crate) unknown: Option<Why>,
}

/// What a script runs, in order.
pub(crate) fn calls<'a>(
    packages: &'a [Package],
    package: &'a Package,
    script: &'a PackageScript,
) -> Vec<Call<'a>> {
    let mut expander = Expander::new(packages);
    expander.script(package, script, &[], &[]);
    expander.calls
}

/// What a command line runs that is given in the directory of a package; `line` stands for the
/// script that it would be.
pub(super) fn calls_of_line<'a>(
    packages: &'a [Package],
    package: &'a Package,
    line: &'a PackageScript,
) -> Vec<Call<'a>> {
    let mut expander = Expander::new(packages);
    expander.text(&line.command, At::of(package, line, Vec::new()));
    expander.calls
}

/// What several scripts of a package run, each script that they share once; with each command,
/// the index of the script in `scripts` that led to it.
pub(super) fn calls_of_all<'a>(
    packages: &'a [Package],
    package: &'a Package,
    scripts: &[&'a PackageScript],
) -> Vec<(usize, Call<'a>)> {
    let mut expander = Expander::new(packages);
    let mut found = Vec::new();
    for (index, script) in scripts.iter().enumerate() {
        expander.script(package, script, &[], &[]);
        found.extend(expander.calls.drain(..).map(|call| (index, call)));
    }
    found
}

struct Expander<'a> {
    packages: &'a [Package],
    /// The scripts of the packages gone into, by name.
    scripts: BTreeMap<FileId, BTreeMap<&'a str, &'a PackageScript>>,
    /// Scripts gone into, with what they pass on: each is, once, so that cycles and fans end.
    seen: BTreeSet<(FileId, &'a str, Vec<Option<String>>)>,
    calls: Vec<Call<'a>>,
}

/// Where a command stands.
#[derive(Clone)]
struct At<'a> {
    package: &'a Package,
    script: &'a PackageScript,
    via: Vec<String>,
    cwd: Option<String>,
    writes: Vec<String>,
    wrappers: usize,
}

impl<'a> At<'a> {
    fn of(package: &'a Package, script: &'a PackageScript, via: Vec<String>) -> Self {
        let cwd = Some(package.dir.clone());
        Self { package, script, via, cwd, writes: Vec::new(), wrappers: 0 }
    }
}

impl<'a> Expander<'a> {
    fn new(packages: &'a [Package]) -> Self {
        let (scripts, seen) = (BTreeMap::new(), BTreeSet::new());
        Self { packages, scripts, seen, calls: Vec::new() }
    }

    fn find(&mut self, package: &'a Package, name: &str) -> Option<&'a PackageScript> {
        let by_name = self
            .scripts
            .entry(package.manifest)
            .or_insert_with(|| package.scripts.iter().map(|s| (&*s.name, s)).collect());
        by_name.get(name).copied()
    }

    /// Goes into a script; `given` are the words behind its name, where it was called.
    fn script(
        &mut self,
        package: &'a Package,
        script: &'a PackageScript,
        via: &[String],
        given: &[Option<String>],
    ) {
        // Words are options of what runs, unless the script is made to pass on the name of another.
        let given = if passes_on(&script.command) { given } else { &[] };
        if !self.seen.insert((package.manifest, &script.name, given.to_vec())) {
            return;
        }
        if via.len() > MAX_VIA {
            let at = At::of(package, script, via.to_vec());
            return self.push(vec![None], &at, |call| call.unknown = Some(Why::TooLarge));
        }
        self.hook(package, "pre", script, via);
        let mut via_this = via.to_vec();
        via_this.push(script.name.clone());
        let at = At::of(package, script, via_this);
        match given {
            [] => self.text(&script.command, at),
            _ if given.iter().flatten().all(|word| is_plain(word)) && !given.contains(&None) => {
                let words: Vec<&str> = given.iter().flatten().map(String::as_str).collect();
                self.text(&format!("{} {}", script.command.trim_end(), words.join(" ")), at);
            }
            _ => self.push(vec![None], &at, |call| call.unknown = Some(Why::Dynamic)),
        }
        self.hook(package, "post", script, via);
    }

    /// `npm run x` runs `prex` and `postx` around it.
    fn hook(
        &mut self,
        package: &'a Package,
        hook: &str,
        script: &'a PackageScript,
        via: &[String],
    ) {
        // `pre` of a `pre` script is none.
        if script.name.starts_with("pre") || script.name.starts_with("post") {
            return;
        }
        if let Some(found) = self.find(package, &format!("{hook}{}", script.name)) {
            let mut via = via.to_vec();
            via.push(script.name.clone());
            self.script(package, found, &via, &[]);
        }
    }

    fn text(&mut self, text: &str, at: At<'a>) {
        let script = shell::parse(text.as_bytes(), Dialect::Posix);
        if !script.errors.is_empty() {
            self.push(vec![None], &at, |call| call.unknown = Some(Why::Unparsed));
            return;
        }
        if let Some(root) = script.root {
            self.list(&script, root, &mut at.clone());
        }
    }

    fn list(&mut self, script: &Script, list: ListId, at: &mut At<'a>) {
        for item in &script.list(list).items {
            for &command in &item.pipeline {
                self.command(script, command, at);
            }
        }
    }

    fn command(&mut self, script: &Script, id: shell::CommandId, at: &mut At<'a>) {
        let command = script.command(id);
        match &command.kind {
            CommandKind::Simple { words, .. } => {
                let words: Vec<Option<String>> =
                    words.iter().map(|&word| script.literal(word)).collect();
                if words.is_empty() {
                    return;
                }
                at.writes = command
                    .redirects
                    .iter()
                    .filter(|r| !matches!(r.op, RedirectOp::Read | RedirectOp::Heredoc))
                    .filter_map(|r| script.literal(r.target))
                    .collect();
                self.simple(words.clone(), at.clone());
                at.writes.clear();
                if words.first().is_some_and(|w| w.as_deref() == Some("cd")) {
                    at.cwd = match (&at.cwd, words.get(1)) {
                        (Some(cwd), Some(Some(to))) if to != "-" && !to.starts_with('~') => {
                            path::join(cwd, to)
                        }
                        _ => None,
                    };
                }
            }
            CommandKind::Subshell(list) => self.list(script, *list, &mut at.clone()),
            CommandKind::Group(list) => self.list(script, *list, at),
            CommandKind::If { branches, otherwise } => {
                for (condition, body) in branches {
                    self.list(script, *condition, at);
                    self.list(script, *body, at);
                }
                if let Some(body) = otherwise {
                    self.list(script, *body, at);
                }
            }
            CommandKind::Loop { condition, body, .. } => {
                self.list(script, *condition, at);
                self.list(script, *body, at);
            }
            CommandKind::For { body, .. } => self.list(script, *body, at),
            CommandKind::Case { arms, .. } => {
                for (_, body) in arms {
                    self.list(script, *body, at);
                }
            }
            CommandKind::Function { body, .. } => self.command(script, *body, at),
            CommandKind::Test(_) | CommandKind::Arithmetic => {}
        }
    }

    fn push(
        &mut self,
        words: Vec<Option<String>>,
        at: &At<'a>,
        change: impl FnOnce(&mut Call<'a>),
    ) {
        if self.calls.len() > MAX_CALLS {
            return;
        }
        let full = self.calls.len() == MAX_CALLS;
        let mut call = Call {
            words,
            cwd: at.cwd.clone(),
            via: at.via.clone(),
            package: at.package,
            script: at.script,
            writes: at.writes.clone(),
            download: false,
            from: None,
            no_script: None,
            unknown: None,
        };
        change(&mut call);
        if full {
            call.unknown = Some(Why::TooLarge);
        }
        self.calls.push(call);
    }

    /// One command: taken out of its wrappers, which are commands, too.
    fn simple(&mut self, words: Vec<Option<String>>, mut at: At<'a>) {
        at.wrappers += 1;
        let Some(Some(binary)) = words.first().cloned() else {
            return self.push(words, &at, |_| {});
        };
        if at.wrappers > MAX_WRAPPERS {
            return self.push(words, &at, |call| call.unknown = Some(Why::TooLarge));
        }
        let rest = words.get(1..).unwrap_or_default().to_vec();
        match &*binary {
            "exec" | "command" | "nohup" | "time" | "nice" | "builtin" => {
                self.inner(after_options(&rest, &[]), at);
            }
            "env" => self.inner(after_options(&rest, &["-u", "-C"]), at),
            "cross-env" | "cross-env-shell" => {
                self.push(vec![Some(binary)], &at, |_| {});
                self.inner(after_options(&rest, &[]), at);
            }
            "dotenv" | "dotenvx" | "env-cmd" | "doppler" | "infisical" => {
                let inner = match rest.iter().position(|word| word.as_deref() == Some("--")) {
                    Some(dashes) => rest.get(dashes + 1..).unwrap_or_default().to_vec(),
                    None if matches!(&*binary, "dotenv" | "env-cmd") => {
                        after_options(&rest, &["-e", "-f", "--file", "-v", "-c", "-p"])
                    }
                    None => Vec::new(),
                };
                let own = words.len() - inner.len();
                self.push(words.get(..own).unwrap_or_default().to_vec(), &at, |_| {});
                self.inner(inner, at);
            }
            "nyc" | "c8" => {
                const VALUES: &[&str] = &[
                    "-r",
                    "--reporter",
                    "-x",
                    "--exclude",
                    "-n",
                    "--include",
                    "--lines",
                    "--branches",
                    "--functions",
                    "--statements",
                    "-o",
                    "--report-dir",
                    "-t",
                    "--temp-dir",
                    "--temp-directory",
                    "-c",
                    "--config",
                    "--nycrc-path",
                    "--cwd",
                    "--extension",
                    "-e",
                    "-i",
                    "--require",
                    "--src",
                ];
                let inner = after_options(&rest, VALUES);
                self.push(vec![Some(binary)], &at, |_| {});
                self.inner(inner, at);
            }
            "npx" | "bunx" | "pnpx" => self.npx(&rest, &at),
            "npm" => self.npm(words, &rest, at),
            "yarn" | "pnpm" => self.yarn(words, &rest, at),
            "bun" => match (word(&rest, 0), word(&rest, 1)) {
                (Some("run"), Some(name)) if self.find(at.package, name).is_some() => {
                    self.run(name, &at, &words);
                }
                (Some("x"), _) => self.npx(rest.get(1..).unwrap_or_default(), &at),
                // Its own commands win over scripts of their names.
                (Some(name), _)
                    if !BUN.contains(&name) && self.find(at.package, name).is_some() =>
                {
                    self.run(name, &at, &words);
                }
                _ => self.push(words, &at, |_| {}),
            },
            "npm-run-all" | "run-s" | "run-p" => {
                self.push(vec![Some(binary)], &at, |_| {});
                for name in rest.iter().flatten().filter(|word| !word.starts_with('-')) {
                    let name = name.split_whitespace().next().unwrap_or_default();
                    self.run_matching(name, &at, &words);
                }
            }
            "concurrently" => {
                self.push(vec![Some(binary)], &at, |_| {});
                let values = [
                    "-n",
                    "--names",
                    "-c",
                    "--prefix-colors",
                    "-p",
                    "--prefix",
                    "-s",
                    "--success",
                    "-l",
                    "-m",
                    "--max-processes",
                    "--restart-tries",
                ];
                for text in operands(&rest, &values) {
                    match text.strip_prefix("npm:").or_else(|| text.strip_prefix("pnpm:")) {
                        Some(name) => {
                            let name = name.split_whitespace().next().unwrap_or_default();
                            self.run_matching(name, &at, &words);
                        }
                        None => self.text(&text, at.clone()),
                    }
                }
            }
            "sh" | "bash" | "zsh" if rest.iter().any(|w| is_shell_c(w.as_deref())) => {
                self.push(vec![Some(binary)], &at, |_| {});
                let at_c = rest.iter().position(|w| is_shell_c(w.as_deref())).unwrap_or(0);
                match rest.get(at_c + 1) {
                    Some(Some(text)) => self.text(text, at),
                    _ => self.push(vec![None], &at, |_| {}),
                }
            }
            "nodemon" if option(&rest, &["-x", "--exec"]).is_some() => {
                self.push(vec![Some(binary)], &at, |_| {});
                if let Some(text) = option(&rest, &["-x", "--exec"]) {
                    let operands = operands(
                        &rest,
                        &[
                            "-x",
                            "--exec",
                            "-w",
                            "--watch",
                            "-e",
                            "--ext",
                            "-i",
                            "--ignore",
                            "-d",
                            "--delay",
                            "--config",
                            "-s",
                            "--signal",
                            "-r",
                            "--require",
                            "--import",
                            "--loader",
                        ],
                    );
                    // What nodemon runs gets the operands, and the options that are not nodemon's.
                    let required = ["-r", "--require", "--import", "--loader"];
                    let required = required.iter().filter_map(|name| {
                        option(&rest, &[name]).map(|value| format!("{name} {value} "))
                    });
                    let required: String = required.collect();
                    let line = format!("{text} {required}{}", operands.join(" "));
                    self.text(line.trim(), at);
                }
            }
            "node" if word(&rest, 0) == Some("--run") => match word(&rest, 1) {
                Some(name) => self.run(name, &at, &words),
                None => self.push(words, &at, |_| {}),
            },
            _ => self.push(words, &at, |_| {}),
        }
    }

    fn inner(&mut self, words: Vec<Option<String>>, at: At<'a>) {
        if !words.is_empty() {
            self.simple(words, at);
        }
    }

    fn npx(&mut self, rest: &[Option<String>], at: &At<'a>) {
        // What follows the command's name is the command's: `npx tsc -p tsconfig.json`.
        let values = ["-p", "--package", "-w", "--workspace", "-c", "--call"];
        let inner = after_options(rest, &values);
        let own = rest.get(..rest.len() - inner.len()).unwrap_or_default();
        if let Some(text) = option(own, &["-c", "--call"]) {
            return self.text(&text, at.clone());
        }
        let from = option(own, &["-p", "--package"]);
        let may_download = !rest
            .iter()
            .flatten()
            .take_while(|word| word.starts_with('-'))
            .any(|word| word == "--no" || word == "--no-install");
        let inner: Vec<_> =
            inner.into_iter().skip_while(|word| word.as_deref() == Some("--")).collect();
        if inner.is_empty() {
            return self.push(vec![Some("npx".to_owned())], at, |_| {});
        }
        let before = self.calls.len();
        self.simple(inner, at.clone());
        if let Some(call) = self.calls.get_mut(before) {
            call.download = may_download;
            call.from = from;
        }
    }

    fn npm(&mut self, words: Vec<Option<String>>, rest: &[Option<String>], at: At<'a>) {
        const VALUES: &[&str] = &["-w", "--workspace", "--prefix", "-C", "--loglevel"];
        let until = rest.iter().position(|w| w.as_deref() == Some("--")).unwrap_or(rest.len());
        let own = rest.get(..until).unwrap_or_default();
        if rest.iter().any(Option::is_none) && operands(own, VALUES).is_empty() {
            return self.push(words, &at, |_| {});
        }
        let given = operands(own, VALUES);
        let given: Vec<&str> = given.iter().map(String::as_str).collect();
        let name = match given.as_slice() {
            ["run" | "run-script" | "rum" | "urn", name, ..] => *name,
            ["test" | "t" | "tst", ..] => "test",
            ["start" | "stop" | "restart", ..] => given.first().copied().unwrap_or_default(),
            ["exec" | "x", ..] => {
                let at_verb = rest
                    .iter()
                    .position(|w| matches!(w.as_deref(), Some("exec" | "x")))
                    .unwrap_or(0);
                return self.npx(rest.get(at_verb + 1..).unwrap_or_default(), &at);
            }
            _ => return self.push(words, &at, |_| {}),
        };
        let everywhere = own.iter().flatten().any(|w| w == "--workspaces" || w == "-ws");
        let target = option(own, &["-w", "--workspace"])
            .map(|named| self.named(&named, &at))
            .or_else(|| option(own, &["--prefix", "-C"]).map(|dir| self.at_dir(&dir, &at)));
        let if_present = own.iter().flatten().any(|w| w == "--if-present");
        match target {
            Some(Some(package)) => self.run_in(package, name, &at, &words, if_present),
            Some(None) => self.push(words, &at, |call| call.unknown = Some(Why::Dynamic)),
            None if everywhere => self.push(words, &at, |_| {}),
            None => self.run_here(name, &at, &words, if_present),
        }
    }

    /// Yarn and pnpm run scripts and binaries without `run`, too.
    fn yarn(&mut self, words: Vec<Option<String>>, rest: &[Option<String>], at: At<'a>) {
        const OWN: &[&str] = &[
            "add",
            "audit",
            "autoclean",
            "cache",
            "config",
            "constraints",
            "create",
            "dedupe",
            "deploy",
            "dlx",
            "fetch",
            "generate-lock-entry",
            "global",
            "import",
            "info",
            "init",
            "install",
            "i",
            "licenses",
            "link",
            "list",
            "login",
            "ls",
            "node",
            "npm",
            "outdated",
            "pack",
            "patch",
            "plugin",
            "policies",
            "prune",
            "publish",
            "rebuild",
            "remove",
            "root",
            "set",
            "setup",
            "store",
            "unlink",
            "up",
            "update",
            "upgrade",
            "version",
            "versions",
            "why",
            "workspaces",
        ];
        const VALUES: &[&str] = &["--cwd", "-C", "--dir", "--filter", "-F"];
        let own = after_options(rest, VALUES);
        let filter = option(rest, &["--filter", "-F"]);
        let several = rest.iter().flatten().any(|w| w == "-r" || w == "--recursive");
        let Some(Some(verb)) = own.first() else { return self.push(words, &at, |_| {}) };
        // A filter that is one package's name or directory, not a pattern.
        let filtered = filter.as_ref().and_then(|one| self.named(one, &at));
        if several || (filter.is_some() && filtered.is_none()) || OWN.contains(&&**verb) {
            return self.push(words, &at, |_| {});
        }
        let package = match option(rest, &["--cwd", "-C", "--dir"]) {
            None => filtered.or(Some(at.package)),
            Some(dir) => self.at_dir(&dir, &at),
        };
        let Some(package) = package else {
            return self.push(words, &at, |call| call.unknown = Some(Why::Dynamic));
        };
        match &**verb {
            "workspace" => match (word(&own, 1), word(&own, 2)) {
                (Some(named), Some(name)) => {
                    let name = if name == "run" { word(&own, 3).unwrap_or(name) } else { name };
                    match self.named(named, &at) {
                        Some(package) if self.find(package, name).is_some() => {
                            self.run_in(package, name, &at, &words, false);
                        }
                        _ => self.push(words, &at, |call| call.unknown = Some(Why::Dynamic)),
                    }
                }
                _ => self.push(words, &at, |_| {}),
            },
            "exec" => self.inner(own.get(1..).unwrap_or_default().to_vec(), at),
            verb => {
                let (name, from) = match verb {
                    "run" => match word(&own, 1) {
                        Some(name) => (name.to_owned(), 1),
                        None => return self.push(words, &at, |_| {}),
                    },
                    name => (name.to_owned(), 0),
                };
                if self.find(package, &name).is_some() {
                    self.run_in(package, &name, &at, &words, false);
                } else if matches!(&*name, "test" | "start") {
                    self.push(words, &at, |call| call.no_script = Some(name));
                } else {
                    self.inner(own.get(from..).unwrap_or_default().to_vec(), at);
                }
            }
        }
    }

    /// Runs a script of the package that the working directory belongs to.
    fn run_here(&mut self, name: &str, at: &At<'a>, words: &[Option<String>], if_present: bool) {
        let package = match &at.cwd {
            Some(cwd) if *cwd != at.package.dir => path::ancestors(cwd)
                .find_map(|dir| self.packages.iter().find(|p| p.is_node() && p.dir == dir)),
            Some(_) => Some(at.package),
            None => None,
        };
        match package {
            Some(package) => self.run_in(package, name, at, words, if_present),
            None => self.push(words.to_vec(), at, |call| call.unknown = Some(Why::Dynamic)),
        }
    }

    fn run(&mut self, name: &str, at: &At<'a>, words: &[Option<String>]) {
        self.run_here(name, at, words, false);
    }

    fn run_in(
        &mut self,
        package: &'a Package,
        name: &str,
        at: &At<'a>,
        words: &[Option<String>],
        if_present: bool,
    ) {
        match self.find(package, name) {
            Some(script) => {
                // What stands behind the script's name goes to the script.
                let behind = words.iter().position(|word| word.as_deref() == Some(name));
                let given = behind.and_then(|at| words.get(at + 1..)).unwrap_or_default();
                let dashes = usize::from(given.first().is_some_and(|w| w.as_deref() == Some("--")));
                self.script(package, script, &at.via, given.get(dashes..).unwrap_or_default());
            }
            // `npm start` runs `server.js` where there is no script.
            None if if_present || name == "restart" || name == "start" => {
                self.push(words.to_vec(), at, |_| {});
            }
            None => {
                let name = name.to_owned();
                self.push(words.to_vec(), at, |call| {
                    call.package = package;
                    call.no_script = Some(name);
                });
            }
        }
    }

    /// `build:*` runs every script that matches (`:` parts them as `/` does paths).
    fn run_matching(&mut self, name: &str, at: &At<'a>, words: &[Option<String>]) {
        if !name.contains('*') {
            return self.run(name, at, words);
        }
        let pattern = name.replace(':', "/");
        for script in &at.package.scripts {
            if path::glob(&pattern, &script.name.replace(':', "/")) {
                self.script(at.package, script, &at.via, &[]);
            }
        }
    }

    /// The package of this name, or in this directory.
    fn named(&self, name: &str, at: &At<'a>) -> Option<&'a Package> {
        let by_name = self.packages.iter().find(|p| p.is_node() && p.name.as_deref() == Some(name));
        by_name.or_else(|| self.at_dir(name, at))
    }

    fn at_dir(&self, dir: &str, at: &At<'a>) -> Option<&'a Package> {
        let dir = path::join(at.cwd.as_deref()?, dir)?;
        self.packages.iter().find(|p| p.is_node() && p.dir == dir)
    }
}

/// Whether a script hands the words behind its name to a package manager, as its command:
/// `pnpm --filter @acme/api --`.
fn passes_on(command: &str) -> bool {
    let words: Vec<Option<String>> =
        command.split_whitespace().map(|word| Some(word.to_owned())).collect();
    let values = ["--filter", "-F", "-C", "--dir", "--cwd", "--prefix", "-w", "--workspace"];
    let rest = match words.split_first() {
        Some((Some(manager), rest)) if matches!(&**manager, "pnpm" | "yarn" | "npm" | "bun") => {
            rest
        }
        _ => return false,
    };
    match after_options(rest, &values).as_slice() {
        [] => !rest.is_empty(),
        [Some(verb)] => verb == "run",
        [Some(verb), _] => verb == "workspace",
        _ => false,
    }
}

/// Whether a word can stand in a line as it is.
fn is_plain(word: &str) -> bool {
    !word.is_empty()
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:=@,+%".contains(&b))
}

fn is_shell_c(word: Option<&str>) -> bool {
    word.is_some_and(|w| w.starts_with('-') && !w.starts_with("--") && w.ends_with('c'))
}

fn word(words: &[Option<String>], index: usize) -> Option<&str> {
    words.get(index)?.as_deref()
}

/// The value of an option, given as `-o value` or `--option=value`.
pub(super) fn option(words: &[Option<String>], names: &[&str]) -> Option<String> {
    for (index, word) in words.iter().enumerate() {
        let Some(word) = word else { continue };
        if word == "--" {
            return None;
        }
        if names.contains(&&**word) {
            return words.get(index + 1)?.clone();
        }
        if let Some((name, value)) = word.split_once('=')
            && names.contains(&name)
        {
            return Some(value.to_owned());
        }
    }
    None
}

/// The words that are no options nor values of the options named.
pub(super) fn operands(words: &[Option<String>], values: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut skip = false;
    for word in words.iter() {
        if std::mem::take(&mut skip) {
            continue;
        }
        let Some(word) = word else { continue };
        if word.starts_with('-') && word.len() > 1 {
            skip = values.contains(&&**word);
        } else {
            found.push(word.clone());
        }
    }
    found
}

/// What stands after leading options (with the values of those named) and `NAME=value` words.
fn after_options(words: &[Option<String>], values: &[&str]) -> Vec<Option<String>> {
    let mut at = 0;
    while let Some(Some(word)) = words.get(at) {
        let assigns = word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        });
        if values.contains(&&**word) {
            at += 2;
        } else if word.starts_with('-') || assigns {
            at += 1;
        } else {
            break;
        }
    }
    words.get(at..).unwrap_or_default().to_vec()
}
