//! Processors, and what they were busy with since the machine started.

use procfs::{CpuInfo, CpuTime, Current, CurrentSI, KernelStats};
use serde::Serialize;
use serde_json::Value;

use super::Unread;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Processor<'a> {
    cpu: usize,
    vendor_id: &'a str,
    family: &'a str,
    model: &'a str,
    stepping: u64,
    physical_id: &'a str,
    core_id: &'a str,
    cores: u64,
    model_name: &'a str,
    mhz: f64,
    cache_size: u64,
    flags: Vec<&'a str>,
    microcode: &'a str,
}

/// In seconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Times {
    cpu: String,
    user: f64,
    system: f64,
    idle: f64,
    nice: f64,
    iowait: f64,
    irq: f64,
    softirq: f64,
    steal: f64,
    guest: f64,
    guest_nice: f64,
}

pub(super) fn all() -> Result<Value, Unread> {
    let info = CpuInfo::current()?;
    let all: Vec<_> = (0..info.num_cores()).map(|cpu| processor(&info, cpu)).collect();
    Ok(serde_json::to_value(all)?)
}

fn processor(info: &CpuInfo, cpu: usize) -> Processor<'_> {
    // The second name is that of ARM.
    let text =
        |name, other| info.get_field(cpu, name).or_else(|| info.get_field(cpu, other)).unwrap_or_default();
    let count = |name| text(name, "").split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0);
    Processor {
        cpu,
        vendor_id: text("vendor_id", "CPU implementer"),
        family: text("cpu family", "CPU architecture"),
        model: text("model", "CPU part"),
        stepping: count("stepping"),
        physical_id: text("physical id", ""),
        core_id: text("core id", ""),
        cores: 1,
        model_name: text("model name", "Processor"),
        mhz: text("cpu MHz", "").parse().unwrap_or(0.0),
        cache_size: count("cache size"),
        flags: text("flags", "Features").split_whitespace().collect(),
        microcode: text("microcode", ""),
    }
}

pub(super) fn times() -> Result<Value, Unread> {
    let stats = KernelStats::current()?;
    let all: Vec<_> = stats.cpu_time.iter().enumerate().map(|(cpu, time)| spent(cpu, time)).collect();
    Ok(serde_json::to_value(all)?)
}

#[expect(clippy::cast_precision_loss, reason = "53 bits of milliseconds are longer than any machine runs")]
fn spent(cpu: usize, time: &CpuTime) -> Times {
    let seconds = |ms: u64| ms as f64 / 1000.0;
    let known = |ms: Option<u64>| seconds(ms.unwrap_or(0));
    Times {
        cpu: format!("cpu{cpu}"),
        user: seconds(time.user_ms()),
        system: seconds(time.system_ms()),
        idle: seconds(time.idle_ms()),
        nice: seconds(time.nice_ms()),
        iowait: known(time.iowait_ms()),
        irq: known(time.irq_ms()),
        softirq: known(time.softirq_ms()),
        steal: known(time.steal_ms()),
        guest: known(time.guest_ms()),
        guest_nice: known(time.guest_nice_ms()),
    }
}
