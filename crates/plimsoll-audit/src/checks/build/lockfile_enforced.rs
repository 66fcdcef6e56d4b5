//! # What ships is installed by the lockfile that is there
//!
//! Where the repository has a lockfile, every installation in the Dockerfile has to follow it: `npm
//! ci`, `yarn install --frozen-lockfile` or `--immutable`, `pnpm install --frozen-lockfile`, `uv sync
//! --frozen`, `bundle install` with `BUNDLE_FROZEN`, `cargo --locked`. Tools that are installed by
//! name carry their version.
//!
//! `npm install` beside a lockfile may install something else than what the lockfile says, and says
//! nothing about it: tests ran on other packages than the image has.
//!
//! Write `npm ci` for every install in the image, and `name@version` for tools; the fix takes the
//! version that the service's lockfile has.
//!
//! It fails where a stage that ships may choose what it installs; it passes in part where only a
//! builder may. That the lockfile is there in time and agrees with its manifest is
//! `build/reproducible-install`'s question.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm install --omit=dev # <- may change what is installed
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
//! A tool without its version, which the lockfile has:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm ci && npm install -g ts-node # <- without a version
//! CMD ["ts-node", "main.ts"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "a", "version": "1.0.0", "devDependencies": { "ts-node": "^10.9.1" } }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "name": "a",
//!   "version": "1.0.0",
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "": { "name": "a", "version": "1.0.0", "devDependencies": { "ts-node": "^10.9.1" } },
//!     "node_modules/ts-node": { "version": "10.9.2", "dev": true }
//!   }
//! }
//! ```
//!
//! A tool that no lockfile has, in what ships:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json yarn.lock ./
//! RUN yarn install --frozen-lockfile && npm install -g pm2 # <- without a version
//! CMD ["pm2-runtime", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "a", "version": "1.0.0" }
//! ```
//! `yarn.lock`:
//! ```text
//! # yarn lockfile v1
//! ```
//!
//! Pip does not read what Poetry locked:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . .
//! RUN pip install . # <- looks at no lockfile
//! CMD ["python", "-m", "orders"]
//! ```
//! `pyproject.toml`:
//! ```toml
//! [project]
//! name = "orders"
//! ```
//! `poetry.lock`:
//! ```toml
//! package = []
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm ci --omit=dev # <- follows the lockfile
//! CMD ["node", "main.js"]
//! ```
//!
//! Or:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm ci && npm install -g ts-node@10.9.2
//! CMD ["ts-node", "main.ts"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM rust:1.91 AS builder
//! WORKDIR /src
//! COPY . .
//! RUN cargo build --release --locked # <- follows the lockfile
//!
//! FROM debian:13-slim
//! COPY --from=builder /src/target/release/orders /orders
//! CMD ["/orders"]
//! ```
//! `Cargo.toml`:
//! ```toml
//! [package]
//! name = "orders"
//! ```
//! `Cargo.lock`:
//! ```toml
//! version = 4
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY . .
//! RUN npm install && npm run build # <- may change what is installed
//!
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm ci --omit=dev # <- follows the lockfile
//! COPY --from=builder /app/dist ./dist
//! CMD ["node", "dist/main.js"]
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
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY . .
//! RUN ./install.sh
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json ./
//! RUN npm install
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "a", "version": "1.0.0" }
//! ```

use crate::conditions::INSTALLS_BESIDE_A_LOCKFILE;
use crate::installs::installs;
use crate::locked::{Follows, follows};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, ImageSubject, Part, Relation,
    Run, Safety, Section, Severity, Status, Verdict, locking, mending,
};

pub(super) static CHECK: Check = Check {
    id: "build/lockfile-enforced",
    section: Section::BuildSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: Some("build/reproducible-install"),
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "droast", rule: "DF031", relation: Relation::Narrower }],
    }],
    when: &[&INSTALLS_BESIDE_A_LOCKFILE],
    source: include_str!("lockfile_enforced.rs"),
    run: Run::EachImage(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    let (mut shipped, mut built, mut good, mut open) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for site in installs(image.image) {
        let span = site.effect.span;
        match follows(cx, image, site) {
            Follows::It(says) => good.push(Evidence::shows(span, says)),
            Follows::Not(says) if image.ships(site.stage) => {
                shipped.push(Evidence::contradicts(span, says));
            }
            Follows::Not(says) => built.push(Evidence::contradicts(span, says)),
            Follows::Unknown(why) => open.push((why, Evidence::context(span, why.decide()))),
            Follows::Nothing => {}
        }
    }
    let (fails, partial) = (!shipped.is_empty(), !built.is_empty());
    let why = open.first().map(|(why, _)| *why);
    let open = open.into_iter().map(|(_, evidence)| evidence);
    let mut evidence = shipped.into_iter().chain(built).chain(open).chain(good);
    let Some(first) = evidence.next() else { return cx.unparsed(image) };
    match why {
        _ if fails => {
            let message = "what ships is installed past the lockfile: `npm ci` or its like";
            Verdict::fail(message, first)
        }
        _ if image.broken => return cx.unparsed(image),
        Some(why) => {
            Verdict::unknown(why, "whether an installation follows the lockfile is open", first)
        }
        None if partial => {
            let message = "a builder installs past the lockfile: `npm ci` or its like there, too";
            Verdict::partial(message, first)
        }
        None => Verdict::pass("every installation follows the lockfile", first),
    }
    .and_all(evidence)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    use plimsoll_model::image::Manager::{Bun, Bundler, Cargo, Npm, Pnpm, Uv, Yarn};
    let (image, install) = service.images.iter().find_map(|&id| {
        let image = &cx.delivery[id];
        let subject = ImageSubject { id, image, service: Some(service) };
        let site =
            installs(image).find(|&site| matches!(follows(cx, subject, site), Follows::Not(_)))?;
        Some((image, site.install))
    })?;
    let command = match install.manager {
        Npm => "npm ci",
        Yarn => "yarn install --frozen-lockfile",
        Pnpm => "pnpm install --frozen-lockfile",
        Bun => "bun install --frozen-lockfile",
        Uv => "uv sync --frozen --no-dev",
        Cargo => "cargo build --release --locked",
        Bundler => "BUNDLE_FROZEN=true bundle install",
        _ => return None,
    };
    let edits = service.images.iter().flat_map(|&id| {
        locking::follow(cx, ImageSubject { id, image: &cx.delivery[id], service: Some(service) })
    });
    let snippet = mending::snippet(&image.path, "dockerfile", locking::by_hand(install, command));
    let does = "follow the lockfile in every stage";
    Some(Fix::of_edits(does, Safety::Review, snippet, edits.collect()))
}
