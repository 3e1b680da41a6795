[ -e $f ] || say done
grep -q "$live" $f || say done
grep -v "$live" $f >$t
[ $? -le 1 ] || say full
place
