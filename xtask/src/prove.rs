//! `cargo xtask prove [--required] [--rust IMAGE]`: what only other programs can show.
//!
//! `fix --resolve` asks a real registry; and the image is built with Docker Engine, and run as strictly
//! as one can. What is not installed is said to be skipped; with `--required` an engine has to answer.
//! IMAGE stands for the builder's Rust image where no registry can be reached; it has to link statically.

mod registry;

use std::process::{Command, Output};

use crate::root;

/// The image that is built, and taken away in the end.
const IMAGE: &str = "plimsoll:prove";
/// As little as a container can have.
const STRICT: [&str; 8] = [
    "run",
    "--rm",
    "--network=none",
    "--read-only",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--memory=512m",
    "--pids-limit=64",
];

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    registry::run()?;
    engine(arguments)
}

/// Builds the image and runs it, where an engine answers.
fn engine(arguments: &[String]) -> Result<(), String> {
    let required = arguments.iter().any(|argument| argument == "--required");
    let rust = arguments.iter().position(|argument| argument == "--rust");
    let rust = rust.map(|at| arguments.get(at + 1).ok_or("--rust needs an image")).transpose()?;
    let version = docker(&["version", "--format", "{{.Server.Version}}"])
        .and_then(|output| said(&output, 0).map(|text| text.trim().to_owned()));
    let version = match version {
        Ok(version) if !version.is_empty() => version,
        Ok(_) => return skip(required, "it names no version"),
        Err(why) => return skip(required, &why),
    };
    println!("Docker Engine {version}");
    let proved = prove(rust.map(String::as_str));
    let removed = docker(&["image", "rm", "--force", IMAGE]).and_then(|output| said(&output, 0));
    proved?;
    removed?;
    println!("prove: all holds");
    Ok(())
}

fn skip(required: bool, why: &str) -> Result<(), String> {
    if required {
        return Err(format!("no Docker Engine answers: {why}"));
    }
    println!("prove: SKIPPED, nothing was built or run: no Docker Engine answers: {why}");
    Ok(())
}

/// Builds the image, looks at it and runs it.
fn prove(rust: Option<&str>) -> Result<(), String> {
    let root = root();
    let mut build = Command::new("docker");
    build.env("DOCKER_BUILDKIT", "1").args(["build", "--tag", IMAGE]);
    if let Some(rust) = rust {
        build.args(["--build-arg", &format!("RUST={rust}")]);
    }
    // The builder's own words go to the terminal.
    let built = build.arg(&root).status();
    if !built.map_err(|why| format!("docker: {why}"))?.success() {
        return Err("the image does not build".to_owned());
    }

    let user = said(&docker(&["image", "inspect", "--format", "{{.Config.User}}", IMAGE])?, 0)?;
    let numbers = user.trim().split(':').map(str::parse::<u32>);
    if !numbers.clone().all(|number| number.is_ok_and(|number| number > 0)) {
        return Err(format!("the image runs as {:?}, which is no plain number", user.trim()));
    }
    println!("runs as {}", user.trim());

    let version = said(&docker(&[&STRICT[..], &[IMAGE, "--version"]].concat())?, 0)?;
    println!("says {}", version.trim());

    // The example has findings: that is what 1 says.
    let mount = format!("{}:/work:ro", root.join("examples/ticketing").display());
    let audit = [&STRICT[..], &["--volume", &mount, IMAGE]].concat();
    let report = said(&docker(&audit)?, 1)?;
    if !report.contains("payment-service") {
        return Err(format!("the audit of the example says nothing of its services: {report}"));
    }
    println!("audits the example, with no network, no capability and nothing to write to");
    Ok(())
}

fn docker(arguments: &[&str]) -> Result<Output, String> {
    Command::new("docker").args(arguments).output().map_err(|why| format!("docker: {why}"))
}

/// What a command said, where it ended as it should.
fn said(output: &Output, code: i32) -> Result<String, String> {
    if output.status.code() == Some(code) {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let error = String::from_utf8_lossy(&output.stderr);
    let first = error.lines().find(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
    Err(format!("{first} ({})", output.status))
}
