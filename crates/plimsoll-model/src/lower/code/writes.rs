//! Files that the program writes.

use plimsoll_source::Span;

use super::eval::{Args, Eval, Phase};
use super::facts::text;
use super::value::Value;
use crate::code::Write;
use crate::fact::Fact;

impl Eval<'_> {
    /// Functions that write files or put paths together; `None` where it is none.
    pub(super) fn write_external(
        &mut self,
        package: &str,
        name: &str,
        args: &Args,
        at: Span,
    ) -> Option<Value> {
        const WRITERS: [&str; 16] = [
            "writeFile",
            "writeFileSync",
            "appendFile",
            "appendFileSync",
            "createWriteStream",
            "mkdir",
            "mkdirSync",
            "mkdtemp",
            "mkdtempSync",
            "outputFile",
            "outputFileSync",
            "ensureDir",
            "ensureDirSync",
            "outputJson",
            "writeJson",
            "mkdirp",
        ];
        let last = name.rsplit('.').next().unwrap_or(name);
        match package {
            "node:fs" | "node:fs/promises" | "fs-extra" | "graceful-fs" => {
                if WRITERS.contains(&last) {
                    let dir = last.starts_with("mkdir") || last.starts_with("ensureDir");
                    self.writes(&args.get(0), dir, at);
                } else if matches!(
                    last,
                    "copyFile" | "copyFileSync" | "rename" | "renameSync" | "cp"
                ) {
                    self.writes(&args.get(1), false, at);
                }
                self.leave_for_later(args);
                if self.phase == Phase::Request {
                    self.ask(at);
                }
                Some(Value::Inert)
            }
            "node:path" if last == "dirname" && is_here(&args.get(0), "__filename") => {
                Some(Value::external(":global", &["__dirname"]))
            }
            // What lies beside the module, as a path of the tree.
            "node:path"
                if matches!(last, "join" | "resolve") && is_here(&args.get(0), "__dirname") =>
            {
                let dir = crate::path::parent(self.graph.cx.tree.path(at.file));
                let below = args.list.get(1..).unwrap_or_default();
                let texts: Option<Vec<_>> = below.iter().map(Value::as_text).collect();
                let found = texts.filter(|_| !args.open);
                let found = found.and_then(|texts| crate::path::join(dir, &texts.join("/")));
                Some(found.map_or(Value::Unknown, |found| Value::external(":dir", &[&found])))
            }
            "node:path" if matches!(last, "join" | "resolve") => {
                let texts: Option<Vec<_>> = args.list.iter().map(|v| v.unset().as_text()).collect();
                let mut made = match texts {
                    Some(texts) if !args.open => Value::text(&join(&texts, last == "resolve")),
                    // Wherever it lies, it is data.
                    _ => match args.list.last().and_then(Value::as_text) {
                        Some(name) if name.ends_with(".json") => Value::external(":data", &[&name]),
                        _ => Value::Unknown,
                    },
                };
                for value in &args.list {
                    made = value.depends(made);
                }
                Some(made)
            }
            "winston" if last == "File" => {
                let options = args.get(0);
                let path = self.option(&options, "filename");
                let dir = self.option(&options, "dirname");
                let path = match (dir.as_text(), path.as_text()) {
                    (Some(dir), Some(path)) => Value::text(&format!("{dir}/{path}")),
                    _ => path,
                };
                self.writes(&path, false, at);
                Some(Value::Inert)
            }
            "winston-daily-rotate-file" => {
                let path = self.option(&args.get(0), "dirname");
                self.writes(&path, true, at);
                Some(Value::Inert)
            }
            "pino" if matches!(last, "destination") => {
                let path = match args.get(0) {
                    options @ Value::Object(_) => self.option(&options, "dest"),
                    path => path,
                };
                if !matches!(path, Value::Number(_) | Value::Undefined) {
                    self.writes(&path, false, at);
                }
                Some(Value::Inert)
            }
            "multer" if last == "multer" || last.is_empty() => {
                let path = self.option(&args.get(0), "dest");
                if !matches!(path, Value::Undefined) {
                    self.writes(&path, true, at);
                }
                Some(Value::Inert)
            }
            _ => None,
        }
    }

    pub(super) fn writes(&mut self, path: &Value, dir: bool, at: Span) {
        if self.facts.writes.iter().any(|known| known.at == at) {
            return;
        }
        let path = match text(path, at) {
            Fact::Absent => Fact::Unknown(crate::Why::Dynamic, Some(at)),
            known => known,
        };
        self.facts.writes.push(Write { path, dir, at });
    }
}

/// Whether a value is the module's own path, or the directory of it.
fn is_here(value: &Value, name: &str) -> bool {
    matches!(value, Value::External(path) if path.0 == ":global" && path.1 == [name])
}

/// `path.join`, `path.resolve`.
fn join(parts: &[std::rc::Rc<str>], resolve: bool) -> String {
    let mut all = String::new();
    for part in parts {
        if resolve && part.starts_with('/') {
            all.clear();
        }
        if !all.is_empty() && !all.ends_with('/') {
            all.push('/');
        }
        all.push_str(part);
    }
    let absolute = all.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for part in all.split('/') {
        match part {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            part => kept.push(part),
        }
    }
    format!("{}{}", if absolute { "/" } else { "" }, kept.join("/"))
}
