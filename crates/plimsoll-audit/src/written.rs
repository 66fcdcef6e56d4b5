//! What scripts write, and who may read it there.

use plimsoll_model::data;
use plimsoll_model::flow::{Command, Flow, RedirectOp};
use plimsoll_model::secret::is_secret_name;

use crate::Severity;

/// The path below `/tmp` that a command writes and everybody can guess.
pub(crate) fn temporary<'a>(flow: &'a Flow, command: &'a Command) -> Option<&'a str> {
    if data::in_container(flow, command) {
        return None;
    }
    let fixed = |path: &&str| {
        let rest = path.strip_prefix("/tmp/").or_else(|| path.strip_prefix("/var/tmp/"));
        rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(['$', '`', '*']))
    };
    let redirected = command.redirects.iter().find_map(|redirect| {
        let writes = matches!(
            redirect.op,
            RedirectOp::Write | RedirectOp::Append | RedirectOp::WriteBoth | RedirectOp::AppendBoth
        );
        Some(redirect.target.as_str()).filter(|path| writes && fixed(path))
    });
    let args = command.args();
    let option = |names: &[&str]| data::option(command, names).filter(fixed);
    let by_option = || match command.program() {
        "curl" => option(&["--output", "-o"]),
        "wget" => option(&["--output-document", "-O"]),
        "tee" => args.iter().map(String::as_str).find(fixed),
        "cp" | "mv" | "install" => args.last().map(String::as_str).filter(fixed),
        "pg_dump" | "pg_dumpall" => option(&["--file", "-f"]),
        "tar" => args
            .get(1)
            .map(String::as_str)
            .filter(|path| fixed(path) && args.first().is_some_and(|word| word.contains('c'))),
        _ => None,
    };
    redirected.or_else(by_option).filter(|_| command.is_run() || redirected.is_some())
}

/// The file with secrets that a command writes: `.env`, a key.
pub(crate) fn secrets<'a>(flow: &'a Flow, command: &'a Command) -> Option<&'a str> {
    let redirect = command.redirects.iter().rev().find(|redirect| redirect.writes())?;
    let path = redirect.target.as_str();
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let named = name == ".env"
        || name.starts_with(".env.")
        || name.ends_with(".env")
        || name.ends_with(".pem")
        || name.ends_with(".key")
        || name.starts_with("id_rsa")
        || name.starts_with("id_ed25519")
        || name == ".pgpass"
        || name == ".netrc";
    let printed = |word: &String| {
        word.split(['\n', ' '])
            .filter_map(|line| line.split_once('='))
            .any(|(name, value)| is_secret_name(name.trim()) && !value.is_empty())
    };
    let text = command.redirects.iter().filter_map(|redirect| redirect.text.as_ref());
    let says = command.words.iter().chain(text).any(printed)
        || command.expansions.iter().any(|expansion| is_secret_name(&expansion.name));
    let made = matches!(command.program(), "openssl" | "ssh-keygen" | "base64");
    (named && (says || made) && !data::in_container(flow, command)).then_some(path)
}

/// Whether what a script writes by a command is kept from others: `umask`, `chmod` of the file or
/// of its directory, or a directory that only its owner may enter.
pub(crate) fn private<'a>(flow: &'a Flow, command: &'a Command, path: &str) -> Option<&'a Command> {
    let closes = |mode: &str| {
        let digits = mode.trim_start_matches('0');
        let octal = mode.bytes().all(|b| b.is_ascii_digit()) && digits.len() == 3;
        octal && digits.ends_with('0')
            || ["go-r", "go=", "o=", "o-r", "u=rw,go=", "og-r", "go-"]
                .iter()
                .any(|m| mode.starts_with(m) && mode != "o=r")
    };
    let masks = |word: &String| {
        let digits = word.trim_start_matches('0');
        matches!(digits, "77" | "177" | "27" | "37" | "7" | "277" | "377")
            || word.contains("go=") && !word.contains("go=r")
    };
    if let Some(umask) = flow
        .before(command)
        .find(|earlier| earlier.program() == "umask" && earlier.args().iter().any(masks))
    {
        return Some(umask);
    }
    let bare = |text: &str| text.trim_matches(['"', '\'']).trim_end_matches('/').to_owned();
    let (path, dir) =
        (bare(path), path.rsplit_once('/').map_or(String::new(), |(dir, _)| bare(dir)));
    let same = |word: &String| {
        let word = bare(word);
        !word.is_empty() && (word == path || word == dir || path.starts_with(&format!("{word}/")))
            || word.ends_with('*') && path.starts_with(word.trim_end_matches('*'))
    };
    flow.commands.iter().find(|other| {
        let args = other.args();
        let mode = match other.program() {
            "chmod" => args.iter().find(|word| !word.starts_with('-') || word.contains("rwx")),
            "install" | "mkdir" => {
                let at = args.iter().position(|word| word == "-m" || word == "--mode");
                at.and_then(|at| args.get(at + 1))
                    .or_else(|| args.iter().find(|word| word.starts_with("-m") && word.len() > 3))
            }
            _ => None,
        };
        let mode = mode.map(|mode| mode.trim_start_matches("-m").trim_start_matches('='));
        mode.is_some_and(closes) && args.iter().any(same)
    })
}

/// Whether a command lets everybody write a file.
pub(crate) fn opens(command: &Command) -> bool {
    let modes = ["777", "0777", "666", "0666", "a+w", "o+w", "a+rw", "a+rwx", "ugo+rwx", "a=rwx"];
    command.program() == "chmod" && command.args().iter().any(|word| modes.contains(&word.as_str()))
}

/// The files with data or secrets that a command writes on the machine itself, and what writes them.
pub(crate) fn private_files<'a>(
    flow: &'a Flow,
    command: &'a Command,
) -> Vec<(String, &'a Command)> {
    let mut found: Vec<(String, &Command)> = Vec::new();
    if data::is_dump(flow, command) && !data::keeps(command) {
        let files = data::artifacts(flow, command).into_iter().filter(|file| !file.inside);
        found.extend(files.map(|file| (file.path.into_owned(), file.by)));
    }
    found.extend(secrets(flow, command).map(|path| (path.to_owned(), command)));
    found
}

/// What a command makes that is to go away when the script ends, and how bad it is when it stays.
pub(crate) fn for_a_while(flow: &Flow, command: &Command) -> Option<Severity> {
    if data::in_container(flow, command) {
        return None;
    }
    let names = |words: &[&str]| {
        command.args().iter().any(|arg| {
            let lower = arg.to_ascii_lowercase();
            words.iter().any(|word| lower.contains(word))
        })
    };
    match command.program() {
        "mktemp" => Some(Severity::Low),
        "mkdir" if names(&[".lock", "lockdir", "/lock/"]) => {
            let parents = command.args().iter().any(|word| word == "-p" || word == "--parents");
            (!parents).then_some(Severity::Medium)
        }
        "kubectl" if names(&["port-forward"]) => Some(Severity::Low),
        "touch" | "ln" | "cp" if names(&["maintenance"]) => {
            // Where nothing here ends it, another script does.
            let ends = |c: &Command| {
                matches!(c.program(), "rm" | "mv" | "unlink")
                    && c.args().iter().any(|arg| arg.to_ascii_lowercase().contains("maintenance"))
            };
            flow.after(command).iter().any(ends).then_some(Severity::Medium)
        }
        "php" if names(&["artisan"]) && names(&["down"]) => {
            let up = |c: &Command| c.args().iter().any(|arg| arg == "up");
            flow.after(command).iter().any(up).then_some(Severity::Medium)
        }
        _ => None,
    }
}

/// Whether a command makes something that stays, and if so, whether it fails where that is there.
pub(crate) fn makes(command: &Command) -> Option<bool> {
    let args = command.args();
    let short = |c: char| {
        args.iter().any(|word| {
            word.strip_prefix('-').is_some_and(|word| !word.starts_with('-') && word.contains(c))
        })
    };
    let has = |name: &str| args.iter().any(|word| word == name);
    let first = args.first().map_or("", String::as_str);
    if !command.is_run() {
        return None;
    }
    match command.program() {
        "mkdir" => Some(!short('p') && !has("--parents")),
        "ln" if short('s') || has("--symbolic") => Some(!short('f') && !has("--force")),
        "docker" | "podman" if first == "network" && has("create") => Some(true),
        "createdb" | "createuser" | "useradd" | "groupadd" => Some(true),
        _ => None,
    }
}
