//! `sys/…`: what the server tells of itself and of where it runs, and settings that hold for all requests.

use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    list(
        "sys/version-history",
        "Lists the versions of the program that have served this vault, the oldest first.",
        data(&[
            must("keys", List(&Text), "The versions."),
            must("key_info", Map(&Object(INSTALLATION)), "What is known of each."),
        ]),
    ),
    read("sys/host-info", "Tells of the machine that the server runs on.", data(HOST_INFO)),
    read("sys/config/state/sanitized", "Tells the settings in force, without secrets.", data(STATE)),
    read(
        "sys/config/auditing/request-headers",
        "Lists the headers of requests that get into the audit trail.",
        Top(Object(&[must("headers", Map(&Object(&[HMAC])), "By name.")])),
    ),
    read(
        "sys/config/auditing/request-headers/<name>",
        "Tells how a header gets into the audit trail.",
        Top(Map(&Object(&[HMAC]))),
    )
    .takes(&[HEADER]),
    write(
        "sys/config/auditing/request-headers/<name>",
        "Puts a header of requests into the audit trail.",
        Nothing,
    )
    .takes(&[
        HEADER,
        may("hmac", Flag, "As a digest. False unless said; must be true where it carries a token."),
    ]),
    delete(
        "sys/config/auditing/request-headers/<name>",
        "Leaves a header out of the audit trail again.",
        Nothing,
    )
    .takes(&[HEADER]),
    read("sys/config/cors", "Tells from which web pages the vault may be asked.", Top(Object(CORS))),
    write("sys/config/cors", "Lets browsers ask the vault for web pages of other origins.", Nothing).takes(
        &[
            must("allowed_origins", List(&Text), "`scheme://host[:port]`, or `*` alone for all."),
            may("allowed_headers", List(&Text), "What pages may send beside the headers of Vault's clients."),
            may("allow_credentials", Flag, "Lets browsers send client certificates and the like, too."),
            may("enable", Flag, "Of no effect."),
        ],
    ),
    delete("sys/config/cors", "Lets browsers ask for no web page of another origin any more.", Nothing),
];

const INSTALLATION: &[Field] = &[
    must("timestamp_installed", Time, "When it unsealed the vault first."),
    must("build_date", Text, "When its source was last changed; empty where the build did not say."),
    must("commit_date", Text, "The same."),
    must("previous_version", OrNull(&Text), "What served before."),
];
const HOST_INFO: &[Field] = &[
    may("cpu", List(&Object(PROCESSOR)), "The processors."),
    may("cpu_times", List(&Object(TIMES)), "What they were busy with since the start, in seconds."),
    may("disk", List(&Object(DISK)), "The file systems on disks, in bytes."),
    may("host", Object(SYSTEM), "The system."),
    may("memory", Map(&Number), "The memory, in bytes."),
    must("timestamp", Time, "When it was read."),
];
const PROCESSOR: &[Field] = &[
    must("cpu", Count, "Its number."),
    must("vendorId", Text, ""),
    must("family", Text, ""),
    must("model", Text, ""),
    must("stepping", Count, ""),
    must("physicalId", Text, ""),
    must("coreId", Text, ""),
    must("cores", Count, ""),
    must("modelName", Text, ""),
    must("mhz", Number, ""),
    must("cacheSize", Count, "In KiB."),
    must("flags", List(&Text), ""),
    must("microcode", Text, ""),
];
const TIMES: &[Field] = &[
    must("cpu", Text, "Its name."),
    must("user", Number, ""),
    must("system", Number, ""),
    must("idle", Number, ""),
    must("nice", Number, ""),
    must("iowait", Number, ""),
    must("irq", Number, ""),
    must("softirq", Number, ""),
    must("steal", Number, ""),
    must("guest", Number, ""),
    must("guestNice", Number, ""),
];
const DISK: &[Field] = &[
    must("path", Text, "Where it is mounted."),
    must("fstype", Text, "Its kind."),
    must("total", Count, ""),
    must("free", Count, "For who is not root."),
    must("used", Count, ""),
    must("usedPercent", Number, ""),
    must("inodesTotal", Count, ""),
    must("inodesUsed", Count, ""),
    must("inodesFree", Count, ""),
    must("inodesUsedPercent", Number, ""),
];
const SYSTEM: &[Field] = &[
    must("hostname", Text, ""),
    must("uptime", Count, "In seconds."),
    must("bootTime", Count, "In seconds since 1970."),
    must("procs", Count, "How many processes there are."),
    must("os", Text, ""),
    must("platform", Text, "The distribution."),
    must("platformFamily", Text, ""),
    must("platformVersion", Text, ""),
    must("kernelVersion", Text, ""),
    must("kernelArch", Text, ""),
    must("virtualizationSystem", Text, "The container around; empty when none is seen."),
    must("virtualizationRole", Text, "`guest`, or empty."),
    must("hostid", Text, ""),
];
const STATE: &[Field] = &[
    must(
        "api_addr",
        Text,
        "By which address people reach it (`ui.external_url`); empty where it is not said.",
    ),
    must("cache_size", Count, "The store's cache, in bytes."),
    must("cluster_addr", Text, "Always empty."),
    must("cluster_name", Text, "Always empty: it is not a setting."),
    must("default_lease_ttl", Count, "In seconds."),
    must("max_lease_ttl", Count, "In seconds."),
    must("default_max_request_duration", Count, "In seconds."),
    must("disable_cache", Flag, "Always false."),
    must("disable_clustering", Flag, "Always true."),
    must("enable_ui", Flag, "Whether the dashboard is served at `/ui`."),
    must("introspection_endpoint", Flag, "Always false."),
    must("listeners", List(&Object(LISTENER)), "Where it listens."),
    must("log_format", Word(&["standard", "json"]), "The form of the log."),
    must("log_level", Text, "A level or a filter."),
    must("plugin_directory", Text, "Where plugins lie; empty where none run."),
    must("raw_storage_endpoint", Flag, "Always false."),
    must(
        "seals",
        List(&Object(&[
            must("type", Word(&["shamir", "passphrase"]), "The kind of seal."),
            must("disabled", Flag, "Always false."),
        ])),
        "The seal.",
    ),
    must(
        "storage",
        Object(&[
            must("type", Text, "The engine."),
            must("path", Text, "The directory."),
            must("cipher", Text, "The cipher of new records."),
            must("disable_clustering", Flag, "Always true."),
        ]),
        "The store.",
    ),
    must("audit_file", Text, "The chained audit file."),
    must(
        "limits",
        Object(&[
            must("body_bytes", Count, "The largest request."),
            must("requests_per_second", Count, "From one address; 0 is without limit."),
            must("connections", Count, "At once."),
        ]),
        "What requests are held to.",
    ),
    must(
        "reports",
        Object(&[
            must(
                "hourly_cost",
                OrNull(&Number),
                "What an hour of staff costs, where a request says nothing.",
            ),
            must("currency", OrNull(&Text), "What costs are counted in."),
        ]),
        "What reports reckon with.",
    ),
    must(
        "telemetry",
        Object(&[must("otlp_endpoint", OrNull(&Text), "Where traces go; null when none are made.")]),
        "What is told elsewhere.",
    ),
];
const LISTENER: &[Field] = &[
    must("type", Word(&["tcp"]), ""),
    must(
        "config",
        Object(&[
            must("address", Text, "The address."),
            must("tls_disable", Flag, "Whether it speaks plain HTTP."),
            may("tls_cert_file", Text, "The file of the certificate."),
            may("tls_key_file", Text, "The file of its key."),
        ]),
        "",
    ),
];
const HEADER: Field = must("name", Text, "The header's name, in any case of letters.");
const HMAC: Field = must("hmac", Flag, "Whether it stands there as a digest.");
const CORS: &[Field] = &[
    must("enabled", Flag, "Whether anything is asked about origins."),
    may("allowed_origins", List(&Text), "The origins; `*` for all."),
    may("allowed_headers", List(&Text), "What pages may send."),
    may("allow_credentials", Flag, "Whether browsers send client certificates and the like, too."),
];
