//! What is downloaded and run: whether its address moves, and what checks it.

use plimsoll_model::data;
use plimsoll_model::flow::{After, Command, CommandKind, Flow};

/// Whether what stands behind an address can change.
pub(crate) enum Moves {
    /// It can.
    Yes,
    /// It names a version, which can be published again.
    Version,
    /// It names a full commit.
    No,
}

impl Moves {
    pub(crate) fn of(text: &str) -> Self {
        let parts = || text.split(['/', '@', '=', '?', ' ', '"', '\'']);
        let is_commit =
            |part: &str| part.len() == 40 && part.bytes().all(|b| b.is_ascii_hexdigit());
        let is_version = |part: &str| {
            let bare = part.trim_start_matches(['v', 'V']);
            let numbers = bare.split(['.', '-']).take_while(|n| n.parse::<u32>().is_ok());
            bare.contains('.') && numbers.count() >= 2
        };
        if parts().any(is_commit) {
            Self::No
        } else if parts().filter(|part| !part.contains("://")).any(is_version) {
            Self::Version
        } else {
            Self::Yes
        }
    }
}

/// Shells.
pub(crate) const SHELLS: [&str; 6] = ["sh", "bash", "zsh", "dash", "ash", "ksh"];
/// Other programs that run what they read.
pub(crate) const OTHERS: [&str; 6] = ["python", "python3", "node", "perl", "ruby", "php"];

/// Programs that compare a checksum or a signature.
pub(crate) const CHECKERS: [&str; 13] = [
    "sha256sum",
    "sha512sum",
    "sha1sum",
    "shasum",
    "md5sum",
    "b2sum",
    "gpg",
    "gpgv",
    "cosign",
    "minisign",
    "openssl",
    "cmp",
    "slsa-verifier",
];

/// Whether an address leads away from the machine.
pub(crate) fn is_remote(text: &str) -> bool {
    !["://localhost", "://127.0.0.1", "://0.0.0.0", "://[::1]"]
        .iter()
        .any(|near| text.contains(near))
}

/// Whether a text names a program that downloads.
pub(crate) fn names_one(text: &[u8]) -> bool {
    ["curl", "wget", "aria2c"]
        .iter()
        .any(|name| memchr::memmem::find(text, name.as_bytes()).is_some())
}

/// Whether a command gets something from another machine.
pub(crate) fn fetches(command: &Command) -> bool {
    command.is_run()
        && matches!(command.program(), "curl" | "wget" | "aria2c")
        && command.args().iter().any(|word| word.contains("://") || word.contains('$'))
        && is_remote(&command.words.join(" "))
        && !command.args().iter().any(|word| matches!(word.as_str(), "-T" | "--upload-file"))
}

/// The file that a command downloads to, as it is written.
pub(crate) fn file(command: &Command) -> Option<String> {
    let short: &[&str] = if command.program() == "wget" { &["-O"] } else { &["-o"] };
    let args = command.args();
    let own = args.iter().enumerate().find_map(|(at, word)| {
        let bundled = word.starts_with('-')
            && !word.starts_with("--")
            && short.iter().any(|short| word.ends_with(short.trim_start_matches('-')));
        let long = ["--output", "--output-document"].contains(&word.as_str());
        match bundled || long {
            true => args.get(at + 1).cloned(),
            false => ["--output=", "--output-document="]
                .iter()
                .find_map(|long| Some(word.strip_prefix(long)?.to_owned())),
        }
    });
    let redirected = || {
        let redirect = command.redirects.iter().rev().find(|redirect| redirect.writes())?;
        Some(redirect.target.clone())
    };
    // `curl -O` and `wget` name it as the address does.
    let named = || {
        let remote = command.program() != "curl"
            || args.iter().any(|word| {
                word == "--remote-name"
                    || word
                        .strip_prefix('-')
                        .is_some_and(|w| !w.starts_with('-') && w.contains('O'))
            });
        let address = args.iter().rfind(|word| word.contains("://")).filter(|_| remote)?;
        Some(address.rsplit('/').next()?.split('?').next()?.to_owned())
    };
    own.or_else(redirected)
        .or_else(named)
        .filter(|file| !file.is_empty() && file != "-" && !file.starts_with("/dev/"))
}

/// How a download is run.
pub(crate) struct Ran<'a> {
    /// The command that runs it.
    pub(crate) by: &'a Command,
    /// The text that holds its address.
    pub(crate) address: String,
}

/// Whether a command runs what another downloads, in one breath: `curl … | sh`, `sh -c "$(curl …)"`,
/// `bash <(curl …)`.
pub(crate) fn piped<'a>(flow: &Flow, command: &'a Command) -> Option<Ran<'a>> {
    let name = command.program();
    let evaluates = matches!(name, "eval" | "source" | ".");
    if !SHELLS.contains(&name) && !OTHERS.contains(&name) && !evaluates {
        return None;
    }
    let starts = ["<(curl", "<(wget", "$(curl", "$(wget", "`curl", "`wget"];
    let inner = command
        .args()
        .iter()
        .find(|word| starts.iter().any(|start| word.trim_start_matches('"').starts_with(start)));
    if let Some(inner) = inner {
        return is_remote(inner).then(|| Ran { by: command, address: inner.clone() });
    }
    // A program of its own words, or of a file, reads the download as data.
    let args = command.args();
    let words = args.iter().take_while(|word| *word != "--");
    let own = words.clone().any(|word| {
        let other = OTHERS.contains(&name);
        word == "-c" || other && matches!(word.as_str(), "-e" | "-m" | "-p" | "-ne" | "-pe" | "-r")
    });
    let reads = args.first().is_none_or(|word| word == "-")
        || words.clone().any(|word| word == "-s" || word == "-es" || word == "-xs")
        || args.iter().all(|word| word.starts_with('-'));
    if own || !reads || evaluates || command.redirects.iter().any(|redirect| redirect.feeds()) {
        return None;
    }
    let before = data::upstream(flow, command);
    let fetch = before.into_iter().find(|before| fetches(before))?;
    Some(Ran { by: command, address: fetch.words.join(" ") })
}

/// What is downloaded to a file and run, installed or unpacked later: that command, and what checks
/// the file between.
pub(crate) fn used<'a>(
    flow: &'a Flow,
    fetch: &'a Command,
) -> Option<(&'a Command, Option<&'a Command>)> {
    const USES: [&str; 14] = [
        "chmod",
        "install",
        "tar",
        "unzip",
        "dpkg",
        "rpm",
        "apt",
        "apt-get",
        "yum",
        "dnf",
        "installer",
        "gunzip",
        "apk",
        "java",
    ];
    let file = file(fetch)?;
    let bare = |word: &str| {
        let word = word.trim_matches(['"', '\'']);
        word.rsplit('/').next().unwrap_or(word).to_owned()
    };
    let name = bare(&file);
    if name.is_empty() {
        return None;
    }
    let names = |command: &Command| command.words.iter().any(|word| bare(word) == name);
    let later = || flow.after(fetch).iter();
    let runs = |command: &&Command| {
        let program = command.program();
        let moves = matches!(program, "mv" | "cp")
            && command.args().last().is_some_and(|to| to.contains("/bin") || to.contains("/lib"));
        let executable = program == "chmod"
            && command.args().iter().any(|word| word.contains('x') || word.starts_with('7'));
        names(command)
            && (bare(command.words.first().map_or("", String::as_str)) == name
                || program != "chmod" && USES.contains(&program)
                || executable
                || moves
                || SHELLS.contains(&program)
                || OTHERS.contains(&program))
    };
    let runs = later().find(runs)?;
    let checks = later().take_while(|later| later.at < runs.at).find(|between| {
        CHECKERS.contains(&between.program())
            && (between.program() != "openssl" || names(between))
            && is_checked(flow, between, runs, &name)
    });
    Some((runs, checks))
}

/// Whether a checker asks for this file, by what the file did not bring itself, and keeps what uses it
/// from running.
fn is_checked(flow: &Flow, checker: &Command, runs: &Command, name: &str) -> bool {
    let guards = |asked: &Command| flow.guards(runs).any(|guard| guard.at == asked.at);
    let sums = checker.program().ends_with("sum");
    let is_asked = |word: &String| {
        let short = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
        word == "--check" || short.is_some_and(|letters| letters.contains('c'))
    };
    if sums && !checker.args().iter().any(is_asked) {
        // What it prints is compared: `[ "$(sha256sum tool)" = "$SUM" ]`.
        let tests = |guard: &Command| guard.kind == CommandKind::Test && guard.at >= checker.at;
        return flow.guards(runs).any(tests);
    }
    let counts = checker.if_fails != After::GoesOn || guards(checker);
    // A sum that was made of the download itself is always right.
    let of_itself = flow.before(checker).any(|made| {
        let to = made.redirects.iter().find(|redirect| redirect.writes());
        made.program() == checker.program()
            && to.is_some_and(|to| checker.words.contains(&to.target))
    });
    // `echo "… tool" | sha256sum -c`: of which file, where that is written.
    let given = data::upstream(flow, checker);
    let other = sums
        && !given.is_empty()
        && given
            .iter()
            .flat_map(|given| &given.words)
            .all(|w| !w.contains('$') && !w.contains(name))
        && given.iter().all(|given| matches!(given.program(), "echo" | "printf"));
    counts && !of_itself && !other
}
