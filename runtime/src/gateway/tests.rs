//! A gateway on loopback with a snapshot that answers by itself: sockets, TLS, reloads and drains without a policy.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use lang::Span;
use rustls::pki_types::{CertificateDer, ServerName};

use super::{Drained, Gateway, LaunchError, Options, Snapshot, UpstreamSample};
use crate::blocks::ListenerConfig;
use crate::blocks::listener::{ClientAuth, TlsConfig};
use crate::body::Body;
use crate::listen::{BindAddress, Connection};
use crate::message::Response;
use crate::serve::{Handler, Incoming, Outgoing, Refusal, Sent};
use crate::telemetry::Telemetry;

/// Answers every request with its own text and what it knows of the connection; `/slow` takes a while.
struct Page {
    text: &'static str,
    listeners: Vec<ListenerConfig>,
}

type Newest = RefCell<Arc<Page>>;

struct Session {
    newest: Rc<Newest>,
    connection: Connection,
}

impl Snapshot for Page {
    type Core = Newest;
    type Session = Session;

    fn listeners(&self) -> &[ListenerConfig] {
        &self.listeners
    }

    fn tend(&self, _: &Arc<Telemetry>) {}

    fn settle(&self, _: &Arc<Telemetry>) {}

    fn core(_: &Arc<Telemetry>) -> Newest {
        RefCell::new(Arc::new(Page { text: "nothing", listeners: Vec::new() }))
    }

    fn enter(self: Arc<Page>, core: &Newest) {
        *core.borrow_mut() = self;
    }

    fn session(core: &Rc<Newest>, connection: Connection) -> Session {
        Session { newest: core.clone(), connection }
    }

    fn sample(_: &Newest) -> Vec<UpstreamSample> {
        vec![UpstreamSample { name: "users".into(), requests: 1, ..UpstreamSample::default() }]
    }
}

impl Handler for Session {
    type Ticket = ();

    async fn handle(&self, incoming: Incoming) -> Outgoing<()> {
        let page = self.newest.borrow().clone();
        let target = &incoming.request.target;
        if target.path() == "/slow" {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let tls = self.connection.tls.as_ref();
        let text = format!(
            "{} client={} version={} subject={} misdirected={}",
            page.text,
            self.connection.source,
            tls.map_or("-", |tls| tls.version),
            tls.and_then(|tls| tls.client.as_deref()).unwrap_or("-"),
            self.connection.is_misdirected(target.host()),
        );
        Outgoing { response: Response::new(200), body: Body::full(text), tunnel: None, ticket: () }
    }

    fn refuse(&self, refusal: Refusal) -> Outgoing<()> {
        let (response, body) = refusal.answer();
        Outgoing { response, body, tunnel: None, ticket: () }
    }

    fn finished(&self, (): (), _: Sent) {}
}

fn listener(name: &str, address: &str) -> ListenerConfig {
    ListenerConfig::plain(name, address.parse().unwrap())
}

fn page(text: &'static str, listeners: Vec<ListenerConfig>) -> Arc<Page> {
    Arc::new(Page { text, listeners })
}

fn start(cores: usize, page: Arc<Page>) -> Gateway<Page> {
    let options = Options { admin: Some("127.0.0.1:0".parse().unwrap()), ..Options::default() };
    Gateway::start(page, "one", Telemetry::silent(cores), options).unwrap()
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream
}

/// One request on a connection, and the whole answer.
fn ask(stream: &mut (impl Read + Write), path: &str) -> String {
    ask_host(stream, path, "x")
}

fn ask_host(stream: &mut (impl Read + Write), path: &str, host: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    // A connection that was closed at once may be found closed here already.
    let _ = stream.write_all(request.as_bytes());
    answer(stream)
}

fn answer(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
            });
            if length.is_none_or(|length: usize| body.len() >= length) {
                return text;
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return text,
            Ok(n) => bytes.extend(&buffer[..n]),
        }
    }
}

fn get(address: SocketAddr, path: &str) -> String {
    ask(&mut connect(address), path)
}

fn only_address(gateway: &Gateway<Page>) -> SocketAddr {
    gateway.addresses()[0].1
}

#[test]
fn another_gateway_takes_over_whatever_its_cores() {
    for (before, after) in [(3, 1), (1, 3)] {
        let old = start(before, page("old", vec![listener("web", "127.0.0.1:0")]));
        let address = old.addresses()[0].1;
        let sockets = old.lend().unwrap();
        let lent: usize = sockets.listening.iter().map(|one| one.sockets.len()).sum();
        assert_eq!(lent, before, "one for each core");
        let options = Options { sockets, ..Options::default() };
        let page = page("new", vec![listener("web", "127.0.0.1:0")]);
        let new = Gateway::start(page, "two", Telemetry::silent(after), options).unwrap();
        assert_eq!(new.addresses()[0].1, address);
        // These the kernel has taken before the old one drains, or after it.
        let mut streams: Vec<_> = (0..20).map(|_| connect(address)).collect();
        let drained = old.drain(Duration::from_secs(5));
        assert_eq!(drained, Drained { cut: 0 });
        drop(old);
        streams.extend((0..20).map(|_| connect(address)));
        for stream in &mut streams[20..] {
            assert!(ask(stream, "/").contains("new"), "{before} cores, then {after}");
        }
    }
}

#[test]
fn a_reload_reaches_the_connections_that_stay_open() {
    let gateway = start(2, page("one", vec![listener("web", "127.0.0.1:0")]));
    let address = only_address(&gateway);
    let mut streams: Vec<_> = (0..6).map(|_| connect(address)).collect();
    for stream in &mut streams {
        assert!(ask(stream, "/").contains("one client=127.0.0.1"));
    }
    gateway.reload(page("two", vec![listener("web", "127.0.0.1:0")]), "two").unwrap();
    assert_eq!(only_address(&gateway), address, "the socket stays");
    for stream in &mut streams {
        assert!(ask(stream, "/").contains("two "));
    }
    let seats: Vec<_> = gateway.shared.cores.iter().map(|core| core.load()).collect();
    assert_eq!(seats.iter().sum::<usize>(), 6);
    assert!(seats.iter().all(|n| *n >= 2), "connections are spread: {seats:?}");
}

#[test]
fn listeners_come_and_go() {
    let gateway = start(2, page("one", vec![listener("old", "127.0.0.1:0")]));
    let old = only_address(&gateway);
    let mut idle = connect(old);
    ask(&mut idle, "/");
    let mut busy = connect(old);
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    gateway.reload(page("two", vec![listener("new", "127.0.0.1:0")]), "two").unwrap();
    assert!(get(only_address(&gateway), "/").contains("two "));
    assert_eq!(idle.read(&mut [0; 1]).unwrap(), 0, "an idle connection is closed");
    let answer = answer(&mut busy);
    assert!(answer.contains("one "), "a request finishes on what it began with: {answer}");
    assert!(answer.to_ascii_lowercase().contains("connection: close"));
    assert!(TcpStream::connect(old).is_err());
}

#[test]
fn a_reload_that_cannot_bind_changes_nothing() {
    let gateway = start(1, page("one", vec![listener("web", "127.0.0.1:0")]));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let mut other = listener("other", &address.to_string());
    other.binds[0].span = Span { start: 7, end: 9, ..Span::default() };
    let next = page("two", vec![listener("web", "127.0.0.1:0"), other]);
    let errors = gateway.reload(next, "two").unwrap_err();
    let message = format!("listener `other` cannot listen at `{address}`: the port is in use");
    assert_eq!(errors[0].message, message);
    assert_eq!(errors[0].span.unwrap().start, 7);
    assert!(get(only_address(&gateway), "/").contains("one "));
    let policy = get(gateway.admin_address().unwrap(), "/policy");
    assert!(
        policy.contains("\"hash\":\"one\"") && policy.contains("the port is in use"),
        "{policy}"
    );
}

#[test]
fn two_listeners_at_one_address_are_refused() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    drop(taken);
    let both =
        vec![listener("a", &format!(":{port}")), listener("b", &format!("127.0.0.1:{port}"))];
    let errors = errors(page("one", both));
    assert!(errors[0].message.contains("listener `a` listens at"), "{errors:?}");
}

fn errors(page: Arc<Page>) -> Vec<LaunchError> {
    match Gateway::start(page, "", Telemetry::silent(1), Options::default()) {
        Ok(_) => panic!("it starts"),
        Err(errors) => errors,
    }
}

#[test]
fn a_drain_finishes_what_is_in_flight() {
    let gateway = start(2, page("one", vec![listener("web", "127.0.0.1:0")]));
    let (address, admin) = (only_address(&gateway), gateway.admin_address().unwrap());
    assert!(get(admin, "/readyz").starts_with("HTTP/1.1 200"));
    let mut idle = connect(address);
    ask(&mut idle, "/");
    let mut busy = connect(address);
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let drained = gateway.drain(Duration::from_secs(5));
    assert_eq!(drained, Drained { cut: 0 });
    let answer = answer(&mut busy).to_ascii_lowercase();
    assert!(answer.contains("one ") && answer.contains("connection: close"), "{answer}");
    assert_eq!(idle.read(&mut [0; 1]).unwrap(), 0);
    assert!(TcpStream::connect(address).is_err());
    assert!(get(admin, "/readyz").starts_with("HTTP/1.1 503"));
    assert!(get(admin, "/healthz").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_drain_ends_after_its_limit() {
    let gateway = start(1, page("one", vec![listener("web", "127.0.0.1:0")]));
    let mut busy = connect(only_address(&gateway));
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(gateway.drain(Duration::from_millis(20)), Drained { cut: 1 });
    assert_eq!(answer(&mut busy), "");
}

#[test]
fn the_admin_api_reads_and_nothing_else() {
    let gateway = start(2, page("one", vec![listener("web", "127.0.0.1:0")]));
    get(only_address(&gateway), "/");
    let admin = gateway.admin_address().unwrap();
    let metrics = get(admin, "/metrics");
    for line in [
        "gw_connections_total{listener=\"web\"} 1",
        "gw_upstream_requests_total{upstream=\"users\"} 2",
        "# TYPE gw_reloads_total counter",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    assert!(get(admin, "/nothing").starts_with("HTTP/1.1 404"));
    let mut stream = connect(admin);
    stream.write_all(b"POST /policy HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").unwrap();
    let refused = answer(&mut stream);
    assert!(refused.starts_with("HTTP/1.1 405") && refused.contains("GET, HEAD"), "{refused}");
}

#[test]
fn connections_beyond_the_cap_are_closed() {
    let mut web = listener("web", "127.0.0.1:0");
    web.connections = 1;
    let gateway = start(2, page("one", vec![web]));
    let mut first = connect(only_address(&gateway));
    ask(&mut first, "/");
    assert_eq!(get(only_address(&gateway), "/"), "");
    let refusals = "gw_refusals_total{listener=\"web\",limit=\"connections\"} 1";
    assert!(get(gateway.admin_address().unwrap(), "/metrics").contains(refusals));
    drop(first);
}

#[test]
fn only_trusted_peers_say_who_the_client_is() {
    let mut web = listener("web", "127.0.0.1:0");
    web.proxy_protocol = vec!["127.0.0.0/8".parse().unwrap()];
    let gateway = start(1, page("one", vec![web, listener("plain", "127.0.0.1:0")]));
    let addresses = gateway.addresses();
    let header = b"PROXY TCP4 192.0.2.7 192.0.2.8 4711 443\r\n";
    let mut behind = connect(addresses[0].1);
    behind.write_all(header).unwrap();
    assert!(ask(&mut behind, "/").contains("client=192.0.2.7"));
    assert_eq!(get(addresses[0].1, "/"), "", "the header is required from there");
    let mut direct = connect(addresses[1].1);
    direct.write_all(header).unwrap();
    assert!(ask(&mut direct, "/").starts_with("HTTP/1.1 400"), "and refused from elsewhere");
}

struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    certificate: rcgen::Certificate,
}

fn authority() -> Authority {
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Authority { issuer: rcgen::Issuer::new(params, key), certificate }
}

/// A certificate for `name` in two files, as a `tls` line names them.
fn issue(authority: &Authority, folder: &Path, name: &str) -> TlsConfig {
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &authority.issuer).unwrap();
    let file = name.replace('*', "any");
    let (cert, pem) = (folder.join(format!("{file}.pem")), folder.join(format!("{file}.key")));
    std::fs::write(&cert, certificate.pem()).unwrap();
    std::fs::write(&pem, key.serialize_pem()).unwrap();
    TlsConfig { cert, key: pem, only_13: false, client: None, span: Span::default() }
}

type Tls = rustls::StreamOwned<rustls::ClientConnection, TcpStream>;

fn client(authority: &Authority, identity: Option<&TlsConfig>) -> Arc<rustls::ClientConfig> {
    use rustls::pki_types::PrivateKeyDer;
    use rustls::pki_types::pem::PemObject;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.certificate.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    Arc::new(match identity {
        None => builder.with_no_client_auth(),
        Some(line) => {
            let chain = CertificateDer::pem_file_iter(&line.cert).unwrap();
            let key = PrivateKeyDer::from_pem_file(&line.key).unwrap();
            builder.with_client_auth_cert(chain.map(Result::unwrap).collect(), key).unwrap()
        }
    })
}

fn shake(address: SocketAddr, config: &Arc<rustls::ClientConfig>, name: &str) -> Tls {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connection = rustls::ClientConnection::new(config.clone(), name).unwrap();
    rustls::StreamOwned::new(connection, connect(address))
}

fn secure(lines: Vec<TlsConfig>) -> ListenerConfig {
    ListenerConfig { tls: lines, ..listener("web", "127.0.0.1:0") }
}

#[test]
fn the_certificate_follows_sni_and_its_files() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), authority());
    let lines = vec![
        issue(&authority, folder.path(), "shop.example"),
        issue(&authority, folder.path(), "*.wild.example"),
    ];
    let gateway = start(1, page("one", vec![secure(lines)]));
    let address = only_address(&gateway);
    let config = client(&authority, None);
    for name in ["shop.example", "a.wild.example"] {
        let mut stream = shake(address, &config, name);
        let answer = ask(&mut stream, "/");
        assert!(answer.contains("version=1.3"), "{name}: {answer}");
        assert_eq!(
            stream.conn.negotiated_cipher_suite().unwrap().suite(),
            rustls::CipherSuite::TLS13_AES_128_GCM_SHA256
        );
    }
    let mut other = shake(address, &config, "other.example");
    assert!(other.write_all(b"GET").and_then(|()| other.flush()).is_err(), "the first one answers");

    // A file that is broken keeps the certificate before; a good one replaces it.
    let shown = |stream: &mut Tls| {
        ask(stream, "/");
        stream.conn.peer_certificates().unwrap()[0].clone()
    };
    let before = shown(&mut shake(address, &config, "shop.example"));
    let metrics = &gateway.telemetry().metrics;
    std::fs::write(folder.path().join("shop.example.pem"), "nonsense").unwrap();
    within(|| metrics.certificates_failed.value() == 1);
    assert_eq!(shown(&mut shake(address, &config, "shop.example")), before);
    issue(&authority, folder.path(), "shop.example");
    within(|| metrics.certificates_reloaded.value() == 1);
    assert_ne!(shown(&mut shake(address, &config, "shop.example")), before);
}

#[test]
fn a_client_certificate_is_asked_for_and_cannot_be_evaded() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), authority());
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.certificate.pem()).unwrap();
    let open = issue(&authority, folder.path(), "open.example");
    let mut closed = issue(&authority, folder.path(), "closed.example");
    closed.client = Some((ca, ClientAuth::Required));
    let gateway = start(1, page("one", vec![secure(vec![open, closed])]));
    let address = only_address(&gateway);
    let user = issue(&authority, folder.path(), "user");

    let nobody = client(&authority, None);
    let mut stream = shake(address, &nobody, "closed.example");
    let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: closed.example\r\n\r\n");
    assert_eq!(answer(&mut stream), "");
    let mut evading = shake(address, &nobody, "open.example");
    assert!(ask_host(&mut evading, "/", "open.example").contains("misdirected=false"));
    assert!(ask_host(&mut evading, "/", "closed.example").contains("misdirected=true"));
    let somebody = client(&authority, Some(&user));
    let mut stream = shake(address, &somebody, "closed.example");
    let answer = ask_host(&mut stream, "/", "closed.example");
    assert!(answer.contains("subject=CN=user") && answer.contains("misdirected=false"), "{answer}");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), authority());
    let good = issue(&authority, folder.path(), "a.example");
    let other = issue(&authority, folder.path(), "b.example");
    let message = |line: TlsConfig| {
        let errors = errors(page("one", vec![secure(vec![line])]));
        errors[0].message.replace(&*folder.path().to_string_lossy(), "")
    };
    let missing = TlsConfig { cert: folder.path().join("none.pem"), ..good.clone() };
    assert_eq!(message(missing), "there is no file `/none.pem`");
    let mismatched = TlsConfig { key: other.key, ..good.clone() };
    assert_eq!(
        message(mismatched),
        "the private key in `/b.example.key` does not belong to `/a.example.pem`"
    );
    let swapped = TlsConfig { cert: good.key.clone(), ..good.clone() };
    assert_eq!(
        message(swapped),
        "`/a.example.key` holds a private key where a certificate is wanted"
    );
    let mut params = rcgen::CertificateParams::new(vec!["old.example".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    std::fs::write(&good.cert, params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(&good.key, key.serialize_pem()).unwrap();
    assert_eq!(
        message(good),
        "the certificate in `/a.example.pem` expired on Wed, 01 Jan 2020 00:00:00 GMT"
    );
}

#[test]
fn one_client_does_not_take_every_connection() {
    let mut web = listener("web", "127.0.0.1:0");
    web.connections = 8;
    let mut near = web.clone();
    near.name = "near".into();
    assert_eq!(near.of_one_client(8), 2, "a quarter of eight");
    web.per_client = Some(2);
    let mut behind = web.clone();
    behind.name = "behind".into();
    behind.forwarded = vec!["127.0.0.0/8".parse().unwrap()];
    let gateway = start(1, page("one", vec![web, behind, near]));
    let addresses = gateway.addresses();
    let answered = |address: SocketAddr, n: usize| {
        let mut streams: Vec<_> = (0..n).map(|_| connect(address)).collect();
        let answers = streams.iter_mut().map(|stream| ask(stream, "/"));
        answers.filter(|answer| answer.contains("one ")).count()
    };
    assert_eq!(answered(addresses[0].1, 4), 2, "as many as the listener says");
    within(|| answered(addresses[0].1, 2) == 2);
    assert_eq!(answered(addresses[1].1, 8), 8, "whoever is trusted speaks for many");
    assert_eq!(answered(addresses[2].1, 8), 8, "so does the machine itself, where nothing is said");
    let refusals = "gw_refusals_total{listener=\"web\",limit=\"connections_per_client\"} ";
    assert!(get(gateway.admin_address().unwrap(), "/metrics").contains(refusals));
}

#[test]
fn there_are_no_more_connections_than_files() {
    let gateway = start(2, page("one", vec![listener("web", "127.0.0.1:0")]));
    gateway.shared.set_room(3);
    let mut web = listener("web", "127.0.0.1:0");
    web.per_client = Some(100);
    gateway.reload(page("one", vec![web]), "two").unwrap();
    let mut streams: Vec<_> = (0..6).map(|_| connect(only_address(&gateway))).collect();
    let answers = streams.iter_mut().map(|stream| ask(stream, "/"));
    assert_eq!(answers.filter(|answer| answer.contains("one ")).count(), 3);
    let refusals = "gw_refusals_total{listener=\"web\",limit=\"files\"} 3";
    assert!(get(gateway.admin_address().unwrap(), "/metrics").contains(refusals));
}

#[test]
fn a_slow_handshake_is_cut() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), authority());
    let mut web = secure(vec![issue(&authority, folder.path(), "shop.example")]);
    web.handshake = Duration::from_millis(50);
    let gateway = start(1, page("one", vec![web]));
    let mut stream = connect(only_address(&gateway));
    stream.write_all(&[22, 3, 1]).unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
    let refusals = "gw_refusals_total{listener=\"web\",limit=\"handshake_time\"} 1";
    within(|| get(gateway.admin_address().unwrap(), "/metrics").contains(refusals));
}

/// Waits for what another thread does; files are looked at every two seconds.
fn within(mut holds: impl FnMut() -> bool) {
    for _ in 0..100 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it does not come");
}

#[test]
fn addresses_are_told_in_the_policy_s_order() {
    let gateway =
        start(1, page("one", vec![listener("b", "127.0.0.1:0"), listener("a", "127.0.0.1:0")]));
    let names: Vec<_> = gateway.addresses().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["b".into(), Arc::<str>::from("a")]);
    assert_ne!(gateway.addresses()[0].1, gateway.addresses()[1].1);
    assert_eq!(BindAddress::Any(0).port(), 0);
}

/// A connection of a client of HTTP/2, written by others, and what drives it.
async fn speak_h2(
    address: SocketAddr,
    tls: Option<(Arc<rustls::ClientConfig>, &'static str)>,
) -> (h2::client::SendRequest<bytes::Bytes>, tokio::task::JoinHandle<Result<(), h2::Error>>) {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let Some((config, name)) = tls else {
        let (send, connection) = h2::client::handshake(stream).await.unwrap();
        return (send, tokio::spawn(connection));
    };
    let mut config = (*config).clone();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = connector.connect(ServerName::try_from(name).unwrap(), stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (send, connection) = h2::client::handshake(stream).await.unwrap();
    (send, tokio::spawn(connection))
}

async fn ask_h2(send: &mut h2::client::SendRequest<bytes::Bytes>, path: &str) -> String {
    let request = http::Request::get(format!("http://shop.example{path}")).body(()).unwrap();
    let (answer, _) = send.send_request(request, true).unwrap();
    let mut body = answer.await.unwrap().into_body();
    let mut bytes = Vec::new();
    while let Some(piece) = body.data().await {
        bytes.extend_from_slice(&piece.unwrap());
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn http_2_sees_reloads_and_is_told_to_go_away() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), authority());
    let web = || vec![listener("plain", "127.0.0.1:0")];
    let lines = vec![issue(&authority, folder.path(), "shop.example")];
    let both = |text| page(text, [web(), vec![secure(lines.clone())]].concat());
    let gateway = Arc::new(start(2, both("one")));
    let addresses = gateway.addresses();
    let config = client(&authority, None);
    let (mut plain, plain_end) = speak_h2(addresses[0].1, None).await;
    let (mut tls, tls_end) = speak_h2(addresses[1].1, Some((config, "shop.example"))).await;
    assert!(ask_h2(&mut plain, "/").await.contains("one "));
    assert!(ask_h2(&mut tls, "/").await.contains("one "));
    gateway.reload(both("two"), "two").unwrap();
    assert!(ask_h2(&mut tls, "/").await.contains("two "));
    let slow = ask_h2(&mut plain, "/slow");
    let drained = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let gateway = gateway.clone();
        tokio::task::spawn_blocking(move || gateway.drain(Duration::from_secs(5))).await.unwrap()
    };
    let (answer, drained) = tokio::join!(slow, drained);
    assert!(answer.contains("two "), "{answer}");
    assert_eq!(drained, Drained { cut: 0 });
    drop((plain, tls));
    for end in [plain_end, tls_end] {
        // A client that still acknowledges when the gateway has said goodbye and closed finds nobody there.
        let end = end.await.unwrap();
        assert!(end.is_ok() || end.as_ref().is_err_and(h2::Error::is_io), "{end:?}");
    }
}
