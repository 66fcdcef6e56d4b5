//! How deep a Python text nests, told from its tokens before a recursive parser sees them.
//!
//! The tokens are the parser's own, so that strings, f-strings and comments need no second opinion.
//! Few openers: however they nest, the stack holds them. Many openers: brackets, indentation, and
//! what nests without either (`not not x`, `a.b.c`, `a + b`, `lambda: lambda: x`) are counted.

use ruff_python_ast::token::TokenKind as T;
use ruff_python_parser::{Mode, lexer};

use crate::MAX_DEPTH;

/// So many openers fit into the stack, whatever they mean.
const FEW: usize = 12_000;
/// So many levels may stand within one statement without brackets.
const CHAIN: usize = 4096;

/// Whether the text nests deeper than the parser and its tree may. Linear.
pub(super) fn is_too_deep(source: &str) -> bool {
    let mut lexer = lexer::lex(source, Mode::Module);
    // What is open: its closer, and the levels without brackets in it.
    let mut open: Vec<(T, usize)> = vec![(T::EndOfFile, 0)];
    let (mut indents, mut openers, mut levels) = (0usize, 0usize, 0usize);
    let (mut deepest, mut longest) = (0usize, 0usize);
    loop {
        let kind = lexer.next_token();
        let closer = match kind {
            T::EndOfFile => break,
            T::Lpar => Some(T::Rpar),
            T::Lsqb => Some(T::Rsqb),
            T::Lbrace => Some(T::Rbrace),
            T::FStringStart => Some(T::FStringEnd),
            T::TStringStart => Some(T::TStringEnd),
            _ => None,
        };
        if let Some(closer) = closer {
            // A call is a level of what it is called on, too.
            if let Some((_, chain)) = open.last_mut() {
                *chain += 1;
            }
            levels += 1;
            openers += 1;
            open.push((closer, 0));
        } else {
            match kind {
                T::Indent => {
                    indents += 1;
                    openers += 1;
                }
                T::Dedent => indents = indents.saturating_sub(1),
                T::Newline | T::Semi if open.len() == 1 => {
                    levels = 0;
                    open.truncate(1);
                    if let Some((_, chain)) = open.last_mut() {
                        *chain = 0;
                    }
                }
                T::Comma => {
                    if let Some((_, chain)) = open.last_mut() {
                        levels -= *chain;
                        *chain = 0;
                    }
                }
                // A closer that fits nothing leaves all open: the parser may well think so.
                kind if open.len() > 1
                    && open.last().is_some_and(|(closer, _)| *closer == kind) =>
                {
                    if let Some((_, chain)) = open.pop() {
                        levels -= chain;
                    }
                }
                kind if is_level(kind) => {
                    openers += 1;
                    levels += 1;
                    if let Some((_, chain)) = open.last_mut() {
                        *chain += 1;
                    }
                }
                _ => {}
            }
        }
        deepest = deepest.max(open.len() - 1).max(indents);
        longest = longest.max(levels);
    }
    deepest > MAX_DEPTH || (openers > FEW && longest > CHAIN)
}

/// Tokens that begin a level without a bracket.
fn is_level(kind: T) -> bool {
    kind.is_operator() && !matches!(kind, T::Colon | T::Semi | T::Rarrow)
        || matches!(
            kind,
            T::Dot
                | T::At
                | T::And
                | T::Or
                | T::Not
                | T::Tilde
                | T::Await
                | T::Lambda
                | T::If
                | T::Else
                | T::Elif
                | T::For
                | T::While
                | T::With
                | T::Try
                | T::Match
                | T::Case
                | T::Class
                | T::Def
                | T::Async
                | T::Yield
        )
}
