//! # The threshold for test coverage is in force
//!
//! Where a configuration of Jest sets a threshold for coverage, it spells the key as Jest does
//! (`coverageThreshold`), names measures that Jest knows, and coverage is collected somewhere.
//!
//! Jest warns about a key that it does not know and goes on. The build stays green at any coverage,
//! and everybody believes in the gate that the configuration shows.
//!
//! Write `coverageThreshold: { global: { lines: 80 } }`, and run Jest with `--coverage` in the
//! pipeline. PARTIAL: the threshold is right, but no script, no workflow and no setting collects
//! coverage, so that it is never compared; or only some of its measures exist. A configuration
//! without any threshold is NOT APPLICABLE: nothing pretends to be a gate. Other runners are not read.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "scripts": { "test": "jest --coverage" } }
//! ```
//! `jest.config.js`:
//! ```js
//! module.exports = {
//!   coverageThresholds: { // <- no such key
//!     global: { lines: 80 },
//!   },
//! };
//! ```
//!
//! No such measure:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "test": "jest --coverage" },
//!   "jest": {
//!     "coverageThreshold": {
//!       "global": { "line": 80 } // <- no such measure
//!     }
//!   }
//! }
//! ```
//!
//! ## Fixed
//!
//! `jest.config.js`:
//! ```js
//! module.exports = {
//!   coverageThreshold: {
//!     global: { lines: 80 }, // <- a threshold
//!   },
//! };
//! ```
//!
//! ## Passes
//!
//! Collected by the workflow:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "test": "jest" },
//!   "jest": {
//!     "coverageThreshold": {
//!       "global": { "branches": 70 } // <- a threshold
//!     }
//!   }
//! }
//! ```
//! `.github/workflows/test.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v5
//!       - run: npm test -- --coverage
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "scripts": { "test": "jest" } }
//! ```
//! `jest.config.js`:
//! ```js
//! module.exports = {
//!   coverageThreshold: {
//!     global: { lines: 80 }, // <- nothing collects coverage
//!   },
//! };
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "scripts": { "test": "jest --coverage" } }
//! ```
//! `jest.config.js`:
//! ```js
//! const limits = require("./limits");
//! module.exports = {
//!   coverageThreshold: limits, // <- computed
//! };
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "scripts": { "test": "jest --coverage" } }
//! ```
//! `jest.config.js`:
//! ```js
//! module.exports = { coverageDirectory: "coverage" };
//! ```
//!
//! ## See also
//!
//! - `packages/coverage-script`

use plimsoll_model::mend::replace;
use plimsoll_model::package::{Package, Threshold, ThresholdKind};
use plimsoll_source::{Edit, Span, TextRange};

use crate::conditions::SETS_COVERAGE_THRESHOLDS;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Snippet, Status, Verdict, Why,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/coverage-gate-effective",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&SETS_COVERAGE_THRESHOLDS],
    source: include_str!("coverage_gate_effective.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let package = service.package.map(|id| &cx.delivery[id]);
    let thresholds = package.map_or(&[][..], |package| &*package.thresholds);
    let of = |kind: ThresholdKind| thresholds.iter().filter(move |t| t.kind == kind);
    let evidence = |t: &Threshold| match t.kind {
        ThresholdKind::Measure => Evidence::shows(t.span, "a threshold"),
        ThresholdKind::Computed => Evidence::context(t.span, "computed when it runs"),
        ThresholdKind::Misspelt => Evidence::contradicts(t.span, "no such key: it sets nothing"),
        ThresholdKind::UnknownMeasure => Evidence::contradicts(t.span, "no such measure"),
        ThresholdKind::InProject => Evidence::contradicts(t.span, "not looked for in a project"),
    };
    let wrong: Vec<&Threshold> =
        of(ThresholdKind::Misspelt).chain(of(ThresholdKind::InProject)).collect();
    let unknown: Vec<&Threshold> = of(ThresholdKind::UnknownMeasure).collect();
    let good: Vec<&Threshold> = of(ThresholdKind::Measure).collect();
    if let Some(first) = wrong.first() {
        let name = clip(&first.name);
        let message = format!("Jest ignores `{name}` here: write `coverageThreshold` at the top");
        return Verdict::fail(message, evidence(first))
            .and_all(wrong.iter().skip(1).map(|t| evidence(t)));
    }
    if let Some(first) = of(ThresholdKind::Computed).next() {
        let message = "the thresholds for coverage are computed when it runs";
        return Verdict::unknown(Why::Dynamic, message, evidence(first));
    }
    if let Some(first) = unknown.first() {
        let message =
            format!("Jest has no measure `{}`: branches, functions, lines", clip(&first.name));
        let made = if good.is_empty() { Verdict::fail } else { Verdict::partial };
        return made(message, evidence(first)).and_all(unknown.iter().skip(1).map(|t| evidence(t)));
    }
    let (Some(package), Some(first)) = (package, good.first()) else {
        let place = Evidence::context(service.place, "no threshold");
        return Verdict::unknown(Why::Unsupported, "no threshold can be read", place);
    };
    if !collects(cx, service, package) {
        let message = "the threshold is never compared: run Jest with `--coverage`";
        let at = Evidence::contradicts(first.span, "nothing collects coverage");
        return Verdict::partial(message, at);
    }
    Verdict::pass("the threshold for coverage is in force", evidence(first))
        .and_all(good.iter().skip(1).map(|t| evidence(t)))
}

/// Whether a script, a workflow or the configuration collects coverage.
fn collects(cx: &Cx<'_>, service: ServiceSubject<'_>, package: &Package) -> bool {
    let says = |text: &str| {
        ["--coverage", "--collectCoverage", "--collect-coverage", "nyc ", "c8 "]
            .iter()
            .any(|word| text.contains(word))
    };
    let root = package.workspace.as_ref().and_then(|root| cx.delivery.node_package(root));
    let packages = [Some(package), root];
    let mut scripts = packages.iter().flatten().flat_map(|package| &package.scripts);
    let steps = || {
        let jobs = service.pipelines.iter().flat_map(|&id| &cx.delivery[id].jobs);
        jobs.flat_map(|job| &job.steps)
    };
    package.collects_coverage.is_some()
        || scripts.any(|script| says(&script.command))
        || steps().any(|step| {
            step.run.as_ref().is_some_and(|(run, _)| says(&String::from_utf8_lossy(run.text())))
        })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let package = &cx.delivery[service.package?];
    let misspelt = package.thresholds.iter().filter(|t| t.kind == ThresholdKind::Misspelt);
    let edits: Vec<Edit> = misspelt
        .filter_map(|threshold| {
            // The key in its quotes, if it has some, stands first.
            let text = cx.text_of(threshold.span)?;
            let at = text.find(&*threshold.name).filter(|at| *at < 2)?;
            let start = threshold.span.range.start + u32::try_from(at).ok()?;
            let end = start + u32::try_from(threshold.name.len()).ok()?;
            let at = Span::new(threshold.span.file, TextRange::new(start, end));
            Some(replace(at, "coverageThreshold"))
        })
        .collect();
    if !edits.is_empty() {
        let does = "let Jest compare the thresholds: tests fail where they are not reached";
        return Some(Fix::of_edits(does, Safety::Review, None, edits));
    }
    let threshold = package.thresholds.first()?;
    let text = match threshold.kind {
        ThresholdKind::Measure => "\"test:coverage\": \"jest --coverage\"\n".to_owned(),
        _ => "coverageThreshold: { global: { branches: 70, functions: 70, lines: 70 } },\n"
            .to_owned(),
    };
    let file = match threshold.kind {
        ThresholdKind::Measure => package.manifest,
        _ => threshold.span.file,
    };
    Some(Fix {
        does: "let Jest compare the thresholds".into(),
        safety: Safety::Sketch,
        snippet: Some(Snippet { path: cx.path(file).to_owned(), language: "js", text }),
        patch: None,
    })
}
