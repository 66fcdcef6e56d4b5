//! `fix --resolve` against a real registry: Debian's `docker-registry`, on loopback, with an index and
//! an image that are pushed to it here.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::repository::binary;
use super::{Scratch, ended, installed, seen};
use crate::read;

/// Media types of the OCI image specification.
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Proves it; returns what is missing for that.
///
/// # Errors
/// What was expected and what was seen.
pub(super) fn prove() -> Result<Option<String>, String> {
    let missing = ["docker-registry", "curl", "sha256sum"];
    if let Some(program) = missing.into_iter().find(|name| installed(name).next().is_none()) {
        return Ok(Some(format!("no digest was asked for: {program} is not installed")));
    }
    let dir = Scratch::new("registry")?;
    std::fs::create_dir(dir.path().join("tree")).map_err(|why| why.to_string())?;
    in_dir(dir.path()).map(|()| None)
}

fn in_dir(dir: &Path) -> Result<(), String> {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let host = free.map_err(|why| why.to_string())?.to_string();
    let config = format!(
        "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  \
         addr: {host}\n",
        dir.join("storage").display()
    );
    std::fs::write(dir.join("config.yml"), &config).map_err(|why| why.to_string())?;
    let mut registry = Command::new("docker-registry");
    registry.arg("serve").arg(dir.join("config.yml")).stdout(Stdio::null()).stderr(Stdio::null());
    let mut registry = registry.spawn().map_err(|why| format!("docker-registry: {why}"))?;
    let proved = awaited(&mut registry, &host).and_then(|()| resolves(dir, &host));
    let _ = registry.kill();
    let _ = registry.wait();
    proved
}

/// Waits until it takes connections.
fn awaited(registry: &mut Child, host: &str) -> Result<(), String> {
    for _ in 0..100 {
        if TcpStream::connect(host).is_ok() {
            return Ok(());
        }
        if let Ok(Some(status)) = registry.try_wait() {
            return Err(format!("docker-registry ended: {status}"));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err("docker-registry does not answer".to_owned())
}

/// Pushes an image below an index, and pins a Dockerfile and a compose file to it.
fn resolves(dir: &Path, host: &str) -> Result<(), String> {
    let base = format!("http://{host}/v2/acme/app");
    let config = blob(
        &base,
        CONFIG,
        br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#,
    )?;
    let image =
        format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{config},"layers":[]}}"#);
    let digest = put(&base, &sha256(image.as_bytes())?, MANIFEST, image.as_bytes())?;
    let size = image.len();
    let index = format!(
        r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{{"mediaType":"{MANIFEST}","digest":"{digest}","size":{size},"platform":{{"architecture":"amd64","os":"linux"}}}}]}}"#
    );
    let digest = put(&base, "1.0", INDEX, index.as_bytes())?;

    let tree = dir.join("tree");
    let dockerfile = format!("FROM {host}/acme/app:1.0\nUSER 1000\nCMD [\"/app\"]\n");
    let compose = format!("services:\n  gone:\n    image: {host}/acme/app:2.0\n");
    let put = |name: &str, text: &str| {
        std::fs::write(tree.join(name), text).map_err(|why| format!("{name}: {why}"))
    };
    put("Dockerfile", &dockerfile)?;
    put("compose.yaml", &compose)?;
    let mut fix = Command::new(binary()?);
    fix.arg("fix").arg(&tree).args(["--review", "--resolve", "--only", "image/pinned-digest"]);
    let output = fix.output().map_err(|why| format!("plimsoll: {why}"))?;
    ended(&output, 0)?;
    let pinned = dockerfile.replace("app:1.0", &format!("app:1.0@{digest}"));
    if read(&tree.join("Dockerfile"))? != pinned || read(&tree.join("compose.yaml"))? != compose {
        return Err(format!("the tag was not pinned to {digest}, or one that is not there was"));
    }
    let notes = String::from_utf8_lossy(&output.stderr);
    if !notes.contains("app:2.0: its registry has no such tag") {
        return Err(format!("nothing is said of the tag that is not there: {notes}"));
    }
    seen(format!("asks docker-registry, and pins to the index that was pushed, {digest}"));
    Ok(())
}

/// Uploads a blob. Returns its descriptor.
fn blob(base: &str, media: &str, bytes: &[u8]) -> Result<String, String> {
    let digest = sha256(bytes)?;
    let headers =
        curl(&["--request", "POST", "--include", &format!("{base}/blobs/uploads/")], b"")?;
    let place = headers.lines().find_map(|line| line.strip_prefix("Location: "));
    let place = place.ok_or("docker-registry opens no upload")?.trim();
    let join = if place.contains('?') { '&' } else { '?' };
    let place = format!("{place}{join}digest={digest}");
    let kind = "Content-Type: application/octet-stream";
    curl(&["--request", "PUT", "--header", kind, "--data-binary", "@-", &place], bytes)?;
    let size = bytes.len();
    Ok(format!(r#"{{"mediaType":"{media}","digest":"{digest}","size":{size}}}"#))
}

/// Puts a manifest under a name. Returns its digest.
fn put(base: &str, name: &str, media: &str, bytes: &[u8]) -> Result<String, String> {
    let kind = format!("Content-Type: {media}");
    let place = format!("{base}/manifests/{name}");
    curl(&["--request", "PUT", "--header", &kind, "--data-binary", "@-", &place], bytes)?;
    sha256(bytes)
}

fn curl(arguments: &[&str], input: &[u8]) -> Result<String, String> {
    let mut command = Command::new("curl");
    command.args(["--disable", "--silent", "--show-error", "--fail", "--noproxy", "*"]);
    piped(command.args(arguments), input)
}

fn sha256(bytes: &[u8]) -> Result<String, String> {
    let sum = piped(&mut Command::new("sha256sum"), bytes)?;
    Ok(format!("sha256:{}", sum.split(' ').next().unwrap_or_default()))
}

fn piped(command: &mut Command, input: &[u8]) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let fails = |why: std::io::Error| format!("{name}: {why}");
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().map_err(fails)?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(input).map_err(fails)?;
    }
    ended(&child.wait_with_output().map_err(fails)?, 0)
}
