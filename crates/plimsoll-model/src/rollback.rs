//! What undoing the newest migration takes away.
//!
//! Of SQL all statements are read, of JavaScript, TypeScript and Python what `down` or `downgrade`
//! calls, of Django's operations what undoes them.

use plimsoll_source::{FileId, Span, TextRange};

use crate::Delivery;
use crate::migration::{self, Down, MigrationTool, Migrations, down};

/// What undoing a migration does to data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undoing {
    /// It cannot be undone: there is nothing that would.
    Impossible,
    /// It drops tables, with all rows: the statements.
    DropsTables(Vec<Span>),
    /// It drops columns or deletes rows: the statements.
    DropsParts(Vec<Span>),
    /// It drops neither: where it stands.
    Keeps(Span),
    /// It would have to be read as a program.
    Unknown(FileId),
}

/// The newest migration, and what undoing it does; `None` where several could be it.
#[must_use]
pub fn newest(delivery: &Delivery, migrations: &Migrations) -> Option<(FileId, Undoing)> {
    let file = migration::newest(&delivery.tree, migrations)?;
    Some((file, undoing(delivery, migrations.tool, file)))
}

fn undoing(delivery: &Delivery, tool: MigrationTool, file: FileId) -> Undoing {
    // Their migrations go forward only.
    if matches!(tool, MigrationTool::Prisma | MigrationTool::Drizzle) {
        return Undoing::Impossible;
    }
    let tree = &delivery.tree;
    let path = tree.path(file);
    let text = |file| tree.read(file).ok().and_then(|b| String::from_utf8(b.to_vec()).ok());
    if path.ends_with(".sql") {
        let pair = [(".up.sql", ".down.sql"), ("-up.sql", "-down.sql"), ("/up.sql", "/down.sql")]
            .iter()
            .find_map(|(up, down)| Some(format!("{}{down}", path.strip_suffix(up)?)));
        let down = match pair {
            Some(pair) => tree.find(&pair),
            None => Some(file),
        };
        let Some(down) = down else { return Undoing::Impossible };
        let Some(source) = text(down) else { return Undoing::Unknown(down) };
        let from = if down == file { marked(&source) } else { Some(0) };
        return match from {
            Some(from) => of_sql(down, &source, from),
            None => Undoing::Unknown(file),
        };
    }
    let Some(source) = text(file) else { return Undoing::Unknown(file) };
    match down(delivery, file) {
        Down::Does(_, drops) => of_drops(file, &source, drops),
        Down::Keeps(at) => Undoing::Keeps(at),
        Down::Empty(_) | Down::Missing => Undoing::Impossible,
        Down::Unknown => of_source(file, path, &source),
    }
}

/// What a program's `down` drops: tables by the words of the call or statement, else parts.
fn of_drops(file: FileId, source: &str, drops: Vec<(String, Span)>) -> Undoing {
    const WHOLE: [&str; 12] = [
        "droptable",
        "drop_table",
        "drop_schema",
        // What makes a table of Django's drops it when it is undone.
        "createmodel(",
        "dropschema",
        "dropalltables",
        "drop table",
        "drop schema",
        "drop database",
        "truncate",
        "droptables",
        "dropdatabase",
    ];
    let is_whole = |at: &Span| {
        let range = at.range.start as usize..at.range.end as usize;
        let text = source.get(range).unwrap_or_default().to_ascii_lowercase();
        WHOLE.iter().any(|word| text.contains(word))
    };
    let places: Vec<Span> = drops.into_iter().map(|(_, at)| at).collect();
    let tables: Vec<Span> = places.iter().copied().filter(is_whole).collect();
    match (tables.is_empty(), places.is_empty()) {
        (false, _) => Undoing::DropsTables(tables),
        (true, false) => Undoing::DropsParts(places),
        // What else it does may delete rows.
        (true, true) => Undoing::Unknown(file),
    }
}

/// Where the part of a file begins that undoes it: goose, dbmate and sql-migrate mark it.
fn marked(source: &str) -> Option<usize> {
    let mut offset = 0;
    for line in source.split_inclusive('\n') {
        let bare: String = line.chars().filter(|c| !c.is_whitespace()).collect();
        let marks = ["--+gooseDown", "--migrate:down", "--+migrateDown"];
        if marks.iter().any(|mark| bare.eq_ignore_ascii_case(mark)) {
            return Some(offset);
        }
        offset += line.len();
    }
    None
}

/// What the statements of an SQL text, from `from` on, take away.
fn of_sql(file: FileId, source: &str, from: usize) -> Undoing {
    let (mut tables, mut parts, mut any, mut blind) = (Vec::new(), Vec::new(), None, false);
    for (range, words) in statements(source, from) {
        let span = Span::new(file, range);
        any = any.or(Some(span));
        let word = |at: usize| words.get(at).map_or("", String::as_str);
        let whole = matches!(word(1), "TABLE" | "SCHEMA" | "DATABASE");
        match word(0) {
            "DROP" if whole => tables.push(span),
            "TRUNCATE" => tables.push(span),
            "DELETE" => parts.push(span),
            "ALTER" if drops_column(&words) => parts.push(span),
            // What a block or procedure does is a program of its own.
            "DO" | "EXECUTE" | "EXEC" | "CALL" | "SELECT" | "WITH" => blind = true,
            _ => {}
        }
    }
    match (tables.is_empty(), parts.is_empty(), any) {
        (false, ..) => Undoing::DropsTables(tables),
        (_, false, _) => Undoing::DropsParts(parts),
        (_, _, Some(_)) if blind => Undoing::Unknown(file),
        (_, _, Some(any)) => Undoing::Keeps(any),
        (_, _, None) => Undoing::Impossible,
    }
}

/// Whether an ALTER drops a column: `DROP COLUMN b`, `DROP b`; not `DROP CONSTRAINT c`.
fn drops_column(words: &[String]) -> bool {
    const RULES: [&str; 13] = [
        "CONSTRAINT",
        "DEFAULT",
        "EXPRESSION",
        "IDENTITY",
        "INDEX",
        "FOREIGN",
        "PRIMARY",
        "CHECK",
        "KEY",
        "NOT",
        "IF",
        "POLICY",
        "TRIGGER",
    ];
    let table = words.get(1).is_some_and(|word| word == "TABLE");
    let mut pairs = words.iter().zip(words.iter().skip(1));
    table && pairs.any(|(drop, what)| drop == "DROP" && !RULES.contains(&&**what))
}

/// The statements of an SQL text: place and words in upper case. Comments, strings and bodies in
/// dollar quotes are left out.
fn statements(source: &str, from: usize) -> Vec<(TextRange, Vec<String>)> {
    let bytes = source.as_bytes();
    let mut found = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let (mut start, mut end, mut at) = (None, from, from);
    while let Some(&byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        let through = |end: &[u8], skip: usize| {
            let body = rest.get(skip..).unwrap_or_default();
            memchr::memmem::find(body, end).map_or(rest.len(), |found| skip + found + end.len())
        };
        let length = match byte {
            b'-' if rest.starts_with(b"--") => {
                at += through(b"\n", 2);
                continue;
            }
            b'/' if rest.starts_with(b"/*") => {
                at += through(b"*/", 2);
                continue;
            }
            b if b.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b';' => {
                if let Some(start) = start.take() {
                    found.push((TextRange::of(start, end), std::mem::take(&mut words)));
                }
                at += 1;
                continue;
            }
            b'\'' => through(b"'", 1),
            b'$' => {
                let part = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
                let tag = rest.iter().skip(1).take_while(part).count() + 2;
                match rest.get(..tag).filter(|tag| tag.ends_with(b"$")) {
                    Some(quote) => through(quote, tag),
                    None => 1,
                }
            }
            b if b.is_ascii_alphanumeric() || b == b'_' => {
                let part = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
                let length = rest.iter().take_while(part).count();
                // Long lists of values say nothing.
                if words.len() < 64 {
                    let word = source.get(at..at + length).unwrap_or_default();
                    words.push(word.to_ascii_uppercase());
                }
                length
            }
            _ => 1,
        };
        start.get_or_insert(at);
        at += length;
        end = at;
    }
    if let Some(start) = start {
        found.push((TextRange::of(start, end.min(bytes.len())), words));
    }
    found
}

/// The seam for readers of programs: what `down` of a source does, as far as its lines prove it.
/// A `down` that drops a table by a plain call is proof; that no line does is not.
fn of_source(file: FileId, path: &str, source: &str) -> Undoing {
    const DOWN: [&str; 5] = [
        "export async function down(",
        "export function down(",
        "async function down(",
        "export const down = ",
        "exports.down = ",
    ];
    const DROPS: [&str; 6] = [
        "knex.schema.dropTable",
        "trx.schema.dropTable",
        "db.schema.dropTable",
        "queryInterface.dropTable",
        "queryRunner.dropTable",
        "pgm.dropTable",
    ];
    // What a template, a long comment or a long string holds may look like a statement.
    const LONG: [&str; 4] = ["`", "/*", "\"\"\"", "'''"];
    let (down, drops): (&[&str], &[&str]) = match path.ends_with(".py") {
        true => (&["def downgrade("], &["op.drop_table('", "op.drop_table(\""]),
        false => (&DOWN, &DROPS),
    };
    let mut tables = Vec::new();
    let (mut offset, mut inside) = (0, false);
    for line in source.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let bare = line.trim_end();
        if !inside {
            inside = down.iter().any(|start| bare.starts_with(start));
            continue;
        }
        let outside = !bare.is_empty() && !bare.starts_with([' ', '\t', ')']);
        if outside || LONG.iter().any(|quote| bare.contains(quote)) {
            break;
        }
        let call = bare.trim_start();
        let from = start + (bare.len() - call.len());
        let plain = call.strip_prefix("await ").or(call.strip_prefix("return ")).unwrap_or(call);
        if drops.iter().any(|start| plain.starts_with(start)) {
            tables.push(Span::new(file, TextRange::of(from, start + bare.len())));
        }
    }
    match tables.is_empty() {
        true => Undoing::Unknown(file),
        false => Undoing::DropsTables(tables),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, source: &str, expected: &str) {
        let file = FileId(0);
        let found = match path.ends_with(".sql") {
            true => of_sql(file, source, marked(source).unwrap_or(0)),
            false => of_source(file, path, source),
        };
        let show = |spans: &[Span]| {
            let texts = spans.iter().map(|s| &source[s.range.start as usize..s.range.end as usize]);
            texts.collect::<Vec<_>>().join(" | ")
        };
        let found = match found {
            Undoing::Impossible => "impossible".to_owned(),
            Undoing::DropsTables(spans) => format!("tables: {}", show(&spans)),
            Undoing::DropsParts(spans) => format!("parts: {}", show(&spans)),
            Undoing::Keeps(_) => "keeps".to_owned(),
            Undoing::Unknown(_) => "unknown".to_owned(),
        };
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn sql_is_read_by_statements() {
        check("a.sql", "-- DROP TABLE a;\ndrop table a, b;\n", "tables: drop table a, b");
        check(
            "a.sql",
            "ALTER TABLE a DROP COLUMN b; SELECT 'DROP TABLE';",
            "parts: ALTER TABLE a DROP COLUMN b",
        );
        check("a.sql", "ALTER TABLE a DROP CONSTRAINT c;", "keeps");
        check("a.sql", "ALTER TABLE a DROP b;", "parts: ALTER TABLE a DROP b");
        check("a.sql", "DROP INDEX i; /* DROP TABLE x */", "keeps");
        check("a.sql", "-- nothing\n", "impossible");
        check("a.sql", "CREATE TABLE a ();\n-- +goose Down\nDROP TABLE a;", "tables: DROP TABLE a");
        check("a.sql", "DO $$ DROP TABLE x; $$; TRUNCATE a", "tables: TRUNCATE a");
    }

    #[test]
    fn sources_are_only_believed_where_lines_prove_it() {
        let ts = |body: &str| format!("export async function down(knex) {{\n{body}\n}}\n");
        let drop = "  await knex.schema.dropTableIfExists('a');";
        check("a.ts", &ts(drop), &format!("tables: {}", drop.trim()));
        check("a.ts", &ts("  // await knex.schema.dropTable('a');"), "unknown");
        check("a.ts", &ts(&format!("  const s = `\n{drop}\n`;")), "unknown");
        check("a.ts", &format!("export async function up(knex) {{\n{drop}\n}}\n"), "unknown");
        check("a.py", "def downgrade():\n    op.drop_table('a')\n", "tables: op.drop_table('a')");
        check("a.py", "def upgrade():\n    op.drop_table('a')\n", "unknown");
    }
}
