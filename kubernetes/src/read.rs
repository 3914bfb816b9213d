//! From text to objects, within bounds. Whatever is too large, too deep, malformed or not ours becomes a note.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Document;
use crate::names::{is_label, is_subdomain};
use crate::notes::{About, LEFT_OUT, NOT_READ, Notes, UNREADABLE, shown};
use crate::objects::{EndpointSlice, Ingress, Key, Metadata, Objects, Secret, Service};

/// Bytes of one file.
const LARGEST_TEXT: usize = 16 << 20;
/// Bytes of all files together.
const LARGEST_TOTAL: usize = 64 << 20;
/// Objects of one translation, of whatever kind.
const MOST_OBJECTS: usize = 20_000;
/// Lists within lists.
const DEEPEST_LIST: usize = 4;
/// Kinds that are reported by name when they are not read.
const MOST_KINDS: usize = 50;

struct Reader<'n> {
    notes: &'n mut Notes,
    objects: Objects,
    n_objects: usize,
    others: BTreeMap<String, usize>,
}

/// Reads every document.
pub(crate) fn read(documents: &[Document<'_>], notes: &mut Notes) -> Objects {
    let mut reader =
        Reader { notes, objects: Objects::default(), n_objects: 0, others: BTreeMap::new() };
    let mut total = 0_usize;
    for document in documents {
        let about = About::File(shown(document.name));
        total = total.saturating_add(document.text.len());
        if document.text.len() > LARGEST_TEXT || total > LARGEST_TOTAL {
            let message = "is larger than the translator reads (16 MiB a file, 64 MiB in all)";
            reader.notes.add(&UNREADABLE, &about, "", message);
            continue;
        }
        match values(document.text) {
            Ok(values) => values.into_iter().for_each(|value| reader.take(value, &about, 0, "")),
            Err(message) => reader.notes.add(&UNREADABLE, &about, "", message),
        }
    }
    reader.finish()
}

/// The documents of one text. JSON first: it is what `kubectl -o json` writes, and YAML bounds the length of a key.
fn values(text: &str) -> Result<Vec<Value>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with(['{', '[']) {
        let json: Result<Vec<Value>, _> =
            serde_json::Deserializer::from_str(text).into_iter().collect();
        if let Ok(values) = json {
            return Ok(values);
        }
    }
    let options = serde_saphyr::options! {
        strict_booleans: true,
        budget: serde_saphyr::budget! {
            max_depth: 64,
            flow_nesting_limit: 64,
            max_documents: MOST_OBJECTS,
            max_events: 2_000_000,
            max_nodes: 1_000_000,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_recorded_anchor_events: 100_000,
            max_recorded_anchor_bytes: 4 << 20,
            max_merge_keys: 1_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 100_000,
            max_replay_stack_depth: 16,
        },
    };
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
        // Only the place and the first line: an excerpt of the text could show a Secret.
        let at =
            error.location().map(|at| format!(" at line {}, column {}", at.line(), at.column()));
        format!("is not YAML within the bounds{}", at.unwrap_or_default())
    })
}

impl Reader<'_> {
    fn take(&mut self, mut value: Value, file: &About, depth: usize, assumed: &str) {
        let kind = text_of(&value, "kind").unwrap_or(assumed).to_owned();
        let version = text_of(&value, "apiVersion").unwrap_or_default().to_owned();
        if kind == "List" || kind.ends_with("List") && value.get("items").is_some() {
            self.take_list(value, file, depth, &kind);
            return;
        }
        self.n_objects += 1;
        if self.n_objects > MOST_OBJECTS {
            if self.n_objects == MOST_OBJECTS + 1 {
                let message =
                    format!("there are more than {MOST_OBJECTS} objects; the rest was not read");
                self.notes.add(&UNREADABLE, file, "", message);
            }
            return;
        }
        strip_nulls(&mut value);
        let assumed = !assumed.is_empty() && version.is_empty();
        match (kind.as_str(), version.as_str()) {
            ("Ingress", "networking.k8s.io/v1") => self.ingress(value, file),
            ("Service", "v1") => self.service(value, file),
            ("EndpointSlice", "discovery.k8s.io/v1") => self.slice(value, file),
            ("Secret", "v1") => self.secret(value, file),
            ("Ingress", _) if assumed => self.ingress(value, file),
            ("Service", _) if assumed => self.service(value, file),
            ("EndpointSlice", _) if assumed => self.slice(value, file),
            ("Secret", _) if assumed => self.secret(value, file),
            ("Ingress" | "Service" | "EndpointSlice" | "Secret", _) => {
                let name = value.pointer("/metadata/name").and_then(Value::as_str);
                let message = format!(
                    "{kind} `{}` is of version `{}`, which the translator does not read",
                    shown(name.unwrap_or("?")),
                    shown(&version)
                );
                self.notes.add(&UNREADABLE, file, "apiVersion", message);
            }
            ("", _) => {
                self.notes.add(&UNREADABLE, file, "kind", "a document is not a Kubernetes object");
            }
            _ => {
                let known = self.others.len() < MOST_KINDS || self.others.contains_key(&kind);
                let kind = if known { shown(&kind) } else { "others".to_owned() };
                *self.others.entry(kind).or_default() += 1;
            }
        }
    }

    fn take_list(&mut self, value: Value, file: &About, depth: usize, kind: &str) {
        if depth >= DEEPEST_LIST {
            self.notes.add(&UNREADABLE, file, "items", "lists are nested too deeply");
            return;
        }
        let Value::Object(mut fields) = value else { return };
        // The items of a typed list need not repeat their kind.
        let assumed = kind.strip_suffix("List").unwrap_or_default();
        match fields.remove("items") {
            Some(Value::Array(items)) => {
                items.into_iter().for_each(|item| self.take(item, file, depth + 1, assumed));
            }
            Some(Value::Null) | None => {}
            Some(_) => self.notes.add(&UNREADABLE, file, "items", "`items` is not a list"),
        }
    }

    fn ingress(&mut self, value: Value, file: &About) {
        let Some(mut object) = self.typed::<Ingress>("Ingress", value, file) else { return };
        if !self.named("Ingress", &mut object.metadata, file) {
            return;
        }
        let about = object.metadata.about("Ingress");
        let before = self.objects.ingresses.insert(object.metadata.key(), object);
        self.twice(before.is_some(), &about);
    }

    fn service(&mut self, value: Value, file: &About) {
        let Some(mut object) = self.typed::<Service>("Service", value, file) else { return };
        if !self.named("Service", &mut object.metadata, file) {
            return;
        }
        let about = object.metadata.about("Service");
        let before = self.objects.services.insert(object.metadata.key(), object);
        self.twice(before.is_some(), &about);
    }

    fn slice(&mut self, value: Value, file: &About) {
        let Some(mut object) = self.typed::<EndpointSlice>("EndpointSlice", value, file) else {
            return;
        };
        if !self.named("EndpointSlice", &mut object.metadata, file) {
            return;
        }
        let about = object.metadata.about("EndpointSlice");
        let before = self.objects.slices.insert(object.metadata.key(), object);
        self.twice(before.is_some(), &about);
    }

    fn secret(&mut self, value: Value, file: &About) {
        let Some(mut object) = self.typed::<Secret>("Secret", value, file) else { return };
        if !self.named("Secret", &mut object.metadata, file) {
            return;
        }
        let about = object.metadata.about("Secret");
        let before = self.objects.secrets.insert(object.metadata.key(), object);
        self.twice(before.is_some(), &about);
    }

    /// The value as an object of its kind.
    fn typed<T: DeserializeOwned>(&mut self, kind: &str, value: Value, file: &About) -> Option<T> {
        let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("?");
        let name = shown(name);
        match serde_json::from_value(value) {
            Ok(object) => Some(object),
            Err(error) => {
                // A Secret's message would quote the value that is wrong.
                let reason = if kind == "Secret" {
                    String::new()
                } else {
                    format!(": {}", shown(&error.to_string()))
                };
                let message =
                    format!("{kind} `{name}` does not have the shape of its kind{reason}");
                self.notes.add(&UNREADABLE, file, "", message);
                None
            }
        }
    }

    /// Whether the object has a name that may be used, in a namespace that may be used.
    fn named(&mut self, kind: &str, metadata: &mut Metadata, file: &About) -> bool {
        if metadata.namespace.is_empty() {
            metadata.namespace = "default".to_owned();
        }
        let valid = is_subdomain(&metadata.name) && is_label(&metadata.namespace);
        if !valid {
            let name = format!("{}/{}", shown(&metadata.namespace), shown(&metadata.name));
            let message = format!("{kind} `{name}` has no valid namespace and name");
            self.notes.add(&UNREADABLE, file, "metadata.name", message);
        }
        valid
    }

    fn twice(&mut self, twice: bool, about: &About) {
        if twice {
            self.notes.add(&LEFT_OUT, about, "", "is given more than once; the last one counts");
        }
    }

    fn finish(self) -> Objects {
        if !self.others.is_empty() {
            let kinds: Vec<String> =
                self.others.iter().map(|(kind, n)| format!("{kind} ({n})")).collect();
            let message = format!("objects of other kinds were not read: {}", kinds.join(", "));
            self.notes.add(&NOT_READ, &About::File("*".to_owned()), "", message);
        }
        self.objects
    }
}

fn text_of<'v>(value: &'v Value, field: &str) -> Option<&'v str> {
    value.get(field).and_then(Value::as_str)
}

/// Kubernetes reads `field: null` as an absent field. The depth is bounded by the readers above.
fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(strip_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_nulls),
        _ => {}
    }
}

/// The namespace and name of a reference that may not be valid.
pub(crate) fn key(namespace: &str, name: &str) -> Key {
    (namespace.to_owned(), name.to_owned())
}
