//! Secrets: which files hold them, which names mean them, and the spans that no output may show.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};
use memchr::memmem::Finder;
use plimsoll_source::{FileId, Span, TextRange};
use rayon::iter::ParallelIterator;

/// A file that holds, or by its name would hold, a secret.
#[derive(Clone, Debug)]
pub struct SecretFile {
    /// The file.
    pub file: FileId,
    /// What it is.
    pub kind: SecretKind,
    /// Why we say so.
    pub because: String,
    /// Where in it the secret stands; the first line when the whole file is one.
    pub span: Span,
    /// All that it holds is what people try first, or what defaults and tests are written with:
    /// `postgres`, `password`.
    pub guessed: bool,
}

/// What a secret file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretKind {
    /// A private key: PEM, PKCS, SSH.
    PrivateKey,
    /// A cryptocurrency wallet or keypair.
    Wallet,
    /// `.env` with values.
    DotEnv,
    /// Credentials: `.npmrc` with a token, service account JSON, `.pgpass`, `.netrc`, kubeconfig.
    Credentials,
    /// An example or template without real values.
    Example,
}

/// All that is known of secrets in a tree.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// The files, in path order.
    pub files: Vec<SecretFile>,
    /// Secrets that programs and stores of values write out: `PGPASSWORD=… psql`, `stringData` of a
    /// `Secret`, in (file, place) order.
    pub written: Vec<WrittenSecret>,
    /// Ranges that no output may show, sorted, per file.
    pub masked: BTreeMap<FileId, Vec<TextRange>>,
}

impl Secrets {
    /// Adds ranges that no output may show.
    pub fn mask(&mut self, spans: impl IntoIterator<Item = Span>) {
        for span in spans {
            if !span.range.is_empty() {
                self.masked.entry(span.file).or_default().push(span.range);
            }
        }
        for ranges in self.masked.values_mut() {
            ranges.sort_unstable();
            let mut merged: Vec<TextRange> = Vec::with_capacity(ranges.len());
            for range in ranges.drain(..) {
                match merged.last_mut() {
                    Some(last) if range.start <= last.end => *last = last.cover(range),
                    _ => merged.push(range),
                }
            }
            *ranges = merged;
        }
    }

    /// Masks those values, given with their names and places, that are secrets: what compose files,
    /// Dockerfiles, workflows and scripts write out.
    pub fn mask_values<'a>(
        &mut self,
        values: impl ParallelIterator<Item = (Span, &'a str, &'a str)>,
    ) {
        let spans: Vec<Span> = values
            .filter_map(|(span, name, value)| {
                let literal = literal_secret(name, value)?;
                // Where the text stands as it is read, only the secret part; else all of it.
                if span.range.len() as usize != value.len() {
                    return Some(span);
                }
                let range = literal.range.shifted(span.range.start);
                Some(Span::new(span.file, range))
            })
            .collect();
        self.mask(spans);
    }
}

/// A secret that a program or a store of values writes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenSecret {
    /// The assignment.
    pub span: Span,
    /// The variable.
    pub name: String,
    /// Its form is that of a known kind of credential, or a URL's password.
    pub proved: bool,
    /// Whether everybody guesses it: `postgres`, `changeme`, the name itself.
    pub guessed: bool,
}

/// A secret that is written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretLiteral {
    /// What gives it away.
    pub kind: LiteralKind,
    /// The secret part of the value.
    pub range: TextRange,
}

/// What gives a written secret away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiteralKind {
    /// Its name says so, and its value is no reference.
    Named,
    /// Its form is that of a known kind of credential.
    Form(&'static str),
    /// It is the password in a URL.
    UrlPassword,
}

/// Whether a name holds what every word has that says so; most hold none.
fn may_name_secret(name: &[u8]) -> bool {
    name.windows(3).enumerate().any(|(at, begins)| {
        let &[first, second, third] = begins else { return false };
        // Of the signs no two begin with the same three letters; names are asked for all the time.
        let sign: &[u8] = match [first | 0x20, second | 0x20, third | 0x20] {
            [b'a', b'u', b't'] => b"auth",
            [b'c', b'r', b'e'] => b"cred",
            [b'k', b'e', b'y'] | [b'p', b'w', b'd'] | [b'p', b's', b'k'] => return true,
            [b'm', b'n', b'e'] => b"mnemonic",
            [b'p', b'a', b's'] => b"pass",
            [b'p', b'h', b'r'] => b"phrase",
            [b's', b'e', b'c'] => b"secret",
            [b't', b'o', b'k'] => b"token",
            _ => return false,
        };
        name.get(at..at + sign.len()).is_some_and(|part| part.eq_ignore_ascii_case(sign))
    })
}

/// Whether a variable, key or argument of this name holds a secret: `DB_PASSWORD`, `apiKey`. Not
/// `PASSWORD_FILE`, `TOKEN_EXPIRY`, `PUBLIC_KEY`, `ACCESS_KEY_ID`, `MAX_TOKENS`.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    if !may_name_secret(name.as_bytes()) {
        return false;
    }
    let words = words_of(name);
    let word = |i: usize| words.get(i).map_or("", String::as_str);
    // What a bundler puts into pages is public, whatever it is called, unless it says secret.
    let public = words.iter().any(|w| w == "PUBLIC" || w == "PUBLISHABLE")
        || matches!((word(0), word(1)), ("VITE", _) | ("REACT", "APP"));
    let mut found = None;
    for at in 0..words.len() {
        let before = at.checked_sub(1).map_or("", word);
        let says = match word(at) {
            "SECRET" | "SECRETS" | "PASSWORD" | "PASSWORDS" | "PASSWD" | "PASSPHRASE"
            | "MNEMONIC" | "PRIVATEKEY" => true,
            "TOKEN" | "APIKEY" | "CREDENTIAL" | "CREDENTIALS" | "CREDS" | "PSK" => !public,
            "PWD" | "PASS" => !before.is_empty() && !matches!(before, "OLD" | "BY" | "FIRST"),
            "PHRASE" => before == "SEED" || before == "PASS",
            "AUTH" => {
                let asks = ["", "ENABLE", "DISABLE", "USE", "REQUIRE", "NO", "SKIP", "HAS", "IS"];
                at + 1 == words.len()
                    && !public
                    && (name.starts_with('_') || !asks.contains(&before))
            }
            "KEY" => match before {
                "PRIVATE" | "SECRET" => true,
                "API" | "ACCESS" | "ENCRYPTION" | "DECRYPTION" | "ENCRYPT" | "SIGNING"
                | "MASTER" | "ACCOUNT" | "AUTH" | "HMAC" | "SESSION" | "STORAGE" | "SSH"
                | "LICENSE" | "DEPLOY" | "WALLET" | "JWT" | "COOKIE" | "SERVICE" | "ADMIN"
                | "ROOT" | "TREASURY" | "CLIENT" | "APP" | "WEBHOOK" => !public,
                _ => false,
            },
            // `PGPASSWORD`, `AUTHTOKEN`.
            fused => {
                let ends = [
                    "PASSWORD",
                    "PASSWD",
                    "PASSPHRASE",
                    "SECRET",
                    "APIKEY",
                    "AUTHTOKEN",
                    "ACCESSTOKEN",
                    "ACCESSKEY",
                    "SECRETKEY",
                ];
                ends.iter().any(|end| fused.ends_with(end))
            }
        };
        if says {
            found = Some(at);
        }
    }
    let Some(at) = found else { return false };
    // What follows may say that it is about a secret, rather than one.
    const ABOUT: &[&str] = &[
        "ADDRESS",
        "AGE",
        "ALG",
        "ALGO",
        "ALGORITHM",
        "ARN",
        "ATTEMPTS",
        "AUDIENCE",
        "BACKEND",
        "BUCKET",
        "CACHE",
        "CHARSET",
        "CLASS",
        "COLUMN",
        "CONTRACT",
        "COUNT",
        "DAYS",
        "DECIMALS",
        "DIR",
        "DIRECTORY",
        "DISABLED",
        "DOMAIN",
        "DURATION",
        "EMAIL",
        "ENABLED",
        "ENDPOINT",
        "ENGINE",
        "EXPIRATION",
        "EXPIRED",
        "EXPIRES",
        "EXPIRY",
        "FIELD",
        "FILE",
        "FILES",
        "FORMAT",
        "HEADER",
        "HISTORY",
        "HOST",
        "HOURS",
        "ID",
        "IDS",
        "IN",
        "INTERVAL",
        "ISSUER",
        "LENGTH",
        "LIFETIME",
        "LIMIT",
        "LOCATION",
        "MANAGER",
        "MAX",
        "METADATA",
        "METHOD",
        "MIN",
        "MINT",
        "MINUTES",
        "MODE",
        "MOUNT",
        "MS",
        "NAME",
        "NAMES",
        "NAMESPACE",
        "PATH",
        "PATHS",
        "PATTERN",
        "POLICY",
        "PORT",
        "PREFIX",
        "PROGRAM",
        "PROVIDER",
        "REF",
        "REGEX",
        "REGION",
        "REQUIRED",
        "RETRIES",
        "ROTATION",
        "ROUNDS",
        "SCHEME",
        "SCANNING",
        "SCOPE",
        "SCOPES",
        "SECONDS",
        "SERVICE",
        "SIZE",
        "STORE",
        "STRATEGY",
        "STRENGTH",
        "SUFFIX",
        "SUPPLY",
        "SYMBOL",
        "TABLE",
        "TEMPLATE",
        "TIME",
        "TIMEOUT",
        "TTL",
        "TYPE",
        "URI",
        "URL",
        "USER",
        "USERNAME",
        "VALIDITY",
        "VERSION",
    ];
    !words.iter().skip(at + 1).any(|w| ABOUT.contains(&w.as_str()))
}

/// Whether a path is, by its name, that of a file or directory with secrets: `wallet.json`,
/// `tls.key`, `~/acme-secrets`, `/run/secrets/x`. Not that of a certificate or a public half.
#[must_use]
pub fn names_secret_file(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let Some((last, dirs)) = parts.split_last() else { return false };
    let lower = last.to_ascii_lowercase();
    let words = words_of(last);
    let has = |names: &[&str]| words.iter().any(|word| names.contains(&word.as_str()));
    if has(&["PUBLIC", "PUB", "CA", "CERT", "CERTS", "FULLCHAIN", "CHAIN", "EXAMPLE", "SAMPLE"])
        || [".crt", ".cer", ".pub", ".md", ".sh", ".sql", ".ts", ".js"]
            .iter()
            .any(|end| lower.ends_with(end))
    {
        return false;
    }
    let ends = [".pem", ".key", ".p12", ".pfx", ".jks", ".ppk", ".keystore", ".kdbx"];
    let named = ["SECRET", "SECRETS", "WALLET", "WALLETS", "KEYPAIR", "KEYSTORE", "CREDENTIAL"];
    let more = ["CREDENTIALS", "PASSWORD", "PASSWORDS", "PASSWD", "PASSPHRASE", "HTPASSWD"];
    ends.iter().any(|end| lower.ends_with(end))
        || has(&named)
        || has(&more)
        || is_secret_name(last)
        || matches!(&*lower, ".ssh" | ".aws" | ".gnupg" | ".netrc" | ".pgpass" | "id.json")
        || ["id_rsa", "id_ed25519", "id_ecdsa"].iter().any(|start| lower.starts_with(start))
        || dirs.iter().any(|dir| {
            words_of(dir).iter().any(|word| matches!(word.as_str(), "SECRET" | "SECRETS"))
        })
}

/// The words of a name, in upper case: `dbPassword`, `db-password` and `DB_PASSWORD` alike.
fn words_of(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut lower = false;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() || (lower && c.is_ascii_uppercase()) {
            words.push(std::mem::take(&mut word));
        }
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_uppercase());
        }
        lower = c.is_ascii_lowercase();
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a value only says where one belongs: empty, `${VAR}`, `<your-token>`, `xxx`, `***`.
/// `changeme` is no placeholder: whoever runs it as it stands has that password.
#[must_use]
pub fn is_placeholder(value: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'']);
    let lower = value.to_ascii_lowercase();
    let starts = [
        "$",
        "{{",
        "<",
        "%",
        "#{",
        "[your",
        "your-",
        "your_",
        "your ",
        "yourtoken",
        "replace",
        "insert",
        "enter-",
        "enter_",
        "put-",
        "put_",
        "add-your",
        "add_your",
        "paste",
        "fill",
        "todo",
        "tbd",
        "fixme",
        "placeholder",
    ];
    let ends = ["_here", "-here", " here", "_placeholder", "-placeholder"];
    let is = ["none", "null", "nil", "undefined", "n/a", "unset", "redacted", "example"];
    value.is_empty()
        || is.contains(&&*lower)
        || starts.iter().any(|start| lower.starts_with(start))
        || ends.iter().any(|end| lower.ends_with(end))
        || lower.bytes().all(|b| matches!(b, b'x' | b'*' | b'.' | b'-' | b'_'))
        || lower.contains("...")
        || lower.contains("…")
        || lower.contains("xxxxx")
}

/// Whether a value is what examples write for «set this»: a placeholder, or `changeme`.
pub(crate) fn is_for_example(value: &str) -> bool {
    let bare: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
    let lower = bare.to_ascii_lowercase();
    is_placeholder(value) || lower.contains("changeme") || lower.contains("changethis")
}

/// Whether a value is what people try first, or what defaults and tests are written with:
/// `postgres`, `password123`, `test-secret`, `dev_token`.
#[must_use]
pub fn is_guessed(name: &str, value: &str) -> bool {
    const FIRST: [&str; 22] = [
        "admin",
        "default",
        "demo",
        "dev",
        "development",
        "dummy",
        "fake",
        "guest",
        "local",
        "minio",
        "mock",
        "mysql",
        "password",
        "passwd",
        "postgres",
        "qwerty",
        "root",
        "secret",
        "test",
        "testing",
        "token",
        "user",
    ];
    let words = words_of(value.trim());
    let named = words_of(name);
    let plain = |word: &String| {
        let word = word.trim_end_matches(|c: char| c.is_ascii_digit()).to_ascii_lowercase();
        word.is_empty() || FIRST.contains(&&*word)
    };
    let says_so = |word: &String| matches!(&**word, "TEST" | "TESTING" | "DUMMY" | "FAKE" | "MOCK");
    is_for_example(value)
        || !words.is_empty() && words.iter().all(|word| plain(word) || named.contains(word))
        || words.iter().any(says_so)
}

/// Whether a value says that it is made up for a pipeline: `ci-secret-123`, `not-a-real-key`.
pub(crate) fn says_ci(value: &str) -> bool {
    const SIGNS: [&str; 6] = ["CI", "EXAMPLE", "SAMPLE", "NOT", "THROWAWAY", "EPHEMERAL"];
    words_of(value.trim()).iter().any(|word| SIGNS.contains(&&**word))
}

/// The secret that a value spells out, if it does: by its form, as a URL's password, or because
/// its name says that it is one and it refers to nothing.
#[must_use]
pub fn literal_secret(name: &str, value: &str) -> Option<SecretLiteral> {
    if signs().is_none_or(|signs| signs.is_match(value)) {
        if let Some((what, start, end)) = known_form(value) {
            let range = TextRange::of(start, end);
            return Some(SecretLiteral { kind: LiteralKind::Form(what), range });
        }
        if let Some((start, end)) = url_password(value) {
            let range = TextRange::of(start, end);
            return Some(SecretLiteral { kind: LiteralKind::UrlPassword, range });
        }
    }
    if !is_secret_name(name) || is_placeholder(value) || refers(value) {
        return None;
    }
    // The word that somebody has to type: `CONFIRMATION_TOKEN=applied`.
    let confirms = |word: &String| matches!(&**word, "CONFIRM" | "CONFIRMATION");
    if value.bytes().all(|b| b.is_ascii_alphabetic()) && words_of(name).iter().any(confirms) {
        return None;
    }
    // What is to be put in its place: `API_KEY: API_KEY_VALUE`.
    let stands_in = value.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
        && value.len() > name.len()
        && value.contains(&name.to_ascii_uppercase());
    let range = TextRange::of(0, value.len());
    (!stands_in).then_some(SecretLiteral { kind: LiteralKind::Named, range })
}

/// Whether a text holds what may be a credential by its form: where it does not, only a name makes
/// one.
#[must_use]
pub fn has_sign(text: &[u8]) -> bool {
    signs().is_none_or(|signs| signs.is_match(text))
}

/// Whether a value is a switch, a path, an address, or names a secret kept elsewhere.
pub(crate) fn refers(value: &str) -> bool {
    let value = value.trim();
    let lower = value.to_ascii_lowercase();
    const SWITCHES: [&str; 8] = ["true", "false", "yes", "no", "on", "off", "0", "1"];
    const ELSEWHERE: [&str; 34] = [
        "/run/",
        "/etc/",
        "/var/",
        "/app/",
        "/secrets",
        "/mnt/",
        "/opt/",
        "/home/",
        "/root/",
        "/usr/",
        "/vault",
        "./",
        "../",
        "~/",
        "file:",
        "http://",
        "https://",
        "vault:",
        "op://",
        "arn:aws",
        "projects/",
        "@microsoft.keyvault",
        "sops:",
        "enc[",
        "encrypted:",
        "ssm:",
        "secret://",
        "awssm://",
        // Where a dependency comes from, beside a package that is called like a secret.
        "workspace:",
        "catalog:",
        "link:",
        "npm:",
        "portal:",
        "github:",
    ];
    const FILES: [&str; 8] = [".pem", ".key", ".crt", ".json", ".txt", ".yml", ".yaml", ".p12"];
    SWITCHES.contains(&&*lower)
        || ELSEWHERE.iter().any(|start| lower.starts_with(start))
        || FILES.iter().any(|end| lower.ends_with(end))
        // `$(cat file)`, `user-$X`, a template: computed when it runs.
        || value.contains("${")
        || value.contains("$(")
        || value.contains("{{")
        || is_version(value)
}

/// Whether a value is a version of three numbers, or a range of versions: `^1.2`, `>=3.0.1`.
fn is_version(value: &str) -> bool {
    let bare = value.trim_start_matches(['^', '~', '>', '<', '=', ' ']);
    let numbers = bare.split('.').filter(|part| !part.is_empty()).count();
    let plain = bare.chars().all(|c| c.is_ascii_digit() || c == '.');
    plain && (numbers == 3 || numbers > 0 && bare.len() < value.len())
}

/// Forms of known credentials: name, prefix, shortest rest.
const FORMS: &[(&str, &str, usize)] = &[
    ("an AWS access key", "AKIA", 16),
    ("an AWS access key", "ASIA", 16),
    ("a GitHub token", "ghp_", 36),
    ("a GitHub token", "gho_", 36),
    ("a GitHub token", "ghu_", 36),
    ("a GitHub token", "ghs_", 36),
    ("a GitHub token", "github_pat_", 22),
    ("a GitLab token", "glpat-", 20),
    ("an npm token", "npm_", 36),
    ("a Stripe key", "sk_live_", 16),
    ("a Stripe key", "rk_live_", 16),
    ("a Slack token", "xoxb-", 10),
    ("a Slack token", "xoxp-", 10),
    ("a Slack token", "xoxa-", 10),
    ("a Slack token", "xoxs-", 10),
    ("a SendGrid key", "SG.", 40),
    ("a Google API key", "AIza", 35),
    ("an Anthropic key", "sk-ant-", 30),
    ("an OpenAI key", "sk-proj-", 30),
    ("a Docker Hub token", "dckr_pat_", 20),
];

/// What every credential has in it that is known by its form, or as a URL's password: most texts
/// hold none, and are left at once.
pub(crate) fn signs() -> Option<&'static AhoCorasick> {
    static SIGNS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        let prefixes = FORMS.iter().map(|(_, prefix, _)| *prefix);
        automaton().build(prefixes.chain(["eyJ", "-----BEGIN ", "://"])).ok()
    });
    SIGNS.as_ref()
}

/// To look for several words at once. A table of all states would be faster on megabytes, but takes
/// longer to make than a small audit takes. Words that win by their place can be looked for many bytes
/// at a time, those that win by their end cannot.
pub(crate) fn automaton() -> AhoCorasickBuilder {
    let mut builder = AhoCorasick::builder();
    builder.kind(Some(AhoCorasickKind::ContiguousNFA)).match_kind(MatchKind::LeftmostFirst);
    builder
}

/// A value with the form of a known credential: what it is, and where.
fn known_form(value: &str) -> Option<(&'static str, usize, usize)> {
    // No key is shorter than its first line.
    if value.len() > 40
        && let Some((start, end)) = private_key(value.as_bytes())
    {
        return Some(("a private key", start, end));
    }
    let token = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.' | b'=');
    let mut at = 0;
    for part in value.split_inclusive(|c: char| !c.is_ascii() || !token(c as u8)) {
        let start = at;
        at += part.len();
        let word = part.trim_end_matches(|c: char| !c.is_ascii() || !token(c as u8));
        // `KEY=token`: what follows the sign.
        let (start, word) = match word.split_once('=') {
            Some((name, rest)) if !rest.trim_matches('=').is_empty() => {
                (start + name.len() + 1, rest)
            }
            _ => (start, word),
        };
        let end = start + word.len();
        // Most words begin like none of them.
        if !matches!(
            word.as_bytes(),
            [b'A' | b'S' | b'd' | b'e' | b'g' | b'n' | b'r' | b's' | b'x', ..]
        ) {
            continue;
        }
        let form = FORMS.iter().find(|(_, prefix, rest)| {
            word.strip_prefix(prefix).is_some_and(|tail| {
                tail.len() >= *rest && tail.bytes().any(|b| b.is_ascii_alphanumeric())
            })
        });
        let what = form.map(|(what, ..)| *what).or_else(|| web_token(word));
        if let Some(what) = what
            && !is_placeholder(word)
            && !["example", "your"].iter().any(|w| word.to_ascii_lowercase().contains(w))
        {
            return Some((what, start, end));
        }
    }
    None
}

fn web_token(word: &str) -> Option<&'static str> {
    let (body, signature) = word.strip_prefix("eyJ")?.split_once('.')?.1.split_once('.')?;
    let whole = body.starts_with("eyJ") && signature.len() >= 20 && !signature.contains('.');
    whole.then_some("a JSON web token")
}

/// Where a private key in PEM stands in a text; `None` for a public one, a certificate, or a
/// header without a body.
pub(crate) fn private_key(text: &[u8]) -> Option<(usize, usize)> {
    static BEGIN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("-----BEGIN "));
    const END: &[u8] = b"-----END ";
    for start in BEGIN.find_iter(text) {
        let rest = text.get(start + BEGIN.needle().len()..)?;
        let label = rest.get(..rest.len().min(60))?;
        let Some(close) = memchr::memmem::find(label, b"-----") else { continue };
        if !label.get(..close).is_some_and(|label| label.ends_with(b"PRIVATE KEY")) {
            continue;
        }
        let body = rest.get(close + 5..)?;
        let end = memchr::memmem::find(body, END).unwrap_or(body.len());
        let inner = body.get(..end)?;
        let length = inner.iter().filter(|b| b.is_ascii_alphanumeric()).count();
        let elided = memchr::memmem::find(inner, b"...").is_some();
        if length >= 40 && !elided {
            let offset = start + BEGIN.needle().len() + close + 5;
            return Some((offset, offset + end));
        }
    }
    None
}

/// The password in `scheme://user:password@host`, where it is spelt out.
fn url_password(value: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    while let Some(found) = value.get(from..)?.find("://") {
        let start = from + found + 3;
        from = start;
        let rest = value.get(start..)?;
        let end = rest.find(['/', '?', '#', ' ', '\'', '"', ',']).unwrap_or(rest.len());
        let authority = rest.get(..end)?;
        let Some((user, _)) = authority.rsplit_once('@') else { continue };
        let Some((name, password)) = user.split_once(':') else { continue };
        // `user:password@` in a stand-in for a build says where a password would belong.
        let stand_in =
            matches!(name, "user" | "username") && matches!(password, "pass" | "password");
        if stand_in || is_placeholder(password) || refers(password) || password.contains('$') {
            continue;
        }
        let at = start + name.len() + 1;
        return Some((at, at + password.len()));
    }
    None
}

#[cfg(test)]
mod tests {
    use rayon::iter::IntoParallelIterator;

    use super::*;

    #[test]
    fn paths_of_secrets() {
        for path in [
            "~/acme-secrets",
            "./secrets/db",
            "/run/secrets/token",
            "svc/devnet-wallet.json",
            "certs/tls.key",
            "~/.ssh",
            "db_password.txt",
        ] {
            assert!(names_secret_file(path), "{path}");
        }
        for path in ["./data", "certs/ca.pem", "jwt-public.pem", "./keyboard", "", "init.sql"] {
            assert!(!names_secret_file(path), "{path}");
        }
    }

    #[test]
    fn names_of_secrets() {
        assert!(!is_secret_name("TOKEN_TIME"));
        for name in [
            "PASSWORD",
            "DB_PASSWORD",
            "db-password",
            "dbPassword",
            "PGPASSWORD",
            "MYSQL_PWD",
            "SMTP_PASS",
            "JWT_SECRET",
            "SECRET_KEY_BASE",
            "AWS_SECRET_ACCESS_KEY",
            "API_KEY",
            "apiKey",
            "STRIPE_APIKEY",
            "GITHUB_TOKEN",
            "PRIVATE_KEY",
            "_authToken",
            "_auth",
            "ENCRYPTION_KEY",
            "GOOGLE_CREDENTIALS",
            "REDIS_AUTH",
            "SEED_PHRASE",
            "passwd",
            "NEXT_PUBLIC_STRIPE_SECRET_KEY",
            "DB_PASSWORD_PROD",
            "TOKEN_2",
            "TREASURY_PRIVATE_KEY",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "PASSWORD_FILE",
            "SECRET_PATH",
            "PUBLIC_KEY",
            "AWS_ACCESS_KEY_ID",
            "TOKEN_EXPIRY",
            "SECRET_NAME",
            "PASSWORD_MIN_LENGTH",
            "TOKENIZER",
            "MAX_TOKENS",
            "PWD",
            "OLDPWD",
            "JWT_SECRET_EXPIRES_IN",
            "TOKEN_URL",
            "AUTH",
            "ENABLE_AUTH",
            "NEXT_PUBLIC_API_KEY",
            "VITE_API_KEY",
            "KEY",
            "PRIMARY_KEY",
            "COMPASS",
            "BYPASS",
            "AUTHOR",
            "PASSENGER",
            "STRIPE_PUBLISHABLE_KEY",
            "TOKEN_PROGRAM_ID",
            "KEYCLOAK",
            "PATH",
            "",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[track_caller]
    fn check(name: &str, value: &str, secret: Option<&str>) {
        let found = literal_secret(name, value).map(|literal| {
            String::from_utf8_lossy(literal.range.slice(value.as_bytes())).into_owned()
        });
        assert_eq!(found.as_deref(), secret, "{name}={value}");
    }

    #[test]
    fn secrets_that_are_spelt_out() {
        check("PASSWORD", "changeme", Some("changeme"));
        check("DB_PASSWORD", "postgres", Some("postgres"));
        check("PORT", "changeme", None);
        check("CONFIRMATION_TOKEN", "applied", None);
        check("CONFIRMATION_TOKEN", "a81f09c2", Some("a81f09c2"));
        for value in [
            "",
            "${DB_PASSWORD}",
            "$DB_PASSWORD",
            "<your-token>",
            "xxx",
            "your-secret-here",
            "/run/secrets/db",
            "true",
            "https://auth.example.test",
            "vault:kv/x",
            "{{ .Values.x }}",
            "./key.pem",
            "ENC[AES256,x]",
            "***",
            "$(cat /x)",
            "prefix-${X}",
            "op://a/b",
        ] {
            check("DB_PASSWORD", value, None);
        }
        let github = format!("ghp_{}", "a1".repeat(18));
        check("X", &github, Some(&github));
        check("X", &format!("curl -H 'Authorization: Bearer {github}'"), Some(&github));
        check("X", "AKIAIOSFODNN7EXAMPLE", None);
        check("X", "AKIAIOSFODNN7ABCDEFG", Some("AKIAIOSFODNN7ABCDEFG"));
        check("DATABASE_URL", "postgres://app:hunter2@db:5432/x", Some("hunter2"));
        check("REDIS_URL", "redis://:hunter2@cache", Some("hunter2"));
        check("DATABASE_URL", "postgres://app:${PW}@db/x", None);
        check("DATABASE_URL", "postgres://app:<password>@db/x", None);
        check("DATABASE_URL", "postgres://db/x?a=b:c@d", None);
        check(
            "X",
            "eyJhbGciOi.eyJzdWIiOi.AAAAAAAAAAAAAAAAAAAAAAAA",
            Some("eyJhbGciOi.eyJzdWIiOi.AAAAAAAAAAAAAAAAAAAAAAAA"),
        );
        let body = "A".repeat(64);
        check(
            "X",
            &format!("-----BEGIN RSA PRIVATE KEY-----{body}-----END RSA PRIVATE KEY-----"),
            Some(&body),
        );
        check("X", &format!("-----BEGIN PUBLIC KEY-----{body}-----END PUBLIC KEY-----"), None);
        check("X", "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----", None);
        check("é", "é://é:é@é", Some("é"));
    }

    #[test]
    fn masks_are_sorted_and_merged() {
        let file = FileId(0);
        let at = |a, b| Span::new(file, TextRange::new(a, b));
        let mut secrets = Secrets::default();
        secrets.mask([at(10, 20), at(0, 5), at(15, 30), at(5, 5)]);
        secrets.mask_values(
            [
                (at(40, 56), "URL", "a://u:hunter2@db"),
                (at(60, 70), "PASSWORD", "\\x41"),
                (at(80, 84), "PORT", "3000"),
            ]
            .into_par_iter(),
        );
        let range = TextRange::new;
        assert_eq!(
            secrets.masked[&file],
            [range(0, 5), range(10, 30), range(46, 53), range(60, 70)]
        );
    }
}
