//! How a running gateway makes way for a new process: at `--handover` it gives its sockets to whoever asks, and SIGUSR2 starts
//! the one who does.

use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use runtime::engine::Engine;
use runtime::gateway::{Gateway, LaunchError};
use runtime::handover::{self, Taking};
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

use crate::report::say;

/// The place where sockets are given away, and the process that is taking them.
pub(super) struct Door {
    listener: UnixListener,
    giving: Option<JoinHandle<io::Result<u32>>>,
}

/// What `path` and the process behind it have to do with an error.
pub(super) fn cannot(path: &Path, error: &io::Error) -> LaunchError {
    LaunchError::new(format!("cannot take over at `{}`: {error}", path.display()))
}

/// What the process before gives away, if there is one.
pub(super) fn take(path: Option<&Path>) -> Result<Option<Taking>, LaunchError> {
    let Some(path) = path else { return Ok(None) };
    handover::take(path).map_err(|error| cannot(path, &error))
}

impl Door {
    /// Opens it.
    pub(super) fn open(path: &Path) -> io::Result<Door> {
        let listener = handover::open(path)?;
        listener.set_nonblocking(true)?;
        Ok(Door { listener: UnixListener::from_std(listener)?, giving: None })
    }

    /// Waits until a new process serves in the place of `gateway`; its number. One that does not get there changes nothing.
    pub(super) async fn succeeded(&mut self, gateway: &Arc<Gateway<Engine>>) -> u32 {
        loop {
            if let Some(giving) = &mut self.giving {
                // INVARIANT: nothing is awaited between the end of the task and its being forgotten.
                let given = giving.await;
                self.giving = None;
                match given.map_err(io::Error::other).flatten() {
                    Ok(number) => return number,
                    Err(error) => tracing::warn!(%error, "no process has taken over"),
                }
            }
            let Ok((new, _)) = self.listener.accept().await else {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            };
            let gateway = gateway.clone();
            self.giving = Some(tokio::task::spawn_blocking(move || {
                let sockets = gateway.lend().map_err(io::Error::other)?;
                handover::give(new.into_std()?, &sockets)
            }));
        }
    }
}

/// Starts the program again as this process was started. It takes over if it gets so far.
pub(super) fn start_anew() {
    let mut words = std::env::args_os();
    let Some(program) = words.next() else { return };
    match Command::new(program).args(words).spawn() {
        Ok(mut child) => {
            say!("process {} is to take over (SIGUSR2)", child.id());
            // Waited for, so that one which fails is not left behind.
            std::thread::spawn(move || {
                if let Ok(status) = child.wait()
                    && !status.success()
                {
                    say!("process {} has not taken over: {status}", child.id());
                }
            });
        }
        Err(error) => say!("no process can be started to take over: {error}"),
    }
}
