//! A gateway as a user starts it: `gwc run` in a process of its own, on loopback.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use libtest_mimic::Failed;

/// Longer than any answer takes; only a hang reaches it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Moves every `bind` to a free port of the loopback address.
pub fn rebind(text: &str) -> String {
    let mut moved = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("bind ") {
        moved.push_str(before);
        moved.push_str("bind ");
        // A formatted policy may align its arguments.
        rest = after;
        if let Some((_, after)) =
            after.trim_start().strip_prefix('"').and_then(|at| at.split_once('"'))
        {
            moved.push_str("\"127.0.0.1:0\"");
            rest = after;
        }
    }
    moved.push_str(rest);
    moved
}

/// A gateway as a user starts it; ended when dropped.
pub struct Gateway {
    child: Child,
    listeners: Vec<(String, SocketAddr)>,
    admin: Option<SocketAddr>,
    hear: mpsc::Receiver<String>,
}

impl Gateway {
    /// Serves `text`, written to `path`, and waits until it listens.
    pub fn start(folder: &Path, path: &Path, text: &str) -> Result<Gateway, Failed> {
        Gateway::start_with(folder, path, text, &[])
    }

    /// As [`Gateway::start`], with more arguments of `gwc run`.
    pub fn start_with(
        folder: &Path,
        path: &Path,
        text: &str,
        more: &[&str],
    ) -> Result<Gateway, Failed> {
        std::fs::write(path, text)?;
        Gateway::serve(folder, path, more)
    }

    /// Serves what lies at `path`, and waits until it listens.
    pub fn serve(folder: &Path, path: &Path, more: &[&str]) -> Result<Gateway, Failed> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["gwc", "run"]).arg(path).args(["--workers", "1", "--log", "off"]);
        command.args(more);
        let params = folder.join("params.toml");
        if params.exists() {
            command.arg("--with").arg(params);
        }
        let mut child = command
            // Not the policy's folder: its relative paths begin there all the same.
            .current_dir(std::env::temp_dir())
            .env_remove("UPDATE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (said, hear) = mpsc::channel();
        let streams: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
            child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
        ];
        for stream in streams.into_iter().flatten() {
            let said = said.clone();
            std::thread::spawn(move || {
                let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
                // Once nobody listens, the stream is closed.
                while lines.next().is_some_and(|line| said.send(line).is_ok()) {}
            });
        }
        drop(said);
        let mut gateway = Gateway { child, listeners: Vec::new(), admin: None, hear };
        let mut heard = String::new();
        loop {
            match gateway.hear.recv_timeout(PATIENCE) {
                Ok(line) if line.starts_with("ready") => return Ok(gateway),
                Ok(line) => {
                    gateway.listeners.extend(listening(&line));
                    let admin = line.trim().strip_prefix("admin on http://");
                    gateway.admin = gateway.admin.or(admin.and_then(|at| at.parse().ok()));
                    heard.push_str(&line);
                    heard.push('\n');
                }
                Err(_) => return Err(format!("the gateway did not start:\n{heard}").into()),
            }
        }
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, such as `HUP`.
    pub fn signal(&self, name: &str) -> Result<(), Failed> {
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.child.id())])
            .status()?;
        if sent.success() { Ok(()) } else { Err(format!("SIG{name} could not be sent").into()) }
    }

    /// Waits until it says a line with these words, and gives the line.
    pub fn hear(&self, words: &str) -> Result<String, Failed> {
        let mut heard = self.hear_all(words)?;
        Ok(heard.pop().unwrap_or_default())
    }

    /// Waits until it says a line with these words, and gives all that it said, that line last.
    pub fn hear_all(&self, words: &str) -> Result<Vec<String>, Failed> {
        let mut heard = Vec::new();
        loop {
            match self.hear.recv_timeout(PATIENCE) {
                Ok(line) => {
                    let is_it = line.contains(words);
                    heard.push(line);
                    if is_it {
                        return Ok(heard);
                    }
                }
                Err(_) => {
                    let heard = heard.join("\n");
                    return Err(format!("it never said `{words}`, but:\n{heard}").into());
                }
            }
        }
    }

    /// Listens no longer to what it says: its next line is the last that it can write.
    pub fn leave(&mut self) {
        self.hear = mpsc::channel().1;
    }

    /// Where its admin API listens, if it has one.
    pub fn admin(&self) -> Result<SocketAddr, Failed> {
        self.admin.ok_or_else(|| "there is no admin API".into())
    }

    /// Where the listener of this name (or the first one) listens.
    pub fn address(&self, listener: Option<&str>) -> Result<SocketAddr, Failed> {
        let found =
            self.listeners.iter().find(|(name, _)| listener.is_none_or(|wanted| wanted == name));
        found.map(|(_, address)| *address).ok_or_else(|| format!("no listener {listener:?}").into())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself; there is nobody to tell.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Reads `listener NAME on SCHEME://ADDRESS`.
fn listening(line: &str) -> Option<(String, SocketAddr)> {
    let (name, address) = line.trim().strip_prefix("listener ")?.split_once(" on ")?;
    let address = address.split_whitespace().next()?.split_once("://")?.1;
    Some((name.to_owned(), address.parse().ok()?))
}
