//! Modules, what they export, and the objects that the program makes.

#[allow(clippy::wildcard_imports, reason = "one type in several files")]
use super::*;

impl Eval<'_> {
    /// Reads and runs a module once.
    pub(in crate::lower::code) fn load(&mut self, file: FileId) {
        if self.modules.contains_key(&file) || self.failed.contains_key(&file) {
            return;
        }
        self.bytes += self.graph.cx.tree.entry(file).len;
        let start = Span::new(file, TextRange::new(0, 0));
        let loaded = if self.modules.len() >= MAX_MODULES || self.bytes > MAX_BYTES {
            Err((Why::TooLarge, start))
        } else {
            self.graph.module(file)
        };
        let module = match loaded {
            Ok(module) => module,
            Err((why, at)) => {
                self.gap(why, at, Hides::Anything);
                self.failed.insert(file, Value::Unknown);
                return;
            }
        };
        self.order.push(file);
        self.facts.syntax(&module);
        // A module runs once, at the first import: as surely as the import.
        let scope = Scope::new(None, true, self.branch);
        let exports = self.object(Object { branch: self.branch, ..Object::default() });
        let object = self.object(Object { branch: self.branch, ..Object::default() });
        self.heap[object.0].props.insert("exports".into(), Value::Object(exports));
        scope.declare("module", Value::Object(object));
        scope.declare("exports", Value::Object(exports));
        scope.declare("__dirname", Value::external(":global", &["__dirname"]));
        scope.declare("__filename", Value::external(":global", &["__filename"]));
        if self.python.is_some() {
            scope.names.borrow_mut().clear();
            self.py_module(&scope, file);
        }
        let loading = Loading { scope: Rc::clone(&scope), module: Arc::clone(&module), object };
        self.modules.insert(file, loading);
        let this = Value::Object(exports);
        let here = Here { module: Arc::clone(&module), scope, this, home: None };
        let before = (self.via, self.hint.take(), std::mem::take(&mut self.awaited));
        let pending = std::mem::take(&mut self.pending);
        self.frames.push(Frame { returns: None });
        let body = module.body.clone();
        self.statements(&here, &body);
        self.frames.pop();
        self.pending = pending;
        (self.via, self.hint, self.awaited) = before;
    }

    /// What a specifier gives: the module as a value.
    pub(in crate::lower::code) fn import(
        &mut self,
        from: FileId,
        specifier: &str,
        at: Span,
    ) -> Value {
        if self.python.is_some() {
            return self.py_import(from, specifier, at);
        }
        match self.graph.resolve(from, specifier) {
            Target::File(file) => {
                if let Some(name) = self.graph.package_named(from, file, specifier) {
                    self.facts.package(&name, from, at);
                }
                self.load(file);
                if self.failed.contains_key(&file) {
                    return Value::Unknown;
                }
                Value::Namespace(file)
            }
            Target::Package(name, rest) => {
                self.facts.package(&name, from, at);
                let package = if rest.is_empty() { name } else { format!("{name}/{rest}") };
                Value::external(&package, &[])
            }
            Target::Platform(name) if name == "process" => Value::external(":global", &["process"]),
            Target::Platform(name) => Value::external(&format!("node:{name}"), &[]),
            Target::Data => Value::Inert,
            Target::Missing => {
                self.gap(Why::NeedsBuild, at, Hides::Anything);
                Value::Unknown
            }
        }
    }

    /// What `import {name} from` gives.
    pub(super) fn imported(&mut self, of: &Value, what: &Imported) -> Value {
        let name = match what {
            Imported::Namespace => return of.clone(),
            Imported::Default => "default",
            Imported::Named(name) => name,
        };
        match of {
            Value::Namespace(file) => Value::Live(*file, name.into()),
            other => self.member(other, name, None),
        }
    }

    /// An export of a module.
    pub(in crate::lower::code) fn export(
        &mut self,
        file: FileId,
        name: &str,
        depth: usize,
    ) -> Option<Value> {
        if depth > 16 {
            return None;
        }
        if self.python.is_some() {
            let value = self.py_export(file, name)?;
            return Some(self.live(value, depth));
        }
        let loading = self.modules.get(&file)?;
        let (module, scope, object) =
            (Arc::clone(&loading.module), Rc::clone(&loading.scope), loading.object);
        for export in &module.exports {
            let at = module.span(export.range);
            match &export.what {
                Exported::Local(local) if *export.name == *name => {
                    let found = scope.find(local).map(|(_, value)| value)?;
                    return Some(self.live(found, depth));
                }
                Exported::From { specifier, what } if *export.name == *name => {
                    let of = self.import(file, specifier, at);
                    let value = self.imported(&of, what);
                    return Some(self.live(value, depth));
                }
                _ => {}
            }
        }
        let alls: Vec<_> = module
            .exports
            .iter()
            .filter_map(|export| match &export.what {
                Exported::All { specifier } if name != "default" => {
                    Some((specifier.clone(), module.span(export.range)))
                }
                _ => None,
            })
            .collect();
        for (specifier, at) in alls {
            match self.import(file, &specifier, at) {
                Value::Namespace(other) => {
                    if let Some(value) = self.export(other, name, depth + 1) {
                        return Some(value);
                    }
                }
                Value::External(_) => {}
                _ => return Some(Value::Unknown),
            }
        }
        // CommonJS.
        let exports = self.heap[object.0].props.get("exports").cloned()?;
        if name == "default" {
            let made = self.heap_prop(&exports, "default");
            let is_own = match &exports {
                Value::Object(id) => {
                    let object = &self.heap[id.0];
                    object.items.is_some() || object.class.is_some() || !object.props.is_empty()
                }
                _ => true,
            };
            return made.or_else(|| is_own.then_some(exports));
        }
        match &exports {
            Value::Object(id) if !self.heap[id.0].open => self.heap_prop(&exports, name),
            other => Some(self.member(&other.clone(), name, None)),
        }
    }

    pub(super) fn live(&mut self, value: Value, depth: usize) -> Value {
        match value {
            Value::Live(file, name) => {
                self.export(file, &name, depth + 1).unwrap_or(Value::Undefined)
            }
            value => value,
        }
    }

    /// `module.exports` of a module that says nothing by declaration.
    pub(in crate::lower::code) fn commonjs(&self, file: FileId) -> Option<Value> {
        let loading = self.modules.get(&file)?;
        if !loading.module.exports.is_empty() {
            return None;
        }
        self.heap[loading.object.0].props.get("exports").cloned()
    }

    /// The names of a module that is loaded.
    pub(in crate::lower::code) fn scope_of(&self, file: FileId) -> Option<Rc<Scope>> {
        self.modules.get(&file).map(|loading| Rc::clone(&loading.scope))
    }

    /// Whether a module could not be read.
    pub(in crate::lower::code) fn has_failed(&self, file: FileId) -> bool {
        self.failed.contains_key(&file)
    }

    pub(in crate::lower::code) fn object(&mut self, object: Object) -> ObjectId {
        self.heap.push(object);
        ObjectId(self.heap.len() - 1)
    }

    pub(in crate::lower::code) fn list(&mut self, items: Vec<Value>) -> Value {
        let branch = self.branch;
        Value::Object(self.object(Object { items: Some(items), branch, ..Object::default() }))
    }

    pub(in crate::lower::code) fn host(&mut self, host: Host) -> Value {
        self.hosts.push(host);
        Value::Host(HostId(self.hosts.len() - 1))
    }

    pub(super) fn heap_prop(&self, value: &Value, name: &str) -> Option<Value> {
        match value {
            Value::Object(id) => self.heap[id.0].props.get(name).cloned(),
            _ => None,
        }
    }

    /// A property, where it is an object's own: for options.
    pub(in crate::lower::code) fn option(&mut self, value: &Value, name: &str) -> Value {
        match value {
            Value::Object(_) | Value::Env(_) | Value::Any(_) => self.member(value, name, None),
            _ => Value::Undefined,
        }
    }

    pub(in crate::lower::code) fn items(&self, value: &Value) -> Option<Vec<Value>> {
        match value {
            Value::Object(id) => self.heap[id.0].items.clone(),
            _ => None,
        }
    }

    pub(in crate::lower::code) fn set(&mut self, value: &Value, name: &str, new: Value) {
        for one in value.each() {
            match one {
                Value::Object(id) => {
                    let branch = self.branch;
                    let object = &mut self.heap[id.0];
                    let joined = match object.props.get(name) {
                        Some(old) if branch > object.branch => old.clone().or(new.clone()),
                        None if branch > object.branch => Value::Undefined.or(new.clone()),
                        _ => new.clone(),
                    };
                    object.props.insert(name.into(), joined);
                }
                Value::Class(class) => {
                    let statics = Value::Object(class.statics);
                    self.set(&statics, name, new.clone());
                }
                Value::Host(host) => self.set_host(*host, name, &new),
                Value::External(path) => self.set_external(path, name, &new),
                _ => {}
            }
        }
    }

    /// A property of a value.
    pub(in crate::lower::code) fn member(
        &mut self,
        of: &Value,
        name: &str,
        at: Option<Span>,
    ) -> Value {
        match of {
            Value::Any(all) => {
                let mut found: Option<Value> = None;
                for one in all.iter().filter(|v| !matches!(v, Value::Null | Value::Undefined)) {
                    let value = self.member(one, name, at);
                    found = Some(match found {
                        Some(before) => before.or(value),
                        None => value,
                    });
                }
                found.unwrap_or(Value::Undefined)
            }
            Value::Env(env) if matches!(env.unset, Value::Object(_)) => {
                let value = self.member(&env.unset, name, at);
                of.depends(value)
            }
            Value::Env(_) => of.depends(Value::Unknown),
            Value::Object(id) => self.object_member(*id, name, of),
            Value::Namespace(file) => self.namespace_member(*file, name),
            Value::Live(file, export) => {
                let value = self.export(*file, export, 0).unwrap_or(Value::Undefined);
                if matches!(value, Value::Live(..)) {
                    Value::Unknown
                } else {
                    self.member(&value, name, at)
                }
            }
            Value::Class(class) if self.python.is_some() => {
                let class = Rc::clone(class);
                self.py_class_member(&class, name, of, at)
            }
            Value::Class(class) => {
                let class = Rc::clone(class);
                if let Some(value) = self.heap[class.statics.0].props.get(name).cloned() {
                    return value;
                }
                if let Some((closure, getter)) = method(&class, name, true) {
                    if getter {
                        return self.invoke(&closure, of.clone(), Args::default(), at);
                    }
                    return Value::Bound(Rc::new((of.clone(), closure)));
                }
                match &class.base {
                    Value::Undefined => Value::Undefined,
                    base => self.member(&base.clone(), name, at),
                }
            }
            Value::Host(host) => self.host_member(*host, name, at),
            Value::External(path) => self.external_member(path, name, at),
            Value::Text(text) if name == "length" => Value::Number(text.len() as f64),
            Value::Undefined | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {
                Value::Undefined
            }
            // `server.auth.default`.
            Value::HostMethod(host, of) if &**of == "auth" && self.python.is_none() => {
                Value::HostMethod(*host, format!("auth.{name}").into())
            }
            Value::HostMethod(host, _) if self.python.is_some() => {
                Value::HostMethod(*host, name.into())
            }
            Value::Inert | Value::Regex | Value::HostMethod(..) => Value::Inert,
            Value::Function(_) | Value::Bound(_) | Value::Unknown => Value::Unknown,
        }
    }

    pub(super) fn namespace_member(&mut self, file: FileId, name: &str) -> Value {
        if let Some(value) = self.export(file, name, 0) {
            return value;
        }
        if self.failed.contains_key(&file) {
            return Value::Unknown;
        }
        Value::Undefined
    }

    pub(super) fn object_member(&mut self, id: ObjectId, name: &str, of: &Value) -> Value {
        let object = &self.heap[id.0];
        if let Some(value) = object.props.get(name) {
            let value = value.clone();
            return self.live(value, 0);
        }
        if let Some(getter) = object.getters.get(name).cloned() {
            return self.invoke(&getter, of.clone(), Args::default(), None);
        }
        if let Some(items) = &object.items {
            if name == "length" {
                return if object.open {
                    Value::Unknown
                } else {
                    Value::Number(items.len() as f64)
                };
            }
            return Value::Inert;
        }
        let open = object.open;
        if let Some(class) = object.class.clone() {
            if self.python.is_some() {
                return self.py_class_member(&class, name, of, None);
            }
            if let Some((closure, getter)) = method(&class, name, false) {
                if getter {
                    return self.invoke(&closure, of.clone(), Args::default(), None);
                }
                return Value::Bound(Rc::new((of.clone(), closure)));
            }
            // A method of a base that is a package's.
            let mut base = class.base.clone();
            while let Value::Class(next) = &base {
                base = next.base.clone();
            }
            return match base {
                Value::Undefined if !open => Value::Undefined,
                Value::External(_) | Value::Inert => Value::Inert,
                _ => Value::Unknown,
            };
        }
        if open { Value::Unknown } else { Value::Undefined }
    }
}
