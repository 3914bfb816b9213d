//! Writing a file so that a reader sees the old text or the new one, never a part of either.

use std::path::{Path, PathBuf};

use miette::{IntoDiagnostic, WrapErr};

/// Replaces the file's content whole: a reader sees the old one or the new one. There may be none yet.
pub(crate) fn replace(path: &Path, content: impl AsRef<[u8]>) -> miette::Result<()> {
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut beside = target.clone().into_os_string();
    beside.push(".gwc-new");
    let beside = PathBuf::from(beside);
    let replaced = std::fs::write(&beside, content)
        .and_then(|()| match std::fs::metadata(&target) {
            Ok(known) => std::fs::set_permissions(&beside, known.permissions()),
            // A new file.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        })
        .and_then(|()| std::fs::rename(&beside, &target));
    if replaced.is_err() {
        // The first failure is the one worth telling; the leftover may not even exist.
        drop(std::fs::remove_file(&beside));
    }
    replaced
        .into_diagnostic()
        .wrap_err_with(|| format!("`{}` could not be written", path.display()))
}
