//! Single commands: what they do to files and users, and the prefixes that run other commands.

use super::packages::{self, Options};
use super::words::{Field, Output};
use super::{Call, Shell, Source, Walk, base_name, is_shell};
use crate::base::Family;
use crate::image::EffectKind;
use crate::lower::image::absolute;

/// Commands that change nothing in the image.
const SILENT: [&str; 28] = [
    ":", "true", "false", "test", "[", "exit", "return", "break", "continue", "wait", "trap",
    "umask", "ulimit", "pwd", "sleep", "type", "hash", "shopt", "which", "command", "sync", "let",
    "popd", "dirs", "whoami", "id", "…", "getent",
];

impl Walk<'_> {
    /// Runs a command whose words are expanded.
    pub(super) fn run(
        &mut self,
        source: &Source<'_>,
        fields: &[Field],
        call: &Call,
        input: Option<Output>,
    ) {
        if let Some(&body) = fields.first().and_then(|f| source.functions.get(&*f.string())) {
            self.function(source, body, fields.get(1..).unwrap_or_default(), call);
            return;
        }
        let fields = self.peeled(fields);
        let words: Vec<String> = fields.iter().map(Field::string).collect();
        let Some((name, args)) = words.split_first() else { return };
        let name = base_name(name);
        let arg_fields = fields.get(1..).unwrap_or_default();
        match name {
            "echo" => self.echo(source, arg_fields),
            "printf" => self.printf(source, arg_fields),
            "cat" => self.cat(args, input, call),
            "tee" => self.tee(args, input, call),
            "cd" | "pushd" => self.change_directory(args),
            "set" => self.options(args.iter().map(|word| &**word)),
            "export" | "readonly" | "local" | "declare" | "typeset" => self.declare(arg_fields),
            "unset" | "read" => {
                for name in args.iter().filter(|word| !word.starts_with('-')) {
                    self.variables.insert(name.clone(), None);
                }
            }
            "shift" => {
                let count = args.first().and_then(|n| n.parse().ok()).unwrap_or(1);
                self.args.drain(..self.args.len().min(count));
            }
            "eval" => {
                let mut output = Output::default();
                for field in arg_fields {
                    output.put(source.text, field);
                    output.computed(b" ", call.span);
                }
                let (text, _) = output.finish(call.span);
                self.evaluated(&text, source.shell, call);
            }
            "su" | "runuser" => self.other_user(source, &fields, call),
            _ if is_shell(name) => self.shell(source, &fields, input, call),
            _ if SILENT.contains(&name) => {}
            _ => self.effect(name, &words, call),
        }
    }

    /// Without what only says how to run the rest: `sudo -u app env A=b timeout 60 …`.
    fn peeled(&mut self, fields: &[Field]) -> Vec<Field> {
        let mut rest = fields;
        while let Some((first, more)) = rest.split_first() {
            let name = first.string();
            let name = base_name(&name);
            let next = more.first().map(Field::string).unwrap_or_default();
            let (valued, operands): (&[&str], usize) = match name {
                "sudo" | "doas" => {
                    (&["-u", "-g", "-h", "-p", "-C", "-r", "-t", "-T", "-U", "-D", "--user"], 0)
                }
                "env" => (&["-u", "-C", "--unset", "--chdir"], 0),
                "cross-env" | "time" | "nohup" | "builtin" | "eatmydata" | "setsid" => (&[], 0),
                "corepack" if matches!(&*next, "npm" | "yarn" | "pnpm") => (&[], 0),
                "command" if !matches!(&*next, "-v" | "-V") => (&[], 0),
                "exec" => (&["-a"], 0),
                "timeout" => (&["-s", "-k", "--signal", "--kill-after"], 1),
                "nice" => (&["-n"], 0),
                "ionice" => (&["-c", "-n"], 0),
                "stdbuf" => (&["-i", "-o", "-e"], 0),
                "gosu" | "su-exec" | "chpst" => (&["-u"], 1),
                "xargs" => (&["-n", "-P", "-I", "-L", "-a", "-d", "-E", "-s"], 0),
                _ => break,
            };
            let mut left = more;
            while let Some((word, after)) = left.split_first() {
                let text = word.string();
                if let Some((name, value)) = text.split_once('=')
                    && matches!(base_name(&first.string()), "sudo" | "env" | "cross-env" | "doas")
                    && !text.starts_with('-')
                {
                    if word.known {
                        self.environment.insert(name.to_owned(), value.to_owned());
                    }
                    left = after;
                } else if valued.contains(&&*text) {
                    left = after.get(1..).unwrap_or_default();
                } else if text.starts_with('-') && text.len() > 1 {
                    left = after;
                } else {
                    break;
                }
            }
            rest = left.get(operands..).unwrap_or_default();
        }
        rest.to_vec()
    }

    fn cat(&mut self, args: &[String], input: Option<Output>, call: &Call) {
        let from_input = args.iter().all(|word| word == "-" || word == "-u");
        let doubt = self.doubt;
        if let Some(output) = &mut self.output {
            match input {
                Some(input) if from_input => output.take(&input, call.span),
                _ => output.doubt(),
            }
            if doubt {
                output.doubt();
            }
        }
    }

    fn tee(&mut self, args: &[String], input: Option<Output>, call: &Call) {
        let options = Options::read(args, &[]);
        let input = input.unwrap_or_else(Output::unknown);
        let (text, dynamic) = input.clone().finish(call.span);
        for path in &options.operands {
            if !self.spend(text.text().len()) {
                return;
            }
            let path = self.path(path);
            if path.starts_with("/dev/") {
                continue;
            }
            let append = options.has(&["-a", "--append"]);
            self.emit(call, EffectKind::Write { path, text: text.clone(), append, dynamic });
        }
        if let Some(output) = &mut self.output {
            output.take(&input, call.span);
        }
    }

    fn change_directory(&mut self, args: &[String]) {
        let target = args.iter().find(|word| !word.starts_with('-') || word.len() == 1);
        self.workdir = match target.map(|word| &**word) {
            Some("-") => return,
            Some(path) => self.path(path),
            None => self.value("HOME").unwrap_or_else(|| "~".to_owned()),
        };
    }

    fn declare(&mut self, args: &[Field]) {
        for field in args {
            let text = field.string();
            if let Some((name, value)) = text.split_once('=') {
                self.assign(name, field.known.then(|| value.to_owned()));
            }
        }
    }

    /// `sh -c '…'`, and a program on a shell's standard input.
    fn shell(&mut self, source: &Source<'_>, fields: &[Field], input: Option<Output>, call: &Call) {
        let shell = match fields.first().map(Field::string) {
            Some(name) => Shell::named(&name, self.program.family),
            None => Shell::Unknown,
        };
        let mut options = Vec::new();
        let mut rest = fields.iter().skip(1);
        let mut inline = false;
        while let Some(field) = rest.next() {
            let word = field.string();
            if !word.starts_with(['-', '+']) || word.len() == 1 {
                if inline {
                    self.nested(&field.derived(source.text), shell, &options, call);
                } else {
                    let words = fields.iter().map(Field::string).collect();
                    self.emit(call, EffectKind::Other(words));
                }
                return;
            }
            if !word.starts_with("--") {
                inline |= word.contains('c');
                if word.ends_with('o') {
                    options.extend(rest.next().map(Field::string));
                }
            }
            options.push(word);
        }
        match input.map(|input| input.finish(call.span)) {
            Some((text, false)) => self.nested(&text, shell, &options, call),
            _ => {
                let words = fields.iter().map(Field::string).collect();
                self.emit(call, EffectKind::Other(words));
            }
        }
    }

    /// `su - app -c '…'`, `runuser -u app -- cmd …`.
    fn other_user(&mut self, source: &Source<'_>, fields: &[Field], call: &Call) {
        let at = |wanted: &str| fields.iter().position(|field| field.string() == wanted);
        if let Some(program) = at("-c").and_then(|at| fields.get(at + 1)) {
            let shell = Shell::named("sh", self.program.family);
            self.nested(&program.derived(source.text), shell, &[], call);
        } else if let Some(rest) = at("--").and_then(|at| fields.get(at + 1..)).filter(|r| {
            // Their first word is no other `runuser`: this ends.
            !r.is_empty() && r.len() < fields.len()
        }) {
            let rest = rest.to_vec();
            self.depth += 1;
            if self.depth < super::MAX_DEPTH {
                self.run(source, &rest, call, None);
            }
            self.depth -= 1;
        } else {
            let words = fields.iter().map(Field::string).collect();
            self.emit(call, EffectKind::Other(words));
        }
    }

    /// A command that is a program of the image.
    fn effect(&mut self, name: &str, words: &[String], call: &Call) {
        let args = words.get(1..).unwrap_or_default();
        if name == "bundle" && args.first().is_some_and(|word| word == "config") {
            self.bundle_config(args);
            return;
        }
        if let Some(act) = packages::read(words, &|name| self.setting(name), 0) {
            let dir = self.path(act.dir.as_deref().unwrap_or("."));
            for kind in act.kinds {
                self.emit_in(call, dir.clone(), kind);
            }
            self.unknown_output();
            return;
        }
        if self.users(name, args, call) || self.files(name, args, call) {
            return;
        }
        let fetches = match name {
            "curl" | "wget" | "aria2c" => true,
            "git" => args.iter().any(|word| word == "clone"),
            _ => false,
        };
        self.unknown_output();
        let words = words.to_vec();
        self.emit(call, if fetches { EffectKind::Fetch(words) } else { EffectKind::Other(words) });
    }

    fn unknown_output(&mut self) {
        if let Some(output) = &mut self.output {
            output.doubt();
        }
    }

    /// `bundle config set --local without 'development test'`: as if the variable were set.
    fn bundle_config(&mut self, args: &[String]) {
        let operands: Vec<&String> =
            args.iter().skip(1).filter(|word| !word.starts_with('-') && *word != "set").collect();
        if let [key, value, ..] = &*operands {
            let name = format!("BUNDLE_{}", key.to_uppercase());
            self.variables.insert(name, Some((*value).clone()));
        }
    }

    fn users(&mut self, name: &str, args: &[String], call: &Call) -> bool {
        let kind = match name {
            "adduser" if self.program.family == Some(Family::Rhel) => useradd(args),
            "adduser" => adduser(args, self.is_busybox()),
            "useradd" => useradd(args),
            "usermod" => usermod(args),
            "addgroup" => addgroup(args),
            "groupadd" | "groupmod" => groupadd(args),
            _ => None,
        };
        let found = kind.is_some();
        if let Some(kind) = kind {
            self.emit(call, kind);
        }
        found
    }

    fn files(&mut self, name: &str, args: &[String], call: &Call) -> bool {
        match name {
            "mkdir" => {
                let options = Options::read(args, &["-m", "--mode"]);
                let paths = self.paths(&options.operands);
                self.emit(call, EffectKind::MakeDir(paths.clone()));
                if let Some(mode) = options.value(&["-m", "--mode"]) {
                    let mode = mode.to_owned();
                    self.emit(call, EffectKind::Chmod { mode, paths, recursive: false });
                }
            }
            "rm" | "rmdir" | "unlink" => {
                let operands = Options::read(args, &[]).operands;
                // `xargs rm`: which ones is not known.
                if operands.is_empty() {
                    return false;
                }
                let paths = self.paths(&operands);
                for manager in paths.iter().flat_map(|path| packages::caches(path)) {
                    self.emit(call, EffectKind::CleanCache(manager));
                }
                self.emit(call, EffectKind::Remove(paths));
            }
            "touch" => {
                let valued = ["-d", "--date", "-t", "-r", "--reference"];
                for path in Options::read(args, &valued).operands {
                    let path = self.path(&path);
                    let (text, dynamic) = Output::default().finish(call.span);
                    self.emit(call, EffectKind::Write { path, text, append: true, dynamic });
                }
            }
            "cp" | "mv" | "ln" => self.place(name, args, call),
            "chmod" => {
                let (recursive, operands) = change(args);
                let Some((mode, paths)) = operands.split_first() else { return false };
                if self.strips && strips_both(mode) {
                    self.emit(call, EffectKind::StripSuid);
                    return true;
                }
                if paths.is_empty() {
                    return false;
                }
                let paths = self.paths(paths);
                self.emit(call, EffectKind::Chmod { mode: mode.clone(), paths, recursive });
            }
            "chown" | "chgrp" => {
                let (recursive, operands) = change(args);
                let Some((owner, paths)) = operands.split_first() else { return false };
                let owner = if name == "chgrp" { format!(":{owner}") } else { owner.clone() };
                if paths.is_empty() {
                    return false;
                }
                let paths = self.paths(paths);
                self.emit(call, EffectKind::Chown { owner, paths, recursive });
            }
            "install" => self.install(args, call),
            "find" => {
                if !finds_suid(args) {
                    return false;
                }
                let at = args.iter().position(|word| word == "-exec" || word == "-execdir");
                let chmod = at.and_then(|at| args.get(at + 1..at + 3));
                match chmod {
                    Some([program, mode]) if base_name(program) == "chmod" && strips_both(mode) => {
                        self.emit(call, EffectKind::StripSuid);
                    }
                    Some(_) => return false,
                    // What stands behind it in the pipeline gets their names.
                    None => self.strips = true,
                }
            }
            _ => return false,
        }
        true
    }

    fn place(&mut self, name: &str, args: &[String], call: &Call) {
        let options = Options::read(args, &["-t", "--target-directory", "-S", "--suffix"]);
        let mut sources = options.operands.clone();
        let dest = match options.value(&["-t", "--target-directory"]) {
            Some(dest) => dest.to_owned(),
            None if sources.len() > 1 => sources.pop().unwrap_or_default(),
            None => ".".to_owned(),
        };
        let dest = self.path(&dest);
        let sources = if name == "ln" && options.has(&["-s", "--symbolic"]) {
            // A link's text is read from where the link stands.
            let dir = dest.rsplit_once('/').map_or("/", |(dir, _)| dir).to_owned();
            sources.iter().map(|source| absolute(&dir, source)).collect()
        } else {
            self.paths(&sources)
        };
        self.emit(call, EffectKind::Place(sources, dest));
    }

    /// `install -d -o app -g app -m 755 dirs`, `install -m 755 files dest`.
    fn install(&mut self, args: &[String], call: &Call) {
        let valued =
            ["-o", "--owner", "-g", "--group", "-m", "--mode", "-t", "--target-directory", "-S"];
        let options = Options::read(args, &valued);
        let mut sources = options.operands.clone();
        let paths = if options.has(&["-d", "--directory"]) {
            let paths = self.paths(&sources);
            self.emit(call, EffectKind::MakeDir(paths.clone()));
            paths
        } else {
            let dest = match options.value(&["-t", "--target-directory"]) {
                Some(dest) => dest.to_owned(),
                None => sources.pop().unwrap_or_default(),
            };
            let dest = self.path(&dest);
            let sources = self.paths(&sources);
            self.emit(call, EffectKind::Place(sources, dest.clone()));
            vec![dest]
        };
        let owner = options.value(&["-o", "--owner"]).unwrap_or_default();
        let group = options.value(&["-g", "--group"]).map(|group| format!(":{group}"));
        let owner = format!("{owner}{}", group.unwrap_or_default());
        if !owner.is_empty() {
            let paths = paths.clone();
            self.emit(call, EffectKind::Chown { owner, paths, recursive: false });
        }
        if let Some(mode) = options.value(&["-m", "--mode"]) {
            let mode = mode.to_owned();
            self.emit(call, EffectKind::Chmod { mode, paths, recursive: false });
        }
    }
}

/// The operands of chmod and chown, and whether they go into directories. A mode may begin with
/// a dash: `-x`.
fn change(args: &[String]) -> (bool, Vec<String>) {
    let mut recursive = false;
    let mut operands = Vec::new();
    for word in args {
        match word.strip_prefix('-') {
            Some("-recursive") => recursive = true,
            Some(long) if long.starts_with('-') => {}
            Some(letters)
                if !letters.is_empty() && letters.chars().all(|c| "RvfchHLP".contains(c)) =>
            {
                recursive |= letters.contains('R');
            }
            _ => operands.push(word.clone()),
        }
    }
    (recursive, operands)
}

/// Whether a mode takes both SUID and SGID away: `a-s`, `ug-s`, `u-s,g-s`.
fn strips_both(mode: &str) -> bool {
    let takes = |who: char| {
        mode.split(',').any(|clause| {
            clause.split_once('-').is_some_and(|(whom, what)| {
                what.contains('s') && (whom.is_empty() || whom.contains(['a', who]))
            })
        })
    };
    takes('u') && takes('g')
}

/// Whether `find` looks over the whole file system for all SUID and all SGID files.
fn finds_suid(args: &[String]) -> bool {
    let whole = args.iter().take_while(|word| !word.starts_with(['-', '('])).any(|w| w == "/");
    let mut bits = (false, false);
    for pair in args.windows(2) {
        let [option, mode] = pair else { continue };
        if option != "-perm" {
            continue;
        }
        let any = mode.starts_with(['/', '+']);
        let mode = mode.trim_start_matches(['/', '+', '-']);
        if let Ok(number) = u32::from_str_radix(mode, 8) {
            let (user, group) = (number & 0o4000 != 0, number & 0o2000 != 0);
            // Without `/`, all bits of the mode have to be set.
            if any || user != group {
                bits = (bits.0 || user, bits.1 || group);
            }
        } else {
            for clause in mode.split(',') {
                let Some((whom, what)) = clause.split_once(['+', '=']) else { continue };
                if what.contains('s') {
                    let every = whom.is_empty() || whom.contains('a');
                    bits = (
                        bits.0 || every || whom.contains('u'),
                        bits.1 || every || whom.contains('g'),
                    );
                }
            }
        }
    }
    whole && bits.0 && bits.1
}

/// BusyBox's and Debian's `adduser`; what they share means the same in both.
fn adduser(args: &[String], busybox: bool) -> Option<EffectKind> {
    let valued = [
        "-h",
        "-g",
        "-s",
        "-G",
        "-k",
        "-u",
        "--home",
        "--gecos",
        "--comment",
        "--shell",
        "--ingroup",
        "--gid",
        "--uid",
        "--conf",
        "--firstuid",
        "--lastuid",
        "--skel",
    ];
    let options = Options::read(args, &valued);
    let [name] = &*options.operands else { return None };
    let system = options.has(&["-S", "--system"]);
    let own = options.has(&["--group"]);
    if own && !system && !busybox {
        let gid = options.value(&["--gid"]).map(str::to_owned);
        return Some(EffectKind::AddGroup { name: name.clone(), gid });
    }
    let uid = options.value(&["-u", "--uid"]).map(str::to_owned);
    let (group, group_is_default) = match options.value(&["-G", "--ingroup", "--gid"]) {
        Some(group) => (Some(group.to_owned()), false),
        // Debian's gives the group that it makes the user's number.
        None if own => (uid.clone(), false),
        None if system => (Some("nogroup".to_owned()), true),
        None => (None, true),
    };
    Some(EffectKind::AddUser { name: name.clone(), uid, group, group_is_default })
}

fn useradd(args: &[String]) -> Option<EffectKind> {
    let valued = [
        "-b",
        "--base-dir",
        "-c",
        "--comment",
        "-d",
        "--home-dir",
        "--home",
        "-e",
        "--expiredate",
        "-f",
        "--inactive",
        "-g",
        "--gid",
        "-G",
        "--groups",
        "-k",
        "--skel",
        "-K",
        "--key",
        "-p",
        "--password",
        "-R",
        "--root",
        "-P",
        "--prefix",
        "-s",
        "--shell",
        "-u",
        "--uid",
        "-Z",
    ];
    let options = Options::read(args, &valued);
    let [name] = &*options.operands else { return None };
    let uid = options.value(&["-u", "--uid"]).map(str::to_owned);
    let (group, group_is_default) = match options.value(&["-g", "--gid"]) {
        Some(group) => (Some(group.to_owned()), false),
        None if options.has(&["-N", "--no-user-group"]) => (Some("users".to_owned()), true),
        None => (None, true),
    };
    Some(EffectKind::AddUser { name: name.clone(), uid, group, group_is_default })
}

/// `usermod -u N name`: the user has that number from then on.
fn usermod(args: &[String]) -> Option<EffectKind> {
    let valued = [
        "-c",
        "--comment",
        "-d",
        "--home",
        "-e",
        "-f",
        "-g",
        "--gid",
        "-G",
        "--groups",
        "-l",
        "--login",
        "-p",
        "-s",
        "--shell",
        "-u",
        "--uid",
    ];
    let options = Options::read(args, &valued);
    let [name] = &*options.operands else { return None };
    let uid = options.value(&["-u", "--uid"]).map(str::to_owned);
    let group = options.value(&["-g", "--gid"]).map(str::to_owned);
    uid.as_ref()?;
    let group_is_default = group.is_none();
    Some(EffectKind::AddUser { name: name.clone(), uid, group, group_is_default })
}

fn addgroup(args: &[String]) -> Option<EffectKind> {
    let valued = ["-g", "--gid", "--conf", "--firstgid", "--lastgid"];
    let options = Options::read(args, &valued);
    let [name] = &*options.operands else { return None };
    let gid = options.value(&["-g", "--gid"]).map(str::to_owned);
    Some(EffectKind::AddGroup { name: name.clone(), gid })
}

fn groupadd(args: &[String]) -> Option<EffectKind> {
    let valued = ["-g", "--gid", "-K", "--key", "-p", "--password", "-R", "-P", "-U", "-n"];
    let options = Options::read(args, &valued);
    let [name] = &*options.operands else { return None };
    let gid = options.value(&["-g", "--gid"]).map(str::to_owned);
    Some(EffectKind::AddGroup { name: name.clone(), gid })
}
