//! Notices that a policy's files have changed. It watches folders, because editors and mounted secrets replace files
//! rather than write to them, and compares contents, because not every event is a change.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use compiler::artifact::MOST_BYTES;
use miette::{IntoDiagnostic, WrapErr};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::bytes::read_bytes;

/// Watches a set of files.
pub(super) struct Watch {
    watcher: RecommendedWatcher,
    events: mpsc::Receiver<()>,
    files: Vec<PathBuf>,
    folders: BTreeSet<PathBuf>,
    seen: String,
}

/// Editors write a file in several steps; this long after the last one it is whole.
const QUIET: Duration = Duration::from_millis(100);
/// A file that never rests is read nevertheless.
const AT_MOST: Duration = Duration::from_secs(2);

impl Watch {
    /// Watches `files`.
    pub(super) fn start(files: Vec<PathBuf>) -> miette::Result<Watch> {
        // One waiting event says as much as a thousand.
        let (told, events) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if !event.is_ok_and(|event| event.kind.is_access()) {
                let _ = told.try_send(());
            }
        });
        let watcher = watcher.into_diagnostic().wrap_err("files cannot be watched")?;
        let folders = BTreeSet::new();
        let mut watch = Watch { watcher, events, files: Vec::new(), folders, seen: String::new() };
        watch.follow(files);
        Ok(watch)
    }

    /// Watches these files from now on, as they are now.
    pub(super) fn follow(&mut self, files: Vec<PathBuf>) {
        let folders: BTreeSet<PathBuf> = files.iter().map(|file| folder(file)).collect();
        for gone in self.folders.difference(&folders) {
            // The folder may be gone itself.
            let _ = self.watcher.unwatch(gone);
        }
        for new in folders.difference(&self.folders) {
            if let Err(error) = self.watcher.watch(new, RecursiveMode::NonRecursive) {
                tracing::warn!(folder = %new.display(), %error, "changes here go unnoticed");
            }
        }
        self.folders = folders;
        self.files = files;
        self.seen = contents(&self.files);
    }

    /// Watches these files as well: a policy that does not check may use files that the running one does not.
    pub(super) fn follow_more(&mut self, files: &[PathBuf]) {
        let mut all = self.files.clone();
        all.extend(files.iter().filter(|file| !self.files.contains(file)).cloned());
        self.follow(all);
    }

    /// Waits until a file has another content than when it was looked at last, and has come to rest.
    pub(super) async fn changed(&mut self) {
        loop {
            if self.events.recv().await.is_none() {
                return std::future::pending().await;
            }
            let rest = async {
                while let Ok(Some(())) = tokio::time::timeout(QUIET, self.events.recv()).await {}
            };
            let _ = tokio::time::timeout(AT_MOST, rest).await;
            let now = contents(&self.files);
            if now != self.seen {
                self.seen = now;
                return;
            }
        }
    }
}

fn folder(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The files' contents, in short. A file that cannot be read is not the same as an empty one.
fn contents(files: &[PathBuf]) -> String {
    let contents = files.iter().map(|file| match read_bytes(file, MOST_BYTES) {
        Ok(content) => (file.to_string_lossy(), content),
        Err(error) => (file.to_string_lossy(), format!("\0{error}").into_bytes()),
    });
    runtime::gateway::hash(contents)
}
