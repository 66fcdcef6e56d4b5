//! Every format: whatever a repository calls its files, the output is what its readers expect.

use std::collections::BTreeMap;

use plimsoll_audit::{Config, Policy, Report};
use plimsoll_render::{Profile, Show, Style, View};
use plimsoll_source::Tree;

const CANARY: &str = "canary-4f1d0c2b9a8e-not-a-real-secret";

/// Names that would command a terminal, a page, a table, a test report, a spreadsheet or a forge.
const NAMES: [&str; 18] = [
    "good",
    "<script>alert(1)<",
    "--><img src=x onerror=alert(1)>",
    "]]><x a='",
    "\"><svg onload=1>",
    "&lt;b&gt;",
    "a|b",
    "line\nbreak",
    "cr\r::error ::x",
    "::set-output name=x::y",
    "##[error]x",
    "esc\u{1b}[31mred",
    "bidi\u{202e}x\u{2066}",
    "zero\u{200b}\u{feff}\u{0}",
    "=cmd()|' 'A1",
    "`tick`` [x](http:x)",
    "%0A%3A,:{{1}}{% x %}",
    "ünï 你好 🙂",
];

fn hostile() -> Report {
    let dockerfile = format!(
        "FROM node:20\nENV API_TOKEN={CANARY}\nADD <b>x</b>]]> ::error::x /\u{202e}\nCOPY . .\nRUN npm ci\nCMD node main.js\n"
    );
    let mut files: Vec<(String, String)> =
        NAMES.iter().map(|name| (format!("{name}/Dockerfile"), dockerfile.clone())).collect();
    files.push((
        "docker-compose.yml".to_owned(),
        format!(
            "services:\n  \"<i>=x|y\":\n    image: x\n    environment:\n      DB_PASSWORD: {CANARY}\n      URL: postgres://u:{CANARY}@db/x\n  good:\n    build: ./good\n    privileged: true\n"
        ),
    ));
    files.push(("odd/.env".to_owned(), format!("JWT_SECRET={CANARY}\n")));
    let tree = Tree::from_memory(files.iter().map(|(path, text)| (path, text)));
    plimsoll_audit::audit(&tree, &Policy::default(), &())
}

fn view(show: Show) -> View {
    View {
        profile: Profile::Service,
        show,
        services: Vec::new(),
        areas: Default::default(),
        checks: Default::default(),
        severity: None,
        date: "2026-01-01".to_owned(),
        version: "0.1.0".to_owned(),
    }
}

type Renderer = fn(&[(Report, View)], &mut dyn std::io::Write) -> std::io::Result<()>;

/// The hostile report in a format, everything shown, text without what no format may hold.
fn rendered(renderer: Renderer) -> String {
    let mut bytes = Vec::new();
    let reports = [(hostile(), view(Show::All))];
    renderer(&reports, &mut bytes).expect("written");
    let text = String::from_utf8(bytes).expect("UTF-8");
    assert!(!text.contains(CANARY), "a secret");
    text
}

/// Nothing that moves a cursor or turns the writing direction.
fn check_plain(text: &str) {
    let is_command = |c: &char| {
        c.is_control() && *c != '\n'
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    assert_eq!(text.chars().find(is_command), None);
}

/// Every `<` begins a tag that is ours and that is closed, every `&` one of our entities. Returns the
/// start tags with all that stands in them.
fn check_tags<'t>(text: &'t str, known: &[&str], void: &[&str]) -> Vec<&'t str> {
    let mut open: Vec<&str> = Vec::new();
    let mut tags = Vec::new();
    for piece in text.split('<').skip(1) {
        let (tag, rest) = piece.split_once('>').expect("a tag ends");
        assert!(!rest.contains('>'), "a bare `>`: {rest}");
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap_or_default();
        if tag.starts_with(['?', '!']) {
            continue;
        }
        assert!(known.contains(&name) || void.contains(&name), "<{tag}>");
        if let Some(end) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(end));
        } else {
            tags.push(tag);
            if !void.contains(&name) && !tag.ends_with('/') {
                open.push(name);
            }
        }
    }
    assert!(open.is_empty(), "{open:?} are not closed");
    for piece in text.split('&').skip(1) {
        let entity = piece.split(';').next().unwrap_or_default();
        assert!(
            ["lt", "gt", "amp", "quot", "#39", "#34", "#38", "#60", "#62"].contains(&entity),
            "&{entity}"
        );
    }
    tags
}

#[test]
fn html_loads_and_runs_nothing() {
    let text = rendered(plimsoll_render::html);
    check_plain(&text);
    // The style is ours: it has `>` of its own.
    let (head, rest) = text.split_once("<style>").expect("a style");
    let (style, body) = rest.split_once("</style>").expect("an end");
    assert!(!style.contains("url(") && !style.contains("@import") && !style.contains('<'));
    let known = [
        "html", "head", "title", "body", "header", "h1", "h2", "h3", "h4", "p", "dl", "dt", "dd",
        "div", "span", "form", "label", "a", "main", "section", "table", "thead", "tbody", "tr",
        "th", "td", "details", "summary", "article", "ul", "li", "code", "pre", "i", "bdi", "svg",
        "path", "circle", "rect", "text", "footer",
    ];
    let page = format!("{head}{body}");
    for tag in check_tags(&page, &known, &["meta", "input"]) {
        for (name, value) in attributes(tag) {
            assert!(
                [
                    "lang",
                    "charset",
                    "http-equiv",
                    "content",
                    "name",
                    "class",
                    "id",
                    "href",
                    "type",
                    "checked",
                    "viewBox",
                    "preserveAspectRatio",
                    "role",
                    "aria-label",
                    "aria-hidden",
                    "d",
                    "width",
                    "height",
                    "cx",
                    "cy",
                    "r",
                    "x",
                    "y",
                    "stroke-dasharray",
                    "transform",
                    "open",
                ]
                .contains(&name),
                "<{tag}>"
            );
            assert!(name != "href" || value.starts_with('#'), "<{tag}>");
        }
    }
    assert!(head.contains("default-src 'none'"));
    let anchors: Vec<&str> =
        page.split("href=\"#").skip(1).filter_map(|p| p.split('"').next()).collect();
    assert!(anchors.iter().all(|a| page.contains(&format!("id=\"{a}\""))), "{anchors:?}");
}

fn attributes(tag: &str) -> Vec<(&str, &str)> {
    let mut rest =
        tag.trim_end_matches('/').split_once([' ', '\n']).map_or("", |(_, rest)| rest).trim();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let (name, tail) = rest.split_at(end);
        let (value, tail) = match tail.strip_prefix("=\"") {
            Some(tail) => tail.split_once('"').expect("a value ends"),
            None => ("", tail),
        };
        found.push((name, value));
        rest = tail.trim_start();
    }
    found
}

#[test]
fn junit_is_well_formed_and_adds_up() {
    let text = rendered(plimsoll_render::junit);
    check_plain(&text);
    let known = [
        "testsuites",
        "testsuite",
        "properties",
        "property",
        "testcase",
        "failure",
        "skipped",
        "system-out",
        "system-err",
    ];
    let tags = check_tags(&text, &known, &[]);
    let of = |name: &str| tags.iter().filter(|t| t.split(' ').next() == Some(name)).count();
    let sum = |name: &str| -> usize {
        let suites = tags.iter().filter(|t| t.starts_with("testsuite "));
        suites
            .flat_map(|t| attributes(t))
            .filter(|(n, _)| *n == name)
            .map(|(_, value)| value.parse::<usize>().expect("a number"))
            .sum()
    };
    assert_eq!(sum("tests"), of("testcase"));
    assert_eq!(sum("failures"), of("failure"));
    assert_eq!(sum("skipped"), of("skipped"));
    assert_eq!(of("testcase"), hostile().findings.len());
    assert!(of("failure") > 0 && of("skipped") > 0);
    assert_eq!(of("testsuite"), NAMES.len() + 1);
}

#[test]
fn sarif_is_of_its_model() {
    let text = rendered(plimsoll_render::sarif);
    let log: serde_sarif::sarif::Sarif = serde_json::from_str(&text).expect("SARIF");
    let run = &log.runs[0];
    let rules = run.tool.driver.rules.as_deref().expect("rules");
    let results = run.results.as_deref().expect("results");
    assert!(results.len() >= hostile().findings.len());
    for result in results {
        let rule = &rules[usize::try_from(result.rule_index.expect("an index")).expect("a place")];
        assert_eq!(Some(&rule.id), result.rule_id.as_ref());
        check_plain(result.message.text.as_deref().expect("a message"));
        for location in result.locations.iter().flatten() {
            let physical = location.physical_location.as_ref().expect("a place");
            let artifact = physical.artifact_location.as_ref().expect("a file");
            let uri = artifact.uri.as_deref().expect("an address");
            assert!(
                uri.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/%".contains(&b)),
                "{uri}"
            );
            assert_eq!(artifact.uri_base_id.as_deref(), Some("%SRCROOT%"));
        }
    }
    // Passes only where they are asked for.
    let mut bytes = Vec::new();
    plimsoll_render::sarif(&[(hostile(), view(Show::Problems))], &mut bytes).expect("written");
    let log: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    let results = log["runs"][0]["results"].as_array().expect("results");
    assert!(!results.is_empty() && results.iter().all(|r| r["kind"] == "fail"));
}

/// An accepted finding is in SARIF, suppressed; in annotations and code quality it is not.
#[test]
fn accepted_findings_are_suppressed() {
    let policy = Config::parse(
        "[[accept]]\ncheck = \"image/pinned-digest\"\nreason = \"<b> rebuilt nightly\"\n",
    )
    .map(Policy::of)
    .expect("a configuration");
    let files = [("a/Dockerfile", "FROM node:20\nCMD [\"node\", \"x.js\"]\n")];
    let report = plimsoll_audit::audit(&Tree::from_memory(files), &policy, &());
    let reports = [(report, view(Show::All))];
    let written = |renderer: Renderer| {
        let mut bytes = Vec::new();
        renderer(&reports, &mut bytes).expect("written");
        String::from_utf8(bytes).expect("UTF-8")
    };
    let log: serde_json::Value =
        serde_json::from_str(&written(plimsoll_render::sarif)).expect("JSON");
    let mut suppressed = 0;
    for result in log["runs"][0]["results"].as_array().expect("results") {
        let all = result["suppressions"].as_array().expect("on every result");
        suppressed += all.len();
        let is_it = result["ruleId"] == "image/pinned-digest" && result["kind"] != "notApplicable";
        assert_eq!(!all.is_empty(), is_it);
    }
    assert!(suppressed > 0);
    for renderer in [plimsoll_render::gitlab as Renderer, plimsoll_render::github] {
        let text = written(renderer);
        assert!(!text.contains("image/pinned-digest") && text.contains("runtime/"), "{text}");
    }
    assert!(written(plimsoll_render::junit).contains("accepted: &lt;b&gt; rebuilt nightly"));
}

#[test]
fn gitlab_is_as_its_reader_wants_it() {
    let text = rendered(plimsoll_render::gitlab);
    let schema = serde_json::json!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["description", "check_name", "fingerprint", "severity", "location"],
            "additionalProperties": false,
            "properties": {
                "description": {"type": "string", "minLength": 1},
                "check_name": {"type": "string", "pattern": "^[a-z-]+/[a-z0-9-]+$"},
                "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}(-[0-9]+)?$"},
                "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
                "location": {
                    "type": "object",
                    "required": ["path", "lines"],
                    "properties": {
                        "path": {"type": "string", "pattern": "^[^/]"},
                        "lines": {
                            "type": "object",
                            "required": ["begin"],
                            "properties": {
                                "begin": {"type": "integer", "minimum": 1},
                                "end": {"type": "integer", "minimum": 1},
                            },
                        },
                    },
                },
            },
        },
    });
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let issues: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let errors: Vec<String> = validator.iter_errors(&issues).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let mut seen = BTreeMap::new();
    for issue in issues.as_array().expect("an array") {
        check_plain(issue["description"].as_str().expect("text"));
        check_plain(issue["location"]["path"].as_str().expect("text"));
        *seen.entry(issue["fingerprint"].to_string()).or_insert(0) += 1;
    }
    assert!(!seen.is_empty() && seen.values().all(|n| *n == 1), "fingerprints are unique");
}

#[test]
fn annotations_are_commands_within_the_limits() {
    let text = rendered(plimsoll_render::github);
    check_plain(&text);
    let mut counts = BTreeMap::new();
    for line in text.lines() {
        let Some(command) = line.strip_prefix("::") else {
            assert!(line.starts_with("Plimsoll: ") && !line.contains("##["), "{line}");
            continue;
        };
        let (head, message) = command.split_once("::").expect("a message");
        let (kind, properties) = head.split_once(' ').expect("properties");
        assert!(!message.is_empty());
        for property in properties.split(',') {
            let (name, value) = property.split_once('=').expect("a value");
            assert!(
                ["file", "line", "endLine", "col", "endColumn", "title"].contains(&name),
                "{line}"
            );
            assert!(!value.contains(':'), "{line}");
        }
        *counts.entry(kind).or_insert(0) += 1;
    }
    assert!(counts.keys().all(|kind| ["error", "warning", "notice"].contains(kind)), "{counts:?}");
    assert!(counts.values().all(|n| *n <= 10) && counts["error"] > 0, "{counts:?}");
}

#[test]
fn the_operations_report_escapes_and_masks() {
    let view = View { profile: Profile::Operations, ..view(Show::Problems) };
    let report = hostile();
    let markdown = plimsoll_render::markdown(&report, &view);
    check_plain(&markdown);
    assert!(!markdown.contains(CANARY) && markdown.contains("[P1]"), "{markdown}");
    let mut fence: Option<&str> = None;
    for line in markdown.lines() {
        let code = line.trim_start();
        let is_fence = code.starts_with("```");
        match fence {
            Some(open) if code == open => fence = None,
            Some(_) => {}
            None if is_fence => {
                fence = Some(&code[..code.len() - code.trim_start_matches('`').len()])
            }
            None => {
                let outside = without_code(line).replace("\\]", "");
                assert!(!outside.contains('<') && !outside.contains("]("), "{outside}");
            }
        }
    }
    assert_eq!(fence, None);
    let style = Style { color: false, width: 80 };
    let mut text = Vec::new();
    plimsoll_render::terminal(&report, &view, style, &mut text).expect("written");
    let text = String::from_utf8(text).expect("UTF-8");
    check_plain(&text);
    assert!(!text.contains(CANARY) && text.contains("Roadmap"), "{text}");
}

#[test]
fn the_summary_holds_its_tables() {
    let summary = plimsoll_render::github_summary(&[(hostile(), view(Show::Problems))]);
    check_plain(&summary);
    assert!(!summary.contains(CANARY) && summary.contains("good"));
    for line in summary.lines().filter(|line| line.starts_with('|')) {
        let bars = line.replace("\\|", "").matches('|').count();
        assert!([6, 10].contains(&bars), "{line}");
    }
    for line in summary.lines() {
        let outside = without_code(line).replace("\\]", "");
        assert!(!outside.contains('<') && !outside.contains("]("), "{outside}");
    }
}

/// A line of Markdown without its code spans: a run of backticks ends at the next one as long.
fn without_code(line: &str) -> String {
    let run = |text: &str| text.len() - text.trim_start_matches('`').len();
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        out.push_str(&rest[..at]);
        let fence = run(&rest[at..]);
        let body = &rest[at + fence..];
        let mut end = 0;
        while let Some(next) = body[end..].find('`') {
            let length = run(&body[end + next..]);
            end += next + length;
            if length == fence {
                break;
            }
        }
        rest = &body[end..];
    }
    out + rest
}

#[test]
fn csv_has_its_cells_and_computes_nothing() {
    let text = rendered(plimsoll_render::csv);
    let mut rows = 0;
    for row in text.split_terminator("\r\n") {
        check_plain(row);
        let inner = row.strip_prefix('"').and_then(|r| r.strip_suffix('"')).expect("quotes");
        let cells: Vec<&str> = inner.split("\",\"").collect();
        assert_eq!(cells.len(), 15, "{row}");
        for cell in cells {
            assert!(!cell.trim_start().starts_with(['=', '+', '-', '@']), "{row}");
            assert!(!cell.replace("\"\"", "").contains('"'), "{row}");
        }
        rows += 1;
    }
    assert_eq!(rows, hostile().findings.len() + 1);
}

/// Nothing to say is said in each format's way.
#[test]
fn an_empty_tree() {
    let report =
        plimsoll_audit::audit(&Tree::from_memory::<&str, &str>([]), &Policy::default(), &());
    let reports = [(report, view(Show::Problems))];
    for (renderer, says) in [
        (plimsoll_render::html as Renderer, "Nothing to audit"),
        (plimsoll_render::junit, "<testsuites>\n</testsuites>\n"),
        (plimsoll_render::sarif, "\"results\":[]"),
        (plimsoll_render::gitlab, "[]\n"),
        (plimsoll_render::csv, "\"subject\""),
        (plimsoll_render::github, ""),
    ] {
        let mut bytes = Vec::new();
        renderer(&reports, &mut bytes).expect("written");
        let text = String::from_utf8(bytes).expect("UTF-8");
        assert!(text.contains(says) && says.is_empty() == text.is_empty(), "{text}");
    }
    assert!(plimsoll_render::github_summary(&reports).contains("Nothing to audit"));
}

/// The only Dockerfile is larger than is read: who reads a report for people is told just that.
#[test]
fn a_dockerfile_that_is_too_large() {
    let tree = Tree::from_memory([("Dockerfile", vec![b'#'; (16 << 20) + 1])]);
    let (policy, view) = (Policy::default(), view(Show::All));
    let reports = [(plimsoll_audit::audit(&tree, &policy, &()), view)];
    let mut page = Vec::new();
    plimsoll_render::html(&reports, &mut page).expect("written");
    let [(report, view)] = &reports;
    for text in [
        String::from_utf8(page).expect("UTF-8"),
        plimsoll_render::markdown(report, view),
        plimsoll_render::github_summary(&reports),
    ] {
        assert!(text.contains("is not read (it is 16777217 bytes long"), "{text}");
        assert!(text.contains("and there is no other Dockerfile in 1 file."), "{text}");
    }
}
