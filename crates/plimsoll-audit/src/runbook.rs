//! Runbooks: what a document says of the way back, and whether its commands can work here.

use plimsoll_model::container::ContainerKind;
use plimsoll_model::document::{Document, Fence};
use plimsoll_model::pipeline::RoleKind;
use plimsoll_model::script::Program;
use plimsoll_source::{Span, TextRange, normalize_path};

use crate::ci::{dir_of, within};
use crate::{Cx, ServiceSubject};

/// Commands that bring back an image by themselves.
const IMAGE: &[&str] = &[
    "kubectl rollout undo",
    "kubectl set image",
    "oc rollout undo",
    "helm rollback",
    "argocd app rollback",
    "kamal rollback",
    "docker service rollback",
    "docker service update",
    "heroku rollback",
    "heroku releases:rollback",
    "nomad job revert",
    "aws ecs update-service",
    "gcloud run services update-traffic",
    "gcloud run deploy",
];
/// Commands that start an image, and with what they start the previous one.
const START: &[&str] = &[
    "docker compose up",
    "docker-compose up",
    "docker run",
    "docker stack deploy",
    "kubectl apply",
    "helm upgrade",
];
const PIN: &[&str] =
    &["git checkout", "git revert", "git reset", "git switch", "docker pull", "docker tag"];
/// Words of commands that bring back a schema.
const SCHEMA: &[&str] = &[
    "migrate:rollback",
    "migrate:down",
    "migrate:undo",
    "migration:revert",
    "migration:down",
    "db:rollback",
    "db:migrate:undo",
    "alembic downgrade",
    "migrate down",
    "goose down",
    "migrate revert",
    "migration revert",
    "dbmate down",
    "dbmate rollback",
    "flyway undo",
    "liquibase rollback",
    "pg_restore",
    "mongorestore",
    "knex rollback",
];

/// What the sections of a document about the way back give.
#[derive(Default)]
pub(crate) struct Way {
    /// The headings.
    pub(crate) headings: Vec<Span>,
    /// The command that brings back the image.
    pub(crate) image: Option<Span>,
    /// The command that brings back the schema.
    pub(crate) schema: Option<Span>,
    /// What they refer to that is not here.
    pub(crate) absent: Option<String>,
}

/// What a document says of the way back; `None` where it says nothing, or of another service.
pub(crate) fn way(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    document: &Document,
    single: bool,
) -> Option<Way> {
    let mut sections: Vec<(usize, usize)> = Vec::new();
    for (index, (level, title, _)) in document.headings.iter().enumerate() {
        if sections.last().is_none_or(|&(_, end)| index >= end) && is_way_back(title) {
            let rest = document.headings.iter().enumerate().skip(index + 1);
            let end = rest.clone().find(|(_, (below, ..))| below <= level).map(|(end, _)| end);
            sections.push((index, end.unwrap_or(document.headings.len())));
        }
    }
    let (first, _) = *sections.first()?;
    let bytes = cx.delivery.tree.read(document.file).ok()?;
    let path = cx.path(document.file);
    let title = document.headings.first().map_or("", |(_, title, _)| title);
    let names = |text: &str| text.to_lowercase().contains(&service.name.to_lowercase());
    let foreign =
        dir_of(cx, path).is_some_and(|other| other != service.dir && !within(&service.dir, other));
    let ours = single || (!service.dir.is_empty() && within(path, &service.dir));
    let mut about = ours || (!foreign && (names(path) || names(title)));
    let mut way = Way::default();
    for (index, end) in sections {
        let from = document.headings.get(index).map_or(0, |(.., span)| span.range.start as usize);
        let to =
            document.headings.get(end).map_or(bytes.len(), |(.., span)| span.range.start as usize);
        let text = bytes.get(from..to).unwrap_or_default();
        about |= !foreign && names(&String::from_utf8_lossy(text));
        way.headings.extend(document.headings.get(index).map(|(.., span)| *span));
        let inside = |fence: &&Fence| (from..to).contains(&(fence.span.range.start as usize));
        let fences: Vec<Span> = document.fences.iter().filter(inside).map(|f| f.span).collect();
        commands(cx, service, document, (from, text), &fences, &mut way);
    }
    (about && first < document.headings.len()).then_some(way)
}

fn is_way_back(title: &str) -> bool {
    let plain: String = title.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let has = |words: &[&str]| words.iter().any(|word| plain.contains(word));
    has(&["rollback", "rollingback", "rolledback", "revert", "backout"])
        && !has(&["transaction", "saga", "error", "test"])
}

/// Reads the commands of a section: lines of its fences, and what stands in backticks elsewhere.
fn commands(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    document: &Document,
    (from, text): (usize, &[u8]),
    fences: &[Span],
    way: &mut Way,
) {
    let (mut starts, mut pinned) = (None, false);
    let mut at = from;
    for raw in text.split_inclusive(|&b| b == b'\n') {
        let (start, end) = (at, at + raw.len());
        at = end;
        let fenced =
            fences.iter().any(|f| (f.range.start as usize..f.range.end as usize).contains(&start));
        let line = String::from_utf8_lossy(raw);
        let parts: Vec<&str> = match fenced {
            true => vec![line.trim().trim_start_matches("$ ")],
            false => line.split('`').skip(1).step_by(2).collect(),
        };
        let span =
            Span::new(document.file, TextRange::of(start, start + raw.trim_ascii_end().len()));
        for command in parts.into_iter().filter(|part| !part.starts_with('#')) {
            let words: Vec<&str> =
                command.split_whitespace().filter(|w| !w.starts_with("--")).collect();
            let mut plain = words.join(" ");
            plain.push_str(&reached(cx, service, document, &words, way));
            let has = |list: &[&str]| list.iter().any(|wanted| plain.contains(wanted));
            way.image = way.image.or(has(IMAGE).then_some(span));
            way.schema = way.schema.or(has(SCHEMA).then_some(span));
            starts = starts.or(has(START).then_some(span));
            pinned |= has(PIN) || words.iter().any(|word| pins(word));
            if ["kubectl ", "helm ", "oc rollout"].iter().any(|tool| plain.contains(tool))
                && service.unread.is_empty()
                && !in_cluster(cx, service)
            {
                let says = "nothing here runs in a cluster";
                way.absent.get_or_insert_with(|| says.to_owned());
            }
        }
    }
    way.image = way.image.or(starts.filter(|_| pinned));
}

/// Whether a word chooses an image: `TAG=…`, `IMAGE_DIGEST=…`.
fn pins(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, value)| {
        let name = name.to_uppercase();
        !value.is_empty()
            && ["TAG", "VERSION", "DIGEST", "IMAGE", "RELEASE", "REVISION"]
                .iter()
                .any(|w| name.contains(w))
    })
}

/// Whether a cluster runs the service.
pub(crate) fn in_cluster(cx: &Cx<'_>, service: ServiceSubject<'_>) -> bool {
    let mut containers = service.containers.iter().chain(&service.other_containers);
    containers.any(|&id| matches!(cx.delivery[id].kind, ContainerKind::Kubernetes { .. }))
}

/// Whether a script is called a way back, and starts another script of the tree: a deployment of
/// what ran before.
fn is_called_so(cx: &Cx<'_>, program: &Program) -> bool {
    let path = cx.path(program.file);
    let name = path.rsplit('/').next().unwrap_or(path);
    let dir = path.strip_suffix(name).unwrap_or_default();
    let starts = |word: &String| {
        let find = |dir: &str| cx.delivery.tree.find(&normalize_path(&format!("{dir}/{word}"))?);
        is_path(word) && ["", dir].iter().any(|dir| find(dir).is_some())
    };
    is_way_back(name) && program.calls().any(|call| call.words.iter().any(starts))
}

/// What the scripts that a command names do, in words; notes those that do not exist.
fn reached(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    document: &Document,
    words: &[&str],
    way: &mut Way,
) -> String {
    let mut more = String::new();
    let delivery = cx.delivery;
    let package = service.package.map(|id| &delivery[id]);
    if let Some(at) =
        words.windows(2).position(|w| matches!(w[0], "npm" | "pnpm" | "yarn") && w[1] == "run")
        && let Some(name) = words.get(at + 2)
        && let Some(package) = package
    {
        match package.script(name.trim_end_matches([';', ')', '.', '"', '\''])) {
            Some(script) => more.push_str(&format!(" {}", script.command)),
            None => {
                way.absent.get_or_insert_with(|| format!("there is no script `{name}`"));
            }
        }
    }
    if let Some(["make", target]) = words.get(..2) {
        let made = delivery.programs.iter().filter(|p| p.target.as_deref() == Some(*target));
        more.extend(
            made.flat_map(Program::calls).map(|call| format!(" ; {}", call.words.join(" "))),
        );
    }
    let here = cx.path(document.file).rsplit_once('/').map_or("", |(dir, _)| dir);
    for word in words.iter().filter(|word| is_path(word)) {
        let found = ["", &*service.dir, here]
            .iter()
            .find_map(|dir| delivery.tree.find(&normalize_path(&format!("{dir}/{word}"))?));
        let Some(file) = found else {
            way.absent.get_or_insert_with(|| format!("`{word}` is not in the repository"));
            continue;
        };
        for program in delivery.programs.iter().filter(|program| program.file == file) {
            more.extend(program.calls().map(|call| format!(" ; {}", call.words.join(" "))));
            let is_way_back = program.roles.iter().any(|role| role.kind == RoleKind::RollBack);
            if is_way_back || is_called_so(cx, program) {
                more.push_str(" ; git checkout ; docker compose up");
            }
        }
    }
    more
}

/// Whether a word of a command is a file of the repository: a script or a descriptor.
fn is_path(word: &str) -> bool {
    let file = [".sh", ".yml", ".yaml"].iter().any(|end| word.ends_with(end));
    file && !word.starts_with(['/', '~', '-', '$', '<'])
        && !word.contains(['$', ':', '<', '=', '*'])
}
