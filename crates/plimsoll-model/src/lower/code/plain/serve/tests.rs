//! Programs in Rust, text in, text out.

use plimsoll_source::Tree;

use crate::code::{Answers, Guard, StartFailure};

const DOCKER: &str = "FROM rust:1.90 AS build\nWORKDIR /src\nCOPY . .\nRUN cargo build --release\nFROM debian:13-slim\nCOPY --from=build /src/target/release/api /usr/local/bin/api\nCMD [\"api\"]\n";

/// Ports, routes (open or not, what they answer), handlers of signals, whether these are all, and
/// whether a failure ends the program.
fn read_with(packages: &str, files: &[(&str, &str)]) -> String {
    let manifest = format!(
        "[package]\nname = \"api\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{packages}"
    );
    let mut all = vec![("Dockerfile", DOCKER), ("Cargo.toml", &*manifest)];
    all.extend(files);
    let delivery = crate::lower(&Tree::from_memory(all));
    let Some(code) = &delivery.services[0].code else { return "none".to_owned() };
    let listens = code
        .listens
        .iter()
        .map(|listen| format!("{:?} {:?}", listen.port.known(), listen.variables));
    let routes = code.routes.iter().map(|route| {
        let open = if route.guard == Guard::Open { "open" } else { "guarded" };
        let answers = match route.answers {
            Answers::Constant(_) => "constant",
            Answers::Depends(_) => "depends",
            _ => "unknown",
        };
        format!("{} {:?} {open} {answers}", route.method, route.path.known())
    });
    let handlers = code.handlers.iter().map(|handler| {
        let sure = if handler.unknown.is_some() { "perhaps more" } else { "all" };
        format!("{} closes {}, {sure}", handler.signal, handler.closes.len())
    });
    let fails = matches!(code.start_failure, StartFailure::Exits(_));
    let end = format!("{} {fails}", code.all_handlers);
    listens.chain(routes).chain(handlers).chain([end]).collect::<Vec<_>>().join("\n")
}

const AXUM: &str = "axum = \"0.8\"\ntokio = \"1\"\ntower-http = \"0.6\"\ntower = \"0.5\"\n";
const ACTIX: &str = "actix-web = \"4\"\n";

/// A program of axum: what stands in `main`, and beside it.
fn axum(main: &str, rest: &str) -> String {
    let text = format!(
        "use axum::{{Router, routing::{{self, get, post}}}};\nuse tower_http::trace::TraceLayer;\n\n#[tokio::main]\nasync fn main() {{\n{main}\n}}\n{rest}\n"
    );
    read_with(AXUM, &[("src/main.rs", &text)])
}

const SERVE: &str = "let listener = tokio::net::TcpListener::bind(\"0.0.0.0:3000\").await.unwrap();\naxum::serve(listener, app).await.unwrap();";

#[test]
fn the_port_is_what_the_listener_is_bound_to() {
    let bound = |address: &str, before: &str| {
        let main = format!(
            "{before}\nlet listener = tokio::net::TcpListener::bind({address}).await.unwrap();\naxum::serve(listener, Router::new()).await.unwrap();"
        );
        axum(&main, "").lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(bound("\"0.0.0.0:3000\"", ""), "Some(3000) []");
    assert_eq!(bound("(\"0.0.0.0\", 8080)", ""), "Some(8080) []");
    let socket = "let addr = std::net::SocketAddr::from(([0, 0, 0, 0], port));";
    let read =
        "let port = std::env::var(\"PORT\").ok().and_then(|p| p.parse().ok()).unwrap_or(3000u16);";
    assert_eq!(bound("&addr", &format!("{read}\n{socket}")), "Some(3000) [\"PORT\"]");
    // More is made of it.
    let read = "let port = std::env::var(\"PORT\").ok().map(|p| p.parse::<u16>().unwrap() + 1).unwrap_or(3000u16);";
    assert_eq!(bound("&addr", &format!("{read}\n{socket}")), "None []");
    let read = "let port = std::env::var(\"PORT\").unwrap_or_else(|_| \"8080\".to_string());";
    assert_eq!(bound("format!(\"0.0.0.0:{}\", port)", read), "Some(8080) [\"PORT\"]");
    assert_eq!(bound("format!(\"0.0.0.0:{port}\")", read), "Some(8080) [\"PORT\"]");
    let read = "let port = 1;\nif debug { let port = 2; }";
    assert_eq!(bound("format!(\"0.0.0.0:{port}\")", read), "None []");
    assert_eq!(bound("settings.address()", ""), "None []");
}

#[test]
fn routes_of_axum_have_the_prefixes_they_are_nested_at() {
    let main = format!(
        "let app = Router::new()\n.route(\"/live\", get(|| async {{ \"ok\" }}))\n.nest(\"/api\", api())\n.merge(crate::admin())\n.layer(TraceLayer::new_for_http());\n{SERVE}"
    );
    let rest = "fn api() -> Router {\nRouter::new().route(\"/health\", routing::get(health)).route(\"/\", post(health))\n}\nfn admin() -> Router {\nRouter::new().route(\"/admin\", get(health)).layer(axum::middleware::from_fn(auth))\n}\nasync fn health() -> &'static str { \"ok\" }\nfn unused() -> Router { Router::new().route(\"/never\", get(health)) }";
    assert_eq!(
        axum(&main, rest),
        "Some(3000) []\nGET Some(\"/admin\") guarded constant\nPOST Some(\"/api\") open constant\nGET Some(\"/api/health\") open constant\nGET Some(\"/live\") open constant\ntrue true"
    );
}

#[test]
fn what_may_stand_before_routes_guards_them() {
    let route = |layer: &str, before: &str| {
        let main = format!(
            "{before}\nlet app = Router::new().route(\"/live\", get(|| async {{ \"ok\" }})){layer};\n{SERVE}"
        );
        let all = axum(&main, "");
        all.lines().nth(1).unwrap_or_default().to_owned()
    };
    let open = "GET Some(\"/live\") open constant";
    let guarded = "GET Some(\"/live\") guarded constant";
    assert_eq!(route(".layer(TraceLayer::new_for_http())", ""), open);
    assert_eq!(route(".layer(trace)", "let trace = TraceLayer::new_for_http();"), open);
    assert_eq!(route(".layer(trace)", ""), guarded);
    let stack = "tower::ServiceBuilder::new().layer(TraceLayer::new_for_http())";
    assert_eq!(route(&format!(".layer({stack})"), ""), open);
    assert_eq!(route(&format!(".layer({stack}.layer(auth))"), ""), guarded);
    assert_eq!(route(&format!(".layer({stack}.concurrency_limit(1))"), ""), guarded);
    // Added only under a condition: which router is served is not told.
    let main = format!(
        "let mut app = Router::new().route(\"/live\", get(|| async {{ \"ok\" }}));\nif prod {{ app = app.layer(auth); }}\n{SERVE}"
    );
    assert_eq!(axum(&main, ""), "Some(3000) []\ntrue true");
    let main = format!(
        "let app = Router::new().route(\"/live\", get(|| async {{ \"ok\" }}));\n#[cfg(feature = \"auth\")]\nlet app = app.layer(auth);\n{SERVE}"
    );
    assert_eq!(axum(&main, ""), "Some(3000) []\ntrue true");
}

#[test]
fn an_answer_is_certain_by_its_text_or_unknown() {
    let answers = |handler: &str| {
        let main = format!("let app = Router::new().route(\"/h\", get(health));\n{SERVE}");
        let all = axum(&main, handler);
        let line = all.lines().nth(1).unwrap_or_default();
        line.trim_start_matches("GET Some(\"/h\") ").to_owned()
    };
    assert_eq!(answers("async fn health() -> StatusCode { StatusCode::OK }"), "open constant");
    let json = "async fn health() -> Json<Health> { Json(Health { status: \"ok\" }) }";
    assert_eq!(answers(json), "open constant");
    assert_eq!(answers("async fn health() -> StatusCode { StatusCode::GONE }"), "open unknown");
    assert_eq!(answers("async fn health() -> impl IntoResponse { check() }"), "open unknown");
    assert_eq!(answers("async fn health() -> AppError { AppError::Down }"), "open unknown");
    let asks = "async fn health(State(pool): State<PgPool>) -> StatusCode {\nmatch query(&pool).await { Ok(_) => StatusCode::OK, Err(_) => StatusCode::SERVICE_UNAVAILABLE }\n}";
    assert_eq!(answers(asks), "open depends");
    let swallows = "async fn health(State(pool): State<PgPool>) -> StatusCode {\nlet _ = query(&pool).await; StatusCode::OK\n}";
    assert_eq!(answers(swallows), "open unknown");
    assert_eq!(
        answers("async fn health(user: User) -> &'static str { \"ok\" }"),
        "guarded constant"
    );
    let body = "async fn health(Json(state): Json<State>) -> &'static str { \"ok\" }";
    assert_eq!(answers(body), "guarded constant");
    // Two of that name.
    let twice = "async fn health() -> &'static str { \"ok\" }\nmod other { async fn health() {} }";
    assert_eq!(answers(twice), "guarded unknown");
}

#[test]
fn a_server_of_axum_stops_by_the_signal_that_it_waits_for() {
    let stop = |wait: &str| {
        let main = "let listener = tokio::net::TcpListener::bind(\"0.0.0.0:3000\").await.unwrap();\naxum::serve(listener, Router::new()).with_graceful_shutdown(stop()).await.unwrap();";
        axum(main, &format!("async fn stop() {{\n{wait}\n}}"))
    };
    let both = "let ctrl_c = async { tokio::signal::ctrl_c().await.unwrap(); };\nlet term = async { signal::unix::signal(signal::unix::SignalKind::terminate()).unwrap().recv().await; };\ntokio::select! { _ = ctrl_c => {}, _ = term => {} }";
    assert_eq!(stop(both), "Some(3000) []\nSIGTERM closes 1, all\ntrue true");
    assert_eq!(stop("tokio::signal::ctrl_c().await.unwrap();"), "Some(3000) []\ntrue true");
    // Waits for one after the other.
    assert_eq!(stop(&both.replace("tokio::select!", "tokio::join!")), "Some(3000) []\nfalse true");
}

#[test]
fn a_failure_ends_the_program_where_nothing_stands_between() {
    let end = |serve: &str| {
        let main = format!(
            "let listener = tokio::net::TcpListener::bind(\"0.0.0.0:3000\").await.unwrap();\nlet app = Router::new();\n{serve}"
        );
        axum(&main, "").lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(end("axum::serve(listener, app).await.unwrap();"), "true true");
    assert_eq!(end("let _ = axum::serve(listener, app).await;"), "true false");
    assert_eq!(end("if let Err(e) = axum::serve(listener, app).await { log(e) }"), "true false");
    assert_eq!(
        end(
            "tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });\nwait().await;"
        ),
        "true false"
    );
}

/// A program of actix-web: its application, and what stands beside `main`.
fn actix(app: &str, rest: &str) -> String {
    let text = format!(
        "use actix_web::{{App, HttpResponse, HttpServer, Responder, get, middleware::Logger, web}};\n\n#[actix_web::main]\nasync fn main() -> std::io::Result<()> {{\nHttpServer::new(|| App::new(){app})\n.bind((\"0.0.0.0\", 8080))?\n.run()\n.await\n}}\nasync fn health() -> impl Responder {{ HttpResponse::Ok().finish() }}\n{rest}\n"
    );
    read_with(ACTIX, &[("src/main.rs", &text)])
}

#[test]
fn routes_of_actix_have_the_prefixes_of_their_scopes() {
    let app = ".wrap(Logger::default()).service(live).route(\"/health\", web::get().to(health)).service(web::scope(\"/api\").configure(routes).wrap(auth()))";
    let rest = "#[get(\"/live\")]\nasync fn live() -> impl Responder { HttpResponse::Ok().body(\"ok\") }\nfn routes(cfg: &mut web::ServiceConfig) {\ncfg.service(web::resource(\"/orders\").route(web::post().to(health)));\n}";
    assert_eq!(
        actix(app, rest),
        "Some(8080) []\nPOST Some(\"/api/orders\") guarded constant\nGET Some(\"/health\") open constant\nGET Some(\"/live\") open constant\nSIGTERM closes 1, all\ntrue true"
    );
}

#[test]
fn what_is_registered_first_takes_what_it_matches() {
    let guards = |first: &str| {
        let all = actix(&format!("{first}.route(\"/health\", web::get().to(health))"), "");
        let line = all.lines().find(|line| line.contains("\"/health\"")).unwrap_or_default();
        line.to_owned()
    };
    let (open, guarded) =
        ("GET Some(\"/health\") open constant", "GET Some(\"/health\") guarded constant");
    assert_eq!(guards(""), open);
    assert_eq!(guards(".route(\"/orders/{id}\", web::get().to(health))"), open);
    assert_eq!(guards(".route(\"/{page}\", web::get().to(health))"), guarded);
    assert_eq!(guards(".service(web::scope(\"\").route(\"/x\", web::get().to(health)))"), guarded);
    assert_eq!(guards(".service(web::resource(\"/healthy\").to(health))"), open);
    assert_eq!(guards(".service(files())"), guarded);
    assert_eq!(guards(".wrap(auth())"), guarded);
}

#[test]
fn a_server_of_actix_stops_by_itself_where_nothing_says_otherwise() {
    let main = "use actix_web::{App, HttpServer};\n#[actix_web::main]\nasync fn main() -> std::io::Result<()> {\nHttpServer::new(App::new).disable_signals().bind(\"0.0.0.0:8080\")?.run().await\n}\n";
    let all = read_with(ACTIX, &[("src/main.rs", main)]);
    assert_eq!(all, "Some(8080) []\nfalse true");
    let main = main
        .replace(".disable_signals()", "")
        .replace(".bind(\"0.0.0.0:8080\")", ".listen(listener)");
    let all = read_with(ACTIX, &[("src/main.rs", &main)]);
    assert_eq!(all, "None []\nSIGTERM closes 1, all\ntrue true");
    // A package that may leave something open.
    let all = read_with(&format!("{ACTIX}sqlx = \"0.8\"\n"), &[("src/main.rs", &main)]);
    assert_eq!(all, "None []\nSIGTERM closes 1, perhaps more\ntrue true");
}

#[test]
fn only_the_binary_that_is_built_and_started_is_read() {
    let main = "#[tokio::main]\nasync fn main() {\naxum::serve(tokio::net::TcpListener::bind(\"0.0.0.0:1\").await.unwrap(), axum::Router::new()).await.unwrap();\n}\n";
    let two = main.replace(":1\"", ":2\"");
    let files = [("src/main.rs", main), ("src/bin/other.rs", &*two)];
    assert_eq!(read_with(AXUM, &files), "Some(1) []\ntrue true");
    let all = [("src/bin/other.rs", main)];
    assert_eq!(read_with(AXUM, &all), "none");
    // What it is built of, but for its own package, may do more.
    let local = format!("{AXUM}common = {{ path = \"common\" }}\n");
    let files = [
        ("src/main.rs", main),
        ("common/Cargo.toml", "[package]\nname = \"common\"\nversion = \"1.0.0\"\n"),
        ("common/src/lib.rs", ""),
    ];
    assert_eq!(read_with(&local, &files), "Some(1) []\nfalse true");
}
