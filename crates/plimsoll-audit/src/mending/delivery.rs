//! A whole pipeline for a service that none covers: a workflow of GitHub's as a new file.

use std::fmt::Write as _;

use plimsoll_model::container::Container;
use plimsoll_model::image::Base;
use plimsoll_model::package::{LockKind, Package};
use plimsoll_model::pipeline::{Forge, RoleKind};
use plimsoll_source::{Create, FileId, Patch};

use super::{pins, snippet};
use crate::checks::pipeline::configs;
use crate::ci::{Ci, Whose, runs, shared};
use crate::{Cx, Finding, Fix, Safety, ServiceSubject, delivered};

/// A fix that writes the whole pipeline of a finding's service; `None` where a workflow does
/// something for it, or where what one would have to say is not known.
pub(crate) fn pipeline(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let (path, text) = workflow(cx, service)?;
    let bytes = text.clone().into_bytes();
    let create = vec![Create { path: path.clone(), bytes, executable: false }];
    let does = format!(
        "add `{path}`: tests, one build that is scanned and listed, then published and signed, \
         verified behind an environment; its minutes, registry and severity are starting points, \
         and how it is deployed is left to you"
    );
    Some(Fix {
        does: does.into(),
        safety: Safety::Review,
        snippet: snippet(&path, "yaml", text),
        patch: Some(Patch { create, ..Patch::default() }),
    })
}

/// An action at the commit that the table has for a tag of it.
fn use_of(action: &str, tag: &str) -> Option<String> {
    let (commit, version) = pins::action(action, tag)?;
    Some(format!("{action}@{commit} # {version}"))
}

/// A step that scans an image, and fails on what is severe.
pub(crate) fn scan_step(image: &str) -> Option<String> {
    let scan = use_of("anchore/scan-action", "v7")?;
    Some(format!(
        "- name: Scan the image\n  uses: {scan}\n  with:\n    image: {image}\n    fail-build: true\n    \
         severity-cutoff: high\n"
    ))
}

/// A step that lists what an image holds, and keeps the list as an artifact of the run.
pub(crate) fn list_step(image: &str) -> Option<String> {
    let list = use_of("anchore/sbom-action", "v0")?;
    Some(format!(
        "- name: List what the image holds\n  uses: {list}\n  with:\n    image: {image}\n    format: spdx-json\n"
    ))
}

/// Steps that sign the image that a step pushed, by its digest.
pub(crate) fn sign_steps(step: &str, image: &str) -> Option<String> {
    let cosign = use_of("sigstore/cosign-installer", "v3")?;
    Some(format!(
        "- uses: {cosign}\n- name: Sign the image by its digest\n  env:\n    IMAGE: {image}\n    DIGEST: \
         ${{{{ steps.{step}.outputs.digest }}}}\n  run: |\n    cosign sign --yes \"$IMAGE@$DIGEST\"\n"
    ))
}

/// Steps, as far right as those of a workflow that is written here.
fn indented(steps: &str) -> String {
    steps.lines().map(|line| format!("      {line}\n")).collect()
}

/// Whether a text may stand in YAML, in a path and as a word of the shell as it is.
fn is_plain(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._/-".contains(&b);
    text.bytes().all(plain) && !text.starts_with('-')
}

fn workflow(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Option<(String, String)> {
    let (name, dir) = (service.name.as_str(), service.dir.as_str());
    let path = format!(".github/workflows/{name}.yml");
    let lower = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let elsewhere = cx
        .delivery
        .pipelines
        .iter()
        .any(|pipeline| !matches!(pipeline.forge, Forge::GitHub | Forge::GitHubAction));
    if !lower
        || name.starts_with('-')
        || !is_plain(dir)
        || elsewhere
        || cx.delivery.tree.outside().is_some()
        || cx.delivery.tree.find(&path).is_some()
        || is_served(cx, service)
    {
        return None;
    }
    let [image] = service.images[..] else { return None };
    let image = &cx.delivery[image];
    let context = image.context.known().map(|c| if c.is_empty() { "." } else { &**c })?;
    let containers: Vec<&Container> =
        service.containers.iter().map(|&id| &cx.delivery[id]).collect();
    let builds = || containers.iter().filter_map(|container| container.build.as_ref());
    // What only its descriptor gives the build is not known here.
    if !is_plain(context)
        || !is_plain(&image.path)
        || builds().any(|build| !build.args.is_empty() || build.inline.is_some())
    {
        return None;
    }
    let target = builds().find_map(|build| build.target.as_ref()).map(|(target, _)| target);
    let target = match target {
        Some(target) if is_plain(target) => format!(" --target {target}"),
        Some(_) => return None,
        None => String::new(),
    };
    let package = service.package.map(|id| &cx.delivery[id]).filter(|package| package.is_node())?;
    let tests = tests(cx, service, package)?;
    let validates =
        if cx.delivery.pipelines.iter().any(runs) { String::new() } else { validates(cx)? };
    let mut paths = shared(cx, service);
    paths.extend((!dir.is_empty()).then(|| dir.to_owned()));
    paths.retain(|path| is_plain(path));
    let mut filter = String::new();
    if !dir.is_empty() {
        filter = "    paths:\n".to_owned();
        for path in paths.iter().map(|path| format!("{path}/**")).chain([path.clone()]) {
            let _ = writeln!(filter, "      - \"{path}\"");
        }
    }
    let text = TEMPLATE
        .replace("<scans>", &indented(&scan_step("<name>:${{ github.sha }}")?))
        .replace("<signs>", &indented(&sign_steps("push", "${{ steps.push.outputs.image }}")?))
        .replace("<name>", name)
        .replace("<paths>", &filter)
        .replace("<tests>", &tests)
        .replace("<validates>", &validates)
        .replace("<dockerfile>", &image.path)
        .replace("<target>", &target)
        .replace("<context>", context)
        .replace("<checkout>", &use_of("actions/checkout", "v5")?)
        .replace("<gitleaks>", &use_of("gitleaks/gitleaks-action", "v3")?)
        .replace("<sbom>", &use_of("anchore/sbom-action", "v0")?)
        .replace("<upload>", &use_of("actions/upload-artifact", "v7")?)
        .replace("<download>", &use_of("actions/download-artifact", "v8")?)
        .replace("<login>", &use_of("docker/login-action", "v4")?)
        .replace("<cosign>", &use_of("sigstore/cosign-installer", "v3")?)
        .replace("<node>", &use_of("actions/setup-node", "v6")?);
    Some((path, text))
}

/// Whether a workflow does anything for the service, or may.
fn is_served(cx: &Cx<'_>, service: ServiceSubject<'_>) -> bool {
    let ci = Ci::of(cx, service);
    let any = |kind| !matches!(kind, RoleKind::ScanSecrets | RoleKind::Lint | RoleKind::Validate);
    ci.unread().is_some() || ci.roles(any).iter().any(|ran| ran.whose != Whose::Others)
}

/// The steps that install and test a package of Node's.
fn tests(cx: &Cx<'_>, service: ServiceSubject<'_>, package: &Package) -> Option<String> {
    let dir = service.dir.as_str();
    let lock = package.lockfile.as_ref()?;
    let root = cx.path(lock.file).rsplit_once('/').map_or("", |(dir, _)| dir);
    let test = &package.script("test")?.command;
    if test.contains("no test specified") || test.contains("exit 1") || root != dir {
        return None;
    }
    let install = match lock.kind {
        LockKind::Npm => "npm ci",
        _ => return None,
    };
    // The version that it runs with, else the one that it asks for.
    let image = &cx.delivery[*service.images.first()?];
    let base = image.target.and_then(|target| image.root_base(target));
    let tag = base.and_then(|stage| match &stage.base {
        Base::External(reference) if reference.name() == "node" => reference.tag.clone(),
        _ => None,
    });
    let engine = package.engine.as_ref().map(|(text, _)| text.as_str());
    let digits = |text: &str| -> String {
        let start = text.trim_start_matches(['^', '>', '=', '~', 'v', ' ']);
        start.chars().take_while(char::is_ascii_digit).collect()
    };
    let version = [tag.as_deref(), engine].into_iter().flatten().map(digits);
    let version = version.into_iter().find(|version| !version.is_empty())?;
    let mut steps = format!(
        "      - uses: <node>\n        with:\n          node-version: \"{version}\"\n          \
         package-manager-cache: false # what is published is built from no cache\n"
    );
    let mut step = |run: &str, dir: &str| {
        let _ = writeln!(steps, "      - run: {run}");
        if !dir.is_empty() {
            let _ = writeln!(steps, "        working-directory: {dir}");
        }
    };
    // What it links to is installed and built before it.
    for other in shared(cx, service).into_iter().filter(|dir| is_plain(dir)) {
        let manifest = cx.delivery.tree.find(&format!("{other}/package.json"))?;
        let linked = cx.delivery.package_of(manifest)?;
        if linked.lockfile.as_ref().is_none_or(|lock| lock.kind != LockKind::Npm) {
            return None;
        }
        step("npm ci", &other);
        if linked.script("build").is_some() {
            step("npm run build", &other);
        }
    }
    step(install, dir);
    for script in ["lint", "typecheck", "test"] {
        if package.script(script).is_some() {
            step(&format!("npm run {script}"), dir);
        }
    }
    Some(steps)
}

/// The steps that validate what is deployed; `None` where one cannot be written: a proxy's
/// configuration needs the proxy, variables from files that are not here cannot be read there.
fn validates(cx: &Cx<'_>) -> Option<String> {
    let is_proxy = |name: &str| name.starts_with("Caddyfile") || name == "nginx.conf";
    let mut names =
        cx.delivery.tree.entries().map(|(_, e)| e.path.rsplit('/').next().unwrap_or(""));
    if names.any(is_proxy) {
        return None;
    }
    let projects = cx.delivery.projects.iter().filter(|p| p.purpose.is_production() && !p.in_part);
    let mut calls: Vec<Vec<FileId>> = projects.map(|project| project.files.clone()).collect();
    // What is laid over a project by hand is validated with it.
    for file in configs(cx) {
        if !calls.iter().flatten().any(|known| *known == file) {
            let laid = |c: &&Container| c.optional.iter().any(|overlay| overlay.file == file);
            let base = cx.delivery.containers.iter().find(laid)?.file;
            let own = calls.iter().find(|files| files.contains(&base))?.clone();
            calls.push(own.into_iter().chain([file]).collect());
        }
    }
    let mut steps = String::new();
    for files in calls {
        let files: Vec<&str> = files.iter().map(|&file| cx.path(file)).collect();
        if !files.iter().all(|path| is_plain(path)) {
            return None;
        }
        let files: String = files.iter().map(|path| format!(" --file {path}")).collect();
        let _ =
            writeln!(steps, "      - run: docker compose{files} config --quiet --no-interpolate");
    }
    let unread = |c: &Container| delivered::unread_variables(c).is_some();
    (!cx.delivery.containers.iter().any(unread)).then_some(steps)
}

/// What stands in angle brackets is put in.
const TEMPLATE: &str = r#"# What a change of <name> goes through: tests and a look for secrets; one build, which is scanned and
# listed; then, on the default branch, that same image is published, signed and approved.
# Starting points, to be looked at: the registry, the minutes, the severity that fails the scan, and
# who approves (Settings, Environments, production).
name: <name>

on:
  push:
    branches: [main, master]
<paths>  pull_request:
<paths>
permissions: {}

concurrency:
  group: <name>-${{ github.ref }}
  cancel-in-progress: ${{ github.event_name == 'pull_request' }}

jobs:
  test:
    name: Test <name>
    runs-on: ubuntu-24.04
    timeout-minutes: 20
    permissions:
      contents: read # to check out
      pull-requests: read # gitleaks asks which commits are proposed
    steps:
      - uses: <checkout>
        with:
          fetch-depth: 0 # secrets are looked for in every commit
          persist-credentials: false
      - uses: <gitleaks>
        env:
          GITHUB_TOKEN: ${{ github.token }}
          GITLEAKS_ENABLE_COMMENTS: "false"
          # An organisation needs its own, which is free; a person needs none.
          GITLEAKS_LICENSE: ${{ secrets.GITLEAKS_LICENSE }}
<validates><tests>
  image:
    name: Build and scan the image of <name>
    runs-on: ubuntu-24.04
    timeout-minutes: 30
    permissions:
      contents: read # to check out
    steps:
      - uses: <checkout>
        with:
          persist-credentials: false
      - name: Build the image, once
        run: docker build --file <dockerfile><target> --tag "<name>:$GITHUB_SHA" <context>
<scans>      - name: List what it holds
        uses: <sbom>
        with:
          image: <name>:${{ github.sha }}
          format: spdx-json
          output-file: sbom.spdx.json
          upload-artifact: false
      - name: Keep what was scanned
        run: docker save --output image.tar "<name>:$GITHUB_SHA"
      - uses: <upload>
        with:
          name: <name>
          path: |
            image.tar
            sbom.spdx.json
          if-no-files-found: error
          retention-days: 7

  publish:
    name: Publish and sign the image of <name>
    needs: [test, image]
    if: github.event_name == 'push'
    runs-on: ubuntu-24.04
    timeout-minutes: 15
    permissions:
      packages: write # to push the image
      id-token: write # to sign it without a key
    outputs:
      image: ${{ steps.push.outputs.image }}
      digest: ${{ steps.push.outputs.digest }}
    steps:
      - uses: <download>
        with:
          name: <name>
      - uses: <login>
        with:
          registry: ghcr.io
          username: ${{ github.actor }}
          password: ${{ github.token }}
      - name: Push what was scanned
        id: push
        run: |
          image="ghcr.io/${GITHUB_REPOSITORY,,}/<name>"
          docker load --input image.tar
          docker tag "<name>:$GITHUB_SHA" "$image:$GITHUB_SHA"
          docker push "$image:$GITHUB_SHA"
          pushed="$(docker inspect --format '{{index .RepoDigests 0}}' "$image:$GITHUB_SHA")"
          echo "image=$image" >> "$GITHUB_OUTPUT"
          echo "digest=${pushed#*@}" >> "$GITHUB_OUTPUT"
<signs>          cosign attest --yes --type spdxjson --predicate sbom.spdx.json "$IMAGE@$DIGEST"

  deploy:
    name: Approve and verify <name>
    needs: [publish]
    runs-on: ubuntu-24.04
    timeout-minutes: 15
    environment: production # asks its reviewers
    permissions:
      packages: read # to read the signature
    steps:
      - uses: <login>
        with:
          registry: ghcr.io
          username: ${{ github.actor }}
          password: ${{ github.token }}
      - uses: <cosign>
      - name: Verify who signed it
        env:
          IMAGE: ${{ needs.publish.outputs.image }}
          DIGEST: ${{ needs.publish.outputs.digest }}
        run: |
          cosign verify "$IMAGE@$DIGEST" \
            --certificate-identity "https://github.com/$GITHUB_WORKFLOW_REF" \
            --certificate-oidc-issuer https://token.actions.githubusercontent.com
          echo "Verified, to be deployed: $IMAGE@$DIGEST" >> "$GITHUB_STEP_SUMMARY"
      # Here stands what deploys it, by that digest: what was built, scanned and signed once.
"#;
