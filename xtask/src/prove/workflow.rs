//! What zizmor says of the workflow that `fix --review` writes for a service that has none.

use std::path::Path;
use std::process::Command;

use super::said;
use crate::root;

/// A service of Node's, small and whole.
const FILES: [(&str, &str); 5] = [
    ("Dockerfile", "FROM node:22-alpine\nUSER node\nCMD [\"node\", \"main.js\"]\n"),
    ("compose.yaml", "services:\n  api:\n    build: ./services/api\n"),
    (
        "package.json",
        "{\"name\":\"api\",\"version\":\"1.0.0\",\"private\":true,\"scripts\":{\"test\":\"node --test\"}}\n",
    ),
    (
        "package-lock.json",
        "{\"name\":\"api\",\"version\":\"1.0.0\",\"lockfileVersion\":3,\"packages\":{\"\":{\"name\":\"api\",\
         \"version\":\"1.0.0\"}}}\n",
    ),
    ("main.js", "console.log(1)\n"),
];

/// Proves it. Returns why it could not.
pub(super) fn prove() -> Result<Option<String>, String> {
    let Ok(version) = said(Command::new("zizmor").arg("--version"), 0) else {
        return Ok(Some("nobody else has read the workflow: zizmor is not installed".to_owned()));
    };
    let dir = std::env::temp_dir().join(format!("plimsoll-prove-workflow-{}", std::process::id()));
    let proved = in_dir(&dir);
    let _ = std::fs::remove_dir_all(&dir);
    proved?;
    println!("{} finds nothing in the workflow that is written", version.trim());
    Ok(None)
}

fn in_dir(dir: &Path) -> Result<(), String> {
    let service = dir.join("services/api");
    std::fs::create_dir_all(&service).map_err(|why| format!("{}: {why}", service.display()))?;
    for (name, text) in FILES {
        let at = if name == "compose.yaml" { dir } else { &service };
        std::fs::write(at.join(name), text).map_err(|why| format!("{name}: {why}"))?;
    }
    let mut fix = Command::new("cargo");
    fix.current_dir(root()).args(["run", "--quiet", "--package", "plimsoll", "--", "fix"]);
    fix.arg(dir).args(["--review", "--only", "pipeline/covers-service"]);
    said(&mut fix, 0)?;
    let made = dir.join(".github/workflows/api.yml");
    let mut zizmor = Command::new("zizmor");
    zizmor.args(["--offline", "--persona", "pedantic", "--format", "plain"]).arg(&made);
    let output = zizmor.output().map_err(|why| format!("zizmor: {why}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("zizmor finds: {}", String::from_utf8_lossy(&output.stdout))),
    }
}
