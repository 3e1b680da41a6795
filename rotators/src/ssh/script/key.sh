# The line of the key comes on standard input after we have said that we are ready. It is written as the
# owner of the account, who may have put links in the way that root must not follow.
command -v su >/dev/null 2>&1 || fin no-tool
ROTUNDA_MARK=$m
export ROTUNDA_MARK
printf "%s ready\n" "$m"
said=$(su -s /bin/sh "$u" -c "$1" "$m" 2>/dev/null)
case $said in
*"$m done"*) fin done ;;
*"$m input"*) fin input ;;
*"$m no-home"*) fin no-home ;;
*"$m link"*) fin link ;;
*"$m odd-file"*) fin odd-file ;;
*"$m full"*) fin full ;;
esac
fin torn
