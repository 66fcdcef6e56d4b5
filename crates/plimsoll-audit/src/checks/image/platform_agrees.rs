//! # Services run on a platform that is built for
//!
//! Each `platform:` of compose is one that the pipeline builds the image for, where that names its platforms.
//!
//! An image of another platform is pulled and emulated, slowly and with faults of its own, or is not there at all.
//!
//! Build for it as well, or leave `platform:` away. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:22-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.github/workflows/image.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   image:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: docker/build-push-action@v6
//!         with: { context: ., push: true, platforms: linux/amd64, tags: "registry.example/app:1" }
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   app:
//!     build: .
//!     image: registry.example/app:1
//!     platform: linux/arm64 # <- is built for linux/amd64
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   app:
//!     build: .
//!     image: registry.example/app:1
//!     platform: linux/amd64 # <- is built for
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:17
//!     platform: linux/amd64 # <- no pipeline names another
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:22-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   app:
//!     build: .
//!     platform: ${PLATFORM} # <- .
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   app: { image: "registry.example/app:1" }
//! ```

use plimsoll_model::Fact;

use crate::answers::Answers;
use crate::ci_builds::{self, CiBuild};
use crate::conditions::NAMES_A_PLATFORM;
use crate::evidence::clip;
use crate::releasing;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "image/platform-agrees",
    section: Section::Compose,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP082", relation: Relation::Wider }],
    }],
    when: &[&NAMES_A_PLATFORM],
    source: include_str!("platform_agrees.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    let builds = ci_builds::all(cx);
    for container in releasing::composed(cx) {
        let (platform, at) = match &container.engine.platform {
            Fact::Known { value, at, .. } => (value.trim(), at.span.unwrap_or(container.span)),
            Fact::Unknown(why, at) => {
                answers.unsure(*why, at.unwrap_or(container.span), why.decide());
                continue;
            }
            Fact::Absent => continue,
        };
        let of = |build: &CiBuild<'_>| {
            let (id, platforms) = build.key.split_once(':')?;
            let own = container.image_id.is_some_and(|image| image.0.to_string() == id);
            (own && !platforms.is_empty()).then(|| platforms.to_owned())
        };
        let named: Vec<String> = builds.iter().filter_map(of).collect();
        let same = |other: &str| {
            let other = other.trim();
            other == platform || other.starts_with(&format!("{platform}/")) || other.contains('$')
        };
        match named.first() {
            Some(first) if !named.iter().any(|list| list.split([',', '\n']).any(same)) => {
                answers.bad(at, format!("is built for {}", clip(first.trim())));
            }
            Some(_) => answers.good(at, "is built for"),
            None => answers.good(at, "no pipeline names another"),
        }
    }
    answers.joined(
        "a service asks for a platform that its image is not built for",
        "services run on platforms that are built for",
        "the platform depends on what is not known here",
    )
}
