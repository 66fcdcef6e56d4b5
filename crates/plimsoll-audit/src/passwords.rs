//! Passwords among the words of a command.

use plimsoll_model::flow::{Command, CommandKind, Expansion, Flow, Output, Read, RegionKind};
use plimsoll_model::mend::{after, replace};
use plimsoll_model::password::{behind_short, is_program};
use plimsoll_model::secret::{is_guessed, is_secret_name, literal_secret};
use plimsoll_source::{Edit, Span, TextRange};

/// Programs with a subcommand `login` for registries; others mean something else by `-p`.
const LOGINS: [&str; 8] =
    ["buildah", "crane", "docker", "helm", "nerdctl", "oras", "podman", "skopeo"];

/// The variables that programs read a password from, in place of the option that is shown to all.
const VARIABLES: [(&str, &str, &str); 8] = [
    ("keydb-cli", "-a", "REDISCLI_AUTH"),
    ("mariadb", "-p*", "MYSQL_PWD"),
    ("mariadb-dump", "-p*", "MYSQL_PWD"),
    ("mysql", "-p*", "MYSQL_PWD"),
    ("mysqladmin", "-p*", "MYSQL_PWD"),
    ("mysqldump", "-p*", "MYSQL_PWD"),
    ("redis-cli", "-a", "REDISCLI_AUTH"),
    ("valkey-cli", "-a", "REDISCLI_AUTH"),
];

/// The variable with a secret that a command's words hold, or what `cat` is given to read: not that it
/// is set, nor its length, nor one that holds another's name (`${key#PREFIX_}`) or that of a file.
pub(crate) fn secret_of<'a>(flow: &'a Flow, command: &'a Command) -> Option<&'a str> {
    let bodies = || {
        let bodies = command.redirects.iter().filter_map(|redirect| redirect.body);
        let is_cat = command.program() == "cat";
        bodies.filter(move |_| is_cat).flat_map(|body| {
            let is_within = move |read: &&Read| {
                let (at, of) = (read.span.range, body.range);
                read.span.file == body.file && of.start <= at.start && at.end <= of.end
            };
            flow.reads.iter().filter(is_within)
        })
    };
    let read = || {
        let plain =
            bodies().filter(|read| read.op.as_ref().is_none_or(|(op, _)| !op.ends_with('+')));
        plain.map(|read| &*read.name).find(|name| is_secret_name(name) && !is_path(flow, name))
    };
    let mut held = held(flow, command);
    held.next().map(|expansion| expansion.name.as_str()).or_else(read)
}

/// The expansions with a secret in a command's words.
pub(crate) fn held<'a>(
    flow: &'a Flow,
    command: &'a Command,
) -> impl Iterator<Item = &'a Expansion> + use<'a> {
    command.expansions.iter().filter(move |expansion| {
        let name = &expansion.name;
        let asks = expansion.op.as_deref().is_some_and(|op| op.ends_with('+'));
        let length = command.words.iter().any(|w| w.contains(&format!("${{#{name}")));
        let names = || {
            let mut sets = flow.sets.iter().filter(|set| set.name == *name);
            let file = |value: &str| {
                let ends = [".json", ".txt", ".pem", ".key", ".env", ".crt", ".yml", ".yaml"];
                ends.iter().any(|end| value.trim_matches(['"', '\'']).ends_with(end))
            };
            sets.any(|set| {
                file(&set.value) || set.value.contains("${") && set.value.contains(['#', '%'])
            })
        };
        let says = prints(command) || command.kind == CommandKind::Function;
        let secret = is_secret_name(name) || says && made_of(flow, name);
        !asks && !length && secret && !names() && !is_path(flow, name)
    })
}

/// Whether a command shows its words, or what it is given.
pub(crate) fn prints(command: &Command) -> bool {
    matches!(command.program(), "cat" | "echo" | "logger" | "printf")
}

/// Whether a variable is put together from one with a secret: `URL="https://app:$PASSWORD@…"`. What a
/// command makes of one is another text.
fn made_of(flow: &Flow, name: &str) -> bool {
    flow.sets.iter().filter(|set| set.name == name).any(|set| {
        let value = &set.value;
        let parts = value.split('$').skip(1).map(|rest| {
            let rest = rest.strip_prefix('{').unwrap_or(rest);
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let (of, rest) = rest.split_at(end.unwrap_or(rest.len()));
            is_secret_name(of) && !rest.starts_with([':', '+', '#', '%'])
        });
        !value.contains("$(") && !value.contains('`') && parts.into_iter().any(|is| is)
    })
}

/// Whether a variable holds the path of a file: it is asked whether that exists, or `-i` stands before it.
fn is_path(flow: &Flow, name: &str) -> bool {
    let is_it = |word: &str| {
        let word = word.trim_matches('"');
        word == format!("${name}") || word == format!("${{{name}}}")
    };
    flow.commands.iter().any(|command| {
        let asks: &[&str] = match command.kind {
            CommandKind::Test => &["-e", "-f", "-r", "-s"],
            _ => &["-i"],
        };
        let glued = format!("-i ${{{name}}}");
        command.words.windows(2).any(|pair| asks.contains(&&*pair[0]) && is_it(&pair[1]))
            || command.words.iter().any(|word| word.contains(&glued))
    })
}

/// Whether what a command prints is seen: by whoever reads its program's output, or a log.
pub(crate) fn is_shown(flow: &Flow, command: &Command) -> bool {
    match flow.output(command) {
        Output::Inherited => true,
        Output::Captured => false,
        Output::File(redirect) => {
            let target = redirect.target.trim_matches('"');
            target.ends_with(".log") || target.contains("/log/")
        }
        Output::Pipe { pipeline, position } => {
            // What only hands on shows it itself.
            const PASSES: [&str; 6] = ["cat", "logger", "sed", "tee", "ts", "awk"];
            let reader = flow.commands.iter().find(|reader| {
                flow.around(reader.region).any(|(_, region)| {
                    matches!(region.kind, RegionKind::Pipe { pipeline: of, position: at, .. }
                        if of == pipeline && at == position)
                })
            });
            reader.is_some_and(|reader| {
                PASSES.contains(&reader.program())
                    && (reader.program() == "logger"
                        || matches!(flow.output(reader), Output::Inherited))
            })
        }
    }
}

/// The edits that give a command its password where no list of processes shows it: on standard input
/// where it takes it there, else as a variable. It is given as its words are written.
pub(crate) fn handed_over(words: &[(String, Span)]) -> Option<Vec<Edit>> {
    let (first, start) = words.first()?;
    let start = Span::new(start.file, TextRange::new(start.range.start, start.range.start));
    // A text that is written out is no secret any more.
    let quoted = |value: &str| {
        let bare =
            value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        let name = bare.strip_prefix('$')?;
        let name = name.strip_prefix('{').and_then(|n| n.strip_suffix('}')).unwrap_or(name);
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        (!name.is_empty() && name.bytes().all(plain)).then(|| format!("\"{bare}\""))
    };
    let cover =
        |from: Span, to: Span| Span::new(from.file, TextRange::new(from.range.start, to.range.end));
    if LOGINS.contains(&&**first) && words.iter().any(|(word, _)| word == "login") {
        let at = words.iter().position(|(word, _)| {
            word == "-p" || word == "--password" || word.starts_with("--password=")
        })?;
        let (word, option) = words.get(at)?;
        let (value, place) = match word.split_once('=') {
            Some((_, value)) => (value, *option),
            None => words.get(at + 1).map(|(value, to)| (&**value, cover(*option, *to)))?,
        };
        let before = format!("printf %s {} | ", quoted(value)?);
        return Some(vec![replace(start, before), replace(place, "--password-stdin")]);
    }
    let program = words.iter().position(|(word, _)| VARIABLES.iter().any(|(of, ..)| of == word))?;
    let (_, option, name) =
        VARIABLES.iter().find(|(of, ..)| words.get(program).is_some_and(|(word, _)| word == of))?;
    let mut own = words.iter().enumerate().skip(program + 1);
    let (at, value, end) = own.find_map(|(at, (word, place))| match option.strip_suffix('*') {
        Some(glued) => match word.strip_prefix("--password=") {
            Some(value) => Some((at, value, *place)),
            None => Some((at, word.strip_prefix(glued).filter(|v| !v.is_empty())?, *place)),
        },
        None if word == option => words.get(at + 1).map(|(value, to)| (at, &**value, *to)),
        None => None,
    })?;
    // With the blank before it.
    let from = words.get(at.checked_sub(1)?)?.1.range.end;
    let gone = Span::new(end.file, TextRange::new(from, end.range.end));
    let mut edits =
        vec![replace(start, format!("{name}={} ", quoted(value)?)), replace(gone, Vec::new())];
    if program > 0 {
        // What is set for `docker` reaches the container where it is told to hand it on.
        let exec = words.iter().take(program).find(|(word, _)| word == "exec")?;
        (first == "docker" || first == "docker-compose").then_some(())?;
        edits.push(after(exec.1, format!(" -e {name}")));
    }
    Some(edits)
}

/// The first password among the words of a command: behind a short option, or `--password`.
pub(crate) fn of_command(words: &[String]) -> Option<&str> {
    let mut program = "";
    let mut before = "";
    let runs =
        words.first().is_some_and(|first| ["docker", "podman", "nerdctl"].contains(&&**first))
            && words.iter().any(|word| matches!(&**word, "run" | "exec" | "create"));
    for word in words {
        // `docker run -e NAME=value`: the name alone hands on what is set.
        if runs
            && matches!(before, "-e" | "--env")
            && let Some((name, value)) = word.split_once('=')
            && is_secret_name(name)
            && (value.starts_with('$')
                || literal_secret(name, value).is_some() && !is_guessed(name, value))
        {
            return Some(value);
        }
        if let Some(password) = in_url(word) {
            return Some(password);
        }
        let named = |name: &str| {
            let name = name.to_ascii_lowercase();
            ["password", "passwd", "pass", "passphrase"].iter().any(|end| {
                let rest = name.strip_suffix(end);
                rest.is_some_and(|rest| rest.ends_with(['-', '_']))
            })
        };
        let value = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") && named(name) => Some(value),
            _ if before.starts_with("--") && !before.contains('=') && named(before) => {
                Some(word.as_str()).filter(|word| !word.starts_with('-'))
            }
            _ => behind_short(program, before, word),
        };
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            return Some(value);
        }
        let first = words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
        if word == "login" && LOGINS.contains(&first) {
            program = "docker login";
        } else if is_program(word) {
            program = word.rsplit('/').next().unwrap_or(word);
        }
        before = word;
    }
    None
}

/// A text with other letters for the dollars that start no reference to anything.
pub(crate) fn plain_dollars(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let starts = matches!(chars.peek(), Some('{' | '('));
        out.push(if c == '$' && !starts { '_' } else { c });
    }
    out
}

/// The password in a URL: what everybody guesses is none.
fn in_url(word: &str) -> Option<&str> {
    let (_, rest) = word.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    let is_variable = password.starts_with('$');
    (is_variable || literal_secret("", word).is_some_and(|_| !is_guessed("", password)))
        .then_some(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_commands() {
        let check = |line: &str, expected: Option<&str>| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(of_command(&words), expected, "{line}");
        };
        check("docker login -u bob -p $TOKEN reg.org", Some("$TOKEN"));
        check("docker login -u bob --password-stdin reg.org", None);
        check("gh auth login -p https", None);
        check("docker run -p 80:80 x", None);
        check("mysql -uroot -p$PW db", Some("$PW"));
        check("mysql -uroot -p db", None);
        check("curl -u bob:$PW https://x.org", Some("$PW"));
        check("curl -u bob https://x.org", None);
        check("helm upgrade --password=$PW", Some("$PW"));
        check("tool --password $PW", Some("$PW"));
        check("tool --password-file /run/x", None);
        check("sshpass -p x ssh h", Some("x"));
        check("sshpass -e ssh h", None);
        check("pg_dump postgresql://app:${PW}@db/app", Some("${PW}"));
        check("psql postgres://postgres:postgres@localhost/app", None);
        check("psql postgres://app@db/app", None);
        check("docker run -e DB_PASSWORD=$PW x", Some("$PW"));
        check("docker run -e DB_PASSWORD x", None);
        check("docker run -e SECRET_KEY=dummy x", None);
    }
}
