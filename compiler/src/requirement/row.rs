//! Conditions of a route, asked one after the other of what those before them leave of its requests. What they ask is read
//! and cut once for all of them: thousands of lines may ask the same header field.

use lang::policy::LocalId;
use lang::segment::captures;
use lang::vocab::ExprId;

use super::Met;
use crate::program::Route;
use crate::space::{Cut, Env, Formula, Set, Space, Undecided};

/// Conditions in the order in which they are asked.
pub(super) struct Row {
    /// The place of each among the conditions of the route.
    places: Vec<usize>,
    n_asked: usize,
    /// What is left by each path of the route.
    by_path: Vec<Left>,
}

/// What the conditions asked so far leave.
struct Left {
    space: Space,
    formulas: Vec<Formula>,
    set: Result<Set, Undecided>,
}

impl Row {
    /// Nothing asked yet: all that the route takes is left. It makes at most `limit` nodes for a path.
    pub(super) fn new<'p>(
        route: &Route,
        conditions: &[(usize, ExprId)],
        lets: &[(LocalId, ExprId)],
        (cut, limit): (impl Fn() -> Cut<'p>, usize),
    ) -> Result<Row, Undecided> {
        let mut by_path = Vec::with_capacity(route.paths.len());
        for (path, _) in &route.paths {
            let captures = captures(path);
            let env = Env { captures: &captures, locals: lets };
            let mut cut = cut();
            let hosts = route.hosts.iter().map(|(host, _)| cut.host(host)).collect();
            let methods = route.methods.as_ref().map(|(methods, _)| &**methods);
            let taken = vec![Formula::any(hosts), cut.path(path), cut.methods(methods)];
            let formulas = conditions.iter().map(|(_, id)| cut.condition(*id, env)).collect();
            let mut space = cut.finish(limit)?;
            let set = space.set(&Formula::All(taken));
            by_path.push(Left { space, formulas, set });
        }
        let places = conditions.iter().map(|(place, _)| *place).collect();
        Ok(Row { places, n_asked: 0, by_path })
    }

    /// Whether what else is asked takes nothing from what is known of one of them.
    pub(super) fn is_exact(&self) -> bool {
        self.by_path.iter().all(|left| left.space.is_exact())
    }

    /// Who meets the condition at this place, behind those that were asked before, of the requests that are left.
    pub(super) fn ask(&mut self, place: usize) -> Result<Met, Undecided> {
        let mut met = Ok(Met::BySome);
        while self.places.get(self.n_asked).is_some_and(|next| *next <= place) {
            met = self.next();
        }
        met
    }

    /// Whether all were asked.
    pub(super) fn is_at_end(&self) -> bool {
        self.n_asked >= self.places.len()
    }

    fn next(&mut self) -> Result<Met, Undecided> {
        let at = self.n_asked;
        self.n_asked += 1;
        let of_paths: Vec<_> = self.by_path.iter_mut().map(|left| left.ask(at)).collect();
        let mut all: Option<Met> = None;
        for met in of_paths {
            let Some(met) = met? else { continue };
            if met == Met::BySome || all.is_some_and(|all| all != met) {
                return Ok(Met::BySome);
            }
            all = Some(met);
        }
        Ok(all.unwrap_or(Met::BySome))
    }
}

impl Left {
    /// Who meets the next condition of the requests that are left; nothing, where none is.
    fn ask(&mut self, at: usize) -> Result<Option<Met>, Undecided> {
        let before = self.set?;
        let formula = self.formulas.get(at).ok_or(Undecided)?;
        self.set = self.space.within(before, formula);
        Ok(match self.set? {
            _ if before == Set::NONE => None,
            Set::NONE => Some(Met::ByNone),
            left if left == before => Some(Met::ByAll),
            _ => Some(Met::BySome),
        })
    }
}
