//! Reports on disk: whole files, all of them or none.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::WriteError;
use crate::patch::{Stage, Step};

/// Writes files whole, over what stood there: all of them or none. Directories on the way are made.
/// A link is followed; a device or a pipe is written to as it is, after the files.
///
/// Modes and, where the system allows, owners of files that are replaced stay.
///
/// # Errors
/// [`WriteError`], whose words name the path; the files are then as they were.
pub fn save(files: &[(PathBuf, Vec<u8>)]) -> Result<(), WriteError> {
    let mut stage = Stage::default();
    let mut streams = Vec::new();
    for (path, bytes) in files {
        let staged = target(path).and_then(|(target, stands)| match stands {
            Stands::Stream => {
                streams.push((path, bytes));
                Ok(())
            }
            Stands::Nothing | Stands::File => {
                let exists = stands == Stands::File;
                let mode = (!exists).then_some(false);
                stage.prepare(Step { path: target, exists, bytes: Some(bytes), mode })
            }
        });
        if let Err(error) = staged {
            stage.discard();
            return Err(WriteError::Io(named(path, &error)));
        }
    }
    stage.commit()?;
    for (path, bytes) in streams {
        fs::OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|mut file| file.write_all(bytes))
            .or_else(|e| if e.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(e) })
            .map_err(|error| WriteError::Io(named(path, &error)))?;
    }
    Ok(())
}

/// Adds text to the end of a file, which is made where there is none.
///
/// # Errors
/// What the system says, with the path.
pub fn append(path: &Path, text: &str) -> io::Result<()> {
    fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| named(path, &error))
}

/// What stands at a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    Nothing,
    File,
    Stream,
}

/// Where a path leads, and what stands there.
fn target(path: &Path) -> io::Result<(PathBuf, Stands)> {
    let path = std::path::absolute(path)?;
    match fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(metadata) if metadata.is_file() => Ok((path.canonicalize()?, Stands::File)),
        Ok(_) => Ok((path, Stands::Stream)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A link to nothing is somebody's mistake: not ours to replace.
            match fs::symlink_metadata(&path) {
                Ok(_) => Err(error),
                Err(_) => Ok((path, Stands::Nothing)),
            }
        }
        Err(error) => Err(error),
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display().to_string().escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_or_nothing() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = |name: &str| dir.path().join(name);
        fs::write(path("old"), "old").expect("written");
        fs::create_dir(path("dir")).expect("made");
        let file = |name: &str| (path(name), b"new".to_vec());
        let error = save(&[file("old"), file("a/b/new"), file("dir")]).expect_err("a directory");
        assert!(error.to_string().contains("dir"), "{error}");
        let listed = || {
            let entries = fs::read_dir(dir.path()).expect("listed");
            let mut names: Vec<_> = entries.map(|e| e.expect("entry").file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(listed(), ["dir", "old"]);
        assert_eq!(fs::read(path("old")).expect("read"), b"old");
        save(&[file("old"), file("a/b/new")]).expect("saved");
        assert_eq!(listed(), ["a", "dir", "old"]);
        assert_eq!(fs::read(path("old")).expect("read"), b"new");
        assert_eq!(fs::read(path("a/b/new")).expect("read"), b"new");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_devices_stay() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = |name: &str| dir.path().join(name);
        fs::write(path("file"), "old").expect("written");
        std::os::unix::fs::symlink("file", path("link")).expect("linked");
        std::os::unix::fs::symlink("gone", path("broken")).expect("linked");
        save(&[(path("link"), b"new".to_vec()), ("/dev/null".into(), b"x".to_vec())])
            .expect("saved");
        assert_eq!(fs::read(path("file")).expect("read"), b"new");
        assert!(fs::symlink_metadata(path("link")).expect("there").is_symlink());
        assert!(save(&[(path("broken"), Vec::new())]).is_err());
    }

    #[test]
    fn appending_makes_and_adds() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("summary");
        append(&path, "a\n").and_then(|()| append(&path, "b\n")).expect("appended");
        assert_eq!(fs::read_to_string(path).expect("read"), "a\nb\n");
    }
}
