//! Scores: pure functions of findings, to be recomputed with a pencil.

use crate::report::Finding;
use crate::{Outcome, Section};

/// A pass rate, as auditors write it: «86% (32/37)».
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// PASS.
    pub passed: u32,
    /// PASS + PARTIAL + FAIL.
    pub applicable: u32,
}

impl Rate {
    /// Takes an answer in.
    pub(crate) fn add(&mut self, outcome: Outcome) {
        self.passed += u32::from(outcome == Outcome::Pass);
        self.applicable +=
            u32::from(matches!(outcome, Outcome::Pass | Outcome::Partial | Outcome::Fail));
    }

    /// In per cent, one decimal, rounded half up; `None` when nothing is applicable.
    #[must_use]
    pub fn percent(self) -> Option<f64> {
        (self.applicable > 0).then(|| {
            let tenths = (u64::from(self.passed) * 2000 + u64::from(self.applicable))
                / (u64::from(self.applicable) * 2);
            tenths_to_f64(tenths)
        })
    }
}

/// Earned and possible weight, in half units so that PARTIAL stays whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// Σ weight·value over known findings, doubled.
    pub earned_halves: u32,
    /// Σ weight over known findings.
    pub possible: u32,
    /// How many are unknown.
    pub unknown: u32,
}

impl Card {
    /// 0 to 100, one decimal; `None` when nothing is known.
    #[must_use]
    pub fn percent(self) -> Option<f64> {
        (self.possible > 0).then(|| {
            let tenths = (u64::from(self.earned_halves) * 1000 + u64::from(self.possible))
                / (u64::from(self.possible) * 2);
            tenths_to_f64(tenths)
        })
    }

    /// Takes a finding in.
    pub(crate) fn add(&mut self, finding: &Finding) {
        let weight = finding.check.severity.weight();
        match finding.outcome {
            Outcome::Pass => self.earned_halves += 2 * weight,
            Outcome::Partial => self.earned_halves += weight,
            Outcome::Fail => {}
            Outcome::Unknown => self.unknown += 1,
            Outcome::NotApplicable => return,
        }
        if finding.outcome != Outcome::Unknown {
            self.possible += weight;
        }
    }
}

/// The three roll-ups of a service report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rollup {
    /// image, runtime, secrets, network, supply.
    Security,
    /// build, health, migrations, release, recovery, pipeline.
    BestPractices,
    /// packages, scripts, docs, policy.
    Maintainability,
}

impl Rollup {
    /// All, in report order.
    pub const ALL: [Self; 3] = [Self::Security, Self::BestPractices, Self::Maintainability];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Security => "Security",
            Self::BestPractices => "Best practices",
            Self::Maintainability => "Maintainability",
        }
    }

    /// The roll-up of an area.
    #[must_use]
    pub fn of(area: &str) -> Self {
        match area {
            "image" | "runtime" | "secrets" | "network" | "supply" => Self::Security,
            "packages" | "scripts" | "docs" | "policy" => Self::Maintainability,
            _ => Self::BestPractices,
        }
    }
}

/// All figures of one subject.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// The pass rate.
    pub rate: Rate,
    /// Over all weights.
    pub overall: Card,
    /// A section's rate and card, in report order; sections without an applicable or unknown check left out.
    pub sections: Vec<(Section, Rate, Card)>,
    /// The roll-ups.
    pub rollups: Vec<(Rollup, Card)>,
    /// Known and unknown findings.
    pub known: u32,
    /// Unknown findings.
    pub unknown: u32,
}

impl Scores {
    /// The figures of the findings of one subject. What stands `within` another check and trial
    /// checks count nowhere.
    #[must_use]
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let mut scores = Self::default();
        let mut sections: Vec<(Section, Rate, Card)> =
            Section::ALL.iter().map(|&s| (s, Rate::default(), Card::default())).collect();
        let mut rollups: Vec<(Rollup, Card)> =
            Rollup::ALL.iter().map(|&r| (r, Card::default())).collect();
        for finding in findings.into_iter().filter(|f| f.counts()) {
            scores.rate.add(finding.outcome);
            scores.overall.add(finding);
            scores.unknown += u32::from(finding.outcome == Outcome::Unknown);
            for (section, section_rate, card) in &mut sections {
                if *section == finding.check.section {
                    section_rate.add(finding.outcome);
                    card.add(finding);
                }
            }
            let of = Rollup::of(finding.check.area());
            if let Some((_, card)) = rollups.iter_mut().find(|(rollup, _)| *rollup == of) {
                card.add(finding);
            }
        }
        scores.known = scores.rate.applicable;
        sections.retain(|(_, rate, card)| rate.applicable > 0 || card.unknown > 0);
        scores.sections = sections;
        scores.rollups = rollups;
        scores
    }

    /// Known / (known + unknown) in per cent, one decimal; 100 when nothing was asked.
    #[must_use]
    pub fn coverage(&self) -> f64 {
        Rate { passed: self.known, applicable: self.known + self.unknown }
            .percent()
            .unwrap_or(100.0)
    }
}

fn tenths_to_f64(tenths: u64) -> f64 {
    f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Check, Domain, Effort, Outcome, Run, Severity, Status, Subject, Verdict};

    fn check(id: &'static str, severity: Severity, section: Section) -> Check {
        Check {
            id,
            section,
            domain: Domain::ContainerSecurity,
            severity,
            effort: Effort::Minutes,
            within: None,
            after: &[],
            controls: &[],
            status: Status::Stable,
            since: "0.1.0",
            parts: &[],
            when: &[],
            source: "",
            run: Run::Repository(|_| {
                let evidence = crate::Evidence::missing_file("never", "never asked");
                Verdict::pass("never asked", evidence)
            }),
            fix: None,
        }
    }

    fn finding(check: Check, outcome: Outcome) -> Finding {
        Finding {
            severity: check.severity,
            check: Box::leak(Box::new(check)),
            subject: Subject::Repository,
            outcome,
            message: "".into(),
            unknown: None,
            evidence: Box::default(),
            accepted: None,
            newer: false,
            known: false,
        }
    }

    /// Findings that touch every rule: 10 + 5 + 2 + 1 weights, each outcome, two sections.
    fn findings() -> Vec<Finding> {
        let build = |id, severity| check(id, severity, Section::BuildSecurity);
        let image = |id, severity| check(id, severity, Section::BaseImage);
        vec![
            finding(build("secrets/a", Severity::Critical), Outcome::Pass),
            finding(build("build/b", Severity::High), Outcome::Partial),
            finding(build("packages/c", Severity::Medium), Outcome::Fail),
            finding(image("image/d", Severity::Low), Outcome::Pass),
            finding(image("image/e", Severity::High), Outcome::Unknown),
            finding(image("image/f", Severity::Critical), Outcome::NotApplicable),
        ]
    }

    #[test]
    fn figures_are_those_of_a_pencil() {
        let scores = Scores::of(&findings());
        // Passed 2 of 4; (10 + 5/2 + 0 + 1) / (10 + 5 + 2 + 1) = 13.5 / 18; known 4 of 5.
        assert_eq!(scores.rate, Rate { passed: 2, applicable: 4 });
        assert_eq!(scores.rate.percent(), Some(50.0));
        assert_eq!(scores.overall, Card { earned_halves: 27, possible: 18, unknown: 1 });
        assert_eq!(scores.overall.percent(), Some(75.0));
        assert!((scores.coverage() - 80.0).abs() < f64::EPSILON);
    }

    #[test]
    fn sections_and_rollups_add_up_to_the_whole() {
        let scores = Scores::of(&findings());
        let rates: Vec<_> = scores.sections.iter().map(|(s, r, _)| (*s, r.passed)).collect();
        assert_eq!(rates, [(Section::BaseImage, 1), (Section::BuildSecurity, 1)]);
        let whole = |cards: Vec<Card>| {
            cards.iter().fold((0, 0, 0), |sum, card| {
                (sum.0 + card.earned_halves, sum.1 + card.possible, sum.2 + card.unknown)
            })
        };
        let overall = whole(vec![scores.overall]);
        assert_eq!(whole(scores.sections.iter().map(|s| s.2).collect()), overall);
        assert_eq!(whole(scores.rollups.iter().map(|r| r.1).collect()), overall);
    }

    #[test]
    fn what_stands_within_another_check_and_trials_count_nowhere() {
        let base = check("build/a", Severity::High, Section::BuildSecurity);
        let within =
            Check { within: Some("build/b"), ..check("build/a", Severity::High, base.section) };
        let trial = Check { status: Status::Trial, ..base };
        let findings = [finding(within, Outcome::Fail), finding(trial, Outcome::Unknown)];
        let scores = Scores::of(&findings);
        assert_eq!((scores.rate, scores.overall), (Rate::default(), Card::default()));
        assert_eq!((scores.rate.percent(), scores.overall.percent()), (None, None));
        assert!(scores.sections.is_empty());
    }

    #[test]
    fn percents_are_rounded_half_up_to_a_decimal() {
        let percent = |passed, applicable| Rate { passed, applicable }.percent();
        assert_eq!(percent(32, 37), Some(86.5));
        assert_eq!(percent(1, 3), Some(33.3));
        assert_eq!(percent(2, 3), Some(66.7));
        assert_eq!(percent(1, 16), Some(6.3));
    }
}
