"""What runs in a `vm` machine around its guests: starts QEMU, watches over it, carries terminal and scripts.

Standard library only: this folder is copied into the machine image as /usr/local/lib/slipway/machine.
"""
