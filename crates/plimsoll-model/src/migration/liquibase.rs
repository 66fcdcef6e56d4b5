//! Liquibase's changelogs in XML, YAML and JSON: how each set of changes is undone.
//!
//! Source of the rules: Liquibase's «Automatic and custom rollbacks» and «Changelog formats».

use plimsoll_source::{Derived, FileId, Span, TextRange, Tree};
use plimsoll_syntax::xml::{self, Element};
use plimsoll_syntax::yaml::{self, Value};

use super::Undo;
use crate::path;

/// Sets of one changelog, and changes of one set.
const MAX: usize = 10_000;
/// Changes that Liquibase undoes by itself.
const UNDONE: [&str; 22] = [
    "addColumn",
    "addDefaultValue",
    "addForeignKeyConstraint",
    "addLookupTable",
    "addNotNullConstraint",
    "addPrimaryKey",
    "addUniqueConstraint",
    "createIndex",
    "createSequence",
    "createSynonym",
    "createTable",
    "createView",
    "disableCheckConstraint",
    "disableTrigger",
    "dropNotNullConstraint",
    "empty",
    "enableCheckConstraint",
    "enableTrigger",
    "renameColumn",
    "renameSequence",
    "renameTable",
    "renameView",
];
/// What a set holds besides its changes.
const ASIDE: [&str; 6] =
    ["comment", "validCheckSum", "preConditions", "tagDatabase", "modifySql", "output"];
/// Changes that cannot be undone without being told how.
const NEVER: [&str; 24] = [
    "alterSequence",
    "createFunction",
    "createPackage",
    "createPackageBody",
    "createProcedure",
    "createTrigger",
    "delete",
    "dropAllForeignKeyConstraints",
    "dropColumn",
    "dropDefaultValue",
    "dropForeignKeyConstraint",
    "dropIndex",
    "dropPrimaryKey",
    "dropProcedure",
    "dropSequence",
    "dropTable",
    "dropUniqueConstraint",
    "dropView",
    "insert",
    "loadData",
    "mergeColumns",
    "modifyDataType",
    "sql",
    "update",
];

/// A set of changes.
#[derive(Default)]
struct Set {
    changes: Vec<String>,
    /// What it says of undoing: whether anything.
    rollback: Option<bool>,
    at: Option<Span>,
}

/// A changelog: its sets, and whether other files are included that are not here.
#[derive(Default)]
struct Log {
    sets: Vec<Set>,
    lost: bool,
}

/// Whether a file that lies among changelogs is one with changes of its own, or cannot be told.
pub(super) fn changes(tree: &Tree, file: FileId) -> bool {
    let Ok(bytes) = tree.read(file) else { return true };
    let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
    if tree.path(file).ends_with(".sql") {
        return text.contains("changeset");
    }
    if !text.contains("databasechangelog") {
        return false;
    }
    text.contains("changeset") || read(tree, file).is_none_or(|log| log.lost)
}

/// How a changelog in XML, YAML or JSON is undone: by the worst of its sets.
pub(super) fn undo(tree: &Tree, file: FileId) -> Undo {
    let Some(log) = read(tree, file) else { return Undo::Unknown };
    let whole = Span::new(file, TextRange::new(0, 0));
    let (mut shown, mut doubt, mut idle) = (None, log.lost || log.sets.is_empty(), None);
    for set in &log.sets {
        let at = set.at.unwrap_or(whole);
        match set.rollback {
            Some(true) => {}
            Some(false) => idle = idle.or(Some(at)),
            None if set.changes.iter().any(|name| NEVER.contains(&&**name)) => {
                return Undo::Missing;
            }
            None => doubt |= set.changes.iter().any(|name| !UNDONE.contains(&&**name)),
        }
        shown = shown.or(Some(at));
    }
    match (idle, shown) {
        (Some(at), _) => Undo::Nothing(at),
        (None, Some(at)) if !doubt => Undo::Here(at),
        _ => Undo::Unknown,
    }
}

fn read(tree: &Tree, file: FileId) -> Option<Log> {
    let bytes = tree.read(file).ok()?;
    let at = tree.path(file);
    let text = Derived::verbatim(bytes.to_vec(), Span::new(file, TextRange::of(0, bytes.len())));
    let mut log = Log::default();
    if at.ends_with(".xml") {
        let parsed = xml::parse(&text);
        let root = parsed.tree.root().filter(|_| parsed.errors.is_empty())?;
        for element in root.children().take(MAX) {
            of_element(tree, at, element, &mut log);
        }
    } else {
        let json = at.ends_with(".json");
        let parsed = if json { yaml::parse_json(text) } else { yaml::parse(text) };
        let root = parsed.tree.root().filter(|_| parsed.errors.is_empty())?;
        for item in root.get("databaseChangeLog")?.items().take(MAX) {
            for (key, value) in item.entries() {
                of_entry(tree, at, key, value, &mut log);
            }
        }
    }
    Some(log)
}

fn of_element(tree: &Tree, from: &str, element: Element<'_>, log: &mut Log) {
    match element.name() {
        "changeSet" => {
            let mut set = Set { at: element.span(), ..Set::default() };
            for change in element.children().take(MAX) {
                let name = change.name().rsplit(':').next().unwrap_or_default();
                if name == "rollback" {
                    let says = !change.text().trim().is_empty()
                        || change.children().next().is_some()
                        || change.attribute("changeSetId").is_some();
                    set.rollback = Some(set.rollback.unwrap_or_default() || says);
                } else if !ASIDE.contains(&name) {
                    set.changes.push(name.to_owned());
                }
            }
            log.sets.push(set);
        }
        "include" => {
            log.lost |= element.attribute("file").is_none_or(|file| !is_here(tree, from, file));
        }
        "includeAll" => {
            log.lost |= element.attribute("path").is_none_or(|dir| !is_here(tree, from, dir));
        }
        _ => {}
    }
}

fn of_entry(tree: &Tree, from: &str, key: Value<'_>, value: Value<'_>, log: &mut Log) {
    let file = |name: &str| value.get(name).and_then(Value::text);
    match key.text() {
        Some("changeSet") => {
            let mut set = Set { at: Some(key.span()), ..Set::default() };
            let changes = value.get("changes").into_iter().flat_map(Value::items).take(MAX);
            for change in changes {
                let names = change.entries();
                set.changes
                    .extend(names.iter().filter_map(|(name, _)| Some(name.text()?.to_owned())));
            }
            set.changes.retain(|name| !ASIDE.contains(&&**name));
            set.rollback = value.get("rollback").map(|says| {
                says.is_map()
                    || says.items().next().is_some()
                    || says.text().is_some_and(|text| !says.is_null() && !text.trim().is_empty())
            });
            log.sets.push(set);
        }
        Some("include") => log.lost |= file("file").is_none_or(|file| !is_here(tree, from, file)),
        Some("includeAll") => log.lost |= file("path").is_none_or(|dir| !is_here(tree, from, dir)),
        _ => {}
    }
}

/// Whether what is included lies in the directory of the changelog that includes it, or below:
/// what lies there is read itself.
fn is_here(tree: &Tree, from: &str, named: &str) -> bool {
    let named = named.trim_start_matches("classpath:").trim_matches('/');
    let dir = path::parent(from);
    let there = |at: &str| tree.find(at).is_some() || tree.under(at).next().is_some();
    // Beside it, or from the root of the class path, which is above it.
    path::ancestors(dir).any(|above| {
        let at = path::join(above, named);
        at.is_some_and(|at| path::below(dir, &at).is_some() && there(&at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How the changelogs below `db/` are undone, each by the last part of its name.
    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &str) {
        let mut all = vec![("pom.xml", "<project><artifactId>a</artifactId></project>")];
        all.extend(files);
        let tree = Tree::from_memory(all);
        let delivery = crate::lower(&tree);
        let mut out = Vec::new();
        for migrations in &delivery.migrations {
            for (file, undo) in crate::migration::undos(&delivery, migrations) {
                let undo = format!("{undo:?}");
                let undo = undo.split('(').next().unwrap_or_default();
                out.push(format!("{} {undo}", path::name(tree.path(file))));
            }
        }
        assert_eq!(out.join("; "), expected);
    }

    fn xml(sets: &str) -> String {
        format!(
            "<databaseChangeLog xmlns=\"http://www.liquibase.org/xml/ns/dbchangelog\">{sets}</databaseChangeLog>"
        )
    }

    #[test]
    fn what_undoes_a_set_of_changes() {
        let set =
            |inside: &str| xml(&format!("<changeSet id=\"1\" author=\"a\">{inside}</changeSet>"));
        for (inside, expected) in [
            ("<createTable tableName=\"a\"/>", "Here"),
            ("<preConditions><sqlCheck/></preConditions><comment>c</comment><addColumn/>", "Here"),
            ("<dropTable tableName=\"a\"/>", "Missing"),
            ("<createTable/><dropColumn/>", "Missing"),
            ("<dropColumn/><rollback><addColumn/></rollback>", "Here"),
            ("<sql>DELETE FROM a</sql><rollback>INSERT INTO a</rollback>", "Here"),
            ("<dropColumn/><rollback/>", "Nothing"),
            ("<ext:custom/>", "Unknown"),
            ("<customChange class=\"a.B\"/>", "Unknown"),
        ] {
            let text = set(inside);
            check(&[("db/db.changelog-1.xml", &text)], &format!("db.changelog-1.xml {expected}"));
        }
        check(
            &[("db/db.changelog-1.xml", "<databaseChangeLog><changeSet>")],
            "db.changelog-1.xml Unknown",
        );
        for (change, rollback, expected) in [
            ("createTable: {tableName: a}", "", "Here"),
            ("dropTable: {tableName: a}", "", "Missing"),
            (
                "dropTable: {tableName: a}",
                "      rollback:\n        - createTable: {tableName: a}\n",
                "Here",
            ),
            ("sql: {sql: DELETE}", "      rollback: INSERT\n", "Here"),
            ("sql: {sql: DELETE}", "      rollback:\n", "Nothing"),
        ] {
            let text = format!(
                "databaseChangeLog:\n  - changeSet:\n      id: 1\n      changes:\n        - {change}\n{rollback}"
            );
            check(&[("db/db.changelog.yaml", &text)], &format!("db.changelog.yaml {expected}"));
        }
        let json =
            r#"{"databaseChangeLog":[{"changeSet":{"id":"1","changes":[{"dropTable":{}}]}}]}"#;
        check(&[("db/db.changelog.json", json)], "db.changelog.json Missing");
    }

    #[test]
    fn what_a_changelog_includes() {
        let (good, bad) = (
            xml("<changeSet id=\"1\"><createTable/></changeSet>"),
            xml("<changeSet id=\"2\"><dropTable/></changeSet>"),
        );
        let main = xml(
            "<include file=\"db/changes/1.xml\"/><include file=\"changes/2.xml\" relativeToChangelogFile=\"true\"/>",
        );
        check(
            &[
                ("db/db.changelog-master.xml", &main),
                ("db/changes/1.xml", &good),
                ("db/changes/2.xml", &bad),
                ("db/data.json", "{}"),
            ],
            "1.xml Here; 2.xml Missing",
        );
        let all = "databaseChangeLog:\n  - includeAll:\n      path: db/changes/\n";
        check(&[("db/db.changelog-master.yaml", all), ("db/changes/1.xml", &good)], "1.xml Here");
        // What is not here may hold anything.
        check(
            &[("db/db.changelog-master.xml", &main), ("db/changes/1.xml", &good)],
            "1.xml Here; db.changelog-master.xml Unknown",
        );
    }
}
