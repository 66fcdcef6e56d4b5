//! Passwords among the words of a command.

use plimsoll_model::flow::{Command, Flow};
use plimsoll_model::mend::{after, replace};
use plimsoll_model::password::{behind_short, is_program};
use plimsoll_model::secret::is_secret_name;
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

/// The variable with a secret that a command's words hold: not that it is set, nor its length, nor
/// one that holds another's name (`${key#PREFIX_}`) or that of a file.
pub(crate) fn secret_of<'a>(flow: &Flow, command: &'a Command) -> Option<&'a str> {
    let held = command.expansions.iter().filter(|expansion| {
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
        !asks && !length && is_secret_name(name) && !names()
    });
    held.map(|expansion| expansion.name.as_str()).next()
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
    for word in words {
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
    }
}
