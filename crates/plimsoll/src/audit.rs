//! `plimsoll audit`: from the command line to reports and an exit code.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use plimsoll_audit::{Finding, Outcome, Report, Severity};
use plimsoll_model::purpose::PurposeKind;
use plimsoll_render::{Show, View};
use plimsoll_source::OpenOptions;

use crate::cli::{AuditArgs, FailOn, Format, PurposeArg, SeverityArg, ShowArg};
use crate::{BUG, CLEAN, FINDINGS, config, date, explain, output};

/// Audits every path and writes what was asked for.
pub(crate) fn run(args: &AuditArgs) -> Result<u8, String> {
    validate(args)?;
    if let Some(jobs) = args.jobs {
        rayon::ThreadPoolBuilder::new()
            .num_threads(jobs)
            .build_global()
            .map_err(|e| format!("error: `--jobs {jobs}`: {e}"))?;
    }
    let date = date::today(args.date.as_deref())?;
    let style = output::style(args.no_color);
    let progress = progress(args);
    let mut reports = Vec::new();
    for path in &args.paths {
        progress.set_message(format!("auditing {}", path.display().to_string().escape_debug()));
        let mut policy = config::read(path, style.color)?;
        policy.purposes = purposes(&args.purposes);
        let options = OpenOptions {
            tracked_only: args.tracked_only,
            exclude: policy.exclude.clone(),
            is_root: policy.root,
            ..OpenOptions::default()
        };
        let tree = plimsoll_source::open(path, &options).map_err(|e| format!("error: {e}"))?;
        let report = plimsoll_audit::audit(&tree, &policy, &());
        reports.push((report, view(args, &date)));
    }
    progress.finish_and_clear();
    for spec in &args.outputs {
        output::save(&reports, spec)?;
    }
    if !args.quiet {
        output::print(&reports, args.format, style)?;
    }
    let worst =
        reports.iter().map(|(report, view)| judge(args, report, view)).max().unwrap_or(CLEAN);
    Ok(worst)
}

/// A bar on a terminal's standard error, shown only when work is long.
fn progress(args: &AuditArgs) -> ProgressBar {
    if args.quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

fn validate(args: &AuditArgs) -> Result<(), String> {
    let checks = plimsoll_audit::all();
    for id in &args.checks {
        if !checks.iter().any(|c| c.id == id) {
            return Err(explain::unknown_check(id));
        }
    }
    for area in &args.areas {
        if !checks.iter().any(|c| c.area() == area) {
            let areas: BTreeSet<&str> = checks.iter().map(|c| c.area()).collect();
            let areas: Vec<&str> = areas.into_iter().collect();
            return Err(format!(
                "error: there is no area `{}`; there are {}",
                area.escape_debug(),
                areas.join(", ")
            ));
        }
    }
    Ok(())
}

fn purposes(asked: &[PurposeArg]) -> BTreeSet<PurposeKind> {
    let mut kinds = BTreeSet::from([PurposeKind::Production]);
    for purpose in asked {
        match purpose {
            PurposeArg::Production => {}
            PurposeArg::Development => _ = kinds.insert(PurposeKind::Development),
            PurposeArg::Test => _ = kinds.insert(PurposeKind::Test),
            PurposeArg::Example => _ = kinds.insert(PurposeKind::Example),
            PurposeArg::Vendored => _ = kinds.insert(PurposeKind::Vendored),
            PurposeArg::All => kinds.extend([
                PurposeKind::Development,
                PurposeKind::Test,
                PurposeKind::Example,
                PurposeKind::Vendored,
            ]),
        }
    }
    kinds
}

fn view(args: &AuditArgs, date: &str) -> View {
    let show = match args.show {
        Some(ShowArg::All) => Show::All,
        Some(ShowArg::Problems) => Show::Problems,
        None if args.format == Format::Text => Show::Problems,
        None => Show::All,
    };
    View {
        show,
        services: args.services.clone(),
        areas: args.areas.iter().cloned().collect(),
        checks: args.checks.iter().cloned().collect(),
        severity: args.severity.map(severity),
        date: date.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn severity(arg: SeverityArg) -> Severity {
    match arg {
        SeverityArg::Critical => Severity::Critical,
        SeverityArg::High => Severity::High,
        SeverityArg::Medium => Severity::Medium,
        SeverityArg::Low => Severity::Low,
    }
}

/// The exit code that a report's findings ask for.
fn judge(args: &AuditArgs, report: &Report, view: &View) -> u8 {
    let threshold = match args.fail_on {
        FailOn::Critical => Some(Severity::Critical),
        FailOn::High => Some(Severity::High),
        FailOn::Medium => Some(Severity::Medium),
        FailOn::Low => Some(Severity::Low),
        FailOn::Never => None,
    };
    let services: Vec<_> = view.services(report).collect();
    let findings = services.iter().flat_map(|s| report.of(s)).chain(report.shared());
    let selected: Vec<&Finding> = findings
        .filter(|f| view.areas.is_empty() || view.areas.contains(f.check.area()))
        .filter(|f| view.checks.is_empty() || view.checks.contains(f.check.id))
        .collect();
    if selected.iter().any(|f| f.unknown == Some(plimsoll_audit::Why::Internal)) {
        return BUG;
    }
    let fails = |finding: &Finding| {
        // A PARTIAL counts one severity lower.
        let counted = match (finding.outcome, finding.severity) {
            (Outcome::Fail, severity) => Some(severity),
            (Outcome::Partial, Severity::Critical) => Some(Severity::High),
            (Outcome::Partial, Severity::High) => Some(Severity::Medium),
            (Outcome::Partial, Severity::Medium | Severity::Low) => Some(Severity::Low),
            _ => None,
        };
        finding.accepted.is_none()
            && counted.is_some_and(|severity| threshold.is_some_and(|t| severity <= t))
    };
    let unknown = |finding: &Finding| {
        finding.outcome == Outcome::Unknown
            && args.fail_on_unknown.is_some_and(|t| finding.severity <= severity(t))
    };
    let counted = |f: &&&Finding| f.check.within.is_none();
    let low = services.iter().any(|service| {
        args.min_coverage.is_some_and(|min| service.scores.coverage() < min)
            || args.min_score.is_some_and(|min| {
                service.scores.overall.percent().is_some_and(|score| score < min)
            })
    });
    if low || selected.iter().filter(counted).any(|f| fails(f) || unknown(f)) {
        FINDINGS
    } else {
        CLEAN
    }
}
