//! # The health check says how many failures count
//!
//! `--retries` (in compose `retries`) is written out, above 0.
//!
//! Left out, three failures in a row make a service unhealthy, whether or not anyone thought about it.
//!
//! Write how many failures this service may have before it is replaced.
//!
//! Judged is the health check in effect: what a compose file sets wins, key by key, over the
//! image's HEALTHCHECK. Kubernetes probes have settings of their own and are not asked.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! EXPOSE 3000
//! HEALTHCHECK --timeout=3s CMD wget -q --spider http://127.0.0.1:3000/health # <- no retries
//! CMD ["node", "main.js"]
//! ```
//!
//! Nothing, which the engine takes for the default:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! HEALTHCHECK --retries=0 CMD wget -q --spider http://127.0.0.1:3000/health # <- retries is 0
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! EXPOSE 3000
//! HEALTHCHECK --timeout=3s --retries=3 CMD wget -q --spider http://127.0.0.1:3000/health # <- retries is 3
//! CMD ["node", "main.js"]
//! ```
//!
//! With a value:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! HEALTHCHECK --retries=3 CMD wget -q --spider http://127.0.0.1:3000/health # <- retries is 3
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Passes
//!
//! Over several lines:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! HEALTHCHECK --timeout=3s \
//!   --retries=3 \
//!   CMD ["node", "healthcheck.js"]
//! CMD ["node", "main.js"]
//! ```
//!
//! The compose file adds it to the image's:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! HEALTHCHECK --timeout=3s CMD wget -q --spider http://127.0.0.1:3000/health
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     healthcheck:
//!       retries: 3 # <- retries is 3
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     healthcheck:
//!       test: ["CMD", "node", "healthcheck.js"]
//!       timeout: 3s
//!       retries: ${HEALTH} # <- depends on a variable
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//!
//! ## See also
//!
//! - `health/check-defined`: whether there is a health check, and whether it can work.

use crate::conditions::HAS_HEALTHCHECK;
use crate::health::{self, Setting};
use crate::{Check, Domain, Effort, Part, Run, Section, Severity, Status};

pub(super) static CHECK: Check = Check {
    id: "health/retries",
    section: Section::HealthChecks,
    domain: Domain::ResilienceOps,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &["health/check-defined"],
    controls: &["CIS-D 4.6"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_HEALTHCHECK],
    source: include_str!("retries.rs"),
    run: Run::Service(|cx, service| health::is_set(cx, service, SETTING)),
    fix: Some(|cx, finding| health::set(cx, finding, SETTING)),
};

const SETTING: Setting = Setting {
    flag: "retries",
    key: "retries",
    value: "3",
    default: "3",
    of: |health| health.retries.as_ref(),
};
