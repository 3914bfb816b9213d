//! The access log's way out: a core gathers lines in a buffer of its own and hands full buffers to one writing
//! thread. The way is bounded: where the reader is slower than the traffic, lines are dropped and counted, and no
//! request waits.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use tokio::sync::Notify;

use super::record::Record;
use super::shards::{Counter, Shards};

/// Where the access log goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Nowhere.
    Off,
    /// Standard output.
    Stdout,
    /// This file, appended to.
    File(PathBuf),
}

/// The log's file cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the access log `{}`", path.display())]
pub struct LogError {
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

#[derive(Debug)]
pub(super) struct Log {
    batches: SyncSender<Message>,
    reopen: Arc<AtomicBool>,
}

/// The lines of a log that nobody writes down.
#[derive(Debug)]
pub(crate) struct Kept(Receiver<Message>);

#[derive(Debug)]
enum Message {
    Lines(Vec<u8>),
    Written(SyncSender<()>),
    Look,
}

struct Gathered {
    bytes: Vec<u8>,
    lines: u64,
    begun: Arc<Notify>,
}

thread_local! {
    static GATHERED: RefCell<Gathered> = RefCell::new(Gathered {
        bytes: Vec::new(),
        lines: 0,
        begun: Arc::new(Notify::new()),
    });
}

/// A buffer is handed over when it holds so much.
const FULL: usize = 16 * 1024;
/// Buffers that may wait for the writer.
const WAITING: usize = 256;
/// How long a line may wait in a buffer that does not fill.
const SOON: Duration = Duration::from_millis(100);

impl Log {
    pub(super) fn start(output: Output) -> Result<Option<Log>, LogError> {
        let sink: Sink = match output {
            Output::Off => return Ok(None),
            Output::Stdout => Sink { path: None, out: Box::new(io::stdout()) },
            Output::File(path) => Sink::open(path)?,
        };
        let (batches, waiting) = sync_channel(WAITING);
        let reopen = Arc::new(AtomicBool::new(false));
        let look = reopen.clone();
        let thread = std::thread::Builder::new().name("gw-log".to_owned());
        if let Err(error) = thread.spawn(move || write_all(sink, &waiting, &look)) {
            return Err(LogError { path: "gw-log".into(), source: error });
        }
        Ok(Some(Log { batches, reopen }))
    }

    /// A log that hands its lines to nobody but the one who asks.
    pub(super) fn kept() -> (Log, Kept) {
        let (batches, waiting) = sync_channel(WAITING);
        (Log { batches, reopen: Arc::default() }, Kept(waiting))
    }

    pub(super) fn write(&self, record: &Record<'_>, dropped: &Shards<Counter>) {
        GATHERED.with_borrow_mut(|gathered| {
            if gathered.bytes.is_empty() {
                gathered.begun.notify_one();
            }
            record.write_json(&mut gathered.bytes);
            gathered.lines += 1;
            if gathered.bytes.len() >= FULL {
                self.hand_over(gathered, dropped);
            }
        });
    }

    pub(super) fn flush_core(&self, dropped: &Shards<Counter>) {
        GATHERED.with_borrow_mut(|gathered| self.hand_over(gathered, dropped));
    }

    pub(super) async fn flush_when_due(&self, dropped: &Shards<Counter>) {
        let begun = GATHERED.with_borrow(|gathered| gathered.begun.clone());
        loop {
            begun.notified().await;
            tokio::time::sleep(SOON).await;
            self.flush_core(dropped);
        }
    }

    pub(super) fn reopen(&self) {
        self.reopen.store(true, Ordering::Relaxed);
        // Only to wake the writer: if the queue is full, it is awake.
        let _ = self.batches.try_send(Message::Look);
    }

    pub(super) fn flush(&self, limit: Duration) {
        let (written, wait) = sync_channel(1);
        let until = std::time::Instant::now() + limit;
        let mut message = Message::Written(written);
        while let Err(TrySendError::Full(back)) = self.batches.try_send(message) {
            if std::time::Instant::now() >= until {
                return;
            }
            message = back;
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = wait.recv_timeout(until.saturating_duration_since(std::time::Instant::now()));
    }

    fn hand_over(&self, gathered: &mut Gathered, dropped: &Shards<Counter>) {
        if gathered.bytes.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut gathered.bytes);
        let lines = std::mem::take(&mut gathered.lines);
        if let Err(refused) = self.batches.try_send(Message::Lines(bytes)) {
            dropped.add(lines);
            // The buffer is used again instead of growing a new one while the writer is slow.
            if let TrySendError::Full(Message::Lines(mut bytes)) = refused {
                bytes.clear();
                gathered.bytes = bytes;
            }
        }
    }
}

impl Kept {
    /// The lines that cores have handed over since.
    pub(crate) fn take(&self) -> Vec<u8> {
        let lines = self.0.try_iter().filter_map(|message| match message {
            Message::Lines(bytes) => Some(bytes),
            Message::Written(_) | Message::Look => None,
        });
        lines.flatten().collect()
    }
}

struct Sink {
    path: Option<PathBuf>,
    out: Box<dyn Write + Send>,
}

impl Sink {
    fn open(path: PathBuf) -> Result<Sink, LogError> {
        match append_to(&path) {
            Ok(file) => Ok(Sink { path: Some(path), out: Box::new(file) }),
            Err(source) => Err(LogError { path, source }),
        }
    }

    fn reopen(&mut self) {
        let Some(path) = &self.path else { return };
        match append_to(path) {
            Ok(file) => self.out = Box::new(file),
            Err(error) => {
                tracing::error!(path = %path.display(), %error, "the access log stays in its old file");
            }
        }
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn write_all(mut sink: Sink, waiting: &Receiver<Message>, reopen: &AtomicBool) {
    let mut failing = false;
    while let Ok(message) = waiting.recv() {
        if reopen.swap(false, Ordering::Relaxed) {
            sink.reopen();
        }
        match message {
            Message::Lines(bytes) => {
                let result = sink.out.write_all(&bytes).and_then(|()| sink.out.flush());
                match (&result, failing) {
                    (Err(error), false) => {
                        tracing::error!(%error, "the access log cannot be written")
                    }
                    (Ok(()), true) => tracing::info!("the access log is written again"),
                    _ => {}
                }
                failing = result.is_err();
            }
            Message::Written(reply) => {
                let _ = reply.try_send(());
            }
            Message::Look => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::record::tests::record;

    fn lines(path: &Path) -> usize {
        std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
    }

    #[test]
    fn lines_of_all_threads_arrive_whole_and_in_the_file_of_the_moment() {
        let folder = tempfile::tempdir().unwrap();
        let (path, moved) = (folder.path().join("access.log"), folder.path().join("access.1"));
        let log = Log::start(Output::File(path.clone())).unwrap().unwrap();
        let dropped = Shards::new(1);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    (0..500).for_each(|_| log.write(&record(), &dropped));
                    log.flush_core(&dropped);
                });
            }
        });
        log.flush(Duration::from_secs(5));
        assert_eq!((lines(&path), dropped.sum()), (2000, 0));
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
        std::fs::rename(&path, &moved).unwrap();
        log.reopen();
        log.write(&record(), &dropped);
        log.flush_core(&dropped);
        log.flush(Duration::from_secs(5));
        assert_eq!((lines(&path), lines(&moved)), (1, 2000));
    }

    #[test]
    fn a_slow_reader_costs_lines_and_no_time() {
        let (batches, waiting) = sync_channel(2);
        let log = Log { batches, reopen: Arc::default() };
        let dropped = Shards::new(1);
        let mut lines = 0;
        while dropped.sum() == 0 {
            log.write(&record(), &dropped);
            lines += 1;
        }
        log.flush_core(&dropped);
        let kept: usize = waiting
            .try_iter()
            .map(|message| match message {
                Message::Lines(bytes) => bytes.iter().filter(|byte| **byte == b'\n').count(),
                _ => 0,
            })
            .sum();
        assert_eq!(kept as u64 + dropped.sum(), lines);
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_named() {
        let error = Log::start(Output::File("/nowhere/access.log".into())).unwrap_err();
        assert!(error.to_string().starts_with("cannot open the access log `/nowhere/access.log`"));
    }
}
