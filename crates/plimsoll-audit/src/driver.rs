//! The driver: asks every check about every subject, says NOT APPLICABLE, joins members.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use plimsoll_model::script::Program;
use plimsoll_model::{Fact, Why};
use plimsoll_source::{Span, TextRange, Tree};
use rayon::prelude::*;

use crate::evidence::{Evidence, Place, Role, Told};
use crate::once::Once;
use crate::report::{Coverage, Finding, Report, ServiceReport, severity};
use crate::waiver::Waivers;
use crate::{
    Check, ContainerSubject, Cx, ImageSubject, Outcome, Policy, Run, Scores, ServiceSubject,
    Settings, Subject, Verdict,
};

/// What a tree cannot tell: answered by the caller, who decides about the network.
pub trait Outside: Sync {
    /// What fixes would have to know ([`Offer::asks`](crate::Offer)) and this can tell. It is asked
    /// again for what it did not answer, and remembers what it does not know.
    fn answer(&self, _offers: &[crate::Offer]) -> crate::Resolved {
        crate::Resolved::default()
    }
}

/// Nothing may be asked.
impl Outside for () {}

/// How many services are answered before their findings are put away.
const AT_ONCE: usize = 64;

/// Audits a tree: the one call that every front end makes.
#[must_use]
pub fn audit(tree: &Tree, policy: &Policy, outside: &dyn Outside) -> Report {
    let _ = outside;
    let delivery = Arc::new(plimsoll_model::lower_with(tree, &policy.hints()));
    let waivers = Waivers::of(&delivery, policy);
    let once = Once::default();
    let cx = Cx { waivers: &waivers, once: Some(&once), ..Cx::new(&delivery, policy) };
    let checks = crate::all();
    let (mut about_services, mut about_all) = (checks.clone(), checks);
    about_services.retain(|check| check.run.about_services());
    about_all.retain(|check| check.run.about_repository());

    let wanted = |id: &plimsoll_model::ServiceId| {
        let purpose = &delivery[*id].purpose;
        purpose.is_production() || policy.purposes.contains(&purpose.kind)
    };
    let (ids, left_out): (Vec<_>, Vec<_>) = delivery.service_ids().partition(wanted);
    let ask = |&id: &plimsoll_model::ServiceId| -> Vec<Finding> {
        let service = cx.service(id);
        let settings = policy.at(&service.dir);
        let asked = about_services.iter().filter(|check| settings.asks(check));
        asked.map(|check| ask_service(&cx, &settings, check, service)).collect()
    };
    let mut told = Told::default();
    // Room for all, at once: a list that grows is there twice while it does.
    let mut findings = Vec::with_capacity(ids.len() * about_services.len() + about_all.len());
    let mut services = Vec::new();
    let answer = |ids: &[plimsoll_model::ServiceId]| -> Vec<Vec<Finding>> {
        ids.par_iter().map(ask).collect()
    };
    let mut chunks = ids.chunks(AT_ONCE);
    let mut asked = chunks.next().map(|ids| (ids, answer(ids)));
    while let Some((ids, answered)) = asked {
        let put_away = || {
            for (&id, mut of_service) in ids.iter().zip(answered) {
                told.share(&mut of_service);
                let start = findings.len();
                let scores = Scores::of(&of_service);
                findings.extend(of_service);
                services.push(ServiceReport { id, findings: start..findings.len(), scores });
            }
        };
        // Side by side with the next questions.
        asked = rayon::join(put_away, || chunks.next().map(|ids| (ids, answer(ids)))).1;
    }
    let shared = findings.len();
    let settings = policy.at("");
    // What came of the acceptances is asked last, when all others were met.
    let about_all = about_all.into_iter().filter(|check| settings.asks(check));
    let (last, first): (Vec<_>, Vec<_>) = about_all.partition(|check| check.area() == "policy");
    // Each is about all containers or scripts: what it says goes together before the next is asked.
    let told = Mutex::new(told);
    let ask = |check| {
        let mut finding = ask_repository(&cx, &settings, check);
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        told.share(std::slice::from_mut(&mut finding));
        finding
    };
    for checks in [first, last] {
        findings.par_extend(checks.into_par_iter().map(ask));
    }
    findings[shared..].sort_by_key(|finding| finding.check.id);
    let mut not_asked = BTreeMap::new();
    for check in crate::all() {
        let of_services = services.iter().filter(|s| !policy.at(&delivery[s.id].dir).asks(check));
        let count = if check.run.about_services() {
            of_services.count()
        } else {
            usize::from(!settings.asks(check))
        };
        if count > 0 {
            not_asked.insert(check.id, u32::try_from(count).unwrap_or(u32::MAX));
        }
    }

    let coverage = coverage(&findings);
    let digest = tree_digest(&delivery);
    Report {
        delivery: Arc::clone(&delivery),
        services,
        left_out,
        findings,
        shared,
        coverage,
        digest,
        not_asked,
        policy: Arc::new(policy.clone()),
        comparison: None,
        looked: Arc::default(),
    }
}

fn tree_digest(delivery: &plimsoll_model::Delivery) -> String {
    let mut hasher = blake3::Hasher::new();
    for &file in &delivery.read {
        let path = delivery.tree.path(file);
        hasher.update(&(path.len() as u64).to_le_bytes());
        hasher.update(path.as_bytes());
        hasher.update(&delivery.tree.hash(file).unwrap_or_default());
    }
    hasher.finalize().to_hex().to_string()
}

fn coverage(findings: &[Finding]) -> Coverage {
    let mut coverage = Coverage::default();
    for finding in findings.iter().filter(|f| f.counts() && f.outcome != Outcome::NotApplicable) {
        coverage.asked += 1;
        match finding.unknown {
            Some(why) => *coverage.unknown_because.entry(why).or_default() += 1,
            None => coverage.answered += 1,
        }
    }
    coverage
}

fn ask_service(
    cx: &Cx<'_>,
    settings: &Settings<'_>,
    check: &'static Check,
    service: ServiceSubject<'_>,
) -> Finding {
    let subject = Subject::Service(service.id);
    let verdict = match check.run {
        Run::Service(run) | Run::Both(run, _) => {
            guarded(cx, check, subject, service.place, || run(cx, service))
        }
        Run::EachImage(run) | Run::EveryImage(run, _) => {
            let verdicts = service.images.iter().map(|&id| {
                let image = ImageSubject { id, image: &cx.delivery[id], service: Some(service) };
                let place =
                    image.stages.first().map_or_else(|| cx.start_of(image.file), |s| s.from);
                let asked = guarded(cx, check, Subject::Image(id), place, || run(cx, image));
                (image.path.clone(), asked)
            });
            join(verdicts.collect(), "builds no image", service.place)
        }
        Run::EachContainer(run) | Run::EveryContainer(run) => {
            let ids = service.containers.iter().copied();
            let verdicts = ids.map(|id| {
                let container =
                    ContainerSubject { id, container: &cx.delivery[id], service: Some(service) };
                ask_container(cx, check, run, container)
            });
            join(
                verdicts.collect(),
                "is not deployed by a descriptor of this repository",
                service.place,
            )
        }
        Run::Repository(_) | Run::EachScript(_) => return ask_repository(cx, settings, check),
    };
    finding(cx, settings, check, subject, verdict)
}

/// What is asked of a container.
type AskContainer = fn(&Cx<'_>, ContainerSubject<'_>) -> Verdict;

fn ask_container(
    cx: &Cx<'_>,
    check: &Check,
    run: AskContainer,
    container: ContainerSubject<'_>,
) -> (Arc<str>, Verdict) {
    let subject = Subject::Container(container.id);
    let verdict = guarded(cx, check, subject, container.span, || run(cx, container));
    (Arc::clone(&container.label), verdict)
}

fn ask_repository(cx: &Cx<'_>, settings: &Settings<'_>, check: &'static Check) -> Finding {
    let file = cx.delivery.tree.entries().next().map(|(id, _)| id);
    let place = file.map_or(Place::AbsentPath(Arc::new(".".to_owned())), |id| {
        Place::Span(Span::new(id, TextRange::default()))
    });
    let verdict = match (check.run, place) {
        (Run::Repository(run) | Run::Both(_, run), Place::Span(at)) => {
            guarded(cx, check, Subject::Repository, at, || run(cx))
        }
        (Run::EveryContainer(run) | Run::EveryImage(_, run), Place::Span(at)) => {
            let verdicts = cx.containers_of_no_service().into_iter();
            let verdicts = verdicts.map(|container| ask_container(cx, check, run, container));
            join(verdicts.collect(), "runs no container but its services'", at)
        }
        (Run::EachScript(run), Place::Span(at)) => {
            let verdicts = cx.operational_scripts().map(|script| {
                let path = cx.path(script.file);
                let name = match &script.target {
                    Some(target) => format!("{target} in {path}"),
                    None => path.to_owned(),
                };
                let place = script.text.whole();
                let subject = Subject::Script(script.id);
                let asked = guarded(cx, check, subject, place, || run(cx, script));
                (name, unless_cut(script.program, asked))
            });
            // A script that a question does not apply to says nothing of those that it is about.
            let mut verdicts: Vec<(String, Verdict)> = verdicts.collect();
            let is_about = |(_, verdict): &(String, Verdict)| verdict.outcome.rank() > 0;
            if verdicts.iter().any(is_about) {
                verdicts.retain(is_about);
            }
            join(verdicts, "has no operational script", at)
        }
        _ => Verdict::not_applicable(
            "there is nothing to audit",
            Evidence::missing_file(".", "an empty tree"),
        ),
    };
    finding(cx, settings, check, Subject::Repository, verdict)
}

/// Of a program that is too long to be followed to its end, nothing is known to be well.
fn unless_cut(program: &Program, verdict: Verdict) -> Verdict {
    if program.flow.complete || verdict.outcome != Outcome::Pass {
        return verdict;
    }
    let last = program.flow.commands.last().map_or(program.text.whole(), |command| command.span);
    let message = "the script is too long to be followed to its end";
    Verdict::unknown(Why::TooLarge, message, Evidence::context(last, "it is followed to here"))
}

/// The conditions, then the question; a panic is our bug and no one else's.
fn guarded(
    cx: &Cx<'_>,
    check: &Check,
    subject: Subject,
    place: Span,
    ask: impl FnOnce() -> Verdict,
) -> Verdict {
    let asked = catch_unwind(AssertUnwindSafe(|| {
        for condition in check.when {
            match (condition.holds)(cx, subject) {
                Fact::Known { value: true, .. } => {}
                Fact::Known { at, .. } => {
                    let evidence = Evidence::context(
                        at.span.unwrap_or(place),
                        format!("not one that {}", condition.name),
                    );
                    return Verdict::not_applicable(
                        format!("does not apply: nothing here {}", condition.name),
                        evidence,
                    );
                }
                Fact::Absent => {
                    let evidence =
                        Evidence::context(place, format!("not one that {}", condition.name));
                    return Verdict::not_applicable(
                        format!("does not apply: nothing here {}", condition.name),
                        evidence,
                    );
                }
                Fact::Unknown(why, at) => {
                    let message = format!("it cannot be told whether this {}", condition.name);
                    return Verdict::unknown(
                        why,
                        message,
                        Evidence::context(at.unwrap_or(place), why.decide()),
                    );
                }
            }
        }
        ask()
    }));
    asked.unwrap_or_else(|_| {
        let message = format!("the check {} failed: this is a bug in Plimsoll", check.id);
        Verdict::unknown(Why::Internal, message, Evidence::context(place, Why::Internal.decide()))
    })
}

/// One verdict for several members: the worst one's outcome and message, the evidence of all that
/// share it, and the rest as context. With one member, its verdict.
pub(crate) fn join<Member: Into<Arc<str>>>(
    mut verdicts: Vec<(Member, Verdict)>,
    none: &str,
    place: Span,
) -> Verdict {
    let Some(worst) = verdicts.iter().map(|(_, v)| v.outcome.rank()).max() else {
        return Verdict::not_applicable(
            format!("does not apply: it {none}"),
            Evidence::context(place, none.to_owned()),
        );
    };
    if verdicts.len() == 1 {
        return verdicts.remove(0).1;
    }
    let mut joined: Option<Verdict> = None;
    let mut rest = Vec::new();
    for (member, mut verdict) in verdicts {
        let member: Arc<str> = member.into();
        for evidence in &mut verdict.evidence {
            evidence.member.get_or_insert_with(|| Arc::clone(&member));
        }
        if verdict.outcome.rank() != worst {
            // What is missing where all is well, is missed by nobody.
            let well = verdict.outcome == Outcome::Pass;
            for evidence in verdict.evidence.iter_mut().filter(|e| well && e.role == Role::Missing)
            {
                evidence.role = Role::Context;
            }
            rest.append(&mut verdict.evidence);
        } else if let Some(joined) = &mut joined {
            joined.evidence.append(&mut verdict.evidence);
        } else {
            joined = Some(verdict);
        }
    }
    match joined {
        Some(joined) => joined.and_all(rest),
        None => {
            Verdict::not_applicable("does not apply", Evidence::context(place, none.to_owned()))
        }
    }
}

fn finding(
    cx: &Cx<'_>,
    settings: &Settings<'_>,
    check: &'static Check,
    subject: Subject,
    mut verdict: Verdict,
) -> Finding {
    let service = match subject {
        Subject::Service(id) => Some(&cx.delivery[id]),
        _ => None,
    };
    let accepted = cx.waivers.apply(cx, check, service, &mut verdict);
    Finding {
        check,
        subject,
        outcome: verdict.outcome,
        severity: severity(settings.severity(check), &verdict.evidence),
        message: verdict.message.into(),
        unknown: verdict.why,
        evidence: verdict.evidence.into(),
        accepted,
        newer: settings.is_newer(check),
        known: false,
    }
}
