//! Conditions: what must hold for a question to make sense. Their names are the reasons that
//! reports print beside NOT APPLICABLE.

use std::sync::Arc;

use plimsoll_model::container::{Container, ContainerKind, EnvValue};
use plimsoll_model::data;
use plimsoll_model::flow::{Command, CommandKind, Flow, RegionKind};
use plimsoll_model::image::{
    Base, Copy, CopyFrom, Effect, EffectKind, Manager, Stage, Step, StepKind,
};
use plimsoll_model::package::{Dependency, Ecosystem, Package};
use plimsoll_model::pipeline::Forge;
use plimsoll_model::proxy::Server;
use plimsoll_model::purpose::Purpose;
use plimsoll_model::script::Program;
use plimsoll_model::secret::{is_secret_name, names_secret_file};
use plimsoll_model::user::{self, Who};
use plimsoll_model::{Fact, Why, entrypoint};
use plimsoll_syntax::dockerfile::Keyword;

use crate::locked::Follows;
use crate::{
    Cx, ImageSubject, Subject, composed, consent, datastores, delivered, documents, downloads,
    owner, program, proxies, record, releasing, scripts, startup,
};

/// A named condition. It is asked of what the check is asked about: the service, each of its
/// images or containers, or the repository.
#[derive(Debug)]
pub struct Condition {
    /// What holds, so that «does not apply: nothing here …» reads well when it does not:
    /// `builds an image`, `installs packages in its final stage`.
    pub name: &'static str,
    /// Whether it holds.
    pub holds: fn(&Cx<'_>, Subject) -> Fact<bool>,
}

/// The service builds an image here.
pub static HAS_IMAGE: Condition = Condition {
    name: "builds an image",
    holds: |cx, subject| match subject {
        Subject::Service(id) => Fact::inferred(!cx.delivery[id].images.is_empty(), None),
        Subject::Image(_) => Fact::inferred(true, None),
        Subject::Repository | Subject::Container(_) | Subject::Script(_) => {
            Fact::inferred(false, None)
        }
    },
};

/// A comment or the configuration accepts findings.
pub static ACCEPTS: Condition = Condition {
    name: "accepts a finding",
    holds: |cx, _| Fact::inferred(cx.waivers.first().is_some(), None),
};

/// Something in the tree deploys the service.
pub static HAS_DESCRIPTOR: Condition = Condition {
    name: "is deployed by a descriptor of this repository",
    holds: |cx, subject| match subject {
        Subject::Service(id) => has_descriptor(cx, id),
        Subject::Container(_) => Fact::inferred(true, None),
        Subject::Repository => Fact::inferred(!cx.containers_of_no_service().is_empty(), None),
        Subject::Image(_) | Subject::Script(_) => Fact::inferred(false, None),
    },
};

/// Something in the tree starts the service: a descriptor, a script, a pipeline.
pub static STARTED: Condition = Condition {
    name: "starts the image",
    holds: |cx, subject| {
        let Subject::Service(id) = subject else { return Fact::inferred(false, None) };
        let service = &cx.delivery[id];
        let deploys = |role: &plimsoll_model::pipeline::Role| {
            role.kind == plimsoll_model::pipeline::RoleKind::Deploy
        };
        let by_program = || {
            service.programs.iter().any(|&program| cx.delivery[program].roles.iter().any(deploys))
        };
        let by_pipeline = || {
            let jobs = service.pipelines.iter().flat_map(|&pipeline| &cx.delivery[pipeline].jobs);
            jobs.flat_map(|job| &job.steps).any(|step| step.roles.iter().any(deploys))
        };
        if !service.containers.is_empty() || by_program() || by_pipeline() {
            return Fact::inferred(true, None);
        }
        match service.unread.first() {
            Some(&file) => Fact::Unknown(Why::Unsupported, Some(cx.start_of(file))),
            None if cx.delivery.tree.outside().is_some() => {
                Fact::Unknown(Why::OutOfTree, Some(service.place))
            }
            None => Fact::inferred(false, None),
        }
    },
};

/// Some stage that is built starts from an image: not all are `FROM scratch`.
pub static STARTS_FROM_AN_IMAGE: Condition = Condition {
    name: "starts from an image",
    holds: |cx, subject| {
        if let Subject::Container(id) = subject {
            let container = &cx.delivery[id];
            let named = container.build.is_none() && !container.image.is_absent();
            return Fact::inferred(named, None);
        }
        some_stage(cx, subject, |s| matches!(s.base, Base::External(_) | Base::Dynamic(_)))
    },
};

/// Some stage that is built has a COPY or ADD.
pub static COPIES_FILES: Condition = Condition {
    name: "copies files into an image",
    holds: |cx, subject| {
        some_stage(cx, subject, |stage| {
            stage.steps.iter().any(|step| matches!(step.kind, StepKind::Copy(_)))
        })
    },
};

/// Some RUN of a stage that is built downloads something.
pub static DOWNLOADS_IN_ITS_BUILD: Condition = Condition {
    name: "downloads in its build",
    holds: |cx, subject| {
        let downloads = some_stage(cx, subject, |stage| {
            stage.steps.iter().any(|step| match &step.kind {
                StepKind::Run(run) if downloads::names_one(run.text.text()) => {
                    run.flow().commands.iter().any(downloads::fetches)
                }
                _ => false,
            })
        });
        unless_broken(cx, subject, downloads)
    },
};

/// Some stage that is built has a COPY or ADD that reads the build context.
pub static COPIES_FROM_CONTEXT: Condition = Condition {
    name: "copies files from its build context",
    holds: |cx, subject| {
        let copies = some_stage(cx, subject, |stage| {
            stage.steps.iter().any(|step| match &step.kind {
                StepKind::Copy(copy) => reads_context(copy),
                _ => false,
            })
        });
        unless_broken(cx, subject, copies)
    },
};

/// It copies from the build context, or a RUN spells a secret out.
pub static COPIES_OR_SPELLS_SECRETS: Condition = Condition {
    name: "copies files from its build context",
    holds: |cx, subject| match subject {
        Subject::Image(id) if !crate::context::spelled(&cx.delivery[id]).is_empty() => {
            Fact::inferred(true, None)
        }
        _ => (COPIES_FROM_CONTEXT.holds)(cx, subject),
    },
};

/// A compiler or build script runs while the image is built.
pub static BUILDS_SOMETHING: Condition = Condition {
    name: "compiles or builds in its image",
    holds: |cx, subject| {
        let Subject::Image(id) = subject else { return Fact::inferred(false, None) };
        let image = &cx.delivery[id];
        let stages = image.stages_built();
        let effects: Vec<_> = stages.iter().flat_map(|&stage| image.effects(stage)).collect();
        if effects.iter().any(|(_, e)| matches!(e.kind, EffectKind::Build { .. })) {
            return Fact::inferred(true, None);
        }
        runs_script(&effects)
            .unwrap_or_else(|| unless_broken(cx, subject, some_stage(cx, subject, |_| false)))
    },
};

/// Packages are installed in the layers that ship.
pub static INSTALLS_IN_FINAL_STAGE: Condition = Condition {
    name: "installs packages in its final stage",
    holds: |cx, subject| {
        let Subject::Image(id) = subject else { return Fact::inferred(false, None) };
        let image = &cx.delivery[id];
        let effects = image.target.map(|target| image.effects(target)).unwrap_or_default();
        if effects.iter().any(|(_, e)| matches!(e.kind, EffectKind::Install(_))) {
            return Fact::inferred(true, None);
        }
        runs_script(&effects)
            .unwrap_or_else(|| unless_broken(cx, subject, some_stage(cx, subject, |_| false)))
    },
};

/// A package manager of a language installs while the image is built.
pub static INSTALLS_DEPENDENCIES: Condition = Condition {
    name: "installs a language's packages in its image",
    holds: |cx, subject| {
        let Subject::Image(id) = subject else { return Fact::inferred(false, None) };
        let image = &cx.delivery[id];
        let stages = image.stages_built();
        let effects: Vec<_> = stages.iter().flat_map(|&stage| image.effects(stage)).collect();
        let installs = |effect: &Effect| match &effect.kind {
            EffectKind::Install(install) => !install.manager.is_system(),
            _ => false,
        };
        if effects.iter().any(|(_, effect)| installs(effect)) {
            return Fact::inferred(true, None);
        }
        runs_script(&effects)
            .unwrap_or_else(|| unless_broken(cx, subject, some_stage(cx, subject, |_| false)))
    },
};

/// Some RUN of a stage that is built installs, builds, tests, downloads or copies.
pub static RUNS_STEPS: Condition = Condition {
    name: "installs, builds, tests or copies in a RUN",
    holds: |cx, subject| {
        let Subject::Image(id) = subject else { return Fact::inferred(false, None) };
        let image = &cx.delivery[id];
        let stages = image.stages_built();
        let mut effects = stages.iter().flat_map(|&stage| image.effects(stage));
        if effects.any(|(_, e)| crate::steps::weight(cx, e).is_some()) {
            return Fact::inferred(true, None);
        }
        unless_broken(cx, subject, some_stage(cx, subject, |_| false))
    },
};

/// A package manager installs while the image is built, and there is a lockfile that it could follow.
pub static INSTALLS_BESIDE_A_LOCKFILE: Condition = Condition {
    name: "installs what a lockfile pins",
    holds: |cx, subject| {
        let installs = (INSTALLS_DEPENDENCIES.holds)(cx, subject);
        let (Subject::Image(id), Some(true)) = (subject, installs.known()) else { return installs };
        let service = cx.delivery.service_ids().map(|id| cx.service(id));
        let service = service.into_iter().find(|service| service.images.contains(&id));
        let image = ImageSubject { id, image: &cx.delivery[id], service };
        let follows: Vec<Follows> = crate::installs::installs(image.image)
            .filter(|site| site.install.packages.is_empty() && !site.install.global)
            .map(|site| crate::locked::follows(cx, image, site))
            .collect();
        let own = service.and_then(|service| service.package).map(|id| &cx.delivery[id]);
        let lockfile = own.and_then(|package| package.lockfile.as_ref());
        let any = lockfile.is_some()
            || follows.iter().any(|follows| matches!(follows, Follows::It(_) | Follows::Not(_)));
        let open = follows.iter().find_map(|follows| match follows {
            Follows::Unknown(why) => Some(*why),
            _ => None,
        });
        match open {
            Some(why) if !any => Fact::Unknown(why, None),
            _ => Fact::inferred(any, None),
        }
    },
};

/// npm installs while the image is built.
pub static INSTALLS_WITH_NPM: Condition = Condition {
    name: "installs with npm in its image",
    holds: |cx, subject| {
        let Subject::Image(id) = subject else { return Fact::inferred(false, None) };
        let image = &cx.delivery[id];
        let npm = |effect: &Effect| matches!(&effect.kind, EffectKind::Install(i) if i.manager == Manager::Npm);
        let stages = image.stages_built();
        let effects: Vec<_> = stages.iter().flat_map(|&stage| image.effects(stage)).collect();
        if effects.iter().any(|(_, effect)| npm(effect)) {
            return Fact::inferred(true, None);
        }
        // What a script installs is not known; where another manager does, it hardly is npm.
        let other = (INSTALLS_DEPENDENCIES.holds)(cx, subject);
        if other.known() == Some(&true) { Fact::inferred(false, None) } else { other }
    },
};

/// A container keeps data, or gives access to some: one of the service, or one of no service.
pub static RUNS_A_DATASTORE: Condition = Condition {
    name: "is a datastore",
    holds: |cx, subject| {
        let holds = match subject {
            Subject::Service(id) => {
                let containers = &cx.delivery[id].containers;
                containers.iter().any(|&c| cx.delivery[c].keeps.is_some())
            }
            Subject::Repository => datastores::of_no_service(cx).next().is_some(),
            Subject::Image(_) | Subject::Container(_) | Subject::Script(_) => false,
        };
        Fact::inferred(holds, None)
    },
};

/// A container is deployed: one of the service, or one of no service.
pub static DEPLOYS_IMAGES: Condition = Condition {
    name: "is deployed by a descriptor of this repository",
    holds: |cx, subject| match subject {
        Subject::Repository => Fact::inferred(!cx.containers_of_no_service().is_empty(), None),
        subject => (HAS_DESCRIPTOR.holds)(cx, subject),
    },
};

/// A container awaits a datastore, or its pooler.
pub static DEPENDS_ON_A_DATASTORE: Condition = Condition {
    name: "depends on a datastore of its compose file",
    holds: |cx, subject| {
        let id = match subject {
            Subject::Service(id) => id,
            // Asked of each container by the check itself.
            Subject::Repository => return Fact::inferred(true, None),
            _ => return Fact::inferred(false, None),
        };
        let containers = cx.delivery[id].containers.iter().map(|&id| &cx.delivery[id]);
        let open = containers.clone().find_map(|container| container.open);
        let any = containers.into_iter().any(|c| !datastores::awaited(cx, c).is_empty());
        match open {
            Some((why, at)) if !any => Fact::Unknown(why, Some(at)),
            _ => Fact::inferred(any, None),
        }
    },
};

/// A container of the service is given secrets, as variables or as files.
pub static GETS_SECRETS: Condition = Condition {
    name: "is given secrets",
    holds: |cx, subject| {
        let id = match subject {
            Subject::Service(id) => id,
            // Asked of each container by the check itself.
            Subject::Repository => return Fact::inferred(true, None),
            _ => return Fact::inferred(false, None),
        };
        let service = &cx.delivery[id];
        let containers: Vec<_> = service.containers.iter().map(|&id| &cx.delivery[id]).collect();
        let gets = |container: &&Container| {
            !delivered::secrets(cx, container).is_empty()
                || !delivered::as_variables(container).is_empty()
        };
        if containers.iter().any(gets) {
            return Fact::inferred(true, None);
        }
        if containers.is_empty() {
            return has_descriptor(cx, id);
        }
        let open = |container: &&Container| {
            container.open.or_else(|| delivered::unread_variables(container))
        };
        match containers.iter().find_map(open) {
            Some((why, at)) => Fact::Unknown(why, Some(at)),
            None => Fact::inferred(false, None),
        }
    },
};

/// What the service starts runs on Node, Bun or Deno.
pub static RUNS_ON_NODE: Condition = Condition {
    name: "runs on Node.js",
    holds: |cx, subject| {
        let Subject::Service(id) = subject else { return Fact::inferred(false, None) };
        let package = cx.delivery[id].package.map(|id| &cx.delivery[id]);
        let starts = startup::starts(cx, subject);
        let on: Vec<Option<bool>> =
            starts.iter().map(|start| startup::runs_node(start, package)).collect();
        match starts.iter().zip(&on).find(|(_, on)| on.is_none()) {
            Some((start, _)) if !on.contains(&Some(true)) => {
                let root = start.image.target.and_then(|target| start.image.root_base(target));
                Fact::Unknown(Why::NeedsNetwork, root.map(|stage| stage.base_span))
            }
            _ => Fact::inferred(on.contains(&Some(true)), None),
        }
    },
};

/// The image that is built takes part of itself from an earlier stage.
pub static HAS_SEVERAL_STAGES: Condition = Condition {
    name: "is built in several stages",
    holds: |cx, subject| {
        let Subject::Image(id) = subject else { return Fact::inferred(false, None) };
        if cx.delivery[id].stages_built().len() > 1 {
            return Fact::inferred(true, None);
        }
        unless_broken(cx, subject, some_stage(cx, subject, |_| false))
    },
};

/// What a script of the repository does is not read: where one is run.
fn runs_script(effects: &[(&Step, &Effect)]) -> Option<Fact<bool>> {
    effects.iter().find_map(|(_, effect)| {
        let EffectKind::Other(words) = &effect.kind else { return None };
        let program = words.first()?;
        let shell = matches!(program.rsplit('/').next(), Some("sh" | "bash" | "ash" | "source"));
        let script = if shell { words.get(1).filter(|w| !w.starts_with('-'))? } else { program };
        let is_script = script.ends_with(".sh") || script.starts_with("./");
        is_script.then_some(Fact::Unknown(Why::Unsupported, Some(effect.span)))
    })
}

/// Whether a COPY or ADD reads the build context.
pub(crate) fn reads_context(copy: &Copy) -> bool {
    copy.from == CopyFrom::Context && copy.sources.iter().any(|source| !source.remote)
}

/// What a Dockerfile does not say is not known when it does not parse.
fn unless_broken(cx: &Cx<'_>, subject: Subject, fact: Fact<bool>) -> Fact<bool> {
    match subject {
        Subject::Image(id) if cx.delivery[id].broken && fact.known() == Some(&false) => {
            Fact::Unknown(Why::Unparsed, Some(cx.start_of(cx.delivery[id].file)))
        }
        _ => fact,
    }
}

/// Whether a stage that is built is so; not known where no FROM can be read.
fn some_stage(cx: &Cx<'_>, subject: Subject, holds: fn(&Stage) -> bool) -> Fact<bool> {
    let Subject::Image(id) = subject else { return Fact::inferred(false, None) };
    let image = &cx.delivery[id];
    if image.stages.is_empty() {
        return Fact::Unknown(Why::Unparsed, Some(cx.start_of(image.file)));
    }
    let mut built = image.stages_built().into_iter().filter_map(|index| image.stages.get(index));
    Fact::inferred(built.any(holds), None)
}

/// There is something to audit: a file that takes part in delivery was read, or could not be.
pub static DELIVERS: Condition = Condition {
    name: "builds, ships or runs anything",
    holds: |cx, _| {
        let delivery = cx.delivery;
        Fact::inferred(!delivery.read.is_empty() || !delivery.problems.is_empty(), None)
    },
};

/// The service runs all the time: it is no batch job.
pub static RUNS_AS_A_SERVICE: Condition = Condition {
    name: "runs as a service",
    holds: |cx, subject| {
        let id = match subject {
            Subject::Service(id) => id,
            // Asked of each container by the check itself.
            Subject::Repository => return Fact::inferred(true, None),
            _ => return Fact::inferred(false, None),
        };
        Fact::inferred(!crate::health::deployments(cx, cx.service(id)).is_empty(), None)
    },
};

/// A health check is in effect that Dockerfile or compose file defines.
pub static HAS_HEALTHCHECK: Condition = Condition {
    name: "defines a HEALTHCHECK",
    holds: |cx, subject| {
        let Subject::Service(id) = subject else { return Fact::inferred(false, None) };
        let service = cx.service(id);
        if !crate::health::settable(cx, service).is_empty() {
            return Fact::inferred(true, None);
        }
        // Kubernetes runs none, whatever the image has.
        let engines = crate::health::deployments(cx, service);
        let hidden =
            engines.iter().filter(|d| !d.is_kubernetes()).find_map(|d| d.hidden(cx, service));
        // Charts, manifests and Terraform set no HEALTHCHECK.
        let unread = service.service.unread.first().map(|&file| cx.start_of(file));
        match hidden {
            Some((Why::Unsupported, _, at)) if Some(at) == unread => {
                match cx.delivery.tree.outside() {
                    Some(_) => Fact::Unknown(Why::OutOfTree, None),
                    None => Fact::inferred(false, None),
                }
            }
            Some((why, _, at)) => Fact::Unknown(why, Some(at)),
            None => Fact::inferred(false, None),
        }
    },
};

/// A descriptor that is not read, or that may lie outside the audited tree, may deploy it.
fn has_descriptor(cx: &Cx<'_>, id: plimsoll_model::ServiceId) -> Fact<bool> {
    let service = &cx.delivery[id];
    match service.unread.first() {
        _ if !service.containers.is_empty() => Fact::inferred(true, None),
        Some(&file) => Fact::Unknown(Why::Unsupported, Some(cx.start_of(file))),
        None if cx.delivery.tree.outside().is_some() => Fact::Unknown(Why::OutOfTree, None),
        None => Fact::inferred(false, None),
    }
}

/// The image (or what deploys it) says what to run; a base that is not known may.
pub static STARTS_A_PROCESS: Condition = Condition {
    name: "starts a process",
    holds: |cx, subject| {
        let starts = startup::starts(cx, subject);
        let any = starts.iter().any(|start| {
            let (entrypoint, command) = entrypoint::commands(start.image, start.container);
            let stage = start.image.final_stage();
            let unknown = stage.is_none_or(|stage| stage.config.base_unknown);
            entrypoint.is_some() || command.is_some() || unknown
        });
        Fact::inferred(any, None)
    },
};

/// Some deployment of the service is no batch job.
pub static SERVES: Condition = Condition {
    name: "runs as a server",
    holds: |cx, subject| Fact::inferred(!startup::servers(cx, subject).is_empty(), None),
};

/// Some image that runs has a base that an init could come from.
pub static HAS_A_SYSTEM: Condition = Condition {
    name: "runs on a base that an init can be installed in",
    holds: |cx, subject| {
        let starts = startup::starts(cx, subject);
        Fact::inferred(starts.iter().any(|start| !startup::is_scratch(start.image)), None)
    },
};

/// A script (or a shell line) does something before the process starts.
pub static STARTS_BY_A_SCRIPT: Condition = Condition {
    name: "starts by a script",
    holds: |cx, subject| {
        let starts = startup::starts(cx, subject);
        let startups: Vec<_> = starts.iter().filter_map(|start| start.startup()).collect();
        if startups.iter().any(|s| s.script.is_some() || !s.before.is_empty()) {
            return Fact::inferred(true, None);
        }
        match startups.iter().find_map(|startup| startup.unknown) {
            Some((why, at)) => Fact::Unknown(why, Some(at)),
            None => Fact::inferred(false, startups.first().map(|startup| startup.at)),
        }
    },
};

/// The image's process does not start as root.
pub static HAS_ITS_OWN_USER: Condition = Condition {
    name: "runs as another user than root",
    holds: |cx, subject| {
        let Subject::Image(id) = subject else { return Fact::inferred(false, None) };
        let image = &cx.delivery[id];
        let Some(runs_as) = image.target.and_then(|stage| user::runs_as(image, stage)) else {
            return Fact::Unknown(Why::Unparsed, Some(cx.start_of(image.file)));
        };
        match runs_as.who {
            Who::Root => Fact::inferred(false, Some(runs_as.at)),
            Who::Unknown(why, at) => Fact::Unknown(why, Some(at)),
            _ => Fact::inferred(true, Some(runs_as.at)),
        }
    },
};

/// The Dockerfile itself has ENTRYPOINT or CMD.
pub static SETS_A_COMMAND: Condition = Condition {
    name: "sets ENTRYPOINT or CMD",
    holds: |cx, subject| {
        let Subject::Image(id) = subject else { return Fact::inferred(false, None) };
        let image = &cx.delivery[id];
        let Some(stage) = image.target else {
            return Fact::Unknown(Why::Unparsed, Some(cx.start_of(image.file)));
        };
        let sets = |step: &&Step| {
            let keyword = image.instruction(step).map(|instruction| instruction.keyword);
            matches!(keyword, Some(Keyword::Entrypoint | Keyword::Cmd))
        };
        let found = image.steps_with_bases(stage).into_iter().find(sets);
        Fact::inferred(found.is_some(), found.map(|step| step.span))
    },
};

/// Configuration or secrets of the host are mounted into a container.
pub static BINDS_CONFIGURATION: Condition = Condition {
    name: "bind-mounts configuration or secrets",
    holds: |cx, subject| {
        let Subject::Service(id) = subject else { return Fact::inferred(false, None) };
        let service = &cx.delivery[id];
        let mut mounts = service.containers.iter().flat_map(|&c| &cx.delivery[c].mounts);
        Fact::inferred(mounts.any(startup::is_configuration), None)
    },
};

/// A compose file deploys the service.
pub static IN_COMPOSE: Condition = Condition {
    name: "is deployed by a compose file",
    holds: |cx, subject| {
        let is_compose = |c: &Container| matches!(c.kind, ContainerKind::Compose { .. });
        let id = match subject {
            Subject::Service(id) => id,
            Subject::Container(id) => return Fact::inferred(is_compose(&cx.delivery[id]), None),
            Subject::Repository => {
                let known = cx.delivery.containers.iter().any(is_compose);
                return Fact::inferred(known, None);
            }
            Subject::Image(_) | Subject::Script(_) => return Fact::inferred(false, None),
        };
        let service = &cx.delivery[id];
        let mut containers = service.containers.iter().map(|&id| &cx.delivery[id]);
        if containers.any(|c| matches!(c.kind, ContainerKind::Compose { .. })) {
            Fact::inferred(true, None)
        } else if service.containers.is_empty() && cx.delivery.tree.outside().is_some() {
            Fact::Unknown(Why::OutOfTree, Some(service.place))
        } else {
            Fact::inferred(false, None)
        }
    },
};

/// A container of the service gets secrets as files.
pub static MOUNTS_SECRET_FILES: Condition = Condition {
    name: "mounts or reads a file of secrets",
    holds: |cx, subject| {
        let Subject::Service(id) = subject else { return Fact::inferred(false, None) };
        let service = &cx.delivery[id];
        let containers: Vec<_> = service.containers.iter().map(|&id| &cx.delivery[id]).collect();
        if containers.iter().any(|container| !crate::delivered::secrets(cx, container).is_empty()) {
            return Fact::inferred(true, None);
        }
        if let Some((why, at)) = containers.iter().find_map(|container| container.open) {
            return Fact::Unknown(why, Some(at));
        }
        // A variable that points to a file of secrets which nothing mounts.
        let reads = containers.iter().flat_map(|container| &container.env).find(|var| {
            let file = ["_FILE", "_PATH"].iter().find_map(|end| var.name.strip_suffix(end));
            let path = matches!(&var.value, EnvValue::Literal(text) if text.starts_with('/'));
            path && file.is_some_and(|name| is_secret_name(name) || names_secret_file(name))
        });
        match (reads, service.unread.first()) {
            (Some(var), _) => Fact::Unknown(Why::NeedsRun, Some(var.span)),
            (None, Some(&file)) if containers.is_empty() => {
                Fact::Unknown(Why::Unsupported, Some(cx.start_of(file)))
            }
            _ if containers.is_empty() && cx.delivery.tree.outside().is_some() => {
                Fact::Unknown(Why::OutOfTree, Some(service.place))
            }
            _ => Fact::inferred(false, None),
        }
    },
};

/// The service's package, where it is one of Node's.
fn node_package<'a>(cx: &Cx<'a>, subject: Subject) -> Option<&'a Package> {
    let Subject::Service(id) = subject else { return None };
    let package = &cx.delivery[cx.delivery[id].package?];
    package.is_node().then_some(package)
}

/// The service's package, whatever its language.
fn package<'a>(cx: &Cx<'a>, subject: Subject) -> Option<&'a Package> {
    let Subject::Service(id) = subject else { return None };
    Some(&cx.delivery[cx.delivery[id].package?])
}

/// What holds of a package by its ecosystem; one that is not read may be anything.
fn by_ecosystem(cx: &Cx<'_>, subject: Subject, holds: impl Fn(&Package) -> bool) -> Fact<bool> {
    match package(cx, subject) {
        None => Fact::inferred(false, None),
        Some(package) if package.ecosystem == Ecosystem::Other => {
            Fact::Unknown(Why::Unsupported, Some(package.place))
        }
        Some(package) if package.is_node() => match (IS_NODE_PACKAGE.holds)(cx, subject) {
            Fact::Known { value: true, .. } => Fact::inferred(holds(package), Some(package.place)),
            other => other,
        },
        Some(package) => Fact::inferred(holds(package), Some(package.place)),
    }
}

/// It has a manifest: `package.json`, `pyproject.toml`, `go.mod` …
pub static HAS_PACKAGE: Condition = Condition {
    name: "has a manifest of a package",
    holds: |cx, subject| by_ecosystem(cx, subject, |_| true),
};

/// Its manifest is what says how to build and clean it. Compilers of other languages do it by
/// themselves, and the rest is not compiled.
pub static BUILDS_BY_A_SCRIPT: Condition = Condition {
    name: "is built and cleaned by scripts of its manifest",
    holds: |cx, subject| by_ecosystem(cx, subject, Package::is_node),
};

/// Its toolchain has no linter: `go vet`, `cargo clippy` and the analyzers of .NET are there.
pub static LINTS_BY_A_TOOL: Condition = Condition {
    name: "needs a linter besides its toolchain",
    holds: |cx, subject| {
        by_ecosystem(cx, subject, |package| {
            !matches!(package.ecosystem, Ecosystem::Go | Ecosystem::Rust | Ecosystem::Dotnet)
        })
    },
};

/// Its toolchain does not measure coverage, as `go test -cover` does.
pub static MEASURES_BY_A_TOOL: Condition = Condition {
    name: "needs a tool that measures coverage",
    holds: |cx, subject| by_ecosystem(cx, subject, |p| p.ecosystem != Ecosystem::Go),
};

/// It says types that no compiler looks at: TypeScript, annotations of Python; of PHP and Ruby,
/// where a checker is declared.
pub static HAS_TYPES_TO_CHECK: Condition = Condition {
    name: "has types that only a checker looks at",
    holds: |cx, subject| {
        if node_package(cx, subject).is_some() {
            return (HAS_TYPESCRIPT.holds)(cx, subject);
        }
        by_ecosystem(cx, subject, |package| match package.ecosystem {
            Ecosystem::Python => crate::toolchain::annotated(cx, package).is_some(),
            Ecosystem::Php | Ecosystem::Ruby => {
                let checkers = [
                    "phpstan/phpstan",
                    "larastan/larastan",
                    "vimeo/psalm",
                    "sorbet",
                    "sorbet-runtime",
                    "steep",
                ];
                package.any_dependency(&checkers).is_some()
            }
            _ => false,
        })
    },
};

/// Its registry marks packages as deprecated, abandoned or withdrawn. Those of Python, Ruby and Java
/// have no such mark, and Go's stands in a later version of the module, which no lockfile lists.
pub static HAS_DEPRECATIONS: Condition = Condition {
    name: "has a registry that marks packages as deprecated",
    holds: |cx, subject| {
        by_ecosystem(cx, subject, |package| {
            matches!(
                package.ecosystem,
                Ecosystem::Node | Ecosystem::Php | Ecosystem::Rust | Ecosystem::Dotnet
            )
        })
    },
};

/// Has a `package.json`; one that only holds tools, beside a program in another language, does not
/// make it one: then the base of the image decides.
pub static IS_NODE_PACKAGE: Condition = Condition {
    name: "is a Node.js package",
    holds: |cx, subject| {
        let Some(package) = node_package(cx, subject) else { return Fact::inferred(false, None) };
        let of_others = || {
            let all = cx.delivery.packages.iter().filter(|package| !package.is_node());
            Arc::new(all.map(|package| package.dir.clone()).collect())
        };
        let others = cx.once(|once| &once.of_others, of_others).contains(&package.dir);
        let Subject::Service(id) = subject else { return Fact::inferred(false, None) };
        let on_node = cx.delivery[id].images.iter().any(|&image| {
            let image = &cx.delivery[image];
            let base = image.target.and_then(|target| image.root_base(target));
            base.and_then(|stage| crate::bases::named(image, stage))
                .is_some_and(|base| base.name.contains("node") || base.name == "bun")
        });
        Fact::inferred(!others || on_node, Some(package.place))
    },
};

/// Whether git tracks, or would, a file below a package's directory whose name ends so.
fn has_source(cx: &Cx<'_>, package: &Package, ends: &[&str]) -> bool {
    let tree = &cx.delivery.tree;
    tree.under(&package.dir).take(50_000).any(|file| {
        let path = tree.path(file);
        ends.iter().any(|end| path.ends_with(end))
            && !path.ends_with(".d.ts")
            && !path.contains("node_modules/")
    })
}

/// Its sources are TypeScript, or it says so.
pub static HAS_TYPESCRIPT: Condition = Condition {
    name: "is written in TypeScript",
    holds: |cx, subject| {
        let Some(package) = node_package(cx, subject) else { return Fact::inferred(false, None) };
        let holds = package.typescript.is_some()
            || package.dependency("typescript").is_some()
            || package.scripts.iter().any(|script| script.command.contains("tsc"))
            || has_source(cx, package, &[".ts", ".tsx", ".mts", ".cts", "tsconfig.json"]);
        Fact::inferred(holds, Some(package.place))
    },
};

/// Something compiles or bundles it: a script, a compiler, sources that Node does not run.
pub static IS_COMPILED: Condition = Condition {
    name: "is compiled or bundled",
    holds: |cx, subject| {
        const TOOLS: [&str; 13] = [
            "@angular/cli",
            "@babel/cli",
            "@nestjs/cli",
            "@swc/cli",
            "esbuild",
            "next",
            "nuxt",
            "parcel",
            "rollup",
            "tsup",
            "typescript",
            "vite",
            "webpack",
        ];
        let Some(package) = node_package(cx, subject) else { return Fact::inferred(false, None) };
        let Subject::Service(id) = subject else { return Fact::inferred(false, None) };
        let builds = cx.delivery[id].images.iter().map(|&image| &cx.delivery[image]).any(|image| {
            let mut stages = image.stages_built().into_iter();
            stages.any(|stage| {
                let mut effects = image.effects(stage).into_iter();
                effects.any(|(_, effect)| matches!(effect.kind, EffectKind::Build { .. }))
            })
        });
        let holds = builds
            || package.typescript.is_some()
            || package.scripts.iter().any(|script| {
                script.name.starts_with("build") || script.name.starts_with("compile")
            })
            || TOOLS.iter().any(|tool| package.dependency(tool).is_some())
            || has_source(
                cx,
                package,
                &[".ts", ".tsx", ".jsx", ".vue", ".svelte", "tsconfig.json"],
            );
        Fact::inferred(holds, Some(package.place))
    },
};

/// An install there reads a lockfile.
pub static HAS_LOCKFILE: Condition = Condition {
    name: "has a lockfile",
    holds: |cx, subject| {
        let package = package(cx, subject);
        let place = package.map(|package| package.place);
        Fact::inferred(package.is_some_and(|package| package.lockfile.is_some()), place)
    },
};

/// Some dependency is a directory of the repository (or beyond), not a release.
pub static HAS_LOCAL_DEPENDENCIES: Condition = Condition {
    name: "depends on local packages",
    holds: |cx, subject| {
        let package = package(cx, subject);
        let place = package.map(|package| package.place);
        let has = package.is_some_and(|p| p.dependencies.iter().any(is_local));
        Fact::inferred(has, place)
    },
};

/// Whether a dependency is a directory: not a release, and not a tarball.
pub(crate) fn is_local(dependency: &Dependency) -> bool {
    let tarball = [".tgz", ".tar.gz", ".tar"];
    dependency.local.is_some()
        || dependency.is_link() && !tarball.iter().any(|end| dependency.requirement.ends_with(end))
}

/// There are migrations.
pub static HAS_MIGRATIONS: Condition = Condition {
    name: "has database migrations",
    holds: |cx, subject| {
        let Subject::Service(id) = subject else { return Fact::inferred(false, None) };
        let migrations = cx.delivery[id].migrations.map(|id| &cx.delivery[id]);
        Fact::inferred(migrations.is_some(), migrations.map(|migrations| migrations.at))
    },
};

/// It has migrations, a script for them, or a library for an SQL database.
pub static USES_A_DATABASE: Condition = Condition {
    name: "uses an SQL database",
    holds: |cx, subject| {
        const LIBRARIES: [&str; 22] = [
            "@mikro-orm/core",
            "@prisma/client",
            "better-sqlite3",
            "bookshelf",
            "db-migrate",
            "drizzle-orm",
            "knex",
            "kysely",
            "mariadb",
            "mssql",
            "mysql",
            "mysql2",
            "node-pg-migrate",
            "objection",
            "oracledb",
            "pg",
            "pg-promise",
            "postgres",
            "prisma",
            "sequelize",
            "sqlite3",
            "typeorm",
        ];
        let migrations = (HAS_MIGRATIONS.holds)(cx, subject);
        let Some(package) = node_package(cx, subject) else { return migrations };
        let holds = migrations.known() == Some(&true)
            || package.scripts.iter().any(|script| script.name.contains("migrat"))
            || LIBRARIES.iter().any(|library| package.dependency(library).is_some());
        Fact::inferred(holds, Some(package.place))
    },
};

/// A command before the application migrates a database.
pub static MIGRATES_AT_START: Condition = Condition {
    name: "migrates a database in its entrypoint",
    holds: |cx, subject| {
        let Subject::Service(id) = subject else { return Fact::inferred(false, None) };
        crate::migrating::at_start(cx, cx.service(id))
    },
};

/// A shell script is there: what a service enters by or has below its directory, or one of no
/// service.
pub static HAS_SHELL_SCRIPTS: Condition = Condition {
    name: "has a shell script",
    holds: |cx, subject| {
        let path = |program: &plimsoll_model::script::Program| cx.path(program.file);
        let programs = match subject {
            Subject::Service(id) => {
                let entered = startup::starts(cx, subject)
                    .iter()
                    .any(|start| start.startup().is_some_and(|startup| startup.script.is_some()));
                if entered {
                    return Fact::inferred(true, None);
                }
                owner::of_service(cx, cx.service(id), &cx.delivery.programs, path)
            }
            _ => owner::of_none(cx, &cx.delivery.programs, path),
        };
        let mut scripts = programs.iter().filter(|program| program.target.is_none());
        Fact::inferred(scripts.any(|program| program.purpose.is_production()), None)
    },
};

/// Its manifest has scripts.
pub static HAS_PACKAGE_SCRIPTS: Condition = Condition {
    name: "has scripts in its package.json",
    holds: |cx, subject| {
        let package = node_package(cx, subject);
        let has = package.is_some_and(|package| package.broken || !package.scripts.is_empty());
        Fact::inferred(has, package.map(|package| package.place))
    },
};

/// A configuration of Jest sets thresholds for coverage, or means to.
pub static SETS_COVERAGE_THRESHOLDS: Condition = Condition {
    name: "sets a threshold for coverage in a configuration of Jest",
    holds: |cx, subject| {
        let package = node_package(cx, subject);
        let sets = package.is_some_and(|package| !package.thresholds.is_empty());
        Fact::inferred(sets, package.map(|package| package.place))
    },
};

/// A pipeline is there that could run; a service is always asked for one.
pub static HAS_PIPELINES: Condition = Condition {
    name: "holds a pipeline",
    holds: |cx, subject| match subject {
        Subject::Service(_) => Fact::inferred(true, None),
        _ => {
            let mut pipelines = cx.delivery.pipelines.iter();
            let has = pipelines.any(|pipeline| {
                pipeline.forge != Forge::GitHubAction
                    && Purpose::of_path(cx.path(pipeline.file)).is_production()
            });
            Fact::inferred(has, None)
        }
    },
};

/// A pipeline is there that a forge runs.
pub static RUNS_PIPELINES: Condition = Condition {
    name: "is a pipeline that a forge runs",
    holds: |cx, _| {
        let mut pipelines = cx.delivery.pipelines.iter();
        let runs = pipelines.any(|pipeline| {
            pipeline.forge != Forge::GitHubAction
                && !matches!(pipeline.runs, plimsoll_model::pipeline::Runs::No(_))
                && Purpose::of_path(cx.path(pipeline.file)).is_production()
        });
        Fact::inferred(runs, None)
    },
};

/// A workflow of GitHub Actions is there that runs.
pub static RUNS_WORKFLOWS: Condition = Condition {
    name: "is a workflow of GitHub Actions that runs",
    holds: |cx, _| Fact::inferred(crate::workflows::github(cx).next().is_some(), None),
};

/// A workflow of GitHub Actions that the forge runs is there, or an action that others may run.
pub static HAS_WORKFLOWS_OR_ACTIONS: Condition = Condition {
    name: "is a workflow of GitHub Actions that runs, or an action",
    holds: |cx, _| {
        let mut all = crate::workflows::live(cx);
        let any = all.any(|pipeline| match pipeline.forge {
            Forge::GitHub => true,
            Forge::GitHubAction => pipeline.jobs.iter().any(|job| !job.steps.is_empty()),
            _ => false,
        });
        Fact::inferred(any, None)
    },
};

/// A workflow or an action of the repository uses an action or a workflow of another.
pub static USES_ACTIONS: Condition = Condition {
    name: "is an action of others that a workflow uses",
    holds: |cx, _| {
        let jobs = crate::workflows::live(cx).flat_map(|pipeline| &pipeline.jobs);
        let mut uses = jobs.flat_map(|job| &job.steps).filter_map(|step| step.uses.as_ref());
        Fact::inferred(uses.any(|(uses, _)| !uses.starts_with("./") && uses != "."), None)
    },
};

/// A pipeline of GitLab's is there that runs.
pub static RUNS_GITLAB: Condition = Condition {
    name: "is a pipeline of GitLab's that runs",
    holds: |cx, _| {
        let mut started = crate::workflows::started(cx);
        let gitlab = plimsoll_model::pipeline::Forge::GitLab;
        Fact::inferred(started.any(|pipeline| pipeline.forge == gitlab), None)
    },
};

/// A pipeline of GitLab's takes something in from elsewhere.
pub static INCLUDES_GITLAB: Condition = Condition {
    name: "is something that a pipeline of GitLab's includes from elsewhere",
    holds: |cx, _| {
        let mut started = crate::workflows::started(cx);
        let gitlab = plimsoll_model::pipeline::Forge::GitLab;
        let includes = started.any(|p| p.forge == gitlab && !p.unread.is_empty());
        Fact::inferred(includes, None)
    },
};

/// A job runs in a container, or has one beside it.
pub static RUNS_IN_CONTAINERS: Condition = Condition {
    name: "is an image that a job runs in or beside",
    holds: |cx, _| {
        let mut jobs = crate::workflows::started(cx).flat_map(|pipeline| &pipeline.jobs);
        Fact::inferred(jobs.any(|job| job.containers.iter().any(|c| c.image.is_some())), None)
    },
};

/// A pipeline runs a test, a linter or a scan.
pub static RUNS_GATES: Condition = Condition {
    name: "is a test, a linter or a scan that a pipeline runs",
    holds: |cx, _| {
        use plimsoll_model::pipeline::RoleKind as K;
        let gate = |kind: K| {
            matches!(
                kind,
                K::Test
                    | K::Lint
                    | K::Typecheck
                    | K::ScanImage { .. }
                    | K::ScanFiles
                    | K::ScanSecrets
            )
        };
        let mut steps = crate::workflows::steps(crate::workflows::started(cx));
        let runs = steps.any(|(.., step)| {
            !step.lost.is_empty() || step.roles.iter().any(|role| gate(role.kind))
        });
        Fact::inferred(runs, None)
    },
};

/// A pipeline runs pytest.
pub static RUNS_PYTEST: Condition = Condition {
    name: "is a pipeline that runs pytest",
    holds: |cx, _| {
        let mut steps = crate::workflows::steps(crate::workflows::started(cx));
        let runs = steps.any(|(.., step)| {
            step.roles.iter().any(|role| role.words.iter().any(|word| word.ends_with("pytest")))
        });
        Fact::inferred(runs, None)
    },
};

/// A pipeline builds images.
pub static PIPELINES_BUILD_IMAGES: Condition = Condition {
    name: "is an image that a pipeline builds",
    holds: |cx, _| Fact::inferred(!crate::ci_builds::all(cx).is_empty(), None),
};

/// The repository builds images for production, and a pipeline of it runs.
pub static PUBLISHES_OR_COULD: Condition = Condition {
    name: "is an image for production beside a pipeline",
    holds: |cx, _| {
        let pipeline = crate::workflows::started(cx).next().is_some();
        let mut services = cx.delivery.services.iter();
        let builds = services.any(|s| s.purpose.is_production() && !s.images.is_empty());
        Fact::inferred(pipeline && builds, None)
    },
};

/// Compose files or configurations of proxies are there, and a pipeline that could look at them.
pub static HAS_CHECKABLE_CONFIGS: Condition = Condition {
    name: "is a compose file or a proxy's configuration beside a pipeline",
    holds: |cx, _| {
        let pipeline = crate::workflows::started(cx).next().is_some();
        let configs = || !crate::checks::pipeline::configs(cx).is_empty();
        Fact::inferred(pipeline && configs(), None)
    },
};

/// It has migrations, or migrates when it starts; of the repository: a script of no service does.
pub static MIGRATES_ANYWHERE: Condition = Condition {
    name: "migrates a database",
    holds: |cx, subject| match subject {
        Subject::Service(id) => {
            let has = (HAS_MIGRATIONS.holds)(cx, subject);
            if has.known() == Some(&true) {
                return has;
            }
            // That a start cannot be followed says nothing of a database.
            let starts = crate::migrating::at_start(cx, cx.service(id));
            if starts.known().is_some() { starts } else { has }
        }
        _ => {
            let path = |program: &plimsoll_model::script::Program| cx.path(program.file);
            let programs = owner::of_none(cx, &cx.delivery.programs, path);
            let mut roles = programs
                .iter()
                .filter(|program| program.purpose.is_production())
                .flat_map(|program| &program.roles);
            let migrate = plimsoll_model::pipeline::RoleKind::Migrate;
            Fact::inferred(roles.any(|role| role.kind == migrate), None)
        }
    },
};

/// Its newest migration can be undone.
pub static CAN_UNDO_MIGRATIONS: Condition = Condition {
    name: "has migrations that can be undone",
    holds: |cx, subject| {
        use plimsoll_model::rollback::{Undoing, newest};
        let Subject::Service(id) = subject else { return Fact::inferred(false, None) };
        let Some(migrations) = cx.delivery[id].migrations.map(|id| &cx.delivery[id]) else {
            return Fact::inferred(false, None);
        };
        let newest = newest(cx.delivery, migrations);
        let impossible = matches!(newest, Some((_, Undoing::Impossible)));
        Fact::inferred(!impossible, Some(migrations.at))
    },
};

/// A script or target that deploys by its name, a Makefile whose targets run scripts, or a list of a
/// process manager.
pub static HAS_DEPLOY_SCRIPTS: Condition = Condition {
    name: "deploys by a script, a Makefile or a process manager",
    holds: |cx, subject| Fact::inferred(!crate::deploying::verdicts(cx, subject).is_empty(), None),
};

/// The program ends its own stop after a time.
pub static LIMITS_ITS_STOP: Condition = Condition {
    name: "limits the time of its own stop",
    holds: |cx, subject| {
        let mut doubt = None;
        if let Subject::Service(id) = subject
            && let Ok(code) = program::code(cx.service(id))
        {
            doubt = code.handlers.iter().find_map(|handler| handler.unknown);
        }
        let limited = program::some(cx, subject, |code| {
            code.handlers.iter().find_map(|handler| handler.timeout.as_ref().map(|t| t.at))
        });
        match (limited.known(), doubt) {
            (Some(false), Some((why, at))) => Fact::Unknown(why, Some(at)),
            _ => limited,
        }
    },
};

/// A health check or probe looks at the service.
pub static IS_PROBED: Condition = Condition {
    name: "has its health probed",
    holds: |cx, subject| {
        let Subject::Service(id) = subject else { return Fact::inferred(false, None) };
        let service = cx.service(id);
        let deployments = crate::health::deployments(cx, service);
        if let Some(health) = deployments.iter().find_map(|d| d.asked(cx).into_iter().next()) {
            return Fact::inferred(true, Some(health.span));
        }
        match deployments.iter().find_map(|d| d.hidden(cx, service)) {
            Some((why, _, at)) => Fact::Unknown(why, Some(at)),
            None => Fact::inferred(false, None),
        }
    },
};

/// The program opens a connection to a store or a broker when it starts.
pub static CONNECTS_AT_START: Condition = Condition {
    name: "connects to a backing service when it starts",
    holds: |cx, subject| {
        program::some(cx, subject, |code| {
            code.opens.iter().find(|open| program::is_backing(open)).map(|open| open.at)
        })
    },
};

/// The program reads secrets, or variables that it does not run without.
pub static NEEDS_ENVIRONMENT: Condition = Condition {
    name: "reads secrets or required variables from its environment",
    holds: |cx, subject| {
        program::some_or(cx, subject, program::gap_of_environment, |code| {
            code.environment.iter().find(|read| program::is_needed(read)).map(|read| read.at)
        })
    },
};

/// The program imports packages.
pub static IMPORTS_PACKAGES: Condition = Condition {
    name: "imports packages",
    holds: |cx, subject| {
        program::some_or(cx, subject, program::gap_of_imports, |code| {
            code.imports.first().map(|import| import.at)
        })
    },
};

/// What it imports is looked up when it runs: what a compiler looks up is there, or there is no
/// image.
pub static LOADS_ITS_IMPORTS: Condition = Condition {
    name: "loads its imports when it runs",
    holds: |cx, subject| {
        let Subject::Service(id) = subject else { return Fact::inferred(false, None) };
        let service = &cx.delivery[id];
        if let Some(code) = &service.code {
            return Fact::inferred(!code.is_plain(), code.entry.span());
        }
        let package = service.package.map(|id| cx.delivery[id].ecosystem);
        let images = service.images.iter().map(|&id| &cx.delivery[id]);
        let built = || images.clone().flat_map(|image| image.languages()).next();
        let compiled = [Ecosystem::Go, Ecosystem::Rust, Ecosystem::Java, Ecosystem::Dotnet];
        let language = package.or_else(built);
        Fact::inferred(language.is_none_or(|one| !compiled.contains(&one)), None)
    },
};

/// The program, or the configuration of its migrations, connects to a database.
pub static CONFIGURES_A_DATABASE: Condition = Condition {
    name: "configures a connection to a database",
    holds: |cx, subject| {
        let Subject::Service(id) = subject else { return Fact::inferred(false, None) };
        let migrations = cx.delivery[id].migrations.map(|id| &cx.delivery[id]);
        if let Some(file) = migrations.and_then(|migrations| migrations.config) {
            return Fact::inferred(true, Some(cx.start_of(file)));
        }
        program::some(cx, subject, |code| {
            let mut opens = code.opens.iter();
            opens.find(|open| program::is_database(open)).map(|open| open.at)
        })
    },
};

/// A command of the script itself, or of any where the repository is asked.
fn any_command(
    cx: &Cx<'_>,
    subject: Subject,
    is_one: impl Fn(&Flow, &Command) -> bool,
) -> Fact<bool> {
    let find = |program: &Program| {
        let flow = &program.flow;
        let mut commands = flow.commands.iter().filter(|command| !flow.is_aside(command));
        commands.find(|command| is_one(flow, command)).map(|command| command.span)
    };
    let found = match subject {
        Subject::Script(id) => find(&cx.delivery[id]),
        Subject::Repository => cx.operational_scripts().find_map(|script| find(&script)),
        _ => None,
    };
    Fact::inferred(found.is_some(), found)
}

/// A script takes data out of a database and keeps it.
pub static BACKS_UP: Condition = Condition {
    name: "backs up data",
    holds: |cx, subject| any_command(cx, subject, data::is_dump),
};

/// A script reads a dump into a database.
pub static RESTORES: Condition = Condition {
    name: "restores a database",
    holds: |cx, subject| any_command(cx, subject, data::loads),
};

/// A script drops a database.
pub static DROPS_DATABASE: Condition = Condition {
    name: "drops a database",
    holds: |cx, subject| {
        any_command(cx, subject, |flow, command| data::drops_database(flow, command).is_some())
    },
};

/// A script sends backups to another place.
pub static SENDS_BACKUPS: Condition = Condition {
    name: "sends backups away",
    holds: |cx, subject| {
        let Subject::Script(id) = subject else { return Fact::inferred(false, None) };
        let about = scripts::is_about_backups(cx, &cx.delivery[id]);
        let names = |text: &str| ["backup", "dump", "snapshot"].iter().any(|w| text.contains(w));
        any_command(cx, subject, |flow, command| {
            let upload = data::upload(flow, command);
            upload.is_some_and(|u| about || u.from.is_some_and(names))
                && !data::comes_back(flow, command)
        })
    },
};

/// A script sets up recovery to a point in time.
pub static RECOVERS: Condition = Condition {
    name: "recovers a database to a point in time",
    holds: |cx, subject| {
        any_command(cx, subject, |flow, command| {
            data::statements(flow, command).any(|(text, _)| {
                ["recovery.signal", "restore_command", "recovery_target"]
                    .iter()
                    .any(|word| text.contains(word))
            })
        })
    },
};

/// A script counts where `set -e` holds.
pub static COUNTS: Condition = Condition {
    name: "counts by `((…))` under `set -e`",
    holds: |cx, subject| {
        any_command(cx, subject, |_, command| {
            command.errexit
                && (command.kind == CommandKind::Arithmetic || command.program() == "let")
        })
    },
};

/// A command's standard input is redirected, or comes from a pipe.
pub static REDIRECTS_INPUT: Condition = Condition {
    name: "redirects a standard input",
    holds: |cx, subject| {
        let own = any_command(cx, subject, |_, c| c.redirects.iter().any(|r| r.feeds()));
        let Subject::Script(id) = subject else { return own };
        let mut around = cx.delivery[id].flow.regions.iter().filter(|region| match &region.kind {
            RegionKind::Redirected(redirects) => redirects.iter().any(|r| r.feeds()),
            _ => false,
        });
        match around.next().filter(|_| own.known() != Some(&true)) {
            Some(region) => Fact::inferred(true, Some(region.span)),
            None => own,
        }
    },
};

/// Variables are set where a pipe or substitution ends.
pub static SETS_IN_SUBSHELLS: Condition = Condition {
    name: "sets a variable in a subshell",
    holds: |cx, subject| {
        let Subject::Script(id) = subject else { return Fact::inferred(false, None) };
        let flow = &cx.delivery[id].flow;
        let set = flow.sets.iter().find(|set| !set.local && flow.lost_in(set.region).is_some());
        Fact::inferred(set.is_some(), set.map(|set| set.span))
    },
};

/// `set -u` is in force.
pub static STOPS_AT_UNSET: Condition = Condition {
    name: "stops at unset variables (`set -u`)",
    holds: |cx, subject| any_command(cx, subject, |_, command| command.nounset),
};

/// A script runs `docker compose`.
pub static RUNS_COMPOSE: Condition = Condition {
    name: "runs `docker compose`",
    holds: |cx, subject| {
        any_command(cx, subject, |_, command| {
            command.compose().is_some_and(|compose| compose.has_project())
        })
    },
};

/// The name of the compose project is read from the environment.
pub static READS_PROJECT_NAME: Condition = Condition {
    name: "reads the name of the compose project",
    holds: |cx, subject| {
        let Subject::Script(id) = subject else { return Fact::inferred(false, None) };
        let mut reads = cx.delivery[id].flow.reads.iter();
        let read = reads.find(|read| read.name == "COMPOSE_PROJECT_NAME");
        Fact::inferred(read.is_some(), read.map(|read| read.span))
    },
};

/// A script migrates a database and starts its services.
pub static DEPLOYS_AND_MIGRATES: Condition = Condition {
    name: "migrates a database while it deploys",
    holds: |cx, subject| {
        let Subject::Script(id) = subject else { return Fact::inferred(false, None) };
        let script = &cx.delivery[id];
        let starts = any_command(cx, subject, |_, command| scripts::starts_services(command));
        let recovers = (RECOVERS.holds)(cx, subject).known() == Some(&true);
        if starts.known() != Some(&true)
            || recovers
            || script.flow.commands.iter().any(|c| data::loads(&script.flow, c))
        {
            return Fact::inferred(false, None);
        }
        any_command(cx, subject, scripts::migrates)
    },
};

/// A container of a database archives its log.
pub static ARCHIVES_WAL: Condition = Condition {
    name: "archives a database's log",
    holds: |cx, subject| {
        let Subject::Container(id) = subject else { return Fact::inferred(false, None) };
        let found = crate::composed::archive_command(cx, &cx.delivery[id]);
        Fact::inferred(found.is_some(), found.map(|(_, span)| span))
    },
};

/// Caddy or nginx is configured here.
pub static HAS_PROXY: Condition = Condition {
    name: "configures a reverse proxy",
    holds: |cx, _| proxies::some(cx, |_, _, _| true),
};

/// A site of Caddy or nginx is reached by the world.
pub static HAS_EDGE_SITE: Condition = Condition {
    name: "configures a site that the world reaches",
    holds: |cx, _| {
        let mut all = proxies::asked(cx).flat_map(|proxy| proxies::edge_sites(cx, proxy));
        match all.next() {
            Some(site) => Fact::inferred(true, Some(site.head)),
            // What is not read may hold one.
            None => proxies::some(cx, |_, _, _| false),
        }
    },
};

/// nginx speaks TLS.
pub static NGINX_SPEAKS_TLS: Condition = Condition {
    name: "has nginx speak TLS",
    holds: |cx, _| {
        proxies::some(cx, |_, _, node| {
            node.name == "ssl_protocols"
                || node.name == "ssl_ciphers"
                || node.name == "listen" && node.has("ssl")
        })
    },
};

/// Headers are added by nginx.
pub static NGINX_ADDS_HEADERS: Condition = Condition {
    name: "has nginx add headers",
    holds: |cx, _| proxies::some(cx, |_, _, node| node.name == "add_header"),
};

/// nginx serves files by `alias`.
pub static NGINX_HAS_ALIAS: Condition = Condition {
    name: "has nginx serve an `alias`",
    holds: |cx, _| proxies::some(cx, |_, _, node| node.name == "alias"),
};

/// nginx passes requests on.
pub static NGINX_PASSES: Condition = Condition {
    name: "has nginx pass requests on",
    holds: |cx, _| proxies::some(cx, |_, _, node| node.name == "proxy_pass"),
};

/// nginx writes values into answers or requests.
pub static NGINX_WRITES_HEADERS: Condition = Condition {
    name: "has nginx write redirects or headers",
    holds: |cx, _| {
        proxies::some(cx, |proxy, _, node| {
            proxy.server == Server::Nginx
                && matches!(&*node.name, "return" | "rewrite" | "add_header" | "proxy_set_header")
        })
    },
};

/// nginx looks at where a request comes from by its headers.
pub static NGINX_TESTS_ORIGINS: Condition = Condition {
    name: "has nginx test Origin or Referer",
    holds: |cx, _| {
        proxies::some(cx, |proxy, _, node| {
            let tests =
                |text: &str| text.contains("$http_origin") || text.contains("$http_referer");
            let asks = matches!(&*node.name, "if" | "map");
            proxy.server == Server::Nginx
                && (node.name == "valid_referers"
                    || asks && node.args.iter().any(|word| tests(&word.text)))
        })
    },
};

/// nginx lets only some addresses in.
pub static NGINX_ALLOWS: Condition = Condition {
    name: "has nginx let only some addresses in",
    holds: |cx, _| {
        proxies::some(cx, |proxy, _, node| {
            proxy.server == Server::Nginx && node.name == "allow" && node.first() != "all"
        })
    },
};

/// A proxy serves files.
pub static PROXY_SERVES_FILES: Condition = Condition {
    name: "has a proxy serve files",
    holds: |cx, _| {
        proxies::some(cx, |proxy, _, node| match proxy.server {
            Server::Caddy => node.name == "file_server",
            Server::Nginx => matches!(&*node.name, "root" | "alias" | "autoindex"),
        })
    },
};

/// nginx branches with `if`.
pub static NGINX_HAS_IF: Condition = Condition {
    name: "has an `if` in a location of nginx",
    holds: |cx, _| {
        proxies::some(cx, |proxy, at, node| {
            let inside = || proxy.above(at).any(|(_, node)| node.name == "location");
            proxy.server == Server::Nginx && node.name == "if" && inside()
        })
    },
};

/// nginx asks a resolver.
pub static NGINX_HAS_RESOLVER: Condition = Condition {
    name: "has nginx ask a resolver",
    holds: |cx, _| {
        proxies::some(cx, |proxy, _, node| proxy.server == Server::Nginx && node.name == "resolver")
    },
};

/// nginx passes `Upgrade` or `Connection` on.
pub static NGINX_PASSES_UPGRADES: Condition = Condition {
    name: "has nginx pass Upgrade or Connection on",
    holds: |cx, _| {
        proxies::some(cx, |_, _, node| {
            let header = node.first().to_ascii_lowercase();
            node.name == "proxy_set_header" && matches!(&*header, "upgrade" | "connection")
        })
    },
};

/// A proxy believes others about a client's address.
pub static TRUSTS_PROXIES: Condition = Condition {
    name: "trusts other proxies",
    holds: |cx, _| {
        proxies::some(cx, |_, _, node| {
            matches!(&*node.name, "set_real_ip_from" | "trusted_proxies")
        })
    },
};

/// A proxy hands requests to hosts of a deployment.
pub static HAS_UPSTREAMS: Condition = Condition {
    name: "hands requests to other containers",
    holds: |cx, _| {
        let inside = |host: &str| proxies::is_inside(host);
        proxies::some(cx, |proxy, at, _| {
            let mut routes = proxy.routes.iter().filter(|route| route.node == at);
            routes.any(|r| r.dynamic || r.upstreams.iter().any(|u| inside(&u.host)))
        })
    },
};

/// A proxy speaks TLS to what is behind it, or to the world.
pub static PROXY_MEETS_TLS: Condition = Condition {
    name: "has a proxy speak TLS to upstreams or to the world",
    holds: |cx, _| {
        proxies::some(cx, |proxy, at, node| {
            let own = node.name.starts_with("proxy_ssl_") || node.name.starts_with("tls");
            let mut routes = proxy.routes.iter().filter(|route| route.node == at);
            let to_tls = |u: &plimsoll_model::proxy::Upstream| u.scheme.as_deref() == Some("https");
            own || routes.any(|route| route.upstreams.iter().any(to_tls))
        })
    },
};

/// Caddy asks its upstreams whether they are well.
pub static CADDY_CHECKS_HEALTH: Condition = Condition {
    name: "has Caddy ask upstreams for their health",
    holds: |cx, _| {
        proxies::some(cx, |proxy, at, _| {
            proxy.routes.iter().any(|r| r.node == at && proxies::is_probed(proxy, r.options))
        })
    },
};

/// A proxy's configuration asks for variables.
pub static PROXY_NEEDS_ENVIRONMENT: Condition = Condition {
    name: "gives a container a proxy's configuration that asks for variables",
    holds: |cx, _| {
        let mut all = proxies::asked(cx).filter(|proxy| !proxy.mounts.is_empty());
        let needs = all.find_map(|p| proxies::wanted(p).into_iter().next().map(|(_, at)| at));
        Fact::inferred(needs.is_some(), needs)
    },
};

/// A public site looks at a header that says who someone is.
pub static AUTHORISES_BY_HEADER: Condition = Condition {
    name: "lets a header of the request say who someone is",
    holds: |cx, _| proxies::some(cx, |proxy, at, node| proxies::claims(proxy, at, node).is_some()),
};

/// Several configurations answer for one host.
pub static HAS_SIBLING_PROXIES: Condition = Condition {
    name: "has several configurations for one host",
    holds: |cx, _| {
        let found = proxies::siblings(cx).into_iter().next();
        Fact::inferred(found.is_some(), found.map(|(_, _, _, site)| site.head))
    },
};

/// A proxy splits requests between a version that is tried and the rest.
pub static SPLITS_FOR_A_CANARY: Condition = Condition {
    name: "splits requests for a canary",
    holds: |cx, _| {
        proxies::some(cx, |proxy, at, _| {
            proxy.routes.iter().any(|r| r.node == at && proxies::is_canary(cx, proxy, r))
        })
    },
};

/// A site has a name that the world resolves.
pub static HAS_PUBLIC_SITE: Condition = Condition {
    name: "configures a site with a public name",
    holds: |cx, _| {
        let mut all =
            proxies::asked(cx).flat_map(|proxy| proxy.sites.iter().map(move |site| (proxy, site)));
        match all.find(|(proxy, site)| proxies::is_public_site(cx, proxy, site)) {
            Some((_, site)) => Fact::inferred(true, Some(site.head)),
            None => proxies::some(cx, |_, _, _| false),
        }
    },
};

/// A production compose project with something to ask about.
fn of_projects(cx: &Cx<'_>, holds: impl Fn(&composed::Composed<'_>) -> bool) -> Fact<bool> {
    Fact::inferred(composed::projects(cx).iter().any(holds), None)
}

/// A compose file has variables.
pub static COMPOSE_HAS_VARIABLES: Condition = Condition {
    name: "is a compose file with variables",
    holds: |cx, _| of_projects(cx, |composed| composed.project.interpolates),
};

/// A compose file names an image by a variable.
pub static IMAGES_HAVE_VARIABLES: Condition = Condition {
    name: "is an image that a compose file names by a variable",
    holds: |cx, _| Fact::inferred(!composed::variable_images(cx).is_empty(), None),
};

/// A compose file has a datastore, or a command of its own.
pub static COMPOSE_STOPS: Condition = Condition {
    name: "is a datastore or a command of a compose file",
    holds: |cx, _| {
        of_projects(cx, |composed| {
            let mut all = composed.containers.iter().filter(|container| !container.job);
            all.any(|container| {
                container.command.is_some()
                    || container.entrypoint.is_some()
                    || composed::is_store(container)
            })
        })
    },
};

/// A compose file is merged over another in production.
pub static COMPOSE_OVERRIDES: Condition = Condition {
    name: "is a compose file that is merged over another",
    holds: |cx, _| of_projects(cx, |composed| composed.project.files.len() > 1),
};

/// A compose file publishes a port.
pub static COMPOSE_PUBLISHES: Condition = Condition {
    name: "is a port that a compose file publishes",
    holds: |cx, _| {
        of_projects(cx, |composed| {
            let mut ports = composed.containers.iter().flat_map(|container| &container.ports);
            ports.any(|port| port.host.is_some())
        })
    },
};

/// nginx is configured here, or Caddy for the world.
pub static HAS_NGINX_OR_EDGE: Condition = Condition {
    name: "configures nginx, or a site of Caddy that the world reaches",
    holds: |cx, subject| match proxies::some(cx, |p, _, _| p.server == Server::Nginx) {
        Fact::Known { value: false, .. } => (HAS_EDGE_SITE.holds)(cx, subject),
        nginx => nginx,
    },
};

/// A proxy has an endpoint that administers it or looks into it.
pub static HAS_ADMIN_ENDPOINT: Condition = Condition {
    name: "configures an administration endpoint",
    holds: |cx, _| {
        let found = proxies::admins(cx).into_iter().next();
        match found {
            Some((at, ..)) => Fact::inferred(true, Some(at)),
            None => proxies::some(cx, |_, _, _| false),
        }
    },
};

/// A condition about one script.
fn script(cx: &Cx<'_>, subject: Subject, holds: impl Fn(&Program) -> bool) -> Fact<bool> {
    let Subject::Script(id) = subject else { return Fact::inferred(false, None) };
    Fact::inferred(holds(&cx.delivery[id]), None)
}

/// A script starts what was changed, where it runs.
pub static SCRIPT_DEPLOYS: Condition = Condition {
    name: "deploys by a script",
    holds: |cx, subject| script(cx, subject, |program| releasing::is_deployer(cx, program)),
};

/// A script moves the source of its work tree, or cleans it.
pub static SCRIPT_USES_GIT: Condition = Condition {
    name: "moves the source of a work tree by a script",
    holds: |cx, subject| {
        script(cx, subject, |program| {
            let works = |c: &Command| {
                releasing::git(c).is_some_and(|(verb, _)| {
                    matches!(verb, "fetch" | "clean" | "restore") || releasing::moves_source(c)
                })
            };
            !releasing::is_others(cx, program) && scripts::commands(program).any(works)
        })
    },
};

/// A script that deploys cleans its work tree.
pub static SCRIPT_CLEANS: Condition = Condition {
    name: "cleans a work tree by a script",
    holds: |cx, subject| {
        script(cx, subject, |program| {
            let cleans = |c: &Command| releasing::git(c).is_some_and(|(verb, _)| verb == "clean");
            !releasing::is_others(cx, program) && scripts::commands(program).any(cleans)
        })
    },
};

/// Scripts deploy, and one takes the work tree to what is committed.
pub static RESETS_WORK_TREE: Condition = Condition {
    name: "deploys from a work tree that a script resets",
    holds: |cx, _| {
        let reset = releasing::resets(cx).filter(|_| releasing::deployers(cx).next().is_some());
        Fact::inferred(reset.is_some(), reset)
    },
};

/// A script makes a proxy read its configuration again.
pub static SCRIPT_RELOADS_PROXY: Condition = Condition {
    name: "reloads a proxy by a script",
    holds: |cx, subject| {
        script(cx, subject, |program| {
            scripts::commands(program).any(releasing::reloads) && !releasing::is_others(cx, program)
        })
    },
};

/// A script builds and starts a canary.
pub static SCRIPT_BUILDS_CANARY: Condition = Condition {
    name: "builds a canary by a script",
    holds: |cx, subject| {
        script(cx, subject, |program| {
            let tried = |c: &Command| {
                c.program() == "docker" && c.words.iter().any(|w| w.contains("canary"))
            };
            let all = || scripts::commands(program);
            all().any(releasing::builds)
                && all().any(releasing::starts)
                && (scripts::is_named(cx, program, &["canary"]) || all().any(tried))
        })
    },
};

/// A script sends requests to a canary.
pub static SCRIPT_SWITCHES_CANARY: Condition = Condition {
    name: "sends requests to a canary by a script",
    holds: |cx, subject| {
        script(cx, subject, |program| {
            scripts::is_named(cx, program, &["canary"])
                && !scripts::is_named(cx, program, &["rollback", "stop", "abort"])
                && scripts::commands(program).any(releasing::starts)
                && !releasing::switches(cx, program).is_empty()
        })
    },
};

/// A script deploys, or asks whether what was deployed is well.
pub static SCRIPT_CHECKS_A_DEPLOYMENT: Condition = Condition {
    name: "asks by a script whether what was deployed is well",
    holds: |cx, subject| {
        script(cx, subject, |program| {
            let asks = scripts::commands(program).any(releasing::is_client);
            let named =
                ["smoke", "check", "verify", "health", "deploy", "rollback", "canary", "release"];
            asks && !releasing::is_others(cx, program)
                && (scripts::is_named(cx, program, &named) || releasing::is_deployer(cx, program))
        })
    },
};

/// Scripts deploy by compose.
pub static DEPLOYS_BY_COMPOSE: Condition = Condition {
    name: "deploys by scripts that start containers",
    holds: |cx, _| {
        let found = releasing::deployers(cx).next();
        Fact::inferred(found.is_some(), found.map(|script| cx.start_of(script.file)))
    },
};

/// A script moves the source and then builds.
pub static SCRIPT_BUILDS_WHAT_IT_FETCHES: Condition = Condition {
    name: "builds by a script what it fetches",
    holds: |cx, subject| {
        script(cx, subject, |program| {
            let mut all = scripts::commands(program);
            let source = all.find(|command| releasing::moves_source(command));
            source.is_some_and(|source| {
                scripts::commands(program).any(|c| c.at > source.at && releasing::builds(c))
            }) && !releasing::is_others(cx, program)
        })
    },
};

/// A script deploys or takes a backup.
pub static SCRIPT_NEEDS_A_LOCK: Condition = Condition {
    name: "deploys or backs up by a script",
    holds: |cx, subject| {
        script(cx, subject, |program| {
            let dumps = data::dumps(&program.flow).next().is_some();
            let backup = dumps && !scripts::is_named(cx, program, &["restore", "drill", "test"]);
            releasing::is_deployer(cx, program) || backup
        })
    },
};

/// What deployments write down says which release it is, and something rolls back.
pub static RECORDS_RELEASES: Condition = Condition {
    name: "writes down which release it deploys, and rolls back",
    holds: |cx, _| {
        let records = record::records(cx);
        let first = records.first().map(|record| record.place);
        Fact::inferred(first.is_some() && !record::rollbacks(cx).is_empty(), first)
    },
};

/// A script starts services of one colour.
pub static SCRIPT_STARTS_A_COLOUR: Condition = Condition {
    name: "starts services of one colour by a script",
    holds: |cx, subject| {
        script(cx, subject, |program| {
            let coloured = |command: &Command| {
                command.compose().is_some_and(|compose| {
                    compose.verb == "up"
                        && compose.services().iter().any(|n| releasing::is_coloured(n))
                })
            };
            !releasing::pairs(cx).is_empty() && scripts::commands(program).any(coloured)
        })
    },
};

/// Scripts ask whether what they deployed is well, and a program has a route that says so.
pub static GATES_AND_IS_READY: Condition = Condition {
    name: "deploys by scripts a program that says whether it is ready",
    holds: |cx, _| {
        // Source is looked through last.
        let gates = cx.operational_scripts().any(|s| crate::checks::gates(cx, s.program));
        let ready = gates.then(|| crate::checks::readiness(cx)).flatten();
        Fact::inferred(ready.is_some(), ready.map(|(_, at)| at))
    },
};

/// A document goes back to an earlier release and then calls a script.
pub static HAS_RUNBOOK_BACK: Condition = Condition {
    name: "describes a way back that calls a script",
    holds: |cx, _| {
        let found = documents::returns(cx).first().map(|(code, _)| code.span);
        Fact::inferred(found.is_some(), found)
    },
};

/// A document runs a script of the repository.
pub static DOCUMENTS_RUN_SCRIPTS: Condition = Condition {
    name: "describes commands that run its scripts",
    holds: |cx, _| {
        let homes = documents::homes(cx);
        let found = documents::scripts(cx, &homes).first().map(|named| named.code.span);
        Fact::inferred(found.is_some(), found)
    },
};

/// A script backs up data, or a database archives its log.
pub static KEEPS_BACKUPS: Condition = Condition {
    name: "backs up data",
    holds: |cx, subject| {
        let archives = |container: &Container| {
            let words = container.command.iter().flat_map(|command| &command.words);
            words.into_iter().find(|(word, _)| word.contains("archive_command")).map(|(_, at)| *at)
        };
        let containers = cx.delivery.containers.iter().filter(|c| c.purpose.is_production());
        match containers.into_iter().find_map(archives) {
            Some(at) => Fact::inferred(true, Some(at)),
            None => (BACKS_UP.holds)(cx, subject),
        }
    },
};

/// A script backs up data, or checks backups.
pub static HANDLES_BACKUPS: Condition = Condition {
    name: "backs up data",
    holds: |cx, subject| {
        let checks = cx.operational_scripts().find_map(|script| {
            let about = scripts::is_about_backups(cx, script.program);
            let mut commands = script.program.calls();
            let checks = |command: &&Command| {
                let next = data::downstream(&script.program.flow, command);
                let mut next = next.iter().map(|next| next.program());
                data::verifies(command)
                    || data::is_unpacker(command)
                        && next.any(|next| matches!(next, "head" | "tail" | "grep" | "wc"))
            };
            let check = commands.find(checks).filter(|_| about);
            check.map(|command| command.span)
        });
        match checks {
            Some(at) => Fact::inferred(true, Some(at)),
            None => (BACKS_UP.holds)(cx, subject),
        }
    },
};

/// A script changes services, data or machines.
pub static CHANGES_STATE: Condition = Condition {
    name: "changes services or data",
    holds: |cx, subject| any_command(cx, subject, scripts::changes),
};

/// A dump, archive or download runs through a pipe.
pub static FEEDS_PIPES: Condition = Condition {
    name: "sends data through a pipe",
    holds: |cx, subject| any_command(cx, subject, scripts::feeds_a_pipe),
};

/// A script migrates, dumps, restores or starts services.
pub static DOES_CRITICAL_STEPS: Condition = Condition {
    name: "migrates, saves, restores or starts services",
    holds: |cx, subject| any_command(cx, subject, scripts::is_critical),
};

/// A here-document is sent to another machine.
pub static SENDS_HEREDOCS: Condition = Condition {
    name: "sends a here-document to another machine",
    holds: |cx, subject| {
        any_command(cx, subject, |_, command| {
            command.program() == "ssh" && command.redirects.iter().any(|r| r.text.is_some())
        })
    },
};

/// A loop waits for a service.
pub static WAITS: Condition = Condition {
    name: "waits for a service in a loop",
    holds: |cx, subject| {
        let Subject::Script(id) = subject else { return Fact::inferred(false, None) };
        let wait = scripts::waits(&cx.delivery[id].flow).next();
        Fact::inferred(wait.is_some(), wait.map(|(_, region)| region.span))
    },
};

/// A script is called a drill, and asks a service.
pub static TRIES_RESTORES: Condition = Condition {
    name: "tries a restore and asks the service",
    holds: |cx, subject| {
        let Subject::Script(id) = subject else { return Fact::inferred(false, None) };
        let path = cx.path(cx.delivery[id].file).to_ascii_lowercase();
        let name = path.rsplit('/').next().unwrap_or(&path);
        if !name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "drill") {
            return Fact::inferred(false, None);
        }
        any_command(cx, subject, |_, command| command.program() == "jq")
    },
};

/// A script deletes trees.
pub static DELETES_TREES: Condition = Condition {
    name: "deletes trees (`rm -r`)",
    holds: |cx, subject| any_command(cx, subject, |_, command| scripts::deletes_trees(command)),
};

/// A declaration takes its value from a command.
pub static DECLARES_VALUES: Condition = Condition {
    name: "keeps a status, or declares a variable with what a command prints",
    holds: |cx, subject| {
        let declares = any_command(cx, subject, |_, c| scripts::declares_value(c));
        let Subject::Script(id) = subject else { return declares };
        if declares.known() == Some(&true) {
            return declares;
        }
        let kept = scripts::idle_statuses(&cx.delivery[id].flow).first().map(|(set, _)| set.span);
        Fact::inferred(kept.is_some(), kept)
    },
};

/// A script rolls back.
pub static SCRIPT_ROLLS_BACK: Condition = Condition {
    name: "rolls back by a script",
    holds: |cx, subject| {
        script(cx, subject, |program| {
            let acts =
                |c: &Command| releasing::starts(c) || releasing::builds(c) || releasing::undoes(c);
            !releasing::is_others(cx, program) && releasing::way_back(cx, program).any(acts)
        })
    },
};

/// A script is called a smoke test and asks something.
pub static SCRIPT_SMOKES: Condition = Condition {
    name: "has a script that is called a smoke test",
    holds: |cx, subject| {
        script(cx, subject, |program| {
            scripts::is_named(cx, program, &["smoke"])
                && scripts::commands(program).any(releasing::is_client)
        })
    },
};

/// A script destroys data.
pub static DESTROYS: Condition = Condition {
    name: "destroys data by a script",
    holds: |cx, subject| {
        let Subject::Script(id) = subject else { return Fact::inferred(false, None) };
        let play = consent::is_play(cx, &cx.delivery[id]);
        any_command(cx, subject, |flow, c| !play && consent::destroyed(flow, c).is_some())
    },
};

/// A script downloads something.
pub static RUNS_DOWNLOADS: Condition = Condition {
    name: "downloads something by a script",
    holds: |cx, subject| any_command(cx, subject, |_, c| downloads::fetches(c)),
};

/// A script changes its directory.
pub static CHANGES_DIRECTORY: Condition = Condition {
    name: "changes its directory",
    holds: |cx, subject| any_command(cx, subject, |_, c| c.program() == "cd"),
};

/// A script makes code of words.
pub static RUNS_CODE_OF_WORDS: Condition = Condition {
    name: "makes code of words (`eval`, `sh -c`, `ssh`)",
    holds: |cx, subject| any_command(cx, subject, |_, c| crate::codes::code(c).next().is_some()),
};

/// A script removes old files.
pub static REMOVES_OLD_FILES: Condition = Condition {
    name: "removes old files by a script",
    holds: |cx, subject| {
        any_command(cx, subject, |flow, c| {
            data::prunes(flow, c) && matches!(c.program(), "find" | "rm")
        })
    },
};

/// A script asks other machines.
pub static ASKS_NETWORK: Condition = Condition {
    name: "asks other machines by a script",
    holds: |cx, subject| {
        any_command(cx, subject, |_, c| {
            matches!(c.program(), "curl" | "wget" | "ssh" | "scp" | "nc")
        })
    },
};

/// A script sets a trap.
pub static SETS_TRAPS: Condition = Condition {
    name: "sets a trap",
    holds: |cx, subject| {
        any_command(cx, subject, |_, c| {
            c.program() == "trap"
                && c.args().len() > 1
                && c.words.get(1).is_some_and(|word| word != "-")
        })
    },
};

/// A script reads a file of variables.
pub static READS_ENV_FILES: Condition = Condition {
    name: "reads a file of variables by a script",
    holds: |cx, subject| any_command(cx, subject, |_, c| crate::codes::env_file(c).is_some()),
};

/// A script writes to `/tmp`.
pub static WRITES_TMP: Condition = Condition {
    name: "writes temporary files by a script",
    holds: |cx, subject| {
        let Subject::Script(id) = subject else { return Fact::inferred(false, None) };
        // A container's `/tmp` is its own.
        let inside = scripts::runs_inside(cx, &cx.delivery[id]);
        any_command(cx, subject, |flow, c| {
            let writes = crate::written::temporary(flow, c).is_some() || c.program() == "mktemp";
            writes && !inside
        })
    },
};

/// A command moves, deletes or overwrites files.
pub static MOVES_DATA: Condition = Condition {
    name: "deletes, moves or changes files by a script",
    holds: |cx, subject| any_command(cx, subject, |_, c| crate::operands::destroys_files(c)),
};

/// A script changes a cluster.
pub static DEPLOYS_CLUSTER: Condition = Condition {
    name: "changes a cluster by a script",
    holds: |cx, subject| any_command(cx, subject, |_, c| crate::releasing::changes_cluster(c)),
};

/// A script runs, unpacks or installs what it downloads.
pub static USES_DOWNLOADS: Condition = Condition {
    name: "runs or installs by a script what it downloads",
    holds: |cx, subject| {
        any_command(cx, subject, |flow, c| {
            downloads::fetches(c) && downloads::used(flow, c).is_some()
        })
    },
};

/// A script reads variables that hold secrets, or logs in.
pub static HANDLES_SECRETS: Condition = Condition {
    name: "handles secrets by a script",
    holds: |cx, subject| {
        any_command(cx, subject, |flow, c| {
            crate::passwords::secret_of(flow, c).is_some()
                || crate::passwords::of_command(&c.words).is_some()
        })
    },
};

/// A script writes dumps or secrets to files, or opens files to everybody.
pub static WRITES_PRIVATE_FILES: Condition = Condition {
    name: "writes data or secrets to files by a script",
    holds: |cx, subject| {
        any_command(cx, subject, |flow, c| {
            crate::written::opens(c) || !crate::written::private_files(flow, c).is_empty()
        })
    },
};

/// A script makes something that is to go away again.
pub static MAKES_FOR_A_WHILE: Condition = Condition {
    name: "makes temporary files, locks or the like by a script",
    holds: |cx, subject| {
        any_command(cx, subject, |flow, c| crate::written::for_a_while(flow, c).is_some())
    },
};

/// A script backs up, restores or rolls back.
pub static SAVES_OR_RETURNS: Condition = Condition {
    name: "backs up, restores or rolls back by a script",
    holds: |cx, subject| {
        let found =
            any_command(cx, subject, |flow, c| data::is_dump(flow, c) || data::loads(flow, c));
        match found.known() {
            Some(true) => found,
            _ => (SCRIPT_ROLLS_BACK.holds)(cx, subject),
        }
    },
};

/// A script names services of compose.
pub static NAMES_SERVICES: Condition = Condition {
    name: "names services of compose in a script",
    holds: |cx, subject| {
        any_command(cx, subject, |_, c| {
            c.compose().is_some_and(|compose| crate::checks::services(&compose).next().is_some())
        })
    },
};

/// A script that deploys names images.
pub static SCRIPT_NAMES_IMAGES: Condition = Condition {
    name: "deploys images by their names from a script",
    holds: |cx, subject| {
        let Subject::Script(id) = subject else { return Fact::inferred(false, None) };
        let deploys = releasing::is_deployer(cx, &cx.delivery[id]);
        any_command(cx, subject, |_, c| deploys && !releasing::images(c).is_empty())
    },
};

/// A script reads its arguments.
pub static READS_ARGUMENTS: Condition = Condition {
    name: "reads arguments of a script",
    holds: |cx, subject| {
        any_command(cx, subject, |flow, c| crate::codes::argument(flow, c).is_some())
    },
};

/// A script makes directories, links, networks or databases.
pub static MAKES_THINGS: Condition = Condition {
    name: "makes directories, links or networks by a script",
    holds: |cx, subject| any_command(cx, subject, |_, c| crate::written::makes(c).is_some()),
};

/// A crontab or a timer starts a script.
pub static IS_SCHEDULED: Condition = Condition {
    name: "starts a script on a schedule",
    holds: |cx, subject| {
        let Subject::Script(id) = subject else { return Fact::inferred(false, None) };
        let program = &cx.delivery[id];
        let at = scripts::scheduled(cx, program).filter(|at| {
            let path = cx.path(at.file).to_ascii_lowercase();
            let last = path.rsplit('/').next().unwrap_or(&path);
            program.target.is_none()
                && (last.contains("cron")
                    || last.ends_with(".service")
                    || last.ends_with(".timer")
                    || path.contains("cron.d/"))
        });
        Fact::inferred(at.is_some(), at)
    },
};

/// The configuration says which registries images may come from.
pub static LIMITS_REGISTRIES: Condition = Condition {
    name: "limits registries (`registries` in `plimsoll.toml`)",
    holds: |cx, _| {
        let mut layers = cx.policy.layers.iter();
        Fact::inferred(layers.any(|layer| !layer.config.registries.is_empty()), None)
    },
};

/// Pipelines or scripts run commands.
pub static RUNS_COMMANDS: Condition = Condition {
    name: "runs commands in pipelines or scripts",
    holds: |cx, subject| match (RUNS_PIPELINES.holds)(cx, subject) {
        fact if fact.known() == Some(&false) => {
            let script = cx.operational_scripts().next();
            Fact::inferred(script.is_some(), script.map(|script| cx.start_of(script.file)))
        }
        fact => fact,
    },
};

/// A project of compose is there.
pub static HAS_PROJECTS: Condition = Condition {
    name: "is deployed by compose",
    holds: |cx, _| {
        let mut projects = cx.delivery.projects.iter();
        let found = projects.find(|p| p.purpose.is_production() && p.services.is_some());
        let at = found.and_then(|project| Some(cx.start_of(*project.files.first()?)));
        Fact::inferred(at.is_some(), at)
    },
};

/// Compose names an image that a pipeline pushes.
pub static DEPLOYS_PUSHED_IMAGES: Condition = Condition {
    name: "deploys by compose an image that its pipeline pushes",
    holds: |cx, _| {
        let found = crate::pushed::deployed(cx).into_iter().next();
        Fact::inferred(found.is_some(), found.map(|found| found.at))
    },
};

/// A service of compose says for which platform it is.
pub static NAMES_A_PLATFORM: Condition = Condition {
    name: "names a platform in compose",
    holds: |cx, _| {
        let mut containers = releasing::composed(cx);
        let at = containers.find_map(|container| container.engine.platform.span());
        Fact::inferred(at.is_some(), at)
    },
};
