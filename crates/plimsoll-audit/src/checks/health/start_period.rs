//! # The health check gives the start its time
//!
//! `--start-period` (in compose `start_period`) is written out, above 0.
//!
//! Left out, it is nothing: a service that migrates its database before it listens is called unhealthy,
//! and restarted, while it starts.
//!
//! Write the longest start that is normal, migrations included.
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
//! HEALTHCHECK --timeout=3s CMD wget -q --spider http://127.0.0.1:3000/health # <- no start-period
//! CMD ["node", "main.js"]
//! ```
//!
//! Nothing, which the engine takes for the default:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! HEALTHCHECK --start-period=0s CMD wget -q --spider http://127.0.0.1:3000/health # <- start-period is 0s
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! EXPOSE 3000
//! HEALTHCHECK --timeout=3s --start-period=10s CMD wget -q --spider http://127.0.0.1:3000/health # <- start-period is 10s
//! CMD ["node", "main.js"]
//! ```
//!
//! With a value:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! HEALTHCHECK --start-period=10s CMD wget -q --spider http://127.0.0.1:3000/health # <- start-period is 10s
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
//!   --start-period=10s \
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
//!       start_period: 10s # <- start-period is 10s
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
//!       start_period: ${HEALTH} # <- depends on a variable
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
    id: "health/start-period",
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
    source: include_str!("start_period.rs"),
    run: Run::Service(|cx, service| health::is_set(cx, service, SETTING)),
    fix: Some(|cx, finding| health::set(cx, finding, SETTING)),
};

const SETTING: Setting = Setting {
    flag: "start-period",
    key: "start_period",
    value: "10s",
    default: "0s",
    of: |health| health.start_period.as_ref(),
};
