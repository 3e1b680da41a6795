//! A login by AMQP 0-9-1, as far as the server's word on the password.
//!
//! The connection negotiation of the specification, section 4.2.2: our header, the server's `Start`, our
//! `Start-Ok` with name and password (SASL PLAIN, RFC 4616); then the server either goes on with `Tune`, or
//! refuses by `Close` 403, which it does because we say that we understand it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Login, Probe};
use vault_core::secret::SecretBytes;

use super::config::Config;
use crate::network::dial::{self, Wire};

/// Logs in afresh, and out again.
pub(super) async fn login(config: &Config, port: u16, login: &Login) -> Probe {
    let place = format!("{}:{port} (AMQP)", config.host);
    let fault = |class, what: &str| Probe::Inconclusive(Fault::new(class, format!("{place}: {what}")));
    let asked = async {
        let mut wire = match dial::open(&config.host, port, &config.reach, &place).await {
            Ok(wire) => wire,
            Err(fault) => return Probe::Inconclusive(fault),
        };
        match converse(&mut *wire, login).await {
            Some(Answer::Accepted) => Probe::Works,
            Some(Answer::Refused) => Probe::Refused,
            Some(Answer::Foreign) => fault(FaultClass::Preflight, "this is no AMQP 0-9-1 server"),
            Some(Answer::Closed) => fault(FaultClass::Unreachable, "the server could not complete the login"),
            None => fault(FaultClass::Unreachable, "the connection broke in the login"),
        }
    };
    match timeout(config.reach.connect_timeout, asked).await {
        Ok(probe) => probe,
        Err(_) => fault(FaultClass::Unreachable, "no login in time"),
    }
}

/// What the server made of the login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Accepted,
    Refused,
    /// It ended the connection for another reason.
    Closed,
    /// It speaks something else.
    Foreign,
}

async fn converse(wire: &mut dyn Wire, login: &Login) -> Option<Answer> {
    wire.write_all(HEADER).await.ok()?;
    wire.flush().await.ok()?;
    let Some(start) = method(wire).await? else { return Some(Answer::Foreign) };
    if start.get(..4)? != START {
        return Some(Answer::Foreign);
    }
    wire.write_all(start_ok(login).expose()).await.ok()?;
    wire.flush().await.ok()?;
    let Some(answer) = method(wire).await? else { return Some(Answer::Foreign) };
    Some(judge(&answer))
}

/// The payload of the next method on channel 0; `Some(None)` when that is no frame of this kind, `None`
/// when the connection ends.
async fn method(wire: &mut dyn Wire) -> Option<Option<Vec<u8>>> {
    let mut head = [0_u8; 7];
    wire.read_exact(&mut head).await.ok()?;
    let [kind, 0, 0, a, b, c, d] = head else { return Some(None) };
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?;
    if kind != METHOD || !(4..=PAYLOAD_BYTES_MAX).contains(&length) {
        return Some(None);
    }
    let mut payload = vec![0; length + 1];
    wire.read_exact(&mut payload).await.ok()?;
    Some((payload.pop() == Some(FRAME_END)).then_some(payload))
}

fn judge(method: &[u8]) -> Answer {
    match (method.get(..4), method.get(4..6)) {
        (Some(name), _) if name == TUNE => Answer::Accepted,
        (Some(name), Some(code)) if name == CLOSE && code == ACCESS_REFUSED => Answer::Refused,
        (Some(name), _) if name == CLOSE => Answer::Closed,
        _ => Answer::Foreign,
    }
}

/// The whole frame. It holds the password.
fn start_ok(login: &Login) -> SecretBytes {
    // Enough room from the start: growing would leave copies of the secret behind.
    let (name, password) = (login.username.as_bytes(), login.password.expose().as_bytes());
    let mut capability = Vec::new();
    short(&mut capability, b"authentication_failure_close");
    capability.extend_from_slice(b"t\x01");
    let mut properties = Vec::new();
    short(&mut properties, b"capabilities");
    properties.push(b'F');
    long(&mut properties, &[&capability]);
    let mut frame = Vec::with_capacity(name.len() + password.len() + properties.len() + 128);
    frame.extend_from_slice(&[METHOD, 0, 0]);
    // The length, once it is known.
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(&START_OK);
    long(&mut frame, &[&properties]);
    short(&mut frame, b"PLAIN");
    long(&mut frame, &[b"\0", name, b"\0", password]);
    short(&mut frame, b"en_US");
    let length = u32::try_from(frame.len().saturating_sub(7)).unwrap_or(u32::MAX).to_be_bytes();
    if let Some(place) = frame.get_mut(3..7) {
        place.copy_from_slice(&length);
    }
    frame.push(FRAME_END);
    SecretBytes::new(frame)
}

/// A short string; the texts are our own.
fn short(bytes: &mut Vec<u8>, text: &[u8]) {
    bytes.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    bytes.extend_from_slice(text);
}

/// A long string or a table, of these pieces.
fn long(bytes: &mut Vec<u8>, pieces: &[&[u8]]) {
    let length = pieces.iter().map(|piece| piece.len()).sum::<usize>();
    bytes.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    pieces.iter().for_each(|piece| bytes.extend_from_slice(piece));
}

const HEADER: &[u8] = b"AMQP\x00\x00\x09\x01";
const METHOD: u8 = 1;
const FRAME_END: u8 = 0xCE;
const START: [u8; 4] = [0, 10, 0, 10];
const START_OK: [u8; 4] = [0, 10, 0, 11];
const TUNE: [u8; 4] = [0, 10, 0, 30];
const CLOSE: [u8; 4] = [0, 10, 0, 50];
const ACCESS_REFUSED: [u8; 2] = 403_u16.to_be_bytes();
const PAYLOAD_BYTES_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use vault_core::secret::SecretString;

    use super::*;

    #[tokio::test]
    async fn the_servers_answer_decides_and_nonsense_never_counts_as_one() {
        let frame = |payload: &[u8]| {
            let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
            [&[1, 0, 0], length.as_slice(), payload, &[0xCE]].concat()
        };
        let start = frame(&[0, 10, 0, 10, 0, 9]);
        for (answer, want) in [
            (frame(&[0, 10, 0, 30, 0, 0]), Some(Answer::Accepted)),
            (frame(&[0, 10, 0, 50, 1, 147]), Some(Answer::Refused)),
            (frame(&[0, 10, 0, 50, 2, 18]), Some(Answer::Closed)),
            (frame(&[0, 10, 0, 20]), Some(Answer::Foreign)),
            (b"\x01\0\0\xFF\xFF\xFF\xFF".to_vec(), Some(Answer::Foreign)),
            (b"HTTP/1.1 400".to_vec(), Some(Answer::Foreign)),
            (frame(&[0, 10, 0, 30])[..9].to_vec(), None),
            (Vec::new(), None),
        ] {
            let (mut ours, mut theirs) = tokio::io::duplex(4096);
            theirs.write_all(&start).await.unwrap();
            theirs.write_all(&answer).await.unwrap();
            theirs.shutdown().await.unwrap();
            let login =
                Login { username: "app".to_owned(), password: SecretString::new("hunter2".to_owned()) };
            assert_eq!(converse(&mut ours, &login).await, want, "{answer:?}");
            drop(ours);
            let mut sent = Vec::new();
            theirs.read_to_end(&mut sent).await.unwrap();
            let said = &sent[HEADER.len()..];
            let length = u32::from_be_bytes(said[3..7].try_into().unwrap());
            assert_eq!((said.len(), said.last()), (usize::try_from(length).unwrap() + 8, Some(&0xCE)));
            assert!(said.windows(13).any(|window| window == b"\0app\0hunter2\x05"));
        }
    }
}
