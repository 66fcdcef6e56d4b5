//! What a command or an action does: the tables, and the few that need a look at their arguments.
//!
//! Sources are the manuals of the tools and the `action.yml` of the actions, read for their
//! subcommands, their defaults and what makes them fail: `trivy` and its action report and exit 0
//! unless `--exit-code`/`exit-code` says otherwise; `grype` needs `--fail-on`, its action fails by
//! default (`fail-build: true`); `snyk container test` fails by default; `docker scout cves` needs
//! `--exit-code`; `anchore/sbom-action` keeps what it makes as an artifact
//! (`upload-artifact: true`); `cosign verify` without a key needs identity and issuer.

use plimsoll_source::Span;

use super::calls::{Call, Kind, positional_from};
use crate::compose_call;
use crate::flow::Heed;
use crate::pipeline::{Role, RoleKind};

use RoleKind as K;

/// A role, and what of it matters to other steps.
#[derive(Clone, Debug)]
pub(super) struct Done {
    /// The role.
    pub(super) role: Role,
    /// The file it writes (an SBOM).
    pub(super) made: Option<String>,
    /// Files it keeps beyond the job: artifacts, attested predicates.
    pub(super) keeps: Vec<String>,
    /// It acts on another machine, or on a platform: never only on the runner.
    pub(super) remote: bool,
}

/// Commands by their first words: the program, then its subcommands. A word that starts with `-`
/// must appear among the flags. The longest pattern of a program wins; equal ones all count.
const COMMANDS: &[(&str, RoleKind)] = &[
    // Packages.
    ("npm ci", K::Install),
    ("npm install", K::Install),
    ("npm i", K::Install),
    ("npm install-clean", K::Install),
    ("yarn install", K::Install),
    ("pnpm install", K::Install),
    ("pnpm i", K::Install),
    ("bun install", K::Install),
    ("pip install", K::Install),
    ("pip3 install", K::Install),
    ("poetry install", K::Install),
    ("pipenv install", K::Install),
    ("uv sync", K::Install),
    ("uv pip install", K::Install),
    ("pdm install", K::Install),
    ("bundle install", K::Install),
    ("composer install", K::Install),
    ("go mod download", K::Install),
    ("cargo fetch", K::Install),
    ("dotnet restore", K::Install),
    // Builds.
    ("go build", K::Build),
    ("go install", K::Build),
    ("cargo build", K::Build),
    ("mvn compile", K::Build),
    ("gradle assemble", K::Build),
    ("gradle bootJar", K::Build),
    ("dotnet build", K::Build),
    ("dotnet publish", K::Build),
    ("poetry build", K::Build),
    ("uv build", K::Build),
    ("build", K::Build),
    ("webpack", K::Build),
    ("vite build", K::Build),
    ("next build", K::Build),
    ("nest build", K::Build),
    ("tsup", K::Build),
    ("esbuild", K::Build),
    ("rollup", K::Build),
    ("swc", K::Build),
    ("turbo build", K::Build),
    ("turbo run build", K::Build),
    ("nx build", K::Build),
    ("lerna run build", K::Build),
    ("tsc", K::Typecheck),
    ("tsc", K::Build),
    ("vue-tsc", K::Typecheck),
    ("mypy", K::Typecheck),
    ("pyright", K::Typecheck),
    // Tests.
    ("jest", K::Test),
    ("vitest", K::Test),
    ("mocha", K::Test),
    ("ava", K::Test),
    ("tap", K::Test),
    ("jasmine", K::Test),
    ("karma start", K::Test),
    ("c8", K::Test),
    ("nyc", K::Test),
    ("playwright test", K::Test),
    ("cypress run", K::Test),
    ("node --test", K::Test),
    ("bun test", K::Test),
    ("deno test", K::Test),
    ("pytest", K::Test),
    ("py.test", K::Test),
    ("unittest", K::Test),
    ("tox", K::Test),
    ("nox", K::Test),
    ("manage.py test", K::Test),
    ("go test", K::Test),
    ("gotestsum", K::Test),
    ("ginkgo", K::Test),
    ("cargo test", K::Test),
    ("cargo nextest", K::Test),
    ("cargo tarpaulin", K::Test),
    ("cargo llvm-cov", K::Test),
    ("gradle test", K::Test),
    ("gradle check", K::Test),
    ("gradle integrationTest", K::Test),
    ("dotnet test", K::Test),
    ("rspec", K::Test),
    ("rails test", K::Test),
    ("rake test", K::Test),
    ("rake spec", K::Test),
    ("phpunit", K::Test),
    ("pest", K::Test),
    ("artisan test", K::Test),
    ("bats", K::Test),
    ("ctest", K::Test),
    ("sbt test", K::Test),
    ("swift test", K::Test),
    ("mix test", K::Test),
    ("turbo test", K::Test),
    ("turbo run test", K::Test),
    ("nx test", K::Test),
    ("lerna run test", K::Test),
    ("hardhat test", K::Test),
    ("anchor test", K::Test),
    ("forge test", K::Test),
    // Lint.
    ("eslint", K::Lint),
    ("prettier", K::Lint),
    ("biome", K::Lint),
    ("stylelint", K::Lint),
    ("next lint", K::Lint),
    ("ruff", K::Lint),
    ("flake8", K::Lint),
    ("pylint", K::Lint),
    ("black", K::Lint),
    ("isort", K::Lint),
    ("golangci-lint", K::Lint),
    ("go vet", K::Lint),
    ("staticcheck", K::Lint),
    ("cargo clippy", K::Lint),
    ("cargo fmt", K::Lint),
    ("hadolint", K::Lint),
    ("shellcheck", K::Lint),
    ("yamllint", K::Lint),
    ("actionlint", K::Lint),
    ("rubocop", K::Lint),
    ("markdownlint", K::Lint),
    ("checkstyle", K::Lint),
    ("ktlint", K::Lint),
    ("tflint", K::Lint),
    // Configurations.
    ("docker compose config", K::Validate),
    ("docker-compose config", K::Validate),
    ("caddy validate", K::Validate),
    ("caddy adapt", K::Validate),
    ("nginx -t", K::Validate),
    ("kubeconform", K::Validate),
    ("kubeval", K::Validate),
    ("promtool check", K::Validate),
    ("amtool check-config", K::Validate),
    ("terraform validate", K::Validate),
    ("helm lint", K::Validate),
    // Images.
    ("docker build", K::BuildImage),
    ("docker image build", K::BuildImage),
    ("docker builder build", K::BuildImage),
    ("docker buildx build", K::BuildImage),
    ("docker buildx bake", K::BuildImage),
    ("docker compose build", K::BuildImage),
    ("docker-compose build", K::BuildImage),
    ("podman build", K::BuildImage),
    ("nerdctl build", K::BuildImage),
    ("buildah build", K::BuildImage),
    ("buildah bud", K::BuildImage),
    ("img build", K::BuildImage),
    ("pack build", K::BuildImage),
    ("ko build", K::BuildImage),
    ("ko build", K::Push),
    ("ko publish", K::BuildImage),
    ("ko publish", K::Push),
    ("docker push", K::Push),
    ("docker image push", K::Push),
    ("docker compose push", K::Push),
    ("docker-compose push", K::Push),
    ("docker manifest push", K::Push),
    ("docker buildx imagetools create", K::Push),
    ("podman push", K::Push),
    ("nerdctl push", K::Push),
    ("buildah push", K::Push),
    ("crane push", K::Push),
    ("skopeo copy", K::Push),
    ("regctl image copy", K::Push),
    // Scans of files and dependencies.
    ("npm audit", K::ScanFiles),
    ("yarn audit", K::ScanFiles),
    ("yarn npm audit", K::ScanFiles),
    ("pnpm audit", K::ScanFiles),
    ("pip-audit", K::ScanFiles),
    ("safety", K::ScanFiles),
    ("bandit", K::ScanFiles),
    ("semgrep", K::ScanFiles),
    ("osv-scanner", K::ScanFiles),
    ("govulncheck", K::ScanFiles),
    ("gosec", K::ScanFiles),
    ("cargo audit", K::ScanFiles),
    ("cargo deny", K::ScanFiles),
    ("bundle-audit", K::ScanFiles),
    ("brakeman", K::ScanFiles),
    ("checkov", K::ScanFiles),
    ("snyk test", K::ScanFiles),
    ("snyk code test", K::ScanFiles),
    ("trivy fs", K::ScanFiles),
    ("trivy filesystem", K::ScanFiles),
    ("trivy repo", K::ScanFiles),
    ("trivy repository", K::ScanFiles),
    ("trivy rootfs", K::ScanFiles),
    ("trivy config", K::ScanFiles),
    ("trivy sbom", K::ScanFiles),
    // Secrets.
    ("gitleaks detect", K::ScanSecrets),
    ("gitleaks protect", K::ScanSecrets),
    ("gitleaks git", K::ScanSecrets),
    ("gitleaks dir", K::ScanSecrets),
    ("trufflehog", K::ScanSecrets),
    ("detect-secrets scan", K::ScanSecrets),
    ("detect-secrets-hook", K::ScanSecrets),
    ("git-secrets", K::ScanSecrets),
    ("git secrets", K::ScanSecrets),
    ("ggshield", K::ScanSecrets),
    // Signatures.
    ("notation sign", K::Sign { by_digest: false }),
    ("notation verify", K::Verify { identity: false }),
    ("cosign attest", K::Attest),
    ("gh attestation verify", K::Verify { identity: true }),
    ("slsa-verifier verify-image", K::Verify { identity: true }),
    // Migrations.
    ("knex migrate:latest", K::Migrate),
    ("knex migrate:up", K::Migrate),
    ("prisma migrate deploy", K::Migrate),
    ("prisma db push", K::Migrate),
    ("typeorm migration:run", K::Migrate),
    ("typeorm-ts-node-commonjs migration:run", K::Migrate),
    ("sequelize db:migrate", K::Migrate),
    ("sequelize-cli db:migrate", K::Migrate),
    ("drizzle-kit migrate", K::Migrate),
    ("drizzle-kit push", K::Migrate),
    ("node-pg-migrate up", K::Migrate),
    ("db-migrate up", K::Migrate),
    ("dbmate up", K::Migrate),
    ("dbmate migrate", K::Migrate),
    ("atlas migrate apply", K::Migrate),
    ("alembic upgrade", K::Migrate),
    ("manage.py migrate", K::Migrate),
    ("django-admin migrate", K::Migrate),
    ("flask db upgrade", K::Migrate),
    ("flyway migrate", K::Migrate),
    ("liquibase update", K::Migrate),
    ("goose up", K::Migrate),
    ("sqlx migrate run", K::Migrate),
    ("sqlx database setup", K::Migrate),
    ("diesel migration run", K::Migrate),
    ("rails db:migrate", K::Migrate),
    ("rake db:migrate", K::Migrate),
    ("artisan migrate", K::Migrate),
    ("knex migrate:rollback", K::RollBack),
    ("knex migrate:down", K::RollBack),
    ("alembic downgrade", K::RollBack),
    ("typeorm migration:revert", K::RollBack),
    ("rails db:rollback", K::RollBack),
    // Deployments.
    ("kubectl apply", K::Deploy),
    ("kubectl replace", K::Deploy),
    ("kubectl set image", K::Deploy),
    ("kubectl patch", K::Deploy),
    ("kubectl rollout restart", K::Deploy),
    ("kubectl rollout status", K::AwaitHealth),
    ("kubectl rollout undo", K::RollBack),
    ("kubectl wait", K::AwaitHealth),
    ("kustomize build", K::Build),
    ("oc apply", K::Deploy),
    ("oc rollout latest", K::Deploy),
    ("oc rollout undo", K::RollBack),
    ("helm upgrade", K::Deploy),
    ("helm install", K::Deploy),
    ("helm rollback", K::RollBack),
    ("helmfile apply", K::Deploy),
    ("helmfile sync", K::Deploy),
    ("docker compose up", K::Deploy),
    ("docker compose start", K::Deploy),
    ("docker-compose up", K::Deploy),
    ("docker-compose start", K::Deploy),
    ("docker stack deploy", K::Deploy),
    ("docker service create", K::Deploy),
    ("docker service update", K::Deploy),
    ("docker service rollback", K::RollBack),
    ("docker rollout", K::Deploy),
    ("docker run -d", K::Deploy),
    ("docker run --detach", K::Deploy),
    ("systemctl restart", K::Deploy),
    ("pm2 reload", K::Deploy),
    ("pm2 restart", K::Deploy),
    ("pm2 start", K::Deploy),
    ("aws ecs update-service", K::Deploy),
    ("aws ecs wait", K::AwaitHealth),
    ("aws lambda update-function-code", K::Deploy),
    ("aws cloudformation deploy", K::Deploy),
    ("ecs-deploy", K::Deploy),
    ("copilot deploy", K::Deploy),
    ("copilot svc deploy", K::Deploy),
    ("eb deploy", K::Deploy),
    ("cdk deploy", K::Deploy),
    ("sam deploy", K::Deploy),
    ("serverless deploy", K::Deploy),
    ("gcloud run deploy", K::Deploy),
    ("gcloud app deploy", K::Deploy),
    ("az webapp deploy", K::Deploy),
    ("az containerapp update", K::Deploy),
    ("flyctl deploy", K::Deploy),
    ("fly deploy", K::Deploy),
    ("heroku container:release", K::Deploy),
    ("heroku rollback", K::RollBack),
    ("vercel deploy", K::Deploy),
    ("wrangler deploy", K::Deploy),
    ("railway up", K::Deploy),
    ("argocd app sync", K::Deploy),
    ("argocd app wait", K::AwaitHealth),
    ("argocd app rollback", K::RollBack),
    ("nomad job run", K::Deploy),
    ("nomad run", K::Deploy),
    ("kamal deploy", K::Deploy),
    ("kamal rollback", K::RollBack),
    ("terraform apply", K::Deploy),
    ("tofu apply", K::Deploy),
    ("pulumi up", K::Deploy),
    // Copies of data.
    ("pg_dump", K::Backup),
    ("pg_dumpall", K::Backup),
    ("pg_basebackup", K::Backup),
    ("mysqldump", K::Backup),
    ("mariadb-dump", K::Backup),
    ("mongodump", K::Backup),
    ("wal-g backup-push", K::Backup),
    ("wal-g backup-fetch", K::Restore),
    ("pgbackrest backup", K::Backup),
    ("pgbackrest restore", K::Restore),
    ("restic backup", K::Backup),
    ("restic restore", K::Restore),
    ("borg create", K::Backup),
    ("borg extract", K::Restore),
    ("velero backup create", K::Backup),
    ("velero restore create", K::Restore),
    ("aws rds create-db-snapshot", K::Backup),
    ("aws rds restore-db-instance-from-db-snapshot", K::Restore),
    ("pg_restore", K::Restore),
    ("mongorestore", K::Restore),
    // Artifacts.
    ("gh release upload", K::Upload),
    ("gh release create", K::Upload),
    ("oras push", K::Upload),
    ("oras attach", K::Upload),
    ("aws s3 cp", K::Upload),
    ("aws s3 sync", K::Upload),
    ("gsutil cp", K::Upload),
    ("buildkite-agent artifact upload", K::Upload),
];

/// Actions that always do the same.
const ACTIONS: &[(&str, RoleKind)] = &[
    ("actions/checkout", K::Checkout),
    ("actions/upload-artifact", K::Upload),
    ("actions/upload-release-asset", K::Upload),
    ("softprops/action-gh-release", K::Upload),
    ("redhat-actions/buildah-build", K::BuildImage),
    ("redhat-actions/push-to-registry", K::Push),
    ("elgohr/publish-docker-github-action", K::BuildImage),
    ("elgohr/publish-docker-github-action", K::Push),
    ("mr-smithers-excellent/docker-build-push", K::BuildImage),
    ("mr-smithers-excellent/docker-build-push", K::Push),
    ("int128/kaniko-action", K::BuildImage),
    ("gitleaks/gitleaks-action", K::ScanSecrets),
    ("zricethezav/gitleaks-action", K::ScanSecrets),
    ("trufflesecurity/trufflehog", K::ScanSecrets),
    ("gitguardian/ggshield-action", K::ScanSecrets),
    ("gitguardian/ggshield/actions/secret", K::ScanSecrets),
    ("reviewdog/action-detect-secrets", K::ScanSecrets),
    ("github/codeql-action/analyze", K::ScanFiles),
    ("actions/dependency-review-action", K::ScanFiles),
    ("google/osv-scanner-action", K::ScanFiles),
    ("returntocorp/semgrep-action", K::ScanFiles),
    ("snyk/actions/node", K::ScanFiles),
    ("snyk/actions/python", K::ScanFiles),
    ("snyk/actions/golang", K::ScanFiles),
    ("snyk/actions/maven", K::ScanFiles),
    ("snyk/actions/gradle", K::ScanFiles),
    ("bridgecrewio/checkov-action", K::ScanFiles),
    ("actions/attest", K::Attest),
    ("actions/attest-build-provenance", K::Attest),
    ("actions/attest-sbom", K::Attest),
    (
        "slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml",
        K::Attest,
    ),
    ("hadolint/hadolint-action", K::Lint),
    ("golangci/golangci-lint-action", K::Lint),
    ("super-linter/super-linter", K::Lint),
    ("github/super-linter", K::Lint),
    ("astral-sh/ruff-action", K::Lint),
    ("psf/black", K::Lint),
    ("cypress-io/github-action", K::Test),
    ("azure/k8s-deploy", K::Deploy),
    ("azure/webapps-deploy", K::Deploy),
    ("azure/container-apps-deploy-action", K::Deploy),
    ("google-github-actions/deploy-cloudrun", K::Deploy),
    ("google-github-actions/deploy-appengine", K::Deploy),
    ("aws-actions/amazon-ecs-deploy-task-definition", K::Deploy),
    ("akhileshns/heroku-deploy", K::Deploy),
    ("digitalocean/app_action", K::Deploy),
    ("amondnet/vercel-action", K::Deploy),
    ("cloudflare/wrangler-action", K::Deploy),
    ("jtalk/url-health-check-action", K::AwaitHealth),
];

/// Flags with a value that stand before a program's subcommand.
const VALUED: &[(&str, &[&str])] = &[
    ("docker", compose_call::OPTIONS),
    ("docker-compose", compose_call::OPTIONS),
    ("kubectl", &["-n", "--namespace", "--context", "--kubeconfig", "-s", "--server", "--token"]),
    ("helm", &["-n", "--namespace", "--kube-context", "--kubeconfig"]),
    ("npm", &["--prefix", "-w", "--workspace", "-C"]),
    ("yarn", &["--cwd"]),
    ("pnpm", &["-C", "--dir", "--filter", "-F", "--workspace"]),
    ("git", &["-C", "-c", "--git-dir", "--work-tree"]),
    ("go", &["-C"]),
    ("mvn", &["-f", "--file", "-pl", "--projects", "-P", "-s", "--settings", "-T"]),
    ("gradle", &["-p", "--project-dir", "-c", "-x"]),
    ("trivy", &["-c", "--config", "--cache-dir", "--timeout"]),
    ("terraform", &[]),
    ("alembic", &["-c", "--config", "-n", "--name", "-x"]),
    ("knex", &["--knexfile", "--env", "--cwd"]),
    ("aws", &["--region", "--profile", "--output", "--endpoint-url"]),
    ("az", &["--subscription", "--output", "-o"]),
    ("goose", &["-dir"]),
    ("migrate", &["-path", "-database", "-source"]),
    ("flyway", &[]),
];

/// Images whose entrypoint is a tool of the tables: `docker run IMAGE args` is `tool args`.
const TOOL_IMAGES: &[(&str, &str)] = &[
    ("aquasec/trivy", "trivy"),
    ("aquasecurity/trivy", "trivy"),
    ("anchore/grype", "grype"),
    ("anchore/syft", "syft"),
    ("zricethezav/gitleaks", "gitleaks"),
    ("gitleaks/gitleaks", "gitleaks"),
    ("trufflesecurity/trufflehog", "trufflehog"),
    ("sigstore/cosign/cosign", "cosign"),
    ("hadolint/hadolint", "hadolint"),
    ("koalaman/shellcheck", "shellcheck"),
    ("flyway/flyway", "flyway"),
    ("migrate/migrate", "migrate"),
];

/// Runners that start the program named next: words of their own, then the program.
const RUNNERS: &[&[&str]] = &[
    &["npx"],
    &["bunx"],
    &["pnpm", "exec"],
    &["pnpm", "dlx"],
    &["yarn", "dlx"],
    &["yarn", "exec"],
    &["yarn", "run"],
    &["npm", "exec"],
    &["npm", "x"],
    &["bun", "x"],
    &["python", "-m"],
    &["python3", "-m"],
    &["poetry", "run"],
    &["pipenv", "run"],
    &["uv", "run"],
    &["uvx"],
    &["rye", "run"],
    &["pdm", "run"],
    &["hatch", "run"],
    &["bundle", "exec"],
    &["dotenv"],
    &["dotenvx", "run"],
    &["doppler", "run"],
    &["op", "run"],
    &["mise", "exec"],
    &["cross-env"],
    &["python"],
    &["python3"],
    &["php"],
    &["yarn"],
    &["pnpm"],
    &["go", "run"],
    &["coverage", "run", "-m"],
];

/// The words that count: runners and tool images taken off, the program by its plain name.
fn plain(words: &[String]) -> Vec<String> {
    let mut words = words.to_vec();
    for _ in 0..4 {
        let Some(name) = words.first_mut() else { return words };
        *name = match name.rsplit('/').next().unwrap_or("") {
            "mvnw" => "mvn".to_owned(),
            "gradlew" => "gradle".to_owned(),
            plain => plain.to_owned(),
        };
        if let Some(tool) = tool_in_image(&words) {
            words = tool;
            continue;
        }
        let runner = RUNNERS.iter().find(|runner| {
            words.len() > runner.len() && runner.iter().zip(&words).all(|(a, b)| a == b)
        });
        let Some(runner) = runner else { return words };
        let values = &["-p", "--package", "-e", "-f", "--env-file", "--with", "--python", "-c"];
        let Some(mut at) = positional_from(&words, runner.len(), values) else { return words };
        while words.get(at).is_some_and(|w| w.contains('=') && !w.starts_with('/')) {
            at += 1;
        }
        let Some(name) = words.get(at) else { return words };
        // `npx jest@29`, `go run example.com/cmd/goose@v3`.
        let name = match name.char_indices().skip(1).find(|(_, c)| *c == '@') {
            Some((end, _)) => name[..end].to_owned(),
            None => name.clone(),
        };
        words.drain(..at);
        words[0] = name;
    }
    words
}

fn tool_in_image(words: &[String]) -> Option<Vec<String>> {
    if !matches!(words.first()?.as_str(), "docker" | "podman") || words.get(1)? != "run" {
        return None;
    }
    let (at, tool) = words.iter().enumerate().skip(2).find_map(|(at, word)| {
        let name = word.split('@').next().unwrap_or(word);
        let name = match name.rfind(':') {
            Some(colon) if !name[colon..].contains('/') => &name[..colon],
            _ => name,
        };
        let tool = TOOL_IMAGES.iter().find(|(image, _)| {
            name == *image || name.strip_suffix(image).is_some_and(|before| before.ends_with('/'))
        })?;
        Some((at, tool.1))
    })?;
    let mut inner = vec![tool.to_owned()];
    inner.extend(words[at + 1..].iter().cloned());
    Some(inner)
}

/// The value of a flag, as `--flag value` or `--flag=value`.
fn flag<'w>(words: &'w [String], names: &[&str]) -> Option<&'w str> {
    words.iter().enumerate().find_map(|(at, word)| {
        names.iter().find_map(|name| {
            if word == name {
                return Some(words.get(at + 1).map_or("", String::as_str));
            }
            word.strip_prefix(name)?.strip_prefix('=')
        })
    })
}

fn has(words: &[String], names: &[&str]) -> bool {
    flag(words, names).is_some()
}

/// The words of a command that are no flags; values of the flags that the tables know are skipped.
fn positionals(words: &[String]) -> Vec<&str> {
    let program = words.first().map_or("", String::as_str);
    let valued = VALUED.iter().find(|(name, _)| *name == program).map_or(&[][..], |(_, v)| v);
    let mut found = Vec::new();
    let mut at = 1;
    while let Some(next) = positional_from(words, at, valued) {
        found.push(words[next].as_str());
        at = next + 1;
    }
    found
}

/// What a command does.
pub(super) fn of_call(call: &Call) -> Vec<Done> {
    let words = plain(&call.words);
    let Some(program) = words.first() else { return Vec::new() };
    let args = positionals(&words);
    let mut found = Found { call, words: &words, out: Vec::new() };
    let name = program.to_lowercase().replace(['-', '_'], "");
    if name.contains("rollback") {
        found.add(K::RollBack);
    }
    if call.kind == Kind::Function {
        return found.out;
    }
    let mut best = 0;
    let mut kinds = Vec::new();
    for (pattern, kind) in COMMANDS {
        if !pattern.starts_with(program.as_str()) {
            continue;
        }
        let mut parts = pattern.split(' ');
        if parts.next() != Some(program) {
            continue;
        }
        let (mut at, mut fits) = (0, true);
        for part in parts {
            if part.starts_with('-') {
                fits &= words.iter().any(|w| w == part);
            } else {
                fits &= args.get(at) == Some(&part);
                at += 1;
            }
        }
        let len = pattern.split(' ').count();
        if fits && len >= best {
            if len > best {
                kinds.clear();
            }
            best = len;
            kinds.push(*kind);
        }
    }
    let asks = words.iter().any(|w| matches!(w.as_str(), "--help" | "--version" | "-h"))
        && words.len() <= 3;
    if asks {
        return found.out;
    }
    for kind in kinds {
        match kind {
            K::Build if program == "tsc" && has(&words, &["--noEmit"]) => {}
            _ => {
                found.add(kind);
            }
        }
    }
    special(program, &args, &mut found);
    if words.iter().any(|w| w == "--dry-run" || w.starts_with("--dry-run=")) {
        found.out.retain(|done| done.role.kind != K::Deploy);
    }
    found.out
}

struct Found<'a> {
    call: &'a Call,
    words: &'a [String],
    out: Vec<Done>,
}

impl Found<'_> {
    fn add(&mut self, kind: RoleKind) -> &mut Done {
        let remote = self.call.remote
            || matches!(
                self.words[0].as_str(),
                "aws" | "gcloud" | "az" | "flyctl" | "fly" | "heroku"
            )
            || self
                .call
                .env
                .iter()
                .any(|(name, _)| name == "DOCKER_HOST" || name == "DOCKER_CONTEXT");
        self.out.push(Done {
            role: of_one(self.call, kind),
            made: None,
            keeps: Vec::new(),
            remote,
        });
        let last = self.out.len() - 1;
        &mut self.out[last]
    }

    fn env(&self, name: &str) -> Option<&str> {
        self.call.env.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// That a command does this.
pub(super) fn of_one(call: &Call, kind: RoleKind) -> Role {
    let heed = call.heed();
    let lost = (heed == Heed::Lost).then_some(call.span);
    Role { kind, span: call.span, words: call.words.clone(), masked: call.masked.or(lost), heed }
}

/// Commands whose arguments decide.
fn special(program: &str, args: &[&str], found: &mut Found<'_>) {
    let words = found.words.to_vec();
    let words = words.as_slice();
    let first = args.first().copied().unwrap_or("");
    match program {
        "yarn" if args.is_empty() => {
            found.add(K::Install);
        }
        "mvn" => maven(args, words, found),
        "gradle" if args.contains(&"build") => {
            found.add(K::Build);
            if !(words.windows(2).any(|w| w[0] == "-x" && w[1] == "test")) {
                found.add(K::Test);
            }
        }
        "gradle" if args.iter().any(|a| a.ends_with("jib") || a.ends_with("bootBuildImage")) => {
            found.add(K::BuildImage);
        }
        "docker" | "docker-compose" | "podman" | "buildah" | "pack" | "nerdctl" => {
            container(program, args, words, found);
            // What validates may run in a container.
            let inner = |pair: [&str; 2]| words.windows(2).any(|two| two == pair);
            let caddy = inner(["caddy", "validate"]) || inner(["caddy", "adapt"]);
            if caddy || inner(["nginx", "-t"]) {
                found.add(K::Validate);
            }
        }
        "executor" if has(words, &["--dockerfile", "-f", "--context", "-c"]) => {
            found.add(K::BuildImage);
            if !has(words, &["--no-push"]) {
                found.add(K::Push);
            }
        }
        "trivy" => trivy(first, args, words, found),
        "grype" => {
            let of_files = first.starts_with("dir:")
                || first.starts_with("file:")
                || first.starts_with("sbom:")
                || first == ".";
            let asks = matches!(first, "" | "db" | "version" | "help" | "config" | "completion");
            let blocking = has(words, &["--fail-on", "-f"]);
            if of_files {
                found.add(K::ScanFiles);
            } else if !asks || found.call.stdin.is_some() {
                found.add(K::ScanImage { blocking });
            }
        }
        "snyk" if args.starts_with(&["container", "test"]) => {
            found.add(K::ScanImage { blocking: true });
        }
        "snyk" if args.starts_with(&["container", "monitor"]) => {
            found.add(K::ScanImage { blocking: false });
        }
        "syft" => syft(args, words, found),
        "cosign" => cosign(first, args, words, found),
        "migrate" if args.contains(&"up") => {
            found.add(K::Migrate);
        }
        "helm" if has(words, &["--wait", "--atomic"]) && matches!(first, "upgrade" | "install") => {
            found.add(K::AwaitHealth);
            if has(words, &["--atomic", "--rollback-on-failure"]) {
                found.add(K::RollBack);
            }
        }
        "skaffold" if matches!(first, "run" | "build") => {
            found.add(K::BuildImage);
            // To a registry that it is told it pushes.
            if has(words, &["--default-repo", "-d", "--push"]) {
                found.add(K::Push);
            }
        }
        "vercel" if has(words, &["--prod"]) => {
            found.add(K::Deploy);
        }
        "sls" if first == "deploy" => {
            found.add(K::Deploy);
        }
        "curl" | "wget" | "http" | "wait-on" | "wait-for-it" | "wait-for-it.sh" | "dockerize"
            if awaits_health(program, words, found.call) =>
        {
            found.add(K::AwaitHealth);
        }
        "psql" | "mysql" | "mariadb" if restores(words, found.call) => {
            found.add(K::Restore);
        }
        "redis-cli" if words.iter().any(|w| matches!(w.as_str(), "BGSAVE" | "SAVE" | "--rdb")) => {
            found.add(K::Backup);
        }
        _ => {}
    }
    for done in &mut found.out {
        if done.role.kind == K::Upload {
            let skip = if program == "aws" { 2 } else { 3 };
            done.keeps = args.iter().skip(skip).map(|a| (*a).to_owned()).collect();
        }
    }
}

fn maven(args: &[&str], words: &[String], found: &mut Found<'_>) {
    let phase = |names: &[&str]| args.iter().any(|a| names.contains(a));
    if phase(&["package", "install", "verify", "deploy"]) {
        found.add(K::Build);
    }
    let skipped = words.iter().any(|w| {
        matches!(
            w.as_str(),
            "-DskipTests" | "-DskipTests=true" | "-Dmaven.test.skip=true" | "-Dmaven.test.skip"
        )
    });
    if phase(&["test", "package", "install", "verify", "deploy", "integration-test"]) && !skipped {
        found.add(K::Test);
    }
    if args.iter().any(|a| a.ends_with("jib:build") || a.ends_with("spring-boot:build-image")) {
        found.add(K::BuildImage);
        if args.iter().any(|a| a.ends_with("jib:build")) {
            found.add(K::Push);
        }
    }
}

fn container(program: &str, args: &[&str], words: &[String], found: &mut Found<'_>) {
    let builds = found.out.iter().any(|done| done.role.kind == K::BuildImage);
    if builds {
        let outputs = words.iter().any(|w| w.contains("type=registry") || w.contains("push=true"));
        let pushes = outputs || has(words, &["--push", "--publish"]);
        if pushes {
            found.add(K::Push);
        }
        let attested = |kind: &str| words.iter().any(|w| w.contains(&format!("type={kind}")));
        let on = |name: &str| flag(words, &[name]).is_some_and(|v| v != "false");
        if attested("sbom") || on("--sbom") {
            found.add(K::Sbom { stored: pushes });
        }
        if attested("provenance") || on("--provenance") {
            found.add(K::Provenance);
        }
    }
    let up = args.starts_with(&["compose", "up"])
        || (program == "docker-compose" && args.first() == Some(&"up"));
    if up && has(words, &["--build"]) {
        found.add(K::BuildImage);
    }
    if up && has(words, &["--wait"]) {
        found.add(K::AwaitHealth);
    }
    if args.starts_with(&["service", "update"]) && has(words, &["--rollback"]) {
        found.add(K::RollBack);
    }
    match args {
        ["scout", "cves" | "quickview", ..] => {
            let blocking = has(words, &["--exit-code", "-e"]);
            found.add(K::ScanImage { blocking });
        }
        ["scout", "sbom", ..] | ["sbom", ..] => {
            let made = output(words, found.call);
            found.add(K::Sbom { stored: false }).made = made;
        }
        ["trust", "sign", ..] => {
            found.add(K::Sign { by_digest: false });
        }
        _ => {}
    }
    let asks_health = words.iter().any(|w| w.contains(".State.Health"));
    if asks_health && found.call.looped {
        found.add(K::AwaitHealth);
    }
}

/// The file that a tool writes, by flag or redirection; `format=file` counts too.
fn output(words: &[String], call: &Call) -> Option<String> {
    let named = flag(words, &["--output", "-o", "--file"])
        .map(|v| v.split_once('=').map_or(v, |(_, file)| file).to_owned());
    named
        .filter(|v| v.contains(['.', '/', '$']) || call.stdout.is_none())
        .or_else(|| call.stdout.clone())
}

fn is_sbom_format(format: &str) -> bool {
    format.contains("cyclonedx") || format.contains("spdx") || format == "github"
}

fn trivy(first: &str, args: &[&str], words: &[String], found: &mut Found<'_>) {
    let format =
        flag(words, &["--format", "-f"]).or_else(|| found.env("TRIVY_FORMAT")).unwrap_or("");
    let sbom = is_sbom_format(format);
    let code = flag(words, &["--exit-code"]).or_else(|| found.env("TRIVY_EXIT_CODE"));
    // A code that is only known at run time may be zero.
    let blocking = code.is_some_and(|code| code.parse::<u32>().is_ok_and(|code| code != 0));
    let scanners = flag(words, &["--scanners", "--security-checks"]);
    let scans = |what: &str| scanners.is_none_or(|list| list.contains(what));
    match first {
        "image" | "i" if args.len() < 2 && !has(words, &["--input"]) => {}
        "image" | "i" if sbom => {
            let made = output(words, found.call);
            found.add(K::Sbom { stored: false }).made = made;
        }
        "image" | "i" if scans("vuln") => {
            found.add(K::ScanImage { blocking });
        }
        _ => {}
    }
    if matches!(first, "fs" | "filesystem" | "repo" | "repository")
        && scanners.is_some_and(|list| list.contains("secret"))
    {
        found.add(K::ScanSecrets);
    }
}

fn syft(args: &[&str], words: &[String], found: &mut Found<'_>) {
    let target = match args {
        ["scan" | "packages", target, ..] | [target, ..] => *target,
        [] => return,
    };
    let of_files = target.starts_with("dir:")
        || target.starts_with("file:")
        || target.starts_with(['.', '/'])
        || matches!(target, "login" | "version" | "help" | "convert" | "cataloger" | "config");
    if target == "attest" {
        found.add(K::Attest);
        found.add(K::Sbom { stored: true });
    } else if !of_files {
        let made = output(words, found.call);
        found.add(K::Sbom { stored: false }).made = made;
    }
}

fn cosign(first: &str, args: &[&str], words: &[String], found: &mut Found<'_>) {
    match first {
        "sign" => {
            let by_digest = args.last().is_some_and(|reference| is_digest(reference, found.call));
            found.add(K::Sign { by_digest });
        }
        "attest" | "attach" => {
            let kind = flag(words, &["--type"]).unwrap_or("");
            let sbom = is_sbom_format(kind) || args.get(1) == Some(&"sbom");
            let predicate = flag(words, &["--predicate", "--sbom"]).map(str::to_owned);
            if sbom && let Some(file) = predicate {
                // It keeps the SBOM that some other command made.
                found.add(K::Upload).keeps.push(file);
                // The generic rule for uploads would read its arguments as files.
                if let Some(done) = found.out.last_mut() {
                    done.role.kind = K::Attest;
                }
            }
        }
        "verify" | "verify-attestation" => {
            let given = |names: &[&str]| {
                flag(words, names)
                    .is_some_and(|v| !v.is_empty() && !matches!(v, ".*" | "^.*$" | ".+"))
            };
            let identity = given(&["--certificate-identity", "--certificate-identity-regexp"])
                && given(&["--certificate-oidc-issuer", "--certificate-oidc-issuer-regexp"]);
            // A key is an identity of its own.
            let identity = identity || given(&["--key"]);
            found.add(K::Verify { identity });
        }
        _ => {}
    }
}

/// Whether a reference names an image by digest.
fn is_digest(reference: &str, call: &Call) -> bool {
    let says = |text: &str| {
        let lower = text.to_lowercase();
        lower.contains('@') || lower.contains("digest")
    };
    if says(reference) {
        return true;
    }
    reference.starts_with('$')
        && !call.possible.is_empty()
        && call.possible.iter().all(|text| says(text))
}

/// Words in an URL that ask for health.
const HEALTH: &[&str] =
    &["health", "ready", "readiness", "livez", "liveness", "alive", "/ping", "/status", "/up"];

fn awaits_health(program: &str, words: &[String], call: &Call) -> bool {
    if matches!(program, "wait-on" | "wait-for-it" | "wait-for-it.sh" | "dockerize") {
        return words.iter().any(|w| w.contains("http")) && asks_health(words);
    }
    if !asks_health(words) {
        return false;
    }
    let fails = words.iter().any(|w| {
        w == "--fail"
            || w == "--fail-with-body"
            || w.starts_with("--retry")
            || (w.starts_with('-') && !w.starts_with("--") && w.contains('f'))
    });
    call.looped || fails || program == "wget"
}

fn asks_health(words: &[String]) -> bool {
    words.iter().skip(1).any(|w| {
        let lower = w.to_lowercase();
        HEALTH.iter().any(|word| lower.contains(word))
    })
}

fn restores(words: &[String], call: &Call) -> bool {
    let dump = |text: &str| {
        let lower = text.to_lowercase();
        ["backup", "dump", "restore", ".bak", ".gz", "snapshot"].iter().any(|w| lower.contains(w))
    };
    match call.stdin.as_deref() {
        Some(pipe) if pipe.starts_with('|') => {
            ["gunzip", "zcat", "pg_restore", "gzip", "zstd", "gpg", "lz4"]
                .iter()
                .any(|tool| pipe.trim_start_matches('|').trim_end_matches('"') == *tool)
        }
        Some(file) => dump(file),
        None => flag(words, &["-f", "--file"]).is_some_and(dump),
    }
}

// ---- actions --------------------------------------------------------------------------------

/// What an action does: `reference` is its `uses:`, `with` its inputs.
pub(super) fn of_action(
    reference: &str,
    span: Span,
    with: &[(String, String, Span)],
    env: &[(String, String)],
) -> Vec<Done> {
    let name = reference.split('@').next().unwrap_or("").trim_end_matches('/').to_lowercase();
    let input = |key: &str| {
        with.iter().find(|(k, ..)| k.eq_ignore_ascii_case(key)).map(|(_, v, _)| v.trim())
    };
    let yes = |key: &str| input(key).is_some_and(|v| v == "true");
    let set = |key: &str| input(key).is_some_and(|v| !matches!(v, "" | "false"));
    let lines = |key: &str| -> Vec<String> {
        input(key)
            .unwrap_or("")
            .lines()
            .map(|l| l.trim().to_owned())
            .filter(|l| !l.is_empty())
            .collect()
    };
    let mut out: Vec<Done> = Vec::new();
    let mut add = |kind: RoleKind| out.push(action_done(kind, reference, span));
    for (action, kind) in ACTIONS {
        if name == *action {
            add(*kind);
        }
    }
    match name.as_str() {
        "docker/build-push-action"
        | "depot/build-push-action"
        | "useblacksmith/build-push-action"
        | "docker/bake-action"
        | "depot/bake-action" => {
            add(K::BuildImage);
            let outputs = input("outputs").unwrap_or("");
            let pushes =
                set("push") || outputs.contains("push=true") || outputs.contains("type=registry");
            if pushes {
                add(K::Push);
            }
            if set("sbom") {
                add(K::Sbom { stored: pushes });
            }
            if set("provenance") {
                add(K::Provenance);
            }
        }
        "int128/kaniko-action" if set("push") => add(K::Push),
        "aquasecurity/trivy-action" => {
            let env =
                |name: &str| env.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
            let kind = input("scan-type").unwrap_or("image");
            let format = input("format").unwrap_or("table");
            let code = input("exit-code").or_else(|| env("TRIVY_EXIT_CODE")).unwrap_or("0");
            let blocking = code.parse::<u32>().is_ok_and(|code| code != 0);
            let scanners = input("scanners").or_else(|| input("security-checks"));
            let scans = |what: &str| scanners.is_none_or(|list| list.contains(what));
            if kind == "image" && is_sbom_format(format) {
                add(K::Sbom { stored: false });
            } else if kind == "image" && scans("vuln") {
                add(K::ScanImage { blocking });
            } else if kind != "image" {
                add(K::ScanFiles);
                if scanners.is_some_and(|list| list.contains("secret")) {
                    add(K::ScanSecrets);
                }
            }
            if let Some(done) = out.last_mut() {
                done.made = input("output").map(str::to_owned);
            }
        }
        "anchore/scan-action" => {
            if input("image").is_some() {
                add(K::ScanImage { blocking: input("fail-build") != Some("false") });
            } else {
                add(K::ScanFiles);
            }
        }
        "anchore/sbom-action" if input("image").is_some() => {
            add(K::Sbom { stored: input("upload-artifact") != Some("false") });
            if let Some(done) = out.last_mut() {
                done.made = input("output-file").map(str::to_owned);
            }
        }
        "snyk/actions/docker" => {
            add(K::ScanImage { blocking: input("command").is_none_or(|c| c != "monitor") });
        }
        "docker/scout-action" => {
            let command = input("command").unwrap_or("");
            if command.contains("cves") || command.contains("quickview") {
                add(K::ScanImage { blocking: yes("exit-code") });
            }
            if command.contains("sbom") {
                add(K::Sbom { stored: false });
                if let Some(done) = out.last_mut() {
                    done.made = input("output").map(str::to_owned);
                }
            }
        }
        "crazy-max/ghaction-container-scan" => {
            add(K::ScanImage { blocking: set("severity_threshold") });
        }
        "azure/container-scan" => add(K::ScanImage { blocking: true }),
        "superfly/flyctl-actions" if input("args").is_some_and(|a| a.contains("deploy")) => {
            add(K::Deploy);
        }
        "aws-actions/amazon-ecs-deploy-task-definition" if yes("wait-for-service-stability") => {
            add(K::AwaitHealth);
        }
        "actions-rs/cargo" => match input("command") {
            Some("test") => add(K::Test),
            Some("build") => add(K::Build),
            Some("clippy" | "fmt") => add(K::Lint),
            _ => {}
        },
        "gradle/gradle-build-action" | "gradle/actions/setup-gradle" => {
            let arguments = input("arguments").unwrap_or("");
            if arguments.split_whitespace().any(|a| matches!(a, "test" | "check" | "build")) {
                add(K::Test);
            }
            if arguments.split_whitespace().any(|a| matches!(a, "assemble" | "build")) {
                add(K::Build);
            }
        }
        _ => {}
    }
    for done in &mut out {
        match done.role.kind {
            K::Upload => done.keeps = [lines("path"), lines("files"), lines("asset_path")].concat(),
            K::Attest => done.keeps = [lines("sbom-path"), lines("predicate-path")].concat(),
            _ => {}
        }
    }
    out
}

fn action_done(kind: RoleKind, reference: &str, span: Span) -> Done {
    Done {
        role: Role {
            kind,
            span,
            words: vec![reference.to_owned()],
            masked: None,
            heed: Heed::Taken,
        },
        made: None,
        keeps: Vec::new(),
        remote: true,
    }
}

/// Marks the SBOMs that a later step of the same job keeps, and drops what only the runner sees:
/// `deploys` says whether this job's own machine is a place one deploys to.
pub(super) fn settle(steps: &mut [Vec<Done>], deploys: bool) {
    let kept: Vec<(usize, Vec<String>)> = steps
        .iter()
        .enumerate()
        .flat_map(|(at, step)| step.iter().map(move |done| (at, done)))
        .filter(|(_, done)| !done.keeps.is_empty())
        .map(|(at, done)| (at, done.keeps.clone()))
        .take(200)
        .collect();
    for (at, step) in steps.iter_mut().enumerate() {
        for done in step.iter_mut() {
            if let (K::Sbom { stored }, Some(made)) = (&mut done.role.kind, &done.made) {
                *stored |= kept.iter().any(|(later, paths)| *later >= at && covers(paths, made));
            }
        }
        step.retain(|done| deploys || done.remote || !is_local_start(done));
    }
}

/// A deployment to the machine that runs the command.
fn is_local_start(done: &Done) -> bool {
    done.role.kind == K::Deploy
        && done.role.words.iter().any(|word| {
            let name = word.rsplit('/').next().unwrap_or(word);
            matches!(name, "docker" | "docker-compose" | "podman" | "systemctl" | "pm2" | "nerdctl")
        })
}

/// Whether one of an artifact's paths takes in a file: the same text, a directory above it, or a
/// pattern that matches its name.
fn covers(paths: &[String], file: &str) -> bool {
    let file = file.trim_start_matches("./");
    paths.iter().any(|path| {
        let path = path.trim_start_matches("./").trim_end_matches('/');
        if path.is_empty() || path == "." || path == file {
            return true;
        }
        match path.split_once('*') {
            None => file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')),
            Some((before, after)) => {
                let after = after.trim_start_matches(['*', '/']);
                file.len() >= before.len() + after.len()
                    && file.starts_with(before)
                    && !after.contains('*')
                    && file.ends_with(after)
            }
        }
    })
}
