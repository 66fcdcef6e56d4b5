//! # Files are copied, not added
//!
//! COPY brings files into an image as they are; ADD also unpacks archives and downloads, so it is
//! kept for these: a local archive that is to be unpacked, or a download whose content is fixed by
//! `--checksum` or a commit.
//!
//! An ADD of plain files says more than it means, and unpacks the day one of them is an archive.
//! An ADD of a bare URL puts into the image whatever the server sends that day.
//!
//! Write COPY for files of the build context, and `--checksum=sha256:…` for downloads.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! ADD --chown=node:node package.json /app/ # <- plain files
//! ADD src /app/src # <- plain files
//! CMD ["node", "/app/src/main.js"]
//! ```
//! `package.json`:
//! ```json
//! {}
//! ```
//! `src/main.js`:
//! ```js
//! ```
//!
//! A download that nothing holds to its content:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM alpine:3.22
//! ADD https://downloads.example/tool /usr/bin/tool # <- no checksum
//! CMD ["tool"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY --chown=node:node package.json /app/
//! COPY src /app/src
//! CMD ["node", "/app/src/main.js"]
//! ```
//!
//! With the checksum:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM alpine:3.22
//! ADD --checksum=sha256:5d0e3c2b1a49586776859403f2e1d0c9b8a7f6e5d4c3b2a190817263544f3e2d https://downloads.example/tool /usr/bin/tool # <- held to its content
//! CMD ["tool"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY . /app # <- copied
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! An archive that is to be unpacked, and a repository at a commit:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM alpine:3.22
//! ADD rootfs.tar.gz / # <- unpacked
//! ADD https://code.example/tool.git#5d0e3c2b1a49586776859403f2e1d0c9b8a7f6e5 /src # <- held to its content
//! CMD ["/src/tool"]
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM alpine:3.22
//! ARG SOURCE
//! ADD ${SOURCE} /opt/ # <- depends on a variable
//! CMD ["/opt/tool"]
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM nginx:1.29-alpine
//! EXPOSE 8080
//! ```

use plimsoll_model::Why;
use plimsoll_model::image::{Copy, CopySource, Step, StepKind};
use plimsoll_source::{Edit, Patch};
use plimsoll_syntax::dockerfile::Keyword;

use crate::conditions::COPIES_FILES;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, ImageSubject, Outcome, Part,
    Relation, Run, Safety, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "build/copies-not-adds",
    section: Section::BuildSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CIS-D 4.9"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part { name: "", equivalents: &[] },
        Part {
            name: "plain files",
            equivalents: &[
                Equivalent { tool: "hadolint", rule: "DL3020", relation: Relation::Same },
                Equivalent { tool: "checkov", rule: "CKV_DOCKER_4", relation: Relation::Wider },
                Equivalent { tool: "trivy", rule: "DS-0005", relation: Relation::Same },
            ],
        },
        Part {
            name: "downloads",
            equivalents: &[Equivalent {
                tool: "checkov",
                rule: "CKV_DOCKER_4",
                relation: Relation::Wider,
            }],
        },
    ],
    when: &[&COPIES_FILES],
    source: include_str!("copies_not_adds.rs"),
    run: Run::EachImage(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    let mut found: Vec<(Outcome, Evidence)> = Vec::new();
    for (step, copy) in copies(image) {
        found.push(match judge(copy) {
            Ok(says) => (Outcome::Pass, Evidence::shows(step.span, says)),
            Err((Outcome::Unknown, says)) => (Outcome::Unknown, Evidence::context(step.span, says)),
            Err((outcome, says)) => {
                let part = if is_plain(copy) { "plain files" } else { "downloads" };
                (outcome, Evidence::contradicts(step.span, says).part(part))
            }
        });
    }
    // The worst decides and stands first.
    found.sort_by_key(|(outcome, _)| match outcome {
        Outcome::Fail => 0,
        Outcome::Unknown => 1,
        _ => 2,
    });
    let mut found = found.into_iter();
    let verdict = match found.next() {
        Some((Outcome::Fail, evidence)) => {
            let message = format!("ADD {}: {}", evidence.says, "write COPY, or a checksum");
            Verdict::fail(message, evidence)
        }
        Some((Outcome::Unknown, evidence)) => Verdict::unknown(
            Why::Dynamic,
            "what an ADD brings depends on a variable: give it a default",
            evidence,
        ),
        Some((_, evidence)) if !image.broken => {
            Verdict::pass("files are copied, and ADD is kept for what COPY cannot do", evidence)
        }
        _ => Verdict::unknown(
            Why::Unparsed,
            "the Dockerfile does not parse",
            Evidence::context(cx.start_of(image.file), "some of its instructions may not be read"),
        ),
    };
    verdict.and_all(found.map(|(_, evidence)| evidence))
}

/// Every COPY and ADD of the stages that are built.
fn copies<'a>(image: ImageSubject<'a>) -> impl Iterator<Item = (&'a Step, &'a Copy)> {
    let image = image.image;
    let stages = image.stages_built().into_iter().filter_map(|index| image.stages.get(index));
    stages.flat_map(|stage| &stage.steps).filter_map(|step| match &step.kind {
        StepKind::Copy(copy) => Some((step, &**copy)),
        _ => None,
    })
}

/// Why an instruction is right, or what is wrong with it.
fn judge(copy: &Copy) -> Result<&'static str, (Outcome, &'static str)> {
    if !copy.add {
        return Ok("copied");
    }
    if copy.sources.iter().any(|source| source.dynamic) {
        return Err((Outcome::Unknown, "depends on a variable"));
    }
    if copy.sources.iter().any(|s| s.remote && !copy.checksum && !is_commit(&s.path)) {
        return Err((Outcome::Fail, "of a download with no checksum"));
    }
    if is_plain(copy) {
        return Err((Outcome::Fail, "of plain files"));
    }
    let remote = copy.sources.iter().any(|source| source.remote);
    Ok(if remote {
        "a download that is held to its content"
    } else {
        "an archive that is unpacked"
    })
}

/// Whether COPY would do the same: some source is local, and none is what only ADD can bring.
fn is_plain(copy: &Copy) -> bool {
    let special = |source: &CopySource| source.remote || source.dynamic || is_archive(&source.path);
    copy.add && !copy.sources.iter().any(special)
}

/// Archives that ADD unpacks, by name: a tar, plain or compressed.
fn is_archive(path: &str) -> bool {
    const ENDS: [&str; 10] = [
        ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst",
        ".tar.*",
    ];
    let path = path.to_ascii_lowercase();
    ENDS.iter().any(|end| path.ends_with(end))
}

/// Whether a git reference names a commit: `…#<40 or 64 hexadecimal digits>[:directory]`.
fn is_commit(reference: &str) -> bool {
    let Some((_, fragment)) = reference.split_once('#') else { return false };
    let commit = fragment.split(':').next().unwrap_or(fragment);
    matches!(commit.len(), 40 | 64) && commit.bytes().all(|b| b.is_ascii_hexdigit())
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let mut patch = Patch::default();
    for &id in &service.images {
        let image = ImageSubject { id, image: &cx.delivery[id], service: Some(service) };
        for (step, _) in copies(image).filter(|(_, copy)| is_plain(copy)) {
            let instruction = image.instruction(step).filter(|i| i.keyword == Keyword::Add)?;
            let edit = Edit { span: instruction.keyword_span, insert: b"COPY".to_vec() };
            patch.edits.push(edit);
        }
    }
    (!patch.edits.is_empty()).then(|| Fix {
        does: "write COPY for ADD where files of the context are copied".into(),
        safety: Safety::Safe,
        snippet: None,
        patch: Some(patch),
    })
}
