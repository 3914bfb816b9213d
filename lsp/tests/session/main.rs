//! Sessions of a real client with a real server, over the pipes of the operating system.

mod client;

use client::{Client, NET, POLICY, URI};
use gw_lsp as lsp;
use serde_json::{Value, json};

#[test]
fn a_session_from_hello_to_goodbye() {
    let mut client = Client::start();
    let hello = client.initialize(&["utf-16"]);
    assert_eq!(hello["capabilities"]["positionEncoding"], "utf-16");
    assert_eq!(hello["capabilities"]["textDocumentSync"]["change"], 2);
    assert_eq!(hello["capabilities"]["hoverProvider"], true);
    assert_eq!(hello["serverInfo"]["name"], "gwc");
    client.open(URI, 1, POLICY);
    assert_eq!(client.problems(URI, 1), json!([]));
    assert_eq!(client.request("shutdown", Value::Null), Ok(Value::Null));
    let refused = client.request("textDocument/hover", json!({})).unwrap_err();
    assert_eq!(refused["code"], -32600);
    client.notify("exit", Value::Null);
    assert_eq!(client.ended(), lsp::Ended::Orderly);
}

#[test]
fn exit_without_shutdown_is_abrupt_and_so_is_going_away() {
    let mut client = Client::start();
    client.initialize(&[]);
    client.notify("exit", Value::Null);
    assert_eq!(client.ended(), lsp::Ended::Abrupt);
    let mut client = Client::start();
    client.initialize(&[]);
    client.hang_up();
    assert_eq!(client.ended(), lsp::Ended::Abrupt);
}

#[test]
fn nothing_is_answered_before_initialize_and_it_is_said_once() {
    let mut client = Client::start();
    assert_eq!(client.request("textDocument/hover", json!({})).unwrap_err()["code"], -32002);
    client.initialize(&[]);
    assert_eq!(client.request("initialize", json!({})).unwrap_err()["code"], -32600);
    assert_eq!(client.request("no/such", json!({})).unwrap_err()["code"], -32601);
    assert_eq!(client.request("textDocument/hover", json!({})).unwrap_err()["code"], -32602);
}

#[test]
fn malformed_messages_are_answered_and_survived() {
    let mut client = Client::start();
    client.initialize(&[]);
    client.raw(b"Content-Length: 1\r\n\r\n{");
    assert_eq!(client.next_error()["error"]["code"], -32700);
    client.raw(b"Content-Length: 2\r\n\r\n[]");
    assert_eq!(client.next_error()["error"]["code"], -32600);
    client.raw(b"Content-Length: 34\r\n\r\n{\"id\":9999999999,\"method\":\"hello\"}");
    assert_eq!(client.next_error()["id"], 9_999_999_999_i64);
    client.notify("textDocument/didOpen", json!({ "textDocument": 3 }));
    client.notify("textDocument/didChange", json!([]));
    client.notify("$/cancelRequest", json!({ "id": { "a": 1 } }));
    client.open(URI, 1, POLICY);
    assert_eq!(client.problems(URI, 1), json!([]));
}

#[test]
fn problems_come_and_go_as_one_types() {
    let mut client = Client::start();
    client.initialize(&[]);
    client.open(URI, 1, POLICY);
    assert_eq!(client.problems(URI, 1), json!([]));
    // The `}` of the listener goes.
    let brace = POLICY.find("\" }").unwrap() + 1;
    let line = POLICY[..brace].matches('\n').count();
    let character = brace - POLICY[..brace].rfind('\n').unwrap() - 1;
    let range = json!({ "start": { "line": line, "character": character }, "end": { "line": line, "character": character + 2 } });
    client.change(URI, 2, json!([{ "range": range, "text": "" }]));
    let problems = client.problems(URI, 2);
    assert_eq!(problems[0]["code"], "E0101", "{problems}");
    assert_eq!(problems[0]["severity"], 1);
    let at = problems[0]["range"].clone();

    let fixes = client.request(
        "textDocument/codeAction",
        json!({ "textDocument": { "uri": URI }, "range": at, "context": { "diagnostics": [] } }),
    );
    let fixes = fixes.unwrap();
    assert_eq!(fixes[0]["kind"], "quickfix", "{fixes}");
    let change = &fixes[0]["edit"]["documentChanges"][0];
    assert_eq!(change["textDocument"], json!({ "uri": URI, "version": 2 }));
    client.change(
        URI,
        3,
        json!([{ "range": change["edits"][0]["range"], "text": change["edits"][0]["newText"] }]),
    );
    assert_eq!(client.problems(URI, 3), json!([]));

    client.change(URI, 4, json!([{ "text": "rout x {}\n" }]));
    assert!(!client.problems(URI, 4).as_array().unwrap().is_empty());
    client.close(URI);
    assert_eq!(client.cleared(URI), json!([]));
}

#[test]
fn hover_reads_the_rows_and_the_doc_comments() {
    let mut client = Client::start();
    client.initialize(&[]);
    client.open(URI, 1, POLICY);
    let hover = client.hover(POLICY, "respond 200", 0);
    assert!(hover.contains("Answers without an upstream."), "{hover}");
    assert!(client.hover(POLICY, "bind", 4).contains("Where it listens."));
    assert!(client.hover(POLICY, "listener", 0).contains("Where connections come in."));
    assert!(client.hover(POLICY, "path ", 1).contains("The paths the route answers for"));
    assert!(client.hover(POLICY, "req.header", 1).contains("One header."));
    assert!(client.hover(POLICY, "req.header", 6).contains("One header."));
    let route = client.hover(POLICY, "hello on", 2);
    assert!(route.contains("route hello") && route.contains("Greets."), "{route}");
    let listener = client.hover(POLICY, "web {\n  /", 0);
    assert!(listener.contains("listener web"), "{listener}");
    assert_eq!(client.hover(POLICY, "200", 1), "");
}

const IMPORTING: &str = "\
edition 2026
use \"./net.gw\" { office }

listener web { bind \":8080\" }

route inside on web {
  where conn.peer in office
  respond 200
}

route all on web { respond 404 }
";

#[test]
fn imports_are_followed_to_the_disk_and_to_open_documents() {
    let mut client = Client::start();
    client.initialize(&[]);
    client.open(URI, 1, IMPORTING);
    assert_eq!(client.problems(URI, 1), json!([]));
    let office = client.at(IMPORTING, "office\n", 1);
    let found = client.request("textDocument/definition", office.clone()).unwrap();
    assert_eq!(found["uri"], "file:///policy/net.gw");
    assert_eq!(found["range"]["start"], json!({ "line": 3, "character": 8 }));
    let file = client.at(IMPORTING, "net.gw", 1);
    let found = client.request("textDocument/definition", file).unwrap();
    assert_eq!(found["uri"], "file:///policy/net.gw");

    // In the editor the name is another one, so the import breaks.
    client.open("file:///policy/net.gw", 7, &NET.replace("office", "offices"));
    let problems = client.problems_until(URI, |problems| problems != &json!([]));
    assert!(problems.to_string().contains("offices"), "{problems}");
    client.close("file:///policy/net.gw");
    client.problems_until(URI, |problems| problems == &json!([]));
}

#[test]
fn names_are_found_and_renamed_in_every_file() {
    let mut client = Client::start();
    client.initialize(&[]);
    client.open("file:///policy/net.gw", 7, NET);
    client.open(URI, 1, IMPORTING);
    let mut office = client.at(IMPORTING, "office\n", 1);
    office["context"] = json!({ "includeDeclaration": true });
    let found = client.request("textDocument/references", office.clone()).unwrap();
    assert_eq!(found.as_array().unwrap().len(), 3, "{found}");
    office["newName"] = json!("home");
    let edit = client.request("textDocument/rename", office.clone()).unwrap();
    let changes = edit["documentChanges"].as_array().unwrap();
    assert_eq!(changes.len(), 2, "{edit}");
    assert_eq!(changes[1]["textDocument"], json!({ "uri": "file:///policy/net.gw", "version": 7 }));
    assert_eq!(changes[0]["edits"].as_array().unwrap().len(), 2);
    for no_name in ["", "1a", "a-b", "match", "a b"] {
        office["newName"] = json!(no_name);
        assert_eq!(client.request("textDocument/rename", office.clone()), Ok(Value::Null));
    }
}

#[test]
fn formatting_is_one_small_edit_and_leaves_broken_text_alone() {
    let mut client = Client::start();
    client.initialize(&[]);
    client.open(URI, 1, &POLICY.replace("respond 200, \"hello\"", "respond   200,\"hello\""));
    let params = json!({ "textDocument": { "uri": URI }, "options": { "tabSize": 8, "insertSpaces": false } });
    let edits = client.request("textDocument/formatting", params.clone()).unwrap();
    assert_eq!(edits.as_array().unwrap().len(), 1);
    client.change(URI, 2, json!([{ "range": edits[0]["range"], "text": edits[0]["newText"] }]));
    assert_eq!(client.request("textDocument/formatting", params.clone()), Ok(json!([])));
    client.change(URI, 3, json!([{ "text": "edition   2026\nroute a on b {\n" }]));
    assert_eq!(client.request("textDocument/formatting", params), Ok(Value::Null));
}

#[test]
fn positions_count_utf16_units_or_bytes_as_agreed() {
    let text = "edition 2026\n\nroute r on web { respond 200, \"\u{1f600}\"; respond 300 }\n";
    for (encoding, character) in [("utf-16", 38), ("utf-8", 40)] {
        let mut client = Client::start();
        let hello = client.initialize(&[encoding]);
        assert_eq!(hello["capabilities"]["positionEncoding"], encoding);
        client.open(URI, 1, text);
        let at = json!({ "textDocument": { "uri": URI }, "position": { "line": 2, "character": character } });
        let hover = client.request("textDocument/hover", at).unwrap();
        assert_eq!(hover["range"]["start"]["character"], character - 2, "{encoding}: {hover}");
    }
}

#[test]
fn completion_offers_what_fits_the_place() {
    let mut client = Client::start();
    client.initialize(&[]);
    let text = "edition 2026\n\nlistener web { bi }\nupstream app {}\nroute r on web {\n  re\n  respond 200, \n  where req.\n}\nro\n";
    client.open(URI, 1, text);
    let labels = |client: &mut Client, line: u32, character: u32| {
        let at = json!({ "textDocument": { "uri": URI }, "position": { "line": line, "character": character } });
        let found = client.request("textDocument/completion", at).unwrap();
        let items = found.as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(labels(&mut client, 9, 2).contains(&"route".to_owned()));
    assert!(labels(&mut client, 2, 17).contains(&"bind".to_owned()));
    let verbs = labels(&mut client, 5, 4);
    assert!(
        verbs.contains(&"respond".to_owned()) && verbs.contains(&"path".to_owned()),
        "{verbs:?}"
    );
    assert!(!verbs.contains(&"bind".to_owned()));
    let values = labels(&mut client, 6, 15);
    assert!(
        values.contains(&"body=".to_owned()) && !values.contains(&"app".to_owned()),
        "{values:?}"
    );
    assert_eq!(labels(&mut client, 7, 12), ["header", "host"]);
}

#[test]
fn the_outline_has_items_and_their_routes() {
    let mut client = Client::start();
    client.initialize(&[]);
    client.open(URI, 1, "edition 2026\nsite shop on web {\n  route a { respond 200 }\n}\n");
    let at = json!({ "textDocument": { "uri": URI } });
    let symbols = client.request("textDocument/documentSymbol", at).unwrap();
    assert_eq!(symbols[0]["name"], "shop");
    assert_eq!(symbols[0]["children"][0]["name"], "a");
    assert_eq!(symbols[0]["children"][0]["detail"], "route");
}

#[test]
fn a_storm_of_typing_ends_with_the_last_version() {
    let mut client = Client::start();
    client.initialize(&[]);
    client.open(URI, 1, POLICY);
    for version in 2..500 {
        let at = json!({ "line": 0, "character": 0 });
        client.change(URI, version, json!([{ "range": { "start": at, "end": at }, "text": "/" }]));
    }
    client.change(URI, 500, json!([{ "text": POLICY }]));
    assert_eq!(client.problems(URI, 500), json!([]));
}
