//! Who owns what a Dockerfile puts where the service lives.

use plimsoll_model::image::{EffectKind, Image, StepKind};
use plimsoll_model::user::{self, RunsAs};
use plimsoll_source::Span;

/// A path that a step puts into the image, and who is known to own it in the end.
#[derive(Debug)]
pub(crate) struct Put {
    pub(crate) path: String,
    pub(crate) at: Span,
    /// What gives it to the user.
    pub(crate) given: Option<Span>,
    /// It is made to be written in.
    pub(crate) written: bool,
}

/// What the Dockerfile puts where the service lives, system directories left out.
pub(crate) fn puts(image: &Image, stage: usize, runs_as: &RunsAs) -> Vec<Put> {
    let mut puts: Vec<Put> = Vec::new();
    for step in image.steps_with_bases(stage) {
        match &step.kind {
            StepKind::Copy(copy) => {
                let Some(dest) = copy.dest.known().filter(|dest| !is_system(dest)) else {
                    continue;
                };
                let chown = copy.chown.as_ref().filter(|(owner, _)| runs_as.owns(owner));
                puts.push(Put {
                    path: dest.clone(),
                    at: step.span,
                    given: chown.map(|_| step.span),
                    written: false,
                });
            }
            StepKind::Run(run) => {
                // Only root gives files away; what another user makes is that user's.
                let root = step.user.as_deref().is_none_or(user::is_root);
                let own = step.user.as_deref().is_some_and(|user| runs_as.owns(user));
                for effect in &run.effects {
                    let (paths, recursive) = match &effect.kind {
                        EffectKind::MakeDir(dirs) => {
                            let dirs = dirs.iter().filter(|dir| is_for_writing(dir));
                            puts.extend(dirs.map(|dir| Put {
                                path: dir.clone(),
                                at: effect.span,
                                given: own.then_some(effect.span),
                                written: true,
                            }));
                            continue;
                        }
                        EffectKind::Chown { owner, paths, recursive }
                            if root && runs_as.owns(owner) =>
                        {
                            (paths, *recursive)
                        }
                        EffectKind::Chmod { mode, paths, recursive } if opens(mode) => {
                            (paths, *recursive)
                        }
                        // Another owner takes it back; a group alone changes none.
                        EffectKind::Chown { owner, paths, recursive }
                            if root && !owner.starts_with([':', '.']) && !owner.contains('$') =>
                        {
                            for put in &mut puts {
                                if paths.iter().any(|path| covers(path, &put.path, *recursive)) {
                                    put.given = None;
                                }
                            }
                            continue;
                        }
                        _ => continue,
                    };
                    for put in &mut puts {
                        if paths.iter().any(|path| covers(path, &put.path, recursive)) {
                            put.given = Some(effect.span);
                        }
                    }
                }
            }
            _ => {}
        }
    }
    puts
}

/// Whether a mode lets everyone write.
fn opens(mode: &str) -> bool {
    if mode.bytes().all(|b| b.is_ascii_digit()) {
        return matches!(mode.bytes().next_back(), Some(b'2' | b'3' | b'6' | b'7'));
    }
    mode.split(',').any(|clause| {
        let Some((who, bits)) = clause.split_once(['+', '=']) else { return false };
        bits.contains('w') && who.contains(['a', 'o'])
    })
}

/// Whether a change of `path` reaches `put`: it is that, or lies above it.
fn covers(path: &str, put: &str, recursive: bool) -> bool {
    let (path, put) = (path.trim_end_matches('/'), put.trim_end_matches('/'));
    // `/app/*` is what lies in it.
    let path = path.strip_suffix("/*").unwrap_or(path);
    let below = put.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if recursive { below } else { put == path }
}

/// Directories of the system, whose files are to be read only.
fn is_system(dest: &str) -> bool {
    let system = ["/usr/", "/etc/", "/bin/", "/sbin/", "/lib/", "/docker-entrypoint"];
    let dest = format!("{}/", dest.trim_end_matches('/'));
    let script = dest.trim_end_matches('/').ends_with(".sh") && dest.matches('/').count() == 2;
    let own = ["/usr/src/", "/usr/share/nginx/", "/usr/app/"];
    script
        || system.iter().any(|dir| dest.starts_with(dir))
            && !own.iter().any(|dir| dest.starts_with(dir))
}

/// Whether a directory is made to be written in, by its name: `/app/logs`, `/data`.
pub(crate) fn is_for_writing(dir: &str) -> bool {
    const NAMES: [&str; 14] = [
        "logs", "log", "tmp", "temp", "cache", ".cache", "data", "uploads", "upload", "storage",
        "run", "state", "sessions", "backups",
    ];
    let dir = dir.trim_end_matches('/');
    let system = ["/usr/", "/etc/", "/proc/", "/sys/", "/tmp/"];
    let name = dir.rsplit('/').next().unwrap_or(dir);
    NAMES.contains(&name)
        && !system.iter().any(|s| dir.starts_with(s) && !dir.starts_with("/usr/src/"))
}
