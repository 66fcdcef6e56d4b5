//! Services that really start, as they were and as they are mended.
//!
//! `web` of `examples/booking` needs nothing but Node, and is run. The other examples are not meant to
//! be built: their lockfiles are abridged and their packages would have to come from outside. So
//! `xtask/fixtures/prove` has their faults in two services more: keys in the build context, a script
//! that migrates and goes on when that fails, a shell as process 1, no health check, root, nothing
//! limited. What is seen is real: the builder, npm with a linked package, the engine, signals, files.
//! The base image is made here (`bases.rs`), and Node in it is this machine's; networks are none, and
//! a client joins the service's own; a service is started without those that it depends on; the health
//! check is asked each second instead of each half minute.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use plimsoll_model::container::{Container, EnvValue, MountKind};
use plimsoll_source::OpenOptions;

use super::engine::Engine;
use super::repository::Repository;
use super::{Scratch, bases, said, seen};

/// The repository of two of them.
pub(super) const FIXTURE: &str = "xtask/fixtures/prove";

/// An example that starts, too.
const EXAMPLE: &str = "examples/booking";

/// A service.
struct Service {
    /// In its compose file.
    name: &'static str,
    dockerfile: &'static str,
    context: &'static str,
    port: u16,
    /// The directory of its data, and a file whose text makes its migration fail.
    data: Option<(&'static str, &'static str)>,
    /// It answers `/scratch`, for which it writes a file, and `/slow`.
    tried: bool,
}

/// Those of the fixture.
const SERVICES: [Service; 2] = [
    Service {
        name: "ledger",
        dockerfile: "services/ledger/Dockerfile",
        context: ".",
        port: 3005,
        data: Some(("/data", "ledger.json")),
        tried: true,
    },
    Service {
        name: "notices",
        dockerfile: "services/notices/Dockerfile",
        context: ".",
        port: 3006,
        data: None,
        tried: true,
    },
];

/// That of the example.
const WEB: Service = Service {
    name: "web",
    dockerfile: "web/Dockerfile",
    context: "web",
    port: 3000,
    data: None,
    tried: false,
};

/// How long a service may take to become healthy.
const HEALTHY: Duration = Duration::from_secs(30);
/// How long a start whose migration fails may take to end.
const ENDS: Duration = Duration::from_secs(10);
/// What `docker stop` waits where nothing is said.
const GRACE: u64 = 10;
/// Asks a route from beside the service and prints what it answers.
const CLIENT: &str = "require('http').get(process.argv[1], (r) => r.pipe(process.stdout))\
                      .on('error', (e) => { console.log(e.code); process.exit(1); })";

/// Mends, builds and runs the services.
///
/// # Errors
/// What was expected and what was seen.
pub(super) fn prove(engine: &Engine) -> Result<(), String> {
    let base = bases::node(engine)?;
    seen(format!(
        "{} is made here: {}",
        bases::NODE,
        engine.said(&["run", "--rm", "--network=none", bases::NODE, "node", "--version"])?.trim()
    ));
    let proved = fixture(engine).and_then(|()| example(engine));
    engine.sweep();
    for service in SERVICES.iter().chain([&WEB]) {
        for state in [State::Before, State::After] {
            let image = service.image(state);
            if engine.said(&["image", "inspect", &image]).is_ok() {
                engine.said(&["image", "rm", "--force", &image])?;
            }
        }
    }
    drop(base);
    proved
}

/// Before or after mending.
#[derive(Clone, Copy)]
enum State {
    Before,
    After,
}

impl Service {
    fn image(&self, state: State) -> String {
        let state = match state {
            State::Before => "before",
            State::After => "after",
        };
        format!("plimsoll-prove-{}:{state}", self.name)
    }
}

/// The services with every fault, before and after.
fn fixture(engine: &Engine) -> Result<(), String> {
    // A word that is in no program: found in an image, a key was found.
    let canary = format!("canary{}of{}", std::process::id(), "plimsoll");
    let wallet = format!("{{\"secretKey\": \"{canary}\"}}\n");
    let key = format!("-----BEGIN PRIVATE KEY-----\n{canary}\n-----END PRIVATE KEY-----\n");
    let keys = [
        ("services/ledger/devnet-wallet.json", &*wallet),
        ("services/ledger/server.key", &key),
        ("services/notices/server.key", &key),
    ];
    let repository = Repository::of(FIXTURE, &keys)?;

    println!("== as they were: what the proof looks for is there to be seen");
    for service in &SERVICES {
        built(engine, &repository, service, State::Before)?;
        expect(
            &format!("{}: the key is in the image", service.name),
            true,
            holds(engine, &service.image(State::Before), &canary)?,
        )?;
    }
    for service in &SERVICES {
        let image = service.image(State::Before);
        if let Some(data) = service.data {
            let code = failing(engine, &image, &[], data)?;
            expect(
                &format!("{}: it serves although its migration fails", service.name),
                None,
                code,
            )?;
        } else {
            let user =
                engine.said(&["image", "inspect", "--format", "{{.Config.User}}", &image])?;
            expect(&format!("{}: it runs as root", service.name), "", user.trim())?;
        }
    }

    println!("== {FIXTURE}, mended: {}", repository.mend()?);
    mended(engine, &repository, &SERVICES, Some(&canary))
}

/// The example's service, as it is mended.
fn example(engine: &Engine) -> Result<(), String> {
    let repository = Repository::of(EXAMPLE, &[])?;
    println!("== {EXAMPLE}, mended: {}", repository.mend()?);
    mended(engine, &repository, &[WEB], None)
}

/// Builds and runs mended services; `canary` is in keys beside them.
fn mended(
    engine: &Engine,
    repository: &Repository,
    services: &[Service],
    canary: Option<&str>,
) -> Result<(), String> {
    let tree = plimsoll_source::open(repository.path(), &OpenOptions::default());
    let delivery = plimsoll_model::lower(&tree.map_err(|why| why.to_string())?);
    for service in services {
        let of = |what: &str| format!("{}: {what}", service.name);
        let mut containers = delivery.containers.iter();
        let container = containers.find(|container| container.name == service.name);
        let container = container.ok_or_else(|| of("expected it in the compose file"))?;
        built(engine, repository, service, State::After)?;
        let image = service.image(State::After);
        if let Some(canary) = canary {
            expect(&of("the key is in no layer"), false, holds(engine, &image, canary)?)?;
        }
        let flags = flags(engine, container)?;
        seen(of(&format!("run as compose says: {}", flags.join(" "))));
        if let Some(data) = service.data {
            let code = failing(engine, &image, &flags, data)?;
            let ended = code.is_some_and(|code| code != 0);
            expect(&of("a failing migration ends the start with an error"), true, ended)?;
        }
        serves(engine, service, container, &image, &flags)?;
    }
    Ok(())
}

/// Prints what holds; an error says what was expected and what was seen.
fn expect<T: PartialEq + std::fmt::Debug>(what: &str, expected: T, found: T) -> Result<(), String> {
    if expected != found {
        return Err(format!("{what}: expected {expected:?}, seen {found:?}"));
    }
    seen(what);
    Ok(())
}

fn built(
    engine: &Engine,
    repository: &Repository,
    service: &Service,
    state: State,
) -> Result<(), String> {
    let dir = repository.path();
    let file = dir.join(service.dockerfile);
    let start = Instant::now();
    let mut build =
        engine.docker(&["build", "--network=none", "--tag", &service.image(state), "--file"]);
    said(build.arg(file).arg(dir.join(service.context)), 0)?;
    seen(format!(
        "{}: builds without a network, {:.1} s",
        service.name,
        start.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// Whether a word is in any file of any layer, or in the image's configuration.
fn holds(engine: &Engine, image: &str, word: &str) -> Result<bool, String> {
    let dir = Scratch::new("layers")?;
    let mut save = engine
        .docker(&["save", image])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|why| why.to_string())?;
    let unpacked = Command::new("tar")
        .args(["--extract", "--directory"])
        .arg(dir.path())
        .stdin(save.stdout.take().map_or_else(Stdio::null, Stdio::from))
        .status();
    let saved = save.wait().map_err(|why| why.to_string())?;
    if !saved.success() || !unpacked.map_err(|why| why.to_string())?.success() {
        return Err(format!("{image} cannot be saved and unpacked"));
    }
    // Layers are tar files, which newer engines compress.
    let script = r#"find "$1" -type f -exec sh -c 'word=$1; shift; for f; do
        if gzip -t "$f" 2>/dev/null; then gzip -dc "$f"; else cat "$f"; fi | grep -a -q -F -e "$word" && echo "$f"
    done; true' sh "$2" {} +"#;
    let found = said(Command::new("sh").args(["-c", script, "sh"]).arg(dir.path()).arg(word), 0)?;
    Ok(!found.trim().is_empty())
}

/// What compose would ask of the engine for this container, as `docker run` is told it.
fn flags(engine: &Engine, container: &Container) -> Result<Vec<String>, String> {
    if container.command.is_some() || container.entrypoint.is_some() {
        return Err(format!("{}: expected the image's own command", container.name));
    }
    let mut flags = Vec::new();
    let mut flag = |name: &str, value: &str| flags.push(format!("--{name}={value}"));
    if container.read_only.known() == Some(&true) {
        flag("read-only", "true");
    }
    if container.init.known() == Some(&true) {
        flag("init", "true");
    }
    for (name, value) in [
        ("user", container.user.known()),
        ("memory", container.memory_limit.known()),
        ("cpus", container.cpu_limit.known()),
        ("pids-limit", container.pids_limit.known()),
    ] {
        if let Some(value) = value {
            flag(name, value);
        }
    }
    for (capability, _) in &container.cap_drop {
        flag("cap-drop", capability);
    }
    for (capability, _) in &container.engine.cap_add {
        flag("cap-add", capability);
    }
    for (option, _) in &container.engine.security_opt {
        flag("security-opt", option);
    }
    for variable in &container.env {
        let value = match &variable.value {
            EnvValue::Literal(text) => text,
            other => return Err(format!("{}: expected a value, seen {other:?}", variable.name)),
        };
        flag("env", &format!("{}={value}", variable.name));
    }
    for mount in &container.mounts {
        match mount.kind {
            MountKind::Tmpfs => flag("tmpfs", &mount.target),
            MountKind::Volume => {
                let name = format!("plimsoll-prove-{}-{}", std::process::id(), mount.source);
                engine.said(&["volume", "create", "--label", &engine.label, &name])?;
                flag("volume", &format!("{name}:{}", mount.target));
            }
            other => return Err(format!("expected volumes and memory, seen {other:?}")),
        }
    }
    Ok(flags)
}

/// Starts a container on its own, with no network but itself.
fn start(engine: &Engine, name: &str, image: &str, flags: &[String]) -> Result<(), String> {
    let own =
        ["run", "--detach", "--network=none", "--health-interval=1s", "--label", &engine.label];
    let flags: Vec<&str> = flags.iter().map(|flag| &**flag).collect();
    engine.said(&[&own[..], &["--name", name], &flags, &[image]].concat())?;
    Ok(())
}

/// Starts it on data that its migration cannot read; its exit code, `None` where it serves.
fn failing(
    engine: &Engine,
    image: &str,
    flags: &[String],
    (dir, file): (&str, &str),
) -> Result<Option<i32>, String> {
    let name = format!("plimsoll-prove-failing-{}", std::process::id());
    let volume = format!("{name}-data");
    engine.said(&["volume", "create", "--label", &engine.label, &volume])?;
    let mount = format!("{volume}:{dir}");
    let spoil = format!("echo broken > {dir}/{file}; chmod 666 {dir}/{file}");
    engine.said(&[
        "run",
        "--rm",
        "--network=none",
        "--volume",
        &mount,
        bases::NODE,
        "sh",
        "-c",
        &spoil,
    ])?;
    // The broken data instead of the service's own.
    let own = |flag: &&String| !flag.starts_with("--volume=");
    let mut flags: Vec<String> = flags.iter().filter(own).cloned().collect();
    flags.push(format!("--volume={mount}"));
    start(engine, &name, image, &flags)?;
    let end = Instant::now() + ENDS;
    let code = loop {
        let state = engine.said(&[
            "inspect",
            "--format",
            "{{.State.Running}} {{.State.ExitCode}}",
            &name,
        ])?;
        if let Some(code) = state.trim().strip_prefix("false ") {
            break Some(code.parse().map_err(|_| format!("no exit code: {code}"))?);
        }
        if logs(engine, &name)?.contains("listening") {
            break None;
        }
        if Instant::now() > end {
            return Err(format!("expected an end or a server in {ENDS:?}, seen neither"));
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    engine.said(&["rm", "--force", "--volumes", &name])?;
    engine.said(&["volume", "rm", &volume])?;
    Ok(code)
}

fn logs(engine: &Engine, name: &str) -> Result<String, String> {
    let output = engine.docker(&["logs", name]).output().map_err(|why| why.to_string())?;
    Ok(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// Starts it, looks at it while it serves, and stops it with a request in flight.
fn serves(
    engine: &Engine,
    service: &Service,
    container: &Container,
    image: &str,
    flags: &[String],
) -> Result<(), String> {
    let name = &*format!("plimsoll-prove-{}-{}", std::process::id(), service.name);
    start(engine, name, image, flags)?;
    let took = healthy(engine, name).map_err(|why| format!("{}: {why}", service.name))?;
    seen(format!("{}: the image's health check turns healthy, {took:.1} s", service.name));
    confined(engine, service, name)?;
    let grace = container.stop_grace.known().copied().unwrap_or(GRACE);
    stops(engine, service, name, grace)?;
    engine.said(&["rm", "--force", "--volumes", name])?;
    Ok(())
}

/// Waits until the health check says so; how many seconds that took.
fn healthy(engine: &Engine, name: &str) -> Result<f64, String> {
    let began = Instant::now();
    let state = "{{if .State.Health}}{{.State.Health.Status}}{{end}} {{.State.Running}}";
    loop {
        let state = engine.said(&["inspect", "--format", state, name])?;
        match state.trim() {
            "healthy true" => return Ok(began.elapsed().as_secs_f64()),
            "starting true" if began.elapsed() < HEALTHY => {}
            other => {
                let says = logs(engine, name)?;
                return Err(format!("expected healthy in {HEALTHY:?}, seen {other:?}: {says}"));
            }
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// What its processes may do, and where it can write.
fn confined(engine: &Engine, service: &Service, name: &str) -> Result<(), String> {
    let of = |what: &str| format!("{}: {what}", service.name);
    let status = engine.said(&["exec", name, "sh", "-c", "cat /proc/[0-9]*/status"])?;
    // One for each process; of users the real, effective, saved and file system's.
    let values = |key: &str| -> Vec<&str> {
        status.lines().filter_map(|line| line.strip_prefix(key)).map(str::trim).collect()
    };
    let first = values("Name:").first().copied().unwrap_or_default();
    expect(&of(&format!("process 1 is {first}")), false, first.is_empty())?;
    let users = values("Uid:");
    let root = users.iter().filter(|ids| ids.split_whitespace().any(|id| id == "0")).count();
    expect(&of(&format!("none of {} processes is root's", users.len())), 0, root)?;
    let mighty = values("CapEff:").iter().filter(|set| set.contains(|digit| digit != '0')).count();
    expect(&of("none has a capability"), 0, mighty)?;
    let gaining = values("NoNewPrivs:").iter().filter(|one| **one != "1").count();
    expect(&of("none can gain privileges"), 0, gaining)?;

    // As root, so that nothing but the file system itself can refuse.
    let touch = engine.docker(&["exec", "--user=0", name, "touch", "/usr/probe"]).output();
    let refused = touch.map_err(|why| why.to_string())?.stderr;
    let refused = String::from_utf8_lossy(&refused).contains("Read-only file system");
    expect(&of("the root file system is read-only, for root too"), true, refused)?;
    if service.tried {
        let receipt = ask(engine, name, service.port, "scratch")?.wait()?;
        expect(&of("it can write its file all the same"), "a receipt", &*receipt)?;
    }
    Ok(())
}

/// Stops it, where it can be tried with a request in flight.
fn stops(engine: &Engine, service: &Service, name: &str, grace: u64) -> Result<(), String> {
    let of = |what: &str| format!("{}: {what}", service.name);
    let mut slow = None;
    if service.tried {
        slow = Some(ask(engine, name, service.port, "slow")?);
        let end = Instant::now() + HEALTHY;
        while !logs(engine, name)?.contains("slow request") {
            if Instant::now() > end {
                return Err(of("expected the slow request to arrive, seen none"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    let began = Instant::now();
    engine.said(&["stop", "--time", &grace.to_string(), name])?;
    let took = began.elapsed().as_secs_f64();
    if let Some(slow) = slow {
        let answer = slow.wait()?;
        expect(&of("a request that is in flight is answered"), "slow and answered", &*answer)?;
    }
    // A process that is killed ends with 137.
    let code = engine.said(&["inspect", "--format", "{{.State.ExitCode}}", name])?;
    let ends = of(&format!("SIGTERM ends it by itself, after {took:.1} of {grace} s"));
    expect(&ends, "0", code.trim())
}

/// A request under way.
struct Asked(std::process::Child);

impl Asked {
    fn wait(self) -> Result<String, String> {
        let output = self.0.wait_with_output().map_err(|why| why.to_string())?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// Asks a service from a container that shares its network and nothing else: the answer is read
/// whatever becomes of the service.
fn ask(engine: &Engine, name: &str, port: u16, route: &str) -> Result<Asked, String> {
    let network = format!("--network=container:{name}");
    let address = format!("http://127.0.0.1:{port}/{route}");
    let mut client = engine.docker(&[
        "run",
        "--rm",
        "--label",
        &engine.label,
        &network,
        bases::NODE,
        "node",
        "--eval",
        CLIENT,
        &address,
    ]);
    let child = client.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    child.map(Asked).map_err(|why| why.to_string())
}
