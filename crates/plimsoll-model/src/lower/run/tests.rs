//! RUN instructions in, effects out: a line each.

use plimsoll_source::{Derived, Span, TextRange, Tree};

use crate::image::{Effect, EffectKind, StepKind};
use crate::lower::cx::Cx;
use crate::lower::image;

const ALPINE: &str = "FROM node:20-alpine";
const DEBIAN: &str = "FROM python:3.12-slim";
const RHEL: &str = "FROM rockylinux:9";
const OTHER: &str = "FROM acme/base:1";

/// The instructions stand behind `base` and `WORKDIR /app`.
fn lowered(base: &str, instructions: &str) -> (String, Vec<Effect>) {
    let file = format!("{base}\nWORKDIR /app\n{instructions}\n");
    let tree = Tree::from_memory([("Dockerfile", &*file)]);
    let cx = Cx::new(&tree);
    let id = tree.find("Dockerfile").expect("it is there");
    let text =
        Derived::verbatim(file.clone().into_bytes(), Span::new(id, TextRange::of(0, file.len())));
    let image = image::lower(&cx, id, "Dockerfile".to_owned(), &text);
    let steps = image.stages.into_iter().flat_map(|stage| stage.steps);
    let effects = steps.filter_map(|step| match step.kind {
        StepKind::Run(run) => Some(run.effects),
        _ => None,
    });
    let effects = effects.flatten().collect();
    (file, effects)
}

/// One effect as a line: what, where if not in /app, and what swallows its failure.
fn line(file: &str, effect: &Effect) -> String {
    let flag = |on: bool, text: &str| if on { format!(" {text}") } else { String::new() };
    let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
    let mut line = match &effect.kind {
        EffectKind::Install(made) => format!(
            "install {:?} [{}]{}{}{}{}{}",
            made.manager,
            made.packages.join(" "),
            flag(made.global, "global"),
            flag(made.locked, "locked"),
            flag(made.production, "production"),
            flag(made.cache_free, "cache-free"),
            flag(made.overrides_peers, "against-peers"),
        ),
        EffectKind::Uninstall(manager, packages) => {
            format!("uninstall {manager:?} [{}]", packages.join(" "))
        }
        EffectKind::CleanCache(manager) => format!("clean {manager:?}"),
        EffectKind::Prune(manager) => format!("prune {manager:?}"),
        EffectKind::Build { words } => format!("build {}", words.join(" ")),
        EffectKind::Write { path, text, append, dynamic } => format!(
            "write {path} {:?}{}{}",
            String::from_utf8_lossy(text.text()),
            flag(*append, "append"),
            flag(*dynamic, "dynamic"),
        ),
        EffectKind::AddGroup { name, gid } => format!("group {name} {}", said(gid)),
        EffectKind::AddUser { name, uid, group, group_is_default } => format!(
            "user {name} {}:{}{}",
            said(uid),
            said(group),
            flag(*group_is_default, "default"),
        ),
        EffectKind::Chown { owner, paths, recursive } => {
            format!("chown {owner} {}{}", paths.join(" "), flag(*recursive, "recursive"))
        }
        EffectKind::Chmod { mode, paths, recursive } => {
            format!("chmod {mode} {}{}", paths.join(" "), flag(*recursive, "recursive"))
        }
        EffectKind::StripSuid => "strip".to_owned(),
        EffectKind::MakeDir(paths) => format!("mkdir {}", paths.join(" ")),
        EffectKind::Place(sources, dest) => format!("place {} -> {dest}", sources.join(" ")),
        EffectKind::Remove(paths) => format!("remove {}", paths.join(" ")),
        EffectKind::Fetch(words) => format!("fetch {}", words.join(" ")),
        EffectKind::Other(words) => format!("other {}", words.join(" ")),
    };
    if effect.workdir != "/app" {
        line += &format!(" @{}", effect.workdir);
    }
    if let Some(span) = effect.masked {
        line += &format!(" !{}", slice(file, span));
    }
    line
}

fn slice(file: &str, span: Span) -> String {
    String::from_utf8_lossy(span.range.slice(file.as_bytes())).into_owned()
}

#[track_caller]
fn check(base: &str, instructions: &str, expected: &str) {
    let (file, effects) = lowered(base, instructions);
    let found: Vec<String> = effects.iter().map(|effect| line(&file, effect)).collect();
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    assert_eq!(found, expected, "{instructions}");
}

#[test]
fn system_packages() {
    check(
        ALPINE,
        "RUN apk add --no-cache dumb-init curl",
        "install Apk [dumb-init curl] cache-free",
    );
    check(ALPINE, "RUN apk --no-cache add tini", "install Apk [tini] cache-free");
    check(ALPINE, "RUN apk add git", "install Apk [git]");
    check(
        ALPINE,
        "RUN apk update && apk add -t .deps g++ make && rm -rf /var/cache/apk/*",
        "other apk update
         install Apk [g++ make] cache-free
         clean Apk
         remove /var/cache/apk/*",
    );
    check(
        DEBIAN,
        "RUN apt-get update \\\n    && apt-get install -y --no-install-recommends \\\n        # why\n        curl=7.* ca-certificates \\\n    && rm -rf /var/lib/apt/lists/*",
        "other apt-get update
         install Apt [curl=7.* ca-certificates] cache-free
         clean Apt
         remove /var/lib/apt/lists/*",
    );
    check(
        DEBIAN,
        "RUN apt-get update && apt-get install -yqq -t bookworm-backports git && apt-get clean",
        "other apt-get update
         install Apt [git]
         other apt-get clean",
    );
    check(
        DEBIAN,
        "RUN --mount=type=cache,target=/var/cache/apt,sharing=locked apt-get install -y git",
        "install Apt [git] cache-free",
    );
    check(
        RHEL,
        "RUN dnf install -y --setopt=install_weak_deps=False httpd && dnf clean all",
        "install Dnf [httpd] cache-free
         clean Dnf",
    );
    check(RHEL, "RUN microdnf install -y python3", "install Dnf [python3]");
    check(
        OTHER,
        "RUN zypper -n in curl && zypper clean -a",
        "install Zypper [curl] cache-free\nclean Zypper",
    );
    check(
        OTHER,
        "RUN pacman -Syu --noconfirm git && pacman -Scc --noconfirm",
        "install Pacman [git] cache-free\nclean Pacman",
    );
    check(DEBIAN, "RUN cat packages.txt | xargs apt-get install -y", "install Apt []");
    check(
        DEBIAN,
        "RUN sudo DEBIAN_FRONTEND=noninteractive apt-get -qq install -y git",
        "install Apt [git]",
    );
}

#[test]
fn node_packages() {
    check(ALPINE, "RUN npm ci", "install Npm [] locked");
    check(
        ALPINE,
        "RUN npm ci --omit=dev && npm cache clean --force",
        "install Npm [] locked production cache-free
         clean Npm",
    );
    check(
        ALPINE,
        "RUN npm ci --only=production && rm -rf ~/.npm",
        "install Npm [] locked production cache-free\nclean Npm\nremove ~/.npm",
    );
    check(
        ALPINE,
        "RUN npm install --production --legacy-peer-deps",
        "install Npm [] production against-peers",
    );
    check(ALPINE, "ENV NODE_ENV=production\nRUN npm ci", "install Npm [] locked production");
    check(ALPINE, "ENV NODE_ENV=production\nRUN npm ci --include=dev", "install Npm [] locked");
    check(
        ALPINE,
        "ENV NODE_ENV=production\nRUN NODE_ENV=development npm ci",
        "install Npm [] locked",
    );
    check(ALPINE, "RUN env NODE_ENV=production npm i", "install Npm [] production");
    check(ALPINE, "RUN npm install -g pm2@5 @nestjs/cli", "install Npm [pm2@5 @nestjs/cli] global");
    check(ALPINE, "RUN npm prune --omit=dev", "prune Npm");
    check(ALPINE, "RUN npm prune", "other npm prune");
    check(ALPINE, "RUN npm --prefix backend ci", "install Npm [] locked @/app/backend");
    check(
        ALPINE,
        "RUN cd backend/shared && npm ci && npm run build && cd .. && npm test",
        "install Npm [] locked @/app/backend/shared
         build npm run build @/app/backend/shared
         other npm test @/app/backend",
    );
    check(
        ALPINE,
        "RUN --mount=type=cache,target=/root/.npm npm ci",
        "install Npm [] locked cache-free",
    );
    check(
        ALPINE,
        "RUN --mount=type=cache,id=npm,dst=/home/node/.npm \\\n  npm ci",
        "install Npm [] locked cache-free",
    );
    check(
        ALPINE,
        "RUN yarn install --frozen-lockfile --production && yarn cache clean",
        "install Yarn [] locked production cache-free\nclean Yarn",
    );
    check(ALPINE, "RUN yarn", "install Yarn []");
    check(
        ALPINE,
        "ENV NODE_ENV=production\nRUN yarn install --immutable",
        "install Yarn [] locked",
    );
    check(ALPINE, "RUN yarn workspaces focus --production", "prune Yarn");
    check(ALPINE, "RUN yarn global add serve", "install Yarn [serve] global");
    check(
        ALPINE,
        "RUN corepack enable && pnpm i --frozen-lockfile --prod && pnpm store prune",
        "other corepack enable\ninstall Pnpm [] locked production cache-free\nclean Pnpm",
    );
    check(ALPINE, "ENV CI=true\nRUN pnpm install", "install Pnpm [] locked");
    check(ALPINE, "RUN pnpm install -P", "install Pnpm [] production");
    check(ALPINE, "RUN pnpm prune --prod", "prune Pnpm");
    check(
        ALPINE,
        "RUN bun install --frozen-lockfile --production",
        "install Bun [] locked production",
    );
}

#[test]
fn other_packages() {
    check(
        DEBIAN,
        "RUN pip install --no-cache-dir -r requirements.txt",
        "install Pip [] cache-free",
    );
    check(
        DEBIAN,
        "RUN pip3 install flask gunicorn==20.1.0",
        "install Pip [flask gunicorn==20.1.0]",
    );
    check(
        DEBIAN,
        "ENV PIP_NO_CACHE_DIR=off\nRUN python -m pip install -e .",
        "install Pip [.] cache-free",
    );
    check(
        DEBIAN,
        "RUN pip install --require-hashes -r requirements.txt && rm -rf /root/.cache",
        "install Pip [] locked cache-free\nclean Pip\nclean Uv\nclean Poetry\nclean Pipenv\nclean Composer\nremove /root/.cache",
    );
    check(
        DEBIAN,
        "RUN uv sync --frozen --no-dev --no-cache",
        "install Uv [] locked production cache-free",
    );
    check(
        DEBIAN,
        "RUN --mount=type=cache,target=/root/.cache/uv uv pip install -r requirements.txt",
        "install Uv [] cache-free",
    );
    check(
        DEBIAN,
        "RUN poetry install --no-root --only main",
        "install Poetry [] locked production",
    );
    check(DEBIAN, "RUN poetry install --without dev,test", "install Poetry [] locked production");
    check(DEBIAN, "RUN pipenv install --system --deploy", "install Pipenv [] locked production");
    check(DEBIAN, "RUN gem install bundler -v 2.5.1", "install Gem [bundler] global");
    check(
        DEBIAN,
        "RUN bundle config set --local deployment true && bundle config set --local without 'development test' && bundle install",
        "install Bundler [] locked production",
    );
    check(
        DEBIAN,
        "RUN cargo build --release --locked",
        "install Cargo [] locked\nbuild cargo build --release --locked",
    );
    check(
        DEBIAN,
        "RUN cargo install cargo-chef --locked",
        "install Cargo [cargo-chef] global locked",
    );
    check(
        DEBIAN,
        "RUN go mod download && CGO_ENABLED=0 go build -o /out/app ./cmd/app",
        "install Go [] locked\nbuild go build -o /out/app ./cmd/app",
    );
    check(
        DEBIAN,
        "RUN go install example.org/tool@latest",
        "install Go [example.org/tool@latest] global",
    );
    check(
        DEBIAN,
        "RUN composer install --no-dev --no-interaction",
        "install Composer [] locked production",
    );
    check(DEBIAN, "RUN mvn -B dependency:go-offline", "install Maven []");
    check(
        DEBIAN,
        "RUN ./mvnw -q package -DskipTests",
        "install Maven []\nbuild ./mvnw -q package -DskipTests",
    );
    check(
        DEBIAN,
        "RUN ./gradlew :app:bootJar --no-daemon",
        "install Gradle []\nbuild ./gradlew :app:bootJar --no-daemon",
    );
    check(
        DEBIAN,
        "RUN dotnet restore --locked-mode && dotnet publish -c Release --no-restore",
        "install Dotnet [] locked\nbuild dotnet publish -c Release --no-restore",
    );
}

#[test]
fn builds() {
    check(ALPINE, "RUN npm run build:prod", "build npm run build:prod");
    check(
        ALPINE,
        "RUN npm run compile && npm run lint",
        "build npm run compile\nother npm run lint",
    );
    check(ALPINE, "RUN yarn build", "build yarn build");
    check(ALPINE, "RUN pnpm --filter api run build", "build pnpm --filter api run build");
    check(ALPINE, "RUN npx tsc -p tsconfig.json", "build npx tsc -p tsconfig.json");
    check(ALPINE, "RUN tsc --noEmit", "other tsc --noEmit");
    check(ALPINE, "RUN ./node_modules/.bin/vite build", "build ./node_modules/.bin/vite build");
    check(ALPINE, "RUN npx turbo run build --filter=api", "build npx turbo run build --filter=api");
    check(
        DEBIAN,
        "RUN make -C src install && make clean",
        "build make -C src install @/app/src\nother make clean",
    );
    check(
        DEBIAN,
        "RUN python setup.py bdist_wheel && python -m build",
        "build python setup.py bdist_wheel\nbuild python -m build",
    );
    check(DEBIAN, "RUN gcc -o app main.c", "build gcc -o app main.c");
    check(DEBIAN, "RUN [\"npm\", \"run\", \"build\"]", "build npm run build");
    check(
        DEBIAN,
        "RUN [\"/bin/sh\", \"-c\", \"npm ci; npm run build\"]",
        "install Npm [] locked !\"npm ci; npm run build\"\nbuild npm run build",
    );
    check(
        DEBIAN,
        "RUN bash -lc 'npm ci && npm run build'",
        "install Npm [] locked\nbuild npm run build",
    );
}

#[test]
fn swallowed_failures() {
    // A `set -e` that the failure itself skips.
    check(ALPINE, "RUN npm ci && set -e; echo ok", "install Npm [] locked !; echo ok");
    check(ALPINE, "RUN npm run build || true", "build npm run build !|| true");
    check(ALPINE, "RUN npm ci 2>/dev/null || :", "install Npm [] locked !|| :");
    check(
        ALPINE,
        "RUN npm ci && npm run build || echo 'no build'",
        "install Npm [] locked !|| echo 'no build'\nbuild npm run build !|| echo 'no build'",
    );
    check(ALPINE, "RUN npm run build || exit 1", "build npm run build");
    check(ALPINE, "RUN npm run build || { echo failed >&2; exit 1; }", "build npm run build");
    check(ALPINE, "RUN npm run build || (echo failed && false)", "build npm run build");
    check(ALPINE, "RUN npm run build; true", "build npm run build !; true");
    check(
        ALPINE,
        "RUN npm ci ; npm run build",
        "install Npm [] locked !; npm run build\nbuild npm run build",
    );
    check(
        ALPINE,
        "RUN set -eux; npm ci; npm run build",
        "install Npm [] locked\nbuild npm run build",
    );
    check(
        ALPINE,
        "SHELL [\"/bin/sh\", \"-ec\"]\nRUN npm ci; npm run build",
        "install Npm [] locked\nbuild npm run build",
    );
    check(
        ALPINE,
        "RUN set -e; npm ci && true; npm run build",
        "install Npm [] locked !; npm run build\nbuild npm run build",
    );
    check(ALPINE, "RUN npm ci || npm install", "install Npm [] locked\ninstall Npm []");
    check(
        ALPINE,
        "RUN npm ci || (sleep 9 && npm i -f)",
        "install Npm [] locked\ninstall Npm [] against-peers",
    );
    check(
        ALPINE,
        "RUN npm ci --legacy-peer-deps; npm i -g yarn --force || true",
        "install Npm [] locked against-peers !; npm i -g yarn --force\n\
         install Npm [yarn] global !|| true",
    );
    check(
        ALPINE,
        "RUN npm ci || npm install || true",
        "install Npm [] locked !|| true\ninstall Npm [] !|| true",
    );
    check(
        ALPINE,
        "RUN chown -R node /app; chmod 755 /app || true",
        "chown node /app recursive\nchmod 755 /app !|| true",
    );
    check(
        ALPINE,
        "RUN npm run build | tee build.log",
        "build npm run build !tee build.log\nwrite /app/build.log \"\" dynamic",
    );
    check(
        DEBIAN,
        "SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN npm run build | tee build.log",
        "build npm run build\nwrite /app/build.log \"\" dynamic",
    );
    check(
        ALPINE,
        "RUN (npm ci; npm run build) || true",
        "install Npm [] locked !; npm run build\nbuild npm run build !|| true",
    );
    check(ALPINE, "RUN if npm run build; then echo ok; fi", "build npm run build !npm run build");
    check(ALPINE, "RUN if ! npm run build; then exit 1; fi", "build npm run build");
    check(
        ALPINE,
        "RUN <<EOF\nnpm ci\nnpm run build\nEOF",
        "install Npm [] locked !npm run build\nbuild npm run build",
    );
    check(
        ALPINE,
        "RUN <<EOF\nset -e\nnpm ci\nnpm run build\nEOF",
        "install Npm [] locked\nbuild npm run build",
    );
    check(
        ALPINE,
        "RUN for d in a b; do cd /src/$d && npm ci; done",
        "install Npm [] locked @/src/a !for d in a b; do cd /src/$d && npm ci; done\ninstall Npm [] locked @/src/b",
    );
    check(
        ALPINE,
        "RUN for d in a b; do (cd $d && npm ci) || exit 1; done",
        "install Npm [] locked @/app/a\ninstall Npm [] locked @/app/b",
    );
    check(ALPINE, "RUN b() { npm run build; }; b || true", "build npm run build !|| true");
    check(ALPINE, "RUN sh -c 'npm run build || true'", "build npm run build !|| true");
    check(ALPINE, "RUN npm run build & wait", "build npm run build !npm run build");
}

#[test]
fn written_files() {
    check(
        ALPINE,
        "RUN echo '#!/bin/sh' > /entry.sh && echo 'exec \"$@\"' >> /entry.sh && chmod +x /entry.sh",
        r##"
        write /entry.sh "#!/bin/sh\n"
        write /entry.sh "exec \"$@\"\n" append
        chmod +x /entry.sh"##,
    );
    check(
        ALPINE,
        "RUN { echo '#!/bin/sh'; echo 'set -e'; } > run.sh",
        r##"write /app/run.sh "#!/bin/sh\nset -e\n""##,
    );
    check(ALPINE, r"RUN echo 'a\nb' > f", r#"write /app/f "a\\nb\n""#);
    check(ALPINE, r"RUN echo -e 'a\nb' > f", r#"write /app/f "a\nb\n""#);
    check(DEBIAN, r"RUN echo 'a\nb' > f", r#"write /app/f "a\nb\n""#);
    check(DEBIAN, r"RUN echo -e 'a\nb' > f", r#"write /app/f "-e a\nb\n""#);
    check(RHEL, r"RUN echo 'a\nb' > f", r#"write /app/f "a\\nb\n""#);
    check(OTHER, r"RUN echo 'a\nb' > f", r#"write /app/f "a\\nb\n" dynamic"#);
    check(ALPINE, "RUN echo -n x > f", r#"write /app/f "x""#);
    check(
        ALPINE,
        "RUN printf '%s\\n' '#!/bin/sh' 'exec \"$@\"' > /e",
        r##"write /e "#!/bin/sh\nexec \"$@\"\n""##,
    );
    check(
        ALPINE,
        "RUN printf '#!/bin/sh\\nset -e\\n100%%\\n' > /e",
        r##"write /e "#!/bin/sh\nset -e\n100%\n""##,
    );
    check(ALPINE, "RUN printf '%5d' 3 > /e", r#"write /e "d" dynamic"#);
    check(
        ALPINE,
        "RUN cat <<'EOF' > /e\n#!/bin/sh\nexec \"$@\"\nEOF",
        r##"write /e "#!/bin/sh\nexec \"$@\"\n""##,
    );
    check(
        ALPINE,
        "ENV PORT=80\nRUN cat > /e <<EOF\nport \\$x $PORT\nEOF",
        r##"write /e "port $x 80\n""##,
    );
    check(
        ALPINE,
        "RUN cat <<EOF | tee -a /e /f >/dev/null\nhost $HOST\nEOF",
        r##"
        write /e "host $HOST\n" append dynamic
        write /f "host $HOST\n" append dynamic"##,
    );
    check(
        ALPINE,
        "RUN <<EOF\ncat > /e <<'E2'\n#!/bin/sh\nE2\nchmod +x /e\nEOF",
        r##"
        write /e "#!/bin/sh\n"
        chmod +x /e"##,
    );
    check(ALPINE, "RUN echo x | tee /e", r#"write /e "x\n""#);
    check(
        ALPINE,
        "RUN echo \"v=$(date)\" > /v; : > /empty; touch /a b",
        r#"
        other date
        write /v "v=$(…)\n" dynamic
        write /empty ""
        write /a "" append
        write /app/b "" append"#,
    );
    check(
        ALPINE,
        "ARG NAME=web\nRUN X=1; echo \"$NAME $X ${Y:-z}\" > /$NAME.conf",
        r#"write /web.conf "web 1 ${Y:-z}\n" dynamic"#,
    );
    check(
        ALPINE,
        "RUN for f in a b; do echo $f > /etc/$f; done",
        "write /etc/a \"a\\n\"\nwrite /etc/b \"b\\n\"",
    );
    check(
        ALPINE,
        "RUN curl -s x > /x 2>&1; echo hi >&2; echo no > /dev/null",
        "fetch curl -s x\nwrite /x \"\" dynamic",
    );
    check(ALPINE, "RUN { [ -f a ] && echo a; } > /x", r#"write /x "a\n" dynamic"#);
}

#[test]
fn written_text_maps_back() {
    let run =
        "RUN echo '#!/bin/sh' > /e && \\\n    printf '%s\\n' 'set -e' \"exec \\\"\\$@\\\"\" >> /e";
    let (file, effects) = lowered(ALPINE, run);
    let places: Vec<(String, String)> = effects
        .iter()
        .filter_map(|effect| match &effect.kind {
            EffectKind::Write { text, .. } => Some(text),
            _ => None,
        })
        .flat_map(|text| {
            let lines = String::from_utf8_lossy(text.text()).into_owned();
            let mut at = 0;
            let mut places = Vec::new();
            for line in lines.lines() {
                let span = text.span(TextRange::of(at, at + line.len()));
                places.push((line.to_owned(), slice(&file, span)));
                at += line.len() + 1;
            }
            places
        })
        .collect();
    let expected =
        [("#!/bin/sh", "#!/bin/sh"), ("set -e", "set -e"), ("exec \"$@\"", "exec \\\"\\$@\\\"")];
    let expected = expected.map(|(text, place)| (text.to_owned(), place.to_owned()));
    assert_eq!(places, expected);
    assert_eq!(slice(&file, effects[0].span), "echo '#!/bin/sh' > /e");
}

#[test]
fn files_and_modes() {
    check(DEBIAN, "RUN ls | xargs -r rm -rf", "other ls\nother rm -rf");
    check(
        ALPINE,
        "RUN mkdir -p logs /data && chown -R node:node logs /data",
        "mkdir /app/logs /data\nchown node:node /app/logs /data recursive",
    );
    check(ALPINE, "RUN mkdir -p /x/{a,b}", "mkdir /x/{a,b}");
    check(RHEL, "RUN mkdir -p /x/{a,b}/c", "mkdir /x/a/c /x/b/c");
    check(
        DEBIAN,
        "RUN install -d -o app -g app -m 0755 /data",
        "mkdir /data\nchown app:app /data\nchmod 0755 /data",
    );
    check(
        DEBIAN,
        "RUN install -m 755 app /usr/local/bin/app",
        "place /app/app -> /usr/local/bin/app\nchmod 755 /usr/local/bin/app",
    );
    check(
        ALPINE,
        "RUN ln -s ../lib/x /usr/bin/x && cp -r a b /c/ && mv d e",
        "place /usr/lib/x -> /usr/bin/x\nplace /app/a /app/b -> /c\nplace /app/d -> /app/e",
    );
    check(ALPINE, "RUN rm -rf /tmp/* ./src", "remove /tmp/* /app/src");
    check(ALPINE, "RUN sed -i 's/\\r$//' entrypoint.sh", "other sed -i s/\\r$// entrypoint.sh");
    check(
        ALPINE,
        "RUN chmod -R 755 /app && chmod u+s /bin/x && chmod -x /y && chmod 4755 z",
        "chmod 755 /app recursive\nchmod u+s /bin/x\nchmod -x /y\nchmod 4755 /app/z",
    );
    check(
        ALPINE,
        "RUN curl -fsSL https://example.org/a.tgz -o /tmp/a.tgz && git clone https://example.org/a.git /a",
        "fetch curl -fsSL https://example.org/a.tgz -o /tmp/a.tgz\nfetch git clone https://example.org/a.git /a",
    );
    check(
        DEBIAN,
        "RUN find / -xdev -perm /6000 -type f -exec chmod a-s {} + || true",
        "strip !|| true",
    );
    check(
        DEBIAN,
        "RUN find / -perm +6000 -type f -exec chmod a-s {} \\; || true",
        "strip !|| true",
    );
    check(
        DEBIAN,
        "RUN find / \\( -perm -4000 -o -perm -2000 \\) -type f | xargs -r chmod ug-s",
        "strip",
    );
    check(
        DEBIAN,
        "RUN find / -perm -4000 -exec chmod a-s {} +",
        "other find / -perm -4000 -exec chmod a-s {} +",
    );
    check(
        DEBIAN,
        "RUN find /app -perm /6000 -exec chmod a-s {} +",
        "other find /app -perm /6000 -exec chmod a-s {} +",
    );
}

#[test]
fn users_and_groups() {
    check(
        ALPINE,
        "RUN addgroup -g 1001 -S nodejs && adduser -S nodejs -u 1001 -G nodejs",
        "group nodejs 1001\nuser nodejs 1001:nodejs",
    );
    check(
        ALPINE,
        "RUN addgroup -S app && adduser -S app -u 1001",
        "group app ?\nuser app 1001:nogroup default",
    );
    check(
        ALPINE,
        "RUN adduser -D -H -h /data -s /sbin/nologin -u 1000 app",
        "user app 1000:? default",
    );
    check(
        ALPINE,
        "RUN adduser -DHSu1000 -Gapp app && addgroup app www-data && adduser app tty",
        "user app 1000:app\nother addgroup app www-data\nother adduser app tty",
    );
    check(DEBIAN, "RUN adduser --system --uid 1001 app", "user app 1001:nogroup default");
    check(DEBIAN, "RUN adduser --system --group --uid 1001 app", "user app 1001:1001");
    check(
        DEBIAN,
        "RUN addgroup --system --gid 1001 app && adduser --system --uid 1001 --ingroup app --no-create-home app",
        "group app 1001\nuser app 1001:app",
    );
    check(DEBIAN, "RUN adduser --disabled-password --gecos '' app", "user app ?:? default");
    check(
        DEBIAN,
        "RUN groupadd -r -g 999 app && useradd -r -u 999 -g app -d /app -s /bin/false -m app",
        "group app 999\nuser app 999:app",
    );
    check(
        DEBIAN,
        "ARG UID=1001\nRUN useradd -U -u $UID -G sudo app && usermod -u 5 app && usermod -aG tty app",
        "user app 1001:? default\nuser app 5:? default\nother usermod -aG tty app",
    );
    check(RHEL, "RUN adduser -r -u 1001 -g 0 app", "user app 1001:0");
}

#[test]
fn hostile_programs_end() {
    for text in [
        "RUN f() { f; f; }; f".to_owned(),
        format!("RUN {}", "for i in 1 2 3 4 5 6 7 8; do ".repeat(40)),
        format!("RUN a=xxxxxxxxxxxxxxxx; {} echo $a > /x", "a=$a$a$a$a; ".repeat(60)),
        format!("RUN {}", "true && ".repeat(20_000)),
        format!("RUN echo {}", "{a,b}".repeat(5_000)),
        format!("RUN mkdir {}", "{a,b}".repeat(5_000)),
        format!("RUN {}true", "npm ci || ".repeat(20_000)),
        format!("RUN {}", "eval eval ".repeat(5_000)),
        format!("RUN {}", "runuser -- ".repeat(5_000)),
        format!("RUN {}", "sh -c \"sh -c '".repeat(500)),
        "RUN chmod; chown; printf; printf --; cat; tee; find -perm; cd; su -c; bash -o; -; =; env; xargs; npm; go; pip; timeout 5; install; adduser; ln; mkdir -m; shift 9; eval; export; read; printf '%' > /x; echo '\\0777\\x\\' > /x".to_owned(),
    ] {
        for base in [ALPINE, RHEL] {
            let (_, effects) = lowered(base, &text);
            assert!(effects.len() <= super::MAX_EFFECTS);
        }
    }
}
