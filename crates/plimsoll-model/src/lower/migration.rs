//! Migrations: which tool keeps them, what its configuration says of where, and the files there.

pub(super) mod literals;

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_source::{FileId, Span, TextRange, Tracking};

use super::cx::Cx;
use super::package::vendored;
use crate::fact::{Fact, Why};
use crate::migration::{MigrationTool, Migrations};
use crate::package::script::{Call, calls};
use crate::package::{Ecosystem, Package};
use crate::path;
use crate::pipeline::RoleKind;
use crate::script::Program;

/// Where migrations lie, by custom, for want of a configuration that says so.
const CUSTOMARY: [&str; 9] = [
    "migrations",
    "src/migrations",
    "src/migration",
    "db/migrations",
    "src/db/migrations",
    "database/migrations",
    "src/database/migrations",
    "sql/migrations",
    "scripts/migrations",
];

/// The migrations of a tree, in (directory, tool) order.
pub(super) fn read(cx: &Cx<'_>, packages: &[Package], programs: &[Program]) -> Vec<Migrations> {
    let mut found: Vec<Migrations> = packages
        .iter()
        .filter(|package| package.is_node())
        .filter_map(|package| of_node(cx, packages, package, programs))
        .collect();
    let taken: BTreeSet<FileId> = found.iter().flat_map(|m| m.files.iter().copied()).collect();
    found.extend(others(cx, packages).into_iter().filter(|migrations| {
        migrations.files.is_empty() || !migrations.files.iter().any(|file| taken.contains(file))
    }));
    found.sort_by(|a, b| (&a.dir, a.tool, a.at).cmp(&(&b.dir, b.tool, b.at)));
    found
}

/// A file that git does not ignore.
fn find(cx: &Cx<'_>, dir: &str, name: &str) -> Option<FileId> {
    let file = cx.tree.find(&path::join(dir, name)?)?;
    (cx.tree.entry(file).tracking != Tracking::Ignored).then_some(file)
}

fn first(cx: &Cx<'_>, dir: &str, names: &[&str]) -> Option<FileId> {
    names.iter().find_map(|name| find(cx, dir, name))
}

fn start(file: FileId) -> Span {
    Span::new(file, TextRange::new(0, 0))
}

/// The migration files directly below a directory, in order.
fn files(cx: &Cx<'_>, dir: &str, ends: &[&str]) -> Vec<FileId> {
    cx.tree
        .under(dir)
        .filter(|&file| {
            let entry = cx.tree.entry(file);
            path::parent(&entry.path) == dir
                && entry.tracking != Tracking::Ignored
                && ends.iter().any(|end| entry.path.ends_with(end))
                && !entry.path.ends_with(".d.ts")
                && !path::name(&entry.path).starts_with("index.")
        })
        .collect()
}

/// The files of a name below a directory, in order.
fn below(cx: &Cx<'_>, dir: &str, name: &str) -> Vec<FileId> {
    let found = cx.tree.under(dir);
    found.filter(|&file| path::name(cx.tree.path(file)) == name).collect()
}

/// The files below a directory that may be changelogs of Liquibase's, in order.
fn changelogs(cx: &Cx<'_>, dir: &str) -> Vec<FileId> {
    const ENDS: [&str; 5] = [".sql", ".xml", ".yaml", ".yml", ".json"];
    let found = cx.tree.under(dir).filter(|&file| {
        let entry = cx.tree.entry(file);
        entry.tracking != Tracking::Ignored && ENDS.iter().any(|end| entry.path.ends_with(end))
    });
    found.collect()
}

const CODE: [&str; 6] = [".js", ".ts", ".cjs", ".mjs", ".mts", ".sql"];

/// The migrations of a Node package, by the first tool that leaves a sign.
fn of_node(
    cx: &Cx<'_>,
    packages: &[Package],
    package: &Package,
    programs: &[Program],
) -> Option<Migrations> {
    knex(cx, packages, package)
        .or_else(|| prisma(cx, packages, package, programs))
        .or_else(|| sequelize(cx, packages, package))
        .or_else(|| drizzle(cx, package))
        .or_else(|| by_dependency(cx, packages, package))
}

/// The commands of a package's scripts that run a binary. More scripts than this are no package's.
fn uses<'a>(packages: &'a [Package], package: &'a Package, binary: &str) -> Vec<Call<'a>> {
    let named = package.scripts.iter().filter(|script| script.command.contains(binary));
    named
        .take(50)
        .flat_map(|script| calls(packages, package, script))
        .filter(|call| call.words.first().is_some_and(|word| word.as_deref() == Some(binary)))
        .collect()
}

/// The value of an option in one of these commands, relative to the root.
fn option(calls: &[Call<'_>], names: &[&str]) -> Option<String> {
    calls.iter().find_map(|call| {
        let at =
            call.words.iter().position(|w| w.as_deref().is_some_and(|w| names.contains(&w)))?;
        path::join(call.cwd.as_deref()?, call.words.get(at + 1)?.as_deref()?)
    })
}

/// What loads TypeScript at run time, where there is TypeScript to load.
fn loader(
    cx: &Cx<'_>,
    package: &Package,
    config: Option<FileId>,
    files: &[FileId],
) -> Option<String> {
    let typescript = |file: &FileId| {
        let path = cx.tree.path(*file);
        path.ends_with(".ts") || path.ends_with(".mts")
    };
    if !config.iter().chain(files).any(typescript) {
        return None;
    }
    let known = ["ts-node", "tsx", "@swc-node/register", "esbuild-register", "sucrase"];
    let declared = known.iter().find(|name| package.dependency(name).is_some());
    Some((*declared.unwrap_or(&"ts-node")).to_owned())
}

fn made(
    cx: &Cx<'_>,
    package: &Package,
    tool: MigrationTool,
    config: Option<FileId>,
    directory: Fact<String>,
    at: Span,
) -> Migrations {
    let files = directory.known().map(|dir| files(cx, dir, &CODE)).unwrap_or_default();
    let loader = loader(cx, package, config, &files);
    let dir = package.dir.clone();
    Migrations { tool, dir, config, named: None, directory, files, loader, at }
}

/// The source of a configuration, if it is text.
fn source(cx: &Cx<'_>, file: FileId) -> Option<String> {
    String::from_utf8(cx.bytes(file).ok()?.to_vec()).ok()
}

fn knex(cx: &Cx<'_>, packages: &[Package], package: &Package) -> Option<Migrations> {
    const NAMES: [&str; 5] =
        ["knexfile.ts", "knexfile.js", "knexfile.cjs", "knexfile.mjs", "knexfile.mts"];
    let calls = uses(packages, package, "knex");
    let named = option(&calls, &["--knexfile"]);
    let config = named
        .as_deref()
        .and_then(|path| find(cx, "", path))
        .or_else(|| first(cx, &package.dir, &NAMES))
        .or_else(|| {
            ["src", "db", "config", "database", "src/db", "src/config", "src/database"]
                .iter()
                .find_map(|dir| first(cx, &path::join(&package.dir, dir)?, &NAMES))
        });
    let Some(config) = config else {
        // Without a configuration, commands that migrate need one; others are none of ours.
        let migrates = calls
            .iter()
            .find(|call| call.words.iter().flatten().any(|word| word.starts_with("migrate")))?;
        let directory = Fact::Unknown(Why::Unsupported, Some(migrates.script.span));
        let at = migrates.script.span;
        return Some(made(cx, package, MigrationTool::Knex, None, directory, at));
    };
    let base = path::parent(cx.tree.path(config)).to_owned();
    let directory = match source(cx, config) {
        None => Fact::Unknown(Why::Unreadable, Some(start(config))),
        Some(text) => {
            literals::directory(&text, config, "migrations", "directory", &base, "migrations")
        }
    };
    let at = directory.span().unwrap_or(start(config));
    let made = made(cx, package, MigrationTool::Knex, Some(config), directory, at);
    Some(Migrations { named: told_when_migrating(package, calls), ..made })
}

/// The configuration that every command names which brings the database up to date; `None` where
/// one names another or none, or is run in a way that is not followed.
fn told_when_migrating(package: &Package, mut calls: Vec<Call<'_>>) -> Option<String> {
    const UP: [&str; 2] = ["migrate:latest", "migrate:up"];
    calls.retain(|call| call.words.iter().flatten().any(|word| UP.contains(&&**word)));
    let mut migrating =
        package.scripts.iter().filter(|script| UP.iter().any(|up| script.command.contains(up)));
    let followed = |name: &str| calls.iter().any(|call| call.script.name == name);
    if !migrating.all(|script| followed(&script.name)) {
        return None;
    }
    let mut told = calls.iter().map(|call| option(std::slice::from_ref(call), &["--knexfile"]));
    let first = told.next()??;
    told.all(|other| other.as_deref() == Some(&*first)).then_some(first)
}

fn prisma(
    cx: &Cx<'_>,
    packages: &[Package],
    package: &Package,
    programs: &[Program],
) -> Option<Migrations> {
    let calls = uses(packages, package, "prisma");
    let schema = option(&calls, &["--schema"])
        .and_then(|path| find(cx, "", &path))
        .or_else(|| first(cx, &package.dir, &["prisma/schema.prisma", "schema.prisma"]))?;
    let dir = path::join(path::parent(cx.tree.path(schema)), "migrations")?;
    let inside: Vec<FileId> =
        cx.tree.under(&dir).filter(|&file| cx.tree.path(file).ends_with(".sql")).collect();
    let migrates =
        calls.iter().any(|call| call.words.iter().flatten().any(|word| word == "migrate"));
    // `npx prisma migrate deploy` in the entrypoint beside the manifest.
    let by_script = || {
        let beside = programs
            .iter()
            .filter(|program| path::below(&package.dir, cx.tree.path(program.file)).is_some());
        let mut roles = beside.flat_map(|program| &program.roles);
        roles.any(|role| {
            let says = |name: &str| role.words.iter().any(|word| word == name);
            role.kind == RoleKind::Migrate && says("prisma") && says("migrate")
        })
    };
    // A schema alone is pushed, or used to read: there is nothing to migrate.
    if inside.is_empty() && !migrates && !by_script() {
        return None;
    }
    Some(Migrations {
        tool: MigrationTool::Prisma,
        dir: package.dir.clone(),
        config: Some(schema),
        named: None,
        directory: Fact::default_of(dir),
        files: inside,
        loader: None,
        at: start(schema),
    })
}

fn sequelize(cx: &Cx<'_>, packages: &[Package], package: &Package) -> Option<Migrations> {
    let tool = MigrationTool::Sequelize;
    if let Some(config) = first(cx, &package.dir, &[".sequelizerc", ".sequelizerc.js"]) {
        let directory = match source(cx, config) {
            None => Fact::Unknown(Why::Unreadable, Some(start(config))),
            Some(text) => literals::value(&text, config, "migrations-path", &package.dir)
                .unwrap_or_else(|| default_dir(&package.dir, "migrations")),
        };
        return Some(made(cx, package, tool, Some(config), directory, start(config)));
    }
    let calls =
        [uses(packages, package, "sequelize"), uses(packages, package, "sequelize-cli")].concat();
    let call = calls
        .iter()
        .find(|call| call.words.iter().flatten().any(|word| word.starts_with("db:migrate")))?;
    let directory = match option(&calls, &["--migrations-path"]) {
        Some(dir) => Fact::declared(dir, call.script.span),
        None => default_dir(&package.dir, "migrations"),
    };
    Some(made(cx, package, tool, None, directory, call.script.span))
}

fn default_dir(dir: &str, name: &str) -> Fact<String> {
    path::join(dir, name).map_or(Fact::Absent, Fact::default_of)
}

fn drizzle(cx: &Cx<'_>, package: &Package) -> Option<Migrations> {
    const NAMES: [&str; 4] =
        ["drizzle.config.ts", "drizzle.config.js", "drizzle.config.mjs", "drizzle.config.json"];
    let config = first(cx, &package.dir, &NAMES)?;
    let directory = match source(cx, config) {
        None => Fact::Unknown(Why::Unreadable, Some(start(config))),
        Some(text) => literals::value(&text, config, "out", &package.dir)
            .unwrap_or_else(|| default_dir(&package.dir, "drizzle")),
    };
    let mut found =
        made(cx, package, MigrationTool::Drizzle, Some(config), directory, start(config));
    // The kit makes SQL and is not needed where it is run.
    found.loader = None;
    Some(found)
}

/// Tools that are known by their package, and migrations that no tool is known for.
fn by_dependency(cx: &Cx<'_>, packages: &[Package], package: &Package) -> Option<Migrations> {
    let present = |dir: &&str| {
        path::join(&package.dir, dir).is_some_and(|dir| !files(cx, &dir, &CODE).is_empty())
    };
    let customary =
        CUSTOMARY.iter().find(|dir| present(dir)).and_then(|dir| path::join(&package.dir, dir));
    let tools: [(&str, MigrationTool, &[&str]); 5] = [
        ("typeorm", MigrationTool::TypeOrm, &[]),
        ("node-pg-migrate", MigrationTool::NodePgMigrate, &["-m", "--migrations-dir"]),
        ("db-migrate", MigrationTool::DbMigrate, &["-m", "--migrations-dir"]),
        ("sequelize", MigrationTool::Sequelize, &[]),
        ("knex", MigrationTool::Knex, &[]),
    ];
    for (name, tool, options) in tools {
        let Some(dependency) = package.dependency(name) else { continue };
        let calls = uses(packages, package, name);
        let config = match tool {
            MigrationTool::TypeOrm => {
                first(cx, &package.dir, &["ormconfig.json", "ormconfig.js", "ormconfig.ts"])
            }
            MigrationTool::DbMigrate => first(cx, &package.dir, &["database.json"]),
            _ => None,
        };
        let named = option(&calls, options).map(|dir| Fact::declared(dir, dependency.span));
        let here = customary.clone().map(|dir| Fact::inferred(dir, None));
        let Some(directory) = named.or(here) else { continue };
        return Some(made(cx, package, tool, config, directory, dependency.span));
    }
    let dir = customary?;
    let at = files(cx, &dir, &CODE).first().copied()?;
    let directory = Fact::inferred(dir, Some(start(at)));
    Some(made(cx, package, MigrationTool::Other, None, directory, start(at)))
}

/// Tools of other languages, and of none, by the files that they keep.
fn others(cx: &Cx<'_>, packages: &[Package]) -> Vec<Migrations> {
    let owners: BTreeSet<(String, Ecosystem)> =
        packages.iter().map(|package| (package.dir.clone(), package.ecosystem)).collect();
    // Beside a package of Node's, which is asked first, the other one keeps them.
    let dirs: BTreeMap<&str, usize> =
        packages.iter().enumerate().rev().map(|(at, package)| (&*package.dir, at)).collect();
    let mut found = Vec::new();
    let mut sql: BTreeMap<String, Vec<FileId>> = BTreeMap::new();
    let mut django: Vec<FileId> = Vec::new();
    let mut rails: BTreeMap<String, Vec<FileId>> = BTreeMap::new();
    let mut laravel: BTreeMap<String, Vec<FileId>> = BTreeMap::new();
    let mut managed: BTreeSet<String> = BTreeSet::new();
    let mut others: BTreeMap<String, Vec<FileId>> = BTreeMap::new();
    let mut configured = Vec::new();
    for (file, entry) in cx.tree.entries() {
        if entry.tracking == Tracking::Ignored || vendored(&entry.path) {
            continue;
        }
        let (dir, name) = (path::parent(&entry.path), path::name(&entry.path));
        match name {
            "alembic.ini" => configured.push((MigrationTool::Alembic, file)),
            "flyway.conf" | "flyway.toml" => configured.push((MigrationTool::Flyway, file)),
            "liquibase.properties" => configured.push((MigrationTool::Liquibase, file)),
            "diesel.toml" => configured.push((MigrationTool::Diesel, file)),
            "manage.py" if says(cx, file, b"django") => {
                managed.insert(dir.to_owned());
            }
            _ if name.starts_with("db.changelog") => {
                configured.push((MigrationTool::Liquibase, file));
            }
            _ if name.ends_with(".sql") && in_migrations(dir) => {
                sql.entry(dir.to_owned()).or_default().push(file);
            }
            _ if name.ends_with(".php") && dir.ends_with("database/migrations") => {
                laravel.entry(dir.to_owned()).or_default().push(file);
            }
            _ if [".exs", ".cs", ".go", ".php"].iter().any(|end| name.ends_with(end))
                && in_migrations(&dir.to_ascii_lowercase())
                && name.trim_start_matches("Version").starts_with(|c: char| c.is_ascii_digit()) =>
            {
                others.entry(dir.to_owned()).or_default().push(file);
            }
            _ if name.ends_with(".rb") && (dir == "db/migrate" || dir.ends_with("/db/migrate")) => {
                rails.entry(dir.to_owned()).or_default().push(file);
            }
            _ if name.ends_with(".py")
                && path::name(dir) == "migrations"
                && name.starts_with(|c: char| c.is_ascii_digit()) =>
            {
                django.push(file);
            }
            _ => {}
        }
    }
    let owner = |dir: &str, ecosystem: Ecosystem| -> String {
        let owns = |dir: &&str| owners.contains(&((*dir).to_owned(), ecosystem));
        path::ancestors(dir).find(owns).unwrap_or(dir).to_owned()
    };
    for (tool, config) in configured {
        let dir = path::parent(cx.tree.path(config)).to_owned();
        let directory = configured_dir(cx, tool, config, &dir);
        let ends = [".py", ".sql", ".xml", ".yaml", ".yml"];
        let files = directory.known().map(|dir| match tool {
            // One directory a migration.
            MigrationTool::Diesel => below(cx, dir, "up.sql"),
            // What a changelog includes lies below it.
            MigrationTool::Liquibase => changelogs(cx, dir),
            _ => files(cx, dir, &ends),
        });
        let files = files.unwrap_or_default();
        let dir = match tool {
            MigrationTool::Alembic => owner(&dir, Ecosystem::Python),
            MigrationTool::Diesel => owner(&dir, Ecosystem::Rust),
            _ => owner(&dir, Ecosystem::Java),
        };
        if !found.iter().any(|m: &Migrations| m.tool == tool && m.dir == dir) {
            let (config, at) = (Some(config), start(config));
            found.push(Migrations {
                tool,
                dir,
                config,
                named: None,
                directory,
                files,
                loader: None,
                at,
            });
        }
    }
    for dir in managed {
        let files: Vec<FileId> = django
            .iter()
            .copied()
            .filter(|&file| path::below(&dir, cx.tree.path(file)).is_some())
            .collect();
        let Some(&at) = files.first() else { continue };
        let app = path::parent(cx.tree.path(at)).to_owned();
        // Every application has its own.
        let same = files.iter().all(|&file| path::parent(cx.tree.path(file)) == app);
        let directory = if same {
            Fact::inferred(app, Some(start(at)))
        } else {
            Fact::Unknown(Why::Unsupported, Some(start(at)))
        };
        let (tool, at, dir) = (MigrationTool::Django, start(at), owner(&dir, Ecosystem::Python));
        found.push(Migrations {
            tool,
            dir,
            config: None,
            named: None,
            directory,
            files,
            loader: None,
            at,
        });
    }
    for (dir, files) in laravel.into_iter().chain(rails).chain(sql).chain(others) {
        let Some(&at) = files.first() else { continue };
        if found.iter().any(|m| m.directory.known() == Some(&dir)) {
            continue;
        }
        let owner = path::ancestors(&dir).find_map(|above| {
            let &at = dirs.get(above)?;
            packages.get(at)
        });
        let tool = match by_files(cx, &dir, &files, owner) {
            Some(tool) => tool,
            // Node's own were asked for before.
            None if owner.is_some_and(Package::is_node) => continue,
            None => MigrationTool::Other,
        };
        let owner = owner.map_or_else(|| path::parent(&dir).to_owned(), |p| p.dir.clone());
        found.push(Migrations {
            tool,
            dir: owner,
            config: None,
            named: None,
            directory: Fact::inferred(dir, Some(start(at))),
            files,
            loader: None,
            at: start(at),
        });
    }
    found
}

/// Whether a file holds a word.
fn says(cx: &Cx<'_>, file: FileId, word: &[u8]) -> bool {
    cx.bytes(file).is_ok_and(|bytes| memchr::memmem::find(&bytes, word).is_some())
}

/// Whether a directory is, by its name, one of migrations (or one of a migration among them).
fn in_migrations(dir: &str) -> bool {
    matches!(path::name(dir), "migrations" | "migration" | "migrate")
}

/// The tool that the names, or the first, of some SQL files tell.
fn by_files(
    cx: &Cx<'_>,
    dir: &str,
    files: &[FileId],
    owner: Option<&Package>,
) -> Option<MigrationTool> {
    let &first = files.first()?;
    let name = path::name(cx.tree.path(first));
    if name.ends_with(".rb") {
        return Some(MigrationTool::Rails);
    }
    if name.ends_with(".php") {
        let dir = owner.map(|owner| &*owner.dir);
        let artisan = dir.and_then(|dir| find(cx, dir, "artisan"));
        let doctrine = || {
            let manifest = cx.bytes(find(cx, dir?, "composer.json")?).ok()?;
            memchr::memmem::find(&manifest, b"doctrine/").map(|_| MigrationTool::Doctrine)
        };
        return artisan.map(|_| MigrationTool::Laravel).or_else(doctrine);
    }
    if name.ends_with(".cs") {
        return Some(MigrationTool::EfCore);
    }
    if name.ends_with(".exs") {
        return Some(MigrationTool::Ecto);
    }
    if name.starts_with('V') && name.contains("__") {
        return Some(MigrationTool::Flyway);
    }
    let text = cx.bytes(first).ok()?;
    if memchr::memmem::find(&text, b"+goose Up").is_some() {
        return Some(MigrationTool::Goose);
    }
    let cargo = owner.filter(|package| package.ecosystem == Ecosystem::Rust);
    if let Some(cargo) = cargo
        && let Ok(manifest) = cx.bytes(cargo.manifest)
        && memchr::memmem::find(&manifest, b"sqlx").is_some()
        && path::parent(dir) == cargo.dir
    {
        return Some(MigrationTool::Sqlx);
    }
    (name.ends_with(".up.sql") || name.ends_with(".down.sql"))
        .then_some(MigrationTool::GolangMigrate)
}

/// Where a configuration of another language says that the migrations are.
fn configured_dir(cx: &Cx<'_>, tool: MigrationTool, config: FileId, dir: &str) -> Fact<String> {
    match tool {
        MigrationTool::Alembic => {
            let Some(text) = source(cx, config) else {
                return Fact::Unknown(Why::Unreadable, Some(start(config)));
            };
            let mut offset = 0;
            for line in text.split_inclusive('\n') {
                let at = offset;
                offset += line.len();
                let Some((key, value)) = line.split_once('=') else { continue };
                let span = Span::new(config, TextRange::of(at, at + line.trim_end().len()));
                match key.trim() {
                    "version_locations" => {
                        return Fact::Unknown(Why::Unsupported, Some(span));
                    }
                    "script_location" => {}
                    _ => continue,
                }
                let value = value.trim().trim_start_matches("%(here)s/");
                return match path::join(dir, &format!("{value}/versions")) {
                    Some(found) if !value.contains(['%', ':']) => Fact::declared(found, span),
                    _ => Fact::Unknown(Why::Dynamic, Some(span)),
                };
            }
            // Flask-Migrate keeps its configuration among what it configures.
            match path::join(dir, "versions").filter(|_| find(cx, dir, "env.py").is_some()) {
                Some(found) => Fact::inferred(found, Some(start(config))),
                None => Fact::Unknown(Why::Unsupported, Some(start(config))),
            }
        }
        MigrationTool::Liquibase if path::name(cx.tree.path(config)).starts_with("db.c") => {
            Fact::inferred(dir.to_owned(), Some(start(config)))
        }
        MigrationTool::Flyway => {
            let text = source(cx, config).unwrap_or_default();
            let mut named = text.lines().filter_map(|line| line.split_once('='));
            let value = named.find(|(key, _)| key.trim().ends_with("locations"));
            let value = value.map(|(_, value)| value.trim().trim_matches(['"', '[', ']', ' ']));
            let to = value.and_then(|value| value.strip_prefix("filesystem:"));
            let to = to.filter(|to| !to.contains([',', '$']));
            match to.and_then(|to| path::join(dir, to)) {
                Some(found) => Fact::declared(found, start(config)),
                None => Fact::Unknown(Why::Unsupported, Some(start(config))),
            }
        }
        MigrationTool::Diesel => default_dir(dir, "migrations"),
        _ => Fact::Unknown(Why::Unsupported, Some(start(config))),
    }
}

#[cfg(test)]
mod tests;
