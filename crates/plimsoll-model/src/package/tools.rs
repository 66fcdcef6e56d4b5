//! What common command-line tools are: the package that brings each, the options that take a value,
//! and which of those values, and which operands, name files that must exist.

use std::sync::LazyLock;

use foldhash::HashMap;

/// Programs that come with Node, npm and every system that runs them.
const BUILTIN: [&str; 70] = [
    ".", ":", "[", "awk", "basename", "break", "cat", "cd", "chmod", "chown", "command",
    "continue", "corepack", "cp", "cut", "date", "dirname", "du", "echo", "env", "eval", "exec",
    "exit", "export", "expr", "false", "find", "grep", "gunzip", "gzip", "head", "hostname", "id",
    "kill", "ln", "ls", "mkdir", "mktemp", "mv", "node", "nohup", "npm", "npx", "printf", "ps",
    "pwd", "read", "return", "rm", "rmdir", "sed", "set", "sh", "shift", "sleep", "sort", "source",
    "tail", "tar", "tee", "test", "touch", "tr", "trap", "true", "uname", "unset", "wait", "wc",
    "xargs",
];

/// Programs of the machine that no npm package is meant to bring.
const SYSTEM: [&str; 50] = [
    "ansible-playbook",
    "aws",
    "az",
    "bash",
    "brew",
    "bundle",
    "cargo",
    "code",
    "cosign",
    "curl",
    "dbmate",
    "docker",
    "docker-compose",
    "dotnet",
    "flyway",
    "gcloud",
    "gh",
    "git",
    "go",
    "goose",
    "gradle",
    "grpcurl",
    "helm",
    "java",
    "jq",
    "k6",
    "kubectl",
    "make",
    "migrate",
    "mvn",
    "mysql",
    "mysqldump",
    "openssl",
    "pg_dump",
    "pip",
    "podman",
    "protoc",
    "psql",
    "python",
    "python3",
    "redis-cli",
    "rsync",
    "ruby",
    "scp",
    "sqlite3",
    "ssh",
    "terraform",
    "wget",
    "zip",
    "zsh",
];

/// Binary and the packages that bring it, where that is not the package of the same name.
const BRINGS: &[(&str, &[&str])] = &[
    ("babel", &["@babel/cli"]),
    ("babel-node", &["@babel/node"]),
    ("biome", &["@biomejs/biome"]),
    ("changeset", &["@changesets/cli"]),
    ("commitlint", &["@commitlint/cli"]),
    ("cpx", &["cpx", "cpx2"]),
    ("cross-env-shell", &["cross-env"]),
    ("dotenv", &["dotenv-cli"]),
    ("dotenvx", &["@dotenvx/dotenvx"]),
    ("expo", &["expo", "expo-cli"]),
    ("graphql-codegen", &["@graphql-codegen/cli"]),
    ("jest", &["jest", "jest-cli"]),
    ("ncc", &["@vercel/ncc"]),
    ("nest", &["@nestjs/cli"]),
    ("ng", &["@angular/cli"]),
    ("openapi-generator-cli", &["@openapitools/openapi-generator-cli"]),
    ("playwright", &["@playwright/test", "playwright"]),
    ("pm2-runtime", &["pm2"]),
    ("redocly", &["@redocly/cli"]),
    ("remix", &["@remix-run/dev"]),
    ("run-p", &["npm-run-all", "npm-run-all2"]),
    ("run-s", &["npm-run-all", "npm-run-all2"]),
    ("npm-run-all", &["npm-run-all", "npm-run-all2"]),
    ("sentry-cli", &["@sentry/cli"]),
    ("sequelize", &["sequelize-cli"]),
    ("sequelize-cli", &["sequelize-cli"]),
    ("swc", &["@swc/cli"]),
    ("tsc", &["typescript"]),
    ("tsnd", &["ts-node-dev"]),
    ("ts-node-esm", &["ts-node"]),
    ("ts-node-script", &["ts-node"]),
    ("tsserver", &["typescript"]),
    ("typeorm", &["typeorm"]),
    ("typeorm-ts-node-commonjs", &["typeorm"]),
    ("typeorm-ts-node-esm", &["typeorm"]),
    ("vue-cli-service", &["@vue/cli-service"]),
    ("webpack", &["webpack-cli", "webpack"]),
];

/// Whether a program comes with Node or any system.
pub(super) fn is_builtin(binary: &str) -> bool {
    BUILTIN.contains(&binary)
}

/// Whether a program is one of the machine's.
pub(super) fn is_system(binary: &str) -> bool {
    SYSTEM.contains(&binary)
}

/// Whether a package of this name brings the binary, as far as names tell.
pub(super) fn brings(package: &str, binary: &str) -> bool {
    brought_by(binary).map_or(package == binary, |packages| packages.contains(&package))
}

/// The packages that bring a binary, as far as names tell.
pub(super) fn bring(binary: &str) -> impl Iterator<Item = &str> {
    let own = brought_by(binary).is_none().then_some(binary);
    brought_by(binary).unwrap_or_default().iter().copied().chain(own)
}

/// The row of a binary.
fn brought_by(binary: &str) -> Option<&'static [&'static str]> {
    static ROWS: LazyLock<HashMap<&str, &[&str]>> =
        LazyLock::new(|| BRINGS.iter().copied().collect());
    ROWS.get(binary).copied()
}

/// Binaries of packages of the same name that need no table of options.
const OWN: [&str; 12] = [
    "ava",
    "c8",
    "concurrently",
    "cross-env",
    "del-cli",
    "husky",
    "next",
    "nyc",
    "rimraf",
    "standard",
    "tap",
    "xo",
];

/// Whether it is known which packages bring a binary: then the names of packages decide, even where
/// a lockfile does not say which binaries they bring.
pub(super) fn is_known(binary: &str) -> bool {
    OWN.contains(&binary)
        || brought_by(binary).is_some()
        || (tool(binary).is_some() && !is_builtin(binary) && !is_system(binary))
}

/// What an option's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// A configuration file.
    Config,
    /// A file that is read or run.
    Input,
    /// A module: a path, or the name of a package.
    Module,
    /// A directory or file that is made.
    Output,
    /// Something else.
    Text,
}

/// What a tool's operands are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operands {
    /// The first is the program that runs; the rest are its arguments.
    Program,
    /// As for a program, but TypeScript, too, is run as it stands.
    Source,
    /// Files and directories that must exist (globs aside).
    Inputs,
    /// Files that must exist, the last one aside, which is made.
    InputsThenOutput,
    /// Made.
    Outputs,
    /// Patterns, names, sub-commands.
    Text,
}

/// How a tool's command line is read.
pub(super) struct Tool {
    /// Names of the binary.
    pub(super) names: &'static [&'static str],
    /// Its operands.
    pub(super) operands: Operands,
    /// Sub-commands that stand before the operands.
    pub(super) verbs: &'static [&'static str],
    /// Options that take a value.
    pub(super) options: &'static [(&'static str, Takes)],
}

use Takes::{Config, Input, Module, Output, Text};

/// Tools whose command lines are known; of all others, nothing is concluded.
const TOOLS: &[Tool] = &[
    Tool {
        names: &["node", "babel-node"],
        operands: Operands::Program,
        verbs: &[],
        options: &[
            ("-r", Module),
            ("--require", Module),
            ("--import", Module),
            ("--loader", Module),
            ("--experimental-loader", Module),
            ("--env-file", Input),
            ("-C", Text),
            ("--conditions", Text),
            ("-e", Text),
            ("--eval", Text),
            ("-p", Text),
            ("--print", Text),
            ("--test-name-pattern", Text),
            ("--test-reporter", Text),
            ("--title", Text),
            ("--icu-data-dir", Text),
            ("--watch-path", Input),
            ("--run", Text),
        ],
    },
    Tool {
        names: &["ts-node", "ts-node-esm", "ts-node-script", "ts-node-dev", "tsnd", "tsx"],
        operands: Operands::Source,
        verbs: &["watch"],
        options: &[
            ("-r", Module),
            ("--require", Module),
            ("--import", Module),
            ("--loader", Module),
            ("-P", Config),
            ("--project", Config),
            ("--tsconfig", Config),
            ("--env-file", Input),
            ("-O", Text),
            ("--compilerOptions", Text),
            ("--compiler-options", Text),
            ("-e", Text),
            ("--eval", Text),
            ("-p", Text),
            ("--print", Text),
            ("--cwd", Text),
            ("--dir", Text),
            ("-D", Text),
            ("--ignoreDiagnostics", Text),
            ("--ignore-diagnostics", Text),
            ("-I", Text),
            ("--ignore", Text),
            ("--watch", Text),
            ("--ignore-watch", Text),
            ("--include", Text),
            ("--exclude", Text),
            ("-C", Text),
            ("--compiler", Text),
        ],
    },
    Tool {
        names: &["nodemon"],
        operands: Operands::Source,
        verbs: &[],
        options: &[
            ("--config", Config),
            ("-r", Module),
            ("--require", Module),
            ("-x", Text),
            ("--exec", Text),
            ("-w", Text),
            ("--watch", Text),
            ("-e", Text),
            ("--ext", Text),
            ("-i", Text),
            ("--ignore", Text),
            ("-d", Text),
            ("--delay", Text),
            ("--signal", Text),
            ("-s", Text),
            ("--cwd", Text),
        ],
    },
    Tool {
        names: &["pm2", "pm2-runtime"],
        operands: Operands::Program,
        verbs: &["start"],
        options: &[
            ("-i", Text),
            ("--instances", Text),
            ("--name", Text),
            ("-n", Text),
            ("--env", Text),
        ],
    },
    Tool {
        names: &["sh", "bash", "zsh", "source", ".", "python", "python3"],
        operands: Operands::Program,
        verbs: &[],
        options: &[("-c", Text), ("-m", Text), ("-o", Text)],
    },
    Tool {
        names: &["tsc"],
        operands: Operands::Inputs,
        verbs: &[],
        options: &[
            ("-p", Config),
            ("--project", Config),
            ("--outDir", Output),
            ("--outdir", Output),
            ("--rootDir", Text),
            ("--declarationDir", Output),
            ("--outFile", Output),
            ("--module", Text),
            ("-m", Text),
            ("--target", Text),
            ("-t", Text),
            ("--lib", Text),
            ("--moduleResolution", Text),
            ("--jsx", Text),
            ("--types", Text),
            ("--typeRoots", Text),
            ("--baseUrl", Text),
            ("--tsBuildInfoFile", Output),
            ("--locale", Text),
        ],
    },
    Tool {
        names: &["eslint"],
        operands: Operands::Inputs,
        verbs: &[],
        options: &[
            ("-c", Config),
            ("--config", Config),
            ("--ext", Text),
            ("--ignore-path", Input),
            ("--ignore-pattern", Text),
            ("--max-warnings", Text),
            ("--concurrency", Text),
            ("-f", Text),
            ("--format", Text),
            ("-o", Output),
            ("--output-file", Output),
            ("--cache-location", Output),
            ("--cache-file", Output),
            ("--cache-strategy", Text),
            ("--rulesdir", Input),
            ("--rule", Text),
            ("--parser", Text),
            ("--parser-options", Text),
            ("--plugin", Text),
            ("--env", Text),
            ("--global", Text),
            ("--resolve-plugins-relative-to", Text),
            ("--fix-type", Text),
            ("--report-unused-disable-directives-severity", Text),
            ("--flag", Text),
            ("--stdin-filename", Text),
        ],
    },
    Tool {
        names: &["knex"],
        operands: Operands::Text,
        verbs: &[],
        options: &[
            ("--knexfile", Config),
            ("--env", Text),
            ("-x", Text),
            ("--cwd", Text),
            ("--client", Text),
        ],
    },
    Tool {
        names: &["prisma"],
        operands: Operands::Text,
        verbs: &[],
        options: &[("--schema", Config), ("--config", Config), ("--name", Text), ("-n", Text)],
    },
    Tool {
        names: &[
            "jest",
            "vitest",
            "webpack",
            "vite",
            "tsup",
            "playwright",
            "stylelint",
            "prettier",
            "drizzle-kit",
            "nest",
        ],
        operands: Operands::Text,
        verbs: &[],
        options: &[("-c", Config), ("--config", Config)],
    },
    Tool {
        names: &["mocha"],
        operands: Operands::Text,
        verbs: &[],
        options: &[
            ("--config", Config),
            ("-r", Module),
            ("--require", Module),
            ("--opts", Config),
            ("--file", Input),
        ],
    },
    Tool {
        names: &["cypress", "swc", "babel", "node-pg-migrate"],
        operands: Operands::Text,
        verbs: &[],
        options: &[
            ("--config-file", Config),
            ("-d", Output),
            ("--out-dir", Output),
            ("-o", Output),
            ("--out-file", Output),
        ],
    },
    Tool {
        names: &["esbuild"],
        operands: Operands::Inputs,
        verbs: &[],
        options: &[("--tsconfig", Config), ("--outfile", Output), ("--outdir", Output)],
    },
    Tool {
        names: &["typeorm", "typeorm-ts-node-commonjs", "typeorm-ts-node-esm"],
        operands: Operands::Text,
        verbs: &[],
        options: &[("-d", Input), ("--dataSource", Input), ("-f", Config), ("--config", Config)],
    },
    Tool {
        names: &["tsc-alias", "tsconfig-paths"],
        operands: Operands::Text,
        verbs: &[],
        options: &[("-p", Config), ("--project", Config)],
    },
    Tool {
        names: &["docker-compose"],
        operands: Operands::Text,
        verbs: &[],
        options: &[("-f", Input), ("--file", Input), ("--env-file", Input)],
    },
    Tool {
        names: &["env-cmd"],
        operands: Operands::Text,
        verbs: &[],
        options: &[("-f", Input), ("--file", Input)],
    },
    Tool {
        names: &["cat", "cd", "head", "tail", "wc"],
        operands: Operands::Inputs,
        verbs: &[],
        options: &[("-n", Text), ("-c", Text)],
    },
    Tool {
        names: &["cp", "mv", "ln", "cpy", "cpx", "copyfiles", "ncp", "shx"],
        operands: Operands::InputsThenOutput,
        verbs: &["cp", "mv", "ln"],
        options: &[("-u", Text), ("--up", Text), ("-e", Text), ("--exclude", Text)],
    },
    Tool {
        names: &[
            "mkdir", "touch", "tee", "mkdirp", "make-dir", "curl", "wget", "tar", "unzip", "git",
            "degit", "rsync", "sed", "openssl", "ncc",
        ],
        operands: Operands::Outputs,
        verbs: &["build", "clone"],
        options: &[
            ("-o", Output),
            ("-O", Output),
            ("--output", Output),
            ("-C", Output),
            ("-out", Output),
        ],
    },
];

/// How a binary's command line is read.
pub(super) fn tool(binary: &str) -> Option<&'static Tool> {
    static NAMED: LazyLock<HashMap<&str, &Tool>> = LazyLock::new(|| {
        // The first of two counts.
        let all =
            TOOLS.iter().rev().flat_map(|tool| tool.names.iter().map(move |name| (*name, tool)));
        all.collect()
    });
    NAMED.get(binary).copied()
}

/// Compilers and bundlers: what they make is known only where a reader for their configuration is.
const BUNDLERS: &[&str] = &[
    "babel",
    "bun",
    "esbuild",
    "gulp",
    "lerna",
    "microbundle",
    "ncc",
    "nest",
    "next",
    "ng",
    "nuxt",
    "nx",
    "parcel",
    "pkg",
    "rollup",
    "rspack",
    "swc",
    "tsup",
    "tsdown",
    "turbo",
    "unbuild",
    "vite",
    "webpack",
    "wireit",
    "make",
    "docker",
    "node",
    "tsx",
    "ts-node",
    "deno",
    "grunt",
    "remix",
];

/// Whether a tool may write anything anywhere.
pub(super) fn is_bundler(binary: &str) -> bool {
    BUNDLERS.contains(&binary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_name_each_tool_once() {
        assert!(BUILTIN.is_sorted() && SYSTEM.is_sorted() && OWN.is_sorted());
        let mut names: Vec<_> = TOOLS.iter().flat_map(|tool| tool.names).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(brings("typescript", "tsc") && brings("rimraf", "rimraf"));
        assert!(!brings("dotenv", "dotenv"));
    }
}
