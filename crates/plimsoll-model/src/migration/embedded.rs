//! Migrations that a build puts into the program: `go:embed`, macros of Rust, resources of a jar;
//! and frameworks that run them at their start.

use plimsoll_source::{FileId, Span, TextRange, Tracking};

use super::{MigrationTool, Migrations};
use crate::Delivery;
use crate::package::{Ecosystem, Package};
use crate::path;

/// Whether the migrations are part of what is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Embedded {
    /// What stands there puts them in.
    Yes(Span),
    /// Something may.
    Perhaps(Span),
    /// Nothing does.
    No,
}

/// More source than this is not looked through.
const MAX: usize = 25 << 20;

/// Whether a build of the package puts its migrations into the program.
#[must_use]
pub fn embedded(delivery: &Delivery, migrations: &Migrations, package: &Package) -> Embedded {
    match package.ecosystem {
        Ecosystem::Go => in_go(delivery, migrations, package),
        Ecosystem::Rust => in_rust(delivery, migrations, package),
        Ecosystem::Java => {
            let is_resource = |file: &FileId| {
                let path = delivery.tree.path(*file);
                path.contains("src/main/resources/")
            };
            let first = migrations.files.iter().copied().chain(migrations.config).find(is_resource);
            match first {
                Some(file) => Embedded::Yes(Span::new(file, TextRange::new(0, 0))),
                None => Embedded::No,
            }
        }
        _ => Embedded::No,
    }
}

/// The sources of a language below a package, tests apart.
fn sources<'d>(
    delivery: &'d Delivery,
    package: &'d Package,
    end: &'static str,
) -> impl Iterator<Item = (FileId, std::sync::Arc<[u8]>)> + 'd {
    let tree = &delivery.tree;
    let is_test = |part: &str| matches!(part, "test" | "tests" | "testdata" | "vendor" | "target");
    let mut left = MAX;
    let files = tree.under(&package.dir).filter(move |&file| {
        let entry = tree.entry(file);
        let path = path::below(&package.dir, &entry.path).unwrap_or(&entry.path);
        path.ends_with(end)
            && entry.tracking != Tracking::Ignored
            && !path.ends_with("_test.go")
            && !path.split('/').any(is_test)
    });
    files.map_while(move |file| {
        let bytes = tree.read(file).unwrap_or_default();
        left = left.checked_sub(bytes.len())?;
        Some((file, bytes))
    })
}

/// `//go:embed` of the files, in a package that is the program's or that other code imports.
fn in_go(delivery: &Delivery, migrations: &Migrations, package: &Package) -> Embedded {
    let Some(&first) = migrations.files.first() else { return Embedded::No };
    let wanted = delivery.tree.path(first);
    let mut found = None;
    for (file, bytes) in sources(delivery, package, ".go") {
        if memchr::memmem::find(&bytes, b"//go:embed ").is_none() {
            continue;
        }
        let text = String::from_utf8_lossy(&bytes);
        let dir = path::parent(delivery.tree.path(file)).to_owned();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let start = at;
            at += line.len();
            let Some(patterns) = line.strip_prefix("//go:embed ") else { continue };
            let covers = |pattern: &str| {
                let pattern = pattern.trim_matches(['"', '`']).trim_start_matches("all:");
                let full =
                    if dir.is_empty() { pattern.to_owned() } else { format!("{dir}/{pattern}") };
                path::glob(&full, wanted)
                    || path::below(&full, wanted).is_some()
                    || path::ancestors(path::parent(wanted)).any(|dir| path::glob(&full, dir))
            };
            if patterns.split_whitespace().any(covers) {
                let span = Span::new(file, TextRange::of(start, start + line.trim_end().len()));
                let main = text.lines().any(|line| line.trim() == "package main");
                found = Some((span, main, dir.clone()));
            }
        }
    }
    let Some((span, main, dir)) = found else { return Embedded::No };
    let below = path::below(&package.dir, &dir).unwrap_or(&dir);
    let module = package.name.as_deref().unwrap_or_default();
    let import =
        if below.is_empty() { format!("\"{module}\"") } else { format!("\"{module}/{below}\"") };
    let imported = || {
        sources(delivery, package, ".go").any(|(file, bytes)| {
            path::parent(delivery.tree.path(file)) != dir
                && memchr::memmem::find(&bytes, import.as_bytes()).is_some()
        })
    };
    if main || imported() { Embedded::Yes(span) } else { Embedded::Perhaps(span) }
}

/// `sqlx::migrate!()` and `embed_migrations!()` outside of tests.
fn in_rust(delivery: &Delivery, migrations: &Migrations, package: &Package) -> Embedded {
    let tools = [MigrationTool::Sqlx, MigrationTool::Diesel];
    if !tools.contains(&migrations.tool) && migrations.tool != MigrationTool::Other {
        return Embedded::No;
    }
    let mut perhaps = None;
    for (file, bytes) in sources(delivery, package, ".rs") {
        let words = [&b"migrate!("[..], b"embed_migrations!(", b"embed_migrations!"];
        let Some(at) = words.iter().find_map(|word| memchr::memmem::find(&bytes, word)) else {
            continue;
        };
        let before = bytes.get(..at).unwrap_or_default();
        let line = before.rsplit(|b| *b == b'\n').next().unwrap_or_default();
        if line.trim_ascii_start().starts_with(b"//") {
            continue;
        }
        let span = Span::new(file, TextRange::of(at, at + b"migrate!".len()));
        // A test's own module stands behind what ships.
        if memchr::memmem::find(before, b"cfg(test)").is_none() {
            return Embedded::Yes(span);
        }
        perhaps = perhaps.or(Some(span));
    }
    perhaps.map_or(Embedded::No, Embedded::Perhaps)
}

/// The declarations by which Spring Boot runs the migrations when it starts, unless a setting says
/// otherwise: the framework's and the tool's. Source: Spring Boot's «Database Initialization».
#[must_use]
pub fn run_by_framework(delivery: &Delivery, package: &Package) -> Option<[Span; 2]> {
    if package.ecosystem != Ecosystem::Java {
        return None;
    }
    let boot = package.dependencies.iter().find(|d| d.name.starts_with("spring-boot-starter"))?;
    let tools = ["flyway-core", "liquibase-core"];
    let tool = package.dependencies.iter().find(|d| tools.contains(&&*d.name))?;
    let tree = &delivery.tree;
    let switched = tree.under(&package.dir).any(|file| {
        let path = tree.path(file);
        let name = path::name(path);
        let is_one = name.starts_with("application")
            && [".properties", ".yml", ".yaml"].iter().any(|end| name.ends_with(end));
        is_one
            && path.contains("src/main/resources/")
            && tree.read(file).is_ok_and(|bytes| {
                let text = String::from_utf8_lossy(&bytes);
                let named = text.contains("flyway") || text.contains("liquibase");
                named && text.contains("enabled")
            })
    });
    (!switched).then_some([boot.span, tool.span])
}
