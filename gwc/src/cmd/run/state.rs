//! What outlives a gateway: the last good texts of its modules, in one file of the folder named by `--state`. A file that
//! cannot be read or makes no sense is as good as none: the modules are then served from their own files alone.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::modules::{Good, Shelf};
use crate::load::MAX_BYTES;
use crate::report::say;

const NAME: &str = "modules.json";

/// More than any policy's modules; what is larger is not read.
const LARGEST: u64 = 4 * MAX_BYTES;

/// What is known of the modules of the policy at `policy`.
pub(super) fn read(folder: &Path, policy: &Path) -> Shelf {
    let file = folder.join(NAME);
    let text = match bounded(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Shelf::default(),
        Err(error) => {
            say!("{}: {error}: no last good version of a module is known", file.display());
            return Shelf::default();
        }
    };
    let shelf = serde_json::from_str(&text).ok().and_then(|value| decode(&value, policy));
    shelf.unwrap_or_else(|| {
        say!("{}: not understood: no last good version of a module is known", file.display());
        Shelf::default()
    })
}

/// Writes down what is known; whole or not at all.
pub(super) fn write(folder: &Path, policy: &Path, shelf: &Shelf) {
    if let Err(error) = replace(folder, &encode(shelf, policy).to_string()) {
        say!("{}: {error}: the modules' last good versions are not kept", folder.display());
    }
}

fn replace(folder: &Path, text: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let beside = folder.join(format!("{NAME}.new"));
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, folder.join(NAME))
}

fn bounded(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(file)?.take(LARGEST).read_to_string(&mut text)?;
    Ok(text)
}

fn encode(shelf: &Shelf, policy: &Path) -> Value {
    let modules = shelf.good.iter().map(|(name, good)| {
        let since = good.since.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |at| at.as_secs());
        let files = good.files.iter().map(|(path, text)| {
            // Paths count from the policy, so that the folder may be mounted elsewhere.
            let path = path.strip_prefix(root(policy)).unwrap_or(path);
            json!({ "path": path.to_string_lossy(), "text": text })
        });
        json!({ "name": name, "since": since, "files": files.collect::<Vec<_>>() })
    });
    json!({ "modules": modules.collect::<Vec<_>>() })
}

fn decode(value: &Value, policy: &Path) -> Option<Shelf> {
    let mut shelf = Shelf::default();
    for module in value.get("modules")?.as_array()? {
        let files = module.get("files")?.as_array()?.iter().map(|file| {
            let path = root(policy).join(file.get("path")?.as_str()?);
            Some((path, file.get("text")?.as_str()?.to_owned()))
        });
        let since = Duration::from_secs(module.get("since")?.as_u64()?);
        let since = SystemTime::UNIX_EPOCH.checked_add(since)?;
        let good = Good { files: files.collect::<Option<_>>()?, since };
        shelf.good.insert(module.get("name")?.as_str()?.to_owned(), good);
    }
    Some(shelf)
}

fn root(policy: &Path) -> PathBuf {
    policy.parent().map(Path::to_owned).unwrap_or_default()
}
