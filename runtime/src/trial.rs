//! A policy's own tests: requests that nobody sends, through the session, the pipeline and the actions that serve real
//! ones. In place of connections to upstreams stand stubs, in place of time a clock that only tests move, and chance
//! begins at the same number each time.

mod account;
mod ask;
pub mod coverage;
mod differ;
mod expect;
mod stub;
mod trace;
mod view;

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use lang::policy::trial::{Line, LineKind, Test};
use lang::policy::{LocalId, Policy};
use lang::{Span, Value, eval};
use tokio::task::LocalSet;

use crate::engine::Engine;
use crate::session::{Core, Imagined};
use crate::telemetry::Telemetry;
use crate::telemetry::log::Kept;
use crate::upstream::{Roster, Stubs};
use crate::watch::Watch;
use account::Account;
use coverage::Coverage;
use trace::Trace;
use view::{Last, View};

/// A policy, ready for its tests.
pub struct Trial {
    engine: Arc<Engine>,
    live: Imagined,
    telemetry: Arc<Telemetry>,
    log: Kept,
    account: Option<Rc<Account>>,
    trace: Rc<Trace>,
}

/// What came of a test, or of one row of its table.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The row's number, from 1, and the row.
    pub row: Option<(usize, Value)>,
    /// Where the row is written, if it stands in the table itself.
    pub place: Option<Span>,
    /// What did not hold; empty if the test passed.
    pub misses: Vec<Miss>,
}

/// Something that did not hold, or could not be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Miss {
    /// What is wrong: lower case, no full stop, the user's words in backticks.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What was found there.
    pub reason: String,
    /// What was found in other places.
    pub found: Vec<(Span, String)>,
    /// What became of the request.
    pub help: Option<String>,
}

/// Chance begins here, in every test and in every row.
const SEED: u64 = 2026;

/// Every test begins on the first of January 2026, at midnight UTC.
const EPOCH: Duration = Duration::from_secs(1_767_225_600);

/// No table has more rows.
const MOST_ROWS: usize = 10_000;

/// A test under way.
struct Run<'t> {
    trial: &'t Trial,
    core: Rc<Core>,
    stubs: Rc<Stubs>,
    row: Option<(LocalId, Value)>,
    last: Option<Last>,
    misses: Vec<Miss>,
}

impl Trial {
    /// A trial of this policy. It belongs to one thread.
    pub fn of(engine: Arc<Engine>) -> Trial {
        Trial::looked_on(engine, None)
    }

    /// A trial of this policy, which the engine serves, that counts what tests reach of it.
    pub fn counting(engine: Arc<Engine>, policy: Arc<Policy>) -> Trial {
        let account = Account::of(engine.clone(), policy);
        Trial::looked_on(engine, Some(Rc::new(account)))
    }

    fn looked_on(engine: Arc<Engine>, account: Option<Rc<Account>>) -> Trial {
        let (telemetry, log) = Telemetry::kept();
        let trace = Rc::new(Trace::of(&engine, account.clone()));
        let watch = Rc::clone(&trace) as Rc<dyn Watch>;
        let live = Imagined::of(engine.clone(), &telemetry, watch);
        Trial { engine, live, telemetry, log, account, trace }
    }

    /// What the tests that ran have reached; nothing is known of it unless the trial counts.
    pub fn coverage(&self) -> Option<Coverage> {
        self.account.as_ref().map(|account| account.coverage())
    }

    /// Runs a test, once for each row if it has a table. Each time begins anew: no connection, no count, no request before
    /// it is remembered, and the clock stands still. Fails if the system gives no timer.
    pub fn run(&self, test: &Test) -> std::io::Result<Vec<Outcome>> {
        let Some(table) = &test.table else {
            let misses = self.once(&test.lines, None)?;
            return Ok(vec![Outcome { row: None, place: None, misses }]);
        };
        let rows = match eval::eval(&table.rows, &View::of(self.engine.inputs(), None, None)) {
            Value::List(rows) => rows,
            _ => Arc::default(),
        };
        if rows.is_empty() || rows.len() > MOST_ROWS {
            let reason = format!("a table has 1 to {MOST_ROWS} rows, this one has {}", rows.len());
            let miss = Miss::new(table.rows.span, "there is nothing to run", reason);
            return Ok(vec![Outcome { row: None, place: None, misses: vec![miss] }]);
        }
        let outcomes = rows.iter().enumerate().map(|(at, row)| {
            let misses = self.once(&test.lines, Some((table.row, row.clone())))?;
            let place = table.places.get(at).copied();
            Ok(Outcome { row: Some((at + 1, row.clone())), place, misses })
        });
        outcomes.collect()
    }

    fn once(&self, lines: &[Line], row: Option<(LocalId, Value)>) -> std::io::Result<Vec<Miss>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?;
        self.engine.limits.forget();
        if let Some(store) = &self.engine.cache {
            store.forget();
        }
        fastrand::seed(SEED);
        let stubs = Rc::new(Stubs::default());
        let misses = runtime.block_on(LocalSet::new().run_until(async {
            let roster = Roster::stubbed(stubs.clone());
            let core = self.live.core(&self.telemetry, roster, UNIX_EPOCH + EPOCH);
            let mut run = Run { trial: self, core, stubs, row, last: None, misses: Vec::new() };
            for line in lines {
                if run.line(line).await.is_err() {
                    break;
                }
            }
            run.misses
        }));
        Ok(misses)
    }
}

/// A test cannot go on; why is among its misses.
struct Over;

impl Run<'_> {
    async fn line(&mut self, line: &Line) -> Result<(), Over> {
        match &line.kind {
            LineKind::Stub(upstream, does) => match stub::does(&self.value(does)) {
                Ok(does) => self.stubs.set(upstream.clone(), does),
                Err(reason) => return self.over(does.span, "there is no such answer", reason),
            },
            LineKind::Advance(time) => match self.value(time) {
                Value::Duration(time) if time <= LONGEST => tokio::time::advance(time).await,
                _ => return self.over(time.span, "time cannot pass", "this is too long"),
            },
            LineKind::Send(arguments) => {
                let arguments: Vec<Value> = arguments.iter().map(|one| self.value(one)).collect();
                let sent = ask::send(self.trial, &self.core, &arguments).await;
                // What the request began in the background goes on before time does.
                tokio::task::yield_now().await;
                self.trial.telemetry.flush_core();
                let calls = self.stubs.take_calls();
                match sent {
                    Ok(answered) => {
                        let mut last = Last::of(answered, calls, &self.trial.log);
                        if last.log("failure").as_str() == Some("denied") {
                            last.refused_by = self.trial.trace.refused_by();
                        }
                        self.last = Some(last);
                    }
                    Err(reason) => return self.over(line.span, "this cannot be sent", reason),
                }
                if let Some(upstream) = self.stubs.take_missing() {
                    let message = format!("upstream `{upstream}` has nothing to answer");
                    let mut miss = Miss::new(line.span, message, "this request comes to it");
                    miss.help = Some(format!("say what it does: `stub {upstream} = respond(200)`"));
                    self.misses.push(miss);
                    return Err(Over);
                }
            }
            LineKind::Expect(condition) => {
                let misses = expect::misses(condition, &self.view());
                self.misses.extend(misses);
            }
        }
        Ok(())
    }

    fn value(&self, expr: &lang::policy::Expr) -> Value {
        eval::eval(expr, &self.view())
    }

    fn view(&self) -> View<'_> {
        View::of(self.trial.engine.inputs(), self.row.as_ref(), self.last.as_ref())
    }

    fn over(&mut self, span: Span, message: &str, reason: impl Into<String>) -> Result<(), Over> {
        self.misses.push(Miss::new(span, message, reason));
        Err(Over)
    }
}

/// No test waits longer at a time.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

impl Miss {
    fn new(span: Span, message: impl Into<String>, reason: impl Into<String>) -> Miss {
        let (message, reason) = (message.into(), reason.into());
        Miss { message, span, reason, found: Vec::new(), help: None }
    }
}
