/* SPDX-License-Identifier: ISC */
#include "conf.h"

#include <errno.h>

#define JAIL(keys) "jails = { web = { " keys " }; };"
#define BIND(keys) JAIL("binds = ( { " keys " } );")
#define RULE(keys) "jails = { web = { }; };\nrules = ( { " keys " } );"
#define PORTS	   "ports = { range = \"20000-29999\"; each = 10; };\n"
#define SYNTAX                                                                 \
	"syntax error here, or something is missing before (; or \" or })"

/* Every way to be wrong, and the words the administrator reads. */
static const struct {
	const char *text;
	const char *error; /* after the file's name; NULL: loads */
} cases[] = {
	{ "# nothing\n/* but */ // comments\njails = { };", NULL },
	{ JAIL(""), NULL },
	{ JAIL("root = \"/srv/%u\"; writable = true; uid = 5; gid = 6;"),
	  NULL },
	{ RULE("uid = \"20000-29999\"; jail = \"web\";"), NULL },

	/* not libconfig */
	{ "jails = {\n", ":2: " SYNTAX },
	{ "jails = { };\nrules = ( { user = \"a }\n",
	  ":2: a string begins here and does not end" },
	{ "jails = { };\n\"\nrules = ( );\n",
	  ":2: a string begins here and does not end" },
	{ "jails = { };\n\"\\\"\n\\",
	  ":2: a string begins here and does not end" },
	{ "jails = { };\n/* rules = ( );\n",
	  ":2: a comment begins here and does not end" },
	{ "jails = { };\n/*/\n", ":2: a comment begins here and does not end" },
	{ "jails {}\n", ":1: " SYNTAX },
	{ "@include \"more.conf\"\n",
	  ":1: @include is not supported: put all jails and rules into "
	  "jail.conf, and single accounts into users.d" },
	{ "jails = { };\n\t @include \"more.conf\"\n",
	  ":2: @include is not supported: put all jails and rules into "
	  "jail.conf, and single accounts into users.d" },
	{ "# @include \"more.conf\"\n/*\n@include */\njails = {};", NULL },
	{ JAIL("env = { A = \"\n@include\"; };"),
	  ":1: \"A\" has a control character in it" },
	{ JAIL("shell = \"/bin/sh\\x00 or so\";"), ":1: \\x00 in a string" },
	{ JAIL("shell = \"/bin/\\\\\";"), NULL },

	/* unknown, twice */
	{ "jial = { };",
	  ":1: unknown key \"jial\" here; jail.conf(5) has the list" },
	{ "jails = { web = {\nrooot = \"host\"; }; };",
	  ":2: unknown key \"rooot\" here; jail.conf(5) has the list" },
	{ JAIL("former_shell = \"/bin/sh\";"),
	  ":1: unknown key \"former_shell\" here; jail.conf(5) has the list" },
	{ JAIL("jail = \"web\";"),
	  ":1: unknown key \"jail\" here; jail.conf(5) has the list" },
	{ "jails = { };\njails = { };", ":2: duplicate setting name" },
	{ "jails = { web = { };\nweb = { }; };", ":2: duplicate setting name" },
	{ JAIL("uid = 1;\nuid = 1;"), ":2: duplicate setting name" },

	/* wrong type */
	{ "jails = ( );",
	  ":1: \"jails\" must be a group, as in { key = value; }" },
	{ "jails = { web = 1; };",
	  ":1: \"web\" must be a group, as in { key = value; }" },
	{ "rules = { };", ":1: \"rules\" must be a list of groups, as in "
			  "( { key = value; }, { key = value; } )" },
	{ "rules = ( 1 );", ":1: \"rules\" must be a list of groups, as in "
			    "( { key = value; }, { key = value; } )" },
	{ "exempt_groups = \"sudo\";",
	  ":1: \"exempt_groups\" must be a list of strings, as in "
	  "[ \"a\", \"b\" ]" },
	{ "exempt_groups = [ 1 ];",
	  ":1: \"exempt_groups\" must be a string, as in \"text\"" },
	{ "exempt_groups = [ \"a\",\n1 ];",
	  ":2: mismatched element type in array" },
	{ JAIL("root = true;"),
	  ":1: \"root\" must be a string, as in \"text\"" },
	{ JAIL("writable = 1;"), ":1: \"writable\" must be true or false" },
	{ JAIL("network = \"own\";"),
	  ":1: \"network\" must be \"host\", \"none\" or \"private\"" },
	{ JAIL("passwd = \"own\";"),
	  ":1: \"passwd\" must be \"generated\" or \"tree\"" },

	/* names */
	{ "jails = { Web = { }; };",
	  ":1: \"Web\" cannot be the name of a jail: at most 32 of a-z 0-9 _ "
	  "-, a letter or _ first" },
	{ "jails = { a = { inherit = \"wbe\"; }; };", ":1: no such jail: wbe" },
	{ RULE("user = \"a\"; jail = \"wbe\";"), ":2: no such jail: wbe" },
	{ RULE("user = \"a\";"), ":2: this rule names no jail" },
	{ "jails = { a = { inherit = \"b\"; };\nb = { inherit = \"a\"; }; };",
	  ":1: jail \"a\" inherits from itself, or more than 16 jails deep" },
	{ "jails = { a = { inherit = \"a\"; }; };",
	  ":1: jail \"a\" inherits from itself, or more than 16 jails deep" },

	/* whence and how */
	{ RULE("address = [ \"192.0.2.0/24\", \"2001:db8::/32\" ]; "
	       "jail = \"web\";"),
	  NULL },
	{ RULE("address = \"192.0.2.1/24\"; jail = \"web\";"),
	  ":2: \"192.0.2.1/24\" is not an address, or a range as in "
	  "\"192.0.2.0/24\"" },
	{ RULE("address = \"192.0.2.0/33\"; jail = \"web\";"),
	  ":2: \"192.0.2.0/33\" is not an address, or a range as in "
	  "\"192.0.2.0/24\"" },
	{ RULE("address = \"host.example\"; jail = \"web\";"),
	  ":2: \"host.example\" is not an address, or a range as in "
	  "\"192.0.2.0/24\"" },
	{ RULE("key = \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me\"; "
	       "jail = \"web\";"),
	  NULL },
	{ RULE("key = \"SHA256:AAAAC3NzaC1lZDI1NTE5\"; jail = \"web\";"),
	  ":2: \"SHA256:AAAAC3NzaC1lZDI1NTE5\" is not a public key, as in "
	  "\"ssh-ed25519 AAAA...\"" },
	{ RULE("key = \"ssh-ed25519\"; jail = \"web\";"),
	  ":2: \"ssh-ed25519\" is not a public key, as in "
	  "\"ssh-ed25519 AAAA...\"" },

	/* numbers */
	{ JAIL("uid = 0;"),
	  ":1: \"uid\" must be a whole number from 1 to 4294967294" },
	{ JAIL("uid = -1;"),
	  ":1: \"uid\" must be a whole number from 1 to 4294967294" },
	{ JAIL("uid = 4294967295L;"),
	  ":1: \"uid\" must be a whole number from 1 to 4294967294" },
	{ JAIL("uid = 4294967294L;"), NULL },
	{ JAIL("uid = 1.5;"),
	  ":1: \"uid\" must be a whole number from 1 to 4294967294" },
	{ JAIL("uid = 4294967297;"),
	  ":1: the number 4294967297 is too large for an int: put an L behind "
	  "it" },
	{ JAIL("uid = 0x1FFFFFFFF;"),
	  ":1: the number 0x1FFFFFFFF is too large for an int: put an L behind "
	  "it" },
	{ JAIL("uid = 18446744073709551617;"),
	  ":1: the number 18446744073709551617 is too large" },
	{ JAIL("uid = 9223372036854775808L;"),
	  ":1: the number 9223372036854775808L is too large" },
	{ JAIL("env = { A2222222222222 = \"22222222222222\"; };"), NULL },
	{ JAIL("linger = -1;"),
	  ":1: \"linger\" must be a whole number from 0 to 31536000" },
	{ JAIL("linger = \"always\";"),
	  ":1: \"linger\" must be a whole number from 0 to 31536000" },
	{ JAIL("linger = \"forever\";"), NULL },
	{ JAIL("seccomp = \"batch\";"), NULL },
	{ JAIL("seccomp = { };"), NULL },
	{ JAIL("seccomp = { profile = \"ide\"; allow = [ \"keyctl\" ]; "
	       "deny = [ \"open_tree_attr\" ]; };"),
	  NULL },
	{ JAIL("seccomp = \"lgoin\";"),
	  ":1: \"seccomp\" must be \"login\", \"ide\", \"batch\" or "
	  "\"none\"" },
	{ JAIL("seccomp = { profile = \"\"; };"),
	  ":1: \"profile\" must be \"login\", \"ide\", \"batch\" or "
	  "\"none\"" },
	{ JAIL("seccomp = false;"),
	  ":1: \"seccomp\" must be a profile, as in \"login\", or a group, "
	  "as in { profile = \"login\"; allow = [ \"mount\" ]; }" },
	{ JAIL("seccomp = { allowed = [ ]; };"),
	  ":1: unknown key \"allowed\" here; jail.conf(5) has the list" },
	{ JAIL("seccomp = {\nallow = [ \"mount\",\n\"muont\" ]; };"),
	  ":3: allow: no such system call: muont" },
	{ JAIL("seccomp = { deny = [ \"16\" ]; };"),
	  ":1: deny: no such system call: 16" },
	{ JAIL("seccomp = { deny = \"mount\"; };"),
	  ":1: \"deny\" must be a list of strings, as in [ \"a\", \"b\" ]" },
	{ JAIL("seccomp = { allow = [ \"kcmp\" ];\ndeny = [ \"kcmp\" ]; };"),
	  ":2: deny: kcmp is in \"allow\" as well" },
	{ JAIL("seccomp = { deny = [ \"prctl\" ]; };"),
	  ":1: deny: prctl cannot be refused, the jail itself needs it" },
	{ JAIL("seccomp = { deny = [ \"chmod\", \"capset\" ]; };"),
	  ":1: deny: capset cannot be refused, the jail itself needs it" },
	{ JAIL("seccomp = { profile = \"none\"; deny = [ \"kcmp\" ]; };"),
	  ":1: \"seccomp\": with the profile \"none\" there is no filter to "
	  "add to" },
	{ JAIL("abstract_sockets = \"jail\";"),
	  ":1: \"abstract_sockets\" must be \"host\" or \"session\"" },
	{ JAIL("umask = 022;"), ":1: \"umask\" must be octal digits in quotes, "
				"as in \"022\"" },
	{ JAIL("umask = \"8\";"),
	  ":1: \"umask\" must be octal, from \"0\" to \"777\"" },
	{ JAIL("umask = \"1777\";"),
	  ":1: \"umask\" must be octal, from \"0\" to \"777\"" },
	{ JAIL("umask = \"\";"),
	  ":1: \"umask\" must be octal, from \"0\" to \"777\"" },

	/* paths and templates */
	{ JAIL("root = \"tree\";"),
	  ":1: \"root\" must be \"host\" or an absolute path below /" },
	{ JAIL("root = \"/\";"),
	  ":1: \"root\" must be \"host\" or an absolute path below /" },
	{ JAIL("root = \"/srv/%x\";"),
	  ":1: \"/srv/%x\": %x means nothing; there are %u %U %g %G %h and "
	  "%%" },
	{ JAIL("hostname = \"100%\";"),
	  ":1: \"100%\": % means nothing; there are %u %U %g %G %h and %%" },
	{ JAIL("home = \"home\";"), ":1: \"home\" must be an absolute path" },
	{ JAIL("shell = \"bash\";"),
	  ":1: \"shell\" must be the absolute path of a program" },
	{ JAIL("shell = \"/bin/a:b\";"),
	  ":1: \"shell\" has a colon, which passwd(5) cannot hold" },
	{ JAIL("shell = \"" JAILSH "\";"),
	  ":1: \"shell\" is the shell inside, and cannot be " JAILSH " again" },
	{ BIND("target = \"/x\";"), ":1: this bind has no source" },
	{ BIND("source = \"/x\"; readonly = true;"),
	  ":1: unknown key \"readonly\" here; jail.conf(5) has the list" },
	{ BIND("source = \"x\";"), ":1: \"source\" must be an absolute path" },
	{ BIND("source = \"/x\"; target = \"x\";"),
	  ":1: \"target\" must be an absolute path" },
	{ JAIL("binds = { };"),
	  ":1: \"binds\" must be a list of groups, as in ( { key = value; }, { "
	  "key = value; } )" },
	{ JAIL("hide = [ \"usr\" ];"),
	  ":1: \"hide\": \"usr\" is not a clean absolute path below /" },
	{ JAIL("hide = [ \"/usr/../etc\" ];"),
	  ":1: \"hide\": \"/usr/../etc\" is not a clean absolute path below "
	  "/" },
	{ JAIL("hide = [ \"/proc/sys\" ];"),
	  ":1: \"hide\": without /proc/sys no session would work" },
	{ JAIL("hide = [ \"/dev\" ];"),
	  ":1: \"hide\": without /dev no session would work" },

	/* etc */
	{ JAIL("etc = [ \"alternatives\", \"ssl\" ];"), NULL },
	{ JAIL("etc = [ ];"), NULL },
	{ JAIL("etc = [ \"/ssl\" ];"),
	  ":1: \"etc\": \"/ssl\" is not a clean path below /etc" },
	{ JAIL("etc = [ \"../ssl\" ];"),
	  ":1: \"etc\": \"../ssl\" is not a clean path below /etc" },
	{ JAIL("etc = [ \"\" ];"),
	  ":1: \"etc\": \"\" is not a clean path below /etc" },
	{ JAIL("etc = [ \"shadow\" ];"), ":1: \"etc\": shadow holds secrets" },
	{ JAIL("etc = [ \"shadow-\" ];"),
	  ":1: \"etc\": shadow- holds secrets" },
	{ JAIL("etc = [ \"ssh\" ];"), ":1: \"etc\": ssh holds secrets" },
	{ JAIL("etc = [ \"ssh/ssh_host_rsa_key\" ];"),
	  ":1: \"etc\": ssh/ssh_host_rsa_key holds secrets" },
	{ JAIL("etc = [ \"pam.d/common-auth\" ];"),
	  ":1: \"etc\": pam.d/common-auth holds secrets" },
	{ JAIL("etc = [ \"passwd\" ];"),
	  ":1: \"etc\": passwd is made for each jail" },
	{ JAIL("etc = [ \"passwd-\" ];"),
	  ":1: \"etc\": passwd- tells of other accounts" },
	{ JAIL("etc = [ \"jail/users.d\" ];"),
	  ":1: \"etc\": jail/users.d tells of other accounts" },

	/* limits */
	{ JAIL("limits = { nofile = 1024; nproc = \"100:200\"; core = 0; "
	       "fsize = \"1G\"; cpu = \"10m\"; as = \"unlimited\"; "
	       "rttime = \"5ms\"; tmp = \"256M\"; tmp_files = 1000; "
	       "terminals = 1; sessions = 1; };"),
	  NULL },
	{ JAIL("limits = { files = 1; };"),
	  ":1: no such limit: files; jail.conf(5) has the list" },
	{ JAIL("limits = { fsize = \"1g\"; };"),
	  ":1: \"fsize\" must be LIMIT or \"SOFT:HARD\", each bytes, with K, "
	  "M, G or T, or \"unlimited\"" },
	{ JAIL("limits = { nproc = \"2:1\"; };"),
	  ":1: \"nproc\" must be LIMIT or \"SOFT:HARD\", each a number, or "
	  "\"unlimited\"" },
	{ JAIL("limits = { nproc = -1; };"),
	  ":1: \"nproc\" must be a whole number from 0 to "
	  "9223372036854775807" },
	{ JAIL("limits = { cpu = \"10 m\"; };"),
	  ":1: \"cpu\" must be LIMIT or \"SOFT:HARD\", each seconds, with m, h "
	  "or d, or \"unlimited\"" },
	{ JAIL("limits = { nofile = \"10:unlimited\"; };"),
	  ":1: \"nofile\" cannot be unlimited; the most is in "
	  "/proc/sys/fs/nr_open" },
	{ JAIL("limits = { shm = \"1M\"; shm_files = 64; run = 65536; "
	       "run_files = 100; };"),
	  NULL },
	{ JAIL("limits = { shm_files = 1; };"),
	  ":1: \"shm_files\" must be a number, from 64 to 4294967295" },
	{ JAIL("limits = { run = \"1K\"; };"),
	  ":1: \"run\" must be bytes, with K, M, G or T, from 65536 to "
	  "1125899906842624" },
	{ JAIL("limits = { tmp = 1; };"),
	  ":1: \"tmp\" must be bytes, with K, M, G or T, from 65536 to "
	  "1125899906842624" },
	{ JAIL("limits = { tmp = \"unlimited\"; };"),
	  ":1: \"tmp\" must be bytes, with K, M, G or T, from 65536 to "
	  "1125899906842624" },
	{ JAIL("limits = { terminals = 0; };"),
	  ":1: \"terminals\" must be a number, from 1 to 1048576" },
	{ JAIL("limits = { sessions = 0; };"),
	  ":1: \"sessions\" must be a number, from 1 to 400" },
	{ JAIL("limits = { memory = \"1G\"; memory_high = \"900M\"; "
	       "swap = 0; pids = 200; cpus = 1.5; cpu_weight = 50; "
	       "io_weight = 10; required = [\"memory\", \"cpus\"]; };"),
	  NULL },
	{ JAIL("limits = { io_read = \"10M\"; io_write = 65536; "
	       "required = [\"io_write\"]; };"),
	  NULL },
	{ JAIL("limits = { session_time = \"2h\"; session_cpu = 90; "
	       "required = [\"session_cpu\"]; };"),
	  NULL },
	{ JAIL("limits = { session_time = \"400d\"; };"),
	  ":1: \"session_time\" must be seconds, with m, h or d, from 1 to "
	  "31536000" },
	{ "resellers = { acme = { limits = { session_time = 5; }; }; };",
	  ":1: session_time: only the limits of whole jails hold for a "
	  "reseller's together; see jail.conf(5)" },
	{ JAIL("limits = { io_read = \"1K\"; };"),
	  ":1: \"io_read\" must be bytes, with K, M, G or T, from 65536 to "
	  "1125899906842624" },
	{ JAIL("limits = { required = false; cpus = 2; };"), NULL },
	{ JAIL("limits = { memory = 1; };"),
	  ":1: \"memory\" must be bytes, with K, M, G or T, from 8388608 to "
	  "1125899906842624" },
	{ JAIL("limits = { pids = \"unlimited\"; };"),
	  ":1: \"pids\" must be a number, from 8 to 4194304" },
	{ JAIL("limits = { cpus = 0; };"),
	  ":1: \"cpus\" must be a number of processors, from 0.01 to 8192, "
	  "like 1.5" },
	{ JAIL("limits = { cpus = \"150%\"; };"),
	  ":1: \"cpus\" must be a number of processors, from 0.01 to 8192, "
	  "like 1.5" },
	{ JAIL("limits = { cpu_weight = 0; };"),
	  ":1: \"cpu_weight\" must be a number, from 1 to 10000" },
	{ JAIL("limits = { memory = \"1G\"; required = [\"pids\"]; };"),
	  ":1: \"pids\" is required, but is no limit of this jail as a "
	  "whole" },
	{ JAIL("limits = { required = [\"nofile\"]; nofile = 10; };"),
	  ":1: \"nofile\" is required, but is no limit of this jail as a "
	  "whole" },
	{ JAIL("limits = { disk = \"10G\"; disk_files = 64; required = [ "
	       "\"disk\", \"disk_files\" ]; };"),
	  NULL },
	{ JAIL("limits = { disk = \"10G\"; required = [\"disk_files\"]; };"),
	  ":1: \"disk_files\" is required, but is no limit of this jail as a "
	  "whole" },
	{ JAIL("limits = { disk = \"512K\"; };"),
	  ":1: \"disk\" must be bytes, with K, M, G or T, from 1048576 to "
	  "1125899906842624" },
	{ JAIL("limits = { disk_files = 9; };"),
	  ":1: \"disk_files\" must be a number, from 64 to 4294967295" },
	{ JAIL("limits = { disk = \"10G\"; }; seccomp = \"none\";"),
	  ":1: jail \"web\": with seccomp = \"none\" the account may take "
	  "its files out of the quota that disk and disk_files set" },
	{ JAIL("limits = { disk_files = 99; };\nseccomp = { allow = [ "
	       "\"file_setattr\" ]; };"),
	  ":2: jail \"web\": with file_setattr allowed, the account may take "
	  "its files out of the quota that disk and disk_files set" },
	{ JAIL("limits = { disk = \"10G\"; }; seccomp = { allow = [ "
	       "\"ptrace\", "
	       "\"ioctl\" ]; };"),
	  ":1: jail \"web\": with ioctl allowed, the account may take its "
	  "files out of the quota that disk and disk_files set" },

	/* resellers */
	{ "resellers = { acme = { limits = { memory = \"4G\"; pids = 500; "
	  "required = [ \"pids\" ]; }; }; none = { }; };\n" JAIL(
		  "reseller = \"acme\";"),
	  NULL },
	/* in any order */
	{ JAIL("reseller = \"acme\";") "\nresellers = { acme = { }; };", NULL },
	{ JAIL("reseller = \"acme\";"), ":1: no such reseller: acme" },
	{ JAIL("reseller = 1;"),
	  ":1: \"reseller\" must be a string, as in \"text\"" },
	{ "resellers = { Acme = { }; };",
	  ":1: \"Acme\" cannot be the name of a reseller: at most 32 of a-z "
	  "0-9 _ -, a letter or _ first" },
	{ "resellers = ( { limits = { }; } );",
	  ":1: \"resellers\" must be a group, as in { key = value; }" },
	{ "resellers = { acme = { memory = \"4G\"; }; };",
	  ":1: unknown key \"memory\" here; jail.conf(5) has the list" },
	{ "resellers = { acme = { limits = {\nnproc = 5; }; }; };",
	  ":2: nproc: only the limits of whole jails hold for a reseller's "
	  "together; see jail.conf(5)" },
	{ "resellers = { acme = { limits = { disk = \"1G\"; }; }; };",
	  ":1: disk: only the limits of whole jails hold for a reseller's "
	  "together; see jail.conf(5)" },
	{ "resellers = { acme = { limits = { required = [ \"disk\" ]; }; }; "
	  "};",
	  ":1: \"disk\" is required, but is no limit of this jail as a "
	  "whole" },
	{ "resellers = { acme = { limits = { required = [ \"pids\" ]; }; }; "
	  "};",
	  ":1: \"pids\" is required, but is no limit of this jail as a "
	  "whole" },
	{ JAIL("doors = { sudo = \"child\"; };"),
	  ":1: service sudo: \"child\" is not how it can be jailed: "
	  "\"child\" is for sshd, \"job\" for cron, \"shell\" for su, su-l "
	  "and login; others can only be \"closed\"" },
	{ JAIL("doors = { sshd = \"shell\"; };"),
	  ":1: service sshd: \"shell\" is not how it can be jailed: "
	  "\"child\" is for sshd, \"job\" for cron, \"shell\" for su, su-l "
	  "and login; others can only be \"closed\"" },
	{ JAIL("doors = { sudo = \"closed\"; sshd-inside = \"child\"; };"),
	  NULL },

	/* services and environment */
	{ JAIL("doors = { sshd = \"child\"; su-l = \"closed\"; };"), NULL },
	{ JAIL("doors = { sshd = \"open\"; };"),
	  ":1: service sshd: \"open\" must be \"child\", \"job\", \"shell\" or "
	  "\"closed\"" },
	{ JAIL("env = { EDITOR = 1; };"),
	  ":1: \"EDITOR\" must be a string, as in \"text\"" },
	{ JAIL("env = { a-b = \"\"; };"),
	  ":1: env: \"a-b\" cannot be the name of a variable" },
	{ JAIL("env = { HOME = \"/\"; };"),
	  ":1: env: HOME comes from the keys home, name and shell" },
	{ JAIL("env_keep = [ \"LC_*\", \"TERM\" ];"), NULL },
	{ JAIL("env_keep = [ \"*\" ];"), ":1: env_keep: \"*\" must be the name "
					 "of a variable, or the beginning "
					 "of one with a * behind it" },
	{ JAIL("env_keep = [ \"A*B\" ];"),
	  ":1: env_keep: \"A*B\" must be the name of a variable, or the "
	  "beginning of one with a * behind it" },

	/* ports */
	{ PORTS JAIL("ports = 10;"), NULL },
	{ JAIL("ports = 10;") PORTS, NULL },
	{ PORTS JAIL("ports = { lease = 3; required = false; };"), NULL },
	{ JAIL("ports = \"any\"; network = \"none\";"), NULL },
	{ PORTS "jails = { base = { ports = 10; };\n"
		"web = { inherit = \"base\"; network = \"none\"; }; };",
	  NULL },
	{ JAIL("ports = 10;"),
	  ":1: \"ports\": a number needs the group ports at the top of "
	  "jail.conf, which says out of what range" },
	{ PORTS JAIL("ports = 11;"),
	  ":2: \"ports\" must be a whole number from 1 to 10" },
	{ PORTS JAIL("ports = 0;"),
	  ":2: \"ports\" must be a whole number from 1 to 10" },
	{ PORTS JAIL("ports = \"8000-8009\";"),
	  ":2: \"ports\" must be a number of ports, or \"any\"; FIRST-LAST "
	  "is for an account's file in users.d" },
	{ PORTS JAIL("ports = { lease = \"8000\"; };"),
	  ":2: \"lease\" must be a number of ports, or \"any\"; FIRST-LAST "
	  "is for an account's file in users.d" },
	{ PORTS JAIL("ports = { required = false; };"),
	  ":2: \"ports\" needs a lease, as in { lease = 10; required = "
	  "false; }" },
	{ PORTS JAIL("ports = 10;\nnetwork = \"none\";"),
	  ":2: jail \"web\": ports has no effect, because network is not "
	  "\"host\"" },
	{ "ports = { };", ":1: \"ports\" needs a range, and how many of it "
			  "each account has: { range = \"20000-29999\"; each = "
			  "10; }" },
	{ "ports = { range = \"1023-2000\"; each = 1; };",
	  ":1: \"range\" must be ports from 1024 to 65535, as in "
	  "\"20000-29999\"" },
	{ "ports = { range = \"20000-70000\"; each = 1; };",
	  ":1: \"range\" must be ports from 1024 to 65535, as in "
	  "\"20000-29999\"" },
	{ "ports = { range = \"2000-1999\"; each = 1; };",
	  ":1: \"range\" must be ports from 1024 to 65535, as in "
	  "\"20000-29999\"" },
	{ "ports = { range = \"2000-2009\"; each = 11; };",
	  ":1: \"ports\": 11 ports for each are more than 2000-2009" },
	{ "ports = { range = \"2000-2009\"; each = 1; first_uid = 0; };",
	  ":1: \"first_uid\" must be a whole number from 1 to 4294967294" },
	{ JAIL("env = { JAIL_PORTS = \"1-65535\"; };"),
	  ":1: env: JAIL_PORTS comes from the key ports" },

	/* services of the host's */
	{ JAIL("services = [ \"log\", \"memcached\", \"mysql\", "
	       "\"postgresql\", \"redis\" ];"),
	  NULL },
	{ JAIL("services = [ \"mysql\",\n\"mysqll\" ];"),
	  ":2: \"services\": no such service: mysqll" },
	{ JAIL("services = [ \"log\", \"log\" ];"),
	  ":1: \"services\": log is there twice" },
	{ "services = { app = { directory = \"/run/app\"; }; };\n" JAIL(
		  "services = [ \"app\", \"log\" ];"),
	  NULL },
	{ "services = { app = { directory = \"/run/app\"; target = \"/app\"; "
	  "socket = \"s\"; link = \"/dev/app\"; optional = true; }; };",
	  NULL },
	{ "services = { app = { }; };", ":1: service app has no directory" },
	{ "services = { App = { }; };",
	  ":1: \"App\" cannot be the name of a service: at most 32 of a-z 0-9 "
	  "_ -, a letter or _ first" },
	{ "services = { app = { dir = \"/run/app\"; }; };",
	  ":1: unknown key \"dir\" here; jail.conf(5) has the list" },
	{ "services = { app = { directory = \"run/app\"; }; };",
	  ":1: \"directory\": \"run/app\" is not a clean absolute path below "
	  "/" },
	{ "services = { app = { directory = \"/\"; }; };",
	  ":1: \"directory\": \"/\" is not a clean absolute path below /" },
	{ "services = { app = { directory = \"/run\"; }; };",
	  ":1: service app: something at /run would break the jail; give it "
	  "another target" },
	{ "services = { app = { directory = \"/run/app\"; target = \"/proc\"; "
	  "}; };",
	  ":1: \"target\": something at /proc would break the jail" },
	{ "services = { app = { directory = \"/run/app\"; link = \"/proc/x\"; "
	  "socket = \"s\"; }; };",
	  ":1: \"link\": something at /proc/x would break the jail" },
	{ "services = { app = { directory = \"/run/app\"; link = \"/dev/x\"; "
	  "}; };",
	  ":1: service app: \"socket\" and \"link\" go together" },
	{ "services = { app = { directory = \"/run/app\"; socket = \"a/s\"; "
	  "link = \"/dev/x\"; }; };",
	  ":1: \"socket\": \"a/s\" is not the name of a file in the "
	  "directory" },

	/* commands */
	{ JAIL("commands = [ \"passwd\", \"crontab\", \"sendmail\" ];"), NULL },
	{ JAIL("commands = [ ];"), NULL },
	{ JAIL("commands = [ \"passwd\",\n\"su\" ];"),
	  ":2: \"commands\": \"su\" is none of crontab, passwd and sendmail" },
	{ JAIL("commands = [ \"passwd\", \"passwd\" ];"),
	  ":1: \"commands\": passwd is there twice" },

	/* root inside */
	{ JAIL("root = \"/srv\"; writable = true; root_inside = true;"), NULL },
	{ JAIL("root_inside = false; name = \"work\";"), NULL },
	{ JAIL("root_inside = 1;"),
	  ":1: \"root_inside\" must be true or false" },
	{ JAIL("root_inside = true;"),
	  ":1: jail \"web\": root_inside = true needs a root that it may "
	  "change: root = \"/DIRECTORY\" and writable = true" },
	{ JAIL("root = \"/srv\"; root_inside = true;"),
	  ":1: jail \"web\": root_inside = true needs a root that it may "
	  "change: root = \"/DIRECTORY\" and writable = true" },
	{ JAIL("root = \"/srv\"; writable = true; root_inside = true;\n"
	       "hide = [ \"/etc/secret\" ];"),
	  ":2: jail \"web\": hide covers a path, and with root_inside = true "
	  "the account may move what is there: leave it out, with hide = [ ] "
	  "if "
	  "it is inherited, and bind only what is to be seen" },
	{ JAIL("root = \"/srv\"; writable = true; root_inside = true;\n"
	       "name = \"work\";"),
	  ":2: jail \"web\": name has no effect, because with root_inside = "
	  "true it is root" },
	{ JAIL("root = \"/srv\"; writable = true; root_inside = true;\n"
	       "commands = [ \"sendmail\" ];"),
	  ":2: jail \"web\": commands would cover the programs of a root that "
	  "root_inside = true lets change: leave them out, with commands = [ ] "
	  "if they are inherited" },
	{ JAIL("root = \"/srv\"; writable = true; root_inside = true;\n"
	       "seccomp = { deny = [ \"kcmp\", \"setns\" ]; };"),
	  ":2: jail \"web\": without setns nobody becomes root, and "
	  "root_inside = true asks for it" },

	/* keys that exclude each other */
	{ JAIL("writable = true;"),
	  ":1: jail \"web\": writable = true needs a root of its own, and root "
	  "is \"host\"" },
	{ JAIL("passwd = \"tree\";"),
	  ":1: jail \"web\": passwd = \"tree\" needs a root of its own, and "
	  "root is \"host\"" },
	{ JAIL("root = \"/srv\"; etc = [ ];"),
	  ":1: jail \"web\": etc has no effect, because root is not \"host\"" },
	{ "jails = { a = { etc = [ ]; };\n"
	  "b = { inherit = \"a\"; root = \"/srv\"; }; };",
	  NULL },
	{ "jails = { a = { root = \"/srv\"; writable = true; };\n"
	  "b = { inherit = \"a\"; root = \"host\"; }; };",
	  ":2: jail \"b\": writable = true needs a root of its own, and root "
	  "is \"host\"" },

	/* rules */
	{ RULE("user = \"root\"; jail = \"web\";"),
	  ":2: root is never jailed" },
	{ RULE("user = [ ]; jail = \"web\";"),
	  ":2: \"user\" is empty, and would match nobody" },
	{ RULE("group = \"\"; jail = \"web\";"),
	  ":2: \"group\" is empty, and would match nobody" },
	{ RULE("match = \"\"; jail = \"web\";"),
	  ":2: \"match\" is empty, and would match nobody" },
	{ RULE("uid = 0; jail = \"web\";"),
	  ":2: \"uid\" must be a whole number from 1 to 4294967294" },
	{ RULE("uid = \"0-5\"; jail = \"web\";"),
	  ":2: \"uid\" must be a uid, or a range as in \"20000-29999\"; uid 0 "
	  "is never jailed" },
	{ RULE("uid = \"9-5\"; jail = \"web\";"),
	  ":2: \"uid\" must be a uid, or a range as in \"20000-29999\"; uid 0 "
	  "is never jailed" },
	{ RULE("uid = \"5-9x\"; jail = \"web\";"),
	  ":2: \"uid\" must be a uid, or a range as in \"20000-29999\"; uid 0 "
	  "is never jailed" },
	{ RULE("uid = \"5-4294967295\"; jail = \"web\";"),
	  ":2: \"uid\" must be a uid, or a range as in \"20000-29999\"; uid 0 "
	  "is never jailed" },
	{ "", ": it has no \"jails\": it is empty, or was cut off; \"jails = { "
	      "};\" is none" },
	{ "exempt_groups = [ \"wheel\" ];",
	  ": it has no \"jails\": it is empty, or was cut off; \"jails = { "
	  "};\" "
	  "is none" },
	{ RULE("users = \"a\"; jail = \"web\";"),
	  ":2: unknown key \"users\" here; jail.conf(5) has the list" },
	{ RULE("user = \"a\"; jail = \"web\"; },\n{ user = [ \"a\" ]; "
	       "jail = \"web\";"),
	  ":3: this rule matches the same as the one in line 2, which comes "
	  "first" },
	{ RULE("user = \"a\"; jail = \"web\"; },\n{ user = \"a\"; "
	       "service = \"su\"; jail = \"web\";"),
	  NULL },
};

static void
every_mistake_is_told_with_its_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		struct err err = { .text = "" };

		if (cases[i].error == NULL) {
			policy_free(load_text(cases[i].text));
			continue;
		}
		write_text(FILE_PATH, cases[i].text);
		if (policy_load(CONF, 0, &err) != NULL)
			fail_msg("loads: %s", cases[i].text);
		if (err.kind != ERR_CONFIG)
			fail_msg("%s\nkind %d", cases[i].text, (int)err.kind);
		if (strncmp(err.text, FILE_PATH, strlen(FILE_PATH)) != 0)
			fail_msg("no file: %s", err.text);
		assert_string_equal(err.text + strlen(FILE_PATH),
				    cases[i].error);
	}
}

static void
a_long_line_of_ancestors_is_followed(void **state)
{
	char text[1000] = "jails = { j0 = { umask = \"077\"; };";
	struct policy *policy;

	(void)state;
	for (int i = 1; i <= 15; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
			       " j%d = { inherit = \"j%d\"; };", i, i - 1);
	(void)strcat(text, "};");
	policy = load_text(text);
	assert_non_null(policy_jail(policy, "j15"));
	policy_free(policy);
}

/* --- files that cannot be believed -------------------------------------- */

static void
a_link(const char *path)
{
	write_text(CONF "/other", "");
	assert_int_equal(symlink("other", path), 0);
}

static void
a_dangling_link(const char *path)
{
	assert_int_equal(symlink("nowhere", path), 0);
}

static void
a_hard_link(const char *path)
{
	write_text(CONF "/other", "");
	assert_int_equal(link(CONF "/other", path), 0);
}

static void
a_fifo(const char *path)
{
	assert_int_equal(mkfifo(path, 0644), 0);
}

static void
a_directory(const char *path)
{
	assert_int_equal(mkdir(path, 0755), 0);
}

static void
writable_by_the_group(const char *path)
{
	write_text(path, "");
	assert_int_equal(chmod(path, 0664), 0);
}

static void
writable_by_all(const char *path)
{
	write_text(path, "");
	assert_int_equal(chmod(path, 0646), 0);
}

static void
another_owner(const char *path)
{
	write_text(path, "");
	give_to(path, 20001);
}

static void
a_nul_byte(const char *path)
{
	write_bytes(path, "jails = { };\0rules = ( );", 25);
}

static void
too_large(const char *path)
{
	write_text(path, "");
	assert_int_equal(truncate(path, 4 * 1024 * 1024 + 1), 0);
}

static void
nothing(const char *path)
{
	(void)path;
}

static const struct {
	void (*make)(const char *path);
	enum err_kind kind;
	int errnum;
	const char *error; /* after the file's name */
} files[] = {
	{ nothing, ERR_SYSTEM, ENOENT, ": No such file or directory" },
	{ a_link, ERR_UNSAFE, 0, ": is a symbolic link" },
	{ a_dangling_link, ERR_UNSAFE, 0, ": is a symbolic link" },
	{ a_hard_link, ERR_UNSAFE, 0,
	  ": has 2 names (hard links): replace it by a copy" },
	{ a_fifo, ERR_UNSAFE, 0, ": is not a regular file" },
	{ a_directory, ERR_UNSAFE, 0, ": is not a regular file" },
	{ writable_by_the_group, ERR_UNSAFE, 0,
	  ": others may write to it (mode 0664): chmod go-w it" },
	{ writable_by_all, ERR_UNSAFE, 0,
	  ": others may write to it (mode 0646): chmod go-w it" },
	{ a_nul_byte, ERR_CONFIG, 0, ": has a NUL byte in it" },
	{ too_large, ERR_CONFIG, 0, ": has 4194305 bytes, more than 4194304" },
	{ another_owner, ERR_UNSAFE, 0,
	  ": belongs to uid 20001: chown root it" },
};

static void
remove_any(const char *path)
{
	if (unlink(path) < 0)
		(void)rmdir(path);
	(void)unlink(CONF "/other");
}

static void
a_file_that_others_could_write_is_not_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS(files); i++) {
		struct err err = { .text = "" };

		remove_any(FILE_PATH);
		files[i].make(FILE_PATH);
		assert_null(policy_load(CONF, 0, &err));
		assert_string_equal(err.text + strlen(FILE_PATH),
				    files[i].error);
		assert_int_equal(err.kind, files[i].kind);
		assert_int_equal(err.errnum, files[i].errnum);
	}
}

static void
a_directory_that_others_could_write_is_not_read(void **state)
{
	struct err err = { .text = "" };

	(void)state;
	write_text(FILE_PATH, "");
	assert_int_equal(chmod(CONF, 0775), 0);
	assert_null(policy_load(CONF, 0, &err));
	assert_int_equal(err.kind, ERR_UNSAFE);
	assert_non_null(strstr(err.text, "can be changed by others"));
	assert_int_equal(chmod(CONF, 0755), 0);

	assert_int_equal(symlink(CONF, "/link"), 0);
	assert_null(policy_load("/link", 0, &err));
	assert_int_equal(err.kind, ERR_UNSAFE);
	assert_int_equal(unlink("/link"), 0);

	assert_null(policy_load("/tmp", 0, &err));
	assert_int_equal(err.kind, ERR_UNSAFE);
}

static void
another_uid_may_own_it_if_the_caller_says_so(void **state)
{
	struct policy *policy;
	struct err err = { .text = "" };

	(void)state;
	another_owner(FILE_PATH);
	write_text(FILE_PATH, "jails = { };");
	assert_int_equal(chown(USERS_PATH, 20001, 0), 0);
	policy = policy_load(CONF, 20001, &err);
	assert_int_equal(chown(USERS_PATH, 0, 0), 0);
	assert_non_null(policy);
	policy_free(policy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mistake_is_told_with_its_line),
		cmocka_unit_test(a_long_line_of_ancestors_is_followed),
		cmocka_unit_test(a_file_that_others_could_write_is_not_read),
		cmocka_unit_test(
			a_directory_that_others_could_write_is_not_read),
		cmocka_unit_test(another_uid_may_own_it_if_the_caller_says_so),
	};

	return cmocka_run_group_tests(tests, make_conf, NULL);
}
