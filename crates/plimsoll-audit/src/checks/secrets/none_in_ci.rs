//! # No pipeline writes out a secret
//!
//! No variable, input, credential or script line of a pipeline that runs holds a password, key or token
//! as text: it is taken from the forge's secrets (`${{ secrets.NAME }}`, a masked variable).
//!
//! Whoever can read the repository, its forks and its old commits has it, and every run prints it into a
//! log when something goes wrong.
//!
//! Put the value into the forge's secrets, take it from there by name, and change it where it is used.
//! What only ever opens a container beside the job (a URL of `localhost`, `postgres`, a value that says
//! `test` or `ci`) is PARTIAL and LOW: no leak, but a habit, and a name that is better made up at run time.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   deploy:
//!     runs-on: ubuntu-latest
//!     env:
//!       DEPLOY_TOKEN: 9f2c41d07ab84e6d # <- `DEPLOY_TOKEN`
//!     container:
//!       image: registry.example/tools:1
//!       credentials:
//!         username: ci
//!         password: hunter2hunter2 # <- `password`
//!     steps:
//!       - run: ./deploy.sh
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   deploy:
//!     runs-on: ubuntu-latest
//!     env:
//!       DEPLOY_TOKEN: ${{ secrets.DEPLOY_TOKEN }}
//!     container:
//!       image: registry.example/tools:1
//!       credentials:
//!         username: ci
//!         password: ${{ secrets.REGISTRY_PASSWORD }}
//!     steps:
//!       - run: ./deploy.sh
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     env:
//!       DATABASE_URL: "sqlite+aiosqlite:///:memory:"
//!       SECRETS_BACKEND: aws_secrets_manager
//!       POSTGRES_HOST_AUTH_METHOD: trust
//!     steps:
//!       - run: |
//!           grep -E '^(AUTH_SECRET_KEY|METRICS_TOKEN)=' .env
//!           ADMIN_PASSWORD="$ADMIN_PASSWORD" ./run
//!         env:
//!           TOKEN: ${{ secrets.GITHUB_TOKEN }}
//! ```
//! `backend/.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! env: { API_TOKEN: 9f2c41d07ab84e6d }
//! jobs: {}
//! ```
//!
//! ## Partial
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     env:
//!       DATABASE_URL: postgresql://postgres:postgres@localhost:5432/app # <- a test's
//!     services:
//!       postgres:
//!         image: postgres:17
//!         env:
//!           POSTGRES_PASSWORD: postgres # <- a test's
//!     steps:
//!       - env:
//!           SECRETS_JSON: >-
//!             {"AUTH_SECRET_KEY":"ci-auth-secret-12345678"}
//!         run: echo "POSTGRES_PASSWORD=postgres" > .env # <- a test's
//! ```
//!
//! An environment that says that it is a test's:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! env:
//!   NODE_ENV: test
//!   SECRET_KEY: f0e5ad933d7f6fd8f4dbb3e038c501c0 # <- a test's
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: yarn build
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No pipeline.
//! ```
//!
//! ## See also
//!
//! - `secrets/none-committed`, `secrets/none-in-compose`

use crate::conditions::RUNS_PIPELINES;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, Section, Severity,
    Status, Verdict, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "secrets/none-in-ci",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::Critical,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "sec-hardcoded", relation: Relation::Same },
            Equivalent {
                tool: "catalogue",
                rule: "sec-container-cred",
                relation: Relation::Narrower,
            },
            Equivalent {
                tool: "zizmor",
                rule: "hardcoded-container-credentials",
                relation: Relation::Narrower,
            },
            Equivalent { tool: "actionlint", rule: "credentials", relation: Relation::Narrower },
            Equivalent { tool: "glsec", rule: "GL006", relation: Relation::Narrower },
            Equivalent { tool: "glsec", rule: "GL036", relation: Relation::Narrower },
            Equivalent { tool: "glsec", rule: "GL038", relation: Relation::Narrower },
            Equivalent { tool: "glsec", rule: "GL035", relation: Relation::Narrower },
            Equivalent { tool: "glsec", rule: "GL066", relation: Relation::Narrower },
        ],
    }],
    when: &[&RUNS_PIPELINES],
    source: include_str!("none_in_ci.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let (mut bad, mut tests) = (Vec::new(), Vec::new());
    for secret in workflows::live(cx).flat_map(|pipeline| &pipeline.secrets) {
        let name = if secret.name.is_empty() { "a credential" } else { &secret.name };
        let name = clip(name);
        if secret.guessed {
            let says = format!("`{name}` is written out: a test's");
            tests.push(Evidence::contradicts(secret.span, says).severity(Severity::Low));
        } else {
            bad.push(Evidence::contradicts(secret.span, format!("`{name}` is written out")));
        }
    }
    let right = "no pipeline writes out a secret";
    if bad.is_empty() {
        let wrong =
            "pipelines write out the passwords of their test services: make them up at run time";
        return workflows::judged(cx, tests, Verdict::partial, wrong, right, None);
    }
    bad.extend(tests);
    let wrong = "a pipeline writes out a secret: take it from the forge's secrets and change it";
    workflows::none(cx, bad, wrong, right)
}
