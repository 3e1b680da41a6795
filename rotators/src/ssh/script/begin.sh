# What every script begins with. Its name ($0) is the mark of this very run: rotunda:<rotation>:<verb>:<nonce>.
# No script may hold an apostrophe: it travels between two of them.
m=$0
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
LC_ALL=C
export PATH LC_ALL
unset CDPATH ENV
set -f
printf "\n%s begin\n" "$m"
fin() {
    printf "%s end %s\n" "$m" "$1"
    exit 0
}
# The one line that each gets before it begins: a user name, or a mark to look for.
IFS= read -r u || fin input
[ "$(id -u)" = 0 ] || fin not-root
[ -r /proc/self/environ ] || fin no-proc
