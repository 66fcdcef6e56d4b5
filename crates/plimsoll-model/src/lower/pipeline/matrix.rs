//! The matrix of a GitHub job: its axes, and the rows that its runs get.
//!
//! Source of the rules: `jobs.<job_id>.strategy.matrix` in «Workflow syntax for GitHub Actions»: the
//! axes are multiplied, `exclude` takes rows away, an entry of `include` joins every row of which it
//! changes no axis, and is a row of its own where there is none.

use plimsoll_syntax::yaml::Value;

use super::github::texts;

/// The most rows: GitHub starts no more jobs of one matrix.
const MAX_ROWS: usize = 256;
/// The most axes, fields of an element, and how deep a field may lie.
const MAX_AXES: usize = 32;
const MAX_FIELDS: usize = 64;
const MAX_DEPTH: usize = 8;
/// The most values of a name.
const MAX_VALUES: usize = 1000;

/// What a run of the job gets: a name as the expression says it (`package.path`), and its value.
type Row = Vec<(String, String)>;

/// The values of each name, `include` counted in, as far as they are written.
pub(super) fn values(matrix: Value<'_>) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let mut add = |name: String, value: String| match found.iter_mut().find(|(n, _)| *n == name) {
        Some((_, all)) if all.len() < MAX_VALUES && !all.contains(&value) => all.push(value),
        Some(_) => {}
        None => found.push((name, vec![value])),
    };
    for (key, value) in matrix.entries() {
        match key.text() {
            Some("include") => {
                value.items().flat_map(fields).for_each(|(name, value)| add(name, value));
            }
            Some("exclude") | None => {}
            Some(name) => {
                texts(Some(value)).into_iter().for_each(|value| add(name.to_owned(), value));
                for item in value.items().filter(|item| item.is_map()) {
                    element(name, item).into_iter().for_each(|(name, value)| add(name, value));
                }
            }
        }
    }
    found
}

/// The rows, with what is written out of each; none where they are too many.
pub(super) fn rows(matrix: Value<'_>) -> Vec<Row> {
    let axes: Vec<(&str, Vec<Row>)> = matrix
        .entries()
        .into_iter()
        .filter_map(|(key, value)| {
            let name = key.text().filter(|name| !matches!(*name, "include" | "exclude"))?;
            let elements = value.items().take(MAX_ROWS + 1).map(|item| element(name, item));
            Some((name, elements.collect())).filter(|(_, all): &(_, Vec<Row>)| !all.is_empty())
        })
        .take(MAX_AXES)
        .collect();
    let mut rows: Vec<Row> = Vec::from_iter((!axes.is_empty()).then(Vec::new));
    for (_, elements) in &axes {
        if rows.len().saturating_mul(elements.len()) > MAX_ROWS {
            return Vec::new();
        }
        let longer = |row: &Row, element: &Row| row.iter().chain(element).cloned().collect();
        rows = rows
            .iter()
            .flat_map(|row| elements.iter().map(move |element| longer(row, element)))
            .collect();
    }
    for gone in matrix.get("exclude").into_iter().flat_map(Value::items).map(fields) {
        rows.retain(|row| gone.is_empty() || !gone.iter().all(|pair| row.contains(pair)));
    }
    let of_axis = |name: &str| {
        let axis = name.split('.').next();
        axes.iter().any(|(known, _)| Some(*known) == axis)
    };
    let mut alone: Vec<Row> = Vec::new();
    for more in matrix.get("include").into_iter().flat_map(Value::items).map(fields) {
        let (own, other): (Row, Row) = more.iter().cloned().partition(|(name, _)| of_axis(name));
        let mut joined = false;
        for row in rows.iter_mut().filter(|row| own.iter().all(|pair| row.contains(pair))) {
            joined = true;
            row.retain(|(name, _)| other.iter().all(|(known, _)| known != name));
            row.extend(other.iter().cloned());
        }
        if !joined {
            alone.push(more);
        }
        if rows.len() + alone.len() > MAX_ROWS {
            return Vec::new();
        }
    }
    rows.extend(alone);
    rows
}

/// One element of an axis: a value, or the fields of a mapping.
fn element(name: &str, value: Value<'_>) -> Row {
    let mut row = Row::new();
    flatten(name, value, 0, &mut row);
    row
}

/// The pairs of an entry of `include` or `exclude`.
fn fields(entry: Value<'_>) -> Row {
    let mut row = Row::new();
    for (key, value) in entry.entries() {
        if let Some(name) = key.text() {
            flatten(name, value, 0, &mut row);
        }
    }
    row
}

fn flatten(name: &str, value: Value<'_>, depth: usize, row: &mut Row) {
    if row.len() >= MAX_FIELDS || depth > MAX_DEPTH {
        return;
    }
    if let Some(text) = value.text() {
        row.push((name.to_owned(), text.to_owned()));
    }
    for (key, inner) in value.entries() {
        if let Some(key) = key.text() {
            flatten(&format!("{name}.{key}"), inner, depth + 1, row);
        }
    }
}
