//! Looks through commands, steps, containers, schedulers' files and images for the names of scripts.

use foldhash::{HashMap, HashSet};
use memchr::memmem;
use plimsoll_source::{Span, TextRange, normalize_path};

use super::cx::Cx;
use crate::image::{Image, StepKind};
use crate::pipeline::Pipeline;
use crate::script::Program;
use crate::uses::{Named, Uses};
use crate::{ProgramId, container::Container, path};

/// A scheduler's file is not longer.
const MAX_LEN: u64 = 64 * 1024;

/// The names that are looked for, by their last words.
struct Wanted {
    by_word: HashMap<String, Vec<String>>,
    found: HashMap<String, Named>,
}

/// What names the programs.
pub(super) fn read(
    cx: &Cx<'_>,
    programs: &[Program],
    pipelines: &[Pipeline],
    containers: &[Container],
    images: &[Image],
) -> Uses {
    let names: HashSet<&str> = programs.iter().map(|p| path::name(cx.tree.path(p.file))).collect();
    if names.is_empty() {
        return Uses::default();
    }
    let mut wanted = Wanted { by_word: HashMap::default(), found: HashMap::default() };
    for name in &names {
        if let Some(word) = words(name.as_bytes()).last().map(String::from_utf8_lossy) {
            wanted.by_word.entry(word.into_owned()).or_default().push((*name).to_owned());
        }
        wanted.found.insert((*name).to_owned(), Named::default());
    }
    for (id, program) in (0..).map(ProgramId).zip(programs) {
        for (at, command) in program.flow.commands.iter().enumerate() {
            let texts = command.redirects.iter().filter_map(|redirect| redirect.text.as_ref());
            for text in command.words.iter().chain(texts) {
                wanted.look(text.as_bytes(), |named| {
                    if named.commands.last() != Some(&(id, at)) {
                        named.commands.push((id, at));
                    }
                });
            }
        }
    }
    let steps = pipelines.iter().flat_map(|pipeline| &pipeline.jobs).flat_map(|job| &job.steps);
    for step in steps {
        if let Some((text, _)) = &step.run {
            wanted.look(text.text(), |named| _ = named.step.get_or_insert(step.span));
        }
    }
    let commands = containers.iter().flat_map(|c| c.command.iter().chain(&c.entrypoint));
    for (word, span) in commands.flat_map(|exec| &exec.words) {
        wanted.look(word.as_bytes(), |named| _ = named.start.get_or_insert(*span));
    }
    schedules(cx, &mut wanted);
    Uses { copied: copied(images, &names), names: wanted.found }
}

impl Wanted {
    /// Calls `note` for each name that stands in a text as words of its own.
    fn look(&mut self, text: &[u8], mut note: impl FnMut(&mut Named)) {
        for word in words(text) {
            let Ok(word) = std::str::from_utf8(word) else { continue };
            for name in self.by_word.get(word).into_iter().flatten() {
                let is_all = name.len() == word.len();
                if (is_all || memmem::find(text, name.as_bytes()).is_some())
                    && let Some(named) = self.found.get_mut(name)
                {
                    note(named);
                }
            }
        }
    }
}

/// The runs of what file names are made of.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let separates = |byte: &u8| {
        !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-') || *byte >= 0x80)
    };
    text.split(separates).map(<[u8]>::trim_ascii).filter(|word| !word.is_empty())
}

/// The lines of crontabs, timers and units that are no comments.
fn schedules(cx: &Cx<'_>, wanted: &mut Wanted) {
    const SCHEDULES: [&str; 4] = [".timer", ".service", ".cron", ".crontab"];
    for (file, entry) in cx.tree.entries() {
        // Most files are none, and there may be many.
        let ends = [".timer", ".service"].iter().any(|end| entry.path.ends_with(end));
        if !ends && !entry.path.contains("cron") && !entry.path.contains("CRON") {
            continue;
        }
        let lower = entry.path.to_ascii_lowercase();
        let last = path::name(&lower);
        let schedules = SCHEDULES.iter().any(|end| last.ends_with(end))
            || last.starts_with("crontab")
            || lower.contains("cron.d/");
        if !schedules || entry.len > MAX_LEN {
            continue;
        }
        let Ok(text) = cx.tree.read(file) else { continue };
        let mut start = 0;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            if !line.trim_ascii_start().starts_with(b"#") {
                let end = start + line.trim_ascii_end().len();
                let at = Span::new(file, TextRange::of(start, end));
                wanted.look(line, |named| _ = named.start.get_or_insert(at));
            }
            start += line.len();
        }
    }
}

/// The paths of the tree that images copy and that end in one of the names.
fn copied(images: &[Image], names: &HashSet<&str>) -> HashSet<String> {
    let mut copied = HashSet::default();
    for image in images {
        let context = image.context.known().map_or("", String::as_str);
        for step in image.stages.iter().flat_map(|stage| &stage.steps) {
            let StepKind::Copy(copy) = &step.kind else { continue };
            let sources = copy.sources.iter().filter(|source| !source.remote);
            let by_name = sources.filter(|source| names.contains(path::name(&source.path)));
            copied.extend(
                by_name.filter_map(|source| normalize_path(&format!("{context}/{}", source.path))),
            );
        }
    }
    copied
}
