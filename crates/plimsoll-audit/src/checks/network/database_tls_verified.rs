//! # No database configuration turns the verification of certificates off
//!
//! What the service connects to its database with for production (its code, the configuration of
//! its migrations) nowhere says `rejectUnauthorized: false`, in Python `tlsAllowInvalidCertificates=True`,
//! `ssl_verify_cert=False` or `verify_mode = ssl.CERT_NONE`.
//!
//! TLS without verification hides the traffic from those who listen, not from those who answer:
//! whoever stands between service and database presents a certificate of their own and reads every
//! row and password.
//!
//! Give the client the authority that signed the server's certificate: `ssl: { ca,
//! rejectUnauthorized: true }`.
//!
//! Where a variable of the environment decides (`process.env.X === 'true'`), what the deployment sets
//! it to counts; one that nothing sets is not `'true'`.
//!
//! Settings below a key `development` or `test` are not asked, nor is what other clients (an HTTP
//! agent, a mail server's) are given. Whether TLS is used at all is another question.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "api", "dependencies": { "knex": "3.1.0", "pg": "8.16.3" } }
//! ```
//! `main.js`:
//! ```js
//! ```
//! `knexfile.js`:
//! ```js
//! module.exports = {
//!   development: { client: "pg", connection: { ssl: { rejectUnauthorized: false } } },
//!   production: {
//!     client: "pg",
//!     connection: {
//!       host: process.env.DB_HOST,
//!       ssl: { rejectUnauthorized: false }, // <- accepts any certificate
//!     },
//!   },
//! };
//! ```
//!
//! In the code:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "api", "dependencies": { "pg": "8.16.3" } }
//! ```
//! `main.js`:
//! ```js
//! const { Pool } = require("pg");
//! const pool = new Pool({
//!   connectionString: process.env.DATABASE_URL,
//!   ssl: process.env.NODE_ENV === "production" ? { rejectUnauthorized: false } : false, // <- accepts any
//! });
//! ```
//!
//! By a variable that nothing sets:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "api", "dependencies": { "pg": "8.16.3" } }
//! ```
//! `main.js`:
//! ```js
//! const { Pool } = require("pg");
//! const pool = new Pool({
//!   connectionString: process.env.DATABASE_URL,
//!   ssl: { rejectUnauthorized: process.env.DB_TLS_VERIFY === "true" }, // <- accepts any
//! });
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     environment:
//!       DATABASE_URL: ${DATABASE_URL}
//! ```
//!
//! In Python:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . .
//! CMD ["python", "main.py"]
//! ```
//! `requirements.txt`:
//! ```text
//! pymongo==4.15.3
//! ```
//! `main.py`:
//! ```python
//! import os
//! from pymongo import MongoClient
//!
//! client = MongoClient(os.environ["MONGO_URL"], tls=True, tlsAllowInvalidCertificates=True) # <- accepts any
//! ```
//!
//! ## Fixed
//!
//! `knexfile.js`:
//! ```js
//! module.exports = { // <- turns no verification off
//!   development: { client: "pg", connection: { ssl: { rejectUnauthorized: false } } },
//!   production: {
//!     client: "pg",
//!     connection: { host: process.env.DB_HOST, ssl: { rejectUnauthorized: true } },
//!   },
//! };
//! ```
//!
//! ## Passes
//!
//! For development, and an agent for HTTP:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "api", "dependencies": { "pg": "8.16.3" } }
//! ```
//! `main.js`:
//! ```js
//! const { Pool } = require("pg");
//! require("./agent");
//! const pool = new Pool({ // <- turns no verification off
//!   connectionString: process.env.DATABASE_URL,
//!   ssl: process.env.NODE_ENV !== "production" ? { rejectUnauthorized: false } : true,
//! });
//! ```
//! `agent.js`:
//! ```js
//! const https = require("https");
//! exports.agent = new https.Agent({ rejectUnauthorized: false });
//! ```
//!
//! A program in Python, and the configuration of its migrations:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . .
//! CMD ["python", "main.py"]
//! ```
//! `requirements.txt`:
//! ```text
//! alembic==1.17.2
//! psycopg==3.2.12
//! ```
//! `alembic.ini`:
//! ```ini
//! [alembic]
//! script_location = migrations
//! ```
//! `migrations/env.py`:
//! ```python
//! from alembic import context
//! ```
//! `migrations/versions/0001_first.py`:
//! ```python
//! revision = "0001"
//! down_revision = None
//! ```
//! `main.py`:
//! ```python
//! import os
//! import psycopg
//!
//! store = psycopg.connect(os.environ["DATABASE_URL"]) # <- turns no verification off
//! ```
//!
//! By a variable that the deployment sets:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "api", "dependencies": { "pg": "8.16.3" } }
//! ```
//! `main.js`:
//! ```js
//! const { Pool } = require("pg");
//! const pool = new Pool({ // <- turns no verification off
//!   connectionString: process.env.DATABASE_URL,
//!   ssl: { rejectUnauthorized: process.env.DB_TLS_VERIFY === "true" },
//! });
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     environment:
//!       DB_TLS_VERIFY: "true"
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "api", "dependencies": { "pg": "8.16.3" } }
//! ```
//! `main.js`:
//! ```js
//! const { Pool } = require("pg");
//! const pool = new Pool({ connectionString: process.env.DATABASE_URL });
//! require("./generated/client"); // <- not followed
//! ```
//!
//! libpq encrypts, and verifies where the machine holds a root certificate at the place where it looks:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . .
//! CMD ["python", "main.py"]
//! ```
//! `requirements.txt`:
//! ```text
//! psycopg2==2.9.10
//! ```
//! `main.py`:
//! ```python
//! import os
//! import psycopg2
//!
//! connection = psycopg2.connect(os.environ["DATABASE_URL"], sslmode="require") # <- hangs on a value
//! ```
//!
//! Whoever deploys it says:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "api", "dependencies": { "pg": "8.16.3" } }
//! ```
//! `main.js`:
//! ```js
//! const { Pool } = require("pg");
//! const pool = new Pool({
//!   connectionString: process.env.DATABASE_URL,
//!   ssl: { rejectUnauthorized: process.env.DB_TLS_VERIFY === "true" }, // <- hangs on a value
//! });
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     environment:
//!       DB_TLS_VERIFY: ${DB_TLS_VERIFY}
//! ```

use plimsoll_model::Why;
use plimsoll_model::code::{Code, Language, Unless, Unverified, unverified};
use plimsoll_source::Span;

use crate::conditions::{CONFIGURES_A_DATABASE, HAS_IMAGE};
use crate::startup::{Start, starts};
use crate::supplied::Supply;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Section, ServiceSubject,
    Severity, Status, Subject, Verdict, mending, program, supplied,
};

pub(super) static CHECK: Check = Check {
    id: "network/database-tls-verified",
    section: Section::Compose,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_IMAGE, &CONFIGURES_A_DATABASE],
    source: include_str!("database_tls_verified.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

/// Packages that are clients of databases.
const CLIENTS: [&str; 14] = [
    "pg",
    "pg-promise",
    "postgres",
    "mysql",
    "mysql2",
    "mariadb",
    "mssql",
    "tedious",
    "knex",
    "sequelize",
    "typeorm",
    "mongoose",
    "mongodb",
    "drizzle-orm",
];

/// The same of Python.
const PYTHON: [&str; 13] = [
    "aiomysql",
    "asyncpg",
    "databases",
    "motor",
    "mysql",
    "mysqlclient",
    "psycopg",
    "psycopg2",
    "pymongo",
    "pymysql",
    "sqlalchemy",
    "sqlmodel",
    "tortoise-orm",
];

/// Whether what the code turns off is a database's: it stands below `ssl`, or in a module that
/// imports a client; in Python, its name is a database's, or the module imports a client.
fn of_database(code: &Code, place: &Unverified) -> bool {
    let file = place.at.file;
    let imports = || code.imports.iter().filter(|import| import.file == file);
    if code.language == Language::Python {
        let client = || imports().any(|import| PYTHON.contains(&&*import.package));
        return place.keys.iter().any(|key| !matches!(&**key, "ssl" | "verify_mode") || client());
    }
    place.keys.iter().any(|key| matches!(&**key, "ssl" | "NODE_TLS_REJECT_UNAUTHORIZED"))
        || imports().any(|import| CLIENTS.contains(&&*import.package))
}

/// Whether a place turns verification off somewhere where the service runs.
///
/// # Errors
/// Why that cannot be told, and where.
fn is_off(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    starts: &[Start<'_>],
    place: &Unverified,
) -> Result<bool, (Why, Span)> {
    let Unless::Variable { name, .. } = &place.unless else {
        return place.unless.verifies(None).map(|on| !on).ok_or((Why::Dynamic, place.at));
    };
    let mut doubt = None;
    for start in starts {
        match supplied::value(cx, service, start, name) {
            Ok(value) if place.unless.verifies(value.as_deref()) == Some(false) => return Ok(true),
            Ok(_) => {}
            Err((why, _)) => doubt = Some((why, place.at)),
        }
    }
    doubt.map_or(Ok(false), Err)
}

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    program::each(cx, service, |code| judge(cx, service, code))
}

/// What one of its programs, and the configuration of its migrations, say.
fn judge(cx: &Cx<'_>, service: ServiceSubject<'_>, code: Result<&Code, (Why, Span)>) -> Verdict {
    let migrations = service.migrations.map(|id| &cx.delivery[id]);
    let config = migrations.and_then(|migrations| migrations.config);
    let opened = code.ok().and_then(|code| code.opens.iter().find(|o| program::is_database(o)));
    let (mut places, mut doubt) = (Vec::new(), None);
    let settings = migrations.map(|migrations| migrations.settings(&cx.delivery.tree));
    for file in settings.unwrap_or_default() {
        match unverified(cx.delivery, file) {
            Ok(found) => places.extend(found),
            Err(why) => doubt = Some(why),
        }
    }
    match code {
        Ok(code) => {
            places.extend(code.unverified.iter().filter(|place| of_database(code, place)).cloned());
            doubt = doubt.or_else(|| program::gap(code));
        }
        Err(why) => doubt = doubt.or(Some(why)),
    }
    let starts = starts(cx, Subject::Service(service.id));
    let (mut off, mut open) = (Vec::new(), None);
    for place in places.iter().filter(|place| place.production) {
        match is_off(cx, service, &starts, place) {
            Ok(true) => off.push(place.at),
            Ok(false) => {}
            Err(why) => open = open.or(Some(why)),
        }
    }
    // The switch of Node for all of its connections.
    for start in starts {
        let name = "NODE_TLS_REJECT_UNAUTHORIZED";
        if let Supply::Given(at) = supplied::supply(cx, service, &start, name)
            && cx.text_of(at).is_some_and(|text| text.trim_end_matches(['"', '\'']).ends_with('0'))
        {
            off.push(at);
        }
    }
    off.sort_unstable();
    off.dedup();
    let mut off = off.into_iter().map(|at| Evidence::contradicts(at, "accepts any certificate"));
    if let Some(first) = off.next() {
        let message = "the database's certificate is not verified: give its authority as `ca`";
        return Verdict::fail(message, first).and_all(off);
    }
    if let Some((why, at)) = open {
        let message =
            "whether the database's certificate is verified hangs on a value: name the authority";
        return Verdict::unknown(why, message, Evidence::context(at, "hangs on a value"));
    }
    if let Some(why) = doubt {
        return program::unread(why);
    }
    let at = opened.map(|open| open.at).or(config.map(|file| cx.start_of(file)));
    let at = at.unwrap_or(service.place);
    let read = [Language::JavaScript, Language::Python];
    if code.is_ok_and(|code| !read.contains(&code.language)) {
        let message = "how clients of databases verify certificates is not read of this language";
        let evidence = Evidence::context(at, "its settings are not read");
        return Verdict::unknown(Why::Unsupported, message, evidence);
    }
    Verdict::pass(
        "no database configuration turns the verification of certificates off",
        Evidence::shows(at, "turns no verification off"),
    )
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "verify the certificate by the authority that made it, given as a file";
    let text = "ssl: { ca: readFileSync(process.env.DATABASE_CA_FILE, 'utf8') },\n";
    mending::sketched(cx, finding, does, "js", text)
}
