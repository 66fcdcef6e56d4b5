//! Where reports go: standard output, files, and a closed pipe.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use plimsoll_audit::{Report, Resolver};
use plimsoll_render::{Style, View};

use crate::cli::Format;

/// Says on standard error what is wrong with the request.
pub(crate) fn complain(message: &str) {
    let _ = writeln!(io::stderr(), "{message}");
}

/// How standard output is.
pub(crate) fn style(no_color: bool) -> Style {
    let terminal = io::stdout().is_terminal();
    let allowed = !no_color && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
    let width = terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0));
    Style { color: terminal && allowed && !dumb, width: if terminal { width.max(40) } else { 100 } }
}

/// Writes reports to standard output. A reader that stops reading is no mistake.
pub(crate) fn print(
    reports: &[(Report, View)],
    format: Format,
    style: Style,
) -> Result<(), String> {
    let stdout = io::stdout();
    let mut out = BufWriter::new(stdout.lock());
    let written = write(reports, format, style, &mut out).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(format!("error: the report cannot be written: {error}")),
        Ok(()) => Ok(()),
    }
}

fn write(
    reports: &[(Report, View)],
    format: Format,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Text => {
            for (report, view) in reports {
                out.write_all(plimsoll_render::terminal(report, view, style).as_bytes())?;
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
    }
}

/// Writes reports to `FORMAT=FILE`; `markdown=DIR/` to one file a service.
pub(crate) fn save(reports: &[(Report, View)], spec: &str) -> Result<(), String> {
    let (format, target) = spec
        .split_once('=')
        .ok_or_else(|| format!("error: `--output {}`: write FORMAT=FILE", spec.escape_debug()))?;
    let format = match format {
        "text" => Format::Text,
        "markdown" => Format::Markdown,
        "json" => Format::Json,
        other => {
            return Err(format!(
                "error: `--output {}`: there is no format `{}`; there are text, markdown and json",
                spec.escape_debug(),
                other.escape_debug()
            ));
        }
    };
    let failed = |path: &Path, error: io::Error| format!("error: {}: {error}", path.display());
    if format == Format::Markdown && target.ends_with('/') {
        let dir = Path::new(target);
        std::fs::create_dir_all(dir).map_err(|e| failed(dir, e))?;
        for (report, view) in reports {
            let resolver = Resolver::new(report);
            for service in view.services(report) {
                let name: String = report.delivery[service.id]
                    .name
                    .chars()
                    .map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' })
                    .collect();
                let path = dir.join(format!("{name}.md"));
                let text = plimsoll_render::markdown_of(report, view, &resolver, service);
                std::fs::write(&path, text).map_err(|e| failed(&path, e))?;
            }
        }
        return Ok(());
    }
    // The whole report is made before the file is touched: no half a report.
    let mut bytes = Vec::new();
    let path = Path::new(target);
    write(reports, format, Style { color: false, width: 100 }, &mut bytes)
        .map_err(|e| failed(path, e))?;
    std::fs::write(path, bytes).map_err(|e| failed(path, e))
}
