# All four, but runc does not ask containerd.
printf 'docker\ndockerd\nrunc\ncontainerd\n' > ~/chain.txt
