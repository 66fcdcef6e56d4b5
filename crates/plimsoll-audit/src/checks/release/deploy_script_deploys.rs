//! # Scripts that deploy do deploy
//!
//! A script or target called `deploy` runs something, what a Makefile's targets run is in the tree,
//! and a process manager's list names files that exist. What lies in no service's directory is shown
//! with the repository.
//!
//! A script that only prints «Deployment complete!» ends with success, and whoever runs it in a hurry
//! believes it. A target that calls a file which went long ago fails when it is needed most.
//!
//! Write what deploys, or delete the script. There is no PARTIAL. Files that another command of the
//! Makefile names, or that a build makes, are not asked for.
//!
//! ## Fails
//!
//! `operations/deploy.sh`:
//! ```sh
//! #!/bin/bash
//! echo "Starting services..." # <- only prints
//! sleep 1
//! echo "Deployment complete!"
//! ```
//!
//! A Makefile:
//!
//! `Makefile`:
//! ```make
//! up: ; ./docker-startup.sh # <- is not there
//! ```
//!
//! A list of PM2's:
//!
//! `services/pay/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `services/pay/package.json`:
//! ```json
//! { "name": "pay" }
//! ```
//! `ecosystem.config.js`:
//! ```js
//! module.exports = {
//!   apps: [
//!     {
//!       name: "pay",
//!       script: "./services/pay/index.js", // <- is not there
//!     },
//!   ],
//! };
//! ```
//!
//! ## Fixed
//!
//! `operations/deploy.sh`:
//! ```sh
//! #!/bin/bash
//! docker compose up --detach --wait # <- deploys
//! ```
//!
//! ## Passes
//!
//! `Makefile`:
//! ```make
//! up: ; ./docker-startup.sh # <- is there
//! ```
//! `docker-startup.sh`:
//! ```sh
//! docker compose up -d
//! ```
//!
//! Fetched by the Makefile itself, and a script that deploys:
//!
//! `Makefile`:
//! ```make
//! fetch: ; curl -fsSLo wait-for.sh https://example.com/wait-for.sh
//! wait: ; ./wait-for.sh db:5432
//! ```
//! `deploy.sh`:
//! ```sh
//! kubectl apply -f k8s # <- deploys
//! ```
//!
//! ## Cannot tell
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/bash
//! if true; then # <- does not parse
//!   echo "Deploying"
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```

use crate::conditions::HAS_DEPLOY_SCRIPTS;
use crate::deploying::verdicts;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Part, Run, Section, ServiceSubject, Severity, Status,
    Subject, Verdict, Why,
};

pub(super) static CHECK: Check = Check {
    id: "release/deploy-script-deploys",
    section: Section::Safeguards,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_DEPLOY_SCRIPTS],
    source: include_str!("deploy_script_deploys.rs"),
    run: Run::Both(of_a_service, of_the_repository),
    fix: None,
};

fn of_a_service(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    judge(verdicts(cx, Subject::Service(service.id)))
}

fn of_the_repository(cx: &Cx<'_>) -> Verdict {
    judge(verdicts(cx, Subject::Repository))
}

fn judge(mut verdicts: Vec<Verdict>) -> Verdict {
    const MAX_SHOWN: usize = 20;
    verdicts.sort_by_key(|verdict| std::cmp::Reverse(verdict.outcome().rank()));
    verdicts.truncate(MAX_SHOWN);
    let mut verdicts = verdicts.into_iter();
    match verdicts.next() {
        Some(worst) => worst.and_all(verdicts.flat_map(|verdict| verdict.evidence)),
        None => {
            let evidence = Evidence::missing_file("deploy.sh", "nothing that is read");
            Verdict::unknown(Why::Unsupported, "what deploys is not read", evidence)
        }
    }
}
