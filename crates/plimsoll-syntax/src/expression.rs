//! Expressions of GitHub Actions: `${{ … }}` and what stands in them.
//!
//! The grammar is the crate `github-actions-expressions`; what a check asks is read out of its tree
//! here: which contexts an expression refers to, which of them end up in its value, what it compares,
//! and whether it is true or false however things stand.

use github_actions_expressions::call::Function;
use github_actions_expressions::context::Context;
use github_actions_expressions::literal::Literal;
use github_actions_expressions::op::{BinOp, UnOp};
use github_actions_expressions::{Expr, SpannedExpr};
use plimsoll_source::TextRange;

/// Longer expressions are not parsed: their trees are as deep as they are long.
const MAX_LEN: usize = 4096;

/// An expression, without its braces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expression {
    /// What it refers to.
    pub contexts: Vec<Reference>,
    /// What it compares with a text by `==` or `!=`: the context, the text.
    pub compares: Vec<(String, String)>,
    /// `contains('a b', context)`: the text that is looked through, and the context.
    pub contains: Vec<(String, String)>,
    /// Names of the functions that it calls, in lower case.
    pub calls: Vec<&'static str>,
    /// Its value where that is a constant, as a condition takes it.
    pub constant: Option<bool>,
    /// It is nothing but a literal.
    pub literal: bool,
    /// It has no tree: it does not parse, or is too long.
    pub broken: bool,
}

/// A context that an expression refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// `github.event.issue.title`, in lower case; `*` for `.*` and for an index that is computed.
    pub path: String,
    /// Its text can become part of the value; not what is only compared.
    pub flows: bool,
    /// It is given to `toJSON`, which spells out all of it.
    pub whole: bool,
}

impl Expression {
    /// The paths whose text can become part of the value.
    pub fn flowing(&self) -> impl Iterator<Item = &str> {
        self.contexts.iter().filter(|reference| reference.flows).map(|found| &*found.path)
    }
}

/// The ranges of `${{ … }}` in a text, braces included. A quoted `}}` within one is not its end.
#[must_use]
pub fn find(text: &[u8]) -> Vec<TextRange> {
    let mut found = Vec::new();
    let mut at = 0;
    let finder = memchr::memmem::Finder::new(b"${{");
    while let Some(start) = finder.find(&text[at..]).map(|n| at + n) {
        let mut quoted = false;
        let mut end = start + 3;
        loop {
            match text.get(end) {
                // Without an end it is no expression.
                None => return found,
                Some(b'\'') => quoted = !quoted,
                Some(b'}') if !quoted && text.get(end + 1) == Some(&b'}') => break,
                Some(_) => {}
            }
            end += 1;
        }
        found.push(TextRange::of(start, end + 2));
        at = end + 2;
    }
    found
}

/// Parses the text of an expression, with its braces or without.
#[must_use]
pub fn parse(text: &str) -> Expression {
    let inner = text.trim();
    let inner = inner.strip_prefix("${{").and_then(|t| t.strip_suffix("}}")).unwrap_or(inner);
    let broken = Expression { broken: true, ..Expression::default() };
    if inner.len() > MAX_LEN {
        return broken;
    }
    let Ok(tree) = Expr::parse(inner.trim()) else { return broken };
    let mut found = Expression {
        constant: fold(&tree, &|_| None),
        literal: tree.is_literal(),
        ..Expression::default()
    };
    walk(&tree, true, false, &mut found);
    found
}

/// Whether an expression is true where its contexts have these values, as far as that decides it.
#[must_use]
pub fn truth(text: &str, known: &dyn Fn(&str) -> Option<String>) -> Option<bool> {
    let inner = text.trim();
    let inner = inner.strip_prefix("${{").and_then(|t| t.strip_suffix("}}")).unwrap_or(inner);
    if inner.len() > MAX_LEN {
        return None;
    }
    fold(&Expr::parse(inner.trim()).ok()?, known)
}

fn walk(tree: &SpannedExpr<'_>, flows: bool, whole: bool, out: &mut Expression) {
    match &tree.inner {
        Expr::Context(context) => {
            if let Some(path) = context.as_pattern() {
                out.contexts.push(Reference { path, flows, whole });
            }
            for part in &context.parts {
                // `fromJSON(x).y` is a part of x; a computed index is no part of the value.
                let head = matches!(part.inner, Expr::Call(_) | Expr::BinExpr(_));
                walk(part, flows && head, whole, out);
            }
        }
        Expr::Call(call) => {
            let name = name_of(&call.func);
            out.calls.push(name);
            if let (Function::Contains, [list, wanted]) = (&call.func, &*call.args)
                && let (Expr::Literal(Literal::String(list)), Some(path)) =
                    (&list.inner, path_of(wanted))
            {
                out.contains.push((list.to_string(), path));
            }
            let through = matches!(name, "tojson" | "fromjson" | "format" | "join" | "case");
            for arg in &call.args {
                walk(arg, flows && through, whole || name == "tojson", out);
            }
        }
        Expr::Index(inner) => walk(inner, false, whole, out),
        Expr::BinExpr(expr) => {
            let (left, right) = match expr.op {
                BinOp::And => (false, flows),
                BinOp::Or => (flows, flows),
                _ => (false, false),
            };
            if matches!(expr.op, BinOp::Eq | BinOp::Neq) {
                for (one, other) in [(&expr.lhs, &expr.rhs), (&expr.rhs, &expr.lhs)] {
                    if let (Some(path), Expr::Literal(text)) = (path_of(one), &other.inner) {
                        out.compares.push((path, text.as_str().into_owned()));
                    }
                }
            }
            walk(&expr.lhs, left, whole, out);
            walk(&expr.rhs, right, whole, out);
        }
        Expr::UnExpr { expr, .. } => walk(expr, false, whole, out),
        Expr::Literal(_) | Expr::Star | Expr::Identifier(_) => {}
    }
}

fn path_of(tree: &SpannedExpr<'_>) -> Option<String> {
    match &tree.inner {
        Expr::Context(context) => Context::as_pattern(context),
        _ => None,
    }
}

fn name_of(function: &Function) -> &'static str {
    match function {
        Function::Contains => "contains",
        Function::StartsWith => "startswith",
        Function::EndsWith => "endswith",
        Function::Format => "format",
        Function::Join => "join",
        Function::ToJSON => "tojson",
        Function::FromJSON => "fromjson",
        Function::HashFiles => "hashfiles",
        Function::Case => "case",
        Function::Success => "success",
        Function::Always => "always",
        Function::Cancelled => "cancelled",
        Function::Failure => "failure",
    }
}

/// What an operand of `==` is as a text; `true` and `false` are those of YAML.
fn operand(tree: &SpannedExpr<'_>, known: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    match &tree.inner {
        Expr::Literal(Literal::String(text)) => Some(text.to_string()),
        Expr::Literal(Literal::Boolean(value)) => Some(value.to_string()),
        Expr::Context(context) => known(&context.as_pattern()?),
        _ => None,
    }
}

/// Whether it is true or false, whatever else stands as it may.
fn fold(tree: &SpannedExpr<'_>, known: &dyn Fn(&str) -> Option<String>) -> Option<bool> {
    match &tree.inner {
        Expr::Literal(Literal::Boolean(value)) => Some(*value),
        Expr::Literal(Literal::Null) => Some(false),
        Expr::Literal(Literal::String(text)) => Some(!text.is_empty()),
        Expr::Literal(Literal::Number(number)) => Some(*number != 0.0),
        Expr::Context(context) => {
            let value = known(&context.as_pattern()?)?;
            Some(!matches!(&*value, "" | "false"))
        }
        Expr::UnExpr { op: UnOp::Not, expr } => fold(expr, known).map(|value| !value),
        Expr::BinExpr(expr) => match (&expr.op, fold(&expr.lhs, known), fold(&expr.rhs, known)) {
            (BinOp::And, Some(false), _) | (BinOp::And, _, Some(false)) => Some(false),
            (BinOp::And, Some(true), Some(true)) => Some(true),
            (BinOp::Or, Some(true), _) | (BinOp::Or, _, Some(true)) => Some(true),
            (BinOp::Or, Some(false), Some(false)) => Some(false),
            (BinOp::Eq | BinOp::Neq, ..) => {
                let sides = operand(&expr.lhs, known).zip(operand(&expr.rhs, known));
                sides.map(|(a, b)| a.eq_ignore_ascii_case(&b) == matches!(expr.op, BinOp::Eq))
            }
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = parse(text);
        let paths = found.contexts.iter().map(|c| {
            format!(
                "{}{}{}",
                c.path,
                if c.flows { ">" } else { "" },
                if c.whole { "!" } else { "" }
            )
        });
        let mut shown: Vec<String> = paths.collect();
        shown.extend(found.constant.map(|value| value.to_string()));
        shown.extend(found.broken.then(|| "broken".to_owned()));
        assert_eq!(shown.join(" "), expected, "{text}");
    }

    #[test]
    fn what_flows_is_told_from_what_is_compared() {
        check("${{ github.event.issue.title }}", "github.event.issue.title>");
        check("github.event['pull_request'].head.ref", "github.event.pull_request.head.ref>");
        check("github.actor == 'x' && github.ref || 'y'", "github.actor github.ref> true");
        check("toJSON(secrets)", "secrets>!");
        check("secrets[format('A_{0}', matrix.x)]", "secrets.*> matrix.x");
        check("contains(github.head_ref, 'x')", "github.head_ref");
        check("fromJSON(needs.a.outputs.b).c", "needs.a.outputs.b>");
        check("join(github.event.commits.*.message, ' ')", "github.event.commits.*.message>");
        check("steps.a", "steps.a>");
        check("a b", "broken");
    }

    #[test]
    fn constants_are_folded() {
        check("false", "false");
        check("'a' == 'A'", "true");
        check("!true || 'x'", "true");
        check("false && github.ref", "github.ref> false");
        check("github.ref == 'x'", "github.ref");
    }

    #[test]
    fn what_is_known_decides() {
        let known = |path: &str| match path {
            "github.event_name" => Some("push".to_owned()),
            "matrix.experimental" => Some("false".to_owned()),
            _ => None,
        };
        let check = |text: &str, expected| assert_eq!(truth(text, &known), expected, "{text}");
        check("${{ github.event_name == 'push' }}", Some(true));
        check("${{ github.event_name != 'push' }}", Some(false));
        check("matrix.experimental", Some(false));
        check("matrix.experimental == true", Some(false));
        check("!matrix.experimental || inputs.x", Some(true));
        check("inputs.x", None);
        check("a b", None);
    }

    #[test]
    fn hostile_texts_end() {
        for unit in ["(", "!", "a||", "a[", "toJSON(", "'", "${{", "a."] {
            for count in [1, 100, 5_000] {
                let _ = parse(&unit.repeat(count));
                let _ = find(unit.repeat(count).as_bytes());
            }
        }
        assert_eq!(find(b"a ${{ '}}' }} b").len(), 1);
    }
}
