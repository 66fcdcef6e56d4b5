//! # Secrets that the source reads are supplied
//!
//! Every secret that the program reads with a default in its source, and every variable that it
//! refuses to run without, is given to its container.
//!
//! A default that is committed is known to everyone who has read the repository. Where nothing
//! supplies the secret, the service signs its tokens with that default and starts without a word.
//! A variable that is required and not there ends the start, or the first request that needs it.
//!
//! Supply it by a secret of the platform, and drop the default: a program that ends without its
//! secret is safer than one that makes do.
//!
//! Secrets are known by their names. An empty default, or none, is no committed secret. What a
//! path to a secret (`WALLET_PATH`) falls back to beside the code is asked as well: nothing brings
//! the file into the container, or it is committed.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const secret = process.env.JWT_SECRET || "dev-secret-change-me"; // <- committed default
//! console.log(secret.length);
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api: # <- does not give `JWT_SECRET`
//!     build: .
//! ```
//!
//! Required:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const region = process.env.STORE_REGION; // <- required
//! if (!region) {
//!   throw new Error("STORE_REGION is not set");
//! }
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     environment:
//!       JWT_SECRET: ${JWT_SECRET} # <- gives it
//! ```
//! `main.js`:
//! ```js
//! const secret = process.env.JWT_SECRET || "dev-secret-change-me";
//! console.log(secret.length);
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const key = process.env.MAIL_API_KEY || ""; // <- no default
//! if (key) console.log("mail is on");
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//! ```
//!
//! One of two is enough:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const key = process.env.MAIL_API_KEY || ""; // <- no default
//! const address = process.env.SITE_URL || process.env.VERCEL_URL;
//! if (!address) throw new Error("SITE_URL is not set");
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     environment:
//!       SITE_URL: https://shop.example
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const secret = process.env.JWT_SECRET || "dev-secret-change-me"; // <- reads it
//! console.log(secret.length);
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     env_file: production.env # <- may give
//! ```

use plimsoll_model::code::{Code, EnvironmentRead};
use plimsoll_model::secret::is_secret_name;
use plimsoll_model::{Fact, Why};
use plimsoll_source::{Span, TextRange, normalize_path};

use crate::conditions::{HAS_DESCRIPTOR, HAS_IMAGE, NEEDS_ENVIRONMENT};
use crate::evidence::clip;
use crate::startup::{self, Start};
use crate::supplied::{Supply, supply};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Section, ServiceSubject,
    Severity, Status, Verdict, mending, program,
};

pub(super) static CHECK: Check = Check {
    id: "release/required-environment-declared",
    section: Section::Safeguards,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_IMAGE, &HAS_DESCRIPTOR, &NEEDS_ENVIRONMENT],
    source: include_str!("required_environment_declared.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    program::where_deployed(cx, service, |code, start| of_start(cx, service, code, start))
}

/// What becomes of a variable that nothing gives.
enum Without {
    /// It is fine: no default, and not required.
    Fine,
    /// The program does what is said here.
    Bad(&'static str),
    /// It cannot be told.
    Unknown(Why),
}

fn without(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    start: &Start<'_>,
    read: &EnvironmentRead,
) -> Without {
    if program::secret_file(&read.name) && !read.required {
        return match beside_code(cx, service, read) {
            Some(path) if !mounted(start, &path) => {
                Without::Bad("falls back to a file beside the code")
            }
            _ => Without::Fine,
        };
    }
    match &read.default {
        Fact::Known { value, .. } if is_secret_name(&read.name) && !is_switch(value) => {
            Without::Bad("falls back to a committed default")
        }
        Fact::Known { .. } => Without::Fine,
        _ if read.required => Without::Bad("required"),
        Fact::Unknown(why, _) if is_secret_name(&read.name) => Without::Unknown(*why),
        _ => Without::Fine,
    }
}

/// Whether a default is no secret: nothing, a switch, a path.
fn is_switch(value: &str) -> bool {
    let value = value.trim();
    value.is_empty()
        || matches!(value, "true" | "false" | "0" | "1" | "none" | "null")
        || value.starts_with(['/', '.'])
}

fn of_start(cx: &Cx<'_>, service: ServiceSubject<'_>, code: &Code, start: &Start<'_>) -> Verdict {
    let (mut bad, mut open, mut good) = (Vec::new(), None, Vec::new());
    for read in code.environment.iter().filter(|read| program::is_needed(read)) {
        match supply(cx, service, start, &read.name) {
            Supply::Given(at) => good.push(Evidence::shows(at, "gives it")),
            Supply::Nowhere => match without(cx, service, start, read) {
                Without::Fine => {
                    good.push(Evidence::shows(read.at, "no default, and not required"))
                }
                Without::Bad(says) => bad.push((read, says)),
                Without::Unknown(why) => open = open.or(Some((read, why, read.at))),
            },
            Supply::Open(why, at) => {
                if !matches!(without(cx, service, start, read), Without::Fine) {
                    open = open.or(Some((read, why, at)));
                }
            }
        }
    }
    if let Some((read, says)) = bad.first() {
        let place = start.container.map_or(service.place, |container| container.span);
        let message = match *says {
            "required" => format!("`{}` is required and not supplied: supply it", clip(&read.name)),
            says => format!("`{}` is not supplied, and {says}: supply it", clip(&read.name)),
        };
        let mut names: Vec<&str> = bad.iter().map(|(read, _)| &*read.name).collect();
        names.sort_unstable();
        names.dedup();
        let missing = names
            .into_iter()
            .map(|name| Evidence::missing_in(place, format!("does not give `{}`", clip(name))));
        let mut evidence = bad.iter().map(|(read, says)| Evidence::contradicts(read.at, *says));
        let Some(first) = evidence.next() else { return program::unread((Why::Internal, place)) };
        let fail = Verdict::fail(message, first).and_all(evidence).and_all(missing);
        return startup::unless_elsewhere(cx, service, fail);
    }
    if let Some((read, why, at)) = open {
        let name = clip(&read.name);
        let message = format!("whether `{name}` is supplied cannot be told");
        return Verdict::unknown(why, message, Evidence::context(at, format!("may give `{name}`")))
            .and(Evidence::context(read.at, "reads it"));
    }
    if let Some(gap) = program::gap_of_environment(code) {
        return program::unread(gap);
    }
    let mut good = good.into_iter();
    match good.next() {
        Some(first) => {
            Verdict::pass("secrets that the source reads are supplied", first).and_all(good)
        }
        None => program::unread((Why::NeedsRun, service.place)),
    }
}

/// The path in the package that a variable falls back to: `|| path.join(__dirname, '../key.json')`.
fn beside_code(cx: &Cx<'_>, service: ServiceSubject<'_>, read: &EnvironmentRead) -> Option<String> {
    let bytes = cx.delivery.tree.read(read.at.file).ok()?;
    let start = read.at.range.start;
    let end = start.saturating_add(300).min(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    let text = String::from_utf8_lossy(TextRange::new(start, end).slice(&bytes)).into_owned();
    let text = text.split(';').next()?;
    let after = text.split_once("||").or_else(|| text.split_once("??"))?.1;
    let (_, rest) = after.split_once("__dirname")?;
    let quote = rest.find(['\'', '"', '`'])?;
    let mark = rest.get(quote..)?.chars().next()?;
    let literal = rest.get(quote + 1..)?.split(mark).next()?;
    let dir = cx.path(read.at.file).rsplit_once('/').map_or("", |(dir, _)| dir);
    let path = normalize_path(&format!("{dir}/{literal}"))?;
    let below = path.strip_prefix(&*service.dir).map(|rest| rest.trim_start_matches('/'));
    Some(below.unwrap_or(&path).to_owned())
}

/// Whether something is mounted at a path of the package in the image.
fn mounted(start: &Start<'_>, path: &str) -> bool {
    let workdir = start.image.final_stage().and_then(|stage| stage.config.workdir.clone());
    let at = format!("{}/{path}", workdir.unwrap_or_default().trim_end_matches('/'));
    let mounts = start.container.map(|container| &*container.mounts).unwrap_or_default();
    mounts.iter().any(|mount| {
        let target = mount.target.trim_end_matches('/');
        at == target || at.strip_prefix(target).is_some_and(|rest| rest.starts_with('/'))
    })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let places: Vec<Span> = mending::against(finding).collect();
    let code = program::code(cx.service_of(finding)?).ok()?;
    let reads = code.environment.iter().filter(|read| places.contains(&read.at));
    mending::variables(cx, finding, &reads.map(|read| &*read.name).collect())
}
