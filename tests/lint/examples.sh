# Every example that we ship loads: etc/jail.conf, etc/examples, and those in
# the manual.  (A checkout need not be root's, so they are copied to a world
# where all is.)
[ -e /this-is-a-test-world ] ||
	exec sh "$top_srcdir/tests/unit/world" sh "$0"

cd "$top_srcdir" || exit 99
status=0
count=0

# load FILE NAME: FILE is a jail.conf, or a file of users.d if it says so.
load()
{
	rm -rf /conf
	mkdir -p /conf/users.d
	if head -n 1 "$1" | grep -q '^# users\.d$'; then
		cp etc/jail.conf /conf/jail.conf
		cp "$1" /conf/users.d/alice
		set -- "$1" "$2" alice
	else
		cp "$1" /conf/jail.conf
		set -- "$1" "$2"
	fi
	chmod -R go-w /conf
	chown -R 0:0 /conf
	said=$("$top_builddir/tests/unit/load_dir" /conf ${3:+"$3"} 2>&1) || {
		echo "FAIL: $2: $said"
		status=1
	}
	count=$((count + 1))
}

for file in etc/jail.conf etc/examples/*.conf; do
	load "$file" "$file"
done

# The blocks between .Bd -literal and .Ed in EXAMPLES, each to a file.
mkdir /blocks
awk '
	/^\.Sh/ { inside = $2 == "EXAMPLES" }
	/^\.Ed/ { block = "" }
	block { gsub(/\\&/, ""); print > block }
	inside && /^\.Bd -literal/ { block = sprintf("/blocks/%d", ++n) }
' man/jail.conf.5
for file in /blocks/*; do
	load "$file" "man/jail.conf.5, example ${file##*/}"
done

[ "$count" -ge 8 ] || {
	echo "FAIL: only $count examples found"
	status=1
}
exit "$status"
