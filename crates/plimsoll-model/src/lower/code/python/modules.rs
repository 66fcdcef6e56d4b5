//! Which file an import names.

use plimsoll_source::FileId;

use super::super::graph::Graph;
use crate::ImageId;
use crate::filesystem::{Filesystem, Found};
use crate::path;

/// Where modules are looked for.
#[derive(Clone, Debug)]
pub(super) struct Search {
    pub(super) image: ImageId,
    pub(super) stage: usize,
    /// Directories of the image.
    pub(super) dirs: Vec<String>,
    /// Directories of the tree.
    pub(super) roots: Vec<String>,
}

/// What an import names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A module of the tree.
    File(FileId),
    /// A directory of the tree without `__init__.py`.
    Directory(String),
    /// A module of the standard library.
    Standard,
    /// A package that is not in the tree.
    Package,
}

impl Search {
    /// The module of a dotted name.
    pub(super) fn find(&self, graph: &Graph<'_>, name: &str) -> Target {
        let at = name.replace('.', "/");
        if !is_path(&at) {
            return Target::Package;
        }
        for root in &self.roots {
            if let Some(found) = path::join(root, &at).and_then(|at| in_tree(graph, &at)) {
                return found;
            }
        }
        for dir in &self.dirs {
            if let Some(file) = self.in_image(graph, dir, &at) {
                return Target::File(file);
            }
        }
        let top = name.split('.').next().unwrap_or(name);
        if STANDARD.contains(&top) || top.starts_with('_') {
            return Target::Standard;
        }
        // A package of this repository that is installed into the image.
        for package in graph.delivery.packages.iter().filter(|p| !p.is_node()) {
            let own = package.name.as_deref().map(|name| name.replace('-', "_").to_lowercase());
            if own.as_deref() != Some(&*top.to_lowercase()) {
                continue;
            }
            for root in ["", "src"] {
                let root = path::join(&package.dir, root);
                let at = root.and_then(|root| path::join(&root, &at));
                if let Some(found) = at.and_then(|at| in_tree(graph, &at)) {
                    return found;
                }
            }
        }
        Target::Package
    }

    /// The file of a module below a directory of the image.
    pub(super) fn in_image(&self, graph: &Graph<'_>, dir: &str, at: &str) -> Option<FileId> {
        let image = &graph.delivery[self.image];
        let files = Filesystem::new(graph.delivery, image);
        let dir = dir.trim_end_matches('/');
        ["/__init__.py", ".py"].iter().find_map(|end| {
            match files.find(self.stage, &format!("{dir}/{at}{end}")) {
                Found::File { file, .. } => Some(file),
                _ => None,
            }
        })
    }
}

/// The module at a path of the tree, without ending.
pub(super) fn in_tree(graph: &Graph<'_>, at: &str) -> Option<Target> {
    let tree = graph.cx.tree;
    let package = tree.find(&format!("{at}/__init__.py"));
    if let Some(file) = package.or_else(|| tree.find(&format!("{at}.py"))) {
        return Some(Target::File(file));
    }
    // A namespace package has modules below it. A top-level one gives way to what is installed.
    let name = path::name(at);
    let installed = graph.delivery.packages.iter().filter(|package| !package.is_node()).any(|p| {
        p.dependencies.iter().any(|one| one.name.replace('-', "_").eq_ignore_ascii_case(name))
    });
    let has_modules = || tree.under(at).take(256).any(|file| tree.path(file).ends_with(".py"));
    (tree.is_dir(at) && !installed && has_modules()).then(|| Target::Directory(at.to_owned()))
}

/// The directory that the names of a module begin in: of `svc/app/main.py` as `app.main` it is `svc`.
pub(super) fn root_of<'p>(file: &'p str, module: &str) -> Option<&'p str> {
    let stem = file.strip_suffix(".py")?;
    let stem = stem.strip_suffix("/__init__").unwrap_or(stem);
    let below = module.replace('.', "/");
    if stem == below {
        return Some("");
    }
    stem.strip_suffix(below.as_str())?.strip_suffix('/')
}

fn is_path(at: &str) -> bool {
    !at.is_empty() && at.split('/').all(|part| !part.is_empty() && part != "..")
}

/// The name of the distribution that gives a module, where it is another.
pub(super) fn distribution(module: &str) -> String {
    let known = DISTRIBUTIONS.iter().find(|(name, _)| *name == module);
    known.map_or_else(|| module.replace('_', "-").to_lowercase(), |(_, name)| (*name).to_owned())
}

const DISTRIBUTIONS: [(&str, &str); 68] = [
    ("argon2", "argon2-cffi"),
    ("ruamel", "ruamel-yaml"),
    ("pythonjsonlogger", "python-json-logger"),
    ("phonenumber_field", "django-phonenumber-field"),
    ("storages", "django-storages"),
    ("debug_toolbar", "django-debug-toolbar"),
    ("allauth", "django-allauth"),
    ("oauth2_provider", "django-oauth-toolkit"),
    ("import_export", "django-import-export"),
    ("crispy_forms", "django-crispy-forms"),
    ("guardian", "django-guardian"),
    ("markdown_it", "markdown-it-py"),
    ("drf_spectacular", "drf-spectacular"),
    ("stdnum", "python-stdnum"),
    ("nmap", "python-nmap"),
    ("opentelemetry", "opentelemetry-api"),
    ("PIL", "pillow"),
    ("yaml", "pyyaml"),
    ("cv2", "opencv-python"),
    ("sklearn", "scikit-learn"),
    ("bs4", "beautifulsoup4"),
    ("dotenv", "python-dotenv"),
    ("jose", "python-jose"),
    ("jwt", "pyjwt"),
    ("dateutil", "python-dateutil"),
    ("rest_framework", "djangorestframework"),
    ("rest_framework_simplejwt", "djangorestframework-simplejwt"),
    ("corsheaders", "django-cors-headers"),
    ("django_filters", "django-filter"),
    ("environ", "django-environ"),
    ("decouple", "python-decouple"),
    ("psycopg2", "psycopg2-binary"),
    ("MySQLdb", "mysqlclient"),
    ("mysql", "mysql-connector-python"),
    ("memcache", "python-memcached"),
    ("pymysql", "pymysql"),
    ("Crypto", "pycryptodome"),
    ("Cryptodome", "pycryptodomex"),
    ("OpenSSL", "pyopenssl"),
    ("nacl", "pynacl"),
    ("git", "gitpython"),
    ("github", "pygithub"),
    ("gitlab", "python-gitlab"),
    ("magic", "python-magic"),
    ("multipart", "python-multipart"),
    ("slugify", "python-slugify"),
    ("telegram", "python-telegram-bot"),
    ("socketio", "python-socketio"),
    ("engineio", "python-engineio"),
    ("ldap", "python-ldap"),
    ("docx", "python-docx"),
    ("pptx", "python-pptx"),
    ("fitz", "pymupdf"),
    ("serial", "pyserial"),
    ("usb", "pyusb"),
    ("zmq", "pyzmq"),
    ("attr", "attrs"),
    ("flask_sqlalchemy", "flask-sqlalchemy"),
    ("flask_cors", "flask-cors"),
    ("kafka", "kafka-python"),
    ("confluent_kafka", "confluent-kafka"),
    ("nats", "nats-py"),
    ("consul", "python-consul"),
    ("etcd3", "etcd3"),
    ("pkg_resources", "setuptools"),
    ("setuptools", "setuptools"),
    ("grpc", "grpcio"),
    ("sentry_sdk", "sentry-sdk"),
];

/// Modules of Python itself, of all versions in use.
#[rustfmt::skip]
pub(super) const STANDARD: [&str; 218] = [
    "abc", "aifc", "antigravity", "argparse", "array", "ast", "asynchat", "asyncio", "asyncore",
    "atexit", "audioop", "base64", "bdb", "binascii", "bisect", "builtins", "bz2", "cProfile",
    "calendar", "cgi", "cgitb", "chunk", "cmath", "cmd", "code", "codecs", "codeop",
    "collections", "colorsys", "compileall", "compression", "concurrent", "configparser",
    "contextlib", "contextvars", "copy", "copyreg", "crypt", "csv", "ctypes", "curses",
    "dataclasses", "datetime", "dbm", "decimal", "difflib", "dis", "distutils", "doctest",
    "email", "encodings", "ensurepip", "enum", "errno", "faulthandler", "fcntl", "filecmp",
    "fileinput", "fnmatch", "fractions", "ftplib", "functools", "gc", "genericpath", "getopt",
    "getpass", "gettext", "glob", "graphlib", "grp", "gzip", "hashlib", "heapq", "hmac", "html",
    "http", "idlelib", "imaplib", "imghdr", "imp", "importlib", "inspect", "io", "ipaddress",
    "itertools", "json", "keyword", "lib2to3", "linecache", "locale", "logging", "lzma",
    "mailbox", "mailcap", "marshal", "math", "mimetypes", "mmap", "modulefinder", "msilib",
    "msvcrt", "multiprocessing", "netrc", "nis", "nntplib", "nt", "ntpath", "nturl2path",
    "numbers", "opcode", "operator", "optparse", "os", "ossaudiodev", "pathlib", "pdb",
    "pickle", "pickletools", "pipes", "pkgutil", "platform", "plistlib", "poplib", "posix",
    "posixpath", "pprint", "profile", "pstats", "pty", "pwd", "py_compile", "pyclbr", "pydoc",
    "pydoc_data", "pyexpat", "queue", "quopri", "random", "re", "readline", "reprlib",
    "resource", "rlcompleter", "runpy", "sched", "secrets", "select", "selectors", "shelve",
    "shlex", "shutil", "signal", "site", "smtpd", "smtplib", "sndhdr", "socket", "socketserver",
    "spwd", "sqlite3", "sre_compile", "sre_constants", "sre_parse", "ssl", "stat", "statistics",
    "string", "stringprep", "struct", "subprocess", "sunau", "symtable", "sys", "sysconfig",
    "syslog", "tabnanny", "tarfile", "telnetlib", "tempfile", "termios", "textwrap", "this",
    "threading", "time", "timeit", "tkinter", "token", "tokenize", "tomllib", "trace",
    "traceback", "tracemalloc", "tty", "turtle", "turtledemo", "types", "typing", "unicodedata",
    "unittest", "urllib", "uu", "uuid", "venv", "warnings", "wave", "weakref", "webbrowser",
    "winreg", "winsound", "wsgiref", "xdrlib", "xml", "xmlrpc", "zipapp", "zipfile",
    "zipimport", "zlib", "zoneinfo",
];
