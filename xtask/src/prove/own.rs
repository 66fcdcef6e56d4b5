//! Plimsoll's own image, built and run as strictly as one can. Its bases come from registries.

use super::engine::Engine;
use super::{said, seen};
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

/// Builds the image, looks at it and runs it; `rust` stands for its builder's base.
pub(super) fn prove(engine: &Engine, rust: Option<&str>) -> Result<(), String> {
    println!("== Plimsoll's own image");
    let proved = built_and_run(engine, rust);
    let removed = engine.said(&["image", "rm", "--force", IMAGE]);
    proved?;
    removed?;
    Ok(())
}

fn built_and_run(engine: &Engine, rust: Option<&str>) -> Result<(), String> {
    let root = root();
    let mut build = engine.docker(&["build", "--tag", IMAGE]);
    if let Some(rust) = rust {
        build.args(["--build-arg", &format!("RUST={rust}")]);
    }
    // The builder's own words go to the terminal.
    let built = build.arg(&root).status();
    if !built.map_err(|why| format!("docker: {why}"))?.success() {
        return Err("the image does not build".to_owned());
    }

    let user = engine.said(&["image", "inspect", "--format", "{{.Config.User}}", IMAGE])?;
    let numbers = user.trim().split(':').map(str::parse::<u32>);
    if !numbers.clone().all(|number| number.is_ok_and(|number| number > 0)) {
        return Err(format!("the image runs as {:?}, which is no plain number", user.trim()));
    }
    seen(format!("runs as {}", user.trim()));

    let version = engine.said(&[&STRICT[..], &[IMAGE, "--version"]].concat())?;
    seen(format!("says {}", version.trim()));

    // The example has findings: that is what 1 says.
    let mount = format!("{}:/work:ro", root.join("examples/ticketing").display());
    let audit = [&STRICT[..], &["--volume", &mount, IMAGE]].concat();
    let report = said(&mut engine.docker(&audit), 1)?;
    if !report.contains("payment-service") {
        return Err(format!("the audit of the example says nothing of its services: {report}"));
    }
    seen("audits the example, with no network, no capability and nothing to write to");
    Ok(())
}
