//! `init`: the files with which a repository begins, written only where there are none.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::cli::InitArgs;
use crate::output;

/// The configuration, with every key explained and none but the edition set.
fn config() -> String {
    format!(
        "\
# How Plimsoll audits this directory and what is below it. A nested plimsoll.toml adds to it.
# Every key: docs/configuration.md; what is wrong here is shown with its place.

# Checks that came after this version only report, so that an update never breaks a build.
edition = \"{}\"

# What is not delivered from here, as in a .gitignore.
# exclude = [\"vendor/\", \"examples/\"]

# The severity at which `plimsoll audit` ends with 1: critical, high, medium, low or never.
# fail-on = \"high\"
# fail-on-unknown = \"critical\"
# min-coverage = 80
# min-score = 70

# Registries, and namespaces in them, whose images you trust; base images that you vouch for.
# registries = [\"registry.example/team\"]
# base-images = [\"registry.example/base/node\"]

# Checks that are not asked at all (`plimsoll checks` lists them), and other severities.
# disable = [\"packages/coverage-script\"]
# [severity]
# \"image/pinned-digest\" = \"low\"

# What you know of a service and the files do not say.
# [[service]]
# path = \"services/payment\"
# owner = \"@team/payment\"
# ports = [8080]

# A finding that you accept: it stays in the report, and fails no run until that day.
# Beside a line, write a comment instead: `# plimsoll: accept CHECK until 2027-01-31 -- reason`.
# [[accept]]
# check = \"image/pinned-digest\"
# service = \"payment\"
# reason = \"our mirror rewrites digests\"
# until = 2027-01-31
",
        env!("CARGO_PKG_VERSION")
    )
}

/// What a runner needs to install this program: nothing here knows where its repository is.
const INSTALL: &str = "\
  it builds Plimsoll from source: set the variables PLIMSOLL_REPOSITORY (the address to clone it
  from) and PLIMSOLL_REVISION (a full commit) in the settings of your repository
";

const WORKFLOW: &str = "\
# Fails a pull request only at what it makes worse.
name: plimsoll
on:
  pull_request:
permissions:
  contents: read
concurrency:
  group: plimsoll-${{ github.ref }}
  cancel-in-progress: true
jobs:
  audit:
    runs-on: ubuntu-24.04
    timeout-minutes: 20
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          fetch-depth: 0 # `--since` looks for where the branch began
          persist-credentials: false
      - name: Install plimsoll
        env:
          REPOSITORY: ${{ vars.PLIMSOLL_REPOSITORY }} # the address to clone it from
          REVISION: ${{ vars.PLIMSOLL_REVISION }} # a full commit: nothing moves under you
        run: cargo install --locked --git \"$REPOSITORY\" --rev \"$REVISION\" plimsoll
      # Annotates the lines, and writes a summary of the job.
      - run: plimsoll audit . --tracked-only --since \"origin/$GITHUB_BASE_REF\" --format github
";

const GITLAB: &str = "\
plimsoll:
  image: rust:1.95.0-alpine3.23@sha256:606fd313a0f49743ee2a7bd49a0914bab7deedb12791f3a846a34a4711db7ed2
  timeout: 20 minutes
  rules:
    - if: $CI_PIPELINE_SOURCE == \"merge_request_event\"
  variables:
    GIT_DEPTH: \"0\" # `--since` looks for where the branch began
  script:
    - cargo install --locked --git \"$PLIMSOLL_REPOSITORY\" --rev \"$PLIMSOLL_REVISION\" plimsoll
    - plimsoll audit . --tracked-only --since \"origin/$CI_MERGE_REQUEST_TARGET_BRANCH_NAME\" --output gitlab=gl-code-quality-report.json
  artifacts:
    when: always
    reports:
      codequality: gl-code-quality-report.json
";

const HOOK: &str = "\
repos:
  - repo: local
    hooks:
      - id: plimsoll
        name: plimsoll
        entry: plimsoll audit . --tracked-only --since HEAD
        language: system
        pass_filenames: false
";

/// Writes what is not there yet, and says what to add by hand to what is.
pub(crate) fn run(args: &InitArgs) -> Result<u8, String> {
    let root = &args.path;
    if !root.is_dir() {
        return Err(format!("error: {}: not a directory", root.display()));
    }
    let mut out = String::new();
    create(root, plimsoll_audit::CONFIG_NAME, &config(), None, &mut out)?;
    if root.join(".gitlab-ci.yml").is_file() {
        out.push_str(&format!("add to .gitlab-ci.yml:\n\n{}\n{INSTALL}", indented(GITLAB)));
    } else if (root.join(".git").exists() || root.join(".github").is_dir())
        && create(root, ".github/workflows/plimsoll.yml", WORKFLOW, None, &mut out)?
    {
        out.push_str(INSTALL);
    }
    let entry = HOOK.strip_prefix("repos:\n");
    create(root, ".pre-commit-config.yaml", HOOK, entry, &mut out)?;
    out.push_str(
        "next: `plimsoll audit`; `plimsoll baseline` writes down what is to be mended later\n",
    );
    output::say(out.as_bytes())
}

/// Writes a file that is not there, and says whether it did; of one that is, what belongs in it.
fn create(
    root: &Path,
    name: &str,
    text: &str,
    add: Option<&str>,
    out: &mut String,
) -> Result<bool, String> {
    let path = root.join(name);
    let failed = |error: std::io::Error| format!("error: {}: {error}", path.display());
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(failed)?;
    }
    match OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes()).map_err(failed)?;
            out.push_str(&format!("wrote {name}\n"));
            return Ok(true);
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => match add {
            Some(text) => {
                let text = indented(text);
                out.push_str(&format!("{name} is there; add to its `repos`:\n\n{text}\n"));
            }
            None => out.push_str(&format!("{name} is there: left as it is\n")),
        },
        Err(error) => return Err(failed(error)),
    }
    Ok(false)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
