//! # Only the door of a project takes a system port
//!
//! No container but a reverse proxy, and those whose protocol lives there (DNS, mail), publishes a port of its
//! host below 1024, nor a whole range of ports that begins below 1024.
//!
//! Who connects to a system port trusts that the host's administrator put something there. A range that
//! begins among them opens whatever is started in the container later: a shell, a debugger.
//!
//! Publish a higher port, each by itself, and let the proxy answer on 80 and 443.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     ports:
//!       - "127.0.0.1:70:8000" # <- takes port 70
//! ```
//!
//! A range:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     ports:
//!       - "9000-9010:80-90" # <- a range of system ports
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     ports:
//!       - "127.0.0.1:7000:8000"
//! ```
//!
//! A range, one by one:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     ports:
//!       - "9000:80"
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   proxy: # <- takes no system port but the door's
//!     image: traefik:3.5.0
//!     ports: ["80:80", "443:443"]
//!   dns:
//!     image: pihole/pihole:2025.08.0
//!     ports: ["53:53/udp"]
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! # Nothing is run here
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::ports::{is_door, range};
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict, composed,
};

pub(super) static CHECK: Check = Check {
    id: "network/no-privileged-host-ports",
    section: Section::Compose,
    domain: Domain::ContainerSecurity,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CIS-D 5.8"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "kics", rule: "bc2908f3", relation: Relation::Wider },
            Equivalent { tool: "catalogue", rule: "CMP027", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("no_privileged_host_ports.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "takes a system port of its host: publish one above 1023",
    partial: "",
    pass: "only the door of a project takes a system port",
    none: "takes no system port but the door's",
};

/// Protocols that live on system ports, with words of the images that speak them.
const AT_HOME: [(&[u16], &[&str]); 4] = [
    (
        &[53, 67, 853],
        &["adguard", "adguardhome", "bind", "coredns", "dns", "dnsmasq", "pihole", "unbound"],
    ),
    (
        &[25, 110, 143, 465, 587, 993, 995],
        &["dovecot", "mail", "mailcow", "mailserver", "postfix", "smtp", "stalwart"],
    ),
    (&[21, 22], &["ftp", "git", "gitea", "gitlab", "forgejo", "sftp", "vsftpd"]),
    (&[123, 389, 636, 445, 139, 514], &["chrony", "ldap", "ntp", "openldap", "samba", "syslog"]),
];

fn run(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let proxy = composed::is_proxy(cx, &container);
    let image = composed::image_name(cx, &container).unwrap_or_default();
    let words: Vec<&str> = image.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let at_home = |port: u16| {
        AT_HOME.iter().any(|(ports, names)| {
            ports.contains(&port) && names.iter().any(|name| words.contains(name))
        })
    };
    let mut asked = Asked::default();
    for port in container.ports.iter().filter(|port| port.host.is_some()) {
        let host = port.host.as_deref().and_then(range);
        let own = range(&port.container);
        let system = |(first, _): (u16, u16)| (1..1024).contains(&first);
        let wide = |(first, last): (u16, u16)| last > first;
        if host.is_some_and(|host| system(host) && !at_home(host.0)) && !(proxy && is_door(port)) {
            let says = format!("takes port {} of the host", host.map_or(0, |host| host.0));
            asked.bad.push(Evidence::contradicts(port.span, says));
        } else if own.is_some_and(|own| system(own) && wide(own)) {
            let says = "publishes a range of system ports";
            asked.bad.push(Evidence::contradicts(port.span, says));
        }
    }
    asked.verdict(&container, &WORDS)
}
