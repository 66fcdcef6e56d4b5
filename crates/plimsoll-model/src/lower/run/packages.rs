//! Package managers and compilers: what their command lines install, clean, prune and build.

use super::base_name;
use crate::image::{EffectKind, Install, Manager};

/// What a command line does.
#[derive(Debug, Default)]
pub(super) struct Act {
    /// Its effects, in order.
    pub(super) kinds: Vec<EffectKind>,
    /// The directory it is told to work in (`--prefix`, `-C`).
    pub(super) dir: Option<String>,
}

impl Act {
    fn new(kind: EffectKind) -> Option<Self> {
        Some(Self { kinds: vec![kind], dir: None })
    }

    fn at(mut self, dir: Option<&str>) -> Self {
        self.dir = dir.map(str::to_owned).or(self.dir);
        self
    }
}

/// A command line's options and operands. Options that stand among the operands count too.
pub(super) struct Options {
    flags: Vec<(String, Option<String>)>,
    pub(super) operands: Vec<String>,
}

impl Options {
    /// `valued`: the options that take the next word, where no `=` gives one.
    pub(super) fn read(words: &[String], valued: &[&str]) -> Self {
        let mut found = Self { flags: Vec::new(), operands: Vec::new() };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word == "--" {
                found.operands.extend(words.cloned());
                break;
            }
            if word.starts_with("--") {
                let (name, value) = match word.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (&**word, None),
                };
                let value = value
                    .or_else(|| valued.contains(&name).then(|| words.next().cloned()).flatten());
                found.flags.push((name.to_owned(), value));
                continue;
            }
            let Some(cluster) = word.strip_prefix('-').filter(|cluster| !cluster.is_empty()) else {
                found.operands.push(word.clone());
                continue;
            };
            for (at, letter) in cluster.char_indices() {
                let name = format!("-{letter}");
                if valued.contains(&&*name) {
                    let rest = cluster.get(at + letter.len_utf8()..).unwrap_or_default();
                    let rest = rest.strip_prefix('=').unwrap_or(rest);
                    let value =
                        if rest.is_empty() { words.next().cloned() } else { Some(rest.to_owned()) };
                    found.flags.push((name, value));
                    break;
                }
                found.flags.push((name, None));
            }
        }
        found
    }

    /// Whether one of these options is given, and not as `=false`.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.flags.iter().any(|(name, value)| {
            names.contains(&&**name) && !matches!(value.as_deref(), Some("false" | "0" | "no"))
        })
    }

    /// The values of these options.
    fn values(&self, names: &[&str]) -> impl Iterator<Item = &str> {
        let found = self.flags.iter().filter(move |(name, _)| names.contains(&&**name));
        found.filter_map(|(_, value)| value.as_deref())
    }

    /// The last value of these options.
    pub(super) fn value(&self, names: &[&str]) -> Option<&str> {
        self.values(names).last()
    }

    fn operand(&self, index: usize) -> &str {
        self.operands.get(index).map_or("", |word| word)
    }

    fn from(&self, index: usize) -> Vec<String> {
        self.operands.get(index..).unwrap_or_default().to_vec()
    }
}

/// The variables that a command sees.
type Env<'e> = &'e dyn Fn(&str) -> Option<String>;

/// Whether a command line installs or builds: `install` or `build`.
pub(super) fn kind(words: &[String]) -> Option<String> {
    let act = read(words, &|_| None, 0)?;
    act.kinds.iter().find_map(|kind| match kind {
        EffectKind::Install(_) => Some("install".to_owned()),
        EffectKind::Build { .. } => Some("build".to_owned()),
        _ => None,
    })
}

/// What a command line does, if it is that of a package manager or compiler.
pub(super) fn read(words: &[String], env: Env<'_>, depth: usize) -> Option<Act> {
    let (first, args) = words.split_first()?;
    if depth > 4 {
        return None;
    }
    let name = base_name(first);
    let name = name.strip_suffix(".cmd").unwrap_or(name);
    let act = match name {
        "apk" => apk(args),
        "apt-get" | "apt" | "aptitude" => apt(args),
        "dnf" | "yum" | "microdnf" | "tdnf" | "dnf5" => dnf(args),
        "zypper" => zypper(args),
        "pacman" => pacman(args),
        "npm" => npm(args, env, depth),
        "yarn" | "yarnpkg" => yarn(args, env, depth),
        "pnpm" => pnpm(args, env, depth),
        "bun" => bun(args, env, depth),
        "npx" | "bunx" | "pnpx" => {
            let start = args.iter().position(|word| !word.starts_with('-'))?;
            read(&args[start..], env, depth + 1)
        }
        "uv" => uv(args, env, depth),
        "poetry" => poetry(args, env, depth),
        "pipenv" => pipenv(args, env, depth),
        "gem" => gem(args),
        "bundle" | "bundler" => bundle(args, env, depth),
        "cargo" => cargo(args),
        "go" => go(args, env),
        "composer" | "composer.phar" => composer(args, env),
        "mvn" | "mvnw" => maven(args),
        "gradle" | "gradlew" => gradle(args),
        "dotnet" => dotnet(args),
        _ if is_versioned(name, "pip") => pip(args, env),
        _ if is_versioned(name, "python") => python(args, env),
        _ => None,
    };
    let mut act = act.or_else(|| is_build(name, args).then(|| Act::new(build()))?)?;
    for kind in &mut act.kinds {
        if let EffectKind::Build { words: said } = kind {
            *said = words.to_vec();
        }
    }
    let make = name == "make" || name == "gmake" || name == "ninja";
    let dir = if make {
        Options::read(args, &["-C", "-f", "-j"]).value(&["-C"]).map(str::to_owned)
    } else {
        None
    };
    Some(act.at(dir.as_deref()))
}

/// A build, whose words are filled in afterwards.
fn build() -> EffectKind {
    EffectKind::Build { words: Vec::new() }
}

fn install(manager: Manager, packages: Vec<String>) -> Install {
    Install {
        manager,
        packages,
        group: None,
        global: false,
        locked: false,
        production: false,
        cache_free: false,
        overrides_peers: false,
    }
}

/// `pip`, `pip3`, `pip3.12`.
fn is_versioned(name: &str, stem: &str) -> bool {
    name.strip_prefix(stem).is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

fn is_set(value: Option<String>) -> bool {
    value.is_some_and(|value| !matches!(&*value.to_ascii_lowercase(), "" | "0" | "false" | "no"))
}

fn apk(args: &[String]) -> Option<Act> {
    let valued =
        ["-t", "--virtual", "-X", "--repository", "-p", "--root", "--cache-dir", "--keys-dir"];
    let options = Options::read(args, &valued);
    match (options.operand(0), options.operand(1)) {
        ("add", _) => Act::new(EffectKind::Install(Install {
            cache_free: options.has(&["--no-cache"]),
            group: options.value(&["-t", "--virtual"]).map(str::to_owned),
            ..install(Manager::Apk, options.from(1))
        })),
        ("del", _) => Act::new(EffectKind::Uninstall(Manager::Apk, options.from(1))),
        ("cache", "clean" | "purge") => Act::new(EffectKind::CleanCache(Manager::Apk)),
        _ => None,
    }
}

fn apt(args: &[String]) -> Option<Act> {
    let valued = ["-t", "--target-release", "-o", "--option", "-c", "--config-file", "-a"];
    let options = Options::read(args, &valued);
    match options.operand(0) {
        "install" | "build-dep" => {
            Act::new(EffectKind::Install(install(Manager::Apt, options.from(1))))
        }
        "purge" | "remove" => Act::new(EffectKind::Uninstall(Manager::Apt, options.from(1))),
        _ => None,
    }
}

fn dnf(args: &[String]) -> Option<Act> {
    let valued = [
        "--setopt",
        "--enablerepo",
        "--disablerepo",
        "--releasever",
        "--installroot",
        "-c",
        "--repo",
        "-x",
        "--exclude",
        "--nogpgcheck-repo",
    ];
    let options = Options::read(args, &valued);
    match options.operand(0) {
        "install" | "groupinstall" | "localinstall" | "reinstall" => {
            Act::new(EffectKind::Install(install(Manager::Dnf, options.from(1))))
        }
        "remove" | "erase" => Act::new(EffectKind::Uninstall(Manager::Dnf, options.from(1))),
        "clean" => Act::new(EffectKind::CleanCache(Manager::Dnf)),
        _ => None,
    }
}

fn zypper(args: &[String]) -> Option<Act> {
    let options = Options::read(args, &["-r", "--repo", "-R", "--root", "-t", "--type"]);
    match options.operand(0) {
        "install" | "in" => {
            Act::new(EffectKind::Install(install(Manager::Zypper, options.from(1))))
        }
        "clean" | "cc" => Act::new(EffectKind::CleanCache(Manager::Zypper)),
        _ => None,
    }
}

fn pacman(args: &[String]) -> Option<Act> {
    let options = Options::read(args, &["--cachedir", "-r", "--root", "-b", "--dbpath"]);
    if !options.has(&["-S", "--sync"]) {
        return None;
    }
    if options.has(&["-c", "--clean"]) {
        return Act::new(EffectKind::CleanCache(Manager::Pacman));
    }
    (!options.operands.is_empty())
        .then(|| Act::new(EffectKind::Install(install(Manager::Pacman, options.from(0)))))?
}

/// Whether `npm`, `pnpm` or `yarn` leaves development dependencies out.
fn is_production(options: &Options, env: Env<'_>) -> bool {
    let says = |names: &[&str], word: &str| {
        options.values(names).any(|v| v.split(',').any(|v| v.starts_with(word)))
    };
    let off = options
        .values(&["--production", "--prod"])
        .any(|value| matches!(value, "false" | "0" | "no"));
    if off || says(&["--include"], "dev") || options.has(&["--dev"]) {
        return false;
    }
    says(&["--omit"], "dev")
        || says(&["--only"], "prod")
        || options.has(&["--production", "--prod"])
        || env("NODE_ENV").as_deref() == Some("production")
}

/// Whether a package script builds, by its name.
pub(crate) fn is_build_script(name: &str) -> bool {
    ["build", "compile"].iter().any(|stem| {
        name.strip_prefix(stem)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '-', '_', '.']))
            || name.strip_suffix(stem).is_some_and(|rest| rest.ends_with([':', '-', '_']))
    })
}

fn npm(args: &[String], env: Env<'_>, depth: usize) -> Option<Act> {
    let valued = [
        "-w",
        "--workspace",
        "--prefix",
        "-C",
        "--registry",
        "--cache",
        "--loglevel",
        "--omit",
        "--include",
        "--only",
        "--fetch-timeout",
        "--fetch-retries",
        "--fetch-retry-mintimeout",
        "--fetch-retry-maxtimeout",
        "--network-timeout",
        "--script-shell",
        "--userconfig",
        "--install-strategy",
        "--maxsockets",
        "--location",
        "--tag",
        "--python",
    ];
    let options = Options::read(args, &valued);
    let setting = |name: &str| env(&name.to_uppercase()).or_else(|| env(name));
    let production = is_production(&options, env)
        || !options.values(&["--include"]).any(|v| v.contains("dev"))
            && (is_set(setting("npm_config_production"))
                || setting("npm_config_omit").is_some_and(|omit| omit.contains("dev")));
    let overrides = |name: &str| {
        options.has(&[&format!("--{name}")])
            || is_set(setting(&format!("npm_config_{}", name.replace('-', "_"))))
                && !options.values(&[&format!("--{name}")]).any(|value| value == "false")
    };
    let legacy = overrides("legacy-peer-deps");
    let overrides_peers = legacy || overrides("force") || options.has(&["-f"]);
    let act = match options.operand(0) {
        "ci" | "clean-install" | "ic" | "install-clean" => Act::new(EffectKind::Install(Install {
            locked: true,
            production,
            overrides_peers,
            ..install(Manager::Npm, Vec::new())
        })),
        "install" | "i" | "in" | "ins" | "inst" | "add" | "update" | "up" | "upgrade" => {
            let location = options.value(&["--location"]);
            let global = options.has(&["-g", "--global"]) || location == Some("global");
            Act::new(EffectKind::Install(Install {
                global,
                production,
                // `npm install -g yarn --force` replaces a file that the base image brings.
                overrides_peers: if global { legacy } else { overrides_peers },
                ..install(Manager::Npm, options.from(1))
            }))
        }
        "run" | "run-script" | "rum" if is_build_script(options.operand(1)) => Act::new(build()),
        "prune" if production => Act::new(EffectKind::Prune(Manager::Npm)),
        "cache" if matches!(options.operand(1), "clean" | "clear" | "rm") => {
            Act::new(EffectKind::CleanCache(Manager::Npm))
        }
        "exec" | "x" => read(&options.from(1), env, depth + 1),
        _ => None,
    };
    Some(act?.at(options.value(&["--prefix", "-C"])))
}

fn yarn(args: &[String], env: Env<'_>, depth: usize) -> Option<Act> {
    let valued = [
        "--cwd",
        "--registry",
        "--network-timeout",
        "--cache-folder",
        "--modules-folder",
        "--network-concurrency",
        "--mutex",
        "--mode",
    ];
    let options = Options::read(args, &valued);
    let immutable = options.has(&["--immutable"]);
    let made = |packages| Install {
        locked: immutable || options.has(&["--frozen-lockfile"]),
        // The releases that know `--immutable` do not ask NODE_ENV.
        production: is_production(&options, if immutable { &|_| None } else { env }),
        ..install(Manager::Yarn, packages)
    };
    let act = match (options.operand(0), options.operand(1)) {
        ("" | "install", _) if !options.has(&["-v", "--version", "--help"]) => {
            Act::new(EffectKind::Install(made(Vec::new())))
        }
        ("add", _) => {
            Act::new(EffectKind::Install(Install { locked: false, ..made(options.from(1)) }))
        }
        ("global", "add") => Act::new(EffectKind::Install(Install {
            global: true,
            locked: false,
            ..made(options.from(2))
        })),
        ("run", script) if is_build_script(script) => Act::new(build()),
        ("workspaces", "focus") if options.has(&["--production"]) => {
            Act::new(EffectKind::Prune(Manager::Yarn))
        }
        ("workspaces", "focus") => Act::new(EffectKind::Install(made(Vec::new()))),
        ("workspaces", "foreach" | "run") => {
            options.operands.iter().any(|word| is_build_script(word)).then(|| Act::new(build()))?
        }
        ("workspace", _) => yarn(&options.from(2), env, depth + 1)
            .filter(|_| options.operands.len() > 2 && depth < 4),
        ("cache", "clean" | "clear") => Act::new(EffectKind::CleanCache(Manager::Yarn)),
        (script, _) if is_build_script(script) => Act::new(build()),
        ("exec" | "dlx" | "run", _) => read(&options.from(1), env, depth + 1),
        _ => tool(&options.from(0)),
    };
    Some(act?.at(options.value(&["--cwd"])))
}

fn pnpm(args: &[String], env: Env<'_>, depth: usize) -> Option<Act> {
    let valued = [
        "-C",
        "--dir",
        "--filter",
        "-F",
        "--store-dir",
        "--reporter",
        "--prefix",
        "--filter-prod",
        "--workspace-concurrency",
        "--registry",
    ];
    let options = Options::read(args, &valued);
    let production =
        options.has(&["-P"]) || is_production(&options, env) && !options.has(&["-D", "-d"]);
    let frozen = options.has(&["--frozen-lockfile"])
        || is_set(env("CI"))
            && !options.has(&["--no-frozen-lockfile"])
            && !options.values(&["--frozen-lockfile"]).any(|value| value == "false");
    let made = |locked, packages| {
        Act::new(EffectKind::Install(Install {
            locked,
            production,
            global: options.has(&["-g", "--global"]),
            ..install(Manager::Pnpm, packages)
        }))
    };
    let act = match (options.operand(0), options.operand(1)) {
        ("install" | "i", _) => made(frozen, options.from(1)),
        ("ci" | "fetch" | "deploy", _) => made(true, Vec::new()),
        ("add", _) => made(false, options.from(1)),
        ("run" | "run-script", script) if is_build_script(script) => Act::new(build()),
        ("prune", _) if production => Act::new(EffectKind::Prune(Manager::Pnpm)),
        ("store", "prune") => Act::new(EffectKind::CleanCache(Manager::Pnpm)),
        (script, _) if is_build_script(script) => Act::new(build()),
        ("exec" | "dlx" | "run", _) => read(&options.from(1), env, depth + 1),
        ("recursive", _) => pnpm(&options.from(1), env, depth + 1).filter(|_| depth < 4),
        _ => tool(&options.from(0)),
    };
    Some(act?.at(options.value(&["-C", "--dir", "--prefix"])))
}

fn bun(args: &[String], env: Env<'_>, depth: usize) -> Option<Act> {
    let options = Options::read(args, &["--cwd", "--cache-dir", "--registry", "--filter"]);
    let made = |locked, packages| {
        Act::new(EffectKind::Install(Install {
            locked,
            production: options.has(&["--production", "-p"])
                || options.value(&["--omit"]) == Some("dev"),
            global: options.has(&["-g", "--global"]),
            ..install(Manager::Bun, packages)
        }))
    };
    let act = match (options.operand(0), options.operand(1)) {
        ("install" | "i", _) => made(options.has(&["--frozen-lockfile"]), options.from(1)),
        ("ci", _) => made(true, Vec::new()),
        ("add", _) => made(false, options.from(1)),
        ("run", script) if is_build_script(script) => Act::new(build()),
        ("build", _) => Act::new(build()),
        ("pm", "cache") => Act::new(EffectKind::CleanCache(Manager::Bun)),
        ("x", _) => read(&options.from(1), env, depth + 1),
        _ => None,
    };
    Some(act?.at(options.value(&["--cwd"])))
}

const PIP_VALUED: [&str; 36] = [
    "-r",
    "--requirement",
    "--requirements",
    "-c",
    "--constraint",
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "-t",
    "--target",
    "--prefix",
    "--root",
    "--trusted-host",
    "-e",
    "--editable",
    "--timeout",
    "--retries",
    "--cache-dir",
    "--proxy",
    "--no-binary",
    "--only-binary",
    "--platform",
    "--python-version",
    "-w",
    "--wheel-dir",
    "--src",
    "--upgrade-strategy",
    "-p",
    "--python",
    "--group",
    "--extra",
    "--package",
    "--index",
    "--link-mode",
];

fn pip(args: &[String], env: Env<'_>) -> Option<Act> {
    let options = Options::read(args, &PIP_VALUED);
    match (options.operand(0), options.operand(1)) {
        ("install" | "wheel" | "download", _) => {
            let mut packages = options.from(1);
            packages.extend(options.values(&["-e", "--editable"]).map(str::to_owned));
            // Its cache is off whenever the variable is set, whatever it says.
            let variable = env("PIP_NO_CACHE_DIR").is_some_and(|value| !value.is_empty());
            Act::new(EffectKind::Install(Install {
                locked: options.has(&["--require-hashes"]) || is_set(env("PIP_REQUIRE_HASHES")),
                cache_free: options.has(&["--no-cache-dir", "--no-cache"]) || variable,
                ..install(Manager::Pip, packages)
            }))
        }
        ("cache", "purge") => Act::new(EffectKind::CleanCache(Manager::Pip)),
        _ => None,
    }
}

fn python(args: &[String], env: Env<'_>) -> Option<Act> {
    let start = args.iter().position(|word| {
        word == "-m" || word == "-c" || word.ends_with(".py") || !word.starts_with('-')
    })?;
    match (&**args.get(start)?, args.get(start + 1).map(|word| &**word)) {
        ("-m", Some("pip")) => pip(args.get(start + 2..)?, env),
        ("-m", Some("build" | "PyInstaller" | "compileall")) => Act::new(build()),
        ("-m", Some("poetry")) => poetry(args.get(start + 2..)?, env, 1),
        ("-m", Some("pipenv")) => pipenv(args.get(start + 2..)?, env, 1),
        (script, Some(_)) if base_name(script) == "setup.py" => Act::new(build()),
        _ => None,
    }
}

fn uv(args: &[String], env: Env<'_>, depth: usize) -> Option<Act> {
    let mut valued = PIP_VALUED.to_vec();
    valued.extend(["--directory", "--project", "--no-group", "--only-group", "--with"]);
    let options = Options::read(args, &valued);
    let made = |packages| {
        Act::new(EffectKind::Install(Install {
            locked: options.has(&["--frozen", "--locked", "--require-hashes"])
                || is_set(env("UV_FROZEN"))
                || is_set(env("UV_LOCKED")),
            production: options.has(&["--no-dev", "--no-default-groups"])
                || is_set(env("UV_NO_DEV")),
            cache_free: options.has(&["--no-cache", "--no-cache-dir", "-n"])
                || is_set(env("UV_NO_CACHE")),
            ..install(Manager::Uv, packages)
        }))
    };
    let act = match (options.operand(0), options.operand(1)) {
        ("sync", _) => made(Vec::new()),
        ("add", _) => made(options.from(1)),
        ("pip", "install" | "sync") => {
            let mut packages = options.from(2);
            packages.retain(|word| options.operand(1) == "install" || !word.ends_with(".txt"));
            packages.extend(options.values(&["-e", "--editable"]).map(str::to_owned));
            made(packages)
        }
        ("tool", "install") => {
            let mut act = made(options.from(2))?;
            if let Some(EffectKind::Install(install)) = act.kinds.first_mut() {
                install.global = true;
            }
            Some(act)
        }
        ("build", _) => Act::new(build()),
        ("cache", "clean" | "prune") => Act::new(EffectKind::CleanCache(Manager::Uv)),
        ("run", _) => read(&options.from(1), env, depth + 1),
        _ => None,
    };
    Some(act?.at(options.value(&["--directory", "--project"])))
}

fn poetry(args: &[String], env: Env<'_>, depth: usize) -> Option<Act> {
    let valued = ["--with", "--without", "--only", "-E", "--extras", "-C", "--directory", "-P"];
    let options = Options::read(args, &valued);
    let names = |option: &str, group: &str| {
        options.values(&[option]).any(|v| v.split([',', ' ']).any(|v| v == group))
    };
    let made = |locked, packages| {
        Act::new(EffectKind::Install(Install {
            locked,
            production: options.has(&["--no-dev"])
                || names("--only", "main") && !names("--only", "dev")
                || names("--without", "dev"),
            cache_free: options.has(&["--no-cache"]),
            ..install(Manager::Poetry, packages)
        }))
    };
    let act = match options.operand(0) {
        "install" | "sync" => made(true, Vec::new()),
        "add" => made(false, options.from(1)),
        "build" => Act::new(build()),
        "cache" if options.operand(1) == "clear" => {
            Act::new(EffectKind::CleanCache(Manager::Poetry))
        }
        "run" => read(&options.from(1), env, depth + 1),
        _ => None,
    };
    Some(act?.at(options.value(&["-C", "--directory"])))
}

fn pipenv(args: &[String], env: Env<'_>, depth: usize) -> Option<Act> {
    let options = Options::read(args, &["-r", "--requirements", "--python", "--index"]);
    match options.operand(0) {
        command @ ("install" | "sync") => Act::new(EffectKind::Install(Install {
            locked: command == "sync" || options.has(&["--deploy", "--ignore-pipfile"]),
            production: !options.has(&["--dev", "-d"]),
            cache_free: env("PIP_NO_CACHE_DIR").is_some_and(|value| !value.is_empty()),
            ..install(Manager::Pipenv, options.from(1))
        })),
        "run" => read(&options.from(1), env, depth + 1),
        _ => None,
    }
}

fn gem(args: &[String]) -> Option<Act> {
    let options = Options::read(args, &["-v", "--version", "-i", "--install-dir", "-n"]);
    (options.operand(0) == "install").then(|| {
        Act::new(EffectKind::Install(Install {
            global: true,
            ..install(Manager::Gem, options.from(1))
        }))
    })?
}

fn bundle(args: &[String], env: Env<'_>, depth: usize) -> Option<Act> {
    let valued = ["--without", "--with", "--path", "-j", "--jobs", "--retry", "--gemfile"];
    let options = Options::read(args, &valued);
    let names = |value: &str| value.contains("development");
    match options.operand(0) {
        "" | "install" | "i" => Act::new(EffectKind::Install(Install {
            locked: options.has(&["--deployment", "--frozen"])
                || is_set(env("BUNDLE_DEPLOYMENT"))
                || is_set(env("BUNDLE_FROZEN")),
            production: options.values(&["--without"]).any(names)
                || env("BUNDLE_WITHOUT").is_some_and(|value| names(&value)),
            ..install(Manager::Bundler, Vec::new())
        })),
        "exec" => read(&options.from(1), env, depth + 1),
        _ => None,
    }
}

fn cargo(args: &[String]) -> Option<Act> {
    let args = match args.split_first() {
        Some((toolchain, rest)) if toolchain.starts_with('+') => rest,
        _ => args,
    };
    let valued = [
        "--bin",
        "-p",
        "--package",
        "--target",
        "--features",
        "-F",
        "--manifest-path",
        "--path",
        "--root",
        "--profile",
        "--target-dir",
        "-j",
        "--jobs",
        "--recipe-path",
        "--version",
        "--git",
        "--tag",
        "--rev",
        "--branch",
        "--example",
        "--config",
        "-Z",
    ];
    let options = Options::read(args, &valued);
    let made = |packages| {
        EffectKind::Install(Install {
            locked: options.has(&["--locked", "--frozen"]),
            ..install(Manager::Cargo, packages)
        })
    };
    let kinds = match (options.operand(0), options.operand(1)) {
        ("build" | "b" | "rustc" | "zigbuild", _) | ("chef", "cook") => {
            vec![made(Vec::new()), build()]
        }
        ("install", _) if options.has(&["--path"]) => vec![made(Vec::new()), build()],
        ("install", _) => vec![match made(options.from(1)) {
            EffectKind::Install(install) => {
                EffectKind::Install(Install { global: true, ..install })
            }
            other => other,
        }],
        ("fetch" | "vendor", _) => vec![made(Vec::new())],
        _ => return None,
    };
    let dir = options.value(&["--manifest-path"]).and_then(|path| path.rsplit_once('/'));
    let dir = dir.map(|(dir, _)| dir).or(options.value(&["--path"]));
    Some(Act { kinds, dir: None }.at(dir))
}

fn go(args: &[String], env: Env<'_>) -> Option<Act> {
    let (dir, args) = match args {
        [flag, dir, rest @ ..] if flag == "-C" => (Some(&**dir), rest),
        _ => (None, args),
    };
    let (command, rest) = args.split_first()?;
    // go.sum is checked unless the command may change it.
    let locked = !rest.iter().any(|word| word == "-mod=mod")
        && !env("GOFLAGS").is_some_and(|flags| flags.contains("-mod=mod"));
    let made = |locked, packages| {
        Act::new(EffectKind::Install(Install { locked, ..install(Manager::Go, packages) }))
    };
    let packages = || rest.iter().filter(|word| !word.starts_with('-')).cloned().collect();
    let first = rest.first().map(|word| &**word);
    let act = match (&**command, first) {
        ("build", _) => Act::new(build()),
        ("install", _) if rest.iter().any(|word| word.contains('@')) => {
            let mut act = made(false, packages())?;
            if let Some(EffectKind::Install(install)) = act.kinds.first_mut() {
                install.global = true;
            }
            Some(act)
        }
        ("install", _) => Act::new(build()),
        ("get", _) => made(false, packages()),
        ("mod", Some("download" | "vendor" | "verify")) => made(locked, Vec::new()),
        ("mod", Some("tidy")) => made(false, Vec::new()),
        ("clean", _) if rest.iter().any(|word| word == "-modcache") => {
            Act::new(EffectKind::CleanCache(Manager::Go))
        }
        _ => None,
    };
    Some(act?.at(dir))
}

fn composer(args: &[String], env: Env<'_>) -> Option<Act> {
    let options = Options::read(args, &["-d", "--working-dir", "--ignore-platform-req"]);
    let made = |locked, packages| {
        Act::new(EffectKind::Install(Install {
            locked,
            production: options.has(&["--no-dev"]) || is_set(env("COMPOSER_NO_DEV")),
            cache_free: options.has(&["--no-cache"]),
            ..install(Manager::Composer, packages)
        }))
    };
    let act = match options.operand(0) {
        "install" | "i" => made(true, Vec::new()),
        "update" | "upgrade" | "u" => made(false, Vec::new()),
        "require" | "create-project" => made(false, options.from(1)),
        "clear-cache" | "clearcache" | "cc" => Act::new(EffectKind::CleanCache(Manager::Composer)),
        _ => None,
    };
    Some(act?.at(options.value(&["-d", "--working-dir"])))
}

fn maven(args: &[String]) -> Option<Act> {
    let valued = ["-f", "--file", "-pl", "--projects", "-P", "-s", "--settings", "-T"];
    let options = Options::read(args, &valued);
    let phase = |names: &[&str]| options.operands.iter().any(|goal| names.contains(&&**goal));
    let act = if phase(&["compile", "package", "verify", "install", "deploy", "assembly:single"])
        || options.operands.iter().any(|goal| goal.starts_with("spring-boot:build"))
    {
        // What is missing is fetched first.
        let kinds = vec![EffectKind::Install(install(Manager::Maven, Vec::new())), build()];
        Some(Act { kinds, dir: None })
    } else if options.operands.iter().any(|goal| goal.contains("dependency:")) {
        Act::new(EffectKind::Install(install(Manager::Maven, Vec::new())))
    } else {
        None
    };
    let file = options.value(&["-f", "--file"]);
    let dir = file.map(|file| match file.rsplit_once('/') {
        Some((dir, name)) if name.ends_with(".xml") => dir,
        _ => file,
    });
    Some(act?.at(dir.filter(|dir| !dir.ends_with(".xml"))))
}

fn gradle(args: &[String]) -> Option<Act> {
    let options = Options::read(args, &["-p", "--project-dir", "-x", "--exclude-task", "-b"]);
    let task = |goal: &String| goal.rsplit(':').next().unwrap_or_default().to_owned();
    let tasks: Vec<String> = options.operands.iter().map(task).collect();
    let builds = |task: &String| {
        let names = [
            "build",
            "assemble",
            "jar",
            "war",
            "classes",
            "installDist",
            "distTar",
            "distZip",
            "shadowJar",
            "quarkusBuild",
            "nativeCompile",
            "compileJava",
            "compileKotlin",
        ];
        names.contains(&&**task) || task.starts_with("boot") && task != "bootRun"
    };
    let act = if tasks.iter().any(builds) {
        let kinds = vec![EffectKind::Install(install(Manager::Gradle, Vec::new())), build()];
        Some(Act { kinds, dir: None })
    } else if tasks.iter().any(|t| t == "dependencies" || t.starts_with("downloadDep")) {
        Act::new(EffectKind::Install(install(Manager::Gradle, Vec::new())))
    } else {
        None
    };
    Some(act?.at(options.value(&["-p", "--project-dir"])))
}

fn dotnet(args: &[String]) -> Option<Act> {
    let valued = ["-c", "--configuration", "-o", "--output", "-r", "--runtime", "-f", "-a", "-v"];
    let options = Options::read(args, &valued);
    let restore = || {
        EffectKind::Install(Install {
            locked: options.has(&["--locked-mode"]),
            ..install(Manager::Dotnet, Vec::new())
        })
    };
    let kinds = match (options.operand(0), options.operand(1)) {
        ("restore", _) => vec![restore()],
        ("publish" | "build" | "pack", _) if options.has(&["--no-restore", "--no-build"]) => {
            vec![build()]
        }
        ("publish" | "build" | "pack", _) => vec![restore(), build()],
        ("nuget", "locals") => vec![EffectKind::CleanCache(Manager::Dotnet)],
        ("tool", "install" | "restore") => vec![EffectKind::Install(Install {
            global: options.has(&["-g", "--global"]),
            ..install(Manager::Dotnet, options.from(2))
        })],
        _ => return None,
    };
    Some(Act { kinds, dir: None })
}

/// A binary that a package manager runs by its name: `yarn tsc`.
fn tool(words: &[String]) -> Option<Act> {
    let (name, args) = words.split_first()?;
    is_build(name, args).then(|| Act::new(build()))?
}

/// Whether a tool compiles or bundles.
fn is_build(name: &str, args: &[String]) -> bool {
    let has = |words: &[&str]| args.iter().any(|arg| words.contains(&&**arg));
    let target = || {
        args.iter().any(|arg| {
            let arg = arg.strip_prefix("--target=").unwrap_or(arg);
            arg.split(',').any(is_build_script)
        })
    };
    match name {
        "tsc" | "vue-tsc" => !has(&["--noEmit", "--version", "-v", "--help", "--init"]),
        "webpack" | "rollup" | "esbuild" | "tsup" | "swc" | "babel" | "ninja" | "gcc" | "g++"
        | "cc" | "c++" | "clang" | "clang++" | "rustc" | "javac" | "kotlinc" | "pyinstaller"
        | "sphinx-build" | "hugo" | "ant" => !has(&["--version", "-v", "-V", "--help", "version"]),
        "make" | "gmake" => !has(&["clean", "distclean", "test", "check", "lint", "--version"]),
        "vite" | "next" | "nuxt" | "nuxi" | "astro" | "remix" | "ng" | "nest" | "nx" | "turbo"
        | "lerna" | "react-scripts" | "vue-cli-service" | "parcel" | "gatsby" | "docusaurus"
        | "ncc" | "wasm-pack" | "trunk" | "stack" | "cabal" | "swift" | "zig" | "bazel"
        | "flutter" | "gulp" | "grunt" | "mkdocs" | "svelte-kit" | "rsbuild" | "react-router"
        | "quasar" | "medusa" | "strapi" | "hatch" | "flit" => target(),
        "cmake" => has(&["--build"]),
        "mix" => has(&["compile", "release", "assets.deploy"]),
        "sbt" => has(&["assembly", "package", "compile", "stage", "dist"]),
        "deno" => has(&["compile"]),
        "meson" => has(&["compile"]),
        "rake" | "rails" => has(&["assets:precompile"]),
        _ => false,
    }
}

/// The managers whose cache is what lies at a path.
pub(super) fn caches(path: &str) -> Vec<Manager> {
    use Manager::{
        Apk, Apt, Bun, Bundler, Cargo, Composer, Dnf, Dotnet, Go, Gradle, Maven, Npm, Pacman, Pip,
        Pipenv, Pnpm, Poetry, Uv, Yarn, Zypper,
    };
    let path = path.trim_end_matches('*').trim_end_matches('/');
    let ends = |tails: &[&str]| {
        tails.iter().any(|tail| {
            path.strip_suffix(tail).is_some_and(|rest| tail.starts_with('/') || rest.is_empty())
        })
    };
    let mut found = Vec::new();
    let mut add = |managers: &[Manager], tails: &[&str]| {
        if ends(tails) {
            found.extend_from_slice(managers);
        }
    };
    add(&[Apk], &["/var/cache/apk", "/etc/apk/cache"]);
    add(&[Apt], &["/var/lib/apt/lists", "/var/lib/apt"]);
    add(&[Dnf], &["/var/cache/dnf", "/var/cache/yum", "/var/cache/libdnf5", "/var/cache/tdnf"]);
    add(&[Zypper], &["/var/cache/zypp", "/var/cache/zypper"]);
    add(&[Pacman], &["/var/cache/pacman", "/var/cache/pacman/pkg"]);
    add(&[Apk, Dnf, Zypper, Pacman], &["/var/cache"]);
    add(&[Npm], &["/.npm", "/.npm/_cacache", "/.cache/npm"]);
    add(
        &[Yarn],
        &["/.cache/yarn", "/share/.cache", "/.yarn/cache", "/.yarn/berry/cache", "/.yarn"],
    );
    add(&[Yarn], &["/share/.cache/yarn/v6", "/.yarn-cache"]);
    add(&[Pnpm], &["/pnpm/store", "/.pnpm-store", "/.local/share/pnpm", "/.pnpm/store"]);
    add(&[Bun], &["/.bun/install/cache", "/.bun"]);
    add(&[Pip], &["/.cache/pip"]);
    add(&[Uv], &["/.cache/uv"]);
    add(&[Poetry], &["/.cache/pypoetry", "$POETRY_CACHE_DIR", "${POETRY_CACHE_DIR}"]);
    add(&[Pipenv], &["/.cache/pipenv"]);
    add(&[Pip, Uv, Poetry, Pipenv, Composer], &["/.cache"]);
    add(&[Bundler], &["/bundle/cache", "/ruby/*/cache", "/usr/local/bundle"]);
    add(&[Cargo], &["/cargo/registry", "/.cargo/registry", "/cargo/registry/cache", "/.cargo"]);
    add(&[Go], &["/go/pkg/mod", "/go/pkg"]);
    add(&[Composer], &["/.composer", "/.composer/cache", "/.cache/composer", "/tmp/cache"]);
    add(&[Maven], &["/.m2", "/.m2/repository"]);
    add(&[Gradle], &["/.gradle", "/.gradle/caches"]);
    add(&[Dotnet], &["/.nuget", "/.nuget/packages"]);
    found
}
