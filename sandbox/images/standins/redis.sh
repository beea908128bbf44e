# redis.sh TREE: a data folder where the official image has it.
tree=$1
sh -eu "$(dirname "$0")/debian.sh" "$tree"
mkdir -p "$tree"/data
