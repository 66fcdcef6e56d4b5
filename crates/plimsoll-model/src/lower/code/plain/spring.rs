//! Programs of Spring Boot: ports by their settings, routes by annotations, the actuator's by both.

mod words;

use std::collections::BTreeSet;

use plimsoll_source::Span;

use super::super::facts::known;
use super::super::{graph::Graph, set};
use super::java::{self, Annotation, File, Method};
use super::settings::{Setting, Settings};
use crate::ContainerId;
use crate::code::{Answers, Code, Guard, Handler, Language, Route, StartFailure};
use crate::container::ContainerKind;
use crate::fact::{Fact, Why};
use crate::lower::cx::Cx;
use crate::package::{DependencyKind, Ecosystem, Package};
use crate::path;
use crate::service::Service;
use words::{
    ACTUATOR, GUARDS, LEFT_OPEN, MAKES, MILD, OVERRIDES, PLAIN, REACTIVE, SERVLETS, STANDS_BEFORE,
};

/// The program of a service whose image starts the archive of one package of Spring Boot.
pub(super) fn read(
    graph: &Graph<'_>,
    service: &Service,
    only: Option<ContainerId>,
) -> Option<Code> {
    let mut images = service.images.iter();
    let image_id = *images.next().filter(|_| images.next().is_none())?;
    let image = &graph.delivery[image_id];
    let own = |id: &&ContainerId| !graph.delivery[**id].job;
    let container = only.or_else(|| service.containers.iter().find(own).copied());
    let startup = graph.delivery.startups.get(&(image_id, container))?;
    let package = java::started(graph, image, startup)?;
    let packages = with_local(graph, package);
    let dirs: Vec<&str> = packages.iter().map(|one| &*one.dir).collect();
    let texts = java::texts(graph, &dirs);
    let files = texts.files();
    let mut mains = files.iter().filter_map(|file| Some((file, main(file)?)));
    let (main, run) = mains.next().filter(|_| mains.next().is_none())?;
    let at = startup.app.first()?.1;
    let mut code = super::unread(Language::Java, main.id, at);
    code.modules = files.iter().map(|file| file.id).collect();
    let set = set(graph.delivery, service, only);
    let resources = path::join(&package.dir, "src/main/resources")?;
    let mut settings = Settings::read(graph.cx, &resources, &startup.app, &set);
    // Which of several command lines is meant is not told.
    let words = |id: &ContainerId| {
        let startup = graph.delivery.startups.get(&(image_id, Some(*id)))?;
        Some(startup.app.iter().map(|(word, _)| &**word).collect::<Vec<_>>())
    };
    let all = service.containers.iter().filter(|id| !graph.delivery[**id].job);
    let differ = only.is_none() && all.map(words).collect::<BTreeSet<_>>().len() > 1;
    if differ || !texts.whole || may_override(graph, service, image, &packages, &files) {
        settings.open = settings.open.or(Some(Why::Unsupported));
    }
    let reader = Reader {
        graph,
        packages: &packages,
        files: &files,
        main,
        settings: &settings,
        names: names(&packages),
        kubernetes: !service.containers.is_empty()
            && service
                .containers
                .iter()
                .all(|&id| matches!(graph.delivery[id].kind, ContainerKind::Kubernetes { .. })),
    };
    reader.listens(&mut code);
    reader.routes(&mut code);
    reader.actuator(&mut code);
    code.routes.sort_by(|a, b| (a.path.known(), a.at).cmp(&(b.path.known(), b.at)));
    reader.stops(run, &mut code);
    Some(code)
}

/// A package, and those of the tree that it depends on.
fn with_local<'g>(graph: &'g Graph<'_>, package: &'g Package) -> Vec<&'g Package> {
    let mut all = vec![package];
    let mut next = 0;
    while let Some(one) = all.get(next).copied() {
        next += 1;
        for dependency in &one.dependencies {
            let local = graph.delivery.packages.iter().find(|other| {
                other.ecosystem == Ecosystem::Java
                    && other.name.as_deref() == Some(&*dependency.name)
            });
            let local = local.filter(|local| !all.iter().any(|one| std::ptr::eq(*one, *local)));
            all.extend(local);
        }
    }
    all
}

/// The names of what packages depend on where they run, with the place of each.
fn names<'p>(packages: &[&'p Package]) -> Vec<(&'p str, Span)> {
    let all = packages.iter().flat_map(|one| &one.dependencies);
    let all = all.filter(|one| one.kind != DependencyKind::Development);
    all.map(|one| (&*one.name, one.span)).collect()
}

/// The tokens `SpringApplication.run(` of a file's `main`, in a class of Spring Boot.
fn main(file: &File<'_>) -> Option<(usize, usize)> {
    let tokens = &file.tokens;
    let boot = file
        .classes
        .iter()
        .any(|class| class.annotations.iter().any(|one| one.name == "SpringBootApplication"));
    let at = (0..tokens.len()).find(|&at| {
        tokens.word(at) == "SpringApplication"
            && tokens.word(at + 1) == "."
            && tokens.word(at + 2) == "run"
            && tokens.word(at + 3) == "("
    })?;
    Some((at, tokens.close(at + 3)?)).filter(|_| boot)
}

/// Whether something beside its settings may say what they say: its own source, other packages, or
/// files that lie beside the archive.
fn may_override(
    graph: &Graph<'_>,
    service: &Service,
    image: &crate::image::Image,
    packages: &[&Package],
    files: &[File<'_>],
) -> bool {
    let words = files.iter().flat_map(|file| file.words((0, file.tokens.len())));
    let mut words = words.filter(|word| OVERRIDES.iter().any(|one| word.contains(one)));
    let resources = packages.iter().skip(1).any(|one| {
        let dir = path::join(&one.dir, "src/main/resources").unwrap_or_default();
        let mut under = graph.cx.tree.under(&dir);
        under.any(|id| is_settings(graph.cx.tree.path(id)))
    });
    let configured = names(packages).iter().any(|(name, _)| {
        let cloud = name.contains("cloud") || name.contains("config");
        let what = ["config", "consul", "vault", "kubernetes", "zookeeper", "nacos", "bootstrap"];
        cloud && what.iter().any(|one| name.contains(one)) && !name.ends_with("-processor")
            || name.contains("apollo")
    });
    let stage = image.final_stage();
    let workdir = stage.and_then(|stage| stage.config.workdir.as_deref()).unwrap_or("/");
    let beside = |target: &str| {
        let target = target.trim_end_matches('/');
        let config = format!("{}/config", workdir.trim_end_matches('/'));
        is_settings(target)
            || target == workdir.trim_end_matches('/')
            || target.starts_with(&config)
    };
    let mounts = service.containers.iter().flat_map(|&id| &graph.delivery[id].mounts);
    let mut mounts = mounts.map(|mount| &*mount.target);
    let copies = stage.into_iter().flat_map(|stage| &stage.steps).any(|step| match &step.kind {
        crate::image::StepKind::Copy(copy) => {
            copy.sources.iter().any(|source| is_settings(&source.path))
                || copy.dest.known().is_none_or(|dest| is_settings(dest))
        }
        _ => false,
    });
    // Files beside an archive that is started where it is built.
    let own = packages.first().into_iter().flat_map(|one| {
        let dirs = [one.dir.clone(), path::join(&one.dir, "config").unwrap_or_default()];
        let of = |dir: &String| {
            let under = graph.cx.tree.under(dir).map(|id| graph.cx.tree.path(id));
            under.filter(|path| path::parent(path) == dir && is_settings(path)).count()
        };
        dirs.into_iter().map(move |dir| of(&dir))
    });
    let beside_it = own.sum::<usize>() > 0;
    words.next().is_some() || resources || configured || mounts.any(beside) || copies || beside_it
}

fn is_settings(path: &str) -> bool {
    let name = path::name(path);
    let ending = [".properties", ".yml", ".yaml"].iter().any(|end| name.ends_with(end));
    (name.starts_with("application") || name.starts_with("bootstrap")) && ending
}

struct Reader<'r> {
    graph: &'r Graph<'r>,
    packages: &'r [&'r Package],
    files: &'r [File<'r>],
    main: &'r File<'r>,
    settings: &'r Settings<'r>,
    names: Vec<(&'r str, Span)>,
    kubernetes: bool,
}

impl Reader<'_> {
    fn depends(&self, name: &str) -> Option<Span> {
        self.names.iter().find(|(own, _)| *own == name).map(|(_, at)| *at)
    }

    /// The starter that serves HTTP, and whether by servlets.
    fn web(&self) -> Option<(Span, bool)> {
        let servlets = SERVLETS.iter().find_map(|name| self.depends(name));
        servlets.map(|at| (at, true)).or_else(|| Some((self.depends(REACTIVE)?, false)))
    }

    fn listens(&self, code: &mut Code) {
        let Some((web, _)) = self.web() else { return };
        self.listen(self.settings.get("server.port"), Some(8080), web, code);
        let other = self.settings.get("management.server.port");
        if self.depends(ACTUATOR).is_some() && self.settings.any("management.server.port") {
            self.listen(other, None, web, code);
        }
    }

    fn listen(&self, port: Setting, default: Option<u16>, web: Span, code: &mut Code) {
        let at = port.at.unwrap_or(web);
        let value = match &port.value {
            Ok(Some(text)) => match text.parse::<u16>() {
                Ok(0) | Err(_) => Fact::Unknown(Why::Dynamic, Some(at)),
                Ok(port) => known(port, at),
            },
            Ok(None) => match default {
                Some(default) => known(default, at),
                None => Fact::Unknown(Why::Dynamic, Some(at)),
            },
            Err(why) => Fact::Unknown(*why, Some(at)),
        };
        // What is not read of settings may win over the environment.
        let variables = if value.known().is_some() { port.variables } else { Vec::new() };
        code.listens.push(super::listen(value, variables, at));
        if code.opens.is_empty() {
            code.opens.push(super::server(at));
        }
    }

    /// A package that is not known: it may serve, guard or start anything.
    fn foreign(&self) -> Option<Span> {
        let strange = self.names.iter().find(|(name, _)| {
            let local = self.packages.iter().any(|one| one.name.as_deref() == Some(*name));
            let mild = MILD.iter().any(|mild| match mild.ends_with(['-', '.']) {
                true => name.starts_with(mild),
                false => name == mild,
            });
            !local && (!mild || GUARDS.iter().any(|guard| name.contains(guard)))
        });
        let open = self.packages.iter().find_map(|one| one.open.map(|(_, at)| at));
        strange.map(|(_, at)| *at).or(open)
    }

    /// What may stand before every route.
    fn guard(&self, code: &Code) -> Option<Span> {
        let words = self.files.iter().find_map(|file| {
            let at =
                (0..file.tokens.len()).find(|&at| STANDS_BEFORE.contains(&file.tokens.word(at)))?;
            Some(file.span((at, at)))
        });
        // What a manifest says in ways that are not read.
        let manifests = self.packages.iter().find(|one| {
            path::ancestors(&one.dir).any(|dir| {
                ["pom.xml", "build.gradle", "build.gradle.kts"].iter().any(|name| {
                    let file =
                        path::join(dir, name).and_then(|path| self.graph.cx.tree.find(&path));
                    file.is_some_and(|file| says_security(self.graph.cx, file))
                })
            })
        });
        let manifests = manifests.map(|one| one.place);
        let secured = self.settings.any("server.ssl") || self.settings.any("management.server.ssl");
        let several = code.listens.get(1).map(|listen| listen.at);
        let at = code.listens.first().map(|listen| listen.at);
        self.foreign().or(words).or(manifests).or(several).or(at.filter(|_| {
            secured
                || self.settings.open.is_some()
                || self.settings.any("spring.mvc.servlet.path")
                || self.settings.any("spring.security")
        }))
    }

    /// The prefix of all routes.
    fn prefix(&self, servlets: bool) -> Result<String, Why> {
        // Before 2.0 other keys said it.
        if !self.is_from((2, 0)) {
            return Err(Why::Unsupported);
        }
        let key = if servlets { "server.servlet.context-path" } else { "spring.webflux.base-path" };
        let prefix = self.settings.settle(&self.settings.get(key))?.unwrap_or_default();
        Ok(prefix.trim_end_matches('/').to_owned())
    }

    fn routes(&self, code: &mut Code) {
        let Some((_, servlets)) = self.web() else { return };
        let guard = self.guard(code);
        for file in self.files {
            for class in &file.classes {
                let of = |name: &str| class.annotations.iter().find(|one| one.name == name);
                if of("RestController").is_none() {
                    continue;
                }
                // What is above a class may say more of its routes.
                let mapped = of("RequestMapping");
                let prefixes = match mapped {
                    Some(one) => paths(file, one),
                    None if class.inherits => None,
                    None => Some(vec![String::new()]),
                };
                let scanned = file.package == self.main.package
                    || file.package.starts_with(&format!("{}.", self.main.package));
                let strange = strange(file, &class.annotations).or_else(|| {
                    let first = class.annotations.first()?;
                    (!scanned).then(|| file.span(first.tokens))
                });
                for method in &class.methods {
                    let Some((verb, mapping)) = mapping(file, method) else { continue };
                    let at = file.span(mapping.tokens);
                    let own = guard
                        .or(strange)
                        .or_else(|| limits(file, mapping, at))
                        .or_else(|| mapped.and_then(|one| limits(file, one, at)))
                        .or_else(|| self.method_guard(file, method));
                    let ends = paths(file, mapping).unwrap_or_default();
                    let mut all: Vec<Result<String, Why>> = Vec::new();
                    for prefix in prefixes.iter().flatten() {
                        all.extend(ends.iter().map(|end| {
                            let whole = format!(
                                "{}{}{}",
                                self.prefix(servlets)?,
                                slash(prefix),
                                slash(end)
                            );
                            Ok(if whole.is_empty() { "/".to_owned() } else { whole })
                        }));
                    }
                    if all.is_empty() {
                        all.push(Err(Why::Dynamic));
                    }
                    code.routes.extend(all.into_iter().map(|path| Route {
                        method: verb.clone(),
                        path: path.map_or_else(
                            |why| Fact::Unknown(why, Some(at)),
                            |path| known(path, at),
                        ),
                        loose: false,
                        at,
                        guard: own.map_or(Guard::Open, |at| Guard::Unknown(Why::Unsupported, at)),
                        answers: answers(file, method, at),
                    }));
                }
            }
        }
    }

    /// What a method asks of a request before it answers.
    fn method_guard(&self, file: &File<'_>, method: &Method) -> Option<Span> {
        let (open, close) = method.params;
        let asks = (open..close)
            .find(|&at| file.tokens.word(at) == "@" && file.tokens.word(at + 1) != "PathVariable");
        asks.map(|at| file.span((at, at + 1))).or_else(|| strange(file, &method.annotations))
    }

    /// The routes of the actuator.
    fn actuator(&self, code: &mut Code) {
        let (Some(at), Some((_, servlets))) = (self.depends(ACTUATOR), self.web()) else { return };
        let set = |key: &str| self.settings.settle(&self.settings.get(key));
        let is = |key: &str, wanted: &str| {
            set(key).map(|value| value.is_none_or(|value| value.eq_ignore_ascii_case(wanted)))
        };
        let shown = set("management.endpoints.web.exposure.include").map(|all| {
            all.is_none_or(|all| all.split(',').any(|one| matches!(one.trim(), "health" | "*")))
        });
        let hidden = self.settings.any("management.endpoints.web.exposure.exclude")
            || self.settings.any("management.endpoints.web.path-mapping")
            || self.settings.any("management.endpoints.access")
            || self.settings.any("management.endpoint.health.access");
        let all = [
            shown,
            is("management.endpoint.health.enabled", "true"),
            is("management.endpoints.enabled-by-default", "true"),
        ];
        if hidden || all.iter().any(|one| *one != Ok(true)) {
            return;
        }
        let base = set("management.endpoints.web.base-path");
        let path = self.prefix(servlets).and_then(|prefix| {
            let base = base?.unwrap_or_else(|| "/actuator".to_owned());
            Ok(format!("{prefix}{}", slash(&base)))
        });
        let guard = self.guard(code);
        let mut route = |end: &str, answers: Answers| {
            let path = path.clone().map(|path| format!("{path}{end}"));
            code.routes.push(Route {
                method: "GET".to_owned(),
                path: path.map_or_else(|why| Fact::Unknown(why, Some(at)), |path| known(path, at)),
                loose: false,
                at,
                guard: guard.map_or(Guard::Open, |at| Guard::Unknown(Why::Unsupported, at)),
                answers,
            });
        };
        route("/health", Answers::Depends(at));
        let keys =
            ["management.endpoint.health.probes.enabled", "management.health.probes.enabled"];
        let mut said = keys.iter().filter(|key| self.settings.any(key)).map(|key| set(key));
        let probes = match said.next() {
            Some(said) => said == Ok(Some("true".to_owned())),
            None => self.kubernetes && !self.settings.any("spring.main") && self.is_from((2, 3)),
        };
        for group in ["liveness", "readiness"].iter().filter(|_| probes) {
            let more = self.settings.any(&format!("management.endpoint.health.group.{group}"));
            let answers = if more { Answers::Depends(at) } else { Answers::Constant(at) };
            route(&format!("/health/{group}"), answers);
        }
    }

    /// Whether the version of Spring Boot is known, and not below one.
    fn is_from(&self, least: (u32, u32)) -> bool {
        let all = self.packages.iter().flat_map(|one| &one.dependencies);
        let own = all.filter(|one| one.name == "spring-boot-starter-parent");
        let mut said = own.map(|one| one.requirement.clone()).collect::<Vec<_>>();
        // `id 'org.springframework.boot' version '3.4.1'`
        let manifest = self.packages.first().and_then(|one| self.graph.cx.bytes(one.manifest).ok());
        let text = manifest.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        said.extend(text.lines().filter_map(|line| {
            let (_, behind) = line.split_once("org.springframework.boot")?;
            let (_, version) = behind.split_once("version")?;
            Some(version.trim_matches(['(', ')', ' ', '\'', '"']).to_owned())
        }));
        said.first().is_some_and(|version| {
            let mut parts = version.split('.').map(str::parse::<u32>);
            matches!((parts.next(), parts.next()), (Some(Ok(a)), Some(Ok(b))) if (a, b) >= least)
        })
    }

    /// What becomes of SIGTERM, and of a failure to start.
    fn stops(&self, run: (usize, usize), code: &mut Code) {
        let at = self.main.span(run);
        let words: BTreeSet<&str> =
            self.files.iter().flat_map(|file| file.words((0, file.tokens.len()))).collect();
        let graceful = self.settings.get("server.shutdown");
        let drains = match self.settings.settle(&graceful) {
            Ok(Some(said)) => said.eq_ignore_ascii_case("graceful"),
            Ok(None) => self.is_from((3, 4)),
            Err(_) => false,
        };
        let left = LEFT_OPEN.iter().any(|word| words.contains(word));
        let doubt = left || self.settings.open.is_some() || self.foreign().is_some();
        if let Some(listen) = code.listens.first().map(|listen| listen.at) {
            let closes = if drains { vec![(0, graceful.at.unwrap_or(at))] } else { Vec::new() };
            code.handlers.push(Handler {
                signal: "SIGTERM".to_owned(),
                at,
                late: None,
                closes: if doubt { Vec::new() } else { closes },
                exits: None,
                cuts: None,
                ignored: false,
                timeout: None,
                unknown: (doubt || !drains).then_some((Why::Unsupported, listen)),
            });
            code.all_handlers = true;
        }
        let tries = self.main.words((0, self.main.tokens.len())).any(|word| word == "try");
        if !tries {
            code.start_failure = StartFailure::Exits(Some(at));
        }
    }
}

fn says_security(cx: &Cx<'_>, file: plimsoll_source::FileId) -> bool {
    let Ok(bytes) = cx.bytes(file) else { return true };
    ["security", "oauth", "keycloak"]
        .iter()
        .any(|word| memchr::memmem::find(&bytes, word.as_bytes()).is_some())
}

/// The first annotation that may change whether a route is there, or who may ask.
fn strange(file: &File<'_>, all: &[Annotation]) -> Option<Span> {
    let one = all.iter().find(|one| !PLAIN.contains(&&*one.name))?;
    Some(file.span(one.tokens))
}

/// The annotation that makes a method a route, and for which method of HTTP.
fn mapping<'m>(file: &File<'_>, method: &'m Method) -> Option<(String, &'m Annotation)> {
    method.annotations.iter().find_map(|one| {
        let verb = one.name.strip_suffix("Mapping")?;
        let verb = match verb {
            "Get" | "Post" | "Put" | "Delete" | "Patch" => verb.to_ascii_uppercase(),
            "Request" => {
                let given = file.given(one).into_iter().find(|(key, _)| *key == "method");
                let words: Vec<&str> =
                    given.map(|(_, range)| file.words(range).collect()).unwrap_or_default();
                let verbs = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
                let verb = verbs.iter().find(|verb| words.contains(verb));
                verb.map_or("*", |verb| *verb).to_owned()
            }
            _ => return None,
        };
        Some((verb, one))
    })
}

/// The paths that a mapping says; nothing where these are not literals.
fn paths(file: &File<'_>, one: &Annotation) -> Option<Vec<String>> {
    let given = file.given(one).into_iter().find(|(key, _)| matches!(*key, "value" | "path"));
    let Some((_, range)) = given else { return Some(vec![String::new()]) };
    let paths = file.literals(range)?;
    (!paths.iter().any(|path| path.contains("${"))).then_some(paths)
}

/// What a mapping asks of requests beside path and method.
fn limits(file: &File<'_>, one: &Annotation, at: Span) -> Option<Span> {
    let given = file.given(one);
    let mut keys = given.iter().map(|(key, _)| *key);
    keys.any(|key| matches!(key, "params" | "headers" | "consumes" | "version")).then_some(at)
}

/// What a method answers.
fn answers(file: &File<'_>, method: &Method, at: Span) -> Answers {
    let words: Vec<&str> = file.words(method.body).collect();
    if words.iter().any(|word| matches!(*word, "throw" | "status" | "HttpStatus")) {
        return Answers::Unknown(Why::Unsupported);
    }
    let tokens = &file.tokens;
    let (open, close) = method.body;
    let asks = (open..close).any(|at| {
        tokens.word(at + 1) == "(" && tokens.name(at).is_some_and(|name| !MAKES.contains(&name))
    });
    if asks { Answers::Depends(at) } else { Answers::Constant(at) }
}

/// A path that begins with a slash and ends without one.
fn slash(path: &str) -> String {
    let path = path.trim_matches('/');
    if path.is_empty() { String::new() } else { format!("/{path}") }
}

#[cfg(test)]
mod tests;
