//! What commands of scripts do with data: take it out, send it away, keep it, check it, bring it
//! back. Facts about one [`Command`] in its [`Flow`]; words are compared, nothing is run.

use crate::flow::{Command, Flow, Output, Redirection, RegionKind};

/// Programs that print or write all of a database.
const DUMPERS: [&str; 8] = [
    "pg_dump",
    "pg_dumpall",
    "pg_basebackup",
    "mysqldump",
    "mariadb-dump",
    "mariadb-backup",
    "xtrabackup",
    "mongodump",
];

/// Programs that take a backup and keep it in a repository of their own.
const KEEPERS: [(&str, &str); 8] = [
    ("restic", "backup"),
    ("rustic", "backup"),
    ("borg", "create"),
    ("kopia", "snapshot"),
    ("wal-g", "backup-push"),
    ("pgbackrest", "backup"),
    ("barman", "backup"),
    ("duplicity", ""),
];

/// Whether a command takes data out of a database: a dump that is kept, not one that another
/// database reads, and not only its schema.
#[must_use]
pub fn is_dump(flow: &Flow, command: &Command) -> bool {
    const NO_DATA: [&str; 7] =
        ["--schema-only", "-s", "--version", "-V", "--help", "--globals-only", "--no-data"];
    if !command.is_run() || command.args().iter().any(|word| NO_DATA.contains(&word.as_str())) {
        return false;
    }
    if keeps(command) {
        return true;
    }
    let dumps = match command.program() {
        "sqlite3" => command.args().iter().any(|w| w.starts_with(".backup") || w == ".dump"),
        "redis-cli" => command.args().iter().any(|word| word == "--rdb"),
        program => DUMPERS.contains(&program),
    };
    dumps && !downstream(flow, command).iter().any(|next| is_client(next))
}

/// Whether a command takes a backup into a repository of its own (`restic backup`).
#[must_use]
pub fn keeps(command: &Command) -> bool {
    let verb = |verb: &str| verb.is_empty() || command.args().iter().any(|word| word == verb);
    KEEPERS.iter().any(|(program, name)| *program == command.program() && verb(name))
}

/// Every dump of a program, those of traps and uncalled functions left out.
pub fn dumps(flow: &Flow) -> impl Iterator<Item = &Command> {
    flow.commands.iter().filter(|command| !flow.is_aside(command) && is_dump(flow, command))
}

/// The commands that what `command` prints runs through, in its own and in outer pipelines.
#[must_use]
pub fn downstream<'a>(flow: &'a Flow, command: &Command) -> Vec<&'a Command> {
    let mut found: Vec<&Command> = Vec::new();
    let mut outer: Vec<(u32, usize, usize)> = Vec::new();
    for (_, region) in flow.around(command.region) {
        match region.kind {
            RegionKind::Pipe { pipeline, position, length } if position + 1 < length => {
                outer.push((pipeline, position, length));
            }
            RegionKind::Substitution | RegionKind::Trap(_) => break,
            _ => {}
        }
    }
    for (pipeline, position, length) in outer.into_iter().take(8) {
        found.extend(flow.parts(pipeline, position + 1..length));
    }
    found
}

/// The commands before `command` in its own and in outer pipelines: what it may read.
#[must_use]
pub fn upstream<'a>(flow: &'a Flow, command: &Command) -> Vec<&'a Command> {
    let mut found = Vec::new();
    for (_, region) in flow.around(command.region) {
        match region.kind {
            RegionKind::Pipe { pipeline, position, .. } if position > 0 && found.len() < 64 => {
                found.extend(flow.parts(pipeline, 0..position));
            }
            RegionKind::Substitution | RegionKind::Trap(_) => break,
            _ => {}
        }
    }
    found
}

/// Whether a command is a client that runs the SQL it reads.
#[must_use]
pub fn is_client(command: &Command) -> bool {
    matches!(command.program(), "psql" | "mysql" | "mariadb" | "pg_restore" | "mongorestore")
}

/// The value of an option: `--file=x`, `--file x`, `-f x`, `-fx` (short ones are two bytes long).
#[must_use]
pub fn option<'a>(command: &'a Command, names: &[&str]) -> Option<&'a str> {
    let args = command.args();
    args.iter().enumerate().find_map(|(index, word)| {
        names.iter().find_map(|name| {
            let rest = word.strip_prefix(name)?;
            if rest.is_empty() {
                return args.get(index + 1).map(String::as_str);
            }
            if name.starts_with("--") { rest.strip_prefix('=') } else { Some(rest) }
        })
    })
}

/// A file that holds a backup.
#[derive(Clone, Copy, Debug)]
pub struct Artifact<'a> {
    /// Its path, as far as it is known (`${ROOT:-/srv}/db_$(date +%F).sql`).
    pub path: &'a str,
    /// The command that writes it.
    pub by: &'a Command,
    /// It is written inside a container.
    pub inside: bool,
}

/// The files that a dump is written to: by its own option, behind a pipe, and copied out of the
/// container that it was written in.
#[must_use]
pub fn artifacts<'a>(flow: &'a Flow, dump: &'a Command) -> Vec<Artifact<'a>> {
    let inside = in_container(flow, dump);
    let mut found = Vec::new();
    if let Some(path) = own_target(dump) {
        found.push(Artifact { path, by: dump, inside });
        let taken = flow.after(dump).iter().filter(|later| {
            inside && matches!(later.program(), "cat" | "tar") && in_container(flow, later)
        });
        let taken = taken.filter(|later| later.args().iter().any(|word| word.contains(path)));
        for later in taken {
            if let Output::File(file) = flow.output(later) {
                found.push(Artifact { path: &file.target, by: later, inside: false });
            }
        }
        let copied = flow.after(dump).iter().filter(|_| inside).filter_map(|later| {
            let at = later.args().iter().position(|word| word.contains(&format!(":{path}")))?;
            let to = later.args().get(at + 1)?;
            let copies = matches!(later.program(), "docker" | "podman" | "kubectl")
                && later.args().iter().any(|word| word == "cp");
            copies.then_some(Artifact { path: to, by: later, inside: false })
        });
        found.extend(copied);
        return found;
    }
    let mut ends: Vec<&Command> = vec![dump];
    ends.extend(downstream(flow, dump));
    for command in ends {
        let outer = in_container(flow, command);
        if let Output::File(file) = flow.output(command) {
            // The redirection may be the host's, outside the container.
            let own = command.redirects.iter().any(|redirect| redirect.writes());
            found.push(Artifact { path: &file.target, by: command, inside: outer && own });
        } else if let Some(path) = piped_target(command) {
            found.push(Artifact { path, by: command, inside: outer });
        }
    }
    found.dedup_by(|a, b| a.path == b.path);
    found.retain(|artifact| !artifact.path.starts_with("/dev/"));
    found
}

/// Whether a command runs in a container or on another machine, so that its paths are there.
#[must_use]
pub fn in_container(flow: &Flow, command: &Command) -> bool {
    command.remote
        || flow.around(command.region).any(|(_, region)| {
            matches!(region.kind, RegionKind::Nested { host }
            if flow.commands.get(host).is_some_and(|host| {
                matches!(
                    host.program(),
                    "docker" | "podman" | "nerdctl" | "docker-compose" | "kubectl" | "ssh"
                )
            }))
        })
}

/// Where a dumper writes by its own option.
fn own_target(command: &Command) -> Option<&str> {
    let names: &[&str] = match command.program() {
        "pg_dump" | "pg_dumpall" => &["--file", "-f"],
        "pg_basebackup" => &["--pgdata", "-D"],
        "mysqldump" | "mariadb-dump" => &["--result-file", "-r"],
        "mongodump" => &["--archive", "--out", "-o"],
        "mariadb-backup" | "xtrabackup" => &["--target-dir"],
        "redis-cli" => &["--rdb"],
        "sqlite3" => {
            let backup = command.args().iter().find_map(|word| word.strip_prefix(".backup"));
            return backup.map(|path| path.trim().trim_matches(['\'', '"']));
        }
        _ => return None,
    };
    option(command, names).filter(|path| *path != "-")
}

/// Where the end of a pipe writes by an option or argument.
fn piped_target(command: &Command) -> Option<&str> {
    match command.program() {
        "tee" | "sponge" => command.args().iter().find(|w| !w.starts_with('-')).map(String::as_str),
        "dd" => command.args().iter().find_map(|word| word.strip_prefix("of=")),
        "gpg" | "gpg2" | "age" => option(command, &["--output", "-o"]),
        "openssl" => option(command, &["-out"]),
        "zstd" => option(command, &["-o"]),
        _ => None,
    }
}

/// A copy of files to somewhere else.
#[derive(Clone, Copy, Debug)]
pub struct Upload<'a> {
    /// Whence, as far as it is written.
    pub from: Option<&'a str>,
    /// Whither; `None` where the program's configuration says it.
    pub to: Option<&'a str>,
    /// Whether that is another machine or store; `None` where it cannot be told.
    pub remote: Option<bool>,
}

/// What a command copies to another place, if it is one of the programs made for it. Downloads are
/// none.
#[must_use]
pub fn upload(command: &Command) -> Option<Upload<'_>> {
    if !command.is_run() {
        return None;
    }
    let args = command.args();
    let program = command.program();
    if keeps(command) {
        let to = option(command, &["--repo", "-r"]);
        let remote = to.and_then(is_remote);
        return Some(Upload { from: None, to, remote });
    }
    let verb_at = |verbs: &[&str]| args.iter().position(|word| verbs.contains(&word.as_str()));
    let from_verb = match program {
        "aws" => {
            if verb_at(&["s3api"]).is_some() && verb_at(&["put-object"]).is_some() {
                return Some(Upload { from: None, to: None, remote: Some(true) });
            }
            verb_at(&["s3"])?;
            verb_at(&["cp", "sync", "mv"])? + 1
        }
        "rclone" => verb_at(&["copy", "copyto", "sync", "move", "moveto", "rcat"])? + 1,
        "gsutil" => verb_at(&["cp", "rsync", "mv"])? + 1,
        "gcloud" => {
            verb_at(&["storage"])?;
            verb_at(&["cp", "rsync", "mv"])? + 1
        }
        "s3cmd" => verb_at(&["put", "sync", "cp"])? + 1,
        "s5cmd" => verb_at(&["cp", "sync", "mv"])? + 1,
        "mc" | "mcli" => verb_at(&["cp", "mirror", "pipe", "put"])? + 1,
        "azcopy" => verb_at(&["copy", "sync", "cp"])? + 1,
        "b2" => verb_at(&["upload-file", "sync", "file"])? + 1,
        "scp" | "rsync" | "sftp" => 0,
        "az" => {
            verb_at(&["upload", "upload-batch"])?;
            return Some(Upload { from: None, to: None, remote: Some(true) });
        }
        "swift" => {
            verb_at(&["upload"])?;
            return Some(Upload { from: None, to: None, remote: Some(true) });
        }
        "wal-g" | "lftp" | "ncftpput" => {
            return Some(Upload { from: None, to: None, remote: Some(true) });
        }
        "curl" => {
            let from = option(command, &["--upload-file", "-T"])?;
            return Some(Upload { from: Some(from), to: None, remote: Some(true) });
        }
        _ => return None,
    };
    const VALUED: [&str; 26] = [
        "-e",
        "--rsh",
        "-i",
        "-P",
        "-o",
        "-F",
        "-J",
        "-l",
        "-c",
        "--exclude",
        "--include",
        "--filter",
        "--endpoint-url",
        "--profile",
        "--region",
        "--storage-class",
        "--sse",
        "--acl",
        "--config",
        "--bwlimit",
        "--transfers",
        "--log-file",
        "--password-file",
        "--port",
        "--timeout",
        "--exclude-from",
    ];
    let mut files = Vec::new();
    let mut rest = args.get(from_verb..)?.iter();
    while let Some(word) = rest.next() {
        if VALUED.contains(&word.as_str()) {
            rest.next();
        } else if !word.starts_with('-') || word == "-" {
            files.push(word.as_str());
        }
    }
    let (to, from) = files.split_last()?;
    let from = from.first().copied();
    if from.is_none() && !matches!(program, "rclone" | "mc" | "mcli" | "sftp") {
        return None;
    }
    // A store on one side only: what comes from it is a download.
    let down = from.is_some_and(|from| is_remote(from) == Some(true));
    if down && is_remote(to) != Some(true) {
        return None;
    }
    let remote = match program {
        "rsync" | "scp" | "sftp" | "rclone" => is_remote(to),
        _ => Some(true),
    };
    Some(Upload { from, to: Some(to), remote })
}

/// Whether a place is another machine or store: `host:path`, a scheme; `None` where it is not
/// written out.
#[must_use]
pub fn is_remote(place: &str) -> Option<bool> {
    let place = place.trim_matches('"');
    if place.contains("://") && !place.contains("#") {
        return Some(!place.starts_with("file://"));
    }
    // A scheme taken off leaves a path: `${target#rsync://}`.
    if place.starts_with("${") && place.contains("://}") && place.contains('#') {
        return Some(false);
    }
    let head = place.split('/').next().unwrap_or("");
    let bare = without_expansions(head);
    if bare.contains(':') {
        return Some(true);
    }
    if place.contains('$') || place.contains('`') {
        return None;
    }
    Some(false)
}

/// A text with `${…}` and `$(…)` taken out.
fn without_expansions(text: &str) -> String {
    let mut out = String::new();
    let mut depth = 0usize;
    let mut before = ' ';
    for c in text.chars() {
        match c {
            '{' | '(' if before == '$' || depth > 0 => depth += 1,
            '}' | ')' if depth > 0 => depth -= 1,
            _ if depth == 0 => out.push(c),
            _ => {}
        }
        before = c;
    }
    out
}

/// A text with each `${NAME:-default}` replaced by its default.
#[must_use]
pub fn with_defaults(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    for _ in 0..16 {
        let Some(start) = rest.find("${") else { break };
        let Some(len) = rest[start..].find('}') else { break };
        let inner = &rest[start + 2..start + len];
        out.push_str(&rest[..start]);
        match inner.split_once(":-").or_else(|| inner.split_once(":=")) {
            Some((_, default)) => out.push_str(default),
            None => out.push_str(&rest[start..=start + len]),
        }
        rest = &rest[start + len + 1..];
    }
    out.push_str(rest);
    out
}

/// Whether a command checks a backup: its sum, its archive, its list, that it is not empty.
#[must_use]
pub fn verifies(command: &Command) -> bool {
    let args = command.args();
    let has = |names: &[&str]| args.iter().any(|word| names.contains(&word.as_str()));
    let bundle = |letter: char| {
        args.iter()
            .any(|w| w.strip_prefix('-').is_some_and(|w| !w.starts_with('-') && w.contains(letter)))
    };
    match command.program() {
        "sha256sum" | "sha512sum" | "sha1sum" | "md5sum" | "b2sum" | "shasum" => {
            has(&["-c", "--check"])
        }
        "gzip" | "pigz" | "bzip2" | "xz" | "zstd" => has(&["--test"]) || bundle('t'),
        "tar" => args.first().is_some_and(|w| w.contains('t') && !w.starts_with("--")),
        "pg_restore" => has(&["--list", "-l"]),
        "pg_verifybackup" | "pg_checksums" => true,
        "restic" | "borg" | "kopia" => has(&["check", "verify"]),
        "[" | "test" | "[[" => has(&["-s"]),
        "stat" | "wc" | "du" => false,
        _ => false,
    }
}

/// Whether a command brings a dump back into a database: a client that reads one.
#[must_use]
pub fn loads(flow: &Flow, command: &Command) -> bool {
    let args = command.args();
    match command.program() {
        "pg_restore" => {
            let lists = args.iter().any(|word| matches!(word.as_str(), "--list" | "-l"));
            let to_file = option(command, &["--file", "-f"]).is_some();
            !lists && !to_file && command.is_run()
        }
        "mongorestore" => command.is_run(),
        "psql" | "mysql" | "mariadb" => load_source(flow, command).is_some(),
        "sqlite3" => args.iter().any(|word| word.starts_with(".restore")),
        _ => false,
    }
}

/// The place where a client reads a dump from: a pipe, a file.
fn load_source(flow: &Flow, command: &Command) -> Option<()> {
    let file = option(command, &["--file", "-f"]).filter(|_| command.program() == "psql");
    if let Some(file) = file {
        return is_dump_name(file).then_some(());
    }
    if let Some(read) = flow.redirects(command).find(|redirect| redirect.feeds()) {
        return (read.text.is_none() && is_dump_name(&read.target)).then_some(());
    }
    let readers = upstream(flow, command);
    let reads = readers.iter().any(|reader| {
        is_unpacker(reader)
            || DUMPERS.contains(&reader.program())
            || matches!(reader.program(), "cat" | "pv" | "aws" | "gsutil" | "rclone")
                && reader.args().iter().any(|word| is_dump_name(word))
    });
    reads.then_some(())
}

/// Whether a command prints what is in a compressed or encrypted file.
#[must_use]
pub fn is_unpacker(command: &Command) -> bool {
    let prints = command.args().iter().any(|word| {
        matches!(word.as_str(), "--stdout" | "--decompress" | "--decrypt")
            || word.strip_prefix('-').is_some_and(|word| {
                !word.starts_with('-') && (word.contains('c') || word.contains('d'))
            })
    });
    match command.program() {
        "zcat" | "bzcat" | "xzcat" | "zstdcat" | "gzcat" => true,
        "gzip" | "gunzip" | "pigz" | "unpigz" | "bunzip2" | "bzip2" | "xz" | "unxz" | "zstd"
        | "unzstd" | "lz4" | "gpg" | "age" => prints,
        "openssl" => command.args().iter().any(|word| word == "-d"),
        _ => false,
    }
}

/// Whether a name says that it is a dump.
fn is_dump_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["dump", "backup", "snapshot", ".sql.gz", ".pgc", ".bak"].iter().any(|w| lower.contains(w))
}

/// All that a client is told: its words and the here-documents it reads, with a place for each.
pub fn statements<'a>(
    flow: &'a Flow,
    command: &'a Command,
) -> impl Iterator<Item = (&'a str, Option<&'a Redirection>)> {
    let words = command.args().iter().map(|word| (word.as_str(), None));
    let texts = flow.redirects(command).filter_map(|r| Some((r.text.as_deref()?, Some(r))));
    words.chain(texts)
}

/// Whether a command removes old files: what keeps backups from filling a disk.
#[must_use]
pub fn prunes(flow: &Flow, command: &Command) -> bool {
    let args = command.args();
    let has = |names: &[&str]| args.iter().any(|word| names.contains(&word.as_str()));
    match command.program() {
        "find" => {
            let old = args.iter().any(|word| {
                ["-mtime", "-mmin", "-ctime", "-cmin", "-newer", "-older"]
                    .iter()
                    .any(|test| word.starts_with(test))
            });
            let removes = has(&["-delete"])
                || args.windows(2).any(|w| w[0].starts_with("-exec") && w[1].ends_with("rm"))
                || downstream(flow, command).iter().any(|next| next.program() == "rm");
            old && removes
        }
        "rm" => {
            let looked = upstream(flow, command);
            let chosen = looked.iter().any(|c| matches!(c.program(), "tail" | "head" | "awk"));
            chosen || command.looped
        }
        "restic" | "rustic" => has(&["forget", "prune"]),
        "borg" => has(&["prune"]),
        "rclone" => has(&["--min-age"]) && has(&["delete"]),
        "pg_archivecleanup" | "logrotate" | "tmpwatch" | "tmpreaper" => true,
        "pgbackrest" => has(&["expire"]),
        "wal-g" => has(&["delete"]),
        "aws" => {
            has(&["rm", "put-bucket-lifecycle-configuration", "put-bucket-lifecycle"])
                && (!has(&["rm"]) || command.looped)
        }
        "kopia" => has(&["expire"]),
        _ => false,
    }
}

/// A database that a command drops.
#[derive(Clone, Copy, Debug)]
pub struct DropDatabase<'a> {
    /// Its name, as written.
    pub name: &'a str,
    /// Connections to it are closed by the statement itself.
    pub forced: bool,
    /// Where it is said, within a here-document.
    pub place: Option<plimsoll_source::Span>,
}

/// The database that a command drops: `dropdb`, `DROP DATABASE`.
#[must_use]
pub fn drops_database<'a>(flow: &'a Flow, command: &'a Command) -> Option<DropDatabase<'a>> {
    if command.program() == "dropdb" && command.is_run() {
        let forced = command.args().iter().any(|word| word == "--force" || word == "-f");
        let name = command.args().iter().rfind(|word| !word.starts_with('-'));
        return Some(DropDatabase { name: name.map_or("", String::as_str), forced, place: None });
    }
    if !matches!(command.program(), "psql" | "mysql" | "mariadb") {
        return None;
    }
    statements(flow, command).find_map(|(text, redirect)| {
        let lower = text.to_ascii_lowercase();
        let at = lower.find("drop database")?;
        let end = lower[at..].find(';').map_or(text.len(), |end| at + end);
        let statement = text.get(at + "drop database".len()..end).unwrap_or("");
        let lower = statement.to_ascii_lowercase();
        let mut words = statement.split_whitespace();
        let name =
            words.find(|word| !["if", "exists"].contains(&word.to_ascii_lowercase().as_str()));
        Some(DropDatabase {
            name: name.unwrap_or("").trim_matches(['"', '\\', '`', '\'']),
            forced: lower.contains("force"),
            place: redirect.map(|redirect| redirect.line(at)),
        })
    })
}
