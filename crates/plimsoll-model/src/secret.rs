//! Secrets: which files hold them, which names mean them, and the spans that no output may show.

use std::collections::BTreeMap;

use plimsoll_source::{FileId, Span, TextRange};

/// A file that holds, or by its name would hold, a secret.
#[derive(Clone, Debug)]
pub struct SecretFile {
    /// The file.
    pub file: FileId,
    /// What it is.
    pub kind: SecretKind,
    /// Why we say so.
    pub because: String,
    /// Where in it the secret stands; the first line when the whole file is one.
    pub span: Span,
}

/// What a secret file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretKind {
    /// A private key: PEM, PKCS, SSH.
    PrivateKey,
    /// A cryptocurrency wallet or keypair.
    Wallet,
    /// `.env` with values.
    DotEnv,
    /// Credentials: `.npmrc` with a token, service account JSON, `.pgpass`, `.netrc`, kubeconfig.
    Credentials,
    /// An example or template without real values.
    Example,
}

/// All that is known of secrets in a tree.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// The files, in path order.
    pub files: Vec<SecretFile>,
    /// Ranges that no output may show, sorted, per file.
    pub masked: BTreeMap<FileId, Vec<TextRange>>,
}
