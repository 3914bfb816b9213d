//! The endpoints of an upstream as one core sees them: the shared set, and this core's seat for each of its places.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use tokio::time::Instant;

use super::config::Limits;
use super::endpoint::{Endpoint, EndpointSet};
use super::pool::Seat;
use super::standing::EjectConfig;
use crate::balance::Seats;

/// A set and its seats, place by place.
#[derive(Default)]
pub(super) struct View {
    pub(super) set: Arc<EndpointSet>,
    pub(super) seats: Vec<Rc<Seat>>,
}

/// A view for one pick.
pub(super) struct Open<'a> {
    view: &'a View,
    excluded: &'a [SocketAddr],
    open: Openness,
    eject: Option<&'a EjectConfig>,
    /// Whoever has less than this share of its requests is passed over; drawn once, so that all questions of a pick are
    /// answered alike.
    ticket: Cell<Option<f32>>,
}

/// Which endpoints may be picked.
#[derive(Clone, Copy)]
pub(super) enum Openness {
    /// Healthy ones, not ejected, which could be connected to lately; those that have just come back seldom.
    Fresh(Instant),
    /// Healthy ones, not ejected.
    Healthy(Instant),
    /// All of them.
    Any,
}

impl View {
    /// The view of another set: places that stay keep their seats, and so their connections and counts.
    pub(super) fn next(&self, set: Arc<EndpointSet>, limits: &Limits) -> View {
        let seats = set.list.iter().map(|endpoint| {
            let before = self.set.list.iter().position(|known| known.is_same_place(endpoint));
            let seat = before.and_then(|place| self.seats.get(place)).cloned();
            seat.unwrap_or_else(|| Rc::new(Seat::new(limits)))
        });
        View { seats: seats.collect(), set: set.clone() }
    }

    /// The seats for one pick.
    pub(super) fn open<'a>(
        &'a self,
        excluded: &'a [SocketAddr],
        open: Openness,
        eject: Option<&'a EjectConfig>,
    ) -> Open<'a> {
        Open { view: self, excluded, open, eject, ticket: Cell::new(None) }
    }
}

impl Open<'_> {
    /// Whether `endpoint` is not ejected and, where it has just come back, has its turn.
    fn stands(&self, endpoint: &Endpoint, now: Instant, slowly: bool) -> bool {
        let Some(eject) = self.eject else { return true };
        if endpoint.standing.ejected(now).is_some() {
            return false;
        }
        let share = endpoint.standing.share(eject, now);
        if !slowly || share >= 1.0 {
            return true;
        }
        let ticket = self.ticket.get().unwrap_or_else(fastrand::f32);
        self.ticket.set(Some(ticket));
        ticket < share
    }
}

impl Seats for Open<'_> {
    fn count(&self) -> usize {
        self.view.seats.len()
    }

    fn generation(&self) -> u64 {
        self.view.set.generation
    }

    fn id(&self, seat: usize) -> u64 {
        self.view.set.list.get(seat).map_or(0, |endpoint| endpoint.id)
    }

    fn weight(&self, seat: usize) -> u32 {
        self.view.set.list.get(seat).map_or(0, |endpoint| endpoint.weight)
    }

    fn active(&self, seat: usize) -> u32 {
        self.view.seats.get(seat).map_or(0, |seat| seat.active.get())
    }

    fn open(&self, seat: usize) -> bool {
        let (Some(endpoint), Some(seat)) =
            (self.view.set.list.get(seat), self.view.seats.get(seat))
        else {
            return false;
        };
        let open = match self.open {
            Openness::Fresh(now) => {
                endpoint.is_usable() && !seat.is_resting(now) && self.stands(endpoint, now, true)
            }
            Openness::Healthy(now) => endpoint.is_usable() && self.stands(endpoint, now, false),
            Openness::Any => true,
        };
        open && !self.excluded.contains(&endpoint.address)
    }
}
