//! Messages that found no room in the commit of what they tell: one record for each receiver, from which they are queued.

use serde::{Deserialize, Serialize};

use super::delivery::Delivery;
use crate::clock::Timestamp;
use crate::id::{EventId, WebhookId};

/// Messages to one receiver that are still to be queued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// When they are due.
    pub due: Timestamp,
    /// The messages.
    pub deliveries: Vec<Delivery>,
}

impl Bundle {
    /// The first of them, at most so many, and the rest; `None`: nothing is left.
    #[must_use]
    pub fn split(mut self, at_most: usize) -> (Vec<Delivery>, Option<Self>) {
        let rest = self.deliveries.split_off(at_most.min(self.deliveries.len()));
        let first = std::mem::replace(&mut self.deliveries, rest);
        let rest = Some(self).filter(|rest| !rest.deliveries.is_empty());
        (first, rest)
    }
}

/// Where a bundle stands that begins with the message of `first`.
#[must_use]
pub fn bundle_key(webhook: WebhookId, first: EventId) -> Vec<u8> {
    [bundles_key(webhook).as_slice(), first.as_bytes()].concat()
}

/// Where the bundles of a webhook stand.
#[must_use]
pub fn bundles_key(webhook: WebhookId) -> Vec<u8> {
    [BUNDLE, webhook.as_bytes().as_slice()].concat()
}

/// What the keys of bundles begin with.
const BUNDLE: &[u8] = b"b";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;
    use crate::webhook::event::Event;
    use crate::webhook::rate::noted;

    #[test]
    fn a_bundle_is_taken_apart_from_the_front_and_its_key_says_whose_it_is() {
        let (now, entropy) = (Timestamp::from_secs(1_800_000_000), SeededEntropy::new(3));
        let deliveries: Vec<Delivery> =
            (0..5).map(|_| Delivery::of(&Event::test(EventId::generate(now, &entropy), now, "w"))).collect();
        let bundle = Bundle { due: now, deliveries: deliveries.clone() };
        let bytes = rmp_serde::to_vec_named(&bundle).unwrap();
        assert_eq!(rmp_serde::from_slice::<Bundle>(&bytes).unwrap(), bundle);
        let (first, rest) = bundle.split(3);
        let rest = rest.unwrap();
        assert_eq!((first.as_slice(), rest.due), (&deliveries[..3], now));
        assert_eq!(rest.split(3), (deliveries[3..].to_vec(), None));
        let webhook = WebhookId::generate(now, &entropy);
        let key = bundle_key(webhook, deliveries[0].event);
        assert!(key.starts_with(&bundles_key(webhook)));
        assert_eq!(noted(&key), Some((webhook, None)), "it goes with its webhook");
    }
}
