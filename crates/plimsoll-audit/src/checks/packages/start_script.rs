//! # The start script starts what the image starts
//!
//! `npm start` runs a program that the manifest declares, on a file that exists or that the build
//! makes.
//!
//! Developers, process managers and platforms without a Dockerfile call this script. When the image
//! starts one file and the script another, only one of them has been tried.
//!
//! Write the path of the image's CMD: `"start": "node dist/main.js"`. Without `rootDir`, what
//! TypeScript emits depends on what the sources import: write it down in `tsconfig.json`. Where it is
//! not, and the image starts another file of the same output, at most one of the two exists, and the
//! image's is taken for the one that is run; the fix names that one where the imports show that the
//! build makes it.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "build": "tsc",
//!     "start": "node dist/server.js" // <- needs it
//!   },
//!   "devDependencies": { "typescript": "5.9.2" }
//! }
//! ```
//! `tsconfig.json`:
//! ```json
//! { "compilerOptions": { "rootDir": "src", "outDir": "dist" }, "include": ["src"] }
//! ```
//! `src/main.ts`:
//! ```ts
//! ```
//!
//! The image starts another file of the same output:
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app/services/orders
//! COPY services/orders .
//! RUN npx tsc
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY --from=builder /app/services/orders/dist ./dist
//! CMD ["node", "dist/services/orders/src/main.js"] # <- the image starts another
//! ```
//! `services/orders/package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "build": "tsc",
//!     "start": "node dist/main.js" // <- the image starts another
//!   },
//!   "devDependencies": { "typescript": "5.9.2" }
//! }
//! ```
//! `services/orders/tsconfig.json`:
//! ```json
//! { "compilerOptions": { "outDir": "dist" }, "include": ["src"] }
//! ```
//! `services/orders/src/main.ts`:
//! ```ts
//! import "../../../shared/log";
//! ```
//!
//! Python, and there is no such file:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . .
//! CMD ["python", "mian.py"] # <- nothing brings it
//! ```
//! `requirements.txt`:
//! ```text
//! flask==3.1.2
//! ```
//! `main.py`:
//! ```python
//! print("up")
//! ```
//!
//! ## Fixed
//!
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "build": "tsc",
//!     "start": "node dist/main.js" // <- the script `start`
//!   },
//!   "devDependencies": { "typescript": "5.9.2" }
//! }
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "scripts": { "start": "node main" } } // <- the script `start`
//! ```
//! `main.js`:
//! ```js
//! "use strict"; // <- exists
//! ```
//!
//! Without `rootDir` the imports decide, and all are below `src`:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm run build
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "build": "tsc",
//!     "start": "node dist/main.js" // <- the script `start`
//!   },
//!   "devDependencies": { "typescript": "5.9.2" }
//! }
//! ```
//! `tsconfig.json`:
//! ```json
//! { "compilerOptions": { "outDir": "dist" }, "include": ["src"] }
//! ```
//! `src/main.ts`:
//! ```ts
//! console.log("up"); // <- the build makes `dist/main.js` of it
//! ```
//!
//! What the manifest calls its main module, without `rootDir`, beside tests that are not compiled:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm run build
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "main": "dist/main.js",
//!   "scripts": {
//!     "build": "tsc",
//!     "start": "node ." // <- the script `start`
//!   },
//!   "devDependencies": { "typescript": "5.9.2" }
//! }
//! ```
//! `tsconfig.json`:
//! ```json
//! { "compilerOptions": { "outDir": "dist" }, "include": ["src"] }
//! ```
//! `src/main.ts`:
//! ```ts
//! console.log("up");
//! ```
//! `test/main.ts`:
//! ```ts
//! import "../src/main";
//! ```
//!
//! A module that a declared server serves:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . . # <- brings `app.main`
//! CMD ["uvicorn", "app.main:app"]
//! ```
//! `requirements.txt`:
//! ```text
//! uvicorn==0.38.0 # <- declares `uvicorn`
//! ```
//! `app/main.py`:
//! ```python
//! app = None
//! ```
//!
//! A program that the build makes:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26 AS builder
//! WORKDIR /src
//! COPY . .
//! RUN go build -o /orders . # <- brings `/orders`
//!
//! FROM scratch
//! COPY --from=builder /orders /orders
//! CMD ["/orders"]
//! ```
//! `go.mod`:
//! ```text
//! module example.test/orders
//!
//! go 1.26
//! ```
//!
//! Java:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM maven:3.9-eclipse-temurin-21 AS builder
//! WORKDIR /src
//! COPY . .
//! RUN mvn package # <- brings
//!
//! FROM eclipse-temurin:21-jre
//! COPY --from=builder /src/target/orders.jar /orders.jar
//! CMD ["java", "-jar", "/orders.jar"]
//! ```
//! `pom.xml`:
//! ```xml
//! <project><artifactId>orders</artifactId></project>
//! ```
//!
//! Ruby:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM ruby:3.4-slim
//! WORKDIR /app
//! COPY . .
//! RUN bundle install
//! CMD ["bundle", "exec", "puma"]
//! ```
//! `Gemfile`:
//! ```ruby
//! gem "puma" # <- declares `puma`
//! ```
//!
//! Rust, installed to a place of its own:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM rust:1.95-alpine AS build
//! WORKDIR /src
//! COPY . .
//! RUN cargo install --locked --path . --root /built # <- brings `/orders`
//! FROM scratch
//! COPY --from=build /built/bin/orders /orders
//! ENTRYPOINT ["/orders"]
//! ```
//! `Cargo.toml`:
//! ```toml
//! [package]
//! name = "orders"
//! version = "1.0.0"
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "start": "tsx main.ts" // <- `tsx` is not declared
//!   },
//!   "devDependencies": { "preset": "1.0.0" }
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "node_modules/tsx": { "version": "4.20.5", "bin": { "tsx": "dist/cli.mjs" } },
//!     "node_modules/preset": { "version": "1.0.0" }
//!   }
//! }
//! ```
//! `main.ts`:
//! ```ts
//! ```
//!
//! ## Cannot tell
//!
//! Where names of modules lead elsewhere, what is imported decides:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm run build
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "build": "tsc",
//!     "start": "node dist/main.js" // <- names `dist/main.js`
//!   },
//!   "devDependencies": { "typescript": "5.9.2" }
//! }
//! ```
//! `tsconfig.json`:
//! ```json
//! { "compilerOptions": { "outDir": "dist", "baseUrl": "." }, "include": ["src"] }
//! ```
//! `src/main.ts`:
//! ```ts
//! ```
//! `test/main.ts`:
//! ```ts
//! import "../src/main";
//! ```
//!
//! A class, whose archive is not named:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM eclipse-temurin:21-jre
//! WORKDIR /app
//! COPY . .
//! CMD ["java", "shop.Main"]
//! ```
//! `pom.xml`:
//! ```xml
//! <project><artifactId>orders</artifactId></project>
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.14-slim
//! CMD ["python", "app.py"]
//! ```

use plimsoll_model::Why;
use plimsoll_model::image::{CopyFrom, Image, StepKind};
use plimsoll_model::mend::json;
use plimsoll_model::package::script::{self, FileState};
use plimsoll_model::package::{Package, PackageScript};
use plimsoll_source::{FileId, Span, TextRange, Tree, normalize_path};

use crate::conditions::HAS_PACKAGE;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Outcome, Part, Run, Safety, Section,
    ServiceSubject, Severity, Status, Verdict, launch, program,
};

use super::{BY_NAME, Wanted, other, package};

pub(super) static CHECK: Check = Check {
    id: "packages/start-script",
    section: Section::Packages,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_PACKAGE],
    source: include_str!("start_script.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

static WANTED: Wanted =
    Wanted { names: &["start", "start:prod", "start:production", "serve"], by_command: BY_NAME };

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    if let Some(package) = other(cx, service) {
        return launch::judge(cx, service, package);
    }
    let verdict = WANTED.judge(cx, service);
    if verdict.why != Some(Why::Unsupported) {
        return verdict;
    }
    let script = package(cx, service).and_then(|package| WANTED.find(package));
    contradicted(cx, service)
        .or_else(|| emitted_by_imports(cx, service, script?))
        .unwrap_or(verdict)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let package = package(cx, service)?;
    if let Some(fix) = started(cx, service, package) {
        return Some(fix);
    }
    let app = &cx.delivery.startup(*service.images.first()?, None)?.app;
    let words: Vec<&str> = app.iter().map(|(word, _)| &**word).collect();
    (words.first() == Some(&"node")).then(|| WANTED.fix(cx, service, &words.join(" ")))?
}

/// The script with the file that the image starts, where the build surely makes that one.
fn started(cx: &Cx<'_>, service: ServiceSubject<'_>, package: &Package) -> Option<Fix> {
    let script = WANTED.find(package)?;
    let Other { written, starts, .. } = other_file(cx, service, package, script)?;
    let command = script.command.replace(&written, &starts);
    let meant = PackageScript { command: command.clone(), ..script.clone() };
    let verdict = emitted_by_imports(cx, service, &meant)?;
    let manifest = json::open(&cx.delivery.tree, package.manifest)?;
    let edit = manifest.set(&["scripts", &script.name], &command)?;
    let does = format!("let `npm run {}` start what the image starts", script.name);
    let is_made = verdict.outcome() == Outcome::Pass;
    is_made.then(|| Fix::of_edits(does, Safety::Review, None, vec![edit]))
}

/// A file that the image starts while the script starts another of the same output.
struct Other {
    /// The script's, as it names it.
    written: String,
    /// The image's, as the script would name it.
    starts: String,
    /// Where the image says so.
    at: Span,
    /// The configuration of the compiler.
    config: FileId,
}

/// The failure where the script and the image's CMD start different files of one output whose
/// layout depends on imports: at most one of them is emitted.
fn contradicted(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Option<Verdict> {
    let package = package(cx, service)?;
    let script = WANTED.find(package)?;
    let Other { written, at, config, .. } = other_file(cx, service, package, script)?;
    let message = format!(
        "`{}` starts `{}`, the image starts another of that output: name the same",
        script.name,
        clip(&written),
    );
    let evidence = Evidence::contradicts(script.span, "the image starts another");
    Some(
        Verdict::fail(message, evidence)
            .and(Evidence::context(at, "the image starts another"))
            .and(Evidence::context(cx.start_of(config), "no `rootDir`")),
    )
}

fn other_file(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    package: &Package,
    script: &PackageScript,
) -> Option<Other> {
    let typescript = package.typescript.as_ref().filter(|ts| ts.root_dir.is_absent())?;
    let out = typescript.out_dir.known()?.trim_start_matches("./");
    let tree = &cx.delivery.tree;
    let commands = script::commands(tree, &cx.delivery.packages, package, script);
    let mut files = commands.iter().flat_map(|command| &command.files);
    let named = files.find(|file| file.state == FileState::Unknown(Why::Unsupported))?;
    let by_script = below(named.written.trim_start_matches("./"), out)?;
    // Whether the directory from which the image's file would be compiled has the script's, too.
    let both = |emitted: &str| {
        let path = |name: &str| format!("/{}.ts", name.trim_end_matches(".js"));
        let (wanted, other) = (path(emitted), path(by_script));
        let mut roots = tree
            .under(&package.dir)
            .map(|file| format!("/{}", tree.path(file)))
            .filter_map(|file| Some(file.strip_suffix(&*wanted)?.to_owned()))
            .peekable();
        roots.peek().is_none()
            || roots
                .any(|root| tree.find(format!("{root}{other}").trim_start_matches('/')).is_some())
    };
    for &id in &service.images {
        let image = &cx.delivery[id];
        let Some(started) = cx.delivery.startup(id, None) else { continue };
        let [(node, _), (path, at), ..] = &*started.app else { continue };
        let Some(emitted) = emitted(image, path, out).filter(|_| node == "node") else { continue };
        if !both(&emitted) {
            return Some(Other {
                written: named.written.clone(),
                starts: format!("{out}/{emitted}"),
                at: *at,
                config: typescript.config,
            });
        }
    }
    None
}

/// Without `rootDir`, the output begins at the directory that all compiled files share: the proof that
/// it yields the script's file, where the files that the start reaches and all of the package agree.
fn emitted_by_imports(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    script: &PackageScript,
) -> Option<Verdict> {
    let package = package(cx, service)?;
    let typescript = package.typescript.as_ref().filter(|ts| ts.root_dir.is_absent())?;
    let out = typescript.out_dir.known()?.trim_start_matches("./").trim_end_matches('/');
    let tree = &cx.delivery.tree;
    let commands = script::commands(tree, &cx.delivery.packages, package, script);
    let mut files = commands.iter().flat_map(|command| &command.files);
    let named = files.find(|file| file.state == FileState::Unknown(Why::Unsupported))?;
    let wanted = below(named.written.trim_start_matches("./"), out)?;
    let code = program::code(service).ok().filter(|code| program::gap(code).is_none())?;
    let compiled = |path: &str| {
        [".ts", ".tsx", ".mts", ".cts"].iter().any(|end| path.ends_with(end))
            && !path.ends_with(".d.ts")
            && !path.contains("node_modules/")
    };
    let own = |path: &str| package.dir.is_empty() || below(path, &package.dir).is_some();
    let is_own = |file: &FileId| own(tree.path(*file)) && compiled(tree.path(*file));
    let all: Vec<FileId> = tree.under(&package.dir).filter(is_own).collect();
    // Surely compiled: what `include` begins with, tests aside, which many leave out.
    let begins = |path: &str| {
        let starts = typescript.include.iter().map(|glob| glob.split('*').next().unwrap_or(glob));
        let test = ["test", "spec", "mock"].iter().any(|word| path.contains(word));
        starts.into_iter().any(|start| path.starts_with(start.trim_start_matches("./"))) && !test
    };
    let sure: Vec<FileId> = all.iter().copied().filter(|&file| begins(tree.path(file))).collect();
    let (root, widens) = shared_root(tree, &sure)?;
    let (whole, _) = shared_root(tree, &all)?;
    // What lies outside may lead further up.
    let outside: Vec<FileId> = code.modules.iter().copied().filter(|file| !is_own(file)).collect();
    let further = shared_root(tree, &outside)
        .is_some_and(|(dir, _)| dir != root && !root.is_empty() && below(&dir, &root).is_none());
    if root != whole || further {
        return None;
    }
    let stem = wanted.strip_suffix(".js").unwrap_or(wanted);
    let at = format!("{root}/{stem}.ts");
    let source = tree.find(at.trim_start_matches('/')).filter(|file| sure.contains(file))?;
    let message = format!("`{}` runs what is declared, on files that exist", script.name);
    let shown = Evidence::shows(script.span, format!("the script `{}`", script.name));
    let emitted = format!("the build makes `{}` of it", clip(&named.written));
    Some(
        Verdict::pass(message, shown)
            .and(Evidence::shows(cx.start_of(source), emitted))
            .and(Evidence::context(cx.start_of(typescript.config), "no `rootDir`"))
            .and_all(widens.map(|at| Evidence::context(at, "widens what is compiled"))),
    )
}

/// The directory that files and what they import by relative paths share, and the first import that
/// leads out of the directory of the files themselves.
fn shared_root(tree: &Tree, files: &[FileId]) -> Option<(String, Option<Span>)> {
    fn dir(path: &str) -> &str {
        path.rsplit_once('/').map_or("", |(dir, _)| dir)
    }
    fn common<'p>(a: &'p str, b: &str) -> &'p str {
        let mut end = 0;
        for (x, y) in a.split('/').zip(b.split('/')) {
            if x != y {
                break;
            }
            end += x.len() + usize::from(end > 0);
        }
        a.get(..end).unwrap_or("")
    }
    let (first, rest) = files.split_first()?;
    let own =
        rest.iter().fold(dir(tree.path(*first)), |root, file| common(root, dir(tree.path(*file))));
    let (mut root, mut widens) = (own.to_owned(), None);
    for &file in files {
        let bytes = tree.read(file).ok()?;
        let text = std::str::from_utf8(&bytes).ok()?;
        if memchr::memmem::find(&bytes, b"../").is_none() {
            continue;
        }
        let mut offset = 0;
        for line in text.split_inclusive('\n') {
            let start = offset;
            offset += line.len();
            let code = line.trim_start();
            let imports = ["from ", "require(", "import"].iter().any(|word| code.contains(word));
            if !imports || code.starts_with(['/', '*']) {
                continue;
            }
            for quoted in code.split(['"', '\'', '`']).filter(|part| part.starts_with("../")) {
                let to = normalize_path(&format!("{}/{quoted}", dir(tree.path(file))))?;
                let joined = common(&root, dir(&to)).to_owned();
                if joined != root {
                    root = joined;
                    let range = TextRange::of(start, start + line.trim_end().len());
                    widens = widens.or(Some(Span::new(file, range)));
                }
            }
        }
    }
    Some((root, widens))
}

/// A file of the output directory `out` that the image starts, as the compiler named it: found
/// through the COPY that brought the directory.
fn emitted(image: &Image, path: &str, out: &str) -> Option<String> {
    let stage = image.target?;
    let workdir = image.stages.get(stage)?.config.workdir.clone()?;
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{}/{}", workdir.trim_end_matches('/'), path.trim_start_matches("./"))
    };
    for step in image.steps_with_bases(stage).iter().rev() {
        let StepKind::Copy(copy) = &step.kind else { continue };
        let (Some(dest), CopyFrom::Stage(_)) = (copy.dest.known(), &copy.from) else { continue };
        let Some(rest) = below(&path, dest.trim_end_matches('/')) else { continue };
        // The output itself, or a directory that holds it.
        let [source] = &*copy.sources else { continue };
        let source = source.path.trim_end_matches('/');
        if source.ends_with(&format!("/{out}")) {
            return Some(rest.to_owned());
        }
        return below(rest, out).map(str::to_owned);
    }
    // Built where it runs.
    below(below(&path, workdir.trim_end_matches('/'))?, out).map(str::to_owned)
}

fn below<'p>(path: &'p str, dir: &str) -> Option<&'p str> {
    path.strip_prefix(dir)?.strip_prefix('/')
}
