//! Wrappers taken off a command (`sudo`, `timeout`, `docker exec`), by the options they take.

use crate::compose_call::{self, Compose};
use crate::flow::Command as Call;

/// Whether `word` is a bundle of single-letter options (`-eu`) that holds `letter`.
pub(super) fn is_option(word: &str, letter: char) -> bool {
    let rest = word.strip_prefix(['-', '+']).unwrap_or("");
    !rest.starts_with('-') && rest.chars().all(char::is_alphanumeric) && rest.contains(letter)
}

/// Wrappers, how many words of their own they take after their flags, and which flags take a value.
pub(super) const WRAPPERS: &[(&str, usize, &[&str])] = &[
    ("sudo", 0, &["-u", "-g", "-h", "-p", "-C", "-T", "--user", "--group"]),
    ("doas", 0, &["-u", "-C"]),
    ("env", 0, &["-u", "-C", "--unset", "--chdir"]),
    ("time", 0, &["-f", "-o"]),
    ("nohup", 0, &[]),
    ("exec", 0, &["-a"]),
    ("command", 0, &[]),
    ("builtin", 0, &[]),
    ("nice", 0, &["-n"]),
    ("ionice", 0, &["-c", "-n"]),
    ("stdbuf", 0, &["-i", "-o", "-e"]),
    ("setsid", 0, &[]),
    ("chronic", 0, &[]),
    ("timeout", 1, &["-k", "-s", "--kill-after", "--signal"]),
    ("flock", 1, &["-w", "-E", "--timeout"]),
    ("xargs", 0, &["-I", "-n", "-P", "-d", "-L", "-a", "-E", "-s", "--max-args", "--max-procs"]),
    ("retry", 0, &["-t", "-d", "--times", "--delay", "-n"]),
];

/// The call that wrappers run, their own words taken off.
pub(super) fn unwrap(mut call: Call) -> Call {
    for _ in 0..8 {
        let Some((name, own, values)) =
            WRAPPERS.iter().find(|(name, ..)| *name == call.program()).copied()
        else {
            return call;
        };
        // `command -v x` asks, it does not run.
        if name == "command" && call.words.get(1).is_some_and(|w| w == "-v" || w == "-V") {
            return call;
        }
        let Some(mut from) = positional_from(&call.words, 1, values) else { return call };
        while matches!(name, "env" | "sudo")
            && let Some((key, value)) = call.words.get(from).and_then(|w| w.split_once('='))
        {
            call.env.push((key.to_owned(), value.to_owned()));
            from += 1;
        }
        if call.words.len() <= from + own {
            return call;
        }
        call = call.with_words(from + own);
        call.wrappers.push(name);
    }
    call
}

/// The index of the first word from `at` on that is no flag and no flag's value.
pub(in crate::lower) fn positional_from(
    words: &[String],
    mut at: usize,
    values: &[&str],
) -> Option<usize> {
    while let Some(word) = words.get(at) {
        if word == "--" {
            return (at + 1 < words.len()).then_some(at + 1);
        }
        if !word.starts_with('-') || word == "-" {
            return Some(at);
        }
        at += if values.contains(&word.as_str()) { 2 } else { 1 };
    }
    None
}

/// Flags of `docker run` and `exec` that take no value; every other one without `=` does.
pub(super) const RUN_SWITCHES: &[&str] = &[
    "--rm",
    "--detach",
    "--interactive",
    "--tty",
    "--init",
    "--privileged",
    "--read-only",
    "--no-healthcheck",
    "--oom-kill-disable",
    "--publish-all",
    "--sig-proxy",
    "--no-deps",
    "--no-TTY",
    "--build",
    "--quiet",
    "--service-ports",
    "--use-aliases",
    "--remove-orphans",
];

/// Where the command that is run inside a container starts in the words of a container tool.
pub(super) fn inside(words: &[String]) -> Option<usize> {
    let program = words[0].rsplit('/').next().unwrap_or("");
    if program == "kubectl" {
        let at = words.iter().position(|w| w == "--")?;
        return words[..at].iter().any(|w| w == "exec" || w == "run").then_some(at + 1);
    }
    let mut rest = match Compose::of(words) {
        Some(call) => &words[words.len() - call.args.len() - 1..],
        None => match compose_call::of_docker(words)? {
            [first, rest @ ..] if first == "container" => rest,
            rest => rest,
        },
    };
    if !matches!(rest.first()?.as_str(), "exec" | "run") {
        return None;
    }
    rest = &rest[1..];
    while let Some(word) = rest.first().filter(|w| w.starts_with('-')) {
        let switch = RUN_SWITCHES.contains(&word.as_str())
            || word.contains('=')
            || (!word.starts_with("--") && word[1..].chars().all(|c| "itdTPqd".contains(c)));
        rest = rest.get(if switch { 1 } else { 2 }..).unwrap_or_default();
    }
    Some(words.len() - rest.len() + 1)
}

/// The program that a container is entered by and that its words do not name: `--entrypoint`, or
/// that of an image which is one tool. `from` is where the command starts.
pub(super) fn entered(words: &[String], from: usize) -> Option<String> {
    const TOOLS: [(&str, &str); 5] = [
        ("aws-cli", "aws"),
        ("mc", "mc"),
        ("rclone", "rclone"),
        ("restic", "restic"),
        ("s3cmd", "s3cmd"),
    ];
    let before = words.get(..from).unwrap_or_default();
    let told = before.iter().enumerate().find_map(|(at, word)| match word.as_str() {
        "--entrypoint" => before.get(at + 1).cloned(),
        word => word.strip_prefix("--entrypoint=").map(str::to_owned),
    });
    if told.is_some() {
        return told.filter(|program| !program.is_empty());
    }
    let runs = before.iter().any(|word| word == "run") && !before.iter().any(|w| w == "compose");
    let image = before.last().filter(|_| runs)?;
    let name = image.rsplit('/').next()?.split([':', '@']).next()?;
    let (_, tool) = TOOLS.iter().find(|(image, _)| *image == name)?;
    let own = words.get(from).is_some_and(|word| word == tool || word == "sh" || word == "bash");
    (!own).then(|| (*tool).to_owned())
}
