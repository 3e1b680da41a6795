//! `sys/health`, `sys/leader`: for load balancers and for the command line's `status`.

use axum::http::StatusCode;
use serde_json::json;
use vault_api::seal::Health;

use crate::VERSION;
use crate::http::answer::Answer;
use crate::http::context::{Context, OpenContext};
use crate::http::error::ApiError;
use crate::service::seal::SealState;

pub(in crate::http::routes) async fn read(context: OpenContext) -> Result<Answer, ApiError> {
    let fields = &context.request.fields;
    // Asked for so that all spellings are known; standby nodes do not exist here.
    fields.ignore(&[
        "standbyok",
        "perfstandbyok",
        "standbycode",
        "drsecondarycode",
        "performancestandbycode",
    ]);
    let status = context.app.seal.status();
    let state = status.state;
    let (name, default) = match state {
        SealState::Unsealed => ("activecode", StatusCode::OK),
        SealState::Sealed => ("sealedcode", StatusCode::SERVICE_UNAVAILABLE),
        SealState::Uninitialised => ("uninitcode", StatusCode::NOT_IMPLEMENTED),
    };
    let wanted = fields.count(name)?.and_then(|code| u16::try_from(code).ok());
    let code = match wanted.map(StatusCode::from_u16) {
        None => default,
        Some(Ok(code)) if code.as_u16() >= 200 => code,
        Some(_) => return Err(ApiError::invalid(format!("'{name}' must be an HTTP status code"))),
    };
    let cluster = status.cluster.clone().filter(|_| state == SealState::Unsealed);
    let health = Health {
        initialized: state != SealState::Uninitialised,
        sealed: state != SealState::Unsealed,
        standby: false,
        performance_standby: false,
        replication_performance_mode: "disabled".to_owned(),
        replication_dr_mode: "disabled".to_owned(),
        server_time_utc: context.request.now.as_secs(),
        version: VERSION.to_owned(),
        cluster_name: cluster.as_deref().map(super::seal::cluster_name),
        cluster_id: cluster,
    };
    let body = serde_json::to_value(health).map_err(|_| ApiError::Internal)?;
    Ok(Answer::raw(body).with_status(code))
}

pub(in crate::http::routes) async fn leader(_: OpenContext) -> Result<Answer, ApiError> {
    Ok(Answer::raw(json!({
        "ha_enabled": false,
        "is_self": false,
        "active_time": "0001-01-01T00:00:00Z",
        "leader_address": "",
        "leader_cluster_address": "",
        "performance_standby": false,
        "performance_standby_last_remote_wal": 0,
    })))
}

/// `sys/ha-status`: this node alone.
pub(in crate::http::routes) async fn nodes(context: Context) -> Result<Answer, ApiError> {
    let listener = &context.app.config.listener;
    let scheme = if listener.tls.is_some() { "https" } else { "http" };
    let api_address = format!("{scheme}://{}", listener.address);
    let node = json!({
        "hostname": hostname(),
        "api_address": api_address,
        "cluster_address": "",
        "active_node": true,
        "last_echo": null,
        "version": VERSION,
    });
    Ok(Answer::data(json!({ "nodes": [node] })).copied_to_top())
}

fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
