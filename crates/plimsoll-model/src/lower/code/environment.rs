//! Environment variables that are read through a description: zod, envalid, joi and the like.

use std::rc::Rc;

use plimsoll_source::Span;

use super::eval::{Args, Eval, variable};
use super::host::{Host, Kind};
use super::value::{HostId, Object, Value};

/// What values a description allows.
#[derive(Clone, Debug)]
pub(super) struct Schema {
    pub(super) default: Value,
    pub(super) required: bool,
    /// The fields of an object.
    pub(super) fields: Option<Value>,
    pub(super) number: bool,
}

impl Eval<'_> {
    fn schema(&mut self, schema: Schema, at: Span) -> Value {
        self.host(Host { kind: Kind::Schema(Box::new(schema)), at, open: None })
    }

    /// Functions of packages that describe values; `None` where it is none.
    pub(super) fn environment_external(
        &mut self,
        package: &str,
        name: &str,
        args: &Args,
        at: Span,
    ) -> Option<Value> {
        let last = name.rsplit('.').next().unwrap_or(name);
        match package {
            "zod" | "zod/v4" | "@hapi/joi" | "joi" | "yup" => {
                let joi = package.ends_with("joi");
                let fields = (matches!(last, "object")).then(|| args.get(0));
                let schema = Schema {
                    default: Value::Undefined,
                    required: !joi && package != "yup",
                    fields,
                    number: last == "number",
                };
                Some(self.schema(schema, at))
            }
            "envalid" if last == "cleanEnv" => Some(self.validated(&args.get(0), &args.get(1), at)),
            "envalid" => {
                let options = args.get(0);
                let default = self.option(&options, "default");
                let number = matches!(last, "num" | "port");
                let has = match &options {
                    Value::Object(id) => self.heap[id.0].props.contains_key("default"),
                    _ => false,
                };
                Some(self.schema(Schema { default, required: !has, fields: None, number }, at))
            }
            "@t3-oss/env-core" | "@t3-oss/env-nextjs" if last == "createEnv" => {
                let server = self.option(&args.get(0), "server");
                let env = self.option(&args.get(0), "runtimeEnv");
                Some(self.validated(&env, &server, at))
            }
            "env-var" if last == "get" => {
                let name = args.get(0).as_text()?;
                self.facts.read(&name, at);
                Some(variable(&name, at))
            }
            "dotenv" => Some(Value::Inert),
            // The path of a manifest: what is read there is no code.
            "pkg-up" => Some(Value::external(package, &["path"])),
            "config" if last == "get" => Some(Value::Unknown),
            _ => None,
        }
    }

    /// The environment, as a description makes it.
    fn validated(&mut self, env: &Value, fields: &Value, at: Span) -> Value {
        let is_env = |value: &Value| match value {
            Value::External(path) => path.0 == ":global" && path.1 == ["process", "env"],
            _ => false,
        };
        let Value::Object(fields) = fields else { return Value::Unknown };
        let own = match env {
            Value::Object(_) => Some(env.clone()),
            env if is_env(env) => None,
            _ => return Value::Unknown,
        };
        let described = self.heap[fields.0].clone();
        let mut made = Object { branch: self.branch, open: described.open, ..Object::default() };
        for (name, field) in &described.props {
            let (schema, place) = match field {
                Value::Host(id) => match &self.hosts[id.0].kind {
                    Kind::Schema(schema) => ((**schema).clone(), self.hosts[id.0].at),
                    _ => continue,
                },
                _ => {
                    let unknown = Schema {
                        default: Value::Unknown,
                        required: false,
                        fields: None,
                        number: false,
                    };
                    (unknown, at)
                }
            };
            let value = match &own {
                Some(own) => self.member(own, name, Some(place)),
                None => {
                    self.facts.read(name, place);
                    variable(name, place)
                }
            };
            let value = if let Value::Env(_) = value {
                if matches!(schema.default, Value::Undefined) {
                    if schema.required && matches!(value.unset(), Value::Undefined) {
                        self.facts.require(&value.names());
                    }
                    value
                } else {
                    self.facts.defaults(&value, &schema.default);
                    value.depends(schema.default.clone())
                }
            } else {
                value
            };
            made.props.insert(Rc::clone(name), value);
        }
        Value::Object(self.object(made))
    }

    /// Fields, and more of them, which win.
    fn merged_fields(&mut self, fields: Option<&Value>, more: &Value) -> Value {
        let Value::Object(more) = more else { return Value::Unknown };
        let more = self.heap[more.0].clone();
        let mut made = match fields {
            Some(Value::Object(id)) => self.heap[id.0].clone(),
            None | Some(Value::Undefined) => Object { branch: self.branch, ..Object::default() },
            Some(_) => return Value::Unknown,
        };
        made.open |= more.open;
        made.props.extend(more.props);
        Value::Object(self.object(made))
    }

    pub(super) fn call_schema(
        &mut self,
        id: HostId,
        schema: &Schema,
        name: &str,
        args: &Args,
        at: Span,
    ) -> Value {
        let place = self.hosts[id.0].at;
        match name {
            "parse" | "parseAsync" | "validateSync" | "attempt" => match &schema.fields {
                Some(fields) => {
                    let fields = fields.clone();
                    self.validated(&args.get(0), &fields, at)
                }
                None => {
                    let value = args.get(0);
                    match &schema.default {
                        Value::Undefined => value,
                        default => value.depends(default.clone()),
                    }
                }
            },
            "safeParse" | "validate" | "safeParseAsync" => {
                let value = match &schema.fields {
                    Some(fields) => {
                        let fields = fields.clone();
                        self.validated(&args.get(0), &fields, at)
                    }
                    None => Value::Unknown,
                };
                let mut made = Object { open: true, branch: self.branch, ..Object::default() };
                made.props.insert("data".into(), value.clone());
                made.props.insert("value".into(), value);
                Value::Object(self.object(made))
            }
            "default" => {
                let mut schema = schema.clone();
                schema.default = match args.get(0) {
                    function @ Value::Function(_) => {
                        self.call_value(&function, Args::default(), Some(at))
                    }
                    value => value,
                };
                schema.required = false;
                self.schema(schema, place)
            }
            "optional" | "nullish" | "nullable" | "catch" => {
                let mut schema = schema.clone();
                schema.required = false;
                self.schema(schema, place)
            }
            "required" => {
                let mut schema = schema.clone();
                schema.required = true;
                self.schema(schema, place)
            }
            // `Joi.object().keys({…})`, `z.object({…}).extend({…})`: with more fields.
            "keys" | "append" | "extend" => {
                let mut schema = schema.clone();
                schema.fields = Some(self.merged_fields(schema.fields.as_ref(), &args.get(0)));
                self.schema(schema, place)
            }
            // A method that makes another kind of schema of it has its own default.
            "transform" | "pipe" | "or" => {
                let mut schema = schema.clone();
                if !matches!(schema.default, Value::Undefined)
                    && name == "transform"
                    && !schema.number
                {
                    schema.default = Value::Unknown;
                }
                self.schema(schema, place)
            }
            _ => Value::Host(id),
        }
    }
}
