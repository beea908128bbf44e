# redis.sh TREE: a data folder where the official image has it.
tree=$1
mkdir -p "$tree"/data
