[ -z "$BASH_VERSION" ] || [ ! -f ~/.bashrc ] || . ~/.bashrc
