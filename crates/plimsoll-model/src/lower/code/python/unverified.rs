//! Where a module of Python turns the verification of a database's certificate off.
//!
//! Sources of the rules: libpq's «SSL Mode Descriptions» and dj-database-url's `ssl_require`; PyMongo's
//! «TLS/SSL and PyMongo»; the connection arguments of MySQL Connector/Python; Python's `ssl`.

use plimsoll_source::TextRange;
use plimsoll_syntax::program::{Entry, ExprId, ExprKind, Key, Module, PatternKind, StmtKind};

use crate::code::{Unless, Unverified};

/// The most places of a module that are looked at.
const MAX: usize = 64;

/// Every setting of a module that may turn it off; its name is the place's one key.
pub(in super::super) fn unverified(module: &Module) -> Vec<Unverified> {
    let mut found = Vec::new();
    for (_, expr) in module.exprs() {
        let mut add = |name: &str, at: TextRange, value: ExprId| {
            if let Some(unless) = off(name, &module.expr(value).kind) {
                let at = TextRange::new(at.start, module.expr(value).range.end);
                found.push((name.to_owned(), at, unless));
            }
        };
        match &expr.kind {
            ExprKind::Call { args, .. } => {
                for arg in args {
                    let at = module.expr(arg.value).range;
                    arg.name.iter().for_each(|name| add(name, at, arg.value));
                }
            }
            ExprKind::Object(entries) => {
                for entry in entries {
                    if let Entry::Pair { key: Key::Fixed(key), at, value } = entry {
                        add(key, *at, *value);
                    }
                }
            }
            ExprKind::Assign { target, value, .. } => {
                if let PatternKind::Target(target) = module.pattern(*target).kind
                    && let ExprKind::Member { name, .. } = &module.expr(target).kind
                {
                    add(name, module.expr(target).range, *value);
                }
            }
            ExprKind::Text(text) => {
                found.extend(in_address(text).map(|(name, unless)| (name, expr.range, unless)));
            }
            _ => {}
        }
    }
    let branches: Vec<TextRange> = module
        .stmts()
        .filter(|stmt| matches!(stmt.kind, StmtKind::If { .. }))
        .map(|stmt| stmt.range)
        .collect();
    let placed = found.into_iter().take(MAX).map(|(name, at, unless)| {
        // What a condition comes to is not followed.
        let branch = branches.iter().any(|branch| branch.start <= at.start && at.end <= branch.end);
        let unless = if branch { Unless::Unknown } else { unless };
        Unverified { at: module.span(at), keys: vec![name], production: true, unless }
    });
    placed.collect()
}

/// What a setting turns off; `None` where it verifies, or is about something else.
fn off(name: &str, value: &ExprKind) -> Option<Unless> {
    match (name, value) {
        ("tlsAllowInvalidCertificates" | "tlsInsecure", ExprKind::Bool(false)) => None,
        ("tlsAllowInvalidCertificates" | "tlsInsecure", ExprKind::Bool(true)) => {
            Some(Unless::Never)
        }
        ("ssl_verify_cert", ExprKind::Bool(true)) => None,
        ("ssl_verify_cert", ExprKind::Bool(false)) => Some(Unless::Never),
        ("verify_mode", ExprKind::Member { name, .. }) => match &**name {
            "CERT_NONE" => Some(Unless::Never),
            "CERT_REQUIRED" => None,
            _ => Some(Unless::Unknown),
        },
        ("sslmode" | "ssl_mode" | "ssl", ExprKind::Text(mode)) => trusts(mode),
        ("ssl", _) | ("ssl_require", ExprKind::Bool(false)) => None,
        (
            "tlsAllowInvalidCertificates"
            | "tlsInsecure"
            | "ssl_verify_cert"
            | "verify_mode"
            | "sslmode"
            | "ssl_mode"
            | "ssl_require",
            _,
        ) => Some(Unless::Unknown),
        _ => None,
    }
}

/// A mode that encrypts and verifies nothing, unless the machine holds a root certificate at the
/// place where libpq looks for one.
fn trusts(mode: &str) -> Option<Unless> {
    const MODES: [&str; 5] = ["allow", "prefer", "preferred", "require", "required"];
    MODES.iter().any(|known| mode.eq_ignore_ascii_case(known)).then_some(Unless::Unknown)
}

/// The options of an address: `…?sslmode=require`.
fn in_address(text: &str) -> Option<(String, Unless)> {
    let (_, options) = text.split_once("://")?.1.split_once('?')?;
    let pairs = || options.split('&').filter_map(|pair| pair.split_once('='));
    if pairs().any(|(name, _)| name == "sslrootcert") {
        return None;
    }
    pairs().find_map(|(name, value)| match name {
        "sslmode" => Some((name.to_owned(), trusts(value)?)),
        "tlsAllowInvalidCertificates" | "tlsInsecure" if value == "true" => {
            Some((name.to_owned(), Unless::Never))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_source::FileId;

    #[track_caller]
    fn check(source: &str, expected: &[&str]) {
        let parsed = plimsoll_syntax::python::read(FileId(0), source.as_bytes());
        let found = unverified(&parsed.tree);
        let shown: Vec<String> = found
            .iter()
            .map(|one| {
                let text = &source[one.at.range.start as usize..one.at.range.end as usize];
                let unless = if one.unless == Unless::Never { "" } else { " ?" };
                format!("{} {text}{unless}", one.keys.join("."))
            })
            .collect();
        assert_eq!(shown, expected, "{source}");
    }

    #[test]
    fn settings_are_read_wherever_they_stand() {
        check(
            "MongoClient(u, tlsAllowInvalidCertificates=True)",
            &["tlsAllowInvalidCertificates True"],
        );
        check("MongoClient(u, tlsAllowInvalidCertificates=False)", &[]);
        check("c.verify_mode = ssl.CERT_NONE", &["verify_mode c.verify_mode = ssl.CERT_NONE"]);
        check("c.verify_mode = ssl.CERT_REQUIRED", &[]);
        check("connect(u, sslmode='verify-full')", &[]);
        check("connect(u, sslmode='require')", &["sslmode 'require' ?"]);
        check("connect(u, sslmode=mode)", &["sslmode mode ?"]);
        check("D = {'OPTIONS': {'sslmode': 'require'}}", &["sslmode 'sslmode': 'require' ?"]);
        check(
            "U = 'postgresql://db/a?sslmode=require'",
            &["sslmode 'postgresql://db/a?sslmode=require' ?"],
        );
        check("U = 'postgresql://db/a?sslmode=require&sslrootcert=ca.pem'", &[]);
        check("connect(u, ssl=context)", &[]);
        check(
            "if DEBUG:\n    c.verify_mode = ssl.CERT_NONE\n",
            &["verify_mode c.verify_mode = ssl.CERT_NONE ?"],
        );
    }
}
