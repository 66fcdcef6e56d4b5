//! Behind which options programs take a password.

use crate::secret::is_secret_name;

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

/// Whether a word is the name of a program that takes a password behind a short option.
#[must_use]
pub fn is_program(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    SHORT.iter().any(|(of, _)| *of == name)
}

/// The password that a word is, for a program that takes it behind a short option.
#[must_use]
pub fn behind_short<'w>(program: &str, before: &str, word: &'w str) -> Option<&'w str> {
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

/// Whether an option's name, without its dashes, is one behind which a password stands.
#[must_use]
pub fn is_option(name: &str) -> bool {
    is_secret_name(name) || matches!(name, "requirepass" | "masterauth" | "masterpass" | "pass")
}
