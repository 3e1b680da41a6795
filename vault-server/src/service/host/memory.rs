//! Memory, in bytes.

use procfs::{Current, Meminfo};
use serde_json::{Value, json};

use super::{Unread, percent};

pub(super) fn read() -> Result<Value, Unread> {
    let info = Meminfo::current()?;
    let known = |bytes: Option<u64>| bytes.unwrap_or(0);
    let available = info.mem_available.unwrap_or(info.mem_free);
    let used = info.mem_total.saturating_sub(available);
    // The names are those of the library that Vault reads them with; `wired` and `laundry` are other systems'.
    Ok(json!({
        "total": info.mem_total,
        "available": available,
        "used": used,
        "usedPercent": percent(used, info.mem_total),
        "free": info.mem_free,
        "active": info.active,
        "inactive": info.inactive,
        "wired": 0,
        "laundry": 0,
        "buffers": info.buffers,
        "cached": info.cached,
        "writeback": info.writeback,
        "dirty": info.dirty,
        "writebacktmp": known(info.writeback_tmp),
        "shared": known(info.shmem),
        "slab": info.slab,
        "sreclaimable": known(info.s_reclaimable),
        "sunreclaim": known(info.s_unreclaim),
        "pagetables": known(info.page_tables),
        "swapcached": info.swap_cached,
        "commitlimit": known(info.commit_limit),
        "committedas": info.committed_as,
        "hightotal": known(info.high_total),
        "highfree": known(info.high_free),
        "lowtotal": known(info.low_total),
        "lowfree": known(info.low_free),
        "swaptotal": info.swap_total,
        "swapfree": info.swap_free,
        "mapped": info.mapped,
        "vmalloctotal": info.vmalloc_total,
        "vmallocused": info.vmalloc_used,
        "vmallocchunk": info.vmalloc_chunk,
        "hugepagestotal": known(info.hugepages_total),
        "hugepagesfree": known(info.hugepages_free),
        "hugepagesize": known(info.hugepagesize),
    }))
}
