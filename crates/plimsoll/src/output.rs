//! Where reports go: standard output, files, and a closed pipe.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use plimsoll_audit::{Report, Resolver};
use plimsoll_render::{Show, Style, View};
use plimsoll_source::{EntryKind, Tracking};

use crate::cli::{AuditArgs, Format, ShowArg};

/// Says on standard error what is wrong with the request.
pub(crate) fn complain(message: &str) {
    let _ = writeln!(io::stderr(), "{message}");
}

/// Writes to standard output. A reader that stops reading is no mistake.
pub(crate) fn say(bytes: &[u8]) -> Result<u8, String> {
    match io::stdout().write_all(bytes) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("error: standard output cannot be written: {error}"))
        }
        _ => Ok(crate::CLEAN),
    }
}

/// How standard output is.
pub(crate) fn style(no_color: bool) -> Style {
    let terminal = io::stdout().is_terminal();
    let allowed = !no_color && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
    // What the user exports counts everywhere; else a file or a pipe is as wide as a page.
    let exported = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let measured = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let width = exported.or_else(|| measured().filter(|_| terminal)).unwrap_or(100);
    Style { color: terminal && allowed && !dumb, width: width.clamp(40, 1_000) }
}

/// Which findings were asked for; beside a revision, what it does not know yet.
fn asked(args: &AuditArgs) -> Option<ShowArg> {
    args.show.or(args.since.as_ref().map(|_| ShowArg::Problems))
}

/// Which findings a format shows when nobody says.
fn show(format: Format, asked: Option<ShowArg>) -> Show {
    match (asked, format) {
        (Some(ShowArg::All), _) => Show::All,
        (Some(ShowArg::Problems), _) => Show::Problems,
        (None, Format::Text | Format::Sarif | Format::Github | Format::Gitlab) => Show::Problems,
        (None, Format::Markdown | Format::Json | Format::Html | Format::Junit | Format::Csv) => {
            Show::All
        }
    }
}

/// Writes reports to standard output. A reader that stops reading is no mistake.
pub(crate) fn print(
    reports: &mut [(Report, View)],
    args: &AuditArgs,
    style: Style,
) -> Result<(), String> {
    let stdout = io::stdout();
    let mut out = BufWriter::new(stdout.lock());
    let written =
        write(reports, args.format, asked(args), style, &mut out).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(format!("error: the report cannot be written: {error}")),
        Ok(()) => Ok(()),
    }
}

fn write(
    reports: &mut [(Report, View)],
    format: Format,
    asked: Option<ShowArg>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (_, view) in &mut *reports {
        view.show = show(format, asked);
    }
    match format {
        Format::Text => {
            for (report, view) in reports {
                plimsoll_render::terminal(report, view, style, out)?;
            }
            Ok(())
        }
        Format::Markdown => {
            for (report, view) in reports {
                out.write_all(plimsoll_render::markdown(report, view).as_bytes())?;
            }
            Ok(())
        }
        // Several paths are several reports in one document.
        Format::Json => match reports {
            [(report, view)] => plimsoll_render::json(report, view, out),
            _ => {
                out.write_all(b"[")?;
                for (index, (report, view)) in reports.iter().enumerate() {
                    if index > 0 {
                        out.write_all(b",")?;
                    }
                    plimsoll_render::json(report, view, out)?;
                }
                out.write_all(b"]\n")
            }
        },
        Format::Sarif => plimsoll_render::sarif(reports, out),
        Format::Html => plimsoll_render::html(reports, out),
        Format::Junit => plimsoll_render::junit(reports, out),
        Format::Github => plimsoll_render::github(reports, out),
        Format::Gitlab => plimsoll_render::gitlab(reports, out),
        Format::Csv => plimsoll_render::csv(reports, out),
    }
}

/// `FORMAT=FILE`, read.
pub(crate) struct Target {
    pub(crate) format: Format,
    path: PathBuf,
    /// `markdown=DIR/`: a file a service.
    is_dir: bool,
}

/// Reads every `--output`, before anything is audited.
pub(crate) fn targets(specs: &[String]) -> Result<Vec<Target>, String> {
    let mut targets: Vec<Target> = Vec::new();
    for spec in specs {
        let wrong = |what: String| format!("error: `--output {}`: {what}", spec.escape_debug());
        let Some((name, path)) = spec.split_once('=').filter(|(_, path)| !path.is_empty()) else {
            return Err(wrong("write FORMAT=FILE, as in `json=report.json`".to_owned()));
        };
        let Ok(format) = Format::from_str(name, false) else {
            let names: Vec<String> = Format::value_variants()
                .iter()
                .filter_map(|format| Some(format.to_possible_value()?.get_name().to_owned()))
                .collect();
            return Err(wrong(format!(
                "there is no format `{}`; there are {}",
                name.escape_debug(),
                names.join(", ")
            )));
        };
        let is_dir = path.ends_with('/');
        if is_dir && format != Format::Markdown {
            return Err(wrong(
                "this is a directory, and only markdown writes a file a service: name a file"
                    .to_owned(),
            ));
        }
        if targets.iter().any(|target| target.path == Path::new(path)) {
            return Err(wrong("two reports would go to this file".to_owned()));
        }
        targets.push(Target { format, path: path.into(), is_dir });
    }
    Ok(targets)
}

/// Makes every report, and then writes all of them or none.
pub(crate) fn save(
    reports: &mut [(Report, View)],
    args: &AuditArgs,
    targets: &[Target],
) -> Result<(), String> {
    let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    for target in targets {
        let made = files.len();
        if target.is_dir {
            files.extend(a_file_a_service(reports, &target.path));
        } else {
            let mut bytes = Vec::new();
            let style = Style { color: false, width: 100 };
            write(reports, target.format, asked(args), style, &mut bytes)
                .map_err(|e| format!("error: {}: {e}", target.path.display()))?;
            files.push((target.path.clone(), bytes));
        }
        for (path, _) in files.get(made..).unwrap_or_default() {
            for ((report, _), root) in reports.iter().zip(&args.paths) {
                refuse_sources(path, target.format, root, &report.delivery.tree)?;
            }
        }
    }
    plimsoll_source::save(&files).map_err(|e| format!("error: no report was written: {e}"))
}

/// One Markdown file a service; services of one name get numbers.
fn a_file_a_service(reports: &[(Report, View)], dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut taken = BTreeSet::new();
    for (report, view) in reports {
        let resolver = Resolver::new(report);
        for service in view.services(report) {
            let name: String = report.delivery[service.id]
                .name
                .chars()
                .take(100)
                .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' })
                .collect();
            // Not every disk tells upper case from lower.
            let name = (1..)
                .map(|n| if n == 1 { name.clone() } else { format!("{name}-{n}") })
                .find(|name| taken.insert(name.to_lowercase()))
                .unwrap_or_default();
            let text = plimsoll_render::markdown_of(report, view, &resolver, service);
            files.push((dir.join(format!("{name}.md")), text.into_bytes()));
        }
    }
    files
}

/// A report never takes the place of a source: a file that git tracks in the audited tree is
/// replaced only where it is a report of this format already, and no tracked link is followed.
fn refuse_sources(
    path: &Path,
    format: Format,
    root: &Path,
    tree: &plimsoll_source::Tree,
) -> Result<(), String> {
    let (Ok(root), Ok(path)) = (root.canonicalize(), std::path::absolute(path)) else {
        return Ok(());
    };
    let refused = |what: &str| {
        Err(format!(
            "error: {}: {what}, so no report is written over it: name another file",
            path.display().to_string().escape_debug()
        ))
    };
    for part in path.ancestors() {
        // A link on the way to this part is seen at its own turn.
        let real =
            part.parent().and_then(|dir| Some(dir.canonicalize().ok()?.join(part.file_name()?)));
        let relative = real.as_deref().and_then(|real| real.strip_prefix(&root).ok());
        let key = relative.map(|r| r.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/"));
        let Some(entry) = key.and_then(|key| tree.find(&key)).map(|file| tree.entry(file)) else {
            continue;
        };
        if entry.tracking != Tracking::Tracked {
            continue;
        }
        if matches!(entry.kind, EntryKind::Link { .. }) {
            return refused("git tracks a link there");
        }
        if !std::fs::read(part).is_ok_and(|bytes| is_ours(format, &bytes)) {
            return refused("git tracks it and it is no report of this format");
        }
    }
    Ok(())
}

/// Whether a file is empty or a report of this format.
fn is_ours(format: Format, bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim();
    text.is_empty()
        || match format {
            Format::Text => text.contains("questions answered"),
            Format::Markdown => text.contains("**Auditor:** Plimsoll"),
            Format::Json => text.contains("\"tool\":{\"name\":\"plimsoll\""),
            Format::Sarif => text.contains("\"driver\":{\"name\":\"Plimsoll\""),
            Format::Html => text.contains("<meta name=\"generator\" content=\"Plimsoll"),
            Format::Junit => {
                text.contains("<property name=\"plimsoll\"")
                    || text.ends_with("<testsuites>\n</testsuites>")
            }
            Format::Github => {
                text.lines().all(|line| line.starts_with("::") || line.starts_with("Plimsoll: "))
            }
            Format::Gitlab => {
                text == "[]" || text.starts_with('[') && text.contains("\"check_name\":")
            }
            Format::Csv => text.starts_with("\"subject\",\"path\",\"check\""),
        }
}

/// Adds to the job summary of GitHub Actions, where this runs there.
pub(crate) fn summarize(reports: &mut [(Report, View)], args: &AuditArgs) -> Result<(), String> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    for (_, view) in &mut *reports {
        view.show = show(Format::Github, args.show);
    }
    let text = plimsoll_render::github_summary(reports);
    plimsoll_source::append(Path::new(&path), &text)
        .map_err(|e| format!("error: the job summary cannot be written: {e}"))
}
