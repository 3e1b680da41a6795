//! The wire types: what one end reads is written so that the other end reads the same.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use vault_api::{AuthBlock, Envelope, ErrorBody, Listing};
use vault_api::{
    account, audit, checkout, consumer, incident, integrity, lease, password_policy, policy, pool, report,
};
use vault_api::{rotation, rotation_policy, seal, silence, target, token};

/// Reads `data` as each of them.
pub fn run(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    for check in CHECKS {
        check(&value);
    }
}

fn check<T: Serialize + DeserializeOwned>(value: &Value) {
    let Ok(read) = T::deserialize(value) else { return };
    let written = serde_json::to_value(&read).ok();
    let again = written.as_ref().and_then(|written| T::deserialize(written).ok());
    let rewritten = again.and_then(|again| serde_json::to_value(again).ok());
    assert!(written.is_some());
    assert_eq!(rewritten, written, "{}", std::any::type_name::<T>());
}

const CHECKS: &[fn(&Value)] = &[
    check::<Envelope<Value>>,
    check::<AuthBlock>,
    check::<ErrorBody>,
    check::<Listing>,
    check::<account::AccountConfig>,
    check::<account::AccountDelete>,
    check::<account::AccountHistory>,
    check::<account::AccountStatus>,
    check::<consumer::ConsumerList>,
    check::<account::Credential>,
    check::<account::StatusListing>,
    check::<account::Watched>,
    check::<audit::AuditHashRequest>,
    check::<audit::AuditHashResponse>,
    check::<checkout::CheckInRequest>,
    check::<checkout::CheckInResponse>,
    check::<checkout::CheckOutRequest>,
    check::<checkout::CheckOutResponse>,
    check::<checkout::HeldFacts>,
    check::<incident::ActRequest>,
    check::<incident::ActResponse>,
    check::<incident::AssignRequest>,
    check::<incident::FailureFacts>,
    check::<incident::Incident>,
    check::<incident::IncidentAccounts>,
    check::<incident::IncidentActions>,
    check::<incident::IncidentList>,
    check::<incident::MergeRequest>,
    check::<incident::NoteRequest>,
    check::<integrity::IntegrityReport>,
    check::<lease::LeaseInfo>,
    check::<lease::LeaseRequest>,
    check::<password_policy::GeneratedPassword>,
    check::<password_policy::PasswordPolicy>,
    check::<policy::PolicyRead>,
    check::<policy::PolicyWrite>,
    check::<pool::PoolCheckIn>,
    check::<pool::PoolCheckIns>,
    check::<pool::PoolCheckInRequest>,
    check::<pool::PoolCheckOut>,
    check::<pool::PoolConfig>,
    check::<pool::PoolStatus>,
    check::<report::AgeReport>,
    check::<report::DueReport>,
    check::<report::RotationReport>,
    check::<rotation::RotationFailure>,
    check::<rotation::RotationOutcome>,
    check::<rotation::RotationRequest>,
    check::<rotation_policy::RotationPolicy>,
    check::<seal::GenerateRoot>,
    check::<seal::Health>,
    check::<seal::InitRequest>,
    check::<seal::InitResponse>,
    check::<seal::KeyStatus>,
    check::<seal::Rekey>,
    check::<seal::RekeyRequest>,
    check::<seal::SealStatus>,
    check::<seal::ShareRequest>,
    check::<seal::UnsealRequest>,
    check::<silence::SilenceList>,
    check::<silence::SilenceRequest>,
    check::<target::TargetConfig>,
    check::<target::TargetCheck>,
    check::<target::TargetRead>,
    check::<target::TargetStatus>,
    check::<token::AccessorRequest>,
    check::<token::TokenCreate>,
    check::<token::TokenInfo>,
    check::<token::TokenRequest>,
];
