//! # The pipeline publishes the images that are deployed
//!
//! Some job of a pipeline that runs pushes the repository's images to a registry: `docker push`,
//! `buildx --push`, build-push-action with `push`.
//!
//! What is tested and scanned and then thrown away is not what runs: production builds its own, from
//! whatever base image and packages it finds that day, without anyone's gates, and there is no image to
//! go back to.
//!
//! Push the image that was tested under the commit's name, and deploy that. PARTIAL: only a script or a
//! Makefile pushes, by someone's hand. Pipelines that are not read may do it: then it is UNKNOWN. Where
//! nothing in the repository deploys an image, a failure is of medium severity.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   image:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: docker build -t app:ci . # <- is not pushed
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   image:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: docker build -t registry.example/app:${{ github.sha }} .
//!       - run: docker push registry.example/app:${{ github.sha }} # <- pushes
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.gitlab-ci.yml`:
//! ```yaml
//! publish:
//!   script:
//!     - docker build -t $CI_REGISTRY_IMAGE:$CI_COMMIT_SHA .
//!     - docker push $CI_REGISTRY_IMAGE:$CI_COMMIT_SHA # <- pushes
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `push.sh`:
//! ```sh
//! docker push registry.example/app:1.0.0 # <- by hand
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: npm test
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   image:
//!     uses: example/shared/.github/workflows/image.yml@v1 # <- not in the tree
//! ```
//!
//! What is deployed is published from elsewhere:
//!
//! `web/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: ghcr.io/acme-releases/acme-web:1.4.0 # <- is published from elsewhere
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: npm test
//! ```
//!
//! A variable says what is run:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.github/workflows/release.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   image:
//!     runs-on: ubuntu-latest
//!     strategy:
//!       matrix:
//!         build: ["./build.sh main"]
//!     steps:
//!       - run: ${{ matrix.build }} --push # <- tells a program that is not known
//! ```
//!
//! Docker's official images are built from it:
//!
//! `1/Dockerfile`:
//! ```dockerfile
//! FROM debian:13-slim
//! CMD ["server"]
//! ```
//! `generate-stackbrew-library.sh`:
//! ```sh
//! #!/bin/sh # <- official images
//! echo "Maintainers: us"
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: docker build 1
//! ```
//!
//! ## Does not apply
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: npm test
//! ```

use plimsoll_model::container::Container;
use plimsoll_model::pipeline::RoleKind;
use plimsoll_model::reference::ImageRef;
use plimsoll_source::Span;

use crate::conditions::PUBLISHES_OR_COULD;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Part, Run, Section, Severity, Status, Verdict, Why, ci,
    workflows,
};

pub(super) static CHECK: Check = Check {
    id: "release/images-published",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&PUBLISHES_OR_COULD],
    source: include_str!("images_published.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let of = |kind: RoleKind| {
        let steps = workflows::steps(workflows::started(cx));
        steps.flat_map(|(.., step)| &step.roles).find(|role| role.kind == kind)
    };
    if let Some(push) = of(RoleKind::Push) {
        let message = "the pipeline publishes the images that are deployed";
        return Verdict::pass(message, Evidence::shows(push.span, "pushes an image"));
    }
    if let Some(unread) = ci::not_read(cx) {
        return unread;
    }
    // What lists Dockerfiles for those who build and publish Docker's official images.
    let tree = &cx.delivery.tree;
    if let Some(list) = tree.find("generate-stackbrew-library.sh") {
        let place = Evidence::context(cx.start_of(list), "lists them for the official images");
        let message = "the official images are built and published elsewhere: not known";
        return Verdict::unknown(Why::OutOfTree, message, place);
    }
    // A program that the workflow only names by a variable, and tells to push.
    let mut steps = workflows::steps(workflows::started(cx));
    let told = steps.find_map(|(.., step)| {
        let (text, _) = step.run.as_ref()?;
        let text = String::from_utf8_lossy(text.text());
        let pushes = text.split_whitespace().any(|word| word == "--push");
        let named = text.trim_start().starts_with('$') || text.contains("${{");
        (pushes && named).then_some(step.span)
    });
    if let Some(at) = told {
        let place = Evidence::context(at, "tells a program that is not known to push");
        let message = "whether the program that is told to push pushes an image cannot be told";
        return Verdict::unknown(Why::Dynamic, message, place);
    }
    // A deployment that builds on the platform keeps the image there.
    let platform = ["fly", "flyctl", "heroku", "gcloud", "railway", "skaffold", "copilot", "kamal"];
    let steps = workflows::steps(workflows::started(cx));
    let deploys = steps.flat_map(|(.., step)| &step.roles).find(|role| {
        let first = role.words.first().map_or("", |word| &**word);
        role.kind == RoleKind::Deploy && platform.iter().any(|name| first.contains(name))
    });
    if let Some(deploy) = deploys {
        let place = Evidence::context(deploy.span, "a platform builds and keeps the image");
        let message = "whether the platform that deploys keeps the images cannot be told";
        return Verdict::unknown(Why::OutOfTree, message, place);
    }
    let programs = cx.operational_scripts().flat_map(|script| &script.program.roles);
    if let Some(push) = programs.into_iter().find(|role| role.kind == RoleKind::Push) {
        let message = "images are pushed only by someone's hand: let the pipeline do it";
        return Verdict::partial(message, Evidence::contradicts(push.span, "pushes, by hand"));
    }
    // What is deployed comes from a registry under a name of ours, and nothing here builds it for that.
    if let Some(at) = published_elsewhere(cx) {
        let place = Evidence::context(at, "is published from elsewhere");
        let message =
            "what is deployed is published from another repository, or by hand: not known";
        return Verdict::unknown(Why::OutOfTree, message, place);
    }
    let evidence = match of(RoleKind::BuildImage) {
        Some(build) => Evidence::missing_in(build.span, "what is built here is not pushed"),
        None => ci::nowhere(cx, "no job builds and pushes an image"),
    };
    // Where nothing of the repository deploys an image, production may have none of it.
    let described = cx.delivery.services.iter().any(|service| !service.containers.is_empty());
    let mut scripts = cx.operational_scripts().flat_map(|script| &script.program.roles);
    if described || of(RoleKind::Deploy).is_some() || scripts.any(|r| r.kind == RoleKind::Deploy) {
        let message =
            "no job pushes an image: what CI tests is thrown away, production builds its own";
        return Verdict::fail(message, evidence);
    }
    let message = "no job pushes the image that is defined here: publish what CI builds and tests";
    Verdict::fail(message, evidence.severity(Severity::Medium))
}

/// The image of a production descriptor that is one of this repository by its link or by the name of
/// a service, where none of them is built by its descriptor.
fn published_elsewhere(cx: &Cx<'_>) -> Option<Span> {
    let production = cx.delivery.containers.iter().filter(|c| c.purpose.is_production());
    let ours = |container: &&Container| {
        let Some(image) = container.image.known().and_then(|name| ImageRef::parse(name)) else {
            return false;
        };
        let last = image.name().to_ascii_lowercase();
        let mut names = cx.delivery.services.iter().map(|service| service.name.as_str());
        let mut named = || names.any(|name| name.len() > 2 && last.ends_with(name));
        !image.is_official()
            && image.repository.contains('/')
            && (container.image_id.is_some() || named())
    };
    // Joined with a service by what both are called.
    let services = cx.delivery.services.iter().filter(|service| service.purpose.is_production());
    let joined = services.flat_map(|service| &service.containers).map(|&id| &cx.delivery[id]);
    let pulled = |container: &&Container| {
        let image = container.image.known().and_then(|name| ImageRef::parse(name));
        container.build.is_none()
            && image.is_some_and(|image| !image.is_official() && image.repository.contains('/'))
    };
    let built = production.clone().any(|container| container.build.is_some());
    let found = production.filter(ours).filter(|_| !built);
    let mut found = found.chain(joined.filter(pulled).filter(|_| !built));
    found.find_map(|container| container.image.span())
}
