//! Where an audit device writes: a file, a socket, the system's log.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs, UdpSocket};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use vault_core::schedule::span;

/// A place, and the way that is open to it.
pub(super) struct Sink {
    place: Place,
    way: Option<Box<dyn Write + Send>>,
}

/// Why a device was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// There is no such kind of device. The text is Vault's.
    #[error("unknown backend type: {0:?}")]
    UnknownType(String),
    /// An option is missing, or not understood; says what to mend.
    #[error("{0}")]
    Option(String),
    /// The file belongs to the vault itself.
    #[error("{0} belongs to the vault itself; name another file")]
    OwnFile(PathBuf),
    /// The place cannot be written.
    #[error("sanity check failed; unable to open {what} for writing: {source}")]
    Closed {
        /// Which place.
        what: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

enum Place {
    File { path: PathBuf, mode: u32 },
    Stdout,
    Discard,
    Tcp { address: String, timeout: Duration },
    Udp { address: String },
    Unix { path: PathBuf, timeout: Duration },
    Syslog { priority: u8, tag: String },
}

impl Sink {
    /// Reads what was asked for; nothing is opened yet.
    pub(super) fn of(kind: &str, options: &BTreeMap<String, String>) -> Result<Self, SpecError> {
        check_common(options)?;
        let text = |name: &str| options.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
        let place = match kind {
            "file" => file(
                text("file_path").or_else(|| text("path")).ok_or_else(|| missing("file_path is required"))?,
                text("mode"),
            )?,
            "socket" => socket(
                text("address").ok_or_else(|| missing("address is required"))?,
                text("socket_type").unwrap_or("tcp"),
                text("write_timeout"),
            )?,
            "syslog" => Place::Syslog {
                priority: priority(text("facility").unwrap_or("AUTH"))?,
                tag: text("tag").unwrap_or("rotunda").to_owned(),
            },
            other => return Err(SpecError::UnknownType(other.to_owned())),
        };
        Ok(Self { place, way: None })
    }

    /// The file that it writes, when it is one.
    pub(super) fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::File { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Opens the way now, to see whether it can be.
    pub(super) fn check(mut self) -> Result<Self, SpecError> {
        match self.place.open() {
            Ok(way) => {
                self.way = Some(way);
                Ok(self)
            }
            Err(source) => Err(SpecError::Closed { what: self.place.name(), source }),
        }
    }

    pub(super) fn close(&mut self) {
        self.way = None;
    }

    /// Writes one line. A way that fails is opened anew, once.
    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        let line = match &self.place {
            Place::Syslog { priority, tag } => format!("<{priority}>{tag}: {}", line.trim_end()),
            _ => line.to_owned(),
        };
        if let Some(way) = &mut self.way
            && way.write_all(line.as_bytes()).and_then(|()| way.flush()).is_ok()
        {
            return Ok(());
        }
        self.way = None;
        let mut way = self.place.open()?;
        way.write_all(line.as_bytes())?;
        way.flush()?;
        self.way = Some(way);
        Ok(())
    }
}

impl Place {
    fn name(&self) -> String {
        match self {
            Self::File { path, .. } | Self::Unix { path, .. } => format!("{:?}", path.display().to_string()),
            Self::Tcp { address, .. } | Self::Udp { address } => format!("{address:?}"),
            Self::Stdout => "stdout".to_owned(),
            Self::Discard => "nothing".to_owned(),
            Self::Syslog { .. } => "the system's log".to_owned(),
        }
    }

    fn open(&self) -> io::Result<Box<dyn Write + Send>> {
        Ok(match self {
            Self::File { path, mode } => Box::new(open_file(path, *mode)?),
            Self::Stdout => Box::new(io::stdout()),
            Self::Discard => Box::new(io::sink()),
            Self::Tcp { address, timeout } => {
                let to = address.to_socket_addrs()?.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
                let stream = TcpStream::connect_timeout(&to, *timeout)?;
                stream.set_write_timeout(Some(*timeout))?;
                Box::new(stream)
            }
            Self::Udp { address } => {
                let socket = UdpSocket::bind(("0.0.0.0", 0)).or_else(|_| UdpSocket::bind(("::", 0)))?;
                socket.connect(address)?;
                Box::new(Datagrams(move |line: &[u8]| socket.send(line)))
            }
            Self::Unix { path, timeout } => {
                let stream = UnixStream::connect(path)?;
                stream.set_write_timeout(Some(*timeout))?;
                Box::new(stream)
            }
            Self::Syslog { .. } => {
                let socket = UnixDatagram::unbound()?;
                socket.connect("/dev/log")?;
                socket.set_write_timeout(Some(WRITE_TIMEOUT))?;
                Box::new(Datagrams(move |line: &[u8]| socket.send(line)))
            }
        })
    }
}

/// A file that is appended to. Never a pipe or a device, which could hold up whoever opens it.
fn open_file(path: &Path, mode: u32) -> io::Result<File> {
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no ordinary file"));
    }
    OpenOptions::new().append(true).create(true).mode(mode).open(path)
}

/// A line a datagram.
struct Datagrams<F>(F);

impl<F: FnMut(&[u8]) -> io::Result<usize>> Write for Datagrams<F> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        (self.0)(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Options that every kind has. What would write secrets in the open is refused, not ignored.
fn check_common(options: &BTreeMap<String, String>) -> Result<(), SpecError> {
    let is =
        |name: &str, refused: &str| options.get(name).is_some_and(|text| text.eq_ignore_ascii_case(refused));
    let raw =
        options.get("log_raw").is_some_and(|text| !text.is_empty() && !is("log_raw", "false") && text != "0");
    if raw {
        return Err(missing("log_raw is not supported: secrets are never written in the open"));
    }
    if is("hmac_accessor", "false") || is("hmac_accessor", "0") {
        return Err(missing("hmac_accessor cannot be turned off"));
    }
    match options.get("format").map(String::as_str) {
        None | Some("" | "json") => {}
        Some(other) => {
            return Err(missing(format!("unknown format type {other:?}; only \"json\" is supported")));
        }
    }
    if options.get("prefix").is_some_and(|prefix| !prefix.is_empty()) {
        return Err(missing("prefix is not supported; leave it out"));
    }
    Ok(())
}

fn file(path: &str, mode: Option<&str>) -> Result<Place, SpecError> {
    let mode = match mode {
        None => 0o600,
        Some(text) => u32::from_str_radix(text, 8)
            .ok()
            .filter(|mode| *mode <= 0o777)
            .ok_or_else(|| missing("mode must be an octal number such as 0600"))?,
    };
    Ok(match path {
        "stdout" => Place::Stdout,
        "discard" => Place::Discard,
        path => Place::File {
            path: path.into(),
            // Zero leaves the mode of the file as it is, in Vault; a new one is for the vault alone.
            mode: if mode == 0 { 0o600 } else { mode },
        },
    })
}

fn socket(address: &str, kind: &str, timeout: Option<&str>) -> Result<Place, SpecError> {
    let timeout = match timeout.map(span::parse) {
        None | Some(Ok(None)) => WRITE_TIMEOUT,
        Some(Ok(Some(timeout))) => timeout,
        Some(Err(_)) => return Err(missing("write_timeout must be a duration such as \"2s\"")),
    };
    let address = address.to_owned();
    match kind {
        "tcp" | "tcp4" | "tcp6" => Ok(Place::Tcp { address, timeout }),
        "udp" | "udp4" | "udp6" => Ok(Place::Udp { address }),
        "unix" => Ok(Place::Unix { path: address.into(), timeout }),
        other => Err(missing(format!("unknown socket_type {other:?}; use tcp, udp or unix"))),
    }
}

/// The number that a line for the system's log begins with: the facility, and the level "informational".
fn priority(facility: &str) -> Result<u8, SpecError> {
    const NAMES: [&str; 24] = [
        "KERN", "USER", "MAIL", "DAEMON", "AUTH", "SYSLOG", "LPR", "NEWS", "UUCP", "CRON", "AUTHPRIV", "FTP",
        "", "", "", "", "LOCAL0", "LOCAL1", "LOCAL2", "LOCAL3", "LOCAL4", "LOCAL5", "LOCAL6", "LOCAL7",
    ];
    let at = NAMES.iter().position(|name| name.eq_ignore_ascii_case(facility));
    at.and_then(|at| u8::try_from(at * 8 + 6).ok())
        .ok_or_else(|| missing(format!("unknown facility {facility:?}")))
}

fn missing(text: impl Into<String>) -> SpecError {
    SpecError::Option(text.into())
}

/// As Vault's.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);
