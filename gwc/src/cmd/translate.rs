//! `gwc translate`: other people's configuration as a policy.

use std::io::Write;
use std::path::{Path, PathBuf};

use kubernetes::{Document, Settings, TlsFile, Translation};
use miette::{IntoDiagnostic, WrapErr, miette};

use crate::report::{self, say};
use crate::{Outcome, load};

/// Translates other configuration to a policy
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    from: From,
}

#[derive(clap::Subcommand)]
enum From {
    Ingress(IngressArgs),
}

/// Translates Kubernetes Ingresses, with the Services, EndpointSlices and TLS Secrets beside them
///
/// What a policy cannot say exactly is listed on standard error by object and field. Exit status: 0 when everything
/// was translated, 1 when something was left out or changed its meaning, 2 when a file could not be read or written.
#[derive(clap::Args)]
struct IngressArgs {
    /// YAML or JSON files, or directories of them
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Where the policy goes, TLS files beside it; standard output without it, and then no TLS files are written
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Translate only Ingresses of this class
    #[arg(long, value_name = "NAME")]
    ingress_class: Option<String>,
}

pub(crate) fn run(args: &Args) -> miette::Result<Outcome> {
    let From::Ingress(args) = &args.from;
    let mut texts = Vec::new();
    for path in load::files(&args.paths, &["yaml", "yml", "json"])? {
        texts.push((path.to_string_lossy().into_owned(), load::read(&path)?));
    }
    let documents: Vec<Document<'_>> =
        texts.iter().map(|(name, text)| Document { name, text }).collect();
    let translation =
        kubernetes::translate(&documents, &Settings { ingress_class: args.ingress_class.clone() });
    for note in &translation.notes {
        say!("{note}");
    }
    match &args.output {
        None => report::print(&translation.text)?,
        Some(output) => write(output, &translation)?,
    }
    if !translation.files.is_empty() && args.output.is_none() {
        say!(
            "{} TLS files were not written: name the policy's file with `-o`",
            translation.files.len()
        );
    }
    let lost = translation.notes.iter().any(|note| note.severity != lang::Severity::Note);
    Ok(if lost { Outcome::Faulty } else { Outcome::Clean })
}

fn write(output: &Path, translation: &Translation) -> miette::Result<()> {
    let folder = output.parent().unwrap_or(Path::new(""));
    for file in &translation.files {
        let path = folder.join(&file.path);
        write_file(&path, file).into_diagnostic().wrap_err_with(|| unwritable(&path))?;
    }
    if output.is_dir() {
        return Err(miette!(
            help = "name the policy's file",
            "`{}` is a directory",
            output.display()
        ));
    }
    std::fs::write(output, &translation.text).into_diagnostic().wrap_err_with(|| unwritable(output))
}

fn write_file(path: &Path, file: &TlsFile) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // A key is never readable by others, not even between creation and a later change of its mode.
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let mode = if file.private { 0o600 } else { 0o644 };
        options.mode(mode);
        let mut opened = options.open(path)?;
        opened.set_permissions(std::fs::Permissions::from_mode(mode))?;
        opened.write_all(&file.contents)
    }
    #[cfg(not(unix))]
    options.open(path)?.write_all(&file.contents)
}

fn unwritable(path: &Path) -> String {
    format!("`{}` could not be written", path.display())
}
