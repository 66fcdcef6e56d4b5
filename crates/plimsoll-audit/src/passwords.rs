//! Passwords among the words of a command: behind which options programs take one.

use plimsoll_model::flow::{Command, Flow};
use plimsoll_model::secret::is_secret_name;

/// Short options behind which programs take a password: `-p*` where it is glued on.
const SHORT: [(&str, &str); 14] = [
    ("redis-cli", "-a"),
    ("valkey-cli", "-a"),
    ("keydb-cli", "-a"),
    ("mysql", "-p*"),
    ("mysqladmin", "-p*"),
    ("mysqldump", "-p*"),
    ("mariadb", "-p*"),
    ("mariadb-admin", "-p*"),
    ("mariadb-dump", "-p*"),
    ("mongosh", "-p"),
    ("mongo", "-p"),
    ("sshpass", "-p"),
    ("curl", "-u"),
    ("docker login", "-p"),
];

/// Programs with a subcommand `login` for registries; others mean something else by `-p`.
const LOGINS: [&str; 8] =
    ["buildah", "crane", "docker", "helm", "nerdctl", "oras", "podman", "skopeo"];

/// Whether a word is the name of a program that takes a password behind a short option.
pub(crate) fn is_program(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    SHORT.iter().any(|(of, _)| *of == name)
}

/// The password that a word is, for a program that takes it behind a short option.
pub(crate) fn behind_short<'w>(program: &str, before: &str, word: &'w str) -> Option<&'w str> {
    let (_, option) = SHORT.iter().find(|(of, _)| *of == program)?;
    let value = match option.strip_suffix('*') {
        Some(option) => word.strip_prefix(option)?,
        None => Some(word).filter(|_| before == *option)?,
    };
    // Of `user:password` the latter.
    let value = match *option == "-u" {
        true => value.split_once(':')?.1,
        false => value,
    };
    Some(value).filter(|value| !value.is_empty() && !value.starts_with('-'))
}

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
