//! Probes: what a health check asks, read out of the command that asks it.

use plimsoll_syntax::shell::{self, CommandKind, Connector, Dialect, List, ListId, Script};

use crate::Delivery;
use crate::container::{Container, ContainerKind};
use crate::filesystem::{Filesystem, Found};
use crate::image::{HealthTest, Healthcheck, Image};
use crate::lower::code::requests;

/// How often `sh -c` may stand within `sh -c`, and a wrapper before a wrapper.
const MAX_NESTED: usize = 4;

/// What a health check does when it runs. Variables stay as written (`$PORT`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// The programs that it needs in the image, as written, in order; none where the platform
    /// itself asks.
    pub tools: Vec<String>,
    /// Files of the image that these run: `healthcheck.js`.
    pub scripts: Vec<String>,
    /// `http`, `https`, `tcp`, `grpc` …; `None` when it asks nothing over a network.
    pub scheme: Option<String>,
    /// The host that it asks.
    pub host: Option<String>,
    /// The port that it asks, that of the scheme where none is written; `?` when it is computed.
    pub port: Option<String>,
    /// The path of its HTTP request, without query.
    pub path: Option<String>,
    /// It succeeds (`true`) or fails (`false`) whatever the service answers: `|| true`, `; exit 1`.
    pub always: Option<bool>,
}

impl Delivery {
    /// The health check that the engine runs for a container, or for an image that nothing
    /// deploys: what compose sets wins, key by key, over the image's HEALTHCHECK. Kubernetes runs
    /// none.
    #[must_use]
    pub fn healthcheck(
        &self,
        container: Option<&Container>,
        image: Option<&Image>,
    ) -> Option<Healthcheck> {
        if matches!(container.map(|c| &c.kind), Some(ContainerKind::Kubernetes { .. })) {
            return None;
        }
        let of_image =
            image.and_then(Image::final_stage).and_then(|s| s.config.healthcheck.clone());
        match (container.and_then(|c| c.healthcheck.clone()), of_image) {
            (Some(set), Some(of_image)) if !matches!(set.test, HealthTest::Disabled) => {
                Some(Healthcheck {
                    test: match set.test {
                        HealthTest::Unknown => of_image.test,
                        test => test,
                    },
                    span: set.span,
                    interval: set.interval.or(of_image.interval),
                    timeout: set.timeout.or(of_image.timeout),
                    start_period: set.start_period.or(of_image.start_period),
                    retries: set.retries.or(of_image.retries),
                })
            }
            (Some(set), _) => Some(set),
            (None, of_image) => of_image,
        }
    }
}

impl Delivery {
    /// Reads a health check as [`probe`] does, and the script of the image that it runs.
    #[must_use]
    pub fn probe(&self, test: &HealthTest, image: Option<&Image>) -> Option<Probe> {
        let mut read = probe(test)?;
        for script in &mut read.scripts {
            if let Some(known) = image.and_then(|image| expanded(script, image)) {
                *script = known;
            }
        }
        let script = match &read.scripts[..] {
            [script] if read.scheme.is_none() => script,
            _ => return Some(read),
        };
        if let Some(image) = image
            && let Some((target, stage)) = image.target.zip(image.final_stage())
            && let Some(workdir) =
                stage.config.workdir.as_deref().or(script.starts_with('/').then_some("/"))
            && let path = crate::lower::absolute(workdir, script)
            && let Found::File { file, .. } = Filesystem::new(self, image).find(target, &path)
            && let Ok(bytes) = self.tree.read(file)
            && let name = base_name(self.tree.path(file))
            && [".js", ".mjs", ".cjs", ".ts", ".py"].iter().any(|end| name.ends_with(end))
            && let Some(asked) = requests::asked(name, &bytes)
        {
            read.url(&asked.url);
            read.always = read.always.or(asked.is_ignored.then_some(true));
        }
        Some(read)
    }
}

/// A path with the variables that an image sets: `$HOME_DIR/check.py`; nothing where it has none, or
/// one that is not told.
fn expanded(path: &str, image: &Image) -> Option<String> {
    let stage = image.final_stage().filter(|_| path.contains('$'))?;
    let (mut whole, mut rest) = (String::new(), path);
    while let Some((before, after)) = rest.split_once('$') {
        whole.push_str(before);
        let (name, behind) = match after.strip_prefix('{') {
            Some(inner) => inner.split_once('}')?,
            None => {
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                after.split_at(after.find(|c| !is_name(c)).unwrap_or(after.len()))
            }
        };
        let set = stage.config.env.iter().rev().find(|one| one.name == name)?;
        whole.push_str(set.value.as_ref()?.known()?);
        rest = behind;
    }
    whole.push_str(rest);
    Some(whole)
}

/// Whether one-liners for this program are read as programs.
fn is_read(program: &str) -> bool {
    matches!(program, "node" | "nodejs" | "bun" | "deno" | "tsx" | "ts-node" | "python" | "python3")
}

/// A name of a file in the language of a program.
fn language(program: &str) -> &'static str {
    match program {
        "python" | "python3" => "probe.py",
        "tsx" | "ts-node" | "deno" => "probe.ts",
        _ => "probe.js",
    }
}

/// Reads a health check; `None` where it is disabled or cannot be read.
#[must_use]
pub fn probe(test: &HealthTest) -> Option<Probe> {
    let mut probe = Probe::default();
    match test {
        HealthTest::Disabled | HealthTest::Unknown => return None,
        HealthTest::Http { path, port, tls } => {
            probe.scheme = Some(if *tls { "https" } else { "http" }.to_owned());
            probe.port = Some(port.clone());
            probe.path = Some(path.split(['?', '#']).next().unwrap_or(path).to_owned());
        }
        HealthTest::Port(port) => {
            probe.scheme = Some("tcp".to_owned());
            probe.port = Some(port.clone());
        }
        HealthTest::Grpc(port) => {
            probe.scheme = Some("grpc".to_owned());
            probe.port = Some(port.clone());
        }
        HealthTest::Shell(line) => {
            probe.shell(line, 0);
            probe.need("sh");
        }
        HealthTest::Exec(words) => {
            probe.command(words, 0);
            probe.always = probe.always.or(match words.first().map(|word| base_name(word)) {
                Some("true") => Some(true),
                Some("false") => Some(false),
                _ => None,
            });
        }
    }
    Some(probe)
}

impl Probe {
    /// The port as a number.
    #[must_use]
    pub fn port_number(&self) -> Option<u16> {
        self.port.as_ref()?.parse().ok()
    }

    fn need(&mut self, tool: &str) {
        if !tool.is_empty() && !self.tools.iter().any(|known| known == tool) {
            self.tools.push(tool.to_owned());
        }
    }

    fn shell(&mut self, line: &str, depth: usize) {
        let script = shell::parse(line.as_bytes(), Dialect::default());
        let mut commands: Vec<Vec<String>> = Vec::new();
        for id in script.simple_commands() {
            for redirect in &script.command(id).redirects {
                if let Some(rest) = script.word_text(redirect.target).strip_prefix("/dev/tcp/") {
                    let (host, port) = rest.split_once('/').unwrap_or((rest, ""));
                    self.ask("tcp", host, port);
                }
            }
            let Some(argv) = script.argv(id) else { continue };
            let words: Vec<String> = argv.iter().map(|word| script.word_text(*word)).collect();
            self.command(&words, depth);
            commands.push(words);
        }
        // Of several programs, what one ignores another may ask.
        let is_one = |words: &&Vec<String>| !words.first().is_none_or(|word| is_builtin(word));
        let alone = self.always.filter(|_| commands.iter().filter(is_one).count() == 1);
        self.always = alone;
        if depth == 0 {
            self.always = script.root.and_then(|root| constant(&script, root)).or(alone);
        }
    }

    fn command(&mut self, words: &[String], depth: usize) {
        let Some((program, arguments)) = words.split_first().filter(|_| depth < MAX_NESTED) else {
            return;
        };
        let name = base_name(program);
        if !is_builtin(name) {
            self.need(program);
        }
        let option = |names: &[&str]| value_of(arguments, names);
        let plain = || arguments.iter().filter(|word| !word.starts_with('-'));
        match name {
            "exec" | "command" | "time" | "env" | "nice" | "gosu" | "su-exec" | "timeout"
            | "busybox" => self.command(unwrapped(name, arguments), depth + 1),
            "sh" | "bash" | "ash" | "dash" | "zsh" => {
                let flag = arguments
                    .iter()
                    .position(|a| a.starts_with('-') && !a.starts_with("--") && a.ends_with('c'));
                match flag {
                    Some(at) => {
                        let line = arguments.get(at + 1).map_or("", String::as_str);
                        self.shell(line, depth + 1);
                        if depth == 0 {
                            let script = shell::parse(line.as_bytes(), Dialect::default());
                            let whole = script.root.and_then(|root| constant(&script, root));
                            self.always = whole.or(self.always);
                        }
                    }
                    None => self.scripts.extend(plain().next().cloned()),
                }
            }
            "curl" | "wget" | "http" | "https" | "xh" | "httpie" => self.request(arguments),
            "node" | "nodejs" | "bun" | "deno" | "python" | "python3" | "ruby" | "php" | "perl"
            | "java" | "dotnet" | "tsx" | "ts-node" => {
                let code = option(&["-e", "--eval", "-p", "--print", "-c", "-r", "-E"])
                    .or_else(|| arguments.split_first().filter(|(a, _)| *a == "eval")?.1.first());
                match code {
                    Some(code) => match requests::asked(language(name), code.as_bytes()) {
                        Some(asked) if is_read(name) => {
                            self.url(&asked.url);
                            self.always = self.always.or(asked.is_ignored.then_some(true));
                        }
                        _ => self.code(code),
                    },
                    None if option(&["-m"]).is_some() => {}
                    None => self.scripts.extend(plain().find(|word| *word != "run").cloned()),
                }
            }
            "nc" | "ncat" | "netcat" => {
                let asked: Vec<&String> = plain().collect();
                if let [.., host, port] = &asked[..] {
                    self.ask("tcp", host, port);
                }
            }
            "grpc_health_probe" | "grpc-health-probe" | "grpcurl" => {
                let address = option(&["-addr", "--addr"])
                    .or_else(|| plain().find(|word| word.contains(':')));
                if let Some((host, port)) = address.and_then(|a| a.rsplit_once(':')) {
                    let host = host.split_once('=').map_or(host, |(_, host)| host);
                    self.ask("grpc", host, port);
                }
            }
            "pg_isready" | "psql" | "redis-cli" | "valkey-cli" => {
                let host = option(&["-h", "--host"]).map_or("", String::as_str);
                if let Some(port) = option(&["-p", "--port"]) {
                    self.ask("tcp", host, port);
                }
            }
            "mysqladmin" | "mariadb-admin" | "mysql" => {
                let host = option(&["-h", "--host"]).map_or("", String::as_str);
                if let Some(port) = option(&["-P", "--port"]) {
                    self.ask("tcp", host, port);
                }
            }
            _ if name.ends_with(".sh") => {}
            // `./healthcheck.py`
            _ if [".js", ".mjs", ".cjs", ".ts", ".py"].iter().any(|end| name.ends_with(end)) => {
                self.scripts.push(program.clone());
            }
            // A probe of one's own that is told what to ask.
            _ => self.url_in(arguments),
        }
    }

    /// The first thing asked is what the check is about.
    fn ask(&mut self, scheme: &str, host: &str, port: &str) {
        if self.scheme.is_none() {
            self.scheme = Some(scheme.to_owned());
            self.host = (!host.is_empty()).then(|| host.to_owned());
            self.port = (!port.is_empty()).then(|| port.to_owned());
        }
    }

    fn request(&mut self, arguments: &[String]) {
        if arguments.iter().any(|word| word == "--unix-socket") {
            self.scheme.get_or_insert_with(|| "unix".to_owned());
            return;
        }
        self.url_in(arguments);
        if self.scheme.is_some() {
            return;
        }
        // `curl localhost:3000/health`.
        let bare = arguments.iter().find(|word| {
            let host = word.split(['/', ':']).next().unwrap_or(word);
            !word.starts_with(['-', '/', '.'])
                && (host.starts_with('$') || is_own_host(host) || word.contains(':'))
        });
        if let Some(bare) = bare {
            self.url(&format!("http://{bare}"));
        }
    }

    fn url_in(&mut self, arguments: &[String]) {
        if let Some(word) = arguments.iter().find(|word| word.contains("://")) {
            self.url(word);
        }
    }

    /// Reads the first URL of a text: to a quote or blank, a `${…}` kept whole.
    fn url(&mut self, text: &str) {
        let Some((before, rest)) = text.split_once("://") else { return };
        if self.scheme.is_some() {
            return;
        }
        let scheme: String = before
            .chars()
            .rev()
            .take_while(char::is_ascii_alphanumeric)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        let (authority, rest) = rest.split_at(end_of(rest, "/?#'\"`) ,;\\"));
        let (path, after) = rest.split_at(end_of(rest, "?#'\"`) ,;\\"));
        // `'http://localhost:' + port + '/health'`: put together when it runs.
        let joined = after.get(1..).is_some_and(|text| text.trim_start().starts_with(['+', '.']))
            && after.starts_with(['\'', '"', '`']);
        let host_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (host, port) = match split_port(host_port) {
            (host, Some(port)) => (host, port.to_owned()),
            (host, None) => (host, default_port(&scheme).to_owned()),
        };
        let port = if port.is_empty() || joined && path.is_empty() { "?".to_owned() } else { port };
        self.path = (!joined)
            .then(|| if path.is_empty() { "/".to_owned() } else { path.to_owned() })
            .filter(|_| scheme.starts_with("http"));
        self.ask(&scheme, host, &port);
    }

    /// Reads a one-liner of any language: a URL, else a host, a port and a path near their names.
    fn code(&mut self, code: &str) {
        if code.contains("://") {
            self.url(code);
            return;
        }
        let host =
            ["localhost", "127.0.0.1", "0.0.0.0", "::1"].into_iter().find(|h| code.contains(h));
        let number = |from: &str| {
            let (_, rest) = code.split_once(from)?;
            let rest = rest.trim_start_matches(|c: char| " :=,'\"".contains(c));
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            rest.get(..digits).filter(|digits| !digits.is_empty())
        };
        let port = host.and_then(number).or_else(|| number("port"));
        let port = port.or_else(|| number("connect(")).or_else(|| number("createConnection("));
        let path = code
            .split(['\'', '"', '`'])
            .skip(1)
            .step_by(2)
            .find(|text| text.starts_with('/') && !text.contains(['(', ' ']));
        match (port, path) {
            (None, None) if host.is_none() => {}
            (port, Some(path)) => {
                self.path = Some(path.split(['?', '#']).next().unwrap_or(path).to_owned());
                self.ask("http", host.unwrap_or_default(), port.unwrap_or("?"));
            }
            (port, None) => self.ask("tcp", host.unwrap_or_default(), port.unwrap_or("?")),
        }
    }
}

fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

fn is_own_host(host: &str) -> bool {
    host == "localhost" || host == "0.0.0.0" || host == "[" || host.starts_with("127.")
}

/// What every shell does itself, and programs whose answer says nothing about the service.
fn is_builtin(name: &str) -> bool {
    matches!(
        name,
        "exit"
            | "true"
            | "false"
            | ":"
            | "echo"
            | "["
            | "[["
            | "test"
            | "cd"
            | "set"
            | "export"
            | "printf"
            | "read"
            | "return"
            | "exec"
            | "command"
            | "kill"
            | "unset"
            | "wait"
    )
}

/// The value of an option, `-x value`, `-x=value` or `--xx=value`.
fn value_of<'a>(arguments: &'a [String], names: &[&str]) -> Option<&'a String> {
    // Attached values need a word of their own to borrow from, so only the separate form and, for
    // `-addr=:5000`, the whole word is given; its reader splits at the colon.
    arguments.iter().enumerate().find_map(|(at, word)| {
        if names.contains(&word.as_str()) {
            return arguments.get(at + 1);
        }
        let (name, _) = word.split_once('=')?;
        names.contains(&name).then_some(word)
    })
}

/// What a wrapper runs.
fn unwrapped<'a>(wrapper: &str, arguments: &'a [String]) -> &'a [String] {
    let mut at = 0;
    while let Some(word) = arguments.get(at) {
        let takes_value = matches!(word.as_str(), "-s" | "-k" | "-n" | "--signal" | "--kill-after");
        if word.starts_with('-') {
            at += if takes_value { 2 } else { 1 };
        } else if wrapper == "env" && word.contains('=') {
            at += 1;
        } else {
            break;
        }
    }
    // A duration, a user.
    if matches!(wrapper, "timeout" | "gosu" | "su-exec") {
        at += 1;
    }
    arguments.get(at..).unwrap_or_default()
}

/// Where the first of these characters stands outside `${…}`; the length where none does.
fn end_of(text: &str, ends: &str) -> usize {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            c if depth == 0 && ends.contains(c) => return at,
            _ => {}
        }
    }
    text.len()
}

/// `host:port` at the last colon that is neither in `[…]` nor in `${…}`.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    let from = authority.rfind(']').map_or(0, |at| at + 1);
    let mut depth = 0usize;
    for (at, c) in authority.char_indices().filter(|(at, _)| *at >= from) {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => {
                return (&authority[..at], authority.get(at + 1..));
            }
            _ => {}
        }
    }
    (authority, None)
}

fn default_port(scheme: &str) -> &'static str {
    match scheme {
        "http" | "ws" => "80",
        "https" | "wss" => "443",
        _ => "?",
    }
}

/// Which exit statuses a command line can end with.
#[derive(Clone, Copy)]
struct Ends {
    zero: bool,
    other: bool,
}

/// Whether a program ends with the same success or failure whatever its commands find.
fn constant(script: &Script, list: ListId) -> Option<bool> {
    if !script.errors.is_empty() {
        return None;
    }
    let ends = ends(script, script.list(list));
    match (ends.zero, ends.other) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

fn ends(script: &Script, list: &List) -> Ends {
    let mut exits = Ends { zero: false, other: false };
    let mut now = Ends { zero: true, other: false };
    let mut before = Connector::Seq;
    for item in &list.items {
        let (status, exit) = item
            .pipeline
            .last()
            .map_or((Ends { zero: true, other: true }, false), |&command| status(script, command));
        let status =
            if item.negated { Ends { zero: status.other, other: status.zero } } else { status };
        let (runs, skipped) = match before {
            Connector::And => (now.zero, Ends { zero: false, other: now.other }),
            Connector::Or => (now.other, Ends { zero: now.zero, other: false }),
            Connector::Seq | Connector::Background => {
                (now.zero || now.other, Ends { zero: false, other: false })
            }
        };
        now = skipped;
        if runs {
            let into = if exit { &mut exits } else { &mut now };
            into.zero |= status.zero;
            into.other |= status.other;
        }
        before = item.then;
    }
    Ends { zero: now.zero || exits.zero, other: now.other || exits.other }
}

/// How a command can end, and whether it ends the program.
fn status(script: &Script, command: shell::CommandId) -> (Ends, bool) {
    let either = Ends { zero: true, other: true };
    let CommandKind::Simple { .. } = script.command(command).kind else { return (either, false) };
    let Some(argv) = script.argv(command) else { return (either, false) };
    let word = |at: usize| argv.get(at).and_then(|id| script.literal(*id));
    let zero = Ends { zero: true, other: false };
    let other = Ends { zero: false, other: true };
    match word(0).as_deref() {
        Some("true" | ":" | "echo") => (zero, false),
        Some("false") => (other, false),
        Some("exit" | "return") => match word(1).as_deref() {
            Some("0") => (zero, true),
            Some(code) if code.parse::<u16>().is_ok() => (other, true),
            _ => (either, true),
        },
        _ => (either, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tools | scripts | scheme host port path | always`.
    fn show(test: &HealthTest) -> String {
        let Some(probe) = probe(test) else { return "none".to_owned() };
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let always = probe.always.map_or(String::new(), |always| format!(" always {always}"));
        format!(
            "{} | {} | {} {} {} {}{always}",
            probe.tools.join(" "),
            probe.scripts.join(" "),
            text(&probe.scheme),
            text(&probe.host),
            text(&probe.port),
            text(&probe.path),
        )
    }

    #[track_caller]
    fn shell(line: &str, expected: &str) {
        assert_eq!(show(&HealthTest::Shell(line.to_owned())), expected, "{line}");
    }

    #[track_caller]
    fn exec(words: &[&str], expected: &str) {
        let words = words.iter().map(|&word| word.to_owned()).collect();
        assert_eq!(show(&HealthTest::Exec(words)), expected);
    }

    #[test]
    fn requests_by_curl_and_wget() {
        shell(
            "curl -f http://localhost:3000/health || exit 1",
            "curl sh |  | http localhost 3000 /health",
        );
        shell(
            "wget -q --spider http://127.0.0.1/ready?full=1",
            "wget sh |  | http 127.0.0.1 80 /ready",
        );
        shell("curl -fsS localhost:8080/x", "curl sh |  | http localhost 8080 /x");
        shell(
            "curl --fail https://[::1]:8443/ | grep -q ok",
            "curl grep sh |  | https [::1] 8443 /",
        );
        shell(
            "curl -f \"http://localhost:${PORT:-3000}/health\"",
            "curl sh |  | http localhost ${PORT:-3000} /health",
        );
        shell("curl -f http://localhost:$PORT", "curl sh |  | http localhost $PORT /");
        shell("curl --unix-socket /s http://x/_ping", "curl sh |  | unix - - -");
        exec(
            &["timeout", "-s", "KILL", "5", "/usr/bin/curl", "-f", "http://app:80/h"],
            "timeout /usr/bin/curl |  | http app 80 /h",
        );
    }

    #[test]
    fn one_liners() {
        shell(
            "node -e \"require('http').get('http://localhost:3006/health', (r) => {process.exit(r.statusCode === 200 ? 0 : 1)})\"",
            "node sh |  | http localhost 3006 /health",
        );
        exec(
            &["node", "-e", "fetch('http://localhost:' + (process.env.PORT || 3000) + '/health')"],
            "node |  | http localhost ${PORT:-3000} /health always true",
        );
        exec(
            &["node", "-e", "fetch(`http://localhost:${process.env.PORT || 3000}/health`)"],
            "node |  | http localhost ${PORT:-3000} /health always true",
        );
        exec(
            &[
                "node",
                "-e",
                "require('http').request({host: 'localhost', port: 3000, path: '/healthz'})",
            ],
            "node |  | http localhost 3000 /healthz always true",
        );
        exec(
            &[
                "python",
                "-c",
                "import urllib.request as u; u.urlopen('http://localhost:8000/health/')",
            ],
            "python |  | http localhost 8000 /health/",
        );
        exec(
            &["python3", "-c", "import socket; socket.create_connection(('127.0.0.1', 5000))"],
            "python3 |  | tcp 127.0.0.1 5000 -",
        );
        exec(&["node", "healthcheck.js"], "node | healthcheck.js | - - - -");
        exec(&["bun", "run", "check.ts"], "bun | check.ts | - - - -");
        exec(&["./check.py"], "./check.py | ./check.py | - - - -");
        exec(&["/app/health"], "/app/health |  | - - - -");
    }

    #[test]
    fn ports_of_other_kinds() {
        exec(&["nc", "-z", "localhost", "80"], "nc |  | tcp localhost 80 -");
        shell("bash -c '</dev/tcp/localhost/8080'", "bash sh |  | tcp localhost 8080 -");
        exec(
            &["/bin/grpc_health_probe", "-addr=:5000"],
            "/bin/grpc_health_probe |  | grpc - 5000 -",
        );
        shell("pg_isready -U postgres", "pg_isready sh |  | - - - -");
        shell("pg_isready -h localhost -p 5433", "pg_isready sh |  | tcp localhost 5433 -");
        assert_eq!(
            show(&HealthTest::Http {
                path: "/live".to_owned(),
                port: "http".to_owned(),
                tls: false
            }),
            " |  | http - http /live"
        );
        assert_eq!(show(&HealthTest::Disabled), "none");
    }

    #[test]
    fn what_always_ends_alike() {
        shell("curl -f localhost:1 || true", "curl sh |  | http localhost 1 / always true");
        shell("curl -f localhost:1; exit 0", "curl sh |  | http localhost 1 / always true");
        shell("curl -f localhost:1 || echo down", "curl sh |  | http localhost 1 / always true");
        shell("curl -f localhost:1 && exit 0 || exit 1", "curl sh |  | http localhost 1 /");
        shell("curl -f localhost:1; exit 1", "curl sh |  | http localhost 1 / always false");
        shell("exit 0", "sh |  | - - - - always true");
        exec(&["sh", "-c", "curl localhost:1 || :"], "sh curl |  | http localhost 1 / always true");
        exec(&["true"], " |  | - - - - always true");
        shell("if curl -f localhost:1; then exit 0; fi", "curl sh |  | http localhost 1 /");
    }

    #[test]
    fn hostile_commands_end() {
        shell("", "sh |  | - - - - always true");
        shell("curl http://", "curl sh |  | http - 80 /");
        shell("env env env env env env curl x:1", "env sh |  | - - - -");
        exec(&["curl", "http://${{{{"], "curl |  | http ${{{{ 80 /");
    }
}
