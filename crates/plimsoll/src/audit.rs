//! `plimsoll audit`: from the command line to reports and an exit code.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use plimsoll_audit::{Date, Finding, Outcome, Report, Severity, Subject, Threshold};
use plimsoll_model::purpose::PurposeKind;
use plimsoll_render::{Profile, Show, View};

use crate::cli::{AuditArgs, FailOn, Format, PurposeArg, ReportArg, SeverityArg};
use crate::config::Ask;
use crate::{BUG, CLEAN, FINDINGS, baseline, checks, config, date, explain, output};

/// Audits every path and writes what was asked for.
pub(crate) fn run(args: &AuditArgs) -> Result<u8, String> {
    validate(args)?;
    let targets = output::targets(&args.outputs)?;
    // This thread is one of them: a small audit is over before others are awake.
    let jobs = args.jobs.map_or(0, std::num::NonZero::get);
    rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .use_current_thread()
        .build_global()
        .map_err(|e| format!("error: `--jobs {jobs}`: {e}"))?;
    let date = date::today(args.date.as_deref())?;
    let style = output::style(args.no_color);
    let progress = progress(args);
    let mut reports = Vec::new();
    for path in &args.paths {
        progress.set_message(format!("auditing {}", path.display().to_string().escape_debug()));
        let revision = args.rev.as_deref();
        let ask = Ask { revision, tracked_only: args.tracked_only, color: style.color };
        let (tree, mut policy) = config::open(path, ask)?;
        policy.purposes = purposes(&args.purposes);
        policy.today = Date::parse(&date);
        let mut report = plimsoll_audit::audit(&tree, &policy, &());
        if let Some((known, name)) = baseline::known(args, path, &policy, style.color)? {
            known.compare(&mut report, &name);
        }
        reports.push((report, view(args, &date)));
    }
    progress.finish_and_clear();
    named(args, &reports)?;
    output::save(&mut reports, args, &targets)?;
    if !args.quiet {
        output::print(&mut reports, args, style)?;
    }
    let is_github = |target: &output::Target| target.format == Format::Github;
    if args.format == Format::Github && !args.quiet || targets.iter().any(is_github) {
        output::summarize(&mut reports, args)?;
    }
    let judged = reports.iter().map(|(report, view)| judge(args, report, view));
    let (worst, reason) = judged.max_by_key(|(code, _)| *code).unwrap_or_default();
    if !reason.is_empty() && (args.quiet || args.format == Format::Text) {
        let reason = plimsoll_render::wrapped(&reason, style.width, 0, 2);
        output::say(format!("{reason}\n").as_bytes())?;
    }
    // The process ends here: taking the models apart would take longer than giving them back whole.
    std::mem::forget(reports);
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
    if args.paths.len() > 1 && (args.baseline.is_some() || args.since.is_some()) {
        return Err(
            "error: `--baseline` and `--since` compare one PATH: audit each apart".to_owned()
        );
    }
    let all = plimsoll_audit::all();
    for id in &args.checks {
        if !all.iter().any(|c| c.id == id) {
            return Err(explain::unknown_check(id));
        }
    }
    for area in &args.areas {
        if !all.iter().any(|c| c.area() == area) {
            return Err(checks::no_such_area(area));
        }
    }
    for (option, percent) in
        [("--min-coverage", args.min_coverage), ("--min-score", args.min_score)]
    {
        if let Some(percent) = percent.filter(|percent| !(0.0..=100.0).contains(percent)) {
            return Err(format!("error: `{option} {percent}`: it lies between 0 and 100"));
        }
    }
    Ok(())
}

/// A `--service` that is the name of none is a mistake: nobody would be asked about.
fn named(args: &AuditArgs, reports: &[(Report, View)]) -> Result<(), String> {
    const MAX_SHOWN: usize = 20;
    let services = reports
        .iter()
        .flat_map(|(report, _)| report.services.iter().map(|s| &*report.delivery[s.id].name));
    let names: BTreeSet<&str> = services.collect();
    for glob in &args.services {
        if names.iter().any(|name| plimsoll_render::matches(glob, name)) {
            continue;
        }
        let all: Vec<&str> = names.iter().copied().collect();
        let help = match (plimsoll_model::near::nearest(glob, &all), &*all) {
            (_, []) => "there are no services here".to_owned(),
            (Some(near), _) => format!("did you mean `{}`?", near.escape_debug()),
            (None, all) if all.len() > MAX_SHOWN => format!("there are {} others", all.len()),
            (None, all) => format!("there are {}", all.join(", ").escape_debug()),
        };
        return Err(format!("error: no service is called `{}`: {help}", glob.escape_debug()));
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
    View {
        profile: match args.report {
            ReportArg::Service => Profile::Service,
            ReportArg::Operations => Profile::Operations,
        },
        // Each format has its own: `output::show`.
        show: Show::All,
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

/// The exit code that a report's findings ask for, and why in a line. What the command line says counts for all; else
/// each service has the thresholds of its own configuration.
fn judge(args: &AuditArgs, report: &Report, view: &View) -> (u8, String) {
    let services: Vec<_> = view.services(report).collect();
    let findings = services.iter().flat_map(|s| report.of(s)).chain(report.shared());
    let selected: Vec<&Finding> = findings
        .filter(|f| view.areas.is_empty() || view.areas.contains(f.check.area()))
        .filter(|f| view.checks.is_empty() || view.checks.contains(f.check.id))
        .collect();
    if selected.iter().any(|f| f.unknown == Some(plimsoll_audit::Why::Internal)) {
        return (BUG, "Ends with 3: a check broke, which is a bug in Plimsoll.".to_owned());
    }
    let asked = args.fail_on.map(|fail_on| match fail_on {
        FailOn::Critical => Threshold::At(Severity::Critical),
        FailOn::High => Threshold::At(Severity::High),
        FailOn::Medium => Threshold::At(Severity::Medium),
        FailOn::Low => Threshold::At(Severity::Low),
        FailOn::Never => Threshold::Never,
    });
    let asked_unknown = args.fail_on_unknown.map(|arg| Threshold::At(severity(arg)));
    let place = |subject: Subject| match report.subject_path(subject) {
        "." => "",
        path => path,
    };
    let fails = |finding: &&Finding| {
        if finding.accepted.is_some() || finding.known || finding.newer {
            return false;
        }
        let settings = report.policy.at(place(finding.subject));
        // A PARTIAL counts one severity lower.
        let (threshold, counted) = match (finding.outcome, finding.severity) {
            (Outcome::Fail, severity) => (asked.or(settings.fail_on()), severity),
            (Outcome::Partial, severity) => {
                let lower = match severity {
                    Severity::Critical => Severity::High,
                    Severity::High => Severity::Medium,
                    Severity::Medium | Severity::Low => Severity::Low,
                };
                (asked.or(settings.fail_on()), lower)
            }
            (Outcome::Unknown, severity) => {
                let threshold = asked_unknown.or(settings.fail_on_unknown());
                (threshold.or(Some(Threshold::Never)), severity)
            }
            _ => return false,
        };
        threshold.unwrap_or(Threshold::At(Severity::High)).reached(counted)
    };
    let low = services.iter().filter(|service| {
        let settings = report.policy.at(place(Subject::Service(service.id)));
        let coverage = args.min_coverage.or(settings.min_coverage());
        let score = args.min_score.or(settings.min_score());
        coverage.is_some_and(|min| service.scores.coverage() < min)
            || score.is_some_and(|min| service.scores.overall.percent().is_some_and(|s| s < min))
    });
    let low = low.count();
    let counted = |f: &&&Finding| f.check.within.is_none();
    let failing: Vec<_> = selected.iter().filter(counted).filter(|f| fails(f)).collect();
    let unknown = failing.iter().filter(|f| f.outcome == Outcome::Unknown).count();
    let of = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{count} {what}s")),
    };
    let found = of(failing.len() - unknown, "finding")
        .map(|n| format!("{n} at or above the threshold (--fail-on)"));
    let unknown =
        of(unknown, "question").map(|n| format!("{n} without an answer (--fail-on-unknown)"));
    let low = of(low, "service").map(|n| format!("{n} below --min-score or --min-coverage"));
    let why: Vec<String> = [found, unknown, low].into_iter().flatten().collect();
    if why.is_empty() {
        return (CLEAN, String::new());
    }
    (FINDINGS, format!("Ends with 1: {}.", why.join(", ")))
}
