//! Database migrations: the tool, its configuration and its files.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use plimsoll_source::{FileId, Span, TextRange, Tracking, Tree};

use crate::Delivery;
use crate::fact::Fact;
use crate::path;

mod embedded;
mod liquibase;
mod newest;
mod undo;

pub use embedded::{Embedded, embedded, run_by_framework};
pub(crate) use newest::newest;
pub use undo::{Undo, undos};

/// The migrations of one package.
#[derive(Clone, Debug)]
pub struct Migrations {
    /// The tool.
    pub tool: MigrationTool,
    /// The package's directory, relative to the root.
    pub dir: String,
    /// The tool's configuration file (`knexfile.ts`), where there is one.
    pub config: Option<FileId>,
    /// The configuration that the package's commands name, relative to the root, where they name
    /// one: a file of the tree, or one that a build makes.
    pub named: Option<String>,
    /// The directory of the migrations, relative to the root, as the configuration says.
    pub directory: Fact<String>,
    /// The migration files, in order.
    pub files: Vec<FileId>,
    /// What must be installed to read them at run time (`ts-node` for a `.ts` configuration).
    pub loader: Option<String>,
    /// Where the first sign of the tool stands.
    pub at: Span,
}

impl Migrations {
    /// The files that say how the tool connects: its configuration, and the program beside the
    /// versions that Alembic starts.
    #[must_use]
    pub fn settings(&self, tree: &Tree) -> Vec<FileId> {
        let versions = self.directory.known().filter(|_| self.tool == MigrationTool::Alembic);
        let program = versions.and_then(|dir| path::join(path::parent(dir), "env.py"));
        let program = program.and_then(|program| tree.find(&program));
        self.config.into_iter().chain(program).collect()
    }
}

/// Migration tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names of the tools")]
pub enum MigrationTool {
    Knex,
    Prisma,
    TypeOrm,
    Sequelize,
    Drizzle,
    NodePgMigrate,
    DbMigrate,
    Alembic,
    Django,
    Flyway,
    Liquibase,
    Goose,
    GolangMigrate,
    Sqlx,
    Diesel,
    Rails,
    Laravel,
    /// Entity Framework Core: recognised, and not read.
    EfCore,
    /// Ecto: recognised, and not read.
    Ecto,
    /// Doctrine: recognised, and not read.
    Doctrine,
    /// There is a directory of migrations and no tool that is known.
    Other,
}

impl MigrationTool {
    /// Whether scripts of a `package.json` run it.
    #[must_use]
    pub const fn is_node(self) -> bool {
        matches!(
            self,
            Self::Knex
                | Self::Prisma
                | Self::TypeOrm
                | Self::Sequelize
                | Self::Drizzle
                | Self::NodePgMigrate
                | Self::DbMigrate
                | Self::Other
        )
    }

    /// Whether what runs and undoes its migrations is read; others are only recognised.
    #[must_use]
    pub const fn is_read(self) -> bool {
        !matches!(self, Self::EfCore | Self::Ecto | Self::Doctrine)
    }

    /// The npm package whose binary runs the migrations, for the tools of Node.
    #[must_use]
    pub const fn npm_package(self) -> Option<&'static str> {
        Some(match self {
            Self::Knex => "knex",
            Self::Prisma => "prisma",
            Self::TypeOrm => "typeorm",
            Self::Sequelize => "sequelize-cli",
            Self::NodePgMigrate => "node-pg-migrate",
            Self::DbMigrate => "db-migrate",
            _ => return None,
        })
    }
}

/// What the `down` of a migration that is a program does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Down {
    /// It does something: where it stands, and the tables, columns and schemas that it drops by
    /// name (empty where that is computed), each with its place.
    Does(Span, Vec<(String, Span)>),
    /// It does only what drops no data: where it stands.
    Keeps(Span),
    /// It does nothing, or only fails.
    Empty(Span),
    /// There is none.
    Missing,
    /// It cannot be told.
    Unknown,
}

/// What the `down` of a migration file does: knex, TypeORM, Sequelize, umzug, node-pg-migrate.
/// Reads the file.
#[must_use]
pub fn down(delivery: &Delivery, file: FileId) -> Down {
    crate::lower::code::down(&delivery.tree, file)
}

/// The first place in a service's own source that may run its migrations by itself
/// (`knex.migrate.latest()`, `runMigrations()`): a word, not a proof. `None` is one: no source that
/// is read (25 MB at most) names anything that could. A tool that is only recognised may always.
#[must_use]
pub fn named_in_source(delivery: &Delivery, migrations: &Migrations) -> Option<Span> {
    const CODE: [&str; 12] =
        [".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".py", ".go", ".rb", ".java", ".kt", ".rs"];
    const MAX: usize = 25 << 20;
    let tree = &delivery.tree;
    if !migrations.tool.is_read() {
        return Some(migrations.at);
    }
    let own = migrations.directory.known().map(|dir| match migrations.tool {
        // Beside its versions lies the program that only Alembic starts.
        MigrationTool::Alembic => path::parent(dir),
        _ => dir,
    });
    let words = signs(migrations.tool)?;
    let mut left = MAX;
    for file in tree.under(&migrations.dir) {
        let entry = tree.entry(file);
        let is_test = |part: &str| {
            matches!(part, "test" | "tests" | "__tests__" | "spec" | "node_modules" | "vendor")
                || part.starts_with('.')
        };
        if entry.tracking == Tracking::Ignored
            || !CODE.iter().any(|end| entry.path.ends_with(end))
            || entry.path.split('/').any(is_test)
            || own.is_some_and(|dir| path::below(dir, &entry.path).is_some())
            || Some(file) == migrations.config
        {
            continue;
        }
        let Ok(bytes) = tree.read(file) else { continue };
        let Some(rest) = left.checked_sub(bytes.len()) else {
            return Some(Span::new(file, TextRange::new(0, 0)));
        };
        left = rest;
        if let Some(found) = words.find(&*bytes) {
            return Some(Span::new(file, TextRange::of(found.start(), found.end())));
        }
    }
    None
}

/// The words by which a program says that it runs migrations of a tool.
fn signs(tool: MigrationTool) -> Option<&'static AhoCorasick> {
    const ALEMBIC: [&str; 5] =
        ["alembic upgrade", "run_migrations", "upgrade(", "upgrade'", "upgrade\""];
    const DJANGO: [&str; 6] = [
        "manage.py migrate",
        "migrate --",
        "migrate'",
        "migrate\"",
        "migrationexecutor",
        "run_migrations",
    ];
    const OTHERS: [&str; 17] = [
        "migrate.",
        "migrate(",
        "migrate:",
        "migrate'",
        "migrate\"",
        "migrate!",
        "runmigrations",
        "run_migrations",
        "applymigrations",
        "migrationsrun",
        "migrator",
        "umzug",
        "embed_migrations",
        "embeddedmigrations",
        "goose.up",
        "migrationharness",
        "command.upgrade",
    ];
    type Signs = LazyLock<Option<AhoCorasick>>;
    fn built(words: &[&str]) -> Option<AhoCorasick> {
        AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()
    }
    static OF_ALEMBIC: Signs = LazyLock::new(|| built(&ALEMBIC));
    static OF_DJANGO: Signs = LazyLock::new(|| built(&DJANGO));
    static OF_OTHERS: Signs = LazyLock::new(|| built(&OTHERS));
    match tool {
        MigrationTool::Alembic => OF_ALEMBIC.as_ref(),
        MigrationTool::Django => OF_DJANGO.as_ref(),
        _ => OF_OTHERS.as_ref(),
    }
}

/// Whether a command line migrates a database forward. Facts of the tools' command lines.
#[must_use]
pub fn is_migrate_command(words: &[String]) -> bool {
    let words: Vec<&str> = words.iter().map(|w| w.rsplit('/').next().unwrap_or(w)).collect();
    let has = |word: &str| words.contains(&word);
    // Not forward: undoing, making and looking.
    const OTHERWISE: [&str; 12] = [
        "rollback", "down", "make", "create", "status", "generate", "list", "new", "undo",
        "revert", "reset", "unlock",
    ];
    if words.iter().any(|w| w.split([':', '-', '_']).any(|part| OTHERWISE.contains(&part))) {
        return false;
    }
    let pairs = [
        ("alembic", "upgrade"),
        ("db", "upgrade"),
        ("liquibase", "update"),
        ("goose", "up"),
        ("db", "push"),
        ("database", "update"),
        ("aerich", "upgrade"),
        ("rails", "db:prepare"),
        ("rake", "db:prepare"),
        ("artisan", "migrate:fresh"),
    ];
    if pairs.iter().any(|(a, b)| has(a) && has(b)) {
        return true;
    }
    // `echo "running migrations"` talks about it, `command -v migrate` asks for it.
    if matches!(
        words.first(),
        None | Some(
            &("echo" | "printf" | "log" | "logger" | "#" | "command" | "which" | "type" | "hash")
        )
    ) {
        return false;
    }
    // A variable's name is not what is run, nor is a container or an image that is called so.
    const LOOKS: [&str; 18] = [
        "build", "config", "cp", "images", "inspect", "kill", "logs", "port", "ps", "pull", "push",
        "rm", "save", "start", "stop", "tag", "top", "wait",
    ];
    let engine = words.first().is_some_and(|word| is_engine(word) || *word == "docker-compose");
    let container = |at: usize| {
        let before = words.iter().take(at).skip(1);
        let verb = before
            .enumerate()
            .find(|(_, w)| matches!(**w, "exec" | "run" | "up") || LOOKS.contains(w));
        match verb {
            Some((to, &"exec")) if engine => {
                let flags = words.iter().skip(to + 2).take_while(|w| w.starts_with('-'));
                at == to + 2 + flags.count()
            }
            Some((_, verb)) => engine && LOOKS.contains(verb),
            None => false,
        }
    };
    words.iter().enumerate().any(|(at, w)| {
        let named = at.checked_sub(1).is_some_and(|before| words[before] == "--name");
        if at > 0 && w.starts_with('$') || named || container(at) {
            return false;
        }
        let stem = w.split('.').next().unwrap_or(w);
        stem.split([':', '-', '_'])
            .any(|part| matches!(part, "migrate" | "migration" | "migrations" | "migrator"))
    })
}

/// Whether a word names a container engine.
fn is_engine(word: &str) -> bool {
    matches!(word, "docker" | "podman" | "nerdctl")
        || word.starts_with('$') && word.to_ascii_lowercase().contains("engine")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_a_migration_is_run_or_looked_at() {
        let check = |line: &str, expected: bool| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(is_migrate_command(&words), expected, "{line}");
        };
        check("docker compose -f compose.yml run --rm migration", true);
        check("docker compose exec -T api npm run migrate", true);
        check("docker run acme/migration:1", true);
        check("docker compose exec -T migration sh", false);
        check("docker compose -p x logs --tail=100 api migration", false);
        check("docker image inspect acme/migration:1", false);
        check("docker compose build migration", false);
    }
}
