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

    fn add(&mut self, finding: &Finding) {
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
    /// packages, scripts, docs.
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
            "packages" | "scripts" | "docs" => Self::Maintainability,
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
            let rate = Rate {
                passed: u32::from(finding.outcome == Outcome::Pass),
                applicable: u32::from(matches!(
                    finding.outcome,
                    Outcome::Pass | Outcome::Partial | Outcome::Fail
                )),
            };
            scores.rate = add(scores.rate, rate);
            scores.overall.add(finding);
            scores.known += rate.applicable;
            scores.unknown += u32::from(finding.outcome == Outcome::Unknown);
            for (section, section_rate, card) in &mut sections {
                if *section == finding.check.section {
                    *section_rate = add(*section_rate, rate);
                    card.add(finding);
                }
            }
            for (rollup, card) in &mut rollups {
                if *rollup == Rollup::of(finding.check.area()) {
                    card.add(finding);
                }
            }
        }
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

fn add(a: Rate, b: Rate) -> Rate {
    Rate { passed: a.passed + b.passed, applicable: a.applicable + b.applicable }
}

fn tenths_to_f64(tenths: u64) -> f64 {
    f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0
}
