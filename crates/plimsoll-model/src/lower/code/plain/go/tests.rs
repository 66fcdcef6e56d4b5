//! Programs in Go, text in, text out.

use plimsoll_source::Tree;

use crate::code::{Answers, Guard};

/// Ports, routes, handlers of signals, whether these are all, and what becomes of a failure.
fn read(files: &[(&str, &str)]) -> String {
    read_as(files, |_| "")
}

fn read_as(files: &[(&str, &str)], says: impl Fn(&Answers) -> &'static str) -> String {
    let mut all = vec![
        (
            "Dockerfile",
            "FROM golang:1.26\nWORKDIR /src\nCOPY . .\nRUN go build -o /api .\nCMD [\"/api\"]\n",
        ),
        ("go.mod", "module example.org/api\n\ngo 1.26\n"),
    ];
    all.extend(files);
    let delivery = crate::lower(&Tree::from_memory(all));
    let Some(code) = &delivery.services[0].code else { return "none".to_owned() };
    let listens = code
        .listens
        .iter()
        .map(|listen| format!("{:?} {:?}", listen.port.known(), listen.variables));
    let routes = code.routes.iter().map(|route| {
        let open = route.guard == Guard::Open;
        let path = route.path.known().map_or("?", String::as_str);
        format!("{} {path:?} {open}{}", route.method, says(&route.answers))
    });
    let handlers = code.handlers.iter().map(|handler| {
        format!(
            "{} closes {} {:?}",
            handler.signal,
            handler.closes.len(),
            handler.unknown.is_some()
        )
    });
    let end = format!(
        "{} {}",
        code.all_handlers,
        matches!(code.start_failure, crate::code::StartFailure::Exits(_))
    );
    listens.chain(routes).chain(handlers).chain([end]).collect::<Vec<_>>().join("\n")
}

#[test]
fn ports_come_from_the_environment_or_the_default() {
    let main = "package main\n\nimport (\n\t\"fmt\"\n\t\"net\"\n\t\"os\"\n)\n\nconst (\n\tdefaultPort = \"50051\"\n)\n\nfunc main() {\n\tport := defaultPort\n\tif value, ok := os.LookupEnv(\"PORT\"); ok {\n\t\tport = value\n\t}\n\tport = fmt.Sprintf(\":%s\", port)\n\n\tlis, err := net.Listen(\"tcp\", port)\n\tif err != nil {\n\t\tlog.Fatalf(\"no: %v\", err)\n\t}\n\tserve(lis)\n}\n";
    assert_eq!(read(&[("main.go", main)]), "Some(50051) [\"PORT\"]\ntrue true");
    let other =
        main.replace("if value, ok := os.LookupEnv(\"PORT\"); ok", "if value := \"9\"; debug");
    assert_eq!(read(&[("main.go", &other)]), "None []\ntrue true");
    let main = "package main\n\nimport (\n\t\"net\"\n\t\"os\"\n)\n\nvar port = \"3550\"\n\nfunc main() {\n\tif os.Getenv(\"PORT\") != \"\" {\n\t\tport = os.Getenv(\"PORT\")\n\t}\n\trun(port)\n}\n\nfunc run(port string) {\n\tnet.Listen(\"tcp\", \":\"+port)\n}\n";
    assert_eq!(read(&[("main.go", main)]), "Some(3550) [\"PORT\"]\ntrue false");
}

#[test]
fn routes_have_the_prefixes_of_their_groups() {
    let main = "package main\n\nimport (\n\t\"github.com/gin-gonic/gin\"\n\t\"example.org/api/routes\"\n)\n\nfunc main() {\n\tr := gin.Default()\n\tapi := r.Group(\"/api\")\n\troutes.Register(api)\n\tif debug {\n\t\tr.GET(\"/debug\", show)\n\t}\n\tr.Run()\n}\n";
    let routes = "package routes\n\nfunc Register(g *gin.RouterGroup) {\n\tg.GET(\"/health\", func(c *gin.Context) { c.String(200, \"ok\") })\n\tg.POST(\"/orders\", auth, create)\n}\n\nfunc Unused(g *gin.RouterGroup) {\n\tg.GET(\"/never\", show)\n}\n";
    assert_eq!(
        read(&[("main.go", main), ("routes/routes.go", routes)]),
        "Some(8080) [\"PORT\"]\nGET \"/api/health\" true\nPOST \"/api/orders\" false\ntrue false"
    );
    let main = "package main\n\nimport \"github.com/go-chi/chi/v5\"\n\nfunc main() {\n\tr := chi.NewRouter()\n\tr.Route(\"/v1\", func(r chi.Router) {\n\t\tr.Get(\"/health\", health)\n\t})\n\tr.Get(\"/live\", health)\n\tlog.Fatal(http.ListenAndServe(\":8080\", r))\n}\n";
    assert_eq!(
        read(&[("main.go", main)]),
        "GET \"/live\" true\nGET \"/v1/health\" true\ntrue false"
    );
}

#[test]
fn a_signal_is_handled_where_the_server_is_stopped() {
    let main = "package main\n\nimport (\n\t\"net/http\"\n\t\"os/signal\"\n\t\"syscall\"\n)\n\nfunc main() {\n\tmux := http.NewServeMux()\n\tmux.HandleFunc(\"GET /health\", func(w http.ResponseWriter, r *http.Request) { w.Write(nil) })\n\tctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)\n\tdefer stop()\n\tsrv := &http.Server{Addr: \":8080\", Handler: guard(mux)}\n\tgo func() {\n\t\tif err := srv.ListenAndServe(); err != nil {\n\t\t\tlog.Fatal(err)\n\t\t}\n\t}()\n\t<-ctx.Done()\n\tsrv.Shutdown(context.Background())\n}\n\nfunc guard(next http.Handler) http.Handler {\n\treturn http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {\n\t\tif r.Header.Get(\"X\") == \"\" {\n\t\t\tw.WriteHeader(401)\n\t\t\treturn\n\t\t}\n\t\tnext.ServeHTTP(w, r)\n\t})\n}\n";
    assert_eq!(
        read(&[("main.go", main)]),
        "Some(8080) []\nGET \"/health\" false\nSIGTERM closes 1 false\ntrue true"
    );
}

/// A program: what it imports, its `main`, and what stands beside it.
fn program(imports: &str, main: &str, rest: &str) -> String {
    format!("package main\n\nimport (\n{imports}\n)\n\nfunc main() {{\n{main}\n}}\n\n{rest}\n")
}

const FIBER: &str = "\"github.com/gofiber/fiber/v2\"\n\"github.com/gofiber/fiber/v2/middleware/logger\"\n\"github.com/gofiber/fiber/v2/middleware/limiter\"";

#[test]
fn fiber_asks_its_routes_in_their_order() {
    let of = |main: &str, rest: &str| read(&[("main.go", &program(FIBER, main, rest))]);
    let main = "app := fiber.New()\napp.Use(logger.New())\napp.Get(\"/health\", health)\napi := app.Group(\"/api\")\napi.Get(\"/orders\", health)\nadmin := app.Group(\"/admin\", auth)\nadmin.Get(\"/users\", health)\napp.Get(\"/:page\", health)\nlog.Fatal(app.Listen(\":3000\"))";
    let health = "func health(c *fiber.Ctx) error { return c.SendString(\"ok\") }";
    assert_eq!(
        of(main, health),
        "Some(3000) []\nGET \"/:page\" true\nGET \"/admin/users\" false\nGET \"/api/orders\" true\nGET \"/health\" true\ntrue true"
    );
    // What is asked first may answer.
    let first = "app := fiber.New()\napp.Get(\"/:page\", health)\napp.Get(\"/health\", health)\napp.Listen(\":3000\")";
    assert_eq!(
        of(first, health),
        "Some(3000) []\nGET \"/:page\" true\nGET \"/health\" false\ntrue false"
    );
    let limited = "app := fiber.New()\napp.Use(limiter.New())\napp.Get(\"/health\", health)\napp.Listen(\":3000\")";
    assert_eq!(of(limited, health), "Some(3000) []\nGET \"/health\" false\ntrue false");
    let mounted = "app := fiber.New()\nsub := fiber.New()\nsub.Get(\"/health\", health)\napp.Mount(\"/api\", sub)\napp.Use(\"/more\", more())\napp.Listen(\":3000\")";
    let more =
        "func more() *fiber.App {\nsub := fiber.New()\nsub.Get(\"/lost\", health)\nreturn sub\n}";
    assert_eq!(
        of(mounted, &format!("{health}\n{more}")),
        "Some(3000) []\nGET \"?\" true\nGET \"/api/health\" false\ntrue false"
    );
}

#[test]
fn a_server_of_fiber_stops_where_it_is_told_to() {
    let imports = format!("{FIBER}\n\"os/signal\"\n\"syscall\"");
    let main = "app := fiber.New()\ngo func() {\nc := make(chan os.Signal, 1)\nsignal.Notify(c, syscall.SIGTERM)\n<-c\napp.Shutdown()\n}()\napp.Listen(\":3000\")";
    assert_eq!(
        read(&[("main.go", &program(&imports, main, ""))]),
        "Some(3000) []\nSIGTERM closes 1 false\ntrue false"
    );
    let main = main.replace("app.Shutdown()", "fmt.Println(\"bye\")");
    assert_eq!(
        read(&[("main.go", &program(&imports, &main, ""))]),
        "Some(3000) []\nSIGTERM closes 0 true\ntrue false"
    );
}

const ECHO: &str = "\"github.com/labstack/echo/v4\"\n\"github.com/labstack/echo/v4/middleware\"";

#[test]
fn groups_of_echo_have_prefixes_and_guards() {
    let of = |main: &str| {
        let health = "func health(c echo.Context) error { return c.NoContent(http.StatusOK) }";
        read(&[("main.go", &program(ECHO, main, health))])
    };
    let main = "e := echo.New()\ne.Use(middleware.Logger())\ne.Use(middleware.Recover())\ne.GET(\"/health\", health)\nv1 := e.Group(\"/api\").Group(\"/v1\")\nv1.GET(\"/lost\", health)\napi := e.Group(\"/api\")\napi.GET(\"/orders\", health)\napi.POST(\"/orders\", health, auth)\nadmin := e.Group(\"/admin\", auth)\nadmin.GET(\"/users\", health)\ne.Logger.Fatal(e.Start(\":1323\"))";
    assert_eq!(
        of(main),
        "Some(1323) []\nGET \"/admin/users\" false\nGET \"/api/orders\" true\nPOST \"/api/orders\" false\nGET \"/health\" true\ntrue true"
    );
    let guarded = "e := echo.New()\ne.Use(middleware.KeyAuth(check))\ne.GET(\"/health\", health)\ne.Start(\":1323\")";
    assert_eq!(of(guarded), "Some(1323) []\nGET \"/health\" false\ntrue false");
    let before =
        guarded.replace("e.Use(middleware.KeyAuth(check))", "e.Pre(middleware.Rewrite(all))");
    assert_eq!(of(&before), "Some(1323) []\nGET \"/health\" false\ntrue false");
}

#[test]
fn a_server_of_echo_listens_where_its_server_says() {
    let main = "e := echo.New()\nport := os.Getenv(\"PORT\")\nif port == \"\" {\nport = \"8080\"\n}\nctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)\ndefer stop()\ngo func() {\nif err := e.Start(\":\" + port); err != nil {\ne.Logger.Fatal(err)\n}\n}()\n<-ctx.Done()\ne.Shutdown(ctx)";
    let imports = format!("{ECHO}\n\"os\"\n\"os/signal\"");
    assert_eq!(
        read(&[("main.go", &program(&imports, main, ""))]),
        "Some(8080) [\"PORT\"]\nSIGTERM closes 1 false\ntrue true"
    );
}

const MUX: &str = "\"net/http\"\n\"github.com/gorilla/mux\"";

#[test]
fn mux_asks_its_routes_in_their_order() {
    let of = |main: &str| {
        let health = "func health(w http.ResponseWriter, r *http.Request) { w.Write(nil) }";
        let end = "http.ListenAndServe(\":8080\", r)";
        let main = format!("r := mux.NewRouter()\n{main}\n{end}");
        let all = read(&[("main.go", &program(MUX, &main, health))]);
        all.lines().filter(|line| line.contains(" \"")).collect::<Vec<_>>().join("\n")
    };
    let main = "r.HandleFunc(\"/health\", health).Methods(\"GET\")\napi := r.PathPrefix(\"/api\").Subrouter()\napi.HandleFunc(\"/orders\", health).Methods(http.MethodPost)\nr.PathPrefix(\"/\").Handler(http.FileServer(dir))";
    assert_eq!(of(main), "POST \"/api/orders\" true\nGET \"/health\" true");
    let first =
        "r.PathPrefix(\"/\").Handler(http.FileServer(dir))\nr.HandleFunc(\"/health\", health)";
    assert_eq!(of(first), "* \"/health\" false");
    let first = "r.HandleFunc(\"/{name}\", health)\nr.HandleFunc(\"/health\", health)";
    assert_eq!(of(first), "* \"/health\" false\n* \"/{name}\" true");
    let asks = "r.HandleFunc(\"/health\", health).Methods(\"GET\").Queries(\"full\", \"1\")";
    assert_eq!(of(asks), "GET \"/health\" false");
    assert_eq!(of("r.Use(auth)\nr.HandleFunc(\"/health\", health)"), "* \"/health\" false");
    let handed = "s := mux.NewRouter()\ns.HandleFunc(\"/health\", health)\nr.PathPrefix(\"/api\").Handler(http.StripPrefix(\"/api\", s))";
    assert_eq!(of(handed), "* \"?\" true");
}

#[test]
fn a_router_that_is_handed_to_the_standard_one_is_below_it() {
    let main = "r := mux.NewRouter()\nr.HandleFunc(\"/health\", health)\nhttp.Handle(\"/\", r)\nhttp.ListenAndServe(\":8080\", nil)";
    let health = "func health(w http.ResponseWriter, r *http.Request) { w.Write(nil) }";
    let of = |main: &str| read(&[("main.go", &program(MUX, main, health))]);
    assert_eq!(
        of(main),
        "Some(8080) []\n* \"/\" true\n* \"/*\" true\n* \"/health\" true\ntrue false"
    );
    let below = of(&main.replace("\"/\"", "\"/api/\""));
    assert!(below.contains("* \"?\" true") && !below.contains("/health"), "{below}");
}

#[test]
fn routers_of_chi_are_mounted() {
    let imports = "\"net/http\"\n\"github.com/go-chi/chi/v5\"";
    let main = "r := chi.NewRouter()\nr.Mount(\"/api\", api())\nr.Mount(\"/other\", strange.Routes())\nhttp.ListenAndServe(\":8080\", r)";
    let rest = "func api() http.Handler {\nr := chi.NewRouter()\nr.Get(\"/health\", health)\nreturn r\n}\nfunc health(w http.ResponseWriter, r *http.Request) { w.Write(nil) }";
    assert_eq!(
        read(&[("main.go", &program(imports, main, rest))]),
        "Some(8080) []\nGET \"/api/health\" true\ntrue false"
    );
}

#[test]
fn an_answer_is_certain_by_its_text_or_unknown() {
    let of = |body: &str| {
        let main = "http.HandleFunc(\"/h\", health)\nhttp.ListenAndServe(\":1\", nil)";
        let rest = format!("func health(w http.ResponseWriter, r *http.Request) {{\n{body}\n}}");
        let says = |answers: &Answers| match answers {
            Answers::Constant(_) => " constant",
            Answers::Depends(_) => " depends",
            _ => " unknown",
        };
        let all = read_as(&[("main.go", &program("\"net/http\"", main, &rest))], says);
        let line = all.lines().nth(1).unwrap_or_default().to_owned();
        line.rsplit(' ').next().unwrap_or_default().to_owned()
    };
    assert_eq!(of("w.WriteHeader(http.StatusOK)\nw.Write([]byte(\"ok\"))"), "constant");
    assert_eq!(of("w.WriteHeader(http.StatusServiceUnavailable)"), "unknown");
    assert_eq!(of("respond(w, check())"), "unknown");
    assert_eq!(
        of("if err := db.Ping(); err != nil {\nw.WriteHeader(503)\nreturn\n}\nw.WriteHeader(200)"),
        "depends"
    );
    assert_eq!(of("if err := db.Ping(); err != nil {\nlog.Print(err)\n}"), "unknown");
}
