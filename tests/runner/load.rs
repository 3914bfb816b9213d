//! Clients that never rest, and upstreams that can die: what the tests about faults put around a gateway.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;

use crate::gateway::PATIENCE;
use crate::scripted::script_at;

/// Clients that ask over and over on connections they keep, until told to stop.
pub struct Clients {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    threads: Vec<std::thread::JoinHandle<Result<(), String>>>,
}

/// Judges the head of an answer; the error is a failure.
pub type Judge = fn(&str) -> Result<(), String>;

/// Nothing but 200 will do.
pub fn all_well(head: &str) -> Result<(), String> {
    let status = head.lines().next().unwrap_or_default();
    if status.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(format!("answered {status:?}")) }
}

impl Clients {
    /// So many, to whom every answer has to be a 200.
    pub fn start(address: SocketAddr, n: usize) -> Clients {
        Clients::judging(address, n, all_well)
    }

    /// So many, with another judge.
    pub fn judging(address: SocketAddr, n: usize, judge: Judge) -> Clients {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let threads = (0..n)
            .map(|_| {
                let (stop, answered) = (stop.clone(), answered.clone());
                std::thread::spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        keep_asking(address, &stop, &answered, judge)
                            .map_err(|error| error.message().unwrap_or_default().to_owned())?;
                    }
                    Ok(())
                })
            })
            .collect();
        Clients { stop, answered, threads }
    }

    /// How many requests were answered.
    pub fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// Whether one of them has failed, which [`Clients::finish`] tells.
    pub fn failed(&self) -> bool {
        self.threads.iter().any(|thread| thread.is_finished())
    }

    /// Waits until so many more requests are answered, or until one fails.
    pub fn wait(&self, more: usize) -> Result<(), Failed> {
        let (goal, began) = (self.answered() + more, Instant::now());
        while self.answered() < goal {
            if self.failed() {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("stuck at {} answers", self.answered()).into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Stops them; none may have failed.
    pub fn finish(self) -> Result<(), Failed> {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().map_err(|_| "a client panicked")??;
        }
        Ok(())
    }
}

/// One connection's requests. A connection that the gateway closes after an answer that said so is no failure.
fn keep_asking(
    address: SocketAddr,
    stop: &AtomicBool,
    answered: &AtomicUsize,
    judge: Judge,
) -> Result<(), Failed> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(b"GET /x HTTP/1.1\r\nhost: x.example\r\n\r\n")?;
        let (mut head, mut length, mut closes) = (String::new(), 0, false);
        loop {
            let begin = head.len();
            if reader.read_line(&mut head)? == 0 {
                return Err("the head was cut".into());
            }
            let line = head[begin..].trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            closes |= line == "connection: close";
        }
        judge(&head)?;
        reader.read_exact(&mut vec![0; length])?;
        answered.fetch_add(1, Ordering::Relaxed);
        if closes {
            return Ok(());
        }
    }
    Ok(())
}

/// An upstream in a process of its own, so that it can die with its connections open.
pub struct Mortal {
    child: Child,
    /// Where it answers while it lives.
    pub address: SocketAddr,
}

impl Mortal {
    /// One at a port of its own.
    pub fn start() -> Result<Mortal, Failed> {
        Mortal::at(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    fn at(address: SocketAddr) -> Result<Mortal, Failed> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["upstream", &address.to_string()])
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        Ok(Mortal { child, address: line.trim().parse()? })
    }

    /// Kills it.
    pub fn die(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Kills it, and starts it again where it was.
    pub fn restart(&mut self) -> Result<(), Failed> {
        self.die();
        *self = Mortal::at(self.address)?;
        Ok(())
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        self.die();
    }
}

/// What the process of an upstream that dies does: it answers at this address until it is killed.
pub fn upstream(address: &str) -> Result<(), Failed> {
    let address = script_at(address.parse()?, "HTTP/1.1 200 OK\n\nmortal".to_owned())?;
    println!("{address}");
    loop {
        std::thread::park();
    }
}
