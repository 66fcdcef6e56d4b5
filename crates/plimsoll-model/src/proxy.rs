//! Reverse proxies: what Caddy and nginx are configured to do, imports and includes put in place.

use plimsoll_source::{FileId, Span};
use plimsoll_syntax::caddyfile::{Placeholder, placeholders};
use plimsoll_syntax::directives::Word;

use crate::ContainerId;
use crate::purpose::Purpose;

/// A configuration file of a proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// The file.
    pub file: FileId,
    /// Who reads it.
    pub server: Server,
    /// What it is for.
    pub purpose: Purpose,
    /// Its directives, in text order; what an import brings stands below the import.
    pub nodes: Vec<Node>,
    /// Indices of those of the top level.
    pub roots: Vec<usize>,
    /// Its sites.
    pub sites: Vec<Site>,
    /// Where it hands requests on; each once, however often it is imported.
    pub routes: Vec<Route>,
    /// Who is given it, and where that is said.
    pub mounts: Vec<ProxyMount>,
    /// The files that import or include it.
    pub included_by: Vec<FileId>,
    /// Imports and includes that lead to nothing in the tree.
    pub unresolved: Vec<Span>,
    /// It has errors: parts of it may not be read.
    pub broken: bool,
}

/// Proxies that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "their names")]
pub enum Server {
    Caddy,
    Nginx,
}

/// A directive in its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name; empty for Caddy's block of options.
    pub name: String,
    /// What follows its name.
    pub args: Vec<Word>,
    /// Its words.
    pub head: Span,
    /// With its block.
    pub whole: Span,
    /// Whether it has a block.
    pub block: bool,
    /// Indices of what its block holds, or what it imports.
    pub children: Vec<usize>,
    /// Index of what it stands in.
    pub parent: Option<usize>,
    /// It stands here through an import.
    pub imported: bool,
}

impl Node {
    /// The text of its first argument; empty without one.
    #[must_use]
    pub fn first(&self) -> &str {
        self.arg(0)
    }

    /// The text of an argument; empty where there is none.
    #[must_use]
    pub fn arg(&self, index: usize) -> &str {
        self.args.get(index).map_or("", |word| &word.text)
    }

    /// Whether it has an argument of this text.
    #[must_use]
    pub fn has(&self, text: &str) -> bool {
        self.args.iter().any(|word| word.text == text)
    }

    /// The variables of the environment that its words ask for (Caddy).
    pub fn placeholders(&self) -> impl Iterator<Item = (Placeholder, Span)> + '_ {
        self.args.iter().flat_map(|word| {
            let span = word.span;
            placeholders(word).into_iter().map(move |placeholder| (placeholder, span))
        })
    }
}

/// What answers for some addresses: a site of Caddy, a `server` of nginx.
#[derive(Clone, Debug)]
pub struct Site {
    /// Host names, without scheme and port; empty where it answers for all.
    pub hosts: Vec<String>,
    /// Ports that are written; TLS where it is said (`https://`, `ssl`).
    pub listens: Vec<Listen>,
    /// Its addresses, or the word `server`.
    pub head: Span,
    /// Index of its block; `None` for a Caddyfile of one site without braces.
    pub node: Option<usize>,
    /// Indices of what it holds.
    pub body: Vec<usize>,
}

/// An address that a site listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The port, where one is written or implied.
    pub port: Option<u16>,
    /// Whether it speaks TLS; `None` where the proxy decides.
    pub tls: Option<bool>,
    /// Where it stands.
    pub span: Span,
}

/// A place that hands requests on: `reverse_proxy`, `proxy_pass`.
#[derive(Clone, Debug)]
pub struct Route {
    /// Index of its directive.
    pub node: usize,
    /// Its words.
    pub head: Span,
    /// Where requests go.
    pub upstreams: Vec<Upstream>,
    /// Where requests go depends on a variable or on a template.
    pub dynamic: bool,
    /// Index of the directive that holds its options: itself, or nginx's `upstream`.
    pub options: usize,
}

/// One place that requests go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// As written.
    pub text: String,
    /// The host.
    pub host: String,
    /// The port; 80 or 443 where a scheme says so and nothing else does.
    pub port: Option<u16>,
    /// `https://`, `h2c://` …
    pub scheme: Option<String>,
    /// Where it stands.
    pub span: Span,
}

/// Someone who is given a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyMount {
    /// The container.
    pub container: ContainerId,
    /// The mount, or the COPY of its image.
    pub span: Span,
    /// Where it is seen in the container.
    pub target: String,
    /// The index in `Container::optional` of the file that adds it, if one does.
    pub overlay: Option<usize>,
}

impl Proxy {
    /// Directives of this name, wherever they stand.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> + 'a {
        self.nodes.iter().filter(move |node| node.name == name)
    }

    /// What a variable is set to: by `set`, and by a `map`.
    pub fn values_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        let is = move |text: &str| text.strip_prefix('$').is_some_and(|text| text == name);
        let set = self.named("set").filter(move |node| is(node.first())).map(|node| node.arg(1));
        let maps = self.named("map").filter(move |node| is(node.arg(1)));
        let mapped = maps.flat_map(|map| map.children.iter().filter_map(|at| self.nodes.get(*at)));
        set.chain(mapped.map(Node::first))
    }

    /// Directives of this name in the block of another.
    pub fn within<'a>(&'a self, node: usize, name: &'a str) -> impl Iterator<Item = &'a Node> + 'a {
        let children = self.nodes.get(node).map_or(&[][..], |node| &node.children);
        self.flat(children).filter_map(|at| self.nodes.get(at)).filter(move |n| n.name == name)
    }

    /// What stands at this level, imports opened.
    pub fn flat<'a>(&'a self, level: &'a [usize]) -> impl Iterator<Item = usize> + 'a {
        let mut left: Vec<usize> = level.iter().rev().copied().collect();
        std::iter::from_fn(move || {
            loop {
                let at = left.pop()?;
                let node = self.nodes.get(at)?;
                if !is_import(self.server, &node.name) || node.children.is_empty() {
                    return Some(at);
                }
                left.extend(node.children.iter().rev());
            }
        })
    }

    /// Every directive below these, they included, in text order.
    pub fn below<'a>(&'a self, level: &'a [usize]) -> impl Iterator<Item = &'a Node> + 'a {
        let mut left: Vec<usize> = level.iter().rev().copied().collect();
        std::iter::from_fn(move || {
            let node = self.nodes.get(left.pop()?)?;
            left.extend(node.children.iter().rev());
            Some(node)
        })
    }

    /// What a directive stands in, innermost first; imports are read over.
    pub fn above(&self, node: usize) -> impl Iterator<Item = (usize, &Node)> + '_ {
        let start = self.nodes.get(node).and_then(|node| node.parent);
        let chain = std::iter::successors(start, |at| self.nodes.get(*at)?.parent);
        chain
            .filter_map(|at| Some((at, self.nodes.get(at)?)))
            .filter(|(_, node)| !is_import(self.server, &node.name))
    }

    /// The directives of this name that hold for another: those of the nearest block around it that
    /// has any, its own first. An inner block of nginx takes the place of an outer one.
    #[must_use]
    pub fn in_effect<'a>(&'a self, node: usize, name: &'a str) -> Vec<&'a Node> {
        let around = self.above(node).map(|(at, _)| at);
        let of_blocks = std::iter::once(node).chain(around).map(|at| self.within(at, name));
        let nearest = of_blocks.map(Iterator::collect::<Vec<_>>).find(|found| !found.is_empty());
        nearest.unwrap_or_else(|| {
            let top = self.flat(&self.roots).filter_map(|at| self.nodes.get(at));
            top.filter(|node| node.name == name).collect()
        })
    }

    /// The site that a directive stands in.
    #[must_use]
    pub fn site_of(&self, node: usize) -> Option<&Site> {
        let top = self.above(node).map(|(at, _)| at);
        let chain: Vec<usize> = std::iter::once(node).chain(top).collect();
        self.sites.iter().find(|site| match site.node {
            Some(at) => chain.contains(&at),
            None => chain.last().is_some_and(|top| site.body.contains(top)),
        })
    }
}

/// Whether a directive brings others in.
pub(crate) fn is_import(server: Server, name: &str) -> bool {
    name == match server {
        Server::Caddy => "import",
        Server::Nginx => "include",
    }
}
