//! Docker Engine: the one that answers, or one that is started for the proof and goes with it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Scratch, installed, said};

/// How long an engine may take to start, and to stop.
const START: Duration = Duration::from_secs(30);

/// An engine, and the client that speaks with it.
pub(super) struct Engine {
    client: PathBuf,
    /// Where it listens, if it is ours.
    host: Option<String>,
    /// What it is, for the reader.
    pub(super) is: String,
    /// On every container and volume of this run.
    pub(super) label: String,
    /// Ours; the directory goes after the process.
    _own: Option<Own>,
}

/// A `dockerd` of this run.
struct Own {
    child: Child,
    _dir: Scratch,
}

impl Drop for Own {
    fn drop(&mut self) {
        // It takes its containers along when it is asked to end, not when it is killed.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let end = Instant::now() + START;
        while Instant::now() < end {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Engine {
    /// The engine that answers, else a new one where that can be; the inner error says why none.
    ///
    /// With a `network`, containers can reach others'.
    ///
    /// # Errors
    /// When its directory cannot be made.
    pub(super) fn find(network: bool) -> Result<Result<Self, String>, String> {
        // A client of 23 and newer builds by buildx, which has to be there too.
        let Some(client) = installed("docker").find(builds) else {
            return Ok(Err("there is no docker client that can build with BuildKit".to_owned()));
        };
        let label = format!("plimsoll.prove={}", std::process::id());
        let mut engine = Self { client, host: None, is: String::new(), label, _own: None };
        if let Ok(version) = engine.version() {
            engine.is = format!("Docker Engine {version}, which was there");
            return Ok(Ok(engine));
        }
        let Some(dockerd) = installed("dockerd").next() else {
            return Ok(Err("no Docker Engine answers, and there is no dockerd".to_owned()));
        };
        if said(Command::new("id").arg("-u"), 0)?.trim() != "0" {
            return Ok(Err("no Docker Engine answers, and only root can start one".to_owned()));
        }
        let dir = Scratch::new("engine")?;
        let at = |name: &str| dir.path().join(name);
        let host = format!("unix://{}", at("docker.sock").display());
        let log = std::fs::File::create(at("log")).map_err(|why| why.to_string())?;
        let logged = log.try_clone().map_err(|why| why.to_string())?;
        // Where nothing needs a network, the host's own is left as it is.
        let alone: &[&str] = &["--bridge=none", "--iptables=false", "--ip-masq=false"];
        let child = Command::new(dockerd)
            .args(if network { &[] } else { alone })
            .args(["--host", &host])
            .arg("--data-root")
            .arg(at("data"))
            .arg("--exec-root")
            .arg(at("exec"))
            .arg("--pidfile")
            .arg(at("pid"))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(logged)
            .spawn()
            .map_err(|why| format!("dockerd: {why}"))?;
        engine.host = Some(host);
        let log = at("log");
        engine._own = Some(Own { child, _dir: dir });
        let end = Instant::now() + START;
        while Instant::now() < end {
            if let Ok(version) = engine.version() {
                engine.is = format!("Docker Engine {version}, started for this");
                return Ok(Ok(engine));
            }
            if let Some(own) = &mut engine._own
                && !matches!(own.child.try_wait(), Ok(None))
            {
                break;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        let log = std::fs::read_to_string(log).unwrap_or_default();
        let last = log.lines().last().unwrap_or("it says nothing");
        Ok(Err(format!("no Docker Engine answers, and dockerd does not start: {last}")))
    }

    fn version(&self) -> Result<String, String> {
        let version = self.said(&["version", "--format", "{{.Server.Version}}"])?;
        match version.trim() {
            "" => Err("it names no version".to_owned()),
            version => Ok(version.to_owned()),
        }
    }

    /// The client, told where the engine is; builds are BuildKit's, which `COPY --chmod` needs.
    pub(super) fn docker(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.client);
        command.env("DOCKER_BUILDKIT", "1").args(arguments);
        if let Some(host) = &self.host {
            command.env("DOCKER_HOST", host);
        }
        command
    }

    /// What the client says, where it ends well.
    pub(super) fn said(&self, arguments: &[&str]) -> Result<String, String> {
        said(&mut self.docker(arguments), 0)
    }

    /// Takes away every container and volume of this run.
    pub(super) fn sweep(&self) {
        let filter = format!("label={}", self.label);
        for (list, remove) in [
            (&["ps", "--all", "--quiet", "--filter"][..], &["rm", "--force", "--volumes"][..]),
            (&["volume", "ls", "--quiet", "--filter"], &["volume", "rm", "--force"]),
        ] {
            let found = self.said(&[list, &[&filter]].concat()).unwrap_or_default();
            let found: Vec<&str> = found.split_whitespace().collect();
            if !found.is_empty()
                && let Err(why) = self.said(&[remove, &found].concat())
            {
                eprintln!("prove: {why}");
            }
        }
    }
}

/// Whether a client builds with BuildKit: before 23 by itself, then by its plugin.
fn builds(client: &PathBuf) -> bool {
    let version = Command::new(client).arg("--version").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let major = version.unwrap_or_default();
    let major = major.split_whitespace().nth(2).and_then(|v| v.split('.').next()?.parse().ok());
    match major {
        Some(18..23u32) => true,
        Some(_) => said(Command::new(client).args(["buildx", "version"]), 0).is_ok(),
        None => false,
    }
}
