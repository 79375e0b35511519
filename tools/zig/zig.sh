#!/bin/sh
# zig under the names of the tools that CMake calls: links to this file are named cxx_compiler, ar and ranlib.
# Its linker for macOS knows no bundles, which Python loads as it loads shared libraries, and reads no list of
# the symbols that Python brings: all that are missing are left to it.
name=$(basename "$0")
if [ "$name" != cxx_compiler ]; then
  exec "$ZIG" "$name" "$@"
fi
for argument; do
  shift
  case $argument in
    -bundle) set -- "$@" -shared ;;
    -Wl,@*) set -- "$@" -Wl,-undefined,dynamic_lookup ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec "$ZIG" c++ -target "$ZIG_TARGET" "$@"
