//! What Python programs do, told by a few small files.

use std::fmt::Write;

use plimsoll_source::{Span, Tree};

use crate::code::{Answers, Code, Guard, StartFailure};
use crate::fact::Fact;

fn code(cmd: &str, files: &[(&str, &str)]) -> (Tree, Option<Code>) {
    let dockerfile = format!("FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nCMD {cmd}\n");
    let mut all = vec![("Dockerfile", &*dockerfile), ("requirements.txt", "")];
    all.extend(files);
    let tree = Tree::from_memory(all);
    let mut delivery = crate::lower(&tree);
    assert_eq!(delivery.services.len(), 1);
    (tree, delivery.services.remove(0).code)
}

fn place(tree: &Tree, span: Span) -> String {
    let bytes = tree.read(span.file).unwrap();
    let before = &bytes[..span.range.start as usize];
    let line = 1 + before.iter().filter(|&&b| b == b'\n').count();
    format!("{}:{line}", tree.path(span.file).rsplit('/').next().unwrap())
}

/// What is asked of a program, a line a fact.
fn check(what: &str, cmd: &str, files: &[(&str, &str)]) -> String {
    let (tree, code) = code(cmd, files);
    let at = |span: Span| place(&tree, span);
    let Some(code) = code else { return "none\n".to_owned() };
    let mut out = String::new();
    let fact = |fact: &Fact<String>| match fact {
        Fact::Known { value, .. } => value.clone(),
        Fact::Absent => "-".to_owned(),
        Fact::Unknown(why, _) => format!("{why:?}"),
    };
    match what {
        "entry" => match &code.entry {
            Fact::Known { value, .. } => writeln!(out, "{}", tree.path(*value)).unwrap(),
            Fact::Unknown(why, _) => writeln!(out, "{why:?}").unwrap(),
            Fact::Absent => {}
        },
        "modules" => {
            let paths: Vec<&str> = code.modules.iter().map(|&file| tree.path(file)).collect();
            writeln!(out, "{}", paths.join(" ")).unwrap();
        }
        "listens" => {
            for listen in &code.listens {
                let port = match &listen.port {
                    Fact::Known { value, .. } => value.to_string(),
                    other => format!("{other:?}").chars().take_while(|c| *c != ',').collect(),
                };
                let names = listen.variables.join(",");
                writeln!(out, "{port} [{names}] {} {}", fact(&listen.host), at(listen.at)).unwrap();
            }
        }
        "routes" => {
            for route in &code.routes {
                let guard = match route.guard {
                    Guard::Open => "open".to_owned(),
                    Guard::Rejects(span) => format!("rejects {}", at(span)),
                    Guard::Shadows(span) => format!("shadows {}", at(span)),
                    Guard::Unknown(why, _) => format!("{why:?}"),
                };
                let answers = match &route.answers {
                    Answers::Constant(_) => "constant".to_owned(),
                    Answers::Depends(span) => format!("depends {}", at(*span)),
                    Answers::Error(code, _) => format!("error {code}"),
                    Answers::Silent(_) => "silent".to_owned(),
                    Answers::Unknown(why) => format!("{why:?}"),
                };
                let path = route.path.known().map_or("?", |path| path);
                writeln!(out, "{} {path} {guard}, {answers}", route.method).unwrap();
            }
        }
        "signals" => {
            for handler in &code.handlers {
                write!(out, "{} {}", handler.signal, at(handler.at)).unwrap();
                for (index, open) in code.opens.iter().enumerate() {
                    let closed = handler.closes.iter().find(|(closed, _)| *closed == index);
                    let closed =
                        closed.map_or("open".to_owned(), |(_, s)| format!("closed {}", at(*s)));
                    write!(out, "; {:?} {} {closed}", open.kind, open.name).unwrap();
                }
                out.push('\n');
            }
            if code.handlers.is_empty() {
                out.push_str("none\n");
            }
        }
        "failure" => {
            let failure = match &code.start_failure {
                StartFailure::Exits(_) => "exits".to_owned(),
                StartFailure::Swallowed(span) => format!("swallowed {}", at(*span)),
                StartFailure::Unknown(why, _) => format!("{why:?}"),
            };
            writeln!(out, "{failure}").unwrap();
        }
        "environment" => {
            for read in &code.environment {
                let required = if read.required { " required" } else { "" };
                writeln!(out, "{} {}{required}", read.name, fact(&read.default)).unwrap();
            }
        }
        "writes" => {
            for write in &code.writes {
                writeln!(out, "{} {}", fact(&write.path), at(write.at)).unwrap();
            }
        }
        "imports" => {
            for import in &code.imports {
                writeln!(out, "{} {}", import.package, at(import.at)).unwrap();
            }
        }
        "opens" => {
            for open in &code.opens {
                let address = open.address.as_ref();
                let to = address.map_or("-".to_owned(), |a| {
                    format!("{} {}", a.variables.join(","), fact(&a.default))
                });
                writeln!(out, "{:?} {} {} {to}", open.kind, open.name, open.at_start).unwrap();
            }
        }
        other => panic!("{other}"),
    }
    if what != "imports" {
        for gap in &code.gaps {
            writeln!(out, "gap {:?} {:?} {}", gap.why, gap.hides, at(gap.at)).unwrap();
        }
    }
    out
}

const FASTAPI: &str = "from fastapi import FastAPI\napp = FastAPI()\n";

#[test]
fn the_module_that_is_started() {
    let app = ("app/main.py", FASTAPI);
    let init = ("app/__init__.py", "");
    for cmd in [
        r#"["uvicorn", "app.main:app", "--host", "0.0.0.0"]"#,
        r#"["/opt/venv/bin/gunicorn", "-k", "uvicorn.workers.UvicornWorker", "app.main:app"]"#,
        r#"["python3.12", "-m", "uvicorn", "app.main:app"]"#,
        r#"["poetry", "run", "hypercorn", "app.main:app"]"#,
        r#"["fastapi", "run", "app/main.py"]"#,
        r#"["fastapi", "run", "--workers", "4"]"#,
        r#"["uv", "run", "granian", "--interface", "asgi", "app.main:app"]"#,
        "exec uvicorn app.main:app --port $PORT",
        r#"["python", "-m", "app.main"]"#,
        r#"["python", "app/main.py"]"#,
    ] {
        assert_eq!(check("entry", cmd, &[app, init]), "app/main.py\n", "{cmd}");
    }
    let gone = check("entry", r#"["uvicorn", "gone:app"]"#, &[app]);
    assert_eq!(gone, "NeedsBuild\n");
    assert_eq!(check("entry", r#"["nginx"]"#, &[app]), "none\n");
}

#[test]
fn imports_lead_through_packages() {
    let files = [
        ("app/__init__.py", ""),
        (
            "app/main.py",
            "from __future__ import annotations\nimport os, yaml\nfrom typing import TYPE_CHECKING\n\
             import app.db.session as s\nfrom . import util\nfrom .api import (a as b)\nfrom ns import one\n\
             if TYPE_CHECKING:\n    import never\ntry:\n    import PIL.Image\nexcept ImportError:\n    pass\n",
        ),
        ("app/db/__init__.py", "from .session import engine\n"),
        ("app/db/session.py", "from sqlalchemy.orm import Session\nengine = 1\n"),
        ("app/util.py", "from ..app import util\n"),
        ("app/api/__init__.py", ""),
        ("app/api/a.py", "import app.main\n"),
        ("ns/one.py", ""),
        ("tests/test_a.py", "import pytest\n"),
    ];
    let cmd = r#"["python", "-m", "app.main"]"#;
    assert_eq!(
        check("modules", cmd, &files),
        "app/main.py app/__init__.py app/db/__init__.py app/db/session.py app/util.py app/api/__init__.py app/api/a.py ns/one.py\n"
    );
    assert_eq!(
        check("imports", cmd, &files),
        "sqlalchemy session.py:1\npyyaml main.py:2\npillow main.py:11\n"
    );
}

#[test]
fn the_port_that_is_listened_on() {
    let files = [("main.py", FASTAPI)];
    let start = |cmd: &str, expected: &str| {
        assert_eq!(check("listens", cmd, &files), format!("{expected} Dockerfile:4\n"), "{cmd}");
    };
    start(r#"["uvicorn", "main:app"]"#, "8000 [UVICORN_PORT] 127.0.0.1");
    start(r#"["uvicorn", "main:app", "--host=0.0.0.0", "--port", "80"]"#, "80 [] 0.0.0.0");
    start("uvicorn main:app --port ${PORT:-8080}", "8080 [PORT] 127.0.0.1");
    start(r#"["gunicorn", "-b", ":8001", "main:app"]"#, "8001 [] 0.0.0.0");
    start(r#"["gunicorn", "main:app", "--bind=0.0.0.0:9000", "-w", "4"]"#, "9000 [] 0.0.0.0");
    start(r#"["gunicorn", "main:app"]"#, "8000 [PORT] 127.0.0.1");
    start(r#"["fastapi", "run", "main.py"]"#, "8000 [PORT] 0.0.0.0");
    let script = |text: &str, expected: &str| {
        let text = format!("import os, uvicorn\n{FASTAPI}{text}\n");
        let got = check("listens", r#"["python", "main.py"]"#, &[("main.py", &text)]);
        assert_eq!(got, expected, "{text}");
    };
    script(
        "if __name__ == '__main__':\n    uvicorn.run(app, host='0.0.0.0', port=int(os.environ.get('PORT', 8000)))",
        "8000 [PORT] 0.0.0.0 main.py:5\n",
    );
    script(
        "uvicorn.run('main:app', port=int(os.getenv('A') or os.getenv('B', '81')))",
        "81 [A,B] 127.0.0.1 main.py:4\n",
    );
    script("PORT = 9000\nuvicorn.run(app, port=PORT)", "9000 [] 127.0.0.1 main.py:5\n");
    let made = "from fastapi import FastAPI\ndef make():\n    app = FastAPI()\n    app.get('/health')(lambda: 1)\n    return app\n";
    let run = "import uvicorn\nuvicorn.run('web.app:make', factory=True)\n";
    let files = [("main.py", run), ("web/app.py", made)];
    assert_eq!(check("routes", r#"["python", "main.py"]"#, &files), "GET /health open, constant\n");
    script("uvicorn.run(app, port=pick())", "Unknown(Dynamic [] 127.0.0.1 main.py:4\n");
    script("if __name__ != '__main__':\n    uvicorn.run(app)", "");
    let conf = [
        ("main.py", FASTAPI),
        (
            "gunicorn.conf.py",
            "import os\nport = os.environ.get('PORT', '5001')\nbind = f'0.0.0.0:{port}'\n",
        ),
    ];
    let got = check("listens", r#"["gunicorn", "main:app"]"#, &conf);
    assert_eq!(got, "5001 [PORT] 0.0.0.0 Dockerfile:4\n");
    let flask = [("app.py", "from flask import Flask\napp = Flask(__name__)\n")];
    let got = check("listens", r#"["flask", "run", "--host=0.0.0.0"]"#, &flask);
    assert_eq!(got, "5000 [FLASK_RUN_PORT] 0.0.0.0 Dockerfile:4\n");
}

#[test]
fn routes_of_fastapi() {
    let files = [
        (
            "main.py",
            "from fastapi import FastAPI, Depends, HTTPException, Response\nfrom api import router, private\nfrom db import get_db, Session\n\
app = FastAPI()\napp.include_router(router, prefix='/api')\napp.include_router(private)\n\
@app.get('/live')\nasync def live():\n    return {'ok': True}\n\
@app.get('/ready')\ndef ready(db: Session = Depends(get_db)):\n    db.execute('select 1')\n    return {'ok': True}\n\
@app.get('/careful')\ndef careful(response: Response, db=Depends(get_db)):\n    try:\n        db.execute('select 1')\n    except Exception:\n        response.status_code = 503\n        return {'ok': False}\n    return {'ok': True}\n\
@app.get('/blind')\ndef blind(db=Depends(get_db)):\n    try:\n        db.execute('select 1')\n    except Exception:\n        pass\n    return {'ok': True}\n\
@app.get('/down')\ndef down():\n    raise HTTPException(status_code=503)\n",
        ),
        (
            "api.py",
            "from fastapi import APIRouter, Depends\nfrom auth import user, User\nrouter = APIRouter(prefix='/v1')\nprivate = APIRouter(prefix='/private', dependencies=[Depends(user)])\n\
@router.get('/items/{id}')\ndef item(id: int, who: User):\n    return {}\n\
@router.post('/items')\ndef make():\n    return {}\n\
@private.get('/health')\ndef health():\n    return 'ok'\n",
        ),
        (
            "auth.py",
            "from typing import Annotated\nfrom fastapi import Depends, HTTPException\nfrom fastapi.security import OAuth2PasswordBearer\nscheme = OAuth2PasswordBearer(tokenUrl='t')\n\
def user(token: Annotated[str, Depends(scheme)]):\n    if not token:\n        raise HTTPException(401)\n    return token\nUser = Annotated[str, Depends(user)]\n",
        ),
        (
            "db.py",
            "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import Session, sessionmaker\nengine = create_engine('postgresql://db/x')\nLocal = sessionmaker(bind=engine)\n\
def get_db():\n    db = Local()\n    try:\n        yield db\n    finally:\n        db.close()\n",
        ),
    ];
    assert_eq!(
        check("routes", r#"["uvicorn", "main:app"]"#, &files),
        "POST /api/v1/items open, Unsupported\n\
         GET /api/v1/items/{id} rejects api.py:5, constant\n\
         GET /blind open, constant\n\
         GET /careful open, depends main.py:17\n\
         GET /down open, error 503\n\
         GET /live open, constant\n\
         GET /private/health rejects api.py:4, constant\n\
         GET /ready open, depends main.py:12\n"
    );
}

#[test]
fn what_stands_before_routes() {
    let with = |more: &str| {
        let text = format!(
            "from fastapi import FastAPI, Request, Depends\nfrom fastapi.responses import JSONResponse\napp = FastAPI()\n@app.get('/health')\ndef health():\n    return 1\n@app.get('/x')\ndef x():\n    return 1\n{more}"
        );
        check("routes", r#"["uvicorn", "main:app"]"#, &[("main.py", &text)])
    };
    let middleware = "PUBLIC = ['/health']\n@app.middleware('http')\nasync def auth(request: Request, call_next):\n    if request.url.path in PUBLIC:\n        return await call_next(request)\n    if request.headers.get('x-key') != KEY:\n        return JSONResponse(status_code=401, content={})\n    return await call_next(request)\n";
    assert_eq!(
        with(middleware),
        "GET /health open, constant\nGET /x rejects main.py:16, constant\n"
    );
    let cors = "from fastapi.middleware.cors import CORSMiddleware\napp.add_middleware(CORSMiddleware, allow_origins=['*'])\n";
    assert_eq!(with(cors), "GET /health open, constant\nGET /x open, constant\n");
    let own = "from starlette.middleware.base import BaseHTTPMiddleware\nclass Auth(BaseHTTPMiddleware):\n    async def dispatch(self, request, call_next):\n        if not request.headers.get('authorization'):\n            return JSONResponse({}, status_code=401)\n        return await call_next(request)\napp.add_middleware(Auth)\n";
    assert_eq!(
        with(own),
        "GET /health rejects main.py:14, constant\nGET /x rejects main.py:14, constant\n"
    );
    let unknown = "import other\nother.install(app)\n";
    assert_eq!(
        with(unknown),
        "GET /health open, constant\nGET /x open, constant\ngap Unsupported Routes main.py:11\n"
    );
}

#[test]
fn what_packages_put_before_routes() {
    let fastapi = |imports: &str, made: &str| {
        let main = format!(
            "from fastapi import FastAPI, Depends\n{imports}\n{made}\n@app.get('/h')\ndef h():\n    return 1\n"
        );
        check("routes", r#"["uvicorn", "main:app"]"#, &[("main.py", &main)])
    };
    assert_eq!(
        fastapi("from acme_auth import verify", "app = FastAPI(dependencies=[Depends(verify)])"),
        "GET /h Unsupported, constant\n"
    );
    assert_eq!(
        fastapi("from acme import session", "app = FastAPI(dependencies=[Depends(session)])"),
        "GET /h open, constant\n"
    );
    let own = "from starlette.middleware.base import BaseHTTPMiddleware\nfrom fastapi import Response\nclass Admin(BaseHTTPMiddleware):\n    def __init__(self, app):\n        super().__init__(app)\n    async def dispatch(self, request, call_next):\n        if not self.is_admin(request.url.path):\n            return await call_next(request)\n        return Response(status_code=403)\n    def is_admin(self, path):\n        return path.startswith('/admin')\n";
    assert_eq!(
        fastapi(own, "app = FastAPI()\napp.add_middleware(Admin)"),
        "GET /h open, constant\n"
    );
    let flask = |standing: &str| {
        let main = format!(
            "from flask import Flask\nimport acme_auth\napp = Flask(__name__)\n{standing}\n@app.route('/h')\ndef h():\n    return 'x'\n"
        );
        check("routes", r#"["gunicorn", "main:app"]"#, &[("main.py", &main)])
    };
    assert_eq!(flask("app.before_request(acme_auth.check)"), "GET /h Unsupported, constant\n");
    assert_eq!(
        flask("app.wsgi_app = acme_auth.Wrap(app.wsgi_app)"),
        "GET /h Unsupported, constant\ngap Unsupported Routes main.py:4\n"
    );
    let own = "class Own:\n    def __init__(self, app): self.app = app\n    def __call__(self, env, start):\n        start('401 Unauthorized', [])\n        return [b'']\napp.wsgi_app = Own(app.wsgi_app)";
    assert_eq!(flask(own), "GET /h Dynamic, constant\n");
    let decorated = "from functools import wraps\nfrom flask import request\ndef key(f):\n    @wraps(f)\n    def inner(*a):\n        if not request.headers.get('X-Key'):\n            return 'no', 401\n        return f(*a)\n    return inner\n@app.get('/k')\n@key\ndef k():\n    return 'x'\n";
    assert_eq!(
        flask(decorated),
        "GET /h open, constant\nGET /k rejects main.py:13, depends main.py:13\n"
    );
}

#[test]
fn what_fastapi_answers_in_place_of_a_route() {
    let check = |body: &str, expected: &str| {
        let main = format!(
            "from fastapi import FastAPI, Header, status\nfrom fastapi.responses import JSONResponse\napp = FastAPI()\n{body}"
        );
        let found =
            super::tests::check("routes", r#"["uvicorn", "main:app"]"#, &[("main.py", &main)]);
        assert_eq!(found, expected, "{body}");
    };
    let health = "@app.get('/h')\ndef h(): return {}\n";
    let all = "@app.get('/{path:path}')\ndef spa(path: str): return {}\n";
    check(
        &format!("{all}{health}"),
        "GET /h shadows main.py:4, constant\nGET /{path:path} open, constant\n",
    );
    check(&format!("{health}{all}"), "GET /h open, constant\nGET /{path:path} open, constant\n");
    check("@app.get('/h')\ndef h(x_key: str = Header()): return {}\n", "GET /h open, error 422\n");
    check("@app.get('/h')\ndef h(deep: bool): return {}\n", "GET /h open, error 422\n");
    check("@app.get('/h')\ndef h(deep: bool = False): return {}\n", "GET /h open, constant\n");
    check(
        "@app.get('/h')\ndef h(): return JSONResponse({}, status_code=status.HTTP_503_SERVICE_UNAVAILABLE)\n",
        "GET /h open, error 503\n",
    );
}

#[test]
fn routes_of_flask_aiohttp_and_django() {
    let flask = [
        (
            "app.py",
            "from flask import Flask, jsonify, abort, request\nfrom views import bp\nfrom flask_login import login_required\ndef create_app():\n    app = Flask(__name__)\n    app.register_blueprint(bp, url_prefix='/api')\n    @app.before_request\n    def check():\n        if request.path == '/health':\n            return None\n        if not request.headers.get('X-Key'):\n            abort(401)\n    @app.route('/health')\n    def health():\n        return jsonify(ok=True)\n    @app.route('/me', methods=['GET', 'POST'])\n    @login_required\n    def me():\n        return 'x'\n    return app\n",
        ),
        (
            "views.py",
            "from flask import Blueprint\nimport redis\nbp = Blueprint('b', __name__, url_prefix='/no')\nr = redis.Redis()\n@bp.route('/ready')\ndef ready():\n    try:\n        r.ping()\n    except Exception:\n        return 'no', 503\n    return 'yes'\n",
        ),
    ];
    assert_eq!(
        check("routes", r#"["gunicorn", "app:create_app()"]"#, &flask),
        "GET /api/ready rejects app.py:12, depends views.py:8\n\
         GET /health open, constant\n\
         GET /me rejects app.py:12, Unsupported\n\
         POST /me rejects app.py:12, Unsupported\n"
    );
    let aiohttp = [(
        "main.py",
        "from aiohttp import web\nroutes = web.RouteTableDef()\n@routes.get('/a')\nasync def a(request):\n    return web.json_response({})\nasync def b(request):\n    return web.Response(status=503)\nasync def c(request):\n    await request.app['pool'].fetch('select 1')\n    return web.Response()\napp = web.Application()\napp.add_routes(routes)\napp.add_routes([web.get('/b', b)])\nsub = web.Application()\nsub.router.add_get('/c', c)\napp.add_subapp('/sub', sub)\nweb.run_app(app, port=8081)\n",
    )];
    assert_eq!(
        check("routes", r#"["python", "main.py"]"#, &aiohttp),
        "GET /a open, constant\nGET /b open, error 503\nGET /sub/c open, Dynamic\n"
    );
    assert_eq!(check("listens", r#"["python", "main.py"]"#, &aiohttp), "8081 [] - main.py:17\n");
    let django = [
        (
            "manage.py",
            "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site1.settings')\n",
        ),
        ("site1/__init__.py", ""),
        (
            "site1/wsgi.py",
            "import os\nfrom django.core.wsgi import get_wsgi_application\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site1.settings')\napplication = get_wsgi_application()\n",
        ),
        (
            "site1/settings.py",
            "ROOT_URLCONF = 'site1.urls'\nALLOWED_HOSTS = ['*']\nMIDDLEWARE = ['django.middleware.common.CommonMiddleware']\n",
        ),
        (
            "site1/urls.py",
            "from django.contrib import admin\nfrom django.urls import path, include, re_path\nfrom . import views\nurlpatterns = [\n    path('admin/', admin.site.urls),\n    path('health/', views.health),\n    path('api/', include('api.urls')),\n    re_path(r'^ping$', views.Ping.as_view()),\n]\n",
        ),
        (
            "site1/views.py",
            "from django.http import JsonResponse, HttpResponse\nfrom django.views import View\nfrom django.db import connection\ndef health(request):\n    with connection.cursor() as cursor:\n        cursor.execute('select 1')\n    return JsonResponse({})\nclass Ping(View):\n    def get(self, request):\n        return HttpResponse('pong')\n",
        ),
        (
            "api/urls.py",
            "from django.urls import path\nurlpatterns = [path('x', lambda request: None)]\n",
        ),
    ];
    let expected =
        "* /api/x open, constant\n* /health open, depends views.py:5\n* /ping open, constant\n";
    assert_eq!(check("routes", r#"["gunicorn", "site1.wsgi"]"#, &django), expected);
    let run = r#"["python", "manage.py", "runserver", "0.0.0.0:8002"]"#;
    assert_eq!(check("routes", run, &django), expected);
    assert_eq!(check("listens", run, &django), "8002 [] 0.0.0.0 Dockerfile:4\n");
}

#[test]
fn what_stands_before_a_class_view() {
    let views = "from django.contrib.auth.mixins import LoginRequiredMixin\nfrom django.http import HttpResponse\nfrom django.views import View\nfrom rest_framework.permissions import AllowAny, IsAuthenticated\nfrom rest_framework.views import APIView\nclass Mine(LoginRequiredMixin, View):\n    def get(self, request):\n        return HttpResponse('')\nclass Default(APIView):\n    def get(self, request):\n        return HttpResponse('')\nclass Anyone(APIView):\n    permission_classes = [AllowAny]\n    def get(self, request):\n        return HttpResponse('')\nclass Known(APIView):\n    permission_classes = [IsAuthenticated]\n    def get(self, request):\n        return HttpResponse('')\n";
    let urls = "from django.urls import path\nfrom . import views\nurlpatterns = [\n    path('mine', views.Mine.as_view()),\n    path('default', views.Default.as_view()),\n    path('anyone', views.Anyone.as_view()),\n    path('known', views.Known.as_view()),\n]\n";
    let files = [
        (
            "manage.py",
            "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site1.settings')\n",
        ),
        ("site1/__init__.py", ""),
        (
            "site1/wsgi.py",
            "import os\nfrom django.core.wsgi import get_wsgi_application\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site1.settings')\napplication = get_wsgi_application()\n",
        ),
        ("site1/settings.py", "ROOT_URLCONF = 'site1.urls'\nMIDDLEWARE = []\n"),
        ("site1/urls.py", urls),
        ("site1/views.py", views),
    ];
    let routes = check("routes", r#"["gunicorn", "site1.wsgi"]"#, &files);
    let guard = |path: &str| {
        let line = routes.lines().find(|line| line.contains(path)).unwrap();
        line.split(' ').nth(2).unwrap().trim_end_matches(',').to_owned()
    };
    assert_eq!(guard("/mine"), "rejects", "{routes}");
    // Who is let in by the classes of Django REST framework is not followed.
    for path in ["/default", "/known", "/anyone"] {
        assert!(!["open", "rejects"].contains(&&*guard(path)), "{routes}");
    }
}

#[test]
fn what_ends_in_order() {
    let lifespan = "import asyncpg, redis.asyncio as redis\nfrom contextlib import asynccontextmanager\nfrom fastapi import FastAPI\n@asynccontextmanager\nasync def lifespan(app: FastAPI):\n    app.state.pool = await asyncpg.create_pool('postgres://db')\n    app.state.cache = redis.from_url('redis://c')\n    yield\n    await app.state.pool.close()\napp = FastAPI(lifespan=lifespan)\n";
    assert_eq!(
        check("signals", r#"["uvicorn", "main:app"]"#, &[("main.py", lifespan)]),
        "SIGTERM Dockerfile:4; Server server closed Dockerfile:4; Database pool closed main.py:9; Cache cache open\n"
    );
    let events = "from sqlalchemy import create_engine\nfrom fastapi import FastAPI\nengine = create_engine('x')\napp = FastAPI()\n@app.on_event('shutdown')\ndef stop():\n    engine.dispose()\n";
    assert_eq!(
        check("signals", r#"["gunicorn", "main:app"]"#, &[("main.py", events)]),
        "SIGTERM Dockerfile:4; Database engine closed main.py:7; Server server closed Dockerfile:4\n"
    );
    let flask = "from flask import Flask\napp = Flask(__name__)\napp.run(host='0.0.0.0')\n";
    assert_eq!(check("signals", r#"["python", "main.py"]"#, &[("main.py", flask)]), "none\n");
    let own = "import signal, sys, threading\nfrom kafka import KafkaConsumer\nconsumer = KafkaConsumer('t')\ndef stop(*_):\n    consumer.close()\n    sys.exit(0)\nfor s in (signal.SIGTERM, signal.SIGINT):\n    signal.signal(s, stop)\nwhile True:\n    pass\n";
    assert_eq!(
        check("signals", r#"["python", "main.py"]"#, &[("main.py", own)]),
        "SIGTERM main.py:8; Worker consumer closed main.py:5\nSIGINT main.py:8; Worker consumer closed main.py:5\n"
    );
}

#[test]
fn the_environment_and_failures() {
    let text = "import os\nfrom pydantic_settings import BaseSettings, SettingsConfigDict\nfrom pydantic import Field\nfrom sqlmodel import create_engine\nA = os.environ['A']\nB = os.environ.get('B', 'b')\nC = os.getenv('C')\nD = os.getenv('D') or 'd'\nclass Settings(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix='APP_')\n    url: str\n    port: int = 80\n    name: str = Field('n', alias='NAME')\nsettings = Settings()\nengine = create_engine(settings.url)\nif not C:\n    raise RuntimeError('C')\nopen('/data/x', 'w')\nopen('/data/y')\n";
    let files = [("main.py", text)];
    let cmd = r#"["python", "main.py"]"#;
    assert_eq!(
        check("environment", cmd, &files),
        "A - required\nB b\nC - required\nD d\nAPP_URL - required\nAPP_PORT 80\nNAME n\n"
    );
    // What a call hands over by name, no environment has to give.
    let given = |args: &str| {
        let text = format!(
            "from pydantic_settings import BaseSettings\nimport store\nclass Settings(BaseSettings):\n    secret: str\nSettings({args})\n"
        );
        check("environment", cmd, &[("main.py", &text)])
    };
    assert_eq!(given(""), "SECRET - required\n");
    assert_eq!(given("secret=store.get()"), "SECRET -\n");
    assert_eq!(given("**store.all()"), "SECRET Dynamic\n");
    assert_eq!(check("writes", cmd, &files), "/data/x main.py:18\n");
    assert_eq!(check("opens", cmd, &files), "Database engine true APP_URL -\n");
    let fails = |body: &str| {
        let text = format!(
            "import uvicorn, logging, sys\nfrom fastapi import FastAPI\napp = FastAPI()\n{body}"
        );
        check("failure", r#"["python", "main.py"]"#, &[("main.py", &text)])
    };
    assert_eq!(fails("uvicorn.run(app)\n"), "exits\n");
    assert_eq!(
        fails("try:\n    uvicorn.run(app)\nexcept Exception as e:\n    logging.error(e)\n"),
        "swallowed main.py:6\n"
    );
    assert_eq!(
        fails("try:\n    uvicorn.run(app)\nexcept KeyboardInterrupt:\n    pass\n"),
        "exits\n"
    );
    assert_eq!(
        fails("try:\n    uvicorn.run(app)\nexcept Exception:\n    sys.exit(1)\n"),
        "exits\n"
    );
}

#[test]
fn what_undoes_a_migration() {
    use crate::migration::{Down, down};
    let check = |text: &str| {
        let tree = Tree::from_memory([("m.py", text)]);
        let delivery = crate::lower(&tree);
        match down(&delivery, tree.find("m.py").unwrap()) {
            Down::Does(span, dropped) => {
                let names: Vec<&str> = dropped.iter().map(|(name, _)| &**name).collect();
                format!("does {} {}", place(&tree, span), names.join(","))
            }
            Down::Empty(span) => format!("empty {}", place(&tree, span)),
            Down::Keeps(span) => format!("keeps {}", place(&tree, span)),
            Down::Missing => "missing".to_owned(),
            Down::Unknown => "unknown".to_owned(),
        }
    };
    let alembic = "def upgrade():\n    op.create_table('a')\n";
    assert_eq!(
        check(&format!(
            "{alembic}def downgrade() -> None:\n    op.drop_table('a')\n    op.execute('DROP TABLE b')\n"
        )),
        "does m.py:3 a,b"
    );
    assert_eq!(
        check(&format!("{alembic}def downgrade():\n    \"\"\"No.\"\"\"\n    pass\n")),
        "empty m.py:3"
    );
    assert_eq!(check(alembic), "missing");
    let django = |operations: &str| {
        check(&format!("class Migration(migrations.Migration):\n    operations = [{operations}]\n"))
    };
    assert_eq!(
        django("migrations.CreateModel(name='A', fields=[]), migrations.RunPython(f, g)"),
        "does m.py:2 A"
    );
    assert_eq!(django("migrations.RunPython(f)"), "missing");
    assert_eq!(
        django(
            "migrations.RunPython(f, migrations.RunPython.noop), migrations.RemoveField('a', 'b')"
        ),
        "keeps m.py:2"
    );
    assert_eq!(django("migrations.RunPython(f, g)"), "does m.py:2 ");
    let keeps = |body: &str| check(&format!("{alembic}def downgrade():\n    {body}\n"));
    assert_eq!(keeps("op.drop_index(op.f('ix_a'))"), "keeps m.py:3");
    assert_eq!(keeps("op.add_column('a', sa.Column('b', sa.String()))"), "keeps m.py:3");
    assert_eq!(keeps("op.execute('DELETE FROM a')"), "does m.py:3 ");
    assert_eq!(keeps("op.execute(sa.text('DROP INDEX i'))"), "keeps m.py:3");
    assert_eq!(django("Own()"), "unknown");
    assert_eq!(check("x = 1"), "unknown");
    assert_eq!(check("def downgrade(:"), "unknown");
}

#[test]
fn what_a_command_of_uwsgi_or_a_distribution_starts() {
    let app = (
        "app.py",
        "from flask import Flask\napp = Flask(__name__)\napplication = app\n@app.get('/live')\ndef live():\n    return 'ok'\ndef main():\n    app.run(host='0.0.0.0', port=8010)\n",
    );
    /// A command, further files, what is served, and what is missing.
    type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str, &'static str);
    let cases: &[Case] = &[
        ("uwsgi --http :8001 -w app:app", &[], "8001 [] 0.0.0.0 Dockerfile:4\n", ""),
        (
            "uwsgi --http-socket 127.0.0.1:80 --wsgi-file app.py",
            &[],
            "80 [] 127.0.0.1 Dockerfile:4\n",
            "",
        ),
        (
            "uwsgi --ini uwsgi.ini",
            &[(
                "uwsgi.ini",
                "[other]\nhttp = :1\n[uwsgi]\nmodule = app\ncallable = app\nhttp = :8002\ndie-on-term = true\n",
            )],
            "8002 [] 0.0.0.0 Dockerfile:4\n",
            "SIGTERM",
        ),
        (
            "uwsgi uwsgi.ini",
            &[("uwsgi.ini", "[uwsgi]\nmodule = app:app\nsocket = :8002\n")],
            "",
            "",
        ),
        ("uwsgi uwsgi.ini", &[("uwsgi.ini", "[uwsgi]\nmodule = %(what)\nhttp = :8002\n")], "", ""),
        ("uwsgi --emperor /etc/vassals", &[], "", ""),
        (
            "uwsgi uwsgi.ini",
            &[(
                "uwsgi.ini",
                "[uwsgi]\nmaster\ndie-on-term\nhttp-socket = :8003\nmodule = app:app\nattach-daemon = ./mail.py --port %(_)\n",
            )],
            "8003 [] 0.0.0.0 Dockerfile:4\n",
            "SIGTERM",
        ),
        (
            "[\"svc\"]",
            &[(
                "pyproject.toml",
                "[project]\nname = \"svc\"\n[project.scripts]\nsvc = \"app:main\"\n",
            )],
            "8010 [] 0.0.0.0 app.py:8\n",
            "",
        ),
        (
            "[\"svc\"]",
            &[(
                "pyproject.toml",
                "[tool.poetry]\nname = \"svc\"\n[tool.poetry.scripts]\nsvc = \"app:main\"\n",
            )],
            "8010 [] 0.0.0.0 app.py:8\n",
            "",
        ),
    ];
    for (cmd, files, listens, handles) in cases {
        let mut all = vec![app];
        all.extend(*files);
        assert_eq!(check("listens", cmd, &all), *listens, "{cmd} {files:?}");
        let (_, code) = code(cmd, &all);
        let code = code.unwrap();
        let handlers: Vec<&str> = code.handlers.iter().map(|handler| &*handler.signal).collect();
        assert_eq!(handlers.join(" "), *handles, "{cmd} {files:?}");
        assert_eq!(code.entry.known().is_some(), !listens.is_empty(), "{cmd} {files:?}");
    }
}

#[test]
fn what_stands_before_routes_of_aiohttp() {
    let app = "from aiohttp import web\nasync def live(request):\n    return web.Response(text='ok')\n@web.middleware\nasync def auth(request, handler):\n    if not request.path.startswith('/health'):\n        raise web.HTTPUnauthorized()\n    return await handler(request)\napp = web.Application(middlewares=[auth])\napp.add_routes([web.get('/health', live), web.get('/data', live)])\nweb.run_app(app, port=1)\n";
    assert_eq!(
        check("routes", "python app.py", &[("app.py", app)]),
        "GET /data rejects app.py:7, constant\nGET /health open, constant\n"
    );
}

#[test]
fn settings_of_ones_own_are_no_part_of_the_program() {
    let gaps = |text: &str| {
        let (_, code) = code("python main.py", &[("app/__init__.py", ""), ("main.py", text)]);
        code.unwrap().gaps.len()
    };
    assert_eq!(gaps("if found():\n    from app.local_settings import *\n"), 0);
    assert_eq!(gaps("from app.local_settings import *\n"), 1);
    assert_eq!(gaps("if found():\n    from app.locale import *\n"), 1);
}
