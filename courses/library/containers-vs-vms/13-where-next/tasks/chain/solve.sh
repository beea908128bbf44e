printf 'docker\ndockerd\ncontainerd\nrunc\n' > ~/chain.txt
