//! Database migrations: the tool, its configuration and its files.

use plimsoll_source::{FileId, Span};

use crate::fact::Fact;

/// The migrations of one package.
#[derive(Clone, Debug)]
pub struct Migrations {
    /// The tool.
    pub tool: MigrationTool,
    /// The package's directory, relative to the root.
    pub dir: String,
    /// The tool's configuration file (`knexfile.ts`), where there is one.
    pub config: Option<FileId>,
    /// The directory of the migrations, relative to the root, as the configuration says.
    pub directory: Fact<String>,
    /// The migration files, in order.
    pub files: Vec<FileId>,
    /// What must be installed to read them at run time (`ts-node` for a `.ts` configuration).
    pub loader: Option<String>,
    /// Where the first sign of the tool stands.
    pub at: Span,
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
    /// There is a directory of migrations and no tool that is known.
    Other,
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
    ];
    if pairs.iter().any(|(a, b)| has(a) && has(b)) {
        return true;
    }
    // `echo "running migrations"` talks about it.
    if matches!(words.first(), None | Some(&("echo" | "printf" | "log" | "logger" | "#"))) {
        return false;
    }
    words.iter().any(|w| {
        let stem = w.split('.').next().unwrap_or(w);
        stem.split([':', '-', '_'])
            .any(|part| matches!(part, "migrate" | "migration" | "migrations" | "migrator"))
    })
}
