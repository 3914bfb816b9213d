//! What is looked at in a region: thousands of routes may share its paths and ask for other values of one field than those
//! that differ there. They have no request with these, and are left out before anything is cut.

use std::collections::{HashMap, HashSet};

use lang::Value;
use lang::policy::Compare;
use lang::vocab::ExprId;

use crate::diff::regions::Region;
use crate::program::{Expr, Listener, Route};
use crate::proof::basis::{At, Basis, Side};

/// Texts of which each request that differs says one, by what says it.
pub(super) struct Focus<'b> {
    texts: HashMap<ExprId, HashSet<&'b str>>,
}

impl<'b> Focus<'b> {
    /// What all candidates ask that differ in the region.
    pub(super) fn of(
        basis: &'b Basis<'b>,
        sides: [(Side<'b>, &'b Listener); 2],
        region: &Region,
    ) -> Focus<'b> {
        let mut texts: Option<HashMap<ExprId, HashSet<&str>>> = None;
        for ((side, table), differing) in sides.iter().zip(&region.differing) {
            for route in differing.iter().filter_map(|at| route(basis, side, table, *at)) {
                let asked: HashMap<ExprId, &str> = asked(basis, route).collect();
                let texts = texts
                    .get_or_insert_with(|| asked.keys().map(|of| (*of, HashSet::new())).collect());
                texts.retain(|of, _| asked.contains_key(of));
                for (of, texts) in texts {
                    texts.extend(asked.get(of));
                }
            }
        }
        Focus { texts: texts.unwrap_or_default() }
    }

    /// Whether a candidate may take a request that differs. False is certain.
    pub(super) fn may_meet(
        &self,
        basis: &'b Basis<'b>,
        side: &Side<'b>,
        table: &'b Listener,
        at: At,
    ) -> bool {
        let Some(route) = route(basis, side, table, at) else { return true };
        asked(basis, route)
            .all(|(of, text)| self.texts.get(&of).is_none_or(|texts| texts.contains(text)))
    }
}

fn route<'b>(basis: &'b Basis<'b>, side: &Side<'b>, table: &Listener, at: At) -> Option<&'b Route> {
    let candidate = table.hosts.list.get(at.host)?.candidates.get(at.candidate)?;
    basis.route(side, candidate.route)
}

/// What has to be just one text for a route to take a request.
fn asked<'b>(basis: &'b Basis<'b>, route: &'b Route) -> impl Iterator<Item = (ExprId, &'b str)> {
    route.conditions.iter().filter_map(|(id, _)| {
        let Expr::Compare(Compare::Eq, of, text) = basis.program.expr(*id) else { return None };
        // It says the same wherever it is asked.
        let Expr::Slot(_) = basis.program.expr(*of) else { return None };
        let Expr::Const(Value::String(text)) = basis.program.expr(*text) else { return None };
        Some((*of, &**text))
    })
}
