# nginx.sh TREE: files where the official image has them, logs on stdout and stderr.
tree=$1
rm -f "$tree"/etc/nginx/sites-enabled/*
mkdir -p "$tree"/usr/share/nginx/html "$tree"/etc/nginx/conf.d
cat >"$tree"/etc/nginx/conf.d/default.conf <<'CONF'
server {
    listen 80;
    listen [::]:80;
    root /usr/share/nginx/html;
    index index.html;
}
CONF
cat >"$tree"/usr/share/nginx/html/index.html <<'PAGE'
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>nginx is running</title></head>
<body><h1>nginx is running</h1><p>This page comes from a container. Replace it: mount your files over
<code>/usr/share/nginx/html</code>.</p></body></html>
PAGE
# The clean-up empties /var/log afterwards; nginx is told here instead of by links.
sed -i 's#^\(\s*access_log\).*#\1 /dev/stdout;#; s#^\(\s*error_log\).*#\1 /dev/stderr;#' "$tree"/etc/nginx/nginx.conf
