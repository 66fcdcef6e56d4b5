//! `accuracy TREE [TRUTH]`: our answers on the audited services against what is really true of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use plimsoll_audit::{Outcome, Policy, Report, Resolver};
use plimsoll_source::OpenOptions;
use serde_json::Value;

use crate::{read, root};

/// The names that checks go by in the rows of the audits.
type ByTruthId = BTreeMap<String, String>;

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let tree = arguments.first().ok_or("name the audited tree")?;
    let shared = root().join("../shared");
    let truth =
        arguments.get(1).map_or_else(|| shared.join("truth"), |dir| Path::new(dir).to_owned());
    let matrix: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_str(&read(&truth.join("service-matrix.json"))?)
            .map_err(|e| e.to_string())?;
    let audits: Vec<Value> = serde_json::from_str(&read(&truth.join("service-audits.json"))?)
        .map_err(|e| e.to_string())?;
    let catalogue: Vec<Value> =
        serde_json::from_str(&read(&shared.join("catalog/service-checks.json"))?)
            .map_err(|e| e.to_string())?;
    let names: ByTruthId = catalogue
        .iter()
        .filter_map(|row| {
            Some((row["truth_id"].as_str()?.to_owned(), row["id"].as_str()?.to_owned()))
        })
        .collect();
    let places = places(&audits, &names);

    let tree = plimsoll_source::open(Path::new(tree), &OpenOptions::default())
        .map_err(|e| e.to_string())?;
    let report = plimsoll_audit::audit(&tree, &Policy::default(), &());
    let ours = answers(&report);
    compare(&matrix, &places, &ours);
    missed(&audits, &names, &ours);
    Ok(())
}

/// What the reports missed: whether the check finds it, at one of the lines that the truth names.
fn missed(audits: &[Value], names: &ByTruthId, ours: &BTreeMap<(String, String), Answer>) {
    let (mut rows, mut found) = (0, 0);
    let mut lines = Vec::new();
    for row in audits.iter().filter(|row| row["kind"] == "missed") {
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        rows += 1;
        let check = names.get(text("check_id")).map_or(text("check_id"), String::as_str);
        // What is about the whole repository may show in any finding of the check.
        let about = |service: &str| text("service") == "(repository)" || text("service") == service;
        let answers: Vec<&Answer> = ours
            .iter()
            .filter(|((id, service), _)| id == check && about(service))
            .map(|(_, answer)| answer)
            .collect();
        let wanted: BTreeSet<(String, u64)> = row["evidence"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|place| Some((place["path"].as_str()?.to_owned(), place["line"].as_u64()?)))
            .collect();
        let says = text("true_status").to_lowercase();
        let same: Vec<&&Answer> = answers
            .iter()
            .filter(|answer| match answer.outcome {
                Outcome::Fail | Outcome::Partial => says == "fail" || says == "partial",
                outcome => outcome.name() == says,
            })
            .collect();
        if same.iter().any(|answer| answer.covers(&wanted)) {
            found += 1;
            continue;
        }
        let why = match (answers.first(), same.first()) {
            (None, _) => "no such check or subject".to_owned(),
            (_, Some(answer)) => format!("elsewhere: {:?}", answer.places),
            (Some(answer), None) => format!("{}: {}", answer.outcome.name(), answer.message),
        };
        lines.push(format!(
            "| {check} | {} | {says} | {why} | {} |",
            text("service"),
            text("check")
        ));
    }
    println!("\n| missed | service | truth | ours | what |\n|---|---|---|---|---|");
    println!("{}\n\nof what the reports missed: {found} of {rows}", lines.join("\n"));
}

/// Where the truth saw what it says: (check, service) → path and line.
fn places(
    audits: &[Value],
    names: &ByTruthId,
) -> BTreeMap<(String, String), BTreeSet<(String, u64)>> {
    let mut places: BTreeMap<(String, String), BTreeSet<(String, u64)>> = BTreeMap::new();
    for row in audits {
        let (Some(service), Some(check)) = (row["service"].as_str(), row["check_id"].as_str())
        else {
            continue;
        };
        let Some(check) = names.get(check) else { continue };
        let places = places.entry((check.clone(), service.to_owned())).or_default();
        for place in row["evidence"].as_array().into_iter().flatten() {
            if let (Some(path), Some(line)) = (place["path"].as_str(), place["line"].as_u64()) {
                places.insert((path.to_owned(), line));
            }
        }
    }
    places
}

struct Answer {
    outcome: Outcome,
    message: String,
    /// Path, first and last line; 0 for a whole file or an absent path.
    places: Vec<(String, u64, u64)>,
}

impl Answer {
    /// Whether its evidence covers one of some places; an absence in the whole repository has no
    /// line to cover.
    fn covers(&self, wanted: &BTreeSet<(String, u64)>) -> bool {
        let shows = |(path, line): &(String, u64)| {
            self.places.iter().any(|(p, from, to)| {
                p == path && (*from == 0 || (*from..=*to.max(from)).contains(line))
            })
        };
        wanted.iter().any(shows) || wanted.iter().all(|(path, _)| path.starts_with('('))
    }
}

fn answers(report: &Report) -> BTreeMap<(String, String), Answer> {
    let resolver = Resolver::new(report);
    let mut answers = BTreeMap::new();
    let add = |finding: &plimsoll_audit::Finding,
               service: &str,
               answers: &mut BTreeMap<(String, String), Answer>| {
        let places = resolver
            .locate(report, finding)
            .into_iter()
            .map(|l| {
                let line = |p: Option<plimsoll_audit::Position>| p.map_or(0, |p| u64::from(p.line));
                (l.path, line(l.start), line(l.end))
            })
            .collect();
        let message = match finding.unknown {
            Some(why) => format!("{} [{}]", finding.message, why.name()),
            None => finding.message.to_string(),
        };
        answers.insert(
            (finding.check.id.to_owned(), service.to_owned()),
            Answer { outcome: finding.outcome, message, places },
        );
    };
    for service in &report.services {
        let name = &report.delivery[service.id].name;
        for finding in report.of(service) {
            add(finding, name, &mut answers);
        }
        for finding in report.shared() {
            if !answers.contains_key(&(finding.check.id.to_owned(), name.clone())) {
                add(finding, name, &mut answers);
            }
        }
    }
    for (index, finding) in report.shared().iter().enumerate() {
        add(finding, &format!("(shared {index})"), &mut answers);
    }
    answers
}

fn compare(
    matrix: &BTreeMap<String, BTreeMap<String, String>>,
    places: &BTreeMap<(String, String), BTreeSet<(String, u64)>>,
    ours: &BTreeMap<(String, String), Answer>,
) {
    let (mut asked, mut answered, mut agree, mut wrong_pass) = (0, 0, 0, 0);
    let (mut differ_answered, mut differ_agree) = (0, 0);
    let (mut with_truth, mut covered) = (0, 0);
    let mut lines = Vec::new();
    for (check, services) in matrix {
        let differs = services.values().collect::<BTreeSet<_>>().len() > 1;
        for (service, truth) in services {
            asked += 1;
            let key = (check.clone(), service.clone());
            let Some(answer) = ours.get(&key) else {
                lines.push(format!("| {check} | {service} | {truth} | (no such check) | |"));
                continue;
            };
            let same = answer.outcome.name() == truth;
            if answer.outcome == Outcome::Unknown && !same {
                lines.push(format!(
                    "| {check} | {service} | {truth} | unknown | {} |",
                    answer.message
                ));
                continue;
            }
            answered += 1;
            agree += u32::from(same);
            wrong_pass += u32::from(!same && answer.outcome == Outcome::Pass);
            if differs {
                differ_answered += 1;
                differ_agree += u32::from(same);
            }
            if !same {
                lines.push(format!(
                    "| {check} | {service} | {truth} | **{}** | {} |",
                    answer.outcome.name(),
                    answer.message
                ));
                continue;
            }
            if let Some(wanted) = places.get(&key).filter(|w| !w.is_empty()) {
                with_truth += 1;
                let hit = answer.covers(wanted);
                covered += u32::from(hit);
                if !hit {
                    lines.push(format!("| {check} | {service} | {truth} | (evidence elsewhere) | ours {:?}, theirs {wanted:?} |", answer.places));
                }
            }
        }
    }
    println!(
        "| check | service | truth | ours | why |\n|---|---|---|---|---|\n{}\n",
        lines.join("\n")
    );
    let percent = |part: u32, whole: u32| {
        if whole == 0 { 100.0 } else { f64::from(part) * 100.0 / f64::from(whole) }
    };
    println!("rows {asked}, answered {answered}: coverage {:.1} %", percent(answered, asked));
    println!(
        "agree {agree} of {answered}: {:.1} %; wrong PASS: {wrong_pass}",
        percent(agree, answered)
    );
    println!(
        "of the checks on which the services differ: {differ_agree} of {differ_answered}: {:.1} %",
        percent(differ_agree, differ_answered)
    );
    println!(
        "evidence covers a line of the truth: {covered} of {with_truth}: {:.1} %",
        percent(covered, with_truth)
    );
}
