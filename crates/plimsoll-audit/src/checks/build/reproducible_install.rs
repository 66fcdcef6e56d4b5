//! # Installations follow a lockfile
//!
//! Every installation of a language's packages in the Dockerfile follows a lockfile that is
//! committed and agrees with its manifest: `npm ci`, `yarn install --immutable`, `pnpm install
//! --frozen-lockfile`, `uv sync --frozen`, `poetry install`, `cargo --locked`, Go with `go.sum`, pip
//! with hashes or every requirement `==`, Bundler in its deployment mode or frozen, by option,
//! variable or `bundle config`. Maven, Gradle and NuGet take the versions that the manifest says: it
//! names no range, snapshot or `LATEST`. The lockfile is there when the command runs: a COPY or a
//! mount brings it. Tools that are installed by name carry their version.
//!
//! An installation that may choose brings another package than the one that was tested, on the day
//! that somebody has published a bad one.
//!
//! Write `npm ci` for `npm install` in every stage, and `name@version` for tools.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm install # <- may change what is installed
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "a", "version": "1.0.0" }
//! ```
//! `package-lock.json`:
//! ```json
//! { "name": "a", "version": "1.0.0", "lockfileVersion": 3, "packages": { "": { "name": "a", "version": "1.0.0" } } }
//! ```
//!
//! A tool without its version, in what ships:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! RUN npm install -g pm2 # <- without a version
//! CMD ["pm2-runtime", "main.js"]
//! ```
//!
//! Requirements that say what is wanted, not what is had:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY requirements.txt ./
//! RUN pip install --no-cache-dir -r requirements.txt # <- requirements that are not pinned
//! CMD ["python", "main.py"]
//! ```
//! `requirements.txt`:
//! ```text
//! flask>=3
//! ```
//!
//! A lockfile that is not there:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /usr/src/app
//! COPY pyproject.toml poetry.lock* ./
//! RUN poetry install --only main # <- installs by it
//! CMD ["python", "main.py"]
//! ```
//! `pyproject.toml`:
//! ```toml
//! [project]
//! name = "orders"
//! ```
//!
//! One that the build does not see in time:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM composer:2.8
//! WORKDIR /app
//! COPY composer.json ./
//! RUN composer install --no-dev # <- no COPY brings its lockfile
//! COPY . .
//! CMD ["php", "main.php"]
//! ```
//! `composer.json`:
//! ```json
//! { "require": { "monolog/monolog": "^3" } }
//! ```
//! `composer.lock`:
//! ```json
//! { "packages": [] }
//! ```
//!
//! A version that moves:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM maven:3.9-eclipse-temurin-21 AS builder
//! WORKDIR /src
//! COPY . .
//! RUN mvn package
//!
//! FROM eclipse-temurin:21-jre
//! COPY --from=builder /src/target/orders.jar /orders.jar
//! CMD ["java", "-jar", "/orders.jar"]
//! ```
//! `pom.xml`:
//! ```xml
//! <project>
//!   <artifactId>orders</artifactId>
//!   <dependencies>
//!     <dependency><artifactId>web</artifactId><version>LATEST</version></dependency> // <- `web` is not one version
//!   </dependencies>
//! </project>
//! ```
//!
//! The lockfile stays outside:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json ./
//! RUN npm ci # <- no COPY brings its lockfile
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "api", "version": "1.0.0", "dependencies": { "express": "5.1.0" } }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "name": "api",
//!   "version": "1.0.0",
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "": { "name": "api", "version": "1.0.0", "dependencies": { "express": "5.1.0" } },
//!     "node_modules/express": { "version": "5.1.0" }
//!   }
//! }
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm ci # <- follows its lockfile
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY requirements.txt ./
//! RUN pip install -r requirements.txt # <- every requirement is pinned
//! RUN pip install gunicorn==23.0.0 # <- with their versions
//! CMD ["gunicorn", "main:app"]
//! ```
//! `requirements.txt`:
//! ```text
//! # made by pip-compile
//! flask==3.1.2 ; python_version >= "3.9"
//! jinja2==3.1.6
//! ```
//!
//! From archives that an earlier step left there:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! COPY wheels /wheels
//! RUN pip install --no-index /wheels/* # <- with their versions
//! CMD ["python", "-m", "app"]
//! ```
//! `wheels/app-1.0-py3-none-any.whl`:
//! ```text
//! ```
//!
//! Mounted, and further up, where the workspace has it:
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim AS builder
//! WORKDIR /app/services/orders
//! RUN --mount=type=bind,source=uv.lock,target=/app/uv.lock \
//!     --mount=type=bind,source=services/orders/pyproject.toml,target=pyproject.toml \
//!     uv sync --frozen --no-dev # <- follows its lockfile
//!
//! FROM python:3.13-slim
//! COPY --from=builder /app/services/orders/.venv /app/.venv
//! CMD ["/app/.venv/bin/orders"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build:
//!       context: .
//!       dockerfile: services/orders/Dockerfile
//! ```
//! `pyproject.toml`:
//! ```toml
//! [tool.uv.workspace]
//! members = ["services/*"]
//! ```
//! `services/orders/pyproject.toml`:
//! ```toml
//! [project]
//! name = "orders"
//! ```
//! `uv.lock`:
//! ```toml
//! version = 1
//! ```
//!
//! Frozen by a setting:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM ruby:3.4-slim
//! WORKDIR /app
//! COPY Gemfile Gemfile.lock ./
//! RUN bundle config set --local deployment true && bundle install # <- follows its lockfile
//! CMD ["bundle", "exec", "puma"]
//! ```
//! `Gemfile`:
//! ```ruby
//! gem "puma"
//! ```
//! `Gemfile.lock`:
//! ```text
//! GEM
//! ```
//!
//! Exact versions in a manifest:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM maven:3.9-eclipse-temurin-21 AS builder
//! WORKDIR /src
//! COPY . .
//! RUN mvn package # <- every version is exact
//!
//! FROM eclipse-temurin:21-jre
//! COPY --from=builder /src/target/orders.jar /orders.jar
//! CMD ["java", "-jar", "/orders.jar"]
//! ```
//! `pom.xml`:
//! ```xml
//! <project>
//!   <artifactId>orders</artifactId>
//!   <dependencies>
//!     <dependency><artifactId>web</artifactId><version>1.2.3</version></dependency>
//!   </dependencies>
//! </project>
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26 AS builder
//! WORKDIR /src
//! COPY go.mod go.sum ./
//! RUN go mod download # <- follows its lockfile
//! RUN go install example.test/tool@latest # <- without a version
//!
//! FROM scratch
//! COPY --from=builder /go/bin/tool /tool
//! CMD ["/tool"]
//! ```
//! `go.mod`:
//! ```text
//! module example.test/orders
//!
//! require example.test/tool v1.2.3
//! ```
//! `go.sum`:
//! ```text
//! example.test/tool v1.2.3 h1:AA=
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! ARG WHICH
//! RUN pip install -r $WHICH
//! CMD ["python", "main.py"]
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM alpine:3.22
//! RUN apk add --no-cache tini
//! CMD ["tini", "/app"]
//! ```

use plimsoll_model::image::Manager;

use crate::choice::{Choice, choice};
use crate::conditions::INSTALLS_DEPENDENCIES;
use crate::installs::{has_version, installs};
use crate::manifests::Site;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, ImageSubject, Part, Relation,
    Run, Safety, Section, Severity, Status, Verdict, locking, mending,
};

pub(super) static CHECK: Check = Check {
    id: "build/reproducible-install",
    section: Section::Packages,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "droast", rule: "DF031", relation: Relation::Narrower }],
    }],
    when: &[&INSTALLS_DEPENDENCIES],
    source: include_str!("reproducible_install.rs"),
    run: Run::EachImage(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    if image.broken {
        return cx.unparsed(image);
    }
    let (mut good, mut free, mut bad, mut open) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for site in installs(image.image) {
        let Site { stage, effect, install, .. } = site;
        let span = effect.span;
        if install.manager.is_system() {
            continue;
        }
        match choice(cx, image, site) {
            Choice::None(says) => good.push(Evidence::shows(span, says)),
            Choice::Blind(says) => bad.push(Evidence::contradicts(span, says)),
            Choice::Free(says) if install.global && image.ships(stage) => {
                bad.push(Evidence::contradicts(span, says));
            }
            Choice::Free(says) => free.push(Evidence::contradicts(span, says)),
            Choice::Broken(evidence) => {
                bad.extend([evidence, Evidence::context(span, "installs by it")])
            }
            Choice::Unknown(why) => open.push((why, Evidence::context(span, why.decide()))),
        }
    }
    let fails = !bad.is_empty() || good.is_empty() && open.is_empty() && !free.is_empty();
    let why = open.first().map(|(why, _)| *why);
    let partial = !free.is_empty();
    let mut evidence =
        bad.into_iter().chain(free).chain(open.into_iter().map(|(_, e)| e)).chain(good);
    let Some(first) = evidence.next() else { return cx.unparsed(image) };
    match why {
        _ if fails => {
            let message =
                format!("{}: install by a lockfile (`npm ci`), tools with a version", first.says);
            Verdict::fail(message, first)
        }
        Some(why) => Verdict::unknown(why, "how packages are chosen is not known", first),
        None if partial => {
            let message =
                "some installations may choose what they install: `npm ci` in every stage";
            Verdict::partial(message, first)
        }
        None => Verdict::pass("every installation follows a lockfile or exact versions", first),
    }
    .and_all(evidence)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let loose = service.images.iter().find_map(|&id| {
        let image = &cx.delivery[id];
        let is_loose = |site: &Site<'_>| {
            let install = site.install;
            let bare = |name: &String| !has_version(install.manager, name);
            install.manager == Manager::Npm
                && !install.locked
                && (install.packages.is_empty() || install.packages.iter().any(bare))
        };
        Some((image, installs(image).find(is_loose)?.install))
    });
    let edits = service.images.iter().flat_map(|&id| {
        locking::follow(cx, ImageSubject { id, image: &cx.delivery[id], service: Some(service) })
    });
    let edits: Vec<_> = edits.collect();
    if loose.is_none() && edits.is_empty() {
        return None;
    }
    let snippet = loose.and_then(|(image, install)| {
        mending::snippet(&image.path, "dockerfile", locking::by_hand(install, "npm ci"))
    });
    Some(Fix::of_edits("follow the lockfile in every stage", Safety::Review, snippet, edits))
}
