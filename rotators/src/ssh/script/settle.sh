# Ends everything that bears a mark which begins with the given text, and waits until it is gone: the shells
# by their name, what they started by its environment. Twice nothing in a row is nothing: a process that is
# just being replaced by its program shows neither for a moment.
set +f
signal=TERM
tries=0
clear=0
while :; do
    found=$(printf "%s\n" "$u" | grep -lF -f - /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null)
    [ $? -le 2 ] || fin no-tool
    if [ -z "$found" ]; then
        clear=$((clear + 1))
        if [ $clear = 2 ]; then fin done; fi
    else
        clear=0
        for p in $found; do
            p=${p#/proc/}
            kill -$signal "${p%%/*}" 2>/dev/null
        done
    fi
    tries=$((tries + 1))
    if [ $tries -ge 10 ]; then signal=KILL; fi
    if [ $tries -ge 60 ]; then fin left; fi
    sleep 0.05 2>/dev/null || sleep 1
done
