//! Whether what an image starts is there: the file, module or declared program that its command
//! names.

use plimsoll_model::Why;
use plimsoll_model::container::Mount;
use plimsoll_model::filesystem::{Filesystem, Found};
use plimsoll_model::image::{EffectKind, Image};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_source::Span;

use crate::evidence::clip;
use crate::startup::{Start, judge as join, servers};
use crate::{Cx, Evidence, ServiceSubject, Subject, Verdict};

/// What a command starts.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    /// A file, absolute or from the working directory.
    File(String),
    /// A module of Python's: `app.main`.
    Module(String),
    /// What `fastapi run` finds by itself.
    FastApi,
    /// A program that is looked up by name.
    Program(String),
    /// It cannot be read off.
    Opaque,
}

/// Whether everything that the service's commands start is in its images.
pub(crate) fn judge(cx: &Cx<'_>, service: ServiceSubject<'_>, package: &Package) -> Verdict {
    let starts = servers(cx, Subject::Service(service.id));
    if starts.is_empty() {
        let evidence = Evidence::context(service.place, "starts no server");
        return Verdict::unknown(Why::Unsupported, "no command is known that starts it", evidence);
    }
    join(service, &starts, |start| of_start(cx, start, package))
}

fn of_start(cx: &Cx<'_>, start: &Start<'_>, package: &Package) -> Verdict {
    let image = start.image;
    let unknown = |why: Why, at: Span| {
        let message = "what the image starts cannot be told";
        Verdict::unknown(why, message, Evidence::context(at, why.decide()))
    };
    let whole = cx.start_of(image.file);
    let Some(stage) = image.target.filter(|_| !image.broken) else {
        return unknown(Why::Unparsed, whole);
    };
    let Some(startup) = start.startup() else { return unknown(Why::NeedsNetwork, whole) };
    let Some(&(_, at)) = startup.app.first() else {
        let (why, at) = startup.unknown.unwrap_or((Why::Dynamic, startup.at));
        return unknown(why, at);
    };
    let words: Vec<&str> = startup.app.iter().map(|(word, _)| &**word).collect();
    if words.iter().any(|word| word.contains(['$', '`', '…']))
        && words.first().is_none_or(|w| w.contains('$'))
    {
        return unknown(Why::Dynamic, at);
    }
    let (runner, target) = target(package.ecosystem, &words);
    let mut shown = vec![Evidence::shows(at, "starts it")];
    if let Some(runner) = runner {
        match brought(cx, image, stage, package, runner) {
            Some(by) => shown.extend(by),
            None => {
                let message = format!(
                    "who brings `{}`, which the image starts, cannot be told",
                    clip(runner)
                );
                return Verdict::unknown(
                    Why::NeedsBuild,
                    message,
                    Evidence::context(at, "starts it"),
                );
            }
        }
    }
    let files = Filesystem::new(cx.delivery, image);
    let workdir = image.stages.get(stage).and_then(|stage| stage.config.workdir.clone());
    let absolute = |path: &str| -> Option<String> {
        if path.starts_with('/') {
            return Some(path.to_owned());
        }
        let dir = workdir.as_deref()?.trim_end_matches('/');
        Some(format!("{dir}/{}", path.trim_start_matches("./")))
    };
    let pass = |shown: Vec<Evidence>| {
        let mut shown = shown.into_iter();
        match shown.next() {
            Some(first) => Verdict::pass("what the image starts is in it", first).and_all(shown),
            None => unknown(Why::Unsupported, at),
        }
    };
    match target {
        Target::File(name) => {
            let Some(path) = absolute(&name) else { return unknown(Why::Dynamic, at) };
            if let Some((mount, rest)) = mounted(start, &path) {
                let file = mount.tree_path.as_ref().map(|dir| format!("{dir}{rest}"));
                let file =
                    file.and_then(|file| cx.delivery.tree.find(file.trim_start_matches('/')));
                return match file {
                    Some(_) => {
                        shown
                            .push(Evidence::shows(mount.span, format!("brings `{}`", clip(&name))));
                        pass(shown)
                    }
                    None => unknown(Why::NeedsRun, at),
                };
            }
            match files.find(stage, &path) {
                Found::File { via, .. } | Found::Made { via } | Found::Built { via } => {
                    shown.push(Evidence::shows(via, format!("brings `{}`", clip(&name))));
                    pass(shown)
                }
                Found::Unknown(why, place) => {
                    let message = format!("whether the image has `{}` cannot be told", clip(&name));
                    Verdict::unknown(why, message, Evidence::context(at, "starts it"))
                        .and_all(place.map(|place| Evidence::context(place, why.decide())))
                }
                Found::Directory { .. } | Found::Absent => {
                    let message = format!(
                        "the image starts `{}`, which nothing brings: copy it",
                        clip(&name)
                    );
                    Verdict::fail(message, Evidence::contradicts(at, "nothing brings it"))
                }
            }
        }
        Target::Module(module) => {
            let stem = module.replace('.', "/");
            let names = [format!("{stem}.py"), format!("{stem}/__init__.py")];
            let dirs = ["", "src/"];
            let found =
                dirs.iter().flat_map(|dir| names.iter().map(move |name| format!("{dir}{name}")));
            let via = found.filter_map(|name| absolute(&name)).find_map(|path| {
                match files.find(stage, &path) {
                    Found::File { via, .. } => Some(via),
                    _ => None,
                }
            });
            match via {
                Some(via) => {
                    shown.push(Evidence::shows(via, format!("brings `{}`", clip(&module))));
                    pass(shown)
                }
                None => {
                    let message = format!(
                        "where the image has the module `{}` cannot be told",
                        clip(&module)
                    );
                    Verdict::unknown(Why::NeedsBuild, message, Evidence::context(at, "starts it"))
                }
            }
        }
        Target::FastApi => {
            // In this order, by the manual of `fastapi run`; an entrypoint may be configured.
            let names = ["main.py", "app.py", "api.py", "app/main.py", "app/app.py", "app/api.py"];
            let via = names.iter().filter_map(|name| absolute(name)).find_map(|path| {
                match files.find(stage, &path) {
                    Found::File { via, .. } => Some(via),
                    _ => None,
                }
            });
            match via {
                Some(via) => {
                    shown.push(Evidence::shows(via, "brings the application"));
                    pass(shown)
                }
                None => unknown(Why::NeedsBuild, at),
            }
        }
        Target::Program(name) => match brought(cx, image, stage, package, &name) {
            Some(by) => {
                shown.extend(by);
                pass(shown)
            }
            None => {
                let why = match image.stages.get(stage).is_some_and(|s| s.config.base_unknown) {
                    true => Why::NeedsNetwork,
                    false => Why::NeedsBuild,
                };
                let message =
                    format!("who brings `{}`, which the image starts, cannot be told", clip(&name));
                Verdict::unknown(why, message, Evidence::context(at, "starts it"))
            }
        },
        Target::Opaque => unknown(Why::NeedsBuild, at),
    }
}

/// What a container mounts at or above a path, which hides what the image has there.
fn mounted<'m, 'p>(start: &'m Start<'_>, path: &'p str) -> Option<(&'m Mount, &'p str)> {
    let mounts = start.container.into_iter().flat_map(|container| &container.mounts);
    mounts.into_iter().find_map(|mount| {
        let rest = path.strip_prefix(mount.target.trim_end_matches('/'))?;
        (rest.is_empty() || rest.starts_with('/')).then_some((mount, rest))
    })
}

/// What shows that a program is in an image: a declared package, an installation by name, a file.
fn brought(
    cx: &Cx<'_>,
    image: &Image,
    stage: usize,
    package: &Package,
    name: &str,
) -> Option<Vec<Evidence>> {
    // Those of the language itself come with its base.
    let of_language: &[&str] = match package.ecosystem {
        Ecosystem::Python => &["python", "python3"],
        Ecosystem::Java => &["java"],
        Ecosystem::Ruby => &["ruby", "bundle"],
        Ecosystem::Php => {
            &["php", "php-fpm", "apache2-foreground", "docker-php-entrypoint", "frankenphp"]
        }
        Ecosystem::Dotnet => &["dotnet"],
        _ => &[],
    };
    if of_language.contains(&name) {
        let base = image.root_base(stage)?;
        let spoken = image.languages().first() == Some(&package.ecosystem);
        return spoken.then(|| vec![Evidence::context(base.base_span, format!("has `{name}`"))]);
    }
    let packages: Vec<String> = match name {
        "rails" | "rake" => vec!["rails".to_owned()],
        "rackup" => vec!["rack".to_owned(), "rackup".to_owned()],
        "fastapi" => vec!["fastapi-cli".to_owned(), "fastapi".to_owned()],
        other => vec![crate::migrations_in::unversioned(other).to_owned()],
    };
    let names: Vec<&str> = packages.iter().map(|name| &**name).collect();
    let production = package.any_dependency(&names);
    if let Some(dependency) = production {
        let says = format!("declares `{}`", clip(&dependency.name));
        return Some(vec![Evidence::shows(dependency.span, says)]);
    }
    let installs = image.effects(stage).into_iter().find_map(|(_, effect)| match &effect.kind {
        EffectKind::Install(install) => {
            let bare =
                |one: &String| one.split(['=', '[', '<', '>', '~', '@']).next().map(str::to_owned);
            let by_name =
                install.packages.iter().filter_map(bare).any(|one| names.contains(&&*one));
            by_name.then_some(effect.span)
        }
        _ => None,
    });
    if let Some(span) = installs {
        return Some(vec![Evidence::shows(span, format!("installs `{name}`"))]);
    }
    let files = Filesystem::new(cx.delivery, image);
    let dirs = ["/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"];
    dirs.iter().find_map(|dir| match files.find(stage, &format!("{dir}/{name}")) {
        Found::File { via, .. } | Found::Made { via } | Found::Built { via } => {
            Some(vec![Evidence::shows(via, format!("brings `{name}`"))])
        }
        _ => None,
    })
}

/// What a command starts, and the declared program that starts it.
fn target<'w>(ecosystem: Ecosystem, words: &[&'w str]) -> (Option<&'w str>, Target) {
    let mut words = words;
    // What prepares the environment and then runs the rest.
    loop {
        words = match words {
            ["uv" | "poetry" | "pipenv" | "pdm" | "rye", "run", rest @ ..] => rest,
            ["bundle", "exec", rest @ ..] => rest,
            ["ddtrace-run" | "opentelemetry-instrument", rest @ ..] => rest,
            _ => break,
        };
        while words.first().is_some_and(|word| word.starts_with("--")) {
            words = words.get(1..).unwrap_or_default();
        }
    }
    let Some((&first, args)) = words.split_first() else { return (None, Target::Opaque) };
    let name = first.rsplit('/').next().unwrap_or(first);
    let operand =
        |args: &[&str]| args.iter().find(|a| !a.starts_with('-')).map(|a| (*a).to_owned());
    let is_python = name == "python" || name.starts_with("python3") || name.starts_with("python2");
    match ecosystem {
        Ecosystem::Python if is_python => {
            let args: Vec<&str> =
                args.iter().copied().skip_while(|a| matches!(*a, "-u" | "-O" | "-B")).collect();
            match *args {
                ["-m", module, ref rest @ ..] => match module {
                    "gunicorn" | "uvicorn" | "hypercorn" | "daphne" | "celery" | "flask"
                    | "fastapi" | "streamlit" | "granian" => served(module, rest),
                    "http.server" => (None, Target::Opaque),
                    _ => (None, Target::Module(module.to_owned())),
                },
                [file, ..] if !file.starts_with('-') => (None, Target::File(file.to_owned())),
                _ => (None, Target::Opaque),
            }
        }
        Ecosystem::Python
            if matches!(
                name,
                "gunicorn"
                    | "uvicorn"
                    | "hypercorn"
                    | "daphne"
                    | "celery"
                    | "granian"
                    | "fastapi"
                    | "streamlit"
            ) && !first.starts_with("./") =>
        {
            let known = [
                "gunicorn",
                "uvicorn",
                "hypercorn",
                "daphne",
                "celery",
                "granian",
                "fastapi",
                "streamlit",
            ];
            let runner = known.into_iter().find(|known| *known == name).unwrap_or("gunicorn");
            served(runner, args)
        }
        Ecosystem::Java if name == "java" => {
            let jar = args.iter().position(|arg| *arg == "-jar").and_then(|at| args.get(at + 1));
            let file = jar.filter(|jar| !jar.contains(['*', '$']));
            (None, file.map_or(Target::Opaque, |file| Target::File((*file).to_owned())))
        }
        Ecosystem::Dotnet if name == "dotnet" => (
            None,
            operand(args).filter(|a| a.ends_with(".dll")).map_or(Target::Opaque, Target::File),
        ),
        Ecosystem::Php if name == "php" => {
            (None, operand(args).map_or(Target::Opaque, Target::File))
        }
        Ecosystem::Ruby if name == "ruby" => {
            (None, operand(args).map_or(Target::Opaque, Target::File))
        }
        _ if first.contains('/') => (None, Target::File(first.to_owned())),
        _ if matches!(
            name,
            "sh" | "bash" | "node" | "npm" | "make" | "supervisord" | "java" | "go"
        ) =>
        {
            (None, Target::Opaque)
        }
        _ => (None, Target::Program(first.to_owned())),
    }
}

/// What a server of Python's serves: the module before the colon.
fn served<'w>(runner: &'w str, args: &[&str]) -> (Option<&'w str>, Target) {
    // Options that say where modules are looked for.
    let elsewhere = ["--chdir", "--app-dir", "--pythonpath", "--workdir", "-c", "--config"];
    let word = |text: &str| {
        let mut chars = text.chars();
        chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
    };
    if args
        .iter()
        .any(|arg| elsewhere.iter().any(|e| arg == e || arg.starts_with(&format!("{e}="))))
    {
        return (Some(runner), Target::Opaque);
    }
    match runner {
        "fastapi" | "streamlit" => {
            let file = args.iter().find(|arg| arg.ends_with(".py"));
            let file = file.map(|file| Target::File((*file).to_owned()));
            let default = if runner == "fastapi" { Target::FastApi } else { Target::Opaque };
            (Some(runner), file.unwrap_or(default))
        }
        "celery" => {
            let at = args.iter().position(|arg| matches!(*arg, "-A" | "--app"));
            let app = at.and_then(|at| args.get(at + 1)).filter(|app| word(app));
            (Some(runner), app.map_or(Target::Opaque, |app| Target::Module((*app).to_owned())))
        }
        _ => {
            let app = args.iter().rev().find_map(|arg| {
                let (module, attribute) = arg.split_once(':')?;
                let attribute = attribute.split('(').next().unwrap_or_default();
                (word(module) && word(attribute)).then(|| module.to_owned())
            });
            // Gunicorn takes `module` for `module:application`.
            (Some(runner), app.map_or(Target::Opaque, Target::Module))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ecosystem: Ecosystem, command: &str, expected: &str) {
        let words: Vec<&str> = command.split_whitespace().collect();
        let (runner, target) = target(ecosystem, &words);
        let runner = runner.map(|runner| format!("{runner} ")).unwrap_or_default();
        assert_eq!(format!("{runner}{target:?}"), expected, "{command}");
    }

    #[test]
    fn commands_start_something() {
        let python = Ecosystem::Python;
        check(python, "python main.py", "File(\"main.py\")");
        check(python, "python3.13 -u -m shop.web", "Module(\"shop.web\")");
        check(
            python,
            "uv run --no-dev uvicorn app.main:app --host 0.0.0.0",
            "uvicorn Module(\"app.main\")",
        );
        check(
            python,
            "gunicorn -b 0.0.0.0:8080 shop.wsgi:application",
            "gunicorn Module(\"shop.wsgi\")",
        );
        check(python, "gunicorn --chdir src shop:app", "gunicorn Opaque");
        check(python, "fastapi run app/main.py", "fastapi File(\"app/main.py\")");
        check(python, "fastapi run --workers 4", "fastapi FastApi");
        check(python, "celery -A shop worker", "celery Module(\"shop\")");
        check(python, "./manage.py runserver", "File(\"./manage.py\")");
        check(Ecosystem::Java, "java -Xmx1g -jar app.jar --x", "File(\"app.jar\")");
        check(Ecosystem::Java, "java org.shop.Main", "Opaque");
        check(Ecosystem::Go, "/bin/shop serve", "File(\"/bin/shop\")");
        check(Ecosystem::Ruby, "bundle exec puma -C config/puma.rb", "Program(\"puma\")");
        check(Ecosystem::Php, "php artisan serve", "File(\"artisan\")");
        check(Ecosystem::Dotnet, "dotnet Shop.dll", "File(\"Shop.dll\")");
    }
}
