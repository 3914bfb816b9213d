//! Built programs as files: `.gwb`. It bounds what it reads, and asks for the signature before anything of it is decoded.

use std::path::{Path, PathBuf};

use compiler::Program;
use compiler::artifact::{Artifact, MOST_BYTES, Unfit, split};
use lang::Sources;
use miette::{Report, miette};
use runtime::gateway::hash;

use crate::bytes::read_bytes;
use crate::seal;

/// A built program that was read.
pub struct Built {
    /// What runs.
    pub program: Program,
    /// The texts it was made of, the first one first, named as if they lay beside it.
    pub sources: Sources,
    /// The hash of its sources.
    pub hash: String,
}

/// Whether a file is taken for a built program, by its name.
pub fn is_built(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "gwb")
}

/// What `gwc build` writes of a program that was made of these texts, signed if there is a key; and the hash of these.
pub fn write(
    program: Program,
    texts: &Sources,
    key: Option<&Path>,
) -> miette::Result<(Vec<u8>, String)> {
    let mut sources = Sources::default();
    let root = folder(texts.iter().next().map_or(Path::new(""), |first| Path::new(&*first.name)));
    for source in texts.iter() {
        let name = Path::new(&*source.name);
        let name = name.strip_prefix(&root).unwrap_or(name);
        sources.add(name.to_string_lossy(), source.text.clone());
    }
    let hash = hash_of(&sources);
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
    let mut sources = Sources::default();
    for source in artifact.sources.iter() {
        sources.add(folder(path).join(&*source.name).to_string_lossy(), source.text.clone());
    }
    Ok(Built { program: artifact.program, sources, hash: artifact.hash })
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
