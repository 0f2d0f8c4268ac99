#!/bin/sh
# The program beside this file (NAME.elf) brings its own C library. Its ELF interpreter is
# named through descriptor 9, which is this folder: so the archive works wherever it is
# unpacked, the process is the program itself, and it can start itself again.
file=$(readlink -f -- "$0")
exec 9< "${file%/*}"
exec "$file.elf" "$@"
