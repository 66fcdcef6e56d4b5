//! # No container has the host's disks or memory
//!
//! No container is given a disk of its host, its memory or its kernel's log as a device, nor the right to use
//! all devices.
//!
//! On a disk all files can be read and written past every permission: it is the host. `/dev/kmsg` tells what
//! the kernel does.
//!
//! Mount the directory that is needed. Devices that open something smaller (a virtual machine, a graphics
//! card, a serial port) are PARTIAL and as severe as what they open; a tunnel (`/dev/net/tun`), a sound or
//! video device passes.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   disks:
//!     image: acme/disks:1.2.0
//!     devices:
//!       - /dev/sda:/dev/xvda # <- a disk of the host
//!       - /dev/kmsg # <- the kernel's log
//! ```
//!
//! Every device:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   disks:
//!     image: acme/disks:1.2.0
//!     device_cgroup_rules:
//!       - a *:* rwm # <- all devices
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   disks:
//!     image: acme/disks:1.2.0
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   vpn: # <- has no device of the host's own
//!     image: acme/vpn:1.2.0
//!     devices:
//!       - /dev/net/tun
//!       - /dev/mdadm:/dev/mdadm
//! ```
//!
//! ## Partial
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   transcode:
//!     image: acme/transcode:1.2.0
//!     devices:
//!       - /dev/dri:/dev/dri # <- the graphics card
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   stick:
//!     image: acme/stick:1.2.0
//!     devices:
//!       - ${STICK}:/dev/ttyUSB0 # <- Write the value
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::evidence::clip;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict, Why,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/no-host-devices",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 5.18"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part {
            name: "disks",
            equivalents: &[
                Equivalent { tool: "compose-lint", rule: "CL-0016", relation: Relation::Same },
                Equivalent { tool: "catalogue", rule: "CMP022", relation: Relation::Wider },
            ],
        },
        Part {
            name: "others",
            equivalents: &[Equivalent {
                tool: "catalogue",
                rule: "CMP022",
                relation: Relation::Wider,
            }],
        },
        Part { name: "", equivalents: &[] },
    ],
    when: &[&IN_COMPOSE],
    source: include_str!("no_host_devices.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "has a device that is the host: mount what it needs instead",
    partial: "has a device of the host: is it what it is for?",
    pass: "no container has the host's disks or memory",
    none: "has no device of the host's own",
};

/// What a device opens; `None` for what opens nothing of the host's own.
fn opens(path: &str) -> Option<(&'static str, Severity, &'static str)> {
    use Severity::{Critical, Low, Medium};
    let name = path.strip_prefix("/dev/")?.trim_end_matches('/');
    let numbered = |start: &str| {
        name.strip_prefix(start).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let lettered = |start: &str| {
        name.strip_prefix(start).is_some_and(|rest| {
            let letters = rest.trim_end_matches(|c: char| c.is_ascii_digit());
            !letters.is_empty() && letters.bytes().all(|b| b.is_ascii_lowercase())
        })
    };
    let below = |dir: &str| name == dir || name.starts_with(&format!("{dir}/"));
    let disk = ["sd", "vd", "xvd", "hd"].iter().any(|start| lettered(start))
        || ["nvme", "mmcblk", "md", "dm-", "loop", "nbd"].iter().any(|start| numbered(start))
        || ["disk", "mapper", "md", "block"].iter().any(|dir| below(dir));
    Some(match name {
        _ if disk => ("disks", Critical, "a disk of the host"),
        "kmsg" => ("disks", Critical, "the kernel's log"),
        "mem" | "kmem" | "port" | "raw" => ("others", Critical, "the host's memory"),
        "kvm" => ("others", Medium, "the host's virtual machines"),
        "fuse" => ("others", Medium, "file systems of its own making"),
        "uinput" => ("others", Medium, "the host's keyboard"),
        _ if below("input") => ("others", Medium, "the host's keyboard"),
        _ if below("dri") => ("others", Low, "the graphics card"),
        _ if numbered("ttyUSB") || numbered("ttyACM") || below("bus/usb") => {
            ("others", Low, "a port of the host")
        }
        _ => return None,
    })
}

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    for (path, at) in &container.engine.devices {
        if path.contains("${") {
            asked.open = Some((Why::Dynamic, *at));
        }
        let Some((part, severity, what)) = opens(path) else { continue };
        let evidence = Evidence::contradicts(*at, format!("`{}`: {what}", clip(path)));
        let evidence = evidence.part(part).severity(severity);
        let into = if severity == Severity::Critical { &mut asked.bad } else { &mut asked.partly };
        into.push(evidence);
    }
    for (rule, at) in &container.engine.device_rules {
        match rule.trim().as_bytes().first() {
            Some(b'a') => {
                asked
                    .bad
                    .push(Evidence::contradicts(*at, "all devices of the host").part("others"));
            }
            Some(b'b') => {
                asked.bad.push(Evidence::contradicts(*at, "disks of the host").part("disks"));
            }
            _ => {}
        }
    }
    asked.verdict(&container, &WORDS)
}
