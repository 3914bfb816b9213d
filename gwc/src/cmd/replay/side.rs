//! A policy that recorded requests are put to, and its words for what becomes of them.

use compiler::{ListenerId, RouteId};
use lang::Span;
use miette::miette;
use runtime::engine::Engine;
use runtime::message::Scheme;
use runtime::replay::{End, Fate, Recorded, Replay};

use super::entry::Entry;
use crate::load::Check;
use crate::report::{self, Line};

/// A policy, ready to be asked.
pub(super) struct Side {
    check: Check,
    replay: Replay,
    on: Option<ListenerId>,
}

/// What becomes of a request; nothing where no listener takes it.
pub(super) type Verdict = Option<Fate>;

impl Side {
    /// The policy; `on` is the listener that every request comes to.
    pub(super) fn new(
        check: Check,
        engine: Engine,
        on: Option<&str>,
        assumes_absent: bool,
    ) -> miette::Result<Side> {
        let program = engine.program();
        let on = match on {
            None => None,
            Some(name) => Some(program.listener(name).ok_or_else(|| {
                let names: Vec<&str> = program.listeners.iter().map(|one| &*one.name).collect();
                let help = match lang::vocab::nearest(name, names.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are {}", names.join(", ")),
                };
                miette!(help = help, "there is no listener `{name}` in `{}`", file(&check))
            })?),
        };
        Ok(Side { replay: Replay::new(engine, assumes_absent), check, on })
    }

    /// What becomes of a recorded request.
    pub(super) fn ask(&self, entry: &Entry<'_>) -> Verdict {
        let engine = self.replay.engine();
        let program = engine.program();
        let listener = match (self.on, entry.listener) {
            (Some(on), _) => on,
            (None, Some(name)) => program.listener(name)?,
            (None, None) => {
                let scheme = entry.scheme?;
                let config =
                    engine.listener_for(scheme, entry.port.unwrap_or(scheme.default_port()))?;
                program.listener(&config.name)?
            }
        };
        let tls = || {
            let name = program.listeners.get(listener.0 as usize).map(|listener| &listener.name);
            let config = engine.listeners.iter().find(|config| Some(&config.name) == name);
            config.is_some_and(|config| config.is_tls())
        };
        let scheme =
            entry.scheme.unwrap_or_else(|| if tls() { Scheme::Https } else { Scheme::Http });
        let said = entry.said.clone();
        Some(self.replay.ask(&Recorded { listener, scheme, sender: entry.sender, said }))
    }

    /// In words: `forwarded to users`.
    pub(super) fn words(&self, verdict: Verdict) -> Line {
        let Some(fate) = verdict else { return Line::words("no listener takes it") };
        Line::words(&match fate.end {
            End::Refused(fault) => {
                format!("refused with {} before any route, {}", fault.status(), fault.describe())
            }
            End::NotFound => "404, no route".to_owned(),
            End::Method => "405, no route takes the method".to_owned(),
            End::Unknown(_) => {
                let reads = self.reads(verdict).unwrap_or_default();
                return Line::words("unknown: ").and_code(&reads).and(" is not in the log");
            }
            End::Denied(Some(status)) => format!("denied with {status}"),
            End::Denied(None) => "denied".to_owned(),
            End::Answered(Some(status)) => answered(status),
            End::Answered(None) => "answered".to_owned(),
            End::Forwarded => {
                let targets = fate.route.map_or(&[][..], |route| self.replay.targets(route));
                let told = targets.iter().map(|(share, to)| match share {
                    Some(share) => format!("{to} by {share}%"),
                    None => to.to_string(),
                });
                format!("forwarded to {}", told.collect::<Vec<_>>().join(", "))
            }
        })
    }

    /// What an unknown outcome depends on, as the policy names it.
    pub(super) fn reads(&self, verdict: Verdict) -> Option<String> {
        let Some(Fate { end: End::Unknown(slot), .. }) = verdict else { return None };
        let slot = self.replay.engine().program().slot(slot)?;
        Some(slot.written())
    }

    /// Whether an upstream of this name may be the one that is asked.
    pub(super) fn may_ask(&self, fate: Fate, upstream: &str) -> bool {
        let targets = fate.route.map_or(&[][..], |route| self.replay.targets(route));
        targets.iter().any(|(_, to)| **to == *upstream)
    }

    /// The route's name and place.
    pub(super) fn route(&self, verdict: Verdict) -> Option<(&str, String)> {
        let RouteId(at) = verdict?.route?;
        let route = self.replay.engine().program().routes.get(at as usize)?;
        Some((&route.name, self.place(route.span)))
    }

    fn place(&self, span: Span) -> String {
        report::place(&self.check.sources, span)
    }
}

fn file(check: &Check) -> String {
    check.files.first().map(|file| file.display().to_string()).unwrap_or_default()
}

/// Whether it is an answer that keeps the request from what it asked for.
pub(super) fn refuses(verdict: Verdict) -> bool {
    match verdict.map(|fate| fate.end) {
        None | Some(End::Refused(_) | End::NotFound | End::Method | End::Denied(_)) => true,
        Some(End::Answered(status)) => status.is_some_and(|status| status >= 400),
        Some(End::Forwarded | End::Unknown(_)) => false,
    }
}

/// An answer of the gateway's own in words.
pub(super) fn answered(status: u16) -> String {
    match status {
        300..=399 => format!("redirected with {status}"),
        _ => format!("answered with {status}"),
    }
}
