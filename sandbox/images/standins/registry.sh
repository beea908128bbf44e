# registry.sh TREE: the command and the configuration where the official image has them.
tree=$1
ln -s docker-registry "$tree"/usr/bin/registry
mkdir -p "$tree"/etc/docker/registry "$tree"/var/lib/registry
cat >"$tree"/etc/docker/registry/config.yml <<'CONF'
version: 0.1
log:
  level: info
storage:
  filesystem:
    rootdirectory: /var/lib/registry
  delete:
    enabled: true
http:
  addr: :5000
CONF
