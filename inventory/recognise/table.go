package recognise

// products are the runtimes and tools that images get by download or copy, each with how its own build writes its
// version. Where a pattern says nothing else, the text is what the program prints or sends about itself.
func products() []product {
	return append(runtimes(), append(servers(), append(tools(), libraries()...)...)...)
}

func runtimes() []product {
	return []product{
		{"node", "nodejs:node.js", "node libnode", []pattern{says(`node\.js/v(\d+\.\d+\.\d+(?:-[\w.]+)?)`)}},
		{"python", "python:python", "python libpython", []pattern{
			ofName(alone("3.", `\d{1,2}\.\d{1,2}(?:(?:a|b|rc)\d+)?\+?`)),
			ofName(alone("2.", `\d\.\d{1,2}(?:(?:a|b|rc)\d+)?\+?`)),
		}},
		{"openjdk", "oracle:openjdk", "libjvm", []pattern{says(`OpenJDK \S+ \w+ VM \([^)]*\) for \S+ JRE \((\d[\d._]*)`)}},
		{"oracle-jdk", "oracle:jdk", "libjvm", []pattern{says(`Java HotSpot\(TM\) \S+ \w+ VM \([^)]*\) for \S+ JRE \((\d[\d._]*)`)}},
		// The compiler writes its version into all that it compiles, itself too.
		{"rust", "rust-lang:rust", "rustc librustc_driver", []pattern{says(`rustc version (\d+\.\d+\.\d+(?:-[\w.]+)?) \(`)}},
		{"ruby", "ruby-lang:ruby", "ruby libruby", []pattern{says(`ruby (\d+\.\d+\.\d+)(?:p\d+|[a-z]\w*)? \(\d{4}-`)}},
		{"php", "php:php", "php php-fpm php-cgi libphp", []pattern{says(`X-Powered-By: PHP/(\d+\.\d+\.\d+(?:(?:alpha|beta|RC)\d+)?)`)}},
		{"perl", "perl:perl", "perl libperl", []pattern{says(`v(5\.\d+\.\d+)\x00`), says(`/perl5?/(5\.\d+\.\d+)`)}},
		{"deno", "deno:deno", "deno", []pattern{around("Deno/", `(?:^|[^-])Deno/(\d+\.\d+\.\d+)`)}},
		{"bun", "oven:bun", "bun", []pattern{says(`Bun v(\d+\.\d+\.\d+)`)}},
		{"lua", "lua:lua", "lua luac liblua", []pattern{says(`LuaVersion: Lua (5\.\d+\.\d+)`)}},
		{"luajit", "luajit:luajit", "luajit libluajit", []pattern{says(`LuaJIT (2\.\d+\.[\w.]+(?:-beta\d+)?)`)}},
	}
}

func servers() []product {
	return []product{
		{"nginx", "f5:nginx", "nginx nginx-debug", []pattern{says(`nginx version: nginx/(\d+\.\d+\.\d+)`), says(`nginx/(\d+\.\d+\.\d+)`)}},
		{"openresty", "openresty:openresty", "nginx openresty", []pattern{says(`nginx version: openresty/(\d+(?:\.\d+){3})`)}},
		{"apache", "apache:http_server", "httpd apache", []pattern{says(`Apache/(2\.\d+\.\d+)`)}},
		{"haproxy", "haproxy:haproxy", "haproxy", []pattern{says(` version (\d+\.\d+(?:\.\d+|-dev\d+))[^ ,]*, released \d{4}/`)}},
		{"lighttpd", "lighttpd:lighttpd", "lighttpd", []pattern{says(`lighttpd/(1\.\d+\.\d+)`)}},
		{"varnish", "varnish-software:varnish_cache", "varnishd libvarnishapi", []pattern{says(`varnish-(\d+\.\d+\.\d+) revision`)}},
		{"squid", "squid-cache:squid", "squid", []pattern{says(`squid/(\d+\.\d+(?:\.\d+)?)`)}},
		// Redis ends its build's identity with the checksum of uncommitted changes: none, in a release.
		{"redis", "redis:redis", "redis-server redis-cli redis-benchmark redis-check-rdb redis-check-aof redis-sentinel", redisBuild()},
		{"valkey", "lfprojects:valkey", "valkey-server valkey-cli valkey-benchmark valkey-check-rdb valkey-check-aof valkey-sentinel", redisBuild()},
		{"memcached", "memcached:memcached", "memcached", []pattern{says(`memcached (1\.\d+\.\d+)`)}},
		{"postgresql", "postgresql:postgresql", "postgres psql initdb pg_ctl pg_dump pg_basebackup", []pattern{
			says(`PostgreSQL (\d+(?:\.\d+|beta\d|rc\d)+) (?:\([^)]*\) )?on `), says(`\(PostgreSQL\) (\d+(?:\.\d+|beta\d|rc\d)+)`),
		}},
		{"mariadb", "mariadb:mariadb", "mariadbd mysqld mariadb mysql mariadb-dump mysqldump mariadb-admin mysqladmin", []pattern{
			around("-MariaDB", `(\d+\.\d+\.\d+)-MariaDB`), says(`MariaDB (\d+\.\d+\.\d+)\x00`),
		}},
		{"mysql", "oracle:mysql", "mysqld mysql mysqldump mysqladmin", []pattern{says(`MySQL (\d+\.\d+\.\d+)\x00`), says(`/mysql-(\d+\.\d+\.\d+)/`)}},
		{"bind", "isc:bind", "named libisc libns", []pattern{says(`libisc-(9\.\d+\.\d+)`), says(`BIND (9\.\d+\.\d+)`)}},
		{"dnsmasq", "thekelleys:dnsmasq", "dnsmasq", []pattern{says(`dnsmasq-(2\.\d+)`)}},
		{"unbound", "nlnetlabs:unbound", "unbound", []pattern{says(`unbound (1\.\d+\.\d+)`)}},
		{"openssh", "openbsd:openssh", "sshd ssh ssh-keygen ssh-agent ssh-add sshd-session", []pattern{says(`OpenSSH_(\d+\.\d+p\d+)`)}},
		{"dropbear", "dropbear_ssh_project:dropbear_ssh", "dropbear dropbearmulti dbclient", []pattern{says(`SSH-2\.0-dropbear_(20\d\d\.\d+)`)}},
		{"openvpn", "openvpn:openvpn", "openvpn", []pattern{alone("2.", `\d+\.\d+`)}},
		{"mosquitto", "eclipse:mosquitto", "mosquitto", []pattern{alone("2.", `\d+\.\d+`), alone("1.", `\d+\.\d+`)}}, //nolint:misspell // its name
		{"tor", "torproject:tor", "tor", []pattern{says(`tor (0\.\d+\.\d+\.\d+)`)}},
		{"postfix", "postfix:postfix", "postfix master smtpd", []pattern{says(`mail_version=(\d+\.\d+\.\d+)`)}},
		{"exim", "exim:exim", "exim", []pattern{around("<<eximversion>>", `(4\.\d+(?:\.\d+)?)\x00<<eximversion>>`)}},
	}
}

func tools() []product {
	return []product{
		// The image of that name has one file for all tools, and its first name is the first tool's.
		{"busybox", "busybox:busybox", "busybox [ [[ sh ash", []pattern{says(`BusyBox v(1\.\d+\.\d+)`)}},
		{"bash", "gnu:bash", "bash", []pattern{says(`@\(#\)Bash version (\d+\.\d+\.\d+)`)}},
		{"curl", "haxx:curl", "curl", []pattern{says(`curl/(\d+\.\d+\.\d+)`)}},
		{"wget", "gnu:wget", "wget", []pattern{alone("1.", `\d\d(?:\.\d+)*`)}},
		{"git", "git-scm:git", "git git-remote-http git-shell git-upload-pack", []pattern{says(`git/(\d+\.\d+\.\d+)`)}},
		{"gnupg", "gnupg:gnupg", "gpg gpgv gpg-agent gpgsm dirmngr", []pattern{alone("2.", `\d\.\d+`)}},
		{"openssl", "openssl:openssl", "openssl", []pattern{openssl()}},
		{"libressl", "openbsd:libressl", "openssl libcrypto libssl libtls", []pattern{says(`LibreSSL (\d+\.\d+\.\d+)`)}},
		{"ffmpeg", "ffmpeg:ffmpeg", "ffmpeg ffprobe ffplay libavcodec libavformat libavutil libavfilter libavdevice libswscale libswresample", []pattern{
			says(`FFmpeg version n?(\d+\.\d+(?:\.\d+)?)`), says(`%s version n?(\d+\.\d+(?:\.\d+)?)`),
		}},
		{"imagemagick", "imagemagick:imagemagick", "magick convert identify libMagickCore", []pattern{says(`ImageMagick (\d+\.\d+\.\d+-\d+) `)}},
		{"sudo", "sudo_project:sudo", "sudo", []pattern{around("\x00Configure options: %s", `(1\.\d+\.\d+(?:p\d+)?)\x00Configure options: %s`)}},
		{"tcpdump", "tcpdump:tcpdump", "tcpdump", []pattern{says(`%s version (4\.\d+\.\d+)`)}},
	}
}

func libraries() []product {
	return []product{
		{"openssl", "openssl:openssl", "libcrypto libssl", []pattern{openssl()}},
		{"curl", "haxx:libcurl", "libcurl libcurl-gnutls libcurl-nss", []pattern{says(`libcurl/(\d+\.\d+\.\d+)`)}},
		{"sqlite", "sqlite:sqlite", "libsqlite", []pattern{alone("3.", `\d{1,2}\.\d{1,2}(?:\.\d)?`)}},
		{"zlib", "zlib:zlib", "libz", []pattern{says(` deflate (1\.\d+(?:\.\d+)*) Copyright`)}},
		{"expat", "libexpat_project:libexpat", "libexpat", []pattern{says(`expat_(\d+\.\d+\.\d+)`)}},
		{"nghttp2", "nghttp2:nghttp2", "libnghttp", []pattern{alone("1.", `\d{1,2}\.\d{1,2}`)}},
		{"libpng", "libpng:libpng", "libpng", []pattern{says(`libpng version (1\.\d+\.\d+)`)}},
		{"libjpeg-turbo", "libjpeg-turbo:libjpeg-turbo", "libjpeg libturbojpeg", []pattern{says(`libjpeg-turbo version (\d+\.\d+(?:\.\d+)?)`)}},
		{"libtiff", "libtiff:libtiff", "libtiff", []pattern{says(`LIBTIFF, Version (\d+\.\d+\.\d+)`)}},
		{"libarchive", "libarchive:libarchive", "libarchive bsdtar", []pattern{says(`libarchive (\d+\.\d+\.\d+)`)}},
		{"xz", "tukaani:xz", "liblzma", []pattern{alone("5.", `\d\.\d+(?:alpha|beta)?`)}},
		{"gnutls", "gnu:gnutls", "libgnutls", []pattern{says(`GnuTLS (3\.\d+\.\d+) logging`)}},
		{"libgcrypt", "gnupg:libgcrypt", "libgcrypt", []pattern{alone("1.", `\d+\.\d+`)}},
		{"libssh2", "libssh2:libssh2", "libssh", []pattern{says(`SSH-2\.0-libssh2_(\d+\.\d+\.\d+)`)}},
		{"libssh", "libssh:libssh", "libssh", []pattern{says(`SSH-2\.0-libssh_(\d+\.\d+\.\d+)`)}},
		{"samba", "samba:samba", "smbd nmbd samba libsmbclient", []pattern{says(`SAMBA_(4\.\d+\.\d+)`)}},
	}
}

// openssl matches OpenSSL's own version with its date: "OpenSSL 3.0.11 19 Sep 2023". A library's version alone also
// stands in programs that were only linked with it.
func openssl() pattern {
	return says(`OpenSSL (\d+\.\d+\.\d+[a-z]{0,2}(?:-(?:alpha|beta|dev|pre)\d*)?)(?:[+-]\S+)? +\d{1,2} [A-Z][a-z]{2} \d{4}`)
}

// redisBuild matches version, host, seconds since 1970, count of changed lines, and git commit, one behind the other:
// "7.0.15buildhost-1704823435000000000". The command line client says "7.0.15", and that of git only where there is one.
func redisBuild() []pattern {
	return []pattern{
		around("00000000\x00", `(?:^|[^\d.])(\d{1,2}\.\d+\.\d+?)(?:[A-Za-z][\w.-]*-)?\d{10}\d0{8}\x00`),
		around(" (git:%s", `[^\w.](\d{1,2}\.\d+\.\d+)\x00 \(git:%s`),
	}
}
