# The new password comes on standard input as chpasswd reads it, and only after we have said that we are ready.
if [ ! -w /etc ]; then fin read-only; fi
command -v chpasswd >/dev/null 2>&1 || fin no-tool
before=$hash
# Whatever is started from here on can be found by this, and ended.
ROTUNDA_MARK=$m
export ROTUNDA_MARK
printf "%s ready\n" "$m"
said=$(chpasswd 2>&1)
status=$?
shadow || fin torn
if [ "$hash" != "$before" ]; then
    if [ $status = 0 ]; then fin done; fi
    fin torn
fi
if [ $status = 0 ]; then fin unchanged; fi
case $said in
*[Ll]ock*) fin busy ;;
*"already used"*) fin torn ;;
*"BAD PASSWORD"* | *"pam_chauthtok"* | *"manipulation error"*) fin policy ;;
esac
fin failed
