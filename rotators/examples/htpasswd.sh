#!/bin/sh
# A rotator for users in an htpasswd file (name:hash, SHA-512 crypt), as web servers read it.
#
#   connection_url   file:///path/of/the/file
#   groups           a group file (group: name name ...), whose memberships are the rights that must stay
#
# The management credential is an entry of the file, too. Needs jq, openssl and flock. Secrets come by standard input
# and stay in this shell: printf is built in, so that no process list ever shows one.
set -eu

request=$(cat)
# All that is needed of it, in quotes that this shell takes off again.
eval "$(printf '%s' "$request" | jq -r '@sh "verb=\(.verb)
    url=\(.target.connection_url // "") groups=\(.target.settings.groups // "")
    keeper=\(.management.username // "") keepers_password=\(.management.password // "")
    name=\(.account.username // .login.username // "")
    candidate=\(.candidate // "") password=\(.login.password // "")"')"

# reply RESULT [JSON OF FURTHER FIELDS]
reply() {
    extra=${2:-}
    printf '%s' "$request" | jq -c --arg result "$1" --argjson extra "${extra:-{\}}" \
        '{protocol: 1, id: .id, result: $result} + $extra'
    exit 0
}
fault() { reply "$1" "$(jq -cn --arg class "$2" --arg detail "$3" '{fault: {class: $class, detail: $detail}}')"; }

if [ "$verb" = describe ]; then
    reply described '{"plugin": {"kind": "htpasswd", "version": "1.0",
        "settings": {"groups": {"about": "the group file"}},
        "username": {"bytes_max": 200, "refuses": ":"}, "password": {"bytes_max": 200}}}'
fi

# How a failure is said depends on the verb.
case $verb in
apply | retire) no=not_applied ;;
probe | verify) no=inconclusive ;;
*) no=fault ;;
esac

file=${url#file://}
[ -r "$file" ] || fault "$no" unreachable "the file cannot be read"

# The hash of a user; nothing when there is none. Names go by the environment, where awk takes no escapes in them.
hash_of() { NAME=$1 awk -F: '$1 "" == ENVIRON["NAME"] { print $2; exit }' "$file"; }
hash() { printf '%s\n' "$2" | openssl passwd -6 -salt "$1" -stdin; }

# accepts NAME PASSWORD: what a web server does at a login.
accepts() {
    there=$(hash_of "$1")
    salt=$(printf '%s' "$there" | cut -d'$' -f3)
    [ -n "$salt" ] && [ "$(hash "$salt" "$2")" = "$there" ]
}
managed() {
    accepts "$keeper" "$keepers_password" ||
        fault "$no" management_auth_refused "the file does not hold the management credential"
}
rights() {
    printf 'valid user\n'
    [ -z "$groups" ] || NAME=$1 awk -F: '{ n = split($2, who, " ")
        for (i = 1; i <= n; i++) if (who[i] "" == ENVIRON["NAME"]) print "member of " $1 }' "$groups"
}
as_json() { jq -Rcs 'split("\n") | map(select(. != ""))'; }
exists() { [ -n "$(hash_of "$name")" ] || fault "$no" account_missing "there is no such user in the file"; }

# Others change other lines of the same file. The kernel lets go of the lock when this process is gone.
lock() {
    exec 9>>"$file.lock" || fault "$no" permission_denied "the file's folder cannot be written to"
    flock -w 10 9 || fault "$no" unreachable "the file is locked by another"
}

case $verb in
check)
    managed
    [ -w "$(dirname "$file")" ] || fault fault permission_denied "the file's folder cannot be written to"
    reply report '{"report": {"server": "htpasswd file", "passed": ["the management credential is in it", "it can be replaced"]}}'
    ;;
preflight)
    managed
    exists
    [ -w "$(dirname "$file")" ] || fault fault permission_denied "the file's folder cannot be written to"
    reply rights "{\"rights\": $(rights "$name" | as_json)}"
    ;;
apply)
    managed
    exists
    if accepts "$name" "$candidate"; then reply applied; fi
    lock
    new=$(mktemp "$file.rotunda-XXXXXX") || fault not_applied permission_denied "the file's folder cannot be written to"
    cp -p "$file" "$new" # owner and mode
    salt=$(openssl rand -hex 8)
    hash "$salt" "$candidate" | NAME=$name awk -F: '
        NR == FNR { hash = $0; next }
        $1 "" == ENVIRON["NAME"] { print $1 ":" hash; next }
        { print }' - "$file" >"$new"
    sync "$new"
    # The one step that counts, and it is whole or not at all.
    mv "$new" "$file" || fault unknown ambiguous "the file was not replaced in order"
    reply applied
    ;;
settle)
    # The vault has ended whatever ran before this. A file that was half written never took the other's place.
    managed
    lock
    rm -f "$file".rotunda-??????
    reply settled
    ;;
probe)
    if accepts "$name" "$password"; then reply works; fi
    reply refused
    ;;
verify)
    accepts "$name" "$password" || fault refused verify_refused "the file holds another password"
    now=$(rights "$name" | as_json)
    lost=$(printf '%s' "$request" | jq -c --argjson now "$now" '.rights - $now')
    [ "$lost" = '[]' ] || reply rights_lost "{\"rights\": $lost}"
    reply verified
    ;;
retire)
    # The new hash has taken the old one's place.
    reply applied
    ;;
end_sessions)
    managed
    fault fault permission_denied "a file has no sessions; the web server may have"
    ;;
*)
    fault fault preflight "unknown verb"
    ;;
esac
