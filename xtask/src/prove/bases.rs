//! Base images that are made on this machine, from programs that are installed here or that apt has:
//! nothing comes from a registry.
//!
//! `node:20-alpine` and `node:22-alpine` are stood in for by one image. Real in it: Node and npm of this machine with the libraries that
//! they load, BusyBox (static) for the shell and its tools, dumb-init. Replaced: `apk add` puts in
//! place what lies ready, and `adduser` and `addgroup`, which Debian's BusyBox lacks, are scripts that
//! write `/etc/passwd` and `/etc/group` as Alpine's do (`nogroup` where no group is named).

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::engine::Engine;
use super::{Scratch, installed, said};

/// The image that the services build on.
pub(super) const NODE: &str = "node:20-alpine";
/// Its names.
const NAMES: [&str; 2] = [NODE, "node:22-alpine"];

/// What `apk` is there; a package is a program of its own name.
const APK: &str = r#"#!/bin/sh
set -eu
for word in "$@"; do
  case "$word" in
    add | --no-cache) ;;
    *) cp "/opt/packages/$word" "/usr/bin/$word" ;;
  esac
done
"#;

const ADDGROUP: &str = r#"#!/bin/sh
set -eu
gid=
while [ $# -gt 1 ]; do
  case "$1" in
    -g) gid=$2; shift 2 ;;
    *) shift ;;
  esac
done
echo "$1:x:${gid:?}:" >> /etc/group
"#;

const ADDUSER: &str = r#"#!/bin/sh
set -eu
group=nogroup name= uid=
while [ $# -gt 0 ]; do
  case "$1" in
    -u) uid=$2; shift 2 ;;
    -G) group=$2; shift 2 ;;
    -*) shift ;;
    *) name=$1; shift ;;
  esac
done
gid=$(awk -F: -v group="$group" '$1 == group { print $3 }' /etc/group)
echo "$name:x:${uid:?}:${gid:?no such group}::/home/$name:/bin/sh" >> /etc/passwd
"#;

const PASSWD: &str = "root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n";
const GROUP: &str = "root:x:0:\nnode:x:1000:\nnogroup:x:65533:\n";

/// The image, which gives way at the end to those that had its names before.
pub(super) struct Base<'a> {
    engine: &'a Engine,
    /// A name and the image that had it.
    names: Vec<(&'static str, Option<String>)>,
}

impl Drop for Base<'_> {
    fn drop(&mut self) {
        for (name, before) in &self.names {
            let done = match before {
                Some(id) => self.engine.said(&["tag", id, name]),
                None => self.engine.said(&["image", "rm", "--force", name]),
            };
            if let Err(why) = done {
                eprintln!("prove: {why}");
            }
        }
    }
}

/// Makes the image.
///
/// # Errors
/// What is not installed, or what the engine says.
pub(super) fn node(engine: &Engine) -> Result<Base<'_>, String> {
    let dir = Scratch::new("base")?;
    let root = dir.path().join("root");
    fill(&root, dir.path())?;
    let names = NAMES.map(|name| {
        let before = engine.said(&["image", "inspect", "--format", "{{.Id}}", name]).ok();
        (name, before.map(|id| id.trim().to_owned()))
    });
    let base = Base { engine, names: names.into() };
    let mut tar = Command::new("tar")
        .arg("--directory")
        .arg(&root)
        .args(["--owner=0", "--group=0", "--create", "."])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|why| format!("tar: {why}"))?;
    let path = "ENV PATH=/usr/local/bin:/usr/bin:/bin";
    let imported = engine
        .docker(&["import", "--change", path, "--change", "CMD [\"node\"]", "-", NODE])
        .stdin(tar.stdout.take().map_or_else(Stdio::null, Stdio::from))
        .output()
        .map_err(|why| why.to_string())?;
    let packed = tar.wait().map_err(|why| why.to_string())?;
    if !imported.status.success() || !packed.success() {
        return Err(String::from_utf8_lossy(&imported.stderr).into_owned());
    }
    for name in NAMES {
        engine.said(&["tag", NODE, name])?;
    }
    Ok(base)
}

/// Puts the image's files below `root`.
fn fill(root: &Path, scratch: &Path) -> Result<(), String> {
    let io = |why: std::io::Error| why.to_string();
    for dir in ["usr/bin", "usr/lib/node_modules", "usr/lib64", "etc", "home/node", "opt/packages"]
    {
        std::fs::create_dir_all(root.join(dir)).map_err(io)?;
    }
    for dir in ["root", "proc", "sys", "dev", "tmp"] {
        std::fs::create_dir(root.join(dir)).map_err(io)?;
    }
    said(Command::new("chmod").arg("1777").arg(root.join("tmp")), 0)?;
    for dir in ["bin", "lib", "lib64"] {
        symlink(format!("usr/{dir}"), root.join(dir)).map_err(io)?;
    }
    let busybox = program("busybox", "busybox-static", scratch)?;
    std::fs::copy(&busybox, root.join("usr/bin/busybox")).map_err(io)?;
    for applet in said(Command::new(&busybox).arg("--list"), 0)?.lines() {
        if applet != "busybox" {
            symlink("busybox", root.join("usr/bin").join(applet)).map_err(io)?;
        }
    }
    let node = installed("node").next().ok_or("Node is not installed: `apt-get install nodejs`")?;
    // A version manager's stand-in is a script: the program knows where it is.
    let node = said(Command::new(node).args(["--print", "process.execPath"]), 0)?;
    let node = Path::new(node.trim());
    std::fs::copy(node, root.join("usr/bin/node")).map_err(io)?;
    libraries(node, root)?;
    let npm = installed("npm").find_map(|npm| {
        // …/npm/bin/npm-cli.js
        let whole = std::fs::canonicalize(npm).ok()?.parent()?.parent()?.to_owned();
        whole.join("bin/npm-cli.js").is_file().then_some(whole)
    });
    let npm = npm.ok_or("npm is not installed beside Node")?;
    let modules = root.join("usr/lib/node_modules");
    said(Command::new("cp").args(["--recursive", "--dereference"]).arg(npm).arg(&modules), 0)?;
    symlink("../lib/node_modules/npm/bin/npm-cli.js", root.join("usr/bin/npm")).map_err(io)?;
    let init = program("dumb-init", "dumb-init", scratch)?;
    std::fs::copy(&init, root.join("opt/packages/dumb-init")).map_err(io)?;
    libraries(&init, root)?;
    for (path, text) in [
        ("usr/bin/apk", APK),
        ("usr/bin/addgroup", ADDGROUP),
        ("usr/bin/adduser", ADDUSER),
        ("etc/passwd", PASSWD),
        ("etc/group", GROUP),
    ] {
        let path = root.join(path);
        // BusyBox may have a link of that name.
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, text).map_err(io)?;
    }
    let scripts = ["apk", "addgroup", "adduser"].map(|name| root.join("usr/bin").join(name));
    said(Command::new("chmod").arg("755").args(scripts), 0)?;
    Ok(())
}

/// A program as it is installed here, statically linked where it is the shell; else from Debian's
/// package, which is unpacked and not installed.
fn program(name: &str, package: &str, scratch: &Path) -> Result<PathBuf, String> {
    let fits = |file: &PathBuf| name != "busybox" || loaded(file).is_empty();
    if let Some(found) = installed(name).find(fits) {
        return Ok(found);
    }
    let dir = scratch.join(package);
    std::fs::create_dir(&dir).map_err(|why| why.to_string())?;
    let advice = |why| format!("{why}\n`apt-get install {package}` brings what is missing");
    said(Command::new("apt-get").args(["download", package]).current_dir(&dir), 0)
        .map_err(advice)?;
    let files = std::fs::read_dir(&dir).map_err(|why| why.to_string())?.flatten();
    let file = files.map(|entry| entry.path()).next().ok_or("apt-get has downloaded nothing")?;
    said(Command::new("dpkg").arg("--extract").arg(file).arg(&dir), 0)?;
    let places = ["usr/bin", "bin"].map(|bin| dir.join(bin).join(name));
    places.into_iter().find(|file| file.is_file()).ok_or(format!("{package} has no {name}"))
}

/// The libraries that a program loads, where it is dynamically linked.
fn loaded(program: &Path) -> Vec<PathBuf> {
    let said = said(Command::new("ldd").arg(program), 0).unwrap_or_default();
    let words = said.split_whitespace().filter(|word| word.starts_with('/'));
    words.map(PathBuf::from).collect()
}

fn libraries(program: &Path, root: &Path) -> Result<(), String> {
    for library in loaded(program) {
        // `/lib` is `/usr/lib`, in the image as on most machines.
        let path = library.strip_prefix("/").unwrap_or(&library);
        let path =
            if path.starts_with("usr") { path.to_owned() } else { Path::new("usr").join(path) };
        let to = root.join(path);
        let dir = to.parent().unwrap_or(root);
        std::fs::create_dir_all(dir).map_err(|why| why.to_string())?;
        std::fs::copy(&library, &to).map_err(|why| format!("{}: {why}", library.display()))?;
    }
    Ok(())
}
