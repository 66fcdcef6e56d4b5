//! What runs tests, linters, type checkers and coverage in packages of other languages than
//! JavaScript: the toolchain itself, a declared tool, a task.

use plimsoll_model::Why;
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::script::Program;
use plimsoll_source::{FileId, Span, TextRange, Tracking};

use crate::evidence::clip;
use crate::{Cx, Evidence, Verdict};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Lint,
    Typecheck,
    Coverage,
    Test,
}

/// More bytes of source than this are not looked through for one question.
const MAX: usize = 16 << 20;

impl Task {
    /// What does it.
    const fn noun(self) -> &'static str {
        match self {
            Self::Lint => "linter",
            Self::Typecheck => "type checker",
            Self::Coverage => "tool for coverage",
            Self::Test => "test runner",
        }
    }

    /// The packages that bring what does it.
    fn tools(self, ecosystem: Ecosystem) -> &'static [&'static str] {
        use Ecosystem::{Dotnet, Java, Php, Python, Ruby, Rust};
        match (self, ecosystem) {
            (Self::Lint, Python) => {
                &["ruff", "flake8", "pylint", "pyflakes", "prospector", "pylama"]
            }
            (Self::Lint, Ruby) => {
                &["rubocop", "standard", "standardrb", "rubocop-rails-omakase", "rubocop-rails"]
            }
            (Self::Lint, Php) => &[
                "laravel/pint",
                "friendsofphp/php-cs-fixer",
                "squizlabs/php_codesniffer",
                "symplify/easy-coding-standard",
                "phpmd/phpmd",
                "phpstan/phpstan",
                "larastan/larastan",
                "nunomaduro/larastan",
                "vimeo/psalm",
            ],
            (Self::Lint, Java) => &[
                "maven-checkstyle-plugin",
                "maven-pmd-plugin",
                "spotbugs-maven-plugin",
                "spotless-maven-plugin",
                "spring-javaformat-maven-plugin",
                "fmt-maven-plugin",
                "formatter-maven-plugin",
                "git-code-format-maven-plugin",
                "detekt-maven-plugin",
                "ktlint-maven-plugin",
                "error_prone_core",
                "checkstyle",
                "pmd",
                "com.github.spotbugs",
                "com.diffplug.spotless",
                "com.github.sherter.google-java-format",
                "net.ltgt.errorprone",
                "io.gitlab.arturbosch.detekt",
                "org.jlleitschuh.gradle.ktlint",
                "org.jmailen.kotlinter",
                "io.spring.javaformat",
            ],
            (Self::Typecheck, Python) => {
                &["mypy", "pyright", "basedpyright", "ty", "pytype", "pyre-check"]
            }
            (Self::Typecheck, Php) => &[
                "phpstan/phpstan",
                "larastan/larastan",
                "nunomaduro/larastan",
                "vimeo/psalm",
                "phan/phan",
            ],
            (Self::Typecheck, Ruby) => &["sorbet", "sorbet-runtime", "steep", "rbs"],
            (Self::Coverage, Python) => &["pytest-cov", "coverage", "nose-cov"],
            (Self::Coverage, Ruby) => &["simplecov"],
            (Self::Coverage, Php) => &["phpunit/php-code-coverage", "pcov/clobber"],
            (Self::Coverage, Java) => &[
                "jacoco-maven-plugin",
                "cobertura-maven-plugin",
                "kover-maven-plugin",
                "jacoco",
                "jacoco-report-aggregation",
                "org.jetbrains.kotlinx.kover",
            ],
            (Self::Coverage, Dotnet) => &["coverlet.collector", "coverlet.msbuild"],
            (Self::Test, Python) => &["pytest", "nose", "nose2", "green", "tox", "nox"],
            (Self::Test, Ruby) => &["rspec", "rspec-rails", "minitest", "rails", "test-unit"],
            (Self::Test, Php) => &[
                "phpunit/phpunit",
                "pestphp/pest",
                "codeception/codeception",
                "symfony/phpunit-bridge",
            ],
            (Self::Coverage, Rust) => &[],
            _ => &[],
        }
    }

    /// Whether a command does it.
    fn is_done_by(self, words: &[String]) -> bool {
        let words: Vec<&str> = words.iter().map(|w| w.rsplit('/').next().unwrap_or(w)).collect();
        if matches!(words.first(), None | Some(&("echo" | "printf"))) {
            return false;
        }
        let has = |names: &[&str]| words.iter().any(|word| names.contains(word));
        let starts = |names: &[&str]| words.iter().any(|w| names.iter().any(|n| w.starts_with(n)));
        match self {
            Self::Lint => has(&[
                "ruff",
                "flake8",
                "pylint",
                "rubocop",
                "standardrb",
                "pint",
                "phpcs",
                "php-cs-fixer",
                "ecs",
                "phpmd",
                "checkstyle",
                "pmd",
                "spotless:check",
                "spotlessCheck",
                "detekt",
                "ktlint",
                "lint",
            ]),
            Self::Typecheck => has(&[
                "mypy",
                "pyright",
                "basedpyright",
                "ty",
                "pytype",
                "phpstan",
                "psalm",
                "phan",
                "srb",
                "steep",
            ]),
            Self::Coverage => {
                starts(&[
                    "--cov",
                    "--coverage",
                    "-coverprofile",
                    "--collect:",
                    "jacoco",
                    "--code-cov",
                ]) || has(&["coverage", "tarpaulin", "llvm-cov", "grcov", "kcov", "cov"])
            }
            Self::Test => {
                let pairs = [
                    ("manage.py", "test"),
                    ("rails", "test"),
                    ("rails", "spec"),
                    ("rake", "test"),
                    ("artisan", "test"),
                ];
                has(&["pytest", "py.test", "unittest", "tox", "nox", "rspec", "phpunit", "pest"])
                    || pairs.iter().any(|(a, b)| has(&[a]) && has(&[b]))
            }
        }
    }
}

/// Commands of the package's own tasks: scripts of its manifest, targets of Makefiles and shell
/// scripts beside it or at the root.
pub(crate) fn tasks(
    cx: &Cx<'_>,
    package: &Package,
    is_one: &dyn Fn(&[String]) -> bool,
) -> Vec<Span> {
    let of_manifest = package.scripts.iter().filter(|script| {
        let text = script.command.split(['&', ';', '|']);
        text.into_iter().any(|command| {
            let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
            is_one(&words)
        })
    });
    let mut found: Vec<Span> = of_manifest.map(|script| script.span).collect();
    for program in programs(cx, package) {
        found.extend(program.calls().find(|call| is_one(&call.words)).map(|call| call.span));
    }
    found
}

/// The programs beside a package, and those at the root that are by name for everybody.
fn programs<'a>(cx: &Cx<'a>, package: &Package) -> Vec<&'a Program> {
    const BESIDE: [&str; 8] = ["", "scripts", "script", "bin", "hack", "tools", "dev", "ci"];
    const SHARED: [&str; 7] = [
        "Makefile",
        "makefile",
        "GNUmakefile",
        "scripts/test.sh",
        "scripts/lint.sh",
        "test.sh",
        "lint.sh",
    ];
    let tree = &cx.delivery.tree;
    let all = &cx.delivery.programs;
    let of_file = |file: FileId| {
        let start = all.partition_point(|program| program.file < file);
        let rest = all.get(start..).unwrap_or_default().iter();
        rest.take_while(move |program| program.file == file)
    };
    let mut found: Vec<&Program> = Vec::new();
    if !package.dir.is_empty() {
        for beside in BESIDE {
            let dir = match beside {
                "" => package.dir.clone(),
                beside => format!("{}/{beside}", package.dir),
            };
            let start = format!("{dir}/");
            let Some(first) = tree.under(&dir).next() else { continue };
            let from = all.partition_point(|program| program.file < first);
            let below = all.get(from..).unwrap_or_default().iter();
            let below = below.take_while(|program| cx.path(program.file).starts_with(&start));
            found.extend(below.filter(|program| {
                cx.path(program.file).rsplit_once('/').map(|(parent, _)| parent) == Some(&*dir)
            }));
        }
    } else {
        let direct = |program: &&Program| {
            let dir = cx.path(program.file).rsplit_once('/').map_or("", |(dir, _)| dir);
            BESIDE.contains(&dir)
        };
        found.extend(all.iter().filter(direct));
        return found;
    }
    found.extend(SHARED.iter().filter_map(|name| tree.find(name)).flat_map(of_file));
    found
}

/// Whether the package has what is asked for.
pub(crate) fn judge(cx: &Cx<'_>, package: &Package, task: Task) -> Verdict {
    let what = task.noun();
    if package.broken {
        let evidence = Evidence::context(package.place, "does not parse");
        return Verdict::unknown(Why::Unparsed, "the manifest does not parse", evidence);
    }
    if task == Task::Test {
        return tests(cx, package);
    }
    let (shown, configured) = found(cx, package, task);
    let mut shown = shown.into_iter();
    if let Some(first) = shown.next() {
        return Verdict::pass(format!("the package has a {what}"), first).and_all(shown);
    }
    if let Some((why, at)) = package.open {
        let evidence = Evidence::context(at, "may declare more");
        let message = format!("whether a {what} is declared cannot be told from what is read");
        return Verdict::unknown(why, message, evidence);
    }
    match configured {
        Some((name, span)) => Verdict::partial(
            format!("`{}` is configured, and nothing declares it: declare it", clip(name)),
            Evidence::contradicts(span, "is declared nowhere"),
        ),
        None => Verdict::fail(
            format!("nothing declares or runs a {what}: add one"),
            Evidence::missing_in(package.place, format!("no {what}")),
        ),
    }
}

/// What shows that a tool is declared or run, and one that is only configured.
fn found<'p>(
    cx: &Cx<'p>,
    package: &'p Package,
    task: Task,
) -> (Vec<Evidence>, Option<(&'p str, Span)>) {
    let tools = task.tools(package.ecosystem);
    let mut shown = Vec::new();
    // A workspace's root declares for its members.
    let above = ancestors(&package.dir).filter_map(|dir| package_of(cx, dir, package));
    for package in std::iter::once(package).chain(above) {
        if let Some(dependency) = package.any_dependency(tools) {
            let says = format!("declares `{}`", clip(&dependency.name));
            shown.push(Evidence::shows(dependency.span, says));
        }
    }
    let is_one = |name: &str| {
        let bare = |tool: &&str| tool.rsplit('/').next() == Some(name);
        let starts = |tool: &&str| name.strip_prefix(tool).is_some_and(|r| r.starts_with('-'));
        tools.iter().any(|tool| bare(tool) || starts(tool) || *tool == name)
    };
    let mut configured = None;
    for tool in package.tools.iter().filter(|tool| is_one(&tool.name)) {
        if tool.runs {
            shown.push(Evidence::shows(tool.span, format!("runs `{}`", clip(&tool.name))));
        } else {
            configured = configured.or(Some((&*tool.name, tool.span)));
        }
    }
    // PHPUnit measures by itself, where it is told what.
    let measured = package.tools.iter().find(|tool| tool.name == "coverage");
    if let Some(tool) =
        measured.filter(|_| task == Task::Coverage && package.ecosystem == Ecosystem::Php)
    {
        shown.push(Evidence::shows(tool.span, "says what is measured"));
    }
    let tasks = tasks(cx, package, &|words| task.is_done_by(words));
    shown.extend(tasks.into_iter().take(5).map(|span| Evidence::shows(span, "runs it")));
    (shown, configured)
}

/// The directories around one, the nearest first.
fn ancestors(dir: &str) -> impl Iterator<Item = &str> {
    fn up<'d>(dir: &&'d str) -> Option<&'d str> {
        (!dir.is_empty()).then(|| dir.rsplit_once('/').map_or("", |(parent, _)| parent))
    }
    // Nobody nests deeper; a hostile path may.
    std::iter::successors(Some(dir), up).skip(1).take(32)
}

/// The package in a directory with a manifest of the same name as another's.
fn package_of<'a>(cx: &Cx<'a>, dir: &str, like: &Package) -> Option<&'a Package> {
    let name = cx.path(like.manifest).rsplit('/').next().unwrap_or_default();
    let path = if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") };
    let manifest = cx.delivery.tree.find(&path)?;
    let all = &cx.delivery.packages;
    let at = all.partition_point(|package| package.manifest < manifest);
    all.get(at).filter(|package| package.manifest == manifest)
}

/// Whether there are tests, and what runs them.
fn tests(cx: &Cx<'_>, package: &Package) -> Verdict {
    let test = match first_test(cx, package) {
        Tests::At(span) => span,
        Tests::Perhaps(why, at) => {
            let evidence = Evidence::context(at, "may hold its tests");
            return Verdict::unknown(why, "whether it has tests cannot be told", evidence);
        }
        Tests::None => {
            let evidence = Evidence::missing_in(package.place, "no test");
            return Verdict::fail(
                "the package has no test that its runner finds: add one",
                evidence,
            );
        }
    };
    let holds = || Evidence::shows(test, "a test");
    let built_in = match package.ecosystem {
        Ecosystem::Go => Some("go test"),
        Ecosystem::Rust => Some("cargo test"),
        Ecosystem::Dotnet => Some("dotnet test"),
        Ecosystem::Java if cx.path(package.manifest).ends_with(".xml") => Some("mvn test"),
        Ecosystem::Java => Some("gradle test"),
        _ => None,
    };
    if let Some(command) = built_in {
        let says = format!("`{command}` runs it");
        return Verdict::pass(format!("there are tests, and `{command}` runs them"), holds())
            .and(Evidence::context(package.place, says));
    }
    let (shown, configured) = found(cx, package, Task::Test);
    let mut shown = shown.into_iter();
    if let Some(first) = shown.next() {
        let message = "there are tests, and what runs them is declared";
        return Verdict::pass(message, first).and(holds()).and_all(shown);
    }
    let text = cx.delivery.tree.read(test.file).unwrap_or_default();
    let says = |word: &str| String::from_utf8_lossy(&text).contains(word);
    let unittest = says("import unittest") || says("from unittest") || says("django.test");
    if package.ecosystem == Ecosystem::Python && unittest {
        let message = "there are tests, and Python's own runner runs them";
        return Verdict::pass(message, holds());
    }
    if let Some((why, at)) = package.open {
        let evidence = Evidence::context(at, "may declare more");
        let message = "there are tests; whether their runner is declared cannot be told";
        return Verdict::unknown(why, message, evidence);
    }
    let place = configured.map_or(package.place, |(_, span)| span);
    let message = "there are tests, and nothing declares what runs them: declare it";
    Verdict::partial(message, Evidence::missing_in(place, "no test runner is declared"))
        .and(Evidence::context(test, "a test"))
}

/// Where a package's tests are.
enum Tests {
    At(Span),
    Perhaps(Why, Span),
    None,
}

/// How a language's runner knows a test: the ends and starts of file names, and words that begin
/// one, the more telling first.
fn signs(ecosystem: Ecosystem) -> (fn(&str) -> bool, &'static [&'static str]) {
    match ecosystem {
        Ecosystem::Python => (
            |path| {
                let name = path.rsplit('/').next().unwrap_or(path);
                let tests = name == "tests.py" || path.contains("tests/") || path.contains("test/");
                path.ends_with(".py")
                    && (name.starts_with("test_") || name.ends_with("_test.py") || tests)
            },
            &["def test", "class Test", "TestCase)"],
        ),
        Ecosystem::Go => (|path| path.ends_with("_test.go"), &["func Test", "func Example"]),
        Ecosystem::Rust => {
            (|path| path.ends_with(".rs"), &["#[test]", "::test]", "#[rstest", "::test("])
        }
        Ecosystem::Java => (
            |path| {
                let code =
                    [".java", ".kt", ".groovy", ".scala"].iter().any(|end| path.ends_with(end));
                code && (path.contains("src/test/") || path.contains("src/integrationTest/"))
            },
            &["@Test", "@ParameterizedTest", "@ArchTest", "extends Specification", "@RunWith"],
        ),
        Ecosystem::Ruby => (
            |path| path.ends_with("_spec.rb") || path.ends_with("_test.rb"),
            &["describe", "test \"", "test '", "def test_", "it "],
        ),
        Ecosystem::Php => (
            |path| path.ends_with(".php") && path.contains("tests/"),
            &["function test", "@test", "#[Test]", "test('", "it('", "test(\"", "it(\""],
        ),
        Ecosystem::Dotnet => (
            |path| path.ends_with(".cs") || path.ends_with(".fs"),
            &["[Fact", "[Theory", "[Test]", "[TestMethod]", "[TestCase"],
        ),
        Ecosystem::Node | Ecosystem::Other => (|_| false, &[]),
    }
}

/// The first test of a package. Those below another package of the language are that one's, but for
/// .NET, where they are a project of their own.
fn first_test(cx: &Cx<'_>, package: &Package) -> Tests {
    let tree = &cx.delivery.tree;
    let (is_file, words) = signs(package.ecosystem);
    let apart = package.ecosystem == Ecosystem::Dotnet;
    let nested: Vec<&str> = cx
        .delivery
        .packages
        .iter()
        .filter(|p| p.ecosystem == package.ecosystem && p.dir.len() > package.dir.len())
        // A workspace's member, or a module of a build, is tested by the same command.
        .filter(|_| matches!(package.ecosystem, Ecosystem::Go | Ecosystem::Python))
        .map(|p| &*p.dir)
        .take(1_000)
        .collect();
    let mut left = MAX;
    let mut look = |dir: &str, all: bool| -> Option<Span> {
        for file in tree.under(dir) {
            let entry = tree.entry(file);
            let path = &*entry.path;
            let aside = path.split('/').any(|part| {
                matches!(part, "node_modules" | "vendor" | ".venv" | "venv" | "target" | "fixtures")
            });
            if aside || entry.tracking == Tracking::Ignored || !is_file(path) {
                continue;
            }
            let other = nested
                .iter()
                .any(|dir| path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/')));
            if other && !all {
                continue;
            }
            let Ok(bytes) = tree.read(file) else { continue };
            left = left.checked_sub(bytes.len())?;
            let places = words.iter().filter_map(|word| {
                Some((memchr::memmem::find(&bytes, word.as_bytes())?, word.len()))
            });
            if let Some((at, len)) = places.min() {
                return Some(Span::new(file, TextRange::of(at, at + len)));
            }
        }
        None
    };
    if let Some(span) = look(&package.dir, false) {
        return Tests::At(span);
    }
    if apart {
        // Another project that refers to this one.
        let project = cx.delivery.packages.iter().find(|other| {
            other.dependencies.iter().any(|d| d.local.as_deref() == Some(&*package.dir))
        });
        if let Some(span) = project.and_then(|project| look(&project.dir, true)) {
            return Tests::At(span);
        }
    }
    if left == MAX && tree.under(&package.dir).next().is_none() {
        return Tests::Perhaps(Why::OutOfTree, package.place);
    }
    // Tests beside the packages, at the root.
    if !package.dir.is_empty() {
        for dir in ["tests", "test", "e2e", "integration-tests"] {
            let file: Option<FileId> = tree.under(dir).find(|&file| is_file(tree.path(file)));
            if let Some(file) = file {
                return Tests::Perhaps(Why::NeedsRun, cx.start_of(file));
            }
        }
    }
    if left < 1 << 16 { Tests::Perhaps(Why::TooLarge, package.place) } else { Tests::None }
}

/// The first place where a Python source says a type; `None` where none that is read does.
pub(crate) fn annotated(cx: &Cx<'_>, package: &Package) -> Option<Span> {
    let tree = &cx.delivery.tree;
    let mut left = MAX;
    for file in tree.under(&package.dir) {
        let entry = tree.entry(file);
        if !entry.path.ends_with(".py") || entry.tracking == Tracking::Ignored {
            continue;
        }
        let Ok(bytes) = tree.read(file) else { continue };
        left = left.checked_sub(bytes.len())?;
        if let Some(at) = memchr::memmem::find(&bytes, b") -> ") {
            return Some(Span::new(file, TextRange::of(at, at + 4)));
        }
    }
    None
}
