//! One core: a thread with a runtime of its own, its sockets, its connections. It takes orders from the gateway
//! between events, and shares nothing with other cores on a request's path.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc as std_mpsc};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{Notify, mpsc, oneshot};

use super::layout::{Listener, Place};
use super::seat::Seat;
use super::shared::Shared;
use super::snapshot::{Snapshot, UpstreamSample};
use super::sockets::SocketKey;
use crate::clock;
use crate::listen::accept::{self, Taken};
use crate::serve::Drainer;
use crate::telemetry::enter_core;

/// What a core is told.
pub(super) enum Order<S: Snapshot> {
    /// Serve this from now on; says when it does.
    Serve(Box<Serve<S>>, std_mpsc::Sender<Result<(), String>>),
    /// Say what was counted of upstreams.
    Sample(oneshot::Sender<Vec<UpstreamSample>>),
    /// Give every socket once more, and keep it.
    Lend(std_mpsc::Sender<std::io::Result<Vec<(SocketKey, TcpListener)>>>),
    /// Finish; says how many connections were cut.
    Drain { limit: Duration, done: std_mpsc::Sender<usize> },
    /// End at once.
    Stop,
}

/// What to serve.
pub(super) struct Serve<S> {
    pub(super) snapshot: Arc<S>,
    /// Where every socket belongs; sockets that are not named are closed.
    pub(super) places: Vec<Place>,
    /// Sockets that are new.
    pub(super) sockets: Vec<(SocketKey, TcpListener)>,
    /// How long connections of a listener that is gone may take.
    pub(super) drain: Duration,
}

/// The way to a core.
pub(super) struct WorkerHandle<S: Snapshot> {
    pub(super) orders: mpsc::Sender<Order<S>>,
    /// Connections from cores that have more.
    gifts: mpsc::Sender<Gift>,
    /// Its open connections, on a cache line of their own.
    pub(super) load: Load,
}

/// What a core holds of its own channels.
pub(super) struct Ends<S: Snapshot> {
    orders: mpsc::Receiver<Order<S>>,
    gifts: mpsc::Receiver<Gift>,
}

struct Gift {
    key: SocketKey,
    stream: TcpStream,
    peer: SocketAddr,
}

#[derive(Default)]
#[repr(align(128))]
pub(super) struct Load(pub(super) AtomicUsize);

/// A listener on this core.
struct Here {
    current: RefCell<Arc<Listener>>,
    drainer: Drainer,
}

/// What of one address is on this core: a socket; more, where the process before had more cores; none, where it had fewer.
struct Socket {
    here: RefCell<Rc<Here>>,
    bind: Cell<usize>,
    listeners: Vec<Rc<tokio::net::TcpListener>>,
    stopped: Cell<bool>,
    stop: Notify,
}

impl Socket {
    /// Takes no more connections.
    fn stop(&self) {
        self.stopped.set(true);
        self.stop.notify_waiters();
    }

    /// Ends when it is to take no more.
    async fn stopped(&self) {
        while !self.stopped.get() {
            self.stop.notified().await;
        }
    }
}

struct Worker<S: Snapshot> {
    index: usize,
    core: Rc<S::Core>,
    shared: Arc<Shared<S>>,
    listeners: RefCell<HashMap<Arc<str>, Rc<Here>>>,
    sockets: RefCell<HashMap<SocketKey, Rc<Socket>>>,
    /// The tasks that take connections; each ends when its socket is told to stop.
    takers: RefCell<Vec<JoinTask>>,
}

type JoinTask = tokio::task::JoinHandle<()>;

const ORDERS: usize = 64;
const GIFTS: usize = 256;

/// Channels for so many cores.
pub(super) fn channels<S: Snapshot>(cores: usize) -> (Vec<WorkerHandle<S>>, Vec<Ends<S>>) {
    let make = |_| {
        let (orders, order_end) = mpsc::channel(ORDERS);
        let (gifts, gift_end) = mpsc::channel(GIFTS);
        let handle = WorkerHandle { orders, gifts, load: Load::default() };
        (handle, Ends { orders: order_end, gifts: gift_end })
    };
    (0..cores).map(make).unzip()
}

/// Starts core `index`.
pub(super) fn start<S: Snapshot>(
    index: usize,
    ends: Ends<S>,
    shared: Arc<Shared<S>>,
) -> std::io::Result<JoinHandle<()>> {
    let (begun, begins) = std_mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name(format!("gw-core-{index}")).spawn(move || {
        enter_core(index);
        // Made here, because it never leaves its thread: nothing that runs on it needs a lock.
        let runtime =
            match Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _ = begun.send(Err(error));
                    return;
                }
            };
        let _ = begun.send(Ok(()));
        let telemetry = shared.telemetry.clone();
        runtime.block_on(async move {
            let core = Rc::new(S::core(&shared.telemetry));
            let worker = Rc::new(Worker {
                index,
                core,
                shared,
                listeners: RefCell::default(),
                sockets: RefCell::default(),
                takers: RefCell::default(),
            });
            let telemetry = worker.shared.telemetry.clone();
            tokio::task::spawn_local(async move { telemetry.flush_when_due().await });
            tokio::task::spawn_local(clock::tick());
            worker.run(ends).await;
        });
        // What is still open ends here, each exchange with its line in the log.
        drop(runtime);
        telemetry.flush_core();
    })?;
    // A thread that ends before it says so has panicked, which is told already.
    begins.recv().unwrap_or(Ok(()))?;
    Ok(thread)
}

#[cfg(test)]
impl<S: Snapshot> WorkerHandle<S> {
    /// Its open connections.
    pub(super) fn load(&self) -> usize {
        self.load.0.load(Ordering::Relaxed)
    }
}

impl<S: Snapshot> Worker<S> {
    async fn run(self: Rc<Self>, mut ends: Ends<S>) {
        loop {
            let order = tokio::select! {
                order = ends.orders.recv() => order,
                Some(gift) = ends.gifts.recv() => {
                    self.take_gift(gift);
                    continue;
                }
            };
            match order {
                Some(Order::Serve(serve, done)) => {
                    let _ = done.send(self.serve(*serve));
                }
                Some(Order::Sample(reply)) => {
                    let _ = reply.send(S::sample(&self.core));
                }
                Some(Order::Lend(reply)) => {
                    let _ = reply.send(self.lend());
                }
                Some(Order::Drain { limit, done }) => {
                    while let Ok(gift) = ends.gifts.try_recv() {
                        self.take_gift(gift);
                    }
                    let cut = self.drain(limit).await;
                    self.shared.telemetry.flush_core();
                    let _ = done.send(cut);
                    return;
                }
                Some(Order::Stop) | None => return,
            }
        }
    }

    fn serve(self: &Rc<Self>, serve: Serve<S>) -> Result<(), String> {
        serve.snapshot.enter(&self.core);
        self.place_listeners(&serve.places, serve.drain);
        let mut opened: HashMap<SocketKey, Vec<TcpListener>> = HashMap::new();
        for (key, listener) in serve.sockets {
            opened.entry(key).or_default().push(listener);
        }
        let mut sockets = self.sockets.borrow_mut();
        let listeners = self.listeners.borrow();
        let mut failure = Ok(());
        for place in &serve.places {
            let Some(here) = listeners.get(&place.listener.config.name) else { continue };
            if let Some(socket) = sockets.get(&place.key) {
                *socket.here.borrow_mut() = here.clone();
                socket.bind.set(place.bind);
                continue;
            }
            let own = opened.remove(&place.key).unwrap_or_default().into_iter();
            let listeners =
                own.map(|socket| tokio::net::TcpListener::from_std(socket).map(Rc::new));
            match listeners.collect::<std::io::Result<Vec<_>>>() {
                Ok(listeners) => {
                    let socket = Rc::new(Socket {
                        here: RefCell::new(here.clone()),
                        bind: place.bind.into(),
                        listeners,
                        stopped: Cell::new(false),
                        stop: Notify::new(),
                    });
                    sockets.insert(place.key.clone(), socket.clone());
                    let mut takers = self.takers.borrow_mut();
                    takers.retain(|taker| !taker.is_finished());
                    for listener in &socket.listeners {
                        let (key, listener) = (place.key.clone(), listener.clone());
                        let taker = self.clone().accept(key, socket.clone(), listener);
                        takers.push(tokio::task::spawn_local(taker));
                    }
                }
                Err(error) => {
                    failure = Err(format!("cannot listen at `{}`: {error}", place.address));
                }
            }
        }
        sockets.retain(|key, socket| {
            let stays = serve.places.iter().any(|place| place.key == *key);
            if !stays {
                socket.stop();
            }
            stays
        });
        failure
    }

    /// Every socket once more.
    fn lend(&self) -> std::io::Result<Vec<(SocketKey, TcpListener)>> {
        let sockets = self.sockets.borrow();
        let all = sockets.iter().flat_map(|(key, socket)| {
            socket.listeners.iter().map(|listener| {
                let file = listener.as_fd().try_clone_to_owned()?;
                Ok((key.clone(), TcpListener::from(file)))
            })
        });
        all.collect()
    }

    /// Brings the listeners up to date, and sends the connections of those that are gone home.
    fn place_listeners(&self, places: &[Place], limit: Duration) {
        let mut listeners = self.listeners.borrow_mut();
        for place in places {
            match listeners.get(&place.listener.config.name) {
                Some(here) => *here.current.borrow_mut() = place.listener.clone(),
                None => {
                    let here = Here {
                        current: RefCell::new(place.listener.clone()),
                        drainer: Drainer::new(),
                    };
                    listeners.insert(place.listener.config.name.clone(), Rc::new(here));
                }
            }
        }
        listeners.retain(|name, here| {
            let stays = places.iter().any(|place| place.listener.config.name == *name);
            if !stays {
                let here = here.clone();
                tokio::task::spawn_local(async move { here.drain(limit).await });
            }
            stays
        });
    }

    /// Takes connections from one socket until it is told to stop.
    async fn accept(
        self: Rc<Self>,
        key: SocketKey,
        socket: Rc<Socket>,
        listener: Rc<tokio::net::TcpListener>,
    ) {
        let mut backoff = accept::Backoff::default();
        loop {
            let accepted = tokio::select! {
                biased;
                () = socket.stopped() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    backoff.reset();
                    self.distribute(&key, &socket, stream, peer);
                }
                Err(error) => tokio::select! {
                    () = socket.stopped() => break,
                    () = backoff.wait(&error) => {}
                },
            }
        }
        // Clients whose handshake the kernel has finished already would see a reset.
        while let Some(Ok((stream, peer))) =
            futures_util::FutureExt::now_or_never(listener.accept())
        {
            self.take(&socket, stream, peer);
        }
    }

    /// Keeps a connection, or gives it to the core with the fewest: the kernel spreads connections by a hash, which
    /// leaves cores idle when there are few of them.
    fn distribute(
        self: &Rc<Self>,
        key: &SocketKey,
        socket: &Rc<Socket>,
        stream: tokio::net::TcpStream,
        peer: SocketAddr,
    ) {
        let cores = &self.shared.cores;
        let load =
            |core: usize| cores.get(core).map_or(0, |core| core.load.0.load(Ordering::Relaxed));
        let mine = load(self.index);
        let least = (0..cores.len()).min_by_key(|core| load(*core)).unwrap_or(self.index);
        let other = cores.get(least).filter(|_| mine >= load(least) + 2 + load(least) / 8);
        let Some(other) = other else { return self.take(socket, stream, peer) };
        let Ok(stream) = stream.into_std() else { return };
        if let Err(back) = other.gifts.try_send(Gift { key: key.clone(), stream, peer }) {
            let (mpsc::error::TrySendError::Full(gift) | mpsc::error::TrySendError::Closed(gift)) =
                back;
            if let Ok(stream) = tokio::net::TcpStream::from_std(gift.stream) {
                self.take(socket, stream, peer);
            }
        }
    }

    fn take_gift(self: &Rc<Self>, gift: Gift) {
        let socket = self.sockets.borrow().get(&gift.key).cloned();
        // Without its socket the listener is gone: the connection came too late.
        if let (Some(socket), Ok(stream)) = (socket, tokio::net::TcpStream::from_std(gift.stream)) {
            self.take(&socket, stream, gift.peer);
        }
    }

    fn take(self: &Rc<Self>, socket: &Socket, stream: tokio::net::TcpStream, peer: SocketAddr) {
        let here = socket.here.borrow().clone();
        let listener = here.current.borrow().clone();
        let Some(seat) = Seat::take(&self.shared, self.index, &listener, peer) else { return };
        let taken = Taken { stream, peer, listener, bind: socket.bind.get() };
        let core = self.core.clone();
        let session = move |connection| S::session(&core, connection);
        let serving = accept::serve_connection(taken, here.drainer.drain(), session);
        if let Some(serving) = serving {
            tokio::task::spawn_local(Seated { serving, _seat: seat });
        }
    }

    /// Stops every socket and every listener. The number of connections that had to be cut.
    async fn drain(&self, limit: Duration) -> usize {
        for (_, socket) in self.sockets.borrow_mut().drain() {
            socket.stop();
        }
        // What the kernel has accepted is taken before the listeners are told.
        let takers = self.takers.take();
        futures_util::future::join_all(takers).await;
        let listeners: Vec<_> = self.listeners.borrow_mut().drain().map(|(_, here)| here).collect();
        let drains = listeners.iter().map(|here| here.drain(limit));
        futures_util::future::join_all(drains).await.into_iter().sum()
    }
}

impl Here {
    /// Lets connections finish, at most for `limit`, and cuts the rest.
    async fn drain(&self, limit: Duration) -> usize {
        self.drainer.start();
        let finished = tokio::time::timeout(limit, self.drainer.finished()).await;
        let left = if finished.is_ok() { 0 } else { self.drainer.live() };
        self.drainer.cut();
        if left > 0 {
            // The connections end when they see the cut, each with its line in the log.
            let _ = tokio::time::timeout(Duration::from_secs(1), self.drainer.finished()).await;
        }
        left
    }
}

/// A connection in its seat.
struct Seated<F, S: Snapshot> {
    serving: F,
    _seat: Seat<S>,
}

impl<F: Future<Output = ()> + Unpin, S: Snapshot> Future for Seated<F, S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        clock::standing(|| Pin::new(&mut self.serving).poll(cx))
    }
}
