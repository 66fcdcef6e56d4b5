//! `plimsoll fix`: from the command line to a mended tree, or to what would mend it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufRead, IsTerminal, Write as _};
use std::path::Path;

use plimsoll_audit::{Date, Mended, Offer, Outside, Report, Safety, Subject};
use plimsoll_source::{Recovered, Tracking, Tree};

use crate::cli::FixArgs;
use crate::config::{self, Ask};
use crate::resolve::Network;
use crate::{BUG, CLEAN, FINDINGS, date, explain, output};

/// Mends a tree, or says what would.
pub(crate) fn run(args: &FixArgs) -> Result<u8, String> {
    if let Some(id) = args.only.iter().find(|id| plimsoll_audit::all().iter().all(|c| c.id != **id))
    {
        return Err(explain::unknown_check(id));
    }
    if args.interactive && !std::io::stdin().is_terminal() {
        return Err("error: `--interactive` asks, and standard input is no terminal".to_owned());
    }
    let writes = !args.diff && !args.check;
    if writes {
        recover(&args.path)?;
        clean(args)?;
    }
    let ask =
        Ask { revision: None, tracked_only: false, color: output::style(args.no_color).color };
    let (tree, mut policy) = config::open(&args.path, ask)?;
    policy.today = Date::parse(&date::today(args.date.as_deref())?);
    let mut answers = Answers::default();
    let meant = |offer: &Offer| is_meant(args, offer.check.id, offer.service.as_deref());
    let mut wants = |offer: &Offer, now: &Tree| {
        let graded = offer.fix.safety == Safety::Safe || args.review || args.interactive;
        meant(offer) && graded && (!args.interactive || answers.ask(offer, now))
    };
    let network = args.resolve.then(|| Network::new(policy.today.clone(), &args.path, &meant));
    let outside: &dyn Outside = match &network {
        Some(network) => network,
        None => &(),
    };
    let mended = plimsoll_audit::mend(&tree, &policy, outside, &mut wants)
        .map_err(|conflict| format!("error: {conflict}"))?;
    for why in network.iter().flat_map(Network::unanswered) {
        output::complain(&format!("note: {why}"));
    }
    let changes = !mended.patch.is_empty();
    if args.diff {
        output::say(&plimsoll_render::diff(&tree, &mended.tree, &mended.paths))?;
    } else if writes && changes {
        write(args, &tree, &mended)?;
    }
    if !args.quiet && !args.diff {
        output::say(told(args, &mended).as_bytes())?;
    }
    for (offer, why) in &mended.refused {
        output::complain(&format!(
            "error: the fix of {} for {} was not applied: {}; this is a bug in Plimsoll, please \
             report it",
            offer.check.id,
            offer.subject.escape_debug(),
            why.escape_debug()
        ));
    }
    Ok(match (mended.refused.is_empty(), args.check && changes) {
        (false, _) => BUG,
        (true, true) => FINDINGS,
        (true, false) => CLEAN,
    })
}

/// Whether what a check says of a service is asked for.
fn is_meant(args: &FixArgs, check: &str, service: Option<&str>) -> bool {
    let is_it = |name: &str| args.services.iter().any(|glob| plimsoll_render::matches(glob, name));
    (args.only.is_empty() || args.only.iter().any(|id| id == check))
        && (args.services.is_empty() || service.is_some_and(is_it))
}

/// Brings a write that was cut short to its end before anything else is read.
fn recover(root: &Path) -> Result<(), String> {
    match plimsoll_source::recover(root) {
        Ok(None) => Ok(()),
        Ok(Some(Recovered::Undone)) => {
            output::complain("note: an earlier run was cut short before it changed a file");
            Ok(())
        }
        Ok(Some(Recovered::Finished(changed))) => {
            let changed: Vec<String> =
                changed.iter().map(|path| path.escape_debug().to_string()).collect();
            output::complain(&match &changed[..] {
                [] => "note: an earlier run was cut short: its changes are complete now".to_owned(),
                _ => format!(
                    "note: an earlier run was cut short; changed since, and left so: {}",
                    changed.join(", ")
                ),
            });
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            Err("error: another `plimsoll fix` is writing here".to_owned())
        }
        // There is nothing to finish where there is no such directory: opening it says so.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("error: an earlier run cannot be brought to its end: {error}")),
    }
}

/// Refuses a work tree with changes that git could not bring back.
fn clean(args: &FixArgs) -> Result<(), String> {
    if args.allow_dirty {
        return Ok(());
    }
    let unsaved =
        plimsoll_source::unsaved(&args.path).map_err(|error| format!("error: {error}"))?;
    match unsaved.as_deref() {
        None | Some([]) => Ok(()),
        Some(files) => Err(dirty(files)),
    }
}

fn dirty(files: &[String]) -> String {
    let shown: Vec<String> =
        files.iter().take(3).map(|path| path.escape_debug().to_string()).collect();
    let more =
        if files.len() > 3 { format!(" and {} more", files.len() - 3) } else { String::new() };
    format!(
        "error: changes that are not committed: {}{more}; commit or stash them, or pass \
         `--allow-dirty`",
        shown.join(", ")
    )
}

/// Writes what was mended, unless it would change what git does not have.
fn write(args: &FixArgs, tree: &Tree, mended: &Mended) -> Result<(), String> {
    if !args.allow_dirty && tree.revision().is_some() {
        let edited: BTreeSet<_> = mended.patch.edits.iter().map(|edit| edit.span.file).collect();
        let untracked = edited.into_iter().filter(|&f| tree.entry(f).tracking != Tracking::Tracked);
        let untracked: Vec<String> = untracked.map(|file| tree.path(file).to_owned()).collect();
        if !untracked.is_empty() {
            return Err(dirty(&untracked));
        }
    }
    plimsoll_source::write(&args.path, tree, &mended.patch)
        .map_err(|error| format!("error: nothing was mended: {error}"))
}

/// What was done, and what is left.
fn told(args: &FixArgs, mended: &Mended) -> String {
    let mut out = String::new();
    let verb = if args.check { "would" } else { "did" };
    for offer in &mended.applied {
        let files = offer.files.join(", ");
        let _ = writeln!(out, "{verb} {}", line(offer, &files));
    }
    let left = mended.left.iter();
    let asked = left.filter(|o| is_meant(args, o.check.id, o.service.as_deref()));
    let (review, sketches): (Vec<&Offer>, Vec<&Offer>) = asked.partition(|o| o.can_apply());
    if !mended.applied.is_empty() {
        out.push('\n');
    }
    for offer in &review {
        let _ = writeln!(out, "left  {}", line(offer, &offer.files.join(", ")));
    }
    for offer in &sketches {
        let _ = writeln!(out, "by hand  {}", line(offer, ""));
        if let Some(why) = offer.needs() {
            let _ = writeln!(out, "    {why}");
        }
        if let Some(snippet) = &offer.fix.snippet {
            let _ = writeln!(out, "    in {}:", shown(&snippet.path));
            for text in snippet.text.lines() {
                let _ = writeln!(out, "    | {}", shown(text));
            }
        }
    }
    let mut none = 0;
    for (finding, why) in plimsoll_audit::unmended(&mended.after) {
        let subject = mended.after.subject_name(finding.subject);
        let service = matches!(finding.subject, Subject::Service(_)).then_some(subject);
        if is_meant(args, finding.check.id, service) {
            none += 1;
            let subject = if subject == "." { "the repository" } else { subject };
            let (id, message) = (finding.check.id, shown(&finding.message));
            let _ = writeln!(out, "no fix  {id} for {}: {message}\n    {why}", shown(subject));
        }
    }
    let rate = |report: &Report| {
        let all = report.services.iter().map(|s| s.scores.rate);
        let (passed, of) = all.fold((0, 0), |(p, n), rate| (p + rate.passed, n + rate.applicable));
        format!("{passed}/{of}")
    };
    let _ = writeln!(
        out,
        "{} fixes {} in {} files, {} audits; services pass {} questions, {} before; {} left for \
         `--review`, {} by hand, {none} without a fix",
        mended.applied.len(),
        if args.check { "to make" } else { "made" },
        mended.paths.len(),
        mended.audits,
        rate(&mended.after),
        rate(&mended.before),
        review.len(),
        sketches.len()
    );
    out
}

fn line(offer: &Offer, files: &str) -> String {
    let place = if files.is_empty() { String::new() } else { format!(" ({})", shown(files)) };
    let subject = if offer.subject == "." { "the repository" } else { &offer.subject };
    format!("{} for {}: {}{place}", offer.check.id, shown(subject), shown(&offer.fix.does))
}

/// Text of the repository without what would command a terminal.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

/// What the user answers.
#[derive(Default)]
struct Answers {
    /// Once «all» or «quit» was said: what holds for the rest.
    rest: Option<bool>,
}

impl Answers {
    fn ask(&mut self, offer: &Offer, now: &Tree) -> bool {
        if let Some(answer) = self.rest {
            return answer;
        }
        let mut out = format!("\n{}\n  {}\n", line(offer, ""), shown(&offer.message));
        let patch = offer
            .fix
            .patch
            .as_ref()
            .and_then(|patch| plimsoll_audit::joined(std::slice::from_ref(patch)));
        if let Some(mended) = patch.and_then(|patch| now.apply(&patch).ok()) {
            let files = offer.files.iter().cloned().collect();
            out += &String::from_utf8_lossy(&plimsoll_render::diff(now, &mended, &files));
        }
        loop {
            let _ = output::say(format!("{out}apply? [y]es, [n]o, [a]ll, [q]uit: ").as_bytes());
            let _ = std::io::stdout().flush();
            let mut answer = String::new();
            if std::io::stdin().lock().read_line(&mut answer).unwrap_or(0) == 0 {
                self.rest = Some(false);
                return false;
            }
            match answer.trim().chars().next().map(|c| c.to_ascii_lowercase()) {
                Some('y') => return true,
                Some('n') => return false,
                Some('a') => {
                    self.rest = Some(true);
                    return true;
                }
                Some('q') => {
                    self.rest = Some(false);
                    return false;
                }
                _ => out.clear(),
            }
        }
    }
}
