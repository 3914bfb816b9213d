//! Requests that show a difference: made of a set, sent on their way on both sides by the code that decides and computes,
//! and shown only where something else comes of them.

use std::collections::BTreeSet;

use lang::policy::{Compare, Host, LocalId, Path};
use lang::vocab::ExprId;
use lang::{Ty, Value};

use crate::diff::effect::{Effect, told};
use crate::diff::observed::{Compared, Observed, Observer};
use crate::diff::part::Part;
use crate::diff::stands::Passing;
use crate::diff::{NoExample, besides};
use crate::frame::{Fill as _, Frame, OWN_STATUS, Slot, SlotId};
use crate::interp::Interp;
use crate::order::witness::Witness;
use crate::program::{Expr, Program, locals};
use crate::proof::basis::{Basis, Side};
use crate::proof::course::End;
use crate::proof::judged::Judged;
use crate::proof::replay::{Answer, answer, fits};
use crate::proof::search::UNFIT;
use crate::space::{Cut, Door, ELSEWHERE, Env, Fact, Formula, Set, Space, Term, Test, Undecided};

/// The most values that are tried of what differing statements read, and the most sets that are made of them.
const HINTS: usize = 24;

/// So many texts that statements name are tried.
const NAMED: usize = 4;

/// Where examples are looked for.
pub(super) struct Ground<'b> {
    pub(super) basis: &'b Basis<'b>,
    /// Each side, with the place of its listener.
    pub(super) sides: [(Side<'b>, usize); 2],
    /// What holds of whatever comes to both listeners.
    pub(super) arriving: &'b [Fact],
    pub(super) host: &'b Host,
    pub(super) path: &'b Path,
    /// How examples are written.
    pub(super) scheme: &'static str,
    /// What makes a good one.
    pub(super) plain: Vec<Set>,
    /// What may make a difference where something is computed.
    pub(super) hints: Vec<Set>,
    /// Whether the listener may believe what a peer says about the client.
    pub(super) believes: bool,
}

/// What came of looking.
#[derive(Debug)]
pub(super) enum Found {
    /// This request fares differently.
    Example {
        text: String,
        /// Its host and path.
        place: String,
        /// What an upstream has to answer for that: fields and values.
        answers: Vec<(String, String)>,
    },
    /// None was found.
    No(NoExample),
    /// This one was to fare so and does not: a mistake of ours.
    Disagrees(String),
}

impl Found {
    pub(super) fn is_example(&self) -> bool {
        matches!(self, Found::Example { .. })
    }
}

impl Ground<'_> {
    /// An example of requests that fare as the one part says on the old side and as the other says on the new one; if there
    /// is any, one in all of `shows`. What is left behind of it is another thing each time, if that `differs`.
    pub(super) fn find(
        &self,
        space: &mut Space,
        (old, new): (&Part, &Part),
        both: Set,
        (shows, differs): (&[Set], bool),
    ) -> Result<Found, Undecided> {
        let untold = self.untold(old, new);
        if !untold.is_empty() {
            return Ok(Found::No(NoExample::Computed(untold)));
        }
        let (mut tried, mut is_open) = (0, false);
        let hints = std::iter::once(None).chain(self.hints.iter().map(Some));
        for hint in hints {
            let mut set = match hint {
                Some(hint) => space.meet(both, *hint)?,
                None => both,
            };
            if set == Set::NONE {
                continue;
            }
            let (whole, is_sure) = (set, space.witness(set).is_some());
            for plain in shows.iter().chain(&self.plain) {
                let plainer = space.meet(set, *plain)?;
                if plainer != Set::NONE && (!is_sure || space.witness(plainer).is_some()) {
                    set = plainer;
                }
            }
            let sure = space.witness(set);
            let certain = sure.is_some();
            let guesses = || {
                let mut guesses = self.basis.guesses(space, set);
                if set != whole {
                    guesses.extend(self.basis.guesses(space, whole));
                }
                guesses
            };
            for values in sure.map_or_else(guesses, |values| vec![values]) {
                let made = if certain { Witness::new } else { Witness::guess };
                let witness = made((self.host, self.path), values, self.arriving);
                let witness = witness.over(&self.basis.program, self.scheme);
                if !witness.arrives(&self.basis.program) {
                    continue;
                }
                if !self.can_be_answered(&witness) {
                    is_open = true;
                    continue;
                }
                let [before, after] = &self.sides;
                let fared = self.fares(before, &witness, old).zip(self.fares(after, &witness, new));
                match fared {
                    Some(((_, before), (_, after)))
                        if [before, after] != [Judged::AsTold, Judged::AsTold] =>
                    {
                        is_open = true;
                    }
                    Some(((before, _), (after, _))) if differs && is_alike(old, new) => {
                        match before.beside(&after) {
                            // What is written otherwise comes to the same here.
                            Compared::Same => {
                                tried += 1;
                                break;
                            }
                            Compared::Unknown => {
                                is_open = true;
                                break;
                            }
                            Compared::Differs => return Ok(self.example(&witness, (old, new))),
                        }
                    }
                    Some(_) => return Ok(self.example(&witness, (old, new))),
                    None if certain => return Ok(Found::Disagrees(self.text(&witness))),
                    None => {}
                }
            }
        }
        Ok(Found::No(match tried {
            _ if is_open => NoExample::Computed(self.differing(old, new)),
            0 => NoExample::Computed(self.unfitted(space, (old, new), both)),
            tried => NoExample::Alike { tried, of: self.differing(old, new) },
        }))
    }

    /// Whether an answer can be as it says: where no upstream answers, the gateway has its own statuses for that.
    fn can_be_answered(&self, witness: &Witness) -> bool {
        let program = &self.basis.program;
        let mut said = witness
            .slots
            .iter()
            .filter(|(id, _)| program.slot(*id).is_some_and(|slot| *slot.field == *OWN_STATUS));
        said.all(|(_, status)| matches!(status, Value::Status(502..=504)))
    }

    /// What tells these requests from others of what is sent to an upstream, as statements or the gateway write it: no
    /// request says that.
    fn untold(&self, old: &Part, new: &Part) -> Vec<String> {
        let program = &self.basis.program;
        let mut untold = Vec::new();
        for ((side, _), part) in self.sides.iter().zip([old, new]) {
            let route = part.taken.and_then(|id| self.basis.route(side, id));
            let lets = locals(route.map_or(&[][..], |route| &route.steps));
            let guards = part.course.guards.iter().map(|(id, _)| *id);
            let roots: Vec<ExprId> = guards.chain(part.chosen.reads()).collect();
            let slots = program.walk(roots, &lets).slots().map(|(_, slot)| slot);
            let is_sent = |slot: &&Slot| slot.field.starts_with("up.");
            untold.extend(slots.filter(is_sent).map(Slot::written));
        }
        untold.sort_unstable();
        untold.dedup();
        untold
    }

    /// On what it hangs which requests of a set they are, where no request can be fitted to that.
    fn unfitted(&self, space: &Space, (old, new): (&Part, &Part), both: Set) -> Vec<String> {
        let mut lets = Vec::new();
        for ((side, _), part) in self.sides.iter().zip([old, new]) {
            let route = part.taken.and_then(|id| self.basis.route(side, id));
            lets.extend(locals(route.map_or(&[][..], |route| &route.steps)));
        }
        let terms = space.computed(both);
        let told = terms.iter().map(|term| {
            // Each side has its own names.
            let lets = [&lets, space.lets(term)].concat();
            named(&self.basis.program, term, &lets)
        });
        told.collect()
    }

    /// What the two read where they differ. What limits count by is not seen in a request.
    fn read(&self, old: &Part, new: &Part) -> Vec<(SlotId, &Slot)> {
        let program = &self.basis.program;
        let sides = [(&old.fate, &new.fate), (&new.fate, &old.fate)];
        let differ = sides.iter().flat_map(|(own, other)| own.lacked_by(other));
        let differ = differ.filter(|effect| &*effect.does.action != "limit");
        let mut roots: Vec<ExprId> = differ.flat_map(|effect| effect.does.reads()).collect();
        roots.extend([old, new].into_iter().flat_map(|part| part.chosen.reads()));
        program.walk(roots, &[]).slots().collect()
    }

    /// What the statements are told that only one of the two runs, or what may be refused.
    fn differing(&self, old: &Part, new: &Part) -> Vec<String> {
        let program = &self.basis.program;
        let mut judged = [old, new].into_iter().filter(|part| part.course.is_judged());
        if let Some(refusing) = judged.find_map(|part| part.fate.refusing()) {
            return refusing.told(program);
        }
        let sides = [(&old.fate, &new.fate), (&new.fate, &old.fate)];
        let mut of: Vec<String> = Vec::new();
        for (own, other) in sides {
            let lacked = own.lacked_by(other).into_iter();
            for text in lacked.flat_map(|one| one.differing(&other.effects, self.basis)) {
                if !of.contains(&text) {
                    of.push(text);
                }
            }
        }
        of
    }

    fn example(&self, witness: &Witness, (old, new): (&Part, &Part)) -> Found {
        let place = format!("{}{}", witness.host, witness.path);
        let program = &self.basis.program;
        let read = self.read(old, new);
        let mut asked = witness.clone();
        for (id, slot) in &read {
            if &*slot.field == "client.ip" && asked.slots.iter().all(|(said, _)| said != id) {
                // Whoever tries it may come from elsewhere.
                let from = witness.fill(program).fill(*id).into_value();
                asked.slots.extend(from.map(|from| (*id, from)));
            }
        }
        let is_answered = |id: &SlotId| program.slot(*id).is_some_and(Slot::is_answered);
        asked.slots.retain(|(id, _)| !is_answered(id));
        let answers = self.answers(witness, &read, (old, new));
        Found::Example { text: self.text(&asked), place, answers }
    }

    /// What an upstream has to answer for an example: what the example says of it, and that nothing is said in what is read
    /// besides.
    fn answers(
        &self,
        witness: &Witness,
        read: &[(SlotId, &Slot)],
        (old, new): (&Part, &Part),
    ) -> Vec<(String, String)> {
        let program = &self.basis.program;
        if [old, new].iter().all(|part| part.course.to().is_none()) {
            return Vec::new();
        }
        let guards = [old, new].into_iter().flat_map(|part| &part.course.guards);
        let asked = program.walk(guards.map(|(id, _)| *id), &[]).slots();
        let read: Vec<(SlotId, &Slot)> = read.iter().copied().chain(asked).collect();
        let is_told = |slot: &Slot| slot.is_answered() && *slot.field != *OWN_STATUS;
        let is_status = |slot: &Slot| &*slot.field == "origin.status";
        let sides = [(&old.fate, &new.fate), (&new.fate, &old.fate)];
        let mut differ = sides.iter().flat_map(|(own, other)| own.lacked_by(other));
        let is_set = differ.any(|effect| effect.does.changes("resp.status"));
        // An upstream answers with some status, whether that matters or not.
        let hangs_on_status = is_set || read.iter().any(|(_, slot)| is_status(slot));
        let said = witness.slots.iter().filter_map(|(id, value)| Some((program.slot(*id)?, value)));
        let said = said.filter(|(slot, _)| is_told(slot) && (hangs_on_status || !is_status(slot)));
        let mut answers: Vec<(String, String)> =
            said.map(|(slot, value)| (slot.written(), value.to_string())).collect();
        for (id, slot) in read {
            let is_said = witness.slots.iter().any(|(said, _)| *said == id);
            let text = (slot.written(), Value::Absent.to_string());
            if is_told(slot) && !is_said && !answers.contains(&text) {
                answers.push(text);
            }
        }
        answers
    }

    fn text(&self, witness: &Witness) -> String {
        witness.text(&self.basis.program, Door { scheme: self.scheme, name: None })
    }

    /// What the statements of a part come to for the example, by the code that decides and computes, and whether their
    /// values can stand where they are put. `None` if it does not fare so.
    fn fares(
        &self,
        (side, listener): &(Side<'_>, usize),
        witness: &Witness,
        part: &Part,
    ) -> Option<(Observed, Judged)> {
        let basis = self.basis;
        let frame = Frame::new();
        let expected = match (part.taken, &part.course.end) {
            (Some(id), _) => Answer::Route(id),
            (None, End::Method) => Answer::Method,
            (None, _) => Answer::Nobody,
        };
        if answer(basis, side, *listener, witness, &frame) != expected {
            return None;
        }
        let Basis { program, constants, .. } = basis;
        let fill = witness.fill(program);
        let interp = Interp { program, constants, frame: &frame, fill: &fill };
        let route = part.taken.and_then(|id| basis.route(side, id));
        let lets = locals(route.map_or(&[][..], |route| &route.steps));
        for (local, value) in &lets {
            frame.set_local(*local, interp.value(*value).unwrap_or_default());
        }
        let observer =
            Observer { interp: &interp, witness, course: &part.course, believes: self.believes };
        let is_unfit = |(text, test): &(ExprId, Test)| {
            interp.value(*text).is_ok_and(|value| test.holds(&value))
        };
        let is_refused = part.course.unfit.as_ref().is_none_or(|texts| texts.iter().any(is_unfit));
        let fares = fits(&interp, &part.course)
            && is_refused
            && !part.course.stands.iter().any(is_unfit)
            && part.chosen.is_of(&interp, &lets);
        let written = part.taken.and_then(|id| side.policy.routes.get(id.0 as usize));
        let written = written.map_or(&[][..], |route| route.steps.as_slice());
        let lowered = route.map_or(&[][..], |route| &*route.steps);
        fares.then(|| {
            let (course, believes) = (&part.course, self.believes);
            let steps = (written, lowered);
            let passing = Passing { program, constants, witness, course, steps, believes };
            let judged = passing.judged(&frame);
            (observer.observe(&part.fate), judged)
        })
    }
}

/// The values that may make a difference between statements which compute something: of each field that they read or change
/// (`before`) whether it is there, texts that they or the statements of the other side (`elsewhere`) name, and some that
/// come out otherwise in another case or form.
pub(super) fn hints(
    basis: &Basis<'_>,
    (before, arguments): (Vec<ExprId>, &BTreeSet<ExprId>),
    elsewhere: &BTreeSet<ExprId>,
    cut: &mut Cut<'_>,
    env: Env<'_>,
) -> Vec<Formula> {
    let program = &basis.program;
    let (mut reads, mut texts) = (before, Vec::new());
    for id in elsewhere.iter().filter(|id| !arguments.contains(id)) {
        if let Expr::Const(text @ Value::String(_)) = program.expr(*id)
            && texts.len() < NAMED
        {
            texts.push(text.clone());
        }
    }
    for (id, expr) in program.walk(arguments.iter().copied(), env.locals) {
        match expr {
            Expr::Slot(slot) => {
                let slot = program.slot(*slot);
                let source = slot
                    .and_then(|slot| besides::source(program, (&*slot.field, slot.key.as_deref())));
                reads.push(source.unwrap_or(id));
            }
            Expr::Capture(_) | Expr::Member(..) => reads.push(id),
            Expr::Const(text @ Value::String(_)) if texts.len() < NAMED => texts.push(text.clone()),
            _ => {}
        }
    }
    let mut hints = Vec::new();
    for read in reads {
        let is_text = program.read_by(read).is_none_or(|(_, slot)| {
            matches!(&*slot.field, "req.header" | "req.cookie" | "req.query" | "origin.header")
                && *slot.ty.present() == Ty::String
        });
        if is_of(program, read, &Ty::Status) {
            for status in [404, 500, 200] {
                let is = Test::Compare(Compare::Eq, Value::Status(status));
                hints.push(cut.ask(read, &is, env));
            }
            continue;
        }
        if is_of(program, read, &Ty::Ip) {
            // Of itself it comes from here.
            let elsewhere = Value::ip(ELSEWHERE.into());
            hints.push(cut.ask(read, &Test::Compare(Compare::Eq, elsewhere), env));
        }
        hints.push(cut.ask(read, &Test::Present, env));
        for text in texts.iter().filter(|_| is_text) {
            for compare in [Compare::Eq, Compare::Ne] {
                hints.push(cut.ask(read, &Test::Compare(compare, text.clone()), env));
            }
        }
        for text in ["Ab 1/2", "7"].into_iter().filter(|_| is_text) {
            hints.push(cut.ask(read, &Test::Compare(Compare::Eq, Value::string(text)), env));
        }
    }
    hints.truncate(HINTS);
    hints
}

/// Values that may be refused where a statement puts what it reads.
pub(super) fn unfit_hints(
    basis: &Basis<'_>,
    refusing: &Effect,
    cut: &mut Cut<'_>,
    env: Env<'_>,
) -> Vec<Formula> {
    let reads = basis.program.walk(refusing.does.reads(), env.locals);
    let reads = reads
        .filter(|(_, expr)| matches!(expr, Expr::Slot(_) | Expr::Capture(_) | Expr::Member(..)));
    let tests = UNFIT.map(|text| Test::Compare(Compare::Eq, Value::string(text)));
    let all = reads.flat_map(|(id, _)| tests.iter().map(move |test| (id, test)));
    all.take(HINTS).map(|(id, test)| cut.ask(id, test, env)).collect()
}

/// Whether it reads a field of this type.
pub(super) fn is_of(program: &Program, id: ExprId, ty: &Ty) -> bool {
    program.read_by(id).is_some_and(|(_, slot)| slot.ty.present() == ty)
}

/// Whether the two go the same way, so that only what their statements do can differ.
fn is_alike(old: &Part, new: &Part) -> bool {
    old.fate.way == new.fate.way
}

/// What a request cannot be made to fit, as a policy writes it.
fn named(program: &Program, term: &Term, lets: &[(LocalId, ExprId)]) -> String {
    match term {
        Term::Computed(id, _) => told(program, *id, lets),
        Term::Slot(slot) => program.slot(*slot).map(Slot::written).unwrap_or_default(),
        Term::Claim(slot, claim) | Term::Held(slot, claim, _) => {
            let auth = program.slot(*slot).map(Slot::written).unwrap_or_default();
            format!("{auth}.{claim}")
        }
        Term::Host => "req.host".to_owned(),
        Term::Method => "req.method".to_owned(),
        Term::Segment(_) | Term::Rest(_) | Term::Path => "req.path".to_owned(),
        Term::Stripped(_) => "req.header[\"connection\"]".to_owned(),
        Term::Unknown(..) => "the answer".to_owned(),
    }
}
