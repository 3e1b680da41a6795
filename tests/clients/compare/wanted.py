"""Differences that are meant: a pattern of the title that compare.py prints, and why."""

FOLDED = "paths are folded here, where a Go server answers 307 or tells a slash at the end apart"
DEV_ROOT = "OpenBao's dev server makes its root token by auth/token/create; this one is the initial root token"
ONE_TABLE = "which methods a path lacks is told from one table here"
NOT_THERE = "not answered here: docs/compatibility.md"

WANTED = [
    (r"http/routes (27|28|29|30|31):", FOLDED),
    (r"http/routes (10|15|18|19|23|24):", ONE_TABLE),
    (r"http/headers (7|9):", DEV_ROOT),
    (r"http/headers 8:", "the word Bearer is taken in any case of letters, as RFC 9110 has it"),
    (r"http/headers 6:", "a foreign namespace is 404 everywhere"),
    (r"http/headers 19:", "a list parameter that is no boolean is a read"),
    (r"tokens/lookup 11:", DEV_ROOT),
    (r"http/headers (16|17|18|20|21):", "the list has both keys and policies"),
    (r"policies/texts (18|19|20):", "names are sorted, root among them; both keys and policies"),
    (r"sys/status (12|15):", "unsealing an unsealed server is 200"),
    (r"sys/status 9:", "the keys of Vault, which the command line shows"),
    (r"sys/status (17|18|19|20|21|22|26|27|28|29|30|31|32|36|37|38|39):", NOT_THERE),
    (r"sys/keys 5:", NOT_THERE),
    (r"mounts/kv (6|7|8):", FOLDED),
    (r"mounts/tune (12|14|19):", "which keys of the audit trail are plain is not a setting of a mount here"),
    (r"mounts/remount (2|16):", "the move has ended when it is answered"),
]
