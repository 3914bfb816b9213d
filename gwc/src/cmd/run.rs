//! `gwc run`: serves a policy until it is told to stop, and takes a changed one without dropping a connection.

mod announce;
mod handover;
mod modules;
mod notify;
mod prepare;
mod state;
mod tidy;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use compiler::Backend;
use miette::{IntoDiagnostic, WrapErr};
use runtime::engine::Engine;
use runtime::gateway::{Gateway, ModuleState, Options};
use runtime::handover::Taking;
use runtime::telemetry::{Output, Telemetry};
use tokio::signal::unix::{SignalKind, signal};

use self::modules::Shelf;
use self::prepare::{Anew, Prepared, Refused, prepare};
use crate::Outcome;
use crate::load::Standing;
use crate::report::{Color, say};

/// Serves a policy
///
/// A SIGHUP (with `--watch`, a changed file) loads the policy again: connections stay, requests under way finish on
/// the policy they began with. One that does not check leaves the running one in place; where only modules do not
/// check, each keeps its last good version and all else is loaded. At the start a module that does not check and has no
/// last good version is closed: what it owns is answered 503. SIGTERM and SIGINT drain:
/// no new connections, requests under way finish; a second one ends at once. With `--handover` a new process takes over
/// without a request lost: one that is started with the same path, or that SIGUSR2 starts.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// The policy, or what `gwc build` made of it: `FILE.gwb`
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// Serve only what is signed by the owner of this public ed25519 key (PEM): a built program, now and on each reload
    #[arg(long, value_name = "KEY")]
    require_signature: Option<PathBuf>,
    /// Values for the policy's inputs: a TOML file of `name = value` lines
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
    /// Serving threads; one for each processor if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// Where `/healthz`, `/readyz`, `/metrics` and `/policy` are served
    #[arg(long, value_name = "ADDR", value_parser = address)]
    admin: Option<SocketAddr>,
    /// Load the policy again when one of its files changes
    #[arg(long)]
    watch: bool,
    /// Where the last good version of each module is kept, so that it outlives a restart
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Where a new process takes over: it gets the listening sockets of the one that runs here, which drains when the new
    /// one serves
    #[arg(long, value_name = "SOCKET")]
    handover: Option<PathBuf>,
    /// How long requests under way may take once it is time to stop
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    drain_timeout: Duration,
    /// The access log: lines of JSON on standard output, nothing, or a file
    #[arg(long, value_name = "json|off|FILE", default_value = "json", value_parser = output)]
    log: Output,
    /// Decide every request by the interpreter; without this, conditions that are asked often become machine code
    #[arg(long)]
    no_jit: bool,
}

impl Args {
    fn backend(&self) -> Backend {
        if self.no_jit { Backend::Interp } else { Backend::Jit }
    }
}

/// What is served, and what is known of its modules for the next reload.
struct Served {
    engine: Option<Arc<Engine>>,
    shelf: Arc<Shelf>,
    modules: Vec<ModuleState>,
    standing: Option<Standing>,
}

impl Served {
    /// From now on it is this. Gives what was served of the modules until now.
    fn take(
        &mut self,
        args: &Args,
        gateway: &Gateway<Engine>,
        prepared: &mut Prepared,
    ) -> Vec<ModuleState> {
        self.engine = Some(prepared.engine.clone());
        self.standing = prepared.standing.take();
        let before = std::mem::replace(&mut self.modules, prepared.modules.clone());
        Arc::make_mut(&mut self.shelf).keep(&prepared.check, &prepared.modules);
        gateway.tell_modules(prepared.modules.clone());
        if let Some(folder) = &args.state {
            state::write(folder, &args.path, &self.shelf);
        }
        before
    }
}

/// What happens to a running gateway.
enum Event {
    Reload(&'static str),
    Anew,
    Succeeded(u32),
    Stop,
}

pub(crate) fn run(args: &Args) -> miette::Result<Outcome> {
    operator_messages();
    runtime::gateway::raise_file_limit();
    let available = || std::thread::available_parallelism().map_or(1, usize::from);
    let workers = args.workers.map_or_else(available, usize::from);
    let telemetry = Telemetry::start(workers, args.log.clone()).into_diagnostic()?;
    let started = match start(args, telemetry) {
        Ok(started) => started,
        Err(refused) => return refused.at_start(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .into_diagnostic()
        .wrap_err("signals cannot be received")?;
    let outcome = runtime.block_on(serve(&Arc::new(args.clone()), started));
    // A process that was about to take over is not waited for.
    runtime.shutdown_background();
    outcome
}

/// A gateway that serves.
struct Started {
    gateway: Arc<Gateway<Engine>>,
    served: Served,
    /// The files that its policy depends on.
    watched: Vec<PathBuf>,
    /// The process that served until now waits to hear that this one does.
    taking: Option<Taking>,
}

/// Starts one. What else was needed to get there is gone then: a
/// policy takes more memory than its engine.
fn start(args: &Args, telemetry: Arc<Telemetry>) -> Result<Started, Refused> {
    let known = args.state.as_deref().map(|folder| state::read(folder, &args.path));
    let mut served = Served {
        engine: None,
        shelf: Arc::new(known.unwrap_or_default()),
        modules: Vec::new(),
        standing: None,
    };
    let mut prepared = prepare(args, None, &served.shelf)?;
    let refused = |errors| Refused::launch(errors, &prepared.check.sources);
    let mut taking =
        handover::take(args.handover.as_deref()).map_err(|error| refused(vec![error]))?;
    let sockets = taking.as_mut().map(|taking| std::mem::take(&mut taking.sockets));
    let options = Options {
        admin: args.admin,
        drain: args.drain_timeout,
        sockets: sockets.unwrap_or_default(),
    };
    let gateway = Gateway::start(prepared.engine.clone(), &prepared.hash, telemetry, options);
    let gateway = Arc::new(gateway.map_err(refused)?);
    announce::announce(&prepared, &gateway);
    served.take(args, &gateway, &mut prepared);
    Ok(Started { gateway, served, watched: prepared.watched, taking })
}

async fn serve(args: &Arc<Args>, started: Started) -> miette::Result<Outcome> {
    let Started { gateway, mut served, watched, taking } = started;
    let receive = |kind| signal(kind).into_diagnostic().wrap_err("signals cannot be received");
    let (mut hangup, mut terminate, mut interrupt, mut anew) = (
        receive(SignalKind::hangup())?,
        receive(SignalKind::terminate())?,
        receive(SignalKind::interrupt())?,
        receive(SignalKind::user_defined2())?,
    );
    let mut watch = if args.watch { Some(watch::Watch::start(watched)?) } else { None };
    let mut door = match &args.handover {
        Some(path) => {
            let door = handover::Door::open(path).into_diagnostic();
            let why = || format!("`{}` cannot be opened for the next process", path.display());
            Some(door.wrap_err_with(why)?)
        }
        None => None,
    };
    if let Some(taking) = taking
        && let Err(error) = taking.serves()
    {
        tracing::warn!(%error, "the process before cannot be told that this one serves");
    }
    notify::ready();
    say!("ready");
    tidy::soon(None);
    let successor = loop {
        let changed = async {
            match &mut watch {
                Some(watch) => watch.changed().await,
                None => std::future::pending().await,
            }
        };
        let succeeded = async {
            match &mut door {
                Some(door) => door.succeeded(&gateway).await,
                None => std::future::pending().await,
            }
        };
        let event = tokio::select! {
            _ = hangup.recv() => Event::Reload("SIGHUP"),
            () = changed => Event::Reload("a file changed"),
            _ = anew.recv() => Event::Anew,
            number = succeeded => Event::Succeeded(number),
            _ = terminate.recv() => Event::Stop,
            _ = interrupt.recv() => Event::Stop,
        };
        match event {
            Event::Reload(why) => {
                let prepared = tokio::select! {
                    prepared = read_again(args, &mut served) => prepared,
                    _ = terminate.recv() => break None,
                    _ = interrupt.recv() => break None,
                };
                let before = served.engine.clone();
                reload(args, &gateway, &mut served, watch.as_mut(), (why, prepared));
                let stays = |engine: &Arc<Engine>| {
                    served.engine.as_ref().is_some_and(|now| Arc::ptr_eq(now, engine))
                };
                tidy::soon(before.filter(|engine| !stays(engine)));
            }
            Event::Anew if args.handover.is_some() => handover::start_anew(),
            Event::Anew => say!("nothing takes over (SIGUSR2): there is no `--handover`"),
            Event::Succeeded(number) => break Some(number),
            Event::Stop => break None,
        }
    };
    match successor {
        Some(number) => {
            gateway.leave_admin();
            notify::succeeded_by(number);
            say!("process {number} has taken over");
        }
        None => notify::stopping(),
    }
    drop(door);
    say!("draining, at most {}", lang::Value::Duration(args.drain_timeout));
    let limit = args.drain_timeout;
    let drained = tokio::task::spawn_blocking(move || gateway.drain(limit));
    tokio::select! {
        drained = drained => {
            match drained.into_diagnostic()?.cut {
                0 => say!("stopped"),
                1 => say!("stopped; a connection was cut"),
                n => say!("stopped; {n} connections were cut"),
            }
            Ok(Outcome::Clean)
        }
        _ = terminate.recv() => std::process::exit(2),
        _ = interrupt.recv() => std::process::exit(2),
    }
}

/// What the files say now.
async fn read_again(args: &Arc<Args>, served: &mut Served) -> Result<Prepared, Refused> {
    let known = served.standing.take();
    let told = prepare::anew(args, served.engine.clone(), &served.shelf, known);
    let told = match told {
        Ok(told) => told.await.into_diagnostic().wrap_err("the check did not come to an end"),
        Err(error) => Err(error),
    };
    let (prepared, known): Anew = told.map_err(|why| Refused::world(why, Vec::new()))?;
    served.standing = known;
    prepared
}

/// Serves the policy as it is now. Whatever is wrong, the running one stays.
fn reload(
    args: &Args,
    gateway: &Gateway<Engine>,
    served: &mut Served,
    watch: Option<&mut watch::Watch>,
    (why, prepared): (&str, Result<Prepared, Refused>),
) {
    let refused = match prepared {
        Ok(mut prepared) => {
            if let Some(watch) = watch {
                watch.follow(prepared.watched.clone());
            }
            let before = gateway.addresses();
            match gateway.reload(prepared.engine.clone(), &prepared.hash) {
                Ok(()) => {
                    let modules = served.take(args, gateway, &mut prepared);
                    say!("reloaded ({why}): {}", prepared.hash);
                    if gateway.addresses() != before {
                        announce::listeners(&prepared, gateway);
                    }
                    announce::modules(&prepared.modules, &modules);
                    return;
                }
                Err(errors) => Refused::launch(errors, &prepared.check.sources),
            }
        }
        Err(refused) => {
            if let Some(watch) = watch {
                watch.follow_more(&refused.watched);
            }
            gateway.refused(&refused.reason);
            refused
        }
    };
    refused.print();
    say!("not reloaded ({why}): the running policy stays");
}

/// What the gateway has to say beside the access log goes to standard error; `GW_LOG` filters it.
fn operator_messages() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("GW_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let messages = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(Color::Auto.on())
        // A line that nobody is left to read is lost, and is nothing to say there either.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    // A test may have set another one already.
    let _ = messages.try_init();
}

/// Never every address by mistake: the admin API is for whoever runs the machine.
fn address(text: &str) -> Result<SocketAddr, String> {
    let wrong = || "write an address and a port, such as `127.0.0.1:9090`".to_owned();
    let text = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    text.parse().map_err(|_| wrong())
}

fn output(text: &str) -> Result<Output, String> {
    Ok(match text {
        "json" => Output::Stdout,
        "off" => Output::Off,
        "" => return Err("write `json`, `off` or a file".to_owned()),
        file => Output::File(file.into()),
    })
}

fn duration(text: &str) -> Result<Duration, String> {
    match lang::literal::literal(text, lang::Span::default(), Some(&lang::Ty::Duration)) {
        Ok((lang::Value::Duration(length), _)) => Ok(length),
        _ => Err("write a length of time such as `30s`".to_owned()),
    }
}
