//! A target's circuit in the words of the API.

use vault_core::clock::Timestamp;
use vault_core::target::breaker::Circuit;

/// A circuit as it is told.
pub(super) fn circuit(circuit: Circuit) -> vault_api::target::Circuit {
    let outage = circuit.outage();
    let next = match circuit {
        Circuit::Open { until, .. } => Some(until),
        Circuit::Closed { .. } | Circuit::HalfOpen { .. } => None,
    };
    vault_api::target::Circuit {
        state: circuit.word().to_owned(),
        since: outage.map(|outage| outage.since.to_rfc3339()),
        next_probe: next.map(Timestamp::to_rfc3339),
        failures: outage.map(|outage| u64::from(outage.failures)),
        probes: outage.map(|outage| u64::from(outage.probes)),
    }
}
