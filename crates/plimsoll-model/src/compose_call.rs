//! A call of `docker compose`, read from its words: one reader for scripts, steps and containers.

/// A call of `docker compose`, or of what stands for it (`docker-compose`, `podman compose`, a
/// variable `$COMPOSE` that nothing sets).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compose<'a> {
    /// The words between `compose` and the verb.
    pub options: &'a [String],
    /// `up`, `exec` …
    pub verb: &'a str,
    /// The words behind it.
    pub args: &'a [String],
}

/// Options with a value of their own that stand before the command of `docker` or `compose`: no letter
/// means a value to the one and a switch to the other.
pub(crate) const OPTIONS: &[&str] = &[
    "-H",
    "--host",
    "-c",
    "--context",
    "--config",
    "-l",
    "--log-level",
    "--builder",
    "-f",
    "--file",
    "-p",
    "--project-name",
    "--profile",
    "--env-file",
    "--project-directory",
    "--ansi",
    "--progress",
    "--parallel",
];
/// Options of its verbs with a value of their own.
const OF_VERBS: &[&str] = &[
    "--scale",
    "-t",
    "--timeout",
    "--wait-timeout",
    "--exit-code-from",
    "--pull",
    "--attach",
    "--no-attach",
    "--build-arg",
    "-e",
    "--env",
    "-u",
    "--user",
    "-w",
    "--workdir",
    "--entrypoint",
    "--name",
    "-l",
    "--label",
    "-p",
    "--publish",
    "-v",
    "--volume",
    "--index",
    "--cap-add",
    "--cap-drop",
    "-n",
    "--tail",
    "--since",
    "--until",
    "-s",
    "--signal",
    "--format",
    "--filter",
    "--status",
];
/// Of these the same letter is a switch: `logs -t`, `rm -v`, `rm -s`.
const SWITCHES: &[(&str, &[&str])] = &[
    ("logs", &["-t"]),
    ("rm", &["-v", "-s"]),
    ("exec", &["-t"]),
    ("run", &["-t"]),
    ("ps", &["-n"]),
];

impl<'a> Compose<'a> {
    /// The parts of a command, where it is such a call with a verb.
    #[must_use]
    pub fn of(words: &'a [String]) -> Option<Self> {
        let (program, rest) = words.split_first()?;
        let rest = match program.rsplit('/').next().unwrap_or(program) {
            "docker" | "podman" => {
                of_docker(words)?.split_first().filter(|(first, _)| *first == "compose")?.1
            }
            "docker-compose" | "podman-compose" => rest,
            // An array or a variable that nobody knows.
            name if name.starts_with('$') && name.to_ascii_lowercase().contains("compose") => rest,
            _ => return None,
        };
        let mut args = behind(rest);
        // `docker compose $FILES up`.
        if args.len() > 1 && args[0].starts_with('$') {
            args = &args[1..];
        }
        let (verb, behind) = args.split_first()?;
        Some(Self { options: &rest[..rest.len() - args.len()], verb, args: behind })
    }

    /// Whether it is about a project, whose files it looks for.
    #[must_use]
    pub fn has_project(&self) -> bool {
        !matches!(self.verb, "version" | "ls" | "help")
    }

    /// The values of `-f` and `--file`, in order.
    #[must_use]
    pub fn files(&self) -> Vec<&'a str> {
        self.values("--file", Some("-f"))
    }

    /// The values of `--env-file`, in order: the files of variables that take the place of `.env`.
    #[must_use]
    pub fn env_files(&self) -> Vec<&'a str> {
        self.values("--env-file", None)
    }

    /// The values of an option by its long and short names, in order.
    fn values(&self, long: &str, short: Option<&str>) -> Vec<&'a str> {
        let mut values = Vec::new();
        let mut words = self.options.iter();
        while let Some(word) = words.next() {
            if word == long || Some(word.as_str()) == short {
                values.extend(words.next().map(String::as_str));
                continue;
            }
            let glued = word.strip_prefix(long).and_then(|rest| rest.strip_prefix('='));
            let bare = || {
                let rest = word.strip_prefix(short?).filter(|rest| !rest.is_empty());
                rest.filter(|_| !word.starts_with("--"))
            };
            values.extend(glued.or_else(bare));
        }
        values
    }

    /// The services that it names, none being all of them; of `run` and `exec` the one whose command
    /// follows.
    #[must_use]
    pub fn services(&self) -> Vec<&'a str> {
        let one = matches!(self.verb, "run" | "exec");
        let switches = SWITCHES.iter().find(|(verb, _)| *verb == self.verb);
        let switches = switches.map_or(&[][..], |(_, switches)| switches);
        let mut names = Vec::new();
        let mut words = self.args.iter();
        while let Some(word) = words.next() {
            if !word.starts_with('-') {
                names.push(word.as_str());
                if one {
                    break;
                }
            } else if OF_VERBS.contains(&word.as_str()) && !switches.contains(&word.as_str()) {
                words.next();
            }
        }
        names
    }
}

/// The compose files that a command names together, whatever it does with them: with `-f` to
/// `docker compose`, a verb to follow or not (`"compose": "docker compose -f a.yml -f b.yml"`), or with
/// `-c` to `docker stack deploy`.
#[must_use]
pub fn files_named(words: &[String]) -> Vec<&str> {
    if let Some(call) = Compose::of(words) {
        return call.files();
    }
    let Some((program, rest)) = words.split_first() else { return Vec::new() };
    let options = match program.rsplit('/').next().unwrap_or(program) {
        "docker-compose" | "podman-compose" => rest,
        _ => match of_docker(words) {
            Some([first, options @ ..]) if first == "compose" => options,
            Some([stack, deploy, args @ ..]) if stack == "stack" && deploy == "deploy" => {
                return of_stack(args);
            }
            _ => return Vec::new(),
        },
    };
    Compose { options, verb: "", args: &[] }.files()
}

/// The values of `-c` and `--compose-file`.
fn of_stack(args: &[String]) -> Vec<&str> {
    let mut files = Vec::new();
    let mut words = args.iter();
    while let Some(word) = words.next() {
        files.extend(match word.as_str() {
            "-c" | "--compose-file" => words.next().map(String::as_str),
            word => word.strip_prefix("--compose-file="),
        });
    }
    files
}

/// The words from the command on that `docker` or `podman` is given, its own options left out.
#[must_use]
pub fn of_docker(words: &[String]) -> Option<&[String]> {
    let (program, rest) = words.split_first()?;
    let name = program.rsplit('/').next().unwrap_or(program);
    matches!(name, "docker" | "podman").then(|| behind(rest))
}

/// What follows the options that stand first.
fn behind(words: &[String]) -> &[String] {
    let mut at = 0;
    while let Some(word) = words.get(at).filter(|word| word.starts_with('-')) {
        at += if OPTIONS.contains(&word.as_str()) { 2 } else { 1 };
    }
    words.get(at..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Compose, files_named};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        let found = Compose::of(&words).map_or("none".to_owned(), |call| {
            format!("{:?} {} {:?}", call.files(), call.verb, call.services())
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn calls_are_taken_apart() {
        check("docker compose up -d", "[] up []");
        check(
            "/usr/bin/docker compose -f a.yml --file=b.yml up -d --scale w=2 api web",
            r#"["a.yml", "b.yml"] up ["api", "web"]"#,
        );
        check("docker -H ssh://host --tls compose up api", r#"[] up ["api"]"#);
        check(
            "docker-compose -fa.yml -p x exec -T -u root db psql -U app",
            r#"["a.yml"] exec ["db"]"#,
        );
        check("podman compose run --rm -e A=b api alembic upgrade", r#"[] run ["api"]"#);
        check("docker compose rm -s -v api", r#"[] rm ["api"]"#);
        check("docker compose logs -t --tail 5 api", r#"[] logs ["api"]"#);
        check("docker compose ps --format json api", r#"[] ps ["api"]"#);
        check("$COMPOSE up -d api", r#"[] up ["api"]"#);
        check("docker compose $FILES up api", r#"[] up ["api"]"#);
        for text in ["docker compose", "docker run compose up", "docker", "compose up", "$X up"] {
            check(text, "none");
        }
    }

    #[test]
    fn files_are_named_without_a_verb_and_to_swarm() {
        for (text, expected) in [
            ("docker compose -f a.yml --file b.yml", "a.yml b.yml"),
            ("docker-compose -f a.yml --env-file .env up", "a.yml"),
            ("docker stack deploy -c a.yml --compose-file=b.yml app", "a.yml b.yml"),
            ("docker stack ls", ""),
            ("docker build -f a.yml .", ""),
        ] {
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            assert_eq!(files_named(&words).join(" "), expected, "{text}");
        }
    }
}
