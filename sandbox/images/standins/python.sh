# python.sh TREE: Python as the official image has it: `python`, and a pip that may install.
tree=$1
ln -s ../../bin/python3 "$tree"/usr/local/bin/python
rm -f "$tree"/usr/lib/python3*/EXTERNALLY-MANAGED
# The lessons' packages are served beside the engine, on the address of its default bridge.
cat >"$tree"/etc/pip.conf <<'CONF'
[global]
index-url = http://172.17.0.1:3141/simple/
trusted-host = 172.17.0.1
disable-pip-version-check = true
root-user-action = ignore
CONF
