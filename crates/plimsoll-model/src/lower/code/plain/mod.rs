//! Programs that are compiled, by their tokens: what a plain reader of `main` is certain of, and no
//! more. Whatever else they do is behind a gap.

mod actix;
mod axum;
mod go;
mod java;
mod rust;
mod serve;
mod settings;
mod source;
mod spring;
mod value;

use plimsoll_source::{FileId, Span, TextRange};

use super::graph::Graph;
use crate::ContainerId;
use crate::code::{Code, Gap, Hides, Language, Listen, Opened, Resource, StartFailure};
use crate::fact::{Fact, How, Origin, Why};
use crate::service::Service;

/// The program of a service, or of one of its containers, where it is in one of these languages.
pub(super) fn read(
    graph: &Graph<'_>,
    service: &Service,
    only: Option<ContainerId>,
) -> Option<Code> {
    go::read(graph, service, only)
        .or_else(|| spring::read(graph, service, only))
        .or_else(|| serve::read(graph, service, only))
}

/// Where it listens; of addresses and TLS nothing is read.
fn listen(port: Fact<u16>, variables: Vec<String>, at: Span) -> Listen {
    let host = Fact::Absent;
    Listen { port, variables, host, host_variables: Vec::new(), tls: false, at }
}

/// A server that the start leads through.
fn server(at: Span) -> Opened {
    Opened {
        kind: Resource::Server,
        name: "server".to_owned(),
        at,
        at_start: true,
        via: None,
        address: None,
    }
}

/// A program that begins with a file, of which nothing is known yet.
fn unread(language: Language, file: FileId, at: Span) -> Code {
    let start = Span::new(file, TextRange::new(0, 0));
    Code {
        language,
        entry: Fact::Known { value: file, at: Origin::at(at), how: How::Inferred },
        modules: vec![file],
        gaps: vec![Gap { why: Why::Unsupported, at: start, hides: Hides::Anything }],
        listens: Vec::new(),
        routes: Vec::new(),
        handlers: Vec::new(),
        all_handlers: false,
        opens: Vec::new(),
        start_failure: StartFailure::Unknown(Why::Unsupported, Some(start)),
        environment: Vec::new(),
        writes: Vec::new(),
        imports: Vec::new(),
        unverified: Vec::new(),
        migrates: None,
    }
}
