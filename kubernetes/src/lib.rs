//! Kubernetes objects to policy text: `(file name, YAML or JSON)` pairs in; a `.gw` policy, the TLS files it names
//! and a note for everything that could not be said exactly out. Pure: reads no files, asks no cluster.

mod annotations;
mod emit;
mod names;
mod notes;
mod objects;
mod paths;
mod read;
mod routes;
mod secrets;
mod services;

use std::fmt;

pub use notes::{About, CATALOGUE, Note};

/// One file as the caller read it. It may hold several YAML documents, JSON, or `List` objects.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// What notes call the file.
    pub name: &'a str,
    /// Its whole text.
    pub text: &'a str,
}

/// What the caller may choose.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Translate only Ingresses of this class (`spec.ingressClassName`, or the older annotation
    /// `kubernetes.io/ingress.class`). Without it, every Ingress is translated whatever its class.
    pub ingress_class: Option<String>,
}

/// What came of a translation.
#[derive(Clone, Debug)]
pub struct Translation {
    /// The policy. Valid even where nothing could be translated.
    pub text: String,
    /// Files that the policy names, to be written beside it.
    pub files: Vec<TlsFile>,
    /// Everything that a reader has to know: what was left out, approximated, refused or in conflict.
    pub notes: Vec<Note>,
}

/// A certificate chain or a private key in PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsFile {
    /// Where it goes, relative to the policy: `tls/` and one plain file name.
    pub path: String,
    /// What to write. For a private key, keep it out of logs and give the file mode 0600.
    pub contents: Vec<u8>,
    /// Whether this is a private key.
    pub private: bool,
}

impl fmt::Debug for TlsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TlsFile({}, {} bytes)", self.path, self.contents.len())
    }
}

/// Translates the Ingresses among the documents, resolved against the Services, EndpointSlices and Secrets among them.
///
/// Never fails: what cannot be read, resolved or expressed becomes a [`Note`], and where leaving a route out would hand
/// its requests to a broader one, a route that refuses stands in its place. The same documents give the same text,
/// whatever their order.
pub fn translate(documents: &[Document<'_>], settings: &Settings) -> Translation {
    let mut notes = notes::Notes::default();
    let objects = read::read(documents, &mut notes);
    let gateway = routes::plan(&objects, settings, &mut notes);
    let text = emit::emit(&gateway);
    Translation { text, files: gateway.files, notes: notes.finish() }
}
