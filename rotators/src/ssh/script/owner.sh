# As the owner of the account: prepares the file that will take the place of authorized_keys.
m=$0
set -f
umask 077
say() {
    rm -f "$t"
    printf "%s %s\n" "$m" "$1"
    exit 0
}
f=.ssh/authorized_keys
t=.ssh/.rotunda
IFS= read -r line || say input
# Splits it: kind, key, comment.
set -- $line
key=$2
[ ${#key} -gt 60 ] || say input
cd "$HOME" 2>/dev/null || say no-home
[ -d .ssh ] || mkdir .ssh || say no-home
[ ! -h $f ] || say link
rm -f $t
# In a shell of its own: one that cannot redirect a builtin ends there and then.
(: >$t) 2>/dev/null || say full
if [ -e $f ]; then
    # What cannot be read whole must not be written back.
    [ -r $f ] || say odd-file
    [ "$(tr -d "\000" <$f | wc -c)" = "$(wc -c <$f)" ] || say odd-file
fi
place() {
    sync $t 2>/dev/null || sync
    mv -f $t $f || say full
    sync .ssh 2>/dev/null || sync
    say done
}
# A line of this key that is not a comment.
live="^[[:space:]]*[^#[:space:]].*$key"
