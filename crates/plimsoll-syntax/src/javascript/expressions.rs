//! Expressions, patterns and keys.

use oxc_ast::ast as js;
use oxc_span::Span;
use oxc_syntax::operator as op;

use super::{Lower, range, span_of};
use crate::program::{
    Argument, BinaryOp, Entry, ExprId, ExprKind, Joined, Key, LogicalOp, Part, PatternId,
    PatternKind, Specifier, Spread, UnaryOp,
};

/// A step up from the innermost expression of a chain: `.name`, `[index]`, `(…)`, `+ right`.
enum Up<'e, 'a> {
    Member(&'e js::StaticMemberExpression<'a>),
    Index(&'e js::ComputedMemberExpression<'a>),
    Private(&'e js::PrivateFieldExpression<'a>),
    Call(&'e js::CallExpression<'a>),
    Binary(&'e js::BinaryExpression<'a>),
    Logical(&'e js::LogicalExpression<'a>),
}

impl Lower {
    /// Lowers an expression. What is left-deep (`a.b().c`, `a + b + c`) is walked without recursion:
    /// such chains are long where nothing is wrong with them.
    pub(super) fn expression(&mut self, expression: &js::Expression<'_>) -> ExprId {
        use js::Expression as E;
        let mut ups = Vec::new();
        let mut at = expression;
        loop {
            at = match at {
                E::StaticMemberExpression(it) => {
                    ups.push(Up::Member(it));
                    &it.object
                }
                E::ComputedMemberExpression(it) => {
                    ups.push(Up::Index(it));
                    &it.object
                }
                E::PrivateFieldExpression(it) => {
                    ups.push(Up::Private(it));
                    &it.object
                }
                E::CallExpression(it) => {
                    ups.push(Up::Call(it));
                    &it.callee
                }
                E::BinaryExpression(it) => {
                    ups.push(Up::Binary(it));
                    &it.left
                }
                E::LogicalExpression(it) => {
                    ups.push(Up::Logical(it));
                    &it.left
                }
                E::TSAsExpression(it) => &it.expression,
                E::TSSatisfiesExpression(it) => &it.expression,
                E::TSNonNullExpression(it) => &it.expression,
                E::TSTypeAssertion(it) => &it.expression,
                E::TSInstantiationExpression(it) => &it.expression,
                E::ParenthesizedExpression(it) => &it.expression,
                E::ChainExpression(it) => match &it.expression {
                    js::ChainElement::CallExpression(it) => {
                        ups.push(Up::Call(it));
                        &it.callee
                    }
                    js::ChainElement::TSNonNullExpression(it) => &it.expression,
                    js::ChainElement::StaticMemberExpression(it) => {
                        ups.push(Up::Member(it));
                        &it.object
                    }
                    js::ChainElement::ComputedMemberExpression(it) => {
                        ups.push(Up::Index(it));
                        &it.object
                    }
                    js::ChainElement::PrivateFieldExpression(it) => {
                        ups.push(Up::Private(it));
                        &it.object
                    }
                },
                _ => break,
            };
        }
        let span = span_of(at);
        let inner = self.deeper(span, |lower| {
            let mut id = lower.innermost(at, span);
            while let Some(up) = ups.pop() {
                id = lower.up(id, &up);
            }
            id
        });
        inner.unwrap_or_else(|| self.expr(ExprKind::Opaque(Vec::new()), span_of(expression)))
    }

    fn up(&mut self, inner: ExprId, up: &Up<'_, '_>) -> ExprId {
        match up {
            Up::Member(it) => {
                let name = it.property.name.as_str().into();
                let at = range(it.property.span);
                self.expr(ExprKind::Member { object: inner, name, at }, it.span)
            }
            Up::Private(it) => {
                let name = private(&it.field);
                let at = range(it.field.span);
                self.expr(ExprKind::Member { object: inner, name, at }, it.span)
            }
            Up::Index(it) => {
                // `a['b']` is `a.b`.
                if let js::Expression::StringLiteral(text) = &it.expression {
                    let name = text.value.as_str().into();
                    let at = range(text.span);
                    return self.expr(ExprKind::Member { object: inner, name, at }, it.span);
                }
                let index = self.expression(&it.expression);
                self.expr(ExprKind::Index { object: inner, index }, it.span)
            }
            Up::Call(it) => {
                if matches!(&self.module.expr(inner).kind, ExprKind::Name(name) if &**name == "require")
                    && let [argument] = it.arguments.as_slice()
                    && let Some(argument) = argument.as_expression()
                {
                    return self.import_of(argument, true, it.span);
                }
                let args = self.arguments(&it.arguments);
                self.expr(ExprKind::Call { callee: inner, args, new: false }, it.span)
            }
            Up::Binary(it) => {
                let right = self.expression(&it.right);
                let op = binary(it.operator);
                self.expr(ExprKind::Binary { op, left: inner, right }, it.span)
            }
            Up::Logical(it) => {
                let right = self.expression(&it.right);
                let op = logical(it.operator);
                self.expr(ExprKind::Logical { op, left: inner, right }, it.span)
            }
        }
    }

    /// `import(x)`, `require(x)`.
    fn import_of(&mut self, of: &js::Expression<'_>, required: bool, span: Span) -> ExprId {
        let text = match of {
            js::Expression::StringLiteral(text) => Some(text.value.as_str()),
            js::Expression::TemplateLiteral(it) if it.expressions.is_empty() => {
                it.quasis.first().and_then(|quasi| quasi.value.cooked.as_ref().map(|c| c.as_str()))
            }
            _ => None,
        };
        if let Some(text) = text {
            let range = range(span_of(of));
            self.module.requires.push(Specifier { text: text.into(), range });
        }
        let specifier = self.expression(of);
        self.expr(ExprKind::Import { specifier, required }, span)
    }

    fn innermost(&mut self, expression: &js::Expression<'_>, span: Span) -> ExprId {
        use js::Expression as E;
        let kind = match expression {
            E::BooleanLiteral(it) => ExprKind::Bool(it.value),
            E::NullLiteral(_) => ExprKind::Null,
            E::NumericLiteral(it) => ExprKind::Number(it.value),
            E::StringLiteral(it) => ExprKind::Text(it.value.as_str().into()),
            E::RegExpLiteral(it) => ExprKind::Regex(it.regex.pattern.text.as_str().into()),
            E::TemplateLiteral(it) => self.template(it),
            E::Identifier(it) => ExprKind::Name(it.name.as_str().into()),
            E::Super(_) => ExprKind::Super,
            E::ThisExpression(_) => ExprKind::This,
            E::ArrayExpression(it) => {
                let mut items = Vec::new();
                for element in &it.elements {
                    items.push(match element {
                        js::ArrayExpressionElement::SpreadElement(it) => {
                            let value = self.expression(&it.argument);
                            Argument { name: None, spread: Spread::Elements, value }
                        }
                        other => {
                            let value = match other.as_expression() {
                                Some(value) => self.expression(value),
                                None => self.expr(ExprKind::Null, span_of(other)),
                            };
                            Argument { name: None, spread: Spread::No, value }
                        }
                    });
                }
                ExprKind::List(items)
            }
            E::ArrowFunctionExpression(it) => ExprKind::Function(self.arrow(it)),
            E::FunctionExpression(it) => ExprKind::Function(self.function(it)),
            E::ClassExpression(it) => ExprKind::Class(self.class(it)),
            E::AssignmentExpression(it) => {
                let target = self.target(&it.left);
                let value = self.expression(&it.right);
                ExprKind::Assign { target, value, with: joined(it.operator) }
            }
            E::AwaitExpression(it) => ExprKind::Await(self.expression(&it.argument)),
            E::YieldExpression(it) => {
                ExprKind::Yield(it.argument.as_ref().map(|value| self.expression(value)))
            }
            E::ConditionalExpression(it) => ExprKind::Conditional {
                test: self.expression(&it.test),
                then: self.expression(&it.consequent),
                otherwise: self.expression(&it.alternate),
            },
            E::ImportExpression(it) => return self.import_of(&it.source, false, span),
            E::NewExpression(it) => {
                let callee = self.expression(&it.callee);
                let args = self.arguments(&it.arguments);
                ExprKind::Call { callee, args, new: true }
            }
            E::ObjectExpression(it) => {
                ExprKind::Object(it.properties.iter().map(|one| self.entry(one)).collect())
            }
            E::SequenceExpression(it) => {
                ExprKind::Sequence(it.expressions.iter().map(|one| self.expression(one)).collect())
            }
            E::TaggedTemplateExpression(it) => {
                let callee = self.expression(&it.tag);
                let kind = self.template(&it.quasi);
                let value = self.expr(kind, it.quasi.span);
                let args = vec![Argument { name: None, spread: Spread::No, value }];
                ExprKind::Call { callee, args, new: false }
            }
            E::UnaryExpression(it) => {
                let operand = self.expression(&it.argument);
                let op = match it.operator {
                    op::UnaryOperator::LogicalNot => UnaryOp::Not,
                    op::UnaryOperator::UnaryNegation => UnaryOp::Minus,
                    op::UnaryOperator::UnaryPlus => UnaryOp::Plus,
                    op::UnaryOperator::Typeof => UnaryOp::Typeof,
                    op::UnaryOperator::Void => UnaryOp::Void,
                    op::UnaryOperator::Delete => UnaryOp::Delete,
                    op::UnaryOperator::BitwiseNot => UnaryOp::Other,
                };
                ExprKind::Unary { op, operand }
            }
            E::UpdateExpression(it) => {
                // `x++` is `x += 1`, of which nobody asks the value.
                let target = self.simple_target(&it.argument);
                let value = self.expr(ExprKind::Number(1.0), span);
                let with = Joined::Binary(BinaryOp::Other);
                ExprKind::Assign { target, value, with }
            }
            E::PrivateInExpression(it) => ExprKind::Opaque(vec![self.expression(&it.right)]),
            E::ImportMeta(_) => ExprKind::Name("import.meta".into()),
            E::JSXElement(it) => {
                let mut inside = Vec::new();
                self.jsx(it, &mut inside);
                ExprKind::Opaque(inside)
            }
            E::JSXFragment(it) => {
                let mut inside = Vec::new();
                self.jsx_children(&it.children, &mut inside);
                ExprKind::Opaque(inside)
            }
            _ => ExprKind::Opaque(Vec::new()),
        };
        self.expr(kind, span)
    }

    fn template(&mut self, it: &js::TemplateLiteral<'_>) -> ExprKind {
        let mut parts = Vec::new();
        let mut values = it.expressions.iter();
        for quasi in &it.quasis {
            let text = quasi.value.cooked.as_ref().unwrap_or(&quasi.value.raw).as_str();
            if !text.is_empty() {
                parts.push(Part::Text(text.into()));
            }
            if let Some(value) = values.next() {
                parts.push(Part::Value(self.expression(value)));
            }
        }
        match parts.as_mut_slice() {
            [] => ExprKind::Text("".into()),
            [Part::Text(text)] => ExprKind::Text(std::mem::take(text)),
            _ => ExprKind::Template(parts),
        }
    }

    fn arguments(&mut self, arguments: &[js::Argument<'_>]) -> Vec<Argument> {
        let one = |argument: &js::Argument<'_>| match argument {
            js::Argument::SpreadElement(it) => {
                let value = self.expression(&it.argument);
                Argument { name: None, spread: Spread::Elements, value }
            }
            other => {
                let value = match other.as_expression() {
                    Some(value) => self.expression(value),
                    None => self.expr(ExprKind::Opaque(Vec::new()), span_of(other)),
                };
                Argument { name: None, spread: Spread::No, value }
            }
        };
        arguments.iter().map(one).collect()
    }

    fn entry(&mut self, property: &js::ObjectPropertyKind<'_>) -> Entry {
        match property {
            js::ObjectPropertyKind::SpreadProperty(it) => {
                Entry::Spread(self.expression(&it.argument))
            }
            js::ObjectPropertyKind::ObjectProperty(it) => {
                let key = self.key(&it.key);
                let at = range(span_of(&it.key));
                match (&it.value, it.kind) {
                    (js::Expression::FunctionExpression(function), js::PropertyKind::Get) => {
                        Entry::Getter { key, function: self.function(function) }
                    }
                    _ => Entry::Pair { key, at, value: self.expression(&it.value) },
                }
            }
        }
    }

    pub(super) fn key(&mut self, key: &js::PropertyKey<'_>) -> Key {
        match key {
            js::PropertyKey::StaticIdentifier(name) => Key::Fixed(name.name.as_str().into()),
            js::PropertyKey::PrivateIdentifier(name) => Key::Fixed(private(name)),
            js::PropertyKey::StringLiteral(text) => Key::Fixed(text.value.as_str().into()),
            js::PropertyKey::NumericLiteral(number) => Key::Fixed(number.value.to_string().into()),
            other => match other.as_expression() {
                Some(value) => Key::Computed(self.expression(value)),
                None => Key::Fixed("".into()),
            },
        }
    }

    fn jsx(&mut self, element: &js::JSXElement<'_>, inside: &mut Vec<ExprId>) {
        let opening = &element.opening_element;
        if let js::JSXElementName::IdentifierReference(name) = &opening.name {
            inside.push(self.expr(ExprKind::Name(name.name.as_str().into()), name.span));
        }
        // `<Menu.Item>` uses `Menu`.
        if let js::JSXElementName::MemberExpression(member) = &opening.name
            && let Some(name) = member.get_identifier()
        {
            inside.push(self.expr(ExprKind::Name(name.name.as_str().into()), name.span));
        }
        for attribute in &opening.attributes {
            match attribute {
                js::JSXAttributeItem::SpreadAttribute(it) => {
                    inside.push(self.expression(&it.argument));
                }
                js::JSXAttributeItem::Attribute(it) => {
                    if let Some(js::JSXAttributeValue::ExpressionContainer(it)) = &it.value
                        && let Some(value) = it.expression.as_expression()
                    {
                        inside.push(self.expression(value));
                    }
                }
            }
        }
        self.jsx_children(&element.children, inside);
    }

    fn jsx_children(&mut self, children: &[js::JSXChild<'_>], inside: &mut Vec<ExprId>) {
        for child in children {
            match child {
                js::JSXChild::Element(it) => {
                    self.deeper(it.span, |lower| lower.jsx(it, inside));
                }
                js::JSXChild::Fragment(it) => {
                    self.deeper(it.span, |lower| lower.jsx_children(&it.children, inside));
                }
                js::JSXChild::ExpressionContainer(it) => {
                    if let Some(value) = it.expression.as_expression() {
                        inside.push(self.expression(value));
                    }
                }
                js::JSXChild::Text(_) | js::JSXChild::Spread(_) => {}
            }
        }
    }

    pub(super) fn pattern(&mut self, pattern: &js::BindingPattern<'_>) -> PatternId {
        let span = span_of(pattern);
        let kind = self.deeper(span, |lower| match pattern {
            js::BindingPattern::BindingIdentifier(it) => PatternKind::Name(it.name.as_str().into()),
            js::BindingPattern::ObjectPattern(it) => {
                let fields = it.properties.iter().map(|property| {
                    let key = lower.key(&property.key);
                    (key, lower.pattern(&property.value))
                });
                let fields = fields.collect();
                let rest = it.rest.as_ref().map(|rest| lower.pattern(&rest.argument));
                PatternKind::Fields { fields, rest }
            }
            js::BindingPattern::ArrayPattern(it) => {
                let elements = it.elements.iter().map(|e| e.as_ref().map(|e| lower.pattern(e)));
                let elements = elements.collect();
                let rest = it.rest.as_ref().map(|rest| lower.pattern(&rest.argument));
                PatternKind::Elements { elements, rest }
            }
            js::BindingPattern::AssignmentPattern(it) => {
                let pattern = lower.pattern(&it.left);
                PatternKind::Default { pattern, value: lower.expression(&it.right) }
            }
        });
        let empty = PatternKind::Elements { elements: Vec::new(), rest: None };
        self.pattern_of(kind.unwrap_or(empty), span)
    }

    pub(super) fn target(&mut self, target: &js::AssignmentTarget<'_>) -> PatternId {
        let span = span_of(target);
        let kind = self.deeper(span, |lower| match target {
            js::AssignmentTarget::ArrayAssignmentTarget(it) => {
                let elements = it.elements.iter();
                let elements = elements.map(|e| e.as_ref().map(|e| lower.maybe_default(e)));
                let elements = elements.collect();
                let rest = it.rest.as_ref().map(|rest| lower.target(&rest.target));
                PatternKind::Elements { elements, rest }
            }
            js::AssignmentTarget::ObjectAssignmentTarget(it) => {
                use js::AssignmentTargetProperty as P;
                let fields = it.properties.iter().map(|property| match property {
                    P::AssignmentTargetPropertyIdentifier(it) => {
                        let name: Box<str> = it.binding.name.as_str().into();
                        let kind = PatternKind::Name(name.clone());
                        (Key::Fixed(name), lower.pattern_of(kind, it.binding.span))
                    }
                    P::AssignmentTargetPropertyProperty(it) => {
                        (lower.key(&it.name), lower.maybe_default(&it.binding))
                    }
                });
                let fields = fields.collect();
                let rest = it.rest.as_ref().map(|rest| lower.target(&rest.target));
                PatternKind::Fields { fields, rest }
            }
            other => match other.as_simple_assignment_target() {
                Some(simple) => lower.simple_kind(simple),
                None => PatternKind::Elements { elements: Vec::new(), rest: None },
            },
        });
        let empty = PatternKind::Elements { elements: Vec::new(), rest: None };
        self.pattern_of(kind.unwrap_or(empty), span)
    }

    fn maybe_default(&mut self, target: &js::AssignmentTargetMaybeDefault<'_>) -> PatternId {
        match target {
            js::AssignmentTargetMaybeDefault::AssignmentTargetWithDefault(it) => {
                let pattern = self.target(&it.binding);
                let value = self.expression(&it.init);
                self.pattern_of(PatternKind::Default { pattern, value }, it.span)
            }
            other => match other.as_assignment_target() {
                Some(target) => self.target(target),
                None => {
                    let empty = PatternKind::Elements { elements: Vec::new(), rest: None };
                    self.pattern_of(empty, span_of(other))
                }
            },
        }
    }

    fn simple_target(&mut self, target: &js::SimpleAssignmentTarget<'_>) -> PatternId {
        let kind = self.simple_kind(target);
        self.pattern_of(kind, span_of(target))
    }

    fn simple_kind(&mut self, target: &js::SimpleAssignmentTarget<'_>) -> PatternKind {
        use js::SimpleAssignmentTarget as T;
        let inner = match target {
            T::AssignmentTargetIdentifier(it) => {
                return PatternKind::Name(it.name.as_str().into());
            }
            T::TSAsExpression(it) => self.expression(&it.expression),
            T::TSSatisfiesExpression(it) => self.expression(&it.expression),
            T::TSNonNullExpression(it) => self.expression(&it.expression),
            T::TSTypeAssertion(it) => self.expression(&it.expression),
            T::StaticMemberExpression(it) => {
                let object = self.expression(&it.object);
                self.up(object, &Up::Member(it))
            }
            T::ComputedMemberExpression(it) => {
                let object = self.expression(&it.object);
                self.up(object, &Up::Index(it))
            }
            T::PrivateFieldExpression(it) => {
                let object = self.expression(&it.object);
                self.up(object, &Up::Private(it))
            }
        };
        PatternKind::Target(inner)
    }
}

fn private(name: &js::PrivateIdentifier<'_>) -> Box<str> {
    format!("#{}", name.name).into()
}

fn joined(operator: op::AssignmentOperator) -> Joined {
    use op::AssignmentOperator as A;
    match operator {
        A::Assign => Joined::Replaces,
        A::Addition => Joined::Binary(BinaryOp::Add),
        A::LogicalOr => Joined::Logical(LogicalOp::Or),
        A::LogicalAnd => Joined::Logical(LogicalOp::And),
        A::LogicalNullish => Joined::Logical(LogicalOp::Coalesce),
        _ => Joined::Binary(BinaryOp::Other),
    }
}

fn logical(operator: op::LogicalOperator) -> LogicalOp {
    match operator {
        op::LogicalOperator::And => LogicalOp::And,
        op::LogicalOperator::Or => LogicalOp::Or,
        op::LogicalOperator::Coalesce => LogicalOp::Coalesce,
    }
}

fn binary(operator: op::BinaryOperator) -> BinaryOp {
    use op::BinaryOperator as B;
    match operator {
        B::Addition => BinaryOp::Add,
        B::Subtraction => BinaryOp::Subtract,
        B::Multiplication => BinaryOp::Multiply,
        B::Division => BinaryOp::Divide,
        B::Equality | B::StrictEquality => BinaryOp::Equal,
        B::Inequality | B::StrictInequality => BinaryOp::NotEqual,
        B::LessThan => BinaryOp::Less,
        B::LessEqualThan => BinaryOp::LessEqual,
        B::GreaterThan => BinaryOp::Greater,
        B::GreaterEqualThan => BinaryOp::GreaterEqual,
        B::In => BinaryOp::In,
        B::Instanceof => BinaryOp::InstanceOf,
        _ => BinaryOp::Other,
    }
}
