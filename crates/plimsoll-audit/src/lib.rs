//! Delivery to [`Report`]: every question answered for every service, with evidence.
//!
//! A [`Check`] is a value in a file of its own: its page, its metadata and one function from a
//! subject to a [`Verdict`]. The driver decides which subjects are asked and who is not applicable;
//! the check only answers. Whatever a check panics on becomes UNKNOWN (Internal) for that subject.

mod answers;
mod asked;
mod baseline;
mod bases;
mod check;
mod checks;
mod choice;
mod ci;
mod ci_builds;
mod codes;
mod comment;
mod composed;
mod config;
mod consent;
mod context;
mod cx;
mod datastores;
mod delivered;
mod deploying;
mod documents;
mod downloads;
mod driver;
mod evidence;
mod fleet;
mod health;
mod hostpath;
mod ignored;
mod installs;
mod launch;
mod links;
mod locked;
mod locking;
mod manifests;
mod mend;
mod mending;
mod migrating;
mod migrations_in;
mod once;
mod operands;
mod operations;
mod own_user;
mod owner;
mod ownership;
mod page;
mod passwords;
mod policy;
mod ports;
mod program;
mod proxies;
mod pushed;
mod record;
mod releasing;
mod report;
mod runbook;
mod runtimes;
mod schema;
mod score;
mod scripts;
mod served;
mod shipped;
mod startup;
mod static_site;
mod steps;
mod subject;
mod supplied;
mod taint;
mod toolchain;
mod twins;
mod verdict;
mod waiver;
mod workflows;
mod written;

pub mod conditions;

pub use baseline::{BASELINE_NAME, Baseline, Instance};
pub use check::{
    Check, Domain, Effort, Equivalent, Fix, Mend, Part, Relation, Run, Safety, Section, Severity,
    Snippet, Status,
};
pub use checks::all;
pub use comment::answering;
pub use config::{Accept, Config, Date, Edition, PolicyError, ServiceHint, Threshold, near_checks};
pub use cx::Cx;
pub use driver::{Outside, audit};
pub use evidence::{About, Evidence, Place, Role};
pub use fleet::{Cause, Common, causes};
pub use mend::{Mended, Offer, batch, joined, mend, offers, unmended};
pub use mending::resolved::{Answer, Question, Resolved, SAME_FORGE};
pub use operations::{DomainReport, Horizon, Issue, Operations, Standing};
pub use page::{Example, ExampleFile, Expectation, Page, Piece};
pub use plimsoll_model::Why;
pub use policy::{CONFIG_NAME, Layer, Misread, Policy, ReadFile, Settings};
pub use report::{
    Comparison, Counts, Coverage, Finding, Located, Position, Report, Resolver, ServiceReport,
};
pub use schema::config_schema;
pub use score::{Card, Rate, Rollup, Scores};
pub use subject::{ContainerSubject, ImageSubject, ScriptSubject, ServiceSubject, Subject};
pub use verdict::{Outcome, Verdict};
pub use waiver::Waivers;
