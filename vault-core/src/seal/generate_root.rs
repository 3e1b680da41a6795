//! A root token for who holds enough shares, masked with a one-time pad that only the asker knows.
//!
//! Base64, without padding, of the token's bytes XOR the pad's: share holders see the masked text pass by, and
//! nobody but the asker can read it.

use data_encoding::BASE64_NOPAD;
use zeroize::Zeroizing;

use super::config::Config;
use super::rekey::nonce;
use super::unseal::{Offer, UnsealError, Unsealing};
use crate::entropy::Entropy;
use crate::identity::PlainToken;
use crate::secret::{SecretBytes, SecretString};

/// The generation of a root token under way. Wiped when dropped.
#[derive(Debug)]
pub struct GenerateRoot {
    nonce: String,
    pad: SecretString,
    shares: Unsealing,
}

/// The asker's pad cannot mask a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("OTP string is wrong length: it must have {OTP_LENGTH} printable characters")]
pub struct OtpError;

impl GenerateRoot {
    /// Begins with the asker's pad, or with one that is drawn: then it comes back, to be shown once.
    ///
    /// # Errors
    /// [`OtpError`] for a pad that is not as long as a token.
    pub fn begin(
        config: &Config,
        pad: Option<SecretString>,
        entropy: &dyn Entropy,
    ) -> Result<(Self, Option<SecretString>), OtpError> {
        let drawn = match &pad {
            Some(_) => None,
            None => Some(PlainToken::random_text(OTP_LENGTH, entropy)),
        };
        let pad = pad.or_else(|| drawn.as_ref().map(SecretString::duplicate)).ok_or(OtpError)?;
        let fits = PlainToken::is_length(pad.expose().len());
        if !fits || !pad.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(OtpError);
        }
        Ok((Self { nonce: nonce(entropy), pad, shares: Unsealing::new(config) }, drawn))
    }

    /// Takes one share, or the passphrase; `true` when they prove the right to a root token.
    ///
    /// # Errors
    /// [`UnsealError`] as in an unseal.
    pub fn offer(&mut self, share: SecretBytes, entropy: &dyn Entropy) -> Result<bool, UnsealError> {
        Ok(matches!(self.shares.offer(share, entropy)?, Offer::Unsealed(_)))
    }

    /// Draws a token that is as long as the pad.
    #[must_use]
    pub fn draw(&self, entropy: &dyn Entropy) -> Option<PlainToken> {
        PlainToken::generate_of_length(self.pad.expose().len(), entropy)
    }

    /// The token under the pad.
    #[must_use]
    pub fn mask(&self, token: &PlainToken) -> String {
        let pairs = token.expose().bytes().zip(self.pad.expose().bytes());
        let masked = Zeroizing::new(pairs.map(|(token, pad)| token ^ pad).collect::<Vec<u8>>());
        BASE64_NOPAD.encode(&masked)
    }

    /// Names this generation.
    #[must_use]
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// Shares collected so far.
    #[must_use]
    pub fn progress(&self) -> u8 {
        self.shares.progress()
    }

    /// Shares needed.
    #[must_use]
    pub const fn required(&self) -> u8 {
        self.shares.threshold()
    }
}

/// Length of a pad, which is that of a token. The older form of tokens, with a pad of 26, is taken too.
pub const OTP_LENGTH: usize = 28;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::entropy::SeededEntropy;
    use crate::seal::{InitRequest, initialize};

    fn config() -> (Config, Vec<SecretBytes>) {
        let request = InitRequest::Shamir { shares: 3, threshold: 2 };
        let made = initialize(request, Timestamp::from_secs(1), &SeededEntropy::new(1)).unwrap();
        (made.config, made.shares)
    }

    fn unmask(masked: &str, pad: &str) -> String {
        let bytes = BASE64_NOPAD.decode(masked.as_bytes()).unwrap();
        String::from_utf8(bytes.iter().zip(pad.bytes()).map(|(byte, pad)| byte ^ pad).collect()).unwrap()
    }

    #[test]
    fn the_asker_reads_the_token_under_the_pad() {
        let ((config, shares), entropy) = (config(), SeededEntropy::new(2));
        let old = "abcdefghijklmnopqrstuvwxyz";
        for (pad, prefix) in [(None, "hvs."), (Some(old), "s.")] {
            let given = pad.map(|pad| SecretString::new(pad.to_owned()));
            let (mut round, drawn) = GenerateRoot::begin(&config, given, &entropy).unwrap();
            assert!(!round.offer(shares[2].duplicate(), &entropy).unwrap());
            assert_eq!((round.progress(), round.required()), (1, 2));
            assert!(round.offer(shares[0].duplicate(), &entropy).unwrap());
            let token = round.draw(&entropy).unwrap();
            let pad = pad.map_or_else(|| drawn.unwrap().expose().to_owned(), str::to_owned);
            assert!(token.expose().starts_with(prefix) && token.expose().len() == pad.len());
            assert_eq!(unmask(&round.mask(&token), &pad), token.expose());
            assert!(!format!("{round:?}").contains(&pad));
        }
    }

    #[test]
    fn a_pad_of_another_length_is_refused() {
        let ((config, _), entropy) = (config(), SeededEntropy::new(2));
        for pad in ["", "short", &"x".repeat(27), &"x".repeat(29), &"é".repeat(14)] {
            let pad = SecretString::new((*pad).to_owned());
            assert_eq!(GenerateRoot::begin(&config, Some(pad), &entropy).err(), Some(OtpError));
        }
    }
}
