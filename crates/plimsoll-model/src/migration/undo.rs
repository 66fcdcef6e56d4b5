//! How migrations are undone: SQL in pairs or halves, and what a plain reading of a migration's
//! source is certain of.
//!
//! Sources of the rules: the manuals of golang-migrate, sqlx, Diesel, goose and Flyway; Alembic's
//! tutorial; Django's «Migration Operations»; the Rails guide «Active Record Migrations»; Laravel's
//! «Database: Migrations»; Liquibase's «Automatic and custom rollbacks».

use plimsoll_source::{FileId, Span, TextRange};

use super::{Down, MigrationTool, Migrations, liquibase};
use crate::Delivery;

/// How a migration is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undo {
    /// By an SQL file of its own, which holds a statement.
    Pair(FileId),
    /// Its SQL file for that holds no statement.
    Empty(FileId),
    /// By what stands in the migration itself.
    Here(Span),
    /// The part of it that should does nothing.
    Nothing(Span),
    /// Not at all: nothing is there for it, or what is there does nothing.
    Missing,
    /// Its source would have to be read as a program.
    Unknown,
}

/// How each migration is undone, as far as files tell: `x.up.sql` by `x.down.sql`.
#[must_use]
pub fn undos(delivery: &Delivery, migrations: &Migrations) -> Vec<(FileId, Undo)> {
    let tree = &delivery.tree;
    let is_forward = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let down = path.ends_with(".down.sql") || path.ends_with("-down.sql");
        let aside = match migrations.tool {
            // Undoing, repeatable, and where an existing database starts.
            MigrationTool::Flyway => !name.starts_with('V'),
            MigrationTool::Alembic | MigrationTool::Django => name.starts_with("__"),
            _ => false,
        };
        !down && !aside
    };
    // What only includes others, and what lies among them, changes nothing itself.
    let liquibase = migrations.tool == MigrationTool::Liquibase;
    let forward = migrations.files.iter().filter(|&&file| {
        is_forward(tree.path(file)) && (!liquibase || liquibase::changes(tree, file))
    });
    forward.map(|&file| (file, undo(delivery, migrations.tool, file))).collect()
}

fn undo(delivery: &Delivery, tool: MigrationTool, file: FileId) -> Undo {
    let tree = &delivery.tree;
    let path = tree.path(file);
    let pair = match tool {
        MigrationTool::Flyway => {
            let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
            let version = name.strip_prefix('V').and_then(|name| name.split_once("__"));
            let Some((version, _)) = version else { return Undo::Unknown };
            let start = format!("{dir}/U{version}__");
            let start = start.trim_start_matches('/');
            let undoes = tree.under(dir).find(|&file| tree.path(file).starts_with(start));
            return undoes.map_or(Undo::Missing, |down| statement(delivery, down));
        }
        MigrationTool::Diesel => path.strip_suffix("up.sql").map(|dir| format!("{dir}down.sql")),
        _ => [(".up.sql", ".down.sql"), ("-up.sql", "-down.sql")]
            .iter()
            .find_map(|(up, down)| Some(format!("{}{down}", path.strip_suffix(up)?))),
    };
    if let Some(pair) = pair {
        return tree.find(&pair).map_or(Undo::Missing, |down| statement(delivery, down));
    }
    let Ok(bytes) = tree.read(file) else { return Undo::Unknown };
    let Ok(text) = std::str::from_utf8(&bytes) else { return Undo::Unknown };
    let here = |at: usize, len: usize| Undo::Here(Span::new(file, TextRange::of(at, at + len)));
    match tool {
        MigrationTool::Goose if path.ends_with(".sql") => {
            const MARK: &str = "-- +goose Down";
            match text.find(MARK) {
                Some(at) if text.get(at + MARK.len()..).is_some_and(holds_statement) => {
                    here(at, MARK.len())
                }
                _ => Undo::Missing,
            }
        }
        // Without the two ends of a pair it is one that only goes forward.
        MigrationTool::Sqlx if path.ends_with(".sql") => Undo::Missing,
        MigrationTool::Alembic => of_python(text, "downgrade", here),
        MigrationTool::Django => of_django(text, here),
        MigrationTool::Rails => of_rails(text, here),
        MigrationTool::Laravel => of_laravel(text, here),
        MigrationTool::Liquibase if path.ends_with(".sql") => of_liquibase(text, here),
        MigrationTool::Liquibase => liquibase::undo(tree, file),
        _ if path.ends_with(".sql") => Undo::Unknown,
        _ if [".ts", ".mts", ".cts", ".js", ".mjs", ".cjs"]
            .iter()
            .any(|end| path.ends_with(end)) =>
        {
            match super::down(delivery, file) {
                Down::Does(at, _) | Down::Keeps(at) => Undo::Here(at),
                Down::Empty(at) => Undo::Nothing(at),
                Down::Missing => Undo::Missing,
                Down::Unknown => Undo::Unknown,
            }
        }
        _ => Undo::Unknown,
    }
}

/// What a file of SQL for undoing is worth.
fn statement(delivery: &Delivery, down: FileId) -> Undo {
    let Ok(bytes) = delivery.tree.read(down) else { return Undo::Unknown };
    match holds_statement(&String::from_utf8_lossy(&bytes)) {
        true => Undo::Pair(down),
        false => Undo::Empty(down),
    }
}

fn holds_statement(sql: &str) -> bool {
    sql.lines().any(|line| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with("--")
    })
}

/// The lines of a function of Python's at the top of a module: its body, with offsets.
fn of_python(text: &str, name: &str, here: impl Fn(usize, usize) -> Undo) -> Undo {
    let head = format!("def {name}(");
    let mut at = 0;
    let mut inside = None;
    let mut quoted: Option<&str> = None;
    // A `def` over several lines ends at its colon.
    let mut open = false;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let code = line.trim();
        if inside.is_none() {
            if line.starts_with(&head) {
                inside = Some((start, line.trim_end().len()));
                open = !code.split(" #").next().unwrap_or(code).trim_end().ends_with(':');
            }
            continue;
        }
        if open {
            open = !code.ends_with(':');
            continue;
        }
        if let Some(quote) = quoted {
            quoted = (!code.contains(quote)).then_some(quote);
            continue;
        }
        if code.is_empty() || code.starts_with('#') {
            continue;
        }
        if !line.starts_with([' ', '\t']) {
            break;
        }
        let quotes = ["\"\"\"", "'''"].into_iter().find(|quote| code.starts_with(quote));
        if let Some(quote) = quotes {
            let closed = code.get(3..).is_some_and(|rest| rest.contains(quote));
            quoted = (!closed).then_some(quote);
            continue;
        }
        let idle = matches!(code.split(" #").next().unwrap_or(code).trim(), "pass" | "...");
        if idle || code.starts_with(['"', '\'']) || code == "return" {
            continue;
        }
        if code.starts_with("raise ") {
            return Undo::Missing;
        }
        return match inside {
            Some((start, len)) => here(start, len),
            None => Undo::Unknown,
        };
    }
    match inside {
        Some(_) => Undo::Missing,
        None if text.contains(name) => Undo::Unknown,
        None => Undo::Missing,
    }
}

/// Django undoes its own operations; code and SQL need theirs.
fn of_django(text: &str, here: impl Fn(usize, usize) -> Undo) -> Undo {
    const UNDONE: [&str; 19] = [
        "CreateModel",
        "DeleteModel",
        "RenameModel",
        "AddField",
        "RemoveField",
        "AlterField",
        "RenameField",
        "AlterModelTable",
        "AlterModelOptions",
        "AlterModelManagers",
        "AlterUniqueTogether",
        "AlterIndexTogether",
        "AlterOrderWithRespectTo",
        "AlterModelTableComment",
        "AddIndex",
        "RemoveIndex",
        "RenameIndex",
        "AddConstraint",
        "RemoveConstraint",
    ];
    let Some(start) = text.find("operations = [").or_else(|| text.find("operations=[")) else {
        return Undo::Unknown;
    };
    let body = text.get(start..).unwrap_or_default();
    let mut unknown = false;
    let mut rest = body;
    while let Some(at) = rest.find("migrations.") {
        let after = rest.get(at + "migrations.".len()..).unwrap_or_default();
        let end = after.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(after.len());
        let (name, args) = after.split_at(end);
        rest = args;
        match name {
            "RunPython" | "RunSQL" if args.starts_with('(') => {
                let Some(args) = arguments(args) else { return Undo::Unknown };
                let named = args
                    .iter()
                    .any(|arg| arg.starts_with("reverse_code") || arg.starts_with("reverse_sql"));
                let keyed = |arg: &String| {
                    arg.split_once('=').is_some_and(|(key, _)| {
                        key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                    })
                };
                let second = args.get(1).is_some_and(|arg| !keyed(arg));
                if !named && !second {
                    // A list built elsewhere may hold more than one argument.
                    if args.iter().any(|arg| arg.starts_with('*')) {
                        return Undo::Unknown;
                    }
                    return Undo::Missing;
                }
            }
            "RunPython" | "RunSQL" | "SeparateDatabaseAndState" => {}
            name if UNDONE.contains(&name) => {}
            _ => unknown = true,
        }
    }
    // Operations of others' may or may not be undone.
    let own = body.contains("migrations.") || body.contains("operations = []");
    let others = body.lines().any(|line| {
        let line = line.trim();
        let call = line.split('(').next().unwrap_or_default();
        line.contains('(')
            && call.chars().next().is_some_and(|c| c.is_ascii_uppercase())
            && call.chars().all(|c| c.is_ascii_alphanumeric())
    });
    if unknown || others || !own { Undo::Unknown } else { here(start, "operations = [".len()) }
}

/// The arguments of a call that begins with `(`, cut at its commas; `None` where it does not end.
fn arguments(text: &str) -> Option<Vec<String>> {
    let mut found = vec![String::new()];
    let mut depth = 0_usize;
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for c in text.chars().take(200_000) {
        if let Some(open) = quote {
            let ends = c == open && !escaped;
            escaped = c == '\\' && !escaped;
            if ends {
                quote = None;
            }
        } else {
            match c {
                '"' | '\'' => quote = Some(c),
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        found.retain(|arg| !arg.is_empty());
                        return Some(found);
                    }
                }
                ',' if depth == 1 => {
                    found.push(String::new());
                    continue;
                }
                _ => {}
            }
        }
        let first = depth == 1 && c == '(';
        if let Some(last) = found.last_mut().filter(|_| !first && !c.is_whitespace()) {
            last.push(c);
        }
    }
    None
}

/// `change` is undone where all that it calls is known to be; `up` needs a `down`.
fn of_rails(text: &str, here: impl Fn(usize, usize) -> Undo) -> Undo {
    const UNDONE: [&str; 22] = [
        "add_belongs_to",
        "add_check_constraint",
        "add_column",
        "add_enum_value",
        "add_foreign_key",
        "add_index",
        "add_reference",
        "add_timestamps",
        "create_enum",
        "create_join_table",
        "create_table",
        "create_view",
        "disable_extension",
        "enable_extension",
        "rename_column",
        "rename_index",
        "rename_table",
        "change_column_null",
        "create_function",
        "create_trigger",
        "validate_foreign_key",
        "validate_check_constraint",
    ];
    let lines: Vec<(usize, &str)> = text
        .split_inclusive('\n')
        .scan(0, |at, line| {
            let start = *at;
            *at += line.len();
            Some((start, line))
        })
        .collect();
    let define = |name: &str| {
        let is_it = |code: &str| {
            let rest = code.strip_prefix("def ").map(|rest| rest.trim_start_matches("self."));
            rest.and_then(|rest| rest.strip_prefix(name))
                .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        };
        lines.iter().position(|(_, line)| is_it(line.trim()))
    };
    let indent = |line: &str| line.len() - line.trim_start().len();
    let body = |at: usize| {
        let own = lines.get(at).map_or(0, |(_, line)| indent(line));
        let inside = lines.get(at + 1..).unwrap_or_default();
        inside
            .iter()
            .map(|(_, line)| *line)
            .take_while(move |line| line.trim().is_empty() || indent(line) > own)
            .filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#'))
            .collect::<Vec<&str>>()
    };
    let shown = |at: usize| match lines.get(at) {
        Some((start, line)) => here(start + indent(line), line.trim().len()),
        None => Undo::Unknown,
    };
    if text.contains("IrreversibleMigration") {
        return Undo::Missing;
    }
    if let Some(down) = define("down") {
        return if body(down).is_empty() { Undo::Missing } else { shown(down) };
    }
    if define("up").is_some() {
        return Undo::Missing;
    }
    let Some(change) = define("change") else { return Undo::Unknown };
    let body = body(change);
    let outer = body.first().map_or(0, |line| indent(line));
    for line in body.iter().filter(|line| indent(line) == outer) {
        let code = line.trim();
        let word = code.split([' ', '(']).next().unwrap_or_default();
        // The rest of a call, or of a block.
        let rest = matches!(word, "end" | ")" | "}" | "]") || word.starts_with([')', '}', ']']);
        if rest || UNDONE.contains(&word) {
            continue;
        }
        if matches!(word, "execute" | "change_column" | "remove_columns") {
            return Undo::Missing;
        }
        return Undo::Unknown;
    }
    shown(change)
}

/// The body of `down()`.
fn of_laravel(text: &str, here: impl Fn(usize, usize) -> Undo) -> Undo {
    let Some(at) = text.find("function down(") else {
        return if text.contains("function up(") && !text.contains("extends Migration;") {
            Undo::Missing
        } else {
            Undo::Unknown
        };
    };
    let Some(open) = text.get(at..).and_then(|rest| rest.find('{')) else { return Undo::Unknown };
    let body = text.get(at + open + 1..).unwrap_or_default();
    let mut comment = false;
    for line in body.lines() {
        let code = line.trim();
        if comment {
            comment = !code.contains("*/");
            continue;
        }
        if code.starts_with("/*") {
            comment = !code.contains("*/");
            continue;
        }
        if code.is_empty() || code.starts_with("//") || code.starts_with('#') {
            continue;
        }
        if code.starts_with('}') {
            return Undo::Missing;
        }
        return here(at, "function down()".len().min(text.len() - at));
    }
    Undo::Unknown
}

/// Formatted SQL says `--rollback` for each changeset.
fn of_liquibase(text: &str, here: impl Fn(usize, usize) -> Undo) -> Undo {
    let lower = text.to_ascii_lowercase();
    let mut sets = lower.replace("-- ", "--");
    if !sets.contains("--changeset") {
        return Undo::Unknown;
    }
    sets.truncate(1 << 20);
    let all = sets.split("--changeset").skip(1).all(|set| set.contains("--rollback"));
    match lower.find("rollback") {
        Some(at) if all => here(at, "rollback".len()),
        _ => Undo::Missing,
    }
}
