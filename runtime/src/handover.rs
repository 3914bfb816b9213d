//! One process takes the place of another. The old one gives its listening sockets away over a Unix socket, goes on
//! serving until the new one says that it serves, and only then is told to drain.
//!
//! Sockets are handed over (`SCM_RIGHTS`) rather than opened a second time with `SO_REUSEPORT`: a connection that the
//! kernel has accepted stands in the queue of one socket, and is lost with it. What is handed over is the same socket, so
//! both processes take from the same queue, and nothing is lost whenever one of them stops. If the new process ends before
//! it serves, the old one has never stopped.
//!
//! What is said: the old process says `HELLO`, the length of a manifest, the manifest (JSON) and, in groups, a byte with
//! the sockets attached; the new one says `SERVES`.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};

use crate::gateway::{Listening, SocketKey, Sockets};

/// What a process says first; another version says something else.
const HELLO: &[u8; 8] = b"gw-take1";
/// What the new process says when it serves.
const SERVES: &[u8; 1] = b"s";
/// So many sockets are attached to a byte; Linux takes 253.
const GROUP: usize = 64;
/// The most sockets that are taken.
const MOST_SOCKETS: usize = 65_536;
/// The longest manifest that is read.
const MOST_MANIFEST: u32 = 16 << 20;
/// How long the other process may take for each piece of what it says.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the new process may take until it serves.
const LONGEST_START: Duration = Duration::from_secs(300);

/// What sockets are attached, in their order.
#[derive(Serialize, Deserialize)]
struct Manifest {
    listening: Vec<Entry>,
    admin: bool,
}

/// Some sockets at one address.
#[derive(Serialize, Deserialize)]
struct Entry {
    /// The address as the policy has it.
    bind: String,
    /// The listener, and the place among its `bind` lines, where the port is 0.
    of: Option<(String, usize)>,
    address: SocketAddr,
    sockets: usize,
}

/// What a new process has taken, until it serves.
#[derive(Debug)]
pub struct Taking {
    /// What it listens on from now on.
    pub sockets: Sockets,
    old: UnixStream,
}

/// Opens the place where sockets are given away, for processes of the same user alone. It is there at once, or stays as
/// it was.
pub fn open(path: &Path) -> io::Result<UnixListener> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let aside = Path::new(&name);
    // What is left of a process that had the same number.
    let _ = std::fs::remove_file(aside);
    let listener = UnixListener::bind(aside)?;
    std::fs::set_permissions(aside, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(aside, path)?;
    Ok(listener)
}

/// Takes the sockets of the process that gives them away at `path`; nothing, if there is none.
pub fn take(path: &Path) -> io::Result<Option<Taking>> {
    let mut old = match UnixStream::connect(path) {
        Ok(old) => old,
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => return Ok(None),
            _ => return Err(error),
        },
    };
    is_ours(&old)?;
    old.set_read_timeout(Some(PATIENCE))?;
    old.set_write_timeout(Some(PATIENCE))?;
    let mut start = [0; HELLO.len() + 4];
    old.read_exact(&mut start)?;
    let (hello, length) = start.split_at(HELLO.len());
    if hello != HELLO {
        return Err(malformed("the other process does not hand over as this one does"));
    }
    let length = length.try_into().map(u32::from_be_bytes).unwrap_or(u32::MAX);
    if length > MOST_MANIFEST {
        return Err(malformed("the other process hands over too much"));
    }
    let mut manifest = vec![0; length as usize];
    old.read_exact(&mut manifest)?;
    let manifest: Manifest = serde_json::from_slice(&manifest)?;
    let sockets = manifest.receive(&old)?;
    Ok(Some(Taking { sockets, old }))
}

impl Taking {
    /// Tells the old process that this one serves: it drains from now on.
    pub fn serves(mut self) -> io::Result<()> {
        self.old.write_all(SERVES)
    }
}

/// Gives `sockets` to the process at the other end, and waits until it serves. Blocks; the error says why it does not.
/// The number of that process.
pub fn give(mut new: UnixStream, sockets: &Sockets) -> io::Result<u32> {
    let number = is_ours(&new)?;
    new.set_nonblocking(false)?;
    new.set_write_timeout(Some(PATIENCE))?;
    new.set_read_timeout(Some(LONGEST_START))?;
    let manifest = serde_json::to_vec(&Manifest::of(sockets))?;
    let length = u32::try_from(manifest.len()).map_err(|_| malformed("too many sockets"))?;
    new.write_all(&[&HELLO[..], &length.to_be_bytes(), &manifest].concat())?;
    let listening = sockets.listening.iter().flat_map(|one| &one.sockets);
    let files: Vec<BorrowedFd<'_>> = listening.chain(&sockets.admin).map(AsFd::as_fd).collect();
    for group in files.chunks(GROUP) {
        send(&new, group)?;
    }
    let mut said = *b" ";
    match new.read(&mut said)? {
        1 if said == *SERVES => Ok(number),
        _ => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ended before it served")),
    }
}

impl Manifest {
    fn of(sockets: &Sockets) -> Manifest {
        let entry = |Listening { key, address, sockets }: &Listening| Entry {
            bind: key.bind.to_string(),
            of: key.of.as_ref().map(|(name, at)| (name.to_string(), *at)),
            address: *address,
            sockets: sockets.len(),
        };
        let listening = sockets.listening.iter().map(entry).collect();
        Manifest { listening, admin: sockets.admin.is_some() }
    }

    /// Takes the sockets that it tells of.
    fn receive(self, old: &UnixStream) -> io::Result<Sockets> {
        let told = self.listening.iter().map(|entry| entry.sockets);
        let told = told.fold(usize::from(self.admin), usize::saturating_add);
        if told > MOST_SOCKETS {
            return Err(malformed("the other process hands over too many sockets"));
        }
        let mut files = Vec::new();
        while files.len() < told {
            let before = files.len();
            receive(old, &mut files)?;
            if files.len() == before {
                return Err(malformed("the other process has not sent all of its sockets"));
            }
        }
        let mut files = files.into_iter().map(TcpListener::from);
        let mut sockets = Sockets::default();
        for Entry { bind, of, address, sockets: n } in self.listening {
            let bind = bind.parse().map_err(|_| malformed("an address is none"))?;
            let key = SocketKey { bind, of: of.map(|(name, at)| (name.into(), at)) };
            let own = files.by_ref().take(n).collect();
            sockets.listening.push(Listening { key, address, sockets: own });
        }
        sockets.admin = files.next();
        Ok(sockets)
    }
}

/// Sends a byte with these files attached.
fn send(to: &UnixStream, files: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(GROUP))];
    let mut attached = SendAncillaryBuffer::new(&mut space);
    if !attached.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(malformed("too many sockets at a time"));
    }
    sendmsg(to, &[IoSlice::new(b"f")], &mut attached, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives a byte and the files that are attached to it.
fn receive(from: &UnixStream, files: &mut Vec<OwnedFd>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(GROUP))];
    let mut attached = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let into = &mut [IoSliceMut::new(&mut byte)];
    recvmsg(from, into, &mut attached, RecvFlags::CMSG_CLOEXEC)?;
    for message in attached.drain() {
        if let RecvAncillaryMessage::ScmRights(more) = message {
            files.extend(more);
        }
    }
    Ok(())
}

/// Whether the process at the other end is of the same user, or of root; then its number.
fn is_ours(other: &UnixStream) -> io::Result<u32> {
    let other = rustix::net::sockopt::socket_peercred(other)?;
    let own = rustix::process::geteuid();
    if other.uid == own || other.uid.is_root() {
        return Ok(other.pid.as_raw_nonzero().get().unsigned_abs());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "the other process is of another user"))
}

fn malformed(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::BindAddress;

    fn sockets(n: usize) -> Sockets {
        let socket = || TcpListener::bind("127.0.0.1:0").unwrap();
        let address = "127.0.0.1:8080".parse().unwrap();
        let key = |of| SocketKey { bind: BindAddress::One(address), of };
        let named = Some(("web".into(), 1));
        let listening = vec![
            Listening { key: key(None), address, sockets: (0..n).map(|_| socket()).collect() },
            Listening { key: key(named), address, sockets: vec![socket()] },
        ];
        Sockets { listening, admin: Some(socket()) }
    }

    fn places(sockets: &Sockets) -> Vec<(SocketKey, Vec<SocketAddr>)> {
        let own =
            |one: &Listening| one.sockets.iter().map(|one| one.local_addr().unwrap()).collect();
        sockets.listening.iter().map(|one| (one.key.clone(), own(one))).collect()
    }

    #[test]
    fn sockets_arrive_whole_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("handover");
        assert!(take(&path).unwrap().is_none(), "there is nobody");
        let door = open(&path).unwrap();
        let given = sockets(GROUP * 2 + 3);
        let taken = std::thread::scope(|scope| {
            let taking = scope.spawn(|| take(&path).unwrap().unwrap());
            let giving = scope.spawn(|| give(door.accept().unwrap().0, &given));
            let Taking { sockets, old } = taking.join().unwrap();
            Taking { sockets: Sockets::default(), old }.serves().unwrap();
            assert_eq!(giving.join().unwrap().unwrap(), std::process::id());
            sockets
        });
        assert_eq!(places(&taken), places(&given));
        let address = |sockets: &Sockets| sockets.admin.as_ref().unwrap().local_addr().unwrap();
        assert_eq!(address(&taken), address(&given));
        drop(door);
        assert!(take(&path).unwrap().is_none(), "what is left of it is nobody");
    }

    #[test]
    fn who_ends_before_it_serves_has_taken_nothing_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("handover");
        let door = open(&path).unwrap();
        let given = sockets(1);
        std::thread::scope(|scope| {
            scope.spawn(|| drop(take(&path).unwrap()));
            let error = give(door.accept().unwrap().0, &given).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        });
    }

    #[test]
    fn what_is_no_gateway_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("handover");
        let door = open(&path).unwrap();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| door.accept().unwrap().0.write_all(b"HTTP/1.1 400 Bad"));
            assert_eq!(take(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
            other.join().unwrap().unwrap();
        });
    }
}
