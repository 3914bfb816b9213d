//! A thread that runs tasks one after the other and sends what came of each as an event. A task that panics is our fault,
//! and costs its own answer only.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use lsp_server::{ErrorCode, RequestId, ResponseError};
use serde_json::Value;

use super::Event;

/// Tasks that wait for one worker.
const MOST_TASKS: usize = 128;

/// What came of a request.
pub(crate) struct Answer {
    pub(crate) id: RequestId,
    pub(crate) result: Result<Value, ResponseError>,
}

/// As much as the first thread of a process has: checks go as deep as policies do.
const STACK: usize = 8 << 20;

type Task = Box<dyn FnOnce() -> Event + Send>;

/// The thread's near end. The thread ends when this is dropped and its tasks are done.
pub(super) struct Worker {
    tasks: SyncSender<Task>,
}

impl Worker {
    /// Starts a thread that sends its results to `events`.
    pub(super) fn start(name: &str, events: SyncSender<Event>) -> io::Result<Worker> {
        let (tasks, given) = sync_channel::<Task>(MOST_TASKS);
        thread::Builder::new().name(name.to_owned()).stack_size(STACK).spawn(move || {
            for task in given {
                if events.send(task()).is_err() {
                    return;
                }
            }
        })?;
        Ok(Worker { tasks })
    }

    /// Gives it a task, and what to send should that one panic; `false` if too many wait already.
    pub(super) fn give(
        &self,
        task: impl FnOnce() -> Event + Send + 'static,
        failed: impl FnOnce() -> Event + Send + 'static,
    ) -> bool {
        let guarded = move || catch_unwind(AssertUnwindSafe(task)).unwrap_or_else(|_| failed());
        self.tasks.try_send(Box::new(guarded)).is_ok()
    }
}

/// The answer to a request that could not be carried out through no fault of the client's.
pub(super) fn failure() -> ResponseError {
    ResponseError {
        code: ErrorCode::InternalError as i32,
        message: "the request could not be carried out".to_owned(),
        data: None,
    }
}
