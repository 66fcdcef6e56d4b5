//! The journal of a write: what is under way, so that the next run can finish or undo it.
//!
//! It lies at the root while a patch is written and is locked by who writes. Without its last line,
//! `commit`, no file of the tree was touched yet, and what was prepared is taken away; with it,
//! every file is old or new, and what is old becomes new. A journal is input like any other: it
//! names files of the tree and names that we choose, and a file only gives way when it holds the
//! bytes that it is said to hold.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::patch::{Move, is_plain_path, is_plain_way};

/// The journal's name at the root.
pub(crate) const NAME: &str = ".plimsoll-journal";
const FIRST: &str = "plimsoll journal 1";
const LAST: &str = "commit";
/// The most that is read of a journal.
const MAX: u64 = 64 << 20;

/// What became of a write that was cut short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// No file had been touched; what was prepared is gone.
    Undone,
    /// All files are as they were to be, but for these: somebody changed them since.
    Finished(Vec<String>),
}

/// Finishes or undoes a write below `root` that was cut short; `None` where there is none.
///
/// # Errors
/// What the system says; [`io::ErrorKind::WouldBlock`] where somebody is writing right now.
pub fn recover(root: &Path) -> io::Result<Option<Recovered>> {
    let root = root.canonicalize()?;
    let path = root.join(NAME);
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.is_file() => return Err(io::ErrorKind::InvalidData.into()),
        Ok(_) => {}
    }
    let file = File::options().read(true).write(true).open(&path)?;
    lock(&file)?;
    let mut text = String::new();
    (&file).take(MAX).read_to_string(&mut text)?;
    let Some(journal) = Journal::parse(&text) else {
        // Cut short while it was written: nothing had been prepared.
        fs::remove_file(&path)?;
        return Ok(Some(Recovered::Undone));
    };
    let recovered = journal.recover(&root);
    fs::remove_file(&path)?;
    Ok(Some(recovered))
}

fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// A journal that is being kept.
pub(crate) struct Kept {
    path: PathBuf,
    file: File,
}

impl Kept {
    /// Writes down what is about to happen, durably.
    pub(crate) fn begin<'m>(
        root: &Path,
        moves: impl Iterator<Item = (&'m Move, Option<&'m [u8]>, Option<&'m [u8]>)>,
        made: &[PathBuf],
    ) -> io::Result<Self> {
        let mut text = format!("{FIRST}\n");
        for dir in made {
            text += &format!("dir {}\n", relative(root, dir)?);
        }
        for (step, before, after) in moves {
            let name = |path: &Option<PathBuf>| match path {
                Some(path) => relative(root, path),
                None => Ok("-".to_owned()),
            };
            text += &format!(
                "move {} {} {} {} {}\n",
                relative(root, &step.target)?,
                name(&step.staged)?,
                name(&step.kept)?,
                hash(before),
                hash(after)
            );
        }
        text += "end\n";
        let path = root.join(NAME);
        let mut file = File::options().read(true).write(true).create_new(true).open(&path)?;
        lock(&file)?;
        let kept = Self { path, file: file.try_clone()? };
        if let Err(error) = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()) {
            kept.end();
            return Err(error);
        }
        Ok(kept)
    }

    /// From here on the write is finished, not undone.
    pub(crate) fn commit(&mut self) -> io::Result<()> {
        self.file.write_all(format!("{LAST}\n").as_bytes())?;
        self.file.sync_all()
    }

    /// All is done, or undone.
    pub(crate) fn end(self) {
        // What stays would be found finished by the next run.
        let _ = fs::remove_file(&self.path);
    }
}

/// What bytes are known by.
fn hash(bytes: Option<&[u8]>) -> String {
    bytes.map_or_else(|| "-".to_owned(), |bytes| blake3::hash(bytes).to_hex().to_string())
}

/// A path below the root in one word.
fn relative(root: &Path, path: &Path) -> io::Result<String> {
    let path = path.strip_prefix(root).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut word = String::new();
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'/' => word.push(byte.into()),
            // A word of its own is «none».
            b'-' if !word.is_empty() => word.push('-'),
            _ => word += &format!("%{byte:02x}"),
        }
    }
    Ok(word)
}

fn path(word: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = word.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// One file of a journal.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    target: String,
    staged: Option<String>,
    kept: Option<String>,
    before: Option<blake3::Hash>,
    after: Option<blake3::Hash>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Journal {
    made: Vec<String>,
    entries: Vec<Entry>,
    committed: bool,
}

impl Journal {
    /// `None` where it was not written to its end, or is none of ours.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.split_inclusive('\n').map_while(|line| line.strip_suffix('\n'));
        if lines.next()? != FIRST {
            return None;
        }
        let mut journal = Self::default();
        loop {
            let line = lines.next()?;
            let mut words = line.split(' ');
            match words.next()? {
                "end" => break,
                "dir" => journal.made.push(path(words.next()?)?),
                "move" => {
                    let target = path(words.next()?)?;
                    let dir = target.rsplit_once('/').map_or("", |(dir, _)| dir);
                    // Names beside the target that we choose, and no others.
                    let mut ours = || {
                        let word = words.next()?;
                        if word == "-" {
                            return Some(None);
                        }
                        let path = path(word)?;
                        let (of, name) = path.rsplit_once('/').unwrap_or(("", &path));
                        let number = name.strip_prefix(".plimsoll-")?;
                        let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'-');
                        (of == dir && plain).then_some(Some(path))
                    };
                    let (staged, kept) = (ours()?, ours()?);
                    let mut hash = || match words.next()? {
                        "-" => Some(None),
                        hex => blake3::Hash::from_hex(hex).ok().map(Some),
                    };
                    let (before, after) = (hash()?, hash()?);
                    journal.entries.push(Entry { target, staged, kept, before, after });
                }
                _ => return None,
            }
        }
        journal.committed = lines.next() == Some(LAST);
        let entries = journal.entries.iter().map(|entry| &entry.target);
        entries.chain(&journal.made).all(|path| is_plain_path(path)).then_some(journal)
    }

    fn recover(&self, root: &Path) -> Recovered {
        let mut changed = Vec::new();
        for entry in &self.entries {
            let way = Path::new(&entry.target).parent().unwrap_or(Path::new(""));
            if !is_plain_way(root, way) {
                changed.push(entry.target.clone());
                continue;
            }
            if self.committed && !entry.finish(root) {
                changed.push(entry.target.clone());
            }
            for ours in [&entry.staged, &entry.kept].into_iter().flatten() {
                // What is not there need not be taken away.
                let _ = fs::remove_file(root.join(ours));
            }
        }
        if self.committed {
            return Recovered::Finished(changed);
        }
        for dir in self.made.iter().rev() {
            // Fails, rightly, where somebody else put something into it.
            let _ = fs::remove_dir(root.join(dir));
        }
        Recovered::Undone
    }
}

impl Entry {
    /// Makes the file what it was to be; whether it is.
    fn finish(&self, root: &Path) -> bool {
        let holds = |path: &Path| crate::disk::read(path, MAX).ok().map(|b| blake3::hash(&b));
        let target = root.join(&self.target);
        let is_there = fs::symlink_metadata(&target).is_ok();
        let now = holds(&target);
        if is_there == now.is_some() && now == self.after {
            return true;
        }
        // A link that was to go has no bytes that could be compared.
        let is_link = self.before.is_none() && self.kept.is_some();
        let is_old = now == self.before
            || !is_there
            || is_link && fs::symlink_metadata(&target).is_ok_and(|m| m.is_symlink());
        match &self.staged {
            _ if !is_old => false,
            Some(staged) => {
                let staged = root.join(staged);
                holds(&staged) == self.after && fs::rename(&staged, &target).is_ok()
            }
            None => fs::remove_file(&target).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_hold_any_path() {
        let root = Path::new("/r");
        for text in ["a/b-c.d", "-", "a b\n%\u{e9}", "-x"] {
            let word = relative(root, &root.join(text)).expect("below");
            assert!(!word.contains([' ', '\n']) && word != "-", "{word}");
            assert_eq!(path(&word).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_journal_names_files_of_the_tree_and_our_own_names_only() {
        let zero = "0".repeat(64);
        let parse = |line: &str| Journal::parse(&format!("{FIRST}\n{line}\nend\n"));
        let good = format!("move d/a d/.plimsoll-1-2 - {zero} {zero}");
        assert!(parse(&good).is_some_and(|journal| !journal.committed));
        for bad in [
            format!("move ../a ../.plimsoll-1-2 - {zero} {zero}"),
            format!("move .git/hooks/x .git/hooks/.plimsoll-1-2 - {zero} {zero}"),
            format!("move d/a d/b - {zero} {zero}"),
            format!("move d/a e/.plimsoll-1-2 - {zero} {zero}"),
            "dir ../x".to_owned(),
            "other".to_owned(),
        ] {
            assert_eq!(parse(&bad), None, "{bad}");
        }
        let whole = format!("{FIRST}\n{good}\nend\n{LAST}\n");
        assert!(Journal::parse(&whole).is_some_and(|journal| journal.committed));
        for end in 0..whole.len() {
            let cut = Journal::parse(&whole[..end]);
            assert!(cut.is_none_or(|journal| !journal.committed), "cut at {end}");
        }
    }
}
