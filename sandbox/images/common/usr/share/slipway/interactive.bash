# Shell integration: history, colours, completion, and the OSC 133 marks by which the platform knows that a
# command has finished: A prompt begins, B prompt ends, C output begins, D;<exit code> command ended. Before D the
# line that ran: OSC 777 ; slipway ; command ; <the line, percent-encoded where it must be>.
# /etc/profile and ~/.bashrc may both lead here; once per shell is enough, so that no mark is sent twice.
# The guard is not exported: a nested bash has its own prompt and needs its own marks.
[ -z "$_slipway_interactive" ] || return 0
_slipway_interactive=1

shopt -s checkwinsize histappend
HISTSIZE=5000 HISTFILESIZE=5000 HISTCONTROL=ignoredups
PATH=$HOME/.local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 0022
export PATH LESS=-R EDITOR=nano

alias ls='ls --color=auto' grep='grep --color=auto' ll='ls -alF' la='ls -A'
[ ! -r /usr/share/bash-completion/bash_completion ] || . /usr/share/bash-completion/bash_completion

# Through a file, because a substitution would fork: with the process limit reached that takes bash 15 seconds.
_slipway_file=/dev/shm/.slipway-$$
_slipway_say_command() {
    local line= HISTTIMEFORMAT=
    { builtin history 1 >|"$_slipway_file"; } 2>/dev/null || return 0
    IFS= read -r -d '' -n 1100 line <"$_slipway_file" || :
    line=${line#"${line%%[0-9]*}"} line=${line#"${line%%[!0-9]*}"} line=${line:2}
    line=${line%$'\n'} line=${line:0:1000}
    line=${line//%/%25} line=${line//;/%3B} line=${line//$'\n'/%0A} line=${line//$'\t'/%09}
    printf '\e]777;slipway;command;%s\a' "${line//[[:cntrl:]]/?}"
}

_slipway_before_prompt() {
    local code=$?
    # An empty line or Ctrl-C at the prompt ran nothing: no D without a C.
    if [ -n "$_slipway_ran" ]; then
        _slipway_say_command
        printf '\e]133;D;%s\a' "$code"
    fi
    _slipway_ran=
    printf '\e]133;A\a'
    # A learner may set a prompt of their own; its end mark comes back by itself.
    case $PS1 in *'133;B'*) ;; *) PS1+='\[\e]133;B\a\]' ;; esac
}

# PS0 is printed between Enter and the command's output. The arithmetic inside notes, in this shell and without
# a fork, that a command ran; it expands to nothing.
_slipway_some=x
PS0='\e]133;C\a${_slipway_some:$((_slipway_ran = 1, 0)):0}'
# Element 1: a learner's own PROMPT_COMMAND=... sets element 0 and both run.
PROMPT_COMMAND=([1]=_slipway_before_prompt)

# In a machine with its own engine the shell is root of a user namespace, and only there: outside it stays the
# learner, and so does the prompt.
if [ "$HOME" = /home/learner ]; then
    PS1='\[\e[1;32m\]learner@\h\[\e[0m\]:\[\e[1;34m\]\w\[\e[0m\]$ '
else
    PS1='\u@\h:\w\$ '
fi
PS1+='\[\e]133;B\a\]'
