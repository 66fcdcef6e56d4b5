//! What commands of scripts do with data: take it out, send it away, keep it, check it, bring it
//! back. Facts about one [`Command`] in its [`Flow`]; words are compared, nothing is run.

use std::borrow::Cow;

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
/// database reads, and not only its schema; or an archive or copy of a directory of data.
#[must_use]
pub fn is_dump(flow: &Flow, command: &Command) -> bool {
    const NO_DATA: [&str; 7] =
        ["--schema-only", "-s", "--version", "-V", "--help", "--globals-only", "--no-data"];
    if !command.is_run() || command.args().iter().any(|word| NO_DATA.contains(&word.as_str())) {
        return false;
    }
    if keeps(command) || archives_data(flow, command) || copies_database(command) {
        return true;
    }
    let dumps = match command.program() {
        "sqlite3" => command.args().iter().any(|w| w.starts_with(".backup") || w == ".dump"),
        "redis-cli" => command.args().iter().any(|word| {
            word == "--rdb" || matches!(word.to_ascii_lowercase().as_str(), "save" | "bgsave")
        }),
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

/// Words of the directories in which databases keep their data.
const DATABASE_DIRS: [&str; 9] = [
    "postgresql",
    "postgres",
    "pgdata",
    "mysql",
    "mariadb",
    "mongodb",
    "mongo",
    "influxdb",
    "clickhouse",
];
/// Words of other directories that hold what users made.
const DATA_DIRS: [&str; 5] = ["data", "uploads", "media", "storage", "volumes"];

/// Whether a path is a directory of data: not one of backups, nor of settings.
fn is_data_dir(path: &str, words: &[&str]) -> bool {
    const OTHERS: [&str; 8] =
        ["archive", "backup", "backups", "dump", "dumps", "etc", "tmp", "wal"];
    let path = with_defaults(path).to_ascii_lowercase();
    let mut parts = path.split(|c: char| !c.is_ascii_alphanumeric());
    path.starts_with(['/', '$', '~'])
        && parts.clone().any(|part| words.contains(&part))
        && !parts.any(|part| OTHERS.contains(&part))
}

/// The file that `tar` makes, and what it puts into it; `None` where it makes none.
fn tar(command: &Command) -> Option<(Option<&str>, Vec<&str>)> {
    if command.program() != "tar" {
        return None;
    }
    let (mut creates, mut file, mut paths, mut awaits) = (false, None, Vec::new(), false);
    for (at, word) in command.args().iter().enumerate() {
        let long = word.starts_with("--");
        if std::mem::take(&mut awaits) {
            file = Some(word.as_str());
        } else if let Some(path) = word.strip_prefix("--file=") {
            file = Some(path);
        } else if long {
            creates |= word == "--create";
            awaits = word == "--file";
        } else if let Some(bundle) = word.strip_prefix('-').or((at == 0).then_some(&**word)) {
            creates |= bundle.contains('c');
            awaits = bundle.contains('f');
        } else {
            paths.push(word.as_str());
        }
    }
    creates.then_some((file.filter(|file| *file != "-"), paths))
}

/// Whether a command makes an archive of a directory of data, or of a container's volume.
fn archives_data(flow: &Flow, command: &Command) -> bool {
    let Some((_, paths)) = tar(command) else { return false };
    let within = mounts(flow, command);
    let in_volume = |path: &str| {
        within.iter().any(|(source, target)| {
            !is_host_path(source) && (path == *target || path.starts_with(&format!("{target}/")))
        })
    };
    paths.iter().any(|path| {
        is_data_dir(path, &DATABASE_DIRS) || is_data_dir(path, &DATA_DIRS) || in_volume(path)
    })
}

/// Whether a command copies the directory in which a database keeps its data.
fn copies_database(command: &Command) -> bool {
    let args = command.args();
    // `docker cp db:/var/lib/postgresql/data out`.
    if let ("docker" | "podman", [verb, .., to]) = (command.program(), args) {
        let within = |word: &String| {
            let path = word.split_once(":/").map(|(_, path)| format!("/{path}"));
            path.is_some_and(|path| is_data_dir(&path, &DATABASE_DIRS))
        };
        return verb == "cp" && !to.contains(":/") && args.iter().any(within);
    }
    let copies = match command.program() {
        "cp" => args.iter().any(|word| {
            let short = word.starts_with('-') && !word.starts_with("--");
            short && word.contains(['a', 'r', 'R']) || word == "--recursive" || word == "--archive"
        }),
        "rsync" => true,
        _ => false,
    };
    let mut paths = args.iter().filter(|word| !word.starts_with('-')).rev();
    // Into a database's directory is a move, or the way back.
    let kept = paths.next().is_some_and(|to| !is_data_dir(to, &DATABASE_DIRS));
    copies && kept && paths.any(|path| is_data_dir(path, &DATABASE_DIRS))
}

/// Whether a dump copies the files of a database that runs: nothing stopped it, or took a snapshot,
/// before.
#[must_use]
pub fn is_live_copy(flow: &Flow, command: &Command) -> bool {
    const SNAPSHOTS: [&str; 5] = ["lvcreate", "zfs", "btrfs", "fsfreeze", "xfs_freeze"];
    let archived = tar(command)
        .is_some_and(|(_, paths)| paths.iter().any(|path| is_data_dir(path, &DATABASE_DIRS)));
    let stops = |earlier: &Command| {
        let verbs = ["stop", "down", "pause", "kill", "scale"];
        let verb = earlier.args().iter().any(|word| verbs.contains(&word.as_str()));
        let tool = matches!(
            earlier.program(),
            "docker" | "docker-compose" | "podman" | "systemctl" | "service" | "kubectl" | "pg_ctl"
        );
        let said = statements(flow, earlier).any(|(text, _)| {
            let lower = text.to_ascii_lowercase();
            ["pg_backup_start", "pg_start_backup", "with read lock", "fsynclock"]
                .iter()
                .any(|word| lower.contains(word))
        });
        verb && (tool || earlier.words.first().is_some_and(|word| word.starts_with('$')))
            || SNAPSHOTS.contains(&earlier.program())
            || said
    };
    (archived || copies_database(command)) && !flow.before(command).any(stops)
}

/// What is mounted into the container that a command runs in, by its `docker run`: source, target.
fn mounts<'a>(flow: &'a Flow, command: &Command) -> Vec<(&'a str, &'a str)> {
    let hosts = flow.around(command.region).filter_map(|(_, region)| match region.kind {
        RegionKind::Nested { host } => flow.commands.get(host),
        _ => None,
    });
    let words = hosts.map(|host| host.words.as_slice()).filter(|words| {
        matches!(words, [first, ..] if first.ends_with("docker") || first.ends_with("podman"))
    });
    let values = words.flat_map(|words| {
        words.iter().enumerate().filter_map(|(at, word)| match word.as_str() {
            "-v" | "--volume" => words.get(at + 1).map(String::as_str),
            word => word.strip_prefix("--volume="),
        })
    });
    values
        .filter_map(|value| {
            let at = value.find(":/")?;
            let target = value.get(at + 1..)?;
            Some((value.get(..at)?, target.split(':').next()?.trim_end_matches('/')))
        })
        .collect()
}

/// Whether what is mounted is a path of the host, not a volume by its name.
fn is_host_path(source: &str) -> bool {
    // `${PROJECT}_data` and `$DATA_VOLUME` name a volume.
    let joined = source.contains('}') && !source.ends_with('}');
    let volume = joined || source.to_ascii_lowercase().contains("vol");
    source.starts_with(['/', '.', '~'])
        || source.contains('/')
        || source.starts_with('$') && !volume
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
#[derive(Clone, Debug)]
pub struct Artifact<'a> {
    /// Its path, as far as it is known (`${ROOT:-/srv}/db_$(date +%F).sql`).
    pub path: Cow<'a, str>,
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
        // What is written into a mounted directory lies on the host.
        let mounted = mounts(flow, dump).into_iter().find_map(|(source, target)| {
            let rest = path.strip_prefix(target).filter(|rest| rest.starts_with('/'))?;
            is_host_path(source).then(|| format!("{source}{rest}"))
        });
        if let Some(path) = mounted {
            found.push(Artifact { path: path.into(), by: dump, inside: false });
            return found;
        }
        found.push(Artifact { path: path.into(), by: dump, inside });
        let taken = flow.after(dump).iter().filter(|later| {
            inside && matches!(later.program(), "cat" | "tar") && in_container(flow, later)
        });
        let taken = taken.filter(|later| later.args().iter().any(|word| word.contains(path)));
        for later in taken {
            if let Output::File(file) = flow.output(later) {
                let path = file.target.as_str().into();
                found.push(Artifact { path, by: later, inside: false });
            }
        }
        let copied = flow.after(dump).iter().filter(|_| inside).filter_map(|later| {
            let at = later.args().iter().position(|word| word.contains(&format!(":{path}")))?;
            let to = later.args().get(at + 1)?;
            let copies = matches!(later.program(), "docker" | "podman" | "kubectl")
                && later.args().iter().any(|word| word == "cp");
            copies.then(|| Artifact { path: to.as_str().into(), by: later, inside: false })
        });
        found.extend(copied);
        return found;
    }
    // What Redis saves lies where it keeps its data, until it is copied.
    if dump.program() == "redis-cli" {
        let copies = flow.after(dump).iter().filter(|later| {
            let mut from = later.args().iter().rev().skip(1);
            later.is_run() && flow.host(later).is_none() && from.any(|word| word.contains(".rdb"))
        });
        found.extend(copies.filter_map(|by| {
            Some(Artifact { path: by.args().last()?.as_str().into(), by, inside: false })
        }));
        return found;
    }
    let mut ends: Vec<&Command> = vec![dump];
    ends.extend(downstream(flow, dump));
    for command in ends {
        let outer = in_container(flow, command);
        if let Output::File(file) = flow.output(command) {
            // The redirection may be the host's, outside the container.
            let own = command.redirects.iter().any(|redirect| redirect.writes());
            let path = file.target.as_str().into();
            found.push(Artifact { path, by: command, inside: outer && own });
        } else if let Some(path) = piped_target(command) {
            found.push(Artifact { path: path.into(), by: command, inside: outer });
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
        "tar" => return tar(command)?.0,
        "cp" | "rsync" | "docker" | "podman" => return command.args().last().map(String::as_str),
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
pub fn upload<'a>(flow: &'a Flow, command: &'a Command) -> Option<Upload<'a>> {
    if !command.is_run() {
        return None;
    }
    let args = command.args();
    let program = command.program();
    if keeps(command) {
        let to = repository(flow, command);
        let remote = to.and_then(is_remote);
        return Some(Upload { from: None, to, remote });
    }
    let verb_at = |verbs: &[&str]| args.iter().position(|word| verbs.contains(&word.as_str()));
    // What only says what it would do.
    let tries = |word: &String| {
        let short = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
        matches!(word.as_str(), "--dry-run" | "--dryrun")
            || matches!(program, "rsync" | "rclone") && short.is_some_and(|s| s.contains('n'))
    };
    if args.iter().any(tries) {
        return None;
    }
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
        // What a dump runs into on another machine.
        "ssh" => {
            let fed = upstream(flow, command);
            fed.iter().find(|before| is_dump(flow, before))?;
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
    let endpoint = option(command, &["--endpoint-url", "--endpoint"]);
    let remote = match program {
        "rsync" | "scp" | "sftp" | "rclone" => is_remote(to),
        _ if endpoint.is_some_and(is_here) => Some(false),
        _ => Some(true),
    };
    Some(Upload { from, to: Some(to), remote })
}

/// Whether a command copies out of a backup that was mounted or unpacked before: a way back.
#[must_use]
pub fn comes_back(flow: &Flow, command: &Command) -> bool {
    let opens = |earlier: &Command| {
        let verbs = ["mount", "extract", "restore"];
        KEEPERS.iter().any(|(program, _)| *program == earlier.program())
            && earlier.args().iter().any(|word| verbs.contains(&word.as_str()))
    };
    let earlier = flow.commands.get(..command.at).unwrap_or_default();
    earlier.iter().filter(|earlier| opens(earlier)).any(|earlier| {
        let place = earlier.args().last().filter(|place| place.starts_with(['/', '.', '$']));
        place.is_some_and(|place| command.args().iter().any(|word| word.starts_with(&**place)))
    })
}

/// Where a tool that keeps backups itself keeps them: as it is told, else as the script set the
/// variable that it reads.
fn repository<'a>(flow: &'a Flow, command: &'a Command) -> Option<&'a str> {
    let names: &[&str] = match command.program() {
        "restic" | "rustic" => &["RESTIC_REPOSITORY", "RUSTIC_REPOSITORY"],
        "borg" => &["BORG_REPO"],
        "duplicity" => return command.args().last().map(String::as_str),
        _ => &[],
    };
    let told = match command.program() {
        "borg" => command.args().iter().find_map(|word| Some(word.split_once("::")?.0)),
        _ => option(command, &["--repo", "-r"]),
    };
    let given = command.env.iter().rev().find(|(name, _)| names.contains(&name.as_str()));
    let set = flow.sets.iter().rev().find(|s| names.contains(&&*s.name) && s.at <= command.at);
    told.filter(|told| !told.is_empty())
        .or(given.map(|(_, value)| value.as_str()))
        .or(set.map(|set| set.value.trim_matches(['"', '\''])))
}

/// Whether an address is that of the machine itself: `localhost:/mnt`, `http://127.0.0.1:9000`.
fn is_here(place: &str) -> bool {
    let host = place.trim_matches(['"', '\'']).rsplit("://").next().unwrap_or(place);
    let host = host.split_once('@').map_or(host, |(_, host)| host);
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|own| {
        host.strip_prefix(own).is_some_and(|rest| rest.starts_with([':', '/']) || rest.is_empty())
    })
}

/// Whether a place is another machine or store: `host:path`, a scheme; `None` where it is not
/// written out.
#[must_use]
pub fn is_remote(place: &str) -> Option<bool> {
    let place = place.trim_matches('"');
    // A default that is another machine stands for what is meant.
    let meant = with_defaults(place);
    if meant != place && is_remote(&meant) == Some(true) {
        return Some(true);
    }
    if is_here(place) {
        return Some(false);
    }
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

/// Whether a client runs the statements of a file: `mysql app < x.sql`, `psql -f x.sql`.
#[must_use]
pub fn runs_file(flow: &Flow, command: &Command) -> bool {
    let told = command.program() == "psql" && option(command, &["--file", "-f"]).is_some();
    let mut fed = flow.redirects(command).filter(|r| r.feeds() && r.text.is_none());
    is_client(command) && command.is_run() && (told || fed.next().is_some())
}

/// The place where a client reads a dump from: a pipe, a file.
fn load_source(flow: &Flow, command: &Command) -> Option<()> {
    // A script that is called a restore reads what it is given for one.
    const RESTORES: [&str; 5] = ["restore", "drill", "recover", "recovery", "pitr"];
    let restores = flow.name.iter().any(|word| RESTORES.contains(&word.as_str()));
    let is_dump = |name: &str| is_dump_name(name) || restores && name.contains('$');
    let file = option(command, &["--file", "-f"]).filter(|_| command.program() == "psql");
    if let Some(file) = file {
        return is_dump(file).then_some(());
    }
    if let Some(read) = flow.redirects(command).find(|redirect| redirect.feeds()) {
        let unpacked = read.target.starts_with("<(")
            && ["zcat", "gunzip", "gzip -", "xzcat", "zstdcat", "unzstd"]
                .iter()
                .any(|program| read.target.contains(program));
        return (read.text.is_none() && (is_dump(&read.target) || unpacked)).then_some(());
    }
    let readers = upstream(flow, command);
    let reads = readers.iter().any(|reader| {
        is_unpacker(reader)
            || DUMPERS.contains(&reader.program())
            || matches!(reader.program(), "cat" | "pv" | "aws" | "gsutil" | "rclone")
                && reader.args().iter().any(|word| is_dump(word))
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
    // Without a file they print what they read.
    let fed = command.redirects.iter().any(Redirection::feeds)
        || command.args().iter().all(|word| word.starts_with('-'));
    match command.program() {
        "zcat" | "bzcat" | "xzcat" | "zstdcat" | "gzcat" => true,
        "gunzip" | "unpigz" | "bunzip2" | "unxz" | "unzstd" if fed => true,
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
    // What `echo` and `cat <<SQL` hand to a client.
    let before = if is_client(command) { upstream(flow, command) } else { Vec::new() };
    let printed = before.into_iter().flat_map(|command| {
        let prints = matches!(command.program(), "echo" | "printf");
        let words = command.args().iter().filter(move |_| prints);
        let texts = command.redirects.iter().filter_map(|r| Some((r.text.as_deref()?, Some(r))));
        words.map(|word| (word.as_str(), None)).chain(texts)
    });
    words.chain(texts).chain(printed)
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
            let chooses = |c: &Command| {
                matches!(c.program(), "tail" | "head" | "awk" | "find" | "sort")
                    || c.program() == "ls" && c.args().iter().any(|word| word.contains('t'))
            };
            let compares = |guard: &Command| {
                let ops = ["-ot", "-nt", "-gt", "-ge", "-lt", "-le"];
                guard.words.iter().any(|word| ops.contains(&word.as_str()))
            };
            let earlier = flow.commands.get(..command.at).unwrap_or_default();
            upstream(flow, command).into_iter().any(chooses)
                || command.looped
                    && (earlier.iter().any(chooses) || flow.guards(command).any(compares))
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
