//! Files that hold secrets: chosen by name, judged by content.
//!
//! Ignored files are read, too: git does not have them, a build context does.

pub(super) mod stores;

use std::collections::BTreeSet;

use plimsoll_source::{Derived, EntryKind, FileId, Span, TextRange};
use plimsoll_syntax::shell::CommandKind;
use plimsoll_syntax::yaml;
use rayon::prelude::*;

use super::cx::Cx;
use super::package::vendored;
use crate::container::Container;
use crate::path;
use crate::script::Program;
use crate::secret::{
    LiteralKind, SecretFile, SecretKind, Secrets, WrittenSecret, is_for_example, is_guessed,
    literal_secret, private_key,
};

/// Larger files are no wallets, keys nor settings.
const MAX_LEN: u64 = 1024 * 1024;

/// What a name promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    /// A key, by PEM header.
    Key,
    /// A binary key store.
    Store,
    /// A wallet or key pair in JSON.
    Wallet,
    /// A short list in JSON, which may be a key pair.
    Numbers,
    /// `NAME=value` lines.
    DotEnv,
    /// Settings with credentials: lines, JSON or YAML.
    Credentials,
    /// Lines whose fields are users and passwords.
    Accounts,
}

/// The secret files of a tree, and the ranges in them that no output may show.
pub(super) fn read(cx: &Cx<'_>) -> Secrets {
    let candidates: Vec<(FileId, Promise)> = cx
        .tree
        .entries()
        .filter(|(_, entry)| matches!(entry.kind, EntryKind::File { .. }))
        .filter(|(_, entry)| entry.len > 0)
        .filter_map(|(file, entry)| {
            let name = path::name(&entry.path);
            // A key pair of 64 numbers, whatever it is called.
            let short = || name.ends_with(".json") && (128..=1_024).contains(&entry.len);
            let promise = promise(name).or_else(|| short().then_some(Promise::Numbers))?;
            if promise == Promise::Wallet && is_translation(&entry.path) {
                return None;
            }
            let read = promise == Promise::Store || entry.len <= MAX_LEN;
            (read && !vendored(&entry.path)).then_some((file, promise))
        })
        .collect();
    let found: Vec<(SecretFile, Vec<TextRange>)> =
        candidates.into_par_iter().filter_map(|(file, promise)| judge(cx, file, promise)).collect();
    let mut secrets = Secrets::default();
    let spans: Vec<Span> = found
        .iter()
        .flat_map(|(secret, ranges)| ranges.iter().map(|range| Span::new(secret.file, *range)))
        .collect();
    secrets.mask(spans);
    secrets.files = found.into_iter().map(|(secret, _)| secret).collect();
    secrets
}

/// Secrets that programs assign, alone or before a command, and what no output may show of them.
pub(super) fn of_programs(secrets: &mut Secrets, programs: &[Program]) {
    const EXPORTS: [&str; 5] = ["export", "declare", "typeset", "local", "readonly"];
    let mut found: Vec<WrittenSecret> = Vec::new();
    let mut masks: Vec<Span> = Vec::new();
    let mut add = |program: &Program, name: &str, value: &str, whole: TextRange, at: TextRange| {
        let Some(literal) = literal_secret(name, value) else { return };
        let span = program.text.span(whole);
        masks.push(program.text.span(at));
        let part = String::from_utf8_lossy(literal.range.slice(value.as_bytes())).into_owned();
        let proved = literal.kind != LiteralKind::Named;
        let guessed = is_guessed(name, &part);
        found.push(WrittenSecret { span, name: name.to_owned(), proved, guessed });
    };
    for program in programs {
        let script = &program.script;
        for command in &script.commands {
            let CommandKind::Simple { assignments, words } = &command.kind else { continue };
            for assignment in assignments {
                let Some(word) = assignment.value else { continue };
                let Some(value) = script.literal(word) else { continue };
                let at = script.word(word).range;
                add(program, &assignment.name, &value, assignment.range, at);
            }
            let mut texts = words.iter().map(|&word| (script.literal(word), word));
            let first = texts.next().and_then(|(first, _)| first);
            if !first.is_some_and(|first| EXPORTS.contains(&&*first)) {
                continue;
            }
            for (text, word) in texts {
                if let Some((name, value)) = text.as_deref().and_then(|text| text.split_once('=')) {
                    let whole = script.word(word).range;
                    let skip = u32::try_from(name.len() + 1).unwrap_or(0);
                    let at = TextRange::new((whole.start + skip).min(whole.end), whole.end);
                    add(program, name, value, whole, at);
                }
            }
        }
    }
    found.sort_by(|a, b| (a.span, &a.name).cmp(&(b.span, &b.name)));
    found.dedup();
    secrets.mask(masks);
    secrets.written = found;
}

/// Files of variables that containers are given, whatever they are called.
pub(super) fn of_env_files(cx: &Cx<'_>, secrets: &mut Secrets, containers: &[Container]) {
    let known: BTreeSet<FileId> = secrets.files.iter().map(|secret| secret.file).collect();
    let given = containers.iter().flat_map(|container| &container.env_files);
    let files: BTreeSet<FileId> =
        given.filter_map(|(path, _)| cx.tree.find(path.known()?)).collect();
    let fits = |file: &FileId| {
        let entry = cx.tree.entry(*file);
        !known.contains(file) && entry.len <= MAX_LEN && !vendored(&entry.path)
    };
    for file in files.into_iter().filter(fits) {
        if let Some((secret, ranges)) = judge(cx, file, Promise::DotEnv) {
            secrets.mask(ranges.into_iter().map(|range| Span::new(file, range)));
            secrets.files.push(secret);
        }
    }
    secrets.files.sort_by_key(|secret| secret.file);
}

/// Whether the name of a file makes it a candidate.
fn promise(name: &str) -> Option<Promise> {
    let lower = name.to_ascii_lowercase();
    let ends = |ends: &[&str]| ends.iter().any(|end| lower.ends_with(end));
    let starts = |starts: &[&str]| starts.iter().any(|start| lower.starts_with(start));
    let has = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    // Public halves and sources.
    if ends(&[".pub", ".md", ".ts", ".js", ".mjs", ".cjs", ".py", ".rb", ".go", ".rs", ".java"]) {
        return None;
    }
    if ends(&[".pem", ".key", ".ppk"]) || starts(&["id_rsa", "id_ed25519", "id_ecdsa", "id_dsa"]) {
        return Some(Promise::Key);
    }
    if ends(&[".p12", ".pfx", ".jks", ".keystore"]) {
        return (!has(&["trust"])).then_some(Promise::Store);
    }
    if (lower == ".env" || starts(&[".env.", ".env-", ".envrc"]) || ends(&[".env"]))
        || starts(&["env."]) && is_example(&lower)
    {
        return Some(Promise::DotEnv);
    }
    let json = ends(&[".json"]);
    if json && has(&["wallet", "keypair", "keystore"])
        || lower.starts_with("utc--")
        || lower == "id.json"
    {
        return Some(Promise::Wallet);
    }
    if matches!(&*lower, ".netrc" | "_netrc" | ".pgpass" | "userlist.txt" | ".git-credentials")
        || has(&[".htpasswd"])
    {
        return Some(Promise::Accounts);
    }
    let settings = json || ends(&[".yml", ".yaml", ".ini", ".conf", ".toml", ".properties"]);
    let told = matches!(
        &*lower,
        ".npmrc"
            | ".yarnrc.yml"
            | ".yarnrc"
            | ".pypirc"
            | ".dockercfg"
            | ".s3cfg"
            | ".boto"
            | "credentials"
            | "kubeconfig"
    ) || has(&["kubeconfig"])
        || settings
            && (starts(&["credentials", "secrets.", "secret."])
                || has(&[
                    "service-account",
                    "service_account",
                    "serviceaccount",
                    "firebase-adminsdk",
                    "client_secret",
                ]));
    told.then_some(Promise::Credentials)
}

/// Whether a file holds what people read in their language: `locales/id.json` is Indonesian.
fn is_translation(path: &str) -> bool {
    const PARTS: [&str; 7] = ["i18n", "l10n", "lang", "langs", "locale", "locales", "translations"];
    path.split('/').any(|part| PARTS.contains(&part))
}

/// Whether a name says that the file is there to be copied and filled in.
fn is_example(name: &str) -> bool {
    name.to_ascii_lowercase().split(['.', '-', '_']).any(|part| {
        matches!(
            part,
            "example"
                | "examples"
                | "sample"
                | "template"
                | "dist"
                | "tmpl"
                | "tpl"
                | "defaults"
                | "schema"
        )
    })
}

/// A secret found in a text.
struct Found {
    name: String,
    range: TextRange,
    because: String,
    /// It is what examples write for «set this».
    example: bool,
    /// Its form proves it, whatever the file is called.
    proved: bool,
    /// It is what people try first.
    guessed: bool,
}

fn judge(cx: &Cx<'_>, file: FileId, promise: Promise) -> Option<(SecretFile, Vec<TextRange>)> {
    let path = cx.tree.path(file);
    let name = path::name(path);
    let example = is_example(name);
    let secret = |kind, because: String, range: TextRange| {
        let because = match fixture(path) {
            Some(part) => format!("{because}; it lies below `{part}`"),
            None => because,
        };
        SecretFile { file, kind, because, span: Span::new(file, range), guessed: false }
    };
    if promise == Promise::Store {
        let because = "by its name it is a store of private keys".to_owned();
        return Some((secret(SecretKind::PrivateKey, because, TextRange::new(0, 0)), Vec::new()));
    }
    let bytes = cx.bytes(file).ok()?;
    let line = TextRange::of(0, memchr::memchr(b'\n', &bytes).unwrap_or(bytes.len()));
    if let Some((start, end)) = private_key(&bytes) {
        let account = memchr::memmem::find(&bytes, b"service_account").is_some();
        let (kind, because) = if account {
            (SecretKind::Credentials, "the key of a service account")
        } else {
            (SecretKind::PrivateKey, "a private key in PEM")
        };
        return Some((secret(kind, because.to_owned(), line), vec![TextRange::of(start, end)]));
    }
    let text = std::str::from_utf8(&bytes).ok()?;
    match promise {
        Promise::Key | Promise::Store => {
            let lines = text.find("\nPrivate-Lines:")?;
            let because = "a private key of PuTTY".to_owned();
            let mask = TextRange::of(lines + 1, text.len());
            return Some((secret(SecretKind::PrivateKey, because, line), vec![mask]));
        }
        Promise::Numbers if !text.trim_start().starts_with('[') => return None,
        Promise::Wallet | Promise::Numbers => {
            if let Some((because, range)) = wallet(file, text) {
                return Some((secret(SecretKind::Wallet, because, line), vec![range]));
            }
            // Where Solana keeps one, and where much else is kept.
            if name == "id.json" || promise == Promise::Numbers {
                return None;
            }
        }
        Promise::DotEnv | Promise::Credentials | Promise::Accounts => {}
    }
    let found = match promise {
        Promise::Accounts => accounts(name, text),
        _ if name.to_ascii_lowercase().ends_with(".json") => in_json(file, &bytes),
        _ => in_lines(text),
    };
    let real = found.iter().find(|f| f.proved || !example && !f.example);
    let kind = match (promise, real) {
        (_, None) if example || promise == Promise::DotEnv => SecretKind::Example,
        (_, None) => return None,
        (Promise::DotEnv, _) => SecretKind::DotEnv,
        (Promise::Wallet, _) => SecretKind::Wallet,
        _ => SecretKind::Credentials,
    };
    let guessed = !found.iter().any(|f| !f.example && (f.proved || !f.guessed));
    let (because, range) = match real {
        Some(found) => (found.because.clone(), found.range),
        None if found.is_empty() => ("no value in it is a secret".to_owned(), line),
        None => ("its values are for an example".to_owned(), line),
    };
    let secret = SecretFile { guessed, ..secret(kind, because, range) };
    Some((secret, found.iter().map(|f| f.range).collect()))
}

/// The part of a path that says that tests use the file.
fn fixture(path: &str) -> Option<&str> {
    let parts = ["test", "tests", "__tests__", "fixtures", "testdata", "spec", "e2e", "mocks"];
    path::parent(path).split('/').find(|part| parts.contains(part))
}

/// What makes a JSON file a wallet: 64 bytes written as numbers, an encrypted key store, a key or a
/// seed phrase under a name that says so.
fn wallet(file: FileId, text: &str) -> Option<(String, TextRange)> {
    let inner = text.trim();
    if let Some(list) = inner.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let numbers: Vec<Option<u8>> =
            list.split(',').take(65).map(|number| number.trim().parse().ok()).collect();
        if numbers.len() == 64 && numbers.iter().all(Option::is_some) {
            let start = text.find('[')? + 1;
            let range = TextRange::of(start, start + list.len());
            return Some(("64 numbers below 256: a Solana key pair".to_owned(), range));
        }
        return None;
    }
    let whole = Span::new(file, TextRange::of(0, text.len()));
    let parsed = yaml::parse_json(Derived::verbatim(text.as_bytes().to_vec(), whole));
    let root = parsed.tree.root()?;
    let crypto = root.get("crypto").or_else(|| root.get("Crypto"))?;
    let sealed = crypto.get("ciphertext").filter(|sealed| sealed.text().is_some())?;
    Some(("an encrypted Ethereum key store".to_owned(), sealed.span().range))
}

/// Secrets among the `name: value` pairs of a JSON text, at any depth.
fn in_json(file: FileId, bytes: &[u8]) -> Vec<Found> {
    let whole = Span::new(file, TextRange::of(0, bytes.len()));
    let tree = yaml::parse_json(Derived::verbatim(bytes.to_vec(), whole)).tree;
    let mut found = Vec::new();
    let mut todo: Vec<yaml::Value<'_>> = tree.root().into_iter().collect();
    while let Some(node) = todo.pop() {
        todo.extend(node.items());
        for (key, value) in node.entries() {
            todo.push(value);
            let (Some(name), Some(text)) = (key.text(), value.text()) else { continue };
            // `auth` of a Docker configuration is `user:password` in base64.
            let asked = if name == "auth" { "_auth" } else { name };
            found.extend(of_pair(asked, name, text, value.span().range, true));
        }
    }
    found.sort_by_key(|f| f.range);
    found
}

/// Secrets among the lines `NAME=value`, `name: value` and the like.
fn in_lines(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    if text.starts_with("$ANSIBLE_VAULT;") {
        return found;
    }
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let bare = line.trim_start().trim_start_matches("- ").trim_start();
        // `{{- $password := … }}` is a template's program: what it comes to is not written here.
        if bare.is_empty()
            || bare.starts_with(['#', ';', '[', '<'])
            || bare.starts_with("{{")
            || bare.starts_with("//") && !bare.contains(":_")
        {
            continue;
        }
        // `=` unless a YAML key comes first; `.npmrc` has both: `//host/:_authToken=…`.
        let equals = bare.find('=');
        let colon =
            bare.find(": ").or_else(|| bare.trim_end().ends_with(':').then_some(usize::MAX));
        let cut = match (equals, colon) {
            (Some(equals), Some(colon)) if colon < equals => colon,
            (Some(equals), _) => equals,
            (None, Some(colon)) if colon != usize::MAX => colon,
            _ => continue,
        };
        let (Some(name), Some(value)) = (bare.get(..cut), bare.get(cut + 1..)) else { continue };
        let name = name.trim().trim_start_matches("export ").trim().trim_matches(['"', '\'']);
        let name = name.rsplit([':', '/', ' ']).next().unwrap_or(name);
        let at = start
            + (line.len() - line.trim_start().len())
            + (line.trim_start().len() - bare.len())
            + cut
            + 1;
        let (value, inset) = unquote(value);
        let range = TextRange::of(at + inset, at + inset + value.len());
        found.extend(of_pair(name, name, value, range, false));
    }
    found
}

/// A value without its quotes, its comment and the blanks around it; how far in it starts.
fn unquote(value: &str) -> (&str, usize) {
    let trimmed = value.trim_start();
    let inset = value.len() - trimmed.len();
    for quote in ['"', '\''] {
        if let Some(rest) = trimmed.strip_prefix(quote) {
            let end = rest.find(quote).unwrap_or(rest.trim_end().len());
            return (rest.get(..end).unwrap_or(rest), inset + 1);
        }
    }
    let end = trimmed.find(" #").unwrap_or(trimmed.len());
    (trimmed.get(..end).unwrap_or(trimmed).trim_end().trim_end_matches(','), inset)
}

fn of_pair(asked: &str, name: &str, value: &str, range: TextRange, quoted: bool) -> Option<Found> {
    let value = value.trim();
    // Kubernetes configurations call their keys by what is in them.
    let asked = if asked == "client-key-data" { "private-key" } else { asked };
    let literal = literal_secret(asked, value)?;
    let because = match literal.kind {
        LiteralKind::Form(what) => format!("`{name}` is {what}"),
        LiteralKind::UrlPassword => format!("`{name}` is a URL with a password"),
        LiteralKind::Named => format!("`{name}` has a value"),
    };
    let part = String::from_utf8_lossy(literal.range.slice(value.as_bytes()));
    Some(Found {
        name: name.to_owned(),
        // Within quotes and escapes offsets do not map one to one: all of it is hidden.
        range: if quoted { range } else { literal.range.shifted(range.start) },
        because,
        example: is_for_example(&part),
        proved: matches!(literal.kind, LiteralKind::Form(_)),
        guessed: is_guessed(name, &part),
    })
}

/// Passwords in files whose lines are accounts.
fn accounts(name: &str, text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let bare = line.trim_end();
        if bare.trim_start().starts_with('#') {
            continue;
        }
        let password = match name {
            ".netrc" | "_netrc" => bare.find("password ").map(|at| {
                let from = at + "password ".len();
                let end = bare.get(from..).and_then(|rest| rest.find(char::is_whitespace));
                (from, end.map_or(bare.len(), |end| from + end))
            }),
            "userlist.txt" => {
                let quotes: Vec<usize> = bare.match_indices('"').map(|(at, _)| at).collect();
                match quotes.as_slice() {
                    [_, _, open, close, ..] => Some((open + 1, *close)),
                    _ => None,
                }
            }
            ".git-credentials" => {
                literal_secret("", bare).map(|l| (l.range.start as usize, l.range.end as usize))
            }
            // `host:port:database:user:password`
            ".pgpass" => {
                let colons: Vec<usize> = bare.match_indices(':').map(|(at, _)| at).collect();
                colons.get(3).map(|colon| (colon + 1, bare.len()))
            }
            // `user:hash`
            _ => bare.find(':').map(|colon| (colon + 1, bare.len())),
        };
        let Some((from, to)) = password.filter(|(from, to)| from < to) else { continue };
        found.push(Found {
            name: name.to_owned(),
            range: TextRange::of(start + from, start + to),
            because: "its lines are users and passwords".to_owned(),
            example: bare.get(from..to).is_some_and(is_for_example),
            proved: false,
            // Who may connect is what the file decides.
            guessed: false,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use plimsoll_source::{Tracking, Tree, TreeBuilder};

    use super::*;

    /// Each secret file: its kind and why, then the file with what is masked as `[…]`.
    fn dump(tree: &Tree) -> String {
        let secrets = read(&Cx::new(tree));
        let mut out = String::new();
        for secret in &secrets.files {
            let _ =
                writeln!(out, "{}: {:?}, {}", tree.path(secret.file), secret.kind, secret.because);
            let Some(ranges) = secrets.masked.get(&secret.file) else { continue };
            let bytes = tree.read(secret.file).expect("readable");
            let mut at = 0;
            let mut text = String::new();
            for range in ranges {
                text += &String::from_utf8_lossy(TextRange::new(at, range.start).slice(&bytes));
                text += "[…]";
                at = range.end;
            }
            text += &String::from_utf8_lossy(TextRange::new(at, u32::MAX).slice(&bytes));
            for line in text.lines().filter(|line| line.contains("[…]")) {
                let _ = writeln!(out, "  {line}");
            }
        }
        out
    }

    #[track_caller]
    fn check(path: &str, text: &str, expected: &str) {
        let found = dump(&Tree::from_memory([(path, text)]));
        let expected: Vec<&str> =
            expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        assert_eq!(found.lines().map(str::trim).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn keys_and_wallets() {
        let body = "QUJD".repeat(20);
        let pem = |kind: &str| format!("-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n");
        check(
            "a/tls.key",
            &pem("EC PRIVATE KEY"),
            "
            a/tls.key: PrivateKey, a private key in PEM
            -----BEGIN EC PRIVATE KEY-----[…]-----END EC PRIVATE KEY-----
        ",
        );
        check(
            "tests/id_rsa",
            &pem("OPENSSH PRIVATE KEY"),
            "
            tests/id_rsa: PrivateKey, a private key in PEM; it lies below `tests`
            -----BEGIN OPENSSH PRIVATE KEY-----[…]-----END OPENSSH PRIVATE KEY-----
        ",
        );
        check("a.pem", &pem("CERTIFICATE"), "");
        check("a.pem", &pem("PUBLIC KEY"), "");
        check("node_modules/x/a.pem", &pem("PRIVATE KEY"), "");
        check("a.p12", "\0\u{1}", "a.p12: PrivateKey, by its name it is a store of private keys");
        check("truststore.jks", "\0", "");
        let numbers: Vec<String> = (0..64).map(|n| (n * 3).to_string()).collect();
        check(
            "devnet-wallet.json",
            &format!("[{}]\n", numbers.join(",")),
            "
            devnet-wallet.json: Wallet, 64 numbers below 256: a Solana key pair
            [[…]]
        ",
        );
        check("a-keypair.json", &format!("[{}]", numbers[1..].join(",")), "");
        check(
            "wallet.json",
            r#"{"crypto": {"cipher": "x", "ciphertext": "abc"}}"#,
            r#"
            wallet.json: Wallet, an encrypted Ethereum key store
            {"crypto": {"cipher": "x", "ciphertext": […]}}
        "#,
        );
        check(
            "wallet.json",
            r#"{"name": "main", "deep": [{"mnemonic": "one two"}]}"#,
            r#"
            wallet.json: Wallet, `mnemonic` has a value
            {"name": "main", "deep": [{"mnemonic": […]}]}
        "#,
        );
        check("wallet-list.json", r#"{"name": "x"}"#, "");
    }

    #[test]
    fn settings_with_values() {
        check(
            ".env",
            "PORT=1\nexport DB_PASSWORD='a b' # x\nURL=redis://:pw1@h\nEMPTY_TOKEN=\n",
            "
            .env: DotEnv, `DB_PASSWORD` has a value
            export DB_PASSWORD='[…]' # x
            URL=redis://:[…]@h
        ",
        );
        check(
            ".env",
            "DB_PASSWORD=CHANGE_ME\n",
            "
            .env: Example, its values are for an example
            DB_PASSWORD=[…]
        ",
        );
        check(
            "a/.env.production",
            "PORT=1",
            "a/.env.production: Example, no value in it is a secret",
        );
        check(
            ".env.example",
            "DB_PASSWORD=postgres\n",
            "
            .env.example: Example, its values are for an example
            DB_PASSWORD=[…]
        ",
        );
        let token = format!("ghp_{}", "a1".repeat(18));
        check(
            ".env.sample",
            &format!("X={token}"),
            "
            .env.sample: DotEnv, `X` is a GitHub token
            X=[…]
        ",
        );
        check(
            ".npmrc",
            "//r.example.test/:_authToken=abcdef\nsave-exact=true\n",
            "
            .npmrc: Credentials, `_authToken` has a value
            //r.example.test/:_authToken=[…]
        ",
        );
        check(".npmrc", "//r.example.test/:_authToken=${NPM_TOKEN}\n", "");
        check(
            "k8s/secrets.yaml",
            "stringData:\n  password: hunter2\n  path: /x\n",
            "
            k8s/secrets.yaml: Credentials, `password` has a value
            password: […]
        ",
        );
        check("secrets.yaml", "password: ENC[AES256,data]\n", "");
        check("templates/secrets.yaml", "{{- $password = include \"chart.password\" . }}\n", "");
        check("secrets.yml", "$ANSIBLE_VAULT;1.1\npassword: x\n", "");
        check(
            "userlist.txt",
            "\"app\" \"hunter2\"\n",
            "
            userlist.txt: Credentials, its lines are users and passwords
            \"app\" \"[…]\"
        ",
        );
        check(
            ".pgpass",
            "h:5432:d:u:hunter2\n",
            "
            .pgpass: Credentials, its lines are users and passwords
            h:5432:d:u:[…]
        ",
        );
        check(
            ".netrc",
            "machine h login u password hunter2\n",
            "
            .netrc: Credentials, its lines are users and passwords
            machine h login u password […]
        ",
        );
        check(
            "credentials.json",
            "{\"auths\": {\"h\": {\"auth\": \"dXNlcjpwdw==\"}}}",
            "
            credentials.json: Credentials, `auth` has a value
            {\"auths\": {\"h\": {\"auth\": […]}}}
        ",
        );
        check("src/environment.ts", "PASSWORD=x", "");
    }

    #[test]
    fn ignored_files_count_and_bytes_do_not_matter() {
        let mut builder = TreeBuilder::new();
        builder.file_as(".env", b"TOKEN=abc", Tracking::Ignored, false);
        builder.file("x.key", b"\xff\xfe-----BEGIN ").file("y-wallet.json", b"[[[[");
        builder.file(".env.local", b"\xff=1").file("secrets.json", b"{\"password\":");
        assert_eq!(dump(&builder.build()), ".env: DotEnv, `TOKEN` has a value\n  TOKEN=[…]\n");
    }
}
