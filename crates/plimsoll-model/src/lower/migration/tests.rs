//! Migrations as text.

use std::fmt::Write as _;

use plimsoll_source::Tree;

use crate::fact::Fact;
use crate::lower::cx::Cx;

fn dump(tree: &Tree) -> String {
    let cx = Cx::new(tree);
    let packages = crate::lower::package::read(&cx);
    let mut out = String::new();
    for m in super::read(&cx, &packages, &crate::lower::program::read(&cx)) {
        let directory = match &m.directory {
            Fact::Known { value, .. } => value.clone(),
            Fact::Absent => "absent".to_owned(),
            Fact::Unknown(why, _) => format!("unknown ({})", why.name()),
        };
        let config = m.config.map_or("-", |file| tree.path(file));
        let loader = m.loader.map(|loader| format!(" by {loader}")).unwrap_or_default();
        let count = m.files.len();
        let _ = writeln!(out, "{:?} {:?} {config} {directory} {count}{loader}", m.tool, m.dir);
    }
    out
}

#[track_caller]
fn check(files: &[(&str, &str)], expected: &str) {
    assert_eq!(dump(&Tree::from_memory(files.iter().copied())).trim_end(), expected);
}

/// What a knexfile says of its directory.
#[track_caller]
fn check_knex(config: &str, expected: &str) {
    let files = [("s/package.json", "{}"), ("s/knexfile.js", config), ("s/a/1.js", "")];
    check(&files, &format!("Knex \"s\" s/knexfile.js {expected}"));
}

#[test]
fn knexfiles_say_where_migrations_are() {
    check_knex(
        "module.exports = { migrations: { directory: './a', }, seeds: { directory: './b' } }",
        "s/a 1",
    );
    check_knex(
        "x = { seeds: { directory: './b' }, migrations: { tableName: 'x' } }",
        "s/migrations 0",
    );
    check_knex("x = { client: 'pg' }", "s/migrations 0");
    check_knex(
        "// migrations: { directory: 'no' }\nx = { migrations: { directory: path.join(__dirname, 'a') } }",
        "s/a 1",
    );
    check_knex(
        "x = { s: 'migrations: { directory: 1 }', migrations: { directory: __dirname + '/a' } }",
        "s/a 1",
    );
    check_knex("x = { migrations: { directory: ['./a'] } }", "s/a 1");
    check_knex("x = { migrations: { directory: ['./a', './b'] } }", "unknown (unsupported) 0");
    check_knex("x = { migrations: { directory: dir } }", "unknown (dynamic) 0");
    check_knex("x = { migrations: { directory: `${x}/a` } }", "unknown (dynamic) 0");
    check_knex("x = { migrations: { ...shared, tableName: 'x' } }", "unknown (dynamic) 0");
    check_knex("x = { migrations }", "unknown (dynamic) 0");
    check_knex("module.exports = require('./config')", "unknown (unsupported) 0");
    check_knex(
        "x = { a: { migrations: { directory: 'a' } }, b: { migrations: { directory: 'b' } } }",
        "unknown (conflicting) 0",
    );
    check_knex("x = { migrations: { directory: '../../out' } }", "unknown (out-of-tree) 0");
    check_knex("x = { migrations: { directory: './a' /* '", "s/a 1");
    check_knex("x = { migrations: { directory: './a", "unknown (dynamic) 0");
}

#[test]
fn typescript_needs_a_loader() {
    let config = ("s/knexfile.ts", "export default { migrations: { directory: 'm' } }");
    check(
        &[("s/package.json", "{}"), config, ("s/m/1.ts", ""), ("s/m/1.d.ts", "")],
        "Knex \"s\" s/knexfile.ts s/m 1 by ts-node",
    );
    let tsx = ("s/package.json", r#"{"devDependencies": {"tsx": "1"}}"#);
    check(&[tsx, config], "Knex \"s\" s/knexfile.ts s/m 0 by tsx");
}

#[test]
fn other_tools_of_node() {
    check(
        &[
            ("s/package.json", "{}"),
            ("s/prisma/schema.prisma", ""),
            ("s/prisma/migrations/1/migration.sql", ""),
        ],
        "Prisma \"s\" s/prisma/schema.prisma s/prisma/migrations 1",
    );
    check(&[("s/package.json", "{}"), ("s/prisma/schema.prisma", "")], "");
    check(
        &[
            ("s/package.json", "{}"),
            ("s/prisma/schema.prisma", ""),
            ("s/entrypoint.sh", "#!/bin/sh\nnpx prisma migrate deploy\nexec \"$@\"\n"),
        ],
        "Prisma \"s\" s/prisma/schema.prisma s/prisma/migrations 0",
    );
    check(
        &[
            ("package.json", "{}"),
            (".sequelizerc", "module.exports = {'migrations-path': path.resolve('db', 'm')}"),
            ("db/m/1.js", ""),
        ],
        "Sequelize \"\" .sequelizerc db/m 1",
    );
    check(
        &[
            ("package.json", "{}"),
            ("drizzle.config.ts", "export default defineConfig({ out: './sql' })"),
            ("sql/1.sql", ""),
        ],
        "Drizzle \"\" drizzle.config.ts sql 1",
    );
    check(
        &[("package.json", r#"{"dependencies": {"typeorm": "1"}}"#), ("src/migrations/1.ts", "")],
        "TypeOrm \"\" - src/migrations 1 by ts-node",
    );
    check(
        &[
            (
                "package.json",
                r#"{"dependencies": {"node-pg-migrate": "1"}, "scripts": {"m": "node-pg-migrate up -m sql"}}"#,
            ),
            ("sql/1.sql", ""),
        ],
        "NodePgMigrate \"\" - sql 1",
    );
    check(&[("package.json", "{}"), ("migrations/1.sql", "")], "Other \"\" - migrations 1");
    check(&[("package.json", r#"{"dependencies": {"knex": "1", "typeorm": "1"}}"#)], "");
    check(
        &[("package.json", r#"{"scripts": {"m": "knex migrate:latest"}}"#)],
        "Knex \"\" - unknown (unsupported) 0",
    );
}

#[test]
fn tools_of_other_languages() {
    check(
        &[
            ("a/alembic.ini", "[alembic]\nscript_location = %(here)s/mig\n"),
            ("a/mig/versions/1.py", ""),
        ],
        "Alembic \"a\" a/alembic.ini a/mig/versions 1",
    );
    check(
        &[
            ("d/manage.py", "import django\n"),
            ("d/x/migrations/0001_a.py", ""),
            ("d/x/migrations/__init__.py", ""),
        ],
        "Django \"d\" - d/x/migrations 1",
    );
    check(
        &[("g/go.mod", ""), ("g/migrations/1.sql", "-- +goose Up\n")],
        "Goose \"g\" - g/migrations 1",
    );
    check(
        &[("g/go.mod", ""), ("g/db/migrations/1_a.up.sql", "")],
        "GolangMigrate \"g\" - g/db/migrations 1",
    );
    check(
        &[("r/Cargo.toml", "sqlx = \"1\""), ("r/migrations/1.sql", "")],
        "Sqlx \"r\" - r/migrations 1",
    );
    check(&[("r/Gemfile", ""), ("r/db/migrate/1_a.rb", "")], "Rails \"r\" - r/db/migrate 1");
    check(
        &[("j/pom.xml", ""), ("j/src/db/migration/V1__a.sql", "")],
        "Flyway \"j\" - j/src/db/migration 1",
    );
}

#[test]
fn tools_that_are_only_recognised() {
    check(
        &[("a.csproj", "<Project/>"), ("Migrations/20240101000000_Init.cs", "")],
        "EfCore \"\" - Migrations 1",
    );
    check(
        &[("mix.exs", ""), ("priv/repo/migrations/20240101_a.exs", "")],
        "Ecto \"\" - priv/repo/migrations 1",
    );
    let composer = r#"{"require":{"doctrine/doctrine-migrations-bundle":"^3"}}"#;
    check(
        &[("composer.json", composer), ("migrations/Version20240101000000.php", "<?php")],
        "Doctrine \"\" - migrations 1",
    );
}
