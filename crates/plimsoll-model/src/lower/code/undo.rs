//! What undoes a migration: the `down` of a file that is a program.

use plimsoll_source::{FileId, Tree};
use plimsoll_syntax::program::{
    Body, Entry, Exported, ExprId, ExprKind, FunctionId, Key, MemberKind, Module, PatternKind,
    StmtKind,
};
use plimsoll_syntax::{javascript, python};

use crate::migration::Down;

/// What the `down` of a migration file does. Facts of knex, TypeORM, Sequelize, umzug,
/// node-pg-migrate, db-migrate: an exported function or a method of that name. Python's
/// migrations say it in other words.
pub(crate) fn down(tree: &Tree, file: FileId) -> Down {
    let path = tree.path(file);
    if path.ends_with(".py") {
        return python_down(tree, file);
    }
    if ![".ts", ".mts", ".cts", ".js", ".mjs", ".cjs"].iter().any(|end| path.ends_with(end)) {
        return Down::Unknown;
    }
    let Ok(bytes) = tree.read(file) else { return Down::Unknown };
    let parsed = javascript::read(crate::path::name(path), file, &bytes);
    if parsed.errors.iter().any(|error| error.fatal) {
        return Down::Unknown;
    }
    let module = &parsed.tree;
    match function(module) {
        Ok(Some(function)) => of(module, function),
        Ok(None) => Down::Missing,
        Err(()) => Down::Unknown,
    }
}

/// The same of Alembic's `downgrade()`, and of the operations of a migration of Django.
fn python_down(tree: &Tree, file: FileId) -> Down {
    let Ok(bytes) = tree.read(file) else { return Down::Unknown };
    let parsed = python::read(file, &bytes);
    if !parsed.errors.is_empty() {
        return Down::Unknown;
    }
    let module = &parsed.tree;
    if let Some(function) = named(module, "downgrade") {
        return of(module, function);
    }
    if named(module, "upgrade").is_some() {
        return Down::Missing;
    }
    let migration = module.classes().find(|class| class.name.as_deref() == Some("Migration"));
    let operations = migration.and_then(|class| {
        class.members.iter().find_map(|member| match (&member.key, member.kind) {
            (Key::Fixed(name), MemberKind::Field(Some(value))) if &**name == "operations" => {
                Some(value)
            }
            _ => None,
        })
    });
    operations.map_or(Down::Unknown, |operations| of_operations(module, operations))
}

/// Django undoes each operation by itself, but for code and SQL that do not say how.
fn of_operations(module: &Module, operations: ExprId) -> Down {
    let ExprKind::List(items) = &module.expr(operations).kind else { return Down::Unknown };
    let (mut dropped, mut by_code) = (Vec::new(), false);
    for item in items {
        let expr = module.expr(item.value);
        let ExprKind::Call { callee, args, .. } = &expr.kind else { return Down::Unknown };
        let name = match &module.expr(*callee).kind {
            ExprKind::Member { name, .. } | ExprKind::Name(name) => &**name,
            _ => return Down::Unknown,
        };
        let given = |name: &str| args.iter().find(|arg| arg.name.as_deref() == Some(name));
        let by_position = args.iter().filter(|arg| arg.name.is_none()).count();
        match name {
            "RunPython" if by_position < 2 && given("reverse_code").is_none() => {
                return Down::Missing;
            }
            "RunSQL" if by_position < 2 && given("reverse_sql").is_none() => return Down::Missing,
            // What undoes the making of a table or a column drops it.
            "CreateModel" | "AddField" => {
                let named = given("name");
                let text = named.or(args.first()).map(|arg| &module.expr(arg.value).kind);
                let what = match text {
                    Some(ExprKind::Text(text)) => text.to_string(),
                    _ => String::new(),
                };
                dropped.push((what, module.span(expr.range)));
            }
            "RunPython" | "RunSQL" => {
                let reverse = given("reverse_code").or(given("reverse_sql")).or(args.get(1));
                by_code |= !reverse.is_some_and(|reverse| is_noop(module, reverse.value));
            }
            "AlterField"
            | "RemoveField"
            | "DeleteModel"
            | "RenameField"
            | "RenameModel"
            | "AlterModelOptions"
            | "AlterModelTable"
            | "AlterModelManagers"
            | "AlterUniqueTogether"
            | "AlterIndexTogether"
            | "AddIndex"
            | "RemoveIndex"
            | "RenameIndex"
            | "AddConstraint"
            | "RemoveConstraint"
            | "AlterOrderWithRespectTo" => {}
            // Its own operation: whether it can be undone is its own matter.
            _ => return Down::Unknown,
        }
    }
    let at = module.span(module.expr(operations).range);
    match (items.is_empty(), dropped.is_empty() && !by_code) {
        (true, _) => Down::Empty(at),
        (_, true) => Down::Keeps(at),
        (_, false) => Down::Does(at, dropped),
    }
}

/// `migrations.RunPython.noop`, `migrations.RunSQL.noop`.
fn is_noop(module: &Module, value: ExprId) -> bool {
    matches!(&module.expr(value).kind, ExprKind::Member { name, .. } if &**name == "noop")
}

/// The function that is exported as `down`; an error where it is one that is not seen here.
fn function(module: &Module) -> Result<Option<FunctionId>, ()> {
    // An `export` by declaration.
    let mut elsewhere = false;
    for export in &module.exports {
        match &export.what {
            Exported::Local(local) if &*export.name == "down" => {
                return named(module, local).ok_or(()).map(Some);
            }
            Exported::From { .. } if &*export.name == "down" => return Err(()),
            Exported::All { .. } => elsewhere = true,
            _ => {}
        }
    }
    // A class: TypeORM's, MikroORM's.
    for class in module.classes() {
        for member in &class.members {
            if let (Key::Fixed(name), MemberKind::Method(function)) = (&member.key, member.kind)
                && &**name == "down"
            {
                return Ok(Some(function));
            }
        }
    }
    for (_, expr) in module.exprs() {
        match &expr.kind {
            // `exports.down = …`, `module.exports.down = …`
            ExprKind::Assign { target, value, .. } => {
                if let PatternKind::Target(target) = module.pattern(*target).kind
                    && let ExprKind::Member { object, name, .. } = &module.expr(target).kind
                {
                    if &**name == "down" {
                        return value_function(module, *value).ok_or(()).map(Some);
                    }
                    let of_module =
                        matches!(&module.expr(*object).kind, ExprKind::Name(n) if &**n == "module");
                    if of_module
                        && &**name == "exports"
                        && !matches!(
                            module.expr(*value).kind,
                            ExprKind::Object(_) | ExprKind::Class(_)
                        )
                    {
                        elsewhere = true;
                    }
                }
            }
            // `module.exports = { up, down }`, `export default { down() {} }`
            ExprKind::Object(entries) => {
                for entry in entries {
                    match entry {
                        Entry::Pair { key: Key::Fixed(key), value, .. } if &**key == "down" => {
                            return value_function(module, *value).ok_or(()).map(Some);
                        }
                        Entry::Spread(_) => elsewhere = true,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    if elsewhere { Err(()) } else { Ok(None) }
}

fn value_function(module: &Module, value: ExprId) -> Option<FunctionId> {
    match &module.expr(value).kind {
        ExprKind::Function(function) => Some(*function),
        ExprKind::Name(name) => named(module, name),
        _ => None,
    }
}

fn named(module: &Module, wanted: &str) -> Option<FunctionId> {
    module.body.iter().find_map(|&id| match &module.stmt(id).kind {
        StmtKind::Function(function) => {
            (module.function(*function).name.as_deref() == Some(wanted)).then_some(*function)
        }
        StmtKind::Let { pattern, init: Some(init), .. } => match &module.pattern(*pattern).kind {
            PatternKind::Name(name) if &**name == wanted => value_function(module, *init),
            _ => None,
        },
        _ => None,
    })
}

fn of(module: &Module, id: FunctionId) -> Down {
    let function = module.function(id);
    let at = module.span(function.range);
    let range = function.range;
    let inside = |at: plimsoll_source::TextRange| range.start <= at.start && at.end <= range.end;
    let empty = match &function.body {
        Body::Expr(value) => !matches!(module.expr(*value).kind, ExprKind::Call { .. }),
        Body::Block(body) => body.iter().all(|&id| match &module.stmt(id).kind {
            StmtKind::Throw(_) | StmtKind::Empty | StmtKind::Return(None) => true,
            StmtKind::Return(Some(value)) | StmtKind::Expr(value) => is_nothing(module, *value),
            _ => false,
        }),
    };
    if empty {
        return Down::Empty(at);
    }
    let mut dropped = Vec::new();
    for (_, expr) in module.exprs().filter(|(_, expr)| inside(expr.range)) {
        match &expr.kind {
            ExprKind::Call { callee, args, .. } => {
                let ExprKind::Member { name, .. } = &module.expr(*callee).kind else { continue };
                let is_drop = matches!(
                    &**name,
                    "dropTable"
                        | "dropTableIfExists"
                        | "dropTables"
                        | "dropColumn"
                        | "dropColumns"
                        | "removeColumn"
                        | "dropSchema"
                        | "dropSchemaIfExists"
                        | "dropAllTables"
                        | "drop_table"
                        | "drop_column"
                        | "drop_schema"
                );
                if is_drop {
                    let what = args.first().map(|arg| &module.expr(arg.value).kind);
                    let what = match what {
                        Some(ExprKind::Text(text)) => text.to_string(),
                        _ => String::new(),
                    };
                    dropped.push((what, module.span(expr.range)));
                }
            }
            ExprKind::Text(text) => dropped.extend(sql(text).map(|w| (w, module.span(expr.range)))),
            ExprKind::Template(parts) => {
                for part in parts {
                    if let plimsoll_syntax::program::Part::Text(text) = part {
                        dropped.extend(sql(text).map(|w| (w, module.span(expr.range))));
                    }
                }
            }
            _ => {}
        }
    }
    if dropped.is_empty() && calls(module, range).all(|call| keeps(module, call)) {
        return Down::Keeps(at);
    }
    dropped.sort_by_key(|(_, at)| *at);
    Down::Does(at, dropped)
}

/// The calls within a range.
fn calls(module: &Module, range: plimsoll_source::TextRange) -> impl Iterator<Item = ExprId> {
    module.exprs().filter_map(move |(id, expr)| {
        let inside = range.start <= expr.range.start && expr.range.end <= range.end;
        (inside && matches!(expr.kind, ExprKind::Call { .. })).then_some(id)
    })
}

/// Whether a call takes no data away: a method of a schema that is known for that, or a type of
/// SQLAlchemy's in what it is given.
fn keeps(module: &Module, call: ExprId) -> bool {
    let ExprKind::Call { callee, args, .. } = &module.expr(call).kind else { return false };
    let ExprKind::Member { object, name, .. } = &module.expr(*callee).kind else { return false };
    // SQL that drops what holds no data.
    if let ("raw" | "execute" | "text", [argument]) = (&**name, &args[..])
        && let ExprKind::Text(text) = &module.expr(argument.value).kind
    {
        return text.split(';').filter(|one| !one.trim().is_empty()).all(|one| {
            let mut words = one.split_whitespace().map(str::to_ascii_lowercase);
            let first = words.next();
            let kinds = ["index", "view", "trigger", "function", "policy"];
            first.as_deref() == Some("drop")
                && !one.to_ascii_lowercase().contains("cascade")
                && words.next().is_some_and(|kind| kinds.contains(&&*kind))
        });
    }
    // What is called in it is looked at by itself.
    if let ("execute", [argument]) = (&**name, &args[..])
        && let ExprKind::Call { .. } = &module.expr(argument.value).kind
    {
        return true;
    }
    let of_sqlalchemy = matches!(
        &module.expr(*object).kind,
        ExprKind::Name(of) if matches!(&**of, "sa" | "sqlalchemy" | "postgresql" | "mysql" | "sqlite")
    );
    let makes = name.starts_with(|first: char| first.is_ascii_uppercase());
    of_sqlalchemy && makes
        || matches!(
            &**name,
            "table"
                | "add_column"
                | "alter_column"
                | "batch_alter_table"
                | "create_check_constraint"
                | "create_exclude_constraint"
                | "create_foreign_key"
                | "create_index"
                | "create_primary_key"
                | "create_table"
                | "create_table_comment"
                | "create_unique_constraint"
                | "drop_constraint"
                | "drop_index"
                | "drop_table_comment"
                | "f"
                | "rename_table"
                | "alterTable"
                | "renameTable"
                | "renameColumn"
                | "dropIndex"
                | "dropIndexes"
                | "dropUnique"
                | "dropForeign"
                | "dropForeignKey"
                | "dropPrimary"
                | "dropConstraint"
                | "removeIndex"
                | "removeConstraint"
                | "dropView"
                | "dropViewIfExists"
                | "dropNullable"
                | "setNullable"
        )
}

/// `console.log(…)`, `Promise.resolve()`, a literal: nothing is undone by it.
fn is_nothing(module: &Module, value: ExprId) -> bool {
    match &module.expr(value).kind {
        ExprKind::Call { callee, .. } => match &module.expr(*callee).kind {
            ExprKind::Member { object, .. } => matches!(
                &module.expr(*object).kind,
                ExprKind::Name(name) if matches!(&**name, "console" | "Promise" | "logger")
            ),
            _ => false,
        },
        ExprKind::Await(value) => is_nothing(module, *value),
        ExprKind::Null | ExprKind::Bool(_) | ExprKind::Text(_) | ExprKind::Number(_) => true,
        ExprKind::Name(name) => &**name == "undefined",
        _ => false,
    }
}

/// The tables that SQL in a text drops.
fn sql(text: &str) -> impl Iterator<Item = String> + '_ {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, ';' | '(' | ','))
        .filter(|w| !w.is_empty())
        .collect();
    let found: Vec<String> = words
        .iter()
        .enumerate()
        .filter(|(_, word)| {
            word.eq_ignore_ascii_case("drop") || word.eq_ignore_ascii_case("truncate")
        })
        .filter_map(|(index, _)| {
            let kind = words.get(index + 1)?;
            if !["table", "column", "schema", "database"]
                .iter()
                .any(|k| kind.eq_ignore_ascii_case(k))
            {
                return None;
            }
            let mut rest = words.get(index + 2..)?.iter();
            let mut name = rest.next()?;
            if name.eq_ignore_ascii_case("if") {
                name = rest.nth(1)?;
            }
            Some(name.trim_matches(['"', '`', '\'']).to_owned())
        })
        .collect();
    found.into_iter()
}
