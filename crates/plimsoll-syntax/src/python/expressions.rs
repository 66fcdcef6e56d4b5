//! Expressions and what is assigned to.

use plimsoll_source::TextRange;
use ruff_python_ast as py;

use super::{Lower, range, range_of};
use crate::program::{
    Argument, BinaryOp, Body, Entry, ExprId, ExprKind, Function, Joined, Key, LogicalOp, Part,
    PatternId, PatternKind, Specifier, Spread, UnaryOp,
};

/// A step up from the innermost expression of a chain: `.name`, `[index]`, `(…)`, `+ right`.
enum Up<'e> {
    Member(&'e py::ExprAttribute),
    Index(&'e py::ExprSubscript),
    Call(&'e py::ExprCall),
    Binary(&'e py::ExprBinOp),
}

impl Lower {
    /// Lowers an expression. What is left-deep (`a.b().c`, `a + b + c`) is walked without recursion:
    /// such chains are long where nothing is wrong with them.
    pub(super) fn expression(&mut self, expression: &py::Expr) -> ExprId {
        use py::Expr as E;
        let mut ups = Vec::new();
        let mut at = expression;
        loop {
            at = match at {
                E::Attribute(it) => {
                    ups.push(Up::Member(it));
                    &it.value
                }
                E::Subscript(it) => {
                    ups.push(Up::Index(it));
                    &it.value
                }
                E::Call(it) => {
                    ups.push(Up::Call(it));
                    &it.func
                }
                E::BinOp(it) => {
                    ups.push(Up::Binary(it));
                    &it.left
                }
                _ => break,
            };
        }
        let inner = self.deeper(range_of(at), |lower| {
            let mut id = lower.innermost(at);
            while let Some(up) = ups.pop() {
                id = lower.up(id, &up);
            }
            id
        });
        inner.unwrap_or_else(|| self.expr(ExprKind::Opaque(Vec::new()), range_of(expression)))
    }

    pub(super) fn maybe(&mut self, expression: Option<&py::Expr>) -> Option<ExprId> {
        expression.map(|it| self.expression(it))
    }

    fn expressions<'e>(&mut self, all: impl IntoIterator<Item = &'e py::Expr>) -> Vec<ExprId> {
        all.into_iter().map(|it| self.expression(it)).collect()
    }

    fn up(&mut self, inner: ExprId, up: &Up<'_>) -> ExprId {
        match up {
            Up::Member(it) => {
                let (name, at) = (it.attr.as_str().into(), range(it.attr.range));
                self.expr(ExprKind::Member { object: inner, name, at }, range_of(*it))
            }
            Up::Index(it) => {
                let index = self.expression(&it.slice);
                self.expr(ExprKind::Index { object: inner, index }, range_of(*it))
            }
            Up::Call(it) => {
                if let [only] = &*it.arguments.args
                    && it.arguments.keywords.is_empty()
                    && self.imports(inner)
                {
                    if let py::Expr::StringLiteral(text) = only {
                        let text =
                            Specifier { text: text.value.to_str().into(), range: range_of(only) };
                        self.module.requires.push(text);
                    }
                    let specifier = self.expression(only);
                    return self
                        .expr(ExprKind::Import { specifier, required: true }, range_of(*it));
                }
                let args = self.arguments(&it.arguments);
                self.expr(ExprKind::Call { callee: inner, args, new: false }, range_of(*it))
            }
            Up::Binary(it) => {
                let right = self.expression(&it.right);
                let op = binary(it.op);
                self.expr(ExprKind::Binary { op, left: inner, right }, range_of(*it))
            }
        }
    }

    /// `importlib.import_module`.
    fn imports(&self, callee: ExprId) -> bool {
        match &self.module.expr(callee).kind {
            ExprKind::Name(name) => &**name == "import_module",
            ExprKind::Member { object, name, .. } => {
                &**name == "import_module"
                    && matches!(&self.module.expr(*object).kind, ExprKind::Name(of) if &**of == "importlib")
            }
            _ => false,
        }
    }

    pub(super) fn arguments(&mut self, arguments: &py::Arguments) -> Vec<Argument> {
        let mut all = self.elements(&arguments.args);
        for keyword in &arguments.keywords {
            let value = self.expression(&keyword.value);
            all.push(match &keyword.arg {
                Some(name) => {
                    Argument { name: Some(name.as_str().into()), spread: Spread::No, value }
                }
                None => Argument { name: None, spread: Spread::Keywords, value },
            });
        }
        all
    }

    fn elements(&mut self, elements: &[py::Expr]) -> Vec<Argument> {
        let one = |it: &py::Expr| match it {
            py::Expr::Starred(it) => {
                let value = self.expression(&it.value);
                Argument { name: None, spread: Spread::Elements, value }
            }
            other => Argument { name: None, spread: Spread::No, value: self.expression(other) },
        };
        elements.iter().map(one).collect()
    }

    fn innermost(&mut self, expression: &py::Expr) -> ExprId {
        use py::Expr as E;
        let at = range_of(expression);
        let kind = match expression {
            E::BoolOp(it) => return self.bool_op(it, at),
            E::Named(it) => {
                let target = self.target(&it.target);
                let value = self.expression(&it.value);
                ExprKind::Assign { target, value, with: Joined::Replaces }
            }
            E::UnaryOp(it) => {
                let operand = self.expression(&it.operand);
                let op = match it.op {
                    py::UnaryOp::Not => UnaryOp::Not,
                    py::UnaryOp::USub => UnaryOp::Minus,
                    py::UnaryOp::UAdd => UnaryOp::Plus,
                    py::UnaryOp::Invert => UnaryOp::Other,
                };
                ExprKind::Unary { op, operand }
            }
            E::Lambda(it) => {
                let params = it.parameters.as_deref().map(|params| self.params(params));
                let value = self.expression(&it.body);
                ExprKind::Function(self.module.add_function(Function {
                    name: None,
                    params: params.unwrap_or_default(),
                    body: Body::Expr(value),
                    is_async: false,
                    is_generator: false,
                    is_arrow: true,
                    decorators: Vec::new(),
                    range: at,
                }))
            }
            E::If(it) => ExprKind::Conditional {
                test: self.expression(&it.test),
                then: self.expression(&it.body),
                otherwise: self.expression(&it.orelse),
            },
            E::Dict(it) => {
                let entries = it.items.iter().map(|item| {
                    let value = self.expression(&item.value);
                    match &item.key {
                        None => Entry::Spread(value),
                        Some(key) => Entry::Pair { at: range_of(key), key: self.key(key), value },
                    }
                });
                ExprKind::Object(entries.collect())
            }
            E::Set(it) => ExprKind::List(self.elements(&it.elts)),
            E::List(it) => ExprKind::List(self.elements(&it.elts)),
            E::Tuple(it) => ExprKind::List(self.elements(&it.elts)),
            E::ListComp(it) => self.comprehension(&it.elt, &it.generators),
            E::SetComp(it) => self.comprehension(&it.elt, &it.generators),
            E::Generator(it) => self.comprehension(&it.elt, &it.generators),
            E::DictComp(it) => {
                // What it makes is an object of entries that nobody can name.
                let over: Vec<ExprId> =
                    it.generators.iter().map(|one| self.expression(&one.iter)).collect();
                let mut inside = self.expressions(it.key.as_deref());
                inside.push(self.expression(&it.value));
                inside.extend(over);
                ExprKind::Opaque(inside)
            }
            E::Await(it) => ExprKind::Await(self.expression(&it.value)),
            E::Yield(it) => {
                self.yields();
                ExprKind::Yield(self.maybe(it.value.as_deref()))
            }
            E::YieldFrom(it) => {
                self.yields();
                ExprKind::Yield(Some(self.expression(&it.value)))
            }
            E::Compare(it) => return self.compare(it, at),
            E::FString(it) => self.template(it),
            E::TString(it) => {
                let values: Vec<&py::Expr> = it
                    .value
                    .elements()
                    .filter_map(|element| match element {
                        py::InterpolatedStringElement::Interpolation(it) => Some(&*it.expression),
                        py::InterpolatedStringElement::Literal(_) => None,
                    })
                    .collect();
                ExprKind::Opaque(self.expressions(values))
            }
            E::StringLiteral(it) => ExprKind::Text(it.value.to_str().into()),
            E::BytesLiteral(it) => {
                let bytes: Vec<u8> = it.value.bytes().collect();
                match String::from_utf8(bytes) {
                    Ok(text) => ExprKind::Text(text.into()),
                    Err(_) => ExprKind::Opaque(Vec::new()),
                }
            }
            E::NumberLiteral(it) => match &it.value {
                #[expect(clippy::cast_precision_loss, reason = "ports and times are far smaller")]
                py::Number::Int(int) => match int.as_i64() {
                    Some(value) => ExprKind::Number(value as f64),
                    None => ExprKind::Opaque(Vec::new()),
                },
                py::Number::Float(value) => ExprKind::Number(*value),
                py::Number::Complex { .. } => ExprKind::Opaque(Vec::new()),
            },
            E::BooleanLiteral(it) => ExprKind::Bool(it.value),
            E::NoneLiteral(_) => ExprKind::Null,
            E::EllipsisLiteral(_) => ExprKind::Name("Ellipsis".into()),
            E::Starred(it) => ExprKind::Opaque(vec![self.expression(&it.value)]),
            E::Name(it) => ExprKind::Name(it.id.as_str().into()),
            E::Slice(it) => {
                let parts = [&it.lower, &it.upper, &it.step];
                let parts = parts.into_iter().filter_map(|part| part.as_deref());
                ExprKind::Opaque(self.expressions(parts))
            }
            // Those that are walked without recursion do not get here.
            E::Attribute(_) | E::Subscript(_) | E::Call(_) | E::BinOp(_) => {
                ExprKind::Opaque(Vec::new())
            }
            E::IpyEscapeCommand(_) => ExprKind::Opaque(Vec::new()),
        };
        self.expr(kind, at)
    }

    fn yields(&mut self) {
        if let Some(function) = self.functions.last_mut() {
            function.yields = true;
        }
    }

    /// `a and b and c`, from the left.
    fn bool_op(&mut self, it: &py::ExprBoolOp, at: TextRange) -> ExprId {
        let op = match it.op {
            py::BoolOp::And => LogicalOp::And,
            py::BoolOp::Or => LogicalOp::Or,
        };
        let mut values = it.values.iter();
        let Some(first) = values.next() else {
            return self.expr(ExprKind::Opaque(Vec::new()), at);
        };
        let mut left = self.expression(first);
        for value in values {
            let right = self.expression(value);
            let end = range_of(value).end.max(at.start);
            let range = TextRange::new(at.start, end);
            left = self.expr(ExprKind::Logical { op, left, right }, range);
        }
        left
    }

    /// `a < b <= c` is `a < b and b <= c`.
    fn compare(&mut self, it: &py::ExprCompare, at: TextRange) -> ExprId {
        let mut left = self.expression(&it.left);
        let mut all: Option<ExprId> = None;
        for (op, right) in it.ops.iter().zip(&*it.comparators) {
            let op = match op {
                py::CmpOp::Eq | py::CmpOp::Is => BinaryOp::Equal,
                py::CmpOp::NotEq | py::CmpOp::IsNot => BinaryOp::NotEqual,
                py::CmpOp::Lt => BinaryOp::Less,
                py::CmpOp::LtE => BinaryOp::LessEqual,
                py::CmpOp::Gt => BinaryOp::Greater,
                py::CmpOp::GtE => BinaryOp::GreaterEqual,
                py::CmpOp::In => BinaryOp::In,
                py::CmpOp::NotIn => BinaryOp::NotIn,
            };
            let right = self.expression(right);
            let one = self.expr(ExprKind::Binary { op, left, right }, at);
            all = Some(match all {
                None => one,
                Some(left) => {
                    let op = LogicalOp::And;
                    self.expr(ExprKind::Logical { op, left, right: one }, at)
                }
            });
            left = right;
        }
        all.unwrap_or(left)
    }

    fn comprehension(&mut self, element: &py::Expr, over: &[py::Comprehension]) -> ExprKind {
        let mut tests = Vec::new();
        let mut bound = Vec::new();
        for one in over {
            let iter = self.expression(&one.iter);
            bound.push((self.target(&one.target), iter));
            tests.extend(self.expressions(&one.ifs));
        }
        let element = self.expression(element);
        ExprKind::Comprehension { element, over: bound, tests }
    }

    fn template(&mut self, it: &py::ExprFString) -> ExprKind {
        let mut parts: Vec<Part> = Vec::new();
        let text = |parts: &mut Vec<Part>, more: &str| match parts.last_mut() {
            Some(Part::Text(text)) => *text = format!("{text}{more}").into(),
            _ if more.is_empty() => {}
            _ => parts.push(Part::Text(more.into())),
        };
        for part in &it.value {
            let string = match part {
                py::FStringPart::Literal(literal) => {
                    text(&mut parts, &literal.value);
                    continue;
                }
                py::FStringPart::FString(string) => string,
            };
            for element in &string.elements {
                match element {
                    py::InterpolatedStringElement::Literal(literal) => {
                        text(&mut parts, &literal.value);
                    }
                    py::InterpolatedStringElement::Interpolation(it) => {
                        let plain = it.format_spec.is_none()
                            && it.debug_text.is_none()
                            && matches!(
                                it.conversion,
                                py::ConversionFlag::None | py::ConversionFlag::Str
                            );
                        let mut value = self.expression(&it.expression);
                        if !plain {
                            value = self.expr(ExprKind::Opaque(vec![value]), range_of(it));
                        }
                        parts.push(Part::Value(value));
                    }
                }
            }
        }
        match parts.as_mut_slice() {
            [] => ExprKind::Text("".into()),
            [Part::Text(text)] => ExprKind::Text(std::mem::take(text)),
            _ => ExprKind::Template(parts),
        }
    }

    fn key(&mut self, key: &py::Expr) -> Key {
        match key {
            py::Expr::StringLiteral(text) => Key::Fixed(text.value.to_str().into()),
            other => Key::Computed(self.expression(other)),
        }
    }

    /// What is assigned to.
    pub(super) fn target(&mut self, target: &py::Expr) -> PatternId {
        let at = range_of(target);
        let kind = self.deeper(at, |lower| match target {
            py::Expr::Name(it) => PatternKind::Name(it.id.as_str().into()),
            py::Expr::List(it) => lower.target_elements(&it.elts),
            py::Expr::Tuple(it) => lower.target_elements(&it.elts),
            other => PatternKind::Target(lower.expression(other)),
        });
        let empty = PatternKind::Elements { elements: Vec::new(), rest: None };
        self.pattern_of(kind.unwrap_or(empty), at)
    }

    fn target_elements(&mut self, targets: &[py::Expr]) -> PatternKind {
        let mut elements = Vec::new();
        let mut rest = None;
        for target in targets {
            match target {
                py::Expr::Starred(it) => rest = Some(self.target(&it.value)),
                // What follows the rest stands at no place that can be told.
                other if rest.is_some() => {
                    self.target(other);
                }
                other => elements.push(Some(self.target(other))),
            }
        }
        PatternKind::Elements { elements, rest }
    }
}

fn binary(operator: py::Operator) -> BinaryOp {
    match operator {
        py::Operator::Add => BinaryOp::Add,
        py::Operator::Sub => BinaryOp::Subtract,
        py::Operator::Mult => BinaryOp::Multiply,
        py::Operator::Div => BinaryOp::Divide,
        _ => BinaryOp::Other,
    }
}

/// How `a += b` joins.
pub(super) fn joined(operator: py::Operator) -> Joined {
    Joined::Binary(binary(operator))
}
