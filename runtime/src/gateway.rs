//! The gateway as a whole: it starts cores, gives them what to serve, replaces that whole, and drains. It knows no
//! request; `worker` knows connections, and the snapshot that is served knows the policy.

mod clients;
mod files;
mod hash;
mod layout;
mod modules;
mod seat;
mod shared;
mod snapshot;
mod sockets;
#[cfg(test)]
mod tests;
mod worker;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use lang::Span;

pub use self::files::raise_file_limit;
pub use self::hash::hash;
pub use self::layout::{Listener, overlaps};
pub use self::modules::{ModuleState, Serves};
pub use self::snapshot::{Snapshot, UpstreamSample};
pub use self::sockets::Sockets;
pub(crate) use self::sockets::{Listening, SocketKey};

use self::layout::Layout;
use self::shared::{Phase, Shared};
use self::worker::{Order, Serve};
use crate::admin::{self, Admin};
use crate::blocks::listener::CONNECTIONS;
use crate::telemetry::Telemetry;

/// How a gateway runs, beyond what its policy says.
#[derive(Debug)]
pub struct Options {
    /// Where `/healthz`, `/readyz`, `/metrics` and `/policy` are served; nowhere when absent.
    pub admin: Option<SocketAddr>,
    /// How long connections of a removed listener may take to finish.
    pub drain: Duration,
    /// What it listens on instead of opening it, where it listens there: taken from the process before.
    pub sockets: Sockets,
}

impl Default for Options {
    fn default() -> Options {
        Options { admin: None, drain: Duration::from_secs(30), sockets: Sockets::default() }
    }
}

/// A running gateway. Dropped, it stops at once; [`Gateway::drain`] is the way to stop politely.
pub struct Gateway<S: Snapshot> {
    shared: Arc<Shared<S>>,
    layout: Mutex<Layout>,
    cores: Mutex<Vec<JoinHandle<()>>>,
    admin: Option<Admin>,
    control: Control,
    drain: Duration,
}

/// Why a gateway does not start, or goes on with what it served before.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct LaunchError {
    /// The line of the policy that asks for it, where it is one.
    pub span: Option<Span>,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// What became of a drain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Drained {
    /// Connections that were cut because the time was over.
    pub cut: usize,
}

/// How long a core may take to answer an order; it answers between two events.
const ANSWER: Duration = Duration::from_secs(10);

impl<S: Snapshot> Gateway<S> {
    /// Binds every listener and serves `snapshot`, with as many cores as `telemetry` has shares. `hash` is what `/policy`
    /// calls it. All or nothing: with an error, no socket stays open. The errors are all that were found.
    pub fn start(
        snapshot: Arc<S>,
        hash: &str,
        telemetry: Arc<Telemetry>,
        mut options: Options,
    ) -> Result<Gateway<S>, Vec<LaunchError>> {
        let workers = telemetry.metrics.cores();
        let (layout, sockets) =
            Layout::empty().next(&*snapshot, workers, &telemetry, &mut options.sockets)?;
        let (handles, ends) = worker::channels(workers);
        let shared = Arc::new(Shared::new(telemetry, handles));
        let admin = match options.admin {
            None => None,
            Some(address) => {
                let taken = options.sockets.admin.take();
                Some(admin::start(address, taken, shared.clone()).map_err(one)?)
            }
        };
        let control = Control::start(shared.clone()).map_err(one)?;
        let gateway = Gateway {
            shared,
            layout: Mutex::new(Layout::empty()),
            cores: Mutex::default(),
            admin,
            control,
            drain: options.drain,
        };
        for (index, end) in ends.into_iter().enumerate() {
            let core = worker::start(index, end, gateway.shared.clone()).map_err(one)?;
            gateway.lock_cores().push(core);
        }
        let mut current = gateway.lock_layout();
        gateway.put(&mut current, snapshot, layout, sockets).map_err(|error| vec![error])?;
        gateway.shared.set_room(files::room());
        gateway.warn_of_files(&current);
        drop(current);
        gateway.shared.went_live(hash);
        gateway.shared.enter(Phase::Serving);
        Ok(gateway)
    }

    /// Serves `snapshot` from the next request on. Listeners that stay keep their sockets and connections; those that
    /// are gone take no more and finish what they have. With an error nothing has changed, and `/policy` says why.
    pub fn reload(&self, snapshot: Arc<S>, hash: &str) -> Result<(), Vec<LaunchError>> {
        let mut current = self.lock_layout();
        let result = current
            .next(
                &*snapshot,
                self.shared.n_workers(),
                &self.shared.telemetry,
                &mut Sockets::default(),
            )
            .and_then(|(layout, sockets)| {
                self.put(&mut current, snapshot.clone(), layout, sockets)
                    .map_err(|error| vec![error])
            });
        match &result {
            Ok(()) => {
                self.warn_of_files(&current);
                self.shared.went_live(hash);
                self.shared.telemetry.metrics.reloads_ok.add(1);
                snapshot.settle(&self.shared.telemetry);
                self.shared.telemetry.reopen_log();
            }
            Err(errors) => {
                let reasons: Vec<_> = errors.iter().map(ToString::to_string).collect();
                self.refused(&reasons.join("; "));
            }
        }
        result
    }

    /// Notes a reload that came to nothing before it reached [`Gateway::reload`], such as a policy that does not
    /// check.
    pub fn refused(&self, reason: &str) {
        self.shared.refused(reason);
        self.shared.telemetry.metrics.reloads_failed.add(1);
    }

    /// Notes what of each module is served, for `/policy` and the metrics.
    pub fn tell_modules(&self, modules: Vec<ModuleState>) {
        self.shared.tell_modules(modules);
    }

    /// Stops politely: takes no more connections, lets what is in flight finish, tells clients to close, and cuts
    /// what is left after `limit`. Blocks until then.
    pub fn drain(&self, limit: Duration) -> Drained {
        self.shared.enter(Phase::Draining);
        let (done, cut) = mpsc::channel();
        for orders in self.shared.workers() {
            // A core that is gone has nothing to drain.
            let _ = orders.try_send(Order::Drain { limit, done: done.clone() });
        }
        drop(done);
        let mut drained = Drained { cut: 0 };
        let until = std::time::Instant::now() + limit + ANSWER;
        while let Ok(n) =
            cut.recv_timeout(until.saturating_duration_since(std::time::Instant::now()))
        {
            drained.cut += n;
        }
        self.shared.telemetry.flush_log(Duration::from_secs(2));
        drained
    }

    /// Every socket on which it waits for connections, once more, for the process that takes its place; it goes on
    /// waiting there itself. Blocks for a moment.
    pub fn lend(&self) -> Result<Sockets, LaunchError> {
        let addresses = self.lock_layout().keys();
        let (reply, lent) = mpsc::channel();
        let mut all = Vec::new();
        for orders in self.shared.workers() {
            let order = Order::Lend(reply.clone());
            orders.try_send(order).map_err(|_| LaunchError::new("a core is gone"))?;
        }
        for _ in self.shared.workers() {
            let lent = lent.recv_timeout(ANSWER);
            all.extend(lent.map_err(|_| LaunchError::new("a core does not answer"))??);
        }
        let admin = self.admin.as_ref().map(Admin::lend).transpose()?;
        Ok(Sockets::of(all, &addresses, admin))
    }

    /// Takes no more connections on the admin address: the process that has taken over does.
    pub fn leave_admin(&self) {
        if let Some(admin) = &self.admin {
            admin.leave();
        }
    }

    /// Where it listens: each listener's name with an address, in the policy's order. A port 0 has become a real one.
    pub fn addresses(&self) -> Vec<(Arc<str>, SocketAddr)> {
        self.lock_layout().addresses()
    }

    /// Where the admin API listens.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(Admin::address)
    }

    /// Its counters and its log.
    pub fn telemetry(&self) -> &Arc<Telemetry> {
        &self.shared.telemetry
    }

    /// Gives every core the new snapshot and its sockets.
    fn put(
        &self,
        current: &mut Layout,
        snapshot: Arc<S>,
        layout: Layout,
        sockets: sockets::NewSockets,
    ) -> Result<(), LaunchError> {
        {
            let _runtime = self.control.runtime.enter();
            snapshot.tend(&self.shared.telemetry);
        }
        let (done, served) = mpsc::channel();
        let mut sent = 0;
        for (orders, sockets) in self.shared.workers().zip(sockets.by_core(self.shared.n_workers()))
        {
            let serve = Serve {
                snapshot: snapshot.clone(),
                places: layout.places(),
                sockets,
                drain: self.drain,
            };
            if orders.try_send(Order::Serve(Box::new(serve), done.clone())).is_ok() {
                sent += 1;
            }
        }
        drop(done);
        let mut failure = None;
        for _ in 0..sent {
            match served.recv_timeout(ANSWER) {
                Ok(Ok(())) => {}
                Ok(Err(reason)) => failure = Some(reason),
                Err(_) => failure = Some("a core does not answer".to_owned()),
            }
        }
        self.shared.listeners.store(Arc::new(layout.listeners().to_vec()));
        *current = layout;
        match failure {
            Some(reason) => Err(LaunchError::new(reason)),
            None if sent == 0 => Err(LaunchError::new("no core is running")),
            None => Ok(()),
        }
    }

    /// Says of listeners whose policy allows more connections than the process has files for. Nobody asked for as many as
    /// the default.
    fn warn_of_files(&self, layout: &Layout) {
        let (room, Some(files)) = (self.shared.room(), files::limit()) else { return };
        for listener in layout.listeners() {
            let (name, cap) = (&*listener.config.name, listener.config.connections);
            if cap > room && cap != CONNECTIONS as usize {
                tracing::warn!(
                    listener = name,
                    "`cap connections` is {cap}, and {room} are taken: the process may have {files} files open"
                );
            }
        }
    }

    fn lock_layout(&self) -> MutexGuard<'_, Layout> {
        self.layout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_cores(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.cores.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Snapshot> Drop for Gateway<S> {
    fn drop(&mut self) {
        self.shared.enter(Phase::Draining);
        for orders in self.shared.workers() {
            let _ = orders.try_send(Order::Stop);
        }
        for core in self.lock_cores().drain(..) {
            // A core that panicked has said so already.
            let _ = core.join();
        }
    }
}

impl LaunchError {
    /// An error without a place in the policy.
    pub fn new(message: impl Into<String>) -> LaunchError {
        LaunchError { span: None, message: message.into(), help: None }
    }

    /// An error at a place.
    pub fn at(span: Span, message: impl Into<String>, help: Option<String>) -> LaunchError {
        LaunchError { span: Some(span), message: message.into(), help }
    }
}

impl From<std::io::Error> for LaunchError {
    fn from(error: std::io::Error) -> LaunchError {
        LaunchError::new(error.to_string())
    }
}

fn one(error: impl Into<LaunchError>) -> Vec<LaunchError> {
    vec![error.into()]
}

/// The thread of everything that belongs to no request: health checks, name look-ups, certificates.
struct Control {
    runtime: tokio::runtime::Handle,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Control {
    fn start<S: Snapshot>(shared: Arc<Shared<S>>) -> std::io::Result<Control> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread =
            std::thread::Builder::new().name("gw-control".to_owned()).spawn(move || {
                runtime.block_on(async {
                    tokio::spawn(shared::watch_certificates(Arc::downgrade(&shared)));
                    drop(shared);
                    let _ = stopped.await;
                });
                runtime.shutdown_background();
            })?;
        Ok(Control { runtime: handle, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
