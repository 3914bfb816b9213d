//! Kubernetes objects in, policy and notes out: each `cases/NAME.yaml` stands beside the `NAME.gw` and `NAME.notes` that it gives.
//! `UPDATE=1` rewrites those; read the difference as carefully as code.

#![expect(clippy::disallowed_methods, reason = "the crate is pure; its test brings the texts")]

use std::fs;
use std::path::Path;

use gw_kubernetes::{Document, Settings, Translation, translate};
use lang::{Source, SourceId};

/// Translates, and holds the text to what every translation promises: it parses, whatever the objects were.
fn translated(text: &str) -> Translation {
    let translation = translate(&[Document { name: "objects.yaml", text }], &Settings::default());
    let source = Source::new(SourceId(0), "out.gw", translation.text.as_str());
    let (_, diags) = lang::parse(&source);
    assert!(diags.is_empty(), "{diags:?}\n{}", translation.text);
    translation
}

fn notes(translation: &Translation) -> String {
    let line = |note: &gw_kubernetes::Note| format!("{}[{}] {note}\n", note.severity, note.code);
    translation.notes.iter().map(line).collect()
}

#[test]
fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let update = std::env::var_os("UPDATE").is_some();
    let mut n_cases = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        n_cases += 1;
        let translation = translated(&fs::read_to_string(&path).unwrap());
        for (extension, actual) in
            [("gw", translation.text.clone()), ("notes", notes(&translation))]
        {
            let expected = path.with_extension(extension);
            if update {
                fs::write(&expected, &actual).unwrap();
            }
            let expected_text = fs::read_to_string(&expected).unwrap_or_default();
            assert_eq!(actual, expected_text, "{}", expected.display());
        }
    }
    assert!(n_cases > 0);
}

#[test]
fn keys_go_to_files_and_nowhere_else() {
    let translation = translated(include_str!("cases/shop.yaml"));
    assert!(!translation.text.contains("c2VjcmV0"));
    assert!(!notes(&translation).contains("c2VjcmV0"));
    assert!(!format!("{translation:?}").contains("c2VjcmV0"));
    let key = translation.files.iter().find(|file| file.private).unwrap();
    assert_eq!(key.path, "tls/shop.shop-tls.key");
    assert!(String::from_utf8_lossy(&key.contents).contains("c2VjcmV0"));
}

#[test]
fn a_malformed_secret_is_not_quoted() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ntype: kubernetes.io/tls\ndata: hunter2\n";
    let said = notes(&translated(text));
    assert!(said.contains("Secret `s` does not have the shape of its kind"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let said = notes(&translated("kind: Secret\ndata: {a: hunter2\n  b: [}\n"));
    assert!(said.contains("is not YAML"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn the_order_of_documents_means_nothing() {
    let text = include_str!("cases/shop.yaml");
    let mut parts: Vec<&str> = text.split("\n---\n").collect();
    let first = translated(text);
    parts.reverse();
    let documents: Vec<Document<'_>> =
        parts.iter().map(|text| Document { name: "part.yaml", text }).collect();
    let second = translate(&documents, &Settings::default());
    assert_eq!(first.text, second.text);
    assert_eq!(first.files, second.files);
}

#[test]
fn json_is_read() {
    let text = r#"{"kind":"List","apiVersion":"v1","items":[
        {"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"a"},
         "spec":{"defaultBackend":{"service":{"name":"b","port":{"number":80}}}}}]}"#;
    assert!(translated(text).text.contains("route default on http {\n  forward default_b_80\n}"));
}

#[test]
fn the_class_is_a_filter() {
    let text = include_str!("cases/shop.yaml");
    let settings = Settings { ingress_class: Some("nginx".to_owned()) };
    let translation = translate(&[Document { name: "objects.yaml", text }], &settings);
    assert!(!translation.text.contains("maintenance"));
    assert!(notes(&translation).contains(
        "note[N0712] Ingress ops/fallback: spec.ingressClassName: left out: it names no class"
    ));
}

#[test]
fn hostile_documents_end_in_notes() {
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, of) in
        [("b", "a"), ("c", "b"), ("d", "c"), ("e", "d"), ("f", "e"), ("g", "f"), ("h", "g")]
    {
        bomb.push_str(&format!("{name}: &{name} [{}]\n", vec![format!("*{of}"); 9].join(", ")));
    }
    let deep = "[".repeat(100_000);
    let deep_json = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let large = format!("kind: ConfigMap\ndata: {{a: \"{}\"}}\n", "x".repeat(17 << 20));
    let many = "---\nkind: A\n".repeat(30_000);
    let control = "kind: Ingress\u{0}\nmetadata: {}\n".to_owned();
    let lists = format!("{}{{}}{}", "{\"kind\":\"List\",\"items\":[".repeat(60), "]}".repeat(60));
    for text in [bomb, deep, deep_json, large, many, control, lists] {
        let translation = translated(&text);
        assert!(!translation.notes.is_empty());
        assert!(translation.text.starts_with("edition 2026\n"));
    }
}

#[test]
fn many_objects_are_no_worse_than_long() {
    let mut text = String::new();
    for n in 0..1_000 {
        text.push_str(&format!(
            "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{ name: a-{} }}\nspec: {{ rules: [{{ host: h{n}.example, http: {{ paths: [{{ path: /, pathType: Prefix, backend: {{ service: {{ name: s, port: {{ number: {} }} }} }} }}] }} }}] }}\n",
            n, 1 + n
        ));
    }
    let translation = translated(&text);
    assert_eq!(translation.text.matches("\nsite ").count(), 1_000);
}

#[test]
fn words_of_a_cluster_never_leave_their_place() {
    let evil = "x\\\" }\\nroute evil on http { respond 200 }\\n{secret}";
    let text = format!(
        "{{\"kind\":\"Ingress\",\"apiVersion\":\"networking.k8s.io/v1\",\"metadata\":{{\"name\":\"a\",\"annotations\":{{\
         \"nginx.ingress.kubernetes.io/permanent-redirect\":\"https://{evil}\",\
         \"nginx.ingress.kubernetes.io/upstream-vhost\":\"{evil}\",\
         \"nginx.ingress.kubernetes.io/rewrite-target\":\"/{evil}\",\
         \"nginx.ingress.kubernetes.io/proxy-ssl-name\":\"{evil}\",\
         \"nginx.ingress.kubernetes.io/proxy-read-timeout\":\"{evil}\",\
         \"{evil}\":\"{evil}\"}}}},\
         \"spec\":{{\"{evil}\":1,\"rules\":[{{\"host\":\"{evil}\"}},{{\"host\":\"h.example\",\"http\":{{\"paths\":[\
         {{\"path\":\"/{evil}\",\"pathType\":\"Prefix\",\"backend\":{{\"service\":{{\"name\":\"b\",\"port\":{{\"number\":80}}}}}}}},\
         {{\"path\":\"/a\",\"pathType\":\"{evil}\"}},\
         {{\"path\":\"/b\",\"pathType\":\"Exact\",\"backend\":{{\"service\":{{\"name\":\"{evil}\",\"port\":{{\"name\":\"{evil}\"}}}}}}}}]}}}}]}}}}"
    );
    let translation = translated(&text);
    assert!(!translation.text.contains("evil"), "{}", translation.text);
    assert!(translation.notes.len() >= 9, "{}", notes(&translation));
    for note in &translation.notes {
        assert!(!note.to_string().contains('\n'), "{note:?}");
    }
}
