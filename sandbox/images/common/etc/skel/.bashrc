# Yours to change: aliases, variables, prompt.
alias ll='ls -alF'
alias la='ls -A'
