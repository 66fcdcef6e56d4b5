//! Programs of Spring Boot, text in, text out.

use plimsoll_source::Tree;

use crate::code::Guard;

const POM: &str = "<project><parent><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-parent</artifactId><version>3.4.1</version></parent><artifactId>api</artifactId><dependencies><dependency><artifactId>spring-boot-starter-web</artifactId></dependency><dependency><artifactId>spring-boot-starter-actuator</artifactId></dependency></dependencies></project>";
const MAIN: &str = "package org.example;\n\n@SpringBootApplication\npublic class Api {\n  public static void main(String[] args) {\n    SpringApplication.run(Api.class, args);\n  }\n}\n";
const DOCKER: &str = "FROM maven:3.9 AS build\nWORKDIR /src\nCOPY . .\nRUN mvn package\nFROM eclipse-temurin:21-jre\nCOPY --from=build /src/target/*.jar /app.jar\n";

/// Ports, routes, handlers of signals, whether these are all, and what becomes of a failure.
fn read_with(end: &str, pom: &str, files: &[(&str, &str)]) -> String {
    let docker = format!("{DOCKER}{end}");
    let mut all = vec![
        ("Dockerfile", &*docker),
        ("pom.xml", pom),
        ("src/main/java/org/example/Api.java", MAIN),
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
        format!("{} {:?} {open}", route.method, route.path.known())
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

const START: &str = "CMD [\"java\", \"-jar\", \"/app.jar\"]\n";
const PROPERTIES: &str = "src/main/resources/application.properties";

fn read(files: &[(&str, &str)]) -> String {
    read_with(START, POM, files)
}

#[test]
fn ports_come_from_settings_and_what_stands_over_them() {
    let first = |all: String| all.lines().next().unwrap_or_default().to_owned();
    assert_eq!(first(read(&[])), "Some(8080) [\"SERVER_PORT\"]");
    let port = [(PROPERTIES, "server.port=${PORT:9000}\n")];
    assert_eq!(first(read(&port)), "Some(9000) [\"SERVER_PORT\", \"PORT\"]");
    let yaml = [(
        "src/main/resources/application.yml",
        "server:\n  port: 8081\n---\nspring.config.activate.on-profile: prod\nserver.port: 80\n",
    )];
    assert_eq!(first(read(&yaml)), "Some(8081) [\"SERVER_PORT\"]");
    let active = format!("ENV SPRING_PROFILES_ACTIVE=prod\n{START}");
    assert_eq!(first(read_with(&active, POM, &yaml)), "Some(80) [\"SERVER_PORT\"]");
    let other = "CMD [\"java\", \"-Dserver.port=7000\", \"-jar\", \"/app.jar\"]\n";
    assert_eq!(first(read_with(other, POM, &port)), "Some(7000) []");
    // What the build writes, what lies elsewhere, and what the source sets.
    assert_eq!(first(read(&[(PROPERTIES, "server.port=@port@\n")])), "None []");
    let import = "spring.config.import=optional:configserver:\n";
    assert_eq!(first(read(&[(PROPERTIES, import)])), "None []");
    let own = "package org.example;\nclass A implements WebServerFactoryCustomizer<X> {}\n";
    assert_eq!(first(read(&[("src/main/java/org/example/A.java", own)])), "None []");
    let hidden = format!("ARG LOCATION\nENV SPRING_CONFIG_LOCATION=$LOCATION\n{START}");
    assert_eq!(first(read_with(&hidden, POM, &[])), "None []");
}

#[test]
fn routes_are_those_of_annotations_and_the_actuator() {
    let controller = "package org.example.web;\n\n@RestController\n@RequestMapping(\"/api\")\npublic class Orders {\n  @GetMapping({\"/orders\", \"all\"})\n  public List<Order> all() { return orders.findAll(); }\n  @RequestMapping(value = \"/orders\", method = RequestMethod.POST)\n  public Order make(@RequestBody Order order) { return order; }\n  @GetMapping(PATH)\n  public String other() { return \"x\"; }\n  @PreAuthorize(\"x\") @GetMapping(\"/mine\")\n  public String mine() { return \"x\"; }\n}\n";
    let file = ("src/main/java/org/example/web/Orders.java", controller);
    assert_eq!(
        read(&[file]),
        "Some(8080) [\"SERVER_PORT\"]\nGET None true\nGET Some(\"/actuator/health\") true\nGET Some(\"/api/all\") true\nGET Some(\"/api/mine\") false\nGET Some(\"/api/orders\") true\nPOST Some(\"/api/orders\") false\nSIGTERM closes 1 false\ntrue true"
    );
    let settings = (
        PROPERTIES,
        "server.servlet.context-path=/shop\nmanagement.endpoint.health.probes.enabled=true\nmanagement.endpoints.web.base-path=/manage\nserver.shutdown=immediate\n",
    );
    assert_eq!(
        read(&[settings]),
        "Some(8080) [\"SERVER_PORT\"]\nGET Some(\"/shop/manage/health\") true\nGET Some(\"/shop/manage/health/liveness\") true\nGET Some(\"/shop/manage/health/readiness\") true\nSIGTERM closes 0 true\ntrue true"
    );
    let hidden = (
        PROPERTIES,
        "management.endpoints.web.exposure.include=info\nmanagement.server.port=9000\n",
    );
    assert_eq!(
        read(&[hidden]),
        "Some(8080) [\"SERVER_PORT\"]\nSome(9000) [\"MANAGEMENT_SERVER_PORT\"]\nSIGTERM closes 1 false\ntrue true"
    );
}

#[test]
fn what_may_stand_before_routes_is_a_doubt() {
    let secured = POM.replace("starter-actuator", "starter-actuator</artifactId></dependency><dependency><artifactId>spring-boot-starter-security");
    let health = |all: String| {
        all.lines().find(|line| line.contains("health")).unwrap_or_default().to_owned()
    };
    assert_eq!(health(read_with(START, &secured, &[])), "GET Some(\"/actuator/health\") false");
    let foreign = POM.replace(
        "starter-actuator",
        "starter-actuator</artifactId></dependency><dependency><artifactId>company-starter",
    );
    assert_eq!(health(read_with(START, &foreign, &[])), "GET Some(\"/actuator/health\") false");
    let filter = "package org.example;\n@Component\nclass A extends OncePerRequestFilter {}\n";
    let filter = ("src/main/java/org/example/A.java", filter);
    assert_eq!(health(read(&[filter])), "GET Some(\"/actuator/health\") false");
    assert_eq!(
        health(read(&[(PROPERTIES, "server.ssl.enabled=true\n")])),
        "GET Some(\"/actuator/health\") false"
    );
    let old = POM.replace("3.4.1", "1.5.2.RELEASE");
    assert_eq!(health(read_with(START, &old, &[])), "");
}

#[test]
fn what_is_not_stopped_by_the_context_is_a_doubt() {
    let worker = "package org.example;\nclass A { void b() { new Thread(c).start(); } }\n";
    let all = read(&[("src/main/java/org/example/A.java", worker)]);
    assert!(all.ends_with("SIGTERM closes 0 true\ntrue true"), "{all}");
    let old = POM.replace("3.4.1", "3.3.0");
    let all = read_with(START, &old, &[]);
    assert!(all.ends_with("SIGTERM closes 0 true\ntrue true"), "{all}");
    let all = read_with(START, &old, &[(PROPERTIES, "server.shutdown=graceful\n")]);
    assert!(all.ends_with("SIGTERM closes 1 false\ntrue true"), "{all}");
}

#[test]
fn another_archive_is_not_read() {
    let other =
        "COPY lib/other.jar /other.jar\nCMD [\"java\", \"-cp\", \"/other.jar\", \"x.Main\"]\n";
    assert_eq!(read_with(other, POM, &[]), "none");
}
