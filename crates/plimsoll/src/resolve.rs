//! `--resolve`: what tags name today, asked of registries through `curl` and of repositories through
//! `git`.
//!
//! Two programs that are there where images are built speak for us: a client of our own would bring
//! TLS, which compiles C, and would know neither the proxy nor the certificates of the house. What
//! they are given comes from a repository that may be hostile, so it is looked at letter by letter,
//! reaches `curl` as a configuration on its standard input, never as a word of its command line, and
//! what comes back is bounded in time and size. Nothing is sent but the question: no credentials, no
//! `.netrc`, no configuration of the audited directory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use plimsoll_audit::{Answer, Date, Offer, Outside, Question, Resolved, SAME_FORGE};
use rayon::prelude::*;

/// How long one question may take, in seconds.
const PATIENCE: u64 = 30;
/// The longest answer that is read, in bytes: an answer is a few headers, a token, a list of tags.
const MAX_ANSWER: u64 = 1 << 20;
/// What a tag may name (OCI image specification 1.1, Docker manifest version 2 schema 2): indexes
/// first, so that a tag of several platforms is pinned for all of them.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// Registries and git repositories, each asked once.
pub(crate) struct Network<'a> {
    today: Option<Date>,
    /// The directory whose repository says on which forge it lies.
    root: &'a Path,
    /// Whose questions are asked.
    meant: &'a (dyn Fn(&Offer) -> bool + Sync),
    asked: Mutex<BTreeMap<Question, Result<Answer, String>>>,
}

impl<'a> Network<'a> {
    pub(crate) fn new(
        today: Option<Date>,
        root: &'a Path,
        meant: &'a (dyn Fn(&Offer) -> bool + Sync),
    ) -> Self {
        Self { today, root, meant, asked: Mutex::default() }
    }

    /// Why questions have no answer, and what to do, a sentence each.
    pub(crate) fn unanswered(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.values().filter_map(|answer| answer.clone().err()).collect()
    }
}

impl Outside for Network<'_> {
    fn answer(&self, offers: &[Offer]) -> Resolved {
        let meant = offers.iter().filter(|offer| (self.meant)(offer));
        let questions: BTreeSet<&Question> = meant.flat_map(|offer| &offer.asks).collect();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let new = questions.into_iter().filter(|question| !asked.contains_key(question));
        let new: Vec<&Question> = new.collect();
        let answers: Vec<_> =
            new.into_par_iter().map(|q| (q.clone(), answer(q, self.root))).collect();
        let known = answers.iter().filter_map(|(q, a)| Some((q.clone(), a.clone().ok()?)));
        let known = known.collect();
        asked.extend(answers);
        Resolved { date: self.today.clone(), answers: known }
    }
}

fn answer(question: &Question, root: &Path) -> Result<Answer, String> {
    match question {
        Question::Digest { registry, repository, tag } => {
            let image = format!("{registry}/{repository}:{tag}");
            let names = digest(registry, repository, tag).map_err(|why| {
                format!(
                    "{}: {why}; it stays as it is: look it up with `docker buildx imagetools inspect`",
                    image.escape_debug()
                )
            })?;
            Ok(Answer { names, version: None })
        }
        Question::Commit { url, name } => {
            on_forge(url, root).and_then(|url| commit(&url, name)).map_err(|why| {
                format!(
                    "{}@{}: {why}; it stays as it is: look it up with `git ls-remote`",
                    url.escape_debug(),
                    name.escape_debug()
                )
            })
        }
    }
}

/// Asks a registry for the digest of a tag (OCI distribution specification 1.1, «Checking if content
/// exists in the registry»), anonymously.
fn digest(registry: &str, repository: &str, tag: &str) -> Result<String, String> {
    let all = |text: &str, more: &str| {
        !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || more.as_bytes().contains(&b))
    };
    if !all(registry, ".-:[]") || !all(repository, "._-/") || !all(tag, "._-") {
        return Err("this is no name of an image".to_owned());
    }
    let host = if registry == "docker.io" { "registry-1.docker.io" } else { registry };
    let scheme = if is_loopback(host) { "http" } else { "https" };
    let url = format!("{scheme}://{host}/v2/{repository}/manifests/{tag}");
    let mut reply = Reply::of(&curl(&url, &[("Accept", MANIFESTS)], true)?)?;
    if reply.status == 401 {
        let challenge = reply.header("www-authenticate").unwrap_or_default();
        let token = token(challenge, repository, is_loopback(host))?;
        let bearer = format!("Bearer {token}");
        let headers = [("Accept", MANIFESTS), ("Authorization", &*bearer)];
        reply = Reply::of(&curl(&url, &headers, true)?)?;
    }
    match reply.status {
        200 => {
            let digest = reply.header("docker-content-digest").unwrap_or_default();
            let hex = digest.strip_prefix("sha256:").unwrap_or_default();
            let plain = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            (hex.len() == 64 && hex.bytes().all(plain))
                .then(|| digest.to_owned())
                .ok_or_else(|| "its registry names no digest".to_owned())
        }
        401 | 403 => Err("its registry shows it to nobody without credentials".to_owned()),
        404 => Err("its registry has no such tag".to_owned()),
        429 => Err("its registry was asked too often: try again later".to_owned()),
        status => Err(format!("its registry answers {status}")),
    }
}

/// Whether a host is this machine, where registries are spoken to without TLS.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    matches!(name, "localhost" | "127.0.0.1" | "::1")
}

/// The anonymous token that a challenge asks for.
fn token(challenge: &str, repository: &str, local: bool) -> Result<String, String> {
    let wants = "its registry wants credentials that cannot be had without an account";
    let parameters = bearer(challenge).ok_or(wants)?;
    let find =
        |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| &**value);
    let realm = find("realm").ok_or(wants)?;
    let at_home = local && realm.strip_prefix("http://").is_some_and(is_local_url);
    if !realm.starts_with("https://") && !at_home || !realm.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("its registry sends to an address that is not safe to ask".to_owned());
    }
    let scope = format!("repository:{repository}:pull");
    let mut url = realm.to_owned();
    for (name, value) in [("service", find("service")), ("scope", Some(&*scope))] {
        if let Some(value) = value {
            url.push(if url.contains('?') { '&' } else { '?' });
            url += &format!("{name}={}", encoded(value));
        }
    }
    let body = curl(&url, &[], false)?;
    let json: serde_json::Value = serde_json::from_str(&body).map_err(|_| wants)?;
    let token = json.get("token").or_else(|| json.get("access_token"));
    let token = token.and_then(serde_json::Value::as_str).unwrap_or_default();
    let plain = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
    plain.then(|| token.to_owned()).ok_or_else(|| wants.to_owned())
}

fn is_local_url(rest: &str) -> bool {
    is_loopback(rest.split('/').next().unwrap_or_default())
}

/// The parameters of a `Bearer` challenge (RFC 6750, 3), names in lower case.
fn bearer(challenge: &str) -> Option<Vec<(String, String)>> {
    let (scheme, mut rest) = challenge.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let mut parameters = Vec::new();
    while let Some((name, value)) = rest.split_once('=') {
        let name = name.trim_matches([' ', ',']).to_ascii_lowercase();
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => value.split_once(',').unwrap_or((value, "")),
        };
        parameters.push((name, value.to_owned()));
        rest = after;
    }
    Some(parameters)
}

/// A value of a query (RFC 3986, 2.1).
fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let bytes = text.bytes();
    bytes.map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// The last of the answers that redirections led to.
struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
}

impl Reply {
    fn of(text: &str) -> Result<Self, String> {
        let strange = "its registry does not answer as one";
        let mut reply = None;
        for line in text.lines() {
            if line.starts_with("HTTP/") {
                let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
                reply = Some(Self { status: status.ok_or(strange)?, headers: Vec::new() });
            } else if let (Some(reply), Some((name, value))) = (&mut reply, line.split_once(':')) {
                reply.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        reply.ok_or_else(|| strange.to_owned())
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }
}

/// What an address answers: its headers, or its body.
fn curl(url: &str, headers: &[(&str, &str)], head: bool) -> Result<String, String> {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut config = format!("url = \"{}\"\n", quoted(url));
    for (name, value) in headers {
        config += &format!("header = \"{name}: {}\"\n", quoted(value));
    }
    let mut command = Command::new("curl");
    // Its own configuration is not read: `--disable` has to be the first word.
    command.args(["--disable", "--silent", "--show-error", "--globoff"]);
    let schemes = if url.starts_with("http://") { "=http,https" } else { "=https" };
    command.args([
        "--proto",
        schemes,
        "--proto-redir",
        "=https",
        "--location",
        "--max-redirs",
        "3",
    ]);
    command.args(["--connect-timeout", "10", "--max-time", &PATIENCE.to_string()]);
    command.args(["--max-filesize", &MAX_ANSWER.to_string(), "--config", "-"]);
    command.args(if head { ["--head"].as_slice() } else { ["--fail"].as_slice() });
    run(command, config.as_bytes())
}

/// The address of a repository that lies on the same forge as the audited one, which its `origin`
/// names; others are theirs already.
fn on_forge(url: &str, root: &Path) -> Result<String, String> {
    let Some(path) = url.strip_prefix(SAME_FORGE) else { return Ok(url.to_owned()) };
    let mut command = Command::new("git");
    // One file is read, and nothing that it includes.
    command.env("GIT_DIR", "/dev/null").args(["config", "--no-includes", "--file"]);
    let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
    command.arg(root.join(".git/config")).args(["--get", "remote.origin.url"]);
    let origin = run(command, b"").unwrap_or_default();
    let host = forge(origin.trim()).ok_or("the repository has no `origin` that names a forge")?;
    Ok(format!("https://{host}/{path}"))
}

/// The host of an address as git writes it: `https://host/…`, `ssh://git@host:22/…`, `git@host:…`.
fn forge(origin: &str) -> Option<&str> {
    let rest = match origin.split_once("://") {
        Some(("https" | "ssh" | "git+ssh", rest)) => rest.split('/').next()?,
        Some(_) => return None,
        None => origin.split_once(':')?.0,
    };
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let host = host.split(':').next()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-.".contains(&b);
    (host.contains('.') && host.bytes().all(plain)).then_some(host)
}

/// Asks a git repository which commit a tag or a branch is.
fn commit(url: &str, name: &str) -> Result<Answer, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/".contains(&b);
    let whole = |text: &str| text.bytes().all(plain) && !text.split('/').any(|p| p == "..");
    let address =
        url.strip_prefix("https://").is_some_and(|rest| rest.contains('/') && whole(rest));
    if !address || name.is_empty() || name.starts_with('-') || !whole(name) {
        return Err("this is no name of a repository and a tag".to_owned());
    }
    let mut command = Command::new("git");
    // A repository that was unpacked from elsewhere brings a configuration that runs programs.
    command.env("GIT_DIR", "/dev/null").env("GIT_TERMINAL_PROMPT", "0");
    command.args(["-c", "credential.helper=", "-c", "core.askPass=", "ls-remote", "--", url]);
    if name == "HEAD" {
        command.arg(name);
    } else {
        command.args([format!("refs/heads/{name}"), format!("refs/tags/{name}*")]);
    }
    chosen(&run(command, b"")?, name)
}

/// The commit of a tag or branch in what `git ls-remote` lists, and the version that it is.
fn chosen(listed: &str, name: &str) -> Result<Answer, String> {
    let mut tags: BTreeMap<&str, &str> = BTreeMap::new();
    let mut branch = None;
    let mut peeled: BTreeMap<&str, &str> = BTreeMap::new();
    for (commit, reference) in listed.lines().filter_map(|line| line.split_once('\t')) {
        if commit.len() != 40 || !commit.bytes().all(|b| b.is_ascii_hexdigit()) {
            continue;
        }
        if let Some(tag) = reference.strip_prefix("refs/tags/") {
            // A tag with a message is an object of its own; behind it stands what it names.
            match tag.strip_suffix("^{}") {
                Some(tag) => peeled.insert(tag, commit),
                None => tags.insert(tag, commit),
            };
        } else if reference.strip_prefix("refs/heads/").unwrap_or(reference) == name {
            branch = Some(commit);
        }
    }
    tags.extend(peeled);
    let names = match (tags.get(name).copied(), branch) {
        (Some(tag), Some(branch)) if tag != branch => {
            return Err("it is both a tag and a branch, which are not the same commit".to_owned());
        }
        (Some(commit), _) | (None, Some(commit)) => commit.to_owned(),
        (None, None) => return Err("the repository has no such tag or branch".to_owned()),
    };
    // `v4` is `v4.2.2`, where that is the same commit.
    let longer = format!("{name}.");
    let versions = tags.iter().filter(|(tag, commit)| {
        let version = tag.strip_prefix(&longer);
        let plain = |b: u8| b.is_ascii_digit() || b == b'.';
        **commit == names && version.is_some_and(|v| !v.is_empty() && v.bytes().all(plain))
    });
    let version = versions
        .map(|(tag, _)| (*tag).to_owned())
        .max_by_key(|tag| (tag.matches('.').count(), tag.clone()));
    Ok(Answer { names, version })
}

/// Runs a program to its end, or for as long as is reasonable. Errors say what went wrong.
fn run(mut command: Command, input: &[u8]) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    // Nothing of the audited directory is looked at.
    command.current_dir(std::env::temp_dir());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|why| match why.kind() {
        std::io::ErrorKind::NotFound => format!("`{program}` is not installed"),
        _ => format!("`{program}` does not start: {why}"),
    })?;
    if let Some(mut pipe) = child.stdin.take() {
        // One that has ended already says why.
        let _ = pipe.write_all(input);
    }
    let read = |pipe: Option<Box<dyn std::io::Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = pipe.map(|pipe| pipe.take(MAX_ANSWER).read_to_end(&mut bytes));
            read.transpose().map(|_| String::from_utf8_lossy(&bytes).into_owned())
        })
    };
    let out = read(child.stdout.take().map(|pipe| Box::new(pipe) as _));
    let err = read(child.stderr.take().map(|pipe| Box::new(pipe) as _));
    let end = Instant::now() + Duration::from_secs(PATIENCE + 5);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(10)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("no answer within {PATIENCE} seconds"));
            }
        }
    };
    let text = |thread: std::thread::JoinHandle<std::io::Result<String>>| {
        thread.join().ok().and_then(Result::ok).unwrap_or_default()
    };
    let (out, err) = (text(out), text(err));
    if status.success() {
        return Ok(out);
    }
    let said = err.lines().find(|line| !line.trim().is_empty()).unwrap_or("it does not say why");
    let said: String = said.chars().take(200).collect();
    Err(format!("`{program}` could not ask: {}", said.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forge_is_that_of_the_origin() {
        for (origin, expected) in [
            ("https://gitlab.example.org/a/b.git", Some("gitlab.example.org")),
            ("https://token:x@gitlab.example.org:8443/a/b", Some("gitlab.example.org")),
            ("git@gitlab.example.org:a/b.git", Some("gitlab.example.org")),
            ("ssh://git@gitlab.example.org:22/a/b", Some("gitlab.example.org")),
            ("/srv/git/b.git", None),
            ("file:///srv/git/b.git", None),
            ("ext::sh -c 'x'", None),
            ("", None),
        ] {
            assert_eq!(forge(origin), expected, "{origin}");
        }
    }

    #[test]
    fn challenges_are_read_as_they_are_written() {
        let check = |text: &str, expected: Option<&[(&str, &str)]>| {
            let own = |p: &[(&str, &str)]| -> Vec<(String, String)> {
                p.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
            };
            assert_eq!(bearer(text), expected.map(own), "{text}");
        };
        check("Basic realm=\"x\"", None);
        check("", None);
        check(
            "Bearer realm=\"https://auth.example/token\",service=\"r\",scope=\"repository:a/b:pull,push\"",
            Some(&[
                ("realm", "https://auth.example/token"),
                ("service", "r"),
                ("scope", "repository:a/b:pull,push"),
            ]),
        );
        check("bearer Realm=x, service=y", Some(&[("realm", "x"), ("service", "y")]));
        check("Bearer realm=\"open", None);
    }

    #[test]
    fn a_tag_is_the_commit_behind_it_and_its_whole_version() {
        let check = |listed: &str, name: &str, expected: Result<(char, Option<&str>), &str>| {
            let hex = |line: &str| {
                let (c, rest) = line.split_at(1);
                format!("{}\t{}", c.repeat(40), rest.trim())
            };
            let listed: Vec<String> = listed.lines().map(hex).collect();
            let found = chosen(&listed.join("\n"), name);
            let expected = expected.map(|(c, version)| Answer {
                names: c.to_string().repeat(40),
                version: version.map(str::to_owned),
            });
            match expected {
                Ok(answer) => assert_eq!(found, Ok(answer)),
                Err(words) => assert!(found.is_err_and(|why| why.contains(words)), "{words}"),
            }
        };
        check(
            "a refs/tags/v4\nb refs/tags/v4^{}\nb refs/tags/v4.2.0",
            "v4",
            Ok(('b', Some("v4.2.0"))),
        );
        check("a refs/tags/v4\na refs/tags/v4.1-rc1\nc refs/tags/v4.2", "v4", Ok(('a', None)));
        check("a refs/heads/main", "main", Ok(('a', None)));
        check("a refs/heads/v1\nb refs/tags/v1", "v1", Err("both a tag and a branch"));
        check("a refs/heads/v1\na refs/tags/v1", "v1", Ok(('a', None)));
        check("a refs/tags/v40", "v4", Err("no such tag"));
        check("", "v4", Err("no such tag"));
    }

    #[test]
    fn only_this_machine_is_spoken_to_without_tls() {
        for (host, local) in [
            ("localhost:5000", true),
            ("127.0.0.1", true),
            ("[::1]:5000", true),
            ("localhost.example.org", false),
            ("127.0.0.1.example.org", false),
            ("registry.example:5000", false),
        ] {
            assert_eq!(is_loopback(host), local, "{host}");
        }
    }

    #[test]
    fn what_is_no_name_is_asked_nowhere() {
        for (url, name) in [
            ("https://github.com/a/b", "--upload-pack=x"),
            ("https://github.com/a/b", "v1\nv2"),
            ("ext::sh -c x", "v1"),
            ("https://github.com/a/../b", "v1"),
            ("https://user@github.com/a/b", "v1"),
        ] {
            assert!(commit(url, name).is_err_and(|why| why.contains("no name")), "{url} {name}");
        }
        for (registry, repository, tag) in
            [("a b", "x", "1"), ("r", "x\"\nheader", "1"), ("r", "x", "1/../2"), ("u@r", "x", "1")]
        {
            assert!(digest(registry, repository, tag).is_err_and(|why| why.contains("no name")));
        }
    }
}
