//! A request on its way to an upstream, with all that is needed to send it, and to send it again later.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use crate::body::Body;
use crate::message::{Headers, Method, Request, Response, strip_hop_by_hop};
use crate::upgrade::{Tunnel, Upgrade};
use crate::upstream::{Failure, Terms, Timeouts, Upstream};

/// A request, ready to be sent.
pub(crate) struct Sending {
    pub(crate) upstream: Rc<Upstream>,
    pub(crate) request: Request,
    pub(crate) client: IpAddr,
    pub(crate) hash_key: Option<String>,
    pub(crate) takes_trailers: bool,
    pub(crate) timeouts: Timeouts,
    /// Whether the answer's header section is read as it came.
    pub(crate) reads_origin: bool,
}

/// An answer, from wherever.
pub(crate) struct Got {
    /// The status and, if it is read, the header section as they came.
    pub(crate) origin: (u16, Headers),
    /// The head, without what concerned the connection.
    pub(crate) response: Response,
    pub(crate) body: Body,
    pub(crate) tunnel: Option<Box<Tunnel>>,
    /// Who answered now, and after how many tries.
    pub(crate) from: Option<(SocketAddr, u32)>,
}

impl Sending {
    /// Sends it, and waits for the head of the answer.
    pub(crate) async fn fetch(
        &self,
        body: Body,
        upgrade: Option<&Upgrade>,
    ) -> Result<Got, Box<Failure>> {
        let terms = Terms {
            client: self.client,
            hash_key: self.hash_key.as_deref().map(str::as_bytes),
            excluded: &[],
            upgrade,
            takes_trailers: self.takes_trailers,
            timeouts: self.timeouts,
        };
        let answer = self.upstream.ask(&self.request, body, &terms).await?;
        let mut response = answer.response;
        let headers = if self.reads_origin { response.headers.clone() } else { Headers::new() };
        let origin = (response.status, headers);
        let switched = match response.status {
            101 => response.headers.get("upgrade").map(<[u8]>::to_vec),
            _ => None,
        };
        strip_hop_by_hop(&mut response.headers);
        if let Some(protocol) = switched {
            // RFC 9110, section 7.8: whoever switches says to what; the connection says that it is about itself.
            let _ = response.headers.append("upgrade", protocol);
        }
        let from = Some((answer.address, answer.tries));
        Ok(Got { origin, response, body: answer.body, tunnel: answer.tunnel, from })
    }

    /// The same with `GET`, for an answer that others may get too: without trailers.
    pub(crate) fn to_get(&self) -> Sending {
        let request = Request { method: Method::Get, ..self.request.clone() };
        Sending {
            upstream: Rc::clone(&self.upstream),
            request,
            client: self.client,
            hash_key: self.hash_key.clone(),
            takes_trailers: false,
            timeouts: self.timeouts,
            reads_origin: self.reads_origin,
        }
    }
}
