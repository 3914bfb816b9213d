//! Built programs as files: `.gwb`. It bounds what it reads, asks for the signature before anything of it is decoded, and
//! gives what a check of the sources would have given, without their checking.

use std::path::{Path, PathBuf};

use compiler::artifact::{Artifact, MOST_BYTES, Unfit, split};
use lang::{Policy, Sources};
use miette::{Report, miette};
use runtime::gateway::hash;

use crate::load::{Check, read_bytes};
use crate::seal;

/// A built program that was read.
pub struct Built {
    /// As if it had been checked; there is no policy, only what became of it.
    pub check: Check,
    /// The hash of its sources.
    pub hash: String,
}

/// Whether a file is taken for a built program, by its name.
pub fn is_built(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "gwb")
}

/// What `gwc build` writes for this check, signed if there is a key; and the hash of its sources.
pub fn write(check: &Check, key: Option<&Path>) -> miette::Result<(Vec<u8>, String)> {
    let mut sources = Sources::default();
    let root = folder(check.files.first().map_or(Path::new(""), PathBuf::as_path));
    for source in check.sources.iter() {
        let name = Path::new(&*source.name);
        let name = name.strip_prefix(&root).unwrap_or(name);
        sources.add(name.to_string_lossy(), source.text.clone());
    }
    let hash = hash_of(&sources);
    let program = check.program.clone().unwrap_or_default();
    let bytes = Artifact { program, sources, hash: hash.clone() }.encode();
    // What cannot be read again is not written.
    let mut bytes = bytes
        .and_then(|bytes| Artifact::decode(&bytes, &runtime::vocabulary()).map(|_| bytes))
        .map_err(|unfit| miette!("the program cannot be written: {unfit}"))?;
    if let Some(key) = key {
        let signature = seal::sign(key, &bytes)?;
        bytes.extend(signature);
    }
    Ok((bytes, hash))
}

/// Reads a built program; `key` is the public key that must have signed it.
pub fn read(path: &Path, key: Option<&Path>) -> miette::Result<Built> {
    let bytes = read_bytes(path, MOST_BYTES)
        .map_err(|problem| miette!("`{}` could not be read: {problem}", path.display()))?;
    let unfit = |unfit: Unfit| unfit_report(path, &unfit);
    let (signed, signature) = split(&bytes).map_err(unfit)?;
    if let Some(key) = key {
        seal::verify(path, signed, signature, key)?;
    }
    let artifact = Artifact::decode(&bytes, &runtime::vocabulary()).map_err(unfit)?;
    if artifact.hash != hash_of(&artifact.sources) {
        return Err(unfit(Unfit::Damaged("its hash is not that of its sources".to_owned())));
    }
    // Relative paths in it begin where they would if the sources lay beside it.
    let (mut sources, mut files) = (Sources::default(), Vec::new());
    for source in artifact.sources.iter() {
        let file = folder(path).join(&*source.name);
        sources.add(file.to_string_lossy(), source.text.clone());
        files.push(file);
    }
    let program = Some(artifact.program);
    let check = Check { sources, files, policy: Policy::default(), program, diags: Vec::new() };
    Ok(Built { check, hash: artifact.hash })
}

fn hash_of(sources: &Sources) -> String {
    hash(sources.iter().map(|source| (&*source.name, &*source.text)))
}

fn folder(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}

fn unfit_report(path: &Path, unfit: &Unfit) -> Report {
    let help = match unfit {
        Unfit::Foreign => "build it from its policy: `gwc build FILE`",
        Unfit::Version(_) | Unfit::Unknown { .. } => {
            "build it with the `gwc` that serves it: `gwc build FILE`"
        }
        Unfit::Truncated { .. } | Unfit::Damaged(_) | Unfit::TooLarge => {
            "copy it again as a binary file, or build it again: `gwc build FILE`"
        }
    };
    miette!(help = help, "`{}` cannot be served: {unfit}", path.display())
}
