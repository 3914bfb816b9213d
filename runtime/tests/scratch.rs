use lang::*;
#[test]
fn scratch() {
    let vocabulary = runtime_crate();
    for path in std::fs::read_dir("/tmp/gw").unwrap() {
        let path = path.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let source = Source::new(SourceId(0), "x.gw", text);
        let (tree, mut diags) = parse(&source);
        let now = std::time::Instant::now();
        let checked = check(&[Unit { source: &source, tree: &tree, uses: vec![] }], &vocabulary);
        println!("=== {} {:?} routes {}", path.display(), now.elapsed(), checked.policy.routes.len());
        diags.extend(checked.diags);
        for d in diags {
            let at = source.line_column(d.span().start);
            println!("{}:{} {} [{}] {}", at.line, at.column, d.code, source.slice(d.span()), d.message);
            for l in &d.labels { println!("     | [{}] {}", source.slice(l.span), l.text); }
            if let Some(h) = &d.help { println!("     = {h}"); }
            for f in &d.fixes { println!("     fix {}: {:?}", f.title, f.edits.iter().map(|e| (source.slice(e.span), &e.text)).collect::<Vec<_>>()); }
        }
    }
}
fn runtime_crate() -> Vocabulary { gw_runtime::vocabulary::vocabulary() }
