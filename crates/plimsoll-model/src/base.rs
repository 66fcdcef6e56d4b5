//! What well-known base images set: a shipped, dated table.
//!
//! Read off the images' published Dockerfiles and configurations. What is not here is unknown,
//! never guessed: its user, its entrypoint and its tools need the registry.

use plimsoll_source::Span;

use crate::fact::Fact;
use crate::image::{Config, Exec};
use crate::reference::ImageRef;

/// The day on which the table was last checked.
pub const TABLE_DATE: &str = "2026-11-01";

/// What kind of system an image holds: which `adduser`, which tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Alpine: BusyBox tools, apk.
    Alpine,
    /// Debian or Ubuntu: shadow tools, apt.
    Debian,
    /// Red Hat and its kin: shadow tools, dnf.
    Rhel,
    /// BusyBox alone.
    Busybox,
    /// No shell and no package manager.
    Distroless,
    /// Not known.
    Unknown,
}

/// A row of the table: images of one repository.
#[derive(Debug)]
pub struct BaseImage {
    /// `registry/repository`, `docker.io` where it is Docker Hub; a final `*` matches any rest.
    pub repository: &'static str,
    /// The user its configuration sets; `""` is root.
    pub user: &'static str,
    /// Users that it defines besides root: name, uid, gid.
    pub users: &'static [(&'static str, u32, u32)],
    /// Its entrypoint.
    pub entrypoint: &'static [&'static str],
    /// Its command.
    pub cmd: &'static [&'static str],
    /// Tools beyond its family's, by name.
    pub tools: &'static [&'static str],
    /// Its family when the tag does not say.
    pub family: Family,
}

const fn row(repository: &'static str, family: Family) -> BaseImage {
    BaseImage { repository, user: "", users: &[], entrypoint: &[], cmd: &[], tools: &[], family }
}

use Family::{Alpine, Busybox, Debian, Distroless, Rhel};

/// The table, most specific first.
pub static TABLE: &[BaseImage] = &[
    BaseImage {
        users: &[("node", 1000, 1000)],
        entrypoint: &["docker-entrypoint.sh"],
        cmd: &["node"],
        tools: &["node", "npm", "npx", "yarn", "corepack"],
        ..row("docker.io/library/node", Debian)
    },
    BaseImage {
        cmd: &["python3"],
        tools: &["python", "python3", "pip", "pip3"],
        ..row("docker.io/library/python", Debian)
    },
    BaseImage { cmd: &["bash"], tools: &["go"], ..row("docker.io/library/golang", Debian) },
    BaseImage { tools: &["cargo", "rustc", "rustup"], ..row("docker.io/library/rust", Debian) },
    BaseImage {
        cmd: &["irb"],
        tools: &["ruby", "gem", "bundle", "irb"],
        ..row("docker.io/library/ruby", Debian)
    },
    BaseImage {
        users: &[("www-data", 33, 33)],
        entrypoint: &["docker-php-entrypoint"],
        tools: &["php"],
        ..row("docker.io/library/php", Debian)
    },
    BaseImage { tools: &["composer", "php"], ..row("docker.io/library/composer", Alpine) },
    BaseImage {
        cmd: &["jshell"],
        tools: &["java", "javac", "jshell"],
        ..row("docker.io/library/eclipse-temurin", Debian)
    },
    BaseImage {
        cmd: &["jshell"],
        tools: &["java", "javac", "jshell"],
        ..row("docker.io/library/openjdk", Debian)
    },
    BaseImage { tools: &["java", "javac"], ..row("docker.io/library/amazoncorretto", Rhel) },
    BaseImage { tools: &["mvn", "java", "javac"], ..row("docker.io/library/maven", Debian) },
    BaseImage {
        users: &[("gradle", 1000, 1000)],
        tools: &["gradle", "java", "javac"],
        ..row("docker.io/library/gradle", Debian)
    },
    BaseImage {
        users: &[("nginx", 101, 101)],
        entrypoint: &["/docker-entrypoint.sh"],
        cmd: &["nginx", "-g", "daemon off;"],
        tools: &["nginx", "curl"],
        ..row("docker.io/library/nginx", Debian)
    },
    BaseImage {
        user: "101",
        users: &[("nginx", 101, 101)],
        entrypoint: &["/docker-entrypoint.sh"],
        cmd: &["nginx", "-g", "daemon off;"],
        tools: &["nginx", "curl"],
        ..row("docker.io/nginxinc/nginx-unprivileged", Debian)
    },
    BaseImage {
        users: &[("www-data", 33, 33)],
        cmd: &["httpd-foreground"],
        tools: &["httpd"],
        ..row("docker.io/library/httpd", Debian)
    },
    BaseImage {
        cmd: &["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"],
        tools: &["caddy"],
        ..row("docker.io/library/caddy", Alpine)
    },
    BaseImage {
        users: &[("postgres", 999, 999)],
        entrypoint: &["docker-entrypoint.sh"],
        cmd: &["postgres"],
        tools: &["psql", "pg_isready", "pg_dump"],
        ..row("docker.io/library/postgres", Debian)
    },
    BaseImage {
        users: &[("redis", 999, 999)],
        entrypoint: &["docker-entrypoint.sh"],
        cmd: &["redis-server"],
        tools: &["redis-cli"],
        ..row("docker.io/library/redis", Debian)
    },
    BaseImage {
        users: &[("bun", 1000, 1000)],
        tools: &["bun", "bunx"],
        ..row("docker.io/oven/bun", Debian)
    },
    BaseImage {
        users: &[("deno", 1000, 1000)],
        tools: &["deno"],
        ..row("docker.io/denoland/deno", Debian)
    },
    BaseImage { tools: &["docker"], ..row("docker.io/library/docker", Alpine) },
    BaseImage { cmd: &["sh"], ..row("docker.io/library/alpine", Alpine) },
    BaseImage { cmd: &["/bin/sh"], ..row("docker.io/library/busybox", Busybox) },
    BaseImage { cmd: &["bash"], ..row("docker.io/library/debian", Debian) },
    BaseImage { cmd: &["/bin/bash"], ..row("docker.io/library/ubuntu", Debian) },
    BaseImage { cmd: &["/bin/bash"], ..row("docker.io/library/fedora", Rhel) },
    BaseImage { cmd: &["/bin/bash"], ..row("docker.io/library/centos", Rhel) },
    BaseImage { cmd: &["/bin/bash"], ..row("docker.io/library/rockylinux", Rhel) },
    BaseImage { cmd: &["/bin/bash"], ..row("docker.io/library/almalinux", Rhel) },
    BaseImage {
        cmd: &["/bin/bash"],
        tools: &["curl"],
        ..row("docker.io/library/amazonlinux", Rhel)
    },
    BaseImage {
        cmd: &["/bin/bash"],
        tools: &["curl"],
        ..row("registry.access.redhat.com/ubi*", Rhel)
    },
    BaseImage { users: &[("nonroot", 65532, 65532)], ..row("gcr.io/distroless/*", Distroless) },
    BaseImage {
        user: "65532",
        users: &[("nonroot", 65532, 65532)],
        ..row("cgr.dev/chainguard/*", Distroless)
    },
    BaseImage {
        tools: &["dotnet"],
        users: &[("app", 1654, 1654)],
        ..row("mcr.microsoft.com/dotnet/*", Debian)
    },
];

/// Verified publishers of Docker Hub, mirrors of its official images, and registries that one vendor
/// fills with its own images: `registry/namespace`, or a registry alone. Checked on [`TABLE_DATE`].
pub static VERIFIED: &[&str] = &[
    "cgr.dev/chainguard",
    "container-registry.oracle.com",
    "docker.elastic.co",
    "docker.io/amazon",
    "docker.io/atlassian",
    "docker.io/bitnami",
    "docker.io/chainguard",
    "docker.io/confluentinc",
    "docker.io/datadog",
    "docker.io/denoland",
    "docker.io/docker",
    "docker.io/dynatrace",
    "docker.io/elastic",
    "docker.io/gitlab",
    "docker.io/grafana",
    "docker.io/hashicorp",
    "docker.io/intel",
    "docker.io/jetbrains",
    "docker.io/newrelic",
    "docker.io/nginxinc",
    "docker.io/nvidia",
    "docker.io/oven",
    "docker.io/redhat",
    "docker.io/redis",
    "docker.io/snyk",
    "docker.io/splunk",
    "docker.io/ubuntu",
    "gcr.io/distroless",
    "ghcr.io/astral-sh",
    "mcr.microsoft.com",
    "mirror.gcr.io/library",
    "nvcr.io/nvidia",
    "public.ecr.aws/amazonlinux",
    "public.ecr.aws/docker/library",
    "public.ecr.aws/lambda",
    "registry.access.redhat.com",
    "registry.k8s.io",
    "registry.redhat.io",
];

/// Whether an image is an official one or a verified publisher's.
#[must_use]
pub fn is_verified(reference: &ImageRef) -> bool {
    reference.is_official() || VERIFIED.iter().any(|namespace| is_below(reference, namespace))
}

/// Whether an image lies in a registry or in a namespace of one (`registry.example/team`;
/// `docker.io` may be left out).
#[must_use]
pub fn is_below(reference: &ImageRef, namespace: &str) -> bool {
    let full = format!("{}/{}", reference.registry, reference.repository);
    let namespace = namespace.trim_end_matches(['/', '*']);
    let below = |whole: &str| {
        let rest = whole.strip_prefix(namespace);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let on_hub = reference.registry == "docker.io" && !reference.is_official();
    !namespace.is_empty() && (below(&full) || on_hub && below(&reference.repository))
}

/// What an image repository is to its user: its row.
#[must_use]
pub fn known(reference: &ImageRef) -> Option<&'static BaseImage> {
    let there =
        |row: &BaseImage| row.repository.strip_prefix(&*reference.registry)?.strip_prefix('/');
    TABLE.iter().find(|row| {
        there(row).is_some_and(|repository| match repository.strip_suffix('*') {
            Some(prefix) => reference.repository.starts_with(prefix),
            None => reference.repository == repository,
        })
    })
}

/// The family of an image: what the tag says (`-alpine`, `-slim`, `bookworm`), else its row.
#[must_use]
pub fn family(reference: &ImageRef) -> Family {
    let tag = reference.tag.as_deref().unwrap_or("");
    let has = |words: &[&str]| {
        words.iter().any(|w| tag.split(['-', '_', '.']).any(|part| part.starts_with(w)))
    };
    if tag.contains("alpine") || tag.contains("alpine3") {
        return Alpine;
    }
    if has(&[
        "bookworm", "bullseye", "buster", "trixie", "slim", "jammy", "focal", "noble", "debian",
        "ubuntu", "stretch",
    ]) {
        return Debian;
    }
    if tag.contains("chiseled") {
        return Distroless;
    }
    known(reference).map_or(Family::Unknown, |row| row.family)
}

/// The user that an image's configuration sets, where known; `""` is root.
#[must_use]
pub fn user(reference: &ImageRef) -> Option<&'static str> {
    let row = known(reference)?;
    let tag = reference.tag.as_deref().unwrap_or("");
    if row.repository.starts_with("gcr.io/distroless")
        && tag.split('-').any(|part| part == "nonroot")
    {
        return Some("65532");
    }
    if row.repository.starts_with("cgr.dev/chainguard")
        && tag.ends_with("-dev")
        && reference.repository.ends_with("wolfi-base")
    {
        return Some("");
    }
    if row.repository.starts_with("mcr.microsoft.com/dotnet") && tag.contains("chiseled") {
        return Some("1654");
    }
    Some(row.user)
}

/// The tools that a family brings by itself, as far as probes and entrypoints use them.
#[must_use]
pub const fn family_tools(family: Family) -> &'static [&'static str] {
    match family {
        Alpine | Busybox => &[
            "sh", "wget", "nc", "test", "cat", "grep", "ps", "pgrep", "pidof", "kill", "sleep",
            "su", "ash", "netstat", "find",
        ],
        Debian => {
            &["sh", "bash", "dash", "test", "cat", "grep", "kill", "sleep", "su", "perl", "find"]
        }
        Rhel => &["sh", "bash", "test", "cat", "grep", "kill", "sleep", "su"],
        Distroless | Family::Unknown => &[],
    }
}

/// What an image's configuration starts a stage with; `at` is where it is named.
#[must_use]
pub fn config(reference: &ImageRef, at: Span) -> Config {
    let Some(row) = known(reference) else {
        return Config { base_unknown: true, ..Config::default() };
    };
    let exec = |words: &[&str]| {
        (!words.is_empty()).then(|| Exec {
            words: words.iter().map(|w| ((*w).to_owned(), at)).collect(),
            shell: false,
            shell_words: Vec::new(),
            span: at,
        })
    };
    let user = user(reference).filter(|user| !user.is_empty());
    Config {
        user: user.map(|user| (Fact::inferred(user.to_owned(), Some(at)), at)),
        entrypoint: exec(row.entrypoint),
        cmd: exec(row.cmd),
        ..Config::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reference: &str, expected_family: Family, expected_user: Option<&str>) {
        let reference = ImageRef::parse(reference).expect("a reference");
        assert_eq!(family(&reference), expected_family);
        assert_eq!(user(&reference), expected_user);
    }

    #[test]
    fn families_and_users() {
        check("node:20-alpine", Alpine, Some(""));
        check("node:20-bookworm-slim", Debian, Some(""));
        check("python:3.12", Debian, Some(""));
        check("gcr.io/distroless/static-debian12:nonroot", Distroless, Some("65532"));
        check("gcr.io/distroless/base", Distroless, Some(""));
        check("cgr.dev/chainguard/node:latest", Distroless, Some("65532"));
        check("registry.access.redhat.com/ubi9/ubi-minimal:9.4", Rhel, Some(""));
        check("acme/base:1", Family::Unknown, None);
    }
}
